/* discover/collection.c — what a driver has told in a discovery, kept until it is applied.
 *
 * Assumes neither transaction nor snapshot: names are neither looked up nor converted here.  A record is the
 * driver's struct as it is, followed by the texts it points to.  Records stay in memory up to work_mem and then
 * go to a temporary file, which belongs to no transaction and ends with the collection. */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/buffile.h"
#include "utils/memutils.h"

#include "discover/collection.h"

#define MAX_TEXTS	8

typedef enum RecordKind
{
	RECORD_SCHEMA,
	RECORD_TABLE,
	RECORD_COLUMN,
	RECORD_KEY,
	RECORD_INDEX,
	RECORD_STATS,
	NRECORDS
} RecordKind;

/* Where in a struct of the driver ABI the pointers are.  Lists of names all have the length at `count`. */
typedef struct RecordSpec
{
	size_t		size;
	int			ntexts;
	size_t		texts[MAX_TEXTS];
	int			nlists;
	size_t		lists[2];
	size_t		count;
} RecordSpec;

#define AT(Struct, member) offsetof(Connhub##Struct, member)

static const RecordSpec record_specs[NRECORDS] = {
	[RECORD_SCHEMA] = {
		sizeof(ConnhubSchemaInfo), 2, {AT(SchemaInfo, name), AT(SchemaInfo, comment)}
	},
	[RECORD_TABLE] = {
		sizeof(ConnhubTableInfo), 3, {AT(TableInfo, schema), AT(TableInfo, name), AT(TableInfo, comment)}
	},
	[RECORD_COLUMN] = {
		sizeof(ConnhubColumnInfo), 8, {AT(ColumnInfo, schema), AT(ColumnInfo, table), AT(ColumnInfo, name),
			AT(ColumnInfo, remote_type), AT(ColumnInfo, default_value), AT(ColumnInfo, comment),
		AT(ColumnInfo, collation), AT(ColumnInfo, type.pg_type)}
	},
	[RECORD_KEY] = {
		sizeof(ConnhubKeyInfo), 5, {AT(KeyInfo, schema), AT(KeyInfo, table), AT(KeyInfo, name),
		AT(KeyInfo, ref_schema), AT(KeyInfo, ref_table)},
		2, {AT(KeyInfo, columns), AT(KeyInfo, ref_columns)}, AT(KeyInfo, ncolumns)
	},
	[RECORD_INDEX] = {
		sizeof(ConnhubIndexInfo), 5, {AT(IndexInfo, schema), AT(IndexInfo, table), AT(IndexInfo, name),
		AT(IndexInfo, method), AT(IndexInfo, predicate)},
		1, {AT(IndexInfo, columns)}, AT(IndexInfo, ncolumns)
	},
	[RECORD_STATS] = {
		sizeof(ConnhubStatsInfo), 5, {AT(StatsInfo, schema), AT(StatsInfo, table), AT(StatsInfo, column),
		AT(StatsInfo, most_common), AT(StatsInfo, histogram)}
	},
};

/* What stands before each record. */
typedef struct RecordHeader
{
	int32		kind;
	int32		length;			/* of what follows */
} RecordHeader;

struct ChCollection
{
	ConnhubSink interface;		/* must be first */
	MemoryContext context;
	MemoryContextCallback reset;
	StringInfoData tail;		/* records not in the file */
	BufFile    *file;			/* or NULL */
	ChCollected counts;
	ChCollectionWatch watch;
};

/* ---- Writing ------------------------------------------------------------------------------- */

static void
put_text(StringInfo to, const char *text)
{
	int32		length = text == NULL ? -1 : (int32) strlen(text);

	appendBinaryStringInfo(to, (const char *) &length, sizeof(length));
	if (text != NULL)
		appendBinaryStringInfo(to, text, length + 1);
}

static void
spill(ChCollection *collection)
{
	/* Over transactions: whoever collects holds none. */
	if (collection->file == NULL)
		collection->file = BufFileCreateTemp(true);
	BufFileWrite(collection->file, collection->tail.data, collection->tail.len);
	resetStringInfo(&collection->tail);
}

static ConnhubStatus
record_put(ConnhubSink *sink, RecordKind kind, const void *info)
{
	ChCollection *collection = (ChCollection *) sink;
	const RecordSpec *spec = &record_specs[kind];
	MemoryContext before = MemoryContextSwitchTo(collection->context);
	StringInfo	tail = &collection->tail;
	int			start = tail->len;
	RecordHeader header = {.kind = kind};

	appendBinaryStringInfo(tail, (const char *) &header, sizeof(header));
	appendBinaryStringInfo(tail, info, spec->size);
	for (int i = 0; i < spec->ntexts; i++)
		put_text(tail, *(const char *const *) ((const char *) info + spec->texts[i]));
	for (int i = 0; i < spec->nlists; i++)
	{
		const char *const *names = *(const char *const *const *) ((const char *) info + spec->lists[i]);
		uint32		count = *(const uint32 *) ((const char *) info + spec->count);

		for (uint32 n = 0; names != NULL && n < count; n++)
			put_text(tail, names[n]);
	}
	header.length = tail->len - start - (int) sizeof(header);
	memcpy(tail->data + start, &header, sizeof(header));
	if (tail->len > (Size) work_mem * 1024)
		spill(collection);
	MemoryContextSwitchTo(before);
	return CONNHUB_OK;
}

static ConnhubStatus
put_schema(ConnhubSink *sink, const ConnhubSchemaInfo *info)
{
	((ChCollection *) sink)->counts.schemas++;
	return record_put(sink, RECORD_SCHEMA, info);
}

