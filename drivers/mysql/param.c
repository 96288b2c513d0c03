/* param.c — parameters of a statement.
 *
 * A value the source cannot represent is refused: sent in some other form it would compare as something
 * else and change the answer, or be stored as something else. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "param.h"
#include "value.h"

#define MICROS_PER_SECOND	INT64_C(1000000)
#define MICROS_PER_DAY		(INT64_C(86400) * MICROS_PER_SECOND)
#define MOST_TIME_MICROS	(INT64_C(839) * 3600 * MICROS_PER_SECOND - MICROS_PER_SECOND)

static void
bind_bytes(MYSQL_BIND *bind, MyParam *param, enum enum_field_types type, const void *data, size_t length)
{
	bind->buffer_type = type;
	bind->buffer = (void *) data;
	bind->buffer_length = length;
	param->length = length;
	bind->length = &param->length;
}

static void
set_clock(MYSQL_TIME *time, int64_t micros)
{
	time->second_part = (unsigned long) (micros % MICROS_PER_SECOND);
	micros /= MICROS_PER_SECOND;
	time->second = (unsigned int) (micros % 60);
	time->minute = (unsigned int) (micros / 60 % 60);
	time->hour = (unsigned int) (micros / 3600);
}

static const char *
set_date(MyParam *param, int64_t days)
{
	int64_t		year;
	uint32_t	month;
	uint32_t	day;

	if (days < INT64_C(-1000000000) || days > INT64_C(1000000000))
		return "an infinite or far date";
	my_date_from_days(days, &year, &month, &day);
	if (year < 1 || year > 9999)
		return "a date outside the years 1 to 9999";
	param->time.year = (unsigned int) year;
	param->time.month = month;
	param->time.day = day;
	return NULL;
}

static const char *
bind_date(MYSQL_BIND *bind, MyParam *param, const ConnhubValue *value)
{
	bind->buffer_type = MYSQL_TYPE_DATE;
	bind->buffer = &param->time;
	param->time.time_type = MYSQL_TIMESTAMP_DATE;
	return set_date(param, value->v.integer);
}

static const char *
bind_timestamp(MYSQL_BIND *bind, MyParam *param, const ConnhubValue *value)
{
	int64_t		micros = value->v.integer;
	int64_t		days = micros / MICROS_PER_DAY - (micros % MICROS_PER_DAY < 0 ? 1 : 0);

	if (micros == CONNHUB_INFINITY || micros == CONNHUB_MINUS_INFINITY)
		return "an infinite timestamp";
	bind->buffer_type = MYSQL_TYPE_DATETIME;
	bind->buffer = &param->time;
	param->time.time_type = MYSQL_TIMESTAMP_DATETIME;
	set_clock(&param->time, micros - days * MICROS_PER_DAY);
	return set_date(param, days);
}

static const char *
bind_time(MYSQL_BIND *bind, MyParam *param, const ConnhubValue *value)
{
	int64_t		micros = value->v.integer;

	if (value->type.type == CONNHUB_INTERVAL)
	{
		const ConnhubInterval *interval = &value->v.interval;

		if (interval->months != 0 || interval->days < -36 || interval->days > 36 ||
			interval->micros < -2 * MOST_TIME_MICROS || interval->micros > 2 * MOST_TIME_MICROS)
			return "an interval beyond 838:59:59";
		micros = interval->days * MICROS_PER_DAY + interval->micros;
	}
	if (micros < -MOST_TIME_MICROS || micros > MOST_TIME_MICROS)
		return "an interval beyond 838:59:59";
	bind->buffer_type = MYSQL_TYPE_TIME;
	bind->buffer = &param->time;
	param->time.time_type = MYSQL_TIMESTAMP_TIME;
	param->time.neg = micros < 0;
	set_clock(&param->time, micros < 0 ? -micros : micros);

	/* The library sends one byte of hours. */
	param->time.day = param->time.hour / 24;
	param->time.hour %= 24;
	return NULL;
}

