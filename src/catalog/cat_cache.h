/* catalog/cat_cache.h — backend caches of catalogue rows, dropped when the tables change.
 *
 * A statement trigger on each table sends a relcache invalidation, so a change reaches every backend
 * when it commits.  A dropped generation lives on until the transaction ends: what was handed out
 * stays readable until then, and merely grows old. */
#ifndef CH_CATALOG_CAT_CACHE_H
#define CH_CATALOG_CAT_CACHE_H

#include "utils/hsearch.h"

#define CH_CACHE_MAX_RELATIONS 7

typedef struct ChCache
{
	/* Set by the owner of the cache. */
	const char *name;
	const char *relations[CH_CACHE_MAX_RELATIONS];	/* tables it is made of, NULL-terminated */
	bool		servers;		/* foreign servers too */
	bool		roles;			/* roles and who inherits from which too */
	HASHCTL		control;		/* keysize, entrysize, and hash and match or 0 */
	int			flags;

	/* Managed here. */
	MemoryContext context;		/* of the current generation, or NULL */
	HTAB	   *entries;
	bool		stale;
	Oid			oids[CH_CACHE_MAX_RELATIONS];
	struct ChCache *next;
} ChCache;

extern void ch_cache_register(ChCache *cache);

/* The entries of the current generation, a new one when the last has grown stale.  What an entry
 * points to is allocated in cache->context. */
extern HTAB *ch_cache_entries(ChCache *cache);

#endif
