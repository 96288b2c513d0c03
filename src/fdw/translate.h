/* fdw/translate.h — PostgreSQL expression → request expression. */
#ifndef CH_FDW_TRANSLATE_H
#define CH_FDW_TRANSLATE_H

#include "fdw/relinfo.h"

/* The expression in the ABI's words, or NULL with *reason saying what has no counterpart.  Parameters it
 * needs are added to info's candidates. */
extern const ConnhubExpr *ch_translate(ChRelInfo *info, Node *node, const char **reason);

#endif
