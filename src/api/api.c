/* api/api.c — what the SQL functions share: reading arguments, shaping rows. */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "api/api.h"
#include "catalog/cat_sql.h"
#include "catalog/cat_store.h"
#include "common/error.h"
#include "common/redact.h"
#include "health/history.h"

char *
ch_api_text(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(argument));
}

Jsonb *
ch_api_jsonb(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : PG_GETARG_JSONB_P(argument);
}

bool
ch_api_bool(FunctionCallInfo fcinfo, int argument, bool default_value)
{
	return PG_ARGISNULL(argument) ? default_value : PG_GETARG_BOOL(argument);
}

char *
ch_api_required_text(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name),
				 errhint("Give it a value.")));
	return text_to_cstring(PG_GETARG_TEXT_PP(argument));
}

ChOptionSet
ch_api_credentials(const ChType *type, const char *password, const Jsonb *credentials)
{
	ChOptionSet set = ch_credentials_check(type, credentials);
	ConnhubOption item = {"password", password};
	ConnhubOption *items;
	int			at = 0;

	if (password == NULL)
		return set;
	ch_password_check(type, password);
	for (int i = 0; i < set.count; i++)
	{
		if (strcmp(set.items[i].name, item.name) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
					 errmsg("the password is given twice"),
					 errhint("Give either the argument \"password\" or the field of \"credentials\".")));
	}
	/* An empty password is none. */
	if (password[0] == '\0')
		item.value = NULL;
	items = palloc(sizeof(ConnhubOption) * (set.count + 1));
	while (at < set.count && strcmp(set.items[at].name, item.name) < 0)
		at++;
	if (at > 0)
		memcpy(items, set.items, sizeof(ConnhubOption) * at);
	items[at] = item;
	if (at < set.count)
		memcpy(items + at + 1, set.items + at, sizeof(ConnhubOption) * (set.count - at));
	set.items = items;
	set.count++;
	return set;
}

ChSecretField *
ch_api_secret_fields(ChOptionSet credentials)
{
	ChSecretField *fields = palloc(sizeof(ChSecretField) * Max(credentials.count, 1));

	for (int i = 0; i < credentials.count; i++)
	{
		fields[i].name = credentials.items[i].name;
		fields[i].value = credentials.items[i].value;
	}
	return fields;
}

Datum
ch_api_name_array(const List *names)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(list_length(names), 1));
	ListCell   *cell;
	int			count = 0;

	foreach(cell, names)
		values[count++] = CStringGetTextDatum(lfirst(cell));
	return PointerGetDatum(construct_array(values, count, TEXTOID, -1, false, TYPALIGN_INT));
}

Datum
ch_api_row(FunctionCallInfo fcinfo, const Datum *values, const bool *nulls, int count)
{
	TupleDesc	descriptor;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE ||
		descriptor->natts != count)
		elog(ERROR, "function result has an unexpected row type");
	descriptor = BlessTupleDesc(descriptor);
	return HeapTupleGetDatum(heap_form_tuple(descriptor, (Datum *) values, (bool *) nulls));
}

/* One cell of a row being shaped. */
typedef struct Row
{
	Datum		values[20];
	bool		nulls[20];
	int			count;
} Row;

static void
put(Row *row, Datum value, bool isnull)
{
	row->values[row->count] = isnull ? (Datum) 0 : value;
	row->nulls[row->count++] = isnull;
}

static void
put_text(Row *row, const char *text)
{
	put(row, text == NULL ? (Datum) 0 : CStringGetTextDatum(text), text == NULL);
}

Datum
ch_api_test_row(FunctionCallInfo fcinfo, const pg_uuid_t *id, const ChProbe *probe)
{
	Row			row = {.count = 0};

	put(&row, UUIDPGetDatum(id), id == NULL);
	put(&row, BoolGetDatum(probe->success), false);
	put_text(&row, ch_probe_code(probe));
	put_text(&row, ch_probe_message(probe));
	put_text(&row, ch_probe_detail(probe));
	put_text(&row, ch_probe_hint(probe));
	put(&row, Float8GetDatum(ch_probe_latency_ms(probe)), false);
	put_text(&row, probe->success ? probe->info.version : NULL);
	put(&row, TimestampTzGetDatum(probe->tested_at), false);
	put_text(&row, probe->success || probe->error.phase == CONNHUB_PHASE_NONE ? NULL :
			 ch_phase_name(probe->error.phase));
	for (int phase = CONNHUB_PHASE_NONE + 1; phase < CONNHUB_NPHASES; phase++)
	{
		double		ms = ch_probe_phase_ms(probe, (ConnhubPhase) phase);

		put(&row, Float8GetDatum(ms), ms < 0);
	}
	put(&row, JsonbPGetDatum(ch_probe_phases(probe)), false);
	return ch_api_row(fcinfo, row.values, row.nulls, row.count);
}

Datum
ch_api_connector_row(FunctionCallInfo fcinfo, const pg_uuid_t *id)
{
	const ChConnector *connector = ch_connector_get(id, false);
	Oid			server = ch_connector_server(connector);
	Row			row = {.count = 0};
	Datum		result;
	ChSql		sql;

	put(&row, UUIDPGetDatum(&connector->id), false);
	put_text(&row, connector->name);
	put_text(&row, connector->type);
	put_text(&row, connector->host);
	put(&row, Int32GetDatum(connector->port), connector->port == 0);
	put_text(&row, connector->database);
	put_text(&row, connector->status);
	put_text(&row, OidIsValid(server) ? GetForeignServer(server)->servername : NULL);

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, id);
	ch_sql_run(&sql,
			   "SELECT h.tested_at, (h.result->>'latency_ms')::float8, c.source_version,"
			   " h.result->>'error_code', h.result->>'message',"
			   " (SELECT count(*) FROM connhub_catalog.remote_schema WHERE connector_id = $1),"
			   " (SELECT count(*) FROM connhub_catalog.remote_table WHERE connector_id = $1)"
			   " FROM connhub_catalog.connector AS c LEFT JOIN connhub_catalog.health AS h ON h.connector_id = c.id"
			   " WHERE c.id = $1");
	for (int column = 1; column <= 7; column++)
	{
		bool		isnull;
		Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);

		put(&row, value, isnull);
	}
	/* The row copies what SPI holds. */
	MemoryContextSwitchTo(sql.caller);
	result = ch_api_row(fcinfo, row.values, row.nulls, row.count);
	ch_sql_end(&sql);
	return result;
}

void
ch_api_test_saved(const pg_uuid_t *id, ChProbe *probe)
{
	const ChConnector *connector = ch_connector_get(id, false);
	ChCheck		check;

	ch_check_run(connector, GetUserId(), &check);
	*probe = check.probe;
	if (!XactReadOnly)
		ch_check_record(&check, 1, true);
}
