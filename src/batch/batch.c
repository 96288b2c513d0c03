/* batch/batch.c — host side of ConnhubBatch: allocate, validate, reset.
 *
 * Variable-length values live in an arena of a few large blocks that are used again for each batch. */
#include "postgres.h"

#include "utils/memutils.h"

#include "batch/batch.h"

#define ARENA_BLOCK_BYTES ((Size) 256 * 1024)
#define VALUE_BYTES 16

typedef struct Block
{
	struct Block *next;
	Size		capacity;
	char		data[FLEXIBLE_ARRAY_MEMBER];
} Block;

typedef struct Arena
{
	MemoryContext context;		/* of the whole batch */
	Block	   *blocks;			/* the current one first */
	Size		used;			/* of the current one */
} Arena;

typedef enum Storage
{
	STORAGE_NONE = 0,
	STORAGE_INTEGER,
	STORAGE_REAL,
	STORAGE_SLICE,
	STORAGE_INTERVAL
} Storage;

static const Storage storages[CONNHUB_NTYPES] = {
	[CONNHUB_BOOL] = STORAGE_INTEGER,
	[CONNHUB_INT16] = STORAGE_INTEGER,
	[CONNHUB_INT32] = STORAGE_INTEGER,
	[CONNHUB_INT64] = STORAGE_INTEGER,
	[CONNHUB_FLOAT32] = STORAGE_REAL,
	[CONNHUB_FLOAT64] = STORAGE_REAL,
	[CONNHUB_DECIMAL] = STORAGE_SLICE,
	[CONNHUB_DATE] = STORAGE_INTEGER,
	[CONNHUB_TIME] = STORAGE_INTEGER,
	[CONNHUB_TIMETZ] = STORAGE_SLICE,
	[CONNHUB_TIMESTAMP] = STORAGE_INTEGER,
	[CONNHUB_TIMESTAMPTZ] = STORAGE_INTEGER,
	[CONNHUB_INTERVAL] = STORAGE_INTERVAL,
	[CONNHUB_UUID] = STORAGE_SLICE,
	[CONNHUB_TEXT] = STORAGE_SLICE,
	[CONNHUB_BPCHAR] = STORAGE_SLICE,
	[CONNHUB_BYTES] = STORAGE_SLICE,
	[CONNHUB_JSON] = STORAGE_SLICE,
	[CONNHUB_NATIVE] = STORAGE_SLICE,
	[CONNHUB_PGBINARY] = STORAGE_SLICE,
};

StaticAssertDecl(sizeof(ConnhubSlice) <= VALUE_BYTES && sizeof(ConnhubInterval) <= VALUE_BYTES,
				 "a value does not fit its place in a vector");

ConnhubBatch *
ch_batch_create(MemoryContext parent, int ncolumns, int capacity, Size max_bytes)
{
	MemoryContext context = AllocSetContextCreate(parent, "connhub batch", ALLOCSET_DEFAULT_SIZES);
	ConnhubBatch *batch = MemoryContextAllocZero(context, sizeof(ConnhubBatch));
	Arena	   *arena = MemoryContextAllocZero(context, sizeof(Arena));

	Assert(ncolumns >= 0 && capacity > 0);
	arena->context = context;
	batch->struct_size = sizeof(ConnhubBatch);
	batch->capacity = capacity;
	batch->ncolumns = ncolumns;
	batch->max_bytes = max_bytes;
	batch->arena = arena;
	batch->columns = MemoryContextAllocZero(context, sizeof(ConnhubVector) * Max(ncolumns, 1));
	for (int i = 0; i < ncolumns; i++)
	{
		batch->columns[i].validity = MemoryContextAllocZero(context, (capacity + 7) / 8);
		batch->columns[i].v.values = MemoryContextAllocHuge(context, (Size) capacity * VALUE_BYTES);
	}
	return batch;
}

void
ch_batch_reset(ConnhubBatch *batch, const ConnhubTypeRef *wanted)
{
	Arena	   *arena = batch->arena;

	batch->nrows = 0;
	for (uint32 i = 0; i < batch->ncolumns; i++)
	{
		batch->columns[i].type = wanted[i].type;
		memset(batch->columns[i].validity, 0, (batch->capacity + 7) / 8);
	}

	/* One ordinary block is kept; the rest was an exception. */
	arena->used = 0;
	while (arena->blocks != NULL &&
		   (arena->blocks->next != NULL || arena->blocks->capacity > ARENA_BLOCK_BYTES))
	{
		Block	   *block = arena->blocks;

		arena->blocks = block->next;
		pfree(block);
	}
}

void *
ch_batch_alloc(ConnhubBatch *batch, size_t size)
{
	Arena	   *arena = batch->arena;
	Block	   *block = arena->blocks;
	void	   *result;

	if (size > MaxAllocHugeSize / 2)
		return NULL;
	size = MAXALIGN(size);
	if (block == NULL || size > block->capacity - arena->used)
	{
		Size		capacity = Max(size, ARENA_BLOCK_BYTES);

		block = MemoryContextAllocExtended(arena->context, offsetof(Block, data) + capacity,
										   MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
		if (block == NULL)
			return NULL;
		block->capacity = capacity;
		block->next = arena->blocks;
		arena->blocks = block;
		arena->used = 0;
	}
	result = block->data + arena->used;
	arena->used += size;
	return result;
}

static Storage
storage_of(ConnhubType type)
{
	return (int) type > 0 && type < CONNHUB_NTYPES ? storages[type] : STORAGE_NONE;
}

void
ch_batch_validate(const ConnhubBatch *batch, const ConnhubTypeRef *wanted)
{
	if (batch->nrows == 0 || batch->nrows > batch->capacity)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("the driver returned %u rows in a batch of %u", batch->nrows, batch->capacity)));
	for (uint32 i = 0; i < batch->ncolumns; i++)
	{
		ConnhubType type = batch->columns[i].type;
		Storage		storage = storage_of(type);

		if (storage == STORAGE_NONE ||
			(storage != storage_of(wanted[i].type) && type != CONNHUB_TEXT && type != CONNHUB_PGBINARY))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("the driver returned type %d for result column %u, where type %d was asked for",
							(int) type, i + 1, (int) wanted[i].type)));
	}
}

uint64
ch_batch_bytes(const ConnhubBatch *batch)
{
	uint64		bytes = 0;

	if (batch->nrows > batch->capacity)
		return 0;
	for (uint32 i = 0; i < batch->ncolumns; i++)
	{
		const ConnhubVector *column = &batch->columns[i];
		Storage		storage = storage_of(column->type);

		if (storage != STORAGE_SLICE)
		{
			bytes += (uint64) batch->nrows * (storage == STORAGE_INTERVAL ? sizeof(ConnhubInterval) : sizeof(int64));
			continue;
		}
		for (uint32 row = 0; row < batch->nrows; row++)
		{
			if (CONNHUB_IS_VALID(column, row))
				bytes += column->v.slices[row].length;
		}
	}
	return bytes;
}

void
ch_batch_free(ConnhubBatch *batch)
{
	if (batch != NULL)
		MemoryContextDelete(((Arena *) batch->arena)->context);
}
