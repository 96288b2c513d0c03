/* fdw/explain.c — what was sent where, what stayed here, and why.
 *
 * A native query may hold constants of the user's own query; it goes through the masking of secrets
 * like any other text. */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "utils/ruleutils.h"

#include "common/compat.h"
#include "common/redact.h"
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
explain_local(ForeignScanState *node, List *private, ExplainState *es)
{
	Plan	   *plan = node->ss.ps.plan;
	List	   *notes = (List *) list_nth(private, CH_PLAN_QUALS);
	List	   *kept = (List *) list_nth(private, CH_PLAN_KEPT);
	List	   *context;
	ListCell   *qual;
	ListCell   *cell;

	if (notes == NIL && kept == NIL)
		return;
	ExplainOpenGroup("Local", "Local", false, es);
	context = set_deparse_context_plan(es->deparse_cxt, plan, NIL);
	forboth(qual, plan->qual, cell, notes)
	{
		List	   *note = lfirst(cell);
		bool		sent = intVal(list_nth(note, CH_NOTE_SENT)) != 0;
		char	   *text = deparse_expression(lfirst(qual), context, true, false);

		explain_piece(sent ? "Rechecked Locally" : "Kept Locally", text, strVal(list_nth(note, CH_NOTE_REASON)), es);
	}
	foreach(cell, kept)
	{
		List	   *note = lfirst(cell);

		explain_piece("Kept Locally", strVal(list_nth(note, CH_NOTE_PIECE)),
					  strVal(list_nth(note, CH_NOTE_REASON)), es);
	}
	ExplainCloseGroup("Local", "Local", false, es);
}

static void
explain_statement(const char *connector, char *statement, ExplainState *es)
{
	char	   *masked = ch_redact(statement);

	ExplainPropertyText("Connector", connector, es);
	ExplainPropertyText("Native Statement", masked ? masked : statement, es);
}

void
ch_explain_direct_modify(ForeignScanState *node, ExplainState *es)
{
	List	   *private = castNode(ForeignScan, node->ss.ps.plan)->fdw_private;

	if (es->verbose)
		explain_statement(strVal(list_nth(private, CH_PLAN_CONNECTOR_NAME)),
						  strVal(list_nth(private, CH_PLAN_QUERY)), es);
}

void
ch_explain_foreign_modify(ModifyTableState *state, ResultRelInfo *rinfo, List *private, int subplan_index,
						  ExplainState *es)
{
	const char *reason = strVal(list_nth(private, CH_MODIFY_REASON));

	if (!es->verbose)
		return;
	explain_statement(strVal(list_nth(private, CH_MODIFY_CONNECTOR_NAME)),
					  strVal(list_nth(private, CH_MODIFY_STATEMENT)), es);
	if (state->operation == CMD_INSERT)
		ExplainPropertyInteger("Batch Size", NULL, rinfo->ri_BatchSize, es);
	if (reason[0] != '\0')
		explain_piece("Kept Locally", state->operation == CMD_UPDATE ? "update" : "delete", reason, es);
}

void
ch_explain_foreign_scan(ForeignScanState *node, ExplainState *es)
{
	List	   *private = castNode(ForeignScan, node->ss.ps.plan)->fdw_private;
	char	   *query = strVal(list_nth(private, CH_PLAN_QUERY));
	char	   *masked = ch_redact(query);
	ChScanCounts counts;

	if (es->verbose)
	{
		if (castNode(ForeignScan, node->ss.ps.plan)->scan.scanrelid == 0)
			ExplainPropertyText("Relations", strVal(list_nth(private, CH_PLAN_RELATIONS)), es);
		ExplainPropertyText("Connector", strVal(list_nth(private, CH_PLAN_CONNECTOR_NAME)), es);
		ExplainPropertyText("Native Query", masked ? masked : query, es);
		explain_local(node, private, es);
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
