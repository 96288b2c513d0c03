/* fdw/translate_branch.c — expressions that compute only some of their parts.
 *
 * What stands in a branch may never be needed, so nothing that could fail is computed for it ahead of time. */
#include "postgres.h"

#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "fdw/translate_branch.h"
#include "fdw/translate_operand.h"
#include "request/request.h"

const ConnhubExpr *
ch_translate_coalesce(Node *node, ChTranslation *t)
{
	ConnhubTypeRef type = ch_translate_type(node);
	List	   *nodes = ((CoalesceExpr *) node)->args;
	List	   *args;

	/* One alone is itself; not every source takes it for that. */
	if (list_length(nodes) == 1)
		return ch_translate_node(linitial(nodes), t);
	t->lazy++;
	args = ch_translate_list(nodes, t);
	t->lazy--;
	return args ? ch_expr_call(CONNHUB_FN_COALESCE, &type, NULL, args) : NULL;
}

const ConnhubExpr *
ch_translate_case(Node *node, ChTranslation *t)
{
	CaseExpr   *expr = (CaseExpr *) node;
	ConnhubTypeRef type = ch_translate_type(node);
	const ConnhubExpr *outer_test = t->case_test;
	const ConnhubExpr *arg = NULL;
	List	   *nodes = NIL;
	List	   *args;
	ListCell   *cell;

	t->lazy++;
	if (expr->arg)
	{
		arg = ch_translate_node((Node *) expr->arg, t);
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
	args = ch_translate_list(nodes, t);
	t->case_test = outer_test;
	t->lazy--;
	return args ? ch_expr_call(CONNHUB_FN_CASE, &type, NULL, args) : NULL;
}

const ConnhubExpr *
ch_translate_case_test(Node *node, ChTranslation *t)
{
	if (t->case_test == NULL)
		return refuse(t, "a CASE has no counterpart");
	return t->case_test;
}

const ConnhubExpr *
ch_translate_min_max(Node *node, ChTranslation *t)
{
	MinMaxExpr *expr = (MinMaxExpr *) node;
	TypeCacheEntry *entry = lookup_type_cache(expr->minmaxtype, TYPECACHE_LT_OPR);
	const ChMeaning *meaning = OidIsValid(entry->lt_opr) ? ch_meaning_get(get_opcode(entry->lt_opr)) : NULL;

	if (list_length(expr->args) == 1)
		return ch_translate_node(linitial(expr->args), t);

	/* Values are compared by the type's own order, which must be the one the request's words mean. */
	if (meaning == NULL || meaning->fn != CONNHUB_FN_LT)
		return refuse(t, psprintf("the order of %s has no counterpart", format_type_be(expr->minmaxtype)));
	return ch_translate_meaning(expr->op == IS_GREATEST ? CONNHUB_FN_GREATEST : CONNHUB_FN_LEAST, meaning, node,
								expr->inputcollid, expr->args, t);
}
