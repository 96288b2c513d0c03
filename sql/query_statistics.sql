-- Discovered statistics reach the planner: null fraction, distinct values, most common values, histogram.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
SELECT connhub.register_driver('mock');
SELECT status FROM connhub.create_connector('query_statistics', 'mock', options => jsonb_build_object('tables',
	'n(1000): id int64 key, a int32 modulo 10, b int32 nulls 4, c int16 modulo 4 nulls 2, txt text, d date;'
	'm(5000): id int64 key, n_id int32; big(20000): id int64 key, other int32;'
	'v(1000): i int32 modulo 200, f float64, num decimal, d date, t time, ts timestamp, tz timestamptz, u uuid, ok bool, txt text'));
CREATE SCHEMA query_statistics;
SELECT "table" FROM connhub.attach('query_statistics', 'data', into_schema => 'query_statistics');
SET search_path = query_statistics;
-- Rows the planner expects of a query.
CREATE FUNCTION expected(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN plan->0->'Plan'->>'Plan Rows';
END $$;

-- the histogram
SELECT expected('SELECT FROM n WHERE id <= 100'), expected('SELECT FROM n WHERE b BETWEEN 200 AND 299');
-- most common values; a value not among them
SELECT expected('SELECT FROM n WHERE a = 3'), expected('SELECT FROM n WHERE a IN (1, 2)'), expected('SELECT FROM n WHERE c = 1'),
	expected('SELECT FROM n WHERE a = 77');
-- nulls
SELECT expected('SELECT FROM n WHERE b IS NULL'), expected('SELECT FROM n WHERE c IS NOT NULL');
-- keys are unique; a row of m meets at most one of n
SELECT expected('SELECT FROM n WHERE id = 5'), expected('SELECT FROM m JOIN n ON n.id = m.n_id');

-- A source that has no index for the values it is given reads the whole table for each of them; no keys are sent
-- where rows are locked.
CREATE TABLE few (a int8);
INSERT INTO few SELECT g FROM generate_series(1, 3) g;
ANALYZE few;
EXPLAIN (COSTS OFF) SELECT FROM few JOIN big ON big.id = few.a FOR UPDATE OF few;
EXPLAIN (COSTS OFF) SELECT FROM few JOIN big ON big.id >= few.a AND big.id < few.a + 3 FOR UPDATE OF few;
EXPLAIN (COSTS OFF) SELECT FROM few JOIN big ON big.other = few.a FOR UPDATE OF few;

-- Values become those of the type declared here, in its order, and those that are none are left out.
CREATE DOMAIN small AS smallint CHECK (VALUE > 0);
CREATE FOREIGN TABLE other (id numeric(10,2), a text COLLATE "C", b date, c small) SERVER query_statistics
	OPTIONS (schema_name 'data', table_name 'n');
SELECT expected('SELECT FROM other WHERE id <= 100.5'), expected($$SELECT FROM other WHERE a = '3'$$),
	expected('SELECT FROM other WHERE c = 1'), expected($$SELECT FROM other WHERE b < '2020-01-01'$$);
ALTER FOREIGN TABLE other ALTER a TYPE int;
SELECT expected('SELECT FROM other WHERE a > 8');

-- What a source tells may be anything: what is no value of the type is left out, and the rest serves.
UPDATE connhub_catalog.remote_statistics SET most_common = '[["x", 0.1], ["", 0.1], [null, 0.1], ["1e9999", 0.1], ["9223372036854775808", 0.1],
	["2024-02-30", 0.1], ["24:61:00", 0.1], ["2024-05-05 12:00:00+99:99:99:99", 0.1], ["7", 7], ["7", -1], ["7", "0.5"], "7", ["7"], {"7": 0.5},
	["7", 0.25], ["7.5", 0.25], ["2024-02-29", 0.25], ["12:34:56.5", 0.25], ["2024-02-29 12:34:56", 0.25], ["2024-02-29 12:34:56+02", 0.25],
	["00000000-0000-0000-0000-0000000000ff", 0.25], ["t", 0.25]]', histogram = '["x", {}, [1], null, "10", "-20", "30"]'
WHERE table_name = 'v';
SELECT expected('SELECT FROM v WHERE i = 7'), expected('SELECT FROM v WHERE f = 7.5'), expected('SELECT FROM v WHERE num = 7.5'),
	expected($$SELECT FROM v WHERE d = '2024-02-29'$$), expected($$SELECT FROM v WHERE t = '12:34:56.5'$$);
SELECT expected($$SELECT FROM v WHERE ts = '2024-02-29 12:34:56'$$), expected($$SELECT FROM v WHERE tz = '2024-02-29 10:34:56 UTC'$$),
	expected($$SELECT FROM v WHERE u = '00000000-0000-0000-0000-0000000000ff'$$), expected('SELECT FROM v WHERE ok'), expected($$SELECT FROM v WHERE txt = 'x'$$);
SELECT expected('SELECT FROM v WHERE i < 10') BETWEEN 600 AND 700 AS by_what_is_left_of_the_histogram;
UPDATE connhub_catalog.remote_statistics SET most_common = '{"a": 1}', histogram = '"b"' WHERE table_name = 'v';
SELECT expected('SELECT FROM v WHERE i = 7');

