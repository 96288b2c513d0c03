/* dialect.c — what SQLite means to the shared judge and renderer.
 *
 * A column's type is a wish: unless the table is STRICT, or the column is the rowid, any value may stand in it.  Reading
 * such a value fails here, so using it fails there: a function of check.c stands around the column.  Equality with a
 * value that is sound finds only sound values, and does without.
 * An integer that overflows becomes a real, and a real infinite, without an error: arithmetic is sent for integers whose
 * range shows that they cannot.
 * Decimals are stored as integers or binary reals, and read in the shortest form that tells them apart; comparing with
 * a constant of up to 15 digits gives the same answer in both worlds, more digits may not.
 * Dates are stored as ISO text, seconds or Julian days, and rarely all in one form: filters compare whole days of
 * text, keep every number, and core checks again. */
#include "sqlite.h"

#include "sql/dialect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORDERED (SQL_NUMBERS | BOOLS | SQL_T(CONNHUB_TEXT) | SQL_T(CONNHUB_BYTES))
#define DAYS (SQL_T(CONNHUB_DATE) | SQL_T(CONNHUB_TIMESTAMP))
#define BOOLS SQL_T(CONNHUB_BOOL)

#define TEXTS SQL_T(CONNHUB_TEXT)
#define INTEGER SQL_T(CONNHUB_INT32)

#define EXACT(fn, operands, form) {fn, operands, 0, form, SQL_TEXT_UNUSED, CONNHUB_EXACT}
#define AS_DAYS CONNHUB_SUPERSET, "dates are stored as text or as numbers, and compared there by whole days"

#define WINDOW(fn, form) {fn, SQL_ANY, 0, form, SQL_TEXT_UNUSED, CONNHUB_EXACT, NULL, 32800}

