-- Ceilings of connectors by role.

CREATE TABLE connhub_catalog.connector_limit (
	connector_id uuid NOT NULL,
	role regrole NOT NULL,
	rows bigint,
	bytes bigint,
	seconds bigint,
	calls bigint,
	CONSTRAINT connector_limit_pkey PRIMARY KEY (connector_id, role),
	CONSTRAINT connector_limit_connector_id_fkey FOREIGN KEY (connector_id) REFERENCES connhub_catalog.connector (id) ON DELETE CASCADE
);
COMMENT ON TABLE connhub_catalog.connector_limit IS 'How much members of a role may fetch from a connector';
COMMENT ON COLUMN connhub_catalog.connector_limit.connector_id IS 'Connector';
COMMENT ON COLUMN connhub_catalog.connector_limit.role IS 'Role whose members it holds for; - for everybody';
COMMENT ON COLUMN connhub_catalog.connector_limit.rows IS 'Rows that one statement may fetch';
COMMENT ON COLUMN connhub_catalog.connector_limit.bytes IS 'Bytes that one statement may fetch';
COMMENT ON COLUMN connhub_catalog.connector_limit.seconds IS 'Seconds that one statement may keep the source busy';
COMMENT ON COLUMN connhub_catalog.connector_limit.calls IS 'Native queries and writes in one minute, of all members together';

SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.connector_limit', '');
