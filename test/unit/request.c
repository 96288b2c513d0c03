/* request.c — sinks that print, and parts of requests for tests of judge and render. */
#include "host.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const ConnhubCollation fake_c = {"C", true, true};
const ConnhubCollation fake_english = {"en_US.utf8", false, true};
const ConnhubCollation fake_blurred = {"blurred", false, false};

static ConnhubVerdict verdict;

static ConnhubStatus
receive(ConnhubSink *sink)
{
	FakeSink   *self = (FakeSink *) sink;

	return ++self->received == self->fail_at ? CONNHUB_NO_MEMORY : CONNHUB_OK;
}

static const char *
shown(const char *text)
{
	return text ? text : "-";
}

static void
print_names(char **text, const char *const *names, uint32_t n)
{
	uint32_t	i;

	for (i = 0; i < n; i++)
		fake_print(text, "%s%s", i ? "," : " ", shown(names[i]));
}

static ConnhubStatus
sink_schema(ConnhubSink *sink, const ConnhubSchemaInfo *info)
{
	fake_print(&((FakeSink *) sink)->text, "schema %s\n", info->name);
	return receive(sink);
}

static ConnhubStatus
sink_table(ConnhubSink *sink, const ConnhubTableInfo *info)
{
	fake_print(&((FakeSink *) sink)->text, "table %s.%s kind %d rows %g\n", shown(info->schema),
			   info->name, (int) info->kind, info->rows);
	return receive(sink);
}

static ConnhubStatus
sink_column(ConnhubSink *sink, const ConnhubColumnInfo *info)
{
	fake_print(&((FakeSink *) sink)->text, "column %s.%u %s %s -> %d(%d,%d,%d) %s%s%s default %s collate %s\n",
			   info->table, info->position, info->name, shown(info->remote_type), (int) info->type.type,
			   info->type.length, info->type.precision, info->type.scale, shown(info->type.pg_type),
			   info->not_null ? " not null" : "", info->generated ? " generated" : "",
			   shown(info->default_value), shown(info->collation));
	return receive(sink);
}

static ConnhubStatus
sink_key(ConnhubSink *sink, const ConnhubKeyInfo *info)
{
	char	  **text = &((FakeSink *) sink)->text;

	fake_print(text, "key %s %s kind %d", info->table, shown(info->name), (int) info->kind);
	print_names(text, info->columns, info->ncolumns);
	if (info->kind == CONNHUB_FOREIGN_KEY)
	{
		fake_print(text, " -> %s.%s", shown(info->ref_schema), shown(info->ref_table));
		print_names(text, info->ref_columns, info->ncolumns);
	}
	fake_print(text, "\n");
	return receive(sink);
}

static ConnhubStatus
sink_index(ConnhubSink *sink, const ConnhubIndexInfo *info)
{
	char	  **text = &((FakeSink *) sink)->text;

	fake_print(text, "index %s %s%s", info->table, info->name, info->is_unique ? " unique" : "");
	print_names(text, info->columns, info->ncolumns);
	fake_print(text, " where %s\n", shown(info->predicate));
	return receive(sink);
}

static ConnhubStatus
sink_stats(ConnhubSink *sink, const ConnhubStatsInfo *info)
{
	fake_print(&((FakeSink *) sink)->text, "stats %s.%s distinct %g\n", info->table, info->column,
			   info->distinct_values);
	return receive(sink);
}

void
fake_sink_init(FakeSink *sink)
{
	memset(sink, 0, sizeof(*sink));
	sink->sink = (ConnhubSink) {
		.struct_size = sizeof(ConnhubSink), .schema = sink_schema, .table = sink_table,
		.column = sink_column, .key = sink_key, .index = sink_index, .stats = sink_stats
	};
	fake_print(&sink->text, "%s", "");
}

/* Parts are never freed: a list of them all keeps them reachable for leak checkers. */
typedef struct Part
{
	struct Part *next;
	ConnhubExpr expr;
	ConnhubColumn column;
	ConnhubValue value;
	const ConnhubExpr *args[4];
} Part;

static Part *parts;

static Part *
make_part(ConnhubExprKind kind, ConnhubType type)
{
	Part	   *part = calloc(1, sizeof(Part));

	if (part == NULL)
		abort();
	part->next = parts;
	parts = part;
	part->expr.struct_size = sizeof(ConnhubExpr);
	part->expr.kind = kind;
	part->expr.type = (ConnhubTypeRef) {.type = type, .precision = -1};
	part->value.type = part->expr.type;
	part->expr.value = kind == CONNHUB_EXPR_CONST ? &part->value : NULL;
	part->expr.args = part->args;
	return part;
}

