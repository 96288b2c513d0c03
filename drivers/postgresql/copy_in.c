/* copy_in.c — rows of an INSERT by COPY.
 *
 * COPY and INSERT differ: COPY knows no rules, is refused under row-level security, and writes an identity column that is
 * GENERATED ALWAYS without a word.  Whether any of these is so is asked once in a transaction for each statement; the
 * lock of the first rows keeps the answer true.  Asked with it: whether a trigger may leave rows out, and whether
 * the columns are still of the types that were discovered.
 *
 * A COPY may stay open between two calls: its rows are then sent without waiting, so that both sides work at once.  The
 * source says nothing before the end unless something is wrong, or to be told; so when it does, the COPY is
 * brought to its end at once. */
#include "pg.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_ROWS	16			/* fewer are not worth leaving the pipeline mode */
#define CHUNK_BYTES	65536

#define END_MARK	"\377\377"	/* of the binary form */

/* How long a COPY that is given up may take to end by itself. */
#define GIVE_UP_MS	200

/* ---- May it? ----------------------------------------------------------------------------- */

bool
pg_suits_copy_in(ConnhubConn *conn, const ConnhubWrite *write, const ConnhubRows *rows)
{
	if (!conn->has_copy || write->kind != CONNHUB_INSERT || !write->is_plain_table || write->nreturning > 0 ||
		write->skip_conflicts || write->ncolumns == 0 || rows->nrows < LEAST_ROWS)
		return false;
	for (uint32_t i = 0; i < write->ncolumns; i++)
	{
		const ConnhubColumn *column = write->columns[i];

		/* A value of another type would be converted by INSERT, not read. */
		if (column->type.type != column->natural.type || !column->type.pg_type || !column->natural.pg_type ||
			strcmp(column->type.pg_type, column->natural.pg_type) != 0)
			return false;
	}
	return true;
}

#define TABLE_QUERY \
	"SELECT (c.relkind = 'r' AND NOT c.relhasrules AND NOT pg_catalog.row_security_active(c.oid))::text, " \
	"(SELECT a.attname FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attidentity = 'a' LIMIT 1), " \
	"(NOT EXISTS (SELECT 1 FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND t.tgtype & 7 = 7))::text " \
	"FROM (SELECT 1) one LEFT JOIN (pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace) " \
	"ON n.nspname = $1 AND c.relname = $2"

/* Where table and columns stand in an INSERT. */
typedef struct Target
{
	ConnhubSlice table;
	ConnhubSlice columns;
} Target;

/* The text before a character outside quotes; no data when there is none. */
static ConnhubSlice
take_until(const char *text, char end)
{
	ConnhubSlice slice = {NULL, 0};
	bool		quoted = false;
	const char *p = text;

	for (; *p && (quoted || *p != end); p++)
		quoted ^= *p == '"';
	if (!*p)
		return slice;
	slice.data = text;
	slice.length = (size_t) (p - text);
	return slice;
}

static bool
find_target(const char *insert, Target *target)
{
	static const char verb[] = "INSERT INTO ";

	if (strncmp(insert, verb, sizeof(verb) - 1) != 0)
		return false;
	target->table = take_until(insert + sizeof(verb) - 1, '(');
	if (!target->table.data)
		return false;
	target->columns = take_until(target->table.data + target->table.length + 1, ')');
	return target->columns.data != NULL;
}

/* Begin the flight that asks about the table.  Its columns are described as they are now, whatever snapshot the
 * transaction has, and the lock taken for it keeps them so; nothing is read, so no right to is needed. */
