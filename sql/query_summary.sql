-- connhub.pushdown_summary tells of each scan what the source does and what stays here, without running anything.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
SELECT connhub.register_driver('mock');
SELECT status FROM connhub.create_connector('query_summary', 'mock', options => jsonb_build_object('judge', '<:superset, sort:refused',
	'tables', 'n(1000): id int64 key, a int32 modulo 10, txt text; m(50): id int64 key, n_id int64'));
CREATE SCHEMA query_summary;
SELECT "table" FROM connhub.attach('query_summary', 'data', into_schema => 'query_summary');
CREATE FOREIGN TABLE query_summary.calls (slot text, count bigint) SERVER query_summary OPTIONS (schema_name 'mock', table_name 'calls');
CREATE TABLE query_summary.here AS SELECT 1 AS id;
SET search_path = query_summary, connhub;

-- exact, rechecked and local pieces; a whole scan
SELECT piece, verdict, reason, rows_fetched, rows_returned FROM pushdown_summary(
	$$SELECT id FROM n WHERE a = 3 AND id < 100 AND txt LIKE 'row 1%'$$);
SELECT scan, relation, connector, native_query, piece, verdict, rows_fetched, bytes_fetched FROM pushdown_summary('SELECT id, a FROM n');
SELECT piece, verdict, reason FROM pushdown_summary('SELECT id FROM n ORDER BY id LIMIT 5');
-- every scan of a plan: joins, sub-plans, CTEs, and what is written
SELECT DISTINCT scan, relation FROM pushdown_summary(
	'WITH c AS MATERIALIZED (SELECT * FROM m) SELECT (SELECT max(a) FROM n x WHERE x.id = here.id) FROM here, c WHERE c.id = here.id') ORDER BY 1;
SELECT DISTINCT relation, piece, verdict FROM pushdown_summary('INSERT INTO here SELECT id FROM n WHERE id < 5');
SELECT DISTINCT relation, piece, verdict FROM pushdown_summary('DELETE FROM here USING n WHERE n.id = here.id AND n.a = 2');
SELECT count(*) FROM pushdown_summary('SELECT * FROM here');
-- nothing was run
SELECT * FROM here;
SELECT count FROM calls WHERE slot = 'execute';

-- these must fail
SELECT pushdown_summary('SELECT * FROM nowhere');
SELECT pushdown_summary('SELECT 1; SELECT 2');
SELECT pushdown_summary('');
SELECT pushdown_summary(NULL);
SELECT pushdown_summary('SELECT * INTO copied FROM n');
SELECT pushdown_summary('DROP TABLE here');
SELECT pushdown_summary('SELECT * FROM n WHERE id = $1');
-- so must this: the caller may not read the table
CREATE ROLE query_summary_user IN ROLE connhub_reader;
GRANT USAGE ON SCHEMA query_summary TO query_summary_user;
SET ROLE query_summary_user;
SELECT pushdown_summary('SELECT * FROM n');
RESET ROLE;
GRANT SELECT (id) ON n TO query_summary_user;
SET ROLE query_summary_user;
SELECT piece FROM pushdown_summary('SELECT id FROM n WHERE id = 3');
RESET ROLE;
-- secrets are masked
SELECT native_query LIKE '%hush%' AS told, piece LIKE '%hush%' AS told FROM pushdown_summary($$SELECT id FROM n WHERE txt = 'password=hush-hush-9'$$);

DROP SCHEMA query_summary CASCADE;
DROP ROLE query_summary_user;
SELECT removed FROM connhub.delete_connector('query_summary', force => true);
