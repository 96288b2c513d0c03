/* types.c — declared type → affinity and ABI type.
 *
 * A declared type is free text.  The library looks for a few words in it to find the column's affinity;
 * what people mean by DATE or BOOLEAN it does not know.  The table below does.  Lengths are not
 * enforced by the library, so they are not taken over; digits of a decimal are, as people rely on them
 * for display. */
#include "sqlite.h"

#include <stdlib.h>
#include <string.h>

/* Types by their whole name without a length, in any case. */
static const struct
{
	const char *name;
	ConnhubType type;
	const char *pg_type;
}			named_types[] = {
	{"BOOL", CONNHUB_BOOL, "boolean"},
	{"BOOLEAN", CONNHUB_BOOL, "boolean"},
	{"DATE", CONNHUB_DATE, "date"},
	{"TIME", CONNHUB_TIME, "time without time zone"},
	{"DATETIME", CONNHUB_TIMESTAMP, "timestamp without time zone"},
	{"TIMESTAMP", CONNHUB_TIMESTAMP, "timestamp without time zone"},
	{"TIMESTAMPTZ", CONNHUB_TIMESTAMPTZ, "timestamp with time zone"},
	{"TIMESTAMP WITH TIME ZONE", CONNHUB_TIMESTAMPTZ, "timestamp with time zone"},
	{"JSON", CONNHUB_JSON, "json"},
	{"JSONB", CONNHUB_JSON, "jsonb"},
	{"UUID", CONNHUB_UUID, "uuid"},
	{"NUMERIC", CONNHUB_DECIMAL, "numeric"},
	{"DECIMAL", CONNHUB_DECIMAL, "numeric"},
	{"DEC", CONNHUB_DECIMAL, "numeric"},
	{"NUMBER", CONNHUB_DECIMAL, "numeric"},
	{"MONEY", CONNHUB_DECIMAL, "numeric"},
};

/* What is left goes by affinity.  A name unknown here with NUMERIC affinity, such as STRING, is mostly
 * text: text holds all that can stand in such a column. */
static const struct
{
	SqAffinity	affinity;
	ConnhubType type;
	const char *pg_type;
}			affinity_types[] = {
	{SQ_INTEGER, CONNHUB_INT64, "bigint"},
	{SQ_REAL, CONNHUB_FLOAT64, "double precision"},
	{SQ_TEXT, CONNHUB_TEXT, "text"},
	{SQ_NUMERIC, CONNHUB_TEXT, "text"},
	{SQ_BLOB, CONNHUB_BYTES, "bytea"},
};

static bool
contains(const char *text, const char *word)
{
	size_t		length = strlen(word);

	for (; *text; text++)
		if (sqlite3_strnicmp(text, word, (int) length) == 0)
			return true;
	return false;
}

/* The library's rules, in its order. */
SqAffinity
sq_affinity(const char *declared)
{
	if (declared == NULL || declared[0] == '\0')
		return SQ_BLOB;
	if (contains(declared, "INT"))
		return SQ_INTEGER;
	if (contains(declared, "CHAR") || contains(declared, "CLOB") || contains(declared, "TEXT"))
		return SQ_TEXT;
	if (contains(declared, "BLOB"))
		return SQ_BLOB;
	if (contains(declared, "REAL") || contains(declared, "FLOA") || contains(declared, "DOUB"))
		return SQ_REAL;
	return SQ_NUMERIC;
}

/* Digits out of "DECIMAL(12,2)", when they make sense to PostgreSQL. */
static void
read_digits(const char *declared, ConnhubTypeRef *type)
{
	const char *open = strchr(declared, '(');
	char	   *end;
	long		precision;
	long		scale = 0;

	if (open == NULL)
		return;
	precision = strtol(open + 1, &end, 10);
	if (*end == ',')
		scale = strtol(end + 1, &end, 10);
	end += strspn(end, " ");
	if (*end != ')' || precision < 1 || precision > 1000 || scale < 0 || scale > precision)
		return;
	type->precision = (int32_t) precision;
	type->scale = (int32_t) scale;
}

void
sq_type_from_declared(const char *declared, ConnhubTypeRef *type)
{
	size_t		length = declared ? strcspn(declared, "(") : 0;
	SqAffinity	affinity = sq_affinity(declared);
	size_t		i;

	memset(type, 0, sizeof(*type));
	type->precision = -1;
	while (length > 0 && declared[length - 1] == ' ')
		length--;
	for (i = 0; i < sizeof(named_types) / sizeof(named_types[0]); i++)
	{
		if (strlen(named_types[i].name) != length ||
			sqlite3_strnicmp(declared, named_types[i].name, (int) length) != 0)
			continue;
		type->type = named_types[i].type;
		type->pg_type = named_types[i].pg_type;
		if (type->type == CONNHUB_DECIMAL)
			read_digits(declared, type);
		return;
	}

	/* Without a declared type anything may stand there, and mostly numbers and text do. */
	if (length == 0 || sqlite3_strnicmp(declared, "ANY", (int) (length > 3 ? length : 3)) == 0)
		affinity = SQ_TEXT;
	for (i = 0; i < sizeof(affinity_types) / sizeof(affinity_types[0]); i++)
	{
		if (affinity_types[i].affinity != affinity)
			continue;
		type->type = affinity_types[i].type;
		type->pg_type = affinity_types[i].pg_type;
	}
}

bool
sq_type_is_enforced(const char *remote_type)
{
	size_t		length = strlen(remote_type);
	size_t		suffix = strlen(SQ_STRICT_SUFFIX);

	return strcmp(remote_type, SQ_ROWID_TYPE) == 0 ||
		(length > suffix && strcmp(remote_type + length - suffix, SQ_STRICT_SUFFIX) == 0 &&
		 sqlite3_strnicmp(remote_type, "ANY", 3) != 0);
}
