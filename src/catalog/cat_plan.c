/* catalog/cat_plan.c — plans: what a tenant may have.
 *
 * Every live connector counts, the disabled ones too, so that none can be kept in reserve.  Connectors are counted by a
 * fresh snapshot, since that of a transaction may be older than the lock. */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "catalog/cat_plan.h"
#include "catalog/cat_sql.h"
#include "catalog/cat_type.h"
#include "catalog/catalog.h"
#include "common/error.h"

typedef struct TenantPlan
{
	char	   *tenant;
	char	   *tier;
	int			max_connectors; /* -1: any number */
	bool		has_type;
	char	   *types;			/* those it has, for people */
} TenantPlan;

/* Lock the tenant and read its plan as it is under the lock; false: it is gone. */
static bool
plan_load(const pg_uuid_t *tenant, const char *type, const char *lock, TenantPlan *plan)
{
	HeapTuple	tuple;
	TupleDesc	descriptor;
	MemoryContext before;
	ChSql		sql;
	bool		isnull;
	bool		found;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, tenant);
	found = ch_sql_run(&sql, psprintf("SELECT FROM connhub_catalog.tenant WHERE id = $1 FOR %s", lock)) > 0;
	if (found)
	{
		ch_sql_uuid(&sql, tenant);
		ch_sql_text(&sql, type);
		found = ch_sql_run(&sql,
						   "SELECT tenant, tier, max_connectors, $2 = ANY (types), array_to_string(types, ', ')"
						   " FROM connhub_catalog.plan WHERE tenant_id = $1") > 0;
	}
	if (found)
	{
		tuple = SPI_tuptable->vals[0];
		descriptor = SPI_tuptable->tupdesc;
		plan->max_connectors = DatumGetInt32(SPI_getbinval(tuple, descriptor, 3, &isnull));
		if (isnull)
			plan->max_connectors = -1;
		plan->has_type = DatumGetBool(SPI_getbinval(tuple, descriptor, 4, &isnull)) && !isnull;
		before = MemoryContextSwitchTo(sql.caller);
		plan->tenant = pstrdup(SPI_getvalue(tuple, descriptor, 1));
		plan->tier = pstrdup(SPI_getvalue(tuple, descriptor, 2));
		plan->types = pstrdup(SPI_getvalue(tuple, descriptor, 5));
		MemoryContextSwitchTo(before);
	}
	ch_sql_end(&sql);
	return found;
}

static void
tenant_gone(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_CH_UNKNOWN_TENANT),
			 errmsg("the tenant does not exist"),
			 errdetail("It was deleted by another session just now.")));
}

int
ch_plan_connectors(const pg_uuid_t *tenant)
{
	ScanKeyData key;
	ChScan		scan;
	int			count = 0;

	ch_scan_key_uuid(&key, Anum_ch_connector_tenant_id, tenant);
	ch_scan_begin(&scan, "connector", "connector_name_key", 1, &key);
	while (HeapTupleIsValid(ch_scan_next(&scan)))
		count++;
	ch_scan_end(&scan);
	return count;
}

void
ch_plan_admit(const pg_uuid_t *tenant, const char *type, int more)
{
	TenantPlan	plan;
	int			used;

	if (!plan_load(tenant, type, "KEY SHARE", &plan))
		tenant_gone();
	if (plan.max_connectors >= 0 && !plan_load(tenant, type, "NO KEY UPDATE", &plan))
		tenant_gone();
	if (!plan.has_type && ch_type_get(type, true) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CH_PLAN_LIMIT),
				 errmsg("plan \"%s\" of tenant \"%s\" does not include connector type \"%s\"",
						plan.tier, plan.tenant, type),
				 errdetail("It includes: %s.", plan.types),
				 errhint("An administrator of connhub can change the plan with connhub.update_tenant().")));
	if (plan.max_connectors < 0)
		return;
	used = ch_plan_connectors(tenant);
	if (used + more > plan.max_connectors)
		ereport(ERROR,
				(errcode(ERRCODE_CH_PLAN_LIMIT),
				 errmsg("plan \"%s\" of tenant \"%s\" is limited to %d connectors", plan.tier, plan.tenant,
						plan.max_connectors),
				 errdetail_plural("%d is in use.", "%d are in use.", used, used),
				 errhint("Delete a connector; an administrator of connhub can change the plan with connhub.update_tenant().")));
}

