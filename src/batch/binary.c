/* batch/binary.c — PostgreSQL's binary form of a numeric → Datum, without its receive function.
 *
 * The result is a numeric as it stands on disk, in its short form: a form that cannot change without breaking every
 * database.  Only normalised values that need no rounding are taken; the receive function is asked about the rest, so
 * that its checks and errors stay its own. */
#include "postgres.h"

#include "port/pg_bswap.h"

#include "batch/binary.h"

/* Words of the binary form before its digits: their number, weight, sign, display scale. */
#define HEADER_WORDS	4
#define HEADER_BYTES	(HEADER_WORDS * sizeof(uint16))

#define DIGIT_BASE		10000
#define DIGIT_WIDTH		4		/* decimal digits in a digit of that base */
#define MAX_DIGITS		32		/* more are left to the receive function */

#define SIGN_POSITIVE	0x0000
#define SIGN_NEGATIVE	0x4000

/* The short form: one word, then the digits. */
#define SHORT_FORM			0x8000
#define SHORT_NEGATIVE		0x2000
#define SHORT_SCALE_SHIFT	7
#define SHORT_SCALE_MAX		63
#define SHORT_WEIGHT_MASK	0x7f
#define SHORT_WEIGHT_MAX	63
#define SHORT_WEIGHT_MIN	(-64)

static inline uint16
load_word(const char *data)
{
	uint16		value;

	memcpy(&value, data, sizeof(value));
	return pg_ntoh16(value);
}

/* Decimal digits before the point. */
static int
count_whole_digits(int weight, uint16 first)
{
	int			width = first >= 1000 ? 4 : first >= 100 ? 3 : first >= 10 ? 2 : 1;

	return weight * DIGIT_WIDTH + width;
}

/* Are the decimal digits behind the scale, which are cut off, all zero? */
static bool
scale_holds(int ndigits, int weight, int scale, uint16 last)
{
	static const int unit[DIGIT_WIDTH] = {1, 10, 100, 1000};
	int			excess = (ndigits - 1 - weight) * DIGIT_WIDTH - scale;

	return excess <= 0 || (excess < DIGIT_WIDTH && last % unit[excess] == 0);
}

/* The scale of a value stored under typmod; -1 when it would have to be rounded or refused. */
static int
fit_scale(int32 typmod, int weight, int scale, uint16 first)
{
	int			precision;
	int			declared;

	if (typmod < (int32) VARHDRSZ)
		return scale;
	precision = ((typmod - VARHDRSZ) >> 16) & 0xffff;
	declared = (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;
	if (scale > declared || (first != 0 && count_whole_digits(weight, first) > precision - declared))
		return -1;
	return declared;
}

bool
ch_numeric_from_binary(const char *data, Size length, int32 typmod, Datum *result)
{
	uint16		words[1 + MAX_DIGITS];
	int			ndigits;
	int			weight;
	int			scale;
	uint16		sign;
	struct varlena *numeric;
	Size		size;

	if (length < HEADER_BYTES)
		return false;
	ndigits = load_word(data);
	weight = (int16) load_word(data + 2);
	sign = load_word(data + 4);
	scale = load_word(data + 6);
	if (ndigits > MAX_DIGITS || length != HEADER_BYTES + ndigits * sizeof(uint16) ||
		(sign != SIGN_POSITIVE && sign != SIGN_NEGATIVE))
		return false;

	words[1] = 0;
	for (int i = 0; i < ndigits; i++)
	{
		words[i + 1] = load_word(data + HEADER_BYTES + i * sizeof(uint16));
		if (words[i + 1] >= DIGIT_BASE)
			return false;
	}
	if (ndigits == 0)
	{
		weight = 0;
		sign = SIGN_POSITIVE;
	}
	else if (words[1] == 0 || words[ndigits] == 0 || !scale_holds(ndigits, weight, scale, words[ndigits]))
		return false;
	if (weight < SHORT_WEIGHT_MIN || weight > SHORT_WEIGHT_MAX)
		return false;
	scale = fit_scale(typmod, weight, scale, words[1]);
	if (scale < 0 || scale > SHORT_SCALE_MAX)
		return false;

	words[0] = SHORT_FORM | (sign == SIGN_NEGATIVE ? SHORT_NEGATIVE : 0) | (scale << SHORT_SCALE_SHIFT) |
		(weight & SHORT_WEIGHT_MASK);
	size = VARHDRSZ + (1 + ndigits) * sizeof(uint16);
	numeric = palloc(size);
	SET_VARSIZE(numeric, size);
	memcpy(VARDATA(numeric), words, size - VARHDRSZ);
	*result = PointerGetDatum(numeric);
	return true;
}
