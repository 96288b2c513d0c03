/* conn/pool.c — the connections of this backend: validate, reuse, close.
 *
 * The list is walked in callbacks of the transaction and of process exit, so an entry is complete whenever it
 * is linked, and closing neither throws nor allocates more than the driver does.  A dead connection is
 * replaced only while nothing has come back in this transaction: after that this side may rely on
 * things that another connection does not know.
 *
 * An open connection has a place in its connector's pool, shared with other processes.  A transaction that holds one
 * connection of a connector and needs another, for another user, cannot give the first one up: it does not wait, but
 * goes beyond pool_size when it must, so that two such transactions never wait for each other.  A session that waits
 * for its client is made to run an empty transaction when somebody waits for its place or its idle_timeout is over. */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "catalog/cat_connector.h"
#include "common/clock.h"
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

/* A source that asks for a longer pause than this gets an error raised instead. */
#define RETRY_AFTER_MOST_MS 30000

static dlist_head connections = DLIST_STATIC_INIT(connections);
static MemoryContext pool_context = NULL;
static int	exit_registered_pid = 0;
static TimeoutId idle_timer;

static ChConn *conn_create(const ChConnector *connector, Oid user);
static ChConn *conn_find(const ChConnector *connector, Oid user);
static bool conn_open(ChConn *conn, const ChConnector *connector, ChSlotWish wish);
static ChConn *acquire(const ChConnector *connector, Oid user, ChSlotWish wish);
static void conn_free(ChConn *conn);
static void close_at_exit(int code, Datum arg);
static void drop_outdated(void);
static void require_enabled(const ChConnector *connector);
static const ChConnector *require_unchanged(const ChConn *conn);
static bool require_alive(ChConn *conn, const ChConnector *connector, ChSlotWish wish);
static bool take_place(ChPlace *place, ChShared *shared, const ChConnector *connector, ChSlotWish wish);
static void watch_idle(void);

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
	if (conn->place.shared != NULL)
		call->requests = &conn->place.shared->counters[CH_COUNT_REQUESTS];
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
	if (conn->place.shared != NULL)
		ch_shared_failed(conn->place.shared, error);
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
	return acquire(connector, user, CH_SLOT_WAIT);
}

ChConn *
ch_conn_acquire_now(const ChConnector *connector, Oid user)
{
	ChConn	   *conn = acquire(connector, user, CH_SLOT_NOW);

	return conn != NULL && ch_ceilings_apply(&conn->ceilings) ? NULL : conn;
}

static ChConn *
acquire(const ChConnector *connector, Oid user, ChSlotWish wish)
{
	ChConn	   *conn;

	require_enabled(connector);
	drop_outdated();
	conn = conn_find(connector, user);
	if (conn == NULL)
		conn = conn_create(connector, user);
	if (!require_alive(conn, connector, wish))
		return NULL;
	if (!conn->is_used)
		ch_ceilings_load(&conn->ceilings, connector, user);
	conn->is_used = true;
	ch_slot_set_idle(&conn->place, false);
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
		on_shmem_exit(close_at_exit, (Datum) 0);
		idle_timer = RegisterTimeout(USER_TIMEOUT, ch_compat_nudge_self);
		exit_registered_pid = MyProcPid;
	}
	conn = MemoryContextAlloc(pool_context, sizeof(ChConn));
	*conn = made;
	conn->name = MemoryContextStrdup(pool_context, connector->name);
	dlist_init(&conn->streams);
	dlist_push_tail(&connections, &conn->node);
	return conn;
}

/* False: there was no place for it now. */
static bool
require_alive(ChConn *conn, const ChConnector *connector, ChSlotWish wish)
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
		return true;
	if (conn->has_sent)
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("the connection of connector \"%s\" was lost in this transaction", conn->name),
				 errhint("Run the transaction again.")));
	ch_pool_close(conn);
	return conn_open(conn, connector, wish);
}

void
ch_pool_reopen(ChConn *conn)
{
	ch_pool_close(conn);
	conn->has_sent = false;
	conn_open(conn, require_unchanged(conn), CH_SLOT_WAIT);
}

/* All of the time by chance, so that sessions do not come back together. */
bool
ch_pool_back_off(int attempt, const ConnhubError *error)
{
	int64		most = Min(RETRY_MOST_MS, (int64) RETRY_FIRST_MS << Min(attempt, 10));
	int64		pause = (int64) (ch_compat_random() * most);
	ConnhubError interrupt = {.status = CONNHUB_CANCELLED};
	ChWaitKind	shown;
	ConnhubStatus status;

	if (error->retry_after_ms > RETRY_AFTER_MOST_MS)
		return false;
	shown = ch_wait_show(CH_WAIT_RETRY);
	status = ch_wait(-1, 0, Max(error->retry_after_ms, 0) + pause);
	ch_wait_show(shown);
	if (status == CONNHUB_CANCELLED)
		ch_error_raise(&interrupt, NULL);
	return true;
}

ConnhubStatus
ch_pool_try_run(const ChCircuit *circuit, ChCall *call, ChOpening *opening, ConnhubConn **handle, ChPhaseTimes *times,
				ConnhubError *error)
{
	int64		started = ch_clock->now_us();
	ConnhubStatus status = ch_opening_run(call, opening, handle, times, error);

	if (!ch_shared_report(circuit, error, ch_clock->now_us() - started))
		error->retryable = false;
	return status;
}

