/* fdw/import.h — the commands that make a discovered table a foreign table. */
#ifndef CH_FDW_IMPORT_H
#define CH_FDW_IMPORT_H

#include "nodes/parsenodes.h"

#include "catalog/cat_remote.h"

typedef struct ChImportOptions
{
	bool		include_views;
	bool		import_collate;
	bool		import_not_null;
} ChImportOptions;

#define CH_IMPORT_DEFAULTS	((ChImportOptions) {true, true, true})

/* Do the options ask for relations of this kind? */
extern bool ch_import_wants_kind(ConnhubTableKind kind, const ChImportOptions *options);

/* Local names given so far: no two are the same, none is longer than PostgreSQL allows. */
typedef struct ChImportNames ChImportNames;
extern ChImportNames *ch_import_names_create(void);

/* A local name for a remote one: the same, unless it is too long or taken. */
extern char *ch_import_name(ChImportNames *names, const char *remote);

/* The same for the columns of a table: what the system's are called is taken. */
extern ChImportNames *ch_import_columns_create(void);

/* Local names of a table's columns, one per column. */
extern char **ch_import_column_names(const ChRemoteTable *table);

/* May it be attached?  Warns, naming the reason, when no foreign table can stand for it. */
extern bool ch_import_check(const ChRemoteTable *table);

/* A column's definition.  Warns when its type cannot be used, and takes text instead. */
extern char *ch_import_column_sql(const ChRemoteColumn *column, const char *name, const ChImportOptions *options);

/* CREATE FOREIGN TABLE.  schema NULL: name is not qualified. */
extern char *ch_import_create_sql(const ChRemoteTable *table, const char *server, const char *schema,
								  const char *name, char **columns, const ChImportOptions *options);

/* COMMENT ON commands for what has a comment at the source: a List of char *. */
extern List *ch_import_comment_sql(const ChRemoteTable *table, const char *schema, const char *name,
								   char **columns);

/* Throws, saying what to discover, unless the schema was discovered. */
extern void ch_import_require_schema(const ChConnector *connector, const char *schema);

/* FdwRoutine.ImportForeignSchema */
extern List *ch_import_foreign_schema(ImportForeignSchemaStmt *statement, Oid server);

#endif
