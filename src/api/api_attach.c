/* api/api_attach.c — connhub.attach and connhub.detach.
 *
 * Both run as the caller: making and dropping the foreign tables needs the same rights as by hand,
 * CREATE on the schema and USAGE on the connector's server, or owning the tables. */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

#include "catalog/cat_remote.h"
#include "catalog/cat_store.h"
#include "common/error.h"
#include "fdw/import.h"
#include "fdw/option.h"

PG_FUNCTION_INFO_V1(connhub_attach);
PG_FUNCTION_INFO_V1(connhub_detach);

/* What to do about a foreign table that is already there. */
typedef enum ChIfExists
{
	CH_IF_EXISTS_ERROR,
	CH_IF_EXISTS_REPLACE,
	CH_IF_EXISTS_SKIP
} ChIfExists;

static const char *const if_exists_names[] = {"error", "replace", "skip"};

typedef struct ChAttach
{
	const char *connector;		/* copies: the cached connector does not survive a command */
	Oid			server;
	char	   *server_name;
	char	   *into_schema;
	Oid			namespace;
	const char *prefix;
	Jsonb	   *rename;			/* or NULL */
	ChIfExists	if_exists;
	ChImportOptions options;
	ChImportNames *names;
	ReturnSetInfo *result;
} ChAttach;

/* ---- Choosing tables --------------------------------------------------------------------- */

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Which of `names` the patterns choose.  A pattern is a name, or, when there is no such name, a LIKE
 * pattern.  Throws for one that chooses nothing, with the hint when no name is near. */
static bool *
choose(char **names, int nnames, ArrayType *patterns, const char *subject, const char *hint)
{
	bool	   *chosen = palloc0(sizeof(bool) * Max(nnames, 1));
	char	  **sorted;
	Datum	   *elements;
	bool	   *nulls;
	int			nelements;

	if (patterns == NULL)
	{
		memset(chosen, true, sizeof(bool) * nnames);
		return chosen;
	}

	sorted = palloc(sizeof(char *) * Max(nnames, 1));
	memcpy(sorted, names, sizeof(char *) * nnames);
	qsort(sorted, nnames, sizeof(char *), compare_names);
	deconstruct_array(patterns, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &nelements);
	for (int e = 0; e < nelements; e++)
	{
		char	   *pattern;
		bool		is_name;
		bool		found = false;

		if (nulls[e])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("names of tables must not be null"),
					 errhint("Leave the argument out to choose all tables.")));
		pattern = TextDatumGetCString(elements[e]);
		is_name = bsearch(&pattern, sorted, nnames, sizeof(char *), compare_names) != NULL;
		for (int i = 0; i < nnames; i++)
		{
			if (is_name ? strcmp(names[i], pattern) != 0 :
				!DatumGetBool(DirectFunctionCall2Coll(textlike, C_COLLATION_OID,
													  CStringGetTextDatum(names[i]), elements[e])))
				continue;
			chosen[i] = true;
			found = true;
		}
		if (!found)
		{
			const char *closest = ch_closest(pattern, (const char *const *) names, nnames);

			ereport(ERROR,
					(errcode(ERRCODE_FDW_TABLE_NOT_FOUND),
					 errmsg("no table \"%s\" in %s", pattern, subject),
					 closest ? errhint("Perhaps you meant the table \"%s\".", closest) :
					 errhint("%s", hint)));
		}
	}
	return chosen;
}

/* The discovered tables asked for, of one schema or of all. */
static List *
choose_tables(const ChConnector *connector, const char *remote_schema, ArrayType *patterns,
			  const ChImportOptions *options)
{
	List	   *schemas = remote_schema ? list_make1(unconstify(char *, remote_schema)) :
		ch_remote_schemas_load(connector);
	List	   *all = NIL;
	List	   *result = NIL;
	const char *subject = remote_schema ?
		psprintf("the discovered schema \"%s\" of connector \"%s\"", remote_schema, connector->name) :
		psprintf("the discovered schemas of connector \"%s\"", connector->name);
	char	  **names;
	bool	   *chosen;
	int			n = 0;
	ListCell   *cell;

	foreach(cell, schemas)
		all = list_concat(all, ch_remote_tables_load(connector, (const char *) lfirst(cell)));

	names = palloc(sizeof(char *) * Max(list_length(all), 1));
	foreach(cell, all)
	{
		ChRemoteTable *table = (ChRemoteTable *) lfirst(cell);

		if (!ch_import_wants_kind(table->kind, options))
			all = foreach_delete_current(all, cell);
		else
			names[n++] = table->name;
	}
	chosen = choose(names, n, patterns, subject,
					"Name tables as they are at the source, or use a LIKE pattern; run connhub.discover if the table is new.");
	for (int i = 0; i < n; i++)
		if (chosen[i])
			result = lappend(result, list_nth(all, i));
	return result;
}

