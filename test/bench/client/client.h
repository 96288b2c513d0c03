/* test/bench/client/client.h — one client for three kinds of server, so that every time is taken by the same clock.
 *
 * A source fills an Answer; on failure it returns false with a message in `text`. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Answer
{
	bool		wanted;			/* keep the rows as text? */
	uint64_t	rows;
	uint64_t	touched;		/* made of every value read, so that no read can be left out */
	char	   *text;			/* rows, or the message of a failure */
	size_t		length;
	size_t		capacity;
} Answer;

typedef struct Source
{
	const char *name;
	bool		(*open) (int count, char **target, Answer *answer);

	/* Run a query as the plain command line client does: text values, the whole result read. */
	bool		(*run) (const char *sql, Answer *answer);

	/* Read a result in the form this library is fastest in, and touch each value. */
	bool		(*raw) (const char *form, const char *sql, Answer *answer);

	/* A statement with one integer parameter, kept until the next is prepared. */
	bool		(*prepare) (const char *sql, Answer *answer);
	bool		(*execute) (long key, Answer *answer);
} Source;

extern const Source postgresql_source;
extern const Source mariadb_source;
extern const Source sqlite_source;

extern bool fail(Answer *answer, const char *message);
extern void put_bytes(Answer *answer, const char *bytes, size_t length);

/* One value, NULL when value is NULL, and the end of a row.  Both touch; text is kept only when wanted. */
extern void put_value(Answer *answer, int column, const char *value, size_t length);
extern void end_row(Answer *answer);

/* Add a value's bytes to what was touched. */
extern void touch(Answer *answer, const char *value, size_t length);

#endif
