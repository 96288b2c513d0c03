/* discover.c — what a file holds: sqlite_schema through the library's own table functions.
 *
 * One table at a time, so that a schema of any size needs no memory here.  A view or virtual table that
 * cannot be resolved (its table is gone, its module is not there) is left out with a line in the log:
 * it must not hide the rest. */
#include "sqlite.h"

#include "like.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAIN "main"

/* Databases larger than this are not read through for the sizes of their tables. */
#define MAX_BYTES_FOR_SIZES (INT64_C(256) << 20)

/* Statements of one discovery, prepared once. */
typedef enum Statement
{
	TABLES,
	COLUMNS,
	INDEXES,
	INDEX_COLUMNS,
	FOREIGN_KEYS,
	PRIMARY_KEY,
	INDEX_SQL,
	TABLE_SIZE,
	STAT1,
	NSTATEMENTS
} Statement;

static const char *const statement_text[NSTATEMENTS] = {
	[TABLES] = "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main' "
	"AND type <> 'shadow' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
	[COLUMNS] = "SELECT cid, name, type, \"notnull\", dflt_value, pk, hidden "
	"FROM pragma_table_xinfo(?1, 'main') WHERE hidden <> 1 ORDER BY cid",
	[INDEXES] = "SELECT name, \"unique\", origin, partial FROM pragma_index_list(?1, 'main') ORDER BY seq",
	[INDEX_COLUMNS] = "SELECT coalesce(name, '<expression>'), cid FROM pragma_index_xinfo(?1, 'main') "
	"WHERE key ORDER BY seqno",
	[FOREIGN_KEYS] = "SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?1, 'main') "
	"ORDER BY id, seq",
	[PRIMARY_KEY] = "SELECT name FROM pragma_table_xinfo(?1, 'main') WHERE pk > 0 ORDER BY pk",
	[INDEX_SQL] = "SELECT sql FROM main.sqlite_schema WHERE type = 'index' AND name = ?1",
	[TABLE_SIZE] = "SELECT pgsize FROM dbstat WHERE name = ?1 AND aggregate",
	[STAT1] = "SELECT idx, stat FROM main.sqlite_stat1 WHERE tbl = ?1 ORDER BY idx IS NOT NULL, idx",
};

/* A growing list of names in host memory. */
typedef struct Names
{
	char	  **names;
	uint32_t	n;
	uint32_t	capacity;
} Names;

typedef struct Discovery
{
	ConnhubConn *conn;
	const ConnhubDiscoverRequest *request;
	ConnhubSink *sink;
	ConnhubError *error;
	sqlite3_stmt *statements[NSTATEMENTS];
	bool		has_stat1;
	bool		has_sizes;
} Discovery;

/* The table in hand. */
typedef struct Table
{
	const char *name;
	bool		is_view;
	bool		without_rowid;
	bool		is_strict;
	bool		has_rowid_key;	/* its INTEGER PRIMARY KEY is the rowid */
	Names		key;
} Table;

/* ---- Names ---- */

static bool
add_name(Names *list, const char *name)
{
	char	   *copy;

	if (list->n == list->capacity)
	{
		uint32_t	capacity = list->capacity ? list->capacity * 2 : 8;
		char	  **grown = sq_host->realloc(list->names, capacity * sizeof(char *));

		if (grown == NULL)
			return false;
		list->names = grown;
		list->capacity = capacity;
	}
	if (!text_copy(sq_host, name, &copy))
		return false;
	list->names[list->n++] = copy;
	return true;
}

static void
clear_names(Names *list)
{
	while (list->n > 0)
		sq_host->free(list->names[--list->n]);
	sq_host->free(list->names);
	memset(list, 0, sizeof(*list));
}

static ConnhubStatus
no_memory(Discovery *self)
{
	return fail_no_memory(self->error);
}

/* ---- Statements ---- */

static const char *
text_of(sqlite3_stmt *statement, int column)
{
	return (const char *) sqlite3_column_text(statement, column);
}

/* Ready a statement for one argument. */
static sqlite3_stmt *
begin(Discovery *self, Statement which, const char *argument)
{
	sqlite3_stmt *statement = self->statements[which];

	sqlite3_reset(statement);
	if (argument)
		sqlite3_bind_text(statement, 1, argument, -1, SQLITE_TRANSIENT);
	return statement;
}

