/* types.c — every ABI type: how its values are made, its boundary values, its text.
 *
 * Boundary values are the extremes of PostgreSQL's type that the ABI's storage can hold.  Calendar
 * arithmetic is proleptic Gregorian, as PostgreSQL's. */
#include "mock.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define DAY_US INT64_C(86400000000)

#define TEXT(s) {.slice = {s, sizeof(s) - 1}}

static const MkEdge bool_edges[] = {{.integer = 0}, {.integer = 1}};
static const MkEdge int16_edges[] = {{.integer = INT16_MIN}, {.integer = INT16_MAX}, {.integer = 0}};
static const MkEdge int32_edges[] = {{.integer = INT32_MIN}, {.integer = INT32_MAX}, {.integer = 0}};
static const MkEdge int64_edges[] = {{.integer = INT64_MIN}, {.integer = INT64_MAX}, {.integer = 0}};
static const MkEdge float32_edges[] = {
	{.real = -FLT_MAX}, {.real = FLT_MAX}, {.real = FLT_MIN}, {.real = -0.0},
	{.real = INFINITY}, {.real = -INFINITY}, {.real = NAN}
};
static const MkEdge float64_edges[] = {
	{.real = -DBL_MAX}, {.real = DBL_MAX}, {.real = DBL_MIN}, {.real = -0.0},
	{.real = INFINITY}, {.real = -INFINITY}, {.real = NAN}
};
static const MkEdge decimal_edges[] = {
	TEXT("0"), TEXT("-0.000000000000000000000000000001"),
	TEXT("123456789012345678901234567890123456789012345678901234567890.5"),
	TEXT("NaN"), TEXT("Infinity"), TEXT("-Infinity")
};
static const MkEdge date_edges[] = {
	{.integer = -2440588}, {.integer = INT64_C(2145042905)}, {.integer = 0},
	{.integer = CONNHUB_INFINITY}, {.integer = CONNHUB_MINUS_INFINITY}
};
static const MkEdge time_edges[] = {{.integer = 0}, {.integer = DAY_US - 1}, {.integer = DAY_US}};
static const MkEdge timetz_edges[] = {
	TEXT("00:00:00+15:59:59"), TEXT("24:00:00-15:59:59"), TEXT("12:00:00.000001+00")
};
static const MkEdge timestamp_edges[] = {
	{.integer = INT64_C(-210866803200000000)}, {.integer = INT64_MAX - 1}, {.integer = -1},
	{.integer = CONNHUB_INFINITY}, {.integer = CONNHUB_MINUS_INFINITY}
};
static const MkEdge interval_edges[] = {
	{.interval = {0, 0, 0}}, {.interval = {INT64_C(-3600000001), -40, 14}},
	{.interval = {INT64_C(9000000000000), 100000, 100000}}
};
static const MkEdge uuid_edges[] = {
	TEXT("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	TEXT("\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377")
};
static const MkEdge text_edges[] = {
	TEXT(""), TEXT(" "), TEXT("a'b\"c\\d%e_f"), TEXT("line\nbreak\ttab"),
	TEXT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), TEXT("$1 -- /* x */ ;")
};
static const MkEdge bpchar_edges[] = {TEXT(""), TEXT("trailing  ")};
static const MkEdge bytes_edges[] = {TEXT(""), TEXT("\0\377'\\"), TEXT("\\x41")};
static const MkEdge json_edges[] = {
	TEXT("null"), TEXT("{}"), TEXT("[1, \"\\u00e9\", {\"a\": [true, null]}]"), TEXT("1e300")
};
static const MkEdge native_edges[] = {TEXT("0.0.0.0/0"), TEXT("::1"), TEXT("255.255.255.255")};
static const MkEdge pgbinary_edges[] = {
	TEXT("\200\0\0\0\0\0\0\0"), TEXT("\177\377\377\377\377\377\377\377"), TEXT("\0\0\0\0\0\0\0\0")
};

#define EDGES(array) array, sizeof(array) / sizeof(array[0])

