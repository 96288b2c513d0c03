/* worker/scheduler.c — the process that watches the connectors of one database, and the same work for a procedure.
 *
 * Its loop drives the health checks that are under way, and looks for due work when the next is due, when a commit has
 * woken it, and when there is room again.  What it cannot do itself, because a driver can only block, runners do.
 * An error that is not a job's own ends the process: the launcher starts another, which finds by their rows what
 * the first had under way. */
#include "postgres.h"

#include "access/xact.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "catalog/catalog.h"
#include "common/error.h"
#include "common/guc.h"
#include "common/txn.h"
#include "common/wake.h"
#include "health/many.h"
#include "worker/job.h"
#include "worker/launcher.h"

/* Tests recorded in one transaction, and taken on in one. */
#define BATCH 64

/* The catalogue is asked for due work at most so often without a cause, and at least so often. */
#define LOOK_LEAST_MS 1000
#define LOOK_MOST_MS 60000

/* How often a scheduler looks for jobs whose process has ended. */
#define RECOVER_MS 30000

typedef struct Scheduler
{
	Oid			database;
	MemoryContext lasting;
	MemoryContext context;		/* reset each time due work is looked for */
	ChMany	   *many;
	ChCheck    *checks;			/* BATCH of them */
	TimestampTz *next_looks;	/* by kind */
	TimestampTz next_look;		/* the first of them */
	TimestampTz next_full_look; /* not before, however often it is woken */
	bool		is_woken;
	TimestampTz next_recover;
	TimestampTz deadline;		/* of a procedure: jobs due later are not its own; else DT_NOEND */
	bool		lacks_room;		/* more tests are due than there is room for */
	int64		ndone;
	BackgroundWorkerHandle *runners[64];
	int			nrunners;
} Scheduler;

extern PGDLLEXPORT void connhub_scheduler_main(Datum argument);

/* ---- Health checks ----------------------------------------------------------------------- */

typedef struct Due
{
	const ChJobKind *kind;
	pg_uuid_t	subjects[BATCH];
	int			max;
	int			count;
	TimestampTz next;
} Due;

static void
claim_due(void *argument)
{
	Due		   *due = argument;

	due->count = ch_job_due(due->kind, due->subjects, due->max, &due->next);
	due->count = ch_job_claim(due->kind, due->subjects, due->count);
}

static void
in_transaction(void (*fn) (void *argument), void *argument)
{
	ErrorData  *error = ch_txn_run(fn, argument);

	if (error != NULL)
		ReThrowError(error);
}

/* Take on due tests while there is room. */
static TimestampTz
start_tests(Scheduler *scheduler, const ChJobKind *kind)
{
	Due		   *due = palloc(sizeof(Due));
	TimestampTz now;

	due->kind = kind;
	do
	{
		due->max = Min(ch_many_room(scheduler->many), BATCH);
		scheduler->lacks_room = due->max == 0;
		if (scheduler->lacks_room)
			return DT_NOEND;
		in_transaction(claim_due, due);
		for (int i = 0; i < due->count; i++)
			ch_many_add(scheduler->many, &due->subjects[i]);
		now = GetCurrentTimestamp();
	} while (due->count == due->max && due->next <= now && due->next <= scheduler->deadline);
	return due->next;
}

typedef struct Ended
{
	ChCheck    *checks;
	int			count;
	const char *problem;		/* they cannot be recorded; NULL: not known to be so */
} Ended;

static const ChJobKind *
kind_of_tests(void)
{
	for (int i = 0; i < ch_job_nkinds; i++)
		if (ch_job_kinds[i].place == CH_JOB_MANY)
			return &ch_job_kinds[i];
	return NULL;
}

static void
record_ended(void *argument)
{
	Ended	   *ended = argument;
	pg_uuid_t	done[BATCH];
	pg_uuid_t	failed[BATCH];
	int			ndone = 0;
	int			nfailed = 0;

	if (ended->problem == NULL)
		ch_check_record(ended->checks, ended->count, false);
	for (int i = 0; i < ended->count; i++)
	{
		if (ended->problem == NULL && ended->checks[i].is_recorded)
			done[ndone++] = ended->checks[i].id;
		else
			failed[nfailed++] = ended->checks[i].id;
	}
	ch_job_done(kind_of_tests(), done, ndone);
	ch_job_failed(kind_of_tests(), failed, nfailed,
				  ended->problem != NULL ? ended->problem : "the connector is being changed");
}

/* Record each by itself, so that one that cannot be recorded harms no other. */
static void
record_apart(const Ended *ended)
{
	for (int i = 0; i < ended->count; i++)
	{
		Ended		one = {.checks = &ended->checks[i], .count = 1};
		ErrorData  *error = ch_txn_run(record_ended, &one);

		if (error == NULL)
			continue;
		ereport(LOG,
				(errcode(error->sqlerrcode),
				 errmsg("the test of a connector could not be recorded: %s", error->message)));
		one.problem = error->message;
		in_transaction(record_ended, &one);
	}
}

