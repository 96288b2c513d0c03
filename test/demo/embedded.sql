-- The main job of connhub with the embedded source: one SQLite file, no second server.
\getenv file CONNHUB_TEST_SQLITE

-- ==== The extension, and the types of source it knows ====
CREATE EXTENSION connhub;
SELECT name, category, default_port, driver FROM connhub.types();

-- ==== A first try, without saving anything: a file that is not there ====
SELECT success, error_code, phase, message, hint FROM connhub.test(type => 'sqlite', database => '/srv/no-such-file.db') \gx

-- ==== A connector: checked, tested, saved, discovered ====
SELECT name, type, status, server_version, round(latency_ms) AS ms, schemas, tables FROM connhub.create_connector('stock', 'sqlite', database => :'file');
SELECT success, server_version, latency_ms < 1000 AS fast FROM connhub.test('stock');

-- ==== What discovery found ====
SELECT schema, name, type, columns, primary_key, estimated_rows FROM connhub.tables('stock');
SELECT name, remote_type, pg_type, nullable FROM connhub.columns('stock', table_pattern => 'products') ORDER BY position;

-- ==== Attached: discovered tables become foreign tables ====
SELECT * FROM connhub.attach('stock');

-- ==== A join with a local table, and what was sent ====
CREATE TABLE target (category text PRIMARY KEY, share numeric NOT NULL);
INSERT INTO target VALUES ('books', 0.4), ('tools', 0.3), ('garden', 0.2);
EXPLAIN (VERBOSE, COSTS OFF)
SELECT t.category, t.share, count(*), sum(p.price) FROM target t JOIN stock.products p USING (category)
WHERE p.price BETWEEN 10 AND 100 AND p.title LIKE 'Product 1%' GROUP BY 1, 2 ORDER BY 1;
SELECT t.category, t.share, count(*), sum(p.price) FROM target t JOIN stock.products p USING (category)
WHERE p.price BETWEEN 10 AND 100 AND p.title LIKE 'Product 1%' GROUP BY 1, 2 ORDER BY 1;

-- ==== Only the ten rows wanted leave the file ====
EXPLAIN (VERBOSE, COSTS OFF) SELECT id, total FROM stock.orders WHERE customer_id = 38 ORDER BY id DESC LIMIT 10;
SELECT id, total FROM stock.orders WHERE customer_id = 38 ORDER BY id DESC LIMIT 10;

-- ==== Gone, with what depends on it ====
SELECT name, removed, server_dropped, foreign_tables FROM connhub.delete_connector('stock', force => true);
