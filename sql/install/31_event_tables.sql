-- What happened to connectors that somebody may want to be told of.

CREATE TABLE connhub_catalog.event (
	id bigint GENERATED ALWAYS AS IDENTITY,
	tenant_id uuid NOT NULL,
	connector_id uuid,
	kind text COLLATE pg_catalog."C" NOT NULL,
	severity text COLLATE pg_catalog."C" NOT NULL,
	message text NOT NULL,
	detail jsonb NOT NULL DEFAULT '{}',
	occurred_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT event_pkey PRIMARY KEY (id),
	CONSTRAINT event_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES connhub_catalog.tenant (id) ON DELETE CASCADE,
	CONSTRAINT event_severity_check CHECK (severity OPERATOR(pg_catalog.=) ANY (ARRAY['info', 'warning', 'error']))
);
CREATE INDEX event_connector_id_idx ON connhub_catalog.event (connector_id, id);
COMMENT ON TABLE connhub_catalog.event IS 'Events: each is written by the transaction that made it happen; without a foreign key to the connector, since telling must not wait for one that is being changed';
COMMENT ON INDEX connhub_catalog.event_connector_id_idx IS 'The events of a connector in their order';
COMMENT ON COLUMN connhub_catalog.event.id IS 'Identifier, rising with time';
COMMENT ON SEQUENCE connhub_catalog.event_id_seq IS 'Identifiers of events';
COMMENT ON COLUMN connhub_catalog.event.tenant_id IS 'Tenant it concerns';
COMMENT ON COLUMN connhub_catalog.event.connector_id IS 'Connector it concerns; null: none in particular';
COMMENT ON COLUMN connhub_catalog.event.kind IS 'status, drift, expiry, ...';
COMMENT ON COLUMN connhub_catalog.event.severity IS 'info, warning or error';
COMMENT ON COLUMN connhub_catalog.event.message IS 'One line for people; no secrets';
COMMENT ON COLUMN connhub_catalog.event.detail IS 'What happened, for programs: an object whose keys depend on kind';
COMMENT ON COLUMN connhub_catalog.event.occurred_at IS 'When it happened';

SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.event', '');
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.event_id_seq', '');
