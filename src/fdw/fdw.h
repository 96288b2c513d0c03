/* fdw/fdw.h — what the files of this folder share: the plan's private list, the callbacks, costs. */
#ifndef CH_FDW_FDW_H
#define CH_FDW_FDW_H

#include "access/parallel.h"
#include "foreign/fdwapi.h"
#include "nodes/pathnodes.h"

#include "fdw/relinfo.h"

/* ForeignScan.fdw_private, a List indexed by this.  fdw_exprs holds one expression per parameter. */
typedef enum ChPlanItem
{
	CH_PLAN_CONNECTOR,			/* Const of uuid */
	CH_PLAN_CONNECTOR_NAME,		/* String */
	CH_PLAN_CONFIG_VERSION,		/* Const of int8: the configuration the query was rendered for */
	CH_PLAN_QUERY,				/* String: the native query */
	CH_PLAN_USER,				/* Const of oid: on whose behalf; InvalidOid: whoever runs it */
	CH_PLAN_RELATIONS,			/* String: the tables read, for people */
	CH_PLAN_COLUMNS,			/* IntList: attribute number of each result column in the scan's row; negative: the
								 * count that turns the sum in the column before it into an average */
	CH_PLAN_PARAM_TYPES,		/* OidList: type each parameter is sent as */
	CH_PLAN_KEYS,				/* IntList: for each parameter the number of a key, 0: the array of all, or a CH_KEY_…;
								 * NIL: all are expressions */
	CH_PLAN_LIMIT_PARAM,		/* Integer: which parameter is LIMIT; -1: none */
	CH_PLAN_OFFSET_PARAM,		/* Integer: which parameter is OFFSET; -1: none */
	CH_PLAN_FETCH_SIZE,			/* Integer: rows per round trip; 0: the driver's choice */
	CH_PLAN_FEW_ROWS,			/* Integer: 1 when a small result is expected */
	CH_PLAN_PLAIN,				/* Integer: 1 when nothing that the query computes can read from a source by itself */
	CH_PLAN_SYSTEM_COLUMNS,		/* Integer: 1 when xmin and its like are wanted */
	CH_PLAN_QUALS,				/* List of CH_PLAN_NOTE lists, one per condition checked here, in order */
	CH_PLAN_KEPT,				/* List of CH_PLAN_NOTE lists: the sort and limit kept here */
	CH_PLAN_ROWS,				/* Float: rows expected to cross the network */
	CH_PLAN_WIDTH,				/* Integer: bytes expected of one of them */
	CH_PLAN_BLOCKS,				/* Float: blocks of a table that is read in ranges, as discovered */
	CH_PLAN_WRITES,				/* Integer, a ChPlanWrites */
	CH_PLAN_ITEMS
} ChPlanItem;

/* What the native query of a scan does besides reading. */
typedef enum ChPlanWrites
{
	CH_PLAN_READS = 0,
	CH_PLAN_LOCKS,				/* reads rows and locks them */
	CH_PLAN_MODIFIES,			/* an UPDATE or DELETE at one go */
	CH_PLAN_COUNTS				/* the same, and its rows count in the command's tag */
} ChPlanWrites;

/* An element of CH_PLAN_QUALS and CH_PLAN_KEPT: a List indexed by this. */
typedef enum ChPlanNote
{
	CH_NOTE_SENT,				/* Integer: 1 when sent all the same, as a superset */
	CH_NOTE_REASON,				/* String */
	CH_NOTE_PIECE				/* String: what is kept; CH_PLAN_KEPT only */
} ChPlanNote;

struct ChRequestParts;

/* statistics.c: let the planner's selectivity functions know what discovery knows of a column.  Once per
 * process. */
extern void ch_fdw_init(void);

/* plan_scan.c */
extern void ch_get_foreign_rel_size(PlannerInfo *root, RelOptInfo *rel, Oid table);
extern void ch_get_foreign_paths(PlannerInfo *root, RelOptInfo *rel, Oid table);
extern bool ch_is_foreign_scan_parallel_safe(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte);

