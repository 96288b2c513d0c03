/* api/api_metrics.c — what is known of connectors in shared memory, ceilings, and the breaker, for SQL.
 *
 * A function in a view runs with the rights of its caller, so each shows only the connectors the caller may see. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "api/api.h"
#include "catalog/cat_limit.h"
#include "catalog/cat_store.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/shmem.h"
#include "conn/slots.h"

PG_FUNCTION_INFO_V1(connhub_shared_metrics);
PG_FUNCTION_INFO_V1(connhub_shared_errors);
PG_FUNCTION_INFO_V1(connhub_shared_latency);
PG_FUNCTION_INFO_V1(connhub_metrics_reset);
PG_FUNCTION_INFO_V1(connhub_breaker_reset);
PG_FUNCTION_INFO_V1(connhub_limit_set);

/* Columns before and after the counters of connhub_catalog.shared_metrics. */
#define NFRONT 2
#define NBACK 15

/* The entries of connectors the caller may see. */
static List *
visible_entries(void)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, ch_shared_list())
	{
		ChShared   *shared = lfirst(cell);
		const ChConnector *connector = ch_connector_get(&shared->connector, true);

		if (connector != NULL && ch_connector_may_see(connector, GetUserId()))
			result = lappend(result, shared);
	}
	return result;
}

static Datum
time_or_null(uint64 value, bool *isnull)
{
	*isnull = value == 0;
	return TimestampTzGetDatum((TimestampTz) value);
}

static Datum
time_of_ms(int64 ms)
{
	return TimestampTzGetDatum(TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms - ch_clock->now_ms()));
}

/* The columns behind the counters: pool, breaker, times. */
static void
fill_back(const ChShared *shared, Datum *values, bool *nulls)
{
	const ChBreaker *breaker = &shared->breaker;
	const char *code = shared->last_status != 0 ? ch_status_code(shared->last_status) : NULL;
	int			i = 0;

	values[i++] = Int32GetDatum(shared->pool_size);
	values[i++] = Int32GetDatum(shared->nopen);
	values[i++] = Int32GetDatum(ch_slot_count_idle(shared));
	values[i++] = Int32GetDatum((int32) pg_atomic_read_u32(&unconstify(ChShared *, shared)->nwaiting));
	values[i++] = CStringGetTextDatum(ch_breaker_state_name(breaker->state));
	values[i++] = Int32GetDatum(breaker->failures);
	values[i++] = Int64GetDatum((int64) breaker->trips);
	nulls[i] = breaker->state == CH_BREAKER_CLOSED;
	values[i++] = time_of_ms(breaker->opened_ms);
	nulls[i] = breaker->state != CH_BREAKER_OPEN;
	values[i++] = time_of_ms(breaker->trial_ms);
	values[i] = time_or_null(pg_atomic_read_u64(&unconstify(ChShared *, shared)->last_success), &nulls[i]);
	i++;
	values[i] = time_or_null(pg_atomic_read_u64(&unconstify(ChShared *, shared)->last_failure), &nulls[i]);
	i++;
	nulls[i] = code == NULL;
	values[i++] = code != NULL ? CStringGetTextDatum(code) : (Datum) 0;
	nulls[i] = code == NULL;
	values[i++] = code != NULL ? CStringGetTextDatum(shared->last_message) : (Datum) 0;
	values[i++] = BoolGetDatum(!shared->is_local);
	values[i] = time_or_null(pg_atomic_read_u64(&unconstify(ChShared *, shared)->since), &nulls[i]);
}

