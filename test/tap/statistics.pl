# Estimates for foreign tables are close to those for local, analysed copies of them: first by what discovery found, then
# by what ANALYZE took from the source, and after the data has changed.
use strict;
use warnings;
use Hub;
use Test::More;

# Within this factor; fewer rows than a handful are equal to the planner.
my ($factor, $handful) = (2, 10);

source_psql(<<'SQL');
DROP SCHEMA IF EXISTS estimates CASCADE;
CREATE SCHEMA estimates;
CREATE TABLE estimates.customer AS SELECT i AS custkey, 'Customer#' || lpad(i::text, 9, '0') AS name, i % 25 AS nationkey,
	(hashint4(i)::bigint % 11000)::numeric / 1 AS acctbal, (ARRAY['AUTOMOBILE', 'BUILDING', 'FURNITURE', 'HOUSEHOLD', 'MACHINERY'])[i % 5 + 1] AS mktsegment
	FROM generate_series(1, 1500) i;
CREATE TABLE estimates.orders AS SELECT i AS orderkey, 1 + abs(hashint4(i)) % 1500 AS custkey, CASE WHEN i % 100 < 49 THEN 'F' WHEN i % 100 < 97 THEN 'O' ELSE 'P' END::char(1) AS status,
	date '1992-01-01' + abs(hashint4(i + 7)) % 2400 AS orderdate, (1000 + abs(hashint4(i + 9)) % 400000)::numeric(15,2) AS totalprice,
	CASE WHEN i % 20 = 0 THEN NULL ELSE (ARRAY['1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECIFIED', '5-LOW'])[i % 5 + 1] END AS priority
	FROM generate_series(1, 15000) i;
CREATE TABLE estimates.lineitem AS SELECT 1 + i / 4 AS orderkey, i % 4 AS linenumber, (1 + abs(hashint4(i)) % 50)::numeric(15,2) AS quantity,
	((abs(hashint4(i + 3)) % 11) / 100.0)::numeric(15,2) AS discount, (ARRAY['A', 'N', 'N', 'R'])[i % 4 + 1] AS returnflag,
	date '1992-01-02' + abs(hashint4(i + 7)) % 2500 AS shipdate, timestamp '1992-01-02' + i * interval '1 hour' AS seen,
	(ARRAY['AIR', 'MAIL', 'SHIP', 'RAIL', 'TRUCK', 'FOB', 'REG AIR'])[i % 7 + 1] AS shipmode
	FROM generate_series(1, 59999) i;
ALTER TABLE estimates.customer ADD PRIMARY KEY (custkey);
ALTER TABLE estimates.orders ADD PRIMARY KEY (orderkey);
ALTER TABLE estimates.lineitem ADD PRIMARY KEY (orderkey, linenumber);
GRANT USAGE ON SCHEMA estimates TO connhub;
GRANT SELECT ON ALL TABLES IN SCHEMA estimates TO connhub;
ANALYZE estimates.customer, estimates.orders, estimates.lineitem;
SQL

my $hub = new_hub('statistics');
sub hub { return $hub->safe_psql('postgres', $_[0]) }

hub("SELECT connhub.create_connector('estimates', " . arguments(connector('postgresql', schema => 'estimates')) . ')');
hub("SELECT connhub.attach('estimates', into_schema => 'there')");
hub('CREATE SCHEMA here; CREATE TABLE here.customer AS SELECT * FROM there.customer; CREATE TABLE here.orders AS SELECT * FROM there.orders;'
	. ' CREATE TABLE here.lineitem AS SELECT * FROM there.lineitem;'
	. ' ALTER TABLE here.customer ADD PRIMARY KEY (custkey); ALTER TABLE here.orders ADD PRIMARY KEY (orderkey);'
	. ' ALTER TABLE here.lineitem ADD PRIMARY KEY (orderkey, linenumber); ANALYZE here.customer, here.orders, here.lineitem');

