-- test/bench/sql/tpch_data.sql — data for the eight tables, made from keys alone.
--
-- Sizes, keys, ranges and dependencies are those of the specification; texts are shorter and simpler, and what a query looks
-- for in a text is there more often, so that a small scale finds some too.  Variables: parts, suppliers, customers.
INSERT INTO region
SELECT k - 1, name, gen.sentence(k, 1, 100) FROM unnest('{AFRICA,AMERICA,ASIA,EUROPE,MIDDLE EAST}'::text[]) WITH ORDINALITY AS r (name, k);

INSERT INTO nation
SELECT k - 1, name, ('{0,1,1,1,4,0,3,3,2,2,4,4,2,4,0,0,0,1,2,3,4,2,3,3,1}'::int[])[k], gen.sentence(k, 2, 100)
FROM unnest('{ALGERIA,ARGENTINA,BRAZIL,CANADA,EGYPT,ETHIOPIA,FRANCE,GERMANY,INDIA,INDONESIA,IRAN,IRAQ,JAPAN,JORDAN,KENYA,MOROCCO,MOZAMBIQUE,
	PERU,CHINA,ROMANIA,SAUDI ARABIA,VIETNAM,RUSSIA,UNITED KINGDOM,UNITED STATES}'::text[]) WITH ORDINALITY AS n (name, k);

CREATE FUNCTION gen.phone(key bigint, nation int) RETURNS text LANGUAGE sql IMMUTABLE AS
	'SELECT format(''%s-%s-%s-%s'', nation + 10, gen.pick(key, 21, 100, 999), gen.pick(key, 22, 100, 999), gen.pick(key, 23, 1000, 9999))';

INSERT INTO supplier
SELECT k, 'Supplier#' || lpad(k::text, 9, '0'), left(md5(k::text), gen.pick(k, 1, 10, 32)), n, gen.phone(k, n), gen.pick(k, 3, -99999, 999999) / 100.0,
	CASE k % 500 WHEN 7 THEN 'the Customer of these final Complaints' WHEN 8 THEN 'a Customer quickly Recommends' ELSE gen.sentence(k, 4, 100) END
FROM generate_series(1, :suppliers) k, LATERAL (SELECT gen.pick(k, 2, 0, 24) AS n) nation;

CREATE TABLE gen.parts AS SELECT
	'{almond,antique,aquamarine,azure,beige,bisque,black,blanched,blue,blush,brown,burlywood,burnished,chartreuse,chiffon,chocolate,coral,cornflower,
	cornsilk,cream,cyan,dark,deep,dim,dodger,drab,firebrick,floral,forest,frosted,gainsboro,ghost,goldenrod,green,grey,honeydew,hot,indian,ivory,khaki,
	lace,lavender,lawn,lemon,light,lime,linen,magenta,maroon,medium,metallic,midnight,mint,misty,moccasin,navajo,navy,olive,orange,orchid,pale,papaya,
	peach,peru,pink,plum,powder,puff,purple,red,rose,rosy,royal,saddle,salmon,sandy,seashell,sienna,sky,slate,smoke,snow,spring,steel,tan,thistle,
	tomato,turquoise,violet,wheat,white,yellow}'::text[] AS colours,
	'{STANDARD,SMALL,MEDIUM,LARGE,ECONOMY,PROMO}'::text[] AS sizes,
	'{ANODIZED,BURNISHED,PLATED,POLISHED,BRUSHED}'::text[] AS finishes,
	'{TIN,NICKEL,BRASS,STEEL,COPPER}'::text[] AS metals,
	'{SM,LG,MED,JUMBO,WRAP}'::text[] AS packs,
	'{CASE,BOX,BAG,JAR,PKG,PACK,CAN,DRUM}'::text[] AS containers;

INSERT INTO part
SELECT k, concat_ws(' ', gen.word(k, 1, colours), gen.word(k, 2, colours), gen.word(k, 3, colours), gen.word(k, 4, colours), gen.word(k, 5, colours)),
	'Manufacturer#' || m, 'Brand#' || m || gen.pick(k, 7, 1, 5),
	concat_ws(' ', gen.word(k, 8, sizes), gen.word(k, 9, finishes), gen.word(k, 10, metals)), gen.pick(k, 11, 1, 50),
	gen.word(k, 12, packs) || ' ' || gen.word(k, 13, containers), (90000 + (k / 10) % 20001 + 100 * (k % 1000)) / 100.0, gen.sentence(k, 14, 23)
