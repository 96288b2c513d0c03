/* conn/xact.h — remote transactions follow the local one. */
#ifndef CH_CONN_XACT_H
#define CH_CONN_XACT_H

#include "conn/conn.h"

/* Begin the remote transaction, if the source has them and none is open.  Throws. */
extern void ch_xact_begin_remote(ChConn *conn);

extern void ch_xact_init(void);

#endif
