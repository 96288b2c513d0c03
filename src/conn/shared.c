/* conn/shared.c — the table of what all processes know of a connector.
 *
 * Assumes that an entry may be looked at by anybody at any moment: what is read without the lock is atomic.  A pointer
 * to an entry outlives its connector, and another connector may have the entry then: who comes back to one without a
 * hold on it looks whose it is. */
#include "postgres.h"

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/procarray.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/guc.h"
#include "common/shmem.h"
#include "conn/shared.h"

#define FIRST_BUCKET_US 250

/* A full table is looked through for what is free no more often than this. */
#define SWEEP_MS 60000

/* What a trial may take beyond connect_timeout, before another process may try. */
#define LEASE_MARGIN_MS 1000

typedef struct Key
{
	Oid			database;
	pg_uuid_t	connector;
} Key;

/* The segment: header, heads of buckets, entries. */
typedef struct Table
{
	int32		capacity;		/* constant; buckets too */
	int32		used;			/* lock */
	int32		first_free;		/* lock; -1: none */
	int32		buckets[FLEXIBLE_ARRAY_MEMBER];	/* lock; -1: empty */
} Table;

typedef struct LocalEntry
{
	Key			key;
	ChShared   *shared;
} LocalEntry;

static Size table_size(void);
static void remove_entry(const Key *key);
static void sweep(void);
static void table_begin(void *memory);

static ChSegment segment = {
	.name = "connhub_connectors",
	.size = table_size,
	.begin = table_begin,
};

static HTAB *local_entries = NULL;
static bool is_short = false;

/* The entry for whose trial this process has the lease; NULL: none. */
static ChShared *trial = NULL;
static int	exit_registered_pid = 0;

static Size
heads_size(void)
{
	return MAXALIGN(offsetof(Table, buckets) + sizeof(int32) * ch_max_connectors);
}

static Size
table_size(void)
{
	return add_size(heads_size(), mul_size(ch_max_connectors, sizeof(ChShared)));
}

static Table *
table(void)
{
	return ch_shmem_get(&segment);
}

ChShared *
ch_shared_numbered(int32 number)
{
	return (ChShared *) ((char *) table() + heads_size()) + number;
}

int32
ch_shared_number(const ChShared *shared)
{
	return (int32) (shared - ch_shared_numbered(0));
}

static void
entry_begin(ChShared *shared, const Key *key)
{
	memset(shared, 0, sizeof(*shared));
	shared->database = key->database;
	shared->connector = key->connector;
	shared->first_hold = -1;
	ConditionVariableInit(&shared->freed);
	pg_atomic_init_u32(&shared->nwaiting, 0);
	pg_atomic_init_u64(&shared->since, (uint64) GetCurrentTimestamp());
	pg_atomic_init_u64(&shared->last_success, 0);
	pg_atomic_init_u64(&shared->last_failure, 0);
	for (int i = 0; i < CH_NCOUNTERS; i++)
		pg_atomic_init_u64(&shared->counters[i], 0);
	for (int i = 0; i < CH_NSTATUSES; i++)
		pg_atomic_init_u64(&shared->errors[i], 0);
	for (int i = 0; i < CH_NLATENCIES; i++)
	{
		pg_atomic_init_u64(&shared->latency_us[i], 0);
		for (int b = 0; b < CH_NBUCKETS; b++)
			pg_atomic_init_u64(&shared->latency[i][b], 0);
	}
}

static void
table_begin(void *memory)
{
	Table	   *new = memory;
	ChShared   *entries = (ChShared *) ((char *) memory + heads_size());

	new->capacity = ch_max_connectors;
	for (int i = 0; i < new->capacity; i++)
	{
		new->buckets[i] = -1;
		entries[i].next = i + 1 < new->capacity ? i + 1 : -1;
	}
	new->first_free = 0;
}

/* ---- Looking up ---------------------------------------------------------------------------- */

static Key
key_of(const pg_uuid_t *connector)
{
	Key			key;

	memset(&key, 0, sizeof(key));
	key.database = MyDatabaseId;
	key.connector = *connector;
	return key;
}

