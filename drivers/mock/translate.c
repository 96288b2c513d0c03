/* translate.c — judge and render: ConnhubRequest → native query.
 *
 * A piece is exact when expr.c evaluates every part of it with PostgreSQL's meaning and every column
 * is declared as the type it really has.  Option "judge" can only weaken that: a superset function is
 * rendered inside (maybe …), which lets every row through, so that a recheck left out would show. */
#include "mock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What option "judge" says of a name; EXACT when nothing. */
static ConnhubVerdictKind
scripted(const ConnhubSource *source, const char *name)
{
	const char *p = NULL;
	uint32_t	i;

	for (i = 0; i < source->noptions; i++)
		if (strcmp(source->options[i].name, "judge") == 0)
			p = source->options[i].value;
	while (p && *p)
	{
		size_t		length = strcspn(p, ",");
		const char *colon = memchr(p, ':', length);

		if (colon && ((size_t) (colon - p) == strlen(name) || (colon == p + 1 && *p == '*')) &&
			(*p == '*' || memcmp(p, name, strlen(name)) == 0))
			return colon[1] == 's' ? CONNHUB_SUPERSET : CONNHUB_REFUSE;
		p += length;
		p += strspn(p, ", ");
	}
	return CONNHUB_EXACT;
}

static bool CONNHUB_PRINTF(2, 3)
refuse(ConnhubVerdict *verdict, const char *format,...)
{
	va_list		args;

	verdict->kind = CONNHUB_REFUSE;
	va_start(args, format);
	vsnprintf(verdict->reason, sizeof(verdict->reason), format, args);
	va_end(args);
	return false;
}

static bool judge_value(const ConnhubSource *source, const ConnhubExpr *expr, ConnhubVerdict *verdict);

static bool
judge_column(const ConnhubColumn *column, ConnhubVerdict *verdict)
{
	if (column->remote_type == NULL)
		return refuse(verdict, "column \"%s\" was not discovered", column->name);
	if (column->type.type != column->natural.type)
		return refuse(verdict, "column \"%s\" is declared as another type than it has", column->name);
	return true;
}

/* Is the operand fit for comparison with the first one? */
static bool
judge_operands(const ConnhubExpr *expr, ConnhubVerdict *verdict)
{
	uint32_t	i;

	for (i = 0; i < expr->nargs; i++)
	{
		ConnhubType type = expr->args[i]->type.type;

		if (!mk_type_comparable(type))
			return refuse(verdict, "values of this type are not compared");
		if (!mk_types_match(type, expr->args[0]->type.type))
			return refuse(verdict, "operands differ in type");
		if (type == CONNHUB_TEXT)
		{
			bool		by_order = expr->fn >= CONNHUB_FN_LT && expr->fn <= CONNHUB_FN_GE;

			if (expr->collation == NULL || !expr->collation->deterministic)
				return refuse(verdict, "collation is not deterministic");
			if (by_order && !expr->collation->is_c)
				return refuse(verdict, "text is ordered by collation \"%s\", not by its bytes",
							  expr->collation->name);
		}
	}
	return true;
}

static bool
judge_call(const ConnhubSource *source, const ConnhubExpr *expr, ConnhubVerdict *verdict)
{
	const char *name = mk_function_name(expr->fn);
	bool		compares = (expr->fn >= CONNHUB_FN_EQ && expr->fn <= CONNHUB_FN_GE) ||
		expr->fn == CONNHUB_FN_IS_DISTINCT || expr->fn == CONNHUB_FN_IS_NOT_DISTINCT ||
		expr->fn == CONNHUB_FN_IN || expr->fn == CONNHUB_FN_NOT_IN;
	uint32_t	i;

	if (name == NULL)
		return refuse(verdict, "mock does not know this function");
	if (scripted(source, name) == CONNHUB_REFUSE)
		return refuse(verdict, "scripted: \"%s\" is refused", name);
	for (i = 0; i < expr->nargs; i++)
		if (!judge_value(source, expr->args[i], verdict))
			return false;
	if (expr->fn == CONNHUB_FN_CAST && !mk_types_match(expr->args[0]->type.type, expr->type.type))
		return refuse(verdict, "mock does not know this cast");
	return !compares || judge_operands(expr, verdict);
}

