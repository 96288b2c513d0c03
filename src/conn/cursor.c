/* conn/cursor.c — native queries and their rows.
 *
 * Two lives meet here: the holder's ChCursor, which ends when its holder closes it, even after the
 * transaction; and the source's cursor, which ends at the latest with the (sub)transaction.  While both
 * last, the cursor stands in its connection's list of streams.  A cursor whose connection is NULL has
 * been ended from the other side. */
#include "postgres.h"

#include "access/xact.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "batch/batch.h"
#include "common/clock.h"
#include "common/error.h"
#include "conn/cursor.h"
#include "conn/flow.h"
#include "conn/pool.h"
#include "conn/xact.h"
#include "driver/host.h"

struct ChCursor
{
	dlist_node	node;			/* in streams, while conn is not NULL */
	ChConn	   *conn;
	ConnhubCursor *handle;
	char	   *statement;
	ChSpill		spill;
	void	   *holder;
	bool		is_given_up;	/* closed by its holder while it could not be ended */
	SubTransactionId subxact;
	int64		timeout_ms;		/* of the whole query; 0: none */
	bool		is_capped;		/* it is what a ceiling on the statement leaves */
	int64		spent_us;		/* waiting for the source */
	int64		asked_us;		/* when the source was last found not ready; 0: it was, or was not asked */
	ConnhubQuery query;			/* while it may be sent again */
	bool		writes;
	bool		may_repeat;		/* nothing else was sent in this transaction, and nothing has come back */
	bool		is_answered;	/* something has come back */
	int			attempts;		/* after the first */
	uint64		affected;		/* rows written, once known */
};

static MemoryContext cursor_context = NULL;

static bool may_run_alone(const ChConn *conn);
static void execute(ChCursor *cursor);
static bool send_again(ChCursor *cursor, ConnhubStatus status, const ConnhubError *error);
static void set_timeout(ChCursor *cursor);
static void spend(ChCursor *cursor, int64 since_us);
static void raise_failure(ChCursor *cursor, const ChCall *call, const ConnhubError *error) pg_attribute_noreturn();
static ChCursor *cursor_create(const char *statement);
static void count_rows(ChCursor *cursor, const ConnhubBatch *batch);
static void note_affected(ChCursor *cursor);
static ConnhubStatus fetch(ChCursor *cursor, ConnhubBatch *batch, ChCall *call, ConnhubError *error);
static void stream_end(ChCursor *cursor, bool is_cleanup);
static void stream_link(ChCursor *cursor, ChConn *conn);
static void stream_unlink(ChCursor *cursor);
static void cursor_free(ChCursor *cursor);
static void call_for(ChCursor *cursor, ChCall *call);

