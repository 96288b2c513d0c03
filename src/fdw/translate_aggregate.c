/* fdw/translate_aggregate.c — aggregates, GROUPING and window functions.
 *
 * Assumes that the relation has come to the stage where they are computed.  What an aggregate takes is
 * computed before grouping, so columns are free there. */
#include "postgres.h"

#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"

#include "batch/typemap.h"
#include "fdw/judge.h"
#include "fdw/translate_aggregate.h"
#include "request/request.h"
#include "request/semantics.h"

/* ---- Arguments --------------------------------------------------------------------------- */

/* Arguments brought to the type the meaning tells; false with the reason set when one has no counterpart. */
static bool
arguments(List *nodes, const ChMeaning *meaning, ChTranslation *t, List **args)
{
	ListCell   *cell;

	*args = NIL;
	foreach(cell, nodes)
	{
		const ConnhubExpr *arg = ch_translate_node(lfirst(cell), t);

		if (arg == NULL)
			return false;
		if (meaning->operand != CONNHUB_TYPE_NONE && arg->type.type != meaning->operand)
		{
			(void) refuse(t, psprintf("an argument of type %s is taken for another", arg->type.pg_type));
			return false;
		}
		*args = lappend(*args, (void *) arg);
	}
	return true;
}

static List *
target_exprs(List *targets)
{
	List	   *exprs = NIL;
	ListCell   *cell;

	foreach(cell, targets)
	{
		TargetEntry *target = lfirst(cell);

		if (!target->resjunk)
			exprs = lappend(exprs, target->expr);
	}
	return exprs;
}

static const ConnhubExpr *
refuse_aggregate(ChTranslation *t, Oid function)
{
	return refuse(t, psprintf("aggregate %s has no counterpart", format_procedure(function)));
}

/* ---- Aggregates -------------------------------------------------------------------------- */

static const ConnhubExpr *
aggregate_make(Aggref *aggref, const ChMeaning *meaning, const ConnhubTypeRef *type, ChTranslation *t)
{
	ChAggregateParts parts = {.is_distinct = aggref->aggdistinct != NIL};
	List	   *args = NIL;
	bool		complete;

	if (t->in_aggregate)
		return refuse(t, "an aggregate stands within another");
	if (parts.is_distinct && !ch_equals_by_bytes(aggref->inputcollid))
		return refuse(t, "the collation is nondeterministic here");
	t->in_aggregate = true;
	complete = arguments(target_exprs(aggref->args), meaning, t, &args);
	if (complete && aggref->aggfilter)
	{
		parts.filter = ch_translate_node((Node *) aggref->aggfilter, t);
		complete = parts.filter != NULL;
	}
	t->in_aggregate = false;
	if (!complete)
		return NULL;
	return ch_expr_aggregate(meaning->fn, type, ch_collation_make(aggref->inputcollid, false), args, &parts);
}

const ConnhubExpr *
ch_translate_aggref(Node *node, ChTranslation *t)
{
	Aggref	   *aggref = (Aggref *) node;
	ConnhubTypeRef type = ch_translate_type(node);
	const ChMeaning *meaning = ch_meaning_get(aggref->aggfnoid);

	if (!t->info->is_grouped)
		return refuse(t, "an aggregate is used");
	if (aggref->aggsplit != AGGSPLIT_SIMPLE)
		return refuse(t, "a part of an aggregate is used");
	if (meaning == NULL || aggref->aggkind != AGGKIND_NORMAL || aggref->aggvariadic)
		return refuse_aggregate(t, aggref->aggfnoid);
	return aggregate_make(aggref, meaning, &type, t);
}

bool
ch_translate_average(ChRelInfo *info, Node *node, const ConnhubExpr **sum, const ConnhubExpr **count)
{
	Aggref	   *aggref = (Aggref *) node;
	ChTranslation t = {.info = info};
	ConnhubTypeRef numeric_type;
	ConnhubTypeRef count_type;
	const ChMeaning *meaning;
	ChMeaning	part;

	if (!IsA(node, Aggref) || aggref->aggtype != NUMERICOID || aggref->aggsplit != AGGSPLIT_SIMPLE)
		return false;
	meaning = ch_meaning_get(aggref->aggfnoid);
	if (meaning == NULL || meaning->fn != CONNHUB_FN_AVG)
		return false;
	ch_typemap_from_pg(NUMERICOID, -1, &numeric_type);
	ch_typemap_from_pg(INT8OID, -1, &count_type);
	part = *meaning;
	part.fn = CONNHUB_FN_SUM;
	*sum = aggregate_make(aggref, &part, &numeric_type, &t);
	part.fn = CONNHUB_FN_COUNT;
	*count = aggregate_make(aggref, &part, &count_type, &t);
	return *sum != NULL && *count != NULL;
}

const ConnhubExpr *
ch_translate_grouping(Node *node, ChTranslation *t)
{
	GroupingFunc *grouping = (GroupingFunc *) node;
	ConnhubTypeRef type = ch_translate_type(node);
	List	   *args;

	if (!t->info->is_grouped)
		return refuse(t, "GROUPING is used");
	args = ch_translate_list(grouping->args, t);
	return args ? ch_expr_call(CONNHUB_FN_GROUPING, &type, NULL, args) : NULL;
}

/* ---- Windows ----------------------------------------------------------------------------- */

typedef struct ChFrameRow
{
	int			option;
	ConnhubBound bound;
} ChFrameRow;

