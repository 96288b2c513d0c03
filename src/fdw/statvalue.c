/* fdw/statvalue.c — a value of a source's statistics, told as text, as a value here.
 *
 * Planning reads hundreds of values and must not fail on one, and input functions throw, so they are called
 * only with text whose form was checked before.  What is read are the forms that sources print: numbers,
 * ISO dates and times, uuids.  A value left out makes an estimate worse and no answer wrong. */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "catalog/catalog.h"
#include "fdw/statvalue.h"

/* As ANALYZE: wider values say little and cost much. */
#define MAX_VALUE_BYTES	1024

typedef bool (*ReadValue) (const char *text, Datum *value);

static bool
read_bool(const char *text, Datum *value)
{
	bool		is_true = strcmp(text, "t") == 0 || strcmp(text, "true") == 0 || strcmp(text, "1") == 0;

	*value = BoolGetDatum(is_true);
	return is_true || strcmp(text, "f") == 0 || strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
}

static bool
read_integer(const char *text, int64 least, int64 most, int64 *number)
{
	char	   *end;

	errno = 0;
	*number = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && *number >= least && *number <= most;
}

static bool
read_int2(const char *text, Datum *value)
{
	int64		number;
	bool		found = read_integer(text, PG_INT16_MIN, PG_INT16_MAX, &number);

	*value = Int16GetDatum((int16) number);
	return found;
}

static bool
read_int4(const char *text, Datum *value)
{
	int64		number;
	bool		found = read_integer(text, PG_INT32_MIN, PG_INT32_MAX, &number);

	*value = Int32GetDatum((int32) number);
	return found;
}

static bool
read_int8(const char *text, Datum *value)
{
	int64		number;
	bool		found = read_integer(text, PG_INT64_MIN, PG_INT64_MAX, &number);

	*value = Int64GetDatum(number);
	return found;
}

static bool
read_float8(const char *text, Datum *value)
{
	char	   *end;

	*value = Float8GetDatum(strtod(text, &end));
	return end != text && *end == '\0';
}

static bool
read_float4(const char *text, Datum *value)
{
	char	   *end;

	*value = Float4GetDatum(strtof(text, &end));
	return end != text && *end == '\0';
}

/* [-]digits[.digits][e[+-]digits], with an exponent of at most three digits. */
static bool
is_decimal(const char *text)
{
	size_t		whole;
	size_t		fraction = 0;

	text += (*text == '-' || *text == '+');
	text += whole = strspn(text, "0123456789");
	if (*text == '.')
	{
		fraction = strspn(text + 1, "0123456789");
		text += 1 + fraction;
	}
	if (whole + fraction == 0)
		return false;
	if (*text == 'e' || *text == 'E')
	{
		size_t		digits;

		text++;
		text += (*text == '-' || *text == '+');
		digits = strspn(text, "0123456789");
		if (digits == 0 || digits > 3)
			return false;
		text += digits;
	}
	return *text == '\0';
}

static bool
read_numeric(const char *text, Datum *value)
{
	if (!is_decimal(text) && strcmp(text, "NaN") != 0)
		return false;
	*value = DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	return true;
}

/* ---- Dates and times ---------------------------------------------------------------------- */

/* The number of exactly `digits` digits at *text, which moves behind them; -1: there is none. */
static int
take_digits(const char **text, int digits)
{
	int			number = 0;

	if (strspn(*text, "0123456789") < digits)
		return -1;
	for (int i = 0; i < digits; i++)
		number = number * 10 + *(*text)++ - '0';
	return number;
}

static bool
take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

/* YYYY-MM-DD of the years 1 to 9999, as days since 2000-01-01. */
static bool
take_date(const char **text, int *days)
{
	int			year;
	int			month;
	int			day;

	if ((year = take_digits(text, 4)) < 1 || !take_char(text, '-') ||
		(month = take_digits(text, 2)) < 1 || month > 12 || !take_char(text, '-') ||
		(day = take_digits(text, 2)) < 1 || day > day_tab[isleap(year)][month - 1])
		return false;
	*days = date2j(year, month, day) - POSTGRES_EPOCH_JDATE;
	return true;
}

/* HH:MM:SS[.fraction], in microseconds. */
static bool
take_time(const char **text, int64 *micros)
{
	int			hour;
	int			minute;
	int			second;

	if ((hour = take_digits(text, 2)) < 0 || hour > 23 || !take_char(text, ':') ||
		(minute = take_digits(text, 2)) < 0 || minute > 59 || !take_char(text, ':') ||
		(second = take_digits(text, 2)) < 0 || second > 59)
		return false;
	*micros = ((hour * INT64CONST(60) + minute) * 60 + second) * USECS_PER_SEC;
	if (take_char(text, '.'))
	{
		int64		unit = USECS_PER_SEC;

		for (; **text >= '0' && **text <= '9'; (*text)++)
			*micros += (unit /= 10) * (**text - '0');
	}
	return true;
}

