/* fdw/plan_join.c — joins of relations of one connector, made at the source.
 *
 * The two sides must leave nothing to be done here.  What their conditions are is gathered at the top of the request
 * as far as that means the same: those of the nullable side of a left join go into its ON, those below a
 * full join stay with their tables.  A semi-join becomes an EXISTS condition of its left side, an
 * anti-join a NOT EXISTS. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"

#include "batch/typemap.h"
#include "common/guc.h"
#include "fdw/fdw.h"
#include "fdw/judge.h"
#include "fdw/modify.h"
#include "request/request.h"

/* What a join is made of. */
typedef struct ChJoin
{
	PlannerInfo *root;
	RelOptInfo *rel;			/* of the join */
	ChRelInfo  *left;
	ChRelInfo  *right;
	ChRelInfo  *info;			/* being made */
	List	   *on;				/* ConnhubExpr * */
	const char *reason;
} ChJoin;

typedef bool (*ChJoinMake) (ChJoin *join, List *clauses);

/* ---- Conditions -------------------------------------------------------------------------- */

/* A condition on joined rows: sent if it can be, else checked here. */
static void
add_filter(ChJoin *join, RestrictInfo *rinfo)
{
	ChPiece    *piece = ch_judge_filter(join->rel, join->info, rinfo, NULL);

	if (piece->expr)
		join->info->filters = lappend(join->info->filters, unconstify(ConnhubExpr *, piece->expr));
	if (piece->verdict == CONNHUB_EXACT)
		return;
	join->info->pieces = lappend(join->info->pieces, piece);
	join->info->all_exact = false;
	join->reason = piece->reason;
}

/* Conditions that decide which rows match must all go. */
static bool
add_on(ChJoin *join, List *clauses)
{
	ListCell   *cell;

	foreach(cell, clauses)
	{
		const ConnhubExpr *expr = ch_judge_on(join->rel, join->info, lfirst(cell), &join->reason);

		if (expr == NULL)
			return false;
		join->on = lappend(join->on, unconstify(ConnhubExpr *, expr));
	}
	return true;
}

/* ---- Kinds of joins ---------------------------------------------------------------------- */

static bool
make_join(ChJoin *join, ConnhubJoinKind kind, const ConnhubRelation *left, const ConnhubRelation *right)
{
	join->info->from = ch_relation_join(kind, left, right, join->on);
	return ch_judge_join(join->info, join->info->from, &join->reason);
}

/* A condition that is checked again here, or here alone, is one on joined rows. */
static bool
make_inner(ChJoin *join, List *clauses)
{
	ListCell   *cell;

	join->info->filters = list_concat_copy(join->left->filters, join->right->filters);
	foreach(cell, clauses)
	{
		const ConnhubExpr *expr = ch_judge_on(join->rel, join->info, lfirst(cell), &join->reason);

		if (expr)
			join->on = lappend(join->on, unconstify(ConnhubExpr *, expr));
		else
			add_filter(join, lfirst(cell));
	}
	return make_join(join, CONNHUB_JOIN_INNER, join->left->from, join->right->from);
}

static bool
make_left(ChJoin *join, List *clauses)
{
	if (!add_on(join, clauses))
		return false;
	join->info->nullable = bms_union(join->left->nullable, join->right->relids);
	join->info->filters = list_copy(join->left->filters);
	join->on = list_concat_copy(join->on, join->right->filters);
	return make_join(join, CONNHUB_JOIN_LEFT, join->left->from, join->right->from);
}

/* A side of a full join with its conditions; NULL when there is no place for them. */
static const ConnhubRelation *
filtered_side(ChRelInfo *side)
{
	if (side->filters == NIL)
		return side->from;
	return side->from->join == CONNHUB_JOIN_NONE ? ch_relation_filtered(side->from, side->filters) : NULL;
}

