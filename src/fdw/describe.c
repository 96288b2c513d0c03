/* fdw/describe.c — the scans of a plan as data, for connhub.pushdown_summary: what EXPLAIN (VERBOSE) prints, and
 * the conditions the source alone checks. */
#include "postgres.h"

#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

#include "common/compat.h"
#include "common/redact.h"
#include "fdw/fdw.h"

typedef struct Walk
{
	QueryDesc  *query;
	List	   *deparse;		/* deparse context of the plan tree */
	List	   *found;			/* ChPlanDescription * */
} Walk;

char *
ch_plan_masked(char *text)
{
	char	   *copy = ch_redact(text);

	return copy ? copy : text;
}

static ChPlanPiece *
piece_make(char *text, const char *verdict, const char *reason)
{
	ChPlanPiece *piece = palloc(sizeof(ChPlanPiece));

	piece->text = ch_plan_masked(text);
	piece->verdict = verdict;
	piece->reason = reason;
	return piece;
}

List *
ch_plan_pieces(ForeignScan *scan, List *deparse, bool with_exact)
{
	List	   *notes = (List *) list_nth(scan->fdw_private, CH_PLAN_QUALS);
	List	   *exact = with_exact ? scan->fdw_recheck_quals : NIL;
	List	   *context = exact == NIL && notes == NIL ? NIL : set_deparse_context_plan(deparse, &scan->scan.plan, NIL);
	List	   *pieces = NIL;
	ListCell   *qual;
	ListCell   *cell;

	foreach(qual, exact)
		pieces = lappend(pieces, piece_make(deparse_expression(lfirst(qual), context, true, false), "exact", NULL));
	forboth(qual, scan->scan.plan.qual, cell, notes)
	{
		List	   *note = lfirst(cell);

		pieces = lappend(pieces, piece_make(deparse_expression(lfirst(qual), context, true, false),
											intVal(list_nth(note, CH_NOTE_SENT)) != 0 ? "rechecked" : "local",
											strVal(list_nth(note, CH_NOTE_REASON))));
	}
	foreach(cell, (List *) list_nth(scan->fdw_private, CH_PLAN_KEPT))
	{
		List	   *note = lfirst(cell);

		pieces = lappend(pieces, piece_make(strVal(list_nth(note, CH_NOTE_PIECE)), "local",
											strVal(list_nth(note, CH_NOTE_REASON))));
	}
	return pieces;
}

/* The name of the table a scan reads, with the one the query gives it. */
static const char *
relation_name(QueryDesc *query, ForeignScan *scan)
{
	RangeTblEntry *rte = rt_fetch(scan->scan.scanrelid, query->plannedstmt->rtable);
	char	   *name = get_rel_name(rte->relid);
	char	   *qualified = quote_qualified_identifier(get_namespace_name(get_rel_namespace(rte->relid)), name);

	if (strcmp(rte->eref->aliasname, name) == 0)
		return qualified;
	return psprintf("%s %s", qualified, quote_identifier(rte->eref->aliasname));
}

static void
describe_scan(Walk *walk, ForeignScan *scan)
{
	ChPlanDescription *description = palloc0(sizeof(ChPlanDescription));

	description->relation = scan->scan.scanrelid > 0 ? relation_name(walk->query, scan) :
		strVal(list_nth(scan->fdw_private, CH_PLAN_RELATIONS));
	description->connector = strVal(list_nth(scan->fdw_private, CH_PLAN_CONNECTOR_NAME));
	description->query = ch_plan_masked(strVal(list_nth(scan->fdw_private, CH_PLAN_QUERY)));
	description->rows = floatVal(list_nth(scan->fdw_private, CH_PLAN_ROWS));
	description->width = intVal(list_nth(scan->fdw_private, CH_PLAN_WIDTH));
	description->returned = scan->scan.plan.plan_rows;
	description->pieces = ch_plan_pieces(scan, walk->deparse, true);
	walk->found = lappend(walk->found, description);
}

static bool
describe_node(PlanState *state, void *context)
{
	Walk	   *walk = context;

	if (IsA(state, ForeignScanState))
	{
		ForeignScanState *node = (ForeignScanState *) state;

		if (node->fdwroutine->BeginForeignScan == ch_begin_foreign_scan)
			describe_scan(walk, castNode(ForeignScan, state->plan));
	}
	return planstate_tree_walker(state, describe_node, context);
}

List *
ch_plan_describe(QueryDesc *query)
{
	PlannedStmt *plan = query->plannedstmt;
	Bitmapset  *all = list_length(plan->rtable) > 0 ? bms_add_range(NULL, 1, list_length(plan->rtable)) : NULL;
	Walk		walk = {.query = query};

	walk.deparse = deparse_context_for_plan_tree(plan, select_rtable_names_for_explain(plan->rtable, all));
	describe_node(query->planstate, &walk);
	return walk.found;
}
