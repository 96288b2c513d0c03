/* test_mysql.c — claim: the mysql driver sends only what means the same there, decodes the binary protocol
 * exactly and never reads beyond it, and an opening connection can be given up at any point. */
#include "host.h"
#include "tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "error.h"
#include "fit.h"
#include "param.h"
#include "set.h"
#include "types.h"
#include "value.h"
#include "write.h"

static const ConnhubDriver *driver;
static const ConnhubSource source = {
	.struct_size = sizeof(source), .type = "mariadb", .product = "MariaDB", .version_num = 101100, .flags = 3
};

/* ---- Pushdown ---------------------------------------------------------------------------- */

static void
sends(const ConnhubExpr *filter, const char *want, const char *what)
{
	char		text[2048];

	snprintf(text, sizeof(text), "SELECT `a` FROM `t` WHERE %s", want);
	is_int(fake_judge(driver, &source, CONNHUB_PIECE_FILTER, filter), CONNHUB_EXACT, "%s: exact", what);
	is_text(fake_render_filter(driver, &source, filter), text, "%s: text", what);
}

static void
keeps(const ConnhubExpr *filter, ConnhubVerdictKind kind, const char *what)
{
	is_int(fake_judge(driver, &source, CONNHUB_PIECE_FILTER, filter), kind, "%s: verdict", what);
	ok(fake_reason()[0] != '\0', "%s: says why", what);
}

#define COLUMN(type, remote) fake_column("c", type, remote, NULL)
#define CALL(fn, a, b) fake_call(fn, NULL, a, b, NULL, NULL)
#define TEXT_CALL(fn, collation, a, b) fake_call(fn, &collation, a, b, NULL, NULL)

static void
test_text(void)
{
	const ConnhubExpr *c = fake_column("c", CONNHUB_TEXT, "varchar(20)", "utf8mb4_general_ci");
	const ConnhubExpr *l = fake_column("c", CONNHUB_TEXT, "varchar(20)", "latin1_swedish_ci");
	const ConnhubExpr *k = fake_column("c", CONNHUB_TEXT, "varchar(20)", "cp1251_general_ci");
	const ConnhubExpr *a = fake_slice(CONNHUB_TEXT, "it's \\");

	sends(TEXT_CALL(CONNHUB_FN_EQ, fake_english, c, a),
		  "(`c` = 'it''s \\' AND (CAST(`c` AS BINARY) = CAST('it''s \\' AS BINARY)))", "equality in utf8mb4");
	sends(TEXT_CALL(CONNHUB_FN_EQ, fake_english, l, fake_slice(CONNHUB_TEXT, "a")),
		  "(`c` = CONVERT('a' USING latin1) AND (CAST(CONVERT(`c` USING utf8mb4) AS BINARY) = "
		  "CAST(CONVERT('a' USING utf8mb4) AS BINARY)))", "equality in latin1");
	sends(TEXT_CALL(CONNHUB_FN_EQ, fake_english, k, fake_slice(CONNHUB_TEXT, "a")),
		  "(CAST(CONVERT(`c` USING utf8mb4) AS BINARY) = CAST(CONVERT('a' USING utf8mb4) AS BINARY))",
		  "equality in another character set");
	sends(TEXT_CALL(CONNHUB_FN_NE, fake_english, c, fake_slice(CONNHUB_TEXT, "a")), "(CAST(`c` AS BINARY) <> CAST('a' AS BINARY))",
		  "inequality");
	sends(TEXT_CALL(CONNHUB_FN_LT, fake_c, c, fake_slice(CONNHUB_TEXT, "a")), "(CAST(`c` AS BINARY) < CAST('a' AS BINARY))",
		  "range in C");
	keeps(TEXT_CALL(CONNHUB_FN_LT, fake_english, c, fake_slice(CONNHUB_TEXT, "a")), CONNHUB_REFUSE,
		  "range in another collation");
	keeps(TEXT_CALL(CONNHUB_FN_EQ, fake_blurred, c, fake_slice(CONNHUB_TEXT, "a")), CONNHUB_REFUSE,
		  "equality that is not of bytes");
	keeps(TEXT_CALL(CONNHUB_FN_ILIKE, fake_english, c, fake_slice(CONNHUB_TEXT, "a")), CONNHUB_REFUSE, "ilike");
	keeps(TEXT_CALL(CONNHUB_FN_LIKE, fake_english, c, fake_slice(CONNHUB_TEXT, "a\\")), CONNHUB_REFUSE,
		  "pattern that ends in its escape");
	keeps(TEXT_CALL(CONNHUB_FN_EQ, fake_english, c, l), CONNHUB_REFUSE, "two columns");
	keeps(TEXT_CALL(CONNHUB_FN_EQ, fake_english, fake_slice(CONNHUB_TEXT, "a"), l), CONNHUB_REFUSE,
		  "constant before a column that may not hold it");
	is_int(fake_judge_sort(driver, &source, c, &fake_english), CONNHUB_REFUSE, "sort in another collation");
	is_int(fake_judge_sort(driver, &source, c, &fake_c), CONNHUB_REFUSE, "sort of long text");
}

