/* conn/cursor.h — what the pool and the transaction callbacks do with open cursors. */
#ifndef CH_CONN_CURSOR_H
#define CH_CONN_CURSOR_H

#include "conn/conn.h"

/* End the cursors that were opened in this subtransaction, or all: InvalidSubTransactionId.  Does not throw;
 * bounded by connhub.cancel_timeout. */
extern void ch_cursor_end_all(ChConn *conn, SubTransactionId subxact);

/* Ask whoever streams over the connection to set the rest of its rows aside, and wait for rows in flight.  `all`: also
 * where the driver could carry several cursors.  Throws. */
extern void ch_cursor_make_room(ChConn *conn, bool all);

/* A subtransaction became part of its parent. */
extern void ch_cursor_reparent(ChConn *conn, SubTransactionId child, SubTransactionId parent);

/* The connection is about to be closed, and all its cursors with it. */
extern void ch_cursor_forget_all(ChConn *conn);

#endif
