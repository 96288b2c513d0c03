/* write.c — rows written one by one, and UPDATE and DELETE at one go.
 *
 * What a real source checks is checked here too, with the SQLSTATE of PostgreSQL: nulls where the column has
 * none, keys, writes in a transaction that only reads. */
#include "mock.h"

#include <string.h>

static ConnhubStatus
fail_with(ConnhubError *error, const char *sqlstate, const char *what, const char *name)
{
	fail_as(error, CONNHUB_QUERY, "%s: \"%s\"", what, name);
	memcpy(error->sqlstate, sqlstate, 6);
	return CONNHUB_QUERY;
}

/* Does another row than `row` have the same key? */
static bool
key_is_taken(const MkState *state, const MkTable *table, uint64_t row)
{
	const ConnhubValue *mine = &state->cells[(row - 1) * table->ncolumns];
	uint64_t	other;
	uint32_t	i;

	for (other = 1; other <= state->nrows; other++)
	{
		const ConnhubValue *theirs = &state->cells[(other - 1) * table->ncolumns];
		bool		has_key = false;
		bool		same = true;

		for (i = 0; i < table->ncolumns && same; i++)
			if (table->columns[i].is_key)
			{
				has_key = true;
				same = !mine[i].is_null && !theirs[i].is_null && mk_value_compare(&mine[i], &theirs[i]) == 0;
			}
		if (other != row && has_key && same)
			return true;
	}
	return false;
}

/* Is the row one the table takes? */
static ConnhubStatus
check_row(const MkState *state, const MkTable *table, uint64_t row, ConnhubError *error)
{
	uint32_t	i;

	for (i = 0; i < table->ncolumns; i++)
		if (state->cells[(row - 1) * table->ncolumns + i].is_null && table->columns[i].nulls_every == 0)
			return fail_with(error, "23502", "null in a column without nulls", table->columns[i].name);
	if (key_is_taken(state, table, row))
		return fail_with(error, "23505", "the key is there already in table", table->name);
	return CONNHUB_OK;
}

static ConnhubStatus
set_value(MkState *state, const MkTable *table, uint64_t row, const MkColumn *column, const ConnhubValue *value,
		  ConnhubError *error)
{
	if (column->is_computed)
		return fail_with(error, "428C9", "a computed column cannot be written", column->name);
	if (!value->is_null && mk_storage(value->type.type) != column->type->storage)
		return fail_as(error, CONNHUB_DATA, "column \"%s\" cannot hold a value of this type", column->name);
	return mk_state_set(state, table, row, (uint32_t) (column - table->columns), value) ? CONNHUB_OK :
		fail_no_memory(error);
}

static ConnhubStatus
set_columns(MkState *state, const MkTable *table, uint64_t row, const ConnhubWrite *write, const ConnhubValue *values,
			ConnhubError *error)
{
	ConnhubStatus status = CONNHUB_OK;
	uint32_t	i;

	for (i = 0; i < write->ncolumns && status == CONNHUB_OK; i++)
	{
		const MkColumn *column = mk_column_find(table, write->columns[i]->name);

		if (column == NULL)
			return fail_as(error, CONNHUB_SCHEMA_CHANGED, "column \"%s\" does not exist in table \"%s\"",
						   write->columns[i]->name, table->name);
		status = set_value(state, table, row, column, &values[i], error);
	}
	return status;
}

/* The same rows, with room for more. */
static MkState *
grow(MkState *state, const MkTable *table, uint64_t more)
{
	size_t		size = (size_t) ((state->nrows + more) * table->ncolumns + 1) * sizeof(ConnhubValue);
	ConnhubValue *cells = mk_host->realloc(state->cells, size);

	if (cells == NULL)
		return NULL;
	state->cells = cells;
	return state;
}

static ConnhubStatus
insert_row(MkState *state, const MkTable *table, const ConnhubWrite *write, const ConnhubValue *values,
		   uint64_t *affected, ConnhubError *error)
{
	uint64_t	row = ++state->nrows;
	ConnhubStatus status;
	uint32_t	i;

	state->serial++;
	for (i = 0; i < table->ncolumns; i++)
	{
		const MkColumn *column = &table->columns[i];
		char		scratch[MK_SCRATCH];
		ConnhubValue value = {.is_null = true};

		if (column->has_default || column->is_computed)
		{
			memset(&value, 0, sizeof(value));
			mk_type_generate(column->type, state->serial, scratch, &value);
		}
		if (!mk_state_set(state, table, row, i, &value))
			return fail_no_memory(error);
	}
	status = set_columns(state, table, row, write, values, error);
	if (status == CONNHUB_OK && write->skip_conflicts && key_is_taken(state, table, row))
	{
		state->nrows--;
		return CONNHUB_OK;
	}
	if (status == CONNHUB_OK)
		status = check_row(state, table, row, error);
	if (status == CONNHUB_OK)
		(*affected)++;
	return status;
}

