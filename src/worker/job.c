/* worker/job.c — the rows of jobs: which are due, who does them, how they ended.
 *
 * A job that runs names its process by number and start.  Nobody need tell that a process has died: a row whose process
 * is no longer there was left by a crash.  A client that has given up its CALL is still there, but has begun
 * another statement or none. */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "catalog/cat_sql.h"
#include "common/error.h"
#include "common/txn.h"
#include "common/wait.h"
#include "worker/job.h"

#define NIL_UUID "00000000-0000-0000-0000-000000000000"

/* Half a minute, doubled with each failure, up to an hour. */
#define BACKOFF "clock_timestamp() + least(interval '30 seconds' * power(2, least(j.attempts, 10)), interval '1 hour')"

static const ChJobKind *running_kind;
static pg_uuid_t running_subject;

static Datum
subject_array(const pg_uuid_t *subjects, int count)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
		values[i] = UUIDPGetDatum(&subjects[i]);
	return PointerGetDatum(construct_array(values, count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
}

static char *
due_query(const ChJobKind *kind)
{
	if (kind->due != NULL)
		return pstrdup(kind->due);
	return psprintf("SELECT '" NIL_UUID "'::uuid, coalesce((SELECT p.finished_at + make_interval(secs => %d)"
					" FROM connhub_catalog.job AS p WHERE p.kind = $1), clock_timestamp())", kind->period_s);
}

/* When the first of those that wait for another try may have it. */
static TimestampTz
next_try(ChSql *sql, const ChJobKind *kind)
{
	bool		isnull;
	Datum		value;

	ch_sql_text(sql, kind->name);
	ch_sql_run(sql, "SELECT min(not_before) FROM connhub_catalog.job WHERE kind = $1 AND state <> 'running'"
			   " AND not_before > clock_timestamp()");
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	return isnull ? DT_NOEND : DatumGetTimestampTz(value);
}

/* Ordered by the kind's own column, so that an index of it serves.  A clock that was set back must not put a try off for
 * as long. */
int
ch_job_due(const ChJobKind *kind, pg_uuid_t *subjects, int max, TimestampTz *next)
{
	ChSql		sql;
	uint64		nrows;
	int			count = 0;
	bool		isnull;

	*next = DT_NOEND;
	ch_sql_begin(&sql);
	ch_sql_text(&sql, kind->name);
	ch_sql_value(&sql, INT4OID, Int32GetDatum(max + 1), false);
	nrows = ch_sql_run(&sql, psprintf("SELECT q.subject, q.due_at, q.due_at <= clock_timestamp()"
									  " FROM (%s) AS q (subject, due_at) WHERE NOT EXISTS ("
									  "SELECT FROM connhub_catalog.job AS j WHERE j.kind = $1 AND j.subject = q.subject"
									  " AND (j.state = 'running' OR j.not_before BETWEEN clock_timestamp()"
									  " AND clock_timestamp() + interval '2 hours'))"
									  " ORDER BY q.due_at LIMIT $2", due_query(kind)));
	for (uint64 i = 0; i < nrows; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	descriptor = SPI_tuptable->tupdesc;

		if (count == max || !DatumGetBool(SPI_getbinval(tuple, descriptor, 3, &isnull)))
		{
			*next = DatumGetTimestampTz(SPI_getbinval(tuple, descriptor, 2, &isnull));
			break;
		}
		subjects[count++] = *DatumGetUUIDP(SPI_getbinval(tuple, descriptor, 1, &isnull));
	}
	*next = Min(*next, next_try(&sql, kind));
	ch_sql_end(&sql);
	return count;
}

int
ch_job_claim(const ChJobKind *kind, pg_uuid_t *subjects, int count)
{
	ChSql		sql;
	int			claimed;
	bool		isnull;

	if (count == 0)
		return 0;
	ch_sql_begin(&sql);
	ch_sql_text(&sql, kind->name);
	ch_sql_value(&sql, UUIDARRAYOID, subject_array(subjects, count), false);
	ch_sql_value(&sql, INT4OID, Int32GetDatum(MyProcPid), false);
	ch_sql_value(&sql, TIMESTAMPTZOID, TimestampTzGetDatum(MyStartTimestamp), false);
	claimed = (int) ch_sql_run(&sql, "INSERT INTO connhub_catalog.job AS j (kind, subject, state, worker_pid, worker_start, started_at)"
							   " SELECT $1, u.id, 'running', $3, $4, clock_timestamp() FROM unnest($2) AS u (id)"
							   " ON CONFLICT (kind, subject) DO UPDATE SET state = 'running', worker_pid = $3, worker_start = $4,"
							   " started_at = clock_timestamp(), done = NULL, total = NULL"
							   " WHERE j.state <> 'running' RETURNING j.subject");
	for (int i = 0; i < claimed; i++)
		subjects[i] = *DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
	ch_sql_end(&sql);
	return claimed;
}

/* Jobs of this process, as parameters $1 to $4 of what follows. */
static void
own_jobs(ChSql *sql, const ChJobKind *kind, const pg_uuid_t *subjects, int count)
{
	ch_sql_begin(sql);
	ch_sql_text(sql, kind->name);
	ch_sql_value(sql, UUIDARRAYOID, subject_array(subjects, count), false);
	ch_sql_value(sql, INT4OID, Int32GetDatum(MyProcPid), false);
	ch_sql_value(sql, TIMESTAMPTZOID, TimestampTzGetDatum(MyStartTimestamp), false);
}

#define OWN_JOBS " WHERE j.kind = $1 AND j.subject = ANY ($2) AND j.worker_pid = $3 AND j.worker_start = $4 AND j.state = 'running'"

void
ch_job_done(const ChJobKind *kind, const pg_uuid_t *subjects, int count)
{
	ChSql		sql;

	if (count == 0)
		return;
	own_jobs(&sql, kind, subjects, count);
	ch_sql_run(&sql, kind->due != NULL ? "DELETE FROM connhub_catalog.job AS j" OWN_JOBS :
			   "UPDATE connhub_catalog.job AS j SET state = 'done', finished_at = clock_timestamp(), attempts = 0,"
			   " not_before = NULL, last_error = NULL" OWN_JOBS);
	ch_sql_end(&sql);
}

void
ch_job_failed(const ChJobKind *kind, const pg_uuid_t *subjects, int count, const char *why)
{
	ChSql		sql;

	if (count == 0)
		return;
	own_jobs(&sql, kind, subjects, count);
	ch_sql_text(&sql, why);
	ch_sql_run(&sql, "UPDATE connhub_catalog.job AS j SET state = 'failed', attempts = j.attempts + 1,"
			   " not_before = " BACKOFF ", last_error = $5" OWN_JOBS);
	ch_sql_end(&sql);
}

static void
recover(void *argument)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_run(&sql, "UPDATE connhub_catalog.job AS j SET state = 'crashed', attempts = j.attempts + 1,"
			   " not_before = " BACKOFF ", last_error = 'the process that ran it has ended, or given it up'"
			   " WHERE j.state = 'running' AND NOT EXISTS (SELECT FROM pg_stat_get_activity(j.worker_pid) AS a"
			   " WHERE a.backend_start = j.worker_start AND (a.backend_type <> 'client backend'"
			   " OR (a.state = 'active' AND a.query_start <= j.started_at)))");

	/* A clock that was set back: what was tested in the future is due. */
	ch_sql_run(&sql, "UPDATE connhub_catalog.health SET next_due_at = clock_timestamp() WHERE connector_id IN ("
			   "SELECT h.connector_id FROM connhub_catalog.health AS h WHERE h.tested_at > clock_timestamp() + interval '1 minute'"
			   " AND h.next_due_at > clock_timestamp() FOR NO KEY UPDATE SKIP LOCKED)");
	ch_sql_end(&sql);
}

