/* request/request.c — building the neutral tree of the driver ABI.
 *
 * Assumes that callers hand in pieces which a driver accepted, or is about to be asked about.  A parameter is
 * allocated with what it stands for behind it. */
#include "postgres.h"

#include "nodes/pg_list.h"

#include "request/request.h"

typedef struct ChFunctionRow
{
	const char *name;
	int			least;
	int			most;			/* -1: any */
} ChFunctionRow;

static const ChFunctionRow functions[CONNHUB_NFUNCTIONS] = {
#define CH_FUNCTION_ROW(symbol, name, least, most) [symbol] = {name, least, most},
	CONNHUB_FUNCTIONS(CH_FUNCTION_ROW)
#undef CH_FUNCTION_ROW
};

ConnhubTypeRef
ch_typeref(ConnhubType type)
{
	ConnhubTypeRef ref = {.type = type,.precision = -1};

	return ref;
}

static ConnhubExpr *
expr_make(ConnhubExprKind kind, const ConnhubTypeRef *type)
{
	ConnhubExpr *expr = palloc0(sizeof(ConnhubExpr));

	expr->struct_size = sizeof(ConnhubExpr);
	expr->kind = kind;
	expr->type = *type;
	return expr;
}

uint32
ch_relation_number(void)
{
	static uint32 last = 0;

	if (++last == 0)
		last = 1;
	return last;
}

const ConnhubExpr *
ch_expr_column(const ConnhubColumn *column, uint32 relation)
{
	ConnhubExpr *expr = expr_make(CONNHUB_EXPR_COLUMN, &column->type);

	expr->column = column;
	expr->relation = relation;
	return expr;
}

const ConnhubExpr *
ch_expr_nullable(const ConnhubExpr *expr)
{
	ConnhubExpr *copy;

	if (expr->kind != CONNHUB_EXPR_COLUMN || expr->is_nullable)
		return expr;
	copy = palloc(sizeof(ConnhubExpr));
	*copy = *expr;
	copy->is_nullable = true;
	return copy;
}

const ConnhubExpr *
ch_expr_const(const ConnhubValue *value)
{
	ConnhubExpr *expr = expr_make(CONNHUB_EXPR_CONST, &value->type);
	ConnhubValue *copy = palloc(sizeof(ConnhubValue));

	*copy = *value;
	expr->value = copy;
	return expr;
}

typedef struct ChParamExpr
{
	ConnhubExpr expr;
	const void *source;
} ChParamExpr;

const ConnhubExpr *
ch_expr_param(const void *source, const ConnhubTypeRef *type)
{
	ChParamExpr *param = palloc0(sizeof(ChParamExpr));

	param->expr.struct_size = sizeof(ConnhubExpr);
	param->expr.kind = CONNHUB_EXPR_PARAM;
	param->expr.type = *type;
	param->source = source;
	return &param->expr;
}

const void *
ch_expr_param_source(const ConnhubExpr *param)
{
	Assert(param->kind == CONNHUB_EXPR_PARAM);
	return ((const ChParamExpr *) param)->source;
}

static const ConnhubExpr *const *
expr_array(List *list)
{
	const ConnhubExpr **array = palloc(sizeof(ConnhubExpr *) * Max(list_length(list), 1));

	for (int i = 0; i < list_length(list); i++)
		array[i] = list_nth(list, i);
	return array;
}

static const ConnhubSortKey *
sort_array(List *list)
{
	ConnhubSortKey *array = palloc0(sizeof(ConnhubSortKey) * Max(list_length(list), 1));

	for (int i = 0; i < list_length(list); i++)
		array[i] = *(ConnhubSortKey *) list_nth(list, i);
	return array;
}

static ConnhubExpr *
function_make(ConnhubExprKind kind, ConnhubFunction fn, const ConnhubTypeRef *type,
			  const ConnhubCollation *collation, List *args)
{
	ConnhubExpr *expr = expr_make(kind, type);
	const ChFunctionRow *row = &functions[fn];
	int			nargs = list_length(args);

	if (row->name == NULL || nargs < row->least || (row->most >= 0 && nargs > row->most))
		elog(ERROR, "request function %d does not take %d arguments", (int) fn, nargs);
	expr->fn = fn;
	expr->nargs = nargs;
	expr->args = expr_array(args);
	expr->collation = collation;
	return expr;
}

const ConnhubExpr *
ch_expr_call(ConnhubFunction fn, const ConnhubTypeRef *type, const ConnhubCollation *collation,
			 List *args)
{
	return function_make(CONNHUB_EXPR_CALL, fn, type, collation, args);
}

const ConnhubExpr *
ch_expr_aggregate(ConnhubFunction fn, const ConnhubTypeRef *type, const ConnhubCollation *collation,
				  List *args, const ChAggregateParts *parts)
{
	ConnhubExpr *expr = function_make(parts->window ? CONNHUB_EXPR_WINDOW : CONNHUB_EXPR_AGGREGATE, fn, type,
									  collation, args);

	expr->is_distinct = parts->is_distinct;
	expr->filter = parts->filter;
	expr->window = parts->window;
	return expr;
}

