/* catalog/catalog.c — reaching the tables of connhub_catalog from C.
 *
 * Assumes that the extension's schema holds only what its own script made: nobody but the owner has
 * CREATE there.  Scans take a catalogue snapshot, which is fresh for tables that have no system cache. */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_extension.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "catalog/catalog.h"

static void
extension_missing(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("extension \"%s\" does not exist in this database", CH_SCHEMA),
			 errhint("Create it with CREATE EXTENSION %s.", CH_SCHEMA)));
}

/* Owner and, when wanted, version of the extension. */
static Oid
extension_lookup(char **version)
{
	Relation	relation = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			owner = InvalidOid;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(CH_SCHEMA));
	scan = systable_beginscan(relation, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
		if (version != NULL)
		{
			bool		isnull;

			*version = TextDatumGetCString(heap_getattr(tuple, Anum_pg_extension_extversion,
														RelationGetDescr(relation), &isnull));
		}
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	if (!OidIsValid(owner))
		extension_missing();
	return owner;
}

char *
ch_catalog_extension_version(void)
{
	char	   *version = NULL;

	(void) extension_lookup(&version);
	return version;
}

void
ch_catalog_as_owner(ChAsOwner *saved)
{
	Oid			owner = extension_lookup(NULL);

	GetUserIdAndSecContext(&saved->user, &saved->context);
	saved->nest_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	SetUserIdAndSecContext(owner, saved->context | SECURITY_LOCAL_USERID_CHANGE);
}

void
ch_catalog_as_before(const ChAsOwner *saved)
{
	AtEOXact_GUC(false, saved->nest_level);
	SetUserIdAndSecContext(saved->user, saved->context);
}

Oid
ch_catalog_relation(const char *name)
{
	Oid			namespace = get_namespace_oid(CH_CATALOG_SCHEMA, true);
	Oid			relation = InvalidOid;

	if (OidIsValid(namespace))
		relation = get_relname_relid(name, namespace);
	if (!OidIsValid(relation))
		extension_missing();
	return relation;
}

void
ch_scan_begin(ChScan *scan, const char *table, const char *index, int nkeys, ScanKeyData *keys)
{
	scan->relation = table_open(ch_catalog_relation(table), AccessShareLock);
	scan->scan = systable_beginscan(scan->relation, ch_catalog_relation(index), true, NULL, nkeys, keys);
}

HeapTuple
ch_scan_next(ChScan *scan)
{
	return systable_getnext(scan->scan);
}

void
ch_scan_end(ChScan *scan)
{
	systable_endscan(scan->scan);
	table_close(scan->relation, AccessShareLock);
}

void
ch_scan_key_uuid(ScanKeyData *key, AttrNumber attribute, const pg_uuid_t *id)
{
	ScanKeyInit(key, attribute, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(id));
}

void
ch_scan_key_text(ScanKeyData *key, AttrNumber attribute, const char *text)
{
	/* ScanKeyInit compares under "C", the collation of every name in the catalogue. */
	ScanKeyInit(key, attribute, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(text));
}

bool
ch_catalog_has_role(Oid user, const char *role)
{
	Oid			roleid;

	if (superuser_arg(user))
		return true;
	roleid = get_role_oid(role, true);
	return OidIsValid(roleid) && has_privs_of_role(user, roleid);
}

char *
ch_uuid_text(const pg_uuid_t *id)
{
	return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(id)));
}

/* Only the canonical form: a name that uuid_in would also take must stay a name. */
bool
ch_uuid_parse(const char *text, pg_uuid_t *id)
{
	static const int bytes_before_dash[] = {4, 6, 8, 10};
	const char *p = text;

	for (int i = 0, dash = 0; i < UUID_LEN; i++)
	{
		int			digit = 0;

		if (dash < lengthof(bytes_before_dash) && i == bytes_before_dash[dash])
		{
			if (*p++ != '-')
				return false;
			dash++;
		}
		for (int half = 0; half < 2; half++, p++)
		{
			char		c = *p;

			digit <<= 4;
			if (c >= '0' && c <= '9')
				digit += c - '0';
			else if (c >= 'a' && c <= 'f')
				digit += c - 'a' + 10;
			else if (c >= 'A' && c <= 'F')
				digit += c - 'A' + 10;
			else
				return false;
		}
		id->data[i] = (unsigned char) digit;
	}
	return *p == '\0';
}
