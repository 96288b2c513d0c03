/* fdw/collect.h — rows of a write that are all found before the first is written. */
#ifndef CH_FDW_COLLECT_H
#define CH_FDW_COLLECT_H

#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"

/* Have the rows of a write be found first, where something that is read for them could be read after a row was
 * written.  Called as the plan is made. */
extern void ch_collect_first(PlannerInfo *root, ModifyTable *plan);

/* Once per process. */
extern void ch_collect_init(void);

#endif							/* CH_FDW_COLLECT_H */
