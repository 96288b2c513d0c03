/* driver/call.c — one guarded wrapper per slot. */
#include "postgres.h"

#include "miscadmin.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/redact.h"
#include "common/wait.h"
#include "driver/call.h"

typedef struct Frame
{
	ChCall	   *call;
	ConnhubError *error;
	ChDeadline	deadline;
	ErrorContextCallback callback;
	int64		started_us;
} Frame;

int			ch_call_running = 0;

/* CONTEXT lines of anything reported while a slot runs, and of the error raised after it. */
static void
call_context(void *arg)
{
	const ChCall *call = arg;

	if (call->connector != NULL)
		errcontext("connector \"%s\", driver %s, %s", call->connector, call->driver->name, call->slot);
	else
		errcontext("driver %s, %s", call->driver->name, call->slot);
	if (call->statement != NULL)
	{
		char	   *masked = ch_redact(call->statement);

		errcontext("native query: %s", masked != NULL ? masked : call->statement);
	}
}

static void
frame_begin(Frame *frame, ChCall *call, const char *slot, ConnhubError *error)
{
	call->slot = slot;
	frame->call = call;
	frame->error = error;
	memset(error, 0, sizeof(*error));
	error->column = -1;

	frame->callback.callback = call_context;
	frame->callback.arg = call;
	frame->callback.previous = error_context_stack;
	error_context_stack = &frame->callback;

	if (call->shielded)
		ch_deadline_begin_shielded(&frame->deadline, call->timeout_ms);
	else
		ch_deadline_begin(&frame->deadline, call->timeout_ms);
	frame->started_us = ch_clock->now_us();
	__atomic_add_fetch(&ch_call_running, 1, __ATOMIC_RELEASE);
}

/* The slot about to run sends something. */
static void
count_request(const ChCall *call)
{
	if (call->requests != NULL)
		pg_atomic_fetch_add_u64(call->requests, 1);
}

static bool
status_is_failure(ConnhubStatus status)
{
	return status != CONNHUB_OK && status != CONNHUB_WAIT && status != CONNHUB_DONE;
}

/* A driver may have left anything in the error. */
static void
complete_error(ConnhubError *error, ConnhubStatus status, const ChCall *call)
{
	error->message[sizeof(error->message) - 1] = '\0';
	error->detail[sizeof(error->detail) - 1] = '\0';
	error->hint[sizeof(error->hint) - 1] = '\0';
	error->sqlstate[sizeof(error->sqlstate) - 1] = '\0';
	if ((int) error->phase < 0 || error->phase >= CONNHUB_NPHASES)
		error->phase = CONNHUB_PHASE_NONE;
	error->status = status;
	if (status == CONNHUB_LOST)
		error->connection_lost = true;
	if (error->message[0] != '\0')
		return;

	if (status == CONNHUB_TIMEOUT)
		snprintf(error->message, sizeof(error->message), "%s timed out", call->slot);
	else if (status == CONNHUB_CANCELLED)
		snprintf(error->message, sizeof(error->message), "%s was cancelled", call->slot);
	else if (status == CONNHUB_LOST)
		snprintf(error->message, sizeof(error->message), "the connection was lost");
	else if (status == CONNHUB_NO_MEMORY)
		snprintf(error->message, sizeof(error->message), "out of memory");
	else
		snprintf(error->message, sizeof(error->message), "%s failed without a message", call->slot);
}

static ConnhubStatus
frame_end(Frame *frame, ConnhubStatus status)
{
	ConnhubStatus why = ch_cancelled();

	__atomic_sub_fetch(&ch_call_running, 1, __ATOMIC_RELEASE);
	ch_guard_end();
	/* The driver saw its socket break; the cause is here. */
	if (status_is_failure(status) && ch_guard_fired())
	{
		if (why != CONNHUB_OK && why != status)
		{
			memset(frame->error, 0, sizeof(*frame->error));
			frame->error->column = -1;
			status = why;
		}
		frame->error->connection_lost = true;
	}
	ch_guard_forget();
	ch_deadline_end(&frame->deadline);
	error_context_stack = frame->callback.previous;

	if (status_is_failure(status))
		complete_error(frame->error, status, frame->call);

	/* Even a message may serve an interrupt: not before the caller has noted the outcome. */
	HOLD_INTERRUPTS();
	elog(DEBUG3, "driver %s, %s: status %d after %.3f ms", frame->call->driver->name, frame->call->slot,
		 (int) status, (ch_clock->now_us() - frame->started_us) / 1000.0);
	RESUME_INTERRUPTS();
	return status;
}

