/* fdw/translate_func.h — calls of functions, and casts. */
#ifndef CH_FDW_TRANSLATE_FUNC_H
#define CH_FDW_TRANSLATE_FUNC_H

#include "fdw/translate_part.h"

extern const ConnhubExpr *ch_translate_func(Node *node, ChTranslation *t);
extern const ConnhubExpr *ch_translate_coerce_via_io(Node *node, ChTranslation *t);

#endif
