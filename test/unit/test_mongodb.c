/* test_mongodb.c — claim: what the mongodb driver sends means what PostgreSQL means, and values keep their worth on the way to BSON and
 * back. */
#include <mongoc/mongoc.h>

#include "host.h"
#include "tap.h"

#include <string.h>

#include "../../drivers/mongodb/bind.h"

static const ConnhubDriver *driver;
static const ConnhubSource source = {.struct_size = sizeof(source), .type = "mongodb", .product = "MongoDB",
.version_num = 60000, .flags = MG_FLAG_REACHED, .schema = "shop"};

static const ConnhubExpr *
number(void)
{
	return fake_column("n", CONNHUB_INT32, "int", NULL);
}

static void
check_filter(const ConnhubExpr *filter, const char *want, const char *what)
{
	is_int(fake_judge(driver, &source, CONNHUB_PIECE_FILTER, filter), CONNHUB_EXACT, "%s is exact", what);
	ok(strstr(fake_render_filter(driver, &source, filter), want) != NULL, "%s: %s", what,
	   fake_render_filter(driver, &source, filter));
}

static void
check_refused(const ConnhubExpr *filter, const char *what)
{
	is_int(fake_judge(driver, &source, CONNHUB_PIECE_FILTER, filter), CONNHUB_REFUSE, "%s is refused: %s", what, fake_reason());
}

static void
test_filters(void)
{
	const ConnhubExpr *five = fake_int(CONNHUB_INT32, 5);
	const ConnhubExpr *less = fake_call(CONNHUB_FN_LT, NULL, number(), five, NULL, NULL);
	const ConnhubExpr *real = fake_column("d", CONNHUB_FLOAT64, "double", NULL);
	const ConnhubExpr *text = fake_column("s", CONNHUB_TEXT, "string", NULL);
	const ConnhubExpr *nested = fake_column("a_b", CONNHUB_INT32, "int at a.b", NULL);

	check_filter(less, "{\"n\":{\"$lt\":5}}", "less");
	check_filter(fake_call(CONNHUB_FN_NOT, NULL, less, NULL, NULL, NULL), "{\"n\":{\"$gte\":5}}", "not less");
	check_filter(fake_call(CONNHUB_FN_GT, NULL, five, number(), NULL, NULL), "{\"n\":{\"$lt\":5}}", "turned");
	check_filter(fake_call(CONNHUB_FN_NE, NULL, number(), five, NULL, NULL), "{\"n\":{\"$ne\":5,\"$type\":\"number\"}}", "unequal");
	check_filter(less, "{\"n\":{\"$not\":{\"$type\":\"array\"}}}", "no array");
	check_filter(fake_call(CONNHUB_FN_EQ, NULL, nested, fake_param(CONNHUB_INT32, 0), NULL, NULL), "{\"a.b\":{\"$eq\":{\"$1\":\"int\"}}}", "a parameter");
	check_filter(fake_call(CONNHUB_FN_EQ, NULL, nested, five, NULL, NULL), "{\"a\":{\"$not\":{\"$type\":\"array\"}}}", "no array of documents");
	check_filter(fake_call(CONNHUB_FN_GT, NULL, real, fake_real(CONNHUB_FLOAT64, 1.5), NULL, NULL),
				 "{\"d\":{\"$not\":{\"$lte\":{\"$numberDouble\":\"1.5\"}},\"$type\":\"number\"}}", "above, and NaN");
	check_filter(fake_call(CONNHUB_FN_LIKE, &fake_english, text, fake_slice(CONNHUB_TEXT, "a.%_\\%"), NULL, NULL),
				 "\"^a\\\\..*.%\\\\z\"", "a pattern");
	check_filter(fake_call(CONNHUB_FN_EQ, &fake_english, text, fake_slice(CONNHUB_TEXT, "$1"), NULL, NULL), "{\"s\":{\"$eq\":\"$1\"}}", "a text like a parameter");
	check_refused(fake_call(CONNHUB_FN_LT, &fake_english, text, fake_slice(CONNHUB_TEXT, "a"), NULL, NULL), "an order not by bytes");
	check_refused(fake_call(CONNHUB_FN_EQ, &fake_blurred, text, fake_slice(CONNHUB_TEXT, "a"), NULL, NULL), "a blurred equality");
	check_refused(fake_call(CONNHUB_FN_EQ, NULL, fake_column("m", CONNHUB_JSON, "mixed", NULL), fake_slice(CONNHUB_JSON, "1"), NULL, NULL), "a mixed type");
	check_refused(fake_call(CONNHUB_FN_EQ, NULL, number(), number(), NULL, NULL), "two fields");
}

