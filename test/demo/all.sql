-- The main job of connhub: three sources, one database.
\getenv pg_port CONNHUB_TEST_PG_PORT
\getenv my_port CONNHUB_TEST_MY_PORT
\getenv password CONNHUB_TEST_PG_PASSWORD
\getenv file CONNHUB_TEST_SQLITE

-- ==== The extension, and the types of source it knows ====
CREATE EXTENSION connhub;
SELECT name, category, default_port, driver FROM connhub.types();

-- ==== A first try, without saving anything: the wrong password is told apart from every other cause ====
SELECT success, error_code, phase, message, hint FROM connhub.test(type => 'postgresql', host => '127.0.0.1', port => :pg_port,
	database => 'shop', username => 'connhub', password => 'not the password', ssl_mode => 'disable') \gx
SELECT success, error_code, message FROM connhub.test(type => 'mariadb', host => 'db.connhub.invalid',
	database => 'shop', username => 'connhub', password => :'password') \gx

-- ==== Three connectors: checked, credential sealed, tested, saved, discovered ====
SELECT name, type, status, server_version, round(latency_ms) AS ms, schemas, tables FROM connhub.create_connector('billing', 'postgresql',
	'127.0.0.1', :pg_port, database => 'shop', schema => 'shop', username => 'connhub', password => :'password', ssl_mode => 'require');
SELECT name, type, status, server_version, round(latency_ms) AS ms, schemas, tables FROM connhub.create_connector('crm', 'mariadb',
	'127.0.0.1', :my_port, database => 'shop', username => 'connhub', password => :'password', ssl_mode => 'require',
	options => '{"tinyint1": "boolean"}');
SELECT name, type, status, server_version, round(latency_ms) AS ms, schemas, tables FROM connhub.create_connector('stock', 'sqlite',
	database => :'file');

-- ==== Each of them tested again, phase by phase (milliseconds) ====
SELECT c.name, t.success, round(t.tcp_ms::numeric, 2) AS tcp, round(t.tls_ms::numeric, 2) AS tls, round(t.auth_ms::numeric, 2) AS auth,
	round(t.database_ms::numeric, 2) AS database, round(t.permission_ms::numeric, 2) AS permission, round(t.latency_ms::numeric, 2) AS total
FROM connhub.connector c, LATERAL connhub.test(c.name) t ORDER BY c.name;

-- ==== What discovery found ====
SELECT schema, name, type, columns, primary_key, estimated_rows FROM connhub.tables('crm');
SELECT name, remote_type, pg_type, nullable, comment FROM connhub.columns('billing', table_pattern => 'customers') ORDER BY position;

-- ==== Attached: discovered tables become foreign tables ====
SELECT * FROM connhub.attach('billing', tables => ARRAY['orders', 'lineitems', 'native_values']);
SELECT * FROM connhub.attach('crm', tables => ARRAY['customers']);
SELECT * FROM connhub.attach('stock', tables => ARRAY['products']);

-- ==== One query over the three, and what was sent where ====
EXPLAIN (VERBOSE, COSTS OFF)
SELECT c.country, p.category, sum(l.quantity * l.price) AS revenue
FROM billing.orders o
	JOIN billing.lineitems l ON l.order_id = o.id
	JOIN crm.customers c ON c.id = o.customer_id
	JOIN stock.products p ON p.id = l.product_id
WHERE o.ordered_at >= '2025-06-01' AND o.status IN ('paid', 'shipped') AND c.vip AND p.price > 50 AND upper(c.name) LIKE 'C%'
GROUP BY 1, 2 ORDER BY 3 DESC;
SELECT c.country, p.category, sum(l.quantity * l.price) AS revenue
FROM billing.orders o
	JOIN billing.lineitems l ON l.order_id = o.id
	JOIN crm.customers c ON c.id = o.customer_id
	JOIN stock.products p ON p.id = l.product_id
WHERE o.ordered_at >= '2025-06-01' AND o.status IN ('paid', 'shipped') AND c.vip AND p.price > 50 AND upper(c.name) LIKE 'C%'
GROUP BY 1, 2 ORDER BY 3 DESC;

-- ==== Only the ten rows wanted leave the source ====
EXPLAIN (VERBOSE, COSTS OFF) SELECT id, total FROM billing.orders WHERE total > 100 ORDER BY total DESC, id LIMIT 10;
SELECT id, total FROM billing.orders WHERE total > 100 ORDER BY total DESC, id LIMIT 10;

-- ==== Joined and grouped at the source ====
EXPLAIN (VERBOSE, COSTS OFF)
SELECT o.status, count(*) AS items, sum(l.quantity * l.price) AS revenue FROM billing.orders o
	JOIN billing.lineitems l ON l.order_id = o.id GROUP BY 1 HAVING count(*) > 100 ORDER BY 3 DESC LIMIT 3;
SELECT o.status, count(*) AS items, sum(l.quantity * l.price) AS revenue FROM billing.orders o
	JOIN billing.lineitems l ON l.order_id = o.id GROUP BY 1 HAVING count(*) > 100 ORDER BY 3 DESC LIMIT 3;

-- ==== Written there, and taken back with the transaction ====
BEGIN;
EXPLAIN (VERBOSE, COSTS OFF) UPDATE billing.orders SET status = 'paid' WHERE id = 7;
UPDATE billing.orders SET status = 'paid' WHERE id = 7 RETURNING id, status, total;
ROLLBACK;

-- ==== Prepared: the parameter is bound at the source ====
PREPARE orders_of(int) AS SELECT count(*), sum(total) FROM billing.orders WHERE customer_id = $1;
EXECUTE orders_of(38);

-- ==== Out of use, back again, and gone with what depends on it ====
SELECT name, status FROM connhub.disable('stock');
\set ON_ERROR_STOP 0
SELECT count(*) FROM stock.products;
\set ON_ERROR_STOP 1
SELECT :'LAST_ERROR_SQLSTATE' AS refused_with;
SELECT name, status FROM connhub.enable('stock');
SELECT count(*) FROM stock.products;
SELECT name, removed, server_dropped, foreign_tables FROM connhub.delete_connector('stock', force => true);
SELECT name, type, status FROM connhub.connectors();
