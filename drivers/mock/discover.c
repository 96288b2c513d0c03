/* discover.c — what the generated tables look like from outside. */
#include "mock.h"

#include "like.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>

/* Values a repeating column is told by, and steps of the histogram of one that does not repeat. */
#define MOST_COMMON_MAX	100
#define HISTOGRAM_STEPS	10

static ConnhubStatus
emit_schema(ConnhubSink *sink, const char *name, const char *comment)
{
	ConnhubSchemaInfo info = {.name = name, .comment = comment};

	return sink->schema(sink, &info);
}

static ConnhubStatus
emit_columns(ConnhubSink *sink, const MkTable *table)
{
	ConnhubStatus status = CONNHUB_OK;
	uint32_t	i;

	for (i = 0; i < table->ncolumns && status == CONNHUB_OK; i++)
	{
		const MkColumn *column = &table->columns[i];
		ConnhubColumnInfo info = {
			.schema = table->schema,
			.table = table->name,
			.name = column->name,
			.position = i + 1,
			.remote_type = column->type->name,
			.type = {.type = column->type->type, .precision = -1, .pg_type = column->type->pg_type},
			.not_null = column->nulls_every == 0,
			.generated = column->is_computed,
			.default_value = column->has_default ? "row number" : NULL,
		};

		status = sink->column(sink, &info);
	}
	return status;
}

/* The primary key and its index, of the columns marked "key". */
static ConnhubStatus
emit_key(ConnhubSink *sink, const MkTable *table, ConnhubError *error)
{
	const char **columns = mk_host->alloc((table->ncolumns + 1) * sizeof(char *));
	ConnhubKeyInfo key = {
		.schema = table->schema, .table = table->name, .name = "key", .kind = CONNHUB_PRIMARY_KEY
	};
	ConnhubIndexInfo index = {
		.schema = table->schema, .table = table->name, .name = "key", .is_unique = true,
		.method = "computed"
	};
	ConnhubStatus status = CONNHUB_OK;
	uint32_t	i;

	if (columns == NULL)
		return fail_no_memory(error);
	for (i = 0; i < table->ncolumns; i++)
		if (table->columns[i].is_key)
			columns[key.ncolumns++] = table->columns[i].name;
	key.columns = index.columns = columns;
	index.ncolumns = key.ncolumns;
	if (key.ncolumns > 0)
		status = sink->key(sink, &key);
	if (key.ncolumns > 0 && status == CONNHUB_OK)
		status = sink->index(sink, &index);
	mk_host->free(columns);
	return status;
}

static bool
is_integer(const MkColumn *column)
{
	return column->type->type == CONNHUB_INT16 || column->type->type == CONNHUB_INT32 ||
		column->type->type == CONNHUB_INT64;
}

/* Each value of a repeating integer column with its frequency. */
static ConnhubStatus
put_most_common(const MkColumn *column, double not_null, ConnhubText *out)
{
	TextWriter	writer;
	uint64_t	i;

	text_begin(&writer, mk_host, out);
	if (is_integer(column) && column->modulus > 0 && column->modulus <= MOST_COMMON_MAX)
		for (i = 1; i <= column->modulus; i++)
			text_format(&writer, "%s[\"%" PRIu64 "\", %.9f]", i == 1 ? "[" : ", ", i,
						not_null / (double) column->modulus);
	if (out->length > 0)
		text_char(&writer, ']');
	return text_end(&writer);
}

/* Equal-count bounds of an integer column that does not repeat. */
static ConnhubStatus
put_histogram(const MkColumn *column, uint64_t nrows, ConnhubText *out)
{
	TextWriter	writer;
	uint64_t	i;

	text_begin(&writer, mk_host, out);
	if (is_integer(column) && column->modulus == 0 && !column->has_edges && nrows > HISTOGRAM_STEPS)
		for (i = 0; i <= HISTOGRAM_STEPS; i++)
			text_format(&writer, "%s\"%" PRIu64 "\"", i == 0 ? "[" : ", ", 1 + (nrows - 1) * i / HISTOGRAM_STEPS);
	if (out->length > 0)
		text_char(&writer, ']');
	return text_end(&writer);
}

