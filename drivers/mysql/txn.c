/* txn.c — transactions, savepoints, two-phase commit.
 *
 * A transaction that only reads waits for nothing: START travels with the first statement, and nobody needs
 * the answer to COMMIT before the next use.  One that has written waits for its outcome.
 *
 * After a deadlock the source has rolled the whole transaction back and would go on outside one.  Its
 * savepoints are gone then, so rolling back to one fails and says so: that is why it waits.
 *
 * A transaction to be prepared must be an XA transaction from the beginning, under its final name. */
#include <stdio.h>
#include <string.h>

#include <mysqld_error.h>

#include "command.h"
#include "error.h"
#include "rows.h"
#include "txn.h"

/* By one_snapshot and read_only. */
static const char *const starts[2][2] = {
	{"START TRANSACTION", "START TRANSACTION READ ONLY"},
	{"START TRANSACTION WITH CONSISTENT SNAPSHOT", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"}
};

/* Since these versions what is prepared outlives its session. */
#define MARIADB_PREPARES	100500
#define MYSQL_PREPARES		80000

static ConnhubStatus
run_named(ConnhubConn *conn, const char *before, const char *gid, const char *after, ConnhubError *error)
{
	char		text[MY_GID_SIZE + 64];

	snprintf(text, sizeof(text), "%s '%s'%s", before, gid, after);
	return my_command(conn, text, error);
}

static ConnhubStatus
require_prepares(ConnhubConn *conn, const char *gid, ConnhubError *error)
{
	if (conn->version < (conn->is_mariadb ? MARIADB_PREPARES : MYSQL_PREPARES))
	{
		fail_as(error, CONNHUB_UNSUPPORTED, "the source forgets prepared transactions when their session ends");
		fail_hint(error, "Two-phase commit needs MariaDB 10.5 or MySQL 8.");
		return CONNHUB_UNSUPPORTED;
	}
	if (gid == NULL || gid[0] == '\0' || strlen(gid) >= MY_GID_SIZE ||
		gid[strspn(gid, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] != '\0')
	{
		fail_as(error, CONNHUB_INTERNAL, "a transaction to be prepared needs its name from the beginning");
		return CONNHUB_INTERNAL;
	}
	return CONNHUB_OK;
}

static ConnhubStatus
begin_named(ConnhubConn *conn, const char *gid, ConnhubError *error)
{
	ConnhubStatus status = require_prepares(conn, gid, error);

	if (status == CONNHUB_OK)
		status = run_named(conn, "XA START", gid, "", error);
	if (status == CONNHUB_OK)
		snprintf(conn->gid, sizeof(conn->gid), "%s", gid);
	return status;
}

ConnhubStatus
my_repeat_read(ConnhubConn *conn, ConnhubError *error)
{
	ConnhubStatus status;

	if (conn->can_repeat_read)
		return CONNHUB_OK;
	status = my_command_ahead(conn, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", true, error);
	conn->can_repeat_read = status == CONNHUB_OK;
	return status;
}

static ConnhubStatus
start(ConnhubConn *conn, const ConnhubTxn *txn, ConnhubError *error)
{
	ConnhubStatus status = txn->one_snapshot ? my_repeat_read(conn, error) : CONNHUB_OK;

	if (status != CONNHUB_OK)
		return status;

	/* The snapshot of an XA transaction is that of its first query. */
	if (txn->two_phase && !txn->read_only)
		return begin_named(conn, txn->gid, error);
	return my_command_ahead(conn, starts[txn->one_snapshot][txn->read_only], true, error);
}

ConnhubStatus
my_begin(ConnhubConn *conn, const ConnhubTxn *txn, ConnhubError *error)
{
	ConnhubStatus status;

	conn->gid[0] = '\0';
	conn->has_written = false;
	status = start(conn, txn, error);
	conn->in_transaction = status == CONNHUB_OK;
	return status;
}

ConnhubStatus
my_commit(ConnhubConn *conn, ConnhubError *error)
{
	ConnhubStatus status = CONNHUB_OK;

	conn->in_transaction = false;
	if (conn->gid[0] == '\0')
		return conn->has_written ? my_command(conn, "COMMIT", error) : my_command_ahead(conn, "COMMIT", false, error);
	status = run_named(conn, "XA END", conn->gid, "", error);
	if (status == CONNHUB_OK)
		status = run_named(conn, "XA COMMIT", conn->gid, " ONE PHASE", error);

	/* Else it is still to be rolled back, under its name. */
	if (status == CONNHUB_OK)
		conn->gid[0] = '\0';
	return status;
}

ConnhubStatus
my_rollback(ConnhubConn *conn, ConnhubError *error)
{
	ConnhubStatus status;

	conn->in_transaction = false;
	if (conn->gid[0] == '\0')
		return my_command(conn, "ROLLBACK", error);

	/* It may have ended by an error or by prepare, which ROLLBACK then shows. */
	run_named(conn, "XA END", conn->gid, "", error);
	if (error->connection_lost)
		return error->status;
	memset(error, 0, sizeof(*error));
	error->column = -1;
	status = run_named(conn, "XA ROLLBACK", conn->gid, "", error);
	conn->gid[0] = '\0';
	return status;
}

/* ---- Savepoints -------------------------------------------------------------------------- */

static const char *
name_savepoint(char *text, size_t size, const char *command, uint32_t depth)
{
	snprintf(text, size, "%s connhub_%u", command, depth);
	return text;
}

ConnhubStatus
my_savepoint(ConnhubConn *conn, uint32_t depth, ConnhubError *error)
{
	char		text[64];

	return my_command_ahead(conn, name_savepoint(text, sizeof(text), "SAVEPOINT", depth), true, error);
}

ConnhubStatus
my_release(ConnhubConn *conn, uint32_t depth, ConnhubError *error)
{
	char		text[64];

	return my_command_ahead(conn, name_savepoint(text, sizeof(text), "RELEASE SAVEPOINT", depth), true, error);
}

ConnhubStatus
my_rollback_to(ConnhubConn *conn, uint32_t depth, ConnhubError *error)
{
	char		text[64];

	return my_command(conn, name_savepoint(text, sizeof(text), "ROLLBACK TO SAVEPOINT", depth), error);
}

/* ---- Two-phase commit -------------------------------------------------------------------- */

ConnhubStatus
my_prepare(ConnhubConn *conn, const char *gid, ConnhubError *error)
{
	ConnhubStatus status = require_prepares(conn, gid, error);

	if (status == CONNHUB_OK && strcmp(conn->gid, gid) != 0)
	{
		fail_as(error, CONNHUB_INTERNAL, "the transaction was begun under another name than it is prepared under");
		return CONNHUB_INTERNAL;
	}
	if (status == CONNHUB_OK)
		status = run_named(conn, "XA END", gid, "", error);
	if (status == CONNHUB_OK)
		status = run_named(conn, "XA PREPARE", gid, "", error);
	conn->in_transaction = false;
	return status;
}

/* A name the source does not know may be one that another session, still alive, holds. */
typedef struct Search
{
	const char *gid;
	bool		found;
} Search;

static void
note_found(void *arg, const char *gid)
{
	Search	   *search = arg;

	search->found = search->found || strcmp(gid, search->gid) == 0;
}

ConnhubStatus
my_finish_prepared(ConnhubConn *conn, const char *gid, bool commit, ConnhubError *error)
{
	Search		search = {gid, false};
	ConnhubStatus status = require_prepares(conn, gid, error);

	if (status != CONNHUB_OK)
		return status;
	status = run_named(conn, commit ? "XA COMMIT" : "XA ROLLBACK", gid, "", error);
	if (strcmp(conn->gid, gid) == 0)
		conn->gid[0] = '\0';
	if (status == CONNHUB_OK || error->native_code != ER_XAER_NOTA)
		return status;
	memset(error, 0, sizeof(*error));
	error->column = -1;
	status = my_list_prepared(conn, gid, note_found, &search, error);
	if (status != CONNHUB_OK || !search.found)
		return status;
	fail_as(error, CONNHUB_BUSY, "the session that prepared the transaction has not ended yet");
	error->retryable = true;
	return CONNHUB_BUSY;
}

ConnhubStatus
my_list_prepared(ConnhubConn *conn, const char *prefix, void (*found) (void *arg, const char *gid), void *arg,
				 ConnhubError *error)
{
	MyText		text;
	MyRows		rows;
	ConnhubStatus status;

	my_text_init(&text, conn->host);
	my_text_add(&text, "XA RECOVER");
	status = my_rows_open(conn, &text, &rows, error);
	if (status != CONNHUB_OK)
		return status;

	/* Format, length of the name, length of its second part, both parts together. */
	while ((status = my_rows_next(&rows, error)) == CONNHUB_OK)
	{
		const char *gid = rows.row[3];

		if (gid != NULL && rows.row[2] != NULL && strcmp(rows.row[2], "0") == 0 &&
			strncmp(gid, prefix, strlen(prefix)) == 0)
			found(arg, gid);
	}
	my_rows_close(&rows);
	return status == CONNHUB_DONE ? CONNHUB_OK : status;
}
