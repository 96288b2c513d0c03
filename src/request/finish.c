/* request/finish.c — from pieces put together to the request a driver gets.
 *
 * The tree is copied with relations and parameters numbered.  A group key stands for itself wherever it is
 * used, so what pointed to one still does. */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/pg_list.h"

#include "request/request.h"

typedef struct ChCopy
{
	bool		numbers;		/* give numbers; else replace parameters only */
	List	   *relations;		/* of int: process-wide numbers, by the order of the new ones */
	bool		is_single;		/* the only relation goes by number 0 */
	List	  **sources;
	ChReplaceParam replace;
	void	   *arg;
	List	   *old_keys;		/* group keys already copied */
	List	   *new_keys;
} ChCopy;

static const ConnhubExpr *copy_expr(const ConnhubExpr *expr, ChCopy *copy);
static ConnhubRequest *copy_request(const ConnhubRequest *request, ChCopy *copy);

static uint32
new_number(uint32 number, ChCopy *copy)
{
	int			place = 1;
	ListCell   *cell;

	if (!copy->numbers)
		return number;
	if (copy->is_single)
		return 0;
	foreach(cell, copy->relations)
	{
		if ((uint32) lfirst_int(cell) == number)
			return place;
		place++;
	}
	elog(ERROR, "a column of a relation that the request does not read");
}

static const ConnhubExpr *const *
copy_exprs(const ConnhubExpr *const *exprs, uint32 count, ChCopy *copy)
{
	const ConnhubExpr **array = palloc(sizeof(ConnhubExpr *) * Max(count, 1));

	for (uint32 i = 0; i < count; i++)
		array[i] = copy_expr(exprs[i], copy);
	return array;
}

static const ConnhubSortKey *
copy_sort(const ConnhubSortKey *keys, uint32 count, ChCopy *copy)
{
	ConnhubSortKey *array = palloc(sizeof(ConnhubSortKey) * Max(count, 1));

	for (uint32 i = 0; i < count; i++)
	{
		array[i] = keys[i];
		array[i].expr = copy_expr(keys[i].expr, copy);
	}
	return array;
}

static const ConnhubWindow *
copy_window(const ConnhubWindow *window, ChCopy *copy)
{
	ConnhubWindow *result = palloc(sizeof(ConnhubWindow));

	*result = *window;
	result->partition = copy_exprs(window->partition, window->npartition, copy);
	result->order = copy_sort(window->order, window->norder, copy);
	return result;
}

static const ConnhubExpr *
copy_param(const ConnhubExpr *expr, ChCopy *copy)
{
	const ConnhubExpr *replaced = copy->replace ? copy->replace(ch_expr_param_source(expr), copy->arg) : NULL;
	ConnhubExpr *result;

	if (replaced)
		return replaced;
	if (!copy->numbers)
		return expr;
	result = palloc(sizeof(ConnhubExpr));
	*result = *expr;
	result->param = list_length(*copy->sources);
	*copy->sources = lappend(*copy->sources, unconstify(void *, ch_expr_param_source(expr)));
	return result;
}

static const ConnhubExpr *
copy_expr(const ConnhubExpr *expr, ChCopy *copy)
{
	ConnhubExpr *result;

	check_stack_depth();
	if (expr == NULL || expr->kind == CONNHUB_EXPR_CONST)
		return expr;
	for (int i = 0; i < list_length(copy->old_keys); i++)
	{
		if (list_nth(copy->old_keys, i) == (const void *) expr)
			return list_nth(copy->new_keys, i);
	}
	if (expr->kind == CONNHUB_EXPR_PARAM)
		return copy_param(expr, copy);

	result = palloc(sizeof(ConnhubExpr));
	*result = *expr;
	if (expr->kind == CONNHUB_EXPR_COLUMN)
	{
		result->relation = new_number(expr->relation, copy);
		return result;
	}
	result->args = copy_exprs(expr->args, expr->nargs, copy);
	result->filter = copy_expr(expr->filter, copy);
	result->order = copy_sort(expr->order, expr->norder, copy);
	if (expr->window)
		result->window = copy_window(expr->window, copy);
	if (expr->query)
		result->query = copy_request(expr->query, copy);
	return result;
}

