/* conn/slots.c — who holds connections of a pool.
 *
 * A hold is one process's share of one pool.  Holds stand in shared memory beside the table of connectors and are
 * guarded by that table's lock.  A process takes its holds back when it exits; should one have gone without, whoever
 * finds the pool full takes them back for it.  (A crash needs neither: shared memory begins anew.) */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "storage/procarray.h"

#include "common/clock.h"
#include "common/compat.h"
#include "common/error.h"
#include "common/guc.h"
#include "common/shmem.h"
#include "conn/slots.h"

/* Holds per connector of the table; one more than there are backends on an average server helps nobody. */
#define HOLDS_PER_CONNECTOR 4
#define HOLDS_LEAST 1024

/* How long a wait goes on without looking around, and when a process that was asked is asked again. */
#define LOOK_MS 200
#define ASK_AGAIN_MS 1000

/* Holders that an error names. */
#define NAMED_HOLDERS 5

typedef struct ChHold
{
	int32		next;			/* of the same connector, or free; -1: last */
	int32		entry;			/* number of the connector's entry */
	int			pid;
	TimestampTz started;		/* of the process */
	int32		nopen;
	pg_atomic_uint32 nidle;		/* no lock */
	int64		asked_ms;		/* when an idle connection was asked for; 0: it was not */
} ChHold;

/* All under the lock of the table of connectors. */
typedef struct Holds
{
	int32		capacity;		/* constant */
	int32		first_free;
	ChHold		holds[FLEXIBLE_ARRAY_MEMBER];
} Holds;

static Size holds_size(void);
static void holds_begin(void *memory);

static ChSegment segment = {
	.name = "connhub_holds",
	.size = holds_size,
	.begin = holds_begin,
};

static int	exit_registered_pid = 0;
static bool has_left = false;

/* The pool this process waits for, so that it is not counted there for ever. */
static ChShared *waiting_for = NULL;

static int
holds_capacity(void)
{
	return Max(ch_max_connectors * HOLDS_PER_CONNECTOR, HOLDS_LEAST);
}

static Size
holds_size(void)
{
	return add_size(offsetof(Holds, holds), mul_size(holds_capacity(), sizeof(ChHold)));
}

static void
holds_begin(void *memory)
{
	Holds	   *holds = memory;

	holds->capacity = holds_capacity();
	for (int i = 0; i < holds->capacity; i++)
	{
		holds->holds[i].next = i + 1 < holds->capacity ? i + 1 : -1;
		pg_atomic_init_u32(&holds->holds[i].nidle, 0);
	}
	holds->first_free = 0;
}

static Holds *
holds(void)
{
	return ch_shmem_get(&segment);
}

/* ---- Holds, all under the lock ------------------------------------------------------------- */

static ChHold *
hold_of(const ChShared *shared, int pid)
{
	for (int32 i = shared->first_hold; i >= 0; i = holds()->holds[i].next)
	{
		if (holds()->holds[i].pid == pid)
			return &holds()->holds[i];
	}
	return NULL;
}

static void
hold_drop(ChShared *shared, ChHold *hold)
{
	int32		number = (int32) (hold - holds()->holds);
	int32	   *link = &shared->first_hold;

	while (*link != number)
		link = &holds()->holds[*link].next;
	*link = hold->next;
	shared->nopen -= hold->nopen;
	hold->pid = 0;
	hold->next = holds()->first_free;
	holds()->first_free = number;
}

/* Of processes that are gone, or of one that had this one's number. */
static void
reap(ChShared *shared)
{
	for (int32 i = shared->first_hold, next; i >= 0; i = next)
	{
		ChHold	   *hold = &holds()->holds[i];

		next = hold->next;
		if (hold->pid == MyProcPid ? hold->started != MyStartTimestamp : BackendPidGetProc(hold->pid) == NULL)
			hold_drop(shared, hold);
	}
}

static ChHold *
hold_make(ChShared *shared)
{
	int32		number = holds()->first_free;
	ChHold	   *hold;

	if (number < 0)
		return NULL;
	hold = &holds()->holds[number];
	holds()->first_free = hold->next;
	hold->nopen = 0;
	hold->asked_ms = 0;
	pg_atomic_write_u32(&hold->nidle, 0);
	hold->entry = ch_shared_number(shared);
	hold->pid = MyProcPid;
	hold->started = MyStartTimestamp;
	hold->next = shared->first_hold;
	shared->first_hold = number;
	return hold;
}