static const SqlRule rules[] = {
	{CONNHUB_FN_AND, BOOLS, 0, "(%[ AND ]1)", SQL_TEXT_UNUSED, CONNHUB_EXACT},
	{CONNHUB_FN_OR, BOOLS, 0, "(%[ OR ]1)", SQL_TEXT_UNUSED, CONNHUB_EXACT},
	{CONNHUB_FN_NOT, BOOLS, 0, "(NOT %1)", SQL_TEXT_UNUSED, CONNHUB_EXACT},
	{CONNHUB_FN_IS_TRUE, BOOLS, 0, "(%1 IS TRUE)", SQL_TEXT_UNUSED, CONNHUB_EXACT},
	{CONNHUB_FN_IS_NOT_TRUE, BOOLS, 0, "(%1 IS NOT TRUE)", SQL_TEXT_UNUSED, CONNHUB_EXACT},
	{CONNHUB_FN_IS_FALSE, BOOLS, 0, "(%1 IS FALSE)", SQL_TEXT_UNUSED, CONNHUB_EXACT},
	{CONNHUB_FN_IS_NOT_FALSE, BOOLS, 0, "(%1 IS NOT FALSE)", SQL_TEXT_UNUSED, CONNHUB_EXACT},
	{CONNHUB_FN_IS_NULL, SQL_ANY, 0, "(%1 IS NULL)", SQL_TEXT_UNUSED, CONNHUB_EXACT},
	{CONNHUB_FN_IS_NOT_NULL, SQL_ANY, 0, "(%1 IS NOT NULL)", SQL_TEXT_UNUSED, CONNHUB_EXACT},

	{CONNHUB_FN_EQ, ORDERED, 0, "(%1 = %2)", SQL_TEXT_EQUALITY, CONNHUB_EXACT},
	{CONNHUB_FN_NE, ORDERED, 0, "(%1 <> %2)", SQL_TEXT_EQUALITY, CONNHUB_EXACT},
	{CONNHUB_FN_LT, ORDERED, 0, "(%1 < %2)", SQL_TEXT_RANGE, CONNHUB_EXACT},
	{CONNHUB_FN_LE, ORDERED, 0, "(%1 <= %2)", SQL_TEXT_RANGE, CONNHUB_EXACT},
	{CONNHUB_FN_GT, ORDERED, 0, "(%1 > %2)", SQL_TEXT_RANGE, CONNHUB_EXACT},
	{CONNHUB_FN_GE, ORDERED, 0, "(%1 >= %2)", SQL_TEXT_RANGE, CONNHUB_EXACT},
	{CONNHUB_FN_IS_DISTINCT, ORDERED, 0, "(%1 IS NOT %2)", SQL_TEXT_EQUALITY, CONNHUB_EXACT},
	{CONNHUB_FN_IS_NOT_DISTINCT, ORDERED, 0, "(%1 IS %2)", SQL_TEXT_EQUALITY, CONNHUB_EXACT},
	{CONNHUB_FN_IN, ORDERED, 0, "(%1 IN (%[, ]2))", SQL_TEXT_EQUALITY, CONNHUB_EXACT},
	{CONNHUB_FN_NOT_IN, ORDERED, 0, "(%1 NOT IN (%[, ]2))", SQL_TEXT_EQUALITY, CONNHUB_EXACT},

	/* '~' stands above every character that can follow a date; numbers stand below every text. */
	{CONNHUB_FN_LT, DAYS, 0, "(%1 < (%2 || '~'))", SQL_TEXT_UNUSED, AS_DAYS},
	{CONNHUB_FN_LE, DAYS, 0, "(%1 < (%2 || '~'))", SQL_TEXT_UNUSED, AS_DAYS},
	{CONNHUB_FN_GT, DAYS, 0, "(%1 >= %2 OR %1 < '')", SQL_TEXT_UNUSED, AS_DAYS},
	{CONNHUB_FN_GE, DAYS, 0, "(%1 >= %2 OR %1 < '')", SQL_TEXT_UNUSED, AS_DAYS},
	{CONNHUB_FN_EQ, DAYS, 0, "((%1 >= %2 AND %1 < (%2 || '~')) OR %1 < '')", SQL_TEXT_UNUSED, AS_DAYS},

	{CONNHUB_FN_LIKE, SQL_T(CONNHUB_TEXT), 0, "(%1 LIKE %2 ESCAPE '\\')", SQL_TEXT_PATTERN, CONNHUB_SUPERSET,
	"LIKE ignores the case of ASCII letters there"},
	{CONNHUB_FN_CAST, SQL_INTEGERS, SQL_INTEGERS | SQL_T(CONNHUB_DECIMAL), "%1", SQL_TEXT_UNUSED, CONNHUB_EXACT},
	EXACT(CONNHUB_FN_MOD, SQL_INTEGERS, "(%1 %% %2)"),
	EXACT(CONNHUB_FN_DIV, SQL_INTEGERS, "(%1 / %2)"),
	EXACT(CONNHUB_FN_ADD, SQL_INTEGERS, "(%1 + %2)"),
	EXACT(CONNHUB_FN_SUB, SQL_INTEGERS, "(%1 - %2)"),
	EXACT(CONNHUB_FN_MUL, SQL_INTEGERS, "(%1 * %2)"),
	EXACT(CONNHUB_FN_NEG, SQL_INTEGERS, "(- %1)"),
	EXACT(CONNHUB_FN_ABS, SQL_INTEGERS, "abs(%1)"),
	/* A minus sign would leave the sign of a zero alone, and so would abs. */
	EXACT(CONNHUB_FN_NEG, SQL_T(CONNHUB_FLOAT64), "(%1 * -1e0)"),
	EXACT(CONNHUB_FN_ABS, SQL_T(CONNHUB_FLOAT64), "abs(%1 + 0e0)"),
	EXACT(CONNHUB_FN_BIT_AND, SQL_INTEGERS, "(%1 & %2)"),
	EXACT(CONNHUB_FN_BIT_OR, SQL_INTEGERS, "(%1 | %2)"),
	EXACT(CONNHUB_FN_BIT_NOT, SQL_INTEGERS, "(~ %1)"),
	EXACT(CONNHUB_FN_SHIFT_RIGHT, SQL_INTEGERS, "(%1 >> %2)"),
	EXACT(CONNHUB_FN_GREATEST, SQL_INTEGERS | SQL_FLOATS, "coalesce(max(%1, %2), %1, %2)"),
	/* Of two zeros the first counts here, of min the last. */
	EXACT(CONNHUB_FN_LEAST, SQL_INTEGERS | SQL_FLOATS, "coalesce(min(%2, %1), %1, %2)"),
	EXACT(CONNHUB_FN_COALESCE, SQL_INTEGERS | SQL_FLOATS | TEXTS, "coalesce(%[, ]1)"),
	EXACT(CONNHUB_FN_NULLIF, SQL_INTEGERS | SQL_FLOATS, "nullif(%1, %2)"),
	EXACT(CONNHUB_FN_CASE, SQL_INTEGERS | SQL_FLOATS | TEXTS | BOOLS, "(CASE %c END)"),

	EXACT(CONNHUB_FN_CHAR_LENGTH, TEXTS, "length(%1)"),
	{CONNHUB_FN_LOWER, TEXTS, 0, "lower(%1)", SQL_TEXT_FOLD, CONNHUB_EXACT},
	{CONNHUB_FN_UPPER, TEXTS, 0, "upper(%1)", SQL_TEXT_FOLD, CONNHUB_EXACT},
	EXACT(CONNHUB_FN_CONCAT, TEXTS, "(%1 || %2)"),
	EXACT(CONNHUB_FN_SUBSTR, TEXTS | INTEGER, "substr(%[, ]1)"),
	EXACT(CONNHUB_FN_LEFT, TEXTS | INTEGER, "substr(%1, 1, %2)"),
	EXACT(CONNHUB_FN_RIGHT, TEXTS | INTEGER, "substr(%1, -%2)"),
	EXACT(CONNHUB_FN_STRPOS, TEXTS, "instr(%1, %2)"),
	EXACT(CONNHUB_FN_REPLACE, TEXTS, "replace(%1, %2, %3)"),
	EXACT(CONNHUB_FN_BTRIM, TEXTS, "trim(%[, ]1)"),
	EXACT(CONNHUB_FN_LTRIM, TEXTS, "ltrim(%[, ]1)"),
	EXACT(CONNHUB_FN_RTRIM, TEXTS, "rtrim(%[, ]1)"),
	{CONNHUB_FN_OCTET_LENGTH, TEXTS, 0, "length(CAST(%1 AS blob))", SQL_TEXT_UNUSED, CONNHUB_EXACT, NULL, 0, SQ_FLAG_UTF8},
	EXACT(CONNHUB_FN_OCTET_LENGTH, SQL_T(CONNHUB_BYTES), "length(%1)"),
	EXACT(CONNHUB_FN_STARTS_WITH, TEXTS, "(substr(%1, 1, length(%2)) = %2)"),
	EXACT(CONNHUB_FN_ASCII, TEXTS, "(CASE WHEN length(%1) = 0 THEN 0 ELSE unicode(%1) END)"),
	{CONNHUB_FN_CONVERT, SQL_INTEGERS, TEXTS, "CAST(%1 AS text)", SQL_TEXT_UNUSED, CONNHUB_EXACT},

	{CONNHUB_FN_COUNT_ALL, SQL_ANY, 0, "count(*)", SQL_TEXT_UNUSED, CONNHUB_EXACT},
	{CONNHUB_FN_COUNT, SQL_ANY, 0, "count(%d%1)", SQL_TEXT_UNUSED, CONNHUB_EXACT},
	{CONNHUB_FN_SUM, SQL_T(CONNHUB_INT16) | SQL_T(CONNHUB_INT32), SQL_T(CONNHUB_INT64), "sum(%d%1)", SQL_TEXT_UNUSED,
	CONNHUB_EXACT},
	{CONNHUB_FN_SUM, SQL_T(CONNHUB_INT64), SQL_T(CONNHUB_DECIMAL), "connhub_sum(%d%1)", SQL_TEXT_UNUSED, CONNHUB_EXACT},
	{CONNHUB_FN_MIN, SQL_INTEGERS | SQL_FLOATS | SQL_T(CONNHUB_TEXT), 0, "min(%1)", SQL_TEXT_SORT, CONNHUB_EXACT},
	{CONNHUB_FN_MAX, SQL_INTEGERS | SQL_FLOATS | SQL_T(CONNHUB_TEXT), 0, "max(%1)", SQL_TEXT_SORT, CONNHUB_EXACT},
	WINDOW(CONNHUB_FN_ROW_NUMBER, "row_number()"),
	WINDOW(CONNHUB_FN_RANK, "rank()"),
	WINDOW(CONNHUB_FN_DENSE_RANK, "dense_rank()"),
};

