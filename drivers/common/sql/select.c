/* sql/select.c — a request of accepted pieces as SQL text.
 *
 * A request for one table calls it t; one that names relations by number calls them t1, t2, ….  The outputs of a
 * derived table are c1, c2, …. */
#include "fail.h"
#include "render.h"

#include <string.h>

/* ---- Outputs and relations --------------------------------------------------------------- */

static void
render_outputs(Render *render, const ConnhubRequest *request, bool names_outputs)
{
	text_string(&render->out, request->is_distinct ? "SELECT DISTINCT " : "SELECT ");
	if (request->noutputs == 0)
		text_string(&render->out, render->dialect->empty_output);
	for (uint32_t i = 0; i < request->noutputs; i++)
	{
		if (i > 0)
			text_string(&render->out, ", ");
		sql_render_output(render, request->outputs[i]);
		if (names_outputs)
			text_format(&render->out, " AS c%u", i + 1);
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
render_conditions(Render *render, const ConnhubExpr *const *exprs, uint32_t count, const char *first, SqlPlace place,
				  int depth)
{
	for (uint32_t i = 0; i < count; i++)
	{
		text_string(&render->out, i == 0 ? first : " AND ");
		render->place = place;
		sql_render_expr(render, exprs[i], depth);
	}
}

static void
render_blocks(Render *render, const ConnhubRequest *request)
{
	const ConnhubExpr *bounds[] = {request->from_block, request->until_block};
	FormArgs	args = {.args = bounds, .nargs = 2};

	if (!request->until_block)
		return;
	text_string(&render->out, request->nfilters > 0 ? " AND " : " WHERE ");
	if (render->dialect->blocks)
		sql_render_form(render, render->dialect->blocks, &args, 0);
	else
		render->refusal = "the source has no ranges of blocks";
}

static void
render_leaf(Render *render, const ConnhubRelation *relation, int depth)
{
	if (relation->query)
	{
		text_char(&render->out, '(');
		sql_render_request(render, relation->query, true, depth + 1);
		text_char(&render->out, ')');
	}
	else if (relation->nfilters > 0)
	{
		text_string(&render->out, "(SELECT * FROM ");
		sql_render_table(&render->out, render->dialect, render->source, relation->schema, relation->table);
		text_format(&render->out, " AS " RELATION "%u", relation->number);
		render_conditions(render, relation->filters, relation->nfilters, " WHERE ", SQL_PLACE_CONDITION, depth);
		text_char(&render->out, ')');
	}
	else
		sql_render_table(&render->out, render->dialect, render->source, relation->schema, relation->table);
	text_format(&render->out, " AS " RELATION "%u", relation->number);
}

/* A relation; the right side of a join stands in parentheses when it is a join itself. */
static void
render_relation(Render *render, const ConnhubRelation *relation, int depth)
{
	static const char *const words[] = {
		[CONNHUB_JOIN_INNER] = " INNER JOIN ",
		[CONNHUB_JOIN_LEFT] = " LEFT JOIN ",
		[CONNHUB_JOIN_FULL] = " FULL JOIN ",
	};
	const ConnhubRelation *kept = render->kept;
	bool		nested;

	if (depth > SQL_MAX_DEPTH)
	{
		render->refusal = "the joins are nested too deeply";
		return;
	}
	if (relation->join == CONNHUB_JOIN_NONE)
	{
		render_leaf(render, relation, depth);
		return;
	}
	nested = relation->right->join != CONNHUB_JOIN_NONE;
	render_relation(render, relation->left, depth + 1);
	text_string(&render->out, relation->join == CONNHUB_JOIN_INNER && relation->non == 0 ? " CROSS JOIN " :
				words[relation->join]);
	text_string(&render->out, nested ? "(" : "");
	render_relation(render, relation->right, depth + 1);
	text_string(&render->out, nested ? ")" : "");
	/* Rows of the left side stay when no partner is found, so what finds none must be sound. */
	if (relation->join == CONNHUB_JOIN_LEFT)
		render->kept = relation->left;
	if (relation->non > 0)
		render_conditions(render, relation->on, relation->non, " ON ",
						  relation->join == CONNHUB_JOIN_FULL ? SQL_PLACE_VALUE : SQL_PLACE_CONDITION, depth);
	else if (relation->join != CONNHUB_JOIN_INNER)
		text_format(&render->out, " ON %s", render->dialect->always);
	render->kept = kept;
}

static void
render_from(Render *render, const ConnhubRequest *request, int depth)
{
	text_string(&render->out, " FROM ");
	if (request->from)
	{
		render_relation(render, request->from, depth);
		return;
	}
	sql_render_table(&render->out, render->dialect, render->source, request->schema, request->table);
	if ((render->dialect->flags & SQL_COLUMNS_QUALIFIED) || render->is_named)
		text_string(&render->out, " AS " RELATION);
}

/* ---- Grouping ---------------------------------------------------------------------------- */

static void
render_keys(Render *render, const ConnhubRequest *request, int depth)
{
	for (uint32_t i = 0; i < request->ngroups; i++)
	{
		text_string(&render->out, i == 0 ? " GROUP BY " : ", ");
		sql_render_expr(render, request->groups[i], depth);
	}
}

static void
render_sets(Render *render, const ConnhubRequest *request, int depth)
{
	text_string(&render->out, " GROUP BY GROUPING SETS (");
	for (uint32_t i = 0; i < request->nsets; i++)
	{
		text_string(&render->out, i > 0 ? ", (" : "(");
		for (uint32_t k = 0; k < request->sets[i].nkeys; k++)
		{
			text_string(&render->out, k > 0 ? ", " : "");
			sql_render_expr(render, request->groups[request->sets[i].keys[k]], depth);
		}
		text_char(&render->out, ')');
	}
	text_char(&render->out, ')');
}

/* ---- Order, limit, locks ----------------------------------------------------------------- */

static bool
is_never_null(const ConnhubExpr *expr)
{
	if (expr->kind == CONNHUB_EXPR_COLUMN)
		return expr->column->not_null && !expr->is_nullable;
	return expr->kind == CONNHUB_EXPR_AGGREGATE && (expr->fn == CONNHUB_FN_COUNT_ALL || expr->fn == CONNHUB_FN_COUNT);
}

bool
sql_nulls_are_placed(const SqlDialect *dialect, const ConnhubSortKey *key)
{
	bool		low = (dialect->flags & SQL_NULLS_LOW) != 0;

	return key->nulls_first == (low != key->descending) || is_never_null(key->expr);
}

/* Write where nulls go unless they go there anyway: a source can then use an index. */
void
sql_render_sort_key(Render *render, const ConnhubSortKey *key, bool is_bare)
{
	const SqlDialect *dialect = render->dialect;
	bool		placed = sql_nulls_are_placed(dialect, key);
	FormArgs	args = {.args = &key->expr, .nargs = 1, .type = &key->expr->type, .bare = is_bare};
	SqlMatch	match;

	sql_match_sort(dialect, render->source, key, &match);
	if (match.form && (dialect->flags & SQL_GROUPED_IS_SORTED) && render->request &&
		sql_is_group_key(render->request, key->expr))
		match.form = "%1";
	if (match.kind != CONNHUB_EXACT)
	{
		render->refusal = "a sort key was refused when judged";
		return;
	}
	if (!placed && (dialect->flags & SQL_NULLS_WORDS) == 0)
	{
		sql_render_form(render, key->nulls_first ? "(%1 IS NOT NULL), " : "(%1 IS NULL), ", &args, 0);
		placed = true;
	}
	sql_render_form(render, match.form, &args, 0);
	if (key->descending)
		text_string(&render->out, " DESC");
	if (!placed)
		text_string(&render->out, key->nulls_first ? " NULLS FIRST" : " NULLS LAST");
}

void
sql_render_limit(Render *render, const ConnhubRequest *request)
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
		sql_render_form(render, dialect->limit, &limit, 0);
	}
	if (skips)
	{
		text_char(&render->out, ' ');
		sql_render_form(render, !limited && dialect->offset_alone ? dialect->offset_alone : dialect->offset, &offset, 0);
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

/* ---- The whole --------------------------------------------------------------------------- */

/* May a column be sorted by bare?  What does not belong there is met when the row is read, and the rows before it are
 * those that they would be without it. */
static bool
is_read_here(const ConnhubRequest *request, const ConnhubExpr *expr)
{
	if (request->offset || request->is_grouped || request->is_distinct || expr->kind != CONNHUB_EXPR_COLUMN)
		return false;
	for (uint32_t i = 0; i < request->noutputs; i++)
	{
		const ConnhubExpr *output = request->outputs[i];

		if (output->kind == CONNHUB_EXPR_COLUMN && output->relation == expr->relation &&
			strcmp(output->column->name, expr->column->name) == 0)
			return true;
	}
	return false;
}

/* Without a key, rows that are grouped are one group: an aggregate says so, or HAVING does. */
static bool
needs_grouping(const ConnhubRequest *request)
{
	return request->is_grouped && request->ngroups == 0 && request->nsets == 0 && request->noutputs == 0 &&
		request->nhaving == 0;
}

void
sql_render_request(Render *render, const ConnhubRequest *request, bool names_outputs, int depth)
{
	const ConnhubRequest *outer = render->request;
	bool		in_limit = render->in_limit;
	bool		reads_outputs = render->reads_outputs;
	bool		is_named = render->is_named;

	if (sql_render_split(render, request, depth))
		return;
	render->request = request;
	render->in_limit = false;
	render->is_named = names_outputs;
	render->reads_outputs = false;
	render_outputs(render, request, names_outputs);
	render->checks_outputs = false;
	render_from(render, request, depth);
	render_conditions(render, request->filters, request->nfilters, " WHERE ", SQL_PLACE_CONDITION, depth);
	render_blocks(render, request);
	if (request->nsets > 0)
		render_sets(render, request, depth);
	else
		render_keys(render, request, depth);
	if (needs_grouping(request))
		text_string(&render->out, " HAVING count(*) >= 0");
	render_conditions(render, request->having, request->nhaving, " HAVING ", SQL_PLACE_VALUE, depth);
	for (uint32_t i = 0; i < request->nsort; i++)
	{
		text_string(&render->out, i == 0 ? " ORDER BY " : ", ");
		sql_render_sort_key(render, &request->sort[i],
							reads_outputs && is_read_here(request, request->sort[i].expr));
	}
	sql_render_limit(render, request);
	render_lock(render, request->lock);
	render->in_limit = in_limit;
	render->is_named = is_named;
	render->request = outer;
}

ConnhubStatus
sql_render(const SqlDialect *dialect, const ConnhubHost *host, const ConnhubSource *source,
		   const ConnhubRequest *request, ConnhubText *out, ConnhubError *error)
{
	Render		render = {.dialect = dialect, .source = source, .reads_outputs = true};

	text_begin(&render.out, host, out);
	sql_render_request(&render, request, false, 0);

	if (text_end(&render.out) != CONNHUB_OK)
		return fail_no_memory(error);
	if (render.refusal)
	{
		fail_as(error, CONNHUB_INTERNAL, "cannot express the request in %s", dialect->name);
		fail_detail(error, "A piece of it cannot be sent: %s.", render.refusal);
	}
	return error->status;
}
