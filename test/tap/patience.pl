# What stays open or fails in one place stops no background work elsewhere: transactions of users that hold a channel, a
# connector or a discovery, a result that cannot be stored, and settings of the database that are meant for its users.
use strict;
use warnings;
use Hub;
use Sessions;
use PostgreSQL::Test::Utils;
use Test::More;

my $hub = new_hub('patience', "shared_preload_libraries = 'connhub'\nmax_worker_processes = 16\nconnhub.runners = 1\nconnhub.health_interval = '1h'\n"
	  . "connhub.notify_retry_delay = '50ms'\n");

sub sql { return $hub->safe_psql('postgres', $_[0]); }

sub is_soon
{
	my ($seconds, $query, $expected, $what) = @_;
	my $got = '';
	wait_until($seconds, sub { $got = sql($query); $got eq $expected });
	return is($got, $expected, $what);
}

sub mock
{
	my ($name, $options) = @_;
	return sql("SELECT id FROM connhub.create_connector('$name', 'mock', options => '$options', test => false, discover => false)");
}

# A session in a transaction that has done something and does not end.
sub hold
{
	my ($statement) = @_;
	my $holder = session($hub);
	$holder->begin_work;
	is(run($holder, $statement) =~ /^\d{2}[0-9A-Z]{3}$/ ? 'failed' : 'done', 'done', "a transaction stays open after $statement");
	return $holder;
}

sub status_of { return "SELECT status FROM connhub.health WHERE connector = '$_[0]'"; }

sub make_due
{
	my ($kind) = @_;
	sql("UPDATE connhub_catalog.job SET finished_at = now() - interval '1 day' WHERE kind = '$kind'; SELECT connhub.end_maintenance('any')");
	return;
}

sql("SELECT connhub.register_driver('mock')");
mock('any', '{}');
is_soon(20, status_of('any'), 'ACTIVE', 'the scheduler is at work');

# ---- A channel that is being deleted ----
my $nowhere = "http://127.0.0.1:$ENV{CONNHUB_TEST_CLOSED_PORT}/";
sql("SELECT connhub.create_channel('held', 'webhook', '$nowhere')");
my $holder = hold("SELECT connhub.delete_channel('held')");
mock('first', '{}');
is_soon(10, status_of('first'), 'ACTIVE', 'who deletes a channel keeps no status from changing');
$holder->rollback;
is(sql("SELECT count(*) > 0 FROM connhub.delivery WHERE channel = 'held' AND message LIKE '%first%'"), 't', 'what happened meanwhile is not lost for it');
sql("SELECT connhub.delete_channel('held')");
is(sql('SELECT count(*) FROM connhub_catalog.delivery'), 0, 'a channel goes with its deliveries');

# ---- A connector that is being changed ----
my $expired = literal(slurp_file("$ENV{CONNHUB_TEST_TLS}/expired.crt"));
foreach my $name (qw(changed other))
{
	sql("SELECT connhub.create_connector('$name', 'postgresql', host => '192.0.2.1', database => 'd', username => 'u', ssl_mode => 'verify-full',"
		  . " options => jsonb_build_object('ssl_ca', $expired), test => false, discover => false)");
}
$holder = hold("SELECT name FROM connhub.update_connector('changed', options => '{\"connect_timeout\": \"3s\"}', test => false)");
sql('DELETE FROM connhub_catalog.expiry_notice');
make_due('expiry');
is_soon(10, "SELECT count(*) > 0 FROM connhub.event WHERE kind = 'expiry' AND connector = 'other'", 't', 'who changes a connector keeps no certificate from being told of');
mock('second', '{}');
is_soon(10, status_of('second'), 'ACTIVE', 'and no connector from being tested');
$holder->rollback;

# ---- Discoveries ----
my @holders;
foreach my $i (1 .. 3)
{
	mock("table$i", '{"tables": "a(3): id int64"}');
	sql("SELECT connhub.discover('table$i')");
}
sql("UPDATE connhub_catalog.discovery SET finished_at = now() - interval '2 hours'; UPDATE connhub_catalog.connector SET last_discovered_at = now() - interval '2 hours' WHERE name LIKE 'table%'");
push @holders, hold("SELECT tables FROM connhub.discover('table$_')") for 1 .. 3;
sql("SELECT connhub.end_maintenance('any')");
wait_until(15, sub { sql("SELECT count(*) FROM connhub.jobs WHERE kind = 'discovery'") });
sql('SELECT connhub.create_connector(name => \'file\', test => false, ' . arguments(connector('sqlite')) . ')');
is_soon(30, status_of('file'), 'ACTIVE', 'who discovers keeps no runner from other work');
$_->rollback for @holders;

# ---- A result that cannot be stored ----
my $bad = sql("BEGIN; SELECT id FROM connhub.create_connector('bad', 'mock', test => false, discover => false); SELECT name FROM connhub.disable('bad'); COMMIT");
$bad = (split /\n/, $bad)[0];
my $scheduler = sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'connhub scheduler'");
sql("ALTER TABLE connhub_catalog.health_check ADD CONSTRAINT bad_result CHECK (connector_id <> '$bad')");
my $now = sql('SELECT clock_timestamp()');
sql("UPDATE connhub_catalog.connector SET enabled = true WHERE name = 'bad'; UPDATE connhub_catalog.health SET next_due_at = now(); SELECT connhub.end_maintenance('any')");
is_soon(20, "SELECT count(*) FROM connhub.health WHERE connector IN ('any', 'first', 'second') AND last_tested_at > '$now'", 3, 'those of others are stored');
is_soon(10, "SELECT state || ' ' || (last_error LIKE '%bad_result%') FROM connhub.jobs WHERE connector = 'bad'", 'failed true', 'its job says why');
is(sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'connhub scheduler'"), $scheduler, 'the scheduler goes on');

# ---- What is left of a connector that is gone ----
sql("INSERT INTO connhub_catalog.job (kind, subject, state, last_error) VALUES ('health', gen_random_uuid(), 'failed', 'its host is 10.1.2.3')");
is(sql("SELECT count(*) FROM connhub.jobs WHERE last_error LIKE '%10.1.2.3%'"), 0, 'a job of a connector that is gone shows to nobody');

# ---- Settings of the database ----
sql("ALTER DATABASE postgres SET default_transaction_read_only = on; ALTER DATABASE postgres SET default_transaction_isolation = 'serializable';"
	  . "ALTER DATABASE postgres SET search_path = nowhere; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'connhub scheduler'");
$ENV{PGOPTIONS} = '-c default_transaction_read_only=off';
mock('third', '{}');
is_soon(20, status_of('third'), 'ACTIVE', 'settings of the database are none of the workers');

done_testing();
