/* parse.c — reads native queries.
 *
 *    query  = "get" [ expr { "," expr } ] "from" [ name "." ] name
 *             [ "where" expr { "and" expr } ]
 *             [ "sort" key { "," key } ] [ "limit" expr ] [ "offset" expr ] [ "lock" ( "share" | "update" ) ]
 *             | "change" [ name "." ] name "set" name "=" expr { "," name "=" expr } [ "where" … ] [ "return" … ]
 *             | "remove" [ name "." ] name [ "where" expr { "and" expr } ] [ "return" expr { "," expr } ]
 *    key    = expr ( "asc" | "desc" ) "nulls" ( "first" | "last" )
 *    expr   = name | "$" number | "null" | type literal
 *             | "(" function expr { expr } ")" | "(" "cast" type expr ")" | "(" "maybe" expr ")"
 *    name   = a name in double quotes, doubled inside
 *    literal = an integer, a hexadecimal real, a string in single quotes, doubled inside, or x'hex'
 *
 * The text is the user's as much as the driver's: nothing about it is taken for granted, and nesting
 * is bounded. */
#include "mock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 200

typedef struct Parser
{
	const char *start;
	const char *at;
	MkArena    *arena;
	const MkTable *table;		/* known after "from": outputs are parsed last */
	uint32_t	nparams;
	int			depth;
	ConnhubError *error;
} Parser;

static MkExpr *parse_expr(Parser *parser);

/* Report what was expected; NULL, for the convenience of callers. */
static void *
expected(Parser *parser, const char *what)
{
	if (parser->error->status == CONNHUB_OK)
		fail_as(parser->error, CONNHUB_QUERY, "syntax error at character %d of the query: expected %s",
				(int) (parser->at - parser->start) + 1, what);
	return NULL;
}

static void *
out_of_memory(Parser *parser)
{
	fail_no_memory(parser->error);
	return NULL;
}

static void
skip_blanks(Parser *parser)
{
	parser->at += strspn(parser->at, " \t\r\n");
}

static bool
accept(Parser *parser, char c)
{
	skip_blanks(parser);
	if (*parser->at != c)
		return false;
	parser->at++;
	return true;
}

static size_t
peek_word(Parser *parser)
{
	skip_blanks(parser);
	return strspn(parser->at, "abcdefghijklmnopqrstuvwxyz0123456789_");
}

static bool
accept_word(Parser *parser, const char *word)
{
	size_t		length = peek_word(parser);

	if (length != strlen(word) || memcmp(parser->at, word, length) != 0)
		return false;
	parser->at += length;
	return true;
}

