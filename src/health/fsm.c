/* health/fsm.c — a connector's status: which one follows another, and the only way to change it.
 *
 * The table is the whole machine: what is not in it cannot happen.  A change and the event that tells of it are one
 * transaction, so that whoever delivers events tells of each change once. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "catalog/cat_event.h"
#include "catalog/cat_sql.h"
#include "catalog/cat_store.h"
#include "common/error.h"
#include "common/wake.h"
#include "health/fsm.h"

const char *const ch_status_names[CH_STATUS_COUNT] = {
	[CH_STATUS_TESTING] = "TESTING",
	[CH_STATUS_ACTIVE] = "ACTIVE",
	[CH_STATUS_WARNING] = "WARNING",
	[CH_STATUS_ERROR] = "ERROR",
	[CH_STATUS_INACTIVE] = "INACTIVE",
	[CH_STATUS_MAINTENANCE] = "MAINTENANCE",
};

typedef struct Edge
{
	ChStatus	from;
	ChStatusInput input;
	ChStatus	to;
} Edge;

#define EDGE(from, input, to) {CH_STATUS_##from, CH_INPUT_##input, CH_STATUS_##to}

/* Every edge that leads elsewhere; all others stay where they are, for the reasons given below. */
static const Edge edges[] = {
	/* The first test says what the connector is. */
	EDGE(TESTING, SUCCEEDED, ACTIVE),
	EDGE(TESTING, SLOW, WARNING),
	EDGE(TESTING, FAILED, ERROR),
	/* The user takes it out of use, or announces work on the source, before the first test. */
	EDGE(TESTING, DISABLED, INACTIVE),
	EDGE(TESTING, WINDOW_BEGUN, MAINTENANCE),

	/* One slow test is enough: the limit is the user's own. */
	EDGE(ACTIVE, SLOW, WARNING),
	/* One failed test is enough: it had its whole time limit, and a query would have failed too. */
	EDGE(ACTIVE, FAILED, ERROR),
	/* What was found holds for another configuration. */
	EDGE(ACTIVE, CHANGED, TESTING),
	EDGE(ACTIVE, DISABLED, INACTIVE),
	EDGE(ACTIVE, WINDOW_BEGUN, MAINTENANCE),

	/* Fast again. */
	EDGE(WARNING, SUCCEEDED, ACTIVE),
	/* From slow to gone. */
	EDGE(WARNING, FAILED, ERROR),
	/* As for an active one. */
	EDGE(WARNING, CHANGED, TESTING),
	EDGE(WARNING, DISABLED, INACTIVE),
	EDGE(WARNING, WINDOW_BEGUN, MAINTENANCE),

	/* Recovered, at once or at least slowly.  CHANGED is no way out: only a test may tell that it is well again. */
	EDGE(ERROR, SUCCEEDED, ACTIVE),
	EDGE(ERROR, SLOW, WARNING),
	/* No recovery, but nobody cares any more. */
	EDGE(ERROR, DISABLED, INACTIVE),
	EDGE(ERROR, WINDOW_BEGUN, MAINTENANCE),

	/* Back in use, and unknown until it is tested.  No test and no window moves a disabled one: it is the user's word. */
	EDGE(INACTIVE, ENABLED, TESTING),

	/* The window is over: a test is due at once.  Until then tests are recorded and move nothing. */
	EDGE(MAINTENANCE, WINDOW_ENDED, TESTING),
	/* The user's word counts for more than the window. */
	EDGE(MAINTENANCE, DISABLED, INACTIVE),
};

ChStatus
ch_status_next(ChStatus from, ChStatusInput input)
{
	for (int i = 0; i < lengthof(edges); i++)
		if (edges[i].from == from && edges[i].input == input)
			return edges[i].to;
	return from;
}

ChStatus
ch_status_parse(const char *name)
{
	for (int i = 0; i < CH_STATUS_COUNT; i++)
		if (strcmp(ch_status_names[i], name) == 0)
			return (ChStatus) i;
	elog(ERROR, "unknown status \"%s\" of a connector", name);
	return CH_STATUS_ERROR;
}

