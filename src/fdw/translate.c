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
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/timestamp.h"

#include "batch/typemap.h"
#include "fdw/translate.h"
#include "fdw/translate_aggregate.h"
#include "fdw/translate_array.h"
#include "fdw/translate_branch.h"
#include "fdw/translate_func.h"
#include "fdw/translate_operand.h"
#include "fdw/translate_part.h"
#include "fdw/translate_query.h"
#include "request/request.h"
#include "request/semantics.h"

const ConnhubExpr *
ch_translate_refuse_operator(ChTranslation *t, Oid op)
{
	return refuse(t, psprintf("operator %s has no counterpart", format_operator(op)));
}

ConnhubTypeRef
ch_translate_type(Node *node)
{
	ConnhubTypeRef ref;

	ch_typemap_from_pg(exprType(node), exprTypmod(node), &ref);
	return ref;
}

ConnhubTypeRef
ch_translate_bool_type(void)
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
	ChRelInfo  *leaf = var->varlevelsup == 0 ? ch_relinfo_leaf(t->info, var->varno) : NULL;
	ChRelColumn *column;
	const ConnhubExpr *expr;

	if (leaf == NULL)
		return refuse(t, "a column of another relation is used");
	if (var->varattno == 0)
		return refuse(t, "the whole row is used");
	if (var->varattno < 0)
		return refuse(t, "a system column is used");
	if (var->varattno > leaf->ncolumns)
		return refuse(t, "a column that is not read is used");
	if (t->info->is_grouped && !t->in_aggregate)
		return refuse(t, "a column is used that is not grouped by");
	column = &leaf->columns[var->varattno - 1];
	if (column->column.name == NULL)
		return refuse(t, "a column that is not read is used");
	if (column->distrust)
		return refuse(t, column->distrust);
	expr = ch_expr_column(&column->column, leaf->number);
	return bms_is_member(var->varno, t->info->nullable) ? ch_expr_nullable(expr) : expr;
}

const ConnhubExpr *
ch_translate_constant(Datum value, bool isnull, Oid type, ChTranslation *t)
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
	return ch_translate_constant(constant->constvalue, constant->constisnull, constant->consttype, t);
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

const ConnhubExpr *
ch_translate_candidate(Expr *expr, Oid type, const ConnhubTypeRef *ref, ChTranslation *t)
{
	ChParam    *param = palloc(sizeof(ChParam));

	param->expr = expr;
	param->type = type;
	return ch_expr_param(param, ref);
}

/* An expression without columns becomes a parameter. */
static const ConnhubExpr *
param_make(Node *node, ChTranslation *t)
{
	Oid			type = exprType(node);
	ConnhubTypeRef ref = ch_translate_type(node);
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
	return ch_translate_candidate(expr, type, &ref, t);
}

/* ---- Nodes ------------------------------------------------------------------------------- */

List *
ch_translate_list(List *nodes, ChTranslation *t)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, nodes)
	{
		const ConnhubExpr *expr = ch_translate_node(lfirst(cell), t);

		if (expr == NULL)
			return NIL;
		result = lappend(result, (void *) expr);
	}
	return result;
}

const ConnhubExpr *
ch_translate_meaning(ConnhubFunction fn, const ChMeaning *meaning, Node *node, Oid collation, List *nodes,
			   ChTranslation *t)
{
	ConnhubTypeRef type = ch_translate_type(node);
	List	   *args = ch_translate_list(nodes, t);

	return args ? ch_translate_call(fn, meaning, &type, collation, args, t) : NULL;
}

static const ConnhubExpr *
translate_op(Node *node, ChTranslation *t)
{
	OpExpr	   *op = (OpExpr *) node;
	const ChMeaning *meaning;

	set_opfuncid(op);
	meaning = ch_meaning_get(op->opfuncid);
	if (meaning == NULL)
		return ch_translate_refuse_operator(t, op->opno);
	return ch_translate_meaning(meaning->fn, meaning, node, op->inputcollid, op->args, t);
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
		return ch_translate_refuse_operator(t, op->opno);
	return ch_translate_meaning(fn, meaning, node, op->inputcollid, op->args, t);
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
	const ChMeaning *meaning;
	ConnhubTypeRef first = ch_translate_type(linitial(nullif->args));

	/* The result is the first operand as it is, so it must not be widened. */
	set_opfuncid((OpExpr *) nullif);
	meaning = ch_meaning_get(nullif->opfuncid);
	if (meaning && meaning->operand != CONNHUB_TYPE_NONE && meaning->operand != first.type)
		return refuse(t, "NULLIF compares different types");
	return translate_equality_based(node, CONNHUB_FN_NULLIF, t);
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

	if (expr->boolop == NOT_EXPR && IsA(linitial(expr->args), DistinctExpr))
		return translate_equality_based(linitial(expr->args), CONNHUB_FN_IS_NOT_DISTINCT, t);
	foreach(cell, expr->args)
	{
		Node	   *arg = lfirst(cell);
		const ConnhubExpr *translated = ch_translate_node(arg, t);

		if (translated == NULL)
			return NULL;
		args = lappend(args, (void *) translated);
		if (expr->boolop != NOT_EXPR && !contain_var_clause(arg))
			t->guards = lappend(list_copy(t->guards), guard_make(arg, expr->boolop));
	}
	t->guards = guards;
	if (expr->boolop == NOT_EXPR)
	{
		ConnhubTypeRef type = ch_translate_bool_type();

		return ch_expr_call(CONNHUB_FN_NOT, &type, NULL, args);
	}
	return ch_translate_junction(expr->boolop == AND_EXPR ? CONNHUB_FN_AND : CONNHUB_FN_OR, args);
}

