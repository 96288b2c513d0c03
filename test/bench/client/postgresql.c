/* test/bench/client/postgresql.c — PostgreSQL through libpq: the hub itself, and a source read directly. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "client.h"

static PGconn *conn;

static bool
open_connection(int count, char **target, Answer *answer)
{
	conn = PQconnectdb(count > 0 ? target[0] : "");
	return PQstatus(conn) == CONNECTION_OK ? true : fail(answer, PQerrorMessage(conn));
}

/* Take a result's rows and free it. */
static bool
take(PGresult *result, Answer *answer)
{
	ExecStatusType status = PQresultStatus(result);
	bool		ok = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_SINGLE_TUPLE;
	int			columns = PQnfields(result);

	if (!ok)
		fail(answer, PQerrorMessage(conn));
	for (int row = 0; ok && row < PQntuples(result); row++)
	{
		for (int column = 0; column < columns; column++)
			put_value(answer, column, PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column),
					  (size_t) PQgetlength(result, row, column));
		end_row(answer);
	}
	PQclear(result);
	return ok;
}

static bool
run(const char *sql, Answer *answer)
{
	return take(PQexec(conn, sql), answer);
}

static bool
raw_single(const char *sql, Answer *answer)
{
	PGresult   *result;
	bool		ok = true;

	if (!PQsendQueryParams(conn, sql, 0, NULL, NULL, NULL, NULL, 1) || !PQsetSingleRowMode(conn))
		return fail(answer, PQerrorMessage(conn));
	while ((result = PQgetResult(conn)) != NULL)
		ok = take(result, answer) && ok;
	return ok;
}

static uint32_t
big_endian(const char *bytes, int count)
{
	uint32_t	value = 0;

	for (int i = 0; i < count; i++)
		value = value << 8 | (unsigned char) bytes[i];
	return value;
}

/* One message of a binary COPY: a count of columns, then a length before each value. */
static void
touch_copy_row(Answer *answer, const char *at)
{
	int			columns = (int) big_endian(at, 2);

	at += 2;
	for (int column = 0; column < columns; column++)
	{
		int32_t		length = (int32_t) big_endian(at, 4);

		at += 4;
		put_value(answer, column, length < 0 ? NULL : at, length < 0 ? 0 : (size_t) length);
		at += length < 0 ? 0 : length;
	}
	end_row(answer);
}

static bool
raw_copy(const char *sql, Answer *answer)
{
	const int	header = 19;
	const int	trailer = 2;
	size_t		size = strlen(sql) + 64;
	char	   *copy = malloc(size);
	PGresult   *result;
	char	   *row;
	int			length;
	bool		first = true;

	if (!copy)
		abort();
	snprintf(copy, size, "COPY (%s) TO STDOUT (FORMAT binary)", sql);
	result = PQexec(conn, copy);
	free(copy);
	if (PQresultStatus(result) != PGRES_COPY_OUT)
		return take(result, answer);
	PQclear(result);
	while ((length = PQgetCopyData(conn, &row, 0)) > 0)
	{
		int			skip = first ? header : 0;

		first = false;
		if (length - skip > trailer)
			touch_copy_row(answer, row + skip);
		PQfreemem(row);
	}
	while ((result = PQgetResult(conn)) != NULL)
		if (!take(result, answer))
			return false;
	return true;
}

static bool
raw(const char *form, const char *sql, Answer *answer)
{
	return strcmp(form, "copy") == 0 ? raw_copy(sql, answer) : raw_single(sql, answer);
}

static bool
prepare(const char *sql, Answer *answer)
{
	PQclear(PQexec(conn, "DEALLOCATE ALL"));
	return take(PQprepare(conn, "point", sql, 0, NULL), answer);
}

static bool
execute(long key, Answer *answer)
{
	char		text[32];
	const char *values[] = {text};

	snprintf(text, sizeof(text), "%ld", key);
	return take(PQexecPrepared(conn, "point", 1, values, NULL, NULL, 0), answer);
}

const Source postgresql_source = {"postgresql", open_connection, run, raw, prepare, execute};
