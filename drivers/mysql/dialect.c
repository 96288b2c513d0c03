/* dialect.c — this family's SQL, for the shared judge and renderer.
 *
 * Assumes the session that conn.c sets up: utf8mb4, UTC, a backslash that means nothing in a literal,
 * subtraction of unsigned numbers that may be negative.
 *
 * Text.  A collation of this family may take 'a' for 'A' and ignores trailing spaces; here equality is
 * equality of bytes.  So each comparison is made on UTF-8 bytes.  Where an index can help, the plain
 * comparison stands before it: identical strings are equal under every collation, so it lets through
 * at least the right rows, and the bytes decide.
 *
 * Arithmetic.  The source computes with 64 bits whatever the width of the operands, so only bigint
 * overflows where it does here, and the others are sent where they cannot overflow; a division by zero is null there
 * and an error here.  Decimals are exact within the digits of decimal.c.
 *
 * Dates.  One with a zero month or day sorts before all others there and cannot be read here.  What
 * could let such a row through is a superset: reading the column for the recheck raises the error.  A function of
 * such a date fails there as reading it would here.  A date past the year 9999 is null there, so nothing is added to
 * dates. */
#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "decimal.h"
#include "dialect.h"
#include "fit.h"
#include "types.h"

#define BYTES_OF(n)		"CAST(CONVERT(%" #n " USING utf8mb4) AS BINARY)"
#define OWN_BYTES_OF(n)	"CAST(%" #n " AS BINARY)"	/* of text in UTF-8 already */
#define POINTS_OF(n)	"CONVERT(%" #n " USING utf8mb4) COLLATE utf8mb4_bin"

/* The source sorts long text by its first 1024 bytes only. */
#define MAX_SORT_CHARACTERS		255

/* Longest text a function is given a free hand with: what it makes must stay below max_allowed_packet. */
#define MAX_FILL				1000
#define MAX_REPLACEMENT			100

#define DAY_0001_01_01		INT64_C(-719162)
#define DAY_9999_12_31		INT64_C(2932896)
#define MICROS_PER_DAY		INT64_C(86400000000)

#define DATES		(SQL_T(CONNHUB_DATE) | SQL_T(CONNHUB_TIMESTAMP) | SQL_T(CONNHUB_TIMESTAMPTZ))
#define BOOLS		SQL_T(CONNHUB_BOOL)
#define EXACTS		(SQL_INTEGERS | SQL_T(CONNHUB_DECIMAL))
#define ORDERED		(SQL_NUMBERS | BOOLS | SQL_T(CONNHUB_BYTES))
#define IDENTIFIED	(ORDERED | DATES | SQL_T(CONNHUB_UUID))
#define BIGINTS		SQL_T(CONNHUB_INT64)
#define DOUBLES		SQL_T(CONNHUB_FLOAT64)
#define TEXTS		SQL_T(CONNHUB_TEXT)

#define DECIMALS	SQL_T(CONNHUB_DECIMAL)
#define INTEGER		SQL_T(CONNHUB_INT32)
#define CALENDAR	(SQL_T(CONNHUB_DATE) | SQL_T(CONNHUB_TIMESTAMP))
#define CLOCK		SQL_T(CONNHUB_TIMESTAMP)

/* 0, or an overflow of bigint where date n has a zero for year, month or day.  It stands first: the source does not go on
 * once an operand is null. */
#define NO_ZERO(n) \
	"0 * (9223372036854775807 + (YEAR(%" #n ") = 0 OR MONTH(%" #n ") = 0 OR DAYOFMONTH(%" #n ") = 0))"
#define PART(form)		"(" NO_ZERO(1) " + " form ")"
#define TRUNCATED(form)	"IF(" NO_ZERO(1) " = 0, CAST(" form " AS DATETIME), NULL)"
/* A comparison that a date with a zero could meet: reading such a date would be an error here, and is one there.  What is
 * sent from here has none. */
#define DATED(op)		"(%1 " op " %2%{1 AND " NO_ZERO(1) " = 0%}%{2 AND " NO_ZERO(2) " = 0%})"
#define UTF8_OF(n)		"CONVERT(%" #n " USING utf8mb4)"

#define EXACT(fn, operands, form)		{fn, operands, 0, form, SQL_TEXT_UNUSED, CONNHUB_EXACT, NULL, 0, 0, NULL}
#define TEXTUAL(fn, use)				{fn, TEXTS, 0, "%1", use, CONNHUB_EXACT, NULL, 0, 0, NULL}
#define SUPERSET(fn, operands, form, reason) \
	{fn, operands, 0, form, SQL_TEXT_UNUSED, CONNHUB_SUPERSET, reason, 0, 0, NULL}
#define CONVERT(operands, result, form) \
	{CONNHUB_FN_CAST, operands, result, form, SQL_TEXT_UNUSED, CONNHUB_EXACT, NULL, 0, 0, NULL}

#define AGGREGATE(fn, operands, result, form) \
	{fn, operands, result, form, SQL_TEXT_UNUSED, CONNHUB_EXACT, NULL, 0, 0, NULL}
#define WINDOW(fn, form) \
	{fn, SQL_ANY, 0, form, SQL_TEXT_UNUSED, CONNHUB_EXACT, NULL, 100200, 0, "MariaDB"}, \
	{fn, SQL_ANY, 0, form, SQL_TEXT_UNUSED, CONNHUB_EXACT, NULL, 80000, 0, "MySQL"}

