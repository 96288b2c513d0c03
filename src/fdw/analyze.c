/* fdw/analyze.c — ANALYZE: a random sample of a foreign table's rows.
 *
 * Every row crosses the network: sources differ too much in how they sample.  The planner knows what
 * discovery found without it; statistics gathered here come first. */
#include "postgres.h"

#include "access/htup_details.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/sampling.h"

#include "batch/batch.h"
#include "batch/slot.h"
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

/* Nothing can be set aside here: say who is in the way. */
static void
refuse_spill(void *holder)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 errmsg("the connection is in use by ANALYZE of \"%s\"", (const char *) holder)));
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
	*cursor = ch_cursor_open(ch_conn_acquire(info->at->connector, GetUserId()), &query, refuse_spill,
							 RelationGetRelationName(relation));
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

	*total = sample.seen;
	*dead = 0;
	ereport(level,
			(errmsg("\"%s\": read %.0f rows of connector \"%s\", %d in the sample",
					RelationGetRelationName(relation), sample.seen, info->at->connector->name, sample.held)));
	return sample.held;
}

bool
ch_analyze_foreign_table(Relation relation, AcquireSampleRowsFunc *func, BlockNumber *pages)
{
	ChRelInfo  *info = ch_relinfo_make(NULL, 1, RelationGetRelid(relation));

	*func = acquire_sample_rows;
	*pages = info->table_bytes > 0 ? (BlockNumber) Min(info->table_bytes / BLCKSZ + 1, MaxBlockNumber) : 1;
	return true;
}
