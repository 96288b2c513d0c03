/* render.c — a request as the command "aggregate", in Extended JSON.
 *
 * Beside the command's own fields stand "$db", "columns", which says where in a result each output is and of which kind, and
 * "empty", the one row of a grouping without keys when no document came: query.c takes these out before the command is sent.
 *
 * Documents with an array where a column that a condition looks at has a single value are left out: they are answered as if
 * they were not there. */
#include <stdio.h>
#include <string.h>

#include "bind.h"
#include "translate.h"

#define FLAG_FIELD	"__connhub_null_"

typedef struct Paths
{
	char		path[64][256];
	uint32_t	n;
} Paths;

static bool
add_path(Paths *paths, const char *path, size_t length)
{
	for (uint32_t i = 0; i < paths->n; i++)
	{
		if (strlen(paths->path[i]) == length && memcmp(paths->path[i], path, length) == 0)
			return true;
	}
	if (paths->n == sizeof(paths->path) / sizeof(paths->path[0]) || length >= sizeof(paths->path[0]))
		return false;
	memcpy(paths->path[paths->n], path, length);
	paths->path[paths->n++][length] = '\0';
	return true;
}

/* The fields that a condition looks at, with the documents they are in. */
static bool
add_guarded(Paths *paths, const ConnhubExpr *expr)
{
	const char *path;

	for (uint32_t i = 0; expr->kind == CONNHUB_EXPR_CALL && i < expr->nargs; i++)
	{
		if (!add_guarded(paths, expr->args[i]))
			return false;
	}
	if (expr->kind != CONNHUB_EXPR_COLUMN)
		return true;
	path = mg_path(expr->column);
	if (strcmp(path, "_id") == 0)
		return true;
	for (const char *dot = strchr(path, '.'); dot != NULL; dot = strchr(dot + 1, '.'))
	{
		if (!add_path(paths, path, (size_t) (dot - path)))
			return false;
	}
	return add_path(paths, path, strlen(path));
}

static ConnhubStatus
fail_internal(Translation *t, ConnhubError *error)
{
	return fail_as(error, CONNHUB_INTERNAL, "a piece that was accepted cannot be written: %s", t->reason);
}

static bool
put_match(Translation *t, const ConnhubExpr *const *filters, uint32_t nfilters, bool guarded)
{
	Paths		paths = {.n = 0};
	bool		first = true;

	if (nfilters == 0)
		return true;
	mg_put_text(t, "{\"$match\":{\"$and\":[");
	for (uint32_t i = 0; i < nfilters; i++)
	{
		mg_put_text(t, first ? "" : ",");
		first = false;
		if (!mg_condition(t, filters[i], true))
			return false;
		if (guarded && !add_guarded(&paths, filters[i]))
			return mg_refuse(t, "too many fields");
	}
	for (uint32_t i = 0; i < paths.n; i++)
	{
		mg_put_text(t, ",{");
		mg_put_string(t, paths.path[i], strlen(paths.path[i]));
		mg_put_text(t, ":{\"$not\":{\"$type\":\"array\"}}}");
	}
	mg_put_text(t, "]}},");
	return true;
}

/* ---- Groups ------------------------------------------------------------------------------ */

typedef struct Aggregates
{
	const ConnhubExpr *expr[256];
	int			n;
} Aggregates;

/* In the order in which translate.c numbers them: every use counts. */
static bool
collect(Aggregates *all, const ConnhubExpr *expr)
{
	if (expr->kind == CONNHUB_EXPR_AGGREGATE)
	{
		if (all->n == sizeof(all->expr) / sizeof(all->expr[0]))
			return false;
		all->expr[all->n++] = expr;
		return true;
	}
	for (uint32_t i = 0; expr->kind == CONNHUB_EXPR_CALL && i < expr->nargs; i++)
	{
		if (!collect(all, expr->args[i]))
			return false;
	}
	return true;
}

