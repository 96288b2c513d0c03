/* sql/render.c — expressions of accepted pieces as SQL text.
 *
 * A column whose values are checked before they are used stands bare only where what does not belong there cannot
 * change the answer: as an output, and in a condition beside a check that an index could not serve.  There a row whose
 * value equals nothing, or is out of the range asked for, is left out unread; so it must be of a relation whose rows a
 * failed condition leaves out.
 *
 * Every call is looked up again as judge did, so the form that is sent is the one that was judged.
 * Columns below ORDER BY are qualified where an output's cast could lend its name to another value. */
#include "render.h"

#include <string.h>

static void render_over(Render *render, const ConnhubExpr *aggregate, int depth);

static void
render_column(Render *render, const ConnhubExpr *expr)
{
	if (expr->relation > 0)
		text_format(&render->out, RELATION "%u.", expr->relation);
	else if ((render->dialect->flags & SQL_COLUMNS_QUALIFIED) && render->table)
	{
		sql_quote_identifier(&render->out, render->dialect, render->table);
		text_char(&render->out, '.');
	}
	else if ((render->dialect->flags & SQL_COLUMNS_QUALIFIED) || render->is_named)
		text_string(&render->out, RELATION ".");
	sql_quote_identifier(&render->out, render->dialect, expr->column->name);
}

static void
render_argument(Render *render, const FormArgs *args, uint32_t i, int depth)
{
	const ConnhubExpr *arg;

	if (i >= args->nargs)
	{
		render->refusal = "a form names an argument that is not there";
		return;
	}
	arg = args->call ? sql_operand(render->dialect, args->call, i) : args->args[i];
	if (i < 32 && (args->bare & (UINT32_C(1) << i)) != 0 && arg->kind == CONNHUB_EXPR_COLUMN)
	{
		render_column(render, arg);
		return;
	}
	render->place = args->place;
	sql_render_expr(render, arg, depth);
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

/* The end of a "%{N": past the digit, or at its "%}" when argument N is known before the rows are. */
static const char *
enter_option(Render *render, const FormArgs *args, const char *p)
{
	const char *end = strstr(p, "%}");
	uint32_t	i = (uint32_t) (p[1] - '1');
	const ConnhubExpr *arg;

	if (!end || i >= args->nargs)
	{
		render->refusal = "a form is malformed";
		return p;
	}
	arg = args->call ? sql_operand(render->dialect, args->call, i) : args->args[i];
	return arg->kind == CONNHUB_EXPR_CONST || arg->kind == CONNHUB_EXPR_PARAM ? end + 1 : p + 1;
}

/* Write a form with its escapes replaced. */
void
sql_render_form(Render *render, const char *form, const FormArgs *args, int depth)
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
		else if (*p == 'w' && args->aggregate)
			render_over(render, args->aggregate, depth);
		else if (*p == 'd')
			text_string(&render->out, args->is_distinct ? "DISTINCT " : "");
		else if (*p == '{')
			p = enter_option(render, args, p);
		else if (*p == '%')
			text_char(&render->out, '%');
		else if (*p != '}')
		{
			render->refusal = "a form is malformed";
			return;
		}
	}
}

const char *
sql_check_of(const Render *render, const ConnhubExpr *expr)
{
	if (expr->kind != CONNHUB_EXPR_COLUMN || !render->dialect->checked)
		return NULL;
	return render->dialect->checked(render->source, expr->column);
}

static void
render_checked(Render *render, const ConnhubExpr *expr)
{
	const char *form = sql_check_of(render, expr);
	FormArgs	args = {.args = &expr, .nargs = 1, .type = &expr->type, .bare = 1};

	sql_render_form(render, form ? form : "%1", &args, 0);
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
	sql_render_form(render, text, &args, 0);
}

static void
render_param(Render *render, const ConnhubExpr *expr)
{
	const SqlTypeForm *form = &render->dialect->types[expr->type.type];
	FormArgs	args = {.type = &expr->type, .param = expr->param};

	sql_render_form(render, form->param ? form->param : "%p", &args, 0);
}

bool
sql_has_relation(const ConnhubRelation *tree, uint32_t number, int depth)
{
	if (depth > SQL_MAX_DEPTH)
		return true;
	if (tree->join == CONNHUB_JOIN_NONE)
		return tree->number == number;
	return sql_has_relation(tree->left, number, depth + 1) || sql_has_relation(tree->right, number, depth + 1);
}

