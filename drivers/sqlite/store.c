/* store.c — values on their way into a column.
 *
 * A column's affinity may turn a value into another when it is stored: text that looks like a number into a number,
 * a number into text, a decimal into a binary real.  What would then not read back as the same value is refused, by
 * type when planning and by value when writing. */
#include "sqlite.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define A(affinity) (1u << (affinity))
#define A_KEEPS_NUMBERS (A(SQ_BLOB) | A(SQ_NUMERIC) | A(SQ_INTEGER))
#define A_ALL (A_KEEPS_NUMBERS | A(SQ_TEXT) | A(SQ_REAL))

typedef struct Storing
{
	sqlite3_stmt *statement;
	int			number;			/* of the parameter */
	const ConnhubColumn *column;
	const ConnhubValue *value;
	SqAffinity	affinity;
	int			code;			/* of the library */
} Storing;

/* Binds a value; false: it would read back as another one. */
typedef bool (*Binder) (Storing *storing);

/* In a STRICT table ANY keeps all it is given. */
static SqAffinity
affinity_of(const ConnhubColumn *column)
{
	if (column->remote_type && sqlite3_stricmp(column->remote_type, "ANY" SQ_STRICT_SUFFIX) == 0)
		return SQ_BLOB;
	return sq_affinity(column->remote_type);
}

void
sq_aim(SqTarget *target, const ConnhubColumn *column)
{
	target->column = column;
	target->affinity = affinity_of(column);
}

/* Text made here, which the library copies. */
static bool
put_text(Storing *storing, const char *text)
{
	storing->code = sqlite3_bind_text64(storing->statement, storing->number, text, strlen(text), SQLITE_TRANSIENT,
										SQLITE_UTF8);
	return true;
}

/* The value's own text. */
static bool
put_slice(Storing *storing)
{
	const ConnhubSlice *slice = &storing->value->v.slice;

	storing->code = sqlite3_bind_text64(storing->statement, storing->number, slice->length ? slice->data : "",
										slice->length, SQLITE_STATIC, SQLITE_UTF8);
	return true;
}

static bool
put_integer(Storing *storing)
{
	storing->code = sqlite3_bind_int64(storing->statement, storing->number, storing->value->v.integer);
	return true;
}

/* The library stores a NaN as null.  It keeps a negative zero as zero in a column of numbers, which is let pass: the two
 * are equal. */
static bool
put_real(Storing *storing)
{
	storing->code = sqlite3_bind_double(storing->statement, storing->number, storing->value->v.real);
	return !isnan(storing->value->v.real);
}

/* ---- Decimals ---- */

/* A number as digits: 0.ddd… times ten to the point, without zeros at either end. */
typedef struct Digits
{
	bool		negative;
	long		point;
	int			n;
	char		digits[400];
} Digits;

/* Take text that strtod takes apart; false when it has too many digits. */
static bool
split_digits(const char *text, Digits *number)
{
	bool		after_point = false;

	memset(number, 0, offsetof(Digits, digits));
	if (*text == '-' || *text == '+')
		number->negative = *text++ == '-';
	for (; (*text >= '0' && *text <= '9') || *text == '.'; text++)
	{
		if (*text == '.')
		{
			after_point = true;
			continue;
		}
		if (number->n == 0 && *text == '0')
		{
			number->point -= after_point;
			continue;
		}
		if (number->n == (int) sizeof(number->digits))
			return false;
		number->digits[number->n++] = *text;
		number->point += !after_point;
	}
	if (*text == 'e' || *text == 'E')
		number->point += strtol(text + 1, NULL, 10);
	while (number->n > 0 && number->digits[number->n - 1] == '0')
		number->n--;
	if (number->n == 0)
		number->point = number->negative = 0;
	return true;
}

static bool
is_same_number(const char *a, const char *b)
{
	Digits		x,
				y;

	return split_digits(a, &x) && split_digits(b, &y) && x.negative == y.negative && x.point == y.point &&
		x.n == y.n && memcmp(x.digits, y.digits, (size_t) x.n) == 0;
}

