/* types.c — the source's column types, and what they become.
 *
 * A type is mapped to the PostgreSQL type that holds all its values and nothing is lost; where there
 * are two, to the one people expect.  Boundaries worth knowing:
 *   - unsigned integers go to the next wider type, bigint unsigned to numeric(20,0);
 *   - timestamp is an instant and becomes timestamptz; datetime has no zone and becomes timestamp;
 *   - time reaches from -838:59:59 to 838:59:59 and becomes interval;
 *   - bit(1) becomes boolean, wider ones bit varying with all their digits;
 *   - char comes without its trailing spaces, as the source returns it, and so becomes varchar;
 *   - dates with zero month or day have no counterpart: see option zero_dates. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "types.h"

#define UNSIGNED	0x1			/* this row is for unsigned columns only */
#define CHARACTERS	0x2			/* length from character_maximum_length */
#define DIGITS		0x4			/* precision and scale of a number */
#define FRACTION	0x8			/* precision is that of seconds */
#define ONE_WIDE	0x10		/* this row is for width 1 only: bit(1) */

typedef struct MyTypeRow
{
	const char *data_type;
	unsigned int flags;
	ConnhubType type;
	const char *pg_type;
} MyTypeRow;

static const MyTypeRow rows[] = {
	{"tinyint", 0, CONNHUB_INT16, "smallint"},
	{"smallint", UNSIGNED, CONNHUB_INT32, "integer"},
	{"smallint", 0, CONNHUB_INT16, "smallint"},
	{"mediumint", 0, CONNHUB_INT32, "integer"},
	{"int", UNSIGNED, CONNHUB_INT64, "bigint"},
	{"int", 0, CONNHUB_INT32, "integer"},
	{"bigint", UNSIGNED, CONNHUB_DECIMAL, "numeric"},
	{"bigint", 0, CONNHUB_INT64, "bigint"},
	{"year", 0, CONNHUB_INT16, "smallint"},
	{"float", 0, CONNHUB_FLOAT32, "real"},
	{"double", 0, CONNHUB_FLOAT64, "double precision"},
	{"decimal", DIGITS, CONNHUB_DECIMAL, "numeric"},
	{"date", 0, CONNHUB_DATE, "date"},
	{"datetime", FRACTION, CONNHUB_TIMESTAMP, "timestamp without time zone"},
	{"timestamp", FRACTION, CONNHUB_TIMESTAMPTZ, "timestamp with time zone"},
	{"time", FRACTION, CONNHUB_INTERVAL, "interval"},
	{"char", CHARACTERS, CONNHUB_TEXT, "character varying"},
	{"varchar", CHARACTERS, CONNHUB_TEXT, "character varying"},
	{"tinytext", 0, CONNHUB_TEXT, "text"},
	{"text", 0, CONNHUB_TEXT, "text"},
	{"mediumtext", 0, CONNHUB_TEXT, "text"},
	{"longtext", 0, CONNHUB_TEXT, "text"},
	{"enum", 0, CONNHUB_TEXT, "text"},
	{"set", 0, CONNHUB_TEXT, "text"},
	{"json", 0, CONNHUB_JSON, "json"},
	{"uuid", 0, CONNHUB_UUID, "uuid"},
	{"inet4", 0, CONNHUB_NATIVE, "inet"},
	{"inet6", 0, CONNHUB_NATIVE, "inet"},
	{"binary", 0, CONNHUB_BYTES, "bytea"},
	{"varbinary", 0, CONNHUB_BYTES, "bytea"},
	{"tinyblob", 0, CONNHUB_BYTES, "bytea"},
	{"blob", 0, CONNHUB_BYTES, "bytea"},
	{"mediumblob", 0, CONNHUB_BYTES, "bytea"},
	{"longblob", 0, CONNHUB_BYTES, "bytea"},
	{"vector", 0, CONNHUB_BYTES, "bytea"},
	{"bit", ONE_WIDE, CONNHUB_BOOL, "boolean"},
	{"bit", 0, CONNHUB_NATIVE, "bit varying"},
	{"geometry", 0, CONNHUB_BYTES, "bytea"},
	{"point", 0, CONNHUB_BYTES, "bytea"},
	{"linestring", 0, CONNHUB_BYTES, "bytea"},
	{"polygon", 0, CONNHUB_BYTES, "bytea"},
	{"multipoint", 0, CONNHUB_BYTES, "bytea"},
	{"multilinestring", 0, CONNHUB_BYTES, "bytea"},
	{"multipolygon", 0, CONNHUB_BYTES, "bytea"},
	{"geometrycollection", 0, CONNHUB_BYTES, "bytea"},
	{"geomcollection", 0, CONNHUB_BYTES, "bytea"}
};

/* What is not in the table is read as text. */
static const MyTypeRow unknown = {"", 0, CONNHUB_TEXT, "text"};

bool
my_type_is(const char *remote_type, const char *word)
{
	size_t		length = strlen(word);

	return remote_type != NULL && strncasecmp(remote_type, word, length) == 0 &&
		strchr(" (", remote_type[length]) != NULL;
}

static int32_t
number(const char *digits)
{
	return digits != NULL ? (int32_t) strtol(digits, NULL, 10) : 0;
}

static const MyTypeRow *
find_row(const MyColumnFacts *facts)
{
	bool		is_unsigned = strstr(facts->column_type, "unsigned") != NULL;
	bool		is_one_wide = strncmp(facts->column_type, "bit(1)", 6) == 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		if (strcmp(rows[i].data_type, facts->data_type) == 0 &&
			((rows[i].flags & UNSIGNED) == 0 || is_unsigned) &&
			((rows[i].flags & ONE_WIDE) == 0 || is_one_wide))
			return &rows[i];
	}
	return &unknown;
}

void
my_type_of(const MyColumnFacts *facts, ConnhubTypeRef *type)
{
	static const MyTypeRow json = {"json", 0, CONNHUB_JSON, "json"};
	static const MyTypeRow boolean = {"tinyint", 0, CONNHUB_BOOL, "boolean"};
	const MyTypeRow *row = find_row(facts);

	if (facts->is_json)
		row = &json;
	else if (facts->tinyint1_is_boolean && strcmp(facts->column_type, "tinyint(1)") == 0)
		row = &boolean;
	memset(type, 0, sizeof(*type));
	type->type = row->type;
	type->pg_type = row->pg_type;
	type->precision = -1;
	if (row->flags & CHARACTERS)
		type->length = number(facts->characters);
	if (row->flags & DIGITS)
	{
		type->precision = number(facts->precision);
		type->scale = number(facts->scale);
	}
	else if (row->flags & FRACTION)
		type->precision = number(facts->fraction);
	else if (row->type == CONNHUB_DECIMAL)
		type->precision = 20;
}
