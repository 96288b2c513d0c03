/* fdw/exec_modify.c — rows on their way to the source.
 *
 * Rows are turned into values, gathered while they have the same columns, and written together.  A column
 * that the statement does not name is sent only where it has a value all the same, from a default or a
 * trigger here: so rows of one statement may differ in their columns, and each set of columns is a statement
 * of its own at the source.  COPY hands rows over one by one; they are held back until a batch is full, unless
 * somebody here looks at what was written.
 *
 * Where nobody does, the rows of a batch may still be on their way when the next one is made; the end of the
 * statement waits for their answer. */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "batch/batch.h"
#include "batch/slot.h"
#include "batch/typemap.h"
#include "catalog/cat_connector.h"
#include "common/compat.h"
#include "conn/conn.h"
#include "fdw/fdw.h"
#include "fdw/modify.h"

/* Values held back beyond this are written at once. */
#define BATCH_BYTES		(4 * 1024 * 1024)

/* One set of columns, and its statement. */
typedef struct ChVariant
{
	Bitmapset  *columns;		/* attribute numbers */
	List	   *attnums;		/* the same in order */
	ConnhubWrite *write;
	char	   *statement;
	ChConn	   *conn;			/* over which its rows may be in flight */
} ChVariant;

typedef struct ChModifyState
{
	ChRelInfo  *info;
	Relation	relation;
	Oid			user;			/* on whose behalf */
	ChWriteParts parts;			/* columns: always sent */
	Bitmapset  *optional;		/* attribute numbers: sent when not null */
	List	   *key_attnums;	/* of the plan's output */
	ChValueMaker *makers;		/* by attribute number - 1; base 0: not yet looked up */
	List	   *variants;		/* ChVariant * */
	int			batch_size;
	MemoryContext context;		/* of the state */

	/* Rows not yet written. */
	MemoryContext row_context;
	ChVariant  *variant;		/* of all of them */
	ConnhubValue *values;
	int			nrows;
	int			capacity;		/* rows that values has room for */
	bool		is_deferred;	/* they outlive the call that brings them */
	bool		is_batched;		/* nobody here looks at them once they are handed over */

	/* Rows given back. */
	ChSlotReader *reader;
	ConnhubBatch *batch;

	struct ChModifyState *moved_in; /* for rows that an UPDATE moves into this partition */
} ChModifyState;

/* ---- Beginning --------------------------------------------------------------------------- */

static ChModifyState *
state_create(ResultRelInfo *rinfo, EState *estate, const ChWriteParts *parts)
{
	ChModifyState *state = palloc0(sizeof(ChModifyState));
	int			n = 0;
	ListCell   *cell;

	state->relation = rinfo->ri_RelationDesc;
	state->info = ch_relinfo_make(NULL, 0, RelationGetRelid(state->relation));
	state->user = ch_compat_modify_user(rinfo, estate);
	state->parts = *parts;
	state->batch_size = 1;
	state->makers = palloc0(sizeof(ChValueMaker) * Max(RelationGetDescr(state->relation)->natts, 1));
	state->context = CurrentMemoryContext;
	state->row_context = AllocSetContextCreate(CurrentMemoryContext, "connhub rows to write", ALLOCSET_DEFAULT_SIZES);
	if (parts->returning != NIL)
	{
		AttrNumber *attnums = palloc(sizeof(AttrNumber) * list_length(parts->returning));

		foreach(cell, parts->returning)
			attnums[n++] = lfirst_int(cell);
		state->reader = ch_slot_reader_create(RelationGetDescr(state->relation), attnums, n,
											  RelationGetRelationName(state->relation));
		state->batch = ch_batch_create(CurrentMemoryContext, n, 1, BATCH_BYTES);
	}
	return state;
}

