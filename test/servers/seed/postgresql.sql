-- The shop: the same rows in every source, made by arithmetic, not by chance.
CREATE SCHEMA shop AUTHORIZATION connhub;
SET ROLE connhub;
SET search_path = shop;

CREATE TABLE customers (
	id integer PRIMARY KEY,
	name varchar(40) NOT NULL,
	email varchar(80) NOT NULL UNIQUE,
	country char(2) NOT NULL,
	vip boolean NOT NULL DEFAULT false,
	credit numeric(12,2),
	birthday date,
	created_at timestamp NOT NULL,
	note text
);
COMMENT ON TABLE customers IS 'Who buys';
COMMENT ON COLUMN customers.credit IS 'Most they may owe; null: no limit';

CREATE TABLE products (
	id integer PRIMARY KEY,
	sku varchar(16) NOT NULL UNIQUE,
	title varchar(60) NOT NULL,
	category varchar(20) NOT NULL,
	price numeric(10,2) NOT NULL,
	weight double precision
);
COMMENT ON TABLE products IS 'What is sold';

CREATE TABLE orders (
	id bigint PRIMARY KEY,
	customer_id integer NOT NULL REFERENCES customers (id),
	status varchar(12) NOT NULL,
	ordered_at timestamp NOT NULL,
	total numeric(12,2) NOT NULL
);
COMMENT ON TABLE orders IS 'Who bought when';
CREATE INDEX orders_customer_id ON orders (customer_id, ordered_at);

CREATE TABLE lineitems (
	order_id bigint NOT NULL REFERENCES orders (id),
	line_no integer NOT NULL,
	product_id integer NOT NULL REFERENCES products (id),
	quantity integer NOT NULL,
	price numeric(10,2) NOT NULL,
	PRIMARY KEY (order_id, line_no)
);
COMMENT ON TABLE lineitems IS 'What was bought';

INSERT INTO customers
SELECT n,
	(ARRAY['Ada', 'Björn', 'Chloé', 'Dmitri', 'Eun', 'Łucja', 'zoe', 'ZOE'])[1 + n % 8] || ' ' || n,
	'c' || n || '@example.com',
	(ARRAY['DE', 'FR', 'US', 'JP', 'BR'])[1 + n % 5],
	n % 10 = 0,
	CASE WHEN n % 7 <> 0 THEN n * 12.5 END,
	CASE WHEN n % 11 <> 0 THEN date '1960-01-01' + n * 83 END,
	timestamp '2024-01-01 08:00:00' + n * interval '1 hour',
	CASE n % 6 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'it''s 100% "fine"' WHEN 3 THEN 'back\slash' WHEN 4 THEN 'Grüße 👋' ELSE 'plain' END
FROM generate_series(1, 200) AS n;

INSERT INTO products
SELECT n, 'SKU-' || lpad(n::text, 4, '0'), 'Product ' || n,
	(ARRAY['books', 'tools', 'garden', 'food'])[1 + n % 4],
	n * 1.25, CASE WHEN n % 9 <> 0 THEN n * 0.125 END
FROM generate_series(1, 100) AS n;

INSERT INTO orders
SELECT n, 1 + n * 37 % 200, (ARRAY['open', 'paid', 'shipped', 'returned'])[1 + n % 4],
	timestamp '2025-01-01 00:00:00' + n * interval '7 hours',
	(1 + n % 3) * 1.25 * (1 + n % 100)
FROM generate_series(1, 1000) AS n;

