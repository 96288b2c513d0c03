/* sql/dialect.h — what one SQL source is to the shared judge and renderer.
 *
 * A dialect is data: quoting, literal and parameter forms for each ABI type, and rules that say which
 * operation on which types has which native form, and whether it means exactly the same.  What has no
 * rule is not sent.  Few things need code: what a remote collation does to text, and what a column's
 * remote type does to its values.
 *
 * Forms are templates:
 *   %1 … %9      argument of the call, already in native form and safe to stand in any expression
 *   %[sep]N      arguments from the Nth on, joined by sep: "(%[ AND ]1)", "%1 IN (%[, ]2)"
 *   %c           the arguments of a CASE: "WHEN a THEN b … ELSE z"
 *   %t           name of the result's type (of a constant or parameter: its type)
 *   %v           a constant's value as its encoding gives it
 *   %p           a parameter's placeholder
 *   %r           a column's remote type (in SqlDialect.input only)
 *   %d           "DISTINCT " in an aggregate of distinct arguments
 *   %w           FILTER and OVER of an aggregate; a form without it ends in them
 *   %{N … %}     what stands between, unless argument N is a constant or a parameter
 *   %%           a percent sign
 */
#ifndef CONNHUB_SQL_DIALECT_H
#define CONNHUB_SQL_DIALECT_H

#include "connhub/driver.h"
#include "text.h"

/* Sets of ABI types. */
#define SQL_T(type)		(UINT32_C(1) << (type))
#define SQL_INTEGERS	(SQL_T(CONNHUB_INT16) | SQL_T(CONNHUB_INT32) | SQL_T(CONNHUB_INT64))
#define SQL_FLOATS		(SQL_T(CONNHUB_FLOAT32) | SQL_T(CONNHUB_FLOAT64))
#define SQL_NUMBERS		(SQL_INTEGERS | SQL_FLOATS | SQL_T(CONNHUB_DECIMAL))
#define SQL_DATETIMES	(SQL_T(CONNHUB_DATE) | SQL_T(CONNHUB_TIME) | SQL_T(CONNHUB_TIMETZ) | \
						 SQL_T(CONNHUB_TIMESTAMP) | SQL_T(CONNHUB_TIMESTAMPTZ))
#define SQL_TEXTS		(SQL_T(CONNHUB_TEXT) | SQL_T(CONNHUB_BPCHAR))
#define SQL_ANY			UINT32_MAX

/* Nesting of expressions beyond which nothing is sent. */
#define SQL_MAX_DEPTH	64

/* How a value becomes the %v of its form. */
typedef enum SqlEncoding
{
	SQL_NO_LITERAL = 0,			/* constants of the type are not sent */
	SQL_BOOLEAN,				/* SqlDialect.true_literal, false_literal */
	SQL_NUMBER,					/* digits; a negative one in parentheses, a real in shortest exact form */
	SQL_STRING,					/* quoted; numbers, dates, times, intervals and uuid in PostgreSQL's ISO form */
	SQL_HEX						/* lower-case hex digits of bytes or uuid, not quoted */
} SqlEncoding;

/* The native face of one ABI type. */
typedef struct SqlTypeForm
{
	SqlEncoding encoding;
	const char *literal;		/* "DATE %v"; NULL: "%v" */
	const char *param;			/* "CAST(%p AS %t)"; NULL: "%p" */
	const char *name;			/* %t; NULL: the type's pg_type */
	const char *nonfinite;		/* form of NaN and the infinities, %v being a quoted word; NULL: not sent */
	int64_t		min;			/* constants outside min … max are not sent; both 0: unbounded.  Integer */
	int64_t		max;			/* storage only, infinities apart */
} SqlTypeForm;

