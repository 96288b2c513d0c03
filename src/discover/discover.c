/* discover/discover.c — what a source holds, read into the catalogue: first collected, then applied.
 *
 * Collecting talks to the source and touches no table; applying compares what was collected with the catalogue, in
 * one transaction: others see what was there until it commits, and a failure leaves it.  A discovery in the
 * background holds no transaction while it collects, so another may be applied meanwhile: the serial number of
 * the connector's discoveries tells, and what was collected before that is thrown away. */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "catalog/cat_sql.h"
#include "catalog/cat_statistics.h"
#include "catalog/cat_store.h"
#include "catalog/cat_type.h"
#include "catalog/catalog.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/txn.h"
#include "common/wait.h"
#include "conn/conn.h"
#include "discover/apply.h"
#include "discover/discover.h"

/* A discovery on its way.  Its strings and all it has collected live in its context. */
struct ChRefresh
{
	MemoryContext context;
	pg_uuid_t	connector;
	int64		config_version; /* of the connector when it began */
	int64		serial;			/* of its discoveries then */
	ChDiscoverCall *call;
	ConnhubDiscoverRequest request;
	ChCollection *collection;
	int64		started_us;
};

static void
require_discoverable(const ChType *type)
{
	if ((type->capabilities & CONNHUB_CAP_DISCOVER) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("connector type \"%s\" cannot be discovered", type->name),
				 errhint("Declare its tables with CREATE FOREIGN TABLE.")));
}

static ConnhubDiscoverRequest
make_request(const ChType *type, const char *schema_pattern, const char *table_pattern)
{
	return (ConnhubDiscoverRequest) {
		.struct_size = sizeof(ConnhubDiscoverRequest),
		.schema_pattern = schema_pattern,
		.table_pattern = table_pattern,
		.with_stats = (type->capabilities & CONNHUB_CAP_STATS) != 0,
	};
}

static void
apply(const ChConnector *connector, ChCollection *collection, const ConnhubDiscoverRequest *request,
	  int64 started_us, ChDiscovery *result)
{
	char	   *name = pstrdup(connector->name);

	ch_apply(connector, collection, request->schema_pattern, request->table_pattern, result);
	result->duration_ms = (ch_clock->now_us() - started_us) / 1000.0;
	if (result->skipped > 0)
		ereport(WARNING,
				(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
				 errmsg("discovery of connector \"%s\" left out " INT64_FORMAT " objects", name, result->skipped),
				 errdetail("Their names are empty, longer than 512 bytes, or not valid UTF-8.")));
}

void
ch_discover_run(const ChConnector *connector, Oid user, const char *schema_pattern,
				const char *table_pattern, ChDiscovery *result)
{
	const ChType *type = ch_type_get(connector->type, false);
	ConnhubDiscoverRequest request = make_request(type, schema_pattern, table_pattern);
	ConnhubInfo info;
	int64		started_us = ch_clock->now_us();
	ChCollection *collection;

	require_discoverable(type);
	connector = ch_connector_share(connector);
	/* The transaction lasts anyway: whoever comes second begins to collect when the first has applied. */
	ch_statistics_lock(&connector->id);
	memset(&info, 0, sizeof(info));
	collection = ch_collection_create();
	ch_conn_discover(connector, user, &request, ch_collection_sink(collection), &info);
	apply(connector, collection, &request, started_us, result);
	ch_collection_free(collection);
}

/* ---- Failing ------------------------------------------------------------------------------- */

static const Jsonb *
failure_document(const ErrorData *error)
{
	JsonbParseState *state = NULL;
	const struct
	{
		const char *name;
		const char *value;
	}			members[] = {
		{"code", unpack_sql_state(error->sqlerrcode)},
		{"message", error->message},
		{"detail", error->detail},
		{"hint", error->hint},
	};
	JsonbValue *object;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < lengthof(members); i++)
	{
		JsonbValue	key = {.type = jbvString};
		JsonbValue	value = {.type = jbvNull};

		key.val.string.val = unconstify(char *, members[i].name);
		key.val.string.len = strlen(members[i].name);
		if (members[i].value != NULL)
		{
			value.type = jbvString;
			value.val.string.val = pstrdup(members[i].value);
			value.val.string.len = strlen(members[i].value);
		}
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	object = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(object);
}

/* Note that one ended: error NULL means that another came before it. */
static void
note_end(const pg_uuid_t *connector, const ErrorData *error)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, connector);
	ch_sql_value(&sql, JSONBOID, error == NULL ? (Datum) 0 : JsonbPGetDatum(failure_document(error)), error == NULL);
	ch_sql_run(&sql, "INSERT INTO connhub_catalog.discovery (connector_id, finished_at, failure)"
			   " VALUES ($1, clock_timestamp(), $2) ON CONFLICT (connector_id) DO UPDATE"
			   " SET started_at = NULL, finished_at = EXCLUDED.finished_at, failure = EXCLUDED.failure");
	ch_sql_end(&sql);
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
	pg_uuid_t	id = connector->id;
	ErrorData  *error = ch_error_catch(run_call, &call);

	if (error == NULL)
		return true;
	if (must_rethrow(error))
		ReThrowError(error);
	/* So that it is tried again in the background. */
	note_end(&id, error);
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("connector \"%s\" was saved, but its discovery failed: %s",
					connector->name, error->message),
			 error->detail != NULL ? errdetail_internal("%s", error->detail) : 0,
			 errhint("Run connhub.discover() again when the cause is gone.")));
	FreeErrorData(error);
	return false;
}

