/* stream.c — one flight of statements and its answers, in libpq's pipeline mode.
 *
 * In a transaction every statement stands in a savepoint that is released right behind it in the same
 * flight.  A statement that fails, or that is cancelled because its rows are not wanted any more, is
 * rolled back to the savepoint: the transaction and its snapshot survive.  The first statement of a transaction
 * goes without one when its result is small: its rows are read off rather than stopped, and when it fails the
 * transaction begins anew.  A statement outside a transaction has nothing to be kept from.
 *
 * The COMMIT of a transaction that only read is sent without waiting: its answer is read off before those of the
 * next flight, and an error in it counts as the loss of the connection.
 *
 * What could break: answers come strictly in the order of the steps, and the connection is taken for
 * lost as soon as one does not fit. */
#include "pg.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EARLIER	(PG_STEP(PG_STEP_EARLIER) | PG_STEP(PG_STEP_EARLIER_SYNC))

/* How long rows nobody wants may take to end once the source was told to stop. */
#define DRAIN_MS	5000

#define SAVEPOINT_NAME	"connhub_statement"

/* ---- Sending ----------------------------------------------------------------------------- */

bool
pg_send_plain(ConnhubConn *conn, PgStep step, const char *text)
{
	conn->stream.steps |= PG_STEP(step);
	return PQsendQueryParams(conn->pg, text, 0, NULL, NULL, NULL, NULL, 0) == 1;
}

/* Begin a flight. */
ConnhubStatus
pg_begin_stream(ConnhubConn *conn, ConnhubError *error)
{
	if (conn->stream.active)
		return fail_as(error, CONNHUB_INTERNAL, "another statement is running on the connection");
	if (conn->lost || PQstatus(conn->pg) != CONNECTION_OK)
		return pg_lost(conn, error);
	memset(&conn->stream, 0, sizeof(conn->stream));
	conn->stream.active = true;
	conn->stream.steps = conn->unanswered;
	conn->unanswered = 0;
	return CONNHUB_OK;
}

static bool
send_due(ConnhubConn *conn, const char *text)
{
	conn->stream.nopening++;
	return pg_send_plain(conn, PG_STEP_OPENING, text);
}

static bool
send_begin(ConnhubConn *conn)
{
	const char *text = conn->pending_begin;

	if (!text)
		return true;
	conn->pending_begin = NULL;
	conn->in_transaction = true;
	conn->savepoints = 0;
	return send_due(conn, text) && (!conn->snapshot[0] || send_due(conn, conn->snapshot));
}

/* Is the transaction, which can take a statement, with or without the timeout against our wish? */
static bool
must_set_timeout(const ConnhubConn *conn)
{
	return conn->query_timeout_ms > 0 && conn->timeout_lifted != conn->wants_no_timeout &&
		(conn->in_transaction || conn->pending_begin) && PQtransactionStatus(conn->pg) != PQTRANS_INERROR;
}

/* Is there something that the next statement must take along? */
bool
pg_has_opening(const ConnhubConn *conn)
{
	return conn->pending_begin || conn->has_stale_savepoint || conn->savepoints < conn->savepoints_due ||
		conn->unanswered != 0 || must_set_timeout(conn);
}

/* Queue what begins the transaction, what ends a statement before, and savepoints.  False when libpq refuses. */
bool
pg_send_opening(ConnhubConn *conn)
{
	bool		forget = conn->has_stale_savepoint;
	char		text[64];

	conn->has_stale_savepoint = false;
	if (!send_begin(conn) || (forget && !send_due(conn, "RELEASE " SAVEPOINT_NAME)))
		return false;
	while (conn->in_transaction && conn->savepoints < conn->savepoints_due)
	{
		pg_savepoint_command(text, "SAVEPOINT", ++conn->savepoints);
		if (!send_due(conn, text))
			return false;
	}
	if (!must_set_timeout(conn))
		return true;
	conn->timeout_lifted = conn->wants_no_timeout;
	conn->has_lifted_timeout |= conn->timeout_lifted;
	snprintf(text, sizeof(text), "SET LOCAL statement_timeout = %lld",
			 (long long) (conn->timeout_lifted ? 0 : conn->query_timeout_ms));
	return send_due(conn, text);
}

