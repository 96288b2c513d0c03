-- Health of connectors, and the work that goes on by itself.

CREATE TABLE connhub_catalog.health (
	connector_id uuid NOT NULL,
	since timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	tested_at timestamptz,
	result jsonb,
	failures integer NOT NULL DEFAULT 0,
	next_due_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT health_pkey PRIMARY KEY (connector_id),
	CONSTRAINT health_connector_id_fkey FOREIGN KEY (connector_id) REFERENCES connhub_catalog.connector (id) ON DELETE CASCADE
);
CREATE INDEX health_next_due_at_idx ON connhub_catalog.health (next_due_at);
COMMENT ON TABLE connhub_catalog.health IS 'Last test of each connector; apart from the connector, since a test that finds nothing new must not make backends drop what they cache';
COMMENT ON INDEX connhub_catalog.health_next_due_at_idx IS 'The tests that are due, and the next ones';
COMMENT ON COLUMN connhub_catalog.health.connector_id IS 'Connector';
COMMENT ON COLUMN connhub_catalog.health.since IS 'Since when the connector has its status';
COMMENT ON COLUMN connhub_catalog.health.tested_at IS 'When it was last tested';
COMMENT ON COLUMN connhub_catalog.health.result IS 'Result of that test';
COMMENT ON COLUMN connhub_catalog.health.failures IS 'Failed tests since the last successful one';
COMMENT ON COLUMN connhub_catalog.health.next_due_at IS 'When the next test is due';

CREATE TABLE connhub_catalog.health_check (
	connector_id uuid NOT NULL,
	checked_at timestamptz NOT NULL,
	status text COLLATE pg_catalog."C" NOT NULL,
	success boolean NOT NULL,
	latency_ms real NOT NULL,
	dns_ms real,
	tunnel_ms real,
	tcp_ms real,
	tls_ms real,
	auth_ms real,
	database_ms real,
	permission_ms real,
	code text COLLATE pg_catalog."C",
	phase text COLLATE pg_catalog."C",
	message text
);
CREATE INDEX health_check_connector_id_idx ON connhub_catalog.health_check (connector_id, checked_at);
CREATE INDEX health_check_checked_at_idx ON connhub_catalog.health_check USING brin (checked_at) WITH (pages_per_range = 32);
COMMENT ON TABLE connhub_catalog.health_check IS 'Every test of the last connhub.history_days days; without a foreign key, since tests must not wait for a connector that is being changed';
COMMENT ON INDEX connhub_catalog.health_check_connector_id_idx IS 'The tests of a connector in their order';
COMMENT ON INDEX connhub_catalog.health_check_checked_at_idx IS 'Old tests, to be trimmed';
COMMENT ON COLUMN connhub_catalog.health_check.connector_id IS 'Connector';
COMMENT ON COLUMN connhub_catalog.health_check.checked_at IS 'When the test began';
COMMENT ON COLUMN connhub_catalog.health_check.status IS 'Status of the connector after it';
COMMENT ON COLUMN connhub_catalog.health_check.success IS 'Whether the source was reached and may be read';
COMMENT ON COLUMN connhub_catalog.health_check.latency_ms IS 'Time of the whole test';
COMMENT ON COLUMN connhub_catalog.health_check.dns_ms IS 'Name resolution; null: not reached; so for each phase';
COMMENT ON COLUMN connhub_catalog.health_check.tunnel_ms IS 'Tunnel or proxy';
COMMENT ON COLUMN connhub_catalog.health_check.tcp_ms IS 'Network connection';
COMMENT ON COLUMN connhub_catalog.health_check.tls_ms IS 'TLS handshake';
COMMENT ON COLUMN connhub_catalog.health_check.auth_ms IS 'Login';
COMMENT ON COLUMN connhub_catalog.health_check.database_ms IS 'Database';
COMMENT ON COLUMN connhub_catalog.health_check.permission_ms IS 'Right to read it';
COMMENT ON COLUMN connhub_catalog.health_check.code IS 'Why it failed; null: it did not';
COMMENT ON COLUMN connhub_catalog.health_check.phase IS 'Phase in which it failed';
COMMENT ON COLUMN connhub_catalog.health_check.message IS 'Why it failed, in words';

