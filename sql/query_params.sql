-- Values known only at execution: parameters of prepared statements, generic plans, rescans, row counts.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
SELECT connhub.register_driver('mock');
SELECT status FROM connhub.create_connector('query_params', 'mock', options => jsonb_build_object('tables',
	'n(1000): id int64 key, a int32 modulo 10, b int16, txt text, tz timestamptz, ok bool nulls 2, f float64, num decimal, u uuid, d date'));
CREATE SCHEMA query_params;
SELECT "table" FROM connhub.attach('query_params', 'data', into_schema => 'query_params');
SET search_path = query_params;
CREATE TABLE near AS SELECT * FROM n;
SET plan_cache_mode = force_generic_plan;

-- one plan, many values, nulls too
PREPARE by_id(bigint) AS SELECT id, txt FROM n WHERE id = $1;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE by_id(1);
EXECUTE by_id(1);
EXECUTE by_id(1000);
EXECUTE by_id(NULL);
EXECUTE by_id(-1);
EXECUTE by_id(2);
EXECUTE by_id(3);
EXECUTE by_id(4);

-- a value narrower than the column travels as the column's type
PREPARE widened(smallint, real, int) AS SELECT id FROM n WHERE id = $1 AND f < $2 AND b < $3;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE widened(7::smallint, 100, 10);
EXECUTE widened(7::smallint, 100, 10);

-- every type as a parameter
PREPARE typed(boolean, text, timestamptz, uuid, date, float8) AS
	SELECT count(*) FROM n WHERE ok IS NOT DISTINCT FROM $1 AND txt <> $2 AND tz > $3 AND u <> $4 AND d <> $5 AND f > $6;
EXECUTE typed(true, 'row 7', '2020-01-01 00:01 UTC', '00000000-0000-0000-0000-000000000100', '2020-05-05', 100);
EXECUTE typed(NULL, 'row 7', '-infinity', '00000000-0000-0000-0000-000000000100', 'infinity', '-Infinity');

-- the same parameter twice, and an expression of two
PREPARE twice(int) AS SELECT count(*) FROM n WHERE a = $1 OR b = $1 OR id = $1 * 2 + length($1::text);
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE twice(5);
EXECUTE twice(5);
SELECT count(*) FROM near WHERE a = 5 OR b = 5 OR id = 5 * 2 + 1;

-- an expression is not computed where the query does not need its value
PREPARE optional(text) AS SELECT count(*) FROM n WHERE $1 = '' OR a = $1::int;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE optional('');
EXECUTE optional('');
EXECUTE optional('3');
EXECUTE optional('x');
PREPARE guarded(int) AS SELECT count(*) FROM n WHERE CASE WHEN $1 <> 0 THEN a > 10 / $1 ELSE false END;
EXECUTE guarded(0);
EXECUTE guarded(2);

-- LIMIT and OFFSET
PREPARE page(bigint, bigint) AS SELECT id FROM n WHERE a = 3 ORDER BY id LIMIT $1 OFFSET $2;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE page(2, 1);
EXECUTE page(2, 1);
EXECUTE page(0, 0);
EXECUTE page(2, NULL);
EXECUTE page(-1, 0);	-- fails
EXECUTE page(1, -1);	-- fails
SELECT id FROM n ORDER BY id LIMIT -1;	-- fails
PREPARE everything(bigint) AS SELECT count(*) FROM (SELECT id FROM n ORDER BY id LIMIT $1) s;
EXECUTE everything(NULL);
EXECUTE everything(9223372036854775807);

-- IN over a parameter array is the source's to take or to leave
PREPARE listed(int[]) AS SELECT count(*) FROM n WHERE a = ANY ($1);
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE listed('{1,2}');
EXECUTE listed('{1,2,NULL}');
EXECUTE listed(NULL);

-- over single parameters it crosses
PREPARE either(int, int) AS SELECT count(*) FROM n WHERE a IN ($1, $2, 5) AND b <> ALL (ARRAY[$2, a]);
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE either(1, 2);
EXECUTE either(1, 2);
EXECUTE either(1, NULL);

-- a parameter no timestamp of the source can hold
PREPARE late(timestamptz) AS SELECT count(*) FROM n WHERE tz < $1;
EXECUTE late('294276-12-31 23:59:59 UTC');

-- rescans: with other values the query runs again, without it is read again
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_memoize = off;
SET enable_material = off;
CREATE TABLE keys AS SELECT g AS k FROM generate_series(1, 4) g;
ANALYZE keys;
SELECT k, (SELECT txt FROM n WHERE n.id = k) FROM keys ORDER BY k;
SELECT k, (SELECT count(*) FROM n WHERE n.a = k AND n.id > k) FROM keys ORDER BY k;
SELECT k, id FROM keys, LATERAL (SELECT id FROM n WHERE n.b = k + 1 OFFSET 0) s ORDER BY k;
SELECT count(*), sum(id) FROM keys, n;
SELECT count(*), sum(x.id + y.id) FROM (SELECT id FROM n WHERE a = 3 OFFSET 0) x, (SELECT id FROM n WHERE a < 5 OFFSET 0) y;
SELECT k, s.id FROM keys LEFT JOIN LATERAL (SELECT id FROM n WHERE id = k * 400 LIMIT 1) s ON true ORDER BY k;
RESET enable_material;
SELECT count(*), sum(id) FROM keys, n;

-- a function's query keeps its plan over calls
CREATE FUNCTION txt_of(bigint) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT txt FROM n WHERE id = $1);
END $$;
SELECT g, txt_of(g) FROM generate_series(1, 8) g;

-- a cached plan follows its connector
PREPARE follow AS SELECT count(*) FROM n WHERE a = 3 AND b > 500;
EXECUTE follow;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE follow;
SELECT status FROM connhub.update_connector('query_params', options => '{"judge": ">:refused"}', discover => false);
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE follow;
EXECUTE follow;
ALTER FOREIGN TABLE n ALTER COLUMN b OPTIONS (SET column_name 'a');
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE follow;
SELECT status FROM connhub.update_connector('query_params', options => '{"tables": "other(3): id int64 key"}', discover => true);
EXECUTE follow;	-- fails: the table is gone
DEALLOCATE ALL;
RESET search_path;
DROP SCHEMA query_params CASCADE;
SELECT connhub.delete_connector('query_params', force => true) IS NOT NULL AS deleted;
