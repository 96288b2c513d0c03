/* bind.h — values → BSON, and parameters put into a native query. */
#ifndef MG_BIND_H
#define MG_BIND_H

#include "types.h"

/* A native query is a command as Extended JSON.  A parameter stands in it as {"$1": "<how>"}, how being the kind of the field it
 * is compared with, or one of these. */
#define MG_BIND_COUNT	"count" /* of $limit and $skip; null: the stage is left out */
#define MG_BIND_UP		"date up"	/* to the next millisecond: for < and >= */
#define MG_BIND_DOWN	"date down" /* to the one before: for <= and > */
#define MG_BIND_LIKE	"like"	/* a pattern, as a regular expression */

/* Read Extended JSON for mg_bind.  False: *error says why not. */
extern bool mg_parse(const char *text, bson_t *parsed, bson_error_t *error);

/* Copy a document of mg_parse with the parameters in their places.  A condition on a field that holds a null is one that nothing
 * fulfils. */
extern ConnhubStatus mg_bind(const bson_t *from, const ConnhubQuery *query, bson_t *to, ConnhubError *error);

/* A LIKE pattern as a regular expression that matches the same whole strings; to be used with option s.  False: the pattern
 * ends in its escape, or out of memory. */
extern bool mg_like(const ConnhubHost *host, const char *pattern, size_t length, ConnhubText *out);

/* Has the decimal text no more digits than a Decimal128? */
extern bool mg_decimal_fits(const char *text, size_t length);

/* 24 digits as the source writes an ObjectId? */
extern bool mg_is_objectid(const char *text, size_t length);

#endif							/* MG_BIND_H */
