/* fdw/translate.c — PostgreSQL expression → request expression.
 *
 * An expression has a counterpart only when each of its nodes has a code with PostgreSQL's own meaning.
 * What holds no column is computed here, once per scan, and sent as a parameter; below CASE and
 * COALESCE, whose branches must not be computed without need, only what cannot fail is. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "miscadmin.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/timestamp.h"

#include "batch/typemap.h"
#include "fdw/translate.h"
#include "request/request.h"
#include "request/semantics.h"

/* Longest array whose comparison other than = ANY and <> ALL is written out element by element. */
#define MAX_UNROLLED_ARRAY 100
/* Most conditions side by side in one AND or OR. */
#define MAX_CHAIN 64

typedef struct ChTranslation
{
	ChRelInfo  *info;
	const ConnhubExpr *case_test;	/* what CASE x WHEN compares, else NULL */
	int			lazy;			/* > 0: below a branch that may never be computed */
	List	   *guards;			/* Expr *: where one is true, an expression to the right of it in the
								 * same OR is not needed (in an AND: where it is false) */
	const char *reason;			/* set when a translate function returns NULL */
} ChTranslation;

typedef const ConnhubExpr *(*ChTranslateNode) (Node *node, ChTranslation *t);

static const ConnhubExpr *translate_node(Node *node, ChTranslation *t);

static const ConnhubExpr *
refuse(ChTranslation *t, const char *reason)
{
	t->reason = reason;
	return NULL;
}

static const ConnhubExpr *
refuse_function(ChTranslation *t, Oid function)
{
	return refuse(t, psprintf("function %s has no counterpart", format_procedure(function)));
}

static const ConnhubExpr *
refuse_operator(ChTranslation *t, Oid op)
{
	return refuse(t, psprintf("operator %s has no counterpart", format_operator(op)));
}

static ConnhubTypeRef
type_of_node(Node *node)
{
	ConnhubTypeRef ref;

	ch_typemap_from_pg(exprType(node), exprTypmod(node), &ref);
	return ref;
}

static ConnhubTypeRef
bool_type(void)
{
	ConnhubTypeRef ref;

	ch_typemap_from_pg(BOOLOID, -1, &ref);
	return ref;
}

/* ---- Leaves ------------------------------------------------------------------------------ */

static const ConnhubExpr *
translate_var(Node *node, ChTranslation *t)
{
	Var		   *var = (Var *) node;
	ChRelColumn *column;

	if (var->varno != t->info->relid)
		return refuse(t, "a column of another relation is used");
	if (var->varattno == 0)
		return refuse(t, "the whole row is used");
	if (var->varattno < 0)
		return refuse(t, "a system column is used");
	column = &t->info->columns[var->varattno - 1];
	if (column->distrust)
		return refuse(t, column->distrust);
	return ch_expr_column(&column->column);
}

static const ConnhubExpr *
constant_make(Datum value, bool isnull, Oid type, ChTranslation *t)
{
	ConnhubValue constant;

	if (!ch_typemap_value(value, isnull, type, &constant))
		return refuse(t, psprintf("a constant of type %s has no counterpart", format_type_be(type)));
	return ch_expr_const(&constant);
}

static const ConnhubExpr *
translate_const(Node *node, ChTranslation *t)
{
	Const	   *constant = (Const *) node;

	if (get_typtype(constant->consttype) == TYPTYPE_PSEUDO)
		return refuse(t, "a constant has no type");
	return constant_make(constant->constvalue, constant->constisnull, constant->consttype, t);
}

/* Can computing this expression fail, or cost anything?  Only looked at when nothing is known of
 * whether its value is needed. */
static bool
is_harmless(Node *node)
{
	if (IsA(node, RelabelType))
		return is_harmless((Node *) ((RelabelType *) node)->arg);
	if (IsA(node, Param))
		return ((Param *) node)->paramkind == PARAM_EXTERN;
	return IsA(node, SQLValueFunction) ||
		(IsA(node, FuncExpr) && ((FuncExpr *) node)->args == NIL && ((FuncExpr *) node)->funcid < FirstGenbkiObjectId);
}

