/* batch/numeric.c — decimal text ↔ numeric.
 *
 * The general parser of the server costs more than all the rest of reading a decimal, and so does its output when one is
 * written.  Plain text is put together and taken apart here.  Only the header's short form is made; it
 * has room for what MAX_TEXT bytes can say. */
#include "postgres.h"

#include "utils/numeric.h"

#include "batch/numeric.h"

#define MAX_TEXT		64
#define WEIGHT_SIGN		0x40

typedef struct Decimal
{
	bool		negative;
	const char *whole;			/* without leading zeros */
	int			nwhole;
	const char *fraction;
	int			nfraction;
} Decimal;

static int
count_digits(const char *p, const char *end)
{
	const char *start = p;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return (int) (p - start);
}

static bool
split(const char *text, Size length, Decimal *decimal)
{
	const char *p = text;
	const char *end = text + length;
	bool		has_digits;

	if (length == 0 || length > MAX_TEXT)
		return false;
	decimal->negative = *p == '-';
	p += decimal->negative;
	decimal->whole = p;
	decimal->nwhole = count_digits(p, end);
	p += decimal->nwhole;
	has_digits = decimal->nwhole > 0;
	decimal->nfraction = 0;
	if (p < end && *p == '.')
	{
		decimal->fraction = ++p;
		decimal->nfraction = count_digits(p, end);
		p += decimal->nfraction;
		has_digits = has_digits || decimal->nfraction > 0;
	}
	for (; decimal->nwhole > 0 && *decimal->whole == '0'; decimal->nwhole--)
		decimal->whole++;
	return has_digits && p == end;
}

/* Digits of base 10000; returns how many. */
static int
collect(const Decimal *decimal, int16 *digits)
{
	int			ndigits = 0;
	int			value = 0;
	int			due = decimal->nwhole % CH_NUMERIC_BASE_DIGITS == 0 ? CH_NUMERIC_BASE_DIGITS : decimal->nwhole % CH_NUMERIC_BASE_DIGITS;

	for (int i = 0; i < decimal->nwhole; i++)
	{
		value = value * 10 + (decimal->whole[i] - '0');
		if (--due > 0)
			continue;
		digits[ndigits++] = (int16) value;
		value = 0;
		due = CH_NUMERIC_BASE_DIGITS;
	}
	due = CH_NUMERIC_BASE_DIGITS;
	for (int i = 0; i < decimal->nfraction; i++)
	{
		value = value * 10 + (decimal->fraction[i] - '0');
		if (--due > 0)
			continue;
		digits[ndigits++] = (int16) value;
		value = 0;
		due = CH_NUMERIC_BASE_DIGITS;
	}
	if (due < CH_NUMERIC_BASE_DIGITS)
	{
		for (; due > 0; due--)
			value *= 10;
		digits[ndigits++] = (int16) value;
	}
	return ndigits;
}

bool
ch_numeric_from_text(const char *text, Size length, int32 typmod, Datum *result)
{
	Decimal		decimal;
	int16		buffer[MAX_TEXT / CH_NUMERIC_BASE_DIGITS + 2];
	int16	   *digits = buffer;
	int			ndigits;
	int			scale;
	int			weight;

	if (!split(text, length, &decimal))
		return false;
	scale = ch_numeric_fit(typmod, decimal.nwhole, decimal.nfraction);
	if (scale < 0 || scale > CH_NUMERIC_SCALE_MAX)
		return false;
	ndigits = collect(&decimal, buffer);
	weight = (decimal.nwhole + CH_NUMERIC_BASE_DIGITS - 1) / CH_NUMERIC_BASE_DIGITS - 1;
	for (; ndigits > 0 && digits[0] == 0; ndigits--)
	{
		digits++;
		weight--;
	}
	while (ndigits > 0 && digits[ndigits - 1] == 0)
		ndigits--;
	if (ndigits == 0)
	{
		weight = 0;
		decimal.negative = false;
	}

	*result = ch_numeric_make(decimal.negative, scale, weight, digits, ndigits);
	return true;
}

/* The decimal digits of one of base 10000. */
static char *
put_digit(char *p, int digit)
{
	p[0] = (char) ('0' + digit / 1000);
	p[1] = (char) ('0' + digit / 100 % 10);
	p[2] = (char) ('0' + digit / 10 % 10);
	p[3] = (char) ('0' + digit % 10);
	return p + CH_NUMERIC_BASE_DIGITS;
}

/* Digits before the point: no leading zeros, but one digit at least. */
static char *
put_whole(char *p, const char *digits, int ndigits, int weight)
{
	char	   *start = p;
	int			zeros = 0;

	for (int i = 0; i <= weight; i++)
	{
		int16		digit = 0;

		if (i < ndigits)
			memcpy(&digit, digits + i * sizeof(digit), sizeof(digit));
		p = put_digit(p, digit);
	}
	while (zeros < p - start - 1 && start[zeros] == '0')
		zeros++;
	if (p == start)
		*p++ = '0';
	memmove(start, start + zeros, p - start - zeros);
	return p - zeros;
}

/* A header word, then digits, which a short varlena does not align. */
bool
ch_numeric_to_text(Datum value, char **text, Size *length)
{
	struct varlena *numeric = PG_DETOAST_DATUM_PACKED(value);
	const char *data = VARDATA_ANY(numeric);
	int			ndigits = (int) ((VARSIZE_ANY_EXHDR(numeric) - sizeof(uint16)) / sizeof(int16));
	uint16		header;
	int			weight;
	int			scale;
	char	   *p;

	memcpy(&header, data, sizeof(header));
	if ((header & CH_NUMERIC_FORM_MASK) != CH_NUMERIC_SHORT)
		return false;
	data += sizeof(header);
	scale = (header >> CH_NUMERIC_SCALE_SHIFT) & CH_NUMERIC_SCALE_MAX;
	weight = (header & WEIGHT_SIGN) ? (header & CH_NUMERIC_WEIGHT_MASK) - 2 * WEIGHT_SIGN :
		header & CH_NUMERIC_WEIGHT_MASK;
	p = *text = palloc(1 + Max(weight + 1, 1) * CH_NUMERIC_BASE_DIGITS + 1 + scale + CH_NUMERIC_BASE_DIGITS);
	if (header & CH_NUMERIC_NEGATIVE)
		*p++ = '-';
	p = put_whole(p, data, ndigits, weight);
	if (scale > 0)
	{
		char	   *point = p;

		*p++ = '.';
		for (int i = weight + 1; p - point <= scale; i++)
		{
			int16		digit = 0;

			if (i >= 0 && i < ndigits)
				memcpy(&digit, data + i * sizeof(digit), sizeof(digit));
			p = put_digit(p, digit);
		}
		p = point + 1 + scale;
	}
	*length = p - *text;
	return true;
}
