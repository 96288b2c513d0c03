/* query.c — runs native queries: prepare, execute, fetch into ConnhubBatch, end.
 *
 * Rows are computed as they are fetched.  Only a sort holds anything per row: its number. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE				/* qsort_r */
#endif
#include "mock.h"

#include <stdlib.h>
#include <string.h>

#define CHECK_EVERY 1024		/* rows between two looks at host->cancelled */

struct ConnhubCursor
{
	ConnhubConn *conn;
	MkArena		arena;
	MkPlan		plan;
	const MkState *state;		/* of the rows, or NULL */
	MkState    *own;			/* the same, when it belongs to the cursor */
	uint64_t	affected;
	ConnhubValue *params;
	uint64_t   *sorted;			/* row numbers in order, or NULL */
	uint64_t	nsorted;
	uint64_t	next;			/* index of the next row to look at */
	uint64_t	skip;			/* rows still to pass over */
	uint64_t	remaining;		/* rows still to return */
	uint64_t	returned;
	uint64_t	looked_at;
	bool		stalled;		/* the fault due at the next row has struck and let it pass */
};

static ConnhubStatus
check_cancelled(ConnhubCursor *cursor, ConnhubError *error)
{
	ConnhubStatus status;

	if (++cursor->looked_at % CHECK_EVERY != 0)
		return CONNHUB_OK;
	status = mk_host->cancelled();
	if (status == CONNHUB_OK)
		return CONNHUB_OK;
	return fail_as(error, status, status == CONNHUB_TIMEOUT ? "timed out" : "cancelled");
}

/* Do all filters hold for the row? */
static ConnhubStatus
row_passes(ConnhubCursor *cursor, uint64_t number, bool *passes, ConnhubError *error)
{
	MkRow		row = {cursor->plan.table, number, cursor->params, 0, error, cursor->state};
	uint32_t	i;

	*passes = true;
	for (i = 0; i < cursor->plan.nfilters && *passes; i++)
	{
		ConnhubValue value;
		ConnhubStatus status = mk_expr_evaluate(cursor->plan.filters[i], &row, &value);

		if (status != CONNHUB_OK)
			return status;
		*passes = !value.is_null && value.type.type == CONNHUB_BOOL && value.v.integer != 0;
	}
	return CONNHUB_OK;
}

static uint64_t
count_rows(const ConnhubCursor *cursor)
{
	return cursor->state ? cursor->state->nrows : cursor->plan.table->nrows;
}

/* The next row that passes the filters; *number 0 at the end. */
static ConnhubStatus
next_row(ConnhubCursor *cursor, uint64_t *number, ConnhubError *error)
{
	*number = 0;
	if (cursor->sorted)
	{
		if (cursor->next < cursor->nsorted)
			*number = cursor->sorted[cursor->next++];
		return CONNHUB_OK;
	}
	while (cursor->next < count_rows(cursor))
	{
		bool		passes;
		ConnhubStatus status = check_cancelled(cursor, error);

		if (status == CONNHUB_OK)
			status = row_passes(cursor, ++cursor->next, &passes, error);
		if (status != CONNHUB_OK)
			return status;
		if (passes)
		{
			*number = cursor->next;
			return CONNHUB_OK;
		}
	}
	return CONNHUB_OK;
}

typedef struct SortState
{
	ConnhubCursor *cursor;
	ConnhubStatus status;		/* the first failure; comparisons after it mean nothing */
	ConnhubError *error;
} SortState;

