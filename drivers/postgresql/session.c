/* session.c — an open connection: settings, checks, cancel.
 *
 * The settings go out in one statement list right after the connection stands, not in the startup
 * packet, which connection poolers refuse. */
#include "pg.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long cancel waits for the source to have taken note.  The request goes on by itself after that. */
#define CANCEL_WAIT_MS	150

/* How often the source looks whether we are still there while it computes. */
#define CHECK_INTERVAL_MS	10000

/* ---- Settings ---------------------------------------------------------------------------- */

typedef struct Setting
{
	const char *text;
	int			min_version;	/* PQserverVersion */
	bool		everywhere;		/* also on PostgreSQL's relatives */
} Setting;

/* Text forms and names mean the same whatever the role's or the database's defaults are. */
static const Setting settings[] = {
	{"SET datestyle = ISO", 0, true},
	{"SET timezone = 'UTC'", 0, true},
	{"SET search_path = pg_catalog", 0, true},
	{"SET intervalstyle = postgres", 80400, false},
	{"SET extra_float_digits = 3", 90000, false},
	{"SET bytea_output = hex", 90000, false},
	{"SET standard_conforming_strings = on", 80200, false},
	{"SET xmloption = content", 80300, false},
	{"SET default_transaction_isolation = 'read committed'", 80000, false},
};

ConnhubStatus
pg_setup_send(ConnhubConn *conn, ConnhubError *error)
{
	bool		relative = conn->type != PG_TYPE_POSTGRESQL;
	int			version = PQserverVersion(conn->pg);
	ConnhubText text = {0};
	TextWriter	writer;
	bool		sent;

	text_begin(&writer, pg_host, &text);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (relative ? settings[i].everywhere : version >= settings[i].min_version)
			text_format(&writer, "%s; ", settings[i].text);
	if (!relative && version >= 140000)
		text_format(&writer, "SET client_connection_check_interval = %d; ", CHECK_INTERVAL_MS);
	text_format(&writer, "SET statement_timeout = %lld; SELECT pg_catalog.version()",
				(long long) (conn->query_timeout_ms > 0 ? conn->query_timeout_ms : 0));
	if (text_end(&writer) != CONNHUB_OK)
	{
		text_free(pg_host, &text);
		return fail_no_memory(error);
	}
	sent = PQsetnonblocking(conn->pg, 1) == 0 && PQsendQuery(conn->pg, text.data) == 1;
	text_free(pg_host, &text);
	return sent ? CONNHUB_OK : pg_lost(conn, error);
}

/* version() is a sentence; its first two words name product and release. */
static void
take_version(ConnhubConn *conn, const PGresult *result)
{
	if (PQntuples(result) == 1 && PQnfields(result) == 1)
		pg_copy_line(conn->version, sizeof(conn->version), PQgetvalue(result, 0, 0));
}

/* A relative keeps PostgreSQL's name in version() and adds its own. */
static bool
is_genuine(const ConnhubConn *conn)
{
	static const char *const relatives[] = {"Redshift", "Greenplum", "YB", "EnterpriseDB"};

	if (conn->type != PG_TYPE_POSTGRESQL || strncmp(conn->version, "PostgreSQL ", 11) != 0)
		return false;
	for (size_t i = 0; i < sizeof(relatives) / sizeof(relatives[0]); i++)
		if (strstr(conn->version, relatives[i]))
			return false;
	return true;
}

ConnhubStatus
pg_setup_step(ConnhubConn *conn, ConnhubWait *wait, ConnhubError *error)
{
	PGresult   *result;
	int			unsent = PQflush(conn->pg);

	if (unsent < 0 || PQconsumeInput(conn->pg) == 0)
		return pg_lost(conn, error);
	while (!PQisBusy(conn->pg))
	{
		result = PQgetResult(conn->pg);
		if (!result)
		{
			if (PQenterPipelineMode(conn->pg) != 1)
				return pg_lost(conn, error);
			conn->in_setup = false;
			conn->has_copy = is_genuine(conn) && !conn->text_results;
			return CONNHUB_OK;
		}
		if (PQresultStatus(result) == PGRES_TUPLES_OK)
			take_version(conn, result);
		else if (PQresultStatus(result) != PGRES_COMMAND_OK)
		{
			pg_result_error(conn, result, error);
			PQclear(result);
			return error->status;
		}
		PQclear(result);
	}
	wait->fd = PQsocket(conn->pg);
	wait->events = CONNHUB_READABLE | (unsent > 0 ? CONNHUB_WRITABLE : 0);
	wait->timeout_ms = -1;
	return CONNHUB_WAIT;
}

