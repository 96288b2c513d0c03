/* api/api_live.c — connhub.live, live_as and live_json: a native query run as it stands, its rows returned.
 *
 * The query is the caller's own text: nothing here knows what it does, so it is taken to write unless the source
 * keeps it from writing, and is never sent twice. */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "api/api.h"
#include "batch/typemap.h"
#include "catalog/cat_type.h"
#include "common/error.h"
#include "fdw/live.h"

PG_FUNCTION_INFO_V1(connhub_live);
PG_FUNCTION_INFO_V1(connhub_live_as);
PG_FUNCTION_INFO_V1(connhub_live_json);

/* ---- What is to be run --------------------------------------------------------------------- */

static const ChConnector *
require_usable(const char *name)
{
	const ChConnector *connector = ch_connector_require(name);

	if (!ch_connector_may_use(connector, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for connector \"%s\"", connector->name),
				 errhint("Its owner can GRANT USAGE ON FOREIGN SERVER to you.")));
	return connector;
}

/* Must the source refuse writes?  Only a read-only transaction can make it. */
static bool
is_read_only(const ChConnector *connector, uint64 capabilities)
{
	if (!XactReadOnly && !ch_connector_option_bool(connector, "read_only"))
		return false;
	if ((capabilities & CONNHUB_CAP_TRANSACTION) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot run a native query on connector \"%s\" read-only", connector->name),
				 errdetail("The source has no read-only transactions, so nothing would keep the query from writing.")));
	return true;
}

/* The arguments from `first` on, one by one or as the array of VARIADIC. */
static void
take_params(FunctionCallInfo fcinfo, int first, ConnhubQuery *query)
{
	Datum	   *args;
	Oid		   *types;
	bool	   *nulls;
	int			count = PG_NARGS() > first ? extract_variadic_args(fcinfo, first, true, &args, &types, &nulls) : 0;
	ConnhubValue *params;

	if (count <= 0)
		return;
	params = palloc0(sizeof(ConnhubValue) * count);
	for (int i = 0; i < count; i++)
	{
		if (!ch_typemap_value(args[i], nulls[i], types[i], &params[i]))
			ereport(ERROR,
					(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					 errmsg("value of parameter $%d is out of range for a source", i + 1)));
		ch_typemap_from_pg(types[i], -1, &params[i].type);
	}
	query->params = params;
	query->nparams = count;
}

/* connector and query are the arguments at `first` and after it, parameters follow. */
static void
prepare(ChLiveQuery *live, FunctionCallInfo fcinfo, int first)
{
	char	   *name = ch_api_required_text(fcinfo, first, "connector");
	char	   *text = ch_api_required_text(fcinfo, first + 1, "query");
	uint64		capabilities;

	live->connector = require_usable(name);
	capabilities = ch_type_get(live->connector->type, false)->capabilities;
	live->describes = (capabilities & CONNHUB_CAP_DESCRIBE) != 0;
	live->query.struct_size = sizeof(ConnhubQuery);
	live->query.text = pg_server_to_any(text, strlen(text), PG_UTF8);
	live->query.writes = !is_read_only(live->connector, capabilities);
	take_params(fcinfo, first + 2, &live->query);
}

/* ---- The three forms ----------------------------------------------------------------------- */

Datum
connhub_live(PG_FUNCTION_ARGS)
{
	ChLiveQuery live = {NULL};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	prepare(&live, fcinfo, 0);
	if (result == NULL || result->expectedDesc == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("connhub.live needs to be told the columns"),
				 errhint("Write SELECT * FROM connhub.live(...) AS t(name type, ...), or use connhub.live_json.")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	ch_live_run(&live, (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}

Datum
connhub_live_as(PG_FUNCTION_ARGS)
{
	ChLiveQuery live = {NULL};
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);

	if (get_typtype(type) != TYPTYPE_COMPOSITE)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("argument \"row\" is of type %s, not of a row type", format_type_be(type)),
				 errhint("Write NULL::name_of_a_table, or use connhub.live or connhub.live_json.")));
	prepare(&live, fcinfo, 1);
	InitMaterializedSRF(fcinfo, 0);
	ch_live_run(&live, (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}

Datum
connhub_live_json(PG_FUNCTION_ARGS)
{
	ChLiveQuery live = {NULL};

	prepare(&live, fcinfo, 0);
	live.is_json = true;
	if (!live.describes)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the driver of connector \"%s\" cannot tell the columns of a result", live.connector->name),
				 errhint("Declare them: SELECT * FROM connhub.live(...) AS t(name type, ...).")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	ch_live_run(&live, (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}
