-- The tables of connhub.  src/catalog/catalog.h mirrors them column for column.
-- Names compare by bytes (collation "C"): lookups from C need no locale, and a dump restores anywhere.

CREATE TABLE connhub_catalog.tier (
	name text COLLATE pg_catalog."C" NOT NULL,
	rank integer NOT NULL,
	max_connectors integer,
	types text[],
	description text NOT NULL,
	CONSTRAINT tier_pkey PRIMARY KEY (name),
	CONSTRAINT tier_rank_key UNIQUE (rank)
);
COMMENT ON TABLE connhub_catalog.tier IS 'Plans of tenants; not dumped, since they belong to the version';
COMMENT ON COLUMN connhub_catalog.tier.name IS 'free, professional or enterprise';
COMMENT ON COLUMN connhub_catalog.tier.rank IS 'Its place: a tier includes the types of tiers of lower rank';
COMMENT ON COLUMN connhub_catalog.tier.max_connectors IS 'Connectors a tenant may have; null: any number';
COMMENT ON COLUMN connhub_catalog.tier.types IS 'Types it is limited to; null: every type whose own tier is not higher';
COMMENT ON COLUMN connhub_catalog.tier.description IS 'One sentence';

INSERT INTO connhub_catalog.tier (name, rank, max_connectors, types, description) VALUES
	('free', 1, 2, ARRAY['postgresql', 'mysql', 'mariadb'], '2 connectors of PostgreSQL, MySQL or MariaDB'),
	('professional', 2, 10, NULL, '10 connectors of all standard types'),
	('enterprise', 3, NULL, NULL, 'Any number of connectors of all types, custom ones too');

CREATE TABLE connhub_catalog.tenant (
	id uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
	name text COLLATE pg_catalog."C" NOT NULL,
	tier text COLLATE pg_catalog."C" NOT NULL DEFAULT 'enterprise',
	limits jsonb NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	CONSTRAINT tenant_pkey PRIMARY KEY (id),
	CONSTRAINT tenant_name_key UNIQUE (name),
	CONSTRAINT tenant_name_check CHECK (pg_catalog.length(name) OPERATOR(pg_catalog.>=) 1 AND pg_catalog.octet_length(name) OPERATOR(pg_catalog.<=) 63),
	CONSTRAINT tenant_tier_fkey FOREIGN KEY (tier) REFERENCES connhub_catalog.tier (name)
);
COMMENT ON TABLE connhub_catalog.tenant IS 'Tenants; every connector belongs to one';
COMMENT ON COLUMN connhub_catalog.tenant.id IS 'Identifier';
COMMENT ON COLUMN connhub_catalog.tenant.name IS 'Unique name; "default" exists from the start';
COMMENT ON COLUMN connhub_catalog.tenant.tier IS 'Plan: free, professional or enterprise';
COMMENT ON COLUMN connhub_catalog.tenant.limits IS 'What differs from the plan: object of connectors (a number, or "unlimited") and types (array of further types)';
COMMENT ON COLUMN connhub_catalog.tenant.created_at IS 'When the tenant was created';