/* The integer that a decimal is, if it is one. */
static bool
whole_number(const char *text, int64_t *integer)
{
	const char *point = strchr(text, '.');
	char		copy[32];
	size_t		length = point ? (size_t) (point - text) : strlen(text);
	char	   *end;

	if ((point && point[1 + strspn(point + 1, "0")] != '\0') || length == 0 || length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	errno = 0;
	*integer = strtoll(copy, &end, 10);
	return *end == '\0' && errno == 0;
}

/* As an integer, else as a real that reads back as the same digits; as text where text stays text. */
static bool
put_decimal(Storing *storing)
{
	const ConnhubSlice *slice = &storing->value->v.slice;
	char		text[400];
	char		again[48];
	int64_t		integer;
	double		real;

	/* NaN and the infinities are no numbers as text. */
	if (storing->affinity == SQ_TEXT)
		return !memchr(slice->data, 'N', slice->length) && !memchr(slice->data, 'I', slice->length) &&
			put_slice(storing);
	if (slice->length >= sizeof(text))
		return storing->affinity == SQ_BLOB && put_slice(storing);
	memcpy(text, slice->data, slice->length);
	text[slice->length] = '\0';
	real = strtod(text, NULL);
	if (isnan(real))
		return false;
	if (storing->affinity != SQ_REAL && whole_number(text, &integer))
	{
		storing->code = sqlite3_bind_int64(storing->statement, storing->number, integer);
		return true;
	}
	sq_real_text(real, again, sizeof(again));
	if (isinf(real) ? strstr(text, "Infinity") == NULL : !is_same_number(text, again))
		return storing->affinity == SQ_BLOB && put_slice(storing);
	storing->code = sqlite3_bind_double(storing->statement, storing->number, real);
	return true;
}

/* ---- Text ---- */

/* Does the library take the text for a number?  Then it stays the same text only when it is how an integer is
 * written. */
static bool
looks_like_number(const char *text, size_t length)
{
	static const char blanks[] = {' ', '\t', '\n', '\v', '\f', '\r'};

	while (length > 0 && memchr(blanks, text[0], sizeof(blanks)))
		text++, length--;
	while (length > 0 && memchr(blanks, text[length - 1], sizeof(blanks)))
		length--;
	return sq_is_number_text(text, length, SIZE_MAX);
}

static bool
is_plain_integer(const char *text, size_t length)
{
	size_t		i = length > 0 && text[0] == '-';

	if (length - i < 1 || length - i > 18 || (text[i] == '0' && length > 1))
		return false;
	for (; i < length; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return true;
}

static bool
put_any_text(Storing *storing)
{
	const ConnhubSlice *slice = &storing->value->v.slice;
	bool		converts = storing->affinity != SQ_TEXT && storing->affinity != SQ_BLOB;

	if (converts && looks_like_number(slice->data, slice->length) &&
		(storing->affinity == SQ_REAL || !is_plain_integer(slice->data, slice->length)))
		return false;
	return put_slice(storing);
}

static bool
put_bytes(Storing *storing)
{
	const ConnhubSlice *slice = &storing->value->v.slice;

	storing->code = sqlite3_bind_blob64(storing->statement, storing->number, slice->length ? slice->data : "",
										slice->length, SQLITE_STATIC);
	return true;
}

/* As bytes in a column declared for them, else as text. */
static bool
put_uuid(Storing *storing)
{
	const unsigned char *bytes = (const unsigned char *) storing->value->v.slice.data;
	char		text[40];
	int			length = 0;

	if (storing->column->natural.type == CONNHUB_BYTES)
		return put_bytes(storing);
	for (int i = 0; i < 16; i++)
		length += snprintf(text + length, sizeof(text) - (size_t) length, "%s%02x",
						   i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[i]);
	return put_text(storing, text);
}

/* ---- Dates and times ---- */

static bool
put_date(Storing *storing)
{
	char		text[16];

	return sq_format_date(storing->value->v.integer, text, sizeof(text)) && put_text(storing, text);
}

static bool
put_time(Storing *storing)
{
	char		text[32];

	return sq_format_time(storing->value->v.integer, text, sizeof(text)) && put_text(storing, text);
}

static bool
put_timestamp(Storing *storing)
{
	char		text[48];

	return sq_format_moment(storing->value->v.integer, text, sizeof(text)) && put_text(storing, text);
}

static bool
put_timestamptz(Storing *storing)
{
	char		text[48];

	if (!sq_format_moment(storing->value->v.integer, text, sizeof(text) - 6))
		return false;
	strcat(text, "+00:00");
	return put_text(storing, text);
}

/* ---- By type ---- */

/* How values of a type are stored, and the affinities under which they can be read back as that type. */
static const struct
{
	Binder		bind;
	unsigned	affinities;
}			binders[CONNHUB_NTYPES] = {
	[CONNHUB_BOOL] = {put_integer, A_KEEPS_NUMBERS},
	[CONNHUB_INT16] = {put_integer, A_KEEPS_NUMBERS},
	[CONNHUB_INT32] = {put_integer, A_KEEPS_NUMBERS},
	[CONNHUB_INT64] = {put_integer, A_KEEPS_NUMBERS},
	[CONNHUB_FLOAT32] = {put_real, A_KEEPS_NUMBERS | A(SQ_REAL)},
	[CONNHUB_FLOAT64] = {put_real, A_KEEPS_NUMBERS | A(SQ_REAL)},
	[CONNHUB_DECIMAL] = {put_decimal, A_ALL},
	[CONNHUB_DATE] = {put_date, A_ALL},
	[CONNHUB_TIME] = {put_time, A_ALL},
	[CONNHUB_TIMETZ] = {put_any_text, A_ALL},
	[CONNHUB_TIMESTAMP] = {put_timestamp, A_ALL},
	[CONNHUB_TIMESTAMPTZ] = {put_timestamptz, A_ALL},
	[CONNHUB_UUID] = {put_uuid, A_ALL},
	[CONNHUB_TEXT] = {put_any_text, A_ALL},
	[CONNHUB_BPCHAR] = {put_any_text, A_ALL},
	[CONNHUB_BYTES] = {put_bytes, A_ALL},
	[CONNHUB_JSON] = {put_any_text, A_ALL},
	[CONNHUB_NATIVE] = {put_any_text, A_ALL},
};

const char *
sq_store_refusal(const ConnhubColumn *column)
{
	ConnhubType type = column->type.type;

	if (column->remote_type == NULL)
		return "what the column is declared as is not known";
	if ((unsigned) type >= CONNHUB_NTYPES || binders[type].bind == NULL)
		return "values of this type have no form there";
	if ((binders[type].affinities & A(affinity_of(column))) == 0)
		return "the column would turn the values into others";
	return NULL;
}

ConnhubStatus
sq_bind_stored(sqlite3_stmt *statement, int number, const SqTarget *target, const ConnhubValue *value,
			   ConnhubError *error)
{
	const ConnhubColumn *column = target->column;
	Storing		storing = {.statement = statement, .number = number, .column = column, .value = value,
		.affinity = target->affinity};
	ConnhubType type = value->type.type;
	bool		fits = true;

	if (value->is_null)
		storing.code = sqlite3_bind_null(statement, number);
	else if ((unsigned) type >= CONNHUB_NTYPES || binders[type].bind == NULL)
		fits = false;
	else
		fits = (binders[type].affinities & A(storing.affinity)) != 0 && binders[type].bind(&storing);
	if (!fits)
	{
		fail_as(error, CONNHUB_DATA, "column \"%s\" cannot hold the value", column->name);
		fail_detail(error, "Declared as \"%s\", it would give back another value, or none.",
					column->remote_type ? column->remote_type : "");
		return CONNHUB_DATA;
	}
	if (storing.code == SQLITE_NOMEM)
		return fail_no_memory(error);
	if (storing.code != SQLITE_OK)
		return fail_as(error, CONNHUB_DATA, "column \"%s\": the value is too long", column->name);
	return CONNHUB_OK;
}
