/* fdw/relinfo.h — what the planner knows of a foreign relation, and of what was asked of its source.
 *
 * A relation is built up in stages: a scan of one table or of a derived one, joins of two such, then
 * grouping, windows, DISTINCT, ORDER BY and LIMIT, in the order in which a request evaluates them.
 * Each stage is a ChRelInfo of its own that starts as a copy of the one below it. */
#ifndef CH_FDW_RELINFO_H
#define CH_FDW_RELINFO_H

#include "nodes/pathnodes.h"

#include "fdw/source.h"

/* One condition, and what the source says to it. */
typedef struct ChPiece
{
	Expr	   *clause;
	RestrictInfo *rinfo;		/* it came in; NULL for a HAVING */
	ConnhubVerdictKind verdict;
	const ConnhubExpr *expr;	/* what is sent; NULL when refused */
	const char *reason;			/* why not exact; NULL when it is */
} ChPiece;

/* A value the source is sent at execution. */
typedef struct ChParam
{
	Expr	   *expr;			/* free of the relation's columns */
	Oid			type;			/* PostgreSQL type whose ABI form is sent; may be wider than the expression's */
} ChParam;

/* One column, by attribute number. */
typedef struct ChRelColumn
{
	const char *name;			/* at the source, in the database's encoding; NULL: dropped */
	ConnhubColumn column;		/* name NULL: the attribute was dropped */
	const char *distrust;		/* why a comparison at the source could differ from one here, or NULL */
	double		null_fraction;	/* < 0: unknown */
	double		distinct_values;	/* as in pg_statistic; 0: unknown */
	int			average_width;	/* < 0: unknown */
	bool		is_key;			/* alone a primary or unique key */
	bool		is_indexed;		/* an index at the source begins with it */
} ChRelColumn;

/* A result column of a stage that computes its output: what stands for it here, and there. */
typedef struct ChOutput
{
	Expr	   *expr;
	const ConnhubExpr *sent;
	const ConnhubExpr *count;	/* an average is made here, of `sent`, its sum, and this; else NULL */
} ChOutput;

typedef enum ChStage
{
	CH_STAGE_SCAN,				/* one foreign table */
	CH_STAGE_DERIVED,			/* the rows of a sub-select in FROM; no path of its own */
	CH_STAGE_JOIN,
	CH_STAGE_GROUP,
	CH_STAGE_WINDOW,
	CH_STAGE_DISTINCT,
	CH_STAGE_ORDER,
	CH_STAGE_LIMIT,
	CH_STAGE_FINAL				/* nothing is added; what a sub-select is taken from */
} ChStage;

/* Why something stays here: for EXPLAIN. */
typedef struct ChKept
{
	const char *piece;
	const char *reason;
} ChKept;

/* Planner state of a relation, in RelOptInfo.fdw_private. */
typedef struct ChRelInfo
{
	PlannerInfo *root;			/* NULL: outside of planning */
	ChRelSource *at;			/* of the first relation; all are of one connector */
	Oid			server;			/* and user: what runs as one statement is of one server and user */
	Oid			user;
	ChStage		stage;
	struct ChRelInfo *input;	/* the stage below; NULL for a scan or a join */
	Relids		relids;			/* range table indexes of the relations it reads */
	Relids		nullable;		/* those whose columns an outer join may have made null */
	Relids		hidden;			/* those within an EXISTS only: nothing above may name their columns */

	/* A scan of one table, or a derived table. */
	Index		relid;			/* range table index */
	Oid			table;			/* pg_class of the foreign table; InvalidOid: derived */
	char	   *name;			/* as people call it, for messages */
	uint32		number;			/* of its ConnhubRelation, until a request is finished */
	const char *remote_schema;	/* NULL: the connection's default */
	const char *remote_table;
	const struct ChRemoteTable *remote; /* as discovered; NULL: it was not */
	int			ncolumns;
	ChRelColumn *columns;		/* by attribute number - 1 */
	double		table_rows;		/* rows at the source */
	double		table_bytes;	/* their size there */

	/* What the source is asked for so far. */
	const ConnhubRelation *from;
	List	   *filters;		/* ConnhubExpr *: what is sent of the conditions */
	bool		is_grouped;
	List	   *groups;			/* ConnhubExpr *, in the order of group_exprs */
	List	   *group_exprs;	/* Expr * */
	List	   *group_refs;		/* of int: tleSortGroupRef of each */
	List	   *sets;
	List	   *having;			/* ConnhubExpr * */
	bool		is_distinct;
	bool		computes;		/* from CH_STAGE_GROUP on: what is put out is in `outputs` */
	List	   *outputs;		/* ChOutput * */
	List	   *sort;			/* ConnhubSortKey *: the query's ORDER BY */
	const ConnhubExpr *limit;	/* NULL: none */
	const ConnhubExpr *offset;

	/* What is left to do here. */
	List	   *pieces;			/* ChPiece *: conditions of this stage, gates apart; of a scan all, else those checked here */
	bool		has_gate;		/* a condition free of columns is checked before the scan starts */
	bool		all_exact;		/* nothing is left to check here */

	/* Estimates. */
	double		rows;			/* rows that cross the network */
	int			width;			/* bytes of one */
	Cost		source_cost;	/* what the source does to have them, the statement's start apart */

	/* Why the query's ORDER BY or LIMIT stays here; NULL: it is sent, or there is none.  On the stage below both. */
	const char *sort_reason;
	const char *limit_reason;
	List	   *kept;			/* ChKept *: joins and groupings over it that stay here */
	const char *direct_reason;	/* why an UPDATE or DELETE of it is not done at one go; NULL: nobody asked */
} ChRelInfo;

/* Read everything planning needs of a foreign table, without a round trip.  The caller holds a lock on it.
 * root NULL: outside of planning. */
extern ChRelInfo *ch_relinfo_make(PlannerInfo *root, Index relid, Oid table);

/* A stage above another, a copy of it so far. */
extern ChRelInfo *ch_relinfo_stage(ChRelInfo *input, ChStage stage);

/* The scan, join or computing stage under ORDER BY and LIMIT. */
extern ChRelInfo *ch_relinfo_source(ChRelInfo *info);

/* The scan or derived table of a range table index, when it is of this relation; else NULL. */
extern ChRelInfo *ch_relinfo_leaf(ChRelInfo *info, Index relid);

/* Is the expression a column that begins an index at the source? */
extern bool ch_relinfo_is_indexed(ChRelInfo *info, Expr *expr);

/* Remember why something above the relation stays here. */
extern void ch_relinfo_keep(ChRelInfo *info, const char *piece, const char *reason);

/* The driver's native query for a finished request. */
extern char *ch_relinfo_render(ChRelInfo *info, const ConnhubRequest *request);

#endif
