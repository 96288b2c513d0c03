/* query.c — prepared statements, their rows streamed from the socket.
 *
 * Rows come in the binary protocol without a server-side cursor, so that nothing is stored at the
 * source or here beyond one batch.  The library hands over each row's packet; it is copied whole, once, and
 * the slices of a batch point into the copy.  Only the wait for the first row of a batch, and for the
 * rest of a row that has begun, may last.
 *
 * A query is sent by execute and its answer read by the first fetch, so that several sources can work at
 * once and one round trip serves for a short query.
 *
 * While rows are unread the connection can do nothing else; what is left when a cursor is closed is
 * read off if it is little, else stopped from a second connection. */
#include <string.h>

#include <mysqld_error.h>

#include "command.h"
#include "dialect.h"
#include "error.h"
#include "field.h"
#include "param.h"
#include "query.h"
#include "text.h"
#include "txn.h"
#include "value.h"
#include "write.h"

#define DRAIN_ROWS		1000	/* rows read off before the source is asked to stop */
#define DRAIN_MS		50		/* and how long */
#define KILL_MS			2000	/* most time to reach the source for stopping */
#define AFTER_KILL_MS	2000	/* and for it to obey */

struct ConnhubCursor
{
	ConnhubConn *conn;
	MYSQL_STMT *stmt;
	MyStatement *kept;			/* where stmt is kept; NULL: it is this cursor's own */
	bool		is_sent;		/* its answer has not been read */
	bool		has_failed;		/* and is to be prepared afresh next time: its tables may have changed */
	bool		at_end;			/* nothing unread */
	uint64_t	affected;		/* rows changed, or given back */
	bool		writes;			/* for core: what became of it is judged at its end */
	unsigned long sent_bytes;	/* of parameters */
	uint32_t	nfields;
	MyColumn   *columns;		/* one per field of the result */
	uint32_t	nvectors;		/* columns core asked for: as many, or none */
};

/* ---- Execute ----------------------------------------------------------------------------- */

/* Parameters of fewer bytes fit into a packet wherever the setting was not made smaller than it comes. */
#define LARGE_PARAMETERS	(1024 * 1024)

/* A server that finds a packet too large hangs up, mostly before it is heard saying why. */
static void
explain_loss(const ConnhubCursor *cursor, ConnhubError *error)
{
	if (!error->connection_lost || cursor->sent_bytes < LARGE_PARAMETERS)
		return;
	error->retryable = false;
	fail_hint(error, "The parameters are %lu bytes together: the source takes no more than its max_allowed_packet. "
			  "Turn connhub.pushdown off for the query to compare the value here.", cursor->sent_bytes);
}

static ConnhubStatus
require_params(const ConnhubCursor *cursor, const ConnhubQuery *query, const uint32_t *order, uint32_t norder,
			   ConnhubError *error)
{
	if (mysql_stmt_param_count(cursor->stmt) != norder)
	{
		fail_as(error, CONNHUB_QUERY, "the source finds %lu parameters in the query, the driver %u",
				mysql_stmt_param_count(cursor->stmt), norder);
		return CONNHUB_QUERY;
	}
	for (uint32_t i = 0; i < norder; i++)
	{
		if (order[i] >= query->nparams)
		{
			fail_as(error, CONNHUB_QUERY, "the query uses parameter %u, but %u were given",
					order[i] + 1, query->nparams);
			return CONNHUB_QUERY;
		}
	}
	return CONNHUB_OK;
}

static ConnhubStatus
bind_one(MYSQL_BIND *bind, MyParam *param, const ConnhubQuery *query, uint32_t number, ConnhubError *error)
{
	const char *what = my_param_set(bind, param, &query->params[number]);

	if (what == NULL)
		return CONNHUB_OK;
	fail_as(error, CONNHUB_DATA, "parameter %u is %s, which the source cannot represent", number + 1, what);
	fail_hint(error, "Write the value as a constant, or turn connhub.pushdown off for the query: it is compared here then.");
	return CONNHUB_DATA;
}

