/* sql/render.c — a request of accepted pieces as SQL text.
 *
 * Every call is looked up again as judge did, so the form that is sent is the one that was judged.
 * Columns below ORDER BY are qualified where an output's cast could lend its name to another value. */
#include "fail.h"
#include "match.h"

#include <string.h>

/* Name of the one relation in FROM. */
#define RELATION	"t"

typedef struct Render
{
	const SqlDialect *dialect;
	const ConnhubSource *source;
	TextWriter	out;
	const char *table;			/* qualifies columns instead of RELATION, or NULL */
	bool		in_limit;		/* constants are bare digits */
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
} FormArgs;

static void render_expr(Render *render, const ConnhubExpr *expr, int depth);

static void
render_argument(Render *render, const FormArgs *args, uint32_t i, int depth)
{
	if (i >= args->nargs)
		render->refusal = "a form names an argument that is not there";
	else
		render_expr(render, args->call ? sql_operand(render->dialect, args->call, i) : args->args[i], depth);
}

static void
render_list(Render *render, const FormArgs *args, uint32_t first, const char *separator, size_t length, int depth)
{
	for (uint32_t i = first; i < args->nargs; i++)
	{
		if (i > first)
			text_bytes(&render->out, separator, length);
		render_argument(render, args, i, depth);
	}
}

static void
render_case(Render *render, const FormArgs *args, int depth)
{
	uint32_t	i;

	for (i = 0; i + 1 < args->nargs; i += 2)
	{
		text_string(&render->out, i > 0 ? " WHEN " : "WHEN ");
		render_argument(render, args, i, depth);
		text_string(&render->out, " THEN ");
		render_argument(render, args, i + 1, depth);
	}
	if (i < args->nargs)
	{
		text_string(&render->out, " ELSE ");
		render_argument(render, args, i, depth);
	}
}

static void
render_type(Render *render, const ConnhubTypeRef *type)
{
	const char *name = render->dialect->types[type->type].name;

	if (!name)
		name = type->pg_type;
	if (name)
		text_string(&render->out, name);
	else
		render->refusal = "a type has no name at the source";
}

/* Write a form with its escapes replaced. */
static void
render_form(Render *render, const char *form, const FormArgs *args, int depth)
{
	for (const char *p = form; *p && !render->refusal; p++)
	{
		if (*p != '%')
		{
			text_char(&render->out, *p);
			continue;
		}
		p++;
		if (*p >= '1' && *p <= '9')
			render_argument(render, args, (uint32_t) (*p - '1'), depth);
		else if (*p == '[')
		{
			const char *end = strchr(p, ']');

			if (!end || end[1] < '1' || end[1] > '9')
			{
				render->refusal = "a form is malformed";
				return;
			}
			render_list(render, args, (uint32_t) (end[1] - '1'), p + 1, (size_t) (end - p - 1), depth);
			p = end + 1;
		}
		else if (*p == 'c')
			render_case(render, args, depth);
		else if (*p == 't')
			render_type(render, args->type);
		else if (*p == 'v')
			sql_encode_value(&render->out, render->dialect, args->value);
		else if (*p == 'p')
			text_format(&render->out, "%c%u", render->dialect->params == SQL_PARAM_DOLLAR ? '$' : '?',
						args->param + 1);
		else if (*p == '%')
			text_char(&render->out, '%');
		else
		{
			render->refusal = "a form is malformed";
			return;
		}
	}
}

static void
render_column(Render *render, const ConnhubColumn *column)
{
	if ((render->dialect->flags & SQL_COLUMNS_QUALIFIED) && render->table)
	{
		sql_quote_identifier(&render->out, render->dialect, render->table);
		text_char(&render->out, '.');
	}
	else if (render->dialect->flags & SQL_COLUMNS_QUALIFIED)
		text_string(&render->out, RELATION ".");
	sql_quote_identifier(&render->out, render->dialect, column->name);
}