static const MkType types[] = {
	{"bool", CONNHUB_BOOL, CONNHUB_BOOL, MK_INTEGER, "boolean", EDGES(bool_edges)},
	{"int16", CONNHUB_INT16, CONNHUB_INT16, MK_INTEGER, "smallint", EDGES(int16_edges)},
	{"int32", CONNHUB_INT32, CONNHUB_INT32, MK_INTEGER, "integer", EDGES(int32_edges)},
	{"int64", CONNHUB_INT64, CONNHUB_INT64, MK_INTEGER, "bigint", EDGES(int64_edges)},
	{"float32", CONNHUB_FLOAT32, CONNHUB_FLOAT32, MK_REAL, "real", EDGES(float32_edges)},
	{"float64", CONNHUB_FLOAT64, CONNHUB_FLOAT64, MK_REAL, "double precision", EDGES(float64_edges)},
	{"decimal", CONNHUB_DECIMAL, CONNHUB_DECIMAL, MK_SLICE, "numeric", EDGES(decimal_edges)},
	{"date", CONNHUB_DATE, CONNHUB_DATE, MK_INTEGER, "date", EDGES(date_edges)},
	{"time", CONNHUB_TIME, CONNHUB_TIME, MK_INTEGER, "time without time zone", EDGES(time_edges)},
	{"timetz", CONNHUB_TIMETZ, CONNHUB_TIMETZ, MK_SLICE, "time with time zone", EDGES(timetz_edges)},
	{"timestamp", CONNHUB_TIMESTAMP, CONNHUB_TIMESTAMP, MK_INTEGER, "timestamp without time zone",
	EDGES(timestamp_edges)},
	{"timestamptz", CONNHUB_TIMESTAMPTZ, CONNHUB_TIMESTAMPTZ, MK_INTEGER, "timestamp with time zone",
	EDGES(timestamp_edges)},
	{"interval", CONNHUB_INTERVAL, CONNHUB_INTERVAL, MK_INTERVAL, "interval", EDGES(interval_edges)},
	{"uuid", CONNHUB_UUID, CONNHUB_UUID, MK_SLICE, "uuid", EDGES(uuid_edges)},
	{"text", CONNHUB_TEXT, CONNHUB_TEXT, MK_SLICE, "text", EDGES(text_edges)},
	{"bpchar", CONNHUB_BPCHAR, CONNHUB_BPCHAR, MK_SLICE, "character", EDGES(bpchar_edges)},
	{"bytes", CONNHUB_BYTES, CONNHUB_BYTES, MK_SLICE, "bytea", EDGES(bytes_edges)},
	{"json", CONNHUB_JSON, CONNHUB_JSON, MK_SLICE, "json", EDGES(json_edges)},
	{"inet", CONNHUB_NATIVE, CONNHUB_NATIVE, MK_SLICE, "inet", EDGES(native_edges)},
	{"pgbinary", CONNHUB_NATIVE, CONNHUB_PGBINARY, MK_SLICE, "bigint", EDGES(pgbinary_edges)},
};

#define NTYPES (sizeof(types) / sizeof(types[0]))

const MkType *
mk_type_by_name(const char *name, size_t length)
{
	size_t		i;

	for (i = 0; i < NTYPES; i++)
		if (strlen(types[i].name) == length && memcmp(types[i].name, name, length) == 0)
			return &types[i];
	return NULL;
}

const MkType *
mk_type_by_id(ConnhubType type)
{
	size_t		i;

	for (i = 0; i < NTYPES; i++)
		if (types[i].type == type)
			return &types[i];
	return NULL;
}

MkStorage
mk_storage(ConnhubType type)
{
	const MkType *known = mk_type_by_id(type);

	return known ? known->storage : MK_SLICE;
}

static void
put_big_endian(char *out, uint64_t n)
{
	int			i;

	for (i = 7; i >= 0; i--, n >>= 8)
		out[i] = (char) (n & 0xFF);
}

