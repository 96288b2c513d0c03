/* common/json.h — single values out of JSON that came from outside and may hold secrets.
 *
 * The server's own parser shows what it does not understand in its errors; this one says no. */
#ifndef CH_COMMON_JSON_H
#define CH_COMMON_JSON_H

#include "lib/stringinfo.h"

/* The string, number or boolean at a path of member names and, in arrays, indexes ("0", "1", …), ended by NULL, as
 * UTF-8 text in palloc'd memory of its own: the caller wipes it.  NULL when there is none, when it is null, an object or
 * an array, holds a zero character, or when the JSON on the way to it is malformed. */
extern char *ch_json_pick(const char *json, size_t length, const char *const *path);

/* A string as JSON, quoted, at the end of a buffer, whose memory may move. */
extern void ch_json_append(StringInfo buffer, const char *text);

#endif
