-- test/bench/sql/items_sqlite.sql — the table items of items.sql.
CREATE TABLE items (
	l_orderkey bigint NOT NULL,
	l_partkey int NOT NULL,
	l_suppkey int NOT NULL,
	l_linenumber int NOT NULL,
	l_quantity real NOT NULL,
	l_extendedprice real NOT NULL,
	l_discount real NOT NULL,
	l_tax real NOT NULL,
	l_returnflag text NOT NULL,
	l_linestatus text NOT NULL,
	l_shipdate date NOT NULL,
	l_commitdate date NOT NULL,
	l_receiptdate date NOT NULL,
	l_shipinstruct text NOT NULL,
	l_shipmode text NOT NULL,
	l_comment text NOT NULL,
	PRIMARY KEY (l_orderkey, l_linenumber)
) WITHOUT ROWID;