/* ---- Checks ------------------------------------------------------------------------------ */

static void
fill_info(ConnhubConn *conn, ConnhubInfo *info)
{
	uint32_t	version = (uint32_t) PQserverVersion(conn->pg);
	const char *encoding = PQparameterStatus(conn->pg, "server_encoding");
	const char *tls = PQsslInUse(conn->pg) ? PQsslAttribute(conn->pg, "protocol") : NULL;
	const char *number = strchr(conn->version, ' ');

	snprintf(info->product, sizeof(info->product), "%.*s", (int) strcspn(conn->version, " "), conn->version);
	if (conn->type == PG_TYPE_REDSHIFT)
		snprintf(info->product, sizeof(info->product), "Redshift");
	if (number)
		snprintf(info->version, sizeof(info->version), "%.*s", (int) strcspn(number + 1, " ,"), number + 1);

	/* 150020 is 15.20, 90624 is 9.6.24. */
	info->version_num = version >= 100000 ? version / 10000 * 10000 + version % 10000 * 100 : version;
	info->tls = PQsslInUse(conn->pg);
	snprintf(info->tls_version, sizeof(info->tls_version), "%s", tls ? tls : "");
	snprintf(info->encoding, sizeof(info->encoding), "%s", encoding ? encoding : "");
	info->flags = (is_genuine(conn) ? PG_FLAG_GENUINE : 0) |
		(encoding && strcmp(encoding, "UTF8") == 0 ? PG_FLAG_UTF8 : 0);
}

static ConnhubStatus
check_alive(ConnhubConn *conn, ConnhubError *error)
{
	struct pollfd pollfd = {PQsocket(conn->pg), POLLIN, 0};

	if (conn->lost || PQstatus(conn->pg) != CONNECTION_OK || pollfd.fd < 0)
		return pg_lost(conn, error);
	if (pg_look_at_unanswered(conn, error) != CONNHUB_OK)
		return error->status;

	/* Between statements only notices and changed parameters may arrive, or the end, which may come
	 * right behind a farewell. */
	while (!conn->stream.active && conn->unanswered == 0 && poll(&pollfd, 1, 0) > 0)
	{
		bool		fine = PQconsumeInput(conn->pg) == 1;

		if (fine && !PQisBusy(conn->pg))
			PQfreemem(PQnotifies(conn->pg));	/* lets libpq look at what came */
		if (!fine || conn->lost || PQstatus(conn->pg) != CONNECTION_OK)
			return pg_lost(conn, error);
	}
	return CONNHUB_OK;
}

/* One row of facts about what the user may see: does the schema exist, may it be used, are there
 * relations, and may one of them be read? */
#define ACCESS_QUERY \
	"SELECT (n.oid IS NOT NULL)::text, pg_catalog.has_schema_privilege(n.oid, 'USAGE')::text, " \
	"(NOT EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r','v','m','f','p')) " \
	"OR EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r','v','m','f','p') " \
	"AND (pg_catalog.has_table_privilege(c.oid, 'SELECT') OR pg_catalog.has_any_column_privilege(c.oid, 'SELECT'))))::text " \
	"FROM (SELECT 1) one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $1"

/* The same of all schemas but the system's: is there anything to read? */
#define ANY_ACCESS_QUERY \
	"SELECT 'true', 'true', (count(*) = 0 OR bool_or(pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND " \
	"(pg_catalog.has_table_privilege(c.oid, 'SELECT') OR pg_catalog.has_any_column_privilege(c.oid, 'SELECT'))))::text " \
	"FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace " \
	"WHERE c.relkind IN ('r','v','m','f','p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"

#define PLAIN_ACCESS_QUERY "SELECT 'true', 'true', 'true'"

static bool
is_true(const PGresult *row, int column)
{
	return !PQgetisnull(row, 0, column) && PQgetvalue(row, 0, column)[0] == 't';
}

