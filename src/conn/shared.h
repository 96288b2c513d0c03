/* conn/shared.h — what all processes know of a connector: its breaker, its pool, its counters.
 *
 * One entry per (database, connector).  Preloaded, the entries stand in shared memory, as many as
 * connhub.max_connectors; a connector for which there is no room, and every one when connhub was not preloaded, has an
 * entry of the same kind in each process.  An entry stays where it is until its connector is removed. */
#ifndef CH_CONN_SHARED_H
#define CH_CONN_SHARED_H

#include "nodes/pg_list.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "catalog/cat_connector.h"
#include "conn/breaker.h"

typedef enum ChCounter
{
	CH_COUNT_CALLS = 0,			/* native queries and writes */
	CH_COUNT_ROWS_READ,
	CH_COUNT_BYTES_READ,		/* payload of what came, in the driver's representation */
	CH_COUNT_ROWS_WRITTEN,
	CH_COUNT_REQUESTS,			/* calls of the driver that send something: statements, begin, commit, savepoints */
	CH_COUNT_RETRIES,
	CH_COUNT_OPENS,
	CH_COUNT_OPEN_FAILURES,
	CH_COUNT_POOL_WAITS,
	CH_COUNT_POOL_WAIT_US,
	CH_COUNT_POOL_EXHAUSTED,	/* waits that ended without a connection */
	CH_COUNT_POOL_BEYOND,		/* connections opened beyond pool_size */
	CH_COUNT_POOL_GIVEN_BACK,	/* idle connections closed for somebody who waited */
	CH_COUNT_REFUSED,			/* attempts the breaker did not let through */
	CH_COUNT_CEILINGS,			/* statements stopped at a ceiling */
	CH_NCOUNTERS
} ChCounter;

typedef enum ChLatency
{
	CH_LATENCY_OPEN = 0,		/* opening a connection */
	CH_LATENCY_QUERY,			/* the source's time for one native query or batch of writes */
	CH_NLATENCIES
} ChLatency;

/* Bucket i holds what took at most 250 us * 2^i; the last one the rest. */
#define CH_NBUCKETS 20

/* Statuses of the ABI, with room for more. */
#define CH_NSTATUSES 32

#define CH_SHARED_MESSAGE_BYTES 256

/* Calls of one role in one minute, for its ceiling. */
#define CH_NCALL_WINDOWS 8
typedef struct ChCallWindow
{
	Oid			role;			/* InvalidOid: everybody */
	int64		minute;			/* 0: never used */
	int64		calls;
} ChCallWindow;

typedef struct ChShared
{
	/* Constant while the entry is used. */
	Oid			database;
	pg_uuid_t	connector;
	bool		is_local;		/* of this process alone */

	/* The table's lock. */
	int32		next;			/* in its bucket or in the list of free ones; -1: last; in a copy: the entry itself */
	int32		first_hold;		/* processes with connections (slots.c); -1: none */
	int32		nopen;			/* connections open or being opened */
	int32		nidle;			/* idle ones; of an entry of this process alone: holds count them elsewhere */
	int32		pool_size;		/* as last seen */
	ChBreaker	breaker;
	int64		version;		/* of the configuration the breaker judges */
	int32		last_status;	/* of the last failure; 0: none */
	char		last_message[CH_SHARED_MESSAGE_BYTES];
	ChCallWindow windows[CH_NCALL_WINDOWS];

	/* Own locks. */
	ConditionVariable freed;	/* a connection was closed */
	pg_atomic_uint32 nwaiting;	/* processes that wait for one */
	pg_atomic_uint64 since;		/* TimestampTz: counting began */
	pg_atomic_uint64 last_success;	/* TimestampTz; 0: never */
	pg_atomic_uint64 last_failure;
	pg_atomic_uint64 counters[CH_NCOUNTERS];
	pg_atomic_uint64 errors[CH_NSTATUSES];	/* by ConnhubStatus */
	pg_atomic_uint64 latency[CH_NLATENCIES][CH_NBUCKETS];
	pg_atomic_uint64 latency_us[CH_NLATENCIES]; /* their sum */
} ChShared;

/* The entry of a connector of this database, made when there is none.  Never NULL.  Throws for want of memory. */
extern ChShared *ch_shared_entry(const pg_uuid_t *connector);

/* The connector was removed: its entry is free once nobody holds a connection. */
extern void ch_shared_forget(const pg_uuid_t *connector);

/* Is it still that connector's?  Only the table's lock, or a hold, keeps the answer true. */
extern bool ch_shared_is_of(const ChShared *shared, const pg_uuid_t *connector);

/* Entries of this database, shared and this process's own, as copies in the current memory context: ChShared *. */
extern List *ch_shared_list(void);

/* Places of the shared table, and how many are taken; 0 and 0: nothing is shared. */
extern void ch_shared_usage(int *capacity, int *used);

/* Did a connector of this process find no room in the table? */
extern bool ch_shared_is_short(void);

/* When the source last answered, whoever asked; 0: not since counting began. */
extern TimestampTz ch_shared_last_success(const pg_uuid_t *connector);

/* Counting.  None of these throws. */
extern void ch_shared_count(ChShared *shared, ChCounter counter, uint64 amount);
extern void ch_shared_latency(ChShared *shared, ChLatency latency, int64 us);
extern int64 ch_shared_bucket_us(int bucket);	/* the most that stands in it; the last has no bound */
extern void ch_shared_succeeded(ChShared *shared);
extern void ch_shared_failed(ChShared *shared, const ConnhubError *error);
extern void ch_shared_reset(ChShared *shared);

/* A connector's breaker and its rule, known before a wait: nothing of the catalogue is read after it. */
typedef struct ChCircuit
{
	ChShared   *shared;
	pg_uuid_t	connector;
	ChBreakerRule rule;
	int64		version;
} ChCircuit;

extern ChCircuit ch_shared_circuit(ChShared *shared, const ChConnector *connector);

/* Ask the breaker whether to open a connection.  Throws CIRCUIT_OPEN, at once.  Whoever may reports how it ended, or
 * gives up.  Report returns whether the breaker lets through whoever tries again; of a connector that was removed
 * meanwhile nothing is noted. */
extern void ch_shared_require_circuit(ChShared *shared, const ChConnector *connector);
extern bool ch_shared_report(const ChCircuit *circuit, const ConnhubError *error, int64 us);
extern void ch_shared_give_up(ChShared *shared);
extern void ch_shared_close_circuit(ChShared *shared);

/* One more call of the role within this minute.  False, and not counted: there were `most` already. */
extern bool ch_shared_take_call(ChShared *shared, Oid role, int64 most);

extern void ch_shared_init(void);

/* For slots.c: the table's lock; nothing for an entry of this process alone. */
extern void ch_shared_lock(const ChShared *shared);
extern void ch_shared_unlock(const ChShared *shared);

/* The number of an entry of the shared table, and back. */
extern int32 ch_shared_number(const ChShared *shared);
extern ChShared *ch_shared_numbered(int32 number);

#endif
