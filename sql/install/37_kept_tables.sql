-- Credentials that are kept in Kubernetes.

CREATE TABLE connhub_catalog.kept_secret (
	connector_id uuid NOT NULL,
	tenant_id uuid NOT NULL,
	namespace text COLLATE pg_catalog."C" NOT NULL,
	name text COLLATE pg_catalog."C" NOT NULL,
	type text COLLATE pg_catalog."C" NOT NULL,
	stage text COLLATE pg_catalog."C" NOT NULL,
	fields text[] NOT NULL,
	state text COLLATE pg_catalog."C" NOT NULL,
	CONSTRAINT kept_secret_pkey PRIMARY KEY (connector_id),
	CONSTRAINT kept_secret_namespace_name_key UNIQUE (namespace, name),
	CONSTRAINT kept_secret_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES connhub_catalog.tenant (id),
	CONSTRAINT kept_secret_state_check CHECK (state OPERATOR(pg_catalog.=) ANY (ARRAY['staged', 'final', 'gone']))
);
COMMENT ON TABLE connhub_catalog.kept_secret IS 'Secrets of Kubernetes that hold the credentials of connectors; without a foreign key to the connector, which a removal outlives';
COMMENT ON COLUMN connhub_catalog.kept_secret.connector_id IS 'Connector';
COMMENT ON COLUMN connhub_catalog.kept_secret.tenant_id IS 'Tenant whose store holds it';
COMMENT ON COLUMN connhub_catalog.kept_secret.namespace IS 'Namespace';
COMMENT ON COLUMN connhub_catalog.kept_secret.name IS 'Name of the Secret';
COMMENT ON COLUMN connhub_catalog.kept_secret.type IS 'Type of the connector, a label of the Secret';
COMMENT ON COLUMN connhub_catalog.kept_secret.stage IS 'Which content holds: an annotation of the Secret, and part of the name it is written under first';
COMMENT ON COLUMN connhub_catalog.kept_secret.fields IS 'Names of its entries';
COMMENT ON COLUMN connhub_catalog.kept_secret.state IS 'staged: perhaps still under its first name; final; gone: to be removed';

SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.kept_secret', '');
