/* command.c — what is sent over a connection, and when its answer is read.
 *
 * A round trip is most of a short query's time.  The server answers commands in their order, so one may be
 * sent while the answers to earlier ones are still on their way.  The library can send without
 * reading; the answers are counted here and read, oldest first, before any other. */
#include <string.h>

#include "command.h"
#include "error.h"
#include "text.h"

static ConnhubStatus
send_text(ConnhubConn *conn, const char *text, ConnhubError *error)
{
	return mysql_send_query(conn->mysql, text, strlen(text)) != 0 ? my_conn_error(conn, error) : CONNHUB_OK;
}

ConnhubStatus
my_command(ConnhubConn *conn, const char *text, ConnhubError *error)
{
	ConnhubStatus status = send_text(conn, text, error);

	if (status == CONNHUB_OK)
		status = my_settle(conn, error);
	if (status == CONNHUB_OK && mysql_read_query_result(conn->mysql) != 0)
		status = my_conn_error(conn, error);
	return status;
}

ConnhubStatus
my_command_ahead(ConnhubConn *conn, const char *text, bool more_follows, ConnhubError *error)
{
	ConnhubStatus status;

	conn->io.more_follows = more_follows;
	status = send_text(conn, text, error);
	conn->io.more_follows = false;
	if (status == CONNHUB_OK)
		conn->unanswered++;
	return status;
}

static ConnhubStatus
settle_one(ConnhubConn *conn, ConnhubError *error)
{
	conn->unanswered--;
	if (mysql_read_query_result(conn->mysql) == 0)
		return CONNHUB_OK;
	my_conn_error(conn, error);
	my_io_abort(&conn->io, CONNHUB_LOST);
	error->connection_lost = true;
	return error->status;
}

ConnhubStatus
my_settle(ConnhubConn *conn, ConnhubError *error)
{
	ConnhubStatus status = CONNHUB_OK;

	while (status == CONNHUB_OK && conn->unanswered > 0)
		status = settle_one(conn, error);
	return status;
}

ConnhubStatus
my_settle_ready(ConnhubConn *conn, ConnhubError *error)
{
	ConnhubStatus status = CONNHUB_OK;

	while (status == CONNHUB_OK && conn->unanswered > 0 && my_io_has_input(&conn->io))
		status = settle_one(conn, error);
	return status;
}

/* ---- Prepared statements ----------------------------------------------------------------- */

static void
leave_answer(ConnhubConn *conn, bool leave)
{
	my_bool		value = leave;

	mysql_optionsv(conn->mysql, MARIADB_OPT_SKIP_READ_RESPONSE, &value);
}

void
my_statement_forget(ConnhubConn *conn, MyStatement *statement)
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
		my_statement_forget(conn, &conn->statements[i]);
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
	ConnhubStatus status = CONNHUB_OK;

	if (stmt == NULL)
		return fail_no_memory(error);
	leave_answer(conn, true);
	if (mysql_stmt_prepare(stmt, text, strlen(text)) != 0)
		status = my_stmt_error(conn, stmt, error);
	leave_answer(conn, false);
	if (status == CONNHUB_OK)
		status = my_settle(conn, error);
	if (status == CONNHUB_OK && conn->mysql->methods->db_read_prepare_response(stmt) != 0)
		status = my_stmt_error(conn, stmt, error);
	if (status != CONNHUB_OK)
	{
		mysql_stmt_close(stmt);
		return status;
	}
	*result = stmt;
	return CONNHUB_OK;
}

ConnhubStatus
my_statement_get(ConnhubConn *conn, const char *text, bool once, MYSQL_STMT **stmt, MyStatement **kept,
				 ConnhubError *error)
{
	MyStatement *statement;
	ConnhubStatus status;

	*kept = NULL;
	if (once)
		return prepare(conn, text, stmt, error);
	statement = find_statement(conn, text);
	if (statement->handle == NULL || strcmp(statement->text, text) != 0)
	{
		my_statement_forget(conn, statement);
		if (!text_copy(conn->host, text, &statement->text))
			return fail_no_memory(error);
		status = prepare(conn, text, &statement->handle, error);
		if (status != CONNHUB_OK)
		{
			my_statement_forget(conn, statement);
			return status;
		}
	}
	statement->used = ++conn->runs;
	*stmt = statement->handle;
	*kept = statement;
	return CONNHUB_OK;
}

ConnhubStatus
my_statement_send(ConnhubConn *conn, MYSQL_STMT *stmt, ConnhubError *error)
{
	int			failed;

	leave_answer(conn, true);
	failed = mysql_stmt_execute(stmt);
	leave_answer(conn, false);
	return failed ? my_stmt_error(conn, stmt, error) : CONNHUB_OK;
}

ConnhubStatus
my_statement_answer(ConnhubConn *conn, MYSQL_STMT *stmt, ConnhubError *error)
{
	ConnhubStatus status = my_settle(conn, error);

	/* The library forgets the connection of its statements when that is lost. */
	if (status == CONNHUB_OK &&
		(stmt->mysql == NULL || conn->mysql->methods->db_read_execute_response(stmt) != 0))
		status = my_stmt_error(conn, stmt, error);
	return status;
}