static const SqlRule rules[] = {
	EXACT(CONNHUB_FN_AND, BOOLS, "(%[ AND ]1)"),
	EXACT(CONNHUB_FN_OR, BOOLS, "(%[ OR ]1)"),
	EXACT(CONNHUB_FN_NOT, BOOLS, "(NOT %1)"),
	EXACT(CONNHUB_FN_IS_TRUE, BOOLS, "(%1 IS TRUE)"),
	EXACT(CONNHUB_FN_IS_NOT_TRUE, BOOLS, "(%1 IS NOT TRUE)"),
	EXACT(CONNHUB_FN_IS_FALSE, BOOLS, "(%1 IS FALSE)"),
	EXACT(CONNHUB_FN_IS_NOT_FALSE, BOOLS, "(%1 IS NOT FALSE)"),
	EXACT(CONNHUB_FN_IS_NULL, SQL_ANY, "(%1 IS NULL)"),
	EXACT(CONNHUB_FN_IS_NOT_NULL, SQL_ANY, "(%1 IS NOT NULL)"),

	EXACT(CONNHUB_FN_EQ, IDENTIFIED, "(%1 = %2)"),
	EXACT(CONNHUB_FN_NE, ORDERED | SQL_T(CONNHUB_UUID), "(%1 <> %2)"),
	EXACT(CONNHUB_FN_NE, DATES, DATED("<>")),
	EXACT(CONNHUB_FN_LT, ORDERED, "(%1 < %2)"),
	EXACT(CONNHUB_FN_LE, ORDERED, "(%1 <= %2)"),
	EXACT(CONNHUB_FN_GT, ORDERED, "(%1 > %2)"),
	EXACT(CONNHUB_FN_GE, ORDERED, "(%1 >= %2)"),
	EXACT(CONNHUB_FN_LT, DATES, DATED("<")),
	EXACT(CONNHUB_FN_LE, DATES, DATED("<=")),
	EXACT(CONNHUB_FN_GT, DATES, DATED(">")),
	EXACT(CONNHUB_FN_GE, DATES, DATED(">=")),
	EXACT(CONNHUB_FN_IS_DISTINCT, ORDERED | SQL_T(CONNHUB_UUID), "(NOT (%1 <=> %2))"),
	EXACT(CONNHUB_FN_IS_NOT_DISTINCT, IDENTIFIED, "(%1 <=> %2)"),
	EXACT(CONNHUB_FN_IN, IDENTIFIED, "(%1 IN (%[, ]2))"),
	EXACT(CONNHUB_FN_NOT_IN, ORDERED | SQL_T(CONNHUB_UUID), "(%1 NOT IN (%[, ]2))"),

	TEXTUAL(CONNHUB_FN_EQ, SQL_TEXT_EQUALITY),
	TEXTUAL(CONNHUB_FN_NE, SQL_TEXT_EQUALITY),
	TEXTUAL(CONNHUB_FN_IS_DISTINCT, SQL_TEXT_EQUALITY),
	TEXTUAL(CONNHUB_FN_IS_NOT_DISTINCT, SQL_TEXT_EQUALITY),
	TEXTUAL(CONNHUB_FN_IN, SQL_TEXT_EQUALITY),
	TEXTUAL(CONNHUB_FN_NOT_IN, SQL_TEXT_EQUALITY),
	TEXTUAL(CONNHUB_FN_LT, SQL_TEXT_RANGE),
	TEXTUAL(CONNHUB_FN_LE, SQL_TEXT_RANGE),
	TEXTUAL(CONNHUB_FN_GT, SQL_TEXT_RANGE),
	TEXTUAL(CONNHUB_FN_GE, SQL_TEXT_RANGE),
	TEXTUAL(CONNHUB_FN_LIKE, SQL_TEXT_PATTERN),
	TEXTUAL(CONNHUB_FN_NOT_LIKE, SQL_TEXT_PATTERN),
	EXACT(CONNHUB_FN_CHAR_LENGTH, TEXTS, "CHAR_LENGTH(%1)"),

	EXACT(CONNHUB_FN_CONCAT, TEXTS, "CONCAT(" UTF8_OF(1) ", " UTF8_OF(2) ")"),
	EXACT(CONNHUB_FN_SUBSTR, TEXTS | INTEGER, "SUBSTRING(%[, ]1)"),
	EXACT(CONNHUB_FN_LEFT, TEXTS | INTEGER, "LEFT(%1, %2)"),
	EXACT(CONNHUB_FN_RIGHT, TEXTS | INTEGER, "RIGHT(%1, %2)"),
	EXACT(CONNHUB_FN_STRPOS, TEXTS, "LOCATE(" POINTS_OF(2) ", " POINTS_OF(1) ")"),
	EXACT(CONNHUB_FN_REPLACE, TEXTS, "REPLACE(" POINTS_OF(1) ", " POINTS_OF(2) ", " POINTS_OF(3) ")"),
	EXACT(CONNHUB_FN_BTRIM, TEXTS, "TRIM(%1)"),
	EXACT(CONNHUB_FN_LTRIM, TEXTS, "LTRIM(%1)"),
	EXACT(CONNHUB_FN_RTRIM, TEXTS, "RTRIM(%1)"),
	EXACT(CONNHUB_FN_LPAD, TEXTS | INTEGER, "LPAD(" UTF8_OF(1) ", %2, " UTF8_OF(3) ")"),
	EXACT(CONNHUB_FN_RPAD, TEXTS | INTEGER, "RPAD(" UTF8_OF(1) ", %2, " UTF8_OF(3) ")"),
	EXACT(CONNHUB_FN_REVERSE, TEXTS, "REVERSE(%1)"),
	EXACT(CONNHUB_FN_OCTET_LENGTH, TEXTS, "LENGTH(" UTF8_OF(1) ")"),
	EXACT(CONNHUB_FN_OCTET_LENGTH, SQL_T(CONNHUB_BYTES), "LENGTH(%1)"),
	EXACT(CONNHUB_FN_STARTS_WITH, TEXTS,
		  "(CAST(LEFT(" UTF8_OF(1) ", CHAR_LENGTH(%2)) AS BINARY) = " BYTES_OF(2) ")"),
	EXACT(CONNHUB_FN_ASCII, TEXTS, "ORD(CONVERT(%1 USING utf32))"),

	EXACT(CONNHUB_FN_ADD, SQL_INTEGERS | DOUBLES, "(%1 + %2)"),
	EXACT(CONNHUB_FN_SUB, SQL_INTEGERS | DOUBLES, "(%1 - %2)"),
	EXACT(CONNHUB_FN_MUL, SQL_INTEGERS, "(%1 * %2)"),
	EXACT(CONNHUB_FN_ADD, DECIMALS, "(%1 + %2)"),
	EXACT(CONNHUB_FN_SUB, DECIMALS, "(%1 - %2)"),
	EXACT(CONNHUB_FN_MUL, DECIMALS, "(%1 * %2)"),
	EXACT(CONNHUB_FN_DIV, SQL_INTEGERS, "(%1 DIV %2)"),
	EXACT(CONNHUB_FN_MOD, SQL_INTEGERS, "(%1 %% %2)"),
	/* A decimal remainder may be a negative zero there, which differs from zero until something is added. */
	EXACT(CONNHUB_FN_MOD, EXACTS, "(%1 %% %2 + 0)"),
	EXACT(CONNHUB_FN_NEG, SQL_INTEGERS | DOUBLES | DECIMALS, "(- %1)"),
	EXACT(CONNHUB_FN_ABS, SQL_INTEGERS | DOUBLES | DECIMALS, "ABS(%1)"),
	/* Not of reals: a large one is cut to the width of a temporary table's column when rows are grouped by it. */
	EXACT(CONNHUB_FN_CEIL, DECIMALS, "CEILING(%1)"),
	EXACT(CONNHUB_FN_FLOOR, DECIMALS, "FLOOR(%1)"),
	EXACT(CONNHUB_FN_ROUND, DECIMALS | INTEGER, "ROUND(%[, ]1)"),
	EXACT(CONNHUB_FN_TRUNC, DECIMALS | INTEGER, "TRUNCATE(%1, %2)"),
	EXACT(CONNHUB_FN_SIGN, DECIMALS | DOUBLES, "SIGN(%1)"),
	EXACT(CONNHUB_FN_FIT, DECIMALS | INTEGER, "CAST(%1 AS DECIMAL(%2, %3))"),
	EXACT(CONNHUB_FN_BIT_AND, SQL_INTEGERS, "CAST((%1 & %2) AS SIGNED)"),
	EXACT(CONNHUB_FN_BIT_OR, SQL_INTEGERS, "CAST((%1 | %2) AS SIGNED)"),
	EXACT(CONNHUB_FN_BIT_XOR, SQL_INTEGERS, "CAST((%1 ^ %2) AS SIGNED)"),
	EXACT(CONNHUB_FN_BIT_NOT, SQL_INTEGERS, "CAST((~ %1) AS SIGNED)"),
	EXACT(CONNHUB_FN_GREATEST, EXACTS | DOUBLES, "COALESCE(GREATEST(%1, %2), %1, %2)"),
	EXACT(CONNHUB_FN_LEAST, EXACTS | DOUBLES, "COALESCE(LEAST(%1, %2), %1, %2)"),

	EXACT(CONNHUB_FN_DATE_DIFF, SQL_T(CONNHUB_DATE), "(" NO_ZERO(1) " + " NO_ZERO(2) " + DATEDIFF(%1, %2))"),
	EXACT(CONNHUB_FN_YEAR, CALENDAR, PART("YEAR(%1)")),
	EXACT(CONNHUB_FN_QUARTER, CALENDAR, PART("QUARTER(%1)")),
	EXACT(CONNHUB_FN_MONTH, CALENDAR, PART("MONTH(%1)")),
	EXACT(CONNHUB_FN_WEEK, CALENDAR, PART("WEEK(%1, 3)")),
	EXACT(CONNHUB_FN_DAY, CALENDAR, PART("DAYOFMONTH(%1)")),
	EXACT(CONNHUB_FN_DOW, CALENDAR, PART("DAYOFWEEK(%1) - 1")),
	EXACT(CONNHUB_FN_ISODOW, CALENDAR, PART("WEEKDAY(%1) + 1")),
	EXACT(CONNHUB_FN_DOY, CALENDAR, PART("DAYOFYEAR(%1)")),
	EXACT(CONNHUB_FN_HOUR, CLOCK, PART("HOUR(%1)")),
	EXACT(CONNHUB_FN_MINUTE, CLOCK, PART("MINUTE(%1)")),
	EXACT(CONNHUB_FN_SECOND, CLOCK, PART("SECOND(%1) + MICROSECOND(%1) * 0.000001")),
	EXACT(CONNHUB_FN_EPOCH, SQL_T(CONNHUB_DATE), PART("DATEDIFF(%1, DATE'1970-01-01') * 86400")),
	EXACT(CONNHUB_FN_EPOCH, CLOCK | SQL_T(CONNHUB_TIMESTAMPTZ),
		  PART("TIMESTAMPDIFF(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', %1) * 0.000001")),
	EXACT(CONNHUB_FN_TRUNC_YEAR, CLOCK, TRUNCATED("DATE_FORMAT(%1, '%%Y-01-01')")),
	EXACT(CONNHUB_FN_TRUNC_QUARTER, CLOCK,
		  TRUNCATED("CONCAT(DATE_FORMAT(%1, '%%Y-'), LPAD(QUARTER(%1) * 3 - 2, 2, '0'), '-01')")),
	EXACT(CONNHUB_FN_TRUNC_MONTH, CLOCK, TRUNCATED("DATE_FORMAT(%1, '%%Y-%%m-01')")),
	EXACT(CONNHUB_FN_TRUNC_WEEK, CLOCK, TRUNCATED("DATE(%1) - INTERVAL WEEKDAY(%1) DAY")),
	EXACT(CONNHUB_FN_TRUNC_DAY, CLOCK, TRUNCATED("DATE(%1)")),
	EXACT(CONNHUB_FN_TRUNC_HOUR, CLOCK, TRUNCATED("DATE_FORMAT(%1, '%%Y-%%m-%%d %%H:00:00')")),
	EXACT(CONNHUB_FN_TRUNC_MINUTE, CLOCK, TRUNCATED("DATE_FORMAT(%1, '%%Y-%%m-%%d %%H:%%i:00')")),
	EXACT(CONNHUB_FN_TRUNC_SECOND, CLOCK, TRUNCATED("DATE_FORMAT(%1, '%%Y-%%m-%%d %%H:%%i:%%s')")),
	EXACT(CONNHUB_FN_AT_UTC, CLOCK | SQL_T(CONNHUB_TIMESTAMPTZ), "%1"),
	{CONNHUB_FN_CONVERT, CLOCK, SQL_T(CONNHUB_DATE), "IF(" NO_ZERO(1) " = 0, DATE(%1), NULL)"},

	EXACT(CONNHUB_FN_COALESCE, EXACTS | DOUBLES, "COALESCE(%[, ]1)"),
	EXACT(CONNHUB_FN_NULLIF, EXACTS | DOUBLES, "NULLIF(%1, %2)"),
	EXACT(CONNHUB_FN_CASE, EXACTS | DOUBLES | BOOLS, "(CASE %c END)"),

	CONVERT(SQL_INTEGERS, SQL_INTEGERS, "%1"),
	/* As the integer it is, it would be looked up by a decimal parameter without its fraction. */
	CONVERT(SQL_T(CONNHUB_INT16), DECIMALS, "CAST(%1 AS DECIMAL(5))"),
	CONVERT(SQL_T(CONNHUB_INT32), DECIMALS, "CAST(%1 AS DECIMAL(10))"),
	CONVERT(SQL_T(CONNHUB_INT64), DECIMALS, "CAST(%1 AS DECIMAL(20))"),
	CONVERT(DECIMALS, DECIMALS, "%1"),
	CONVERT(TEXTS, TEXTS, "%1"),
	CONVERT(SQL_FLOATS, DOUBLES, "%1"),

	EXACT(CONNHUB_FN_COUNT_ALL, SQL_ANY, "COUNT(*)"),
	EXACT(CONNHUB_FN_COUNT, SQL_ANY, "COUNT(%d%1)"),
	/* A sum of integers is a decimal there. */
	AGGREGATE(CONNHUB_FN_SUM, SQL_T(CONNHUB_INT16) | SQL_T(CONNHUB_INT32), SQL_T(CONNHUB_INT64),
			  "CAST(SUM(%d%1)%w AS SIGNED)"),
	AGGREGATE(CONNHUB_FN_SUM, EXACTS, SQL_T(CONNHUB_DECIMAL), "SUM(%d%1)"),
	EXACT(CONNHUB_FN_MIN, SQL_NUMBERS | DATES, "MIN(%1)"),
	EXACT(CONNHUB_FN_MAX, SQL_NUMBERS | DATES, "MAX(%1)"),
	TEXTUAL(CONNHUB_FN_MIN, SQL_TEXT_SORT),
	TEXTUAL(CONNHUB_FN_MAX, SQL_TEXT_SORT),
	WINDOW(CONNHUB_FN_ROW_NUMBER, "ROW_NUMBER()"),
	WINDOW(CONNHUB_FN_RANK, "RANK()"),
	WINDOW(CONNHUB_FN_DENSE_RANK, "DENSE_RANK()")
};

