# kill -9 of backends in the middle of each operation: the hub comes back by itself, nothing goes on at the source, what a transaction
# wrote is there as a whole or not at all, both sides agree after a commit in two phases, and the same operation then succeeds.
# Then the same for kill -9 of what the source runs for the hub.
use strict;
use warnings;
use lib 'test/tap';
use DBD::Pg ':async';
use Hub;
use Fault;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $hub = new_hub('fault_crash', "restart_after_crash = on\nmax_connections = 80\nmax_wal_size = 200MB\n");

# Processes of the sources are killed too, and tables are everybody's: so the sources are this test's alone.
foreach my $source (qw(postgresql mariadb))
{
	my $own = run_server($source, "own_$source", 'start');
	$ENV{$_} = $own->{$_} foreach grep { /^CONNHUB_TEST_(PG|MY)_/ } keys %$own;
}

my %wanted = map { $_ => 1 } 'discover', 'long scan', 'insert', 'bulk insert', 'update by row', 'direct update', 'commit', 'two-phase commit', 'savepoint', 'live', 'analyze';

# Send the statements until one of them waits for a message that does not come.
sub go_until_stalled
{
	my ($worker, $operation) = @_;
	foreach my $sql (@{ $operation->{armed} })
	{
		my $statement = $worker->{session}->prepare(worker_sql($worker, $sql), { pg_async => PG_ASYNC });
		$statement->execute;
		wait_until(20, sub { return $worker->{session}->pg_ready || $worker->{proxy}->struck }) or return 0;
		next if $worker->{session}->pg_ready && !$worker->{proxy}->struck && $worker->{session}->pg_result;
		$worker->{running} = $statement;
		return $worker->{proxy}->struck;
	}
	return 0;
}

# What holds after a crash of either side.
sub check_after
{
	my ($worker, $operation, $what) = @_;
	ok(is_quiet($worker), "$what: nothing goes on at the source");
	if ($operation->{writes})
	{
		do_ok($worker->{session}, worker_sql($worker, q{SELECT count(*) FROM connhub.resolve_prepared('X')})) if $operation->{two_phase};
		my $done = $operation->{done} =~ s{ / \d+$}{}r;
		my %may = map { $_ => 1 } $worker->{original}, $operation->{two_phase} ? $operation->{done} : $operation->{commits} ? ("$done / 0", $operation->{done}) : ();
		my $state = state_of($worker);
		ok($may{$state}, "$what: all or nothing") or diag("$state instead of " . join ' or ', sort keys %may);
	}
	my $healthy = $operation->{healthy};
	my $done = $operation->{done};
	my $ok = eval { measure($worker, $operation); 1 };
	ok($ok && $operation->{healthy} eq $healthy && $operation->{done} eq $done, "$what: the same again") or diag($@ || "$operation->{healthy}, $operation->{done}");
	return;
}

# Stop each at the place asked for, and return those that stand there.
sub stall_all
{
	my ($workers, $place) = @_;
	my @stalled;
	foreach my $worker (@$workers)
	{
		my $operation = $worker->{operation};
		my ($direction, $n) = $place->($operation->{passed});
		restore($worker);
		begin_operation($worker, $operation);
		$worker->{proxy}->arm($direction, $n, 'stall');
		$worker->{at} = "$worker->{source}, $operation->{name}, message $n of the $direction";
		push @stalled, $worker if go_until_stalled($worker, $operation);
	}
	return @stalled;
}

my @places = (
	[ 'the first message sent' => sub { return ('client', 1) } ],
	[ 'an answer in the middle' => sub { return ('server', int(($_[0]{server} + 1) / 2)) } ],
	[ 'the last message sent' => sub { return ('client', $_[0]{client}) } ],
	[ 'the last answer' => sub { return ('server', $_[0]{server}) } ]);

foreach my $source (qw(postgresql mariadb))
{
	my @operations = grep { $wanted{ $_->{name} } } operations($source);
	prepare_source($source, 1 .. @operations);

	# Nobody waits for these timeouts: what is stalled ends by the kill.
	local $Fault::TIMEOUT_MS = 60_000;
	my @workers = map { my $worker = open_worker($hub, $source, "$source$_"); $worker->{operation} = $operations[ $_ - 1 ]; $worker } 1 .. @operations;
	measure($_, $_->{operation}) foreach @workers;
	foreach my $place (@places)
	{
		my @stalled = stall_all(\@workers, $place->[1]);
		cmp_ok(scalar(@stalled), '>', @workers / 2, "$source: operations stand at $place->[0]: " . @stalled);
		kill 'KILL', map { $_->{session}{pg_pid} } @stalled;
		$_->{proxy}->heal foreach @workers;
		foreach my $worker (@workers)
		{
			delete $worker->{running};
			$worker->{$_}->disconnect foreach qw(session watch);
		}
		ok(wait_until(60, sub { eval { $hub->safe_psql('postgres', 'SELECT 1') } }), "$source: the hub comes back");
		open_sessions($_) foreach @workers;
		check_after($_, $_->{operation}, $_->{at}) foreach @stalled;
	}
	if ($source eq 'postgresql')
	{
		foreach my $place (@places[ 1, 3 ])
		{
			my @stalled = stall_all(\@workers, $place->[1]);
			my @pids = split /\n/, source_psql(q{SELECT pid FROM pg_stat_activity WHERE usename LIKE 'connhub\_fault\__%' AND usename <> 'connhub_fault_watch'});
			kill 'KILL', $pids[0] if @pids;
			wait_until(60, sub { eval { source_psql('SELECT pg_is_in_recovery()') eq 'f' } && !kill 0, $pids[0] }) or die "the source does not come back\n";
			$_->{proxy}->heal foreach @workers;
			foreach my $worker (@stalled)
			{
				ok(wait_until(30, sub { return $worker->{session}->pg_ready }), "$worker->{at}: the statement ends when the source has crashed");
				$worker->{session}->pg_result;
				delete $worker->{running};
				execute($worker->{session}, 'ROLLBACK');
				eval { execute($worker->{session}, $_) foreach @{ $worker->{operation}{after} || [] }; 1 } or diag($@);
				wait_until(20, sub { eval { state_of($worker); 1 } });
				check_after($worker, $worker->{operation}, "$worker->{at}, after a crash of the source");
			}
		}
	}
	$_->{proxy}->stop foreach @workers;
	$_->{session}->disconnect, $_->{watch}->disconnect foreach @workers;
}
my $log = slurp_file($hub->logfile);
unlike($log, qr/PANIC|terminated by signal (?!9)\d/, 'no process crashed but by kill -9');
$hub->stop;
done_testing();
