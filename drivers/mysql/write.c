/* write.c — rows into the source.
 *
 * For an INSERT, MariaDB takes many sets of parameters of one prepared statement in one packet; elsewhere it is
 * one statement with as many lists of values.  Rows are updated and deleted one by one, so that the
 * count of each is known.  A packet stays well below what the source takes.
 *
 * A value is stored as it is or not at all.  fit.c looks at each beforehand; strict mode refuses what does
 * not fit; and what is left of that in a warning or a note is made an error here, whereupon core
 * rolls back. */
#include <string.h>

#include <mysqld_error.h>

#include "command.h"
#include "dialect.h"
#include "error.h"
#include "fit.h"
#include "param.h"
#include "query.h"
#include "rows.h"
#include "write.h"

#define MOST_PLACEHOLDERS	65535	/* of one statement, by the protocol */
#define MOST_STATEMENT_BYTES	((uint64_t) 4 * 1024 * 1024)
#define VALUE_OVERHEAD		16	/* type, length and null of a value, and the fixed-size ones themselves */

typedef struct Writer
{
	ConnhubConn *conn;
	const ConnhubWrite *write;
	const ConnhubRows *rows;
	ConnhubText text;			/* with plain placeholders, for one row */
	uint32_t   *order;			/* the value of a row that stands at each */
	uint32_t	norder;
	MYSQL_BIND *binds;
	MyParam    *params;
	uint32_t	first;			/* row of the statement under way */
	uint32_t	count;			/* and how many it has */
	uint64_t	affected;
	ConnhubCursor *cursor;		/* of the rows given back, or NULL */
} Writer;

/* ---- Values ------------------------------------------------------------------------------ */

static const ConnhubValue *
value_at(const Writer *writer, uint32_t row, uint32_t placeholder)
{
	return &writer->rows->values[(size_t) row * writer->rows->ncolumns + writer->order[placeholder]];
}

static const ConnhubColumn *
column_at(const Writer *writer, uint32_t number)
{
	const ConnhubWrite *write = writer->write;

	return number < write->ncolumns ? write->columns[number] : write->keys[number - write->ncolumns];
}

static ConnhubStatus
fail_value(const ConnhubColumn *column, const ConnhubValue *value, const char *is, const char *what,
		   ConnhubError *error)
{
	fail_as(error, CONNHUB_DATA, "value for column \"%s\" %s%s", column->name, is, what);
	fail_detail(error, "It would not be stored at the source as it is.");
	fail_hint(error, "Change the value, or the column at the source.");
	memcpy(error->sqlstate, value->is_null ? "23502" : "22000", sizeof(error->sqlstate));
	return CONNHUB_DATA;
}

/* Can a row be written as it is, and how many bytes is it? */
static ConnhubStatus
measure_row(const Writer *writer, uint32_t row, uint64_t *bytes, ConnhubError *error)
{
	*bytes = 0;
	for (uint32_t i = 0; i < writer->norder; i++)
	{
		const ConnhubColumn *column = column_at(writer, writer->order[i]);
		const ConnhubValue *value = value_at(writer, row, i);
		const char *what = NULL;
		MYSQL_BIND	bind;
		MyParam		param;

		if (writer->order[i] < writer->write->ncolumns)
			what = my_value_refusal(column, value);
		if (what != NULL)
			return fail_value(column, value, "", what, error);
		what = my_param_set(&bind, &param, value);
		if (what != NULL)
			return fail_value(column, value, "is ", what, error);
		if (!value->is_null && bind.buffer_type != my_param_type(column->type.type))
		{
			fail_as(error, CONNHUB_INTERNAL, "value for column \"%s\" is of another type than the column", column->name);
			return CONNHUB_INTERNAL;
		}
		*bytes += param.length + VALUE_OVERHEAD;
	}
	return CONNHUB_OK;
}

/* ---- What became of them ----------------------------------------------------------------- */

