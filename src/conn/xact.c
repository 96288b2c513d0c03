/* conn/xact.c — remote transactions follow the local one.
 *
 * A remote transaction begins with the first statement and ends with the local transaction.  Savepoints are
 * set late: before the first statement of a subtransaction once the transaction has written or locked rows, so that
 * what only reads pays for none.  A statement that failed may have ended the remote transaction for good (some
 * sources refuse everything after it).  With a savepoint it goes on from there; while nothing was written it is
 * rolled back with the subtransaction, and a later statement begins a new one, unless the local transaction
 * promised one snapshot; else the local transaction cannot be committed any more.
 *
 * Commit goes: what only read; then what is prepared; then what was written without; then, once the local
 * commit stands, what was prepared is committed (prepare.c).
 *
 * The abort callbacks must not throw and, but for a rollback to a savepoint, hold the user up for little more than
 * connhub.cancel_timeout: what does not end by then is closed. */
#include "postgres.h"

#include "access/xact.h"
#include "storage/ipc.h"

#include "common/error.h"
#include "common/redact.h"
#include "common/wait.h"
#include "conn/cursor.h"
#include "conn/flow.h"
#include "conn/open.h"
#include "conn/pool.h"
#include "conn/prepare.h"
#include "conn/xact.h"

static void xact_callback(XactEvent event, void *arg);
static void subxact_callback(SubXactEvent event, SubTransactionId my, SubTransactionId parent, void *arg);
static void require_writable(const ChConn *conn);
static void savepoints_set(ChConn *conn);
static void commit_all(void);
static void commit_one(ChConn *conn, List *committed);
static void require_whole(void);
static void savepoint_release(ChConn *conn, int level);
static bool savepoint_rollback(ChConn *conn, int level);
static void abort_all(void);
static void refuse_prepare(void);
static void conn_leave_subxact(ChConn *conn, SubTransactionId subxact, int level);
static bool conn_salvage(ChConn *conn, SubTransactionId subxact);
static void conn_rollback(ChConn *conn);

void
ch_xact_init(void)
{
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
}

void
ch_xact_begin_remote(ChConn *conn)
{
	ConnhubTxn	txn = {
		.struct_size = sizeof(txn),
		.read_only = XactReadOnly || conn->is_read_only,
		.one_snapshot = (conn->driver->capabilities & CONNHUB_CAP_SNAPSHOT) != 0,
	};
	ChCall		call;
	ConnhubError error;
	ConnhubStatus status;

	if (conn->txn == CH_TXN_OPEN || (conn->driver->capabilities & CONNHUB_CAP_TRANSACTION) == 0)
		return;
	if (conn->txn == CH_TXN_FAILED || conn->lost_snapshot)
		ereport(ERROR,
				(errcode(ERRCODE_IN_FAILED_SQL_TRANSACTION),
				 errmsg("the remote transaction of connector \"%s\" has failed", conn->name),
				 errdetail("A statement failed in it, and a new one would see other data."),
				 errhint("Run the transaction again.")));

	if (!txn.read_only && ch_prepare_plan(conn))
	{
		txn.two_phase = true;
		txn.gid = conn->planned_gid;
	}
	if (conn->snapshot[0] != '\0')
		txn.snapshot = conn->snapshot;
	ch_pool_call(conn, &call);
	status = ch_call_begin(&call, conn->handle, &txn, &error);
	if (status == CONNHUB_LOST && !conn->has_sent && !conn->is_fresh)
	{
		ch_pool_reopen(conn);
		status = ch_call_begin(&call, conn->handle, &txn, &error);
	}
	conn->has_sent = true;
	if (status != CONNHUB_OK)
	{
		conn->txn = CH_TXN_FAILED;
		ch_pool_note_failure(conn, &error);
		ch_call_raise(&call, &error);
	}
	conn->txn = CH_TXN_OPEN;
}

bool
ch_xact_restart(ChConn *conn)
{
	if (conn->txn != CH_TXN_NONE)
		conn_rollback(conn);
	conn->has_sent = false;
	return conn->handle != NULL;
}

bool
ch_conn_export(ChConn *conn, char *name, Size size)
{
	ChCall		call;
	ConnhubError error;

	if ((conn->driver->capabilities & CONNHUB_CAP_EXPORT) == 0 || conn->written_level > 0 || conn->nsavepoints > 0)
		return false;
	ch_xact_begin_remote(conn);
	ch_cursor_make_room(conn, true);
	conn->unanswered = NULL;
	ch_pool_call(conn, &call);
	if (ch_call_export_snapshot(&call, conn->handle, name, size, &error) == CONNHUB_OK)
		return true;
	ch_pool_note_failure(conn, &error);
	ch_call_raise(&call, &error);
	pg_unreachable();
}

