/* write.c — rows to be written.
 *
 * An INSERT of many rows into an ordinary table goes by COPY, which may last over several calls.  Everything else is one
 * prepared statement run once for each row, all rows of a call in one flight.  There is no savepoint of the driver's own around them: what fails is
 * undone by core, together with what the statement did in calls before. */
#include "pg.h"

#include <string.h>

/* What the statement gave back, row by row. */
typedef struct Returned
{
	PGresult  **rows;
	uint32_t	nrows;
	uint32_t	room;
} Returned;

static void
forget_returned(Returned *returned)
{
	for (uint32_t i = 0; i < returned->nrows; i++)
		PQclear(returned->rows[i]);
	pg_host->free(returned->rows);
	memset(returned, 0, sizeof(*returned));
}

static bool
keep(Returned *returned, PGresult *row)
{
	uint32_t	room = returned->room ? returned->room * 2 : 64;
	PGresult  **rows;

	if (returned->nrows == returned->room)
	{
		rows = returned->rows ? pg_host->realloc(returned->rows, sizeof(PGresult *) * room) :
			pg_host->alloc(sizeof(PGresult *) * room);
		if (!rows)
			return false;
		returned->rows = rows;
		returned->room = room;
	}
	returned->rows[returned->nrows++] = row;
	return true;
}

/* Queue the statement for each row.  On failure what was queued may be sent all the same. */
static ConnhubStatus
queue_rows(ConnhubConn *conn, PgStatement *statement, const char *text, const ConnhubRows *rows, ConnhubError *error)
{
	for (uint32_t i = 0; i < rows->nrows; i++)
	{
		PgBound		bound;
		bool		sent;

		if (pg_bind(rows->values + (size_t) i * rows->ncolumns, rows->ncolumns, &bound, error) != CONNHUB_OK)
			return error->status;
		sent = pg_send_query(conn, statement, text, &bound.params, true);
		pg_unbind(&bound);
		if (!sent)
			return pg_lost(conn, error);
	}
	return CONNHUB_OK;
}

static ConnhubStatus
collect(ConnhubConn *conn, Returned *returned, ConnhubError *error)
{
	PGresult   *row = NULL;
	ConnhubStatus status;

	while ((status = pg_next_row(conn, true, &row, error)) == CONNHUB_OK)
	{
		if (keep(returned, row))
			continue;
		PQclear(row);
		return fail_no_memory(error);
	}
	return status == CONNHUB_DONE ? CONNHUB_OK : status;
}

/* End the flight after an outcome; what went wrong first is what counts.  An interrupted one is left to core. */
ConnhubStatus
pg_end_flight(ConnhubConn *conn, ConnhubStatus status, ConnhubError *error)
{
	ConnhubError ignored = {0};

	if (status == CONNHUB_OK)
		return pg_finish(conn, error);
	if (status != CONNHUB_CANCELLED && status != CONNHUB_TIMEOUT && pg_finish(conn, &ignored) != CONNHUB_OK)
		error->connection_lost = true;
	return status;
}

static ConnhubStatus
run_rows(ConnhubConn *conn, PgStatement *statement, const char *text, const ConnhubRows *rows, uint64_t *affected,
		 Returned *returned, ConnhubError *error)
{
	ConnhubError sync_error = {0};
	ConnhubStatus status;

	if (pg_begin_stream(conn, error) != CONNHUB_OK)
		return error->status;
	if (rows->nrows > 1)
		statement->executions = statement->executions < 2 ? 2 : statement->executions;
	conn->stream.statement = statement;
	if (!pg_send_prologue(conn, statement, PG_SEND_WRITES))
		return pg_lost(conn, error);
	status = queue_rows(conn, statement, text, rows, error);
	if (status == CONNHUB_LOST)
		return status;
	if (pg_send_sync(conn, &sync_error) != CONNHUB_OK)
	{
		*error = sync_error;
		return error->status;
	}
	if (status == CONNHUB_OK)
		status = collect(conn, returned, error);
	status = pg_end_flight(conn, status, error);
	*affected = conn->stream.affected;
	return status;
}

static ConnhubStatus
hand_out(ConnhubConn *conn, const ConnhubWrite *write, Returned *returned, ConnhubCursor **cursor, ConnhubError *error)
{
	ConnhubTypeRef *types = pg_host->alloc(sizeof(ConnhubTypeRef) * write->nreturning);

	if (!types)
		return fail_no_memory(error);
	for (uint32_t i = 0; i < write->nreturning; i++)
		types[i] = write->returning[i]->type;

	/* No row at all still needs an array: it is what makes the cursor one over results at hand. */
	if (!returned->rows)
		returned->rows = pg_host->alloc(sizeof(PGresult *));
	*cursor = returned->rows ? pg_stored_cursor(conn, types, write->nreturning, returned->rows, returned->nrows) : NULL;
	pg_host->free(types);
	if (!*cursor)
		return fail_no_memory(error);
	memset(returned, 0, sizeof(*returned));
	return CONNHUB_OK;
}

ConnhubStatus
pg_write(ConnhubConn *conn, const ConnhubWrite *write, const char *text, const ConnhubRows *rows, uint64_t *affected,
		 ConnhubCursor **cursor, ConnhubError *error)
{
	static const ConnhubRows no_values = {.struct_size = sizeof(ConnhubRows), .nrows = 1};
	PgStatement *statement;
	Returned	returned = {0};
	ConnhubStatus status;

	*affected = 0;
	*cursor = NULL;
	if (conn->cursor)
		return fail_as(error, CONNHUB_INTERNAL, "another cursor is open on the connection");
	if (write->kind == CONNHUB_TRUNCATE)
		rows = &no_values;
	if (conn->copy_in.is_open)
	{
		if (conn->copy_in.insert != text)
			return fail_as(error, CONNHUB_INTERNAL, "rows of another statement are in flight");
		return pg_copy_in_rows(conn, rows, affected, error);
	}
	if (rows->nrows == 0 && write->nreturning == 0)
		return CONNHUB_OK;
	statement = pg_find_statement(conn, text);
	if (!statement)
		return fail_no_memory(error);
	if (pg_suits_copy_in(conn, write, rows))
	{
		status = pg_may_copy_in(conn, write, statement, text, error);
		if (status != CONNHUB_OK)
			return status;
		if (statement->is_copied)
			return pg_copy_in(conn, write, statement, text, rows, affected, error);
	}
	status = run_rows(conn, statement, text, rows, affected, &returned, error);
	if (status == CONNHUB_OK && write->nreturning > 0)
		status = hand_out(conn, write, &returned, cursor, error);
	forget_returned(&returned);
	return status;
}