static void
test_numbers(void)
{
	const ConnhubExpr *i = COLUMN(CONNHUB_INT32, "int(11)");
	const ConnhubExpr *b = COLUMN(CONNHUB_INT64, "bigint(20)");
	const ConnhubExpr *u = COLUMN(CONNHUB_INT64, "int(10) unsigned");
	const ConnhubExpr *zero = fake_int(CONNHUB_INT64, 0);
	const ConnhubExpr *two = fake_int(CONNHUB_INT64, 2);

	sends(CALL(CONNHUB_FN_EQ, i, fake_int(CONNHUB_INT32, -5)), "(`c` = (-5))", "negative constant");
	sends(CALL(CONNHUB_FN_GT, fake_call_of(CONNHUB_INT64, CONNHUB_FN_ADD, NULL, b, two, NULL, NULL), zero),
		  "((`c` + 2) > 0)", "addition of bigint");
	keeps(CALL(CONNHUB_FN_GT, fake_call_of(CONNHUB_INT32, CONNHUB_FN_ADD, NULL, i,
										   fake_int(CONNHUB_INT32, 2), NULL, NULL),
			   fake_int(CONNHUB_INT32, 0)), CONNHUB_REFUSE, "addition of integer, which overflows later there");
	keeps(CALL(CONNHUB_FN_GT, fake_call_of(CONNHUB_INT64, CONNHUB_FN_ADD, NULL, u, two, NULL, NULL), zero),
		  CONNHUB_REFUSE, "addition of an unsigned column");
	sends(CALL(CONNHUB_FN_EQ, fake_call_of(CONNHUB_INT64, CONNHUB_FN_DIV, NULL, b, two, NULL, NULL), zero),
		  "((`c` DIV 2) = 0)", "division by a constant");
	sends(CALL(CONNHUB_FN_EQ, fake_call_of(CONNHUB_INT64, CONNHUB_FN_MOD, NULL, b, two, NULL, NULL), zero),
		  "((`c` % 2) = 0)", "remainder");
	keeps(CALL(CONNHUB_FN_EQ, fake_call_of(CONNHUB_INT64, CONNHUB_FN_DIV, NULL, b, zero, NULL, NULL), zero),
		  CONNHUB_REFUSE, "division by zero");
	keeps(CALL(CONNHUB_FN_EQ, fake_call_of(CONNHUB_INT64, CONNHUB_FN_DIV, NULL, two, b, NULL, NULL), zero),
		  CONNHUB_REFUSE, "division by a column");
	keeps(CALL(CONNHUB_FN_EQ, COLUMN(CONNHUB_FLOAT32, "float"), fake_real(CONNHUB_FLOAT32, 0.1)),
		  CONNHUB_REFUSE, "float constant");
	sends(CALL(CONNHUB_FN_EQ, COLUMN(CONNHUB_FLOAT64, "double"), fake_real(CONNHUB_FLOAT64, 0.5)),
		  "(`c` = 5e-01)", "double constant");
	keeps(CALL(CONNHUB_FN_EQ, COLUMN(CONNHUB_INT16, "year(4)"), fake_int(CONNHUB_INT16, 70)), CONNHUB_REFUSE,
		  "year");
	keeps(CALL(CONNHUB_FN_EQ, COLUMN(CONNHUB_DECIMAL, "decimal(10,2)"),
			   fake_slice(CONNHUB_DECIMAL, "0.1234567890123456789012345678901234567890")), CONNHUB_REFUSE,
		  "decimal of too many digits");
	keeps(CALL(CONNHUB_FN_EQ, COLUMN(CONNHUB_BYTES, "point"), fake_slice(CONNHUB_BYTES, "ab")), CONNHUB_REFUSE,
		  "geometry");
	sends(CALL(CONNHUB_FN_EQ, COLUMN(CONNHUB_BYTES, "varbinary(9)"), fake_slice(CONNHUB_BYTES, "a'")),
		  "(`c` = x'6127')", "bytes");
}

#define NO_ZERO(date) \
	"0 * (9223372036854775807 + (YEAR(" date ") = 0 OR MONTH(" date ") = 0 OR DAYOFMONTH(" date ") = 0)) = 0"

