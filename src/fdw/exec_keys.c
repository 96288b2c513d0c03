/* fdw/exec_keys.c — running a join that sends keys.
 *
 * A batch of outer rows is kept, and hashed by key.  The inner scan is then given the keys and its rows
 * stream by: each finds the outer rows it matches.  So only the batch is held in memory, whatever is found.
 * Rows come out in no order. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "common/compat.h"
#include "fdw/fdw.h"
#include "fdw/keyjoin.h"

/* Rows of the first batch where no more are expected; each is larger until it is as large as it may be. */
#define FIRST_BATCH 64

/* An outer row of the batch. */
typedef struct ChOuterRow
{
	MinimalTuple tuple;
	uint32		hash;
	bool		has_key;		/* its key is not null */
	bool		is_matched;
	int			next;			/* row of the same bucket; -1: none */
} ChOuterRow;

typedef struct ChKeyJoinState
{
	CustomScanState css;		/* must be first */
	PlanState  *outer;
	ForeignScanState *inner;
	JoinType	type;
	int			nouter;			/* columns of the outer side */
	int			max_batch;
	Oid			key_type;
	int16		key_length;
	bool		key_by_value;
	Oid			collation;
	FmgrInfo	hash_outer;
	FmgrInfo	hash_inner;
	ExprState  *outer_key;
	ExprState  *inner_key;
	ExprState  *match;
	ExprState  *filter;
	MemoryContext batch_context;
	TupleTableSlot *outer_slot; /* for tuples of the batch */

	/* The batch. */
	int			size;			/* rows wanted */
	ChOuterRow *rows;
	int			nrows;
	int		   *buckets;		/* first row of each; -1: none */
	uint32		mask;
	bool		outer_done;
	bool		in_batch;
	bool		inner_done;

	/* Where the join stands. */
	int			candidate;		/* next outer row for the inner one in the scan's row; -1: fetch another */
	uint32		candidate_hash;
	int			unmatched;		/* next outer row to be looked at once the inner ones are over */

	int64		batches;
	int64		keys;
} ChKeyJoinState;

static const CustomExecMethods exec_methods = {
	.CustomName = "Connhub Key Join",
	.BeginCustomScan = ch_begin_key_join,
	.ExecCustomScan = ch_exec_key_join,
	.EndCustomScan = ch_end_key_join,
	.ReScanCustomScan = ch_rescan_key_join,
	.ExplainCustomScan = ch_explain_key_join,
};

Node *
ch_create_key_join_state(CustomScan *plan)
{
	ChKeyJoinState *state = palloc0(sizeof(ChKeyJoinState));

	NodeSetTag(state, T_CustomScanState);
	state->css.methods = &exec_methods;
	return (Node *) state;
}

static Oid
oid_item(CustomScan *plan, ChKeyJoinItem item)
{
	return DatumGetObjectId(((Const *) list_nth(plan->custom_private, item))->constvalue);
}

static void
prepare_key(ChKeyJoinState *state, CustomScan *plan)
{
	Oid			operator = oid_item(plan, CH_KEYJOIN_OPERATOR);
	RegProcedure outer;
	RegProcedure inner;

	if (!get_op_hash_functions(operator, &outer, &inner))
		elog(ERROR, "operator %u has no hash functions", operator);
	fmgr_info(outer, &state->hash_outer);
	fmgr_info(inner, &state->hash_inner);
	state->collation = oid_item(plan, CH_KEYJOIN_COLLATION);
	state->key_type = exprType(list_nth(plan->custom_exprs, CH_KEYJOIN_OUTER_KEY));
	get_typlenbyval(state->key_type, &state->key_length, &state->key_by_value);
}

static int
first_size(ChKeyJoinState *state)
{
	return (int) Min(Max(state->outer->plan->plan_rows, FIRST_BATCH), state->max_batch);
}

