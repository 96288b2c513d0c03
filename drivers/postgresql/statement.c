/* statement.c — the statement texts of a connection: one that is sent a second time is prepared under a name.
 *
 * A bounded number is remembered; the one used longest ago makes room, and its name is deallocated before the slot
 * is used again. */
#include "pg.h"

#include <stdio.h>
#include <string.h>

void
pg_statement_name(char name[32], uint32_t number)
{
	snprintf(name, 32, "connhub_%u", number);
}

/* What the slot named is not used any more. */
void
pg_retire_statement(PgStatement *statement)
{
	if (statement->number != 0)
		statement->stale_number = statement->number;
	statement->number = 0;
	statement->executions = 0;
	statement->last_use = 0;
	pg_host->free(statement->text);
	statement->text = NULL;
}

/* The slot of a statement text, remembered from now on.  NULL: out of memory. */
PgStatement *
pg_find_statement(ConnhubConn *conn, const char *text)
{
	size_t		length = strlen(text);
	PgStatement *found = &conn->statements[0];

	for (int i = 0; i < PG_STATEMENTS; i++)
	{
		PgStatement *statement = &conn->statements[i];

		if (statement->text && statement->length == length && memcmp(statement->text, text, length) == 0)
		{
			statement->executions++;
			statement->last_use = ++conn->uses;
			return statement;
		}
		if (statement->last_use < found->last_use)
			found = statement;
	}
	pg_retire_statement(found);
	found->text = pg_strdup(text);
	if (!found->text)
		return NULL;
	found->length = length;
	found->executions = 1;
	found->last_use = ++conn->uses;
	return found;
}

void
pg_forget_statements(ConnhubConn *conn)
{
	for (int i = 0; i < PG_STATEMENTS; i++)
		pg_host->free(conn->statements[i].text);
	memset(conn->statements, 0, sizeof(conn->statements));
}
