/* health/history.c — what tests found, recorded: the last one, the history, each day's sum, and the status.
 *
 * Hundreds of tests are recorded by one statement.  Most find a connector as it was, so its own row, which every backend
 * caches, is neither written nor locked: only a change of status or of what is known of the source touches it.
 * Whoever records for others waits for nobody: a user's transaction may hold a row for long. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "catalog/cat_sql.h"
#include "catalog/cat_store.h"
#include "common/compat.h"
#include "common/error.h"
#include "common/guc.h"
#include "common/wake.h"
#include "conn/shared.h"
#include "health/history.h"

#define TRIM_ROWS 5000

void
ch_check_of(const ChConnector *connector, ChCheck *check)
{
	memset(check, 0, sizeof(*check));
	check->id = connector->id;
	check->config_version = connector->config_version;
	check->warning_ms = ch_connector_option_integer(connector, "latency_warning_ms");
	check->interval_ms = ch_connector_option_ms(connector, "health_interval");
	if (check->interval_ms <= 0)
		check->interval_ms = (int64) ch_health_interval_s * 1000;
}

void
ch_check_run(const ChConnector *connector, Oid user, ChCheck *check)
{
	ChTarget	target = {.connector = connector, .user = user};

	ch_check_of(connector, check);
	ch_probe_run(&target, &check->probe);
}

static ChStatusInput
check_input(const ChCheck *check)
{
	if (!check->probe.success)
		return CH_INPUT_FAILED;
	if (check->warning_ms > 0 && ch_probe_latency_ms(&check->probe) > check->warning_ms)
		return CH_INPUT_SLOW;
	return CH_INPUT_SUCCEEDED;
}

/* ---- What is there ----------------------------------------------------------------------- */

/* A connector as the catalogue has it, beside the check of it. */
typedef struct Known
{
	bool		is_current;		/* it is there, with the configuration that was tested */
	ChStatus	status;
	bool		knows_source;	/* what the test found of the source is known already */
} Known;

static Datum
array_of(Oid type, const Datum *values, const bool *nulls, int count)
{
	int16		length;
	bool		by_value;
	char		align;
	int			lower = 1;

	get_typlenbyvalalign(type, &length, &by_value, &align);
	return PointerGetDatum(construct_md_array((Datum *) values, (bool *) nulls, 1, &count, &lower, type, length, by_value,
											  align));
}

static Datum
ids_of(const ChCheck *checks, int count)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
		values[i] = UUIDPGetDatum(&checks[i].id);
	return array_of(UUIDOID, values, NULL, count);
}

static bool
same_as_found(HeapTuple tuple, TupleDesc descriptor, const ConnhubInfo *info)
{
	char	   *product = SPI_getvalue(tuple, descriptor, 4);
	char	   *version = SPI_getvalue(tuple, descriptor, 5);
	bool		isnull;

	return product != NULL && strcmp(product, info->product) == 0 &&
		version != NULL && strcmp(version, info->version) == 0 &&
		DatumGetInt32(SPI_getbinval(tuple, descriptor, 6, &isnull)) == (int32) info->version_num &&
		DatumGetInt64(SPI_getbinval(tuple, descriptor, 7, &isnull)) == (int64) info->flags;
}

static Known *
load_known(const ChCheck *checks, int count)
{
	Known	   *known = palloc0(sizeof(Known) * count);
	ChSql		sql;
	uint64		nrows;

	ch_sql_begin(&sql);
	ch_sql_value(&sql, UUIDARRAYOID, ids_of(checks, count), false);
	nrows = ch_sql_run(&sql, "SELECT u.place::integer, c.status, c.config_version, c.source_product, c.source_version,"
					   " coalesce(c.source_version_num, 0), c.source_flags"
					   " FROM unnest($1) WITH ORDINALITY AS u (id, place)"
					   " JOIN connhub_catalog.connector AS c ON c.id = u.id WHERE c.deleted_at IS NULL");
	for (uint64 i = 0; i < nrows; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	descriptor = SPI_tuptable->tupdesc;
		bool		isnull;
		int			place = DatumGetInt32(SPI_getbinval(tuple, descriptor, 1, &isnull)) - 1;
		const ChCheck *check = &checks[place];

		known[place].status = ch_status_parse(SPI_getvalue(tuple, descriptor, 2));
		known[place].is_current = !check->is_void &&
			DatumGetInt64(SPI_getbinval(tuple, descriptor, 3, &isnull)) == check->config_version;
		known[place].knows_source = !check->probe.success || same_as_found(tuple, descriptor, &check->probe.info);
	}
	ch_sql_end(&sql);
	return known;
}

/* ---- Recording --------------------------------------------------------------------------- */