void
ch_plan_require_tier(const char *tier)
{
	const char *names[16];
	int			count = 0;
	const char *closest;
	ChSql		sql;
	ChScan		scan;
	HeapTuple	tuple;
	bool		found;

	ch_sql_begin(&sql);
	ch_sql_text(&sql, tier);
	found = ch_sql_run(&sql, "SELECT FROM connhub_catalog.tier WHERE name = $1") > 0;
	ch_sql_end(&sql);
	if (found)
		return;
	ch_scan_begin(&scan, "tier", "tier_pkey", 0, NULL);
	while (count < lengthof(names) && HeapTupleIsValid(tuple = ch_scan_next(&scan)))
	{
		bool		isnull;

		names[count++] = TextDatumGetCString(heap_getattr(tuple, Anum_ch_tier_name, scan.relation->rd_att, &isnull));
	}
	ch_scan_end(&scan);
	closest = ch_closest(tier, names, count);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("tier \"%s\" does not exist", tier),
			 closest != NULL ? errhint("Perhaps you meant the tier \"%s\".", closest) :
			 errhint("SELECT name FROM connhub.tier lists them.")));
}

/* ---- Limits of a tenant's own ------------------------------------------------------------- */

static void
refuse_limit(const char *name, const char *expected)
{
	ereport(ERROR,
			(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
			 errmsg("invalid limit \"%s\" of a tenant", name),
			 errhint("%s", expected)));
}

static void
check_connectors(const char *name, const JsonbValue *value)
{
	static const char *const expected = "It is a whole number from 0 to 1000000, or \"unlimited\".";

	if (value->type == jbvString && value->val.string.len == strlen("unlimited") &&
		memcmp(value->val.string.val, "unlimited", value->val.string.len) == 0)
		return;
	if (value->type != jbvNumeric || numeric_is_nan(value->val.numeric) || numeric_is_inf(value->val.numeric))
		refuse_limit(name, expected);
	else
	{
		char	   *text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));

		if (strlen(text) > 7 || strspn(text, "0123456789") != strlen(text) || atoi(text) > 1000000)
			refuse_limit(name, expected);
	}
}

static void
check_types(const char *name, const JsonbValue *value)
{
	static const char *const expected = "It is an array of connector types, as in connhub.types().";
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	element;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		refuse_limit(name, expected);
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &element, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (element.type != jbvString)
			refuse_limit(name, expected);
		(void) ch_type_get(pnstrdup(element.val.string.val, element.val.string.len), false);
	}
}

static const struct
{
	const char *name;
	void		(*check) (const char *name, const JsonbValue *value);
}			limits_known[] = {
	{"connectors", check_connectors},
	{"types", check_types},
};

static void
check_limits(Jsonb *limits)
{
	const char *names[lengthof(limits_known)];
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	key;
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(limits))
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("limits must be a JSON object"),
				 errhint("For example: limits => '{\"connectors\": 5}'.")));
	for (int i = 0; i < lengthof(names); i++)
		names[i] = limits_known[i].name;
	iterator = JsonbIteratorInit(&limits->root);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		const char *closest;
		char	   *name;
		int			i = 0;

		if (token != WJB_KEY)
			continue;
		name = pnstrdup(key.val.string.val, key.val.string.len);
		while (i < lengthof(names) && strcmp(names[i], name) != 0)
			i++;
		if (i < lengthof(names))
		{
			(void) getKeyJsonValueFromContainer(&limits->root, name, strlen(name), &value);
			if (value.type != jbvNull)
				limits_known[i].check(name, &value);
			continue;
		}
		closest = ch_closest(name, names, lengthof(names));
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("unknown limit \"%s\" of a tenant", name),
				 closest != NULL ? errhint("Perhaps you meant \"%s\".", closest) :
				 errhint("Limits are: connectors, types.")));
	}
}

Jsonb *
ch_plan_merge_limits(Jsonb *limits, Jsonb *changes)
{
	ChSql		sql;
	bool		isnull;
	MemoryContext before;
	Jsonb	   *merged;

	if (changes != NULL)
		check_limits(changes);
	ch_sql_begin(&sql);
	ch_sql_value(&sql, JSONBOID, JsonbPGetDatum(limits), limits == NULL);
	ch_sql_value(&sql, JSONBOID, JsonbPGetDatum(changes), changes == NULL);
	ch_sql_run(&sql, "SELECT jsonb_strip_nulls(coalesce($1, '{}') || coalesce($2, '{}'))");
	before = MemoryContextSwitchTo(sql.caller);
	merged = (Jsonb *) PG_DETOAST_DATUM_COPY(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	MemoryContextSwitchTo(before);
	ch_sql_end(&sql);
	return merged;
}
