/* sql/literal.c — constants and names as SQL text.
 *
 * Dates and times are written in PostgreSQL's ISO form, which most sources read.  Numbers never lose a
 * bit: reals in the shortest form that reads back the same, with an exponent, so that no source takes
 * one for an exact decimal. */
#include "match.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MICROS_PER_SECOND	INT64_C(1000000)
#define MICROS_PER_DAY		INT64_C(86400000000)

static bool
is_integer_storage(ConnhubType type)
{
	return type == CONNHUB_BOOL || type == CONNHUB_INT16 || type == CONNHUB_INT32 || type == CONNHUB_INT64 ||
		type == CONNHUB_DATE || type == CONNHUB_TIME || type == CONNHUB_TIMESTAMP || type == CONNHUB_TIMESTAMPTZ;
}

static bool
is_slice_storage(ConnhubType type)
{
	return !is_integer_storage(type) && type != CONNHUB_FLOAT32 && type != CONNHUB_FLOAT64 &&
		type != CONNHUB_INTERVAL;
}

bool
sql_is_nonfinite(const ConnhubValue *value)
{
	switch (value->type.type)
	{
		case CONNHUB_FLOAT32:
		case CONNHUB_FLOAT64:
			return !isfinite(value->v.real);
		case CONNHUB_DECIMAL:
			return value->v.slice.length > 0 &&
				(value->v.slice.data[value->v.slice.length - 1] < '0' ||
				 value->v.slice.data[value->v.slice.length - 1] > '9');
		case CONNHUB_DATE:
		case CONNHUB_TIMESTAMP:
		case CONNHUB_TIMESTAMPTZ:
			return value->v.integer == CONNHUB_INFINITY || value->v.integer == CONNHUB_MINUS_INFINITY;
		default:
			return false;
	}
}

/* Optional sign, digits, at most one point: what a decimal may be made of. */
static bool
is_plain_decimal(ConnhubSlice text)
{
	size_t		i = 0;
	size_t		digits = 0;
	size_t		points = 0;

	if (i < text.length && text.data[i] == '-')
		i++;
	for (; i < text.length; i++)
	{
		if (text.data[i] == '.')
			points++;
		else if (text.data[i] >= '0' && text.data[i] <= '9')
			digits++;
		else
			return false;
	}
	return digits > 0 && points <= 1;
}

const char *
sql_constant_refusal(const SqlDialect *dialect, const ConnhubValue *value)
{
	ConnhubType type = value->type.type;
	const SqlTypeForm *form;

	if ((unsigned) type >= CONNHUB_NTYPES || type == CONNHUB_TYPE_NONE || type == CONNHUB_PGBINARY)
		return "constants of this type are not sent";
	form = &dialect->types[type];
	if (form->encoding == SQL_NO_LITERAL)
		return "constants of this type are not sent";
	if (value->is_null)
		return NULL;
	if (sql_is_nonfinite(value))
		return form->nonfinite ? NULL : "the source has no infinities or NaN of this type";
	if (is_integer_storage(type) && (form->min != 0 || form->max != 0) &&
		(value->v.integer < form->min || value->v.integer > form->max))
		return "the constant is out of the range of the source's type";
	if (type == CONNHUB_DECIMAL && !is_plain_decimal(value->v.slice))
		return "the constant is not a decimal number";
	if (type == CONNHUB_UUID && value->v.slice.length != 16)
		return "the constant is not a uuid";
	if (form->encoding == SQL_STRING && is_slice_storage(type) && type != CONNHUB_UUID)
	{
		if (value->v.slice.length > 0 && memchr(value->v.slice.data, '\0', value->v.slice.length))
			return "the constant contains a zero byte";
		if (dialect->backslash == SQL_BACKSLASH_REFUSED && value->v.slice.length > 0 &&
			memchr(value->v.slice.data, '\\', value->v.slice.length))
			return "what a backslash in a string means there is not known";
	}
	return NULL;
}

/* ---- Parts ------------------------------------------------------------------------------- */

