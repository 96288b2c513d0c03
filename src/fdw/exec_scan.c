/* fdw/exec_scan.c — running a scan: batches in, tuples out.
 *
 * Nothing is opened before the first row is asked for, so EXPLAIN never connects.  Three lifetimes: the
 * plan's context holds the state, the batch has its own, a row's values live in the per-tuple context
 * the executor calls us in.  A scan that is still streaming when another statement needs the
 * connection reads the rest of its rows into a tuplestore, which spills to disk beyond work_mem.  An asynchronous scan
 * fetches only after it was found ready. */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "tcop/pquery.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "batch/batch.h"
#include "batch/slot.h"
#include "batch/typemap.h"
#include "catalog/cat_connector.h"
#include "common/compat.h"
#include "conn/conn.h"
#include "fdw/fdw.h"
#include "fdw/keyjoin.h"

/* Rows of the first batch, so that a plan which stops early costs little, and of the largest: drivers may hold
 * a row's memory until the batch is done, and much of it at once costs more than it saves. */
#define FIRST_CAPACITY	100
#define MAX_CAPACITY	512
#define BATCH_BYTES		(4 * 1024 * 1024)

typedef struct ChScanState
{
	/* From the plan. */
	List	   *plan;			/* fdw_private */
	int			ncolumns;
	Oid			user;			/* on whose behalf */
	List	   *param_states;	/* ExprState * */
	Bitmapset  *param_ids;		/* executor parameters they read */
	Oid		   *param_sources;	/* type of each expression */
	Datum	   *keys;			/* of a scan by keys, for the next run */
	int			nkeys;
	Oid			key_type;
	bool		is_divided;		/* the table is read in ranges of blocks */
	ChDivision *division;		/* among processes; NULL: it is read as one */
	bool		is_whole;		/* that one range was taken */
	int64		from_block;		/* the range being read */
	int64		until_block;
	MemoryContext context;		/* of the plan */
	MemoryContext param_context;	/* of the values now sent */
	ResourceOwner owner;		/* of the portal the scan belongs to */

	/* Streaming. */
	ChCursor   *cursor;			/* NULL: not running */
	ChSlotReader *reader;
	TupleDesc	desc;			/* of the rows */
	ConnhubBatch *batch;
	bool		is_busy;		/* a row is being read: the batch must stay as it is */
	uint32		row;			/* next row of the batch */
	bool		started;		/* the native query was run */
	bool		at_end;			/* the cursor has no more batches */
	bool		first_batch;	/* the batch held is the first of the run */

	/* Asynchronous. */
	AsyncRequest *request;		/* the Append's; NULL: not asynchronous, or not asked yet */
	bool		may_fetch;		/* a fetch would not wait */

	/* Set aside. */
	Tuplestorestate *store;		/* the rest of the rows, or NULL */
	bool		store_is_whole; /* from the first row on */
	bool		is_spilling;	/* and stays set when an error came between: rows are missing */
	TupleTableSlot *store_slot;

	/* Changing rows. */
	uint64		affected;		/* by the statement, once it has run */
	bool		is_counted;		/* the command knows of them */

	ChScanCounts counts;
} ChScanState;

static Node *
item(const ChScanState *scan, ChPlanItem which)
{
	return list_nth(scan->plan, which);
}

static void
release_cursor(void *arg)
{
	ChScanState	   *scan = arg;

	if (scan->cursor)
		ch_cursor_close(scan->cursor);
	scan->cursor = NULL;
}

static void
prepare_params(ChScanState *scan, ForeignScan *plan, ForeignScanState *node)
{
	ListCell   *cell;
	int			n = 0;

	scan->param_states = ExecInitExprList(plan->fdw_exprs, &node->ss.ps);
	scan->param_sources = palloc(sizeof(Oid) * Max(list_length(plan->fdw_exprs), 1));
	foreach(cell, plan->fdw_exprs)
	{
		scan->param_sources[n++] = exprType(lfirst(cell));
		scan->param_ids = bms_add_members(scan->param_ids, pull_paramids(lfirst(cell)));
	}
}

/* The owners of what is read must still be members of the tenant, though the plan may be an old one. */
static void
require_members(const ChScanState *scan, const ForeignScanState *node)
{
	const ChConnector *connector =
		ch_connector_get(DatumGetUUIDP(((Const *) item(scan, CH_PLAN_CONNECTOR))->constvalue), true);
	int			relid = -1;

	while (connector != NULL &&
		   (relid = bms_next_member(castNode(ForeignScan, node->ss.ps.plan)->fs_relids, relid)) >= 0)
	{
		const RangeTblEntry *entry = exec_rt_fetch(relid, node->ss.ps.state);

		if (entry->rtekind == RTE_RELATION)
			ch_connector_require_table(connector, entry->relid);
	}
}