/* What a call does with its text operands. */
typedef enum SqlTextUse
{
	SQL_TEXT_UNUSED = 0,		/* nothing that depends on a collation */
	SQL_TEXT_EQUALITY,			/* =, <>, IN, IS DISTINCT, NULLIF */
	SQL_TEXT_RANGE,				/* <, <=, >, >= */
	SQL_TEXT_SORT,				/* ORDER BY */
	SQL_TEXT_PATTERN,			/* LIKE */
	SQL_TEXT_FOLD,				/* lower, upper, ILIKE */
	SQL_TEXT_GROUP				/* GROUP BY, DISTINCT, PARTITION BY: the form, of %1, is that of the value */
} SqlTextUse;

/* One operation on some types.  The first row that matches a call decides it. */
typedef struct SqlRule
{
	ConnhubFunction fn;
	uint32_t	operands;		/* every argument's type is in this set */
	uint32_t	result;			/* so is the result's; 0: any */
	const char *form;
	SqlTextUse	text;			/* asked of SqlDialect.text when an operand is text */
	ConnhubVerdictKind kind;	/* REFUSE: form is unused */
	const char *reason;			/* when not exact: a phrase for EXPLAIN */
	uint32_t	min_version;	/* ConnhubInfo.version_num needed; 0: any */
	uint64_t	flags;			/* bits that must be set in ConnhubSource.flags */
	const char *product;		/* ConnhubInfo.product needed; NULL: any */
} SqlRule;

/* A question about text, and the dialect's answer.  Asked only when the local collation is known and
 * deterministic. */
typedef struct SqlTextQuestion
{
	SqlTextUse	use;
	ConnhubFunction fn;			/* NONE for a sort key */
	const ConnhubColumn *column;	/* a text column among the operands; NULL when there is none.  With
									 * several columns each is asked, and the answers must agree */
	ConnhubType type;			/* of the operands: TEXT or BPCHAR */
	const ConnhubCollation *collation;	/* how the comparison is meant here */
} SqlTextQuestion;

typedef struct SqlTextAnswer
{
	ConnhubVerdictKind kind;	/* preset to REFUSE */
	const char *form;			/* replaces the rule's form; a sort key's form has %1 only; NULL: as it is */
	const char *reason;			/* when not exact */
} SqlTextAnswer;

/* What is asked of a column. */
typedef enum SqlColumnUse
{
	SQL_COLUMN_VALUE = 0,		/* compared, computed with, sorted by */
	SQL_COLUMN_NULL_TEST		/* only whether it is null */
} SqlColumnUse;

typedef enum SqlParamStyle
{
	SQL_PARAM_DOLLAR,			/* $1, $2; a number may repeat */
	SQL_PARAM_QUESTION			/* ?1, ?2; a number may repeat.  See sql_bind_order for libraries that
								 * know a plain ? only */
} SqlParamStyle;

typedef enum SqlBackslash
{
	SQL_BACKSLASH_PLAIN,		/* an ordinary character in a string literal */
	SQL_BACKSLASH_DOUBLED,		/* the escape character: written twice */
	SQL_BACKSLASH_REFUSED		/* not known: constants with a backslash are not sent */
} SqlBackslash;

#define SQL_NULLS_WORDS			0x01	/* knows NULLS FIRST and NULLS LAST */
#define SQL_NULLS_LOW			0x02	/* by default nulls sort before every value; else after */
#define SQL_COLUMNS_QUALIFIED	0x04	/* columns are written t.c: a name alone could mean something else */
#define SQL_MIXED_INTEGERS		0x08	/* integers of different width compare without a cast, and by index */
#define SQL_LIMIT_CONSTANT		0x10	/* LIMIT and OFFSET take constants only */
#define SQL_ZONE_OMITTED		0x20	/* instants are written in UTC without saying so */
#define SQL_MIXED_DATES			0x80	/* dates and timestamps compare without a cast, and by index */
#define SQL_AGGREGATE_FILTER	0x100	/* aggregates take FILTER (WHERE …) */
#define SQL_GROUPING_SETS		0x200	/* knows GROUPING SETS */
#define SQL_FRAME_GROUPS		0x400	/* frames may count groups of peers */
#define SQL_GROUPED_IS_SORTED	0x800	/* text in the form of a group key sorts by bytes already */
#define SQL_LIMIT_OUTSIDE_IN	0x1000	/* no LIMIT in the sub-select of an IN */
#define SQL_SETS_IN_ORDER		0x40	/* a SET sees what those before it have set */

