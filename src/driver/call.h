/* driver/call.h — one guarded wrapper per slot.
 *
 * A wrapper bounds the slot by a deadline, gives the server's log a context while it runs, ends a
 * forgotten guard, and makes the outcome consistent: *error is filled whenever the status is a failure,
 * and a socket shut down by the guard shows as CANCELLED or TIMEOUT whatever the driver made of it.
 * Wrappers do not throw; ch_call_raise does, once the driver's frames are gone. */
#ifndef CH_DRIVER_CALL_H
#define CH_DRIVER_CALL_H

#include "port/atomics.h"

#include "common/compat.h"
#include "connhub/driver.h"

/* What the calls of one operation have in common.  All pointers belong to the caller. */
typedef struct ChCall
{
	const ConnhubDriver *driver;
	const char *connector;		/* its name, or NULL when it is not saved */
	const char *statement;		/* native query, or NULL */
	const char *text;			/* of a write: the same in UTF-8, which is what its driver gets */
	int64		timeout_ms;		/* <= 0: bounded by outer deadlines only */
	bool		shielded;		/* interrupts are not reported: for cleaning up after one */
	pg_atomic_uint64 *requests; /* counts what is sent, or NULL */
	const char *slot;			/* set by the wrappers: the last slot called */
} ChCall;

/* Slots that are running in this process; atomic, for the threads of tunnels: only a driver may connect to one. */
extern int	ch_call_running;

extern ConnhubStatus ch_call_open(ChCall *call, const ConnhubConfig *config, ConnhubConn **conn,
								  ConnhubError *error);
extern ConnhubStatus ch_call_step(ChCall *call, ConnhubConn *conn, ConnhubWait *wait, ConnhubError *error);
extern void ch_call_close(ChCall *call, ConnhubConn *conn);
extern ConnhubStatus ch_call_check(ChCall *call, ConnhubConn *conn, ConnhubCheckLevel level,
								   ConnhubInfo *info, ConnhubError *error);
extern ConnhubStatus ch_call_check_step(ChCall *call, ConnhubConn *conn, ConnhubInfo *info, ConnhubWait *wait,
										ConnhubError *error);
extern ConnhubStatus ch_call_execute(ChCall *call, ConnhubConn *conn, const ConnhubQuery *query,
									 ConnhubCursor **cursor, ConnhubError *error);
extern ConnhubStatus ch_call_fetch(ChCall *call, ConnhubCursor *cursor, ConnhubBatch *batch,
								   ConnhubError *error);
extern ConnhubStatus ch_call_close_cursor(ChCall *call, ConnhubCursor *cursor, ConnhubError *error);
extern ConnhubStatus ch_call_cancel(ChCall *call, ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus ch_call_discover(ChCall *call, ConnhubConn *conn, const ConnhubDiscoverRequest *request,
									  ConnhubSink *sink, ConnhubError *error);
extern ConnhubStatus ch_call_begin(ChCall *call, ConnhubConn *conn, const ConnhubTxn *txn, ConnhubError *error);
extern ConnhubStatus ch_call_commit(ChCall *call, ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus ch_call_rollback(ChCall *call, ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus ch_call_write(ChCall *call, ConnhubConn *conn, const ConnhubWrite *write, const ConnhubRows *rows,
								   uint64 *affected, ConnhubCursor **cursor, ConnhubError *error);
extern ConnhubStatus ch_call_affected(ChCall *call, ConnhubCursor *cursor, uint64 *rows, ConnhubError *error);
extern ConnhubStatus ch_call_savepoint(ChCall *call, ConnhubConn *conn, uint32 depth, ConnhubError *error);
extern ConnhubStatus ch_call_release(ChCall *call, ConnhubConn *conn, uint32 depth, ConnhubError *error);
extern ConnhubStatus ch_call_rollback_to(ChCall *call, ConnhubConn *conn, uint32 depth, ConnhubError *error);
extern ConnhubStatus ch_call_prepare(ChCall *call, ConnhubConn *conn, const char *gid, ConnhubError *error);
extern ConnhubStatus ch_call_finish_prepared(ChCall *call, ConnhubConn *conn, const char *gid, bool commit,
											 ConnhubError *error);
extern ConnhubStatus ch_call_list_prepared(ChCall *call, ConnhubConn *conn, const char *prefix,
										   void (*found) (void *arg, const char *gid), void *arg,
										   ConnhubError *error);
extern ConnhubStatus ch_call_ready(ChCall *call, ConnhubCursor *cursor, ConnhubWait *wait, ConnhubError *error);
extern ConnhubStatus ch_call_export_snapshot(ChCall *call, ConnhubConn *conn, char *name, Size size,
											 ConnhubError *error);
extern ConnhubStatus ch_call_describe(ChCall *call, ConnhubCursor *cursor,
									  void (*found) (void *arg, const char *name, const ConnhubTypeRef *type),
									  void *arg, ConnhubError *error);

/* Raise a failed call's error, with connector, driver, slot and statement in its context. */
extern void ch_call_raise(const ChCall *call, const ConnhubError *error) pg_attribute_noreturn();

#endif
