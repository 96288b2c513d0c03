/* worker/makeway.c — workers give way to whoever wants a database for himself.
 *
 * DROP DATABASE, CREATE DATABASE ... TEMPLATE, ALTER DATABASE ... RENAME and ... SET TABLESPACE fail while another process
 * is connected to the database.  A worker of ours is connected all the time, so it is ended just before, and none is
 * started for a moment.  Only whoever may give such a command can cause it. */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"

#include "common/compat.h"
#include "common/wake.h"
#include "worker/makeway.h"

#define HOLD_MS 10000
#define WAIT_MS 5000

static ProcessUtility_hook_type previous_utility = NULL;

static const char *
option_text(List *options, const char *name)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, name) == 0 && option->arg != NULL)
			return defGetString(option);
	}
	return NULL;
}

/* The database that must have no other session; NULL: this is no such command. */
static const char *
wanted_alone(Node *statement)
{
	if (IsA(statement, DropdbStmt))
		return ((DropdbStmt *) statement)->dbname;
	if (IsA(statement, CreatedbStmt))
		return option_text(((CreatedbStmt *) statement)->options, "template");
	if (IsA(statement, RenameStmt) && ((RenameStmt *) statement)->renameType == OBJECT_DATABASE)
		return ((RenameStmt *) statement)->subname;
	if (IsA(statement, AlterDatabaseStmt) && option_text(((AlterDatabaseStmt *) statement)->options, "tablespace") != NULL)
		return ((AlterDatabaseStmt *) statement)->dbname;
	return NULL;
}

static void
make_way(const char *name)
{
	Oid			database = get_database_oid(name, true);

	if (OidIsValid(database) && database != MyDatabaseId && ch_compat_may_take_database(database))
		ch_wake_make_way(database, HOLD_MS, WAIT_MS);
}

static void
utility(PlannedStmt *planned, const char *text, bool read_only_tree, ProcessUtilityContext context, ParamListInfo params,
		QueryEnvironment *environment, DestReceiver *receiver, QueryCompletion *completion)
{
	const char *name = wanted_alone(planned->utilityStmt);

	if (name != NULL)
		make_way(name);
	if (previous_utility)
		previous_utility(planned, text, read_only_tree, context, params, environment, receiver, completion);
	else
		standard_ProcessUtility(planned, text, read_only_tree, context, params, environment, receiver, completion);
}

void
ch_makeway_init(void)
{
	previous_utility = ProcessUtility_hook;
	ProcessUtility_hook = utility;
}
