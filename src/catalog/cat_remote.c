/* catalog/cat_remote.c — what discovery found, read back for planning and for attach.
 *
 * Assumes that what stands in the tables came through discover/, which wrote valid types and kinds. */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "catalog/cat_cache.h"
#include "catalog/cat_remote.h"
#include "catalog/catalog.h"

typedef struct TableKey
{
	pg_uuid_t	connector;
	const char *schema;
	const char *name;
} TableKey;

typedef struct TableEntry
{
	TableKey	key;			/* hash key, must be first */
	ChRemoteTable table;
} TableEntry;

static uint32 table_key_hash(const void *key, Size size);
static int	table_key_match(const void *a, const void *b, Size size);

static ChCache remote_cache = {
	.name = "connhub remote tables",
	.relations = {"remote_table", "remote_column", "remote_statistics", "remote_key"},
	.control = {.keysize = sizeof(TableKey),.entrysize = sizeof(TableEntry),
	.hash = table_key_hash,.match = table_key_match},
	.flags = HASH_FUNCTION | HASH_COMPARE,
};

const char *const ch_table_kind_names[5] = {
	[CONNHUB_TABLE] = "table",
	[CONNHUB_VIEW] = "view",
	[CONNHUB_MATVIEW] = "materialized view",
	[CONNHUB_FOREIGN_TABLE] = "foreign table",
	[CONNHUB_PARTITIONED_TABLE] = "partitioned table",
};

const char *const ch_key_kind_names[3] = {
	[CONNHUB_PRIMARY_KEY] = "primary",
	[CONNHUB_UNIQUE_KEY] = "unique",
	[CONNHUB_FOREIGN_KEY] = "foreign",
};

static uint32
table_key_hash(const void *key, Size size)
{
	const TableKey *k = key;
	uint32		hash = hash_bytes(k->connector.data, UUID_LEN);

	hash = hash_combine(hash, hash_bytes((const unsigned char *) k->schema, strlen(k->schema)));
	return hash_combine(hash, hash_bytes((const unsigned char *) k->name, strlen(k->name)));
}

static int
table_key_match(const void *a, const void *b, Size size)
{
	const TableKey *x = a;
	const TableKey *y = b;
	int			order = memcmp(&x->connector, &y->connector, sizeof(pg_uuid_t));

	if (order == 0)
		order = strcmp(x->schema, y->schema);
	return order != 0 ? order : strcmp(x->name, y->name);
}

void
ch_remote_cache_init(void)
{
	ch_cache_register(&remote_cache);
}

static char *
text_or_null(const Datum *values, const bool *nulls, int attribute)
{
	return nulls[attribute - 1] ? NULL : TextDatumGetCString(values[attribute - 1]);
}

static int
kind_of(const char *name, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (strcmp(name, names[i]) == 0)
			return i;
	}
	return 0;
}

static void
table_fill(ChRemoteTable *table, TupleDesc descriptor, HeapTuple tuple)
{
	Datum		values[Natts_ch_remote_table];
	bool		nulls[Natts_ch_remote_table];
	char	   *kind;

	heap_deform_tuple(tuple, descriptor, values, nulls);
	memset(table, 0, sizeof(*table));
	table->context = CurrentMemoryContext;
	table->schema = text_or_null(values, nulls, Anum_ch_remote_table_schema);
	table->name = text_or_null(values, nulls, Anum_ch_remote_table_name);
	kind = text_or_null(values, nulls, Anum_ch_remote_table_kind);
	table->kind = (ConnhubTableKind) kind_of(kind, ch_table_kind_names, lengthof(ch_table_kind_names));
	table->comment = text_or_null(values, nulls, Anum_ch_remote_table_comment);
	table->rows = nulls[Anum_ch_remote_table_rows - 1] ? -1 :
		DatumGetFloat8(values[Anum_ch_remote_table_rows - 1]);
	table->bytes = nulls[Anum_ch_remote_table_bytes - 1] ? -1 :
		DatumGetInt64(values[Anum_ch_remote_table_bytes - 1]);
}

