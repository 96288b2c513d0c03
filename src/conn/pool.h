/* conn/pool.h — the connections of this backend, and what is known of each. */
#ifndef CH_CONN_POOL_H
#define CH_CONN_POOL_H

#include "lib/ilist.h"

#include "conn/ceiling.h"
#include "conn/conn.h"
#include "conn/open.h"
#include "conn/slots.h"
#include "driver/call.h"

typedef enum ChRemoteTxn
{
	CH_TXN_NONE = 0,			/* not begun, or the source has none */
	CH_TXN_OPEN,
	CH_TXN_FAILED				/* a statement failed in it: the source may refuse all but rollback */
} ChRemoteTxn;

struct ChConn
{
	dlist_node	node;

	/* The key. */
	pg_uuid_t	connector;
	Oid			user;
	int64		config_version;
	int64		secret_version;

	char	   *name;			/* of the connector */
	const ConnhubDriver *driver;
	ConnhubConn *handle;		/* NULL: closed */
	ChPlace		place;			/* in the connector's pool, while the connection is open */
	int64		query_timeout_ms;
	int64		idle_timeout_ms;	/* 0: none */
	int64		idle_since_ms;
	int			max_retries;
	bool		is_read_only;	/* options of the connector */
	bool		is_two_phase;
	bool		may_autocommit;

	/* In this transaction. */
	bool		is_used;		/* handed out */
	bool		is_fresh;		/* opened in it: did not die in the cache */
	bool		has_sent;		/* a statement or begin reached the source, or may have */
	ChCursor   *unanswered;		/* the cursor whose statement is all that was sent, until it is answered */
	bool		is_interrupted; /* a call was left in the middle: cancel, then close */
	bool		is_broken;		/* of no more use: close */
	bool		lost_snapshot;	/* the remote transaction ended before the local one */
	ChRemoteTxn txn;
	int			written_level;	/* the outermost nesting level that wrote or locked and was not rolled back; 0: none */
	char		snapshot[64];	/* the transaction begins with it, or did; empty: with its own */
	int			nsavepoints;	/* set at the source, the deepest of this depth */
	char		planned_gid[64];	/* under which the transaction will be prepared; empty: it will not be */
	char		gid[64];		/* of what was prepared and is to be finished; empty: nothing */

	ChCeilings	ceilings;		/* of what one statement of this server may fetch, and what it has fetched */

	/* The statement whose rows are in flight (flow.c). */
	const ConnhubWrite *flow;	/* NULL: none; lives as long as the statement */
	const char *flow_text;
	SubTransactionId flow_subxact;

	dlist_head	streams;		/* open cursors: ChStream */
};

/* A call on this connection, bounded by its query timeout. */
extern void ch_pool_call(ChConn *conn, ChCall *call);

/* A call that cleans up: bounded by connhub.cancel_timeout, blind to interrupts. */
extern void ch_pool_cleanup_call(ChConn *conn, ChCall *call);

/* Note what a failed call means for the connection.  Does not throw. */
extern void ch_pool_note_failure(ChConn *conn, const ConnhubError *error);

/* Close and open again under the same ChConn, when nothing has come back yet.  Throws, also when the
 * connector is no longer what the statement was made for. */
extern void ch_pool_reopen(ChConn *conn);

/* Wait before trying again, for a time by chance that grows with `attempt`, and at least as long as the source asks for.
 * False: it asks for longer than anybody should wait here.  Throws when interrupted. */
extern bool ch_pool_back_off(int attempt, const ConnhubError *error);

/* A place for a connection apart from those of this session, after asking the breaker; and an attempt to open one, which
 * is counted, and tells the breaker.  The place is given back by whoever took it.  The first throws. */
extern void ch_pool_take_place(ChPlace *place, const ChConnector *connector);
extern ConnhubStatus ch_pool_try_open(ChShared *shared, ChCall *call, const ChTarget *target, ConnhubConn **handle,
									  ChPhaseTimes *times, ConnhubError *error);
extern ConnhubStatus ch_pool_try_run(const ChCircuit *circuit, ChCall *call, ChOpening *opening, ConnhubConn **handle,
									 ChPhaseTimes *times, ConnhubError *error);

/* Close the handle; ends all that hangs on it.  Does not throw. */
extern void ch_pool_close(ChConn *conn);

/* All connections, the cached ones among them. */
extern dlist_head *ch_pool_connections(void);

/* At the end of a transaction: back to the cache with what is well, away with the rest. */
extern void ch_pool_end_transaction(void);

#endif
