# Appends over several connectors: all sources work at once, the rows are those of reading them one after another, and
# nothing hangs or is lost when the Append ends early, starts again, fails, or shares a connection.  Joins and groups
# of partitions are left to their sources.
use strict;
use warnings;
use Hub;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my %user = source_user('connhub_append');
my $hub = new_hub('append');

# The same tables and a slow view at both sources, the keys of one below those of the other.
sub make_tables
{
	my ($numbers, $long, $sleep, $text, $first) = @_;
	my $last = $first + 99;
	return <<"SQL";
CREATE TABLE customer (id int PRIMARY KEY, name varchar(20)$text, city int);
INSERT INTO customer SELECT n, concat('name ', n), n % 7 FROM @{[ sprintf $numbers, $first, $last ]};
CREATE TABLE sale (id int PRIMARY KEY, customer_id int, amount int);
INSERT INTO sale SELECT $first * 10 + n, $first + n % 100, n % 13 FROM @{[ sprintf $numbers, 1, 1000 ]};
CREATE VIEW slow AS SELECT CAST(n AS $long) AS n, $sleep AS slept, repeat('x', 1000) AS pad FROM @{[ sprintf $numbers, 1, 1000 ]};
SQL
}

sub drop_tables
{
	source_psql('DROP SCHEMA IF EXISTS append CASCADE');
	source_mariadb('DROP DATABASE IF EXISTS append');
	return;
}

drop_tables();
source_psql("CREATE SCHEMA append; SET search_path = append;\n"
	  . make_tables('generate_series(%d, %d) AS n', 'bigint', 'CASE WHEN pg_sleep(0.05) IS NULL THEN 0 ELSE 1 END', ' COLLATE "C"', 1)
	  . 'GRANT USAGE ON SCHEMA append TO connhub_append; GRANT ALL ON ALL TABLES IN SCHEMA append TO connhub_append; ANALYZE');
source_mariadb("CREATE DATABASE append CHARACTER SET utf8mb4; USE append;\n"
	  . make_tables('(SELECT CAST(seq AS integer) AS n FROM seq_1_to_1000 WHERE seq BETWEEN %d AND %d) AS s', 'integer', 'sleep(0.05)', ' COLLATE utf8mb4_bin', 101)
	  . "GRANT ALL ON append.* TO connhub_append\@'127.0.0.1'; ANALYZE TABLE customer, sale PERSISTENT FOR ALL");

my %append = (
	p => { connector('postgresql', schema => 'append', %user) },
	m => { connector('mariadb', database => 'append', %user) },
	s => { connector('sqlite') });
foreach my $name (sort keys %append)
{
	$hub->safe_psql('postgres', "SELECT connhub.create_connector(name => '$name', " . arguments(%{ $append{$name} }) . ')');
	$hub->safe_psql('postgres', "SELECT connhub.attach('$name', " . ($name eq 'p' ? "'append', " : '') . "into_schema => '$name')");
}
$hub->safe_psql('postgres', <<'SQL');
CREATE TABLE customer (id int, name varchar(20) COLLATE "C", city int) PARTITION BY RANGE (id);
CREATE TABLE sale (id int, customer_id int, amount int) PARTITION BY RANGE (customer_id);
ALTER FOREIGN TABLE m.customer ALTER name TYPE varchar(20) COLLATE "C";
ALTER TABLE customer ATTACH PARTITION p.customer FOR VALUES FROM (1) TO (101);
ALTER TABLE customer ATTACH PARTITION m.customer FOR VALUES FROM (101) TO (201);
ALTER TABLE sale ATTACH PARTITION p.sale FOR VALUES FROM (1) TO (101);
ALTER TABLE sale ATTACH PARTITION m.sale FOR VALUES FROM (101) TO (201);
CREATE FUNCTION name_of(key int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT name FROM p.customer WHERE id = 1 + key % 100); END $$;
SQL

my $seconds;