ChCursor *
ch_cursor_open(ChConn *conn, const ConnhubQuery *query, ChSpill spill, void *holder)
{
	ChCursor   *cursor;
	bool		is_first = !conn->has_sent;
	bool		is_alone = query->alone && may_run_alone(conn);

	ch_cursor_make_room(conn, query->writes);
	conn->unanswered = NULL;
	ch_ceilings_begin(&conn->ceilings, conn->place.shared, conn->name);
	if (!is_alone)
		ch_xact_guard(conn, query->writes ? CH_USE_WRITE : CH_USE_READ);

	cursor = cursor_create(query->text);
	PG_TRY();
	{
		cursor->query = *query;
		cursor->query.alone = is_alone;
		cursor->writes = query->writes;
		cursor->spill = spill;
		cursor->holder = holder;
		cursor->may_repeat = is_first && !query->writes;
		stream_link(cursor, conn);
		set_timeout(cursor);
		if (is_first && !conn->is_fresh && !query->writes)
			conn->unanswered = cursor;
		execute(cursor);
	}
	PG_CATCH();
	{
		ch_cursor_close(cursor);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return cursor;
}

/* May a statement that asks for no transaction go without one?  Where writes are forbidden the source is told so by
 * the transaction: a view may hide a function that writes.  Drivers of ABI 1.0 do not know of it. */
static bool
may_run_alone(const ChConn *conn)
{
	return conn->txn == CH_TXN_NONE && !conn->has_sent && !conn->lost_snapshot && !conn->is_read_only && !XactReadOnly &&
		conn->driver->abi_minor >= 1;
}

static ChCursor *
cursor_create(const char *statement)
{
	ChCursor   *cursor;

	if (cursor_context == NULL)
		cursor_context = AllocSetContextCreate(TopMemoryContext, "connhub cursors", ALLOCSET_DEFAULT_SIZES);
	cursor = MemoryContextAllocZero(cursor_context, sizeof(ChCursor));
	cursor->subxact = GetCurrentSubTransactionId();
	cursor->statement = MemoryContextStrdup(cursor_context, statement);
	return cursor;
}

ChCursor *
ch_conn_write(ChConn *conn, const ConnhubWrite *write, const char *text, const ConnhubRows *rows, uint64 *affected)
{
	ChCursor   *volatile cursor = NULL;
	ConnhubCursor *handle;

	if (!ch_flow_goes_on(conn, write))
		ch_cursor_make_room(conn, true);
	conn->unanswered = NULL;
	ch_ceilings_begin(&conn->ceilings, conn->place.shared, conn->name);
	ch_xact_guard(conn, CH_USE_WRITE);
	if (write->nreturning == 0)
	{
		ch_flow_write(conn, write, text, rows, affected, &handle);
		return NULL;
	}

	cursor = cursor_create(text);
	PG_TRY();
	{
		ch_flow_write(conn, write, text, rows, affected, &handle);
	}
	PG_CATCH();
	{
		cursor_free(cursor);
		PG_RE_THROW();
	}
	PG_END_TRY();
	cursor->handle = handle;
	stream_link(cursor, conn);
	set_timeout(cursor);
	return cursor;
}

void
ch_conn_write_end(ChConn *conn, const ConnhubWrite *write)
{
	if (conn->flow == write)
		ch_flow_end(conn);
}

static void
execute(ChCursor *cursor)
{
	ChConn	   *conn = cursor->conn;
	ChCall		call;
	ConnhubError error;
	int64		started = ch_clock->now_us();
	ConnhubStatus status;

	call_for(cursor, &call);
	conn->has_sent = true;
	ch_shared_count(conn->place.shared, CH_COUNT_CALLS, 1);
	status = ch_call_execute(&call, conn->handle, &cursor->query, &cursor->handle, &error);
	spend(cursor, started);
	if (status == CONNHUB_OK || send_again(cursor, status, &error))
		return;
	raise_failure(cursor, &call, &error);
}

/* A remote transaction in which nothing but the failed statement was sent begins anew. */
static void
begin_again(ChCursor *cursor, ChConn *conn, bool is_lost)
{
	ChCall		call;
	ConnhubError error;

	if (cursor->handle != NULL && !is_lost)
	{
		call_for(cursor, &call);
		is_lost = ch_call_close_cursor(&call, cursor->handle, &error) != CONNHUB_OK;
	}
	stream_unlink(cursor);
	if (is_lost || !ch_xact_restart(conn))
		ch_pool_reopen(conn);
	if (!cursor->query.alone)
		ch_xact_begin_remote(conn);
	stream_link(cursor, conn);
}

/* Send the statement once more when that can do no harm: it reads, it is all that was sent in this transaction, and
 * nothing has come back.  A connection from the cache that turns out to be dead is replaced at once, and is fresh
 * then, so that this ends; what the driver calls passing is tried again after a pause, as often as max_retries.  Not so
 * a fresh connection that was lost: the statement itself may be what kills it; nor a time limit, which was used up.
 * False: the failure stands. */
static bool
send_again(ChCursor *cursor, ConnhubStatus status, const ConnhubError *error)
{
	ChConn	   *conn = cursor->conn;
	bool		is_stale = status == CONNHUB_LOST && conn->unanswered == cursor;

	if (!is_stale)
	{
		if (!cursor->may_repeat || !error->retryable || error->connection_lost || status == CONNHUB_TIMEOUT ||
			cursor->attempts >= conn->max_retries || !ch_pool_back_off(cursor->attempts, error))
			return false;
		cursor->attempts++;
		ch_shared_failed(conn->place.shared, error);
		ch_shared_count(conn->place.shared, CH_COUNT_RETRIES, 1);
	}
	begin_again(cursor, conn, is_stale);
	execute(cursor);
	return true;
}

/* Note a failure, and raise it: as the ceiling's when that is why the time was short. */
static void
raise_failure(ChCursor *cursor, const ChCall *call, const ConnhubError *error)
{
	ChConn	   *conn = cursor->conn;

	ch_pool_note_failure(conn, error);
	if (error->status == CONNHUB_TIMEOUT && cursor->is_capped)
		ch_ceilings_use(&conn->ceilings, conn->place.shared, conn->name, CH_CEILING_SECONDS, INT64_C(1000000));
	ch_call_raise(call, error);
}

static void
set_timeout(ChCursor *cursor)
{
	int64		left = ch_ceilings_left_ms(&cursor->conn->ceilings);

	cursor->timeout_ms = cursor->conn->query_timeout_ms;
	cursor->is_capped = left > 0 && (cursor->timeout_ms <= 0 || left < cursor->timeout_ms);
	if (cursor->is_capped)
		cursor->timeout_ms = left;
}

/* Time of the source that was used, by the query and by the statement. */
static void
spend(ChCursor *cursor, int64 since_us)
{
	int64		us = ch_clock->now_us() - since_us;

	cursor->spent_us += us;
	cursor->conn->ceilings.used[CH_CEILING_SECONDS] += us;
}

/* What is left of the query's time bounds each call; the holder's own time does not count. */
static void
call_for(ChCursor *cursor, ChCall *call)
{
	ch_pool_call(cursor->conn, call);
	call->statement = cursor->statement;
	call->timeout_ms = cursor->timeout_ms > 0 ? Max(cursor->timeout_ms - cursor->spent_us / 1000, 1) : 0;
}

void
ch_cursor_make_room(ChConn *conn, bool all)
{
	bool		may_stay = !all && (conn->driver->capabilities & CONNHUB_CAP_MULTI_CURSOR) != 0;
	dlist_mutable_iter iter;

	ch_flow_end(conn);

	/* No transaction can begin under a cursor outside of one. */
	dlist_foreach_modify(iter, &conn->streams)
	{
		ChCursor   *cursor = dlist_container(ChCursor, node, iter.cur);

		if (cursor->spill != NULL && (!may_stay || cursor->query.alone))
			cursor->spill(cursor->holder);
	}
	if (!may_stay && !dlist_is_empty(&conn->streams))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("the connection of connector \"%s\" is busy with another statement", conn->name),
				 errhint("Read the other statement to its end first.")));
}