/* Next row; false at the end, or with *status set. */
static bool
next(Discovery *self, sqlite3_stmt *statement, ConnhubStatus *status)
{
	int			code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return true;
	if (code != SQLITE_DONE && *status == CONNHUB_OK)
		*status = sq_library_error(self->conn, self->error);
	sqlite3_reset(statement);
	return false;
}

/* All values of one column of a statement's rows; a null becomes "". */
static ConnhubStatus
collect(Discovery *self, Statement which, const char *argument, Names *list)
{
	ConnhubStatus status = CONNHUB_OK;
	sqlite3_stmt *statement = begin(self, which, argument);

	while (next(self, statement, &status))
		if (!add_name(list, text_of(statement, 0) ? text_of(statement, 0) : ""))
		{
			sqlite3_reset(statement);
			return no_memory(self);
		}
	return status;
}

/* ---- Columns ---- */

/* The INTEGER PRIMARY KEY of a table with rowids is the rowid itself, unless it was declared DESC: then an index
 * stands for it. */
static ConnhubStatus
find_rowid_key(Discovery *self, Table *table)
{
	ConnhubStatus status = collect(self, PRIMARY_KEY, table->name, &table->key);
	sqlite3_stmt *statement;
	bool		has_index = false;
	bool		is_integer = false;

	if (status != CONNHUB_OK || table->is_view || table->without_rowid || table->key.n != 1)
		return status;
	statement = begin(self, INDEXES, table->name);
	while (next(self, statement, &status))
		if (strcmp(text_of(statement, 2), "pk") == 0)
			has_index = true;
	statement = begin(self, COLUMNS, table->name);
	while (status == CONNHUB_OK && next(self, statement, &status))
		if (sqlite3_column_int(statement, 5) > 0)
			is_integer = sqlite3_stricmp(text_of(statement, 2), "INTEGER") == 0;
	table->has_rowid_key = is_integer && !has_index;
	return status;
}

static ConnhubStatus
emit_column(Discovery *self, const Table *table, sqlite3_stmt *statement, uint32_t position)
{
	bool		is_key = sqlite3_column_int(statement, 5) > 0;
	bool		is_rowid = is_key && table->has_rowid_key;
	const char *declared = text_of(statement, 2);
	const char *collation = NULL;
	char		remote_type[256];
	ConnhubColumnInfo info = {
		.schema = MAIN,
		.table = table->name,
		.name = text_of(statement, 1),
		.position = position,
		.remote_type = remote_type,
		.not_null = sqlite3_column_int(statement, 3) != 0 || is_rowid || (is_key && table->without_rowid),
		.generated = sqlite3_column_int(statement, 6) > 1,
		.default_value = text_of(statement, 4),
	};

	if (info.name == NULL)
		return no_memory(self);
	if (is_rowid)
		snprintf(remote_type, sizeof(remote_type), SQ_ROWID_TYPE);
	else
		snprintf(remote_type, sizeof(remote_type), "%.200s%s", declared ? declared : "",
				 table->is_strict ? SQ_STRICT_SUFFIX : "");
	sq_type_from_declared(declared, &info.type);
	if (!table->is_view)
		sqlite3_table_column_metadata(self->conn->db, MAIN, table->name, info.name, NULL, &collation, NULL,
									  NULL, NULL);
	info.collation = info.type.type == CONNHUB_TEXT ? collation : NULL;
	return self->sink->column(self->sink, &info);
}

static ConnhubStatus
emit_columns(Discovery *self, const Table *table)
{
	ConnhubStatus status = CONNHUB_OK;
	sqlite3_stmt *statement = begin(self, COLUMNS, table->name);
	uint32_t	position = 0;

	while (status == CONNHUB_OK && next(self, statement, &status))
		status = emit_column(self, table, statement, ++position);
	sqlite3_reset(statement);
	return status;
}

/* ---- Keys and indexes ---- */

/* Where the predicate of a partial index begins in its statement: after the last WHERE that stands outside quotes
 * and parentheses. */
