/* discover/sink.c — the sink a driver discovers into: pages of rows on their way to the catalogue.
 *
 * Callbacks throw: ch_conn_discover keeps that from the driver's frames.  Each page is written in a subtransaction, so
 * that a failed write leaves nothing held while the driver returns.  Memory is bounded by the pages. */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "batch/typemap.h"
#include "catalog/cat_remote.h"
#include "catalog/cat_sql.h"
#include "catalog/cat_statistics.h"
#include "catalog/catalog.h"
#include "common/encoding.h"
#include "common/error.h"
#include "discover/sink.h"

#define PAGE_ROWS	1000
#define PAGE_BYTES	(2 * 1024 * 1024)
#define MAX_COLUMNS	16
#define TYPE_SLOTS	256
#define MAX_NAME_BYTES	512

typedef enum PageKind
{
	PAGE_SCHEMA,
	PAGE_TABLE,
	PAGE_COLUMN,
	PAGE_KEY,
	PAGE_INDEX,
	PAGE_STATISTICS,
	NPAGES
} PageKind;

/* What a page is inserted by.  $1 is the connector; the others are one array per column. */
typedef struct PageSpec
{
	const char *insert;
	int			ncolumns;
	Oid			types[MAX_COLUMNS];
} PageSpec;

static const PageSpec page_specs[NPAGES] = {
	[PAGE_SCHEMA] = {
		"INSERT INTO connhub_catalog.remote_schema (connector_id, name, comment)"
		" SELECT $1, u.* FROM unnest($2, $3) AS u"
		" ON CONFLICT (connector_id, name) DO UPDATE SET comment = EXCLUDED.comment",
		2, {TEXTOID, TEXTOID}
	},
	[PAGE_TABLE] = {
		"INSERT INTO connhub_catalog.remote_table (connector_id, schema, name, kind, comment, rows, bytes)"
		" SELECT $1, u.* FROM unnest($2, $3, $4, $5, $6, $7) AS u ON CONFLICT DO NOTHING",
		6, {TEXTOID, TEXTOID, TEXTOID, TEXTOID, FLOAT8OID, INT8OID}
	},
	[PAGE_COLUMN] = {
		"INSERT INTO connhub_catalog.remote_column (connector_id, schema, table_name, position, name,"
		" remote_type, type, length, precision, scale, pg_type, pg_type_full, not_null, generated,"
		" default_value, comment, \"collation\")"
		" SELECT $1, u.* FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,"
		" $17) AS u ON CONFLICT DO NOTHING",
		16, {TEXTOID, TEXTOID, INT4OID, TEXTOID, TEXTOID, INT2OID, INT4OID, INT4OID, INT4OID, TEXTOID,
		TEXTOID, BOOLOID, BOOLOID, TEXTOID, TEXTOID, TEXTOID}
	},
	[PAGE_KEY] = {
		"INSERT INTO connhub_catalog.remote_key (connector_id, schema, table_name, name, kind, columns,"
		" ref_schema, ref_table, ref_columns)"
		" SELECT $1, u.a, u.b, u.c, u.d, u.e::text[], u.f, u.g, u.h::text[]"
		" FROM unnest($2, $3, $4, $5, $6, $7, $8, $9) AS u (a, b, c, d, e, f, g, h) ON CONFLICT DO NOTHING",
		8, {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID}
	},
	[PAGE_INDEX] = {
		"INSERT INTO connhub_catalog.remote_index (connector_id, schema, table_name, name, is_unique, method,"
		" columns, predicate)"
		" SELECT $1, u.a, u.b, u.c, u.d, u.e, u.f::text[], u.g"
		" FROM unnest($2, $3, $4, $5, $6, $7, $8) AS u (a, b, c, d, e, f, g) ON CONFLICT DO NOTHING",
		7, {TEXTOID, TEXTOID, TEXTOID, BOOLOID, TEXTOID, TEXTOID, TEXTOID}
	},
	[PAGE_STATISTICS] = {
		"INSERT INTO connhub_catalog.remote_statistics (connector_id, schema, table_name, column_name,"
		" null_fraction, distinct_values, average_width, correlation, most_common, histogram)"
		" SELECT $1, u.a, u.b, u.c, u.d, u.e, u.f, u.g, u.h::jsonb, u.i::jsonb"
		" FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10) AS u (a, b, c, d, e, f, g, h, i)"
		" ON CONFLICT DO NOTHING",
		9, {TEXTOID, TEXTOID, TEXTOID, FLOAT4OID, FLOAT4OID, INT4OID, FLOAT4OID, TEXTOID, TEXTOID}
	},
};

