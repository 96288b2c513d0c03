/* common/wake.c — the background workers of this server that are running, and how to wake them.
 *
 * Assumes that a process that is in the table takes itself out before it ends: one that cannot makes the server start
 * anew, and the table with it.  Latches of the table belong to live processes for the same reason. */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/timestamp.h"

#include "common/shmem.h"
#include "common/wake.h"

#define POLL_MS 10

typedef struct Worker
{
	Oid			database;		/* InvalidOid: free */
	pid_t		pid;
	Latch	   *latch;
	bool		is_scheduler;
	bool		is_woken;
} Worker;

typedef struct Hold
{
	Oid			database;
	TimestampTz until;
} Hold;

/* The segment's lock covers all of it.  Latches are those of the server's own processes, in shared memory too. */
typedef struct Wake
{
	Latch	   *launcher;		/* NULL: it does not run */
	Oid			wanted[CH_WAKE_SLOTS];
	Hold		holds[CH_WAKE_SLOTS];
	Worker		workers[CH_WAKE_SLOTS];
} Wake;

static Size wake_size(void);

static ChSegment segment = {.name = "connhub workers", .size = wake_size};

static bool pending = false;
static int	own_slot = -1;

static Size
wake_size(void)
{
	return sizeof(Wake);
}

static Wake *
lock_wake(void)
{
	ch_shmem_lock(&segment, LW_EXCLUSIVE);
	return ch_shmem_get(&segment);
}

static void
unlock_wake(void)
{
	ch_shmem_unlock(&segment);
}

/* ---- Waking ------------------------------------------------------------------------------ */

/* Ask the launcher for a scheduler; its latch, to be set once the lock is released. */
static Latch *
want_scheduler(Wake *wake, Oid database)
{
	int			free_place = -1;

	for (int i = 0; i < CH_WAKE_SLOTS; i++)
	{
		if (wake->wanted[i] == database)
			return wake->launcher;
		if (wake->wanted[i] == InvalidOid && free_place < 0)
			free_place = i;
	}
	if (free_place >= 0)
		wake->wanted[free_place] = database;
	return wake->launcher;
}

/* Runs after the commit: nothing here may throw. */
static void
wake_now(Oid database)
{
	Wake	   *wake = lock_wake();
	Latch	   *latch = NULL;

	for (int i = 0; i < CH_WAKE_SLOTS; i++)
	{
		if (wake->workers[i].database == database && wake->workers[i].is_scheduler)
		{
			latch = wake->workers[i].latch;
			wake->workers[i].is_woken = true;
		}
	}
	if (latch == NULL)
		latch = want_scheduler(wake, database);
	unlock_wake();
	if (latch != NULL)
		SetLatch(latch);
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (pending && event == XACT_EVENT_COMMIT)
		wake_now(MyDatabaseId);
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		pending = false;
}

void
ch_wake_at_commit(void)
{
	pending = ch_shmem_is_shared();
}

void
ch_wake_init(void)
{
	ch_shmem_register(&segment);
	RegisterXactCallback(at_transaction_end, NULL);
}

/* ---- Workers ----------------------------------------------------------------------------- */

static void
launcher_end(int code, Datum arg)
{
	lock_wake()->launcher = NULL;
	unlock_wake();
}

void
ch_wake_launcher_begin(void)
{
	on_shmem_exit(launcher_end, (Datum) 0);
	lock_wake()->launcher = MyLatch;
	unlock_wake();
}

Oid
ch_wake_wanted(void)
{
	Wake	   *wake = lock_wake();
	Oid			database = InvalidOid;

	for (int i = 0; i < CH_WAKE_SLOTS && database == InvalidOid; i++)
	{
		database = wake->wanted[i];
		wake->wanted[i] = InvalidOid;
	}
	unlock_wake();
	return database;
}

/* The lock is held. */
static bool
is_held(const Wake *wake, Oid database, TimestampTz now)
{
	for (int i = 0; i < CH_WAKE_SLOTS; i++)
		if (wake->holds[i].database == database && wake->holds[i].until > now)
			return true;
	return false;
}

bool
ch_wake_is_held(Oid database)
{
	TimestampTz now = GetCurrentTimestamp();
	bool		held;

	held = is_held(lock_wake(), database, now);
	unlock_wake();
	return held;
}

/* What woke a scheduler that was about to end wakes the next one; after an error the launcher takes its time. */
static void
worker_end(int code, Datum arg)
{
	Wake	   *wake = lock_wake();
	Worker	   *worker = &wake->workers[own_slot];
	Latch	   *latch = code == 0 && worker->is_woken ? want_scheduler(wake, worker->database) : NULL;

	worker->database = InvalidOid;
	unlock_wake();
	if (latch != NULL)
		SetLatch(latch);
}

bool
ch_wake_worker_begin(Oid database, bool is_scheduler)
{
	TimestampTz now = GetCurrentTimestamp();
	Wake	   *wake = lock_wake();
	int			place = -1;

	for (int i = CH_WAKE_SLOTS - 1; i >= 0; i--)
		if (wake->workers[i].database == InvalidOid)
			place = i;
	for (int i = 0; is_scheduler && i < CH_WAKE_SLOTS; i++)
		if (wake->workers[i].database == database && wake->workers[i].is_scheduler)
			place = -1;
	if (is_held(wake, database, now))
		place = -1;
	if (place >= 0)
		wake->workers[place] = (Worker) {.database = database, .pid = MyProcPid, .latch = MyLatch, .is_scheduler = is_scheduler};
	unlock_wake();
	if (place < 0)
		return false;
	own_slot = place;
	before_shmem_exit(worker_end, (Datum) 0);
	return true;
}

bool
ch_wake_taken(void)
{
	Wake	   *wake = lock_wake();
	bool		woken;

	woken = wake->workers[own_slot].is_woken;
	wake->workers[own_slot].is_woken = false;
	unlock_wake();
	return woken;
}

/* ---- Making way -------------------------------------------------------------------------- */

/* The lock is held: a hold that is over, or already this database's, is taken. */
static void
hold(Wake *wake, Oid database, TimestampTz now, TimestampTz until)
{
	int			place = -1;

	for (int i = 0; i < CH_WAKE_SLOTS; i++)
	{
		Hold	   *one = &wake->holds[i];

		if (one->database == database || (place < 0 && one->until <= now))
			place = i;
	}
	if (place >= 0)
		wake->holds[place] = (Hold) {.database = database, .until = until};
}

/* Ask the workers of a database to end; how many there still are. */
static int
end_workers(Oid database)
{
	Wake	   *wake = lock_wake();
	pid_t		pids[CH_WAKE_SLOTS];
	int			count = 0;

	for (int i = 0; i < CH_WAKE_SLOTS; i++)
		if (wake->workers[i].database == database && wake->workers[i].pid != MyProcPid)
			pids[count++] = wake->workers[i].pid;
	unlock_wake();
	for (int i = 0; i < count; i++)
		kill(pids[i], SIGTERM);
	return count;
}

void
ch_wake_make_way(Oid database, int64 hold_ms, int64 wait_ms)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz deadline = TimestampTzPlusMilliseconds(now, wait_ms);

	if (!ch_shmem_is_shared())
		return;
	hold(lock_wake(), database, now, TimestampTzPlusMilliseconds(now, hold_ms));
	unlock_wake();
	while (end_workers(database) > 0 && GetCurrentTimestamp() < deadline)
	{
		CHECK_FOR_INTERRUPTS();
		pg_usleep(POLL_MS * 1000L);
	}
}
