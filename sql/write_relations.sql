-- Writes through views, partitions and triggers, into generated columns, under generic plans.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
\set SHOW_CONTEXT never
SELECT connhub.register_driver('mock');
SELECT status FROM connhub.create_connector('write_relations', 'mock', options => jsonb_build_object('tables',
	'n(4): id int64 key default, a int32 nulls 100, txt text nulls 100; p1(2): part int16 modulo 1, id int64 key, a int32 nulls 100;'
	'p2(0): id int64 key, a int32 nulls 100, part int16; u(3): id int64 key, d date nulls 100, num decimal nulls 100, t text nulls 100, b bool nulls 100'));
CREATE SCHEMA write_relations;
SELECT count(*) FROM connhub.attach('write_relations', 'data', into_schema => 'write_relations');
SET search_path = write_relations;
\i sql/include/sent.sql

-- a view
CREATE VIEW small AS SELECT id, a FROM n WHERE a < 3;
SELECT sent('UPDATE small SET a = 0 WHERE id = 1');
UPDATE small SET a = 0;
INSERT INTO small VALUES (10, 50);
DELETE FROM small WHERE id = 2 RETURNING *;
TABLE n;
CREATE VIEW checked AS SELECT id, a, txt FROM n WHERE a < 3 WITH CHECK OPTION;
SELECT sent('UPDATE checked SET a = 1 WHERE id = 1');
SELECT sent('INSERT INTO checked VALUES (11, 1)');
UPDATE checked SET a = a + 1 WHERE id = 1;
UPDATE checked SET a = 5;	-- fails
INSERT INTO checked VALUES (11, 2), (12, 3);	-- fails
INSERT INTO checked VALUES (11, 2), (12, 1);
SELECT id, a FROM checked ORDER BY id;
-- where nothing comes back, a whole row is checked as it was sent
SELECT name FROM connhub.update_connector('write_relations', test => false, discover => false, options => '{"judge": "returning:refused"}');
SELECT sent('INSERT INTO checked VALUES (13, 2, ''x'')');
INSERT INTO checked VALUES (13, 2, 'x');
INSERT INTO checked VALUES (14, 4, 'x');	-- fails
INSERT INTO checked (id, a) VALUES (15, 1);	-- fails
SELECT name FROM connhub.update_connector('write_relations', test => false, discover => false, options => '{"judge": null}');
DELETE FROM n WHERE id > 4;

-- triggers see each row, and may change it
CREATE FUNCTION show() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE WARNING '% % old % new %', TG_WHEN, TG_OP, CASE WHEN TG_OP <> 'INSERT' THEN OLD END, CASE WHEN TG_OP <> 'DELETE' THEN NEW END;
	IF TG_WHEN = 'BEFORE' AND TG_OP <> 'DELETE' THEN
		NEW.txt := coalesce(NEW.txt, 'none') || '+';
		IF NEW.a = 99 THEN
			RETURN NULL;
		END IF;
	END IF;
	RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER after_row AFTER INSERT OR UPDATE OR DELETE ON n FOR EACH ROW EXECUTE FUNCTION show();
SELECT sent('INSERT INTO n (a) VALUES (1)');
INSERT INTO n (a) VALUES (1);
SELECT sent('UPDATE n SET a = 2 WHERE id = 3');
UPDATE n SET a = 2 WHERE id = 3;
DELETE FROM n WHERE id = 3;
CREATE TRIGGER before_row BEFORE INSERT OR UPDATE OR DELETE ON n FOR EACH ROW EXECUTE FUNCTION show();
SELECT sent('INSERT INTO n (a) VALUES (1)');
INSERT INTO n (a) VALUES (1) RETURNING *;
INSERT INTO n (a) VALUES (99);
UPDATE n SET a = 3 WHERE id = 4 RETURNING *;
DELETE FROM n WHERE id = 4;
COPY n (a) FROM stdin;
7
\.
DROP TRIGGER after_row ON n;
DROP TRIGGER before_row ON n;
-- one for the statement sees all of its rows
CREATE FUNCTION count_n() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE WARNING '% rows', (SELECT count(*) FROM n);
	RETURN NULL;
END $$;
CREATE TRIGGER after_statement AFTER INSERT ON n EXECUTE FUNCTION count_n();
INSERT INTO n (a) VALUES (8), (8);
COPY n (a) FROM stdin;
8
8
\.
DROP TRIGGER after_statement ON n;
DELETE FROM n WHERE a = 8;
TABLE n;

