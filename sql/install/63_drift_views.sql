-- What changed at the sources of the connectors the caller may see.

CREATE VIEW connhub.drift WITH (security_barrier) AS
	SELECT d.id, d.connector_id, c.name AS connector, d.discovered_at, d.kind, d.schema, d.table_name, d.name,
		d.change, d.before, d.after, d.attached
	FROM connhub_catalog.drift d
	JOIN connhub.connector c ON c.id OPERATOR(pg_catalog.=) d.connector_id;
COMMENT ON VIEW connhub.drift IS 'What discoveries found otherwise than the ones before, of the connectors the caller may see';
COMMENT ON COLUMN connhub.drift.id IS 'Identifier, rising with time';
COMMENT ON COLUMN connhub.drift.connector_id IS 'Id of the connector';
COMMENT ON COLUMN connhub.drift.connector IS 'Name of the connector';
COMMENT ON COLUMN connhub.drift.discovered_at IS 'When it was found: the same for all of one discovery';
COMMENT ON COLUMN connhub.drift.kind IS 'schema, table, column, key or index';
COMMENT ON COLUMN connhub.drift.schema IS 'Schema at the source';
COMMENT ON COLUMN connhub.drift.table_name IS 'Table at the source; null for a schema';
COMMENT ON COLUMN connhub.drift.name IS 'Column, key or index at the source; null for a schema or table';
COMMENT ON COLUMN connhub.drift.change IS 'added, removed or changed';
COMMENT ON COLUMN connhub.drift.before IS 'What it was: of a change only what differs; null when it was added';
COMMENT ON COLUMN connhub.drift.after IS 'What it is: of a change only what differs; null when it was removed';
COMMENT ON COLUMN connhub.drift.attached IS 'Whether a foreign table stood for the table then';

CREATE VIEW connhub.discovery WITH (security_barrier) AS
	SELECT d.connector_id, c.name AS connector, d.started_at, d.finished_at, c.last_discovered_at, d.failure
	FROM connhub_catalog.discovery d
	JOIN connhub.connector c ON c.id OPERATOR(pg_catalog.=) d.connector_id;
COMMENT ON VIEW connhub.discovery IS 'How the last discovery of each connector went that the caller may see';
COMMENT ON COLUMN connhub.discovery.connector_id IS 'Id of the connector';
COMMENT ON COLUMN connhub.discovery.connector IS 'Name of the connector';
COMMENT ON COLUMN connhub.discovery.started_at IS 'When the one in the background that still runs, or crashed, began; null: none does';
COMMENT ON COLUMN connhub.discovery.finished_at IS 'When the last one ended, well or not';
COMMENT ON COLUMN connhub.discovery.last_discovered_at IS 'When the connector was last discovered whole';
COMMENT ON COLUMN connhub.discovery.failure IS 'Why the last one failed: {code, message, detail, hint}; null: it did not';
