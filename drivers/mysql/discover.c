/* discover.c — what the source holds, from information_schema.
 *
 * One query per kind of thing over all schemas wanted, its rows handed on as they come, so that ten
 * thousand tables cost seven queries.  Views of information_schema are never joined with each other:
 * the source would read its whole dictionary once per row.
 *
 * Statistics are a bonus: a source that refuses them, or keeps them elsewhere, is discovered without. */
#include <stdlib.h>
#include <string.h>

#include "discover.h"
#include "error.h"
#include "rows.h"
#include "set.h"
#include "text.h"
#include "types.h"

#define MAX_KEY_COLUMNS	64		/* the source allows 32 */

typedef struct MyDiscovery
{
	ConnhubConn *conn;
	const ConnhubDiscoverRequest *request;
	ConnhubSink *sink;
	ConnhubError *error;
	MySet		json;			/* longtext columns that hold JSON */
	MySet		told;			/* columns whose statistics have been given */
} MyDiscovery;

/* One index or foreign key while its columns come row by row. */
typedef struct MyGroup
{
	char	   *schema;
	char	   *table;
	char	   *name;
	char	   *ref_schema;
	char	   *ref_table;
	char	   *method;
	bool		is_unique;
	bool		is_partial;		/* some column is an expression or a prefix: no key, only an index */
	uint32_t	ncolumns;
	char	   *columns[MAX_KEY_COLUMNS];
	char	   *ref_columns[MAX_KEY_COLUMNS];
} MyGroup;

/* ---- Which schemas and tables ------------------------------------------------------------ */

/* A pattern without wildcards as the name it stands for; false when it has some. */
static bool
plain_name(const char *pattern, MyText *name)
{
	char		piece[2] = {0, 0};

	for (; *pattern != '\0'; pattern++)
	{
		if (*pattern == '%' || *pattern == '_')
			return false;
		if (*pattern == '\\' && pattern[1] != '\0')
			pattern++;
		piece[0] = *pattern;
		my_text_add(name, piece);
	}
	return text_end(&name->writer) == CONNHUB_OK;
}

/* "column matches pattern" by code points; with equality beside it where there is no wildcard, so that
 * the source opens only what is meant. */
static void
add_match(MyText *text, const char *column, const char *pattern)
{
	MyText		name;

	my_text_add(text, "(");
	my_text_init(&name, text->writer.host);
	if (plain_name(pattern, &name) && name.text.length > 0)
	{
		my_text_add(text, column);
		my_text_add(text, " = ");
		my_text_add_literal(text, name.text.data);
		my_text_add(text, " AND ");
	}
	my_text_free(&name);
	my_text_add(text, "CONVERT(");
	my_text_add(text, column);
	my_text_add(text, " USING utf8mb4) COLLATE utf8mb4_bin LIKE ");
	my_text_add_literal(text, pattern);
	my_text_add(text, " ESCAPE '\\')");
}

static void
add_scope(MyText *text, const MyDiscovery *discovery, const char *schema, const char *table)
{
	if (discovery->request->schema_pattern != NULL)
		add_match(text, schema, discovery->request->schema_pattern);
	else
	{
		my_text_add(text, schema);
		my_text_add(text, " NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')");
	}
	if (table != NULL && discovery->request->table_pattern != NULL)
	{
		my_text_add(text, " AND ");
		add_match(text, table, discovery->request->table_pattern);
	}
}

/* Run `text` and hand each row to take, which returns OK or what ends discovery. */
static ConnhubStatus
each_row(MyDiscovery *discovery, MyText *text, ConnhubStatus (*take) (MyDiscovery *, MYSQL_ROW, void *), void *arg)
{
	MyRows		rows;
	ConnhubStatus status = my_rows_open(discovery->conn, text, &rows, discovery->error);

	if (status != CONNHUB_OK)
		return status;
	while ((status = my_rows_next(&rows, discovery->error)) == CONNHUB_OK)
	{
		status = take(discovery, rows.row, arg);
		if (status != CONNHUB_OK)
		{
			/* Too much may be unread to read it off, and the caller is giving up. */
			my_io_abort(&discovery->conn->io, status);
			fail_as(discovery->error, status, "discovery was ended by its receiver");
			discovery->error->connection_lost = true;
			break;
		}
	}
	my_rows_close(&rows);
	return status == CONNHUB_DONE ? CONNHUB_OK : status;
}

