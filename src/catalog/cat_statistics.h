/* catalog/cat_statistics.h — discovered statistics of columns: the values among them, and a refresh. */
#ifndef CH_CATALOG_CAT_STATISTICS_H
#define CH_CATALOG_CAT_STATISTICS_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "catalog/cat_remote.h"
#include "common/encoding.h"

/* What of a column's statistics only the planner's selectivity functions want. */
typedef struct ChStatisticsValues
{
	float4		correlation;	/* 0: unknown */
	Jsonb	   *most_common;	/* [[value, frequency], ...] or NULL */
	Jsonb	   *histogram;		/* [value, ...] or NULL */
} ChStatisticsValues;

/* Read them into the current memory context.  False: none are stored. */
extern bool ch_statistics_values_load(const ChConnector *connector, const ChRemoteTable *table,
									  const char *column, ChStatisticsValues *values);

/* One discovery, or refresh of statistics, of a connector at a time, until the transaction ends.
 * Readers and tests go on. */
extern void ch_statistics_lock(const pg_uuid_t *connector);

/* The columns of remote_statistics that tell of a column's values. */
typedef enum ChStatisticsItem
{
	CH_STATISTICS_NULL_FRACTION,
	CH_STATISTICS_DISTINCT_VALUES,
	CH_STATISTICS_AVERAGE_WIDTH,
	CH_STATISTICS_CORRELATION,
	CH_STATISTICS_MOST_COMMON,	/* JSON as text */
	CH_STATISTICS_HISTOGRAM,	/* JSON as text */
	CH_STATISTICS_ITEMS
} ChStatisticsItem;

/* What a source tells of one column, as it is stored. */
typedef struct ChColumnStatistics
{
	char	   *column;
	Datum		values[CH_STATISTICS_ITEMS];
	bool		nulls[CH_STATISTICS_ITEMS];
} ChColumnStatistics;

/* Take it from the driver's words, which need not last.  False: this database cannot hold the column's name.  Values that
 * it cannot hold are left out. */
extern bool ch_statistics_take(const ConnhubStatsInfo *info, const ChEncoding *encoding, ChColumnStatistics *out);

/* The statistics of one table as its source tells them now. */
typedef struct ChStatisticsRefresh
{
	const char *schema;
	const char *table;
	double		rows;			/* < 0: unknown */
	int64		bytes;			/* < 0: unknown */
	List	   *columns;		/* ChColumnStatistics * */
} ChStatisticsRefresh;

/* Put them in the place of those stored for a discovered table.  Takes the lock. */
extern void ch_statistics_store(const pg_uuid_t *connector, const ChStatisticsRefresh *refresh);

/* Set the rows of a discovered table alone.  Takes the lock. */
extern void ch_statistics_store_rows(const pg_uuid_t *connector, const char *schema, const char *table, double rows);

#endif