static int32 *
bucket_of(const Key *key)
{
	return &table()->buckets[hash_bytes((const unsigned char *) key, sizeof(*key)) % table()->capacity];
}

static bool
entry_is(const ChShared *shared, const Key *key)
{
	return shared->database == key->database && memcmp(&shared->connector, &key->connector, sizeof(pg_uuid_t)) == 0;
}

bool
ch_shared_is_of(const ChShared *shared, const pg_uuid_t *connector)
{
	Key			key = key_of(connector);

	return entry_is(shared, &key);
}

/* Under the lock. */
static ChShared *
find(const Key *key)
{
	for (int32 i = *bucket_of(key); i >= 0; i = ch_shared_numbered(i)->next)
	{
		if (entry_is(ch_shared_numbered(i), key))
			return ch_shared_numbered(i);
	}
	return NULL;
}

/* Under the lock.  NULL: there is no room. */
static ChShared *
insert(const Key *key)
{
	int32	   *bucket = bucket_of(key);
	int32		number = table()->first_free;
	ChShared   *shared;

	if (number < 0)
		return NULL;
	shared = ch_shared_numbered(number);
	table()->first_free = shared->next;
	table()->used++;
	entry_begin(shared, key);
	shared->next = *bucket;
	*bucket = number;
	return shared;
}

static ChShared *
local_entry(const Key *key)
{
	LocalEntry *entry;
	bool		found;

	if (local_entries == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(Key), .entrysize = sizeof(LocalEntry)};

		local_entries = hash_create("connhub connectors of this process", 16, &control, HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(local_entries, key, HASH_FIND, NULL);
	if (entry == NULL)
	{
		ChShared   *shared = MemoryContextAlloc(TopMemoryContext, sizeof(ChShared));

		entry_begin(shared, key);
		shared->is_local = true;
		entry = hash_search(local_entries, key, HASH_ENTER, &found);
		entry->shared = shared;
	}
	return entry->shared;
}

static void
leave(int code, Datum arg)
{
	if (trial != NULL)
		ch_shared_give_up(trial);
}

static ChShared *
find_or_insert(const Key *key)
{
	ChShared   *shared;

	ch_shmem_lock(&segment, LW_EXCLUSIVE);
	shared = find(key);
	if (shared == NULL)
		shared = insert(key);
	ch_shmem_unlock(&segment);
	return shared;
}

ChShared *
ch_shared_entry(const pg_uuid_t *connector)
{
	Key			key = key_of(connector);
	ChShared   *shared;

	if (!ch_shmem_is_shared())
		return local_entry(&key);
	if (exit_registered_pid != MyProcPid)
	{
		on_shmem_exit(leave, (Datum) 0);
		exit_registered_pid = MyProcPid;
	}
	ch_shmem_lock(&segment, LW_SHARED);
	shared = find(&key);
	ch_shmem_unlock(&segment);
	if (shared != NULL)
		return shared;

	shared = find_or_insert(&key);
	if (shared == NULL)
	{
		sweep();
		shared = find_or_insert(&key);
	}
	if (shared != NULL)
		return shared;
	if (!is_short)
	{
		is_short = true;
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("there are more connectors than connhub.max_connectors allows for: pool, breaker and counters of some are not shared"),
				 errhint("Raise connhub.max_connectors and restart the server.")));
	}
	return local_entry(&key);
}

void
ch_shared_forget(const pg_uuid_t *connector)
{
	Key			key = key_of(connector);

	if (ch_shmem_is_shared())
		remove_entry(&key);
}

/* Unless somebody has, or waits for, a connection. */
static void
remove_entry(const Key *key)
{
	ch_shmem_lock(&segment, LW_EXCLUSIVE);
	for (int32 *link = bucket_of(key); *link >= 0; link = &ch_shared_numbered(*link)->next)
	{
		int32		number = *link;
		ChShared   *shared = ch_shared_numbered(number);

		if (!entry_is(shared, key))
			continue;
		if (shared->first_hold < 0 && pg_atomic_read_u32(&shared->nwaiting) == 0)
		{
			*link = shared->next;
			shared->database = InvalidOid;
			shared->next = table()->first_free;
			table()->first_free = number;
			table()->used--;
		}
		break;
	}
	ch_shmem_unlock(&segment);
}

