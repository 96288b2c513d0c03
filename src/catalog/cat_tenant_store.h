/* catalog/cat_tenant_store.h — writing tenants and memberships.
 *
 * Nothing here asks who the caller is: the api layer did.  Everything is part of the running
 * transaction. */
#ifndef CH_CATALOG_CAT_TENANT_STORE_H
#define CH_CATALOG_CAT_TENANT_STORE_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "catalog/cat_connector.h"
#include "catalog/cat_tenant.h"

/* Throw when the name is taken, or when the tier or a limit is none. */
extern void ch_tenant_insert(const pg_uuid_t *tenant, const char *name, const char *tier, Jsonb *limits);

/* NULLs leave what is there. */
extern void ch_tenant_store(const pg_uuid_t *tenant, const char *name, const char *tier, Jsonb *limits);

/* Keep connectors from being created in the tenant until the transaction ends. */
extern void ch_tenant_lock(const pg_uuid_t *tenant);

/* Its connectors, deleted ones included, with id, tenant, name and owner filled: ChConnector. */
extern List *ch_tenant_connectors(const pg_uuid_t *tenant);

/* Its connectors must be gone; memberships, keys and events go with it. */
extern void ch_tenant_remove(const pg_uuid_t *tenant);

extern void ch_tenant_put_member(const pg_uuid_t *tenant, Oid role, ChTenantLevel level);

/* False when the role itself was no member. */
extern bool ch_tenant_remove_member(const pg_uuid_t *tenant, Oid role);

/* Is the role itself a member? */
extern bool ch_tenant_has_member(const pg_uuid_t *tenant, Oid role);

#endif
