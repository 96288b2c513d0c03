/* copy_row.c — a row as COPY takes it, in text or in binary.
 *
 * In text each value is read by the column's own type, so nothing depends on which that is.  The binary form costs
 * either side far less, but is one type's alone: it is for columns that are known to be of it. */
#include "pg.h"

#include <math.h>
#include <string.h>

/* ---- Text -------------------------------------------------------------------------------- */

static void
put_integer(TextWriter *writer, int64_t value)
{
	char		digits[24];
	char	   *p = digits + sizeof(digits);
	uint64_t	left = value < 0 ? -(uint64_t) value : (uint64_t) value;

	do
	{
		*--p = (char) ('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (value < 0)
		*--p = '-';
	text_bytes(writer, p, (size_t) (digits + sizeof(digits) - p));
}

/* So many digits read back as the same number. */
static void
put_real(TextWriter *writer, const ConnhubValue *value)
{
	if (isfinite(value->v.real))
		text_format(writer, "%.*g", value->type.type == CONNHUB_FLOAT32 ? 9 : 17, value->v.real);
	else
		sql_append_plain(writer, value);
}

static void
put_bytes(TextWriter *writer, ConnhubSlice slice)
{
	static const char hex[] = "0123456789abcdef";

	text_string(writer, "\\\\x");
	for (size_t i = 0; i < slice.length; i++)
	{
		unsigned char byte = (unsigned char) slice.data[i];
		const char	pair[2] = {hex[byte >> 4], hex[byte & 15]};

		text_bytes(writer, pair, 2);
	}
}

/* What would end a field or a row, or begin an escape, is escaped. */
static void
put_text(TextWriter *writer, ConnhubSlice slice)
{
	static const char special[] = "\\\n\r\t";
	static const char *const escaped[] = {"\\\\", "\\n", "\\r", "\\t"};
	const char *p = slice.data;
	const char *end = slice.data + slice.length;

	while (p < end)
	{
		const char *start = p;

		while (p < end && *p != '\\' && *p != '\n' && *p != '\r' && *p != '\t')
			p++;
		text_bytes(writer, start, (size_t) (p - start));
		if (p < end)
			text_string(writer, escaped[strchr(special, *p++) - special]);
	}
}

static void
put_as_text(TextWriter *writer, const ConnhubValue *value)
{
	if (value->is_null)
	{
		text_string(writer, "\\N");
		return;
	}
	switch (value->type.type)
	{
		case CONNHUB_BOOL:
		case CONNHUB_INT16:
		case CONNHUB_INT32:
		case CONNHUB_INT64:
			put_integer(writer, value->v.integer);
			break;
		case CONNHUB_FLOAT32:
		case CONNHUB_FLOAT64:
			put_real(writer, value);
			break;
		case CONNHUB_BYTES:
			put_bytes(writer, value->v.slice);
			break;
		case CONNHUB_DATE:
		case CONNHUB_TIME:
		case CONNHUB_TIMESTAMP:
		case CONNHUB_TIMESTAMPTZ:
		case CONNHUB_INTERVAL:
		case CONNHUB_UUID:
			sql_append_plain(writer, value);
			break;
		default:
			put_text(writer, value->v.slice);
			break;
	}
}

static bool
append_text(ConnhubText *chunk, const ConnhubValue *values, uint32_t count)
{
	TextWriter	writer;

	text_begin(&writer, pg_host, chunk);
	for (uint32_t i = 0; i < count; i++)
	{
		if (i > 0)
			text_char(&writer, '\t');
		put_as_text(&writer, &values[i]);
	}
	text_char(&writer, '\n');
	return !writer.failed;
}

/* ---- Binary ------------------------------------------------------------------------------ */

#define LENGTH_BYTES	4
#define JSONB_OID		3802
#define MOST_EXTRA		24		/* bytes of a value's form beyond those of its slice */

#define DIGIT_WIDTH		4		/* decimal digits in one of base 10000 */
#define NUMERIC_HEADER	8
#define NUMERIC_NEGATIVE	0x4000
#define NUMERIC_NAN			0xC000
#define NUMERIC_PINF		0xD000
#define NUMERIC_NINF		0xF000

/* Columns whose binary form is made here, by the type of their values. */
static const Oid binary_oids[CONNHUB_NTYPES][2] = {
	[CONNHUB_BOOL] = {16}, [CONNHUB_INT16] = {21}, [CONNHUB_INT32] = {23}, [CONNHUB_INT64] = {20},
	[CONNHUB_FLOAT32] = {700}, [CONNHUB_FLOAT64] = {701}, [CONNHUB_DECIMAL] = {1700},
	[CONNHUB_DATE] = {1082}, [CONNHUB_TIME] = {1083}, [CONNHUB_TIMESTAMP] = {1114}, [CONNHUB_TIMESTAMPTZ] = {1184},
	[CONNHUB_INTERVAL] = {1186}, [CONNHUB_UUID] = {2950}, [CONNHUB_TEXT] = {25, 1043}, [CONNHUB_BPCHAR] = {1042},
	[CONNHUB_BYTES] = {17}, [CONNHUB_JSON] = {114, JSONB_OID},
};

bool
pg_has_binary_row(const ConnhubColumn *column, Oid oid)
{
	const Oid  *oids = binary_oids[column->natural.type];

	return oid != 0 && (oid == oids[0] || oid == oids[1]) && oid == pg_oid_by_name(column->natural.pg_type);
}

static inline void
put16(char *target, uint32_t value)
{
	target[0] = (char) (value >> 8);
	target[1] = (char) value;
}

static inline void
put32(char *target, uint32_t value)
{
	put16(target, value >> 16);
	put16(target + 2, value);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits of base 10000 from decimal ones, the first of which has `due` decimal digits; returns their end. */
static char *
put_digits(char *target, const char *p, const char *end, int due)
{
	uint32_t	value = 0;

	while (p < end)
	{
		value = value * 10 + (uint32_t) (*p++ - '0');
		if (--due > 0)
			continue;
		put16(target, value);
		target += 2;
		value = 0;
		due = DIGIT_WIDTH;
	}
	if (due == DIGIT_WIDTH)
		return target;
	for (; due > 0; due--)
		value *= 10;
	put16(target, value);
	return target + 2;
}

static int
put_numeric_header(char *target, int ndigits, int weight, uint32_t sign, int scale)
{
	put16(target, (uint32_t) ndigits);
	put16(target + 2, (uint32_t) weight);
	put16(target + 4, sign);
	put16(target + 6, (uint32_t) scale);
	return NUMERIC_HEADER + 2 * ndigits;
}

/* Values that are no numbers. */
static int
put_special(char *target, ConnhubSlice text)
{
	static const struct
	{
		const char *text;
		uint32_t	sign;
	}			specials[] = {{"NaN", NUMERIC_NAN}, {"Infinity", NUMERIC_PINF}, {"-Infinity", NUMERIC_NINF}};

	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++)
		if (text.length == strlen(specials[i].text) && memcmp(text.data, specials[i].text, text.length) == 0)
			return put_numeric_header(target, 0, 0, specials[i].sign, 0);
	return -1;
}

/* Decimal text as a numeric; returns its length, -1: it is none. */
static int
put_decimal(char *target, ConnhubSlice text)
{
	const char *p = text.data;
	const char *end = text.data + text.length;
	const char *whole;
	const char *fraction;
	bool		negative = text.length > 0 && *p == '-';
	char	   *digits = target + NUMERIC_HEADER;
	char	   *digits_end;
	int			nwhole;
	int			nfraction;
	int			weight;
	int			ndigits;

	p += negative;
	while (p < end && *p == '0')
		p++;
	for (whole = p; p < end && is_digit(*p); p++)
		continue;
	nwhole = (int) (p - whole);
	if (p < end && *p == '.')
		p++;
	for (fraction = p; p < end && is_digit(*p); p++)
		continue;
	nfraction = (int) (p - fraction);
	if (p != end || text.length <= (size_t) negative)
		return put_special(target, text);

	digits_end = put_digits(digits, whole, whole + nwhole, nwhole % DIGIT_WIDTH == 0 ? DIGIT_WIDTH : nwhole % DIGIT_WIDTH);
	weight = (nwhole + DIGIT_WIDTH - 1) / DIGIT_WIDTH - 1;
	digits_end = put_digits(digits_end, fraction, fraction + nfraction, DIGIT_WIDTH);
	ndigits = (int) (digits_end - digits) / 2;
	while (ndigits > 0 && digits[2 * ndigits - 1] == 0 && digits[2 * ndigits - 2] == 0)
		ndigits--;
	if (ndigits == 0)
		return put_numeric_header(target, 0, 0, 0, nfraction);
	if (nwhole == 0)
	{
		int			zeros = 0;

		while (digits[2 * zeros] == 0 && digits[2 * zeros + 1] == 0)
			zeros++;
		ndigits -= zeros;
		weight -= zeros;
		memmove(digits, digits + 2 * zeros, 2 * (size_t) ndigits);
	}
	return put_numeric_header(target, ndigits, weight, negative ? NUMERIC_NEGATIVE : 0, nfraction);
}

static int
put_slice(char *target, const ConnhubValue *value)
{
	const ConnhubSlice *slice = &value->v.slice;
	int			version = value->type.type == CONNHUB_JSON && strcmp(value->type.pg_type, "jsonb") == 0;

	if (version)
		*target++ = 1;
	if (slice->length > 0)
		memcpy(target, slice->data, slice->length);
	return (int) slice->length + version;
}

/* Infinity since PostgreSQL 17; an older source would take it for a number. */
static bool
is_infinite(const ConnhubInterval *interval)
{
	return (interval->months == INT32_MAX && interval->days == INT32_MAX && interval->micros == INT64_MAX) ||
		(interval->months == INT32_MIN && interval->days == INT32_MIN && interval->micros == INT64_MIN);
}

/* Returns the length of the form; -1: the source's type cannot hold the value. */
static int
put_as_binary(char *target, const ConnhubValue *value)
{
	int			width;

	switch (value->type.type)
	{
		case CONNHUB_DECIMAL:
			return put_decimal(target, value->v.slice);
		case CONNHUB_UUID:
		case CONNHUB_TEXT:
		case CONNHUB_BPCHAR:
		case CONNHUB_BYTES:
		case CONNHUB_JSON:
			return put_slice(target, value);
		case CONNHUB_INTERVAL:
			if (is_infinite(&value->v.interval))
				return -1;
			return pg_put_wire(target, value, pg_wire_width(CONNHUB_INTERVAL)) ? pg_wire_width(CONNHUB_INTERVAL) : -1;
		default:
			width = pg_wire_width(value->type.type);
			return pg_put_wire(target, value, width) ? width : -1;
	}
}

static bool
is_slice(ConnhubType type)
{
	return type == CONNHUB_DECIMAL || type == CONNHUB_UUID || type == CONNHUB_TEXT || type == CONNHUB_BPCHAR ||
		type == CONNHUB_BYTES || type == CONNHUB_JSON;
}

/* Room for so many more bytes. */
static bool
reserve(ConnhubText *chunk, size_t size)
{
	size_t		capacity = chunk->capacity < 4096 ? 4096 : chunk->capacity;
	char	   *data;

	while (capacity - chunk->length < size)
		capacity *= 2;
	if (capacity == chunk->capacity)
		return true;
	data = chunk->data ? pg_host->realloc(chunk->data, capacity) : pg_host->alloc(capacity);
	if (!data)
		return false;
	chunk->data = data;
	chunk->capacity = capacity;
	return true;
}

static ConnhubStatus
append_binary(ConnhubText *chunk, const ConnhubValue *values, uint32_t count, ConnhubError *error)
{
	size_t		most = 2;
	char	   *p;

	for (uint32_t i = 0; i < count; i++)
		most += LENGTH_BYTES + MOST_EXTRA +
			(!values[i].is_null && is_slice(values[i].type.type) ? values[i].v.slice.length : 0);
	if (!reserve(chunk, most))
		return fail_no_memory(error);
	p = chunk->data + chunk->length;
	put16(p, count);
	p += 2;
	for (uint32_t i = 0; i < count; i++)
	{
		int			length = values[i].is_null ? 0 : put_as_binary(p + LENGTH_BYTES, &values[i]);

		if (length < 0)
		{
			fail_as(error, CONNHUB_DATA, "a value is out of the range of the source's type");
			error->column = (int32_t) i;
			return CONNHUB_DATA;
		}
		put32(p, values[i].is_null ? UINT32_MAX : (uint32_t) length);
		p += LENGTH_BYTES + length;
	}
	chunk->length = (size_t) (p - chunk->data);
	return CONNHUB_OK;
}

bool
pg_append_copy_head(ConnhubText *chunk)
{
	static const char head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";

	if (!reserve(chunk, sizeof(head)))
		return false;
	memcpy(chunk->data + chunk->length, head, sizeof(head));
	chunk->length += sizeof(head);
	return true;
}

ConnhubStatus
pg_append_copy_row(ConnhubText *chunk, bool is_binary, const ConnhubValue *values, uint32_t count, ConnhubError *error)
{
	if (is_binary)
		return append_binary(chunk, values, count, error);
	return append_text(chunk, values, count) ? CONNHUB_OK : fail_no_memory(error);
}