/* One leader exports one snapshot under several names. */
bool
ch_conn_import(ChConn *conn, const char *name)
{
	if (conn->txn != CH_TXN_NONE || conn->has_sent)
		return conn->snapshot[0] != '\0';
	strlcpy(conn->snapshot, name, sizeof(conn->snapshot));
	return true;
}

void
ch_xact_guard(ChConn *conn, ChUse use)
{
	bool		can_undo = (conn->driver->capabilities & CONNHUB_CAP_SAVEPOINT) != 0;
	int			level = GetCurrentTransactionNestLevel();

	if (use == CH_USE_WRITE)
		require_writable(conn);
	ch_xact_begin_remote(conn);
	if (conn->txn != CH_TXN_OPEN)
		return;
	if (use == CH_USE_WRITE && level > 1 && !can_undo)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot write to connector \"%s\" within a subtransaction", conn->name),
				 errdetail("The source has no savepoints: it could not undo the write alone."),
				 errhint("Write outside of SAVEPOINT and of blocks with an EXCEPTION clause.")));
	if (can_undo && (use != CH_USE_READ || conn->written_level > 0))
		savepoints_set(conn);
	if (use != CH_USE_READ && (conn->written_level == 0 || level < conn->written_level))
		conn->written_level = level;
}

void
ch_conn_lock(ChConn *conn)
{
	ch_cursor_make_room(conn, false);
	ch_xact_guard(conn, CH_USE_LOCK);
}

/* May this connection write here and now? */
static void
require_writable(const ChConn *conn)
{
	if (conn->is_read_only)
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("connector \"%s\" is read-only", conn->name),
				 errhint("Set its option \"read_only\" to false with connhub.update_connector to allow writes.")));
	if ((conn->driver->capabilities & CONNHUB_CAP_TRANSACTION) == 0 && !conn->may_autocommit &&
		(IsTransactionBlock() || GetCurrentTransactionNestLevel() > 1))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot write to connector \"%s\" within a transaction block", conn->name),
				 errdetail("The source has no transactions: what is written stays, even when the transaction is rolled back."),
				 errhint("Write by a statement of its own, or accept it with the connector's option \"allow_autocommit_writes\".")));
}

/* Each level gets its own, so that each can be undone alone. */
static void
savepoints_set(ChConn *conn)
{
	int			wanted = GetCurrentTransactionNestLevel() - 1;
	ChCall		call;
	ConnhubError error;

	if (conn->nsavepoints >= wanted)
		return;
	ch_cursor_make_room(conn, true);
	ch_pool_call(conn, &call);
	while (conn->nsavepoints < wanted)
	{
		conn->has_sent = true;
		if (ch_call_savepoint(&call, conn->handle, conn->nsavepoints + 1, &error) != CONNHUB_OK)
		{
			ch_pool_note_failure(conn, &error);
			ch_call_raise(&call, &error);
		}
		conn->nsavepoints++;
	}
}

static void
xact_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
			commit_all();
			break;
		case XACT_EVENT_PRE_PREPARE:
			refuse_prepare();
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PARALLEL_ABORT:
			ch_deadline_reset();
			abort_all();
			ch_prepare_finish_all(false);
			ch_redact_forget_all();
			ch_pool_end_transaction();
			break;
		case XACT_EVENT_COMMIT:
			ch_prepare_finish_all(true);
			ch_pool_end_transaction();
			break;
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PREPARE:
			ch_pool_end_transaction();
			break;
	}
}

/* Is the connection in use, with a transaction to commit? */
static bool
commits(ChConn *conn)
{
	if (!conn->is_used || !conn_salvage(conn, InvalidSubTransactionId))
		return false;
	if (conn->txn == CH_TXN_FAILED)
		conn_rollback(conn);
	return conn->txn == CH_TXN_OPEN;
}

/* Once one source has committed, a failure of the next leaves the work done in part.  What can fail without
 * harm comes first. */