static ConnhubStatus
ask(ConnhubConn *conn, const Target *target, const char *const *names, ConnhubError *error)
{
	const PgParams params = {2, NULL, names, NULL, NULL};
	ConnhubText text = {0};
	TextWriter	writer;
	bool		sent;

	if (pg_begin_stream(conn, error) != CONNHUB_OK)
		return error->status;
	text_begin(&writer, pg_host, &text);
	text_string(&writer, "SELECT ");
	text_bytes(&writer, target->columns.data, target->columns.length);
	text_string(&writer, " FROM ");
	text_bytes(&writer, target->table.data, target->table.length);
	if (text_end(&writer) != CONNHUB_OK)
	{
		text_free(pg_host, &text);
		return fail_no_memory(error);
	}
	sent = pg_send_prologue(conn, NULL, PG_SEND_BARE) && PQsendPrepare(conn->pg, "", text.data, 0, NULL) == 1 &&
		PQsendDescribePrepared(conn->pg, "") == 1;
	text_free(pg_host, &text);
	conn->stream.steps |= PG_STEP(PG_STEP_PREPARE) | PG_STEP(PG_STEP_DESCRIBE);
	if (!sent || !pg_send_query(conn, NULL, TABLE_QUERY, &params, false))
		return pg_lost(conn, error);
	return pg_send_sync(conn, error);
}

/* Take the description of the columns and the one row. */
static ConnhubStatus
take_answers(ConnhubConn *conn, PGresult **shape, PGresult **row, ConnhubError *error)
{
	PGresult   *more = NULL;
	ConnhubStatus status = pg_next_row(conn, true, shape, error);

	if (status == CONNHUB_OK)
		status = pg_next_row(conn, true, row, error);
	if (status == CONNHUB_OK)
		status = pg_next_row(conn, true, &more, error);
	PQclear(more);
	return status == CONNHUB_OK || (status == CONNHUB_DONE && !*row) ?
		fail_as(error, CONNHUB_INTERNAL, "a query of one row returned another number") : status;
}

static bool
is_true(const PGresult *row, int column)
{
	return !PQgetisnull(row, 0, column) && PQgetvalue(row, 0, column)[0] == 't';
}

static void
learn(ConnhubConn *conn, const ConnhubWrite *write, PgStatement *statement, const PGresult *shape, const PGresult *row)
{
	statement->copies_in = conn->transaction;
	statement->is_copied = is_true(row, 0);
	statement->keeps_rows = is_true(row, 2);
	statement->in_binary = PQnfields(shape) == (int) write->ncolumns;
	for (uint32_t i = 0; i < write->ncolumns; i++)
	{
		if (!PQgetisnull(row, 0, 1) && strcmp(PQgetvalue(row, 0, 1), write->columns[i]->name) == 0)
			statement->is_copied = false;
		statement->in_binary = statement->in_binary && pg_has_binary_row(write->columns[i], PQftype(shape, (int) i));
	}
}

ConnhubStatus
pg_may_copy_in(ConnhubConn *conn, const ConnhubWrite *write, PgStatement *statement, const char *insert,
			   ConnhubError *error)
{
	const char *schema = write->schema ? write->schema : conn->schema;
	const char *names[2] = {schema ? schema : "public", write->table};
	Target		target;
	PGresult   *shape = NULL;
	PGresult   *row = NULL;
	ConnhubStatus status;

	if (conn->transaction > 0 && statement->copies_in == conn->transaction)
		return CONNHUB_OK;
	if (!find_target(insert, &target))
		return fail_as(error, CONNHUB_INTERNAL, "the statement is no INSERT");
	status = ask(conn, &target, names, error);
	if (status == CONNHUB_OK)
		status = take_answers(conn, &shape, &row, error);
	if (status == CONNHUB_DONE)
	{
		learn(conn, write, statement, shape, row);
		status = CONNHUB_OK;
	}
	PQclear(shape);
	PQclear(row);
	return pg_end_flight(conn, status, error);
}

/* ---- Beginning --------------------------------------------------------------------------- */

