/* sqlite_writes.c — part of test_sqlite.c: what is written reads back the same or is refused, and a transaction does as it
 * is told. */
#include "sqlite_parts.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const ConnhubOption writable[] = {{"read_only", "false"}};
static const ConnhubSource target = {
	.struct_size = sizeof(target), .type = "sqlite", .product = "SQLite", .version_num = 34001, .flags = 1,
	.options = writable, .noptions = 1
};

/* Columns as discovery would describe them, and an INSERT of all of them. */
static ConnhubColumn fields[3];
static const ConnhubColumn *const field_list[] = {&fields[0], &fields[1], &fields[2]};

static void
set_field(int i, const char *name, ConnhubType type, const char *remote_type)
{
	memset(&fields[i], 0, sizeof(fields[i]));
	fields[i].name = name;
	fields[i].type.type = fields[i].natural.type = type;
	fields[i].remote_type = remote_type;
	fields[i].collation = "BINARY";
}

static ConnhubVerdictKind
judge_write(const ConnhubSource *source, const ConnhubWrite *write)
{
	ConnhubVerdict verdict = {0};
	ConnhubPiece piece = {.struct_size = sizeof(piece), .kind = CONNHUB_PIECE_WRITE, .write = write};

	driver->judge(source, &piece, &verdict);
	if (verdict.kind == CONNHUB_REFUSE)
		ok(verdict.reason[0] != '\0', "refused: %s", verdict.reason);
	return verdict.kind;
}

/* Render a write and run it; its rows given back are left in *cursor. */
static ConnhubStatus
do_write(ConnhubConn *conn, const ConnhubWrite *write, const ConnhubValue *values, uint32_t nrows, uint64_t *affected,
		 ConnhubCursor **cursor, ConnhubError *error)
{
	ConnhubRows rows = {
		.struct_size = sizeof(rows), .nrows = nrows, .ncolumns = write->ncolumns + write->nkeys, .values = values
	};
	ConnhubText text = {0};
	ConnhubStatus status;

	memset(error, 0, sizeof(*error));
	status = driver->render_write(&target, write, &text, error);
	if (status == CONNHUB_OK)
		status = driver->write(conn, write, text.data, &rows, affected, cursor, error);
	fake_host.free(text.data);
	return status;
}

static ConnhubValue
number(ConnhubType type, int64_t integer)
{
	return (ConnhubValue) {.type = {.type = type}, .v.integer = integer};
}

static ConnhubValue
word(ConnhubType type, const char *text)
{
	return (ConnhubValue) {.type = {.type = type}, .v.slice = {text, strlen(text)}};
}

