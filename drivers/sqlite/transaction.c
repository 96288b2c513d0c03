/* transaction.c — transactions, savepoints, and who may write in them.
 *
 * A transaction takes its snapshot by its first read and the file's one lock for writers by its first write.  Whoever reads
 * first and then finds that another process has written cannot go on: its snapshot is old.  The library says so at once,
 * and it is a serialization failure. */
#include "sqlite.h"

#include <stdio.h>

ConnhubStatus
sq_require_transaction(ConnhubConn *conn, ConnhubError *error)
{
	if (!conn->in_transaction || !sqlite3_get_autocommit(conn->db))
		return CONNHUB_OK;
	fail_as(error, CONNHUB_QUERY, "the library has rolled the transaction back");
	snprintf(error->sqlstate, sizeof(error->sqlstate), "25P02");
	fail_hint(error, "Run the transaction again.");
	return CONNHUB_QUERY;
}

ConnhubStatus
sq_require_writable(ConnhubConn *conn, ConnhubError *error)
{
	if (conn->is_writable && !conn->refuses_writes)
		return CONNHUB_OK;
	if (conn->is_writable)
		fail_as(error, CONNHUB_PERMISSION, "the transaction is read-only");
	else if (conn->read_only)
	{
		fail_as(error, CONNHUB_PERMISSION, "the connector only reads the file");
		fail_hint(error, "An administrator can set the connector's option \"read_only\" to false.");
	}
	else
	{
		fail_as(error, CONNHUB_PERMISSION, "the file cannot be written to");
		fail_hint(error, "The operating system user that the server runs as must be able to write to the file "
				  "and to its folder.");
	}
	snprintf(error->sqlstate, sizeof(error->sqlstate), "25006");
	return CONNHUB_PERMISSION;
}

/* The snapshot is taken by the first read, so one is made. */
ConnhubStatus
sq_begin(ConnhubConn *conn, const ConnhubTxn *txn, ConnhubError *error)
{
	ConnhubStatus status = sq_run(conn, "BEGIN", error);

	if (status != CONNHUB_OK)
		return status;
	if (txn->one_snapshot)
	{
		status = sq_run(conn, "SELECT count(*) FROM sqlite_schema", error);
		if (status != CONNHUB_OK)
		{
			ConnhubError ignored = {0};

			sq_run(conn, "ROLLBACK", &ignored);
			return status;
		}
	}
	conn->in_transaction = true;
	conn->refuses_writes = txn->read_only;
	return CONNHUB_OK;
}

/* The library may have rolled back by itself. */
ConnhubStatus
sq_rollback(ConnhubConn *conn, ConnhubError *error)
{
	conn->in_transaction = false;
	conn->refuses_writes = false;
	if (sqlite3_get_autocommit(conn->db))
		return CONNHUB_OK;
	return sq_run(conn, "ROLLBACK", error);
}

/* A commit that failed could be tried again; core does not, so nothing may be left of it. */
ConnhubStatus
sq_commit(ConnhubConn *conn, ConnhubError *error)
{
	ConnhubStatus status = sq_require_transaction(conn, error);
	ConnhubError ignored = {0};

	if (status == CONNHUB_OK)
		status = sq_run(conn, "COMMIT", error);
	if (status != CONNHUB_OK)
		sq_rollback(conn, &ignored);
	conn->in_transaction = false;
	conn->refuses_writes = false;
	return status;
}

/* ---- Savepoints ---- */

static ConnhubStatus
at_savepoint(ConnhubConn *conn, const char *verb, uint32_t depth, ConnhubError *error)
{
	ConnhubStatus status = sq_require_transaction(conn, error);
	char		sql[64];

	if (status != CONNHUB_OK)
		return status;
	snprintf(sql, sizeof(sql), "%s connhub_%u", verb, depth);
	return sq_run(conn, sql, error);
}

ConnhubStatus
sq_savepoint(ConnhubConn *conn, uint32_t depth, ConnhubError *error)
{
	return at_savepoint(conn, "SAVEPOINT", depth, error);
}

ConnhubStatus
sq_release_savepoint(ConnhubConn *conn, uint32_t depth, ConnhubError *error)
{
	return at_savepoint(conn, "RELEASE", depth, error);
}

ConnhubStatus
sq_rollback_to(ConnhubConn *conn, uint32_t depth, ConnhubError *error)
{
	return at_savepoint(conn, "ROLLBACK TO", depth, error);
}
