/* fdw/plan_upper.c — ORDER BY and LIMIT of a query over one foreign table.
 *
 * A stage is made only when the one below it leaves nothing to be done here.  Sorting alone needs no
 * stage: the base relation offers sorted paths.  The ordering stage is there for the limit to stand on. */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"

#include "common/compat.h"
#include "fdw/fdw.h"
#include "fdw/judge.h"

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

static ChRelInfo *
stage_make(ChRelInfo *input)
{
	ChRelInfo  *stage = palloc0(sizeof(ChRelInfo));

	stage->at = input->at;
	stage->params = input->params;
	stage->input = input;
	stage->sort = input->sort;
	return stage;
}

static RelOptInfo *
base_rel_of(PlannerInfo *root, ChRelInfo *info)
{
	return find_base_rel(root, ch_relinfo_base(info)->relid);
}

static void
add_ordered_stage(PlannerInfo *root, RelOptInfo *input_rel, RelOptInfo *output_rel)
{
	ChRelInfo  *input = input_rel->fdw_private;
	ChRelInfo  *stage;
	const char *reason;
	List	   *sort;

	if (input_rel->reloptkind != RELOPT_BASEREL || root->parse->hasTargetSRFs)
		return;
	if (!ch_judge_sort(root, input_rel, input, root->sort_pathkeys, &sort, &reason))
	{
		input->sort_reason = reason;
		if (root->parse->limitCount || root->parse->limitOffset)
			input->limit_reason = "rows are sorted here";
		return;
	}
	stage = stage_make(input);
	stage->sort = sort;
	output_rel->fdw_private = stage;
}

/* Rows the source has to find: the limit and what is skipped before it, where they can be told. */
static double
limit_rows(RelOptInfo *rel, FinalPathExtraData *extra)
{
	double		count = extra->count_est > 0 ? extra->count_est : extra->count_est < 0 ? rel->rows / 10 : rel->rows;
	double		offset = extra->offset_est > 0 ? extra->offset_est : extra->offset_est < 0 ? rel->rows / 10 : 0;

	return clamp_row_est(Min(count + offset, rel->rows));
}

static void
add_final_stage(PlannerInfo *root, RelOptInfo *input_rel, RelOptInfo *output_rel,
				FinalPathExtraData *extra)
{
	ChRelInfo  *input = input_rel->fdw_private;
	ChRelInfo  *base = ch_relinfo_base(input);
	ChRelInfo  *stage = stage_make(input);
	RelOptInfo *base_rel = base_rel_of(root, input);
	PathTarget *target = root->upper_targets[UPPERREL_FINAL];
	ChCost		cost;

	if (!extra->limit_needed)
		return;
	base->limit_reason = limit_obstacle(root);
	if (base->limit_reason ||
		!ch_judge_limit(root, base, root->parse->limitCount, root->parse->limitOffset,
						&stage->limit, &stage->offset, &base->limit_reason))
		return;

	ch_cost_scan(root, base_rel, base, stage->sort != NIL, limit_rows(base_rel, extra), &cost);
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

void
ch_get_foreign_upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input_rel,
						   RelOptInfo *output_rel, void *extra)
{
	ChRelInfo  *input = input_rel->fdw_private;

	if (input == NULL || output_rel->fdw_private != NULL)
		return;
	if (stage == UPPERREL_ORDERED)
		add_ordered_stage(root, input_rel, output_rel);
	else if (stage == UPPERREL_FINAL && (input_rel->reloptkind == RELOPT_BASEREL || input->input != NULL))
		add_final_stage(root, input_rel, output_rel, extra);
}