static int
compare_rows(const void *left, const void *right, void *opaque)
{
	SortState  *state = opaque;
	ConnhubCursor *cursor = state->cursor;
	MkRow		a = {cursor->plan.table, *(const uint64_t *) left, cursor->params, 0, state->error, cursor->state};
	MkRow		b = {cursor->plan.table, *(const uint64_t *) right, cursor->params, 1, state->error, cursor->state};
	uint32_t	i;

	if (state->status == CONNHUB_OK)
		state->status = check_cancelled(cursor, state->error);
	for (i = 0; i < cursor->plan.nsort && state->status == CONNHUB_OK; i++)
	{
		const MkSortKey *key = &cursor->plan.sort[i];
		ConnhubValue x,
					y;
		int			order;

		state->status = mk_expr_evaluate(key->expr, &a, &x);
		if (state->status == CONNHUB_OK)
			state->status = mk_expr_evaluate(key->expr, &b, &y);
		if (state->status != CONNHUB_OK)
			return 0;
		if (x.is_null && y.is_null)
			continue;
		if (x.is_null || y.is_null)
			return x.is_null == key->nulls_first ? -1 : 1;
		order = mk_value_compare(&x, &y);
		if (order != 0)
			return key->descending ? -order : order;
	}
	return a.number < b.number ? -1 : a.number > b.number;
}

/* Collect the numbers of the rows that pass, and put them in order. */
static ConnhubStatus
sort_rows(ConnhubCursor *cursor, ConnhubError *error)
{
	SortState	state = {cursor, CONNHUB_OK, error};
	uint64_t   *numbers = NULL;
	uint64_t	n = 0;
	uint64_t	capacity = 0;
	uint64_t	number;
	ConnhubStatus status;

	while ((status = next_row(cursor, &number, error)) == CONNHUB_OK && number != 0)
	{
		if (n == capacity)
		{
			uint64_t   *grown;

			capacity = capacity ? capacity * 2 : 256;
			grown = mk_host->realloc(numbers, capacity * sizeof(uint64_t));
			if (grown == NULL)
			{
				status = fail_no_memory(error);
				break;
			}
			numbers = grown;
		}
		numbers[n++] = number;
	}
	if (status == CONNHUB_OK && n > 0)
	{
		qsort_r(numbers, n, sizeof(uint64_t), compare_rows, &state);
		status = state.status;
	}
	if (status != CONNHUB_OK)
	{
		mk_host->free(numbers);
		return status;
	}
	cursor->sorted = numbers;
	cursor->nsorted = n;
	cursor->next = numbers ? 0 : count_rows(cursor);
	return CONNHUB_OK;
}

static ConnhubStatus
copy_params(ConnhubCursor *cursor, const ConnhubQuery *query, ConnhubError *error)
{
	uint32_t	i;

	cursor->params = mk_arena_alloc(&cursor->arena, query->nparams * sizeof(ConnhubValue));
	if (cursor->params == NULL)
		return fail_no_memory(error);
	for (i = 0; i < query->nparams; i++)
	{
		ConnhubValue *param = &cursor->params[i];

		*param = query->params[i];
		param->type.pg_type = NULL;
		if (param->is_null || mk_storage(param->type.type) != MK_SLICE)
			continue;
		param->v.slice.data = mk_arena_copy(&cursor->arena, param->v.slice.data, param->v.slice.length);
		if (param->v.slice.data == NULL)
			return fail_no_memory(error);
	}
	return CONNHUB_OK;
}

/* Value of a limit or offset; `absent` when there is none or it is null. */
static ConnhubStatus
row_count(ConnhubCursor *cursor, const MkExpr *expr, uint64_t absent, uint64_t *count,
		  ConnhubError *error)
{
	MkRow		row = {cursor->plan.table, 1, cursor->params, 0, error, cursor->state};
	ConnhubValue value;
	ConnhubStatus status;

	*count = absent;
	if (expr == NULL)
		return CONNHUB_OK;
	if (expr->kind != CONNHUB_EXPR_CONST && expr->kind != CONNHUB_EXPR_PARAM)
		return fail_as(error, CONNHUB_QUERY, "limit and offset must be constants or parameters");
	status = mk_expr_evaluate(expr, &row, &value);
	if (status != CONNHUB_OK || value.is_null)
		return status;
	if (value.type.type != CONNHUB_INT64 || value.v.integer < 0)
		return fail_as(error, CONNHUB_QUERY, "limit and offset must be int64 and not negative");
	*count = (uint64_t) value.v.integer;
	return CONNHUB_OK;
}

