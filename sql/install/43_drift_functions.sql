-- What discoveries find otherwise than the ones before, and bringing foreign tables after it.

CREATE FUNCTION connhub_catalog.attached_tables(connector uuid)
	RETURNS TABLE (schema text, table_name text, relation regclass)
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT COALESCE((SELECT o.option_value FROM pg_catalog.pg_options_to_table(f.ftoptions) AS o WHERE o.option_name OPERATOR(pg_catalog.=) 'schema_name'), c.schema),
		COALESCE((SELECT o.option_value FROM pg_catalog.pg_options_to_table(f.ftoptions) AS o WHERE o.option_name OPERATOR(pg_catalog.=) 'table_name'), r.relname::text),
		r.oid::regclass
	FROM pg_catalog.pg_foreign_table AS f
	JOIN pg_catalog.pg_class AS r ON r.oid OPERATOR(pg_catalog.=) f.ftrelid
	JOIN pg_catalog.pg_foreign_server AS s ON s.oid OPERATOR(pg_catalog.=) f.ftserver
	JOIN pg_catalog.pg_foreign_data_wrapper AS w ON w.oid OPERATOR(pg_catalog.=) s.srvfdw
	JOIN connhub_catalog.connector AS c ON c.id OPERATOR(pg_catalog.=) $1
	WHERE w.fdwname OPERATOR(pg_catalog.=) 'connhub' AND EXISTS (
		SELECT FROM pg_catalog.pg_options_to_table(s.srvoptions) AS o
		WHERE o.option_name OPERATOR(pg_catalog.=) 'connector' AND o.option_value OPERATOR(pg_catalog.=) $1::text);
END;
COMMENT ON FUNCTION connhub_catalog.attached_tables(uuid) IS 'Tables of a source that foreign tables stand for; of the connector''s default schema where they name none';

CREATE FUNCTION connhub_catalog.discoveries_due()
	RETURNS TABLE (connector_id uuid, due_at timestamptz)
	LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED
BEGIN ATOMIC
	SELECT c.id, CASE WHEN l.last OPERATOR(pg_catalog.>) (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) '1 minute'::interval)
		THEN pg_catalog.clock_timestamp() ELSE l.last OPERATOR(pg_catalog.+) i.span END
	FROM connhub_catalog.connector AS c
	JOIN connhub_catalog.connector_type AS t ON t.name OPERATOR(pg_catalog.=) c.type
	LEFT JOIN connhub_catalog.discovery AS d ON d.connector_id OPERATOR(pg_catalog.=) c.id
	CROSS JOIN LATERAL (SELECT GREATEST(d.started_at, d.finished_at, c.last_discovered_at) AS last) AS l
	CROSS JOIN LATERAL (SELECT COALESCE(c.options OPERATOR(pg_catalog.->>) 'refresh_interval', '3600s')::interval AS span) AS i
	WHERE c.enabled AND c.deleted_at IS NULL AND 'discovery' OPERATOR(pg_catalog.=) ANY (t.features)
		AND i.span OPERATOR(pg_catalog.>) '0'::interval
		AND l.last IS NOT NULL;
END;
COMMENT ON FUNCTION connhub_catalog.discoveries_due() IS 'When the connectors that were discovered whole, or should have been, are to be discovered again: refresh_interval after the last one began or ended';

CREATE FUNCTION connhub.apply_drift(
	connector text,
	dry_run boolean DEFAULT true,
	drop_missing boolean DEFAULT false,
	attach_new boolean DEFAULT false
) RETURNS TABLE (action text, object text, statement text, done boolean, problem text)
	AS 'MODULE_PATHNAME', 'connhub_apply_drift'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.apply_drift(text, boolean, boolean, boolean) IS 'Alter the foreign tables of a connector after what discoveries found changed at its source; a dry run tries and undoes it';
