/* fdw/translate.h — PostgreSQL expression → request expression. */
#ifndef CH_FDW_TRANSLATE_H
#define CH_FDW_TRANSLATE_H

#include "fdw/relinfo.h"

/* The expression in the ABI's words, or NULL with *reason saying what has no counterpart.  Its columns are those of
 * info's relations, and of outer ones, whose values will be known when the relation is read.  From grouping on it
 * may use group keys and aggregates only. */
extern const ConnhubExpr *ch_translate(ChRelInfo *info, Node *node, Relids outer, const char **reason);

#endif