/* A date with or without a time; the time zone is left to the caller. */
static bool
take_timestamp(const char **text, Timestamp *timestamp)
{
	int			days;
	int64		micros = 0;

	if (!take_date(text, &days))
		return false;
	if ((**text == ' ' || **text == 'T') && (*text)[1] != '\0')
	{
		(*text)++;
		if (!take_time(text, &micros))
			return false;
	}
	*timestamp = days * USECS_PER_DAY + micros;
	return true;
}

static bool
take_infinity(const char **text, bool *is_negative)
{
	const char *word = **text == '-' ? *text + 1 : *text;

	if (strcmp(word, "infinity") != 0)
		return false;
	*is_negative = word != *text;
	*text = word + strlen(word);
	return true;
}

static bool
read_date(const char *text, Datum *value)
{
	bool		is_negative;
	int			days;

	if (take_infinity(&text, &is_negative))
		days = is_negative ? DATEVAL_NOBEGIN : DATEVAL_NOEND;
	else if (!take_date(&text, &days))
		return false;
	*value = DateADTGetDatum(days);

	/* Some sources tell a time of midnight with it. */
	return *text == '\0' || *text == ' ';
}

static bool
read_time(const char *text, Datum *value)
{
	int64		micros;

	if (!take_time(&text, &micros) || *text != '\0')
		return false;
	*value = TimeADTGetDatum(micros);
	return true;
}

static bool
read_timestamp(const char *text, Datum *value)
{
	bool		is_negative;
	Timestamp	timestamp;

	if (take_infinity(&text, &is_negative))
		timestamp = is_negative ? DT_NOBEGIN : DT_NOEND;
	else if (!take_timestamp(&text, &timestamp))
		return false;
	*value = TimestampGetDatum(timestamp);
	return *text == '\0';
}

/* +HH[:MM[:SS]], in microseconds east of Greenwich. */
static bool
take_offset(const char **text, int64 *micros)
{
	int64		unit = USECS_PER_HOUR;
	bool		is_west = **text == '-';

	*micros = 0;
	if (!take_char(text, '+') && !take_char(text, '-'))
		return false;
	do
	{
		int			part = take_digits(text, 2);

		if (part < 0 || unit < USECS_PER_SEC)
			return false;
		*micros += part * unit;
		unit /= 60;
	} while (take_char(text, ':'));
	if (is_west)
		*micros = -*micros;
	return true;
}

/* Without an offset it is taken to be UTC, in which drivers hold their sessions. */
static bool
read_timestamptz(const char *text, Datum *value)
{
	bool		is_negative;
	Timestamp	timestamp;
	int64		offset = 0;

	if (take_infinity(&text, &is_negative))
		timestamp = is_negative ? DT_NOBEGIN : DT_NOEND;
	else if (!take_timestamp(&text, &timestamp) || (*text != '\0' && !take_offset(&text, &offset)))
		return false;
	*value = TimestampTzGetDatum(timestamp - offset);
	return *text == '\0';
}

static bool
read_uuid(const char *text, Datum *value)
{
	pg_uuid_t  *uuid = palloc(sizeof(pg_uuid_t));

	*value = UUIDPGetDatum(uuid);
	return ch_uuid_parse(text, uuid);
}

/* varchar and bpchar are stored as text is. */
static bool
read_text(const char *text, Datum *value)
{
	*value = CStringGetTextDatum(text);
	return true;
}

/* ---- The table ---------------------------------------------------------------------------- */

static const struct
{
	Oid			type;
	ReadValue	read;
}			readers[] = {
	{BOOLOID, read_bool},
	{INT2OID, read_int2},
	{INT4OID, read_int4},
	{INT8OID, read_int8},
	{FLOAT4OID, read_float4},
	{FLOAT8OID, read_float8},
	{NUMERICOID, read_numeric},
	{DATEOID, read_date},
	{TIMEOID, read_time},
	{TIMESTAMPOID, read_timestamp},
	{TIMESTAMPTZOID, read_timestamptz},
	{UUIDOID, read_uuid},
	{TEXTOID, read_text},
	{VARCHAROID, read_text},
	{BPCHAROID, read_text},
};

static ReadValue
reader_of(Oid type)
{
	for (int i = 0; i < lengthof(readers); i++)
	{
		if (readers[i].type == type)
			return readers[i].read;
	}
	return NULL;
}

bool
ch_statvalue_readable(Oid type)
{
	return reader_of(type) != NULL;
}

bool
ch_statvalue_read(Oid type, const char *text, Datum *value)
{
	return strlen(text) <= MAX_VALUE_BYTES && reader_of(type) (text, value);
}