/* Queue what precedes the query.  False when libpq refuses. */
bool
pg_send_prologue(ConnhubConn *conn, PgStatement *statement, int flags)
{
	char		text[64];
	char		name[32];

	conn->stream.writes = (flags & PG_SEND_WRITES) != 0;
	conn->stream.is_first = conn->pending_begin || !conn->in_transaction;
	conn->stream.is_small = (flags & PG_SEND_SMALL) && !conn->stream.writes;
	if (conn->stream.is_small && conn->has_savepoints)
		conn->stream.begin = conn->pending_begin;
	if (!pg_send_opening(conn))
		return false;
	if (conn->in_transaction && conn->has_savepoints && !conn->stream.begin &&
		(flags & (PG_SEND_WRITES | PG_SEND_BARE)) == 0)
	{
		conn->stream.has_savepoint = true;
		if (!pg_send_plain(conn, PG_STEP_SAVEPOINT, "SAVEPOINT " SAVEPOINT_NAME))
			return false;
	}

	/* Not before BEGIN: it would open a transaction that has its snapshot already. */
	if (statement && statement->stale_number != 0)
	{
		pg_statement_name(name, statement->stale_number);
		snprintf(text, sizeof(text), "DEALLOCATE %s", name);
		if (!pg_send_plain(conn, PG_STEP_DEALLOCATE, text))
			return false;
		statement->stale_number = 0;
	}
	return true;
}

/* Queue a query: prepared when it was sent before.  False when libpq refuses. */
bool
pg_send_query(ConnhubConn *conn, PgStatement *statement, const char *text, const PgParams *params, bool binary)
{
	char		name[32];

	conn->stream.steps |= PG_STEP(PG_STEP_QUERY);
	conn->stream.nqueries++;
	if (!statement || statement->executions < 2)
		return PQsendQueryParams(conn->pg, text, params->count, params->types, params->values, params->lengths,
								 params->formats, binary) == 1;
	if (statement->number == 0)
	{
		statement->number = ++conn->next_statement;
		pg_statement_name(name, statement->number);
		conn->stream.steps |= PG_STEP(PG_STEP_PREPARE);
		if (PQsendPrepare(conn->pg, name, text, params->count, params->types) != 1)
			return false;
	}
	pg_statement_name(name, statement->number);
	return PQsendQueryPrepared(conn->pg, name, params->count, params->values, params->lengths, params->formats,
							   binary) == 1;
}

/* Wait for the socket; without waiting when OpenSSL holds bytes that no poll would show. */
static ConnhubStatus
wait_input(ConnhubConn *conn, int events, int64_t timeout_ms, ConnhubError *error)
{
	ConnhubStatus status;

	if (pg_tls_pending(conn))
		return CONNHUB_OK;
	status = pg_host->wait(PQsocket(conn->pg), events, timeout_ms);
	return status == CONNHUB_OK ? CONNHUB_OK : pg_wait_failed(status, error);
}

bool
pg_tls_pending(ConnhubConn *conn)
{
	SSL		   *tls = PQsslInUse(conn->pg) ? PQsslStruct(conn->pg, "OpenSSL") : NULL;

	return tls && SSL_pending(tls) > 0;
}

ConnhubStatus
pg_flush(ConnhubConn *conn, ConnhubError *error)
{
	int			unsent;

	while ((unsent = PQflush(conn->pg)) > 0)
	{
		ConnhubStatus status = wait_input(conn, CONNHUB_READABLE | CONNHUB_WRITABLE, -1, error);

		if (status != CONNHUB_OK)
		{
			conn->lost = true;	/* half a message is out */
			error->connection_lost = true;
			return status;
		}
		if (PQconsumeInput(conn->pg) == 0)
			return pg_lost(conn, error);
	}
	return unsent < 0 ? pg_lost(conn, error) : CONNHUB_OK;
}

static PgStep
current_step(const ConnhubConn *conn)
{
	return (PgStep) __builtin_ctz(conn->stream.steps);
}

/* End a flight, push it out, and be ready for its first answer. */
ConnhubStatus
pg_send_sync(ConnhubConn *conn, ConnhubError *error)
{
	if (PQpipelineSync(conn->pg) != 1)
		return pg_lost(conn, error);
	conn->stream.steps |= PG_STEP(PG_STEP_SYNC);
	return pg_flush(conn, error);
}