/* A new candidate among the relation's parameters. */
static const ConnhubExpr *
candidate_make(Expr *expr, Oid type, const ConnhubTypeRef *ref, ChTranslation *t)
{
	ChParam    *param = palloc(sizeof(ChParam));

	param->expr = expr;
	param->type = type;
	*t->info->params = lappend(*t->info->params, param);
	return ch_expr_param(list_length(*t->info->params) - 1, ref);
}

/* An expression without columns becomes a parameter. */
static const ConnhubExpr *
param_make(Node *node, ChTranslation *t)
{
	Oid			type = exprType(node);
	ConnhubTypeRef ref = type_of_node(node);
	Expr	   *expr = (Expr *) node;

	if (get_typtype(type) == TYPTYPE_PSEUDO)
		return refuse(t, "a value has no type");
	if (t->guards != NIL && !is_harmless(node))
	{
		CaseExpr   *guarded = makeNode(CaseExpr);
		CaseWhen   *when = makeNode(CaseWhen);

		when->expr = list_length(t->guards) == 1 ? linitial(t->guards) :
			makeBoolExpr(OR_EXPR, list_copy(t->guards), -1);
		when->result = (Expr *) makeNullConst(type, exprTypmod(node), exprCollation(node));
		when->location = -1;
		guarded->casetype = type;
		guarded->casecollid = exprCollation(node);
		guarded->args = list_make1(when);
		guarded->defresult = expr;
		guarded->location = -1;
		expr = (Expr *) guarded;
	}
	return candidate_make(expr, type, &ref, t);
}

/* ---- Bringing operands to one type ------------------------------------------------------- */

static int
integer_rank(ConnhubType type)
{
	return type == CONNHUB_INT16 ? 1 : type == CONNHUB_INT32 ? 2 : type == CONNHUB_INT64 ? 3 : 0;
}

static Oid
pg_type_of(ConnhubType type)
{
	ConnhubTypeRef ref = ch_typeref(type);

	return ch_typemap_pg_oid(&ref);
}

static bool
constant_fits(const ConnhubExpr *expr, ConnhubType type)
{
	int64		value;

	if (expr->value->is_null)
		return true;
	value = expr->value->v.integer;
	return type == CONNHUB_INT16 ? value >= PG_INT16_MIN && value <= PG_INT16_MAX :
		type == CONNHUB_INT32 ? value >= PG_INT32_MIN && value <= PG_INT32_MAX : true;
}

/* The operand as the type wanted, without loss. */
static const ConnhubExpr *
bring(const ConnhubExpr *expr, ConnhubType wanted, ChTranslation *t)
{
	ConnhubTypeRef ref;
	bool		same_storage = (integer_rank(expr->type.type) > 0 && integer_rank(wanted) > 0) ||
		(expr->type.type == CONNHUB_FLOAT32 && wanted == CONNHUB_FLOAT64);

	if (expr->type.type == wanted)
		return expr;
	ch_typemap_from_pg(pg_type_of(wanted), -1, &ref);
	if (expr->kind == CONNHUB_EXPR_CONST && same_storage)
	{
		ConnhubValue value = *expr->value;

		value.type = ref;
		return ch_expr_const(&value);
	}
	if (expr->kind == CONNHUB_EXPR_PARAM && same_storage)
	{
		const ChParam *narrow = list_nth(*t->info->params, expr->param);

		return candidate_make(narrow->expr, pg_type_of(wanted), &ref, t);
	}
	return ch_expr_call(CONNHUB_FN_CAST, &ref, NULL, list_make1((void *) expr));
}

/* The narrowest integer type that holds every operand of a comparison: a column then need not be
 * widened to be compared with a small constant. */