/* ---- In the background --------------------------------------------------------------------- */

/* Note that one begins; the serial number it begins at. */
static int64
note_begin(const pg_uuid_t *connector)
{
	ChSql		sql;
	int64		serial;
	bool		isnull;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, connector);
	ch_sql_run(&sql, "INSERT INTO connhub_catalog.discovery AS d (connector_id, started_at)"
			   " VALUES ($1, clock_timestamp()) ON CONFLICT (connector_id)"
			   " DO UPDATE SET started_at = EXCLUDED.started_at RETURNING serial");
	serial = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	ch_sql_end(&sql);
	return serial;
}

static int64
current_serial(const pg_uuid_t *connector)
{
	ChSql		sql;
	int64		serial = -1;
	bool		isnull;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, connector);
	if (ch_sql_run(&sql, "SELECT serial FROM connhub_catalog.discovery WHERE connector_id = $1") > 0)
		serial = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	ch_sql_end(&sql);
	return serial;
}

ChRefresh *
ch_refresh_begin(const pg_uuid_t *connector_id)
{
	const ChConnector *connector;
	const ChType *type;
	MemoryContext context;
	MemoryContext before;
	ChRefresh  *refresh;

	AcceptInvalidationMessages();
	connector = ch_connector_get(connector_id, true);
	if (connector == NULL || !connector->enabled)
		return NULL;
	type = ch_type_get(connector->type, false);
	require_discoverable(type);
	context = AllocSetContextCreate(TopMemoryContext, "connhub refresh", ALLOCSET_DEFAULT_SIZES);
	before = MemoryContextSwitchTo(context);
	refresh = palloc0(sizeof(ChRefresh));
	refresh->context = context;
	refresh->connector = connector->id;
	refresh->config_version = connector->config_version;
	refresh->started_us = ch_clock->now_us();
	PG_TRY();
	{
		refresh->request = make_request(type, NULL, NULL);
		refresh->collection = ch_collection_create();
		refresh->call = ch_conn_discover_prepare(connector, connector->owner);
		MemoryContextSwitchTo(before);
		refresh->serial = note_begin(&refresh->connector);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(before);
		MemoryContextDelete(context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return refresh;
}

void
ch_refresh_collect(ChRefresh *refresh, ChCollectionWatch watch)
{
	MemoryContext before = MemoryContextSwitchTo(refresh->context);
	ConnhubInfo info;

	memset(&info, 0, sizeof(info));
	ch_collection_watch(refresh->collection, watch);
	ch_conn_discover_run(refresh->call, &refresh->request, ch_collection_sink(refresh->collection), &info);
	MemoryContextSwitchTo(before);
}

bool
ch_refresh_apply(ChRefresh *refresh, ChDiscovery *result)
{
	const ChConnector *connector;

	AcceptInvalidationMessages();
	connector = ch_connector_get(&refresh->connector, true);
	if (connector == NULL)
		return false;
	connector = ch_connector_share(connector);
	ch_statistics_lock(&refresh->connector);
	/* What another place, or an earlier time, had to tell is out of date. */
	if (connector->config_version != refresh->config_version || current_serial(&refresh->connector) != refresh->serial)
	{
		note_end(&refresh->connector, NULL);
		return false;
	}
	apply(connector, refresh->collection, &refresh->request, refresh->started_us, result);
	return true;
}

void
ch_refresh_fail(const pg_uuid_t *connector, const ErrorData *error)
{
	note_end(connector, error);
}

void
ch_refresh_free(ChRefresh *refresh)
{
	if (refresh != NULL)
		MemoryContextDelete(refresh->context);
}

typedef struct RefreshCall
{
	ChRefresh  *refresh;
	ChCollectionWatch watch;
	MemoryContext context;
} RefreshCall;

/* What the source made of it, or NULL: then it has told all. */
static ErrorData *
collect_or_fail(const RefreshCall *call)
{
	ErrorData  *volatile error = NULL;

	PG_TRY();
	{
		ch_refresh_collect(call->refresh, call->watch);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(call->context);
		error = CopyErrorData();
		FlushErrorState();
		ch_deadline_reset();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(call->context);
	if (error != NULL && must_rethrow(error))
		ReThrowError(error);
	return error;
}

static bool
collect_and_apply(const RefreshCall *call)
{
	pg_uuid_t	id = call->refresh->connector;
	ErrorData  *error = collect_or_fail(call);
	bool		is_applied = false;
	ChDiscovery result;

	ch_txn_begin();
	if (error == NULL)
		is_applied = ch_refresh_apply(call->refresh, &result);
	else
		ch_refresh_fail(&id, error);
	ch_txn_end();
	return is_applied;
}

bool
ch_discover_refresh(const pg_uuid_t *connector, ChCollectionWatch watch)
{
	RefreshCall call = {.watch = watch, .context = CurrentMemoryContext};
	pg_uuid_t	id = *connector;
	volatile bool is_applied = false;

	ch_txn_begin();
	call.refresh = ch_refresh_begin(&id);
	ch_txn_end();
	MemoryContextSwitchTo(call.context);
	if (call.refresh == NULL)
		return false;
	PG_TRY();
	{
		is_applied = collect_and_apply(&call);
	}
	PG_FINALLY();
	{
		ch_refresh_free(call.refresh);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(call.context);
	return is_applied;
}