static ConnhubStatus
judge_access(ConnhubConn *conn, const PGresult *row, ConnhubError *error)
{
	if (!is_true(row, 0))
	{
		fail_as(error, CONNHUB_NO_DATABASE, "schema \"%s\" does not exist", conn->schema);
		error->phase = CONNHUB_PHASE_DATABASE;
		fail_hint(error, "Name an existing schema, or none.");
		return CONNHUB_NO_DATABASE;
	}
	if (is_true(row, 1) && is_true(row, 2))
		return CONNHUB_OK;
	error->phase = CONNHUB_PHASE_PERMISSION;
	if (!is_true(row, 1))
	{
		fail_as(error, CONNHUB_PERMISSION, "permission denied for schema \"%s\"", conn->schema);
		fail_hint(error, "Grant the user USAGE on the schema and SELECT on its tables.");
	}
	else
	{
		fail_as(error, CONNHUB_PERMISSION, "the user may read no table");
		fail_hint(error, "Grant the user SELECT on the tables to be read.");
	}
	return CONNHUB_PERMISSION;
}

/* Run a query of one row of text; the caller clears *row, also after a failure. */
ConnhubStatus
pg_one_row(ConnhubConn *conn, const char *text, const char *const *values, int nvalues, int flags, PGresult **row,
		   ConnhubError *error)
{
	const PgParams params = {nvalues, NULL, values, NULL, NULL};
	PGresult   *more = NULL;
	ConnhubStatus status = pg_send(conn, text, &params, flags, error);

	*row = NULL;
	if (status == CONNHUB_OK)
		status = pg_next_row(conn, true, row, error);
	while (status == CONNHUB_OK && (status = pg_next_row(conn, true, &more, error)) == CONNHUB_OK)
		PQclear(more);
	if (status == CONNHUB_DONE)
		status = *row ? pg_finish(conn, error) : fail_as(error, CONNHUB_INTERNAL, "a query of one row returned none");
	else
	{
		ConnhubError ignored = {0};

		pg_finish(conn, &ignored);
	}
	return status;
}

/* The query of CHECK_ACCESS, whose parameter, if any, is the schema. */
static const char *
access_query(const ConnhubConn *conn, int *nvalues)
{
	*nvalues = conn->type == PG_TYPE_POSTGRESQL && conn->schema ? 1 : 0;
	if (conn->type != PG_TYPE_POSTGRESQL)
		return PLAIN_ACCESS_QUERY;
	return conn->schema ? ACCESS_QUERY : ANY_ACCESS_QUERY;
}

ConnhubStatus
pg_check(ConnhubConn *conn, ConnhubCheckLevel level, ConnhubInfo *info, ConnhubError *error)
{
	const char *schema = conn->schema;
	const char *text = PLAIN_ACCESS_QUERY;
	int			nvalues = 0;
	PGresult   *row = NULL;
	ConnhubStatus status = check_alive(conn, error);

	if (status != CONNHUB_OK || level == CONNHUB_CHECK_ALIVE)
		return status;
	if (level == CONNHUB_CHECK_ACCESS)
	{
		pg_host->phase(CONNHUB_PHASE_PERMISSION);
		text = access_query(conn, &nvalues);
	}
	status = pg_one_row(conn, text, &schema, nvalues, PG_SEND_ONCE, &row, error);
	if (status == CONNHUB_OK)
	{
		fill_info(conn, info);
		status = judge_access(conn, row, error);
	}
	PQclear(row);
	return status;
}

/* Send the access query.  A fresh connection takes one as short as this without waiting. */
static ConnhubStatus
begin_check(ConnhubConn *conn, ConnhubError *error)
{
	const char *schema = conn->schema;
	PgParams	params = {0, NULL, &schema, NULL, NULL};
	const char *text = access_query(conn, &params.count);
	ConnhubStatus status = check_alive(conn, error);

	if (status != CONNHUB_OK)
		return status;
	pg_host->phase(CONNHUB_PHASE_PERMISSION);
	status = pg_send(conn, text, &params, PG_SEND_ONCE, error);
	conn->in_check = status == CONNHUB_OK;
	return status;
}

