-- test/bench/sql/items.sql — two tables for the works on one large table: items has the columns of TPC-H's lineitem.
-- Variables: rows.
CREATE SCHEMA bench;

CREATE TABLE bench.orders (
	o_orderkey bigint NOT NULL,
	o_custkey int NOT NULL,
	o_orderdate date NOT NULL,
	o_totalprice numeric(15,2) NOT NULL,
	o_comment varchar(79) NOT NULL
);
CREATE TABLE bench.items (
	l_orderkey bigint NOT NULL,
	l_partkey int NOT NULL,
	l_suppkey int NOT NULL,
	l_linenumber int NOT NULL,
	l_quantity numeric(15,2) NOT NULL,
	l_extendedprice numeric(15,2) NOT NULL,
	l_discount numeric(15,2) NOT NULL,
	l_tax numeric(15,2) NOT NULL,
	l_returnflag char(1) NOT NULL,
	l_linestatus char(1) NOT NULL,
	l_shipdate date NOT NULL,
	l_commitdate date NOT NULL,
	l_receiptdate date NOT NULL,
	l_shipinstruct char(25) NOT NULL,
	l_shipmode char(10) NOT NULL,
	l_comment varchar(44) NOT NULL
);

INSERT INTO bench.orders
SELECT k, gen.pick(k, 1, 1, 15000), date '1992-01-01' + gen.pick(k, 2, 0, 2405), gen.pick(k, 3, 100000, 50000000) / 100.0, gen.sentence(k, 4, 79)
FROM generate_series(1, :rows / 4) k;

-- Four items of each order; one in a thousand has a given l_suppkey.
INSERT INTO bench.items
SELECT o.o_orderkey, gen.pick(k, 1, 1, 20000), gen.pick(k, 2, 1, 1000), line,
	q, q * gen.pick(k, 4, 90000, 200000) / 100, gen.pick(k, 5, 0, 10) / 100.0, gen.pick(k, 6, 0, 8) / 100.0,
	CASE WHEN o_orderdate < '1995-06-17' THEN gen.word(k, 7, '{R,A}') ELSE 'N' END,
	CASE WHEN o_orderdate < '1995-06-17' THEN 'F' ELSE 'O' END,
	o_orderdate + gen.pick(k, 8, 1, 121), o_orderdate + gen.pick(k, 9, 30, 90), o_orderdate + gen.pick(k, 8, 1, 121) + gen.pick(k, 10, 1, 30),
	gen.word(k, 11, '{DELIVER IN PERSON,COLLECT COD,NONE,TAKE BACK RETURN}'), gen.word(k, 12, '{REG AIR,AIR,RAIL,SHIP,TRUCK,MAIL,FOB}'),
	gen.sentence(k, 13, 44)
FROM bench.orders o, generate_series(1, 4) line, LATERAL (SELECT o_orderkey * 4 + line - 5 AS k) key,
	LATERAL (SELECT gen.pick(k, 3, 1, 50) AS q) quantity
ORDER BY o_orderkey, line;

ALTER TABLE bench.orders ADD PRIMARY KEY (o_orderkey);
ALTER TABLE bench.items ADD PRIMARY KEY (l_orderkey, l_linenumber);
CREATE INDEX items_shipdate ON bench.items (l_shipdate);
CREATE INDEX orders_orderdate ON bench.orders (o_orderdate);

-- What the works of writing fill: a key of its own comes first, which mysql_fdw insists on.
CREATE TABLE bench.sink (LIKE bench.items INCLUDING ALL);
ALTER TABLE bench.sink DROP CONSTRAINT sink_pkey, ADD PRIMARY KEY (l_orderkey);
DROP INDEX bench.sink_l_shipdate_idx;
VACUUM ANALYZE bench.orders;
VACUUM ANALYZE bench.items;