/* Where there is no hold left, the connection is opened all the same, and is not counted. */
static bool
try_take(ChPlace *place, ChShared *shared, bool beyond)
{
	ChHold	   *hold;

	if (shared->nopen >= shared->pool_size)
		reap(shared);
	if (shared->nopen >= shared->pool_size)
	{
		if (!beyond)
			return false;
		ch_shared_count(shared, CH_COUNT_POOL_BEYOND, 1);
	}
	hold = hold_of(shared, MyProcPid);
	if (hold != NULL && hold->started != MyStartTimestamp)
	{
		hold_drop(shared, hold);
		hold = NULL;
	}
	if (hold == NULL)
		hold = hold_make(shared);
	if (hold != NULL)
	{
		hold->nopen++;
		shared->nopen++;
	}
	place->shared = shared;
	place->hold = hold;
	place->is_idle = false;
	return true;
}

/* A process to be asked for an idle connection; 0: none has one that was not asked just now. */
static int
choose_idle(ChShared *shared)
{
	int64		now = ch_clock->now_ms();

	for (int32 i = shared->first_hold; i >= 0; i = holds()->holds[i].next)
	{
		ChHold	   *hold = &holds()->holds[i];

		if (pg_atomic_read_u32(&hold->nidle) == 0 || hold->pid == MyProcPid || (hold->asked_ms != 0 && now - hold->asked_ms < ASK_AGAIN_MS))
			continue;
		hold->asked_ms = Max(now, 1);
		return hold->pid;
	}
	return 0;
}

/* ---- Leaving ------------------------------------------------------------------------------- */

static void
stop_waiting(void)
{
	if (waiting_for == NULL)
		return;
	pg_atomic_fetch_sub_u32(&waiting_for->nwaiting, 1);
	waiting_for = NULL;
}

static void
leave(int code, Datum arg)
{
	stop_waiting();
	for (int i = 0; i < holds()->capacity; i++)
	{
		ChHold	   *hold = &holds()->holds[i];
		ChShared   *shared;

		if (hold->pid != MyProcPid)
			continue;
		shared = ch_shared_numbered(hold->entry);
		ch_shared_lock(shared);
		hold_drop(shared, hold);
		ch_shared_unlock(shared);
		ConditionVariableSignal(&shared->freed);
	}
	has_left = true;
}

/* ---- Taking and giving --------------------------------------------------------------------- */

static void
raise_exhausted(ChShared *shared, const ChConnector *connector, int64 waited_ms)
{
	struct
	{
		int			pid;
		int			nopen;
		int			nidle;
	}			holders[NAMED_HOLDERS];
	int			nholders = 0;
	int			nnamed;
	int			nopen;
	StringInfoData text;

	ch_shared_lock(shared);
	nopen = shared->nopen;
	for (int32 i = shared->first_hold; i >= 0; i = holds()->holds[i].next, nholders++)
	{
		if (nholders >= NAMED_HOLDERS)
			continue;
		holders[nholders].pid = holds()->holds[i].pid;
		holders[nholders].nopen = holds()->holds[i].nopen;
		holders[nholders].nidle = (int) pg_atomic_read_u32(&holds()->holds[i].nidle);
	}
	ch_shared_unlock(shared);

	nnamed = Min(nholders, NAMED_HOLDERS);
	initStringInfo(&text);
	for (int i = 0; i < nnamed; i++)
		appendStringInfo(&text, "%sprocess %d holds %d%s", i > 0 ? ", " : "", holders[i].pid, holders[i].nopen,
						 holders[i].nidle > 0 ? " (idle)" : "");
	if (nholders > nnamed)
		appendStringInfo(&text, ", and %d more processes", nholders - nnamed);
	ch_shared_count(shared, CH_COUNT_POOL_EXHAUSTED, 1);
	ereport(ERROR,
			(errcode(ERRCODE_CH_POOL_EXHAUSTED),
			 errmsg("connector \"%s\": no connection became free within %lld ms", connector->name, (long long) waited_ms),
			 errdetail("%d of %d connections are open: %s.", nopen, shared->pool_size, text.data),
			 errhint("End transactions that are idle, or raise the option pool_size or pool_timeout of the connector.")));
}