CREATE TABLE connhub_catalog.health_day (
	connector_id uuid NOT NULL,
	day date NOT NULL,
	checks integer NOT NULL,
	failures integer NOT NULL,
	slow integer NOT NULL,
	latency_sum_ms double precision NOT NULL,
	latency_max_ms real NOT NULL,
	CONSTRAINT health_day_pkey PRIMARY KEY (connector_id, day)
);
COMMENT ON TABLE connhub_catalog.health_day IS 'Tests by connector and day (UTC); stays when the tests themselves are trimmed';
COMMENT ON COLUMN connhub_catalog.health_day.connector_id IS 'Connector';
COMMENT ON COLUMN connhub_catalog.health_day.day IS 'Day in UTC';
COMMENT ON COLUMN connhub_catalog.health_day.checks IS 'Tests, but for those while it was disabled or in maintenance';
COMMENT ON COLUMN connhub_catalog.health_day.failures IS 'Those of them that failed';
COMMENT ON COLUMN connhub_catalog.health_day.slow IS 'Those of them that succeeded, but slowly';
COMMENT ON COLUMN connhub_catalog.health_day.latency_sum_ms IS 'Sum of the times of those that succeeded';
COMMENT ON COLUMN connhub_catalog.health_day.latency_max_ms IS 'Longest of these times';

CREATE TABLE connhub_catalog.maintenance (
	id bigint GENERATED ALWAYS AS IDENTITY,
	connector_id uuid NOT NULL,
	starts_at timestamptz NOT NULL,
	ends_at timestamptz,
	reason text,
	created_by text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT maintenance_pkey PRIMARY KEY (id),
	CONSTRAINT maintenance_connector_id_fkey FOREIGN KEY (connector_id) REFERENCES connhub_catalog.connector (id) ON DELETE CASCADE,
	CONSTRAINT maintenance_window_check CHECK (ends_at OPERATOR(pg_catalog.>=) starts_at)
);
CREATE INDEX maintenance_connector_id_idx ON connhub_catalog.maintenance (connector_id, starts_at);
COMMENT ON TABLE connhub_catalog.maintenance IS 'Maintenance windows: times in which a connector''s failures are nobody''s alarm';
COMMENT ON INDEX connhub_catalog.maintenance_connector_id_idx IS 'The windows of a connector';
COMMENT ON COLUMN connhub_catalog.maintenance.id IS 'Identifier';
COMMENT ON SEQUENCE connhub_catalog.maintenance_id_seq IS 'Identifiers of maintenance windows';
COMMENT ON COLUMN connhub_catalog.maintenance.connector_id IS 'Connector';
COMMENT ON COLUMN connhub_catalog.maintenance.starts_at IS 'Begin';
COMMENT ON COLUMN connhub_catalog.maintenance.ends_at IS 'End; null: until connhub.end_maintenance()';
COMMENT ON COLUMN connhub_catalog.maintenance.reason IS 'Why, for people';
COMMENT ON COLUMN connhub_catalog.maintenance.created_by IS 'Who set it';
COMMENT ON COLUMN connhub_catalog.maintenance.created_at IS 'When it was set';

CREATE TABLE connhub_catalog.job (
	kind text COLLATE pg_catalog."C" NOT NULL,
	subject uuid NOT NULL,
	state text COLLATE pg_catalog."C" NOT NULL,
	worker_pid integer,
	worker_start timestamptz,
	started_at timestamptz,
	finished_at timestamptz,
	done bigint,
	total bigint,
	attempts integer NOT NULL DEFAULT 0,
	not_before timestamptz,
	last_error text,
	CONSTRAINT job_pkey PRIMARY KEY (kind, subject),
	CONSTRAINT job_state_check CHECK (state OPERATOR(pg_catalog.=) ANY (ARRAY['running', 'done', 'failed', 'crashed']))
);
COMMENT ON TABLE connhub_catalog.job IS 'Jobs that run, and those to be tried again; not dumped, since they are of this server''s processes';
COMMENT ON COLUMN connhub_catalog.job.kind IS 'Kind of job: health, ...';
COMMENT ON COLUMN connhub_catalog.job.subject IS 'Connector or whatever the kind works on; all zero: nothing in particular';
COMMENT ON COLUMN connhub_catalog.job.state IS 'running, done (kept for jobs that recur by the clock), failed or crashed';
COMMENT ON COLUMN connhub_catalog.job.worker_pid IS 'Process that runs it';
COMMENT ON COLUMN connhub_catalog.job.worker_start IS 'When that process started, to tell it from another of the same number';
COMMENT ON COLUMN connhub_catalog.job.started_at IS 'When the job was started';
COMMENT ON COLUMN connhub_catalog.job.finished_at IS 'When it was last done';
COMMENT ON COLUMN connhub_catalog.job.done IS 'How much of it is done';
COMMENT ON COLUMN connhub_catalog.job.total IS 'How much there is to do; null: unknown';
COMMENT ON COLUMN connhub_catalog.job.attempts IS 'Tries that have failed since the last success';
COMMENT ON COLUMN connhub_catalog.job.not_before IS 'When it may be tried again';
COMMENT ON COLUMN connhub_catalog.job.last_error IS 'Why the last try failed';

SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.health', '');
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.health_check', '');
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.health_day', '');
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.maintenance', '');
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.maintenance_id_seq', '');
