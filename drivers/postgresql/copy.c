/* copy.c — a query's rows by COPY in binary.
 *
 * For a result of many rows this is the cheapest form on both sides: one message and one allocation a row, and no
 * description with it.  What the description would say is therefore asked for first, together with whatever
 * precedes the query; the lock that the source takes for it keeps the types as they are until the rows come.
 * COPY does not go with libpq's pipeline mode, so that is left meanwhile.  The statement still travels as one by the
 * extended protocol, so a text that is more than one query is refused there.
 *
 * The savepoint is not released behind the rows: that would cost a round trip.  The next flight does it. */
#include "pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char signature[11] = "PGCOPY\n\377\r\n\0";

#define HEADER_BYTES	19		/* signature, flags, length of the extension, which is 0 */
#define TRAILER_BYTES	2

/* Learn what the query returns, at the end of a flight that begins all it needs. */
static ConnhubStatus
describe(ConnhubConn *conn, const char *text, PGresult **shape, ConnhubError *error)
{
	ConnhubStatus status;

	if (pg_begin_stream(conn, error) != CONNHUB_OK)
		return error->status;
	if (!pg_send_prologue(conn, NULL, 0))
		return pg_lost(conn, error);
	conn->stream.steps |= PG_STEP(PG_STEP_PREPARE) | PG_STEP(PG_STEP_DESCRIBE);
	if (PQsendPrepare(conn->pg, "", text, 0, NULL) != 1 || PQsendDescribePrepared(conn->pg, "") != 1)
		return pg_lost(conn, error);
	status = pg_send_sync(conn, error);
	if (status == CONNHUB_OK)
		status = pg_next_row(conn, true, shape, error);
	if (status == CONNHUB_OK)
		status = pg_await(conn, error);
	else if (status == CONNHUB_DONE)
		status = fail_as(error, CONNHUB_INTERNAL, "the source did not describe the query");
	return status;
}

static ConnhubStatus
send_copy(ConnhubConn *conn, const char *text, ConnhubError *error)
{
	ConnhubText copy = {0};
	TextWriter	writer;
	bool		sent;

	text_begin(&writer, pg_host, &copy);
	text_string(&writer, "COPY (");
	text_string(&writer, text);
	text_string(&writer, ") TO STDOUT (FORMAT binary)");
	if (text_end(&writer) != CONNHUB_OK)
	{
		text_free(pg_host, &copy);
		return fail_no_memory(error);
	}
	conn->stream.is_copy = true;
	conn->stream.steps = PG_STEP(PG_STEP_QUERY);
	conn->stream.nqueries = 1;
	sent = PQexitPipelineMode(conn->pg) == 1 &&
		PQsendQueryParams(conn->pg, copy.data, 0, NULL, NULL, NULL, NULL, 1) == 1;
	text_free(pg_host, &copy);
	return sent ? pg_flush(conn, error) : pg_lost(conn, error);
}

/* Start the COPY of a query without parameters.  On OK *shape describes its columns and is the caller's to clear, the
 * rows come from pg_copy_next, and pg_finish must follow.  After a failure the connection is as pg_finish leaves it. */
ConnhubStatus
pg_copy_send(ConnhubConn *conn, const char *text, PGresult **shape, ConnhubError *error)
{
	ConnhubStatus status;

	*shape = NULL;
	status = describe(conn, text, shape, error);
	if (status == CONNHUB_DONE)
		status = send_copy(conn, text, error);
	if (status == CONNHUB_OK)
		return CONNHUB_OK;
	PQclear(*shape);
	*shape = NULL;
	return pg_end_flight(conn, status, error);
}

