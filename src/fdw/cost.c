/* fdw/cost.c — one estimator for every path: rows and width from what was discovered, no round trip.
 *
 * Costs are in the planner's own unit.  A source is taken to be like this server, reached over a
 * network; what matters is that fewer rows and fewer bytes are always cheaper, and that a sort or a
 * limit at the source always beats the same one here. */
#include "postgres.h"

#include <math.h>

#include "optimizer/cost.h"
#include "optimizer/optimizer.h"

#include "fdw/fdw.h"

/* A round trip, and the start of a statement at the source. */
#define COST_STATEMENT	100.0
/* A row through the network, and each kilobyte of it. */
#define COST_ROW		0.01
#define COST_KILOBYTE	0.05
/* Rows and pages of a table nothing is known of; as for a local table without statistics. */
#define DEFAULT_ROWS	1000.0
#define DEFAULT_PAGES	10.0

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
			info->by_key = true;
	}
	info->remote_rows = clamp_row_est(rel->tuples * clauselist_selectivity(root, sent, 0, JOIN_INNER, NULL));
}

/* Comparisons of a sort that keeps the first `wanted` of n rows. */
static double
comparisons(double n, double wanted)
{
	return n > 1 ? n * log2(Max(Min(n, 2 * wanted), 2)) : 0;
}

void
ch_cost_scan(PlannerInfo *root, RelOptInfo *rel, ChRelInfo *info, bool sorted, double limit, ChCost *cost)
{
	double		wanted = limit > 0 ? Min(limit, info->remote_rows) : info->remote_rows;
	double		read = info->by_key ? 1 : rel->tuples;
	double		width = rel->reltarget->width;
	Cost		run;

	cost->rows = limit > 0 ? Min(limit, rel->rows) : rel->rows;
	cost->startup = COST_STATEMENT + rel->baserestrictcost.startup + rel->reltarget->cost.startup;

	/* A source that need not sort need not read on after the last row wanted. */
	run = (info->by_key ? random_page_cost : seq_page_cost * rel->pages) + cpu_tuple_cost * read;
	run *= wanted / Max(info->remote_rows, 1);
	run += wanted * (COST_ROW + cpu_tuple_cost + width / 1024 * COST_KILOBYTE);
	if (!info->all_exact)
		run += wanted * rel->baserestrictcost.per_tuple;
	run += cost->rows * rel->reltarget->cost.per_tuple;

	/* Half of what cost_sort asks for the comparisons, so that a sort goes to the source if it can. */
	if (sorted)
		cost->startup += cpu_operator_cost * comparisons(info->remote_rows, wanted);
	cost->total = cost->startup + run;
}
