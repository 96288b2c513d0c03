/* catalog/cat_plan.h — plans: what a tenant may have. */
#ifndef CH_CATALOG_CAT_PLAN_H
#define CH_CATALOG_CAT_PLAN_H

#include "utils/jsonb.h"
#include "utils/uuid.h"

/* Throws unless the tenant's plan admits a connector of the type and `more` of them besides those it has.  Where the
 * plan sets a number the tenant is locked until the transaction ends, so that two callers cannot take one
 * place.  Whoever locks a connector too does that before. */
extern void ch_plan_admit(const pg_uuid_t *tenant, const char *type, int more);

/* Live connectors of a tenant, those of transactions committed meanwhile included. */
extern int	ch_plan_connectors(const pg_uuid_t *tenant);

/* Limits laid over others, checked; a JSON null removes one. */
extern Jsonb *ch_plan_merge_limits(Jsonb *limits, Jsonb *changes);

/* Throws unless there is such a tier. */
extern void ch_plan_require_tier(const char *tier);

#endif