/* Paths of a scan or join: as the rows come, in the order of the query, and in those of merge joins. */
extern void ch_add_ordered_paths(PlannerInfo *root, RelOptInfo *rel, ChRelInfo *info);

/* Have a request read a range of blocks that is known at execution. */
extern void ch_range_params(struct ChRequestParts *parts);

/* plan_join.c */
extern void ch_get_foreign_join_paths(PlannerInfo *root, RelOptInfo *rel, RelOptInfo *outer, RelOptInfo *inner,
									  JoinType type, JoinPathExtraData *extra);

/* plan_upper.c */
extern void ch_get_foreign_upper_paths(PlannerInfo *root, UpperRelationKind stage,
									   RelOptInfo *input_rel, RelOptInfo *output_rel, void *extra);

/* plan_make.c */
extern ForeignScan *ch_get_foreign_plan(PlannerInfo *root, RelOptInfo *rel, Oid table,
										ForeignPath *path, List *tlist, List *clauses,
										Plan *outer_plan);

/* What a stage asks of the source, its outputs apart. */
extern void ch_request_parts(ChRelInfo *info, struct ChRequestParts *parts);

/* cost.c */
typedef struct ChCost
{
	double		rows;
	Cost		startup;
	Cost		total;
} ChCost;

/* Rows, width and cost at the source of a base relation, its conditions judged; sets rel->rows and
 * rel->reltarget->width too. */
extern void ch_cost_relation(PlannerInfo *root, RelOptInfo *rel, ChRelInfo *info);

/* The same of a join, and of a stage that puts out `rows` of `width` bytes. */
extern void ch_cost_join(PlannerInfo *root, RelOptInfo *rel, ChRelInfo *info, ChRelInfo *left, ChRelInfo *right);
extern void ch_cost_compute(ChRelInfo *info, double rows, int width);

/* Cost of reading a stage, sorted at the source or not, the first `limit` rows (0: all) wanted. */
extern void ch_cost_stage(RelOptInfo *rel, ChRelInfo *info, bool sorted, double limit, ChCost *cost);

/* Cost of a scan that is given values of other relations. */
extern void ch_cost_parameterized(RelOptInfo *rel, ChRelInfo *info, ParamPathInfo *param_info, ChCost *cost);

/* Cost of reading a table by several processes, for each of them. */
extern void ch_cost_partial(RelOptInfo *rel, ChRelInfo *info, double processes, ChCost *cost);

/* Cost of one statement that is given so many keys and gives so many rows. */
extern void ch_cost_keys(RelOptInfo *rel, ChRelInfo *info, bool is_indexed, double keys, double fetched, ChCost *cost);

/* exec_scan.c */
extern void ch_begin_foreign_scan(ForeignScanState *node, int eflags);
extern TupleTableSlot *ch_iterate_foreign_scan(ForeignScanState *node);
extern void ch_rescan_foreign_scan(ForeignScanState *node);
extern void ch_end_foreign_scan(ForeignScanState *node);

/* For ch_cursor_open, with the connector's name as holder: throws, for rows cannot be set aside while one is being read. */
extern void ch_scan_refuse_spill(void *connector_name);

/* The keys of the next run of a scan that is given keys: at least one, none of them null, in a context that
 * lives until the run has begun. */
extern void ch_scan_set_keys(ForeignScanState *node, Datum *keys, int count, Oid type);

/* Where an asynchronous scan stands. */
typedef enum ChScanStand
{
	CH_SCAN_READY,				/* its next rows, or its end, are there; to call for one does not wait */
	CH_SCAN_WAITS,				/* for its source, as *wait says */
	CH_SCAN_QUEUED				/* not begun: another scan of the same Append has the connection */
} ChScanStand;

/* Begin the scan if it is not, and look.  From an Append's wait it is not queued behind a scan that nobody will read
 * on.  Does not wait for rows; once there are none left at hand a row asked for is an empty slot. */
extern ChScanStand ch_scan_look(ForeignScanState *node, AsyncRequest *request, bool is_wait, ConnhubWait *wait);

