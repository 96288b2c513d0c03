/* fdw/import.c — IMPORT FOREIGN SCHEMA, and the commands it shares with connhub.attach.
 *
 * What is imported is what was discovered: nothing here talks to the source.  Names and types of the
 * source are untrusted: names reach a command quoted, types are printed from PostgreSQL's own
 * catalogue, and a source's default expressions are left alone, since they would be run here. */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "foreign/fdwapi.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "batch/typemap.h"
#include "common/compat.h"
#include "common/error.h"
#include "fdw/import.h"
#include "fdw/option.h"

struct ChImportNames
{
	HTAB	   *taken;			/* of char[NAMEDATALEN] */
};

/* ---- Names ------------------------------------------------------------------------------- */

ChImportNames *
ch_import_names_create(void)
{
	ChImportNames *names = palloc(sizeof(ChImportNames));
	HASHCTL		control = {.keysize = NAMEDATALEN, .entrysize = NAMEDATALEN, .hcxt = CurrentMemoryContext};

	names->taken = hash_create("connhub local names", 64, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	return names;
}

char *
ch_import_name(ChImportNames *names, const char *remote)
{
	int			length = strlen(remote);

	for (int i = 1;; i++)
	{
		char		suffix[16] = "";
		char		name[NAMEDATALEN];
		int			kept;
		bool		found;

		if (i > 1)
			snprintf(suffix, sizeof(suffix), "_%d", i);
		kept = pg_mbcliplen(remote, length, NAMEDATALEN - 1 - strlen(suffix));
		snprintf(name, sizeof(name), "%.*s%s", kept, remote, suffix);
		hash_search(names->taken, name, HASH_ENTER, &found);
		if (!found)
			return pstrdup(name);
	}
}

ChImportNames *
ch_import_columns_create(void)
{
	static const char *const system_columns[] = {"tableoid", "cmax", "xmax", "cmin", "xmin", "ctid"};
	ChImportNames *names = ch_import_names_create();

	for (int i = 0; i < lengthof(system_columns); i++)
		(void) ch_import_name(names, system_columns[i]);
	return names;
}

char **
ch_import_column_names(const ChRemoteTable *table)
{
	ChImportNames *names = ch_import_columns_create();
	char	  **columns = palloc(sizeof(char *) * Max(table->ncolumns, 1));

	for (int i = 0; i < table->ncolumns; i++)
		columns[i] = ch_import_name(names, table->columns[i].name);
	hash_destroy(names->taken);
	return columns;
}

/* ---- Commands ---------------------------------------------------------------------------- */

bool
ch_import_wants_kind(ConnhubTableKind kind, const ChImportOptions *options)
{
	return options->include_views || (kind != CONNHUB_VIEW && kind != CONNHUB_MATVIEW);
}

bool
ch_import_check(const ChRemoteTable *table)
{
	const char *reason = NULL;

	if (table->name[0] == '\0')
		reason = "Its name is empty.";
	else if (table->ncolumns > MaxHeapAttributeNumber)
		reason = psprintf("It has %d columns, and a table can have at most %d.", table->ncolumns,
						  MaxHeapAttributeNumber);
	for (int i = 0; i < table->ncolumns && reason == NULL; i++)
		if (table->columns[i].name[0] == '\0')
			reason = "One of its columns has an empty name.";
	if (reason)
		ereport(WARNING,
				(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
				 errmsg("remote table \"%s\".\"%s\" is left out", table->schema, table->name),
				 errdetail("%s", reason)));
	return reason == NULL;
}

static void
append_option(StringInfo sql, const char *name, const char *value)
{
	appendStringInfo(sql, "%s %s", name, quote_literal_cstr(value));
}

/* COLLATE, when PostgreSQL has a collation of the very name the source uses and it may be used here. */
static void
append_collation(StringInfo sql, const ChRemoteColumn *column)
{
	if (column->collation == NULL || strlen(column->collation) >= NAMEDATALEN ||
		strcmp(column->collation, "default") == 0 || !type_is_collatable(ch_typemap_pg_oid(&column->type)))
		return;
	if (OidIsValid(get_collation_oid(list_make2(makeString("pg_catalog"), makeString(column->collation)), true)))
		appendStringInfo(sql, " COLLATE pg_catalog.%s", quote_identifier(column->collation));
}

/* The type of a column here.  One that is not there any more, or that the user may not use, does not lose
 * the rest: the values are read as text. */
static ConnhubTypeRef
import_type(const ChRemoteColumn *column)
{
	static const ConnhubTypeRef text = {.type = CONNHUB_TEXT, .precision = -1, .pg_type = "text"};
	Oid			type = ch_typemap_pg_oid(&column->type);
	const char *reason = NULL;

	if (type == TEXTOID && column->type.pg_type != NULL && strcmp(column->type.pg_type, "text") != 0)
		reason = "There is no such type here any more.";
	else if (!ch_compat_type_usable(type, GetUserId()))
		reason = "Its type or its type's schema is not open to you.";
	if (reason == NULL)
		return column->type;
	ereport(WARNING,
			(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
			 errmsg("column \"%s\" of type %s is read as text", column->name, column->pg_type_full),
			 errdetail("%s", reason)));
	return text;
}

char *
ch_import_column_sql(const ChRemoteColumn *column, const char *name, const ChImportOptions *options)
{
	ConnhubTypeRef type = import_type(column);
	StringInfoData sql;

	/* The remote name is given even when it is the same, so that a column can be renamed here. */
	initStringInfo(&sql);
	appendStringInfo(&sql, "%s %s OPTIONS (", quote_identifier(name), ch_typemap_ddl(&type));
	append_option(&sql, CH_OPTION_COLUMN, column->name);
	appendStringInfoChar(&sql, ')');
	if (options->import_collate)
		append_collation(&sql, column);
	if (options->import_not_null && column->not_null)
		appendStringInfoString(&sql, " NOT NULL");
	return sql.data;
}

char *
ch_import_create_sql(const ChRemoteTable *table, const char *server, const char *schema, const char *name,
					 char **columns, const ChImportOptions *options)
{
	const char *separator = "";
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE FOREIGN TABLE %s (", quote_qualified_identifier(schema, name));
	for (int i = 0; i < table->ncolumns; i++)
	{
		appendStringInfo(&sql, "%s\n\t%s", separator, ch_import_column_sql(&table->columns[i], columns[i], options));
		separator = ",";
	}
	appendStringInfo(&sql, "\n) SERVER %s OPTIONS (", quote_identifier(server));
	append_option(&sql, CH_OPTION_SCHEMA, table->schema);
	appendStringInfoString(&sql, ", ");
	append_option(&sql, CH_OPTION_TABLE, table->name);
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

List *
ch_import_comment_sql(const ChRemoteTable *table, const char *schema, const char *name, char **columns)
{
	const char *qualified = quote_qualified_identifier(schema, name);
	List	   *commands = NIL;

	if (table->comment)
		commands = lappend(commands, psprintf("COMMENT ON FOREIGN TABLE %s IS %s", qualified,
											  quote_literal_cstr(table->comment)));
	for (int i = 0; i < table->ncolumns; i++)
		if (table->columns[i].comment)
			commands = lappend(commands, psprintf("COMMENT ON COLUMN %s.%s IS %s", qualified,
												  quote_identifier(columns[i]),
												  quote_literal_cstr(table->columns[i].comment)));
	return commands;
}

/* ---- IMPORT FOREIGN SCHEMA --------------------------------------------------------------- */

void
ch_import_require_schema(const ChConnector *connector, const char *schema)
{
	List	   *schemas = ch_remote_schemas_load(connector);
	const char **candidates;
	const char *closest;
	int			n = 0;
	ListCell   *cell;

	if (schemas == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_SCHEMA_NOT_FOUND),
				 errmsg("nothing has been discovered from connector \"%s\" yet", connector->name),
				 errhint("Run SELECT connhub.discover(%s) first.", quote_literal_cstr(connector->name))));
	if (schema == NULL)
		return;

	candidates = palloc(sizeof(char *) * list_length(schemas));
	foreach(cell, schemas)
	{
		candidates[n] = (const char *) lfirst(cell);
		if (strcmp(candidates[n++], schema) == 0)
			return;
	}
	closest = ch_closest(schema, candidates, n);
	ereport(ERROR,
			(errcode(ERRCODE_FDW_SCHEMA_NOT_FOUND),
			 errmsg("schema \"%s\" has not been discovered from connector \"%s\"", schema, connector->name),
			 closest ? errhint("Perhaps you meant the schema \"%s\".", closest) :
			 errhint("Run SELECT connhub.discover(%s) if it is new at the source; connhub.schemas(%s) lists what is known.",
					 quote_literal_cstr(connector->name), quote_literal_cstr(connector->name))));
}

static void
parse_options(List *definitions, ChImportOptions *options)
{
	struct
	{
		const char *name;
		bool	   *value;
	}			known[] = {
		{"import_collate", &options->import_collate},
		{"import_not_null", &options->import_not_null},
		{"include_views", &options->include_views},
	};
	const char *names[lengthof(known)];
	ListCell   *cell;

	for (int i = 0; i < lengthof(known); i++)
		names[i] = known[i].name;
	foreach(cell, definitions)
	{
		DefElem    *definition = lfirst_node(DefElem, cell);
		const char *closest;
		int			i = 0;

		while (i < lengthof(known) && strcmp(known[i].name, definition->defname) != 0)
			i++;
		if (i < lengthof(known))
		{
			*known[i].value = defGetBoolean(definition);
			continue;
		}
		closest = ch_closest(definition->defname, names, lengthof(names));
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("invalid option \"%s\" of IMPORT FOREIGN SCHEMA", definition->defname),
				 closest ? errhint("Perhaps you meant the option \"%s\".", closest) :
				 errhint("Valid options are: import_collate, import_not_null, include_views.")));
	}
}

List *
ch_import_foreign_schema(ImportForeignSchemaStmt *statement, Oid server)
{
	const ChConnector *connector = ch_connector_of_server_for(server, GetUserId());
	ChImportOptions options = CH_IMPORT_DEFAULTS;
	ChImportNames *names = ch_import_names_create();
	List	   *commands = NIL;
	ListCell   *cell;

	parse_options(statement->options, &options);
	ch_import_require_schema(connector, statement->remote_schema);
	foreach(cell, ch_remote_tables_load(connector, statement->remote_schema))
	{
		const ChRemoteTable *table = (const ChRemoteTable *) lfirst(cell);
		char	   *name;

		if (!ch_import_wants_kind(table->kind, &options))
			continue;
		name = ch_import_name(names, table->name);
		if (!IsImportableForeignTable(name, statement) || !ch_import_check(table))
			continue;
		commands = lappend(commands, ch_import_create_sql(table, statement->server_name, NULL, name,
														  ch_import_column_names(table), &options));
	}
	return commands;
}
