/* test_sqlite.c — claim: the sqlite driver reads every stored value as it is or says why not, means what PostgreSQL means in
 * what it sends, and cannot be made to leave its file. */
#include "sqlite_parts.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const ConnhubDriver *driver;
const char *read_only = "true";
static char folder[] = "/tmp/connhub-unit.XXXXXX";

const char *
path_of(const char *name)
{
	static char path[4][256];
	static int	turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

/* Make a database by the library itself. */
void
make_database(const char *name, const char *sql)
{
	sqlite3    *db;
	char	   *message = NULL;

	unlink(path_of(name));
	if (sqlite3_open(path_of(name), &db) != SQLITE_OK || sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
	{
		printf("Bail out! %s: %s\n", name, message ? message : "could not be made");
		exit(1);
	}
	sqlite3_close(db);
}

ConnhubConn *
open_database(const char *path, const char *busy_timeout, ConnhubError *error)
{
	ConnhubOption options[] = {{"read_only", read_only}, {"busy_timeout", busy_timeout}};
	ConnhubConfig config = {
		.struct_size = sizeof(config), .type = "sqlite", .database = path, .options = options, .noptions = 2
	};
	ConnhubConn *conn;

	fake_open(driver, &config, &conn, error);
	return conn;
}

static void
check_open_fails(const char *path, ConnhubStatus status, const char *what)
{
	ConnhubError error;
	ConnhubConn *conn = open_database(path, "100", &error);

	ok(conn == NULL, "%s: open fails", what);
	is_int(error.status, status, "%s: status", what);
	ok(error.message[0] != '\0', "%s: message \"%s\"", what, error.message);
	if (conn)
		driver->close(conn);
}

static void
write_file(const char *name, const char *data, size_t length)
{
	FILE	   *file = fopen(path_of(name), "wb");

	if (file == NULL || fwrite(data, 1, length, file) != length || fclose(file) != 0)
	{
		printf("Bail out! %s cannot be written\n", name);
		exit(1);
	}
}

static void
test_open(void)
{
	char		page[4096];
	ConnhubError error;
	ConnhubConn *conn;
	ConnhubInfo info = {{0}};
	struct stat file;

	check_open_fails(path_of("missing.db"), CONNHUB_NO_DATABASE, "missing file");
	ok(stat(path_of("missing.db"), &file) != 0, "no file was made");
	check_open_fails(folder, CONNHUB_PERMISSION, "directory");
	check_open_fails("/dev/null", CONNHUB_PERMISSION, "device");
	check_open_fails("relative.db", CONNHUB_CONFIG, "relative name");
	memset(page, 'x', sizeof(page));
	write_file("text.db", page, sizeof(page));
	check_open_fails(path_of("text.db"), CONNHUB_NO_DATABASE, "not a database");
	check_open_fails(path_of("file:text.db?mode=rwc"), CONNHUB_NO_DATABASE, "URI name");
	mkfifo(path_of("pipe"), 0600);
	check_open_fails(path_of("pipe"), CONNHUB_PERMISSION, "pipe");
	if (geteuid() == 0)
		skip("the superuser can read any file");
	else
	{
		make_database("secret.db", "CREATE TABLE t (a)");
		chmod(path_of("secret.db"), 0);
		check_open_fails(path_of("secret.db"), CONNHUB_PERMISSION, "unreadable file");
	}

	make_database("plain.db", "CREATE TABLE t (a)");
	conn = open_database(path_of("plain.db"), "100", &error);
	ok(conn != NULL, "a database opens");
	is_int(driver->check(conn, CONNHUB_CHECK_ACCESS, &info, &error), CONNHUB_OK, "and may be read");
	is_text(info.product, "SQLite", "product");
	ok(info.version_num >= 33700 && info.version_num < 99999, "version %u", info.version_num);
	is_text(info.encoding, "UTF-8", "encoding");
	unlink(path_of("plain.db"));
	is_int(driver->check(conn, CONNHUB_CHECK_ALIVE, &info, &error), CONNHUB_LOST, "a removed file is noticed");
	driver->close(conn);
}

/* One query of one file; rows or the status and message go into static text. */
static const char *
run(ConnhubConn *conn, const char *sql, const ConnhubType *types, uint32_t ntypes, const ConnhubValue *params,
	uint32_t nparams)
{
	static char *text;
	FakeQuery	query = {.text = sql, .types = types, .ntypes = ntypes, .params = params, .nparams = nparams};
	ConnhubError error;
	ConnhubStatus status;

	free(text);
	status = fake_run(driver, conn, &query, &text, &error);
	if (status != CONNHUB_OK)
		fake_print(&text, "status %d column %d", (int) status, (int) error.column);
	return text;
}

const char *
run_one(ConnhubConn *conn, const char *sql, ConnhubType type)
{
	return run(conn, sql, &type, 1, NULL, 0);
}

static void
test_values(void)
{
	static const struct
	{
		const char *sql;
		ConnhubType type;
		const char *want;
	}			cases[] = {
		{"SELECT 9223372036854775807 UNION ALL SELECT -9223372036854775808 UNION ALL SELECT NULL", CONNHUB_INT64,
		"9223372036854775807\n-9223372036854775808\n\\N\n"},
		{"SELECT 70000", CONNHUB_INT16, "70000\n"},
		{"SELECT 1.5", CONNHUB_INT64, "status 24 column 0"},
		{"SELECT 'x'", CONNHUB_INT64, "status 24 column 0"},
		{"SELECT x'31'", CONNHUB_INT64, "status 24 column 0"},
		{"SELECT 1 UNION ALL SELECT 'x'", CONNHUB_INT64, "1\nstatus 24 column 0"},
		{"SELECT 1 UNION ALL SELECT 0", CONNHUB_BOOL, "1\n0\n"},
		{"SELECT 2", CONNHUB_BOOL, "status 24 column 0"},
		{"SELECT 1e999 UNION ALL SELECT -1e999 UNION ALL SELECT 0.1", CONNHUB_FLOAT64,
		"inf\n-inf\n0.10000000000000001\n"},
		{"SELECT 9007199254740993", CONNHUB_FLOAT64, "status 24 column 0"},
		{"SELECT 9223372036854775807", CONNHUB_FLOAT64, "status 24 column 0"},
		{"SELECT 9007199254740992", CONNHUB_FLOAT64, "9007199254740992\n"},
		{"SELECT 0.1 UNION ALL SELECT 3.0 UNION ALL SELECT 1e22 UNION ALL SELECT 7", CONNHUB_DECIMAL,
		"0.1\n3\n1e+22\n7\n"},
		{"SELECT '12345678901234567890.12345' UNION ALL SELECT '-1e5'", CONNHUB_DECIMAL,
		"12345678901234567890.12345\n-1e5\n"},
		{"SELECT '1.2.3'", CONNHUB_DECIMAL, "status 24 column 0"},
		{"SELECT ''", CONNHUB_DECIMAL, "status 24 column 0"},
		{"SELECT 'é€😀'", CONNHUB_TEXT, "é€😀\n"},
		{"SELECT ''", CONNHUB_TEXT, "\n"},
		{"SELECT 5 UNION ALL SELECT 3.0 UNION ALL SELECT 0.1 UNION ALL SELECT 1e999", CONNHUB_TEXT,
		"5\n3.0\n0.1\nInfinity\n"},
		{"SELECT x'6162'", CONNHUB_TEXT, "status 24 column 0"},
		{"SELECT CAST(x'ff' AS TEXT)", CONNHUB_TEXT, "status 24 column 0"},
		{"SELECT CAST(x'c080' AS TEXT)", CONNHUB_TEXT, "status 24 column 0"},
		{"SELECT CAST(x'eda080' AS TEXT)", CONNHUB_TEXT, "status 24 column 0"},
		{"SELECT 'a' || char(0) || 'b'", CONNHUB_TEXT, "status 24 column 0"},
		{"SELECT x'00ff' UNION ALL SELECT x''", CONNHUB_BYTES, "\\x00ff\n\\x\n"},
		{"SELECT 'text'", CONNHUB_BYTES, "status 24 column 0"},
		{"SELECT '2024-02-29' UNION ALL SELECT '0000-01-01' UNION ALL SELECT '9999-12-31'", CONNHUB_DATE,
		"19782\n-719528\n2932896\n"},
		{"SELECT '2024-02-29 00:00:00'", CONNHUB_DATE, "19782\n"},
		{"SELECT '2024-02-29 00:00:01'", CONNHUB_DATE, "status 24 column 0"},
		{"SELECT '2023-02-29'", CONNHUB_DATE, "status 24 column 0"},
		{"SELECT '24-1-1'", CONNHUB_DATE, "status 24 column 0"},
		{"SELECT 1704067200", CONNHUB_DATE, "19723\n"},
		{"SELECT julianday('2024-01-01')", CONNHUB_DATE, "19723\n"},
		{"SELECT '2024-01-01 10:00:00.5' UNION ALL SELECT '2024-01-01T10:00' UNION ALL SELECT 1704067200",
		CONNHUB_TIMESTAMP, "1704103200500000\n1704103200000000\n1704067200000000\n"},
		{"SELECT julianday('2024-01-01 10:00:00')", CONNHUB_TIMESTAMP, "1704103200000000\n"},
		{"SELECT '2024-01-01 10:00:00.1234567'", CONNHUB_TIMESTAMP, "status 24 column 0"},
		{"SELECT '2024-01-01 10:00:00Z'", CONNHUB_TIMESTAMP, "status 24 column 0"},
		{"SELECT '2024-01-01 24:00:00'", CONNHUB_TIMESTAMP, "status 24 column 0"},
		{"SELECT 1e300", CONNHUB_TIMESTAMP, "status 24 column 0"},
		{"SELECT 9223372036854775807", CONNHUB_TIMESTAMP, "status 24 column 0"},
		{"SELECT '2024-01-01 10:00:00+02:00' UNION ALL SELECT '2024-01-01 10:00:00Z' UNION ALL "
		"SELECT '2024-01-01 10:00:00'", CONNHUB_TIMESTAMPTZ, "1704096000000000\n1704103200000000\n1704103200000000\n"},
		{"SELECT '23:59:59.999999' UNION ALL SELECT '00:00'", CONNHUB_TIME, "86399999999\n0\n"},
		{"SELECT '25:00:00'", CONNHUB_TIME, "status 24 column 0"},
		{"SELECT '00112233-4455-6677-8899-AABBccddeeff'", CONNHUB_UUID, "\\x00112233445566778899aabbccddeeff\n"},
		{"SELECT x'00112233445566778899aabbccddeeff'", CONNHUB_UUID, "\\x00112233445566778899aabbccddeeff\n"},
		{"SELECT '00112233x4455-6677-8899-aabbccddeeff'", CONNHUB_UUID, "status 24 column 0"},
		{"SELECT x'00'", CONNHUB_UUID, "status 24 column 0"},
		{"SELECT '{\"a\": 1}' UNION ALL SELECT 5", CONNHUB_JSON, "{\"a\": 1}\n5\n"},
		{"SELECT 1e999", CONNHUB_JSON, "status 24 column 0"},
		{"SELECT '10.0.0.1'", CONNHUB_NATIVE, "10.0.0.1\n"},
		{"SELECT '1 day'", CONNHUB_INTERVAL, "1 day\n"},
	};
	ConnhubError error;
	ConnhubConn *conn;
	size_t		i;

	make_database("values.db", "CREATE TABLE t (a)");
	conn = open_database(path_of("values.db"), "100", &error);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_text(run_one(conn, cases[i].sql, cases[i].type), cases[i].want, "%s as %d", cases[i].sql, (int) cases[i].type);
	driver->close(conn);
}

/* Nothing but reading this file is possible. */
static void
test_fence(void)
{
	static const char *const denied[] = {
		"ATTACH ':memory:' AS x", "INSERT INTO t VALUES (9)", "UPDATE t SET a = 9", "DELETE FROM t", "DROP TABLE t",
		"CREATE TABLE u (a)", "CREATE TEMP TABLE u (a)", "PRAGMA writable_schema = 1", "PRAGMA journal_mode = off",
		"PRAGMA trusted_schema = 1", "PRAGMA temp_store_directory = '/'", "VACUUM INTO '/tmp/x'",
		"SELECT load_extension('x')", "SELECT 1; SELECT 2", "", "-- nothing", "SELECT \"nosuch\" FROM t",
		"DETACH main", "REINDEX", "ANALYZE", "PRAGMA encoding = 'UTF-16'", "PRAGMA user_version = 3",
		"SELECT fts3_tokenizer('simple', x'00')", "BEGIN", "COMMIT", "SAVEPOINT s"
	};
	ConnhubType type = CONNHUB_INT64;
	ConnhubError error;
	ConnhubConn *conn;
	size_t		i;

	make_database("fence.db", "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
	conn = open_database(path_of("fence.db"), "100", &error);
	for (i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		ok(strncmp(run_one(conn, denied[i], type), "status", 6) == 0, "<%s> is denied", denied[i]);
	is_text(run_one(conn, "SELECT a FROM t;  -- the end", type), "1\n", "reading works");
	driver->close(conn);
}

static void
test_locks(void)
{
	ConnhubError error;
	ConnhubConn *conn;
	sqlite3    *other;

	make_database("lock.db", "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
	sqlite3_open(path_of("lock.db"), &other);
	sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL);
	fake.virtual_clock = true;
	conn = open_database(path_of("lock.db"), "1000", &error);
	ok(conn == NULL, "a locked file cannot be opened");
	is_int(error.status, CONNHUB_BUSY, "it is busy");
	ok(error.retryable, "and may be tried again");
	ok(fake.clock_ms >= 900 && fake.clock_ms <= 1100, "after the time set: %d ms", (int) fake.clock_ms);
	fake.cancel_at_ms = fake.clock_ms + 100;
	conn = open_database(path_of("lock.db"), "1000", &error);
	ok(conn == NULL, "waiting for a lock");
	is_int(error.status, CONNHUB_CANCELLED, "can be cancelled");
	fake_reset();
	sqlite3_exec(other, "COMMIT", NULL, NULL, NULL);
	sqlite3_close(other);
}

static void
test_cancel(void)
{
	ConnhubError error;
	ConnhubConn *conn;

	make_database("cancel.db", "CREATE VIEW slow AS WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) "
				  "SELECT count(*) FROM s");
	conn = open_database(path_of("cancel.db"), "100", &error);
	fake.cancel_after_asks = 10;
	is_text(run_one(conn, "SELECT * FROM slow", CONNHUB_INT64), "status 3 column -1", "a query without end is cancelled");
	fake_reset();
	is_text(run_one(conn, "SELECT 1", CONNHUB_INT64), "1\n", "the connection goes on");
	driver->close(conn);
}

/* Two cursors on one connection, inside one snapshot, while another process writes. */
static void
test_snapshot(void)
{
	ConnhubTxn	txn = {.struct_size = sizeof(txn), .read_only = true, .one_snapshot = true};
	ConnhubTypeRef wanted = {.type = CONNHUB_INT64, .precision = -1};
	ConnhubQuery query = {
		.struct_size = sizeof(query), .text = "SELECT a FROM t ORDER BY a", .columns = &wanted, .ncolumns = 1
	};
	ConnhubBatch *batch = fake_batch_create(1, 1);
	ConnhubCursor *first = NULL;
	ConnhubCursor *second = NULL;
	ConnhubError error;
	ConnhubConn *conn;
	sqlite3    *other;

	make_database("wal.db", "PRAGMA journal_mode = wal; CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)");
	conn = open_database(path_of("wal.db"), "100", &error);
	ok(conn != NULL, "a file with a write-ahead log opens");
	is_int(driver->begin(conn, &txn, &error), CONNHUB_OK, "begin");
	sqlite3_open(path_of("wal.db"), &other);
	sqlite3_exec(other, "INSERT INTO t VALUES (3)", NULL, NULL, NULL);
	is_text(run_one(conn, "SELECT count(*) FROM t", CONNHUB_INT64), "2\n", "the snapshot is that of begin");
	is_int(driver->execute(conn, &query, &first, &error), CONNHUB_OK, "first cursor");
	is_int(driver->execute(conn, &query, &second, &error), CONNHUB_OK, "second cursor");
	fake_batch_reset(batch, &wanted);
	is_int(driver->fetch(first, batch, &error), CONNHUB_OK, "fetch from the first");
	fake_batch_reset(batch, &wanted);
	is_int(driver->fetch(second, batch, &error), CONNHUB_OK, "fetch from the second");
	fake_batch_reset(batch, &wanted);
	is_int(driver->fetch(first, batch, &error), CONNHUB_OK, "and from the first again");
	is_int(batch->columns[0].v.integers[0], 2, "which stands where it stood");
	driver->close_cursor(first, &error);
	is_int(driver->commit(conn, &error), CONNHUB_OK, "commit with a cursor open");
	driver->close_cursor(second, &error);
	is_text(run_one(conn, "SELECT count(*) FROM t", CONNHUB_INT64), "3\n", "the next transaction sees the row");
	is_int(driver->rollback(conn, &error), CONNHUB_OK, "rollback without a transaction");
	driver->close(conn);
	sqlite3_close(other);
	fake_batch_free(batch);
}

static void
test_discovery(void)
{
	ConnhubDiscoverRequest request = {.struct_size = sizeof(request), .table_pattern = "a\\_%"};
	FakeSink	sink;
	ConnhubError error = {0};
	ConnhubConn *conn;
	bool		passed = true;

	make_database("discover.db",
				  "CREATE TABLE a_parent (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL COLLATE NOCASE UNIQUE);"
				  "CREATE TABLE a_child (x INT, y TEXT DEFAULT 'd''e', p REFERENCES a_parent, g AS (x + 1), "
				  "PRIMARY KEY (y, x)) WITHOUT ROWID;"
				  "CREATE TABLE a_strict (i INTEGER PRIMARY KEY DESC, t TEXT, b BLOB, r REAL, n ANY) STRICT;"
				  "CREATE UNIQUE INDEX a_part ON a_strict (t, lower(t)) WHERE r > 0;"
				  "CREATE VIEW a_view AS SELECT id, id + 1 AS next FROM a_parent;"
				  "CREATE VIEW a_broken AS SELECT * FROM nowhere;"
				  "CREATE TABLE other (a);"
				  "INSERT INTO a_parent VALUES (1, 'a'), (2, 'b'); ANALYZE;");
	conn = open_database(path_of("discover.db"), "100", &error);
	fake_sink_init(&sink);
	if (!is_int(driver->discover(conn, &request, &sink.sink, &error), CONNHUB_OK, "discover"))
		diag("%s", error.message);
	is_text(sink.text,
			"schema main\n"
			"table main.a_child kind 0 rows -1\n"
			"column a_child.1 x INT -> 4(0,-1,0) bigint not null default - collate -\n"
			"column a_child.2 y TEXT -> 15(0,-1,0) text not null default 'd''e' collate BINARY\n"
			"column a_child.3 p  -> 15(0,-1,0) text default - collate BINARY\n"
			"column a_child.4 g  -> 15(0,-1,0) text generated default - collate BINARY\n"
			"key a_child primary key kind 0 y,x\n"
			"index a_child sqlite_autoindex_a_child_1 unique y,x where -\n"
			"key a_child foreign key 1 kind 2 p -> main.a_parent id\n"
			"table main.a_parent kind 0 rows 2\n"
			"column a_parent.1 id INTEGER PRIMARY KEY -> 4(0,-1,0) bigint not null default - collate -\n"
			"column a_parent.2 name VARCHAR(20) -> 15(0,-1,0) text not null default - collate NOCASE\n"
			"key a_parent primary key kind 0 id\n"
			"index a_parent sqlite_autoindex_a_parent_1 unique name where -\n"
			"key a_parent sqlite_autoindex_a_parent_1 kind 1 name\n"
			"table main.a_strict kind 0 rows -1\n"
			"column a_strict.1 i INTEGER STRICT -> 4(0,-1,0) bigint not null default - collate -\n"
			"column a_strict.2 t TEXT STRICT -> 15(0,-1,0) text default - collate BINARY\n"
			"column a_strict.3 b BLOB STRICT -> 17(0,-1,0) bytea default - collate -\n"
			"column a_strict.4 r REAL STRICT -> 6(0,-1,0) double precision default - collate -\n"
			"column a_strict.5 n ANY STRICT -> 15(0,-1,0) text default - collate BINARY\n"
			"key a_strict primary key kind 0 i\n"
			"index a_strict a_part unique t,<expression> where r > 0\n"
			"index a_strict sqlite_autoindex_a_strict_1 unique i where -\n"
			"table main.a_view kind 1 rows -1\n"
			"column a_view.1 id INTEGER -> 4(0,-1,0) bigint default - collate -\n"
			"column a_view.2 next  -> 15(0,-1,0) text default - collate -\n", "what it finds");
	ok(strstr(fake.last_log, "a_broken") != NULL, "what cannot be resolved is logged: %s", fake.last_log);
	free(sink.text);
	for (int64_t n = 1; passed; n++)
	{
		fake_sink_init(&sink);
		sink.fail_at = n;
		if (driver->discover(conn, &request, &sink.sink, &error) == CONNHUB_OK)
		{
			free(sink.text);
			break;
		}
		passed = sink.received == n;
		free(sink.text);
	}
	ok(passed, "a sink that fails ends discovery at once");
	driver->close(conn);
}

static const char *const kinds[] = {"exact", "superset", "refused"};

static void
check_filter(const ConnhubSource *source, const ConnhubExpr *filter, const char *kind, const char *text,
			 const char *what)
{
	const char *prefix = "SELECT t.\"a\" FROM \"main\".\"t\" AS t WHERE ";
	ConnhubVerdictKind got = fake_judge(driver, source, CONNHUB_PIECE_FILTER, filter);
	const char *rendered;

	if (!is_text(kinds[got], kind, "%s: verdict", what))
		diag("reason: %s", fake_reason());
	if (got == CONNHUB_REFUSE)
		return;
	ok((got == CONNHUB_EXACT) == (fake_reason()[0] == '\0'), "%s: a reason when not exact", what);
	rendered = fake_render_filter(driver, source, filter);
	is_text(strncmp(rendered, prefix, strlen(prefix)) == 0 ? rendered + strlen(prefix) : rendered, text, "%s: text", what);
}

static void
test_judge(void)
{
	ConnhubSource source = {
		.struct_size = sizeof(source), .type = "sqlite", .product = "SQLite", .version_num = 34001, .flags = 1
	};
	const ConnhubExpr *id = fake_column("id", CONNHUB_INT64, "INTEGER PRIMARY KEY", NULL);
	const ConnhubExpr *loose = fake_column("n", CONNHUB_INT64, "INTEGER", NULL);
	const ConnhubExpr *price = fake_column("price", CONNHUB_DECIMAL, "decimal(10,2)", NULL);
	const ConnhubExpr *name = fake_column("name", CONNHUB_TEXT, "TEXT", "BINARY");
	const ConnhubExpr *nocase = fake_column("nick", CONNHUB_TEXT, "TEXT", "NOCASE");
	const ConnhubExpr *any = fake_column("x", CONNHUB_TEXT, "", "BINARY");
	const ConnhubExpr *vip = fake_column("vip", CONNHUB_BOOL, "boolean", NULL);
	const ConnhubExpr *day = fake_column("day", CONNHUB_DATE, "date", NULL);
	const ConnhubExpr *five = fake_int(CONNHUB_INT64, 5);
	const ConnhubExpr *word = fake_slice(CONNHUB_TEXT, "it's");
	const ConnhubExpr *date = fake_int(CONNHUB_DATE, 19782);
	const ConnhubExpr *small = fake_column("s", CONNHUB_INT32, "INT STRICT", NULL);
	const ConnhubExpr *other = fake_column("o", CONNHUB_INT64, "BIGINT", NULL);
	const ConnhubExpr *above = fake_call(CONNHUB_FN_GT, NULL, loose, five, NULL, NULL);
	const ConnhubExpr *equal = fake_call(CONNHUB_FN_EQ, NULL, loose, five, NULL, NULL);
	ConnhubExpr sum = {
		.struct_size = sizeof(sum), .kind = CONNHUB_EXPR_AGGREGATE, .type = {.type = CONNHUB_INT64, .precision = -1},
		.fn = CONNHUB_FN_SUM, .nargs = 1
	};

	check_filter(&source, fake_call(CONNHUB_FN_GT, NULL, id, five, NULL, NULL), "exact", "(t.\"id\" > 5)", "rowid > 5");
	check_filter(&source, above, "exact", "((t.\"n\" > 5) AND (connhub_integer(t.\"n\") > 5))", "integer > 5");
	check_filter(&source, equal, "exact", "(t.\"n\" = 5)", "integer = 5");
	check_filter(&source, fake_call(CONNHUB_FN_OR, NULL, equal, above, NULL, NULL), "exact",
				 "((t.\"n\" = 5) OR ((t.\"n\" > 5) AND (connhub_integer(t.\"n\") > 5)))", "integer = 5 or > 5");
	check_filter(&source, fake_call(CONNHUB_FN_NE, NULL, loose, five, NULL, NULL), "exact",
				 "(connhub_integer(t.\"n\") <> 5)", "integer <> 5");
	check_filter(&source, fake_call(CONNHUB_FN_NOT_IN, NULL, loose, five, five, NULL), "exact",
				 "(connhub_integer(t.\"n\") NOT IN (5, 5))", "integer not in");
	check_filter(&source, fake_call(CONNHUB_FN_IS_NOT_DISTINCT, NULL, loose, five, NULL, NULL), "exact", "(t.\"n\" IS 5)",
				 "integer is not distinct from 5");
	check_filter(&source, fake_call(CONNHUB_FN_IS_DISTINCT, NULL, loose, five, NULL, NULL), "exact",
				 "(connhub_integer(t.\"n\") IS NOT 5)", "integer is distinct from 5");
	check_filter(&source, fake_call(CONNHUB_FN_EQ, NULL, loose, other, NULL, NULL), "exact",
				 "((t.\"n\" = connhub_integer(t.\"o\")) AND (connhub_integer(t.\"n\") = t.\"o\"))", "integer = integer");
	check_filter(&source, fake_call(CONNHUB_FN_LE, NULL, loose, id, NULL, NULL), "exact",
				 "((t.\"n\" <= t.\"id\") AND (connhub_integer(t.\"n\") <= t.\"id\"))", "integer <= rowid");
	check_filter(&source, fake_call(CONNHUB_FN_IS_NOT_NULL, NULL, loose, NULL, NULL, NULL), "exact",
				 "(connhub_integer(t.\"n\") IS NOT NULL)", "integer is not null");
	check_filter(&source, fake_call(CONNHUB_FN_IS_NULL, NULL, loose, NULL, NULL, NULL), "exact", "(t.\"n\" IS NULL)",
				 "integer is null");
	check_filter(&source, fake_call(CONNHUB_FN_EQ, NULL, loose, id, NULL, NULL), "exact", "(t.\"n\" = t.\"id\")",
				 "integer = rowid");
	check_filter(&source, fake_call(CONNHUB_FN_NOT, NULL, above, NULL, NULL, NULL), "exact",
				 "(NOT (connhub_integer(t.\"n\") > 5))", "not (integer > 5)");
	check_filter(&source, fake_call(CONNHUB_FN_NOT, NULL, equal, NULL, NULL, NULL), "exact",
				 "(NOT (connhub_integer(t.\"n\") = 5))", "not (integer = 5)");
	check_filter(&source, vip, "exact", "connhub_boolean(t.\"vip\")", "a boolean column");
	check_filter(&source, fake_call(CONNHUB_FN_NOT, NULL, vip, NULL, NULL, NULL), "exact",
				 "(NOT connhub_boolean(t.\"vip\"))", "not a boolean column");
	check_filter(&source, fake_call(CONNHUB_FN_EQ, NULL, price, fake_slice(CONNHUB_DECIMAL, "-1.25"), NULL, NULL),
				 "exact", "(t.\"price\" = (-1.25))", "decimal = constant");
	check_filter(&source, fake_call(CONNHUB_FN_EQ, NULL, price, fake_slice(CONNHUB_DECIMAL, "0.1000000000000001"),
									NULL, NULL), "refused", "", "decimal = constant of 16 digits");
	check_filter(&source, fake_call(CONNHUB_FN_EQ, NULL, price, fake_param(CONNHUB_DECIMAL, 0), NULL, NULL), "superset",
				 "(t.\"price\" = ?1)", "decimal = parameter");
	check_filter(&source, fake_call(CONNHUB_FN_LT, NULL, price, fake_param(CONNHUB_DECIMAL, 0), NULL, NULL), "refused",
				 "", "decimal < parameter");
	check_filter(&source, fake_call(CONNHUB_FN_EQ, &fake_english, name, word, NULL, NULL), "exact",
				 "(t.\"name\" = 'it''s')", "text = constant");
	check_filter(&source, fake_call(CONNHUB_FN_LT, &fake_english, name, word, NULL, NULL), "refused", "",
				 "text < constant by locale");
	check_filter(&source, fake_call(CONNHUB_FN_LT, &fake_c, name, word, NULL, NULL), "exact",
				 "((t.\"name\" < 'it''s') AND (connhub_text(t.\"name\") < 'it''s'))", "text < constant by bytes");
	check_filter(&source, fake_call(CONNHUB_FN_LT, &fake_c, nocase, word, NULL, NULL), "exact",
				 "((t.\"nick\" COLLATE BINARY < 'it''s') AND (connhub_text(t.\"nick\") COLLATE BINARY < 'it''s'))",
				 "NOCASE < constant by bytes");
	check_filter(&source, fake_call(CONNHUB_FN_EQ, &fake_blurred, name, word, NULL, NULL), "refused", "",
				 "nondeterministic collation");
	check_filter(&source, fake_call(CONNHUB_FN_EQ, &fake_english, nocase, word, NULL, NULL), "exact",
				 "(t.\"nick\" = 'it''s' AND t.\"nick\" COLLATE BINARY = 'it''s')", "NOCASE = constant");
	check_filter(&source, fake_call(CONNHUB_FN_IN, &fake_english, nocase, word, word, NULL), "exact",
				 "(t.\"nick\" COLLATE BINARY IN ('it''s', 'it''s'))", "NOCASE in");
	check_filter(&source, fake_call(CONNHUB_FN_EQ, &fake_english, any, word, NULL, NULL), "refused", "",
				 "column without a type");
	check_filter(&source, fake_call(CONNHUB_FN_IS_NULL, NULL, any, NULL, NULL, NULL), "exact", "(t.\"x\" IS NULL)",
				 "column without a type is null");
	check_filter(&source, fake_call(CONNHUB_FN_LIKE, &fake_english, name, fake_slice(CONNHUB_TEXT, "a%"), NULL, NULL),
				 "superset", "(connhub_text(t.\"name\") LIKE 'a%' ESCAPE '\\')", "like");
	check_filter(&source, fake_call(CONNHUB_FN_LIKE, &fake_english, name, fake_slice(CONNHUB_TEXT, "a\\"), NULL, NULL),
				 "refused", "", "like with nothing behind its escape");
	check_filter(&source, fake_call(CONNHUB_FN_ILIKE, &fake_english, name, word, NULL, NULL), "refused", "", "ilike");
	check_filter(&source, fake_call(CONNHUB_FN_LT, NULL, day, date, NULL, NULL), "superset",
				 "(t.\"day\" < ('2024-02-29' || '~'))", "date < constant");
	check_filter(&source, fake_call(CONNHUB_FN_GE, NULL, day, fake_param(CONNHUB_DATE, 0), NULL, NULL), "superset",
				 "(t.\"day\" >= ?1 OR t.\"day\" < '')", "date >= parameter");
	check_filter(&source, fake_call(CONNHUB_FN_LT, NULL, date, day, NULL, NULL), "refused", "", "constant < date");
	check_filter(&source, fake_call(CONNHUB_FN_EQ, NULL, fake_call_of(CONNHUB_INT64, CONNHUB_FN_MOD, NULL, id, five, NULL, NULL),
									five, NULL, NULL), "exact", "((t.\"id\" % 5) = 5)", "rowid % 5");
	check_filter(&source, fake_call(CONNHUB_FN_EQ, NULL, fake_call_of(CONNHUB_INT64, CONNHUB_FN_ADD, NULL, id, five, NULL, NULL),
									five, NULL, NULL), "refused", "", "rowid + 5");
	sum.args = &small;
	is_int(fake_judge(driver, &source, CONNHUB_PIECE_OUTPUT, &sum), CONNHUB_EXACT, "sum of an enforced column");
	sum.args = &loose;
	sum.type.type = CONNHUB_DECIMAL;
	is_int(fake_judge(driver, &source, CONNHUB_PIECE_OUTPUT, &sum), CONNHUB_EXACT, "sum of one that is checked");
	is_int(fake_judge_sort(driver, &source, &sum, NULL), CONNHUB_REFUSE, "sort by a sum that may be text");
	is_int(fake_judge(driver, &source, CONNHUB_PIECE_HAVING, fake_call(CONNHUB_FN_GT, NULL, &sum,
																		fake_slice(CONNHUB_DECIMAL, "5"), NULL, NULL)),
		   CONNHUB_REFUSE, "a sum that may be text > 5");
	is_int(fake_judge_sort(driver, &source, loose, NULL), CONNHUB_EXACT, "sort by integer");
	is_int(fake_judge_sort(driver, &source, name, &fake_english), CONNHUB_REFUSE, "sort by text and locale");
	is_int(fake_judge_sort(driver, &source, nocase, &fake_c), CONNHUB_EXACT, "sort by NOCASE text and bytes");
	is_int(fake_judge_sort(driver, &source, day, NULL), CONNHUB_REFUSE, "sort by date");
	source.flags = 0;
	is_int(fake_judge_sort(driver, &source, name, &fake_c), CONNHUB_REFUSE, "sort by UTF-16 text");
}

/* What is sent finds the rows that it should. */
static void
test_parameters(void)
{
	ConnhubValue real = {.type = {.type = CONNHUB_FLOAT64}, .v.real = __builtin_nan("")};
	ConnhubValue decimal = {.type = {.type = CONNHUB_DECIMAL}, .v.slice = {"9007199254740993.00", 19}};
	ConnhubValue day = {.type = {.type = CONNHUB_DATE}, .v.integer = 19782};
	ConnhubValue bytes = {.type = {.type = CONNHUB_BYTES}, .v.slice = {"\0\1", 2}};
	ConnhubType type = CONNHUB_TEXT;
	ConnhubError error;
	ConnhubConn *conn;

	make_database("params.db",
				  "CREATE TABLE r (v REAL); INSERT INTO r VALUES (1.5), (1e999), (NULL);"
				  "CREATE TABLE d (v DECIMAL(30,2)); INSERT INTO d VALUES (9007199254740992), (9007199254740993);"
				  "CREATE TABLE y (v DATE); INSERT INTO y VALUES ('2024-02-29'), ('2024-03-01'), (1709164800), "
				  "('2024-02-29 00:00:00'), ('2024-02-28');"
				  "CREATE TABLE b (v BLOB); INSERT INTO b VALUES (x'0001'), (x'00');");
	conn = open_database(path_of("params.db"), "100", &error);
	is_text(run(conn, "SELECT v FROM r WHERE v < ?1", &type, 1, &real, 1), "1.5\nInfinity\n", "NaN is above all");
	is_text(run(conn, "SELECT v FROM r WHERE v >= ?1", &type, 1, &real, 1), "", "and nothing reaches it");
	is_text(run(conn, "SELECT v FROM d WHERE v = ?1", &type, 1, &decimal, 1), "9007199254740993\n",
			"whole decimals keep their digits");
	is_text(run(conn, "SELECT v FROM y WHERE (v >= ?1 AND v < (?1 || '~')) OR v < ''", &type, 1, &day, 1),
			"2024-02-29\n1709164800\n2024-02-29 00:00:00\n", "a day is found in every form");
	day.v.integer = CONNHUB_INFINITY;
	is_text(run(conn, "SELECT count(*) FROM y WHERE v < (?1 || '~')", &type, 1, &day, 1), "5\n", "infinity is above all");
	day.v.integer = CONNHUB_MINUS_INFINITY;
	is_text(run(conn, "SELECT count(*) FROM y WHERE (v >= ?1 OR v < '')", &type, 1, &day, 1), "5\n",
			"minus infinity below");
	is_text(run(conn, "SELECT count(*) FROM b WHERE v = ?1", &type, 1, &bytes, 1), "1\n", "bytes");
	real.is_null = true;
	is_text(run(conn, "SELECT count(*) FROM r WHERE v IS ?1", &type, 1, &real, 1), "1\n", "null");
	driver->close(conn);
}

/* Statements are kept; those kept notice another schema, and more may be open than are kept. */
static void
test_kept(void)
{
	ConnhubTypeRef wanted = {.type = CONNHUB_INT64, .precision = -1};
	ConnhubQuery query = {.struct_size = sizeof(query), .text = "SELECT * FROM t", .columns = &wanted, .ncolumns = 1};
	ConnhubCursor *cursors[20];
	ConnhubError error = {0};
	ConnhubConn *conn;
	sqlite3    *other;
	char		sql[40];
	int			opened = 0;

	make_database("kept.db", "CREATE TABLE t (a); INSERT INTO t VALUES (7)");
	conn = open_database(path_of("kept.db"), "100", &error);
	for (int i = 0; i < 40; i++)
	{
		snprintf(sql, sizeof(sql), "SELECT a + %d FROM t", i);
		opened += atoi(run_one(conn, sql, CONNHUB_INT64)) == 7 + i;
	}
	is_int(opened, 40, "more texts than are kept");
	for (opened = 0; opened < 20 && driver->execute(conn, &query, &cursors[opened], &error) == CONNHUB_OK;)
		opened++;
	is_int(opened, 20, "more cursors than are kept");
	while (opened > 0)
		driver->close_cursor(cursors[--opened], &error);
	is_text(run_one(conn, "SELECT * FROM t", CONNHUB_INT64), "7\n", "a kept statement runs again");
	sqlite3_open(path_of("kept.db"), &other);
	sqlite3_exec(other, "ALTER TABLE t ADD COLUMN b", NULL, NULL, NULL);
	sqlite3_close(other);
	is_text(run_one(conn, "SELECT * FROM t", CONNHUB_INT64), "status 27 column -1", "but not with other columns");
	driver->close(conn);
}

static void
test_memory(void)
{
	int64_t		before = fake.live;
	int			failures = 0;
	int64_t		n;

	make_database("memory.db", "CREATE TABLE t (a TEXT, b INTEGER REFERENCES t (a)); INSERT INTO t VALUES ('x', 1)");
	for (n = 1;; n++)
	{
		ConnhubType types[] = {CONNHUB_TEXT, CONNHUB_INT64};
		ConnhubDiscoverRequest request = {.struct_size = sizeof(request), .with_stats = true};
		FakeQuery	query = {.text = "SELECT a, b FROM t", .types = types, .ntypes = 2};
		ConnhubError error = {0};
		FakeSink	sink;
		ConnhubConn *conn;
		ConnhubStatus status;
		char	   *rows = NULL;

		fake_reset();
		fake.fail_alloc = n;
		fake_sink_init(&sink);
		conn = open_database(path_of("memory.db"), "100", &error);
		status = error.status;
		if (conn)
		{
			status = fake_run(driver, conn, &query, &rows, &error);
			if (status == CONNHUB_OK)
				status = driver->discover(conn, &request, &sink.sink, &error);
			driver->close(conn);
		}
		free(rows);
		free(sink.text);
		if (fake.allocs < n)
			break;
		if (status != CONNHUB_NO_MEMORY || fake.live != before)
		{
			diag("allocation %d: status %d, %d live", (int) n, (int) status, (int) (fake.live - before));
			failures++;
		}
	}
	is_int(failures, 0, "each of %d allocations may fail", (int) n - 1);
	fake_reset();
}

int
main(void)
{
	char		command[64];

	if (mkdtemp(folder) == NULL)
		return 1;
	driver = connhub_driver_init(&fake_host);
	if (!ok(driver != NULL, "the library is new enough"))
		return tap_done();
	test_open();
	test_values();
	test_fence();
	test_locks();
	test_cancel();
	test_snapshot();
	test_discovery();
	test_judge();
	test_checks();
	test_parameters();
	test_kept();
	test_writes();
	test_memory();
	is_int(fake.live, 0, "no memory is left behind");
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) != 0 || tap_done();
}
