/* host.c — a ConnhubHost without a server: services, batches, and runs of queries. */
#include "host.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

FakeHost	fake = {.cancel_at_ms = -1, .cancel_after_asks = -1, .deadline_ms = -1};

void
fake_reset(void)
{
	int64_t		live = fake.live;

	memset(&fake, 0, sizeof(fake));
	fake.cancel_at_ms = fake.cancel_after_asks = fake.deadline_ms = -1;
	fake.live = live;
}

static bool
alloc_fails(void)
{
	return ++fake.allocs == fake.fail_alloc;
}

static void *
host_alloc(size_t size)
{
	void	   *memory = alloc_fails() ? NULL : malloc(size ? size : 1);

	if (memory)
	{
		memset(memory, 0x7F, size);	/* nobody may count on zeroes */
		fake.live++;
	}
	return memory;
}

static void *
host_realloc(void *pointer, size_t size)
{
	void	   *memory = alloc_fails() ? NULL : realloc(pointer, size ? size : 1);

	if (memory && pointer == NULL)
		fake.live++;
	return memory;
}

static void
host_free(void *pointer)
{
	if (pointer)
		fake.live--;
	free(pointer);
}

/* The arena of a batch: a list of blocks, freed with the next reset. */
typedef struct Block
{
	struct Block *next;
	uint64_t	align;			/* what follows is aligned for any vector member */
} Block;

static void *
host_batch_alloc(ConnhubBatch *batch, size_t size)
{
	Block	   *block = alloc_fails() ? NULL : malloc(sizeof(Block) + size);

	if (block == NULL)
		return NULL;
	block->next = batch->arena;
	batch->arena = block;
	return block + 1;
}

static void
host_log(ConnhubLogLevel level, const char *text)
{
	snprintf(fake.last_log, sizeof(fake.last_log), "%d %s", (int) level, text);
}

