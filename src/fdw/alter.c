/* fdw/alter.c — the commands that bring a foreign table after the table it stands for.
 *
 * A foreign table's owner may have changed it as he likes, and nothing tells his changes from those of the source but
 * the recorded drift: a column is altered only if it still is as some discovery had it, dropped only if it was
 * found removed, added only if it was found added.  Nothing here runs a command. */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "foreign/foreign.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

#include "batch/typemap.h"
#include "catalog/cat_drift.h"
#include "fdw/alter.h"
#include "fdw/import.h"
#include "fdw/option.h"

typedef struct Alter
{
	Relation	relation;
	const ChRemoteTable *remote;
	List	   *drift;			/* ChDriftColumn */
	char	   *table;			/* quoted, with its schema */
	List	   *result;
} Alter;

static void
add(Alter *alter, const char *action, const char *column, char *statement, char *problem)
{
	ChAlteration *alteration = palloc(sizeof(ChAlteration));

	alteration->action = action;
	alteration->object = psprintf("%s.%s", alter->table, quote_identifier(column));
	alteration->statement = statement;
	alteration->problem = problem;
	alter->result = lappend(alter->result, alteration);
}

static char *
alter_column(const Alter *alter, const char *column, const char *what)
{
	return psprintf("ALTER FOREIGN TABLE %s ALTER COLUMN %s %s", alter->table, quote_identifier(column), what);
}

/* ---- What drift says ----------------------------------------------------------------------- */

/* The last that was found of a column, or NULL. */
static const ChDriftColumn *
last_drift(const Alter *alter, const char *name)
{
	const ChDriftColumn *last = NULL;
	ListCell   *cell;

	foreach(cell, alter->drift)
	{
		const ChDriftColumn *column = lfirst(cell);

		if (strcmp(column->name, name) == 0)
			last = column;
	}
	return last;
}

static bool
was_added(const Alter *alter, const char *name)
{
	ListCell   *cell;

	foreach(cell, alter->drift)
	{
		const ChDriftColumn *column = lfirst(cell);

		if (column->is_added && strcmp(column->name, name) == 0)
			return true;
	}
	return false;
}

static bool
had_type(const Alter *alter, const char *name, const char *pg_type)
{
	ListCell   *cell;

	foreach(cell, alter->drift)
	{
		const ChDriftColumn *column = lfirst(cell);

		if (strcmp(column->name, name) == 0 && column->pg_type != NULL && strcmp(column->pg_type, pg_type) == 0)
			return true;
	}
	return false;
}

static bool
had_nullable(const Alter *alter, const char *name, bool is_nullable)
{
	ListCell   *cell;

	foreach(cell, alter->drift)
	{
		const ChDriftColumn *column = lfirst(cell);

		if (strcmp(column->name, name) == 0 && column->has_nullable && column->is_nullable == is_nullable)
			return true;
	}
	return false;
}

/* ---- Columns ------------------------------------------------------------------------------- */

static const char *
remote_name(const Alter *alter, Form_pg_attribute attribute)
{
	const char *name = ch_option_of(GetForeignColumnOptions(RelationGetRelid(alter->relation), attribute->attnum),
									CH_OPTION_COLUMN);

	return name != NULL ? name : pstrdup(NameStr(attribute->attname));
}

/* The type as discovery writes it; NULL for one that discovery makes of nothing. */
static char *
local_type(Form_pg_attribute attribute)
{
	ConnhubTypeRef ref;

	if (get_typtype(attribute->atttypid) == TYPTYPE_DOMAIN)
		return NULL;
	(void) ch_typemap_from_pg(attribute->atttypid, attribute->atttypmod, &ref);
	return ch_typemap_pg_type_full(&ref);
}

/* A collation chosen here stays. */
static char *
type_clause(Form_pg_attribute attribute, const ChRemoteColumn *column)
{
	char	   *type = ch_typemap_ddl(&column->type);

	if (!OidIsValid(attribute->attcollation) || attribute->attcollation == DEFAULT_COLLATION_OID ||
		!type_is_collatable(ch_typemap_pg_oid(&column->type)))
		return psprintf("TYPE %s", type);
	return psprintf("TYPE %s COLLATE %s", type, generate_collation_name(attribute->attcollation));
}

