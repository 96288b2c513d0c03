-- What processes share of connectors, as views of what the caller may see.

CREATE VIEW connhub.metrics WITH (security_barrier) AS
	WITH latency AS MATERIALIZED (
		SELECT s.connector_id, s.kind, s.le_seconds, s.count, pg_catalog.max(s.count) OVER (PARTITION BY s.connector_id, s.kind) AS all_of_them
		FROM connhub_catalog.shared_latency() s)
	SELECT
		c.id AS connector_id,
		c.name AS connector,
		COALESCE(m.calls, 0) AS calls,
		COALESCE(m.rows_read, 0) AS rows_read,
		COALESCE(m.bytes_read, 0) AS bytes_read,
		COALESCE(m.rows_written, 0) AS rows_written,
		COALESCE(m.requests, 0) AS requests,
		COALESCE(m.retries, 0) AS retries,
		COALESCE(m.opens, 0) AS opens,
		COALESCE(m.open_failures, 0) AS open_failures,
		COALESCE(m.errors, 0) AS errors,
		COALESCE(m.ceilings, 0) AS ceilings,
		COALESCE(NULLIF(m.pool_size, 0), (c.options OPERATOR(pg_catalog.->>) 'pool_size')::integer, 5) AS pool_size,
		COALESCE(m.pool_open, 0) AS pool_open,
		COALESCE(m.pool_idle, 0) AS pool_idle,
		COALESCE(m.pool_waiting, 0) AS pool_waiting,
		COALESCE(m.pool_waits, 0) AS pool_waits,
		COALESCE(m.pool_wait_us, 0) OPERATOR(pg_catalog./) 1000.0::double precision AS pool_wait_ms,
		COALESCE(m.pool_exhausted, 0) AS pool_exhausted,
		COALESCE(m.pool_beyond, 0) AS pool_beyond,
		COALESCE(m.pool_given_back, 0) AS pool_given_back,
		COALESCE(m.breaker_state, 'closed') AS breaker_state,
		COALESCE(m.breaker_failures, 0) AS breaker_failures,
		COALESCE(m.breaker_trips, 0) AS breaker_trips,
		COALESCE(m.breaker_refusals, 0) AS breaker_refusals,
		m.breaker_opened_at AS breaker_opened_at,
		m.breaker_next_trial_at AS breaker_next_trial_at,
		(SELECT pg_catalog.min(l.le_seconds) OPERATOR(pg_catalog.*) 1000::double precision FROM latency l WHERE l.connector_id OPERATOR(pg_catalog.=) c.id AND l.kind OPERATOR(pg_catalog.=) 'query'
			AND l.count OPERATOR(pg_catalog.>) 0 AND l.count OPERATOR(pg_catalog.>=) (l.all_of_them OPERATOR(pg_catalog.*) 0.50::double precision)) AS query_p50_ms,
		(SELECT pg_catalog.min(l.le_seconds) OPERATOR(pg_catalog.*) 1000::double precision FROM latency l WHERE l.connector_id OPERATOR(pg_catalog.=) c.id AND l.kind OPERATOR(pg_catalog.=) 'query'
			AND l.count OPERATOR(pg_catalog.>) 0 AND l.count OPERATOR(pg_catalog.>=) (l.all_of_them OPERATOR(pg_catalog.*) 0.95::double precision)) AS query_p95_ms,
		(SELECT pg_catalog.min(l.le_seconds) OPERATOR(pg_catalog.*) 1000::double precision FROM latency l WHERE l.connector_id OPERATOR(pg_catalog.=) c.id AND l.kind OPERATOR(pg_catalog.=) 'query'
			AND l.count OPERATOR(pg_catalog.>) 0 AND l.count OPERATOR(pg_catalog.>=) (l.all_of_them OPERATOR(pg_catalog.*) 0.99::double precision)) AS query_p99_ms,
		m.last_success_at AS last_success_at,
		m.last_failure_at AS last_failure_at,
		m.last_error_code AS last_error_code,
		m.last_error AS last_error,
		COALESCE(m.shared, false) AS shared,
		m.since AS since
	FROM connhub.connector c
	LEFT JOIN connhub_catalog.shared_metrics() m ON m.connector_id OPERATOR(pg_catalog.=) c.id;
