/* test/fuzz/server.c — as much of the server as the fuzzed and unit-tested files call: memory that goes after each
 * input, string buffers, and an ereport that jumps back to the target.  What they never call stays unresolved. */
#include "postgres.h"

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "server.h"

MemoryContext CurrentMemoryContext = NULL;
MemoryContext TopMemoryContext = NULL;
MemoryContext MessageContext = NULL;
const char *debug_query_string = NULL;
bool		standard_conforming_strings = true;
void		(*emit_log_hook) (ErrorData *edata) = NULL;
struct PGPROC *MyProc = NULL;
volatile sig_atomic_t InterruptPending = false;
sigjmp_buf *PG_exception_stack = NULL;
ErrorContextCallback *error_context_stack = NULL;
sigjmp_buf	fuzz_error;

/* Chunks in one chain; the size stands before each. */
typedef struct Chunk
{
	struct Chunk *next;
	struct Chunk **link;
	Size		size;
	max_align_t data[];
} Chunk;

static Chunk *chunks = NULL;

void *
palloc(Size size)
{
	Chunk	   *chunk = malloc(offsetof(Chunk, data) + size);

	if (chunk == NULL)
		abort();
	chunk->size = size;
	chunk->next = chunks;
	chunk->link = &chunks;
	if (chunks != NULL)
		chunks->link = &chunk->next;
	chunks = chunk;
	return chunk->data;
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

void
pfree(void *pointer)
{
	Chunk	   *chunk = (Chunk *) ((char *) pointer - offsetof(Chunk, data));

	*chunk->link = chunk->next;
	if (chunk->next != NULL)
		chunk->next->link = chunk->link;
	free(chunk);
}

void *
repalloc(void *pointer, Size size)
{
	Chunk	   *old = (Chunk *) ((char *) pointer - offsetof(Chunk, data));
	void	   *new = palloc(size);

	memcpy(new, pointer, Min(old->size, size));
	pfree(pointer);
	return new;
}

void
fuzz_release(void)
{
	while (chunks != NULL)
		pfree(chunks->data);
}

void *
MemoryContextAlloc(MemoryContext context, Size size)
{
	return palloc(size);
}

void *
MemoryContextAllocZero(MemoryContext context, Size size)
{
	return palloc0(size);
}

char *
pnstrdup(const char *text, Size length)
{
	char	   *copy;

	length = strnlen(text, length);
	copy = palloc(length + 1);
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *
pstrdup(const char *text)
{
	return pnstrdup(text, strlen(text));
}

char *
MemoryContextStrdup(MemoryContext context, const char *text)
{
	return pstrdup(text);
}

void
initStringInfo(StringInfo text)
{
	text->maxlen = 64;
	text->data = palloc(text->maxlen);
	resetStringInfo(text);
}

void
resetStringInfo(StringInfo text)
{
	text->data[0] = '\0';
	text->len = 0;
	text->cursor = 0;
}

void
enlargeStringInfo(StringInfo text, int needed)
{
	if (text->len + needed + 1 <= text->maxlen)
		return;
	while (text->len + needed + 1 > text->maxlen)
		text->maxlen *= 2;
	text->data = repalloc(text->data, text->maxlen);
}

void
appendBinaryStringInfo(StringInfo text, const char *data, int length)
{
	enlargeStringInfo(text, length);
	memcpy(text->data + text->len, data, length);
	text->len += length;
	text->data[text->len] = '\0';
}

void
appendStringInfoString(StringInfo text, const char *data)
{
	appendBinaryStringInfo(text, data, strlen(data));
}

void
appendStringInfoChar(StringInfo text, char c)
{
	appendBinaryStringInfo(text, &c, 1);
}

/* port.h sends vsnprintf to the server's own. */
#undef vsnprintf

void
appendStringInfo(StringInfo text, const char *format,...)
{
	va_list		arguments;
	int			length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	enlargeStringInfo(text, length);
	va_start(arguments, format);
	vsnprintf(text->data + text->len, length + 1, format, arguments);
	va_end(arguments);
	text->len += length;
}

unsigned char
pg_ascii_tolower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
}

unsigned char
pg_ascii_toupper(unsigned char c)
{
	return c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c;
}

int
pg_strncasecmp(const char *a, const char *b, size_t length)
{
	return strncasecmp(a, b, length);
}

int
pg_strcasecmp(const char *a, const char *b)
{
	return strcasecmp(a, b);
}

/* An error ends the input, as it would end the statement. */
bool
errstart(int elevel, const char *domain)
{
	return elevel >= ERROR;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	siglongjmp(fuzz_error, 1);
}

int
errcode(int sqlerrcode)
{
	return 0;
}

int
errmsg(const char *fmt,...)
{
	return 0;
}

int
errmsg_internal(const char *fmt,...)
{
	return 0;
}

int
errdetail(const char *fmt,...)
{
	return 0;
}

int
errhint(const char *fmt,...)
{
	return 0;
}

void
ExceptionalCondition(const char *condition, const char *type, const char *file, int line)
{
	abort();
}

#undef strlcpy

size_t
strlcpy(char *to, const char *from, size_t size)
{
	size_t		length = strlen(from);

	if (size > 0)
	{
		memcpy(to, from, Min(length, size - 1));
		to[Min(length, size - 1)] = '\0';
	}
	return length;
}

int
pg_vsnprintf(char *text, size_t size, const char *format, va_list args)
{
	return vsnprintf(text, size, format, args);
}

int
pg_snprintf(char *text, size_t size, const char *format,...)
{
	va_list		args;
	int			length;

	va_start(args, format);
	length = vsnprintf(text, size, format, args);
	va_end(args);
	return length;
}