static ConnhubType
narrowest(List *args, ConnhubType wanted)
{
	ConnhubType type = CONNHUB_TYPE_NONE;
	ListCell   *cell;

	foreach(cell, args)
	{
		const ConnhubExpr *arg = lfirst(cell);

		if (arg->kind != CONNHUB_EXPR_CONST && integer_rank(arg->type.type) > integer_rank(type))
			type = arg->type.type;
	}
	if (type == CONNHUB_TYPE_NONE)
		return wanted;
	foreach(cell, args)
	{
		const ConnhubExpr *arg = lfirst(cell);

		if (arg->kind == CONNHUB_EXPR_CONST && !constant_fits(arg, type))
			return wanted;
	}
	return type;
}

static bool
is_comparison(ConnhubFunction fn)
{
	return (fn >= CONNHUB_FN_EQ && fn <= CONNHUB_FN_GE) || fn == CONNHUB_FN_IN || fn == CONNHUB_FN_NOT_IN ||
		fn == CONNHUB_FN_IS_DISTINCT || fn == CONNHUB_FN_IS_NOT_DISTINCT;
}

static bool
folds_case(ConnhubFunction fn)
{
	return fn == CONNHUB_FN_ILIKE || fn == CONNHUB_FN_NOT_ILIKE || fn == CONNHUB_FN_LOWER || fn == CONNHUB_FN_UPPER;
}

/* A call of fn, whose operands are to be of the type of `meaning`, made of translated args. */
static const ConnhubExpr *
call_make(ConnhubFunction fn, const ChMeaning *meaning, const ConnhubTypeRef *type, Oid collation,
		  List *args, ChTranslation *t)
{
	ConnhubType operand = meaning->operand;
	List	   *brought = NIL;
	ListCell   *cell;

	if (operand == CONNHUB_TYPE_NONE)
	{
		const ConnhubExpr *first = linitial(args);

		foreach(cell, args)
		{
			const ConnhubExpr *arg = lfirst(cell);

			if (arg->type.type != first->type.type || strcmp(arg->type.pg_type, first->type.pg_type) != 0)
				return refuse(t, psprintf("%s is compared with %s", first->type.pg_type, arg->type.pg_type));
		}
		brought = args;
	}
	else
	{
		if (is_comparison(fn) && integer_rank(operand) > 0)
			operand = narrowest(args, operand);
		foreach(cell, args)
			brought = lappend(brought, (void *) bring(lfirst(cell), operand, t));
	}
	return ch_expr_call(fn, type, ch_collation_make(collation, folds_case(fn)), brought);
}

/* ---- Nodes ------------------------------------------------------------------------------- */

/* Translations of a list, or NIL with the reason set. */
static List *
translate_list(List *nodes, ChTranslation *t)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, nodes)
	{
		const ConnhubExpr *expr = translate_node(lfirst(cell), t);

		if (expr == NULL)
			return NIL;
		result = lappend(result, (void *) expr);
	}
	return result;
}

static const ConnhubExpr *
translate_call(ConnhubFunction fn, const ChMeaning *meaning, Node *node, Oid collation, List *nodes,
			   ChTranslation *t)
{
	ConnhubTypeRef type = type_of_node(node);
	List	   *args = translate_list(nodes, t);

	return args ? call_make(fn, meaning, &type, collation, args, t) : NULL;
}

static const ConnhubExpr *
translate_op(Node *node, ChTranslation *t)
{
	OpExpr	   *op = (OpExpr *) node;
	const ChMeaning *meaning;

	set_opfuncid(op);
	meaning = ch_meaning_get(op->opfuncid);
	if (meaning == NULL)
		return refuse_operator(t, op->opno);
	return translate_call(meaning->fn, meaning, node, op->inputcollid, op->args, t);
}

