/* stream.c — one flight of statements and its answers, in libpq's pipeline mode.
 *
 * In a transaction every statement stands in a savepoint that is released right behind it in the same
 * flight.  A statement that fails, or that is cancelled because its rows are not wanted any more, is
 * rolled back to the savepoint: the transaction and its snapshot survive.
 *
 * What could break: answers come strictly in the order of the steps, and the connection is taken for
 * lost as soon as one does not fit. */
#include "pg.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#define STEP(step)	(UINT32_C(1) << (step))

/* How long rows nobody wants may take to end once the source was told to stop. */
#define DRAIN_MS	5000

#define SAVEPOINT_NAME	"connhub_statement"

/* ---- Prepared statements ----------------------------------------------------------------- */

static void
statement_name(char name[32], uint32_t number)
{
	snprintf(name, 32, "connhub_%u", number);
}

/* What the slot named is not used any more. */
static void
retire_statement(PgStatement *statement)
{
	if (statement->number != 0)
		statement->stale_number = statement->number;
	statement->number = 0;
	statement->executions = 0;
	statement->last_use = 0;
	pg_host->free(statement->text);
	statement->text = NULL;
}

/* The slot of a statement text, remembered from now on.  NULL: out of memory. */
static PgStatement *
find_statement(ConnhubConn *conn, const char *text)
{
	size_t		length = strlen(text);
	PgStatement *found = &conn->statements[0];

	for (int i = 0; i < PG_STATEMENTS; i++)
	{
		PgStatement *statement = &conn->statements[i];

		if (statement->text && statement->length == length && memcmp(statement->text, text, length) == 0)
		{
			statement->executions++;
			statement->last_use = ++conn->uses;
			return statement;
		}
		if (statement->last_use < found->last_use)
			found = statement;
	}
	retire_statement(found);
	found->text = pg_strdup(text);
	if (!found->text)
		return NULL;
	found->length = length;
	found->executions = 1;
	found->last_use = ++conn->uses;
	return found;
}

void
pg_forget_statements(ConnhubConn *conn)
{
	for (int i = 0; i < PG_STATEMENTS; i++)
		pg_host->free(conn->statements[i].text);
	memset(conn->statements, 0, sizeof(conn->statements));
}

/* ---- Sending ----------------------------------------------------------------------------- */

static bool
send_plain(ConnhubConn *conn, PgStep step, const char *text)
{
	conn->stream.steps |= STEP(step);
	return PQsendQueryParams(conn->pg, text, 0, NULL, NULL, NULL, NULL, 0) == 1;
}

/* Queue what precedes the query: returns false when libpq refuses. */
static bool
send_prologue(ConnhubConn *conn, PgStatement *statement)
{
	char		text[64];
	char		name[32];

	if (conn->pending_begin)
	{
		if (!send_plain(conn, PG_STEP_BEGIN, conn->pending_begin))
			return false;
		conn->pending_begin = NULL;
		conn->in_transaction = true;
	}
	if (conn->in_transaction && conn->has_savepoints)
	{
		conn->stream.has_savepoint = true;
		if (!send_plain(conn, PG_STEP_SAVEPOINT, "SAVEPOINT " SAVEPOINT_NAME))
			return false;
	}

	/* Not before BEGIN: it would open a transaction that has its snapshot already. */
	if (statement && statement->stale_number != 0)
	{
		statement_name(name, statement->stale_number);
		snprintf(text, sizeof(text), "DEALLOCATE %s", name);
		if (!send_plain(conn, PG_STEP_DEALLOCATE, text))
			return false;
		statement->stale_number = 0;
	}
	return true;
}

/* Queue the query itself: prepared when it was sent before. */
static bool
send_query(ConnhubConn *conn, PgStatement *statement, const char *text, const PgParams *params, bool binary)
{
	char		name[32];

	conn->stream.steps |= STEP(PG_STEP_QUERY);
	if (!statement || statement->executions < 2)
		return PQsendQueryParams(conn->pg, text, params->count, params->types, params->values, params->lengths,
								 params->formats, binary) == 1;
	if (statement->number == 0)
	{
		statement->number = ++conn->next_statement;
		statement_name(name, statement->number);
		conn->stream.steps |= STEP(PG_STEP_PREPARE);
		if (PQsendPrepare(conn->pg, name, text, params->count, params->types) != 1)
			return false;
	}
	statement_name(name, statement->number);
	return PQsendQueryPrepared(conn->pg, name, params->count, params->values, params->lengths, params->formats,
							   binary) == 1;
}