CREATE TABLE connhub_catalog.connector_type (
	name text COLLATE pg_catalog."C" NOT NULL,
	driver text NOT NULL,
	category text NOT NULL,
	description text NOT NULL,
	version text NOT NULL,
	default_port integer,
	flags integer NOT NULL,
	capabilities bigint NOT NULL,
	features text[] NOT NULL,
	tier text NOT NULL,
	options jsonb NOT NULL,
	example text NOT NULL,
	CONSTRAINT connector_type_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE connhub_catalog.connector_type IS 'Connector types, recorded when their driver was registered; not dumped, since they follow the installed drivers';
COMMENT ON COLUMN connhub_catalog.connector_type.name IS 'Name of the type, as in connhub.create_connector(type => ...)';
COMMENT ON COLUMN connhub_catalog.connector_type.driver IS 'Driver that serves the type: library connhub_<driver>';
COMMENT ON COLUMN connhub_catalog.connector_type.category IS 'relational, warehouse, nosql, ...';
COMMENT ON COLUMN connhub_catalog.connector_type.description IS 'One sentence for people';
COMMENT ON COLUMN connhub_catalog.connector_type.version IS 'Version of the driver at registration';
COMMENT ON COLUMN connhub_catalog.connector_type.default_port IS 'TCP port used when a connector names none';
COMMENT ON COLUMN connhub_catalog.connector_type.flags IS 'CONNHUB_TYPE_ bits of the driver ABI';
COMMENT ON COLUMN connhub_catalog.connector_type.capabilities IS 'CONNHUB_CAP_ bits of the driver ABI';
COMMENT ON COLUMN connhub_catalog.connector_type.features IS 'The same for people: names of what the driver can do';
COMMENT ON COLUMN connhub_catalog.connector_type.tier IS 'Least tier that may use the type';
COMMENT ON COLUMN connhub_catalog.connector_type.options IS 'Option table: array of {name, kind, default, choices, min, max, secret, required, privileged, help}';
COMMENT ON COLUMN connhub_catalog.connector_type.example IS 'A whole call that creates a connector';

CREATE TABLE connhub_catalog.connector (
	id uuid NOT NULL,
	tenant_id uuid NOT NULL,
	name text COLLATE pg_catalog."C" NOT NULL,
	type text COLLATE pg_catalog."C" NOT NULL,
	owner regrole NOT NULL,
	host text,
	port integer,
	database text,
	schema text,
	username text,
	ssl_mode text NOT NULL,
	options jsonb NOT NULL DEFAULT '{}',
	labels jsonb NOT NULL DEFAULT '{}',
	enabled boolean NOT NULL DEFAULT true,
	status text NOT NULL,
	config_version bigint NOT NULL DEFAULT 1,
	secret_version bigint NOT NULL DEFAULT 0,
	source_product text,
	source_version text,
	source_version_num integer,
	source_flags bigint NOT NULL DEFAULT 0,
	last_discovered_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	deleted_at timestamptz,
	CONSTRAINT connector_pkey PRIMARY KEY (id),
	CONSTRAINT connector_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES connhub_catalog.tenant (id),
	CONSTRAINT connector_name_check CHECK (pg_catalog.length(name) OPERATOR(pg_catalog.>=) 1 AND pg_catalog.octet_length(name) OPERATOR(pg_catalog.<=) 63),
	CONSTRAINT connector_port_check CHECK (port OPERATOR(pg_catalog.>=) 1 AND port OPERATOR(pg_catalog.<=) 65535),
	CONSTRAINT connector_ssl_mode_check CHECK (ssl_mode OPERATOR(pg_catalog.=) ANY (ARRAY['disable', 'require', 'verify-ca', 'verify-full'])),
	CONSTRAINT connector_status_check CHECK (status OPERATOR(pg_catalog.=) ANY (ARRAY['TESTING', 'ACTIVE', 'WARNING', 'ERROR', 'INACTIVE', 'MAINTENANCE']))
);
CREATE UNIQUE INDEX connector_name_key ON connhub_catalog.connector (tenant_id, name) WHERE deleted_at IS NULL;
COMMENT ON TABLE connhub_catalog.connector IS 'Connectors: configured sources';
COMMENT ON INDEX connhub_catalog.connector_name_key IS 'A name is unique among a tenant''s connectors that are not deleted';
COMMENT ON COLUMN connhub_catalog.connector.id IS 'Identifier; also the option "connector" of the foreign server';
COMMENT ON COLUMN connhub_catalog.connector.tenant_id IS 'Tenant it belongs to';
COMMENT ON COLUMN connhub_catalog.connector.name IS 'Unique in its tenant';
COMMENT ON COLUMN connhub_catalog.connector.type IS 'Connector type; no foreign key, so that a dump restores where a driver is missing';
COMMENT ON COLUMN connhub_catalog.connector.owner IS 'Role that may manage it while it has no foreign server; with one, the owner of the server may';
COMMENT ON COLUMN connhub_catalog.connector.host IS 'Host name or address; null for types without a network';
COMMENT ON COLUMN connhub_catalog.connector.port IS 'TCP port; null: the type''s default';
COMMENT ON COLUMN connhub_catalog.connector.database IS 'Database, or file for types that read one';
COMMENT ON COLUMN connhub_catalog.connector.schema IS 'Default schema';
COMMENT ON COLUMN connhub_catalog.connector.username IS 'User at the source; its secrets are in connhub_catalog.secret';
COMMENT ON COLUMN connhub_catalog.connector.ssl_mode IS 'disable, require, verify-ca or verify-full';
COMMENT ON COLUMN connhub_catalog.connector.options IS 'Options that are not secret, as set; defaults are not stored';
COMMENT ON COLUMN connhub_catalog.connector.labels IS 'Free labels: object of strings';
COMMENT ON COLUMN connhub_catalog.connector.enabled IS 'False: disabled by the user';
COMMENT ON COLUMN connhub_catalog.connector.status IS 'TESTING, ACTIVE, WARNING, ERROR, INACTIVE or MAINTENANCE';
COMMENT ON COLUMN connhub_catalog.connector.config_version IS 'Raised by each change that matters for connecting';
COMMENT ON COLUMN connhub_catalog.connector.secret_version IS 'Version of the stored credential; 0: none';
COMMENT ON COLUMN connhub_catalog.connector.source_product IS 'Product found by the last successful test';
COMMENT ON COLUMN connhub_catalog.connector.source_version IS 'Version found by the last successful test, as the source prints it';
COMMENT ON COLUMN connhub_catalog.connector.source_version_num IS 'The same as major * 10000 + minor * 100 + patch';
COMMENT ON COLUMN connhub_catalog.connector.source_flags IS 'Facts of the source known to its driver only';
COMMENT ON COLUMN connhub_catalog.connector.last_discovered_at IS 'When its schemas were last discovered whole';
COMMENT ON COLUMN connhub_catalog.connector.created_at IS 'When it was created';
COMMENT ON COLUMN connhub_catalog.connector.updated_at IS 'When its configuration last changed';
COMMENT ON COLUMN connhub_catalog.connector.deleted_at IS 'When it was deleted; null: it was not';

CREATE TABLE connhub_catalog.data_key (
	id bigint GENERATED ALWAYS AS IDENTITY,
	tenant_id uuid NOT NULL,
	master_id text NOT NULL,
	wrapped bytea NOT NULL,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	CONSTRAINT data_key_pkey PRIMARY KEY (id),
	CONSTRAINT data_key_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES connhub_catalog.tenant (id)
);
COMMENT ON TABLE connhub_catalog.data_key IS 'Data keys of tenants, each sealed by the master key';
COMMENT ON COLUMN connhub_catalog.data_key.id IS 'Identifier';
COMMENT ON SEQUENCE connhub_catalog.data_key_id_seq IS 'Identifiers of data keys';
COMMENT ON COLUMN connhub_catalog.data_key.tenant_id IS 'Tenant whose credentials it seals';
COMMENT ON COLUMN connhub_catalog.data_key.master_id IS 'Fingerprint of the master key that seals it';
COMMENT ON COLUMN connhub_catalog.data_key.wrapped IS 'Nonce, ciphertext and tag of AES-256-GCM';
COMMENT ON COLUMN connhub_catalog.data_key.created_at IS 'When it was made';

CREATE TABLE connhub_catalog.secret (
	connector_id uuid NOT NULL,
	version bigint NOT NULL,
	key_id bigint NOT NULL,
	sealed bytea NOT NULL,
	fields text[] NOT NULL,
	updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	is_fetched boolean NOT NULL DEFAULT false,
	CONSTRAINT secret_pkey PRIMARY KEY (connector_id),
	CONSTRAINT secret_connector_id_fkey FOREIGN KEY (connector_id) REFERENCES connhub_catalog.connector (id) ON DELETE CASCADE,
	CONSTRAINT secret_key_id_fkey FOREIGN KEY (key_id) REFERENCES connhub_catalog.data_key (id)
);
COMMENT ON TABLE connhub_catalog.secret IS 'Sealed credentials; plaintext is never stored';
COMMENT ON COLUMN connhub_catalog.secret.connector_id IS 'Connector it belongs to, authenticated with it';
COMMENT ON COLUMN connhub_catalog.secret.version IS 'Raised by each change';
COMMENT ON COLUMN connhub_catalog.secret.key_id IS 'Data key that seals it';
COMMENT ON COLUMN connhub_catalog.secret.sealed IS 'Nonce, ciphertext and tag of AES-256-GCM';
COMMENT ON COLUMN connhub_catalog.secret.fields IS 'Names of the fields held';
COMMENT ON COLUMN connhub_catalog.secret.updated_at IS 'When it was last changed';
COMMENT ON COLUMN connhub_catalog.secret.is_fetched IS 'Whether a field is a reference that is fetched over a network';

CREATE TABLE connhub_catalog.remote_schema (
	connector_id uuid NOT NULL,
	name text COLLATE pg_catalog."C" NOT NULL,
	comment text,
	CONSTRAINT remote_schema_pkey PRIMARY KEY (connector_id, name),
	CONSTRAINT remote_schema_connector_id_fkey FOREIGN KEY (connector_id) REFERENCES connhub_catalog.connector (id) ON DELETE CASCADE
);
COMMENT ON TABLE connhub_catalog.remote_schema IS 'Discovered schemas';
COMMENT ON COLUMN connhub_catalog.remote_schema.connector_id IS 'Connector';
COMMENT ON COLUMN connhub_catalog.remote_schema.name IS 'Name at the source';
COMMENT ON COLUMN connhub_catalog.remote_schema.comment IS 'Comment at the source';

CREATE TABLE connhub_catalog.remote_table (
	connector_id uuid NOT NULL,
	schema text COLLATE pg_catalog."C" NOT NULL,
	name text COLLATE pg_catalog."C" NOT NULL,
	kind text COLLATE pg_catalog."C" NOT NULL,
	comment text,
	rows double precision,
	bytes bigint,
	CONSTRAINT remote_table_pkey PRIMARY KEY (connector_id, schema, name),
	CONSTRAINT remote_table_kind_check CHECK (kind OPERATOR(pg_catalog.=) ANY (ARRAY['table', 'view', 'materialized view', 'foreign table', 'partitioned table']))
);
COMMENT ON TABLE connhub_catalog.remote_table IS 'Discovered tables and views; like all that hangs on them without foreign keys, since a discovery writes all of it at once';
COMMENT ON COLUMN connhub_catalog.remote_table.connector_id IS 'Connector';
COMMENT ON COLUMN connhub_catalog.remote_table.schema IS 'Schema at the source';
COMMENT ON COLUMN connhub_catalog.remote_table.name IS 'Name at the source';
COMMENT ON COLUMN connhub_catalog.remote_table.kind IS 'table, view, materialized view, foreign table or partitioned table';
COMMENT ON COLUMN connhub_catalog.remote_table.comment IS 'Comment at the source';
COMMENT ON COLUMN connhub_catalog.remote_table.rows IS 'Estimated rows; null: unknown';
COMMENT ON COLUMN connhub_catalog.remote_table.bytes IS 'Estimated bytes without indexes; null: unknown';

CREATE TABLE connhub_catalog.remote_column (
	connector_id uuid NOT NULL,
	schema text COLLATE pg_catalog."C" NOT NULL,
	table_name text COLLATE pg_catalog."C" NOT NULL,
	position integer NOT NULL,
	name text COLLATE pg_catalog."C" NOT NULL,
	remote_type text NOT NULL,
	type smallint NOT NULL,
	length integer NOT NULL,
	precision integer NOT NULL,
	scale integer NOT NULL,
	pg_type text NOT NULL,
	pg_type_full text NOT NULL,
	not_null boolean NOT NULL,
	generated boolean NOT NULL,
	default_value text,
	comment text,
	"collation" text,
	CONSTRAINT remote_column_pkey PRIMARY KEY (connector_id, schema, table_name, position)
);
COMMENT ON TABLE connhub_catalog.remote_column IS 'Discovered columns';
COMMENT ON COLUMN connhub_catalog.remote_column.connector_id IS 'Connector';
COMMENT ON COLUMN connhub_catalog.remote_column.schema IS 'Schema at the source';
COMMENT ON COLUMN connhub_catalog.remote_column.table_name IS 'Table at the source';
COMMENT ON COLUMN connhub_catalog.remote_column.position IS 'Position in the table, from 1';
COMMENT ON COLUMN connhub_catalog.remote_column.name IS 'Name at the source';
COMMENT ON COLUMN connhub_catalog.remote_column.remote_type IS 'Type at the source, with modifiers';
COMMENT ON COLUMN connhub_catalog.remote_column.type IS 'ConnhubType it is fetched as';
COMMENT ON COLUMN connhub_catalog.remote_column.length IS 'Characters or bytes; 0: unlimited';
COMMENT ON COLUMN connhub_catalog.remote_column.precision IS 'Digits; -1: unset';
COMMENT ON COLUMN connhub_catalog.remote_column.scale IS 'Digits after the point';
COMMENT ON COLUMN connhub_catalog.remote_column.pg_type IS 'PostgreSQL type without modifiers';
COMMENT ON COLUMN connhub_catalog.remote_column.pg_type_full IS 'PostgreSQL type with modifiers, as used by attach';
COMMENT ON COLUMN connhub_catalog.remote_column.not_null IS 'Known never to be null';
COMMENT ON COLUMN connhub_catalog.remote_column.generated IS 'Computed or assigned by the source';
COMMENT ON COLUMN connhub_catalog.remote_column.default_value IS 'Default, in the source''s own text';
COMMENT ON COLUMN connhub_catalog.remote_column.comment IS 'Comment at the source';
COMMENT ON COLUMN connhub_catalog.remote_column.collation IS 'Collation, by the source''s own name';

CREATE TABLE connhub_catalog.remote_statistics (
	connector_id uuid NOT NULL,
	schema text COLLATE pg_catalog."C" NOT NULL,
	table_name text COLLATE pg_catalog."C" NOT NULL,
	column_name text COLLATE pg_catalog."C" NOT NULL,
	null_fraction real,
	distinct_values real,
	average_width integer,
	correlation real,
	most_common jsonb,
	histogram jsonb,
	CONSTRAINT remote_statistics_pkey PRIMARY KEY (connector_id, schema, table_name, column_name)
);
COMMENT ON TABLE connhub_catalog.remote_statistics IS 'Statistics of discovered columns; apart from them, since sources tell them later';
COMMENT ON COLUMN connhub_catalog.remote_statistics.connector_id IS 'Connector';
COMMENT ON COLUMN connhub_catalog.remote_statistics.schema IS 'Schema at the source';
COMMENT ON COLUMN connhub_catalog.remote_statistics.table_name IS 'Table at the source';
COMMENT ON COLUMN connhub_catalog.remote_statistics.column_name IS 'Column at the source';
COMMENT ON COLUMN connhub_catalog.remote_statistics.null_fraction IS 'Fraction of nulls; null: unknown';
COMMENT ON COLUMN connhub_catalog.remote_statistics.distinct_values IS 'Positive: a count; negative: minus the fraction of rows; null: unknown';
COMMENT ON COLUMN connhub_catalog.remote_statistics.average_width IS 'Average bytes; null: unknown';
COMMENT ON COLUMN connhub_catalog.remote_statistics.correlation IS 'Correlation of physical with logical order; null: unknown';
COMMENT ON COLUMN connhub_catalog.remote_statistics.most_common IS 'Array of [value, frequency]';
COMMENT ON COLUMN connhub_catalog.remote_statistics.histogram IS 'Array of equal-count bounds';

CREATE TABLE connhub_catalog.remote_key (
	connector_id uuid NOT NULL,
	schema text COLLATE pg_catalog."C" NOT NULL,
	table_name text COLLATE pg_catalog."C" NOT NULL,
	name text COLLATE pg_catalog."C" NOT NULL,
	kind text COLLATE pg_catalog."C" NOT NULL,
	columns text[] NOT NULL,
	ref_schema text,
	ref_table text,
	ref_columns text[],
	CONSTRAINT remote_key_pkey PRIMARY KEY (connector_id, schema, table_name, kind, name),
	CONSTRAINT remote_key_kind_check CHECK (kind OPERATOR(pg_catalog.=) ANY (ARRAY['primary', 'unique', 'foreign']))
);
COMMENT ON TABLE connhub_catalog.remote_key IS 'Discovered primary, unique and foreign keys';
COMMENT ON COLUMN connhub_catalog.remote_key.connector_id IS 'Connector';
COMMENT ON COLUMN connhub_catalog.remote_key.schema IS 'Schema at the source';
COMMENT ON COLUMN connhub_catalog.remote_key.table_name IS 'Table at the source';
COMMENT ON COLUMN connhub_catalog.remote_key.name IS 'Name at the source';
COMMENT ON COLUMN connhub_catalog.remote_key.kind IS 'primary, unique or foreign';
COMMENT ON COLUMN connhub_catalog.remote_key.columns IS 'Columns in key order';
COMMENT ON COLUMN connhub_catalog.remote_key.ref_schema IS 'Referenced schema of a foreign key';
COMMENT ON COLUMN connhub_catalog.remote_key.ref_table IS 'Referenced table of a foreign key';
COMMENT ON COLUMN connhub_catalog.remote_key.ref_columns IS 'Referenced columns of a foreign key';

CREATE TABLE connhub_catalog.remote_index (
	connector_id uuid NOT NULL,
	schema text COLLATE pg_catalog."C" NOT NULL,
	table_name text COLLATE pg_catalog."C" NOT NULL,
	name text COLLATE pg_catalog."C" NOT NULL,
	is_unique boolean NOT NULL,
	method text,
	columns text[] NOT NULL,
	predicate text,
	CONSTRAINT remote_index_pkey PRIMARY KEY (connector_id, schema, table_name, name)
);
COMMENT ON TABLE connhub_catalog.remote_index IS 'Discovered indexes';
COMMENT ON COLUMN connhub_catalog.remote_index.connector_id IS 'Connector';
COMMENT ON COLUMN connhub_catalog.remote_index.schema IS 'Schema at the source';
COMMENT ON COLUMN connhub_catalog.remote_index.table_name IS 'Table at the source';
COMMENT ON COLUMN connhub_catalog.remote_index.name IS 'Name at the source';
COMMENT ON COLUMN connhub_catalog.remote_index.is_unique IS 'Whether it enforces uniqueness';
COMMENT ON COLUMN connhub_catalog.remote_index.method IS 'Access method';
COMMENT ON COLUMN connhub_catalog.remote_index.columns IS 'Columns or expressions in index order';
COMMENT ON COLUMN connhub_catalog.remote_index.predicate IS 'Predicate of a partial index';

INSERT INTO connhub_catalog.tenant (id, name) VALUES ('00000000-0000-0000-0000-000000000001', 'default');

-- What a dump carries: everything but the types, which follow the installed drivers, and the tiers and
-- the tenant made above.  Credentials travel sealed; the master key is not in the database.
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.tenant', 'WHERE id OPERATOR(pg_catalog.<>) ''00000000-0000-0000-0000-000000000001''');
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.connector', '');
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.data_key', '');
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.data_key_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.secret', '');
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.remote_schema', '');
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.remote_table', '');
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.remote_column', '');
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.remote_statistics', '');
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.remote_key', '');
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.remote_index', '');
