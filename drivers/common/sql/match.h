/* sql/match.h — which rule a call falls under: shared by judge and renderer, private to this folder. */
#ifndef CONNHUB_SQL_MATCH_H
#define CONNHUB_SQL_MATCH_H

#include "dialect.h"

/* What a dialect makes of one call or sort key. */
typedef struct SqlMatch
{
	ConnhubVerdictKind kind;
	const char *form;			/* unless refused */
	char		reason[192];	/* unless exact */
} SqlMatch;

/* What becomes of an expression's value. */
typedef enum SqlPlace
{
	SQL_PLACE_VALUE = 0,		/* it is computed with */
	SQL_PLACE_CONDITION,		/* rows for which it is not true are left out */
	SQL_PLACE_OUTPUT			/* it is handed over */
} SqlPlace;

extern void sql_match_call(const SqlDialect *dialect, const ConnhubSource *source, const ConnhubExpr *call,
						   SqlMatch *match);
extern void sql_match_sort(const SqlDialect *dialect, const ConnhubSource *source, const ConnhubSortKey *key,
						   SqlMatch *match);

/* A group key, or an output of DISTINCT: may equal values be found equal there?  The form is that of its value. */
extern void sql_match_group(const SqlDialect *dialect, const ConnhubSource *source, const ConnhubExpr *key,
							SqlMatch *match);

/* Is the expression, by its pointer, a group key of the request? */
extern bool sql_is_group_key(const ConnhubRequest *request, const ConnhubExpr *expr);

/* Argument i of a call as it is sent: without a cast that the source does not need. */
extern const ConnhubExpr *sql_operand(const SqlDialect *dialect, const ConnhubExpr *call, uint32_t i);

/* Name of an operation as people know it. */
extern const char *sql_function_name(ConnhubFunction fn);

/* May this constant stand in a query?  Returns NULL or the reason why not. */
extern const char *sql_constant_refusal(const SqlDialect *dialect, const ConnhubValue *value);

/* Is this real, decimal, date or time a NaN or an infinity? */
extern bool sql_is_nonfinite(const ConnhubValue *value);

/* Append a constant's value as its type's encoding says. */
extern void sql_encode_value(TextWriter *writer, const SqlDialect *dialect, const ConnhubValue *value);

/* Append a quoted string literal, an identifier. */
extern void sql_quote_string(TextWriter *writer, const SqlDialect *dialect, const char *data, size_t length);
extern void sql_quote_identifier(TextWriter *writer, const SqlDialect *dialect, const char *name);

/* May the column be used so?  NULL or the reason why not. */
extern const char *sql_refusal_of(const SqlDialect *dialect, const ConnhubSource *source, const ConnhubColumn *column,
								  SqlColumnUse use);

/* Set a verdict to refused. */
extern void sql_refuse(ConnhubVerdict *verdict, const char *reason);

/* Judge an expression that must be exact. */
extern void sql_judge_value(const SqlDialect *dialect, const ConnhubSource *source, const ConnhubExpr *expr,
							ConnhubVerdict *verdict);

/* Judge how rows are written or locked. */
extern void sql_judge_write(const SqlDialect *dialect, const ConnhubSource *source, const ConnhubWrite *write,
							ConnhubVerdict *verdict);
extern void sql_judge_assign(const SqlDialect *dialect, const ConnhubSource *source, const ConnhubPiece *piece,
							 ConnhubVerdict *verdict);
extern void sql_judge_lock(const SqlDialect *dialect, const ConnhubRequest *query, ConnhubVerdict *verdict);

/* Append an expression of one table, its columns qualified by `table`.  Returns NULL or why it cannot be
 * written. */
extern const char *sql_render_expression(const SqlDialect *dialect, const ConnhubSource *source, const char *table,
										 const ConnhubExpr *expr, SqlPlace place, TextWriter *out);

/* Append a form whose %1 and %2 are the given expressions; otherwise likewise. */
extern const char *sql_render_pair(const SqlDialect *dialect, const ConnhubSource *source, const char *table,
								   const char *form, const ConnhubExpr *const args[2], TextWriter *out);

/* Append a table's name with its schema. */
extern void sql_render_table(TextWriter *out, const SqlDialect *dialect, const ConnhubSource *source,
							 const char *schema, const char *table);

/* The argument of an aggregate with a filter where that has no words of its own: null for the rows it leaves out.
 * Made in *call and pair. */
extern const ConnhubExpr *sql_filtered_argument(const ConnhubExpr *aggregate, ConnhubExpr *call, const ConnhubExpr *pair[2]);

#endif							/* CONNHUB_SQL_MATCH_H */