/* The statement's own answer, before and behind the rows.  OK: there is more to read; DONE: all was read. */
static ConnhubStatus
take_result(ConnhubConn *conn, ConnhubError *error)
{
	PgStream   *stream = &conn->stream;
	PGresult   *result = PQgetResult(conn->pg);
	ExecStatusType status = result ? PQresultStatus(result) : PGRES_COMMAND_OK;

	if (!result)
	{
		stream->steps = 0;
		if (PQstatus(conn->pg) != CONNECTION_OK || PQenterPipelineMode(conn->pg) != 1)
			return pg_lost(conn, error);
		return CONNHUB_DONE;
	}
	if (status == PGRES_COPY_OUT)
		stream->is_copying = true;
	else if (status == PGRES_FATAL_ERROR)
		pg_note_failure(conn, PG_STEP_QUERY, result);
	PQclear(result);
	if (status != PGRES_COPY_OUT && status != PGRES_FATAL_ERROR && status != PGRES_COMMAND_OK)
		return pg_lost(conn, error);
	return CONNHUB_OK;
}

/* Take the next message.  OK: *row holds it, for PQfreemem; DONE: the COPY is over, in whatever way; WAIT: nothing has
 * arrived and may_wait is false. */
static ConnhubStatus
next_message(ConnhubConn *conn, bool may_wait, int64_t timeout_ms, char **row, int *length, ConnhubError *error)
{
	PgStream   *stream = &conn->stream;
	bool		has_looked = false;

	while (stream->steps != 0)
	{
		ConnhubStatus status = CONNHUB_OK;
		bool		is_short;

		if (stream->is_copying)
		{
			*length = PQgetCopyData(conn->pg, row, 1);
			if (*length > 0)
				return CONNHUB_OK;
			is_short = *length == 0;
			stream->is_copying = is_short;
		}
		else
		{
			is_short = PQisBusy(conn->pg);
			if (!is_short)
				status = take_result(conn, error);
		}

		/* To look is cheaper than to wait. */
		if (is_short && has_looked && !may_wait)
			return CONNHUB_WAIT;
		if (is_short)
			status = pg_more_input(conn, has_looked, timeout_ms, error);
		has_looked = is_short && !has_looked;
		if (status != CONNHUB_OK)
			return status;
	}
	return CONNHUB_DONE;
}

ConnhubStatus
pg_copy_skip(ConnhubConn *conn, bool may_wait, int64_t timeout_ms, ConnhubError *error)
{
	char	   *row = NULL;
	int			length;
	ConnhubStatus status = next_message(conn, may_wait, timeout_ms, &row, &length, error);

	PQfreemem(row);
	return status;
}

/* Take the file header off the first message.  False: it is none. */
static bool
take_header(char *row, int *length)
{
	static const char nothing[HEADER_BYTES - sizeof(signature)];

	if (*length < HEADER_BYTES || memcmp(row, signature, sizeof(signature)) != 0 ||
		memcmp(row + sizeof(signature), nothing, sizeof(nothing)) != 0)
		return false;
	*length -= HEADER_BYTES;
	memmove(row, row + HEADER_BYTES, (size_t) *length);
	return true;
}

/* The next row, as the COPY format has it: the number of fields in two bytes, then each with its length in four.  It is
 * the caller's to free by PQfreemem.  OK; DONE at the end; WAIT when none has arrived and may_wait is false; or the
 * statement's error. */
ConnhubStatus
pg_copy_next(ConnhubConn *conn, bool may_wait, char **row, int *length, ConnhubError *error)
{
	PgStream   *stream = &conn->stream;
	ConnhubStatus status;

	while ((status = next_message(conn, may_wait, -1, row, length, error)) == CONNHUB_OK)
	{
		if (!stream->has_header)
		{
			stream->has_header = true;
			if (!take_header(*row, length))
			{
				PQfreemem(*row);
				pg_lost(conn, error);
				return fail_as(error, CONNHUB_LOST, "the source sent no rows in binary");
			}
		}
		if (*length > TRAILER_BYTES || (*length == TRAILER_BYTES && (unsigned char) **row != 0xff))
			return CONNHUB_OK;
		PQfreemem(*row);
	}
	return status == CONNHUB_DONE && stream->failed ? pg_tell_failure(conn, error) : status;
}