/* What is written reads back the same, or is refused: by type (no) or by value (data). */
static void
test_store(void)
{
	static const struct
	{
		const char *declared;
		ConnhubType type;
		const char *text;		/* of a slice */
		double		real;
		int64_t		integer;
		const char *want;
	}			cases[] = {
		{"INTEGER", CONNHUB_INT64, NULL, 0, INT64_MIN, "-9223372036854775808\n"},
		{"TEXT", CONNHUB_INT64, NULL, 0, 1, "no"},
		{"REAL", CONNHUB_INT32, NULL, 0, 1, "no"},
		{"BOOLEAN", CONNHUB_BOOL, NULL, 0, 1, "1\n"},
		{"TEXT", CONNHUB_BOOL, NULL, 0, 1, "no"},
		{"REAL", CONNHUB_FLOAT64, NULL, 0.1, 0, "0.10000000000000001\n"},
		{"REAL", CONNHUB_FLOAT64, NULL, __builtin_inf(), 0, "inf\n"},
		{"REAL", CONNHUB_FLOAT64, NULL, __builtin_nan(""), 0, "data"},
		{"INTEGER", CONNHUB_FLOAT64, NULL, 3, 0, "3\n"},
		{"TEXT", CONNHUB_FLOAT64, NULL, 3, 0, "no"},
		{"NUMERIC(12,2)", CONNHUB_DECIMAL, "1.50", 0, 0, "1.5\n"},
		{"NUMERIC", CONNHUB_DECIMAL, "-9223372036854775808.00", 0, 0, "-9223372036854775808\n"},
		{"NUMERIC", CONNHUB_DECIMAL, "12345678901234567890.12345", 0, 0, "data"},
		{"NUMERIC", CONNHUB_DECIMAL, "0.1234567890123456789", 0, 0, "data"},
		{"NUMERIC", CONNHUB_DECIMAL, "100000000000000000000", 0, 0, "1e+20\n"},
		{"NUMERIC", CONNHUB_DECIMAL, "0.000012", 0, 0, "1.2e-05\n"},
		{"NUMERIC", CONNHUB_DECIMAL, "NaN", 0, 0, "data"},
		{"NUMERIC", CONNHUB_DECIMAL, "-Infinity", 0, 0, "-Infinity\n"},
		{"REAL", CONNHUB_DECIMAL, "9007199254740993", 0, 0, "data"},
		{"REAL", CONNHUB_DECIMAL, "-7", 0, 0, "-7\n"},
		{"TEXT", CONNHUB_DECIMAL, "12345678901234567890.12345", 0, 0, "12345678901234567890.12345\n"},
		{"TEXT", CONNHUB_DECIMAL, "Infinity", 0, 0, "data"},
		{"", CONNHUB_DECIMAL, "0.1234567890123456789", 0, 0, "0.1234567890123456789\n"},
		{"DATE", CONNHUB_DATE, NULL, 0, 19782, "19782\n"},
		{"TEXT", CONNHUB_DATE, NULL, 0, -719162, "-719162\n"},
		{"DATE", CONNHUB_DATE, NULL, 0, CONNHUB_INFINITY, "data"},
		{"TIME", CONNHUB_TIME, NULL, 0, INT64_C(86399999990), "86399999990\n"},
		{"TIME", CONNHUB_TIME, NULL, 0, INT64_C(86400000000), "86400000000\n"},
		{"DATETIME", CONNHUB_TIMESTAMP, NULL, 0, -1, "-1\n"},
		{"DATETIME", CONNHUB_TIMESTAMP, NULL, 0, INT64_C(253402300799999999), "253402300799999999\n"},
		{"DATETIME", CONNHUB_TIMESTAMP, NULL, 0, INT64_C(253402300800000000), "data"},
		{"DATETIME", CONNHUB_TIMESTAMP, NULL, 0, CONNHUB_MINUS_INFINITY, "data"},
		{"TIMESTAMPTZ", CONNHUB_TIMESTAMPTZ, NULL, 0, INT64_C(1709164800500000), "1709164800500000\n"},
		{"TEXT", CONNHUB_TEXT, "01", 0, 0, "01\n"},
		{"TEXT", CONNHUB_TEXT, "", 0, 0, "\n"},
		{"STRING", CONNHUB_TEXT, "abc", 0, 0, "abc\n"},
		{"STRING", CONNHUB_TEXT, "-12", 0, 0, "-12\n"},
		{"STRING", CONNHUB_TEXT, "555 1234", 0, 0, "555 1234\n"},
		{"STRING", CONNHUB_TEXT, "2024-02-29", 0, 0, "2024-02-29\n"},
		{"STRING", CONNHUB_TEXT, "01", 0, 0, "data"},
		{"STRING", CONNHUB_TEXT, " 1\t", 0, 0, "data"},
		{"STRING", CONNHUB_TEXT, "1.0", 0, 0, "data"},
		{"STRING", CONNHUB_TEXT, "1e99999", 0, 0, "data"},
		{"STRING", CONNHUB_TEXT, "-0", 0, 0, "data"},
		{"REAL", CONNHUB_TEXT, "1", 0, 0, "data"},
		{"", CONNHUB_TEXT, "1.0", 0, 0, "1.0\n"},
		{"JSON", CONNHUB_JSON, "{\"a\": 1}", 0, 0, "{\"a\": 1}\n"},
		{"JSON", CONNHUB_JSON, "1.50", 0, 0, "data"},
		{"BLOB", CONNHUB_BYTES, "xyz", 0, 0, "\\x78797a\n"},
		{"INTEGER", CONNHUB_BYTES, "1", 0, 0, "\\x31\n"},
		{"UUID", CONNHUB_UUID, "0123456789abcdef", 0, 0, "\\x30313233343536373839616263646566\n"},
		{"INTERVAL", CONNHUB_INTERVAL, NULL, 0, 0, "no"},
	};
	ConnhubError error;
	ConnhubConn *conn;
	size_t		i;

	make_database("store.db", "CREATE TABLE t (v)");
	conn = open_database(path_of("store.db"), "100", &error);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		ConnhubWrite insert = {
			.struct_size = sizeof(insert), .kind = CONNHUB_INSERT, .table = "t", .is_plain_table = true,
			.columns = field_list, .ncolumns = 1
		};
		ConnhubValue value = cases[i].text ? word(cases[i].type, cases[i].text) : number(cases[i].type, cases[i].integer);
		ConnhubCursor *cursor;
			const char *got;
		char		sql[100];
		uint64_t	affected;
		sqlite3    *other;

		if (cases[i].type == CONNHUB_FLOAT64)
			value.v.real = cases[i].real;
		sqlite3_open(path_of("store.db"), &other);
		snprintf(sql, sizeof(sql), "DROP TABLE t; CREATE TABLE t (v %s)", cases[i].declared);
		sqlite3_exec(other, sql, NULL, NULL, NULL);
		sqlite3_close(other);
		set_field(0, "v", cases[i].type, cases[i].declared);
		if (judge_write(&target, &insert) == CONNHUB_REFUSE)
			got = "no";
		else if (do_write(conn, &insert, &value, 1, &affected, &cursor, &error) == CONNHUB_DATA)
			got = error.column == 0 ? "data" : "a failure without its column";
		else
			got = run_one(conn, "SELECT v FROM t", cases[i].type);
		is_text(got, cases[i].want, "case %d of %s", (int) i, cases[i].declared);
	}
	driver->close(conn);
}

