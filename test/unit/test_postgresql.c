/* test_postgresql.c — claim: what the driver for PostgreSQL judges, renders, binds and decodes means the same at both
 * ends, or is refused; and the shared judge and renderer keep their bounds.
 * The client library is linked, but nothing is connected to. */
#include "host.h"
#include "tap.h"

#include "pg.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const ConnhubDriver *driver;
static const ConnhubSource genuine = {
	.struct_size = sizeof(ConnhubSource), .type = "postgresql", .product = "PostgreSQL", .version_num = 150000,
	.flags = PG_FLAG_GENUINE | PG_FLAG_UTF8
};
static const ConnhubSource relative = {
	.struct_size = sizeof(ConnhubSource), .type = "redshift", .product = "Redshift", .version_num = 80002
};

static const ConnhubExpr *
text_column(const char *collation)
{
	return fake_column("name", CONNHUB_TEXT, "text", collation);
}

static const ConnhubExpr *
number_column(void)
{
	return fake_column("id", CONNHUB_INT32, "integer", NULL);
}

static void
check_filter(const ConnhubSource *source, const ConnhubExpr *filter, ConnhubVerdictKind kind, const char *want)
{
	is_int(fake_judge(driver, source, CONNHUB_PIECE_FILTER, filter), kind, "verdict on %s", want);
	if (kind != CONNHUB_REFUSE)
		ok(strstr(fake_render_filter(driver, source, filter), want) != NULL, "sends %s: %s", want,
		   fake_render_filter(driver, source, filter));
	else
		ok(strstr(fake_reason(), want) != NULL, "refused because %s: %s", want, fake_reason());
}

static const ConnhubExpr *
compare(ConnhubFunction fn, const ConnhubCollation *collation, const ConnhubExpr *a, const ConnhubExpr *b)
{
	return fake_call(fn, collation, a, b, NULL, NULL);
}

/* ---- Judging and rendering ------------------------------------------------------------------------------------- */

static void
test_text(void)
{
	const ConnhubExpr *value = fake_slice(CONNHUB_TEXT, "O'Neil\\");

	check_filter(&genuine, compare(CONNHUB_FN_EQ, &fake_english, text_column("en_US.utf8"), value), CONNHUB_EXACT,
				 "(t.\"name\" = 'O''Neil\\'::text)");
	check_filter(&genuine, compare(CONNHUB_FN_EQ, &fake_blurred, text_column("en_US.utf8"), value), CONNHUB_REFUSE,
				 "nondeterministic here");
	check_filter(&genuine, compare(CONNHUB_FN_EQ, &fake_c, text_column("blurred (nondeterministic)"), value),
				 CONNHUB_REFUSE, "at the source is nondeterministic");
	check_filter(&genuine, compare(CONNHUB_FN_EQ, &fake_c, text_column(NULL), value), CONNHUB_REFUSE, "not known");
	check_filter(&genuine, compare(CONNHUB_FN_LT, &fake_english, text_column("en_US.utf8"), value), CONNHUB_REFUSE,
				 "order of a locale");
	check_filter(&genuine, compare(CONNHUB_FN_LT, &fake_c, text_column("en_US.utf8"), value), CONNHUB_EXACT,
				 "(t.\"name\" COLLATE \"C\" < 'O''Neil\\'::text)");
	check_filter(&genuine, compare(CONNHUB_FN_LT, &fake_c, text_column("C"), value), CONNHUB_EXACT,
				 "(t.\"name\" < 'O''Neil\\'::text)");
	check_filter(&genuine, compare(CONNHUB_FN_LIKE, &fake_english, text_column("en_US.utf8"), value), CONNHUB_EXACT,
				 "(t.\"name\" LIKE 'O''Neil\\'::text)");
	check_filter(&genuine, compare(CONNHUB_FN_ILIKE, &fake_english, text_column("en_US.utf8"), value), CONNHUB_REFUSE,
				 "case folding");
	check_filter(&genuine, compare(CONNHUB_FN_EQ, &fake_english,
								   fake_column("name", CONNHUB_TEXT, "public.citext", "C"), value), CONNHUB_REFUSE,
				 "rules of their own");
	check_filter(&genuine, fake_call(CONNHUB_FN_IS_NULL, NULL, fake_column("name", CONNHUB_TEXT, "public.pair", NULL),
									 NULL, NULL, NULL), CONNHUB_REFUSE, "rules of their own");
	is_int(fake_judge_sort(driver, &genuine, text_column("en_US.utf8"), &fake_english), CONNHUB_REFUSE,
		   "a sort by a locale stays");
	is_int(fake_judge_sort(driver, &genuine, text_column("en_US.utf8"), &fake_c), CONNHUB_EXACT, "a sort by C crosses");
}