COMMENT ON VIEW connhub.metrics IS 'Counters, pool and breaker of each connector since counting began: the start of the server, or connhub.reset_metrics';
COMMENT ON COLUMN connhub.metrics.connector_id IS 'Connector';
COMMENT ON COLUMN connhub.metrics.connector IS 'Its name';
COMMENT ON COLUMN connhub.metrics.calls IS 'Native queries and writes sent';
COMMENT ON COLUMN connhub.metrics.rows_read IS 'Rows that came';
COMMENT ON COLUMN connhub.metrics.bytes_read IS 'Bytes of their values';
COMMENT ON COLUMN connhub.metrics.rows_written IS 'Rows written';
COMMENT ON COLUMN connhub.metrics.requests IS 'Messages that core had the driver send: statements, begin, commit, savepoints';
COMMENT ON COLUMN connhub.metrics.retries IS 'Attempts after a failure that passes';
COMMENT ON COLUMN connhub.metrics.opens IS 'Connections opened, tests included';
COMMENT ON COLUMN connhub.metrics.open_failures IS 'Attempts to open one that failed';
COMMENT ON COLUMN connhub.metrics.errors IS 'Failures, by code in connhub.metrics_errors';
COMMENT ON COLUMN connhub.metrics.ceilings IS 'Statements stopped at a ceiling';
COMMENT ON COLUMN connhub.metrics.pool_size IS 'Connections that may be open at once';
COMMENT ON COLUMN connhub.metrics.pool_open IS 'Connections that are open';
COMMENT ON COLUMN connhub.metrics.pool_idle IS 'Those of them that no transaction uses';
COMMENT ON COLUMN connhub.metrics.pool_waiting IS 'Sessions that wait for one';
COMMENT ON COLUMN connhub.metrics.pool_waits IS 'Waits for one so far';
COMMENT ON COLUMN connhub.metrics.pool_wait_ms IS 'Time they took together';
COMMENT ON COLUMN connhub.metrics.pool_exhausted IS 'Waits that ended without one';
COMMENT ON COLUMN connhub.metrics.pool_beyond IS 'Connections opened beyond pool_size by transactions that held one already';
COMMENT ON COLUMN connhub.metrics.pool_given_back IS 'Idle connections closed because somebody waited';
COMMENT ON COLUMN connhub.metrics.breaker_state IS 'closed; open: known to be down; half_open: being tried';
COMMENT ON COLUMN connhub.metrics.breaker_failures IS 'Failures to connect in a row';
COMMENT ON COLUMN connhub.metrics.breaker_trips IS 'How often it opened';
COMMENT ON COLUMN connhub.metrics.breaker_refusals IS 'Attempts it did not let through';
COMMENT ON COLUMN connhub.metrics.breaker_opened_at IS 'Since when the source is known to be down';
COMMENT ON COLUMN connhub.metrics.breaker_next_trial_at IS 'When it is tried again';
COMMENT ON COLUMN connhub.metrics.query_p50_ms IS 'Median of the source''s time for a query: the bound of its bucket; null when none has ended, or beyond the last bound';
COMMENT ON COLUMN connhub.metrics.query_p95_ms IS '95th percentile';
COMMENT ON COLUMN connhub.metrics.query_p99_ms IS '99th percentile';
COMMENT ON COLUMN connhub.metrics.last_success_at IS 'When the source last answered';
COMMENT ON COLUMN connhub.metrics.last_failure_at IS 'When something last failed';
COMMENT ON COLUMN connhub.metrics.last_error_code IS 'Code of that';
COMMENT ON COLUMN connhub.metrics.last_error IS 'Its message';
COMMENT ON COLUMN connhub.metrics.shared IS 'Whether all sessions are counted; false: this one alone';
COMMENT ON COLUMN connhub.metrics.since IS 'When counting began';

CREATE VIEW connhub.metrics_errors WITH (security_barrier) AS
	SELECT c.id AS connector_id, c.name AS connector, e.code, e.count
	FROM connhub.connector c
	JOIN connhub_catalog.shared_errors() e ON e.connector_id OPERATOR(pg_catalog.=) c.id;
COMMENT ON VIEW connhub.metrics_errors IS 'Failures of each connector by code';
COMMENT ON COLUMN connhub.metrics_errors.connector_id IS 'Connector';
COMMENT ON COLUMN connhub.metrics_errors.connector IS 'Its name';
COMMENT ON COLUMN connhub.metrics_errors.code IS 'As connhub.test reports it';
COMMENT ON COLUMN connhub.metrics_errors.count IS 'How often';

CREATE VIEW connhub.metrics_latency WITH (security_barrier) AS
	SELECT c.id AS connector_id, c.name AS connector, l.kind, l.le_seconds, l.count, l.total_seconds
	FROM connhub.connector c
	JOIN connhub_catalog.shared_latency() l ON l.connector_id OPERATOR(pg_catalog.=) c.id;
COMMENT ON VIEW connhub.metrics_latency IS 'Histograms of the time that opening a connection and a query took';
COMMENT ON COLUMN connhub.metrics_latency.connector_id IS 'Connector';
COMMENT ON COLUMN connhub.metrics_latency.connector IS 'Its name';
COMMENT ON COLUMN connhub.metrics_latency.kind IS 'open: a connection; query: the source''s time for a native query or a batch of writes';
COMMENT ON COLUMN connhub.metrics_latency.le_seconds IS 'Bound of the bucket; null: none';
COMMENT ON COLUMN connhub.metrics_latency.count IS 'How many took no longer';
COMMENT ON COLUMN connhub.metrics_latency.total_seconds IS 'Time of all of the kind together';

CREATE VIEW connhub.connector_limit WITH (security_barrier) AS
	SELECT c.id AS connector_id, c.name AS connector, CASE WHEN l.role OPERATOR(pg_catalog.=) 0::oid THEN NULL ELSE l.role::text END AS role, l.rows, l.bytes, l.seconds, l.calls
	FROM connhub.connector c
	JOIN connhub_catalog.connector_limit l ON l.connector_id OPERATOR(pg_catalog.=) c.id;
COMMENT ON VIEW connhub.connector_limit IS 'Ceilings of connectors by role';
COMMENT ON COLUMN connhub.connector_limit.connector_id IS 'Connector';
COMMENT ON COLUMN connhub.connector_limit.connector IS 'Its name';
COMMENT ON COLUMN connhub.connector_limit.role IS 'Role whose members it holds for; null: everybody';
COMMENT ON COLUMN connhub.connector_limit.rows IS 'Rows that one statement may fetch';
COMMENT ON COLUMN connhub.connector_limit.bytes IS 'Bytes that one statement may fetch';
COMMENT ON COLUMN connhub.connector_limit.seconds IS 'Seconds that one statement may keep the source busy';
COMMENT ON COLUMN connhub.connector_limit.calls IS 'Native queries and writes in one minute, of all members together';