const char *
ch_status_severity(ChStatus to)
{
	static const char *const severities[CH_STATUS_COUNT] = {
		[CH_STATUS_TESTING] = "info",
		[CH_STATUS_ACTIVE] = "info",
		[CH_STATUS_WARNING] = "warning",
		[CH_STATUS_ERROR] = "error",
		[CH_STATUS_INACTIVE] = "info",
		[CH_STATUS_MAINTENANCE] = "info",
	};

	return severities[to];
}

bool
ch_status_counts(ChStatus status)
{
	return status != CH_STATUS_INACTIVE && status != CH_STATUS_MAINTENANCE;
}

TimestampTz
ch_status_due(TimestampTz tested_at, int64 interval_ms, double chance)
{
	return tested_at + (TimestampTz) (interval_ms * 1000.0 * (0.95 + 0.1 * chance));
}

/* ---- Applying ---------------------------------------------------------------------------- */

/* A connector's row under the lock. */
typedef struct Locked
{
	pg_uuid_t	tenant;
	char	   *name;
	ChStatus	status;
} Locked;

static bool
lock(const pg_uuid_t *id, bool may_wait, Locked *locked)
{
	ChSql		sql;
	bool		found;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, id);
	found = ch_sql_run(&sql, may_wait ?
					   "SELECT tenant_id, name, status FROM connhub_catalog.connector"
					   " WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE" :
					   "SELECT tenant_id, name, status FROM connhub_catalog.connector"
					   " WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE SKIP LOCKED") > 0;
	if (found)
	{
		HeapTuple	tuple = SPI_tuptable->vals[0];
		TupleDesc	descriptor = SPI_tuptable->tupdesc;
		bool		isnull;

		locked->tenant = *DatumGetUUIDP(SPI_getbinval(tuple, descriptor, 1, &isnull));
		locked->name = MemoryContextStrdup(sql.caller, SPI_getvalue(tuple, descriptor, 2));
		locked->status = ch_status_parse(SPI_getvalue(tuple, descriptor, 3));
	}
	ch_sql_end(&sql);
	return found;
}

/* {"from": …, "to": …, and of the test behind it: "code", "phase", "message", "detail", "hint", "latency_ms"}. */
static Jsonb *
change_detail(ChStatus from, ChStatus to, const ChProbe *probe)
{
	ChSql		sql;
	Jsonb	   *detail;
	bool		isnull;

	ch_sql_begin(&sql);
	ch_sql_text(&sql, ch_status_names[from]);
	ch_sql_text(&sql, ch_status_names[to]);
	ch_sql_value(&sql, JSONBOID, probe == NULL ? (Datum) 0 : JsonbPGetDatum(ch_probe_document(probe)), probe == NULL);
	ch_sql_run(&sql, "SELECT jsonb_strip_nulls(jsonb_build_object('from', $1, 'to', $2, 'code', $3->'error_code',"
			   " 'phase', $3->'phase', 'message', $3->'message', 'detail', $3->'detail', 'hint', $3->'hint',"
			   " 'latency_ms', $3->'latency_ms'))");
	detail = DatumGetJsonbPCopy(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	detail = memcpy(MemoryContextAlloc(sql.caller, VARSIZE(detail)), detail, VARSIZE(detail));
	ch_sql_end(&sql);
	return detail;
}

static void
tell(const pg_uuid_t *id, const Locked *locked, ChStatus to, const ChProbe *probe)
{
	ChEvent		event = {
		.tenant = &locked->tenant,
		.connector = id,
		.kind = "status",
		.severity = ch_status_severity(to),
		.detail = change_detail(locked->status, to, probe),
	};

	event.message = psprintf("connector \"%s\" is %s after %s%s%s", locked->name, ch_status_names[to],
							 ch_status_names[locked->status], probe != NULL ? ": " : "",
							 probe != NULL ? ch_probe_message(probe) : "");
	ch_event_record(&event);
}

bool
ch_status_apply(const pg_uuid_t *id, ChStatusInput input, const ChProbe *probe, bool may_wait, ChStatus *status)
{
	Locked		locked;

	if (!lock(id, may_wait, &locked))
		return false;
	*status = ch_status_next(locked.status, input);
	if (*status == locked.status)
		return true;
	ch_connector_set_status(id, ch_status_names[*status]);
	tell(id, &locked, *status, probe);
	ch_wake_at_commit();
	return true;
}
