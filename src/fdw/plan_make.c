/* fdw/plan_make.c — from a path to a plan: the request is finished and rendered.
 *
 * The plan of one table, sorted and limited or not, scans that table, so whole rows, system columns and dropped
 * columns work.  The plan of anything else scans no table here: its rows are described by
 * fdw_scan_tlist. */
#include "postgres.h"

#include <math.h>

#include "access/sysattr.h"
#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "optimizer/tlist.h"
#include "utils/lsyscache.h"
#include "utils/uuid.h"

#include "fdw/fdw.h"
#include "fdw/judge.h"
#include "fdw/keyjoin.h"
#include "fdw/modify.h"
#include "request/request.h"

/* A result of at most this many rows is quicker read off than stopped. */
#define FEW_ROWS	1000

/* What the plan's private list and expressions are made of. */
typedef struct ChPlanParts
{
	ChRelInfo  *info;			/* the stage whose notes are told */
	ChRequestParts request;
	List	   *columns;		/* CH_PLAN_COLUMNS */
	bool		system_columns;
	List	   *notes;			/* one for each condition checked here */
	bool		is_sorted;
	double		rows;			/* expected */
	Oid			user;
	bool		has_plain_types;	/* of the columns: to read a value runs no code written in SQL */
} ChPlanParts;

/* ---- Conditions of a scan ---------------------------------------------------------------- */

/* What becomes of the conditions of a path. */
typedef struct ChClauses
{
	List	   *sent;			/* ConnhubExpr * */
	List	   *local;			/* Expr *, checked here */
	List	   *notes;			/* one note for each of local */
	List	   *exact;			/* Expr *, checked at the source alone */
} ChClauses;

static void
sort_out(ChPiece *piece, ChClauses *out)
{
	if (piece->expr)
		out->sent = lappend(out->sent, unconstify(ConnhubExpr *, piece->expr));
	if (piece->verdict == CONNHUB_EXACT)
	{
		out->exact = lappend(out->exact, piece->clause);
		return;
	}
	out->local = lappend(out->local, piece->clause);
	out->notes = lappend(out->notes, list_make2(makeInteger(piece->expr != NULL),
												makeString(pstrdup(piece->reason))));
}

/* A condition judged when the relation was looked at, or one of a path that is given values of others. */
static ChPiece *
piece_of(RelOptInfo *rel, ChRelInfo *info, RestrictInfo *rinfo)
{
	ListCell   *cell;

	foreach(cell, info->pieces)
	{
		ChPiece    *piece = lfirst(cell);

		if (piece->rinfo == rinfo)
			return piece;
	}
	return ch_judge_filter(rel, info, rinfo, bms_difference(rinfo->clause_relids, rel->relids));
}

