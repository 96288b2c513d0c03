/* fdw/plan_direct.c — an UPDATE or DELETE that the source does at one go.
 *
 * The scan that would have fed it becomes the statement: its conditions are the WHERE clause, so all of them
 * must be exact.  The server has made sure that no trigger, check of a view or generated column needs the
 * rows. */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/appendinfo.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "utils/partcache.h"
#include "utils/rel.h"

#include "common/guc.h"
#include "fdw/fdw.h"
#include "fdw/modify.h"
#include "fdw/translate.h"
#include "request/request.h"

/* A statement in the making. */
typedef struct ChDirect
{
	ChRelInfo  *info;
	ConnhubWriteKind kind;
	List	   *columns;		/* attribute numbers set */
	List	   *values;			/* ConnhubExpr *, what they are set to */
	List	   *returning;		/* attribute numbers */
	List	   *outputs;		/* ConnhubExpr *, the columns given back */
	List	   *filters;		/* ConnhubExpr * */
} ChDirect;

/* The scan of the target, when nothing else is in between. */
static ForeignScan *
scan_of_target(ModifyTable *plan, Index result)
{
	Plan	   *below = outerPlan(plan);
	ListCell   *cell;

	if (IsA(below, Result) && outerPlan(below) != NULL && IsA(outerPlan(below), Append))
		below = outerPlan(below);
	if (IsA(below, ForeignScan))
		return ((ForeignScan *) below)->scan.scanrelid == result ? (ForeignScan *) below : NULL;
	if (!IsA(below, Append))
		return NULL;
	foreach(cell, ((Append *) below)->appendplans)
	{
		Plan	   *child = lfirst(cell);

		if (IsA(child, ForeignScan) && ((ForeignScan *) child)->scan.scanrelid == result)
			return (ForeignScan *) child;
	}
	return NULL;
}

/* Every column of a write is one of its table, so that a sub-select's would be taken for those. */
static const char *const no_query = "a sub-select takes part";

static const char *
collect_filters(ChDirect *direct, ForeignScan *scan)
{
	ListCell   *cell;

	if (scan->scan.plan.qual != NIL || !direct->info->all_exact || direct->info->has_gate ||
		list_length(scan->fdw_recheck_quals) != list_length(direct->info->pieces))
		return "conditions are checked here";
	foreach(cell, direct->info->pieces)
	{
		const ConnhubExpr *expr = ((ChPiece *) lfirst(cell))->expr;

		if (ch_expr_has_query(expr))
			return no_query;
		direct->filters = lappend(direct->filters, (void *) expr);
	}
	return NULL;
}

static const char *
collect_assignment(ChDirect *direct, Expr *value, AttrNumber attnum)
{
	const ConnhubColumn *column = &direct->info->columns[attnum - 1].column;
	ConnhubPiece piece = {.kind = CONNHUB_PIECE_ASSIGN,.column = column};
	const char *reason = NULL;
	const ConnhubExpr *expr = ch_translate(direct->info, (Node *) value, NULL, &reason);

	if (expr == NULL)
		return reason;
	if (ch_expr_has_query(expr))
		return no_query;
	if (expr->type.type != column->type.type ||
		(expr->type.type == CONNHUB_NATIVE && strcmp(expr->type.pg_type, column->type.pg_type) != 0))
		return "a value has another type than its column";
	piece.expr = expr;
	(void) ch_source_ask(direct->info->at, &piece, &reason);
	direct->columns = lappend_int(direct->columns, attnum);
	direct->values = lappend(direct->values, (void *) expr);
	return reason;
}

/* A row that leaves its partition must be seen here. */
static bool
sets_partition_key(ChRelInfo *info, List *columns)
{
	Relation	relation = table_open(info->table, NoLock);
	Bitmapset  *used = NULL;
	bool		result = false;
	ListCell   *cell;

	if (relation->rd_rel->relispartition)
		pull_varattnos((Node *) RelationGetPartitionQual(relation), 1, &used);
	foreach(cell, columns)
		result |= bms_is_member(lfirst_int(cell) - FirstLowInvalidHeapAttributeNumber, used);
	table_close(relation, NoLock);
	return result;
}

static const char *
collect_assignments(ChDirect *direct, PlannerInfo *root, Index result)
{
	const char *reason = NULL;
	List	   *targets;
	List	   *numbers;
	ListCell   *target;
	ListCell   *number;

	if (direct->kind != CONNHUB_UPDATE)
		return NULL;
	get_translated_update_targetlist(root, result, &targets, &numbers);
	if (sets_partition_key(direct->info, numbers))
		return "it sets a column of the partition's key";
	forboth(target, targets, number, numbers)
	{
		if (reason == NULL)
			reason = collect_assignment(direct, lfirst_node(TargetEntry, target)->expr, lfirst_int(number));
	}
	return reason;
}

static const char *
collect(ChDirect *direct, PlannerInfo *root, ModifyTable *plan, Index result, int subplan_index, ForeignScan *scan)
{
	List	   *returning = plan->returningLists ? list_nth(plan->returningLists, subplan_index) : NIL;
	ChWriteParts parts = {.kind = direct->kind};
	ConnhubPiece piece = {.kind = CONNHUB_PIECE_WRITE};
	const char *reason;
	ListCell   *cell;
	bool		is_asked;

	if (!ch_pushdown)
		return "connhub.pushdown is off";
	if ((direct->info->at->driver->capabilities & CONNHUB_CAP_MODIFY) == 0)
		return "the driver writes row by row only";

	/* SET (a, b) = (SELECT ...): each is a parameter that only the row's own plan gives a value. */
	if (root->multiexpr_params != NIL)
		return no_query;
	reason = collect_filters(direct, scan);
	if (reason == NULL)
		reason = collect_assignments(direct, root, result);
	if (reason)
		return reason;
	direct->returning = ch_modify_returning(direct->info, direct->kind, NULL, result, returning, NIL, &is_asked);
	foreach(cell, direct->returning)
		direct->outputs = lappend(direct->outputs,
								  (void *) ch_expr_column(&direct->info->columns[lfirst_int(cell) - 1].column,
														  direct->info->number));
	parts.columns = direct->columns;
	parts.returning = direct->returning;
	piece.write = ch_modify_write(direct->info, &parts);
	(void) ch_source_ask(direct->info->at, &piece, &reason);
	if (reason == NULL)
		ch_modify_require(direct->info, piece.write);
	return reason;
}

