/* discover.c — what the generated tables look like from outside. */
#include "mock.h"

#include "like.h"

#include <string.h>

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

/* Statistics follow from how values are made, so they are exact. */
static ConnhubStatus
emit_stats(ConnhubSink *sink, const MkTable *table)
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
		status = sink->stats(sink, &info);
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
		status = emit_stats(sink, table);
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