static bool
make_full(ChJoin *join, List *clauses)
{
	const ConnhubRelation *left = filtered_side(join->left);
	const ConnhubRelation *right = filtered_side(join->right);

	join->reason = "conditions stand below a full join of joins";
	if (left == NULL || right == NULL || !add_on(join, clauses))
		return false;
	join->info->nullable = join->info->relids;
	join->info->filters = NIL;
	return make_join(join, CONNHUB_JOIN_FULL, left, right);
}

/* Does anything above the join use columns of a side? */
static bool
shows(ChJoin *join, ChRelInfo *side)
{
	return bms_overlap(pull_varnos(join->root, (Node *) join->rel->reltarget->exprs), side->relids);
}

static bool
make_exists(ChJoin *join, List *clauses, bool negated)
{
	ChRequestParts parts = {.from = join->right->from};
	const ConnhubExpr *exists;
	ConnhubTypeRef type;

	join->reason = "columns of the inner side are used above";
	if (shows(join, join->right) || !add_on(join, clauses))
		return false;
	parts.filters = list_concat_copy(join->right->filters, join->on);
	ch_typemap_from_pg(BOOLOID, -1, &type);
	exists = ch_expr_query(CONNHUB_EXPR_EXISTS, &type, NIL, ch_request_make(&parts));
	if (negated)
		exists = ch_expr_not(exists);
	join->info->hidden = bms_union(join->left->hidden, join->right->relids);
	join->info->from = join->left->from;
	join->info->filters = lappend(list_copy(join->left->filters), unconstify(ConnhubExpr *, exists));
	return ch_judge_condition(join->info, exists, &join->reason);
}

static bool
make_semi(ChJoin *join, List *clauses)
{
	return make_exists(join, clauses, false);
}

static bool
make_anti(ChJoin *join, List *clauses)
{
	return make_exists(join, clauses, true);
}

static const struct
{
	JoinType	type;
	const char *name;
	bool		swapped;		/* the sides change places */
	bool		is_outer;		/* conditions above it are no conditions of the match */
	ChJoinMake	make;
} join_rows[] = {
	{JOIN_INNER, "join", false, false, make_inner},
	{JOIN_LEFT, "left join", false, true, make_left},
	{JOIN_RIGHT, "left join", true, true, make_left},
	{JOIN_FULL, "full join", false, true, make_full},
	{JOIN_SEMI, "semi-join", false, false, make_semi},
	{JOIN_ANTI, "anti-join", false, true, make_anti},
};

/* ---- The join as a whole ----------------------------------------------------------------- */

static const char *
side_obstacle(ChRelInfo *side)
{
	if (side->has_gate)
		return "a condition without columns is checked here";
	return side->all_exact ? NULL : "conditions of one side are checked here";
}

/* Is an expression used that a lower outer join makes null?  Its columns alone do not tell when. */
static bool
has_placeholder(RestrictInfo *rinfo)
{
	List	   *vars = pull_var_clause((Node *) rinfo->clause,
									   PVC_RECURSE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS | PVC_INCLUDE_PLACEHOLDERS);
	ListCell   *cell;

	foreach(cell, vars)
	{
		if (IsA(lfirst(cell), PlaceHolderVar))
			return true;
	}
	return false;
}

/* What stands in the way of any join here; NULL: nothing. */
static const char *
obstacle(ChJoin *join, List *clauses)
{
	ListCell   *cell;

	if (!ch_pushdown)
		return "connhub.pushdown is off";
	if (ch_rows_are_rechecked(join->root))
		return "rows are locked or changed, and may have to be looked at again";
	if (side_obstacle(join->left))
		return side_obstacle(join->left);
	if (side_obstacle(join->right))
		return side_obstacle(join->right);
	foreach(cell, clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);

		if (rinfo->pseudoconstant)
			return "a condition without columns is checked here";
		if (has_placeholder(rinfo))
			return "an expression of a lower outer join is used";
	}
	foreach(cell, join->rel->reltarget->exprs)
	{
		Node	   *node = lfirst(cell);

		if (IsA(node, PlaceHolderVar))
			return "an expression of a lower outer join is used";
		if (IsA(node, Var) && ((Var *) node)->varattno <= 0)
			return ((Var *) node)->varattno == 0 ? "the whole row is used" : "a system column is used";
	}
	return NULL;
}

