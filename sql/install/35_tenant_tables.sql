-- Who belongs to which tenant, and what each tenant's plan comes to.

CREATE TABLE connhub_catalog.tenant_member (
	tenant_id uuid NOT NULL,
	role regrole NOT NULL,
	level text COLLATE pg_catalog."C" NOT NULL,
	granted_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	CONSTRAINT tenant_member_pkey PRIMARY KEY (tenant_id, role),
	CONSTRAINT tenant_member_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES connhub_catalog.tenant (id) ON DELETE CASCADE,
	CONSTRAINT tenant_member_level_check CHECK (level OPERATOR(pg_catalog.=) ANY (ARRAY['admin', 'operator', 'reader']))
);
COMMENT ON TABLE connhub_catalog.tenant_member IS 'Members of tenants; whoever inherits from a role here is one too';
COMMENT ON COLUMN connhub_catalog.tenant_member.tenant_id IS 'Tenant';
COMMENT ON COLUMN connhub_catalog.tenant_member.role IS 'Role; a dump names it';
COMMENT ON COLUMN connhub_catalog.tenant_member.level IS 'admin, operator or reader';
COMMENT ON COLUMN connhub_catalog.tenant_member.granted_at IS 'When this level was given';

CREATE VIEW connhub_catalog.plan AS
	SELECT t.id AS tenant_id, t.name AS tenant, r.name AS tier,
		CASE
			WHEN NOT t.limits OPERATOR(pg_catalog.?) 'connectors' THEN r.max_connectors
			WHEN t.limits OPERATOR(pg_catalog.->>) 'connectors' OPERATOR(pg_catalog.<>) 'unlimited'
				THEN (t.limits OPERATOR(pg_catalog.->>) 'connectors')::integer
		END AS max_connectors,
		ARRAY(
			SELECT c.name FROM connhub_catalog.connector_type c
			LEFT JOIN connhub_catalog.tier least ON least.name OPERATOR(pg_catalog.=) c.tier
			WHERE (t.limits OPERATOR(pg_catalog.->) 'types') OPERATOR(pg_catalog.?) c.name
				OR ((r.types IS NULL OR c.name OPERATOR(pg_catalog.=) ANY (r.types))
					AND (r.rank OPERATOR(pg_catalog.=) (SELECT pg_catalog.max(top.rank) FROM connhub_catalog.tier top)
						OR least.rank OPERATOR(pg_catalog.<=) r.rank))
			ORDER BY c.name) AS types
	FROM connhub_catalog.tenant t
	JOIN connhub_catalog.tier r ON r.name OPERATOR(pg_catalog.=) t.tier;
COMMENT ON VIEW connhub_catalog.plan IS 'What each tenant may have: its tier with its own limits laid over';
COMMENT ON COLUMN connhub_catalog.plan.tenant_id IS 'Tenant';
COMMENT ON COLUMN connhub_catalog.plan.tenant IS 'Its name';
COMMENT ON COLUMN connhub_catalog.plan.tier IS 'Its tier';
COMMENT ON COLUMN connhub_catalog.plan.max_connectors IS 'Connectors it may have; null: any number';
COMMENT ON COLUMN connhub_catalog.plan.types IS 'Connector types it may use, of those there are';

-- A role that was dropped is left out: its number may be another role's where the dump is restored.
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.tenant_member', 'WHERE EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid OPERATOR(pg_catalog.=) role::pg_catalog.oid)');
