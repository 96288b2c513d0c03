/* api/api_tenant.c — tenants: create, update, delete, grant, revoke, and the helpers of views and policies.
 *
 * Assumes that EXECUTE was checked: only members of connhub_admin make, change and delete tenants.  Whether the caller is an
 * admin of the tenant whose members change is checked here. */
#include "postgres.h"

#include "catalog/objectaddress.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "api/api.h"
#include "catalog/cat_plan.h"
#include "catalog/cat_store.h"
#include "catalog/cat_tenant_store.h"
#include "catalog/catalog.h"
#include "common/error.h"
#include "conn/conn.h"

PG_FUNCTION_INFO_V1(connhub_tenant_create);
PG_FUNCTION_INFO_V1(connhub_tenant_update);
PG_FUNCTION_INFO_V1(connhub_tenant_delete);
PG_FUNCTION_INFO_V1(connhub_tenant_grant);
PG_FUNCTION_INFO_V1(connhub_tenant_revoke);
PG_FUNCTION_INFO_V1(connhub_tenant_current);
PG_FUNCTION_INFO_V1(connhub_tenant_may_see);
PG_FUNCTION_INFO_V1(connhub_tenant_is_open);
PG_FUNCTION_INFO_V1(connhub_tenant_level);

/* What a role of PostgreSQL needs beside its level, to be let into the functions. */
static const char *const roles_of_levels[] = {
	[CH_LEVEL_READER] = CH_ROLE_READER,
	[CH_LEVEL_OPERATOR] = CH_ROLE_OPERATOR,
	[CH_LEVEL_ADMIN] = CH_ROLE_OPERATOR,
};

static bool
has_functions_of(Oid role, ChTenantLevel level)
{
	return ch_catalog_has_role(role, roles_of_levels[level]) || ch_catalog_has_role(role, CH_ROLE_OPERATOR) ||
		ch_catalog_has_role(role, CH_ROLE_ADMIN);
}

static void
put_member(const pg_uuid_t *tenant, Oid role, ChTenantLevel level)
{
	const char *name = GetUserNameFromId(role, false);

	ch_tenant_put_member(tenant, role, level);
	if (!has_functions_of(role, level))
		ereport(NOTICE,
				(errmsg("role \"%s\" may not call the functions of level %s yet", name, ch_tenant_level_name(level)),
				 errhint("GRANT %s TO %s;", roles_of_levels[level], quote_identifier(name))));
}

Datum
connhub_tenant_create(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *id = DatumGetUUIDP(DirectFunctionCall1(gen_random_uuid, (Datum) 0));

	PreventCommandIfReadOnly("connhub.create_tenant()");
	ch_tenant_insert(id, ch_api_required_text(fcinfo, 0, "name"), ch_api_required_text(fcinfo, 1, "tier"),
					 ch_api_jsonb(fcinfo, 3));
	if (!PG_ARGISNULL(2))
		put_member(id, PG_GETARG_OID(2), CH_LEVEL_ADMIN);
	PG_RETURN_UUID_P(id);
}

/* The tenant of an argument, but not the one that is always there. */
static void
require_other(const char *name_or_id, pg_uuid_t *tenant)
{
	ch_tenant_require(name_or_id, CH_LEVEL_ADMIN, tenant);
	if (ch_tenant_is_default(tenant))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the default tenant can be neither changed nor deleted"),
				 errhint("Create a tenant with connhub.create_tenant() for those who shall have limits.")));
}

Datum
connhub_tenant_update(PG_FUNCTION_ARGS)
{
	pg_uuid_t	tenant;

	PreventCommandIfReadOnly("connhub.update_tenant()");
	require_other(ch_api_required_text(fcinfo, 0, "tenant"), &tenant);
	ch_tenant_store(&tenant, ch_api_text(fcinfo, 1), ch_api_text(fcinfo, 2), ch_api_jsonb(fcinfo, 3));
	PG_RETURN_VOID();
}

static void
remove_connector(ChConnector *connector)
{
	Oid			server = ch_connector_find_server(&connector->id, connector->name, &connector->owner);

	if (OidIsValid(server))
		ch_connector_drop_server(server);
	ch_vault_forget(&connector->id);
	ch_connector_remove(&connector->id);
	ch_conn_close_all(&connector->id);
}

