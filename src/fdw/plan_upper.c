/* fdw/plan_upper.c — what a query does with the rows of one connector: grouping, windows, DISTINCT, ORDER BY
 * and LIMIT.
 *
 * A stage is made only when the one below it leaves nothing to be done here.  Sorting alone needs no
 * path: the relation below offers sorted ones.  The ordering stage is there for the limit to stand on, and the final one
 * for a sub-select to be taken from. */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/tlist.h"
#include "parser/parse_oper.h"
#include "utils/selfuncs.h"

#include "common/compat.h"
#include "common/guc.h"
#include "fdw/fdw.h"
#include "fdw/judge.h"
#include "request/request.h"

/* ---- What is put out --------------------------------------------------------------------- */

static bool
is_output(List *outputs, Node *node)
{
	ListCell   *cell;

	foreach(cell, outputs)
	{
		if (equal(((ChOutput *) lfirst(cell))->expr, node))
			return true;
	}
	return false;
}

/* Have the source compute a value. */
static bool
add_output(ChRelInfo *info, Node *node, const char **reason)
{
	ChOutput	output = {.expr = (Expr *) node};

	if (is_output(info->outputs, node))
		return true;
	output.sent = ch_judge_output(info, node, reason);
	if (output.sent == NULL && !ch_judge_average(info, node, &output))
		return false;
	info->outputs = lappend(info->outputs, memcpy(palloc(sizeof(ChOutput)), &output, sizeof(ChOutput)));
	return true;
}

/* Is a value the same for all rows?  To send it would make it a parameter, and the server takes a parameter that equals an
 * output for that output. */
static bool
is_constant(Node *node)
{
	return !contain_var_clause(node) && !contain_agg_clause(node) && !contain_window_function(node);
}

/* Have the source compute an expression, or what it is made of: the rest is then computed here. */
static bool
add_expression(ChRelInfo *info, Node *node, const char **reason)
{
	ListCell   *cell;

	if (is_constant(node))
		return true;
	if (add_output(info, node, reason))
		return true;
	foreach(cell, pull_var_clause(node, PVC_INCLUDE_AGGREGATES | PVC_INCLUDE_WINDOWFUNCS | PVC_INCLUDE_PLACEHOLDERS))
	{
		if (equal(lfirst(cell), node) || !add_output(info, lfirst(cell), reason))
			return false;
	}
	return true;
}

/* ---- Grouping ---------------------------------------------------------------------------- */

static void
add_key(ChRelInfo *info, Node *node, Index ref, const ConnhubExpr *key)
{
	info->groups = lappend(info->groups, unconstify(ConnhubExpr *, key));
	info->group_exprs = lappend(info->group_exprs, node);
	info->group_refs = lappend_int(info->group_refs, (int) ref);
}

/* Group keys.  Judged as values of the ungrouped rows. */
static bool
add_keys(ChRelInfo *info, PathTarget *target, const char **reason)
{
	List	   *clauses = info->root->parse->groupClause;
	ListCell   *cell;
	int			i = 0;

	foreach(cell, target->exprs)
	{
		Index		ref = get_pathtarget_sortgroupref(target, i++);
		SortGroupClause *clause = ref ? get_sortgroupref_clause_noerr(ref, clauses) : NULL;
		const ConnhubExpr *key;

		if (clause == NULL)
			continue;

		/* A number alone would be taken for the position of an output. */
		*reason = "a group key has no columns";
		if (!contain_var_clause(lfirst(cell)))
			return false;
		key = ch_judge_group(info, lfirst(cell), clause, reason);
		if (key == NULL)
			return false;
		add_key(info, lfirst(cell), ref, info->root->parse->groupingSets ? ch_expr_nullable(key) : key);
	}
	return true;
}