my @queries = (
	'SELECT * FROM orders WHERE orderdate >= \'1995-01-01\'',
	'SELECT * FROM orders WHERE orderdate >= \'1993-07-01\' AND orderdate < \'1993-10-01\'',
	'SELECT * FROM orders WHERE priority = \'1-URGENT\'',
	'SELECT * FROM orders WHERE priority IS NULL',
	'SELECT * FROM orders WHERE status = \'P\'',
	'SELECT * FROM orders WHERE totalprice > 300000',
	'SELECT * FROM orders WHERE custkey = 7',
	'SELECT * FROM customer WHERE mktsegment = \'BUILDING\'',
	'SELECT * FROM customer WHERE acctbal > 9000',
	'SELECT * FROM customer WHERE name LIKE \'Customer#00000001%\'',
	'SELECT * FROM customer WHERE name < \'Customer#000000300\'',
	'SELECT * FROM lineitem WHERE quantity < 5',
	'SELECT * FROM lineitem WHERE discount BETWEEN 0.05 AND 0.07 AND quantity < 24',
	'SELECT * FROM lineitem WHERE shipmode IN (\'MAIL\', \'SHIP\')',
	'SELECT * FROM lineitem WHERE shipmode <> \'AIR\' OR returnflag = \'R\'',
	'SELECT * FROM lineitem WHERE seen < \'1993-01-01 12:00\'',
	'SELECT * FROM lineitem WHERE orderkey = 4000',
	'SELECT * FROM customer c JOIN orders o USING (custkey)',
	'SELECT * FROM customer c JOIN orders o USING (custkey) WHERE c.mktsegment = \'BUILDING\' AND o.orderdate < \'1995-03-15\'',
	'SELECT * FROM orders o JOIN lineitem l USING (orderkey) WHERE o.priority = \'1-URGENT\' AND l.shipmode = \'MAIL\'',
	'SELECT * FROM customer c JOIN orders o USING (custkey) JOIN lineitem l USING (orderkey) WHERE c.nationkey = 3 AND l.returnflag = \'R\'',
	'SELECT * FROM orders o WHERE EXISTS (SELECT FROM lineitem l WHERE l.orderkey = o.orderkey AND l.quantity > 49)',
	'SELECT returnflag, shipmode, count(*) FROM lineitem WHERE shipdate <= \'1998-09-02\' GROUP BY 1, 2',
	'SELECT custkey, sum(totalprice) FROM orders GROUP BY 1',
	'SELECT DISTINCT priority FROM orders');

# Rows expected by the plan of a query over the tables of a schema.
sub expected
{
	my ($schema, $query) = @_;
	my $plan = hub("SET search_path = $schema; EXPLAIN (FORMAT JSON) $query");
	return $plan =~ /"Plan Rows": (\d+)/ ? $1 : die "no rows in $plan\n";
}

sub near
{
	my ($there, $here, $what) = @_;
	my $is_near = $there <= $here * $factor && $here <= $there * $factor;
	return ok($is_near || ($there <= $handful && $here <= $handful), "$what: $there rows, $here of the copy");
}

sub compare
{
	my ($what) = @_;
	near(expected('there', $_), expected('here', $_), "$what: $_") foreach @queries;
	return;
}

compare('discovered');

# ANALYZE takes what the source tells, and reads no row.
my $before = source_psql('SELECT sum(seq_scan) FROM pg_stat_user_tables WHERE schemaname = \'estimates\'');
hub('ANALYZE there.customer, there.orders, there.lineitem');
is(source_psql('SELECT pg_stat_force_next_flush(); SELECT pg_stat_clear_snapshot(); SELECT sum(seq_scan) FROM pg_stat_user_tables WHERE schemaname = \'estimates\'') =~ s/\s+//gr,
	$before, 'no table was read');
is(hub('SELECT count(*) FROM pg_statistic WHERE starelid IN (\'there.orders\'::regclass, \'there.lineitem\'::regclass)'), '0', 'nothing was sampled');
is(hub('SELECT reltuples FROM pg_class WHERE oid = \'there.lineitem\'::regclass'), '59999', 'rows of the source');
compare('analyzed');