/* After an empty slot: was that the end? */
extern bool ch_scan_is_over(ForeignScanState *node);

/* exec_parallel.c: a table read in ranges of blocks by several processes. */
typedef struct ChDivision ChDivision;
extern Size ch_estimate_foreign_scan(ForeignScanState *node, ParallelContext *context);
extern void ch_initialize_foreign_scan(ForeignScanState *node, ParallelContext *context, void *shared);
extern void ch_reinitialize_foreign_scan(ForeignScanState *node, ParallelContext *context, void *shared);
extern void ch_initialize_worker_scan(ForeignScanState *node, shm_toc *toc, void *shared);

/* The next range this process is to read; false: none is left. */
extern bool ch_division_take(ChDivision *division, ForeignScanState *node, int64 *from, int64 *until);

/* exec_scan.c, for it: read by the division; the blocks to be divided; the connection. */
extern void ch_scan_divide(ForeignScanState *node, ChDivision *division);
extern double ch_scan_blocks(ForeignScanState *node);
extern struct ChConn *ch_scan_conn(ForeignScanState *node);
extern struct ChConn *ch_scan_conn_now(ForeignScanState *node); /* NULL: no place in the pool is free */

/* Read no row, so that the source keeps the table as it is until the transaction ends. */
extern void ch_scan_touch(ForeignScanState *node);

/* exec_async.c */
extern bool ch_is_foreign_path_async_capable(ForeignPath *path);
extern void ch_foreign_async_request(AsyncRequest *request);
extern void ch_foreign_async_configure_wait(AsyncRequest *request);
extern void ch_foreign_async_notify(AsyncRequest *request);

/* What a scan has done so far, for EXPLAIN ANALYZE. */
typedef struct ChScanCounts
{
	int64		queries;
	int64		batches;
	int64		rows;
	int64		spilled;		/* rows set aside for another statement */
} ChScanCounts;

extern void ch_scan_counts(ForeignScanState *node, ChScanCounts *counts);

/* An UPDATE or DELETE that the source does at one go is run as a scan. */
extern TupleTableSlot *ch_iterate_direct_modify(ForeignScanState *node);

/* analyze.c */
extern bool ch_analyze_foreign_table(Relation relation, AcquireSampleRowsFunc *func,
									 BlockNumber *pages);

/* describe.c: a scan of a plan, as it was planned. */
typedef struct ChPlanPiece
{
	const char *text;			/* the condition, "sort" or "limit" */
	const char *verdict;		/* "exact": the source does it; "rechecked": both; "local": only here */
	const char *reason;			/* NULL when exact */
} ChPlanPiece;

typedef struct ChPlanDescription
{
	const char *relation;		/* what is read, by the names it has here */
	const char *connector;
	const char *query;			/* secrets masked */
	double		rows;			/* expected to cross the network */
	double		width;			/* bytes expected of one of them */
	double		returned;		/* rows expected to be left after what is checked here */
	List	   *pieces;			/* ChPlanPiece *: those of the source, then those checked or done here */
} ChPlanDescription;

/* What a scan leaves here, or all its pieces: ChPlanPiece *, secrets masked.  deparse: the context of its plan tree. */
extern List *ch_plan_pieces(ForeignScan *scan, List *deparse, bool with_exact);

/* A statement of a source as it may be shown. */
extern char *ch_plan_masked(char *text);

/* The scans of connhub in a plan that was started, sub-plans included: ChPlanDescription, in plan order. */
struct QueryDesc;
extern List *ch_plan_describe(struct QueryDesc *query);

/* explain.c */
struct ExplainState;
extern void ch_explain_foreign_scan(ForeignScanState *node, struct ExplainState *es);
extern void ch_explain_direct_modify(ForeignScanState *node, struct ExplainState *es);
extern void ch_explain_foreign_modify(ModifyTableState *state, ResultRelInfo *rinfo, List *private,
									  int subplan_index, struct ExplainState *es);

#endif