typedef struct SqlDialect
{
	const char *name;			/* for reasons: "no form of it is known for <name>" */
	uint32_t	flags;			/* SQL_… */
	char		quote_open;		/* around identifiers; the closing one is doubled inside */
	char		quote_close;
	SqlBackslash backslash;
	SqlParamStyle params;
	const char *default_schema; /* qualifies tables when nothing else does; NULL: leave them bare */
	const char *true_literal;
	const char *false_literal;
	const char *always;			/* a condition that always holds: "TRUE" */
	const char *null_literal;	/* "NULL", "CAST(NULL AS %t)" */
	const char *empty_output;	/* the select list of a request without outputs: "NULL" */
	uint32_t	full_join;		/* version from which FULL JOIN is known; 0: never */
	const char *limit;			/* "LIMIT %1" */
	const char *offset;			/* "OFFSET %1" */
	const char *offset_alone;	/* when there is no limit: "LIMIT -1 OFFSET %1"; NULL: as offset */
	SqlTypeForm types[CONNHUB_NTYPES];	/* designated by ConnhubType */
	const SqlRule *rules;
	uint32_t	nrules;
	uint32_t	sortable;		/* types of sort keys whose order is the same there, text apart */

	/* What text means there.  NULL: no text is compared. */
	void		(*text) (const ConnhubSource *source, const SqlTextQuestion *question, SqlTextAnswer *answer);

	/* May values of this column be computed with there?  Returns NULL, or the reason why not.
	 * NULL: sql_column_refusal alone. */
	const char *(*column) (const ConnhubSource *source, const ConnhubColumn *column, SqlColumnUse use);

	/* A last word on a call that a rule has accepted (fn not NONE), or on a sort key, a constant or a
	 * parameter (fn NONE).  Returns NULL, or the reason why not.  NULL: no objection. */
	const char *(*veto) (const ConnhubSource *source, ConnhubFunction fn, const ConnhubExpr *expr);

	/* May a value be sought by IN among the values of a sub-select, with which it may be compared?  Returns NULL, or the
	 * reason why not.  NULL: always. */
	const char *(*membership) (const ConnhubExpr *sought, const ConnhubExpr *found);

	/* Does a call that a rule has accepted as exact let more rows through after all, or does a boolean
	 * column that stands alone as a condition (fn NONE)?  Returns NULL, or the reason: the verdict
	 * becomes a superset.  NULL: never. */
	const char *(*excess) (const ConnhubSource *source, ConnhubFunction fn, const ConnhubExpr *expr);

	/* Form (with %1) of a column's value that fails there where reading it fails here; NULL for a column that holds
	 * nothing else.  It stands wherever the column is computed with, grouped by or sorted by; what only equals
	 * nothing is left to the comparison.  NULL: no column needs one. */
	const char *(*checked) (const ConnhubSource *source, const ConnhubColumn *column);

	/* Form (with %1, %t) of an output column, or NULL to leave it as it is.  NULL: never cast. */
	const char *(*output) (const ConnhubSource *source, const ConnhubExpr *expr);

	/* Writing.  What is 0 or NULL is refused. */
	uint32_t	written;		/* types whose values rows may hold */
	uint32_t	assigned;		/* types in which a SET may be computed there: what is stored is what would have
								 * been sent */
	const char *default_row;	/* an INSERT without columns: "DEFAULT VALUES" */
	const char *skip_conflicts; /* leaves out rows that a unique key forbids, and hides no other error:
								 * "ON CONFLICT DO NOTHING" */
	const char *truncate;		/* before the table's name: "TRUNCATE TABLE" */
	const char *restart_identity;	/* after it */
	const char *cascade;
	const char *blocks;			/* condition that a row is stored in block %1 or behind it, and before block %2; NULL: none */
	const char *lock_share;		/* "FOR SHARE" */
	const char *lock_update;	/* "FOR UPDATE" */

	/* Does a write of this kind know RETURNING?  NULL: none does. */
	bool		(*returns) (const ConnhubSource *source, ConnhubWriteKind kind);

	/* Form (with %p, %r) of a value on its way into a column, or NULL: "%p", whose type the column
	 * decides.  NULL: always. */
	const char *(*input) (const ConnhubSource *source, const ConnhubColumn *column);

	/* Form (with %1 the column, %2 the value) that finds the row by this column of its key, where equality
	 * has no exact one; or NULL.  NULL: never. */
	const char *(*key) (const ConnhubSource *source, const ConnhubColumn *column);

	/* May values be put into this column?  Returns NULL, or the reason why not.  NULL: no objection. */
	const char *(*store) (const ConnhubSource *source, const ConnhubColumn *column);
} SqlDialect;

