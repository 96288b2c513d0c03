/* copy_in.c — rows of an INSERT by COPY.
 *
 * In text: each value is then read by the column's own type, so nothing depends on whether the type is still the one
 * that was discovered.  COPY and INSERT differ: COPY knows no rules, is refused under row-level security, and writes
 * an identity column that is GENERATED ALWAYS without a word.  Whether any of these is so is asked once in a
 * transaction for each statement; the lock of the first rows keeps the answer true. */
#include "pg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_ROWS	16			/* fewer are not worth leaving the pipeline mode */
#define CHUNK_BYTES	65536

/* ---- May it? ----------------------------------------------------------------------------- */

bool
pg_suits_copy_in(ConnhubConn *conn, const ConnhubWrite *write, const ConnhubRows *rows)
{
	if (!conn->has_copy || write->kind != CONNHUB_INSERT || !write->is_plain_table || write->nreturning > 0 ||
		write->skip_conflicts || write->ncolumns == 0 || rows->nrows < LEAST_ROWS)
		return false;
	for (uint32_t i = 0; i < write->ncolumns; i++)
	{
		const ConnhubColumn *column = write->columns[i];

		/* A value of another type would be converted by INSERT, not read. */
		if (column->type.type != column->natural.type || !column->type.pg_type || !column->natural.pg_type ||
			strcmp(column->type.pg_type, column->natural.pg_type) != 0)
			return false;
	}
	return true;
}

#define TABLE_QUERY \
	"SELECT (c.relkind = 'r' AND NOT c.relhasrules AND NOT pg_catalog.row_security_active(c.oid))::text, " \
	"(SELECT a.attname FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attidentity = 'a' LIMIT 1) " \
	"FROM (SELECT 1) one LEFT JOIN (pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace) " \
	"ON n.nspname = $1 AND c.relname = $2"

ConnhubStatus
pg_may_copy_in(ConnhubConn *conn, const ConnhubWrite *write, PgStatement *statement, ConnhubError *error)
{
	const char *schema = write->schema ? write->schema : conn->schema;
	const char *values[2] = {schema ? schema : "public", write->table};
	PGresult   *row = NULL;
	ConnhubStatus status;

	if (conn->transaction > 0 && statement->copies_in == conn->transaction)
		return CONNHUB_OK;
	status = pg_one_row(conn, TABLE_QUERY, values, 2, PG_SEND_BARE, &row, error);
	if (status == CONNHUB_OK)
	{
		statement->copies_in = conn->transaction;
		statement->is_copied = !PQgetisnull(row, 0, 0) && PQgetvalue(row, 0, 0)[0] == 't';
		for (uint32_t i = 0; i < write->ncolumns && !PQgetisnull(row, 0, 1); i++)
			if (strcmp(PQgetvalue(row, 0, 1), write->columns[i]->name) == 0)
				statement->is_copied = false;
	}
	PQclear(row);
	return status;
}

/* ---- Values ------------------------------------------------------------------------------ */