INSERT INTO lineitems
SELECT o, l, 1 + (o * 3 + l) % 100, 1 + (o + l) % 5, 1.25 * (1 + (o * 3 + l) % 100)
FROM generate_series(1, 1000) AS o, generate_series(1, 3) AS l;

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
	c_double double precision,
	c_numeric numeric(30,10),
	c_char char(5),
	c_text text,
	c_bytes bytea,
	c_date date,
	c_time time,
	c_timestamp timestamp
);
INSERT INTO edge_values VALUES
	(1, 'min', false, -32768, -2147483648, -9223372036854775808, -1e37, -1e308, -99999999999999999999.9999999999, 'a', 'a', '\x00', '1000-01-01', '00:00:00', '1000-01-01 00:00:00'),
	(2, 'max', true, 32767, 2147483647, 9223372036854775807, 1e37, 1e308, 99999999999999999999.9999999999, 'zzzzz', repeat('z', 5000), decode(repeat('ff', 3000), 'hex'), '9999-12-31', '23:59:59.999999', '9999-12-31 23:59:59.999999'),
	(3, 'null', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(4, 'empty', false, 0, 0, 0, 0, 0, 0, '', '', '', '1970-01-01', '00:00:00', '1970-01-01 00:00:00'),
	(5, 'awkward', true, -1, -1, -1, -0.5, 1.5, 0.0000000001, 'ab', E'tab\there\nquote'' double" back\\ Ünï 👋', '\x275c00ff22', '2024-02-29', '12:34:56.5', '2024-02-29 12:34:56.000001');

CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE pair AS (a integer, b text);
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TABLE native_values (
	id integer PRIMARY KEY,
	label varchar(10) NOT NULL,
	c_numeric numeric,
	c_real real,
	c_double double precision,
	c_money money,
	c_date date,
	c_timestamp timestamp,
	c_timestamptz timestamptz,
	c_timetz timetz,
	c_interval interval,
	c_uuid uuid,
	c_json json,
	c_jsonb jsonb,
	c_xml xml,
	c_inet inet,
	c_cidr cidr,
	c_macaddr macaddr,
	c_bit bit(4),
	c_varbit bit varying,
	c_ints integer[],
	c_texts text[],
	c_range int4range,
	c_multirange int4multirange,
	c_mood mood,
	c_pair pair,
	c_positive positive,
	c_tsvector tsvector,
	c_point point,
	c_oid oid,
	c_name name,
	c_quoted "char",
	"Odd ""name" text
);
INSERT INTO native_values VALUES
	(1, 'min', '-Infinity', '-Infinity', '-Infinity', '-92233720368547758.08', '-infinity', '-infinity', '-infinity', '00:00:00+15:59:59', '-178000000 years', '00000000-0000-0000-0000-000000000000', 'null', 'null', '', '0.0.0.0/0', '0.0.0.0/0', '00:00:00:00:00:00', B'0000', B'', '{}', '{}', 'empty', '{}', 'sad', ROW(NULL, NULL), 1, '', '(-1e300,-1e300)', 0, '', '', ''),
	(2, 'max', 'Infinity', 'Infinity', 'Infinity', '92233720368547758.07', 'infinity', 'infinity', 'infinity', '24:00:00-15:59:59', '178000000 years', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '[1, 2]', '[1, 2]', '<a/>', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '::/0', 'ff:ff:ff:ff:ff:ff', B'1111', B'101010101010101010101', '{{1,2},{3,NULL}}', '{a,"b c",NULL,"\"\\"}', '(,)', '{[1,2),[5,)}', 'happy', ROW(2147483647, 'b"c,d'), 2147483647, 'a:1 b:2', '(1e300,1e300)', 4294967295, repeat('n', 63)::name, 'z', 'odd'),
	(3, 'null', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(4, 'nan', 'NaN', 'NaN', 'NaN', '0', '4713-01-01 BC', '4713-01-01 BC', '4713-01-02 BC', '12:00:00+00', '1 mon -1 day 00:00:00.000001', '12345678-9abc-def0-1234-56789abcdef0', '{"a": 1, "a": 2}', '{"a": 2}', '<a>&amp;</a>', '::1', '10.0.0.0/8', '08:00:2b:01:02:03', B'1010', B'1', '[0:1]={7,8}', '{NULL}', '[1,1]', '{}', 'ok', ROW(0, ''), 7, '''it''''s''', '(0,0)', 1, 'x', 'a', 'ä');

-- Many rows without storing them, and rows that take their time.
CREATE VIEW many_rows AS
	SELECT n, n % 1000 AS bucket, 'row number ' || n AS label FROM generate_series(1, 2000000) AS n;
CREATE VIEW slow_rows AS
	SELECT n, CASE WHEN pg_sleep(0.05) IS NULL THEN 0 ELSE 1 END AS slept FROM generate_series(1, 10000) AS n;
CREATE VIEW slow_query AS
	SELECT 1 AS n, CASE WHEN pg_sleep(600) IS NULL THEN 0 ELSE 1 END AS slept;

RESET ROLE;
ANALYZE;
