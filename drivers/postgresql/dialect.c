/* dialect.c — what means the same at the source.
 *
 * The far side is PostgreSQL too, so operators and functions on built-in types mean what they mean
 * here.  What may differ is left out: text order and case folding unless both sides use "C", casts
 * and types that depend on a time zone, a locale or settings, enums (their order is the source's own),
 * and types of extensions.  Relatives of PostgreSQL get a table of their own with the little that can
 * be relied upon everywhere. */
#include "pg.h"

#include <stdio.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define COMPARED	(SQL_NUMBERS | SQL_DATETIMES | SQL_TEXTS | SQL_T(CONNHUB_BOOL) | SQL_T(CONNHUB_INTERVAL) | \
					 SQL_T(CONNHUB_UUID) | SQL_T(CONNHUB_BYTES) | SQL_T(CONNHUB_JSON) | SQL_T(CONNHUB_NATIVE))
#define BOOLEAN		SQL_T(CONNHUB_BOOL)
#define ARITHMETIC	SQL_NUMBERS
#define EXTREMES	(SQL_NUMBERS | SQL_DATETIMES | SQL_TEXTS | SQL_T(CONNHUB_INTERVAL))
#define WHOLE		(SQL_INTEGERS | SQL_T(CONNHUB_DECIMAL))

#define INTEGER		SQL_T(CONNHUB_INT32)
#define DAYS		SQL_T(CONNHUB_DATE)
#define INSTANTS	(SQL_T(CONNHUB_TIMESTAMP) | SQL_T(CONNHUB_TIMESTAMPTZ))
#define ROUNDED		(SQL_T(CONNHUB_DECIMAL) | SQL_T(CONNHUB_FLOAT64))
#define JSON_ACCESS	(SQL_T(CONNHUB_JSON) | SQL_T(CONNHUB_TEXT) | INTEGER | SQL_T(CONNHUB_NATIVE))

#define VERSIONED(fn, operands, form, use, version) {fn, operands, 0, form, use, CONNHUB_EXACT, NULL, version}
/* Counts characters, so that the encoding must be the one of the text here. */
#define TEXT_CALL(fn, form, version) \
	{fn, SQL_T(CONNHUB_TEXT) | SQL_T(CONNHUB_BYTES) | INTEGER, 0, form, SQL_TEXT_UNUSED, CONNHUB_EXACT, NULL, version, \
	PG_FLAG_UTF8}
/* Before version 14 extract gave a real, which is cast; all these are whole numbers. */
#define DATE_PART(fn, unit) \
	{fn, DAYS | SQL_T(CONNHUB_TIMESTAMP), SQL_T(CONNHUB_DECIMAL), "(extract(" unit " from %1)::%t)"}, \
	{fn, SQL_T(CONNHUB_TIMESTAMP), SQL_T(CONNHUB_FLOAT64), "date_part('" unit "', %1)"}
#define TRUNCATION(fn, unit)	{fn, SQL_T(CONNHUB_TIMESTAMP), 0, "date_trunc('" unit "', %1)"}

/* ---- PostgreSQL -------------------------------------------------------------------------- */

