/* fdw/option.h — options of foreign servers, tables and columns; names as postgres_fdw has them. */
#ifndef CH_FDW_OPTION_H
#define CH_FDW_OPTION_H

#include "nodes/pg_list.h"

#include "catalog/cat_connector.h"

#define CH_OPTION_SCHEMA		"schema_name"	/* of a table: remote schema; default: the connector's */
#define CH_OPTION_TABLE			"table_name"	/* of a table: remote name; default: the local one */
#define CH_OPTION_FETCH_SIZE	"fetch_size"	/* of a table: rows; default: the connector's */
#define CH_OPTION_BATCH_SIZE	"batch_size"	/* of a table: rows of a batch of writes; default: the connector's */
#define CH_OPTION_UPDATABLE		"updatable"		/* of a table: may it be written to? default: true */
#define CH_OPTION_KEY			"key"			/* of a column: is it part of what identifies a row? */
#define CH_OPTION_COLUMN		"column_name"	/* of a column: remote name; default: the local one */

/* Value of an option in a list of DefElem, or NULL. */
extern char *ch_option_of(List *options, const char *name);

/* A number of rows: the table's, else its connector's option of the same name. */
extern int	ch_option_integer(List *options, const ChConnector *connector, const char *name);

#endif
