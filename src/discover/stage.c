/* discover/stage.c — what was discovered, as rows of the catalogue's tables, before they are compared with those.
 *
 * Names are judged and converted here, types looked up.  Each table's rows are in a tuplestore, which takes
 * work_mem of memory and then a file; nothing of it is written to the catalogue. */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "batch/typemap.h"
#include "catalog/cat_remote.h"
#include "catalog/cat_statistics.h"
#include "catalog/catalog.h"
#include "common/encoding.h"
#include "discover/stage.h"

#define MAX_COLUMNS	Natts_ch_remote_column
#define TYPE_SLOTS	256
#define TYPE_BYTES	(2 * 1024 * 1024)
#define MAX_NAME_BYTES	512

static const char *const part_names[CH_NPARTS] = {
	[CH_PART_SCHEMA] = "remote_schema",
	[CH_PART_TABLE] = "remote_table",
	[CH_PART_COLUMN] = "remote_column",
	[CH_PART_KEY] = "remote_key",
	[CH_PART_INDEX] = "remote_index",
	[CH_PART_STATISTICS] = "remote_statistics",
};

/* The PostgreSQL names of a type; sources have few different ones. */
typedef struct TypeSlot
{
	ConnhubTypeRef ref;
	char	   *pg_type;
	char	   *pg_type_full;
} TypeSlot;

struct ChStage
{
	ConnhubSink interface;		/* must be first */
	MemoryContext context;
	MemoryContext row_context;	/* of the row being made */
	pg_uuid_t	connector;
	ChEncoding	encoding;
	text	   *schema_pattern;
	text	   *table_pattern;
	ChStagePart parts[CH_NPARTS];
	int			ncolumns;		/* filled of the row being made */
	Datum		values[MAX_COLUMNS];
	bool		nulls[MAX_COLUMNS];
	TypeSlot	types[TYPE_SLOTS];
	MemoryContext type_context; /* of their names */
	ChDiscovery counts;
};

/* ---- Rows ---------------------------------------------------------------------------------- */

static void
row_begin(ChStage *stage)
{
	stage->ncolumns = 0;
	stage->values[stage->ncolumns] = UUIDPGetDatum(&stage->connector);
	stage->nulls[stage->ncolumns++] = false;
}

static void
add_value(ChStage *stage, Datum value, bool isnull)
{
	stage->values[stage->ncolumns] = isnull ? (Datum) 0 : value;
	stage->nulls[stage->ncolumns++] = isnull;
}

static void
row_end(ChStage *stage, ChPart which)
{
	ChStagePart *part = &stage->parts[which];

	if (stage->ncolumns != part->descriptor->natts)
		elog(ERROR, "table \"%s\" has an unexpected number of columns", part->relation);
	tuplestore_putvalues(part->rows, part->descriptor, stage->values, stage->nulls);
	part->nrows++;
}

static bool
can_hold(ChStage *stage, const char *value)
{
	char	   *converted = ch_encoding_text(&stage->encoding, value);

	if (converted == NULL)
		return false;
	pfree(converted);
	return true;
}

/* Dropped when it cannot be held here, since only names matter that much. */
static void
add_text(ChStage *stage, const char *value)
{
	char	   *converted = ch_encoding_text(&stage->encoding, value);

	add_value(stage, converted == NULL ? (Datum) 0 : CStringGetTextDatum(converted), converted == NULL);
}

static void
add_names(ChStage *stage, const char *const *names, uint32 count)
{
	Datum	   *values;

	if (names == NULL)
	{
		add_value(stage, (Datum) 0, true);
		return;
	}
	values = palloc(sizeof(Datum) * Max(count, 1));
	for (uint32 i = 0; i < count; i++)
		values[i] = CStringGetTextDatum(ch_encoding_text(&stage->encoding, names[i]));
	add_value(stage, PointerGetDatum(construct_array(values, count, TEXTOID, -1, false, TYPALIGN_INT)), false);
}