void
sql_quote_string(TextWriter *writer, const SqlDialect *dialect, const char *data, size_t length)
{
	text_char(writer, '\'');
	for (size_t i = 0; i < length; i++)
	{
		if (data[i] == '\'' || (data[i] == '\\' && dialect->backslash == SQL_BACKSLASH_DOUBLED))
			text_char(writer, data[i]);
		text_char(writer, data[i]);
	}
	text_char(writer, '\'');
}

void
sql_quote_identifier(TextWriter *writer, const SqlDialect *dialect, const char *name)
{
	text_char(writer, dialect->quote_open);
	for (; *name; name++)
	{
		if (*name == dialect->quote_close)
			text_char(writer, *name);
		text_char(writer, *name);
	}
	text_char(writer, dialect->quote_close);
}

/* Year, month and day of a day number, proleptic Gregorian; year 0 is 1 BC. */
static void
civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t		shifted = days + 719468;	/* days since 0000-03-01 */
	int64_t		era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t		day_of_era = shifted - era * 146097;
	int64_t		year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t		day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t		march_month = (5 * day_of_year + 2) / 153;

	*day = (int) (day_of_year - (153 * march_month + 2) / 5 + 1);
	*month = (int) (march_month < 10 ? march_month + 3 : march_month - 9);
	*year = year_of_era + era * 400 + (*month <= 2 ? 1 : 0);
}

/* Append a date; the era belongs at the very end and is returned. */
static const char *
append_date(TextWriter *writer, int64_t days)
{
	int64_t		year;
	int			month;
	int			day;

	civil_from_days(days, &year, &month, &day);
	text_format(writer, "%04lld-%02d-%02d", (long long) (year > 0 ? year : 1 - year), month, day);
	return year > 0 ? "" : " BC";
}

static void
append_time(TextWriter *writer, int64_t micros)
{
	int64_t		seconds = micros / MICROS_PER_SECOND;

	text_format(writer, "%02lld:%02d:%02d", (long long) (seconds / 3600), (int) (seconds / 60 % 60),
				(int) (seconds % 60));
	if (micros % MICROS_PER_SECOND != 0)
		text_format(writer, ".%06d", (int) (micros % MICROS_PER_SECOND));
}

static void
append_timestamp(TextWriter *writer, int64_t micros, const char *zone)
{
	int64_t		days = micros / MICROS_PER_DAY;
	int64_t		rest = micros % MICROS_PER_DAY;
	const char *era;

	if (rest < 0)
	{
		rest += MICROS_PER_DAY;
		days--;
	}
	era = append_date(writer, days);
	text_char(writer, ' ');
	append_time(writer, rest);
	text_string(writer, zone);
	text_string(writer, era);
}

static void
append_interval(TextWriter *writer, const ConnhubInterval *interval)
{
	uint64_t	micros = interval->micros < 0 ? -(uint64_t) interval->micros : (uint64_t) interval->micros;
	uint64_t	seconds = micros / (uint64_t) MICROS_PER_SECOND;

	text_format(writer, "%d mons %d days %s%llu:%02d:%02d.%06d", interval->months, interval->days,
				interval->micros < 0 ? "-" : "+", (unsigned long long) (seconds / 3600),
				(int) (seconds / 60 % 60), (int) (seconds % 60), (int) (micros % (uint64_t) MICROS_PER_SECOND));
}

/* The shortest text with an exponent that reads back as the same number. */
static void
append_real(TextWriter *writer, double real, bool single)
{
	char		text[40];

	for (int digits = 0; digits <= 16; digits++)
	{
		snprintf(text, sizeof(text), "%.*e", digits, real);
		if (single ? strtof(text, NULL) == (float) real : strtod(text, NULL) == real)
			break;
	}
	text_string(writer, text);
}

