-- Discovery replaces what matched its patterns, whole or not at all; rows and the document agree.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
SELECT connhub.register_driver('mock');
RESET client_min_messages;
\set SHOW_CONTEXT never
SELECT name, schemas, tables FROM connhub.create_connector('di', 'mock',
	options => '{"tables": "people(100): id int64 key, name text, born date nulls 4; orders(5): id int32 key, people int64, price decimal computed"}');

SELECT schema, tables, views, estimated_rows FROM connhub.schemas('di');
SELECT schema, name, type, columns, primary_key, estimated_rows FROM connhub.tables('di');
SELECT table_name, position, name, remote_type, pg_type, nullable, generated FROM connhub.columns('di');
SELECT connector, table_name, name, type, columns FROM connhub.remote_key ORDER BY table_name, name;
SELECT jsonb_pretty(jsonb_path_query_array(connhub.schemas_json('di'), '$.schemas[*].tables[*].name'));
SELECT jsonb_pretty(jsonb_path_query_first(connhub.schemas_json('di'), '$.schemas[0].tables[*] ? (@.name == "orders")'));

-- Only what matches is replaced.
SELECT name, tables FROM connhub.update_connector('di', options => '{"tables": "people(7): id int64 key; parts(1): id int64"}', discover => false);
SELECT schemas, tables, columns, keys FROM connhub.discover('di', table_pattern => 'p%');
SELECT name, columns, estimated_rows FROM connhub.tables('di');
SELECT schemas, tables, columns, keys FROM connhub.discover('di', schema_pattern => 'nothing%');
SELECT name FROM connhub.tables('di');
SELECT schemas, tables, columns, keys FROM connhub.discover('di');
SELECT name, columns, estimated_rows FROM connhub.tables('di', schema_pattern => 'd%', table_pattern => 'p%');
-- Patterns are LIKE patterns, case and all.
SELECT tables FROM connhub.discover('di', table_pattern => 'PEOPLE');
SELECT tables FROM connhub.discover('di', table_pattern => 'peopl_');
SELECT tables FROM connhub.discover('di', table_pattern => 'peopl\_');
SELECT name FROM connhub.tables('di');

-- A failure leaves what was there.
SELECT name FROM connhub.update_connector('di', options => '{"fault": "discover:lost"}', test => false);
SELECT connhub.discover('di');
SELECT name FROM connhub.tables('di');
-- So does a rollback.
SELECT name FROM connhub.update_connector('di', options => '{"fault": null, "tables": "new(1): id int64"}', discover => false);
BEGIN;
SELECT tables FROM connhub.discover('di');
SELECT name FROM connhub.tables('di');
ROLLBACK;
SELECT name FROM connhub.tables('di');

-- Listing: filters, order and pages.
SELECT name FROM connhub.create_connector('di_2', 'mock', labels => '{"team": "sales"}', discover => false);
SELECT name FROM connhub.create_connector('di_3', 'mock', labels => '{"team": "ops", "gold": "yes"}', discover => false);
SELECT name, total FROM connhub.connectors(name => 'di%');
SELECT name, total FROM connhub.connectors(name => 'di%', max_rows => 1, skip_rows => 1);
SELECT name FROM connhub.connectors(name => 'di%', sort => 'created_at', descending => true);
SELECT name FROM connhub.connectors(label => 'team=ops');
SELECT name FROM connhub.connectors(label => 'team');
SELECT name FROM connhub.connectors(label => 'team=');
SELECT name FROM connhub.connectors(search => 'SALES');
SELECT name FROM connhub.connectors(type => 'mock', status => 'active', name => 'di\_%');
SELECT name FROM connhub.connectors(type => 'nothing');
-- These must fail.
SELECT name FROM connhub.connectors(sort => 'nmae');
SELECT name FROM connhub.connectors(status => 'activ');
SELECT connhub.discover('di_3', schema_pattern => 'a\');
SELECT connhub.discover('di_3', table_pattern => '\\\');
SELECT * FROM connhub.tables('di_4');
SELECT connhub.schemas_json('nothing like it');

SELECT count(*) FROM (SELECT connhub.delete_connector(name, force => true) FROM connhub.connectors(name => 'di%')) AS d;
SELECT (SELECT count(*) FROM connhub_catalog.remote_schema) + (SELECT count(*) FROM connhub_catalog.remote_table)
	+ (SELECT count(*) FROM connhub_catalog.remote_column) + (SELECT count(*) FROM connhub_catalog.remote_key)
	+ (SELECT count(*) FROM connhub_catalog.remote_index) + (SELECT count(*) FROM connhub_catalog.remote_statistics) AS left_over;
