-- connhub.live, live_as and live_json run a native query as it stands.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
SELECT connhub.register_driver('mock');
SELECT status FROM connhub.create_connector('query_live', 'mock', options => jsonb_build_object('tables',
	'n(1000): id int64 key, a int32 modulo 10, txt text nulls 3, d date, ip inet, js json;'
	'e(20): i int64 edges, f float64 edges, num decimal edges, t text edges, ts timestamp edges, tz timestamptz edges'));
CREATE SCHEMA query_live;
SELECT "table" FROM connhub.attach('query_live', 'data', into_schema => 'query_live');
CREATE FOREIGN TABLE query_live.calls (slot text, count bigint) SERVER query_live OPTIONS (schema_name 'mock', table_name 'calls');
SET search_path = query_live, connhub;

-- columns as declared, each by its place; values become those of the declared type
SELECT * FROM live('query_live', 'get "id", "txt", "d" from "data"."n" sort "id" asc nulls last limit int64 3') AS t(id bigint, name text, day date);
SELECT * FROM live('query_live', 'get "id", "a", "d" from "data"."n" limit int64 2') AS t(id text, a numeric(5,2), d timestamp);
-- parameters of any type, by themselves or as an array
SELECT * FROM live('query_live', 'get "id" from "data"."n" where (= "id" $1)', 7::bigint) AS t(id bigint);
SELECT * FROM live('query_live', 'get "id", $2 from "data"."n" where (= "id" $1)', 7::bigint, 'seven') AS t(id bigint, given text);
SELECT * FROM live('query_live', 'get "id" from "data"."n" where (in "id" $1 $2)', VARIADIC ARRAY[3, 5]::bigint[]) AS t(id bigint);
SELECT count(*) FROM live('query_live', 'get "id" from "data"."n" where (= "id" $1)', NULL::bigint) AS t(id bigint);
-- a row type says what the columns are; a dropped one counts for nothing
CREATE TYPE pair AS (id int, gone int, name text);
ALTER TYPE pair DROP ATTRIBUTE gone;
SELECT * FROM live_as(NULL::pair, 'query_live', 'get "id", "txt" from "data"."n" limit int64 2');
SELECT (live_as(NULL::pair, 'query_live', 'get "id", "txt" from "data"."n" where (= "id" $1)', 5::bigint)).name;
-- without any declaration
SELECT * FROM live_json('query_live', 'get "id", "txt", "d", "ip", "js" from "data"."n" limit int64 3');
SELECT live_json('query_live', 'get "id" from "data"."n" where (= "id" $1)', 9::bigint)->>'id' AS id;
-- the same values as through a foreign table
SELECT count(*) FROM (SELECT * FROM live_as(NULL::e, 'query_live', 'get "i", "f", "num", "t", "ts", "tz" from "data"."e"')
	EXCEPT ALL SELECT * FROM e) AS different;
SELECT count(*) FROM live_as(NULL::n, 'query_live', 'get "id", "a", "txt", "d", "ip", "js" from "data"."n"') JOIN n USING (id, a, d, ip);
-- a domain is checked, nulls too
CREATE DOMAIN small AS int NOT NULL CHECK (VALUE < 3);
SELECT * FROM live('query_live', 'get "id" from "data"."n" limit int64 2') AS t(id small);

-- these must fail
SELECT * FROM live('query_live', 'get "id" from "data"."n" limit int64 3') AS t(id small);
SELECT * FROM live('query_live', 'get "txt" from "data"."n"') AS t(txt small);
SELECT * FROM live('query_live', 'get "txt" from "data"."n"') AS t(txt int);
SELECT * FROM live('query_live', 'get "txt" from "data"."n"') AS t(txt varchar(3));
SELECT * FROM live('query_live', 'get "id", "txt" from "data"."n"') AS t(id int);
SELECT * FROM live('query_live', 'get "id" from "data"."n"') AS t(id int, txt text);
SELECT live('query_live', 'get "id" from "data"."n"');
SELECT live_as(1, 'query_live', 'get "id" from "data"."n"');
SELECT live_json('query_live', 'get "id", "id" from "data"."n"');
SELECT live_json('query_live', 'nonsense');
SELECT live_json('query_live', 'get "id" from "data"."n" where (= "id" $1)');
SELECT live_json('query_live', NULL);
SELECT live_json(NULL, 'get "id" from "data"."n"');
SELECT live_json('query_lvie', 'get "id" from "data"."n"');

-- one use of the connection at a time: a scan that still streams sets its rows aside
SELECT count(*), sum((SELECT id FROM live('query_live', 'get "id" from "data"."n" where (= "id" $1)', n.id) AS t(id bigint))) FROM n WHERE id <= 20;

-- who may not use the connector may not run anything there; USAGE on its server is enough
CREATE ROLE query_live_user IN ROLE connhub_reader;
GRANT USAGE ON SCHEMA query_live TO query_live_user;
SET ROLE query_live_user;
SELECT live_json('query_live', 'get "id" from "data"."n" limit int64 1');
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER query_live TO query_live_user;
SET ROLE query_live_user;
SELECT live_json('query_live', 'get "id" from "data"."n" limit int64 1');
RESET ROLE;

-- never sent twice: over a connection that proves dead it fails, where a scan would run again
SELECT status FROM update_connector('query_live', options => '{"fault": "execute@1#1:query, fetch@1#1:lost"}', test => false, discover => false);
\c
SET client_min_messages = warning;
SET search_path = query_live, connhub;
SELECT live_json('query_live', 'get "id" from "data"."n" limit int64 1');
SELECT live_json('query_live', 'get "id" from "data"."n" limit int64 1');
SELECT live_json('query_live', 'get "id" from "data"."n" limit int64 1');
-- a slow one is ended by its time
SELECT status FROM update_connector('query_live', options => '{"fault": "execute:hang", "query_timeout": "100ms"}', test => false, discover => false);
SELECT live_json('query_live', 'get "id" from "data"."n" limit int64 1');

DROP SCHEMA query_live CASCADE;
SET client_min_messages = error;
SELECT removed FROM connhub.delete_connector('query_live', force => true);
DROP ROLE query_live_user;