/* ---- Text -------------------------------------------------------------------------------- */

/* The column's own comparison serves an index.  It needs an operand the column's character set can
 * take in: every one can be put into utf8mb4; what latin1 lacks becomes a question mark, and equals
 * nothing in the column then, as it should; other sets do without. */
typedef struct MyTextForm
{
	ConnhubFunction fn;
	const char *utf8;			/* the column's character set is utf8mb4 or utf8mb3 */
	const char *latin1;			/* NULL here and above: as plain */
	const char *plain;
} MyTextForm;

#define EQUAL(op)		"(" BYTES_OF(1) " " op " " BYTES_OF(2) ")"
#define OWN_EQUAL(op)	"(" OWN_BYTES_OF(1) " " op " " OWN_BYTES_OF(2) ")"
#define LIKE(op)		POINTS_OF(1) " " op " " POINTS_OF(2) " ESCAPE '\\'"
#define LATIN1(n)		"CONVERT(%" #n " USING latin1)"

static const MyTextForm text_forms[] = {
	{CONNHUB_FN_EQ, "(%1 = %2 AND " OWN_EQUAL("=") ")", "(%1 = " LATIN1(2) " AND " EQUAL("=") ")", EQUAL("=")},
	{CONNHUB_FN_NE, OWN_EQUAL("<>"), NULL, EQUAL("<>")},
	{CONNHUB_FN_IS_DISTINCT, "(NOT " OWN_EQUAL("<=>") ")", NULL, "(NOT " EQUAL("<=>") ")"},
	{CONNHUB_FN_IS_NOT_DISTINCT, "(%1 <=> %2 AND " OWN_EQUAL("<=>") ")",
	"(%1 <=> " LATIN1(2) " AND " EQUAL("<=>") ")", EQUAL("<=>")},
	{CONNHUB_FN_IN, "(%1 IN (%[, ]2) AND " OWN_BYTES_OF(1) " IN (%[, ]2))", NULL, "(" BYTES_OF(1) " IN (%[, ]2))"},
	{CONNHUB_FN_NOT_IN, "(" OWN_BYTES_OF(1) " NOT IN (%[, ]2))", NULL, "(" BYTES_OF(1) " NOT IN (%[, ]2))"},
	{CONNHUB_FN_LT, OWN_EQUAL("<"), NULL, EQUAL("<")},
	{CONNHUB_FN_LE, OWN_EQUAL("<="), NULL, EQUAL("<=")},
	{CONNHUB_FN_GT, OWN_EQUAL(">"), NULL, EQUAL(">")},
	{CONNHUB_FN_GE, OWN_EQUAL(">="), NULL, EQUAL(">=")},
	{CONNHUB_FN_LIKE, "(%1 LIKE %2 ESCAPE '\\' AND " LIKE("LIKE") ")",
	"(%1 LIKE " LATIN1(2) " ESCAPE '\\' AND " LIKE("LIKE") ")", "(" LIKE("LIKE") ")"},
	{CONNHUB_FN_NOT_LIKE, NULL, NULL, "(" LIKE("NOT LIKE") ")"},
	{CONNHUB_FN_MIN, "MIN(" OWN_BYTES_OF(1) ")", NULL, "MIN(" BYTES_OF(1) ")"},
	{CONNHUB_FN_MAX, "MAX(" OWN_BYTES_OF(1) ")", NULL, "MAX(" BYTES_OF(1) ")"},
	{CONNHUB_FN_NONE, OWN_BYTES_OF(1), NULL, BYTES_OF(1)}	/* a sort key, a group key */
};