static const SqlRule postgresql_rules[] = {
	{CONNHUB_FN_AND, BOOLEAN, 0, "(%[ AND ]1)"},
	{CONNHUB_FN_OR, BOOLEAN, 0, "(%[ OR ]1)"},
	{CONNHUB_FN_NOT, BOOLEAN, 0, "(NOT %1)"},
	{CONNHUB_FN_EQ, COMPARED, 0, "(%1 = %2)", SQL_TEXT_EQUALITY},
	{CONNHUB_FN_NE, COMPARED, 0, "(%1 <> %2)", SQL_TEXT_EQUALITY},
	{CONNHUB_FN_LT, COMPARED, 0, "(%1 < %2)", SQL_TEXT_RANGE},
	{CONNHUB_FN_LE, COMPARED, 0, "(%1 <= %2)", SQL_TEXT_RANGE},
	{CONNHUB_FN_GT, COMPARED, 0, "(%1 > %2)", SQL_TEXT_RANGE},
	{CONNHUB_FN_GE, COMPARED, 0, "(%1 >= %2)", SQL_TEXT_RANGE},
	{CONNHUB_FN_IS_NULL, SQL_ANY, 0, "(%1 IS NULL)"},
	{CONNHUB_FN_IS_NOT_NULL, SQL_ANY, 0, "(%1 IS NOT NULL)"},
	{CONNHUB_FN_IS_DISTINCT, COMPARED, 0, "(%1 IS DISTINCT FROM %2)", SQL_TEXT_EQUALITY},
	{CONNHUB_FN_IS_NOT_DISTINCT, COMPARED, 0, "(%1 IS NOT DISTINCT FROM %2)", SQL_TEXT_EQUALITY},
	{CONNHUB_FN_IS_TRUE, BOOLEAN, 0, "(%1 IS TRUE)"},
	{CONNHUB_FN_IS_NOT_TRUE, BOOLEAN, 0, "(%1 IS NOT TRUE)"},
	{CONNHUB_FN_IS_FALSE, BOOLEAN, 0, "(%1 IS FALSE)"},
	{CONNHUB_FN_IS_NOT_FALSE, BOOLEAN, 0, "(%1 IS NOT FALSE)"},
	{CONNHUB_FN_IN, COMPARED, 0, "(%1 IN (%[, ]2))", SQL_TEXT_EQUALITY},
	{CONNHUB_FN_NOT_IN, COMPARED, 0, "(%1 NOT IN (%[, ]2))", SQL_TEXT_EQUALITY},
	{CONNHUB_FN_LIKE, SQL_TEXTS, 0, "(%1 LIKE %2)", SQL_TEXT_PATTERN},
	{CONNHUB_FN_NOT_LIKE, SQL_TEXTS, 0, "(%1 NOT LIKE %2)", SQL_TEXT_PATTERN},
	{CONNHUB_FN_ILIKE, SQL_TEXTS, 0, "(%1 ILIKE %2)", SQL_TEXT_FOLD},
	{CONNHUB_FN_NOT_ILIKE, SQL_TEXTS, 0, "(%1 NOT ILIKE %2)", SQL_TEXT_FOLD},
	{CONNHUB_FN_ADD, ARITHMETIC, ARITHMETIC, "(%1 + %2)"},
	{CONNHUB_FN_SUB, ARITHMETIC, ARITHMETIC, "(%1 - %2)"},
	{CONNHUB_FN_MUL, ARITHMETIC, ARITHMETIC, "(%1 * %2)"},
	{CONNHUB_FN_DIV, ARITHMETIC, ARITHMETIC, "(%1 / %2)"},
	{CONNHUB_FN_MOD, WHOLE, WHOLE, "(%1 %% %2)"},
	{CONNHUB_FN_NEG, ARITHMETIC, ARITHMETIC, "(- %1)"},
	{CONNHUB_FN_ABS, ARITHMETIC, ARITHMETIC, "abs(%1)"},
	{CONNHUB_FN_COALESCE, SQL_ANY, 0, "COALESCE(%[, ]1)"},
	{CONNHUB_FN_NULLIF, COMPARED, 0, "NULLIF(%1, %2)", SQL_TEXT_EQUALITY},
	{CONNHUB_FN_CASE, SQL_ANY, 0, "(CASE %c END)"},
	{CONNHUB_FN_LOWER, SQL_T(CONNHUB_TEXT), 0, "lower(%1)", SQL_TEXT_FOLD},
	{CONNHUB_FN_UPPER, SQL_T(CONNHUB_TEXT), 0, "upper(%1)", SQL_TEXT_FOLD},
	{.fn = CONNHUB_FN_CHAR_LENGTH,.operands = SQL_TEXTS,.form = "char_length(%1)",.flags = PG_FLAG_UTF8},
	{CONNHUB_FN_EQ_ANY, COMPARED, 0, "(%1 = ANY (%2))", SQL_TEXT_EQUALITY},
	{CONNHUB_FN_GREATEST, COMPARED, 0, "GREATEST(%[, ]1)", SQL_TEXT_RANGE},
	{CONNHUB_FN_LEAST, COMPARED, 0, "LEAST(%[, ]1)", SQL_TEXT_RANGE},

	TEXT_CALL(CONNHUB_FN_CONCAT, "(%1 || %2)", 0),
	TEXT_CALL(CONNHUB_FN_SUBSTR, "substr(%[, ]1)", 0),
	TEXT_CALL(CONNHUB_FN_LEFT, "\"left\"(%1, %2)", 90100),
	TEXT_CALL(CONNHUB_FN_RIGHT, "\"right\"(%1, %2)", 90100),
	TEXT_CALL(CONNHUB_FN_BTRIM, "btrim(%[, ]1)", 0),
	TEXT_CALL(CONNHUB_FN_LTRIM, "ltrim(%[, ]1)", 0),
	TEXT_CALL(CONNHUB_FN_RTRIM, "rtrim(%[, ]1)", 0),
	TEXT_CALL(CONNHUB_FN_LPAD, "lpad(%[, ]1)", 0),
	TEXT_CALL(CONNHUB_FN_RPAD, "rpad(%[, ]1)", 0),
	TEXT_CALL(CONNHUB_FN_REPEAT, "repeat(%1, %2)", 0),
	TEXT_CALL(CONNHUB_FN_REVERSE, "reverse(%1)", 90100),
	TEXT_CALL(CONNHUB_FN_OCTET_LENGTH, "octet_length(%1)", 0),
	TEXT_CALL(CONNHUB_FN_ASCII, "ascii(%1)", 0),
	TEXT_CALL(CONNHUB_FN_CHR, "chr(%1)", 0),
	{CONNHUB_FN_STRPOS, SQL_T(CONNHUB_TEXT), 0, "strpos(%1, %2)", SQL_TEXT_EQUALITY},
	{CONNHUB_FN_REPLACE, SQL_T(CONNHUB_TEXT), 0, "replace(%1, %2, %3)", SQL_TEXT_EQUALITY},
	{CONNHUB_FN_SPLIT_PART, SQL_T(CONNHUB_TEXT) | INTEGER, 0, "split_part(%1, %2, %3)", SQL_TEXT_EQUALITY},
	VERSIONED(CONNHUB_FN_STARTS_WITH, SQL_T(CONNHUB_TEXT), "starts_with(%1, %2)", SQL_TEXT_EQUALITY, 110000),
	{CONNHUB_FN_MATCHES, SQL_T(CONNHUB_TEXT), 0, "(%1 ~ %2)", SQL_TEXT_PATTERN},
	{CONNHUB_FN_NOT_MATCHES, SQL_T(CONNHUB_TEXT), 0, "(%1 !~ %2)", SQL_TEXT_PATTERN},
	{CONNHUB_FN_IMATCHES, SQL_T(CONNHUB_TEXT), 0, "(%1 ~* %2)", SQL_TEXT_FOLD},
	{CONNHUB_FN_NOT_IMATCHES, SQL_T(CONNHUB_TEXT), 0, "(%1 !~* %2)", SQL_TEXT_FOLD},

	{CONNHUB_FN_CEIL, ROUNDED, 0, "ceil(%1)"},
	{CONNHUB_FN_FLOOR, ROUNDED, 0, "floor(%1)"},
	{CONNHUB_FN_ROUND, ROUNDED | INTEGER, 0, "round(%[, ]1)"},
	{CONNHUB_FN_TRUNC, ROUNDED | INTEGER, 0, "trunc(%[, ]1)"},
	{CONNHUB_FN_SIGN, ROUNDED, 0, "sign(%1)"},
	{CONNHUB_FN_SQRT, SQL_T(CONNHUB_FLOAT64), 0, "sqrt(%1)"},
	VERSIONED(CONNHUB_FN_DIV_WHOLE, SQL_T(CONNHUB_DECIMAL), "div(%1, %2)", SQL_TEXT_UNUSED, 80400),
	{CONNHUB_FN_BIT_AND, SQL_INTEGERS, 0, "(%1 & %2)"},
	{CONNHUB_FN_BIT_OR, SQL_INTEGERS, 0, "(%1 | %2)"},
	{CONNHUB_FN_BIT_XOR, SQL_INTEGERS, 0, "(%1 # %2)"},
	{CONNHUB_FN_BIT_NOT, SQL_INTEGERS, 0, "(~ %1)"},
	{CONNHUB_FN_SHIFT_LEFT, SQL_INTEGERS, 0, "(%1 << %2)"},
	{CONNHUB_FN_SHIFT_RIGHT, SQL_INTEGERS, 0, "(%1 >> %2)"},

	{CONNHUB_FN_ADD_DAYS, SQL_T(CONNHUB_DATE) | INTEGER, 0, "(%1 + %2)"},
	{CONNHUB_FN_SUB_DAYS, SQL_T(CONNHUB_DATE) | INTEGER, 0, "(%1 - %2)"},
	{CONNHUB_FN_DATE_DIFF, SQL_T(CONNHUB_DATE), 0, "(%1 - %2)"},
	{CONNHUB_FN_ADD_INTERVAL, INSTANTS | SQL_T(CONNHUB_INTERVAL), 0, "(%1 + %2)"},
	{CONNHUB_FN_SUB_INTERVAL, INSTANTS | SQL_T(CONNHUB_INTERVAL), 0, "(%1 - %2)"},
	DATE_PART(CONNHUB_FN_YEAR, "year"),
	DATE_PART(CONNHUB_FN_QUARTER, "quarter"),
	DATE_PART(CONNHUB_FN_MONTH, "month"),
	DATE_PART(CONNHUB_FN_WEEK, "week"),
	DATE_PART(CONNHUB_FN_ISOYEAR, "isoyear"),
	DATE_PART(CONNHUB_FN_DAY, "day"),
	DATE_PART(CONNHUB_FN_DOW, "dow"),
	DATE_PART(CONNHUB_FN_ISODOW, "isodow"),
	DATE_PART(CONNHUB_FN_DOY, "doy"),
	DATE_PART(CONNHUB_FN_HOUR, "hour"),
	DATE_PART(CONNHUB_FN_MINUTE, "minute"),
	VERSIONED(CONNHUB_FN_SECOND, SQL_T(CONNHUB_TIMESTAMP), "extract(second from %1)", SQL_TEXT_UNUSED, 140000),
	VERSIONED(CONNHUB_FN_EPOCH, DAYS | INSTANTS, "extract(epoch from %1)", SQL_TEXT_UNUSED, 140000),
	TRUNCATION(CONNHUB_FN_TRUNC_YEAR, "year"),
	TRUNCATION(CONNHUB_FN_TRUNC_QUARTER, "quarter"),
	TRUNCATION(CONNHUB_FN_TRUNC_MONTH, "month"),
	TRUNCATION(CONNHUB_FN_TRUNC_WEEK, "week"),
	TRUNCATION(CONNHUB_FN_TRUNC_DAY, "day"),
	TRUNCATION(CONNHUB_FN_TRUNC_HOUR, "hour"),
	TRUNCATION(CONNHUB_FN_TRUNC_MINUTE, "minute"),
	TRUNCATION(CONNHUB_FN_TRUNC_SECOND, "second"),
	VERSIONED(CONNHUB_FN_MAKE_DATE, INTEGER, "make_date(%1, %2, %3)", SQL_TEXT_UNUSED, 90400),
	{CONNHUB_FN_AT_UTC, INSTANTS, 0, "(%1 AT TIME ZONE 'UTC')"},

	VERSIONED(CONNHUB_FN_JSON_GET, JSON_ACCESS, "(%1 -> %2)", SQL_TEXT_UNUSED, 90500),
	VERSIONED(CONNHUB_FN_JSON_GET_TEXT, JSON_ACCESS, "(%1 ->> %2)", SQL_TEXT_UNUSED, 90500),
	VERSIONED(CONNHUB_FN_JSON_PATH, JSON_ACCESS, "(%1 #> %2)", SQL_TEXT_UNUSED, 90500),
	VERSIONED(CONNHUB_FN_JSON_PATH_TEXT, JSON_ACCESS, "(%1 #>> %2)", SQL_TEXT_UNUSED, 90500),
	VERSIONED(CONNHUB_FN_JSON_TYPEOF, JSON_ACCESS, "jsonb_typeof(%1)", SQL_TEXT_UNUSED, 90400),
	VERSIONED(CONNHUB_FN_JSON_CONTAINS, JSON_ACCESS, "(%1 @> %2)", SQL_TEXT_UNUSED, 90400),
	VERSIONED(CONNHUB_FN_JSON_HAS_KEY, JSON_ACCESS, "(%1 ? %2)", SQL_TEXT_UNUSED, 90400),

	{CONNHUB_FN_CONVERT, SQL_NUMBERS, SQL_NUMBERS, "(%1::%t)"},
	{CONNHUB_FN_CONVERT, SQL_INTEGERS | SQL_T(CONNHUB_DECIMAL) | SQL_T(CONNHUB_UUID) | SQL_T(CONNHUB_BOOL) |
	SQL_T(CONNHUB_BPCHAR), SQL_T(CONNHUB_TEXT), "(%1::%t)"},
	{CONNHUB_FN_CONVERT, SQL_T(CONNHUB_BOOL), INTEGER, "(%1::%t)"},
	{CONNHUB_FN_CONVERT, INTEGER, SQL_T(CONNHUB_BOOL), "(%1::%t)"},
	{CONNHUB_FN_CONVERT, SQL_T(CONNHUB_TIMESTAMP), DAYS, "(%1::%t)"},
	{CONNHUB_FN_CONVERT, DAYS, SQL_T(CONNHUB_TIMESTAMP), "(%1::%t)"},
	{CONNHUB_FN_FIT, SQL_T(CONNHUB_DECIMAL) | INTEGER, 0, "(%1::numeric(%2, %3))"},

	{CONNHUB_FN_CAST, SQL_NUMBERS, SQL_NUMBERS, "(%1::%t)"},
	{CONNHUB_FN_CAST, SQL_T(CONNHUB_DATE), SQL_T(CONNHUB_TIMESTAMP), "(%1::%t)"},
	{CONNHUB_FN_CAST, SQL_TEXTS, SQL_T(CONNHUB_TEXT), "(%1::%t)"},
	{CONNHUB_FN_CAST, SQL_ANY, 0, NULL, SQL_TEXT_UNUSED, CONNHUB_REFUSE,
	"this conversion depends on settings or is not known to be the same there"},
	{CONNHUB_FN_COUNT_ALL, SQL_ANY, 0, "count(*)"},
	{CONNHUB_FN_COUNT, SQL_ANY, 0, "count(%d%1)"},
	{CONNHUB_FN_SUM, SQL_T(CONNHUB_INT16) | SQL_T(CONNHUB_INT32), SQL_T(CONNHUB_INT64), "sum(%d%1)"},
	{CONNHUB_FN_SUM, SQL_T(CONNHUB_INT64) | SQL_T(CONNHUB_DECIMAL), SQL_T(CONNHUB_DECIMAL), "sum(%d%1)"},
	{CONNHUB_FN_SUM, SQL_T(CONNHUB_FLOAT32), SQL_T(CONNHUB_FLOAT32), "sum(%d%1)"},
	{CONNHUB_FN_SUM, SQL_T(CONNHUB_FLOAT64), SQL_T(CONNHUB_FLOAT64), "sum(%d%1)"},
	{CONNHUB_FN_AVG, SQL_INTEGERS | SQL_T(CONNHUB_DECIMAL), SQL_T(CONNHUB_DECIMAL), "avg(%d%1)"},
	{CONNHUB_FN_AVG, SQL_FLOATS, SQL_T(CONNHUB_FLOAT64), "avg(%d%1)"},
	{CONNHUB_FN_MIN, EXTREMES, 0, "min(%1)", SQL_TEXT_SORT},
	{CONNHUB_FN_MAX, EXTREMES, 0, "max(%1)", SQL_TEXT_SORT},
	{CONNHUB_FN_BOOL_AND, BOOLEAN, 0, "bool_and(%1)"},
	{CONNHUB_FN_BOOL_OR, BOOLEAN, 0, "bool_or(%1)"},
	{CONNHUB_FN_GROUPING, SQL_ANY, 0, "grouping(%[, ]1)"},
	{CONNHUB_FN_ROW_NUMBER, SQL_ANY, 0, "row_number()"},
	{CONNHUB_FN_RANK, SQL_ANY, 0, "rank()"},
	{CONNHUB_FN_DENSE_RANK, SQL_ANY, 0, "dense_rank()"},
};

