/* api/api_state.c — a saved connector's state: enable, disable, discover, resolve, owner, delete.
 *
 * Assumes that EXECUTE was checked; whether the connector is the caller's is checked here. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "api/api.h"
#include "catalog/cat_plan.h"
#include "catalog/cat_store.h"
#include "catalog/cat_tenant.h"
#include "catalog/catalog.h"
#include "common/compat.h"
#include "common/error.h"
#include "conn/conn.h"
#include "conn/shared.h"
#include "health/history.h"
#include "vault/kept.h"

PG_FUNCTION_INFO_V1(connhub_connector_discover);
PG_FUNCTION_INFO_V1(connhub_connector_resolve_prepared);
PG_FUNCTION_INFO_V1(connhub_connector_enable);
PG_FUNCTION_INFO_V1(connhub_connector_disable);
PG_FUNCTION_INFO_V1(connhub_connector_set_owner);
PG_FUNCTION_INFO_V1(connhub_connector_delete);

/* A LIKE pattern, or NULL.  What LIKE would refuse at the first row is refused before anything is done. */
static char *
pattern_argument(FunctionCallInfo fcinfo, int argument, const char *name)
{
	char	   *pattern = ch_api_text(fcinfo, argument);

	for (const char *p = pattern; p != NULL && *p != '\0'; p += pg_mblen(p))
	{
		if (*p == '\\' && *++p == '\0')
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_ESCAPE_SEQUENCE),
					 errmsg("argument \"%s\" must not end with the escape character", name),
					 errhint("Write \\\\ for a backslash in a LIKE pattern.")));
	}
	return pattern;
}

Datum
connhub_connector_discover(PG_FUNCTION_ARGS)
{
	const ChConnector *connector = ch_connector_require(ch_api_required_text(fcinfo, 0, "connector"));
	char	   *schema_pattern = pattern_argument(fcinfo, 1, "schema_pattern");
	char	   *table_pattern = pattern_argument(fcinfo, 2, "table_pattern");
	pg_uuid_t	id = connector->id;
	ChDiscovery found;
	Datum		values[8];
	bool		nulls[8] = {false};

	PreventCommandIfReadOnly("connhub.discover()");
	ch_connector_require_manage(connector);
	ch_discover_run(connector, GetUserId(), schema_pattern, table_pattern, &found);
	values[0] = UUIDPGetDatum(&id);
	values[1] = Int64GetDatum(found.schemas);
	values[2] = Int64GetDatum(found.tables);
	values[3] = Int64GetDatum(found.columns);
	values[4] = Int64GetDatum(found.keys);
	values[5] = Int64GetDatum(found.indexes);
	values[6] = Float8GetDatum(found.duration_ms);
	values[7] = TimestampTzGetDatum(GetCurrentTimestamp());
	return ch_api_row(fcinfo, values, nulls, lengthof(values));
}

