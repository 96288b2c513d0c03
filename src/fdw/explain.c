/* fdw/explain.c — what was sent where, what stayed here, and why.
 *
 * A native query may hold constants of the user's own query; it goes through the masking of secrets
 * like any other text. */
#include "postgres.h"

#include "nodes/makefuncs.h"

#include "common/compat.h"
#include "fdw/fdw.h"
#include "fdw/modify.h"

/* One piece checked or done here. */
static void
explain_piece(const char *label, const char *piece, const char *reason, ExplainState *es)
{
	if (es->format == EXPLAIN_FORMAT_TEXT)
	{
		ExplainPropertyText(label, psprintf("%s (%s)", piece, reason), es);
		return;
	}
	ExplainOpenGroup("Piece", NULL, true, es);
	ExplainPropertyText("Where", label, es);
	ExplainPropertyText("Piece", piece, es);
	ExplainPropertyText("Reason", reason, es);
	ExplainCloseGroup("Piece", NULL, true, es);
}

static void
explain_local(ForeignScan *plan, ExplainState *es)
{
	List	   *pieces = ch_plan_pieces(plan, es->deparse_cxt, false);
	ListCell   *cell;

	if (pieces == NIL)
		return;
	ExplainOpenGroup("Local", "Local", false, es);
	foreach(cell, pieces)
	{
		const ChPlanPiece *piece = lfirst(cell);

		explain_piece(strcmp(piece->verdict, "rechecked") == 0 ? "Rechecked Locally" : "Kept Locally", piece->text,
					  piece->reason, es);
	}
	ExplainCloseGroup("Local", "Local", false, es);
}

static void
explain_text(const char *connector, const char *label, char *text, ExplainState *es)
{
	ExplainPropertyText("Connector", connector, es);
	ExplainPropertyText(label, ch_plan_masked(text), es);
}

void
ch_explain_direct_modify(ForeignScanState *node, ExplainState *es)
{
	List	   *private = castNode(ForeignScan, node->ss.ps.plan)->fdw_private;

	if (es->verbose)
		explain_text(strVal(list_nth(private, CH_PLAN_CONNECTOR_NAME)), "Native Statement",
					 strVal(list_nth(private, CH_PLAN_QUERY)), es);
}

void
ch_explain_foreign_modify(ModifyTableState *state, ResultRelInfo *rinfo, List *private, int subplan_index,
						  ExplainState *es)
{
	const char *reason = strVal(list_nth(private, CH_MODIFY_REASON));

	if (!es->verbose)
		return;
	explain_text(strVal(list_nth(private, CH_MODIFY_CONNECTOR_NAME)), "Native Statement",
				 strVal(list_nth(private, CH_MODIFY_STATEMENT)), es);
	if (state->operation == CMD_INSERT)
		ExplainPropertyInteger("Batch Size", NULL, rinfo->ri_BatchSize, es);
	if (reason[0] != '\0')
		explain_piece("Kept Locally", state->operation == CMD_UPDATE ? "update" : "delete", reason, es);
}

void
ch_explain_foreign_scan(ForeignScanState *node, ExplainState *es)
{
	ForeignScan *plan = castNode(ForeignScan, node->ss.ps.plan);
	List	   *private = plan->fdw_private;
	ChScanCounts counts;

	if (es->verbose)
	{
		if (plan->scan.scanrelid == 0)
			ExplainPropertyText("Relations", strVal(list_nth(private, CH_PLAN_RELATIONS)), es);
		explain_text(strVal(list_nth(private, CH_PLAN_CONNECTOR_NAME)), "Native Query",
					 strVal(list_nth(private, CH_PLAN_QUERY)), es);
		explain_local(plan, es);
	}
	if (es->analyze)
	{
		ch_scan_counts(node, &counts);
		ExplainPropertyInteger("Queries Sent", NULL, counts.queries, es);
		ExplainPropertyInteger("Rows Fetched", NULL, counts.rows, es);
		ExplainPropertyInteger("Batches Fetched", NULL, counts.batches, es);
		if (counts.spilled > 0)
			ExplainPropertyInteger("Rows Set Aside", NULL, counts.spilled, es);
	}
}