Datum
connhub_tenant_delete(PG_FUNCTION_ARGS)
{
	char	   *name = ch_api_text(fcinfo, 0);
	bool		force = PG_GETARG_BOOL(1);
	pg_uuid_t	tenant;
	int			live;
	ListCell   *cell;

	PreventCommandIfReadOnly("connhub.delete_tenant()");
	require_other(name, &tenant);
	ch_tenant_lock(&tenant);
	live = ch_plan_connectors(&tenant);
	if (live > 0 && !force)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg_plural("tenant \"%s\" still has %d connector", "tenant \"%s\" still has %d connectors",
							   live, name, live),
				 errhint("Delete them, or delete the tenant with force => true: their credentials and foreign tables go too.")));
	foreach(cell, ch_tenant_connectors(&tenant))
		remove_connector(lfirst(cell));
	ch_tenant_remove(&tenant);
	PG_RETURN_INT64(live);
}

/* May the caller change what the role is in the tenant?  Whoever becomes a member works in the tenant from then on, so an
 * admin of a tenant may only bring in roles that are theirs to give. */
static void
require_member_or_own(const pg_uuid_t *tenant, Oid role)
{
	if (ch_catalog_has_role(GetUserId(), CH_ROLE_ADMIN) || ch_tenant_has_member(tenant, role) ||
		is_admin_of_role(GetUserId(), role))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to make role \"%s\" a member of a tenant", GetUserNameFromId(role, false)),
			 errdetail("An admin of a tenant may bring in roles that they hold with ADMIN OPTION."),
			 errhint("Ask a member of connhub_admin.")));
}

Datum
connhub_tenant_grant(PG_FUNCTION_ARGS)
{
	Oid			role = PG_GETARG_OID(1);
	ChTenantLevel level = ch_tenant_level_parse(ch_api_text(fcinfo, 2));
	pg_uuid_t	tenant;

	PreventCommandIfReadOnly("connhub.grant_tenant()");
	ch_tenant_require(ch_api_text(fcinfo, 0), CH_LEVEL_ADMIN, &tenant);
	require_member_or_own(&tenant, role);
	put_member(&tenant, role, level);
	PG_RETURN_VOID();
}

Datum
connhub_tenant_revoke(PG_FUNCTION_ARGS)
{
	char	   *name = ch_api_text(fcinfo, 0);
	Oid			role = PG_GETARG_OID(1);
	pg_uuid_t	tenant;

	PreventCommandIfReadOnly("connhub.revoke_tenant()");
	ch_tenant_require(name, CH_LEVEL_ADMIN, &tenant);
	if (!ch_tenant_remove_member(&tenant, role))
		ereport(NOTICE,
				(errmsg("role \"%s\" is no member of tenant \"%s\" by its own name",
						GetUserNameFromId(role, true) != NULL ? GetUserNameFromId(role, true) : "(dropped)", name)));
	PG_RETURN_VOID();
}

Datum
connhub_tenant_current(PG_FUNCTION_ARGS)
{
	pg_uuid_t	tenant;
	char	   *name;

	ch_tenant_current(&tenant);
	name = ch_tenant_name(&tenant);
	if (name == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

Datum
connhub_tenant_may_see(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(ch_tenant_level(PG_GETARG_UUID_P(0), GetUserId()) >= CH_LEVEL_READER);
}

Datum
connhub_tenant_is_open(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(ch_tenant_is_open(PG_GETARG_UUID_P(0), GetUserId()));
}

Datum
connhub_tenant_level(PG_FUNCTION_ARGS)
{
	const pg_uuid_t *tenant = PG_GETARG_UUID_P(0);
	ChTenantLevel level = ch_tenant_level(tenant, GetUserId());

	if (level == CH_LEVEL_NONE)
		PG_RETURN_NULL();
	if (ch_tenant_is_implicit(tenant, GetUserId()))
		level = ch_catalog_has_role(GetUserId(), CH_ROLE_OPERATOR) ? CH_LEVEL_OPERATOR : CH_LEVEL_READER;
	PG_RETURN_TEXT_P(cstring_to_text(ch_tenant_level_name(level)));
}
