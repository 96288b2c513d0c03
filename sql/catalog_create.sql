-- create_connector checks everything before it saves anything; what it saves is whole, and ROLLBACK takes all of it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
SELECT connhub.register_driver('mock');
-- The first credential makes the master key, with a notice that only the first test would see.
SELECT name FROM connhub.create_connector('cc_key', 'mock', credentials => '{"token": "t"}');
SELECT name FROM connhub.delete_connector('cc_key', force => true);
RESET client_min_messages;
\set SHOW_CONTEXT never

SELECT name, type, host, port, status, server, error_code, last_tested_at IS NOT NULL AS tested, schemas, tables
FROM connhub.create_connector('cc_plain', 'mock');
SELECT name, status, tables FROM connhub.create_connector(name => 'cc_full', type => 'mock', schema => 'data',
	options => '{"tables": "a(3): id int64 key; b(4): id int64 key, t text", "connect_timeout": "5min", "batch_rows": 7}',
	credentials => '{"token": "cc-secret-token"}', labels => '{"team": "sales", "env": "test"}');
SELECT name, schema, ssl_enabled, options, labels, status, has_credential, server FROM connhub.get_connector('cc_full');
-- By id as well as by name.
SELECT c.name FROM connhub.connector s, connhub.get_connector(s.id::text) c WHERE s.name = 'cc_full';

-- These must fail, and each says what was wrong and what would be right.
SELECT connhub.create_connector('cc_plain', 'mock');
SELECT connhub.create_connector('cc_bad', 'mick');
SELECT connhub.create_connector('cc_bad', 'no such thing at all');
SELECT connhub.create_connector(NULL, 'mock');
SELECT connhub.create_connector('', 'mock');
SELECT connhub.create_connector(repeat('n', 64), 'mock');
SELECT connhub.create_connector(E'two\nlines', 'mock');
SELECT connhub.create_connector('00000000-0000-0000-0000-000000000001', 'mock');
SELECT connhub.create_connector('cc_bad', 'mock', host => 'h');
SELECT connhub.create_connector('cc_bad', 'mock', port => 1);
SELECT connhub.create_connector('cc_bad', 'mock', ssl_mode => 'require');
SELECT connhub.create_connector('cc_bad', 'mock', ssl_mode => 'requite');
SELECT connhub.create_connector('cc_bad', 'mock', options => '{"tabels": "x"}');
SELECT connhub.create_connector('cc_bad', 'mock', options => '{"zzzzzzzzzzzzzzzz": "x"}');
SELECT connhub.create_connector('cc_bad', 'mock', options => '{"batch_rows": "many"}');
SELECT connhub.create_connector('cc_bad', 'mock', options => '{"batch_rows": -1}');
SELECT connhub.create_connector('cc_bad', 'mock', options => '{"vectors": "wide"}');
SELECT connhub.create_connector('cc_bad', 'mock', options => '{"connect_timeout": "5 parsecs"}');
SELECT connhub.create_connector('cc_bad', 'mock', options => '{"connect_timeout": "1ms"}');
SELECT connhub.create_connector('cc_bad', 'mock', options => '{"batch_rows": {"a": 1}}');
SELECT connhub.create_connector('cc_bad', 'mock', options => '[1, 2]');
SELECT connhub.create_connector('cc_bad', 'mock', options => '{"token": "t"}');
SELECT connhub.create_connector('cc_bad', 'mock', options => '{"password": "p"}');
SELECT connhub.create_connector('cc_bad', 'mock', credentials => '{"batch_rows": 1}');
SELECT connhub.create_connector('cc_bad', 'mock', credentials => '{"tokn": "t"}');
SELECT connhub.create_connector('cc_bad', 'mock', labels => '{"a": 1}');
SELECT connhub.create_connector('cc_bad', 'mock', labels => '"a"');

-- A failed test saves nothing.
SELECT connhub.create_connector('cc_bad', 'mock', options => '{"fault": "step:auth"}');
SELECT count(*) FROM connhub.connectors(name => 'cc_bad');
SELECT count(*) FROM pg_foreign_server WHERE srvname = 'cc_bad';
-- Unless it is asked to.
SELECT name, status, error_code, server, tables FROM connhub.create_connector('cc_kept', 'mock',
	options => '{"fault": "step:auth"}', keep_on_failure => true);
-- Without a test nothing is contacted.
SELECT name, status, error_code, tables FROM connhub.create_connector('cc_untested', 'mock',
	options => '{"fault": "step:hang"}', test => false);