/* Print the rows that a write gave back. */
static const char *
given_back(ConnhubCursor *cursor, ConnhubType type)
{
	static char text[200];
	ConnhubTypeRef wanted = {.type = type, .precision = -1};
	ConnhubBatch *batch = fake_batch_create(1, 2);
	ConnhubError error = {0};
	int			length = 0;

	text[0] = '\0';
	for (fake_batch_reset(batch, &wanted); driver->fetch(cursor, batch, &error) == CONNHUB_OK;
		 fake_batch_reset(batch, &wanted))
		for (uint32_t row = 0; row < batch->nrows; row++)
			length += snprintf(text + length, sizeof(text) - (size_t) length, "%d ", (int) batch->columns[0].v.integers[row]);
	driver->close_cursor(cursor, &error);
	fake_batch_free(batch);
	return text;
}

static void
check_fails(ConnhubConn *conn, const ConnhubWrite *write, const ConnhubValue *values, const char *sqlstate,
			const char *what)
{
	ConnhubError error;
	ConnhubCursor *cursor = NULL;
	uint64_t	affected;

	ok(do_write(conn, write, values, 1, &affected, &cursor, &error) != CONNHUB_OK, "%s fails", what);
	is_text(error.sqlstate, sqlstate, "%s: SQLSTATE, %s", what, error.message);
}