/* Comparison and folding by "C", whatever the column's own collation is. */
static const char *const c_forms[CONNHUB_NFUNCTIONS] = {
	[CONNHUB_FN_NONE] = "%1 COLLATE \"C\"",
	[CONNHUB_FN_LT] = "(%1 COLLATE \"C\" < %2)",
	[CONNHUB_FN_LE] = "(%1 COLLATE \"C\" <= %2)",
	[CONNHUB_FN_GT] = "(%1 COLLATE \"C\" > %2)",
	[CONNHUB_FN_GE] = "(%1 COLLATE \"C\" >= %2)",
	[CONNHUB_FN_ILIKE] = "(%1 COLLATE \"C\" ILIKE %2)",
	[CONNHUB_FN_NOT_ILIKE] = "(%1 COLLATE \"C\" NOT ILIKE %2)",
	[CONNHUB_FN_LOWER] = "lower(%1 COLLATE \"C\")",
	[CONNHUB_FN_UPPER] = "upper(%1 COLLATE \"C\")",
	[CONNHUB_FN_MIN] = "min(%1 COLLATE \"C\")",
	[CONNHUB_FN_MAX] = "max(%1 COLLATE \"C\")",
	[CONNHUB_FN_GREATEST] = "GREATEST(%1 COLLATE \"C\", %[, ]2)",
	[CONNHUB_FN_LEAST] = "LEAST(%1 COLLATE \"C\", %[, ]2)",
	[CONNHUB_FN_MATCHES] = "(%1 COLLATE \"C\" ~ %2)",
	[CONNHUB_FN_NOT_MATCHES] = "(%1 COLLATE \"C\" !~ %2)",
	[CONNHUB_FN_IMATCHES] = "(%1 COLLATE \"C\" ~* %2)",
	[CONNHUB_FN_NOT_IMATCHES] = "(%1 COLLATE \"C\" !~* %2)",
};