/* The arrays of the statement, in the order of its parameters. */
enum
{
	COLUMN_ID, COLUMN_AT, COLUMN_DOCUMENT, COLUMN_SUCCESS, COLUMN_DUE, COLUMN_STATUS, COLUMN_COUNTS, COLUMN_LATENCY,
	COLUMN_FIRST_PHASE, COLUMN_CODE = COLUMN_FIRST_PHASE + CONNHUB_NPHASES - 1, COLUMN_PHASE, COLUMN_MESSAGE, NCOLUMNS
};

/* What is inserted is what could be updated: the row in health stands for all others of the connector.  %s: whether
 * to wait for it. */
#define RECORD_STATEMENT \
	"WITH found AS (SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)" \
	" AS u (id, at, document, success, due, status, counts, latency, dns, tunnel, tcp, tls, auth, database, permission," \
	" code, phase, message))," \
	" free AS (SELECT h.connector_id FROM connhub_catalog.health AS h WHERE h.connector_id = ANY ($1)" \
	" ORDER BY h.connector_id FOR NO KEY UPDATE %s)," \
	" updated AS (UPDATE connhub_catalog.health AS h SET tested_at = f.at, result = f.document, next_due_at = f.due," \
	" failures = CASE WHEN f.success THEN 0 ELSE h.failures + 1 END" \
	" FROM found AS f WHERE h.connector_id = f.id AND h.connector_id IN (SELECT connector_id FROM free) RETURNING h.connector_id)," \
	" days AS (INSERT INTO connhub_catalog.health_day AS d" \
	" SELECT f.id, (f.at AT TIME ZONE 'UTC')::date, 1, (NOT f.success)::integer, (f.status = 'WARNING')::integer," \
	" CASE WHEN f.success THEN f.latency ELSE 0 END, CASE WHEN f.success THEN f.latency ELSE 0 END" \
	" FROM found AS f JOIN updated AS u ON u.connector_id = f.id WHERE f.counts" \
	" ON CONFLICT (connector_id, day) DO UPDATE SET checks = d.checks + 1, failures = d.failures + EXCLUDED.failures," \
	" slow = d.slow + EXCLUDED.slow, latency_sum_ms = d.latency_sum_ms + EXCLUDED.latency_sum_ms," \
	" latency_max_ms = greatest(d.latency_max_ms, EXCLUDED.latency_max_ms))" \
	" INSERT INTO connhub_catalog.health_check (connector_id, checked_at, status, success, latency_ms, dns_ms, tunnel_ms," \
	" tcp_ms, tls_ms, auth_ms, database_ms, permission_ms, code, phase, message)" \
	" SELECT f.id, f.at, f.status, f.success, f.latency, f.dns, f.tunnel, f.tcp, f.tls, f.auth, f.database, f.permission," \
	" f.code, f.phase, f.message FROM found AS f JOIN updated AS u ON u.connector_id = f.id" \
	" RETURNING connector_id"

static const Oid column_types[NCOLUMNS] = {
	[COLUMN_ID] = UUIDOID, [COLUMN_AT] = TIMESTAMPTZOID, [COLUMN_DOCUMENT] = JSONBOID, [COLUMN_SUCCESS] = BOOLOID,
	[COLUMN_DUE] = TIMESTAMPTZOID, [COLUMN_STATUS] = TEXTOID, [COLUMN_COUNTS] = BOOLOID,
	[COLUMN_LATENCY ... COLUMN_CODE - 1] = FLOAT4OID,
	[COLUMN_CODE] = TEXTOID, [COLUMN_PHASE] = TEXTOID, [COLUMN_MESSAGE] = TEXTOID,
};

typedef struct Columns
{
	Datum	   *values[NCOLUMNS];
	bool	   *nulls[NCOLUMNS];
	int			count;
} Columns;

static void
put(Columns *columns, int column, Datum value, bool isnull)
{
	columns->values[column][columns->count] = value;
	columns->nulls[column][columns->count] = isnull;
}

static void
put_text(Columns *columns, int column, const char *text)
{
	put(columns, column, text == NULL ? (Datum) 0 : CStringGetTextDatum(text), text == NULL);
}

