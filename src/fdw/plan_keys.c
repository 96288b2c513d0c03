/* fdw/plan_keys.c — joins that send keys to a source, in batches.
 *
 * When few rows of something else are joined with a large relation of a source, it is cheaper to send their keys than to
 * fetch the relation, and one statement for many keys is cheaper than one for each.  The outer side is read in
 * batches; the inner one is a foreign scan with a further condition, that its key be one of those of the
 * batch.  That condition may let more rows through: every condition of the join is checked here. */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "optimizer/tlist.h"
#include "utils/lsyscache.h"

#include "common/compat.h"
#include "common/guc.h"
#include "fdw/fdw.h"
#include "fdw/judge.h"
#include "fdw/keyjoin.h"
#include "fdw/modify.h"
#include "fdw/translate.h"

/* Keys in one statement: as an array, and one by one. */
#define ARRAY_KEYS	1000
#define SINGLE_KEYS 250

static set_join_pathlist_hook_type next_hook = NULL;

static Plan *plan_key_join(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist, List *clauses, List *plans);

static const CustomPathMethods path_methods = {
	.CustomName = "Connhub Key Join",
	.PlanCustomPath = plan_key_join,
};

static const CustomScanMethods scan_methods = {
	.CustomName = "Connhub Key Join",
	.CreateCustomScanState = ch_create_key_join_state,
};

/* A key: one equality between the two sides. */
typedef struct ChKey
{
	RestrictInfo *rinfo;
	Expr	   *outer;
	Expr	   *inner;
	Oid			operator;		/* outer = inner */
	Oid			collation;
	int			batch;			/* keys in one statement */
	const ConnhubExpr *condition;
	double		rows_per_key;
	bool		is_indexed;
} ChKey;

/* What plan_key_join needs beside the path; in CustomPath.custom_private, as the one element of a List. */
typedef struct ChKeyJoin
{
	JoinType	type;
	ChKey		key;
	List	   *clauses;		/* RestrictInfo * */
} ChKeyJoin;

/* ---- The condition on the inner side ------------------------------------------------------ */

static Node *
key_param(int number, Oid type, Oid collation)
{
	Param	   *param = makeNode(Param);

	param->paramkind = CH_KEY_PARAM_KIND;
	param->paramid = number;
	param->paramtype = type;
	param->paramtypmod = -1;
	param->paramcollid = collation;
	param->location = -1;
	return (Node *) param;
}

/* inner = ANY (keys): the keys as one array, or (count > 0) as so many values. */
static const ConnhubExpr *
condition_make(ChRelInfo *info, ChKey *key, int count)
{
	ScalarArrayOpExpr *op = makeNode(ScalarArrayOpExpr);
	Oid			type = exprType((Node *) key->outer);
	Oid			collation = exprCollation((Node *) key->outer);
	Oid			array = get_array_type(type);
	Node	   *keys = key_param(0, array, collation);
	const char *reason;
	const ConnhubExpr *expr;

	if (!OidIsValid(array))
		return NULL;
	if (count > 0)
	{
		ArrayExpr  *elements = makeNode(ArrayExpr);

		elements->array_typeid = array;
		elements->element_typeid = type;
		elements->array_collid = collation;
		elements->location = -1;
		for (int i = 1; i <= count; i++)
			elements->elements = lappend(elements->elements, key_param(i, type, collation));
		keys = (Node *) elements;
	}
	op->opno = get_commutator(key->operator);
	op->useOr = true;
	op->inputcollid = key->collation;
	op->args = list_make2(key->inner, keys);
	op->location = -1;
	expr = OidIsValid(op->opno) ? ch_translate(info, (Node *) op, NULL, &reason) : NULL;
	return expr && ch_judge_sent(info, expr) ? expr : NULL;
}

static bool
find_condition(ChRelInfo *info, ChKey *key)
{
	key->batch = ARRAY_KEYS;
	key->condition = condition_make(info, key, 0);
	if (key->condition)
		return true;
	key->batch = SINGLE_KEYS;
	key->condition = condition_make(info, key, SINGLE_KEYS);
	return key->condition != NULL;
}