-- partitions whose columns stand in another order
CREATE TABLE parted (id bigint, a int DEFAULT 7, part smallint) PARTITION BY LIST (part);
ALTER TABLE parted ATTACH PARTITION p1 FOR VALUES IN (1);
ALTER TABLE parted ATTACH PARTITION p2 FOR VALUES IN (2);
CREATE TABLE p3 PARTITION OF parted FOR VALUES IN (3);
INSERT INTO parted VALUES (10, 1, 1), (20, 1, 2), (30, 1, 3), (11, NULL, 1);
INSERT INTO parted (part, id) VALUES (2, 21) RETURNING tableoid::regclass, *;
COPY parted (id, part) FROM stdin;
12	1
22	2
32	3
\.
SELECT tableoid::regclass, * FROM parted ORDER BY 2;
SELECT sent('UPDATE parted SET a = 5 WHERE id < 20');
UPDATE parted SET a = 5 WHERE id < 20;
UPDATE parted SET a = a + 1 RETURNING tableoid::regclass, id, a;
-- rows that move
UPDATE parted SET part = 2 WHERE id = 30 RETURNING tableoid::regclass, *;
SELECT sent('UPDATE parted SET part = 3 WHERE id = 10');
UPDATE parted SET part = 3 WHERE id = 10;	-- fails
UPDATE parted SET part = 1 WHERE id = 20;	-- fails
UPDATE parted SET part = part WHERE id = 20 RETURNING id;
INSERT INTO p1 (id, part) VALUES (13, 1), (14, 2);	-- fails
DELETE FROM parted WHERE a = 8 RETURNING id;
SELECT tableoid::regclass, * FROM parted ORDER BY 2;
INSERT INTO parted VALUES (40, 1, 4);	-- fails
TRUNCATE parted;
SELECT count(*) FROM parted;

-- a column generated here is not sent
CREATE FOREIGN TABLE gen (id bigint NOT NULL, a int, double int GENERATED ALWAYS AS (a * 2) STORED)
	SERVER write_relations OPTIONS (schema_name 'data', table_name 'n');
SELECT sent('INSERT INTO gen VALUES (1, 2)');
SELECT sent('UPDATE gen SET a = 3 WHERE id = 1');

-- six times under a generic plan
SET plan_cache_mode = force_generic_plan;
PREPARE ins(bigint, date, numeric, text, bool) AS INSERT INTO u VALUES ($1, $2, $3, $4, $5) RETURNING *;
EXECUTE ins(10, '-infinity', 'NaN', '', true);
EXECUTE ins(11, 'infinity', 1e40, $$a'b"c\d$$, false);
EXECUTE ins(12, '0044-03-15 BC', -0.000, NULL, NULL);
EXECUTE ins(13, NULL, NULL, ' x ', true);
EXECUTE ins(14, '9999-12-31', 12345678901234567890.1234567890, 'ü€', true);
EXECUTE ins(15, '1970-01-01', 0, 'e', true);
PREPARE upd(text, bigint) AS UPDATE u SET t = $1 WHERE id = $2;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE upd('x', 10);
EXECUTE upd('1', 10);
EXECUTE upd(NULL, 11);
EXECUTE upd('3', 12);
EXECUTE upd('4', 13);
EXECUTE upd('5', 14);
EXECUTE upd('6', NULL);
PREPARE row_upd(text, bigint) AS UPDATE u SET t = lower($1) || id WHERE id = $2 RETURNING t;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE row_upd('x', 10);
EXECUTE row_upd('A', 10);
EXECUTE row_upd(NULL, 11);
EXECUTE row_upd('C', 12);
EXECUTE row_upd('D', 13);
EXECUTE row_upd('E', 14);
EXECUTE row_upd('F', NULL);
PREPARE del(bigint) AS DELETE FROM u WHERE id = $1 RETURNING t;
EXECUTE del(10);
EXECUTE del(11);
EXECUTE del(12);
EXECUTE del(13);
EXECUTE del(14);
EXECUTE del(NULL);
PREPARE row_del(bigint) AS DELETE FROM u WHERE id = $1 AND t ~ 'row';
EXECUTE row_del(1);
EXECUTE row_del(1);
EXECUTE row_del(2);
EXECUTE row_del(3);
EXECUTE row_del(4);
EXECUTE row_del(NULL);
RESET plan_cache_mode;
TABLE u;
-- a key that is declared anew is used by plans made before
PREPARE rekeyed AS UPDATE u SET t = lower(t) WHERE b;
EXECUTE rekeyed;
ALTER FOREIGN TABLE u ALTER COLUMN t OPTIONS (ADD key 'true');
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE rekeyed;

-- what a role may do is checked as for any table
CREATE ROLE write_relations_user;
GRANT USAGE ON SCHEMA write_relations TO write_relations_user;
GRANT SELECT, INSERT ON small TO write_relations_user;
GRANT SELECT ON n TO write_relations_user;
SET ROLE write_relations_user;
INSERT INTO small VALUES (70, 1) RETURNING *;
UPDATE n SET a = 1;	-- fails
INSERT INTO n VALUES (71);	-- fails
RESET ROLE;

DROP SCHEMA write_relations CASCADE;
DROP ROLE write_relations_user;
SELECT count(*) FROM connhub.delete_connector('write_relations', force => true);