/* ---- Local names ------------------------------------------------------------------------- */

/* The new name of a table among rename's, or NULL. */
static char *
renamed(const ChAttach *attach, const char *table)
{
	JsonbValue	value;

	if (attach->rename == NULL ||
		getKeyJsonValueFromContainer(&attach->rename->root, table, strlen(table), &value) == NULL)
		return NULL;
	if (value.type != jbvString || value.val.string.len == 0 || value.val.string.len >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the new name of table \"%s\" is not a name", table),
				 errhint("Each member of rename is the local name of a table, as a string of 1 to %d bytes.",
						 NAMEDATALEN - 1)));
	return pnstrdup(value.val.string.val, value.val.string.len);
}

/* Every member of rename must name a table that is attached. */
static void
require_renames(const ChAttach *attach, List *tables)
{
	const char **names = palloc(sizeof(char *) * Max(list_length(tables), 1));
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	int			n = 0;
	ListCell   *cell;

	if (attach->rename == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(attach->rename))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rename must be a JSON object"),
				 errhint("For example: rename => '{\"ORDERS\": \"orders\"}'.")));
	foreach(cell, tables)
		names[n++] = ((const ChRemoteTable *) lfirst(cell))->name;

	iterator = JsonbIteratorInit(&attach->rename->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		char	   *name;
		const char *closest;
		int			i = 0;

		if (token != WJB_KEY)
			continue;
		name = pnstrdup(value.val.string.val, value.val.string.len);
		while (i < n && strcmp(names[i], name) != 0)
			i++;
		if (i < n)
			continue;
		closest = ch_closest(name, names, n);
		ereport(ERROR,
				(errcode(ERRCODE_FDW_TABLE_NOT_FOUND),
				 errmsg("rename names the table \"%s\", which is not being attached", name),
				 closest ? errhint("Perhaps you meant the table \"%s\".", closest) :
				 errhint("Its members are names at the source, of tables that \"tables\" chooses.")));
	}
}

/* Names of tables that more than one of the schemas has, sorted. */
typedef struct ChAmbiguous
{
	char	  **names;
	int			n;
} ChAmbiguous;

static ChAmbiguous
ambiguous_names(List *tables)
{
	int			n = list_length(tables);
	ChAmbiguous ambiguous = {.names = palloc(sizeof(char *) * Max(n, 1))};
	char	  **sorted = palloc(sizeof(char *) * Max(n, 1));

	for (int i = 0; i < n; i++)
		sorted[i] = ((ChRemoteTable *) list_nth(tables, i))->name;
	qsort(sorted, n, sizeof(char *), compare_names);
	for (int i = 1; i < n; i++)
		if (strcmp(sorted[i - 1], sorted[i]) == 0)
			ambiguous.names[ambiguous.n++] = sorted[i];
	return ambiguous;
}

static char *
local_name(const ChAttach *attach, const ChRemoteTable *table, const ChAmbiguous *ambiguous)
{
	char	   *name = renamed(attach, table->name);

	if (name == NULL)
	{
		if (bsearch(&table->name, ambiguous->names, ambiguous->n, sizeof(char *), compare_names))
			name = psprintf("%s%s_%s", attach->prefix, table->schema, table->name);
		else
			name = psprintf("%s%s", attach->prefix, table->name);
	}
	return ch_import_name(attach->names, name);
}

/* ---- Attaching --------------------------------------------------------------------------- */

static void
run(const char *sql)
{
	int			result = SPI_execute(sql, false, 0);

	if (result < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
}

static void
schema_error_hint(void *arg)
{
	errhint("Name a schema in which you may create tables: into_schema => '...'.");
}

static void
ensure_schema(ChAttach *attach)
{
	ErrorContextCallback context = {.callback = schema_error_hint,.previous = error_context_stack};

	if (attach->into_schema[0] == '\0' || strlen(attach->into_schema) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("the name of the local schema must have 1 to %d bytes", NAMEDATALEN - 1),
				 errhint("Name a schema in which you may create tables: into_schema => '...'.")));
	attach->namespace = get_namespace_oid(attach->into_schema, true);
	if (OidIsValid(attach->namespace))
		return;
	error_context_stack = &context;
	run(psprintf("CREATE SCHEMA %s", quote_identifier(attach->into_schema)));
	error_context_stack = context.previous;
	attach->namespace = get_namespace_oid(attach->into_schema, false);
}

