-- Several scans open at once on a source that can run one: the rest of an open scan is set aside.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
SELECT connhub.register_driver('mock');
SELECT status FROM connhub.create_connector('query_cursors', 'mock', options => jsonb_build_object('tables',
	'n(1000): id int64 key, a int32 modulo 10, txt text nulls 3; m(1000): id int64 key, a int32 modulo 7;'
	'big(60000): id int64 key, txt text; none(0): id int64 key; broken(500): id int64 key, x int32 bad 300'));
CREATE SCHEMA query_cursors;
SELECT count(*) FROM connhub.attach('query_cursors', 'data', into_schema => 'query_cursors');
SET search_path = query_cursors;

-- two cursors in turn, one moved on after it was set aside, one finished first
BEGIN;
DECLARE c1 CURSOR FOR SELECT id, txt FROM n ORDER BY id;
DECLARE c2 CURSOR FOR SELECT id FROM m WHERE a = 3 ORDER BY id DESC;
FETCH 2 FROM c1;
FETCH 2 FROM c2;
FETCH 2 FROM c1;
MOVE 990 FROM c1;
FETCH 10 FROM c1;
FETCH 10 FROM c1;
FETCH 2 FROM c2;
CLOSE c1;
FETCH 2 FROM c2;
SELECT count(*) FROM none;
FETCH 1 FROM c2;
COMMIT;

-- set aside before its first row was taken, and when nothing was left
BEGIN;
DECLARE c1 CURSOR FOR SELECT id FROM n WHERE id = 500;
FETCH 1 FROM c1;
SELECT count(*) FROM m;
FETCH 1 FROM c1;
COMMIT;

-- beyond work_mem
SET work_mem = '64kB';
BEGIN;
DECLARE c1 CURSOR FOR SELECT id, txt FROM big;
DECLARE c2 CURSOR FOR SELECT id FROM n;
FETCH 1 FROM c1;
FETCH 1 FROM c2;
MOVE 30000 FROM c1;
FETCH 1 FROM c1;
FETCH 1 FROM c2;
MOVE ALL FROM c1;
FETCH 1 FROM c1;
COMMIT;
RESET work_mem;

-- WITH HOLD outlives the transaction and its connection
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT id FROM n WHERE a = 3 ORDER BY id;
FETCH 1 FROM held;
COMMIT;
FETCH 2 FROM held;
CLOSE held;

-- scrolling
BEGIN;
DECLARE scrolled SCROLL CURSOR FOR SELECT id FROM n WHERE a = 3 ORDER BY id;
FETCH 3 FROM scrolled;
FETCH BACKWARD 2 FROM scrolled;
FETCH ABSOLUTE 50 FROM scrolled;
COMMIT;

-- in one statement: a merge join, and a query for each row of another
SET enable_hashjoin = off;
SET enable_nestloop = off;
SELECT count(*), sum(n.id) FROM n JOIN m USING (id) WHERE n.a = m.a;
RESET enable_hashjoin;
RESET enable_nestloop;
SELECT count(*), sum(s.c) FROM (SELECT (SELECT count(*) FROM m WHERE m.a = n.a AND m.id <= n.id) AS c FROM n WHERE n.id < 40 OFFSET 0) s;
SELECT count(*) FROM n x, n y, n z WHERE x.id = y.id AND y.id = z.id AND z.a = 3;

-- a loop that queries in its body
DO $$
DECLARE
	total bigint := 0;
	r record;
BEGIN
	FOR r IN SELECT id, a FROM n WHERE id <= 300 LOOP
		total := total + (SELECT count(*) FROM m WHERE m.id = r.id AND m.a = r.a);
	END LOOP;
	RAISE WARNING 'total %', total;
END $$;

-- errors leave the session usable: in the middle of a scan, and in a subtransaction
SELECT count(x) FROM broken;	-- fails
SELECT count(*) FROM broken;
BEGIN;
DECLARE c1 CURSOR FOR SELECT id FROM n;
FETCH 1 FROM c1;
SAVEPOINT s;
SELECT count(x) FROM broken;	-- fails
ROLLBACK TO s;
FETCH 1 FROM c1;
SELECT count(*) FROM m;
COMMIT;
DO $$
DECLARE
	good int := 0;
	bad int := 0;
BEGIN
	FOR i IN 1..20 LOOP
		BEGIN
			PERFORM x FROM broken WHERE id > 250 + i * 5;
			good := good + 1;
		EXCEPTION WHEN OTHERS THEN
			bad := bad + 1;
		END;
	END LOOP;
	RAISE WARNING 'good %, bad %', good, bad;
END $$;

-- a cursor left open when its transaction rolls back
BEGIN;
DECLARE c1 CURSOR FOR SELECT id FROM big;
FETCH 1 FROM c1;
ROLLBACK;
SELECT count(*) FROM n;

-- a transaction's subtransaction opens a cursor and is rolled back
BEGIN;
SAVEPOINT s;
DECLARE c1 CURSOR FOR SELECT id FROM big;
FETCH 1 FROM c1;
ROLLBACK TO s;
SELECT count(*) FROM n;
COMMIT;

-- the plan stops early
SELECT id FROM big WHERE txt LIKE 'row%' LIMIT 1;
SELECT EXISTS (SELECT FROM big WHERE txt LIKE 'row 7%');

RESET search_path;
DROP SCHEMA query_cursors CASCADE;
SELECT connhub.delete_connector('query_cursors', force => true) IS NOT NULL AS deleted;
