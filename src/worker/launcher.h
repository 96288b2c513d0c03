/* worker/launcher.h — the background workers of this server. */
#ifndef CH_WORKER_LAUNCHER_H
#define CH_WORKER_LAUNCHER_H

#include "postmaster/bgworker.h"

/* Reserve shared memory and register the launcher, when the library is preloaded. */
extern void ch_launcher_init(void);

/* Names, as functions of the library and as pg_stat_activity shows them. */
#define CH_LAUNCHER_NAME "connhub launcher"
#define CH_SCHEDULER_NAME "connhub scheduler"
#define CH_RUNNER_NAME "connhub runner"

/* Start a worker whose main function is connhub_<role>_main for a database.  False: the server has no slot left. */
extern bool ch_worker_start(const char *role, const char *name, Oid database, BackgroundWorkerHandle **handle);

/* The part of a worker's main function before its work: signals, its place in the table of workers, the connection to
 * the database.  Ends the process when there is nothing to do for it. */
extern void ch_worker_begin(Oid database, bool is_scheduler, const char *name);

/* Is this database to be watched, as connhub.workers and connhub.databases say?  name NULL: the one connected to. */
extern bool ch_worker_wanted(const char *name);

/* Take in changed settings when the server was told to. */
extern void ch_worker_reload(void);

#endif
