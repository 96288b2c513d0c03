/* common/shmem.h — named pieces of shared memory.
 *
 * A segment is declared once and registered from _PG_init.  Preloaded, its memory is shared by all processes and
 * guarded by its lock; else it lives in this process alone, zeroed and begun in the same way, and the lock is nothing.
 * No segment holds a pointer into the memory of a process. */
#ifndef CH_COMMON_SHMEM_H
#define CH_COMMON_SHMEM_H

#include "storage/lwlock.h"

typedef struct ChSegment
{
	/* Set by the owner. */
	const char *name;			/* of the memory, and of the lock in pg_stat_activity */
	Size		(*size) (void); /* settings are known */
	void		(*begin) (void *memory);	/* fills what was zeroed; NULL: nothing to fill */

	/* Managed here. */
	void	   *memory;
	LWLock	   *lock;
	struct ChSegment *next;
} ChSegment;

extern void ch_shmem_register(ChSegment *segment);

/* The memory, made when the library was not preloaded and this is the first call. */
extern void *ch_shmem_get(ChSegment *segment);

extern void ch_shmem_lock(ChSegment *segment, LWLockMode mode);
extern void ch_shmem_unlock(ChSegment *segment);

/* Is memory shared between processes? */
extern bool ch_shmem_is_shared(void);

/* Ask for the memory of all segments registered: the last thing that _PG_init does. */
extern void ch_shmem_init(void);

#endif
