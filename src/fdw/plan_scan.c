/* fdw/plan_scan.c — paths and plans of one foreign table.
 *
 * A stage above the base relation (plan_upper.c) is planned here too: its plan still scans the base
 * relation, so whole rows, system columns and dropped columns work as in a plain scan. */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "utils/uuid.h"

#include "common/compat.h"
#include "fdw/fdw.h"
#include "fdw/judge.h"
#include "fdw/modify.h"
#include "request/request.h"

void
ch_get_foreign_rel_size(PlannerInfo *root, RelOptInfo *rel, Oid table)
{
	ChRelInfo  *info = ch_relinfo_make(root, rel->relid, table);
	ListCell   *cell;

	rel->fdw_private = info;
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
		piece = ch_judge_filter(root, rel, info, rinfo);
		info->pieces = lappend(info->pieces, piece);
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

	ch_cost_scan(root, rel, info, pathkeys != NIL, 0, &cost);
	cost.startup *= factor;
	cost.total *= factor;
	add_path(rel, ch_compat_scan_path(root, rel, cost.rows, cost.startup, cost.total, pathkeys));
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
ch_get_foreign_paths(PlannerInfo *root, RelOptInfo *rel, Oid table)
{
	ChRelInfo  *info = rel->fdw_private;
	List	   *orders = merge_orders(root, rel);
	const char *reason;
	List	   *sort;
	ListCell   *cell;

	add_scan_path(root, rel, info, NIL, 1);
	if (root->query_pathkeys != NIL &&
		ch_judge_sort(root, rel, info, root->query_pathkeys, &sort, &reason))
		add_scan_path(root, rel, info, root->query_pathkeys, 1);
	foreach(cell, orders)
	{
		List	   *order = lfirst(cell);

		if (!pathkeys_contained_in(order, root->query_pathkeys) &&
			ch_judge_sort(root, rel, info, order, &sort, &reason))
			add_scan_path(root, rel, info, order, 1.02);
	}
}

/* ---- From path to plan ------------------------------------------------------------------- */

/* What becomes of the conditions of a path. */
typedef struct ChClauses
{
	List	   *sent;			/* ConnhubExpr * */
	List	   *local;			/* Expr *, checked here */
	List	   *notes;			/* one note for each of local */
	List	   *exact;			/* Expr *, checked at the source alone */
} ChClauses;

static ChPiece *
piece_of(PlannerInfo *root, RelOptInfo *rel, ChRelInfo *info, RestrictInfo *rinfo)
{
	ListCell   *cell;

	foreach(cell, info->pieces)
	{
		ChPiece    *piece = lfirst(cell);

		if (piece->rinfo == rinfo)
			return piece;
	}
	return ch_judge_filter(root, rel, info, rinfo);
}

static void
sort_out_clauses(PlannerInfo *root, RelOptInfo *rel, ChRelInfo *info, List *clauses, ChClauses *out)
{
	ListCell   *cell;

	foreach(cell, clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);
		ChPiece    *piece;

		if (rinfo->pseudoconstant)
			continue;
		piece = piece_of(root, rel, info, rinfo);
		if (piece->expr)
			out->sent = lappend(out->sent, (void *) piece->expr);
		if (piece->verdict == CONNHUB_EXACT)
		{
			out->exact = lappend(out->exact, rinfo->clause);
			continue;
		}
		out->local = lappend(out->local, rinfo->clause);
		out->notes = lappend(out->notes, list_make2(makeInteger(piece->expr != NULL),
													makeString(pstrdup(piece->reason))));
	}
}

/* Attributes the source has to send: those the plan's output and its local conditions use. */
static List *
columns_needed(RelOptInfo *rel, ChRelInfo *info, List *local, bool *system_columns)
{
	Bitmapset  *used = NULL;
	List	   *attnums = NIL;
	bool		whole_row;

	pull_varattnos((Node *) rel->reltarget->exprs, info->relid, &used);
	pull_varattnos((Node *) local, info->relid, &used);
	whole_row = bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used);
	for (int i = 1; i <= info->ncolumns; i++)
	{
		if (info->columns[i - 1].column.name &&
			(whole_row || bms_is_member(i - FirstLowInvalidHeapAttributeNumber, used)))
			attnums = lappend_int(attnums, i);
	}
	*system_columns = false;
	for (int i = FirstLowInvalidHeapAttributeNumber + 1; i < 0; i++)
	{
		if (i != TableOidAttributeNumber && i != SelfItemPointerAttributeNumber &&
			bms_is_member(i - FirstLowInvalidHeapAttributeNumber, used))
			*system_columns = true;
	}
	return attnums;
}

static Node *
uuid_const(const pg_uuid_t *id)
{
	pg_uuid_t  *copy = palloc(sizeof(pg_uuid_t));

	*copy = *id;
	return (Node *) makeConst(UUIDOID, -1, InvalidOid, sizeof(pg_uuid_t), UUIDPGetDatum(copy), false, false);
}

