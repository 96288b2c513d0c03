/* health/many.c — tests of hundreds of connectors at once, in one process with one wait.
 *
 * Each test is a slot that goes from state to state; a slot is touched when its descriptor is ready, when its time has
 * come, or when a transaction is open that can give it what it needs.  Descriptors are watched by an epoll set, whose
 * own descriptor is waited for beside the latch.  A driver may close and open descriptors as it likes: a closed one
 * leaves the set by itself, and each is armed for one event only.
 *
 * Secrets are unsealed when a connection is opened and wiped when it is open.  Names are looked up in threads before
 * that, without a transaction. */
#include "postgres.h"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/memutils.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/offload.h"
#include "common/txn.h"
#include "common/wait.h"
#include "conn/open.h"
#include "conn/shared.h"
#include "driver/registry.h"
#include "health/many.h"

/* Slots that one transaction serves, so that those on the network wait no longer than it takes. */
#define TRANSACTION_SLOTS 16
#define EVENTS 128

/* Threads that may look up names; one whose resolver does not answer counts until it does. */
#define LOOKUP_THREADS 32

/* Name look-ups of a connector that waits for a thread are tried again so often. */
#define RETRY_MS 20

typedef enum SlotState
{
	SLOT_FREE,
	SLOT_NEW,					/* wants a transaction, to be read */
	SLOT_LOOKUP,				/* wants a thread to look up its host */
	SLOT_RESOLVING,				/* waits for that */
	SLOT_RESOLVED,				/* wants a transaction, to be opened */
	SLOT_OPENING,
	SLOT_CHECKING,
	SLOT_DONE
} SlotState;

typedef struct Slot
{
	SlotState	state;
	ChCheck		check;
	MemoryContext context;		/* of what it needs from transaction to transaction */
	ChCall		call;
	char	   *host;			/* to be looked up; NULL: none */
	ChLookup   *lookup;
	ChAddresses addresses;		/* none: there was nothing to look up */
	ChOpening  *opening;
	ChCircuit	circuit;		/* hears how opening ends; shared NULL: it has not begun */
	ConnhubConn *handle;
	ChPhaseClock clock;
	int64		timeout_ms;		/* of opening, and again of checking */
	int64		started_us;
	int64		deadline_ms;
	int64		wake_ms;		/* step again then; INT64_MAX: the descriptor tells */
	int			fd;				/* in the epoll set; -1: none */
	bool		is_ready;
} Slot;

struct ChMany
{
	MemoryContext context;
	int			epoll;
	int			limit;
	int			nactive;		/* neither free nor done */
	int			ndone;
	Slot	   *slots;
};

static void serve_transaction(ChMany *many);
static void start_lookup(ChMany *many, Slot *slot);
static void drive(ChMany *many, Slot *slot);

/* ---- The set ----------------------------------------------------------------------------- */

