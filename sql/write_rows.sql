-- Rows written one by one and in batches, by key and at one go: what is sent, what comes back, what is refused.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
\set SHOW_CONTEXT never
SELECT connhub.register_driver('mock');
SELECT status FROM connhub.create_connector('write_rows', 'mock', options => jsonb_build_object('tables',
	'n(3): id int64 key default, a int32 nulls 100, txt text nulls 100; c(4): x int32 modulo 2 key, y text key, v text nulls 100;'
	'bare(3): v int32, w text nulls 100; made(2): id int64 key, v text nulls 100, comp int32 computed'));
CREATE SCHEMA write_rows;
SELECT count(*) FROM connhub.attach('write_rows', 'data', into_schema => 'write_rows');
SET search_path = write_rows;
\i sql/include/sent.sql

-- INSERT: a column left out gets the source's default, an explicit null is one
SELECT sent('INSERT INTO n VALUES (10, 1, ''x''), (11, NULL, ''y'')');
INSERT INTO n VALUES (10, 1, 'x'), (11, NULL, 'y');
SELECT sent('INSERT INTO n (a, txt) VALUES (7, ''z'') RETURNING *');
INSERT INTO n (a, txt) VALUES (7, 'z') RETURNING *;
SELECT sent('INSERT INTO n DEFAULT VALUES RETURNING id');
INSERT INTO n DEFAULT VALUES RETURNING id;
INSERT INTO n (id, a) VALUES (DEFAULT, 8) RETURNING id + 100 AS more, a;
INSERT INTO n (id, a) VALUES (NULL, 8);	-- fails
INSERT INTO n SELECT 20 + g, g, 'row ' || g FROM generate_series(1, 3) g;
TABLE n;
-- a default here is sent, a trigger's value too
ALTER FOREIGN TABLE n ALTER COLUMN txt SET DEFAULT 'from here';
INSERT INTO n (id) VALUES (30), (31);
ALTER FOREIGN TABLE n ALTER COLUMN txt DROP DEFAULT;
SELECT * FROM n WHERE id >= 30;
-- reading and writing the same connector in one statement
INSERT INTO n SELECT id + 100, a, txt FROM n WHERE id < 4;
SELECT * FROM n WHERE id > 100;
WITH moved AS (DELETE FROM n WHERE id > 100 RETURNING *) INSERT INTO n SELECT id + 100, a, txt FROM moved RETURNING id;
DELETE FROM n WHERE id > 100;

-- conflicts
INSERT INTO n VALUES (10, 1, 'again');	-- fails
SELECT sent('INSERT INTO n VALUES (10, 1, ''again'') ON CONFLICT DO NOTHING');
INSERT INTO n VALUES (10, 1, 'again'), (40, 1, 'new') ON CONFLICT DO NOTHING;
INSERT INTO n VALUES (10, 1, 'again') ON CONFLICT DO NOTHING RETURNING *;
INSERT INTO n VALUES (10, 1, 'again') ON CONFLICT (id) DO NOTHING;	-- fails
DELETE FROM n WHERE id = 40;

-- COPY
COPY n FROM stdin;
50	1	copied
51	\N	\N
\.
COPY n (a, txt) FROM stdin;
5	first
6	\N
\.
SELECT * FROM n WHERE id >= 14 ORDER BY id;

-- computed columns
SELECT sent('INSERT INTO made (id, v) VALUES (7, ''q'')');
INSERT INTO made (id, v) VALUES (7, 'q') RETURNING *;
INSERT INTO made VALUES (8, 'q', 1);	-- fails

-- UPDATE and DELETE at one go
SELECT sent('UPDATE n SET a = 5, txt = NULL WHERE id = 10');
UPDATE n SET a = 5, txt = NULL WHERE id = 10;
UPDATE n SET a = id::int, txt = 'both' WHERE id IN (1, 2);
UPDATE n SET a = 6 WHERE id = 10 RETURNING id, a * 2 AS twice, txt IS NULL AS gone, tableoid::regclass;
UPDATE n SET a = 7 WHERE id < 3 RETURNING 'changed';
UPDATE n SET id = id WHERE id = -1 RETURNING *;
SELECT sent('DELETE FROM n WHERE id = 11');
DELETE FROM n WHERE id = 11;
DELETE FROM n WHERE id IN (21, 22) RETURNING n.*;
TABLE n ORDER BY id;