/* Read the statement's own answers until it takes rows, or until it is over.  OK: it takes them; DONE: it is over. */
static ConnhubStatus
take_results(ConnhubConn *conn, ConnhubError *error)
{
	PgStream   *stream = &conn->stream;

	for (;;)
	{
		ConnhubStatus status = CONNHUB_OK;
		PGresult   *result;
		ExecStatusType kind;

		while (status == CONNHUB_OK && PQisBusy(conn->pg))
			status = pg_more_input(conn, true, -1, error);
		if (status != CONNHUB_OK)
			return status;
		result = PQgetResult(conn->pg);
		if (!result)
			return PQstatus(conn->pg) == CONNECTION_OK ? CONNHUB_DONE : pg_lost(conn, error);
		kind = PQresultStatus(result);
		if (kind == PGRES_COMMAND_OK)
			stream->affected = strtoull(PQcmdTuples(result), NULL, 10);
		else if (kind == PGRES_FATAL_ERROR)
			pg_note_failure(conn, PG_STEP_QUERY, result);
		PQclear(result);
		if (kind == PGRES_COPY_IN)
			return CONNHUB_OK;
		if (kind != PGRES_COMMAND_OK && kind != PGRES_FATAL_ERROR)
			return pg_lost(conn, error);
	}
}

/* Values are of the types of their columns. */
static bool
fit_columns(const ConnhubWrite *write, const ConnhubRows *rows)
{
	for (uint32_t i = 0; i < write->ncolumns; i++)
	{
		const ConnhubTypeRef *type = &rows->values[i].type;

		if (type->type != write->columns[i]->natural.type || !type->pg_type ||
			strcmp(type->pg_type, write->columns[i]->natural.pg_type) != 0)
			return false;
	}
	return true;
}

static bool
send_copy(ConnhubConn *conn, const Target *target, ConnhubText *copy)
{
	TextWriter	writer;

	text_begin(&writer, pg_host, copy);
	text_string(&writer, "COPY ");
	text_bytes(&writer, target->table.data, target->table.length);
	text_char(&writer, '(');
	text_bytes(&writer, target->columns.data, target->columns.length);
	text_string(&writer, conn->copy_in.is_binary ? ") FROM STDIN (FORMAT binary)" : ") FROM STDIN");
	return text_end(&writer) == CONNHUB_OK && PQexitPipelineMode(conn->pg) == 1 &&
		PQsendQueryParams(conn->pg, copy->data, 0, NULL, NULL, NULL, NULL, 0) == 1;
}

/* Send the COPY and wait until the source takes rows.  DONE: it has failed. */
static ConnhubStatus
start(ConnhubConn *conn, const char *insert, ConnhubError *error)
{
	ConnhubText copy = {0};
	Target		target;
	ConnhubStatus status;

	if (!find_target(insert, &target))
		return fail_as(error, CONNHUB_INTERNAL, "the statement is no INSERT");
	status = send_copy(conn, &target, &copy) ? pg_flush(conn, error) : pg_lost(conn, error);
	text_free(pg_host, &copy);
	return status == CONNHUB_OK ? take_results(conn, error) : status;
}

/* ---- Rows -------------------------------------------------------------------------------- */

/* Has the source said something? */
static bool
has_spoken(ConnhubConn *conn)
{
	struct pollfd pollfd = {PQsocket(conn->pg), POLLIN, 0};

	return pg_tls_pending(conn) || poll(&pollfd, 1, 0) != 0;
}

/* Push a chunk out.  DONE: the source has given up and takes no more, or has said something. */
static ConnhubStatus
push(ConnhubConn *conn, ConnhubError *error)
{
	ConnhubText *chunk = &conn->copy_in.chunk;
	int			unsent;

	if (PQputCopyData(conn->pg, chunk->data, (int) chunk->length) != 1)
		return PQstatus(conn->pg) == CONNECTION_OK ? CONNHUB_DONE : pg_lost(conn, error);
	chunk->length = 0;
	while ((unsent = PQflush(conn->pg)) > 0)
	{
		ConnhubStatus status = pg_host->wait(PQsocket(conn->pg), CONNHUB_READABLE | CONNHUB_WRITABLE, -1);

		if (status != CONNHUB_OK)
			return pg_wait_failed(status, error);
		if (!has_spoken(conn))
			continue;
		conn->copy_in.has_answer = true;
		if (PQconsumeInput(conn->pg) == 0)
			return pg_lost(conn, error);
	}
	return unsent < 0 ? pg_lost(conn, error) : CONNHUB_OK;
}

