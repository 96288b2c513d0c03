/* value.c — values of the binary protocol, into vectors of a batch.
 *
 * A value reaches the type asked for exactly or not at all: out of range, not a calendar date, not
 * text — each is an error that names the column.  A pair of wire form and wanted type that is not in
 * the table is answered in text, which core then parses as that type.
 *
 * A slice points into the packet where the value stands there as it is wanted; only what is made here is copied. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "value.h"

#define MICROS_PER_DAY		(INT64_C(86400) * MY_MICROS_PER_SECOND)

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

	if (raw->month < 1 || raw->month > 12 || raw->day < 1)
		return false;
	return raw->day <= lengths[raw->month - 1] ||
		(raw->month == 2 && raw->day == 29 && raw->year % 4 == 0 && (raw->year % 100 != 0 || raw->year % 400 == 0));
}

static int64_t
micros_of_day(const MyRaw *raw)
{
	return ((raw->hour * INT64_C(60) + raw->minute) * 60 + raw->second) * MY_MICROS_PER_SECOND + raw->micro;
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

static bool
set_slice(uint32_t index, const void *data, size_t length, MyTarget *target)
{
	ConnhubVector *vector = &target->batch->columns[index];

	vector->v.slices[target->row].data = data;
	vector->v.slices[target->row].length = length;
	CONNHUB_SET_VALID(vector, target->row);
	return true;
}

static char *
set_bytes(uint32_t index, size_t length, MyTarget *target)
{
	char	   *copy = target->host->batch_alloc(target->batch, length > 0 ? length : 1);

	if (copy == NULL)
	{
		fail_no_memory(target->error);
		return NULL;
	}
	set_slice(index, copy, length, target);
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

#define EACH_BYTE(b)	(UINT64_C(0x0101010101010101) * (b))

/* How many bytes from the beginning, in steps of eight, are ASCII and not zero. */
static size_t
plain_length(const unsigned char *text, size_t length)
{
	size_t		i = 0;

	for (; i + 8 <= length; i += 8)
	{
		uint64_t	eight;

		memcpy(&eight, text + i, sizeof(eight));
		/* Without high bits, subtracting one sets that of a zero. */
		if (((eight | (eight - EACH_BYTE(1))) & EACH_BYTE(0x80)) != 0)
			break;
	}
	return i;
}

static bool
set_text(const MyColumn *column, uint32_t index, const unsigned char *text, size_t length,
		 MyTarget *target)
{
	for (size_t i = plain_length(text, length); i < length;)
	{
		size_t		step = text[i] < 0x80 ? 1 : utf8_length(text + i, length - i);

		if (text[i] == '\0')
			return fail_value(column, index, target, "text with a zero byte",
							  "PostgreSQL text cannot hold it: declare the column as bytea.");
		if (step == 0)
			return fail_value(column, index, target, "bytes that are not UTF-8 text",
							  "Declare the column as bytea, or correct the value at the source.");
		i += step;
	}
	return set_slice(index, text, length, target);
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
	return set_slice(index, raw->bytes, raw->length, target);
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
		return set_slice(index, raw->bytes, raw->length, target);
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
		return set_slice(index, wkb, length, target);
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
	column->read = my_wire_reader(column->wire);
	column->conversion = &as_text[column->wire];
	for (size_t i = 0; i < sizeof(conversions) / sizeof(conversions[0]); i++)
	{
		if (conversions[i].wire == column->wire && conversions[i].wanted == wanted)
			column->conversion = &conversions[i];
	}
	return column->conversion->answer;
}

/* ---- Rows -------------------------------------------------------------------------------- */

/* A row: a zero byte, a bit per column that is set for null, offset by two, and the other values. */
MyRowResult
my_row_read(const MyColumn *columns, uint32_t ncolumns, uint32_t nvectors, const unsigned char *packet,
			size_t length, MyTarget *target)
{
	const unsigned char *nulls = packet + 1;
	const unsigned char *end = packet + length;
	size_t		header = 1 + ((size_t) ncolumns + 9) / 8;
	const unsigned char *at = packet + header;
	MyRaw		raw;

	if (length < header)
		return MY_ROW_MALFORMED;
	for (uint32_t i = 0; i < nvectors; i++)
	{
		const MyColumn *column = &columns[i];

		if (nulls[(i + 2) >> 3] & (1u << ((i + 2) & 7)))
			continue;
		if (!column->read(column, &at, end, &raw))
			return MY_ROW_MALFORMED;
		if (!column->conversion->put(column, i, &raw, target))
			return MY_ROW_UNFIT;
	}
	return MY_ROW_OK;
}