void
ch_begin_foreign_scan(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = castNode(ForeignScan, node->ss.ps.plan);
	ChScanState *scan = palloc0(sizeof(ChScanState));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	Relation	relation = node->ss.ss_currentRelation;
	List	   *columns;
	AttrNumber *attnums;
	ListCell   *cell;
	int			n = 0;

	node->fdw_state = scan;
	scan->plan = plan->fdw_private;
	columns = (List *) item(scan, CH_PLAN_COLUMNS);
	scan->ncolumns = list_length(columns);
	scan->is_divided = plan->scan.plan.parallel_aware;
	scan->user = DatumGetObjectId(((Const *) item(scan, CH_PLAN_USER))->constvalue);
	if (!OidIsValid(scan->user))
		scan->user = GetUserId();
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;

	require_members(scan, node);
	scan->context = CurrentMemoryContext;
	scan->param_context = AllocSetContextCreate(scan->context, "connhub scan parameters", ALLOCSET_SMALL_SIZES);
	scan->owner = CurrentResourceOwner;
	prepare_params(scan, plan, node);

	attnums = palloc(sizeof(AttrNumber) * Max(scan->ncolumns, 1));
	foreach(cell, columns)
		attnums[n++] = lfirst_int(cell);
	scan->desc = node->ss.ss_ScanTupleSlot->tts_tupleDescriptor;
	scan->reader = ch_slot_reader_create(scan->desc, attnums, scan->ncolumns,
										 relation ? RelationGetRelationName(relation) : NULL);
	callback->func = release_cursor;
	callback->arg = scan;
	MemoryContextRegisterResetCallback(scan->context, callback);
}

/* ---- Running the native query ------------------------------------------------------------ */

/* A negative row count is the server's error to raise: sources differ in what they make of it. */
static void
check_row_count(const ChScanState *scan, int number, const ConnhubValue *value)
{
	if (value->is_null || value->v.integer >= 0)
		return;
	if (number == intVal(item(scan, CH_PLAN_LIMIT_PARAM)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_ROW_COUNT_IN_LIMIT_CLAUSE),
				 errmsg("LIMIT must not be negative")));
	if (number == intVal(item(scan, CH_PLAN_OFFSET_PARAM)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE),
				 errmsg("OFFSET must not be negative")));
}

/* The value of a bound, or of a key: all of them as an array, or one; beyond the last the last. */
static Datum
key_value(const ChScanState *scan, int number, Oid *type)
{
	int16		length;
	bool		by_value;
	char		align;

	*type = INT8OID;
	if (number < 0)
		return Int64GetDatum(number == CH_KEY_FROM ? scan->from_block : scan->until_block);
	*type = scan->key_type;
	if (number > 0)
		return scan->keys[Min(number, scan->nkeys) - 1];
	*type = get_array_type(scan->key_type);
	get_typlenbyvalalign(scan->key_type, &length, &by_value, &align);
	return PointerGetDatum(construct_array(scan->keys, scan->nkeys, scan->key_type, length, by_value, align));
}

static ConnhubValue *
compute_params(ChScanState *scan, ForeignScanState *node)
{
	List	   *types = (List *) item(scan, CH_PLAN_PARAM_TYPES);
	List	   *keys = (List *) item(scan, CH_PLAN_KEYS);
	ExprContext *econtext = node->ss.ps.ps_ExprContext;
	ConnhubValue *values;
	MemoryContext old;
	int			next = 0;

	MemoryContextReset(scan->param_context);
	old = MemoryContextSwitchTo(scan->param_context);
	values = palloc0(sizeof(ConnhubValue) * Max(list_length(types), 1));
	for (int n = 0; n < list_length(types); n++)
	{
		int			key = keys ? list_nth_int(keys, n) : CH_KEY_NONE;
		bool		isnull = false;
		Oid			type;
		Datum		value;

		if (key != CH_KEY_NONE)
			value = key_value(scan, key, &type);
		else
		{
			type = scan->param_sources[next];
			value = ExecEvalExpr((ExprState *) list_nth(scan->param_states, next++), econtext, &isnull);
		}
		if (!ch_typemap_value(value, isnull, type, &values[n]))
			ereport(ERROR,
					(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					 errmsg("value of parameter $%d is out of range for connector \"%s\"",
							n + 1, strVal(item(scan, CH_PLAN_CONNECTOR_NAME)))));
		ch_typemap_from_pg(list_nth_oid(types, n), -1, &values[n].type);
		check_row_count(scan, n, &values[n]);
	}
	MemoryContextSwitchTo(old);
	return values;
}