static bool
in_charset(const char *collation, const char *charset)
{
	return collation != NULL && strncmp(collation, charset, strlen(charset)) == 0;
}

static const char *
choose_form(const MyTextForm *forms, const char *collation)
{
	const char *form = in_charset(collation, "utf8") ? forms->utf8 :
		in_charset(collation, "latin1_") ? forms->latin1 : NULL;

	return form != NULL ? form : forms->plain;
}

static void
answer_text(const ConnhubSource *source, const SqlTextQuestion *question, SqlTextAnswer *answer)
{
	answer->kind = CONNHUB_REFUSE;
	if (question->use == SQL_TEXT_FOLD)
		answer->reason = "letters are folded by other rules there";
	else if (question->column == NULL || question->type != CONNHUB_TEXT)
		answer->reason = "text is compared only with a column of text";
	else if ((question->use == SQL_TEXT_RANGE || question->use == SQL_TEXT_SORT) && !question->collation->is_c)
		answer->reason = "the order of text under the collation used here is not known there";
	else if ((question->use == SQL_TEXT_SORT || question->use == SQL_TEXT_GROUP) &&
			 (question->column->natural.length <= 0 || question->column->natural.length > MAX_SORT_CHARACTERS))
		answer->reason = "long text is sorted and grouped there by its beginning only";
	else
	{
		for (size_t i = 0; i < sizeof(text_forms) / sizeof(text_forms[0]); i++)
		{
			if (text_forms[i].fn == question->fn)
			{
				answer->kind = CONNHUB_EXACT;
				answer->form = choose_form(&text_forms[i], question->column->collation);
				return;
			}
		}
		answer->reason = "no form of it is known that compares bytes";
	}
}

