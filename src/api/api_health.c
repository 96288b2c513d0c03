/* api/api_health.c — maintenance windows; background work for a client.
 *
 * Assumes that EXECUTE was checked; whether the connector is the caller's is checked here. */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/timestamp.h"

#include "api/api.h"
#include "catalog/cat_store.h"
#include "common/error.h"
#include "common/txn.h"
#include "health/history.h"
#include "worker/scheduler.h"

PG_FUNCTION_INFO_V1(connhub_health_set_maintenance);
PG_FUNCTION_INFO_V1(connhub_health_end_maintenance);
PG_FUNCTION_INFO_V1(connhub_health_run_due);

Datum
connhub_health_set_maintenance(PG_FUNCTION_ARGS)
{
	char	   *name = ch_api_required_text(fcinfo, 0, "connector");
	TimestampTz from = PG_ARGISNULL(1) ? GetCurrentTimestamp() : PG_GETARG_TIMESTAMPTZ(1);
	TimestampTz until = PG_ARGISNULL(2) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(2);
	pg_uuid_t	id;
	int64		window;

	PreventCommandIfReadOnly("connhub.set_maintenance()");
	id = ch_connector_lock(name)->id;
	if (until <= from || until <= GetCurrentTimestamp())
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("the maintenance window is over before it begins"),
				 errhint("Give \"until\" a time that is later than now and than \"from\", or leave it out.")));
	window = ch_maintenance_set(&id, from, until, ch_api_text(fcinfo, 3));
	ch_maintenance_apply(&id, true);
	PG_RETURN_INT64(window);
}

Datum
connhub_health_end_maintenance(PG_FUNCTION_ARGS)
{
	pg_uuid_t	id;
	bool		ended;

	PreventCommandIfReadOnly("connhub.end_maintenance()");
	id = ch_connector_lock(ch_api_text(fcinfo, 0))->id;
	ended = ch_maintenance_end(&id);
	ch_maintenance_apply(&id, true);
	PG_RETURN_BOOL(ended);
}

/* Commits what is done as it goes, and holds neither snapshot nor lock while it waits for a source. */
Datum
connhub_health_run_due(PG_FUNCTION_ARGS)
{
	CallContext *call = (CallContext *) fcinfo->context;

	if (call == NULL || !IsA(call, CallContext) || call->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("connhub.run_due() cannot run inside a transaction block"),
				 errhint("Call it by itself, or from a procedure or DO block that is called so.")));
	PreventCommandIfReadOnly("connhub.run_due()");
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	SPI_commit();
	ch_txn_set_procedure(true);
	PG_TRY();
	{
		ch_scheduler_run_due();
	}
	PG_FINALLY();
	{
		ch_txn_set_procedure(false);
	}
	PG_END_TRY();
	SPI_finish();
	PG_RETURN_VOID();
}