/* Columns beyond those always sent may get a value here. */
static void
add_optional(ChModifyState *state)
{
	ListCell   *cell;

	foreach(cell, ch_modify_columns(state->info, state->relation, true))
	{
		if (!list_member_int(state->parts.columns, lfirst_int(cell)))
			state->optional = bms_add_member(state->optional, lfirst_int(cell));
	}
}

/* May rows be written some time after they were handed over? */
static bool
may_batch(ResultRelInfo *rinfo)
{
	TriggerDesc *triggers = rinfo->ri_TrigDesc;

	return rinfo->ri_returningList == NIL && rinfo->ri_projectReturning == NULL && rinfo->ri_WithCheckOptions == NIL &&
		!(triggers && (triggers->trig_insert_before_row || triggers->trig_insert_after_row));
}

void
ch_begin_foreign_modify(ModifyTableState *mtstate, ResultRelInfo *rinfo, List *private, int subplan_index, int eflags)
{
	ChWriteParts parts = {.columns = list_nth(private, CH_MODIFY_COLUMNS)};
	List	   *targets;
	ChModifyState *state;
	ListCell   *cell;

	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;
	parts.kind = mtstate->operation == CMD_INSERT ? CONNHUB_INSERT :
		mtstate->operation == CMD_UPDATE ? CONNHUB_UPDATE : CONNHUB_DELETE;
	parts.keys = list_nth(private, CH_MODIFY_KEYS);
	parts.returning = list_nth(private, CH_MODIFY_RETURNING);
	parts.skip_conflicts = intVal(list_nth(private, CH_MODIFY_SKIP)) != 0;
	state = state_create(rinfo, mtstate->ps.state, &parts);
	ch_source_require_version(state->info->at->connector, list_nth(private, CH_MODIFY_CONFIG_VERSION));
	if (parts.kind == CONNHUB_INSERT)
	{
		add_optional(state);
		state->batch_size = ch_modify_batch_size(state->relation);
	}
	targets = outerPlanState(mtstate)->plan->targetlist;
	foreach(cell, parts.keys)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(state->relation), lfirst_int(cell) - 1);
		AttrNumber	found = ExecFindJunkAttributeInTlist(targets, ch_modify_key_name(attribute));

		if (!AttributeNumberIsValid(found))
			elog(ERROR, "could not find the key column \"%s\"", NameStr(attribute->attname));
		state->key_attnums = lappend_int(state->key_attnums, found);
	}
	rinfo->ri_FdwState = state;
}

/* Columns that an INSERT or COPY through a parent, or COPY alone, names; all of a row that an UPDATE moves. */
static List *
routed_columns(ModifyTableState *mtstate, ResultRelInfo *rinfo, ChRelInfo *info)
{
	List	   *columns = ch_modify_columns(info, rinfo->ri_RelationDesc, mtstate->operation != CMD_UPDATE);
	Bitmapset  *named;
	List	   *attnums = NIL;
	ListCell   *cell;

	if (mtstate->operation == CMD_UPDATE)
		return columns;
	named = ExecGetInsertedCols(rinfo, mtstate->ps.state);
	foreach(cell, columns)
	{
		if (bms_is_member(lfirst_int(cell) - FirstLowInvalidHeapAttributeNumber, named))
			attnums = lappend_int(attnums, lfirst_int(cell));
	}
	return attnums;
}

/* COPY runs triggers of the statement before it ends the last batch. */
static bool
sees_statement(ResultRelInfo *rinfo)
{
	ResultRelInfo *named = rinfo->ri_RootResultRelInfo ? rinfo->ri_RootResultRelInfo : rinfo;

	return named->ri_TrigDesc && named->ri_TrigDesc->trig_insert_after_statement;
}

