/* fdw/derived.h — a sub-select whose rows the same connector can give. */
#ifndef CH_FDW_DERIVED_H
#define CH_FDW_DERIVED_H

#include "connhub/driver.h"
#include "fdw/relinfo.h"

/* The request of a planned sub-select, one output per column of its target list; NULL with *reason set when
 * something of it is done here, or it is of another connector or user than `around`.  Not finished. */
extern const ConnhubRequest *ch_derived_request(PlannerInfo *root, const ChRelInfo *around, const char **reason);

/* Does an expression use one of these executor parameters? */
extern bool ch_uses_params(Node *node, List *ids);

/* Have sub-selects in FROM looked at.  Once per process. */
extern void ch_derived_init(void);

#endif
