# A source that is down is left alone: after some failures nobody touches the network, which a listener that counts its
# connections tells, until one session tries for all.
use strict;
use warnings;
use Hub;
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Sessions;
use Test::More;
use Time::HiRes qw(sleep time);

my $folder = $ENV{CONNHUB_TEST_TMP};
my $hub = new_hub('breaker', "shared_preload_libraries = 'connhub'\nconnhub.workers = off");
my %user = source_user('connhub_breaker');

# A listener in a process of its own.  Each connection makes the file "accepted" a byte longer; the file "mode" says what
# becomes of it: hang up, mute, or relay to the real source.
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64, Proto => 'tcp', ReuseAddr => 1) or die $!;

sub set_mode
{
	my ($mode) = @_;
	open my $file, '>', "$folder/mode.new" or die $!;
	print $file $mode;
	close $file;
	rename "$folder/mode.new", "$folder/mode" or die $!;
	return;
}

sub relay
{
	my ($client) = @_;
	my $source = IO::Socket::INET->new(PeerAddr => $ENV{CONNHUB_TEST_PG_HOST}, PeerPort => $ENV{CONNHUB_TEST_PG_PORT}) or return;
	my $both = IO::Select->new($client, $source);
	while (1)
	{
		foreach my $from ($both->can_read)
		{
			my $to = $from == $client ? $source : $client;
			sysread($from, my $bytes, 65536) or return;
			syswrite($to, $bytes) == length $bytes or return;
		}
	}
}

sub serve
{
	local $SIG{CHLD} = 'IGNORE';
	my @mute;
	while (my $client = $listener->accept)
	{
		open my $file, '>>', "$folder/accepted" or die $!;
		syswrite $file, '.';
		close $file;
		my $mode = PostgreSQL::Test::Utils::slurp_file("$folder/mode");
		push @mute, $client if $mode eq 'mute';
		if ($mode eq 'relay' && fork == 0)
		{
			relay($client);
			POSIX::_exit(0);
		}
	}
	return;
}

sub accepted
{
	return -s "$folder/accepted" // 0;
}

set_mode('hang up');
my $server = fork // die $!;
if ($server == 0)
{
	setpgrp;
	serve();
	POSIX::_exit(0);
}

sub metric
{
	my ($column) = @_;
	return $hub->safe_psql('postgres', "SELECT $column FROM connhub.metrics WHERE connector = 's'");
}

$hub->safe_psql('postgres', "SELECT connhub.create_connector('s', " . arguments(connector('postgresql', %user)) . "); SELECT connhub.attach('s', into_schema => 's')");
$hub->safe_psql('postgres', "SELECT connhub.update_connector('s', port => " . $listener->sockport . q{, test => false, discover => false,
	options => '{"breaker_threshold": 3, "breaker_recovery": "2s", "max_retries": 0, "connect_timeout": "3s"}')});
my $query = 'SELECT count(*) FROM s.customers';

# Closed, and open.
foreach my $n (1 .. 3)
{
	my $session = session($hub);
	like(run($session, $query), qr/^08/, "failure $n is the source's");
	$session->disconnect;
}
is(accepted(), 3, 'each of them has asked the source');
is(metric("concat_ws(' ', breaker_state, breaker_trips, open_failures)"), 'open 1 3', 'now it is known to be down');
my $session = session($hub);
start($session, $query);
my ($state, $message) = finish($session);
is($state, 'UB015', 'another session is told so');
like($message, qr/Down since \d{4}-.*; the next trial is due at \d{4}-.* Last failure: CONNECTION_LOST: /, 'since when, until when, and why') or diag($message);

# Less than a millisecond, and no connection.
$hub->safe_psql('postgres', q{SELECT connhub.update_connector('s', test => false, discover => false, options => '{"breaker_recovery": "10min"}')});
run($session, $query) foreach 1 .. 3;
my $before = accepted();
my $took = run($session, <<"SQL");
CREATE FUNCTION pg_temp.median() RETURNS float8 LANGUAGE plpgsql AS \$\$
DECLARE
	times float8[];
	started timestamptz;
BEGIN
	FOR i IN 1 .. 200 LOOP
		started := clock_timestamp();
		BEGIN
			PERFORM count(*) FROM s.customers;
			RAISE 'it was tried';
		EXCEPTION WHEN SQLSTATE 'UB015' THEN
			times := times || extract(epoch FROM clock_timestamp() - started)::float8 * 1000;
		END;
	END LOOP;
	RETURN (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t) FROM unnest(times) AS t);
END \$\$;
SQL
$took = run($session, 'SELECT pg_temp.median()');
cmp_ok($took, '<', 1, 'a statement fails in less than a millisecond');
note("$took ms");
is(accepted(), $before, 'and no connection has reached the source');
is(metric('breaker_refusals'), 201, 'which is counted') or diag(metric('breaker_refusals'));