/* Wait for the socket; without waiting when OpenSSL holds bytes that no poll would show. */
static ConnhubStatus
wait_input(ConnhubConn *conn, int events, int64_t timeout_ms, ConnhubError *error)
{
	SSL		   *tls = PQsslInUse(conn->pg) ? PQsslStruct(conn->pg, "OpenSSL") : NULL;
	ConnhubStatus status;

	if (tls && SSL_pending(tls) > 0)
		return CONNHUB_OK;
	status = pg_host->wait(PQsocket(conn->pg), events, timeout_ms);
	return status == CONNHUB_OK ? CONNHUB_OK : pg_wait_failed(status, error);
}

static ConnhubStatus
flush(ConnhubConn *conn, ConnhubError *error)
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
static ConnhubStatus
send_sync(ConnhubConn *conn, ConnhubError *error)
{
	ConnhubStatus status;

	if (PQpipelineSync(conn->pg) != 1)
		return pg_lost(conn, error);
	conn->stream.steps |= STEP(PG_STEP_SYNC);
	status = flush(conn, error);
	if (status == CONNHUB_OK && current_step(conn) == PG_STEP_QUERY)
		PQsetSingleRowMode(conn->pg);
	return status;
}

static ConnhubStatus
begin_stream(ConnhubConn *conn, ConnhubError *error)
{
	if (conn->stream.active)
		return fail_as(error, CONNHUB_INTERNAL, "another statement is running on the connection");
	if (conn->lost || PQstatus(conn->pg) != CONNECTION_OK)
		return pg_lost(conn, error);
	memset(&conn->stream, 0, sizeof(conn->stream));
	conn->stream.active = true;
	PQclear(conn->head);
	conn->head = NULL;
	return CONNHUB_OK;
}

/* Send a statement.  Its rows come from pg_next_row; pg_finish must follow, whatever happens. */
ConnhubStatus
pg_send(ConnhubConn *conn, const char *text, const PgParams *params, bool binary, bool once, ConnhubError *error)
{
	PgStatement *statement;

	if (begin_stream(conn, error) != CONNHUB_OK)
		return error->status;
	statement = once ? NULL : find_statement(conn, text);
	conn->stream.statement = statement;
	if (!send_prologue(conn, statement) ||
		!send_query(conn, statement, text, params, binary) ||
		(conn->stream.has_savepoint && !send_plain(conn, PG_STEP_RELEASE, "RELEASE " SAVEPOINT_NAME)))
		return pg_lost(conn, error);
	return send_sync(conn, error);
}

/* ---- Answers ----------------------------------------------------------------------------- */

/* An answer that is no success. */
static void
note_failure(ConnhubConn *conn, PgStep step, const PGresult *result)
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
		retire_statement(statement);
}

/* Take the next answer.  OK: *row is one row of the query; DONE: the flight is over; WAIT: nothing
 * has arrived and may_wait is false.  Errors of the statement are kept in the stream. */