/* Change the rows; what is then read are those changed. */
static ConnhubStatus
modify(ConnhubCursor *cursor, ConnhubError *error)
{
	ConnhubStatus status = mk_modify(cursor->conn, &cursor->plan, cursor->params, &cursor->own, error);

	if (status != CONNHUB_OK)
		return status;
	cursor->state = cursor->own;
	cursor->affected = cursor->own->nrows;
	cursor->plan.nfilters = 0;
	if (cursor->plan.noutputs == 0)
		cursor->next = cursor->affected;
	return CONNHUB_OK;
}

ConnhubStatus
mk_affected(ConnhubCursor *cursor, uint64_t *rows, ConnhubError *error)
{
	*rows = cursor->affected;
	return CONNHUB_OK;
}

static ConnhubStatus
start(ConnhubCursor *cursor, const ConnhubQuery *query, ConnhubError *error)
{
	ConnhubConn *conn = cursor->conn;
	MkPlan	   *plan = &cursor->plan;
	ConnhubStatus status = mk_enter(conn, MK_EXECUTE, error);

	if (status == CONNHUB_OK && conn->latency_ms > 0)
		status = mk_host->wait(-1, 0, conn->latency_ms);
	if (status == CONNHUB_OK)
		status = copy_params(cursor, query, error);
	if (status == CONNHUB_OK)
		status = mk_parse(&cursor->arena, &conn->tables, query->text, query->nparams, plan, error);
	if (status == CONNHUB_OK && plan->noutputs != query->ncolumns && !query->columns_unknown)
		status = fail_as(error, CONNHUB_QUERY, "query has %u columns, %u were asked for",
						 plan->noutputs, query->ncolumns);
	if (status == CONNHUB_OK && plan->kind != 0)
		status = modify(cursor, error);
	else if (status == CONNHUB_OK)
		cursor->state = mk_state_get(conn, plan->table);
	if (status == CONNHUB_OK)
		status = row_count(cursor, plan->limit, UINT64_MAX, &cursor->remaining, error);
	if (status == CONNHUB_OK)
		status = row_count(cursor, plan->offset, 0, &cursor->skip, error);
	if (status == CONNHUB_OK && plan->nsort > 0)
		status = sort_rows(cursor, error);
	return status;
}

static void
free_cursor(ConnhubCursor *cursor)
{
	mk_host->free(cursor->sorted);
	mk_state_free(cursor->own);
	mk_arena_free(&cursor->arena);
	mk_host->free(cursor);
}

ConnhubStatus
mk_execute(ConnhubConn *conn, const ConnhubQuery *query, ConnhubCursor **cursor, ConnhubError *error)
{
	ConnhubCursor *self;
	ConnhubStatus status;

	if (conn->cursor)
		return fail_as(error, CONNHUB_INTERNAL, "a cursor is already open on this connection");
	self = mk_host->alloc(sizeof(ConnhubCursor));
	if (self == NULL)
		return fail_no_memory(error);
	memset(self, 0, sizeof(*self));
	self->conn = conn;
	status = start(self, query, error);
	if (status != CONNHUB_OK)
	{
		free_cursor(self);
		return status;
	}
	conn->cursor = self;
	*cursor = self;
	return CONNHUB_OK;
}

ConnhubStatus
mk_cursor_over(ConnhubConn *conn, const MkTable *table, MkState *rows, const ConnhubColumn *const *columns,
			   uint32_t ncolumns, ConnhubCursor **cursor, ConnhubError *error)
{
	ConnhubCursor *self = mk_host->alloc(sizeof(ConnhubCursor));
	uint32_t	i;

	if (self == NULL)
	{
		mk_state_free(rows);
		return fail_no_memory(error);
	}
	memset(self, 0, sizeof(*self));
	self->conn = conn;
	self->state = self->own = rows;
	self->remaining = UINT64_MAX;
	self->plan.table = table;
	self->plan.noutputs = ncolumns;
	self->plan.outputs = mk_arena_alloc(&self->arena, (ncolumns + 1) * sizeof(MkExpr *));
	for (i = 0; self->plan.outputs && i < ncolumns; i++)
	{
		MkExpr	   *output = mk_arena_alloc(&self->arena, sizeof(MkExpr) + 2 * MK_SCRATCH);

		self->plan.outputs[i] = output;
		if (output == NULL)
			break;
		output->kind = CONNHUB_EXPR_COLUMN;
		output->column = mk_column_find(table, columns[i]->name);
		output->scratch = (char *) (output + 1);
		if (output->column == NULL)
		{
			fail_as(error, CONNHUB_SCHEMA_CHANGED, "column \"%s\" does not exist in table \"%s\"", columns[i]->name,
					table->name);
			free_cursor(self);
			return CONNHUB_SCHEMA_CHANGED;
		}
	}
	if (i < ncolumns || self->plan.outputs == NULL)
	{
		free_cursor(self);
		return fail_no_memory(error);
	}
	conn->cursor = self;
	*cursor = self;
	return CONNHUB_OK;
}

