/* conn/probe.c — connections of their own for a test and for discovery: opened, used once, closed.
 *
 * Nothing of the catalogue is read after opening has begun.  A sink may throw: its error is kept until the
 * driver's frames are gone, and raised then. */
#include "postgres.h"

#include "catalog/cat_connector.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/wait.h"
#include "conn/open.h"
#include "conn/pool.h"
#include "driver/registry.h"

static ConnhubStatus open_for_probe(ChCall *call, const ChTarget *target, ConnhubConn **handle, ChPhaseTimes *times,
									ConnhubError *error);
static const char *target_name(const ChTarget *target);
static void serve_interrupt(const ConnhubError *error);

void
ch_conn_probe(const ChTarget *target, ConnhubInfo *info, ChPhaseTimes *times, ConnhubError *error)
{
	ChCall		call = {
		.driver = ch_driver_require(target->connector->driver),
		.connector = target_name(target),
	};
	int64		connect_timeout_ms = ch_connector_option_ms(target->connector, "connect_timeout");
	int64		started = ch_clock->now_us();
	ConnhubConn *handle;

	for (int i = 0; i < CONNHUB_NPHASES; i++)
		times->us[i] = -1;
	memset(info, 0, sizeof(*info));
	if (open_for_probe(&call, target, &handle, times, error) == CONNHUB_OK)
	{
		ConnhubPhase last;

		call.timeout_ms = connect_timeout_ms;
		ch_phases_begin(times);
		ch_call_check(&call, handle, CONNHUB_CHECK_ACCESS, info, error);
		last = ch_phases_end();
		if (error->status != CONNHUB_OK && error->phase == CONNHUB_PHASE_NONE)
			error->phase = last;
		ch_close(&call, handle);
	}
	times->total_us = ch_clock->now_us() - started;
	serve_interrupt(error);
}

/* A full pool says nothing about the source, and a breaker is to hear of a source that is back: neither stands in the
 * way of a test. */
static ConnhubStatus
open_for_probe(ChCall *call, const ChTarget *target, ConnhubConn **handle, ChPhaseTimes *times, ConnhubError *error)
{
	static const pg_uuid_t unsaved;

	if (memcmp(&target->connector->id, &unsaved, sizeof(unsaved)) == 0)
		return ch_open(call, target, handle, times, error);
	return ch_pool_try_open(ch_shared_entry(&target->connector->id), call, target, handle, times, error);
}

static const char *
target_name(const ChTarget *target)
{
	return target->connector->name != NULL ? pstrdup(target->connector->name) : NULL;
}

static void
serve_interrupt(const ConnhubError *error)
{
	if (error->status == CONNHUB_CANCELLED)
		ch_error_raise(error, NULL);
}

/* ---- Discovery --------------------------------------------------------------------------- */

/* The sink the driver sees; the first member is what its callbacks get. */
typedef struct GuardedSink
{
	ConnhubSink base;
	ConnhubSink *inner;
	MemoryContext context;
	ErrorData  *thrown;
} GuardedSink;

/* Call a function of the inner sink and turn what it throws into a status. */
#define GUARDED_CALL(function, Info) \
static ConnhubStatus \
guarded_##function(ConnhubSink *sink, const Info *info) \
{ \
	GuardedSink *guard = (GuardedSink *) sink; \
	MemoryContext context = CurrentMemoryContext; \
	ChDeadline *deadlines; \
	volatile ConnhubStatus status = CONNHUB_INTERNAL; \
\
	if (guard->thrown != NULL) \
		return CONNHUB_INTERNAL; \
	if (guard->inner->function == NULL) \
		return CONNHUB_OK; \
	deadlines = ch_deadline_suspend(); \
	MemoryContextSwitchTo(guard->context); \
	PG_TRY(); \
	{ \
		status = guard->inner->function(guard->inner, info); \
	} \
	PG_CATCH(); \
	{ \
		MemoryContextSwitchTo(guard->context); \
		guard->thrown = CopyErrorData(); \
		FlushErrorState(); \
	} \
	PG_END_TRY(); \
	ch_deadline_resume(deadlines); \
	MemoryContextSwitchTo(context); \
	return status; \
}

