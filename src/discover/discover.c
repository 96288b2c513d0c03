/* discover/discover.c — what a source holds, read into the catalogue.
 *
 * Assumes that the caller was checked.  Everything is part of the running transaction: other sessions
 * see what was there until it commits, and all of the new state then. */
#include "postgres.h"

#include "utils/builtins.h"

#include "catalog/cat_sql.h"
#include "catalog/cat_statistics.h"
#include "catalog/cat_store.h"
#include "catalog/cat_type.h"
#include "catalog/catalog.h"
#include "common/clock.h"
#include "common/error.h"
#include "conn/conn.h"
#include "discover/discover.h"
#include "discover/sink.h"

/* Take away what is about to be found again. */
static void
forget(const pg_uuid_t *id, const char *schema_pattern, const char *table_pattern)
{
	static const char *const parts[] = {
		"remote_statistics", "remote_column", "remote_key", "remote_index"
	};
	ChSql		sql;

	ch_sql_begin(&sql);
	for (int i = 0; i <= lengthof(parts); i++)
	{
		bool		is_table = i == lengthof(parts);

		ch_sql_uuid(&sql, id);
		ch_sql_text(&sql, schema_pattern);
		ch_sql_text(&sql, table_pattern);
		ch_sql_run(&sql, psprintf("DELETE FROM connhub_catalog.%s WHERE connector_id = $1"
								  " AND ($2 IS NULL OR schema LIKE $2) AND ($3 IS NULL OR %s LIKE $3)",
								  is_table ? "remote_table" : parts[i], is_table ? "name" : "table_name"));
	}
	/* A schema goes when all of it was asked for. */
	if (table_pattern == NULL)
	{
		ch_sql_uuid(&sql, id);
		ch_sql_text(&sql, schema_pattern);
		ch_sql_run(&sql, "DELETE FROM connhub_catalog.remote_schema WHERE connector_id = $1"
				   " AND ($2 IS NULL OR name LIKE $2)");
	}
	ch_sql_end(&sql);
}

void
ch_discover_run(const ChConnector *connector, Oid user, const char *schema_pattern,
				const char *table_pattern, ChDiscovery *result)
{
	const ChType *type = ch_type_get(connector->type, false);
	ConnhubDiscoverRequest request = {sizeof(request)};
	ConnhubInfo info;
	int64		started_us = ch_clock->now_us();
	ChSink	   *sink;

	if ((type->capabilities & CONNHUB_CAP_DISCOVER) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("connector type \"%s\" cannot be discovered", type->name),
				 errhint("Declare its tables with CREATE FOREIGN TABLE.")));

	connector = ch_connector_share(connector);
	ch_statistics_lock(&connector->id);
	forget(&connector->id, schema_pattern, table_pattern);

	request.schema_pattern = schema_pattern;
	request.table_pattern = table_pattern;
	request.with_stats = (type->capabilities & CONNHUB_CAP_STATS) != 0;
	memset(&info, 0, sizeof(info));
	sink = ch_sink_create(connector, schema_pattern, table_pattern);
	PG_TRY();
	{
		ch_conn_discover(connector, user, &request, ch_sink_interface(sink), &info);
		ch_sink_finish(sink, result);
	}
	PG_CATCH();
	{
		ch_sink_free_plans(sink);
		PG_RE_THROW();
	}
	PG_END_TRY();
	ch_sink_free(sink);

	if (schema_pattern == NULL && table_pattern == NULL)
		ch_connector_record_discovery(&connector->id);
	ch_connector_forget_plans(connector);
	result->duration_ms = (ch_clock->now_us() - started_us) / 1000.0;
	if (result->skipped > 0)
		ereport(WARNING,
				(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
				 errmsg("discovery of connector \"%s\" left out " INT64_FORMAT " objects",
						connector->name, result->skipped),
				 errdetail("Their names are empty, longer than 512 bytes, or not valid UTF-8.")));
}

/* Errors that end the statement whatever they interrupt. */
static bool
must_rethrow(const ErrorData *error)
{
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION ||
		error->sqlerrcode == ERRCODE_OUT_OF_MEMORY;
}

typedef struct DiscoverCall
{
	const ChConnector *connector;
	Oid			user;
	ChDiscovery *result;
} DiscoverCall;

static void
run_call(void *argument)
{
	DiscoverCall *call = argument;

	ch_discover_run(call->connector, call->user, NULL, NULL, call->result);
}

bool
ch_discover_try(const ChConnector *connector, Oid user, ChDiscovery *result)
{
	DiscoverCall call = {.connector = connector, .user = user, .result = result};
	ErrorData  *error = ch_error_catch(run_call, &call);

	if (error == NULL)
		return true;
	if (must_rethrow(error))
		ReThrowError(error);
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("connector \"%s\" was saved, but its discovery failed: %s",
					connector->name, error->message),
			 error->detail != NULL ? errdetail_internal("%s", error->detail) : 0,
			 errhint("Run connhub.discover() again when the cause is gone.")));
	FreeErrorData(error);
	return false;
}