/* ---- Columns ---- */

/* In a column without TEXT affinity a number stays one, and does not equal its text. */
static const char *
column_refusal(const ConnhubSource *source, const ConnhubColumn *column, SqlColumnUse use)
{
	const char *reason = sql_column_refusal(column, use);

	if (reason || use == SQL_COLUMN_NULL_TEST)
		return reason;
	if (column->natural.type == CONNHUB_TEXT && sq_affinity(column->remote_type) != SQ_TEXT)
		return "the column holds values of any type";
	return NULL;
}

static bool
is_enforced(const ConnhubColumn *column)
{
	return column->remote_type != NULL && sq_type_is_enforced(column->remote_type);
}

/* The values of these types have one form each; a date has many, and is compared as it stands. */
static const char *
checked(const ConnhubSource *source, const ConnhubColumn *column)
{
	return is_enforced(column) ? NULL : sq_check_form(column->type.type);
}

/* Does a column below expr hold what is not checked there?  Those of a sub-select are judged with it. */
static bool
has_unchecked(const ConnhubExpr *expr)
{
	if (expr->kind == CONNHUB_EXPR_COLUMN)
		return !is_enforced(expr->column) && sq_check_form(expr->column->type.type) == NULL;
	if (expr->kind == CONNHUB_EXPR_SUBQUERY)
		return has_unchecked(expr->query->outputs[0]);
	for (uint32_t i = 0; i < expr->nargs; i++)
		if (has_unchecked(expr->args[i]))
			return true;
	return false;
}

