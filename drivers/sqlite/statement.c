/* statement.c — prepared statements, kept by their text.
 *
 * To prepare takes longer than to look a row up by its key, so statements that may come again are kept, those used
 * last.  One that is reset holds no lock and no snapshot.  The library prepares it again by itself when the schema
 * has changed. */
#include "sqlite.h"

#include <string.h>

/* A longer text, with a thousand constants in it, hardly comes again. */
#define LONGEST_KEPT 65536

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

static SqKept *
find(ConnhubConn *conn, const char *text)
{
	for (int i = 0; i < SQ_KEPT; i++)
	{
		SqKept	   *kept = &conn->kept[i];

		if (kept->statement && !kept->in_use && strcmp(sqlite3_sql(kept->statement), text) == 0)
			return kept;
	}
	return NULL;
}

/* Where a new statement may be kept: a free place, or that of the one not used for longest; NULL when all are in use. */
static SqKept *
make_place(ConnhubConn *conn)
{
	SqKept	   *oldest = NULL;

	for (int i = 0; i < SQ_KEPT; i++)
	{
		SqKept	   *kept = &conn->kept[i];

		if (kept->statement == NULL)
			return kept;
		if (!kept->in_use && (oldest == NULL || kept->last_use < oldest->last_use))
			oldest = kept;
	}
	if (oldest)
	{
		sqlite3_finalize(oldest->statement);
		oldest->statement = NULL;
	}
	return oldest;
}

ConnhubStatus
sq_acquire(ConnhubConn *conn, const char *text, bool keep, sqlite3_stmt **statement, ConnhubError *error)
{
	SqKept	   *kept;
	const char *tail;

	keep = keep && strlen(text) <= LONGEST_KEPT;
	kept = keep ? find(conn, text) : NULL;
	conn->stop = CONNHUB_OK;
	if (kept == NULL)
	{
		if (sqlite3_prepare_v3(conn->db, text, -1, keep ? SQLITE_PREPARE_PERSISTENT : 0, statement, &tail) != SQLITE_OK)
			return sq_library_error(conn, error);
		if (*statement == NULL || has_more(tail))
		{
			sqlite3_finalize(*statement);
			*statement = NULL;
			return fail_as(error, CONNHUB_QUERY, "the query must be one statement");
		}
		/* What follows the statement is no part of the text that the library keeps. */
		if (!keep || *tail != '\0')
			return CONNHUB_OK;
		kept = make_place(conn);
		if (kept == NULL)
			return CONNHUB_OK;
		kept->statement = *statement;
	}
	kept->in_use = true;
	kept->last_use = ++conn->uses;
	*statement = kept->statement;
	return CONNHUB_OK;
}

void
sq_release(ConnhubConn *conn, sqlite3_stmt *statement)
{
	for (int i = 0; statement && i < SQ_KEPT; i++)
	{
		SqKept	   *kept = &conn->kept[i];

		if (kept->statement != statement)
			continue;
		sqlite3_reset(statement);
		sqlite3_clear_bindings(statement);
		kept->in_use = false;
		return;
	}
	sqlite3_finalize(statement);
}

void
sq_forget_statements(ConnhubConn *conn)
{
	for (int i = 0; i < SQ_KEPT; i++)
	{
		sqlite3_finalize(conn->kept[i].statement);
		conn->kept[i].statement = NULL;
	}
}