/* Whole writes in one transaction with savepoints; a failure leaves it usable. */
static void
test_write(void)
{
	ConnhubTxn	txn = {.struct_size = sizeof(txn), .one_snapshot = true};
	ConnhubWrite insert = {
		.struct_size = sizeof(insert), .kind = CONNHUB_INSERT, .table = "t", .is_plain_table = true,
		.columns = field_list, .ncolumns = 2, .returning = field_list, .nreturning = 1
	};
	ConnhubWrite change = {
		.struct_size = sizeof(change), .kind = CONNHUB_UPDATE, .table = "t", .is_plain_table = true,
		.columns = &field_list[1], .ncolumns = 1, .keys = field_list, .nkeys = 1
	};
	ConnhubWrite empty = {.struct_size = sizeof(empty), .kind = CONNHUB_TRUNCATE, .table = "t", .is_plain_table = true};
	ConnhubValue values[6] = {
		number(CONNHUB_INT64, 1), word(CONNHUB_TEXT, "a"), number(CONNHUB_INT64, 2), word(CONNHUB_TEXT, "b"),
		number(CONNHUB_INT64, 3), word(CONNHUB_TEXT, "c")
	};
	ConnhubValue update[] = {word(CONNHUB_TEXT, "z"), number(CONNHUB_INT64, 2), word(CONNHUB_TEXT, "y"),
	number(CONNHUB_INT64, 9)};
	ConnhubCursor *cursor;
	ConnhubError error = {0};
	ConnhubConn *conn;
	uint64_t	affected;

	make_database("write.db", "PRAGMA journal_mode = wal; CREATE TABLE p (n TEXT PRIMARY KEY);"
				  "INSERT INTO p VALUES ('a'), ('b'), ('c'), ('z'); CREATE TABLE log (n); ANALYZE;"
				  "CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT NOT NULL REFERENCES p CHECK (n <> 'q'));"
				  "CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.id); END;");
	set_field(0, "id", CONNHUB_INT64, "INTEGER PRIMARY KEY");
	set_field(1, "n", CONNHUB_TEXT, "TEXT");
	conn = open_database(path_of("write.db"), "100", &error);
	is_int(driver->begin(conn, &txn, &error), CONNHUB_OK, "begin");
	is_int(do_write(conn, &insert, values, 3, &affected, &cursor, &error), CONNHUB_OK, "insert three rows");
	is_int((int64_t) affected, 3, "triggers do not count");
	is_text(given_back(cursor, CONNHUB_INT64), "1 2 3 ", "each row is given back");
	is_text(run_one(conn, "SELECT count(*) FROM log", CONNHUB_INT64), "3\n", "triggers run");
	insert.nreturning = 0;
	is_int(driver->savepoint(conn, 1, &error), CONNHUB_OK, "savepoint");
	check_fails(conn, &insert, values, "23505", "a key twice");
	values[0].is_null = true;
	values[1].is_null = true;
	check_fails(conn, &insert, values, "23502", "a null");
	values[1] = word(CONNHUB_TEXT, "q");
	check_fails(conn, &insert, values, "23514", "a forbidden value");
	values[1] = word(CONNHUB_TEXT, "nobody");
	check_fails(conn, &insert, values, "23503", "a key of nothing");
	is_int(driver->rollback_to(conn, 1, &error), CONNHUB_OK, "rollback to the savepoint");
	insert.skip_conflicts = true;
	insert.nreturning = 1;
	values[0] = number(CONNHUB_INT64, 4);
	values[1] = word(CONNHUB_TEXT, "z");
	is_int(do_write(conn, &insert, values, 3, &affected, &cursor, &error), CONNHUB_OK, "conflicts are left out");
	is_int((int64_t) affected, 1, "and not counted");
	is_text(given_back(cursor, CONNHUB_INT64), "4 ", "nor given back");
	is_int(do_write(conn, &change, update, 2, &affected, &cursor, &error), CONNHUB_OK, "update by key");
	is_int((int64_t) affected, 1, "finds one of two rows");
	ok(cursor == NULL, "and gives none back");
	is_int(driver->release(conn, 1, &error), CONNHUB_OK, "release");
	is_int(driver->commit(conn, &error), CONNHUB_OK, "commit");
	is_text(run_one(conn, "SELECT group_concat(id || n, ' ') FROM t", CONNHUB_TEXT), "1a 2z 3c 4z\n", "what is there");
	driver->begin(conn, &txn, &error);
	is_int(do_write(conn, &empty, NULL, 0, &affected, &cursor, &error), CONNHUB_OK, "empty the table");
	is_text(run_one(conn, "SELECT count(*) FROM t", CONNHUB_INT64), "0\n", "nothing is left");
	is_int(driver->rollback(conn, &error), CONNHUB_OK, "rollback");
	is_text(run_one(conn, "UPDATE t SET n = 'c' WHERE id > 1 RETURNING id", CONNHUB_INT64), "2\n3\n4\n", "update at one go");
	is_text(run_one(conn, "DELETE FROM sqlite_master", CONNHUB_INT64), "status 23 column -1", "the schema is not data");
	is_text(run_one(conn, "DELETE FROM sqlite_stat1", CONNHUB_INT64), "status 16 column -1", "statistics neither");
	is_text(run_one(conn, "DROP TABLE log", CONNHUB_INT64), "status 16 column -1", "tables stay");
	driver->close(conn);
}