static int64_t
generate_integer(ConnhubType type, uint64_t n)
{
	switch (type)
	{
		case CONNHUB_BOOL:
			return (int64_t) (n & 1);
		case CONNHUB_INT16:
			return (int64_t) (n % INT16_MAX);
		case CONNHUB_INT32:
			return (int64_t) (n % INT32_MAX);
		case CONNHUB_DATE:		/* from 2020-01-01 on */
			return INT64_C(18262) + (int64_t) (n % 100000);
		case CONNHUB_TIME:
			return (int64_t) (n % 86400) * 1000000;
		case CONNHUB_TIMESTAMP:
		case CONNHUB_TIMESTAMPTZ:
			return INT64_C(1577836800000000) + (int64_t) (n % UINT64_C(1000000000)) * 1000000;
		default:
			return (int64_t) (n % INT64_MAX);
	}
}

static void
generate_slice(const MkType *type, uint64_t n, char *scratch, ConnhubSlice *slice)
{
	int			length = 0;

	switch (type->vector)
	{
		case CONNHUB_DECIMAL:
			length = snprintf(scratch, MK_SCRATCH, "%" PRIu64 ".50", n);
			break;
		case CONNHUB_TIMETZ:
			length = snprintf(scratch, MK_SCRATCH, "%02d:%02d:%02d+02", (int) (n / 3600 % 24),
							  (int) (n / 60 % 60), (int) (n % 60));
			break;
		case CONNHUB_UUID:
			memset(scratch, 0, 8);
			put_big_endian(scratch + 8, n);
			length = 16;
			break;
		case CONNHUB_BYTES:
		case CONNHUB_PGBINARY:
			put_big_endian(scratch, n);
			length = 8;
			break;
		case CONNHUB_JSON:
			length = snprintf(scratch, MK_SCRATCH, "{\"n\": %" PRIu64 "}", n);
			break;
		case CONNHUB_NATIVE:
			length = snprintf(scratch, MK_SCRATCH, "10.%d.%d.%d", (int) (n >> 16 & 255),
							  (int) (n >> 8 & 255), (int) (n & 255));
			break;
		default:
			length = snprintf(scratch, MK_SCRATCH, "row %" PRIu64, n);
			break;
	}
	slice->data = scratch;
	slice->length = (size_t) length;
}

void
mk_type_generate(const MkType *type, uint64_t n, char *scratch, ConnhubValue *value)
{
	switch (type->storage)
	{
		case MK_INTEGER:
			value->v.integer = generate_integer(type->type, n);
			break;
		case MK_REAL:			/* exact as a float for a long time, and never a whole number */
			value->v.real = (double) (n % (1 << 20)) + 0.25;
			break;
		case MK_INTERVAL:
			value->v.interval.micros = (int64_t) (n % 86400) * 1000000;
			value->v.interval.days = (int32_t) (n % 28);
			value->v.interval.months = 0;
			break;
		case MK_SLICE:
			generate_slice(type, n, scratch, &value->v.slice);
			break;
	}
}

/* Year, month and day of a day number counted from 1970-01-01; the year 0 is 1 BC. */
static void
civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t		shifted = days + 719468;	/* from 0000-03-01 */
	int64_t		era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t		day_of_era = shifted - era * 146097;
	int64_t		year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
							   day_of_era / 146096) / 365;
	int64_t		day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t		month_from_march = (5 * day_of_year + 2) / 153;

	*day = (int) (day_of_year - (153 * month_from_march + 2) / 5 + 1);
	*month = (int) (month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
	*year = year_of_era + era * 400 + (*month <= 2);
}

static int
time_text(char *buffer, size_t size, int64_t us)
{
	return snprintf(buffer, size, "%02d:%02d:%02d.%06d", (int) (us / 3600000000),
					(int) (us / 60000000 % 60), (int) (us / 1000000 % 60), (int) (us % 1000000));
}