/* Can the value of an expression be computed exactly, but for what option "judge" weakens? */
static bool
judge_value(const ConnhubSource *source, const ConnhubExpr *expr, ConnhubVerdict *verdict)
{
	switch (expr->kind)
	{
		case CONNHUB_EXPR_COLUMN:
			return judge_column(expr->column, verdict);
		case CONNHUB_EXPR_CONST:
			if (mk_type_by_id(expr->type.type) == NULL || mk_storage(expr->type.type) == MK_INTERVAL)
				return refuse(verdict, "constants of this type are not written");
			return true;
		case CONNHUB_EXPR_PARAM:
			return true;
		case CONNHUB_EXPR_CALL:
			return judge_call(source, expr, verdict);
		default:
			return refuse(verdict, "unknown kind of expression");
	}
}

static bool
is_and_or(const ConnhubExpr *expr)
{
	return expr->kind == CONNHUB_EXPR_CALL &&
		(expr->fn == CONNHUB_FN_AND || expr->fn == CONNHUB_FN_OR);
}

static bool
is_superset(const ConnhubSource *source, const ConnhubExpr *expr)
{
	return expr->kind == CONNHUB_EXPR_CALL &&
		scripted(source, mk_function_name(expr->fn)) == CONNHUB_SUPERSET;
}

/* Name of a weakened function below an expression, or NULL. */
static const char *
find_weakened(const ConnhubSource *source, const ConnhubExpr *expr)
{
	const char *found = NULL;
	uint32_t	i;

	if (is_superset(source, expr))
		return mk_function_name(expr->fn);
	for (i = 0; expr->kind == CONNHUB_EXPR_CALL && i < expr->nargs && found == NULL; i++)
		found = find_weakened(source, expr->args[i]);
	return found;
}

/* A filter whose value can be computed: a superset where and/or lead down to weakened functions, and
 * refused where a weakened function is the operand of another. */
static bool
judge_filter(const ConnhubSource *source, const ConnhubExpr *expr, ConnhubVerdict *verdict)
{
	const char *weakened;
	uint32_t	i;

	if (is_superset(source, expr))
	{
		verdict->kind = CONNHUB_SUPERSET;
		snprintf(verdict->reason, sizeof(verdict->reason), "scripted: \"%s\" lets more rows through",
				 mk_function_name(expr->fn));
		return true;
	}
	for (i = 0; i < expr->nargs && is_and_or(expr); i++)
		if (!judge_filter(source, expr->args[i], verdict))
			return false;
	weakened = is_and_or(expr) ? NULL : find_weakened(source, expr);
	if (weakened)
		return refuse(verdict, "scripted: \"%s\" is inexact below another function", weakened);
	return true;
}

static bool
judge_sort(const ConnhubSource *source, const ConnhubSortKey *key, ConnhubVerdict *verdict)
{
	ConnhubType type = key->expr->type.type;

	if (!judge_value(source, key->expr, verdict))
		return false;
	if (find_weakened(source, key->expr))
		return refuse(verdict, "scripted: the sort key is inexact");
	if (!mk_type_comparable(type))
		return refuse(verdict, "values of this type are not compared");
	if (type == CONNHUB_TEXT && (key->collation == NULL || !key->collation->is_c))
		return refuse(verdict, "text is ordered by collation \"%s\", not by its bytes",
					  key->collation ? key->collation->name : "unknown");
	return true;
}

