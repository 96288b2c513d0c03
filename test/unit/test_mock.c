/* test_mock.c — claim: the mock driver keeps the contract of driver.h, and strikes as its faults say. */
#include "host.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const ConnhubDriver *driver;

static ConnhubConn *
open_with(const char *tables, const char *fault, ConnhubError *error)
{
	ConnhubOption options[] = {
		{"tables", tables ? tables : "items(10): id int64 key, name text, price decimal, added date"},
		{"fault", fault ? fault : ""},
	};
	ConnhubConfig config = {
		.struct_size = sizeof(config), .type = "mock", .options = options, .noptions = 2
	};
	ConnhubConn *conn;

	fake_open(driver, &config, &conn, error);
	return conn;
}

static void
check_rows(const char *tables, const char *query, const ConnhubType *types, uint32_t ntypes,
		   const char *want, const char *what)
{
	ConnhubError error;
	ConnhubConn *conn = open_with(tables, NULL, &error);
	FakeQuery	run = {.text = query, .types = types, .ntypes = ntypes, .batch_rows = 2};
	char	   *rows;

	if (!ok(conn != NULL, "%s: open", what))
	{
		diag("%s", error.message);
		return;
	}
	if (!is_int(fake_run(driver, conn, &run, &rows, &error), CONNHUB_OK, "%s: status", what))
		diag("%s", error.message);
	is_text(rows, want, "%s: rows", what);
	free(rows);
	driver->close(conn);
}

static void
test_queries(void)
{
	ConnhubType types[] = {CONNHUB_INT64, CONNHUB_TEXT};

	check_rows("t(3): id int64, name text", "get \"id\", \"name\" from \"t\"", types, 2,
			   "1|row 1\n2|row 2\n3|row 3\n", "plain scan");
	check_rows("t(3): id int64", "get from \"data\".\"t\"", types, 0, "\n\n\n", "no outputs");
	check_rows("t(9): id int64, name text nulls 3",
			   "get \"id\", \"name\" from \"t\" where (or (= \"id\" int64 2) (is_null \"name\")) "
			   "and (<> \"id\" int64 9)", types, 2, "2|row 2\n3|\\N\n6|\\N\n", "filters");
	check_rows("t(6): id int64, name text nulls 3",
			   "get \"id\", \"name\" from \"t\" sort \"name\" desc nulls first, \"id\" asc nulls last "
			   "limit int64 3 offset int64 1", types, 2, "6|\\N\n5|row 5\n4|row 4\n", "sort, limit, offset");
	check_rows("t(5): id int64", "get \"id\" from \"t\" where (maybe (= \"id\" int64 2))", types, 1,
			   "1\n2\n3\n4\n5\n", "maybe lets all through");
	check_rows("t(5): id int64", "get \"id\" from \"t\" where (not_in \"id\" int64 2 null)", types, 1,
			   "", "not in with a null");
	check_rows("t(4): id int64", "get \"id\" from \"t\" where (not (<= \"id\" int64 2))", types, 1,
			   "3\n4\n", "not");
}