static void
add_row(Columns *columns, const ChCheck *check, ChStatus status)
{
	const ChProbe *probe = &check->probe;
	bool		has_phase = !probe->success && probe->error.phase != CONNHUB_PHASE_NONE;

	put(columns, COLUMN_ID, UUIDPGetDatum(&check->id), false);
	put(columns, COLUMN_AT, TimestampTzGetDatum(probe->tested_at), false);
	put(columns, COLUMN_DOCUMENT, JsonbPGetDatum(ch_probe_document(probe)), false);
	put(columns, COLUMN_SUCCESS, BoolGetDatum(probe->success), false);
	put(columns, COLUMN_DUE,
		TimestampTzGetDatum(ch_status_due(probe->tested_at, check->interval_ms, ch_compat_random())), false);
	put_text(columns, COLUMN_STATUS, ch_status_names[status]);
	put(columns, COLUMN_COUNTS, BoolGetDatum(ch_status_counts(status)), false);
	put(columns, COLUMN_LATENCY, Float4GetDatum((float4) ch_probe_latency_ms(probe)), false);
	for (int phase = CONNHUB_PHASE_NONE + 1; phase < CONNHUB_NPHASES; phase++)
	{
		double		ms = ch_probe_phase_ms(probe, (ConnhubPhase) phase);

		put(columns, COLUMN_FIRST_PHASE + phase - 1, Float4GetDatum((float4) ms), ms < 0);
	}
	put_text(columns, COLUMN_CODE, ch_probe_code(probe));
	put_text(columns, COLUMN_PHASE, has_phase ? ch_phase_name(probe->error.phase) : NULL);
	put_text(columns, COLUMN_MESSAGE, probe->success ? NULL : ch_probe_message(probe));
	columns->count++;
}

/* Which of the checks were written comes back by their ids. */
static void
note_recorded(ChCheck *checks, int count)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		pg_uuid_t  *id = DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));

		for (int k = 0; k < count; k++)
			if (memcmp(&checks[k].id, id, sizeof(*id)) == 0)
				checks[k].is_recorded = true;
	}
}

static void
write_rows(const Columns *columns, ChCheck *checks, int count, bool may_wait)
{
	ChSql		sql;

	if (columns->count == 0)
		return;
	ch_sql_begin(&sql);
	for (int column = 0; column < NCOLUMNS; column++)
		ch_sql_value(&sql, get_array_type(column_types[column]),
					 array_of(column_types[column], columns->values[column], columns->nulls[column], columns->count), false);
	ch_sql_run(&sql, psprintf(RECORD_STATEMENT, may_wait ? "" : "SKIP LOCKED"));
	note_recorded(checks, count);
	ch_sql_end(&sql);
}

/* The status after a check, changed when it is another; false: the row is held by somebody else. */
static bool
settle_status(const ChCheck *check, Known *known, bool may_wait)
{
	ChStatusInput input = check_input(check);
	ChStatus	next = ch_status_next(known->status, input);

	if (next != known->status && !ch_status_apply(&check->id, input, &check->probe, may_wait, &next))
		return false;
	known->status = next;
	return true;
}

static void
record_source(const ChCheck *check, bool may_wait)
{
	ChSql		sql;
	bool		is_free;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, &check->id);
	is_free = ch_sql_run(&sql, may_wait ?
						 "SELECT FROM connhub_catalog.connector WHERE id = $1 FOR NO KEY UPDATE" :
						 "SELECT FROM connhub_catalog.connector WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED") > 0;
	ch_sql_end(&sql);
	if (is_free)
		ch_connector_record_source(&check->id, &check->probe.info);
}

void
ch_check_record(ChCheck *checks, int count, bool may_wait)
{
	Known	   *known = load_known(checks, count);
	Columns		columns = {.count = 0};

	for (int column = 0; column < NCOLUMNS; column++)
	{
		columns.values[column] = palloc(sizeof(Datum) * count);
		columns.nulls[column] = palloc(sizeof(bool) * count);
	}
	for (int i = 0; i < count; i++)
	{
		ChCheck    *check = &checks[i];

		check->is_recorded = !known[i].is_current;
		if (!known[i].is_current || !settle_status(check, &known[i], may_wait))
			continue;
		if (!known[i].knows_source)
			record_source(check, may_wait);
		add_row(&columns, check, known[i].status);
	}
	write_rows(&columns, checks, count, may_wait);
}

TimestampTz
ch_health_alive_at(const pg_uuid_t *id)
{
	TimestampTz at = ch_shared_last_success(id);

	return at == 0 ? DT_NOBEGIN : at;
}

/* The last test is an answer of the source too, and none that spares the next one.  Every fourth test is made in any case:
 * it looks at more than traffic does. */
