/* common/wake.h — the background workers of this server that are running, and how to wake them.
 *
 * Kept in shared memory when the library is preloaded; without that there are no workers, and everything here does
 * nothing. */
#ifndef CH_COMMON_WAKE_H
#define CH_COMMON_WAKE_H

#define CH_WAKE_SLOTS 256

/* Register the shared memory; called when the library is preloaded. */
extern void ch_wake_init(void);

/* Have this database's scheduler look for work once the running transaction has committed; one is started if
 * there is none. */
extern void ch_wake_at_commit(void);

/* The launcher's side: it is woken for databases that want a scheduler, which ch_wake_wanted takes out one by
 * one; InvalidOid: no more. */
extern void ch_wake_launcher_begin(void);
extern Oid	ch_wake_wanted(void);

/* A worker of a database registers itself, and is unregistered when its process ends.  A scheduler is what
 * ch_wake_at_commit wakes; only one of a database can be: false when there is one, or when the database is held. */
extern bool ch_wake_worker_begin(Oid database, bool is_scheduler);

/* Has this worker been woken for something since it was last asked?  A scheduler's side of ch_wake_at_commit. */
extern bool ch_wake_taken(void);

/* Is the database to be left alone, since somebody wants to drop or copy it? */
extern bool ch_wake_is_held(Oid database);

/* End the workers of a database and keep others from starting for hold_ms.  Waits for their end up to wait_ms.  Throws
 * on an interrupt only. */
extern void ch_wake_make_way(Oid database, int64 hold_ms, int64 wait_ms);

#endif
