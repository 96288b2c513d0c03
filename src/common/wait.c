/* common/wait.c — deadlines, waits, and the guard around calls that can only block.
 *
 * Driver frames are on the stack below every function here, so none of them may throw.  What the server's
 * own primitives throw (no memory, no descriptor left) is caught and becomes a status; nothing
 * but their own memory is in flight then.
 *
 * The guard is a timeout of the server whose handler does nothing but shutdown(2) on one socket: the
 * library's read returns and the driver asks ch_cancelled why.  It ticks every GUARD_TICK_MS, because
 * the flags it looks at are set by other signal handlers. */
#include "postgres.h"

#include <limits.h>
#include <poll.h>
#include <sys/socket.h>

#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/pmsignal.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "common/clock.h"
#include "common/compat.h"
#include "common/wait.h"

#define GUARD_TICK_MS 50

/* A wait is cut into slices, so that a lost wake-up or the death of the postmaster during a guarded
 * call never costs more than this. */
#define WAIT_SLICE_MS 1000

/* So long a wait of the server is put off: what it sets up first costs more than a near source takes to answer. */
#define PATIENCE_MS 1

static ChDeadline *innermost = NULL;
static ChWaitKind wait_kind = CH_WAIT_SOURCE;

static volatile sig_atomic_t guard_fd = -1;
static volatile sig_atomic_t guard_has_fired = false;
static volatile sig_atomic_t guard_is_shielded = false;
static volatile int64 guard_at_ms;
static TimeoutId guard_timeout;
static TimeoutId wake_timeout;
static int	guard_registered_pid = 0;

static void guard_handler(void);
static void wake_handler(void);

/* A timeout belongs to a process and not to one that it forks.  Registering can fail, fatally: it is
 * done here, with no driver frame on the stack. */
static void
guard_register(void)
{
	if (guard_registered_pid == MyProcPid)
		return;
	guard_timeout = RegisterTimeout(USER_TIMEOUT, guard_handler);
	wake_timeout = RegisterTimeout(USER_TIMEOUT, wake_handler);
	guard_registered_pid = MyProcPid;
}

static void
deadline_push(ChDeadline *deadline, int64 timeout_ms, bool shielded)
{
	int64		now = ch_clock->now_ms();

	guard_register();
	deadline->at_ms = timeout_ms > 0 && timeout_ms < PG_INT64_MAX - now ? now + timeout_ms : PG_INT64_MAX;
	deadline->shielded = shielded;
	deadline->outer = innermost;
	innermost = deadline;
}

void
ch_deadline_begin(ChDeadline *deadline, int64 timeout_ms)
{
	ChDeadline *outer = innermost;

	deadline_push(deadline, timeout_ms, outer != NULL && outer->shielded);
	if (outer != NULL)
		deadline->at_ms = Min(deadline->at_ms, outer->at_ms);
}

/* An outer deadline that is not shielded may have passed already: it is what the cancel is delivered for. */
void
ch_deadline_begin_shielded(ChDeadline *deadline, int64 timeout_ms)
{
	ChDeadline *outer = innermost;

	deadline_push(deadline, timeout_ms, true);
	if (outer != NULL && outer->shielded)
		deadline->at_ms = Min(deadline->at_ms, outer->at_ms);
}

void
ch_deadline_end(ChDeadline *deadline)
{
	innermost = deadline->outer;
}

void
ch_deadline_reset(void)
{
	ch_guard_end();
	innermost = NULL;
	wait_kind = CH_WAIT_SOURCE;
}

ChWaitKind
ch_wait_show(ChWaitKind kind)
{
	ChWaitKind	before = wait_kind;

	wait_kind = kind;
	return before;
}

ChDeadline *
ch_deadline_suspend(void)
{
	ChDeadline *suspended = innermost;

	innermost = NULL;
	return suspended;
}

void
ch_deadline_resume(ChDeadline *suspended)
{
	innermost = suspended;
}

static int64
remaining_ms(void)
{
	if (innermost == NULL || innermost->at_ms == PG_INT64_MAX)
		return PG_INT64_MAX;
	return innermost->at_ms - ch_clock->now_ms();
}

ConnhubStatus
ch_cancelled(void)
{
	if (innermost == NULL || !innermost->shielded)
	{
		ch_compat_serve_barriers();
		if (ch_compat_stop_pending())
			return CONNHUB_CANCELLED;
	}
	return remaining_ms() <= 0 ? CONNHUB_TIMEOUT : CONNHUB_OK;
}

static bool
socket_is_ready(int fd, int events, int timeout_ms)
{
	struct pollfd p = {.fd = fd};

	if (fd < 0)
		return false;
	p.events = ((events & CONNHUB_READABLE) ? POLLIN : 0) | ((events & CONNHUB_WRITABLE) ? POLLOUT : 0);
	return poll(&p, 1, timeout_ms) > 0;
}

