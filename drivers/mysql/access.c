/* access.c — may this account read what the connector is for?
 *
 * The source's own lists show only tables the account has some privilege on; whether it may read them
 * is found out by reading no row of one. */
#include <string.h>

#include "access.h"
#include "error.h"
#include "rows.h"

#define TABLES_TRIED	20

static ConnhubStatus
require_schema(ConnhubConn *conn, const char *schema, ConnhubError *error)
{
	MyText		text;
	MyRows		rows;
	ConnhubStatus status;

	my_text_init(&text, conn->host);
	my_text_add(&text, "SELECT 1 FROM information_schema.schemata WHERE schema_name = ");
	my_text_add_literal(&text, schema);
	status = my_rows_open(conn, &text, &rows, error);
	if (status != CONNHUB_OK)
		return status;
	status = my_rows_next(&rows, error);
	my_rows_close(&rows);
	if (status == CONNHUB_DONE)
	{
		fail_as(error, CONNHUB_NO_DATABASE, "schema \"%s\" does not exist, or the account may not see it",
				schema);
		fail_hint(error, "Check the connector's schema; the names of schemas are those of databases here.");
		status = CONNHUB_NO_DATABASE;
	}
	return status;
}

/* Queries that read no row of a table each; *count of them, to be freed one by one. */
static ConnhubStatus
list_probes(ConnhubConn *conn, const char *schema, MyText *probes, uint32_t *count, ConnhubError *error)
{
	MyText		text;
	MyRows		rows;
	ConnhubStatus status;

	*count = 0;
	my_text_init(&text, conn->host);
	my_text_add(&text, "SELECT table_name FROM information_schema.tables WHERE table_schema = ");
	my_text_add_literal(&text, schema);
	my_text_add(&text, " AND table_type <> 'SEQUENCE' LIMIT 20");
	status = my_rows_open(conn, &text, &rows, error);
	if (status != CONNHUB_OK)
		return status;
	while ((status = my_rows_next(&rows, error)) == CONNHUB_OK && *count < TABLES_TRIED)
	{
		MyText	   *probe = &probes[(*count)++];

		my_text_init(probe, conn->host);
		my_text_add(probe, "SELECT 1 FROM ");
		my_text_add_name(probe, schema);
		my_text_add(probe, ".");
		my_text_add_name(probe, rows.row[0]);
		my_text_add(probe, " LIMIT 0");
	}
	my_rows_close(&rows);
	return status == CONNHUB_DONE ? CONNHUB_OK : status;
}

static ConnhubStatus
try_probe(ConnhubConn *conn, MyText *probe, ConnhubError *error)
{
	MyRows		rows;
	ConnhubStatus status = my_rows_open(conn, probe, &rows, error);

	if (status != CONNHUB_OK)
		return status;
	status = my_rows_next(&rows, error);
	my_rows_close(&rows);
	return status == CONNHUB_DONE ? CONNHUB_OK : status;
}

/* One readable table is enough.  A view that is broken, or a table that is gone by now, says nothing. */
static ConnhubStatus
try_tables(ConnhubConn *conn, const char *schema, ConnhubError *error)
{
	MyText		probes[TABLES_TRIED];
	uint32_t	count;
	bool		denied = false;
	ConnhubError why;
	ConnhubStatus status = list_probes(conn, schema, probes, &count, error);
	bool		readable = false;

	for (uint32_t i = 0; i < count; i++)
	{
		if (status == CONNHUB_OK && !readable)
		{
			ConnhubStatus tried;

			memset(&why, 0, sizeof(why));
			tried = try_probe(conn, &probes[i], &why);
			readable = tried == CONNHUB_OK;
			if (tried == CONNHUB_PERMISSION && !denied)
			{
				denied = true;
				*error = why;
			}
			else if (why.connection_lost)
			{
				*error = why;
				status = tried;
			}
		}
		my_text_free(&probes[i]);
	}
	if (status == CONNHUB_OK && readable)
		memset(error, 0, sizeof(*error));
	else if (status == CONNHUB_OK && denied)
		status = CONNHUB_PERMISSION;
	return status;
}

ConnhubStatus
my_check_access(ConnhubConn *conn, ConnhubError *error)
{
	const char *schema = conn->schema != NULL ? conn->schema : conn->database;
	ConnhubStatus status = CONNHUB_OK;

	my_io_enter_phase(&conn->io, CONNHUB_PHASE_DATABASE);
	if (schema != NULL)
		status = require_schema(conn, schema, error);
	if (status == CONNHUB_OK && schema != NULL)
	{
		my_io_enter_phase(&conn->io, CONNHUB_PHASE_PERMISSION);
		status = try_tables(conn, schema, error);
	}
	if (status != CONNHUB_OK)
		error->phase = conn->io.phase;
	return status;
}
