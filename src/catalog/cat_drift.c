/* catalog/cat_drift.c — recorded drift, read back for what is done about it. */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/builtins.h"

#include "catalog/cat_drift.h"
#include "catalog/cat_sql.h"

static char *
text_at(HeapTuple tuple, int column)
{
	return SPI_getvalue(tuple, SPI_tuptable->tupdesc, column);
}

/* "t" of a boolean. */
static bool
is_true(const char *text)
{
	return text != NULL && text[0] == 't';
}

List *
ch_drift_columns_load(const ChConnector *connector, const char *schema, const char *table)
{
	List	   *columns = NIL;
	ChSql		sql;
	uint64		count;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, &connector->id);
	ch_sql_text(&sql, schema);
	ch_sql_text(&sql, table);
	count = ch_sql_run(&sql, "SELECT name, change = 'added', change = 'removed', before ->> 'pg_type', before ->> 'nullable'"
					   " FROM connhub_catalog.drift WHERE connector_id = $1 AND schema = $2 AND table_name = $3"
					   " AND kind = 'column' ORDER BY id");
	MemoryContextSwitchTo(sql.caller);
	for (uint64 i = 0; i < count; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		ChDriftColumn *column = palloc(sizeof(ChDriftColumn));
		const char *nullable = text_at(tuple, 5);

		column->name = text_at(tuple, 1);
		column->is_added = is_true(text_at(tuple, 2));
		column->is_removed = is_true(text_at(tuple, 3));
		column->pg_type = text_at(tuple, 4);
		column->has_nullable = nullable != NULL;
		column->is_nullable = is_true(nullable);
		columns = lappend(columns, column);
	}
	ch_sql_end(&sql);
	return columns;
}

bool
ch_drift_table_removed(const ChConnector *connector, const char *schema, const char *table)
{
	ChSql		sql;
	bool		removed;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, &connector->id);
	ch_sql_text(&sql, schema);
	ch_sql_text(&sql, table);
	removed = ch_sql_run(&sql, "SELECT FROM (SELECT change FROM connhub_catalog.drift WHERE connector_id = $1"
						 " AND schema = $2 AND table_name = $3 AND kind = 'table' ORDER BY id DESC LIMIT 1) AS d"
						 " WHERE d.change = 'removed'") > 0;
	ch_sql_end(&sql);
	return removed;
}

List *
ch_attached_tables_load(const ChConnector *connector)
{
	List	   *tables = NIL;
	ChSql		sql;
	uint64		count;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, &connector->id);
	count = ch_sql_run(&sql, "SELECT a.schema, a.table_name, a.relation::oid FROM connhub_catalog.attached_tables($1) AS a"
					   " JOIN pg_class AS c ON c.oid = a.relation ORDER BY c.relnamespace::regnamespace::text, c.relname");
	MemoryContextSwitchTo(sql.caller);
	for (uint64 i = 0; i < count; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		ChAttachedTable *table = palloc(sizeof(ChAttachedTable));
		bool		isnull;

		table->schema = text_at(tuple, 1);
		table->table = text_at(tuple, 2);
		table->relation = DatumGetObjectId(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 3, &isnull));
		tables = lappend(tables, table);
	}
	ch_sql_end(&sql);
	return tables;
}

List *
ch_new_tables_load(const ChConnector *connector)
{
	List	   *tables = NIL;
	ChSql		sql;
	uint64		count;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, &connector->id);
	count = ch_sql_run(&sql,
					   "SELECT t.schema, t.name, (SELECT n.nspname FROM connhub_catalog.attached_tables($1) AS a"
					   "  JOIN pg_class AS c ON c.oid = a.relation JOIN pg_namespace AS n ON n.oid = c.relnamespace"
					   "  WHERE a.schema COLLATE \"C\" = t.schema GROUP BY n.nspname ORDER BY count(*) DESC, 1 LIMIT 1)"
					   " FROM connhub_catalog.remote_table AS t WHERE t.connector_id = $1"
					   " AND EXISTS (SELECT FROM connhub_catalog.drift AS d WHERE d.connector_id = $1"
					   "  AND d.schema = t.schema AND d.table_name = t.name AND d.kind = 'table' AND d.change = 'added')"
					   " AND NOT EXISTS (SELECT FROM connhub_catalog.attached_tables($1) AS a"
					   "  WHERE a.schema COLLATE \"C\" = t.schema AND a.table_name COLLATE \"C\" = t.name)"
					   " ORDER BY t.schema, t.name");
	MemoryContextSwitchTo(sql.caller);
	for (uint64 i = 0; i < count; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		ChNewTable *table = palloc(sizeof(ChNewTable));

		table->schema = text_at(tuple, 1);
		table->table = text_at(tuple, 2);
		table->into_schema = text_at(tuple, 3);
		tables = lappend(tables, table);
	}
	ch_sql_end(&sql);
	return tables;
}