ConnhubStatus
ch_pool_try_open(ChShared *shared, ChCall *call, const ChTarget *target, ConnhubConn **handle, ChPhaseTimes *times,
				 ConnhubError *error)
{
	ChCircuit	circuit = ch_shared_circuit(shared, target->connector);
	ChOpening  *opening = ch_opening_prepare(call, target, error);

	if (opening != NULL)
		return ch_pool_try_run(&circuit, call, opening, handle, times, error);
	*handle = NULL;
	ch_shared_report(&circuit, error, 0);
	return error->status;
}

static bool
is_of(const ChConn *conn, const ChConnector *connector)
{
	return memcmp(&conn->connector, &connector->id, sizeof(pg_uuid_t)) == 0;
}

/* A place: a free one, else that of an idle connection of this session, else as the wish says. */
static bool
take_place(ChPlace *place, ChShared *shared, const ChConnector *connector, ChSlotWish wish)
{
	bool		holds_another = false;
	dlist_mutable_iter iter;

	if (ch_slot_take(place, shared, connector, CH_SLOT_NOW))
		return true;
	dlist_foreach_modify(iter, &connections)
	{
		ChConn	   *conn = dlist_container(ChConn, node, iter.cur);

		if (!is_of(conn, connector) || conn->handle == NULL)
			continue;
		if (conn->is_used)
			holds_another = true;
		else
			conn_free(conn);
	}
	if (holds_another && wish == CH_SLOT_WAIT)
		wish = CH_SLOT_BEYOND;
	return ch_slot_take(place, shared, connector, wish);
}

void
ch_pool_take_place(ChPlace *place, const ChConnector *connector)
{
	ChShared   *shared = ch_shared_entry(&connector->id);

	ch_shared_require_circuit(shared, connector);
	PG_TRY();
	{
		take_place(place, shared, connector, CH_SLOT_WAIT);
	}
	PG_CATCH();
	{
		ch_shared_give_up(shared);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/* Open in the place taken; try again what may pass. */
static void
open_in_place(ChConn *conn, const ChConnector *connector)
{
	ChShared   *shared = conn->place.shared;
	ChTarget	target = {.connector = connector, .user = conn->user};
	ChCall		call = {.driver = conn->driver, .connector = conn->name};
	ConnhubError error;

	for (int attempt = 0;; attempt++)
	{
		if (ch_pool_try_open(shared, &call, &target, &conn->handle, NULL, &error) == CONNHUB_OK)
		{
			conn->is_fresh = true;
			return;
		}
		if (!error.retryable || attempt >= conn->max_retries || !ch_pool_back_off(attempt, &error))
			ch_call_raise(&call, &error);
		ch_shared_count(shared, CH_COUNT_RETRIES, 1);
		target.connector = require_unchanged(conn);
	}
}

/* False: there was no place for it now. */
static bool
conn_open(ChConn *conn, const ChConnector *connector, ChSlotWish wish)
{
	ChShared   *shared = ch_shared_entry(&connector->id);
	volatile bool taken = false;

	conn->query_timeout_ms = ch_connector_option_ms(connector, "query_timeout");
	conn->idle_timeout_ms = ch_connector_option_ms(connector, "idle_timeout");
	conn->max_retries = ch_connector_option_integer(connector, "max_retries");
	ch_shared_require_circuit(shared, connector);
	PG_TRY();
	{
		taken = take_place(&conn->place, shared, connector, wish);
		if (taken)
			open_in_place(conn, connector);
		else
			ch_shared_give_up(shared);
	}
	PG_CATCH();
	{
		ch_shared_give_up(shared);
		ch_slot_give(&conn->place);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return taken;
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
	if (handle != NULL)
	{
		ch_pool_cleanup_call(conn, &call);
		ch_close(&call, handle);
	}
	ch_slot_give(&conn->place);
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
	int64		now = dlist_is_empty(&connections) ? 0 : ch_clock->now_ms();
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &connections)
	{
		ChConn	   *conn = dlist_container(ChConn, node, iter.cur);

		if (conn->is_used)
			conn->idle_since_ms = now;
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
		else if (ch_slot_is_wanted(&conn->place))
		{
			ch_shared_count(conn->place.shared, CH_COUNT_POOL_GIVEN_BACK, 1);
			conn_free(conn);
		}
		else if (conn->idle_timeout_ms > 0 && now - conn->idle_since_ms >= conn->idle_timeout_ms)
			conn_free(conn);
		else
			ch_slot_set_idle(&conn->place, true);
	}
	watch_idle();
}

/* Have the next idle_timeout looked after.  A timer too early does no harm, so one that runs is left alone unless it is
 * late. */
static void
watch_idle(void)
{
	int64		next = PG_INT64_MAX;
	TimestampTz at;
	dlist_iter	iter;

	dlist_foreach(iter, &connections)
	{
		ChConn	   *conn = dlist_container(ChConn, node, iter.cur);

		if (conn->idle_timeout_ms > 0)
			next = Min(next, conn->idle_since_ms + conn->idle_timeout_ms);
	}
	if (next == PG_INT64_MAX)
		return;
	at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), next - ch_clock->now_ms() + 1);
	if (!get_timeout_active(idle_timer) || get_timeout_finish_time(idle_timer) > at)
		enable_timeout_at(idle_timer, at);
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
	ch_shared_init();
	ch_slots_init();
	ch_xact_init();
}
