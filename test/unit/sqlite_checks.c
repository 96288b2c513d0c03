/* sqlite_checks.c — what a check lets through is what the reader of its type takes, and sums do not overflow. */
#include "sqlite_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const values[] = {
	"NULL", "0", "1", "2", "-1", "9007199254740993", "9223372036854775807", "-9223372036854775808", "0.5", "-0.0", "1.0",
	"1e999", "9.3e18", "''", "'abc'", "'12'", "'1.5'", "'é'", "x''", "x'31'", "CAST(x'ff' AS text)", "'a' || char(0)"
};

static const struct
{
	const char *function;
	ConnhubType type;
	const char *stricter;		/* storage class that is refused though it can be read */
}			checks[] = {
	{"connhub_integer", CONNHUB_INT64, NULL},
	{"connhub_boolean", CONNHUB_BOOL, NULL},
	{"connhub_real", CONNHUB_FLOAT64, NULL},
	{"connhub_decimal", CONNHUB_DECIMAL, "text"},
	{"connhub_text", CONNHUB_TEXT, "integer real"},
	{"connhub_blob", CONNHUB_BYTES, NULL}
};

static void
check_value(ConnhubConn *conn, size_t check, const char *value)
{
	char		storage[32];
	char		read[256];
	char		sql[256];

	snprintf(sql, sizeof(sql), "SELECT typeof(%s)", value);
	snprintf(storage, sizeof(storage), "%s", run_one(conn, sql, CONNHUB_TEXT));
	storage[strcspn(storage, "\n")] = '\0';
	snprintf(sql, sizeof(sql), "SELECT %s", value);
	snprintf(read, sizeof(read), "%s", run_one(conn, sql, checks[check].type));
	if (strncmp(read, "status 24", 9) == 0 || (checks[check].stricter && strstr(checks[check].stricter, storage)))
		snprintf(read, sizeof(read), "status 24 column -1");
	snprintf(sql, sizeof(sql), "SELECT %s(%s)", checks[check].function, value);
	is_text(run_one(conn, sql, checks[check].type), read, "%s(%s)", checks[check].function, value);
}

static void
test_failure(ConnhubConn *conn)
{
	ConnhubType type = CONNHUB_INT64;
	FakeQuery	query = {.text = "SELECT connhub_integer(v) FROM t", .types = &type, .ntypes = 1};
	ConnhubError error;
	char	   *rows = NULL;

	is_int(fake_run(driver, conn, &query, &rows, &error), CONNHUB_DATA, "a check that fails is a matter of data");
	is_text(error.message, "a column of the query holds a value that is not of type integer: it is stored as text",
			"and says what it met");
	is_text(error.hint, "Declare the foreign column as text to read whatever it holds.", "and what to do");
	free(rows);
	is_text(run_one(conn, "SELECT count(*) FROM t WHERE v = 1 AND connhub_integer(v) = 1", CONNHUB_INT64), "1\n",
			"what a condition leaves out is not checked");
	is_text(run_one(conn, "SELECT count(*) FROM t WHERE NOT (connhub_integer(v) = 1)", CONNHUB_INT64), "status 24 column -1",
			"what it does not is");
	is_text(run_one(conn, "SELECT * FROM unsafe", CONNHUB_INT64), "status 23 column -1", "a view cannot call a check");
}

void
test_checks(void)
{
	ConnhubError error;
	ConnhubConn *conn;

	make_database("checks.db", "CREATE TABLE t (v integer); INSERT INTO t VALUES (1), ('abc'), (NULL);"
				  "CREATE VIEW unsafe AS SELECT connhub_integer(v) FROM t;"
				  "CREATE TABLE n (v); INSERT INTO n VALUES (9223372036854775807), (9223372036854775807), (NULL), (-5)");
	conn = open_database(path_of("checks.db"), "100", &error);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++)
			check_value(conn, i, values[k]);
	test_failure(conn);
	is_text(run_one(conn, "SELECT connhub_sum(v) FROM n", CONNHUB_DECIMAL), "18446744073709551609\n", "a sum of many digits");
	is_text(run_one(conn, "SELECT connhub_sum(-v) FROM n WHERE v > 0", CONNHUB_DECIMAL), "-18446744073709551614\n",
			"a negative one");
	is_text(run_one(conn, "SELECT connhub_sum(DISTINCT v) FROM n", CONNHUB_DECIMAL), "9223372036854775802\n", "one of a few");
	is_text(run_one(conn, "SELECT connhub_sum(v) FROM n WHERE v IS NULL", CONNHUB_DECIMAL), "\\N\n", "one of nothing");
	is_text(run_one(conn, "SELECT connhub_sum(v) OVER (ROWS 1 PRECEDING) FROM n", CONNHUB_DECIMAL),
			"9223372036854775807\n18446744073709551614\n9223372036854775807\n-5\n", "one over a frame");
	driver->close(conn);
}