/* IS DISTINCT FROM and NULLIF carry the equality operator. */
static const ConnhubExpr *
translate_equality_based(Node *node, ConnhubFunction fn, ChTranslation *t)
{
	OpExpr	   *op = (OpExpr *) node;
	const ChMeaning *meaning;

	set_opfuncid(op);
	meaning = ch_meaning_get(op->opfuncid);
	if (meaning == NULL || meaning->fn != CONNHUB_FN_EQ)
		return refuse_operator(t, op->opno);
	return translate_call(fn, meaning, node, op->inputcollid, op->args, t);
}

static const ConnhubExpr *
translate_distinct(Node *node, ChTranslation *t)
{
	return translate_equality_based(node, CONNHUB_FN_IS_DISTINCT, t);
}

static const ConnhubExpr *
translate_nullif(Node *node, ChTranslation *t)
{
	NullIfExpr *nullif = (NullIfExpr *) node;
	Node	   *first = linitial(nullif->args);

	/* The result is the first operand as it is, so it must not be widened. */
	if (exprType(first) != exprType(lsecond(nullif->args)))
		return refuse(t, "NULLIF compares different types");
	return translate_equality_based(node, CONNHUB_FN_NULLIF, t);
}

static const ConnhubExpr *
translate_func(Node *node, ChTranslation *t)
{
	FuncExpr   *func = (FuncExpr *) node;
	const ChMeaning *meaning = ch_meaning_get(func->funcid);

	if (meaning == NULL || func->funcvariadic)
		return refuse_function(t, func->funcid);
	return translate_call(meaning->fn, meaning, node, func->inputcollid, func->args, t);
}

/* AND or OR of any number of conditions.  Sources parse a chain as a tree as deep as it is long and bound that
 * depth, so a long one becomes a chain of chains. */
static const ConnhubExpr *
junction_make(ConnhubFunction fn, List *args)
{
	ConnhubTypeRef type = bool_type();
	List	   *chains = NIL;
	List	   *chain = NIL;
	ListCell   *cell;

	if (list_length(args) <= MAX_CHAIN)
		return ch_expr_call(fn, &type, NULL, args);
	foreach(cell, args)
	{
		chain = lappend(chain, lfirst(cell));
		if (list_length(chain) < MAX_CHAIN && lnext(args, cell) != NULL)
			continue;
		chains = lappend(chains, list_length(chain) == 1 ? linitial(chain) :
						 (void *) ch_expr_call(fn, &type, NULL, chain));
		chain = NIL;
	}
	return junction_make(fn, chains);
}

/* Where this holds, what stands to the right in the same OR or AND does not matter. */
static Expr *
guard_make(Node *arg, BoolExprType op)
{
	BooleanTest *test = makeNode(BooleanTest);

	test->arg = (Expr *) arg;
	test->booltesttype = op == OR_EXPR ? IS_TRUE : IS_FALSE;
	test->location = -1;
	return (Expr *) test;
}

static const ConnhubExpr *
translate_bool(Node *node, ChTranslation *t)
{
	BoolExpr   *expr = (BoolExpr *) node;
	List	   *guards = t->guards;
	List	   *args = NIL;
	ListCell   *cell;

	foreach(cell, expr->args)
	{
		Node	   *arg = lfirst(cell);
		const ConnhubExpr *translated = translate_node(arg, t);

		if (translated == NULL)
			return NULL;
		args = lappend(args, (void *) translated);
		if (expr->boolop != NOT_EXPR && !contain_var_clause(arg))
			t->guards = lappend(list_copy(t->guards), guard_make(arg, expr->boolop));
	}
	t->guards = guards;
	if (expr->boolop == NOT_EXPR)
	{
		ConnhubTypeRef type = bool_type();

		return ch_expr_call(CONNHUB_FN_NOT, &type, NULL, args);
	}
	return junction_make(expr->boolop == AND_EXPR ? CONNHUB_FN_AND : CONNHUB_FN_OR, args);
}

