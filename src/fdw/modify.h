/* fdw/modify.h — writes: the plan's private list, and what planner and executor both need. */
#ifndef CH_FDW_MODIFY_H
#define CH_FDW_MODIFY_H

#include "foreign/fdwapi.h"
#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"

#include "fdw/relinfo.h"

struct ChRequestParts;

/* ModifyTable.fdwPrivLists: a List indexed by this. */
typedef enum ChModifyItem
{
	CH_MODIFY_CONNECTOR_NAME,	/* String */
	CH_MODIFY_CONFIG_VERSION,	/* Const of int8: the configuration the statement was planned for */
	CH_MODIFY_STATEMENT,		/* String: the native statement of a row with the columns given */
	CH_MODIFY_COLUMNS,			/* IntList: attribute numbers: INSERT: given; UPDATE: set */
	CH_MODIFY_KEYS,				/* IntList: attribute numbers of the key */
	CH_MODIFY_RETURNING,		/* IntList: attribute numbers given back */
	CH_MODIFY_SKIP,				/* Integer: 1 for ON CONFLICT DO NOTHING */
	CH_MODIFY_REASON,			/* String: why it is done row by row; empty for INSERT */
	CH_MODIFY_ITEMS
} ChModifyItem;

/* A write by lists of attribute numbers. */
typedef struct ChWriteParts
{
	ConnhubWriteKind kind;
	List	   *columns;
	List	   *keys;
	List	   *returning;
	bool		skip_conflicts;
	bool		cascade;
	bool		restart_identity;
} ChWriteParts;

extern ConnhubWrite *ch_modify_write(ChRelInfo *info, const ChWriteParts *parts);

/* The driver's native statement for it. */
extern char *ch_modify_render(ChRelInfo *info, const ConnhubWrite *write);

/* Throws, with the driver's reason, when the connector, the table or the source does not take the write. */
extern void ch_modify_require(ChRelInfo *info, const ConnhubWrite *write);

/* Drop what is to be given back when the source gives nothing back and nobody but checks and triggers asks for
 * it: they then see what was sent.  Only where that is a whole row (is_whole). */
extern void ch_modify_settle_returning(ChRelInfo *info, ChWriteParts *parts, bool is_asked, bool is_whole);

/* Attribute numbers of the row that must come back: those that RETURNING uses as columns of varno; all for triggers
 * and the checks of views, which show the row.  relation NULL: there are no triggers.  *is_asked: RETURNING uses some. */
extern List *ch_modify_returning(ChRelInfo *info, ConnhubWriteKind kind, Relation relation, Index varno,
								 List *returning, List *checks, bool *is_asked);

/* Attribute numbers of all columns that hold a value of their own: neither dropped nor generated here nor, unless
 * with_remote, at the source. */
extern List *ch_modify_columns(ChRelInfo *info, Relation relation, bool with_remote);

/* Rows of one batch of writes, at least 1. */
extern int	ch_modify_batch_size(Relation relation);

/* Name of the junk column with a key's old value. */
extern char *ch_modify_key_name(Form_pg_attribute attribute);

/* How are the rows that the planner reads of this relation to be locked? */
extern ConnhubLock ch_lock_wanted(PlannerInfo *root, RelOptInfo *rel);

/* Does the query lock or change rows?  A row that changed meanwhile is then looked at again, alone (EvalPlanQual), which only
 * the scan of one table can do. */
extern bool ch_rows_are_rechecked(PlannerInfo *root);

/* The lock to ask of the source for a request of these parts: the one wanted, where the source can. */
extern ConnhubLock ch_modify_lock(PlannerInfo *root, RelOptInfo *rel, ChRelInfo *info,
								  const struct ChRequestParts *parts);

/* plan_modify.c */
extern int	ch_is_foreign_rel_updatable(Relation relation);
extern void ch_add_foreign_update_targets(PlannerInfo *root, Index rtindex, RangeTblEntry *target_rte,
										  Relation target_relation);
extern List *ch_plan_foreign_modify(PlannerInfo *root, ModifyTable *plan, Index result, int subplan_index);

/* plan_direct.c */
extern bool ch_plan_direct_modify(PlannerInfo *root, ModifyTable *plan, Index result, int subplan_index);

/* exec_modify.c */
extern void ch_begin_foreign_modify(ModifyTableState *mtstate, ResultRelInfo *rinfo, List *private,
									int subplan_index, int eflags);
extern TupleTableSlot *ch_exec_foreign_insert(EState *estate, ResultRelInfo *rinfo, TupleTableSlot *slot,
											  TupleTableSlot *plan_slot);
extern TupleTableSlot **ch_exec_foreign_batch_insert(EState *estate, ResultRelInfo *rinfo, TupleTableSlot **slots,
													 TupleTableSlot **plan_slots, int *nslots);
extern int	ch_get_foreign_modify_batch_size(ResultRelInfo *rinfo);
extern TupleTableSlot *ch_exec_foreign_update(EState *estate, ResultRelInfo *rinfo, TupleTableSlot *slot,
											  TupleTableSlot *plan_slot);
extern TupleTableSlot *ch_exec_foreign_delete(EState *estate, ResultRelInfo *rinfo, TupleTableSlot *slot,
											  TupleTableSlot *plan_slot);
extern void ch_end_foreign_modify(EState *estate, ResultRelInfo *rinfo);
extern void ch_begin_foreign_insert(ModifyTableState *mtstate, ResultRelInfo *rinfo);
extern void ch_end_foreign_insert(EState *estate, ResultRelInfo *rinfo);
extern void ch_exec_foreign_truncate(List *relations, DropBehavior behavior, bool restart_identity);

#endif