/* Who may not write is told why, and a stale snapshot is a serialization failure. */
static void
test_write_refused(void)
{
	ConnhubTxn	txn = {.struct_size = sizeof(txn), .one_snapshot = true};
	ConnhubWrite erase = {
		.struct_size = sizeof(erase), .kind = CONNHUB_DELETE, .table = "t", .is_plain_table = true,
		.keys = field_list, .nkeys = 1
	};
	ConnhubValue key = number(CONNHUB_INT64, 2);
	ConnhubSource source = target;
	ConnhubError error = {0};
	ConnhubConn *conn;
	sqlite3    *other;

	sqlite3_open(path_of("write.db"), &other);
	conn = open_database(path_of("write.db"), "100", &error);
	driver->begin(conn, &txn, &error);
	sqlite3_exec(other, "INSERT INTO log VALUES (0)", NULL, NULL, NULL);
	check_fails(conn, &erase, &key, "40001", "a write after another's");
	driver->rollback(conn, &error);
	driver->begin(conn, &txn, &error);
	sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	check_fails(conn, &erase, &key, "40001", "a write beside another's");
	sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
	driver->rollback(conn, &error);
	sqlite3_close(other);
	txn.read_only = true;
	driver->begin(conn, &txn, &error);
	check_fails(conn, &erase, &key, "25006", "a write in a read-only transaction");
	ok(strncmp(run_one(conn, "DELETE FROM t", CONNHUB_INT64), "status 16", 9) == 0, "so does a query that writes");
	driver->rollback(conn, &error);
	driver->close(conn);
	read_only = "true";
	conn = open_database(path_of("write.db"), "100", &error);
	check_fails(conn, &erase, &key, "25006", "a write by a read-only connector");
	driver->close(conn);
	read_only = "false";
	is_int(judge_write(&target, &erase), CONNHUB_EXACT, "delete by rowid");
	set_field(0, "id", CONNHUB_TEXT, "");
	is_int(judge_write(&target, &erase), CONNHUB_REFUSE, "delete by a column without a type");
	set_field(0, "id", CONNHUB_TIMESTAMP, "DATETIME");
	is_int(judge_write(&target, &erase), CONNHUB_REFUSE, "delete by a timestamp");
	set_field(0, "id", CONNHUB_UUID, "UUID");
	is_int(judge_write(&target, &erase), CONNHUB_EXACT, "delete by a uuid");
	erase.is_plain_table = false;
	is_int(judge_write(&target, &erase), CONNHUB_REFUSE, "a view");
	erase.is_plain_table = true;
	source.noptions = 0;
	is_int(judge_write(&source, &erase), CONNHUB_REFUSE, "by default");
}

