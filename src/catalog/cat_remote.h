/* catalog/cat_remote.h — what discovery found: tables, columns, keys, statistics. */
#ifndef CH_CATALOG_CAT_REMOTE_H
#define CH_CATALOG_CAT_REMOTE_H

#include "nodes/pg_list.h"

#include "catalog/cat_connector.h"

typedef struct ChRemoteColumn
{
	char	   *name;
	int			position;
	char	   *remote_type;
	ConnhubTypeRef type;		/* pg_type filled in */
	char	   *pg_type_full;	/* PostgreSQL type with modifiers, as for DDL */
	bool		not_null;
	bool		generated;
	char	   *default_value;
	char	   *comment;
	char	   *collation;
	double		null_fraction;	/* < 0: unknown */
	double		distinct_values;	/* as pg_statistic.stadistinct; 0: unknown */
	int			average_width;	/* < 0: unknown */
	List	   *derived;		/* kept by fdw/statistics.c: what it made of the column's statistics */
} ChRemoteColumn;

typedef struct ChRemoteKey
{
	ConnhubKeyKind kind;
	int			ncolumns;
	char	  **columns;
} ChRemoteKey;

typedef struct ChRemoteTable
{
	char	   *schema;
	char	   *name;
	ConnhubTableKind kind;
	char	   *comment;
	double		rows;			/* < 0: unknown */
	int64		bytes;			/* < 0: unknown */
	int			ncolumns;
	ChRemoteColumn *columns;	/* by position */
	int			nkeys;
	ChRemoteKey *keys;
	List	   *indexed;		/* of char *: first columns, or expressions, of whole indexes */
	MemoryContext context;		/* it lives in */
} ChRemoteTable;

/* A discovered table; schema NULL means the connector's default schema.  NULL when it was not
 * discovered.  Cached per backend, valid like ChConnector. */
extern const ChRemoteTable *ch_remote_table_get(const ChConnector *connector, const char *schema,
												const char *table);

/* The same, allocated in the current memory context: it lasts over commands. */
extern ChRemoteTable *ch_remote_table_load(const ChConnector *connector, const char *schema, const char *table);

/* Discovered tables of one remote schema, in name order, in the current memory context. */
extern List *ch_remote_tables_load(const ChConnector *connector, const char *schema);

/* Names of the discovered schemas. */
extern List *ch_remote_schemas_load(const ChConnector *connector);

/* The column of a name, or NULL. */
extern const ChRemoteColumn *ch_remote_column_get(const ChRemoteTable *table, const char *name);

/* The names of ConnhubTableKind and ConnhubKeyKind in the catalogue. */
extern const char *const ch_table_kind_names[5];
extern const char *const ch_key_kind_names[3];

extern void ch_remote_cache_init(void);

#endif