static bool
collect_all(Aggregates *all, const ConnhubRequest *request)
{
	bool		done = true;

	for (uint32_t i = 0; done && i < request->noutputs; i++)
		done = collect(all, request->outputs[i]);
	for (uint32_t i = 0; done && i < request->nhaving; i++)
		done = collect(all, request->having[i]);
	for (uint32_t i = 0; done && i < request->nsort; i++)
		done = collect(all, request->sort[i].expr);
	return done;
}

static bool
put_group_keys(Translation *t, const ConnhubRequest *request)
{
	const ConnhubExpr *const *keys = request->is_grouped ? request->groups : request->outputs;
	uint32_t	n = request->is_grouped ? request->ngroups : request->noutputs;

	mg_put_text(t, "{\"$group\":{\"_id\":");
	if (n == 0)
		mg_put_text(t, "null");
	else if (n > 1)
		mg_put_text(t, "{");
	for (uint32_t i = 0; i < n; i++)
	{
		MgOperand	operand;
		Translation fields = *t;

		fields.in_groups = false;
		if (!mg_operand(&fields, keys[i], &operand))
			return false;

		/* A missing key by itself is null already. */
		if (n == 1)
			mg_put_text(t, "\"$%s\"", operand.path);
		else
			mg_put_text(t, "%s\"k%u\":{\"$ifNull\":[\"$%s\",null]}", i > 0 ? "," : "", i, operand.path);
	}
	if (n > 1)
		mg_put_text(t, "}");
	return true;
}

/* The sum of no values is null here and zero there: n<i> counts them. */
static bool
put_sums(Translation *t, const Aggregates *all, bool counts)
{
	bool		any = false;

	for (int i = 0; i < all->n; i++)
	{
		MgOperand	operand;

		if (all->expr[i]->fn != CONNHUB_FN_SUM)
			continue;
		if (counts)
		{
			if (!mg_operand(t, all->expr[i]->args[0], &operand))
				return false;
			mg_put_text(t, ",\"n%d\":{\"$sum\":{\"$cond\":[{\"$gt\":[\"$%s\",null]},1,0]}}", i, operand.path);
		}
		else
			mg_put_text(t, "%s\"a%d\":{\"$cond\":[{\"$gt\":[\"$n%d\",0]},\"$a%d\",null]}",
						any ? "," : "{\"$addFields\":{", i, i, i);
		any = true;
	}
	if (!counts && any)
		mg_put_text(t, "}},");
	return true;
}

static bool
put_groups(Translation *t, const ConnhubRequest *request)
{
	Aggregates	all = {.n = 0};

	if (!collect_all(&all, request))
		return mg_refuse(t, "too many aggregates");
	t->in_groups = false;
	if (!put_group_keys(t, request))
		return false;
	for (int i = 0; i < all.n; i++)
	{
		mg_put_text(t, ",\"a%d\":", i);
		if (!mg_accumulator(t, all.expr[i]))
			return false;
	}
	if (!put_sums(t, &all, true))
		return false;
	mg_put_text(t, "}},");
	if (!put_sums(t, &all, false))
		return false;
	t->in_groups = true;
	return put_match(t, request->having, request->nhaving, false);
}

/* ---- Order, cut, outputs ----------------------------------------------------------------- */

