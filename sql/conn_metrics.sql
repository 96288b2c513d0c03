-- What a session has done is counted, failures by code, and known in the views; a source that is down is left alone; a
-- ceiling ends a statement.  This server does not preload connhub, so each session counts for itself.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
\set SHOW_CONTEXT never
SELECT connhub.register_driver('mock');
SELECT name FROM connhub.create_connector('counted', 'mock', options => '{"tables": "n(1000): id int64 key, t text", "batch_rows": 100}');
SELECT connhub.attach('counted', 'data', into_schema => 'counted');
SELECT connhub.reset_metrics('counted');
SELECT sharing FROM connhub.about();

SELECT count(*), sum(length(t)) FROM counted.n;
INSERT INTO counted.n SELECT n, 'new' FROM generate_series(2001, 2010) AS n;
SELECT calls, rows_read, bytes_read, rows_written, opens, errors, retries, pool_size, pool_open, pool_idle, pool_waiting, breaker_state, shared
FROM connhub.metrics WHERE connector = 'counted';
SELECT kind, max(count) AS count, count(*) AS buckets FROM connhub.metrics_latency WHERE connector = 'counted' GROUP BY kind ORDER BY kind;
SELECT query_p50_ms IS NOT NULL AS median, last_success_at >= since AS alive, last_failure_at, last_error_code FROM connhub.metrics WHERE connector = 'counted';

-- Failures by code; the statement is sent again when the source says that it may pass.
SELECT name FROM connhub.update_connector('counted', test => false, discover => false, options => '{"fault": "execute@1:busy"}');
SELECT connhub.reset_metrics('counted');
SELECT count(*) FROM counted.n WHERE id < 10;
SELECT calls, retries, errors FROM connhub.metrics WHERE connector = 'counted';
SELECT code, count FROM connhub.metrics_errors WHERE connector = 'counted';

-- Not a write, and not what has come back in part.  These must fail.
SELECT name FROM connhub.update_connector('counted', test => false, discover => false, options => '{"fault": "write:busy, fetch@150:busy"}');
SELECT connhub.reset_metrics('counted');
INSERT INTO counted.n VALUES (3000, 'new');
SELECT count(*) FROM counted.n;
SELECT calls, retries, errors FROM connhub.metrics WHERE connector = 'counted';

-- Down.  All but the first three fail without an attempt.
SELECT name FROM connhub.update_connector('counted', test => false, discover => false, options => '{"fault": "step:refused", "max_retries": 0, "breaker_threshold": 3}');
SELECT connhub.reset_metrics('counted');
\set VERBOSITY sqlstate
SELECT count(*) FROM counted.n;
SELECT count(*) FROM counted.n;
SELECT count(*) FROM counted.n;
SELECT count(*) FROM counted.n;
SELECT tables FROM connhub.discover('counted');
\set VERBOSITY default
SELECT open_failures, breaker_state, breaker_failures, breaker_trips, breaker_refusals, last_error_code, last_error, breaker_opened_at < breaker_next_trial_at AS later
FROM connhub.metrics WHERE connector = 'counted';
SELECT success, error_code FROM connhub.test('counted');
SELECT connhub.reset_breaker('counted');
SELECT breaker_state, breaker_failures FROM connhub.metrics WHERE connector = 'counted';
-- A changed configuration is another source.
\set VERBOSITY sqlstate
SELECT count(*) FROM counted.n;
SELECT count(*) FROM counted.n;
SELECT count(*) FROM counted.n;
SELECT name FROM connhub.update_connector('counted', test => false, discover => false, options => '{"fault": null}');
\set VERBOSITY default
SELECT count(*) FROM counted.n;

-- Ceilings.
SELECT connhub.set_limit('counted', rows => 1000);
SELECT connector, role, rows, bytes, seconds, calls FROM connhub.connector_limit;
SELECT count(*) FROM (SELECT id FROM counted.n LIMIT 1000) AS l;
SELECT count(*), max(t) FROM counted.n;
SELECT connhub.set_limit('counted', bytes => 100, seconds => 10, calls => 1000000);
SELECT count(*), max(t) FROM counted.n;
SELECT ceilings FROM connhub.metrics WHERE connector = 'counted';
SELECT connhub.set_limit('counted');
SELECT count(*), max(t) FROM counted.n;
-- These must fail.
SELECT connhub.set_limit('counted', 'no such role', rows => 1);
SELECT connhub.set_limit('counted', rows => 0);
SELECT connhub.set_limit('no such connector', rows => 1);
SELECT connhub.set_limit(NULL, rows => 1);
SELECT connhub.reset_metrics('no such connector');
SELECT connhub.reset_breaker('no such connector');

-- Another session has done nothing.
\c
SET client_min_messages = warning;
SELECT calls, shared FROM connhub.metrics WHERE connector = 'counted';
SELECT connhub.prometheus_metrics() LIKE '%connhub_calls_total{connector="counted",%} 0%' AS text;
SELECT connhub.status_page() LIKE '%<strong>counted</strong>%' AS page;
DROP SCHEMA counted CASCADE;
SELECT name FROM connhub.delete_connector('counted', force => true);
