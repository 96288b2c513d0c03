/* write.c — rows written one by one: a prepared statement, bound and run for each.
 *
 * Inside a transaction that is as quick as the library gets.  What RETURNING gives is copied and held, since the next
 * row needs the statement. */
#include "sqlite.h"

#include <string.h>

void
sq_free_values(SqValues *values)
{
	for (size_t i = 0; i < values->n; i++)
		sqlite3_value_free(values->items[i]);
	sq_host->free(values->items);
	memset(values, 0, sizeof(*values));
}

static bool
make_room(SqValues *values, size_t more)
{
	size_t		capacity = values->capacity ? values->capacity * 2 : 64;
	sqlite3_value **items;

	if (values->items && values->n + more <= values->capacity)
		return true;
	while (capacity < values->n + more)
		capacity *= 2;
	items = sq_host->realloc(values->items, capacity * sizeof(*items));
	if (items == NULL)
		return false;
	values->items = items;
	values->capacity = capacity;
	return true;
}

/* Keep the row that the statement stands on. */
static bool
hold_row(sqlite3_stmt *statement, uint32_t ncolumns, SqValues *values)
{
	if (!make_room(values, ncolumns))
		return false;
	for (uint32_t i = 0; i < ncolumns; i++)
	{
		values->items[values->n] = sqlite3_value_dup(sqlite3_column_value(statement, (int) i));
		if (values->items[values->n] == NULL)
			return false;
		values->n++;
	}
	return true;
}

/* The columns of a row's values, in their order; from alloc, NULL when memory ran out. */
static SqTarget *
aim_all(const ConnhubWrite *write)
{
	SqTarget   *targets = sq_host->alloc((write->ncolumns + write->nkeys + 1) * sizeof(SqTarget));

	for (uint32_t i = 0; targets && i < write->ncolumns; i++)
		sq_aim(&targets[i], write->columns[i]);
	for (uint32_t i = 0; targets && i < write->nkeys; i++)
		sq_aim(&targets[write->ncolumns + i], write->keys[i]);
	return targets;
}

static ConnhubStatus
bind_row(sqlite3_stmt *statement, const ConnhubWrite *write, const SqTarget *targets, const ConnhubValue *row,
		 ConnhubError *error)
{
	ConnhubStatus status = CONNHUB_OK;
	uint32_t	i;

	for (i = 0; i < write->ncolumns + write->nkeys && status == CONNHUB_OK; i++)
	{
		status = sq_bind_stored(statement, (int) i + 1, &targets[i], &row[i], error);
		if (status == CONNHUB_DATA && i < write->ncolumns)
			error->column = (int32_t) i;
	}
	return status;
}

/* Run the statement for one row, whose values are bound. */
static ConnhubStatus
run_row(ConnhubConn *conn, sqlite3_stmt *statement, const ConnhubWrite *write, uint64_t *affected, SqValues *values,
		ConnhubError *error)
{
	ConnhubStatus status = CONNHUB_OK;
	int			code;

	while ((code = sqlite3_step(statement)) == SQLITE_ROW)
		if (!hold_row(statement, write->nreturning, values))
		{
			status = fail_no_memory(error);
			break;
		}
	if (code == SQLITE_DONE)
		*affected += (uint64_t) sqlite3_changes64(conn->db);
	else if (status == CONNHUB_OK)
		status = sq_library_error(conn, error);
	sqlite3_reset(statement);
	return status;
}

static ConnhubStatus
write_rows(ConnhubConn *conn, sqlite3_stmt *statement, const ConnhubWrite *write, const ConnhubRows *rows,
		   uint64_t *affected, SqValues *values, ConnhubError *error)
{
	SqTarget   *targets = aim_all(write);
	ConnhubStatus status = targets ? CONNHUB_OK : fail_no_memory(error);

	for (uint32_t i = 0; i < rows->nrows && status == CONNHUB_OK; i++)
	{
		status = sq_require_transaction(conn, error);
		if (status == CONNHUB_OK)
			status = bind_row(statement, write, targets, &rows->values[(size_t) i * rows->ncolumns], error);
		if (status == CONNHUB_OK)
			status = run_row(conn, statement, write, affected, values, error);
	}
	sqlite3_clear_bindings(statement);
	sq_host->free(targets);
	return status;
}

static ConnhubStatus
run_write(ConnhubConn *conn, sqlite3_stmt *statement, const ConnhubWrite *write, const ConnhubRows *rows,
		  uint64_t *affected, SqValues *values, ConnhubError *error)
{
	if ((uint32_t) sqlite3_column_count(statement) != write->nreturning)
		return fail_as(error, CONNHUB_INTERNAL, "the write gives other columns back than were asked for");
	if (write->kind == CONNHUB_TRUNCATE)
		return run_row(conn, statement, write, affected, values, error);
	if (rows->ncolumns != write->ncolumns + write->nkeys)
		return fail_as(error, CONNHUB_INTERNAL, "a row has %u values, the write %u columns", rows->ncolumns,
					   write->ncolumns + write->nkeys);
	return write_rows(conn, statement, write, rows, affected, values, error);
}

ConnhubStatus
sq_write(ConnhubConn *conn, const ConnhubWrite *write, const char *text, const ConnhubRows *rows, uint64_t *affected,
		 ConnhubCursor **cursor, ConnhubError *error)
{
	sqlite3_stmt *statement = NULL;
	SqValues	values = {0};
	ConnhubStatus status = sq_require_transaction(conn, error);

	*affected = 0;
	*cursor = NULL;
	if (status == CONNHUB_OK)
		status = sq_require_writable(conn, error);
	if (status == CONNHUB_OK)
		status = sq_acquire(conn, text, true, &statement, error);
	if (status != CONNHUB_OK)
		return status;
	/* Without room for a row the cursor could not tell that there is none. */
	if (write->nreturning > 0 && !make_room(&values, 1))
		status = fail_no_memory(error);
	if (status == CONNHUB_OK)
		status = run_write(conn, statement, write, rows, affected, &values, error);
	if (status == CONNHUB_OK && write->nreturning > 0)
		status = sq_hold_rows(conn, statement, write->nreturning, &values, cursor, error);
	if (*cursor == NULL)
		sq_release(conn, statement);
	sq_free_values(&values);
	return status;
}