static bool
judge_write(const ConnhubSource *source, const ConnhubWrite *write, ConnhubVerdict *verdict)
{
	uint32_t	i;

	for (i = 0; i < write->ncolumns; i++)
		if (!judge_column(write->columns[i], verdict))
			return false;
	for (i = 0; i < write->nkeys; i++)
		if (!judge_column(write->keys[i], verdict))
			return false;
	if (write->nreturning > 0 && scripted(source, "returning") != CONNHUB_EXACT)
		return refuse(verdict, "scripted: nothing is given back");
	if (write->skip_conflicts && scripted(source, "skip") != CONNHUB_EXACT)
		return refuse(verdict, "scripted: conflicts are not left out");
	return true;
}

void
mk_judge(const ConnhubSource *source, const ConnhubPiece *piece, ConnhubVerdict *verdict)
{
	static const char *const names[CONNHUB_PIECE_ASSIGN + 1] = {
		[CONNHUB_PIECE_FILTER] = "filter", [CONNHUB_PIECE_OUTPUT] = "output", [CONNHUB_PIECE_SORT] = "sort",
		[CONNHUB_PIECE_LIMIT] = "limit", [CONNHUB_PIECE_LOCK] = "lock", [CONNHUB_PIECE_WRITE] = "write",
		[CONNHUB_PIECE_ASSIGN] = "assign"
	};

	verdict->kind = CONNHUB_EXACT;
	verdict->reason[0] = '\0';
	if ((size_t) piece->kind >= sizeof(names) / sizeof(names[0]) || names[piece->kind] == NULL)
	{
		refuse(verdict, "mock does none of it");
		return;
	}
	if (scripted(source, names[piece->kind]) != CONNHUB_EXACT)
	{
		refuse(verdict, "scripted: \"%s\" is refused", names[piece->kind]);
		return;
	}
	switch (piece->kind)
	{
		case CONNHUB_PIECE_FILTER:
			if (judge_value(source, piece->expr, verdict))
				judge_filter(source, piece->expr, verdict);
			break;
		case CONNHUB_PIECE_OUTPUT:
			if (judge_value(source, piece->expr, verdict) && find_weakened(source, piece->expr))
				refuse(verdict, "scripted: the output is inexact");
			break;
		case CONNHUB_PIECE_SORT:
			judge_sort(source, piece->sort, verdict);
			break;
		case CONNHUB_PIECE_WRITE:
			judge_write(source, piece->write, verdict);
			break;
		case CONNHUB_PIECE_ASSIGN:
			if (judge_column(piece->column, verdict) && judge_value(source, piece->expr, verdict) &&
				find_weakened(source, piece->expr))
				refuse(verdict, "scripted: the value is inexact");
			break;
		default:
			break;
	}
}

/* ---- Rendering: `ok` turns false when memory runs out, and the rest does nothing ---- */

typedef struct Writer
{
	const ConnhubSource *source;
	ConnhubText *out;
	bool		ok;
} Writer;

static void
put_bytes(Writer *writer, const char *data, size_t length)
{
	ConnhubText *out = writer->out;

	if (!writer->ok)
		return;
	if (out->length + length + 1 > out->capacity)
	{
		size_t		capacity = (out->length + length + 1) * 2;
		char	   *grown = mk_host->realloc(out->data, capacity);

		if (grown == NULL)
		{
			writer->ok = false;
			return;
		}
		out->data = grown;
		out->capacity = capacity;
	}
	memcpy(out->data + out->length, data, length);
	out->length += length;
	out->data[out->length] = '\0';
}

static void
put(Writer *writer, const char *text)
{
	put_bytes(writer, text, strlen(text));
}

static void
put_quoted(Writer *writer, const char *data, size_t length, char quote)
{
	size_t		i;

	put_bytes(writer, &quote, 1);
	for (i = 0; i < length; i++)
	{
		if (data[i] == quote)
			put_bytes(writer, &quote, 1);
		put_bytes(writer, data + i, 1);
	}
	put_bytes(writer, &quote, 1);
}

