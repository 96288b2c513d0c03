/* fdw/derived.c — a sub-select whose rows the same connector can give.
 *
 * One in FROM becomes a relation like a foreign table: joins with it, and what is done with its rows, can then
 * be done at the source.  It has no path of its own; by itself it is planned as the server plans any
 * sub-select. */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "parser/parsetree.h"

#include "common/guc.h"
#include "fdw/derived.h"
#include "fdw/fdw.h"
#include "fdw/judge.h"
#include "fdw/modify.h"
#include "request/request.h"

static set_rel_pathlist_hook_type next_hook = NULL;

/* ---- The request of a sub-select ---------------------------------------------------------- */

/* A column of the sub-select as the source computes it. */
static const ConnhubExpr *
output_of(ChRelInfo *info, Node *node, const char **reason)
{
	ListCell   *cell;

	foreach(cell, info->outputs)
	{
		ChOutput   *output = lfirst(cell);

		if (!equal(output->expr, node))
			continue;
		if (output->count == NULL)
			return output->sent;
		*reason = "an average is made here";
		return NULL;
	}
	return ch_judge_output(info, node, reason);
}

static RelOptInfo *
final_rel(PlannerInfo *root)
{
	return fetch_upper_rel(root, UPPERREL_FINAL, NULL);
}

static ChRelInfo *
final_info(PlannerInfo *root)
{
	RelOptInfo *rel = final_rel(root);

	return rel->fdwroutine && rel->fdwroutine->GetForeignPlan == ch_get_foreign_plan ? rel->fdw_private : NULL;
}

bool
ch_uses_params(Node *node, List *ids)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param))
		return ((Param *) node)->paramkind == PARAM_EXEC && list_member_int(ids, ((Param *) node)->paramid);
	return expression_tree_walker(node, ch_uses_params, ids);
}

typedef struct ChParamSearch
{
	List	   *ids;
	bool		found;
} ChParamSearch;

static const ConnhubExpr *
look_at_param(const void *source, void *arg)
{
	ChParamSearch *search = arg;

	search->found |= ch_uses_params((Node *) ((const ChParam *) source)->expr, search->ids);
	return NULL;
}

/* Does the request take a value that the sub-select's own plan computes first?  That plan is no part of the one that
 * takes the request in. */
static bool
uses_init_plans(PlannerInfo *root, const ConnhubRequest *request)
{
	ChParamSearch search = {NIL};
	ListCell   *cell;

	foreach(cell, root->init_plans)
		search.ids = list_concat(search.ids, lfirst_node(SubPlan, cell)->setParam);
	if (search.ids != NIL)
		ch_request_replace(request, look_at_param, &search);
	return search.found;
}

const ConnhubRequest *
ch_derived_request(PlannerInfo *root, const ChRelInfo *around, const char **reason)
{
	ChRelInfo  *info = final_info(root);
	ChRelInfo  *source = info ? ch_relinfo_source(info) : NULL;
	ChRequestParts parts = {NULL};
	const ConnhubRequest *request;
	ListCell   *cell;

	if (info == NULL || !source->all_exact || source->has_gate)
		*reason = "a sub-select is done here, in part or whole";
	else if (source->server != around->server || source->user != around->user)
		*reason = "a sub-select is of another source";
	else
	{
		ch_request_parts(info, &parts);
		foreach(cell, root->processed_tlist)
		{
			TargetEntry *target = lfirst_node(TargetEntry, cell);
			const ConnhubExpr *output;

			if (target->resjunk)
				continue;
			output = output_of(source, (Node *) target->expr, reason);
			if (output == NULL)
				return NULL;
			parts.outputs = lappend(parts.outputs, unconstify(ConnhubExpr *, output));
		}
		request = ch_request_make(&parts);
		if (!uses_init_plans(root, request))
			return request;
		*reason = "a sub-select takes a value computed here";
	}
	return NULL;
}

/* ---- A sub-select in FROM ---------------------------------------------------------------- */

/* What is known of a derived column: as much as of the column it is, else what its type says. */
static void
column_make(const ConnhubExpr *output, int number, ChRelColumn *column)
{
	ConnhubColumn *out = &column->column;

	if (output->kind == CONNHUB_EXPR_COLUMN)
		*out = *output->column;
	else
	{
		out->type = out->natural = output->type;
		out->remote_type = output->type.pg_type;
	}
	out->name = psprintf("c%d", number);
	out->not_null = false;
	column->null_fraction = -1;
	column->average_width = -1;
}

/* Conditions on the derived rows: all must go, for nothing is checked here between it and what stands above. */
static bool
add_conditions(RelOptInfo *rel, ChRelInfo *info)
{
	ListCell   *cell;

	foreach(cell, rel->baserestrictinfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);
		ChPiece    *piece;

		if (rinfo->pseudoconstant)
			return false;
		piece = ch_judge_filter(rel, info, rinfo, NULL);
		if (piece->verdict != CONNHUB_EXACT)
			return false;
		info->filters = lappend(info->filters, unconstify(ConnhubExpr *, piece->expr));
	}
	return true;
}

static void
derive(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte)
{
	ChRelInfo  *below = final_info(rel->subroot);
	ChRelInfo  *info;
	const ConnhubRequest *request;
	const char *reason;

	if (below == NULL || !ch_pushdown || ch_rows_are_rechecked(root))
		return;
	request = ch_derived_request(rel->subroot, below, &reason);
	if (request == NULL || !ch_judge_request(below, CONNHUB_PIECE_DERIVED, request, &reason))
		return;

	info = palloc0(sizeof(ChRelInfo));
	info->root = root;
	info->at = below->at;
	info->server = below->server;
	info->user = below->user;
	info->stage = CH_STAGE_DERIVED;
	info->relids = bms_make_singleton(rel->relid);
	info->relid = rel->relid;
	info->name = pstrdup(rte->eref->aliasname);
	info->number = ch_relation_number();
	info->from = ch_relation_query(info->number, request);
	info->ncolumns = request->noutputs;
	info->columns = palloc0(sizeof(ChRelColumn) * Max(info->ncolumns, 1));
	for (int i = 0; i < info->ncolumns; i++)
		column_make(request->outputs[i], i + 1, &info->columns[i]);
	info->all_exact = true;
	if (!add_conditions(rel, info))
		return;
	info->rows = rel->rows;
	info->width = rel->reltarget->width;
	info->source_cost = below->source_cost;

	rel->fdw_private = info;
	rel->fdwroutine = final_rel(rel->subroot)->fdwroutine;
	rel->serverid = final_rel(rel->subroot)->serverid;
	rel->userid = final_rel(rel->subroot)->userid;
	rel->useridiscurrent = final_rel(rel->subroot)->useridiscurrent;
}

static void
look_at_relation(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	if (next_hook)
		next_hook(root, rel, rti, rte);

	/* A sub-select behind a security barrier may not be mixed with what stands before it. */
	if (rte->rtekind == RTE_SUBQUERY && rel->subroot && rel->reloptkind == RELOPT_BASEREL && rel->fdwroutine == NULL &&
		!rte->security_barrier && bms_is_empty(rel->lateral_relids))
		derive(root, rel, rte);
}

void
ch_derived_init(void)
{
	next_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = look_at_relation;
}