/* ---- Columns ----------------------------------------------------------------------------- */

static bool
zero_dates_are_null(const ConnhubSource *source)
{
	for (uint32_t i = 0; i < source->noptions; i++)
	{
		if (strcmp(source->options[i].name, "zero_dates") == 0)
			return source->options[i].value != NULL && strcmp(source->options[i].value, "null") == 0;
	}
	return false;
}

static bool
holds_dates(const char *remote_type)
{
	return my_type_is(remote_type, "date") || my_type_is(remote_type, "datetime") ||
		my_type_is(remote_type, "timestamp");
}

static const char *
refuse_column(const ConnhubSource *source, const ConnhubColumn *column, SqlColumnUse use)
{
	static const char *const geometries[] = {
		"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
		"geometrycollection", "geomcollection", "vector"
	};
	const char *reason = sql_column_refusal(column, use);

	if (reason != NULL)
		return reason;
	if (holds_dates(column->remote_type) && zero_dates_are_null(source))
		return "dates such as 0000-00-00 are read as null here and are none there";
	if (use == SQL_COLUMN_NULL_TEST)
	{
		/* For ODBC's sake the source finds 0000-00-00 by IS NULL where null is not allowed. */
		return holds_dates(column->remote_type) && column->not_null ?
			"a test for null finds dates such as 0000-00-00 there" : NULL;
	}
	if (my_type_is(column->remote_type, "year"))
		return "the source takes a year below 100 for one of two digits";
	for (size_t i = 0; i < sizeof(geometries) / sizeof(geometries[0]); i++)
	{
		if (my_type_is(column->remote_type, geometries[i]))
			return "the source keeps geometries and vectors in another form";
	}
	return NULL;
}