/* order[i] is the parameter that stands at the i-th placeholder. */
static ConnhubStatus
send_query(ConnhubCursor *cursor, const ConnhubQuery *query, const uint32_t *order, uint32_t norder,
		   ConnhubError *error)
{
	ConnhubConn *conn = cursor->conn;
	MYSQL_BIND *binds = NULL;
	MyParam    *params = NULL;
	ConnhubStatus status = require_params(cursor, query, order, norder, error);

	if (status == CONNHUB_OK && norder > 0)
	{
		binds = conn->host->alloc(norder * sizeof(MYSQL_BIND));
		params = conn->host->alloc(norder * sizeof(MyParam));
		if (binds == NULL || params == NULL)
			status = fail_no_memory(error);
		for (uint32_t i = 0; status == CONNHUB_OK && i < norder; i++)
		{
			status = bind_one(&binds[i], &params[i], query, order[i], error);
			cursor->sent_bytes += params[i].length;
		}
		if (status == CONNHUB_OK && mysql_stmt_bind_param(cursor->stmt, binds) != 0)
			status = my_stmt_error(conn, cursor->stmt, error);
	}
	if (status == CONNHUB_OK)
	{
		status = my_statement_send(conn, cursor->stmt, error);
		cursor->is_sent = status == CONNHUB_OK;
		cursor->at_end = !cursor->is_sent;
		explain_loss(cursor, error);
	}
	conn->host->free(binds);
	conn->host->free(params);
	return status;
}

static ConnhubStatus
require_shape(ConnhubCursor *cursor, ConnhubError *error)
{
	if (cursor->nvectors == 0 || cursor->nvectors == cursor->nfields)
		return CONNHUB_OK;
	fail_as(error, CONNHUB_QUERY, "the query returns %u columns, but %u were expected",
			cursor->nfields, cursor->nvectors);
	return CONNHUB_QUERY;
}

static ConnhubStatus
describe(ConnhubCursor *cursor, ConnhubError *error)
{
	ConnhubConn *conn = cursor->conn;
	MYSQL_RES  *result;

	/* MariaDB gives back no columns either when it sees that no row can meet the condition of a write; the
	 * statement remembers those it was prepared with, or gave back before. */
	cursor->nfields = mysql_field_count(conn->mysql) > 0 ? mysql_stmt_field_count(cursor->stmt) : 0;
	cursor->at_end = cursor->nfields == 0;
	if (cursor->at_end)
		return cursor->writes ? CONNHUB_OK : require_shape(cursor, error);
	cursor->columns = conn->host->alloc(cursor->nfields * sizeof(MyColumn));
	if (cursor->columns == NULL)
		return fail_no_memory(error);
	memset(cursor->columns, 0, cursor->nfields * sizeof(MyColumn));
	result = mysql_stmt_result_metadata(cursor->stmt);
	if (result == NULL)
		return my_stmt_error(conn, cursor->stmt, error);
	for (uint32_t i = 0; i < cursor->nfields; i++)
	{
		const MYSQL_FIELD *field = mysql_fetch_field_direct(result, i);
		MyColumn   *column = &cursor->columns[i];

		column->wire = my_wire_of(field, &column->width, &column->is_unsigned);
		if (!text_copy(conn->host, field->name, &column->name))
		{
			mysql_free_result(result);
			return fail_no_memory(error);
		}
	}
	mysql_free_result(result);
	return require_shape(cursor, error);
}