/* The driver's judge and render slots are one call of these each.  Pure. */
extern void sql_judge(const SqlDialect *dialect, const ConnhubSource *source, const ConnhubPiece *piece,
					  ConnhubVerdict *verdict);
extern ConnhubStatus sql_render(const SqlDialect *dialect, const ConnhubHost *host, const ConnhubSource *source,
								const ConnhubRequest *request, ConnhubText *out, ConnhubError *error);

/* The slots render_write and render_modify, likewise.  Parameters are numbered as ConnhubRows and
 * ConnhubModify say.  Names of columns are qualified by the table's own name: no alias stands in every
 * clause of every source. */
extern ConnhubStatus sql_render_write(const SqlDialect *dialect, const ConnhubHost *host, const ConnhubSource *source,
									  const ConnhubWrite *write, ConnhubText *out, ConnhubError *error);
extern ConnhubStatus sql_render_modify(const SqlDialect *dialect, const ConnhubHost *host, const ConnhubSource *source,
									   const ConnhubModify *modify, ConnhubText *out, ConnhubError *error);

/* Append the text of a value that is neither text nor bytes, without quotes, as PostgreSQL reads it. */
extern void sql_append_plain(TextWriter *writer, const ConnhubValue *value);

/* The usual question about a column: is its remote type known, and the one declared here?  Returns NULL
 * or the reason why not.  A null test needs only the first. */
extern const char *sql_column_refusal(const ConnhubColumn *column, SqlColumnUse use);

/* Is it a constant LIKE pattern whose last backslash has nothing to escape?  PostgreSQL then fails. */
extern bool sql_pattern_dangles(const ConnhubExpr *pattern);
#define SQL_PATTERN_DANGLES	"a pattern that ends in its escape character is an error here and none there"

/* Does a call compare its operands? */
extern bool sql_is_comparison(ConnhubFunction fn);

/* Is it an integer constant from least to most? */
extern bool sql_is_constant_between(const ConnhubExpr *expr, int64_t least, int64_t most);

/* Is the result of integer arithmetic always within its type, whatever the operands are? */
extern bool sql_never_overflows(const ConnhubExpr *call);

/* Turn rendered text with numbered placeholders (?1) into text with plain ones for libraries that bind
 * by position.  order receives, for each placeholder, the 0-based parameter it stands for; *norder is
 * their number.  order comes from host->alloc.  OK or NO_MEMORY. */
extern ConnhubStatus sql_bind_order(const SqlDialect *dialect, const ConnhubHost *host, const char *text,
									ConnhubText *out, uint32_t **order, uint32_t *norder);

#endif							/* CONNHUB_SQL_DIALECT_H */
