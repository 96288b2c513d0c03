/* conn/prepare.h — two-phase commit of what was written. */
#ifndef CH_CONN_PREPARE_H
#define CH_CONN_PREPARE_H

#include "conn/pool.h"

/* Is this connection's transaction to be prepared rather than committed? */
extern bool ch_prepare_wanted(const ChConn *conn);

/* Prepare it, under a name that says which local transaction decides.  Throws. */
extern void ch_prepare(ChConn *conn);

/* The local transaction has ended: commit or roll back all that was prepared.  Does not throw; what cannot be
 * finished is left to connhub.resolve_prepared, with a warning. */
extern void ch_prepare_finish_all(bool commit);

#endif
