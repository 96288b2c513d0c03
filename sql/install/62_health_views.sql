-- Health of the connectors the caller may see, and the work that goes on.

CREATE VIEW connhub.health WITH (security_barrier) AS
	SELECT
		c.id AS connector_id,
		c.name AS connector,
		c.type,
		c.status,
		h.since,
		h.tested_at AS last_tested_at,
		(h.result OPERATOR(pg_catalog.->>) 'success')::boolean AS success,
		h.result OPERATOR(pg_catalog.->>) 'error_code' AS error_code,
		h.result OPERATOR(pg_catalog.->>) 'phase' AS phase,
		h.result OPERATOR(pg_catalog.->>) 'message' AS message,
		(h.result OPERATOR(pg_catalog.->>) 'latency_ms')::double precision AS latency_ms,
		h.failures,
		CASE WHEN c.enabled THEN h.next_due_at END AS next_due_at,
		(SELECT pg_catalog.max(COALESCE(m.ends_at, 'infinity')) FROM connhub_catalog.maintenance m
			WHERE m.connector_id OPERATOR(pg_catalog.=) c.id
				AND m.starts_at OPERATOR(pg_catalog.<=) pg_catalog.now()
				AND COALESCE(m.ends_at, 'infinity') OPERATOR(pg_catalog.>) pg_catalog.now()) AS maintenance_until,
		recent.uptime_1d,
		days.uptime_7d,
		days.uptime_30d,
		recent.p50_ms,
		recent.p95_ms,
		recent.p99_ms
	FROM connhub_catalog.connector c
	JOIN connhub_catalog.health h ON h.connector_id OPERATOR(pg_catalog.=) c.id
	CROSS JOIN LATERAL (
		SELECT
			100.0::double precision OPERATOR(pg_catalog.*) pg_catalog.count(*) FILTER (WHERE k.success AND k.is_recent)
				OPERATOR(pg_catalog./) NULLIF(pg_catalog.count(*) FILTER (WHERE k.is_recent), 0) AS uptime_1d,
			pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY k.latency_ms) FILTER (WHERE k.success) AS p50_ms,
			pg_catalog.percentile_cont(0.95) WITHIN GROUP (ORDER BY k.latency_ms) FILTER (WHERE k.success) AS p95_ms,
			pg_catalog.percentile_cont(0.99) WITHIN GROUP (ORDER BY k.latency_ms) FILTER (WHERE k.success) AS p99_ms
		FROM (
			SELECT one.success, one.latency_ms,
				one.checked_at OPERATOR(pg_catalog.>) (pg_catalog.now() OPERATOR(pg_catalog.-) '1 day'::interval) AS is_recent
			FROM connhub_catalog.health_check one
			WHERE one.connector_id OPERATOR(pg_catalog.=) c.id
				AND one.checked_at OPERATOR(pg_catalog.>) (pg_catalog.now() OPERATOR(pg_catalog.-) '7 days'::interval)
				AND one.status OPERATOR(pg_catalog.<>) ALL (ARRAY['INACTIVE', 'MAINTENANCE'])) k) recent
	CROSS JOIN LATERAL (
		SELECT
			100.0::double precision OPERATOR(pg_catalog.*) pg_catalog.sum(d.checks OPERATOR(pg_catalog.-) d.failures) FILTER (WHERE d.age OPERATOR(pg_catalog.<) 7)
				OPERATOR(pg_catalog./) NULLIF(pg_catalog.sum(d.checks) FILTER (WHERE d.age OPERATOR(pg_catalog.<) 7), 0) AS uptime_7d,
			100.0::double precision OPERATOR(pg_catalog.*) pg_catalog.sum(d.checks OPERATOR(pg_catalog.-) d.failures)
				OPERATOR(pg_catalog./) NULLIF(pg_catalog.sum(d.checks), 0) AS uptime_30d
		FROM (
			SELECT one.checks, one.failures,
				(pg_catalog.now() AT TIME ZONE 'UTC')::date OPERATOR(pg_catalog.-) one.day AS age
			FROM connhub_catalog.health_day one
			WHERE one.connector_id OPERATOR(pg_catalog.=) c.id) d
		WHERE d.age OPERATOR(pg_catalog.<) 30) days
	WHERE c.deleted_at IS NULL AND connhub_catalog.may_see(c.id);
