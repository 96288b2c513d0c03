/* fdw/exec_async.c — the parts of an Append that several sources work on at the same time.
 *
 * An Append asks all its asynchronous parts for a row before it waits for any; each sends its query then.  It waits
 * for the sockets of all, and takes rows as they come.  A connection carries one query: parts that share it take turns,
 * in the order in which they were asked.  The time limit of a query runs while its source is waited for, though nobody
 * is in a call of the driver: the latch is set when it is up. */
#include "postgres.h"

#include "executor/execAsync.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "storage/latch.h"

#include "common/compat.h"
#include "common/guc.h"
#include "common/wait.h"
#include "fdw/fdw.h"

/* Two cursors of one connection might name the same socket, which can be waited for once only. */
bool
ch_is_foreign_path_async_capable(ForeignPath *path)
{
	ChRelInfo  *info = path->path.parent->fdw_private;
	uint64		capabilities = info->at->driver->capabilities;

	return ch_async && (capabilities & CONNHUB_CAP_READY) != 0 && (capabilities & CONNHUB_CAP_MULTI_CURSOR) == 0 &&
		ch_compat_append_wakes();
}

/* The connection of a part that has ended is free: those that wait for their turn need not wait for the Append. */
static void
begin_next(AsyncRequest *request)
{
	AppendState *append = castNode(AppendState, request->requestor);
	ConnhubWait wait;
	int			i = -1;

	while ((i = bms_next_member(append->as_asyncplans, i)) >= 0)
	{
		AsyncRequest *other = append->as_asyncrequests[i];
		ForeignScanState *node = castNode(ForeignScanState, other->requestee);

		if (other->callback_pending && node->fdwroutine->ForeignAsyncRequest == ch_foreign_async_request)
			ch_scan_look(node, other, false, &wait);
	}
}

/* Answer a request with a row or the end.  False: that would have to wait, as *stand and *wait say. */
static bool
answer(AsyncRequest *request, bool is_wait, ChScanStand *stand, ConnhubWait *wait)
{
	ForeignScanState *node = castNode(ForeignScanState, request->requestee);

	while ((*stand = ch_scan_look(node, request, is_wait, wait)) == CH_SCAN_READY)
	{
		TupleTableSlot *slot = node->ss.ps.ExecProcNodeReal(&node->ss.ps);
		bool		is_end = TupIsNull(slot);

		CHECK_FOR_INTERRUPTS();
		if (is_end && !ch_scan_is_over(node))
			continue;
		request->callback_pending = false;
		ExecAsyncRequestDone(request, is_end ? NULL : slot);
		if (is_end)
			begin_next(request);
		return true;
	}
	return false;
}

void
ch_foreign_async_request(AsyncRequest *request)
{
	ChScanStand stand;
	ConnhubWait wait;

	if (!answer(request, false, &stand, &wait))
		ExecAsyncRequestPending(request);
}

void
ch_foreign_async_notify(AsyncRequest *request)
{
	ch_foreign_async_request(request);
}

/* What has come since the request is taken at once, and the Append is not to wait for others then. */
void
ch_foreign_async_configure_wait(AsyncRequest *request)
{
	AppendState *append = castNode(AppendState, request->requestor);
	Instrumentation *instrument = request->requestee->instrument;
	ChScanStand stand;
	ConnhubWait wait;

	if (answer(request, true, &stand, &wait))
	{
		ExecAsyncResponse(request);
		if (instrument)
			InstrUpdateTupleCount(instrument, TupIsNull(request->result) ? 0.0 : 1.0);
		SetLatch(MyLatch);
		return;
	}
	if (stand == CH_SCAN_QUEUED)
		return;
	AddWaitEventToSet(append->as_eventset, WL_SOCKET_READABLE, wait.fd, NULL, request);
	if (wait.timeout_ms >= 0)
		ch_wake_within(wait.timeout_ms);
}