static bool
put_sort(Translation *t, const ConnhubRequest *request)
{
	Paths		paths = {.n = 0};
	MgOperand	operand;
	bool		flag;
	bool		any = false;

	for (uint32_t i = 0; i < request->nsort; i++)
	{
		if (!mg_sort_key(t, &request->sort[i], &operand, &flag))
			return false;
		if (flag)
			mg_put_text(t, "%s\"" FLAG_FIELD "%u\":{\"$cond\":[{\"$gt\":[\"$%s\",null]},0,1]}",
						any ? "," : "{\"$addFields\":{", i, operand.path);
		any = any || flag;
	}
	mg_put_text(t, any ? "}}," : "");
	for (uint32_t i = 0; i < request->nsort; i++)
	{
		uint32_t	before = paths.n;

		mg_sort_key(t, &request->sort[i], &operand, &flag);
		if (!add_path(&paths, operand.path, strlen(operand.path)))
			return mg_refuse(t, "too many sort keys");
		if (paths.n == before)
			continue;			/* a key again decides nothing */
		mg_put_text(t, before == 0 ? "{\"$sort\":{" : ",");
		if (flag)
			mg_put_text(t, "\"" FLAG_FIELD "%u\":%d,", i, request->sort[i].nulls_first ? -1 : 1);
		mg_put_string(t, operand.path, strlen(operand.path));
		mg_put_text(t, ":%d", request->sort[i].descending ? -1 : 1);
	}
	mg_put_text(t, paths.n > 0 ? "}}," : "");
	return true;
}

static void
put_count(Translation *t, const char *stage, const ConnhubExpr *expr)
{
	if (expr == NULL || (expr->kind == CONNHUB_EXPR_CONST && expr->value->is_null))
		return;
	if (expr->kind == CONNHUB_EXPR_CONST)
		mg_put_text(t, "{\"%s\":%lld},", stage, (long long) expr->value->v.integer);
	else
		mg_put_text(t, "{\"%s\":{\"$%u\":\"" MG_BIND_COUNT "\"}},", stage, expr->param + 1);
}

/* Where output i is in a result, and of which kind. */
static bool
output_place(Translation *t, const ConnhubExpr *expr, MgOperand *operand)
{
	if (expr->kind == CONNHUB_EXPR_COLUMN && !t->in_groups)
	{
		operand->kind = mg_kind(expr->column->remote_type);
		snprintf(operand->path, sizeof(operand->path), "%s", mg_path(expr->column));
		return true;
	}
	return mg_operand(t, expr, operand);
}

/* A path within one that is there already must not be named beside it. */
static bool
lies_within(const char *path, const char *other)
{
	size_t		length = strlen(other);

	return strncmp(path, other, length) == 0 && (path[length] == '.' || path[length] == '\0');
}

/* Take back a comma at the end. */
static void
take_comma(Translation *t)
{
	ConnhubText *text = t->out.text;

	if (!t->out.failed && text->data[text->length - 1] == ',')
		text->data[--text->length] = '\0';
}

static bool
put_project(Translation *t, const ConnhubRequest *request)
{
	bool		names_id = false;
	MgOperand	operand;
	MgOperand	other;

	if (t->in_groups)
		return true;
	mg_put_text(t, "{\"$project\":{");
	for (uint32_t i = 0; i < request->noutputs; i++)
	{
		bool		covered = false;

		output_place(t, request->outputs[i], &operand);
		for (uint32_t j = 0; j < request->noutputs && !covered; j++)
		{
			output_place(t, request->outputs[j], &other);
			covered = j != i && lies_within(operand.path, other.path) && (j < i || strcmp(operand.path, other.path) != 0);
		}
		if (covered)
			continue;
		if (strcmp(operand.path, "_id") == 0 || strncmp(operand.path, "_id.", 4) == 0)
			names_id = true;
		mg_put_string(t, operand.path, strlen(operand.path));
		mg_put_text(t, ":1,");
	}
	if (!names_id)
		mg_put_text(t, "\"_id\":%d,", request->noutputs == 0 ? 1 : 0);
	take_comma(t);
	mg_put_text(t, "}},");
	return true;
}

static bool
put_columns(Translation *t, const ConnhubRequest *request)
{
	MgOperand	operand;

	mg_put_text(t, "\"columns\":{");
	for (uint32_t i = 0; i < request->noutputs; i++)
	{
		if (!output_place(t, request->outputs[i], &operand))
			return false;
		mg_put_text(t, i > 0 ? "," : "");
		mg_put_string(t, operand.path, strlen(operand.path));
		mg_put_text(t, ":\"%s\"", mg_types[operand.kind].name);
	}
	mg_put_text(t, "}");
	if (!request->is_grouped || request->ngroups > 0)
		return true;
	mg_put_text(t, ",\"empty\":[");
	for (uint32_t i = 0; i < request->noutputs; i++)
	{
		ConnhubFunction fn = request->outputs[i]->fn;

		mg_put_text(t, "%s%s", i > 0 ? "," : "", fn == CONNHUB_FN_COUNT_ALL || fn == CONNHUB_FN_COUNT ? "0" : "null");
	}
	mg_put_text(t, "]");
	return true;
}