/* Is it a column to be checked that may stand bare in a condition, when only what equals a sound value passes? */
static bool
may_be_bare(const Render *render, const ConnhubExpr *expr)
{
	const ConnhubRequest *negated = render->negated;

	if (!sql_check_of(render, expr) || (render->kept && sql_has_relation(render->kept, expr->relation, 0)))
		return false;
	return !negated || (negated->from ? sql_has_relation(negated->from, expr->relation, 0) : expr->relation == 0);
}

/* Operands of a comparison that may stand bare, as bits. */
static uint32_t
bare_operands(const Render *render, const ConnhubExpr *call, int *count)
{
	uint32_t	bits = 0;

	*count = 0;
	for (uint32_t i = 0; i < call->nargs; i++)
		if (may_be_bare(render, sql_operand(render->dialect, call, i)))
		{
			(*count)++;
			bits |= i < 32 ? UINT32_C(1) << i : 0;
		}
	return bits;
}

/* A comparison that rows must pass.  Of two operands each stands bare once, beside the other's check, so that an index
 * on either serves. */
static void
render_condition(Render *render, const ConnhubExpr *expr, const char *form, FormArgs *args, int depth)
{
	bool		equality = expr->fn == CONNHUB_FN_EQ || expr->fn == CONNHUB_FN_IN || expr->fn == CONNHUB_FN_IS_NOT_DISTINCT;
	bool		range = expr->fn >= CONNHUB_FN_LT && expr->fn <= CONNHUB_FN_GE;
	int			count;
	uint32_t	bits = bare_operands(render, expr, &count);

	if (equality && count == 1)
		args->bare = bits;
	else if (count > 0 && expr->nargs == 2 && (range || (equality && expr->fn != CONNHUB_FN_IN)))
	{
		args->bare = count == 2 ? 1 : bits;
		text_char(&render->out, '(');
		sql_render_form(render, form, args, depth);
		text_string(&render->out, " AND ");
		args->bare = count == 2 ? 2 : 0;
		sql_render_form(render, form, args, depth);
		text_char(&render->out, ')');
		return;
	}
	sql_render_form(render, form, args, depth);
}

/* May the operand of a null test stand bare?  What is not computed with must: it is not of the type to be checked. */
static bool
is_bare_test(const Render *render, const ConnhubExpr *test, SqlPlace place)
{
	const ConnhubExpr *arg = test->args[0];

	if (!sql_check_of(render, arg) || (place == SQL_PLACE_CONDITION && test->fn == CONNHUB_FN_IS_NULL && may_be_bare(render, arg)))
		return true;
	return sql_refusal_of(render->dialect, render->source, arg->column, SQL_COLUMN_VALUE) != NULL;
}

static void
render_call(Render *render, const ConnhubExpr *expr, SqlPlace place, int depth)
{
	FormArgs	args = {.args = expr->args, .nargs = expr->nargs, .call = expr, .type = &expr->type};
	SqlMatch	match;

	sql_match_call(render->dialect, render->source, expr, &match);
	if (expr->fn == CONNHUB_FN_AND || expr->fn == CONNHUB_FN_OR)
		args.place = place;
	else if (expr->fn == CONNHUB_FN_IS_NULL || expr->fn == CONNHUB_FN_IS_NOT_NULL)
		args.bare = is_bare_test(render, expr, place);
	if (match.kind == CONNHUB_REFUSE)
		render->refusal = "it was refused when judged";
	else if (place == SQL_PLACE_CONDITION && sql_is_comparison(expr->fn))
		render_condition(render, expr, match.form, &args, depth);
	else
		sql_render_form(render, match.form, &args, depth);
}

/* ---- Aggregates and windows -------------------------------------------------------------- */

static void
render_bound(Render *render, ConnhubBound bound, const ConnhubExpr *offset, const char *unbounded)
{
	if (bound == CONNHUB_BOUND_UNBOUNDED)
		text_string(&render->out, unbounded);
	else if (bound == CONNHUB_BOUND_CURRENT)
		text_string(&render->out, "CURRENT ROW");
	else
	{
		bool		outside = render->in_limit;

		render->in_limit = true;
		sql_render_expr(render, offset, 0);
		render->in_limit = outside;
		text_string(&render->out, bound == CONNHUB_BOUND_PRECEDING ? " PRECEDING" : " FOLLOWING");
	}
}