void
ch_scan_set_keys(ForeignScanState *node, Datum *keys, int count, Oid type)
{
	ChScanState *scan = node->fdw_state;

	scan->keys = keys;
	scan->nkeys = count;
	scan->key_type = type;
}

/* The connector, still as it was when the native query was rendered. */
static const ChConnector *
require_connector(ChScanState *scan)
{
	const pg_uuid_t *id = DatumGetUUIDP(((Const *) item(scan, CH_PLAN_CONNECTOR))->constvalue);
	const ChConnector *connector = ch_connector_get(id, false);

	ch_source_require_version(connector, item(scan, CH_PLAN_CONFIG_VERSION));
	return connector;
}

/* ---- A statement by itself --------------------------------------------------------------- */

/* Is the statement of this scan all that the client's own statement runs, each other node having one input? */
static bool
is_only_scan(const ForeignScanState *node)
{
	const PlannedStmt *statement = node->ss.ps.state->es_plannedstmt;
	const Plan *plan = statement->planTree;
	ListCell   *cell;

	if (statement->subplans != NIL)
		return false;
	for (; plan != node->ss.ps.plan; plan = plan->lefttree)
	{
		if (plan->lefttree == NULL || plan->righttree != NULL || IsA(plan, CustomScan) || IsA(plan, ForeignScan))
			return false;
	}

	/* A function of somebody's own may run queries, whatever its properties say. */
	foreach(cell, statement->invalItems)
	{
		if (lfirst_node(PlanInvalItem, cell)->cacheId == PROCOID)
			return false;
	}
	return true;
}

/* Will no other statement of the local transaction have to see the same data?  Then the remote one needs no
 * transaction, being its own snapshot.  The portal without a name runs what a client sends; portals of functions and
 * of EXECUTE have names. */
static bool
is_alone(const ChScanState *scan, const ForeignScanState *node)
{
	return intVal(item(scan, CH_PLAN_PLAIN)) != 0 && intVal(item(scan, CH_PLAN_WRITES)) == CH_PLAN_READS &&
		!IsTransactionBlock() && GetCurrentTransactionNestLevel() == 1 && !IsolationUsesXactSnapshot() &&
		ActivePortal != NULL && ActivePortal->name[0] == '\0' && ActivePortal->queryDesc != NULL &&
		ActivePortal->queryDesc->estate == node->ss.ps.state && is_only_scan(node);
}

static void spill(void *holder);

static void
start(ChScanState *scan, ForeignScanState *node)
{
	ConnhubQuery query = {.struct_size = sizeof(ConnhubQuery)};
	const ChConnector *connector;
	ChConn	   *conn;
	ConnhubValue *params = compute_params(scan, node);
	MemoryContext old = MemoryContextSwitchTo(scan->context);

	query.text = strVal(item(scan, CH_PLAN_QUERY));
	query.params = params;
	query.nparams = list_length((List *) item(scan, CH_PLAN_PARAM_TYPES));
	query.columns = ch_slot_reader_wanted(scan->reader);
	query.ncolumns = scan->ncolumns;
	query.writes = intVal(item(scan, CH_PLAN_WRITES)) > CH_PLAN_LOCKS;
	query.fetch_size = intVal(item(scan, CH_PLAN_FETCH_SIZE));
	query.few_rows = intVal(item(scan, CH_PLAN_FEW_ROWS)) != 0;
	query.alone = query.few_rows && is_alone(scan, node);
	if (scan->batch == NULL)
		scan->batch = ch_batch_create(scan->context, scan->ncolumns, FIRST_CAPACITY, BATCH_BYTES);

	connector = require_connector(scan);
	conn = ch_conn_acquire(connector, scan->user);
	if (intVal(item(scan, CH_PLAN_WRITES)) == CH_PLAN_LOCKS)
		ch_conn_lock(conn);
	scan->cursor = ch_cursor_open(conn, &query, spill, scan);
	scan->batch->nrows = 0;
	scan->row = 0;
	scan->started = true;
	scan->at_end = false;
	scan->first_batch = false;
	scan->counts.queries++;
	MemoryContextSwitchTo(old);
}

