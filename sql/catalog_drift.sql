-- What a discovery finds otherwise than the one before is drift: recorded, told of once, and applied to foreign tables
-- without losing what their owner has made of them.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
SELECT connhub.register_driver('mock');
RESET client_min_messages;
\set SHOW_CONTEXT never
\pset null '-'
SELECT name, schemas, tables FROM connhub.create_connector('dr', 'mock', options =>
	'{"tables": "people(10): id int64 key, name text, born date nulls 4, note text; orders(5): id int32 key, people int64, price decimal; gone(1): id int64"}');
CREATE TEMPORARY VIEW told AS
	SELECT e.id, e.kind, e.severity, e.message, e.detail - 'discovered_at' AS detail FROM connhub_catalog.event AS e
	JOIN connhub_catalog.connector AS c ON c.id = e.connector_id WHERE c.name LIKE 'dr%' AND e.kind = 'drift';
CREATE TEMPORARY VIEW written AS
	SELECT 'schema' AS part, xmin::text AS by FROM connhub_catalog.remote_schema UNION ALL SELECT 'table', xmin::text FROM connhub_catalog.remote_table
	UNION ALL SELECT 'column', xmin::text FROM connhub_catalog.remote_column UNION ALL SELECT 'key', xmin::text FROM connhub_catalog.remote_key
	UNION ALL SELECT 'index', xmin::text FROM connhub_catalog.remote_index UNION ALL SELECT 'statistics', xmin::text FROM connhub_catalog.remote_statistics;

-- The first discovery is no drift, and one that finds the same writes no row of what was discovered.
CREATE TEMPORARY TABLE written_before AS SELECT * FROM written;
SELECT tables, columns FROM connhub.discover('dr');
SELECT count(*) FROM connhub.drift WHERE connector = 'dr';
SELECT count(*) AS rewritten FROM (SELECT * FROM written EXCEPT ALL SELECT * FROM written_before) AS r;
SELECT count(*) AS events FROM told;
SELECT started_at, finished_at IS NOT NULL AS finished, failure FROM connhub.discovery WHERE connector = 'dr';

-- Foreign tables, and what their owner makes of them.
SELECT "table", action FROM connhub.attach('dr', into_schema => 'dr');
ALTER FOREIGN TABLE dr.people RENAME COLUMN name TO called;
ALTER FOREIGN TABLE dr.people ALTER COLUMN note TYPE varchar(100);
COMMENT ON COLUMN dr.people.called IS 'chosen here';
CREATE VIEW dr.births AS SELECT id, born FROM dr.people;
CREATE VIEW dr.names AS SELECT id FROM dr.people;
CREATE ROLE dr_reader;
GRANT SELECT (id, called) ON dr.people TO dr_reader;
GRANT SELECT ON dr.orders TO dr_reader;

-- The source changes.
SELECT name, tables FROM connhub.update_connector('dr', options =>
	'{"tables": "people(10): id int64 key, name int32, email text, note json; orders(5): price decimal, id int32 key, people text nulls 2; fresh(1): id int64"}');
SELECT kind, schema, table_name, name, change, before, after, attached FROM connhub.drift WHERE connector = 'dr' ORDER BY id;
SELECT kind, severity, message, jsonb_pretty(detail) FROM told;
SELECT tables FROM connhub.discover('dr');
SELECT count(DISTINCT discovered_at) FROM connhub.drift WHERE connector = 'dr';

-- A dry run changes nothing, and says what would fail.
SELECT action, object, statement, done, problem FROM connhub.apply_drift('dr');
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'dr.people'::regclass AND attnum > 0 ORDER BY attnum;
-- What can be done is done; the rest says why not.
SELECT action, object, done, problem FROM connhub.apply_drift('dr', dry_run => false);
SELECT attname, format_type(atttypid, atttypmod), attnotnull, attfdwoptions, col_description(attrelid, attnum) AS comment, attacl
	FROM pg_attribute WHERE attrelid = 'dr.people'::regclass AND attnum > 0 ORDER BY attnum;
SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute WHERE attrelid = 'dr.orders'::regclass AND attnum > 0 ORDER BY attnum;
SELECT has_table_privilege('dr_reader', 'dr.orders', 'SELECT') AS kept;
SELECT id, called, email FROM dr.people WHERE id <= 2 ORDER BY id;
SELECT id, people, price FROM dr.orders WHERE id <= 2 ORDER BY id;
SELECT * FROM dr.names WHERE id = 1;
-- Tables come and go when that is asked for.
SELECT action, object, done, problem FROM connhub.apply_drift('dr', dry_run => false, drop_missing => true, attach_new => true);
SELECT * FROM dr.fresh;
-- Nothing is left but what its owner must decide.
SELECT action, object, done FROM connhub.apply_drift('dr', dry_run => false);
DROP VIEW dr.births;
SELECT action, object, done, problem FROM connhub.apply_drift('dr', dry_run => false);