static int
wake_events(int fd, int events)
{
	int			wake = WL_LATCH_SET | WL_TIMEOUT;

	if (IsUnderPostmaster)
		wake |= WL_POSTMASTER_DEATH;
	if (fd >= 0 && (events & CONNHUB_READABLE))
		wake |= WL_SOCKET_READABLE;
	if (fd >= 0 && (events & CONNHUB_WRITABLE))
		wake |= WL_SOCKET_WRITEABLE;
	return wake;
}

/* One wait of the server.  Returns its events, or -1 when it could not even begin. */
static int
wait_once(int fd, int events, long timeout_ms)
{
	MemoryContext context = CurrentMemoryContext;
	volatile int result = -1;
	uint32		holdoff;

	HOLD_INTERRUPTS();
	holdoff = InterruptHoldoffCount;
	PG_TRY();
	{
		result = WaitLatchOrSocket(MyLatch, wake_events(fd, events), fd >= 0 ? fd : PGINVALID_SOCKET,
								   timeout_ms, ch_compat_wait_event(wait_kind));
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
		InterruptHoldoffCount = holdoff;
	}
	PG_END_TRY();
	RESUME_INTERRUPTS();
	return result;
}

ConnhubStatus
ch_wait(int fd, int events, int64 timeout_ms)
{
	int64		until = PG_INT64_MAX;

	if (timeout_ms >= 0 && timeout_ms < PG_INT64_MAX / 2)
		until = ch_clock->now_ms() + timeout_ms;

	for (;;)
	{
		ConnhubStatus status = ch_cancelled();
		int64		slice;
		int			woken;

		if (status == CONNHUB_CANCELLED)
			return status;
		/* What is there already is taken even when the time is just over. */
		if (socket_is_ready(fd, events, status == CONNHUB_OK && timeout_ms != 0 ? PATIENCE_MS : 0))
			return CONNHUB_OK;
		if (status != CONNHUB_OK)
			return status;

		slice = WAIT_SLICE_MS;
		if (until != PG_INT64_MAX)
		{
			int64		left = until - ch_clock->now_ms();

			if (left <= 0)
				return fd < 0 ? CONNHUB_OK : CONNHUB_TIMEOUT;
			slice = Min(slice, left);
		}
		slice = Max(Min(slice, remaining_ms()), 1);

		woken = wait_once(fd, events, (long) slice);
		if (woken < 0)
			return CONNHUB_NO_MEMORY;
		if (woken & WL_POSTMASTER_DEATH)
			return CONNHUB_CANCELLED;
		if (woken & WL_LATCH_SET)
			ResetLatch(MyLatch);
	}
}

void
ch_wait_latch(int fd, int64 timeout_ms)
{
	int			wake = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;

	if (fd >= 0)
		wake |= WL_SOCKET_READABLE;
	if (timeout_ms >= 0)
		wake |= WL_TIMEOUT;
	if (WaitLatchOrSocket(MyLatch, wake, fd >= 0 ? fd : PGINVALID_SOCKET,
						  (long) Min(timeout_ms, INT_MAX), ch_compat_wait_event(wait_kind)) & WL_LATCH_SET)
		ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

void
ch_guard_begin(int fd)
{
	if (guard_registered_pid != MyProcPid || fd < 0)
		return;
	guard_is_shielded = innermost != NULL && innermost->shielded;
	guard_at_ms = innermost != NULL ? innermost->at_ms : PG_INT64_MAX;
	guard_fd = fd;
	/* A cancel that is pending already, or a deadline that has passed, need not wait for a tick. */
	guard_handler();
}

void
ch_guard_end(void)
{
	if (guard_fd < 0)
		return;
	guard_fd = -1;
	if (guard_registered_pid == MyProcPid)
		disable_timeout(guard_timeout, false);
}

bool
ch_guard_fired(void)
{
	return guard_has_fired;
}

void
ch_guard_forget(void)
{
	guard_has_fired = false;
}

/* Runs in a signal handler: no memory, no error.  The postmaster's death is seen here too, because a
 * guarded call waits on no latch. */
static void
guard_handler(void)
{
	int			fd = guard_fd;
	int64		left = guard_at_ms == PG_INT64_MAX ? GUARD_TICK_MS : guard_at_ms - ch_clock->now_ms();

	if (fd < 0)
		return;
	if (left <= 0 ||
		(!guard_is_shielded &&
		 (ch_compat_stop_pending() || (IsUnderPostmaster && !PostmasterIsAlive()))))
	{
		shutdown(fd, SHUT_RDWR);
		guard_has_fired = true;
		return;
	}
	enable_timeout_after(guard_timeout, (int) Min(left, GUARD_TICK_MS));
}

/* ---- Waking ------------------------------------------------------------------------------ */

void
ch_wake_within(int64 timeout_ms)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout_ms);

	guard_register();
	if (!get_timeout_active(wake_timeout) || get_timeout_finish_time(wake_timeout) > until)
		enable_timeout_at(wake_timeout, until);
}

/* The latch is set by the signal itself. */
static void
wake_handler(void)
{
}
