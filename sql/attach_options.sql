-- The wrapper's options: what each object takes, who may point a server at a connector, and hints for the rest.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
SELECT connhub.register_driver('mock') IS NOT NULL AS registered;
SELECT status FROM connhub.create_connector(name => 'option_a', type => 'mock');

ALTER FOREIGN DATA WRAPPER connhub OPTIONS (ADD host 'x');
CREATE SERVER option_s FOREIGN DATA WRAPPER connhub;
CREATE SERVER option_s FOREIGN DATA WRAPPER connhub OPTIONS (connector 'option_a');
CREATE SERVER option_s FOREIGN DATA WRAPPER connhub OPTIONS (host 'localhost');
CREATE SERVER option_s FOREIGN DATA WRAPPER connhub OPTIONS (conector '00000000-0000-0000-0000-000000000000');
ALTER SERVER option_a OPTIONS (DROP connector);
CREATE USER MAPPING FOR CURRENT_USER SERVER option_a OPTIONS (password 'x');

CREATE FOREIGN TABLE option_t (id bigint) SERVER option_a OPTIONS (table 'items');
CREATE FOREIGN TABLE option_t (id bigint) SERVER option_a OPTIONS (table_name '');
CREATE FOREIGN TABLE option_t (id bigint) SERVER option_a OPTIONS (table_name 'items', fetch_size '0');
CREATE FOREIGN TABLE option_t (id bigint) SERVER option_a OPTIONS (table_name 'items', fetch_size '10 rows');
CREATE FOREIGN TABLE option_t (id bigint OPTIONS (name 'x')) SERVER option_a OPTIONS (table_name 'items');
CREATE FOREIGN TABLE option_t (number bigint OPTIONS (column_name 'id')) SERVER option_a OPTIONS (schema_name 'data', table_name 'items', fetch_size '10');
SELECT number FROM option_t WHERE number < 3 ORDER BY number;

-- A member of connhub_operator may not borrow another's credentials by a server of its own.
CREATE ROLE option_ann IN ROLE connhub_operator;
SET ROLE option_ann;
CREATE SERVER option_s FOREIGN DATA WRAPPER connhub OPTIONS (connector '00000000-0000-0000-0000-000000000000');
RESET ROLE;
CREATE ROLE option_eve IN ROLE connhub_admin;
SET ROLE option_eve;
CREATE SERVER option_s FOREIGN DATA WRAPPER connhub OPTIONS (connector '00000000-0000-0000-0000-000000000000');
DROP SERVER option_s;
RESET ROLE;

DROP FOREIGN TABLE option_t;
SELECT connhub.delete_connector('option_a', force => true) IS NOT NULL AS deleted;
DROP ROLE option_ann, option_eve;
