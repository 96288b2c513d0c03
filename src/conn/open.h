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

/* Opening without waiting, for whoever drives many.  begin: type and options; OK and *opening in a context below the
 * current one, or a failure.  prepare: everything the driver is given, following the policies; it waits for a
 * look-up only when addresses is NULL and the host is a name; throws for local causes.  start: the driver's open, then
 * ch_call_step as often as it says; does not throw.  end, once opening has ended either way, wipes the secrets; the
 * handle, if any, is closed by ch_close.  The target and its connector must last until prepare has returned. */
typedef struct ChOpening ChOpening;

extern ConnhubStatus ch_opening_begin(const ChCall *call, const ChTarget *target, ChOpening **opening, ConnhubError *error);
extern ConnhubStatus ch_opening_prepare(ChOpening *opening, const ChAddresses *addresses, ConnhubError *error);
extern ConnhubStatus ch_opening_start(ChCall *call, ChOpening *opening, ConnhubConn **handle, ConnhubError *error);
extern void ch_opening_end(ChOpening *opening);

/* The name that must be looked up before a connector can be opened; NULL: none. */
extern const char *ch_opening_host(const ChConnector *connector, const ConnhubTypeSpec *type);

/* Open a connection for the target within its connect_timeout, following the policies.  times may be
 * NULL.  Throws for local causes only (vault); a remote cause is in *error.  Interrupts are a status. */
extern ConnhubStatus ch_open(ChCall *call, const ChTarget *target, ConnhubConn **handle,
							 ChPhaseTimes *times, ConnhubError *error);

/* Ask the source to stop what was interrupted, within connhub.cancel_timeout.  Does not throw. */
extern void ch_stop(ChCall *call, ConnhubConn *handle);

/* Close what ch_open opened.  Does not throw. */
extern void ch_close(ChCall *call, ConnhubConn *handle);

#endif