bool
ch_health_postpone(const ChConnector *connector)
{
	TimestampTz alive_at = ch_health_alive_at(&connector->id);
	TimestampTz due;
	ChCheck		check;
	ChSql		sql;
	bool		is_postponed;

	if (TIMESTAMP_IS_NOBEGIN(alive_at) || strcmp(connector->status, ch_status_names[CH_STATUS_ACTIVE]) != 0)
		return false;
	ch_check_of(connector, &check);
	due = ch_status_due(alive_at, check.interval_ms, ch_compat_random());
	if (due <= GetCurrentTimestamp())
		return false;
	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, &connector->id);
	ch_sql_value(&sql, TIMESTAMPTZOID, TimestampTzGetDatum(due), false);
	ch_sql_value(&sql, TIMESTAMPTZOID, TimestampTzGetDatum(alive_at), false);
	ch_sql_value(&sql, FLOAT8OID, Float8GetDatum(check.interval_ms / 1000.0), false);
	is_postponed = ch_sql_run(&sql, "UPDATE connhub_catalog.health SET next_due_at = $2 WHERE connector_id = ("
							  "SELECT h.connector_id FROM connhub_catalog.health AS h WHERE h.connector_id = $1"
							  " AND h.tested_at + make_interval(secs => 1 + (h.result->>'latency_ms')::float8 / 1000) < $3"
							  " AND h.tested_at + make_interval(secs => 4 * $4) > $2 FOR NO KEY UPDATE SKIP LOCKED)") > 0;
	ch_sql_end(&sql);
	return is_postponed;
}

/* What is kept for connhub.history_days, and by which time. */
static const struct
{
	const char *table;
	const char *at;
}			histories[] = {
	{"health_check", "checked_at"},
	{"drift", "discovered_at"},
	{"event", "occurred_at"},
};

int64
ch_history_trim(void)
{
	ChSql		sql;
	int64		count = 0;

	ch_sql_begin(&sql);
	for (int i = 0; i < lengthof(histories) && count == 0; i++)
	{
		ch_sql_value(&sql, INT4OID, Int32GetDatum(ch_history_days), false);
		ch_sql_value(&sql, INT4OID, Int32GetDatum(TRIM_ROWS), false);
		count = (int64) ch_sql_run(&sql, psprintf("DELETE FROM connhub_catalog.%1$s WHERE ctid = ANY (ARRAY("
												  "SELECT k.ctid FROM connhub_catalog.%1$s AS k"
												  " WHERE k.%2$s < now() - make_interval(days => $1) LIMIT $2 FOR UPDATE SKIP LOCKED))",
												  histories[i].table, histories[i].at));
	}
	ch_sql_end(&sql);
	return count;
}

/* ---- Maintenance ------------------------------------------------------------------------- */

int64
ch_maintenance_set(const pg_uuid_t *id, TimestampTz from, TimestampTz until, const char *reason)
{
	char	   *who = GetUserNameFromId(GetUserId(), false);
	ChSql		sql;
	int64		window;
	bool		isnull;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, id);
	ch_sql_value(&sql, TIMESTAMPTZOID, TimestampTzGetDatum(from), false);
	ch_sql_value(&sql, TIMESTAMPTZOID, TimestampTzGetDatum(until), TIMESTAMP_IS_NOEND(until));
	ch_sql_text(&sql, reason);
	ch_sql_text(&sql, who);
	ch_sql_run(&sql, "INSERT INTO connhub_catalog.maintenance (connector_id, starts_at, ends_at, reason, created_by)"
			   " VALUES ($1, $2, $3, $4, $5) RETURNING id");
	window = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	ch_sql_end(&sql);
	ch_wake_at_commit();
	return window;
}

bool
ch_maintenance_end(const pg_uuid_t *id)
{
	ChSql		sql;
	bool		ended;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, id);
	ended = ch_sql_run(&sql, "UPDATE connhub_catalog.maintenance SET ends_at = greatest(clock_timestamp(), starts_at)"
					   " WHERE connector_id = $1 AND starts_at <= clock_timestamp()"
					   " AND coalesce(ends_at, 'infinity') > clock_timestamp()") > 0;
	ch_sql_end(&sql);
	ch_wake_at_commit();
	return ended;
}

void
ch_maintenance_apply(const pg_uuid_t *id, bool may_wait)
{
	ChStatus	status;
	ChSql		sql;
	bool		isnull;
	bool		is_open;
	bool		is_in;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, id);
	ch_sql_run(&sql, "SELECT EXISTS (SELECT FROM connhub_catalog.maintenance WHERE connector_id = $1"
			   " AND starts_at <= clock_timestamp() AND coalesce(ends_at, 'infinity') > clock_timestamp()),"
			   " EXISTS (SELECT FROM connhub_catalog.connector WHERE id = $1 AND status = 'MAINTENANCE')");
	is_open = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	is_in = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	ch_sql_end(&sql);
	if (is_open == is_in)
		return;
	if (!ch_status_apply(id, is_open ? CH_INPUT_WINDOW_BEGUN : CH_INPUT_WINDOW_ENDED, NULL, may_wait, &status))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("the connector is being changed"),
				 errhint("It is tried again soon.")));
	if (!is_open)
		ch_connector_test_soon(id);
}
