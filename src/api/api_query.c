/* api/api_query.c — connhub.pushdown_summary: what of a query goes to which source.
 *
 * The query is planned and its plan is started as EXPLAIN starts one, with the caller's rights: what the caller
 * may not read is an error, nothing runs and nothing is opened. */
#include "postgres.h"

#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "api/api.h"
#include "common/compat.h"
#include "common/error.h"
#include "fdw/fdw.h"

PG_FUNCTION_INFO_V1(connhub_pushdown_summary);

/* Positions of errors in the text given are told beside that text, not as those of the statement that runs. */
static void
query_context(void *arg)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(arg);
	}
}

/* The queries that one statement becomes; others are refused. */
static List *
analyze_statement(const char *text)
{
	List	   *statements = pg_parse_query(text);
	List	   *queries;
	ListCell   *cell;

	if (list_length(statements) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("argument \"query\" must be one statement"),
				 errhint("Call connhub.pushdown_summary once for each.")));
	queries = ch_compat_analyze_query(linitial(statements), text);
	foreach(cell, queries)
	{
		if (lfirst_node(Query, cell)->commandType == CMD_UTILITY)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("argument \"query\" must be a SELECT, VALUES, INSERT, UPDATE, DELETE or MERGE"),
					 errhint("Give the query that the statement runs.")));
	}
	return queries;
}

static void
put_scan(ReturnSetInfo *result, int number, const ChPlanDescription *scan, const ChPlanPiece *piece)
{
	Datum		values[10];
	bool		nulls[10] = {false};

	values[0] = Int32GetDatum(number);
	values[1] = CStringGetTextDatum(scan->relation);
	values[2] = CStringGetTextDatum(scan->connector);
	values[3] = CStringGetTextDatum(scan->query);
	nulls[4] = piece == NULL;
	values[4] = piece == NULL ? (Datum) 0 : CStringGetTextDatum(piece->text);
	values[5] = CStringGetTextDatum(piece == NULL ? "exact" : piece->verdict);
	nulls[6] = piece == NULL || piece->reason == NULL;
	values[6] = nulls[6] ? (Datum) 0 : CStringGetTextDatum(piece->reason);
	values[7] = Float8GetDatum(scan->rows);
	values[8] = Float8GetDatum(scan->rows * scan->width);
	values[9] = Float8GetDatum(scan->returned);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* The scans of one query, numbered on from *number. */
static void
summarize(Query *query, const char *text, ReturnSetInfo *result, int *number)
{
	PlannedStmt *plan = pg_plan_query(query, text, CURSOR_OPT_PARALLEL_OK, NULL);
	QueryDesc  *description;
	ListCell   *scan;
	ListCell   *piece;

	PushCopiedSnapshot(GetActiveSnapshot());
	UpdateActiveSnapshotCommandId();
	description = CreateQueryDesc(plan, text, GetActiveSnapshot(), InvalidSnapshot, None_Receiver, NULL, NULL, 0);
	ExecutorStart(description, EXEC_FLAG_EXPLAIN_ONLY);
	foreach(scan, ch_plan_describe(description))
	{
		const ChPlanDescription *one = lfirst(scan);

		++*number;
		if (one->pieces == NIL)
			put_scan(result, *number, one, NULL);
		foreach(piece, one->pieces)
			put_scan(result, *number, one, lfirst(piece));
	}
	ExecutorEnd(description);
	FreeQueryDesc(description);
	PopActiveSnapshot();
}

Datum
connhub_pushdown_summary(PG_FUNCTION_ARGS)
{
	char	   *text = ch_api_required_text(fcinfo, 0, "query");
	ErrorContextCallback context = {error_context_stack, query_context, text};
	ListCell   *cell;
	int			number = 0;

	InitMaterializedSRF(fcinfo, 0);
	error_context_stack = &context;
	foreach(cell, analyze_statement(text))
		summarize(lfirst_node(Query, cell), text, (ReturnSetInfo *) fcinfo->resultinfo, &number);
	error_context_stack = context.previous;
	return (Datum) 0;
}