/* A date, with a time of day and a zone when asked for. */
static int
moment_text(char *buffer, int64_t days, int64_t us, bool with_time, const char *zone)
{
	int64_t		year;
	int			month,
				day,
				length;

	civil_from_days(days, &year, &month, &day);
	length = snprintf(buffer, MK_TEXT_MAX, "%04" PRId64 "-%02d-%02d", year > 0 ? year : 1 - year,
					  month, day);
	if (with_time)
	{
		buffer[length++] = ' ';
		length += time_text(buffer + length, MK_TEXT_MAX - (size_t) length, us);
		length += snprintf(buffer + length, MK_TEXT_MAX - (size_t) length, "%s", zone);
	}
	if (year <= 0)
		length += snprintf(buffer + length, MK_TEXT_MAX - (size_t) length, " BC");
	return length;
}

static int
integer_text(ConnhubType type, int64_t value, char *buffer)
{
	int64_t		days;

	if (type == CONNHUB_BOOL)
		return snprintf(buffer, MK_TEXT_MAX, "%s", value ? "t" : "f");
	if (type == CONNHUB_TIME)
		return time_text(buffer, MK_TEXT_MAX, value);
	if (type != CONNHUB_DATE && type != CONNHUB_TIMESTAMP && type != CONNHUB_TIMESTAMPTZ)
		return snprintf(buffer, MK_TEXT_MAX, "%" PRId64, value);
	if (value == CONNHUB_INFINITY)
		return snprintf(buffer, MK_TEXT_MAX, "infinity");
	if (value == CONNHUB_MINUS_INFINITY)
		return snprintf(buffer, MK_TEXT_MAX, "-infinity");
	if (type == CONNHUB_DATE)
		return moment_text(buffer, value, 0, false, "");
	days = value / DAY_US - (value % DAY_US < 0);
	return moment_text(buffer, days, value - days * DAY_US, true,
					   type == CONNHUB_TIMESTAMPTZ ? "+00" : "");
}

static int
real_text(ConnhubType type, double value, char *buffer)
{
	if (isnan(value))
		return snprintf(buffer, MK_TEXT_MAX, "NaN");
	if (isinf(value))
		return snprintf(buffer, MK_TEXT_MAX, "%s", value > 0 ? "Infinity" : "-Infinity");
	return snprintf(buffer, MK_TEXT_MAX, "%.*g", type == CONNHUB_FLOAT32 ? 9 : 17, value);
}

static const char hex[] = "0123456789abcdef";

static int
uuid_text(const char *data, char *buffer)
{
	int			length = 0;
	int			i;

	for (i = 0; i < 16; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			buffer[length++] = '-';
		buffer[length++] = hex[(unsigned char) data[i] >> 4];
		buffer[length++] = hex[data[i] & 15];
	}
	return length;
}

static bool
bytes_text(const ConnhubSlice *bytes, MkAlloc alloc, void *owner, ConnhubSlice *text)
{
	char	   *out = alloc(owner, bytes->length * 2 + 2);
	size_t		i;

	if (out == NULL)
		return false;
	out[0] = '\\';
	out[1] = 'x';
	for (i = 0; i < bytes->length; i++)
	{
		out[2 + 2 * i] = hex[(unsigned char) bytes->data[i] >> 4];
		out[3 + 2 * i] = hex[bytes->data[i] & 15];
	}
	text->data = out;
	text->length = bytes->length * 2 + 2;
	return true;
}

bool
mk_value_text(const ConnhubValue *value, char *buffer, MkAlloc alloc, void *owner, ConnhubSlice *text)
{
	ConnhubType type = value->type.type;
	int			length;

	text->data = buffer;
	switch (mk_storage(type))
	{
		case MK_INTEGER:
			length = integer_text(type, value->v.integer, buffer);
			break;
		case MK_REAL:
			length = real_text(type, value->v.real, buffer);
			break;
		case MK_INTERVAL:
			length = snprintf(buffer, MK_TEXT_MAX, "%d months %d days %" PRId64 " microseconds",
							  value->v.interval.months, value->v.interval.days,
							  value->v.interval.micros);
			break;
		default:
			if (type == CONNHUB_BYTES)
				return bytes_text(&value->v.slice, alloc, owner, text);
			if (type != CONNHUB_UUID)
			{
				*text = value->v.slice;
				return true;
			}
			length = uuid_text(value->v.slice.data, buffer);
			break;
	}
	text->length = (size_t) length;
	return true;
}