static void
column_fill(ChRemoteColumn *column, TupleDesc descriptor, HeapTuple tuple)
{
	Datum		values[Natts_ch_remote_column];
	bool		nulls[Natts_ch_remote_column];

#define ATTRIBUTE(name) Anum_ch_remote_column_##name
#define VALUE(name) values[ATTRIBUTE(name) - 1]
#define TEXT(name) text_or_null(values, nulls, ATTRIBUTE(name))
	heap_deform_tuple(tuple, descriptor, values, nulls);
	memset(column, 0, sizeof(*column));
	column->position = DatumGetInt32(VALUE(position));
	column->name = TEXT(name);
	column->remote_type = TEXT(remote_type);
	column->type.type = (ConnhubType) DatumGetInt16(VALUE(type));
	column->type.length = DatumGetInt32(VALUE(length));
	column->type.precision = DatumGetInt32(VALUE(precision));
	column->type.scale = DatumGetInt32(VALUE(scale));
	column->type.pg_type = TEXT(pg_type);
	column->pg_type_full = TEXT(pg_type_full);
	column->not_null = DatumGetBool(VALUE(not_null));
	column->generated = DatumGetBool(VALUE(generated));
	column->default_value = TEXT(default_value);
	column->comment = TEXT(comment);
	column->collation = TEXT(collation);
	column->null_fraction = -1;
	column->average_width = -1;
#undef ATTRIBUTE
#undef VALUE
#undef TEXT
}

/* Begin a scan over what hangs on a table, in key order. */
static void
scan_begin_for(ChScan *scan, ScanKeyData *keys, const char *relation, const char *index,
			   const ChConnector *connector, const ChRemoteTable *table)
{
	/* connector_id, schema and table_name are the first three columns of each of these tables. */
	ch_scan_key_uuid(&keys[0], 1, &connector->id);
	ch_scan_key_text(&keys[1], 2, table->schema);
	ch_scan_key_text(&keys[2], 3, table->name);
	ch_scan_begin(scan, relation, index, 3, keys);
}

static int
by_position(const void *a, const void *b)
{
	return ((const ChRemoteColumn *) a)->position - ((const ChRemoteColumn *) b)->position;
}

static void
columns_load(const ChConnector *connector, ChRemoteTable *table)
{
	ChScan		scan;
	ScanKeyData keys[3];
	HeapTuple	tuple;
	int			capacity = 16;

	table->columns = palloc(sizeof(ChRemoteColumn) * capacity);
	scan_begin_for(&scan, keys, "remote_column", "remote_column_pkey", connector, table);
	while (HeapTupleIsValid(tuple = ch_scan_next(&scan)))
	{
		if (table->ncolumns == capacity)
			table->columns = repalloc(table->columns, sizeof(ChRemoteColumn) * (capacity *= 2));
		column_fill(&table->columns[table->ncolumns++], RelationGetDescr(scan.relation), tuple);
	}
	ch_scan_end(&scan);
	qsort(table->columns, table->ncolumns, sizeof(ChRemoteColumn), by_position);
}

static void
statistics_load(const ChConnector *connector, ChRemoteTable *table)
{
	ChScan		scan;
	ScanKeyData keys[3];
	HeapTuple	tuple;

	scan_begin_for(&scan, keys, "remote_statistics", "remote_statistics_pkey", connector, table);
	while (HeapTupleIsValid(tuple = ch_scan_next(&scan)))
	{
		Datum		values[Natts_ch_remote_statistics];
		bool		nulls[Natts_ch_remote_statistics];
		ChRemoteColumn *column;
		char	   *name;

#define ATTRIBUTE(name) Anum_ch_remote_statistics_##name
		heap_deform_tuple(tuple, RelationGetDescr(scan.relation), values, nulls);
		name = TextDatumGetCString(values[ATTRIBUTE(column_name) - 1]);
		column = (ChRemoteColumn *) ch_remote_column_get(table, name);
		pfree(name);
		if (column == NULL)
			continue;
		if (!nulls[ATTRIBUTE(null_fraction) - 1])
			column->null_fraction = DatumGetFloat4(values[ATTRIBUTE(null_fraction) - 1]);
		if (!nulls[ATTRIBUTE(distinct_values) - 1])
			column->distinct_values = DatumGetFloat4(values[ATTRIBUTE(distinct_values) - 1]);
		if (!nulls[ATTRIBUTE(average_width) - 1])
			column->average_width = DatumGetInt32(values[ATTRIBUTE(average_width) - 1]);
#undef ATTRIBUTE
	}
	ch_scan_end(&scan);
}