/* The executor adjusts RETURNING of a partition to its columns, under the number of the first target. */
void
ch_begin_foreign_insert(ModifyTableState *mtstate, ResultRelInfo *rinfo)
{
	ChRelInfo  *info = ch_relinfo_make(NULL, 0, RelationGetRelid(rinfo->ri_RelationDesc));
	ModifyTable *plan = (ModifyTable *) mtstate->ps.plan;
	Index		varno = mtstate->resultRelInfo[0].ri_RangeTableIndex;
	ChWriteParts parts = {.kind = CONNHUB_INSERT};
	ChModifyState *state;
	bool		is_asked;
	bool		is_whole;

	if (plan && plan->onConflictAction == ONCONFLICT_UPDATE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("ON CONFLICT DO UPDATE is not supported on foreign table \"%s\"", info->name)));
	parts.skip_conflicts = plan && plan->onConflictAction == ONCONFLICT_NOTHING;
	parts.columns = routed_columns(mtstate, rinfo, info);
	parts.returning = ch_modify_returning(info, CONNHUB_INSERT, rinfo->ri_RelationDesc, varno, rinfo->ri_returningList,
										  rinfo->ri_WithCheckOptions, &is_asked);
	is_whole = list_difference_int(ch_modify_columns(info, rinfo->ri_RelationDesc, true), parts.columns) == NIL;
	ch_modify_settle_returning(info, &parts, is_asked, is_whole);
	ch_modify_require(info, ch_modify_write(info, &parts));

	state = state_create(rinfo, mtstate->ps.state, &parts);
	add_optional(state);
	if (may_batch(rinfo) && mtstate->operation != CMD_UPDATE)
		state->batch_size = ch_modify_batch_size(state->relation);
	state->is_deferred = plan == NULL && state->batch_size > 1 && !sees_statement(rinfo);
	if (rinfo->ri_FdwState)
		((ChModifyState *) rinfo->ri_FdwState)->moved_in = state;
	else
		rinfo->ri_FdwState = state;
}

/* Before anything began, as in EXPLAIN, the option tells. */
int
ch_get_foreign_modify_batch_size(ResultRelInfo *rinfo)
{
	ChModifyState *state = rinfo->ri_FdwState;

	if (!may_batch(rinfo))
		return 1;
	return state ? state->batch_size : ch_modify_batch_size(rinfo->ri_RelationDesc);
}

/* ---- Values ------------------------------------------------------------------------------ */

static ChVariant *
variant_make(ChModifyState *state, Bitmapset *columns)
{
	MemoryContext old = MemoryContextSwitchTo(state->context);
	ChVariant  *variant = palloc0(sizeof(ChVariant));
	ChWriteParts parts = state->parts;
	int			attnum = -1;

	variant->columns = bms_copy(columns);
	while ((attnum = bms_next_member(columns, attnum)) >= 0)
		variant->attnums = lappend_int(variant->attnums, attnum);
	parts.columns = variant->attnums;
	variant->write = ch_modify_write(state->info, &parts);
	ch_modify_require(state->info, variant->write);
	variant->statement = ch_modify_render(state->info, variant->write);
	state->variants = lappend(state->variants, variant);
	MemoryContextSwitchTo(old);
	return variant;
}

/* The statement for the columns of this row. */
static ChVariant *
variant_for(ChModifyState *state, TupleTableSlot *slot)
{
	Bitmapset  *columns = NULL;
	ListCell   *cell;
	int			attnum = -1;

	/* The usual case without a look at the columns. */
	if (state->optional == NULL && state->variants != NIL)
		return linitial(state->variants);
	foreach(cell, state->parts.columns)
		columns = bms_add_member(columns, lfirst_int(cell));
	while ((attnum = bms_next_member(state->optional, attnum)) >= 0)
	{
		if (!slot_attisnull(slot, attnum))
			columns = bms_add_member(columns, attnum);
	}
	foreach(cell, state->variants)
	{
		ChVariant  *variant = lfirst(cell);

		if (bms_equal(variant->columns, columns))
		{
			bms_free(columns);
			return variant;
		}
	}
	return variant_make(state, columns);
}