static void
postgresql_text(const ConnhubSource *source, const SqlTextQuestion *question, SqlTextAnswer *answer)
{
	const ConnhubColumn *column = question->column;
	const char *collation = column ? column->collation : NULL;

	if ((source->flags & PG_FLAG_UTF8) == 0)
		answer->reason = "the source's encoding is not UTF8";
	else if (column && !collation)
		answer->reason = "the column has not been discovered, so its collation at the source is not known";
	else if (collation && strstr(collation, "(nondeterministic)"))
		answer->reason = "the column's collation at the source is nondeterministic";
	else if (question->use == SQL_TEXT_EQUALITY || question->use == SQL_TEXT_GROUP ||
			 (question->use == SQL_TEXT_PATTERN && !question->collation->is_c))
		answer->kind = CONNHUB_EXACT;
	else if (!question->collation->is_c)
		answer->reason = question->use == SQL_TEXT_FOLD ?
			"case folding by a locale may differ there; it crosses under COLLATE \"C\"" :
			"the order of a locale may differ there; it crosses under COLLATE \"C\"";
	else
	{
		answer->kind = CONNHUB_EXACT;
		if (!collation || strcmp(collation, "C") != 0)
			answer->form = c_forms[question->fn];
	}
}

static const char *
column_refusal(const ConnhubSource *source, const ConnhubColumn *column, SqlColumnUse use)
{
	const char *reason = sql_column_refusal(column, use);

	/* Even a null test: a composite of nulls counts as one there. */
	if (!reason && pg_is_stand_in(column))
		reason = "values of the column's type are read as text but have rules of their own there";
	return reason;
}