/* Record the tests that have ended. */
static void
end_tests(Scheduler *scheduler)
{
	Ended		ended = {.checks = scheduler->checks};
	MemoryContext before = MemoryContextSwitchTo(scheduler->context);

	while ((ended.count = ch_many_take(scheduler->many, scheduler->checks, BATCH)) > 0)
	{
		if (ch_txn_run(record_ended, &ended) != NULL)
			record_apart(&ended);
		scheduler->ndone += ended.count;
		MemoryContextReset(scheduler->context);
	}
	MemoryContextSwitchTo(before);
}

/* ---- Other work -------------------------------------------------------------------------- */

/* Do what is due here and now. */
static TimestampTz
run_here(Scheduler *scheduler, const ChJobKind *kind)
{
	TimestampTz next = DT_NOEND;

	while (ch_job_run_next(kind, &next))
	{
		CHECK_FOR_INTERRUPTS();
		scheduler->ndone++;
		if (next > scheduler->deadline)
			break;
	}
	return next;
}

static void
count_due(void *argument)
{
	Due		   *due = argument;

	due->count = ch_job_due(due->kind, due->subjects, due->max, &due->next);
}

static void
forget_ended_runners(Scheduler *scheduler)
{
	int			kept = 0;

	for (int i = 0; i < scheduler->nrunners; i++)
	{
		pid_t		pid;

		if (GetBackgroundWorkerPid(scheduler->runners[i], &pid) == BGWH_STOPPED)
			pfree(scheduler->runners[i]);
		else
			scheduler->runners[kept++] = scheduler->runners[i];
	}
	scheduler->nrunners = kept;
}

/* See that runners do what is due: as many as there are jobs, up to the limit. */
static TimestampTz
start_runners(Scheduler *scheduler, const ChJobKind *kind)
{
	Due		   *due = palloc(sizeof(Due));
	MemoryContext before;

	due->kind = kind;
	due->max = BATCH;
	in_transaction(count_due, due);
	forget_ended_runners(scheduler);
	before = MemoryContextSwitchTo(TopMemoryContext);
	for (int wanted = Min(due->count, ch_runners); scheduler->nrunners < wanted; scheduler->nrunners++)
	{
		if (!ch_worker_start("runner", CH_RUNNER_NAME, scheduler->database, &scheduler->runners[scheduler->nrunners]))
			break;
	}
	MemoryContextSwitchTo(before);

	/* A runner looks by itself until nothing is due; what it leaves is looked at again. */
	return due->count > 0 ? GetCurrentTimestamp() : due->next;
}

/* ---- The loop ---------------------------------------------------------------------------- */

typedef TimestampTz (*Work) (Scheduler *scheduler, const ChJobKind *kind);

/* Look for due work of the kinds whose time has come, or of all, and when to look again. */
static void
look(Scheduler *scheduler, const Work *work, bool all)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz latest = TimestampTzPlusMilliseconds(now, LOOK_MOST_MS);

	MemoryContextReset(scheduler->context);
	MemoryContextSwitchTo(scheduler->context);
	scheduler->next_look = latest;
	for (int i = 0; i < ch_job_nkinds; i++)
	{
		TimestampTz *next = &scheduler->next_looks[i];

		if (all || *next <= now || *next > latest)
		{
			*next = work[ch_job_kinds[i].place] (scheduler, &ch_job_kinds[i]);
			*next = Max(*next, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LOOK_LEAST_MS));
			*next = Min(*next, latest);
			MemoryContextSwitchTo(scheduler->context);
		}
		scheduler->next_look = Min(scheduler->next_look, *next);
	}
}

/* Take on more tests once there is room for a batch. */
static void
take_more(Scheduler *scheduler)
{
	if (!scheduler->lacks_room || ch_many_room(scheduler->many) < Min(BATCH, ch_health_concurrency))
		return;
	MemoryContextReset(scheduler->context);
	MemoryContextSwitchTo(scheduler->context);
	start_tests(scheduler, kind_of_tests());
}

static void
begin(Scheduler *scheduler)
{
	memset(scheduler, 0, sizeof(*scheduler));
	scheduler->database = MyDatabaseId;
	scheduler->deadline = DT_NOEND;
	scheduler->lasting = CurrentMemoryContext;
	scheduler->context = AllocSetContextCreate(CurrentMemoryContext, "connhub due work", ALLOCSET_DEFAULT_SIZES);
	scheduler->next_looks = palloc0(sizeof(TimestampTz) * ch_job_nkinds);
	scheduler->checks = palloc(sizeof(ChCheck) * BATCH);
	scheduler->many = ch_many_create(ch_health_concurrency);
}