static ConnhubStatus
next_answer(ConnhubConn *conn, bool may_wait, int64_t timeout_ms, PGresult **row, ConnhubError *error)
{
	PgStream   *stream = &conn->stream;

	while (stream->steps != 0)
	{
		PgStep		step = current_step(conn);
		PGresult   *result;

		if (PQisBusy(conn->pg))
		{
			if (may_wait)
			{
				ConnhubStatus status = wait_input(conn, CONNHUB_READABLE, timeout_ms, error);

				if (status != CONNHUB_OK)
					return status;
			}
			if (PQconsumeInput(conn->pg) == 0)
				return pg_lost(conn, error);
			if (PQisBusy(conn->pg) && !may_wait)
				return CONNHUB_WAIT;
			continue;
		}
		result = PQgetResult(conn->pg);
		if (!result)
		{
			if (PQstatus(conn->pg) != CONNECTION_OK || step == PG_STEP_SYNC)
				return pg_lost(conn, error);
			stream->steps &= ~STEP(step);
			if (current_step(conn) == PG_STEP_QUERY)
				PQsetSingleRowMode(conn->pg);
			continue;
		}
		switch (PQresultStatus(result))
		{
			case PGRES_SINGLE_TUPLE:
				if (row && !stream->failed)
				{
					*row = result;
					return CONNHUB_OK;
				}
				break;
			case PGRES_TUPLES_OK:
			case PGRES_COMMAND_OK:
			case PGRES_EMPTY_QUERY:
				if (step != PG_STEP_QUERY)
					break;
				snprintf(stream->tag, sizeof(stream->tag), "%s", PQcmdStatus(result));
				PQclear(conn->head);
				conn->head = result;
				continue;
			case PGRES_PIPELINE_SYNC:
				stream->steps = 0;
				break;
			case PGRES_FATAL_ERROR:
			case PGRES_PIPELINE_ABORTED:
				note_failure(conn, step, result);
				break;
			default:
				PQclear(result);
				pg_lost(conn, error);
				return fail_as(error, CONNHUB_UNSUPPORTED, "the statement starts a protocol that cannot be used here");
		}
		PQclear(result);
	}
	return CONNHUB_DONE;
}

ConnhubStatus
pg_next_row(ConnhubConn *conn, bool may_wait, PGresult **row, ConnhubError *error)
{
	ConnhubStatus status = conn->stream.failed ? CONNHUB_DONE : next_answer(conn, may_wait, -1, row, error);

	if (status == CONNHUB_DONE && conn->stream.failed)
	{
		*error = conn->stream.error;
		return error->status;
	}
	return status;
}

/* Read off what is still to come, for a bounded time. */
static ConnhubStatus
drain(ConnhubConn *conn, ConnhubError *error)
{
	int64_t		deadline = pg_host->now_ms() + DRAIN_MS;
	ConnhubStatus status;

	do
	{
		PGresult   *row = NULL;
		int64_t		left = deadline - pg_host->now_ms();

		if (left <= 0)
			return fail_as(error, CONNHUB_TIMEOUT, "the source did not stop in time");
		status = next_answer(conn, true, left, &row, error);
		PQclear(row);
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
	if (!send_plain(conn, PG_STEP_QUERY, "ROLLBACK TO SAVEPOINT " SAVEPOINT_NAME) ||
		!send_plain(conn, PG_STEP_RELEASE, "RELEASE " SAVEPOINT_NAME))
		return pg_lost(conn, error);
	status = send_sync(conn, error);
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
	{
		PGresult   *row = NULL;

		status = next_answer(conn, false, -1, &row, error);
		PQclear(row);
	}
	return status;
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
	status = drain_arrived(conn, error);
	if (status == CONNHUB_OK || status == CONNHUB_WAIT)
	{
		if (!stream->failed && current_step(conn) <= PG_STEP_QUERY)
		{
			/* A stray cancel could hit the next statement, and a broken transaction cannot be mended
			 * where there are no savepoints. */
			if (conn->in_transaction && !conn->has_savepoints)
				return pg_lost(conn, error);
			if (pg_cancel(conn, error) != CONNHUB_OK)
				return pg_lost(conn, error);
		}
		status = drain(conn, error);
	}
	if (status == CONNHUB_DONE && PQtransactionStatus(conn->pg) == PQTRANS_INERROR && stream->has_savepoint)
		status = undo_statement(conn, error);
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

/* Run a statement without rows, outside the care for savepoints. */
ConnhubStatus
pg_command(ConnhubConn *conn, const char *text, const char *expected_tag, ConnhubError *error)
{
	ConnhubStatus status;

	if (begin_stream(conn, error) != CONNHUB_OK)
		return error->status;
	if (!send_plain(conn, PG_STEP_QUERY, text))
		return pg_lost(conn, error);
	status = send_sync(conn, error);
	if (status == CONNHUB_OK)
		status = next_answer(conn, true, -1, NULL, error);
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