static const char *
none_if_empty(const char *text)
{
	return text != NULL && text[0] != '\0' ? text : NULL;
}

/* ---- Schemas and tables ------------------------------------------------------------------ */

static ConnhubStatus
take_schema(MyDiscovery *discovery, MYSQL_ROW row, void *arg)
{
	ConnhubSchemaInfo info = {row[0], none_if_empty(row[1])};

	return discovery->sink->schema(discovery->sink, &info);
}

static ConnhubStatus
discover_schemas(MyDiscovery *discovery)
{
	MyText		text;
	bool		has_comment = discovery->conn->is_mariadb && discovery->conn->version >= 100500;

	my_text_init(&text, discovery->conn->host);
	my_text_add(&text, has_comment ? "SELECT schema_name, schema_comment" : "SELECT schema_name, NULL");
	my_text_add(&text, " FROM information_schema.schemata WHERE ");
	add_scope(&text, discovery, "schema_name", NULL);
	return each_row(discovery, &text, take_schema, NULL);
}

static ConnhubStatus
take_table(MyDiscovery *discovery, MYSQL_ROW row, void *arg)
{
	ConnhubTableInfo info = {
		.schema = row[0],
		.name = row[1],
		.kind = CONNHUB_TABLE,
		.comment = none_if_empty(row[3]),
		.rows = row[4] != NULL ? strtod(row[4], NULL) : -1,
		.bytes = row[5] != NULL ? strtoll(row[5], NULL, 10) : -1
	};

	if (strstr(row[2], "VIEW") != NULL)
	{
		info.kind = CONNHUB_VIEW;
		info.comment = NULL;	/* the word VIEW, or why it is invalid */
		info.rows = -1;
		info.bytes = -1;
	}
	else if (row[6] != NULL && strstr(row[6], "partitioned") != NULL)
		info.kind = CONNHUB_PARTITIONED_TABLE;
	return discovery->sink->table(discovery->sink, &info);
}

static ConnhubStatus
discover_tables(MyDiscovery *discovery)
{
	MyText		text;

	my_text_init(&text, discovery->conn->host);
	my_text_add(&text, "SELECT table_schema, table_name, table_type, table_comment, table_rows, data_length, "
				"create_options FROM information_schema.tables WHERE table_type <> 'SEQUENCE' AND ");
	add_scope(&text, discovery, "table_schema", "table_name");
	return each_row(discovery, &text, take_table, NULL);
}

/* ---- Columns ----------------------------------------------------------------------------- */

static ConnhubStatus
take_json(MyDiscovery *discovery, MYSQL_ROW row, void *arg)
{
	return my_set_add(&discovery->json, row[0], row[1], row[2]) ? CONNHUB_OK : CONNHUB_NO_MEMORY;
}

/* MariaDB's JSON is a longtext with a check of the column's own name. */
static ConnhubStatus
find_json_columns(MyDiscovery *discovery)
{
	MyText		text;

	if (!discovery->conn->is_mariadb || discovery->conn->version < 100222)
		return CONNHUB_OK;
	my_text_init(&text, discovery->conn->host);
	my_text_add(&text, "SELECT constraint_schema, table_name, constraint_name FROM information_schema.check_constraints "
				"WHERE check_clause = CONCAT('json_valid(`', constraint_name, '`)') AND ");
	add_scope(&text, discovery, "constraint_schema", "table_name");
	return each_row(discovery, &text, take_json, NULL);
}

enum
{
	COL_SCHEMA, COL_TABLE, COL_NAME, COL_POSITION, COL_TYPE, COL_DATA_TYPE, COL_NULLABLE, COL_DEFAULT,
	COL_COMMENT, COL_COLLATION, COL_EXPRESSION, COL_CHARACTERS, COL_PRECISION, COL_SCALE, COL_FRACTION
};

