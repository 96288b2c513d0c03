/* check.c — functions that give a stored value back when value.c could read it, and fail when not.
 *
 * Any value may stand in most columns.  What the library computes with one of another type is not what PostgreSQL
 * would, which fails when it reads the value; so the statements of dialect.c name these functions around such columns. */
#include "sqlite.h"

#include <stdio.h>

/* Is the value, of this storage class, one that the reader of the type takes? */
typedef bool (*Check) (sqlite3_value *value, int storage);

static bool
is_integer(sqlite3_value *value, int storage)
{
	return storage == SQLITE_INTEGER;
}

static bool
is_boolean(sqlite3_value *value, int storage)
{
	return storage == SQLITE_INTEGER && (sqlite3_value_int64(value) == 0 || sqlite3_value_int64(value) == 1);
}

static bool
is_real(sqlite3_value *value, int storage)
{
	double		real = sqlite3_value_double(value);

	return storage == SQLITE_FLOAT || (storage == SQLITE_INTEGER && real < 9223372036854775808.0 &&
									   (int64_t) real == sqlite3_value_int64(value));
}

/* Not text, which the reader takes: the library makes numbers of such text when it is stored, so it stands only where
 * it would be compared as text. */
static bool
is_number(sqlite3_value *value, int storage)
{
	return storage == SQLITE_INTEGER || storage == SQLITE_FLOAT;
}

/* Likewise without numbers. */
static bool
is_text(sqlite3_value *value, int storage)
{
	const unsigned char *text = storage == SQLITE_TEXT ? sqlite3_value_text(value) : NULL;

	return text && sq_is_clean_text(text, (size_t) sqlite3_value_bytes(value));
}

static bool
is_blob(sqlite3_value *value, int storage)
{
	return storage == SQLITE_BLOB;
}

typedef struct TypeCheck
{
	Check		check;
	const char *function;
	const char *form;
	const char *name;
} TypeCheck;

#define CHECK(check, name) {check, "connhub_" name, "connhub_" name "(%1)", name}

static const TypeCheck checks[CONNHUB_NTYPES] = {
	[CONNHUB_BOOL] = CHECK(is_boolean, "boolean"),
	[CONNHUB_INT32] = CHECK(is_integer, "integer"),
	[CONNHUB_INT64] = CHECK(is_integer, "integer"),
	[CONNHUB_FLOAT64] = CHECK(is_real, "real"),
	[CONNHUB_DECIMAL] = CHECK(is_number, "decimal"),
	[CONNHUB_TEXT] = CHECK(is_text, "text"),
	[CONNHUB_BYTES] = CHECK(is_blob, "blob"),
};

const char *
sq_check_form(ConnhubType type)
{
	return (unsigned) type < CONNHUB_NTYPES ? checks[type].form : NULL;
}

static void
run_check(sqlite3_context *context, int nargs, sqlite3_value **args)
{
	static const char *const storages[] = {"value", "integer", "real number", "text", "blob", "null"};
	const TypeCheck *type = sqlite3_user_data(context);
	int			storage = sqlite3_value_type(args[0]);
	char		message[120];

	if (storage == SQLITE_NULL || type->check(args[0], storage))
	{
		sqlite3_result_value(context, args[0]);
		return;
	}
	snprintf(message, sizeof(message), "a column of the query holds a value that is not of type %s: it is stored as %s",
			 type->name, storages[storage]);
	sqlite3_result_error(context, message, -1);
	sqlite3_result_error_code(context, SQ_ERROR_UNFIT);
}

bool
sq_add_checks(sqlite3 *db)
{
	int			flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;

	for (int i = 0; i < CONNHUB_NTYPES; i++)
		if (checks[i].check && sqlite3_create_function_v2(db, checks[i].function, 1, flags, (void *) &checks[i], run_check,
														   NULL, NULL, NULL) != SQLITE_OK)
			return false;
	return true;
}
