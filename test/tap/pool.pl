# The connections of a connector are bounded over all sessions: who needs one waits, is told who holds them, may be
# cancelled, and gets one as soon as another session ends, ends a transaction, or merely idles.
use strict;
use warnings;
use Hub;
use Sessions;
use Test::More;
use Time::HiRes qw(sleep time);

my $hub = new_hub('pool', "shared_preload_libraries = 'connhub'\nconnhub.workers = off\nrestart_after_crash = on\nmax_parallel_workers_per_gather = 2\nparallel_setup_cost = 0\nparallel_tuple_cost = 0");
my %user = source_user('connhub_pool');

$hub->safe_psql('postgres', "SELECT connhub.register_driver('mock')");

# A connector of generated rows, attached as a schema of its name.
sub make_connector
{
	my ($name, $options, $node) = @_;
	my $json = join ', ', '"tables": "n(10): id int64 key"', map { qq("$_": "$options->{$_}") } sort keys %$options;
	($node // $hub)->safe_psql('postgres', "SELECT connhub.create_connector('$name', 'mock', options => '{$json}'); SELECT connhub.attach('$name', 'data', into_schema => '$name')");
	return;
}

sub metric
{
	my ($name, $column) = @_;
	return $hub->safe_psql('postgres', "SELECT $column FROM connhub.metrics WHERE connector = '$name'");
}

sub waits
{
	my ($name) = @_;
	return wait_until(10, sub { metric($name, 'pool_waiting') > 0 });
}

make_connector('m', { pool_size => 2, pool_timeout => '2s' });
my $count = 'SELECT count(*) FROM m.n';
my ($one, $two, $three) = map { session($hub) } 1 .. 3;
is($hub->safe_psql('postgres', "SELECT preloaded, sharing->>'scope' FROM connhub.about()"), 't|server', 'preloaded, the server shares');

# Held by transactions.
run($_, 'BEGIN'), is(run($_, $count), 10, 'a session holds one') foreach $one, $two;
is(metric('m', "concat_ws(' ', pool_size, pool_open, pool_idle)"), '2 2 0', 'both places are taken');
start($three, $count);
my ($state, $message, $took) = finish($three);
is($state, 'UB014', 'the third session gets none');
cmp_ok($took, '>=', 2, 'after pool_timeout');
cmp_ok($took, '<', 6, 'and not much later');
my ($pid_one, $pid_two) = (pid_of($one), pid_of($two));
like($message, qr/2 of 2 connections are open: .*process $pid_one holds 1/, 'the detail names the one');
like($message, qr/process $pid_two holds 1/, 'and the other');
is(metric('m', "concat_ws(' ', pool_waits, pool_exhausted, pool_waiting)"), '1 1 0', 'it is counted');

# A transaction ends.
$hub->safe_psql('postgres', "SELECT connhub.update_connector('m', test => false, discover => false, options => '{\"pool_timeout\": \"60s\"}')");
run($_, 'COMMIT') foreach $one, $two;
run($_, 'BEGIN'), run($_, $count) foreach $one, $two;
start($three, $count);
ok(waits('m'), 'a session waits');
like($hub->safe_psql('postgres', 'SELECT wait_event_type FROM pg_stat_activity WHERE pid = ' . pid_of($three)), qr/Extension/, 'which pg_stat_activity shows');
my $started = time;
run($one, 'COMMIT');
is(finish($three), 10, 'and goes on');
cmp_ok(time - $started, '<', 5, 'when another ends its transaction');
run($two, 'COMMIT');

# All are idle now, and whoever needs one gets one.
is(run($_, $count), 10, 'a session that takes an idle one in turn') foreach $one, $two, $three, $one, $two, $three;
cmp_ok(metric('m', 'pool_open'), '<=', 2, 'never more than pool_size');
cmp_ok(metric('m', 'pool_given_back'), '>', 0, 'which sessions have given back');

# Cancelled while it waits.
run($_, 'BEGIN'), run($_, $count) foreach $one, $two;
start($three, $count);
ok(waits('m'), 'it waits again');
$started = time;
$hub->safe_psql('postgres', 'SELECT pg_cancel_backend(' . pid_of($three) . ')');
is(finish($three), '57014', 'and is cancelled');
cmp_ok(time - $started, '<', 5, 'at once');
is(metric('m', 'pool_waiting'), 0, 'nobody waits');
run($three, "SET statement_timeout = '300ms'");
is(run($three, $count), '57014', 'statement_timeout ends the wait');
run($three, 'SET statement_timeout = 0');

# A holder is ended.
start($three, $count);
ok(waits('m'), 'it waits once more');
$hub->safe_psql('postgres', "SELECT pg_terminate_backend($pid_one)");
is(finish($three), 10, 'the place of a session that was ended is free');
is(metric('m', 'pool_waiting'), 0, 'and none is left waiting');

# One that waits is ended.
$one = session($hub);
run($three, 'BEGIN');
run($three, $count);
start($one, $count);
ok(waits('m'), 'another waits');
$hub->safe_psql('postgres', 'SELECT pg_terminate_backend(' . pid_of($one) . ')');
ok(wait_until(10, sub { metric('m', 'pool_waiting') == 0 }), 'who was ended does not wait');
$_->disconnect foreach $two, $three;
ok(wait_until(10, sub { metric('m', 'pool_open') == 0 }), 'sessions that end give everything back');

# Two users in one transaction.
make_connector('u', { pool_size => 1, pool_timeout => '60s' });
$hub->safe_psql('postgres', q{CREATE ROLE other LOGIN; GRANT connhub_operator TO other; GRANT USAGE ON FOREIGN SERVER u TO other;
	GRANT USAGE ON SCHEMA u TO other; GRANT SELECT ON u.n TO other; CREATE VIEW others AS SELECT * FROM u.n; ALTER VIEW others OWNER TO other});
$one = session($hub);
run($one, 'BEGIN');
is(run($one, 'SELECT count(*) FROM u.n'), 10, 'a transaction that holds the only place');
is(run($one, 'SELECT count(*) FROM others'), 10, 'and needs another for another user does not wait');
is(metric('u', "concat_ws(' ', pool_size, pool_open, pool_beyond)"), '1 2 1', 'but goes beyond the pool');
is(run($one, "SELECT tables FROM connhub.discover('u')"), 1, 'nor does it wait to discover');
run($one, 'COMMIT');
$one->disconnect;
$one = session($hub);
is(run($one, 'SELECT count(*) FROM u.n'), 10, 'an idle connection');
is(run($one, 'SELECT count(*) FROM others'), 10, 'makes room for one of another user of the same session');
is(metric('u', 'pool_open'), 1, 'within the pool');
$one->disconnect;

# Parallel workers take no part where the pool has no place for them.
source_psql(<<'SQL');
DROP SCHEMA IF EXISTS pool CASCADE;
CREATE SCHEMA pool;
CREATE TABLE pool.large AS SELECT n AS id, repeat('x', 100) AS pad FROM generate_series(1, 200000) AS n;
GRANT USAGE ON SCHEMA pool TO connhub_pool;
GRANT SELECT ON pool.large TO connhub_pool;
ANALYZE pool.large;
SQL
my $parallel = 'SELECT count(*) FROM p.large WHERE length(pad || id) > 0';
foreach my $size (1, 2, 5)
{
	$hub->safe_psql('postgres', "SELECT connhub.delete_connector('p', force => true)") if $size > 1;
	$hub->safe_psql('postgres', "SELECT connhub.create_connector('p', " . arguments(connector('postgresql', %user, schema => 'pool'))
		  . ", options => '{\"pool_size\": $size, \"pool_timeout\": \"30s\"}'); SELECT connhub.attach('p', into_schema => 'p')");
	$one = session($hub);
	$started = time;
	is(run($one, $parallel), 200000, "all rows with parallel workers and pool_size $size");
	cmp_ok(time - $started, '<', 25, 'without waiting');
	cmp_ok(metric('p', 'pool_open'), '<=', $size, 'within the pool');
	is(metric('p', 'pool_waits'), 0, 'nobody has waited');
	$one->disconnect;
}

# An idle connection goes by itself.
make_connector('i', { idle_timeout => '500ms' });
$one = session($hub);
is(run($one, 'SELECT count(*) FROM i.n'), 10, 'a session');
is(metric('i', 'pool_idle'), 1, 'keeps its connection');
ok(wait_until(10, sub { metric('i', 'pool_open') == 0 }), 'until idle_timeout');
is(run($one, 'SELECT count(*) FROM i.n'), 10, 'and opens another');
run($one, 'BEGIN');
run($one, 'SELECT count(*) FROM i.n');
sleep 1;
is(metric('i', 'pool_open'), 1, 'a transaction keeps what it uses');
run($one, 'COMMIT');
$one->disconnect;

# Many at once.
make_connector('b', { pool_size => 2, pool_timeout => '60s' });
my $script = "$ENV{CONNHUB_TEST_TMP}/pool.sql";
open my $file, '>', $script or die $!;
print $file "SELECT count(*) FROM b.n;\n";
close $file;
my ($out, $err);
my $bench = IPC::Run::start([ 'pgbench', '-n', '-c', 8, '-t', 25, '-f', $script, $hub->connstr('postgres') ], '>', \$out, '2>', \$err);
my $most = 0;
wait_until(300, sub { my $open = metric('b', 'pool_open'); $most = $open if $open > $most; IPC::Run::pump_nb($bench); !$bench->pumpable });
IPC::Run::finish($bench);
like($out, qr{transactions actually processed: 200/200}, 'eight sessions share two places') or diag($err);
cmp_ok($most, '<=', 2, 'and never more');
ok(wait_until(10, sub { metric('b', "concat_ws(' ', pool_open, pool_idle, pool_waiting)") eq '0 0 0' }), 'nothing is left taken');

# A crash begins everything anew.
$one = session($hub);
run($one, 'BEGIN');
run($one, $count);
kill 'KILL', pid_of($one);
ok(wait_until(60, sub { eval { $hub->safe_psql('postgres', 'SELECT 1') // '' } eq '1' }), 'the server is back after the kill of a holder');
is($hub->safe_psql('postgres', $count), 10, 'and so is the pool');
ok(wait_until(10, sub { metric('m', 'pool_open') eq '0' }), 'in which nothing is taken');
$hub->stop;

# One place in the table, and two connectors.
$hub->append_conf('postgresql.conf', 'connhub.max_connectors = 1');
$hub->start;
$hub->safe_psql('postgres', $count);
my (undef, $stdout, $stderr) = $hub->psql('postgres', "SELECT count(*) FROM b.n; SELECT sharing->>'scope' FROM connhub.about(); SELECT shared, calls FROM connhub.metrics WHERE connector = 'b'");
like($stderr, qr/more connectors than connhub.max_connectors/, 'a connector without a place in the table is a warning');
is($stdout, "10\nserver, in part\nf|1", 'and works without sharing, which about() and metrics say');

# Not preloaded.
$hub->stop;
$hub->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$hub->start;
(undef, $stdout, $stderr) = $hub->psql('postgres', "SELECT count(*) FROM m.n; SELECT preloaded, sharing->>'scope' FROM connhub.about(); SELECT shared, calls, pool_open, pool_idle FROM connhub.metrics WHERE connector = 'm'");
is("$stdout$stderr", "10\nf|session\nf|1|1|1", 'without preloading a session counts for itself');

source_psql('DROP SCHEMA pool CASCADE');
drop_source_user('connhub_pool');
done_testing();
