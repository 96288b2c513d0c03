/* driver/host.c — the services given to drivers.  Every function here runs with driver frames below it, so
 * none throws.  Memory is the server's, in a context of its own that lives as long as the process:
 * what a driver forgets to free is seen there. */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "batch/batch.h"
#include "common/clock.h"
#include "common/offload.h"
#include "common/redact.h"
#include "common/wait.h"
#include "driver/host.h"

/* The size stands before each chunk: the server has no realloc that can fail without throwing. */
typedef union ChunkHeader
{
	Size		size;
	char		align[MAXIMUM_ALIGNOF * 2];
} ChunkHeader;

static MemoryContext driver_memory = NULL;
static ChPhaseListener phase_listener = NULL;
static void *phase_arg = NULL;

static void *
host_alloc(size_t size)
{
	ChunkHeader *chunk;

	if (size > MaxAllocHugeSize - sizeof(ChunkHeader))
		return NULL;
	chunk = MemoryContextAllocExtended(driver_memory, size + sizeof(ChunkHeader),
									   MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
	if (chunk == NULL)
		return NULL;
	chunk->size = size;
	return chunk + 1;
}

static void
host_free(void *pointer)
{
	ChunkHeader *chunk = pointer;

	if (pointer == NULL)
		return;
	pfree(chunk - 1);
}

static void *
host_realloc(void *pointer, size_t size)
{
	void	   *result = host_alloc(size);

	if (result != NULL && pointer != NULL)
	{
		memcpy(result, pointer, Min(size, ((ChunkHeader *) pointer - 1)->size));
		host_free(pointer);
	}
	return result;
}

/* To the log alone: writing to the client could end the process below the driver. */
static void
host_log(ConnhubLogLevel level, const char *text)
{
	MemoryContext context = CurrentMemoryContext;
	uint32		holdoff;

	if (level == CONNHUB_LOG_DEBUG && log_min_messages > DEBUG1)
		return;
	HOLD_INTERRUPTS();
	holdoff = InterruptHoldoffCount;
	PG_TRY();
	{
		char	   *masked = ch_redact(text);

		ereport(LOG_SERVER_ONLY,
				(errmsg("%s: %s", level == CONNHUB_LOG_WARNING ? "driver warning" : "driver",
						masked != NULL ? masked : text),
				 errhidestmt(true)));
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

static int64_t
host_now_ms(void)
{
	return ch_clock->now_ms();
}

static void
host_phase(ConnhubPhase phase)
{
	if (phase_listener != NULL && (int) phase >= 0 && phase < CONNHUB_NPHASES)
		phase_listener(phase, phase_arg);
}

static const ConnhubHost host = {
	.magic = CONNHUB_MAGIC,
	.abi_major = CONNHUB_ABI_MAJOR,
	.abi_minor = CONNHUB_ABI_MINOR,
	.struct_size = sizeof(ConnhubHost),
	.alloc = host_alloc,
	.realloc = host_realloc,
	.free = host_free,
	.batch_alloc = ch_batch_alloc,
	.log = host_log,
	.wait = ch_wait,
	.cancelled = ch_cancelled,
	.now_ms = host_now_ms,
	.guard_begin = ch_guard_begin,
	.guard_end = ch_guard_end,
	.offload = ch_offload,
	.phase = host_phase,
};

const ConnhubHost *
ch_host_get(void)
{
	if (driver_memory == NULL)
		driver_memory = AllocSetContextCreate(TopMemoryContext, "connhub drivers", ALLOCSET_DEFAULT_SIZES);
	return &host;
}

void
ch_host_listen(ChPhaseListener listener, void *arg)
{
	phase_listener = listener;
	phase_arg = arg;
}
