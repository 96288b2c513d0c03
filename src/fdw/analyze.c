/* fdw/analyze.c — ANALYZE: the source's own statistics, or else a random sample of its rows.
 *
 * What the source tells goes into the catalogue, as discovery puts it there, and what an earlier sample left in
 * pg_statistic goes away, since that would come first.  A sample is taken where the source does not tell
 * enough: every row then crosses the network, since sources differ too much in how they sample.
 *
 * Runs as the owner of the table, in a security-restricted operation. */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/heap.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/sampling.h"

#include "batch/batch.h"
#include "batch/slot.h"
#include "catalog/cat_statistics.h"
#include "catalog/cat_type.h"
#include "common/compat.h"
#include "conn/conn.h"
#include "fdw/fdw.h"
#include "request/request.h"

#define BATCH_ROWS	4096
#define BATCH_BYTES	(4 * 1024 * 1024)

/* A reservoir: after `seen` rows each of them is in it with the same probability. */
typedef struct ChSample
{
	HeapTuple  *rows;
	int			held;
	int			wanted;
	double		seen;
	double		skip;			/* rows to let pass before the next replacement; < 0: not drawn */
	ReservoirStateData state;
	MemoryContext context;		/* of the tuples */
	MemoryContext row_context;
} ChSample;

static void
keep_row(ChSample *sample, int place, ChSlotReader *reader, uint32 row, TupleTableSlot *slot)
{
	MemoryContext old;

	MemoryContextReset(sample->row_context);
	old = MemoryContextSwitchTo(sample->row_context);
	ch_slot_reader_store(reader, row, slot);
	MemoryContextSwitchTo(sample->context);
	sample->rows[place] = heap_form_tuple(slot->tts_tupleDescriptor, slot->tts_values, slot->tts_isnull);
	MemoryContextSwitchTo(old);
}

static void
sample_row(ChSample *sample, ChSlotReader *reader, uint32 row, TupleTableSlot *slot)
{
	sample->seen++;
	if (sample->held < sample->wanted)
	{
		keep_row(sample, sample->held, reader, row, slot);
		sample->held++;
		return;
	}
	if (sample->skip < 0)
		sample->skip = reservoir_get_next_S(&sample->state, sample->seen - 1, sample->wanted);
	if (sample->skip < 1)
	{
		int			place = (int) (sample->wanted * sampler_random_fract(&sample->state.randstate));

		heap_freetuple(sample->rows[place]);
		keep_row(sample, place, reader, row, slot);
	}
	sample->skip--;
}

static char *
render_columns(ChRelInfo *info, AttrNumber *attnums, int *ncolumns)
{
	ChRequestParts parts = {.from = info->from};
	List	   *params;

	*ncolumns = 0;
	for (int i = 0; i < info->ncolumns; i++)
	{
		if (info->columns[i].column.name == NULL)
			continue;
		attnums[(*ncolumns)++] = i + 1;
		parts.outputs = lappend(parts.outputs, (void *) ch_expr_column(&info->columns[i].column, info->number));
	}
	return ch_relinfo_render(info, ch_request_finish(ch_request_make(&parts), &params));
}

static void
close_cursor(void *arg)
{
	ChCursor  **cursor = arg;

	ch_cursor_close(*cursor);
	*cursor = NULL;
}

/* Where to keep a cursor, so that an error closes it too. */
static ChCursor **
cursor_holder(void)
{
	ChCursor  **cursor = palloc0(sizeof(ChCursor *));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	callback->func = close_cursor;
	callback->arg = cursor;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	return cursor;
}

