-- Stores outside of the database that credentials are read from or kept in.

CREATE TABLE connhub_catalog.secret_store (
	id uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
	tenant_id uuid NOT NULL,
	kind text COLLATE pg_catalog."C" NOT NULL,
	options jsonb NOT NULL DEFAULT '{}',
	secret_version bigint NOT NULL DEFAULT 0,
	key_id bigint,
	sealed bytea,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	CONSTRAINT secret_store_pkey PRIMARY KEY (id),
	CONSTRAINT secret_store_tenant_id_kind_key UNIQUE (tenant_id, kind),
	CONSTRAINT secret_store_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES connhub_catalog.tenant (id) ON DELETE CASCADE,
	CONSTRAINT secret_store_key_id_fkey FOREIGN KEY (key_id) REFERENCES connhub_catalog.data_key (id),
	CONSTRAINT secret_store_kind_check CHECK (kind OPERATOR(pg_catalog.=) ANY (ARRAY['vault', 'k8s'])),
	CONSTRAINT secret_store_sealed_check CHECK ((key_id IS NULL) OPERATOR(pg_catalog.=) (sealed IS NULL))
);
COMMENT ON TABLE connhub_catalog.secret_store IS 'Secret stores of tenants, at most one of each kind; src/vault/store.c mirrors it';
COMMENT ON COLUMN connhub_catalog.secret_store.id IS 'Identifier, authenticated with its secret';
COMMENT ON COLUMN connhub_catalog.secret_store.tenant_id IS 'Tenant whose connectors use it';
COMMENT ON COLUMN connhub_catalog.secret_store.kind IS 'vault or k8s';
COMMENT ON COLUMN connhub_catalog.secret_store.options IS 'Where it is and how to log in, as set';
COMMENT ON COLUMN connhub_catalog.secret_store.secret_version IS 'Raised by each change';
COMMENT ON COLUMN connhub_catalog.secret_store.key_id IS 'Data key that seals its login';
COMMENT ON COLUMN connhub_catalog.secret_store.sealed IS 'Login: nonce, ciphertext and tag of AES-256-GCM; null: none is kept';
COMMENT ON COLUMN connhub_catalog.secret_store.created_at IS 'When it was created';
COMMENT ON COLUMN connhub_catalog.secret_store.updated_at IS 'When it was last changed';

SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.secret_store', '');