static ConnhubStatus
push_rows(ConnhubConn *conn, const ConnhubRows *rows, ConnhubError *error)
{
	PgCopyIn   *copy = &conn->copy_in;
	ConnhubStatus status = CONNHUB_OK;

	if (copy->is_binary && copy->sent == 0 && !pg_append_copy_head(&copy->chunk))
		return fail_no_memory(error);
	for (uint32_t i = 0; i < rows->nrows && status == CONNHUB_OK; i++)
	{
		status = pg_append_copy_row(&copy->chunk, copy->is_binary, rows->values + (size_t) i * rows->ncolumns,
									rows->ncolumns, error);
		if (status == CONNHUB_OK && (copy->chunk.length >= CHUNK_BYTES || i + 1 == rows->nrows))
			status = push(conn, error);
	}
	copy->sent += rows->nrows;
	return status;
}

/* ---- Ending ------------------------------------------------------------------------------ */

static void
forget_copy(ConnhubConn *conn)
{
	text_free(pg_host, &conn->copy_in.chunk);
	memset(&conn->copy_in, 0, sizeof(conn->copy_in));
}

/* Leave the COPY, which has ended at the source (DONE) or else has taken the connection with it. */
static ConnhubStatus
leave(ConnhubConn *conn, ConnhubStatus status, ConnhubError *error)
{
	forget_copy(conn);
	if (status == CONNHUB_OK || (status == CONNHUB_DONE && PQenterPipelineMode(conn->pg) != 1))
		status = pg_lost(conn, error);
	if (status == CONNHUB_DONE)
	{
		conn->stream.active = false;
		return CONNHUB_OK;
	}
	conn->lost = true;
	error->connection_lost = true;
	return status;
}

/* End the rows, properly or with a reason to fail, and take the answer.  DONE: the COPY is over, however. */
static ConnhubStatus
end_rows(ConnhubConn *conn, const char *reason, ConnhubError *error)
{
	ConnhubStatus status;

	if (PQputCopyEnd(conn->pg, reason) < 0 && PQstatus(conn->pg) != CONNECTION_OK)
		return pg_lost(conn, error);
	status = pg_flush(conn, error);
	return status == CONNHUB_OK ? take_results(conn, error) : status;
}

/* Bring the COPY to its end and see whether all rows arrived. */
static ConnhubStatus
finish_copy(ConnhubConn *conn, ConnhubError *error)
{
	uint64_t	sent = conn->copy_in.sent;
	bool		keeps_rows = conn->copy_in.keeps_rows;

	/* A source that has given up refuses the end mark too, and says why when it is asked. */
	if (conn->copy_in.is_binary)
		PQputCopyData(conn->pg, END_MARK, sizeof(END_MARK) - 1);
	if (leave(conn, end_rows(conn, NULL, error), error) != CONNHUB_OK)
		return error->status;
	if (conn->stream.failed)
		return pg_tell_failure(conn, error);
	if (keeps_rows && conn->stream.affected != sent)
		return fail_as(error, CONNHUB_QUERY, "the source has inserted %llu of %llu rows",
					   (unsigned long long) conn->stream.affected, (unsigned long long) sent);
	return CONNHUB_OK;
}

/* After a failure of our own: what failed first is told. */
static ConnhubStatus
fail_copy(ConnhubConn *conn, ConnhubStatus status, const ConnhubError *failure, ConnhubError *error)
{
	bool		is_ours = status == CONNHUB_NO_MEMORY || status == CONNHUB_DATA;

	if (is_ours)
		status = end_rows(conn, "given up", error);
	else
		*error = *failure;
	if (leave(conn, status, error) != CONNHUB_OK || !is_ours)
		return error->status;
	*error = *failure;
	return error->status;
}