typedef struct SinkPage
{
	MemoryContext context;		/* of the values; reset when the page was written */
	SPIPlanPtr	plan;
	int			nrows;
	int			ncolumns;		/* filled of the row being added */
	size_t		bytes;
	Datum	   *values;			/* column after column, PAGE_ROWS each */
	bool	   *nulls;
} SinkPage;

/* The PostgreSQL names of a type; sources have few different ones. */
typedef struct TypeSlot
{
	ConnhubTypeRef ref;
	char	   *pg_type;
	char	   *pg_type_full;
} TypeSlot;

struct ChSink
{
	ConnhubSink interface;		/* must be first */
	MemoryContext context;
	pg_uuid_t	connector;
	ChEncoding	encoding;
	text	   *schema_pattern;
	text	   *table_pattern;
	SinkPage		pages[NPAGES];
	TypeSlot	types[TYPE_SLOTS];
	MemoryContext type_context; /* of their names */
	ChDiscovery counts;
};

/* ---- Pages --------------------------------------------------------------------------------- */

static void
page_write(ChSink *sink, PageKind kind)
{
	const PageSpec *spec = &page_specs[kind];
	SinkPage	   *page = &sink->pages[kind];
	Oid			types[MAX_COLUMNS + 1];
	Datum		values[MAX_COLUMNS + 1];
	ChSql		sql;

	ch_sql_begin(&sql);
	types[0] = UUIDOID;
	values[0] = UUIDPGetDatum(&sink->connector);
	for (int c = 0; c < spec->ncolumns; c++)
	{
		int			dims = page->nrows;
		int			lower = 1;
		Oid			type = spec->types[c];
		int16		length;
		bool		by_value;
		char		align;

		get_typlenbyvalalign(type, &length, &by_value, &align);
		types[c + 1] = get_array_type(type);
		values[c + 1] = PointerGetDatum(construct_md_array(page->values + c * PAGE_ROWS,
														   page->nulls + c * PAGE_ROWS, 1, &dims, &lower,
														   type, length, by_value, align));
	}
	if (page->plan == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare(spec->insert, spec->ncolumns + 1, types);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare a statement on the catalogue: %s",
				 SPI_result_code_string(SPI_result));
		page->plan = plan;
	}
	if (SPI_execute_plan(page->plan, values, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not write discovered rows");
	ch_sql_end(&sql);
}

typedef struct WriteCall
{
	ChSink	   *sink;
	PageKind	kind;
} WriteCall;

static void
write_in_page(void *argument)
{
	WriteCall  *call = argument;

	MemoryContextSwitchTo(call->sink->pages[call->kind].context);
	page_write(call->sink, call->kind);
}

/* Write a page in a subtransaction: an error leaves neither locks nor a half-written page. */
static void
page_flush(ChSink *sink, PageKind kind)
{
	SinkPage	   *page = &sink->pages[kind];
	WriteCall	call = {.sink = sink, .kind = kind};
	ErrorData  *error;

	if (page->nrows == 0)
		return;
	error = ch_error_catch(write_in_page, &call);
	if (error != NULL)
		ReThrowError(error);
	MemoryContextReset(page->context);
	page->nrows = 0;
	page->bytes = 0;
}

static void
add_value(SinkPage *page, Datum value, bool isnull)
{
	int			cell = page->ncolumns++ * PAGE_ROWS + page->nrows;

	page->values[cell] = isnull ? (Datum) 0 : value;
	page->nulls[cell] = isnull;
}

static bool
can_hold(ChSink *sink, const char *value)
{
	char	   *converted = ch_encoding_text(&sink->encoding, value);

	if (converted == NULL)
		return false;
	pfree(converted);
	return true;
}

/* Dropped when it cannot be held here, since only names matter that much. */
static void
add_text(ChSink *sink, SinkPage *page, const char *value)
{
	char	   *converted = ch_encoding_text(&sink->encoding, value);

	if (converted == NULL)
	{
		add_value(page, (Datum) 0, true);
		return;
	}
	add_value(page, CStringGetTextDatum(converted), false);
	page->bytes += strlen(converted);
}

static void
add_names(ChSink *sink, SinkPage *page, const char *const *names, uint32 count)
{
	Datum	   *values;
	ArrayType  *array;
	char	   *list;

	if (names == NULL)
	{
		add_value(page, (Datum) 0, true);
		return;
	}
	values = palloc(sizeof(Datum) * Max(count, 1));
	for (uint32 i = 0; i < count; i++)
		values[i] = CStringGetTextDatum(ch_encoding_text(&sink->encoding, names[i]));
	array = construct_array(values, count, TEXTOID, -1, false, TYPALIGN_INT);
	list = OidOutputFunctionCall(F_ARRAY_OUT, PointerGetDatum(array));
	add_value(page, CStringGetTextDatum(list), false);
	page->bytes += strlen(list);
}

static void
row_end(ChSink *sink, PageKind kind)
{
	SinkPage	   *page = &sink->pages[kind];

	Assert(page->ncolumns == page_specs[kind].ncolumns);
	page->nrows++;
	if (page->nrows == PAGE_ROWS || page->bytes > PAGE_BYTES)
		page_flush(sink, kind);
}

/* ---- What is taken ------------------------------------------------------------------------- */

/* A name this database can hold: three of them and an id must fit into one index entry. */
static bool
valid_name(ChSink *sink, const char *name)
{
	size_t		length = name == NULL ? 0 : strlen(name);

	return length > 0 && length <= MAX_NAME_BYTES && can_hold(sink, name);
}

static bool
matches(ChSink *sink, const char *name, text *pattern)
{
	char	   *converted;
	text	   *subject;
	bool		result;

	if (pattern == NULL)
		return true;
	converted = ch_encoding_text(&sink->encoding, name);
	subject = cstring_to_text(converted);
	result = DatumGetBool(DirectFunctionCall2Coll(textlike, C_COLLATION_OID, PointerGetDatum(subject),
												  PointerGetDatum(pattern)));
	pfree(subject);
	pfree(converted);
	return result;
}

/* Sources compare names in their own ways; here a pattern means one thing. */
static bool
takes(ChSink *sink, const char *schema, const char *table)
{
	return valid_name(sink, schema) && valid_name(sink, table) &&
		matches(sink, schema, sink->schema_pattern) && matches(sink, table, sink->table_pattern);
}

static const TypeSlot *
type_names(ChSink *sink, const ConnhubTypeRef *ref)
{
	const char *name = ref->pg_type == NULL ? "" : ref->pg_type;
	int32		numbers[] = {ref->type, ref->length, ref->precision, ref->scale};
	uint32		hash = hash_combine(hash_bytes((unsigned char *) numbers, sizeof(numbers)),
									hash_bytes((const unsigned char *) name, strlen(name)));
	TypeSlot   *slot = &sink->types[hash % TYPE_SLOTS];
	MemoryContext before;

	if (slot->pg_type != NULL && slot->ref.type == ref->type && slot->ref.length == ref->length &&
		slot->ref.precision == ref->precision && slot->ref.scale == ref->scale &&
		strcmp(slot->ref.pg_type, name) == 0)
		return slot;

	if (MemoryContextMemAllocated(sink->type_context, false) > PAGE_BYTES)
	{
		MemoryContextReset(sink->type_context);
		memset(sink->types, 0, sizeof(sink->types));
	}
	before = MemoryContextSwitchTo(sink->type_context);
	slot->pg_type = NULL;
	slot->ref = *ref;
	slot->ref.pg_type = pstrdup(name);
	slot->pg_type_full = ch_typemap_pg_type_full(ref);
	slot->pg_type = ch_typemap_pg_type(ref);
	MemoryContextSwitchTo(before);
	return slot;
}

/* ---- Callbacks ----------------------------------------------------------------------------- */

static void
take_schema(ChSink *sink, SinkPage *page, const void *argument)
{
	const ConnhubSchemaInfo *info = argument;

	if (!valid_name(sink, info->name))
		sink->counts.skipped++;
	else if (matches(sink, info->name, sink->schema_pattern))
	{
		add_text(sink, page, info->name);
		add_text(sink, page, info->comment);
		row_end(sink, PAGE_SCHEMA);
		sink->counts.schemas++;
	}
}

static void
take_table(ChSink *sink, SinkPage *page, const void *argument)
{
	const ConnhubTableInfo *info = argument;

	if (!valid_name(sink, info->schema) || !valid_name(sink, info->name))
		sink->counts.skipped++;
	if (!takes(sink, info->schema, info->name))
		return;
	add_text(sink, page, info->schema);
	add_text(sink, page, info->name);
	add_text(sink, page, ch_table_kind_names[info->kind]);
	add_text(sink, page, info->comment);
	add_value(page, Float8GetDatum(info->rows), info->rows < 0);
	add_value(page, Int64GetDatum(info->bytes), info->bytes < 0);
	row_end(sink, PAGE_TABLE);
	sink->counts.tables++;
}

static void
take_column(ChSink *sink, SinkPage *page, const void *argument)
{
	const ConnhubColumnInfo *info = argument;
	const TypeSlot *type;

	if (!takes(sink, info->schema, info->table))
		return;
	if (!valid_name(sink, info->name))
	{
		sink->counts.skipped++;
		return;
	}
	type = type_names(sink, &info->type);
	add_text(sink, page, info->schema);
	add_text(sink, page, info->table);
	add_value(page, Int32GetDatum((int32) info->position), false);
	add_text(sink, page, info->name);
	add_text(sink, page, valid_name(sink, info->remote_type) ? info->remote_type : "unknown");
	add_value(page, Int16GetDatum((int16) info->type.type), false);
	add_value(page, Int32GetDatum(info->type.length), false);
	add_value(page, Int32GetDatum(info->type.precision), false);
	add_value(page, Int32GetDatum(info->type.scale), false);
	add_value(page, CStringGetTextDatum(type->pg_type), false);
	add_value(page, CStringGetTextDatum(type->pg_type_full), false);
	add_value(page, BoolGetDatum(info->not_null), false);
	add_value(page, BoolGetDatum(info->generated), false);
	add_text(sink, page, info->default_value);
	add_text(sink, page, info->comment);
	add_text(sink, page, info->collation);
	row_end(sink, PAGE_COLUMN);
	sink->counts.columns++;
}

static bool
valid_names(ChSink *sink, const char *const *names, uint32 count)
{
	for (uint32 i = 0; names != NULL && i < count; i++)
	{
		if (names[i] == NULL || !can_hold(sink, names[i]))
			return false;
	}
	return true;
}

static void
take_key(ChSink *sink, SinkPage *page, const void *argument)
{
	const ConnhubKeyInfo *info = argument;
	bool		foreign = info->kind == CONNHUB_FOREIGN_KEY;

	if (!takes(sink, info->schema, info->table))
		return;
	if (!valid_names(sink, info->columns, info->ncolumns) || !valid_names(sink, info->ref_columns, info->ncolumns))
	{
		sink->counts.skipped++;
		return;
	}
	add_text(sink, page, info->schema);
	add_text(sink, page, info->table);
	add_text(sink, page, valid_name(sink, info->name) ? info->name : ch_key_kind_names[info->kind]);
	add_text(sink, page, ch_key_kind_names[info->kind]);
	add_names(sink, page, info->columns, info->ncolumns);
	add_text(sink, page, foreign ? info->ref_schema : NULL);
	add_text(sink, page, foreign ? info->ref_table : NULL);
	add_names(sink, page, foreign ? info->ref_columns : NULL, info->ncolumns);
	row_end(sink, PAGE_KEY);
	sink->counts.keys++;
}

static void
take_index(ChSink *sink, SinkPage *page, const void *argument)
{
	const ConnhubIndexInfo *info = argument;

	if (!takes(sink, info->schema, info->table))
		return;
	if (!valid_name(sink, info->name) || info->columns == NULL ||
		!valid_names(sink, info->columns, info->ncolumns))
	{
		sink->counts.skipped++;
		return;
	}
	add_text(sink, page, info->schema);
	add_text(sink, page, info->table);
	add_text(sink, page, info->name);
	add_value(page, BoolGetDatum(info->is_unique), false);
	add_text(sink, page, info->method);
	add_names(sink, page, info->columns, info->ncolumns);
	add_text(sink, page, info->predicate);
	row_end(sink, PAGE_INDEX);
	sink->counts.indexes++;
}

static void
take_statistics(ChSink *sink, SinkPage *page, const void *argument)
{
	const ConnhubStatsInfo *info = argument;
	ChColumnStatistics statistics;

	if (!takes(sink, info->schema, info->table) || !valid_name(sink, info->column) ||
		!ch_statistics_take(info, &sink->encoding, &statistics))
		return;
	add_text(sink, page, info->schema);
	add_text(sink, page, info->table);
	add_value(page, CStringGetTextDatum(statistics.column), false);
	for (int i = 0; i < CH_STATISTICS_ITEMS; i++)
		add_value(page, statistics.values[i], statistics.nulls[i]);
	for (int i = CH_STATISTICS_MOST_COMMON; i <= CH_STATISTICS_HISTOGRAM; i++)
		page->bytes += statistics.nulls[i] ? 0 : VARSIZE(DatumGetPointer(statistics.values[i]));
	row_end(sink, PAGE_STATISTICS);
}

/* Run one callback in the context of its page. */
static ConnhubStatus
add_row(ConnhubSink *interface, PageKind kind, void (*take) (ChSink *, SinkPage *, const void *), const void *info)
{
	ChSink	   *sink = (ChSink *) interface;
	SinkPage   *page = &sink->pages[kind];
	MemoryContext before = MemoryContextSwitchTo(page->context);

	page->ncolumns = 0;
	take(sink, page, info);
	MemoryContextSwitchTo(before);
	return CONNHUB_OK;
}

static ConnhubStatus
sink_schema(ConnhubSink *sink, const ConnhubSchemaInfo *info)
{
	return add_row(sink, PAGE_SCHEMA, take_schema, info);
}

static ConnhubStatus
sink_table(ConnhubSink *sink, const ConnhubTableInfo *info)
{
	return add_row(sink, PAGE_TABLE, take_table, info);
}

static ConnhubStatus
sink_column(ConnhubSink *sink, const ConnhubColumnInfo *info)
{
	return add_row(sink, PAGE_COLUMN, take_column, info);
}

static ConnhubStatus
sink_key(ConnhubSink *sink, const ConnhubKeyInfo *info)
{
	return add_row(sink, PAGE_KEY, take_key, info);
}

static ConnhubStatus
sink_index(ConnhubSink *sink, const ConnhubIndexInfo *info)
{
	return add_row(sink, PAGE_INDEX, take_index, info);
}

static ConnhubStatus
sink_stats(ConnhubSink *sink, const ConnhubStatsInfo *info)
{
	return add_row(sink, PAGE_STATISTICS, take_statistics, info);
}

/* ---- Life ---------------------------------------------------------------------------------- */

ChSink *
ch_sink_create(const ChConnector *connector, const char *schema_pattern, const char *table_pattern)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "connhub discovery",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);
	ChSink	   *sink = palloc0(sizeof(ChSink));

	sink->interface.struct_size = sizeof(ConnhubSink);
	sink->interface.schema = sink_schema;
	sink->interface.table = sink_table;
	sink->interface.column = sink_column;
	sink->interface.key = sink_key;
	sink->interface.index = sink_index;
	sink->interface.stats = sink_stats;
	sink->context = context;
	sink->type_context = AllocSetContextCreate(context, "connhub discovery types",
											   ALLOCSET_DEFAULT_SIZES);
	sink->connector = connector->id;
	sink->encoding = ch_encoding_get();
	sink->schema_pattern = schema_pattern == NULL ? NULL : cstring_to_text(schema_pattern);
	sink->table_pattern = table_pattern == NULL ? NULL : cstring_to_text(table_pattern);
	for (int i = 0; i < NPAGES; i++)
	{
		int			cells = PAGE_ROWS * page_specs[i].ncolumns;

		sink->pages[i].context = AllocSetContextCreate(context, "connhub discovery page",
													   ALLOCSET_DEFAULT_SIZES);
		sink->pages[i].values = palloc(sizeof(Datum) * cells);
		sink->pages[i].nulls = palloc(sizeof(bool) * cells);
	}
	MemoryContextSwitchTo(before);
	return sink;
}

