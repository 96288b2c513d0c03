/* fdw/judge.h — PostgreSQL expression → request expression → the driver's verdict, reasons kept.
 *
 * What returns an expression returns NULL, with *reason set, when the source is not to be asked for it. */
#ifndef CH_FDW_JUDGE_H
#define CH_FDW_JUDGE_H

#include "fdw/relinfo.h"

/* The verdict on a condition of a WHERE clause; the columns of `outer` are values known at execution. */
extern ChPiece *ch_judge_filter(RelOptInfo *rel, ChRelInfo *info, RestrictInfo *rinfo, Relids outer);

/* The verdict on a condition of HAVING: exact or refused. */
extern ChPiece *ch_judge_having(ChRelInfo *info, Expr *clause);

/* Does a condition that is already in the ABI's words keep exactly the right rows? */
extern bool ch_judge_condition(ChRelInfo *info, const ConnhubExpr *expr, const char **reason);

/* Does the source take it as a condition, though it may let more rows through? */
extern bool ch_judge_sent(ChRelInfo *info, const ConnhubExpr *expr);

/* A condition under which two rows join. */
extern const ConnhubExpr *ch_judge_on(RelOptInfo *rel, ChRelInfo *info, RestrictInfo *rinfo, const char **reason);

/* May a join be made there of two relations that are?  */
extern bool ch_judge_join(ChRelInfo *info, const ConnhubRelation *join, const char **reason);

/* A group key; clause tells the equality it is grouped by. */
extern const ConnhubExpr *ch_judge_group(ChRelInfo *info, Node *node, const SortGroupClause *clause, const char **reason);

/* A value computed there, and whether a sum and a count may stand for it when it is an average. */
extern const ConnhubExpr *ch_judge_output(ChRelInfo *info, Node *node, const char **reason);
extern bool ch_judge_average(ChRelInfo *info, Node *node, ChOutput *output);

/* A finished request as a whole: its groupings, or whether it may stand where a table does, or be locked. */
extern bool ch_judge_request(ChRelInfo *info, ConnhubPieceKind kind, const ConnhubRequest *request, const char **reason);

/* Can the source sort by pathkeys exactly?  Then *sort becomes a List of ConnhubSortKey *; otherwise
 * *reason says why not.  Call it once the relation's pieces are known. */
extern bool ch_judge_sort(ChRelInfo *info, List *pathkeys, List **sort, const char **reason);

/* A sort key of a window. */
extern bool ch_judge_sort_clause(ChRelInfo *info, Node *node, const SortGroupClause *clause, ConnhubSortKey *sort,
								 const char **reason);

/* Can the source apply a LIMIT and OFFSET?  Either node may be NULL. */
extern bool ch_judge_limit(ChRelInfo *info, Node *count, Node *offset,
						   const ConnhubExpr **limit, const ConnhubExpr **skip, const char **reason);

#endif
