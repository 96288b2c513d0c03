/* catalog/cat_tenant.c — tenants: who belongs to which, and which one a session works in.
 *
 * Assumes that the setting connhub.tenant is only a wish: membership is looked up at each use.  Nothing here tells
 * a tenant that is not there from one that is another's. */
#include "postgres.h"

#include "access/htup_details.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "catalog/cat_cache.h"
#include "catalog/cat_tenant.h"
#include "catalog/catalog.h"
#include "common/error.h"
#include "common/guc.h"

typedef struct Membership
{
	pg_uuid_t	tenant;
	ChTenantLevel level;
} Membership;

typedef struct UserEntry
{
	Oid			user;			/* hash key, must be first */
	List	   *memberships;	/* of Membership, one per tenant */
} UserEntry;

static ChCache user_cache = {
	.name = "connhub memberships",
	.relations = {"tenant_member"},
	.roles = true,
	.control = {.keysize = sizeof(Oid), .entrysize = sizeof(UserEntry)},
	.flags = HASH_BLOBS,
};

static const char *const level_names[] = {
	[CH_LEVEL_READER] = "reader",
	[CH_LEVEL_OPERATOR] = "operator",
	[CH_LEVEL_ADMIN] = "admin",
};

void
ch_tenant_cache_init(void)
{
	ch_cache_register(&user_cache);
}

const char *
ch_tenant_level_name(ChTenantLevel level)
{
	return level_names[level];
}

ChTenantLevel
ch_tenant_level_parse(const char *name)
{
	const char *closest;

	for (int i = CH_LEVEL_READER; i < lengthof(level_names); i++)
	{
		if (strcmp(name, level_names[i]) == 0)
			return (ChTenantLevel) i;
	}
	closest = ch_closest(name, level_names + CH_LEVEL_READER, lengthof(level_names) - CH_LEVEL_READER);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid level \"%s\" of a tenant", name),
			 closest != NULL ? errhint("Perhaps you meant \"%s\".", closest) :
			 errhint("It is one of: admin, operator, reader.")));
	return CH_LEVEL_NONE;
}

static Membership *
find_membership(List *memberships, const pg_uuid_t *tenant)
{
	ListCell   *cell;

	foreach(cell, memberships)
	{
		Membership *one = lfirst(cell);

		if (memcmp(&one->tenant, tenant, sizeof(*tenant)) == 0)
			return one;
	}
	return NULL;
}

/* The tenants a user is a member of, by their own name or by a role they inherit from; of two levels in
 * one the higher. */
static List *
memberships_of(Oid user)
{
	HTAB	   *entries = ch_cache_entries(&user_cache);
	MemoryContext context = user_cache.context;
	UserEntry  *entry = hash_search(entries, &user, HASH_FIND, NULL);
	List	   *memberships = NIL;
	ChScan		scan;
	HeapTuple	tuple;

	if (entry != NULL)
		return entry->memberships;

	ch_scan_begin(&scan, "tenant_member", "tenant_member_pkey", 0, NULL);
	while (HeapTupleIsValid(tuple = ch_scan_next(&scan)))
	{
		MemoryContext before;
		Membership *one;
		Datum		values[Natts_ch_tenant_member];
		bool		nulls[Natts_ch_tenant_member];
		ChTenantLevel level;
		const pg_uuid_t *tenant;

		heap_deform_tuple(tuple, RelationGetDescr(scan.relation), values, nulls);
		if (!has_privs_of_role(user, DatumGetObjectId(values[Anum_ch_tenant_member_role - 1])))
			continue;
		tenant = DatumGetUUIDP(values[Anum_ch_tenant_member_tenant_id - 1]);
		level = ch_tenant_level_parse(TextDatumGetCString(values[Anum_ch_tenant_member_level - 1]));
		one = find_membership(memberships, tenant);
		if (one == NULL)
		{
			before = MemoryContextSwitchTo(context);
			one = palloc(sizeof(Membership));
			one->tenant = *tenant;
			one->level = level;
			memberships = lappend(memberships, one);
			MemoryContextSwitchTo(before);
		}
		one->level = Max(one->level, level);
	}
	ch_scan_end(&scan);

	/* An invalidation accepted meanwhile has only marked the generation: it is still there. */
	entry = hash_search(entries, &user, HASH_ENTER, NULL);
	entry->memberships = memberships;
	return memberships;
}

static void
default_tenant(pg_uuid_t *tenant)
{
	if (!ch_uuid_parse(CH_DEFAULT_TENANT, tenant))
		elog(ERROR, "malformed id of the default tenant");
}

