/* api/api_view.c — helpers of the views, the listing functions and the triggers. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"

#include "api/api.h"
#include "common/error.h"

PG_FUNCTION_INFO_V1(connhub_connector_id);
PG_FUNCTION_INFO_V1(connhub_connector_may_see);
PG_FUNCTION_INFO_V1(connhub_connector_may_use);
PG_FUNCTION_INFO_V1(connhub_connector_server_name);
PG_FUNCTION_INFO_V1(connhub_connector_owner_name);
PG_FUNCTION_INFO_V1(connhub_argument_one_of);
PG_FUNCTION_INFO_V1(connhub_catalog_invalidate);

Datum
connhub_connector_id(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *id = palloc(sizeof(pg_uuid_t));

	*id = ch_connector_require(ch_api_text(fcinfo, 0))->id;
	PG_RETURN_UUID_P(id);
}

Datum
connhub_connector_may_see(PG_FUNCTION_ARGS)
{
	const ChConnector *connector = ch_connector_get(PG_GETARG_UUID_P(0), true);

	PG_RETURN_BOOL(connector != NULL && ch_connector_may_see(connector, GetUserId()));
}

Datum
connhub_connector_may_use(PG_FUNCTION_ARGS)
{
	const ChConnector *connector = ch_connector_get(PG_GETARG_UUID_P(0), true);

	PG_RETURN_BOOL(connector != NULL && ch_connector_may_use(connector, GetUserId()));
}

Datum
connhub_connector_server_name(PG_FUNCTION_ARGS)
{
	const ChConnector *connector = ch_connector_get(PG_GETARG_UUID_P(0), true);
	Oid			server = connector == NULL ? InvalidOid : ch_connector_server(connector);

	if (!OidIsValid(server))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(GetForeignServer(server)->servername));
}

Datum
connhub_connector_owner_name(PG_FUNCTION_ARGS)
{
	const ChConnector *connector = ch_connector_get(PG_GETARG_UUID_P(0), true);
	char	   *name = connector == NULL ? NULL : GetUserNameFromId(connector->owner, true);

	if (name == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

Datum
connhub_argument_one_of(PG_FUNCTION_ARGS)
{
	const char *argument = ch_api_text(fcinfo, 0);
	const char *value = ch_api_text(fcinfo, 1);
	const char **choices;
	const char *closest;
	Datum	   *elements;
	int			count;
	StringInfoData list;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &count);
	choices = palloc(sizeof(char *) * Max(count, 1));
	initStringInfo(&list);
	for (int i = 0; i < count; i++)
	{
		choices[i] = TextDatumGetCString(elements[i]);
		if (strcmp(choices[i], value) == 0)
			PG_RETURN_DATUM(PG_GETARG_DATUM(1));
		appendStringInfo(&list, "%s%s", i == 0 ? "" : ", ", choices[i]);
	}
	closest = ch_closest(value, choices, count);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value \"%s\" for argument \"%s\"", value, argument),
			 closest != NULL ? errhint("Perhaps you meant \"%s\".", closest) :
			 errhint("It is one of: %s.", list.data)));
	PG_RETURN_NULL();
}

Datum
connhub_catalog_invalidate(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("this function can be called by a trigger only")));
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	PG_RETURN_POINTER(NULL);
}