/* Is the relation a foreign table of the server that stands for the same remote table? */
static bool
stands_for(const ChAttach *attach, Oid relation, const ChRemoteTable *table)
{
	ForeignTable *foreign;
	const char *schema;
	const char *name;

	if (get_rel_relkind(relation) != RELKIND_FOREIGN_TABLE)
		return false;
	foreign = GetForeignTable(relation);
	schema = ch_option_of(foreign->options, CH_OPTION_SCHEMA);
	name = ch_option_of(foreign->options, CH_OPTION_TABLE);
	if (name == NULL)
		name = get_rel_name(relation);
	return foreign->serverid == attach->server && strcmp(name, table->name) == 0 &&
		(schema == NULL || strcmp(schema, table->schema) == 0);
}

static const char *
attach_table(const ChAttach *attach, const ChRemoteTable *table, const char *name)
{
	Oid			existing = get_relname_relid(name, attach->namespace);
	char	  **columns = ch_import_column_names(table);
	const char *action = "created";
	ListCell   *cell;

	if (OidIsValid(existing))
	{
		if (attach->if_exists == CH_IF_EXISTS_ERROR || !stands_for(attach, existing, table))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_TABLE),
					 errmsg("relation \"%s\" already exists in schema \"%s\"", name, attach->into_schema),
					 attach->if_exists == CH_IF_EXISTS_ERROR ?
					 errhint("Use if_exists => 'skip' or 'replace', or another into_schema, prefix or rename.") :
					 errdetail("It does not stand for table \"%s\".\"%s\" of connector \"%s\".",
							   table->schema, table->name, attach->connector),
					 attach->if_exists == CH_IF_EXISTS_ERROR ? 0 :
					 errhint("Use another into_schema, prefix or rename.")));
		if (attach->if_exists == CH_IF_EXISTS_SKIP)
			return "skipped";
		run(psprintf("DROP FOREIGN TABLE %s", quote_qualified_identifier(attach->into_schema, name)));
		action = "replaced";
	}

	run(ch_import_create_sql(table, attach->server_name, attach->into_schema, name, columns, &attach->options));
	foreach(cell, ch_import_comment_sql(table, attach->into_schema, name, columns))
		run((const char *) lfirst(cell));
	return action;
}

static void
attach_all(ChAttach *attach, List *tables)
{
	ChAmbiguous ambiguous = ambiguous_names(tables);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "connhub attach", ALLOCSET_DEFAULT_SIZES);
	ListCell   *cell;

	attach->names = ch_import_names_create();
	ensure_schema(attach);
	foreach(cell, tables)
	{
		const ChRemoteTable *table = (const ChRemoteTable *) lfirst(cell);
		Datum		values[4];
		bool		nulls[4] = {false};
		MemoryContext old;
		char	   *name;

		CHECK_FOR_INTERRUPTS();
		old = MemoryContextSwitchTo(context);
		name = local_name(attach, table, &ambiguous);
		if (ch_import_check(table))
		{
			values[0] = CStringGetTextDatum(attach->into_schema);
			values[1] = CStringGetTextDatum(name);
			values[2] = Int32GetDatum(table->ncolumns);
			values[3] = CStringGetTextDatum(attach_table(attach, table, name));
			tuplestore_putvalues(attach->result->setResult, attach->result->setDesc, values, nulls);
		}
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
}

static ChIfExists
parse_if_exists(const char *text)
{
	const char *closest;

	for (int i = 0; i < lengthof(if_exists_names); i++)
		if (strcmp(if_exists_names[i], text) == 0)
			return (ChIfExists) i;
	closest = ch_closest(text, if_exists_names, lengthof(if_exists_names));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value \"%s\" for if_exists", text),
			 closest ? errhint("Perhaps you meant '%s'.", closest) :
			 errhint("Use 'error', 'replace' or 'skip'.")));
}

static char *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static const char *
connector_argument(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("connector must not be null"),
				 errhint("Name a connector, or give its id.")));
	return text_argument(fcinfo, 0);
}

