/* expr.c — evaluates the expressions of native queries with PostgreSQL's meaning.
 *
 * Only what is listed in the function table is known.  A tree comes from parse.c and may be anything a
 * user wrote: operand types are checked here, at each evaluation. */
#include "mock.h"

#include <math.h>
#include <string.h>

typedef ConnhubStatus (*Evaluator) (const MkExpr *expr, const MkRow *row, ConnhubValue *value);

static ConnhubStatus evaluate_and_or(const MkExpr *expr, const MkRow *row, ConnhubValue *value);
static ConnhubStatus evaluate_not(const MkExpr *expr, const MkRow *row, ConnhubValue *value);
static ConnhubStatus evaluate_comparison(const MkExpr *expr, const MkRow *row, ConnhubValue *value);
static ConnhubStatus evaluate_null_test(const MkExpr *expr, const MkRow *row, ConnhubValue *value);
static ConnhubStatus evaluate_distinct(const MkExpr *expr, const MkRow *row, ConnhubValue *value);
static ConnhubStatus evaluate_truth_test(const MkExpr *expr, const MkRow *row, ConnhubValue *value);
static ConnhubStatus evaluate_in(const MkExpr *expr, const MkRow *row, ConnhubValue *value);
static ConnhubStatus evaluate_cast(const MkExpr *expr, const MkRow *row, ConnhubValue *value);

static const struct
{
	ConnhubFunction fn;
	const char *name;
	uint32_t	least;
	uint32_t	most;
	Evaluator	evaluate;
}			functions[] = {
	{CONNHUB_FN_AND, "and", 2, UINT32_MAX, evaluate_and_or},
	{CONNHUB_FN_OR, "or", 2, UINT32_MAX, evaluate_and_or},
	{CONNHUB_FN_NOT, "not", 1, 1, evaluate_not},
	{CONNHUB_FN_EQ, "=", 2, 2, evaluate_comparison},
	{CONNHUB_FN_NE, "<>", 2, 2, evaluate_comparison},
	{CONNHUB_FN_LT, "<", 2, 2, evaluate_comparison},
	{CONNHUB_FN_LE, "<=", 2, 2, evaluate_comparison},
	{CONNHUB_FN_GT, ">", 2, 2, evaluate_comparison},
	{CONNHUB_FN_GE, ">=", 2, 2, evaluate_comparison},
	{CONNHUB_FN_IS_NULL, "is null", 1, 1, evaluate_null_test},
	{CONNHUB_FN_IS_NOT_NULL, "is not null", 1, 1, evaluate_null_test},
	{CONNHUB_FN_IS_DISTINCT, "is distinct from", 2, 2, evaluate_distinct},
	{CONNHUB_FN_IS_NOT_DISTINCT, "is not distinct from", 2, 2, evaluate_distinct},
	{CONNHUB_FN_IS_TRUE, "is true", 1, 1, evaluate_truth_test},
	{CONNHUB_FN_IS_NOT_TRUE, "is not true", 1, 1, evaluate_truth_test},
	{CONNHUB_FN_IS_FALSE, "is false", 1, 1, evaluate_truth_test},
	{CONNHUB_FN_IS_NOT_FALSE, "is not false", 1, 1, evaluate_truth_test},
	{CONNHUB_FN_IN, "in", 2, UINT32_MAX, evaluate_in},
	{CONNHUB_FN_NOT_IN, "not in", 2, UINT32_MAX, evaluate_in},
	{CONNHUB_FN_CAST, "cast", 1, 1, evaluate_cast},
};

#define NFUNCTIONS (sizeof(functions) / sizeof(functions[0]))

const char *
mk_function_name(ConnhubFunction fn)
{
	size_t		i;

	for (i = 0; i < NFUNCTIONS; i++)
		if (functions[i].fn == fn)
			return functions[i].name;
	return NULL;
}

ConnhubFunction
mk_function_by_name(const char *name, size_t length)
{
	size_t		i,
				k;

	for (i = 0; i < NFUNCTIONS; i++)
	{
		if (strlen(functions[i].name) != length)
			continue;
		for (k = 0; k < length; k++)
			if (name[k] != functions[i].name[k] && !(name[k] == '_' && functions[i].name[k] == ' '))
				break;
		if (k == length)
			return functions[i].fn;
	}
	return CONNHUB_FN_NONE;
}

bool
mk_type_comparable(ConnhubType type)
{
	return type == CONNHUB_TEXT || type == CONNHUB_UUID || type == CONNHUB_BYTES ||
		(type != CONNHUB_TYPE_NONE &&
		 (mk_storage(type) == MK_INTEGER || mk_storage(type) == MK_REAL));
}

