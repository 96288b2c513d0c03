/* query.c — prepared statements, their rows streamed from the socket.
 *
 * Rows come in the binary protocol without a server-side cursor, so that nothing is stored at the
 * source or here beyond one batch.  The library hands over each row's packet; it is copied whole, once, and
 * the slices of a batch point into the copy.  Only the wait for the first row of a batch, and for the
 * rest of a row that has begun, may last.
 *
 * While rows are unread the connection can do nothing else; what is left when a cursor is closed is
 * read off if it is little, else stopped from a second connection. */
#include <string.h>

#include <mysqld_error.h>

#include "dialect.h"
#include "error.h"
#include "param.h"
#include "query.h"
#include "text.h"
#include "value.h"

#define DRAIN_ROWS		1000	/* rows read off before the source is asked to stop */
#define DRAIN_MS		50		/* and how long */
#define KILL_MS			2000	/* most time to reach the source for stopping */
#define AFTER_KILL_MS	2000	/* and for it to obey */

struct ConnhubCursor
{
	ConnhubConn *conn;
	MYSQL_STMT *stmt;
	MyStatement *kept;			/* where stmt is kept; NULL: it is this cursor's own */
	bool		at_end;			/* nothing unread */
	uint32_t	nfields;
	MyColumn   *columns;		/* one per field of the result */
	uint32_t	nvectors;		/* columns core asked for: as many, or none */
};

/* ---- Statements -------------------------------------------------------------------------- */

static void
forget_statement(ConnhubConn *conn, MyStatement *statement)
{
	if (statement->handle != NULL)
		mysql_stmt_close(statement->handle);
	conn->host->free(statement->text);
	statement->handle = NULL;
	statement->text = NULL;
}

void
my_statements_forget(ConnhubConn *conn)
{
	for (int i = 0; i < MY_STATEMENTS; i++)
		forget_statement(conn, &conn->statements[i]);
}

/* The kept statement of this text, or the slot to keep it in. */
static MyStatement *
find_statement(ConnhubConn *conn, const char *text)
{
	MyStatement *oldest = &conn->statements[0];

	for (int i = 0; i < MY_STATEMENTS; i++)
	{
		MyStatement *statement = &conn->statements[i];

		if (statement->handle != NULL && strcmp(statement->text, text) == 0)
			return statement;
		if (statement->handle == NULL)
		{
			if (oldest->handle != NULL)
				oldest = statement;
		}
		else if (oldest->handle != NULL && statement->used < oldest->used)
			oldest = statement;
	}
	return oldest;
}

static ConnhubStatus
prepare(ConnhubConn *conn, const char *text, MYSQL_STMT **result, ConnhubError *error)
{
	MYSQL_STMT *stmt = mysql_stmt_init(conn->mysql);

	if (stmt == NULL)
		return fail_no_memory(error);
	if (mysql_stmt_prepare(stmt, text, strlen(text)) != 0)
	{
		my_stmt_error(conn, stmt, error);
		mysql_stmt_close(stmt);
		return error->status;
	}
	*result = stmt;
	return CONNHUB_OK;
}

static ConnhubStatus
get_statement(ConnhubConn *conn, const char *text, bool once, ConnhubCursor *cursor, ConnhubError *error)
{
	MyStatement *statement;
	ConnhubStatus status;

	if (once)
		return prepare(conn, text, &cursor->stmt, error);
	statement = find_statement(conn, text);
	if (statement->handle == NULL || strcmp(statement->text, text) != 0)
	{
		forget_statement(conn, statement);
		if (!text_copy(conn->host, text, &statement->text))
			return fail_no_memory(error);
		status = prepare(conn, text, &statement->handle, error);
		if (status != CONNHUB_OK)
		{
			forget_statement(conn, statement);
			return status;
		}
	}
	statement->used = ++conn->runs;
	cursor->stmt = statement->handle;
	cursor->kept = statement;
	return CONNHUB_OK;
}

/* ---- Execute ----------------------------------------------------------------------------- */

/* Parameters of fewer bytes fit into a packet wherever the setting was not made smaller than it comes. */
#define LARGE_PARAMETERS	(1024 * 1024)

/* A server that finds a packet too large hangs up, mostly before it is heard saying why. */
static void
explain_loss(const MyParam *params, uint32_t nparams, ConnhubError *error)
{
	unsigned long total = 0;

	for (uint32_t i = 0; i < nparams; i++)
		total += params[i].length;
	if (error->connection_lost && total >= LARGE_PARAMETERS)
	{
		error->retryable = false;
		fail_hint(error, "The parameters are %lu bytes together: the source takes no more than its max_allowed_packet. "
				  "Turn connhub.pushdown off for the query to compare the value here.", total);
	}
}

/* order[i] is the parameter that stands at the i-th placeholder. */
static ConnhubStatus
run(ConnhubCursor *cursor, const ConnhubQuery *query, const uint32_t *order, uint32_t norder, ConnhubError *error)
{
	ConnhubConn *conn = cursor->conn;
	MYSQL_BIND *binds = NULL;
	MyParam    *params = NULL;
	ConnhubStatus status = CONNHUB_OK;

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
	if (norder > 0)
	{
		binds = conn->host->alloc(norder * sizeof(MYSQL_BIND));
		params = conn->host->alloc(norder * sizeof(MyParam));
		if (binds == NULL || params == NULL)
			status = fail_no_memory(error);
		for (uint32_t i = 0; status == CONNHUB_OK && i < norder; i++)
			status = my_param_set(&binds[i], &params[i], &query->params[order[i]], order[i], error);
		if (status == CONNHUB_OK && mysql_stmt_bind_param(cursor->stmt, binds) != 0)
			status = my_stmt_error(conn, cursor->stmt, error);
	}
	if (status == CONNHUB_OK && mysql_stmt_execute(cursor->stmt) != 0)
	{
		status = my_stmt_error(conn, cursor->stmt, error);
		explain_loss(params, norder, error);
	}
	conn->host->free(binds);
	conn->host->free(params);
	return status;
}

