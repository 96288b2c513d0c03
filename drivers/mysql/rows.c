/* rows.c — the driver's own questions to the source: text queries, rows streamed.
 *
 * Literals are written for the sql_mode every session has here: a backslash is an ordinary character,
 * so doubling the quote is enough. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "error.h"
#include "rows.h"

void
my_text_init(MyText *text, const ConnhubHost *host)
{
	memset(text, 0, sizeof(*text));
	text_begin(&text->writer, host, &text->text);
}

void
my_text_add(MyText *text, const char *piece)
{
	text_string(&text->writer, piece);
}

static void
add_quoted(MyText *text, const char *value, char quote)
{
	text_char(&text->writer, quote);
	for (; *value != '\0'; value++)
	{
		if (*value == quote)
			text_char(&text->writer, quote);
		text_char(&text->writer, *value);
	}
	text_char(&text->writer, quote);
}

void
my_text_add_literal(MyText *text, const char *value)
{
	add_quoted(text, value, '\'');
}

void
my_text_add_name(MyText *text, const char *name)
{
	add_quoted(text, name, '`');
}

void
my_text_free(MyText *text)
{
	text_free(text->writer.host, &text->text);
}

uint64_t
my_text_number(const char *digits)
{
	return strtoull(digits, NULL, 10);
}

bool
my_text_is_number(const char *digits, uint64_t number)
{
	return my_text_number(digits) == number;
}

ConnhubStatus
my_rows_open(ConnhubConn *conn, MyText *text, MyRows *rows, ConnhubError *error)
{
	ConnhubStatus status = CONNHUB_OK;

	memset(rows, 0, sizeof(*rows));
	rows->conn = conn;
	if (text_end(&text->writer) != CONNHUB_OK)
		status = fail_no_memory(error);
	else
		status = my_command(conn, text->text.data, error);
	my_text_free(text);
	if (status != CONNHUB_OK)
		return status;
	rows->result = mysql_use_result(conn->mysql);
	return rows->result != NULL ? CONNHUB_OK : my_conn_error(conn, error);
}

ConnhubStatus
my_rows_next(MyRows *rows, ConnhubError *error)
{
	/* On the stack of a stepwise check it is core that looks, between two steps. */
	ConnhubStatus status = rows->conn->io.on_own_stack ? CONNHUB_OK : rows->conn->host->cancelled();

	if (status != CONNHUB_OK)
	{
		my_io_abort(&rows->conn->io, status);
		return my_error_wait(error, status);
	}
	rows->row = mysql_fetch_row(rows->result);
	if (rows->row != NULL)
		return CONNHUB_OK;
	if (rows->conn->io.status != CONNHUB_OK || mysql_errno(rows->conn->mysql) != 0)
		return my_conn_error(rows->conn, error);
	return CONNHUB_DONE;
}

void
my_rows_close(MyRows *rows)
{
	mysql_free_result(rows->result);
	rows->result = NULL;
}