/* Which of the final parameters is this one?  -1: it is none. */
static Node *
param_number(const ConnhubExpr *expr)
{
	return (Node *) makeInteger(expr && expr->kind == CONNHUB_EXPR_PARAM ? (int) expr->param : -1);
}

static List *
kept_note(List *notes, const char *piece, const char *reason)
{
	if (reason == NULL)
		return notes;
	return lappend(notes, list_make3(makeInteger(false), makeString(pstrdup(reason)),
									 makeString(pstrdup(piece))));
}

/* The private list of a plan for the request, and the expressions of its parameters. */
static List *
private_make(PlannerInfo *root, ChRelInfo *info, const ChRequestParts *parts, List *columns, bool system_columns,
			 List *qual_notes, bool is_sorted, List **exprs)
{
	List	   *numbers;
	ConnhubRequest *request = ch_request_make(parts, &numbers);
	List	   *types = NIL;
	List	   *kept = NIL;
	List	   *result = NIL;
	Node	   *items[CH_PLAN_ITEMS];
	ListCell   *cell;

	ch_modify_lock(root, find_base_rel(root, info->relid), info, request);
	*exprs = NIL;
	foreach(cell, numbers)
	{
		ChParam    *param = list_nth(*info->params, lfirst_int(cell));

		*exprs = lappend(*exprs, param->expr);
		types = lappend_oid(types, param->type);
	}
	if (!is_sorted)
		kept = kept_note(kept, "sort", info->sort_reason);
	kept = kept_note(kept, "limit", info->limit_reason);

	items[CH_PLAN_CONNECTOR] = uuid_const(&info->at->connector->id);
	items[CH_PLAN_CONNECTOR_NAME] = (Node *) makeString(pstrdup(info->at->connector->name));
	items[CH_PLAN_CONFIG_VERSION] = (Node *) makeConst(INT8OID, -1, InvalidOid, sizeof(int64),
													   Int64GetDatum(info->at->connector->config_version),
													   false, FLOAT8PASSBYVAL);
	items[CH_PLAN_QUERY] = (Node *) makeString(ch_relinfo_render(info, request));
	items[CH_PLAN_COLUMNS] = (Node *) columns;
	items[CH_PLAN_PARAM_TYPES] = (Node *) types;
	items[CH_PLAN_LIMIT_PARAM] = param_number(request->limit);
	items[CH_PLAN_OFFSET_PARAM] = param_number(request->offset);
	items[CH_PLAN_FETCH_SIZE] = (Node *) makeInteger(info->at->fetch_size);
	items[CH_PLAN_SYSTEM_COLUMNS] = (Node *) makeInteger(system_columns);
	items[CH_PLAN_QUALS] = (Node *) qual_notes;
	items[CH_PLAN_KEPT] = (Node *) kept;
	items[CH_PLAN_WRITES] = (Node *) makeInteger(CH_PLAN_READS);
	for (int i = 0; i < CH_PLAN_ITEMS; i++)
		result = lappend(result, items[i]);
	return result;
}

/* The sort of a path: a stage's own, or that of a base path's keys. */
static List *
sort_of_path(PlannerInfo *root, RelOptInfo *rel, ChRelInfo *info, ForeignPath *path)
{
	ChRelInfo  *base = ch_relinfo_base(info);
	const char *reason;
	List	   *sort;

	if (info != base)
		return info->sort;
	if (path->path.pathkeys == NIL)
		return NIL;
	if (!ch_judge_sort(root, rel, info, path->path.pathkeys, &sort, &reason))
		elog(ERROR, "a sort once accepted was refused: %s", reason);
	return sort;
}

ForeignScan *
ch_get_foreign_plan(PlannerInfo *root, RelOptInfo *rel, Oid table, ForeignPath *path, List *tlist,
					List *clauses, Plan *outer_plan)
{
	ChRelInfo  *info = rel->fdw_private;
	ChRelInfo  *base = ch_relinfo_base(info);
	RelOptInfo *base_rel = find_base_rel(root, base->relid);
	ChRequestParts parts = {.schema = base->remote_schema,.table = base->remote_table};
	ChClauses	sorted_out = {NIL};
	List	   *columns;
	List	   *exprs;
	List	   *private;
	bool		system_columns;
	ListCell   *cell;

	/* A stage has no clauses of its own: it stands on the conditions of the base relation. */
	sort_out_clauses(root, base_rel, base, info == base ? clauses : base_rel->baserestrictinfo, &sorted_out);
	columns = columns_needed(base_rel, base, sorted_out.local, &system_columns);
	foreach(cell, columns)
		parts.outputs = lappend(parts.outputs,
								(void *) ch_expr_column(&base->columns[lfirst_int(cell) - 1].column));
	parts.filters = sorted_out.sent;
	parts.sort = sort_of_path(root, base_rel, info, path);
	parts.limit = info->limit;
	parts.offset = info->offset;
	private = private_make(root, base, &parts, columns, system_columns, sorted_out.notes,
						   path->path.pathkeys != NIL, &exprs);
	return make_foreignscan(tlist, sorted_out.local, base->relid, exprs, private, NIL,
							sorted_out.exact, outer_plan);
}
