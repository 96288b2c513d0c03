/* test/bench/client/mariadb.c — a MariaDB source read directly, through libmariadb.
 *
 * TARGET is host, port, user and database; the password is in BENCH_PASSWORD. */
#include <stdlib.h>
#include <string.h>

#include <mysql.h>

#include "client.h"

enum
{
	MAX_COLUMNS = 64,
	VALUE_BYTES = 1024
};

static MYSQL *conn;
static MYSQL_STMT *point;

static bool
open_connection(int count, char **target, Answer *answer)
{
	conn = mysql_init(NULL);
	if (count < 4)
		return fail(answer, "mariadb takes HOST PORT USER DATABASE");
	if (!mysql_real_connect(conn, target[0], target[2], getenv("BENCH_PASSWORD"), target[3],
							(unsigned int) atoi(target[1]), NULL, 0))
		return fail(answer, mysql_error(conn));
	return mysql_set_character_set(conn, "utf8mb4") == 0 ? true : fail(answer, mysql_error(conn));
}

static bool
run(const char *sql, Answer *answer)
{
	MYSQL_RES  *result;
	MYSQL_ROW	row;
	int			columns;

	if (mysql_real_query(conn, sql, strlen(sql)) != 0)
		return fail(answer, mysql_error(conn));
	result = mysql_store_result(conn);
	if (!result)
		return mysql_errno(conn) == 0 ? true : fail(answer, mysql_error(conn));
	columns = (int) mysql_num_fields(result);
	while ((row = mysql_fetch_row(result)) != NULL)
	{
		unsigned long *lengths = mysql_fetch_lengths(result);

		for (int column = 0; column < columns; column++)
			put_value(answer, column, row[column], lengths[column]);
		end_row(answer);
	}
	mysql_free_result(result);
	return true;
}

static enum enum_field_types
buffer_type(enum enum_field_types type)
{
	switch (type)
	{
		case MYSQL_TYPE_TINY:
		case MYSQL_TYPE_SHORT:
		case MYSQL_TYPE_INT24:
		case MYSQL_TYPE_LONG:
		case MYSQL_TYPE_LONGLONG:
			return MYSQL_TYPE_LONGLONG;
		case MYSQL_TYPE_FLOAT:
		case MYSQL_TYPE_DOUBLE:
			return MYSQL_TYPE_DOUBLE;
		case MYSQL_TYPE_DATE:
		case MYSQL_TYPE_DATETIME:
		case MYSQL_TYPE_TIMESTAMP:
			return MYSQL_TYPE_DATETIME;
		default:
			return MYSQL_TYPE_STRING;
	}
}

/* Read all rows of an executed statement without a cursor, each value into a bound buffer. */
static bool
read_statement(MYSQL_STMT *statement, Answer *answer)
{
	static char values[MAX_COLUMNS][VALUE_BYTES];
	MYSQL_BIND	bind[MAX_COLUMNS] = {0};
	unsigned long lengths[MAX_COLUMNS];
	my_bool		nulls[MAX_COLUMNS];
	MYSQL_RES  *described = mysql_stmt_result_metadata(statement);
	int			columns = described ? (int) mysql_num_fields(described) : 0;
	int			status;

	if (columns == 0 || columns > MAX_COLUMNS)
		return fail(answer, "no result, or too many columns");
	for (int column = 0; column < columns; column++)
	{
		bind[column].buffer_type = buffer_type(mysql_fetch_field_direct(described, (unsigned int) column)->type);
		bind[column].buffer = values[column];
		bind[column].buffer_length = VALUE_BYTES;
		bind[column].length = &lengths[column];
		bind[column].is_null = &nulls[column];
	}
	mysql_free_result(described);
	if (mysql_stmt_bind_result(statement, bind))
		return fail(answer, mysql_stmt_error(statement));
	while ((status = mysql_stmt_fetch(statement)) == 0)
	{
		for (int column = 0; column < columns; column++)
			put_value(answer, column, nulls[column] ? NULL : values[column], lengths[column]);
		end_row(answer);
	}
	mysql_stmt_free_result(statement);
	return status == MYSQL_NO_DATA ? true : fail(answer, status == MYSQL_DATA_TRUNCATED ? "a value is too long" :
												 mysql_stmt_error(statement));
}

static bool
raw(const char *form, const char *sql, Answer *answer)
{
	MYSQL_STMT *statement = mysql_stmt_init(conn);
	bool		ok;

	(void) form;
	if (mysql_stmt_prepare(statement, sql, strlen(sql)) || mysql_stmt_execute(statement))
		ok = fail(answer, mysql_stmt_error(statement));
	else
		ok = read_statement(statement, answer);
	mysql_stmt_close(statement);
	return ok;
}

static bool
prepare(const char *sql, Answer *answer)
{
	if (point)
		mysql_stmt_close(point);
	point = mysql_stmt_init(conn);
	return mysql_stmt_prepare(point, sql, strlen(sql)) == 0 ? true : fail(answer, mysql_stmt_error(point));
}

static bool
execute(long key, Answer *answer)
{
	MYSQL_BIND	bind = {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &key};

	if (mysql_stmt_bind_param(point, &bind) || mysql_stmt_execute(point))
		return fail(answer, mysql_stmt_error(point));
	return read_statement(point, answer);
}

const Source mariadb_source = {"mariadb", open_connection, run, raw, prepare, execute};