static void
sort_out_clauses(RelOptInfo *rel, ChRelInfo *info, List *clauses, ChClauses *out)
{
	ListCell   *cell;

	foreach(cell, clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);

		if (!rinfo->pseudoconstant)
			sort_out(piece_of(rel, info, rinfo), out);
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

/* ---- The private list -------------------------------------------------------------------- */

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

static List *
kept_notes(const ChPlanParts *parts)
{
	List	   *notes = NIL;
	ListCell   *cell;

	foreach(cell, parts->info->kept)
	{
		ChKept	   *kept = lfirst(cell);

		notes = kept_note(notes, kept->piece, kept->reason);
	}
	if (!parts->is_sorted)
		notes = kept_note(notes, "sort", parts->info->sort_reason);
	return kept_note(notes, "limit", parts->info->limit_reason);
}

/* The number of the key a parameter stands for; CH_KEY_NONE: it is an expression. */
static int
key_number(const ChParam *param)
{
	const Param *key = (const Param *) param->expr;

	return IsA(key, Param) && key->paramkind == CH_KEY_PARAM_KIND ? key->paramid : CH_KEY_NONE;
}

/* A scan by keys has one condition more. */
static List *
with_keys(List *filters, const ForeignPath *path)
{
	const ConnhubExpr *keys = ch_keyjoin_condition(path);

	return keys ? lappend(list_copy(filters), unconstify(ConnhubExpr *, keys)) : filters;
}

/* Can reading a value of this type run a query?  The check of a domain can, also that of an element or a field. */
static bool
type_is_plain(Oid type)
{
	char		kind = type < FirstGenbkiObjectId ? TYPTYPE_BASE : get_typtype(type);

	return kind == TYPTYPE_ENUM || (kind == TYPTYPE_BASE && (type < FirstGenbkiObjectId || !type_is_array(type)));
}

/* Functions that run queries are not safe to run in parallel; who calls one of his own so is found by the executor. */
static bool
is_plain(const ChPlanParts *parts)
{
	PlannerInfo *root = parts->info->root;

	return root != NULL && root->parent_root == NULL && root->parse->commandType == CMD_SELECT &&
		parts->has_plain_types && max_parallel_hazard(root->parse) == PROPARALLEL_SAFE;
}

/* The private list of a plan, and the expressions of its parameters. */
static List *
private_make(const ChPlanParts *parts, List **exprs)
{
	ChRelInfo  *info = parts->info;
	List	   *sources;
	ConnhubRequest *request = ch_request_finish(ch_request_make(&parts->request), &sources);
	List	   *types = NIL;
	List	   *keys = NIL;
	bool		has_keys = false;
	List	   *result = NIL;
	Node	   *items[CH_PLAN_ITEMS];
	ListCell   *cell;

	*exprs = NIL;
	foreach(cell, sources)
	{
		ChParam    *param = lfirst(cell);
		int			key = key_number(param);

		keys = lappend_int(keys, key);
		has_keys |= key != CH_KEY_NONE;
		if (key == CH_KEY_NONE)
			*exprs = lappend(*exprs, param->expr);
		types = lappend_oid(types, param->type);
	}
	items[CH_PLAN_CONNECTOR] = uuid_const(&info->at->connector->id);
	items[CH_PLAN_CONNECTOR_NAME] = (Node *) makeString(pstrdup(info->at->connector->name));
	items[CH_PLAN_CONFIG_VERSION] = ch_source_version(info->at->connector);
	items[CH_PLAN_QUERY] = (Node *) makeString(ch_relinfo_render(info, request));
	items[CH_PLAN_USER] = (Node *) makeConst(OIDOID, -1, InvalidOid, sizeof(Oid), ObjectIdGetDatum(parts->user),
											 false, true);
	items[CH_PLAN_RELATIONS] = (Node *) makeString(pstrdup(info->name));
	items[CH_PLAN_COLUMNS] = (Node *) parts->columns;
	items[CH_PLAN_PARAM_TYPES] = (Node *) types;
	items[CH_PLAN_KEYS] = (Node *) (has_keys ? keys : NIL);
	items[CH_PLAN_LIMIT_PARAM] = param_number(request->limit);
	items[CH_PLAN_OFFSET_PARAM] = param_number(request->offset);
	items[CH_PLAN_FETCH_SIZE] = (Node *) makeInteger(info->at->fetch_size);
	items[CH_PLAN_FEW_ROWS] = (Node *) makeInteger(parts->rows <= FEW_ROWS);
	items[CH_PLAN_PLAIN] = (Node *) makeInteger(is_plain(parts));
	items[CH_PLAN_SYSTEM_COLUMNS] = (Node *) makeInteger(parts->system_columns);
	items[CH_PLAN_QUALS] = (Node *) parts->notes;
	items[CH_PLAN_KEPT] = (Node *) kept_notes(parts);
	items[CH_PLAN_ROWS] = (Node *) makeFloat(psprintf("%.0f", info->all_exact ? parts->rows : info->rows));
	items[CH_PLAN_WIDTH] = (Node *) makeInteger(info->width);
	items[CH_PLAN_BLOCKS] = (Node *) makeFloat(psprintf("%.0f", ceil(Max(info->table_bytes, 0) / BLCKSZ)));
	items[CH_PLAN_WRITES] = (Node *) makeInteger(parts->request.lock == CONNHUB_LOCK_NONE ? CH_PLAN_READS : CH_PLAN_LOCKS);
	for (int i = 0; i < CH_PLAN_ITEMS; i++)
		result = lappend(result, items[i]);
	return result;
}

/* ---- One table --------------------------------------------------------------------------- */

/* The sort of a path: a stage's own, or that of the path's keys. */
static List *
sort_of_path(ChRelInfo *info, ForeignPath *path)
{
	const char *reason;
	List	   *sort;

	if (info->stage >= CH_STAGE_ORDER)
		return info->sort;
	if (path->path.pathkeys == NIL || info->computes)
		return NIL;
	if (!ch_judge_sort(info, path->path.pathkeys, &sort, &reason))
		elog(ERROR, "a sort once accepted was refused: %s", reason);
	return sort;
}

static ForeignScan *
scan_plan(PlannerInfo *root, RelOptInfo *rel, ForeignPath *path, List *tlist, List *clauses, Plan *outer_plan)
{
	ChRelInfo  *info = rel->fdw_private;
	ChRelInfo  *scan = ch_relinfo_source(info);
	RelOptInfo *scan_rel = find_base_rel(root, scan->relid);
	ChPlanParts parts = {.info = scan,.rows = path->path.rows,.user = scan_rel->userid};
	ChClauses	sorted_out = {NIL};
	List	   *private;
	List	   *exprs;
	ListCell   *cell;

	/* A stage has no clauses of its own: it stands on the conditions of the scan. */
	sort_out_clauses(scan_rel, scan, info == scan ? clauses : scan_rel->baserestrictinfo, &sorted_out);
	parts.columns = columns_needed(scan_rel, scan, sorted_out.local, &parts.system_columns);
	parts.request.from = scan->from;
	parts.has_plain_types = true;
	foreach(cell, parts.columns)
	{
		parts.request.outputs = lappend(parts.request.outputs,
										unconstify(ConnhubExpr *, ch_expr_column(&scan->columns[lfirst_int(cell) - 1].column,
																				 scan->number)));
		parts.has_plain_types &= type_is_plain(get_atttype(scan->table, lfirst_int(cell)));
	}
	parts.request.filters = with_keys(sorted_out.sent, path);
	parts.request.sort = sort_of_path(info, path);
	parts.request.limit = info->limit;
	parts.request.offset = info->offset;
	if (path->path.parallel_aware)
		ch_range_params(&parts.request);
	parts.notes = sorted_out.notes;
	parts.is_sorted = path->path.pathkeys != NIL;
	parts.request.lock = ch_modify_lock(root, scan_rel, scan, &parts.request);
	private = private_make(&parts, &exprs);
	return make_foreignscan(tlist, sorted_out.local, scan->relid, exprs, private, NIL, sorted_out.exact, outer_plan);
}

/* ---- Joins and what is computed ---------------------------------------------------------- */

/* What a join puts out: the columns used above it and by conditions checked here. */
static List *
join_outputs(RelOptInfo *rel, ChRelInfo *info, List *local)
{
	List	   *vars = pull_var_clause((Node *) list_concat_copy(rel->reltarget->exprs, local), 0);
	List	   *outputs = NIL;
	List	   *seen = NIL;
	ListCell   *cell;

	foreach(cell, vars)
	{
		Var		   *var = lfirst_node(Var, cell);
		ChRelInfo  *leaf = ch_relinfo_leaf(info, var->varno);
		ChOutput   *output;

		if (list_member(seen, var))
			continue;
		seen = lappend(seen, var);
		output = palloc0(sizeof(ChOutput));
		output->expr = (Expr *) var;
		output->sent = ch_expr_column(&leaf->columns[var->varattno - 1].column, leaf->number);
		outputs = lappend(outputs, output);
	}
	return outputs;
}

/* The plan's row, the request's outputs and which goes where. */
static List *
outputs_place(List *outputs, ChPlanParts *parts)
{
	List	   *tlist = NIL;
	ListCell   *cell;

	parts->has_plain_types = true;
	foreach(cell, outputs)
	{
		ChOutput   *output = lfirst(cell);
		int			place = list_length(tlist) + 1;

		parts->has_plain_types &= type_is_plain(exprType((Node *) output->expr));
		tlist = lappend(tlist, makeTargetEntry(output->expr, place, NULL, false));
		parts->request.outputs = lappend(parts->request.outputs, unconstify(ConnhubExpr *, output->sent));
		parts->columns = lappend_int(parts->columns, place);
		if (output->count == NULL)
			continue;
		parts->request.outputs = lappend(parts->request.outputs, unconstify(ConnhubExpr *, output->count));
		parts->columns = lappend_int(parts->columns, -place);
	}
	return tlist;
}

void
ch_request_parts(ChRelInfo *info, ChRequestParts *parts)
{
	parts->from = info->from;
	parts->filters = info->filters;
	parts->is_grouped = info->is_grouped;
	parts->groups = info->groups;
	parts->sets = info->sets;
	parts->having = info->having;
	parts->is_distinct = info->is_distinct;
	parts->sort = info->sort;
	parts->limit = info->limit;
	parts->offset = info->offset;
}

static ForeignScan *
computed_plan(RelOptInfo *rel, ForeignPath *path, List *tlist, Plan *outer_plan)
{
	ChRelInfo  *info = rel->fdw_private;
	ChRelInfo  *source = ch_relinfo_source(info);
	ChPlanParts parts = {.info = source,.rows = path->path.rows,.user = rel->userid};
	RelOptInfo *source_rel = source->stage == CH_STAGE_JOIN ? find_join_rel(info->root, source->relids) :
		source->stage == CH_STAGE_DERIVED ? find_base_rel(info->root, source->relid) : rel;
	ChClauses	sorted_out = {NIL};
	List	   *scan_tlist;
	List	   *private;
	List	   *exprs;
	ListCell   *cell;

	foreach(cell, source->pieces)
		sort_out(lfirst(cell), &sorted_out);
	ch_request_parts(info, &parts.request);
	parts.request.filters = with_keys(parts.request.filters, path);
	parts.request.sort = sort_of_path(info, path);
	parts.notes = sorted_out.notes;
	parts.is_sorted = path->path.pathkeys != NIL;
	scan_tlist = outputs_place(source->computes ? source->outputs : join_outputs(source_rel, source, sorted_out.local), &parts);
	private = private_make(&parts, &exprs);
	return make_foreignscan(tlist, sorted_out.local, 0, exprs, private, scan_tlist, NIL, outer_plan);
}

ForeignScan *
ch_get_foreign_plan(PlannerInfo *root, RelOptInfo *rel, Oid table, ForeignPath *path, List *tlist,
					List *clauses, Plan *outer_plan)
{
	if (ch_relinfo_source(rel->fdw_private)->stage == CH_STAGE_SCAN)
		return scan_plan(root, rel, path, tlist, clauses, outer_plan);
	return computed_plan(rel, path, tlist, outer_plan);
}
