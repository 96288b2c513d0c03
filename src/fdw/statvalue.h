/* fdw/statvalue.h — a value of a source's statistics, told as text, as a value here. */
#ifndef CH_FDW_STATVALUE_H
#define CH_FDW_STATVALUE_H

/* Are values of this type, which is no domain, read at all? */
extern bool ch_statvalue_readable(Oid type);

/* Read text as a value of a readable type, in the current memory context.  False: it is none, or too long to be
 * kept.  Never throws for what the text holds. */
extern bool ch_statvalue_read(Oid type, const char *text, Datum *value);

#endif
