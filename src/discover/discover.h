/* discover/discover.h — what a source holds, read into the catalogue. */
#ifndef CH_DISCOVER_DISCOVER_H
#define CH_DISCOVER_DISCOVER_H

#include "catalog/cat_connector.h"

typedef struct ChDiscovery
{
	int64		schemas;
	int64		tables;
	int64		columns;
	int64		keys;
	int64		indexes;
	int64		skipped;		/* objects whose names this database cannot hold */
	double		duration_ms;
} ChDiscovery;

/* Read what matches the LIKE patterns (NULL: everything) and put it in the place of what matched them
 * before.  Throws, and then the transaction holds what it held. */
extern void ch_discover_run(const ChConnector *connector, Oid user, const char *schema_pattern,
							const char *table_pattern, ChDiscovery *result);

/* The same, but a failure of the source is a warning and false. */
extern bool ch_discover_try(const ChConnector *connector, Oid user, ChDiscovery *result);

#endif