static bool
is_known(const ConnhubExpr *expr)
{
	return expr->kind == CONNHUB_EXPR_CONST || expr->kind == CONNHUB_EXPR_PARAM;
}

static bool
has_decimal_param(const ConnhubExpr *call)
{
	uint32_t	i;

	for (i = 0; i < call->nargs; i++)
		if (call->args[i]->kind == CONNHUB_EXPR_PARAM && call->args[i]->type.type == CONNHUB_DECIMAL)
			return true;
	return false;
}

/* ---- Calls that let more rows through ---- */

static const char *
excess(const ConnhubSource *source, ConnhubFunction fn, const ConnhubExpr *expr)
{
	bool		equality = fn == CONNHUB_FN_EQ || fn == CONNHUB_FN_IN || fn == CONNHUB_FN_IS_NOT_DISTINCT;

	return equality && has_decimal_param(expr) ? "a decimal of many digits is compared as a binary number there" : NULL;
}

/* ---- Objections ---- */

/* Digits that are not leading zeros, and digits after the point. */
static void
count_digits(const ConnhubSlice *text, int *significant, int *fraction)
{
	bool		after_point = false;
	size_t		i;

	*significant = *fraction = 0;
	for (i = 0; i < text->length; i++)
	{
		if (text->data[i] == '.')
			after_point = true;
		else if (text->data[i] >= '0' && text->data[i] <= '9')
		{
			*fraction += after_point;
			if (*significant > 0 || text->data[i] != '0')
				(*significant)++;
		}
	}
}

/* Beyond these bounds the library's reading of digits may be off by one bit. */
static const char *
constant_objection(const ConnhubValue *value)
{
	if (value->is_null)
		return NULL;
	if (value->type.type == CONNHUB_DECIMAL)
	{
		int			significant,
					fraction;

		count_digits(&value->v.slice, &significant, &fraction);
		if (significant > 15 || fraction > 22)
			return "a decimal of many digits is compared as a binary number there";
	}
	else if (value->type.type == CONNHUB_FLOAT64 || value->type.type == CONNHUB_FLOAT32)
	{
		double		size = fabs(value->v.real);
		char		digits[40];

		snprintf(digits, sizeof(digits), "%.15g", value->v.real);
		if (strtod(digits, NULL) != value->v.real || (size != 0 && (size < 1e-7 || size > 1e22)))
			return "a constant of many digits may be read differently there";
	}
	return NULL;
}

/* Does the function make a new value out of those of columns? */
static bool
computes(ConnhubFunction fn)
{
	return (fn >= CONNHUB_FN_ADD && fn <= CONNHUB_FN_CHAR_LENGTH) || fn >= CONNHUB_FN_GREATEST;
}