static int
acquire_sample_rows(Relation relation, int level, HeapTuple *rows, int wanted, double *total,
					double *dead)
{
	ChRelInfo  *info = ch_relinfo_make(NULL, 1, RelationGetRelid(relation));
	TupleDesc	desc = RelationGetDescr(relation);
	AttrNumber *attnums = palloc(sizeof(AttrNumber) * Max(info->ncolumns, 1));
	ConnhubQuery query = {.struct_size = sizeof(ConnhubQuery),.once = true};
	ChSample	sample = {.rows = rows,.wanted = wanted,.skip = -1,.context = CurrentMemoryContext};
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	ChSlotReader *reader;
	ConnhubBatch *batch;
	ChCursor  **cursor = cursor_holder();
	int			ncolumns;

	query.text = render_columns(info, attnums, &ncolumns);
	reader = ch_slot_reader_create(desc, attnums, ncolumns, RelationGetRelationName(relation));
	query.columns = ch_slot_reader_wanted(reader);
	query.ncolumns = ncolumns;
	query.fetch_size = info->at->fetch_size;
	reservoir_init_selection_state(&sample.state, wanted);
	sample.row_context = AllocSetContextCreate(CurrentMemoryContext, "connhub sampled row", ALLOCSET_DEFAULT_SIZES);

	batch = ch_batch_create(CurrentMemoryContext, ncolumns, BATCH_ROWS, BATCH_BYTES);
	*cursor = ch_cursor_open(ch_conn_acquire(info->at->connector, GetUserId()), &query, ch_scan_refuse_spill,
							 info->at->connector->name);
	for (;;)
	{
		ch_batch_reset(batch, query.columns);
		if (!ch_cursor_fetch(*cursor, batch))
			break;
		ch_batch_validate(batch, ch_slot_reader_wanted(reader));
		ch_slot_reader_begin(reader, batch);
		for (uint32 row = 0; row < batch->nrows; row++)
		{
			ch_compat_analyze_delay();
			sample_row(&sample, reader, row, slot);
		}
	}
	close_cursor(cursor);
	ch_batch_free(batch);
	MemoryContextDelete(sample.row_context);
	ExecDropSingleTupleTableSlot(slot);

	if (info->remote && !XactReadOnly)
		ch_statistics_store_rows(&info->at->connector->id, info->remote->schema, info->remote->name, sample.seen);
	*total = sample.seen;
	*dead = 0;
	ereport(level,
			(errmsg("\"%s\": read %.0f rows of connector \"%s\", %d in the sample",
					RelationGetRelationName(relation), sample.seen, info->at->connector->name, sample.held)));
	return sample.held;
}

/* ---- The source's own statistics ----------------------------------------------------------- */

/* Takes from a discovery what it says of one table.  Its functions may throw: ch_conn_discover guards them. */
typedef struct ChTeller
{
	ConnhubSink interface;		/* must be first */
	const char *schema;			/* of the table, as the source spells it */
	const char *table;
	ChEncoding	encoding;
	ChStatisticsRefresh refresh;
} ChTeller;

static bool
is_the_table(const ChTeller *teller, const char *schema, const char *table)
{
	return strcmp(schema, teller->schema) == 0 && strcmp(table, teller->table) == 0;
}

static ConnhubStatus
take_table(ConnhubSink *sink, const ConnhubTableInfo *info)
{
	ChTeller   *teller = (ChTeller *) sink;

	if (is_the_table(teller, info->schema, info->name))
	{
		teller->refresh.rows = info->rows;
		teller->refresh.bytes = info->bytes;
	}
	return CONNHUB_OK;
}

static ConnhubStatus
take_stats(ConnhubSink *sink, const ConnhubStatsInfo *info)
{
	ChTeller   *teller = (ChTeller *) sink;
	ChColumnStatistics *column;

	if (!is_the_table(teller, info->schema, info->table))
		return CONNHUB_OK;
	column = palloc(sizeof(ChColumnStatistics));
	if (ch_statistics_take(info, &teller->encoding, column))
		teller->refresh.columns = lappend(teller->refresh.columns, column);
	return CONNHUB_OK;
}

/* The LIKE pattern that matches the name alone. */
static char *
exact_pattern(const char *name)
{
	StringInfoData pattern;

	initStringInfo(&pattern);
	for (; *name != '\0'; name++)
	{
		if (*name == '%' || *name == '_' || *name == '\\')
			appendStringInfoChar(&pattern, '\\');
		appendStringInfoChar(&pattern, *name);
	}
	return pattern.data;
}

