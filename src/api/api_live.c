/* api/api_live.c — connhub.live, live_as and live_json: a native query run as it stands, its rows returned.
 *
 * The query is the caller's own text: nothing here knows what it does, so it is taken to write unless the source
 * keeps it from writing, and is never sent twice.  Rows go into the result's tuplestore, which spills to disk, as
 * they come.  Nothing is written to the catalogue: a hot standby runs it too. */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "api/api.h"
#include "batch/batch.h"
#include "batch/slot.h"
#include "batch/typemap.h"
#include "catalog/cat_type.h"
#include "common/error.h"
#include "conn/conn.h"

#define BATCH_ROWS	512
#define BATCH_BYTES	(4 * 1024 * 1024)

PG_FUNCTION_INFO_V1(connhub_live);
PG_FUNCTION_INFO_V1(connhub_live_as);
PG_FUNCTION_INFO_V1(connhub_live_json);

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
	const ChConnector *connector;
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

/* ---- What is to be run --------------------------------------------------------------------- */

static const ChConnector *
require_usable(const char *name)
{
	const ChConnector *connector = ch_connector_require(name);

	if (!ch_connector_may_use(connector, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for connector \"%s\"", connector->name),
				 errhint("Its owner can GRANT USAGE ON FOREIGN SERVER to you.")));
	return connector;
}

/* Must the source refuse writes?  Only a read-only transaction can make it. */
static bool
is_read_only(const ChConnector *connector, uint64 capabilities)
{
	if (!XactReadOnly && !ch_connector_option_bool(connector, "read_only"))
		return false;
	if ((capabilities & CONNHUB_CAP_TRANSACTION) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot run a native query on connector \"%s\" read-only", connector->name),
				 errdetail("The source has no read-only transactions, so nothing would keep the query from writing.")));
	return true;
}

/* The arguments from `first` on, one by one or as the array of VARIADIC. */
static void
take_params(FunctionCallInfo fcinfo, int first, ConnhubQuery *query)
{
	Datum	   *args;
	Oid		   *types;
	bool	   *nulls;
	int			count = PG_NARGS() > first ? extract_variadic_args(fcinfo, first, true, &args, &types, &nulls) : 0;
	ConnhubValue *params;

	if (count <= 0)
		return;
	params = palloc0(sizeof(ConnhubValue) * count);
	for (int i = 0; i < count; i++)
	{
		if (!ch_typemap_value(args[i], nulls[i], types[i], &params[i]))
			ereport(ERROR,
					(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					 errmsg("value of parameter $%d is out of range for a source", i + 1)));
		ch_typemap_from_pg(types[i], -1, &params[i].type);
	}
	query->params = params;
	query->nparams = count;
}

/* connector and query are the arguments at `first` and after it, parameters follow. */
static void
prepare(ChLive *live, FunctionCallInfo fcinfo, int first)
{
	char	   *name = ch_api_required_text(fcinfo, first, "connector");
	char	   *text = ch_api_required_text(fcinfo, first + 1, "query");
	uint64		capabilities;

	live->connector = require_usable(name);
	capabilities = ch_type_get(live->connector->type, false)->capabilities;
	live->describes = (capabilities & CONNHUB_CAP_DESCRIBE) != 0;
	live->query.struct_size = sizeof(ConnhubQuery);
	live->query.text = pg_server_to_any(text, strlen(text), PG_UTF8);
	live->query.once = true;
	live->query.writes = !is_read_only(live->connector, capabilities);
	live->query.columns_unknown = live->describes;
	live->query.fetch_size = ch_connector_option_integer(live->connector, "fetch_size");
	take_params(fcinfo, first + 2, &live->query);
	live->result = (ReturnSetInfo *) fcinfo->resultinfo;
}

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

/* Rows cannot be set aside while one is being converted. */
static void
refuse_spill(void *holder)
{
	const ChLive *live = holder;

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 errmsg("connector \"%s\" is needed while a row of it is being read", live->connector->name),
			 errdetail("The check of a domain runs a query over the same connection.")));
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

static void
run(ChLive *live)
{
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	callback->func = close_cursor;
	callback->arg = live;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	live->row_context = AllocSetContextCreate(CurrentMemoryContext, "connhub live row", ALLOCSET_DEFAULT_SIZES);

	if (!live->describes)
		settle(live);
	live->cursor = ch_cursor_open(ch_conn_acquire(live->connector, GetUserId()), &live->query, refuse_spill, live);
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

/* ---- The three forms ----------------------------------------------------------------------- */

Datum
connhub_live(PG_FUNCTION_ARGS)
{
	ChLive	   *live = palloc0(sizeof(ChLive));

	prepare(live, fcinfo, 0);
	if (live->result == NULL || live->result->expectedDesc == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("connhub.live needs to be told the columns"),
				 errhint("Write SELECT * FROM connhub.live(...) AS t(name type, ...), or use connhub.live_json.")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	run(live);
	return (Datum) 0;
}

Datum
connhub_live_as(PG_FUNCTION_ARGS)
{
	ChLive	   *live = palloc0(sizeof(ChLive));
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);

	if (get_typtype(type) != TYPTYPE_COMPOSITE)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("argument \"row\" is of type %s, not of a row type", format_type_be(type)),
				 errhint("Write NULL::name_of_a_table, or use connhub.live or connhub.live_json.")));
	prepare(live, fcinfo, 1);
	InitMaterializedSRF(fcinfo, 0);
	run(live);
	return (Datum) 0;
}

Datum
connhub_live_json(PG_FUNCTION_ARGS)
{
	ChLive	   *live = palloc0(sizeof(ChLive));

	prepare(live, fcinfo, 0);
	live->is_json = true;
	if (!live->describes)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the driver of connector \"%s\" cannot tell the columns of a result", live->connector->name),
				 errhint("Declare them: SELECT * FROM connhub.live(...) AS t(name type, ...).")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	run(live);
	return (Datum) 0;
}
