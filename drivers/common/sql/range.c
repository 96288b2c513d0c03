/* sql/range.c — what values an integer expression can have.
 *
 * A source that computes with more bits than the type has, or with reals once an integer overflows, does not fail where
 * PostgreSQL does.  Where the operands' types and constants prove that nothing overflows, it need not. */
#include "dialect.h"

/* The least and the greatest value. */
typedef struct SqlRange
{
	int64_t		min;
	int64_t		max;
} SqlRange;

static bool integer_range(const ConnhubExpr *expr, int depth, SqlRange *range);

static bool
type_range(ConnhubType type, SqlRange *range)
{
	*range = type == CONNHUB_INT16 ? (SqlRange) {INT16_MIN, INT16_MAX} :
		type == CONNHUB_INT32 ? (SqlRange) {INT32_MIN, INT32_MAX} : (SqlRange) {INT64_MIN, INT64_MAX};
	return type == CONNHUB_INT16 || type == CONNHUB_INT32 || type == CONNHUB_INT64;
}

static bool
sum_range(const SqlRange *a, const SqlRange *b, SqlRange *range)
{
	return !__builtin_add_overflow(a->min, b->min, &range->min) && !__builtin_add_overflow(a->max, b->max, &range->max);
}

static bool
difference_range(const SqlRange *a, const SqlRange *b, SqlRange *range)
{
	return !__builtin_sub_overflow(a->min, b->max, &range->min) && !__builtin_sub_overflow(a->max, b->min, &range->max);
}

static bool
product_range(const SqlRange *a, const SqlRange *b, SqlRange *range)
{
	const int64_t left[] = {a->min, a->max};
	const int64_t right[] = {b->min, b->max};

	*range = (SqlRange) {INT64_MAX, INT64_MIN};
	for (int i = 0; i < 4; i++)
	{
		int64_t		product;

		if (__builtin_mul_overflow(left[i / 2], right[i % 2], &product))
			return false;
		range->min = product < range->min ? product : range->min;
		range->max = product > range->max ? product : range->max;
	}
	return true;
}

/* The remainder of a division by a constant. */
static bool
remainder_range(const ConnhubExpr *divisor, SqlRange *range)
{
	int64_t		value;

	if (divisor->kind != CONNHUB_EXPR_CONST || divisor->value->is_null)
		return false;
	value = divisor->value->v.integer;
	if (value == 0 || value == INT64_MIN)
		return false;
	range->max = (value < 0 ? -value : value) - 1;
	range->min = -range->max;
	return true;
}

static bool
call_range(const ConnhubExpr *expr, int depth, SqlRange *range)
{
	const SqlRange zero = {0, 0};
	SqlRange	a;
	SqlRange	b;

	if (expr->fn == CONNHUB_FN_CHAR_LENGTH || expr->fn == CONNHUB_FN_OCTET_LENGTH || expr->fn == CONNHUB_FN_STRPOS)
	{
		/* A text has fewer than 2^30 bytes here. */
		*range = (SqlRange) {0, (1 << 30) - 1};
		return true;
	}
	if (expr->fn == CONNHUB_FN_MOD && remainder_range(expr->args[1], range))
		return true;
	if (!integer_range(expr->args[0], depth + 1, &a))
		return false;
	if (expr->fn == CONNHUB_FN_CAST)
	{
		*range = a;
		return true;
	}
	if (expr->fn == CONNHUB_FN_NEG || expr->fn == CONNHUB_FN_ABS)
	{
		if (!difference_range(&zero, &a, range))
			return false;
		if (expr->fn == CONNHUB_FN_ABS)
		{
			range->max = range->max > a.max ? range->max : a.max;
			range->min = 0;
		}
		return true;
	}
	if (expr->nargs != 2 || !integer_range(expr->args[1], depth + 1, &b))
		return false;
	if (expr->fn == CONNHUB_FN_ADD)
		return sum_range(&a, &b, range);
	if (expr->fn == CONNHUB_FN_SUB)
		return difference_range(&a, &b, range);
	if (expr->fn == CONNHUB_FN_MUL)
		return product_range(&a, &b, range);
	return false;
}

/* False when the expression's type is no integer. */
static bool
integer_range(const ConnhubExpr *expr, int depth, SqlRange *range)
{
	if (depth > SQL_MAX_DEPTH)
		return false;
	if (expr->kind == CONNHUB_EXPR_CONST && !expr->value->is_null)
	{
		if (!type_range(expr->type.type, range))
			return false;
		*range = (SqlRange) {expr->value->v.integer, expr->value->v.integer};
		return true;
	}
	if (expr->kind == CONNHUB_EXPR_CALL && call_range(expr, depth, range))
		return true;
	/* What is accepted at all fits its type. */
	return type_range(expr->type.type, range);
}

bool
sql_never_overflows(const ConnhubExpr *call)
{
	SqlRange	own;
	SqlRange	range;

	return type_range(call->type.type, &own) && call_range(call, 0, &range) &&
		range.min >= own.min && range.max <= own.max;
}

bool
sql_is_constant_between(const ConnhubExpr *expr, int64_t least, int64_t most)
{
	return expr->kind == CONNHUB_EXPR_CONST && !expr->value->is_null && (SQL_T(expr->type.type) & SQL_INTEGERS) != 0 &&
		expr->value->v.integer >= least && expr->value->v.integer <= most;
}
