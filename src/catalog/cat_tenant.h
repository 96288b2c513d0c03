/* catalog/cat_tenant.h — tenants: who belongs to which, and which one a session works in. */
#ifndef CH_CATALOG_CAT_TENANT_H
#define CH_CATALOG_CAT_TENANT_H

#include "utils/uuid.h"

/* What a user is in a tenant; each level includes those before it. */
typedef enum ChTenantLevel
{
	CH_LEVEL_NONE,				/* does not know that it exists */
	CH_LEVEL_GUEST,				/* of the default tenant, being member of none: what they own or were granted */
	CH_LEVEL_READER,			/* sees everything in it */
	CH_LEVEL_OPERATOR,			/* creates connectors, manages their own */
	CH_LEVEL_ADMIN				/* manages everything in it */
} ChTenantLevel;

/* "reader", "operator", "admin", and back; an unknown name throws. */
extern const char *ch_tenant_level_name(ChTenantLevel level);
extern ChTenantLevel ch_tenant_level_parse(const char *name);

/* Memberships that the user inherits count; members of connhub_admin are CH_LEVEL_ADMIN everywhere. */
extern ChTenantLevel ch_tenant_level(const pg_uuid_t *tenant, Oid user);

extern bool ch_tenant_is_default(const pg_uuid_t *tenant);

/* Is the user in the default tenant for want of another? */
extern bool ch_tenant_is_implicit(const pg_uuid_t *tenant, Oid user);

/* Does membership not stand in the way of what the user owns in it, or was granted?  In the default tenant it never does. */
extern bool ch_tenant_is_open(const pg_uuid_t *tenant, Oid user);

/* May the user create connectors in it, or own some?  In the default tenant EXECUTE alone decides. */
extern bool ch_tenant_may_own(const pg_uuid_t *tenant, Oid user);

/* The tenant of a name or id.  Throws the same for one the user is no member of as for one that is not
 * there, and 42501 for a member of a lower level than `least`. */
extern void ch_tenant_require(const char *name_or_id, ChTenantLevel least, pg_uuid_t *tenant);

/* The tenant the session works in: that of the setting connhub.tenant, else the one the current user is a
 * member of, else the default.  Throws when the setting names none of theirs, or when there are several. */
extern void ch_tenant_current(pg_uuid_t *tenant);

/* The same, and the current user may create connectors there. */
extern void ch_tenant_current_own(pg_uuid_t *tenant);

/* Name of a tenant; NULL when it is not there. */
extern char *ch_tenant_name(const pg_uuid_t *tenant);

extern void ch_tenant_cache_init(void);

#endif