static bool
has_extension(void)
{
	bool		found;

	StartTransactionCommand();
	found = OidIsValid(get_extension_oid(CH_SCHEMA, true));
	CommitTransactionCommand();
	return found;
}

static void
recover_sometimes(Scheduler *scheduler)
{
	TimestampTz now = GetCurrentTimestamp();

	if (now < scheduler->next_recover && scheduler->next_recover < TimestampTzPlusMilliseconds(now, 2 * RECOVER_MS))
		return;
	MemoryContextSwitchTo(scheduler->context);
	ch_job_recover();
	scheduler->next_recover = TimestampTzPlusMilliseconds(now, RECOVER_MS);
}

/* Has a commit asked for a look at everything?  Our own commits do too, hundreds of them in a round, so one look serves
 * all of a second. */
static bool
take_wake(Scheduler *scheduler, TimestampTz now)
{
	scheduler->is_woken |= ch_wake_taken();
	if (!scheduler->is_woken)
		return false;
	if (now < scheduler->next_full_look && scheduler->next_full_look < TimestampTzPlusMilliseconds(now, LOOK_MOST_MS))
	{
		scheduler->next_look = Min(scheduler->next_look, scheduler->next_full_look);
		return false;
	}
	scheduler->is_woken = false;
	scheduler->next_full_look = TimestampTzPlusMilliseconds(now, LOOK_LEAST_MS);
	return true;
}

/* A changed limit is taken over when nothing is under way. */
static void
keep_limit(Scheduler *scheduler)
{
	if (ch_many_active(scheduler->many) > 0 || ch_many_room(scheduler->many) == ch_health_concurrency)
		return;
	ch_many_free(scheduler->many);
	MemoryContextSwitchTo(scheduler->lasting);
	scheduler->many = ch_many_create(ch_health_concurrency);
}

/* One turn: drive the tests, and look for due work when it is time.  False: this process is not wanted any more. */
static bool
turn(Scheduler *scheduler)
{
	static const Work work[] = {
		[CH_JOB_HERE] = run_here,
		[CH_JOB_MANY] = start_tests,
		[CH_JOB_RUNNER] = start_runners,
	};
	TimestampTz now = GetCurrentTimestamp();
	bool		is_woken;

	ch_worker_reload();
	keep_limit(scheduler);
	is_woken = take_wake(scheduler, now);
	if (is_woken || now >= scheduler->next_look ||
		scheduler->next_look > TimestampTzPlusMilliseconds(now, LOOK_MOST_MS))
	{
		if (!ch_worker_wanted(NULL) || !has_extension())
			return false;
		recover_sometimes(scheduler);
		look(scheduler, work, is_woken);
		now = GetCurrentTimestamp();
	}
	else
		take_more(scheduler);
	pgstat_report_activity(ch_many_active(scheduler->many) > 0 ? STATE_RUNNING : STATE_IDLE,
						   ch_many_active(scheduler->many) > 0 ? "health" : NULL);
	ch_many_step(scheduler->many, TimestampDifferenceMilliseconds(now, scheduler->next_look));
	end_tests(scheduler);
	return true;
}

void
connhub_scheduler_main(Datum argument)
{
	Scheduler	scheduler;

	ch_worker_begin(DatumGetObjectId(argument), true, CH_SCHEDULER_NAME);
	if (!has_extension())
		proc_exit(0);
	MemoryContextSwitchTo(AllocSetContextCreate(TopMemoryContext, "connhub scheduler", ALLOCSET_DEFAULT_SIZES));
	begin(&scheduler);
	while (turn(&scheduler))
		continue;
	proc_exit(0);
}

/* ---- For a procedure --------------------------------------------------------------------- */

static void
run_due(Scheduler *scheduler)
{
	static const Work work[] = {
		[CH_JOB_HERE] = run_here,
		[CH_JOB_MANY] = start_tests,
		[CH_JOB_RUNNER] = run_here,
	};

	scheduler->deadline = GetCurrentTimestamp();
	recover_sometimes(scheduler);
	look(scheduler, work, true);
	while (ch_many_active(scheduler->many) > 0 || scheduler->lacks_room)
	{
		ch_many_step(scheduler->many, -1);
		end_tests(scheduler);
		take_more(scheduler);
	}
}

int64
ch_scheduler_run_due(void)
{
	Scheduler	scheduler;

	begin(&scheduler);
	PG_TRY();
	{
		run_due(&scheduler);
	}
	PG_FINALLY();
	{
		ch_many_free(scheduler.many);
	}
	PG_END_TRY();
	return scheduler.ndone;
}