static bool
add_sets(ChRelInfo *info, const char **reason)
{
	ChRequestParts parts = {NULL};
	ListCell   *cell;

	/* By now each is a list of references to its keys. */
	foreach(cell, info->root->parse->groupingSets)
	{
		List	   *set = NIL;
		ListCell   *ref;

		foreach(ref, (List *) lfirst(cell))
		{
			int			place = list_length(info->group_refs) - 1;

			while (place >= 0 && list_nth_int(info->group_refs, place) != lfirst_int(ref))
				place--;
			if (place < 0)
			{
				*reason = "a grouping set uses a key that is not put out";
				return false;
			}
			set = lappend_int(set, place);
		}
		info->sets = lappend(info->sets, set);
	}
	ch_request_parts(info, &parts);
	return ch_judge_request(info, CONNHUB_PIECE_GROUPING, ch_request_make(&parts), reason);
}

/* HAVING goes as far as it can; what stays needs its aggregates. */
static bool
add_having(ChRelInfo *info, List *having, const char **reason)
{
	ListCell   *cell;

	foreach(cell, having)
	{
		ChPiece    *piece = ch_judge_having(info, lfirst(cell));

		if (piece->expr)
		{
			info->having = lappend(info->having, unconstify(ConnhubExpr *, piece->expr));
			continue;
		}
		if (contain_subplans(lfirst(cell)) || !add_expression(info, lfirst(cell), reason))
			return false;
		info->pieces = lappend(info->pieces, piece);
		info->all_exact = false;
	}
	return true;
}

static bool
add_outputs(ChRelInfo *info, List *exprs, const char **reason)
{
	ListCell   *cell;

	foreach(cell, exprs)
	{
		if (!add_expression(info, lfirst(cell), reason))
			return false;
	}
	return true;
}

static bool
make_group(ChRelInfo *info, PathTarget *target, void *extra, const char **reason)
{
	GroupPathExtraData *group = extra;

	*reason = "only a part of the grouping could be done there";
	if (group->patype == PARTITIONWISE_AGGREGATE_PARTIAL)
		return false;
	if (!add_keys(info, target, reason) || !add_sets(info, reason))
		return false;
	info->is_grouped = true;
	return add_outputs(info, target->exprs, reason) && add_having(info, (List *) group->havingQual, reason);
}

/* ---- Windows and DISTINCT ---------------------------------------------------------------- */

static bool
make_window(ChRelInfo *info, PathTarget *target, void *extra, const char **reason)
{
	/* The server has taken the condition on a window away, for its own plan node to check. */
	*reason = "a condition on the window is checked here";
	if (ch_compat_has_run_condition(info->root->parse, target->exprs))
		return false;
	info->outputs = NIL;
	return add_outputs(info, target->exprs, reason);
}

/* Every column put out is compared there.  Plain rows are grouped by all of them, which means the same and lets any form
 * of them be sorted by; what is grouped or numbered already is made distinct. */
static bool
make_distinct(ChRelInfo *info, PathTarget *target, void *extra, const char **reason)
{
	PlannerInfo *root = info->root;
	bool		is_plain = !info->input->computes;
	ListCell   *cell;

	*reason = "DISTINCT ON has no counterpart";
	if (root->parse->hasDistinctOn)
		return false;

	/* One row is all there is to find, and a source may stop at it before it skips any. */
	*reason = "the same is put out for all rows";
	if (is_constant((Node *) target->exprs))
		return false;
	info->outputs = NIL;
	foreach(cell, root->parse->distinctClause)
	{
		SortGroupClause *clause = lfirst(cell);
		Node	   *node = get_sortgroupclause_expr(clause, root->processed_tlist);

		const ConnhubExpr *key = ch_judge_group(info, node, clause, reason);

		if (key == NULL || (is_plain ? key->kind == CONNHUB_EXPR_CONST : !add_output(info, node, reason)))
			return false;
		if (is_plain)
			add_key(info, node, clause->tleSortGroupRef, key);
	}
	if (is_plain)
		info->is_grouped = true;
	if (is_plain && !add_outputs(info, info->group_exprs, reason))
		return false;

	/* What is put out beside the keys would make rows differ. */
	*reason = "more is put out than is compared";
	foreach(cell, target->exprs)
	{
		if (!is_output(info->outputs, lfirst(cell)))
			return false;
	}
	info->is_distinct = !is_plain;
	return true;
}

