/* test/bench/client/sqlite.c — a SQLite file read directly.  TARGET is its path. */
#include <sqlite3.h>

#include "client.h"

static sqlite3 *db;
static sqlite3_stmt *point;

static bool
open_connection(int count, char **target, Answer *answer)
{
	if (count < 1)
		return fail(answer, "sqlite takes FILE");
	return sqlite3_open(target[0], &db) == SQLITE_OK ? true : fail(answer, sqlite3_errmsg(db));
}

static bool
read_statement(sqlite3_stmt *statement, Answer *answer)
{
	int			status;

	while ((status = sqlite3_step(statement)) == SQLITE_ROW)
	{
		for (int column = 0; column < sqlite3_column_count(statement); column++)
		{
			const char *value = (const char *) sqlite3_column_text(statement, column);

			put_value(answer, column, value, (size_t) sqlite3_column_bytes(statement, column));
		}
		end_row(answer);
	}
	return status == SQLITE_DONE ? true : fail(answer, sqlite3_errmsg(db));
}

static bool
run(const char *sql, Answer *answer)
{
	sqlite3_stmt *statement;
	bool		ok;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		return fail(answer, sqlite3_errmsg(db));
	ok = read_statement(statement, answer);
	sqlite3_finalize(statement);
	return ok;
}

static bool
raw(const char *form, const char *sql, Answer *answer)
{
	(void) form;
	return run(sql, answer);
}

static bool
prepare(const char *sql, Answer *answer)
{
	sqlite3_finalize(point);
	point = NULL;
	return sqlite3_prepare_v2(db, sql, -1, &point, NULL) == SQLITE_OK ? true : fail(answer, sqlite3_errmsg(db));
}

static bool
execute(long key, Answer *answer)
{
	sqlite3_reset(point);
	sqlite3_bind_int64(point, 1, key);
	return read_statement(point, answer);
}

const Source sqlite_source = {"sqlite", open_connection, run, raw, prepare, execute};