const ConnhubExpr *
ch_keyjoin_condition(const ForeignPath *path)
{
	return path->fdw_private ? linitial(path->fdw_private) : NULL;
}

/* ---- Choosing a key ---------------------------------------------------------------------- */

/* The clause as a key; false when it is none. */
static bool
key_make(PlannerInfo *root, RelOptInfo *outer_rel, RelOptInfo *rel, RestrictInfo *rinfo, ChKey *key)
{
	OpExpr	   *op = (OpExpr *) rinfo->clause;
	bool		turned;

	if (!rinfo->can_join || !OidIsValid(rinfo->hashjoinoperator) || !IsA(op, OpExpr))
		return false;
	turned = bms_is_subset(rinfo->left_relids, rel->relids) && bms_is_subset(rinfo->right_relids, outer_rel->relids);
	if (!turned && !(bms_is_subset(rinfo->right_relids, rel->relids) && bms_is_subset(rinfo->left_relids, outer_rel->relids)))
		return false;
	memset(key, 0, sizeof(*key));
	key->rinfo = rinfo;
	key->outer = turned ? lsecond(op->args) : linitial(op->args);
	key->inner = turned ? linitial(op->args) : lsecond(op->args);
	key->operator = turned ? get_commutator(op->opno) : op->opno;
	key->collation = op->inputcollid;
	key->rows_per_key = ((ChRelInfo *) rel->fdw_private)->rows *
		clause_selectivity(root, (Node *) rinfo, rel->reloptkind == RELOPT_BASEREL ? rel->relid : 0, JOIN_INNER, NULL);
	key->is_indexed = ch_relinfo_is_indexed(rel->fdw_private, key->inner);
	return OidIsValid(key->operator);
}

/* Of the keys there are, the one that finds the fewest rows, if the source takes it. */
static bool
choose_key(PlannerInfo *root, RelOptInfo *outer_rel, RelOptInfo *rel, List *clauses, ChKey *best)
{
	bool		found = false;
	ListCell   *cell;

	foreach(cell, clauses)
	{
		ChKey		key;

		if (key_make(root, outer_rel, rel, lfirst_node(RestrictInfo, cell), &key) &&
			(!found || key.rows_per_key < best->rows_per_key))
		{
			*best = key;
			found = true;
		}
	}
	return found && find_condition(rel->fdw_private, best);
}

/* ---- Paths ------------------------------------------------------------------------------- */

static void
cost_key_join(PlannerInfo *root, CustomPath *path, Path *outer, RelOptInfo *rel, ChKey *key, Path *inner)
{
	ChRelInfo  *info = rel->fdw_private;
	double		keys = Max(outer->rows, 1);
	double		batches = ceil(keys / key->batch);
	double		fetched = keys * key->rows_per_key;
	ChCost		cost;

	ch_cost_keys(rel, info, key->is_indexed, Min(keys, key->batch), fetched / batches, &cost);
	inner->rows = clamp_row_est(fetched / batches);
	inner->startup_cost = cost.startup;
	inner->total_cost = cost.total;
	path->path.startup_cost = outer->startup_cost + cost.startup + path->path.parent->reltarget->cost.startup;
	path->path.total_cost = outer->total_cost + batches * cost.total + cpu_tuple_cost * (keys + fetched) +
		path->path.rows * (cpu_tuple_cost + path->path.parent->reltarget->cost.per_tuple);
}

