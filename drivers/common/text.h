/* text.h — building a ConnhubText piece by piece, and copies of strings.
 *
 * A failed allocation is remembered and makes every later append a no-op, so a writer checks once, at
 * the end. */
#ifndef CONNHUB_COMMON_TEXT_H
#define CONNHUB_COMMON_TEXT_H

#include "connhub/driver.h"

typedef struct TextWriter
{
	const ConnhubHost *host;
	ConnhubText *text;
	bool		failed;			/* out of memory: text is incomplete */
} TextWriter;

extern void text_begin(TextWriter *writer, const ConnhubHost *host, ConnhubText *text);
extern void text_bytes(TextWriter *writer, const char *data, size_t length);
extern void text_string(TextWriter *writer, const char *string);
extern void text_char(TextWriter *writer, char c);
extern void text_format(TextWriter *writer, const char *format,...) CONNHUB_PRINTF(2, 3);

/* OK, or NO_MEMORY when an append failed.  The text stays the caller's to free either way. */
extern ConnhubStatus text_end(TextWriter *writer);

/* Free the text and leave it empty. */
extern void text_free(const ConnhubHost *host, ConnhubText *text);

/* Copy a string into host memory; NULL stays NULL.  False: out of memory, and *to is NULL. */
extern bool text_copy(const ConnhubHost *host, const char *from, char **to);

#endif							/* CONNHUB_COMMON_TEXT_H */
