-- The shop: the same rows in every source, made by arithmetic, not by chance.
PRAGMA foreign_keys = on;
BEGIN;

CREATE TABLE customers (
	id integer PRIMARY KEY,
	name varchar(40) NOT NULL,
	email varchar(80) NOT NULL UNIQUE,
	country char(2) NOT NULL,
	vip boolean NOT NULL DEFAULT 0,
	credit decimal(12,2),
	birthday date,
	created_at datetime NOT NULL,
	note text
);

CREATE TABLE products (
	id integer PRIMARY KEY,
	sku varchar(16) NOT NULL UNIQUE,
	title varchar(60) NOT NULL,
	category varchar(20) NOT NULL,
	price decimal(10,2) NOT NULL,
	weight double
);

CREATE TABLE orders (
	id bigint PRIMARY KEY,
	customer_id integer NOT NULL REFERENCES customers (id),
	status varchar(12) NOT NULL,
	ordered_at datetime NOT NULL,
	total decimal(12,2) NOT NULL
);
CREATE INDEX orders_customer_id ON orders (customer_id, ordered_at);

CREATE TABLE lineitems (
	order_id bigint NOT NULL REFERENCES orders (id),
	line_no integer NOT NULL,
	product_id integer NOT NULL REFERENCES products (id),
	quantity integer NOT NULL,
	price decimal(10,2) NOT NULL,
	PRIMARY KEY (order_id, line_no)
);

WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 200)
INSERT INTO customers
SELECT n,
	CASE n % 8 WHEN 0 THEN 'Ada' WHEN 1 THEN 'Björn' WHEN 2 THEN 'Chloé' WHEN 3 THEN 'Dmitri' WHEN 4 THEN 'Eun' WHEN 5 THEN 'Łucja' WHEN 6 THEN 'zoe' ELSE 'ZOE' END || ' ' || n,
	'c' || n || '@example.com',
	CASE n % 5 WHEN 0 THEN 'DE' WHEN 1 THEN 'FR' WHEN 2 THEN 'US' WHEN 3 THEN 'JP' ELSE 'BR' END,
	n % 10 = 0,
	CASE WHEN n % 7 <> 0 THEN n * 12.5 END,
	CASE WHEN n % 11 <> 0 THEN date('1960-01-01', (n * 83) || ' days') END,
	datetime('2024-01-01 08:00:00', n || ' hours'),
	CASE n % 6 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'it''s 100% "fine"' WHEN 3 THEN 'back\slash' WHEN 4 THEN 'Grüße 👋' ELSE 'plain' END
FROM s;

WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100)
INSERT INTO products
SELECT n, printf('SKU-%04d', n), 'Product ' || n,
	CASE n % 4 WHEN 0 THEN 'books' WHEN 1 THEN 'tools' WHEN 2 THEN 'garden' ELSE 'food' END,
	n * 1.25, CASE WHEN n % 9 <> 0 THEN n * 0.125 END
FROM s;

WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 1000)
INSERT INTO orders
SELECT n, 1 + n * 37 % 200,
	CASE n % 4 WHEN 0 THEN 'open' WHEN 1 THEN 'paid' WHEN 2 THEN 'shipped' ELSE 'returned' END,
	datetime('2025-01-01 00:00:00', (n * 7) || ' hours'),
	(1 + n % 3) * 1.25 * (1 + n % 100)
FROM s;

WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 1000),
	l(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM l WHERE n < 3)
INSERT INTO lineitems
SELECT s.n, l.n, 1 + (s.n * 3 + l.n) % 100, 1 + (s.n + l.n) % 5, 1.25 * (1 + (s.n * 3 + l.n) % 100)
FROM s, l;

CREATE VIEW open_orders AS SELECT id, customer_id, total FROM orders WHERE status = 'open';

-- One row per boundary: least, greatest, null, empty, awkward.
CREATE TABLE edge_values (
	id integer PRIMARY KEY,
	label varchar(10) NOT NULL,
	c_bool boolean,
	c_small smallint,
	c_int integer,
	c_big bigint,
	c_real real,
	c_double double,
	c_numeric text,
	c_char char(5),
	c_text text,
	c_bytes blob,
	c_date date,
	c_time time,
	c_timestamp datetime
);
INSERT INTO edge_values VALUES
	(1, 'min', 0, -32768, -2147483648, -9223372036854775808, -1e37, -1e308, '-99999999999999999999.9999999999', 'a', 'a', x'00', '1000-01-01', '00:00:00', '1000-01-01 00:00:00'),
	(2, 'max', 1, 32767, 2147483647, 9223372036854775807, 1e37, 1e308, '99999999999999999999.9999999999', 'zzzzz', replace(hex(zeroblob(2500)), '0', 'z'), CAST(replace(hex(zeroblob(1500)), '0', char(127)) AS blob), '9999-12-31', '23:59:59.999999', '9999-12-31 23:59:59.999999'),
	(3, 'null', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(4, 'empty', 0, 0, 0, 0, 0, 0, '0', '', '', x'', '1970-01-01', '00:00:00', '1970-01-01 00:00:00'),
	(5, 'awkward', 1, -1, -1, -1, -0.5, 1.5, '0.0000000001', 'ab', 'tab' || char(9) || 'here' || char(10) || 'quote'' double" back\ Ünï 👋', x'275c00ff22', '2024-02-29', '12:34:56.5', '2024-02-29 12:34:56.000001');

-- A column's type is a wish here: any value may stand anywhere.
CREATE TABLE native_values (
	id integer PRIMARY KEY,
	label varchar(10) NOT NULL,
	c_integer integer,
	c_real real,
	c_numeric numeric,
	c_text text,
	c_blob blob,
	c_none,
	c_boolean boolean,
	c_date date,
	c_datetime datetime,
	"Odd ""name" text
);
INSERT INTO native_values VALUES
	(1, 'declared', 1, 1.5, 2.25, 'text', x'0102', 'any', 1, '2024-01-01', '2024-01-01 00:00:00', ''),
	(2, 'other', 'not a number', 'nor this', 'nor that', 7, 'text', 3.5, 'maybe', 'someday', 20240101, 'odd'),
	(3, 'null', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(4, 'numbers', 9223372036854775807, 1e999, 1e300, 1, 2, 3, 2, 1704067200, 1704067200.5, 'ä');

-- Many rows without storing them, and rows that take their time.
CREATE VIEW many_rows AS
	WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 2000000)
	SELECT n, n % 1000 AS bucket, 'row number ' || n AS label FROM s;
CREATE VIEW slow_rows AS
	WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s)
	SELECT n FROM s WHERE n % 1000000 = 0;
CREATE VIEW slow_query AS
	WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100000000000)
	SELECT count(*) AS n FROM s;

COMMIT;
ANALYZE;
