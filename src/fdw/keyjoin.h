/* fdw/keyjoin.h — a join that sends the keys of one side to the source of the other, in batches. */
#ifndef CH_FDW_KEYJOIN_H
#define CH_FDW_KEYJOIN_H

#include "nodes/extensible.h"
#include "nodes/pathnodes.h"

#include "fdw/relinfo.h"

/* The places of a CustomScan's custom_private. */
typedef enum ChKeyJoinItem
{
	CH_KEYJOIN_TYPE,			/* Integer: JoinType */
	CH_KEYJOIN_OUTER,			/* Integer: columns of the outer side, which come first in the scan's row */
	CH_KEYJOIN_BATCH,			/* Integer: keys sent at once */
	CH_KEYJOIN_OPERATOR,		/* Const of oid: the equality, outer side first */
	CH_KEYJOIN_COLLATION,		/* Const of oid */
	CH_KEYJOIN_ITEMS
} ChKeyJoinItem;

/* The places of its custom_exprs, all in terms of the scan's row. */
typedef enum ChKeyJoinExpr
{
	CH_KEYJOIN_OUTER_KEY,		/* Expr */
	CH_KEYJOIN_INNER_KEY,		/* Expr */
	CH_KEYJOIN_MATCH,			/* List of Expr: all must hold for two rows to match */
	CH_KEYJOIN_FILTER,			/* List of Expr: conditions on joined rows of an outer join */
	CH_KEYJOIN_EXPRS
} ChKeyJoinExpr;

/* Marks, in the expression of a parameter, the number of a key that is known at execution; the array of all
 * of them is number 0. */
#define CH_KEY_PARAM_KIND	PARAM_SUBLINK
#define CH_KEY_NONE			(-1)	/* not a key: an expression */
#define CH_KEY_FROM			(-2)	/* the bounds of a range of blocks */
#define CH_KEY_UNTIL		(-3)

/* The condition on a relation that its key be one of those sent; NULL when its source does not take it.  path is one
 * made by plan_keys.c. */
extern const ConnhubExpr *ch_keyjoin_condition(const ForeignPath *path);

/* The executor's side. */
extern Node *ch_create_key_join_state(CustomScan *plan);
extern void ch_begin_key_join(CustomScanState *node, EState *estate, int eflags);
extern TupleTableSlot *ch_exec_key_join(CustomScanState *node);
extern void ch_end_key_join(CustomScanState *node);
extern void ch_rescan_key_join(CustomScanState *node);
extern void ch_explain_key_join(CustomScanState *node, List *ancestors, struct ExplainState *es);

/* Offer such joins to the planner.  Once per process. */
extern void ch_keyjoin_init(void);

#endif