static void
put_constant(Writer *writer, const ConnhubValue *value)
{
	const MkType *type = mk_type_by_id(value->type.type);
	char		buffer[64];
	size_t		i;

	if (value->is_null || type == NULL)
	{
		put(writer, "null");
		return;
	}
	put(writer, type->name);
	put(writer, " ");
	buffer[0] = '\0';
	if (type->storage == MK_INTEGER)
		snprintf(buffer, sizeof(buffer), "%" PRId64, value->v.integer);
	else if (type->storage == MK_REAL)
		snprintf(buffer, sizeof(buffer), "%a", value->v.real);
	put(writer, buffer);
	if (type->storage != MK_SLICE)
		return;
	if (type->type != CONNHUB_BYTES && type->type != CONNHUB_UUID)
	{
		put_quoted(writer, value->v.slice.data, value->v.slice.length, '\'');
		return;
	}
	put(writer, "x'");
	for (i = 0; i < value->v.slice.length; i++)
	{
		snprintf(buffer, sizeof(buffer), "%02x", (unsigned char) value->v.slice.data[i]);
		put(writer, buffer);
	}
	put(writer, "'");
}

static void
put_expr(Writer *writer, const ConnhubExpr *expr)
{
	char		name[32];
	uint32_t	i;

	switch (expr->kind)
	{
		case CONNHUB_EXPR_COLUMN:
			put_quoted(writer, expr->column->name, strlen(expr->column->name), '"');
			return;
		case CONNHUB_EXPR_CONST:
			put_constant(writer, expr->value);
			return;
		case CONNHUB_EXPR_PARAM:
			snprintf(name, sizeof(name), "$%u", expr->param + 1);
			put(writer, name);
			return;
		default:
			break;
	}
	snprintf(name, sizeof(name), "(%s", mk_function_name(expr->fn));
	for (i = 0; name[i]; i++)
		if (name[i] == ' ')
			name[i] = '_';
	put(writer, name);
	if (expr->fn == CONNHUB_FN_CAST)
	{
		put(writer, " ");
		put(writer, mk_type_by_id(expr->type.type)->name);
	}
	for (i = 0; i < expr->nargs; i++)
	{
		put(writer, " ");
		put_expr(writer, expr->args[i]);
	}
	put(writer, ")");
}

static void
put_filter(Writer *writer, const ConnhubExpr *expr)
{
	bool		maybe = is_superset(writer->source, expr);
	uint32_t	i;

	if (!maybe && is_and_or(expr))
	{
		put(writer, expr->fn == CONNHUB_FN_AND ? "(and" : "(or");
		for (i = 0; i < expr->nargs; i++)
		{
			put(writer, " ");
			put_filter(writer, expr->args[i]);
		}
		put(writer, ")");
		return;
	}
	put(writer, maybe ? "(maybe " : "");
	put_expr(writer, expr);
	put(writer, maybe ? ")" : "");
}

static void
put_sort(Writer *writer, const ConnhubSortKey *key)
{
	put_expr(writer, key->expr);
	put(writer, key->descending ? " desc" : " asc");
	put(writer, key->nulls_first ? " nulls first" : " nulls last");
}

static void
put_table(Writer *writer, const char *schema, const char *table)
{
	if (schema == NULL)
		schema = writer->source->schema ? writer->source->schema : MK_DATA_SCHEMA;
	put_quoted(writer, schema, strlen(schema), '"');
	put(writer, ".");
	put_quoted(writer, table, strlen(table), '"');
}

