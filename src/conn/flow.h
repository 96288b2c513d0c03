/* conn/flow.h — rows of a statement in flight between two calls of write. */
#ifndef CH_CONN_FLOW_H
#define CH_CONN_FLOW_H

#include "conn/conn.h"

/* Write rows of a statement, whose predecessors may be in flight.  Throws. */
extern void ch_flow_write(ChConn *conn, const ConnhubWrite *write, const char *text, const ConnhubRows *rows,
						  uint64 *affected, ConnhubCursor **cursor);

/* Do rows of this statement flow in the current subtransaction? */
extern bool ch_flow_goes_on(const ChConn *conn, const ConnhubWrite *write);

/* Wait for the answer to what is in flight, if anything is.  Throws what it says. */
extern void ch_flow_end(ChConn *conn);

/* The statement that runs in this subtransaction, or any (InvalidSubTransactionId), has failed: its memory goes.  What is
 * in flight is given up by the driver's rollback. */
extern void ch_flow_forget(ChConn *conn, SubTransactionId subxact);

#endif