/* ---- Stages with paths ------------------------------------------------------------------- */

/* Have a stage put out `target`. */
typedef bool (*ChStageMake) (ChRelInfo *info, PathTarget *target, void *extra, const char **reason);

static const struct
{
	UpperRelationKind kind;
	ChStage		stage;
	const char *name;
	ChStageMake make;
} stage_rows[] = {
	{UPPERREL_GROUP_AGG, CH_STAGE_GROUP, "grouping", make_group},
	{UPPERREL_WINDOW, CH_STAGE_WINDOW, "window functions", make_window},
	{UPPERREL_DISTINCT, CH_STAGE_DISTINCT, "distinct", make_distinct},
};

static const char *
stage_obstacle(PlannerInfo *root, ChRelInfo *input)
{
	if (!ch_pushdown)
		return "connhub.pushdown is off";
	if (!input->all_exact)
		return "conditions are checked here";
	if (input->has_gate)
		return "a condition without columns is checked here";
	if (root->parse->hasTargetSRFs)
		return "the output makes several rows of one";
	if (root->parse->rowMarks)
		return "rows are locked";
	return NULL;
}

/* Rows a stage puts out: what the planner thinks of its own way to do it. */
static double
stage_rows_estimate(PlannerInfo *root, ChRelInfo *info)
{
	List	   *exprs = NIL;
	ListCell   *cell;

	if (info->stage == CH_STAGE_WINDOW)
		return info->input->rows;
	if (info->stage == CH_STAGE_GROUP && info->groups == NIL)
		return Max(list_length(info->sets), 1);
	if (info->stage == CH_STAGE_GROUP)
		exprs = list_copy(info->group_exprs);
	else
	{
		foreach(cell, info->outputs)
			exprs = lappend(exprs, ((ChOutput *) lfirst(cell))->expr);
	}
	return estimate_num_groups(root, exprs, info->input->rows, NULL, NULL);
}

static void
add_computed_path(PlannerInfo *root, RelOptInfo *output_rel, PathTarget *target, ChRelInfo *info)
{
	ChCost		cost;

	output_rel->rows = info->rows;
	ch_cost_stage(output_rel, info, false, 0, &cost);
	add_path(output_rel, ch_compat_upper_path(root, output_rel, target, cost.rows, cost.startup,
											   cost.total, NIL));
}

static void
add_stage(PlannerInfo *root, int row, RelOptInfo *input_rel, RelOptInfo *output_rel, void *extra)
{
	ChRelInfo  *input = input_rel->fdw_private;
	ChRelInfo  *info = ch_relinfo_stage(input, stage_rows[row].stage);
	PathTarget *target = stage_rows[row].kind == UPPERREL_GROUP_AGG ? output_rel->reltarget :
		root->upper_targets[stage_rows[row].kind];
	const char *reason = stage_obstacle(root, input);

	info->computes = true;
	if (reason || !stage_rows[row].make(info, target, extra, &reason))
	{
		ch_relinfo_keep(ch_relinfo_source(input), stage_rows[row].name, reason);
		return;
	}
	ch_cost_compute(info, stage_rows_estimate(root, info), target->width);
	output_rel->fdw_private = info;
	add_computed_path(root, output_rel, target, info);
}

/* ---- ORDER BY and LIMIT ------------------------------------------------------------------ */

/* What a query does after a limit, or within one, that no source can take part in. */
static const char *
limit_obstacle(PlannerInfo *root)
{
	Query	   *parse = root->parse;

	if (parse->commandType != CMD_SELECT)
		return "the query writes";
	if (parse->rowMarks)
		return "rows are locked";
	if (parse->hasTargetSRFs)
		return "the output makes several rows of one";
	if (parse->limitOption == LIMIT_OPTION_WITH_TIES)
		return "WITH TIES has no counterpart";
	return NULL;
}

