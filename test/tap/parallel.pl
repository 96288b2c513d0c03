# A large table read by parallel workers: each row once, in one snapshot, while others write, and only where the snapshot
# can be shared.
use strict;
use warnings;
use Hub;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my %user = source_user('connhub_parallel');
my $hub = new_hub('parallel', "max_parallel_workers = 8\nmax_parallel_workers_per_gather = 2\nparallel_setup_cost = 0\nparallel_tuple_cost = 0");

source_psql(<<'SQL');
DROP SCHEMA IF EXISTS parallel CASCADE;
CREATE SCHEMA parallel;
SET search_path = parallel;
CREATE TABLE account (id int PRIMARY KEY, balance int, pad text) WITH (fillfactor = 50);
INSERT INTO account SELECT n, 100, repeat('x', 100) FROM generate_series(1, 200000) AS n;
CREATE TABLE entry (id int, account int, amount int, pad text);
INSERT INTO entry SELECT n, n % 1000, n % 7, repeat('y', 100) FROM generate_series(1, 100000) AS n;
INSERT INTO entry SELECT 0, NULL, NULL, NULL FROM generate_series(1, 1000) AS n;
CREATE TABLE late_entry () INHERITS (entry);
INSERT INTO late_entry SELECT -n, n, 1, repeat('z', 100) FROM generate_series(1, 50000) AS n;
CREATE TABLE small (id int);
GRANT USAGE ON SCHEMA parallel TO connhub_parallel;
GRANT ALL ON ALL TABLES IN SCHEMA parallel TO connhub_parallel;
SQL
source_psql('VACUUM ANALYZE parallel.account, parallel.entry, parallel.late_entry');
$hub->safe_psql('postgres', "SELECT connhub.create_connector(name => 'p', " . arguments(connector('postgresql', schema => 'parallel', %user)) . ')');
$hub->safe_psql('postgres', "SELECT connhub.attach('p', 'parallel', into_schema => 'p')");

$hub->safe_psql('postgres', 'CREATE TABLE local AS SELECT n AS id FROM generate_series(1, 20000) AS n; ANALYZE local');

# Something that stays here.
my $here = 'hashtext(pad) IS DISTINCT FROM 0';