static bool
is_unsigned(const ConnhubExpr *expr)
{
	if (expr->kind == CONNHUB_EXPR_COLUMN)
		return expr->column->remote_type == NULL || strstr(expr->column->remote_type, "unsigned") != NULL;
	if (expr->kind == CONNHUB_EXPR_SUBQUERY)
		return is_unsigned(expr->query->outputs[0]);
	for (uint32_t i = 0; i < expr->nargs; i++)
	{
		if (is_unsigned(expr->args[i]))
			return true;
	}
	return false;
}

/* ---- Last words -------------------------------------------------------------------------- */

static bool
is_constant(const ConnhubExpr *expr)
{
	return expr->kind == CONNHUB_EXPR_CONST && !expr->value->is_null;
}

/* A constant divisor other than 0, and other than -1, which overflows on the least integer. */
static bool
is_safe_divisor(const ConnhubExpr *expr)
{
	if (!is_constant(expr))
		return false;
	if (expr->type.type != CONNHUB_DECIMAL)
		return expr->value->v.integer != 0 && expr->value->v.integer != -1;
	for (size_t i = 0; i < expr->value->v.slice.length; i++)
	{
		if (expr->value->v.slice.data[i] >= '1' && expr->value->v.slice.data[i] <= '9')
			return true;
	}
	return false;
}

/* A text column below expr that satisfies test, or NULL. */
static const ConnhubColumn *
find_text_column(const ConnhubExpr *expr, bool (*test) (const ConnhubColumn *column))
{
	if (expr->kind == CONNHUB_EXPR_COLUMN)
		return expr->type.type == CONNHUB_TEXT && (test == NULL || test(expr->column)) ? expr->column : NULL;
	if (expr->kind == CONNHUB_EXPR_SUBQUERY)
		return find_text_column(expr->query->outputs[0], test);
	for (uint32_t i = 0; i < expr->nargs; i++)
	{
		const ConnhubColumn *found = expr->args[i]->type.type == CONNHUB_TEXT ? find_text_column(expr->args[i], test) : NULL;

		if (found != NULL)
			return found;
	}
	return NULL;
}

static bool
is_not_utf8(const ConnhubColumn *column)
{
	return !in_charset(column->collation, "utf8");
}

static bool
is_long(const ConnhubColumn *column)
{
	return column->remote_type == NULL || my_type_is(column->remote_type, "mediumtext") ||
		my_type_is(column->remote_type, "longtext");
}

/* May the text of expr hold characters that its columns do not? */
static bool
adds_text(const ConnhubExpr *expr)
{
	if (expr->kind == CONNHUB_EXPR_SUBQUERY)
		return adds_text(expr->query->outputs[0]);
	for (uint32_t i = 0; i < expr->nargs; i++)
	{
		if (expr->args[i]->type.type == CONNHUB_TEXT && adds_text(expr->args[i]))
			return true;
	}
	return expr->kind == CONNHUB_EXPR_CALL &&
		(expr->fn == CONNHUB_FN_CONCAT || expr->fn == CONNHUB_FN_REPLACE || expr->fn == CONNHUB_FN_LPAD ||
		 expr->fn == CONNHUB_FN_RPAD);
}

/* A comparison of text. */
static const char *
refuse_text_comparison(const ConnhubExpr *expr)
{
	const ConnhubColumn *first = find_text_column(expr->args[0], NULL);
	const ConnhubColumn *second = find_text_column(expr->args[1], NULL);

	/* The forms expect the column first; only in utf8 does the order not matter. */
	if (first == NULL && second != NULL && !in_charset(second->collation, "utf8"))
		return "the constant may not exist in the column's character set";
	if (adds_text(expr->args[0]) && find_text_column(expr->args[0], is_not_utf8) != NULL)
		return "the text may not exist in the column's character set";
	for (uint32_t i = 1; i < expr->nargs; i++)
	{
		if (first != NULL && find_text_column(expr->args[i], NULL) != NULL)
			return "two columns may have collations that the source refuses to mix";
		if ((expr->fn == CONNHUB_FN_IN || expr->fn == CONNHUB_FN_NOT_IN) &&
			expr->args[i]->kind != CONNHUB_EXPR_CONST && expr->args[i]->kind != CONNHUB_EXPR_PARAM)
			return "a list of text may hold constants and parameters only";
	}
	if ((expr->fn == CONNHUB_FN_LIKE || expr->fn == CONNHUB_FN_NOT_LIKE) && sql_pattern_dangles(expr->args[1]))
		return SQL_PATTERN_DANGLES;
	return NULL;
}

/* The column whose type a value has there; NULL: it has none of a column. */
static const ConnhubColumn *
typed_column(const ConnhubExpr *expr)
{
	bool		is_extreme = expr->kind == CONNHUB_EXPR_AGGREGATE && (expr->fn == CONNHUB_FN_MIN || expr->fn == CONNHUB_FN_MAX);
	bool		is_widened = expr->kind == CONNHUB_EXPR_CALL && expr->fn == CONNHUB_FN_CAST &&
		(SQL_T(expr->type.type) & SQL_INTEGERS) != 0;

	if (is_extreme || is_widened)
		return typed_column(expr->args[0]);
	return expr->kind == CONNHUB_EXPR_COLUMN && expr->column->remote_type != NULL ? expr->column : NULL;
}

/* Bytes of an integer type; 0: it is none. */
static int
integer_bytes(const char *remote_type)
{
	static const struct
	{
		const char *word;
		int			bytes;
	}			widths[] = {{"tinyint", 1}, {"smallint", 2}, {"mediumint", 3}, {"int", 4}, {"bigint", 8}};

	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
	{
		if (my_type_is(remote_type, widths[i].word))
			return widths[i].bytes;
	}
	return 0;
}