static ConnhubStatus
fail_shape(ConnhubCursor *cursor, const ConnhubQuery *query, ConnhubError *error)
{
	fail_as(error, CONNHUB_QUERY, "the query returns %u columns, but %u were expected",
			cursor->nfields, query->ncolumns);
	return CONNHUB_QUERY;
}

static ConnhubStatus
describe(ConnhubCursor *cursor, const ConnhubQuery *query, ConnhubError *error)
{
	ConnhubConn *conn = cursor->conn;
	MYSQL_RES  *result;

	cursor->nfields = mysql_stmt_field_count(cursor->stmt);
	cursor->at_end = cursor->nfields == 0;
	cursor->nvectors = query->ncolumns;
	if (cursor->at_end)
		return query->ncolumns > 0 ? fail_shape(cursor, query, error) : CONNHUB_OK;
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
	return query->ncolumns > 0 && query->ncolumns != cursor->nfields ?
		fail_shape(cursor, query, error) : CONNHUB_OK;
}

static void
free_cursor(ConnhubCursor *cursor)
{
	ConnhubConn *conn = cursor->conn;

	if (cursor->kept == NULL && cursor->stmt != NULL)
		mysql_stmt_close(cursor->stmt);
	for (uint32_t i = 0; cursor->columns != NULL && i < cursor->nfields; i++)
		conn->host->free(cursor->columns[i].name);
	conn->host->free(cursor->columns);
	conn->host->free(cursor);
	conn->cursor = NULL;
}

ConnhubStatus
my_execute(ConnhubConn *conn, const ConnhubQuery *query, ConnhubCursor **result, ConnhubError *error)
{
	ConnhubCursor *cursor;
	ConnhubText text = {NULL, 0, 0};
	uint32_t   *order = NULL;
	uint32_t	norder = 0;
	ConnhubError ignored;
	ConnhubStatus status;

	if (conn->cursor != NULL)
	{
		fail_as(error, CONNHUB_INTERNAL, "a cursor is already open on the connection");
		return CONNHUB_INTERNAL;
	}
	cursor = conn->host->alloc(sizeof(ConnhubCursor));
	if (cursor == NULL)
		return fail_no_memory(error);
	memset(cursor, 0, sizeof(*cursor));
	cursor->conn = conn;
	cursor->at_end = true;
	conn->cursor = cursor;
	status = sql_bind_order(&my_dialect, conn->host, query->text, &text, &order, &norder);
	if (status != CONNHUB_OK)
		fail_no_memory(error);
	else
		status = get_statement(conn, text.data, query->once, cursor, error);
	if (status == CONNHUB_OK)
		status = run(cursor, query, order, norder, error);
	text_free(conn->host, &text);
	conn->host->free(order);
	if (status == CONNHUB_OK)
		status = describe(cursor, query, error);
	if (status != CONNHUB_OK)
	{
		MyStatement *kept = cursor->kept;

		/* A kept statement that fails is prepared afresh next time: its tables may have changed. */
		memset(&ignored, 0, sizeof(ignored));
		if (my_close_cursor(cursor, &ignored) != CONNHUB_OK)
			error->connection_lost = true;
		if (kept != NULL)
			forget_statement(conn, kept);
		return status;
	}
	*result = cursor;
	return CONNHUB_OK;
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
			mysql->server_status = (unsigned int) packet[3] | (unsigned int) packet[4] << 8;
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
	for (uint32_t i = 0; i < cursor->nvectors; i++)
		batch->columns[i].type = my_conversion_choose(&cursor->columns[i], batch->columns[i].type);
	while (batch->nrows < batch->capacity && target.bytes < batch->max_bytes)
	{
		status = take_row(cursor, &target);
		if (status != CONNHUB_OK || !my_io_has_input(&conn->io))
			break;
	}
	if (status == CONNHUB_DONE && batch->nrows > 0)
		return CONNHUB_OK;
	return status;
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

static ConnhubStatus
stop_rows(ConnhubCursor *cursor, ConnhubError *error)
{
	ConnhubConn *conn = cursor->conn;
	ConnhubStatus status;

	status = drain(cursor, DRAIN_ROWS, conn->host->now_ms() + DRAIN_MS, error);
	if (status != CONNHUB_OK || cursor->at_end)
		return status;
	status = my_kill_query(conn, KILL_MS, error);
	if (status != CONNHUB_OK)
		return status;
	conn->io.deadline_ms = conn->host->now_ms() + AFTER_KILL_MS;
	status = drain(cursor, UINT64_MAX, conn->io.deadline_ms, error);
	if (status == CONNHUB_OK && !cursor->at_end)
		status = CONNHUB_TIMEOUT;
	if (status == CONNHUB_OK)
		status = swallow_late_kill(conn, error);
	conn->io.deadline_ms = 0;
	return status;
}

ConnhubStatus
my_close_cursor(ConnhubCursor *cursor, ConnhubError *error)
{
	ConnhubConn *conn = cursor->conn;
	ConnhubStatus status = CONNHUB_OK;

	if (!cursor->at_end && conn->io.status == CONNHUB_OK)
		status = stop_rows(cursor, error);
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