static void *
alloc_in_batch(void *owner, size_t size)
{
	return mk_host->batch_alloc(owner, size);
}

/* Put a slice into a vector, copied into the batch. */
static bool
put_slice(ConnhubBatch *batch, ConnhubVector *vector, const ConnhubSlice *slice)
{
	char	   *copy = mk_host->batch_alloc(batch, slice->length + 1);

	if (copy == NULL)
		return false;
	if (slice->length > 0)
		memcpy(copy, slice->data, slice->length);
	vector->v.slices[batch->nrows].data = copy;
	vector->v.slices[batch->nrows].length = slice->length;
	return true;
}

static bool
put_value(ConnhubBatch *batch, ConnhubVector *vector, const ConnhubValue *value)
{
	char		buffer[MK_TEXT_MAX];
	ConnhubSlice text;

	if (vector->type == CONNHUB_TEXT)
		return mk_value_text(value, buffer, alloc_in_batch, batch, &text) &&
			put_slice(batch, vector, &text);
	switch (mk_storage(value->type.type))
	{
		case MK_INTEGER:
			vector->v.integers[batch->nrows] = value->v.integer;
			return true;
		case MK_REAL:
			vector->v.reals[batch->nrows] = value->v.real;
			return true;
		case MK_INTERVAL:
			vector->v.intervals[batch->nrows] = value->v.interval;
			return true;
		default:
			return put_slice(batch, vector, &value->v.slice);
	}
}

/* The type of an output; BOOL for a call, since all but casts are conditions. */
static const MkType *
output_type(const ConnhubCursor *cursor, const MkExpr *output)
{
	switch (output->kind)
	{
		case CONNHUB_EXPR_COLUMN:
			return output->column->type;
		case CONNHUB_EXPR_CONST:
			return mk_type_by_id(output->value.type.type);
		case CONNHUB_EXPR_PARAM:
			return mk_type_by_id(cursor->params[output->param].type.type);
		default:
			return mk_type_by_id(output->fn == CONNHUB_FN_CAST ? output->cast : CONNHUB_BOOL);
	}
}

/* The type a column is handed over in: its own when that is what core wants or differs only in
 * width, else text. */
static ConnhubType
vector_type(const ConnhubCursor *cursor, const MkExpr *output, ConnhubType wanted)
{
	ConnhubType own = CONNHUB_BOOL;
	ConnhubType vector;

	if (output->kind == CONNHUB_EXPR_COLUMN)
		own = output->column->type->type;
	else if (output->kind == CONNHUB_EXPR_CONST)
		own = output->value.type.type;
	else if (output->kind == CONNHUB_EXPR_PARAM)
		own = cursor->params[output->param].type.type;
	else if (output->fn == CONNHUB_FN_CAST)
		own = output->cast;
	vector = output->kind == CONNHUB_EXPR_COLUMN ? output->column->type->vector : own;
	if (own == CONNHUB_TYPE_NONE || vector == CONNHUB_PGBINARY)
		return vector == CONNHUB_PGBINARY ? vector : wanted;
	if (cursor->conn->text_vectors || !mk_types_match(own, wanted))
		return CONNHUB_TEXT;
	return own;
}

