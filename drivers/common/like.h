/* like.h — SQL LIKE patterns, for drivers that match names themselves. */
#ifndef CONNHUB_COMMON_LIKE_H
#define CONNHUB_COMMON_LIKE_H

#include <stdbool.h>

/* Does the UTF-8 name match the pattern?  % is any run, _ one character, backslash takes the next
 * character literally; case matters.  A NULL pattern matches all. */
extern bool common_like_match(const char *name, const char *pattern);

#endif