static ConnhubStatus
put_table(ConnhubSink *sink, const ConnhubTableInfo *info)
{
	ChCollection *collection = (ChCollection *) sink;

	(void) record_put(sink, RECORD_TABLE, info);
	collection->counts.tables++;
	if (collection->watch != NULL)
		collection->watch(&collection->counts);
	return CONNHUB_OK;
}

static ConnhubStatus
put_column(ConnhubSink *sink, const ConnhubColumnInfo *info)
{
	((ChCollection *) sink)->counts.columns++;
	return record_put(sink, RECORD_COLUMN, info);
}

static ConnhubStatus
put_key(ConnhubSink *sink, const ConnhubKeyInfo *info)
{
	return record_put(sink, RECORD_KEY, info);
}

static ConnhubStatus
put_index(ConnhubSink *sink, const ConnhubIndexInfo *info)
{
	return record_put(sink, RECORD_INDEX, info);
}

static ConnhubStatus
put_stats(ConnhubSink *sink, const ConnhubStatsInfo *info)
{
	return record_put(sink, RECORD_STATS, info);
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* Where reading stands: in the file, then in the tail. */
typedef struct Reader
{
	BufFile    *file;			/* NULL once it is read */
	const char *at;
	const char *end;
} Reader;

/* False at the end of everything, which is the end of a record. */
static bool
read_bytes(Reader *reader, void *to, size_t size)
{
	if (reader->file != NULL)
	{
		size_t		got = BufFileRead(reader->file, to, size);

		if (got == size)
			return true;
		if (got != 0)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not read what was discovered: read only %zu of %zu bytes", got, size)));
		reader->file = NULL;
	}
	if (reader->at == reader->end)
		return false;
	Assert((size_t) (reader->end - reader->at) >= size);
	memcpy(to, reader->at, size);
	reader->at += size;
	return true;
}

static const char *
take_text(const char **at)
{
	const char *text;
	int32		length;

	memcpy(&length, *at, sizeof(length));
	*at += sizeof(length);
	if (length < 0)
		return NULL;
	text = *at;
	*at += length + 1;
	return text;
}

/* Put the pointers back into a record.  Its lists are allocated in the current context. */
static void
record_restore(RecordKind kind, char *record)
{
	const RecordSpec *spec = &record_specs[kind];
	const char *at = record + spec->size;

	for (int i = 0; i < spec->ntexts; i++)
		*(const char **) (record + spec->texts[i]) = take_text(&at);
	for (int i = 0; i < spec->nlists; i++)
	{
		const char ***list = (const char ***) (record + spec->lists[i]);
		uint32		count = *(const uint32 *) (record + spec->count);

		if (*list == NULL)
			continue;
		*list = palloc(sizeof(char *) * Max(count, 1));
		for (uint32 n = 0; n < count; n++)
			(*list)[n] = take_text(&at);
	}
}

static ConnhubStatus
record_tell(ConnhubSink *sink, RecordKind kind, const void *record)
{
	switch (kind)
	{
		case RECORD_SCHEMA:
			return sink->schema(sink, record);
		case RECORD_TABLE:
			return sink->table(sink, record);
		case RECORD_COLUMN:
			return sink->column(sink, record);
		case RECORD_KEY:
			return sink->key(sink, record);
		case RECORD_INDEX:
			return sink->index(sink, record);
		case RECORD_STATS:
			return sink->stats(sink, record);
		case NRECORDS:
			break;
	}
	return CONNHUB_INTERNAL;
}

void
ch_collection_replay(ChCollection *collection, ConnhubSink *sink)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "connhub discovered record",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);
	Reader		reader = {
		.file = collection->file,
		.at = collection->tail.data,
		.end = collection->tail.data + collection->tail.len,
	};
	RecordHeader header;

	if (collection->file != NULL && BufFileSeek(collection->file, 0, 0, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read what was discovered: %m")));
	while (read_bytes(&reader, &header, sizeof(header)))
	{
		char	   *record = palloc(header.length);

		CHECK_FOR_INTERRUPTS();
		if (!read_bytes(&reader, record, header.length))
			elog(ERROR, "a discovered record has no content");
		record_restore((RecordKind) header.kind, record);
		if (record_tell(sink, (RecordKind) header.kind, record) != CONNHUB_OK)
			elog(ERROR, "a discovered record was not taken");
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(before);
	MemoryContextDelete(context);
}

/* ---- Life ---------------------------------------------------------------------------------- */

static void
close_file(void *arg)
{
	ChCollection *collection = arg;

	if (collection->file != NULL)
		BufFileClose(collection->file);
	collection->file = NULL;
}

ChCollection *
ch_collection_create(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "connhub collection",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);
	ChCollection *collection = palloc0(sizeof(ChCollection));

	collection->interface = (ConnhubSink) {
		sizeof(ConnhubSink), put_schema, put_table, put_column, put_key, put_index, put_stats
	};
	collection->context = context;
	initStringInfo(&collection->tail);
	collection->reset.func = close_file;
	collection->reset.arg = collection;
	MemoryContextRegisterResetCallback(context, &collection->reset);
	MemoryContextSwitchTo(before);
	return collection;
}

ConnhubSink *
ch_collection_sink(ChCollection *collection)
{
	return &collection->interface;
}

const ChCollected *
ch_collection_counts(const ChCollection *collection)
{
	return &collection->counts;
}

void
ch_collection_watch(ChCollection *collection, ChCollectionWatch watch)
{
	collection->watch = watch;
}

void
ch_collection_free(ChCollection *collection)
{
	MemoryContextDelete(collection->context);
}