static ConnhubStatus
take_column(MyDiscovery *discovery, MYSQL_ROW row, void *arg)
{
	const char *expression = none_if_empty(row[COL_EXPRESSION]);
	MyColumnFacts facts = {
		.data_type = row[COL_DATA_TYPE],
		.column_type = row[COL_TYPE],
		.characters = row[COL_CHARACTERS],
		.precision = row[COL_PRECISION],
		.scale = row[COL_SCALE],
		.fraction = row[COL_FRACTION],
		.is_json = my_set_has(&discovery->json, row[COL_SCHEMA], row[COL_TABLE], row[COL_NAME]),
		.tinyint1_is_boolean = discovery->conn->tinyint1_is_boolean
	};
	ConnhubColumnInfo info = {
		.schema = row[COL_SCHEMA],
		.table = row[COL_TABLE],
		.name = row[COL_NAME],
		.position = (uint32_t) strtoul(row[COL_POSITION], NULL, 10),
		.remote_type = facts.is_json ? "json" : row[COL_TYPE],
		.not_null = strcmp(row[COL_NULLABLE], "NO") == 0,
		.generated = expression != NULL,
		.default_value = expression != NULL ? expression : row[COL_DEFAULT],
		.comment = none_if_empty(row[COL_COMMENT]),
		.collation = row[COL_COLLATION]
	};

	/* MariaDB writes a default of null as a word. */
	if (discovery->conn->is_mariadb && info.default_value != NULL && strcmp(info.default_value, "NULL") == 0)
		info.default_value = NULL;
	my_type_of(&facts, &info.type);
	return discovery->sink->column(discovery->sink, &info);
}

static ConnhubStatus
discover_columns(MyDiscovery *discovery)
{
	MyText		text;

	my_text_init(&text, discovery->conn->host);
	my_text_add(&text, "SELECT table_schema, table_name, column_name, ordinal_position, column_type, data_type, "
				"is_nullable, column_default, column_comment, collation_name, generation_expression, "
				"character_maximum_length, numeric_precision, numeric_scale, datetime_precision "
				"FROM information_schema.columns WHERE ");
	add_scope(&text, discovery, "table_schema", "table_name");
	return each_row(discovery, &text, take_column, NULL);
}

/* ---- Groups of rows: indexes, unique keys, foreign keys ------------------------------------ */

static void
clear_group(MyDiscovery *discovery, MyGroup *group)
{
	const ConnhubHost *host = discovery->conn->host;

	host->free(group->schema);
	host->free(group->table);
	host->free(group->name);
	host->free(group->ref_schema);
	host->free(group->ref_table);
	host->free(group->method);
	for (uint32_t i = 0; i < MAX_KEY_COLUMNS; i++)
	{
		host->free(group->columns[i]);
		host->free(group->ref_columns[i]);
	}
	memset(group, 0, sizeof(*group));
}

static bool
is_same_group(const MyGroup *group, MYSQL_ROW row)
{
	return group->schema != NULL && strcmp(group->schema, row[0]) == 0 &&
		strcmp(group->table, row[1]) == 0 && strcmp(group->name, row[2]) == 0;
}

static ConnhubStatus
tell_key(MyDiscovery *discovery, const MyGroup *group, ConnhubKeyKind kind)
{
	ConnhubKeyInfo info = {
		.schema = group->schema,
		.table = group->table,
		.name = group->name,
		.kind = kind,
		.columns = (const char *const *) group->columns,
		.ncolumns = group->ncolumns,
		.ref_schema = group->ref_schema,
		.ref_table = group->ref_table,
		.ref_columns = kind == CONNHUB_FOREIGN_KEY ? (const char *const *) group->ref_columns : NULL
	};

	return discovery->sink->key(discovery->sink, &info);
}

