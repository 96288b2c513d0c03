-- Functions that list: over the views, so that each shows what its caller may see.
--
-- The connector is looked up first, whatever the plan: OFFSET 0 keeps the sub-select from being pulled up, so that a
-- misspelt name is an error and not an empty list.

CREATE FUNCTION connhub.types()
	RETURNS TABLE (name text, category text, description text, version text, default_port integer, features text[], tier text, options jsonb, example text, driver text)
	LANGUAGE SQL STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT t.name, t.category, t.description, t.version, t.default_port, t.features, t.tier, t.options, t.example, t.driver
	FROM connhub.connector_type t
	ORDER BY t.category, t.name;
END;
COMMENT ON FUNCTION connhub.types() IS 'Connector types there are, with their options and an example each';

CREATE FUNCTION connhub.get_connector(connector text) RETURNS SETOF connhub.connector
	LANGUAGE SQL STABLE STRICT PARALLEL RESTRICTED ROWS 1
BEGIN ATOMIC
	SELECT c.* FROM connhub_catalog.connector_id(get_connector.connector) AS wanted (id),
		LATERAL (SELECT v.* FROM connhub.connector v WHERE v.id OPERATOR(pg_catalog.=) wanted.id OFFSET 0) c;
END;
COMMENT ON FUNCTION connhub.get_connector(text) IS 'The connector of a name or id';

CREATE FUNCTION connhub.connectors(
	type text DEFAULT NULL,
	status text DEFAULT NULL,
	name text DEFAULT NULL,
	label text DEFAULT NULL,
	search text DEFAULT NULL,
	sort text DEFAULT 'name',
	descending boolean DEFAULT false,
	max_rows bigint DEFAULT NULL,
	skip_rows bigint DEFAULT 0
)
	RETURNS TABLE (id uuid, name text, type text, status text, host text, port integer, database text, owner text, enabled boolean, labels jsonb, last_tested_at timestamptz, latency_ms double precision, error_code text, schemas bigint, tables bigint, last_discovered_at timestamptz, created_at timestamptz, updated_at timestamptz, total bigint)
	LANGUAGE SQL STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED
BEGIN ATOMIC
	WITH argument AS (
		SELECT
			connhub_catalog.one_of('sort', COALESCE(connectors.sort, 'name'), ARRAY['name', 'type', 'status', 'host', 'owner', 'latency', 'last_tested_at', 'created_at', 'updated_at']) AS sort,
			connhub_catalog.one_of('status', pg_catalog.upper(connectors.status), ARRAY['TESTING', 'ACTIVE', 'WARNING', 'ERROR', 'INACTIVE', 'MAINTENANCE']) AS status,
			pg_catalog.split_part(connectors.label, '=', 1) AS label,
			CASE WHEN pg_catalog.strpos(connectors.label, '=') OPERATOR(pg_catalog.>) 0
				THEN pg_catalog.substr(connectors.label, pg_catalog.strpos(connectors.label, '=') OPERATOR(pg_catalog.+) 1) END AS label_value
	), found AS (
		SELECT c.*, a.sort AS sort_column
		FROM connhub.connector c, argument a
		WHERE (connectors.type IS NULL OR c.type OPERATOR(pg_catalog.=) connectors.type)
			AND (a.status IS NULL OR c.status OPERATOR(pg_catalog.=) a.status)
			AND (connectors.name IS NULL OR c.name OPERATOR(pg_catalog.~~) connectors.name)
			AND (a.label IS NULL OR c.labels OPERATOR(pg_catalog.?) a.label)
			AND (a.label_value IS NULL OR c.labels OPERATOR(pg_catalog.->>) a.label OPERATOR(pg_catalog.=) a.label_value)
			AND (connectors.search IS NULL
				OR pg_catalog.strpos(pg_catalog.lower(pg_catalog.concat_ws(' ', c.name, c.type, c.host, c.database, c.schema, c.labels::text)), pg_catalog.lower(connectors.search)) OPERATOR(pg_catalog.>) 0)
	)
	SELECT f.id, f.name, f.type, f.status, f.host, f.port, f.database, f.owner, f.enabled, f.labels,
		f.last_tested_at, f.latency_ms, f.last_test_result OPERATOR(pg_catalog.->>) 'error_code', f.schemas, f.tables,
		f.last_discovered_at, f.created_at, f.updated_at, pg_catalog.count(*) OVER ()
	FROM found f
	ORDER BY
		CASE WHEN NOT connectors.descending THEN
			CASE f.sort_column WHEN 'type' THEN f.type WHEN 'status' THEN f.status WHEN 'host' THEN f.host WHEN 'owner' THEN f.owner END
		END,
		CASE WHEN NOT connectors.descending THEN
			CASE f.sort_column WHEN 'last_tested_at' THEN f.last_tested_at WHEN 'created_at' THEN f.created_at WHEN 'updated_at' THEN f.updated_at END
		END,
		CASE WHEN NOT connectors.descending AND f.sort_column OPERATOR(pg_catalog.=) 'latency' THEN f.latency_ms END,
		CASE WHEN connectors.descending THEN
			CASE f.sort_column WHEN 'type' THEN f.type WHEN 'status' THEN f.status WHEN 'host' THEN f.host WHEN 'owner' THEN f.owner WHEN 'name' THEN f.name END
		END DESC NULLS LAST,
		CASE WHEN connectors.descending THEN
			CASE f.sort_column WHEN 'last_tested_at' THEN f.last_tested_at WHEN 'created_at' THEN f.created_at WHEN 'updated_at' THEN f.updated_at END
		END DESC NULLS LAST,
		CASE WHEN connectors.descending AND f.sort_column OPERATOR(pg_catalog.=) 'latency' THEN f.latency_ms END DESC NULLS LAST,
		f.name
	LIMIT connectors.max_rows OFFSET connectors.skip_rows;
