-- The shop: the same rows in every source, made by arithmetic, not by chance.
SET sql_mode = 'PIPES_AS_CONCAT,STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_BACKSLASH_ESCAPES';

CREATE TABLE customers (
	id integer PRIMARY KEY,
	name varchar(40) NOT NULL,
	email varchar(80) NOT NULL UNIQUE,
	country char(2) NOT NULL,
	vip tinyint(1) NOT NULL DEFAULT 0,
	credit decimal(12,2) COMMENT 'Most they may owe; null: no limit',
	birthday date,
	created_at datetime NOT NULL,
	note text
) COMMENT 'Who buys';

CREATE TABLE products (
	id integer PRIMARY KEY,
	sku varchar(16) NOT NULL UNIQUE,
	title varchar(60) NOT NULL,
	category varchar(20) NOT NULL,
	price decimal(10,2) NOT NULL,
	weight double
) COMMENT 'What is sold';

CREATE TABLE orders (
	id bigint PRIMARY KEY,
	customer_id integer NOT NULL,
	status varchar(12) NOT NULL,
	ordered_at datetime NOT NULL,
	total decimal(12,2) NOT NULL,
	KEY orders_customer_id (customer_id, ordered_at),
	CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id)
) COMMENT 'Who bought when';

CREATE TABLE lineitems (
	order_id bigint NOT NULL,
	line_no integer NOT NULL,
	product_id integer NOT NULL,
	quantity integer NOT NULL,
	price decimal(10,2) NOT NULL,
	PRIMARY KEY (order_id, line_no),
	CONSTRAINT lineitems_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (id),
	CONSTRAINT lineitems_product_id_fkey FOREIGN KEY (product_id) REFERENCES products (id)
) COMMENT 'What was bought';

INSERT INTO customers
SELECT seq,
	elt(1 + seq % 8, 'Ada', 'Björn', 'Chloé', 'Dmitri', 'Eun', 'Łucja', 'zoe', 'ZOE') || ' ' || seq,
	'c' || seq || '@example.com',
	elt(1 + seq % 5, 'DE', 'FR', 'US', 'JP', 'BR'),
	seq % 10 = 0,
	CASE WHEN seq % 7 <> 0 THEN seq * 12.5 END,
	CASE WHEN seq % 11 <> 0 THEN date_add('1960-01-01', INTERVAL seq * 83 DAY) END,
	date_add('2024-01-01 08:00:00', INTERVAL seq HOUR),
	CASE seq % 6 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'it''s 100% "fine"' WHEN 3 THEN 'back\slash' WHEN 4 THEN 'Grüße 👋' ELSE 'plain' END
FROM seq_1_to_200;

INSERT INTO products
SELECT seq, 'SKU-' || lpad(seq, 4, '0'), 'Product ' || seq,
	elt(1 + seq % 4, 'books', 'tools', 'garden', 'food'),
	seq * 1.25, CASE WHEN seq % 9 <> 0 THEN seq * 0.125 END
FROM seq_1_to_100;

INSERT INTO orders
SELECT seq, 1 + seq * 37 % 200, elt(1 + seq % 4, 'open', 'paid', 'shipped', 'returned'),
	date_add('2025-01-01 00:00:00', INTERVAL seq * 7 HOUR),
	(1 + seq % 3) * 1.25 * (1 + seq % 100)
FROM seq_1_to_1000;

INSERT INTO lineitems
SELECT o.seq, l.seq, 1 + (o.seq * 3 + l.seq) % 100, 1 + (o.seq + l.seq) % 5, 1.25 * (1 + (o.seq * 3 + l.seq) % 100)
FROM seq_1_to_1000 AS o, seq_1_to_3 AS l;

CREATE VIEW open_orders AS SELECT id, customer_id, total FROM orders WHERE status = 'open';