/* Read the answer to what was sent, up to the first row. */
static ConnhubStatus
read_answer(ConnhubCursor *cursor, ConnhubError *error)
{
	ConnhubConn *conn = cursor->conn;
	ConnhubStatus status;

	cursor->is_sent = false;
	cursor->at_end = true;
	status = my_statement_answer(conn, cursor->stmt, error);
	explain_loss(cursor, error);
	if (status == CONNHUB_OK)
		status = describe(cursor, error);
	if (status == CONNHUB_OK && cursor->nfields == 0)
		cursor->affected = mysql_stmt_affected_rows(cursor->stmt);
	cursor->has_failed = status != CONNHUB_OK;
	return status;
}

/* Once all is read of a write for core: did it do what it says? */
static ConnhubStatus
judge_write(ConnhubCursor *cursor, ConnhubError *error)
{
	MYSQL	   *mysql = cursor->conn->mysql;

	return cursor->at_end ? my_write_outcome(cursor->conn, mysql_warning_count(mysql), error) : CONNHUB_OK;
}

static void
free_cursor(ConnhubCursor *cursor)
{
	ConnhubConn *conn = cursor->conn;

	if (cursor->kept == NULL && cursor->stmt != NULL)
		mysql_stmt_close(cursor->stmt);
	else if (cursor->kept != NULL && cursor->has_failed)
		my_statement_forget(conn, cursor->kept);
	for (uint32_t i = 0; cursor->columns != NULL && i < cursor->nfields; i++)
		conn->host->free(cursor->columns[i].name);
	conn->host->free(cursor->columns);
	conn->host->free(cursor);
	conn->cursor = NULL;
}

static ConnhubStatus
start_query(ConnhubCursor *cursor, const ConnhubQuery *query, ConnhubError *error)
{
	ConnhubConn *conn = cursor->conn;
	ConnhubText text = {NULL, 0, 0};
	uint32_t   *order = NULL;
	uint32_t	norder = 0;
	ConnhubStatus status = sql_bind_order(&my_dialect, conn->host, query->text, &text, &order, &norder);

	cursor->writes = query->writes && !query->columns_unknown;
	if (status != CONNHUB_OK)
		fail_no_memory(error);
	else
		status = my_statement_get(conn, text.data, query->once, &cursor->stmt, &cursor->kept, error);
	if (status == CONNHUB_OK)
		status = send_query(cursor, query, order, norder, error);
	text_free(conn->host, &text);
	conn->host->free(order);

	/* What changes rows is to have failed before it is taken for done. */
	if (status == CONNHUB_OK && (query->writes || mysql_stmt_field_count(cursor->stmt) == 0))
	{
		conn->has_written = true;
		status = read_answer(cursor, error);
	}
	if (status == CONNHUB_OK && cursor->writes)
		status = judge_write(cursor, error);

	/* A user's own text may end the transaction, and its rows are none that were written. */
	else if (status == CONNHUB_OK && query->writes && cursor->nfields == 0)
		status = my_require_unchanged(conn, mysql_warning_count(conn->mysql), error);
	return status;
}

ConnhubStatus
my_cursor_open(ConnhubConn *conn, uint32_t ncolumns, ConnhubCursor **cursor, ConnhubError *error)
{
	ConnhubCursor *made;

	if (conn->cursor != NULL)
	{
		fail_as(error, CONNHUB_INTERNAL, "a cursor is already open on the connection");
		return CONNHUB_INTERNAL;
	}
	made = conn->host->alloc(sizeof(ConnhubCursor));
	if (made == NULL)
		return fail_no_memory(error);
	memset(made, 0, sizeof(*made));
	made->conn = conn;
	made->at_end = true;
	made->nvectors = ncolumns;
	*cursor = conn->cursor = made;
	return CONNHUB_OK;
}

ConnhubStatus
my_cursor_fail(ConnhubCursor *cursor, ConnhubError *error)
{
	ConnhubError ignored;

	memset(&ignored, 0, sizeof(ignored));
	cursor->has_failed = true;
	if (my_close_cursor(cursor, &ignored) != CONNHUB_OK)
		error->connection_lost = true;
	return error->status;
}