static void
test_dates(void)
{
	const ConnhubExpr *d = COLUMN(CONNHUB_DATE, "date");
	const ConnhubExpr *t = COLUMN(CONNHUB_TIMESTAMPTZ, "timestamp");
	ConnhubOption option = {"zero_dates", "null"};
	ConnhubSource lenient = source;

	lenient.options = &option;
	lenient.noptions = 1;
	sends(CALL(CONNHUB_FN_EQ, d, fake_int(CONNHUB_DATE, 0)), "(`c` = DATE'1970-01-01')", "date");
	sends(CALL(CONNHUB_FN_GE, t, fake_int(CONNHUB_TIMESTAMPTZ, 1)),
		  "(`c` >= TIMESTAMP'1970-01-01 00:00:00.000001' AND " NO_ZERO("`c`") ")", "instant in UTC");
	sends(CALL(CONNHUB_FN_LT, d, fake_int(CONNHUB_DATE, 0)),
		  "(`c` < DATE'1970-01-01' AND " NO_ZERO("`c`") ")", "before, zero dates failing");
	sends(CALL(CONNHUB_FN_LT, d, COLUMN(CONNHUB_DATE, "date")),
		  "(`c` < `c` AND " NO_ZERO("`c`") " AND " NO_ZERO("`c`") ")", "two dates");
	keeps(CALL(CONNHUB_FN_EQ, d, fake_int(CONNHUB_DATE, CONNHUB_INFINITY)), CONNHUB_REFUSE, "infinity");
	keeps(CALL(CONNHUB_FN_EQ, d, fake_int(CONNHUB_DATE, 2932897)), CONNHUB_REFUSE, "year 10000");
	is_int(fake_judge(driver, &lenient, CONNHUB_PIECE_FILTER, CALL(CONNHUB_FN_EQ, d, fake_int(CONNHUB_DATE, 0))),
		   CONNHUB_REFUSE, "dates when zero dates are null");
}

/* ---- The wire ---------------------------------------------------------------------------- */

static MyColumn
column_of(MyWire wire, uint32_t width, bool is_unsigned)
{
	MyColumn	column = {.name = (char *) "c", .wire = wire, .width = width, .is_unsigned = is_unsigned};

	return column;
}

#define ROW_HEADER	2			/* of a row with one column: a zero, and a byte of null bits */

/* Decode bytes as one value and give the text that fake_run would print, or the message. */
static const char *
decode(MyColumn column, ConnhubType wanted, const char *bytes, size_t length, MyZeroDates zero_dates)
{
	static char result[sizeof(((ConnhubError *) 0)->message)];
	ConnhubTypeRef type = {.type = wanted};
	ConnhubBatch *batch = fake_batch_create(1, 1);
	ConnhubError error;
	MyTarget	target = {.host = &fake_host, .batch = batch, .zero_dates = zero_dates, .error = &error};
	unsigned char *packet = calloc(1, ROW_HEADER + length);	/* of its size, so that a checker sees its end */
	MyRowResult read;

	memset(&error, 0, sizeof(error));
	if (length > 0)
		memcpy(packet + ROW_HEADER, bytes, length);
	fake_batch_reset(batch, &type);
	batch->columns[0].type = my_conversion_choose(&column, wanted);
	read = my_row_read(&column, 1, 1, packet, ROW_HEADER + length, &target);
	if (read == MY_ROW_MALFORMED)
		snprintf(result, sizeof(result), "malformed");
	else if (read == MY_ROW_UNFIT)
		snprintf(result, sizeof(result), "%s", error.message);
	else if (!CONNHUB_IS_VALID(&batch->columns[0], 0))
		snprintf(result, sizeof(result), "null");
	else if (batch->columns[0].type == CONNHUB_INTERVAL)
		snprintf(result, sizeof(result), "%lld", (long long) batch->columns[0].v.intervals[0].micros);
	else if (batch->columns[0].type == CONNHUB_FLOAT64 || batch->columns[0].type == CONNHUB_FLOAT32)
		snprintf(result, sizeof(result), "%.9g", batch->columns[0].v.reals[0]);
	else if (batch->columns[0].type <= CONNHUB_INT64 || batch->columns[0].type == CONNHUB_DATE ||
			 batch->columns[0].type == CONNHUB_TIME || batch->columns[0].type == CONNHUB_TIMESTAMP ||
			 batch->columns[0].type == CONNHUB_TIMESTAMPTZ)
		snprintf(result, sizeof(result), "%lld", (long long) batch->columns[0].v.integers[0]);
	else
		snprintf(result, sizeof(result), "%.*s", (int) batch->columns[0].v.slices[0].length,
				 batch->columns[0].v.slices[0].data);
	fake_batch_free(batch);
	free(packet);
	return result;
}