static void
value_make(ChModifyState *state, int attnum, Datum datum, bool isnull, ConnhubValue *value)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(state->relation), attnum - 1);
	ChValueMaker *maker = &state->makers[attnum - 1];

	if (!OidIsValid(maker->base))
	{
		MemoryContext old = MemoryContextSwitchTo(state->context);

		ch_typemap_maker(attribute->atttypid, maker);
		MemoryContextSwitchTo(old);
	}
	if (!ch_typemap_make(maker, datum, isnull, value))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("value of column \"%s\" is out of range for connector \"%s\"",
						NameStr(attribute->attname), state->info->at->connector->name)));
}

static bool
is_slice(const ConnhubValue *value)
{
	switch (value->type.type)
	{
		case CONNHUB_DECIMAL:
		case CONNHUB_TIMETZ:
		case CONNHUB_UUID:
		case CONNHUB_TEXT:
		case CONNHUB_BPCHAR:
		case CONNHUB_BYTES:
		case CONNHUB_JSON:
		case CONNHUB_NATIVE:
			return !value->is_null;
		default:
			return false;
	}
}

/* Values may point into a row that is gone when they are written. */
static void
value_keep(ConnhubValue *value)
{
	char	   *copy;

	if (!is_slice(value) || value->v.slice.length == 0)
		return;
	copy = palloc(value->v.slice.length);
	memcpy(copy, value->v.slice.data, value->v.slice.length);
	value->v.slice.data = copy;
}

/* Add a row to those to be written together; they have the columns of state->variant. */
static void
row_add(ChModifyState *state, TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	int			width = list_length(state->variant->attnums) + list_length(state->parts.keys);
	MemoryContext old = MemoryContextSwitchTo(state->row_context);
	ConnhubValue *value;
	ListCell   *cell;
	ListCell   *key_cell;
	bool		isnull;
	Datum		datum;

	if (state->nrows == state->capacity)
	{
		state->capacity = state->capacity == 0 ? Min(state->batch_size, 64) : state->capacity * 2;
		if (state->values == NULL)
			state->values = palloc(sizeof(ConnhubValue) * (Size) Max(width, 1) * state->capacity);
		else
			state->values = repalloc_huge(state->values, sizeof(ConnhubValue) * (Size) Max(width, 1) * state->capacity);
	}
	value = state->values + (Size) state->nrows * width;
	foreach(cell, state->variant->attnums)
	{
		datum = slot_getattr(slot, lfirst_int(cell), &isnull);
		value_make(state, lfirst_int(cell), datum, isnull, value);
		if (state->is_deferred)
			value_keep(value);
		value++;
	}
	forboth(cell, state->parts.keys, key_cell, state->key_attnums)
	{
		datum = slot_getattr(plan_slot, lfirst_int(key_cell), &isnull);
		if (isnull)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("the key of a row of foreign table \"%s\" is null", state->info->name),
					 errhint("Choose columns that are never null with the column option \"key\".")));
		value_make(state, lfirst_int(cell), datum, isnull, value++);
	}
	state->nrows++;
	MemoryContextSwitchTo(old);
}

/* ---- Writing ----------------------------------------------------------------------------- */

static void pg_attribute_noreturn()
raise_ambiguous(ChModifyState *state, uint64 count)
{
	ereport(ERROR,
			(errcode(ERRCODE_CARDINALITY_VIOLATION),
			 errmsg("the key of foreign table \"%s\" is not unique at the source", state->info->name),
			 errdetail("A write meant for one row changed " UINT64_FORMAT " there.", count),
			 errhint("Choose columns that tell every row apart with the column option \"key\".")));
}

static void
forget_rows(ChModifyState *state)
{
	state->nrows = 0;
	state->capacity = 0;
	state->values = NULL;
	MemoryContextReset(state->row_context);
}

