# Ctrl-C, statement_timeout and the end of a backend stop a connect, a query and a fetch that do not come to an end, at
# once, on each driver, and what runs at the source ends too.
#
# Measured is the time from the interrupt to the client's answer, less what the same costs with pg_sleep() in place of
# the source (the margin, printed).  The best of three tries has to be within 0.2 s: this machine may be busy with other tests.
use strict;
use warnings;
use Hub;
use List::Util qw(max min);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $limit = 0.2;
my $hub = new_hub('interrupts');
my %user = source_user('connhub_interrupts');

# A session of psql that runs one statement after another, told apart by markers.
sub open_session
{
	my ($name) = @_;
	my %session = (in => '', out => '', err => '');
	$session{run} = IPC::Run::start([ 'psql', '-XAt', '-d', $hub->connstr('postgres') . " application_name=$name" ],
		'<', \$session{in}, '>', \$session{out}, '2>', \$session{err}, IPC::Run::timeout(120));
	return \%session;
}

sub run_sql
{
	my ($session, $sql, $expected) = @_;
	$session->{out} = $session->{err} = '';
	$session->{in} .= "$sql\n";
	pump_until_match($session, $expected) if defined $expected;
	return;
}

sub pump_until_match
{
	my ($session, $expected) = @_;
	my $until = time + 90;
	until ($session->{out} =~ $expected || $session->{err} =~ $expected)
	{
		die "timed out waiting for $expected\n$session->{out}\n$session->{err}\n" if time > $until;
		IPC::Run::pump_nb($session->{run});
		sleep 0.002;
	}
	return;
}

sub close_session
{
	my ($session) = @_;
	eval { $session->{in} .= "\\q\n"; IPC::Run::finish($session->{run}); 1 } or eval { IPC::Run::kill_kill($session->{run}) };
	return;
}

# How long after the interrupt the client has its answer.  $before gets the session ready, $sql hangs.
sub measure
{
	my ($means, $before, $sql, $ready) = @_;
	my $session = open_session('victim');
	run_sql($session, "$before\n\\echo READY", qr/READY/);
	my $seconds;
	if ($means eq 'statement_timeout')
	{
		# A statement's own clock starts with it, so the time counts from when it should have ended.
		my $milliseconds = 1500;
		run_sql($session, "SET statement_timeout = $milliseconds;\n\\echo SET", qr/^SET$/m);
		my $begun = time;
		run_sql($session, "$sql\n\\echo OVER", qr/ERROR:/);
		$seconds = time - $begun - $milliseconds / 1000;
	}
	else
	{
		run_sql($session, $sql);
		my $pid;
		wait_until(20, sub {
			IPC::Run::pump_nb($session->{run});
			$pid = $hub->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name = 'victim' AND state = 'active'");
			return $pid =~ /^\d+$/;
		}) or die "the statement did not start: $session->{err}\n";
		sleep 0.5;
		wait_until(20, $ready) or diag('the source does not show the statement') if $ready;
		my $begun = time;
		$hub->safe_psql('postgres', "SELECT $means($pid)");
		pump_until_match($session, $means eq 'pg_cancel_backend' ? qr/ERROR:/ : qr/FATAL:|server closed|terminat/);
		$seconds = time - $begun;
	}
	my $said = $session->{err};
	close_session($session);
	return ($seconds, $said);
}

my @means = qw(pg_cancel_backend statement_timeout pg_terminate_backend);
my %margin;
foreach my $means (@means)
{
	$margin{$means} = max(map { (measure($means, 'SELECT 1;', 'SELECT pg_sleep(60);'))[0] } 1 .. 2);
	note(sprintf('%s: margin %.3f s', $means, $margin{$means}));
}

# What runs at the sources for us now.
sub running_at_postgresql
{
	return source_psql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'connhub_interrupts' AND state = 'active' AND query LIKE '%slow_%'");
}

sub running_at_mariadb
{
	return source_mariadb("SELECT count(*) FROM information_schema.processlist WHERE user = 'connhub_interrupts' AND command IN ('Query', 'Execute') AND info LIKE '%slow_%'");
}

my %running = (postgresql => \&running_at_postgresql, mariadb => \&running_at_mariadb, sqlite => sub { return 0 });

sub interrupted
{
	my ($name, $source, $before, $sql, $watch) = @_;
	foreach my $means (@means)
	{
		my (@seconds, $said);
		foreach my $try (1 .. 3)
		{
			my $ready = $watch && $means ne 'statement_timeout' ? sub { return $running{$source}->() > 0 } : undef;
			(my $taken, $said) = measure($means, $before, $sql, $ready);
			push @seconds, $taken - $margin{$means};
			last if $seconds[-1] <= $limit;
		}
		cmp_ok(min(@seconds), '<=', $limit, sprintf('%s: %s ends it (%s s)', $name, $means, join ', ', map { sprintf '%.3f', $_ } @seconds));
		unlike($said, qr/PANIC|server process|crash/, "$name: $means crashes nothing");
		ok(wait_until(2, sub { return $running{$source}->() == 0 }), "$name: after $means nothing runs at the source") if $watch;
	}
	return;
}

foreach my $source (qw(postgresql mariadb sqlite))
{
	my @ways = $source eq 'sqlite' ? ('') : ('', '_tls');
	foreach my $way (@ways)
	{
		my %tls = $way ? (ssl_mode => 'require') : ();
		my $name = "$source$way";
		$hub->safe_psql('postgres', "SELECT connhub.create_connector('$name', " . arguments(connector($source, users($source), %tls)) . ')');
		$hub->safe_psql('postgres', "SELECT * FROM connhub.attach('$name', tables => ARRAY['customers', 'slow_rows', 'slow_query', 'many_rows'])");
		my $connected = "SELECT count(*) FROM $name.customers;";

		if ($source ne 'sqlite')
		{
			my $hole = arguments(connector($source, users($source), %tls, port => $ENV{CONNHUB_TEST_BLACKHOLE_PORT}));
			my $mute = arguments(connector($source, users($source), %tls, port => $ENV{CONNHUB_TEST_MUTE_PORT}));
			interrupted("$name: connect to a black hole", $source, 'SELECT 1;', "SELECT * FROM connhub.test($hole);", 0) unless $way;
			interrupted("$name: connect to silence", $source, 'SELECT 1;', "SELECT * FROM connhub.test($mute);", 0);
		}
		interrupted("$name: slow query", $source, $connected, "SELECT * FROM $name.slow_query;", 1);
		interrupted("$name: slow fetch", $source, $connected, "SELECT count(s) FROM (SELECT * FROM $name.slow_rows OFFSET 0) s;", 1);
	}
}

# The session goes on after a cancel, and its connection is replaced.
my $session = open_session('survivor');
foreach my $source (qw(postgresql mariadb sqlite))
{
	run_sql($session, "SET statement_timeout = '300ms'; SELECT * FROM $source.slow_query;", qr/canceling statement/);
	run_sql($session, "RESET statement_timeout; SELECT 'count ' || count(*) FROM $source.customers;", qr/count|ERROR/);
	like($session->{out}, qr/count 200/, "$source: the session goes on after a timeout");
}
close_session($session);

ok($hub->safe_psql('postgres', 'SELECT 1'), 'the server never went down');
unlike(slurp_file($hub->logfile), qr/PANIC|terminated by signal/, 'and no process of it crashed');
$hub->stop;
drop_source_user('connhub_interrupts');
done_testing();

# The one to connect as; a file knows no users.
sub users
{
	my ($source) = @_;
	return $source eq 'sqlite' ? () : %user;
}