/* Has the connection a scan of the same Append that will be read on?  From the Append's wait, one that is neither
 * waiting nor to be asked again will not. */
static bool
is_queued(ChScanState *scan, bool is_wait)
{
	ChScanState *holder = ch_conn_holder(ch_conn_acquire(require_connector(scan), scan->user), spill);
	AsyncRequest *other = holder ? holder->request : NULL;

	if (other == NULL || other->requestor != scan->request->requestor)
		return false;
	return !is_wait || other->callback_pending ||
		bms_is_member(other->request_index, castNode(AppendState, other->requestor)->as_needrequest);
}

ChScanStand
ch_scan_look(ForeignScanState *node, AsyncRequest *request, bool is_wait, ConnhubWait *wait)
{
	ChScanState *scan = node->fdw_state;

	scan->request = request;
	if (scan->is_spilling)
		return CH_SCAN_READY;
	if (!scan->started)
	{
		if (is_queued(scan, is_wait))
			return CH_SCAN_QUEUED;
		start(scan, node);
	}
	if (scan->store || scan->at_end || scan->row < scan->batch->nrows)
		return CH_SCAN_READY;

	/* An Append waits for input alone. */
	scan->may_fetch = ch_cursor_ready(scan->cursor, wait) || wait->fd < 0 || (wait->events & CONNHUB_READABLE) == 0;
	return scan->may_fetch ? CH_SCAN_READY : CH_SCAN_WAITS;
}

bool
ch_scan_is_over(ForeignScanState *node)
{
	ChScanState *scan = node->fdw_state;

	return scan->store != NULL || (scan->at_end && scan->row >= scan->batch->nrows);
}

/* Get the next batch; false at the end. */
static bool
next_batch(ChScanState *scan)
{
	bool		is_first = scan->batch->nrows == 0 && !scan->first_batch && scan->row == 0;
	MemoryContext old;

	if (scan->at_end)
		return false;

	/* Only a full batch says that more room would be used. */
	if (scan->batch->nrows == scan->batch->capacity && scan->batch->capacity < MAX_CAPACITY)
	{
		int			capacity = Min(scan->batch->capacity * 4, MAX_CAPACITY);

		ch_batch_free(scan->batch);
		scan->batch = NULL;
		scan->batch = ch_batch_create(scan->context, scan->ncolumns, capacity, BATCH_BYTES);
	}
	ch_batch_reset(scan->batch, ch_slot_reader_wanted(scan->reader));
	scan->row = 0;
	scan->first_batch = false;
	if (!ch_cursor_fetch(scan->cursor, scan->batch))
	{
		scan->at_end = true;
		scan->batch->nrows = 0;
		scan->affected = ch_cursor_affected(scan->cursor);
		release_cursor(scan);
		return false;
	}
	ch_batch_validate(scan->batch, ch_slot_reader_wanted(scan->reader));
	old = MemoryContextSwitchTo(scan->context);
	ch_slot_reader_begin(scan->reader, scan->batch);
	MemoryContextSwitchTo(old);
	scan->first_batch = is_first;
	scan->counts.batches++;
	scan->counts.rows += scan->batch->nrows;
	return true;
}

/* The next batch, unless an asynchronous scan would have to wait for it. */
static bool
refill(ChScanState *scan, ForeignScanState *node)
{
	if (node->ss.ps.async_capable && !scan->may_fetch)
		return false;
	scan->may_fetch = false;
	return next_batch(scan);
}

/* The next row of the batch, its values in the current memory context. */
static void
read_row(ChScanState *scan, TupleTableSlot *slot)
{
	scan->is_busy = true;
	ch_slot_reader_store(scan->reader, scan->row++, slot);
	scan->is_busy = false;
}

/* ---- Ranges of blocks -------------------------------------------------------------------- */

void
ch_scan_divide(ForeignScanState *node, ChDivision *division)
{
	((ChScanState *) node->fdw_state)->division = division;
}

double
ch_scan_blocks(ForeignScanState *node)
{
	return floatVal(item(node->fdw_state, CH_PLAN_BLOCKS));
}

ChConn *
ch_scan_conn(ForeignScanState *node)
{
	ChScanState *scan = node->fdw_state;

	return ch_conn_acquire(require_connector(scan), scan->user);
}

ChConn *
ch_scan_conn_now(ForeignScanState *node)
{
	ChScanState *scan = node->fdw_state;

	return ch_conn_acquire_now(require_connector(scan), scan->user);
}

