/* fdw/collect.c — the rows of a write, all found before the first is written.
 *
 * A statement sees the data as it was when it began.  A source has no such view for us: a query that is sent to it after
 * the first row was written sees that row.  A single scan begins before; a sub-select, the inner side of a
 * nested loop or a batch of keys may not.  So between them and the write a node is put that reads everything
 * first.  The rows may go to disk. */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "common/compat.h"
#include "fdw/collect.h"
#include "fdw/fdw.h"

typedef struct ChCollectState
{
	CustomScanState css;		/* must be first */
	PlanState  *below;
	Tuplestorestate *rows;		/* NULL: not read yet */
	TupleTableSlot *slot;		/* for rows of it */
} ChCollectState;

static Node *create_state(CustomScan *plan);

static const CustomScanMethods scan_methods = {
	.CustomName = "Connhub Collect",
	.CreateCustomScanState = create_state,
};

/* ---- Planning ---------------------------------------------------------------------------- */

#define MANY_SCANS	2

typedef struct ChScans
{
	int			count;			/* foreign scans; one that may begin late counts as many */
	bool		has_write;		/* one of them is itself a write */
} ChScans;

static void count_scans(ChScans *scans, Plan *plan);

static void
count_list(ChScans *scans, List *plans)
{
	ListCell   *cell;

	foreach(cell, plans)
		count_scans(scans, lfirst(cell));
}

/* Of partitions each has rows of its own: one more begins no other one late. */
static void
count_most(ChScans *scans, List *plans)
{
	int			most = 0;
	ListCell   *cell;

	foreach(cell, plans)
	{
		ChScans		each = {0};

		count_scans(&each, lfirst(cell));
		most = Max(most, each.count);
		scans->has_write |= each.has_write;
	}
	scans->count += most;
}

static void
count_scans(ChScans *scans, Plan *plan)
{
	int			before;

	if (plan == NULL)
		return;
	check_stack_depth();
	count_scans(scans, outerPlan(plan));
	before = scans->count;
	count_scans(scans, innerPlan(plan));
	if (IsA(plan, NestLoop) && scans->count > before)
		scans->count += MANY_SCANS;
	else if (IsA(plan, ForeignScan))
	{
		scans->count++;
		scans->has_write |= ((ForeignScan *) plan)->operation != CMD_SELECT;
	}
	else if (IsA(plan, Append))
		count_most(scans, ((Append *) plan)->appendplans);
	else if (IsA(plan, MergeAppend))
		count_most(scans, ((MergeAppend *) plan)->mergeplans);
	else if (IsA(plan, SubqueryScan))
		count_scans(scans, ((SubqueryScan *) plan)->subplan);
	else if (IsA(plan, CustomScan))
		count_list(scans, ((CustomScan *) plan)->custom_plans);
}

/* A column that is another one in each table of an inheritance tree has no name that could be shown. */
static Expr *
shown_as(TargetEntry *target)
{
	RelabelType *name;

	if (!IsA(target->expr, Var) || ((Var *) target->expr)->varno != ROWID_VAR)
		return target->expr;
	name = makeRelabelType((Expr *) makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1, CStringGetTextDatum(target->resname),
											  false, false),
						   exprType((Node *) target->expr), exprTypmod((Node *) target->expr),
						   exprCollation((Node *) target->expr), COERCE_IMPLICIT_CAST);
	return (Expr *) name;
}

/* What the node puts out are the columns of what stands below. */
static Plan *
collect_make(Plan *below)
{
	CustomScan *scan = makeNode(CustomScan);
	ListCell   *cell;

	foreach(cell, below->targetlist)
	{
		TargetEntry *target = flatCopyTargetEntry(lfirst_node(TargetEntry, cell));

		target->expr = shown_as(target);
		scan->custom_scan_tlist = lappend(scan->custom_scan_tlist, target);
		scan->scan.plan.targetlist = lappend(scan->scan.plan.targetlist, copyObject(target));
	}
	scan->scan.plan.startup_cost = scan->scan.plan.total_cost = below->total_cost;
	scan->scan.plan.plan_rows = below->plan_rows;
	scan->scan.plan.plan_width = below->plan_width;
	scan->flags = ch_compat_custom_projection();
	scan->custom_plans = list_make1(below);
	scan->methods = &scan_methods;
	return &scan->scan.plan;
}

