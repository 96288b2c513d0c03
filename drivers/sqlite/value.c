/* value.c — stored values → vectors, and parameters → stored values.
 *
 * A stored value has a type of its own, whatever its column was declared as.  A reader takes the storage
 * classes that mean a value of the type asked for and can be converted without loss, and no others:
 * the rest is CONNHUB_DATA.  Text takes everything but blobs. */
#include "sqlite.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum Outcome
{
	READ_OK,
	READ_UNFIT,					/* not a value of the type */
	READ_BAD_TEXT,				/* text that PostgreSQL cannot hold */
	READ_NO_MEMORY
} Outcome;

/* One value on its way. */
typedef struct Reading
{
	sqlite3_value *value;
	int			storage;		/* SQLITE_INTEGER, … */
	SqFill	   *fill;
	ConnhubVector *vector;
	uint32_t	row;
} Reading;

typedef Outcome (*Reader) (Reading *reading);

#define SHARED_BYTES 8192

/* ---- Text ---- */

/* Are the eight bytes all ASCII, and none of them zero? */
static bool
is_plain_word(const unsigned char *s)
{
	uint64_t	word;

	memcpy(&word, s, sizeof(word));
	return ((word | (word - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080)) == 0;
}

bool
sq_is_clean_text(const unsigned char *s, size_t length)
{
	const unsigned char *end = s + length;

	while (s < end)
	{
		uint32_t	c;
		uint32_t	least;
		int			more;

		if (end - s >= 8 && is_plain_word(s))
		{
			s += 8;
			continue;
		}
		c = *s++;
		if (c == 0)
			return false;
		if (c < 0x80)
			continue;
		if (c >= 0xC2 && c <= 0xDF)
			more = 1, least = 0x80, c &= 0x1F;
		else if (c >= 0xE0 && c <= 0xEF)
			more = 2, least = 0x800, c &= 0x0F;
		else if (c >= 0xF0 && c <= 0xF4)
			more = 3, least = 0x10000, c &= 0x07;
		else
			return false;
		if (end - s < more)
			return false;
		for (; more > 0; more--, s++)
		{
			if ((*s & 0xC0) != 0x80)
				return false;
			c = (c << 6) | (*s & 0x3F);
		}
		if (c < least || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
			return false;
	}
	return true;
}

/* Room for a copy in the batch.  Short values share what is asked of the host at one go. */
static char *
make_room(SqFill *fill, size_t length)
{
	char	   *room;

	if (length > SHARED_BYTES / 8)
		return sq_host->batch_alloc(fill->batch, length);
	if (length > fill->left)
	{
		fill->room = sq_host->batch_alloc(fill->batch, SHARED_BYTES);
		if (fill->room == NULL)
		{
			fill->left = 0;
			return NULL;
		}
		fill->left = SHARED_BYTES;
	}
	room = fill->room;
	fill->room += length;
	fill->left -= length;
	return room;
}

/* Copy a slice into the batch. */
static Outcome
put_slice(Reading *reading, const void *data, size_t length)
{
	ConnhubSlice *slice = &reading->vector->v.slices[reading->row];
	char	   *copy = make_room(reading->fill, length + 1);

	if (copy == NULL)
		return READ_NO_MEMORY;
	if (length > 0)
		memcpy(copy, data, length);
	slice->data = copy;
	slice->length = length;
	reading->fill->bytes += length;
	return READ_OK;
}

/* Write n / 10^places, places > 0, or n alone; returns the length. */
static int
scaled_text(int64_t n, int places, char *buffer)
{
	char		digits[24];
	uint64_t	rest = n < 0 ? -(uint64_t) n : (uint64_t) n;
	int			ndigits = 0;
	int			length = 0;

	while (rest > 0 || ndigits <= places)
	{
		digits[ndigits++] = (char) ('0' + rest % 10);
		rest /= 10;
	}
	if (n < 0)
		buffer[length++] = '-';
	while (ndigits > 0)
	{
		buffer[length++] = digits[--ndigits];
		if (ndigits == places && places > 0)
			buffer[length++] = '.';
	}
	buffer[length] = '\0';
	return length;
}

/* Digits of a real that has few of them, and 0 for any other.  Of two integers that are exact as reals the quotient
 * is the real nearest to it, so digits that give the real back are found without reading them again. */
static int
short_real_text(double real, char *buffer)
{
	static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
	int			places;

	if (!(fabs(real) >= 1e-4 && fabs(real) < 1e15))
		return 0;
	for (places = 0; places < (int) (sizeof(powers) / sizeof(powers[0])); places++)
	{
		double		scaled = real * powers[places];
		int64_t		n;

		if (fabs(scaled) >= 1e15)
			return 0;
		n = (int64_t) (scaled < 0 ? scaled - 0.5 : scaled + 0.5);
		if ((double) n / powers[places] == real)
			return scaled_text(n, places, buffer);
	}
	return 0;
}

int
sq_real_text(double real, char *buffer, size_t size)
{
	int			digits;
	int			length = short_real_text(real, buffer);

	if (isinf(real))
		return snprintf(buffer, size, "%s", real > 0 ? "Infinity" : "-Infinity");
	for (digits = 15; digits <= 17 && length == 0; digits++)
	{
		length = snprintf(buffer, size, "%.*g", digits, real);
		if (strtod(buffer, NULL) != real && digits < 17)
			length = 0;
	}
	return length;
}

/* A real has a point or an exponent when marked as one. */
static Outcome
put_number(Reading *reading, bool marked)
{
	char		buffer[48];
	int			length;

	if (reading->storage == SQLITE_INTEGER)
		length = scaled_text(sqlite3_value_int64(reading->value), 0, buffer);
	else
		length = sq_real_text(sqlite3_value_double(reading->value), buffer, sizeof(buffer));
	if (marked && reading->storage == SQLITE_FLOAT && buffer[strcspn(buffer, ".eIN")] == '\0')
		length += snprintf(buffer + length, sizeof(buffer) - (size_t) length, ".0");
	return put_slice(reading, buffer, (size_t) length);
}

/* The stored text and its length; NULL when memory ran out. */
static const char *
stored_text(Reading *reading, size_t *length)
{
	const char *text = (const char *) sqlite3_value_text(reading->value);

	*length = (size_t) sqlite3_value_bytes(reading->value);
	return text;
}

static Outcome
read_text(Reading *reading)
{
	size_t		length;
	const char *text;

	if (reading->storage == SQLITE_INTEGER || reading->storage == SQLITE_FLOAT)
		return put_number(reading, true);
	if (reading->storage != SQLITE_TEXT)
		return READ_UNFIT;
	text = stored_text(reading, &length);
	if (text == NULL)
		return READ_NO_MEMORY;
	if (!sq_is_clean_text((const unsigned char *) text, length))
		return READ_BAD_TEXT;
	return put_slice(reading, text, length);
}

static Outcome
read_json(Reading *reading)
{
	if (reading->storage == SQLITE_FLOAT && isinf(sqlite3_value_double(reading->value)))
		return READ_UNFIT;
	return read_text(reading);
}

static Outcome
read_bytes(Reading *reading)
{
	const void *data;

	if (reading->storage != SQLITE_BLOB)
		return READ_UNFIT;
	data = sqlite3_value_blob(reading->value);
	return put_slice(reading, data, (size_t) sqlite3_value_bytes(reading->value));
}

/* ---- Numbers ---- */

static Outcome
read_integer(Reading *reading)
{
	if (reading->storage != SQLITE_INTEGER)
		return READ_UNFIT;
	reading->vector->v.integers[reading->row] =
		sqlite3_value_int64(reading->value);
	return READ_OK;
}

static Outcome
read_bool(Reading *reading)
{
	Outcome		outcome = read_integer(reading);
	int64_t		value = outcome == READ_OK ? reading->vector->v.integers[reading->row] : 0;

	return value == 0 || value == 1 ? outcome : READ_UNFIT;
}

/* An integer is a real only when no digit is lost. */
static Outcome
read_real(Reading *reading)
{
	double		real = sqlite3_value_double(reading->value);

	if (reading->storage == SQLITE_INTEGER)
	{
		int64_t		integer = sqlite3_value_int64(reading->value);

		if (real >= 9223372036854775808.0 || (int64_t) real != integer)
			return READ_UNFIT;
	}
	else if (reading->storage != SQLITE_FLOAT)
		return READ_UNFIT;
	reading->vector->v.reals[reading->row] = real;
	return READ_OK;
}

bool
sq_is_number_text(const char *text, size_t length, size_t exponent_digits)
{
	const char *end = text + length;
	size_t		digits = 0;

	if (text < end && (*text == '-' || *text == '+'))
		text++;
	for (; text < end && *text >= '0' && *text <= '9'; text++)
		digits++;
	if (text < end && *text == '.')
		for (text++; text < end && *text >= '0' && *text <= '9'; text++)
			digits++;
	if (digits == 0 || text == end)
		return digits > 0;
	if (*text++ != 'e' && text[-1] != 'E')
		return false;
	if (text < end && (*text == '-' || *text == '+'))
		text++;
	if (text == end || (size_t) (end - text) > exponent_digits)
		return false;
	for (; text < end; text++)
		if (*text < '0' || *text > '9')
			return false;
	return true;
}

/* Text is taken too: people keep decimals as text, so that no digit is lost. */
static Outcome
read_decimal(Reading *reading)
{
	size_t		length;
	const char *text;

	if (reading->storage == SQLITE_INTEGER || reading->storage == SQLITE_FLOAT)
		return put_number(reading, false);
	if (reading->storage != SQLITE_TEXT)
		return READ_UNFIT;
	text = stored_text(reading, &length);
	if (text == NULL)
		return READ_NO_MEMORY;
	return sq_is_number_text(text, length, 4) ? put_slice(reading, text, length) : READ_UNFIT;
}

/* ---- Dates, times, uuid ---- */

/* Microseconds since 1970 in UTC of a stored number: seconds since 1970, or a Julian day. */
static bool
number_to_micros(Reading *reading, int64_t *micros)
{
	if (reading->storage == SQLITE_INTEGER)
	{
		int64_t		seconds = sqlite3_value_int64(reading->value);

		/* The years 0000 to 9999, which are all the library's functions know. */
		if (seconds < INT64_C(-62167219200) || seconds > INT64_C(253402300799))
			return false;
		*micros = seconds * 1000000;
		return true;
	}
	return reading->storage == SQLITE_FLOAT &&
		sq_julian_to_micros(sqlite3_value_double(reading->value), micros);
}

/* The moment a stored value means.  zone NULL: text with a zone is not taken. */
static Outcome
read_moment(Reading *reading, int64_t *micros, int *zone)
{
	int64_t		days;
	bool		has_time;
	size_t		length;
	const char *text;

	if (zone)
		*zone = 0;
	if (reading->storage != SQLITE_TEXT)
		return number_to_micros(reading, micros) ? READ_OK : READ_UNFIT;
	text = stored_text(reading, &length);
	if (text == NULL)
		return READ_NO_MEMORY;
	if (!sq_parse_moment(text, length, &days, micros, &has_time, zone))
		return READ_UNFIT;
	*micros += days * INT64_C(86400000000);
	return READ_OK;
}

static Outcome
read_timestamp(Reading *reading)
{
	return read_moment(reading, &reading->vector->v.integers[reading->row], NULL);
}

/* Text without a zone is in UTC, as the library's own functions take it. */
static Outcome
read_timestamptz(Reading *reading)
{
	int			zone;
	Outcome		outcome = read_moment(reading, &reading->vector->v.integers[reading->row], &zone);

	if (outcome == READ_OK)
		reading->vector->v.integers[reading->row] -= zone * INT64_C(60000000);
	return outcome;
}

/* Only midnight is a date. */
static Outcome
read_date(Reading *reading)
{
	int64_t		micros;
	Outcome		outcome = read_moment(reading, &micros, NULL);

	if (outcome != READ_OK)
		return outcome;
	if (micros % INT64_C(86400000000) != 0)
		return READ_UNFIT;
	reading->vector->v.integers[reading->row] = micros / INT64_C(86400000000);
	return READ_OK;
}

static Outcome
read_time(Reading *reading)
{
	size_t		length;
	const char *text;

	if (reading->storage != SQLITE_TEXT)
		return READ_UNFIT;
	text = stored_text(reading, &length);
	if (text == NULL)
		return READ_NO_MEMORY;
	return sq_parse_time(text, length, &reading->vector->v.integers[reading->row]) ? READ_OK :
		READ_UNFIT;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Sixteen bytes, or text with hyphens in the usual places. */
static Outcome
read_uuid(Reading *reading)
{
	unsigned char bytes[16];
	size_t		length;
	const char *text;
	int			n = 0;

	if (reading->storage == SQLITE_BLOB)
		return sqlite3_value_bytes(reading->value) == 16 ? read_bytes(reading) :
			READ_UNFIT;
	if (reading->storage != SQLITE_TEXT)
		return READ_UNFIT;
	text = stored_text(reading, &length);
	if (text == NULL)
		return READ_NO_MEMORY;
	if (length != 36)
		return READ_UNFIT;
	for (size_t i = 0; i < length;)
	{
		int			high,
					low;

		if (i == 8 || i == 13 || i == 18 || i == 23)
		{
			if (text[i++] != '-')
				return READ_UNFIT;
			continue;
		}
		high = hex_digit(text[i]);
		low = hex_digit(text[i + 1]);
		if (high < 0 || low < 0)
			return READ_UNFIT;
		bytes[n++] = (unsigned char) (high * 16 + low);
		i += 2;
	}
	return put_slice(reading, bytes, 16);
}

/* ---- Rows ---- */

/* By the type core asks for: the type handed over, and how it is read.  What is not listed is handed over as text, which
 * core parses. */
static const struct
{
	ConnhubType vector;
	Reader		read;
	const char *name;
}			readers[CONNHUB_NTYPES] = {
	[CONNHUB_BOOL] = {CONNHUB_BOOL, read_bool, "boolean"},
	[CONNHUB_INT16] = {CONNHUB_INT64, read_integer, "integer"},
	[CONNHUB_INT32] = {CONNHUB_INT64, read_integer, "integer"},
	[CONNHUB_INT64] = {CONNHUB_INT64, read_integer, "integer"},
	[CONNHUB_FLOAT32] = {CONNHUB_FLOAT64, read_real, "real number"},
	[CONNHUB_FLOAT64] = {CONNHUB_FLOAT64, read_real, "real number"},
	[CONNHUB_DECIMAL] = {CONNHUB_DECIMAL, read_decimal, "decimal number"},
	[CONNHUB_DATE] = {CONNHUB_DATE, read_date, "date"},
	[CONNHUB_TIME] = {CONNHUB_TIME, read_time, "time"},
	[CONNHUB_TIMESTAMP] = {CONNHUB_TIMESTAMP, read_timestamp, "timestamp"},
	[CONNHUB_TIMESTAMPTZ] = {CONNHUB_TIMESTAMPTZ, read_timestamptz, "timestamp"},
	[CONNHUB_UUID] = {CONNHUB_UUID, read_uuid, "uuid"},
	[CONNHUB_TEXT] = {CONNHUB_TEXT, read_text, "text"},
	[CONNHUB_BPCHAR] = {CONNHUB_BPCHAR, read_text, "text"},
	[CONNHUB_BYTES] = {CONNHUB_BYTES, read_bytes, "blob"},
	[CONNHUB_JSON] = {CONNHUB_JSON, read_json, "JSON"},
};

static ConnhubType
vector_for(ConnhubType wanted)
{
	if ((unsigned) wanted < CONNHUB_NTYPES && readers[wanted].read)
		return readers[wanted].vector;
	return CONNHUB_TEXT;
}

void
sq_vector_types(ConnhubBatch *batch)
{
	uint32_t	i;

	for (i = 0; i < batch->ncolumns; i++)
		batch->columns[i].type = vector_for(batch->columns[i].type);
}

static ConnhubStatus
unfit(const Reading *reading, Outcome outcome, const char *name, int column, ConnhubError *error)
{
	static const char *const storages[] = {"value", "integer", "real number", "text", "blob", "null"};

	if (outcome == READ_NO_MEMORY)
		return fail_no_memory(error);
	if (outcome == READ_BAD_TEXT)
	{
		fail_as(error, CONNHUB_DATA, "column \"%s\" holds text that is not valid UTF-8 or has a zero byte in it",
				name ? name : "?");
		fail_hint(error, "Correct the row at the source.");
	}
	else
	{
		fail_as(error, CONNHUB_DATA, "column \"%s\" holds a value that is not of type %s", name ? name : "?",
				readers[reading->vector->type].name);
		fail_detail(error, "The value is stored as %s.",
					storages[reading->storage <= SQLITE_NULL ? reading->storage : 0]);
		fail_hint(error, "%s", reading->storage == SQLITE_BLOB ?
				  "Declare the foreign column as bytea when it holds blobs." :
				  "Declare the foreign column as text to read whatever it holds.");
	}
	error->column = column;
	return CONNHUB_DATA;
}

/* A value of the statement is read without the checks and locks that go with each call for a column: the connection is
 * open without a mutex, and one thread alone uses it. */
ConnhubStatus
sq_read_row(sqlite3_stmt *statement, sqlite3_value *const *values, SqFill *fill, ConnhubError *error)
{
	ConnhubBatch *batch = fill->batch;
	Reading		reading = {.fill = fill, .row = batch->nrows};
	uint32_t	i;

	for (i = 0; i < batch->ncolumns; i++)
	{
		Outcome		outcome;

		reading.vector = &batch->columns[i];
		reading.value = values ? values[i] : sqlite3_column_value(statement, (int) i);
		reading.storage = sqlite3_value_type(reading.value);
		if (reading.storage == SQLITE_NULL)
			continue;
		outcome = readers[reading.vector->type].read(&reading);
		if (outcome != READ_OK)
			return unfit(&reading, outcome, sqlite3_column_name(statement, (int) i), (int) i, error);
		CONNHUB_SET_VALID(reading.vector, reading.row);
		fill->bytes += sizeof(int64_t);
	}
	return CONNHUB_OK;
}

/* ---- Parameters ---- */

/* NaN is above every number, as text is here. */
static int
bind_real(sqlite3_stmt *statement, int number, double real)
{
	if (isnan(real))
		return sqlite3_bind_text(statement, number, "NaN", 3, SQLITE_STATIC);
	return sqlite3_bind_double(statement, number, real);
}

/* A whole number that fits is bound as one: as a real it could lose digits. */
static int
bind_decimal(sqlite3_stmt *statement, int number, const ConnhubSlice *text)
{
	char		copy[400];
	char	   *end;
	double		real;

	if (text->length >= sizeof(copy))
		return SQLITE_TOOBIG;
	memcpy(copy, text->data, text->length);
	copy[text->length] = '\0';
	real = strtod(copy, &end);	/* reads NaN and Infinity too */
	if (end == copy || *end != '\0')
		return SQLITE_MISMATCH;
	if (real >= -9223372036854775808.0 && real <= 9223372036854775808.0)
	{
		const char *point = strchr(copy, '.');
		int64_t		integer;

		if (point == NULL || point[1 + strspn(point + 1, "0")] == '\0')
		{
			copy[strcspn(copy, ".")] = '\0';
			errno = 0;
			integer = strtoll(copy, &end, 10);
			if (*end == '\0' && errno == 0)
				return sqlite3_bind_int64(statement, number, integer);
		}
	}
	return bind_real(statement, number, real);
}

/* A date bound to text.  What lies outside the years the library knows becomes text below or above
 * every date: dialect.c compares by whole days, and core checks again. */
static int
bind_date(sqlite3_stmt *statement, int number, int64_t days)
{
	char		text[16];

	if (!sq_format_date(days, text, sizeof(text)))
		snprintf(text, sizeof(text), "%s", days < 0 ? "" : "~");
	return sqlite3_bind_text(statement, number, text, -1, SQLITE_TRANSIENT);
}

static int64_t
day_of(int64_t micros)
{
	if (micros == CONNHUB_INFINITY || micros == CONNHUB_MINUS_INFINITY)
		return micros;
	return micros / INT64_C(86400000000) - (micros % INT64_C(86400000000) < 0);
}

ConnhubStatus
sq_bind(sqlite3_stmt *statement, int number, const ConnhubValue *value, ConnhubError *error)
{
	const ConnhubSlice *slice = &value->v.slice;
	int			code = SQLITE_MISMATCH;

	if (value->is_null)
		code = sqlite3_bind_null(statement, number);
	else
		switch (value->type.type)
		{
			case CONNHUB_BOOL:
			case CONNHUB_INT16:
			case CONNHUB_INT32:
			case CONNHUB_INT64:
				code = sqlite3_bind_int64(statement, number, value->v.integer);
				break;
			case CONNHUB_FLOAT32:
			case CONNHUB_FLOAT64:
				code = bind_real(statement, number, value->v.real);
				break;
			case CONNHUB_DECIMAL:
				code = bind_decimal(statement, number, slice);
				break;
			case CONNHUB_DATE:
				code = bind_date(statement, number, value->v.integer);
				break;
			case CONNHUB_TIMESTAMP:
				code = bind_date(statement, number, day_of(value->v.integer));
				break;
			case CONNHUB_TEXT:
			case CONNHUB_BPCHAR:
				code = sqlite3_bind_text64(statement, number, slice->length ? slice->data : "", slice->length,
										   SQLITE_TRANSIENT, SQLITE_UTF8);
				break;
			case CONNHUB_BYTES:
				code = sqlite3_bind_blob64(statement, number, slice->length ? slice->data : "", slice->length,
										   SQLITE_TRANSIENT);
				break;
			default:
				break;
		}
	if (code == SQLITE_OK)
		return CONNHUB_OK;
	if (code == SQLITE_NOMEM)
		return fail_no_memory(error);
	return fail_as(error, CONNHUB_UNSUPPORTED, "parameter %d is of a type that cannot be sent", number);
}