void
ch_scan_touch(ForeignScanState *node)
{
	ChScanState *scan = node->fdw_state;

	scan->from_block = scan->until_block = 1;
	start(scan, node);
	while (next_batch(scan))
		continue;
	scan->started = false;
}

/* Is there something for this process to read? */
static bool
take_range(ChScanState *scan, ForeignScanState *node)
{
	if (!scan->is_divided)
		return true;
	if (scan->division)
		return ch_division_take(scan->division, node, &scan->from_block, &scan->until_block);
	if (scan->is_whole)
		return false;
	scan->is_whole = true;
	scan->from_block = 0;
	scan->until_block = CONNHUB_LAST_BLOCK;
	return true;
}

/* ---- Setting rows aside ------------------------------------------------------------------ */

void
ch_scan_refuse_spill(void *connector_name)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 errmsg("connector \"%s\" is needed while a row of it is being read", (const char *) connector_name),
			 errdetail("The check of a domain runs a query over the same connection.")));
}

/* Another statement needs the connection: read what remains into a tuplestore. */
static void
spill(void *holder)
{
	ChScanState	   *scan = holder;
	MemoryContext old = MemoryContextSwitchTo(scan->context);
	ResourceOwner owner = CurrentResourceOwner;
	TupleTableSlot *slot;
	MemoryContext row_context;

	if (scan->is_busy)
		ch_scan_refuse_spill(strVal(item(scan, CH_PLAN_CONNECTOR_NAME)));
	CurrentResourceOwner = scan->owner;
	scan->is_spilling = true;
	scan->store_is_whole = (scan->first_batch || scan->counts.batches == 0) && scan->row == 0;
	scan->store = tuplestore_begin_heap(false, false, work_mem);
	slot = MakeSingleTupleTableSlot(scan->desc, &TTSOpsVirtual);
	row_context = AllocSetContextCreate(scan->context, "connhub spilled row", ALLOCSET_DEFAULT_SIZES);
	do
	{
		while (scan->row < scan->batch->nrows)
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextReset(row_context);
			MemoryContextSwitchTo(row_context);
			read_row(scan, slot);
			MemoryContextSwitchTo(scan->context);
			tuplestore_puttupleslot(scan->store, slot);
			scan->counts.spilled++;
		}
	} while (next_batch(scan));
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(row_context);
	if (scan->store_slot == NULL)
		scan->store_slot = MakeSingleTupleTableSlot(scan->desc, &TTSOpsMinimalTuple);
	scan->is_spilling = false;
	CurrentResourceOwner = owner;
	MemoryContextSwitchTo(old);
}

static void
forget_store(ChScanState *scan)
{
	if (scan->store == NULL)
		return;
	if (scan->store_slot)
		ExecClearTuple(scan->store_slot);
	tuplestore_end(scan->store);
	scan->store = NULL;
}

/* The next row set aside, its values pointing into store_slot. */
static bool
next_stored(ChScanState *scan, TupleTableSlot *slot)
{
	int			natts = slot->tts_tupleDescriptor->natts;
	MemoryContext old = MemoryContextSwitchTo(scan->context);
	bool		found = tuplestore_gettupleslot(scan->store, true, false, scan->store_slot);

	/* A tuple read back from disk belongs to store_slot, which outlives the row. */
	MemoryContextSwitchTo(old);
	if (!found)
		return false;
	slot_getallattrs(scan->store_slot);
	memcpy(slot->tts_values, scan->store_slot->tts_values, sizeof(Datum) * natts);
	memcpy(slot->tts_isnull, scan->store_slot->tts_isnull, sizeof(bool) * natts);
	ExecStoreVirtualTuple(slot);
	return true;
}

/* ---- Callbacks --------------------------------------------------------------------------- */

/* xmin and its like say, as in any foreign table, that there is nothing to say. */
static void
add_system_columns(TupleTableSlot *slot)
{
	HeapTuple	tuple;

	ExecMaterializeSlot(slot);
	tuple = ExecFetchSlotHeapTuple(slot, false, NULL);
	HeapTupleHeaderSetXmin(tuple->t_data, InvalidTransactionId);
	HeapTupleHeaderSetXmax(tuple->t_data, InvalidTransactionId);
	HeapTupleHeaderSetCmin(tuple->t_data, InvalidTransactionId);
}

/* The next row of the query that runs; false: none is left, or none is there yet. */
static bool
next_row(ChScanState *scan, ForeignScanState *node, TupleTableSlot *slot)
{
	if (scan->store)
		return next_stored(scan, slot);
	if (scan->row >= scan->batch->nrows && !refill(scan, node))
		return false;
	read_row(scan, slot);
	return true;
}

