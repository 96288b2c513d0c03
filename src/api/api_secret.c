/* api/api_secret.c — rotations of keys, and secret stores. */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/uuid.h"

#include "api/api.h"
#include "catalog/cat_sql.h"
#include "catalog/catalog.h"
#include "common/error.h"
#include "common/guc.h"
#include "common/redact.h"
#include "common/txn.h"
#include "vault/kept.h"
#include "vault/rotate.h"
#include "vault/store.h"

PG_FUNCTION_INFO_V1(connhub_rotate_tenant_key);
PG_FUNCTION_INFO_V1(connhub_rotate_master_key);
PG_FUNCTION_INFO_V1(connhub_secrets_resolve);
PG_FUNCTION_INFO_V1(connhub_secret_store_set);
PG_FUNCTION_INFO_V1(connhub_secret_store_remove);

static void
tenant_id(const char *name, pg_uuid_t *id)
{
	ChSql		sql;
	bool		isnull;
	bool		found;

	ch_sql_begin(&sql);
	ch_sql_text(&sql, name);
	found = ch_sql_run(&sql, "SELECT id FROM connhub_catalog.tenant WHERE name = $1") > 0;
	if (found)
		*id = *DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	ch_sql_end(&sql);
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("tenant \"%s\" does not exist", name),
				 errhint("The tenant of all connectors without another is \"default\".")));
}

static void
require_admin(const char *what)
{
	if (!ch_catalog_has_role(GetUserId(), CH_ROLE_ADMIN))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to %s", what),
				 errhint("Only members of connhub_admin may.")));
}

/* Run work that goes on between short transactions. */
static void
run_between_transactions(FunctionCallInfo fcinfo, const char *name, void (*work) (const pg_uuid_t *tenant),
						 const pg_uuid_t *tenant)
{
	CallContext *call = castNode(CallContext, fcinfo->context);

	if (call->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("%s cannot run inside a transaction block", name),
				 errhint("Call it by itself: it works in short transactions of its own.")));
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	SPI_commit();
	MemoryContextSwitchTo(PortalContext);
	ch_txn_set_procedure(true);
	PG_TRY();
	{
		work(tenant);
	}
	PG_FINALLY();
	{
		ch_txn_set_procedure(false);
	}
	PG_END_TRY();
	SPI_finish();
}

static void
rotate_tenant_key(const pg_uuid_t *tenant)
{
	(void) ch_rotate_tenant_key(tenant);
}

static void
resolve_secrets(const pg_uuid_t *tenant)
{
	(void) ch_kept_resolve();
}

Datum
connhub_rotate_tenant_key(PG_FUNCTION_ARGS)
{
	pg_uuid_t	tenant;

	PreventCommandIfReadOnly("connhub.rotate_tenant_key()");
	require_admin("rotate the key of a tenant");
	tenant_id(ch_api_required_text(fcinfo, 0, "tenant"), &tenant);
	run_between_transactions(fcinfo, "connhub.rotate_tenant_key()", rotate_tenant_key, &tenant);
	PG_RETURN_VOID();
}

Datum
connhub_secrets_resolve(PG_FUNCTION_ARGS)
{
	PreventCommandIfReadOnly("connhub.resolve_secrets()");
	require_admin("finish the secrets of all tenants");
	run_between_transactions(fcinfo, "connhub.resolve_secrets()", resolve_secrets, NULL);
	PG_RETURN_VOID();
}

/* A source of keys names files and commands: superusers only. */
Datum
connhub_rotate_master_key(PG_FUNCTION_ARGS)
{
	char	   *source = ch_api_text(fcinfo, 0);

	ch_redact_statement();
	PreventCommandIfReadOnly("connhub.rotate_master_key()");
	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to rotate the master key"),
				 errhint("Only superusers may.")));
	if (source == NULL && ch_former_master_key[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("no former master key is named"),
				 errhint("Set connhub.former_master_key, or give the source of the old key.")));
	PG_RETURN_INT64(ch_rotate_master_key(source != NULL ? source : ch_former_master_key));
}

Datum
connhub_secret_store_set(PG_FUNCTION_ARGS)
{
	pg_uuid_t	tenant;
	pg_uuid_t  *id = palloc(sizeof(pg_uuid_t));

	ch_redact_statement();
	PreventCommandIfReadOnly("connhub.set_secret_store()");
	require_admin("set a secret store");
	tenant_id(ch_api_required_text(fcinfo, 3, "tenant"), &tenant);
	ch_store_set(&tenant, ch_api_required_text(fcinfo, 0, "kind"), ch_api_jsonb(fcinfo, 1), ch_api_jsonb(fcinfo, 2), id);
	PG_RETURN_UUID_P(id);
}

Datum
connhub_secret_store_remove(PG_FUNCTION_ARGS)
{
	pg_uuid_t	tenant;

	PreventCommandIfReadOnly("connhub.remove_secret_store()");
	require_admin("remove a secret store");
	tenant_id(ch_api_text(fcinfo, 1), &tenant);
	if (strcmp(ch_api_text(fcinfo, 0), "k8s") == 0 && ch_kept_any(&tenant))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("credentials of this tenant are kept in Kubernetes"),
				 errhint("Set \"write\" to false, store them again with connhub.set_credentials, and call "
						 "connhub.resolve_secrets() first.")));
	PG_RETURN_BOOL(ch_store_remove(&tenant, ch_api_text(fcinfo, 0)));
}
