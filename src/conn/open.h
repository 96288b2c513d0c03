/* conn/open.h — from a connector to an open connection of its driver. */
#ifndef CH_CONN_OPEN_H
#define CH_CONN_OPEN_H

#include "conn/conn.h"
#include "driver/call.h"

/* Phase times while opening or checking: begin, then ch_phases_end with the same times. */
extern void ch_phases_begin(ChPhaseTimes *times);
extern void ch_phases_enter(ConnhubPhase phase);
extern ConnhubPhase ch_phases_end(void);

/* Open a connection for the target within its connect_timeout, following the policies.  times may be
 * NULL.  Throws for local causes only (vault); a remote cause is in *error.  Interrupts are a status. */
extern ConnhubStatus ch_open(ChCall *call, const ChTarget *target, ConnhubConn **handle,
							 ChPhaseTimes *times, ConnhubError *error);

/* The same in two halves.  prepare reads what the catalogue says of the target, of which only a secret must last
 * beyond it; it returns NULL with *error when the target cannot be opened, and throws for local causes.  What it returns lives
 * in the current memory context, and holds secrets.  run needs no transaction, does not throw for a remote
 * cause, and ends the opening; so does a reset of that context. */
typedef struct ChOpening ChOpening;
extern ChOpening *ch_open_prepare(ChCall *call, const ChTarget *target, ConnhubError *error);
extern ConnhubStatus ch_open_run(ChCall *call, ChOpening *opening, ConnhubConn **handle,
								 ChPhaseTimes *times, ConnhubError *error);

/* Ask the source to stop what was interrupted, within connhub.cancel_timeout.  Does not throw. */
extern void ch_stop(ChCall *call, ConnhubConn *handle);

/* Close what ch_open opened.  Does not throw. */
extern void ch_close(ChCall *call, ConnhubConn *handle);

#endif
