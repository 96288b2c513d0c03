/* worker/scheduler.h — due work of one database, and who does it.
 *
 * A kind of job is one row of the table in kind.c.  Every job is a kind and a subject, most often a connector.
 * What is due is asked of the catalogue, so nothing need be queued: a job that becomes due is found, and one
 * whose cause is gone is not.  A job that runs has a row in connhub_catalog.job; one that failed keeps it until it
 * succeeds.  The same kinds are worked off by the scheduler of a database, by its runners, and by
 * CALL connhub.run_due(). */
#ifndef CH_WORKER_SCHEDULER_H
#define CH_WORKER_SCHEDULER_H

#include "utils/timestamp.h"
#include "utils/uuid.h"

/* Where a kind is run when there is a scheduler.  run_due() runs all of them where it is called. */
typedef enum ChJobPlace
{
	CH_JOB_HERE,				/* in the scheduler: local work of a moment */
	CH_JOB_MANY,				/* in the scheduler, hundreds at once: health checks only */
	CH_JOB_RUNNER				/* in a worker process of its own, one job after another: may wait for a source */
} ChJobPlace;

typedef struct ChJobKind
{
	const char *name;			/* in connhub_catalog.job and connhub.jobs */
	ChJobPlace	place;

	/* A query without parameters: (subject uuid, due_at timestamptz) of every job that is due or will be, in any order,
	 * run as the owner of the extension with search_path pg_catalog.  Its due_at must move on once the job was
	 * done.  It need not care for jobs that run or wait for another try: they are left out.  Cheap, as it is
	 * asked about once a second while work is due: due_at best is a plain column with an index.  NULL: see period_s. */
	const char *due;

	/* Without a query: one job without subject, due so many seconds after it was last done. */
	int			period_s;

	/* Do one job; subject is the nil uuid when there is none.  Called outside any transaction: open one with
	 * ch_txn_begin and close it with ch_txn_end (common/txn.h), as often as needed, and hold none while anything but
	 * the database is waited for.  Runs as the bootstrap superuser, or as the caller of run_due(); whoever acts for
	 * a connector asks for its owner.  May throw: that is aborted, recorded, and tried again with backoff.  A job of a
	 * source that is down has succeeded when that is recorded.  A wait that was cancelled is to be
	 * served by CHECK_FOR_INTERRUPTS.  May tell how far it is with ch_job_progress. */
	void		(*run) (const pg_uuid_t *subject);
} ChJobKind;

/* The kinds there are, in the order in which they are looked at. */
extern const ChJobKind ch_job_kinds[];
extern const int ch_job_nkinds;

/* How far the job that runs in this process is, for connhub.jobs.  total 0: unknown.  Opens a transaction, so
 * it is called outside any. */
extern void ch_job_progress(int64 done, int64 total);

/* Do all that is due now, one job after another but health checks, which run at once; for a procedure, between
 * whose transactions it works.  Returns the number of jobs done. */
extern int64 ch_scheduler_run_due(void);

#endif
