/* fdw/translate_query.c — sub-selects in expressions.
 *
 * By the time an expression is translated, a sub-select in it has been planned.  When its source is the same connector
 * and it left nothing to be done here, its request becomes part of the expression; the values it takes of the query around
 * it, parameters so far, become expressions of that query's columns. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"

#include "batch/typemap.h"
#include "fdw/derived.h"
#include "fdw/translate_operand.h"
#include "fdw/translate_query.h"
#include "request/request.h"
#include "request/semantics.h"

/* What the parameters of a sub-select stand for in the query around it. */
typedef struct ChCorrelation
{
	SubPlan    *plan;
	ChTranslation *t;
	bool		failed;
} ChCorrelation;

static const ConnhubExpr *
correlate(const void *source, void *arg)
{
	const ChParam *param = source;
	ChCorrelation *correlation = arg;
	ListCell   *id;
	ListCell   *value;

	forboth(id, correlation->plan->parParam, value, correlation->plan->args)
	{
		if (IsA(param->expr, Param) && ((Param *) param->expr)->paramkind == PARAM_EXEC &&
			((Param *) param->expr)->paramid == lfirst_int(id))
		{
			const ConnhubExpr *outer = ch_translate_node(lfirst(value), correlation->t);
			ConnhubTypeRef sent;

			ch_typemap_from_pg(param->type, -1, &sent);
			if (outer && outer->type.type == sent.type)
				return outer;
			correlation->failed = true;
			return NULL;
		}
	}

	/* A value computed here of the query around it would be needed once for each of its rows. */
	if (ch_uses_params((Node *) param->expr, correlation->plan->parParam))
		correlation->failed = true;
	return NULL;
}

/* The request of a sub-select with its parameters bound to the query around it. */
static const ConnhubRequest *
request_of(SubPlan *plan, ChTranslation *t)
{
	PlannerInfo *root = list_nth(t->info->root->glob->subroots, plan->plan_id - 1);
	ChCorrelation correlation = {.plan = plan,.t = t};
	const ConnhubRequest *request = ch_derived_request(root, t->info, &t->reason);
	const char *reason = t->reason;

	if (request == NULL)
		return NULL;
	request = ch_request_replace(request, correlate, &correlation);
	if (!correlation.failed)
		return request;
	(void) refuse(t, t->reason && t->reason != reason ? t->reason : "a sub-select takes a computed value of the query around it");
	return NULL;
}

static bool
is_integer(ConnhubType type)
{
	return type == CONNHUB_INT16 || type == CONNHUB_INT32 || type == CONNHUB_INT64;
}

/* x IN (sub-select): the comparison of each output with an expression of the query around it. */
static const ConnhubExpr *
in_query(SubPlan *plan, const ConnhubRequest *request, ChTranslation *t)
{
	OpExpr	   *test = (OpExpr *) plan->testexpr;
	ConnhubTypeRef type = ch_translate_bool_type();
	const ChMeaning *meaning;
	const ConnhubExpr *left;

	if (!IsA(test, OpExpr) || list_length(test->args) != 2 || request->noutputs != 1)
		return refuse(t, "a row is looked for in a sub-select");
	set_opfuncid(test);
	meaning = ch_meaning_get(test->opfuncid);
	if (meaning == NULL || meaning->fn != CONNHUB_FN_EQ)
		return refuse(t, "a sub-select is compared by more than equality");
	if (!ch_equals_by_bytes(test->inputcollid))
		return refuse(t, "the collation is nondeterministic here");
	left = ch_translate_node(linitial(test->args), t);
	if (left == NULL)
		return NULL;
	if (left->type.type != request->outputs[0]->type.type &&
		!(is_integer(left->type.type) && is_integer(request->outputs[0]->type.type)))
		return refuse(t, "a value is looked for in a sub-select of another type");
	return ch_expr_query(CONNHUB_EXPR_IN_QUERY, &type, list_make1(unconstify(ConnhubExpr *, left)), request);
}

const ConnhubExpr *
ch_translate_subplan(Node *node, ChTranslation *t)
{
	SubPlan    *plan = (SubPlan *) node;
	ConnhubTypeRef type = ch_translate_type(node);
	const ConnhubRequest *request;

	if (t->lazy > 0 || t->info->root == NULL)
		return refuse(t, "a sub-select is needed only sometimes");
	request = request_of(plan, t);
	if (request == NULL)
		return NULL;
	if (plan->subLinkType == EXISTS_SUBLINK)
		return ch_expr_query(CONNHUB_EXPR_EXISTS, &type, NIL, request);
	if (plan->subLinkType == ANY_SUBLINK)
		return in_query(plan, request, t);
	if (plan->subLinkType != EXPR_SUBLINK)
		return refuse(t, "a sub-select of this kind has no counterpart");

	/* More than one row would be an error here, and is none everywhere. */
	if (!request->is_grouped || request->ngroups > 0 || request->nsets > 0 || request->noutputs != 1)
		return refuse(t, "a sub-select may have more than one row");
	return ch_expr_query(CONNHUB_EXPR_SUBQUERY, &type, NIL, request);
}

/* The same sub-select planned in two ways: the first, which takes values of the query around it. */
const ConnhubExpr *
ch_translate_alternatives(Node *node, ChTranslation *t)
{
	return ch_translate_node(linitial(((AlternativeSubPlan *) node)->subplans), t);
}
