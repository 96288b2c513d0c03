/* sum.c — a sum of 64-bit integers that does not overflow.
 *
 * The library's own fails when 64 bits are not enough; PostgreSQL's is a numeric. */
#include "sqlite.h"

#include <string.h>

/* The library aligns its memory for 64 bits only. */
typedef struct Sum
{
	uint64_t	low;
	int64_t		high;
	int64_t		count;
} Sum;

static __int128
total_of(const Sum *sum)
{
	return (__int128) sum->high * ((__int128) 1 << 64) + sum->low;
}

static void
add(Sum *sum, __int128 change, int rows)
{
	__int128	total = total_of(sum) + change;

	sum->low = (uint64_t) total;
	sum->high = (int64_t) (total >> 64);
	sum->count += rows;
}

static void
add_integer(sqlite3_context *context, int nargs, sqlite3_value **args)
{
	Sum		   *sum = sqlite3_aggregate_context(context, sizeof(Sum));

	if (sum == NULL)
		sqlite3_result_error_nomem(context);
	else if (sqlite3_value_type(args[0]) != SQLITE_NULL)
		add(sum, sqlite3_value_int64(args[0]), 1);
}

/* A row leaves the frame of a window. */
static void
take_integer(sqlite3_context *context, int nargs, sqlite3_value **args)
{
	Sum		   *sum = sqlite3_aggregate_context(context, sizeof(Sum));

	if (sum && sqlite3_value_type(args[0]) != SQLITE_NULL)
		add(sum, -(__int128) sqlite3_value_int64(args[0]), -1);
}

static void
give_sum(sqlite3_context *context)
{
	const Sum  *sum = sqlite3_aggregate_context(context, 0);
	char		digits[48];
	char	   *first = digits + sizeof(digits);
	__int128	total = sum ? total_of(sum) : 0;
	unsigned __int128 rest = total < 0 ? -(unsigned __int128) total : (unsigned __int128) total;

	if (sum == NULL || sum->count == 0)
		return;
	if (total == (int64_t) total)
	{
		sqlite3_result_int64(context, (int64_t) total);
		return;
	}
	for (; rest > 0; rest /= 10)
		*--first = (char) ('0' + rest % 10);
	if (total < 0)
		*--first = '-';
	sqlite3_result_text(context, first, (int) (digits + sizeof(digits) - first), SQLITE_TRANSIENT);
}

bool
sq_add_sum(sqlite3 *db)
{
	return sqlite3_create_window_function(db, "connhub_sum", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
										  add_integer, give_sum, give_sum, take_integer, NULL) == SQLITE_OK;
}
