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

/* Ask the source to stop what was interrupted, within connhub.cancel_timeout.  Does not throw. */
extern void ch_stop(ChCall *call, ConnhubConn *handle);

/* Close what ch_open opened.  Does not throw. */
extern void ch_close(ChCall *call, ConnhubConn *handle);

#endif