/* Arguments under which a function does something else there. */
static const char *
computation_objection(ConnhubFunction fn, const ConnhubExpr *call)
{
	static const char reason[] = "such arguments mean something else there";
	const ConnhubExpr *const *args = call->args;

	switch (fn)
	{
		case CONNHUB_FN_MOD:
		case CONNHUB_FN_DIV:
			return sql_is_constant_between(args[1], 1, INT64_MAX) ? NULL : "division by zero is not an error there";
		case CONNHUB_FN_ADD:
		case CONNHUB_FN_SUB:
		case CONNHUB_FN_MUL:
		case CONNHUB_FN_NEG:
		case CONNHUB_FN_ABS:
			return call->type.type == CONNHUB_FLOAT64 || sql_never_overflows(call) ? NULL :
				"an integer that overflows is no error there";
		case CONNHUB_FN_SHIFT_RIGHT:
			return sql_is_constant_between(args[1], 0, 15) ||
				(call->type.type == CONNHUB_INT64 && sql_is_constant_between(args[1], 0, 63)) ? NULL : reason;
		case CONNHUB_FN_GREATEST:
		case CONNHUB_FN_LEAST:
			return call->nargs == 2 ? NULL : "with a null among its operands it is null there";
		case CONNHUB_FN_SUBSTR:
			return sql_is_constant_between(args[1], 1, INT32_MAX) &&
				(call->nargs == 2 || sql_is_constant_between(args[2], 0, INT32_MAX)) ? NULL : reason;
		case CONNHUB_FN_LEFT:
			return sql_is_constant_between(args[1], 0, INT32_MAX) ? NULL : reason;
		case CONNHUB_FN_RIGHT:
			return sql_is_constant_between(args[1], 1, INT32_MAX) ? NULL : reason;
		default:
			return NULL;
	}
}

/* A sum that may have more digits than an integer, and is text then. */
static bool
is_wide_sum(const ConnhubExpr *expr)
{
	if (expr->kind == CONNHUB_EXPR_SUBQUERY)
		return is_wide_sum(expr->query->outputs[0]);
	return (expr->kind == CONNHUB_EXPR_AGGREGATE || expr->kind == CONNHUB_EXPR_WINDOW) && expr->fn == CONNHUB_FN_SUM &&
		expr->type.type == CONNHUB_DECIMAL;
}

#define WIDE_SUM "a sum of many digits is text there"

static const char *
call_objection(ConnhubFunction fn, const ConnhubExpr *call)
{
	bool		by_days = call->nargs == 2 && (SQL_T(call->args[0]->type.type) & DAYS) != 0;

	if (fn >= CONNHUB_FN_EQ && fn <= CONNHUB_FN_GE && by_days &&
		(call->args[0]->kind != CONNHUB_EXPR_COLUMN || !is_known(call->args[1])))
		return "dates are compared there with constants only";
	for (uint32_t i = 0; i < call->nargs && sql_is_comparison(fn); i++)
		if (is_wide_sum(call->args[i]))
			return WIDE_SUM;
	if (((fn >= CONNHUB_FN_LT && fn <= CONNHUB_FN_GE) || fn == CONNHUB_FN_NE || fn == CONNHUB_FN_NOT_IN ||
		 fn == CONNHUB_FN_IS_DISTINCT) && has_decimal_param(call))
		return "a decimal of many digits is compared as a binary number there";
	if (computes(fn))
		return has_unchecked(call) ? "values of any type may stand in the column" : computation_objection(fn, call);
	if (fn == CONNHUB_FN_LIKE && call->args[1]->kind != CONNHUB_EXPR_CONST)
		return "the pattern is not a constant";
	if (fn == CONNHUB_FN_LIKE && sql_pattern_dangles(call->args[1]))
		return SQL_PATTERN_DANGLES;
	if (fn == CONNHUB_FN_LIKE && !call->args[1]->value->is_null && call->args[1]->value->v.slice.length > 50000)
		return "the pattern is too long for the source";
	return NULL;
}

static const char *
veto(const ConnhubSource *source, ConnhubFunction fn, const ConnhubExpr *expr)
{
	if (fn != CONNHUB_FN_NONE)
		return call_objection(fn, expr);
	if (is_wide_sum(expr))
		return WIDE_SUM;
	return expr->kind == CONNHUB_EXPR_CONST ? constant_objection(expr->value) : NULL;
}

/* ---- Text ---- */

/* Forms that compare by bytes whatever the column's collation is.  The plain comparison beside it lets an
 * index of that collation be used; it never excludes what is equal by bytes. */
