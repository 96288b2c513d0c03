/* request/request.h — building the neutral tree of the driver ABI.
 *
 * Everything is allocated in the current memory context and never changed afterwards, so pieces may be
 * shared between requests.  While pieces are being judged and put together, a column names its relation by a number that
 * is unique in this process, and a parameter has no number but points to what it stands for.  The
 * numbers a driver sees are given last, by ch_request_finish. */
#ifndef CH_REQUEST_REQUEST_H
#define CH_REQUEST_REQUEST_H

#include "nodes/pg_list.h"

#include "connhub/driver.h"

extern ConnhubTypeRef ch_typeref(ConnhubType type);

/* A number for a relation that no other one of this process has. */
extern uint32 ch_relation_number(void);

extern const ConnhubExpr *ch_expr_column(const ConnhubColumn *column, uint32 relation);

/* The same expression; when it is a column, one that may be null. */
extern const ConnhubExpr *ch_expr_nullable(const ConnhubExpr *expr);
extern const ConnhubExpr *ch_expr_const(const ConnhubValue *value);

/* A parameter that stands for `source`, which is the caller's. */
extern const ConnhubExpr *ch_expr_param(const void *source, const ConnhubTypeRef *type);
extern const void *ch_expr_param_source(const ConnhubExpr *param);

/* A call; args is a List of ConnhubExpr *.  Throws when the function does not take that many. */
extern const ConnhubExpr *ch_expr_call(ConnhubFunction fn, const ConnhubTypeRef *type,
									   const ConnhubCollation *collation, List *args);

/* What an aggregate or a window function is computed over.  Zeroes: every row of the group. */
typedef struct ChAggregateParts
{
	bool		is_distinct;
	const ConnhubExpr *filter;
	const ConnhubWindow *window;	/* NULL: an aggregate */
} ChAggregateParts;

extern const ConnhubExpr *ch_expr_aggregate(ConnhubFunction fn, const ConnhubTypeRef *type,
											const ConnhubCollation *collation, List *args,
											const ChAggregateParts *parts);

/* EXISTS, SUBQUERY or IN_QUERY over a request that is not finished. */
extern const ConnhubExpr *ch_expr_query(ConnhubExprKind kind, const ConnhubTypeRef *type, List *args,
										const ConnhubRequest *query);

/* Not this condition. */
extern const ConnhubExpr *ch_expr_not(const ConnhubExpr *expr);

/* The name of a function in EXPLAIN and messages. */
extern const char *ch_function_name(ConnhubFunction fn);

/* Has the expression a parameter?  A sub-select? */
extern bool ch_expr_has_param(const ConnhubExpr *expr);
extern bool ch_expr_has_query(const ConnhubExpr *expr);
extern bool ch_exprs_have_query(const ConnhubExpr *const *exprs, uint32 count);
extern bool ch_sort_has_query(const ConnhubSortKey *sort, uint32 count);

/* The relations of a request: a table, a derived table, a join.  Conditions are Lists of ConnhubExpr *. */
extern const ConnhubRelation *ch_relation_table(uint32 number, const char *schema, const char *table);
extern const ConnhubRelation *ch_relation_query(uint32 number, const ConnhubRequest *query);
extern const ConnhubRelation *ch_relation_filtered(const ConnhubRelation *relation, List *filters);
extern const ConnhubRelation *ch_relation_join(ConnhubJoinKind join, const ConnhubRelation *left,
											   const ConnhubRelation *right, List *on);

/* The parts of a request, as Lists of ConnhubExpr * and ConnhubSortKey *. */
typedef struct ChRequestParts
{
	const ConnhubRelation *from;
	List	   *outputs;
	List	   *filters;
	bool		is_grouped;
	List	   *groups;			/* none has a parameter; used elsewhere by the same pointer */
	List	   *sets;			/* of Lists of int, positions in groups; NIL: one grouping */
	List	   *having;
	bool		is_distinct;
	List	   *sort;
	const ConnhubExpr *limit;
	const ConnhubExpr *offset;
	ConnhubLock lock;
	const ConnhubExpr *from_block;
	const ConnhubExpr *until_block;
} ChRequestParts;

/* Put parts together; the result may still become part of another request. */
extern ConnhubRequest *ch_request_make(const ChRequestParts *parts);

/* The request as a driver gets it: relations and parameters numbered.  A request for one table and nothing
 * nested names it by schema and table.  Parameters count in the order outputs, from, filters, groups, having,
 * sort, limit, offset, blocks, and each use gets a number of its own; *sources becomes a List of what they stand for. */
extern ConnhubRequest *ch_request_finish(const ConnhubRequest *request, List **sources);

/* The same for a condition alone, as in an UPDATE of the table whose number is given: *sources is added to. */
extern const ConnhubExpr *ch_expr_finish(const ConnhubExpr *expr, uint32 relation, List **sources);

/* Replace parameters in a request that is not finished by what `replace` returns for their sources; NULL
 * leaves one as it is. */
typedef const ConnhubExpr *(*ChReplaceParam) (const void *source, void *arg);
extern ConnhubRequest *ch_request_replace(const ConnhubRequest *request, ChReplaceParam replace, void *arg);

#endif