const ConnhubExpr *
ch_expr_query(ConnhubExprKind kind, const ConnhubTypeRef *type, List *args, const ConnhubRequest *query)
{
	ConnhubExpr *expr = expr_make(kind, type);

	expr->nargs = list_length(args);
	expr->args = expr_array(args);
	expr->query = query;
	return expr;
}

const ConnhubExpr *
ch_expr_not(const ConnhubExpr *expr)
{
	return ch_expr_call(CONNHUB_FN_NOT, &expr->type, NULL, list_make1((void *) expr));
}

const char *
ch_function_name(ConnhubFunction fn)
{
	return functions[fn].name;
}

bool
ch_expr_has_param(const ConnhubExpr *expr)
{
	if (expr->kind == CONNHUB_EXPR_PARAM || expr->query != NULL)
		return true;
	for (uint32 i = 0; i < expr->nargs; i++)
	{
		if (ch_expr_has_param(expr->args[i]))
			return true;
	}
	return expr->filter != NULL && ch_expr_has_param(expr->filter);
}

bool
ch_exprs_have_query(const ConnhubExpr *const *exprs, uint32 count)
{
	for (uint32 i = 0; i < count; i++)
	{
		if (ch_expr_has_query(exprs[i]))
			return true;
	}
	return false;
}

bool
ch_sort_has_query(const ConnhubSortKey *sort, uint32 count)
{
	for (uint32 i = 0; i < count; i++)
	{
		if (ch_expr_has_query(sort[i].expr))
			return true;
	}
	return false;
}

bool
ch_expr_has_query(const ConnhubExpr *expr)
{
	const ConnhubWindow *window = expr->window;

	return expr->query != NULL || ch_exprs_have_query(expr->args, expr->nargs) ||
		(expr->filter && ch_expr_has_query(expr->filter)) || ch_sort_has_query(expr->order, expr->norder) ||
		(window && (ch_exprs_have_query(window->partition, window->npartition) ||
					ch_sort_has_query(window->order, window->norder)));
}

/* ---- Relations and requests -------------------------------------------------------------- */

static ConnhubRelation *
relation_make(ConnhubJoinKind join, uint32 number)
{
	ConnhubRelation *relation = palloc0(sizeof(ConnhubRelation));

	relation->struct_size = sizeof(ConnhubRelation);
	relation->join = join;
	relation->number = number;
	return relation;
}

const ConnhubRelation *
ch_relation_table(uint32 number, const char *schema, const char *table)
{
	ConnhubRelation *relation = relation_make(CONNHUB_JOIN_NONE, number);

	relation->schema = schema;
	relation->table = table;
	return relation;
}

const ConnhubRelation *
ch_relation_query(uint32 number, const ConnhubRequest *query)
{
	ConnhubRelation *relation = relation_make(CONNHUB_JOIN_NONE, number);

	relation->query = query;
	return relation;
}

const ConnhubRelation *
ch_relation_filtered(const ConnhubRelation *relation, List *filters)
{
	ConnhubRelation *filtered = palloc(sizeof(ConnhubRelation));

	*filtered = *relation;
	filtered->filters = expr_array(filters);
	filtered->nfilters = list_length(filters);
	return filtered;
}

const ConnhubRelation *
ch_relation_join(ConnhubJoinKind join, const ConnhubRelation *left, const ConnhubRelation *right, List *on)
{
	ConnhubRelation *relation = relation_make(join, 0);

	relation->left = left;
	relation->right = right;
	relation->on = expr_array(on);
	relation->non = list_length(on);
	return relation;
}

static const ConnhubGroupingSet *
sets_array(List *sets)
{
	ConnhubGroupingSet *array = palloc0(sizeof(ConnhubGroupingSet) * Max(list_length(sets), 1));

	for (int i = 0; i < list_length(sets); i++)
	{
		List	   *set = list_nth(sets, i);
		uint32	   *keys = palloc(sizeof(uint32) * Max(list_length(set), 1));

		for (int k = 0; k < list_length(set); k++)
			keys[k] = list_nth_int(set, k);
		array[i].keys = keys;
		array[i].nkeys = list_length(set);
	}
	return array;
}

ConnhubRequest *
ch_request_make(const ChRequestParts *parts)
{
	ConnhubRequest *request = palloc0(sizeof(ConnhubRequest));

	request->struct_size = sizeof(ConnhubRequest);
	request->from = parts->from;
	request->noutputs = list_length(parts->outputs);
	request->outputs = expr_array(parts->outputs);
	request->nfilters = list_length(parts->filters);
	request->filters = expr_array(parts->filters);
	request->is_grouped = parts->is_grouped;
	request->ngroups = list_length(parts->groups);
	request->groups = expr_array(parts->groups);
	request->nsets = list_length(parts->sets);
	request->sets = sets_array(parts->sets);
	request->nhaving = list_length(parts->having);
	request->having = expr_array(parts->having);
	request->is_distinct = parts->is_distinct;
	request->nsort = list_length(parts->sort);
	request->sort = sort_array(parts->sort);
	request->limit = parts->limit;
	request->offset = parts->offset;
	request->lock = parts->lock;
	request->from_block = parts->from_block;
	request->until_block = parts->until_block;
	return request;
}