static bool
tells_of(const ChTeller *teller, const ChRelColumn *column)
{
	ListCell   *cell;

	foreach(cell, teller->refresh.columns)
	{
		const ChColumnStatistics *told = lfirst(cell);

		if (strcmp(told->column, column->name) == 0)
			return !told->nulls[CH_STATISTICS_NULL_FRACTION] || !told->nulls[CH_STATISTICS_DISTINCT_VALUES];
	}
	return false;
}

/* Did the source tell of the rows and of each column? */
static bool
tells_enough(const ChTeller *teller, const ChRelInfo *info)
{
	if (teller->refresh.rows < 0)
		return false;
	for (int i = 0; i < info->ncolumns; i++)
	{
		const ChRelColumn *column = &info->columns[i];

		if (column->column.name != NULL && !column->is_key && !tells_of(teller, column))
			return false;
	}
	return true;
}

/* Can the source be asked, and the answer be kept?  Only a sample can serve CREATE STATISTICS. */
static bool
may_ask(const ChRelInfo *info, Relation relation)
{
	uint64		wanted = CONNHUB_CAP_DISCOVER | CONNHUB_CAP_STATS;

	return info->remote != NULL && !XactReadOnly && RelationGetStatExtList(relation) == NIL &&
		(ch_type_get(info->at->connector->type, false)->capabilities & wanted) == wanted;
}

/* Ask the source for its statistics of the table.  No lock on the catalogue is held meanwhile. */
static void
ask(ChTeller *teller, const ChRelInfo *info)
{
	ConnhubDiscoverRequest request = {sizeof(request)};
	ConnhubInfo far_end = {{0}};

	teller->interface.struct_size = sizeof(ConnhubSink);
	teller->interface.table = take_table;
	teller->interface.stats = take_stats;
	teller->refresh.schema = info->remote->schema;
	teller->refresh.table = info->remote->name;
	teller->refresh.rows = -1;
	teller->refresh.bytes = -1;
	teller->encoding = ch_encoding_get();
	teller->schema = ch_source_name(info->remote->schema);
	teller->table = ch_source_name(info->remote->name);
	request.schema_pattern = exact_pattern(teller->schema);
	request.table_pattern = exact_pattern(teller->table);
	request.with_stats = true;
	ch_conn_discover(info->at->connector, GetUserId(), &request, &teller->interface, &far_end);
}

/* Returns no row when the source has told enough: ANALYZE then leaves pg_statistic alone. */
static int
acquire_statistics(Relation relation, int level, HeapTuple *rows, int wanted, double *total, double *dead)
{
	ChRelInfo  *info = ch_relinfo_make(NULL, 1, RelationGetRelid(relation));
	ChTeller	teller = {.refresh = {0}};

	if (!may_ask(info, relation))
		return acquire_sample_rows(relation, level, rows, wanted, total, dead);
	ask(&teller, info);
	if (!tells_enough(&teller, info))
		return acquire_sample_rows(relation, level, rows, wanted, total, dead);

	ch_statistics_store(&info->at->connector->id, &teller.refresh);
	RemoveStatistics(RelationGetRelid(relation), 0);
	*total = teller.refresh.rows;
	*dead = 0;
	ereport(level,
			(errmsg("\"%s\": took the statistics of connector \"%s\", %.0f rows",
					RelationGetRelationName(relation), info->at->connector->name, teller.refresh.rows)));
	return 0;
}

/* A parent wants rows of each child; ANALYZE asks for them from within its restricted operation. */
bool
ch_analyze_foreign_table(Relation relation, AcquireSampleRowsFunc *func, BlockNumber *pages)
{
	ChRelInfo  *info = ch_relinfo_make(NULL, 1, RelationGetRelid(relation));

	*func = InSecurityRestrictedOperation() ? acquire_sample_rows : acquire_statistics;
	*pages = info->table_bytes > 0 ? (BlockNumber) Min(info->table_bytes / BLCKSZ + 1, MaxBlockNumber) : 1;
	return true;
}