static void
add_ordered_stage(PlannerInfo *root, RelOptInfo *input_rel, RelOptInfo *output_rel)
{
	ChRelInfo  *input = input_rel->fdw_private;
	ChRelInfo  *stage;
	const char *reason;
	List	   *sort;
	ChCost		cost;

	if (root->parse->hasTargetSRFs)
		return;
	if (!ch_judge_sort(input, root->sort_pathkeys, &sort, &reason))
	{
		input->sort_reason = reason;
		if (root->parse->limitCount || root->parse->limitOffset)
			input->limit_reason = "rows are sorted here";
		return;
	}
	stage = ch_relinfo_stage(input, CH_STAGE_ORDER);
	stage->sort = sort;
	output_rel->fdw_private = stage;

	/* A scan or join has sorted paths of its own. */
	if (!input->computes && input->stage != CH_STAGE_DERIVED)
		return;
	output_rel->rows = input->rows;
	ch_cost_stage(output_rel, stage, true, 0, &cost);
	add_path(output_rel, ch_compat_upper_path(root, output_rel, root->upper_targets[UPPERREL_ORDERED], cost.rows,
											   cost.startup, cost.total, root->sort_pathkeys));
}

/* Rows the source has to find: the limit and what is skipped before it, where they can be told. */
static double
limit_rows(double rows, FinalPathExtraData *extra)
{
	double		count = extra->count_est > 0 ? extra->count_est : extra->count_est < 0 ? rows / 10 : rows;
	double		offset = extra->offset_est > 0 ? extra->offset_est : extra->offset_est < 0 ? rows / 10 : 0;

	return clamp_row_est(Min(count + offset, rows));
}

static void
add_limit_stage(PlannerInfo *root, RelOptInfo *input_rel, RelOptInfo *output_rel, FinalPathExtraData *extra)
{
	ChRelInfo  *input = input_rel->fdw_private;
	ChRelInfo  *source = ch_relinfo_source(input);
	ChRelInfo  *stage = ch_relinfo_stage(input, CH_STAGE_LIMIT);
	RelOptInfo *rel = source->stage == CH_STAGE_SCAN ? find_base_rel(root, source->relid) : input_rel;
	PathTarget *target = root->upper_targets[UPPERREL_FINAL];
	ChCost		cost;

	source->limit_reason = limit_obstacle(root);
	if (source->limit_reason ||
		!ch_judge_limit(source, root->parse->limitCount, root->parse->limitOffset,
						&stage->limit, &stage->offset, &source->limit_reason))
		return;

	ch_cost_stage(rel, stage, stage->sort != NIL, limit_rows(source->rows, extra), &cost);
	cost.startup += target->cost.startup;
	cost.total += target->cost.startup + target->cost.per_tuple * cost.rows;

	/* Rows cut off at the source never get here: always a little cheaper than to stop reading. */
	cost.total -= (cost.total - cost.startup) / 10;
	if (extra->count_est > 0)
		cost.rows = Min(cost.rows, extra->count_est);
	output_rel->fdw_private = stage;
	add_path(output_rel, ch_compat_upper_path(root, output_rel, target, cost.rows, cost.startup, cost.total,
											   root->sort_pathkeys));
}

static void
add_final_stage(PlannerInfo *root, RelOptInfo *input_rel, RelOptInfo *output_rel, FinalPathExtraData *extra)
{
	if (extra->limit_needed)
		add_limit_stage(root, input_rel, output_rel, extra);
	else if (root->parse->rowMarks == NIL && root->parse->commandType == CMD_SELECT)
		output_rel->fdw_private = ch_relinfo_stage(input_rel->fdw_private, CH_STAGE_FINAL);
}

void
ch_get_foreign_upper_paths(PlannerInfo *root, UpperRelationKind kind, RelOptInfo *input_rel,
						   RelOptInfo *output_rel, void *extra)
{
	if (input_rel->fdw_private == NULL || output_rel->fdw_private != NULL)
		return;
	for (int i = 0; i < lengthof(stage_rows); i++)
	{
		if (stage_rows[i].kind == kind)
			add_stage(root, i, input_rel, output_rel, extra);
	}
	if (kind == UPPERREL_ORDERED)
		add_ordered_stage(root, input_rel, output_rel);
	else if (kind == UPPERREL_FINAL)
		add_final_stage(root, input_rel, output_rel, extra);
}
