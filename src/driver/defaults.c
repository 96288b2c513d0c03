/* driver/defaults.c — a stub for every optional slot, so that no caller tests for NULL. */
#include "postgres.h"

#include "common/error.h"
#include "driver/defaults.h"

static ConnhubStatus
unsupported(ConnhubError *error, const char *what)
{
	ch_error_set(error, CONNHUB_UNSUPPORTED, "the driver does not support %s", what);
	return CONNHUB_UNSUPPORTED;
}

static ConnhubStatus
default_cancel(ConnhubConn *conn, ConnhubError *error)
{
	return unsupported(error, "cancelling a query at the source");
}

static ConnhubStatus
default_discover(ConnhubConn *conn, const ConnhubDiscoverRequest *request, ConnhubSink *sink,
				 ConnhubError *error)
{
	return unsupported(error, "discovery");
}

static ConnhubStatus
default_begin(ConnhubConn *conn, const ConnhubTxn *txn, ConnhubError *error)
{
	return unsupported(error, "transactions");
}

static ConnhubStatus
default_commit(ConnhubConn *conn, ConnhubError *error)
{
	return unsupported(error, "transactions");
}

static ConnhubStatus
default_rollback(ConnhubConn *conn, ConnhubError *error)
{
	return unsupported(error, "transactions");
}

static ConnhubStatus
default_render_write(const ConnhubSource *source, const ConnhubWrite *write, ConnhubText *out, ConnhubError *error)
{
	return unsupported(error, "writing");
}

static ConnhubStatus
default_write(ConnhubConn *conn, const ConnhubWrite *write, const char *text, const ConnhubRows *rows,
			  uint64_t *affected, ConnhubCursor **cursor, ConnhubError *error)
{
	return unsupported(error, "writing");
}

static ConnhubStatus
default_render_modify(const ConnhubSource *source, const ConnhubModify *modify, ConnhubText *out, ConnhubError *error)
{
	return unsupported(error, "changing rows at one go");
}

static ConnhubStatus
default_affected(ConnhubCursor *cursor, uint64_t *rows, ConnhubError *error)
{
	return unsupported(error, "changing rows at one go");
}

static ConnhubStatus
default_savepoint(ConnhubConn *conn, uint32_t depth, ConnhubError *error)
{
	return unsupported(error, "savepoints");
}

static ConnhubStatus
default_prepare(ConnhubConn *conn, const char *gid, ConnhubError *error)
{
	return unsupported(error, "two-phase commit");
}

static ConnhubStatus
default_finish_prepared(ConnhubConn *conn, const char *gid, bool commit, ConnhubError *error)
{
	return unsupported(error, "two-phase commit");
}

static ConnhubStatus
default_list_prepared(ConnhubConn *conn, const char *prefix, void (*found) (void *arg, const char *gid), void *arg,
					  ConnhubError *error)
{
	return unsupported(error, "two-phase commit");
}

static ConnhubStatus
default_ready(ConnhubCursor *cursor, ConnhubWait *wait, ConnhubError *error)
{
	return unsupported(error, "waiting for several cursors at once");
}

static ConnhubStatus
default_export_snapshot(ConnhubConn *conn, char *name, size_t size, ConnhubError *error)
{
	return unsupported(error, "sharing a snapshot");
}

static ConnhubStatus
default_describe(ConnhubCursor *cursor, void (*found) (void *arg, const char *name, const ConnhubTypeRef *type),
				 void *arg, ConnhubError *error)
{
	return unsupported(error, "telling the columns of a result");
}

static ConnhubStatus
default_check_step(ConnhubConn *conn, ConnhubInfo *info, ConnhubWait *wait, ConnhubError *error)
{
	return unsupported(error, "checking step by step");
}

#define FILL(slot, stub) \
	do { if (driver->slot == NULL) driver->slot = (stub); } while (0)

void
ch_driver_fill_defaults(ConnhubDriver *driver)
{
	FILL(cancel, default_cancel);
	FILL(discover, default_discover);
	FILL(begin, default_begin);
	FILL(commit, default_commit);
	FILL(rollback, default_rollback);
	FILL(render_write, default_render_write);
	FILL(write, default_write);
	FILL(render_modify, default_render_modify);
	FILL(affected, default_affected);
	FILL(savepoint, default_savepoint);
	FILL(release, default_savepoint);
	FILL(rollback_to, default_savepoint);
	FILL(prepare, default_prepare);
	FILL(finish_prepared, default_finish_prepared);
	FILL(list_prepared, default_list_prepared);
	FILL(ready, default_ready);
	FILL(export_snapshot, default_export_snapshot);
	FILL(describe, default_describe);
	FILL(check_step, default_check_step);
}