/* Read the one row that was given back, if any, into slot; returns how many there were. */
static uint64
receive_row(ChModifyState *state, ChCursor *cursor, TupleTableSlot *slot, EState *estate)
{
	uint64		received = 0;
	MemoryContext old;

	for (;;)
	{
		ch_batch_reset(state->batch, ch_slot_reader_wanted(state->reader));
		if (!ch_cursor_fetch(cursor, state->batch))
			return received;
		ch_batch_validate(state->batch, ch_slot_reader_wanted(state->reader));
		received += state->batch->nrows;
		if (received > 1)
			raise_ambiguous(state, received);
		old = MemoryContextSwitchTo(state->context);
		ch_slot_reader_begin(state->reader, state->batch);
		MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));
		ch_slot_reader_store(state->reader, 0, slot);
		MemoryContextSwitchTo(old);
	}
}

/* The same, whatever happens ending the cursor. */
static uint64
receive_and_close(ChModifyState *state, ChCursor *cursor, TupleTableSlot *slot, EState *estate)
{
	volatile uint64 received = 0;

	PG_TRY();
	{
		received = receive_row(state, cursor, slot, estate);
	}
	PG_CATCH();
	{
		ch_cursor_close(cursor);
		PG_RE_THROW();
	}
	PG_END_TRY();
	ch_cursor_close(cursor);
	return received;
}

/* Write the rows gathered; returns how many were.  slot: for the row given back. */
static uint64
rows_write(ChModifyState *state, TupleTableSlot *slot, EState *estate)
{
	ChVariant  *variant = state->variant;
	ConnhubRows rows = {.struct_size = sizeof(ConnhubRows),.values = state->values};
	ChCursor   *cursor;
	uint64		affected;

	if (state->nrows == 0)
		return 0;
	rows.nrows = state->nrows;
	rows.ncolumns = list_length(variant->attnums) + list_length(state->parts.keys);
	rows.more = state->is_batched && state->parts.returning == NIL && !state->parts.skip_conflicts;
	variant->conn = ch_conn_acquire(state->info->at->connector, state->user);
	cursor = ch_conn_write(variant->conn, variant->write, variant->statement, &rows, &affected);

	/* What is given back is what was written; a driver need not know the number before. */
	if (cursor != NULL)
		affected = receive_and_close(state, cursor, slot, estate);
	forget_rows(state);
	return affected;
}

/* Hold a row back until the batch is full. */
static void
row_defer(ChModifyState *state, TupleTableSlot *slot)
{
	ChVariant  *variant = variant_for(state, slot);

	state->is_batched = true;
	if (state->nrows > 0 && (variant != state->variant || state->nrows >= state->batch_size ||
							 MemoryContextMemAllocated(state->row_context, false) > BATCH_BYTES))
		rows_write(state, NULL, NULL);
	state->variant = variant;
	row_add(state, slot, NULL);
}

/* A row that a partition must not hold would not be found through its parent; the server leaves the check of foreign
 * tables to us. */
static void
require_partition(ResultRelInfo *rinfo, TupleTableSlot *slot, EState *estate)
{
	if (rinfo->ri_RelationDesc->rd_rel->relispartition)
		ExecPartitionCheck(rinfo, slot, estate, true);
}

TupleTableSlot *
ch_exec_foreign_insert(EState *estate, ResultRelInfo *rinfo, TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	ChModifyState *state = rinfo->ri_FdwState;

	require_partition(rinfo, slot, estate);
	if (state->moved_in)
		state = state->moved_in;
	if (state->is_deferred)
	{
		row_defer(state, slot);
		return slot;
	}
	forget_rows(state);
	state->variant = variant_for(state, slot);
	row_add(state, slot, NULL);
	return rows_write(state, slot, estate) > 0 ? slot : NULL;
}

