/* wire.c — values as the binary protocol packs them.
 *
 * Bytes of a packet are not trusted: every length is checked against its end. */
#include <string.h>

#include "wire.h"

#define BINARY_CHARSET		63	/* the protocol's number for "no character set" */

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

static inline uint32_t
little_endian16(const unsigned char *p)
{
	return (uint32_t) p[0] | (uint32_t) p[1] << 8;
}

static inline uint32_t
little_endian32(const unsigned char *p)
{
	return little_endian16(p) | little_endian16(p + 2) << 16;
}

static inline uint64_t
little_endian64(const unsigned char *p)
{
	return (uint64_t) little_endian32(p) | (uint64_t) little_endian32(p + 4) << 32;
}

/* A length as the protocol packs it: one byte, or a mark and 2, 3 or 8 bytes. */
static bool
read_length(const unsigned char **at, const unsigned char *end, size_t *length)
{
	const unsigned char *p = *at;
	uint64_t	value;

	if (p >= end)
		return false;
	value = *p++;
	if (value >= 251)
	{
		size_t		size = value == 252 ? 2 : value == 253 ? 3 : value == 254 ? 8 : 0;

		if (size == 0 || (size_t) (end - p) < size)
			return false;
		value = size == 2 ? little_endian16(p) : size == 3 ? little_endian16(p) | (uint32_t) p[2] << 16 :
			little_endian64(p);
		p += size;
	}
	if (value > (uint64_t) (end - p))
		return false;
	*at = p;
	*length = (size_t) value;
	return true;
}

static bool
read_integer(const MyColumn *column, const unsigned char **at, const unsigned char *end, MyRaw *raw)
{
	const unsigned char *p = *at;

	if ((size_t) (end - p) < column->width)
		return false;
	*at = p + column->width;
	switch (column->width)
	{
		case 1:
			raw->integer = column->is_unsigned ? p[0] : (int8_t) p[0];
			return true;
		case 2:
			raw->integer = column->is_unsigned ? (int64_t) little_endian16(p) : (int16_t) little_endian16(p);
			return true;
		case 4:
			raw->integer = column->is_unsigned ? (int64_t) little_endian32(p) : (int32_t) little_endian32(p);
			return true;
		default:
			raw->integer = (int64_t) little_endian64(p);
			return true;
	}
}

static bool
read_float(const MyColumn *column, const unsigned char **at, const unsigned char *end, MyRaw *raw)
{
	uint32_t	bits;
	float		value;

	if (end - *at < 4)
		return false;
	bits = little_endian32(*at);
	*at += 4;
	memcpy(&value, &bits, sizeof(value));
	raw->real = value;
	return true;
}

static bool
read_double(const MyColumn *column, const unsigned char **at, const unsigned char *end, MyRaw *raw)
{
	uint64_t	bits;

	if (end - *at < 8)
		return false;
	bits = little_endian64(*at);
	*at += 8;
	memcpy(&raw->real, &bits, sizeof(bits));
	return true;
}

static bool
read_bytes(const MyColumn *column, const unsigned char **at, const unsigned char *end, MyRaw *raw)
{
	if (!read_length(at, end, &raw->length))
		return false;
	raw->bytes = *at;
	*at += raw->length;
	return true;
}

/* Lengths 0, 4, 7, 11: zero, date, with seconds, with microseconds. */
static bool
read_date(const MyColumn *column, const unsigned char **at, const unsigned char *end, MyRaw *raw)
{
	const unsigned char *p;
	size_t		length;

	if (!read_bytes(column, at, end, raw))
		return false;
	p = raw->bytes;
	length = raw->length;
	raw->year = raw->month = raw->day = raw->hour = raw->minute = raw->second = raw->micro = 0;
	if (length != 0 && length != 4 && length != 7 && length != 11)
		return false;
	if (length >= 4)
	{
		raw->year = little_endian16(p);
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
		raw->micro = little_endian32(p + 7);
	return raw->hour < 24 && raw->minute < 60 && raw->second < 60 && raw->micro < MY_MICROS_PER_SECOND;
}

/* Lengths 0, 8, 12: zero, with seconds, with microseconds. */
static bool
read_time(const MyColumn *column, const unsigned char **at, const unsigned char *end, MyRaw *raw)
{
	const unsigned char *p;
	size_t		length;

	if (!read_bytes(column, at, end, raw))
		return false;
	p = raw->bytes;
	length = raw->length;
	raw->negative = false;
	raw->days = raw->hour = raw->minute = raw->second = raw->micro = 0;
	if (length != 0 && length != 8 && length != 12)
		return false;
	if (length >= 8)
	{
		raw->negative = p[0] != 0;
		raw->days = little_endian32(p + 1);
		raw->hour = p[5];
		raw->minute = p[6];
		raw->second = p[7];
	}
	if (length == 12)
		raw->micro = little_endian32(p + 8);
	return raw->days < 100000 && raw->hour < 24 && raw->minute < 60 && raw->second < 60 &&
		raw->micro < MY_MICROS_PER_SECOND;
}

static bool
read_bits(const MyColumn *column, const unsigned char **at, const unsigned char *end, MyRaw *raw)
{
	uint64_t	value = 0;

	if (!read_bytes(column, at, end, raw) || raw->length > 8)
		return false;
	for (size_t i = 0; i < raw->length; i++)
		value = value << 8 | raw->bytes[i];
	raw->integer = (int64_t) value;
	return true;
}

static bool
read_nothing(const MyColumn *column, const unsigned char **at, const unsigned char *end, MyRaw *raw)
{
	return true;
}

static const MyRead readers[MY_NWIRES] = {
	[MY_WIRE_INTEGER] = read_integer,
	[MY_WIRE_UNSIGNED] = read_integer,
	[MY_WIRE_FLOAT] = read_float,
	[MY_WIRE_DOUBLE] = read_double,
	[MY_WIRE_DECIMAL] = read_bytes,
	[MY_WIRE_DATE] = read_date,
	[MY_WIRE_DATETIME] = read_date,
	[MY_WIRE_TIME] = read_time,
	[MY_WIRE_TEXT] = read_bytes,
	[MY_WIRE_BYTES] = read_bytes,
	[MY_WIRE_BIT] = read_bits,
	[MY_WIRE_GEOMETRY] = read_bytes,
	[MY_WIRE_NOTHING] = read_nothing
};

MyRead
my_wire_reader(MyWire wire)
{
	return readers[wire];
}
