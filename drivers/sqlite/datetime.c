/* datetime.c — dates and times as SQLite keeps them: ISO 8601 text, Julian days, seconds since 1970.
 *
 * Only whole forms are taken: what the library's own functions would read, years 0000 to 9999, and
 * nothing around it.  Fractions finer than a microsecond are not dropped but refused. */
#include "sqlite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DAY_US INT64_C(86400000000)

typedef struct Reader
{
	const char *at;
	const char *end;
} Reader;

/* Exactly n digits. */
static bool
read_digits(Reader *reader, int n, int *number)
{
	*number = 0;
	if (reader->end - reader->at < n)
		return false;
	for (; n > 0; n--, reader->at++)
	{
		if (*reader->at < '0' || *reader->at > '9')
			return false;
		*number = *number * 10 + (*reader->at - '0');
	}
	return true;
}

static bool
accept(Reader *reader, char c)
{
	if (reader->at == reader->end || *reader->at != c)
		return false;
	reader->at++;
	return true;
}

static int64_t
days_from_civil(int year, int month, int day)
{
	int			y = year - (month <= 2);
	int			era = (y >= 0 ? y : y - 399) / 400;
	int			year_of_era = y - era * 400;
	int			day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int			day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return (int64_t) era * 146097 + day_of_era - 719468;
}

static bool
read_date(Reader *reader, int64_t *days)
{
	static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int			year,
				month,
				day;
	bool		leap;

	if (!read_digits(reader, 4, &year) || !accept(reader, '-') ||
		!read_digits(reader, 2, &month) || !accept(reader, '-') || !read_digits(reader, 2, &day))
		return false;
	leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	if (month < 1 || month > 12 || day < 1 || day > lengths[month - 1] || (month == 2 && day == 29 && !leap))
		return false;
	*days = days_from_civil(year, month, day);
	return true;
}

/* HH:MM[:SS[.f…]] */
static bool
read_time(Reader *reader, int64_t *micros)
{
	int			hour,
				minute,
				second = 0;
	int64_t		fraction = 0;
	int64_t		unit = 100000;

	if (!read_digits(reader, 2, &hour) || !accept(reader, ':') || !read_digits(reader, 2, &minute))
		return false;
	if (accept(reader, ':'))
	{
		if (!read_digits(reader, 2, &second))
			return false;
		if (accept(reader, '.'))
		{
			int			digit;

			if (!read_digits(reader, 1, &digit))
				return false;
			do
			{
				if (unit == 0 && digit != 0)
					return false;
				fraction += digit * unit;
				unit /= 10;
			} while (read_digits(reader, 1, &digit));
		}
	}
	if (hour > 23 || minute > 59 || second > 59)
		return false;
	*micros = ((int64_t) hour * 3600 + minute * 60 + second) * 1000000 + fraction;
	return true;
}

/* Z, ±HH:MM or nothing. */
static bool
read_zone(Reader *reader, int *zone)
{
	bool		west;
	int			hours,
				minutes;

	*zone = 0;
	if (reader->at == reader->end || accept(reader, 'Z') || accept(reader, 'z'))
		return true;
	accept(reader, ' ');
	west = accept(reader, '-');
	if (!west && !accept(reader, '+'))
		return false;
	if (!read_digits(reader, 2, &hours) || !accept(reader, ':') || !read_digits(reader, 2, &minutes) ||
		hours > 15 || minutes > 59)
		return false;
	*zone = (hours * 60 + minutes) * (west ? -1 : 1);
	return true;
}

bool
sq_parse_moment(const char *text, size_t length, int64_t *days, int64_t *micros, bool *has_time,
				int *zone)
{
	Reader		reader = {text, text + length};

	*micros = 0;
	*has_time = false;
	if (!read_date(&reader, days))
		return false;
	if (accept(&reader, ' ') || accept(&reader, 'T'))
	{
		*has_time = true;
		if (!read_time(&reader, micros))
			return false;
		if (zone && !read_zone(&reader, zone))
			return false;
	}
	else if (zone)
		*zone = 0;
	return reader.at == reader.end;
}

bool
sq_parse_time(const char *text, size_t length, int64_t *micros)
{
	Reader		reader = {text, text + length};

	if (length == 8 && memcmp(text, "24:00:00", 8) == 0)
	{
		*micros = DAY_US;
		return true;
	}
	return read_time(&reader, micros) && reader.at == reader.end;
}

bool
sq_julian_to_micros(double julian, int64_t *micros)
{
	/* 1721059.5 is 0000-01-01, 5373484.5 is 10000-01-01.  The library itself counts milliseconds. */
	if (!(julian >= 1721059.5 && julian < 5373484.5))
		return false;
	*micros = (int64_t) llround((julian - 2440587.5) * 86400000.0) * 1000;
	return true;
}

bool
sq_format_date(int64_t days, char *buffer, size_t size)
{
	int64_t		shifted = days + 719468;	/* from 0000-03-01 */
	int64_t		day_of_era,
				year_of_era,
				day_of_year,
				month_from_march;
	int64_t		year;
	int			month;

	if (days < -719162 || days > 2932896)	/* 0001-01-01, 9999-12-31 */
		return false;
	day_of_era = shifted % 146097;
	year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	month_from_march = (5 * day_of_year + 2) / 153;
	month = (int) (month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
	year = year_of_era + shifted / 146097 * 400 + (month <= 2);
	snprintf(buffer, size, "%04d-%02d-%02d", (int) year, month,
			 (int) (day_of_year - (153 * month_from_march + 2) / 5 + 1));
	return true;
}

/* Fractions only as far as they go. */
bool
sq_format_time(int64_t micros, char *buffer, size_t size)
{
	int			second = (int) (micros / 1000000 % 60);
	int			fraction = (int) (micros % 1000000);
	int			length;

	if (micros < 0 || micros > DAY_US)
		return false;
	length = snprintf(buffer, size, "%02d:%02d:%02d", (int) (micros / INT64_C(3600000000)),
					  (int) (micros / 60000000 % 60), second);
	if (fraction > 0)
	{
		length += snprintf(buffer + length, size - (size_t) length, ".%06d", fraction);
		while (buffer[length - 1] == '0')
			buffer[--length] = '\0';
	}
	return true;
}

bool
sq_format_moment(int64_t micros, char *buffer, size_t size)
{
	int64_t		days = micros / DAY_US - (micros % DAY_US < 0);
	size_t		length;

	if (!sq_format_date(days, buffer, size))
		return false;
	length = strlen(buffer);
	buffer[length++] = ' ';
	return sq_format_time(micros - days * DAY_US, buffer + length, size - length);
}
