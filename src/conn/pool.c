/* conn/pool.c — the connections of this backend: validate, reuse, close.
 *
 * The list is walked in callbacks of the transaction and of process exit, so an entry is complete whenever it
 * is linked, and closing neither throws nor allocates more than the driver does.  A dead connection is
 * replaced only while nothing has come back in this transaction: after that this side may rely on
 * things that another connection does not know. */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/memutils.h"

#include "catalog/cat_connector.h"
#include "common/compat.h"
#include "common/error.h"
#include "common/guc.h"
#include "common/wait.h"
#include "conn/cursor.h"
#include "conn/flow.h"
#include "conn/open.h"
#include "conn/pool.h"
#include "conn/xact.h"
#include "driver/registry.h"

#define RETRY_FIRST_MS 50
#define RETRY_MOST_MS 1000

static dlist_head connections = DLIST_STATIC_INIT(connections);
static MemoryContext pool_context = NULL;
static int	exit_registered_pid = 0;

static ChConn *conn_create(const ChConnector *connector, Oid user);
static ChConn *conn_find(const ChConnector *connector, Oid user);
static void conn_open(ChConn *conn, const ChConnector *connector);
static void conn_free(ChConn *conn);
static void close_at_exit(int code, Datum arg);
static void drop_outdated(void);
static void require_enabled(const ChConnector *connector);
static const ChConnector *require_unchanged(const ChConn *conn);
static void require_alive(ChConn *conn, const ChConnector *connector);

dlist_head *
ch_pool_connections(void)
{
	return &connections;
}

void
ch_pool_call(ChConn *conn, ChCall *call)
{
	memset(call, 0, sizeof(*call));
	call->driver = conn->driver;
	call->connector = conn->name;
	call->timeout_ms = conn->query_timeout_ms;
}

void
ch_pool_cleanup_call(ChConn *conn, ChCall *call)
{
	ch_pool_call(conn, call);
	call->timeout_ms = ch_cancel_timeout_ms;
	call->shielded = true;
}

void
ch_pool_note_failure(ChConn *conn, const ConnhubError *error)
{
	if (error->status == CONNHUB_CANCELLED || error->status == CONNHUB_TIMEOUT)
		conn->is_interrupted = true;
	if (error->connection_lost || error->status == CONNHUB_INTERNAL)
		conn->is_broken = true;
	if (conn->txn == CH_TXN_OPEN)
		conn->txn = CH_TXN_FAILED;
}

ChConn *
ch_conn_acquire(const ChConnector *connector, Oid user)
{
	ChConn	   *conn;

	require_enabled(connector);
	drop_outdated();
	conn = conn_find(connector, user);
	if (conn == NULL)
		conn = conn_create(connector, user);
	require_alive(conn, connector);
	conn->is_used = true;
	return conn;
}

static void
require_enabled(const ChConnector *connector)
{
	if (!connector->enabled)
		ereport(ERROR,
				(errcode(ERRCODE_CH_DISABLED),
				 errmsg("connector \"%s\" is disabled", connector->name),
				 errhint("Enable it with connhub.enable.")));
}

/* The connector after a wait, during which it may have been changed.  The statement about to run was made
 * for what it was. */
static const ChConnector *
require_unchanged(const ChConn *conn)
{
	const ChConnector *now = ch_connector_get(&conn->connector, false);

	require_enabled(now);
	if (now->config_version != conn->config_version)
		ereport(ERROR,
				(errcode(ERRCODE_CH_SCHEMA_CHANGED),
				 errmsg("connector \"%s\" was changed while it was being opened", conn->name),
				 errhint("Run the query again.")));
	return now;
}

/* Idle connections of connectors that were changed, disabled or removed since. */
static void
drop_outdated(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &connections)
	{
		ChConn	   *conn = dlist_container(ChConn, node, iter.cur);
		const ChConnector *now;

		if (conn->is_used)
			continue;
		now = ch_connector_get(&conn->connector, true);
		if (now == NULL || !now->enabled || now->config_version != conn->config_version ||
			now->secret_version != conn->secret_version)
			conn_free(conn);
	}
}

static ChConn *
conn_find(const ChConnector *connector, Oid user)
{
	dlist_iter	iter;

	dlist_foreach(iter, &connections)
	{
		ChConn	   *conn = dlist_container(ChConn, node, iter.cur);

		if (memcmp(&conn->connector, &connector->id, sizeof(pg_uuid_t)) == 0 && conn->user == user &&
			conn->config_version == connector->config_version &&
			conn->secret_version == connector->secret_version)
			return conn;
	}
	return NULL;
}

