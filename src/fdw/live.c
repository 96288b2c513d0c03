/* fdw/live.c — a native query run as it stands, its rows put into a function's result.
 *
 * Rows go into the result's tuplestore, which spills to disk, as they come.  Nothing is written to the catalogue: a hot
 * standby runs it too. */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "batch/batch.h"
#include "batch/slot.h"
#include "batch/typemap.h"
#include "conn/conn.h"
#include "fdw/fdw.h"
#include "fdw/live.h"

#define BATCH_ROWS	512
#define BATCH_BYTES	(4 * 1024 * 1024)

/* A column of the result on its way to the type it is declared as. */
typedef struct ChLiveColumn
{
	const char *name;			/* as declared */
	int			attribute;		/* index in the row returned */
	bool		is_same;		/* it is of that type already */
	bool		is_domain;		/* which may refuse a null */
	FmgrInfo	output;
	FmgrInfo	input;
	Oid			input_param;
	int32		typmod;
} ChLiveColumn;

typedef struct ChLive
{
	ConnhubQuery query;
	bool		describes;		/* the driver can tell the columns */
	ReturnSetInfo *result;
	bool		is_json;		/* one object a row; else columns as declared */
	ChCursor   *cursor;			/* closed with the context it was opened in, at the latest */

	/* Rows as they come. */
	TupleDesc	desc;
	ChSlotReader *reader;
	ConnhubBatch *batch;
	TupleTableSlot *slot;
	ChLiveColumn *columns;		/* NULL: nothing is to be converted */
	const char *converting;		/* the column now converted, for errors */
	MemoryContext row_context;
} ChLive;

/* ---- Columns ------------------------------------------------------------------------------- */

/* The row that the source returns. */
static TupleDesc
described_row(ChLive *live)
{
	List	   *columns = ch_cursor_describe(live->cursor);
	TupleDesc	desc;
	ListCell   *cell;
	int			number = 0;

	if (list_length(columns) > MaxTupleAttributeNumber)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("the result has %d columns, more than a row can hold", list_length(columns))));
	desc = CreateTemplateTupleDesc(list_length(columns));
	foreach(cell, columns)
	{
		const ChResultColumn *column = lfirst(cell);

		TupleDescInitEntry(desc, ++number, column->name, ch_typemap_pg_oid(&column->type), -1, 0);
	}
	return desc;
}

/* A name would be lost in an object. */
static void
require_distinct_names(TupleDesc desc)
{
	for (int i = 0; i < desc->natts; i++)
	{
		for (int j = 0; j < i; j++)
		{
			if (strcmp(NameStr(TupleDescAttr(desc, i)->attname), NameStr(TupleDescAttr(desc, j)->attname)) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_COLUMN),
						 errmsg("two columns of the result are named \"%s\"",
								NameStr(TupleDescAttr(desc, i)->attname)),
						 errhint("Give each column of the query a name of its own.")));
		}
	}
}

static void
convert_init(ChLiveColumn *column, Form_pg_attribute from, Form_pg_attribute to)
{
	Oid			function;
	bool		is_varlena;

	column->name = NameStr(to->attname);
	column->is_domain = get_typtype(to->atttypid) == TYPTYPE_DOMAIN;
	column->typmod = to->atttypmod;
	column->is_same = from->atttypid == to->atttypid && to->atttypmod < 0 && !column->is_domain;
	if (column->is_same)
		return;
	getTypeOutputInfo(from->atttypid, &function, &is_varlena);
	fmgr_info(function, &column->output);
	getTypeInputInfo(to->atttypid, &function, &column->input_param);
	fmgr_info(function, &column->input);
}

/* Pair the columns of the source with those declared, in order. */
static void
match_columns(ChLive *live)
{
	TupleDesc	declared = live->result->setDesc;
	int			count = 0;

	live->columns = palloc0(sizeof(ChLiveColumn) * Max(declared->natts, 1));
	for (int i = 0; i < declared->natts; i++)
	{
		if (TupleDescAttr(declared, i)->attisdropped)
			continue;
		if (count < live->desc->natts)
		{
			live->columns[count].attribute = i;
			convert_init(&live->columns[count], TupleDescAttr(live->desc, count), TupleDescAttr(declared, i));
		}
		count++;
	}
	if (count != live->desc->natts)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the result has %d columns, but %d are declared", live->desc->natts, count),
				 errhint("connhub.live_json needs no declaration.")));
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static void
put_object(ChLive *live)
{
	HeapTuple	tuple = heap_form_tuple(live->desc, live->slot->tts_values, live->slot->tts_isnull);
	Datum		json = DirectFunctionCall1(row_to_json, HeapTupleGetDatum(tuple));
	Datum		object = DirectFunctionCall1(jsonb_in, CStringGetDatum(TextDatumGetCString(json)));
	bool		isnull = false;

	tuplestore_putvalues(live->result->setResult, live->result->setDesc, &object, &isnull);
}

