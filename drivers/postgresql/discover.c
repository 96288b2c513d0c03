/* discover.c — what the source holds, streamed into a sink.
 *
 * One query per kind of thing, all in one snapshot, read row by row.  Keys and indexes come as one row
 * per column and are put together here. */
#include "pg.h"

#include <stdlib.h>
#include <string.h>

/* Columns of one key or index; more than any source allows are cut off. */
#define MAX_MEMBERS		64

typedef struct Discovery
{
	ConnhubConn *conn;
	ConnhubSink *sink;

	/* The key or index under way: the result of its first row, and its columns. */
	PGresult   *first;
	char	   *columns[MAX_MEMBERS];
	char	   *ref_columns[MAX_MEMBERS];
	uint32_t	ncolumns;
} Discovery;

static const char *
text_at(const PGresult *row, int column)
{
	return PQgetisnull(row, 0, column) ? NULL : PQgetvalue(row, 0, column);
}

static bool
true_at(const PGresult *row, int column)
{
	return !PQgetisnull(row, 0, column) && PQgetvalue(row, 0, column)[0] == 't';
}

static double
number_at(const PGresult *row, int column, double otherwise)
{
	return PQgetisnull(row, 0, column) ? otherwise : strtod(PQgetvalue(row, 0, column), NULL);
}

static ConnhubStatus
emit_schema(Discovery *discovery, const PGresult *row)
{
	const ConnhubSchemaInfo info = {text_at(row, 0), text_at(row, 1)};

	return discovery->sink->schema(discovery->sink, &info);
}

static ConnhubTableKind
table_kind(char relkind)
{
	switch (relkind)
	{
		case 'v':
			return CONNHUB_VIEW;
		case 'm':
			return CONNHUB_MATVIEW;
		case 'f':
			return CONNHUB_FOREIGN_TABLE;
		case 'p':
			return CONNHUB_PARTITIONED_TABLE;
		default:
			return CONNHUB_TABLE;
	}
}

static ConnhubStatus
emit_table(Discovery *discovery, const PGresult *row)
{
	ConnhubTableInfo info = {
		.schema = text_at(row, 0),
		.name = text_at(row, 1),
		.kind = table_kind(PQgetvalue(row, 0, 2)[0]),
		.comment = text_at(row, 3),
		.rows = number_at(row, 4, -1),
		.bytes = PQgetisnull(row, 0, 5) ? -1 : strtoll(PQgetvalue(row, 0, 5), NULL, 10),
	};

	return discovery->sink->table(discovery->sink, &info);
}

static ConnhubStatus
emit_column(Discovery *discovery, const PGresult *row)
{
	Oid			base = (Oid) strtoul(PQgetvalue(row, 0, 5), NULL, 10);
	const char *remote_type = text_at(row, 4);
	ConnhubColumnInfo info = {
		.schema = text_at(row, 0),
		.table = text_at(row, 1),
		.name = text_at(row, 2),
		.position = (uint32_t) strtoul(PQgetvalue(row, 0, 3), NULL, 10),
		.remote_type = remote_type,
		.not_null = true_at(row, 8),
		.generated = true_at(row, 9),
		.default_value = text_at(row, 10),
		.comment = text_at(row, 11),
		.collation = text_at(row, 12),
	};

	/* A source that gives names only. */
	if (base == 0)
		base = pg_oid_by_name(remote_type);
	pg_type_ref(base, true_at(row, 6), (int32_t) strtol(PQgetvalue(row, 0, 7), NULL, 10), &info.type);
	return discovery->sink->column(discovery->sink, &info);
}

static ConnhubStatus
emit_stats(Discovery *discovery, const PGresult *row)
{
	ConnhubStatsInfo info = {
		.schema = text_at(row, 0),
		.table = text_at(row, 1),
		.column = text_at(row, 2),
		.null_fraction = number_at(row, 3, -1),
		.distinct_values = number_at(row, 4, 0),
		.average_width = (int32_t) number_at(row, 5, -1),
		.correlation = number_at(row, 6, 0),
		.most_common = text_at(row, 7),
		.histogram = text_at(row, 8),
	};

	return discovery->sink->stats(discovery->sink, &info);
}

