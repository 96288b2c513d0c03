-- Who may see, use and manage what: nobody by default, an operator his own, a reader everything but secrets.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
SELECT connhub.register_driver('mock');
CREATE ROLE regress_ch_one LOGIN IN ROLE connhub_operator;
CREATE ROLE regress_ch_two LOGIN IN ROLE connhub_operator;
CREATE ROLE regress_ch_reader LOGIN IN ROLE connhub_reader;
CREATE ROLE regress_ch_admin LOGIN IN ROLE connhub_admin;
CREATE ROLE regress_ch_nobody LOGIN;
SELECT name FROM connhub.create_connector('ac_super', 'mock', credentials => '{"token": "ac-super-secret"}');
RESET client_min_messages;
\set SHOW_CONTEXT never

-- Without a role: nothing.  These must fail.
SET ROLE regress_ch_nobody;
SELECT * FROM connhub.types();
SELECT * FROM connhub.connector;
SELECT connhub.create_connector('ac_x', 'mock');
SELECT connhub.test(type => 'mock');
RESET ROLE;

-- An operator creates, and sees what is his.
SET ROLE regress_ch_one;
SELECT name, tables FROM connhub.create_connector('ac_one', 'mock', credentials => '{"token": "ac-secret"}');
SELECT name, owner FROM connhub.connectors();
SELECT name, status FROM connhub.update_connector('ac_one', labels => '{"a": "b"}');
-- These must fail, the connector of another as one that is not there.
SELECT connhub.test('ac_super');
SELECT connhub.get_connector('ac_super');
SELECT connhub.delete_connector('ac_super', force => true);
SELECT connhub.create_connector('ac_super', 'mock');
SELECT connhub.register_driver('mock');
SELECT * FROM connhub_catalog.connector;
SELECT * FROM connhub_catalog.secret;
SELECT connhub_catalog.invalidate();
CREATE SERVER ac_by_hand FOREIGN DATA WRAPPER connhub;
RESET ROLE;
SELECT srvname, srvowner::regrole FROM pg_foreign_server WHERE srvname LIKE 'ac%' ORDER BY 1;

-- USAGE on the server: may see, test and query, not change.
SET ROLE regress_ch_two;
SELECT name FROM connhub.connectors();
SELECT count(*) FROM connhub.remote_table;
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER ac_one TO regress_ch_two;
SET ROLE regress_ch_two;
SELECT name, owner FROM connhub.connectors();
SELECT success FROM connhub.test('ac_one');
SELECT connhub.discover('ac_one');
SELECT connhub.disable('ac_one');
SELECT connhub.set_owner('ac_one', 'regress_ch_two');
SELECT connhub.delete_connector('ac_one');
RESET ROLE;

-- A foreign table is read with a right on it alone.
CREATE FOREIGN TABLE ac_items (id bigint, name text) SERVER ac_one OPTIONS (schema_name 'data', table_name 'items');
GRANT SELECT ON ac_items TO regress_ch_nobody;
SET ROLE regress_ch_nobody;
SELECT * FROM ac_items WHERE id = 3;
RESET ROLE;

-- Readers look, and that is all.
SET ROLE regress_ch_reader;
SELECT name, has_credential FROM connhub.connector ORDER BY name;
SELECT count(*) > 0 AS tables FROM connhub.tables('ac_one');
SELECT connhub.test('ac_one');
SELECT connhub.create_connector('ac_x', 'mock');
SELECT connhub.update_connector('ac_one', name => 'x');
RESET ROLE;

-- Administrators manage all.
SET ROLE regress_ch_admin;
SELECT name, owner FROM connhub.connectors();
SELECT name FROM connhub.update_connector('ac_one', labels => '{"by": "admin"}');
SELECT connhub.set_owner('ac_one', 'regress_ch_two');
SELECT connhub.set_owner('ac_one', 'regress_ch_gone');
RESET ROLE;
SELECT name, owner, (SELECT srvowner::regrole::text FROM pg_foreign_server WHERE srvname = server) FROM connhub.connector WHERE name = 'ac_one';
SET ROLE regress_ch_two;
SELECT name, labels FROM connhub.connectors();
SELECT name FROM connhub.set_credentials('ac_one', credentials => '{"token": null}');
-- Nobody gives away to a role that is not his.  The message depends on the server's version.
\set VERBOSITY sqlstate
SELECT connhub.set_owner('ac_one', 'regress_ch_one');
\set VERBOSITY default
RESET ROLE;

-- A connector belongs to whom its server belongs to, however that came about.
REASSIGN OWNED BY regress_ch_two TO regress_ch_one;
SELECT name, owner, server FROM connhub.connector WHERE name = 'ac_one';
SELECT count(*) FROM ac_items;
SET ROLE regress_ch_two;
SELECT connhub.update_connector('ac_one', labels => '{}');
SET ROLE regress_ch_one;
SELECT name FROM connhub.update_connector('ac_one', labels => '{"by": "one"}');
-- Its server cannot be pointed at the connector of another.
ALTER SERVER ac_one OPTIONS (SET connector '00000000-0000-0000-0000-000000000002');
RESET ROLE;
-- Should an administrator do so, the owner of the server still cannot use what is not his.
SELECT id AS super_id FROM connhub.connector WHERE name = 'ac_super' \gset
CREATE SERVER ac_copy FOREIGN DATA WRAPPER connhub OPTIONS (connector :'super_id');
ALTER SERVER ac_copy OWNER TO regress_ch_one;
CREATE FOREIGN TABLE ac_stolen (id bigint) SERVER ac_copy OPTIONS (schema_name 'data', table_name 'items');
SELECT count(*) FROM ac_stolen;
DROP SERVER ac_copy CASCADE;

-- Row-level security stands behind the missing rights.
GRANT USAGE ON SCHEMA connhub_catalog TO regress_ch_one;
GRANT SELECT ON connhub_catalog.connector, connhub_catalog.secret TO regress_ch_one;
SET ROLE regress_ch_one;
SELECT count(*) FROM connhub_catalog.connector;
SELECT count(*) FROM connhub_catalog.secret;
RESET ROLE;
REVOKE USAGE ON SCHEMA connhub_catalog FROM regress_ch_one;
REVOKE SELECT ON connhub_catalog.connector, connhub_catalog.secret FROM regress_ch_one;

DROP FOREIGN TABLE ac_items;
SELECT count(*) FROM (SELECT connhub.delete_connector(name, force => true) FROM connhub.connectors(name => 'ac%')) AS d;
DROP ROLE regress_ch_one, regress_ch_two, regress_ch_reader, regress_ch_admin, regress_ch_nobody;