/* ---- The columns of a result ---------------------------------------------------------------- */

/* Columns on their way out of a driver, whose frames must not be jumped over: host memory. */
typedef struct FoundColumns
{
	ChResultColumn *columns;
	int			count;
	int			capacity;
	bool		failed;			/* out of memory */
} FoundColumns;

static char *
host_copy(const char *text)
{
	char	   *copy = text == NULL ? NULL : ch_host_get()->alloc(strlen(text) + 1);

	return copy == NULL ? NULL : strcpy(copy, text);
}

static void
found_column(void *arg, const char *name, const ConnhubTypeRef *type)
{
	FoundColumns *found = arg;
	ChResultColumn *column;

	if (found->count == found->capacity && !found->failed)
	{
		int			capacity = Max(found->capacity * 2, 16);
		ChResultColumn *columns = ch_host_get()->realloc(found->columns, sizeof(ChResultColumn) * capacity);

		if (columns == NULL)
			found->failed = true;
		else
		{
			found->columns = columns;
			found->capacity = capacity;
		}
	}
	if (found->failed)
		return;
	column = &found->columns[found->count];
	column->type = *type;
	column->type.pg_type = host_copy(type->pg_type);
	column->name = host_copy(name);
	found->count++;
	found->failed = column->name == NULL || (type->pg_type != NULL && column->type.pg_type == NULL);
}

static void
found_free(FoundColumns *found)
{
	for (int i = 0; i < found->count; i++)
	{
		ch_host_get()->free(found->columns[i].name);
		ch_host_get()->free(unconstify(char *, found->columns[i].type.pg_type));
	}
	ch_host_get()->free(found->columns);
	memset(found, 0, sizeof(*found));
}

/* Into the database's encoding and memory. */
static List *
found_take(FoundColumns *found)
{
	List	   *columns = NIL;

	for (int i = 0; i < found->count; i++)
	{
		const ChResultColumn *from = &found->columns[i];
		ChResultColumn *column = palloc(sizeof(ChResultColumn));

		column->type = from->type;
		column->type.pg_type = from->type.pg_type ? pstrdup(from->type.pg_type) : NULL;
		column->name = pg_any_to_server(pstrdup(from->name), strlen(from->name), PG_UTF8);
		columns = lappend(columns, column);
	}
	return columns;
}