ConnhubStatus
mk_render(const ConnhubSource *source, const ConnhubRequest *request, ConnhubText *out,
		  ConnhubError *error)
{
	Writer		writer = {source, out, true};
	uint32_t	i;

	put(&writer, "get ");
	for (i = 0; i < request->noutputs; i++)
	{
		put(&writer, i ? ", " : "");
		put_expr(&writer, request->outputs[i]);
	}
	put(&writer, request->noutputs ? " from " : "from ");
	put_table(&writer, request->schema, request->table);
	for (i = 0; i < request->nfilters; i++)
	{
		put(&writer, i ? " and " : " where ");
		put_filter(&writer, request->filters[i]);
	}
	for (i = 0; i < request->nsort; i++)
	{
		put(&writer, i ? ", " : " sort ");
		put_sort(&writer, &request->sort[i]);
	}
	if (request->limit)
	{
		put(&writer, " limit ");
		put_expr(&writer, request->limit);
	}
	if (request->offset)
	{
		put(&writer, " offset ");
		put_expr(&writer, request->offset);
	}
	if (request->lock != CONNHUB_LOCK_NONE)
		put(&writer, request->lock == CONNHUB_LOCK_UPDATE ? " lock update" : " lock share");
	return writer.ok ? CONNHUB_OK : fail_no_memory(error);
}

/* ---- Writes ---- */

/* Columns with the parameters they get, each after `first` or `between`. */
static void
put_pairs(Writer *writer, const ConnhubColumn *const *columns, uint32_t ncolumns, uint32_t param, const char *first,
		  const char *between)
{
	char		text[24];
	uint32_t	i;

	for (i = 0; i < ncolumns; i++)
	{
		put(writer, i ? between : first);
		put_quoted(writer, columns[i]->name, strlen(columns[i]->name), '"');
		snprintf(text, sizeof(text), " = $%u", param + i + 1);
		put(writer, text);
	}
}

static void
put_returned(Writer *writer, const ConnhubColumn *const *columns, uint32_t ncolumns)
{
	uint32_t	i;

	for (i = 0; i < ncolumns; i++)
	{
		put(writer, i ? ", " : " return ");
		put_quoted(writer, columns[i]->name, strlen(columns[i]->name), '"');
	}
}

ConnhubStatus
mk_render_write(const ConnhubSource *source, const ConnhubWrite *write, ConnhubText *out, ConnhubError *error)
{
	static const char *const verbs[] = {
		[CONNHUB_INSERT] = "insert ", [CONNHUB_UPDATE] = "change ", [CONNHUB_DELETE] = "remove ",
		[CONNHUB_TRUNCATE] = "empty "
	};
	Writer		writer = {source, out, true};

	put(&writer, verbs[write->kind]);
	put_table(&writer, write->schema, write->table);
	put_pairs(&writer, write->columns, write->ncolumns, 0, " set ", ", ");
	put_pairs(&writer, write->keys, write->nkeys, write->ncolumns, " where ", " and ");
	put(&writer, write->skip_conflicts ? " skip" : "");
	put(&writer, write->restart_identity ? " restart" : "");
	put(&writer, write->cascade ? " cascade" : "");
	put_returned(&writer, write->returning, write->nreturning);
	return writer.ok ? CONNHUB_OK : fail_no_memory(error);
}

ConnhubStatus
mk_render_modify(const ConnhubSource *source, const ConnhubModify *modify, ConnhubText *out, ConnhubError *error)
{
	const ConnhubRequest *request = modify->request;
	Writer		writer = {source, out, true};
	uint32_t	i;

	put(&writer, modify->kind == CONNHUB_UPDATE ? "change " : "remove ");
	put_table(&writer, request->schema, request->table);
	for (i = 0; i < modify->nassignments; i++)
	{
		const ConnhubColumn *column = modify->assignments[i].column;

		put(&writer, i ? ", " : " set ");
		put_quoted(&writer, column->name, strlen(column->name), '"');
		put(&writer, " = ");
		put_expr(&writer, modify->assignments[i].value);
	}
	for (i = 0; i < request->nfilters; i++)
	{
		put(&writer, i ? " and " : " where ");
		put_expr(&writer, request->filters[i]);
	}
	for (i = 0; i < request->noutputs; i++)
	{
		put(&writer, i ? ", " : " return ");
		put_expr(&writer, request->outputs[i]);
	}
	return writer.ok ? CONNHUB_OK : fail_no_memory(error);
}
