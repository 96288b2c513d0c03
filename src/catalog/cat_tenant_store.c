/* catalog/cat_tenant_store.c — writing tenants and memberships.
 *
 * Assumes that the caller was checked.  Unique indexes, not looks beforehand, decide between two sessions. */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "catalog/cat_plan.h"
#include "catalog/cat_sql.h"
#include "catalog/cat_tenant_store.h"
#include "catalog/catalog.h"
#include "common/error.h"

static void
check_name(const char *name)
{
	pg_uuid_t	id;
	bool		is_plain = name[0] != '\0' && strlen(name) < NAMEDATALEN && !ch_uuid_parse(name, &id);

	for (const char *p = name; *p != '\0'; p++)
		is_plain = is_plain && (unsigned char) *p >= ' ' && *p != 0x7f;
	if (!is_plain)
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("invalid name \"%s\" of a tenant", name),
				 errhint("A name has 1 to %d bytes, no control characters, and not the form of an id.", NAMEDATALEN - 1)));
}

static void
name_taken(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 errmsg("tenant \"%s\" already exists", name),
			 errhint("Choose another name.")));
}

void
ch_tenant_insert(const pg_uuid_t *tenant, const char *name, const char *tier, Jsonb *limits)
{
	Jsonb	   *checked = ch_plan_merge_limits(NULL, limits);
	ChSql		sql;

	check_name(name);
	ch_plan_require_tier(tier);
	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, tenant);
	ch_sql_text(&sql, name);
	ch_sql_text(&sql, tier);
	ch_sql_value(&sql, JSONBOID, JsonbPGetDatum(checked), false);
	if (ch_sql_run(&sql, "INSERT INTO connhub_catalog.tenant (id, name, tier, limits) VALUES ($1, $2, $3, $4)"
				   " ON CONFLICT (name) DO NOTHING") == 0)
		name_taken(name);
	ch_sql_end(&sql);
}

/* The limits as they are under the lock of ch_tenant_lock. */
static Jsonb *
limits_of(const pg_uuid_t *tenant)
{
	MemoryContext before;
	Jsonb	   *limits;
	bool		isnull;
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, tenant);
	ch_sql_run(&sql, "SELECT limits FROM connhub_catalog.tenant WHERE id = $1");
	before = MemoryContextSwitchTo(sql.caller);
	limits = (Jsonb *) PG_DETOAST_DATUM_COPY(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	MemoryContextSwitchTo(before);
	ch_sql_end(&sql);
	return limits;
}

void
ch_tenant_store(const pg_uuid_t *tenant, const char *name, const char *tier, Jsonb *limits)
{
	Jsonb	   *merged;
	ChSql		sql;

	ch_tenant_lock(tenant);
	merged = limits == NULL ? NULL : ch_plan_merge_limits(limits_of(tenant), limits);
	if (tier != NULL)
		ch_plan_require_tier(tier);
	if (name != NULL)
	{
		check_name(name);
		ch_sql_begin(&sql);
		ch_sql_uuid(&sql, tenant);
		ch_sql_text(&sql, name);
		if (ch_sql_run(&sql, "SELECT FROM connhub_catalog.tenant WHERE id <> $1 AND name = $2") > 0)
			name_taken(name);
		ch_sql_end(&sql);
	}
	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, tenant);
	ch_sql_text(&sql, name);
	ch_sql_text(&sql, tier);
	ch_sql_value(&sql, JSONBOID, JsonbPGetDatum(merged), merged == NULL);
	ch_sql_run(&sql, "UPDATE connhub_catalog.tenant SET name = coalesce($2, name), tier = coalesce($3, tier),"
			   " limits = coalesce($4, limits) WHERE id = $1");
	ch_sql_end(&sql);
}

void
ch_tenant_lock(const pg_uuid_t *tenant)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, tenant);
	if (ch_sql_run(&sql, "SELECT FROM connhub_catalog.tenant WHERE id = $1 FOR UPDATE") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_CH_UNKNOWN_TENANT),
				 errmsg("the tenant does not exist"),
				 errdetail("It was deleted by another session just now.")));
	ch_sql_end(&sql);
}

List *
ch_tenant_connectors(const pg_uuid_t *tenant)
{
	List	   *connectors = NIL;
	MemoryContext before;
	ChSql		sql;
	uint64		count;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, tenant);
	count = ch_sql_run(&sql, "SELECT id, name, owner::oid FROM connhub_catalog.connector WHERE tenant_id = $1"
					   " ORDER BY id FOR UPDATE");
	before = MemoryContextSwitchTo(sql.caller);
	for (uint64 i = 0; i < count; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	descriptor = SPI_tuptable->tupdesc;
		ChConnector *connector = palloc0(sizeof(ChConnector));
		bool		isnull;

		connector->id = *DatumGetUUIDP(SPI_getbinval(tuple, descriptor, 1, &isnull));
		connector->tenant_id = *tenant;
		connector->name = pstrdup(SPI_getvalue(tuple, descriptor, 2));
		connector->owner = DatumGetObjectId(SPI_getbinval(tuple, descriptor, 3, &isnull));
		connectors = lappend(connectors, connector);
	}
	MemoryContextSwitchTo(before);
	ch_sql_end(&sql);
	return connectors;
}

void
ch_tenant_remove(const pg_uuid_t *tenant)
{
	static const char *const statements[] = {
		"DELETE FROM connhub_catalog.data_key WHERE tenant_id = $1",
		"DELETE FROM connhub_catalog.tenant WHERE id = $1",
	};
	ChSql		sql;

	ch_sql_begin(&sql);
	for (int i = 0; i < lengthof(statements); i++)
	{
		ch_sql_uuid(&sql, tenant);
		ch_sql_run(&sql, statements[i]);
	}
	ch_sql_end(&sql);
}

void
ch_tenant_put_member(const pg_uuid_t *tenant, Oid role, ChTenantLevel level)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, tenant);
	ch_sql_value(&sql, OIDOID, ObjectIdGetDatum(role), false);
	ch_sql_text(&sql, ch_tenant_level_name(level));
	ch_sql_run(&sql, "INSERT INTO connhub_catalog.tenant_member AS m (tenant_id, role, level) VALUES ($1, $2::regrole, $3)"
			   " ON CONFLICT (tenant_id, role) DO UPDATE SET level = EXCLUDED.level, granted_at = now()"
			   " WHERE m.level <> EXCLUDED.level");
	ch_sql_end(&sql);
}

bool
ch_tenant_remove_member(const pg_uuid_t *tenant, Oid role)
{
	ChSql		sql;
	bool		found;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, tenant);
	ch_sql_value(&sql, OIDOID, ObjectIdGetDatum(role), false);
	found = ch_sql_run(&sql, "DELETE FROM connhub_catalog.tenant_member WHERE tenant_id = $1 AND role = $2::regrole") > 0;
	ch_sql_end(&sql);
	return found;
}

bool
ch_tenant_has_member(const pg_uuid_t *tenant, Oid role)
{
	ChSql		sql;
	bool		found;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, tenant);
	ch_sql_value(&sql, OIDOID, ObjectIdGetDatum(role), false);
	found = ch_sql_run(&sql, "SELECT FROM connhub_catalog.tenant_member WHERE tenant_id = $1 AND role = $2::regrole") > 0;
	ch_sql_end(&sql);
	return found;
}