static bool
is_integer(ConnhubType type)
{
	return type == CONNHUB_INT16 || type == CONNHUB_INT32 || type == CONNHUB_INT64;
}

static bool
is_real(ConnhubType type)
{
	return type == CONNHUB_FLOAT32 || type == CONNHUB_FLOAT64;
}

bool
mk_types_match(ConnhubType a, ConnhubType b)
{
	return a == b || (is_integer(a) && is_integer(b)) || (is_real(a) && is_real(b));
}

static ConnhubStatus
wrong_operand(const MkExpr *expr, const MkRow *row)
{
	return fail_as(row->error, CONNHUB_QUERY, "function \"%s\" is not defined for these operands",
				   mk_function_name(expr->fn));
}

ConnhubStatus
mk_expr_evaluate(const MkExpr *expr, const MkRow *row, ConnhubValue *value)
{
	size_t		i;

	switch (expr->kind)
	{
		case CONNHUB_EXPR_COLUMN:
			if (mk_table_value(row->table, row->state, expr->column, row->number,
							   expr->scratch + row->side * MK_SCRATCH, value))
				return CONNHUB_OK;
			return fail_as(row->error, CONNHUB_DATA,
						   "row %" PRIu64 " of column \"%s\" cannot be represented", row->number,
						   expr->column->name);
		case CONNHUB_EXPR_CONST:
			*value = expr->value;
			return CONNHUB_OK;
		case CONNHUB_EXPR_PARAM:
			*value = row->params[expr->param];
			return CONNHUB_OK;
		default:
			break;
	}
	memset(value, 0, sizeof(*value));
	value->type.type = CONNHUB_BOOL;
	value->type.precision = -1;
	if (expr->fn == CONNHUB_FN_NONE)
	{
		value->v.integer = 1;
		return CONNHUB_OK;
	}
	for (i = 0; i < NFUNCTIONS; i++)
		if (functions[i].fn == expr->fn)
			break;
	if (i == NFUNCTIONS || expr->nargs < functions[i].least || expr->nargs > functions[i].most)
		return fail_as(row->error, CONNHUB_QUERY, "wrong number of operands");
	return functions[i].evaluate(expr, row, value);
}

int
mk_value_compare(const ConnhubValue *a, const ConnhubValue *b)
{
	if (mk_storage(a->type.type) == MK_INTEGER)
		return (a->v.integer > b->v.integer) - (a->v.integer < b->v.integer);
	if (mk_storage(a->type.type) == MK_REAL)
	{
		if (isnan(a->v.real) || isnan(b->v.real))
			return (isnan(a->v.real) != 0) - (isnan(b->v.real) != 0);
		return (a->v.real > b->v.real) - (a->v.real < b->v.real);
	}
	else
	{
		size_t		alen = a->v.slice.length;
		size_t		blen = b->v.slice.length;
		size_t		least = alen < blen ? alen : blen;
		int			order = least ? memcmp(a->v.slice.data, b->v.slice.data, least) : 0;

		return order ? order : (alen > blen) - (alen < blen);
	}
}

/* Evaluate an operand that must be boolean. */
static ConnhubStatus
evaluate_bool(const MkExpr *expr, uint32_t arg, const MkRow *row, ConnhubValue *value)
{
	ConnhubStatus status = mk_expr_evaluate(expr->args[arg], row, value);

	if (status == CONNHUB_OK && !value->is_null && value->type.type != CONNHUB_BOOL)
		return wrong_operand(expr, row);
	return status;
}

/* Evaluate two operands that must be comparable with each other. */
static ConnhubStatus
evaluate_pair(const MkExpr *expr, uint32_t second, const MkRow *row, ConnhubValue *a,
			  ConnhubValue *b)
{
	ConnhubStatus status = mk_expr_evaluate(expr->args[0], row, a);

	if (status == CONNHUB_OK)
		status = mk_expr_evaluate(expr->args[second], row, b);
	if (status == CONNHUB_OK && !a->is_null && !b->is_null &&
		(!mk_type_comparable(a->type.type) || !mk_types_match(a->type.type, b->type.type)))
		return wrong_operand(expr, row);
	return status;
}

