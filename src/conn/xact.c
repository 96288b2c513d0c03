/* conn/xact.c — remote transactions follow the local one.
 *
 * A remote transaction begins with the first statement and ends with the local transaction.  Savepoints are
 * not sent: remote transactions only read, so a rolled-back subtransaction leaves nothing to undo
 * there.  But a statement that failed may have ended the remote transaction for good (some sources refuse
 * everything after it), so it is then rolled back with the subtransaction, and a later statement begins
 * a new one, unless the local transaction promised one snapshot.
 *
 * The abort callbacks must not throw and hold the user up for little more than connhub.cancel_timeout: what
 * does not end by then is closed. */
#include "postgres.h"

#include "access/xact.h"

#include "common/error.h"
#include "common/redact.h"
#include "common/wait.h"
#include "conn/cursor.h"
#include "conn/open.h"
#include "conn/pool.h"
#include "conn/xact.h"

static void xact_callback(XactEvent event, void *arg);
static void subxact_callback(SubXactEvent event, SubTransactionId my, SubTransactionId parent, void *arg);
static void commit_all(void);
static void abort_all(void);
static void refuse_prepare(void);
static void conn_leave_subxact(ChConn *conn, SubTransactionId subxact);
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
		.read_only = true,
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
			ch_redact_forget_all();
			ch_pool_end_transaction();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PREPARE:
			ch_pool_end_transaction();
			break;
	}
}

static void
commit_all(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, ch_pool_connections())
	{
		ChConn	   *conn = dlist_container(ChConn, node, iter.cur);
		ChCall		call;
		ConnhubError error;

		if (!conn->is_used || !conn_salvage(conn, InvalidSubTransactionId))
			continue;
		if (conn->txn == CH_TXN_FAILED)
			conn_rollback(conn);
		if (conn->txn != CH_TXN_OPEN)
			continue;
		ch_pool_call(conn, &call);
		if (ch_call_commit(&call, conn->handle, &error) != CONNHUB_OK)
		{
			conn->is_broken = true;
			ch_pool_note_failure(conn, &error);
			ch_call_raise(&call, &error);
		}
		conn->txn = CH_TXN_NONE;
	}
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
	dlist_iter	iter;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		ch_deadline_reset();
	dlist_foreach(iter, ch_pool_connections())
	{
		ChConn	   *conn = dlist_container(ChConn, node, iter.cur);

		if (!conn->is_used)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			ch_cursor_reparent(conn, my, parent);
		else
			conn_leave_subxact(conn, my);
	}
}

/* After a rolled-back subtransaction the rest of the transaction may read again: over a new remote
 * transaction, or even a new connection, as long as nobody was promised one snapshot. */
static void
conn_leave_subxact(ChConn *conn, SubTransactionId subxact)
{
	if (!conn_salvage(conn, subxact))
	{
		conn->has_sent = conn->has_sent && IsolationUsesXactSnapshot();
		return;
	}
	if (conn->txn != CH_TXN_FAILED)
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