ConnhubStatus
pg_check_step(ConnhubConn *conn, ConnhubInfo *info, ConnhubWait *wait, ConnhubError *error)
{
	ConnhubError ignored = {0};
	PGresult   *row = NULL;
	ConnhubStatus status = conn->in_check ? CONNHUB_OK : begin_check(conn, error);

	while (status == CONNHUB_OK && (status = pg_next_row(conn, false, &row, error)) == CONNHUB_OK)
	{
		PQclear(conn->access);
		conn->access = row;
	}
	if (status == CONNHUB_WAIT)
	{
		wait->fd = PQsocket(conn->pg);
		wait->events = CONNHUB_READABLE;
		wait->timeout_ms = -1;
		return CONNHUB_WAIT;
	}
	if (conn->in_check)
		pg_finish(conn, &ignored);
	conn->in_check = false;
	if (status == CONNHUB_DONE && !conn->access)
		status = fail_as(error, CONNHUB_INTERNAL, "a query of one row returned none");
	if (status == CONNHUB_DONE)
	{
		fill_info(conn, info);
		status = judge_access(conn, conn->access, error);
	}
	PQclear(conn->access);
	conn->access = NULL;
	return status;
}

/* ---- Cancel ------------------------------------------------------------------------------ */

#ifdef LIBPQ_HAS_ASYNC_CANCEL

ConnhubStatus
pg_cancel(ConnhubConn *conn, ConnhubError *error)
{
	PGcancelConn *cancel = PQcancelCreate(conn->pg);
	PostgresPollingStatusType polling = PGRES_POLLING_WRITING;
	int64_t		deadline = pg_host->now_ms() + CANCEL_WAIT_MS;
	ConnhubStatus status = CONNHUB_OK;

	if (!cancel)
		return fail_no_memory(error);
	if (!PQcancelStart(cancel))
		status = fail_as(error, CONNHUB_LOST, "could not send the cancel request");
	while (status == CONNHUB_OK && polling != PGRES_POLLING_OK)
	{
		int64_t		left = deadline - pg_host->now_ms();

		if (left <= 0)
		{
			status = fail_as(error, CONNHUB_TIMEOUT, "the source did not take the cancel request in time");
			break;
		}
		status = pg_host->wait(PQcancelSocket(cancel), polling == PGRES_POLLING_READING ? CONNHUB_READABLE :
							   CONNHUB_WRITABLE, left);
		if (status != CONNHUB_OK)
			continue;
		polling = PQcancelPoll(cancel);
		if (polling == PGRES_POLLING_FAILED)
			status = fail_as(error, CONNHUB_LOST, "could not send the cancel request");
	}
	PQcancelFinish(cancel);
	return status;
}

#else

/* PQcancel blocks until the source has hung up, so it runs in a thread.  Whoever lets go last frees. */
typedef struct CancelJob
{
	PGcancel   *cancel;
	atomic_int	holders;
	int			sent;
} CancelJob;

static void
release_job(CancelJob *job)
{
	if (atomic_fetch_sub(&job->holders, 1) > 1)
		return;
	PQfreeCancel(job->cancel);
	free(job);
}

static void
run_cancel(void *arg)
{
	CancelJob  *job = arg;
	char		message[256];

	job->sent = PQcancel(job->cancel, message, sizeof(message));
	release_job(job);
}

ConnhubStatus
pg_cancel(ConnhubConn *conn, ConnhubError *error)
{
	CancelJob  *job = malloc(sizeof(CancelJob));
	ConnhubStatus status;
	bool		sent;

	if (!job)
		return fail_no_memory(error);
	job->sent = 0;
	job->cancel = PQgetCancel(conn->pg);
	atomic_init(&job->holders, 2);
	if (!job->cancel)
	{
		free(job);
		return fail_no_memory(error);
	}
	status = pg_host->offload(run_cancel, job, CANCEL_WAIT_MS);
	sent = status == CONNHUB_OK && job->sent == 1;
	if (status != CONNHUB_OK && status != CONNHUB_TIMEOUT && status != CONNHUB_CANCELLED)
		release_job(job);		/* no thread was started: its share is ours */
	release_job(job);
	if (sent)
		return CONNHUB_OK;
	return fail_as(error, status == CONNHUB_OK ? CONNHUB_LOST : status, "could not send the cancel request");
}

#endif
