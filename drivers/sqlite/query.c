/* query.c — prepare, execute, fetch into ConnhubBatch, end.
 *
 * The library computes a row when it is asked for one, so a cursor holds a position and nothing else;
 * several stand on one connection.  Its text is valid until the next step only, and a batch holds many rows: values are
 * copied into the batch. */
#include "sqlite.h"

#include <string.h>

struct ConnhubCursor
{
	ConnhubConn *conn;
	ConnhubCursor *next;		/* in conn->cursors */
	sqlite3_stmt *statement;
	uint32_t	ncolumns;		/* asked for */
	bool		ended;
	bool		has_row;		/* the statement stands on a row that was not read yet */
};

/* Is there anything but blanks, semicolons and comments? */
static bool
has_more(const char *text)
{
	while (*text)
	{
		if (strncmp(text, "--", 2) == 0)
			text += strcspn(text, "\n");
		else if (strncmp(text, "/*", 2) == 0)
		{
			const char *end = strstr(text + 2, "*/");

			text = end ? end + 2 : text + strlen(text);
		}
		else if (strchr(" \t\r\n\f;", *text))
			text++;
		else
			return true;
	}
	return false;
}

static ConnhubStatus
start(ConnhubCursor *cursor, const ConnhubQuery *query, ConnhubError *error)
{
	ConnhubConn *conn = cursor->conn;
	const char *tail;
	int			ncolumns;
	uint32_t	i;

	conn->stop = CONNHUB_OK;
	if (sqlite3_prepare_v2(conn->db, query->text, -1, &cursor->statement, &tail) != SQLITE_OK)
		return sq_library_error(conn, error);
	if (cursor->statement == NULL || has_more(tail))
		return fail_as(error, CONNHUB_QUERY, "the query must be one statement");
	ncolumns = sqlite3_column_count(cursor->statement);
	if (query->ncolumns > 0 && (uint32_t) ncolumns != query->ncolumns)
		return fail_as(error, CONNHUB_SCHEMA_CHANGED, "query has %d columns, %u were asked for", ncolumns,
					   query->ncolumns);
	for (i = 0; i < query->nparams; i++)
	{
		ConnhubStatus status;

		/* A parameter that nothing in the text refers to has no place to go. */
		if ((int) i >= sqlite3_bind_parameter_count(cursor->statement))
			break;
		status = sq_bind(cursor->statement, (int) i + 1, &query->params[i], error);
		if (status != CONNHUB_OK)
			return status;
	}
	return CONNHUB_OK;
}

ConnhubStatus
sq_execute(ConnhubConn *conn, const ConnhubQuery *query, ConnhubCursor **cursor, ConnhubError *error)
{
	ConnhubCursor *self = sq_host->alloc(sizeof(ConnhubCursor));
	ConnhubStatus status;

	if (self == NULL)
		return fail_no_memory(error);
	memset(self, 0, sizeof(*self));
	self->conn = conn;
	self->ncolumns = query->ncolumns;
	status = start(self, query, error);
	if (status != CONNHUB_OK)
	{
		sqlite3_finalize(self->statement);
		sq_host->free(self);
		return status;
	}
	self->next = conn->cursors;
	conn->cursors = self;
	*cursor = self;
	return CONNHUB_OK;
}

/* Put the statement on its next row; false with status OK at the end. */
static bool
step(ConnhubCursor *cursor, ConnhubStatus *status, ConnhubError *error)
{
	int			code;

	*status = CONNHUB_OK;
	if (cursor->has_row)
		return true;
	if (cursor->ended)
		return false;
	code = sqlite3_step(cursor->statement);
	if (code == SQLITE_ROW)
	{
		cursor->has_row = true;
		return true;
	}
	cursor->ended = true;
	if (code != SQLITE_DONE)
		*status = sq_library_error(cursor->conn, error);
	return false;
}

/* Rows that came before a failure are handed over first: the failure waits for the next call. */
ConnhubStatus
sq_fetch(ConnhubCursor *cursor, ConnhubBatch *batch, ConnhubError *error)
{
	size_t		bytes = 0;
	ConnhubStatus status;

	cursor->conn->stop = CONNHUB_OK;
	if (cursor->ncolumns > 0)
		sq_vector_types(batch);
	while (batch->nrows < batch->capacity && bytes < batch->max_bytes)
	{
		if (!step(cursor, &status, error))
		{
			if (status != CONNHUB_OK)
				return status;
			break;
		}
		if (cursor->ncolumns > 0)
		{
			status = sq_read_row(cursor->statement, batch, &bytes, error);
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
sq_close_cursor(ConnhubCursor *cursor, ConnhubError *error)
{
	ConnhubCursor **link = &cursor->conn->cursors;

	while (*link != cursor)
		link = &(*link)->next;
	*link = cursor->next;
	sqlite3_finalize(cursor->statement);
	sq_host->free(cursor);
	return CONNHUB_OK;
}
