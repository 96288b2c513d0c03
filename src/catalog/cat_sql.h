/* catalog/cat_sql.h — SQL on the catalogue, as the extension's owner, with bound parameters. */
#ifndef CH_CATALOG_CAT_SQL_H
#define CH_CATALOG_CAT_SQL_H

#include "utils/uuid.h"

#include "catalog/catalog.h"

#define CH_SQL_MAX_ARGS 24

typedef struct ChSql
{
	ChAsOwner	before;
	MemoryContext caller;		/* of begin: for what must outlive end */
	int			nargs;
	Oid			types[CH_SQL_MAX_ARGS];
	Datum		values[CH_SQL_MAX_ARGS];
	char		nulls[CH_SQL_MAX_ARGS];
} ChSql;

/* begin … add parameters … run … end.  What SPI_tuptable holds lives until end.  Undone by an error. */
extern void ch_sql_begin(ChSql *sql);
extern void ch_sql_text(ChSql *sql, const char *value);	/* NULL: null */
extern void ch_sql_uuid(ChSql *sql, const pg_uuid_t *value);
extern void ch_sql_value(ChSql *sql, Oid type, Datum value, bool isnull);

/* Rows processed.  Parameters are forgotten, so that another statement may follow. */
extern uint64 ch_sql_run(ChSql *sql, const char *text);
extern void ch_sql_end(ChSql *sql);

#endif
