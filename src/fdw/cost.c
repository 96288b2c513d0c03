/* fdw/cost.c — one estimator for every path: rows and width from what was discovered, no round trip.
 *
 * Costs are in the planner's own unit.  A source is taken to be like this server, reached over a
 * network; what matters is that fewer rows and fewer bytes are always cheaper, and that a sort or a
 * limit at the source always beats the same one here. */
#include "postgres.h"

#include <math.h>

#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"

#include "fdw/fdw.h"
#include "request/semantics.h"

/* A round trip, and the start of a statement at the source. */
#define COST_STATEMENT	100.0
/* A row through the network, and each kilobyte of it. */
#define COST_ROW		0.01
#define COST_KILOBYTE	0.05
/* Of two ways that cost the same, the one that leaves grouping to the source is taken. */
#define COMPUTED_DISCOUNT	0.9
/* Rows and pages of a table nothing is known of; as for a local table without statistics. */
#define DEFAULT_ROWS	1000.0
#define DEFAULT_PAGES	10.0

/* Bringing rows of a stage here. */
static Cost
transfer_cost(const ChRelInfo *info, double rows)
{
	return rows * (COST_ROW + info->width / 1024.0 * COST_KILOBYTE);
}

static bool
is_key_column(const ConnhubExpr *expr)
{
	return expr->kind == CONNHUB_EXPR_COLUMN &&
		((const ChRelColumn *) ((const char *) expr->column - offsetof(ChRelColumn, column)))->is_key;
}

/* Does the piece pick one row by its key? */
static bool
picks_by_key(const ChPiece *piece)
{
	const ConnhubExpr *expr = piece->expr;

	return expr && expr->kind == CONNHUB_EXPR_CALL && expr->fn == CONNHUB_FN_EQ &&
		((is_key_column(expr->args[0]) && expr->args[1]->kind != CONNHUB_EXPR_COLUMN) ||
		 (is_key_column(expr->args[1]) && expr->args[0]->kind != CONNHUB_EXPR_COLUMN));
}

void
ch_cost_relation(PlannerInfo *root, RelOptInfo *rel, ChRelInfo *info)
{
	List	   *sent = NIL;
	bool		is_by_key = false;
	ListCell   *cell;

	if (info->table_rows < 0)
		info->table_rows = rel->tuples > 0 ? rel->tuples : DEFAULT_ROWS;
	rel->tuples = info->table_rows;
	rel->pages = info->table_bytes >= 0 ? (BlockNumber) Min(ceil(info->table_bytes / BLCKSZ), MaxBlockNumber) :
		rel->pages > 0 ? rel->pages : DEFAULT_PAGES;
	for (int i = 0; i < info->ncolumns; i++)
	{
		if (info->columns[i].average_width > 0)
			rel->attr_widths[i + 1 - rel->min_attr] = info->columns[i].average_width;
	}
	set_baserel_size_estimates(root, rel);

	foreach(cell, info->pieces)
	{
		ChPiece    *piece = lfirst(cell);

		if (piece->expr)
			sent = lappend(sent, piece->rinfo);
		if (picks_by_key(piece))
			is_by_key = true;
	}
	info->rows = clamp_row_est(rel->tuples * clauselist_selectivity(root, sent, 0, JOIN_INNER, NULL));
	info->width = rel->reltarget->width;
	info->source_cost = is_by_key ? random_page_cost + cpu_tuple_cost :
		seq_page_cost * rel->pages + cpu_tuple_cost * rel->tuples;
}

/* Looking the rows of one side up by those of the other, as the source or a key join does it. */
static Cost
lookups_cost(double keys, double found)
{
	return keys * random_page_cost + found * (random_page_cost + cpu_tuple_cost);
}

/* Of the ways a source may join, the cheapest: reading both sides, or looking up the matches of one.  A key join does the
 * latter from here, and so never looks better than to leave the whole join to the source. */
void
ch_cost_join(PlannerInfo *root, RelOptInfo *rel, ChRelInfo *info, ChRelInfo *left, ChRelInfo *right)
{
	List	   *local = NIL;
	Cost		both = left->source_cost + right->source_cost + cpu_operator_cost * 2 * (left->rows + right->rows);
	Cost		by_left;
	Cost		by_right;
	ListCell   *cell;

	foreach(cell, info->pieces)
		local = lappend(local, ((ChPiece *) lfirst(cell))->rinfo);
	info->rows = clamp_row_est(rel->rows / Max(clauselist_selectivity(root, local, 0, JOIN_INNER, NULL), 1e-9));
	info->width = rel->reltarget->width;
	by_left = left->source_cost + lookups_cost(left->rows, info->rows);
	by_right = right->source_cost + lookups_cost(right->rows, info->rows);
	info->source_cost = Min(both, Min(by_left, by_right)) + cpu_tuple_cost * info->rows;
}

void
ch_cost_compute(ChRelInfo *info, double rows, int width)
{
	info->source_cost += cpu_operator_cost * info->input->rows * (list_length(info->outputs) + list_length(info->groups));
	info->rows = clamp_row_est(rows);
	info->width = width;
}

/* Comparisons of a sort that keeps the first `wanted` of n rows. */
static double
comparisons(double n, double wanted)
{
	return n > 1 ? n * log2(Max(Min(n, 2 * wanted), 2)) : 0;
}