/* Types without a form in the ABI whose text and comparison depend on nothing but the value. */
typedef struct NativeRow
{
	const char *name;
	bool		is_ordered;
	bool		is_unwritten;	/* a cast to the bare name would change a value */
} NativeRow;

static const NativeRow native_rows[] = {
	{"inet", true}, {"cidr", true}, {"macaddr", true}, {"macaddr8", true}, {"bit", true, true}, {"bit varying", true},
	{"oid", true}, {"pg_lsn", true}, {"xid8", true}, {"int4range", true}, {"int8range", true}, {"numrange", true},
	{"smallint[]", true}, {"integer[]", true}, {"bigint[]", true}, {"numeric[]", true}, {"boolean[]", true},
	{"uuid[]", true}, {"text[]", false}, {"character varying[]", false},
};

static const NativeRow *
native_row(const char *name)
{
	for (size_t i = 0; name && i < LENGTH(native_rows); i++)
		if (strcmp(native_rows[i].name, name) == 0)
			return &native_rows[i];
	return NULL;
}

static bool
is_ordered_choice(ConnhubFunction fn)
{
	return fn == CONNHUB_FN_GREATEST || fn == CONNHUB_FN_LEAST;
}

static bool
is_range_comparison(ConnhubFunction fn)
{
	return (fn >= CONNHUB_FN_LT && fn <= CONNHUB_FN_GE) || is_ordered_choice(fn);
}

static bool
is_compared(ConnhubFunction fn)
{
	return sql_is_comparison(fn) || fn == CONNHUB_FN_NULLIF || is_ordered_choice(fn);
}

/* May a value of this type be compared (ordered: by <) there, or stand there as a constant? */
static const char *
type_refusal(const ConnhubTypeRef *type, bool ordered, bool written)
{
	const NativeRow *row;

	if (type->type == CONNHUB_JSON && (!type->pg_type || strcmp(type->pg_type, "jsonb") != 0))
		return "values of type json have no comparison";
	if (type->type == CONNHUB_JSON && ordered)
		return "the order of jsonb depends on the database's collation";
	if (type->type != CONNHUB_NATIVE)
		return NULL;
	row = native_row(type->pg_type);
	if (!row || (ordered && !row->is_ordered) || (written && row->is_unwritten))
		return "values of this type are not known to compare the same way there";
	return NULL;
}

