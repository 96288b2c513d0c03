# Credentials, tenant keys and the master key change while connectors are in use: no reader meets a gap, a failed test
# changes nothing, and a rotation that is killed leaves everything readable.
use strict;
use warnings;
use Hub;
use PostgreSQL::Test::Utils;
use Sessions;
use Test::More;

my %user = source_user('connhub_rotate', 'first-word-17');
my $keys = "$ENV{CONNHUB_TEST_TMP}/keys";
mkdir $keys;
foreach my $name (qw(a b c))
{
	append_to_file("$keys/$name", qx(openssl rand -hex 32));
	chmod 0600, "$keys/$name";
}
my $hub = new_hub('rotation', "shared_preload_libraries = 'connhub'\nconnhub.workers = off\nconnhub.master_key = 'file:$keys/a'\nrestart_after_crash = on\n");
my $sql = sub { $hub->safe_psql('postgres', $_[0]) };
my $failed = sub { my ($status, $out, $err) = $hub->psql('postgres', $_[0]); return $status == 0 ? "no error: $out" : $err };
$sql->('CREATE ROLE alice LOGIN IN ROLE connhub_operator; CREATE ROLE boss LOGIN IN ROLE connhub_admin');
$sql->("SELECT connhub.create_connector('one', " . arguments(connector('postgresql', %user)) . ', discover => false)');
my $readable = "SELECT success FROM connhub.test('one')";

# Credentials: tested, then put in place; a connection in use goes on.
my $reader = session($hub);
run($reader, 'BEGIN');
is(run($reader, "SELECT * FROM connhub.live('one', 'SELECT 1') AS (x integer)"), '1', 'a session uses the old password');
source_psql(q(ALTER ROLE connhub_rotate PASSWORD 'second-word-18'));
like($failed->("SELECT connhub.rotate_credentials('one', password => 'wrong-word-19')"), qr/test of connector "one" failed.*AUTHENTICATION_FAILED/s, 'wrong ones are refused');
is($sql->("SELECT secret_version FROM connhub_catalog.connector"), '1', 'and change nothing');
$sql->("SELECT connhub.rotate_credentials('one', password => 'second-word-18')");
is(run($reader, "SELECT * FROM connhub.live('one', 'SELECT 2') AS (x integer)"), '2', 'the connection in use goes on');
run($reader, 'COMMIT');
is(run($reader, "SELECT * FROM connhub.live('one', 'SELECT 3') AS (x integer)"), '3', 'a new one uses the new password');
is($sql->($readable), 't', 'and so do others');
like($failed->("SELECT connhub.rotate_credentials('one')"), qr/no credential was given/, 'none given');
$sql->("SELECT connhub.disable('one')");
like($failed->("SELECT connhub.rotate_credentials('one', password => 'x')"), qr/is disabled/, 'what cannot be tested is not rotated');
$sql->("SELECT connhub.enable('one')");

$sql->("SELECT connhub.register_driver('mock')");

# Tenant key: many secrets, readers all the while.
$sql->("SELECT connhub.create_connector('n' || i, 'mock', credentials => '{\"token\": \"t\"}', test => false, discover => false) FROM generate_series(1, 250) i");
is($sql->('SELECT count(*), sum(secrets) FROM connhub.keys'), '1|251', 'one key for all');
my $script = "$ENV{CONNHUB_TEST_TMP}/read.sql";
append_to_file($script, "SELECT 1 / (success)::integer FROM connhub.test('one');\n");
my ($out, $err) = ('', '');
my $load = IPC::Run::start([ 'pgbench', '-n', '-c', '2', '-t', '60', '-h', $hub->host, '-p', $hub->port, '-f', $script, 'postgres' ], '>', \$out, '2>', \$err);
foreach (1 .. 3)
{
	$sql->('CALL connhub.rotate_tenant_key()');
}
$load->finish;
like($out, qr/number of transactions actually processed: 120\/120/, 'no reader failed meanwhile') or diag($err);
is($sql->('SELECT count(*), sum(secrets), min(id) FROM connhub.keys'), '1|251|4', 'all are sealed by the newest key, the old ones are gone');
is($sql->('SELECT count(DISTINCT key_id) FROM connhub_catalog.secret'), '1', 'each of them');
is($sql->($readable), 't', 'they open');
my $writer = session($hub);
run($writer, 'BEGIN');
run($writer, "SELECT connhub.set_credentials('n1', credentials => '{\"token\": \"u\"}', test => false)");
start($writer, 'SELECT pg_sleep(0)');
finish($writer);
my ($status, $told, $notice) = $hub->psql('postgres', "SET lock_timeout = '1s'; CALL connhub.rotate_tenant_key()");
isnt($status, 0, 'a rotation waits for who is changing a secret');
is($sql->($readable), 't', 'what it left in the middle is readable');
run($writer, 'COMMIT');
$sql->('CALL connhub.rotate_tenant_key()');
is($sql->('SELECT count(*), sum(secrets) FROM connhub.keys'), '1|251', 'the next one finishes it');
like($failed->('BEGIN; CALL connhub.rotate_tenant_key(); COMMIT'), qr/cannot run inside a transaction block/, 'not in a transaction');
foreach my $call ('CALL connhub.rotate_tenant_key()', 'SELECT connhub.rotate_master_key()')
{
	like(($hub->psql('postgres', $call, extra_params => [ '-U', 'alice' ]))[2], qr/permission denied/, "an ordinary user: $call");
}
is($hub->safe_psql('postgres', 'SELECT count(*) FROM connhub.keys', extra_params => [ '-U', 'alice' ]), '0', 'nor does he see keys');
is($hub->safe_psql('postgres', 'SELECT count(*) FROM connhub.keys', extra_params => [ '-U', 'boss' ]), '1', 'an administrator does');
like(($hub->psql('postgres', "SELECT connhub.rotate_master_key('command:id')", extra_params => [ '-U', 'boss' ]))[2], qr/permission denied/, 'but names no sources of keys');