/* End a flight whose query, if any, stands in a savepoint. */
ConnhubStatus
pg_send_epilogue(ConnhubConn *conn, ConnhubError *error)
{
	if (conn->stream.has_savepoint && !pg_send_plain(conn, PG_STEP_RELEASE, "RELEASE " SAVEPOINT_NAME))
		return pg_lost(conn, error);
	return pg_send_sync(conn, error);
}

/* Send a statement.  Its rows come from pg_next_row; pg_finish must follow, whatever happens. */
ConnhubStatus
pg_send(ConnhubConn *conn, const char *text, const PgParams *params, int flags, ConnhubError *error)
{
	PgStatement *statement;

	if (pg_begin_stream(conn, error) != CONNHUB_OK)
		return error->status;
	statement = flags & PG_SEND_ONCE ? NULL : pg_find_statement(conn, text);
	conn->stream.statement = statement;
	conn->stream.keeps_head = (flags & PG_SEND_HEAD) != 0;
	PQclear(conn->head);
	conn->head = NULL;
	if (!pg_send_prologue(conn, statement, flags) ||
		!pg_send_query(conn, statement, text, params, (flags & PG_SEND_BINARY) != 0))
		return pg_lost(conn, error);
	return pg_send_epilogue(conn, error);
}

/* ---- Answers ----------------------------------------------------------------------------- */

/* An answer that is no success. */
void
pg_note_failure(ConnhubConn *conn, PgStep step, const PGresult *result)
{
	PgStream   *stream = &conn->stream;
	PgStatement *statement = stream->statement;

	if (step == PG_STEP_PREPARE && statement)
	{
		statement->number = 0;	/* the name was not taken */
		statement->executions = 0;
	}
	if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED || stream->failed)
		return;
	stream->failed = true;
	pg_result_error(conn, result, &stream->error);

	/* What it was prepared for has changed, or a pooler has lost it: prepare anew next time. */
	if (step == PG_STEP_QUERY && statement && statement->number != 0 &&
		(strcmp(stream->error.sqlstate, "0A000") == 0 || strcmp(stream->error.sqlstate, "26000") == 0))
	{
		pg_retire_statement(statement);
		stream->is_stale = stream->is_first && !stream->writes && !stream->has_rows;
	}
}

/* Read what has arrived, or wait for it.  WAIT: nothing can be read without waiting. */
ConnhubStatus
pg_more_input(ConnhubConn *conn, bool may_wait, int64_t timeout_ms, ConnhubError *error)
{
	if (may_wait)
	{
		ConnhubStatus status = wait_input(conn, CONNHUB_READABLE, timeout_ms, error);

		if (status != CONNHUB_OK)
			return status;
	}
	return PQconsumeInput(conn->pg) == 0 ? pg_lost(conn, error) : CONNHUB_OK;
}

/* The current step's answer is complete. */
static void
end_step(ConnhubConn *conn, PgStep step)
{
	PgStream   *stream = &conn->stream;
	uint32_t   *count = step == PG_STEP_QUERY ? &stream->nqueries : step == PG_STEP_OPENING ? &stream->nopening : NULL;

	if (!count || --*count == 0)
		stream->steps &= ~PG_STEP(step);
}

/* An answer that is no row.  False: it does not belong here. */
static bool
take_answer(ConnhubConn *conn, PgStep step, PGresult *result)
{
	PgStream   *stream = &conn->stream;

	switch (PQresultStatus(result))
	{
		case PGRES_SINGLE_TUPLE:
			break;
		case PGRES_TUPLES_OK:
		case PGRES_COMMAND_OK:
		case PGRES_EMPTY_QUERY:
			if (step != PG_STEP_QUERY)
				break;
			if (PQntuples(result) > 0)
				return false;	/* rows that would be lost: they were to come one by one */
			snprintf(stream->tag, sizeof(stream->tag), "%s", PQcmdStatus(result));
			stream->affected += strtoull(PQcmdTuples(result), NULL, 10);
			if (!stream->keeps_head || PQresultStatus(result) != PGRES_TUPLES_OK)
				break;
			PQclear(conn->head);
			conn->head = PQcopyResult(result, PG_COPYRES_ATTRS);
			return conn->head != NULL;
		case PGRES_PIPELINE_SYNC:
			stream->steps &= ~PG_STEP(step);
			return step == PG_STEP_EARLIER_SYNC || step == PG_STEP_SYNC;
		case PGRES_FATAL_ERROR:
		case PGRES_PIPELINE_ABORTED:
			if (step <= PG_STEP_EARLIER_SYNC)
				return false;
			pg_note_failure(conn, step, result);
			break;
		default:
			return false;
	}
	return true;
}