static const struct
{
	ConnhubFunction fn;			/* NONE: a sort key */
	const char *form;
}			binary_forms[] = {
	{CONNHUB_FN_NONE, "%1 COLLATE BINARY"},
	{CONNHUB_FN_EQ, "(%1 = %2 AND %1 COLLATE BINARY = %2)"},
	{CONNHUB_FN_NE, "(%1 COLLATE BINARY <> %2)"},
	{CONNHUB_FN_LT, "(%1 COLLATE BINARY < %2)"},
	{CONNHUB_FN_LE, "(%1 COLLATE BINARY <= %2)"},
	{CONNHUB_FN_GT, "(%1 COLLATE BINARY > %2)"},
	{CONNHUB_FN_GE, "(%1 COLLATE BINARY >= %2)"},
	{CONNHUB_FN_IS_DISTINCT, "(%1 COLLATE BINARY IS NOT %2)"},
	{CONNHUB_FN_IS_NOT_DISTINCT, "(%1 COLLATE BINARY IS %2)"},
	{CONNHUB_FN_IN, "(%1 COLLATE BINARY IN (%[, ]2))"},
	{CONNHUB_FN_NOT_IN, "(%1 COLLATE BINARY NOT IN (%[, ]2))"},
	{CONNHUB_FN_MIN, "min(%1 COLLATE BINARY)"},
	{CONNHUB_FN_MAX, "max(%1 COLLATE BINARY)"},
};

static bool
is_built_in(const char *collation)
{
	return sqlite3_stricmp(collation, "NOCASE") == 0 || sqlite3_stricmp(collation, "RTRIM") == 0;
}

static void
answer_text(const ConnhubSource *source, const SqlTextQuestion *question, SqlTextAnswer *answer)
{
	bool		by_order = question->use == SQL_TEXT_RANGE || question->use == SQL_TEXT_SORT;
	const char *collation = question->column ? question->column->collation : "BINARY";
	size_t		i;

	if (question->use == SQL_TEXT_PATTERN)
	{
		answer->kind = CONNHUB_EXACT;	/* LIKE looks at no collation */
		return;
	}
	if (question->use == SQL_TEXT_FOLD)
	{
		if (question->collation->is_c)
			answer->kind = CONNHUB_EXACT;
		else
			answer->reason = "letters are folded by a locale here, and those of ASCII alone there";
		return;
	}
	if (collation == NULL)
	{
		answer->reason = "the column's collation is not known";
		return;
	}
	if (by_order && !question->collation->is_c)
	{
		answer->reason = "text is ordered by a locale here, and by bytes there";
		return;
	}
	if (by_order && (source->flags & SQ_FLAG_UTF8) == 0)
	{
		answer->reason = "text is stored as UTF-16 there, and sorts by its bytes";
		return;
	}
	if (sqlite3_stricmp(collation, "BINARY") == 0)
	{
		answer->kind = CONNHUB_EXACT;
		return;
	}
	if (!is_built_in(collation))
	{
		answer->reason = "the column's collation is not one of the library's own";
		return;
	}
	for (i = 0; i < sizeof(binary_forms) / sizeof(binary_forms[0]); i++)
		if (binary_forms[i].fn == question->fn)
		{
			answer->kind = CONNHUB_EXACT;
			answer->form = binary_forms[i].form;
		}
}

/* ---- Writing ---- */

static const char *
store(const ConnhubSource *source, const ConnhubColumn *column)
{
	return sq_store_refusal(column);
}

static bool
returns(const ConnhubSource *source, ConnhubWriteKind kind)
{
	return source->version_num >= 33500 && kind != CONNHUB_TRUNCATE;
}

/* Dates and uuids are found in the form they are written in.  A row that keeps another form is not found, which the
 * count of rows tells. */
static const char *
key(const ConnhubSource *source, const ConnhubColumn *column)
{
	bool		in_one_form = column->type.type == CONNHUB_DATE || column->type.type == CONNHUB_UUID;

	return in_one_form && column->natural.type == column->type.type ? "(%1 = %2)" : NULL;
}

static bool
is_read_only(const ConnhubSource *source)
{
	for (uint32_t i = 0; i < source->noptions; i++)
		if (strcmp(source->options[i].name, "read_only") == 0 && source->options[i].value)
			return sq_is_true(source->options[i].value);
	return true;
}

static const char *
write_refusal(const ConnhubSource *source, const ConnhubPiece *piece)
{
	if (is_read_only(source))
		return "option \"read_only\" of the connector is on";
	if (piece->kind == CONNHUB_PIECE_WRITE && !piece->write->is_plain_table)
		return "only ordinary tables are written";
	if (piece->kind == CONNHUB_PIECE_ASSIGN && has_unchecked(piece->expr))
		return "values of any type may stand in the column";
	return NULL;
}