-- A discovery that fails is a warning: the connector works.
SELECT name, status, tables FROM connhub.create_connector('cc_undiscovered', 'mock', options => '{"fault": "discover:permission"}');
-- A slow source.
SELECT name, status FROM connhub.create_connector('cc_slow', 'mock',
	options => '{"fault": "check:slow:30", "latency_warning_ms": 5}', discover => false);

-- In transaction blocks, subtransactions, functions and prepared statements.
BEGIN;
SELECT name FROM connhub.create_connector('cc_rolled_back', 'mock', credentials => '{"token": "t"}');
SELECT count(*) FROM connhub.tables('cc_rolled_back');
ROLLBACK;
SELECT count(*) FROM connhub.connectors(name => 'cc_rolled_back');
SELECT count(*) FROM pg_foreign_server WHERE srvname = 'cc_rolled_back';
SELECT count(*) FROM connhub_catalog.secret s WHERE NOT EXISTS (SELECT FROM connhub_catalog.connector c WHERE c.id = s.connector_id);
BEGIN;
SELECT name FROM connhub.create_connector('cc_first', 'mock');
SAVEPOINT s;
SELECT name FROM connhub.create_connector('cc_second', 'mock');
ROLLBACK TO s;
SELECT name FROM connhub.create_connector('cc_second', 'mock', options => '{"batch_rows": 1}');
COMMIT;
SELECT name, options FROM connhub.connector WHERE name IN ('cc_first', 'cc_second') ORDER BY name;
DO $$
BEGIN
	PERFORM connhub.create_connector('cc_in_do', 'mock');
	PERFORM connhub.create_connector('cc_in_do', 'mock');
EXCEPTION WHEN duplicate_object THEN
	RAISE NOTICE 'caught: %', sqlerrm;
END
$$;
SELECT count(*) FROM connhub.connectors(name => 'cc_in_do');
PREPARE create_one AS SELECT name FROM connhub.create_connector($1, 'mock');
EXECUTE create_one('cc_prepared_1');
EXECUTE create_one('cc_prepared_2');
-- Names are quoted wherever they go.
SELECT name, server FROM connhub.create_connector('cc "odd"; --', 'mock');

SELECT name FROM connhub.create_connector('cc o''brien', 'mock');
SELECT name FROM connhub.create_connector('cc o''brien', 'mock');

-- These must fail: labels without a name or of any length, a password for a type that takes none.
SELECT connhub.create_connector('cc_bad', 'mock', labels => '{"": "x"}');
SELECT connhub.create_connector('cc_bad', 'mock', labels => jsonb_build_object(repeat('n', 256), 'x'));
SELECT connhub.create_connector('cc_bad', 'mock', labels => jsonb_build_object('n', repeat('x', 4097)));
SELECT connhub.create_connector('cc_bad', 'mock', credentials => '{"password": "x"}');

-- A transaction that may not write says which function would.
BEGIN READ ONLY; SELECT connhub.create_connector('cc_ro', 'mock'); ROLLBACK;
BEGIN READ ONLY; SELECT connhub.update_connector('cc_prepared_1', labels => '{}'); ROLLBACK;
BEGIN READ ONLY; SELECT connhub.set_credentials('cc_prepared_1', password => 'p'); ROLLBACK;
BEGIN READ ONLY; SELECT connhub.delete_connector('cc_prepared_1'); ROLLBACK;
BEGIN READ ONLY; SELECT connhub.disable('cc_prepared_1'); ROLLBACK;
BEGIN READ ONLY; SELECT connhub.enable('cc_prepared_1'); ROLLBACK;
BEGIN READ ONLY; SELECT connhub.discover('cc_prepared_1'); ROLLBACK;
BEGIN READ ONLY; SELECT connhub.attach('cc_prepared_1'); ROLLBACK;
BEGIN READ ONLY; SELECT connhub.detach('cc_prepared_1'); ROLLBACK;
BEGIN READ ONLY; SELECT success FROM connhub.test('cc_prepared_1'); COMMIT;

-- The server's name may be taken; then it carries the start of the id.
SELECT name FROM connhub.create_connector('cc_taken', 'mock');
ALTER SERVER cc_taken RENAME TO cc_other;
SELECT c.name, c.server = 'cc_other_' || left(c.id::text, 8) AS with_id FROM connhub.create_connector('cc_other', 'mock') c;
-- A server renamed by hand is still the connector's; one dropped by hand comes back.
SELECT name, server FROM connhub.connector WHERE name = 'cc_taken';
DROP SERVER cc_other;
SELECT name, server FROM connhub.connector WHERE name = 'cc_taken';
SELECT connhub.attach('cc_taken');
SELECT name, server FROM connhub.enable('cc_taken');

SELECT count(*) FROM (SELECT connhub.delete_connector(name, force => true) FROM connhub.connectors(name => 'cc%')) AS d;