/* Take the next answer.  OK: *row is one row of the query, or the description asked for; DONE: the flight is over;
 * WAIT: nothing has arrived and may_wait is false.  Errors of the statement are kept in the stream. */
ConnhubStatus
pg_next_answer(ConnhubConn *conn, bool may_wait, int64_t timeout_ms, PGresult **row, ConnhubError *error)
{
	PgStream   *stream = &conn->stream;

	while (stream->steps != 0)
	{
		PgStep		step = current_step(conn);
		PGresult   *result;
		bool		fits;

		/* Whatever came before, and as often as the query is run. */
		if (step == PG_STEP_QUERY)
			PQsetSingleRowMode(conn->pg);
		if (PQisBusy(conn->pg))
		{
			ConnhubStatus status = pg_more_input(conn, may_wait, timeout_ms, error);

			if (status != CONNHUB_OK)
				return status;
			if (PQisBusy(conn->pg) && !may_wait)
				return CONNHUB_WAIT;
			continue;
		}
		result = PQgetResult(conn->pg);
		if (!result)
		{
			if (PQstatus(conn->pg) != CONNECTION_OK || step == PG_STEP_SYNC || step == PG_STEP_EARLIER_SYNC)
				return pg_lost(conn, error);
			end_step(conn, step);
			continue;
		}
		if (row && !stream->failed && (PQresultStatus(result) == PGRES_SINGLE_TUPLE ||
									   (step == PG_STEP_DESCRIBE && PQresultStatus(result) == PGRES_COMMAND_OK)))
		{
			*row = result;
			return CONNHUB_OK;
		}
		fits = take_answer(conn, step, result);
		PQclear(result);
		if (!fits)
			return pg_lost(conn, error);
	}
	return CONNHUB_DONE;
}

/* Hand on the error of the statement.  One that nothing stood before and that a new connection will not have prepared
 * counts as the loss of this one: core then sends it again. */
ConnhubStatus
pg_tell_failure(ConnhubConn *conn, ConnhubError *error)
{
	conn->stream.is_told = true;
	*error = conn->stream.error;
	if (conn->stream.is_stale)
	{
		conn->lost = true;
		error->status = CONNHUB_LOST;
		error->retryable = true;
		error->connection_lost = true;
	}
	return error->status;
}

ConnhubStatus
pg_next_row(ConnhubConn *conn, bool may_wait, PGresult **row, ConnhubError *error)
{
	ConnhubStatus status = conn->stream.failed ? CONNHUB_DONE : pg_next_answer(conn, may_wait, -1, row, error);

	if (status == CONNHUB_DONE && conn->stream.failed)
		return pg_tell_failure(conn, error);
	conn->stream.has_rows |= status == CONNHUB_OK;
	return status;
}

/* Wait for the end of a flight without rows.  DONE, or the statement's error. */
ConnhubStatus
pg_await(ConnhubConn *conn, ConnhubError *error)
{
	ConnhubStatus status = pg_next_answer(conn, true, -1, NULL, error);

	return status == CONNHUB_DONE && conn->stream.failed ? pg_tell_failure(conn, error) : status;
}

/* Take note, without waiting, of an answer nobody has waited for. */
ConnhubStatus
pg_look_at_unanswered(ConnhubConn *conn, ConnhubError *error)
{
	ConnhubStatus status;

	if (conn->unanswered == 0 || conn->stream.active)
		return CONNHUB_OK;
	if (pg_begin_stream(conn, error) != CONNHUB_OK)
		return error->status;
	status = pg_next_answer(conn, false, -1, NULL, error);
	conn->unanswered = conn->stream.steps;
	conn->stream.active = false;
	return status == CONNHUB_DONE || status == CONNHUB_WAIT ? CONNHUB_OK : status;
}