static void
render_const(Render *render, const ConnhubExpr *expr)
{
	const ConnhubValue *value = expr->value;
	const SqlTypeForm *form = &render->dialect->types[value->type.type];
	FormArgs	args = {.type = &value->type, .value = value};
	const char *text = form->literal ? form->literal : "%v";

	if (sql_constant_refusal(render->dialect, value))
	{
		render->refusal = sql_constant_refusal(render->dialect, value);
		return;
	}
	if (value->is_null)
		text = render->dialect->null_literal;
	else if (sql_is_nonfinite(value))
		text = form->nonfinite;
	else if (render->in_limit)
		text = "%v";
	render_form(render, text, &args, 0);
}

static void
render_param(Render *render, const ConnhubExpr *expr)
{
	const SqlTypeForm *form = &render->dialect->types[expr->type.type];
	FormArgs	args = {.type = &expr->type, .param = expr->param};

	render_form(render, form->param ? form->param : "%p", &args, 0);
}

static void
render_call(Render *render, const ConnhubExpr *expr, int depth)
{
	FormArgs	args = {.args = expr->args, .nargs = expr->nargs, .call = expr, .type = &expr->type};
	SqlMatch	match;

	sql_match_call(render->dialect, render->source, expr, &match);
	if (match.kind == CONNHUB_REFUSE)
		render->refusal = "it was refused when judged";
	else
		render_form(render, match.form, &args, depth);
}

static void
render_expr(Render *render, const ConnhubExpr *expr, int depth)
{
	if (render->refusal || render->out.failed)
		return;
	if (depth > SQL_MAX_DEPTH || (unsigned) expr->type.type >= CONNHUB_NTYPES)
		render->refusal = "the expression is nested too deeply or of a type not known";
	else if (expr->kind == CONNHUB_EXPR_COLUMN)
		render_column(render, expr->column);
	else if (expr->kind == CONNHUB_EXPR_CONST)
		render_const(render, expr);
	else if (expr->kind == CONNHUB_EXPR_PARAM)
		render_param(render, expr);
	else if (expr->kind == CONNHUB_EXPR_CALL)
		render_call(render, expr, depth + 1);
	else
		render->refusal = "the expression is of a kind not known";
}

/* ---- Clauses ----------------------------------------------------------------------------- */

static void
render_output(Render *render, const ConnhubExpr *expr)
{
	const char *form = render->dialect->output ? render->dialect->output(render->source, expr) : NULL;
	FormArgs	args = {.args = &expr, .nargs = 1, .type = &expr->type};

	if (form)
		render_form(render, form, &args, 0);
	else
		render_expr(render, expr, 0);
}

static void
render_outputs(Render *render, const ConnhubRequest *request)
{
	text_string(&render->out, "SELECT ");
	if (request->noutputs == 0)
		text_string(&render->out, render->dialect->empty_output);
	for (uint32_t i = 0; i < request->noutputs; i++)
	{
		if (i > 0)
			text_string(&render->out, ", ");
		render_output(render, request->outputs[i]);
	}
}

void
sql_render_table(TextWriter *out, const SqlDialect *dialect, const ConnhubSource *source, const char *schema,
				 const char *table)
{
	if (!schema)
		schema = source->schema ? source->schema : dialect->default_schema;
	if (schema)
	{
		sql_quote_identifier(out, dialect, schema);
		text_char(out, '.');
	}
	sql_quote_identifier(out, dialect, table);
}

static void
render_relation(Render *render, const ConnhubRequest *request)
{
	text_string(&render->out, " FROM ");
	sql_render_table(&render->out, render->dialect, render->source, request->schema, request->table);
	if (render->dialect->flags & SQL_COLUMNS_QUALIFIED)
		text_string(&render->out, " AS " RELATION);
}

