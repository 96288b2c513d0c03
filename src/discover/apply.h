/* discover/apply.h — from what was discovered to what the catalogue holds, by differences only. */
#ifndef CH_DISCOVER_APPLY_H
#define CH_DISCOVER_APPLY_H

#include "discover/collection.h"
#include "discover/discover.h"

/* Compare a collection, made with the LIKE patterns, with what the catalogue holds of them; write what differs, and
 * the drift with its event.  Part of the running transaction, which holds ch_statistics_lock.  Throws. */
extern void ch_apply(const ChConnector *connector, ChCollection *collection, const char *schema_pattern,
					 const char *table_pattern, ChDiscovery *result);

#endif