static const ConnhubExpr *
test_make(ConnhubFunction fn, Node *arg, ChTranslation *t)
{
	ConnhubTypeRef type = bool_type();
	const ConnhubExpr *translated = translate_node(arg, t);

	return translated ? ch_expr_call(fn, &type, NULL, list_make1((void *) translated)) : NULL;
}

static const ConnhubExpr *
translate_null_test(Node *node, ChTranslation *t)
{
	NullTest   *test = (NullTest *) node;

	if (test->argisrow || type_is_rowtype(exprType((Node *) test->arg)))
		return refuse(t, "a row is tested for null");
	return test_make(test->nulltesttype == IS_NULL ? CONNHUB_FN_IS_NULL : CONNHUB_FN_IS_NOT_NULL,
					 (Node *) test->arg, t);
}

static const ConnhubExpr *
translate_boolean_test(Node *node, ChTranslation *t)
{
	static const ConnhubFunction functions[] = {
		[IS_TRUE] = CONNHUB_FN_IS_TRUE,
		[IS_NOT_TRUE] = CONNHUB_FN_IS_NOT_TRUE,
		[IS_FALSE] = CONNHUB_FN_IS_FALSE,
		[IS_NOT_FALSE] = CONNHUB_FN_IS_NOT_FALSE,
		[IS_UNKNOWN] = CONNHUB_FN_IS_NULL,
		[IS_NOT_UNKNOWN] = CONNHUB_FN_IS_NOT_NULL,
	};
	BooleanTest *test = (BooleanTest *) node;

	return test_make(functions[test->booltesttype], (Node *) test->arg, t);
}

/* A change of type that keeps the value's bits: nothing to do while the ABI sees the same type. */
static const ConnhubExpr *
translate_relabel(Node *node, ChTranslation *t)
{
	RelabelType *relabel = (RelabelType *) node;
	const ConnhubExpr *arg = translate_node((Node *) relabel->arg, t);
	ConnhubTypeRef type;

	if (arg == NULL)
		return NULL;
	ch_typemap_from_pg(relabel->resulttype, -1, &type);
	if (type.type != arg->type.type ||
		((type.type == CONNHUB_NATIVE || type.type == CONNHUB_JSON) && strcmp(type.pg_type, arg->type.pg_type) != 0))
		return refuse(t, psprintf("a cast from %s to %s has no counterpart", arg->type.pg_type, type.pg_type));
	return arg;
}

static const ConnhubExpr *
translate_collate(Node *node, ChTranslation *t)
{
	return translate_node((Node *) ((CollateExpr *) node)->arg, t);
}

static const ConnhubExpr *
translate_coalesce(Node *node, ChTranslation *t)
{
	ConnhubTypeRef type = type_of_node(node);
	List	   *args;

	t->lazy++;
	args = translate_list(((CoalesceExpr *) node)->args, t);
	t->lazy--;
	return args ? ch_expr_call(CONNHUB_FN_COALESCE, &type, NULL, args) : NULL;
}

static const ConnhubExpr *
translate_case(Node *node, ChTranslation *t)
{
	CaseExpr   *expr = (CaseExpr *) node;
	ConnhubTypeRef type = type_of_node(node);
	const ConnhubExpr *outer_test = t->case_test;
	const ConnhubExpr *arg = NULL;
	List	   *nodes = NIL;
	List	   *args;
	ListCell   *cell;

	t->lazy++;
	if (expr->arg)
	{
		arg = translate_node((Node *) expr->arg, t);
		if (arg == NULL)
			return NULL;
	}
	foreach(cell, expr->args)
	{
		CaseWhen   *when = lfirst(cell);

		nodes = lappend(nodes, when->expr);
		nodes = lappend(nodes, when->result);
	}
	if (expr->defresult)
		nodes = lappend(nodes, expr->defresult);
	t->case_test = arg;
	args = translate_list(nodes, t);
	t->case_test = outer_test;
	t->lazy--;
	return args ? ch_expr_call(CONNHUB_FN_CASE, &type, NULL, args) : NULL;
}