/* ---- Keys and indexes -------------------------------------------------------------------- */

static void
forget_group(Discovery *discovery)
{
	PQclear(discovery->first);
	discovery->first = NULL;
	for (uint32_t i = 0; i < discovery->ncolumns; i++)
	{
		pg_host->free(discovery->columns[i]);
		pg_host->free(discovery->ref_columns[i]);
	}
	discovery->ncolumns = 0;
}

static ConnhubStatus
flush_key(Discovery *discovery)
{
	const PGresult *row = discovery->first;
	ConnhubKeyInfo info;
	char		kind;
	ConnhubStatus status;

	if (!row)
		return CONNHUB_OK;
	kind = PQgetvalue(row, 0, 3)[0];
	memset(&info, 0, sizeof(info));
	info.schema = text_at(row, 0);
	info.table = text_at(row, 1);
	info.name = text_at(row, 2);
	info.kind = kind == 'p' ? CONNHUB_PRIMARY_KEY : kind == 'u' ? CONNHUB_UNIQUE_KEY : CONNHUB_FOREIGN_KEY;
	info.columns = (const char *const *) discovery->columns;
	info.ncolumns = discovery->ncolumns;
	if (info.kind == CONNHUB_FOREIGN_KEY)
	{
		info.ref_schema = text_at(row, 5);
		info.ref_table = text_at(row, 6);
		info.ref_columns = (const char *const *) discovery->ref_columns;
	}
	status = discovery->sink->key(discovery->sink, &info);
	forget_group(discovery);
	return status;
}

static ConnhubStatus
flush_index(Discovery *discovery)
{
	const PGresult *row = discovery->first;
	ConnhubIndexInfo info;
	ConnhubStatus status;

	if (!row)
		return CONNHUB_OK;
	memset(&info, 0, sizeof(info));
	info.schema = text_at(row, 0);
	info.table = text_at(row, 1);
	info.name = text_at(row, 2);
	info.is_unique = true_at(row, 3);
	info.method = text_at(row, 4);
	info.columns = (const char *const *) discovery->columns;
	info.ncolumns = discovery->ncolumns;
	info.predicate = text_at(row, 6);
	status = discovery->sink->index(discovery->sink, &info);
	forget_group(discovery);
	return status;
}

static bool
is_same_group(const PGresult *first, const PGresult *row)
{
	for (int i = 0; i < 3; i++)
		if (strcmp(PQgetvalue(first, 0, i), PQgetvalue(row, 0, i)) != 0)
			return false;
	return true;
}

/* Add one row to the group under way, flushing the one before it.  Takes row over when it is a first. */
static ConnhubStatus
add_member(Discovery *discovery, PGresult **row, int column, int ref_column,
		   ConnhubStatus (*flush) (Discovery *discovery), ConnhubError *error)
{
	const char *name = text_at(*row, column);
	const char *ref_name = ref_column >= 0 ? text_at(*row, ref_column) : NULL;
	char	   *copy;
	char	   *ref_copy;

	if (discovery->first && !is_same_group(discovery->first, *row))
	{
		ConnhubStatus status = flush(discovery);

		if (status != CONNHUB_OK)
			return status;
	}
	if (discovery->ncolumns == MAX_MEMBERS || !name)
		return CONNHUB_OK;
	copy = pg_strdup(name);
	ref_copy = pg_strdup(ref_name ? ref_name : "");
	if (!copy || !ref_copy)
	{
		pg_host->free(copy);
		pg_host->free(ref_copy);
		return fail_no_memory(error);
	}
	discovery->columns[discovery->ncolumns] = copy;
	discovery->ref_columns[discovery->ncolumns++] = ref_copy;
	if (!discovery->first)
	{
		discovery->first = *row;
		*row = NULL;
	}
	return CONNHUB_OK;
}

