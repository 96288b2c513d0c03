/* request/semantics.h — what PostgreSQL's operators, functions and collations mean, in the driver ABI's
 * words. */
#ifndef CH_REQUEST_SEMANTICS_H
#define CH_REQUEST_SEMANTICS_H

#include "connhub/driver.h"

typedef struct ChMeaning
{
	Oid			function;		/* pg_proc; an operator stands under its function */
	ConnhubFunction fn;
	ConnhubType operand;		/* every operand is first brought to this type by a lossless widening;
								 * CONNHUB_TYPE_NONE: they must already share one PostgreSQL type */
	ConnhubType second;			/* of the second and the third operand, where they differ from the first; */
	ConnhubType third;			/* CONNHUB_TYPE_NONE: they do not */
} ChMeaning;

/* The meaning of a built-in function, or NULL when it has none here. */
extern const ChMeaning *ch_meaning_get(Oid function);

/* The meaning of a built-in function whose first argument is the name of a unit ('year') or of a time zone, or NULL when
 * it has none.  The meaning is that of a function of the arguments after the first. */
extern const ChMeaning *ch_meaning_of_word(Oid function, const char *word);

/* Are values equal under the collation only when their bytes are?  So are those without a collation. */
extern bool ch_equals_by_bytes(Oid collation);

/* The collation a comparison, or (folds) a change or disregard of case, follows.  In the current memory
 * context; NULL for InvalidOid. */
extern const ConnhubCollation *ch_collation_make(Oid collation, bool folds);

#endif