-- A column dropped here on purpose does not come back, one that is declared here alone stays.
ALTER FOREIGN TABLE dr.orders DROP COLUMN price;
ALTER FOREIGN TABLE dr.orders ADD COLUMN extra text;
SELECT action, object, statement, done, problem FROM connhub.apply_drift('dr', dry_run => false);

-- A query that meets a changed source says what to do.
SELECT name FROM connhub.update_connector('dr', options => '{"tables": "people(10): id int64 key"}', discover => false);
SELECT called FROM dr.people;

-- A part is compared with that part; one that was never looked at did not come now.
SELECT name FROM connhub.create_connector('dr_part', 'mock', options => '{"tables": "one(1): id int64; two(1): id int64"}', discover => false);
SELECT tables FROM connhub.discover('dr_part', table_pattern => 'one');
SELECT tables FROM connhub.discover('dr_part');
SELECT count(*) FROM connhub.drift WHERE connector = 'dr_part';
SELECT name FROM connhub.update_connector('dr_part', options => '{"tables": "one(1): id int64, more text; three(1): id int64"}', discover => false);
SELECT tables FROM connhub.discover('dr_part', table_pattern => 'o%');
SELECT kind, table_name, name, change FROM connhub.drift WHERE connector = 'dr_part' ORDER BY id;
SELECT severity FROM told ORDER BY id DESC LIMIT 1;

-- A failure records nothing and keeps what was there.
SELECT name FROM connhub.update_connector('dr_part', options => '{"fault": "discover:lost"}', test => false);
SELECT connhub.discover('dr_part');
SELECT name FROM connhub.tables('dr_part');
SELECT count(*) FROM connhub.drift WHERE connector = 'dr_part';

-- What is due: what was discovered whole, or should have been; an interval of 0 is never.
SELECT c.name, d.due_at - c.last_discovered_at >= '1 hour' AS in_an_hour
	FROM connhub_catalog.discoveries_due() AS d JOIN connhub_catalog.connector AS c ON c.id = d.connector_id WHERE c.name LIKE 'dr%' ORDER BY 1;
SELECT name FROM connhub.update_connector('dr', options => '{"refresh_interval": "0"}', test => false, discover => false);
SELECT name FROM connhub.update_connector('dr_part', options => '{"refresh_interval": 90}', test => false, discover => false);
SELECT c.name, d.due_at - c.last_discovered_at < '2 min' AS soon
	FROM connhub_catalog.discoveries_due() AS d JOIN connhub_catalog.connector AS c ON c.id = d.connector_id WHERE c.name LIKE 'dr%' ORDER BY 1;

-- Who may not manage a connector applies nothing, who may but does not own a table is told so, and the drift is hidden from strangers.
GRANT connhub_operator TO dr_reader;
SET SESSION AUTHORIZATION dr_reader;
SELECT count(*) FROM connhub.drift;
SELECT * FROM connhub.apply_drift('dr');
RESET SESSION AUTHORIZATION;
SELECT connhub.set_owner('dr_part', 'dr_reader');
SELECT name FROM connhub.update_connector('dr_part', options => '{"fault": null}', discover => false);
SELECT count(*) FROM connhub.attach('dr_part', into_schema => 'dr', prefix => 'part_');
SELECT name FROM connhub.update_connector('dr_part', options => '{"tables": "one(1): id int32"}');
SET SESSION AUTHORIZATION dr_reader;
SELECT action, object, done, problem FROM connhub.apply_drift('dr_part', dry_run => false);
SELECT DISTINCT connector FROM connhub.drift;
RESET SESSION AUTHORIZATION;
-- These must fail.
SELECT * FROM connhub.apply_drift('dr_none');
SELECT * FROM connhub.apply_drift(NULL);
BEGIN READ ONLY;
SELECT * FROM connhub.apply_drift('dr');
ROLLBACK;

SET client_min_messages = warning;
SELECT count(*) FROM (SELECT connhub.delete_connector(name, force => true) FROM connhub.connectors(name => 'dr%')) AS d;
SELECT count(*) FROM connhub_catalog.drift AS d WHERE NOT EXISTS (SELECT FROM connhub_catalog.connector AS c WHERE c.id = d.connector_id);
DROP SCHEMA dr CASCADE;
DROP ROLE dr_reader;