# Changed data is seen once the source has analysed it, and ANALYZE has asked.
source_psql('UPDATE estimates.orders SET priority = \'1-URGENT\', totalprice = totalprice + 500000 WHERE orderkey % 3 = 0; ANALYZE estimates.orders');
hub('ANALYZE there.orders');
hub('DELETE FROM here.orders; INSERT INTO here.orders SELECT * FROM there.orders; ANALYZE here.orders');
compare('changed');

# A table whose source has not analysed it is sampled.
source_psql('CREATE TABLE estimates.fresh AS SELECT i AS a, i % 7 AS b FROM generate_series(1, 5000) i; GRANT SELECT ON estimates.fresh TO connhub');
hub("SELECT connhub.discover('estimates'); SELECT connhub.attach('estimates', into_schema => 'there')");
hub('ANALYZE there.fresh');
is(hub('SELECT count(*) FROM pg_statistic WHERE starelid = \'there.fresh\'::regclass'), '2', 'what the source does not tell is sampled');
is(hub('SELECT estimated_rows FROM connhub.remote_table WHERE connector = \'estimates\' AND name = \'fresh\''), '5000', 'and its rows counted');
cmp_ok(abs(expected('there', 'SELECT * FROM fresh WHERE b = 3') - 714), '<', 50, 'an estimate by the sample');

# Sources that tell of some columns only are sampled too, and then estimated as well.
foreach my $source (qw(mariadb sqlite))
{
	hub("SELECT connhub.create_connector('$source', " . arguments(connector($source)) . ')');
	hub("SELECT connhub.attach('$source', tables => '{orders}', into_schema => '$source')");
	hub("CREATE TABLE here.${source}_orders AS SELECT * FROM $source.orders; ANALYZE here.${source}_orders; ANALYZE $source.orders");
	foreach my $where ('status = \'paid\'', 'total > 100', 'ordered_at >= \'2025-06-01\'', 'customer_id = 38')
	{
		near(expected($source, "SELECT * FROM orders WHERE $where"), expected('here', "SELECT * FROM ${source}_orders WHERE $where"), "$source: $where");
	}
}

# MariaDB's own statistics, for who may read them: frequent values and a histogram; no row is read.
my %estimator = source_user('connhub_estimator');
source_mariadb(<<'SQL');
CREATE OR REPLACE TABLE estimated AS SELECT seq AS id, seq % 7 AS m, IF(seq % 3 = 0, NULL, CONCAT('row ', seq % 50)) AS s,
	IF(seq % 2 = 0, 'often', CONCAT('v', seq)) AS f, DATE_ADD('2020-01-01', INTERVAL seq DAY) AS d, seq * 1.5 AS n FROM seq_1_to_2000;
SET histogram_type = JSON_HB;
ANALYZE TABLE estimated PERSISTENT FOR ALL;
GRANT SELECT ON mysql.column_stats TO connhub_estimator@'127.0.0.1';
GRANT SELECT ON mysql.table_stats TO connhub_estimator@'127.0.0.1';
SQL
hub("SELECT connhub.create_connector('estimator', " . arguments(connector('mariadb', %estimator)) . ')');
hub("SELECT connhub.attach('estimator', tables => '{estimated}', into_schema => 'estimator')");
hub('CREATE TABLE here.estimated AS SELECT * FROM estimator.estimated; ANALYZE here.estimated; ANALYZE estimator.estimated');
is(hub('SELECT count(*) FROM pg_statistic WHERE starelid = \'estimator.estimated\'::regclass'), '0', 'mariadb: nothing was sampled');
foreach my $where ('m = 3', 'f = \'often\'', 'f = \'v17\'', 'f < \'v5\'', 'd < \'2021-01-01\'', 'n > 2000', 's = \'row 3\'', 's IS NULL')
{
	near((map { expected($_, "SELECT * FROM estimated WHERE $where") } qw(estimator here)), "mariadb's own: $where");
}
source_mariadb('DROP TABLE estimated');
drop_source_user('connhub_estimator');

$hub->stop;
source_psql('DROP SCHEMA estimates CASCADE');
done_testing();
