-- connhub.attach and connhub.detach make and drop the foreign tables asked for, and say what is wrong otherwise.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
SELECT connhub.register_driver('mock') IS NOT NULL AS registered;
CREATE FUNCTION shape(relation regclass) RETURNS TABLE (name name, type text, "notnull" boolean, options text[]) LANGUAGE sql AS
	$$ SELECT attname, format_type(atttypid, atttypmod), attnotnull, attfdwoptions FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped ORDER BY attnum $$;
SELECT status FROM connhub.create_connector(name => 'attach_a', type => 'mock', options =>
	'{"tables": "people(3): id int64 key, name text nulls 2, xmin int32, born date; orders(2): id int64 key, total decimal; order_items(2): id int64 key"}');
SELECT status FROM connhub.create_connector(name => 'attach_new', type => 'mock', discover => false);

-- Everything, into a schema named like the connector; a second time there is nothing to do.
SELECT * FROM connhub.attach('attach_a');
SELECT * FROM connhub.attach('attach_a');
SELECT * FROM shape('attach_a.people');
SELECT ftoptions FROM pg_foreign_table WHERE ftrelid = 'attach_a.people'::regclass;
SELECT * FROM attach_a.people ORDER BY id;
ALTER FOREIGN TABLE attach_a.people RENAME name TO full_name;
SELECT full_name FROM attach_a.people WHERE id = 1;

-- Replacing makes the table as it was discovered, unless something depends on it.
SELECT * FROM connhub.attach('attach_a', tables => '{people}', if_exists => 'replace');
SELECT name FROM attach_a.people WHERE id = 1;
CREATE VIEW attach_a.names AS SELECT name FROM attach_a.people;
SELECT * FROM connhub.attach('attach_a', tables => '{people}', if_exists => 'replace');
DROP VIEW attach_a.names;

-- A name wins over a pattern; a pattern may choose many; one that chooses none is an error.
SELECT * FROM connhub.attach('attach_a', tables => '{order_items}', into_schema => 'attach_b');
SELECT * FROM connhub.attach('attach_a', tables => '{order%}', into_schema => 'attach_b', prefix => 'p_');
SELECT * FROM connhub.attach('attach_a', tables => '{poeple}');
SELECT * FROM connhub.attach('attach_a', tables => '{people, nothing%}');
SELECT * FROM connhub.attach('attach_a', tables => '{NULL}');

-- New names.
SELECT * FROM connhub.attach('attach_a', into_schema => 'attach_c', prefix => 'm_', rename => '{"people": "Folk"}');
SELECT count(*) FROM attach_c."Folk";
SELECT * FROM connhub.attach('attach_a', into_schema => 'attach_c', rename => '{"peple": "folk"}');
SELECT * FROM connhub.attach('attach_a', into_schema => 'attach_c', rename => '{"people": 1}');
SELECT * FROM connhub.attach('attach_a', into_schema => 'attach_c', rename => '[1]');
SELECT * FROM connhub.attach('attach_a', into_schema => 'attach_c', rename => '{"nothing alike": "folk"}');
SELECT * FROM connhub.attach('attach_a', into_schema => '');
SELECT * FROM connhub.attach('attach_a', into_schema => repeat('x', 64));
SELECT action FROM connhub.attach('attach_a', into_schema => 'attach_c', tables => '{people}', prefix => repeat('x', 60));
SELECT relname FROM pg_class WHERE relnamespace = 'attach_c'::regnamespace AND relname LIKE 'xxx%';

-- Another relation in the way is never touched.
CREATE TABLE attach_b.people (id int);
SELECT * FROM connhub.attach('attach_a', into_schema => 'attach_b');
SELECT * FROM connhub.attach('attach_a', into_schema => 'attach_b', if_exists => 'replace');
SELECT * FROM connhub.attach('attach_a', into_schema => 'attach_b', if_exists => 'error');
SELECT * FROM connhub.attach('attach_a', if_exists => 'skipp');

-- What was not discovered cannot be attached.
SELECT * FROM connhub.attach('attach_new');
SELECT * FROM connhub.attach('attach_a', remote_schema => 'dat');
SELECT * FROM connhub.attach('attach_z');
SELECT * FROM connhub.attach(NULL);

-- IMPORT FOREIGN SCHEMA does the same in PostgreSQL's words.
CREATE SCHEMA attach_d;
IMPORT FOREIGN SCHEMA data LIMIT TO (people, orders) FROM SERVER attach_a INTO attach_d;
IMPORT FOREIGN SCHEMA data EXCEPT (people, orders) FROM SERVER attach_a INTO attach_d OPTIONS (import_not_null 'false');
SELECT foreign_table_name FROM information_schema.foreign_tables WHERE foreign_table_schema = 'attach_d' ORDER BY 1;
SELECT * FROM shape('attach_d.order_items');
IMPORT FOREIGN SCHEMA data FROM SERVER attach_a INTO attach_d OPTIONS (import_not_nul 'false');
IMPORT FOREIGN SCHEMA nowhere FROM SERVER attach_a INTO attach_d;
IMPORT FOREIGN SCHEMA data FROM SERVER attach_new INTO attach_d;

-- An ordinary user needs USAGE on the server and CREATE on the schema, and no more.
CREATE ROLE attach_ann IN ROLE connhub_reader;
GRANT CREATE, USAGE ON SCHEMA attach_d TO attach_ann;
SET ROLE attach_ann;
SELECT * FROM connhub.attach('attach_a', into_schema => 'attach_d', prefix => 'ann_');
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER attach_a TO attach_ann;
SET ROLE attach_ann;
SELECT * FROM connhub.attach('attach_a', into_schema => 'attach_d', prefix => 'ann_');
SELECT count(*) FROM attach_d.ann_people;
SELECT * FROM connhub.attach('attach_a', into_schema => 'attach_e');
SELECT * FROM connhub.detach('attach_a', tables => '{people}', from_schema => 'attach_d');
SELECT * FROM connhub.detach('attach_a', tables => '{ann_%}');
RESET ROLE;

-- Detaching.
CREATE VIEW attach_d.names AS SELECT name FROM attach_d.people;
SELECT * FROM connhub.detach('attach_a', from_schema => 'attach_d', tables => '{people}');
SELECT * FROM connhub.detach('attach_a', from_schema => 'attach_d', cascade => true);
SELECT * FROM connhub.detach('attach_a', tables => '{poeple}');
SELECT * FROM connhub.detach('attach_a', from_schema => 'attach_c', tables => '{nothing%}');
SELECT * FROM connhub.detach('attach_a', from_schema => 'attach_z');
SELECT * FROM connhub.detach('attach_a');
SELECT * FROM connhub.detach('attach_a');

DROP SCHEMA attach_a, attach_b, attach_c, attach_d CASCADE;
DROP FUNCTION shape(regclass);
SELECT connhub.delete_connector(c, force => true) IS NOT NULL AS deleted FROM unnest('{attach_a,attach_new}'::text[]) AS c;
DROP OWNED BY attach_ann;
DROP ROLE attach_ann;