static const ChFrameRow starts[] = {
	{FRAMEOPTION_START_UNBOUNDED_PRECEDING, CONNHUB_BOUND_UNBOUNDED},
	{FRAMEOPTION_START_CURRENT_ROW, CONNHUB_BOUND_CURRENT},
	{FRAMEOPTION_START_OFFSET_PRECEDING, CONNHUB_BOUND_PRECEDING},
	{FRAMEOPTION_START_OFFSET_FOLLOWING, CONNHUB_BOUND_FOLLOWING},
};

static const ChFrameRow ends[] = {
	{FRAMEOPTION_END_UNBOUNDED_FOLLOWING, CONNHUB_BOUND_UNBOUNDED},
	{FRAMEOPTION_END_CURRENT_ROW, CONNHUB_BOUND_CURRENT},
	{FRAMEOPTION_END_OFFSET_PRECEDING, CONNHUB_BOUND_PRECEDING},
	{FRAMEOPTION_END_OFFSET_FOLLOWING, CONNHUB_BOUND_FOLLOWING},
};

static bool
bound_make(int options, const ChFrameRow *rows, int count, ConnhubBound *bound)
{
	for (int i = 0; i < count; i++)
	{
		if (options & rows[i].option)
		{
			*bound = rows[i].bound;
			return true;
		}
	}
	return false;
}

/* An offset of a frame of rows: a constant count. */
static bool
offset_make(Node *node, ChTranslation *t, const ConnhubExpr **offset)
{
	Const	   *constant = (Const *) node;

	*offset = NULL;
	if (node == NULL)
		return true;
	if (!IsA(node, Const) || constant->consttype != INT8OID || constant->constisnull ||
		DatumGetInt64(constant->constvalue) < 0)
	{
		(void) refuse(t, "a frame's offset is no constant");
		return false;
	}
	*offset = ch_translate_constant(constant->constvalue, false, INT8OID, t);
	return *offset != NULL;
}

static bool
frame_make(WindowClause *clause, ChTranslation *t, ConnhubWindow *window)
{
	int			options = clause->frameOptions;

	if (options & FRAMEOPTION_EXCLUSION)
	{
		(void) refuse(t, "a frame that excludes rows has no counterpart");
		return false;
	}
	window->frame = options & FRAMEOPTION_ROWS ? CONNHUB_FRAME_ROWS :
		options & FRAMEOPTION_GROUPS ? CONNHUB_FRAME_GROUPS : CONNHUB_FRAME_RANGE;
	if (window->frame == CONNHUB_FRAME_RANGE && (clause->startOffset || clause->endOffset))
	{
		(void) refuse(t, "a frame of a range of values has no counterpart");
		return false;
	}
	if (!bound_make(options, starts, lengthof(starts), &window->start) ||
		!bound_make(options, ends, lengthof(ends), &window->end))
	{
		(void) refuse(t, "a frame has no counterpart");
		return false;
	}
	return offset_make(clause->startOffset, t, &window->start_offset) &&
		offset_make(clause->endOffset, t, &window->end_offset);
}

static const ConnhubWindow *
window_make(WindowClause *clause, ChTranslation *t)
{
	ConnhubWindow *window = palloc0(sizeof(ConnhubWindow));
	List	   *targets = t->info->root->processed_tlist;
	const ConnhubExpr **partition = palloc(sizeof(ConnhubExpr *) * Max(list_length(clause->partitionClause), 1));
	ConnhubSortKey *order = palloc0(sizeof(ConnhubSortKey) * Max(list_length(clause->orderClause), 1));
	ListCell   *cell;

	window->struct_size = sizeof(ConnhubWindow);
	foreach(cell, clause->partitionClause)
	{
		SortGroupClause *key = lfirst(cell);

		partition[window->npartition] = ch_judge_group(t->info, get_sortgroupclause_expr(key, targets), key, &t->reason);
		if (partition[window->npartition++] == NULL)
			return NULL;
	}
	foreach(cell, clause->orderClause)
	{
		SortGroupClause *key = lfirst(cell);

		if (!ch_judge_sort_clause(t->info, get_sortgroupclause_expr(key, targets), key, &order[window->norder++], &t->reason))
			return NULL;
	}
	window->partition = partition;
	window->order = order;
	return frame_make(clause, t, window) ? window : NULL;
}

const ConnhubExpr *
ch_translate_window(Node *node, ChTranslation *t)
{
	WindowFunc *func = (WindowFunc *) node;
	ConnhubTypeRef type = ch_translate_type(node);
	const ChMeaning *meaning = ch_meaning_get(func->winfnoid);
	ChAggregateParts parts = {.is_distinct = false};
	List	   *args = NIL;
	ListCell   *cell;

	if (t->info->stage < CH_STAGE_WINDOW)
		return refuse(t, "a window function is used");
	if (meaning == NULL)
		return refuse_aggregate(t, func->winfnoid);
	foreach(cell, t->info->root->parse->windowClause)
	{
		WindowClause *clause = lfirst(cell);

		if (clause->winref == func->winref)
			parts.window = window_make(clause, t);
	}
	if (parts.window == NULL || !arguments(func->args, meaning, t, &args))
		return NULL;
	if (func->aggfilter)
	{
		parts.filter = ch_translate_node((Node *) func->aggfilter, t);
		if (parts.filter == NULL)
			return NULL;
	}
	return ch_expr_aggregate(meaning->fn, &type, ch_collation_make(func->inputcollid, false), args, &parts);
}