static const char *
bind_real(MYSQL_BIND *bind, MyParam *param, const ConnhubValue *value)
{
	if (!isfinite(value->v.real))
		return "not a finite number";
	param->real = value->v.real;
	bind->buffer_type = MYSQL_TYPE_DOUBLE;
	bind->buffer = &param->real;
	return NULL;
}

static const char *
bind_decimal(MYSQL_BIND *bind, MyParam *param, const ConnhubValue *value)
{
	size_t		digits = 0;

	for (size_t i = 0; i < value->v.slice.length; i++)
	{
		char		c = value->v.slice.data[i];

		if (c >= '0' && c <= '9')
			digits++;
		else if (c != '-' && c != '.')
			return "not a finite number";
	}
	if (digits > 65)
		return "a number of more than 65 digits";
	bind_bytes(bind, param, MYSQL_TYPE_NEWDECIMAL, value->v.slice.data, value->v.slice.length);
	return NULL;
}

static const char *
bind_uuid(MYSQL_BIND *bind, MyParam *param, const ConnhubValue *value)
{
	const unsigned char *bytes = (const unsigned char *) value->v.slice.data;
	char	   *at = param->text;

	for (int i = 0; i < 16; i++)
		at += sprintf(at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", bytes[i]);
	bind_bytes(bind, param, MYSQL_TYPE_STRING, param->text, (size_t) (at - param->text));
	return NULL;
}

const char *
my_param_set(MYSQL_BIND *bind, MyParam *param, const ConnhubValue *value)
{
	memset(bind, 0, sizeof(*bind));
	memset(param, 0, sizeof(*param));
	if (value->is_null)
	{
		bind->buffer_type = MYSQL_TYPE_NULL;
		return NULL;
	}
	switch (value->type.type)
	{
		case CONNHUB_BOOL:
		case CONNHUB_INT16:
		case CONNHUB_INT32:
		case CONNHUB_INT64:
			param->integer = value->v.integer;
			bind->buffer_type = MYSQL_TYPE_LONGLONG;
			bind->buffer = &param->integer;
			return NULL;
		case CONNHUB_FLOAT32:
		case CONNHUB_FLOAT64:
			return bind_real(bind, param, value);
		case CONNHUB_DECIMAL:
			return bind_decimal(bind, param, value);
		case CONNHUB_DATE:
			return bind_date(bind, param, value);
		case CONNHUB_TIMESTAMP:
		case CONNHUB_TIMESTAMPTZ:
			return bind_timestamp(bind, param, value);
		case CONNHUB_TIME:
		case CONNHUB_INTERVAL:
			return bind_time(bind, param, value);
		case CONNHUB_UUID:
			return bind_uuid(bind, param, value);
		case CONNHUB_BYTES:
			bind_bytes(bind, param, MYSQL_TYPE_BLOB, value->v.slice.data, value->v.slice.length);
			return NULL;
		case CONNHUB_TEXT:
		case CONNHUB_BPCHAR:
		case CONNHUB_JSON:
		case CONNHUB_NATIVE:
			bind_bytes(bind, param, MYSQL_TYPE_STRING, value->v.slice.data, value->v.slice.length);
			return NULL;
		default:
			return "of a type this driver does not send";
	}
}

enum enum_field_types
my_param_type(ConnhubType type)
{
	switch (type)
	{
		case CONNHUB_BOOL:
		case CONNHUB_INT16:
		case CONNHUB_INT32:
		case CONNHUB_INT64:
			return MYSQL_TYPE_LONGLONG;
		case CONNHUB_FLOAT32:
		case CONNHUB_FLOAT64:
			return MYSQL_TYPE_DOUBLE;
		case CONNHUB_DECIMAL:
			return MYSQL_TYPE_NEWDECIMAL;
		case CONNHUB_DATE:
			return MYSQL_TYPE_DATE;
		case CONNHUB_TIMESTAMP:
		case CONNHUB_TIMESTAMPTZ:
			return MYSQL_TYPE_DATETIME;
		case CONNHUB_TIME:
		case CONNHUB_INTERVAL:
			return MYSQL_TYPE_TIME;
		case CONNHUB_BYTES:
			return MYSQL_TYPE_BLOB;
		default:
			return MYSQL_TYPE_STRING;
	}
}
