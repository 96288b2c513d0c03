/* discover/collection.h — what a driver has told in a discovery, kept until it is applied. */
#ifndef CH_DISCOVER_COLLECTION_H
#define CH_DISCOVER_COLLECTION_H

#include "connhub/driver.h"

typedef struct ChCollection ChCollection;

/* How far a discovery has come: asked for while it runs. */
typedef struct ChCollected
{
	int64		schemas;
	int64		tables;
	int64		columns;
} ChCollected;

/* An empty collection below the current memory context; a reset of that ends it.  None of these functions needs
 * a transaction. */
extern ChCollection *ch_collection_create(void);

/* The sink that fills it.  Its functions throw. */
extern ConnhubSink *ch_collection_sink(ChCollection *collection);
extern const ChCollected *ch_collection_counts(const ChCollection *collection);

/* Called with the counts each time a table has been taken; NULL: no one. */
typedef void (*ChCollectionWatch) (const ChCollected *counts);
extern void ch_collection_watch(ChCollection *collection, ChCollectionWatch watch);

/* Tell another sink all of it, in the order it came.  What it is told lives until the next call. */
extern void ch_collection_replay(ChCollection *collection, ConnhubSink *sink);

extern void ch_collection_free(ChCollection *collection);

#endif
