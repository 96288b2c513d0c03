/* catalog/cat_sql.c — SQL on the catalogue, as the extension's owner.
 *
 * Assumes that the api layer has checked the caller.  Values travel as parameters; the only text put
 * together is quoted identifiers in DDL. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "catalog/cat_sql.h"

void
ch_sql_begin(ChSql *sql)
{
	sql->nargs = 0;
	sql->caller = CurrentMemoryContext;
	ch_catalog_as_owner(&sql->before);
	SPI_connect();
}

void
ch_sql_value(ChSql *sql, Oid type, Datum value, bool isnull)
{
	Assert(sql->nargs < CH_SQL_MAX_ARGS);
	sql->types[sql->nargs] = type;
	sql->values[sql->nargs] = isnull ? (Datum) 0 : value;
	sql->nulls[sql->nargs++] = isnull ? 'n' : ' ';
}

void
ch_sql_text(ChSql *sql, const char *value)
{
	ch_sql_value(sql, TEXTOID, value == NULL ? (Datum) 0 : CStringGetTextDatum(value), value == NULL);
}

void
ch_sql_uuid(ChSql *sql, const pg_uuid_t *value)
{
	ch_sql_value(sql, UUIDOID, UUIDPGetDatum(value), false);
}

uint64
ch_sql_run(ChSql *sql, const char *text)
{
	int			result = SPI_execute_with_args(text, sql->nargs, sql->types, sql->values, sql->nulls,
											   false, 0);

	if (result < 0)
		elog(ERROR, "statement on the catalogue failed: %s", SPI_result_code_string(result));
	sql->nargs = 0;
	return SPI_processed;
}

void
ch_sql_end(ChSql *sql)
{
	SPI_finish();
	ch_catalog_as_before(&sql->before);
}
