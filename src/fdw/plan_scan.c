/* fdw/plan_scan.c — paths of one foreign table. */
#include "postgres.h"

#include "access/stratnum.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"

#include "common/compat.h"
#include "fdw/fdw.h"
#include "fdw/judge.h"

void
ch_get_foreign_rel_size(PlannerInfo *root, RelOptInfo *rel, Oid table)
{
	ChRelInfo  *info = ch_relinfo_make(root, rel->relid, table);
	ListCell   *cell;

	rel->fdw_private = info;
	info->server = rel->serverid;
	info->user = rel->userid;
	info->all_exact = true;
	foreach(cell, rel->baserestrictinfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);
		ChPiece    *piece;

		/* The server checks it before the scan starts. */
		if (rinfo->pseudoconstant)
		{
			info->has_gate = true;
			continue;
		}
		piece = ch_judge_filter(rel, info, rinfo, NULL);
		info->pieces = lappend(info->pieces, piece);
		if (piece->expr)
			info->filters = lappend(info->filters, unconstify(ConnhubExpr *, piece->expr));
		if (piece->verdict != CONNHUB_EXACT)
			info->all_exact = false;
	}
	ch_cost_relation(root, rel, info);
}

/* A path's cost is multiplied by more than the planner's fuzz where it is not to win by a tie. */
static void
add_scan_path(PlannerInfo *root, RelOptInfo *rel, ChRelInfo *info, List *pathkeys, double factor)
{
	ChCost		cost;

	ch_cost_stage(rel, info, pathkeys != NIL, 0, &cost);
	add_path(rel, IS_JOIN_REL(rel) ?
			 ch_compat_join_path(root, rel, cost.rows, cost.startup * factor, cost.total * factor, pathkeys) :
			 ch_compat_scan_path(root, rel, cost.rows, cost.startup * factor, cost.total * factor, pathkeys,
								 rel->lateral_relids));
}

/* Orders a merge join with another relation could use: one key each. */
static List *
merge_orders(PlannerInfo *root, RelOptInfo *rel)
{
	List	   *orders = NIL;
	ListCell   *cell;

	if (!rel->has_eclass_joins)
		return NIL;
	foreach(cell, root->eq_classes)
	{
		EquivalenceClass *class = lfirst(cell);
		PathKey    *key;

		if (!eclass_useful_for_merging(root, class, rel))
			continue;
		key = make_canonical_pathkey(root, class, linitial_oid(class->ec_opfamilies),
									 BTLessStrategyNumber, false);
		orders = lappend(orders, list_make1(key));
	}
	return orders;
}

void
ch_add_ordered_paths(PlannerInfo *root, RelOptInfo *rel, ChRelInfo *info)
{
	const char *reason;
	List	   *sort;
	ListCell   *cell;

	add_scan_path(root, rel, info, NIL, 1);
	if (root->query_pathkeys != NIL &&
		ch_judge_sort(rel, info, root->query_pathkeys, &sort, &reason))
		add_scan_path(root, rel, info, root->query_pathkeys, 1);
	foreach(cell, merge_orders(root, rel))
	{
		List	   *order = lfirst(cell);

		if (!pathkeys_contained_in(order, root->query_pathkeys) &&
			ch_judge_sort(rel, info, order, &sort, &reason))
			add_scan_path(root, rel, info, order, 1.02);
	}
}

/* ---- Paths that need values of other relations -------------------------------------------- */

typedef struct ChMemberSearch
{
	ChRelInfo  *info;
	Expr	   *current;		/* the member whose clauses are wanted now */
	List	   *done;			/* members already used */
} ChMemberSearch;

/* Is this the next member of an equivalence class to be compared with other relations? */
static bool
is_next_member(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *class, EquivalenceMember *member, void *arg)
{
	ChMemberSearch *search = arg;

	if (search->current != NULL)
		return equal(member->em_expr, search->current);
	if (list_member(search->done, member->em_expr))
		return false;
	search->current = member->em_expr;
	return true;
}

/* Add the relations a clause takes values of, when the source would take the clause. */
static List *
add_outer(RelOptInfo *rel, ChRelInfo *info, RestrictInfo *rinfo, List *outers)
{
	Relids		outer = bms_difference(rinfo->clause_relids, rel->relids);
	ListCell   *cell;

	outer = bms_union(outer, rel->lateral_relids);
	if (bms_is_empty(outer) || !join_clause_is_movable_to(rinfo, rel) ||
		ch_judge_filter(rel, info, rinfo, outer)->expr == NULL)
		return outers;
	foreach(cell, outers)
	{
		if (bms_equal(lfirst(cell), outer))
			return outers;
	}
	return lappend(outers, outer);
}

/* The sets of relations with whose values the source can find rows. */
static List *
useful_outers(PlannerInfo *root, RelOptInfo *rel, ChRelInfo *info)
{
	ChMemberSearch search = {.info = info};
	List	   *outers = NIL;
	ListCell   *cell;

	foreach(cell, rel->joininfo)
		outers = add_outer(rel, info, lfirst(cell), outers);
	while (rel->has_eclass_joins)
	{
		List	   *clauses;

		search.current = NULL;
		clauses = generate_implied_equalities_for_column(root, rel, is_next_member, &search, rel->lateral_referencers);
		if (search.current == NULL)
			break;
		foreach(cell, clauses)
			outers = add_outer(rel, info, lfirst(cell), outers);
		search.done = lappend(search.done, search.current);
	}
	return outers;
}

static void
add_parameterized_paths(PlannerInfo *root, RelOptInfo *rel, ChRelInfo *info)
{
	ListCell   *cell;

	foreach(cell, useful_outers(root, rel, info))
	{
		Relids		outer = lfirst(cell);
		ParamPathInfo *param_info = get_baserel_parampathinfo(root, rel, outer);
		ChCost		cost;

		ch_cost_parameterized(root, rel, info, param_info, &cost);
		add_path(rel, ch_compat_scan_path(root, rel, cost.rows, cost.startup, cost.total, NIL, outer));
	}
}

void
ch_get_foreign_paths(PlannerInfo *root, RelOptInfo *rel, Oid table)
{
	ChRelInfo  *info = rel->fdw_private;

	ch_add_ordered_paths(root, rel, info);
	add_parameterized_paths(root, rel, info);
}
