/* worker/runner.c — a worker process that does jobs which may wait for a source, one after another, until none is due. */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "utils/memutils.h"

#include "worker/job.h"
#include "worker/launcher.h"

extern PGDLLEXPORT void connhub_runner_main(Datum argument);

/* One job of each kind, so that a kind with many does not keep the others waiting.  False: nothing was due. */
static bool
run_round(void)
{
	bool		found = false;
	TimestampTz next;

	for (int i = 0; i < ch_job_nkinds; i++)
	{
		if (ch_job_kinds[i].place != CH_JOB_RUNNER)
			continue;
		CHECK_FOR_INTERRUPTS();
		pgstat_report_activity(STATE_RUNNING, ch_job_kinds[i].name);
		found |= ch_job_run_next(&ch_job_kinds[i], &next);
	}
	return found;
}

void
connhub_runner_main(Datum argument)
{
	MemoryContext context;

	ch_worker_begin(DatumGetObjectId(argument), false, CH_RUNNER_NAME);
	context = AllocSetContextCreate(TopMemoryContext, "connhub runner", ALLOCSET_DEFAULT_SIZES);
	do
	{
		MemoryContextReset(context);
		MemoryContextSwitchTo(context);
		ch_worker_reload();
	} while (ch_worker_wanted(NULL) && run_round());
}
