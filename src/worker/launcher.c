/* worker/launcher.c — one process per server that starts a scheduler for each database.
 *
 * It is connected to no database, so it keeps none from being dropped.  It knows databases and not extensions: a
 * scheduler that finds none ends at once, and is started again when CREATE EXTENSION or a change in the database asks
 * for it, or after a long while.  The server starts the launcher once it takes writes: a standby has none until it is
 * promoted. */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "common/compat.h"
#include "common/guc.h"
#include "common/wait.h"
#include "common/wake.h"
#include "worker/launcher.h"
#include "worker/makeway.h"

/* How long after its end a scheduler is started again: doubled each time, from the first to the last, and from the
 * first again when it had worked for a while. */
#define RESTART_FIRST_MS 5000
#define RESTART_LAST_MS 300000
#define WORKED_MS 60000

/* How often the list of databases is read without a cause. */
#define LIST_MS 60000

typedef struct Database
{
	Oid			oid;
	NameData	name;
	bool		is_listed;		/* by the last look at the list */
	BackgroundWorkerHandle *handle; /* of its scheduler; NULL: none runs */
	TimestampTz started_at;
	TimestampTz start_at;		/* not before */
	bool		is_wanted;		/* somebody has asked for a scheduler since the last was started */
	int64		delay_ms;
} Database;

static List *databases = NIL;

extern PGDLLEXPORT void connhub_launcher_main(Datum argument);

void
ch_launcher_init(void)
{
	BackgroundWorker worker;

	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	ch_wake_init();
	ch_makeway_init();
	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 5;
	strlcpy(worker.bgw_library_name, "connhub", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "connhub_launcher_main", sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, CH_LAUNCHER_NAME, sizeof(worker.bgw_name));
	strlcpy(worker.bgw_type, CH_LAUNCHER_NAME, sizeof(worker.bgw_type));
	RegisterBackgroundWorker(&worker);
}

/* ---- What all workers share -------------------------------------------------------------- */

bool
ch_worker_start(const char *role, const char *name, Oid database, BackgroundWorkerHandle **handle)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "connhub", sizeof(worker.bgw_library_name));
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "connhub_%s_main", role);
	strlcpy(worker.bgw_name, name, sizeof(worker.bgw_name));
	strlcpy(worker.bgw_type, name, sizeof(worker.bgw_type));
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	worker.bgw_notify_pid = MyProcPid;
	return RegisterDynamicBackgroundWorker(&worker, handle);
}

static void
serve_signals(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
}

/* What a database is set to for its users is not meant for its workers.  A wait for a user's transaction, which may last
 * for ever, ends as an error of the job, which is tried again. */
static void
set_up_session(void)
{
	static const struct
	{
		const char *name;
		const char *value;
	}			settings[] = {
		{"default_transaction_deferrable", "off"},
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"lock_timeout", "5s"},
		{"search_path", "pg_catalog, pg_temp"},
	};

	for (int i = 0; i < lengthof(settings); i++)
		SetConfigOption(settings[i].name, settings[i].value, PGC_SUSET, PGC_S_OVERRIDE);
}

void
ch_worker_begin(Oid database, bool is_scheduler, const char *name)
{
	serve_signals();
	if (!ch_wake_worker_begin(database, is_scheduler))
		proc_exit(0);
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	set_up_session();
	pgstat_report_appname(name);
	if (!ch_worker_wanted(NULL))
		proc_exit(0);
}

/* It cannot be renamed while we are connected to it. */
static const char *
own_database(void)
{
	static char name[NAMEDATALEN] = "";

	if (name[0] == '\0')
	{
		StartTransactionCommand();
		strlcpy(name, get_database_name(MyDatabaseId), sizeof(name));
		CommitTransactionCommand();
	}
	return name;
}

bool
ch_worker_wanted(const char *name)
{
	char	   *copy;
	List	   *items = NIL;
	ListCell   *cell;
	bool		wanted = false;

	if (!ch_workers)
		return false;
	if (strcmp(ch_databases, "*") == 0)
		return true;
	if (name == NULL)
		name = own_database();
	copy = pstrdup(ch_databases);
	if (SplitGUCList(copy, ',', &items))
	{
		foreach(cell, items)
			wanted |= strcmp(lfirst(cell), "*") == 0 || strcmp(lfirst(cell), name) == 0;
	}
	list_free(items);
	pfree(copy);
	return wanted;
}