static void
render_window(Render *render, const ConnhubWindow *window)
{
	static const char *const frames[] = {
		[CONNHUB_FRAME_RANGE] = "RANGE",
		[CONNHUB_FRAME_ROWS] = "ROWS",
		[CONNHUB_FRAME_GROUPS] = "GROUPS",
	};
	const char *separator = "";

	text_string(&render->out, " OVER (");
	for (uint32_t i = 0; i < window->npartition; i++)
	{
		SqlMatch	match;
		FormArgs	args = {.args = &window->partition[i], .nargs = 1, .type = &window->partition[i]->type};

		text_string(&render->out, i == 0 ? "PARTITION BY " : ", ");
		sql_match_group(render->dialect, render->source, window->partition[i], &match);
		sql_render_form(render, match.form ? match.form : "%1", &args, 0);
		separator = " ";
	}
	for (uint32_t i = 0; i < window->norder; i++)
	{
		text_string(&render->out, i > 0 ? ", " : separator);
		text_string(&render->out, i == 0 ? "ORDER BY " : "");
		sql_render_sort_key(render, &window->order[i], false);
		separator = " ";
	}
	if (window->frame != CONNHUB_FRAME_RANGE || window->start != CONNHUB_BOUND_UNBOUNDED ||
		window->end != CONNHUB_BOUND_CURRENT)
	{
		text_format(&render->out, "%s%s BETWEEN ", separator, frames[window->frame]);
		render_bound(render, window->start, window->start_offset, "UNBOUNDED PRECEDING");
		text_string(&render->out, " AND ");
		render_bound(render, window->end, window->end_offset, "UNBOUNDED FOLLOWING");
	}
	text_char(&render->out, ')');
}

/* What stands behind an aggregate's arguments.  Without the words for it, a filter is in the argument. */
static void
render_over(Render *render, const ConnhubExpr *aggregate, int depth)
{
	const ConnhubExpr *distinct = render->distinct_text;

	render->distinct_text = NULL;
	if (aggregate->filter && (render->dialect->flags & SQL_AGGREGATE_FILTER))
	{
		text_string(&render->out, " FILTER (WHERE ");
		sql_render_expr(render, aggregate->filter, depth);
		text_char(&render->out, ')');
	}
	if (aggregate->window)
		render_window(render, aggregate->window);
	render->distinct_text = distinct;
}

static void
render_aggregate(Render *render, const ConnhubExpr *expr, int depth)
{
	bool		has_words = (render->dialect->flags & SQL_AGGREGATE_FILTER) != 0;
	const ConnhubExpr *arg = expr->nargs > 0 ? expr->args[0] : NULL;
	ConnhubExpr counted = *expr;
	ConnhubExpr conditional;
	const ConnhubExpr *pair[2];
	FormArgs	args = {.args = &arg,.nargs = expr->nargs,.type = &expr->type,.is_distinct = expr->is_distinct,.aggregate = expr};
	SqlMatch	match;

	if (expr->filter && !has_words)
	{
		arg = sql_filtered_argument(expr, &conditional, pair);
		args.nargs = 1;
		if (expr->fn == CONNHUB_FN_COUNT_ALL)
		{
			counted.fn = CONNHUB_FN_COUNT;
			counted.nargs = 1;
			counted.args = args.args;
		}
	}
	sql_match_call(render->dialect, render->source, &counted, &match);
	if (match.kind == CONNHUB_REFUSE || expr->nargs > 1)
	{
		render->refusal = "it was refused when judged";
		return;
	}
	render->distinct_text = expr->is_distinct ? arg : NULL;
	sql_render_form(render, match.form, &args, depth);
	render->distinct_text = NULL;
	if (!strstr(match.form, "%w"))
		render_over(render, expr, depth);
}

/* ---- Sub-selects ------------------------------------------------------------------------- */

static void
render_subquery(Render *render, const ConnhubExpr *expr, SqlPlace place, int depth)
{
	bool		checks_outputs = expr->kind == CONNHUB_EXPR_SUBQUERY;
	const ConnhubRequest *negated = render->negated;

	if (expr->kind == CONNHUB_EXPR_IN_QUERY)
	{
		FormArgs	args = {.args = expr->args, .nargs = 1,
			.bare = place == SQL_PLACE_CONDITION && may_be_bare(render, expr->args[0])};

		/* As with = of two operands: one may stand bare. */
		checks_outputs = place != SQL_PLACE_CONDITION || args.bare;
		sql_render_form(render, "(%1 IN ", &args, depth);
	}
	else if (expr->kind == CONNHUB_EXPR_EXISTS)
		text_string(&render->out, "EXISTS ");
	text_char(&render->out, '(');
	render->checks_outputs = checks_outputs;
	if (place != SQL_PLACE_CONDITION || negated)
		render->negated = expr->query;
	sql_render_request(render, expr->query, false, depth);
	render->negated = negated;
	text_string(&render->out, expr->kind == CONNHUB_EXPR_IN_QUERY ? "))" : ")");
}

