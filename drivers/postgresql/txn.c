/* txn.c — transactions, savepoints, two-phase commit.
 *
 * A transaction begins with the first statement sent in it, and so does a savepoint: neither costs a round trip, and
 * a transaction in which nothing was sent costs none at all.  One that only reads is committed without waiting for
 * the answer: there is nothing in it that could be lost.  A statement's own savepoint lies above those that core asks
 * for, so to undo or to release one of these ends it too. */
#include "pg.h"

#include <stdio.h>
#include <string.h>

#define GID_MOST	60

static bool
consists_of(const char *text, const char *letters, size_t most)
{
	size_t		length = strlen(text);

	return length > 0 && length <= most && strspn(text, letters) == length;
}

/* ---- Begin and end ----------------------------------------------------------------------- */

ConnhubStatus
pg_begin(ConnhubConn *conn, const ConnhubTxn *txn, ConnhubError *error)
{
	static const char *const forms[2][2] = {
		{"BEGIN", "BEGIN READ ONLY"},
		{"BEGIN ISOLATION LEVEL REPEATABLE READ", "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"},
	};
	bool		is_redshift = conn->type == PG_TYPE_REDSHIFT;

	if (conn->pending_begin || conn->in_transaction)
		return fail_as(error, CONNHUB_INTERNAL, "a transaction is open already");
	conn->snapshot[0] = '\0';
	if (txn->snapshot)
	{
		if (is_redshift || !consists_of(txn->snapshot, "0123456789ABCDEF-", 60))
			return fail_as(error, CONNHUB_UNSUPPORTED, "the snapshot is none of this source");
		snprintf(conn->snapshot, sizeof(conn->snapshot), "SET TRANSACTION SNAPSHOT '%s'", txn->snapshot);
	}

	/* Redshift knows one level, which gives one snapshot. */
	conn->pending_begin = is_redshift ? forms[0][txn->read_only] :
		forms[txn->one_snapshot || txn->snapshot][txn->read_only];
	conn->only_reads = txn->read_only;
	conn->transaction++;
	conn->savepoints = conn->savepoints_due = 0;
	conn->timeout_lifted = conn->has_lifted_timeout = false;
	return CONNHUB_OK;
}

/* Forget the transaction.  False: there is nothing to be ended at the source. */
static bool
leave_transaction(ConnhubConn *conn)
{
	bool		was_open = conn->in_transaction;

	conn->pending_begin = NULL;
	conn->in_transaction = false;
	conn->has_stale_savepoint = false;
	conn->savepoints = conn->savepoints_due = 0;
	return was_open;
}

ConnhubStatus
pg_commit(ConnhubConn *conn, ConnhubError *error)
{
	if (!leave_transaction(conn))
		return CONNHUB_OK;
	return conn->only_reads ? pg_send_unanswered(conn, "COMMIT", error) : pg_command(conn, "COMMIT", "COMMIT", error);
}

ConnhubStatus
pg_rollback(ConnhubConn *conn, ConnhubError *error)
{
	if (pg_give_up_copy(conn, error) != CONNHUB_OK)
		return error->status;
	return leave_transaction(conn) ? pg_command(conn, "ROLLBACK", "ROLLBACK", error) : CONNHUB_OK;
}

/* ---- Savepoints -------------------------------------------------------------------------- */

void
pg_savepoint_command(char text[64], const char *verb, uint32_t depth)
{
	snprintf(text, 64, "%s connhub_level_%u", verb, depth);
}

ConnhubStatus
pg_savepoint(ConnhubConn *conn, uint32_t depth, ConnhubError *error)
{
	if (!conn->has_savepoints)
		return fail_as(error, CONNHUB_UNSUPPORTED, "the source has no savepoints");
	if (depth != conn->savepoints_due + 1)
		return fail_as(error, CONNHUB_INTERNAL, "savepoint %u does not follow upon %u", depth, conn->savepoints_due);
	conn->savepoints_due = depth;
	return CONNHUB_OK;
}

/* Bring the source down to a depth by the command given, if it is deeper. */
static ConnhubStatus
leave_savepoints(ConnhubConn *conn, uint32_t depth, const char *verb, const char *tag, ConnhubError *error)
{
	char		text[64];

	if (!conn->in_transaction || conn->savepoints < depth)
		return CONNHUB_OK;
	conn->has_stale_savepoint = false;
	pg_savepoint_command(text, verb, depth);
	return pg_command(conn, text, tag, error);
}