# Killed in the middle: the backend ends between two batches, held up by a lock.
$writer = session($hub);
run($writer, 'BEGIN');
run($writer, "SELECT connhub.set_credentials('n200', credentials => '{\"token\": \"v\"}', test => false)");
my $rotating = session($hub);
my $pid = pid_of($rotating);
start($rotating, 'CALL connhub.rotate_tenant_key()');
ok(wait_until(20, sub { $sql->("SELECT count(*) FROM pg_stat_activity WHERE pid = $pid AND wait_event_type = 'Lock'") eq '1' }), 'a rotation is held up');
my $crashed = slurp_file($hub->logfile);
kill 'KILL', $pid;
eval { finish($rotating) };
ok(wait_until(60, sub { $hub->psql('postgres', 'SELECT 1') == 0 && slurp_file($hub->logfile) =~ /all server processes terminated; reinitializing/ }), 'the server has restarted');
is($sql->($readable), 't', 'after a crash in the middle credentials open');
is($sql->('SELECT sum(secrets) FROM connhub.keys'), '251', 'none is lost');
$sql->('CALL connhub.rotate_tenant_key()');
is($sql->('SELECT count(*), sum(secrets) FROM connhub.keys'), '1|251', 'run again, it finishes');

# Master key.
sub set_keys
{
	my ($present, $former) = @_;
	$sql->("ALTER SYSTEM SET connhub.master_key = 'file:$keys/$present'");
	$sql->('ALTER SYSTEM SET connhub.former_master_key = ' . literal($former ? "file:$keys/$former" : ''));
	$hub->reload;
	ok(wait_until(10, sub { $sql->('SHOW connhub.master_key') =~ m{/$present$} && $sql->('SHOW connhub.former_master_key') eq ($former ? "file:$keys/$former" : '') }), "the key is $present");
	return;
}
my $first = $sql->('SELECT master_fingerprint FROM connhub.keys');
like($failed->('SELECT connhub.rotate_master_key()'), qr/no former master key is named/, 'nothing to rotate from');
like($failed->("SELECT connhub.rotate_master_key('file:$keys/a')"), qr/the former master key is the present one/, 'nothing to rotate to');
set_keys('b', 'a');
is($sql->($readable), 't', 'with both keys at hand what is old opens');
$sql->("SELECT connhub.create_connector('new', 'mock', credentials => '{\"token\": \"t\"}', test => false, discover => false)");
is($sql->('SELECT count(DISTINCT master_fingerprint) FROM connhub.keys'), '2', 'what is new is sealed by the new key');
like($failed->('BEGIN; SELECT connhub.rotate_master_key(); SELECT 1 / 0'), qr/division by zero/, 'rolled back');
is($sql->($readable), 't', 'and readable');
is($sql->('SELECT connhub.rotate_master_key()'), '1', 'one data key is sealed anew');
is($sql->('SELECT connhub.rotate_master_key()'), '0', 'none is left');
isnt($sql->('SELECT DISTINCT master_fingerprint FROM connhub.keys'), $first, 'by the new master key');
set_keys('b', '');
is($sql->($readable), 't', 'the former key is not needed any more');

# A key nobody has is named.
set_keys('c', '');
like(($hub->psql('postgres', "SELECT connhub.set_credentials('new', credentials => '{\"token\": \"x\"}', test => false)"))[2], qr/WARNING.*replaced as a whole/, 'an unknown master key');
set_keys('c', 'a');
like($failed->('SELECT connhub.rotate_master_key()'), qr/sealed by a master key that is not at hand.*DETAIL:.*of tenant default \(master key [0-9a-f]{32}\)/s, 'the data keys that stay closed are named');
is($sql->("SELECT count(*) FROM connhub.keys WHERE master_fingerprint = '$first'"), '0', 'nothing was changed');
$hub->stop;
drop_source_user('connhub_rotate');
done_testing();
