/* conn/prepare.c — two-phase commit of what was written.
 *
 * The name of a prepared transaction holds the system, the database and the local transaction it belongs to.
 * The local commit record decides: whoever finds the name later, after a crash of either side, asks what
 * became of that transaction.  So the local transaction gets an id, which is flushed before the source is told to
 * prepare, and its commit record is flushed before the source is told to commit. */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "catalog/pg_control.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/xid8.h"

#include "catalog/cat_connector.h"
#include "common/error.h"
#include "conn/open.h"
#include "conn/prepare.h"
#include "driver/registry.h"

/* Finishing holds up a commit that already stands: no longer than this. */
#define FINISH_TIMEOUT_MS	10000

/* What the names of this database begin with. */
static char *
gid_prefix(void)
{
	return psprintf("connhub_%016llx_%u_", (unsigned long long) GetSystemIdentifier(), MyDatabaseId);
}

/* No id can be had in recovery, nor while reading in parallel: nothing is written then. */
bool
ch_prepare_plan(ChConn *conn)
{
	static uint32 number = 0;

	if (!conn->is_two_phase || (conn->driver->capabilities & CONNHUB_CAP_PREPARE) == 0 || RecoveryInProgress() ||
		(IsInParallelMode() && !FullTransactionIdIsValid(GetTopFullTransactionIdIfAny())))
		return false;
	snprintf(conn->planned_gid, sizeof(conn->planned_gid), "%s%llu_%u", gid_prefix(),
			 (unsigned long long) U64FromFullTransactionId(GetTopFullTransactionId()), ++number);
	return true;
}

/* Nobody else may get the id of this transaction, even when the server crashes now: what the source prepares under it
 * would follow that other one.  A flushed record that bears the id sees to it. */
static void
keep_id(void)
{
	static FullTransactionId kept = {0};
	FullTransactionId id = GetTopFullTransactionId();

	if (FullTransactionIdEquals(kept, id))
		return;
	XLogBeginInsert();
	XLogFlush(XLogInsert(RM_XLOG_ID, XLOG_NOOP));
	kept = id;
}

void
ch_prepare(ChConn *conn)
{
	ChCall		call;
	ConnhubError error;

	keep_id();
	ForceSyncCommit();
	strlcpy(conn->gid, conn->planned_gid, sizeof(conn->gid));
	ch_pool_call(conn, &call);
	if (ch_call_prepare(&call, conn->handle, conn->gid, &error) != CONNHUB_OK)
	{
		ch_pool_note_failure(conn, &error);
		ch_call_raise(&call, &error);
	}
	conn->txn = CH_TXN_NONE;
}

void
ch_prepare_finish_all(bool commit)
{
	dlist_iter	iter;

	dlist_foreach(iter, ch_pool_connections())
	{
		ChConn	   *conn = dlist_container(ChConn, node, iter.cur);
		ChCall		call;
		ConnhubError error = {.status = CONNHUB_LOST,.message = "the connection was lost"};

		if (conn->gid[0] == '\0')
			continue;
		ch_pool_cleanup_call(conn, &call);
		call.timeout_ms = FINISH_TIMEOUT_MS;
		if (conn->handle != NULL && !conn->is_broken && !conn->is_interrupted &&
			ch_call_finish_prepared(&call, conn->handle, conn->gid, commit, &error) == CONNHUB_OK)
		{
			conn->gid[0] = '\0';
			continue;
		}
		conn->is_broken = true;
		ereport(WARNING,
				(errcode(ERRCODE_TRANSACTION_RESOLUTION_UNKNOWN),
				 errmsg("connector \"%s\": the prepared transaction \"%s\" could not be %s", conn->name, conn->gid,
						commit ? "committed" : "rolled back"),
				 errdetail("%s.", error.message),
				 errhint("Run SELECT * FROM connhub.resolve_prepared('%s') once the source is reachable.", conn->name)));
	}
}

/* ---- Later ------------------------------------------------------------------------------- */

/* Names found so far; no error may pass through the driver. */
typedef struct Found
{
	char	   *text;			/* each NUL-terminated, one behind the other */
	Size		length;
	bool		failed;
} Found;