static void
keys_load(const ChConnector *connector, ChRemoteTable *table)
{
	ChScan		scan;
	ScanKeyData keys[3];
	HeapTuple	tuple;
	int			capacity = 4;

	table->keys = palloc(sizeof(ChRemoteKey) * capacity);
	scan_begin_for(&scan, keys, "remote_key", "remote_key_pkey", connector, table);
	while (HeapTupleIsValid(tuple = ch_scan_next(&scan)))
	{
		Datum		values[Natts_ch_remote_key];
		bool		nulls[Natts_ch_remote_key];
		ChRemoteKey *key;
		Datum	   *names;
		char	   *kind;

		if (table->nkeys == capacity)
			table->keys = repalloc(table->keys, sizeof(ChRemoteKey) * (capacity *= 2));
		key = &table->keys[table->nkeys++];
		heap_deform_tuple(tuple, RelationGetDescr(scan.relation), values, nulls);
		kind = TextDatumGetCString(values[Anum_ch_remote_key_kind - 1]);
		key->kind = (ConnhubKeyKind) kind_of(kind, ch_key_kind_names, lengthof(ch_key_kind_names));
		deconstruct_array(DatumGetArrayTypeP(values[Anum_ch_remote_key_columns - 1]), TEXTOID, -1, false,
						  TYPALIGN_INT, &names, NULL, &key->ncolumns);
		key->columns = palloc(sizeof(char *) * Max(key->ncolumns, 1));
		for (int i = 0; i < key->ncolumns; i++)
			key->columns[i] = TextDatumGetCString(names[i]);
	}
	ch_scan_end(&scan);
}

/* What indexes begin with.  A partial one does not find every row. */
static void
indexes_load(const ChConnector *connector, ChRemoteTable *table)
{
	ChScan		scan;
	ScanKeyData keys[3];
	HeapTuple	tuple;

	scan_begin_for(&scan, keys, "remote_index", "remote_index_pkey", connector, table);
	while (HeapTupleIsValid(tuple = ch_scan_next(&scan)))
	{
		Datum		values[Natts_ch_remote_index];
		bool		nulls[Natts_ch_remote_index];
		Datum	   *columns;
		int			ncolumns;

		heap_deform_tuple(tuple, RelationGetDescr(scan.relation), values, nulls);
		deconstruct_array(DatumGetArrayTypeP(values[Anum_ch_remote_index_columns - 1]), TEXTOID, -1, false,
						  TYPALIGN_INT, &columns, NULL, &ncolumns);
		if (ncolumns > 0 && nulls[Anum_ch_remote_index_predicate - 1])
			table->indexed = lappend(table->indexed, TextDatumGetCString(columns[0]));
	}
	ch_scan_end(&scan);
}

/* Everything of one table; table was filled. */
static void
parts_load(const ChConnector *connector, ChRemoteTable *table)
{
	columns_load(connector, table);
	statistics_load(connector, table);
	keys_load(connector, table);
	indexes_load(connector, table);
}