static void
test_values(void)
{
	static const struct
	{
		const char *what;
		MyWire		wire;
		uint32_t	width;
		bool		is_unsigned;
		ConnhubType wanted;
		const char *bytes;
		size_t		length;
		const char *want;
	}			cases[] = {
		{"least tinyint", MY_WIRE_INTEGER, 1, false, CONNHUB_INT16, "\x80", 1, "-128"},
		{"greatest unsigned tinyint", MY_WIRE_INTEGER, 1, true, CONNHUB_INT16, "\xff", 1, "255"},
		{"least mediumint", MY_WIRE_INTEGER, 4, false, CONNHUB_INT32, "\x00\x00\x80\xff", 4, "-8388608"},
		{"greatest unsigned int", MY_WIRE_INTEGER, 4, true, CONNHUB_INT64, "\xff\xff\xff\xff", 4, "4294967295"},
		{"the same as integer", MY_WIRE_INTEGER, 4, true, CONNHUB_INT32, "\xff\xff\xff\xff", 4,
		"integer out of range in column \"c\""},
		{"least bigint", MY_WIRE_INTEGER, 8, false, CONNHUB_INT64, "\0\0\0\0\0\0\0\x80", 8, "-9223372036854775808"},
		{"greatest unsigned bigint", MY_WIRE_UNSIGNED, 8, true, CONNHUB_DECIMAL, "\xff\xff\xff\xff\xff\xff\xff\xff", 8,
		"18446744073709551615"},
		{"the same as bigint", MY_WIRE_UNSIGNED, 8, true, CONNHUB_INT64, "\xff\xff\xff\xff\xff\xff\xff\xff", 8,
		"integer out of range in column \"c\""},
		{"two as boolean", MY_WIRE_INTEGER, 1, false, CONNHUB_BOOL, "\x02", 1,
		"integer that is neither 0 nor 1 in column \"c\""},
		{"double", MY_WIRE_DOUBLE, 0, false, CONNHUB_FLOAT64, "\0\0\0\0\0\0\xf8\x3f", 8, "1.5"},
		{"decimal", MY_WIRE_DECIMAL, 0, false, CONNHUB_DECIMAL, "\x04-1.5", 5, "-1.5"},
		{"date", MY_WIRE_DATE, 0, false, CONNHUB_DATE, "\x04\xb2\x07\x01\x02", 5, "1"},
		{"zero date", MY_WIRE_DATE, 0, false, CONNHUB_DATE, "\x00", 1, "no calendar date: 0000-00-00 in column \"c\""},
		{"30 February", MY_WIRE_DATE, 0, false, CONNHUB_DATE, "\x04\xe4\x07\x02\x1e", 5,
		"no calendar date: 2020-02-30 in column \"c\""},
		{"datetime", MY_WIRE_DATETIME, 0, false, CONNHUB_TIMESTAMP, "\x0b\xb2\x07\x01\x01\0\0\x01\x01\0\0\0", 12, "1000001"},
		{"datetime as date", MY_WIRE_DATETIME, 0, false, CONNHUB_DATE, "\x07\xb2\x07\x01\x01\0\0\x01", 8,
		"time of day that a date cannot hold in column \"c\""},
		{"datetime as text", MY_WIRE_DATETIME, 0, false, CONNHUB_TEXT, "\x07\xb2\x07\x01\x01\0\0\x01", 8,
		"1970-01-01 00:00:01"},
		{"negative time", MY_WIRE_TIME, 0, false, CONNHUB_INTERVAL, "\x08\x01\x22\0\0\0\x16\x3b\x3b", 9, "-3020399000000"},
		{"the same as time", MY_WIRE_TIME, 0, false, CONNHUB_TIME, "\x08\x01\x22\0\0\0\x16\x3b\x3b", 9,
		"time beyond one day in column \"c\""},
		{"text with a zero byte", MY_WIRE_TEXT, 0, false, CONNHUB_TEXT, "\x03" "a\0b", 4,
		"text with a zero byte in column \"c\""},
		{"bytes as text", MY_WIRE_BYTES, 0, false, CONNHUB_TEXT, "\x02\xc3\x28", 3,
		"bytes that are not UTF-8 text in column \"c\""},
		{"long text", MY_WIRE_TEXT, 0, false, CONNHUB_TEXT, "\x11" "twelve and five.\xc3", 18,
		"bytes that are not UTF-8 text in column \"c\""},
		{"a zero byte among eight", MY_WIRE_TEXT, 0, false, CONNHUB_TEXT, "\x09" "abc\0efghi", 10,
		"text with a zero byte in column \"c\""},
		{"letters beyond ASCII", MY_WIRE_TEXT, 0, false, CONNHUB_TEXT, "\x0c" "abcdefgh\xc3\xa4\xc3\xb6", 13,
		"abcdefgh\xc3\xa4\xc3\xb6"},
		{"surrogate", MY_WIRE_TEXT, 0, false, CONNHUB_TEXT, "\x03\xed\xa0\x80", 4,
		"bytes that are not UTF-8 text in column \"c\""},
		{"bits", MY_WIRE_BIT, 12, true, CONNHUB_NATIVE, "\x02\x0a\x05", 3, "101000000101"},
		{"bits as integer", MY_WIRE_BIT, 12, true, CONNHUB_INT32, "\x02\x0a\x05", 3, "2565"},
		{"no uuid", MY_WIRE_TEXT, 0, false, CONNHUB_UUID, "\x02zz", 3, "text that is no UUID in column \"c\""},
		{"length beyond the packet", MY_WIRE_TEXT, 0, false, CONNHUB_TEXT, "\xfc\xff\xff" "abc", 6, "malformed"},
		{"huge length", MY_WIRE_TEXT, 0, false, CONNHUB_TEXT, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff", 9, "malformed"},
		{"date of wrong length", MY_WIRE_DATE, 0, false, CONNHUB_DATE, "\x05" "abcde", 6, "malformed"},
		{"nothing", MY_WIRE_INTEGER, 4, false, CONNHUB_INT32, "", 0, "malformed"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_text(decode(column_of(cases[i].wire, cases[i].width, cases[i].is_unsigned), cases[i].wanted,
					   cases[i].bytes, cases[i].length, MY_ZERO_ERROR), cases[i].want, "%s", cases[i].what);
	is_text(decode(column_of(MY_WIRE_DATE, 0, false), CONNHUB_DATE, "\x00", 1, MY_ZERO_NULL), "null",
			"zero date read as null");
}

static void
test_rows(void)
{
	/* Of the bits for null, the third stands for the first column. */
	static const unsigned char row[] = {0, 0x08, 7, 0, 0, 0, 2, 'a', 'b'};
	MyColumn	columns[3];
	ConnhubTypeRef types[2] = {{.type = CONNHUB_INT32}, {.type = CONNHUB_INT32}};
	ConnhubBatch *batch = fake_batch_create(2, 1);
	ConnhubError error;
	MyTarget	target = {.host = &fake_host, .batch = batch, .error = &error};

	columns[0] = columns[1] = column_of(MY_WIRE_INTEGER, 4, false);
	columns[2] = column_of(MY_WIRE_TEXT, 0, false);
	memset(&error, 0, sizeof(error));
	fake_batch_reset(batch, types);
	my_conversion_choose(&columns[0], CONNHUB_INT32);
	my_conversion_choose(&columns[1], CONNHUB_INT32);
	is_int(my_row_read(columns, 3, 2, row, sizeof(row), &target), MY_ROW_OK, "a row of three columns, two of them wanted");
	is_int(batch->columns[0].v.integers[0], 7, "a value");
	ok(!CONNHUB_IS_VALID(&batch->columns[1], 0), "a null");
	is_int(my_row_read(columns, 3, 2, row, 5, &target), MY_ROW_MALFORMED, "a row that ends in a value");
	is_int(my_row_read(columns, 3, 2, row, 1, &target), MY_ROW_MALFORMED, "a row that ends in its header");
	fake_batch_free(batch);
}

/* Every wire form with every wanted type, over bytes that mean nothing: no read beyond the end. */
static void
test_noise(void)
{
	unsigned int seed = 1;
	char		bytes[40];

	for (int round = 0; round < 200; round++)
	{
		for (int wire = 0; wire < MY_NWIRES; wire++)
		{
			size_t		length = (size_t) (rand_r(&seed) % sizeof(bytes));
			uint32_t	width = wire == MY_WIRE_BIT ? 64 : wire == MY_WIRE_UNSIGNED ? 8 : 1u << (rand_r(&seed) % 3);

			for (size_t i = 0; i < length; i++)
				bytes[i] = (char) (i == 0 ? rand_r(&seed) % 48 : rand_r(&seed));
			decode(column_of((MyWire) wire, width, rand_r(&seed) % 2 == 0),
				   (ConnhubType) (1 + rand_r(&seed) % (CONNHUB_PGBINARY - 1)), bytes, length, MY_ZERO_NULL);
		}
	}
	ok(true, "noise is decoded or refused");
}

static void
test_calendar(void)
{
	int64_t		wrong = 0;

	for (int64_t days = -800000; days < 3000000; days += 37)
	{
		int64_t		year;
		uint32_t	month;
		uint32_t	day;

		my_date_from_days(days, &year, &month, &day);
		wrong += my_days_from_date(year, month, day) != days;
	}
	is_int(wrong, 0, "dates go there and back");
	is_int(my_days_from_date(2000, 3, 1), 11017, "1 March 2000");
}

/* ---- Types, errors, sets ----------------------------------------------------------------- */

static void
test_types(void)
{
	static const struct
	{
		const char *data_type;
		const char *column_type;
		const char *pg_type;
	}			cases[] = {
		{"tinyint", "tinyint(1)", "smallint"},
		{"smallint", "smallint(5) unsigned", "integer"},
		{"int", "int unsigned", "bigint"},
		{"bigint", "bigint(20) unsigned", "numeric"},
		{"bit", "bit(1)", "boolean"},
		{"bit", "bit(10)", "bit varying"},
		{"enum", "enum('unsigned')", "text"},
		{"timestamp", "timestamp(6)", "timestamp with time zone"},
		{"time", "time", "interval"},
		{"geometry", "geometry", "bytea"},
		{"from_the_future", "from_the_future", "text"},
	};
	MyColumnFacts json = {.data_type = "longtext", .column_type = "longtext", .is_json = true};
	MyColumnFacts flag = {.data_type = "tinyint", .column_type = "tinyint(1)", .tinyint1_is_boolean = true};
	ConnhubTypeRef type;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		MyColumnFacts facts = {.data_type = cases[i].data_type, .column_type = cases[i].column_type};

		my_type_of(&facts, &type);
		is_text(type.pg_type, cases[i].pg_type, "%s", cases[i].column_type);
	}
	my_type_of(&json, &type);
	is_text(type.pg_type, "json", "longtext that must be JSON");
	my_type_of(&flag, &type);
	is_text(type.pg_type, "boolean", "tinyint(1) when asked for");
}

static void
test_errors(void)
{
	static const struct
	{
		unsigned int code;
		ConnhubStatus status;
	}			cases[] = {
		{1045, CONNHUB_AUTH}, {1698, CONNHUB_AUTH}, {1130, CONNHUB_AUTH}, {2059, CONNHUB_AUTH},
		{1044, CONNHUB_PERMISSION}, {1142, CONNHUB_PERMISSION}, {1049, CONNHUB_NO_DATABASE},
		{1040, CONNHUB_BUSY}, {1203, CONNHUB_BUSY}, {2006, CONNHUB_LOST}, {2013, CONNHUB_LOST},
		{2026, CONNHUB_TLS}, {1969, CONNHUB_TIMEOUT}, {3024, CONNHUB_TIMEOUT}, {1064, CONNHUB_QUERY},
		{1146, CONNHUB_SCHEMA_CHANGED},
	};
	static const struct
	{
		unsigned int code;
		const char *sqlstate;
	}			sqlstates[] = {
		{1062, "23505"}, {1048, "23502"}, {1452, "23503"}, {4025, "23514"}, {1213, "40001"}, {1020, "40001"}, {1205, "55P03"}, {1064, "42000"}
	};
	ConnhubError error;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		memset(&error, 0, sizeof(error));
		is_int(my_error_native(&error, cases[i].code, "42000", "Access denied"), cases[i].status,
			   "error %u", cases[i].code);
	}
	for (size_t i = 0; i < sizeof(sqlstates) / sizeof(sqlstates[0]); i++)
	{
		memset(&error, 0, sizeof(error));
		my_error_native(&error, sqlstates[i].code, "42000", "no");
		is_text(error.sqlstate, sqlstates[i].sqlstate, "SQLSTATE of error %u", sqlstates[i].code);
	}
}

static void
test_set(void)
{
	MySet		set;
	char		name[16];
	int			found = 0;

	my_set_init(&set, &fake_host);
	for (int i = 0; i < 1000; i++)
	{
		snprintf(name, sizeof(name), "c%d", i);
		my_set_add(&set, "s", "t", name);
	}
	for (int i = 0; i < 1000; i++)
	{
		snprintf(name, sizeof(name), "c%d", i);
		found += my_set_has(&set, "s", "t", name);
	}
	is_int(found, 1000, "a set finds its members");
	ok(!my_set_has(&set, "s", "tc", "1"), "and nothing that only looks like one");
	my_set_free(&set);
}

/* ---- Writing ----------------------------------------------------------------------------- */

static ConnhubColumn
stored(ConnhubType type, const char *remote_type, int32_t precision, int32_t scale)
{
	ConnhubColumn column = {.name = "c", .type = {.type = type, .precision = precision, .scale = scale}, .remote_type = remote_type};

	column.natural = column.type;
	return column;
}

static ConnhubValue
slice_value(ConnhubType type, const char *text)
{
	ConnhubValue value = {.type = {.type = type}, .v.slice = {text, strlen(text)}};

	return value;
}

static void
test_fit(void)
{
	static const struct
	{
		const char *what;
		ConnhubType type;
		const char *remote_type;
		int32_t		precision;
		int32_t		scale;
		const char *text;		/* NULL: `number` */
		int64_t		number;
		bool		fits;
	}			cases[] = {
		{"decimal", CONNHUB_DECIMAL, "decimal(5,2)", 5, 2, "1.25", 0, true},
		{"decimal with zeros behind", CONNHUB_DECIMAL, "decimal(5,2)", 5, 2, "1.2500", 0, true},
		{"decimal that would be rounded", CONNHUB_DECIMAL, "decimal(5,2)", 5, 2, "1.251", 0, false},
		{"fraction of an unsigned bigint", CONNHUB_DECIMAL, "bigint(20) unsigned", 20, 0, "1.5", 0, false},
		{"milliseconds", CONNHUB_TIMESTAMP, "datetime(3)", 3, 0, NULL, 1001000, true},
		{"microseconds into milliseconds", CONNHUB_TIMESTAMP, "datetime(3)", 3, 0, NULL, 1001001, false},
		{"a fraction into seconds", CONNHUB_TIMESTAMPTZ, "timestamp", 0, 0, NULL, 1000001, false},
		{"member of an enum", CONNHUB_TEXT, "enum('a','it''s')", 0, 0, "it's", 0, true},
		{"last member", CONNHUB_TEXT, "enum('a','b')", 0, 0, "b", 0, true},
		{"member in another case", CONNHUB_TEXT, "enum('a','b')", 0, 0, "B", 0, false},
		{"number of a member", CONNHUB_TEXT, "enum('a','b')", 0, 0, "2", 0, false},
		{"beginning of a member", CONNHUB_TEXT, "enum('ab','b')", 0, 0, "a", 0, false},
		{"two members", CONNHUB_TEXT, "enum('a','b')", 0, 0, "a','b", 0, false},
		{"spaces at the end of char", CONNHUB_TEXT, "char(5)", 0, 0, "a ", 0, false},
		{"spaces at the end of varchar", CONNHUB_TEXT, "varchar(5)", 0, 0, "a ", 0, true},
		{"spaces that mean nothing", CONNHUB_BPCHAR, "char(5)", 0, 0, "a ", 0, true},
		{"bytes that fill the column", CONNHUB_BYTES, "binary(2)", 0, 0, "ab", 0, true},
		{"bytes that do not", CONNHUB_BYTES, "binary(3)", 0, 0, "ab", 0, false},
		{"varbinary", CONNHUB_BYTES, "varbinary(3)", 0, 0, "ab", 0, true}
	};
	ConnhubColumn column = stored(CONNHUB_INT32, "int(11)", 0, 0);
	ConnhubValue null = {.type = {.type = CONNHUB_INT32}, .is_null = true};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		ConnhubColumn into = stored(cases[i].type, cases[i].remote_type, cases[i].precision, cases[i].scale);
		ConnhubValue value = slice_value(cases[i].type, cases[i].text != NULL ? cases[i].text : "");

		if (cases[i].text == NULL)
			value.v.integer = cases[i].number;
		is_int(my_value_refusal(&into, &value) == NULL, cases[i].fits, "stored as it is: %s", cases[i].what);
	}
	ok(my_value_refusal(&column, &null) == NULL, "null where it may be");
	column.not_null = true;
	ok(my_value_refusal(&column, &null) != NULL, "null where the source would make something of it");
}

