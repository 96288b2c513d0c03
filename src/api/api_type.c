/* api/api_type.c — drivers and types: register_driver, register_drivers, about, and the option list. */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "api/api.h"
#include "catalog/cat_type.h"
#include "catalog/catalog.h"
#include "common/error.h"
#include "common/shmem.h"
#include "conn/shared.h"
#include "driver/registry.h"

PG_FUNCTION_INFO_V1(connhub_driver_register);
PG_FUNCTION_INFO_V1(connhub_driver_register_all);
PG_FUNCTION_INFO_V1(connhub_about);
PG_FUNCTION_INFO_V1(connhub_type_common_options);

/* Category of types that serve tests only.  They are registered by name, never by sweep. */
#define TEST_CATEGORY "test"

static List *
register_driver(const ConnhubDriver *driver)
{
	List	   *types = NIL;

	ch_type_store(driver);
	for (uint32 i = 0; i < driver->ntypes; i++)
		types = lappend(types, pstrdup(driver->types[i].name));
	return types;
}

Datum
connhub_driver_register(PG_FUNCTION_ARGS)
{
	return ch_api_name_array(register_driver(ch_driver_require(ch_api_text(fcinfo, 0))));
}

/* NULL, or the error that fn(argument) ended with; what cancels is thrown on. */
static ErrorData *
attempt(void (*fn) (void *argument), void *argument)
{
	ErrorData  *error = ch_error_catch(fn, argument);

	if (error != NULL && ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION)
		ReThrowError(error);
	return error;
}

typedef struct RegisterCall
{
	const char *name;
	List	   *types;			/* registered so far */
} RegisterCall;

static void
register_unless_test(void *argument)
{
	RegisterCall *call = argument;
	const ConnhubDriver *driver = ch_driver_require(call->name);

	if (strcmp(driver->types[0].category, TEST_CATEGORY) != 0)
		call->types = list_concat(call->types, register_driver(driver));
}

Datum
connhub_driver_register_all(PG_FUNCTION_ARGS)
{
	RegisterCall call = {.types = NIL};
	ListCell   *cell;

	foreach(cell, ch_driver_list())
	{
		ErrorData  *error;

		call.name = lfirst(cell);
		error = attempt(register_unless_test, &call);
		if (error != NULL)
			ereport(WARNING,
					(errcode(error->sqlerrcode),
					 errmsg("driver \"%s\" was not registered: %s", call.name, error->message),
					 error->detail != NULL ? errdetail_internal("%s", error->detail) : 0,
					 errhint("Run connhub.register_driver('%s') when the cause is gone.", call.name)));
	}
	return ch_api_name_array(call.types);
}

static void
push_member(JsonbParseState **state, const char *name, const char *text)
{
	JsonbValue	value;

	value.type = jbvString;
	value.val.string.val = (char *) name;
	value.val.string.len = strlen(name);
	pushJsonbValue(state, WJB_KEY, &value);
	if (text == NULL)
		value.type = jbvNull;
	else
	{
		value.val.string.val = (char *) text;
		value.val.string.len = strlen(text);
	}
	pushJsonbValue(state, WJB_VALUE, &value);
}

typedef struct LoadCall
{
	const char *name;
	const ConnhubDriver *driver;
} LoadCall;

static void
load(void *argument)
{
	LoadCall   *call = argument;

	call->driver = ch_driver_require(call->name);
}

/* [{"name", "version", "library", "error"}] of every installed driver. */
static Datum
drivers_document(void)
{
	JsonbParseState *state = NULL;
	ListCell   *cell;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	foreach(cell, ch_driver_list())
	{
		LoadCall	call = {.name = lfirst(cell)};
		ErrorData  *error = attempt(load, &call);

		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		push_member(&state, "name", call.name);
		push_member(&state, "version", error == NULL ? call.driver->version : NULL);
		push_member(&state, "library", error == NULL ? call.driver->library : NULL);
		push_member(&state, "error", error == NULL ? NULL : error->message);
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL)));
}

static void
push_number(JsonbParseState **state, const char *name, int number)
{
	JsonbValue	value = {.type = jbvString};

	value.val.string.val = (char *) name;
	value.val.string.len = strlen(name);
	pushJsonbValue(state, WJB_KEY, &value);
	value.type = jbvNumeric;
	value.val.numeric = int64_to_numeric(number);
	pushJsonbValue(state, WJB_VALUE, &value);
}

/* What pools, breakers and counters are shared by. */
static Datum
sharing_document(void)
{
	JsonbParseState *state = NULL;
	int			capacity;
	int			used;

	ch_shared_usage(&capacity, &used);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_member(&state, "scope", !ch_shmem_is_shared() ? "session" : ch_shared_is_short() ? "server, in part" : "server");
	push_number(&state, "connectors", used);
	push_number(&state, "max_connectors", capacity);
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}

Datum
connhub_about(PG_FUNCTION_ARGS)
{
	Datum		values[6];
	bool		nulls[6] = {false};

	values[0] = CStringGetTextDatum(ch_catalog_extension_version());
	values[1] = CStringGetTextDatum(GetConfigOption("server_version", false, false));
	values[2] = CStringGetTextDatum(psprintf("%d.%d", CONNHUB_ABI_MAJOR, CONNHUB_ABI_MINOR));
	values[3] = BoolGetDatum(ch_shmem_is_shared());
	values[4] = drivers_document();
	values[5] = sharing_document();
	return ch_api_row(fcinfo, values, nulls, lengthof(values));
}

Datum
connhub_type_common_options(PG_FUNCTION_ARGS)
{
	int			count;
	ConnhubOptionSpec *specs = ch_common_options_for((uint32) PG_GETARG_INT32(0), &count);

	PG_RETURN_JSONB_P(ch_type_options_document(specs, count));
}