/* A status that a slot may not return is a defect of the driver. */
static ConnhubStatus
defect(ConnhubError *error, const char *slot, const char *what)
{
	ch_error_set(error, CONNHUB_INTERNAL, "the driver broke its contract: %s %s", slot, what);
	error->connection_lost = true;
	return CONNHUB_INTERNAL;
}

/* For slots that either do it or fail. */
static ConnhubStatus
only_ok(const ChCall *call, ConnhubStatus status, ConnhubError *error)
{
	if (status == CONNHUB_WAIT || status == CONNHUB_DONE)
		return defect(error, call->slot, "returned a status it must not return");
	return status;
}

static void
wait_begin(ConnhubWait *wait)
{
	memset(wait, 0, sizeof(*wait));
	wait->fd = -1;
	wait->timeout_ms = -1;
}

/* A driver may have filled its texts to the brim. */
static void
complete_info(ConnhubInfo *info)
{
	info->product[sizeof(info->product) - 1] = '\0';
	info->version[sizeof(info->version) - 1] = '\0';
	info->tls_version[sizeof(info->tls_version) - 1] = '\0';
	info->encoding[sizeof(info->encoding) - 1] = '\0';
}

ConnhubStatus
ch_call_open(ChCall *call, const ConnhubConfig *config, ConnhubConn **conn, ConnhubError *error)
{
	Frame		frame;
	ConnhubStatus status;

	*conn = NULL;
	frame_begin(&frame, call, "open", error);
	status = frame_end(&frame, call->driver->open(config, conn, error));
	if (status == CONNHUB_OK && *conn == NULL)
		return defect(error, call->slot, "returned no connection");
	if (status != CONNHUB_OK)
		*conn = NULL;
	return only_ok(call, status, error);
}

ConnhubStatus
ch_call_step(ChCall *call, ConnhubConn *conn, ConnhubWait *wait, ConnhubError *error)
{
	Frame		frame;
	ConnhubStatus status;

	wait_begin(wait);
	frame_begin(&frame, call, "step", error);
	status = frame_end(&frame, call->driver->step(conn, wait, error));
	if (status == CONNHUB_DONE)
		return only_ok(call, status, error);
	return status;
}

void
ch_call_close(ChCall *call, ConnhubConn *conn)
{
	Frame		frame;
	ConnhubError error;

	frame_begin(&frame, call, "close", &error);
	call->driver->close(conn);
	frame_end(&frame, CONNHUB_OK);
}

ConnhubStatus
ch_call_check(ChCall *call, ConnhubConn *conn, ConnhubCheckLevel level, ConnhubInfo *info,
			  ConnhubError *error)
{
	Frame		frame;
	ConnhubStatus status;

	memset(info, 0, sizeof(*info));
	frame_begin(&frame, call, "check", error);
	status = frame_end(&frame, call->driver->check(conn, level, info, error));
	complete_info(info);
	return only_ok(call, status, error);
}

ConnhubStatus
ch_call_check_step(ChCall *call, ConnhubConn *conn, ConnhubInfo *info, ConnhubWait *wait, ConnhubError *error)
{
	Frame		frame;
	ConnhubStatus status;

	memset(info, 0, sizeof(*info));
	wait_begin(wait);
	frame_begin(&frame, call, "check_step", error);
	status = frame_end(&frame, call->driver->check_step(conn, info, wait, error));
	complete_info(info);
	return status == CONNHUB_DONE ? only_ok(call, status, error) : status;
}