static void
put_columns(ChLive *live)
{
	int			natts = live->result->setDesc->natts;
	Datum	   *values = palloc0(sizeof(Datum) * Max(natts, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(natts, 1));

	memset(nulls, true, sizeof(bool) * natts);
	for (int i = 0; i < live->desc->natts; i++)
	{
		ChLiveColumn *column = &live->columns[i];
		bool		isnull = live->slot->tts_isnull[i];
		Datum		value = live->slot->tts_values[i];

		live->converting = column->name;
		if (!column->is_same && (!isnull || column->is_domain))
			value = InputFunctionCall(&column->input, isnull ? NULL : OutputFunctionCall(&column->output, value),
									  column->input_param, column->typmod);
		values[column->attribute] = value;
		nulls[column->attribute] = isnull;
	}
	live->converting = NULL;
	tuplestore_putvalues(live->result->setResult, live->result->setDesc, values, nulls);
}

static void
row_context(void *arg)
{
	const ChLive *live = arg;

	if (live->converting != NULL)
		errcontext("column \"%s\" of a native query", live->converting);
}

static void
put_rows(ChLive *live)
{
	MemoryContext old = CurrentMemoryContext;
	ErrorContextCallback context = {error_context_stack, row_context, live};

	error_context_stack = &context;
	for (uint32 row = 0; row < live->batch->nrows; row++)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(live->row_context);
		MemoryContextSwitchTo(live->row_context);
		ch_slot_reader_store(live->reader, row, live->slot);
		if (live->is_json)
			put_object(live);
		else if (live->columns != NULL)
			put_columns(live);
		else
			tuplestore_puttupleslot(live->result->setResult, live->slot);
		MemoryContextSwitchTo(old);
	}
	error_context_stack = context.previous;
}

static void
close_cursor(void *arg)
{
	ChLive	   *live = arg;

	ch_cursor_close(live->cursor);
	live->cursor = NULL;
}

/* Settle what rows look like, once the query runs or, where the driver cannot tell, before. */
static void
settle(ChLive *live)
{
	AttrNumber *attnums;
	int			count = 0;

	live->desc = live->describes ? described_row(live) : live->result->setDesc;
	attnums = palloc(sizeof(AttrNumber) * Max(live->desc->natts, 1));
	for (int i = 0; i < live->desc->natts; i++)
	{
		if (!TupleDescAttr(live->desc, i)->attisdropped)
			attnums[count++] = i + 1;
	}
	if (live->is_json)
	{
		require_distinct_names(live->desc);
		BlessTupleDesc(live->desc);
	}
	else if (live->describes)
		match_columns(live);
	live->reader = ch_slot_reader_create(live->desc, attnums, count, NULL);
	live->slot = MakeSingleTupleTableSlot(live->desc, &TTSOpsVirtual);
	live->batch = ch_batch_create(CurrentMemoryContext, count, BATCH_ROWS, BATCH_BYTES);
	live->query.columns = ch_slot_reader_wanted(live->reader);
	live->query.ncolumns = count;
}

void
ch_live_run(const ChLiveQuery *given, ReturnSetInfo *result)
{
	ChLive	   *live = palloc0(sizeof(ChLive));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	live->describes = given->describes;
	live->is_json = given->is_json;
	live->query = given->query;
	live->query.once = true;
	live->query.columns_unknown = given->describes;
	live->query.fetch_size = ch_connector_option_integer(given->connector, "fetch_size");
	live->result = result;
	callback->func = close_cursor;
	callback->arg = live;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	live->row_context = AllocSetContextCreate(CurrentMemoryContext, "connhub live row", ALLOCSET_DEFAULT_SIZES);

	if (!live->describes)
		settle(live);
	live->cursor = ch_cursor_open(ch_conn_acquire(given->connector, GetUserId()), &live->query, ch_scan_refuse_spill,
								  given->connector->name);
	if (live->describes)
		settle(live);
	for (;;)
	{
		ch_batch_reset(live->batch, ch_slot_reader_wanted(live->reader));
		if (!ch_cursor_fetch(live->cursor, live->batch))
			break;
		ch_batch_validate(live->batch, ch_slot_reader_wanted(live->reader));
		ch_slot_reader_begin(live->reader, live->batch);
		put_rows(live);
	}
	close_cursor(live);
	ch_batch_free(live->batch);
	ExecDropSingleTupleTableSlot(live->slot);
}
