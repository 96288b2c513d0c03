/* batch/numeric.h — decimal text ↔ numeric, and the form of a numeric. */
#ifndef CH_BATCH_NUMERIC_H
#define CH_BATCH_NUMERIC_H

/* A numeric as it stands in tables, which no version may change: a length word, a header, and digits of base 10000 without
 * zeros at either end.  The header's short form is one word: a mark, the sign, the digits shown after the
 * point, and the weight of the first digit. */
#define CH_NUMERIC_BASE			10000
#define CH_NUMERIC_BASE_DIGITS	4	/* decimal digits in one of that base */
#define CH_NUMERIC_FORM_MASK	0xc000
#define CH_NUMERIC_SHORT		0x8000
#define CH_NUMERIC_NEGATIVE		0x2000
#define CH_NUMERIC_SCALE_SHIFT	7
#define CH_NUMERIC_SCALE_MAX	63
#define CH_NUMERIC_WEIGHT_MASK	0x7f
#define CH_NUMERIC_WEIGHT_MAX	63
#define CH_NUMERIC_WEIGHT_MIN	(-64)

/* The digits to be shown after the point of a value with so many before it and `scale` behind; -1 when it would have to
 * be rounded or refused under typmod (-1: none). */
static inline int
ch_numeric_fit(int32 typmod, int whole, int scale)
{
	int			precision;
	int			declared;

	if (typmod < (int32) VARHDRSZ)
		return scale;
	precision = ((typmod - VARHDRSZ) >> 16) & 0xffff;
	declared = (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;
	return scale <= declared && whole <= precision - declared ? declared : -1;
}

/* Make a numeric in the current memory context: normalised digits, a scale and a weight that the short form has room
 * for. */
static inline Datum
ch_numeric_make(bool negative, int scale, int weight, const int16 *digits, int ndigits)
{
	Size		size = VARHDRSZ + (1 + ndigits) * sizeof(int16);
	char	   *made = palloc(size);
	uint16		header = (uint16) (CH_NUMERIC_SHORT | (negative ? CH_NUMERIC_NEGATIVE : 0) |
								   (scale << CH_NUMERIC_SCALE_SHIFT) | (weight & CH_NUMERIC_WEIGHT_MASK));

	SET_VARSIZE(made, size);
	memcpy(made + VARHDRSZ, &header, sizeof(header));
	memcpy(made + VARHDRSZ + sizeof(header), digits, ndigits * sizeof(int16));
	return PointerGetDatum(made);
}

/* Make the numeric that numeric_in makes of this text and typmod (-1: none), in the current memory
 * context.  False: the text is in no plain form, or the typmod would change or refuse it. */
extern bool ch_numeric_from_text(const char *text, Size length, int32 typmod, Datum *result);

/* The text that numeric_out makes of a numeric, in the current memory context and without an end mark.  False: the
 * numeric is not in its short form. */
extern bool ch_numeric_to_text(Datum value, char **text, Size *length);

#endif