static const ConnhubExpr *
translate_case_test(Node *node, ChTranslation *t)
{
	if (t->case_test == NULL)
		return refuse(t, "a CASE has no counterpart");
	return t->case_test;
}

/* The elements of a constant array as request constants; NIL with the reason set when one has none. */
static List *
array_elements(Const *array, ChTranslation *t)
{
	ArrayType  *value = DatumGetArrayTypeP(array->constvalue);
	Oid			type = ARR_ELEMTYPE(value);
	int16		typlen;
	bool		typbyval;
	char		typalign;
	Datum	   *elements;
	bool	   *nulls;
	int			nelements;
	List	   *result = NIL;

	get_typlenbyvalalign(type, &typlen, &typbyval, &typalign);
	deconstruct_array(value, type, typlen, typbyval, typalign, &elements, &nulls, &nelements);
	for (int i = 0; i < nelements; i++)
	{
		const ConnhubExpr *element = constant_make(elements[i], nulls[i], type, t);

		if (element == NULL)
			return NIL;
		result = lappend(result, (void *) element);
	}
	return result;
}

/* The elements of an array constructor, seen through a cast of each that keeps its bits; NIL with the reason set when
 * the array is no such constructor, or an element has no counterpart. */
static List *
constructor_elements(Node *array, ChTranslation *t)
{
	if (IsA(array, ArrayCoerceExpr) && IsA(((ArrayCoerceExpr *) array)->elemexpr, RelabelType))
		array = (Node *) ((ArrayCoerceExpr *) array)->arg;
	if (!IsA(array, ArrayExpr) || ((ArrayExpr *) array)->multidims || ((ArrayExpr *) array)->elements == NIL)
	{
		(void) refuse(t, "the array of an ANY or ALL is known only at execution");
		return NIL;
	}
	return translate_list(((ArrayExpr *) array)->elements, t);
}

/* x op ANY (elements) and x op ALL (elements). */
static const ConnhubExpr *
quantified_make(const ScalarArrayOpExpr *op, const ChMeaning *meaning, const ConnhubExpr *left, List *elements,
				ChTranslation *t)
{
	ConnhubTypeRef type = bool_type();
	List	   *calls = NIL;
	ListCell   *cell;

	if (op->useOr ? meaning->fn == CONNHUB_FN_EQ : meaning->fn == CONNHUB_FN_NE)
		return call_make(op->useOr ? CONNHUB_FN_IN : CONNHUB_FN_NOT_IN, meaning, &type, op->inputcollid,
						 lcons((void *) left, elements), t);

	if (list_length(elements) > MAX_UNROLLED_ARRAY)
		return refuse(t, psprintf("the array of an ANY or ALL has more than %d elements", MAX_UNROLLED_ARRAY));
	foreach(cell, elements)
	{
		const ConnhubExpr *call = call_make(meaning->fn, meaning, &type, op->inputcollid,
											list_make2((void *) left, lfirst(cell)), t);

		if (call == NULL)
			return NULL;
		calls = lappend(calls, (void *) call);
	}
	if (list_length(calls) == 1)
		return linitial(calls);
	return junction_make(op->useOr ? CONNHUB_FN_OR : CONNHUB_FN_AND, calls);
}