const ConnhubExpr *
fake_column(const char *name, ConnhubType type, const char *remote_type, const char *collation)
{
	Part	   *part = make_part(CONNHUB_EXPR_COLUMN, type);

	part->column.name = name;
	part->column.type = part->column.natural = part->expr.type;
	part->column.remote_type = remote_type;
	part->column.collation = collation;
	part->expr.column = &part->column;
	return &part->expr;
}

const ConnhubExpr *
fake_int(ConnhubType type, int64_t value)
{
	Part	   *part = make_part(CONNHUB_EXPR_CONST, type);

	part->value.v.integer = value;
	return &part->expr;
}

const ConnhubExpr *
fake_real(ConnhubType type, double value)
{
	Part	   *part = make_part(CONNHUB_EXPR_CONST, type);

	part->value.v.real = value;
	return &part->expr;
}

const ConnhubExpr *
fake_slice(ConnhubType type, const char *value)
{
	Part	   *part = make_part(CONNHUB_EXPR_CONST, type);

	part->value.v.slice.data = value;
	part->value.v.slice.length = strlen(value);
	return &part->expr;
}

const ConnhubExpr *
fake_null(ConnhubType type)
{
	Part	   *part = make_part(CONNHUB_EXPR_CONST, type);

	part->value.is_null = true;
	return &part->expr;
}

const ConnhubExpr *
fake_param(ConnhubType type, uint32_t number)
{
	Part	   *part = make_part(CONNHUB_EXPR_PARAM, type);

	part->expr.param = number;
	return &part->expr;
}

const ConnhubExpr *
fake_call_of(ConnhubType type, ConnhubFunction fn, const ConnhubCollation *collation,
			 const ConnhubExpr *a, const ConnhubExpr *b, const ConnhubExpr *c, const ConnhubExpr *d)
{
	Part	   *part = make_part(CONNHUB_EXPR_CALL, type);
	const ConnhubExpr *args[4] = {a, b, c, d};

	part->expr.fn = fn;
	part->expr.collation = collation;
	while (part->expr.nargs < 4 && args[part->expr.nargs])
	{
		part->args[part->expr.nargs] = args[part->expr.nargs];
		part->expr.nargs++;
	}
	return &part->expr;
}

const ConnhubExpr *
fake_call(ConnhubFunction fn, const ConnhubCollation *collation, const ConnhubExpr *a,
		  const ConnhubExpr *b, const ConnhubExpr *c, const ConnhubExpr *d)
{
	return fake_call_of(CONNHUB_BOOL, fn, collation, a, b, c, d);
}

ConnhubVerdictKind
fake_judge(const ConnhubDriver *driver, const ConnhubSource *source, ConnhubPieceKind kind,
		   const ConnhubExpr *expr)
{
	ConnhubPiece piece = {.struct_size = sizeof(piece), .kind = kind, .expr = expr};

	memset(&verdict, 0x7F, sizeof(verdict));
	driver->judge(source, &piece, &verdict);
	return verdict.kind;
}

ConnhubVerdictKind
fake_judge_sort(const ConnhubDriver *driver, const ConnhubSource *source, const ConnhubExpr *expr,
				const ConnhubCollation *collation)
{
	ConnhubSortKey key = {.expr = expr, .collation = collation};
	ConnhubPiece piece = {.struct_size = sizeof(piece), .kind = CONNHUB_PIECE_SORT, .sort = &key};

	memset(&verdict, 0x7F, sizeof(verdict));
	driver->judge(source, &piece, &verdict);
	return verdict.kind;
}

const char *
fake_reason(void)
{
	return verdict.reason;
}

const char *
fake_render(const ConnhubDriver *driver, const ConnhubSource *source, const ConnhubRequest *request)
{
	static char text[4096];
	ConnhubText out = {0};
	ConnhubError error = {0};

	snprintf(text, sizeof(text), "failed");
	if (driver->render(source, request, &out, &error) == CONNHUB_OK)
		snprintf(text, sizeof(text), "%s", out.data);
	fake_host.free(out.data);
	return text;
}

const char *
fake_render_filter(const ConnhubDriver *driver, const ConnhubSource *source, const ConnhubExpr *filter)
{
	const ConnhubExpr *output = fake_column("a", CONNHUB_INT64, "INTEGER", NULL);
	ConnhubRequest request = {
		.struct_size = sizeof(request), .table = "t", .outputs = &output, .noutputs = 1,
		.filters = &filter, .nfilters = 1
	};

	return fake_render(driver, source, &request);
}
