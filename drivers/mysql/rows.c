/* rows.c — the driver's own questions to the source: text queries, rows streamed.
 *
 * Literals are written for the sql_mode every session has here: a backslash is an ordinary character,
 * so doubling the quote is enough. */
#include <string.h>

#include "error.h"
#include "rows.h"

void
my_text_init(MyText *text, const ConnhubHost *host)
{
	memset(text, 0, sizeof(*text));
	text->host = host;
}

static void
add_bytes(MyText *text, const char *bytes, size_t length)
{
	if (text->failed)
		return;
	if (text->length + length + 1 > text->capacity)
	{
		size_t		capacity = 2 * (text->length + length) + 256;
		char	   *data = text->host->realloc(text->data, capacity);

		if (data == NULL)
		{
			text->failed = true;
			return;
		}
		text->data = data;
		text->capacity = capacity;
	}
	memcpy(text->data + text->length, bytes, length);
	text->length += length;
	text->data[text->length] = '\0';
}

void
my_text_add(MyText *text, const char *piece)
{
	add_bytes(text, piece, strlen(piece));
}

static void
add_quoted(MyText *text, const char *value, char quote)
{
	add_bytes(text, &quote, 1);
	for (; *value != '\0'; value++)
	{
		if (*value == quote)
			add_bytes(text, &quote, 1);
		add_bytes(text, value, 1);
	}
	add_bytes(text, &quote, 1);
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
	text->host->free(text->data);
	text->data = NULL;
	text->length = text->capacity = 0;
}

ConnhubStatus
my_rows_open(ConnhubConn *conn, MyText *text, MyRows *rows, ConnhubError *error)
{
	ConnhubStatus status = CONNHUB_OK;

	memset(rows, 0, sizeof(*rows));
	rows->conn = conn;
	if (text->failed)
		status = my_error_no_memory(error);
	else
		status = my_command(conn, text->data, error);
	my_text_free(text);
	if (status != CONNHUB_OK)
		return status;
	rows->result = mysql_use_result(conn->mysql);
	return rows->result != NULL ? CONNHUB_OK : my_conn_error(conn, error);
}

ConnhubStatus
my_rows_next(MyRows *rows, ConnhubError *error)
{
	ConnhubStatus status = rows->conn->host->cancelled();

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