static void
found_one(void *arg, const char *gid)
{
	Found	   *found = arg;
	Size		length = strlen(gid) + 1;
	char	   *grown = found->failed ? NULL : realloc(found->text, found->length + length);

	if (grown == NULL)
	{
		found->failed = true;
		return;
	}
	memcpy(grown + found->length, gid, length);
	found->text = grown;
	found->length += length;
}

/* What became of the local transaction that decides: "committed", "aborted", "in progress", or NULL. */
static char *
fate_of(const char *gid, const char *prefix)
{
	LOCAL_FCINFO(fcinfo, 1);
	char	   *end;
	uint64		xid;
	Datum		status;

	if (strncmp(gid, prefix, strlen(prefix)) != 0)
		return NULL;
	errno = 0;
	xid = strtou64(gid + strlen(prefix), &end, 10);
	if (errno != 0 || *end != '_' || end == gid + strlen(prefix) ||
		xid >= U64FromFullTransactionId(ReadNextFullTransactionId()))
		return NULL;
	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = FullTransactionIdGetDatum(FullTransactionIdFromU64(xid));
	fcinfo->args[0].isnull = false;
	status = pg_xact_status(fcinfo);
	return fcinfo->isnull ? NULL : TextDatumGetCString(status);
}

static ConnhubStatus
resolve_one(ChCall *call, ConnhubConn *handle, ChPrepared *prepared, const char *prefix, ConnhubError *error)
{
	const char *fate = fate_of(prepared->gid, prefix);
	bool		commit = fate && strcmp(fate, "committed") == 0;

	if (fate == NULL)
		prepared->action = "unknown";
	else if (!commit && strcmp(fate, "aborted") != 0)
		prepared->action = "left";
	else
	{
		prepared->action = commit ? "committed" : "rolled back";
		return ch_call_finish_prepared(call, handle, prepared->gid, commit, error);
	}
	return CONNHUB_OK;
}

List *
ch_conn_resolve_prepared(const ChConnector *connector, Oid user)
{
	ChTarget	target = {.connector = connector,.user = user};
	ChCall		call = {.driver = ch_driver_require(connector->driver),.connector = connector->name};
	char	   *prefix = gid_prefix();
	List	   *result = NIL;
	Found		found = {0};
	ChPlace		place;
	ConnhubConn *volatile handle = NULL;
	ConnhubConn *opened;
	ConnhubError error;
	volatile ConnhubStatus status = CONNHUB_OK;

	if ((call.driver->capabilities & CONNHUB_CAP_PREPARE) == 0)
		return NIL;
	ch_pool_take_place(&place, connector);
	PG_TRY();
	{
		if (ch_pool_try_open(place.shared, &call, &target, &opened, NULL, &error) != CONNHUB_OK)
			ch_call_raise(&call, &error);
		handle = opened;
		call.timeout_ms = ch_connector_option_ms(connector, "query_timeout");
		status = ch_call_list_prepared(&call, handle, prefix, found_one, &found, &error);
		if (status == CONNHUB_OK && found.failed)
		{
			ch_error_set(&error, CONNHUB_NO_MEMORY, "out of memory");
			status = CONNHUB_NO_MEMORY;
		}
		for (Size at = 0; status == CONNHUB_OK && at < found.length; at += strlen(found.text + at) + 1)
		{
			ChPrepared *prepared = palloc(sizeof(ChPrepared));

			prepared->gid = pstrdup(found.text + at);
			status = resolve_one(&call, handle, prepared, prefix, &error);
			result = lappend(result, prepared);
		}
		if (status == CONNHUB_CANCELLED || status == CONNHUB_TIMEOUT)
			ch_stop(&call, handle);
	}
	PG_FINALLY();
	{
		if (handle != NULL)
			ch_close(&call, handle);
		ch_shared_give_up(place.shared);
		ch_slot_give(&place);
		free(found.text);
	}
	PG_END_TRY();
	if (status != CONNHUB_OK)
		ch_call_raise(&call, &error);
	return result;
}
