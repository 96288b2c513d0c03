/* discover/sink.h — the sink a driver discovers into: pages of rows on their way to the catalogue. */
#ifndef CH_DISCOVER_SINK_H
#define CH_DISCOVER_SINK_H

#include "discover/discover.h"

typedef struct ChSink ChSink;

/* A sink that takes what matches the LIKE patterns (NULL: everything), in a context below the current. */
extern ChSink *ch_sink_create(const ChConnector *connector, const char *schema_pattern,
							  const char *table_pattern);
extern ConnhubSink *ch_sink_interface(ChSink *sink);

/* Write the last pages.  Throws. */
extern void ch_sink_finish(ChSink *sink, ChDiscovery *result);

/* On an error: free what outlives memory contexts. */
extern void ch_sink_free_plans(ChSink *sink);
extern void ch_sink_free(ChSink *sink);

#endif