/* Write where nulls go unless they go there anyway: a source can then use an index. */
static void
render_sort_key(Render *render, const ConnhubSortKey *key)
{
	const SqlDialect *dialect = render->dialect;
	bool		low = (dialect->flags & SQL_NULLS_LOW) != 0;
	bool		default_first = low != key->descending;
	bool		never_null = key->expr->kind == CONNHUB_EXPR_COLUMN && key->expr->column->not_null;
	bool		placed = key->nulls_first == default_first || never_null;
	FormArgs	args = {.args = &key->expr, .nargs = 1, .type = &key->expr->type};
	SqlMatch	match;

	sql_match_sort(dialect, render->source, key, &match);
	if (match.kind != CONNHUB_EXACT)
	{
		render->refusal = "a sort key was refused when judged";
		return;
	}
	if (!placed && (dialect->flags & SQL_NULLS_WORDS) == 0)
	{
		render_form(render, key->nulls_first ? "(%1 IS NOT NULL), " : "(%1 IS NULL), ", &args, 0);
		placed = true;
	}
	render_form(render, match.form, &args, 0);
	if (key->descending)
		text_string(&render->out, " DESC");
	if (!placed)
		text_string(&render->out, key->nulls_first ? " NULLS FIRST" : " NULLS LAST");
}

static void
render_limit(Render *render, const ConnhubRequest *request)
{
	const SqlDialect *dialect = render->dialect;
	FormArgs	limit = {.args = &request->limit, .nargs = 1};
	FormArgs	offset = {.args = &request->offset, .nargs = 1};
	bool		limited = request->limit &&
		!(request->limit->kind == CONNHUB_EXPR_CONST && request->limit->value->is_null);
	bool		skips = request->offset &&
		!(request->offset->kind == CONNHUB_EXPR_CONST && request->offset->value->is_null);

	render->in_limit = true;
	if (limited)
	{
		text_char(&render->out, ' ');
		render_form(render, dialect->limit, &limit, 0);
	}
	if (skips)
	{
		text_char(&render->out, ' ');
		render_form(render, !limited && dialect->offset_alone ? dialect->offset_alone : dialect->offset, &offset, 0);
	}
}

static void
render_lock(Render *render, ConnhubLock lock)
{
	const SqlDialect *dialect = render->dialect;
	const char *form = lock == CONNHUB_LOCK_UPDATE ? dialect->lock_update : dialect->lock_share;

	if (lock == CONNHUB_LOCK_NONE)
		return;
	text_char(&render->out, ' ');
	if (form)
		text_string(&render->out, form);
	else
		render->refusal = "rows are not locked there";
}

const char *
sql_render_expression(const SqlDialect *dialect, const ConnhubSource *source, const char *table,
					  const ConnhubExpr *expr, bool as_output, TextWriter *out)
{
	Render		render = {.dialect = dialect, .source = source, .out = *out, .table = table};

	if (as_output)
		render_output(&render, expr);
	else
		render_expr(&render, expr, 0);
	*out = render.out;
	return render.refusal;
}

const char *
sql_render_pair(const SqlDialect *dialect, const ConnhubSource *source, const char *table, const char *form,
				const ConnhubExpr *const args[2], TextWriter *out)
{
	Render		render = {.dialect = dialect, .source = source, .out = *out, .table = table};
	FormArgs	pair = {.args = args, .nargs = 2, .type = &args[0]->type};

	render_form(&render, form, &pair, 0);
	*out = render.out;
	return render.refusal;
}

ConnhubStatus
sql_render(const SqlDialect *dialect, const ConnhubHost *host, const ConnhubSource *source,
		   const ConnhubRequest *request, ConnhubText *out, ConnhubError *error)
{
	Render		render = {.dialect = dialect, .source = source};

	text_begin(&render.out, host, out);
	render_outputs(&render, request);
	render_relation(&render, request);
	for (uint32_t i = 0; i < request->nfilters; i++)
	{
		text_string(&render.out, i == 0 ? " WHERE " : " AND ");
		render_expr(&render, request->filters[i], 0);
	}
	for (uint32_t i = 0; i < request->nsort; i++)
	{
		text_string(&render.out, i == 0 ? " ORDER BY " : ", ");
		render_sort_key(&render, &request->sort[i]);
	}
	render_limit(&render, request);
	render_lock(&render, request->lock);

	if (text_end(&render.out) != CONNHUB_OK)
		return fail_no_memory(error);
	if (render.refusal)
	{
		fail_as(error, CONNHUB_INTERNAL, "cannot express the request in %s", dialect->name);
		fail_detail(error, "A piece of it cannot be sent: %s.", render.refusal);
	}
	return error->status;
}