bool
ch_tenant_is_default(const pg_uuid_t *tenant)
{
	pg_uuid_t	id;

	default_tenant(&id);
	return memcmp(&id, tenant, sizeof(id)) == 0;
}

bool
ch_tenant_is_implicit(const pg_uuid_t *tenant, Oid user)
{
	return ch_tenant_is_default(tenant) && !ch_catalog_has_role(user, CH_ROLE_ADMIN) && memberships_of(user) == NIL;
}

ChTenantLevel
ch_tenant_level(const pg_uuid_t *tenant, Oid user)
{
	const Membership *one;

	if (ch_catalog_has_role(user, CH_ROLE_ADMIN))
		return CH_LEVEL_ADMIN;
	one = find_membership(memberships_of(user), tenant);
	if (one != NULL)
		return one->level;
	if (!ch_tenant_is_implicit(tenant, user))
		return CH_LEVEL_NONE;
	return ch_catalog_has_role(user, CH_ROLE_READER) ? CH_LEVEL_READER : CH_LEVEL_GUEST;
}

bool
ch_tenant_is_open(const pg_uuid_t *tenant, Oid user)
{
	return ch_tenant_is_default(tenant) || ch_tenant_level(tenant, user) >= CH_LEVEL_READER;
}

bool
ch_tenant_may_own(const pg_uuid_t *tenant, Oid user)
{
	return ch_tenant_is_implicit(tenant, user) || ch_tenant_level(tenant, user) >= CH_LEVEL_OPERATOR;
}

static bool
find_by_name(const char *name, pg_uuid_t *tenant)
{
	ScanKeyData key;
	ChScan		scan;
	HeapTuple	tuple;
	bool		found;

	ch_scan_key_text(&key, Anum_ch_tenant_name, name);
	ch_scan_begin(&scan, "tenant", "tenant_name_key", 1, &key);
	tuple = ch_scan_next(&scan);
	found = HeapTupleIsValid(tuple);
	if (found)
	{
		bool		isnull;

		*tenant = *DatumGetUUIDP(heap_getattr(tuple, Anum_ch_tenant_id, RelationGetDescr(scan.relation), &isnull));
	}
	ch_scan_end(&scan);
	return found;
}

char *
ch_tenant_name(const pg_uuid_t *tenant)
{
	ScanKeyData key;
	ChScan		scan;
	HeapTuple	tuple;
	char	   *name = NULL;

	ch_scan_key_uuid(&key, Anum_ch_tenant_id, tenant);
	ch_scan_begin(&scan, "tenant", "tenant_pkey", 1, &key);
	tuple = ch_scan_next(&scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;

		name = TextDatumGetCString(heap_getattr(tuple, Anum_ch_tenant_name, RelationGetDescr(scan.relation), &isnull));
	}
	ch_scan_end(&scan);
	return name;
}

void
ch_tenant_require(const char *name_or_id, ChTenantLevel least, pg_uuid_t *tenant)
{
	ChTenantLevel level = CH_LEVEL_NONE;

	if (find_by_name(name_or_id, tenant) || (ch_uuid_parse(name_or_id, tenant) && ch_tenant_name(tenant) != NULL))
		level = ch_tenant_level(tenant, GetUserId());
	if (level == CH_LEVEL_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_CH_UNKNOWN_TENANT),
				 errmsg("tenant \"%s\" does not exist", name_or_id),
				 errhint("SELECT name FROM connhub.tenant lists those you are a member of.")));
	if (level < least)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for tenant \"%s\"", name_or_id),
				 errhint("Only its members of level %s and members of connhub_admin may do this.", level_names[least])));
}

void
ch_tenant_current(pg_uuid_t *tenant)
{
	List	   *memberships;

	if (ch_tenant != NULL && ch_tenant[0] != '\0')
	{
		ch_tenant_require(ch_tenant, CH_LEVEL_GUEST, tenant);
		return;
	}
	default_tenant(tenant);
	if (ch_catalog_has_role(GetUserId(), CH_ROLE_ADMIN))
		return;
	memberships = memberships_of(GetUserId());
	if (list_length(memberships) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CH_UNKNOWN_TENANT),
				 errmsg("no tenant was chosen"),
				 errdetail("You are a member of several."),
				 errhint("SET connhub.tenant = '...'; SELECT name FROM connhub.tenant lists them.")));
	if (memberships != NIL)
		*tenant = ((const Membership *) linitial(memberships))->tenant;
}

void
ch_tenant_current_own(pg_uuid_t *tenant)
{
	ch_tenant_current(tenant);
	if (!ch_tenant_may_own(tenant, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for tenant \"%s\"", ch_tenant_name(tenant)),
				 errhint("Only its members of level operator or admin may create connectors there.")));
}