static void
test_types(void)
{
	static const struct
	{
		const char *name;
		ConnhubType type;
		const char *rows;
		const char *text;
	}			cases[] = {
		{"bool edges", CONNHUB_BOOL, "0\n1\n0\n", "f\nt\nf\n"},
		{"int16 edges", CONNHUB_INT16, "-32768\n32767\n0\n", "-32768\n32767\n0\n"},
		{"int64 edges", CONNHUB_INT64, "-9223372036854775808\n9223372036854775807\n0\n",
		"-9223372036854775808\n9223372036854775807\n0\n"},
		{"date edges", CONNHUB_DATE, "-2440588\n2145042905\n0\n",
		"4714-11-24 BC\n5874897-12-31\n1970-01-01\n"},
		{"time edges", CONNHUB_TIME, "0\n86399999999\n86400000000\n",
		"00:00:00.000000\n23:59:59.999999\n24:00:00.000000\n"},
		{"timestamp edges", CONNHUB_TIMESTAMP, "-210866803200000000\n9223372036854775806\n-1\n",
		"4714-11-24 00:00:00.000000 BC\n294247-01-10 04:00:54.775806\n1969-12-31 23:59:59.999999\n"},
		{"timestamptz", CONNHUB_TIMESTAMPTZ, "1577836801000000\n1577836802000000\n1577836803000000\n",
		"2020-01-01 00:00:01.000000+00\n2020-01-01 00:00:02.000000+00\n2020-01-01 00:00:03.000000+00\n"},
		{"uuid", CONNHUB_UUID,
			"\\x00000000000000000000000000000001\n\\x00000000000000000000000000000002\n"
			"\\x00000000000000000000000000000003\n",
			"00000000-0000-0000-0000-000000000001\n00000000-0000-0000-0000-000000000002\n"
		"00000000-0000-0000-0000-000000000003\n"},
		{"bytes edges", CONNHUB_BYTES, "\\x\n\\x00ff275c\n\\x5c783431\n", "\\x\n\\x00ff275c\n\\x5c783431\n"},
		{"float64", CONNHUB_FLOAT64, "1.25\n2.25\n3.25\n", "1.25\n2.25\n3.25\n"},
		{"float64 edges", CONNHUB_FLOAT64,
			"-1.7976931348623157e+308\n1.7976931348623157e+308\n2.2250738585072014e-308\n",
		"-1.7976931348623157e+308\n1.7976931348623157e+308\n2.2250738585072014e-308\n"},
		{"decimal", CONNHUB_DECIMAL, "1.50\n2.50\n3.50\n", "1.50\n2.50\n3.50\n"},
		{"interval", CONNHUB_INTERVAL, "0 1 1000000\n0 2 2000000\n0 3 3000000\n",
			"0 months 1 days 1000000 microseconds\n0 months 2 days 2000000 microseconds\n"
		"0 months 3 days 3000000 microseconds\n"},
		{"json", CONNHUB_JSON, "{\"n\": 1}\n{\"n\": 2}\n{\"n\": 3}\n", "{\"n\": 1}\n{\"n\": 2}\n{\"n\": 3}\n"},
		{"inet", CONNHUB_NATIVE, "10.0.0.1\n10.0.0.2\n10.0.0.3\n", "10.0.0.1\n10.0.0.2\n10.0.0.3\n"},
		{"pgbinary", CONNHUB_NATIVE,
		"\\x0000000000000001\n\\x0000000000000002\n\\x0000000000000003\n", NULL},
	};
	size_t		i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		ConnhubType text = CONNHUB_TEXT;
		char		tables[64];

		snprintf(tables, sizeof(tables), "t(3): a %s", cases[i].name);
		check_rows(tables, "get \"a\" from \"t\"", &cases[i].type, 1, cases[i].rows, cases[i].name);
		if (cases[i].text)
			check_rows(tables, "get \"a\" from \"t\"", &text, 1, cases[i].text, "as text");
	}
}

