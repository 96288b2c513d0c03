/* conn/conn.h — remote connections: open, reuse, run, give back.
 *
 * A connection is cached per (connector, user, config and secret version) and backend.  It is checked
 * without a round trip before use.  When it proves dead only under the first statement of the transaction,
 * that statement is sent again, once, over a new connection; later the loss is an error.
 * The first statement of a local transaction begins the remote one; it ends with the local one.
 * Without CONNHUB_CAP_MULTI_CURSOR a connection carries one streaming cursor: whoever needs the
 * connection next asks its holder to set the rest of its rows aside. */
#ifndef CH_CONN_CONN_H
#define CH_CONN_CONN_H

#include "nodes/pg_list.h"

#include "catalog/cat_connector.h"
#include "vault/vault.h"

typedef struct ChConn ChConn;
typedef struct ChCursor ChCursor;

/* How one opening went, phase by phase, in microseconds; -1: not reached. */
typedef struct ChPhaseTimes
{
	int64		us[CONNHUB_NPHASES];
	int64		total_us;
} ChPhaseTimes;

/* A connector's configuration on its way to a driver: saved or not yet saved. */
typedef struct ChTarget
{
	const ChConnector *connector;	/* id all zero when unsaved */
	const ChSecret *secret;		/* NULL: open the stored one */
	Oid			user;			/* on whose behalf; the policies ask for the connector's owner */
} ChTarget;

/* One bounded try: open, check access, close.  Never throws for a remote cause: the outcome is in
 * *error (status OK on success).  Interrupts are served.  Touches no catalogue table over the wait. */
extern void ch_conn_probe(const ChTarget *target, ConnhubInfo *info, ChPhaseTimes *times,
						  ConnhubError *error);

/* A usable connection for a saved connector, from the cache or newly opened, inside a remote transaction
 * when the source has them.  Throws.  Released with the transaction. */
extern ChConn *ch_conn_acquire(const ChConnector *connector, Oid user);

/* The same for a process that can do without, such as a parallel worker: NULL when no place in the pool is free, or
 * where what it fetches must be counted with its leader's. */
extern ChConn *ch_conn_acquire_now(const ChConnector *connector, Oid user);

/* Let other connections see what this one sees: *name is for ch_conn_import.  False when what was written here is not to
 * be seen elsewhere, or the source cannot.  Throws. */
extern bool ch_conn_export(ChConn *conn, char *name, Size size);

/* Have the remote transaction see what the one exported sees.  False when it has begun otherwise. */
extern bool ch_conn_import(ChConn *conn, const char *name);

/* The next native query locks rows: from now on they stay locked until the transaction, or the subtransaction that has
 * locked them, ends.  Throws. */
extern void ch_conn_lock(ChConn *conn);

/* Run a native query.  spill is called with `holder` when another statement needs the connection
 * while this cursor still streams: the holder must fetch all that remains, or close.  What query points
 * to must last until the first fetch has returned: until then the query may be sent again, unless it
 * writes.  Throws. */
typedef void (*ChSpill) (void *holder);
extern ChCursor *ch_cursor_open(ChConn *conn, const ConnhubQuery *query, ChSpill spill, void *holder);

/* The result columns of a query run with columns_unknown, before its first fetch: ChResultColumn, in the current
 * memory context.  Throws. */
typedef struct ChResultColumn
{
	char	   *name;			/* in the database's encoding */
	ConnhubTypeRef type;
} ChResultColumn;

extern List *ch_cursor_describe(ChCursor *cursor);

/* Rows that the statement of a cursor with query->writes changed: known once fetch has returned false. */
extern uint64 ch_cursor_affected(const ChCursor *cursor);

/* Write rows; text is what render_write made.  *affected becomes the number of rows written.  With
 * write->nreturning a cursor over the rows given back is returned, to be read and closed at once; NULL
 * otherwise.  Sent once, whatever comes of it.  Throws.
 *
 * With rows->more, for an INSERT that gives nothing back and skips nothing, rows may be in flight afterwards, counted as
 * written.  write and text must then last until ch_conn_write_end, which throws what became of them.  So does whoever
 * needs the connection meanwhile. */
extern ChCursor *ch_conn_write(ChConn *conn, const ConnhubWrite *write, const char *text,
							   const ConnhubRows *rows, uint64 *affected);
extern void ch_conn_write_end(ChConn *conn, const ConnhubWrite *write);

/* Next batch; false at the end.  Throws; the context names connector, driver and statement. */
extern bool ch_cursor_fetch(ChCursor *cursor, ConnhubBatch *batch);

/* Would ch_cursor_fetch return without waiting?  If not, *wait says for what; whoever has waited asks again.  While
 * the source is not ready its time runs, and once that is up fetch will say so.  True where the driver cannot
 * tell.  Throws. */
extern bool ch_cursor_ready(ChCursor *cursor, ConnhubWait *wait);

/* The holder of a cursor that keeps the connection to itself and was opened with this spill; NULL: none does. */
extern void *ch_conn_holder(const ChConn *conn, ChSpill spill);

/* End the cursor and free it; NULL is allowed.  Does not throw; safe in error paths and after the
 * transaction ended.  Every cursor is closed by its holder, at the latest in a reset callback of the
 * holder's memory context. */
extern void ch_cursor_close(ChCursor *cursor);

/* Put what the source holds into sink, on a connection of its own that is closed afterwards, outside
 * any remote transaction of the caller.  Functions of sink may throw, for the driver calls them through a guard, and
 * may be NULL for what is not wanted; they run in the caller's memory context.  Throws what they threw, or what became of the
 * discovery. */
extern void ch_conn_discover(const ChConnector *connector, Oid user,
							 const ConnhubDiscoverRequest *request, ConnhubSink *sink,
							 ConnhubInfo *info);

/* The same in two halves: prepare reads what the catalogue says, in a transaction, into the current memory context;
 * run needs no transaction and may be called once.  Both throw. */
typedef struct ChDiscoverCall ChDiscoverCall;
extern ChDiscoverCall *ch_conn_discover_prepare(const ChConnector *connector, Oid user);
extern void ch_conn_discover_run(ChDiscoverCall *prepared, const ConnhubDiscoverRequest *request,
								 ConnhubSink *sink, ConnhubInfo *info);

/* A prepared transaction at the source, and what became of it. */
typedef struct ChPrepared
{
	char	   *gid;
	const char *action;			/* "committed", "rolled back", "left": its local transaction still runs, "unknown" */
} ChPrepared;

/* Finish what this database prepared at the source and a crash or a lost connection left there, over a
 * connection of its own.  Returns a List of ChPrepared *.  Throws. */
extern List *ch_conn_resolve_prepared(const ChConnector *connector, Oid user);

/* Close this backend's idle connections to a connector (all: id NULL). */
extern void ch_conn_close_all(const pg_uuid_t *connector);

extern void ch_conn_init(void);

#endif