static bool
put_pipeline(Translation *t, const ConnhubRequest *request)
{
	bool		is_grouped = request->is_grouped || request->is_distinct;

	mg_put_text(t, "\"pipeline\":[");
	if (!put_match(t, request->filters, request->nfilters, true) || (is_grouped && !put_groups(t, request)) ||
		!put_sort(t, request))
		return false;
	put_count(t, "$skip", request->offset);
	put_count(t, "$limit", request->limit);
	if (!put_project(t, request))
		return false;
	take_comma(t);
	mg_put_text(t, "],");
	return put_columns(t, request);
}

ConnhubStatus
mg_render(const ConnhubSource *source, const ConnhubRequest *request, ConnhubText *out, ConnhubError *error)
{
	Translation t = {.source = source, .request = request};
	const char *schema = request->schema;
	const char *table = request->table;

	text_begin(&t.out, mg_host, out);
	if (request->from != NULL)
	{
		schema = request->from->schema;
		table = request->from->table;
	}
	if (schema == NULL)
		schema = source->schema;
	mg_put_text(&t, "{\"aggregate\":");
	mg_put_string(&t, table, strlen(table));
	if (schema != NULL)
	{
		mg_put_text(&t, ",\"$db\":");
		mg_put_string(&t, schema, strlen(schema));
	}
	mg_put_text(&t, ",");
	if (!put_pipeline(&t, request))
		return fail_internal(&t, error);
	mg_put_text(&t, "}");
	return text_end(&t.out) == CONNHUB_OK ? CONNHUB_OK : fail_no_memory(error);
}

/* ---- Writes ------------------------------------------------------------------------------ */

static void
put_fields(Translation *t, const char *name, const ConnhubColumn *const *columns, uint32_t n)
{
	mg_put_text(t, ",\"%s\":{", name);
	for (uint32_t i = 0; i < n; i++)
	{
		const char *path = mg_path(columns[i]);

		mg_put_text(t, i > 0 ? "," : "");
		mg_put_string(t, path, strlen(path));
		mg_put_text(t, ":\"%s\"", mg_types[mg_kind(columns[i]->remote_type)].name);
	}
	mg_put_text(t, "}");
}

ConnhubStatus
mg_render_write(const ConnhubSource *source, const ConnhubWrite *write, ConnhubText *out, ConnhubError *error)
{
	static const char *const verbs[] = {
		[CONNHUB_INSERT] = "insert", [CONNHUB_UPDATE] = "update", [CONNHUB_DELETE] = "delete"
	};
	Translation t = {.source = source};
	const char *schema = write->schema != NULL ? write->schema : source->schema;

	text_begin(&t.out, mg_host, out);
	mg_put_text(&t, "{\"%s\":", verbs[write->kind]);
	mg_put_string(&t, write->table, strlen(write->table));
	if (schema != NULL)
	{
		mg_put_text(&t, ",\"$db\":");
		mg_put_string(&t, schema, strlen(schema));
	}
	if (write->kind != CONNHUB_DELETE)
		put_fields(&t, "set", write->columns, write->ncolumns);
	if (write->nkeys > 0)
		put_fields(&t, "keys", write->keys, write->nkeys);
	if (write->kind == CONNHUB_INSERT && write->skip_conflicts)
		mg_put_text(&t, ",\"ordered\":false");
	mg_put_text(&t, "}");
	return text_end(&t.out) == CONNHUB_OK ? CONNHUB_OK : fail_no_memory(error);
}
