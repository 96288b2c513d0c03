/* conn/xact.h — remote transactions follow the local one. */
#ifndef CH_CONN_XACT_H
#define CH_CONN_XACT_H

#include "conn/conn.h"

/* Begin the remote transaction, if the source has them and none is open.  Throws. */
extern void ch_xact_begin_remote(ChConn *conn);

/* Make sure that a failure from here on can be undone with the subtransaction: begin, and set the savepoints
 * still missing.  is_write: something is about to be written; it is refused where it could not be undone.
 * No cursor is open when savepoints are due.  Throws. */
extern void ch_xact_guard(ChConn *conn, bool is_write);

extern void ch_xact_init(void);

#endif
