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

void
ch_driver_fill_defaults(ConnhubDriver *driver)
{
	if (driver->cancel == NULL)
		driver->cancel = default_cancel;
	if (driver->discover == NULL)
		driver->discover = default_discover;
	if (driver->begin == NULL)
		driver->begin = default_begin;
	if (driver->commit == NULL)
		driver->commit = default_commit;
	if (driver->rollback == NULL)
		driver->rollback = default_rollback;
}
