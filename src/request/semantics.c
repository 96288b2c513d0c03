/* request/semantics.c — what PostgreSQL's operators, functions and collations mean.
 *
 * The table claims, row by row, that a built-in function has exactly the meaning driver.h gives to a
 * code: result, NULLs, overflow.  A function is left out when its meaning depends on a setting
 * (comparing timestamp with timestamptz: the time zone; money: its text form) or on more than its operands' type (the order
 * of enum labels, blank-padded text in LIKE).  OIDs of built-in functions never change. */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_database.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/syscache.h"

#include "common/compat.h"
#include "request/semantics.h"

/* The six comparisons of functions named prefix##EQ and so on. */
#define COMPARISONS(prefix, operand) \
	{prefix##EQ, CONNHUB_FN_EQ, operand}, \
	{prefix##NE, CONNHUB_FN_NE, operand}, \
	{prefix##LT, CONNHUB_FN_LT, operand}, \
	{prefix##LE, CONNHUB_FN_LE, operand}, \
	{prefix##GT, CONNHUB_FN_GT, operand}, \
	{prefix##GE, CONNHUB_FN_GE, operand}

#define EQUALITY(prefix, operand) \
	{prefix##EQ, CONNHUB_FN_EQ, operand}, \
	{prefix##NE, CONNHUB_FN_NE, operand}

/* The four operations of functions named prefix##PL and so on. */
#define ARITHMETIC(prefix, operand) \
	{prefix##PL, CONNHUB_FN_ADD, operand}, \
	{prefix##MI, CONNHUB_FN_SUB, operand}, \
	{prefix##MUL, CONNHUB_FN_MUL, operand}, \
	{prefix##DIV, CONNHUB_FN_DIV, operand}

/* The aggregates of functions named prefix##INT2 and so on. */
#define SUMS(prefix, fn) \
	{prefix##INT2, fn, CONNHUB_INT16}, \
	{prefix##INT4, fn, CONNHUB_INT32}, \
	{prefix##INT8, fn, CONNHUB_INT64}, \
	{prefix##NUMERIC, fn, CONNHUB_DECIMAL}, \
	{prefix##FLOAT4, fn, CONNHUB_FLOAT32}, \
	{prefix##FLOAT8, fn, CONNHUB_FLOAT64}

#define EXTREMES(prefix, fn) \
	SUMS(prefix, fn), \
	{prefix##TEXT, fn, CONNHUB_TEXT}, \
	{prefix##BPCHAR, fn, CONNHUB_BPCHAR}, \
	{prefix##DATE, fn, CONNHUB_DATE}, \
	{prefix##TIME, fn, CONNHUB_TIME}, \
	{prefix##TIMETZ, fn, CONNHUB_TIMETZ}, \
	{prefix##TIMESTAMP, fn, CONNHUB_TIMESTAMP}, \
	{prefix##TIMESTAMPTZ, fn, CONNHUB_TIMESTAMPTZ}, \
	{prefix##INTERVAL, fn, CONNHUB_INTERVAL}

static const ChMeaning meanings[] = {
	/* Comparison. */
	COMPARISONS(F_BOOL, CONNHUB_BOOL),
	COMPARISONS(F_INT2, CONNHUB_INT16),
	COMPARISONS(F_INT4, CONNHUB_INT32),
	COMPARISONS(F_INT8, CONNHUB_INT64),
	COMPARISONS(F_INT24, CONNHUB_INT32),
	COMPARISONS(F_INT42, CONNHUB_INT32),
	COMPARISONS(F_INT28, CONNHUB_INT64),
	COMPARISONS(F_INT82, CONNHUB_INT64),
	COMPARISONS(F_INT48, CONNHUB_INT64),
	COMPARISONS(F_INT84, CONNHUB_INT64),
	COMPARISONS(F_FLOAT4, CONNHUB_FLOAT32),
	COMPARISONS(F_FLOAT8, CONNHUB_FLOAT64),
	COMPARISONS(F_FLOAT48, CONNHUB_FLOAT64),
	COMPARISONS(F_FLOAT84, CONNHUB_FLOAT64),
	COMPARISONS(F_NUMERIC_, CONNHUB_DECIMAL),
	COMPARISONS(F_DATE_, CONNHUB_DATE),
	COMPARISONS(F_TIME_, CONNHUB_TIME),
	COMPARISONS(F_TIMETZ_, CONNHUB_TIMETZ),
	COMPARISONS(F_TIMESTAMP_, CONNHUB_TIMESTAMP),
	COMPARISONS(F_TIMESTAMPTZ_, CONNHUB_TIMESTAMPTZ),
	COMPARISONS(F_INTERVAL_, CONNHUB_INTERVAL),
	COMPARISONS(F_UUID_, CONNHUB_UUID),
	COMPARISONS(F_BPCHAR, CONNHUB_BPCHAR),
	COMPARISONS(F_BYTEA, CONNHUB_BYTES),
	{F_DATE_EQ_TIMESTAMP, CONNHUB_FN_EQ, CONNHUB_TIMESTAMP},
	{F_TIMESTAMP_EQ_DATE, CONNHUB_FN_EQ, CONNHUB_TIMESTAMP},
	{F_DATE_NE_TIMESTAMP, CONNHUB_FN_NE, CONNHUB_TIMESTAMP},
	{F_TIMESTAMP_NE_DATE, CONNHUB_FN_NE, CONNHUB_TIMESTAMP},
	{F_DATE_LT_TIMESTAMP, CONNHUB_FN_LT, CONNHUB_TIMESTAMP},
	{F_TIMESTAMP_LT_DATE, CONNHUB_FN_LT, CONNHUB_TIMESTAMP},
	{F_DATE_LE_TIMESTAMP, CONNHUB_FN_LE, CONNHUB_TIMESTAMP},
	{F_TIMESTAMP_LE_DATE, CONNHUB_FN_LE, CONNHUB_TIMESTAMP},
	{F_DATE_GT_TIMESTAMP, CONNHUB_FN_GT, CONNHUB_TIMESTAMP},
	{F_TIMESTAMP_GT_DATE, CONNHUB_FN_GT, CONNHUB_TIMESTAMP},
	{F_DATE_GE_TIMESTAMP, CONNHUB_FN_GE, CONNHUB_TIMESTAMP},
	{F_TIMESTAMP_GE_DATE, CONNHUB_FN_GE, CONNHUB_TIMESTAMP},
	{F_TEXTEQ, CONNHUB_FN_EQ, CONNHUB_TEXT},
	{F_TEXTNE, CONNHUB_FN_NE, CONNHUB_TEXT},
	{F_TEXT_LT, CONNHUB_FN_LT, CONNHUB_TEXT},
	{F_TEXT_LE, CONNHUB_FN_LE, CONNHUB_TEXT},
	{F_TEXT_GT, CONNHUB_FN_GT, CONNHUB_TEXT},
	{F_TEXT_GE, CONNHUB_FN_GE, CONNHUB_TEXT},
	COMPARISONS(F_NETWORK_, CONNHUB_TYPE_NONE),
	COMPARISONS(F_MACADDR_, CONNHUB_TYPE_NONE),
	COMPARISONS(F_MACADDR8_, CONNHUB_TYPE_NONE),
	COMPARISONS(F_OID, CONNHUB_TYPE_NONE),
	COMPARISONS(F_BIT, CONNHUB_TYPE_NONE),
	COMPARISONS(F_VARBIT, CONNHUB_TYPE_NONE),
	EQUALITY(F_ENUM_, CONNHUB_TYPE_NONE),
	EQUALITY(F_ARRAY_, CONNHUB_TYPE_NONE),
	EQUALITY(F_RANGE_, CONNHUB_TYPE_NONE),
	EQUALITY(F_MULTIRANGE_, CONNHUB_TYPE_NONE),
	EQUALITY(F_JSONB_, CONNHUB_TYPE_NONE),

	/* Arithmetic. */
	ARITHMETIC(F_INT2, CONNHUB_INT16),
	ARITHMETIC(F_INT4, CONNHUB_INT32),
	ARITHMETIC(F_INT8, CONNHUB_INT64),
	ARITHMETIC(F_INT24, CONNHUB_INT32),
	ARITHMETIC(F_INT42, CONNHUB_INT32),
	ARITHMETIC(F_INT28, CONNHUB_INT64),
	ARITHMETIC(F_INT82, CONNHUB_INT64),
	ARITHMETIC(F_INT48, CONNHUB_INT64),
	ARITHMETIC(F_INT84, CONNHUB_INT64),
	ARITHMETIC(F_FLOAT4, CONNHUB_FLOAT32),
	ARITHMETIC(F_FLOAT8, CONNHUB_FLOAT64),
	ARITHMETIC(F_FLOAT48, CONNHUB_FLOAT64),
	ARITHMETIC(F_FLOAT84, CONNHUB_FLOAT64),
	{F_NUMERIC_ADD, CONNHUB_FN_ADD, CONNHUB_DECIMAL},
	{F_NUMERIC_SUB, CONNHUB_FN_SUB, CONNHUB_DECIMAL},
	{F_NUMERIC_MUL, CONNHUB_FN_MUL, CONNHUB_DECIMAL},
	{F_NUMERIC_DIV, CONNHUB_FN_DIV, CONNHUB_DECIMAL},
	{F_NUMERIC_MOD, CONNHUB_FN_MOD, CONNHUB_DECIMAL},
	{F_NUMERIC_UMINUS, CONNHUB_FN_NEG, CONNHUB_DECIMAL},
	{F_NUMERIC_ABS, CONNHUB_FN_ABS, CONNHUB_DECIMAL},
	{F_INT2MOD, CONNHUB_FN_MOD, CONNHUB_INT16},
	{F_MOD_INT2_INT2, CONNHUB_FN_MOD, CONNHUB_INT16},
	{F_INT4MOD, CONNHUB_FN_MOD, CONNHUB_INT32},
	{F_MOD_INT4_INT4, CONNHUB_FN_MOD, CONNHUB_INT32},
	{F_INT8MOD, CONNHUB_FN_MOD, CONNHUB_INT64},
	{F_MOD_INT8_INT8, CONNHUB_FN_MOD, CONNHUB_INT64},
	{F_MOD_NUMERIC_NUMERIC, CONNHUB_FN_MOD, CONNHUB_DECIMAL},
	{F_INT2UM, CONNHUB_FN_NEG, CONNHUB_INT16},
	{F_INT2ABS, CONNHUB_FN_ABS, CONNHUB_INT16},
	{F_ABS_INT2, CONNHUB_FN_ABS, CONNHUB_INT16},
	{F_INT4UM, CONNHUB_FN_NEG, CONNHUB_INT32},
	{F_INT4ABS, CONNHUB_FN_ABS, CONNHUB_INT32},
	{F_ABS_INT4, CONNHUB_FN_ABS, CONNHUB_INT32},
	{F_INT8UM, CONNHUB_FN_NEG, CONNHUB_INT64},
	{F_INT8ABS, CONNHUB_FN_ABS, CONNHUB_INT64},
	{F_ABS_INT8, CONNHUB_FN_ABS, CONNHUB_INT64},
	{F_FLOAT4UM, CONNHUB_FN_NEG, CONNHUB_FLOAT32},
	{F_FLOAT4ABS, CONNHUB_FN_ABS, CONNHUB_FLOAT32},
	{F_ABS_FLOAT4, CONNHUB_FN_ABS, CONNHUB_FLOAT32},
	{F_FLOAT8UM, CONNHUB_FN_NEG, CONNHUB_FLOAT64},
	{F_FLOAT8ABS, CONNHUB_FN_ABS, CONNHUB_FLOAT64},
	{F_ABS_FLOAT8, CONNHUB_FN_ABS, CONNHUB_FLOAT64},
	{F_ABS_NUMERIC, CONNHUB_FN_ABS, CONNHUB_DECIMAL},

	/* Text. */
	{F_TEXTLIKE, CONNHUB_FN_LIKE, CONNHUB_TEXT},
	{F_LIKE_TEXT_TEXT, CONNHUB_FN_LIKE, CONNHUB_TEXT},
	{F_TEXTNLIKE, CONNHUB_FN_NOT_LIKE, CONNHUB_TEXT},
	{F_NOTLIKE_TEXT_TEXT, CONNHUB_FN_NOT_LIKE, CONNHUB_TEXT},
	{F_TEXTICLIKE, CONNHUB_FN_ILIKE, CONNHUB_TEXT},
	{F_TEXTICNLIKE, CONNHUB_FN_NOT_ILIKE, CONNHUB_TEXT},
	{F_LOWER_TEXT, CONNHUB_FN_LOWER, CONNHUB_TEXT},
	{F_UPPER_TEXT, CONNHUB_FN_UPPER, CONNHUB_TEXT},
	{F_LENGTH_TEXT, CONNHUB_FN_CHAR_LENGTH, CONNHUB_TEXT},
	{F_CHAR_LENGTH_TEXT, CONNHUB_FN_CHAR_LENGTH, CONNHUB_TEXT},
	{F_CHARACTER_LENGTH_TEXT, CONNHUB_FN_CHAR_LENGTH, CONNHUB_TEXT},
	{F_TEXTLEN, CONNHUB_FN_CHAR_LENGTH, CONNHUB_TEXT},

	/* Lossless widening; the operand is what it is, the result the type of the call. */
	{F_INT4_INT2, CONNHUB_FN_CAST, CONNHUB_INT16},
	{F_INT8_INT2, CONNHUB_FN_CAST, CONNHUB_INT16},
	{F_INT8_INT4, CONNHUB_FN_CAST, CONNHUB_INT32},
	{F_FLOAT4_INT2, CONNHUB_FN_CAST, CONNHUB_INT16},
	{F_FLOAT8_INT2, CONNHUB_FN_CAST, CONNHUB_INT16},
	{F_FLOAT8_INT4, CONNHUB_FN_CAST, CONNHUB_INT32},
	{F_FLOAT8_FLOAT4, CONNHUB_FN_CAST, CONNHUB_FLOAT32},
	{F_NUMERIC_INT2, CONNHUB_FN_CAST, CONNHUB_INT16},
	{F_NUMERIC_INT4, CONNHUB_FN_CAST, CONNHUB_INT32},
	{F_NUMERIC_INT8, CONNHUB_FN_CAST, CONNHUB_INT64},
	{F_TIMESTAMP_DATE, CONNHUB_FN_CAST, CONNHUB_DATE},

	/* Aggregates and window functions. */
	{F_COUNT_, CONNHUB_FN_COUNT_ALL, CONNHUB_TYPE_NONE},
	{F_COUNT_ANY, CONNHUB_FN_COUNT, CONNHUB_TYPE_NONE},
	SUMS(F_SUM_, CONNHUB_FN_SUM),
	SUMS(F_AVG_, CONNHUB_FN_AVG),
	EXTREMES(F_MIN_, CONNHUB_FN_MIN),
	EXTREMES(F_MAX_, CONNHUB_FN_MAX),
	{F_BOOL_AND, CONNHUB_FN_BOOL_AND, CONNHUB_BOOL},
	{F_BOOL_OR, CONNHUB_FN_BOOL_OR, CONNHUB_BOOL},
	{F_EVERY, CONNHUB_FN_BOOL_AND, CONNHUB_BOOL},
	{F_ROW_NUMBER, CONNHUB_FN_ROW_NUMBER, CONNHUB_TYPE_NONE},
	{F_RANK_, CONNHUB_FN_RANK, CONNHUB_TYPE_NONE},
	{F_DENSE_RANK_, CONNHUB_FN_DENSE_RANK, CONNHUB_TYPE_NONE},
};

/* The table sorted by function, made on first use. */
static ChMeaning sorted[lengthof(meanings)];
static bool is_sorted = false;

static int
compare_meanings(const void *a, const void *b)
{
	Oid			left = ((const ChMeaning *) a)->function;
	Oid			right = ((const ChMeaning *) b)->function;

	return left < right ? -1 : left > right ? 1 : 0;
}

const ChMeaning *
ch_meaning_get(Oid function)
{
	ChMeaning	key = {.function = function};

	if (!is_sorted)
	{
		memcpy(sorted, meanings, sizeof(sorted));
		qsort(sorted, lengthof(sorted), sizeof(ChMeaning), compare_meanings);
		is_sorted = true;
	}
	return bsearch(&key, sorted, lengthof(sorted), sizeof(ChMeaning), compare_meanings);
}

/* Name of the locale behind the database's default collation. */
static char *
default_locale_name(void)
{
	HeapTuple	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
	int			attribute = ch_compat_locale_attribute();
	Datum		value = (Datum) 0;
	bool		isnull = true;
	char	   *name = pstrdup("default");

	if (!HeapTupleIsValid(tuple))
		return name;
	if (attribute != 0)
		value = SysCacheGetAttr(DATABASEOID, tuple, attribute, &isnull);
	if (isnull)
		value = SysCacheGetAttr(DATABASEOID, tuple, Anum_pg_database_datcollate, &isnull);
	if (!isnull)
		name = TextDatumGetCString(value);
	ReleaseSysCache(tuple);
	return name;
}

const ConnhubCollation *
ch_collation_make(Oid collation, bool folds)
{
	ConnhubCollation *result;
	HeapTuple	tuple;
	Form_pg_collation form;

	if (!OidIsValid(collation))
		return NULL;
	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for collation %u", collation);
	form = (Form_pg_collation) GETSTRUCT(tuple);

	result = palloc0(sizeof(ConnhubCollation));
	result->name = collation == DEFAULT_COLLATION_OID ?
		default_locale_name() : pstrdup(NameStr(form->collname));
	result->deterministic = form->collisdeterministic;
	ReleaseSysCache(tuple);

	/* "C" orders the bytes of the database's encoding: those of UTF-8 in a UTF-8 database only. */
	result->is_c = GetDatabaseEncoding() == PG_UTF8 &&
		(folds ? ch_compat_ctype_is_c(collation) : ch_compat_collate_is_c(collation));
	return result;
}
