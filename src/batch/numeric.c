/* batch/numeric.c — decimal text ↔ numeric.
 *
 * The general parser of the server costs more than all the rest of reading a decimal, and so does its output when one is
 * written.  Plain text is put together and taken apart here, in the form numerics have in tables, which no version may change: a length word, a
 * header, and digits of base 10000 without zeros at either end.  Only the header's short form is made; it
 * has room for what MAX_TEXT bytes can say. */
#include "postgres.h"

#include "utils/numeric.h"

#include "batch/numeric.h"

#define MAX_TEXT		64
#define BASE_DIGITS		4		/* decimal digits in one of base 10000 */

/* The short header: a mark, the sign, the digits shown after the point, and the weight of the first digit. */
#define SHORT_MARK			0x8000
#define SHORT_NEGATIVE		0x2000
#define SHORT_SCALE_SHIFT	7
#define SHORT_MAX_SCALE		63
#define SHORT_SCALE_MASK	0x3f
#define SHORT_WEIGHT_MASK	0x7f
#define SHORT_WEIGHT_SIGN	0x40
#define FORM_MASK			0xc000

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

/* Digits shown after the point, or -1 when the modifier would change or refuse the value. */
static int
shown_scale(const Decimal *decimal, int32 typmod)
{
	int			precision;
	int			scale;

	if (typmod < (int32) VARHDRSZ)
		return decimal->nfraction;
	precision = ((typmod - VARHDRSZ) >> 16) & 0xffff;
	scale = (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;
	return decimal->nfraction <= scale && decimal->nwhole <= precision - scale ? scale : -1;
}

/* Digits of base 10000; returns how many. */
static int
collect(const Decimal *decimal, int16 *digits)
{
	int			ndigits = 0;
	int			value = 0;
	int			due = decimal->nwhole % BASE_DIGITS == 0 ? BASE_DIGITS : decimal->nwhole % BASE_DIGITS;

	for (int i = 0; i < decimal->nwhole; i++)
	{
		value = value * 10 + (decimal->whole[i] - '0');
		if (--due > 0)
			continue;
		digits[ndigits++] = (int16) value;
		value = 0;
		due = BASE_DIGITS;
	}
	due = BASE_DIGITS;
	for (int i = 0; i < decimal->nfraction; i++)
	{
		value = value * 10 + (decimal->fraction[i] - '0');
		if (--due > 0)
			continue;
		digits[ndigits++] = (int16) value;
		value = 0;
		due = BASE_DIGITS;
	}
	if (due < BASE_DIGITS)
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
	int16		buffer[MAX_TEXT / BASE_DIGITS + 2];
	int16	   *digits = buffer;
	int			ndigits;
	int			scale;
	int			weight;
	uint16		header;
	Size		size;
	char	   *made;

	if (!split(text, length, &decimal))
		return false;
	scale = shown_scale(&decimal, typmod);
	if (scale < 0 || scale > SHORT_MAX_SCALE)
		return false;
	ndigits = collect(&decimal, buffer);
	weight = (decimal.nwhole + BASE_DIGITS - 1) / BASE_DIGITS - 1;
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

	header = (uint16) (SHORT_MARK | (decimal.negative ? SHORT_NEGATIVE : 0) | (scale << SHORT_SCALE_SHIFT) |
					   (weight & SHORT_WEIGHT_MASK));
	size = VARHDRSZ + sizeof(header) + ndigits * sizeof(int16);
	made = palloc(size);
	SET_VARSIZE(made, size);
	memcpy(made + VARHDRSZ, &header, sizeof(header));
	memcpy(made + VARHDRSZ + sizeof(header), digits, ndigits * sizeof(int16));
	*result = PointerGetDatum(made);
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
	return p + BASE_DIGITS;
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
	if ((header & FORM_MASK) != SHORT_MARK)
		return false;
	data += sizeof(header);
	scale = (header >> SHORT_SCALE_SHIFT) & SHORT_SCALE_MASK;
	weight = (header & SHORT_WEIGHT_SIGN) ? (header & SHORT_WEIGHT_MASK) - 2 * SHORT_WEIGHT_SIGN :
		header & SHORT_WEIGHT_MASK;
	p = *text = palloc(1 + Max(weight + 1, 1) * BASE_DIGITS + 1 + scale + BASE_DIGITS);
	if (header & SHORT_NEGATIVE)
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
