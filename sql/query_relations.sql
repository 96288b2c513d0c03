-- Foreign tables below views, partitions and inheritance, under row security, among locked rows, and where
-- only reading is possible.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
SELECT connhub.register_driver('mock');
SELECT status FROM connhub.create_connector('query_relations', 'mock', options => jsonb_build_object('tables',
	'n(100): id int64 key, a int32 modulo 10, txt text; p1(10): id int64 key, a int32, part int16 modulo 1;'
	'p2(10): id int64 key, a int32, part int16 nulls 1'));
CREATE SCHEMA query_relations;
SELECT count(*) FROM connhub.attach('query_relations', 'data', into_schema => 'query_relations');
SET search_path = query_relations;
CREATE FUNCTION sent(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || query LOOP
		IF line ~ '(Native Query|Rechecked Locally|Kept Locally):' THEN
			RETURN NEXT trim(line);
		END IF;
	END LOOP;
END $$;

-- views
CREATE VIEW plain AS SELECT id, a, txt FROM n WHERE a < 5;
SELECT sent('SELECT id FROM plain WHERE id > 90 ORDER BY id DESC LIMIT 2');
SELECT id FROM plain WHERE id > 90 ORDER BY id DESC LIMIT 2;

-- a condition that may leak goes only after those of the security barrier, even to the source
CREATE VIEW barred WITH (security_barrier) AS SELECT id, a, txt FROM n WHERE a < 5;
SELECT sent('SELECT id FROM barred WHERE id = 91');
SELECT sent('SELECT id FROM barred WHERE 100 / a > 20');
SELECT sent('SELECT id FROM n WHERE 100 / a > 20');
CREATE FUNCTION leak(text) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS $$
BEGIN
	RAISE WARNING 'saw %', $1;
	RETURN true;
END $$;
SELECT id FROM barred WHERE leak(txt) AND id < 12;
SELECT id FROM barred WHERE leak(txt) AND id < 12 ORDER BY id LIMIT 2;

-- partitions, whose rows keep to their bounds
CREATE TABLE parted (id bigint, a int, part smallint) PARTITION BY LIST (part);
CREATE FOREIGN TABLE part_one PARTITION OF parted FOR VALUES IN (1)
	SERVER query_relations OPTIONS (schema_name 'data', table_name 'p1');
CREATE FOREIGN TABLE part_null PARTITION OF parted FOR VALUES IN (NULL)
	SERVER query_relations OPTIONS (schema_name 'data', table_name 'p2');
CREATE TABLE part_own PARTITION OF parted FOR VALUES IN (3);
INSERT INTO part_own VALUES (200, 1, 3), (201, 2, 3);
SELECT tableoid::regclass, part, count(*) FROM parted GROUP BY 1, 2 ORDER BY 1;
SELECT sent('SELECT id FROM parted WHERE part = 1 AND id = 5');
SELECT sent('SELECT id FROM parted WHERE part IS NULL AND id = 5');
SELECT sent('SELECT id FROM parted WHERE part = 3');
SELECT sent('SELECT * FROM parted WHERE a = 2');
SELECT tableoid::regclass, * FROM parted WHERE a = 2 ORDER BY 1, 2;
SELECT sent('SELECT id FROM parted ORDER BY id LIMIT 3');
SELECT id FROM parted ORDER BY id LIMIT 3;
SELECT count(*), sum(a) FROM parted;
SELECT count(*) FROM parted x JOIN parted y ON x.id = y.id AND y.a = x.a;
PREPARE pruned(smallint, bigint) AS SELECT * FROM parted WHERE part = $1 AND id = $2;
SET plan_cache_mode = force_generic_plan;
EXECUTE pruned(1, 7);
EXECUTE pruned(3, 201);
RESET plan_cache_mode;

-- inheritance, a foreign table as child and as parent
CREATE TABLE parent (id bigint, a int);
INSERT INTO parent VALUES (1000, 3);
CREATE FOREIGN TABLE child () INHERITS (parent) SERVER query_relations OPTIONS (schema_name 'data', table_name 'p1');
SELECT tableoid::regclass, * FROM parent WHERE a = 3 ORDER BY id;
SELECT count(*) FROM ONLY parent;
CREATE TABLE grandchild () INHERITS (child);
INSERT INTO grandchild VALUES (2000, 3);
SELECT tableoid::regclass, * FROM child WHERE a = 3 ORDER BY id LIMIT 5;
SELECT sent('SELECT * FROM child WHERE a = 3 ORDER BY id LIMIT 5');

-- row security of a parent holds for its foreign children, and for a user who sees the rows of some
CREATE ROLE query_relations_user;
GRANT USAGE ON SCHEMA query_relations TO query_relations_user;
GRANT SELECT ON ALL TABLES IN SCHEMA query_relations TO query_relations_user;
ALTER TABLE parted ENABLE ROW LEVEL SECURITY;
CREATE POLICY some_rows ON parted FOR SELECT TO query_relations_user USING (a IN (1, 2));
SET ROLE query_relations_user;
SELECT * FROM parted ORDER BY id, part;
SELECT sent('SELECT id FROM parted WHERE part = 1 AND 100 / a > 3');
SELECT id FROM n WHERE id = 3;
SELECT id FROM plain WHERE id = 3;
RESET ROLE;

-- a role that may not read the table does not read it
CREATE ROLE query_relations_stranger;
GRANT USAGE ON SCHEMA query_relations TO query_relations_stranger;
SET ROLE query_relations_stranger;
SELECT id FROM n;	-- fails
EXPLAIN SELECT id FROM n;
RESET ROLE;

-- locked rows, of the foreign table and of another
CREATE TABLE own (id bigint PRIMARY KEY, t text);
INSERT INTO own SELECT g, 'own ' || g FROM generate_series(1, 5) g;
SELECT own.id, n.txt FROM own JOIN n USING (id) WHERE n.a < 4 ORDER BY own.id FOR UPDATE OF own;
SELECT id FROM n WHERE a = 3 ORDER BY id LIMIT 2 FOR UPDATE;
BEGIN;
SELECT own.id, n.id FROM own LEFT JOIN n ON n.id = own.id + 98 ORDER BY own.id FOR SHARE OF own;
COMMIT;
UPDATE own SET t = n.txt FROM n WHERE n.id = own.id AND n.a = 2;
DELETE FROM own USING n WHERE n.id = own.id AND n.a = 3 RETURNING own.id, n.txt;
SELECT * FROM own ORDER BY id;

-- only reading
ALTER FOREIGN TABLE n OPTIONS (ADD updatable 'false');
ALTER FOREIGN TABLE part_one OPTIONS (ADD updatable 'false');
INSERT INTO n VALUES (1, 1, 'x');	-- fails
UPDATE n SET a = 1;	-- fails
DELETE FROM n;	-- fails
TRUNCATE n;	-- fails
COPY n FROM stdin;	-- fails
\.
INSERT INTO parted VALUES (5, 1, 1);	-- fails
INSERT INTO parted VALUES (205, 1, 3);
SELECT table_name, is_insertable_into FROM information_schema.tables WHERE table_schema = 'query_relations' AND table_name = 'n';

-- statistics of the discovered catalogue, then those gathered here
CREATE FUNCTION plan_rows(query text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN plan->0->'Plan'->>'Plan Rows';
END $$;
SELECT plan_rows('SELECT * FROM n');
SELECT plan_rows('SELECT * FROM n WHERE id = 5');
SELECT plan_rows('SELECT * FROM n WHERE a = 5');
-- CREATE STATISTICS makes ANALYZE read rows
CREATE STATISTICS n_a_id ON a, id FROM n;
ANALYZE n;
SELECT attname, n_distinct, null_frac FROM pg_stats WHERE schemaname = 'query_relations' AND tablename = 'n' ORDER BY attname;
SELECT reltuples FROM pg_class WHERE oid = 'n'::regclass;
SELECT plan_rows('SELECT * FROM n WHERE a = 5');
ANALYZE parted;

RESET search_path;
DROP SCHEMA query_relations CASCADE;
DROP ROLE query_relations_user, query_relations_stranger;
SELECT connhub.delete_connector('query_relations', force => true) IS NOT NULL AS deleted;