static void
test_faults(void)
{
	static const struct
	{
		const char *fault;
		ConnhubStatus status;
		ConnhubPhase phase;
	}			opening[] = {
		{"open:config", CONNHUB_CONFIG, CONNHUB_PHASE_NONE},
		{"step:dns", CONNHUB_DNS, CONNHUB_PHASE_DNS},
		{"step:refused", CONNHUB_REFUSED, CONNHUB_PHASE_TCP},
		{"step:tls", CONNHUB_TLS, CONNHUB_PHASE_TLS},
		{"step:auth:3000", CONNHUB_AUTH, CONNHUB_PHASE_AUTH},
		{"step:no_database", CONNHUB_NO_DATABASE, CONNHUB_PHASE_DATABASE},
		{"step:permission", CONNHUB_PERMISSION, CONNHUB_PHASE_PERMISSION},
		{"step:nonsense", CONNHUB_CONFIG, CONNHUB_PHASE_NONE},
		{"fetch@0:lost", CONNHUB_CONFIG, CONNHUB_PHASE_NONE},
		{"fetch@1#0:lost", CONNHUB_CONFIG, CONNHUB_PHASE_NONE},
		{"fetch#1@1:lost", CONNHUB_CONFIG, CONNHUB_PHASE_NONE},
		{"open", CONNHUB_CONFIG, CONNHUB_PHASE_NONE},
	};
	ConnhubType type = CONNHUB_INT64;
	FakeQuery	query = {.text = "get \"id\" from \"items\"", .types = &type, .ntypes = 1};
	ConnhubError error;
	ConnhubConn *conn;
	char	   *rows;
	size_t		i;

	fake.virtual_clock = true;
	for (i = 0; i < sizeof(opening) / sizeof(opening[0]); i++)
	{
		conn = open_with(NULL, opening[i].fault, &error);
		ok(conn == NULL, "%s: open fails", opening[i].fault);
		is_int(error.status, opening[i].status, "%s: status", opening[i].fault);
		is_int(error.phase, opening[i].phase, "%s: phase", opening[i].fault);
	}
	is_int(fake.clock_ms, 3000, "a failure waits as long as told");

	conn = open_with(NULL, "fetch@4:lost", &error);
	is_int(fake_run(driver, conn, &query, &rows, &error), CONNHUB_LOST, "the fetch breaks");
	is_text(rows, "1\n2\n3\n", "the rows before it came");
	ok(error.connection_lost && error.retryable, "the loss is reported as one");
	free(rows);
	driver->close(conn);

	conn = open_with(NULL, "fetch@1#1:lost", &error);
	is_int(fake_run(driver, conn, &query, &rows, &error), CONNHUB_OK, "a fault of the first connection spares others");
	free(rows);
	driver->close(conn);

	conn = open_with("items(3): id int64 bad 2", "execute:slow:5000", &error);
	is_int(fake_run(driver, conn, &query, &rows, &error), CONNHUB_DATA, "a bad row is a data error");
	is_int(error.column, 0, "it names the column");
	is_int(fake.clock_ms, 8000, "a slow query takes its time");
	free(rows);
	driver->close(conn);

	fake.cancel_at_ms = fake.clock_ms + 700;
	conn = open_with(NULL, "execute:hang", &error);
	is_int(fake_run(driver, conn, &query, &rows, &error), CONNHUB_CANCELLED, "a hanging query is cancelled");
	is_int(fake.clock_ms, 8700, "at once");
	free(rows);
	driver->close(conn);

	fake_reset();
	fake.virtual_clock = true;
	fake.deadline_ms = 250;
	conn = open_with(NULL, "step:hang", &error);
	ok(conn == NULL, "a hanging open ends with its deadline");
	fake_reset();
}

/* Filters that look at many rows ask whether to stop. */
static void
test_cancel(void)
{
	ConnhubType type = CONNHUB_INT64;
	FakeQuery	query = {
		.text = "get \"id\" from \"t\" where (= \"id\" int64 0)", .types = &type, .ntypes = 1
	};
	ConnhubError error;
	ConnhubConn *conn = open_with("t(1000000000000): id int64", NULL, &error);
	char	   *rows;

	fake.cancel_after_asks = 20;
	is_int(fake_run(driver, conn, &query, &rows, &error), CONNHUB_CANCELLED, "a long scan is cancelled");
	free(rows);
	query.text = "get \"id\" from \"t\" sort \"id\" desc nulls first";
	fake.asks = 0;
	is_int(fake_run(driver, conn, &query, &rows, &error), CONNHUB_CANCELLED, "a long sort is cancelled");
	free(rows);
	driver->close(conn);
	fake_reset();
}

