/* fdw/translate_array.c — comparison with the elements of an array, and chains of conditions. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

#include "fdw/translate_array.h"
#include "fdw/translate_operand.h"
#include "request/request.h"

/* Longest array whose comparison other than = ANY and <> ALL is written out element by element. */
#define MAX_UNROLLED_ARRAY 100
/* Most conditions side by side in one AND or OR. */
#define MAX_CHAIN 64

const ConnhubExpr *
ch_translate_junction(ConnhubFunction fn, List *args)
{
	ConnhubTypeRef type = ch_translate_bool_type();
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
	return ch_translate_junction(fn, chains);
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
		const ConnhubExpr *element = ch_translate_constant(elements[i], nulls[i], type, t);

		if (element == NULL)
			return NIL;
		result = lappend(result, (void *) element);
	}
	return result;
}

/* The array constructor an expression is, seen through a cast of each element that keeps its bits; NULL when it is none. */
static const ArrayExpr *
constructor_of(Node *array)
{
	if (IsA(array, ArrayCoerceExpr) && IsA(((ArrayCoerceExpr *) array)->elemexpr, RelabelType))
		array = (Node *) ((ArrayCoerceExpr *) array)->arg;
	if (!IsA(array, ArrayExpr) || ((ArrayExpr *) array)->multidims || ((ArrayExpr *) array)->elements == NIL)
		return NULL;
	return (ArrayExpr *) array;
}

/* The elements of an array constructor; NIL with the reason set when it is none, or an element has no counterpart. */
static List *
constructor_elements(Node *array, ChTranslation *t)
{
	const ArrayExpr *constructor = constructor_of(array);

	if (constructor == NULL)
	{
		(void) refuse(t, "the array of an ANY or ALL depends on columns");
		return NIL;
	}
	return ch_translate_list(constructor->elements, t);
}

/* x op ANY (elements) and x op ALL (elements). */
static const ConnhubExpr *
quantified_make(const ScalarArrayOpExpr *op, const ChMeaning *meaning, const ConnhubExpr *left, List *elements,
				ChTranslation *t)
{
	ConnhubTypeRef type = ch_translate_bool_type();
	List	   *calls = NIL;
	ListCell   *cell;

	if (op->useOr ? meaning->fn == CONNHUB_FN_EQ : meaning->fn == CONNHUB_FN_NE)
		return ch_translate_call(op->useOr ? CONNHUB_FN_IN : CONNHUB_FN_NOT_IN, meaning, &type, op->inputcollid,
						 lcons((void *) left, elements), t);

	if (list_length(elements) > MAX_UNROLLED_ARRAY)
		return refuse(t, psprintf("the array of an ANY or ALL has more than %d elements", MAX_UNROLLED_ARRAY));
	foreach(cell, elements)
	{
		const ConnhubExpr *call = ch_translate_call(meaning->fn, meaning, &type, op->inputcollid,
											list_make2((void *) left, lfirst(cell)), t);

		if (call == NULL)
			return NULL;
		calls = lappend(calls, (void *) call);
	}
	if (list_length(calls) == 1)
		return linitial(calls);
	return ch_translate_junction(op->useOr ? CONNHUB_FN_OR : CONNHUB_FN_AND, calls);
}

/* x = ANY (array) and x <> ALL (array) of an array known at execution only, which travels whole. */
static const ConnhubExpr *
any_make(const ScalarArrayOpExpr *op, const ChMeaning *meaning, const ConnhubExpr *left, ChTranslation *t)
{
	ConnhubTypeRef type = ch_translate_bool_type();
	const ConnhubExpr *array = ch_translate_node(lsecond(op->args), t);
	const ConnhubExpr *any;

	if (array == NULL)
		return NULL;
	if (op->useOr ? meaning->fn != CONNHUB_FN_EQ : meaning->fn != CONNHUB_FN_NE)
		return refuse(t, "the array of an ANY or ALL is known only at execution");
	any = ch_expr_call(CONNHUB_FN_EQ_ANY, &type, ch_collation_make(op->inputcollid, false),
					   list_make2((void *) left, (void *) array));
	return op->useOr ? any : ch_expr_call(CONNHUB_FN_NOT, &type, NULL, list_make1((void *) any));
}

const ConnhubExpr *
ch_translate_array_op(Node *node, ChTranslation *t)
{
	ScalarArrayOpExpr *op = (ScalarArrayOpExpr *) node;
	Node	   *right = lsecond(op->args);
	const ChMeaning *meaning;
	const ConnhubExpr *left;
	List	   *elements;

	set_sa_opfuncid(op);
	meaning = ch_meaning_get(op->opfuncid);
	if (meaning == NULL)
		return ch_translate_refuse_operator(t, op->opno);
	if (IsA(right, Const) && ((Const *) right)->constisnull)
		return ch_translate_constant((Datum) 0, true, BOOLOID, t);
	left = ch_translate_node(linitial(op->args), t);
	if (left == NULL)
		return NULL;
	if (IsA(right, Const) &&
		ArrayGetNItems(ARR_NDIM(DatumGetArrayTypeP(((Const *) right)->constvalue)),
					   ARR_DIMS(DatumGetArrayTypeP(((Const *) right)->constvalue))) == 0)
		return ch_translate_constant(BoolGetDatum(!op->useOr), false, BOOLOID, t);
	if (!IsA(right, Const) && !contain_var_clause(right) && constructor_of(right) == NULL)
		return any_make(op, meaning, left, t);
	elements = IsA(right, Const) ? array_elements((Const *) right, t) : constructor_elements(right, t);
	return elements ? quantified_make(op, meaning, left, elements, t) : NULL;
}