static void
add_key_join(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *outer_rel, RelOptInfo *rel, JoinType type,
			 JoinPathExtraData *extra)
{
	Path	   *outer = outer_rel->cheapest_total_path;
	ChKeyJoin  *join = palloc0(sizeof(ChKeyJoin));
	CustomPath *path = makeNode(CustomPath);
	ForeignPath *inner;

	if (outer == NULL || outer->param_info != NULL || !choose_key(root, outer_rel, rel, extra->restrictlist, &join->key))
		return;
	join->type = type;
	join->clauses = extra->restrictlist;
	inner = (ForeignPath *) (IS_JOIN_REL(rel) ? ch_compat_join_path(root, rel, 0, 0, 0, NIL) :
							 ch_compat_scan_path(root, rel, 0, 0, 0, NIL, NULL));
	inner->fdw_private = list_make1(unconstify(ConnhubExpr *, join->key.condition));

	path->path.pathtype = T_CustomScan;
	path->path.parent = joinrel;
	path->path.pathtarget = joinrel->reltarget;
	path->path.rows = joinrel->rows;
	path->flags = ch_compat_custom_projection();
	path->custom_paths = list_make2(outer, inner);
	path->custom_private = list_make1(join);
	path->methods = &path_methods;
	cost_key_join(root, path, outer, rel, &join->key, &inner->path);
	add_path(joinrel, &path->path);
}

/* Can the relation be the inner side?  Its source must check, or get rechecked, all of its own conditions.  A gate
 * would put a plan node between the join and the scan that takes the keys. */
static bool
is_ours(RelOptInfo *rel)
{
	ChRelInfo  *info = rel->fdw_private;

	return rel->fdwroutine && rel->fdwroutine->GetForeignPlan == ch_get_foreign_plan && info != NULL &&
		(info->stage == CH_STAGE_SCAN || info->stage == CH_STAGE_JOIN) && !info->has_gate &&
		bms_is_empty(rel->lateral_relids);
}

static void
look_at_join(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *outer_rel, RelOptInfo *inner_rel, JoinType type,
			 JoinPathExtraData *extra)
{
	if (next_hook)
		next_hook(root, joinrel, outer_rel, inner_rel, type, extra);

	if (!ch_pushdown || !is_ours(inner_rel) || ch_rows_are_rechecked(root) ||
		!bms_is_empty(joinrel->lateral_relids) ||
		(type != JOIN_INNER && type != JOIN_LEFT && type != JOIN_SEMI && type != JOIN_ANTI))
		return;
	add_key_join(root, joinrel, outer_rel, inner_rel, type, extra);
}

void
ch_keyjoin_init(void)
{
	next_hook = set_join_pathlist_hook;
	set_join_pathlist_hook = look_at_join;
	RegisterCustomScanMethods(&scan_methods);
}

/* ---- The plan ---------------------------------------------------------------------------- */

static List *
append_exprs(List *tlist, List *targets)
{
	ListCell   *cell;

	foreach(cell, targets)
	{
		TargetEntry *target = lfirst_node(TargetEntry, cell);

		tlist = lappend(tlist, makeTargetEntry(target->expr, list_length(tlist) + 1, NULL, false));
	}
	return tlist;
}

static Node *
oid_const(Oid oid)
{
	return (Node *) makeConst(OIDOID, -1, InvalidOid, sizeof(Oid), ObjectIdGetDatum(oid), false, true);
}

static Plan *
plan_key_join(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist, List *clauses, List *plans)
{
	ChKeyJoin  *join = linitial(path->custom_private);
	CustomScan *scan = makeNode(CustomScan);
	Plan	   *outer = linitial(plans);
	Plan	   *inner = lsecond(plans);
	List	   *match = NIL;
	List	   *filter = NIL;
	ListCell   *cell;

	foreach(cell, join->clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);

		if (IS_OUTER_JOIN(join->type) && RINFO_IS_PUSHED_DOWN(rinfo, rel->relids))
			filter = lappend(filter, rinfo->clause);
		else
			match = lappend(match, rinfo->clause);
	}
	scan->scan.plan.targetlist = tlist;
	scan->flags = path->flags;
	scan->custom_plans = plans;
	scan->custom_exprs = list_make4(join->key.outer, join->key.inner, match, filter);
	scan->custom_private = list_make5(makeInteger(join->type), makeInteger(list_length(outer->targetlist)),
									  makeInteger(join->key.batch), oid_const(join->key.operator),
									  oid_const(join->key.collation));
	scan->custom_scan_tlist = append_exprs(append_exprs(NIL, outer->targetlist), inner->targetlist);
	scan->methods = &scan_methods;
	return &scan->scan.plan;
}