static void
commit_all(void)
{
	List	   *committed = NIL;
	dlist_iter	iter;

	require_whole();
	dlist_foreach(iter, ch_pool_connections())
	{
		ChConn	   *conn = dlist_container(ChConn, node, iter.cur);

		if (conn->written_level == 0 && commits(conn))
			commit_one(conn, NIL);
	}
	dlist_foreach(iter, ch_pool_connections())
	{
		ChConn	   *conn = dlist_container(ChConn, node, iter.cur);

		if (conn->written_level > 0 && conn->planned_gid[0] != '\0' && commits(conn))
			ch_prepare(conn);
	}
	dlist_foreach(iter, ch_pool_connections())
	{
		ChConn	   *conn = dlist_container(ChConn, node, iter.cur);

		if (conn->written_level > 0 && commits(conn))
		{
			commit_one(conn, committed);
			committed = lappend(committed, conn->name);
		}
	}
}

/* What was written must still be there to be committed. */
static void
require_whole(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, ch_pool_connections())
	{
		ChConn	   *conn = dlist_container(ChConn, node, iter.cur);

		if (!conn->is_used || conn->written_level == 0)
			continue;
		ch_flow_end(conn);
		if (conn->handle == NULL || conn->is_broken || conn->is_interrupted)
			ereport(ERROR,
					(errcode(ERRCODE_CONNECTION_FAILURE),
					 errmsg("the connection of connector \"%s\" was lost in this transaction", conn->name),
					 errdetail("What the transaction had written there is lost, so nothing is committed."),
					 errhint("Run the transaction again.")));
		if (conn->txn == CH_TXN_FAILED)
			ereport(ERROR,
					(errcode(ERRCODE_IN_FAILED_SQL_TRANSACTION),
					 errmsg("the remote transaction of connector \"%s\" has failed", conn->name),
					 errdetail("What the transaction had written there is lost, so nothing is committed."),
					 errhint("Run the transaction again.")));
	}
}

static char *
names_of(List *names)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	foreach(cell, names)
		appendStringInfo(&text, "%s\"%s\"", text.len > 0 ? ", " : "", (char *) lfirst(cell));
	return text.data;
}

/* committed: names of the connectors whose writes already stand. */
static void
commit_one(ChConn *conn, List *committed)
{
	ChCall		call;
	ConnhubError error;

	ch_pool_call(conn, &call);
	/* From the first commit on there is no way back that an interrupt could take. */
	call.shielded = committed != NIL;
	if (ch_call_commit(&call, conn->handle, &error) == CONNHUB_OK)
	{
		conn->txn = CH_TXN_NONE;
		return;
	}
	conn->is_broken = true;
	ch_pool_note_failure(conn, &error);
	if (conn->written_level > 0 && (error.connection_lost || error.status == CONNHUB_TIMEOUT ||
									error.status == CONNHUB_CANCELLED))
		ereport(ERROR,
				(errcode(ERRCODE_TRANSACTION_RESOLUTION_UNKNOWN),
				 errmsg("connector \"%s\": the commit was sent, but its outcome is not known", conn->name),
				 errdetail("%s.%s%s%s", error.message, committed ? " Already committed: connector " : "",
						   committed ? names_of(committed) : "", committed ? "." : ""),
				 errhint("Look at the source to see whether the writes are there before you run the transaction again.")));
	if (committed == NIL)
		ch_call_raise(&call, &error);
	ereport(ERROR,
			(errcode(ch_error_sqlstate(&error)),
			 errmsg("connector \"%s\": %s", conn->name, error.message),
			 errdetail("Already committed: connector %s.", names_of(committed)),
			 errhint("Undo or repeat by hand what is done in part; the option \"two_phase\" prevents it.")));
}

static void
abort_all(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, ch_pool_connections())
	{
		ChConn	   *conn = dlist_container(ChConn, node, iter.cur);

		if (conn->is_used && conn_salvage(conn, InvalidSubTransactionId) && conn->txn != CH_TXN_NONE)
			conn_rollback(conn);
	}
}

/* A prepared transaction outlives its session, a remote one does not. */
static void
refuse_prepare(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, ch_pool_connections())
	{
		ChConn	   *conn = dlist_container(ChConn, node, iter.cur);

		if (conn->is_used)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot PREPARE a transaction that has used connector \"%s\"", conn->name)));
	}
}

