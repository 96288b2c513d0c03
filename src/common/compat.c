/* common/compat.c — the only file that tests PG_VERSION_NUM. */
#include "postgres.h"

#if PG_VERSION_NUM >= 150000
#include "common/pg_prng.h"
#endif
#include "miscadmin.h"
#include "storage/procsignal.h"
#include "utils/guc.h"
#include "utils/wait_event.h"

#include "common/compat.h"

#if PG_VERSION_NUM < 140000
#error "connhub needs PostgreSQL 14 or later"
#endif

void
ch_compat_reserve_prefix(const char *prefix)
{
#if PG_VERSION_NUM >= 150000
	MarkGUCPrefixReserved(prefix);
#else
	EmitWarningsOnPlaceholders(prefix);
#endif
}

bool
ch_compat_stop_pending(void)
{
	if (!InterruptPending)
		return false;
#if PG_VERSION_NUM >= 170000
	if (TransactionTimeoutPending)
		return true;
#endif
	return QueryCancelPending || ProcDiePending || ClientConnectionLost;
}

void
ch_compat_serve_barriers(void)
{
	MemoryContext context = CurrentMemoryContext;
	uint32		holdoff;

	if (!ProcSignalBarrierPending)
		return;

	/* A barrier that fails stays pending and is raised by the next CHECK_FOR_INTERRUPTS.  An interrupt is
	 * held back, or it would be lost here; an error forgets the count. */
	HOLD_INTERRUPTS();
	holdoff = InterruptHoldoffCount;
	PG_TRY();
	{
		ProcessProcSignalBarrier();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
		InterruptHoldoffCount = holdoff;
	}
	PG_END_TRY();
	RESUME_INTERRUPTS();
}

uint32
ch_compat_wait_event(void)
{
#if PG_VERSION_NUM >= 170000
	static uint32 event = 0;

	if (event == 0)
		event = WaitEventExtensionNew("ConnhubSource");
	return event;
#else
	return PG_WAIT_EXTENSION;
#endif
}

double
ch_compat_random(void)
{
#if PG_VERSION_NUM >= 150000
	return pg_prng_double(&pg_global_prng_state);
#else
	return random() / ((double) MAX_RANDOM_VALUE + 1);
#endif
}