/* The server of a connector the caller may use. */
static Oid
require_server(const ChConnector *connector)
{
	Oid			server;

	if (!ch_connector_may_use(connector, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for connector \"%s\"", connector->name),
				 errhint("Its owner can GRANT USAGE ON FOREIGN SERVER to you.")));
	server = ch_connector_server(connector);
	if (!OidIsValid(server))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("connector \"%s\" has no foreign server", connector->name),
				 errdetail("It was dropped with DROP SERVER."),
				 errhint("connhub.enable() makes it again.")));
	return server;
}

Datum
connhub_attach(PG_FUNCTION_ARGS)
{
	const ChConnector *connector = ch_connector_require(connector_argument(fcinfo));
	char	   *remote_schema = text_argument(fcinfo, 1);
	ArrayType  *patterns = PG_ARGISNULL(2) ? NULL : PG_GETARG_ARRAYTYPE_P(2);
	char	   *if_exists = text_argument(fcinfo, 6);
	ChAttach	attach = {.options = CH_IMPORT_DEFAULTS};
	List	   *tables;

	PreventCommandIfReadOnly("connhub.attach()");
	attach.server = require_server(connector);
	attach.server_name = GetForeignServer(attach.server)->servername;
	attach.connector = pstrdup(connector->name);
	attach.into_schema = PG_ARGISNULL(3) ? pstrdup(connector->name) : text_argument(fcinfo, 3);
	attach.prefix = PG_ARGISNULL(4) ? "" : text_argument(fcinfo, 4);
	attach.rename = PG_ARGISNULL(5) ? NULL : PG_GETARG_JSONB_P(5);
	attach.if_exists = parse_if_exists(if_exists ? if_exists : "skip");
	attach.options.include_views = PG_ARGISNULL(7) || PG_GETARG_BOOL(7);

	if (remote_schema == NULL && connector->schema != NULL)
		remote_schema = pstrdup(connector->schema);
	ch_import_require_schema(connector, remote_schema);
	tables = choose_tables(connector, remote_schema, patterns, &attach.options);
	require_renames(&attach, tables);

	InitMaterializedSRF(fcinfo, 0);
	attach.result = (ReturnSetInfo *) fcinfo->resultinfo;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	attach_all(&attach, tables);
	SPI_finish();
	return (Datum) 0;
}

/* ---- Detaching --------------------------------------------------------------------------- */

/* Those of the tables that are in the schema; NULL: all. */
static List *
tables_of_schema(List *tables, const char *schema)
{
	List	   *result = NIL;
	ListCell   *cell;

	if (schema == NULL)
		return tables;
	foreach(cell, tables)
		if (strcmp(((ChServerTable *) lfirst(cell))->schema, schema) == 0)
			result = lappend(result, lfirst(cell));
	return result;
}

Datum
connhub_detach(PG_FUNCTION_ARGS)
{
	const ChConnector *connector = ch_connector_require(connector_argument(fcinfo));
	char	   *schema = text_argument(fcinfo, 1);
	ArrayType  *patterns = PG_ARGISNULL(2) ? NULL : PG_GETARG_ARRAYTYPE_P(2);
	bool		is_cascade = !PG_ARGISNULL(3) && PG_GETARG_BOOL(3);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *attached;
	char	  **names;
	bool	   *chosen;

	PreventCommandIfReadOnly("connhub.detach()");
	if (schema != NULL)
		(void) get_namespace_oid(schema, false);
	attached = tables_of_schema(ch_server_tables(ch_connector_server(connector)), schema);
	names = palloc(sizeof(char *) * Max(list_length(attached), 1));
	for (int i = 0; i < list_length(attached); i++)
		names[i] = ((ChServerTable *) list_nth(attached, i))->name;
	chosen = choose(names, list_length(attached), patterns,
					schema != NULL ?
					psprintf("the foreign tables of connector \"%s\" in schema \"%s\"", connector->name, schema) :
					psprintf("the foreign tables of connector \"%s\"", connector->name),
					"Name foreign tables as they are here, or use a LIKE pattern.");

	InitMaterializedSRF(fcinfo, 0);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	for (int i = 0; i < list_length(attached); i++)
	{
		const ChServerTable *one = list_nth(attached, i);
		Datum		values[3];
		bool		nulls[3] = {false};

		if (!chosen[i])
			continue;
		CHECK_FOR_INTERRUPTS();
		run(psprintf("DROP FOREIGN TABLE %s%s", quote_qualified_identifier(one->schema, one->name),
					 is_cascade ? " CASCADE" : ""));
		values[0] = CStringGetTextDatum(one->schema);
		values[1] = CStringGetTextDatum(one->name);
		values[2] = CStringGetTextDatum("dropped");
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	SPI_finish();
	return (Datum) 0;
}
