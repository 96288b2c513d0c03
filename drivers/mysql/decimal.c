/* decimal.c — digits of decimal expressions.
 *
 * The source computes with declared digits: the result of an operation has as many before and after the point as the
 * operands' types ask for, up to 65, of which 30 after the point; beyond them it rounds or fails.  PostgreSQL computes
 * with the digits of the values.  Within the source's bounds both give the same number.
 *
 * The digits after the point that are shown differ where branches of a CASE have different scales: the source fills
 * them up to the largest.  A sum of such numbers is the one exception: it differs only where all summed up are of a
 * smaller scale, by trailing zeros. */
#include <string.h>

#include "decimal.h"
#include "sql/dialect.h"

/* Digits before the point that a sum may have more than what is summed up: those of the number of rows. */
#define SUM_DIGITS	15

typedef struct MyDigits
{
	bool		known;
	int64_t		whole;			/* most digits before the point */
	int64_t		scale;			/* digits after it, as the source declares the result */
	bool		alike;			/* each value is shown with so many digits here too */
} MyDigits;

static void count_digits(const ConnhubExpr *expr, int depth, MyDigits *digits);

static void
count_constant(const ConnhubExpr *expr, MyDigits *digits)
{
	const ConnhubSlice *text = &expr->value->v.slice;
	bool		after_point = false;

	digits->known = digits->alike = true;
	if (expr->value->is_null)
		return;
	for (size_t i = 0; i < text->length; i++)
	{
		if (text->data[i] == '.')
			after_point = true;
		else if (text->data[i] >= '0' && text->data[i] <= '9' && after_point)
			digits->scale++;
		else if (text->data[i] >= '0' && text->data[i] <= '9')
			digits->whole++;
		else if (text->data[i] != '-')
			digits->known = false;
	}
}

static void
count_type(const ConnhubTypeRef *type, MyDigits *digits)
{
	static const int integers[CONNHUB_NTYPES] = {[CONNHUB_INT16] = 5,[CONNHUB_INT32] = 10,[CONNHUB_INT64] = 19};

	digits->alike = true;
	if (integers[type->type] > 0)
	{
		digits->known = true;
		digits->whole = integers[type->type];
	}
	else if (type->type == CONNHUB_DECIMAL && type->precision > 0)
	{
		digits->known = true;
		digits->whole = type->precision - type->scale;
		digits->scale = type->scale;
	}
}

/* The digits that hold either of two. */
static void
widen(MyDigits *digits, const MyDigits *other)
{
	digits->known = digits->known && other->known;
	digits->alike = digits->alike && other->alike && digits->scale == other->scale;
	digits->whole = other->whole > digits->whole ? other->whole : digits->whole;
	digits->scale = other->scale > digits->scale ? other->scale : digits->scale;
}

/* Widen by the arguments from first on, each step-th one; and by the last of an odd number (the ELSE of a CASE). */
static void
count_choice(const ConnhubExpr *expr, uint32_t first, uint32_t step, int depth, MyDigits *digits)
{
	MyDigits	other;

	count_digits(expr->args[first], depth + 1, digits);
	for (uint32_t i = first + step; i < expr->nargs; i += step)
	{
		count_digits(expr->args[i], depth + 1, &other);
		widen(digits, &other);
	}
	if (step == 2 && expr->nargs % 2 == 1)
	{
		count_digits(expr->args[expr->nargs - 1], depth + 1, &other);
		widen(digits, &other);
	}
}

static void
count_arithmetic(const ConnhubExpr *expr, int depth, MyDigits *digits)
{
	MyDigits	other;
	bool		alike;

	count_digits(expr->args[0], depth + 1, digits);
	count_digits(expr->args[1], depth + 1, &other);
	alike = digits->alike && other.alike;
	if (expr->fn == CONNHUB_FN_MUL)
	{
		digits->known = digits->known && other.known;
		digits->whole += other.whole;
		digits->scale += other.scale;
	}
	else
	{
		widen(digits, &other);
		digits->whole += expr->fn != CONNHUB_FN_MOD;
	}
	digits->alike = alike;
}

static void
count_rounding(const ConnhubExpr *expr, int depth, MyDigits *digits)
{
	int64_t		wanted = expr->nargs > 1 && expr->args[1]->kind == CONNHUB_EXPR_CONST && !expr->args[1]->value->is_null ?
		expr->args[1]->value->v.integer : 0;

	count_digits(expr->args[0], depth + 1, digits);
	if (wanted < 0)
		wanted = 0;
	digits->whole++;
	digits->alike = digits->known && wanted <= digits->scale;
	digits->scale = wanted < digits->scale ? wanted : digits->scale;
}