# Reset, and a trial.
$hub->safe_psql('postgres', q{SELECT connhub.reset_breaker('s')});
is(metric('breaker_state'), 'closed', 'reset_breaker closes it');
$hub->safe_psql('postgres', q{SELECT connhub.update_connector('s', test => false, discover => false, options => '{"breaker_recovery": "1s", "connect_timeout": "20s"}')});
run($session, $query) foreach 1 .. 3;
is(metric('breaker_state'), 'open', 'it opens again');
set_mode('mute');
sleep 1.1;
$before = accepted();
my ($trial, $other) = (session($hub), session($hub));
start($trial, $query);
ok(wait_until(10, sub { accepted() == $before + 1 }), 'after the recovery time one session tries');
start($other, $query);
($state, $message) = finish($other);
is($state, 'UB015', 'no other does');
like($message, qr/another session is trying it now/, 'and is told why');
is(accepted(), $before + 1, 'the source sees one connection');
is(metric('breaker_state'), 'half_open', 'it is half-open');

# The session that tries is ended, and another may at once.
$hub->safe_psql('postgres', 'SELECT pg_terminate_backend(' . pid_of($trial) . ')');
eval { finish($trial) };
set_mode('hang up');
like(run($other, $query), qr/^08/, 'when it is ended another tries');
is(metric('breaker_state'), 'open', 'and fails');
sleep 1.1;

# One that is cancelled tells nothing.
set_mode('mute');
start($other, $query);
ok(wait_until(10, sub { metric('breaker_state') eq 'half_open' }), 'the next trial');
$hub->safe_psql('postgres', 'SELECT pg_cancel_backend(' . pid_of($other) . ')');
is(finish($other), '57014', 'is cancelled');
set_mode('relay');
cmp_ok(run($other, $query), '>', 0, 'and the one after it gets through');
is(metric("concat_ws(' ', breaker_state, breaker_failures)"), 'closed 0', 'which closes the breaker');
cmp_ok(run($session, $query), '>', 0, 'for everybody');

# A test closes it before its time, and a failed one counts.
set_mode('hang up');
$_->disconnect foreach $session, $other;
$hub->safe_psql('postgres', q{SELECT connhub.update_connector('s', test => false, discover => false, options => '{"breaker_recovery": "10min"}')});
$hub->safe_psql('postgres', "SELECT connhub.test('s')") foreach 1 .. 3;
is(metric('breaker_state'), 'open', 'tests that fail open it');
set_mode('relay');
$session = session($hub);
is(run($session, $query), 'UB015', 'statements keep away');
is($hub->safe_psql('postgres', "SELECT success FROM connhub.test('s')"), 't', 'a test is made all the same');
cmp_ok(run($session, $query), '>', 0, 'and one that gets through closes it');
$session->disconnect;

# A wrong password is an answer.
$hub->safe_psql('postgres', q{SELECT connhub.update_connector('s', username => 'nobody', test => false, discover => false)});
$session = session($hub);
is(run($session, $query), '28P01', 'a wrong user') foreach 1 .. 5;
is(metric('breaker_state'), 'closed', 'does not mean that the source is down');
$session->disconnect;

# Retries: counted, ended by the breaker, no sooner than the source asks.
$hub->safe_psql('postgres', q{SELECT connhub.register_driver('mock');
	SELECT connhub.create_connector('r', 'mock', options => '{"tables": "n(10): id int64 key"}'); SELECT connhub.attach('r', 'data', into_schema => 'r');});
sub with_fault
{
	my ($fault, $options) = @_;
	$hub->safe_psql('postgres', "SELECT connhub.update_connector('r', test => false, discover => false, options => '{\"fault\": \"$fault\"$options}'); SELECT connhub.reset_metrics('r')");
	$session = session($hub);
	start($session, 'SELECT count(*) FROM r.n');
	my @result = finish($session);
	$session->disconnect;
	return (@result, $hub->safe_psql('postgres', "SELECT retries FROM connhub.metrics WHERE connector = 'r'"));
}

my @result = with_fault('execute@1:retry_after:400', '');
is("$result[0] $result[3]", '10 1', 'a read that may pass is sent again');
cmp_ok($result[2], '>=', 0.4, 'when the source asks for it');
@result = with_fault('execute:retry_after:60000', '');
is("$result[0] $result[3]", '53400 0', 'a longer pause is an error');
cmp_ok($result[2], '<', 5, 'at once');
@result = with_fault('fetch@5:busy', ', "batch_rows": 2');
is("$result[0] $result[3]", '53300 0', 'what has come back in part is not sent again');
@result = with_fault('execute:busy', ', "max_retries": 2');
is("$result[0] $result[3]", '53300 2', 'max_retries bounds the attempts');
@result = with_fault('step:refused', ', "max_retries": 10, "breaker_threshold": 3');
is("$result[0] $result[3]", '08001 2', 'the breaker ends them, and the error is the source\'s');

END
{
	my $status = $?;
	kill 'TERM', -$server if $server;
	waitpid $server, 0 if $server;
	$? = $status;
}
drop_source_user('connhub_breaker');
done_testing();