/* Free the entries of connectors and databases that are no more, or whose creation was rolled back. */
static void
sweep(void)
{
	static int64 swept_ms = 0;
	int64		now = ch_clock->now_ms();

	if (!IsTransactionState() || (swept_ms != 0 && now - swept_ms < SWEEP_MS))
		return;
	swept_ms = now;
	for (int32 i = 0; i < table()->capacity; i++)
	{
		Key			key;

		memset(&key, 0, sizeof(key));
		ch_shmem_lock(&segment, LW_SHARED);
		key.database = ch_shared_numbered(i)->database;
		key.connector = ch_shared_numbered(i)->connector;
		ch_shmem_unlock(&segment);
		if (!OidIsValid(key.database))
			continue;
		if (key.database == MyDatabaseId ? ch_connector_get(&key.connector, true) == NULL : get_database_name(key.database) == NULL)
			remove_entry(&key);
	}
}

void
ch_shared_lock(const ChShared *shared)
{
	if (!shared->is_local)
		ch_shmem_lock(&segment, LW_EXCLUSIVE);
}

void
ch_shared_unlock(const ChShared *shared)
{
	if (!shared->is_local)
		ch_shmem_unlock(&segment);
}

static ChShared *
copy_of(const ChShared *shared)
{
	ChShared   *copy = palloc(sizeof(ChShared));

	memcpy(copy, shared, sizeof(ChShared));
	return copy;
}

List *
ch_shared_list(void)
{
	List	   *result = NIL;

	/* Memory first: nothing may fail under the lock. */
	if (ch_shmem_is_shared())
	{
		int32		capacity = table()->capacity;

		for (int32 i = 0; i < capacity; i++)
		{
			const ChShared *shared = ch_shared_numbered(i);
			ChShared   *copy;

			if (shared->database != MyDatabaseId)
				continue;
			copy = palloc(sizeof(ChShared));
			ch_shmem_lock(&segment, LW_SHARED);
			memcpy(copy, shared, sizeof(ChShared));
			ch_shmem_unlock(&segment);
			copy->next = i;
			if (copy->database == MyDatabaseId)
				result = lappend(result, copy);
		}
	}
	if (local_entries != NULL)
	{
		HASH_SEQ_STATUS scan;
		LocalEntry *entry;

		hash_seq_init(&scan, local_entries);
		while ((entry = hash_seq_search(&scan)) != NULL)
			result = lappend(result, copy_of(entry->shared));
	}
	return result;
}

void
ch_shared_usage(int *capacity, int *used)
{
	*capacity = 0;
	*used = 0;
	if (!ch_shmem_is_shared())
		return;
	ch_shmem_lock(&segment, LW_SHARED);
	*capacity = table()->capacity;
	*used = table()->used;
	ch_shmem_unlock(&segment);
}

bool
ch_shared_is_short(void)
{
	return is_short;
}

TimestampTz
ch_shared_last_success(const pg_uuid_t *connector)
{
	return (TimestampTz) pg_atomic_read_u64(&ch_shared_entry(connector)->last_success);
}

/* ---- Counting ------------------------------------------------------------------------------ */

void
ch_shared_count(ChShared *shared, ChCounter counter, uint64 amount)
{
	if (amount > 0)
		pg_atomic_fetch_add_u64(&shared->counters[counter], (int64) amount);
}

int64
ch_shared_bucket_us(int bucket)
{
	return (int64) FIRST_BUCKET_US << bucket;
}

