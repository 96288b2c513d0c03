/* catalog/cat_limit.c — ceilings of connectors by role, cached: a statement asks for them before it opens a cursor. */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/rel.h"

#include "catalog/cat_cache.h"
#include "catalog/cat_limit.h"
#include "catalog/cat_sql.h"
#include "catalog/catalog.h"

typedef struct LimitEntry
{
	pg_uuid_t	connector;		/* hash key, must be first */
	List	   *limits;
} LimitEntry;

static ChCache limit_cache = {
	.name = "connhub limits",
	.relations = {"connector_limit"},
	.control = {.keysize = sizeof(pg_uuid_t), .entrysize = sizeof(LimitEntry)},
	.flags = HASH_BLOBS,
};

static int64
number(HeapTuple tuple, TupleDesc descriptor, int attribute)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attribute, descriptor, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

static List *
load(const pg_uuid_t *connector, MemoryContext context)
{
	ChScan		scan;
	ScanKeyData key;
	HeapTuple	tuple;
	List	   *limits = NIL;

	ch_scan_key_uuid(&key, Anum_ch_connector_limit_connector_id, connector);
	ch_scan_begin(&scan, "connector_limit", "connector_limit_pkey", 1, &key);
	while (HeapTupleIsValid(tuple = ch_scan_next(&scan)))
	{
		TupleDesc	descriptor = RelationGetDescr(scan.relation);
		MemoryContext old = MemoryContextSwitchTo(context);
		ChLimit    *limit = palloc0(sizeof(ChLimit));
		bool		isnull;

		limit->role = DatumGetObjectId(heap_getattr(tuple, Anum_ch_connector_limit_role, descriptor, &isnull));
		limit->rows = number(tuple, descriptor, Anum_ch_connector_limit_rows);
		limit->bytes = number(tuple, descriptor, Anum_ch_connector_limit_bytes);
		limit->seconds = number(tuple, descriptor, Anum_ch_connector_limit_seconds);
		limit->calls = number(tuple, descriptor, Anum_ch_connector_limit_calls);
		limits = lappend(limits, limit);
		MemoryContextSwitchTo(old);
	}
	ch_scan_end(&scan);
	return limits;
}

List *
ch_limits_get(const pg_uuid_t *connector)
{
	HTAB	   *entries = ch_cache_entries(&limit_cache);
	MemoryContext context = limit_cache.context;
	LimitEntry *entry = hash_search(entries, connector, HASH_FIND, NULL);
	List	   *limits;
	bool		found;

	if (entry != NULL)
		return entry->limits;
	limits = load(connector, context);
	entry = hash_search(entries, connector, HASH_ENTER, &found);
	entry->limits = limits;
	return limits;
}

static void
add_number(ChSql *sql, int64 value)
{
	ch_sql_value(sql, INT8OID, Int64GetDatum(value), value == 0);
}

void
ch_limit_store(const pg_uuid_t *connector, const ChLimit *limit)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, connector);
	ch_sql_value(&sql, REGROLEOID, ObjectIdGetDatum(limit->role), false);
	if (limit->rows == 0 && limit->bytes == 0 && limit->seconds == 0 && limit->calls == 0)
		ch_sql_run(&sql, "DELETE FROM connhub_catalog.connector_limit WHERE connector_id = $1 AND role = $2");
	else
	{
		add_number(&sql, limit->rows);
		add_number(&sql, limit->bytes);
		add_number(&sql, limit->seconds);
		add_number(&sql, limit->calls);
		ch_sql_run(&sql, "INSERT INTO connhub_catalog.connector_limit (connector_id, role, rows, bytes, seconds, calls)"
				   " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (connector_id, role) DO UPDATE"
				   " SET rows = excluded.rows, bytes = excluded.bytes, seconds = excluded.seconds, calls = excluded.calls");
	}
	ch_sql_end(&sql);
}

void
ch_limit_cache_init(void)
{
	ch_cache_register(&limit_cache);
}