static const char *
find_predicate(const char *sql)
{
	const char *found = NULL;
	int			depth = 0;
	const char *p;

	for (p = sql; *p; p++)
	{
		if (*p == '\'' || *p == '"' || *p == '`' || *p == '[')
		{
			char		close = *p == '[' ? ']' : *p;

			for (p++; *p && *p != close; p++)
				;
			if (!*p)
				break;
		}
		else if (*p == '(')
			depth++;
		else if (*p == ')')
			depth--;
		else if (depth == 0 && p > sql && strchr(" \t\r\n)", p[-1]) && sqlite3_strnicmp(p, "WHERE", 5) == 0 &&
				 p[5] && strchr(" \t\r\n(", p[5]))
			found = p + 5 + strspn(p + 5, " \t\r\n");
	}
	return found;
}

static ConnhubStatus
emit_index(Discovery *self, const Table *table, const char *name, bool is_unique, const char *origin,
		   bool is_partial)
{
	ConnhubIndexInfo info = {
		.schema = MAIN, .table = table->name, .name = name, .is_unique = is_unique, .method = "btree"
	};
	Names		columns = {0};
	ConnhubStatus status = collect(self, INDEX_COLUMNS, name, &columns);
	bool		has_expression = false;
	sqlite3_stmt *statement = self->statements[INDEX_SQL];

	info.columns = (const char *const *) columns.names;
	info.ncolumns = columns.n;
	for (uint32_t i = 0; i < columns.n; i++)
		has_expression |= strcmp(columns.names[i], "<expression>") == 0;
	if (status == CONNHUB_OK && is_partial)
	{
		statement = begin(self, INDEX_SQL, name);
		if (next(self, statement, &status) && text_of(statement, 0))
			info.predicate = find_predicate(text_of(statement, 0));
	}
	if (status == CONNHUB_OK)
		status = self->sink->index(self->sink, &info);
	if (status == CONNHUB_OK && is_unique && !is_partial && !has_expression && strcmp(origin, "pk") != 0)
	{
		ConnhubKeyInfo key = {
			.schema = MAIN, .table = table->name, .name = name, .kind = CONNHUB_UNIQUE_KEY,
			.columns = info.columns, .ncolumns = info.ncolumns
		};

		status = self->sink->key(self->sink, &key);
	}
	sqlite3_reset(statement);
	clear_names(&columns);
	return status;
}

static ConnhubStatus
emit_indexes(Discovery *self, const Table *table)
{
	ConnhubStatus status = CONNHUB_OK;
	sqlite3_stmt *statement = begin(self, INDEXES, table->name);

	while (status == CONNHUB_OK && next(self, statement, &status))
	{
		if (!text_of(statement, 0) || !text_of(statement, 2))
			status = no_memory(self);
		else
			status = emit_index(self, table, text_of(statement, 0), sqlite3_column_int(statement, 1) != 0,
								text_of(statement, 2), sqlite3_column_int(statement, 3) != 0);
	}
	sqlite3_reset(statement);
	return status;
}

/* One foreign key, and forget its parts. */
static ConnhubStatus
emit_foreign_key(Discovery *self, const Table *table, int id, const char *parent, Names *from, Names *to)
{
	ConnhubStatus status = CONNHUB_OK;
	char		name[32];
	ConnhubKeyInfo key = {
		.schema = MAIN, .table = table->name, .name = name, .kind = CONNHUB_FOREIGN_KEY,
		.ref_schema = MAIN, .ref_table = parent
	};

	snprintf(name, sizeof(name), "foreign key %d", id + 1);
	/* Without columns of its own it refers to the parent's primary key. */
	if (to->n > 0 && to->names[0][0] == '\0')
	{
		clear_names(to);
		status = collect(self, PRIMARY_KEY, parent, to);
	}
	key.columns = (const char *const *) from->names;
	key.ref_columns = (const char *const *) to->names;
	key.ncolumns = from->n;
	/* A key that refers to nothing is legal here, and says nothing. */
	if (status == CONNHUB_OK && from->n > 0 && from->n == to->n)
		status = self->sink->key(self->sink, &key);
	clear_names(from);
	clear_names(to);
	return status;
}