END;
COMMENT ON FUNCTION connhub.connectors(text, text, text, text, text, text, boolean, bigint, bigint) IS 'Connectors by type, status, LIKE pattern of the name, label (key or key=value) and free text, sorted and paged; total counts all that match';

CREATE FUNCTION connhub.schemas(connector text)
	RETURNS TABLE (schema text, tables bigint, views bigint, estimated_rows double precision, size_bytes numeric, comment text)
	LANGUAGE SQL STABLE STRICT PARALLEL RESTRICTED
BEGIN ATOMIC
	SELECT s.name,
		pg_catalog.count(*) FILTER (WHERE t.type OPERATOR(pg_catalog.=) ANY (ARRAY['table', 'foreign table', 'partitioned table'])),
		pg_catalog.count(*) FILTER (WHERE t.type OPERATOR(pg_catalog.=) ANY (ARRAY['view', 'materialized view'])),
		pg_catalog.sum(t.estimated_rows),
		pg_catalog.sum(t.size_bytes),
		s.comment
	FROM connhub_catalog.connector_id(schemas.connector) AS wanted (id),
		LATERAL (SELECT v.* FROM connhub.remote_schema v WHERE v.connector_id OPERATOR(pg_catalog.=) wanted.id OFFSET 0) s
	LEFT JOIN connhub.remote_table t ON t.connector_id OPERATOR(pg_catalog.=) s.connector_id AND t.schema OPERATOR(pg_catalog.=) s.name
	GROUP BY s.name, s.comment
	ORDER BY s.name;
END;
COMMENT ON FUNCTION connhub.schemas(text) IS 'Discovered schemas of a connector';

CREATE FUNCTION connhub.tables(connector text, schema_pattern text DEFAULT NULL, table_pattern text DEFAULT NULL)
	RETURNS TABLE (schema text, name text, type text, columns bigint, primary_key text[], estimated_rows double precision, size_bytes bigint, comment text)
	LANGUAGE SQL STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED
BEGIN ATOMIC
	SELECT t.schema, t.name, t.type,
		(SELECT pg_catalog.count(*) FROM connhub.remote_column c
			WHERE c.connector_id OPERATOR(pg_catalog.=) t.connector_id AND c.schema OPERATOR(pg_catalog.=) t.schema AND c.table_name OPERATOR(pg_catalog.=) t.name),
		(SELECT k.columns FROM connhub.remote_key k
			WHERE k.connector_id OPERATOR(pg_catalog.=) t.connector_id AND k.schema OPERATOR(pg_catalog.=) t.schema AND k.table_name OPERATOR(pg_catalog.=) t.name
				AND k.type OPERATOR(pg_catalog.=) 'primary' LIMIT 1),
		t.estimated_rows, t.size_bytes, t.comment
	FROM connhub_catalog.connector_id(tables.connector) AS wanted (id),
		LATERAL (SELECT v.* FROM connhub.remote_table v WHERE v.connector_id OPERATOR(pg_catalog.=) wanted.id OFFSET 0) t
	WHERE (tables.schema_pattern IS NULL OR t.schema OPERATOR(pg_catalog.~~) tables.schema_pattern)
		AND (tables.table_pattern IS NULL OR t.name OPERATOR(pg_catalog.~~) tables.table_pattern)
	ORDER BY t.schema, t.name;
END;
COMMENT ON FUNCTION connhub.tables(text, text, text) IS 'Discovered tables and views of a connector, by LIKE patterns';

CREATE FUNCTION connhub.columns(connector text, schema_pattern text DEFAULT NULL, table_pattern text DEFAULT NULL)
	RETURNS TABLE (schema text, table_name text, "position" integer, name text, remote_type text, pg_type text, nullable boolean, generated boolean, default_value text, "collation" text, comment text)
	LANGUAGE SQL STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED
