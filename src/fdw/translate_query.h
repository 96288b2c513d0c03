/* fdw/translate_query.h — sub-selects in expressions. */
#ifndef CH_FDW_TRANSLATE_QUERY_H
#define CH_FDW_TRANSLATE_QUERY_H

#include "fdw/translate_part.h"

extern const ConnhubExpr *ch_translate_subplan(Node *node, ChTranslation *t);
extern const ConnhubExpr *ch_translate_alternatives(Node *node, ChTranslation *t);

#endif