ConnhubStatus
my_cursor_answer(ConnhubCursor *cursor, MYSQL_STMT *stmt, MyStatement *kept, ConnhubError *error)
{
	ConnhubStatus status;

	cursor->stmt = stmt;
	cursor->kept = kept;
	cursor->writes = true;
	status = read_answer(cursor, error);
	return status == CONNHUB_OK ? judge_write(cursor, error) : status;
}

ConnhubStatus
my_execute(ConnhubConn *conn, const ConnhubQuery *query, ConnhubCursor **result, ConnhubError *error)
{
	ConnhubCursor *cursor;
	ConnhubStatus status = my_cursor_open(conn, query->ncolumns, &cursor, error);

	if (status != CONNHUB_OK)
		return status;
	if (query->alone)
		status = my_repeat_read(conn, error);
	if (status == CONNHUB_OK)
		status = start_query(cursor, query, error);
	if (status != CONNHUB_OK)
		return my_cursor_fail(cursor, error);
	*result = cursor;
	return CONNHUB_OK;
}

ConnhubStatus
my_describe(ConnhubCursor *cursor, void (*found) (void *arg, const char *name, const ConnhubTypeRef *type), void *arg,
			ConnhubError *error)
{
	ConnhubStatus status = cursor->is_sent ? read_answer(cursor, error) : CONNHUB_OK;
	MYSQL_RES  *result;

	if (status != CONNHUB_OK || cursor->nfields == 0)
		return status;
	result = mysql_stmt_result_metadata(cursor->stmt);
	if (result == NULL)
		return my_stmt_error(cursor->conn, cursor->stmt, error);
	for (uint32_t i = 0; i < cursor->nfields; i++)
	{
		const MYSQL_FIELD *field = mysql_fetch_field_direct(result, i);
		ConnhubTypeRef type;

		my_field_type(field, cursor->conn->tinyint1_is_boolean, &type);
		found(arg, field->name, &type);
	}
	mysql_free_result(result);
	cursor->nvectors = cursor->nfields;
	return CONNHUB_OK;
}

ConnhubStatus
my_affected(ConnhubCursor *cursor, uint64_t *rows, ConnhubError *error)
{
	*rows = cursor->affected;
	return CONNHUB_OK;
}

ConnhubStatus
my_ready(ConnhubCursor *cursor, ConnhubWait *wait, ConnhubError *error)
{
	MyIo	   *io = &cursor->conn->io;
	ConnhubStatus status = my_settle_ready(cursor->conn, error);

	if (status != CONNHUB_OK || cursor->at_end || my_io_has_input(io))
		return status;
	wait->fd = io->fd;
	wait->events = CONNHUB_READABLE;
	wait->timeout_ms = -1;
	return CONNHUB_WAIT;
}

/* ---- Fetch ------------------------------------------------------------------------------- */

/* The first byte of the packet behind the last row, and what is longer is a row all the same. */
#define END_OF_ROWS			0xfe
#define MOST_END_BYTES		8

/* The library learns that nothing of the result is unread. */
static void
end_rows(ConnhubCursor *cursor)
{
	cursor->at_end = true;
	cursor->stmt->state = MYSQL_STMT_FETCH_DONE;
	cursor->conn->mysql->status = MYSQL_STATUS_READY;
}

/* Read the packet of the next row into the library's buffer.  OK, DONE or a failure. */
static ConnhubStatus
next_row(ConnhubCursor *cursor, size_t *length, ConnhubError *error)
{
	ConnhubConn *conn = cursor->conn;
	MYSQL	   *mysql = conn->mysql;
	const unsigned char *packet;

	*length = mysql_net_read_packet(mysql);
	if (*length == packet_error)
	{
		/* An error packet ends the rows of a healthy connection. */
		my_conn_error(conn, error);
		if (!error->connection_lost)
			end_rows(cursor);
		return error->status;
	}
	packet = mysql->net.read_pos;
	if (packet[0] == END_OF_ROWS && *length <= MOST_END_BYTES)
	{
		if (*length >= 5)
		{
			mysql->warning_count = (unsigned int) packet[1] | (unsigned int) packet[2] << 8;
			mysql->server_status = (unsigned int) packet[3] | (unsigned int) packet[4] << 8;
		}
		end_rows(cursor);
		return CONNHUB_DONE;
	}
	return CONNHUB_OK;
}