/* One column's, with the values that put_most_common and put_histogram tell. */
static ConnhubStatus
emit_values(ConnhubSink *sink, const MkTable *table, const MkColumn *column, ConnhubStatsInfo *info,
			ConnhubError *error)
{
	ConnhubText most_common = {0};
	ConnhubText histogram = {0};
	ConnhubStatus status = put_most_common(column, 1 - info->null_fraction, &most_common);

	if (status == CONNHUB_OK)
		status = put_histogram(column, table->nrows, &histogram);
	if (status == CONNHUB_OK)
	{
		info->most_common = most_common.length > 0 ? most_common.data : NULL;
		info->histogram = histogram.length > 0 ? histogram.data : NULL;
		status = sink->stats(sink, info);
	}
	else
		fail_no_memory(error);
	text_free(mk_host, &most_common);
	text_free(mk_host, &histogram);
	return status;
}

/* Statistics follow from how values are made, so they are exact. */
static ConnhubStatus
emit_stats(ConnhubSink *sink, const MkTable *table, ConnhubError *error)
{
	ConnhubStatus status = CONNHUB_OK;
	uint32_t	i;

	for (i = 0; i < table->ncolumns && status == CONNHUB_OK; i++)
	{
		const MkColumn *column = &table->columns[i];
		ConnhubStatsInfo info = {
			.schema = table->schema,
			.table = table->name,
			.column = column->name,
			.null_fraction = column->nulls_every ? 1.0 / (double) column->nulls_every : 0,
			.distinct_values = -1,
			.average_width = -1,
		};

		if (column->has_edges)
			info.distinct_values = column->type->nedges;
		else if (column->modulus)
			info.distinct_values = (double) column->modulus;
		else if (column->type->type == CONNHUB_BOOL)
			info.distinct_values = 2;
		status = emit_values(sink, table, column, &info, error);
	}
	return status;
}

static ConnhubStatus
emit_table(ConnhubSink *sink, const MkTable *table, bool with_stats, ConnhubError *error)
{
	ConnhubTableInfo info = {
		.schema = table->schema,
		.name = table->name,
		.kind = CONNHUB_TABLE,
		.comment = table->is_calls ? "Calls made to the driver in this process" : NULL,
		.rows = (double) table->nrows,
		.bytes = -1,
	};
	ConnhubStatus status = sink->table(sink, &info);

	if (status == CONNHUB_OK)
		status = emit_columns(sink, table);
	if (status == CONNHUB_OK)
		status = emit_key(sink, table, error);
	if (status == CONNHUB_OK && with_stats && !table->is_calls)
		status = emit_stats(sink, table, error);
	return status;
}

ConnhubStatus
mk_discover(ConnhubConn *conn, const ConnhubDiscoverRequest *request, ConnhubSink *sink,
			ConnhubError *error)
{
	ConnhubStatus status = mk_enter(conn, MK_DISCOVER, error);
	uint32_t	i;

	if (status == CONNHUB_OK && common_like_match(MK_DATA_SCHEMA, request->schema_pattern))
		status = emit_schema(sink, MK_DATA_SCHEMA, "Generated tables");
	if (status == CONNHUB_OK && request->schema_pattern &&
		common_like_match(MK_SELF_SCHEMA, request->schema_pattern))
		status = emit_schema(sink, MK_SELF_SCHEMA, "The driver itself");
	for (i = 0; i < conn->tables.ntables && status == CONNHUB_OK; i++)
	{
		const MkTable *table = &conn->tables.tables[i];

		if (table->is_calls && request->schema_pattern == NULL)
			continue;
		if (!common_like_match(table->schema, request->schema_pattern) ||
			!common_like_match(table->name, request->table_pattern))
			continue;
		status = mk_host->cancelled();
		if (status == CONNHUB_OK)
			status = emit_table(sink, table, request->with_stats, error);
	}
	if (status != CONNHUB_OK && error->status == CONNHUB_OK)
		fail_as(error, status, "discovery was stopped");
	return status;
}
