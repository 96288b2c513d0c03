# Background workers, with connhub preloaded: they test what is due without holding a transaction meanwhile, are woken by
# commits, survive kill -9, give way to DROP DATABASE and the like, follow DROP and CREATE EXTENSION and the settings,
# and wait on a standby for its promotion.  Without preload pg_cron has the same done.
use strict;
use warnings;
use Hub;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $conf = "restart_after_crash = on\nshared_preload_libraries = 'connhub'\nmax_worker_processes = 16\nwal_level = replica\nmax_wal_senders = 4\n"
  . "connhub.health_interval = '10s'\n";
my $hub = new_hub('worker', $conf);

sub sql { my ($sql, $database) = @_; return $hub->safe_psql($database || 'postgres', $sql); }

sub mock
{
	my ($name, $options, $database) = @_;
	return sql("SELECT status FROM connhub.create_connector('$name', 'mock', options => '$options', test => false)", $database);
}

sub workers
{
	my ($type, $database) = @_;
	$database ||= 'postgres';
	return sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'connhub $type' AND datname = '$database'");
}

sub is_soon
{
	my ($seconds, $sql, $expected, $what, $database) = @_;
	my $got = '';
	wait_until($seconds, sub { $got = eval { sql($sql, $database) } // ''; $got eq $expected; });
	return is($got, $expected, $what);
}

sub register { sql("SELECT connhub.register_driver('mock')", $_[0]); return; }

sub status_of { return "SELECT status FROM connhub.health WHERE connector = '$_[0]'"; }

sub kill_hard
{
	my ($pid) = @_;
	ok($pid && kill('KILL', $pid), 'process ' . ($pid || 'none') . ' is killed');
	ok(wait_until(30, sub { !kill 0, $pid }), 'and gone');
	ok(wait_until(60, sub { defined eval { sql('SELECT 1') } }), 'the server is back');
	return;
}

# A psql that stays open.
sub open_session
{
	my ($database) = @_;
	my %session = (in => '', out => '');
	$session{run} = IPC::Run::start([ 'psql', '-XAtq', '-d', $hub->connstr($database || 'postgres') ], '<', \$session{in}, '>', \$session{out}, '2>&1');
	return \%session;
}

sub say_to
{
	my ($session, $sql) = @_;
	$session->{out} = '';
	$session->{in} .= "$sql\n\\echo done\n";
	$session->{run}->pump until $session->{out} =~ /^done$/m;
	return $session->{out};
}

# ---- Testing, without a transaction ----
register();
ok(wait_until(10, sub { workers('scheduler') }), 'CREATE EXTENSION brings a scheduler');
mock('good', '{}');
is_soon(5, status_of('good'), 'ACTIVE', 'a new connector is tested at once');
my $begun = time;
mock('hangs', '{"fault": "check:hang", "connect_timeout": "4s"}');
mock('dead', '{"fault": "step:hang", "connect_timeout": "4s"}');
my %blackhole = connector('postgresql', port => $ENV{CONNHUB_TEST_BLACKHOLE_PORT}, options => '{"connect_timeout": "4s"}', test => 'false');
delete $blackhole{test};
sql('SELECT connhub.create_connector(name => \'hole\', test => false, ' . arguments(%blackhole) . ')');
is_soon(5, "SELECT count(*) FROM connhub.jobs WHERE kind = 'health' AND state = 'running' AND connector IN ('hangs', 'dead', 'hole')", 3,
	'three tests hang, and show');
my $held = 0;
my $seen = 0;
while (time - $begun < 4)
{
	my $row = sql("SELECT count(*), count(xact_start), count(backend_xmin), count(backend_xid) FROM pg_stat_activity WHERE backend_type LIKE 'connhub%' AND datname = 'postgres'");
	$seen++;
	$held++ if $row ne '1|0|0|0';
	last if $seen >= 40;
}
is($held, 0, "no transaction or snapshot in $seen looks while they hang");
my $locks = sql("SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.backend_type LIKE 'connhub%' AND a.datname = 'postgres'");
is($locks, 0, 'nor a lock');
mock('quick', '{}');
is_soon(2, status_of('quick'), 'ACTIVE', 'they keep no other from being tested');
is_soon(8, "SELECT string_agg(connector || ' ' || status || ' ' || error_code, ', ' ORDER BY connector) FROM connhub.health WHERE connector IN ('hangs', 'dead', 'hole')",
	'dead ERROR TIMEOUT, hangs ERROR TIMEOUT, hole ERROR TIMEOUT', 'each ends in its time');
is(sql("SELECT count(*) FROM connhub_catalog.event e JOIN connhub_catalog.connector c ON c.id = e.connector_id WHERE c.name = 'hole' AND e.severity = 'error' AND e.detail->>'phase' = 'tcp'"),
	1, 'with one event that says where');
is_soon(25, "SELECT count(*) > 1 FROM connhub.health_history WHERE connector = 'good'", 't', 'and what is well is tested again by the interval');

# ---- The same findings as connhub.test(), which waits for one source at a time ----
foreach my $source (qw(postgresql mariadb))
{
	my %good = connector($source);
	my %cases = (
		good => {},
		schema => { schema => 'no_such_schema' },
		password => { password => 'wrong' },
		database => { database => 'no_such_database' },
		stranger => { username => 'connhub_stranger' },
		closed => { port => $ENV{CONNHUB_TEST_CLOSED_PORT} },
		unknown => { host => $ENV{CONNHUB_TEST_UNKNOWN_HOST} },
		mute => { port => $ENV{CONNHUB_TEST_MUTE_PORT}, options => '{"connect_timeout": "2s"}' });
	foreach my $case (sort keys %cases)
	{
		my $name = "${source}_$case";
		sql("SELECT connhub.create_connector(name => '$name', test => false, " . arguments(%good, %{ $cases{$case} }) . ')');
		ok(wait_until(20, sub { sql("SELECT count(*) FROM connhub.health WHERE connector = '$name' AND last_tested_at IS NOT NULL") }), "$name is tested");
		my $found = sql("SELECT success, error_code, phase FROM connhub.health WHERE connector = '$name'");
		is($found, sql("SELECT success, error_code, phase FROM connhub.test('$name')"), "as by connhub.test(): $found");
		sql("SELECT connhub.disable('$name')");
	}
}

# ---- Real traffic is proof of life ----
sql('SELECT connhub.create_connector(name => \'busy\', ' . arguments(connector('postgresql', options => '{"health_interval": "10s"}')) . ')');
sql("SELECT connhub.attach('busy', tables => ARRAY['customers'], into_schema => 'public')");
my $tested = sql("SELECT last_tested_at FROM connhub.health WHERE connector = 'busy'");
$begun = time;
while (time - $begun < 14)
{
	sql('SELECT count(*) FROM customers');
	sleep 0.5;
}
is(sql("SELECT last_tested_at FROM connhub.health WHERE connector = 'busy'"), $tested, 'a source that answers queries is not tested by the interval');
is_soon(45, "SELECT last_tested_at > '$tested' FROM connhub.health WHERE connector = 'busy'", 't', 'one that is left alone is');
sql("SELECT connhub.disable('busy')");

# ---- Someone changes a connector meanwhile ----
my $session = open_session();
mock('held', '{}');
is_soon(5, status_of('held'), 'ACTIVE', 'a connector');
say_to($session, "BEGIN; SELECT name FROM connhub.update_connector('held', options => '{\"fault\": \"step:auth\"}', test => false);");
sql("UPDATE connhub_catalog.health SET next_due_at = now() WHERE connector_id = connhub_catalog.connector_id('good')");
is_soon(10, "SELECT next_due_at > now() FROM connhub.health WHERE connector = 'good'", 't', 'is being changed, and another is tested meanwhile');
say_to($session, 'COMMIT;');
is_soon(45, status_of('held'), 'ERROR', 'it is tested as it is after the change');

# ---- Drivers that block ----
sql('SELECT connhub.create_connector(name => \'file\', test => false, ' . arguments(connector('sqlite')) . ')');
is_soon(15, status_of('file'), 'ACTIVE', 'a runner tests what can only block');
(my $copy = $ENV{CONNHUB_TEST_SQLITE}) =~ s{[^/]+$}{worker.db};
system('cp', $ENV{CONNHUB_TEST_SQLITE}, $copy);
my %locker = (in => "PRAGMA locking_mode = EXCLUSIVE;\nBEGIN EXCLUSIVE;\nCREATE TABLE x (i);\nSELECT 'locked';\n", out => '');
$locker{run} = IPC::Run::start([ 'sqlite3', $copy ], '<', \$locker{in}, '>', \$locker{out});
$locker{run}->pump until $locker{out} =~ /locked/;
sql('SELECT connhub.create_connector(name => \'locked\', test => false, ' . arguments(connector('sqlite', database => $copy, options => '{"connect_timeout": "20s"}')) . ')');
ok(wait_until(15, sub { sql("SELECT count(*) FROM connhub.jobs WHERE kind = 'health_alone' AND connector = 'locked' AND state = 'running'") }), 'a runner waits for a locked file');
is(sql("SELECT count(xact_start) + count(backend_xmin) FROM pg_stat_activity WHERE backend_type = 'connhub runner'"), 0, 'without a transaction');

# ---- kill -9 ----
kill_hard(workers('runner'));
is_soon(15, "SELECT state || ' ' || attempts || ' ' || (not_before > now()) FROM connhub.jobs WHERE connector = 'locked'", 'crashed 1 true', 'the job of a killed runner is found to have crashed');
$locker{run}->kill_kill;
sql("UPDATE connhub_catalog.job SET not_before = now() WHERE state = 'crashed'");
is_soon(75, status_of('locked'), 'ACTIVE', 'and tried again');
unlink $copy;
mock('hangs2', '{"fault": "step:hang", "connect_timeout": "30s"}');
ok(wait_until(10, sub { sql("SELECT count(*) FROM connhub.jobs WHERE connector = 'hangs2' AND state = 'running'") }), 'a test hangs');
kill_hard(workers('scheduler'));
ok(wait_until(15, sub { workers('scheduler') }), 'a killed scheduler is replaced');
is_soon(15, "SELECT state FROM connhub.jobs WHERE connector = 'hangs2'", 'crashed', 'and what it had under way is found');
sql("SELECT connhub.update_connector('hangs2', options => '{\"fault\": null}', test => false); UPDATE connhub_catalog.job SET not_before = now() WHERE state = 'crashed'");
is_soon(75, status_of('hangs2'), 'ACTIVE', 'and tested again');

# ---- Databases ----
sql('CREATE DATABASE other');
sql('CREATE EXTENSION connhub', 'other');
register('other');
ok(wait_until(10, sub { workers('scheduler', 'other') }), 'a second database gets a scheduler');
mock('hangs', '{"fault": "step:hang", "connect_timeout": "60s"}', 'other');
ok(wait_until(10, sub { sql("SELECT count(*) FROM connhub.jobs WHERE state = 'running'", 'other') }), 'which tests');
foreach my $command ('CREATE DATABASE third TEMPLATE other', 'ALTER DATABASE other RENAME TO another', 'DROP DATABASE another')
{
	my $start = time;
	my $status = $hub->psql('postgres', $command);
	is($status, 0, "$command succeeds");
	cmp_ok(time - $start, '<', 4, 'without waiting for the test');
}
ok(wait_until(75, sub { workers('scheduler', 'third') }), 'a copy of a database gets one too');
is_soon(30, status_of('hangs'), 'TESTING', 'and tests', 'third');
sql('DROP EXTENSION connhub CASCADE', 'third');
ok(wait_until(70, sub { !workers('scheduler', 'third') }), 'DROP EXTENSION ends it');
sql('CREATE EXTENSION connhub', 'third');
ok(wait_until(10, sub { workers('scheduler', 'third') }), 'CREATE EXTENSION brings it back at once');

# ---- Settings ----
sub setting
{
	my ($line) = @_;
	$hub->append_conf('postgresql.conf', $line);
	$hub->reload;
	return;
}
setting("connhub.databases = 'postgres'");
ok(wait_until(70, sub { !workers('scheduler', 'third') && workers('scheduler') }), 'databases that are not wanted lose their scheduler');
setting("connhub.workers = off");
ok(wait_until(70, sub { !workers('scheduler') }), 'connhub.workers = off ends all');
setting("connhub.workers = on\nconnhub.databases = '*'");
ok(wait_until(70, sub { workers('scheduler') && workers('scheduler', 'third') }), 'and on brings them back');
sql('DROP DATABASE third');
$hub->restart;
ok(wait_until(10, sub { workers('scheduler') }), 'a restart too');
is($hub->psql('postgres', 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = \'connhub launcher\''), 0, 'the launcher is ended');
ok(wait_until(30, sub { sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'connhub launcher'") }), 'and started again');

# ---- Standby ----
$hub->append_conf('pg_hba.conf', 'local replication all trust');
$hub->reload;
$hub->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('worker_standby');
$standby->init_from_backup($hub, 'base', has_streaming => 1);
$standby->start;
$hub->wait_for_catchup($standby, 'replay', $hub->lsn('insert'));
is($standby->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'connhub%'"), 0, 'a standby has no workers');
is($standby->safe_psql('postgres', "SELECT status FROM connhub.health WHERE connector = 'good'"), 'ACTIVE', 'but shows what its primary found');
isnt($standby->psql('postgres', 'CALL connhub.run_due()'), 0, 'and does no work when it is asked to');
$hub->stop;
$standby->promote;
ok(wait_until(20, sub { $standby->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'connhub scheduler'") }),
	'once promoted it has them');
ok(wait_until(60, sub { $standby->safe_psql('postgres', "SELECT max(checked_at) > pg_postmaster_start_time() FROM connhub.health_history WHERE connector = 'good'") eq 't' }),
	'and they test');
$standby->stop;
unlike(slurp_file($hub->logfile), qr/\Q$ENV{CONNHUB_TEST_PG_PASSWORD}\E/, 'no log names a password');

# ---- Without preload ----
my $plain = new_hub('worker_plain', "connhub.health_interval = '10s'\n");
$plain->safe_psql('postgres', "SELECT connhub.register_driver('mock'); SELECT connhub.create_connector('hangs', 'mock', options => '{\"fault\": \"check:hang\", \"connect_timeout\": \"3s\"}', test => false)");
$hub = $plain;
$session = open_session();
$session->{in} .= "CALL connhub.run_due();\n\\echo done\n";
$session->{run}->pump_nb;
ok(wait_until(10, sub { $session->{run}->pump_nb; sql("SELECT count(*) FROM connhub.jobs WHERE state = 'running'") }), 'run_due() tests');
is(sql("SELECT count(backend_xmin) + count(backend_xid) FROM pg_stat_activity WHERE query LIKE 'CALL connhub%'"), 0, 'and holds no snapshot meanwhile');
is(sql("SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.query LIKE 'CALL connhub%' AND locktype = 'relation'"), 0, 'nor a lock on a table');
is($plain->psql('postgres', 'CALL connhub.run_due()'), 0, 'a second call beside it');
$session->{run}->pump until $session->{out} =~ /done/;
is(sql("SELECT count(*) FROM connhub.health_history WHERE connector = 'hangs'"), 1, 'does nothing twice');

# A call that is given up leaves nothing behind that would keep the test from being made.
sql("UPDATE connhub_catalog.health SET next_due_at = now()");
my $status = $plain->psql('postgres', "SET statement_timeout = '500ms'; CALL connhub.run_due()");
isnt($status, 0, 'a call that is cancelled');
sql("CALL connhub.run_due(); UPDATE connhub_catalog.job SET not_before = now()");
sql('CALL connhub.run_due()');
is(sql("SELECT count(*) FROM connhub.health_history WHERE connector = 'hangs'"), 2, 'is made up for');
$plain->stop;

SKIP:
{
	chomp(my $library = qx("$ENV{PG_CONFIG}" --pkglibdir));
	skip 'pg_cron is not installed', 4 unless -e "$library/pg_cron.so";
	$plain->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_cron'\ncron.database_name = 'postgres'\ncron.host = '" . $plain->host . "'\n");
	$plain->start;
	sql(q{CREATE EXTENSION pg_cron; SELECT connhub.create_connector('cron', 'mock', options => '{"tables": "a(3): id int64"}', discover => false);
		UPDATE connhub_catalog.health SET next_due_at = now();
		SELECT cron.schedule('health', '* * * * *', 'CALL connhub.run_due()'); SELECT cron.schedule('discovery', '* * * * *', $$SELECT connhub.discover('cron')$$)});
	is(sql("SELECT tables FROM connhub.connector WHERE name = 'cron'"), 0, 'nothing is discovered yet');
	is_soon(100, "SELECT tables FROM connhub.connector WHERE name = 'cron'", 1, 'pg_cron discovers');
	is_soon(30, "SELECT count(*) > 1 FROM connhub.health_history WHERE connector = 'cron'", 't', 'and has what is due tested');
	is(sql("SELECT string_agg(DISTINCT status, ', ') FROM cron.job_run_details WHERE status <> 'running'"), 'succeeded', 'without an error');
	$plain->stop;
}

done_testing();