static ChConn *
conn_create(const ChConnector *connector, Oid user)
{
	ChConn		made = {
		.user = user,
		.connector = connector->id,
		.config_version = connector->config_version,
		.secret_version = connector->secret_version,
		.driver = ch_driver_require(connector->driver),
		.is_read_only = ch_connector_option_bool(connector, "read_only"),
		.is_two_phase = ch_connector_option_bool(connector, "two_phase"),
		.may_autocommit = ch_connector_option_bool(connector, "allow_autocommit_writes"),
	};
	ChConn	   *conn;

	if (pool_context == NULL)
		pool_context = AllocSetContextCreate(TopMemoryContext, "connhub connections", ALLOCSET_DEFAULT_SIZES);
	if (exit_registered_pid != MyProcPid)
	{
		on_proc_exit(close_at_exit, (Datum) 0);
		exit_registered_pid = MyProcPid;
	}
	conn = MemoryContextAlloc(pool_context, sizeof(ChConn));
	*conn = made;
	conn->name = MemoryContextStrdup(pool_context, connector->name);
	dlist_init(&conn->streams);
	dlist_push_tail(&connections, &conn->node);
	return conn;
}

static void
require_alive(ChConn *conn, const ChConnector *connector)
{
	ChCall		call;
	ConnhubInfo info;
	ConnhubError error;

	if (conn->handle != NULL && !conn->is_used)
	{
		ch_pool_call(conn, &call);
		if (ch_call_check(&call, conn->handle, CONNHUB_CHECK_ALIVE, &info, &error) != CONNHUB_OK)
			ch_pool_close(conn);
	}
	if (conn->handle != NULL && !conn->is_broken && !conn->is_interrupted)
		return;
	if (conn->has_sent)
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("the connection of connector \"%s\" was lost in this transaction", conn->name),
				 errhint("Run the transaction again.")));
	ch_pool_close(conn);
	conn_open(conn, connector);
}

void
ch_pool_reopen(ChConn *conn)
{
	ch_pool_close(conn);
	conn->has_sent = false;
	conn_open(conn, require_unchanged(conn));
}

/* Wait before the next try, half of the time by chance, so that sessions do not come back together. */
static void
back_off(int attempt)
{
	int64		most = Min(RETRY_MOST_MS, (int64) RETRY_FIRST_MS << Min(attempt, 10));
	ConnhubError error = {.status = CONNHUB_CANCELLED};

	most = most / 2 + (int64) (ch_compat_random() * most / 2);
	if (ch_wait(-1, 0, most) == CONNHUB_CANCELLED)
		ch_error_raise(&error, NULL);
}

static void
conn_open(ChConn *conn, const ChConnector *connector)
{
	ChTarget	target = {.connector = connector, .user = conn->user};
	int			retries = ch_connector_option_integer(connector, "max_retries");
	ChCall		call = {.driver = conn->driver, .connector = conn->name};
	ConnhubError error;

	conn->query_timeout_ms = ch_connector_option_ms(connector, "query_timeout");
	for (int attempt = 0;; attempt++)
	{
		if (ch_open(&call, &target, &conn->handle, NULL, &error) == CONNHUB_OK)
		{
			conn->is_fresh = true;
			return;
		}
		if (!error.retryable || attempt >= retries)
			ch_call_raise(&call, &error);
		back_off(attempt);
		target.connector = require_unchanged(conn);
	}
}

void
ch_pool_close(ChConn *conn)
{
	ChCall		call;
	ConnhubConn *handle = conn->handle;

	ch_cursor_forget_all(conn);
	ch_flow_forget(conn, InvalidSubTransactionId);
	conn->handle = NULL;
	conn->is_broken = false;
	conn->is_interrupted = false;
	conn->txn = CH_TXN_NONE;
	conn->nsavepoints = 0;
	if (handle == NULL)
		return;
	ch_pool_cleanup_call(conn, &call);
	ch_close(&call, handle);
}

static void
conn_free(ChConn *conn)
{
	ch_pool_close(conn);
	dlist_delete(&conn->node);
	pfree(conn->name);
	pfree(conn);
}

void
ch_conn_close_all(const pg_uuid_t *connector)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &connections)
	{
		ChConn	   *conn = dlist_container(ChConn, node, iter.cur);

		if (!conn->is_used &&
			(connector == NULL || memcmp(&conn->connector, connector, sizeof(pg_uuid_t)) == 0))
			conn_free(conn);
	}
}

void
ch_pool_end_transaction(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &connections)
	{
		ChConn	   *conn = dlist_container(ChConn, node, iter.cur);

		conn->is_used = false;
		conn->is_fresh = false;
		conn->has_sent = false;
		conn->lost_snapshot = false;
		conn->written_level = 0;
		conn->nsavepoints = 0;
		conn->snapshot[0] = '\0';
		conn->planned_gid[0] = '\0';
		conn->gid[0] = '\0';
		if (conn->handle == NULL || conn->is_broken || conn->is_interrupted || conn->txn != CH_TXN_NONE)
			conn_free(conn);
	}
}

static void
close_at_exit(int code, Datum arg)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &connections)
		ch_pool_close(dlist_container(ChConn, node, iter.cur));
}

void
ch_conn_init(void)
{
	ch_xact_init();
}