static ConnhubStatus
emit_foreign_keys(Discovery *self, const Table *table)
{
	ConnhubStatus status = CONNHUB_OK;
	sqlite3_stmt *statement = begin(self, FOREIGN_KEYS, table->name);
	Names		parent = {0},
				from = {0},
				to = {0};
	int			id = -1;

	while (status == CONNHUB_OK && next(self, statement, &status))
	{
		const char *target = text_of(statement, 3);

		if (sqlite3_column_int(statement, 0) != id && from.n > 0)
		{
			status = emit_foreign_key(self, table, id, parent.names[0], &from, &to);
			clear_names(&parent);
		}
		id = sqlite3_column_int(statement, 0);
		if (status == CONNHUB_OK &&
			((parent.n == 0 && !add_name(&parent, text_of(statement, 1) ? text_of(statement, 1) : "")) ||
			 !add_name(&from, text_of(statement, 2) ? text_of(statement, 2) : "") ||
			 !add_name(&to, target ? target : "")))
			status = no_memory(self);
	}
	if (status == CONNHUB_OK && from.n > 0)
		status = emit_foreign_key(self, table, id, parent.names[0], &from, &to);
	clear_names(&parent);
	clear_names(&from);
	clear_names(&to);
	sqlite3_reset(statement);
	return status;
}

static ConnhubStatus
emit_keys(Discovery *self, const Table *table)
{
	ConnhubKeyInfo key = {
		.schema = MAIN, .table = table->name, .name = "primary key", .kind = CONNHUB_PRIMARY_KEY,
		.columns = (const char *const *) table->key.names, .ncolumns = table->key.n
	};
	ConnhubStatus status = table->key.n > 0 ? self->sink->key(self->sink, &key) : CONNHUB_OK;

	if (status == CONNHUB_OK)
		status = emit_indexes(self, table);
	if (status == CONNHUB_OK)
		status = emit_foreign_keys(self, table);
	return status;
}

/* ---- Statistics ---- */

/* Rows that ANALYZE counted; -1 when it was not run. */
static ConnhubStatus
estimate_rows(Discovery *self, const Table *table, double *rows, int64_t *bytes)
{
	ConnhubStatus status = CONNHUB_OK;
	sqlite3_stmt *statement;

	*rows = -1;
	*bytes = -1;
	if (table->is_view)
		return status;
	if (self->has_stat1)
	{
		statement = begin(self, STAT1, table->name);
		if (next(self, statement, &status) && text_of(statement, 1))
			*rows = strtod(text_of(statement, 1), NULL);
		sqlite3_reset(statement);
	}
	if (self->has_sizes && status == CONNHUB_OK)
	{
		statement = begin(self, TABLE_SIZE, table->name);
		if (next(self, statement, &status))
			*bytes = sqlite3_column_int64(statement, 0);
		sqlite3_reset(statement);
	}
	return status;
}

/* The second number of an index's line is how many rows share a value of its first column. */
static ConnhubStatus
emit_stats(Discovery *self, const Table *table)
{
	ConnhubStatus status = CONNHUB_OK;
	sqlite3_stmt *statement = begin(self, STAT1, table->name);

	while (status == CONNHUB_OK && next(self, statement, &status))
	{
		ConnhubStatsInfo info = {
			.schema = MAIN, .table = table->name, .null_fraction = -1, .average_width = -1
		};
		const char *index = text_of(statement, 0);
		const char *stat = text_of(statement, 1);
		Names		columns = {0};
		char	   *end;
		double		rows,
					rows_per_value;

		if (index == NULL || stat == NULL)
			continue;
		rows = strtod(stat, &end);
		rows_per_value = strtod(end, NULL);
		if (rows <= 0 || rows_per_value <= 0)
			continue;
		status = collect(self, INDEX_COLUMNS, index, &columns);
		info.distinct_values = rows_per_value <= 1 ? -1 : rows / rows_per_value;
		if (status == CONNHUB_OK && columns.n > 0 && strcmp(columns.names[0], "<expression>") != 0)
		{
			info.column = columns.names[0];
			status = self->sink->stats(self->sink, &info);
		}
		clear_names(&columns);
	}
	sqlite3_reset(statement);
	return status;
}

/* ---- Tables ---- */

/* Can the columns be told at all?  A view over a missing table, or a virtual table without its module, cannot. */
static bool
is_resolvable(Discovery *self, const Table *table)
{
	sqlite3_stmt *statement = begin(self, COLUMNS, table->name);
	int			code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
	{
		sqlite3_reset(statement);
		return true;
	}
	if (self->conn->stop == CONNHUB_OK)
	{
		char		line[512];

		snprintf(line, sizeof(line), "sqlite: \"%s\" is left out: %s", table->name,
				 code == SQLITE_DONE ? "it has no columns" : sqlite3_errmsg(self->conn->db));
		sq_host->log(CONNHUB_LOG_WARNING, line);
	}
	sqlite3_reset(statement);
	return false;
}

