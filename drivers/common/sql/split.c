/* sql/split.c — the first rows of an order whose nulls the source puts elsewhere.
 *
 * Where a source has no words for the place of nulls, ORDER BY (x IS NULL), x says it, but no index serves that, and all
 * rows are sorted for the first few.  The first rows that are not null and the first that are null both come by the
 * index; of these few the first are then taken. */
#include "render.h"

#include <string.h>

static bool
has_window(const ConnhubExpr *expr)
{
	if (expr->kind == CONNHUB_EXPR_WINDOW)
		return true;
	for (uint32_t i = 0; i < expr->nargs; i++)
		if (has_window(expr->args[i]))
			return true;
	return false;
}

/* A row count that is known, and small enough to be added to another; an absent one is none. */
static bool
is_count(const ConnhubExpr *expr, bool required)
{
	if (!expr || (expr->kind == CONNHUB_EXPR_CONST && expr->value->is_null))
		return !required;
	return expr->kind == CONNHUB_EXPR_CONST && expr->value->v.integer < INT64_MAX / 2;
}

static int64_t
count_of(const ConnhubExpr *expr)
{
	return expr && !expr->value->is_null ? expr->value->v.integer : 0;
}

static bool
is_split(const Render *render, const ConnhubRequest *request)
{
	SqlMatch	match;

	if (request->nsort == 0 || render->checks_outputs || (render->dialect->flags & SQL_NULLS_WORDS) || request->is_grouped ||
		request->is_distinct || request->lock != CONNHUB_LOCK_NONE || !is_count(request->limit, true) ||
		!is_count(request->offset, false))
		return false;
	if (request->sort[0].expr->kind != CONNHUB_EXPR_COLUMN || sql_nulls_are_placed(render->dialect, &request->sort[0]))
		return false;
	for (uint32_t i = 0; i < request->nsort; i++)
	{
		sql_match_sort(render->dialect, render->source, &request->sort[i], &match);
		if (match.kind != CONNHUB_EXACT || strcmp(match.form, "%1") != 0 || sql_check_of(render, request->sort[i].expr))
			return false;
	}
	for (uint32_t i = 0; i < request->noutputs; i++)
		if (has_window(request->outputs[i]))
			return false;
	return true;
}

/* One part: the rows whose first key passes the test, sorted by the keys from the given one on. */
static void
render_part(Render *render, const ConnhubRequest *request, ConnhubFunction test, uint32_t first_key, int depth)
{
	const ConnhubExpr *key = request->sort[0].expr;
	ConnhubExpr condition = {.struct_size = sizeof(condition), .kind = CONNHUB_EXPR_CALL, .fn = test,
		.type = {.type = CONNHUB_BOOL, .precision = -1, .pg_type = "boolean"}, .nargs = 1, .args = &key};
	ConnhubValue count = {.type = {.type = CONNHUB_INT64, .precision = -1, .pg_type = "bigint"},
		.v.integer = count_of(request->limit) + count_of(request->offset)};
	ConnhubExpr limit = {.struct_size = sizeof(limit), .kind = CONNHUB_EXPR_CONST, .type = count.type, .value = &count};
	const ConnhubExpr **outputs = render->out.host->alloc(sizeof(ConnhubExpr *) * (request->noutputs + request->nsort));
	const ConnhubExpr **filters = render->out.host->alloc(sizeof(ConnhubExpr *) * (request->nfilters + 1));
	ConnhubSortKey *sort = render->out.host->alloc(sizeof(ConnhubSortKey) * request->nsort);
	ConnhubRequest part = *request;

	if (!outputs || !filters || !sort)
		render->out.failed = true;
	else
	{
		for (uint32_t i = 0; i < request->noutputs; i++)
			outputs[i] = request->outputs[i];
		for (uint32_t i = 0; i < request->nsort; i++)
			outputs[request->noutputs + i] = request->sort[i].expr;
		for (uint32_t i = 0; i < request->nfilters; i++)
			filters[i] = request->filters[i];
		filters[request->nfilters] = &condition;
		part.outputs = outputs;
		part.noutputs += request->nsort;
		part.filters = filters;
		part.nfilters++;
		memcpy(sort, request->sort, sizeof(ConnhubSortKey) * request->nsort);
		/* There are no nulls, so they need no place. */
		if (first_key == 0)
			sort[0].nulls_first = !sort[0].nulls_first;
		part.sort = &sort[first_key];
		part.nsort = request->nsort - first_key;
		part.limit = &limit;
		part.offset = NULL;
		text_char(&render->out, '(');
		sql_render_request(render, &part, true, depth + 1);
		text_char(&render->out, ')');
	}
	render->out.host->free(outputs);
	render->out.host->free(filters);
	render->out.host->free(sort);
}

static void
render_order(Render *render, const ConnhubRequest *request)
{
	for (uint32_t i = 0; i < request->nsort; i++)
	{
		const ConnhubSortKey *key = &request->sort[i];
		unsigned	column = request->noutputs + i + 1;

		text_string(&render->out, i == 0 ? " ORDER BY " : ", ");
		if (!sql_nulls_are_placed(render->dialect, key))
			text_format(&render->out, "(c%u %s), ", column, key->nulls_first ? "IS NOT NULL" : "IS NULL");
		text_format(&render->out, "c%u%s", column, key->descending ? " DESC" : "");
	}
}

bool
sql_render_split(Render *render, const ConnhubRequest *request, int depth)
{
	bool		in_limit = render->in_limit;

	if (!is_split(render, request))
		return false;
	text_string(&render->out, "SELECT ");
	if (request->noutputs == 0)
		text_string(&render->out, render->dialect->empty_output);
	for (uint32_t i = 0; i < request->noutputs; i++)
		text_format(&render->out, "%sc%u", i > 0 ? ", " : "", i + 1);
	text_string(&render->out, " FROM (");
	render_part(render, request, CONNHUB_FN_IS_NOT_NULL, 0, depth);
	text_string(&render->out, " UNION ALL ");
	render_part(render, request, CONNHUB_FN_IS_NULL, 1, depth);
	text_string(&render->out, ") AS " RELATION);
	render_order(render, request);
	sql_render_limit(render, request);
	render->in_limit = in_limit;
	return true;
}
