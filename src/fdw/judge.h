/* fdw/judge.h — PostgreSQL expression → request expression → the driver's verdict, reasons kept. */
#ifndef CH_FDW_JUDGE_H
#define CH_FDW_JUDGE_H

#include "fdw/relinfo.h"

/* The verdict on a condition of a WHERE clause. */
extern ChPiece *ch_judge_filter(PlannerInfo *root, RelOptInfo *rel, ChRelInfo *info,
								RestrictInfo *rinfo);

/* Can the source sort by pathkeys exactly?  Then *sort becomes a List of ConnhubSortKey *; otherwise
 * *reason says why not.  Call it once the relation's pieces are known. */
extern bool ch_judge_sort(PlannerInfo *root, RelOptInfo *rel, ChRelInfo *info, List *pathkeys,
						  List **sort, const char **reason);

/* Can the source apply a LIMIT and OFFSET?  Either node may be NULL. */
extern bool ch_judge_limit(PlannerInfo *root, ChRelInfo *info, Node *count, Node *offset,
						   const ConnhubExpr **limit, const ConnhubExpr **skip,
						   const char **reason);

#endif
