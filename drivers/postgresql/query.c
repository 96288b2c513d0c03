/* query.c — running a native query and filling batches from it.
 *
 * Rows come one by one: by COPY when there are many and the query has no parameters, else as results of libpq.
 * It spends some kilobytes on a result, so the text of a small row is copied and its result freed at once; a large one,
 * and any row of a COPY, is kept as long as a vector points into it.  A fetch waits for the first row only and
 * takes along what else has arrived. */
#include "pg.h"

#include <string.h>

typedef struct CursorColumn
{
	ConnhubTypeRef wanted;
	char	   *pg_type;		/* what wanted.pg_type points to */
	PgDecode	decode;
	ConnhubType type;
	bool		points;			/* its vector points into the result */
	bool		is_verbatim;	/* a value is taken as it is: decode need not be called */
} CursorColumn;

/* Rows with more payload than this are kept rather than copied. */
#define COPIED_BYTES	4096

struct ConnhubCursor
{
	ConnhubConn *conn;
	uint32_t	ncolumns;
	CursorColumn *columns;
	bool		is_described;	/* decode and type of the columns are known */
	bool		keeps_results;	/* some vector points into them */
	void	  **kept;			/* what the current batch points into: results, or rows of a COPY */
	uint32_t	nkept;
	uint32_t	max_kept;
	bool		is_copy;
	PGresult   *shape;			/* description of a COPY's rows */
	void	   *peeked;			/* the next row, when ready or describe has come upon it */
	int			peeked_length;	/* of a COPY's */
	PGresult  **stored;			/* all rows, when they were read before: those from `next` on; or NULL */
	uint32_t	nstored;
	uint32_t	next;
};

static void
release_row(const ConnhubCursor *cursor, void *row)
{
	if (cursor->is_copy)
		PQfreemem(row);
	else
		PQclear(row);
}

static void
release_kept(ConnhubCursor *cursor)
{
	for (uint32_t i = 0; i < cursor->nkept; i++)
		release_row(cursor, cursor->kept[i]);
	cursor->nkept = 0;
}

static void
free_cursor(ConnhubCursor *cursor)
{
	release_kept(cursor);
	release_row(cursor, cursor->peeked);
	for (; cursor->next < cursor->nstored; cursor->next++)
		PQclear(cursor->stored[cursor->next]);
	pg_host->free(cursor->stored);
	PQclear(cursor->shape);
	pg_host->free(cursor->kept);
	for (uint32_t i = 0; cursor->columns && i < cursor->ncolumns; i++)
		pg_host->free(cursor->columns[i].pg_type);
	pg_host->free(cursor->columns);
	pg_host->free(cursor);
}

static ConnhubCursor *
make_cursor(ConnhubConn *conn, const ConnhubTypeRef *columns, uint32_t ncolumns)
{
	ConnhubCursor *cursor = pg_host->alloc(sizeof(ConnhubCursor));

	if (!cursor)
		return NULL;
	memset(cursor, 0, sizeof(*cursor));
	cursor->conn = conn;
	cursor->ncolumns = ncolumns;
	if (ncolumns == 0)
		return cursor;
	cursor->columns = pg_host->alloc(sizeof(CursorColumn) * ncolumns);
	if (cursor->columns)
		memset(cursor->columns, 0, sizeof(CursorColumn) * ncolumns);
	for (uint32_t i = 0; cursor->columns && i < ncolumns; i++)
	{
		CursorColumn *column = &cursor->columns[i];

		column->wanted = columns[i];
		if (!column->wanted.pg_type)
			continue;
		column->wanted.pg_type = column->pg_type = pg_strdup(columns[i].pg_type);
		if (!column->pg_type)
		{
			free_cursor(cursor);
			return NULL;
		}
	}
	if (cursor->columns)
		return cursor;
	free_cursor(cursor);
	return NULL;
}

/* Of many rows, and by a statement that COPY takes. */
static bool
suits_copy(const ConnhubConn *conn, const ConnhubQuery *query)
{
	return conn->has_copy && conn->has_savepoints && query->nparams == 0 && !query->few_rows && !query->writes &&
		!query->columns_unknown &&
		strncmp(query->text, "SELECT ", 7) == 0;
}

static ConnhubStatus
send(ConnhubConn *conn, const ConnhubQuery *query, ConnhubCursor *cursor, ConnhubError *error)
{
	int			flags = query->once ? PG_SEND_ONCE : 0;
	PgBound		bound;
	ConnhubStatus status;

	if (suits_copy(conn, query))
	{
		cursor->is_copy = true;
		return pg_copy_send(conn, query->text, &cursor->shape, error);
	}
	status = pg_bind(query->params, query->nparams, &bound, error);
	if (status != CONNHUB_OK)
		return status;
	if (query->columns_unknown)
		flags |= PG_SEND_HEAD;
	else if (!conn->text_results)
		flags |= PG_SEND_BINARY;
	if (query->writes)
		flags |= PG_SEND_WRITES;
	if (query->few_rows && query->nparams > 0)
		flags |= PG_SEND_SMALL;
	status = pg_send(conn, query->text, &bound.params, flags, error);
	pg_unbind(&bound);
	return status;
}