/* Warnings that say that something else was stored than what was sent. */
static const struct
{
	unsigned int code;
	const char *sqlstate;
}			changes[] = {
	{ER_BAD_NULL_ERROR, "23502"},
	{ER_WARN_NULL_TO_NOTNULL, "23502"},
	{ER_NO_DEFAULT_FOR_FIELD, "23502"},
	{ER_WARN_DATA_OUT_OF_RANGE, "22003"},
	{ER_DATA_OUT_OF_RANGE, "22003"},
	{WARN_DATA_TRUNCATED, "22001"},
	{ER_DATA_TOO_LONG, "22001"},
	{ER_TRUNCATED_WRONG_VALUE, "22000"},
	{ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, "22000"},
	{ER_WRONG_VALUE_FOR_TYPE, "22000"},
	{ER_INVALID_CHARACTER_STRING, "22021"},
	{ER_DATETIME_FUNCTION_OVERFLOW, "22008"},
	{ER_DIVISION_BY_ZERO, "22012"}
};

static ConnhubStatus
fail_change(const char *sqlstate, const char *message, ConnhubError *error)
{
	fail_as(error, CONNHUB_DATA, "the source would not store a value as it is");
	fail_detail(error, "It reports: %s.", message);
	fail_hint(error, "Change the value, or the column at the source.");
	memcpy(error->sqlstate, sqlstate, sizeof(error->sqlstate));
	return CONNHUB_DATA;
}

static ConnhubStatus
judge_warning(const char *code, const char *message, ConnhubError *error)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
	{
		if (my_text_is_number(code, changes[i].code))
			return fail_change(changes[i].sqlstate, message, error);
	}
	return CONNHUB_OK;
}

ConnhubStatus
my_require_unchanged(ConnhubConn *conn, unsigned int warnings, ConnhubError *error)
{
	MyText		text;
	MyRows		rows;
	ConnhubStatus status;
	ConnhubStatus verdict = CONNHUB_OK;
	unsigned int seen = 0;

	if (warnings == 0)
		return CONNHUB_OK;
	my_text_init(&text, conn->host);
	my_text_add(&text, "SHOW WARNINGS");
	status = my_rows_open(conn, &text, &rows, error);
	if (status != CONNHUB_OK)
		return status;

	/* Level, code, message. */
	while ((status = my_rows_next(&rows, error)) == CONNHUB_OK)
	{
		seen++;
		if (verdict == CONNHUB_OK && rows.row[1] != NULL && rows.row[2] != NULL)
			verdict = judge_warning(rows.row[1], rows.row[2], error);
	}
	my_rows_close(&rows);
	if (status != CONNHUB_DONE)
		return status;
	if (verdict == CONNHUB_OK && seen < warnings)
		return fail_change("22000", "more warnings than it keeps", error);
	return verdict;
}

/* A statement that has ended the transaction could not be undone. */
static ConnhubStatus
require_transaction(ConnhubConn *conn, ConnhubError *error)
{
	if (!conn->in_transaction || (conn->mysql->server_status & SERVER_STATUS_IN_TRANS) != 0)
		return CONNHUB_OK;
	fail_as(error, CONNHUB_QUERY, "the source has ended the transaction");
	error->connection_lost = true;
	return CONNHUB_QUERY;
}

ConnhubStatus
my_write_outcome(ConnhubConn *conn, unsigned int warnings, ConnhubError *error)
{
	ConnhubStatus status = require_transaction(conn, error);

	return status == CONNHUB_OK ? my_require_unchanged(conn, warnings, error) : status;
}

/* ---- Statements -------------------------------------------------------------------------- */

/* The library asks for the values of each row while it puts the packet together; each has been set once
 * before without a failure. */
static my_bool
supply_row(void *data, MYSQL_BIND *binds, unsigned int row)
{
	Writer	   *writer = data;

	for (uint32_t i = 0; i < writer->norder; i++)
		my_param_set(&binds[i], &writer->params[i], value_at(writer, writer->first + row, i));
	return 0;
}

