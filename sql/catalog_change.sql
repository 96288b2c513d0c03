-- A change is tested before it replaces what was; a bad one leaves the old working.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
SELECT connhub.register_driver('mock');
SELECT name FROM connhub.create_connector('ch_key', 'mock', credentials => '{"token": "t"}');
SELECT name FROM connhub.delete_connector('ch_key', force => true);
RESET client_min_messages;
\set SHOW_CONTEXT never
SELECT name, tables FROM connhub.create_connector('ch_one', 'mock', options => '{"tables": "a(3): id int64 key", "batch_rows": 5}',
	labels => '{"team": "a"}');

-- What is not named stays; what is relevant is tested and discovered again.
SELECT name, status, tables FROM connhub.update_connector('ch_one', options => '{"tables": "a(3): id int64 key; b(1): id int64"}');
SELECT options, labels FROM connhub.connector WHERE name = 'ch_one';
-- A JSON null takes an option away.
SELECT name FROM connhub.update_connector('ch_one', options => '{"batch_rows": null}');
SELECT options FROM connhub.connector WHERE name = 'ch_one';
-- Labels and name need no test: the source would refuse one now.
SELECT name FROM connhub.update_connector('ch_one', options => '{"fault": "step:hang"}', test => false);
SELECT name, server FROM connhub.update_connector('ch_one', name => 'ch_two', labels => '{"team": "b"}');
SELECT name FROM connhub.update_connector('ch_two', options => '{"fault": null}');

-- These must fail and change nothing.
SELECT connhub.update_connector('ch_two', options => '{"fault": "step:no_database"}');
SELECT connhub.update_connector('ch_two', options => '{"batch_rows": "x"}');
SELECT connhub.update_connector('ch_two', host => 'h');
SELECT connhub.update_connector('ch_one', name => 'x');
SELECT connhub.update_connector(NULL);
SELECT name FROM connhub.create_connector('ch_three', 'mock');
SELECT connhub.update_connector('ch_three', name => 'ch_two');
SELECT name, options, status FROM connhub.connector WHERE name LIKE 'ch%' ORDER BY name;

-- Credentials: others are kept, a null takes one away, an untested one is not stored.
SELECT name, status FROM connhub.set_credentials('ch_two', credentials => '{"token": "first"}');
SELECT has_credential FROM connhub.connector WHERE name = 'ch_two';
SELECT connhub.set_credentials('ch_two');
SELECT connhub.set_credentials('ch_two', password => 'p');
SELECT connhub.set_credentials('ch_two', credentials => '{"batch_rows": 1}');
SELECT name FROM connhub.set_credentials('ch_two', credentials => '{"token": null}');
SELECT has_credential FROM connhub.connector WHERE name = 'ch_two';

-- Tests: a failure is a row.
SELECT success, error_code, regexp_replace(message, '[0-9.]+ ms', 'N ms') AS message, phase, connector_id IS NOT NULL AS saved FROM connhub.test('ch_two');
SELECT success, error_code, message, hint, phase, connector_id IS NOT NULL AS saved
FROM connhub.test(type => 'mock', options => '{"fault": "step:refused"}');
SELECT fault, success, error_code, phase FROM unnest(ARRAY['refused', 'dns', 'timeout', 'tls', 'auth', 'no_database', 'permission']) AS fault,
	connhub.test(type => 'mock', options => jsonb_build_object('fault', 'step:' || fault));
SELECT name FROM connhub.update_connector('ch_two', options => '{"fault": "check:permission"}', test => false);
SELECT success, error_code FROM connhub.test('ch_two');
SELECT status, last_test_result->>'error_code' AS code, last_test_result->>'success' AS success FROM connhub.connector WHERE name = 'ch_two';
SELECT name FROM connhub.update_connector('ch_two', options => '{"fault": null}');
-- A read-only transaction tests and records nothing.
BEGIN READ ONLY;
SELECT success FROM connhub.test('ch_two');
COMMIT;
-- These must fail.
SELECT connhub.test();
SELECT connhub.test('ch_two', type => 'mock');
SELECT connhub.test('ch_twoo');

CREATE FOREIGN TABLE ch_items (id bigint) SERVER ch_two OPTIONS (schema_name 'data', table_name 'a');
SELECT count(*) FROM ch_items;
-- Disabled: its tables cannot be queried, its status says so, a test does not change that.
SELECT name, status FROM connhub.disable('ch_two');
SELECT count(*) FROM ch_items;
SELECT success FROM connhub.test('ch_two');
SELECT status, enabled FROM connhub.connector WHERE name = 'ch_two';
SELECT name, status FROM connhub.enable('ch_two');
SELECT count(*) FROM ch_items;

-- Deleting: softly, while foreign tables stay; by force, with them.
SELECT name, removed, server_dropped, foreign_tables FROM connhub.delete_connector('ch_three');
\set VERBOSITY terse
SELECT name, removed, server_dropped, foreign_tables FROM connhub.delete_connector('ch_two');
SELECT count(*) FROM connhub.connectors(name => 'ch%');
SELECT connhub.delete_connector('ch_two');
SELECT count(*) FROM ch_items;
-- The name is free again at once.
SELECT name, server = 'ch_two' AS same_server FROM connhub.create_connector('ch_two', 'mock');
SELECT name, removed, server_dropped, foreign_tables FROM connhub.delete_connector('ch_two', force => true);
-- The deleted one is found by force too.
SELECT name, removed, server_dropped, foreign_tables FROM connhub.delete_connector('ch_two', force => true);
SELECT name, removed FROM connhub.delete_connector('ch_three', force => true);
SELECT connhub.delete_connector('ch_three', force => true);
SELECT to_regclass('ch_items');
SELECT count(*) FROM connhub_catalog.connector WHERE name LIKE 'ch%';