static ConnhubStatus
describe(ChCursor *cursor, FoundColumns *found, ChCall *call, ConnhubError *error)
{
	int64		started = ch_clock->now_us();
	ConnhubStatus status;

	call_for(cursor, call);
	status = ch_call_describe(call, cursor->handle, found_column, found, error);
	spend(cursor, started);
	if (status == CONNHUB_OK && found->failed)
	{
		ch_error_set(error, CONNHUB_NO_MEMORY, "out of memory");
		status = CONNHUB_NO_MEMORY;
	}
	return status;
}

/* Something came back: from now on the statement is not sent again. */
static void
has_answered(ChCursor *cursor)
{
	cursor->may_repeat = false;
	if (cursor->conn->unanswered == cursor)
		cursor->conn->unanswered = NULL;
	if (!cursor->is_answered)
		ch_shared_succeeded(cursor->conn->place.shared);
	cursor->is_answered = true;
}

List *
ch_cursor_describe(ChCursor *cursor)
{
	FoundColumns found = {0};
	List	   *volatile columns = NIL;
	ChCall		call;
	ConnhubError error;
	volatile ConnhubStatus status;

	while ((status = describe(cursor, &found, &call, &error)) != CONNHUB_OK)
	{
		found_free(&found);
		if (!send_again(cursor, status, &error))
			break;
	}
	PG_TRY();
	{
		if (status != CONNHUB_OK)
			raise_failure(cursor, &call, &error);
		has_answered(cursor);
		columns = found_take(&found);
	}
	PG_FINALLY();
	{
		found_free(&found);
	}
	PG_END_TRY();
	return columns;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

bool
ch_cursor_fetch(ChCursor *cursor, ConnhubBatch *batch)
{
	ChCall		call;
	ConnhubError error;
	ConnhubStatus status;

	if (cursor->conn == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CURSOR_STATE),
				 errmsg("the remote cursor ended with its transaction")));

	while ((status = fetch(cursor, batch, &call, &error)) != CONNHUB_OK && status != CONNHUB_DONE)
	{
		if (!send_again(cursor, status, &error))
			raise_failure(cursor, &call, &error);
		ch_batch_reset(batch, cursor->query.columns);
	}
	has_answered(cursor);
	if (status == CONNHUB_OK)
	{
		count_rows(cursor, batch);
		return true;
	}
	batch->nrows = 0;
	if (cursor->writes && (cursor->conn->driver->capabilities & CONNHUB_CAP_MODIFY) != 0)
		note_affected(cursor);
	stream_end(cursor, false);
	return false;
}

static void
count_rows(ChCursor *cursor, const ConnhubBatch *batch)
{
	ChConn	   *conn = cursor->conn;
	uint64		bytes = ch_batch_bytes(batch);

	ch_shared_count(conn->place.shared, CH_COUNT_ROWS_READ, batch->nrows);
	ch_shared_count(conn->place.shared, CH_COUNT_BYTES_READ, bytes);
	ch_ceilings_use(&conn->ceilings, conn->place.shared, conn->name, CH_CEILING_ROWS, batch->nrows);
	ch_ceilings_use(&conn->ceilings, conn->place.shared, conn->name, CH_CEILING_BYTES, bytes);
}

bool
ch_cursor_ready(ChCursor *cursor, ConnhubWait *wait)
{
	ChConn	   *conn = cursor->conn;
	int64		since = cursor->asked_us;
	ChCall		call;
	ConnhubError error;
	ConnhubStatus status;

	if (conn == NULL || (conn->driver->capabilities & CONNHUB_CAP_READY) == 0)
		return true;
	call_for(cursor, &call);
	status = ch_call_ready(&call, cursor->handle, wait, &error);
	cursor->asked_us = 0;

	/* What a statement to be sent again came upon, fetch comes upon too. */
	if (status == CONNHUB_OK || (status == CONNHUB_LOST && conn->unanswered == cursor))
		return true;
	if (status != CONNHUB_WAIT)
		raise_failure(cursor, &call, &error);
	cursor->asked_us = ch_clock->now_us();
	if (since != 0)
		spend(cursor, since);
	if (cursor->timeout_ms > 0)
	{
		int64		left = cursor->timeout_ms - cursor->spent_us / 1000;

		if (left <= 0)
			return true;
		wait->timeout_ms = wait->timeout_ms < 0 ? left : Min(left, wait->timeout_ms);
	}
	return false;
}

