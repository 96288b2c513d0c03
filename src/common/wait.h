/* common/wait.h — the one place connhub waits.
 *
 * Every wait watches the latch, a socket and the deadline of the running operation.  Deadlines nest: the
 * earliest one counts.  Nothing here throws: an interrupt is a status, so that driver frames are
 * left in order, and the caller serves it by CHECK_FOR_INTERRUPTS. */
#ifndef CH_COMMON_WAIT_H
#define CH_COMMON_WAIT_H

#include "common/compat.h"
#include "connhub/driver.h"

typedef struct ChDeadline
{
	int64		at_ms;			/* monotonic; INT64_MAX: none */
	bool		shielded;		/* interrupts are not reported below: a cancel is being delivered */
	struct ChDeadline *outer;
} ChDeadline;

/* Enter and leave an operation bounded to timeout_ms (<= 0: unbounded).  The frame lives on the
 * caller's stack.  ch_deadline_reset forgets all frames after an error. */
extern void ch_deadline_begin(ChDeadline *deadline, int64 timeout_ms);
extern void ch_deadline_begin_shielded(ChDeadline *deadline, int64 timeout_ms);
extern void ch_deadline_end(ChDeadline *deadline);
extern void ch_deadline_reset(void);

/* Leave all operations for work that is not the source's, and come back to them, whatever became of
 * that work: not even an error caught in a subtransaction forgets them. */
extern ChDeadline *ch_deadline_suspend(void);
extern void ch_deadline_resume(ChDeadline *suspended);

/* Wait for whatever comes first: the latch, which is reset, fd being readable (-1: none), or the time (< 0: none).
 * For loops with no driver's frame below.  Serves interrupts; ends the process when the postmaster dies. */
extern void ch_wait_latch(int fd, int64 timeout_ms);
/* What pg_stat_activity shows for the waits from here on; returns what it showed before. */
extern ChWaitKind ch_wait_show(ChWaitKind kind);

/* ConnhubHost.wait, .cancelled, .guard_begin, .guard_end. */
extern ConnhubStatus ch_wait(int fd, int events, int64 timeout_ms);
extern ConnhubStatus ch_cancelled(void);
extern void ch_guard_begin(int fd);
extern void ch_guard_end(void);

/* Have the latch set at the latest in so many ms, for whoever waits elsewhere.  It may be set earlier.  Throws. */
extern void ch_wake_within(int64 timeout_ms);

/* Did the guard shut a socket down since it was last forgotten? */
extern bool ch_guard_fired(void);
extern void ch_guard_forget(void);

#endif
