/* catalog/cat_statistics.h — discovered statistics of columns: the values among them, and a refresh. */
#ifndef CH_CATALOG_CAT_STATISTICS_H
#define CH_CATALOG_CAT_STATISTICS_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "catalog/cat_remote.h"

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

/* The statistics of one table as its source tells them now; text in the database's encoding. */
typedef struct ChStatisticsRefresh
{
	const char *schema;
	const char *table;
	double		rows;			/* < 0: unknown */
	int64		bytes;			/* < 0: unknown */
	List	   *columns;		/* ConnhubStatsInfo * */
} ChStatisticsRefresh;

/* Put them in the place of those stored for a discovered table.  Takes the lock. */
extern void ch_statistics_store(const pg_uuid_t *connector, const ChStatisticsRefresh *refresh);

/* Set the rows of a discovered table alone.  Takes the lock. */
extern void ch_statistics_store_rows(const pg_uuid_t *connector, const char *schema, const char *table, double rows);

#endif