-- Who may not read a column learns nothing of its values by an operator that tells what it is given.
CREATE FUNCTION tell(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
	RAISE WARNING 'told %', $1;
	RETURN $1 < $2;
END $$;
CREATE OPERATOR <<< (FUNCTION = tell, LEFTARG = int, RIGHTARG = int, RESTRICT = scalarltsel);
CREATE ROLE query_statistics_user;
GRANT USAGE ON SCHEMA query_statistics TO query_statistics_user;
GRANT SELECT (id) ON n TO query_statistics_user;
SELECT expected('SELECT FROM n WHERE a <<< 2');
GRANT connhub_reader TO query_statistics_user;
SET ROLE query_statistics_user;
SELECT count(*) > 0 AS seen, count(most_common) AS values, count(histogram) AS bounds FROM connhub.remote_column WHERE connector = 'query_statistics';
RESET ROLE;
SELECT count(most_common) > 0 AS values, count(histogram) > 0 AS bounds FROM connhub.remote_column WHERE connector = 'query_statistics';
SET ROLE query_statistics_user;
SELECT expected('SELECT FROM n WHERE id <= 100');
-- this must fail, and tell nothing
SELECT expected('SELECT FROM n WHERE a <<< 2');
RESET ROLE;
GRANT SELECT (a) ON n TO query_statistics_user;
SET ROLE query_statistics_user;
SELECT expected('SELECT FROM n WHERE a <<< 2');
RESET ROLE;

-- ANALYZE takes what the source tells: no row is read, and nothing is left in pg_statistic.
CREATE FOREIGN TABLE calls (slot text, count bigint) SERVER query_statistics OPTIONS (schema_name 'mock', table_name 'calls');
SELECT name FROM connhub.update_connector('query_statistics', options => jsonb_build_object('tables',
	'n(2000): id int64 key, a int32 modulo 5, b int32 nulls 4, c int16 modulo 4 nulls 2, txt text, d date'),
	test => false, discover => false);
SELECT expected('SELECT FROM n'), expected('SELECT FROM n WHERE a = 3');
CREATE TEMP TABLE queries AS SELECT count FROM calls WHERE slot = 'execute';
ANALYZE n;
SELECT expected('SELECT FROM n'), expected('SELECT FROM n WHERE a = 3');
SELECT c.count - q.count AS queries_since FROM calls c, queries q WHERE c.slot = 'execute';
SELECT reltuples, (SELECT count(*) FROM pg_statistic WHERE starelid = 'n'::regclass) AS gathered_here
	FROM pg_class WHERE oid = 'n'::regclass;

-- It reads rows where the source tells nothing, and for CREATE STATISTICS; the sample then comes first.
ANALYZE calls;
SELECT count(*) FROM pg_statistic WHERE starelid = 'calls'::regclass;
CREATE STATISTICS n_a_c ON a, c FROM n;
ANALYZE n;
SELECT count(*) FROM pg_statistic WHERE starelid = 'n'::regclass;
SELECT count(*) FROM pg_stats_ext WHERE statistics_name = 'n_a_c';
SELECT expected('SELECT FROM n WHERE a = 3') BETWEEN 399 AND 401 AS by_the_sample;
DROP STATISTICS n_a_c;
-- so it does where the catalogue may not be written
BEGIN READ ONLY;
ANALYZE n;
COMMIT;
SELECT count(*) FROM pg_statistic WHERE starelid = 'n'::regclass;
-- and what it left goes when the source tells again
ANALYZE n;
SELECT count(*) FROM pg_statistic WHERE starelid = 'n'::regclass;

-- A parent's statistics need rows of each child.
CREATE TABLE parent (id bigint, a int, b int, c smallint, txt text, d date);
ALTER FOREIGN TABLE n INHERIT parent;
ANALYZE parent;
SELECT count(*) FROM pg_statistic WHERE starelid = 'parent'::regclass AND stainherit;
ALTER FOREIGN TABLE n NO INHERIT parent;

-- An owner without rights on the catalogue analyzes too.
ALTER FOREIGN TABLE n OWNER TO query_statistics_user;
SELECT name FROM connhub.update_connector('query_statistics', options => jsonb_build_object('tables',
	'n(3000): id int64 key, a int32 modulo 5, b int32 nulls 4, c int16 modulo 4 nulls 2, txt text, d date'),
	test => false, discover => false);
SET ROLE query_statistics_user;
ANALYZE n;
SELECT expected('SELECT FROM n');
RESET ROLE;

-- A failing source fails ANALYZE and leaves all as it was.
SELECT name FROM connhub.update_connector('query_statistics', options => '{"fault": "discover:lost"}', test => false, discover => false);
ANALYZE n;
SELECT expected('SELECT FROM n');

SET client_min_messages = error;
DROP SCHEMA query_statistics CASCADE;
DROP ROLE query_statistics_user;
SELECT removed FROM connhub.delete_connector('query_statistics', force => true);
