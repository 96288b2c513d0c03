-- The status follows tests, changes, the user's word and maintenance windows; each change is an event; history, daily
-- sums and views tell what was; run_due() does what is due.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
SELECT connhub.register_driver('mock');
RESET client_min_messages;
\set SHOW_CONTEXT never
-- What other tests have left must not be due here.
UPDATE connhub_catalog.health SET next_due_at = now() + interval '1 day';
CREATE TEMPORARY VIEW state AS SELECT connector, status, success, error_code, phase, failures FROM connhub.health
	WHERE connector LIKE 'health%' ORDER BY connector COLLATE "C";
CREATE TEMPORARY VIEW told AS SELECT c.name, e.kind, e.severity, e.detail->>'from' AS "from", e.detail->>'to' AS "to", e.detail->>'code' AS code, e.detail->>'phase' AS phase
	FROM connhub_catalog.event e JOIN connhub_catalog.connector c ON c.id = e.connector_id WHERE c.name LIKE 'health%' ORDER BY c.name COLLATE "C", e.id;

SELECT name, status FROM connhub.create_connector('health_a', 'mock');
SELECT name, status FROM connhub.create_connector('health_b', 'mock', options => '{"fault": "step:auth"}', test => false);
SELECT name, status FROM connhub.create_connector('health_slow', 'mock', options => '{"fault": "step:slow:30", "latency_warning_ms": 1}', test => false);
SELECT name, status FROM connhub.create_connector('health_hang', 'mock', options => '{"fault": "check:hang", "connect_timeout": "200ms"}', test => false);
SELECT name, status FROM connhub.create_connector('health_late', 'mock', options => '{"fault": "check:permission:50"}', test => false);
SELECT name, status FROM connhub.create_connector('health_config', 'mock', options => '{"fault": "open:config"}', test => false);
SELECT * FROM state;

-- Everything that is due, and nothing twice.
CALL connhub.run_due();
SELECT * FROM state;
SELECT count(*) AS tests FROM connhub.health_history WHERE connector LIKE 'health%';
CALL connhub.run_due();
SELECT count(*) AS tests FROM connhub.health_history WHERE connector LIKE 'health%';
SELECT kind, state, attempts FROM connhub.jobs ORDER BY kind;
-- The next test is about an interval away: the setting, or the connector's own.
SELECT connector, next_due_at - last_tested_at BETWEEN '14 min' AND '16 min' AS due FROM connhub.health WHERE connector LIKE 'health%' ORDER BY connector COLLATE "C";
SELECT name FROM connhub.update_connector('health_a', options => '{"health_interval": "1h"}');
SELECT next_due_at - last_tested_at BETWEEN '57 min' AND '63 min' AS due FROM connhub.health WHERE connector = 'health_a';

-- A failed test, and a change that is not tested: only a test that succeeds ends ERROR.
SELECT success FROM connhub.test('health_b');
SELECT name, status FROM connhub.update_connector('health_b', options => '{"fault": null}', test => false);
SELECT next_due_at <= now() AS due_at_once FROM connhub.health WHERE connector = 'health_b';
CALL connhub.run_due();
SELECT * FROM state WHERE connector = 'health_b';
SELECT name, status FROM connhub.update_connector('health_b', options => '{"fault": "step:refused"}', test => false);
CALL connhub.run_due();
SELECT * FROM state WHERE connector = 'health_b';

-- Disabled: neither due nor counted.
SELECT name, status FROM connhub.disable('health_b');
UPDATE connhub_catalog.health SET next_due_at = now() - interval '1 min' WHERE connector_id = connhub_catalog.connector_id('health_b');
CALL connhub.run_due();
SELECT success FROM connhub.test('health_b');
SELECT status, failures, next_due_at FROM connhub.health WHERE connector = 'health_b';
SELECT name, status FROM connhub.enable('health_b', test => false);
CALL connhub.run_due();
SELECT * FROM state WHERE connector = 'health_b';

