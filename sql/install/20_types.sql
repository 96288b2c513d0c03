-- Row types that several functions return.

CREATE TYPE connhub.test_result AS (
	connector_id uuid,
	success boolean,
	error_code text,
	message text,
	detail text,
	hint text,
	latency_ms double precision,
	server_version text,
	tested_at timestamptz,
	phase text,
	dns_ms double precision,
	tunnel_ms double precision,
	tcp_ms double precision,
	tls_ms double precision,
	auth_ms double precision,
	database_ms double precision,
	permission_ms double precision,
	phases jsonb
);
COMMENT ON TYPE connhub.test_result IS 'Result of one test of a connector';
COMMENT ON COLUMN connhub.test_result.connector_id IS 'Connector; null when it is not saved';
COMMENT ON COLUMN connhub.test_result.success IS 'Whether the source was reached and may be read';
COMMENT ON COLUMN connhub.test_result.error_code IS 'CONNECTION_REFUSED, AUTHENTICATION_FAILED, and so on; null on success';
COMMENT ON COLUMN connhub.test_result.message IS 'What was found, in one sentence';
COMMENT ON COLUMN connhub.test_result.detail IS 'More about the failure';
COMMENT ON COLUMN connhub.test_result.hint IS 'What to do about it';
COMMENT ON COLUMN connhub.test_result.latency_ms IS 'Time of the whole test';
COMMENT ON COLUMN connhub.test_result.server_version IS 'Version, as the source prints it';
COMMENT ON COLUMN connhub.test_result.tested_at IS 'When the test began';
COMMENT ON COLUMN connhub.test_result.phase IS 'Phase in which it failed';
COMMENT ON COLUMN connhub.test_result.dns_ms IS 'Name resolution; null: not reached; so for each phase';
COMMENT ON COLUMN connhub.test_result.tunnel_ms IS 'Tunnel or proxy';
COMMENT ON COLUMN connhub.test_result.tcp_ms IS 'Network connection';
COMMENT ON COLUMN connhub.test_result.tls_ms IS 'TLS handshake';
COMMENT ON COLUMN connhub.test_result.auth_ms IS 'Login';
COMMENT ON COLUMN connhub.test_result.database_ms IS 'Database';
COMMENT ON COLUMN connhub.test_result.permission_ms IS 'Right to read it';
COMMENT ON COLUMN connhub.test_result.phases IS 'The same as one document: milliseconds by phase';

CREATE TYPE connhub.connector_result AS (
	id uuid,
	name text,
	type text,
	host text,
	port integer,
	database text,
	status text,
	server text,
	last_tested_at timestamptz,
	latency_ms double precision,
	server_version text,
	error_code text,
	message text,
	schemas bigint,
	tables bigint
);
COMMENT ON TYPE connhub.connector_result IS 'A connector after it was created or changed';
COMMENT ON COLUMN connhub.connector_result.id IS 'Identifier';
COMMENT ON COLUMN connhub.connector_result.name IS 'Name';
COMMENT ON COLUMN connhub.connector_result.type IS 'Connector type';
COMMENT ON COLUMN connhub.connector_result.host IS 'Host';
COMMENT ON COLUMN connhub.connector_result.port IS 'Port';
COMMENT ON COLUMN connhub.connector_result.database IS 'Database or file';
COMMENT ON COLUMN connhub.connector_result.status IS 'TESTING, ACTIVE, WARNING, ERROR, INACTIVE or MAINTENANCE';
COMMENT ON COLUMN connhub.connector_result.server IS 'Foreign server that stands for it';
COMMENT ON COLUMN connhub.connector_result.last_tested_at IS 'When it was last tested; null: never';
COMMENT ON COLUMN connhub.connector_result.latency_ms IS 'Time of that test';
COMMENT ON COLUMN connhub.connector_result.server_version IS 'Version of the source';
COMMENT ON COLUMN connhub.connector_result.error_code IS 'Why that test failed; null: it succeeded';
COMMENT ON COLUMN connhub.connector_result.message IS 'The same in words';
COMMENT ON COLUMN connhub.connector_result.schemas IS 'Schemas discovered';
COMMENT ON COLUMN connhub.connector_result.tables IS 'Tables and views discovered';
