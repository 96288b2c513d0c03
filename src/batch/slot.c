/* batch/slot.c — batch row → TupleTableSlot.
 *
 * One reader serves one scan: it knows which batch column goes to which attribute, and keeps what
 * convert settled for each. */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "batch/convert.h"
#include "batch/slot.h"

typedef struct ChSlotColumn
{
	int			attribute;		/* index in the slot; -1: none */
	int			divided;		/* index of the sum that this count turns into an average; -1: none */
	bool		is_domain;
	void	   *domain_extra;	/* domain_check's cache */
	ChConvert	convert;
} ChSlotColumn;

struct ChSlotReader
{
	const char *relation;
	MemoryContext context;
	int			natts;
	int			ncolumns;
	ConnhubTypeRef *wanted;
	ChSlotColumn *columns;
	const ConnhubBatch *batch;
	const ChConvert *current;	/* under conversion, for errors */
	StringInfoData scratch;
};

ChSlotReader *
ch_slot_reader_create(TupleDesc desc, const AttrNumber *attnums, int ncolumns, const char *relation)
{
	ChSlotReader *reader = palloc0(sizeof(ChSlotReader));

	reader->context = CurrentMemoryContext;
	reader->relation = relation ? pstrdup(relation) : NULL;
	reader->natts = desc->natts;
	reader->ncolumns = ncolumns;
	reader->wanted = palloc0(sizeof(ConnhubTypeRef) * Max(ncolumns, 1));
	reader->columns = palloc0(sizeof(ChSlotColumn) * Max(ncolumns, 1));
	initStringInfo(&reader->scratch);
	for (int i = 0; i < ncolumns; i++)
	{
		ChSlotColumn *column = &reader->columns[i];

		column->attribute = attnums[i] - 1;
		column->divided = -1;
		if (attnums[i] <= 0)
		{
			column->attribute = -1;
			column->divided = -attnums[i] - 1;
			reader->wanted[i].type = CONNHUB_INT64;
			reader->wanted[i].precision = -1;
			continue;
		}
		ch_convert_init(&column->convert, TupleDescAttr(desc, column->attribute), &reader->scratch,
						&reader->wanted[i]);
		column->is_domain = column->convert.base != column->convert.type;
	}
	return reader;
}

const ConnhubTypeRef *
ch_slot_reader_wanted(const ChSlotReader *reader)
{
	return reader->wanted;
}

void
ch_slot_reader_begin(ChSlotReader *reader, const ConnhubBatch *batch)
{
	reader->batch = batch;
	for (int i = 0; i < reader->ncolumns; i++)
	{
		ChSlotColumn *column = &reader->columns[i];

		if (column->attribute >= 0 && column->convert.settled != batch->columns[i].type)
			ch_convert_settle(&column->convert, batch->columns[i].type);
	}
}

static void
slot_error_context(void *arg)
{
	ChSlotReader *reader = (ChSlotReader *) arg;

	if (reader->current == NULL)
		return;
	if (geterrcode() == ERRCODE_CHARACTER_NOT_IN_REPERTOIRE || geterrcode() == ERRCODE_UNTRANSLATABLE_CHARACTER)
		errhint("Correct the text at the source, or leave the row or the column out of the query.");
	else if (ERRCODE_TO_CATEGORY(geterrcode()) == ERRCODE_DATA_EXCEPTION)
		errhint("Declare the column with a type that holds every value of the source, such as text, or leave the row out of the query.");
	if (reader->relation)
		errcontext("column \"%s\" of foreign table \"%s\"", reader->current->name, reader->relation);
	else
		errcontext("column \"%s\" of a remote query", reader->current->name);
}

/* As the aggregate avg divides. */
static Datum
average(Datum sum, int64 count)
{
	return DirectFunctionCall2(numeric_div, sum, DirectFunctionCall1(int8_numeric, Int64GetDatum(count)));
}

void
ch_slot_reader_store(ChSlotReader *reader, uint32 row, TupleTableSlot *slot)
{
	const ConnhubBatch *batch = reader->batch;
	ErrorContextCallback context;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, reader->natts);
	memset(slot->tts_values, 0, sizeof(Datum) * reader->natts);

	context.callback = slot_error_context;
	context.arg = reader;
	context.previous = error_context_stack;
	error_context_stack = &context;

	for (int i = 0; i < reader->ncolumns; i++)
	{
		ChSlotColumn *column = &reader->columns[i];
		const ConnhubVector *vector = &batch->columns[i];
		bool		is_valid = CONNHUB_IS_VALID(vector, row);

		if (column->attribute < 0)
		{
			if (column->divided >= 0 && is_valid && !slot->tts_isnull[column->divided])
				slot->tts_values[column->divided] = average(slot->tts_values[column->divided], vector->v.integers[row]);
			continue;
		}
		reader->current = &column->convert;
		if (is_valid)
		{
			slot->tts_values[column->attribute] = column->convert.function(&column->convert, vector, row);
			slot->tts_isnull[column->attribute] = false;
		}
		if (unlikely(column->is_domain))
			domain_check(slot->tts_values[column->attribute], !is_valid, column->convert.type,
						 &column->domain_extra, reader->context);
	}

	error_context_stack = context.previous;
	ExecStoreVirtualTuple(slot);
}