void
ch_begin_key_join(CustomScanState *node, EState *estate, int eflags)
{
	ChKeyJoinState *state = (ChKeyJoinState *) node;
	CustomScan *plan = castNode(CustomScan, node->ss.ps.plan);

	state->outer = ExecInitNode(linitial(plan->custom_plans), estate, eflags);
	state->inner = castNode(ForeignScanState, ExecInitNode(lsecond(plan->custom_plans), estate, eflags));
	node->custom_ps = list_make2(state->outer, state->inner);
	state->type = intVal(list_nth(plan->custom_private, CH_KEYJOIN_TYPE));
	state->nouter = intVal(list_nth(plan->custom_private, CH_KEYJOIN_OUTER));
	state->max_batch = intVal(list_nth(plan->custom_private, CH_KEYJOIN_BATCH));
	prepare_key(state, plan);
	state->outer_key = ExecInitExpr(list_nth(plan->custom_exprs, CH_KEYJOIN_OUTER_KEY), &node->ss.ps);
	state->inner_key = ExecInitExpr(list_nth(plan->custom_exprs, CH_KEYJOIN_INNER_KEY), &node->ss.ps);
	state->match = ExecInitQual(list_nth(plan->custom_exprs, CH_KEYJOIN_MATCH), &node->ss.ps);
	state->filter = ExecInitQual(list_nth(plan->custom_exprs, CH_KEYJOIN_FILTER), &node->ss.ps);
	state->batch_context = AllocSetContextCreate(CurrentMemoryContext, "connhub key join", ALLOCSET_DEFAULT_SIZES);
	state->outer_slot = MakeSingleTupleTableSlot(ExecGetResultType(state->outer), &TTSOpsMinimalTuple);
	state->size = first_size(state);
	state->candidate = -1;
}

/* ---- The scan's row: outer columns, then inner ones --------------------------------------- */

static void
set_columns(TupleTableSlot *joined, int first, int count, TupleTableSlot *from)
{
	if (from == NULL)
	{
		memset(&joined->tts_isnull[first], true, count);
		memset(&joined->tts_values[first], 0, sizeof(Datum) * count);
		return;
	}
	slot_getallattrs(from);
	memcpy(&joined->tts_values[first], from->tts_values, sizeof(Datum) * count);
	memcpy(&joined->tts_isnull[first], from->tts_isnull, sizeof(bool) * count);
}

static int
inner_count(ChKeyJoinState *state)
{
	return state->css.ss.ss_ScanTupleSlot->tts_tupleDescriptor->natts - state->nouter;
}

static void
set_outer(ChKeyJoinState *state, TupleTableSlot *outer)
{
	set_columns(state->css.ss.ss_ScanTupleSlot, 0, state->nouter, outer);
}

static void
set_inner(ChKeyJoinState *state, TupleTableSlot *inner)
{
	set_columns(state->css.ss.ss_ScanTupleSlot, state->nouter, inner_count(state), inner);
}

/* The value of a key in the scan's row. */
static Datum
key_value(ChKeyJoinState *state, ExprState *key, bool *isnull)
{
	ExprContext *econtext = state->css.ss.ps.ps_ExprContext;

	econtext->ecxt_scantuple = state->css.ss.ss_ScanTupleSlot;
	return ExecEvalExprSwitchContext(key, econtext, isnull);
}

/* ---- A batch ----------------------------------------------------------------------------- */

static void
hash_rows(ChKeyJoinState *state)
{
	uint32		nbuckets = pg_nextpower2_32(Max(state->nrows, 16));

	state->mask = nbuckets - 1;
	state->buckets = palloc(sizeof(int) * nbuckets);
	for (uint32 i = 0; i < nbuckets; i++)
		state->buckets[i] = -1;
	for (int i = 0; i < state->nrows; i++)
	{
		ChOuterRow *row = &state->rows[i];

		if (!row->has_key)
			continue;
		row->next = state->buckets[row->hash & state->mask];
		state->buckets[row->hash & state->mask] = i;
	}
}