sub answer
{
	my ($sql, $before) = @_;
	my $begun = time;
	my $out = $hub->safe_psql('postgres', ($before // '') . ";\n$sql");
	$seconds = time - $begun;
	return join "\n", sort split /\n/, $out;
}

# Together and one after another, the rows are the same.
sub same_rows
{
	my ($name, $sql, $before) = @_;
	$before //= '';
	like(explained($sql, 'COSTS OFF', $before), qr/Async Foreign Scan/, "$name: asynchronous") if $sql =~ /^SELECT/;
	my $expected = answer($sql, "SET connhub.async = off; $before");
	is(answer($sql, $before), $expected, $name);
	isnt($expected, '', "$name: there are rows");
	return;
}

sub explained
{
	my ($sql, $options, $before) = @_;
	return $hub->safe_psql('postgres', ($before // '') . ";\nEXPLAIN ($options) $sql");
}

# ---- Together

# What runs at each source for us now.
sub running
{
	return (p => source_psql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'connhub_append' AND state = 'active' AND query LIKE '%slow%'"),
		m => source_mariadb("SELECT count(*) FROM information_schema.processlist WHERE user = 'connhub_append' AND command IN ('Query', 'Execute') AND info LIKE '%slow%'"));
}

sub running_is
{
	my ($p, $m) = @_;
	my %now = running();
	return $now{p} == $p && $now{m} == $m;
}

# A query that keeps each source busy for 50 seconds before its first row, in the background.
sub begin_waiting
{
	my ($error, $before) = @_;
	my @before = $before ? ('-c', $before) : ();
	my $sql = 'SELECT n FROM p.slow WHERE slept >= 5 UNION ALL SELECT n FROM m.slow WHERE slept >= 5';
	return IPC::Run::start([ 'psql', '-XAtq', '-d', $hub->connstr('postgres') . ' application_name=victim', @before, '-c', $sql ], '<', \undef, '>', \my $rows, '2>', $error);
}

sub cancel
{
	my ($run) = @_;
	$hub->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'");
	IPC::Run::finish($run);
	return;
}

sub count_of_async
{
	my ($plan) = @_;
	return scalar(() = $plan =~ /Async Foreign Scan/g);
}

my $slow = 'n <= 40 AND slept >= 0';
my $both = "SELECT n FROM p.slow WHERE $slow UNION ALL SELECT n FROM m.slow WHERE $slow";
like(explained($both, 'COSTS OFF'), qr/^Append\n +->  Async Foreign Scan on slow\n +->  Async Foreign Scan on slow slow_1$/, 'both parts are asynchronous');
is(count_of_async(explained($both, 'COSTS OFF', 'SET connhub.async = off')), 0, 'connhub.async turns it off');
my $said = '';
my $run = begin_waiting(\$said);
ok(wait_until(30, sub { return running_is(1, 1) }), 'both sources are at work at the same time');
cancel($run);
like($said, qr/canceling statement due to user request/, 'a cancel ends the wait, and says so');
ok(wait_until(5, sub { return running_is(0, 0) }), 'and nothing runs at the sources');
$run = begin_waiting(\$said, 'SET connhub.async = off');
ok(wait_until(30, sub { return running_is(1, 0) }), 'without it the first one is');
is(scalar(grep { my $same = running_is(1, 0); sleep 0.05; !$same } 1 .. 20), 0, 'and the second waits for its turn');
cancel($run);
same_rows('two slow sources', $both);
same_rows('a third that never waits', "$both UNION ALL SELECT id::int FROM s.customers");

# ---- One connection

my $shared = 'SELECT id FROM p.customer UNION ALL SELECT id FROM p.sale UNION ALL SELECT id FROM m.sale UNION ALL SELECT id FROM p.sale WHERE amount > 5';
same_rows('parts that share a connection', $shared);
unlike(explained($shared, 'ANALYZE, COSTS OFF, TIMING OFF'), qr/Set Aside/, 'they take turns');
same_rows('a statement over the connection between rows', "SELECT id, name_of(id) FROM ($shared) AS a");
same_rows('two Appends', "SELECT a.id, b.amount FROM customer AS a FULL JOIN sale AS b ON b.customer_id = a.id", 'SET connhub.pushdown = off');
same_rows('a merge join of a sorted part and an Append', "SELECT a.id, b.id FROM p.customer AS a, ($shared) AS b WHERE a.id = b.id");
same_rows('a cursor and another statement', <<'SQL');
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM sale;
CREATE TEMP TABLE seen ON COMMIT DROP AS SELECT * FROM sale WHERE false;
DO $$
DECLARE
	c refcursor := 'c';
	r record;
BEGIN
	LOOP
		FETCH c INTO r;
		EXIT WHEN NOT FOUND;
		INSERT INTO seen SELECT r.id, r.customer_id, r.amount FROM p.customer WHERE id = 1;
	END LOOP;
END $$;
SELECT * FROM seen;
COMMIT
SQL
same_rows('rows that are changed one by one', <<'SQL');
BEGIN;
UPDATE sale SET amount = amount + 100 WHERE random() < 2 AND amount > 3;
SELECT * FROM sale;
ROLLBACK
SQL

# ---- Again, early, by other values

my $lateral = 'SELECT g, x.id FROM generate_series(1, 20) AS g, LATERAL (SELECT id FROM p.customer WHERE id %% 20 = g UNION ALL SELECT id FROM m.customer WHERE id %% 20 = g UNION ALL SELECT id FROM p.sale WHERE id = g %s) AS x';
is(count_of_async(explained(sprintf($lateral, ''), 'COSTS OFF')), 3, 'a parameterised Append is asynchronous');
same_rows('scanned again with other values', sprintf($lateral, ''));
same_rows('abandoned and scanned again', sprintf($lateral, 'LIMIT 2') =~ s/x\.id/count(x.id)/r . ' GROUP BY g');
same_rows('scanned again with the same values', 'SELECT g, s.id FROM generate_series(1, 3) AS g LEFT JOIN sale AS s ON s.amount <> g + s.id % 2',
	'SET enable_material = off');
is($hub->safe_psql('postgres', "SELECT count(*) FROM (SELECT * FROM sale LIMIT 7) AS l; SELECT count(*) FROM sale"), "7\n2000", 'LIMIT, then all');

# Each source would need 50 seconds for all its rows.
is(answer('SELECT count(*) FROM (SELECT pad FROM p.slow WHERE slept >= 0 UNION ALL SELECT pad FROM m.slow WHERE slept >= 0 LIMIT 1) AS l'), 1, 'LIMIT');
cmp_ok($seconds, '<', 25, 'does not wait for the rest');
ok(wait_until(5, sub { return running_is(0, 0) }), 'and stops the sources');
same_rows('a prepared statement, six times by a generic plan', <<'SQL', 'SET plan_cache_mode = force_generic_plan');
PREPARE s(int) AS SELECT * FROM sale WHERE amount > $1;
EXECUTE s(3);
EXECUTE s(11);
EXECUTE s(NULL);
EXECUTE s(3);
EXECUTE s(-1);
EXECUTE s(13);
SELECT generic_plans FROM pg_prepared_statements
SQL

# ---- Failure

my $failing = 'SELECT id FROM p.sale WHERE 10 / (id - 500) >= 0 UNION ALL SELECT id FROM m.sale';
my (undef, undef, $err) = $hub->psql('postgres', $failing);
like($err, qr/ERROR:.*division by zero/, 'an error of one part');
is($hub->safe_psql('postgres', <<"SQL"), "f\n2000\n2000", 'the transaction goes on after one that is caught');
BEGIN;
DO \$\$
DECLARE
	r record;
BEGIN
	FOR r IN $failing LOOP
	END LOOP;
	RAISE 'no error';
EXCEPTION WHEN division_by_zero THEN
END \$\$;
SELECT count(*) = 0 FROM sale;
SELECT count(*) FROM sale;
SELECT count(*) FROM sale;
COMMIT
SQL

# Nobody but the hub can end this one in time.
$hub->safe_psql('postgres', "SELECT connhub.update_connector('p', options => '{\"query_timeout\": \"2s\"}')");
$said = '';
$run = begin_waiting(\$said);
ok(wait_until(30, sub { return running_is(1, 1) }), 'both sources are at work again');
my $stopped = source_psql("SELECT pid FROM pg_stat_activity WHERE usename = 'connhub_append' AND state = 'active' AND query LIKE '%slow%'");
kill 'STOP', $stopped;
my $begun = time;
IPC::Run::finish($run);
my $taken = time - $begun;
kill 'CONT', $stopped;
cmp_ok($taken, '<', 10, 'the time limit of a query holds while an Append waits');
like($said, qr/connector "p": the time for the operation is over/, 'and the connector is named');
$hub->safe_psql('postgres', "SELECT connhub.update_connector('p', options => '{\"query_timeout\": null}')");

# ---- Partitions

my $partitionwise = 'SET enable_partitionwise_join = on; SET enable_partitionwise_aggregate = on';
my %whole = (
	'a join' => 'SELECT c.id, c.name, s.amount FROM customer AS c JOIN sale AS s ON s.customer_id = c.id WHERE s.amount > 5',
	'a left join' => 'SELECT c.id, s.amount FROM customer AS c LEFT JOIN sale AS s ON s.customer_id = c.id AND s.amount > 11',
	'a semi-join' => 'SELECT id, city FROM customer AS c WHERE EXISTS (SELECT FROM sale AS s WHERE s.customer_id = c.id AND s.amount = 12 AND s.id % 5 = 1)',
	'groups' => 'SELECT customer_id, count(*), sum(amount), avg(amount) FROM sale GROUP BY customer_id HAVING count(*) > 3 AND max(amount) > 2',
	'groups of a join' => 'SELECT c.id, c.city, sum(s.amount) FROM customer AS c JOIN sale AS s ON s.customer_id = c.id GROUP BY c.id, c.city');
foreach my $name (sort keys %whole)
{
	my $plan = explained($whole{$name}, 'VERBOSE, COSTS OFF', $partitionwise);
	my $sent = () = $plan =~ /Native Query/g;
	my $at_once = () = $plan =~ /Async Foreign Scan/g;
	is("$sent $at_once", '2 2', "$name: one query for each partition") or diag($plan);
	is(answer($whole{$name}, $partitionwise), answer($whole{$name}, 'SET connhub.pushdown = off'), "$name: the same rows as here");
}
my %part = (
	'groups by another column' => 'SELECT city, count(*), min(name) FROM customer GROUP BY city',
	'distinct keys' => 'SELECT DISTINCT customer_id FROM sale',
	'sorted groups' => 'SELECT customer_id, sum(amount) FROM sale GROUP BY customer_id ORDER BY customer_id LIMIT 5',
	'a sorted join' => 'SELECT c.id, c.name, s.id FROM customer AS c JOIN sale AS s ON s.customer_id = c.id ORDER BY c.id, s.id LIMIT 9 OFFSET 995',
	'whole rows of a join' => 'SELECT c, s FROM customer AS c JOIN sale AS s ON s.customer_id = c.id WHERE s.amount > 10',
	'a join with an expression of a partition' => 'SELECT c.id, s.amount FROM customer AS c FULL JOIN sale AS s ON s.customer_id = c.id AND s.amount + c.city = 9',
	'three tables' => 'SELECT count(*), sum(a.amount * b.amount) FROM customer AS c JOIN sale AS a ON a.customer_id = c.id JOIN sale AS b ON b.customer_id = c.id',
	'a window' => 'SELECT id, row_number() OVER (PARTITION BY customer_id ORDER BY id) FROM sale');
foreach my $name (sort keys %part)
{
	is(answer($part{$name}, $partitionwise), answer($part{$name}, 'SET connhub.pushdown = off'), "$name: the same rows as here");
}

END
{
	my $result = $?;
	drop_tables();
	drop_source_user('connhub_append');
	$? = $result;
}

done_testing();
