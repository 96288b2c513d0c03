-- Tenants of which the caller is a member; members of connhub_admin see all.

CREATE VIEW connhub.tenant WITH (security_barrier) AS
	SELECT t.id, t.name, p.tier, connhub_catalog.tenant_level(t.id) AS level,
		CASE WHEN connhub_catalog.may_see_tenant(t.id) THEN (SELECT pg_catalog.count(*) FROM connhub_catalog.connector c
			WHERE c.tenant_id OPERATOR(pg_catalog.=) t.id AND c.deleted_at IS NULL) END AS connectors,
		p.max_connectors, p.types, t.limits, t.created_at
	FROM connhub_catalog.tenant t
	JOIN connhub_catalog.plan p ON p.tenant_id OPERATOR(pg_catalog.=) t.id
	WHERE connhub_catalog.tenant_level(t.id) IS NOT NULL;
COMMENT ON VIEW connhub.tenant IS 'Tenants the caller is a member of';
COMMENT ON COLUMN connhub.tenant.id IS 'Identifier';
COMMENT ON COLUMN connhub.tenant.name IS 'Unique name';
COMMENT ON COLUMN connhub.tenant.tier IS 'Plan: free, professional or enterprise';
COMMENT ON COLUMN connhub.tenant.level IS 'What the caller is there: admin, operator or reader';
COMMENT ON COLUMN connhub.tenant.connectors IS 'Connectors it has; null for who sees only their own';
COMMENT ON COLUMN connhub.tenant.max_connectors IS 'Connectors it may have; null: any number';
COMMENT ON COLUMN connhub.tenant.types IS 'Connector types it may use';
COMMENT ON COLUMN connhub.tenant.limits IS 'What differs from the plan';
COMMENT ON COLUMN connhub.tenant.created_at IS 'When it was created';

CREATE VIEW connhub.tenant_member WITH (security_barrier) AS
	SELECT m.tenant_id, t.name AS tenant, r.rolname AS role, m.level, m.granted_at
	FROM connhub_catalog.tenant_member m
	JOIN connhub_catalog.tenant t ON t.id OPERATOR(pg_catalog.=) m.tenant_id
	JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) m.role::pg_catalog.oid
	WHERE connhub_catalog.may_see_tenant(m.tenant_id);
COMMENT ON VIEW connhub.tenant_member IS 'Roles that are members of the caller''s tenants';
COMMENT ON COLUMN connhub.tenant_member.tenant_id IS 'Id of the tenant';
COMMENT ON COLUMN connhub.tenant_member.tenant IS 'Name of the tenant';
COMMENT ON COLUMN connhub.tenant_member.role IS 'Role';
COMMENT ON COLUMN connhub.tenant_member.level IS 'admin, operator or reader';
COMMENT ON COLUMN connhub.tenant_member.granted_at IS 'When this level was given';

CREATE VIEW connhub.tier AS
	SELECT t.name, t.max_connectors, t.types, t.description
	FROM connhub_catalog.tier t;
COMMENT ON VIEW connhub.tier IS 'Plans a tenant may have';
COMMENT ON COLUMN connhub.tier.name IS 'free, professional or enterprise';
COMMENT ON COLUMN connhub.tier.max_connectors IS 'Connectors a tenant may have; null: any number';
COMMENT ON COLUMN connhub.tier.types IS 'Types it is limited to; null: every type whose own tier is not higher';
COMMENT ON COLUMN connhub.tier.description IS 'One sentence';