void *
ch_conn_holder(const ChConn *conn, ChSpill spill)
{
	dlist_iter	iter;

	if (conn->driver->capabilities & CONNHUB_CAP_MULTI_CURSOR)
		return NULL;
	dlist_foreach(iter, unconstify(dlist_head *, &conn->streams))
	{
		ChCursor   *cursor = dlist_container(ChCursor, node, iter.cur);

		if (cursor->spill == spill)
			return cursor->holder;
	}
	return NULL;
}

static void
note_affected(ChCursor *cursor)
{
	ChCall		call;
	ConnhubError error;

	call_for(cursor, &call);
	if (ch_call_affected(&call, cursor->handle, &cursor->affected, &error) != CONNHUB_OK)
		raise_failure(cursor, &call, &error);
	ch_shared_count(cursor->conn->place.shared, CH_COUNT_ROWS_WRITTEN, cursor->affected);
}

uint64
ch_cursor_affected(const ChCursor *cursor)
{
	return cursor->affected;
}

static ConnhubStatus
fetch(ChCursor *cursor, ConnhubBatch *batch, ChCall *call, ConnhubError *error)
{
	int64		started = ch_clock->now_us();
	ConnhubStatus status;

	call_for(cursor, call);
	status = ch_call_fetch(call, cursor->handle, batch, error);
	spend(cursor, started);
	return status;
}

/* While the transaction is being aborted nothing is sent from here: its callback ends what is open, each
 * connection once and within the time of a cancel. */
void
ch_cursor_close(ChCursor *cursor)
{
	if (cursor == NULL)
		return;
	if (cursor->conn != NULL)
	{
		if (!IsTransactionState() && cursor->handle != NULL)
		{
			cursor->is_given_up = true;
			cursor->spill = NULL;
			return;
		}
		stream_end(cursor, false);
	}
	cursor_free(cursor);
}

static void
cursor_free(ChCursor *cursor)
{
	if (cursor->statement != NULL)
		pfree(cursor->statement);
	pfree(cursor);
}

static void
stream_link(ChCursor *cursor, ChConn *conn)
{
	cursor->conn = conn;
	dlist_push_tail(&conn->streams, &cursor->node);
}

static void
stream_unlink(ChCursor *cursor)
{
	dlist_delete(&cursor->node);
	if (cursor->conn->unanswered == cursor)
		cursor->conn->unanswered = NULL;
	cursor->conn = NULL;
	cursor->handle = NULL;
}

/* End the source's cursor.  When the connection's state is not known, closing the connection will. */
static void
stream_end(ChCursor *cursor, bool is_cleanup)
{
	ChConn	   *conn = cursor->conn;
	ConnhubCursor *handle = cursor->handle;
	ChCall		call;
	ConnhubError error;

	if (is_cleanup)
		ch_pool_cleanup_call(conn, &call);
	else
		call_for(cursor, &call);
	if (handle != NULL && conn->handle != NULL)
		ch_shared_latency(conn->place.shared, CH_LATENCY_QUERY, cursor->spent_us);
	stream_unlink(cursor);
	if (handle == NULL || conn->handle == NULL || conn->is_broken || conn->is_interrupted)
		return;
	if (ch_call_close_cursor(&call, handle, &error) != CONNHUB_OK)
	{
		ch_pool_note_failure(conn, &error);
		conn->is_broken = true;
	}
}

void
ch_cursor_end_all(ChConn *conn, SubTransactionId subxact)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &conn->streams)
	{
		ChCursor   *cursor = dlist_container(ChCursor, node, iter.cur);

		if (subxact != InvalidSubTransactionId && cursor->subxact != subxact)
			continue;
		stream_end(cursor, true);
		if (cursor->is_given_up)
			cursor_free(cursor);
	}
}

void
ch_cursor_reparent(ChConn *conn, SubTransactionId child, SubTransactionId parent)
{
	dlist_iter	iter;

	dlist_foreach(iter, &conn->streams)
	{
		ChCursor   *cursor = dlist_container(ChCursor, node, iter.cur);

		if (cursor->subxact == child)
			cursor->subxact = parent;
	}
}

void
ch_cursor_forget_all(ChConn *conn)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &conn->streams)
	{
		ChCursor   *cursor = dlist_container(ChCursor, node, iter.cur);

		stream_unlink(cursor);
		if (cursor->is_given_up)
			cursor_free(cursor);
	}
}