static bool
is_plain_constant(const ConnhubExpr *expr)
{
	return expr->kind == CONNHUB_EXPR_CONST && !expr->value->is_null;
}

/* A regular expression without classes, escapes, options and directors: no locale has a say in it. */
static bool
is_plain_pattern(const ConnhubExpr *expr)
{
	const ConnhubSlice *text = &expr->value->v.slice;

	if (!is_plain_constant(expr) || (text->length >= 3 && memcmp(text->data, "***", 3) == 0))
		return false;
	for (size_t i = 0; i < text->length; i++)
		if (text->data[i] == '[' || text->data[i] == '\\' ||
			(text->data[i] == '(' && i + 1 < text->length && text->data[i + 1] == '?'))
			return false;
	return true;
}

/* The collation of a text column below expr that is not *found, NULL when there is none; *found NULL: the first one. */
static const char *
other_collation(const ConnhubExpr *expr, const char **found)
{
	if (expr->kind == CONNHUB_EXPR_COLUMN && (SQL_T(expr->type.type) & SQL_TEXTS) && expr->column->collation)
	{
		if (*found && strcmp(*found, expr->column->collation) != 0)
			return expr->column->collation;
		*found = expr->column->collation;
	}
	if (expr->kind == CONNHUB_EXPR_SUBQUERY)
		return other_collation(expr->query->outputs[0], found);
	for (uint32_t i = 0; i < expr->nargs; i++)
	{
		const char *other = other_collation(expr->args[i], found);

		if (other)
			return other;
	}
	return NULL;
}

static int64_t
width_of(ConnhubType type)
{
	return type == CONNHUB_INT16 ? 16 : type == CONNHUB_INT32 ? 32 : 64;
}

/* What arguments a function does not take everywhere, or not with the same result. */
static const char *
arguments_refusal(const ConnhubSource *source, ConnhubFunction fn, const ConnhubExpr *expr)
{
	const ConnhubExpr *last = expr->nargs > 0 ? expr->args[expr->nargs - 1] : NULL;
	const char *collation = NULL;

	if (last == NULL)
		return NULL;
	if (expr->collation && other_collation(expr, &collation))
		return "columns of different collations meet there";
	if ((fn == CONNHUB_FN_MATCHES || fn == CONNHUB_FN_NOT_MATCHES) && !expr->collation->is_c && !is_plain_pattern(last))
		return "what a class or an option of a regular expression means depends on the locale";
	if ((fn == CONNHUB_FN_SHIFT_LEFT || fn == CONNHUB_FN_SHIFT_RIGHT) &&
		(!is_plain_constant(last) || last->value->v.integer < 0 ||
		 last->value->v.integer >= width_of(expr->type.type)))
		return "a shift by more than the width depends on the machine";
	if (fn == CONNHUB_FN_SPLIT_PART && source->version_num < 140000 &&
		(!is_plain_constant(last) || last->value->v.integer < 1))
		return "fields are not counted from the end there";
	if ((fn == CONNHUB_FN_ADD_INTERVAL || fn == CONNHUB_FN_SUB_INTERVAL) && expr->type.type == CONNHUB_TIMESTAMPTZ &&
		(!is_plain_constant(last) || last->value->v.interval.months != 0 || last->value->v.interval.days != 0))
		return "days and months depend on the time zone of the session here";
	if (fn == CONNHUB_FN_FIT && (last->value->v.integer < 0 ||
								 last->value->v.integer > expr->args[1]->value->v.integer))
		return "such a scale is not known to every version";
	return NULL;
}

static const char *
postgresql_veto(const ConnhubSource *source, ConnhubFunction fn, const ConnhubExpr *expr)
{
	const char *reason = NULL;

	if (expr->kind == CONNHUB_EXPR_CONST && expr->value->type.type == CONNHUB_DECIMAL && !expr->value->is_null &&
		memchr(expr->value->v.slice.data, 'I', expr->value->v.slice.length) && source->version_num < 140000)
		return "numeric knows no infinity there";
	if (fn == CONNHUB_FN_NONE)
	{
		bool		written = expr->kind == CONNHUB_EXPR_CONST || expr->kind == CONNHUB_EXPR_PARAM;

		return type_refusal(&expr->type, !written, written);
	}
	reason = arguments_refusal(source, fn, expr);
	if (!is_compared(fn))
		return reason;
	for (uint32_t i = 0; i < expr->nargs && !reason; i++)
	{
		const ConnhubTypeRef *type = &expr->args[i]->type;

		reason = type_refusal(type, is_range_comparison(fn), false);
		if (!reason && type->type == CONNHUB_NATIVE && strcmp(type->pg_type, expr->args[0]->type.pg_type) != 0)
			reason = "values of different types are not compared there";
	}
	return reason;
}

static const char *
postgresql_output(const ConnhubSource *source, const ConnhubExpr *expr)
{
	return expr->kind == CONNHUB_EXPR_COLUMN && pg_needs_text_output(expr->column) ? "%1::text" : NULL;
}

/* ---- Writing ----------------------------------------------------------------------------- */

static bool
postgresql_returns(const ConnhubSource *source, ConnhubWriteKind kind)
{
	return kind != CONNHUB_TRUNCATE;
}

/* A value is bound as the type it has here, which an assignment converts; what is text here for want of a type is
 * read by the type it has there. */
