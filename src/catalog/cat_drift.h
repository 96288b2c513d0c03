/* catalog/cat_drift.h — recorded drift, read back for what is done about it. */
#ifndef CH_CATALOG_CAT_DRIFT_H
#define CH_CATALOG_CAT_DRIFT_H

#include "nodes/pg_list.h"

#include "catalog/cat_connector.h"

/* A column that was found added, removed or changed. */
typedef struct ChDriftColumn
{
	char	   *name;
	bool		is_added;
	bool		is_removed;
	char	   *pg_type;		/* before, if that is known */
	bool		has_nullable;
	bool		is_nullable;	/* before */
} ChDriftColumn;

/* The drift of a table's columns, oldest first: ChDriftColumn, in the current memory context. */
extern List *ch_drift_columns_load(const ChConnector *connector, const char *schema, const char *table);

/* Is the last that was found of a table that it was removed? */
extern bool ch_drift_table_removed(const ChConnector *connector, const char *schema, const char *table);

/* A table of the source and the foreign table that stands for it. */
typedef struct ChAttachedTable
{
	char	   *schema;			/* NULL: only the source knows */
	char	   *table;
	Oid			relation;
} ChAttachedTable;

/* All of a connector, by local schema and name: ChAttachedTable. */
extern List *ch_attached_tables_load(const ChConnector *connector);

/* A table that came after the first discovery and is not attached. */
typedef struct ChNewTable
{
	char	   *schema;
	char	   *table;
	char	   *into_schema;	/* where most tables of its schema are attached; NULL: none is */
} ChNewTable;

extern List *ch_new_tables_load(const ChConnector *connector);

#endif