/* The join as a request; NULL with join->reason set when it stays here. */
static ChRelInfo *
join_make(ChJoin *join, int row, List *clauses)
{
	ChRelInfo  *info = palloc0(sizeof(ChRelInfo));
	List	   *above = NIL;
	List	   *match = NIL;
	ListCell   *cell;

	join->info = info;
	info->root = join->root;
	info->at = join->left->at;
	info->server = join->rel->serverid;
	info->user = join->rel->userid;
	info->stage = CH_STAGE_JOIN;
	info->relids = bms_union(join->left->relids, join->right->relids);
	info->nullable = bms_union(join->left->nullable, join->right->nullable);
	info->hidden = bms_union(join->left->hidden, join->right->hidden);
	info->name = psprintf("%s, %s", join->left->name, join->right->name);
	info->all_exact = true;
	join->reason = obstacle(join, clauses);
	if (join->reason)
		return NULL;
	foreach(cell, clauses)
	{
		RestrictInfo *rinfo = lfirst(cell);

		if (join_rows[row].is_outer && RINFO_IS_PUSHED_DOWN(rinfo, join->rel->relids))
			above = lappend(above, rinfo);
		else
			match = lappend(match, rinfo);
	}
	if (!join_rows[row].make(join, match))
		return NULL;
	foreach(cell, above)
	{
		RestrictInfo *rinfo = lfirst(cell);

		join->reason = "columns of the inner side are used above";
		if (bms_overlap(rinfo->clause_relids, info->hidden))
			return NULL;
		add_filter(join, rinfo);
	}
	return info;
}

/* The same join goes by one name, whichever side comes first. */
static const char *
piece_name(ChJoin *join, int row)
{
	bool		turned = (join_rows[row].type == JOIN_INNER || join_rows[row].type == JOIN_FULL) &&
		bms_next_member(join->left->relids, -1) > bms_next_member(join->right->relids, -1);

	return psprintf("%s of %s and %s", join_rows[row].name, turned ? join->right->name : join->left->name,
					turned ? join->left->name : join->right->name);
}

void
ch_get_foreign_join_paths(PlannerInfo *root, RelOptInfo *rel, RelOptInfo *outer, RelOptInfo *inner,
						  JoinType type, JoinPathExtraData *extra)
{
	ChRelInfo  *known = rel->fdw_private;
	ChJoin		join = {.root = root,.rel = rel};
	ChRelInfo  *info;
	int			row = 0;

	while (row < lengthof(join_rows) && join_rows[row].type != type)
		row++;

	/* The same rows are offered once for each way to join them: the first that leaves nothing here will do. */
	if (row == lengthof(join_rows) || outer->fdw_private == NULL || inner->fdw_private == NULL ||
		!bms_is_empty(rel->lateral_relids) || (known && known->all_exact))
		return;
	join.left = join_rows[row].swapped ? inner->fdw_private : outer->fdw_private;
	join.right = join_rows[row].swapped ? outer->fdw_private : inner->fdw_private;
	info = join_make(&join, row, extra->restrictlist);
	if (info == NULL || !info->all_exact)
	{
		const char *piece = piece_name(&join, row);

		ch_relinfo_keep(join.left, piece, join.reason);
		ch_relinfo_keep(join.right, piece, join.reason);
	}
	if (info == NULL || (known && !info->all_exact))
		return;
	rel->fdw_private = info;
	ch_cost_join(root, rel, info, join.left, join.right);
	ch_add_ordered_paths(root, rel, info);
}