/* Expressions as a driver gets them; what their parameters stand for is added to *sources. */
static const ConnhubExpr *const *
finish(const ChDirect *direct, List *exprs, List **sources)
{
	const ConnhubExpr **result = palloc(sizeof(ConnhubExpr *) * Max(list_length(exprs), 1));
	int			n = 0;
	ListCell   *cell;

	foreach(cell, exprs)
		result[n++] = ch_expr_finish(lfirst(cell), direct->info->number, sources);
	return result;
}

/* The native statement; *sources becomes a List of ChParam *, one for each of its parameters. */
static char *
render(ChDirect *direct, List **sources)
{
	ChRelInfo  *info = direct->info;
	ConnhubRequest request = {
		.struct_size = sizeof(ConnhubRequest),.schema = ch_source_name(info->remote_schema),.table = ch_source_name(info->remote_table)
	};
	int			nvalues = list_length(direct->values);
	ConnhubAssignment *assignments = palloc(sizeof(ConnhubAssignment) * Max(nvalues, 1));
	ConnhubModify modify = {.struct_size = sizeof(ConnhubModify),.kind = direct->kind,.request = &request};
	const ConnhubExpr *const *values;
	ConnhubText text = {0};
	ConnhubError error = {0};
	ConnhubStatus status;

	*sources = NIL;
	values = finish(direct, direct->values, sources);
	request.outputs = finish(direct, direct->outputs, sources);
	request.noutputs = list_length(direct->outputs);
	request.filters = finish(direct, direct->filters, sources);
	request.nfilters = list_length(direct->filters);
	for (int i = 0; i < nvalues; i++)
	{
		assignments[i].column = &info->columns[list_nth_int(direct->columns, i) - 1].column;
		assignments[i].value = values[i];
	}
	modify.assignments = assignments;
	modify.nassignments = nvalues;
	status = info->at->driver->render_modify(&info->at->source, &modify, &text, &error);
	return ch_source_take_text(info->at, status, &text, &error);
}

static void
set_item(List *private, ChPlanItem which, void *value)
{
	lfirst(list_nth_cell(private, which)) = value;
}

/* Nobody reads what the scan puts out but which table a row is of.  Its columns are looked for by name, but to
 * compute them from the changed row could fail. */
static List *
blank_targets(List *targets)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, targets)
	{
		TargetEntry *entry = flatCopyTargetEntry(lfirst_node(TargetEntry, cell));
		Node	   *expr = (Node *) entry->expr;
		bool		is_table = IsA(expr, Var) && ((Var *) expr)->varattno == TableOidAttributeNumber;

		if (!is_table)
			entry->expr = (Expr *) makeNullConst(exprType(expr), exprTypmod(expr), exprCollation(expr));
		result = lappend(result, entry);
	}
	return result;
}

bool
ch_plan_direct_modify(PlannerInfo *root, ModifyTable *plan, Index result, int subplan_index)
{
	ChDirect	direct = {.kind = plan->operation == CMD_UPDATE ? CONNHUB_UPDATE : CONNHUB_DELETE};
	ForeignScan *scan;
	RelOptInfo *rel;
	List	   *types = NIL;
	List	   *exprs = NIL;
	List	   *sources;
	List	   *private;
	char	   *statement;
	ListCell   *cell;

	if (plan->operation != CMD_UPDATE && plan->operation != CMD_DELETE)
		return false;
	rel = find_base_rel(root, result);
	scan = scan_of_target(plan, result);
	if (rel->fdw_private == NULL)
		return false;
	direct.info = rel->fdw_private;
	direct.info->direct_reason = scan == NULL ? "other relations take part, or something is computed here in between" :
		collect(&direct, root, plan, result, subplan_index, scan);
	if (direct.info->direct_reason)
		return false;

	statement = render(&direct, &sources);
	foreach(cell, sources)
	{
		ChParam    *param = lfirst(cell);

		exprs = lappend(exprs, param->expr);
		types = lappend_oid(types, param->type);
	}
	private = list_copy(scan->fdw_private);
	set_item(private, CH_PLAN_QUERY, makeString(statement));
	set_item(private, CH_PLAN_COLUMNS, direct.returning);
	set_item(private, CH_PLAN_PARAM_TYPES, types);
	set_item(private, CH_PLAN_LIMIT_PARAM, makeInteger(-1));
	set_item(private, CH_PLAN_OFFSET_PARAM, makeInteger(-1));
	set_item(private, CH_PLAN_SYSTEM_COLUMNS, makeInteger(0));
	set_item(private, CH_PLAN_FEW_ROWS, makeInteger(direct.returning == NIL));
	set_item(private, CH_PLAN_KEPT, NIL);
	set_item(private, CH_PLAN_WRITES, makeInteger(plan->canSetTag ? CH_PLAN_COUNTS : CH_PLAN_MODIFIES));
	scan->fdw_private = private;
	scan->fdw_exprs = exprs;
	scan->operation = plan->operation;
	scan->resultRelation = result;
	scan->scan.plan.targetlist = blank_targets(scan->scan.plan.targetlist);
	return true;
}