static void
test_store(void)
{
	static const struct
	{
		ConnhubType type;
		const char *remote_type;
		bool		stores;
	}			cases[] = {
		{CONNHUB_INT32, "int(11)", true}, {CONNHUB_TEXT, "enum('a')", true}, {CONNHUB_BOOL, "bit(1)", true},
		{CONNHUB_INT16, "year(4)", false}, {CONNHUB_TEXT, "set('a','b')", false}, {CONNHUB_NATIVE, "bit(8)", false},
		{CONNHUB_BYTES, "point", false}, {CONNHUB_FLOAT32, "float", true}, {CONNHUB_FLOAT32, "float(7,2)", false},
		{CONNHUB_TEXT, NULL, false}
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		ConnhubColumn column = stored(cases[i].type, cases[i].remote_type, -1, 0);

		is_int(my_store_refusal(&source, &column) == NULL, cases[i].stores, "written: %s",
			   cases[i].remote_type != NULL ? cases[i].remote_type : "a type not known");
	}
}

static void
test_repeat(void)
{
	static const struct
	{
		const char *text;
		uint32_t	count;
		const char *want;		/* NULL: refused */
	}			cases[] = {
		{"INSERT INTO `t` (`a`) VALUES (?)", 1, "INSERT INTO `t` (`a`) VALUES (?)"},
		{"INSERT INTO `t` (`a`, `b`) VALUES (?, f(?))", 3, "INSERT INTO `t` (`a`, `b`) VALUES (?, f(?)), (?, f(?)), (?, f(?))"},
		{"INSERT INTO `t` (`) VALUES (`) VALUES (?) RETURNING `) VALUES (`", 2,
		"INSERT INTO `t` (`) VALUES (`) VALUES (?), (?) RETURNING `) VALUES (`"},
		{"INSERT INTO `t` () VALUES ()", 2, "INSERT INTO `t` () VALUES (), ()"},
		{"DELETE FROM `t`", 2, NULL},
		{"INSERT INTO `t` (`a`) VALUES (?", 2, NULL}
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		ConnhubText text = {NULL, 0, 0};
		ConnhubError error;

		memset(&error, 0, sizeof(error));
		is_int(my_repeat_row(&fake_host, cases[i].text, cases[i].count, &text, &error),
			   cases[i].want != NULL ? CONNHUB_OK : CONNHUB_INTERNAL, "rows of %s", cases[i].text);
		if (cases[i].want != NULL)
			is_text(text.data, cases[i].want, "their text");
		fake_host.free(text.data);
	}
}

