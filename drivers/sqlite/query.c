/* query.c — execute, fetch into ConnhubBatch, end.
 *
 * The library computes a row when it is asked for one, so a cursor holds a position and nothing else;
 * several stand on one connection.  Its text is valid until the next step only, and a batch holds many rows: values are
 * copied into the batch.  What a write gave back is held by the cursor, as copies of the library's values. */
#include "sqlite.h"

#include <string.h>

struct ConnhubCursor
{
	ConnhubConn *conn;
	ConnhubCursor *next;		/* in conn->cursors */
	sqlite3_stmt *statement;
	uint32_t	ncolumns;		/* asked for */
	bool		ended;
	bool		is_write;
	bool		has_row;		/* the statement stands on a row that was not read yet */
	bool		is_checked;		/* its rows have as many columns as were asked for */
	uint64_t	affected;		/* known at the end of a write */
	SqValues	values;			/* rows held; the statement then only names their columns */
	size_t		at;				/* of the next row in values */
};

static ConnhubCursor *
link_cursor(ConnhubConn *conn, sqlite3_stmt *statement, uint32_t ncolumns)
{
	ConnhubCursor *self = sq_host->alloc(sizeof(ConnhubCursor));

	if (self == NULL)
		return NULL;
	memset(self, 0, sizeof(*self));
	self->conn = conn;
	self->statement = statement;
	self->ncolumns = ncolumns;
	self->next = conn->cursors;
	conn->cursors = self;
	return self;
}

static ConnhubStatus
bind_all(sqlite3_stmt *statement, const ConnhubQuery *query, ConnhubError *error)
{
	ConnhubStatus status = CONNHUB_OK;

	/* A parameter that nothing in the text refers to has no place to go. */
	for (uint32_t i = 0; i < query->nparams && status == CONNHUB_OK; i++)
	{
		if ((int) i >= sqlite3_bind_parameter_count(statement))
			break;
		status = sq_bind(statement, (int) i + 1, &query->params[i], error);
	}
	return status;
}

/* Go to the next row; false with status OK at the end. */
static bool
step(ConnhubCursor *cursor, ConnhubStatus *status, ConnhubError *error)
{
	int			code;

	*status = CONNHUB_OK;
	if (cursor->values.items)
		return cursor->at < cursor->values.n;
	if (cursor->ended)
		return false;
	code = cursor->has_row ? SQLITE_ROW : sqlite3_step(cursor->statement);
	if (code == SQLITE_ROW)
	{
		cursor->has_row = true;
		if (cursor->is_checked || cursor->ncolumns == 0)
			return true;
		/* The statement may have been prepared again. */
		cursor->is_checked = (uint32_t) sqlite3_data_count(cursor->statement) == cursor->ncolumns;
		if (cursor->is_checked)
			return true;
		*status = fail_as(error, CONNHUB_SCHEMA_CHANGED, "query has other columns than were asked for");
	}
	else if (code != SQLITE_DONE)
		*status = sq_library_error(cursor->conn, error);
	else if (cursor->is_write)
		cursor->affected = (uint64_t) sqlite3_changes64(cursor->conn->db);
	cursor->ended = true;
	return false;
}

ConnhubStatus
sq_execute(ConnhubConn *conn, const ConnhubQuery *query, ConnhubCursor **cursor, ConnhubError *error)
{
	sqlite3_stmt *statement;
	ConnhubCursor *self;
	ConnhubStatus status = sq_require_transaction(conn, error);

	if (status == CONNHUB_OK)
		status = sq_acquire(conn, query->text, !query->once, &statement, error);
	if (status != CONNHUB_OK)
		return status;
	if (!sqlite3_stmt_readonly(statement))
		status = sq_require_writable(conn, error);
	if (status == CONNHUB_OK)
		status = bind_all(statement, query, error);
	self = status == CONNHUB_OK ? link_cursor(conn, statement, query->ncolumns) : NULL;
	if (self == NULL)
	{
		sq_release(conn, statement);
		return status == CONNHUB_OK ? fail_no_memory(error) : status;
	}
	if (query->ncolumns > 0 && (uint32_t) sqlite3_column_count(statement) != query->ncolumns)
		status = fail_as(error, CONNHUB_SCHEMA_CHANGED, "query has %d columns, %u were asked for",
						 sqlite3_column_count(statement), query->ncolumns);
	else if (!sqlite3_stmt_readonly(statement))
	{
		/* All changes are made on the way to the first row, and core may never ask for one. */
		self->is_write = true;
		step(self, &status, error);
	}
	if (status != CONNHUB_OK)
	{
		ConnhubError ignored = {0};

		sq_close_cursor(self, &ignored);
		return status;
	}
	*cursor = self;
	return CONNHUB_OK;
}

