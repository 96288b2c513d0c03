-- Tenants: who makes them, who belongs to them, and the helpers of views and policies.

CREATE FUNCTION connhub.create_tenant(
	name text,
	tier text DEFAULT 'free',
	admin regrole DEFAULT NULL,
	limits jsonb DEFAULT NULL
) RETURNS uuid
	AS 'MODULE_PATHNAME', 'connhub_tenant_create'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.create_tenant(text, text, regrole, jsonb) IS 'Create a tenant of a tier, with its first administrator and limits of its own';

CREATE FUNCTION connhub.update_tenant(
	tenant text,
	name text DEFAULT NULL,
	tier text DEFAULT NULL,
	limits jsonb DEFAULT NULL
) RETURNS void
	AS 'MODULE_PATHNAME', 'connhub_tenant_update'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.update_tenant(text, text, text, jsonb) IS 'Change what is not null; a JSON null removes a limit. Connectors beyond a lower limit stay';

CREATE FUNCTION connhub.delete_tenant(tenant text, force boolean DEFAULT false) RETURNS bigint
	AS 'MODULE_PATHNAME', 'connhub_tenant_delete'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.delete_tenant(text, boolean) IS 'Delete a tenant without connectors, or with force and all it has for good; returns how many connectors went';

CREATE FUNCTION connhub.grant_tenant(tenant text, role regrole, level text DEFAULT 'reader') RETURNS void
	AS 'MODULE_PATHNAME', 'connhub_tenant_grant'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.grant_tenant(text, regrole, text) IS 'Make a role a member of a tenant, or change its level: admin, operator or reader';

CREATE FUNCTION connhub.revoke_tenant(tenant text, role regrole) RETURNS void
	AS 'MODULE_PATHNAME', 'connhub_tenant_revoke'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.revoke_tenant(text, regrole) IS 'End the membership of a role in a tenant; its connectors stay, and nobody of lower level than admin uses them';

CREATE FUNCTION connhub.current_tenant() RETURNS text
	AS 'MODULE_PATHNAME', 'connhub_tenant_current'
	LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION connhub.current_tenant() IS 'Name of the tenant this session works in';

CREATE FUNCTION connhub_catalog.may_see_tenant(tenant uuid) RETURNS boolean
	AS 'MODULE_PATHNAME', 'connhub_tenant_may_see'
	LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION connhub_catalog.may_see_tenant(uuid) IS 'Whether the current user may know all that a tenant has';

CREATE FUNCTION connhub_catalog.tenant_is_open(tenant uuid) RETURNS boolean
	AS 'MODULE_PATHNAME', 'connhub_tenant_is_open'
	LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION connhub_catalog.tenant_is_open(uuid) IS 'Whether the current user may have something of their own in a tenant';

CREATE FUNCTION connhub_catalog.tenant_level(tenant uuid) RETURNS text
	AS 'MODULE_PATHNAME', 'connhub_tenant_level'
	LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION connhub_catalog.tenant_level(uuid) IS 'Level of the current user in a tenant; null: it is none of theirs';
