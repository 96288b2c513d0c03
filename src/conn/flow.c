/* conn/flow.c — rows of a statement in flight between two calls of write.
 *
 * The source works on rows while the next ones are made here.  Nothing else can use the connection meanwhile: whoever
 * needs it ends the flow first (ch_cursor_make_room), and the statement's next rows begin another.  Only rows that are
 * all inserted unless the statement fails are left in flight, so they are counted at once; their failure is thrown
 * at the latest when the statement ends. */
#include "postgres.h"

#include "access/xact.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "common/clock.h"
#include "conn/flow.h"
#include "conn/pool.h"

/* The text as its driver gets it, in UTF-8; it lasts as long as rows of it may be in flight. */
static const char *
text_for_driver(const char *text)
{
	const char *utf8 = pg_server_to_any(text, strlen(text), PG_UTF8);

	return utf8 == text ? text : MemoryContextStrdup(TopTransactionContext, utf8);
}

/* Call the driver; a failure leaves nothing in flight. */
static void
write_rows(ChConn *conn, const ConnhubWrite *write, const char *text, const ConnhubRows *rows, uint64 *affected,
		   ConnhubCursor **cursor)
{
	ChShared   *shared = conn->place.shared;
	int64		started = ch_clock->now_us();
	ChCall		call;
	ConnhubError error;
	ConnhubStatus status;

	ch_pool_call(conn, &call);
	call.statement = text;
	call.text = text_for_driver(text);
	conn->has_sent = true;
	conn->flow = NULL;
	ch_shared_count(shared, CH_COUNT_CALLS, 1);
	status = ch_call_write(&call, conn->handle, write, rows, affected, cursor, &error);
	ch_shared_latency(shared, CH_LATENCY_QUERY, ch_clock->now_us() - started);
	if (status == CONNHUB_OK)
	{
		ch_shared_count(shared, CH_COUNT_ROWS_WRITTEN, *affected);
		ch_shared_succeeded(shared);
		return;
	}
	ch_pool_note_failure(conn, &error);
	ch_call_raise(&call, &error);
}

void
ch_flow_write(ChConn *conn, const ConnhubWrite *write, const char *text, const ConnhubRows *rows, uint64 *affected,
			  ConnhubCursor **cursor)
{
	ConnhubRows sent = *rows;

	if ((conn->driver->capabilities & CONNHUB_CAP_FLOW) == 0 || conn->txn != CH_TXN_OPEN)
		sent.more = false;
	write_rows(conn, write, text, &sent, affected, cursor);
	if (!sent.more)
		return;
	conn->flow = write;
	conn->flow_text = text;
	conn->flow_subxact = GetCurrentSubTransactionId();
}

bool
ch_flow_goes_on(const ChConn *conn, const ConnhubWrite *write)
{
	return conn->flow == write && write != NULL && conn->flow_subxact == GetCurrentSubTransactionId();
}

void
ch_flow_end(ChConn *conn)
{
	const ConnhubRows none = {.struct_size = sizeof(ConnhubRows)};
	ConnhubCursor *cursor;
	uint64		affected;

	if (conn->flow != NULL)
		write_rows(conn, conn->flow, conn->flow_text, &none, &affected, &cursor);
}

void
ch_flow_forget(ChConn *conn, SubTransactionId subxact)
{
	if (subxact == InvalidSubTransactionId || conn->flow_subxact == subxact)
		conn->flow = NULL;
}