static void
set_rows(MYSQL_STMT *stmt, Writer *writer, unsigned int count)
{
	mysql_stmt_attr_set(stmt, STMT_ATTR_ARRAY_SIZE, &count);
	mysql_stmt_attr_set(stmt, STMT_ATTR_CB_USER_DATA, count > 0 ? writer : NULL);
	mysql_stmt_attr_set(stmt, STMT_ATTR_CB_PARAM, count > 0 ? (const void *) supply_row : NULL);
}

/* Many rows as sets of parameters. */
static ConnhubStatus
bind_sets(Writer *writer, MYSQL_STMT *stmt)
{
	memset(writer->binds, 0, writer->norder * sizeof(MYSQL_BIND));
	for (uint32_t i = 0; i < writer->norder; i++)
		writer->binds[i].buffer_type = my_param_type(column_at(writer, writer->order[i])->type.type);
	set_rows(stmt, writer, writer->count);
	return mysql_stmt_bind_param(stmt, writer->binds) != 0 ? CONNHUB_QUERY : CONNHUB_OK;
}

/* Many rows as lists of values. */
static ConnhubStatus
bind_lists(Writer *writer, MYSQL_STMT *stmt)
{
	for (uint32_t row = 0; row < writer->count; row++)
	{
		uint32_t	base = row * writer->norder;

		for (uint32_t i = 0; i < writer->norder; i++)
			my_param_set(&writer->binds[base + i], &writer->params[base + i], value_at(writer, writer->first + row, i));
	}
	return writer->norder > 0 && mysql_stmt_bind_param(stmt, writer->binds) != 0 ? CONNHUB_QUERY : CONNHUB_OK;
}

static ConnhubStatus
run(Writer *writer, const char *text, bool as_sets, bool once, ConnhubError *error)
{
	ConnhubConn *conn = writer->conn;
	uint32_t	expected = as_sets ? writer->norder : writer->norder * writer->count;
	MyStatement *kept;
	MYSQL_STMT *stmt;
	ConnhubStatus status = my_statement_get(conn, text, once, &stmt, &kept, error);

	if (status != CONNHUB_OK)
		return status;
	if (mysql_stmt_param_count(stmt) != expected)
	{
		fail_as(error, CONNHUB_QUERY, "the source finds %lu parameters in the statement, the driver %u",
				mysql_stmt_param_count(stmt), expected);
		status = CONNHUB_QUERY;
	}
	else if ((as_sets ? bind_sets(writer, stmt) : bind_lists(writer, stmt)) != CONNHUB_OK)
		status = my_stmt_error(conn, stmt, error);
	if (status == CONNHUB_OK)
		status = my_statement_send(conn, stmt, error);
	set_rows(stmt, writer, 0);
	if (status == CONNHUB_OK && writer->cursor != NULL)
		return my_cursor_answer(writer->cursor, stmt, kept, error);
	if (status == CONNHUB_OK)
		status = my_statement_answer(conn, stmt, error);
	if (status == CONNHUB_OK)
	{
		writer->affected += mysql_stmt_affected_rows(stmt);
		status = my_write_outcome(conn, mysql_stmt_warning_count(stmt), error);
	}
	if (kept == NULL)
		mysql_stmt_close(stmt);
	else if (status != CONNHUB_OK)
		my_statement_forget(conn, kept);
	return status;
}

/* ---- Text -------------------------------------------------------------------------------- */

static const char *
skip_quoted(const char *p)
{
	char		quote = *p++;

	while (*p != '\0' && *p != quote)
		p++;
	return *p != '\0' ? p + 1 : p;
}