ConnhubSink *
ch_sink_interface(ChSink *sink)
{
	return &sink->interface;
}

/* Sources without schemas of their own may name one in their tables only. */
static int64
add_unannounced_schemas(ChSink *sink)
{
	ChSql		sql;
	int64		added;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, &sink->connector);
	added = ch_sql_run(&sql, "INSERT INTO connhub_catalog.remote_schema (connector_id, name)"
					   " SELECT DISTINCT $1, t.schema FROM connhub_catalog.remote_table AS t"
					   " WHERE t.connector_id = $1 AND NOT EXISTS (SELECT FROM connhub_catalog.remote_schema AS s"
					   " WHERE s.connector_id = $1 AND s.name = t.schema)");
	ch_sql_end(&sql);
	return added;
}

void
ch_sink_finish(ChSink *sink, ChDiscovery *result)
{
	for (int i = 0; i < NPAGES; i++)
		page_flush(sink, (PageKind) i);
	sink->counts.schemas += add_unannounced_schemas(sink);
	*result = sink->counts;
}

void
ch_sink_free_plans(ChSink *sink)
{
	for (int i = 0; i < NPAGES; i++)
	{
		if (sink->pages[i].plan != NULL)
			SPI_freeplan(sink->pages[i].plan);
		sink->pages[i].plan = NULL;
	}
}

void
ch_sink_free(ChSink *sink)
{
	ch_sink_free_plans(sink);
	MemoryContextDelete(sink->context);
}
