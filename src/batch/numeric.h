/* batch/numeric.h — decimal text ↔ numeric. */
#ifndef CH_BATCH_NUMERIC_H
#define CH_BATCH_NUMERIC_H

/* Make the numeric that numeric_in makes of this text and typmod (-1: none), in the current memory
 * context.  False: the text is in no plain form, or the typmod would change or refuse it. */
extern bool ch_numeric_from_text(const char *text, Size length, int32 typmod, Datum *result);

/* The text that numeric_out makes of a numeric, in the current memory context and without an end mark.  False: the
 * numeric is not in its short form. */
extern bool ch_numeric_to_text(Datum value, char **text, Size *length);

#endif
