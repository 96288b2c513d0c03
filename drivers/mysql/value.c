/* value.c — values of the binary protocol, into vectors of a batch.
 *
 * A value reaches the type asked for exactly or not at all: out of range, not a calendar date, not
 * text — each is an error that names the column.  A pair of wire form and wanted type that is not in
 * the table is answered in text, which core then parses as that type.
 *
 * Bytes of a packet are not trusted: every length is checked against the end of the buffer. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "value.h"

#define MICROS_PER_SECOND	INT64_C(1000000)
#define MICROS_PER_DAY		(INT64_C(86400) * MICROS_PER_SECOND)

#define BINARY_CHARSET		63	/* the protocol's number for "no character set" */

typedef bool (*MyPut) (const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target);

typedef struct MyConversion
{
	MyWire		wire;
	ConnhubType wanted;
	ConnhubType answer;
	MyPut		put;
} MyConversion;

/* ---- Dates ------------------------------------------------------------------------------- */

int64_t
my_days_from_date(int64_t year, uint32_t month, uint32_t day)
{
	int64_t		era;
	int64_t		year_of_era;
	int64_t		day_of_year;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	year_of_era = year - era * 400;
	day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

void
my_date_from_days(int64_t days, int64_t *year, uint32_t *month, uint32_t *day)
{
	int64_t		era;
	int64_t		day_of_era;
	int64_t		year_of_era;
	int64_t		day_of_year;
	int64_t		shifted;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	day_of_era = days - era * 146097;
	year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	shifted = (5 * day_of_year + 2) / 153;
	*day = (uint32_t) (day_of_year - (153 * shifted + 2) / 5 + 1);
	*month = (uint32_t) (shifted < 10 ? shifted + 3 : shifted - 9);
	*year = year_of_era + era * 400 + (*month <= 2);
}

static bool
is_calendar_date(const MyRaw *raw)
{
	static const uint32_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool		leap = raw->year % 4 == 0 && (raw->year % 100 != 0 || raw->year % 400 == 0);

	return raw->month >= 1 && raw->month <= 12 && raw->day >= 1 &&
		raw->day <= lengths[raw->month - 1] + (raw->month == 2 && leap);
}

static int64_t
micros_of_day(const MyRaw *raw)
{
	return ((raw->hour * INT64_C(60) + raw->minute) * 60 + raw->second) * MICROS_PER_SECOND + raw->micro;
}

static int64_t
micros_of_time(const MyRaw *raw)
{
	int64_t		micros = raw->days * MICROS_PER_DAY + micros_of_day(raw);

	return raw->negative ? -micros : micros;
}

/* ---- Failures and storage ---------------------------------------------------------------- */

static bool
fail_value(const MyColumn *column, uint32_t index, MyTarget *target, const char *what, const char *hint)
{
	fail_as(target->error, CONNHUB_DATA, "%s in column \"%s\"", what, column->name);
	target->error->column = (int32_t) index;
	if (hint != NULL)
		fail_hint(target->error, "%s", hint);
	return false;
}

static bool
set_integer(uint32_t index, int64_t value, MyTarget *target)
{
	ConnhubVector *vector = &target->batch->columns[index];

	vector->v.integers[target->row] = value;
	CONNHUB_SET_VALID(vector, target->row);
	return true;
}

static char *
set_bytes(uint32_t index, size_t length, MyTarget *target)
{
	ConnhubVector *vector = &target->batch->columns[index];
	char	   *copy = target->host->batch_alloc(target->batch, length > 0 ? length : 1);

	if (copy == NULL)
	{
		fail_no_memory(target->error);
		return NULL;
	}
	vector->v.slices[target->row].data = copy;
	vector->v.slices[target->row].length = length;
	CONNHUB_SET_VALID(vector, target->row);
	target->bytes += length;
	return copy;
}

static bool
set_copy(uint32_t index, const void *data, size_t length, MyTarget *target)
{
	char	   *copy = set_bytes(index, length, target);

	if (copy == NULL)
		return false;
	if (length > 0)
		memcpy(copy, data, length);
	return true;
}

/* Length of the UTF-8 character at p, 0 when there is none.  Surrogates and overlong forms are none. */
static size_t
utf8_length(const unsigned char *p, size_t left)
{
	size_t		length = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (length == 0 || length > left)
		return 0;
	for (size_t i = 1; i < length; i++)
	{
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
		(p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return length;
}

static bool
set_text(const MyColumn *column, uint32_t index, const unsigned char *text, size_t length,
		 MyTarget *target)
{
	for (size_t i = 0; i < length;)
	{
		size_t		step = utf8_length(text + i, length - i);

		if (text[i] == '\0')
			return fail_value(column, index, target, "text with a zero byte",
							  "PostgreSQL text cannot hold it: declare the column as bytea.");
		if (step == 0)
			return fail_value(column, index, target, "bytes that are not UTF-8 text",
							  "Declare the column as bytea, or correct the value at the source.");
		i += step;
	}
	return set_copy(index, text, length, target);
}

/* True: go on.  False: the value is dealt with, as null or as an error, and *result is what put returns. */
static bool
require_date(const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target, bool *result)
{
	char		what[64];

	if (is_calendar_date(raw))
		return true;
	*result = target->zero_dates == MY_ZERO_NULL;
	if (!*result)
	{
		snprintf(what, sizeof(what), "no calendar date: %04u-%02u-%02u", raw->year, raw->month, raw->day);
		fail_value(column, index, target, what,
				   "Set the connector's option zero_dates to \"null\" to read such dates as null, or correct them at the source.");
	}
	return false;
}

/* ---- Conversions ------------------------------------------------------------------------- */

static bool
put_integer(const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target)
{
	int64_t		least = INT64_MIN;
	int64_t		most = INT64_MAX;

	if (column->wanted == CONNHUB_INT16)
	{
		least = INT16_MIN;
		most = INT16_MAX;
	}
	else if (column->wanted == CONNHUB_INT32)
	{
		least = INT32_MIN;
		most = INT32_MAX;
	}
	if (raw->integer < least || raw->integer > most ||
		((column->wire == MY_WIRE_UNSIGNED || column->wire == MY_WIRE_BIT) && raw->integer < 0))
		return fail_value(column, index, target, "integer out of range",
						  "Declare the column with the type that discovery proposes.");
	return set_integer(index, raw->integer, target);
}

static bool
put_boolean(const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target)
{
	if (raw->integer != 0 && raw->integer != 1)
		return fail_value(column, index, target, "integer that is neither 0 nor 1",
						  "Declare the column as smallint.");
	return set_integer(index, raw->integer, target);
}

static bool
put_real(const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target)
{
	ConnhubVector *vector = &target->batch->columns[index];

	vector->v.reals[target->row] = raw->real;
	CONNHUB_SET_VALID(vector, target->row);
	return true;
}

static bool
put_number_text(const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target)
{
	char		text[64];
	int			length;

	if (column->wire == MY_WIRE_UNSIGNED || column->wire == MY_WIRE_BIT)
		length = snprintf(text, sizeof(text), "%" PRIu64, (uint64_t) raw->integer);
	else if (column->wire == MY_WIRE_FLOAT)
		length = snprintf(text, sizeof(text), "%.9g", raw->real);
	else if (column->wire == MY_WIRE_DOUBLE)
		length = snprintf(text, sizeof(text), "%.17g", raw->real);
	else
		length = snprintf(text, sizeof(text), "%" PRId64, raw->integer);
	return set_copy(index, text, (size_t) length, target);
}

static bool
put_text(const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target)
{
	return set_text(column, index, raw->bytes, raw->length, target);
}

static bool
put_bytes(const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target)
{
	return set_copy(index, raw->bytes, raw->length, target);
}

static bool
put_date(const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target)
{
	bool		result;

	if (!require_date(column, index, raw, target, &result))
		return result;
	if (micros_of_day(raw) != 0)
		return fail_value(column, index, target, "time of day that a date cannot hold",
						  "Declare the column as timestamp.");
	return set_integer(index, my_days_from_date(raw->year, raw->month, raw->day), target);
}

static bool
put_timestamp(const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target)
{
	bool		result;

	if (!require_date(column, index, raw, target, &result))
		return result;
	return set_integer(index, my_days_from_date(raw->year, raw->month, raw->day) * MICROS_PER_DAY +
					   micros_of_day(raw), target);
}

static bool
put_date_text(const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target)
{
	bool		result;
	char		text[64];
	int			length;

	if (!require_date(column, index, raw, target, &result))
		return result;
	length = snprintf(text, sizeof(text), "%04u-%02u-%02u", raw->year, raw->month, raw->day);
	if (column->wire == MY_WIRE_DATETIME)
		length += snprintf(text + length, sizeof(text) - length, " %02u:%02u:%02u", raw->hour, raw->minute, raw->second);
	if (raw->micro != 0)
		length += snprintf(text + length, sizeof(text) - length, ".%06u", raw->micro);
	return set_copy(index, text, (size_t) length, target);
}

static bool
put_interval(const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target)
{
	ConnhubVector *vector = &target->batch->columns[index];
	ConnhubInterval *interval = &vector->v.intervals[target->row];

	interval->micros = micros_of_time(raw);
	interval->days = 0;
	interval->months = 0;
	CONNHUB_SET_VALID(vector, target->row);
	return true;
}

static bool
put_time(const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target)
{
	int64_t		micros = micros_of_time(raw);

	if (micros < 0 || micros > MICROS_PER_DAY)
		return fail_value(column, index, target, "time beyond one day",
						  "Declare the column as interval.");
	return set_integer(index, micros, target);
}

static bool
put_time_text(const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target)
{
	char		text[64];
	int			length;

	length = snprintf(text, sizeof(text), "%s%02u:%02u:%02u", raw->negative ? "-" : "",
					  raw->days * 24 + raw->hour, raw->minute, raw->second);
	if (raw->micro != 0)
		length += snprintf(text + length, sizeof(text) - length, ".%06u", raw->micro);
	return set_copy(index, text, (size_t) length, target);
}

static int
hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
put_uuid(const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target)
{
	unsigned char bytes[16];
	size_t		digits = 0;

	if (column->wire == MY_WIRE_BYTES && raw->length == sizeof(bytes))
		return set_copy(index, raw->bytes, raw->length, target);
	memset(bytes, 0, sizeof(bytes));
	for (size_t i = 0; i < raw->length; i++)
	{
		int			digit = hex_digit(raw->bytes[i]);

		if (raw->bytes[i] == '-')
			continue;
		if (digit < 0 || digits == 2 * sizeof(bytes))
			return fail_value(column, index, target, "text that is no UUID", "Declare the column as text.");
		bytes[digits / 2] |= (unsigned char) (digits % 2 == 0 ? digit << 4 : digit);
		digits++;
	}
	if (digits != 2 * sizeof(bytes))
		return fail_value(column, index, target, "text that is no UUID", "Declare the column as text.");
	return set_copy(index, bytes, sizeof(bytes), target);
}

static bool
put_bit_digits(const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target)
{
	char		text[64];

	for (uint32_t i = 0; i < column->width; i++)
		text[i] = ((uint64_t) raw->integer >> (column->width - 1 - i)) & 1 ? '1' : '0';
	return set_copy(index, text, column->width, target);
}

/* WKB, with the SRID put inside as PostGIS has it when there is one: the sixth byte on. */
static bool
put_geometry(const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target)
{
	static const unsigned char no_srid[4];
	const unsigned char *wkb = raw->bytes + 4;
	size_t		length = raw->length - 4;
	char	   *copy;

	if (raw->length < 9 || wkb[0] != 1)
		return fail_value(column, index, target, "malformed geometry", NULL);
	if (memcmp(raw->bytes, no_srid, 4) == 0)
		return set_copy(index, wkb, length, target);
	copy = set_bytes(index, length + 4, target);
	if (copy == NULL)
		return false;
	memcpy(copy, wkb, 5);
	copy[4] = (char) (wkb[4] | 0x20);	/* little-endian type with flag 0x20000000 */
	memcpy(copy + 5, raw->bytes, 4);
	memcpy(copy + 9, wkb + 5, length - 5);
	return true;
}

/* The text form of the same, which PostGIS reads. */
static bool
put_geometry_hex(const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target)
{
	static const char digits[] = "0123456789ABCDEF";
	ConnhubSlice *slice = &target->batch->columns[index].v.slices[target->row];
	const unsigned char *bytes;
	size_t		length;
	char	   *hex;

	if (!put_geometry(column, index, raw, target))
		return false;
	bytes = (const unsigned char *) slice->data;
	length = slice->length;
	hex = set_bytes(index, 2 * length, target);
	if (hex == NULL)
		return false;
	for (size_t i = 0; i < length; i++)
	{
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	return true;
}

static bool
put_nothing(const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target)
{
	return true;
}

static const MyConversion conversions[] = {
	{MY_WIRE_INTEGER, CONNHUB_BOOL, CONNHUB_BOOL, put_boolean},
	{MY_WIRE_INTEGER, CONNHUB_INT16, CONNHUB_INT16, put_integer},
	{MY_WIRE_INTEGER, CONNHUB_INT32, CONNHUB_INT32, put_integer},
	{MY_WIRE_INTEGER, CONNHUB_INT64, CONNHUB_INT64, put_integer},
	{MY_WIRE_INTEGER, CONNHUB_DECIMAL, CONNHUB_DECIMAL, put_number_text},
	{MY_WIRE_UNSIGNED, CONNHUB_BOOL, CONNHUB_BOOL, put_boolean},
	{MY_WIRE_UNSIGNED, CONNHUB_INT16, CONNHUB_INT16, put_integer},
	{MY_WIRE_UNSIGNED, CONNHUB_INT32, CONNHUB_INT32, put_integer},
	{MY_WIRE_UNSIGNED, CONNHUB_INT64, CONNHUB_INT64, put_integer},
	{MY_WIRE_UNSIGNED, CONNHUB_DECIMAL, CONNHUB_DECIMAL, put_number_text},
	{MY_WIRE_FLOAT, CONNHUB_FLOAT32, CONNHUB_FLOAT32, put_real},
	{MY_WIRE_FLOAT, CONNHUB_FLOAT64, CONNHUB_FLOAT64, put_real},
	{MY_WIRE_DOUBLE, CONNHUB_FLOAT64, CONNHUB_FLOAT64, put_real},
	{MY_WIRE_DECIMAL, CONNHUB_DECIMAL, CONNHUB_DECIMAL, put_text},
	{MY_WIRE_DATE, CONNHUB_DATE, CONNHUB_DATE, put_date},
	{MY_WIRE_DATE, CONNHUB_TIMESTAMP, CONNHUB_TIMESTAMP, put_timestamp},
	{MY_WIRE_DATETIME, CONNHUB_DATE, CONNHUB_DATE, put_date},
	{MY_WIRE_DATETIME, CONNHUB_TIMESTAMP, CONNHUB_TIMESTAMP, put_timestamp},
	{MY_WIRE_DATETIME, CONNHUB_TIMESTAMPTZ, CONNHUB_TIMESTAMPTZ, put_timestamp},
	{MY_WIRE_TIME, CONNHUB_TIME, CONNHUB_TIME, put_time},
	{MY_WIRE_TIME, CONNHUB_INTERVAL, CONNHUB_INTERVAL, put_interval},
	{MY_WIRE_TEXT, CONNHUB_TEXT, CONNHUB_TEXT, put_text},
	{MY_WIRE_TEXT, CONNHUB_BPCHAR, CONNHUB_BPCHAR, put_text},
	{MY_WIRE_TEXT, CONNHUB_JSON, CONNHUB_JSON, put_text},
	{MY_WIRE_TEXT, CONNHUB_NATIVE, CONNHUB_NATIVE, put_text},
	{MY_WIRE_TEXT, CONNHUB_BYTES, CONNHUB_BYTES, put_bytes},
	{MY_WIRE_TEXT, CONNHUB_UUID, CONNHUB_UUID, put_uuid},
	{MY_WIRE_BYTES, CONNHUB_BYTES, CONNHUB_BYTES, put_bytes},
	{MY_WIRE_BYTES, CONNHUB_BPCHAR, CONNHUB_BPCHAR, put_text},
	{MY_WIRE_BYTES, CONNHUB_JSON, CONNHUB_JSON, put_text},
	{MY_WIRE_BYTES, CONNHUB_NATIVE, CONNHUB_NATIVE, put_text},
	{MY_WIRE_BYTES, CONNHUB_UUID, CONNHUB_UUID, put_uuid},
	{MY_WIRE_BIT, CONNHUB_BOOL, CONNHUB_BOOL, put_boolean},
	{MY_WIRE_BIT, CONNHUB_INT16, CONNHUB_INT16, put_integer},
	{MY_WIRE_BIT, CONNHUB_INT32, CONNHUB_INT32, put_integer},
	{MY_WIRE_BIT, CONNHUB_INT64, CONNHUB_INT64, put_integer},
	{MY_WIRE_BIT, CONNHUB_DECIMAL, CONNHUB_DECIMAL, put_number_text},
	{MY_WIRE_BIT, CONNHUB_NATIVE, CONNHUB_NATIVE, put_bit_digits},
	{MY_WIRE_BIT, CONNHUB_BYTES, CONNHUB_BYTES, put_bytes},
	{MY_WIRE_GEOMETRY, CONNHUB_BYTES, CONNHUB_BYTES, put_geometry}
};

/* Everything else is answered in text; one per wire form, in its order. */
static const MyConversion as_text[MY_NWIRES] = {
	{MY_WIRE_INTEGER, CONNHUB_TEXT, CONNHUB_TEXT, put_number_text},
	{MY_WIRE_UNSIGNED, CONNHUB_TEXT, CONNHUB_TEXT, put_number_text},
	{MY_WIRE_FLOAT, CONNHUB_TEXT, CONNHUB_TEXT, put_number_text},
	{MY_WIRE_DOUBLE, CONNHUB_TEXT, CONNHUB_TEXT, put_number_text},
	{MY_WIRE_DECIMAL, CONNHUB_TEXT, CONNHUB_TEXT, put_text},
	{MY_WIRE_DATE, CONNHUB_TEXT, CONNHUB_TEXT, put_date_text},
	{MY_WIRE_DATETIME, CONNHUB_TEXT, CONNHUB_TEXT, put_date_text},
	{MY_WIRE_TIME, CONNHUB_TEXT, CONNHUB_TEXT, put_time_text},
	{MY_WIRE_TEXT, CONNHUB_TEXT, CONNHUB_TEXT, put_text},
	{MY_WIRE_BYTES, CONNHUB_TEXT, CONNHUB_TEXT, put_text},
	{MY_WIRE_BIT, CONNHUB_TEXT, CONNHUB_TEXT, put_bit_digits},
	{MY_WIRE_GEOMETRY, CONNHUB_TEXT, CONNHUB_TEXT, put_geometry_hex},
	{MY_WIRE_NOTHING, CONNHUB_TEXT, CONNHUB_TEXT, put_nothing}
};

ConnhubType
my_conversion_choose(MyColumn *column, ConnhubType wanted)
{
	column->wanted = wanted;
	column->conversion = &as_text[column->wire];
	for (size_t i = 0; i < sizeof(conversions) / sizeof(conversions[0]); i++)
	{
		if (conversions[i].wire == column->wire && conversions[i].wanted == wanted)
			column->conversion = &conversions[i];
	}
	return column->conversion->answer;
}

bool
my_value_put(const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target)
{
	return column->conversion->put(column, index, raw, target);
}

/* ---- Reading the wire -------------------------------------------------------------------- */

MyWire
my_wire_of(const MYSQL_FIELD *field, uint32_t *width, bool *is_unsigned)
{
	bool		binary = field->charsetnr == BINARY_CHARSET;

	*is_unsigned = (field->flags & UNSIGNED_FLAG) != 0;
	*width = 0;
	switch (field->type)
	{
		case MYSQL_TYPE_TINY:
			*width = 1;
			return MY_WIRE_INTEGER;
		case MYSQL_TYPE_SHORT:
		case MYSQL_TYPE_YEAR:
			*width = 2;
			return MY_WIRE_INTEGER;
		case MYSQL_TYPE_LONG:
		case MYSQL_TYPE_INT24:
			*width = 4;
			return MY_WIRE_INTEGER;
		case MYSQL_TYPE_LONGLONG:
			*width = 8;
			return *is_unsigned ? MY_WIRE_UNSIGNED : MY_WIRE_INTEGER;
		case MYSQL_TYPE_FLOAT:
			return MY_WIRE_FLOAT;
		case MYSQL_TYPE_DOUBLE:
			return MY_WIRE_DOUBLE;
		case MYSQL_TYPE_DECIMAL:
		case MYSQL_TYPE_NEWDECIMAL:
			return MY_WIRE_DECIMAL;
		case MYSQL_TYPE_DATE:
		case MYSQL_TYPE_NEWDATE:
			return MY_WIRE_DATE;
		case MYSQL_TYPE_DATETIME:
		case MYSQL_TYPE_TIMESTAMP:
		case MYSQL_TYPE_DATETIME2:
		case MYSQL_TYPE_TIMESTAMP2:
			return MY_WIRE_DATETIME;
		case MYSQL_TYPE_TIME:
		case MYSQL_TYPE_TIME2:
			return MY_WIRE_TIME;
		case MYSQL_TYPE_BIT:
			*width = field->length > 0 && field->length <= 64 ? (uint32_t) field->length : 64;
			return MY_WIRE_BIT;
		case MYSQL_TYPE_GEOMETRY:
			return MY_WIRE_GEOMETRY;
		case MYSQL_TYPE_NULL:
			return MY_WIRE_NOTHING;
		case MYSQL_TYPE_JSON:
		case MYSQL_TYPE_ENUM:
		case MYSQL_TYPE_SET:
			return MY_WIRE_TEXT;
		default:
			return binary ? MY_WIRE_BYTES : MY_WIRE_TEXT;
	}
}

static uint64_t
little_endian(const unsigned char *p, size_t size)
{
	uint64_t	value = 0;

	for (size_t i = size; i > 0; i--)
		value = value << 8 | p[i - 1];
	return value;
}

/* A length as the protocol packs it: one byte, or a mark and 2, 3 or 8 bytes. */
static bool
read_length(const unsigned char **at, const unsigned char *end, size_t *length)
{
	size_t		size;
	uint64_t	value;

	if (*at >= end)
		return false;
	value = *(*at)++;
	if (value >= 251)
	{
		size = value == 252 ? 2 : value == 253 ? 3 : value == 254 ? 8 : 0;
		if (size == 0 || (size_t) (end - *at) < size)
			return false;
		value = little_endian(*at, size);
		*at += size;
	}
	if (value > (uint64_t) (end - *at))
		return false;
	*length = (size_t) value;
	return true;
}

static bool
read_integer(const MyColumn *column, const unsigned char **at, const unsigned char *end, MyRaw *raw)
{
	uint64_t	value;
	uint32_t	shift = 64 - 8 * column->width;

	if ((size_t) (end - *at) < column->width)
		return false;
	value = little_endian(*at, column->width);
	*at += column->width;
	if (!column->is_unsigned)
		raw->integer = (int64_t) (value << shift) >> shift;
	else
		raw->integer = (int64_t) value;
	return true;
}

static bool
read_real(const MyColumn *column, const unsigned char **at, const unsigned char *end, MyRaw *raw)
{
	size_t		size = column->wire == MY_WIRE_FLOAT ? 4 : 8;
	uint64_t	bits;

	if ((size_t) (end - *at) < size)
		return false;
	bits = little_endian(*at, size);
	*at += size;
	if (size == 4)
	{
		uint32_t	half = (uint32_t) bits;
		float		value;

		memcpy(&value, &half, sizeof(value));
		raw->real = value;
	}
	else
		memcpy(&raw->real, &bits, sizeof(bits));
	return true;
}

/* Lengths 0, 4, 7, 11: zero, date, with seconds, with microseconds. */
static bool
read_date(const unsigned char *p, size_t length, MyRaw *raw)
{
	if (length != 0 && length != 4 && length != 7 && length != 11)
		return false;
	if (length >= 4)
	{
		raw->year = (uint32_t) little_endian(p, 2);
		raw->month = p[2];
		raw->day = p[3];
	}
	if (length >= 7)
	{
		raw->hour = p[4];
		raw->minute = p[5];
		raw->second = p[6];
	}
	if (length == 11)
		raw->micro = (uint32_t) little_endian(p + 7, 4);
	return raw->hour < 24 && raw->minute < 60 && raw->second < 60 && raw->micro < MICROS_PER_SECOND;
}

/* Lengths 0, 8, 12: zero, with seconds, with microseconds. */
static bool
read_time(const unsigned char *p, size_t length, MyRaw *raw)
{
	if (length != 0 && length != 8 && length != 12)
		return false;
	if (length >= 8)
	{
		raw->negative = p[0] != 0;
		raw->days = (uint32_t) little_endian(p + 1, 4);
		raw->hour = p[5];
		raw->minute = p[6];
		raw->second = p[7];
	}
	if (length == 12)
		raw->micro = (uint32_t) little_endian(p + 8, 4);
	return raw->days < 100000 && raw->hour < 24 && raw->minute < 60 && raw->second < 60 &&
		raw->micro < MICROS_PER_SECOND;
}

bool
my_raw_read(const MyColumn *column, const unsigned char **at, const unsigned char *end, MyRaw *raw)
{
	memset(raw, 0, sizeof(*raw));
	if (column->wire == MY_WIRE_INTEGER || column->wire == MY_WIRE_UNSIGNED)
		return read_integer(column, at, end, raw);
	if (column->wire == MY_WIRE_FLOAT || column->wire == MY_WIRE_DOUBLE)
		return read_real(column, at, end, raw);
	if (column->wire == MY_WIRE_NOTHING)
		return true;
	if (!read_length(at, end, &raw->length))
		return false;
	raw->bytes = *at;
	*at += raw->length;
	if (column->wire == MY_WIRE_DATE || column->wire == MY_WIRE_DATETIME)
		return read_date(raw->bytes, raw->length, raw);
	if (column->wire == MY_WIRE_TIME)
		return read_time(raw->bytes, raw->length, raw);
	if (column->wire == MY_WIRE_BIT)
	{
		if (raw->length > 8)
			return false;
		for (size_t i = 0; i < raw->length; i++)
			raw->integer = (int64_t) ((uint64_t) raw->integer << 8 | raw->bytes[i]);
	}
	return true;
}