/* The list of values of one row, with its parentheses; false: there is none. */
static bool
find_list(const char *text, const char **start, const char **end)
{
	static const char word[] = " VALUES (";
	const char *p = text;
	int			depth = 0;

	while (*p != '\0' && strncmp(p, word, sizeof(word) - 1) != 0)
		p = strchr("'\"`", *p) != NULL ? skip_quoted(p) : p + 1;
	if (*p == '\0')
		return false;
	p += sizeof(word) - 2;
	*start = p;
	do
	{
		depth += (*p == '(') - (*p == ')');
		p = strchr("'\"`", *p) != NULL && *p != '\0' ? skip_quoted(p) : p + 1;
	} while (depth > 0 && *p != '\0');
	*end = p;
	return depth == 0;
}

ConnhubStatus
my_repeat_row(const ConnhubHost *host, const char *text, uint32_t count, ConnhubText *out, ConnhubError *error)
{
	TextWriter	writer;
	const char *start;
	const char *end;

	if (!find_list(text, &start, &end))
	{
		fail_as(error, CONNHUB_INTERNAL, "the statement has no list of values");
		return CONNHUB_INTERNAL;
	}
	text_begin(&writer, host, out);
	text_bytes(&writer, text, (size_t) (end - text));
	for (uint32_t i = 1; i < count; i++)
	{
		text_string(&writer, ", ");
		text_bytes(&writer, start, (size_t) (end - start));
	}
	text_string(&writer, end);
	return text_end(&writer) == CONNHUB_OK ? CONNHUB_OK : fail_no_memory(error);
}

static ConnhubStatus
run_lists(Writer *writer, bool once, ConnhubError *error)
{
	ConnhubText text = {NULL, 0, 0};
	ConnhubStatus status;

	if (writer->count == 1)
		return run(writer, writer->text.data, false, false, error);
	status = my_repeat_row(writer->conn->host, writer->text.data, writer->count, &text, error);
	if (status == CONNHUB_OK)
		status = run(writer, text.data, false, once, error);
	text_free(writer->conn->host, &text);
	return status;
}

/* ---- Rows -------------------------------------------------------------------------------- */

static bool
takes_sets(const Writer *writer)
{
	unsigned long capabilities = 0;

	return writer->write->kind == CONNHUB_INSERT && writer->norder > 0 && writer->rows->nrows > 1 &&
		writer->write->nreturning == 0 &&
		mariadb_get_infov(writer->conn->mysql, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES, &capabilities) == 0 &&
		(capabilities & (MARIADB_CLIENT_STMT_BULK_OPERATIONS >> 32)) != 0;
}

/* Rows of one statement at most, by what the protocol lets be said at once. */
static uint32_t
most_rows(const Writer *writer, bool as_sets)
{
	if (writer->write->kind != CONNHUB_INSERT)
		return 1;
	if (as_sets || writer->norder == 0)
		return writer->rows->nrows;
	return MOST_PLACEHOLDERS / writer->norder;
}

static ConnhubStatus
ask_packet_size(ConnhubConn *conn, ConnhubError *error)
{
	MyText		text;
	MyRows		rows;
	ConnhubStatus status;

	if (conn->most_packet_bytes > 0)
		return CONNHUB_OK;
	my_text_init(&text, conn->host);
	my_text_add(&text, "SELECT @@max_allowed_packet");
	status = my_rows_open(conn, &text, &rows, error);
	if (status != CONNHUB_OK)
		return status;
	status = my_rows_next(&rows, error);
	if (status == CONNHUB_OK && rows.row[0] != NULL)
		conn->most_packet_bytes = my_text_number(rows.row[0]);
	my_rows_close(&rows);
	return status == CONNHUB_DONE ? CONNHUB_OK : status;
}

/* Choose the rows of the next statement: as many as fit. */
static ConnhubStatus
choose_rows(Writer *writer, uint32_t most, ConnhubError *error)
{
	uint64_t	left = writer->conn->most_packet_bytes / 2;
	uint64_t	bytes;
	ConnhubStatus status = CONNHUB_OK;

	if (left > MOST_STATEMENT_BYTES)
		left = MOST_STATEMENT_BYTES;
	for (writer->count = 0; writer->count < most && writer->first + writer->count < writer->rows->nrows; writer->count++)
	{
		status = measure_row(writer, writer->first + writer->count, &bytes, error);
		if (status != CONNHUB_OK || (bytes > left && writer->count > 0))
			break;
		left -= bytes < left ? bytes : left;
	}
	return status;
}