/* ---- Any expression ---------------------------------------------------------------------- */

/* Is text here to be written so that equal means equal bytes: as a group key or below DISTINCT? */
static bool
is_grouped_text(const Render *render, const ConnhubExpr *expr)
{
	if (expr->type.type != CONNHUB_TEXT && expr->type.type != CONNHUB_BPCHAR)
		return false;
	if (expr == render->distinct_text)
		return true;
	return render->request && sql_is_group_key(render->request, expr);
}

static void
render_grouped_text(Render *render, const ConnhubExpr *expr, int depth)
{
	const ConnhubRequest *request = render->request;
	const ConnhubExpr *distinct = render->distinct_text;
	FormArgs	args = {.args = &expr, .nargs = 1, .type = &expr->type};
	SqlMatch	match;

	sql_match_group(render->dialect, render->source, expr, &match);
	render->request = NULL;
	render->distinct_text = NULL;
	if (match.kind == CONNHUB_REFUSE)
		render->refusal = "a group key was refused when judged";
	else
		sql_render_form(render, match.form, &args, depth);
	render->request = request;
	render->distinct_text = distinct;
}

void
sql_render_expr(Render *render, const ConnhubExpr *expr, int depth)
{
	SqlPlace	place = render->place;

	render->place = SQL_PLACE_VALUE;
	if (render->refusal || render->out.failed)
		return;
	if (depth > SQL_MAX_DEPTH || (unsigned) expr->type.type >= CONNHUB_NTYPES)
		render->refusal = "the expression is nested too deeply or of a type not known";
	else if (is_grouped_text(render, expr))
		render_grouped_text(render, expr, depth);
	else if (expr->kind == CONNHUB_EXPR_COLUMN && place == SQL_PLACE_OUTPUT)
		render_column(render, expr);
	else if (expr->kind == CONNHUB_EXPR_COLUMN)
		render_checked(render, expr);
	else if (expr->kind == CONNHUB_EXPR_CONST)
		render_const(render, expr);
	else if (expr->kind == CONNHUB_EXPR_PARAM)
		render_param(render, expr);
	else if (expr->kind == CONNHUB_EXPR_CALL)
		render_call(render, expr, place, depth + 1);
	else if (expr->kind == CONNHUB_EXPR_AGGREGATE || expr->kind == CONNHUB_EXPR_WINDOW)
		render_aggregate(render, expr, depth + 1);
	else if (expr->query)
		render_subquery(render, expr, place, depth + 1);
	else
		render->refusal = "the expression is of a kind not known";
}

void
sql_render_output(Render *render, const ConnhubExpr *expr)
{
	const char *form = render->dialect->output ? render->dialect->output(render->source, expr) : NULL;
	bool		is_key = render->request && sql_is_group_key(render->request, expr);
	FormArgs	args = {.args = &expr, .nargs = 1, .type = &expr->type,
		.place = is_key || render->checks_outputs ? SQL_PLACE_VALUE : SQL_PLACE_OUTPUT};

	sql_render_form(render, form ? form : "%1", &args, 0);
}

const char *
sql_render_expression(const SqlDialect *dialect, const ConnhubSource *source, const char *table,
					  const ConnhubExpr *expr, SqlPlace place, TextWriter *out)
{
	Render		render = {.dialect = dialect, .source = source, .out = *out, .table = table, .place = place};

	if (place == SQL_PLACE_OUTPUT)
		sql_render_output(&render, expr);
	else
		sql_render_expr(&render, expr, 0);
	*out = render.out;
	return render.refusal;
}

const char *
sql_render_pair(const SqlDialect *dialect, const ConnhubSource *source, const char *table, const char *form,
				const ConnhubExpr *const args[2], TextWriter *out)
{
	Render		render = {.dialect = dialect, .source = source, .out = *out, .table = table};
	FormArgs	pair = {.args = args, .nargs = 2, .type = &args[0]->type, .bare = 1};

	sql_render_form(&render, form, &pair, 0);
	*out = render.out;
	return render.refusal;
}