ConnhubStatus
pg_execute(ConnhubConn *conn, const ConnhubQuery *query, ConnhubCursor **result, ConnhubError *error)
{
	ConnhubCursor *cursor;
	ConnhubStatus status;

	if (conn->cursor)
		return fail_as(error, CONNHUB_INTERNAL, "another cursor is open on the connection");
	cursor = make_cursor(conn, query->columns, query->ncolumns);
	if (!cursor)
		return fail_no_memory(error);
	status = send(conn, query, cursor, error);
	if (status != CONNHUB_OK)
	{
		free_cursor(cursor);
		return status;
	}
	conn->cursor = cursor;
	*result = cursor;
	return CONNHUB_OK;
}

ConnhubCursor *
pg_stored_cursor(ConnhubConn *conn, const ConnhubTypeRef *columns, uint32_t ncolumns, PGresult **rows, uint32_t nrows)
{
	ConnhubCursor *cursor = make_cursor(conn, columns, ncolumns);

	if (!cursor)
		return NULL;
	cursor->stored = rows;
	cursor->nstored = nrows;
	conn->cursor = cursor;
	return cursor;
}

/* ---- Fetching ---------------------------------------------------------------------------- */

/* Learn from the first row, or from its description, how each column is to be read. */
static ConnhubStatus
describe(ConnhubCursor *cursor, const PGresult *row, ConnhubError *error)
{
	if (cursor->ncolumns > 0 && (uint32_t) PQnfields(row) != cursor->ncolumns)
		return fail_as(error, CONNHUB_SCHEMA_CHANGED, "the source returned %d columns instead of %u", PQnfields(row),
					   cursor->ncolumns);
	for (uint32_t i = 0; i < cursor->ncolumns; i++)
	{
		CursorColumn *column = &cursor->columns[i];

		column->decode = pg_decoder(PQftype(row, (int) i), cursor->is_copy ? 1 : PQfformat(row, (int) i),
									&column->wanted, &column->type);
		if (!column->decode)
		{
			const PgType *type = pg_type_by_oid(PQftype(row, (int) i));

			fail_as(error, CONNHUB_SCHEMA_CHANGED, "column \"%s\" has another type at the source now",
					PQfname(row, (int) i));
			fail_detail(error, "The source sent type %s instead of %s.",
						type ? type->name : "unknown here", column->wanted.pg_type ? column->wanted.pg_type : "unknown");
			fail_hint(error, "Run connhub.discover, then connhub.apply_drift for the connector.");
			error->column = (int32_t) i;
			return CONNHUB_SCHEMA_CHANGED;
		}
		column->points = column->type == CONNHUB_PGBINARY || (SQL_T(column->type) &
			(SQL_TEXTS | SQL_T(CONNHUB_BYTES) | SQL_T(CONNHUB_UUID) | SQL_T(CONNHUB_JSON))) != 0;
		column->is_verbatim = column->decode == pg_decode_slice;
		cursor->keeps_results |= column->points;
	}
	cursor->is_described = true;
	return CONNHUB_OK;
}

/* Room for one more kept result. */
static bool
reserve_kept(ConnhubCursor *cursor)
{
	uint32_t	room = cursor->max_kept ? cursor->max_kept * 2 : 256;
	void	  **kept;

	if (cursor->nkept < cursor->max_kept)
		return true;
	kept = cursor->kept ? pg_host->realloc(cursor->kept, sizeof(void *) * room) :
		pg_host->alloc(sizeof(void *) * room);
	if (!kept)
		return false;
	cursor->kept = kept;
	cursor->max_kept = room;
	return true;
}

static ConnhubStatus
unreadable(const ConnhubCursor *cursor, uint32_t column, const PGresult *shape, ConnhubError *error)
{
	fail_as(error, CONNHUB_DATA, "a value of column \"%s\" cannot be read", PQfname(shape, (int) column));
	error->column = (int32_t) column;
	return CONNHUB_DATA;
}