void
ch_collect_first(PlannerInfo *root, ModifyTable *plan)
{
	Plan	   *below = outerPlan(plan);
	ChScans		inside = {0};
	ChScans		beside = {0};

	if (IsA(below, CustomScan) && ((CustomScan *) below)->methods == &scan_methods)
		return;
	count_scans(&inside, below);
	count_list(&beside, root->glob->subplans);

	/* The rows of a scan that writes are looked at by the write above it, one by one. */
	if (inside.has_write || (inside.count < MANY_SCANS && beside.count == 0))
		return;
	outerPlan(plan) = collect_make(below);
}

void
ch_collect_init(void)
{
	RegisterCustomScanMethods(&scan_methods);
}

/* ---- Executing --------------------------------------------------------------------------- */

static void
begin(CustomScanState *node, EState *estate, int eflags)
{
	ChCollectState *state = (ChCollectState *) node;

	state->below = ExecInitNode(linitial(castNode(CustomScan, node->ss.ps.plan)->custom_plans), estate, eflags);
	node->custom_ps = list_make1(state->below);
	state->slot = MakeSingleTupleTableSlot(ExecGetResultType(state->below), &TTSOpsMinimalTuple);
}

static void
read_all(ChCollectState *state)
{
	state->rows = tuplestore_begin_heap(false, false, work_mem);
	for (;;)
	{
		TupleTableSlot *slot = ExecProcNode(state->below);

		if (TupIsNull(slot))
			break;
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttupleslot(state->rows, slot);
	}
}

static TupleTableSlot *
next_row(CustomScanState *node)
{
	ChCollectState *state = (ChCollectState *) node;
	TupleTableSlot *row = node->ss.ss_ScanTupleSlot;

	if (state->rows == NULL)
		read_all(state);
	ExecClearTuple(row);
	if (!tuplestore_gettupleslot(state->rows, true, false, state->slot))
		return NULL;
	slot_getallattrs(state->slot);
	memcpy(row->tts_values, state->slot->tts_values, sizeof(Datum) * row->tts_tupleDescriptor->natts);
	memcpy(row->tts_isnull, state->slot->tts_isnull, sizeof(bool) * row->tts_tupleDescriptor->natts);
	ExecStoreVirtualTuple(row);
	if (node->ss.ps.ps_ProjInfo == NULL)
		return row;
	ResetExprContext(node->ss.ps.ps_ExprContext);
	node->ss.ps.ps_ExprContext->ecxt_scantuple = row;
	return ExecProject(node->ss.ps.ps_ProjInfo);
}

static void
forget(ChCollectState *state)
{
	ExecClearTuple(state->css.ss.ss_ScanTupleSlot);
	ExecClearTuple(state->slot);
	if (state->rows)
		tuplestore_end(state->rows);
	state->rows = NULL;
}

static void
rescan(CustomScanState *node)
{
	ChCollectState *state = (ChCollectState *) node;

	forget(state);
	if (node->ss.ps.chgParam)
		UpdateChangedParamSet(state->below, node->ss.ps.chgParam);
	if (state->below->chgParam == NULL)
		ExecReScan(state->below);
}

static void
end(CustomScanState *node)
{
	ChCollectState *state = (ChCollectState *) node;

	forget(state);
	ExecDropSingleTupleTableSlot(state->slot);
	ExecEndNode(state->below);
}

static const CustomExecMethods exec_methods = {
	.CustomName = "Connhub Collect",
	.BeginCustomScan = begin,
	.ExecCustomScan = next_row,
	.EndCustomScan = end,
	.ReScanCustomScan = rescan,
};

static Node *
create_state(CustomScan *plan)
{
	ChCollectState *state = palloc0(sizeof(ChCollectState));

	NodeSetTag(state, T_CustomScanState);
	state->css.methods = &exec_methods;
	return (Node *) state;
}
