/* fdw/exec_parallel.c — one table, read by several processes over a connection each.
 *
 * The leader exports the snapshot of its remote transaction before workers start, and theirs begin with it.  Ranges of
 * blocks are handed out one by one.  The leader also reads an empty range first: the source then keeps the table's
 * blocks where they are until the remote transaction ends, which it does after all workers.  Where the snapshot
 * cannot be shared, because this transaction has written at the source, no worker is started and the leader reads all. */
#include "postgres.h"

#include "optimizer/optimizer.h"
#include "port/atomics.h"

#include "conn/conn.h"
#include "fdw/fdw.h"

/* Ranges a table has at most, and blocks a range has at least. */
#define MAX_RANGES	64
#define MIN_BLOCKS	512

/* In shared memory; constant but for `next` once workers start. */
struct ChDivision
{
	pg_atomic_uint64 next;		/* range to be handed out */
	uint64		blocks;			/* to be divided: the last range takes what the table has grown since */
	uint64		range;			/* blocks of one */
	char		snapshot[64];
};

Size
ch_estimate_foreign_scan(ForeignScanState *node, ParallelContext *context)
{
	return sizeof(ChDivision);
}

void
ch_initialize_foreign_scan(ForeignScanState *node, ParallelContext *context, void *shared)
{
	ChDivision *division = shared;

	memset(division, 0, sizeof(ChDivision));
	pg_atomic_init_u64(&division->next, 0);
	division->blocks = (uint64) Min(ch_scan_blocks(node), CONNHUB_LAST_BLOCK - 1);
	division->range = Max(division->blocks / MAX_RANGES, MIN_BLOCKS);
	if (ch_conn_export(ch_scan_conn(node), division->snapshot, sizeof(division->snapshot)))
		ch_scan_touch(node);
	else
		ReinitializeParallelWorkers(context, 0);
	ch_scan_divide(node, division);
}

void
ch_reinitialize_foreign_scan(ForeignScanState *node, ParallelContext *context, void *shared)
{
	pg_atomic_write_u64(&((ChDivision *) shared)->next, 0);
}

void
ch_initialize_worker_scan(ForeignScanState *node, shm_toc *toc, void *shared)
{
	ch_scan_divide(node, shared);
}

/* A worker does not wait for a place in the pool, which its leader may hold: it takes no part then. */
static bool
join_snapshot(const ChDivision *division, ForeignScanState *node)
{
	ChConn	   *conn = parallel_leader_participation ? ch_scan_conn_now(node) : ch_scan_conn(node);

	return conn != NULL && ch_conn_import(conn, division->snapshot);
}

bool
ch_division_take(ChDivision *division, ForeignScanState *node, int64 *from, int64 *until)
{
	uint64		first;

	if (IsParallelWorker() && !join_snapshot(division, node))
	{
		if (parallel_leader_participation)
			return false;
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("a worker has begun another remote transaction than that of its leader"),
				 errhint("Set parallel_leader_participation to on.")));
	}
	first = pg_atomic_fetch_add_u64(&division->next, 1) * division->range;
	if (first > 0 && first >= division->blocks)
		return false;
	*from = (int64) first;
	*until = first + division->range < division->blocks ? (int64) (first + division->range) : CONNHUB_LAST_BLOCK;
	return true;
}