COMMENT ON VIEW connhub.health IS 'Health of each connector the caller may see';
COMMENT ON COLUMN connhub.health.connector_id IS 'Id of the connector';
COMMENT ON COLUMN connhub.health.connector IS 'Name of the connector';
COMMENT ON COLUMN connhub.health.type IS 'Connector type';
COMMENT ON COLUMN connhub.health.status IS 'TESTING, ACTIVE, WARNING, ERROR, INACTIVE or MAINTENANCE';
COMMENT ON COLUMN connhub.health.since IS 'Since when it has this status';
COMMENT ON COLUMN connhub.health.last_tested_at IS 'When it was last tested';
COMMENT ON COLUMN connhub.health.success IS 'Whether that test succeeded';
COMMENT ON COLUMN connhub.health.error_code IS 'Why it failed; null: it did not';
COMMENT ON COLUMN connhub.health.phase IS 'Phase in which it failed';
COMMENT ON COLUMN connhub.health.message IS 'What was found, in one sentence';
COMMENT ON COLUMN connhub.health.latency_ms IS 'Time of that test';
COMMENT ON COLUMN connhub.health.failures IS 'Failed tests since the last successful one';
COMMENT ON COLUMN connhub.health.next_due_at IS 'When the next test is due; null: it is disabled';
COMMENT ON COLUMN connhub.health.maintenance_until IS 'End of its maintenance; infinity: none is set; null: it is in none';
COMMENT ON COLUMN connhub.health.uptime_1d IS 'Percentage of the tests of the last 24 hours that succeeded; null: there was none';
COMMENT ON COLUMN connhub.health.uptime_7d IS 'The same of the last 7 days, today included';
COMMENT ON COLUMN connhub.health.uptime_30d IS 'The same of the last 30 days';
COMMENT ON COLUMN connhub.health.p50_ms IS 'Median time of the successful tests of the last 7 days';
COMMENT ON COLUMN connhub.health.p95_ms IS 'Time that 95 of 100 of them kept';
COMMENT ON COLUMN connhub.health.p99_ms IS 'Time that 99 of 100 of them kept';

CREATE VIEW connhub.health_history WITH (security_barrier) AS
	SELECT k.connector_id, c.name AS connector, k.checked_at, k.status, k.success, k.latency_ms,
		k.dns_ms, k.tunnel_ms, k.tcp_ms, k.tls_ms, k.auth_ms, k.database_ms, k.permission_ms,
		k.code AS error_code, k.phase, k.message
	FROM connhub_catalog.health_check k
	JOIN connhub_catalog.connector c ON c.id OPERATOR(pg_catalog.=) k.connector_id
	WHERE c.deleted_at IS NULL AND connhub_catalog.may_see(k.connector_id);
COMMENT ON VIEW connhub.health_history IS 'Every test of the last connhub.history_days days of the connectors the caller may see';
COMMENT ON COLUMN connhub.health_history.connector_id IS 'Id of the connector';
COMMENT ON COLUMN connhub.health_history.connector IS 'Name of the connector';
COMMENT ON COLUMN connhub.health_history.checked_at IS 'When the test began';
COMMENT ON COLUMN connhub.health_history.status IS 'Status of the connector after it';
COMMENT ON COLUMN connhub.health_history.success IS 'Whether it succeeded';
COMMENT ON COLUMN connhub.health_history.latency_ms IS 'Time of the whole test';
COMMENT ON COLUMN connhub.health_history.dns_ms IS 'Name resolution; null: not reached; so for each phase';
COMMENT ON COLUMN connhub.health_history.tunnel_ms IS 'Tunnel or proxy';
COMMENT ON COLUMN connhub.health_history.tcp_ms IS 'Network connection';
COMMENT ON COLUMN connhub.health_history.tls_ms IS 'TLS handshake';
COMMENT ON COLUMN connhub.health_history.auth_ms IS 'Login';
COMMENT ON COLUMN connhub.health_history.database_ms IS 'Database';
COMMENT ON COLUMN connhub.health_history.permission_ms IS 'Right to read it';
COMMENT ON COLUMN connhub.health_history.error_code IS 'Why it failed; null: it did not';
COMMENT ON COLUMN connhub.health_history.phase IS 'Phase in which it failed';
COMMENT ON COLUMN connhub.health_history.message IS 'Why it failed, in words';

CREATE VIEW connhub.health_uptime WITH (security_barrier) AS
	SELECT d.connector_id, c.name AS connector, p.period,
		pg_catalog.date_trunc(p.period, d.day::timestamp)::date AS starts,
		pg_catalog.sum(d.checks) AS checks,
		pg_catalog.sum(d.failures) AS failures,
		pg_catalog.sum(d.slow) AS slow,
		100.0::double precision OPERATOR(pg_catalog.*) pg_catalog.sum(d.checks OPERATOR(pg_catalog.-) d.failures)
			OPERATOR(pg_catalog./) NULLIF(pg_catalog.sum(d.checks), 0) AS uptime,
		pg_catalog.sum(d.latency_sum_ms) OPERATOR(pg_catalog./) NULLIF(pg_catalog.sum(d.checks OPERATOR(pg_catalog.-) d.failures), 0) AS mean_ms,
		pg_catalog.max(d.latency_max_ms) AS max_ms
	FROM connhub_catalog.health_day d
	JOIN connhub_catalog.connector c ON c.id OPERATOR(pg_catalog.=) d.connector_id
	CROSS JOIN (VALUES ('day'), ('week'), ('month')) AS p (period)
	WHERE c.deleted_at IS NULL AND connhub_catalog.may_see(d.connector_id)
	GROUP BY d.connector_id, c.name, p.period, 4;