ChMany *
ch_many_create(int limit)
{
	ChMany	   *many = palloc0(sizeof(ChMany));

	many->context = CurrentMemoryContext;
	many->limit = limit;
	many->slots = palloc0(sizeof(Slot) * limit);
	many->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (many->epoll < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not watch several connections: %m")));
	return many;
}

int
ch_many_room(const ChMany *many)
{
	return many->limit - many->nactive - many->ndone;
}

int
ch_many_active(const ChMany *many)
{
	return many->nactive;
}

void
ch_many_add(ChMany *many, const pg_uuid_t *id)
{
	for (int i = 0; i < many->limit; i++)
	{
		Slot	   *slot = &many->slots[i];

		if (slot->state != SLOT_FREE)
			continue;
		memset(slot, 0, sizeof(*slot));
		slot->state = SLOT_NEW;
		slot->check.id = *id;
		ch_probe_begin(&slot->check.probe);
		slot->fd = -1;
		slot->wake_ms = PG_INT64_MAX;
		slot->deadline_ms = PG_INT64_MAX;
		many->nactive++;
		return;
	}
	elog(ERROR, "more tests were added than there is room for");
}

/* Give up what a slot holds outside memory.  Does not throw. */
static void
release(Slot *slot)
{
	if (slot->lookup != NULL)
		ch_resolve_forget(slot->lookup);
	slot->lookup = NULL;
	if (slot->handle != NULL)
		ch_close(&slot->call, slot->handle);
	slot->handle = NULL;
	ch_opening_end(slot->opening, NULL);
	slot->opening = NULL;
	slot->fd = -1;
}

/* The breaker and the counters of the connector hear how opening went, once. */
static void
report_opening(Slot *slot)
{
	if (slot->circuit.shared != NULL)
		ch_shared_report(&slot->circuit, &slot->check.probe.error, ch_clock->now_us() - slot->started_us);
	slot->circuit.shared = NULL;
}

/* The test has ended, as its probe's error says. */
static void
finish(ChMany *many, Slot *slot)
{
	ChProbe    *probe = &slot->check.probe;

	if (slot->clock.times != NULL)
	{
		ConnhubPhase last;

		ch_phases_use(&slot->clock);
		last = ch_phases_end();
		ch_phases_use(NULL);
		if (probe->error.status != CONNHUB_OK && probe->error.phase == CONNHUB_PHASE_NONE)
			probe->error.phase = last;
		probe->times.total_us = ch_clock->now_us() - slot->started_us;
	}
	report_opening(slot);
	ch_probe_end(probe);
	release(slot);
	slot->state = SLOT_DONE;
	many->nactive--;
	many->ndone++;
}

int
ch_many_take(ChMany *many, ChCheck *checks, int count)
{
	int			taken = 0;

	for (int i = 0; i < many->limit && taken < count; i++)
	{
		Slot	   *slot = &many->slots[i];

		if (slot->state != SLOT_DONE)
			continue;
		checks[taken++] = slot->check;
		if (slot->context != NULL)
			MemoryContextDelete(slot->context);
		slot->context = NULL;
		slot->state = SLOT_FREE;
		many->ndone--;
	}
	return taken;
}

void
ch_many_free(ChMany *many)
{
	for (int i = 0; i < many->limit; i++)
	{
		Slot	   *slot = &many->slots[i];

		if (slot->state == SLOT_FREE)
			continue;
		release(slot);
		if (slot->context != NULL)
			MemoryContextDelete(slot->context);
	}
	ch_phases_use(NULL);
	close(many->epoll);
	pfree(many->slots);
	pfree(many);
}

/* ---- Waiting ----------------------------------------------------------------------------- */

/* Have the set tell once when fd is ready.  A descriptor that could not be watched is tried again soon. */
static void
watch(ChMany *many, Slot *slot, int fd, int events)
{
	struct epoll_event event = {.events = EPOLLONESHOT};
	int			rc;

	event.data.ptr = slot;
	event.events |= ((events & CONNHUB_READABLE) ? EPOLLIN : 0) | ((events & CONNHUB_WRITABLE) ? EPOLLOUT : 0);
	rc = epoll_ctl(many->epoll, slot->fd == fd ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
	if (rc != 0 && (errno == ENOENT || errno == EEXIST))
		rc = epoll_ctl(many->epoll, errno == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
	slot->fd = rc == 0 ? fd : -1;
	if (rc != 0)
		slot->wake_ms = ch_clock->now_ms() + RETRY_MS;
}

/* Do as a driver's step has asked. */
static void
await(ChMany *many, Slot *slot, const ConnhubWait *wait)
{
	slot->is_ready = false;
	slot->wake_ms = wait->timeout_ms >= 0 ? ch_clock->now_ms() + wait->timeout_ms : PG_INT64_MAX;
	if (wait->fd >= 0)
		watch(many, slot, wait->fd, wait->events);
}

/* Mark the slots whose time has come; how long the others can wait. */
static int64
look_at_clock(ChMany *many, int64 timeout_ms)
{
	int64		now = ch_clock->now_ms();
	int64		next = PG_INT64_MAX;

	for (int i = 0; i < many->limit; i++)
	{
		Slot	   *slot = &many->slots[i];
		int64		at = Min(slot->wake_ms, slot->deadline_ms);

		if (slot->state == SLOT_FREE || slot->state == SLOT_DONE)
			continue;
		if (slot->state == SLOT_NEW || slot->state == SLOT_RESOLVED || slot->is_ready || at <= now)
		{
			slot->is_ready = true;
			next = now;
		}
		next = Min(next, at);
	}
	if (next == PG_INT64_MAX)
		return timeout_ms;
	next = Max(next - now, 0);
	return timeout_ms < 0 ? next : Min(next, timeout_ms);
}

static void
take_events(ChMany *many)
{
	struct epoll_event events[EVENTS];
	int			count = epoll_wait(many->epoll, events, EVENTS, 0);

	for (int i = 0; i < count; i++)
		((Slot *) events[i].data.ptr)->is_ready = true;
}

int
ch_many_step(ChMany *many, int64 timeout_ms)
{
	int64		wait_ms;

	take_events(many);
	wait_ms = look_at_clock(many, many->ndone > 0 ? 0 : timeout_ms);
	if (wait_ms != 0)
	{
		ch_wait_latch(many->epoll, wait_ms);
		take_events(many);
		look_at_clock(many, 0);
	}
	CHECK_FOR_INTERRUPTS();
	serve_transaction(many);
	for (int i = 0; i < many->limit; i++)
	{
		Slot	   *slot = &many->slots[i];

		if (slot->is_ready && slot->state != SLOT_FREE && slot->state != SLOT_DONE)
			drive(many, slot);
	}
	return many->ndone;
}

/* ---- In a transaction -------------------------------------------------------------------- */

typedef struct SlotCall
{
	ChMany	   *many;
	Slot	   *slot;
} SlotCall;

/* Nothing is to be tested. */
static void
give_up(ChMany *many, Slot *slot)
{
	slot->check.is_void = true;
	finish(many, slot);
}

/* Begin to open: with what was looked up, or without. */
static void
open_slot(ChMany *many, Slot *slot, const ChConnector *connector)
{
	ChTarget	target = {.connector = connector, .user = connector->owner};
	ChProbe    *probe = &slot->check.probe;
	MemoryContext before = MemoryContextSwitchTo(slot->context);
	ConnhubStatus status;

	slot->circuit = ch_shared_circuit(ch_shared_entry(&connector->id), connector);
	ch_phases_use(&slot->clock);
	slot->opening = ch_opening_prepare(&slot->call, &target, &probe->error);
	status = probe->error.status;
	if (slot->opening != NULL)
		status = ch_opening_find(slot->opening, slot->addresses.count > 0 ? &slot->addresses : NULL, &probe->error);
	ch_phases_use(NULL);
	MemoryContextSwitchTo(before);
	if (status != CONNHUB_OK)
	{
		finish(many, slot);
		return;
	}
	slot->state = SLOT_OPENING;
	slot->is_ready = true;
}

/* Read what a test needs of its connector, and if there is nothing to look up, open it. */
static void
read_slot(ChMany *many, Slot *slot, const ChConnector *connector)
{
	const ConnhubTypeSpec *type;
	const char *host;

	ch_check_of(connector, &slot->check);
	ch_probe_begin(&slot->check.probe);
	slot->context = AllocSetContextCreate(many->context, "connhub test", ALLOCSET_SMALL_SIZES);
	slot->clock.times = &slot->check.probe.times;
	slot->timeout_ms = ch_connector_option_ms(connector, "connect_timeout");
	slot->call.connector = MemoryContextStrdup(slot->context, connector->name);
	slot->call.driver = ch_driver_require(connector->driver);
	slot->started_us = slot->clock.entered_us = ch_clock->now_us();
	slot->deadline_ms = ch_clock->now_ms() + slot->timeout_ms;
	type = ch_driver_type(slot->call.driver, connector->type);
	host = type != NULL ? ch_opening_host(connector, type) : NULL;
	if (host == NULL)
	{
		open_slot(many, slot, connector);
		return;
	}
	slot->host = MemoryContextStrdup(slot->context, host);
	slot->state = SLOT_LOOKUP;
	slot->is_ready = true;
	start_lookup(many, slot);
	if (slot->state == SLOT_RESOLVED)
		open_slot(many, slot, connector);
}

static void
serve_slot(void *argument)
{
	SlotCall   *call = argument;
	Slot	   *slot = call->slot;
	const ChConnector *connector = ch_connector_get(&slot->check.id, true);

	if (connector == NULL || !connector->enabled)
		give_up(call->many, slot);
	else if (slot->state == SLOT_NEW && ch_health_postpone(connector))
		give_up(call->many, slot);
	else if (slot->state == SLOT_NEW)
		read_slot(call->many, slot, connector);
	else if (connector->config_version != slot->check.config_version)
		give_up(call->many, slot);
	else
		open_slot(call->many, slot, connector);
}

/* Whatever keeps a connector from being opened here is a finding about it: the others go on. */
static void
note_error(ChMany *many, Slot *slot, ErrorData *error)
{
	ChProbe    *probe = &slot->check.probe;

	ch_phases_use(NULL);
	if (!ch_probe_note(probe, error))
	{
		ch_error_set(&probe->error, CONNHUB_CONFIG, "%s", error->message);
		strlcpy(probe->error.detail, error->detail != NULL ? error->detail : "", sizeof(probe->error.detail));
		strlcpy(probe->error.hint, error->hint != NULL ? error->hint : "", sizeof(probe->error.hint));
	}
	FreeErrorData(error);
	finish(many, slot);
}

/* Serve some of the slots that want a transaction, in one. */
static void
serve_transaction(ChMany *many)
{
	int			served = 0;

	for (int i = 0; i < many->limit && served < TRANSACTION_SLOTS; i++)
	{
		Slot	   *slot = &many->slots[i];
		SlotCall	call = {many, slot};
		ErrorData  *error;

		if (slot->state != SLOT_NEW && slot->state != SLOT_RESOLVED)
			continue;
		if (served++ == 0)
			ch_txn_begin();
		error = ch_error_catch(serve_slot, &call);
		if (error != NULL && ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION)
			ReThrowError(error);
		if (error != NULL)
			note_error(many, slot, error);
	}
	if (served > 0)
	{
		ch_txn_end();
		MemoryContextSwitchTo(many->context);
	}
}

/* ---- Outside any ------------------------------------------------------------------------- */

/* Look up the host of a slot, in a thread unless it is an address. */
static void
start_lookup(ChMany *many, Slot *slot)
{
	ConnhubStatus status;

	/* The wait for a thread is none of the connector's time. */
	if (ch_offload_running() >= LOOKUP_THREADS)
	{
		slot->deadline_ms = PG_INT64_MAX;
		slot->is_ready = false;
		slot->wake_ms = ch_clock->now_ms() + RETRY_MS;
		return;
	}
	ch_phases_use(&slot->clock);
	ch_phases_enter(CONNHUB_PHASE_DNS);
	status = ch_resolve_begin(slot->host, &slot->lookup, &slot->addresses, &slot->check.probe.error);
	ch_phases_use(NULL);
	slot->deadline_ms = ch_clock->now_ms() + slot->timeout_ms;
	slot->wake_ms = PG_INT64_MAX;
	slot->is_ready = false;
	if (status == CONNHUB_WAIT)
	{
		slot->state = SLOT_RESOLVING;
		watch(many, slot, ch_resolve_fd(slot->lookup), CONNHUB_READABLE);
	}
	else if (status == CONNHUB_OK)
		slot->state = SLOT_RESOLVED;
	else
		finish(many, slot);
}

static void
end_lookup(ChMany *many, Slot *slot)
{
	ChLookup   *lookup = slot->lookup;
	struct pollfd pollfd = {.fd = ch_resolve_fd(lookup), .events = POLLIN};

	if (poll(&pollfd, 1, 0) <= 0)
	{
		slot->wake_ms = PG_INT64_MAX;
		watch(many, slot, pollfd.fd, CONNHUB_READABLE);
		return;
	}
	slot->lookup = NULL;
	slot->fd = -1;
	if (ch_resolve_end(lookup, &slot->addresses, &slot->check.probe.error) == CONNHUB_OK)
		slot->state = SLOT_RESOLVED;
	else
		finish(many, slot);
}

/* The tunnel if there is one, then the driver. */
static ConnhubStatus
step_opening(Slot *slot, ConnhubWait *wait)
{
	ConnhubError *error = &slot->check.probe.error;

	if (slot->handle == NULL)
	{
		ConnhubStatus status = ch_opening_step(slot->opening, wait, error);

		if (status == CONNHUB_OK)
			status = ch_opening_start(&slot->call, slot->opening, &slot->handle, error);
		if (status != CONNHUB_OK)
			return status;
	}
	return ch_call_step(&slot->call, slot->handle, wait, error);
}

/* One step of the driver; true: it is done, and the slot stands as before. */
static bool
step_driver(ChMany *many, Slot *slot)
{
	ChProbe    *probe = &slot->check.probe;
	ConnhubWait wait;
	ConnhubStatus status;

	ch_phases_use(&slot->clock);
	slot->call.timeout_ms = Max(slot->deadline_ms - ch_clock->now_ms(), 1);
	if (slot->state == SLOT_OPENING)
		status = step_opening(slot, &wait);
	else if (slot->call.driver->capabilities & CONNHUB_CAP_CHECK_STEP)
		status = ch_call_check_step(&slot->call, slot->handle, &probe->info, &wait, &probe->error);
	else
		status = ch_call_check(&slot->call, slot->handle, CONNHUB_CHECK_ACCESS, &probe->info, &probe->error);
	ch_phases_use(NULL);
	/* Served here, and the test is nobody's finding; the slot is given up with all others. */
	if (status == CONNHUB_CANCELLED)
		CHECK_FOR_INTERRUPTS();
	if (status == CONNHUB_WAIT)
		await(many, slot, &wait);
	else if (status != CONNHUB_OK)
		finish(many, slot);
	return status == CONNHUB_OK;
}

static void
time_out(ChMany *many, Slot *slot)
{
	ConnhubError *error = &slot->check.probe.error;

	memset(error, 0, sizeof(*error));
	error->column = -1;
	ch_error_set(error, CONNHUB_TIMEOUT, slot->state == SLOT_RESOLVING ? "looking up the host took longer than %lld ms" :
				 slot->state == SLOT_CHECKING ? "no answer within %lld ms" : "no connection within %lld ms",
				 (long long) slot->timeout_ms);
	finish(many, slot);
}

/* Move a slot on whose descriptor is ready or whose time has come.  What is there is taken even when the time is just
 * over. */
static void
drive(ChMany *many, Slot *slot)
{
	slot->is_ready = false;
	if (ch_clock->now_ms() >= slot->deadline_ms)
		time_out(many, slot);
	else if (slot->state == SLOT_LOOKUP)
		start_lookup(many, slot);
	else if (slot->state == SLOT_RESOLVING)
		end_lookup(many, slot);
	else if (slot->state == SLOT_OPENING && step_driver(many, slot))
	{
		report_opening(slot);
		ch_opening_end(slot->opening, slot->handle);
		slot->opening = NULL;
		slot->state = SLOT_CHECKING;
		slot->deadline_ms = ch_clock->now_ms() + slot->timeout_ms;
		slot->is_ready = true;
	}
	if (slot->state == SLOT_CHECKING && step_driver(many, slot))
		finish(many, slot);
}

/* ---- One alone --------------------------------------------------------------------------- */

static void
record_one(void *argument)
{
	ch_check_record(argument, 1, false);
}

static void
run_one(const pg_uuid_t *id, ChCheck *check)
{
	ChMany	   *many = ch_many_create(1);

	PG_TRY();
	{
		ch_many_add(many, id);
		while (ch_many_step(many, -1) == 0)
			continue;
		ch_many_take(many, check, 1);
	}
	PG_FINALLY();
	{
		ch_many_free(many);
	}
	PG_END_TRY();
}

void
ch_many_test_one(const pg_uuid_t *id)
{
	ChCheck    *check = palloc(sizeof(ChCheck));
	ErrorData  *error;

	run_one(id, check);
	error = ch_txn_run(record_one, check);
	if (error != NULL)
		ReThrowError(error);
	if (!check->is_recorded)
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("the connector is being changed"),
				 errhint("It is tested again soon.")));
	pfree(check);
}