static ConnhubStatus
tell_index(MyDiscovery *discovery, MyGroup *group)
{
	ConnhubStatus status = CONNHUB_OK;
	ConnhubIndexInfo info = {
		.schema = group->schema,
		.table = group->table,
		.name = group->name,
		.is_unique = group->is_unique,
		.method = group->method,
		.columns = (const char *const *) group->columns,
		.ncolumns = group->ncolumns
	};

	if (group->schema == NULL)
		return CONNHUB_OK;
	if (group->is_unique && !group->is_partial)
		status = tell_key(discovery, group, strcmp(group->name, "PRIMARY") == 0 ?
						  CONNHUB_PRIMARY_KEY : CONNHUB_UNIQUE_KEY);
	if (status == CONNHUB_OK)
		status = discovery->sink->index(discovery->sink, &info);
	clear_group(discovery, group);
	return status;
}

static ConnhubStatus
tell_foreign_key(MyDiscovery *discovery, MyGroup *group)
{
	ConnhubStatus status = CONNHUB_OK;

	if (group->schema != NULL)
		status = tell_key(discovery, group, CONNHUB_FOREIGN_KEY);
	clear_group(discovery, group);
	return status;
}

static void
lower_case(char *text)
{
	for (; text != NULL && *text != '\0'; text++)
	{
		if (*text >= 'A' && *text <= 'Z')
			*text += 'a' - 'A';
	}
}

enum
{
	IDX_SCHEMA, IDX_TABLE, IDX_NAME, IDX_NON_UNIQUE, IDX_METHOD, IDX_COLUMN, IDX_PREFIX, IDX_SEQUENCE,
	IDX_CARDINALITY, IDX_EXPRESSION
};

/* The leading column of an index has as many values as the index has, unless the source has counted
 * better. */
static ConnhubStatus
tell_cardinality(MyDiscovery *discovery, MYSQL_ROW row)
{
	ConnhubStatsInfo info = {
		.schema = row[IDX_SCHEMA],
		.table = row[IDX_TABLE],
		.column = row[IDX_COLUMN],
		.null_fraction = -1,
		.distinct_values = row[IDX_CARDINALITY] != NULL ? strtod(row[IDX_CARDINALITY], NULL) : 0,
		.average_width = -1
	};

	if (!discovery->request->with_stats || strcmp(row[IDX_SEQUENCE], "1") != 0 || strcmp(row[IDX_METHOD], "BTREE") != 0 ||
		info.column == NULL || info.distinct_values <= 0 || row[IDX_PREFIX] != NULL ||
		my_set_has(&discovery->told, info.schema, info.table, info.column))
		return CONNHUB_OK;
	if (!my_set_add(&discovery->told, info.schema, info.table, info.column))
		return CONNHUB_NO_MEMORY;
	return discovery->sink->stats(discovery->sink, &info);
}

static ConnhubStatus
take_index_column(MyDiscovery *discovery, MYSQL_ROW row, void *arg)
{
	const ConnhubHost *host = discovery->conn->host;
	MyGroup    *group = arg;
	const char *column = row[IDX_COLUMN] != NULL ? row[IDX_COLUMN] : row[IDX_EXPRESSION];
	ConnhubStatus status;

	if (!is_same_group(group, row))
	{
		status = tell_index(discovery, group);
		if (status != CONNHUB_OK)
			return status;
		if (!text_copy(host, row[IDX_SCHEMA], &group->schema) || !text_copy(host, row[IDX_TABLE], &group->table) ||
			!text_copy(host, row[IDX_NAME], &group->name) || !text_copy(host, row[IDX_METHOD], &group->method))
			return CONNHUB_NO_MEMORY;
		lower_case(group->method);
		group->is_unique = strcmp(row[IDX_NON_UNIQUE], "0") == 0;
	}
	if (row[IDX_COLUMN] == NULL || row[IDX_PREFIX] != NULL)
		group->is_partial = true;
	if (group->ncolumns == MAX_KEY_COLUMNS ||
		!text_copy(host, column != NULL ? column : "expression", &group->columns[group->ncolumns]))
		return CONNHUB_NO_MEMORY;
	group->ncolumns++;
	return tell_cardinality(discovery, row);
}

