/* catalog/cat_limit.h — ceilings of connectors by role. */
#ifndef CH_CATALOG_CAT_LIMIT_H
#define CH_CATALOG_CAT_LIMIT_H

#include "nodes/pg_list.h"

#include "catalog/cat_connector.h"

/* One row; 0: no ceiling of this kind. */
typedef struct ChLimit
{
	Oid			role;			/* whose members it holds for; InvalidOid: everybody */
	int64		rows;
	int64		bytes;
	int64		seconds;
	int64		calls;			/* in one minute */
} ChLimit;

/* The limits of a connector: ChLimit *, cached, readable until the transaction ends. */
extern List *ch_limits_get(const pg_uuid_t *connector);

/* Put a limit in the place of what the role had; one without any ceiling is removed.  The caller was checked. */
extern void ch_limit_store(const pg_uuid_t *connector, const ChLimit *limit);

extern void ch_limit_cache_init(void);

#endif