Datum
connhub_shared_metrics(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, visible_entries())
	{
		ChShared   *shared = lfirst(cell);
		Datum		values[NFRONT + CH_NCOUNTERS + NBACK];
		bool		nulls[NFRONT + CH_NCOUNTERS + NBACK] = {false};
		uint64		errors = 0;

		for (int i = 0; i < CH_NSTATUSES; i++)
			errors += pg_atomic_read_u64(&shared->errors[i]);
		values[0] = UUIDPGetDatum(&shared->connector);
		values[1] = Int64GetDatum((int64) errors);
		for (int i = 0; i < CH_NCOUNTERS; i++)
			values[NFRONT + i] = Int64GetDatum((int64) pg_atomic_read_u64(&shared->counters[i]));
		fill_back(shared, values + NFRONT + CH_NCOUNTERS, nulls + NFRONT + CH_NCOUNTERS);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

Datum
connhub_shared_errors(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, visible_entries())
	{
		ChShared   *shared = lfirst(cell);

		for (int i = 0; i < CH_NSTATUSES; i++)
		{
			uint64		count = pg_atomic_read_u64(&shared->errors[i]);
			Datum		values[3];
			bool		nulls[3] = {false};

			if (count == 0 || ch_status_code((ConnhubStatus) i) == NULL)
				continue;
			values[0] = UUIDPGetDatum(&shared->connector);
			values[1] = CStringGetTextDatum(ch_status_code((ConnhubStatus) i));
			values[2] = Int64GetDatum((int64) count);
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
	}
	return (Datum) 0;
}

/* One row per bucket, counts adding up as Prometheus wants them. */
static void
put_latency(ReturnSetInfo *result, ChShared *shared, ChLatency latency)
{
	static const char *const names[CH_NLATENCIES] = {"open", "query"};
	uint64		counts[CH_NBUCKETS];
	uint64		total = 0;

	/* Once each, so that the numbers agree. */
	for (int i = 0; i < CH_NBUCKETS; i++)
		counts[i] = pg_atomic_read_u64(&shared->latency[latency][i]);
	for (int i = 0; i < CH_NBUCKETS; i++)
	{
		Datum		values[5];
		bool		nulls[5] = {false};

		total += counts[i];
		values[0] = UUIDPGetDatum(&shared->connector);
		values[1] = CStringGetTextDatum(names[latency]);
		nulls[2] = i == CH_NBUCKETS - 1;
		values[2] = Float8GetDatum(ch_shared_bucket_us(i) / 1000000.0);
		values[3] = Int64GetDatum((int64) total);
		values[4] = Float8GetDatum(pg_atomic_read_u64(&shared->latency_us[latency]) / 1000000.0);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

Datum
connhub_shared_latency(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, visible_entries())
	{
		for (int i = 0; i < CH_NLATENCIES; i++)
			put_latency(result, lfirst(cell), (ChLatency) i);
	}
	return (Datum) 0;
}

static ChShared *
managed(FunctionCallInfo fcinfo)
{
	const ChConnector *connector = ch_connector_require(ch_api_required_text(fcinfo, 0, "connector"));

	ch_connector_require_manage(connector);
	return ch_shared_entry(&connector->id);
}

Datum
connhub_metrics_reset(PG_FUNCTION_ARGS)
{
	ch_shared_reset(managed(fcinfo));
	PG_RETURN_VOID();
}

Datum
connhub_breaker_reset(PG_FUNCTION_ARGS)
{
	ch_shared_close_circuit(managed(fcinfo));
	PG_RETURN_VOID();
}

static int64
ceiling_argument(FunctionCallInfo fcinfo, int argument, const char *name)
{
	int64		value = PG_ARGISNULL(argument) ? 0 : PG_GETARG_INT64(argument);

	if (value < 0 || (value == 0 && !PG_ARGISNULL(argument)))
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("argument \"%s\" must be greater than 0", name),
				 errhint("Leave it out for no ceiling of this kind.")));
	return value;
}

/* Shared memory counts the calls of so many roles. */
static void
require_window(const pg_uuid_t *connector, const ChLimit *limit)
{
	int			others = 0;
	ListCell   *cell;

	foreach(cell, ch_limits_get(connector))
	{
		const ChLimit *other = lfirst(cell);

		others += other->calls > 0 && other->role != limit->role;
	}
	if (limit->calls > 0 && others >= CH_NCALL_WINDOWS)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("a connector can have ceilings on calls for at most %d roles", CH_NCALL_WINDOWS)));
}

Datum
connhub_limit_set(PG_FUNCTION_ARGS)
{
	char	   *role = ch_api_text(fcinfo, 1);
	const ChConnector *connector;
	ChLimit		limit = {.role = InvalidOid};

	PreventCommandIfReadOnly("connhub.set_limit()");
	connector = ch_connector_lock(ch_api_required_text(fcinfo, 0, "connector"));
	if (role != NULL)
		limit.role = get_role_oid(role, false);
	limit.rows = ceiling_argument(fcinfo, 2, "rows");
	limit.bytes = ceiling_argument(fcinfo, 3, "bytes");
	limit.seconds = ceiling_argument(fcinfo, 4, "seconds");
	limit.calls = ceiling_argument(fcinfo, 5, "calls");
	require_window(&connector->id, &limit);
	ch_limit_store(&connector->id, &limit);
	PG_RETURN_VOID();
}