/* Why a type other than the source's is left alone, or NULL. */
static char *
type_problem(const Alter *alter, Form_pg_attribute attribute, const char *local, const ChRemoteColumn *column)
{
	List	   *options = GetForeignColumnOptions(RelationGetRelid(alter->relation), attribute->attnum);
	ListCell   *cell;

	if (local == NULL || !had_type(alter, column->name, local))
		return psprintf("its type %s was chosen here: no discovery that is recorded would have made it",
						format_type_with_typemod(attribute->atttypid, attribute->atttypmod));
	foreach(cell, options)
	{
		const char *name = lfirst_node(DefElem, cell)->defname;

		if (strcmp(name, CH_OPTION_COLUMN) != 0)
			return psprintf("it was given the option \"%s\" here", name);
	}
	return NULL;
}

static void
follow_column(Alter *alter, Form_pg_attribute attribute, const ChRemoteColumn *column)
{
	const char *name = NameStr(attribute->attname);
	char	   *local = local_type(attribute);

	if (local == NULL || strcmp(local, ch_typemap_pg_type_full(&column->type)) != 0)
		add(alter, "alter type", name, alter_column(alter, name, type_clause(attribute, column)),
			type_problem(alter, attribute, local, column));
	if (attribute->attnotnull != column->not_null && had_nullable(alter, column->name, !attribute->attnotnull))
		add(alter, column->not_null ? "set not null" : "drop not null", name,
			alter_column(alter, name, column->not_null ? "SET NOT NULL" : "DROP NOT NULL"), NULL);
}

static void
lose_column(Alter *alter, Form_pg_attribute attribute, const char *remote)
{
	const char *name = NameStr(attribute->attname);
	const ChDriftColumn *last = last_drift(alter, remote);

	add(alter, "drop column", name,
		psprintf("ALTER FOREIGN TABLE %s DROP COLUMN %s", alter->table, quote_identifier(name)),
		last != NULL && last->is_removed ? NULL :
		pstrdup("the source has no such column, but no discovery that is recorded found it removed"));
}

static void
gain_column(Alter *alter, ChImportNames *names, const ChRemoteColumn *column)
{
	ChImportOptions options = CH_IMPORT_DEFAULTS;
	char	   *name = ch_import_name(names, column->name);

	add(alter, "add column", name,
		psprintf("ALTER FOREIGN TABLE %s ADD COLUMN %s", alter->table,
				 ch_import_column_sql(column, name, &options)), NULL);
	if (column->comment != NULL)
		add(alter, "comment", name,
			psprintf("COMMENT ON COLUMN %s.%s IS %s", alter->table, quote_identifier(name),
					 quote_literal_cstr(column->comment)), NULL);
}

List *
ch_alter_table(Oid relation, const ChRemoteTable *remote, List *drift)
{
	Alter		alter = {.remote = remote, .drift = drift};
	ChImportNames *names = ch_import_columns_create();
	bool	   *is_here = palloc0(sizeof(bool) * Max(remote->ncolumns, 1));
	TupleDesc	descriptor;

	alter.relation = table_open(relation, AccessShareLock);
	alter.table = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(alter.relation)),
											 RelationGetRelationName(alter.relation));
	descriptor = RelationGetDescr(alter.relation);
	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
		const ChRemoteColumn *column;
		const char *name;

		if (attribute->attisdropped)
			continue;
		(void) ch_import_name(names, NameStr(attribute->attname));
		name = remote_name(&alter, attribute);
		column = ch_remote_column_get(remote, name);
		if (column == NULL)
		{
			lose_column(&alter, attribute, name);
			continue;
		}
		is_here[column - remote->columns] = true;
		follow_column(&alter, attribute, column);
	}
	for (int i = 0; i < remote->ncolumns; i++)
		if (!is_here[i] && remote->columns[i].name[0] != '\0' && was_added(&alter, remote->columns[i].name))
			gain_column(&alter, names, &remote->columns[i]);
	table_close(alter.relation, AccessShareLock);
	return alter.result;
}
