/* conn/xact.h — remote transactions follow the local one. */
#ifndef CH_CONN_XACT_H
#define CH_CONN_XACT_H

#include "conn/conn.h"

/* Begin the remote transaction, if the source has them and none is open.  Throws. */
extern void ch_xact_begin_remote(ChConn *conn);

/* Give up the remote transaction, if one is open, so that another may begin on the same connection.  False: the connection
 * is closed.  Does not throw. */
extern bool ch_xact_restart(ChConn *conn);

/* What a statement is about to do. */
typedef enum ChUse
{
	CH_USE_READ,
	CH_USE_LOCK,				/* lock rows, which a later failure must not let go */
	CH_USE_WRITE				/* refused where it could not be undone */
} ChUse;

/* Make sure that a failure from here on can be undone with the subtransaction: begin, and set the savepoints
 * still missing.  No cursor is open when savepoints are due.  Throws. */
extern void ch_xact_guard(ChConn *conn, ChUse use);

extern void ch_xact_init(void);

#endif