/* ---- Queries ----------------------------------------------------------------------------- */

typedef ConnhubStatus (*EmitRow) (Discovery *discovery, const PGresult *row);

/* What to do with the rows of one query: emit each, or gather them into groups. */
typedef struct Part
{
	EmitRow		emit;
	ConnhubStatus (*flush) (Discovery *discovery);
	int			member;			/* result column of a group's member */
	int			ref_member;
} Part;

static ConnhubStatus
run_part(Discovery *discovery, const char *query, const Part *part, const PgParams *params, ConnhubError *error)
{
	ConnhubError finish_error = {0};
	ConnhubStatus status;

	if (!query)
		return CONNHUB_OK;
	status = pg_send(discovery->conn, query, params, PG_SEND_ONCE, error);
	while (status == CONNHUB_OK)
	{
		PGresult   *row = NULL;

		status = pg_next_row(discovery->conn, true, &row, error);
		if (status != CONNHUB_OK)
			break;
		status = part->emit ? part->emit(discovery, row) :
			add_member(discovery, &row, part->member, part->ref_member, part->flush, error);
		PQclear(row);
	}
	if (status == CONNHUB_DONE)
		status = part->flush ? part->flush(discovery) : CONNHUB_OK;
	forget_group(discovery);
	if (status == CONNHUB_OK)
		return pg_finish(discovery->conn, error);
	pg_finish(discovery->conn, &finish_error);
	error->connection_lost |= finish_error.connection_lost;
	return status;
}

static ConnhubStatus
run_parts(Discovery *discovery, const ConnhubDiscoverRequest *request, ConnhubError *error)
{
	const PgCatalogue *catalogue = &pg_catalogues[discovery->conn->type];
	const char *values[2] = {request->schema_pattern, request->table_pattern};
	const PgParams params = {2, NULL, values, NULL, NULL};
	const Part	schemas = {.emit = emit_schema};
	const Part	tables = {.emit = emit_table};
	const Part	columns = {.emit = emit_column};
	const Part	keys = {.flush = flush_key,.member = 4,.ref_member = 7};
	const Part	indexes = {.flush = flush_index,.member = 5,.ref_member = -1};
	const Part	stats = {.emit = emit_stats};
	ConnhubStatus status;

	status = run_part(discovery, catalogue->schemas, &schemas, &params, error);
	if (status == CONNHUB_OK)
		status = run_part(discovery, catalogue->tables, &tables, &params, error);
	if (status == CONNHUB_OK)
		status = run_part(discovery, catalogue->columns, &columns, &params, error);
	if (status == CONNHUB_OK)
		status = run_part(discovery, catalogue->keys, &keys, &params, error);
	if (status == CONNHUB_OK)
		status = run_part(discovery, catalogue->indexes, &indexes, &params, error);
	if (status == CONNHUB_OK && request->with_stats)
		status = run_part(discovery, catalogue->stats, &stats, &params, error);
	return status;
}

ConnhubStatus
pg_discover(ConnhubConn *conn, const ConnhubDiscoverRequest *request, ConnhubSink *sink, ConnhubError *error)
{
	const ConnhubTxn snapshot = {sizeof(ConnhubTxn), true, true};
	Discovery	discovery = {.conn = conn,.sink = sink};
	bool		own = !conn->in_transaction && !conn->pending_begin;
	ConnhubError end_error = {0};
	ConnhubStatus status;

	if (own)
	{
		status = pg_begin(conn, &snapshot, error);
		if (status != CONNHUB_OK)
			return status;
	}
	status = run_parts(&discovery, request, error);
	if (own && !conn->lost)
	{
		if (status == CONNHUB_OK)
			status = pg_commit(conn, error);
		else
			pg_rollback(conn, &end_error);
	}
	if (status != CONNHUB_OK && error->status == CONNHUB_OK)
		fail_as(error, status, "discovery was stopped");
	return status;
}