/* Number the relations of a tree, before anything that uses their columns is looked at. */
static void
number_relations(const ConnhubRelation *relation, ChCopy *copy)
{
	if (relation->join == CONNHUB_JOIN_NONE)
	{
		copy->relations = lappend_int(copy->relations, (int) relation->number);
		return;
	}
	number_relations(relation->left, copy);
	number_relations(relation->right, copy);
}

static const ConnhubRelation *
copy_relation(const ConnhubRelation *relation, ChCopy *copy)
{
	ConnhubRelation *result = palloc(sizeof(ConnhubRelation));

	*result = *relation;
	if (relation->join == CONNHUB_JOIN_NONE)
	{
		result->number = new_number(relation->number, copy);
		result->filters = copy_exprs(relation->filters, relation->nfilters, copy);
		if (relation->query)
			result->query = copy_request(relation->query, copy);
		return result;
	}
	result->left = copy_relation(relation->left, copy);
	result->right = copy_relation(relation->right, copy);
	result->on = copy_exprs(relation->on, relation->non, copy);
	return result;
}

static ConnhubRequest *
copy_request(const ConnhubRequest *request, ChCopy *copy)
{
	ConnhubRequest *result = palloc(sizeof(ConnhubRequest));
	List	   *old_keys = copy->old_keys;
	List	   *new_keys = copy->new_keys;

	*result = *request;
	if (copy->numbers && !copy->is_single)
		number_relations(request->from, copy);
	result->groups = copy_exprs(request->groups, request->ngroups, copy);
	copy->old_keys = list_copy(old_keys);
	copy->new_keys = list_copy(new_keys);
	for (uint32 i = 0; i < request->ngroups; i++)
	{
		copy->old_keys = lappend(copy->old_keys, unconstify(ConnhubExpr *, request->groups[i]));
		copy->new_keys = lappend(copy->new_keys, unconstify(ConnhubExpr *, result->groups[i]));
	}
	result->outputs = copy_exprs(request->outputs, request->noutputs, copy);
	result->from = copy_relation(request->from, copy);
	result->filters = copy_exprs(request->filters, request->nfilters, copy);
	result->having = copy_exprs(request->having, request->nhaving, copy);
	result->sort = copy_sort(request->sort, request->nsort, copy);
	result->limit = copy_expr(request->limit, copy);
	result->offset = copy_expr(request->offset, copy);
	result->from_block = copy_expr(request->from_block, copy);
	result->until_block = copy_expr(request->until_block, copy);
	copy->old_keys = old_keys;
	copy->new_keys = new_keys;
	return result;
}

/* One table, and nothing nested in any expression. */
static bool
is_single(const ConnhubRequest *request)
{
	const ConnhubRelation *from = request->from;

	return from->join == CONNHUB_JOIN_NONE && from->query == NULL && from->nfilters == 0 &&
		!ch_exprs_have_query(request->outputs, request->noutputs) &&
		!ch_exprs_have_query(request->filters, request->nfilters) &&
		!ch_exprs_have_query(request->groups, request->ngroups) &&
		!ch_exprs_have_query(request->having, request->nhaving) &&
		!ch_sort_has_query(request->sort, request->nsort);
}

ConnhubRequest *
ch_request_finish(const ConnhubRequest *request, List **sources)
{
	ChCopy		copy = {.numbers = true, .sources = sources, .is_single = is_single(request)};
	ConnhubRequest *result;

	*sources = NIL;
	result = copy_request(request, &copy);
	if (copy.is_single)
	{
		result->schema = request->from->schema;
		result->table = request->from->table;
		result->from = NULL;
	}
	return result;
}

const ConnhubExpr *
ch_expr_finish(const ConnhubExpr *expr, uint32 relation, List **sources)
{
	ChCopy		copy = {.numbers = true, .sources = sources, .is_single = true};

	return copy_expr(expr, &copy);
}

ConnhubRequest *
ch_request_replace(const ConnhubRequest *request, ChReplaceParam replace, void *arg)
{
	ChCopy		copy = {.replace = replace, .arg = arg};

	return copy_request(request, &copy);
}
