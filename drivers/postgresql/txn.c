/* txn.c — transactions.
 *
 * A transaction begins with the first statement sent in it: begin itself costs no round trip, and a transaction in
 * which nothing was sent costs none at all.  One that only reads is committed without waiting for the answer: there
 * is nothing in it that could be lost. */
#include "pg.h"

#include <string.h>

ConnhubStatus
pg_begin(ConnhubConn *conn, const ConnhubTxn *txn, ConnhubError *error)
{
	static const char *const forms[2][2] = {
		{"BEGIN", "BEGIN READ ONLY"},
		{"BEGIN ISOLATION LEVEL REPEATABLE READ", "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"},
	};

	if (conn->pending_begin || conn->in_transaction)
		return fail_as(error, CONNHUB_INTERNAL, "a transaction is open already");

	/* Redshift knows one level, which gives one snapshot. */
	conn->pending_begin = conn->type == PG_TYPE_REDSHIFT ? forms[0][txn->read_only] :
		forms[txn->one_snapshot][txn->read_only];
	conn->only_reads = txn->read_only;
	conn->snapshot[0] = '\0';
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
	return leave_transaction(conn) ? pg_command(conn, "ROLLBACK", "ROLLBACK", error) : CONNHUB_OK;
}