static ConnhubStatus
fail_malformed(ConnhubConn *conn, ConnhubError *error)
{
	my_io_abort(&conn->io, CONNHUB_LOST);
	fail_as(error, CONNHUB_LOST, "the source sent a malformed row");
	error->connection_lost = true;
	return CONNHUB_LOST;
}

/* Put the next row into the batch. */
static ConnhubStatus
take_row(ConnhubCursor *cursor, MyTarget *target)
{
	ConnhubConn *conn = cursor->conn;
	size_t		length;
	ConnhubStatus status = next_row(cursor, &length, target->error);
	unsigned char *packet;
	MyRowResult result;

	if (status != CONNHUB_OK)
		return status;
	packet = conn->host->batch_alloc(target->batch, length);
	if (packet == NULL)
		return fail_no_memory(target->error);
	memcpy(packet, conn->mysql->net.read_pos, length);
	target->row = target->batch->nrows;
	target->bytes += length;
	result = my_row_read(cursor->columns, cursor->nfields, cursor->nvectors, packet, length, target);
	if (result == MY_ROW_MALFORMED)
		return fail_malformed(conn, target->error);
	if (result == MY_ROW_UNFIT)
		return target->error->status;
	target->batch->nrows++;
	cursor->affected++;
	return CONNHUB_OK;
}

ConnhubStatus
my_fetch(ConnhubCursor *cursor, ConnhubBatch *batch, ConnhubError *error)
{
	ConnhubConn *conn = cursor->conn;
	MyTarget	target = {.host = conn->host, .batch = batch, .zero_dates = conn->zero_dates, .error = error};
	ConnhubStatus status = CONNHUB_OK;

	if (cursor->at_end)
		return CONNHUB_DONE;

	/* Rows may come so fast that nothing ever waits. */
	status = conn->host->cancelled();
	if (status != CONNHUB_OK)
	{
		conn->io.status = status;
		return my_error_wait(error, status);
	}
	if (cursor->is_sent)
	{
		status = read_answer(cursor, error);
		if (status != CONNHUB_OK || cursor->at_end)
			return status != CONNHUB_OK ? status : CONNHUB_DONE;
	}
	for (uint32_t i = 0; i < cursor->nvectors; i++)
		batch->columns[i].type = my_conversion_choose(&cursor->columns[i], batch->columns[i].type);
	while (batch->nrows < batch->capacity && target.bytes < batch->max_bytes)
	{
		status = take_row(cursor, &target);
		if (status != CONNHUB_OK || !my_io_has_input(&conn->io))
			break;
	}
	if (status != CONNHUB_DONE)
		return status;
	status = cursor->writes ? judge_write(cursor, error) : CONNHUB_OK;
	return status == CONNHUB_OK && batch->nrows == 0 ? CONNHUB_DONE : status;
}

/* ---- End --------------------------------------------------------------------------------- */

/* Read off what is left, at most `rows` and until the time comes.  OK: some may be left. */
static ConnhubStatus
drain(ConnhubCursor *cursor, uint64_t rows, int64_t until_ms, ConnhubError *error)
{
	ConnhubConn *conn = cursor->conn;
	ConnhubStatus status = CONNHUB_OK;
	size_t		length;

	for (uint64_t i = 0; i < rows && !cursor->at_end; i++)
	{
		if (until_ms > 0 && i % 64 == 0 && conn->host->now_ms() >= until_ms)
			break;
		if (i % 64 == 0 && (status = conn->host->cancelled()) != CONNHUB_OK)
			break;
		if (rows != UINT64_MAX && !my_io_has_input(&conn->io))
			break;
		status = next_row(cursor, &length, error);
		if (status != CONNHUB_OK)
			break;
	}
	return cursor->at_end ? CONNHUB_OK : status;
}

