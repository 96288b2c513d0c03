-- What the caller may see, as views: members of connhub_admin see everything, members of a tenant what it has; in the
-- default tenant members of connhub_reader see all of it, others the connectors they own or hold USAGE on.

CREATE VIEW connhub.connector_type WITH (security_barrier) AS
	SELECT t.name, t.category, t.description, t.version, t.default_port, t.features, t.tier,
		t.options OPERATOR(pg_catalog.||) COALESCE((SELECT pg_catalog.jsonb_agg(c.option)
			FROM pg_catalog.jsonb_array_elements(connhub_catalog.common_options(t.flags)) AS c (option)
			WHERE NOT EXISTS (SELECT FROM pg_catalog.jsonb_array_elements(t.options) AS own (option)
				WHERE own.option OPERATOR(pg_catalog.->>) 'name' OPERATOR(pg_catalog.=) (c.option OPERATOR(pg_catalog.->>) 'name'))),
			'[]') AS options, t.example, t.driver
	FROM connhub_catalog.connector_type t;
COMMENT ON VIEW connhub.connector_type IS 'Connector types there are';
COMMENT ON COLUMN connhub.connector_type.name IS 'Name, as in connhub.create_connector(type => ...)';
COMMENT ON COLUMN connhub.connector_type.category IS 'relational, warehouse, nosql, ...';
COMMENT ON COLUMN connhub.connector_type.description IS 'One sentence';
COMMENT ON COLUMN connhub.connector_type.version IS 'Version of the driver';
COMMENT ON COLUMN connhub.connector_type.default_port IS 'TCP port used when a connector names none';
COMMENT ON COLUMN connhub.connector_type.features IS 'What the driver can do';
COMMENT ON COLUMN connhub.connector_type.tier IS 'Least tier that may use the type';
COMMENT ON COLUMN connhub.connector_type.options IS 'Options, the type''s own and then the common ones: array of {name, kind, default, choices, min, max, secret, required, privileged, help}';
COMMENT ON COLUMN connhub.connector_type.example IS 'A whole call that creates a connector';
COMMENT ON COLUMN connhub.connector_type.driver IS 'Driver that serves the type';

CREATE VIEW connhub.connector WITH (security_barrier) AS
	SELECT
		c.id,
		c.name,
		c.type,
		t.category,
		connhub_catalog.owner_name(c.id) AS owner,
		c.host,
		COALESCE(c.port, t.default_port) AS port,
		c.database,
		c.schema,
		c.username,
		c.ssl_mode OPERATOR(pg_catalog.<>) 'disable' AS ssl_enabled,
		c.ssl_mode,
		c.options,
		c.labels,
		c.enabled,
		c.status,
		connhub_catalog.server_name(c.id) AS server,
		c.secret_version OPERATOR(pg_catalog.>) 0 AS has_credential,
		c.source_product,
		c.source_version,
		h.tested_at AS last_tested_at,
		h.result AS last_test_result,
		(h.result OPERATOR(pg_catalog.->>) 'latency_ms')::double precision AS latency_ms,
		c.last_discovered_at,
		(SELECT pg_catalog.count(*) FROM connhub_catalog.remote_schema s WHERE s.connector_id OPERATOR(pg_catalog.=) c.id) AS schemas,
		(SELECT pg_catalog.count(*) FROM connhub_catalog.remote_table r WHERE r.connector_id OPERATOR(pg_catalog.=) c.id) AS tables,
		c.created_at,
		c.updated_at,
		n.name AS tenant
	FROM connhub_catalog.connector c
	JOIN connhub_catalog.tenant n ON n.id OPERATOR(pg_catalog.=) c.tenant_id
	LEFT JOIN connhub_catalog.connector_type t ON t.name OPERATOR(pg_catalog.=) c.type
	LEFT JOIN connhub_catalog.health h ON h.connector_id OPERATOR(pg_catalog.=) c.id
	WHERE c.deleted_at IS NULL AND connhub_catalog.may_see(c.id);