/* An UPDATE at one go, whose count is known at its end. */
static void
test_modify(void)
{
	const ConnhubExpr *id = fake_column("id", CONNHUB_INT64, "INTEGER PRIMARY KEY", NULL);
	const ConnhubExpr *name = fake_column("n", CONNHUB_TEXT, "TEXT", "BINARY");
	const ConnhubExpr *price = fake_column("d", CONNHUB_DECIMAL, "NUMERIC", NULL);
	const ConnhubExpr *filter = fake_call(CONNHUB_FN_GT, NULL, id, fake_param(CONNHUB_INT64, 1), NULL, NULL);
	ConnhubRequest request = {
		.struct_size = sizeof(request), .table = "t", .outputs = &id, .noutputs = 1, .filters = &filter, .nfilters = 1
	};
	ConnhubAssignment assignment = {name->column, fake_param(CONNHUB_TEXT, 0)};
	ConnhubModify modify = {
		.struct_size = sizeof(modify), .kind = CONNHUB_UPDATE, .request = &request, .assignments = &assignment,
		.nassignments = 1
	};
	ConnhubPiece piece = {
		.struct_size = sizeof(piece), .kind = CONNHUB_PIECE_ASSIGN, .column = name->column, .expr = assignment.value
	};
	ConnhubValue params[] = {word(CONNHUB_TEXT, "b"), number(CONNHUB_INT64, 2)};
	ConnhubTypeRef wanted = {.type = CONNHUB_INT64, .precision = -1};
	ConnhubQuery query = {
		.struct_size = sizeof(query), .params = params, .nparams = 2, .columns = &wanted, .ncolumns = 1, .writes = true
	};
	ConnhubVerdict verdict = {0};
	ConnhubText text = {0};
	ConnhubError error = {0};
	ConnhubCursor *cursor = NULL;
	ConnhubBatch *batch = fake_batch_create(1, 10);
	ConnhubWait wait;
	uint64_t	affected = 0;
	ConnhubConn *conn = open_database(path_of("write.db"), "100", &error);

	driver->judge(&target, &piece, &verdict);
	is_int(verdict.kind, CONNHUB_EXACT, "text may be assigned: %s", verdict.reason);
	piece.expr = name;
	driver->judge(&target, &piece, &verdict);
	is_int(verdict.kind, CONNHUB_EXACT, "so may a column that is checked: %s", verdict.reason);
	piece.column = price->column;
	piece.expr = fake_param(CONNHUB_DECIMAL, 0);
	memset(&verdict, 0, sizeof(verdict));
	driver->judge(&target, &piece, &verdict);
	is_int(verdict.kind, CONNHUB_REFUSE, "nor a decimal: %s", verdict.reason);
	is_int(driver->render_modify(&target, &modify, &text, &error), CONNHUB_OK, "render");
	is_text(text.data, "UPDATE \"main\".\"t\" SET \"n\" = ?1 WHERE (\"t\".\"id\" > ?2) RETURNING \"t\".\"id\"", "its text");
	query.text = text.data;
	is_int(driver->execute(conn, &query, &cursor, &error), CONNHUB_OK, "execute: %s", error.message);
	is_int(driver->ready(cursor, &wait, &error), CONNHUB_OK, "rows are ready");
	fake_batch_reset(batch, &wanted);
	is_int(driver->fetch(cursor, batch, &error), CONNHUB_OK, "fetch");
	is_int(batch->nrows, 2, "two rows are given back");
	fake_batch_reset(batch, &wanted);
	is_int(driver->fetch(cursor, batch, &error), CONNHUB_DONE, "and no more");
	is_int(driver->affected(cursor, &affected, &error), CONNHUB_OK, "their number");
	is_int((int64_t) affected, 2, "is known");
	driver->close_cursor(cursor, &error);
	fake_host.free(text.data);
	fake_batch_free(batch);
	driver->close(conn);
}

/* Waiting for the file's one writer ends in time, a transaction rolled back by the library is not gone on with, and a file
 * that cannot be written to can be read. */
