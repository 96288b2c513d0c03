/* fdw/relinfo.h — what the planner knows of a foreign relation, and of what was asked of its source. */
#ifndef CH_FDW_RELINFO_H
#define CH_FDW_RELINFO_H

#include "nodes/pathnodes.h"

#include "catalog/cat_connector.h"
#include "connhub/driver.h"

/* The source a relation lives at. */
typedef struct ChRelSource
{
	const ChConnector *connector;
	const ConnhubDriver *driver;
	ConnhubSource source;		/* what judge and render may know */
	int			fetch_size;		/* rows per round trip; 0: the driver's choice */
} ChRelSource;

/* One condition, and what the source says to it. */
typedef struct ChPiece
{
	RestrictInfo *rinfo;
	ConnhubVerdictKind verdict;
	const ConnhubExpr *expr;	/* what is sent; NULL when refused */
	const char *reason;			/* why not exact; NULL when it is */
} ChPiece;

/* A value the source is sent at execution: a candidate until a request that uses it is rendered. */
typedef struct ChParam
{
	Expr	   *expr;			/* free of this relation's columns */
	Oid			type;			/* PostgreSQL type whose ABI form is sent; may be wider than the expression's */
} ChParam;

/* One column, by attribute number. */
typedef struct ChRelColumn
{
	ConnhubColumn column;		/* name NULL: the attribute was dropped */
	const char *distrust;		/* why a comparison at the source could differ from one here, or NULL */
	double		null_fraction;	/* < 0: unknown */
	double		distinct_values;	/* as in pg_statistic; 0: unknown */
	int			average_width;	/* < 0: unknown */
	bool		is_key;			/* alone a primary or unique key */
} ChRelColumn;

/* Planner state of a relation, in RelOptInfo.fdw_private. */
typedef struct ChRelInfo
{
	ChRelSource *at;			/* shared by every relation made of this one */
	List	  **params;			/* ChParam *; shared likewise, numbers stay valid */

	/* Base relation. */
	Index		relid;			/* range table index */
	Oid			table;			/* pg_class of the foreign table */
	char	   *name;			/* as people call it, for messages */
	const char *remote_schema;	/* NULL: the connection's default */
	const char *remote_table;
	int			ncolumns;
	ChRelColumn *columns;		/* by attribute number - 1 */
	List	   *pieces;			/* ChPiece *, one per condition that is not a gate */
	bool		has_gate;		/* a condition free of columns is checked before the scan starts */
	bool		all_exact;		/* nothing is left to check here */
	double		remote_rows;	/* rows that cross the network under the conditions sent */
	double		table_rows;		/* rows at the source */
	double		table_bytes;	/* their size there */
	bool		by_key;			/* a whole key is compared for equality: one row at most */

	/* Ordering and limit stages stand on the relation below them. */
	struct ChRelInfo *input;	/* NULL for a base relation */
	List	   *sort;			/* ConnhubSortKey *: the query's ORDER BY */
	const ConnhubExpr *limit;	/* NULL: none */
	const ConnhubExpr *offset;

	/* Why the query's ORDER BY or LIMIT stays here; NULL: it is sent, or there is none.  On the base. */
	const char *sort_reason;
	const char *limit_reason;

	/* Why an UPDATE or DELETE is not done by the source at one go; NULL: it is, or nobody asked.  On the base. */
	const char *direct_reason;
} ChRelInfo;

/* Read everything planning needs of a foreign table, without a round trip.  The caller holds a lock on it.
 * root NULL: outside of planning. */
extern ChRelInfo *ch_relinfo_make(PlannerInfo *root, Index relid, Oid table);

/* The driver's native query for a request. */
extern char *ch_relinfo_render(ChRelInfo *info, const ConnhubRequest *request);

/* The base relation under a stage. */
extern ChRelInfo *ch_relinfo_base(ChRelInfo *info);

#endif