void
ch_cost_stage(RelOptInfo *rel, ChRelInfo *info, bool sorted, double limit, ChCost *cost)
{
	double		wanted = limit > 0 ? Min(limit, info->rows) : info->rows;
	Cost		run = info->source_cost;

	cost->rows = limit > 0 ? Min(limit, rel->rows) : rel->rows;
	cost->startup = COST_STATEMENT + rel->baserestrictcost.startup + rel->reltarget->cost.startup;

	/* A source that need not group, nor sort joined rows, need not read on after the last row wanted. */
	if (!info->is_grouped && !(sorted && bms_membership(info->relids) == BMS_MULTIPLE))
		run *= wanted / Max(info->rows, 1);
	else
	{
		cost->startup += run;
		run = 0;
	}
	run += transfer_cost(info, wanted) + wanted * cpu_tuple_cost;
	if (!info->all_exact)
		run += wanted * Max(rel->baserestrictcost.per_tuple, cpu_operator_cost * list_length(info->pieces));
	run += cost->rows * rel->reltarget->cost.per_tuple;

	/* Half of what cost_sort asks for the comparisons, so that a sort goes to the source if it can. */
	if (sorted)
		cost->startup += cpu_operator_cost * comparisons(info->rows, wanted);

	/* What is computed there is not computed here, even where both would cost the same. */
	if (info->computes)
	{
		cost->startup *= COMPUTED_DISCOUNT;
		run *= COMPUTED_DISCOUNT;
	}
	cost->total = cost->startup + run;
}

/* The source and the network have the same to do for several processes as for one: so workers never look better than to
 * leave a grouping or a join to the source. */
void
ch_cost_partial(RelOptInfo *rel, ChRelInfo *info, double processes, ChCost *cost)
{
	Cost		shared = info->source_cost + transfer_cost(info, info->rows);

	ch_cost_stage(rel, info, false, 0, cost);
	cost->rows = clamp_row_est(cost->rows / processes);
	cost->total = cost->startup + shared + (cost->total - cost->startup - shared) / processes;
}

/* Cost of a statement that finds rows by values it is given: by an index that costs `found` to look into, as far as that is
 * cheaper than to read all. */
static void
cost_lookup(RelOptInfo *rel, ChRelInfo *info, bool is_indexed, Cost found, double fetched, ChCost *cost)
{
	cost->startup = COST_STATEMENT + rel->baserestrictcost.startup + rel->reltarget->cost.startup;
	cost->total = cost->startup + (is_indexed ? Min(found, info->source_cost) : info->source_cost) +
		transfer_cost(info, fetched) + fetched * (cpu_tuple_cost + rel->reltarget->cost.per_tuple);
}

void
ch_cost_keys(RelOptInfo *rel, ChRelInfo *info, bool is_indexed, double keys, double fetched, ChCost *cost)
{
	Cost		found = lookups_cost(keys, fetched);

	/* Of a join the keys find the rows of one side; what is done for the others is not known to be less. */
	cost_lookup(rel, info, is_indexed && !IS_JOIN_REL(rel), found, fetched, cost);
	cost->rows = fetched;
}

/* Can the source look the rows of a condition up by an index: a comparison of a column that begins one? */
static bool
is_looked_up(ChRelInfo *info, RestrictInfo *rinfo)
{
	const ChMeaning *meaning = NULL;
	List	   *args = NIL;

	if (IsA(rinfo->clause, OpExpr))
	{
		args = ((OpExpr *) rinfo->clause)->args;
		meaning = ch_meaning_get(get_opcode(((OpExpr *) rinfo->clause)->opno));
	}
	else if (IsA(rinfo->clause, ScalarArrayOpExpr) && ((ScalarArrayOpExpr *) rinfo->clause)->useOr)
	{
		args = ((ScalarArrayOpExpr *) rinfo->clause)->args;
		meaning = ch_meaning_get(get_opcode(((ScalarArrayOpExpr *) rinfo->clause)->opno));
	}
	if (meaning == NULL || list_length(args) != 2 ||
		(meaning->fn != CONNHUB_FN_EQ && meaning->fn != CONNHUB_FN_LT && meaning->fn != CONNHUB_FN_LE &&
		 meaning->fn != CONNHUB_FN_GT && meaning->fn != CONNHUB_FN_GE))
		return false;
	return ch_relinfo_is_indexed(info, linitial(args)) || ch_relinfo_is_indexed(info, lsecond(args));
}

void
ch_cost_parameterized(RelOptInfo *rel, ChRelInfo *info, ParamPathInfo *param_info, ChCost *cost)
{
	double		fetched = clamp_row_est(Min(param_info->ppi_rows, info->rows));
	Cost		found = random_page_cost * (1 + fetched) + cpu_tuple_cost * fetched;

	/* Nothing is known of the indexes of a table that was not discovered: it is thought to have them. */
	bool		is_indexed = info->remote == NULL;
	ListCell   *cell;

	foreach(cell, param_info->ppi_clauses)
		is_indexed |= is_looked_up(info, lfirst_node(RestrictInfo, cell));
	cost_lookup(rel, info, is_indexed, found, fetched, cost);
	cost->rows = param_info->ppi_rows;
}