static void
put_integer(TextWriter *writer, int64_t value)
{
	char		digits[24];
	char	   *p = digits + sizeof(digits);
	uint64_t	left = value < 0 ? -(uint64_t) value : (uint64_t) value;

	do
	{
		*--p = (char) ('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (value < 0)
		*--p = '-';
	text_bytes(writer, p, (size_t) (digits + sizeof(digits) - p));
}

/* So many digits read back as the same number. */
static void
put_real(TextWriter *writer, const ConnhubValue *value)
{
	if (isfinite(value->v.real))
		text_format(writer, "%.*g", value->type.type == CONNHUB_FLOAT32 ? 9 : 17, value->v.real);
	else
		sql_append_plain(writer, value);
}

static void
put_bytes(TextWriter *writer, ConnhubSlice slice)
{
	static const char hex[] = "0123456789abcdef";

	text_string(writer, "\\\\x");
	for (size_t i = 0; i < slice.length; i++)
	{
		unsigned char byte = (unsigned char) slice.data[i];
		const char	pair[2] = {hex[byte >> 4], hex[byte & 15]};

		text_bytes(writer, pair, 2);
	}
}

/* What would end a field or a row, or begin an escape, is escaped. */
static void
put_text(TextWriter *writer, ConnhubSlice slice)
{
	static const char special[] = "\\\n\r\t";
	static const char *const escaped[] = {"\\\\", "\\n", "\\r", "\\t"};
	const char *p = slice.data;
	const char *end = slice.data + slice.length;

	while (p < end)
	{
		const char *start = p;

		while (p < end && *p != '\\' && *p != '\n' && *p != '\r' && *p != '\t')
			p++;
		text_bytes(writer, start, (size_t) (p - start));
		if (p < end)
			text_string(writer, escaped[strchr(special, *p++) - special]);
	}
}

static void
put_value(TextWriter *writer, const ConnhubValue *value)
{
	if (value->is_null)
	{
		text_string(writer, "\\N");
		return;
	}
	switch (value->type.type)
	{
		case CONNHUB_BOOL:
		case CONNHUB_INT16:
		case CONNHUB_INT32:
		case CONNHUB_INT64:
			put_integer(writer, value->v.integer);
			break;
		case CONNHUB_FLOAT32:
		case CONNHUB_FLOAT64:
			put_real(writer, value);
			break;
		case CONNHUB_BYTES:
			put_bytes(writer, value->v.slice);
			break;
		case CONNHUB_DATE:
		case CONNHUB_TIME:
		case CONNHUB_TIMESTAMP:
		case CONNHUB_TIMESTAMPTZ:
		case CONNHUB_INTERVAL:
		case CONNHUB_UUID:
			sql_append_plain(writer, value);
			break;
		default:
			put_text(writer, value->v.slice);
			break;
	}
}

/* ---- COPY -------------------------------------------------------------------------------- */

/* Append the statement: the table and its columns stand in the INSERT, up to the first parenthesis that closes. */
static bool
append_copy(TextWriter *writer, const char *insert)
{
	static const char verb[] = "INSERT INTO ";
	const char *start = insert + sizeof(verb) - 1;
	const char *p = start;
	bool		quoted = false;

	if (strncmp(insert, verb, sizeof(verb) - 1) != 0)
		return false;
	for (; *p && (quoted || *p != ')'); p++)
		quoted ^= *p == '"';
	if (!*p)
		return false;
	text_string(writer, "COPY ");
	text_bytes(writer, start, (size_t) (p - start));
	text_string(writer, ") FROM STDIN");
	return true;
}

/* Read the statement's own answers until it takes rows, or until it is over.  OK: it takes them; DONE: it is over. */
static ConnhubStatus
take_results(ConnhubConn *conn, ConnhubError *error)
{
	PgStream   *stream = &conn->stream;

	for (;;)
	{
		ConnhubStatus status = CONNHUB_OK;
		PGresult   *result;
		ExecStatusType kind;

		while (status == CONNHUB_OK && PQisBusy(conn->pg))
			status = pg_more_input(conn, true, -1, error);
		if (status != CONNHUB_OK)
			return status;
		result = PQgetResult(conn->pg);
		if (!result)
			return PQstatus(conn->pg) == CONNECTION_OK ? CONNHUB_DONE : pg_lost(conn, error);
		kind = PQresultStatus(result);
		if (kind == PGRES_COMMAND_OK)
			stream->affected = strtoull(PQcmdTuples(result), NULL, 10);
		else if (kind == PGRES_FATAL_ERROR)
			pg_note_failure(conn, PG_STEP_QUERY, result);
		PQclear(result);
		if (kind == PGRES_COPY_IN)
			return CONNHUB_OK;
		if (kind != PGRES_COMMAND_OK && kind != PGRES_FATAL_ERROR)
			return pg_lost(conn, error);
	}
}

/* Push a chunk out.  DONE: the source has given up and takes no more. */
static ConnhubStatus
push(ConnhubConn *conn, ConnhubText *chunk, ConnhubError *error)
{
	if (PQputCopyData(conn->pg, chunk->data, (int) chunk->length) != 1)
		return PQstatus(conn->pg) == CONNECTION_OK ? CONNHUB_DONE : pg_lost(conn, error);
	chunk->length = 0;
	return pg_flush(conn, error);
}

static ConnhubStatus
push_rows(ConnhubConn *conn, const ConnhubRows *rows, ConnhubError *error)
{
	ConnhubText chunk = {0};
	TextWriter	writer;
	ConnhubStatus status = CONNHUB_OK;

	text_begin(&writer, pg_host, &chunk);
	for (uint32_t i = 0; i < rows->nrows && status == CONNHUB_OK; i++)
	{
		const ConnhubValue *values = rows->values + (size_t) i * rows->ncolumns;

		for (uint32_t column = 0; column < rows->ncolumns; column++)
		{
			if (column > 0)
				text_char(&writer, '\t');
			put_value(&writer, &values[column]);
		}
		text_char(&writer, '\n');
		if (writer.failed)
			status = fail_no_memory(error);
		else if (chunk.length >= CHUNK_BYTES || i + 1 == rows->nrows)
			status = push(conn, &chunk, error);
	}
	text_free(pg_host, &chunk);
	return status;
}

/* Send the rows, and whatever comes of it bring the COPY to its end. */
static ConnhubStatus
send_rows(ConnhubConn *conn, const ConnhubRows *rows, ConnhubError *error)
{
	ConnhubError failure = {0};
	ConnhubStatus status = push_rows(conn, rows, &failure);
	bool		is_short = status == CONNHUB_NO_MEMORY;

	if (status == CONNHUB_OK || is_short)
	{
		if (PQputCopyEnd(conn->pg, is_short ? "out of memory" : NULL) < 0 && PQstatus(conn->pg) != CONNECTION_OK)
			return pg_lost(conn, error);
		status = pg_flush(conn, error);
	}
	else if (status != CONNHUB_DONE)
	{
		*error = failure;
		return status;
	}
	if (status == CONNHUB_OK || status == CONNHUB_DONE)
		status = take_results(conn, error);
	if (status == CONNHUB_DONE && is_short)
	{
		*error = failure;
		return CONNHUB_NO_MEMORY;
	}
	return status;
}

static ConnhubStatus
start(ConnhubConn *conn, const char *insert, ConnhubError *error)
{
	ConnhubText copy = {0};
	TextWriter	writer;
	bool		is_insert;
	bool		sent = false;
	ConnhubStatus status;

	text_begin(&writer, pg_host, &copy);
	is_insert = append_copy(&writer, insert);
	status = text_end(&writer);
	if (status == CONNHUB_OK && is_insert)
		sent = PQexitPipelineMode(conn->pg) == 1 &&
			PQsendQueryParams(conn->pg, copy.data, 0, NULL, NULL, NULL, NULL, 0) == 1;
	text_free(pg_host, &copy);
	if (status != CONNHUB_OK)
		return fail_no_memory(error);
	if (!is_insert)
		return fail_as(error, CONNHUB_INTERNAL, "the statement is no INSERT");
	if (!sent)
		return pg_lost(conn, error);
	status = pg_flush(conn, error);
	return status == CONNHUB_OK ? take_results(conn, error) : status;
}

/* Insert rows by COPY instead of the INSERT given.  After a statement's own failure the connection is in its failed
 * transaction; after any other the connection is lost. */
ConnhubStatus
pg_copy_in(ConnhubConn *conn, const char *insert, const ConnhubRows *rows, uint64_t *affected, ConnhubError *error)
{
	ConnhubStatus status = pg_open_transaction(conn, error);

	if (status == CONNHUB_OK)
		status = pg_begin_stream(conn, error);
	if (status != CONNHUB_OK)
		return status;
	status = start(conn, insert, error);
	if (status == CONNHUB_OK)
		status = send_rows(conn, rows, error);
	if (status == CONNHUB_DONE && PQenterPipelineMode(conn->pg) != 1)
		status = pg_lost(conn, error);
	if (status != CONNHUB_DONE)
	{
		conn->lost = true;
		error->connection_lost = true;
		return status;
	}
	conn->stream.active = false;
	*affected = conn->stream.affected;
	return conn->stream.failed ? pg_tell_failure(conn, error) : CONNHUB_OK;
}