ConnhubStatus
pg_release(ConnhubConn *conn, uint32_t depth, ConnhubError *error)
{
	ConnhubStatus status;

	conn->savepoints_due = depth - 1;
	status = leave_savepoints(conn, depth, "RELEASE", "RELEASE", error);
	if (conn->savepoints >= depth)
		conn->savepoints = depth - 1;
	return status;
}

ConnhubStatus
pg_rollback_to(ConnhubConn *conn, uint32_t depth, ConnhubError *error)
{
	ConnhubStatus status;

	if (pg_give_up_copy(conn, error) != CONNHUB_OK)
		return error->status;
	conn->savepoints_due = depth;
	conn->transaction++;		/* locks are gone, and what was true under them */

	/* The setting that counted at the savepoint counts again. */
	conn->timeout_lifted = conn->has_lifted_timeout;
	status = leave_savepoints(conn, depth, "ROLLBACK TO", "ROLLBACK", error);
	if (conn->savepoints > depth)
		conn->savepoints = depth;
	return status;
}

/* ---- Two-phase commit -------------------------------------------------------------------- */

static ConnhubStatus
check_gid(const char *gid, ConnhubError *error)
{
	if (consists_of(gid, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", GID_MOST))
		return CONNHUB_OK;
	return fail_as(error, CONNHUB_INTERNAL, "the name of the transaction is malformed");
}

/* Nothing was sent: then there is nothing to be kept, and finish_prepared finds nothing. */
ConnhubStatus
pg_prepare(ConnhubConn *conn, const char *gid, ConnhubError *error)
{
	char		text[128];

	if (check_gid(gid, error) != CONNHUB_OK)
		return error->status;
	if (!leave_transaction(conn))
		return CONNHUB_OK;
	snprintf(text, sizeof(text), "PREPARE TRANSACTION '%s'", gid);
	return pg_command(conn, text, "PREPARE TRANSACTION", error);
}

ConnhubStatus
pg_finish_prepared(ConnhubConn *conn, const char *gid, bool commit, ConnhubError *error)
{
	const char *verb = commit ? "COMMIT PREPARED" : "ROLLBACK PREPARED";
	char		text[128];
	ConnhubStatus status;

	if (check_gid(gid, error) != CONNHUB_OK)
		return error->status;
	snprintf(text, sizeof(text), "%s '%s'", verb, gid);
	status = pg_command(conn, text, verb, error);
	if (status == CONNHUB_OK || strcmp(error->sqlstate, "42704") != 0)
		return status;
	memset(error, 0, sizeof(*error));
	return CONNHUB_OK;
}

/* Names beginning with a prefix, in the words of the oldest source too. */
#define PREPARED_QUERY \
	"SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE database = pg_catalog.current_database() AND owner = current_user " \
	"AND pg_catalog.substr(gid, 1, pg_catalog.length($1::text)) = $1::text"

ConnhubStatus
pg_list_prepared(ConnhubConn *conn, const char *prefix, void (*found) (void *arg, const char *gid), void *arg,
				 ConnhubError *error)
{
	const char *values[1] = {prefix};
	const PgParams params = {1, NULL, values, NULL, NULL};
	PGresult   *row = NULL;
	ConnhubStatus status = pg_send(conn, PREPARED_QUERY, &params, PG_SEND_ONCE, error);

	while (status == CONNHUB_OK && (status = pg_next_row(conn, true, &row, error)) == CONNHUB_OK)
	{
		found(arg, PQgetvalue(row, 0, 0));
		PQclear(row);
	}
	return pg_end_flight(conn, status == CONNHUB_DONE ? CONNHUB_OK : status, error);
}

/* ---- Snapshots --------------------------------------------------------------------------- */

/* Without a savepoint: a subtransaction's snapshot cannot be exported. */
ConnhubStatus
pg_export_snapshot(ConnhubConn *conn, char *name, size_t size, ConnhubError *error)
{
	PGresult   *row = NULL;
	ConnhubStatus status = pg_one_row(conn, "SELECT pg_catalog.pg_export_snapshot()", NULL, 0,
									  PG_SEND_ONCE | PG_SEND_BARE, &row, error);

	if (status == CONNHUB_OK && strlen(PQgetvalue(row, 0, 0)) >= size)
		status = fail_as(error, CONNHUB_INTERNAL, "the name of the snapshot is too long");
	if (status == CONNHUB_OK)
		snprintf(name, size, "%s", PQgetvalue(row, 0, 0));
	PQclear(row);
	return status;
}