-- One row per boundary: least, greatest, null, empty, awkward.
CREATE TABLE edge_values (
	id integer PRIMARY KEY,
	label varchar(10) NOT NULL,
	c_bool tinyint(1),
	c_small smallint,
	c_int integer,
	c_big bigint,
	c_real float,
	c_double double,
	c_numeric decimal(30,10),
	c_char char(5),
	c_text text,
	c_bytes blob,
	c_date date,
	c_time time(6),
	c_timestamp datetime(6)
);
INSERT INTO edge_values VALUES
	(1, 'min', 0, -32768, -2147483648, -9223372036854775808, -1e37, -1e308, -99999999999999999999.9999999999, 'a', 'a', x'00', '1000-01-01', '00:00:00', '1000-01-01 00:00:00'),
	(2, 'max', 1, 32767, 2147483647, 9223372036854775807, 1e37, 1e308, 99999999999999999999.9999999999, 'zzzzz', repeat('z', 5000), repeat(x'ff', 3000), '9999-12-31', '23:59:59.999999', '9999-12-31 23:59:59.999999'),
	(3, 'null', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(4, 'empty', 0, 0, 0, 0, 0, 0, 0, '', '', '', '1970-01-01', '00:00:00', '1970-01-01 00:00:00'),
	(5, 'awkward', 1, -1, -1, -1, -0.5, 1.5, 0.0000000001, 'ab', concat('tab', char(9), 'here', char(10), 'quote'' double" back\ Ünï 👋'), x'275c00ff22', '2024-02-29', '12:34:56.5', '2024-02-29 12:34:56.000001');

-- Zero dates are legal here while the mode does not forbid them.
CREATE TABLE native_values (
	id integer PRIMARY KEY,
	label varchar(10) NOT NULL,
	c_tiny tinyint,
	c_tiny_unsigned tinyint unsigned,
	c_small_unsigned smallint unsigned,
	c_medium mediumint,
	c_medium_unsigned mediumint unsigned,
	c_int_unsigned int unsigned,
	c_big_unsigned bigint unsigned,
	c_bit1 bit(1),
	c_bit64 bit(64),
	c_decimal decimal(65,30),
	c_date date,
	c_time time,
	c_time6 time(6),
	c_datetime datetime,
	c_timestamp timestamp(6) NULL,
	c_year year,
	c_enum enum('small', 'medium', 'large', ''),
	c_set set('a', 'b', 'c'),
	c_json json,
	c_binary binary(4),
	c_varbinary varbinary(10),
	c_tinytext tinytext,
	c_mediumtext mediumtext,
	c_longtext longtext,
	c_tinyblob tinyblob,
	c_longblob longblob,
	c_latin1 varchar(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci,
	c_bin varchar(20) COLLATE utf8mb4_bin,
	c_uuid uuid,
	c_inet6 inet6,
	c_point point,
	`Odd ``name` text
);
INSERT INTO native_values VALUES
	(1, 'min', -128, 0, 0, -8388608, 0, 0, 0, b'0', 0, -99999999999999999999999999999999999.999999999999999999999999999999, '0000-00-00', '-838:59:59', '-838:59:59.999999', '0000-00-00 00:00:00', '1970-01-01 00:00:01', 1901, 'small', '', 'null', '', '', '', '', '', '', '', '', '', '00000000-0000-0000-0000-000000000000', '::', NULL, ''),
	(2, 'max', 127, 255, 65535, 8388607, 16777215, 4294967295, 18446744073709551615, b'1', 0xffffffffffffffff, 99999999999999999999999999999999999.999999999999999999999999999999, '9999-12-31', '838:59:59', '838:59:59.999999', '9999-12-31 23:59:59', '2038-01-19 03:14:07.999999', 2155, 'large', 'a,b,c', '{"a": [1, 2]}', x'ffffffff', x'00ff275c', repeat('t', 255), repeat('m', 70000), repeat('l', 70000), repeat(x'ff', 255), repeat(x'fe', 70000), 'Grüße', 'Grüße', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', ST_GeomFromText('POINT(1 2)'), 'odd'),
	(3, 'null', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(4, 'partial', 0, 1, 1, 0, 1, 1, 9223372036854775808, b'1', 1, 0, '2024-00-00', '24:00:00', '-00:00:00.000001', '2024-01-00 00:00:00', '2001-09-09 01:46:40', 0, '', 'b', '"x"', 'ab', 'ab', 'x', 'x', 'x', 'x', 'x', 'x', 'X', '123e4567-e89b-42d3-a456-426614174000', '::1', NULL, 'ä');

-- Many rows without storing them, and rows that take their time.
CREATE VIEW many_rows AS
	SELECT CAST(seq AS integer) AS n, CAST(seq % 1000 AS integer) AS bucket, concat('row number ', seq) AS label FROM seq_1_to_2000000;
CREATE VIEW slow_rows AS
	SELECT CAST(seq AS integer) AS n, sleep(0.05) AS slept FROM seq_1_to_10000;
CREATE VIEW slow_query AS
	SELECT 1 AS n, sleep(600) AS slept;

ANALYZE TABLE customers, products, orders, lineitems PERSISTENT FOR ALL;