/* Move what the last row of the batch points to into the batch's own memory. */
static bool
copy_slices(ConnhubCursor *cursor, ConnhubBatch *batch, size_t payload)
{
	char	   *place = pg_host->batch_alloc(batch, payload > 0 ? payload : 1);

	if (!place)
		return false;
	for (uint32_t i = 0; i < cursor->ncolumns; i++)
	{
		ConnhubSlice *slice = &batch->columns[i].v.slices[batch->nrows];

		if (!cursor->columns[i].points || !CONNHUB_IS_VALID(&batch->columns[i], batch->nrows))
			continue;
		memcpy(place, slice->data, slice->length);
		slice->data = place;
		place += slice->length;
	}
	return true;
}

/* Put a row into the batch, which then owns it.  *bytes grows by its payload. */
static ConnhubStatus
take_row(ConnhubCursor *cursor, PGresult *row, ConnhubBatch *batch, size_t *bytes, ConnhubError *error)
{
	size_t		payload = 0;

	for (uint32_t i = 0; i < cursor->ncolumns; i++)
	{
		CursorColumn *column = &cursor->columns[i];
		ConnhubVector *vector = &batch->columns[i];
		int			length;

		vector->type = column->type;
		if (PQgetisnull(row, 0, (int) i))
			continue;
		length = PQgetlength(row, 0, (int) i);
		if (!column->decode(PQgetvalue(row, 0, (int) i), length, vector, batch->nrows))
		{
			unreadable(cursor, i, row, error);
			PQclear(row);
			return CONNHUB_DATA;
		}
		CONNHUB_SET_VALID(vector, batch->nrows);
		payload += (size_t) length;
	}
	if (cursor->keeps_results && payload > COPIED_BYTES)
		cursor->kept[cursor->nkept++] = row;
	else
	{
		if (cursor->keeps_results && !copy_slices(cursor, batch, payload))
		{
			PQclear(row);
			return fail_no_memory(error);
		}
		PQclear(row);
	}
	*bytes += payload;
	batch->nrows++;
	return CONNHUB_OK;
}

/* The next row, from wherever it is to come. */
static ConnhubStatus
next_row(ConnhubCursor *cursor, bool may_wait, void **row, int *length, ConnhubError *error)
{
	PGresult   *result = NULL;
	char	   *copied = NULL;
	ConnhubStatus status;

	if (cursor->peeked)
	{
		*row = cursor->peeked;
		*length = cursor->peeked_length;
		cursor->peeked = NULL;
		return CONNHUB_OK;
	}
	if (cursor->stored)
	{
		if (cursor->next == cursor->nstored)
			return CONNHUB_DONE;
		*row = cursor->stored[cursor->next++];
		return CONNHUB_OK;
	}
	status = cursor->is_copy ? pg_copy_next(cursor->conn, may_wait, &copied, length, error) :
		pg_next_row(cursor->conn, may_wait, &result, error);
	*row = cursor->is_copy ? (void *) copied : (void *) result;
	return status;
}

/* Add the next row of a result. */
static ConnhubStatus
fetch_result(ConnhubCursor *cursor, ConnhubBatch *batch, size_t *bytes, ConnhubError *error)
{
	void	   *row = NULL;
	int			length;
	ConnhubStatus status = next_row(cursor, batch->nrows == 0, &row, &length, error);

	if (status != CONNHUB_OK)
		return status;
	if (!cursor->is_described)
		status = describe(cursor, row, error);
	if (status == CONNHUB_OK && cursor->keeps_results && !reserve_kept(cursor))
		status = fail_no_memory(error);
	if (status == CONNHUB_OK)
		return take_row(cursor, row, batch, bytes, error);
	PQclear(row);
	return status;
}

static inline uint32_t
load32(const char *data)
{
	const unsigned char *p = (const unsigned char *) data;

	return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 | p[3];
}

/* Put the fields of a COPY's row into the batch.  Nothing behind `end` is read, whatever the row says. */
static ConnhubStatus
take_fields(ConnhubCursor *cursor, const char *field, const char *end, ConnhubBatch *batch, ConnhubError *error)
{
	uint32_t	place = batch->nrows;

	for (uint32_t i = 0; i < cursor->ncolumns; i++)
	{
		CursorColumn *column = &cursor->columns[i];
		ConnhubVector *vector = &batch->columns[i];
		int32_t		length;

		vector->type = column->type;
		if (end - field < 4)
			return fail_as(error, CONNHUB_DATA, "a row from the source is cut off");
		length = (int32_t) load32(field);
		field += 4;
		if (length == -1)
			continue;
		if (length < 0 || length > end - field)
			return fail_as(error, CONNHUB_DATA, "a row from the source is cut off");
		if (column->is_verbatim)
		{
			vector->v.slices[place].data = field;
			vector->v.slices[place].length = (size_t) length;
		}
		else if (!column->decode(field, length, vector, place))
			return unreadable(cursor, i, cursor->shape, error);
		CONNHUB_SET_VALID(vector, place);
		field += length;
	}
	return CONNHUB_OK;
}