/* ---- Ending ------------------------------------------------------------------------------ */

/* Take and forget the next row. */
static ConnhubStatus
skip_row(ConnhubConn *conn, bool may_wait, int64_t timeout_ms, ConnhubError *error)
{
	PGresult   *row = NULL;
	ConnhubStatus status;

	if (conn->stream.is_copy)
		return pg_copy_skip(conn, may_wait, timeout_ms, error);
	status = pg_next_answer(conn, may_wait, timeout_ms, &row, error);
	PQclear(row);
	return status;
}

/* Read off what is still to come of a statement that changes rows, however long it takes. */
static ConnhubStatus
drain_write(ConnhubConn *conn, ConnhubError *error)
{
	ConnhubStatus status;

	while ((status = skip_row(conn, true, -1, error)) == CONNHUB_OK)
		continue;
	return status == CONNHUB_DONE && conn->stream.failed && !conn->stream.is_told ? pg_tell_failure(conn, error) : status;
}

/* Read off what is still to come, for a bounded time. */
static ConnhubStatus
drain(ConnhubConn *conn, ConnhubError *error)
{
	int64_t		deadline = pg_host->now_ms() + DRAIN_MS;
	ConnhubStatus status;

	do
	{
		int64_t		left = deadline - pg_host->now_ms();

		if (left <= 0)
			return fail_as(error, CONNHUB_TIMEOUT, "the source did not stop in time");
		status = skip_row(conn, true, left, error);
	} while (status == CONNHUB_OK);
	return status;
}

/* Make a transaction usable again after its statement failed. */
static ConnhubStatus
undo_statement(ConnhubConn *conn, ConnhubError *error)
{
	ConnhubStatus status;

	memset(&conn->stream, 0, sizeof(conn->stream));
	conn->stream.active = true;
	conn->stream.nqueries = 1;
	if (!pg_send_plain(conn, PG_STEP_QUERY, "ROLLBACK TO SAVEPOINT " SAVEPOINT_NAME) ||
		!pg_send_plain(conn, PG_STEP_RELEASE, "RELEASE " SAVEPOINT_NAME))
		return pg_lost(conn, error);
	status = pg_send_sync(conn, error);
	if (status == CONNHUB_OK)
		status = drain(conn, error);
	if (status == CONNHUB_DONE && conn->stream.failed)
	{
		*error = conn->stream.error;
		status = error->status;
	}
	return status;
}

/* Rows that have arrived already cost less to read off than to stop. */
static ConnhubStatus
drain_arrived(ConnhubConn *conn, ConnhubError *error)
{
	ConnhubStatus status = CONNHUB_OK;

	for (int i = 0; i < 1000 && status == CONNHUB_OK; i++)
		status = skip_row(conn, false, -1, error);
	return status;
}

/* Stop what still runs.  DONE: nothing does. */
static ConnhubStatus
stop(ConnhubConn *conn, ConnhubError *error)
{
	ConnhubStatus status;

	if (conn->stream.writes)
		return drain_write(conn, error);
	status = drain_arrived(conn, error);
	if (status != CONNHUB_OK && status != CONNHUB_WAIT)
		return status;
	if (!conn->stream.failed && current_step(conn) <= PG_STEP_QUERY)
	{
		/* A small result is read off, as long as it takes no longer than a stop may. */
		if (conn->stream.is_small && !conn->stream.has_savepoint && drain(conn, error) == CONNHUB_DONE)
			return CONNHUB_DONE;

		/* A stray cancel could hit the next statement, and a broken transaction cannot be mended
		 * where there are no savepoints. */
		if (conn->in_transaction && !conn->stream.has_savepoint)
			return pg_lost(conn, error);
		if (pg_cancel(conn, error) != CONNHUB_OK)
			return pg_lost(conn, error);
	}
	return drain(conn, error);
}

/* Begin the transaction anew after its first statement failed, which has seen nothing of it. */
static ConnhubStatus
begin_anew(ConnhubConn *conn, const char *begin, ConnhubError *error)
{
	conn->stream.active = false;
	if (pg_command(conn, "ROLLBACK", "ROLLBACK", error) != CONNHUB_OK)
		return error->status;
	conn->in_transaction = false;
	conn->savepoints = 0;
	conn->pending_begin = begin;
	return CONNHUB_DONE;
}