/* Append one row to the batch. */
static ConnhubStatus
put_row(ConnhubCursor *cursor, uint64_t number, ConnhubBatch *batch, size_t *bytes,
		ConnhubError *error)
{
	MkRow		row = {cursor->plan.table, number, cursor->params, 0, error, cursor->state};
	uint32_t	i;

	for (i = 0; i < cursor->plan.noutputs; i++)
	{
		ConnhubVector *vector = &batch->columns[i];
		ConnhubValue value;
		ConnhubStatus status = mk_expr_evaluate(cursor->plan.outputs[i], &row, &value);

		if (status != CONNHUB_OK)
		{
			error->column = (int32_t) i;
			return status;
		}
		if (value.is_null)
			continue;
		if (!put_value(batch, vector, &value))
			return fail_no_memory(error);
		CONNHUB_SET_VALID(vector, batch->nrows);
		*bytes += mk_storage(value.type.type) == MK_SLICE ? value.v.slice.length : sizeof(int64_t);
	}
	batch->nrows++;
	return CONNHUB_OK;
}

/* Let the fault due at the next row strike, but only once the rows before it are out. */
static ConnhubStatus
strike(ConnhubCursor *cursor, const ConnhubBatch *batch, bool *wait_for_next, ConnhubError *error)
{
	const MkFault *fault = mk_fault_find(&cursor->conn->faults, MK_FETCH, cursor->returned + 1);

	*wait_for_next = false;
	if (fault == NULL || cursor->stalled)
		return CONNHUB_OK;
	if (batch->nrows > 0)
	{
		*wait_for_next = true;
		return CONNHUB_OK;
	}
	cursor->stalled = true;
	return mk_fault_strike(fault, error);
}

ConnhubStatus
mk_fetch(ConnhubCursor *cursor, ConnhubBatch *batch, ConnhubError *error)
{
	uint32_t	most = batch->capacity;
	size_t		bytes = 0;
	uint64_t	number;
	uint32_t	i;

	mk_calls[MK_FETCH]++;
	if (cursor->conn->batch_rows && cursor->conn->batch_rows < most)
		most = cursor->conn->batch_rows;
	for (i = 0; i < cursor->plan.noutputs; i++)
		batch->columns[i].type = vector_type(cursor, cursor->plan.outputs[i], batch->columns[i].type);
	while (batch->nrows < most && bytes < batch->max_bytes && cursor->remaining > 0)
	{
		bool		wait_for_next;
		ConnhubStatus status = strike(cursor, batch, &wait_for_next, error);

		if (status != CONNHUB_OK)
			return status;
		if (wait_for_next)
			break;
		status = next_row(cursor, &number, error);
		if (status != CONNHUB_OK)
			return status;
		if (number == 0)
			break;
		if (cursor->skip > 0)
		{
			cursor->skip--;
			continue;
		}
		status = put_row(cursor, number, batch, &bytes, error);
		if (status != CONNHUB_OK)
			return status;
		cursor->remaining--;
		cursor->returned++;
		cursor->stalled = false;
	}
	return batch->nrows > 0 ? CONNHUB_OK : CONNHUB_DONE;
}

ConnhubStatus
mk_describe(ConnhubCursor *cursor, void (*found) (void *arg, const char *name, const ConnhubTypeRef *type), void *arg,
			ConnhubError *error)
{
	uint32_t	i;

	for (i = 0; i < cursor->plan.noutputs; i++)
	{
		const MkExpr *output = cursor->plan.outputs[i];
		const MkType *type = output_type(cursor, output);
		ConnhubTypeRef ref = {.type = CONNHUB_TEXT, .precision = -1, .pg_type = "text"};

		if (type != NULL)
		{
			ref.type = type->type;
			ref.pg_type = type->pg_type;
		}
		found(arg, output->kind == CONNHUB_EXPR_COLUMN ? output->column->name : "value", &ref);
	}
	return CONNHUB_OK;
}

ConnhubStatus
mk_close_cursor(ConnhubCursor *cursor, ConnhubError *error)
{
	ConnhubConn *conn = cursor->conn;

	conn->cursor = NULL;
	free_cursor(cursor);
	return mk_enter(conn, MK_CLOSE_CURSOR, error);
}
