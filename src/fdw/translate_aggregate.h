/* fdw/translate_aggregate.h — aggregates, GROUPING and window functions. */
#ifndef CH_FDW_TRANSLATE_AGGREGATE_H
#define CH_FDW_TRANSLATE_AGGREGATE_H

#include "fdw/translate_part.h"

extern const ConnhubExpr *ch_translate_aggref(Node *node, ChTranslation *t);
extern const ConnhubExpr *ch_translate_grouping(Node *node, ChTranslation *t);
extern const ConnhubExpr *ch_translate_window(Node *node, ChTranslation *t);

/* An average as the sum and the count it is made of: the same aggregate in other functions.  NULL where the node is
 * no average of numbers that are summed up exactly. */
extern bool ch_translate_average(ChRelInfo *info, Node *node, const ConnhubExpr **sum, const ConnhubExpr **count);

#endif
