-- Remote transactions follow the local one: savepoints, lost connections, two-phase commit.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
\set SHOW_CONTEXT never
SELECT connhub.register_driver('mock');
CREATE SCHEMA conn_savepoints;
SET search_path = conn_savepoints;
CREATE FUNCTION source(name text, more jsonb DEFAULT '{}') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM connhub.create_connector(name, 'mock', discover => false, options => more || '{"tables": "n(2): id int64 key, v text nulls 100"}');
	PERFORM connhub.discover(name, schema_pattern => '%');
	EXECUTE format('CREATE SCHEMA %I', name);
	PERFORM connhub.attach(name, 'data', into_schema => name);
	PERFORM connhub.attach(name, 'mock', into_schema => name);
END $$;
CREATE FUNCTION fault(name text, fault text) RETURNS text LANGUAGE sql AS
$$ SELECT name FROM connhub.update_connector(fault.name, test => false, discover => false, options => jsonb_build_object('fault', fault)) $$;
SELECT source('sp_a'), source('sp_b');
CREATE FUNCTION calls() RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(slot || ' ' || count, ', ' ORDER BY slot) FROM sp_a.calls WHERE slot IN ('begin', 'commit', 'rollback', 'savepoint', 'release', 'rollback_to', 'write') $$;
CREATE FUNCTION ids(OUT a text, OUT b text) LANGUAGE sql AS
$$ SELECT (SELECT string_agg(id::text, ' ' ORDER BY id) FROM sp_a.n), (SELECT string_agg(id::text, ' ' ORDER BY id) FROM sp_b.n) $$;

-- rollback and commit
BEGIN;
INSERT INTO sp_a.n VALUES (10, 'x');
INSERT INTO sp_b.n VALUES (10, 'x');
SELECT * FROM ids();
ROLLBACK;
SELECT * FROM ids();
BEGIN;
INSERT INTO sp_a.n VALUES (10, 'x');
INSERT INTO sp_b.n VALUES (10, 'x');
COMMIT;
SELECT * FROM ids();

-- a transaction that only reads sets no savepoint
\c
SET search_path = conn_savepoints;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
BEGIN;
SAVEPOINT s;
SELECT count(*) FROM sp_a.n;
ROLLBACK TO s;
SELECT count(*) FROM sp_a.n;
COMMIT;
SELECT calls();

-- each level can be undone alone
BEGIN;
INSERT INTO sp_a.n VALUES (20, 'x');
SAVEPOINT s1;
INSERT INTO sp_a.n VALUES (21, 'x');
SAVEPOINT s2;
SAVEPOINT s3;
INSERT INTO sp_a.n VALUES (22, 'x');
SELECT * FROM ids();
ROLLBACK TO s3;
SELECT * FROM ids();
INSERT INTO sp_a.n VALUES (23, 'x');
RELEASE s2;
SELECT * FROM ids();
ROLLBACK TO s1;
SELECT * FROM ids();
INSERT INTO sp_a.n VALUES (24, 'x');
COMMIT;
SELECT * FROM ids();
-- the first write stands in an inner level
BEGIN;
SAVEPOINT s1;
SAVEPOINT s2;
INSERT INTO sp_a.n VALUES (30, 'x');
RELEASE s2;
ROLLBACK TO s1;
SELECT * FROM ids();
INSERT INTO sp_a.n VALUES (31, 'x');
COMMIT;
SELECT * FROM ids();
DELETE FROM sp_a.n WHERE id >= 20;

-- a statement that fails at the source is undone with its block
DO $$
BEGIN
	INSERT INTO sp_a.n VALUES (40, 'before');
	BEGIN
		INSERT INTO sp_a.n VALUES (41, 'undone'), (40, 'twice');
	EXCEPTION WHEN unique_violation THEN
		RAISE WARNING 'caught %', sqlerrm;
	END;
	BEGIN
		PERFORM id / 0 FROM sp_a.n;
	EXCEPTION WHEN division_by_zero THEN
		NULL;
	END;
	INSERT INTO sp_a.n VALUES (42, 'after');
END $$;
SELECT * FROM ids();
-- rows being read are set aside before a savepoint, and read on after it was released or undone
DO $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT id FROM sp_a.n WHERE id < 40 ORDER BY id LOOP
		BEGIN
			UPDATE sp_a.n SET v = 'seen' WHERE id = r.id;
			IF r.id = 2 THEN
				RAISE EXCEPTION 'undo';
			END IF;
		EXCEPTION WHEN raise_exception THEN
			NULL;
		END;
	END LOOP;
END $$;
SELECT id, v FROM sp_a.n ORDER BY id;
-- a cursor opened within a block outlives it
BEGIN;
INSERT INTO sp_a.n VALUES (50, 'x');
SAVEPOINT s;
DECLARE c CURSOR FOR SELECT id FROM sp_a.n ORDER BY id;
FETCH 1 FROM c;
INSERT INTO sp_a.n VALUES (51, 'x');
RELEASE s;
FETCH ALL FROM c;
COMMIT;
DELETE FROM sp_a.n WHERE id > 10;