static bool
row_has_key(const MkState *state, const MkTable *table, uint64_t row, const ConnhubWrite *write,
			const ConnhubValue *keys)
{
	uint32_t	i;

	for (i = 0; i < write->nkeys; i++)
	{
		const MkColumn *column = mk_column_find(table, write->keys[i]->name);
		const ConnhubValue *cell = column ? &state->cells[(row - 1) * table->ncolumns +
														  (uint64_t) (column - table->columns)] : NULL;

		if (cell == NULL || cell->is_null || mk_value_compare(cell, &keys[i]) != 0)
			return false;
	}
	return true;
}

static void
remove_row(MkState *state, const MkTable *table, uint64_t row)
{
	ConnhubValue *cells = &state->cells[(row - 1) * table->ncolumns];

	memmove(cells, cells + table->ncolumns, (size_t) ((state->nrows - row) * table->ncolumns) * sizeof(ConnhubValue));
	state->nrows--;
}

/* Append a copy of a row to those given back. */
static ConnhubStatus
give_back(MkState *changed, const MkState *state, const MkTable *table, uint64_t row, ConnhubError *error)
{
	uint32_t	i;

	if (grow(changed, table, 1) == NULL)
		return fail_no_memory(error);
	changed->nrows++;
	for (i = 0; i < table->ncolumns; i++)
		if (!mk_state_set(changed, table, changed->nrows, i, &state->cells[(row - 1) * table->ncolumns + i]))
			return fail_no_memory(error);
	return CONNHUB_OK;
}

/* Change or remove the rows of one key. */
static ConnhubStatus
write_keyed(MkState *state, const MkTable *table, const ConnhubWrite *write, const ConnhubValue *values,
			MkState *changed, uint64_t *affected, ConnhubError *error)
{
	ConnhubStatus status = CONNHUB_OK;
	uint64_t	row = 1;

	while (row <= state->nrows && status == CONNHUB_OK)
	{
		if (!row_has_key(state, table, row, write, values + write->ncolumns))
		{
			row++;
			continue;
		}
		(*affected)++;
		if (write->kind == CONNHUB_UPDATE)
			status = set_columns(state, table, row, write, values, error);
		if (status == CONNHUB_OK && write->kind == CONNHUB_UPDATE)
			status = check_row(state, table, row, error);
		if (status == CONNHUB_OK)
			status = give_back(changed, state, table, row, error);
		if (write->kind == CONNHUB_DELETE)
			remove_row(state, table, row);
		else
			row++;
	}
	return status;
}

static ConnhubStatus
write_rows(MkState *state, const MkTable *table, const ConnhubWrite *write, const ConnhubRows *rows, MkState *changed,
		   uint64_t *affected, ConnhubError *error)
{
	ConnhubStatus status = CONNHUB_OK;
	uint32_t	i;

	if (write->kind == CONNHUB_TRUNCATE)
	{
		state->nrows = 0;
		if (write->restart_identity)
			state->serial = 0;
		return CONNHUB_OK;
	}
	if (write->kind == CONNHUB_INSERT && grow(state, table, rows->nrows) == NULL)
		return fail_no_memory(error);
	for (i = 0; i < rows->nrows && status == CONNHUB_OK; i++)
	{
		const ConnhubValue *values = rows->values + (size_t) i * rows->ncolumns;
		uint64_t	before = *affected;

		if (write->kind != CONNHUB_INSERT)
			status = write_keyed(state, table, write, values, changed, affected, error);
		else
			status = insert_row(state, table, write, values, affected, error);
		if (status == CONNHUB_OK && write->kind == CONNHUB_INSERT && *affected > before)
			status = give_back(changed, state, table, state->nrows, error);
	}
	return status;
}

static ConnhubStatus
require_writable(ConnhubConn *conn, const MkTable *table, ConnhubError *error)
{
	if (conn->in_transaction && conn->is_read_only)
		return fail_with(error, "25006", "the transaction only reads, and cannot write table", table->name);
	if (table->is_calls)
		return fail_with(error, "42809", "nothing can be written to table", table->name);
	return CONNHUB_OK;
}