static void
test_obstacles(void)
{
	ConnhubTxn	txn = {.struct_size = sizeof(txn)};
	ConnhubWrite insert = {
		.struct_size = sizeof(insert), .kind = CONNHUB_INSERT, .table = "t", .is_plain_table = true,
		.columns = field_list, .ncolumns = 1
	};
	ConnhubValue value = number(CONNHUB_INT64, 5);
	ConnhubError error = {0};
	ConnhubCursor *cursor;
	uint64_t	affected;
	ConnhubConn *conn;
	sqlite3    *other;

	make_database("obstacle.db", "CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)");
	set_field(0, "a", CONNHUB_INT64, "INTEGER PRIMARY KEY");
	conn = open_database(path_of("obstacle.db"), "1000", &error);
	sqlite3_open(path_of("obstacle.db"), &other);
	sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	fake.virtual_clock = true;
	driver->begin(conn, &txn, &error);
	is_int(do_write(conn, &insert, &value, 1, &affected, &cursor, &error), CONNHUB_BUSY, "another writes");
	ok(fake.clock_ms >= 900 && fake.clock_ms <= 1100, "after the time set: %d ms", (int) fake.clock_ms);
	fake.cancel_at_ms = fake.clock_ms + 100;
	is_int(do_write(conn, &insert, &value, 1, &affected, &cursor, &error), CONNHUB_CANCELLED, "the wait is cancelled");
	fake_reset();
	driver->rollback(conn, &error);
	sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(other);
	driver->begin(conn, &txn, &error);
	is_int(do_write(conn, &insert, &value, 1, &affected, &cursor, &error), CONNHUB_OK, "a row");
	is_text(run_one(conn, "INSERT OR ROLLBACK INTO t VALUES (1) RETURNING a", CONNHUB_INT64), "status 23 column -1", "all undone");
	value.v.integer = 6;
	check_fails(conn, &insert, &value, "25P02", "what comes after");
	ok(driver->commit(conn, &error) != CONNHUB_OK, "and the commit fails");
	is_text(run_one(conn, "SELECT count(*) FROM t", CONNHUB_INT64), "1\n", "nothing was written");
	driver->close(conn);
	if (geteuid() == 0)
	{
		skip("the superuser can write any file");
		return;
	}
	chmod(path_of("obstacle.db"), 0444);
	memset(&error, 0, sizeof(error));
	conn = open_database(path_of("obstacle.db"), "100", &error);
	ok(conn != NULL, "a file that cannot be written to opens");
	is_text(run_one(conn, "SELECT a FROM t", CONNHUB_INT64), "1\n", "and is read");
	check_fails(conn, &insert, &value, "25006", "writing to it");
	driver->close(conn);
}

static void
test_write_memory(void)
{
	ConnhubWrite insert = {
		.struct_size = sizeof(insert), .kind = CONNHUB_INSERT, .table = "t", .is_plain_table = true,
		.columns = field_list, .ncolumns = 1, .returning = field_list, .nreturning = 1
	};
	ConnhubValue values[70];
	int64_t		n;
	int			failures = 0;

	for (int i = 0; i < 70; i++)
		values[i] = number(CONNHUB_INT64, i);
	make_database("memory.db", "CREATE TABLE t (a INTEGER)");
	set_field(0, "a", CONNHUB_INT64, "INTEGER");
	for (n = 1;; n++)
	{
		int64_t		live = fake.live;
		ConnhubCursor *cursor = NULL;
		ConnhubError error;
		uint64_t	affected;
		ConnhubConn *conn;
		ConnhubStatus status;

		conn = open_database(path_of("memory.db"), "100", &error);
		fake.allocs = 0;
		fake.fail_alloc = n;
		status = do_write(conn, &insert, values, 70, &affected, &cursor, &error);
		if (cursor)
			driver->close_cursor(cursor, &error);
		driver->close(conn);
		if (fake.allocs < n)
			break;
		failures += status != CONNHUB_NO_MEMORY || fake.live != live;
		fake_reset();
	}
	is_int(failures, 0, "each of %d allocations of a write may fail", (int) n - 1);
	fake_reset();
}

void
test_writes(void)
{
	read_only = "false";
	test_store();
	test_write();
	test_write_refused();
	test_modify();
	test_obstacles();
	test_write_memory();
	read_only = "true";
}