/* Give the inner scan the keys, and have it start anew. */
static void
send_keys(ChKeyJoinState *state, Datum *keys, int nkeys)
{
	state->inner_done = nkeys == 0;
	if (nkeys == 0)
		return;
	state->keys += nkeys;
	state->batches++;
	ch_scan_set_keys(state->inner, keys, nkeys, state->key_type);
	ExecReScan(&state->inner->ss.ps);
}

/* Read the next batch of outer rows; false when there is none. */
static bool
next_batch(ChKeyJoinState *state)
{
	ExprContext *econtext = state->css.ss.ps.ps_ExprContext;
	MemoryContext old;
	Datum	   *keys;
	int			nkeys = 0;

	MemoryContextReset(state->batch_context);
	state->nrows = 0;
	if (state->outer_done)
		return false;
	old = MemoryContextSwitchTo(state->batch_context);
	state->rows = palloc0(sizeof(ChOuterRow) * state->size);
	keys = palloc(sizeof(Datum) * state->size);
	MemoryContextSwitchTo(old);
	while (state->nrows < state->size)
	{
		TupleTableSlot *slot = ExecProcNode(state->outer);
		ChOuterRow *row = &state->rows[state->nrows];
		bool		isnull;
		Datum		key;

		if (TupIsNull(slot))
		{
			state->outer_done = true;
			break;
		}
		ResetExprContext(econtext);
		set_outer(state, slot);
		set_inner(state, NULL);
		key = key_value(state, state->outer_key, &isnull);
		old = MemoryContextSwitchTo(state->batch_context);
		row->tuple = ExecCopySlotMinimalTuple(slot);
		row->has_key = !isnull;
		row->next = -1;
		if (!isnull)
		{
			row->hash = DatumGetUInt32(FunctionCall1Coll(&state->hash_outer, state->collation, key));
			keys[nkeys++] = datumCopy(key, state->key_by_value, state->key_length);
		}
		MemoryContextSwitchTo(old);
		state->nrows++;
	}
	if (state->nrows == 0)
		return false;
	old = MemoryContextSwitchTo(state->batch_context);
	hash_rows(state);
	MemoryContextSwitchTo(old);
	send_keys(state, keys, nkeys);
	state->size = Min(state->size * 4, state->max_batch);
	state->candidate = -1;
	state->unmatched = 0;
	return true;
}

/* ---- Joining ----------------------------------------------------------------------------- */

/* Fetch the next inner row into the scan's row, and find the bucket of its key; false at their end. */
static bool
next_inner(ChKeyJoinState *state)
{
	TupleTableSlot *slot;
	MemoryContext old;
	bool		isnull;
	Datum		key;

	if (state->inner_done)
		return false;
	slot = ExecProcNode(&state->inner->ss.ps);
	if (TupIsNull(slot))
	{
		state->inner_done = true;
		return false;
	}
	set_inner(state, slot);
	key = key_value(state, state->inner_key, &isnull);
	state->candidate = -1;
	if (!isnull)
	{
		old = MemoryContextSwitchTo(state->css.ss.ps.ps_ExprContext->ecxt_per_tuple_memory);
		state->candidate_hash = DatumGetUInt32(FunctionCall1Coll(&state->hash_inner, state->collation, key));
		MemoryContextSwitchTo(old);
		state->candidate = state->buckets[state->candidate_hash & state->mask];
	}
	return true;
}

/* Does the outer row match the inner one in the scan's row, so that a row comes out?  It is put there. */
static bool
try_candidate(ChKeyJoinState *state, ChOuterRow *row)
{
	ExprContext *econtext = state->css.ss.ps.ps_ExprContext;

	if (row->hash != state->candidate_hash || (row->is_matched && state->type != JOIN_INNER && state->type != JOIN_LEFT))
		return false;
	ExecForceStoreMinimalTuple(row->tuple, state->outer_slot, false);
	set_outer(state, state->outer_slot);
	if (!ExecQual(state->match, econtext))
		return false;
	row->is_matched = true;
	return state->type != JOIN_ANTI;
}