/* Can a column hold every value of another? */
static bool
holds_all(const ConnhubColumn *holder, const ConnhubColumn *other)
{
	int			room = integer_bytes(holder->remote_type);
	int			bytes = integer_bytes(other->remote_type);
	bool		holder_unsigned = strstr(holder->remote_type, "unsigned") != NULL;
	bool		other_unsigned = strstr(other->remote_type, "unsigned") != NULL;

	if (room == 0 || bytes == 0)
		return strcmp(holder->remote_type, other->remote_type) == 0;
	if (holder_unsigned != other_unsigned)
		return other_unsigned && room > bytes;
	return room >= bytes;
}

/* The source may keep the rows of a sub-select in a table of its own, and turns what it looks for in there into that
 * table's types: what they cannot hold is then not found, even where a null should leave that open. */
static const char *
refuse_membership(const ConnhubExpr *sought, const ConnhubExpr *found)
{
	const ConnhubColumn *column = typed_column(sought);
	const ConnhubColumn *holder = typed_column(found);

	return column != NULL && holder != NULL && holds_all(holder, column) ? NULL :
		"a value that the sub-select's column cannot hold is taken for another there";
}

static bool
is_short_constant(const ConnhubExpr *expr)
{
	return is_constant(expr) && expr->value->v.slice.length <= MAX_REPLACEMENT;
}

/* Arguments under which a function of text does something else there. */
static const char *
refuse_text_function(ConnhubFunction fn, const ConnhubExpr *expr)
{
	static const char reason[] = "such arguments mean something else there";
	const ConnhubExpr *const *args = expr->args;

	switch (fn)
	{
		case CONNHUB_FN_SUBSTR:
			return sql_is_constant_between(args[1], 1, INT32_MAX) &&
				(expr->nargs == 2 || sql_is_constant_between(args[2], 0, INT32_MAX)) ? NULL : reason;
		case CONNHUB_FN_LEFT:
		case CONNHUB_FN_RIGHT:
			return sql_is_constant_between(args[1], 0, INT32_MAX) ? NULL : reason;
		case CONNHUB_FN_BTRIM:
		case CONNHUB_FN_LTRIM:
		case CONNHUB_FN_RTRIM:
			return expr->nargs == 1 ? NULL : reason;
		case CONNHUB_FN_LPAD:
		case CONNHUB_FN_RPAD:
			return sql_is_constant_between(args[1], 0, MAX_FILL) && is_short_constant(args[2]) &&
				args[2]->value->v.slice.length > 0 ? NULL : reason;
		case CONNHUB_FN_REPLACE:
			return is_short_constant(args[2]) && find_text_column(expr, is_long) == NULL ? NULL : reason;
		case CONNHUB_FN_CONCAT:
			return find_text_column(expr, is_long) == NULL ? NULL : "the text may become too long for the source";
		default:
			return NULL;
	}
}

/* Is an integer call done with 64 bits there although its type has fewer? */
static bool
may_overflow(ConnhubFunction fn, const ConnhubExpr *expr)
{
	return (fn == CONNHUB_FN_ADD || fn == CONNHUB_FN_SUB || fn == CONNHUB_FN_MUL || fn == CONNHUB_FN_NEG ||
			fn == CONNHUB_FN_ABS) && (expr->type.type == CONNHUB_INT16 || expr->type.type == CONNHUB_INT32) &&
		!sql_never_overflows(expr);
}

static bool
is_number_function(ConnhubFunction fn)
{
	return (fn >= CONNHUB_FN_ADD && fn <= CONNHUB_FN_ABS) || fn == CONNHUB_FN_GREATEST || fn == CONNHUB_FN_LEAST ||
		(fn >= CONNHUB_FN_CEIL && fn <= CONNHUB_FN_SHIFT_RIGHT);
}

static const char *
refuse_number_function(ConnhubFunction fn, const ConnhubExpr *expr)
{
	if ((fn == CONNHUB_FN_DIV || fn == CONNHUB_FN_MOD) && !is_safe_divisor(expr->args[1]))
		return "a division by zero is null there and an error here";
	if (is_unsigned(expr))
		return "unsigned numbers overflow elsewhere there";
	if (may_overflow(fn, expr))
		return "the number may overflow here and does not there";
	if ((fn == CONNHUB_FN_GREATEST || fn == CONNHUB_FN_LEAST) && expr->nargs != 2)
		return "with a null among its operands it is null there";
	if ((fn == CONNHUB_FN_TRUNC || (fn == CONNHUB_FN_ROUND && expr->nargs > 1)) &&
		(expr->nargs == 1 || !sql_is_constant_between(expr->args[1], -MY_DECIMAL_DIGITS, MY_DECIMAL_SCALE)))
		return "it rounds to a constant number of digits only";
	return NULL;
}

static const char *
veto(const ConnhubSource *source, ConnhubFunction fn, const ConnhubExpr *expr)
{
	const char *reason = NULL;

	if (fn == CONNHUB_FN_NONE)
		return expr->kind == CONNHUB_EXPR_CONST && expr->type.type == CONNHUB_DECIMAL ? my_decimal_refusal(expr) : NULL;
	if (is_number_function(fn))
		reason = refuse_number_function(fn, expr);
	if (reason == NULL && expr->type.type == CONNHUB_DECIMAL)
		reason = my_decimal_refusal(expr);
	if (reason == NULL && expr->nargs > 0 && expr->args[0]->type.type == CONNHUB_TEXT)
		reason = expr->collation != NULL && expr->type.type == CONNHUB_BOOL && fn < CONNHUB_FN_GREATEST ?
			refuse_text_comparison(expr) : refuse_text_function(fn, expr);
	return reason;
}