static const ConnhubExpr *
test_make(ConnhubFunction fn, Node *arg, ChTranslation *t)
{
	ConnhubTypeRef type = ch_translate_bool_type();
	const ConnhubExpr *translated = ch_translate_node(arg, t);

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
	const ConnhubExpr *arg = ch_translate_node((Node *) relabel->arg, t);
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
	return ch_translate_node((Node *) ((CollateExpr *) node)->arg, t);
}

typedef const ConnhubExpr *(*ChTranslateNode) (Node *node, ChTranslation *t);

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
	{T_FuncExpr, NULL, ch_translate_func},
	{T_BoolExpr, NULL, translate_bool},
	{T_NullTest, NULL, translate_null_test},
	{T_BooleanTest, NULL, translate_boolean_test},
	{T_ScalarArrayOpExpr, NULL, ch_translate_array_op},
	{T_RelabelType, NULL, translate_relabel},
	{T_CollateExpr, NULL, translate_collate},
	{T_CoalesceExpr, NULL, ch_translate_coalesce},
	{T_CaseExpr, NULL, ch_translate_case},
	{T_CaseTestExpr, NULL, ch_translate_case_test},
	{T_Aggref, NULL, ch_translate_aggref},
	{T_GroupingFunc, NULL, ch_translate_grouping},
	{T_WindowFunc, NULL, ch_translate_window},
	{T_SubPlan, NULL, ch_translate_subplan},
	{T_AlternativeSubPlan, NULL, ch_translate_alternatives},
	{T_MinMaxExpr, NULL, ch_translate_min_max},
	{T_RowCompareExpr, "a comparison of rows", NULL},
	{T_RowExpr, "a row", NULL},
	{T_ArrayExpr, "an array constructor", NULL},
	{T_SubscriptingRef, "a subscript", NULL},
	{T_FieldSelect, "a field of a composite value", NULL},
	{T_CoerceViaIO, NULL, ch_translate_coerce_via_io},
	{T_ArrayCoerceExpr, "a cast of an array", NULL},
	{T_CoerceToDomain, "a cast to a domain", NULL},
	{T_Param, "a value needed only sometimes", NULL},
	{T_XmlExpr, "an XML function", NULL},
	{T_PlaceHolderVar, "an expression of a lower outer join", NULL},
};

/* Is the value known before the relation is read? */
static bool
is_known(Node *node, ChTranslation *t)
{
	Relids		used;

	/* A CASE's test stands for an expression that may well hold columns. */
	if (IsA(node, Const) || IsA(node, CaseTestExpr))
		return false;
	if (contain_subplans(node))
		return false;
	if (t->info->computes && (contain_agg_clause(node) || contain_window_function(node)))
		return false;
	if (!contain_var_clause(node))
		return true;
	if (t->outer == NULL)
		return false;
	used = pull_varnos(t->info->root, node);
	return bms_is_subset(used, t->outer) && !bms_overlap(used, t->info->relids);
}

/* The group key an expression is, or NULL. */
static const ConnhubExpr *
group_key(Node *node, ChTranslation *t)
{
	ListCell   *key;
	ListCell   *expr;

	if (!t->info->is_grouped || t->in_aggregate)
		return NULL;
	forboth(key, t->info->groups, expr, t->info->group_exprs)
	{
		if (equal(lfirst(expr), node))
			return lfirst(key);
	}
	return NULL;
}

const ConnhubExpr *
ch_translate_node(Node *node, ChTranslation *t)
{
	const ConnhubExpr *key;

	check_stack_depth();
	key = group_key(node, t);
	if (key)
		return key;
	if (is_known(node, t) && (t->lazy == 0 || is_harmless(node)))
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
ch_translate(ChRelInfo *info, Node *node, Relids outer, const char **reason)
{
	ChTranslation t = {.info = info,.outer = outer};
	const ConnhubExpr *result;

	if (contain_volatile_functions(node))
		t.reason = "a volatile function is used";
	else
	{
		result = ch_translate_node(node, &t);
		if (result)
			return result;
	}
	*reason = t.reason;
	return NULL;
}