/* Begin where nothing runs.  False: there is nothing to read. */
static bool
begin_run(ChScanState *scan, ForeignScanState *node)
{
	if (scan->started)
		return true;
	if (!take_range(scan, node))
		return false;
	start(scan, node);
	return true;
}

TupleTableSlot *
ch_iterate_foreign_scan(ForeignScanState *node)
{
	ChScanState	   *scan = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	ExecClearTuple(slot);
	if (scan->is_spilling)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CURSOR_STATE),
				 errmsg("rows of connector \"%s\" were lost when another statement needed its connection",
						strVal(item(scan, CH_PLAN_CONNECTOR_NAME))),
				 errdetail("They could not be set aside, and the error that said so was caught."),
				 errhint("Run the query again.")));
	if (!begin_run(scan, node))
		return slot;
	while (!next_row(scan, node, slot))
	{
		if (!scan->is_divided)
			return slot;
		forget_store(scan);
		scan->started = false;
		if (!begin_run(scan, node))
			return slot;
	}

	if (node->ss.ss_currentRelation)
		slot->tts_tableOid = RelationGetRelid(node->ss.ss_currentRelation);
	if (intVal(item(scan, CH_PLAN_SYSTEM_COLUMNS)) != 0)
		add_system_columns(slot);
	return slot;
}

/* The changed rows that RETURNING asks for no column of: as many as there are, without a value. */
static TupleTableSlot *
next_blank(ChScanState *scan, TupleTableSlot *slot)
{
	ExecClearTuple(slot);
	if (scan->affected == 0)
		return slot;
	scan->affected--;
	return ExecStoreAllNullTuple(slot);
}

TupleTableSlot *
ch_iterate_direct_modify(ForeignScanState *node)
{
	ChScanState *scan = node->fdw_state;
	EState	   *estate = node->ss.ps.state;
	ProjectionInfo *returning = node->resultRelInfo->ri_projectReturning;
	bool		counts = intVal(item(scan, CH_PLAN_WRITES)) == CH_PLAN_COUNTS;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	if (scan->ncolumns > 0)
	{
		slot = ch_iterate_foreign_scan(node);
		if (!TupIsNull(slot) && counts)
			estate->es_processed++;
	}
	else
	{
		if (!scan->is_counted)
		{
			slot = ch_iterate_foreign_scan(node);
			if (counts)
				estate->es_processed += scan->affected;
			if (returning == NULL && node->ss.ps.instrument)
				node->ss.ps.instrument->tuplecount += scan->affected;
			scan->is_counted = true;
		}
		if (returning != NULL)
			slot = next_blank(scan, slot);
	}
	if (returning != NULL && !TupIsNull(slot))
	{
		slot->tts_tableOid = RelationGetRelid(node->ss.ss_currentRelation);
		returning->pi_exprContext->ecxt_scantuple = slot;
	}
	return slot;
}

void
ch_rescan_foreign_scan(ForeignScanState *node)
{
	ChScanState	   *scan = node->fdw_state;

	scan->is_whole = false;
	if (!scan->started)
		return;
	ExecClearTuple(node->ss.ss_ScanTupleSlot);

	/* The same rows again: from where they still are, if they all are. */
	if (!scan->is_spilling && scan->keys == NULL && !scan->is_divided && !bms_overlap(node->ss.ps.chgParam, scan->param_ids))
	{
		if (scan->store && scan->store_is_whole)
		{
			tuplestore_rescan(scan->store);
			return;
		}
		if (scan->store == NULL && scan->first_batch)
		{
			scan->row = 0;
			return;
		}
		if (scan->store == NULL && !scan->at_end && scan->batch->nrows == 0)
			return;
	}
	release_cursor(scan);
	forget_store(scan);
	scan->is_spilling = false;
	scan->is_busy = false;
	scan->may_fetch = false;
	scan->started = false;
}

void
ch_end_foreign_scan(ForeignScanState *node)
{
	ChScanState	   *scan = node->fdw_state;

	if (scan == NULL)
		return;
	release_cursor(scan);
	forget_store(scan);
	if (scan->store_slot)
		ExecDropSingleTupleTableSlot(scan->store_slot);
	scan->store_slot = NULL;
}

void
ch_scan_counts(ForeignScanState *node, ChScanCounts *counts)
{
	*counts = ((ChScanState *) node->fdw_state)->counts;
}