COMMENT ON VIEW connhub.health_uptime IS 'Uptime by day, week and month (UTC) of the connectors the caller may see; goes back further than the tests themselves';
COMMENT ON COLUMN connhub.health_uptime.connector_id IS 'Id of the connector';
COMMENT ON COLUMN connhub.health_uptime.connector IS 'Name of the connector';
COMMENT ON COLUMN connhub.health_uptime.period IS 'day, week or month';
COMMENT ON COLUMN connhub.health_uptime.starts IS 'First day of the period';
COMMENT ON COLUMN connhub.health_uptime.checks IS 'Tests, but for those while it was disabled or in maintenance';
COMMENT ON COLUMN connhub.health_uptime.failures IS 'Those of them that failed';
COMMENT ON COLUMN connhub.health_uptime.slow IS 'Those of them that were slow';
COMMENT ON COLUMN connhub.health_uptime.uptime IS 'Percentage of the tests that succeeded';
COMMENT ON COLUMN connhub.health_uptime.mean_ms IS 'Mean time of the successful ones';
COMMENT ON COLUMN connhub.health_uptime.max_ms IS 'Longest of these times';

CREATE VIEW connhub.maintenance WITH (security_barrier) AS
	SELECT m.id, m.connector_id, c.name AS connector, m.starts_at, m.ends_at, m.reason, m.created_by, m.created_at
	FROM connhub_catalog.maintenance m
	JOIN connhub_catalog.connector c ON c.id OPERATOR(pg_catalog.=) m.connector_id
	WHERE c.deleted_at IS NULL AND connhub_catalog.may_see(m.connector_id);
COMMENT ON VIEW connhub.maintenance IS 'Maintenance windows of the connectors the caller may see';
COMMENT ON COLUMN connhub.maintenance.id IS 'Identifier';
COMMENT ON COLUMN connhub.maintenance.connector_id IS 'Id of the connector';
COMMENT ON COLUMN connhub.maintenance.connector IS 'Name of the connector';
COMMENT ON COLUMN connhub.maintenance.starts_at IS 'Begin';
COMMENT ON COLUMN connhub.maintenance.ends_at IS 'End; null: until connhub.end_maintenance()';
COMMENT ON COLUMN connhub.maintenance.reason IS 'Why';
COMMENT ON COLUMN connhub.maintenance.created_by IS 'Who set it';
COMMENT ON COLUMN connhub.maintenance.created_at IS 'When it was set';

CREATE VIEW connhub.jobs WITH (security_barrier) AS
	SELECT j.kind, c.id AS connector_id, c.name AS connector, j.state, j.started_at, j.done, j.total, j.attempts, j.not_before,
		CASE WHEN c.id IS NOT NULL OR pg_catalog.pg_has_role('connhub_admin', 'MEMBER') THEN j.last_error END AS last_error, CASE WHEN j.state OPERATOR(pg_catalog.=) 'running' THEN j.worker_pid END AS pid, j.finished_at
	FROM connhub_catalog.job j
	LEFT JOIN connhub_catalog.connector c ON c.id OPERATOR(pg_catalog.=) j.subject
	WHERE j.subject OPERATOR(pg_catalog.=) '00000000-0000-0000-0000-000000000000' OR connhub_catalog.may_see(j.subject);
COMMENT ON VIEW connhub.jobs IS 'Background work that runs now, has failed and will be tried again, or recurs by the clock';
COMMENT ON COLUMN connhub.jobs.kind IS 'Kind of job';
COMMENT ON COLUMN connhub.jobs.connector_id IS 'Id of the connector; null: it is about none';
COMMENT ON COLUMN connhub.jobs.connector IS 'Name of the connector';
COMMENT ON COLUMN connhub.jobs.state IS 'running, done, failed or crashed';
COMMENT ON COLUMN connhub.jobs.started_at IS 'When it was started';
COMMENT ON COLUMN connhub.jobs.done IS 'How much of it is done';
COMMENT ON COLUMN connhub.jobs.total IS 'How much there is to do; null: unknown';
COMMENT ON COLUMN connhub.jobs.attempts IS 'Tries that have failed since the last success';
COMMENT ON COLUMN connhub.jobs.not_before IS 'When it may be tried again';
COMMENT ON COLUMN connhub.jobs.last_error IS 'Why the last try failed';
COMMENT ON COLUMN connhub.jobs.pid IS 'Process that runs it';
COMMENT ON COLUMN connhub.jobs.finished_at IS 'When it was last done';
