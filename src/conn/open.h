/* conn/open.h — from a connector to an open connection of its driver. */
#ifndef CH_CONN_OPEN_H
#define CH_CONN_OPEN_H

#include "conn/conn.h"
#include "conn/resolve.h"
#include "driver/call.h"

/* Phase times while opening or checking: begin, then ch_phases_end with the same times. */
extern void ch_phases_begin(ChPhaseTimes *times);
extern void ch_phases_enter(ConnhubPhase phase);
extern ConnhubPhase ch_phases_end(void);

/* Where the times of one of several openings are kept; zero it, with times set.  ch_phases_use makes it the one that
 * counts, until it is called again; NULL: that of the one opening that is waited for. */
typedef struct ChPhaseClock
{
	ChPhaseTimes *times;
	ConnhubPhase phase;
	int64		entered_us;
} ChPhaseClock;

extern void ch_phases_use(ChPhaseClock *clock);

/* Open a connection for the target within its connect_timeout, following the policies.  times may be
 * NULL.  Throws for local causes only (vault); a remote cause is in *error.  Interrupts are a status. */
extern ConnhubStatus ch_open(ChCall *call, const ChTarget *target, ConnhubConn **handle,
							 ChPhaseTimes *times, ConnhubError *error);

/* The same in two halves.  prepare reads what the catalogue says of the target, of which only a secret must last
 * beyond it; it returns NULL with *error when the target cannot be opened, and throws for local causes.  What it returns lives
 * in the current memory context, and holds secrets.  run needs no transaction, does not throw for a remote
 * cause, and ends the opening; so does a reset of that context. */
typedef struct ChOpening ChOpening;

extern ChOpening *ch_opening_prepare(const ChCall *call, const ChTarget *target, ConnhubError *error);
extern ConnhubStatus ch_opening_run(ChCall *call, ChOpening *opening, ConnhubConn **handle, ChPhaseTimes *times,
									ConnhubError *error);

/* Or, in the place of run, without waiting, for whoever drives many; none of these throws.  find: whom this machine
 * connects to, of the addresses that ch_opening_host was found to have (NULL: look it up, and wait for that), as far as the
 * policy allows them.  step: the tunnel, until it says OK.  start: the driver's open, and then ch_call_step as
 * often as it says.  end, once opening has ended: handle NULL, it failed; the secrets are wiped. */
extern ConnhubStatus ch_opening_find(ChOpening *opening, const ChAddresses *known, ConnhubError *error);
extern ConnhubStatus ch_opening_step(ChOpening *opening, ConnhubWait *wait, ConnhubError *error);
extern ConnhubStatus ch_opening_start(ChCall *call, ChOpening *opening, ConnhubConn **handle, ConnhubError *error);
extern void ch_opening_end(ChOpening *opening, const ConnhubConn *handle);

/* The name that must be looked up before a connector can be opened; NULL: none. */
extern const char *ch_opening_host(const ChConnector *connector, const ConnhubTypeSpec *type);

/* Ask the source to stop what was interrupted, within connhub.cancel_timeout.  Does not throw. */
extern void ch_stop(ChCall *call, ConnhubConn *handle);

/* Close what ch_open opened.  Does not throw. */
extern void ch_close(ChCall *call, ConnhubConn *handle);

#endif