static void
test_render_write(void)
{
	ConnhubColumn a = stored(CONNHUB_INT32, "int(11)", -1, 0);
	ConnhubColumn t = stored(CONNHUB_TEXT, "varchar(9)", -1, 0);
	const ConnhubColumn *columns[] = {&a};
	const ConnhubColumn *keys[] = {&t};
	ConnhubWrite write = {
		.struct_size = sizeof(write), .kind = CONNHUB_UPDATE, .table = "t", .columns = columns, .ncolumns = 1, .keys = keys,
		.nkeys = 1
	};
	ConnhubPiece piece = {.struct_size = sizeof(piece), .kind = CONNHUB_PIECE_WRITE, .write = &write};
	ConnhubSource old = source;
	ConnhubText text = {NULL, 0, 0};
	ConnhubError error;
	ConnhubVerdict verdict;

	a.name = "a";
	t.name = "t";
	t.collation = "utf8mb4_general_ci";
	memset(&error, 0, sizeof(error));
	memset(&verdict, 0, sizeof(verdict));
	driver->judge(&source, &piece, &verdict);
	is_int(verdict.kind, CONNHUB_EXACT, "an update by a key of text");
	is_int(driver->render_write(&source, &write, &text, &error), CONNHUB_OK, "is rendered");
	is_text(text.data, "UPDATE `t` SET `a` = ?1 WHERE (`t` = ?2 AND (CAST(`t` AS BINARY) = "
			"CAST(?2 AS BINARY)))", "with a key compared by bytes");
	fake_host.free(text.data);
	write.returning = columns;
	write.nreturning = 1;
	memset(&verdict, 0, sizeof(verdict));
	driver->judge(&source, &piece, &verdict);
	is_int(verdict.kind, CONNHUB_REFUSE, "an update that gives rows back");
	write.kind = CONNHUB_INSERT;
	write.nkeys = 0;
	memset(&verdict, 0, sizeof(verdict));
	driver->judge(&source, &piece, &verdict);
	is_int(verdict.kind, CONNHUB_EXACT, "an insert that does");
	old.version_num = 100400;
	driver->judge(&old, &piece, &verdict);
	is_int(verdict.kind, CONNHUB_REFUSE, "but not on an older MariaDB");
	write.nreturning = 0;
	write.skip_conflicts = true;
	memset(&verdict, 0, sizeof(verdict));
	driver->judge(&source, &piece, &verdict);
	is_int(verdict.kind, CONNHUB_REFUSE, "an insert that passes over conflicts");
}

