/* fdw/translate_array.h — comparison with the elements of an array, and chains of conditions. */
#ifndef CH_FDW_TRANSLATE_ARRAY_H
#define CH_FDW_TRANSLATE_ARRAY_H

#include "fdw/translate_part.h"

/* AND or OR of any number of conditions.  Sources parse a chain as a tree as deep as it is long and bound that
 * depth, so a long one becomes a chain of chains. */
extern const ConnhubExpr *ch_translate_junction(ConnhubFunction fn, List *args);

/* x op ANY (array), x op ALL (array). */
extern const ConnhubExpr *ch_translate_array_op(Node *node, ChTranslation *t);

#endif
