/* sql/render.h — what rendering expressions and whole requests share; private to this folder. */
#ifndef CONNHUB_SQL_RENDER_H
#define CONNHUB_SQL_RENDER_H

#include "match.h"

/* Name of the one relation in FROM, and what stands before the number of one of several. */
#define RELATION	"t"

typedef struct Render
{
	const SqlDialect *dialect;
	const ConnhubSource *source;
	TextWriter	out;
	const char *table;			/* qualifies columns instead of RELATION, or NULL */
	const ConnhubRequest *request;	/* the innermost one being written; its group keys have a form of their own */
	const ConnhubExpr *distinct_text;	/* argument of an aggregate of distinct values */
	bool		in_limit;		/* constants are bare digits */
	bool		is_named;		/* the outputs have names, which a column's own could be: columns are qualified */
	bool		reads_outputs;	/* the outputs of the next request are read here */
	bool		checks_outputs; /* they are compared by the query around it */
	SqlPlace	place;			/* of the next expression, and no longer */
	const ConnhubRelation *kept;	/* its rows are there whether they pass a condition or not */
	const ConnhubRequest *negated;	/* a sub-select whose having no rows counts: so are all but its own */
	const char *refusal;		/* a piece that judge would not have accepted */
} Render;

/* What the escapes of a form stand for. */
typedef struct FormArgs
{
	const ConnhubExpr *const *args;
	uint32_t	nargs;
	const ConnhubExpr *call;	/* when args are a call's */
	const ConnhubTypeRef *type;
	const ConnhubValue *value;
	uint32_t	param;
	bool		is_distinct;
	uint32_t	bare;			/* bits of the arguments that stand unchecked when they are columns */
	SqlPlace	place;			/* of the arguments */
	const ConnhubExpr *aggregate;	/* when the form is an aggregate's */
} FormArgs;

extern void sql_render_form(Render *render, const char *form, const FormArgs *args, int depth);
extern void sql_render_expr(Render *render, const ConnhubExpr *expr, int depth);

/* The select list. */
extern void sql_render_output(Render *render, const ConnhubExpr *expr);

/* A sort key with the place of its nulls.  is_bare: a column stands unchecked. */
extern void sql_render_sort_key(Render *render, const ConnhubSortKey *key, bool is_bare);

/* The form of a column that must be checked before it is used, or NULL. */
extern const char *sql_check_of(const Render *render, const ConnhubExpr *expr);

/* Is the relation of this number in the tree? */
extern bool sql_has_relation(const ConnhubRelation *tree, uint32_t number, int depth);

/* LIMIT and OFFSET. */
extern void sql_render_limit(Render *render, const ConnhubRequest *request);

/* Do the nulls of a sort key come where they are wanted without a word about it? */
extern bool sql_nulls_are_placed(const SqlDialect *dialect, const ConnhubSortKey *key);

/* The first rows of an order whose nulls the source puts elsewhere, as the first of those that are null and of those
 * that are not; outputs are called c1, c2, ….  False, with nothing written, when the request asks for no such thing. */
extern bool sql_render_split(Render *render, const ConnhubRequest *request, int depth);

/* SELECT … of a request; names_outputs: its outputs are called c1, c2, …. */
extern void sql_render_request(Render *render, const ConnhubRequest *request, bool names_outputs, int depth);

#endif							/* CONNHUB_SQL_RENDER_H */