sub explained
{
	my ($sql, $before) = @_;
	return $hub->safe_psql('postgres', ($before // '') . ";\nEXPLAIN (VERBOSE, COSTS OFF) $sql");
}

# With workers, with none, and by them alone, the rows are the same.
sub same_rows
{
	my ($name, $sql, $before) = @_;
	$before //= '';
	my $plan = explained($sql, $before);
	like($plan, qr/Parallel Foreign Scan/, "$name: a parallel plan");
	my $expected = $hub->safe_psql('postgres', "SET connhub.parallel = off; $before;\n$sql");
	is($hub->safe_psql('postgres', "$before;\n$sql"), $expected, "$name: the rows of one process");
	is($hub->safe_psql('postgres', "SET max_parallel_workers = 0; $before;\n$sql"), $expected, "$name: also without a worker");
	is($hub->safe_psql('postgres', "SET parallel_leader_participation = off; $before;\n$sql"), $expected, "$name: and without the leader");
	return;
}

same_rows('an aggregate', "SELECT count(*), count(DISTINCT id), sum(balance), min(id), max(id) FROM p.account WHERE $here");
same_rows('an inherited table', "SELECT count(*), count(account), sum(amount), sum(id) FROM p.entry WHERE $here");
same_rows('a condition that is sent', "SELECT count(*), sum(id) FROM p.account WHERE $here AND id % 3 = 1 AND balance > 5");
same_rows('a join made here', "SELECT count(*), sum(e.amount) FROM p.entry AS e JOIN local ON local.id = e.account WHERE $here");
same_rows('two tables over one connection', 'SELECT count(*), sum(e.amount) FROM p.account AS a JOIN p.entry AS e ON e.account = a.id + hashtext(a.pad) * 0',
	'SET enable_mergejoin = off; SET enable_nestloop = off');
same_rows('scanned again', "SELECT g, c FROM generate_series(1, 3) AS g LEFT JOIN (SELECT count(*) AS c FROM p.entry WHERE $here) AS e ON c > g",
	'SET enable_material = off');

my $six = join '; ', map { "EXECUTE q($_)" } 0, 1, 2, 'NULL', 1, 0;
my $prepare = "SET plan_cache_mode = force_generic_plan; PREPARE q(int) AS SELECT count(*), sum(id) FROM p.account WHERE $here AND id % 3 = \$1";
same_rows('a generic plan, six times', $six, $prepare);
is($hub->safe_psql('postgres', "$prepare; $six; SELECT generic_plans, custom_plans FROM pg_prepared_statements") =~ s/.*\n//sr, '6|0', 'and each time it is the generic one');

like(explained('SELECT count(*) FROM p.account'), qr/^Foreign Scan/, 'a grouping stays at the source all the same');
unlike(explained('SELECT count(*) FROM p.small WHERE hashtext(id::text) <> 0'), qr/Parallel/, 'a small table is read by one');
unlike(explained("SELECT count(*) FROM p.account WHERE $here", 'SET connhub.parallel = off'), qr/Parallel/, 'connhub.parallel turns it off');
is($hub->safe_psql('postgres', "SELECT count(*) FROM (SELECT * FROM p.account WHERE $here LIMIT 10) AS l"), 10, 'LIMIT');
is($hub->safe_psql('postgres', <<"SQL"), "200000\n200010", 'what the transaction has written is seen');
BEGIN;
SELECT count(*) FROM p.account WHERE $here;
INSERT INTO p.account SELECT -n, 0, 'new' FROM generate_series(1, 10) AS n;
SELECT count(*) FROM p.account WHERE $here;
ROLLBACK
SQL
is($hub->safe_psql('postgres', <<"SQL"), "200000\n200000", 'in a subtransaction, and after one');
BEGIN;
SAVEPOINT a;
SELECT count(*) FROM p.account WHERE $here;
ROLLBACK TO a;
SELECT count(*) FROM p.account WHERE $here;
COMMIT
SQL

is($hub->safe_psql('postgres', <<"SQL"), '200001', 'nor do workers read where the snapshot cannot be shared and the leader is to stay out');
SET parallel_leader_participation = off;
BEGIN;
INSERT INTO p.account VALUES (-1, 0, 'new');
SELECT count(*) FROM p.account WHERE $here;
ROLLBACK
SQL

# Others move money, and rows to other blocks, all the while.
my $stop = "$ENV{CONNHUB_TEST_TMP}/stop";
my $writer = fork();
die "fork: $!\n" unless defined $writer;
if ($writer == 0)
{
	my $n = 0;
	my $ended = eval {
		until (-e $stop)
		{
			$n++;
			source_psql("UPDATE parallel.account SET balance = balance + CASE WHEN id % 2 = 0 THEN $n ELSE -$n END WHERE id <= 20000");
		}
		1;
	};
	POSIX::_exit($ended ? 0 : 1);
}
my %seen;
foreach (1 .. 12)
{
	my $plan = $hub->safe_psql('postgres', "EXPLAIN (ANALYZE, COSTS OFF) SELECT count(*) FROM p.account WHERE $here");
	$seen{launched} ||= $plan =~ /Workers Launched: [12]/;
	my $answer = $hub->safe_psql('postgres', "SELECT count(*), count(DISTINCT id), sum(balance) FROM p.account WHERE $here");
	$seen{$answer}++;
}
append_to_file($stop, '');
waitpid $writer, 0;
is($?, 0, 'the others had no error');
cmp_ok(source_psql('SELECT count(*) FROM parallel.account WHERE balance <> 100'), '>', 0, 'and moved money');
ok(delete $seen{launched}, 'workers took part');
is(join(' ', sort keys %seen), '200000|200000|20000000', 'each answer is of one snapshot');

# An error in one process ends all of them, at the source too.
my (undef, undef, $err) = $hub->psql('postgres', "SELECT count(*) FROM p.account WHERE $here AND 1 / (id - 150000) >= 0");
like($err, qr/division by zero/, 'an error at the source');
ok(wait_until(5, sub { return $hub->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'") == 0 }),
	'no worker is left');
ok(wait_until(5, sub { return source_psql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'connhub_parallel'") == 0 }),
	'every connection is closed with its process');

END
{
	my $result = $?;
	source_psql('DROP SCHEMA IF EXISTS parallel CASCADE');
	drop_source_user('connhub_parallel');
	$? = $result;
}

done_testing();