BEGIN ATOMIC
	SELECT c.schema, c.table_name, c.position, c.name, c.remote_type, c.pg_type, c.nullable, c.generated,
		c.default_value, c.collation, c.comment
	FROM connhub_catalog.connector_id(columns.connector) AS wanted (id),
		LATERAL (SELECT v.* FROM connhub.remote_column v WHERE v.connector_id OPERATOR(pg_catalog.=) wanted.id OFFSET 0) c
	WHERE (columns.schema_pattern IS NULL OR c.schema OPERATOR(pg_catalog.~~) columns.schema_pattern)
		AND (columns.table_pattern IS NULL OR c.table_name OPERATOR(pg_catalog.~~) columns.table_pattern)
	ORDER BY c.schema, c.table_name, c.position;
END;
COMMENT ON FUNCTION connhub.columns(text, text, text) IS 'Discovered columns of a connector, by LIKE patterns of schema and table';

-- One index scan per table and part: joins of whole parts would depend on statistics there are not yet.
CREATE FUNCTION connhub.schemas_json(connector text) RETURNS jsonb
	LANGUAGE SQL STABLE STRICT PARALLEL RESTRICTED
BEGIN ATOMIC
	SELECT pg_catalog.jsonb_build_object(
		'connector_id', s.id,
		'connector', s.name,
		'discovered_at', s.last_discovered_at,
		'schemas', (
			SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
				'name', r.name,
				'comment', r.comment,
				'tables', (
					SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
						'name', t.name,
						'type', t.type,
						'comment', t.comment,
						'estimated_rows', t.estimated_rows,
						'size_bytes', t.size_bytes,
						'columns', (
							SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
								'name', c.name, 'position', c.position, 'type', c.remote_type, 'pg_type', c.pg_type,
								'nullable', c.nullable, 'default', c.default_value, 'collation', c.collation,
								'comment', c.comment) ORDER BY c.position), '[]')
							FROM connhub.remote_column c
							WHERE c.connector_id OPERATOR(pg_catalog.=) t.connector_id AND c.schema OPERATOR(pg_catalog.=) t.schema AND c.table_name OPERATOR(pg_catalog.=) t.name),
						'primary_key', (
							SELECT pg_catalog.to_jsonb(k.columns)
							FROM connhub.remote_key k
							WHERE k.connector_id OPERATOR(pg_catalog.=) t.connector_id AND k.schema OPERATOR(pg_catalog.=) t.schema AND k.table_name OPERATOR(pg_catalog.=) t.name
								AND k.type OPERATOR(pg_catalog.=) 'primary' LIMIT 1),
						'unique_keys', (
							SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
								'name', k.name, 'columns', k.columns) ORDER BY k.name), '[]')
							FROM connhub.remote_key k
							WHERE k.connector_id OPERATOR(pg_catalog.=) t.connector_id AND k.schema OPERATOR(pg_catalog.=) t.schema AND k.table_name OPERATOR(pg_catalog.=) t.name
								AND k.type OPERATOR(pg_catalog.=) 'unique'),
						'foreign_keys', (
							SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
								'name', k.name, 'columns', k.columns, 'ref_schema', k.ref_schema,
								'ref_table', k.ref_table, 'ref_columns', k.ref_columns) ORDER BY k.name), '[]')
							FROM connhub.remote_key k
							WHERE k.connector_id OPERATOR(pg_catalog.=) t.connector_id AND k.schema OPERATOR(pg_catalog.=) t.schema AND k.table_name OPERATOR(pg_catalog.=) t.name
								AND k.type OPERATOR(pg_catalog.=) 'foreign'),
						'indexes', (
							SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
								'name', i.name, 'unique', i.is_unique, 'method', i.method, 'columns', i.columns,
								'predicate', i.predicate) ORDER BY i.name), '[]')
							FROM connhub.remote_index i
							WHERE i.connector_id OPERATOR(pg_catalog.=) t.connector_id AND i.schema OPERATOR(pg_catalog.=) t.schema AND i.table_name OPERATOR(pg_catalog.=) t.name)
						) ORDER BY t.name), '[]')
					FROM connhub.remote_table t
					WHERE t.connector_id OPERATOR(pg_catalog.=) r.connector_id AND t.schema OPERATOR(pg_catalog.=) r.name)
				) ORDER BY r.name), '[]')
			FROM connhub.remote_schema r
			WHERE r.connector_id OPERATOR(pg_catalog.=) s.id))
	FROM connhub_catalog.connector_id(schemas_json.connector) AS wanted (id),
		LATERAL (SELECT v.* FROM connhub.connector v WHERE v.id OPERATOR(pg_catalog.=) wanted.id OFFSET 0) s;
END;
COMMENT ON FUNCTION connhub.schemas_json(text) IS 'Everything discovered of a connector as one document';