/* Give up what is in flight, within a bounded time.  Anything but OK: the connection is lost. */
ConnhubStatus
pg_give_up_copy(ConnhubConn *conn, ConnhubError *error)
{
	int64_t		deadline = pg_host->now_ms() + GIVE_UP_MS;
	ConnhubStatus status = CONNHUB_OK;
	bool		is_over = false;

	if (!conn->copy_in.is_open)
		return CONNHUB_OK;
	if (PQputCopyEnd(conn->pg, "given up") < 0 && PQstatus(conn->pg) != CONNECTION_OK)
		status = pg_lost(conn, error);

	/* The source may be waiting for a lock and not read at all. */
	while (status == CONNHUB_OK && !is_over)
	{
		int			unsent = PQflush(conn->pg);
		int64_t		left = deadline - pg_host->now_ms();

		is_over = unsent == 0 && !PQisBusy(conn->pg);
		if (is_over)
			break;
		if (unsent < 0 || PQconsumeInput(conn->pg) == 0)
			status = pg_lost(conn, error);
		else if (left <= 0)
			break;
		else
			status = pg_host->wait(PQsocket(conn->pg), CONNHUB_READABLE | (unsent > 0 ? CONNHUB_WRITABLE : 0), left);
		if (status == CONNHUB_TIMEOUT && pg_host->now_ms() >= deadline)
			status = CONNHUB_OK;
	}
	if (status == CONNHUB_OK && !is_over)
		status = pg_cancel(conn, error);
	if (status == CONNHUB_OK)
		status = pg_flush(conn, error);
	if (status == CONNHUB_OK)
		status = take_results(conn, error);
	return leave(conn, status, error);
}

/* ---- Calls ------------------------------------------------------------------------------- */

static ConnhubStatus
open_copy(ConnhubConn *conn, const ConnhubWrite *write, const PgStatement *statement, const char *insert,
		  const ConnhubRows *rows, ConnhubError *error)
{
	PgCopyIn   *copy = &conn->copy_in;
	bool		stays = rows->more && statement->keeps_rows && conn->transaction > 0;
	ConnhubStatus status;

	conn->wants_no_timeout = stays;
	status = pg_open_transaction(conn, error);
	conn->wants_no_timeout = false;
	if (status == CONNHUB_OK)
		status = pg_begin_stream(conn, error);
	if (status != CONNHUB_OK)
		return status;
	copy->insert = insert;
	copy->stays = stays;
	copy->keeps_rows = statement->keeps_rows;
	copy->is_binary = statement->in_binary && fit_columns(write, rows);
	status = start(conn, insert, error);
	copy->is_open = status == CONNHUB_OK;
	if (copy->is_open)
		return CONNHUB_OK;
	return leave(conn, status, error) == CONNHUB_OK ? pg_tell_failure(conn, error) : error->status;
}

/* Add rows to the COPY that is open; it stays so when more are to come. */
ConnhubStatus
pg_copy_in_rows(ConnhubConn *conn, const ConnhubRows *rows, uint64_t *affected, ConnhubError *error)
{
	PgCopyIn   *copy = &conn->copy_in;
	ConnhubError failure = {0};
	bool		keeps_rows = copy->keeps_rows;
	ConnhubStatus status = push_rows(conn, rows, &failure);

	if (status != CONNHUB_OK && status != CONNHUB_DONE)
		return fail_copy(conn, status, &failure, error);
	if (status == CONNHUB_OK && rows->more && copy->stays && !copy->has_answer && !has_spoken(conn))
	{
		*affected = rows->nrows;
		return CONNHUB_OK;
	}
	status = finish_copy(conn, error);
	*affected = keeps_rows ? rows->nrows : conn->stream.affected;
	return status;
}

/* Insert rows by COPY instead of the INSERT given.  After a statement's own failure the connection is in its failed
 * transaction; after any other the connection is lost. */
ConnhubStatus
pg_copy_in(ConnhubConn *conn, const ConnhubWrite *write, const PgStatement *statement, const char *insert,
		   const ConnhubRows *rows, uint64_t *affected, ConnhubError *error)
{
	ConnhubStatus status = open_copy(conn, write, statement, insert, rows, error);

	return status == CONNHUB_OK ? pg_copy_in_rows(conn, rows, affected, error) : status;
}