void
ch_job_recover(void)
{
	ErrorData  *error = ch_txn_run(recover, NULL);

	if (error != NULL)
		ReThrowError(error);
}

/* ---- One job ----------------------------------------------------------------------------- */

typedef struct JobCall
{
	const ChJobKind *kind;
	pg_uuid_t	subject;
	bool		has_subject;
	TimestampTz *next;
	int64		done;
	int64		total;
	const char *why;
} JobCall;

static void
take(void *argument)
{
	JobCall    *call = argument;

	call->has_subject = ch_job_due(call->kind, &call->subject, 1, call->next) == 1 &&
		ch_job_claim(call->kind, &call->subject, 1) == 1;
}

static void
record_done(void *argument)
{
	JobCall    *call = argument;

	ch_job_done(call->kind, &call->subject, 1);
}

static void
record_failed(void *argument)
{
	JobCall    *call = argument;

	ch_job_failed(call->kind, &call->subject, 1, call->why);
}

static void
record_progress(void *argument)
{
	JobCall    *call = argument;
	ChSql		sql;

	own_jobs(&sql, call->kind, &call->subject, 1);
	ch_sql_value(&sql, INT8OID, Int64GetDatum(call->done), false);
	ch_sql_value(&sql, INT8OID, Int64GetDatum(call->total), call->total <= 0);
	ch_sql_run(&sql, "UPDATE connhub_catalog.job AS j SET done = $5, total = $6" OWN_JOBS);
	ch_sql_end(&sql);
}

static void
in_transaction(void (*fn) (void *argument), JobCall *call)
{
	ErrorData  *error = ch_txn_run(fn, call);

	if (error != NULL)
		ReThrowError(error);
}

void
ch_job_progress(int64 done, int64 total)
{
	JobCall		call = {.kind = running_kind, .subject = running_subject, .done = done, .total = total};

	if (running_kind != NULL)
		in_transaction(record_progress, &call);
}

/* In a worker an error ends the job and not the process; a procedure's transaction belongs to its caller, whom the
 * error reaches: the row is then found to be given up. */
static void
run(JobCall *call)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorData  *volatile error = NULL;

	running_kind = call->kind;
	running_subject = call->subject;
	PG_TRY();
	{
		call->kind->run(&call->subject);
	}
	PG_CATCH();
	{
		running_kind = NULL;
		if (ch_txn_in_procedure())
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		EmitErrorReport();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		ch_deadline_reset();
		MemoryContextSwitchTo(context);
	}
	PG_END_TRY();
	running_kind = NULL;
	if (error == NULL)
	{
		in_transaction(record_done, call);
		return;
	}
	call->why = error->message;
	in_transaction(record_failed, call);
	FreeErrorData(error);
}

bool
ch_job_run_next(const ChJobKind *kind, TimestampTz *next)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "connhub job", ALLOCSET_DEFAULT_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);
	JobCall		call = {.kind = kind, .next = next};

	in_transaction(take, &call);
	if (call.has_subject)
		run(&call);
	MemoryContextSwitchTo(before);
	MemoryContextDelete(context);
	return call.has_subject;
}
