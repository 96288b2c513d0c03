/* batch/binary.c — PostgreSQL's binary form of a numeric → Datum, without its receive function.
 *
 * Only normalised values that need no rounding are taken; the receive function is asked about the rest, so
 * that its checks and errors stay its own. */
#include "postgres.h"

#include "port/pg_bswap.h"

#include "batch/binary.h"
#include "batch/numeric.h"

/* Words of the binary form before its digits: their number, weight, sign, display scale. */
#define HEADER_WORDS	4
#define HEADER_BYTES	(HEADER_WORDS * sizeof(uint16))

#define MAX_DIGITS		32		/* more are left to the receive function */

#define SIGN_POSITIVE	0x0000
#define SIGN_NEGATIVE	0x4000

static inline uint16
load_word(const char *data)
{
	uint16		value;

	memcpy(&value, data, sizeof(value));
	return pg_ntoh16(value);
}

/* Decimal digits before the point. */
static int
count_whole_digits(int weight, int first)
{
	int			width = first >= 1000 ? 4 : first >= 100 ? 3 : first >= 10 ? 2 : 1;

	return weight * CH_NUMERIC_BASE_DIGITS + width;
}

/* Are the decimal digits behind the scale, which are cut off, all zero? */
static bool
scale_holds(int ndigits, int weight, int scale, int last)
{
	static const int unit[CH_NUMERIC_BASE_DIGITS] = {1, 10, 100, 1000};
	int			excess = (ndigits - 1 - weight) * CH_NUMERIC_BASE_DIGITS - scale;

	return excess <= 0 || (excess < CH_NUMERIC_BASE_DIGITS && last % unit[excess] == 0);
}

bool
ch_numeric_from_binary(const char *data, Size length, int32 typmod, Datum *result)
{
	int16		digits[MAX_DIGITS];
	int			ndigits;
	int			weight;
	int			scale;
	uint16		sign;

	if (length < HEADER_BYTES)
		return false;
	ndigits = load_word(data);
	weight = (int16) load_word(data + 2);
	sign = load_word(data + 4);
	scale = load_word(data + 6);
	if (ndigits > MAX_DIGITS || length != HEADER_BYTES + ndigits * sizeof(uint16) ||
		(sign != SIGN_POSITIVE && sign != SIGN_NEGATIVE))
		return false;

	for (int i = 0; i < ndigits; i++)
	{
		uint16		digit = load_word(data + HEADER_BYTES + i * sizeof(uint16));

		if (digit >= CH_NUMERIC_BASE)
			return false;
		digits[i] = (int16) digit;
	}
	if (ndigits == 0)
	{
		weight = 0;
		sign = SIGN_POSITIVE;
	}
	else if (digits[0] == 0 || digits[ndigits - 1] == 0 || !scale_holds(ndigits, weight, scale, digits[ndigits - 1]))
		return false;
	if (weight < CH_NUMERIC_WEIGHT_MIN || weight > CH_NUMERIC_WEIGHT_MAX)
		return false;
	scale = ch_numeric_fit(typmod, ndigits == 0 ? 0 : count_whole_digits(weight, digits[0]), scale);
	if (scale < 0 || scale > CH_NUMERIC_SCALE_MAX)
		return false;
	*result = ch_numeric_make(sign == SIGN_NEGATIVE, scale, weight, digits, ndigits);
	return true;
}