/* End the running statement in any state.  OK: the connection takes the next one, in the transaction it
 * was in.  Any failure: the connection is lost. */
ConnhubStatus
pg_finish(ConnhubConn *conn, ConnhubError *error)
{
	PgStream   *stream = &conn->stream;
	ConnhubStatus status;

	if (!stream->active)
		return CONNHUB_OK;
	if (conn->lost)
		return pg_lost(conn, error);
	status = stop(conn, error);
	if (status == CONNHUB_DONE && stream->has_savepoint)
	{
		if (PQtransactionStatus(conn->pg) == PQTRANS_INERROR)
			status = undo_statement(conn, error);
		else
			conn->has_stale_savepoint = stream->is_copy;
	}
	else if (status == CONNHUB_DONE && stream->begin && !stream->has_rows &&
			 PQtransactionStatus(conn->pg) == PQTRANS_INERROR)
		status = begin_anew(conn, stream->begin, error);
	if (status != CONNHUB_DONE)
	{
		conn->lost = true;
		error->connection_lost = true;
		return error->status;
	}
	stream->active = false;
	if (PQtransactionStatus(conn->pg) == PQTRANS_IDLE)
		conn->in_transaction = false;
	memset(error, 0, sizeof(*error));
	return CONNHUB_OK;
}

/* Send what the next statement must take along, by itself. */
ConnhubStatus
pg_open_transaction(ConnhubConn *conn, ConnhubError *error)
{
	ConnhubStatus status;

	if (!pg_has_opening(conn))
		return CONNHUB_OK;
	if (pg_begin_stream(conn, error) != CONNHUB_OK)
		return error->status;
	if (!pg_send_opening(conn))
		return pg_lost(conn, error);
	status = pg_send_sync(conn, error);
	if (status == CONNHUB_OK)
		status = pg_await(conn, error);
	if (status == CONNHUB_DONE || conn->stream.is_told)
		conn->stream.active = false;
	return status == CONNHUB_DONE ? CONNHUB_OK : status;
}

/* Run a statement without rows, outside the care for savepoints. */
ConnhubStatus
pg_command(ConnhubConn *conn, const char *text, const char *expected_tag, ConnhubError *error)
{
	ConnhubStatus status;

	if (pg_begin_stream(conn, error) != CONNHUB_OK)
		return error->status;
	conn->stream.nqueries = 1;
	if (!pg_send_opening(conn) || !pg_send_plain(conn, PG_STEP_QUERY, text))
		return pg_lost(conn, error);
	status = pg_send_sync(conn, error);
	if (status == CONNHUB_OK)
		status = pg_next_answer(conn, true, -1, NULL, error);
	if (status != CONNHUB_DONE)
	{
		conn->lost = true;
		error->connection_lost = true;
		return status;
	}
	conn->stream.active = false;
	if (conn->stream.failed)
	{
		*error = conn->stream.error;
		return error->status;
	}
	if (strcmp(conn->stream.tag, expected_tag) != 0)
		return fail_as(error, CONNHUB_QUERY, "the transaction was rolled back by the source");
	return CONNHUB_OK;
}

/* Send a statement whose answer nobody waits for. */
ConnhubStatus
pg_send_unanswered(ConnhubConn *conn, const char *text, ConnhubError *error)
{
	ConnhubStatus status;

	if (pg_begin_stream(conn, error) != CONNHUB_OK)
		return error->status;
	if (conn->stream.steps != 0)
		status = pg_await(conn, error);
	else
		status = CONNHUB_DONE;
	if (status == CONNHUB_DONE && (!pg_send_plain(conn, PG_STEP_EARLIER, text) || PQpipelineSync(conn->pg) != 1))
		status = pg_lost(conn, error);
	if (status == CONNHUB_DONE)
		status = pg_flush(conn, error);
	if (status != CONNHUB_OK)
		return status;
	conn->stream.active = false;
	conn->stream.steps = 0;
	conn->unanswered = EARLIER;
	return CONNHUB_OK;
}