static ConnhubStatus
discover_indexes(MyDiscovery *discovery)
{
	bool		has_expression = !discovery->conn->is_mariadb && discovery->conn->version >= 80013;
	MyGroup		group;
	MyText		text;
	ConnhubStatus status;

	memset(&group, 0, sizeof(group));
	my_text_init(&text, discovery->conn->host);
	my_text_add(&text, "SELECT table_schema, table_name, index_name, non_unique, index_type, column_name, sub_part, "
				"seq_in_index, cardinality, ");
	my_text_add(&text, has_expression ? "expression" : "NULL");
	my_text_add(&text, " FROM information_schema.statistics WHERE ");
	add_scope(&text, discovery, "table_schema", "table_name");
	my_text_add(&text, " ORDER BY table_schema, table_name, index_name, seq_in_index");
	status = each_row(discovery, &text, take_index_column, &group);
	if (status == CONNHUB_OK)
		status = tell_index(discovery, &group);
	clear_group(discovery, &group);
	return status;
}

static ConnhubStatus
take_foreign_column(MyDiscovery *discovery, MYSQL_ROW row, void *arg)
{
	const ConnhubHost *host = discovery->conn->host;
	MyGroup    *group = arg;
	ConnhubStatus status;

	if (!is_same_group(group, row))
	{
		status = tell_foreign_key(discovery, group);
		if (status != CONNHUB_OK)
			return status;
		if (!text_copy(host, row[0], &group->schema) || !text_copy(host, row[1], &group->table) ||
			!text_copy(host, row[2], &group->name) || !text_copy(host, row[4], &group->ref_schema) ||
			!text_copy(host, row[5], &group->ref_table))
			return CONNHUB_NO_MEMORY;
	}
	if (group->ncolumns == MAX_KEY_COLUMNS ||
		!text_copy(host, row[3], &group->columns[group->ncolumns]) ||
		!text_copy(host, row[6], &group->ref_columns[group->ncolumns]))
		return CONNHUB_NO_MEMORY;
	group->ncolumns++;
	return CONNHUB_OK;
}

static ConnhubStatus
discover_foreign_keys(MyDiscovery *discovery)
{
	MyGroup		group;
	MyText		text;
	ConnhubStatus status;

	memset(&group, 0, sizeof(group));
	my_text_init(&text, discovery->conn->host);
	my_text_add(&text, "SELECT table_schema, table_name, constraint_name, column_name, referenced_table_schema, "
				"referenced_table_name, referenced_column_name FROM information_schema.key_column_usage "
				"WHERE referenced_column_name IS NOT NULL AND ");
	add_scope(&text, discovery, "table_schema", "table_name");
	my_text_add(&text, " ORDER BY table_schema, table_name, constraint_name, ordinal_position");
	status = each_row(discovery, &text, take_foreign_column, &group);
	if (status == CONNHUB_OK)
		status = tell_foreign_key(discovery, &group);
	clear_group(discovery, &group);
	return status;
}

/* ---- Statistics -------------------------------------------------------------------------- */

/* A value that is frequent has a bucket of MariaDB's JSON histogram for itself, with the fraction of the rows that are
 * not null; the others are of nearly equal size. */
#define HISTOGRAM_BUCKETS \
	"FROM JSON_TABLE(CONVERT(s.histogram USING utf8mb4), '$.histogram_hb[*]' COLUMNS " \
	"(start LONGTEXT PATH '$.start', size DOUBLE PATH '$.size', ndv BIGINT PATH '$.ndv')) b WHERE s.hist_type = 'JSON_HB' "

static const char histogram_bounds[] =
	"JSON_ARRAY_APPEND((SELECT JSON_ARRAYAGG(b.start) " HISTOGRAM_BUCKETS "AND b.ndv > 1), '$', s.max_value)";
static const char histogram_singles[] =
	"(SELECT JSON_ARRAYAGG(JSON_ARRAY(b.start, b.size * (1 - s.nulls_ratio))) " HISTOGRAM_BUCKETS "AND b.ndv = 1)";