-- a connection lost after a write: neither use nor commit goes on
SELECT fault('sp_a', 'execute@1#2:lost');
\c
SET search_path = conn_savepoints;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
BEGIN;
INSERT INTO sp_b.n VALUES (60, 'x');
INSERT INTO sp_a.n VALUES (60, 'x');
SAVEPOINT s;
SELECT count(*) FROM sp_a.n WHERE v = 'x';	-- fails
ROLLBACK TO s;
SELECT count(*) FROM sp_b.n;
SELECT count(*) FROM sp_a.n;	-- fails
ROLLBACK TO s;
COMMIT;	-- fails
SELECT * FROM ids();
-- lost together with all that was written: the rest goes on
\c
SET search_path = conn_savepoints;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
SELECT fault('sp_a', 'execute@1#1:lost');
BEGIN;
SAVEPOINT s;
INSERT INTO sp_a.n VALUES (61, 'x');
SELECT count(*) FROM sp_a.n;	-- fails
ROLLBACK TO s;
INSERT INTO sp_a.n VALUES (62, 'x');
COMMIT;
SELECT * FROM ids();

-- a failed write is not sent again, and nothing of it stays
SELECT fault('sp_a', 'write:lost');
INSERT INTO sp_a.n VALUES (70, 'x');	-- fails
SELECT fault('sp_a', 'write:query');
INSERT INTO sp_a.n VALUES (70, 'x');	-- fails
BEGIN;
SAVEPOINT s;
INSERT INTO sp_a.n VALUES (70, 'x');	-- fails
ROLLBACK TO s;
SELECT count(*) FROM sp_a.n;
COMMIT;
-- one that is stopped
SELECT fault('sp_a', 'write:hang');
SET statement_timeout = '200ms';
INSERT INTO sp_a.n VALUES (70, 'x');	-- fails
RESET statement_timeout;
SELECT fault('sp_a', NULL);
SELECT * FROM ids();

-- a commit that fails
SELECT fault('sp_b', 'commit:query');
BEGIN;
INSERT INTO sp_a.n VALUES (80, 'x');
INSERT INTO sp_b.n VALUES (80, 'x');
COMMIT;	-- fails
SELECT fault('sp_b', 'commit:lost');
INSERT INTO sp_b.n VALUES (81, 'x');	-- fails
SELECT fault('sp_b', NULL);
SELECT * FROM ids();

-- two-phase commit
DELETE FROM sp_a.n WHERE id > 10;
SELECT name FROM connhub.update_connector('sp_a', test => false, discover => false, options => '{"two_phase": true}');
BEGIN;
INSERT INTO sp_a.n VALUES (90, 'x');
INSERT INTO sp_b.n VALUES (90, 'x');
COMMIT;
SELECT * FROM ids();
SELECT slot, count FROM sp_a.calls WHERE slot IN ('prepare', 'finish_prepared');
-- the other source fails: what was prepared is rolled back
SELECT fault('sp_b', 'commit:query');
BEGIN;
INSERT INTO sp_a.n VALUES (91, 'x');
INSERT INTO sp_b.n VALUES (91, 'x');
COMMIT;	-- fails
SELECT fault('sp_b', NULL);
SELECT * FROM ids();
SELECT slot, count FROM sp_a.calls WHERE slot IN ('prepare', 'finish_prepared');
-- it cannot be prepared
SELECT fault('sp_a', 'prepare:query');
INSERT INTO sp_a.n VALUES (92, 'x');	-- fails
-- the last step fails: resolved later
SELECT fault('sp_a', 'finish_prepared@1:query');
\set VERBOSITY terse
SET client_min_messages = error;
INSERT INTO sp_a.n VALUES (93, 'x');
SET client_min_messages = warning;
\set VERBOSITY default
SELECT * FROM ids();
SELECT fault('sp_a', NULL);
BEGIN;
SELECT gid ~ '^connhub_[0-9a-f]{16}_[0-9]+_[0-9]+_[0-9]+$' AS named, action FROM connhub.resolve_prepared('sp_a');
COMMIT;
SELECT * FROM ids();
SELECT * FROM connhub.resolve_prepared('sp_a');
-- likewise after a rollback
SELECT fault('sp_a', 'finish_prepared@1:query');
SELECT fault('sp_b', 'commit:query');
SET client_min_messages = error;
BEGIN;
INSERT INTO sp_a.n VALUES (94, 'x');
INSERT INTO sp_b.n VALUES (94, 'x');
COMMIT;	-- fails
SET client_min_messages = warning;
SELECT fault('sp_a', NULL), fault('sp_b', NULL);
SELECT action FROM connhub.resolve_prepared('sp_a');
SELECT * FROM ids();
BEGIN;
INSERT INTO sp_a.n VALUES (95, 'x');
PREPARE TRANSACTION 'refused';	-- fails
SELECT * FROM connhub.resolve_prepared('sp_none');	-- fails

DROP SCHEMA conn_savepoints CASCADE;
SELECT count(*) FROM connhub.delete_connector('sp_a', force => true) a, connhub.delete_connector('sp_b', force => true) b;