ConnhubStatus
ch_call_execute(ChCall *call, ConnhubConn *conn, const ConnhubQuery *query, ConnhubCursor **cursor,
				ConnhubError *error)
{
	Frame		frame;
	ConnhubStatus status;

	*cursor = NULL;
	count_request(call);
	frame_begin(&frame, call, "execute", error);
	status = frame_end(&frame, call->driver->execute(conn, query, cursor, error));
	if (status == CONNHUB_OK && *cursor == NULL)
		return defect(error, call->slot, "returned no cursor");
	if (status != CONNHUB_OK)
		*cursor = NULL;
	return only_ok(call, status, error);
}

ConnhubStatus
ch_call_fetch(ChCall *call, ConnhubCursor *cursor, ConnhubBatch *batch, ConnhubError *error)
{
	Frame		frame;
	ConnhubStatus status;

	frame_begin(&frame, call, "fetch", error);
	status = frame_end(&frame, call->driver->fetch(cursor, batch, error));
	if (status == CONNHUB_WAIT)
		return only_ok(call, status, error);
	if (status == CONNHUB_OK && batch->nrows == 0)
		return defect(error, call->slot, "returned no row");
	return status;
}

ConnhubStatus
ch_call_close_cursor(ChCall *call, ConnhubCursor *cursor, ConnhubError *error)
{
	Frame		frame;

	frame_begin(&frame, call, "close_cursor", error);
	return only_ok(call, frame_end(&frame, call->driver->close_cursor(cursor, error)), error);
}

ConnhubStatus
ch_call_cancel(ChCall *call, ConnhubConn *conn, ConnhubError *error)
{
	Frame		frame;

	frame_begin(&frame, call, "cancel", error);
	return only_ok(call, frame_end(&frame, call->driver->cancel(conn, error)), error);
}

ConnhubStatus
ch_call_discover(ChCall *call, ConnhubConn *conn, const ConnhubDiscoverRequest *request, ConnhubSink *sink,
				 ConnhubError *error)
{
	Frame		frame;

	frame_begin(&frame, call, "discover", error);
	return only_ok(call, frame_end(&frame, call->driver->discover(conn, request, sink, error)), error);
}

ConnhubStatus
ch_call_begin(ChCall *call, ConnhubConn *conn, const ConnhubTxn *txn, ConnhubError *error)
{
	Frame		frame;

	count_request(call);
	frame_begin(&frame, call, "begin", error);
	return only_ok(call, frame_end(&frame, call->driver->begin(conn, txn, error)), error);
}

ConnhubStatus
ch_call_commit(ChCall *call, ConnhubConn *conn, ConnhubError *error)
{
	Frame		frame;

	count_request(call);
	frame_begin(&frame, call, "commit", error);
	return only_ok(call, frame_end(&frame, call->driver->commit(conn, error)), error);
}

ConnhubStatus
ch_call_rollback(ChCall *call, ConnhubConn *conn, ConnhubError *error)
{
	Frame		frame;

	count_request(call);
	frame_begin(&frame, call, "rollback", error);
	return only_ok(call, frame_end(&frame, call->driver->rollback(conn, error)), error);
}

/* call->statement is the text that render_write made. */
ConnhubStatus
ch_call_write(ChCall *call, ConnhubConn *conn, const ConnhubWrite *write, const ConnhubRows *rows, uint64 *affected,
			  ConnhubCursor **cursor, ConnhubError *error)
{
	Frame		frame;
	ConnhubStatus status;

	*affected = 0;
	*cursor = NULL;
	count_request(call);
	frame_begin(&frame, call, "write", error);
	status = frame_end(&frame, call->driver->write(conn, write, call->text, rows, affected, cursor, error));
	if (status == CONNHUB_OK && write->nreturning > 0 && *cursor == NULL)
		return defect(error, call->slot, "returned no cursor");
	if (status != CONNHUB_OK)
		*cursor = NULL;
	return only_ok(call, status, error);
}