static void
test_values(void)
{
	static const char *const decimals[][2] = {
		{"0", "0"}, {"1E+3", "1000"}, {"-1.5E-3", "-0.0015"}, {"12.50", "12.50"}, {"1E-6176", NULL}, {"NaN", "NaN"}, {"-Infinity", "-Infinity"}
	};
	char		text[MG_DECIMAL_SIZE];
	bson_decimal128_t value;

	for (size_t i = 0; i < sizeof(decimals) / sizeof(decimals[0]); i++)
	{
		size_t		length;

		bson_decimal128_from_string(decimals[i][0], &value);
		length = mg_decimal_text(&value, text);
		if (decimals[i][1] != NULL)
			is_text(text, decimals[i][1], "decimal %s", decimals[i][0]);
		else
			is_int((int64_t) length, 6178, "length of decimal %s", decimals[i][0]);
	}
	ok(mg_decimal_fits("1234567890123456789012345678901234", 34), "34 digits fit");
	ok(!mg_decimal_fits("12345678901234567890123456789012345", 35), "35 do not");
	ok(mg_is_objectid("0123456789abcdef01234567", 24) && !mg_is_objectid("0123456789ABCDEF01234567", 24), "an ObjectId is lower case");
}

static void
check_bound(const char *from, const ConnhubValue *param, const char *want, const char *what)
{
	ConnhubQuery query = {.params = param, .nparams = 1};
	ConnhubError error = {0};
	bson_error_t problem;
	bson_t		parsed;
	bson_t		bound;
	char	   *json;

	if (!ok(mg_parse(from, &parsed, &problem), "%s is read", what))
		return;
	is_int(mg_bind(&parsed, &query, &bound, &error), CONNHUB_OK, "%s is bound", what);
	json = bson_as_relaxed_extended_json(&bound, NULL);
	is_text(json, want, "%s", what);
	bson_free(json);
	bson_destroy(&parsed);
	bson_destroy(&bound);
}

static void
test_binding(void)
{
	ConnhubValue five = {.type = {.type = CONNHUB_INT32}, .v.integer = 5};
	ConnhubValue null = {.type = {.type = CONNHUB_INT32}, .is_null = true};
	ConnhubValue moment = {.type = {.type = CONNHUB_TIMESTAMPTZ}, .v.integer = 1500};

	check_bound("{\"n\":{\"$not\":{\"$type\":\"array\"}}}", &five, "{ \"n\" : { \"$not\" : { \"$type\" : \"array\" } } }", "$type");
	check_bound("{\"n\":{\"$lt\":{\"$1\":\"int\"}}}", &five, "{ \"n\" : { \"$lt\" : 5 } }", "a value");
	check_bound("{\"n\":{\"$lt\":{\"$1\":\"int\"}}}", &null, "{ \"n\" : { \"$in\" : [  ] } }", "a null");
	check_bound("{\"n\":{\"$in\":[1,{\"$1\":\"int\"}]}}", &null, "{ \"n\" : { \"$in\" : [ 1 ] } }", "a null in a list");
	check_bound("{\"n\":{\"$nin\":[1,{\"$1\":\"int\"}]}}", &null, "{ \"n\" : { \"$in\" : [  ] } }", "a null not in a list");
	check_bound("{\"p\":[{\"$limit\":{\"$1\":\"count\"}},{\"$sort\":{\"a\":1}}]}", &null, "{ \"p\" : [ { \"$sort\" : { \"a\" : 1 } } ] }", "no limit");
	check_bound("{\"t\":{\"$lt\":{\"$1\":\"date up\"}}}", &moment, "{ \"t\" : { \"$lt\" : { \"$date\" : \"1970-01-01T00:00:00.002Z\" } } }", "the next millisecond");
	check_bound("{\"t\":{\"$eq\":{\"$1\":\"date\"}}}", &moment, "{ \"t\" : { \"$eq\" : \"\" } }", "no date");
}

int
main(void)
{
	fake_reset();
	driver = connhub_driver_init(&fake_host);
	test_filters();
	test_values();
	test_binding();
	return tap_done();
}