FROM gen.parts, generate_series(1, :parts) k, LATERAL (SELECT gen.pick(k, 6, 1, 5) AS m) maker;

-- The four suppliers of a part.
CREATE FUNCTION gen.supplier(part int, nth int, suppliers int) RETURNS int LANGUAGE sql IMMUTABLE AS
	'SELECT (part + nth * (suppliers / 4 + (part - 1) / suppliers)) % suppliers + 1';

INSERT INTO partsupp
SELECT p_partkey, gen.supplier(p_partkey, n, :suppliers), gen.pick(k, 1, 1, 9999), gen.pick(k, 2, 100, 100000) / 100.0, gen.sentence(k, 3, 199)
FROM part, generate_series(0, 3) n, LATERAL (SELECT p_partkey::bigint * 4 + n AS k) key;

INSERT INTO customer
SELECT k, 'Customer#' || lpad(k::text, 9, '0'), left(md5('c' || k), gen.pick(k, 1, 10, 32)), n, gen.phone(k, n), gen.pick(k, 3, -99999, 999999) / 100.0,
	gen.word(k, 4, '{AUTOMOBILE,BUILDING,FURNITURE,MACHINERY,HOUSEHOLD}'), gen.sentence(k, 5, 117)
FROM generate_series(1, :customers) k, LATERAL (SELECT gen.pick(k, 2, 0, 24) AS n) nation;

-- Ten orders per customer on average, none of every third; of 32 keys eight are used.
CREATE TABLE gen.orders AS
SELECT (k / 8) * 32 + k % 8 AS orderkey, c - (c % 3 = 0)::int AS custkey, date '1992-01-01' + gen.pick(k, 2, 0, 2405) AS orderdate, k
FROM generate_series(1, :customers * 10) k, LATERAL (SELECT gen.pick(k, 1, 1, :customers) AS c) customer;

INSERT INTO lineitem
SELECT orderkey, partkey, gen.supplier(partkey, gen.pick(i, 2, 0, 3), :suppliers), line, quantity, quantity * p_retailprice,
	gen.pick(i, 4, 0, 10) / 100.0, gen.pick(i, 5, 0, 8) / 100.0,
	CASE WHEN received <= '1995-06-17' THEN gen.word(i, 9, '{R,A}') ELSE 'N' END, CASE WHEN shipped > '1995-06-17' THEN 'O' ELSE 'F' END,
	shipped, orderdate + gen.pick(i, 7, 30, 90), received,
	gen.word(i, 10, '{DELIVER IN PERSON,COLLECT COD,NONE,TAKE BACK RETURN}'), gen.word(i, 11, '{REG AIR,AIR,RAIL,SHIP,TRUCK,MAIL,FOB}'),
	gen.sentence(i, 12, 44)
FROM gen.orders, LATERAL generate_series(1, gen.pick(k, 3, 1, 7)) line, LATERAL (SELECT k * 8 + line AS i) key,
	LATERAL (SELECT gen.pick(i, 1, 1, :parts) AS partkey, gen.pick(i, 3, 1, 50) AS quantity, orderdate + gen.pick(i, 6, 1, 121) AS shipped) item,
	LATERAL (SELECT shipped + gen.pick(i, 8, 1, 30) AS received) arrival, part
WHERE p_partkey = partkey
ORDER BY orderkey, line;

INSERT INTO orders
SELECT orderkey, custkey, CASE count(*) WHEN count(*) FILTER (WHERE l_linestatus = 'F') THEN 'F' WHEN count(*) FILTER (WHERE l_linestatus = 'O') THEN 'O' ELSE 'P' END,
	round(sum(l_extendedprice * (1 + l_tax) * (1 - l_discount)), 2), orderdate,
	gen.word(k, 4, '{1-URGENT,2-HIGH,3-MEDIUM,4-NOT SPECIFIED,5-LOW}'), 'Clerk#' || lpad(gen.pick(k, 5, 1, greatest(:suppliers / 10, 1))::text, 9, '0'), 0,
	CASE WHEN k % 80 = 3 THEN 'these special deposits and requests' ELSE gen.sentence(k, 6, 79) END
FROM gen.orders JOIN lineitem ON l_orderkey = orderkey
GROUP BY orderkey, custkey, orderdate, k
ORDER BY orderkey;
