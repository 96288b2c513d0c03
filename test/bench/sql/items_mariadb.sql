-- test/bench/sql/items_mariadb.sql — the tables of items.sql, and who may use them.  Text compares by bytes, as in the hub.
CREATE DATABASE connhub_bench CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE DATABASE connhub_tpch CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
USE connhub_bench;

CREATE TABLE orders (
	o_orderkey bigint NOT NULL PRIMARY KEY,
	o_custkey int NOT NULL,
	o_orderdate date NOT NULL,
	o_totalprice decimal(15,2) NOT NULL,
	o_comment varchar(79) NOT NULL,
	KEY (o_orderdate)
);
CREATE TABLE items (
	l_orderkey bigint NOT NULL,
	l_partkey int NOT NULL,
	l_suppkey int NOT NULL,
	l_linenumber int NOT NULL,
	l_quantity decimal(15,2) NOT NULL,
	l_extendedprice decimal(15,2) NOT NULL,
	l_discount decimal(15,2) NOT NULL,
	l_tax decimal(15,2) NOT NULL,
	l_returnflag char(1) NOT NULL,
	l_linestatus char(1) NOT NULL,
	l_shipdate date NOT NULL,
	l_commitdate date NOT NULL,
	l_receiptdate date NOT NULL,
	l_shipinstruct char(25) NOT NULL,
	l_shipmode char(10) NOT NULL,
	l_comment varchar(44) NOT NULL,
	PRIMARY KEY (l_orderkey, l_linenumber),
	KEY (l_shipdate)
);
CREATE TABLE sink LIKE items;
ALTER TABLE sink DROP PRIMARY KEY, ADD PRIMARY KEY (l_orderkey), DROP KEY l_shipdate;
