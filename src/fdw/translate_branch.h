/* fdw/translate_branch.h — expressions that compute only some of their parts. */
#ifndef CH_FDW_TRANSLATE_BRANCH_H
#define CH_FDW_TRANSLATE_BRANCH_H

#include "fdw/translate_part.h"

extern const ConnhubExpr *ch_translate_coalesce(Node *node, ChTranslation *t);
extern const ConnhubExpr *ch_translate_case(Node *node, ChTranslation *t);
extern const ConnhubExpr *ch_translate_case_test(Node *node, ChTranslation *t);

/* GREATEST and LEAST. */
extern const ConnhubExpr *ch_translate_min_max(Node *node, ChTranslation *t);

#endif