-- Maintenance: tests change nothing and alarm nobody.
SELECT connhub.set_maintenance('health_a', until => now() - interval '1 hour');
SELECT connhub.set_maintenance('health_a', "from" => now(), until => now());
SELECT connhub.set_maintenance('health_x');
SELECT connhub.end_maintenance('health_a');
SELECT connhub.set_maintenance('health_a', reason => 'upgrade') > 0 AS set;
SELECT status, maintenance_until FROM connhub.health WHERE connector = 'health_a';
SELECT connector, ends_at, reason, created_by = current_user AS mine FROM connhub.maintenance;
SELECT name, status FROM connhub.update_connector('health_a', options => '{"fault": "step:auth"}', test => false);
UPDATE connhub_catalog.health SET next_due_at = now() WHERE connector_id = connhub_catalog.connector_id('health_a');
CALL connhub.run_due();
SELECT * FROM state WHERE connector = 'health_a';
SELECT status, success, error_code FROM connhub.health_history WHERE connector = 'health_a' ORDER BY checked_at DESC LIMIT 1;
SELECT connhub.end_maintenance('health_a');
SELECT status, maintenance_until FROM connhub.health WHERE connector = 'health_a';
CALL connhub.run_due();
SELECT * FROM state WHERE connector = 'health_a';
-- One that is planned opens when it is due, and closes by itself.
SELECT connhub.set_maintenance('health_b', "from" => now() + interval '1 hour', until => now() + interval '2 hours') > 0 AS set;
CALL connhub.run_due();
SELECT status FROM connhub.health WHERE connector = 'health_b';
UPDATE connhub_catalog.maintenance SET starts_at = clock_timestamp() WHERE connector_id = connhub_catalog.connector_id('health_b');
CALL connhub.run_due();
SELECT status FROM connhub.health WHERE connector = 'health_b';
UPDATE connhub_catalog.maintenance SET ends_at = clock_timestamp() WHERE connector_id = connhub_catalog.connector_id('health_b');
CALL connhub.run_due();
SELECT status FROM connhub.health WHERE connector = 'health_b';
SELECT * FROM told;

-- Uptime leaves out what was disabled or in maintenance; days, weeks and months add up.
SELECT k.connector, count(*) FILTER (WHERE k.status NOT IN ('INACTIVE', 'MAINTENANCE')) = sum(DISTINCT d.checks) AS same_checks,
	count(*) FILTER (WHERE NOT k.success AND k.status NOT IN ('INACTIVE', 'MAINTENANCE')) = sum(DISTINCT d.failures) AS same_failures
	FROM connhub.health_history k JOIN connhub_catalog.health_day d USING (connector_id) WHERE k.connector LIKE 'health%' GROUP BY k.connector ORDER BY k.connector COLLATE "C";
INSERT INTO connhub_catalog.health_day SELECT connhub_catalog.connector_id('health_a'), date '2000-01-01' + n, 96, n, 0, 960, 20 FROM generate_series(0, 39) AS n;
SELECT period, starts, checks, failures, round(uptime::numeric, 2) AS uptime, round(mean_ms::numeric, 2) AS mean_ms, max_ms
	FROM connhub.health_uptime WHERE connector = 'health_a' AND starts < '2001-01-01' AND (period <> 'day' OR starts < '2000-01-04') ORDER BY period, starts;
SELECT uptime_1d, p50_ms IS NOT NULL AS p50, p95_ms >= p50_ms AS p95, p99_ms >= p95_ms AS p99 FROM connhub.health WHERE connector = 'health_slow';

-- Old tests go, what each day came to stays.
INSERT INTO connhub_catalog.health_check (connector_id, checked_at, status, success, latency_ms)
	SELECT connhub_catalog.connector_id('health_a'), now() - interval '1 day' * n, 'ACTIVE', true, 1 FROM generate_series(1, 40) AS n;
UPDATE connhub_catalog.job SET finished_at = NULL WHERE kind = 'history';
CALL connhub.run_due();
SELECT count(*) AS kept, min(checked_at) > now() - interval '30 days' AS young FROM connhub.health_history WHERE connector = 'health_a' AND checked_at < now() - interval '12 hours';
SELECT count(*) FROM connhub_catalog.health_day WHERE connector_id = connhub_catalog.connector_id('health_a') AND day < '2001-01-01';

-- These must fail.
BEGIN;
CALL connhub.run_due();
ROLLBACK;
SET default_transaction_read_only = on;
CALL connhub.run_due();
RESET default_transaction_read_only;
\set VERBOSITY terse
UPDATE connhub_catalog.connector SET status = 'WELL' WHERE name = 'health_a';
\set VERBOSITY default

-- A connector and its history go together.
SELECT name FROM connhub.delete_connector('health_a', force => true);
SELECT (SELECT count(*) FROM connhub_catalog.health_check k WHERE NOT EXISTS (SELECT FROM connhub_catalog.connector c WHERE c.id = k.connector_id)) AS checks,
	(SELECT count(*) FROM connhub_catalog.health_day d WHERE NOT EXISTS (SELECT FROM connhub_catalog.connector c WHERE c.id = d.connector_id)) AS days;
SELECT count(connhub.delete_connector(connector, force => true)) FROM connhub.health WHERE connector LIKE 'health%';