/* Text between quotes, with doubled quotes made single; NUL-terminated. */
static char *
parse_quoted(Parser *parser, char quote, size_t *length)
{
	const char *from;
	const char *end;
	char	   *text;
	size_t		n = 0;

	if (!accept(parser, quote))
		return expected(parser, "a quoted text");
	for (end = from = parser->at; *end != quote || end[1] == quote; end++)
	{
		if (*end == '\0')
			return expected(parser, "a closing quote");
		end += (*end == quote);
	}
	text = mk_arena_alloc(parser->arena, (size_t) (end - from) + 1);
	if (text == NULL)
		return out_of_memory(parser);
	for (; from < end; from++)
	{
		text[n++] = *from;
		from += (*from == quote);
	}
	parser->at = end + 1;
	if (length)
		*length = n;
	return text;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Turn hexadecimal digits into bytes in place. */
static bool
unhex(char *text, size_t *length)
{
	size_t		i;

	for (i = 0; i + 1 < *length; i += 2)
	{
		int			high = hex_digit(text[i]);
		int			low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return false;
		text[i / 2] = (char) (high * 16 + low);
	}
	if (*length % 2)
		return false;
	*length /= 2;
	return true;
}

static bool
parse_literal(Parser *parser, const MkType *type, ConnhubValue *value)
{
	char	   *end = NULL;
	size_t		length = 0;
	bool		is_hex;
	char	   *text;

	skip_blanks(parser);
	errno = 0;
	switch (type->storage)
	{
		case MK_INTEGER:
			value->v.integer = strtoll(parser->at, &end, 10);
			break;
		case MK_REAL:
			value->v.real = strtod(parser->at, &end);
			break;
		case MK_INTERVAL:
			break;
		case MK_SLICE:
			is_hex = accept(parser, 'x');
			text = parse_quoted(parser, '\'', &length);
			if (text == NULL || (is_hex && !unhex(text, &length)) ||
				(type->type == CONNHUB_UUID && length != 16))
				return false;
			value->v.slice.data = text;
			value->v.slice.length = length;
			return true;
	}
	if (end == NULL || end == parser->at || (errno == ERANGE && type->storage == MK_INTEGER))
		return false;
	parser->at = end;
	return true;
}

static MkExpr *
parse_constant(Parser *parser, MkExpr *expr)
{
	size_t		length = peek_word(parser);
	const MkType *type;

	expr->kind = CONNHUB_EXPR_CONST;
	expr->value.type.precision = -1;
	if (accept_word(parser, "null"))
	{
		expr->value.is_null = true;
		return expr;
	}
	type = mk_type_by_name(parser->at, length);
	if (type == NULL)
		return expected(parser, "an expression");
	parser->at += length;
	expr->value.type.type = type->type;
	expr->value.type.pg_type = type->pg_type;
	if (!parse_literal(parser, type, &expr->value))
		return expected(parser, "a literal of this type");
	return expr;
}

static MkExpr *
parse_column(Parser *parser, MkExpr *expr)
{
	char	   *name = parse_quoted(parser, '"', NULL);

	if (name == NULL)
		return NULL;
	expr->kind = CONNHUB_EXPR_COLUMN;
	expr->scratch = mk_arena_alloc(parser->arena, 2 * MK_SCRATCH);
	if (expr->scratch == NULL)
		return out_of_memory(parser);
	expr->column = mk_column_find(parser->table, name);
	if (expr->column)
		return expr;
	fail_as(parser->error, CONNHUB_SCHEMA_CHANGED, "column \"%s\" does not exist in table \"%s\"", name,
			parser->table->name);
	return NULL;
}

static MkExpr *
parse_param(Parser *parser, MkExpr *expr)
{
	char	   *end;
	unsigned long number = strtoul(parser->at + 1, &end, 10);

	if (number < 1 || number > parser->nparams)
		return expected(parser, "the number of a parameter");
	parser->at = end;
	expr->kind = CONNHUB_EXPR_PARAM;
	expr->param = (uint32_t) number - 1;
	return expr;
}

static MkExpr *
parse_call(Parser *parser, MkExpr *expr)
{
	MkExpr	  **grown;
	uint32_t	capacity = 0;
	size_t		length;

	parser->at++;
	skip_blanks(parser);
	length = strcspn(parser->at, " \t\r\n()\"");
	expr->kind = CONNHUB_EXPR_CALL;
	expr->fn = mk_function_by_name(parser->at, length);
	if (expr->fn == CONNHUB_FN_NONE && !(length == 5 && memcmp(parser->at, "maybe", 5) == 0))
		return expected(parser, "a function");
	parser->at += length;
	if (expr->fn == CONNHUB_FN_CAST)
	{
		const MkType *type;

		length = peek_word(parser);
		type = mk_type_by_name(parser->at, length);
		if (type == NULL)
			return expected(parser, "a type");
		parser->at += length;
		expr->cast = type->type;
	}
	while (!accept(parser, ')'))
	{
		if (expr->nargs == capacity)
		{
			capacity = capacity ? capacity * 2 : 4;
			grown = mk_arena_alloc(parser->arena, capacity * sizeof(MkExpr *));
			if (grown == NULL)
				return out_of_memory(parser);
			if (expr->nargs)
				memcpy(grown, expr->args, expr->nargs * sizeof(MkExpr *));
			expr->args = grown;
		}
		expr->args[expr->nargs] = parse_expr(parser);
		if (expr->args[expr->nargs++] == NULL)
			return NULL;
	}
	return expr;
}

static MkExpr *
parse_expr(Parser *parser)
{
	MkExpr	   *expr = mk_arena_alloc(parser->arena, sizeof(MkExpr));
	MkExpr	   *result;

	if (expr == NULL)
		return out_of_memory(parser);
	if (parser->depth == MAX_DEPTH)
		return expected(parser, "less nesting");
	parser->depth++;
	skip_blanks(parser);
	if (*parser->at == '"')
		result = parse_column(parser, expr);
	else if (*parser->at == '$')
		result = parse_param(parser, expr);
	else if (*parser->at == '(')
		result = parse_call(parser, expr);
	else
		result = parse_constant(parser, expr);
	parser->depth--;
	return result;
}

/* A list of expressions with something between them; *list has room for as many as the text could
 * hold. */
static bool
parse_list(Parser *parser, const char *word, MkExpr ***list, uint32_t *n)
{
	size_t		most = strlen(parser->at) / 2 + 1;

	*list = mk_arena_alloc(parser->arena, most * sizeof(MkExpr *));
	if (*list == NULL)
		return out_of_memory(parser);
	do
	{
		(*list)[*n] = parse_expr(parser);
		if ((*list)[*n] == NULL)
			return false;
		(*n)++;
	} while (word ? accept_word(parser, word) : accept(parser, ','));
	return true;
}

static bool
parse_sort(Parser *parser, MkPlan *plan)
{
	size_t		most = strlen(parser->at) / 2 + 1;

	plan->sort = mk_arena_alloc(parser->arena, most * sizeof(MkSortKey));
	if (plan->sort == NULL)
		return out_of_memory(parser);
	do
	{
		MkSortKey  *key = &plan->sort[plan->nsort++];

		key->expr = parse_expr(parser);
		if (key->expr == NULL)
			return false;
		key->descending = accept_word(parser, "desc");
		if (!key->descending && !accept_word(parser, "asc"))
			return expected(parser, "asc or desc");
		if (!accept_word(parser, "nulls"))
			return expected(parser, "nulls first or nulls last");
		key->nulls_first = accept_word(parser, "first");
		if (!key->nulls_first && !accept_word(parser, "last"))
			return expected(parser, "first or last");
	} while (accept(parser, ','));
	return true;
}

static bool
parse_table(Parser *parser, const MkTables *tables)
{
	const char *schema = MK_DATA_SCHEMA;
	const char *name = parse_quoted(parser, '"', NULL);

	if (name && accept(parser, '.'))
	{
		schema = name;
		name = parse_quoted(parser, '"', NULL);
	}
	if (name == NULL)
		return false;
	parser->table = mk_table_find(tables, schema, name);
	if (parser->table == NULL)
		fail_as(parser->error, CONNHUB_SCHEMA_CHANGED, "table \"%s\".\"%s\" does not exist", schema, name);
	return parser->table != NULL;
}

/* Everything after the table. */
static bool
parse_clauses(Parser *parser, MkPlan *plan)
{
	if (accept_word(parser, "where") &&
		!parse_list(parser, "and", &plan->filters, &plan->nfilters))
		return false;
	if (accept_word(parser, "sort") && !parse_sort(parser, plan))
		return false;
	if (accept_word(parser, "limit") && (plan->limit = parse_expr(parser)) == NULL)
		return false;
	if (accept_word(parser, "offset") && (plan->offset = parse_expr(parser)) == NULL)
		return false;
	if (accept_word(parser, "lock") && !accept_word(parser, "share") && !accept_word(parser, "update"))
		return expected(parser, "share or update");
	skip_blanks(parser);
	return *parser->at == '\0' || expected(parser, "the end of the query");
}

static bool
parse_sets(Parser *parser, MkPlan *plan)
{
	size_t		most = strlen(parser->at) / 2 + 1;

	plan->sets = mk_arena_alloc(parser->arena, most * sizeof(MkSet));
	if (plan->sets == NULL)
		return out_of_memory(parser);
	do
	{
		MkSet	   *set = &plan->sets[plan->nsets++];
		MkExpr	   *column = parse_expr(parser);

		if (column == NULL)
			return false;
		if (column->kind != CONNHUB_EXPR_COLUMN || !accept(parser, '='))
			return expected(parser, "a column and \"=\"");
		set->column = column->column;
		set->value = parse_expr(parser);
		if (set->value == NULL)
			return false;
	} while (accept(parser, ','));
	return true;
}

/* A statement that changes rows, after its first word. */
static bool
parse_change(Parser *parser, const MkTables *tables, MkPlan *plan)
{
	if (!parse_table(parser, tables))
		return false;
	plan->table = parser->table;
	if (plan->kind == CONNHUB_UPDATE && !accept_word(parser, "set"))
		return expected(parser, "set");
	if (plan->kind == CONNHUB_UPDATE && !parse_sets(parser, plan))
		return false;
	if (accept_word(parser, "where") && !parse_list(parser, "and", &plan->filters, &plan->nfilters))
		return false;
	if (accept_word(parser, "return") && !parse_list(parser, NULL, &plan->outputs, &plan->noutputs))
		return false;
	skip_blanks(parser);
	return *parser->at == '\0' || expected(parser, "the end of the statement");
}

/* The end of the outputs: the word "from" outside quotes. */
static const char *
find_from(const char *p)
{
	char		quote = '\0';

	for (; *p; p++)
	{
		if (quote)
			quote = *p == quote ? '\0' : quote;
		else if (*p == '"' || *p == '\'')
			quote = *p;
		else if (strncmp(p, "from ", 5) == 0)
			return p;
	}
	return NULL;
}

ConnhubStatus
mk_parse(MkArena *arena, const MkTables *tables, const char *text, uint32_t nparams, MkPlan *plan,
		 ConnhubError *error)
{
	Parser		parser = {text, text, arena, NULL, nparams, 0, error};
	const char *outputs;
	const char *from;

	memset(plan, 0, sizeof(*plan));
	error->status = CONNHUB_OK;
	plan->kind = accept_word(&parser, "change") ? CONNHUB_UPDATE : accept_word(&parser, "remove") ? CONNHUB_DELETE : 0;
	if (plan->kind != 0)
	{
		parse_change(&parser, tables, plan);
		return error->status;
	}
	if (!accept_word(&parser, "get"))
	{
		expected(&parser, "get");
		return error->status;
	}
	skip_blanks(&parser);
	outputs = parser.at;
	from = find_from(outputs);
	parser.at = from ? from : outputs;
	if (!accept_word(&parser, "from"))
	{
		expected(&parser, "from");
		return error->status;
	}
	if (!parse_table(&parser, tables) || !parse_clauses(&parser, plan))
		return error->status;
	plan->table = parser.table;
	parser.at = outputs;
	if (from > outputs)
	{
		if (!parse_list(&parser, NULL, &plan->outputs, &plan->noutputs))
			return error->status;
		skip_blanks(&parser);
		if (parser.at != from)
			expected(&parser, "\",\" or from");
	}
	return error->status;
}
