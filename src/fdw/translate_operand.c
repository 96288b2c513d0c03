/* fdw/translate_operand.c — operands of one type.
 *
 * Comparison and arithmetic mix types here; the ABI's operations do not.  A constant or parameter simply becomes the wider
 * type; a column is widened by a cast, which a driver may find needless. */
#include "postgres.h"

#include "datatype/timestamp.h"
#include "mb/pg_wchar.h"

#include "batch/typemap.h"
#include "fdw/translate_operand.h"
#include "request/request.h"

static int
integer_rank(ConnhubType type)
{
	return type == CONNHUB_INT16 ? 1 : type == CONNHUB_INT32 ? 2 : type == CONNHUB_INT64 ? 3 : 0;
}

static Oid
pg_type_of(ConnhubType type)
{
	ConnhubTypeRef ref = ch_typeref(type);

	return ch_typemap_pg_oid(&ref);
}

static bool
constant_fits(const ConnhubExpr *expr, ConnhubType type)
{
	int64		value;

	if (expr->value->is_null)
		return true;
	value = expr->value->v.integer;
	return type == CONNHUB_INT16 ? value >= PG_INT16_MIN && value <= PG_INT16_MAX :
		type == CONNHUB_INT32 ? value >= PG_INT32_MIN && value <= PG_INT32_MAX : true;
}

/* A constant that is the beginning of a day, or infinite. */
static bool
is_midnight(const ConnhubExpr *expr)
{
	int64		value;

	if (expr->kind != CONNHUB_EXPR_CONST || expr->type.type != CONNHUB_TIMESTAMP)
		return false;
	value = expr->value->v.integer;
	return expr->value->is_null || value == CONNHUB_INFINITY || value == CONNHUB_MINUS_INFINITY ||
		value % USECS_PER_DAY == 0;
}

/* Can dates be compared with the others as dates?  Then no column need be converted. */
static bool
all_are_days(List *args)
{
	bool		has_date = false;
	ListCell   *cell;

	foreach(cell, args)
	{
		const ConnhubExpr *arg = lfirst(cell);

		if (arg->type.type == CONNHUB_DATE)
			has_date = true;
		else if (!is_midnight(arg))
			return false;
	}
	return has_date;
}

static const ConnhubExpr *
day_of(const ConnhubExpr *midnight, const ConnhubTypeRef *date)
{
	ConnhubValue value = *midnight->value;

	value.type = *date;
	if (!value.is_null && value.v.integer != CONNHUB_INFINITY && value.v.integer != CONNHUB_MINUS_INFINITY)
		value.v.integer /= USECS_PER_DAY;
	return ch_expr_const(&value);
}

/* The operand as the type wanted, without loss. */
static const ConnhubExpr *
bring(const ConnhubExpr *expr, ConnhubType wanted, ChTranslation *t)
{
	ConnhubTypeRef ref;
	bool		same_storage = (integer_rank(expr->type.type) > 0 && integer_rank(wanted) > 0) ||
		(expr->type.type == CONNHUB_FLOAT32 && wanted == CONNHUB_FLOAT64);

	if (expr->type.type == wanted)
		return expr;
	ch_typemap_from_pg(pg_type_of(wanted), -1, &ref);
	if (wanted == CONNHUB_DATE && is_midnight(expr))
		return day_of(expr, &ref);
	if (expr->kind == CONNHUB_EXPR_CONST && same_storage)
	{
		ConnhubValue value = *expr->value;

		value.type = ref;
		return ch_expr_const(&value);
	}
	if (expr->kind == CONNHUB_EXPR_PARAM && same_storage)
	{
		const ChParam *narrow = ch_expr_param_source(expr);

		return ch_translate_candidate(narrow->expr, pg_type_of(wanted), &ref, t);
	}
	return ch_expr_call(CONNHUB_FN_CAST, &ref, NULL, list_make1((void *) expr));
}

/* The narrowest integer type that holds every operand of a comparison: a column then need not be
 * widened to be compared with a small constant. */