static ConnhubStatus
emit_table(Discovery *self, Table *table)
{
	ConnhubTableInfo info = {
		.schema = MAIN, .name = table->name, .kind = table->is_view ? CONNHUB_VIEW : CONNHUB_TABLE
	};
	ConnhubStatus status = CONNHUB_OK;

	if (!is_resolvable(self, table))
		return self->conn->stop == CONNHUB_OK ? CONNHUB_OK : sq_library_error(self->conn, self->error);
	status = estimate_rows(self, table, &info.rows, &info.bytes);
	if (status == CONNHUB_OK)
		status = self->sink->table(self->sink, &info);
	if (status == CONNHUB_OK)
		status = find_rowid_key(self, table);
	if (status == CONNHUB_OK)
		status = emit_columns(self, table);
	if (status == CONNHUB_OK && !table->is_view)
		status = emit_keys(self, table);
	if (status == CONNHUB_OK && !table->is_view && self->has_stat1 && self->request->with_stats)
		status = emit_stats(self, table);
	clear_names(&table->key);
	return status;
}

static ConnhubStatus
emit_tables(Discovery *self)
{
	ConnhubStatus status = CONNHUB_OK;
	sqlite3_stmt *statement = begin(self, TABLES, NULL);

	while (status == CONNHUB_OK && next(self, statement, &status))
	{
		const char *type = text_of(statement, 1);
		Table		table = {
			.name = text_of(statement, 0),
			.without_rowid = sqlite3_column_int(statement, 2) != 0,
			.is_strict = sqlite3_column_int(statement, 3) != 0,
		};

		if (table.name == NULL || type == NULL)
			status = no_memory(self);
		else if (common_like_match(table.name, self->request->table_pattern))
		{
			table.is_view = strcmp(type, "view") == 0;
			status = emit_table(self, &table);
		}
	}
	return status;
}

/* Is there a sqlite_stat1, and is the file small enough for dbstat, which reads all of it? */
static ConnhubStatus
find_sources(Discovery *self)
{
	sqlite3_stmt *statement;
	ConnhubStatus status = sq_prepare(self->conn, "SELECT (SELECT count(*) FROM main.sqlite_schema "
									  "WHERE name = 'sqlite_stat1'), page_count * page_size "
									  "FROM pragma_page_count, pragma_page_size", &statement, self->error);

	if (status != CONNHUB_OK)
		return status;
	if (next(self, statement, &status))
	{
		self->has_stat1 = sqlite3_column_int(statement, 0) > 0;
		self->has_sizes = self->request->with_stats &&
			sqlite3_column_int64(statement, 1) <= MAX_BYTES_FOR_SIZES &&
			sqlite3_compileoption_used("ENABLE_DBSTAT_VTAB");
	}
	sqlite3_finalize(statement);
	return status;
}

ConnhubStatus
sq_discover(ConnhubConn *conn, const ConnhubDiscoverRequest *request, ConnhubSink *sink,
			ConnhubError *error)
{
	Discovery	self = {.conn = conn, .request = request, .sink = sink, .error = error};
	ConnhubSchemaInfo schema = {.name = MAIN};
	ConnhubStatus status;
	int			i;

	if (!common_like_match(MAIN, request->schema_pattern))
		return CONNHUB_OK;
	status = find_sources(&self);
	for (i = 0; i < NSTATEMENTS && status == CONNHUB_OK; i++)
		if ((i != STAT1 || self.has_stat1) && (i != TABLE_SIZE || self.has_sizes))
			status = sq_prepare(conn, statement_text[i], &self.statements[i], error);
	if (status == CONNHUB_OK)
		status = sink->schema(sink, &schema);
	if (status == CONNHUB_OK)
		status = emit_tables(&self);
	for (i = 0; i < NSTATEMENTS; i++)
		sqlite3_finalize(self.statements[i]);
	if (status != CONNHUB_OK && error->status == CONNHUB_OK)
		fail_as(error, status, "discovery was stopped");
	return status;
}