/* The order to stop may reach the source when the query has just ended; it then hits the next one,
 * which is this. */
static ConnhubStatus
swallow_late_kill(ConnhubConn *conn, ConnhubError *error)
{
	ConnhubStatus status = my_command(conn, "DO 0", error);

	if (status != CONNHUB_OK && error->native_code == ER_QUERY_INTERRUPTED)
		status = CONNHUB_OK;
	return status;
}

/* The answer to what was stopped may be that it was stopped. */
static ConnhubStatus
read_any_answer(ConnhubCursor *cursor, ConnhubError *error)
{
	ConnhubStatus status = read_answer(cursor, error);

	return status != CONNHUB_OK && !error->connection_lost ? CONNHUB_OK : status;
}

static ConnhubStatus
stop_rows(ConnhubCursor *cursor, ConnhubError *error)
{
	ConnhubConn *conn = cursor->conn;
	ConnhubStatus status = my_settle_ready(conn, error);

	if (status == CONNHUB_OK && cursor->is_sent && my_io_has_input(&conn->io))
		status = read_any_answer(cursor, error);
	if (status == CONNHUB_OK && !cursor->is_sent)
		status = drain(cursor, DRAIN_ROWS, conn->host->now_ms() + DRAIN_MS, error);
	if (status != CONNHUB_OK || cursor->at_end)
		return status;
	status = my_kill_query(conn, KILL_MS, error);
	if (status != CONNHUB_OK)
		return status;
	conn->io.deadline_ms = conn->host->now_ms() + AFTER_KILL_MS;
	if (cursor->is_sent)
		status = read_any_answer(cursor, error);
	if (status == CONNHUB_OK)
		status = drain(cursor, UINT64_MAX, conn->io.deadline_ms, error);
	if (status == CONNHUB_OK && !cursor->at_end)
		status = CONNHUB_TIMEOUT;
	if (status == CONNHUB_OK)
		status = swallow_late_kill(conn, error);
	conn->io.deadline_ms = 0;
	return status;
}

/* A procedure answers with a result more than its rows. */
static ConnhubStatus
skip_results(ConnhubCursor *cursor, ConnhubError *error)
{
	while (mysql_stmt_more_results(cursor->stmt))
	{
		if (mysql_stmt_next_result(cursor->stmt) != 0)
			return my_stmt_error(cursor->conn, cursor->stmt, error);
		mysql_stmt_free_result(cursor->stmt);
	}
	return CONNHUB_OK;
}

ConnhubStatus
my_close_cursor(ConnhubCursor *cursor, ConnhubError *error)
{
	ConnhubConn *conn = cursor->conn;
	ConnhubStatus status = CONNHUB_OK;

	if (!cursor->at_end && conn->io.status == CONNHUB_OK)
		status = stop_rows(cursor, error);
	if (status == CONNHUB_OK && conn->io.status == CONNHUB_OK && cursor->nfields > 0 && !cursor->has_failed)
		status = skip_results(cursor, error);
	if (conn->io.status != CONNHUB_OK || status != CONNHUB_OK)
	{
		/* Nothing may read the rest off on its own. */
		my_io_abort(&conn->io, CONNHUB_LOST);
		fail_as(error, CONNHUB_LOST, "the connection was given up with rows unread");
		error->connection_lost = true;
		status = CONNHUB_LOST;
	}
	else if (cursor->kept != NULL)
		mysql_stmt_free_result(cursor->stmt);
	free_cursor(cursor);
	return status;
}

void
my_cursor_discard(ConnhubConn *conn)
{
	if (conn->cursor != NULL)
		free_cursor(conn->cursor);
}