static ConnhubType
narrowest(List *args, ConnhubType wanted)
{
	ConnhubType type = CONNHUB_TYPE_NONE;
	ListCell   *cell;

	foreach(cell, args)
	{
		const ConnhubExpr *arg = lfirst(cell);

		if (arg->kind != CONNHUB_EXPR_CONST && integer_rank(arg->type.type) > integer_rank(type))
			type = arg->type.type;
	}
	if (type == CONNHUB_TYPE_NONE)
		return wanted;
	foreach(cell, args)
	{
		const ConnhubExpr *arg = lfirst(cell);

		if (arg->kind == CONNHUB_EXPR_CONST && !constant_fits(arg, type))
			return wanted;
	}
	return type;
}

static bool
is_comparison(ConnhubFunction fn)
{
	return (fn >= CONNHUB_FN_EQ && fn <= CONNHUB_FN_GE) || fn == CONNHUB_FN_IN || fn == CONNHUB_FN_NOT_IN ||
		fn == CONNHUB_FN_IS_DISTINCT || fn == CONNHUB_FN_IS_NOT_DISTINCT;
}

static bool
folds_case(ConnhubFunction fn)
{
	return fn == CONNHUB_FN_ILIKE || fn == CONNHUB_FN_NOT_ILIKE || fn == CONNHUB_FN_LOWER || fn == CONNHUB_FN_UPPER ||
		(fn >= CONNHUB_FN_MATCHES && fn <= CONNHUB_FN_NOT_IMATCHES);
}

static bool
is_string(const ConnhubExpr *expr)
{
	return expr->type.type == CONNHUB_TEXT || expr->type.type == CONNHUB_BPCHAR;
}

/* In a database of no encoding a character is a byte: a length, a pattern or a case differs from the source's.
 * Whole strings compare alike. */
static bool
require_characters(ConnhubFunction fn, List *args, ChTranslation *t)
{
	ListCell   *cell;

	if (is_comparison(fn) || GetDatabaseEncoding() != PG_SQL_ASCII)
		return true;
	foreach(cell, args)
	{
		if (is_string(lfirst(cell)))
		{
			(void) refuse(t, "this database has encoding SQL_ASCII, where a character is a byte");
			return false;
		}
	}
	return true;
}

/* Do all operands share one PostgreSQL type? */
static bool
require_one_type(List *args, ChTranslation *t)
{
	const ConnhubExpr *first = linitial(args);
	ListCell   *cell;

	foreach(cell, args)
	{
		const ConnhubExpr *arg = lfirst(cell);

		if (arg->type.type != first->type.type || strcmp(arg->type.pg_type, first->type.pg_type) != 0)
		{
			(void) refuse(t, psprintf("%s is compared with %s", first->type.pg_type, arg->type.pg_type));
			return false;
		}
	}
	return true;
}

const ConnhubExpr *
ch_translate_call(ConnhubFunction fn, const ChMeaning *meaning, const ConnhubTypeRef *type, Oid collation,
				  List *args, ChTranslation *t)
{
	ConnhubType operand = meaning->operand;
	List	   *brought = NIL;
	ListCell   *cell;

	if (!require_characters(fn, args, t))
		return NULL;
	if (operand == CONNHUB_TYPE_NONE)
	{
		if (!require_one_type(args, t))
			return NULL;
		brought = args;
	}
	else
	{
		if (is_comparison(fn) && integer_rank(operand) > 0)
			operand = narrowest(args, operand);
		else if (is_comparison(fn) && operand == CONNHUB_TIMESTAMP && all_are_days(args))
			operand = CONNHUB_DATE;
		foreach(cell, args)
		{
			ConnhubType other = foreach_current_index(cell) == 1 ? meaning->second :
				foreach_current_index(cell) == 2 ? meaning->third : CONNHUB_TYPE_NONE;

			brought = lappend(brought, (void *) bring(lfirst(cell), other != CONNHUB_TYPE_NONE ? other : operand, t));
		}
	}
	return ch_expr_call(fn, type, ch_collation_make(collation, folds_case(fn)), brought);
}