COMMENT ON VIEW connhub.connector IS 'Connectors the caller may see';
COMMENT ON COLUMN connhub.connector.id IS 'Identifier';
COMMENT ON COLUMN connhub.connector.name IS 'Unique in its tenant';
COMMENT ON COLUMN connhub.connector.type IS 'Connector type';
COMMENT ON COLUMN connhub.connector.category IS 'Category of the type';
COMMENT ON COLUMN connhub.connector.owner IS 'Role that may manage it';
COMMENT ON COLUMN connhub.connector.host IS 'Host';
COMMENT ON COLUMN connhub.connector.port IS 'Port';
COMMENT ON COLUMN connhub.connector.database IS 'Database or file';
COMMENT ON COLUMN connhub.connector.schema IS 'Default schema';
COMMENT ON COLUMN connhub.connector.username IS 'User at the source';
COMMENT ON COLUMN connhub.connector.ssl_enabled IS 'Whether the connection is encrypted';
COMMENT ON COLUMN connhub.connector.ssl_mode IS 'disable, require, verify-ca or verify-full';
COMMENT ON COLUMN connhub.connector.options IS 'Options as set; defaults are left out';
COMMENT ON COLUMN connhub.connector.labels IS 'Labels';
COMMENT ON COLUMN connhub.connector.enabled IS 'False: disabled by its user';
COMMENT ON COLUMN connhub.connector.status IS 'TESTING (not tested yet), ACTIVE, WARNING (slow), ERROR, INACTIVE (disabled) or MAINTENANCE';
COMMENT ON COLUMN connhub.connector.server IS 'Foreign server that stands for it';
COMMENT ON COLUMN connhub.connector.has_credential IS 'Whether a credential is stored';
COMMENT ON COLUMN connhub.connector.source_product IS 'Product found by the last successful test';
COMMENT ON COLUMN connhub.connector.source_version IS 'Version found by the last successful test';
COMMENT ON COLUMN connhub.connector.last_tested_at IS 'When it was last tested';
COMMENT ON COLUMN connhub.connector.last_test_result IS 'Result of that test';
COMMENT ON COLUMN connhub.connector.latency_ms IS 'Time of that test';
COMMENT ON COLUMN connhub.connector.last_discovered_at IS 'When it was last discovered whole';
COMMENT ON COLUMN connhub.connector.schemas IS 'Schemas discovered';
COMMENT ON COLUMN connhub.connector.tables IS 'Tables and views discovered';
COMMENT ON COLUMN connhub.connector.created_at IS 'When it was created';
COMMENT ON COLUMN connhub.connector.updated_at IS 'When its configuration last changed';
COMMENT ON COLUMN connhub.connector.tenant IS 'Tenant it belongs to';

CREATE VIEW connhub.remote_schema WITH (security_barrier) AS
	SELECT s.connector_id, c.name AS connector, s.name, s.comment
	FROM connhub_catalog.remote_schema s
	JOIN connhub.connector c ON c.id OPERATOR(pg_catalog.=) s.connector_id;
COMMENT ON VIEW connhub.remote_schema IS 'Discovered schemas of the connectors the caller may see';
COMMENT ON COLUMN connhub.remote_schema.connector_id IS 'Id of the connector';
COMMENT ON COLUMN connhub.remote_schema.connector IS 'Name of the connector';
COMMENT ON COLUMN connhub.remote_schema.name IS 'Name at the source';
COMMENT ON COLUMN connhub.remote_schema.comment IS 'Comment at the source';

CREATE VIEW connhub.remote_table WITH (security_barrier) AS
	SELECT r.connector_id, c.name AS connector, r.schema, r.name, r.kind AS type, r.comment,
		r.rows AS estimated_rows, r.bytes AS size_bytes
	FROM connhub_catalog.remote_table r
	JOIN connhub.connector c ON c.id OPERATOR(pg_catalog.=) r.connector_id;
COMMENT ON VIEW connhub.remote_table IS 'Discovered tables and views of the connectors the caller may see';
COMMENT ON COLUMN connhub.remote_table.connector_id IS 'Id of the connector';
COMMENT ON COLUMN connhub.remote_table.connector IS 'Name of the connector';
COMMENT ON COLUMN connhub.remote_table.schema IS 'Schema at the source';
COMMENT ON COLUMN connhub.remote_table.name IS 'Name at the source';
COMMENT ON COLUMN connhub.remote_table.type IS 'table, view, materialized view, foreign table or partitioned table';
COMMENT ON COLUMN connhub.remote_table.comment IS 'Comment at the source';
COMMENT ON COLUMN connhub.remote_table.estimated_rows IS 'Estimated rows; null: unknown';
COMMENT ON COLUMN connhub.remote_table.size_bytes IS 'Estimated bytes without indexes; null: unknown';

CREATE VIEW connhub.remote_column WITH (security_barrier) AS
	SELECT r.connector_id, c.name AS connector, r.schema, r.table_name, r.position, r.name, r.remote_type,
		r.pg_type_full AS pg_type, NOT r.not_null AS nullable, r.generated, r.default_value, r.comment,
		r.collation, s.null_fraction, s.distinct_values, s.average_width, s.correlation,
		CASE WHEN connhub_catalog.may_use(r.connector_id) THEN s.most_common END AS most_common,
		CASE WHEN connhub_catalog.may_use(r.connector_id) THEN s.histogram END AS histogram
	FROM connhub_catalog.remote_column r
	JOIN connhub.connector c ON c.id OPERATOR(pg_catalog.=) r.connector_id
	LEFT JOIN connhub_catalog.remote_statistics s
		ON s.connector_id OPERATOR(pg_catalog.=) r.connector_id
		AND s.schema OPERATOR(pg_catalog.=) r.schema
		AND s.table_name OPERATOR(pg_catalog.=) r.table_name
		AND s.column_name OPERATOR(pg_catalog.=) r.name;
