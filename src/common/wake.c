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
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/timestamp.h"

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

/* The lock covers all of it. */
typedef struct Wake
{
	slock_t		lock;
	Latch	   *launcher;		/* NULL: it does not run */
	Oid			wanted[CH_WAKE_SLOTS];
	Hold		holds[CH_WAKE_SLOTS];
	Worker		workers[CH_WAKE_SLOTS];
} Wake;

static Wake *wake = NULL;
static shmem_request_hook_type previous_request = NULL;
static shmem_startup_hook_type previous_startup = NULL;

static bool pending = false;
static int	own_slot = -1;

static void
request(void)
{
	if (previous_request)
		previous_request();
	RequestAddinShmemSpace(MAXALIGN(sizeof(Wake)));
}

static void
startup(void)
{
	bool		found;

	if (previous_startup)
		previous_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	wake = ShmemInitStruct("connhub workers", sizeof(Wake), &found);
	if (!found)
	{
		memset(wake, 0, sizeof(*wake));
		SpinLockInit(&wake->lock);
	}
	LWLockRelease(AddinShmemInitLock);
}

/* ---- Waking ------------------------------------------------------------------------------ */

/* Runs after the commit: nothing here may throw. */
static void
wake_now(Oid database)
{
	Latch	   *latch = NULL;
	int			free_place = -1;
	bool		is_wanted = false;

	SpinLockAcquire(&wake->lock);
	for (int i = 0; i < CH_WAKE_SLOTS; i++)
	{
		if (wake->workers[i].database == database && wake->workers[i].is_scheduler)
		{
			latch = wake->workers[i].latch;
			wake->workers[i].is_woken = true;
		}
		if (wake->wanted[i] == database)
			is_wanted = true;
		else if (wake->wanted[i] == InvalidOid && free_place < 0)
			free_place = i;
	}
	if (latch == NULL)
	{
		latch = wake->launcher;
		if (!is_wanted && free_place >= 0)
			wake->wanted[free_place] = database;
	}
	SpinLockRelease(&wake->lock);
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
	pending = wake != NULL;
}

void
ch_wake_init(void)
{
	previous_request = shmem_request_hook;
	shmem_request_hook = request;
	previous_startup = shmem_startup_hook;
	shmem_startup_hook = startup;
	RegisterXactCallback(at_transaction_end, NULL);
}

/* ---- Workers ----------------------------------------------------------------------------- */

static void
launcher_end(int code, Datum arg)
{
	SpinLockAcquire(&wake->lock);
	wake->launcher = NULL;
	SpinLockRelease(&wake->lock);
}

void
ch_wake_launcher_begin(void)
{
	on_shmem_exit(launcher_end, (Datum) 0);
	SpinLockAcquire(&wake->lock);
	wake->launcher = MyLatch;
	SpinLockRelease(&wake->lock);
}

Oid
ch_wake_wanted(void)
{
	Oid			database = InvalidOid;

	SpinLockAcquire(&wake->lock);
	for (int i = 0; i < CH_WAKE_SLOTS && database == InvalidOid; i++)
	{
		database = wake->wanted[i];
		wake->wanted[i] = InvalidOid;
	}
	SpinLockRelease(&wake->lock);
	return database;
}

/* The lock is held. */
static bool
is_held(Oid database, TimestampTz now)
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

	SpinLockAcquire(&wake->lock);
	held = is_held(database, now);
	SpinLockRelease(&wake->lock);
	return held;
}

static void
worker_end(int code, Datum arg)
{
	SpinLockAcquire(&wake->lock);
	wake->workers[own_slot].database = InvalidOid;
	SpinLockRelease(&wake->lock);
}

bool
ch_wake_worker_begin(Oid database, bool is_scheduler)
{
	TimestampTz now = GetCurrentTimestamp();
	int			place = -1;

	SpinLockAcquire(&wake->lock);
	for (int i = CH_WAKE_SLOTS - 1; i >= 0; i--)
		if (wake->workers[i].database == InvalidOid)
			place = i;
	for (int i = 0; is_scheduler && i < CH_WAKE_SLOTS; i++)
		if (wake->workers[i].database == database && wake->workers[i].is_scheduler)
			place = -1;
	if (is_held(database, now))
		place = -1;
	if (place >= 0)
		wake->workers[place] = (Worker) {.database = database, .pid = MyProcPid, .latch = MyLatch, .is_scheduler = is_scheduler};
	SpinLockRelease(&wake->lock);
	if (place < 0)
		return false;
	own_slot = place;
	before_shmem_exit(worker_end, (Datum) 0);
	return true;
}

bool
ch_wake_taken(void)
{
	bool		woken;

	SpinLockAcquire(&wake->lock);
	woken = wake->workers[own_slot].is_woken;
	wake->workers[own_slot].is_woken = false;
	SpinLockRelease(&wake->lock);
	return woken;
}

/* ---- Making way -------------------------------------------------------------------------- */

/* The lock is held: a hold that is over, or already this database's, is taken. */
static void
hold(Oid database, TimestampTz now, TimestampTz until)
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
	pid_t		pids[CH_WAKE_SLOTS];
	int			count = 0;

	SpinLockAcquire(&wake->lock);
	for (int i = 0; i < CH_WAKE_SLOTS; i++)
		if (wake->workers[i].database == database && wake->workers[i].pid != MyProcPid)
			pids[count++] = wake->workers[i].pid;
	SpinLockRelease(&wake->lock);
	for (int i = 0; i < count; i++)
		kill(pids[i], SIGTERM);
	return count;
}

void
ch_wake_make_way(Oid database, int64 hold_ms, int64 wait_ms)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz deadline = TimestampTzPlusMilliseconds(now, wait_ms);

	if (wake == NULL)
		return;
	SpinLockAcquire(&wake->lock);
	hold(database, now, TimestampTzPlusMilliseconds(now, hold_ms));
	SpinLockRelease(&wake->lock);
	while (end_workers(database) > 0 && GetCurrentTimestamp() < deadline)
	{
		CHECK_FOR_INTERRUPTS();
		pg_usleep(POLL_MS * 1000L);
	}
}