void
ch_shared_latency(ChShared *shared, ChLatency latency, int64 us)
{
	int			bucket = 0;

	while (bucket < CH_NBUCKETS - 1 && us > ch_shared_bucket_us(bucket))
		bucket++;
	pg_atomic_fetch_add_u64(&shared->latency[latency][bucket], 1);
	pg_atomic_fetch_add_u64(&shared->latency_us[latency], Max(us, 0));
}

void
ch_shared_succeeded(ChShared *shared)
{
	pg_atomic_write_u64(&shared->last_success, (uint64) GetCurrentTimestamp());
}

/* What the user cancelled is no failure of the source. */
void
ch_shared_failed(ChShared *shared, const ConnhubError *error)
{
	char	   *message;
	int			length;

	if (error->status == CONNHUB_CANCELLED)
		return;
	if ((int) error->status >= 0 && error->status < CH_NSTATUSES)
		pg_atomic_fetch_add_u64(&shared->errors[error->status], 1);
	pg_atomic_write_u64(&shared->last_failure, (uint64) GetCurrentTimestamp());
	message = ch_error_clean(error->message, sizeof(error->message));
	length = pg_mbcliplen(message, strlen(message), CH_SHARED_MESSAGE_BYTES - 1);
	ch_shared_lock(shared);
	shared->last_status = error->status;
	memcpy(shared->last_message, message, length);
	shared->last_message[length] = '\0';
	ch_shared_unlock(shared);
	pfree(message);
}

void
ch_shared_reset(ChShared *shared)
{
	for (int i = 0; i < CH_NCOUNTERS; i++)
		pg_atomic_write_u64(&shared->counters[i], 0);
	for (int i = 0; i < CH_NSTATUSES; i++)
		pg_atomic_write_u64(&shared->errors[i], 0);
	for (int i = 0; i < CH_NLATENCIES; i++)
	{
		pg_atomic_write_u64(&shared->latency_us[i], 0);
		for (int b = 0; b < CH_NBUCKETS; b++)
			pg_atomic_write_u64(&shared->latency[i][b], 0);
	}
	ch_shared_lock(shared);
	shared->breaker.trips = 0;
	ch_shared_unlock(shared);
	pg_atomic_write_u64(&shared->since, (uint64) GetCurrentTimestamp());
}

bool
ch_shared_take_call(ChShared *shared, Oid role, int64 most)
{
	int64		minute = ch_clock->now_ms() / 60000;
	ChCallWindow *window = NULL;
	bool		taken;

	ch_shared_lock(shared);
	for (int i = 0; i < CH_NCALL_WINDOWS; i++)
	{
		ChCallWindow *candidate = &shared->windows[i];

		if (candidate->role == role)
		{
			window = candidate;
			break;
		}
		if (window == NULL || candidate->minute < window->minute)
			window = candidate;
	}
	if (window->role != role || window->minute != minute)
	{
		window->role = role;
		window->minute = minute;
		window->calls = 0;
	}
	taken = window->calls < most;
	if (taken)
		window->calls++;
	ch_shared_unlock(shared);
	return taken;
}

/* ---- The breaker --------------------------------------------------------------------------- */

/* This process, never 0: its number, and its start so that the next of the same number is another. */
static int64
my_token(void)
{
	return ((int64) MyProcPid << 32) | (uint32) (MyStartTimestamp / 1000);
}

static bool
token_lives(int64 token)
{
	return token != 0 && BackendPidGetProc((int) (token >> 32)) != NULL;
}

ChCircuit
ch_shared_circuit(ChShared *shared, const ChConnector *connector)
{
	ChCircuit	circuit = {
		.shared = shared,
		.connector = connector->id,
		.rule = {
			.threshold = ch_connector_option_integer(connector, "breaker_threshold"),
			.recovery_ms = ch_connector_option_ms(connector, "breaker_recovery"),
			.lease_ms = ch_connector_option_ms(connector, "connect_timeout") + LEASE_MARGIN_MS,
		},
		.version = connector->config_version + connector->secret_version,
	};

	return circuit;
}

/* Under the lock: another configuration is another source. */
static void
follow_version(const ChCircuit *circuit)
{
	ChShared   *shared = circuit->shared;

	if (shared->version == circuit->version)
		return;
	shared->version = circuit->version;
	ch_breaker_reset(&shared->breaker);
}