static void
test_values(void)
{
	const ConnhubExpr *when = fake_column("at", CONNHUB_TIMESTAMPTZ, "timestamp with time zone", NULL);

	check_filter(&genuine, compare(CONNHUB_FN_EQ, NULL, number_column(), fake_int(CONNHUB_INT32, -7)), CONNHUB_EXACT,
				 "(t.\"id\" = (-7))");
	check_filter(&genuine, compare(CONNHUB_FN_EQ, NULL, number_column(), fake_int(CONNHUB_INT32, INT32_MIN)),
				 CONNHUB_REFUSE, "out of the range");
	check_filter(&genuine, compare(CONNHUB_FN_EQ, NULL, fake_column("n", CONNHUB_INT64, "bigint", NULL),
								   fake_int(CONNHUB_INT64, INT64_MIN)), CONNHUB_EXACT,
				 "(t.\"n\" = (-9223372036854775808)::bigint)");
	check_filter(&genuine, compare(CONNHUB_FN_LT, NULL, when, fake_int(CONNHUB_TIMESTAMPTZ, -1)), CONNHUB_EXACT,
				 "'1969-12-31 23:59:59.999999+00'::timestamptz");
	check_filter(&genuine, compare(CONNHUB_FN_LT, NULL, when, fake_int(CONNHUB_TIMESTAMPTZ, CONNHUB_INFINITY)),
				 CONNHUB_EXACT, "'infinity'::timestamptz");
	check_filter(&genuine, compare(CONNHUB_FN_EQ, NULL, fake_column("d", CONNHUB_DATE, "date", NULL),
								   fake_int(CONNHUB_DATE, -2440588)), CONNHUB_EXACT, "'4714-11-24 BC'::date");
	check_filter(&genuine, compare(CONNHUB_FN_EQ, NULL, fake_column("f", CONNHUB_FLOAT64, "double precision", NULL),
								   fake_real(CONNHUB_FLOAT64, 0.1)), CONNHUB_EXACT, "::double precision");
	check_filter(&genuine, compare(CONNHUB_FN_EQ, NULL, fake_column("f", CONNHUB_FLOAT64, "double precision", NULL),
								   fake_real(CONNHUB_FLOAT64, NAN)), CONNHUB_EXACT, "'NaN'::double precision");
	check_filter(&genuine, compare(CONNHUB_FN_EQ, NULL, fake_column("b", CONNHUB_BYTES, "bytea", NULL),
								   fake_slice(CONNHUB_BYTES, "\x01'\xff")), CONNHUB_EXACT, "'\\x0127ff'::bytea");
	check_filter(&genuine, compare(CONNHUB_FN_EQ, NULL, number_column(), fake_param(CONNHUB_INT32, 2)), CONNHUB_EXACT,
				 "(t.\"id\" = $3::integer)");
	check_filter(&genuine, compare(CONNHUB_FN_EQ, NULL, fake_column("id", CONNHUB_INT32, NULL, NULL),
								   fake_int(CONNHUB_INT32, 1)), CONNHUB_REFUSE, "type at the source is not known");
}

/* A cast that only widens an integer would keep an index from serving. */
static void
test_widening(void)
{
	const ConnhubExpr *wide = fake_call_of(CONNHUB_INT64, CONNHUB_FN_CAST, NULL, number_column(), NULL, NULL, NULL);

	check_filter(&genuine, compare(CONNHUB_FN_EQ, NULL, wide, fake_int(CONNHUB_INT64, 5)), CONNHUB_EXACT,
				 "(t.\"id\" = 5::bigint)");
}

static void
test_bounds(void)
{
	const ConnhubExpr *deep = compare(CONNHUB_FN_EQ, NULL, number_column(), fake_int(CONNHUB_INT32, 1));

	for (int i = 0; i < 100; i++)
		deep = fake_call(CONNHUB_FN_NOT, NULL, deep, NULL, NULL, NULL);
	check_filter(&genuine, deep, CONNHUB_REFUSE, "nested too deeply");
	is_int(fake_judge_sort(driver, &genuine, fake_int(CONNHUB_INT32, 1), NULL), CONNHUB_REFUSE,
		   "a sort by a constant would be one by position");
}