ConnhubStatus
ch_call_affected(ChCall *call, ConnhubCursor *cursor, uint64 *rows, ConnhubError *error)
{
	Frame		frame;

	*rows = 0;
	frame_begin(&frame, call, "affected", error);
	return only_ok(call, frame_end(&frame, call->driver->affected(cursor, rows, error)), error);
}

ConnhubStatus
ch_call_savepoint(ChCall *call, ConnhubConn *conn, uint32 depth, ConnhubError *error)
{
	Frame		frame;

	count_request(call);
	frame_begin(&frame, call, "savepoint", error);
	return only_ok(call, frame_end(&frame, call->driver->savepoint(conn, depth, error)), error);
}

ConnhubStatus
ch_call_release(ChCall *call, ConnhubConn *conn, uint32 depth, ConnhubError *error)
{
	Frame		frame;

	count_request(call);
	frame_begin(&frame, call, "release", error);
	return only_ok(call, frame_end(&frame, call->driver->release(conn, depth, error)), error);
}

ConnhubStatus
ch_call_rollback_to(ChCall *call, ConnhubConn *conn, uint32 depth, ConnhubError *error)
{
	Frame		frame;

	count_request(call);
	frame_begin(&frame, call, "rollback_to", error);
	return only_ok(call, frame_end(&frame, call->driver->rollback_to(conn, depth, error)), error);
}

ConnhubStatus
ch_call_prepare(ChCall *call, ConnhubConn *conn, const char *gid, ConnhubError *error)
{
	Frame		frame;

	count_request(call);
	frame_begin(&frame, call, "prepare", error);
	return only_ok(call, frame_end(&frame, call->driver->prepare(conn, gid, error)), error);
}

ConnhubStatus
ch_call_finish_prepared(ChCall *call, ConnhubConn *conn, const char *gid, bool commit, ConnhubError *error)
{
	Frame		frame;

	count_request(call);
	frame_begin(&frame, call, "finish_prepared", error);
	return only_ok(call, frame_end(&frame, call->driver->finish_prepared(conn, gid, commit, error)), error);
}

ConnhubStatus
ch_call_list_prepared(ChCall *call, ConnhubConn *conn, const char *prefix,
					  void (*found) (void *arg, const char *gid), void *arg, ConnhubError *error)
{
	Frame		frame;

	count_request(call);
	frame_begin(&frame, call, "list_prepared", error);
	return only_ok(call, frame_end(&frame, call->driver->list_prepared(conn, prefix, found, arg, error)), error);
}

ConnhubStatus
ch_call_ready(ChCall *call, ConnhubCursor *cursor, ConnhubWait *wait, ConnhubError *error)
{
	Frame		frame;
	ConnhubStatus status;

	wait_begin(wait);
	frame_begin(&frame, call, "ready", error);
	status = frame_end(&frame, call->driver->ready(cursor, wait, error));
	return status == CONNHUB_DONE ? only_ok(call, status, error) : status;
}

ConnhubStatus
ch_call_export_snapshot(ChCall *call, ConnhubConn *conn, char *name, Size size, ConnhubError *error)
{
	Frame		frame;

	count_request(call);
	frame_begin(&frame, call, "export_snapshot", error);
	return only_ok(call, frame_end(&frame, call->driver->export_snapshot(conn, name, size, error)), error);
}

ConnhubStatus
ch_call_describe(ChCall *call, ConnhubCursor *cursor,
				 void (*found) (void *arg, const char *name, const ConnhubTypeRef *type), void *arg,
				 ConnhubError *error)
{
	Frame		frame;

	count_request(call);
	frame_begin(&frame, call, "describe", error);
	return only_ok(call, frame_end(&frame, call->driver->describe(cursor, found, arg, error)), error);
}

void
ch_call_raise(const ChCall *call, const ConnhubError *error)
{
	ErrorContextCallback callback;
	char	   *subject = NULL;

	callback.callback = call_context;
	callback.arg = unconstify(ChCall *, call);
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	if (call->connector != NULL)
		subject = psprintf("connector \"%s\"", call->connector);
	ch_error_raise(error, subject);
}