static int64_t
host_now_ms(void)
{
	struct timespec now;

	if (fake.virtual_clock)
		return fake.clock_ms;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static ConnhubStatus
asked_to_stop(void)
{
	if ((fake.cancel_at_ms >= 0 && host_now_ms() >= fake.cancel_at_ms) ||
		(fake.cancel_after_asks >= 0 && fake.asks > fake.cancel_after_asks))
		return CONNHUB_CANCELLED;
	if (fake.deadline_ms >= 0 && host_now_ms() >= fake.deadline_ms)
		return CONNHUB_TIMEOUT;
	return CONNHUB_OK;
}

static ConnhubStatus
host_cancelled(void)
{
	fake.asks++;
	return asked_to_stop();
}

/* With the virtual clock and no end in sight a wait would never return: the test is wrong then. */
static ConnhubStatus
wait_virtually(int64_t timeout_ms)
{
	int64_t		until = timeout_ms < 0 ? INT64_MAX : fake.clock_ms + timeout_ms;

	if (fake.cancel_at_ms >= 0 && fake.cancel_at_ms < until)
		until = fake.cancel_at_ms;
	if (fake.deadline_ms >= 0 && fake.deadline_ms < until)
		until = fake.deadline_ms;
	if (until == INT64_MAX)
	{
		fprintf(stderr, "a wait without end\n");
		abort();
	}
	if (until > fake.clock_ms)
		fake.clock_ms = until;
	return asked_to_stop();
}

static ConnhubStatus
host_wait(int fd, int events, int64_t timeout_ms)
{
	int64_t		begun = host_now_ms();

	fake.asks++;
	if (fd < 0 && fake.virtual_clock)
		return wait_virtually(timeout_ms);
	for (;;)
	{
		struct pollfd entry = {.fd = fd};
		ConnhubStatus status = asked_to_stop();
		int64_t		left = timeout_ms < 0 ? 10 : timeout_ms - (host_now_ms() - begun);

		if (status != CONNHUB_OK)
			return status;
		if (left <= 0)
			return fd < 0 ? CONNHUB_OK : CONNHUB_TIMEOUT;
		if (events & CONNHUB_READABLE)
			entry.events |= POLLIN;
		if (events & CONNHUB_WRITABLE)
			entry.events |= POLLOUT;
		if (poll(&entry, fd < 0 ? 0 : 1, left < 10 ? (int) left : 10) > 0)
			return CONNHUB_OK;
	}
}

static void
host_guard_begin(int fd)
{
}

static void
host_guard_end(void)
{
}

/* Runs it here: the result is there at once. */
static ConnhubStatus
host_offload(void (*fn) (void *arg), void *arg, int64_t wait_ms)
{
	fn(arg);
	return CONNHUB_OK;
}

static void
host_phase(ConnhubPhase phase)
{
	fake.phases |= 1u << phase;
}

const ConnhubHost fake_host = {
	.magic = CONNHUB_MAGIC,
	.abi_major = CONNHUB_ABI_MAJOR,
	.abi_minor = CONNHUB_ABI_MINOR,
	.struct_size = sizeof(ConnhubHost),
	.alloc = host_alloc,
	.realloc = host_realloc,
	.free = host_free,
	.batch_alloc = host_batch_alloc,
	.log = host_log,
	.wait = host_wait,
	.cancelled = host_cancelled,
	.now_ms = host_now_ms,
	.guard_begin = host_guard_begin,
	.guard_end = host_guard_end,
	.offload = host_offload,
	.phase = host_phase,
};

/* Memory of the harness itself never runs out. */
static void *
must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

ConnhubBatch *
fake_batch_create(uint32_t ncolumns, uint32_t capacity)
{
	ConnhubBatch *batch = must(calloc(1, sizeof(ConnhubBatch)));
	uint32_t	i;

	batch->struct_size = sizeof(ConnhubBatch);
	batch->capacity = capacity;
	batch->ncolumns = ncolumns;
	batch->max_bytes = 1 << 20;
	batch->columns = must(calloc(ncolumns + 1, sizeof(ConnhubVector)));
	for (i = 0; i < ncolumns; i++)
	{
		batch->columns[i].validity = must(calloc(1, (capacity + 7) / 8));
		batch->columns[i].v.values = must(malloc((size_t) capacity * 16));
	}
	return batch;
}

void
fake_batch_reset(ConnhubBatch *batch, const ConnhubTypeRef *wanted)
{
	uint32_t	i;

	while (batch->arena)
	{
		Block	   *next = ((Block *) batch->arena)->next;

		free(batch->arena);
		batch->arena = next;
	}
	batch->nrows = 0;
	for (i = 0; i < batch->ncolumns; i++)
	{
		memset(batch->columns[i].validity, 0, (batch->capacity + 7) / 8);
		memset(batch->columns[i].v.values, 0x7F, (size_t) batch->capacity * 16);
		if (wanted)
			batch->columns[i].type = wanted[i].type;
	}
}

void
fake_batch_free(ConnhubBatch *batch)
{
	uint32_t	i;

	fake_batch_reset(batch, NULL);
	for (i = 0; i < batch->ncolumns; i++)
	{
		free(batch->columns[i].validity);
		free(batch->columns[i].v.values);
	}
	free(batch->columns);
	free(batch);
}

ConnhubStatus
fake_open(const ConnhubDriver *driver, const ConnhubConfig *config, ConnhubConn **conn,
		  ConnhubError *error)
{
	ConnhubStatus status;

	memset(error, 0, sizeof(*error));
	*conn = NULL;
	status = driver->open(config, conn, error);
	while (status == CONNHUB_OK)
	{
		ConnhubWait wait = {.fd = -1, .timeout_ms = -1};

		status = driver->step(*conn, &wait, error);
		if (status == CONNHUB_OK)
			return CONNHUB_OK;
		if (status == CONNHUB_WAIT)
		{
			status = host_wait(wait.fd, wait.events, wait.timeout_ms);
			if (status == CONNHUB_TIMEOUT && asked_to_stop() == CONNHUB_OK)
				status = CONNHUB_OK;
		}
	}
	if (*conn)
		driver->close(*conn);
	*conn = NULL;
	return status;
}

void
fake_print(char **text, const char *format,...)
{
	size_t		old = *text ? strlen(*text) : 0;
	va_list		args;
	int			length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	*text = must(realloc(*text, old + (size_t) length + 1));
	va_start(args, format);
	vsnprintf(*text + old, (size_t) length + 1, format, args);
	va_end(args);
}

static bool
is_bytes(ConnhubType type)
{
	return type == CONNHUB_BYTES || type == CONNHUB_UUID || type == CONNHUB_PGBINARY;
}

static void
print_field(char **text, const ConnhubVector *vector, uint32_t row)
{
	size_t		i;

	if (!CONNHUB_IS_VALID(vector, row))
		fake_print(text, "\\N");
	else if (vector->type == CONNHUB_FLOAT32 || vector->type == CONNHUB_FLOAT64)
		fake_print(text, "%.17g", vector->v.reals[row]);
	else if (vector->type == CONNHUB_INTERVAL)
		fake_print(text, "%d %d %" PRId64, vector->v.intervals[row].months, vector->v.intervals[row].days,
				   vector->v.intervals[row].micros);
	else if (vector->type == CONNHUB_DECIMAL || vector->type == CONNHUB_TIMETZ ||
			 (vector->type >= CONNHUB_UUID && vector->type < CONNHUB_NTYPES))
	{
		const ConnhubSlice *slice = &vector->v.slices[row];

		if (!is_bytes(vector->type))
			fake_print(text, "%.*s", (int) slice->length, slice->data);
		else
			for (fake_print(text, "\\x"), i = 0; i < slice->length; i++)
				fake_print(text, "%02x", (unsigned char) slice->data[i]);
	}
	else
		fake_print(text, "%" PRId64, vector->v.integers[row]);
}

ConnhubStatus
fake_run(const ConnhubDriver *driver, ConnhubConn *conn, const FakeQuery *query, char **rows,
		 ConnhubError *error)
{
	ConnhubTypeRef wanted[64];
	ConnhubQuery native = {
		.struct_size = sizeof(native), .text = query->text, .params = query->params,
		.nparams = query->nparams, .columns = wanted, .ncolumns = query->ntypes
	};
	ConnhubBatch *batch = fake_batch_create(query->ntypes, query->batch_rows ? query->batch_rows : 100);
	ConnhubCursor *cursor = NULL;
	ConnhubError ignored = {0};
	ConnhubStatus status;
	uint32_t	i,
				row;

	for (i = 0; i < query->ntypes; i++)
		wanted[i] = (ConnhubTypeRef) {.type = query->types[i], .precision = -1};
	memset(error, 0, sizeof(*error));
	*rows = NULL;
	fake_print(rows, "%s", "");
	status = driver->execute(conn, &native, &cursor, error);
	while (status == CONNHUB_OK)
	{
		fake_batch_reset(batch, wanted);
		status = driver->fetch(cursor, batch, error);
		for (row = 0; row < batch->nrows && status == CONNHUB_OK; row++)
		{
			for (i = 0; i < query->ntypes; i++)
			{
				fake_print(rows, "%s", i ? "|" : "");
				print_field(rows, &batch->columns[i], row);
			}
			fake_print(rows, "\n");
		}
	}
	if (cursor)
		driver->close_cursor(cursor, &ignored);
	fake_batch_free(batch);
	return status == CONNHUB_DONE ? CONNHUB_OK : status;
}