-- by key
SELECT sent('UPDATE n SET txt = txt || ''!'' WHERE a = 7');
UPDATE n SET txt = txt || '!' WHERE a = 7;
UPDATE n SET txt = txt || '!' WHERE a = 7 RETURNING id, txt;
SELECT sent('DELETE FROM n WHERE txt ~ ''^row 3''');
DELETE FROM n WHERE txt ~ '^row 3' RETURNING *;
SELECT sent('UPDATE n SET a = made.id FROM made WHERE made.id = n.id AND made.v ~ ''row''');
UPDATE n SET a = 70 + made.id FROM made WHERE made.id = n.id AND made.v ~ 'row' RETURNING n.id, n.a, made.v;
-- the key itself, and a key of two columns
UPDATE n SET id = id + 1000 WHERE txt ~ '!$' RETURNING id;
SELECT sent('UPDATE c SET v = v || y');
UPDATE c SET v = v || y WHERE x = 1;
UPDATE c SET y = y || x RETURNING *;
DELETE FROM c WHERE v ~ 'row 3' RETURNING x;
TABLE c;

-- without a key
SELECT sent('UPDATE bare SET w = ''same'' WHERE v > 1');
UPDATE bare SET w = 'same' WHERE v > 1;
UPDATE bare SET w = w || 'x';	-- fails
ALTER FOREIGN TABLE bare ALTER COLUMN v OPTIONS (ADD key 'yes');
UPDATE bare SET w = w || 'x' RETURNING *;
-- that is not unique at the source
INSERT INTO bare VALUES (3, 'twin');
UPDATE bare SET w = w || 'y';	-- fails
DELETE FROM bare WHERE w ~ 'twin';	-- fails
TABLE bare;

-- TRUNCATE
TRUNCATE made;
TABLE made;
INSERT INTO made (id) VALUES (1) RETURNING *;
TRUNCATE made RESTART IDENTITY;
INSERT INTO made (id) VALUES (1) RETURNING *;

-- what a source does not take
SELECT name FROM connhub.update_connector('write_rows', test => false, discover => false, options => '{"judge": "returning:refused, skip:refused, assign:refused, lock:refused"}');
UPDATE n SET a = 1 RETURNING a;	-- fails
INSERT INTO n (a) VALUES (1) RETURNING id;	-- fails
INSERT INTO n (a) VALUES (1) RETURNING 1;
INSERT INTO n (a) VALUES (1) ON CONFLICT DO NOTHING;	-- fails
SELECT sent('UPDATE n SET a = 1');
SELECT name FROM connhub.update_connector('write_rows', test => false, discover => false, options => '{"judge": "write:refused"}');
INSERT INTO n (a) VALUES (1);	-- fails
COPY n FROM stdin;	-- fails
\.
TRUNCATE n;	-- fails
SELECT name FROM connhub.update_connector('write_rows', test => false, discover => false, options => '{"judge": null, "read_only": true}');
INSERT INTO n (a) VALUES (1);	-- fails
UPDATE n SET a = 1;	-- fails
DELETE FROM n WHERE txt ~ 'x';	-- fails
COPY n FROM stdin;	-- fails
\.
TRUNCATE n;	-- fails
SELECT count(*) FROM n;
SELECT sent('SELECT id FROM n FOR UPDATE');
SELECT name FROM connhub.update_connector('write_rows', test => false, discover => false, options => '{"read_only": null}');
ALTER FOREIGN TABLE n OPTIONS (ADD updatable 'false');
INSERT INTO n (a) VALUES (1);	-- fails
UPDATE n SET a = 1;	-- fails
TRUNCATE n;	-- fails
SELECT pg_relation_is_updatable('n', false), pg_relation_is_updatable('bare', false);
ALTER FOREIGN TABLE n OPTIONS (DROP updatable);
BEGIN READ ONLY;
INSERT INTO n (a) VALUES (1);	-- fails
ROLLBACK;

DROP SCHEMA write_rows CASCADE;
SELECT count(*) FROM connhub.delete_connector('write_rows', force => true);