static ConnhubStatus
evaluate_and_or(const MkExpr *expr, const MkRow *row, ConnhubValue *value)
{
	int64_t		decisive = expr->fn == CONNHUB_FN_OR;
	bool		saw_null = false;
	uint32_t	i;

	for (i = 0; i < expr->nargs; i++)
	{
		ConnhubValue operand;
		ConnhubStatus status = evaluate_bool(expr, i, row, &operand);

		if (status != CONNHUB_OK)
			return status;
		if (operand.is_null)
			saw_null = true;
		else if (operand.v.integer == decisive)
		{
			value->v.integer = decisive;
			return CONNHUB_OK;
		}
	}
	value->is_null = saw_null;
	value->v.integer = !decisive;
	return CONNHUB_OK;
}

static ConnhubStatus
evaluate_not(const MkExpr *expr, const MkRow *row, ConnhubValue *value)
{
	ConnhubStatus status = evaluate_bool(expr, 0, row, value);

	value->v.integer = !value->v.integer;
	return status;
}

static bool
holds(ConnhubFunction fn, int order)
{
	switch (fn)
	{
		case CONNHUB_FN_EQ:
			return order == 0;
		case CONNHUB_FN_NE:
			return order != 0;
		case CONNHUB_FN_LT:
			return order < 0;
		case CONNHUB_FN_LE:
			return order <= 0;
		case CONNHUB_FN_GT:
			return order > 0;
		default:
			return order >= 0;
	}
}

static ConnhubStatus
evaluate_comparison(const MkExpr *expr, const MkRow *row, ConnhubValue *value)
{
	ConnhubValue a,
				b;
	ConnhubStatus status = evaluate_pair(expr, 1, row, &a, &b);

	if (status != CONNHUB_OK)
		return status;
	if (a.is_null || b.is_null)
		value->is_null = true;
	else
		value->v.integer = holds(expr->fn, mk_value_compare(&a, &b));
	return CONNHUB_OK;
}

static ConnhubStatus
evaluate_null_test(const MkExpr *expr, const MkRow *row, ConnhubValue *value)
{
	ConnhubValue operand;
	ConnhubStatus status = mk_expr_evaluate(expr->args[0], row, &operand);

	value->v.integer = (status == CONNHUB_OK && operand.is_null) == (expr->fn == CONNHUB_FN_IS_NULL);
	return status;
}

static ConnhubStatus
evaluate_distinct(const MkExpr *expr, const MkRow *row, ConnhubValue *value)
{
	ConnhubValue a,
				b;
	ConnhubStatus status = evaluate_pair(expr, 1, row, &a, &b);
	bool		distinct;

	if (status != CONNHUB_OK)
		return status;
	if (a.is_null || b.is_null)
		distinct = a.is_null != b.is_null;
	else
		distinct = mk_value_compare(&a, &b) != 0;
	value->v.integer = distinct == (expr->fn == CONNHUB_FN_IS_DISTINCT);
	return CONNHUB_OK;
}

static ConnhubStatus
evaluate_truth_test(const MkExpr *expr, const MkRow *row, ConnhubValue *value)
{
	bool		about_true = expr->fn == CONNHUB_FN_IS_TRUE || expr->fn == CONNHUB_FN_IS_NOT_TRUE;
	bool		affirmed = expr->fn == CONNHUB_FN_IS_TRUE || expr->fn == CONNHUB_FN_IS_FALSE;
	ConnhubValue operand;
	ConnhubStatus status = evaluate_bool(expr, 0, row, &operand);

	if (status != CONNHUB_OK)
		return status;
	value->v.integer = (!operand.is_null && (operand.v.integer != 0) == about_true) == affirmed;
	return CONNHUB_OK;
}

static ConnhubStatus
evaluate_in(const MkExpr *expr, const MkRow *row, ConnhubValue *value)
{
	bool		found = false;
	uint32_t	i;

	for (i = 1; i < expr->nargs && !found; i++)
	{
		ConnhubValue a,
					b;
		ConnhubStatus status = evaluate_pair(expr, i, row, &a, &b);

		if (status != CONNHUB_OK)
			return status;
		if (a.is_null || b.is_null)
			value->is_null = true;
		else
			found = mk_value_compare(&a, &b) == 0;
	}
	if (found)
		value->is_null = false;
	value->v.integer = found == (expr->fn == CONNHUB_FN_IN);
	return CONNHUB_OK;
}

/* Between integers, or between reals: storage does not change. */
static ConnhubStatus
evaluate_cast(const MkExpr *expr, const MkRow *row, ConnhubValue *value)
{
	ConnhubStatus status = mk_expr_evaluate(expr->args[0], row, value);

	if (status != CONNHUB_OK)
		return status;
	if (!mk_types_match(value->type.type, expr->cast))
		return wrong_operand(expr, row);
	value->type.type = expr->cast;
	value->type.pg_type = NULL;
	return CONNHUB_OK;
}