static void
count_call(const ConnhubExpr *expr, int depth, MyDigits *digits)
{
	switch (expr->fn)
	{
		case CONNHUB_FN_ADD:
		case CONNHUB_FN_SUB:
		case CONNHUB_FN_MUL:
		case CONNHUB_FN_MOD:
			count_arithmetic(expr, depth, digits);
			break;
		case CONNHUB_FN_NEG:
		case CONNHUB_FN_ABS:
		case CONNHUB_FN_CAST:
		case CONNHUB_FN_NULLIF:
			count_digits(expr->args[0], depth + 1, digits);
			break;
		case CONNHUB_FN_COALESCE:
		case CONNHUB_FN_GREATEST:
		case CONNHUB_FN_LEAST:
			count_choice(expr, 0, 1, depth, digits);
			break;
		case CONNHUB_FN_CASE:
			count_choice(expr, 1, 2, depth, digits);
			break;
		case CONNHUB_FN_CEIL:
		case CONNHUB_FN_FLOOR:
		case CONNHUB_FN_ROUND:
		case CONNHUB_FN_TRUNC:
			count_rounding(expr, depth, digits);
			break;
		case CONNHUB_FN_FIT:
			count_type(&expr->type, digits);
			break;
		default:
			/* Parts of dates, signs: a few digits, shown as they are here. */
			*digits = (MyDigits) {expr->fn >= CONNHUB_FN_GREATEST, 20,
				expr->fn == CONNHUB_FN_SECOND || expr->fn == CONNHUB_FN_EPOCH ? 6 : 0, true};
			break;
	}
}

/* SUM, MIN and MAX. */
static void
count_aggregate(const ConnhubExpr *expr, int depth, MyDigits *digits)
{
	count_digits(expr->args[0], depth + 1, digits);
	if (expr->fn == CONNHUB_FN_SUM)
		digits->whole += SUM_DIGITS;
}

static void
count_digits(const ConnhubExpr *expr, int depth, MyDigits *digits)
{
	memset(digits, 0, sizeof(*digits));
	if (depth > SQL_MAX_DEPTH)
		return;
	if (expr->kind == CONNHUB_EXPR_CONST && expr->type.type == CONNHUB_DECIMAL)
		count_constant(expr, digits);
	else if (expr->kind == CONNHUB_EXPR_COLUMN)
		count_type(&expr->column->natural, digits);
	else if (expr->kind == CONNHUB_EXPR_CALL && expr->type.type == CONNHUB_DECIMAL)
		count_call(expr, depth, digits);
	else if (expr->kind == CONNHUB_EXPR_AGGREGATE && expr->fn >= CONNHUB_FN_SUM && expr->fn <= CONNHUB_FN_MAX &&
			 expr->fn != CONNHUB_FN_AVG)
		count_aggregate(expr, depth, digits);
	else
		count_type(&expr->type, digits);
}

static bool
is_within_bounds(const MyDigits *digits)
{
	return digits->whole + digits->scale <= MY_DECIMAL_DIGITS && digits->scale <= MY_DECIMAL_SCALE;
}

const char *
my_decimal_refusal(const ConnhubExpr *expr)
{
	MyDigits	digits;
	MyDigits	operand;

	count_digits(expr, 0, &digits);
	if (!digits.known && expr->kind == CONNHUB_EXPR_CALL && expr->fn != CONNHUB_FN_COALESCE &&
		expr->fn != CONNHUB_FN_CASE && expr->fn != CONNHUB_FN_NULLIF)
		return "how many digits the number has is not known";
	if (digits.known && !is_within_bounds(&digits))
		return "the number has more digits than the source computes with";
	if (expr->kind != CONNHUB_EXPR_CALL || expr->fn != CONNHUB_FN_FIT)
		return NULL;
	count_digits(expr->args[0], 0, &operand);
	return operand.known && operand.whole + (operand.scale > digits.scale) <= digits.whole ? NULL :
		"a number too large for its digits is no error there";
}

bool
my_decimal_is_shown_alike(const ConnhubExpr *expr)
{
	MyDigits	digits;

	if (expr->type.type != CONNHUB_DECIMAL || expr->kind == CONNHUB_EXPR_COLUMN ||
		(expr->kind == CONNHUB_EXPR_AGGREGATE && (expr->fn == CONNHUB_FN_SUM || expr->fn == CONNHUB_FN_AVG)))
		return true;
	count_digits(expr, 0, &digits);
	return digits.known && digits.alike;
}
