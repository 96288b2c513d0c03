/* fdw/plan_scan.c — paths of one foreign table. */
#include "postgres.h"

#include <math.h>

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "foreign/foreign.h"
#include "nodes/makefuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"

#include "batch/typemap.h"
#include "catalog/cat_remote.h"
#include "common/compat.h"
#include "common/guc.h"
#include "driver/registry.h"
#include "fdw/fdw.h"
#include "fdw/judge.h"
#include "fdw/keyjoin.h"
#include "request/request.h"

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
		ch_judge_sort(info, root->query_pathkeys, &sort, &reason))
		add_scan_path(root, rel, info, root->query_pathkeys, 1);
	foreach(cell, merge_orders(root, rel))
	{
		List	   *order = lfirst(cell);

		if (!pathkeys_contained_in(order, root->query_pathkeys) &&
			ch_judge_sort(info, order, &sort, &reason))
			add_scan_path(root, rel, info, order, 1.02);
	}
}

/* ---- Paths that need values of other relations -------------------------------------------- */

typedef struct ChMemberSearch
{
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
	ChMemberSearch search = {NULL};
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

		ch_cost_parameterized(rel, info, param_info, &cost);
		add_path(rel, ch_compat_scan_path(root, rel, cost.rows, cost.startup, cost.total, NIL, outer));
	}
}

/* ---- Paths of parallel workers ------------------------------------------------------------ */

bool
ch_is_foreign_scan_parallel_safe(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte)
{
	const ChConnector *connector = ch_connector_of_server(GetForeignTable(rte->relid)->serverid);

	return ch_parallel && ch_pushdown && (ch_driver_require(connector->driver)->capabilities & CONNHUB_CAP_EXPORT) != 0;
}

static const ConnhubExpr *
range_param(int key)
{
	ChParam    *param = palloc(sizeof(ChParam));
	Param	   *expr = makeNode(Param);
	ConnhubTypeRef type;

	expr->paramkind = CH_KEY_PARAM_KIND;
	expr->paramid = key;
	expr->paramtype = INT8OID;
	expr->paramtypmod = -1;
	expr->location = -1;
	param->expr = (Expr *) expr;
	param->type = INT8OID;
	ch_typemap_from_pg(INT8OID, -1, &type);
	return ch_expr_param(param, &type);
}

void
ch_range_params(ChRequestParts *parts)
{
	parts->from_block = range_param(CH_KEY_FROM);
	parts->until_block = range_param(CH_KEY_UNTIL);
}

/* A scan that the leader and its workers do each a part of.  The leader takes its share as the server reckons it. */
static void
add_partial(PlannerInfo *root, RelOptInfo *rel, ChRelInfo *info)
{
	ChRequestParts parts = {.from = info->from};
	double		leader = parallel_leader_participation ? 1 : 0;
	const char *reason;
	List	   *sources;
	ChCost		cost;
	Path	   *path;
	int			workers;

	if (!rel->consider_parallel || !bms_is_empty(rel->lateral_relids) || info->remote == NULL ||
		info->remote->kind != CONNHUB_TABLE || info->table_bytes <= 0)
		return;
	workers = compute_parallel_worker(rel, ceil(info->table_bytes / BLCKSZ), -1, max_parallel_workers_per_gather);
	ch_range_params(&parts);
	if (workers <= 0 || !ch_judge_request(info, CONNHUB_PIECE_RANGE, ch_request_finish(ch_request_make(&parts), &sources), &reason))
		return;
	ch_cost_partial(rel, info, workers + Max(leader - 0.3 * workers, 0), &cost);
	path = ch_compat_scan_path(root, rel, cost.rows, cost.startup, cost.total, NIL, NULL);
	path->parallel_aware = path->parallel_safe = true;
	path->parallel_workers = workers;
	add_partial_path(rel, path);
}

void
ch_get_foreign_paths(PlannerInfo *root, RelOptInfo *rel, Oid table)
{
	ChRelInfo  *info = rel->fdw_private;

	ch_add_ordered_paths(root, rel, info);
	add_parameterized_paths(root, rel, info);
	add_partial(root, rel, info);
}