/* A superset is harmless at the top of a filter and below AND and OR, and nowhere else. */
static void
test_superset(void)
{
	const ConnhubExpr *loose = compare(CONNHUB_FN_EQ, &fake_english, text_column("x"), fake_slice(CONNHUB_TEXT, "a"));
	const ConnhubExpr *tight = compare(CONNHUB_FN_EQ, NULL, number_column(), fake_int(CONNHUB_INT32, 1));

	check_filter(&relative, loose, CONNHUB_SUPERSET, "(t.\"name\" = 'a')");
	check_filter(&relative, compare(CONNHUB_FN_OR, NULL, tight, loose), CONNHUB_SUPERSET, " OR ");
	check_filter(&relative, compare(CONNHUB_FN_AND, NULL, tight, loose), CONNHUB_SUPERSET, " AND ");
	check_filter(&relative, fake_call(CONNHUB_FN_NOT, NULL, loose, NULL, NULL, NULL), CONNHUB_REFUSE, "trailing blanks");
	is_int(fake_judge(driver, &relative, CONNHUB_PIECE_OUTPUT, loose), CONNHUB_REFUSE, "nor is it an output");
	check_filter(&relative, compare(CONNHUB_FN_NE, &fake_english, text_column("x"), fake_slice(CONNHUB_TEXT, "a")),
				 CONNHUB_REFUSE, "no form");
	check_filter(&relative, compare(CONNHUB_FN_EQ, &fake_english, text_column("x"), fake_slice(CONNHUB_TEXT, "a\\")),
				 CONNHUB_REFUSE, "backslash");
}

static void
test_request(void)
{
	const ConnhubExpr *outputs[] = {number_column(), fake_column("mood\"x", CONNHUB_TEXT, "public.mood", NULL)};
	const ConnhubSortKey keys[] = {
		{.expr = outputs[0],.descending = true,.nulls_first = true},
		{.expr = fake_column("when", CONNHUB_DATE, "date", NULL),.nulls_first = true},
	};
	ConnhubRequest request = {
		.struct_size = sizeof(request), .table = "a\"b", .outputs = outputs, .noutputs = 2, .sort = keys, .nsort = 2,
		.limit = fake_int(CONNHUB_INT64, 10), .offset = fake_param(CONNHUB_INT64, 0)
	};

	is_text(fake_render(driver, &genuine, &request),
			"SELECT t.\"id\", t.\"mood\"\"x\"::text FROM \"public\".\"a\"\"b\" AS t "
			"ORDER BY t.\"id\" DESC, t.\"when\" NULLS FIRST LIMIT 10 OFFSET $1::bigint", "a whole request");
	request.noutputs = request.nsort = 0;
	request.schema = "s";
	request.limit = fake_null(CONNHUB_INT64);
	request.offset = NULL;
	is_text(fake_render(driver, &genuine, &request), "SELECT NULL FROM \"s\".\"a\"\"b\" AS t",
			"no outputs, and a limit of null");
}

static void
check_render_write(const ConnhubWrite *write, const char *want, const char *what)
{
	ConnhubText text = {0};
	ConnhubError error = {0};
	ConnhubStatus status = driver->render_write(&genuine, write, &text, &error);

	is_text(status == CONNHUB_OK ? text.data : error.detail, want, what);
	fake_host.free(text.data);
}

static ConnhubVerdictKind
judge_write(const ConnhubSource *source, const ConnhubWrite *write)
{
	ConnhubPiece piece = {.struct_size = sizeof(piece),.kind = CONNHUB_PIECE_WRITE,.write = write};
	ConnhubVerdict verdict = {0};

	driver->judge(source, &piece, &verdict);
	return verdict.kind;
}

/* What is text here for want of a type is read by the type it has there; relatives are not written to. */
static void
test_write(void)
{
	const ConnhubColumn *id = number_column()->column;
	const ConnhubColumn *mood = fake_column("mood", CONNHUB_TEXT, "public.mood", NULL)->column;
	const ConnhubColumn *columns[] = {id, mood};
	ConnhubWrite write = {
		.struct_size = sizeof(write),.kind = CONNHUB_INSERT,.schema = "s",.table = "t",.columns = columns,.ncolumns = 2,
		.returning = columns,.nreturning = 1
	};

	is_int(judge_write(&genuine, &write), CONNHUB_EXACT, "an insert is accepted");
	is_int(judge_write(&relative, &write), CONNHUB_REFUSE, "but not by a relative");
	check_render_write(&write,
					   "INSERT INTO \"s\".\"t\" (\"id\", \"mood\") VALUES ($1, $2::text::public.mood) RETURNING \"t\".\"id\"", "an insert");
	write.kind = CONNHUB_UPDATE;
	write.columns = columns + 1;
	write.ncolumns = 1;
	write.keys = columns;
	write.nkeys = 1;
	write.nreturning = 0;
	check_render_write(&write,
					   "UPDATE \"s\".\"t\" SET \"mood\" = $1::text::public.mood WHERE (\"t\".\"id\" = $2::integer)", "an update by key");
	write.keys = columns + 1;
	is_int(judge_write(&genuine, &write), CONNHUB_REFUSE, "a key whose equality is not known is refused");
	write = (ConnhubWrite) {.struct_size = sizeof(write),.kind = CONNHUB_TRUNCATE,.table = "t",.restart_identity = true};
	check_render_write(&write, "TRUNCATE TABLE \"public\".\"t\" RESTART IDENTITY", "a truncate");
}

