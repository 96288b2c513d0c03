/* worker/job.h — the rows of jobs: which are due, who does them, how they ended.
 *
 * Everything but progress and the look for crashes is called within ch_txn_begin and ch_txn_end. */
#ifndef CH_WORKER_JOB_H
#define CH_WORKER_JOB_H

#include "worker/scheduler.h"

/* Up to max subjects of a kind whose jobs are due now and do not run, oldest first; their number.  *next becomes when
 * to look again for another: DT_NOEND when nothing will be due by itself. */
extern int	ch_job_due(const ChJobKind *kind, pg_uuid_t *subjects, int max, TimestampTz *next);

/* Take jobs: those of the subjects that nobody runs, moved to the front; their number. */
extern int	ch_job_claim(const ChJobKind *kind, pg_uuid_t *subjects, int count);

/* They are done. */
extern void ch_job_done(const ChJobKind *kind, const pg_uuid_t *subjects, int count);

/* They are to be tried again, later each time. */
extern void ch_job_failed(const ChJobKind *kind, const pg_uuid_t *subjects, int count, const char *why);

/* Mark jobs whose process has ended, or whose statement was given up, and repair what a clock that was set back has
 * done. */
extern void ch_job_recover(void);

/* Find the next due job of a kind, take it, run it, and record how it ended; in transactions of its own.  False: none
 * was due.  An error of the job is caught where it can be: in a worker. */
extern bool ch_job_run_next(const ChJobKind *kind, TimestampTz *next);

#endif