static TimestampTz
timestamp_of(int64 ms)
{
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms - ch_clock->now_ms());
}

static void
raise_open(const ChConnector *connector, const ChBreaker *breaker, ConnhubStatus status, const char *message)
{
	char	   *since = pstrdup(timestamptz_to_str(timestamp_of(breaker->opened_ms)));
	bool		is_trying = breaker->state == CH_BREAKER_HALF_OPEN;

	ereport(ERROR,
			(errcode(ERRCODE_CH_CIRCUIT_OPEN),
			 errmsg("connector \"%s\" is not tried: its source is known to be down", connector->name),
			 is_trying ?
			 errdetail("Down since %s; another session is trying it now. Last failure: %s: %s.", since,
					   ch_status_code(status), message) :
			 errdetail("Down since %s; the next trial is due at %s. Last failure: %s: %s.", since,
					   timestamptz_to_str(timestamp_of(breaker->trial_ms)), ch_status_code(status),
					   message),
			 errhint("Wait, or run connhub.reset_breaker once the source is back.")));
}

void
ch_shared_require_circuit(ChShared *shared, const ChConnector *connector)
{
	ChCircuit	circuit = ch_shared_circuit(shared, connector);
	ChBreaker	breaker;
	ConnhubStatus status;
	char		message[CH_SHARED_MESSAGE_BYTES];
	bool		admitted;

	ch_shared_lock(shared);
	follow_version(&circuit);
	admitted = ch_breaker_admit(&shared->breaker, &circuit.rule, my_token(), token_lives(shared->breaker.lease_owner),
								ch_clock->now_ms());
	breaker = shared->breaker;
	status = shared->last_status;
	memcpy(message, shared->last_message, sizeof(message));
	ch_shared_unlock(shared);
	if (!admitted)
	{
		ch_shared_count(shared, CH_COUNT_REFUSED, 1);
		raise_open(connector, &breaker, status, message);
	}
	if (breaker.state == CH_BREAKER_HALF_OPEN)
		trial = shared;
}

bool
ch_shared_report(const ChCircuit *circuit, const ConnhubError *error, int64 us)
{
	ChShared   *shared = circuit->shared;
	ChBreakerOutcome outcome = ch_breaker_outcome(error->status, error->phase);
	bool		is_closed = true;

	if (trial == shared)
		trial = NULL;
	if (!ch_shared_is_of(shared, &circuit->connector))
		return true;
	if (error->status == CONNHUB_OK)
	{
		ch_shared_count(shared, CH_COUNT_OPENS, 1);
		ch_shared_latency(shared, CH_LATENCY_OPEN, us);
		ch_shared_succeeded(shared);
	}
	else
	{
		ch_shared_count(shared, CH_COUNT_OPEN_FAILURES, 1);
		ch_shared_failed(shared, error);
	}
	ch_shared_lock(shared);
	if (ch_shared_is_of(shared, &circuit->connector))
	{
		follow_version(circuit);
		ch_breaker_report(&shared->breaker, &circuit->rule, my_token(), outcome, ch_clock->now_ms());
		is_closed = shared->breaker.state == CH_BREAKER_CLOSED;
	}
	ch_shared_unlock(shared);
	return is_closed;
}

void
ch_shared_give_up(ChShared *shared)
{
	const ChBreakerRule rule = {0};

	if (trial != shared)
		return;
	trial = NULL;
	ch_shared_lock(shared);
	ch_breaker_report(&shared->breaker, &rule, my_token(), CH_OUTCOME_UNKNOWN, ch_clock->now_ms());
	ch_shared_unlock(shared);
}

void
ch_shared_close_circuit(ChShared *shared)
{
	ch_shared_lock(shared);
	ch_breaker_reset(&shared->breaker);
	ch_shared_unlock(shared);
}

void
ch_shared_init(void)
{
	ch_shmem_register(&segment);
}
