/* request/request.c — building the neutral tree of the driver ABI.
 *
 * Assumes that callers hand in pieces which a driver accepted, or is about to be asked about. */
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

const ConnhubExpr *
ch_expr_column(const ConnhubColumn *column)
{
	ConnhubExpr *expr = expr_make(CONNHUB_EXPR_COLUMN, &column->type);

	expr->column = column;
	return expr;
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

const ConnhubExpr *
ch_expr_param(uint32 number, const ConnhubTypeRef *type)
{
	ConnhubExpr *expr = expr_make(CONNHUB_EXPR_PARAM, type);

	expr->param = number;
	return expr;
}

const ConnhubExpr *
ch_expr_call(ConnhubFunction fn, const ConnhubTypeRef *type, const ConnhubCollation *collation,
			 List *args)
{
	ConnhubExpr *expr = expr_make(CONNHUB_EXPR_CALL, type);
	const ChFunctionRow *row = &functions[fn];
	int			nargs = list_length(args);
	const ConnhubExpr **array = palloc(sizeof(ConnhubExpr *) * Max(nargs, 1));

	if (row->name == NULL || nargs < row->least || (row->most >= 0 && nargs > row->most))
		elog(ERROR, "request function %d does not take %d arguments", (int) fn, nargs);
	for (int i = 0; i < nargs; i++)
		array[i] = list_nth(args, i);
	expr->fn = fn;
	expr->nargs = nargs;
	expr->args = array;
	expr->collation = collation;
	return expr;
}

const char *
ch_function_name(ConnhubFunction fn)
{
	return functions[fn].name;
}

bool
ch_expr_has_column(const ConnhubExpr *expr)
{
	if (expr->kind == CONNHUB_EXPR_COLUMN)
		return true;
	for (uint32 i = 0; i < expr->nargs; i++)
	{
		if (ch_expr_has_column(expr->args[i]))
			return true;
	}
	return false;
}

/* The expression with its parameters numbered on from the end of *params.  What holds none is shared. */
static const ConnhubExpr *
renumber(const ConnhubExpr *expr, List **params)
{
	const ConnhubExpr **args;
	ConnhubExpr *copy;
	bool		changed = false;

	if (expr == NULL)
		return NULL;
	if (expr->kind == CONNHUB_EXPR_PARAM)
	{
		copy = palloc(sizeof(ConnhubExpr));
		*copy = *expr;
		copy->param = list_length(*params);
		*params = lappend_int(*params, expr->param);
		return copy;
	}
	if (expr->nargs == 0)
		return expr;

	args = palloc(sizeof(ConnhubExpr *) * expr->nargs);
	for (uint32 i = 0; i < expr->nargs; i++)
	{
		args[i] = renumber(expr->args[i], params);
		changed |= args[i] != expr->args[i];
	}
	if (!changed)
		return expr;
	copy = palloc(sizeof(ConnhubExpr));
	*copy = *expr;
	copy->args = args;
	return copy;
}

static const ConnhubExpr *const *
renumber_list(List *list, List **params)
{
	const ConnhubExpr **array = palloc(sizeof(ConnhubExpr *) * Max(list_length(list), 1));

	for (int i = 0; i < list_length(list); i++)
		array[i] = renumber(list_nth(list, i), params);
	return array;
}

ConnhubRequest *
ch_request_make(const ChRequestParts *parts, List **params)
{
	ConnhubRequest *request = palloc0(sizeof(ConnhubRequest));
	ConnhubSortKey *sort = palloc0(sizeof(ConnhubSortKey) * Max(list_length(parts->sort), 1));

	*params = NIL;
	request->struct_size = sizeof(ConnhubRequest);
	request->schema = parts->schema;
	request->table = parts->table;
	request->noutputs = list_length(parts->outputs);
	request->outputs = renumber_list(parts->outputs, params);
	request->nfilters = list_length(parts->filters);
	request->filters = renumber_list(parts->filters, params);
	for (int i = 0; i < list_length(parts->sort); i++)
	{
		sort[i] = *(ConnhubSortKey *) list_nth(parts->sort, i);
		sort[i].expr = renumber(sort[i].expr, params);
	}
	request->nsort = list_length(parts->sort);
	request->sort = sort;
	request->limit = renumber(parts->limit, params);
	request->offset = renumber(parts->offset, params);
	return request;
}