Datum
connhub_connector_resolve_prepared(PG_FUNCTION_ARGS)
{
	const ChConnector *connector = ch_connector_require(ch_api_required_text(fcinfo, 0, "connector"));
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *cell;

	ch_connector_require_manage(connector);
	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, ch_conn_resolve_prepared(connector, GetUserId()))
	{
		ChPrepared *prepared = lfirst(cell);
		Datum		values[2] = {CStringGetTextDatum(prepared->gid), CStringGetTextDatum(prepared->action)};
		bool		nulls[2] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

Datum
connhub_connector_enable(PG_FUNCTION_ARGS)
{
	const ChConnector *connector;
	pg_uuid_t	id;
	bool		test = PG_GETARG_BOOL(1);
	ChStatus	status;
	ChProbe		probe;

	PreventCommandIfReadOnly("connhub.enable()");
	connector = ch_connector_lock(ch_api_text(fcinfo, 0));
	id = connector->id;
	if (!connector->enabled)
	{
		ch_plan_admit(&connector->tenant_id, connector->type, 0);
		ch_connector_set_enabled(&id, true);
		ch_status_apply(&id, CH_INPUT_ENABLED, NULL, true, &status);
		ch_maintenance_apply(&id, true);
		ch_connector_test_soon(&id);
	}
	ch_connector_ensure_server(ch_connector_get(&id, false));
	if (test)
		ch_api_test_saved(&id, &probe);
	return ch_api_connector_row(fcinfo, &id);
}

Datum
connhub_connector_disable(PG_FUNCTION_ARGS)
{
	pg_uuid_t	id;
	ChStatus	status;

	PreventCommandIfReadOnly("connhub.disable()");
	id = ch_connector_lock(ch_api_text(fcinfo, 0))->id;
	ch_connector_set_enabled(&id, false);
	ch_status_apply(&id, CH_INPUT_DISABLED, NULL, true, &status);
	ch_conn_close_all(&id);
	return ch_api_connector_row(fcinfo, &id);
}

Datum
connhub_connector_set_owner(PG_FUNCTION_ARGS)
{
	const ChConnector *connector;
	Oid			owner = PG_GETARG_OID(1);

	PreventCommandIfReadOnly("connhub.set_owner()");
	connector = ch_connector_lock(ch_api_text(fcinfo, 0));

	/* As for every other object: nobody gives away what he could not take back.  An admin of a tenant could, within it,
	 * but not from a role that is bound by less. */
	if (!ch_catalog_has_role(GetUserId(), CH_ROLE_ADMIN) &&
		(ch_tenant_is_default(&connector->tenant_id) || ch_catalog_has_role(owner, CH_ROLE_ADMIN) ||
		 ch_tenant_level(&connector->tenant_id, GetUserId()) < CH_LEVEL_ADMIN))
		ch_compat_require_set_role(GetUserId(), owner);
	(void) GetUserNameFromId(owner, false);
	if (!ch_tenant_is_default(&connector->tenant_id) && !ch_tenant_may_own(&connector->tenant_id, owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role \"%s\" may not own connectors of tenant \"%s\"", GetUserNameFromId(owner, false),
						ch_tenant_name(&connector->tenant_id)),
				 errhint("Make it a member first: connhub.grant_tenant(..., level => 'operator').")));
	ch_connector_set_owner(connector, owner);
	PG_RETURN_VOID();
}

static List *
table_names(List *tables)
{
	List	   *names = NIL;
	ListCell   *cell;

	foreach(cell, tables)
	{
		const ChServerTable *table = lfirst(cell);

		names = lappend(names, quote_qualified_identifier(table->schema, table->name));
	}
	return names;
}

Datum
connhub_connector_delete(PG_FUNCTION_ARGS)
{
	char	   *wanted = ch_api_text(fcinfo, 0);
	bool		force = PG_GETARG_BOOL(1);
	ChConnector deleted;
	const ChConnector *connector;
	Oid			server;
	List	   *tables = NIL;
	bool		drop;
	Datum		values[5];
	bool		nulls[5] = {false};

	PreventCommandIfReadOnly("connhub.delete_connector()");

	/* What was deleted softly can still be removed for good. */
	if (force && ch_connector_lock_deleted(wanted, &deleted))
		connector = &deleted;
	else
	{
		deleted = *ch_connector_lock(wanted);
		connector = &deleted;
	}

	server = ch_connector_find_server(&connector->id, connector->name, &deleted.owner);
	if (OidIsValid(server))
		tables = ch_server_tables(server);
	drop = OidIsValid(server) && (force || tables == NIL);
	if (tables != NIL && !force)
		ereport(NOTICE,
				(errmsg_plural("connector \"%s\" is deleted, but %d foreign table depends on its server and stays",
							   "connector \"%s\" is deleted, but %d foreign tables depend on its server and stay",
							   list_length(tables), connector->name, list_length(tables)),
				 errdetail("They cannot be queried any more; the result names them."),
				 errhint("connhub.delete_connector('%s', force => true) drops them too.",
						 ch_uuid_text(&connector->id))));
	if (drop)
		ch_connector_drop_server(server);
	if (force)
	{
		ch_kept_forget(&connector->id);
		ch_vault_forget(&connector->id);
		ch_connector_remove(&connector->id);
		ch_shared_forget(&connector->id);
	}
	else
		ch_connector_mark_deleted(&connector->id);
	ch_conn_close_all(&connector->id);

	values[0] = UUIDPGetDatum(&connector->id);
	values[1] = CStringGetTextDatum(connector->name);
	values[2] = BoolGetDatum(force);
	values[3] = BoolGetDatum(drop);
	values[4] = ch_api_name_array(table_names(tables));
	return ch_api_row(fcinfo, values, nulls, lengthof(values));
}
