-- Keys and secret stores, without what is secret.

CREATE VIEW connhub.keys WITH (security_barrier) AS
	SELECT
		t.name AS tenant, k.id, k.master_id AS master_fingerprint, k.created_at,
		(SELECT pg_catalog.count(*) FROM connhub_catalog.secret s WHERE s.key_id OPERATOR(pg_catalog.=) k.id)
			OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(*) FROM connhub_catalog.channel h WHERE h.key_id OPERATOR(pg_catalog.=) k.id)
			OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(*) FROM connhub_catalog.secret_store o WHERE o.key_id OPERATOR(pg_catalog.=) k.id)
			AS secrets
	FROM connhub_catalog.data_key k
	JOIN connhub_catalog.tenant t ON t.id OPERATOR(pg_catalog.=) k.tenant_id
	WHERE pg_catalog.pg_has_role('connhub_admin', 'MEMBER');
COMMENT ON VIEW connhub.keys IS 'Data keys of tenants without their material, for administrators';
COMMENT ON COLUMN connhub.keys.tenant IS 'Tenant';
COMMENT ON COLUMN connhub.keys.id IS 'Identifier, rising with time';
COMMENT ON COLUMN connhub.keys.master_fingerprint IS 'Fingerprint of the master key that seals it';
COMMENT ON COLUMN connhub.keys.created_at IS 'When it was made';
COMMENT ON COLUMN connhub.keys.secrets IS 'How many secrets it seals: credentials, and those of channels and stores';

CREATE VIEW connhub.secret_store WITH (security_barrier) AS
	SELECT t.name AS tenant, o.kind, o.options, o.sealed IS NOT NULL AS has_secret, o.created_at, o.updated_at
	FROM connhub_catalog.secret_store o
	JOIN connhub_catalog.tenant t ON t.id OPERATOR(pg_catalog.=) o.tenant_id
	WHERE pg_catalog.pg_has_role('connhub_admin', 'MEMBER');
COMMENT ON VIEW connhub.secret_store IS 'Secret stores of tenants, for administrators';
COMMENT ON COLUMN connhub.secret_store.tenant IS 'Tenant';
COMMENT ON COLUMN connhub.secret_store.kind IS 'vault or k8s';
COMMENT ON COLUMN connhub.secret_store.options IS 'Options as set';
COMMENT ON COLUMN connhub.secret_store.has_secret IS 'Whether a login is kept sealed';
COMMENT ON COLUMN connhub.secret_store.created_at IS 'When it was created';
COMMENT ON COLUMN connhub.secret_store.updated_at IS 'When it was last changed';
