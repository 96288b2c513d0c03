/* catalog/cat_statistics.c — discovered statistics of columns: the values among them, and a refresh.
 *
 * Values are read apart from the rest: they are large, and wanted of few columns. */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "catalog/cat_sql.h"
#include "catalog/cat_statistics.h"
#include "catalog/catalog.h"

static Jsonb *
jsonb_or_null(TupleDesc descriptor, HeapTuple tuple, int attribute)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attribute, descriptor, &isnull);

	return isnull ? NULL : DatumGetJsonbPCopy(value);
}

bool
ch_statistics_values_load(const ChConnector *connector, const ChRemoteTable *table, const char *column,
						  ChStatisticsValues *values)
{
	ChScan		scan;
	ScanKeyData keys[4];
	HeapTuple	tuple;
	bool		found;

	memset(values, 0, sizeof(*values));
	ch_scan_key_uuid(&keys[0], Anum_ch_remote_statistics_connector_id, &connector->id);
	ch_scan_key_text(&keys[1], Anum_ch_remote_statistics_schema, table->schema);
	ch_scan_key_text(&keys[2], Anum_ch_remote_statistics_table_name, table->name);
	ch_scan_key_text(&keys[3], Anum_ch_remote_statistics_column_name, column);
	ch_scan_begin(&scan, "remote_statistics", "remote_statistics_pkey", 4, keys);
	tuple = ch_scan_next(&scan);
	found = HeapTupleIsValid(tuple);
	if (found)
	{
		TupleDesc	descriptor = RelationGetDescr(scan.relation);
		bool		isnull;
		Datum		correlation = heap_getattr(tuple, Anum_ch_remote_statistics_correlation, descriptor, &isnull);

		values->correlation = isnull ? 0 : DatumGetFloat4(correlation);
		values->most_common = jsonb_or_null(descriptor, tuple, Anum_ch_remote_statistics_most_common);
		values->histogram = jsonb_or_null(descriptor, tuple, Anum_ch_remote_statistics_histogram);
	}
	ch_scan_end(&scan);
	return found;
}

void
ch_statistics_lock(const pg_uuid_t *connector)
{
	LockDatabaseObject(ch_catalog_relation("remote_schema"), hash_bytes(connector->data, UUID_LEN), 0,
					   ShareUpdateExclusiveLock);
}

static void
take(ChColumnStatistics *out, ChStatisticsItem item, Datum value, bool isnull)
{
	out->values[item] = isnull ? (Datum) 0 : value;
	out->nulls[item] = isnull;
}

static void
take_json(ChColumnStatistics *out, ChStatisticsItem item, const char *json, const ChEncoding *encoding)
{
	char	   *text = ch_encoding_json(encoding, json);

	take(out, item, text == NULL ? (Datum) 0 : CStringGetTextDatum(text), text == NULL);
}

bool
ch_statistics_take(const ConnhubStatsInfo *info, const ChEncoding *encoding, ChColumnStatistics *out)
{
	out->column = ch_encoding_text(encoding, info->column);
	if (out->column == NULL)
		return false;
	take(out, CH_STATISTICS_NULL_FRACTION, Float4GetDatum((float4) info->null_fraction), !(info->null_fraction >= 0));
	take(out, CH_STATISTICS_DISTINCT_VALUES, Float4GetDatum((float4) info->distinct_values), info->distinct_values == 0);
	take(out, CH_STATISTICS_AVERAGE_WIDTH, Int32GetDatum(info->average_width), info->average_width < 0);
	take(out, CH_STATISTICS_CORRELATION, Float4GetDatum((float4) info->correlation), info->correlation == 0);
	take_json(out, CH_STATISTICS_MOST_COMMON, info->most_common, encoding);
	take_json(out, CH_STATISTICS_HISTOGRAM, info->histogram, encoding);
	return true;
}

/* $1 connector, $2 schema, $3 table: what every statement here begins with. */
static void
add_table(ChSql *sql, const pg_uuid_t *connector, const char *schema, const char *table)
{
	ch_sql_uuid(sql, connector);
	ch_sql_text(sql, schema);
	ch_sql_text(sql, table);
}

static void
insert_column(ChSql *sql, const ChColumnStatistics *column)
{
	static const Oid types[CH_STATISTICS_ITEMS] = {FLOAT4OID, FLOAT4OID, INT4OID, FLOAT4OID, TEXTOID, TEXTOID};

	ch_sql_text(sql, column->column);
	for (int i = 0; i < CH_STATISTICS_ITEMS; i++)
		ch_sql_value(sql, types[i], column->values[i], column->nulls[i]);
	ch_sql_run(sql, "INSERT INTO connhub_catalog.remote_statistics (connector_id, schema, table_name, column_name,"
			   " null_fraction, distinct_values, average_width, correlation, most_common, histogram)"
			   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10::jsonb) ON CONFLICT DO NOTHING");
}

void
ch_statistics_store(const pg_uuid_t *connector, const ChStatisticsRefresh *refresh)
{
	ListCell   *cell;
	ChSql		sql;

	ch_statistics_lock(connector);
	ch_sql_begin(&sql);
	add_table(&sql, connector, refresh->schema, refresh->table);
	ch_sql_value(&sql, FLOAT8OID, Float8GetDatum(refresh->rows), refresh->rows < 0);
	ch_sql_value(&sql, INT8OID, Int64GetDatum(refresh->bytes), refresh->bytes < 0);
	ch_sql_run(&sql, "UPDATE connhub_catalog.remote_table SET rows = $4, bytes = $5"
			   " WHERE connector_id = $1 AND schema = $2 AND name = $3");
	add_table(&sql, connector, refresh->schema, refresh->table);
	ch_sql_run(&sql, "DELETE FROM connhub_catalog.remote_statistics"
			   " WHERE connector_id = $1 AND schema = $2 AND table_name = $3");
	foreach(cell, refresh->columns)
	{
		add_table(&sql, connector, refresh->schema, refresh->table);
		insert_column(&sql, lfirst(cell));
	}
	ch_sql_end(&sql);
}

void
ch_statistics_store_rows(const pg_uuid_t *connector, const char *schema, const char *table, double rows)
{
	ChSql		sql;

	ch_statistics_lock(connector);
	ch_sql_begin(&sql);
	add_table(&sql, connector, schema, table);
	ch_sql_value(&sql, FLOAT8OID, Float8GetDatum(rows), false);
	ch_sql_run(&sql, "UPDATE connhub_catalog.remote_table SET rows = $4"
			   " WHERE connector_id = $1 AND schema = $2 AND name = $3");
	ch_sql_end(&sql);
}
