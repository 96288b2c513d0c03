/* tables.c — the generated tables: option "tables" and the values of their rows.
 *
 * A value is a function of column and row number alone, so that a scan can be repeated, sorted or
 * cut anywhere without storing rows. */
#include "mock.h"

#include <stdlib.h>
#include <string.h>

typedef struct Reader
{
	const char *start;
	const char *at;
	MkArena    *arena;
	ConnhubError *error;
} Reader;

/* Report what was expected, unless memory ran out just before. */
static ConnhubStatus
wrong(Reader *reader, const char *expected)
{
	if (reader->error->status == CONNHUB_NO_MEMORY)
		return CONNHUB_NO_MEMORY;
	fail_as(reader->error, CONNHUB_CONFIG, "invalid table description at character %d: expected %s",
			(int) (reader->at - reader->start) + 1, expected);
	fail_hint(reader->error, "Tables are described like \"people(10): id int64 key, name text nulls 4\".");
	return CONNHUB_CONFIG;
}

static void
skip_blanks(Reader *reader)
{
	reader->at += strspn(reader->at, " \t\r\n");
}

static bool
accept_char(Reader *reader, char c)
{
	skip_blanks(reader);
	if (*reader->at != c)
		return false;
	reader->at++;
	return true;
}

/* The next word of letters, digits and _; its length, 0 when there is none. */
static size_t
peek_word(Reader *reader)
{
	skip_blanks(reader);
	return strspn(reader->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
}

static bool
accept_word(Reader *reader, const char *word)
{
	size_t		length = peek_word(reader);

	if (length != strlen(word) || memcmp(reader->at, word, length) != 0)
		return false;
	reader->at += length;
	return true;
}

static const char *
read_name(Reader *reader)
{
	size_t		length = peek_word(reader);
	char	   *name = length ? mk_arena_copy(reader->arena, reader->at, length) : NULL;

	if (length > 0 && name == NULL)
		fail_no_memory(reader->error);
	reader->at += length;
	return name;
}

static bool
read_number(Reader *reader, uint64_t *number)
{
	size_t		length = peek_word(reader);
	char	   *end;

	*number = strtoull(reader->at, &end, 10);
	if (length == 0 || end != reader->at + length || *number > INT64_MAX)
		return false;
	reader->at = end;
	return true;
}

static ConnhubStatus
read_column(Reader *reader, MkColumn *column)
{
	static const struct
	{
		const char *word;
		size_t		offset;
	}			counted[] = {
		{"modulo", offsetof(MkColumn, modulus)},
		{"nulls", offsetof(MkColumn, nulls_every)},
		{"bad", offsetof(MkColumn, bad_row)},
	};
	size_t		length;

	column->name = read_name(reader);
	if (column->name == NULL)
		return wrong(reader, "a column name");
	length = peek_word(reader);
	column->type = mk_type_by_name(reader->at, length);
	if (column->type == NULL)
		return wrong(reader, "a type");
	reader->at += length;
	for (;;)
	{
		size_t		i;

		if (accept_word(reader, "key"))
			column->is_key = true;
		else if (accept_word(reader, "edges"))
			column->has_edges = true;
		else if (accept_word(reader, "default"))
			column->has_default = true;
		else if (accept_word(reader, "computed"))
			column->is_computed = true;
		else
		{
			for (i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
				if (accept_word(reader, counted[i].word))
					break;
			if (i == sizeof(counted) / sizeof(counted[0]))
				break;
			if (!read_number(reader, (uint64_t *) ((char *) column + counted[i].offset)))
				return wrong(reader, "a number");
		}
	}
	return CONNHUB_OK;
}

static ConnhubStatus
read_table(Reader *reader, MkTable *table)
{
	const char *end;
	uint32_t	ncolumns = 1;

	table->schema = MK_DATA_SCHEMA;
	table->name = read_name(reader);
	if (table->name == NULL)
		return wrong(reader, "a table name");
	if (!accept_char(reader, '(') || !read_number(reader, &table->nrows) || !accept_char(reader, ')'))
		return wrong(reader, "the number of rows in parentheses");
	if (!accept_char(reader, ':'))
		return wrong(reader, "\":\"");
	for (end = reader->at; *end && *end != ';'; end++)
		ncolumns += (*end == ',');
	table->columns = mk_arena_alloc(reader->arena, ncolumns * sizeof(MkColumn));
	if (table->columns == NULL)
		return fail_no_memory(reader->error);
	do
	{
		ConnhubStatus status = read_column(reader, &table->columns[table->ncolumns++]);

		if (status != CONNHUB_OK)
			return status;
	} while (accept_char(reader, ','));
	return CONNHUB_OK;
}

/* mock.calls: one row per place, with the calls made in this process. */
static ConnhubStatus
add_calls(MkArena *arena, MkTable *table, ConnhubError *error)
{
	table->schema = MK_SELF_SCHEMA;
	table->name = "calls";
	table->nrows = MK_NPLACES;
	table->is_calls = true;
	table->ncolumns = 2;
	table->columns = mk_arena_alloc(arena, 2 * sizeof(MkColumn));
	if (table->columns == NULL)
		return fail_no_memory(error);
	table->columns[0].name = "slot";
	table->columns[0].type = mk_type_by_id(CONNHUB_TEXT);
	table->columns[0].is_key = true;
	table->columns[1].name = "count";
	table->columns[1].type = mk_type_by_id(CONNHUB_INT64);
	return CONNHUB_OK;
}

ConnhubStatus
mk_tables_parse(MkArena *arena, const char *text, MkTables *tables, ConnhubError *error)
{
	Reader		reader = {text, text, arena, error};
	const char *p;
	uint32_t	n = 2;

	for (p = text; *p; p++)
		n += (*p == ';');
	tables->ntables = 0;
	tables->tables = mk_arena_alloc(arena, n * sizeof(MkTable));
	if (tables->tables == NULL)
		return fail_no_memory(error);
	for (skip_blanks(&reader); *reader.at; skip_blanks(&reader))
	{
		MkTable    *table = &tables->tables[tables->ntables];
		ConnhubStatus status = read_table(&reader, table);

		if (status != CONNHUB_OK)
			return status;
		if (mk_table_find(tables, MK_DATA_SCHEMA, table->name))
		{
			fail_hint(error, "Give each table a name of its own.");
			return fail_as(error, CONNHUB_CONFIG, "table \"%s\" is described twice", table->name);
		}
		tables->ntables++;
		skip_blanks(&reader);
		if (*reader.at && !accept_char(&reader, ';'))
			return wrong(&reader, "\",\", \";\" or the end");
	}
	return add_calls(arena, &tables->tables[tables->ntables++], error);
}

const MkTable *
mk_table_find(const MkTables *tables, const char *schema, const char *name)
{
	uint32_t	i;

	for (i = 0; i < tables->ntables; i++)
		if (strcmp(tables->tables[i].schema, schema) == 0 && strcmp(tables->tables[i].name, name) == 0)
			return &tables->tables[i];
	return NULL;
}

const MkColumn *
mk_column_find(const MkTable *table, const char *name)
{
	uint32_t	i;

	for (i = 0; i < table->ncolumns; i++)
		if (strcmp(table->columns[i].name, name) == 0)
			return &table->columns[i];
	return NULL;
}

static void
calls_value(const MkColumn *column, uint64_t row, ConnhubValue *value)
{
	if (column->type->type == CONNHUB_INT64)
		value->v.integer = (int64_t) mk_calls[row - 1];
	else
	{
		value->v.slice.data = mk_place_names[row - 1];
		value->v.slice.length = strlen(mk_place_names[row - 1]);
	}
}

bool
mk_table_value(const MkTable *table, const MkState *state, const MkColumn *column, uint64_t row, char *scratch,
			   ConnhubValue *value)
{
	const MkType *type = column->type;
	uint64_t	n = column->modulus ? (row - 1) % column->modulus + 1 : row;

	if (state)
	{
		*value = state->cells[(row - 1) * table->ncolumns + (uint64_t) (column - table->columns)];
		return true;
	}
	memset(value, 0, sizeof(*value));
	value->type.type = type->type;
	value->type.precision = -1;
	value->type.pg_type = type->pg_type;
	if (row == column->bad_row)
		return false;
	if (column->nulls_every && row % column->nulls_every == 0)
		value->is_null = true;
	else if (table->is_calls)
		calls_value(column, row, value);
	else if (column->has_edges)
	{
		const MkEdge *edge = &type->edges[(n - 1) % type->nedges];

		switch (type->storage)
		{
			case MK_INTEGER:
				value->v.integer = edge->integer;
				break;
			case MK_REAL:
				value->v.real = edge->real;
				break;
			case MK_SLICE:
				value->v.slice = edge->slice;
				break;
			case MK_INTERVAL:
				value->v.interval = edge->interval;
				break;
		}
	}
	else
		mk_type_generate(type, n, scratch, value);
	return true;
}