void
ch_worker_reload(void)
{
	if (!ConfigReloadPending)
		return;
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
}

/* ---- The list of databases --------------------------------------------------------------- */

static Database *
find_database(Oid oid)
{
	ListCell   *cell;

	foreach(cell, databases)
	{
		if (((Database *) lfirst(cell))->oid == oid)
			return lfirst(cell);
	}
	return NULL;
}

static void
list_database(Form_pg_database form)
{
	Database   *database = find_database(form->oid);

	if (database == NULL)
	{
		MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);

		database = palloc0(sizeof(Database));
		database->oid = form->oid;
		database->delay_ms = RESTART_FIRST_MS;
		databases = lappend(databases, database);
		MemoryContextSwitchTo(before);
	}
	database->name = form->datname;
	database->is_listed = form->datallowconn && !form->datistemplate && ch_worker_wanted(NameStr(form->datname));
}

/* pg_database can be read without being connected to one of them. */
static void
list_databases(void)
{
	Relation	relation;
	TableScanDesc scan;
	HeapTuple	tuple;
	ListCell   *cell;

	foreach(cell, databases)
		((Database *) lfirst(cell))->is_listed = false;
	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
		list_database((Form_pg_database) GETSTRUCT(tuple));
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
}

/* ---- Schedulers -------------------------------------------------------------------------- */

/* Note a scheduler that has ended, and when it may be started again. */
static void
look_after(Database *database, TimestampTz now)
{
	pid_t		pid;

	if (database->handle == NULL || GetBackgroundWorkerPid(database->handle, &pid) != BGWH_STOPPED)
		return;
	pfree(database->handle);
	database->handle = NULL;
	if (TimestampDifferenceExceeds(database->started_at, now, WORKED_MS))
		database->delay_ms = RESTART_FIRST_MS;
	database->start_at = database->is_wanted ? now : TimestampTzPlusMilliseconds(now, database->delay_ms);
	database->delay_ms = Min(database->delay_ms * 2, RESTART_LAST_MS);
}

static void
start_scheduler(Database *database, TimestampTz now)
{
	static bool has_warned = false;
	MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);

	if (ch_worker_start("scheduler", CH_SCHEDULER_NAME, database->oid, &database->handle))
	{
		database->started_at = now;
		database->is_wanted = false;
		has_warned = false;
	}
	else
	{
		database->handle = NULL;
		database->start_at = TimestampTzPlusMilliseconds(now, LIST_MS);
		if (!has_warned)
			ereport(WARNING,
					(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					 errmsg("connhub could not start a scheduler for database \"%s\"", NameStr(database->name)),
					 errhint("Raise max_worker_processes.")));
		has_warned = true;
	}
	MemoryContextSwitchTo(before);
}

/* Start what is to be started; how long until there is something to do again. */
static int64
keep_schedulers(void)
{
	TimestampTz now = GetCurrentTimestamp();
	int64		wait_ms = LIST_MS;
	ListCell   *cell;

	foreach(cell, databases)
	{
		Database   *database = lfirst(cell);

		look_after(database, now);
		if (database->handle != NULL)
			continue;
		if (!database->is_listed)
		{
			databases = foreach_delete_current(databases, cell);
			pfree(database);
			continue;
		}
		if (database->start_at <= now && !ch_wake_is_held(database->oid))
			start_scheduler(database, now);
		else
			wait_ms = Min(wait_ms, Max(TimestampDifferenceMilliseconds(now, database->start_at), 1000));
	}
	return wait_ms;
}

/* Databases whose sessions have asked for a scheduler.  One that is about to end may not have heard it. */
static void
take_wanted(void)
{
	Oid			oid;

	while (OidIsValid(oid = ch_wake_wanted()))
	{
		Database   *database = find_database(oid);

		if (database == NULL)
			continue;
		database->is_wanted = true;
		database->start_at = 0;
		database->delay_ms = RESTART_FIRST_MS;
	}
}

void
connhub_launcher_main(Datum argument)
{
	serve_signals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	pgstat_report_appname(CH_LAUNCHER_NAME);
	ch_wake_launcher_begin();
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		ch_worker_reload();
		list_databases();
		take_wanted();
		pgstat_report_activity(STATE_IDLE, NULL);
		ch_wait_latch(-1, keep_schedulers());
	}
}
