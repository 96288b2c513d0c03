-- What a source does wrong ends as one error with its own SQLSTATE, and leaves the session usable.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
\set SHOW_CONTEXT never
SELECT connhub.register_driver('mock');

CREATE SCHEMA conn_faults;
-- A connector that gets its fault once its tables are attached; `calls` counts what the driver was asked.
CREATE FUNCTION conn_faults.source(name text, fault text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM connhub.create_connector(name, 'mock', discover => false, options => jsonb_build_object('tables', 'n(1000): id int64 key'));
	PERFORM connhub.discover(name, schema_pattern => '%');
	EXECUTE format('CREATE SCHEMA %I', name);
	PERFORM connhub.attach(name, 'data', into_schema => name);
	PERFORM connhub.attach(name, 'mock', into_schema => name);
	PERFORM connhub.update_connector(name, test => false, discover => false,
		options => jsonb_build_object('fault', fault, 'connect_timeout', '300ms', 'query_timeout', '300ms'));
END $$;
-- The SQLSTATE a statement ends with, and whether it took no longer than the bound.
CREATE FUNCTION conn_faults.outcome(statement text, bound interval DEFAULT '500ms') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz := clock_timestamp();
	result text;
BEGIN
	EXECUTE statement INTO result;
	RETURN 'ok ' || result;
EXCEPTION WHEN OTHERS OR query_canceled THEN
	RETURN sqlstate || CASE WHEN clock_timestamp() - started < bound THEN '' ELSE ' too late: ' || clock_timestamp() - started END;
END $$;
-- Put a fault in place, and run.
CREATE FUNCTION conn_faults.outcome_with(source text, fault text, bound interval DEFAULT '500ms') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM connhub.update_connector(source, test => false, discover => false, options => jsonb_build_object('fault', fault, 'max_retries', 0));
	RETURN conn_faults.outcome(format('SELECT count(*) FROM %I.n', source), bound);
END $$;

-- every failure while opening
SELECT conn_faults.source('f_open', '');
SELECT fault, conn_faults.outcome_with('f_open', 'step:' || fault)
FROM unnest(ARRAY['refused', 'dns', 'timeout', 'tls', 'auth', 'no_database', 'permission', 'busy', 'unsupported', 'config', 'internal', 'hang']) AS fault;

-- every failure of a query, at its start and in the middle of its rows
SELECT conn_faults.source('f_run', '');
SELECT place, fault, conn_faults.outcome_with('f_run', place || ':' || fault)
FROM unnest(ARRAY['execute', 'fetch@500']) AS place,
	unnest(ARRAY['lost', 'timeout', 'query', 'data', 'permission', 'no_memory', 'schema_changed', 'quota', 'hang']) AS fault;

-- the error names connector, driver, slot and native query
\set SHOW_CONTEXT errors
SELECT name FROM connhub.update_connector('f_run', test => false, discover => false, options => '{"fault": "execute:query"}');
SELECT count(*) FROM f_run.n;
\set SHOW_CONTEXT never

-- an error that may pass is tried again while nothing was sent
SELECT conn_faults.source('f_retry', 'step@1:busy');
\c
SET client_min_messages = warning;
SELECT count(*) FROM f_retry.n;

-- a statement_timeout ends an open, a query and a fetch, and the session goes on
SELECT conn_faults.source('f_hang', '');
SELECT name FROM connhub.update_connector('f_hang', test => false, discover => false, options => jsonb_build_object('connect_timeout', '5min', 'query_timeout', '1h'));
SET statement_timeout = '200ms';
SELECT conn_faults.outcome_with('f_hang', 'step:hang', '600ms');
SELECT conn_faults.outcome_with('f_hang', 'begin:hang', '600ms');
SELECT conn_faults.outcome_with('f_hang', 'execute:hang', '600ms');
SELECT conn_faults.outcome_with('f_hang', 'fetch@500:hang, cancel:hang, close_cursor:hang, rollback:hang', '600ms');
-- a driver that is blocked inside a call of its client library
SELECT conn_faults.outcome_with('f_hang', 'step:block', '600ms');
SELECT conn_faults.outcome_with('f_hang', 'execute:block', '600ms');
SELECT conn_faults.outcome_with('f_hang', 'fetch@500:block', '600ms');
RESET statement_timeout;
SELECT name FROM connhub.update_connector('f_hang', test => false, discover => false, options => '{"fault": null}');
SELECT count(*) FROM f_hang.n;

-- one connection serves statement after statement, and one remote transaction each local one; a statement alone needs none
SELECT conn_faults.source('f_reuse', '');
\c
SET client_min_messages = warning;
SELECT count(*) FROM f_reuse.n;
SELECT count(*) FROM f_reuse.n;
BEGIN;
SELECT count(*) FROM f_reuse.n;
SELECT count(*) FROM f_reuse.n;
COMMIT;
SELECT slot, count FROM f_reuse.calls WHERE slot IN ('open', 'begin', 'execute', 'commit', 'rollback', 'close') ORDER BY slot;

-- a connection found dead before use is replaced
SELECT name FROM connhub.update_connector('f_reuse', test => false, discover => false, options => '{"fault": "check:lost"}');
SELECT count(*) FROM f_reuse.n;
SELECT count(*) FROM f_reuse.n;
SELECT slot, count FROM f_reuse.calls WHERE slot IN ('open', 'close') ORDER BY slot;
SELECT name FROM connhub.update_connector('f_reuse', test => false, discover => false, options => '{"fault": "begin@2:lost"}');
BEGIN;
SELECT count(*) FROM f_reuse.n;
COMMIT;
BEGIN;
SELECT count(*) FROM f_reuse.n;
COMMIT;
SELECT slot, count FROM f_reuse.calls WHERE slot IN ('open', 'close') ORDER BY slot;

-- so is one that proves dead only where the first rows of the transaction should come: the statement runs again, with
-- its parameters and in a new remote transaction.  Faults with #1 strike on the first connection of a session; a query
-- that is refused leaves it in the cache
CREATE FUNCTION conn_faults.counts() RETURNS text LANGUAGE sql
AS $$ SELECT string_agg(slot || ' ' || count, ', ' ORDER BY slot) FROM f_reuse.calls WHERE slot IN ('open', 'begin', 'execute', 'commit', 'rollback', 'close') $$;
SELECT name FROM connhub.update_connector('f_reuse', test => false, discover => false, options => '{"fault": "execute@1#1:query, fetch@1#1:lost"}');
\c
SET client_min_messages = warning;
SET plan_cache_mode = force_generic_plan;
PREPARE q(bigint) AS SELECT count(*), min(id) FROM f_reuse.n WHERE id > $1;
EXECUTE q(400);
EXECUTE q(400);
EXECUTE q(400);
SELECT conn_faults.counts();
-- under one snapshot too, since nothing of the first was seen, and in a subtransaction
\c
SET client_min_messages = warning;
SELECT count(*) FROM f_reuse.n;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SAVEPOINT s;
SELECT count(*) FROM f_reuse.n;
RELEASE s;
SELECT count(*) FROM f_reuse.n;
COMMIT;
SELECT conn_faults.counts();
-- a cursor whose first rows are asked for in a subtransaction stays one of the transaction around it
\c
SET client_min_messages = warning;
SELECT count(*) FROM f_reuse.n;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM f_reuse.n ORDER BY id;
SAVEPOINT s;
FETCH 2 FROM c;
SELECT count(*) FROM f_reuse.n;
RELEASE s;
FETCH 2 FROM c;
COMMIT;
-- but not once the source was asked for something else in the transaction
SELECT name FROM connhub.update_connector('f_reuse', test => false, discover => false, options => '{"fault": "execute@1#1:query, execute@2#1:query, fetch@1#1:lost"}');
\c
SET client_min_messages = warning;
SELECT count(*) FROM f_reuse.n;
BEGIN;
SAVEPOINT s;
SELECT count(*) FROM f_reuse.n;
ROLLBACK TO s;
SELECT count(*) FROM f_reuse.n;
ROLLBACK;
-- nor once rows have come
SELECT name FROM connhub.update_connector('f_reuse', test => false, discover => false, options => '{"fault": "execute@1#1:query, fetch@101#1:lost"}');
\c
SET client_min_messages = warning;
SELECT count(*) FROM f_reuse.n;
SELECT count(*) FROM f_reuse.n;
-- nor a second time
SELECT name FROM connhub.update_connector('f_reuse', test => false, discover => false, options => '{"fault": "execute@1#1:query, fetch@1#1:lost, fetch@1#2:lost"}');
\c
SET client_min_messages = warning;
SELECT count(*) FROM f_reuse.n;
SELECT count(*) FROM f_reuse.n;
SELECT conn_faults.counts();
-- nor when the connection was opened for this very transaction: the statement itself may be what kills it
SELECT name FROM connhub.update_connector('f_reuse', test => false, discover => false, options => '{"fault": "fetch@1#1:lost"}');
\c
SET client_min_messages = warning;
SELECT count(*) FROM f_reuse.n;
SELECT count(*) FROM f_reuse.n;

-- after a failed statement that was rolled back to a savepoint the transaction goes on, but not under one snapshot
SELECT name FROM connhub.update_connector('f_reuse', test => false, discover => false, options => '{"fault": "execute@2:query"}');
BEGIN;
SELECT count(*) FROM f_reuse.n;
SAVEPOINT s;
SELECT count(*) FROM f_reuse.n;
ROLLBACK TO s;
SELECT count(*) FROM f_reuse.n;
COMMIT;
SELECT name FROM connhub.update_connector('f_reuse', test => false, discover => false, options => '{"fault": "execute@2:query, execute@9:query"}');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM f_reuse.n;
SAVEPOINT s;
SELECT count(*) FROM f_reuse.n;
ROLLBACK TO s;
SELECT count(*) FROM f_reuse.n;
ROLLBACK;

-- a scan whose rows could not be set aside for another statement does not end as if there were no more
SELECT conn_faults.source('f_spill', 'fetch@500:lost');
CREATE FUNCTION conn_faults.nested() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint := 0;
	id bigint;
BEGIN
	FOR id IN SELECT t.id FROM f_spill.n AS t LOOP
		n := n + 1;
		BEGIN
			PERFORM count(*) FROM f_spill.n;
		EXCEPTION WHEN connection_exception OR connection_failure THEN NULL;
		END;
	END LOOP;
	RETURN n;
END $$;
SELECT conn_faults.nested();
-- nor does a failed ANALYZE leave its cursor behind
DO $$
DECLARE
	used bigint;
BEGIN
	FOR round IN 1 .. 40 LOOP
		BEGIN
			ANALYZE f_spill.n;
		EXCEPTION WHEN connection_exception OR connection_failure THEN NULL;
		END;
		IF round = 10 THEN
			SELECT used_bytes INTO used FROM pg_backend_memory_contexts WHERE name = 'connhub cursors';
		END IF;
	END LOOP;
	IF used IS DISTINCT FROM (SELECT used_bytes FROM pg_backend_memory_contexts WHERE name = 'connhub cursors') THEN
		RAISE EXCEPTION 'cursors are left behind';
	END IF;
END $$;

-- a failing commit is an error of the local transaction; a failing rollback only costs the connection
SELECT name FROM connhub.update_connector('f_reuse', test => false, discover => false, options => '{"fault": "commit:lost"}');
BEGIN;
SELECT count(*) FROM f_reuse.n;
COMMIT;
SELECT name FROM connhub.update_connector('f_reuse', test => false, discover => false, options => '{"fault": "rollback:lost"}');
BEGIN;
SELECT count(*) FROM f_reuse.n;
ROLLBACK;
SELECT count(*) FROM f_reuse.n;

-- two-phase commit cannot hold a remote transaction
BEGIN;
SELECT count(*) FROM f_reuse.n;
PREPARE TRANSACTION 'conn_faults';

-- a disabled connector
SELECT status FROM connhub.disable('f_reuse');
SELECT count(*) FROM f_reuse.n;

SELECT count(*) FROM unnest(ARRAY['f_open', 'f_run', 'f_retry', 'f_hang', 'f_reuse', 'f_spill']) AS name, LATERAL connhub.delete_connector(name, force => true);
DROP SCHEMA f_open, f_run, f_retry, f_hang, f_reuse, f_spill, conn_faults CASCADE;
