/* request/request.h — building the neutral tree of the driver ABI.
 *
 * Everything is allocated in the current memory context and never changed afterwards, so pieces may be
 * shared between requests.  Parameters get their numbers last: while pieces are being judged a
 * PARAM's number is only a place in a list of candidates. */
#ifndef CH_REQUEST_REQUEST_H
#define CH_REQUEST_REQUEST_H

#include "nodes/pg_list.h"

#include "connhub/driver.h"

extern ConnhubTypeRef ch_typeref(ConnhubType type);

extern const ConnhubExpr *ch_expr_column(const ConnhubColumn *column);
extern const ConnhubExpr *ch_expr_const(const ConnhubValue *value);
extern const ConnhubExpr *ch_expr_param(uint32 number, const ConnhubTypeRef *type);

/* A call; args is a List of ConnhubExpr *.  Throws when the function does not take that many. */
extern const ConnhubExpr *ch_expr_call(ConnhubFunction fn, const ConnhubTypeRef *type,
									   const ConnhubCollation *collation, List *args);

/* The name of a function in EXPLAIN and messages. */
extern const char *ch_function_name(ConnhubFunction fn);

/* Does the expression use a column? */
extern bool ch_expr_has_column(const ConnhubExpr *expr);

/* The parts of a request, as Lists of ConnhubExpr * and ConnhubSortKey *. */
typedef struct ChRequestParts
{
	const char *schema;
	const char *table;
	List	   *outputs;
	List	   *filters;
	List	   *sort;
	const ConnhubExpr *limit;
	const ConnhubExpr *offset;
} ChRequestParts;

/* Make a request of parts.  Every PARAM is numbered anew, in the order outputs, filters, sort, limit,
 * offset, and each use gets a number of its own.  *params becomes a List of int: for each new
 * number, the number it had in the parts. */
extern ConnhubRequest *ch_request_make(const ChRequestParts *parts, List **params);

#endif
