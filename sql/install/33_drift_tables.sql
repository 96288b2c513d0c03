-- How discoveries of a connector went, and what they found changed at its source.

CREATE TABLE connhub_catalog.discovery (
	connector_id uuid NOT NULL,
	serial bigint NOT NULL DEFAULT 0,
	started_at timestamptz,
	finished_at timestamptz,
	failure jsonb,
	CONSTRAINT discovery_pkey PRIMARY KEY (connector_id),
	CONSTRAINT discovery_connector_id_fkey FOREIGN KEY (connector_id) REFERENCES connhub_catalog.connector (id) ON DELETE CASCADE
);
COMMENT ON TABLE connhub_catalog.discovery IS 'The last discovery of each connector that was discovered once';
COMMENT ON COLUMN connhub_catalog.discovery.connector_id IS 'Connector';
COMMENT ON COLUMN connhub_catalog.discovery.serial IS 'Raised by each discovery that was applied: one that began before is out of date';
COMMENT ON COLUMN connhub_catalog.discovery.started_at IS 'When the one in the background that still runs, or crashed, began; null: none does';
COMMENT ON COLUMN connhub_catalog.discovery.finished_at IS 'When the last one ended, well or not';
COMMENT ON COLUMN connhub_catalog.discovery.failure IS 'Why the last one failed: {code, message, detail, hint}; null: it did not';

CREATE TABLE connhub_catalog.drift (
	id bigint GENERATED ALWAYS AS IDENTITY,
	connector_id uuid NOT NULL,
	discovered_at timestamptz NOT NULL,
	kind text COLLATE pg_catalog."C" NOT NULL,
	schema text COLLATE pg_catalog."C" NOT NULL,
	table_name text COLLATE pg_catalog."C",
	name text COLLATE pg_catalog."C",
	change text COLLATE pg_catalog."C" NOT NULL,
	before jsonb,
	after jsonb,
	attached boolean NOT NULL,
	CONSTRAINT drift_pkey PRIMARY KEY (id),
	CONSTRAINT drift_connector_id_fkey FOREIGN KEY (connector_id) REFERENCES connhub_catalog.connector (id) ON DELETE CASCADE,
	CONSTRAINT drift_kind_check CHECK (kind OPERATOR(pg_catalog.=) ANY (ARRAY['schema', 'table', 'column', 'key', 'index'])),
	CONSTRAINT drift_change_check CHECK (change OPERATOR(pg_catalog.=) ANY (ARRAY['added', 'removed', 'changed']))
);
CREATE INDEX drift_connector_id_idx ON connhub_catalog.drift (connector_id, discovered_at);
CREATE INDEX drift_table_idx ON connhub_catalog.drift (connector_id, schema, table_name, name, id);
COMMENT ON TABLE connhub_catalog.drift IS 'What a discovery found otherwise than the one before; what a new table has in it is not listed';
COMMENT ON INDEX connhub_catalog.drift_connector_id_idx IS 'The drift of one discovery';
COMMENT ON INDEX connhub_catalog.drift_table_idx IS 'The drift of one table';
COMMENT ON COLUMN connhub_catalog.drift.id IS 'Identifier, rising with time';
COMMENT ON SEQUENCE connhub_catalog.drift_id_seq IS 'Identifiers of drift';
COMMENT ON COLUMN connhub_catalog.drift.connector_id IS 'Connector';
COMMENT ON COLUMN connhub_catalog.drift.discovered_at IS 'When it was found: the same for all of one discovery';
COMMENT ON COLUMN connhub_catalog.drift.kind IS 'schema, table, column, key or index';
COMMENT ON COLUMN connhub_catalog.drift.schema IS 'Schema at the source';
COMMENT ON COLUMN connhub_catalog.drift.table_name IS 'Table at the source; null for a schema';
COMMENT ON COLUMN connhub_catalog.drift.name IS 'Column, key or index at the source; null for a schema or table';
COMMENT ON COLUMN connhub_catalog.drift.change IS 'added, removed or changed';
COMMENT ON COLUMN connhub_catalog.drift.before IS 'What it was: of a change only what differs; null when it was added';
COMMENT ON COLUMN connhub_catalog.drift.after IS 'What it is: of a change only what differs; null when it was removed';
COMMENT ON COLUMN connhub_catalog.drift.attached IS 'Whether a foreign table stood for the table then';

SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.discovery', '');
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.drift', '');
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.drift_id_seq', '');