ConnhubStatus
mk_write(ConnhubConn *conn, const ConnhubWrite *write, const char *text, const ConnhubRows *rows, uint64_t *affected,
		 ConnhubCursor **cursor, ConnhubError *error)
{
	const MkTable *table = mk_table_find(&conn->tables, write->schema ? write->schema : MK_DATA_SCHEMA, write->table);
	ConnhubStatus status = mk_enter(conn, MK_WRITE, error);
	MkState    *changed;
	MkState    *state;

	*affected = 0;
	*cursor = NULL;
	if (status == CONNHUB_OK && table == NULL)
		status = fail_as(error, CONNHUB_SCHEMA_CHANGED, "table \"%s\" does not exist", write->table);
	if (status == CONNHUB_OK)
		status = require_writable(conn, table, error);
	if (status != CONNHUB_OK)
		return status;
	state = mk_state_copy(conn, table);
	changed = mk_state_create(table, 0);
	if (state == NULL || changed == NULL)
		status = fail_no_memory(error);
	else
		status = write_rows(state, table, write, rows, changed, affected, error);
	if (status != CONNHUB_OK)
		mk_state_free(state);
	else
		status = mk_state_put(conn, table, state, error);
	if (status == CONNHUB_OK && write->nreturning > 0)
		return mk_cursor_over(conn, table, changed, write->returning, write->nreturning, cursor, error);
	mk_state_free(changed);
	return status;
}

/* ---- At one go ---- */

static ConnhubStatus
row_passes(const MkPlan *plan, const MkRow *row, bool *passes)
{
	ConnhubStatus status = CONNHUB_OK;
	uint32_t	i;

	*passes = true;
	for (i = 0; i < plan->nfilters && *passes && status == CONNHUB_OK; i++)
	{
		ConnhubValue value;

		status = mk_expr_evaluate(plan->filters[i], row, &value);
		*passes = status == CONNHUB_OK && !value.is_null && value.type.type == CONNHUB_BOOL && value.v.integer != 0;
	}
	return status;
}

/* Values are computed from the row as it was (`before`), whatever is set first. */
static ConnhubStatus
change_row(const MkPlan *plan, const MkRow *before, MkState *state, uint64_t row, ConnhubError *error)
{
	ConnhubStatus status = CONNHUB_OK;
	uint32_t	i;

	for (i = 0; i < plan->nsets && status == CONNHUB_OK; i++)
	{
		ConnhubValue value;

		status = mk_expr_evaluate(plan->sets[i].value, before, &value);
		if (status == CONNHUB_OK)
			status = set_value(state, plan->table, row, plan->sets[i].column, &value, error);
	}
	return status;
}

static ConnhubStatus
modify_rows(ConnhubConn *conn, const MkPlan *plan, const ConnhubValue *params, MkState *state, MkState *changed,
			ConnhubError *error)
{
	const MkTable *table = plan->table;
	const MkState *from = mk_state_get(conn, table);
	uint64_t	nrows = from ? from->nrows : table->nrows;
	uint64_t	row = 1;
	ConnhubStatus status = CONNHUB_OK;
	uint64_t	number;

	for (number = 1; number <= nrows && status == CONNHUB_OK; number++)
	{
		MkRow		before = {table, number, params, 0, error, from};
		bool		passes;

		status = row_passes(plan, &before, &passes);
		if (status == CONNHUB_OK && passes && plan->kind == CONNHUB_UPDATE)
			status = change_row(plan, &before, state, row, error);
		if (status == CONNHUB_OK && passes)
			status = give_back(changed, state, table, row, error);
		if (status == CONNHUB_OK && passes && plan->kind == CONNHUB_DELETE)
			remove_row(state, table, row);
		else
			row++;
	}
	for (row = 1; row <= state->nrows && plan->kind == CONNHUB_UPDATE && status == CONNHUB_OK; row++)
		status = check_row(state, table, row, error);
	return status;
}

ConnhubStatus
mk_modify(ConnhubConn *conn, const MkPlan *plan, const ConnhubValue *params, MkState **changed, ConnhubError *error)
{
	ConnhubStatus status = require_writable(conn, plan->table, error);
	MkState    *state;

	if (status != CONNHUB_OK)
		return status;
	state = mk_state_copy(conn, plan->table);
	*changed = mk_state_create(plan->table, 0);
	if (state == NULL || *changed == NULL)
		status = fail_no_memory(error);
	else
		status = modify_rows(conn, plan, params, state, *changed, error);
	if (status != CONNHUB_OK)
		mk_state_free(state);
	else
		status = mk_state_put(conn, plan->table, state, error);
	return status;
}