static void
test_count(void)
{
	const ConnhubExpr rows = {
		.struct_size = sizeof(ConnhubExpr), .kind = CONNHUB_EXPR_AGGREGATE, .type = {.type = CONNHUB_INT64},
		.fn = CONNHUB_FN_COUNT_ALL
	};

	is_int(fake_judge(driver, &genuine, CONNHUB_PIECE_OUTPUT, &rows), CONNHUB_EXACT, "count(*), which has no arguments");
}

/* ---- Values on the wire ---------------------------------------------------------------------------------------- */

static void
test_decoders(void)
{
	ConnhubTypeRef wanted = {.type = CONNHUB_DATE,.precision = -1};
	int64_t		integers[1];
	ConnhubVector vector = {.v.integers = integers};
	ConnhubType type;
	PgDecode	decode = pg_decoder(1082, 1, &wanted, &type);

	ok(decode && decode("\x00\x00\x00\x00", 4, &vector, 0) && integers[0] == PG_EPOCH_DAYS, "2000-01-01");
	ok(decode && decode("\x7f\xff\xff\xff", 4, &vector, 0) && integers[0] == CONNHUB_INFINITY, "infinity");
	ok(decode && decode("\x80\x00\x00\x00", 4, &vector, 0) && integers[0] == CONNHUB_MINUS_INFINITY, "-infinity");
	ok(decode && !decode("\x00", 1, &vector, 0), "a short value is no date");
	wanted.pg_type = "date";
	ok(pg_decoder(1082, 1, &wanted, &type) != NULL && type == CONNHUB_PGBINARY, "a date passes through to a date");
	wanted = (ConnhubTypeRef) {.type = CONNHUB_TIMESTAMP,.precision = -1,.pg_type = "timestamp without time zone"};
	ok(pg_decoder(1114, 1, &wanted, &type) != NULL && type == CONNHUB_PGBINARY, "a timestamp passes through, whatever its year");
	ok(pg_decoder(1184, 1, &wanted, &type) == NULL, "one with a zone is not read as one without");
	wanted = (ConnhubTypeRef) {.type = CONNHUB_INT32,.precision = -1,.pg_type = "integer"};
	ok(pg_decoder(20, 1, &wanted, &type) == NULL, "a bigint is not read as an integer");
	wanted.type = CONNHUB_INT64;
	wanted.pg_type = "bigint";
	ok(pg_decoder(23, 1, &wanted, &type) != NULL && type == CONNHUB_INT64, "an integer is read as a bigint");
	wanted = (ConnhubTypeRef) {.type = CONNHUB_NATIVE,.precision = -1,.pg_type = "integer[]"};
	ok(pg_decoder(1007, 1, &wanted, &type) != NULL && type == CONNHUB_PGBINARY, "an array passes through");
	ok(pg_decoder(1016, 1, &wanted, &type) == NULL, "another array does not");
	ok(pg_decoder(25, 1, &wanted, &type) != NULL && type == CONNHUB_TEXT, "text is parsed");
}

static void
test_params(void)
{
	ConnhubValue values[4];
	PgBound		bound;
	ConnhubError error = {0};

	memset(values, 0, sizeof(values));
	values[0].type.type = CONNHUB_INT32;
	values[0].v.integer = -2;
	values[1].type.type = CONNHUB_TEXT;
	values[2].type.type = CONNHUB_DECIMAL;
	values[2].v.slice = (ConnhubSlice) {"1.50x", 4};
	values[3].type.type = CONNHUB_DATE;
	values[3].v.integer = INT64_MAX - 1;
	is_int(pg_bind(values, 3, &bound, &error), CONNHUB_OK, "three parameters");
	ok(memcmp(bound.params.values[0], "\xff\xff\xff\xfe", 4) == 0, "an integer is big-endian");
	ok(bound.params.values[1] && bound.params.lengths[1] == 0, "empty text is not null");
	is_text(bound.params.values[2], "1.50", "a decimal is text");
	pg_unbind(&bound);
	is_int(pg_bind(values, 4, &bound, &error), CONNHUB_DATA, "a date beyond the type is refused");
	is_int(fake.live, 0, "nothing is left behind");
}

int
main(void)
{
	driver = connhub_driver_init(&fake_host);
	test_text();
	test_values();
	test_widening();
	test_bounds();
	test_superset();
	test_request();
	test_write();
	test_count();
	test_decoders();
	test_params();
	return tap_done();
}