/* Counted as waiting already. */
static void
wait_for_one(ChPlace *place, ChShared *shared, const ChConnector *connector, int64 timeout_ms)
{
	int64		started_us = ch_clock->now_us();
	int64		until = ch_clock->now_ms() + timeout_ms;
	volatile bool taken = false;

	PG_TRY();
	{
		ConditionVariablePrepareToSleep(&shared->freed);
		for (;;)
		{
			int64		left = until - ch_clock->now_ms();
			int			idle = 0;

			ch_shared_lock(shared);
			taken = try_take(place, shared, false);
			if (!taken)
				idle = choose_idle(shared);
			ch_shared_unlock(shared);
			if (taken || left <= 0)
				break;
			if (idle != 0)
				ch_compat_nudge(idle);
			ConditionVariableTimedSleep(&shared->freed, (long) Min(left, LOOK_MS), ch_compat_wait_event(CH_WAIT_POOL));
		}
	}
	PG_FINALLY();
	{
		ConditionVariableCancelSleep();
		stop_waiting();
		ch_shared_count(shared, CH_COUNT_POOL_WAITS, 1);
		ch_shared_count(shared, CH_COUNT_POOL_WAIT_US, ch_clock->now_us() - started_us);
	}
	PG_END_TRY();
	if (!taken)
		raise_exhausted(shared, connector, timeout_ms);
}

/* Lock the connector's entry, which may have become another's since it was looked up. */
static ChShared *
lock_entry(ChShared *shared, const ChConnector *connector)
{
	ch_shared_lock(shared);
	while (!ch_shared_is_of(shared, &connector->id))
	{
		ch_shared_unlock(shared);
		shared = ch_shared_entry(&connector->id);
		ch_shared_lock(shared);
	}
	return shared;
}

bool
ch_slot_take(ChPlace *place, ChShared *shared, const ChConnector *connector, ChSlotWish wish)
{
	int			pool_size = ch_connector_option_integer(connector, "pool_size");
	int64		timeout_ms = ch_connector_option_ms(connector, "pool_timeout");
	bool		taken;

	memset(place, 0, sizeof(*place));
	if (!shared->is_local && exit_registered_pid != MyProcPid)
	{
		on_shmem_exit(leave, (Datum) 0);
		exit_registered_pid = MyProcPid;
	}
	shared = lock_entry(shared, connector);
	shared->pool_size = pool_size;
	if (shared->is_local)
	{
		shared->nopen++;
		place->shared = shared;
		return true;
	}
	taken = try_take(place, shared, wish == CH_SLOT_BEYOND);
	if (!taken && wish == CH_SLOT_WAIT)
	{
		/* Under the lock, so that the entry stays the connector's. */
		pg_atomic_fetch_add_u32(&shared->nwaiting, 1);
		waiting_for = shared;
	}
	ch_shared_unlock(shared);
	if (taken || wish == CH_SLOT_NOW)
		return taken;
	wait_for_one(place, shared, connector, timeout_ms);
	return true;
}

void
ch_slot_give(ChPlace *place)
{
	ChShared   *shared = place->shared;
	ChHold	   *hold = place->hold;

	if (shared == NULL)
		return;
	ch_slot_set_idle(place, false);
	memset(place, 0, sizeof(*place));
	if (shared->is_local)
		shared->nopen--;
	if (hold == NULL || has_left)
		return;
	ch_shared_lock(shared);
	hold->nopen--;
	shared->nopen--;
	hold->asked_ms = 0;
	if (hold->nopen == 0)
		hold_drop(shared, hold);
	ch_shared_unlock(shared);
	ConditionVariableSignal(&shared->freed);
}

void
ch_slot_set_idle(ChPlace *place, bool is_idle)
{
	if (place->is_idle == is_idle)
		return;
	place->is_idle = is_idle;
	if (place->shared->is_local)
		place->shared->nidle += is_idle ? 1 : -1;
	if (place->hold != NULL && !has_left)
		pg_atomic_fetch_add_u32(&place->hold->nidle, is_idle ? 1 : -1);
}

bool
ch_slot_is_wanted(const ChPlace *place)
{
	return place->hold != NULL && pg_atomic_read_u32(&place->shared->nwaiting) > 0;
}

int
ch_slot_count_idle(const ChShared *copy)
{
	const ChShared *shared;
	int			idle = 0;

	if (copy->is_local)
		return copy->nidle;
	shared = ch_shared_numbered(copy->next);
	ch_shared_lock(shared);
	for (int32 i = shared->first_hold; i >= 0; i = holds()->holds[i].next)
		idle += (int) pg_atomic_read_u32(&holds()->holds[i].nidle);
	ch_shared_unlock(shared);
	return idle;
}

void
ch_slots_init(void)
{
	ch_shmem_register(&segment);
}
