/* conn/prepare.h — two-phase commit of what was written. */
#ifndef CH_CONN_PREPARE_H
#define CH_CONN_PREPARE_H

#include "conn/pool.h"

/* Is the transaction about to begin to be prepared rather than committed?  Then choose its name, which says
 * which local transaction decides: some sources must know it beforehand. */
extern bool ch_prepare_plan(ChConn *conn);

/* Prepare it.  Throws. */
extern void ch_prepare(ChConn *conn);

/* The local transaction has ended: commit or roll back all that was prepared.  Does not throw; what cannot be
 * finished is left to connhub.resolve_prepared, with a warning. */
extern void ch_prepare_finish_all(bool commit);

#endif