static const char *
postgresql_input(const ConnhubSource *source, const ConnhubColumn *column)
{
	return column->remote_type && pg_is_stand_in(column) ? "%p::text::%r" : NULL;
}

static const SqlDialect postgresql_dialect = {
	.name = "PostgreSQL",
	.flags = SQL_NULLS_WORDS | SQL_COLUMNS_QUALIFIED | SQL_MIXED_INTEGERS | SQL_MIXED_DATES | SQL_AGGREGATE_FILTER |
	SQL_GROUPING_SETS | SQL_FRAME_GROUPS,
	.quote_open = '"',
	.quote_close = '"',
	.backslash = SQL_BACKSLASH_PLAIN,
	.params = SQL_PARAM_DOLLAR,
	.default_schema = "public",
	.true_literal = "true",
	.false_literal = "false",
	.always = "true",
	.null_literal = "NULL::%t",
	.full_join = 1,
	.empty_output = "NULL",
	.limit = "LIMIT %1",
	.offset = "OFFSET %1",
	.types = {
		[CONNHUB_BOOL] = {SQL_BOOLEAN, "%v", "%p::%t", "boolean"},
		[CONNHUB_INT16] = {SQL_NUMBER, "%v::smallint", "%p::%t", "smallint"},
		/* The smallest integer, written in digits, would be a bigint. */
		[CONNHUB_INT32] = {SQL_NUMBER, "%v", "%p::%t", "integer", NULL, -INT32_MAX, INT32_MAX},
		[CONNHUB_INT64] = {SQL_NUMBER, "%v::bigint", "%p::%t", "bigint"},
		[CONNHUB_FLOAT32] = {SQL_STRING, "%v::real", "%p::%t", "real", "%v::real"},
		[CONNHUB_FLOAT64] = {SQL_STRING, "%v::double precision", "%p::%t", "double precision", "%v::double precision"},
		[CONNHUB_DECIMAL] = {SQL_NUMBER, "%v::numeric", "%p::%t", "numeric", "%v::numeric"},
		[CONNHUB_DATE] = {SQL_STRING, "%v::date", "%p::%t", "date", "%v::date"},
		[CONNHUB_TIME] = {SQL_STRING, "%v::time", "%p::%t", "time"},
		[CONNHUB_TIMETZ] = {SQL_STRING, "%v::timetz", "%p::%t", "timetz"},
		[CONNHUB_TIMESTAMP] = {SQL_STRING, "%v::timestamp", "%p::%t", "timestamp", "%v::timestamp"},
		[CONNHUB_TIMESTAMPTZ] = {SQL_STRING, "%v::timestamptz", "%p::%t", "timestamptz", "%v::timestamptz"},
		[CONNHUB_INTERVAL] = {SQL_STRING, "%v::interval", "%p::%t", "interval"},
		[CONNHUB_UUID] = {SQL_STRING, "%v::uuid", "%p::%t", "uuid"},
		[CONNHUB_TEXT] = {SQL_STRING, "%v::text", "%p::%t", "text"},
		[CONNHUB_BPCHAR] = {SQL_STRING, "%v::bpchar", "%p::%t", "bpchar"},
		[CONNHUB_BYTES] = {SQL_HEX, "'\\x%v'::bytea", "%p::%t", "bytea"},
		[CONNHUB_JSON] = {SQL_STRING, "%v::jsonb", "%p::%t", "jsonb"},
		[CONNHUB_NATIVE] = {SQL_STRING, "%v::%t", "%p::%t", NULL},
	},
	.rules = postgresql_rules,
	.nrules = LENGTH(postgresql_rules),
	.sortable = COMPARED & ~SQL_TEXTS,
	.text = postgresql_text,
	.column = column_refusal,
	.veto = postgresql_veto,
	.output = postgresql_output,
	.written = SQL_ANY,
	.assigned = SQL_ANY,
	.default_row = "DEFAULT VALUES",
	.skip_conflicts = "ON CONFLICT DO NOTHING",
	.truncate = "TRUNCATE TABLE",
	.restart_identity = "RESTART IDENTITY",
	.cascade = "CASCADE",
	.blocks = "ctid >= ('(' || %1 || ',0)')::tid AND ctid <= ('(' || (%2 - 1) || ',65535)')::tid",
	.lock_share = "FOR SHARE",
	.lock_update = "FOR UPDATE",
	.returns = postgresql_returns,
	.input = postgresql_input,
};

/* ---- Relatives --------------------------------------------------------------------------- */

#define PLAIN	(SQL_INTEGERS | SQL_FLOATS | SQL_T(CONNHUB_DECIMAL) | SQL_T(CONNHUB_DATE) | \
				 SQL_T(CONNHUB_TIMESTAMP) | SQL_T(CONNHUB_BOOL))
#define BLANKS	"trailing blanks, and perhaps case, carry no meaning there"