GUARDED_CALL(schema, ConnhubSchemaInfo)
GUARDED_CALL(table, ConnhubTableInfo)
GUARDED_CALL(column, ConnhubColumnInfo)
GUARDED_CALL(key, ConnhubKeyInfo)
GUARDED_CALL(index, ConnhubIndexInfo)
GUARDED_CALL(stats, ConnhubStatsInfo)

/* A discovery on its way: its place in the pool and its opening, until it has run or its memory goes. */
struct ChDiscoverCall
{
	ChCall		call;
	ChPlace		place;
	ChCircuit	circuit;
	ChOpening  *opening;
	int64		query_timeout_ms;
	MemoryContextCallback reset;
};

static void
give_place(void *arg)
{
	ChDiscoverCall *prepared = arg;

	if (prepared->place.shared == NULL)
		return;
	ch_shared_give_up(prepared->place.shared);
	ch_slot_give(&prepared->place);
	prepared->place.shared = NULL;
}

ChDiscoverCall *
ch_conn_discover_prepare(const ChConnector *connector, Oid user)
{
	ChDiscoverCall *prepared = palloc0(sizeof(ChDiscoverCall));
	ChTarget	target = {.connector = connector, .user = user};
	ConnhubError error;

	prepared->call.driver = ch_driver_require(connector->driver);
	prepared->call.connector = target_name(&target);
	prepared->query_timeout_ms = ch_connector_option_ms(connector, "query_timeout");
	prepared->circuit = ch_shared_circuit(ch_shared_entry(&connector->id), connector);
	prepared->reset.func = give_place;
	prepared->reset.arg = prepared;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &prepared->reset);
	ch_pool_take_place(&prepared->place, connector);
	prepared->opening = ch_opening_prepare(&prepared->call, &target, &error);
	if (prepared->opening == NULL)
		ch_call_raise(&prepared->call, &error);
	return prepared;
}

/* Over an open connection, which is closed. */
static ConnhubStatus
discover(ChDiscoverCall *prepared, ConnhubConn *handle, const ConnhubDiscoverRequest *request, ConnhubSink *sink,
		 ConnhubInfo *info, ConnhubError *error)
{
	ChCall	   *call = &prepared->call;
	ConnhubStatus status;

	call->timeout_ms = prepared->query_timeout_ms;
	status = ch_call_check(call, handle, CONNHUB_CHECK_ACCESS, info, error);
	if (status == CONNHUB_OK)
		status = ch_call_discover(call, handle, request, sink, error);
	if (status == CONNHUB_CANCELLED || status == CONNHUB_TIMEOUT)
		ch_stop(call, handle);
	ch_close(call, handle);
	return status;
}

void
ch_conn_discover_run(ChDiscoverCall *prepared, const ConnhubDiscoverRequest *request, ConnhubSink *sink,
					 ConnhubInfo *info)
{
	GuardedSink guard = {
		.base = {
			.struct_size = sizeof(ConnhubSink),
			.schema = guarded_schema,
			.table = guarded_table,
			.column = guarded_column,
			.key = guarded_key,
			.index = guarded_index,
			.stats = guarded_stats,
		},
		.inner = sink,
		.context = CurrentMemoryContext,
	};
	ConnhubError error;
	ConnhubStatus status;
	ConnhubConn *handle;

	status = ch_pool_try_run(&prepared->circuit, &prepared->call, prepared->opening, &handle, NULL, &error);
	if (status == CONNHUB_OK)
		status = discover(prepared, handle, request, &guard.base, info, &error);
	give_place(prepared);
	if (guard.thrown != NULL)
		ReThrowError(guard.thrown);
	if (status != CONNHUB_OK)
		ch_call_raise(&prepared->call, &error);
}

void
ch_conn_discover(const ChConnector *connector, Oid user, const ConnhubDiscoverRequest *request,
				 ConnhubSink *sink, ConnhubInfo *info)
{
	ch_conn_discover_run(ch_conn_discover_prepare(connector, user), request, sink, info);
}