static bool
table_load(const ChConnector *connector, const char *schema, const char *name, ChRemoteTable *table)
{
	ChScan		scan;
	ScanKeyData keys[3];
	HeapTuple	tuple;
	bool		found;

	ch_scan_key_uuid(&keys[0], Anum_ch_remote_table_connector_id, &connector->id);
	ch_scan_key_text(&keys[1], Anum_ch_remote_table_schema, schema);
	ch_scan_key_text(&keys[2], Anum_ch_remote_table_name, name);
	ch_scan_begin(&scan, "remote_table", "remote_table_pkey", 3, keys);
	tuple = ch_scan_next(&scan);
	found = HeapTupleIsValid(tuple);
	if (found)
		table_fill(table, RelationGetDescr(scan.relation), tuple);
	ch_scan_end(&scan);
	if (found)
		parts_load(connector, table);
	return found;
}

const ChRemoteTable *
ch_remote_table_get(const ChConnector *connector, const char *schema, const char *name)
{
	HTAB	   *entries = ch_cache_entries(&remote_cache);
	MemoryContext context = remote_cache.context;
	MemoryContext before;
	TableKey	key;
	TableEntry *entry;
	ChRemoteTable table;
	bool		found;

	if (schema == NULL)
		schema = connector->schema;
	/* Which schema the source would look in is then known to the source only. */
	if (schema == NULL)
		return NULL;

	key.connector = connector->id;
	key.schema = schema;
	key.name = name;
	entry = hash_search(entries, &key, HASH_FIND, NULL);
	if (entry != NULL)
		return &entry->table;

	before = MemoryContextSwitchTo(context);
	found = table_load(connector, schema, name, &table);
	MemoryContextSwitchTo(before);
	if (!found)
		return NULL;

	key.schema = table.schema;
	key.name = table.name;
	entry = hash_search(entries, &key, HASH_ENTER, NULL);
	entry->table = table;
	return &entry->table;
}

ChRemoteTable *
ch_remote_table_load(const ChConnector *connector, const char *schema, const char *name)
{
	ChRemoteTable *table = palloc(sizeof(ChRemoteTable));

	return table_load(connector, schema, name, table) ? table : NULL;
}

static int
by_table_name(const ListCell *a, const ListCell *b)
{
	return strcmp(((ChRemoteTable *) lfirst(a))->name, ((ChRemoteTable *) lfirst(b))->name);
}

List *
ch_remote_tables_load(const ChConnector *connector, const char *schema)
{
	List	   *tables = NIL;
	ListCell   *cell;
	ChScan		scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;

	ch_scan_key_uuid(&keys[0], Anum_ch_remote_table_connector_id, &connector->id);
	ch_scan_key_text(&keys[1], Anum_ch_remote_table_schema, schema);
	ch_scan_begin(&scan, "remote_table", "remote_table_pkey", 2, keys);
	while (HeapTupleIsValid(tuple = ch_scan_next(&scan)))
	{
		ChRemoteTable *table = palloc(sizeof(ChRemoteTable));

		table_fill(table, RelationGetDescr(scan.relation), tuple);
		tables = lappend(tables, table);
	}
	ch_scan_end(&scan);
	foreach(cell, tables)
		parts_load(connector, lfirst(cell));
	list_sort(tables, by_table_name);
	return tables;
}

List *
ch_remote_schemas_load(const ChConnector *connector)
{
	List	   *schemas = NIL;
	ChScan		scan;
	ScanKeyData key;
	HeapTuple	tuple;

	ch_scan_key_uuid(&key, Anum_ch_remote_schema_connector_id, &connector->id);
	ch_scan_begin(&scan, "remote_schema", "remote_schema_pkey", 1, &key);
	while (HeapTupleIsValid(tuple = ch_scan_next(&scan)))
	{
		bool		isnull;

		schemas = lappend(schemas,
						  TextDatumGetCString(heap_getattr(tuple, Anum_ch_remote_schema_name,
														   RelationGetDescr(scan.relation), &isnull)));
	}
	ch_scan_end(&scan);
	return schemas;
}

const ChRemoteColumn *
ch_remote_column_get(const ChRemoteTable *table, const char *name)
{
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (strcmp(table->columns[i].name, name) == 0)
			return &table->columns[i];
	}
	return NULL;
}