/* Columns: schema, table, column, null fraction, distinct values, average width, histogram, most common values. */
static ConnhubStatus
take_column_stats(MyDiscovery *discovery, MYSQL_ROW row, void *arg)
{
	ConnhubStatsInfo info = {
		.schema = row[0],
		.table = row[1],
		.column = row[2],
		.null_fraction = row[3] != NULL ? strtod(row[3], NULL) : -1,
		.distinct_values = row[4] != NULL ? strtod(row[4], NULL) : 0,
		.average_width = row[5] != NULL ? (int32_t) strtod(row[5], NULL) : -1,
		.histogram = none_if_empty(row[6]),
		.most_common = none_if_empty(row[7])
	};

	if (!my_set_add(&discovery->told, row[0], row[1], row[2]))
		return CONNHUB_NO_MEMORY;
	return discovery->sink->stats(discovery->sink, &info);
}

/* A failure that leaves the connection whole is the source saying no. */
static ConnhubStatus
tolerate(MyDiscovery *discovery, ConnhubStatus status)
{
	if (status == CONNHUB_OK || discovery->error->connection_lost ||
		(status != CONNHUB_PERMISSION && status != CONNHUB_QUERY && status != CONNHUB_SCHEMA_CHANGED))
		return status;
	memset(discovery->error, 0, sizeof(*discovery->error));
	return CONNHUB_OK;
}

static ConnhubStatus
discover_column_stats(MyDiscovery *discovery)
{
	bool		has_json_histogram = discovery->conn->version >= 100800;
	MyText		text;

	if (!discovery->request->with_stats)
		return CONNHUB_OK;
	my_text_init(&text, discovery->conn->host);
	if (discovery->conn->is_mariadb)
	{
		my_text_add(&text, "SELECT s.db_name, s.table_name, s.column_name, s.nulls_ratio, "
					"t.cardinality * (1 - s.nulls_ratio) / NULLIF(s.avg_frequency, 0), s.avg_length, ");
		my_text_add(&text, has_json_histogram ? histogram_bounds : "NULL");
		my_text_add(&text, ", ");
		my_text_add(&text, has_json_histogram ? histogram_singles : "NULL");
		my_text_add(&text, " FROM mysql.column_stats s LEFT JOIN mysql.table_stats t "
					"ON t.db_name = s.db_name AND t.table_name = s.table_name WHERE ");
		add_scope(&text, discovery, "s.db_name", "s.table_name");
	}
	else
	{
		my_text_add(&text, "SELECT schema_name, table_name, column_name, "
					"JSON_EXTRACT(histogram, '$.\"null-values\"'), "
					"CASE JSON_UNQUOTE(JSON_EXTRACT(histogram, '$.\"histogram-type\"')) "
					"WHEN 'singleton' THEN JSON_LENGTH(histogram, '$.buckets') END, NULL, NULL, NULL "
					"FROM information_schema.column_statistics WHERE ");
		add_scope(&text, discovery, "schema_name", "table_name");
	}
	return tolerate(discovery, each_row(discovery, &text, take_column_stats, NULL));
}

/* ---- The slot ---------------------------------------------------------------------------- */

ConnhubStatus
my_discover(ConnhubConn *conn, const ConnhubDiscoverRequest *request, ConnhubSink *sink, ConnhubError *error)
{
	static ConnhubStatus (*const steps[]) (MyDiscovery *) = {
		discover_schemas, discover_tables, find_json_columns, discover_columns, discover_column_stats,
		discover_indexes, discover_foreign_keys
	};
	MyDiscovery discovery = {.conn = conn, .request = request, .sink = sink, .error = error};
	ConnhubStatus status = CONNHUB_OK;

	my_set_init(&discovery.json, conn->host);
	my_set_init(&discovery.told, conn->host);
	for (size_t i = 0; status == CONNHUB_OK && i < sizeof(steps) / sizeof(steps[0]); i++)
		status = steps[i] (&discovery);
	my_set_free(&discovery.json);
	my_set_free(&discovery.told);
	return status;
}