static void
append_uuid(TextWriter *writer, const char *bytes)
{
	for (int i = 0; i < 16; i++)
		text_format(writer, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", (unsigned char) bytes[i]);
}

static const char *
nonfinite_word(const ConnhubValue *value)
{
	switch (value->type.type)
	{
		case CONNHUB_FLOAT32:
		case CONNHUB_FLOAT64:
			return isnan(value->v.real) ? "NaN" : value->v.real > 0 ? "Infinity" : "-Infinity";
		case CONNHUB_DECIMAL:
			return value->v.slice.data[0] == 'N' ? "NaN" : value->v.slice.data[0] == '-' ? "-Infinity" : "Infinity";
		default:
			return value->v.integer == CONNHUB_INFINITY ? "infinity" : "-infinity";
	}
}

/* ---- Values ------------------------------------------------------------------------------ */

/* Append the text of a finite value that is neither text nor bytes. */
static void
append_plain(TextWriter *writer, const ConnhubValue *value)
{
	switch (value->type.type)
	{
		case CONNHUB_FLOAT32:
			append_real(writer, value->v.real, true);
			break;
		case CONNHUB_FLOAT64:
			append_real(writer, value->v.real, false);
			break;
		case CONNHUB_DATE:
			text_string(writer, append_date(writer, value->v.integer));
			break;
		case CONNHUB_TIME:
			append_time(writer, value->v.integer);
			break;
		case CONNHUB_TIMESTAMP:
			append_timestamp(writer, value->v.integer, "");
			break;
		case CONNHUB_TIMESTAMPTZ:
			append_timestamp(writer, value->v.integer, "+00");
			break;
		case CONNHUB_INTERVAL:
			append_interval(writer, &value->v.interval);
			break;
		case CONNHUB_UUID:
			append_uuid(writer, value->v.slice.data);
			break;
		case CONNHUB_DECIMAL:
			text_bytes(writer, value->v.slice.data, value->v.slice.length);
			break;
		default:
			text_format(writer, "%lld", (long long) value->v.integer);
			break;
	}
}

void
sql_append_plain(TextWriter *writer, const ConnhubValue *value)
{
	if (sql_is_nonfinite(value))
		text_string(writer, nonfinite_word(value));
	else
		append_plain(writer, value);
}

static void
encode_number(TextWriter *writer, const SqlDialect *dialect, const ConnhubValue *value)
{
	size_t		start = writer->text->length;

	/* The parenthesis keeps a minus sign from meeting another one, which would open a comment. */
	text_char(writer, '(');
	append_plain(writer, value);
	if (!writer->failed && writer->text->data[start + 1] != '-')
	{
		memmove(writer->text->data + start, writer->text->data + start + 1, writer->text->length - start);
		writer->text->length--;
	}
	else
		text_char(writer, ')');
}

static void
encode_string(TextWriter *writer, const SqlDialect *dialect, const ConnhubValue *value)
{
	if (is_slice_storage(value->type.type) && value->type.type != CONNHUB_UUID)
		sql_quote_string(writer, dialect, value->v.slice.data, value->v.slice.length);
	else
	{
		text_char(writer, '\'');
		if (value->type.type == CONNHUB_TIMESTAMPTZ && (dialect->flags & SQL_ZONE_OMITTED))
			append_timestamp(writer, value->v.integer, "");
		else
			append_plain(writer, value);
		text_char(writer, '\'');
	}
}

static void
encode_hex(TextWriter *writer, const SqlDialect *dialect, const ConnhubValue *value)
{
	for (size_t i = 0; i < value->v.slice.length; i++)
		text_format(writer, "%02x", (unsigned char) value->v.slice.data[i]);
}

static void
encode_boolean(TextWriter *writer, const SqlDialect *dialect, const ConnhubValue *value)
{
	text_string(writer, value->v.integer ? dialect->true_literal : dialect->false_literal);
}

void
sql_encode_value(TextWriter *writer, const SqlDialect *dialect, const ConnhubValue *value)
{
	static void (*const encoders[]) (TextWriter *, const SqlDialect *, const ConnhubValue *) = {
		[SQL_BOOLEAN] = encode_boolean,
		[SQL_NUMBER] = encode_number,
		[SQL_STRING] = encode_string,
		[SQL_HEX] = encode_hex,
	};
	SqlEncoding encoding = dialect->types[value->type.type].encoding;

	if (sql_is_nonfinite(value))
		text_format(writer, "'%s'", nonfinite_word(value));
	else if (encoding != SQL_NO_LITERAL)
		encoders[encoding] (writer, dialect, value);
}