static void
test_param(void)
{
	ConnhubValue value = {.type = {.type = CONNHUB_INTERVAL}, .v.interval.micros = INT64_C(838) * 3600 * 1000000};
	MYSQL_BIND	bind;
	MyParam		param;

	ok(my_param_set(&bind, &param, &value) == NULL, "an interval of 838 hours");
	is_int(param.time.day * 24 + param.time.hour, 838, "has all of them");
	ok(param.time.hour < 24, "in days and hours");
	value.v.interval.months = 1;
	ok(my_param_set(&bind, &param, &value) != NULL, "one of months has no form");
}

/* ---- Opening ----------------------------------------------------------------------------- */

static int
listen_silently(uint16_t *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t	length = sizeof(address);
	int			fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *) &address, sizeof(address)) != 0 || listen(fd, 5) != 0 ||
		getsockname(fd, (struct sockaddr *) &address, &length) != 0)
	{
		close(fd);
		return -1;
	}
	*port = ntohs(address.sin_port);
	return fd;
}

static void
test_open(void)
{
	static const char *const addresses[] = {"127.0.0.1"};
	ConnhubConfig config = {
		.struct_size = sizeof(config), .type = "mysql", .host = "localhost", .addresses = addresses,
		.naddresses = 1, .username = "u", .password = "p", .require_password = true, .connect_timeout_ms = 10000
	};
	ConnhubWait wait;
	ConnhubError error;
	ConnhubConn *conn;
	int64_t		start;
	int			fd = listen_silently(&config.port);

	if (!ok(fd >= 0, "a server that says nothing"))
		return;
	memset(&error, 0, sizeof(error));
	is_int(driver->open(&config, &conn, &error), CONNHUB_OK, "open begins");
	is_int(driver->step(conn, &wait, &error), CONNHUB_WAIT, "step waits");
	driver->close(conn);
	ok(true, "and is given up half-way");

	fake.cancel_at_ms = fake_host.now_ms() + 100;
	start = fake_host.now_ms();
	is_int(fake_open(driver, &config, &conn, &error), CONNHUB_CANCELLED, "a cancel ends the wait for a greeting");
	ok(fake_host.now_ms() - start < 400, "at once");
	fake_reset();

	config.password = NULL;
	is_int(fake_open(driver, &config, &conn, &error), CONNHUB_AUTH, "no password, though one is required");
	config.password = "p";
	config.ssl_mode = CONNHUB_SSL_VERIFY_FULL;
	config.ssl_ca_file = "/nonexistent";
	is_int(fake_open(driver, &config, &conn, &error), CONNHUB_CONFIG, "authorities that cannot be read");
	config.ssl_mode = CONNHUB_SSL_DISABLE;
	close(fd);
	is_int(fake_open(driver, &config, &conn, &error), CONNHUB_REFUSED, "a closed port");
	is_int(error.phase, CONNHUB_PHASE_TCP, "in phase tcp");
	config.host = "a,b";
	is_int(fake_open(driver, &config, &conn, &error), CONNHUB_CONFIG, "a list of hosts");
}

int
main(void)
{
	driver = connhub_driver_init(&fake_host);
	if (!ok(driver != NULL, "the driver starts"))
		return tap_done();
	test_text();
	test_numbers();
	test_dates();
	test_values();
	test_rows();
	test_noise();
	test_calendar();
	test_types();
	test_errors();
	test_set();
	test_fit();
	test_store();
	test_repeat();
	test_render_write();
	test_param();
	test_open();
	is_int(fake.live, 0, "no memory is left behind");
	return tap_done();
}
