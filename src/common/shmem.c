/* common/shmem.c — named pieces of shared memory, or of this process when the library was not preloaded. */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

#include "common/compat.h"
#include "common/shmem.h"

static ChSegment *segments = NULL;
static bool is_shared = false;
static shmem_startup_hook_type previous_startup = NULL;

void
ch_shmem_register(ChSegment *segment)
{
	segment->next = segments;
	segments = segment;
}

static void
request(void)
{
	for (ChSegment *s = segments; s != NULL; s = s->next)
	{
		RequestAddinShmemSpace(MAXALIGN(s->size()));
		RequestNamedLWLockTranche(s->name, 1);
	}
}

static void
startup(void)
{
	if (previous_startup != NULL)
		previous_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (ChSegment *s = segments; s != NULL; s = s->next)
	{
		Size		size = s->size();
		bool		found;

		s->memory = ShmemInitStruct(s->name, size, &found);
		s->lock = &GetNamedLWLockTranche(s->name)->lock;
		if (found)
			continue;
		memset(s->memory, 0, size);
		if (s->begin != NULL)
			s->begin(s->memory);
	}
	LWLockRelease(AddinShmemInitLock);
	is_shared = true;
}

void
ch_shmem_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	previous_startup = shmem_startup_hook;
	shmem_startup_hook = startup;
	ch_compat_on_shmem_request(request);
}

bool
ch_shmem_is_shared(void)
{
	return is_shared;
}

void *
ch_shmem_get(ChSegment *segment)
{
	if (segment->memory == NULL)
	{
		void	   *memory = MemoryContextAllocZero(TopMemoryContext, segment->size());

		if (segment->begin != NULL)
			segment->begin(memory);
		segment->memory = memory;
	}
	return segment->memory;
}

void
ch_shmem_lock(ChSegment *segment, LWLockMode mode)
{
	if (segment->lock != NULL)
		LWLockAcquire(segment->lock, mode);
}

void
ch_shmem_unlock(ChSegment *segment)
{
	if (segment->lock != NULL)
		LWLockRelease(segment->lock);
}
