-- EXPLAIN (VERBOSE) shows what is sent, what is checked again and what stays, each with its reason.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
SELECT connhub.register_driver('mock');
SELECT status, tables FROM connhub.create_connector('query_explain', 'mock', options => jsonb_build_object('tables',
	'n(1000): id int64 key, a int32 modulo 10, b int16, f float64, d date, ts timestamp, tz timestamptz,'
	'  ok bool, num decimal, txt text, js json, ip inet;'
	'm(1000): id int64 key, a int32'));
CREATE SCHEMA query_explain;
SELECT "table" FROM connhub.attach('query_explain', 'data', into_schema => 'query_explain');
SET search_path = query_explain;
-- The plan without what depends on the costs.
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || query;
END $$;
-- Only the native query, and what stays here.
CREATE FUNCTION sent(query text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT trim(l) FROM plan(query) l WHERE l ~ '(Native Query|Rechecked Locally|Kept Locally):'
$$;

-- exact: nothing is left here
SELECT plan('SELECT id, a FROM n WHERE id = 5');
SELECT plan('SELECT id FROM n WHERE a = 3 AND (b < 4 OR f > 2.5) ORDER BY d DESC, id LIMIT 10 OFFSET 5');
SELECT plan('SELECT count(*) FROM n');
SELECT sent('SELECT n FROM n LIMIT 1');
SELECT sent('SELECT tableoid, ctid FROM n WHERE a IS NOT NULL');
SELECT sent('SELECT 1 FROM n WHERE ok AND NOT (a IN (1, 2, NULL))');

-- operands are brought to one type; a constant is narrowed rather than a column widened
SELECT sent('SELECT id FROM n WHERE a = 3::bigint AND b = 7::bigint AND id = 8::smallint');
SELECT sent('SELECT id FROM n WHERE a = 5000000000');
SELECT sent('SELECT id FROM n WHERE b = a');
SELECT sent('SELECT id FROM n WHERE f = 1.5::real');
SELECT sent('SELECT id FROM n WHERE ts < date ''2020-02-03''');

-- what depends on a setting has no counterpart
SELECT sent('SELECT id FROM n WHERE ts < tz');

-- stable values are computed here, volatile ones row by row
SELECT sent('SELECT id FROM n WHERE tz < now() - interval ''1 day'' AND d < current_date');
SELECT sent('SELECT id FROM n WHERE f < random()');

-- refused, with the reason
SELECT sent('SELECT id FROM n WHERE num = 3.5');
SELECT sent('SELECT id FROM n WHERE txt ~ ''^row''');
SELECT sent('SELECT id FROM n WHERE txt LIKE ''row%''');
SELECT sent('SELECT id FROM n WHERE md5(txt) = ''x''');
SELECT sent('SELECT id FROM n WHERE greatest(a, b) = 3');
SELECT sent('SELECT id FROM n WHERE js ->> ''n'' = ''3''');
SELECT sent('SELECT id FROM n WHERE ip = ''10.0.0.3''');
SELECT sent('SELECT id FROM n WHERE n IS NULL');
SELECT sent('SELECT id FROM n WHERE tableoid = 1');
SELECT sent('SELECT id FROM n WHERE (a, b) < (3, 4)');
SELECT sent('SELECT id FROM n WHERE id = ANY (SELECT 7) OR a = 3');
SELECT sent('SELECT id FROM n WHERE txt < ''row 5'' COLLATE "C"');
SELECT sent('SELECT id FROM n WHERE txt < ''row 5'' COLLATE "POSIX" AND txt = ''x''');
CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SELECT sent('SELECT id FROM n WHERE txt = ''ROW 5'' COLLATE nocase');

-- sort and limit
SELECT sent('SELECT id FROM n ORDER BY num, id LIMIT 3');
SELECT sent('SELECT id FROM n WHERE num = 3.5 ORDER BY id LIMIT 3');
SELECT sent('SELECT id FROM n ORDER BY id FOR UPDATE LIMIT 3');
SELECT sent('SELECT id FROM n ORDER BY id FETCH FIRST 3 ROWS WITH TIES');
SELECT sent('SELECT id FROM n ORDER BY id LIMIT NULL OFFSET 7');
SELECT sent('SELECT id FROM n WHERE (SELECT true) LIMIT 3');
SELECT sent('SELECT generate_series(1, a) FROM n LIMIT 3');
SELECT sent('SELECT id FROM n ORDER BY txt COLLATE "C" NULLS FIRST LIMIT 3');

-- two relations, each with its own
SELECT sent('SELECT n.id FROM n JOIN m ON n.id = m.id WHERE n.a = 3 AND m.a < 500 AND n.b > m.a');

-- a column declared as another type than it has, or under another name
CREATE FOREIGN TABLE other (id bigint, a text, bb bigint OPTIONS (column_name 'b'), f numeric, missing int)
	SERVER query_explain OPTIONS (schema_name 'data', table_name 'n');
SELECT sent('SELECT id, bb FROM other WHERE a = ''3''');
SELECT sent('SELECT id, bb FROM other WHERE f > 3 AND bb = 4');
SELECT sent('SELECT id FROM other WHERE missing = 3');

-- dropped and added columns
CREATE FOREIGN TABLE changed (gone int, id bigint, a int) SERVER query_explain OPTIONS (schema_name 'data', table_name 'n');
ALTER FOREIGN TABLE changed DROP COLUMN gone;
ALTER FOREIGN TABLE changed ADD COLUMN b smallint;
SELECT sent('SELECT changed FROM changed WHERE id < 3');
SELECT * FROM changed WHERE id < 3 ORDER BY id;
SELECT changed FROM changed WHERE id < 3 ORDER BY id;

-- superset: sent, and checked again here
SELECT status FROM connhub.update_connector('query_explain', options => '{"judge": "<:superset, >:refused"}', discover => false);
SELECT plan('SELECT id FROM n WHERE a < 3 AND b > 7 AND f = 1.5 ORDER BY id LIMIT 2');
EXPLAIN (VERBOSE, COSTS OFF, FORMAT YAML) SELECT id FROM n WHERE a < 3 AND b > 7 LIMIT 2;

-- with pushdown off only the projection goes
SET connhub.pushdown = off;
SELECT plan('SELECT id FROM n WHERE a = 3 ORDER BY id LIMIT 2');
RESET connhub.pushdown;

-- what a run took
CREATE FUNCTION ran(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
		RETURN NEXT line;
	END LOOP;
END $$;
SELECT ran('SELECT id FROM n WHERE a = 4');

-- EXPLAIN does not connect
SELECT status FROM connhub.update_connector('query_explain', options => '{"judge": null, "fault": "open:refused"}', test => false, discover => false);
SELECT plan('SELECT id FROM n WHERE a = 3');

RESET search_path;
DROP SCHEMA query_explain CASCADE;
SELECT connhub.delete_connector('query_explain', force => true) IS NOT NULL AS deleted;