static ConnhubStatus
write_rows(Writer *writer, ConnhubError *error)
{
	bool		as_sets = takes_sets(writer);
	uint32_t	most = most_rows(writer, as_sets);
	ConnhubStatus status = ask_packet_size(writer->conn, error);

	while (status == CONNHUB_OK && writer->first < writer->rows->nrows)
	{
		status = choose_rows(writer, most, error);
		if (status == CONNHUB_OK && writer->cursor != NULL && writer->count < writer->rows->nrows)
		{
			fail_as(error, CONNHUB_UNSUPPORTED, "so many rows cannot be written and given back at once");
			fail_hint(error, "Lower batch_size of the connector.");
			status = CONNHUB_UNSUPPORTED;
		}
		if (status == CONNHUB_OK && as_sets)
			status = run(writer, writer->text.data, true, false, error);
		else if (status == CONNHUB_OK)
			status = run_lists(writer, writer->first + writer->count == writer->rows->nrows, error);
		writer->first += writer->count;
	}
	return status;
}

static ConnhubStatus
prepare_writer(Writer *writer, const char *text, ConnhubError *error)
{
	const ConnhubHost *host = writer->conn->host;
	uint32_t	nvalues = writer->write->ncolumns + writer->write->nkeys;
	size_t		nbinds;

	if (sql_bind_order(&my_dialect, host, text, &writer->text, &writer->order, &writer->norder) != CONNHUB_OK)
		return fail_no_memory(error);
	for (uint32_t i = 0; i < writer->norder; i++)
	{
		if (writer->order[i] >= nvalues || writer->order[i] >= writer->rows->ncolumns)
		{
			fail_as(error, CONNHUB_INTERNAL, "the statement uses value %u of a row of %u", writer->order[i] + 1,
					writer->rows->ncolumns);
			return CONNHUB_INTERNAL;
		}
	}
	if (writer->norder == 0)
		return CONNHUB_OK;
	nbinds = writer->norder;
	if (writer->write->kind == CONNHUB_INSERT && !takes_sets(writer))
		nbinds *= writer->rows->nrows < MOST_PLACEHOLDERS / writer->norder ? writer->rows->nrows :
			MOST_PLACEHOLDERS / writer->norder;
	writer->binds = host->alloc(nbinds * sizeof(MYSQL_BIND));
	writer->params = host->alloc(nbinds * sizeof(MyParam));
	return writer->binds != NULL && writer->params != NULL ? CONNHUB_OK : fail_no_memory(error);
}

ConnhubStatus
my_write(ConnhubConn *conn, const ConnhubWrite *write, const char *text, const ConnhubRows *rows, uint64_t *affected,
		 ConnhubCursor **cursor, ConnhubError *error)
{
	static const ConnhubRows no_rows = {.struct_size = sizeof(no_rows), .nrows = 1};
	Writer		writer = {.conn = conn, .write = write, .rows = write->kind == CONNHUB_TRUNCATE ? &no_rows : rows};
	ConnhubStatus status = prepare_writer(&writer, text, error);

	conn->has_written = true;
	if (status == CONNHUB_OK && write->nreturning > 0)
		status = my_cursor_open(conn, write->nreturning, &writer.cursor, error);
	if (status == CONNHUB_OK)
		status = write_rows(&writer, error);
	if (status != CONNHUB_OK && writer.cursor != NULL)
		status = my_cursor_fail(writer.cursor, error);
	else
		*cursor = writer.cursor;
	*affected = writer.cursor != NULL ? rows->nrows : writer.affected;
	conn->host->free(writer.binds);
	conn->host->free(writer.params);
	conn->host->free(writer.order);
	text_free(conn->host, &writer.text);
	return status;
}