ConnhubStatus
sq_hold_rows(ConnhubConn *conn, sqlite3_stmt *statement, uint32_t ncolumns, SqValues *values,
			 ConnhubCursor **cursor, ConnhubError *error)
{
	ConnhubCursor *self = link_cursor(conn, statement, ncolumns);

	if (self == NULL)
		return fail_no_memory(error);
	self->values = *values;
	memset(values, 0, sizeof(*values));
	*cursor = self;
	return CONNHUB_OK;
}

static ConnhubStatus
read_row(ConnhubCursor *cursor, SqFill *fill, ConnhubError *error)
{
	sqlite3_value *const *values = cursor->values.items ? &cursor->values.items[cursor->at] : NULL;
	ConnhubStatus status = sq_read_row(cursor->statement, values, fill, error);

	if (status == CONNHUB_OK)
		cursor->at += cursor->ncolumns;
	return status;
}

/* Rows that came before a failure are handed over first: the failure waits for the next call. */
ConnhubStatus
sq_fetch(ConnhubCursor *cursor, ConnhubBatch *batch, ConnhubError *error)
{
	SqFill		fill = {.batch = batch};
	ConnhubStatus status;

	cursor->conn->stop = CONNHUB_OK;
	if (cursor->ncolumns > 0)
		sq_vector_types(batch);
	while (batch->nrows < batch->capacity && fill.bytes < batch->max_bytes)
	{
		if (!step(cursor, &status, error))
		{
			if (status != CONNHUB_OK)
				return status;
			break;
		}
		if (cursor->ncolumns > 0)
		{
			status = read_row(cursor, &fill, error);
			if (status != CONNHUB_OK && batch->nrows > 0 && status != CONNHUB_NO_MEMORY)
			{
				memset(error, 0, sizeof(*error));
				return CONNHUB_OK;
			}
			if (status != CONNHUB_OK)
				return status;
		}
		batch->nrows++;
		cursor->has_row = false;
	}
	return batch->nrows > 0 ? CONNHUB_OK : CONNHUB_DONE;
}

/* An expression has no declared type: whatever it gives can be told as text. */
ConnhubStatus
sq_describe(ConnhubCursor *cursor, void (*found) (void *arg, const char *name, const ConnhubTypeRef *type), void *arg,
			ConnhubError *error)
{
	int			count = sqlite3_column_count(cursor->statement);

	for (int i = 0; i < count; i++)
	{
		const char *name = sqlite3_column_name(cursor->statement, i);
		ConnhubTypeRef type;

		if (name == NULL)
			return fail_no_memory(error);
		sq_type_from_declared(sqlite3_column_decltype(cursor->statement, i), &type);
		found(arg, name, &type);
	}
	cursor->ncolumns = (uint32_t) count;
	return CONNHUB_OK;
}

ConnhubStatus
sq_affected(ConnhubCursor *cursor, uint64_t *rows, ConnhubError *error)
{
	*rows = cursor->affected;
	return CONNHUB_OK;
}

/* The library computes where it is asked to, and waits for nothing but locks, within a bound. */
ConnhubStatus
sq_ready(ConnhubCursor *cursor, ConnhubWait *wait, ConnhubError *error)
{
	return CONNHUB_OK;
}

ConnhubStatus
sq_close_cursor(ConnhubCursor *cursor, ConnhubError *error)
{
	ConnhubCursor **link = &cursor->conn->cursors;

	while (*link != cursor)
		link = &(*link)->next;
	*link = cursor->next;
	sq_release(cursor->conn, cursor->statement);
	sq_free_values(&cursor->values);
	sq_host->free(cursor);
	return CONNHUB_OK;
}
