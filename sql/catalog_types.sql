-- Drivers are registered by name or by sweep; types(), about() and the option tables tell what there is.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
RESET client_min_messages;
\set SHOW_CONTEXT never

-- The driver for tests is there only when asked for by name.
SELECT 'mock' = ANY (connhub.register_drivers()) AS swept;
SELECT connhub.register_driver('mock');
-- Twice is once.
SELECT connhub.register_driver('mock');
SELECT count(*) FROM connhub.types() WHERE name = 'mock';

SELECT name, category, default_port, features, tier, driver FROM connhub.types() WHERE name = 'mock';
-- Every type says what a user must know of it.
SELECT name FROM connhub.types()
WHERE category = '' OR description = '' OR version = '' OR example !~ 'connhub\.create_connector\('
	OR tier NOT IN ('free', 'professional', 'enterprise');
-- Own options come first, then those every type has; without TLS there are no ssl_ options.
SELECT o->>'name' AS name, o->>'kind' AS kind, o->>'default' AS "default", o->'secret' AS secret
FROM connhub.types() t, jsonb_array_elements(t.options) WITH ORDINALITY AS e (o, n)
WHERE t.name = 'mock' ORDER BY n;
-- Every option has a kind and a help text.
SELECT t.name, o->>'name' FROM connhub.types() t, jsonb_array_elements(t.options) AS o
WHERE o->>'kind' NOT IN ('text', 'integer', 'boolean', 'enum', 'duration', 'pem') OR coalesce(o->>'help', '') = '';

SELECT version = (SELECT extversion FROM pg_extension WHERE extname = 'connhub') AS version,
	postgresql_version = current_setting('server_version') AS postgresql, preloaded IS NOT NULL AS preloaded,
	(SELECT count(*) FROM jsonb_array_elements(drivers) AS d WHERE d->>'name' = 'mock' AND d->>'error' IS NULL) AS mock
FROM connhub.about();

-- These must fail.
SELECT connhub.register_driver('../evil');
SELECT connhub.register_driver('Mock');
SELECT connhub.register_driver('');

-- A misspelt connector is an error and not an empty list, whatever else there is.
\set VERBOSITY terse
SELECT * FROM connhub.get_connector('no such connector');
SELECT * FROM connhub.schemas('no such connector');
SELECT * FROM connhub.tables('no such connector');
SELECT * FROM connhub.columns('no such connector');
SELECT connhub.schemas_json('no such connector');