/* ---- Writing ----------------------------------------------------------------------------- */

static bool
gives_back(const ConnhubSource *source, ConnhubWriteKind kind)
{
	if ((source->flags & MY_FLAG_MARIADB) == 0)
		return false;
	return (kind == CONNHUB_INSERT && source->version_num >= 100500) ||
		(kind == CONNHUB_DELETE && source->version_num >= 100005);
}

/* ---- The table --------------------------------------------------------------------------- */

const SqlDialect my_dialect = {
	.name = "MySQL",
	.flags = SQL_NULLS_LOW | SQL_MIXED_INTEGERS | SQL_MIXED_DATES | SQL_GROUPED_IS_SORTED | SQL_LIMIT_OUTSIDE_IN | SQL_LIMIT_CONSTANT |
	SQL_ZONE_OMITTED | SQL_SETS_IN_ORDER,
	.quote_open = '`',
	.quote_close = '`',
	.backslash = SQL_BACKSLASH_PLAIN,
	.params = SQL_PARAM_QUESTION,
	.true_literal = "TRUE",
	.false_literal = "FALSE",
	.always = "TRUE",
	.null_literal = "NULL",
	.empty_output = "NULL",
	.limit = "LIMIT %1",
	.offset = "OFFSET %1",
	.offset_alone = "LIMIT 18446744073709551615 OFFSET %1",
	.types = {
		[CONNHUB_BOOL] = {.encoding = SQL_BOOLEAN, .param = "%p"},
		[CONNHUB_INT16] = {.encoding = SQL_NUMBER},
		[CONNHUB_INT32] = {.encoding = SQL_NUMBER},
		[CONNHUB_INT64] = {.encoding = SQL_NUMBER},
		/* A constant would be read as a double, and 0.1 is not the same number as a float. */
		[CONNHUB_FLOAT32] = {.encoding = SQL_NO_LITERAL, .param = "%p"},
		[CONNHUB_FLOAT64] = {.encoding = SQL_NUMBER},
		[CONNHUB_DECIMAL] = {.encoding = SQL_NUMBER},
		[CONNHUB_DATE] = {.encoding = SQL_STRING, .literal = "DATE%v",
		.min = DAY_0001_01_01, .max = DAY_9999_12_31},
		[CONNHUB_TIMESTAMP] = {.encoding = SQL_STRING, .literal = "TIMESTAMP%v",
		.min = DAY_0001_01_01 * MICROS_PER_DAY, .max = (DAY_9999_12_31 + 1) * MICROS_PER_DAY - 1},
		[CONNHUB_TIMESTAMPTZ] = {.encoding = SQL_STRING, .literal = "TIMESTAMP%v",
		.min = DAY_0001_01_01 * MICROS_PER_DAY, .max = (DAY_9999_12_31 + 1) * MICROS_PER_DAY - 1},
		[CONNHUB_UUID] = {.encoding = SQL_STRING},
		[CONNHUB_TEXT] = {.encoding = SQL_STRING},
		[CONNHUB_BYTES] = {.encoding = SQL_HEX, .literal = "x'%v'"}
	},
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.sortable = SQL_NUMBERS | BOOLS | DATES,
	.text = answer_text,
	.column = refuse_column,
	.veto = veto,
	.membership = refuse_membership,
	.written = SQL_NUMBERS | BOOLS | DATES | TEXTS | SQL_T(CONNHUB_INTERVAL) | SQL_T(CONNHUB_UUID) |
	SQL_T(CONNHUB_BYTES) | SQL_T(CONNHUB_JSON) | SQL_T(CONNHUB_NATIVE),
	.assigned = EXACTS | BOOLS | DOUBLES | TEXTS | SQL_T(CONNHUB_DATE),
	.default_row = "() VALUES ()",
	.truncate = "DELETE FROM",
	.lock_share = "LOCK IN SHARE MODE",
	.lock_update = "FOR UPDATE",
	.returns = gives_back,
	.store = my_store_refusal
};

void
my_judge(const ConnhubSource *source, const ConnhubPiece *piece, ConnhubVerdict *verdict)
{
	const char *reason = NULL;

	sql_judge(&my_dialect, source, piece, verdict);
	if (verdict->kind != CONNHUB_EXACT)
		return;
	if (piece->kind == CONNHUB_PIECE_ASSIGN)
		reason = my_assign_refusal(piece->column);
	else if ((piece->kind == CONNHUB_PIECE_OUTPUT || piece->kind == CONNHUB_PIECE_GROUP) &&
			 !my_decimal_is_shown_alike(piece->expr))
		reason = "its digits after the point depend on the row here";
	if (reason == NULL)
		return;
	verdict->kind = CONNHUB_REFUSE;
	snprintf(verdict->reason, sizeof(verdict->reason), "%s", reason);
}

ConnhubStatus
my_render(const ConnhubSource *source, const ConnhubRequest *request, ConnhubText *out, ConnhubError *error)
{
	return sql_render(&my_dialect, my_host, source, request, out, error);
}

ConnhubStatus
my_render_write(const ConnhubSource *source, const ConnhubWrite *write, ConnhubText *out, ConnhubError *error)
{
	return sql_render_write(&my_dialect, my_host, source, write, out, error);
}

ConnhubStatus
my_render_modify(const ConnhubSource *source, const ConnhubModify *modify, ConnhubText *out, ConnhubError *error)
{
	return sql_render_modify(&my_dialect, my_host, source, modify, out, error);
}
