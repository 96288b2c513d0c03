/* discover/discover.h — what a source holds, read into the catalogue. */
#ifndef CH_DISCOVER_DISCOVER_H
#define CH_DISCOVER_DISCOVER_H

#include "catalog/cat_connector.h"
#include "discover/collection.h"

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

/* Read what matches the LIKE patterns (NULL: everything) and have the catalogue hold that of what matches
 * them, differences alone being written.  Throws, and then the transaction holds what it held. */
extern void ch_discover_run(const ChConnector *connector, Oid user, const char *schema_pattern,
							const char *table_pattern, ChDiscovery *result);

/* The same, but a failure of the source is a warning and false. */
extern bool ch_discover_try(const ChConnector *connector, Oid user, ChDiscovery *result);

/* Discover a connector whole, for a background worker: in transactions of its own, and in none while it talks to the
 * source.  True: it was applied.  False: it failed, which is recorded with its cause; or another discovery was applied
 * or the connector changed meanwhile; or it is gone or disabled.  Throws for local causes.  watch: who is told how far it
 * has come, or NULL. */
extern bool ch_discover_refresh(const pg_uuid_t *connector, ChCollectionWatch watch);

/* The same step by step.  begin and apply run in a transaction of the caller's, each in another; collect needs none,
 * and throws what the source makes of it.  begin returns NULL for a connector that is gone or disabled; apply false when
 * another discovery, or a change of the connector, came before.  fail records an error, in a transaction too. */
typedef struct ChRefresh ChRefresh;
extern ChRefresh *ch_refresh_begin(const pg_uuid_t *connector);
extern void ch_refresh_collect(ChRefresh *refresh, ChCollectionWatch watch);
extern bool ch_refresh_apply(ChRefresh *refresh, ChDiscovery *result);
extern void ch_refresh_fail(const pg_uuid_t *connector, const ErrorData *error);
extern void ch_refresh_free(ChRefresh *refresh);

#endif