static const SqlDialect dialect = {
	.name = "SQLite",
	.flags = SQL_NULLS_WORDS | SQL_NULLS_LOW | SQL_COLUMNS_QUALIFIED | SQL_MIXED_INTEGERS | SQL_AGGREGATE_FILTER |
	SQL_FRAME_GROUPS,
	.quote_open = '"',
	.quote_close = '"',
	.backslash = SQL_BACKSLASH_PLAIN,
	.params = SQL_PARAM_QUESTION,
	.default_schema = "main",
	.true_literal = "1",
	.false_literal = "0",
	.always = "1",
	.null_literal = "NULL",
	.full_join = 33900,
	.empty_output = "NULL",
	.limit = "LIMIT ifnull(%1, -1)",
	.offset = "OFFSET ifnull(%1, 0)",
	.offset_alone = "LIMIT -1 OFFSET ifnull(%1, 0)",
	.types = {
		[CONNHUB_BOOL] = {.encoding = SQL_BOOLEAN},
		[CONNHUB_INT16] = {.encoding = SQL_NUMBER},
		[CONNHUB_INT32] = {.encoding = SQL_NUMBER},
		[CONNHUB_INT64] = {.encoding = SQL_NUMBER},
		[CONNHUB_FLOAT32] = {.encoding = SQL_NUMBER},
		[CONNHUB_FLOAT64] = {.encoding = SQL_NUMBER},
		[CONNHUB_DECIMAL] = {.encoding = SQL_NUMBER},
		[CONNHUB_TEXT] = {.encoding = SQL_STRING},
		[CONNHUB_BYTES] = {.encoding = SQL_HEX, .literal = "x'%v'"},
		/* Years 0001 to 9999. */
		[CONNHUB_DATE] = {.encoding = SQL_STRING, .min = -719162, .max = 2932896},
		[CONNHUB_TIMESTAMP] = {.encoding = SQL_STRING, .literal = "substr(%v, 1, 10)",
		.min = INT64_C(-62135596800000000), .max = INT64_C(253402300799999999)},
	},
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.sortable = SQL_INTEGERS | SQL_FLOATS | SQL_T(CONNHUB_DECIMAL) | SQL_T(CONNHUB_BYTES) | SQL_T(CONNHUB_BOOL),
	.text = answer_text,
	.column = column_refusal,
	.veto = veto,
	.excess = excess,
	.checked = checked,
	.written = SQL_ANY & ~(SQL_T(CONNHUB_INTERVAL) | SQL_T(CONNHUB_PGBINARY)),
	.assigned = SQL_INTEGERS | BOOLS | SQL_T(CONNHUB_TEXT) | SQL_T(CONNHUB_BYTES),
	.default_row = "DEFAULT VALUES",
	.skip_conflicts = "ON CONFLICT DO NOTHING",
	.truncate = "DELETE FROM",
	.returns = returns,
	.key = key,
	.store = store,
};

void
sq_judge(const ConnhubSource *source, const ConnhubPiece *piece, ConnhubVerdict *verdict)
{
	const char *reason = NULL;

	if (piece->kind == CONNHUB_PIECE_WRITE || piece->kind == CONNHUB_PIECE_ASSIGN)
		reason = write_refusal(source, piece);
	if (reason == NULL)
	{
		sql_judge(&dialect, source, piece, verdict);
		return;
	}
	verdict->kind = CONNHUB_REFUSE;
	snprintf(verdict->reason, sizeof(verdict->reason), "%s", reason);
}

ConnhubStatus
sq_render(const ConnhubSource *source, const ConnhubRequest *request, ConnhubText *out,
		  ConnhubError *error)
{
	return sql_render(&dialect, sq_host, source, request, out, error);
}

ConnhubStatus
sq_render_write(const ConnhubSource *source, const ConnhubWrite *write, ConnhubText *out, ConnhubError *error)
{
	return sql_render_write(&dialect, sq_host, source, write, out, error);
}

ConnhubStatus
sq_render_modify(const ConnhubSource *source, const ConnhubModify *modify, ConnhubText *out, ConnhubError *error)
{
	return sql_render_modify(&dialect, sq_host, source, modify, out, error);
}