static const ConnhubExpr *
translate_array_op(Node *node, ChTranslation *t)
{
	ScalarArrayOpExpr *op = (ScalarArrayOpExpr *) node;
	Node	   *right = lsecond(op->args);
	const ChMeaning *meaning;
	const ConnhubExpr *left;
	List	   *elements;

	set_sa_opfuncid(op);
	meaning = ch_meaning_get(op->opfuncid);
	if (meaning == NULL)
		return refuse_operator(t, op->opno);
	if (IsA(right, Const) && ((Const *) right)->constisnull)
		return constant_make((Datum) 0, true, BOOLOID, t);
	left = translate_node(linitial(op->args), t);
	if (left == NULL)
		return NULL;
	if (IsA(right, Const) &&
		ArrayGetNItems(ARR_NDIM(DatumGetArrayTypeP(((Const *) right)->constvalue)),
					   ARR_DIMS(DatumGetArrayTypeP(((Const *) right)->constvalue))) == 0)
		return constant_make(BoolGetDatum(!op->useOr), false, BOOLOID, t);
	elements = IsA(right, Const) ? array_elements((Const *) right, t) : constructor_elements(right, t);
	return elements ? quantified_make(op, meaning, left, elements, t) : NULL;
}

typedef struct ChTranslateRow
{
	NodeTag		tag;
	const char *name;			/* of the construct, where it has no counterpart */
	ChTranslateNode translate;	/* NULL: it has none */
} ChTranslateRow;

static const ChTranslateRow translate_rows[] = {
	{T_Var, NULL, translate_var},
	{T_Const, NULL, translate_const},
	{T_OpExpr, NULL, translate_op},
	{T_DistinctExpr, NULL, translate_distinct},
	{T_NullIfExpr, NULL, translate_nullif},
	{T_FuncExpr, NULL, translate_func},
	{T_BoolExpr, NULL, translate_bool},
	{T_NullTest, NULL, translate_null_test},
	{T_BooleanTest, NULL, translate_boolean_test},
	{T_ScalarArrayOpExpr, NULL, translate_array_op},
	{T_RelabelType, NULL, translate_relabel},
	{T_CollateExpr, NULL, translate_collate},
	{T_CoalesceExpr, NULL, translate_coalesce},
	{T_CaseExpr, NULL, translate_case},
	{T_CaseTestExpr, NULL, translate_case_test},
	{T_MinMaxExpr, "GREATEST or LEAST", NULL},
	{T_RowCompareExpr, "a comparison of rows", NULL},
	{T_RowExpr, "a row", NULL},
	{T_ArrayExpr, "an array constructor", NULL},
	{T_SubscriptingRef, "a subscript", NULL},
	{T_FieldSelect, "a field of a composite value", NULL},
	{T_CoerceViaIO, "a cast by way of text", NULL},
	{T_ArrayCoerceExpr, "a cast of an array", NULL},
	{T_CoerceToDomain, "a cast to a domain", NULL},
	{T_Param, "a value needed only sometimes", NULL},
	{T_XmlExpr, "an XML function", NULL},
	{T_PlaceHolderVar, "an expression of a lower outer join", NULL},
};

static const ConnhubExpr *
translate_node(Node *node, ChTranslation *t)
{
	check_stack_depth();

	/* A CASE's test stands for an expression that may well hold columns. */
	if (!IsA(node, Const) && !IsA(node, CaseTestExpr) && !contain_var_clause(node) &&
		(t->lazy == 0 || is_harmless(node)))
		return param_make(node, t);

	for (int i = 0; i < lengthof(translate_rows); i++)
	{
		const ChTranslateRow *row = &translate_rows[i];

		if (row->tag != nodeTag(node))
			continue;
		return row->translate ? row->translate(node, t) :
			refuse(t, psprintf("%s has no counterpart", row->name));
	}
	return refuse(t, "an expression has no counterpart");
}

const ConnhubExpr *
ch_translate(ChRelInfo *info, Node *node, const char **reason)
{
	ChTranslation t = {.info = info};
	const ConnhubExpr *result;

	if (contain_subplans(node))
		t.reason = "a sub-select is used";
	else if (contain_volatile_functions(node))
		t.reason = "a volatile function is used";
	else
	{
		result = translate_node(node, &t);
		if (result)
			return result;
	}
	*reason = t.reason;
	return NULL;
}