/* The next pair of rows that comes out; false when the inner rows are over. */
static bool
next_pair(ChKeyJoinState *state)
{
	ExprContext *econtext = state->css.ss.ps.ps_ExprContext;

	for (;;)
	{
		while (state->candidate >= 0)
		{
			ChOuterRow *row = &state->rows[state->candidate];

			state->candidate = row->next;
			ResetExprContext(econtext);
			if (try_candidate(state, row) && ExecQual(state->filter, econtext))
				return true;
		}
		CHECK_FOR_INTERRUPTS();
		ResetExprContext(econtext);
		if (!next_inner(state))
			return false;
	}
}

/* The next outer row that nothing matched, of a join that puts those out. */
static bool
next_unmatched(ChKeyJoinState *state)
{
	ExprContext *econtext = state->css.ss.ps.ps_ExprContext;

	if (state->type != JOIN_LEFT && state->type != JOIN_ANTI)
		return false;
	while (state->unmatched < state->nrows)
	{
		ChOuterRow *row = &state->rows[state->unmatched++];

		if (row->is_matched)
			continue;
		ResetExprContext(econtext);
		ExecForceStoreMinimalTuple(row->tuple, state->outer_slot, false);
		set_outer(state, state->outer_slot);
		set_inner(state, NULL);
		econtext->ecxt_scantuple = state->css.ss.ss_ScanTupleSlot;
		if (ExecQual(state->filter, econtext))
			return true;
	}
	return false;
}

TupleTableSlot *
ch_exec_key_join(CustomScanState *node)
{
	ChKeyJoinState *state = (ChKeyJoinState *) node;
	TupleTableSlot *joined = node->ss.ss_ScanTupleSlot;
	ExprContext *econtext = node->ss.ps.ps_ExprContext;

	if (TTS_EMPTY(joined))
		ExecStoreAllNullTuple(joined);
	for (;;)
	{
		if (!state->in_batch)
		{
			if (!next_batch(state))
				return NULL;
			state->in_batch = true;
		}
		if (next_pair(state) || next_unmatched(state))
		{
			econtext->ecxt_scantuple = joined;
			return node->ss.ps.ps_ProjInfo ? ExecProject(node->ss.ps.ps_ProjInfo) : joined;
		}
		state->in_batch = false;
	}
}

/* ---- End and explain --------------------------------------------------------------------- */

void
ch_end_key_join(CustomScanState *node)
{
	ChKeyJoinState *state = (ChKeyJoinState *) node;

	ExecDropSingleTupleTableSlot(state->outer_slot);
	ExecEndNode(state->outer);
	ExecEndNode(&state->inner->ss.ps);
}

void
ch_rescan_key_join(CustomScanState *node)
{
	ChKeyJoinState *state = (ChKeyJoinState *) node;

	if (node->ss.ps.chgParam)
	{
		UpdateChangedParamSet(state->outer, node->ss.ps.chgParam);
		UpdateChangedParamSet(&state->inner->ss.ps, node->ss.ps.chgParam);
	}
	if (state->outer->chgParam == NULL)
		ExecReScan(state->outer);
	ExecClearTuple(state->outer_slot);
	MemoryContextReset(state->batch_context);
	state->nrows = 0;
	state->size = first_size(state);
	state->outer_done = state->in_batch = false;
	state->candidate = -1;
}

void
ch_explain_key_join(CustomScanState *node, List *ancestors, ExplainState *es)
{
	ChKeyJoinState *state = (ChKeyJoinState *) node;

	if (!es->analyze)
		return;
	ExplainPropertyInteger("Batches Sent", NULL, state->batches, es);
	ExplainPropertyInteger("Keys Sent", NULL, state->keys, es);
}
