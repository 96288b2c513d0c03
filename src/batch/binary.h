/* batch/binary.h — PostgreSQL's binary form of a numeric → Datum, without its receive function. */
#ifndef CH_BATCH_BINARY_H
#define CH_BATCH_BINARY_H

/* Make the numeric that numeric_recv would make of these bytes under typmod, in the current memory context.  False,
 * with nothing done, for whatever is out of the ordinary: ask numeric_recv then. */
extern bool ch_numeric_from_binary(const char *data, Size length, int32 typmod, Datum *result);

#endif