/* ---- What is taken ------------------------------------------------------------------------- */

/* A name this database can hold: three of them and an id must fit into one index entry. */
static bool
valid_name(ChStage *stage, const char *name)
{
	size_t		length = name == NULL ? 0 : strlen(name);

	return length > 0 && length <= MAX_NAME_BYTES && can_hold(stage, name);
}

static bool
matches(ChStage *stage, const char *name, text *pattern)
{
	char	   *converted;
	text	   *subject;
	bool		result;

	if (pattern == NULL)
		return true;
	converted = ch_encoding_text(&stage->encoding, name);
	subject = cstring_to_text(converted);
	result = DatumGetBool(DirectFunctionCall2Coll(textlike, C_COLLATION_OID, PointerGetDatum(subject),
												  PointerGetDatum(pattern)));
	pfree(subject);
	pfree(converted);
	return result;
}

/* Sources compare names in their own ways; here a pattern means one thing. */
static bool
takes(ChStage *stage, const char *schema, const char *table)
{
	return valid_name(stage, schema) && valid_name(stage, table) &&
		matches(stage, schema, stage->schema_pattern) && matches(stage, table, stage->table_pattern);
}

static const TypeSlot *
type_names(ChStage *stage, const ConnhubTypeRef *ref)
{
	const char *name = ref->pg_type == NULL ? "" : ref->pg_type;
	int32		numbers[] = {ref->type, ref->length, ref->precision, ref->scale};
	uint32		hash = hash_combine(hash_bytes((unsigned char *) numbers, sizeof(numbers)),
									hash_bytes((const unsigned char *) name, strlen(name)));
	TypeSlot   *slot = &stage->types[hash % TYPE_SLOTS];
	MemoryContext before;

	if (slot->pg_type != NULL && slot->ref.type == ref->type && slot->ref.length == ref->length &&
		slot->ref.precision == ref->precision && slot->ref.scale == ref->scale &&
		strcmp(slot->ref.pg_type, name) == 0)
		return slot;

	if (MemoryContextMemAllocated(stage->type_context, false) > TYPE_BYTES)
	{
		MemoryContextReset(stage->type_context);
		memset(stage->types, 0, sizeof(stage->types));
	}
	before = MemoryContextSwitchTo(stage->type_context);
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
take_schema(ChStage *stage, const void *argument)
{
	const ConnhubSchemaInfo *info = argument;

	if (!valid_name(stage, info->name))
		stage->counts.skipped++;
	else if (matches(stage, info->name, stage->schema_pattern))
	{
		add_text(stage, info->name);
		add_text(stage, info->comment);
		row_end(stage, CH_PART_SCHEMA);
		stage->counts.schemas++;
	}
}

static void
take_table(ChStage *stage, const void *argument)
{
	const ConnhubTableInfo *info = argument;

	if (!valid_name(stage, info->schema) || !valid_name(stage, info->name))
		stage->counts.skipped++;
	if (!takes(stage, info->schema, info->name))
		return;
	add_text(stage, info->schema);
	add_text(stage, info->name);
	add_text(stage, ch_table_kind_names[info->kind]);
	add_text(stage, info->comment);
	add_value(stage, Float8GetDatum(info->rows), info->rows < 0);
	add_value(stage, Int64GetDatum(info->bytes), info->bytes < 0);
	row_end(stage, CH_PART_TABLE);
	stage->counts.tables++;
}

static void
take_column(ChStage *stage, const void *argument)
{
	const ConnhubColumnInfo *info = argument;
	const TypeSlot *type;

	if (!takes(stage, info->schema, info->table))
		return;
	if (!valid_name(stage, info->name))
	{
		stage->counts.skipped++;
		return;
	}
	type = type_names(stage, &info->type);
	add_text(stage, info->schema);
	add_text(stage, info->table);
	add_value(stage, Int32GetDatum((int32) info->position), false);
	add_text(stage, info->name);
	add_text(stage, valid_name(stage, info->remote_type) ? info->remote_type : "unknown");
	add_value(stage, Int16GetDatum((int16) info->type.type), false);
	add_value(stage, Int32GetDatum(info->type.length), false);
	add_value(stage, Int32GetDatum(info->type.precision), false);
	add_value(stage, Int32GetDatum(info->type.scale), false);
	add_value(stage, CStringGetTextDatum(type->pg_type), false);
	add_value(stage, CStringGetTextDatum(type->pg_type_full), false);
	add_value(stage, BoolGetDatum(info->not_null), false);
	add_value(stage, BoolGetDatum(info->generated), false);
	add_text(stage, info->default_value);
	add_text(stage, info->comment);
	add_text(stage, info->collation);
	row_end(stage, CH_PART_COLUMN);
	stage->counts.columns++;
}

static bool
valid_names(ChStage *stage, const char *const *names, uint32 count)
{
	for (uint32 i = 0; names != NULL && i < count; i++)
	{
		if (names[i] == NULL || !can_hold(stage, names[i]))
			return false;
	}
	return true;
}

static void
take_key(ChStage *stage, const void *argument)
{
	const ConnhubKeyInfo *info = argument;
	bool		foreign = info->kind == CONNHUB_FOREIGN_KEY;

	if (!takes(stage, info->schema, info->table))
		return;
	if (!valid_names(stage, info->columns, info->ncolumns) || !valid_names(stage, info->ref_columns, info->ncolumns))
	{
		stage->counts.skipped++;
		return;
	}
	add_text(stage, info->schema);
	add_text(stage, info->table);
	add_text(stage, valid_name(stage, info->name) ? info->name : ch_key_kind_names[info->kind]);
	add_text(stage, ch_key_kind_names[info->kind]);
	add_names(stage, info->columns, info->ncolumns);
	add_text(stage, foreign ? info->ref_schema : NULL);
	add_text(stage, foreign ? info->ref_table : NULL);
	add_names(stage, foreign ? info->ref_columns : NULL, info->ncolumns);
	row_end(stage, CH_PART_KEY);
	stage->counts.keys++;
}

static void
take_index(ChStage *stage, const void *argument)
{
	const ConnhubIndexInfo *info = argument;

	if (!takes(stage, info->schema, info->table))
		return;
	if (!valid_name(stage, info->name) || info->columns == NULL ||
		!valid_names(stage, info->columns, info->ncolumns))
	{
		stage->counts.skipped++;
		return;
	}
	add_text(stage, info->schema);
	add_text(stage, info->table);
	add_text(stage, info->name);
	add_value(stage, BoolGetDatum(info->is_unique), false);
	add_text(stage, info->method);
	add_names(stage, info->columns, info->ncolumns);
	add_text(stage, info->predicate);
	row_end(stage, CH_PART_INDEX);
	stage->counts.indexes++;
}

static void
take_statistics(ChStage *stage, const void *argument)
{
	const ConnhubStatsInfo *info = argument;
	ChColumnStatistics statistics;

	if (!takes(stage, info->schema, info->table) || !valid_name(stage, info->column) ||
		!ch_statistics_take(info, &stage->encoding, &statistics))
		return;
	add_text(stage, info->schema);
	add_text(stage, info->table);
	add_value(stage, CStringGetTextDatum(statistics.column), false);
	for (int i = 0; i < CH_STATISTICS_MOST_COMMON; i++)
		add_value(stage, statistics.values[i], statistics.nulls[i]);
	for (int i = CH_STATISTICS_MOST_COMMON; i < CH_STATISTICS_ITEMS; i++)
		add_value(stage, statistics.nulls[i] ? (Datum) 0 :
				  DirectFunctionCall1(jsonb_in, CStringGetDatum(TextDatumGetCString(statistics.values[i]))),
				  statistics.nulls[i]);
	row_end(stage, CH_PART_STATISTICS);
}

static ConnhubStatus
take(ConnhubSink *sink, void (*take_one) (ChStage *, const void *), const void *info)
{
	ChStage    *stage = (ChStage *) sink;
	MemoryContext before = MemoryContextSwitchTo(stage->row_context);

	row_begin(stage);
	take_one(stage, info);
	MemoryContextSwitchTo(before);
	MemoryContextReset(stage->row_context);
	return CONNHUB_OK;
}

static ConnhubStatus
stage_schema(ConnhubSink *sink, const ConnhubSchemaInfo *info)
{
	return take(sink, take_schema, info);
}

static ConnhubStatus
stage_table(ConnhubSink *sink, const ConnhubTableInfo *info)
{
	return take(sink, take_table, info);
}

static ConnhubStatus
stage_column(ConnhubSink *sink, const ConnhubColumnInfo *info)
{
	return take(sink, take_column, info);
}

static ConnhubStatus
stage_key(ConnhubSink *sink, const ConnhubKeyInfo *info)
{
	return take(sink, take_key, info);
}

static ConnhubStatus
stage_index(ConnhubSink *sink, const ConnhubIndexInfo *info)
{
	return take(sink, take_index, info);
}

static ConnhubStatus
stage_stats(ConnhubSink *sink, const ConnhubStatsInfo *info)
{
	return take(sink, take_statistics, info);
}

/* ---- Life ---------------------------------------------------------------------------------- */

static void
part_begin(ChStagePart *part, const char *name)
{
	Relation	relation = table_open(ch_catalog_relation(name), AccessShareLock);

	part->relation = name;
	part->descriptor = CreateTupleDescCopy(RelationGetDescr(relation));
	part->rows = tuplestore_begin_heap(false, false, work_mem);
	table_close(relation, AccessShareLock);
}

ChStage *
ch_stage_create(const ChConnector *connector, const char *schema_pattern, const char *table_pattern)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "connhub discovery",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);
	ChStage    *stage = palloc0(sizeof(ChStage));

	stage->interface = (ConnhubSink) {
		sizeof(ConnhubSink), stage_schema, stage_table, stage_column, stage_key, stage_index, stage_stats
	};
	stage->context = context;
	stage->row_context = AllocSetContextCreate(context, "connhub discovered row", ALLOCSET_DEFAULT_SIZES);
	stage->type_context = AllocSetContextCreate(context, "connhub discovery types",
												ALLOCSET_DEFAULT_SIZES);
	stage->connector = connector->id;
	stage->encoding = ch_encoding_get();
	stage->schema_pattern = schema_pattern == NULL ? NULL : cstring_to_text(schema_pattern);
	stage->table_pattern = table_pattern == NULL ? NULL : cstring_to_text(table_pattern);
	for (int i = 0; i < CH_NPARTS; i++)
		part_begin(&stage->parts[i], part_names[i]);
	MemoryContextSwitchTo(before);
	return stage;
}

ConnhubSink *
ch_stage_sink(ChStage *stage)
{
	return &stage->interface;
}

void
ch_stage_add_schema(ChStage *stage, const char *name)
{
	row_begin(stage);
	add_value(stage, CStringGetTextDatum(name), false);
	add_value(stage, (Datum) 0, true);
	row_end(stage, CH_PART_SCHEMA);
	stage->counts.schemas++;
}

const ChStagePart *
ch_stage_part(const ChStage *stage, ChPart part)
{
	return &stage->parts[part];
}

const ChDiscovery *
ch_stage_counts(const ChStage *stage)
{
	return &stage->counts;
}

void
ch_stage_free(ChStage *stage)
{
	for (int i = 0; i < CH_NPARTS; i++)
		tuplestore_end(stage->parts[i].rows);
	MemoryContextDelete(stage->context);
}
