/* test/bench/client/client.c — reads commands, runs them against one server, answers with the time each took.
 *
 *   client SOURCE TARGET...
 *
 * A command is a line "VERB ARGUMENT LENGTH" and LENGTH bytes of SQL:
 *   rows -              run, and answer with the rows: values between tabs, escaped as COPY does
 *   time -              run, and answer with the time
 *   raw FORM            read in that form of the client library
 *   prepare -           prepare a statement with one integer parameter
 *   points COUNT:MAX    execute it COUNT times with keys from 1 to MAX; the time is the median of one execution
 * The answer is a line "ok SECONDS ROWS LENGTH" or "error 0 0 LENGTH" and LENGTH bytes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"

static const Source *const sources[] = {&postgresql_source, &mariadb_source, &sqlite_source};

bool
fail(Answer *answer, const char *message)
{
	answer->length = 0;
	put_bytes(answer, message, strlen(message));
	return false;
}

void
put_bytes(Answer *answer, const char *bytes, size_t length)
{
	if (answer->length + length > answer->capacity)
	{
		answer->capacity = 2 * (answer->length + length);
		answer->text = realloc(answer->text, answer->capacity);
		if (!answer->text)
			abort();
	}
	memcpy(answer->text + answer->length, bytes, length);
	answer->length += length;
}

void
touch(Answer *answer, const char *value, size_t length)
{
	answer->touched += length;
	if (length > 0)
		answer->touched += (unsigned char) value[0] + (unsigned char) value[length - 1];
}

static void
put_escaped(Answer *answer, const char *value, size_t length)
{
	static const char *const special = "\\\t\n\r";
	static const char *const letters = "\\tnr";

	for (size_t i = 0; i < length; i++)
	{
		const char *found = value[i] ? strchr(special, value[i]) : NULL;

		if (found)
		{
			put_bytes(answer, "\\", 1);
			put_bytes(answer, letters + (found - special), 1);
		}
		else
			put_bytes(answer, value + i, 1);
	}
}

void
put_value(Answer *answer, int column, const char *value, size_t length)
{
	if (value)
		touch(answer, value, length);
	if (!answer->wanted)
		return;
	if (column > 0)
		put_bytes(answer, "\t", 1);
	if (value)
		put_escaped(answer, value, length);
	else
		put_bytes(answer, "\\N", 2);
}

void
end_row(Answer *answer)
{
	answer->rows++;
	if (answer->wanted)
		put_bytes(answer, "\n", 1);
}

static double
now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double) at.tv_sec + (double) at.tv_nsec / 1e9;
}

static int
compare_times(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

/* Keys come from a fixed sequence: each run and each client looks the same ones up. */
static bool
points(const Source *source, const char *argument, Answer *answer, double *median)
{
	uint64_t	state = 88172645463325252u;
	long		count = 0;
	long		max = 0;
	double	   *times;
	bool		ok = true;

	if (sscanf(argument, "%ld:%ld", &count, &max) != 2 || count < 1 || max < 1)
		return fail(answer, "points takes COUNT:MAX");
	times = calloc((size_t) count, sizeof(double));
	if (!times)
		abort();
	for (long i = 0; ok && i < count; i++)
	{
		double		begun;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		begun = now();
		ok = source->execute((long) (state % (uint64_t) max) + 1, answer);
		times[i] = now() - begun;
	}
	qsort(times, (size_t) count, sizeof(double), compare_times);
	*median = times[count / 2];
	free(times);
	return ok;
}

static bool
command(const Source *source, const char *verb, const char *argument, const char *sql, Answer *answer, double *seconds)
{
	double		begun = now();
	double		median = -1;
	bool		ok;

	answer->wanted = strcmp(verb, "rows") == 0;
	if (answer->wanted || strcmp(verb, "time") == 0)
		ok = source->run(sql, answer);
	else if (strcmp(verb, "raw") == 0)
		ok = source->raw(argument, sql, answer);
	else if (strcmp(verb, "prepare") == 0)
		ok = source->prepare(sql, answer);
	else if (strcmp(verb, "points") == 0)
		ok = points(source, argument, answer, &median);
	else
		ok = fail(answer, "unknown command");
	*seconds = median >= 0 ? median : now() - begun;
	return ok;
}

static char *
read_sql(size_t length)
{
	char	   *sql = malloc(length + 1);

	if (!sql || fread(sql, 1, length, stdin) != length)
		exit(1);
	sql[length] = '\0';
	return sql;
}

int
main(int count, char **words)
{
	Answer		answer = {0};
	const Source *source = NULL;
	char		line[256];

	for (size_t i = 0; count > 1 && i < sizeof(sources) / sizeof(sources[0]); i++)
		if (strcmp(sources[i]->name, words[1]) == 0)
			source = sources[i];
	if (!source || !source->open(count - 2, words + 2, &answer))
	{
		fprintf(stderr, "client: %.*s\n", (int) answer.length, source ? answer.text : "");
		return 1;
	}
	while (fgets(line, sizeof(line), stdin))
	{
		char		verb[32];
		char		argument[64];
		size_t		length;
		char	   *sql;
		double		seconds;
		bool		ok;

		if (sscanf(line, "%31s %63s %zu", verb, argument, &length) != 3)
			return 1;
		sql = read_sql(length);
		answer.rows = answer.touched = answer.length = 0;
		ok = command(source, verb, argument, sql, &answer, &seconds);
		free(sql);
		printf("%s %.9f %" PRIu64 " %zu\n", ok ? "ok" : "error", ok ? seconds : 0, answer.rows, answer.length);
		fwrite(answer.text, 1, answer.length, stdout);
		fflush(stdout);
	}
	return 0;
}
