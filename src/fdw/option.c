/* fdw/option.c — the validator, and the options it let through.
 *
 * What each kind of object takes stands in one table.  The server option "connector" says whose
 * credentials are used, so setting it is a privilege of its own: a user who owns a server must not
 * be able to point it at another's connector. */
#include "postgres.h"

#include "access/reloptions.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "catalog/catalog.h"
#include "common/error.h"
#include "fdw/option.h"

typedef void (*ChOptionCheck) (const char *name, const char *value);

typedef struct ChOptionRow
{
	Oid			catalog;		/* of the objects that take it */
	const char *name;
	ChOptionCheck check;
} ChOptionRow;

static void check_connector(const char *name, const char *value);
static void check_name(const char *name, const char *value);
static void check_rows(const char *name, const char *value);
static void check_boolean(const char *name, const char *value);

static const ChOptionRow option_rows[] = {
	{ForeignServerRelationId, CH_SERVER_OPTION, check_connector},
	{ForeignTableRelationId, CH_OPTION_BATCH_SIZE, check_rows},
	{ForeignTableRelationId, CH_OPTION_FETCH_SIZE, check_rows},
	{ForeignTableRelationId, CH_OPTION_SCHEMA, check_name},
	{ForeignTableRelationId, CH_OPTION_TABLE, check_name},
	{ForeignTableRelationId, CH_OPTION_UPDATABLE, check_boolean},
	{AttributeRelationId, CH_OPTION_COLUMN, check_name},
	{AttributeRelationId, CH_OPTION_KEY, check_boolean},
};

/* What takes no options, or few, and where to go instead. */
static const struct
{
	Oid			catalog;
	const char *kind;
	const char *hint;
} object_kinds[] = {
	{ForeignDataWrapperRelationId, "foreign-data wrapper", "The wrapper takes no options; see connhub.create_connector."},
	{ForeignServerRelationId, "foreign server", "A server's connector is configured with connhub.update_connector."},
	{ForeignTableRelationId, "foreign table", NULL},
	{AttributeRelationId, "column", NULL},
	{UserMappingRelationId, "user mapping", "A user mapping takes no options; credentials are set with connhub.set_credentials."},
};

PG_FUNCTION_INFO_V1(connhub_fdw_validator);

static void pg_attribute_noreturn()
raise_unknown(const char *name, Oid catalog)
{
	const char *candidates[lengthof(option_rows)];
	int			ncandidates = 0;
	const char *kind = "object";
	const char *hint = NULL;
	const char *closest;
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < lengthof(option_rows); i++)
	{
		if (option_rows[i].catalog != catalog)
			continue;
		appendStringInfo(&names, "%s%s", ncandidates > 0 ? ", " : "", option_rows[i].name);
		candidates[ncandidates++] = option_rows[i].name;
	}
	for (int i = 0; i < lengthof(object_kinds); i++)
	{
		if (object_kinds[i].catalog == catalog)
		{
			kind = object_kinds[i].kind;
			hint = object_kinds[i].hint;
		}
	}
	closest = ch_closest(name, candidates, ncandidates);
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			 errmsg("invalid option \"%s\" of a connhub %s", name, kind),
			 closest ? errhint("Perhaps you meant the option \"%s\".", closest) :
			 hint ? errhint("%s", hint) :
			 errhint("Valid options are: %s.", names.data)));
}

Datum
connhub_fdw_validator(PG_FUNCTION_ARGS)
{
	List	   *options = untransformRelOptions(PG_GETARG_DATUM(0));
	Oid			catalog = PG_GETARG_OID(1);
	List	   *rows = NIL;
	bool		has_connector = false;
	ListCell   *cell;
	ListCell   *row_cell;

	/* A misspelt name is told before what a right one may not be. */
	foreach(cell, options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);
		const ChOptionRow *row = NULL;

		for (int i = 0; i < lengthof(option_rows) && row == NULL; i++)
			if (option_rows[i].catalog == catalog && strcmp(option_rows[i].name, option->defname) == 0)
				row = &option_rows[i];
		if (row == NULL)
			raise_unknown(option->defname, catalog);
		rows = lappend(rows, unconstify(ChOptionRow *, row));
	}
	forboth(cell, options, row_cell, rows)
	{
		DefElem    *option = lfirst_node(DefElem, cell);
		const ChOptionRow *row = (const ChOptionRow *) lfirst(row_cell);

		row->check(option->defname, defGetString(option));
		if (row->check == check_connector)
			has_connector = true;
	}
	if (catalog == ForeignServerRelationId && !has_connector)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				 errmsg("a connhub foreign server needs the option \"%s\"", CH_SERVER_OPTION),
				 errhint("Create the connector with connhub.create_connector, which makes the server too.")));
	PG_RETURN_VOID();
}

static void
check_connector(const char *name, const char *value)
{
	pg_uuid_t	id;

	if (!ch_uuid_parse(value, &id))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("invalid value \"%s\" for the option \"%s\"", value, name),
				 errdetail("It is the id of a connector, a UUID."),
				 errhint("Create the connector with connhub.create_connector, which makes the server too.")));
	if (!ch_catalog_has_role(GetUserId(), CH_ROLE_ADMIN))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to set the option \"%s\" of a foreign server", name),
				 errdetail("It decides whose credentials the server uses, so only a member of connhub_admin may set it."),
				 errhint("Create the connector with connhub.create_connector, which makes the server too.")));
}

static void
check_name(const char *name, const char *value)
{
	if (value[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("the option \"%s\" must not be empty", name),
				 errhint("Leave it out to use the default.")));
}

static void
check_boolean(const char *name, const char *value)
{
	bool		result;

	if (!parse_bool(value, &result))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("invalid value \"%s\" for the option \"%s\"", value, name),
				 errhint("Use true or false.")));
}

static void
check_rows(const char *name, const char *value)
{
	char	   *end;
	long		size;

	errno = 0;
	size = strtol(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || size < 1 || size > 1000000)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("invalid value \"%s\" for the option \"%s\"", value, name),
				 errhint("Use a whole number of rows from 1 to 1000000.")));
}

char *
ch_option_of(List *options, const char *name)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, name) == 0)
			return defGetString(option);
	}
	return NULL;
}

int
ch_option_integer(List *options, const ChConnector *connector, const char *name)
{
	const char *own = ch_option_of(options, name);

	return own ? pg_strtoint32(own) : ch_connector_option_integer(connector, name);
}