static const SqlRule relative_rules[] = {
	{CONNHUB_FN_AND, BOOLEAN, 0, "(%[ AND ]1)"},
	{CONNHUB_FN_OR, BOOLEAN, 0, "(%[ OR ]1)"},
	{CONNHUB_FN_NOT, BOOLEAN, 0, "(NOT %1)"},
	{CONNHUB_FN_EQ, SQL_T(CONNHUB_TEXT), 0, "(%1 = %2)", SQL_TEXT_EQUALITY, CONNHUB_SUPERSET, BLANKS},
	{CONNHUB_FN_IN, SQL_T(CONNHUB_TEXT), 0, "(%1 IN (%[, ]2))", SQL_TEXT_EQUALITY, CONNHUB_SUPERSET, BLANKS},
	{CONNHUB_FN_EQ, PLAIN, 0, "(%1 = %2)"},
	{CONNHUB_FN_NE, PLAIN, 0, "(%1 <> %2)"},
	{CONNHUB_FN_LT, PLAIN, 0, "(%1 < %2)"},
	{CONNHUB_FN_LE, PLAIN, 0, "(%1 <= %2)"},
	{CONNHUB_FN_GT, PLAIN, 0, "(%1 > %2)"},
	{CONNHUB_FN_GE, PLAIN, 0, "(%1 >= %2)"},
	{CONNHUB_FN_IN, PLAIN, 0, "(%1 IN (%[, ]2))"},
	{CONNHUB_FN_NOT_IN, PLAIN, 0, "(%1 NOT IN (%[, ]2))"},
	{CONNHUB_FN_IS_NULL, SQL_ANY, 0, "(%1 IS NULL)"},
	{CONNHUB_FN_IS_NOT_NULL, SQL_ANY, 0, "(%1 IS NOT NULL)"},
	{CONNHUB_FN_CAST, SQL_INTEGERS, SQL_INTEGERS, "(%1::%t)"},
	{CONNHUB_FN_CAST, SQL_T(CONNHUB_TEXT), SQL_T(CONNHUB_TEXT), "%1"},
};

static void
relative_text(const ConnhubSource *source, const SqlTextQuestion *question, SqlTextAnswer *answer)
{
	if (question->use == SQL_TEXT_EQUALITY && question->column)
		answer->kind = CONNHUB_EXACT;
}

static const SqlDialect relative_dialect = {
	.name = "relatives of PostgreSQL",
	.flags = SQL_NULLS_WORDS | SQL_COLUMNS_QUALIFIED | SQL_MIXED_INTEGERS,
	.quote_open = '"',
	.quote_close = '"',
	.backslash = SQL_BACKSLASH_REFUSED,
	.params = SQL_PARAM_DOLLAR,
	.default_schema = "public",
	.true_literal = "true",
	.false_literal = "false",
	.always = "true",
	.null_literal = "NULL",
	.empty_output = "NULL",
	.limit = "LIMIT %1",
	.offset = "OFFSET %1",
	.types = {
		[CONNHUB_BOOL] = {SQL_BOOLEAN, "%v", "%p::%t", "boolean"},
		[CONNHUB_INT16] = {SQL_NUMBER, "%v", "%p::%t", "smallint"},
		[CONNHUB_INT32] = {SQL_NUMBER, "%v", "%p::%t", "integer"},
		[CONNHUB_INT64] = {SQL_NUMBER, "%v", "%p::%t", "bigint", NULL, -INT64_MAX, INT64_MAX},
		[CONNHUB_FLOAT32] = {SQL_STRING, "%v::real", "%p::%t", "real"},
		[CONNHUB_FLOAT64] = {SQL_STRING, "%v::double precision", "%p::%t", "double precision"},
		[CONNHUB_DECIMAL] = {SQL_NUMBER, "%v", "%p::%t", "numeric"},
		[CONNHUB_DATE] = {SQL_STRING, "%v::date", "%p::%t", "date", NULL, -719162, 2932896},
		[CONNHUB_TIMESTAMP] = {SQL_STRING, "%v::timestamp", "%p::%t", "timestamp", NULL,
			INT64_C(-62135596800000000), INT64_C(253402300799999999)},
		[CONNHUB_TEXT] = {SQL_STRING, "%v", "%p::%t", "varchar"},
	},
	.rules = relative_rules,
	.nrules = LENGTH(relative_rules),
	.sortable = PLAIN & ~SQL_FLOATS,
	.text = relative_text,
	.column = column_refusal,
	.output = postgresql_output,
};

/* ---- Slots ------------------------------------------------------------------------------- */

static const SqlDialect *
dialect_of(const ConnhubSource *source)
{
	return (source->flags & PG_FLAG_GENUINE) ? &postgresql_dialect : &relative_dialect;
}

void
pg_judge(const ConnhubSource *source, const ConnhubPiece *piece, ConnhubVerdict *verdict)
{
	sql_judge(dialect_of(source), source, piece, verdict);
	if (piece->kind == CONNHUB_PIECE_RANGE && source->version_num < 140000)
	{
		verdict->kind = CONNHUB_REFUSE;
		snprintf(verdict->reason, sizeof(verdict->reason), "a range of blocks is found by reading the whole table");
	}
}

ConnhubStatus
pg_render(const ConnhubSource *source, const ConnhubRequest *request, ConnhubText *out, ConnhubError *error)
{
	return sql_render(dialect_of(source), pg_host, source, request, out, error);
}

ConnhubStatus
pg_render_write(const ConnhubSource *source, const ConnhubWrite *write, ConnhubText *out, ConnhubError *error)
{
	return sql_render_write(dialect_of(source), pg_host, source, write, out, error);
}

ConnhubStatus
pg_render_modify(const ConnhubSource *source, const ConnhubModify *modify, ConnhubText *out, ConnhubError *error)
{
	return sql_render_modify(dialect_of(source), pg_host, source, modify, out, error);
}