/* Add the next row of a COPY. */
static ConnhubStatus
fetch_copied(ConnhubCursor *cursor, ConnhubBatch *batch, size_t *bytes, ConnhubError *error)
{
	void	   *row = NULL;
	int			length = 0;
	ConnhubStatus status = CONNHUB_OK;

	if (!cursor->is_described)
		status = describe(cursor, cursor->shape, error);
	if (status == CONNHUB_OK && !reserve_kept(cursor))
		status = fail_no_memory(error);
	if (status == CONNHUB_OK)
		status = next_row(cursor, batch->nrows == 0, &row, &length, error);
	if (status != CONNHUB_OK)
		return status;
	cursor->kept[cursor->nkept++] = row;
	status = take_fields(cursor, (char *) row + 2, (char *) row + length, batch, error);
	if (status != CONNHUB_OK)
		return status;
	*bytes += (size_t) length;
	batch->nrows++;
	return CONNHUB_OK;
}

ConnhubStatus
pg_fetch(ConnhubCursor *cursor, ConnhubBatch *batch, ConnhubError *error)
{
	size_t		bytes = 0;
	ConnhubStatus status = CONNHUB_OK;

	release_kept(cursor);
	while (status == CONNHUB_OK && batch->nrows < batch->capacity && bytes < batch->max_bytes)
	{
		if ((batch->nrows & 1023) == 1023 && (status = pg_host->cancelled()) != CONNHUB_OK)
			return pg_wait_failed(status, error);
		status = cursor->is_copy ? fetch_copied(cursor, batch, &bytes, error) :
			fetch_result(cursor, batch, &bytes, error);
	}
	if (status == CONNHUB_DATA || status == CONNHUB_NO_MEMORY || status == CONNHUB_SCHEMA_CHANGED)
		return status;

	/* What else ended the loop comes again with the next fetch. */
	return batch->nrows > 0 ? CONNHUB_OK : status;
}

/* Columns that nobody has asked for come as text: any type has such a form. */
static ConnhubStatus
take_columns(ConnhubCursor *cursor, const PGresult *head, ConnhubError *error)
{
	int			count = head ? PQnfields(head) : 0;

	if (count == 0)
		return CONNHUB_OK;
	cursor->columns = pg_host->alloc(sizeof(CursorColumn) * (size_t) count);
	if (!cursor->columns)
		return fail_no_memory(error);
	memset(cursor->columns, 0, sizeof(CursorColumn) * (size_t) count);
	cursor->ncolumns = (uint32_t) count;
	for (int i = 0; i < count; i++)
		pg_result_type(PQftype(head, i), PQfmod(head, i), &cursor->columns[i].wanted);
	return CONNHUB_OK;
}

ConnhubStatus
pg_describe(ConnhubCursor *cursor, void (*found) (void *arg, const char *name, const ConnhubTypeRef *type), void *arg,
			ConnhubError *error)
{
	ConnhubConn *conn = cursor->conn;
	void	   *row = NULL;
	int			length;
	ConnhubStatus status = next_row(cursor, true, &row, &length, error);
	const PGresult *head = status == CONNHUB_OK ? row : conn->head;

	if (status != CONNHUB_OK && status != CONNHUB_DONE)
		return status;
	cursor->peeked = row;
	status = take_columns(cursor, head, error);
	for (uint32_t i = 0; status == CONNHUB_OK && i < cursor->ncolumns; i++)
		found(arg, PQfname(head, (int) i), &cursor->columns[i].wanted);
	return status;
}

ConnhubStatus
pg_close_cursor(ConnhubCursor *cursor, ConnhubError *error)
{
	ConnhubConn *conn = cursor->conn;

	conn->cursor = NULL;
	free_cursor(cursor);
	return pg_finish(conn, error);
}

ConnhubStatus
pg_affected(ConnhubCursor *cursor, uint64_t *rows, ConnhubError *error)
{
	*rows = cursor->conn->stream.affected;
	return CONNHUB_OK;
}

/* The end and an error are there without waiting too: fetch comes upon them again. */
ConnhubStatus
pg_ready(ConnhubCursor *cursor, ConnhubWait *wait, ConnhubError *error)
{
	ConnhubError found = {0};
	void	   *row = NULL;
	int			length = 0;
	ConnhubStatus status = next_row(cursor, false, &row, &length, &found);

	if (status == CONNHUB_OK)
	{
		cursor->peeked = row;
		cursor->peeked_length = length;
	}
	if (status != CONNHUB_WAIT)
		return CONNHUB_OK;
	wait->fd = PQsocket(cursor->conn->pg);
	wait->events = CONNHUB_READABLE;
	wait->timeout_ms = -1;
	return CONNHUB_WAIT;
}