COMMENT ON VIEW connhub.remote_column IS 'Discovered columns, with statistics, of the connectors the caller may see';
COMMENT ON COLUMN connhub.remote_column.connector_id IS 'Id of the connector';
COMMENT ON COLUMN connhub.remote_column.connector IS 'Name of the connector';
COMMENT ON COLUMN connhub.remote_column.schema IS 'Schema at the source';
COMMENT ON COLUMN connhub.remote_column.table_name IS 'Table at the source';
COMMENT ON COLUMN connhub.remote_column.position IS 'Position in the table, from 1';
COMMENT ON COLUMN connhub.remote_column.name IS 'Name at the source';
COMMENT ON COLUMN connhub.remote_column.remote_type IS 'Type at the source, with modifiers';
COMMENT ON COLUMN connhub.remote_column.pg_type IS 'PostgreSQL type it becomes';
COMMENT ON COLUMN connhub.remote_column.nullable IS 'False: known never to be null';
COMMENT ON COLUMN connhub.remote_column.generated IS 'Computed or assigned by the source';
COMMENT ON COLUMN connhub.remote_column.default_value IS 'Default, in the source''s own text';
COMMENT ON COLUMN connhub.remote_column.comment IS 'Comment at the source';
COMMENT ON COLUMN connhub.remote_column.collation IS 'Collation, by the source''s own name';
COMMENT ON COLUMN connhub.remote_column.null_fraction IS 'Fraction of nulls; null: unknown';
COMMENT ON COLUMN connhub.remote_column.distinct_values IS 'Positive: a count; negative: minus the fraction of rows; null: unknown';
COMMENT ON COLUMN connhub.remote_column.average_width IS 'Average bytes; null: unknown';
COMMENT ON COLUMN connhub.remote_column.correlation IS 'Correlation of physical with logical order; null: unknown';
COMMENT ON COLUMN connhub.remote_column.most_common IS 'Array of [value, frequency]; null for who may not use the connector';
COMMENT ON COLUMN connhub.remote_column.histogram IS 'Array of equal-count bounds; null for who may not use the connector';

CREATE VIEW connhub.remote_key WITH (security_barrier) AS
	SELECT k.connector_id, c.name AS connector, k.schema, k.table_name, k.name, k.kind AS type, k.columns,
		k.ref_schema, k.ref_table, k.ref_columns
	FROM connhub_catalog.remote_key k
	JOIN connhub.connector c ON c.id OPERATOR(pg_catalog.=) k.connector_id;
COMMENT ON VIEW connhub.remote_key IS 'Discovered keys of the connectors the caller may see';
COMMENT ON COLUMN connhub.remote_key.connector_id IS 'Id of the connector';
COMMENT ON COLUMN connhub.remote_key.connector IS 'Name of the connector';
COMMENT ON COLUMN connhub.remote_key.schema IS 'Schema at the source';
COMMENT ON COLUMN connhub.remote_key.table_name IS 'Table at the source';
COMMENT ON COLUMN connhub.remote_key.name IS 'Name at the source';
COMMENT ON COLUMN connhub.remote_key.type IS 'primary, unique or foreign';
COMMENT ON COLUMN connhub.remote_key.columns IS 'Columns in key order';
COMMENT ON COLUMN connhub.remote_key.ref_schema IS 'Referenced schema of a foreign key';
COMMENT ON COLUMN connhub.remote_key.ref_table IS 'Referenced table of a foreign key';
COMMENT ON COLUMN connhub.remote_key.ref_columns IS 'Referenced columns of a foreign key';

CREATE VIEW connhub.remote_index WITH (security_barrier) AS
	SELECT i.connector_id, c.name AS connector, i.schema, i.table_name, i.name, i.is_unique, i.method, i.columns,
		i.predicate
	FROM connhub_catalog.remote_index i
	JOIN connhub.connector c ON c.id OPERATOR(pg_catalog.=) i.connector_id;
COMMENT ON VIEW connhub.remote_index IS 'Discovered indexes of the connectors the caller may see';
COMMENT ON COLUMN connhub.remote_index.connector_id IS 'Id of the connector';
COMMENT ON COLUMN connhub.remote_index.connector IS 'Name of the connector';
COMMENT ON COLUMN connhub.remote_index.schema IS 'Schema at the source';
COMMENT ON COLUMN connhub.remote_index.table_name IS 'Table at the source';
COMMENT ON COLUMN connhub.remote_index.name IS 'Name at the source';
COMMENT ON COLUMN connhub.remote_index.is_unique IS 'Whether it enforces uniqueness';
COMMENT ON COLUMN connhub.remote_index.method IS 'Access method';
COMMENT ON COLUMN connhub.remote_index.columns IS 'Columns or expressions in index order';
COMMENT ON COLUMN connhub.remote_index.predicate IS 'Predicate of a partial index';