static void
subxact_callback(SubXactEvent event, SubTransactionId my, SubTransactionId parent, void *arg)
{
	int			level = GetCurrentTransactionNestLevel();
	dlist_iter	iter;

	if (event == SUBXACT_EVENT_START_SUB)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		ch_deadline_reset();
	dlist_foreach(iter, ch_pool_connections())
	{
		ChConn	   *conn = dlist_container(ChConn, node, iter.cur);

		if (!conn->is_used)
			continue;
		if (event == SUBXACT_EVENT_PRE_COMMIT_SUB)
			savepoint_release(conn, level);
		else if (event == SUBXACT_EVENT_COMMIT_SUB)
		{
			ch_cursor_reparent(conn, my, parent);
			conn->written_level = Min(conn->written_level, level - 1);
		}
		else
			conn_leave_subxact(conn, my, level);
	}
}

/* The writes of a subtransaction become its parent's. */
static void
savepoint_release(ChConn *conn, int level)
{
	ChCall		call;
	ConnhubError error;

	if (level < 2 || conn->nsavepoints < level - 1)
		return;
	if (conn->txn != CH_TXN_OPEN || conn->is_broken || conn->is_interrupted)
		ereport(ERROR,
				(errcode(ERRCODE_IN_FAILED_SQL_TRANSACTION),
				 errmsg("the remote transaction of connector \"%s\" has failed", conn->name),
				 errhint("Roll the subtransaction back.")));
	ch_cursor_make_room(conn, true);
	ch_pool_call(conn, &call);
	if (ch_call_release(&call, conn->handle, level - 1, &error) != CONNHUB_OK)
	{
		ch_pool_note_failure(conn, &error);
		ch_call_raise(&call, &error);
	}
	conn->nsavepoints = level - 2;
}

/* Undo what a subtransaction did at the source.  False: that failed, and the connection is closed.
 * What the transaction has written before hangs on the answer, so this waits for it like a statement, and can be
 * cancelled like one; a process that ends waits for nothing. */
static bool
savepoint_rollback(ChConn *conn, int level)
{
	ChCall		call;
	ConnhubError error;

	ch_cursor_end_all(conn, InvalidSubTransactionId);
	if (proc_exit_inprogress)
		ch_pool_cleanup_call(conn, &call);
	else
		ch_pool_call(conn, &call);
	if (ch_call_rollback_to(&call, conn->handle, level - 1, &error) == CONNHUB_OK &&
		ch_call_release(&call, conn->handle, level - 1, &error) == CONNHUB_OK)
	{
		conn->nsavepoints = level - 2;
		conn->txn = CH_TXN_OPEN;
		return true;
	}
	ch_pool_close(conn);
	return false;
}

/* After a rolled-back subtransaction the rest of the transaction goes on from the savepoint.  Without one
 * it may read again: over a new remote transaction, or even a new connection, as long as nobody was
 * promised one snapshot and nothing written before is lost. */
static void
conn_leave_subxact(ChConn *conn, SubTransactionId subxact, int level)
{
	bool		is_alive = conn_salvage(conn, subxact);
	bool		has_savepoint = is_alive && level > 1 && conn->nsavepoints >= level - 1;

	if (conn->written_level >= level)
		conn->written_level = 0;
	if (has_savepoint)
		is_alive = savepoint_rollback(conn, level);
	if (!is_alive)
	{
		conn->has_sent = conn->has_sent && (IsolationUsesXactSnapshot() || conn->written_level > 0);
		return;
	}
	if (conn->txn != CH_TXN_FAILED || conn->written_level > 0)
		return;
	/* Other cursors would read from a transaction that is no more. */
	ch_cursor_end_all(conn, InvalidSubTransactionId);
	conn_rollback(conn);
	conn->lost_snapshot = IsolationUsesXactSnapshot();
}

/* End the cursors, and close the connection when it is not in a known state; what was interrupted is
 * stopped at the source first.  True when the connection is still of use.  Does not throw. */
static bool
conn_salvage(ChConn *conn, SubTransactionId subxact)
{
	ChCall		call;

	ch_flow_forget(conn, subxact);
	if (conn->handle == NULL)
		return false;
	ch_cursor_end_all(conn, subxact);
	if (!conn->is_interrupted && !conn->is_broken)
		return true;
	if (conn->is_interrupted)
	{
		ch_pool_cleanup_call(conn, &call);
		ch_stop(&call, conn->handle);
	}
	ch_pool_close(conn);
	return false;
}

static void
conn_rollback(ChConn *conn)
{
	ChCall		call;
	ConnhubError error;

	ch_pool_cleanup_call(conn, &call);
	if (ch_call_rollback(&call, conn->handle, &error) == CONNHUB_OK)
		conn->txn = CH_TXN_NONE;
	else
		ch_pool_close(conn);
}