TupleTableSlot **
ch_exec_foreign_batch_insert(EState *estate, ResultRelInfo *rinfo, TupleTableSlot **slots,
							 TupleTableSlot **plan_slots, int *nslots)
{
	ChModifyState *state = rinfo->ri_FdwState;
	uint64		written = 0;

	state->is_batched = true;
	forget_rows(state);
	for (int i = 0; i < *nslots; i++)
	{
		ChVariant  *variant = variant_for(state, slots[i]);

		require_partition(rinfo, slots[i], estate);
		if (variant != state->variant)
			written += rows_write(state, NULL, estate);
		state->variant = variant;
		row_add(state, slots[i], NULL);
	}
	written += rows_write(state, NULL, estate);
	*nslots = (int) written;
	return written > 0 ? slots : NULL;
}

/* Change the one row of the key in plan_slot; false when the source has it no more. */
static bool
write_keyed(ChModifyState *state, EState *estate, TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	uint64		affected;

	forget_rows(state);
	state->variant = variant_for(state, slot);
	row_add(state, slot, plan_slot);
	affected = rows_write(state, slot, estate);
	if (affected > 1)
		raise_ambiguous(state, affected);
	return affected == 1;
}

TupleTableSlot *
ch_exec_foreign_update(EState *estate, ResultRelInfo *rinfo, TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	require_partition(rinfo, slot, estate);
	return write_keyed(rinfo->ri_FdwState, estate, slot, plan_slot) ? slot : NULL;
}

TupleTableSlot *
ch_exec_foreign_delete(EState *estate, ResultRelInfo *rinfo, TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	return write_keyed(rinfo->ri_FdwState, estate, slot, plan_slot) ? slot : NULL;
}

/* ---- Ending ------------------------------------------------------------------------------ */

/* What fails here still fails the statement: it is called for one that has come to its end only. */
void
ch_end_foreign_modify(EState *estate, ResultRelInfo *rinfo)
{
	ChModifyState *state = rinfo->ri_FdwState;
	ListCell   *cell;

	if (state == NULL)
		return;
	foreach(cell, state->variants)
	{
		const ChVariant *variant = lfirst(cell);

		if (variant->conn != NULL)
			ch_conn_write_end(variant->conn, variant->write);
	}
	if (state->batch)
		ch_batch_free(state->batch);
	MemoryContextDelete(state->row_context);
	rinfo->ri_FdwState = NULL;
}

void
ch_end_foreign_insert(EState *estate, ResultRelInfo *rinfo)
{
	ChModifyState *state = rinfo->ri_FdwState;
	ChModifyState *moved_in;

	if (state == NULL)
		return;
	moved_in = state->moved_in;
	if (moved_in)
	{
		state->moved_in = NULL;
		rinfo->ri_FdwState = moved_in;
		ch_end_foreign_modify(estate, rinfo);
		rinfo->ri_FdwState = state;
		return;
	}
	rows_write(state, NULL, estate);
	ch_end_foreign_modify(estate, rinfo);
}

/* ---- TRUNCATE ---------------------------------------------------------------------------- */

void
ch_exec_foreign_truncate(List *relations, DropBehavior behavior, bool restart_identity)
{
	ChWriteParts parts = {
		.kind = CONNHUB_TRUNCATE,.cascade = behavior == DROP_CASCADE,.restart_identity = restart_identity
	};
	ConnhubRows none = {.struct_size = sizeof(ConnhubRows)};
	List	   *infos = NIL;
	List	   *writes = NIL;
	ListCell   *cell;
	ListCell   *other;

	foreach(cell, relations)
	{
		ChRelInfo  *info = ch_relinfo_make(NULL, 0, RelationGetRelid((Relation) lfirst(cell)));
		ConnhubWrite *write = ch_modify_write(info, &parts);

		ch_modify_require(info, write);
		infos = lappend(infos, info);
		writes = lappend(writes, write);
	}
	forboth(cell, infos, other, writes)
	{
		ChRelInfo  *info = lfirst(cell);
		ConnhubWrite *write = lfirst(other);
		uint64		affected;

		ch_conn_write(ch_conn_acquire(info->at->connector, GetUserId()), write, ch_modify_render(info, write), &none,
					  &affected);
	}
}