static void
test_bad_text(void)
{
	static const char *const tables[] = {
		"t", "t(x): a int64", "t(1)", "t(1):", "t(1): a", "t(1): a int65", "t(1): a int64 nulls",
		"t(1): a int64 b", "t(1): a int64; t(2): a int64", "t(99999999999999999999): a int64", ":"
	};
	static const char *const queries[] = {
		"", "get", "get \"id\"", "get from", "get \"id\" from \"items", "get \"id\" from \"nope\"",
		"get \"nope\" from \"items\"", "get \"id\" from \"items\" where", "get \"id\" from \"items\" where (",
		"get \"id\" from \"items\" where (= \"id\"", "get \"id\" from \"items\" where (nope \"id\")",
		"get \"id\" from \"items\" where (= \"id\" $1)", "get \"id\" from \"items\" where (= \"id\" text 'x')",
		"get \"id\" from \"items\" where (= \"id\" uuid x'00')", "get \"id\" from \"items\" where (= \"id\" bytes x'0')",
		"get \"id\" from \"items\" where (and \"id\" \"id\")", "get \"id\" from \"items\" where (=)",
		"get \"id\" from \"items\" sort \"id\"", "get \"id\" from \"items\" limit \"id\"",
		"get \"id\" from \"items\" limit int64 -1", "get \"id\" from \"items\" extra",
		"get \"id\" from \"items\" where (= \"id\" int64 99999999999999999999)", "get \"id\", from \"items\"",
		"get \"id\", \"id\" from \"items\""
	};
	ConnhubType type = CONNHUB_INT64;
	FakeQuery	query = {.types = &type, .ntypes = 1};
	ConnhubError error;
	ConnhubConn *conn;
	char	   *rows;
	char	   *deep = NULL;
	size_t		i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
	{
		conn = open_with(tables[i], NULL, &error);
		ok(conn == NULL && error.status == CONNHUB_CONFIG && error.hint[0], "tables \"%s\" are rejected", tables[i]);
	}
	conn = open_with(NULL, NULL, &error);
	for (i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
	{
		ConnhubStatus status;

		query.text = queries[i];
		status = fake_run(driver, conn, &query, &rows, &error);
		ok((status == CONNHUB_QUERY || status == CONNHUB_SCHEMA_CHANGED) && error.message[0],
		   "query <%s> is rejected", queries[i]);
		free(rows);
	}
	fake_print(&deep, "get \"id\" from \"items\" where %*s", 100000, "");
	for (i = 0; i < 100000; i += 5)
		memcpy(strstr(deep, "where ") + 6 + i, "(not ", 5);
	query.text = deep;
	is_int(fake_run(driver, conn, &query, &rows, &error), CONNHUB_QUERY, "deep nesting is rejected");
	free(rows);
	free(deep);
	driver->close(conn);
}

static void
test_judge(void)
{
	ConnhubOption option = {"judge", "=:superset,is null:refused,limit:refused"};
	ConnhubSource plain = {.struct_size = sizeof(plain), .type = "mock"};
	ConnhubSource weak = {.struct_size = sizeof(weak), .type = "mock", .options = &option, .noptions = 1};
	const ConnhubExpr *id = fake_column("id", CONNHUB_INT64, "int64", NULL);
	const ConnhubExpr *name = fake_column("na\"me", CONNHUB_TEXT, "text", NULL);
	const ConnhubExpr *unknown = fake_column("x", CONNHUB_INT64, NULL, NULL);
	const ConnhubExpr *price = fake_column("price", CONNHUB_DECIMAL, "decimal", NULL);
	const ConnhubExpr *equal = fake_call(CONNHUB_FN_EQ, NULL, id, fake_param(CONNHUB_INT64, 0), NULL, NULL);
	const ConnhubExpr *less = fake_call(CONNHUB_FN_LT, NULL, id, fake_int(CONNHUB_INT64, 5), NULL, NULL);
	const ConnhubExpr *either = fake_call(CONNHUB_FN_OR, NULL, equal, less, NULL, NULL);

	is_int(fake_judge(driver, &plain, CONNHUB_PIECE_FILTER, either), CONNHUB_EXACT, "or of comparisons is exact");
	is_text(fake_render_filter(driver, &plain, either),
			"get \"a\" from \"data\".\"t\" where (or (= \"id\" $1) (< \"id\" int64 5))", "its text");
	is_int(fake_judge(driver, &weak, CONNHUB_PIECE_FILTER, either), CONNHUB_SUPERSET, "= weakened below or");
	is_text(fake_render_filter(driver, &weak, either),
			"get \"a\" from \"data\".\"t\" where (or (maybe (= \"id\" $1)) (< \"id\" int64 5))", "its text");
	is_int(fake_judge(driver, &weak, CONNHUB_PIECE_FILTER,
					  fake_call(CONNHUB_FN_NOT, NULL, equal, NULL, NULL, NULL)), CONNHUB_REFUSE,
		   "= weakened below not");
	is_int(fake_judge(driver, &weak, CONNHUB_PIECE_FILTER,
					  fake_call(CONNHUB_FN_IS_NULL, NULL, id, NULL, NULL, NULL)), CONNHUB_REFUSE,
		   "a function refused by name");
	is_int(fake_judge(driver, &weak, CONNHUB_PIECE_LIMIT, NULL), CONNHUB_REFUSE, "limit refused by name");
	is_int(fake_judge(driver, &plain, CONNHUB_PIECE_LIMIT, NULL), CONNHUB_EXACT, "limit");
	is_int(fake_judge(driver, &plain, CONNHUB_PIECE_FILTER,
					  fake_call(CONNHUB_FN_IS_NULL, NULL, unknown, NULL, NULL, NULL)), CONNHUB_REFUSE,
		   "a column not discovered");
	is_int(fake_judge(driver, &plain, CONNHUB_PIECE_FILTER,
					  fake_call(CONNHUB_FN_EQ, &fake_english, name, fake_slice(CONNHUB_TEXT, "it's"), NULL, NULL)),
		   CONNHUB_EXACT, "equality of text");
	is_text(fake_render_filter(driver, &plain,
							   fake_call(CONNHUB_FN_EQ, &fake_english, name, fake_slice(CONNHUB_TEXT, "it's"),
										 NULL, NULL)),
			"get \"a\" from \"data\".\"t\" where (= \"na\"\"me\" text 'it''s')", "quotes are doubled");
	is_int(fake_judge(driver, &plain, CONNHUB_PIECE_FILTER,
					  fake_call(CONNHUB_FN_EQ, &fake_blurred, name, fake_slice(CONNHUB_TEXT, "x"), NULL, NULL)),
		   CONNHUB_REFUSE, "equality under a collation that is not deterministic");
	is_int(fake_judge(driver, &plain, CONNHUB_PIECE_FILTER,
					  fake_call(CONNHUB_FN_LT, &fake_english, name, fake_slice(CONNHUB_TEXT, "x"), NULL, NULL)),
		   CONNHUB_REFUSE, "order of text under a locale");
	is_int(fake_judge(driver, &plain, CONNHUB_PIECE_FILTER,
					  fake_call(CONNHUB_FN_LT, &fake_c, name, fake_slice(CONNHUB_TEXT, "x"), NULL, NULL)),
		   CONNHUB_EXACT, "order of text under C");
	is_int(fake_judge(driver, &plain, CONNHUB_PIECE_FILTER,
					  fake_call(CONNHUB_FN_EQ, NULL, price, fake_slice(CONNHUB_DECIMAL, "1"), NULL, NULL)),
		   CONNHUB_REFUSE, "decimals");
	is_int(fake_judge(driver, &plain, CONNHUB_PIECE_FILTER,
					  fake_call(CONNHUB_FN_LIKE, &fake_c, name, fake_slice(CONNHUB_TEXT, "x%"), NULL, NULL)),
		   CONNHUB_REFUSE, "a function it does not know");
	is_int(fake_judge_sort(driver, &plain, name, &fake_english), CONNHUB_REFUSE, "sort of text under a locale");
	is_int(fake_judge_sort(driver, &plain, name, &fake_c), CONNHUB_EXACT, "sort of text under C");
	is_int(fake_judge(driver, &plain, CONNHUB_PIECE_OUTPUT, equal), CONNHUB_EXACT, "a computed output");
}

static void
test_discovery(void)
{
	ConnhubError error = {0};
	ConnhubConn *conn = open_with("people(4): id int64 key, name text nulls 2; other(1): a bool", NULL, &error);
	ConnhubDiscoverRequest request = {.struct_size = sizeof(request), .table_pattern = "p_o%", .with_stats = true};
	FakeSink	sink;

	fake_sink_init(&sink);
	is_int(driver->discover(conn, &request, &sink.sink, &error), CONNHUB_OK, "discover");
	is_text(sink.text,
			"schema data\n"
			"table data.people kind 0 rows 4\n"
			"column people.1 id int64 -> 4(0,-1,0) bigint not null default - collate -\n"
			"column people.2 name text -> 15(0,-1,0) text default - collate -\n"
			"key people key kind 0 id\n"
			"index people key unique id where -\n"
			"stats people.id distinct -1\n"
			"stats people.name distinct -1\n", "what it finds");
	free(sink.text);
	fake_sink_init(&sink);
	sink.fail_at = 3;
	is_int(driver->discover(conn, &request, &sink.sink, &error), CONNHUB_NO_MEMORY, "a sink that fails ends it");
	is_int(sink.received, 3, "at once");
	free(sink.text);
	driver->close(conn);
}

/* Whichever allocation fails, the driver says so and leaves nothing behind. */
static void
test_memory(void)
{
	ConnhubType types[] = {CONNHUB_INT64, CONNHUB_TEXT};
	ConnhubValue params[] = {
		{.type = {.type = CONNHUB_TEXT}, .v.slice = {"row 9", 5}},
	};
	FakeQuery	query = {
		.text = "get \"id\", \"name\" from \"items\" where (<= \"name\" $1) sort \"id\" desc nulls first",
		.types = types, .ntypes = 2, .params = params, .nparams = 1
	};
	int64_t		before = fake.live;
	int			failures = 0;
	int64_t		n;

	for (n = 1;; n++)
	{
		ConnhubError error = {0};
		ConnhubConn *conn;
		char	   *rows = NULL;
		ConnhubStatus status = CONNHUB_OK;

		fake_reset();
		fake.fail_alloc = n;
		conn = open_with(NULL, NULL, &error);
		if (conn == NULL)
			status = error.status;
		else
		{
			status = fake_run(driver, conn, &query, &rows, &error);
			driver->close(conn);
		}
		free(rows);
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

static void
test_transactions(void)
{
	ConnhubTxn	txn = {.struct_size = sizeof(txn), .read_only = true, .one_snapshot = true};
	ConnhubError error = {0};
	ConnhubConn *conn = open_with(NULL, "commit:lost", &error);
	ConnhubInfo info = {{0}};

	is_int(driver->begin(conn, &txn, &error), CONNHUB_OK, "begin");
	is_int(driver->begin(conn, &txn, &error), CONNHUB_INTERNAL, "begin twice");
	is_int(driver->commit(conn, &error), CONNHUB_LOST, "a commit that is lost");
	is_int(driver->rollback(conn, &error), CONNHUB_OK, "rollback");
	is_int(driver->rollback(conn, &error), CONNHUB_INTERNAL, "rollback without a transaction");
	is_int(driver->check(conn, CONNHUB_CHECK_ACCESS, &info, &error), CONNHUB_OK, "check");
	is_text(info.product, "Mock", "product");
	driver->close(conn);
}

/* A check by steps never waits itself, says for how long it is to be waited for, and ends as check does. */
static void
test_check_steps(void)
{
	static const struct
	{
		const char *fault;
		ConnhubStatus first;
		int64_t		wait_ms;
		ConnhubStatus last;
	}			cases[] = {
		{"", CONNHUB_OK, 0, CONNHUB_OK},
		{"check:permission", CONNHUB_PERMISSION, 0, CONNHUB_PERMISSION},
		{"check:slow:70", CONNHUB_WAIT, 70, CONNHUB_OK},
		{"check:lost:70", CONNHUB_WAIT, 70, CONNHUB_LOST},
		{"check:hang", CONNHUB_WAIT, -1, CONNHUB_WAIT},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		ConnhubError error = {0};
		ConnhubConn *conn = open_with(NULL, cases[i].fault, &error);
		ConnhubInfo info = {{0}};
		ConnhubWait wait = {-1, 0, -1};
		ConnhubStatus status;

		fake.virtual_clock = true;
		fake.asks = 0;
		status = driver->check_step(conn, &info, &wait, &error);
		is_int(status, cases[i].first, "\"%s\": first step", cases[i].fault);
		if (status == CONNHUB_WAIT)
		{
			is_int(wait.timeout_ms, cases[i].wait_ms, "it is to be waited for");
			fake.clock_ms += 70;
			status = driver->check_step(conn, &info, &wait, &error);
		}
		is_int(status, cases[i].last, "\"%s\": last step", cases[i].fault);
		is_int(fake.asks, 0, "and nothing was waited for inside");
		driver->close(conn);
		fake_reset();
	}
}

int
main(void)
{
	driver = connhub_driver_init(&fake_host);
	is_int(driver->struct_size, sizeof(ConnhubDriver), "the driver's table");
	test_queries();
	test_types();
	test_faults();
	test_cancel();
	test_bad_text();
	test_judge();
	test_discovery();
	test_transactions();
	test_check_steps();
	test_memory();
	is_int(fake.live, 0, "no memory is left behind");
	return tap_done();
}
