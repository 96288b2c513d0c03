# test/fault/Fault.pm — operations on a source whose n-th message meets a fault, and what must hold after each.
#
# A statement ends within its time, in the right answer or in an error of a fitting class; the source holds all of what the
# statement wrote or nothing, as the error says; the session goes on, and the same statement then succeeds; and when all is over
# the process holds as many descriptors, threads and bytes as before.  Several sessions work through the operations at once.
package Fault;
use strict;
use warnings;
use DBD::Pg ':async';
use DBI;
use Exporter 'import';
use Hub;
use IO::Select;
use Proxy;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(run_faults prepare_source clean_source open_worker open_session open_sessions execute do_ok state_of is_quiet operations measure begin_operation restore worker_sql);

# Short enough to wait for hundreds of times, long enough for a busy machine when nothing is wrong.
our $TIMEOUT_MS = 2000;

# What a statement may take at most, whatever the machine is doing: connecting, its own time, the time of stopping it, twice
# over for a retry, and as much again.
our $MOST_SECONDS = 30;

my $WATCHER = 'connhub_fault_watch';
my $ROWS = 10;

our %sources = (
	postgresql => {
		protocol => 'postgresql',
		place => sub { return ($ENV{CONNHUB_TEST_PG_HOST}, $ENV{CONNHUB_TEST_PG_PORT}) },
		schema => 'fault',
		show => sub { return source_psql(q{SELECT usename, state, query FROM pg_stat_activity WHERE usename LIKE 'connhub_fault%'}) },
		busy => q{SELECT count(*) FROM pg_stat_activity WHERE usename = '%s' AND state <> 'idle'},
	},
	mariadb => {
		protocol => 'mysql',
		place => sub { return ($ENV{CONNHUB_TEST_MY_HOST}, $ENV{CONNHUB_TEST_MY_PORT}) },
		schema => 'connhub_fault',
		show => sub { return source_mariadb(q{SELECT user, command, time, state, info FROM information_schema.processlist WHERE user LIKE 'connhub_fault%'}) },
		busy => q{SELECT count(*) FROM information_schema.processlist WHERE user = '%s' AND command <> 'Sleep'},
	});

# ---- The source -------------------------------------------------------------------------------

# A user and a table for each worker, one table of few rows and one of many for all.
sub prepare_source
{
	my ($source, @workers) = @_;
	clean_source($source, @workers);
	my $password = $ENV{CONNHUB_TEST_PG_PASSWORD};
	if ($source eq 'postgresql')
	{
		my $sql = "CREATE ROLE $WATCHER LOGIN PASSWORD '$password' IN ROLE pg_read_all_stats; GRANT CONNECT ON DATABASE shop TO $WATCHER; CREATE SCHEMA fault;"
		  . "CREATE TABLE fault.small AS SELECT n AS id, 'row ' || n AS v FROM generate_series(1, $ROWS) n; ALTER TABLE fault.small ADD PRIMARY KEY (id);"
		  . "CREATE TABLE fault.many AS SELECT n, repeat(md5(n::text), 2) AS v FROM generate_series(1, 20000) n; ALTER TABLE fault.many ADD PRIMARY KEY (n);";
		$sql .= "CREATE ROLE connhub_fault_$_ LOGIN PASSWORD '$password'; GRANT CONNECT ON DATABASE shop TO connhub_fault_$_; CREATE TABLE fault.t_$_ (id int PRIMARY KEY, v varchar(200));"
		  foreach @workers;
		source_psql("$sql GRANT USAGE ON SCHEMA fault TO public; GRANT ALL ON ALL TABLES IN SCHEMA fault TO public");
		return;
	}
	my $sql = "CREATE DATABASE connhub_fault; USE connhub_fault; CREATE USER $WATCHER\@'127.0.0.1' IDENTIFIED BY '$password'; GRANT PROCESS ON *.* TO $WATCHER\@'127.0.0.1';"
	  . "GRANT ALL ON connhub_fault.* TO $WATCHER\@'127.0.0.1';"
	  . "CREATE TABLE small (id int PRIMARY KEY, v varchar(200)); INSERT INTO small SELECT seq, concat('row ', seq) FROM seq_1_to_$ROWS;"
	  . "CREATE TABLE many (n int PRIMARY KEY, v varchar(200)); INSERT INTO many SELECT seq, repeat(md5(seq), 2) FROM seq_1_to_20000;";
	$sql .= "CREATE USER connhub_fault_$_\@'127.0.0.1' IDENTIFIED BY '$password'; GRANT ALL ON connhub_fault.* TO connhub_fault_$_\@'127.0.0.1'; CREATE TABLE t_$_ (id int PRIMARY KEY, v varchar(200));"
	  foreach @workers;
	source_mariadb($sql);
	return;
}

sub clean_source
{
	my ($source, @workers) = @_;
	my @users = ($WATCHER, map { "connhub_fault_$_" } @workers);
	if ($source eq 'mariadb')
	{
		source_mariadb('DROP DATABASE IF EXISTS connhub_fault;' . join '', map { "DROP USER IF EXISTS $_\@'127.0.0.1';" } @users);
		return;
	}
	source_psql(q{SELECT format('ROLLBACK PREPARED %L', gid) FROM pg_prepared_xacts WHERE owner LIKE 'connhub_fault%' \gexec});
	source_psql('DROP SCHEMA IF EXISTS fault CASCADE');
	drop_source_user_of_postgresql($_) foreach @users;
	return;
}

sub drop_source_user_of_postgresql
{
	my ($name) = @_;
	source_psql("DO \$\$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '$name') THEN REVOKE ALL ON DATABASE shop FROM $name; DROP ROLE $name; END IF; END \$\$");
	return;
}

# ---- Operations -------------------------------------------------------------------------------

# Each: statements before the fault is armed, statements that meet it, and statements after.  "P" is the schema of the connector
# through the proxy, "D" that of one around it, "X" that of one with two-phase commit, and "L" a local table.
#   answer      what the last armed statement returns
#   fresh       a connection is opened under the fault
#   writes      what the source holds is looked at
#   commits     the outcome of an error may be unknown
sub operations
{
	my ($source) = @_;
	my $schema = $sources{$source}{schema};
	my $insert = "INSERT INTO P.t SELECT g, 'new ' || g FROM generate_series(101, 130) g";
	return (
		{ name => 'test', fresh => 1, armed => [q{SELECT concat_ws(' ', success, error_code) FROM connhub.test('P')}], answer => 't' },
		{ name => 'discover', fresh => 1, armed => [q{SELECT tables FROM connhub.discover('P')}] },
		{ name => 'connect', fresh => 1, armed => ['SELECT count(*), max(v) FROM P.small'], answer => '10|row 9' },
		{ name => 'short scan', armed => [q{SELECT string_agg(v, ',' ORDER BY id) FROM (SELECT id, v FROM P.small OFFSET 0) s}],
			answer => join(',', map { "row $_" } 1 .. $ROWS) },
		{ name => 'long scan', armed => ['SELECT count(*), sum(n), max(length(v)) FROM (SELECT * FROM P.many OFFSET 0) s'], answer => '20000|200010000|64' },
		{ name => 'key join', before => ['SET enable_hashjoin = off', 'SET enable_mergejoin = off', 'SET enable_nestloop = off'],
			armed => ['SELECT count(*), sum(m.n), max(m.v) IS NOT NULL FROM L JOIN P.many m ON m.n = L.id'], answer => '500|1753500|1',
			after => ['RESET enable_hashjoin', 'RESET enable_mergejoin', 'RESET enable_nestloop'] },
		{ name => 'insert', armed => [$insert], writes => 1, commits => 1 },
		{ name => 'bulk insert', armed => [q{INSERT INTO P.t SELECT g, repeat('x', 100) FROM generate_series(1001, 4000) g}], writes => 1, commits => 1 },
		{ name => 'update by row', before => ['SET connhub.pushdown = off'], armed => [q{UPDATE P.t SET v = v || '!' WHERE id <> 3}], writes => 1, commits => 1,
			after => ['RESET connhub.pushdown'] },
		{ name => 'direct update', armed => [q{UPDATE P.t SET v = 'direct' WHERE id <= 5}], writes => 1, commits => 1 },
		{ name => 'commit', before => [ 'BEGIN', $insert, 'INSERT INTO L_log VALUES (1)' ], armed => ['COMMIT'], writes => 1, commits => 1 },
		{ name => 'rollback', before => [ 'BEGIN', $insert ], armed => ['ROLLBACK'], writes => 1, always => 1 },
		{ name => 'two-phase commit', before => [ 'BEGIN', $insert =~ s/\bP\b/X/r, 'INSERT INTO L_log VALUES (1)' ], armed => ['COMMIT'], writes => 1, two_phase => 1 },
		{ name => 'savepoint', before => [ 'BEGIN', 'DELETE FROM P.t WHERE id = 1' ],
			armed => [ 'SAVEPOINT s', $insert, 'ROLLBACK TO s', 'SAVEPOINT s', 'DELETE FROM P.t WHERE id = 2', 'RELEASE s', 'INSERT INTO L_log VALUES (1)', 'COMMIT' ],
			writes => 1, commits => 1 },
		{ name => 'live', armed => [qq{SELECT count(*), min(v) FROM connhub.live('P', 'SELECT id, v FROM $schema.small') AS t(id int, v text)}], answer => '10|row 1' },
		{ name => 'analyze', armed => ['ANALYZE P.many'] },
		{ name => 'import', armed => [ 'DROP SCHEMA IF EXISTS imported_P CASCADE', 'CREATE SCHEMA imported_P',
			"IMPORT FOREIGN SCHEMA $schema LIMIT TO (small) FROM SERVER \"P\" INTO imported_P", 'SELECT count(*) FROM imported_P.small' ], answer => '10' });
}

# ---- A worker: a session of the hub, its proxy, and a second session that looks on -----------------

sub open_session
{
	my ($hub) = @_;
	return DBI->connect('dbi:Pg:dbname=postgres;host=' . $hub->host . ';port=' . $hub->port, (getpwuid($<))[0], undef,
		{ RaiseError => 0, PrintError => 0, PrintWarn => 0, AutoCommit => 1, pg_server_prepare => 0 }) // die $DBI::errstr;
}

sub open_sessions
{
	my ($worker) = @_;
	$worker->{$_} = open_session($worker->{hub}) foreach qw(session watch);
	do_ok($worker->{session}, q{SET client_min_messages = error});
	return;
}

# The names of a worker's own things in a statement.
sub worker_sql
{
	my ($worker, $sql) = @_;
	return $sql =~ s/\bimported_P\b/imported_$worker->{name}/gr =~ s/\b([PDX])\b/lc($1) . "_$worker->{name}"/ger =~ s/\bL(_log)?\b/'local_' . $worker->{name} . ($1 \/\/ '')/ger;
}

# Run one statement: its first row, or the SQLSTATE with a "!" before it; then message and seconds.
sub execute
{
	my ($session, $sql) = @_;
	my $begun = time;
	my $statement = $session->prepare($sql, { pg_async => PG_ASYNC });
	$statement->execute;
	my $vector = '';
	vec($vector, $session->{pg_socket}, 1) = 1;
	until ($session->pg_ready)
	{
		die "it did not end within $MOST_SECONDS s: $sql\n" if time - $begun > $MOST_SECONDS;
		select(my $copy = $vector, undef, undef, 0.05);
	}
	my $done = $session->pg_result;
	my $took = time - $begun;
	return ('!' . ($session->state || 'none'), $session->errstr, $took) unless defined $done;
	my $row = $statement->{NUM_OF_FIELDS} ? $statement->fetchrow_arrayref : undef;
	my $value = $row ? join '|', map { $_ // '' } @$row : '';
	$statement->finish;
	return ($value, '', $took);
}

sub do_ok
{
	my ($session, $sql) = @_;
	my ($value, $message) = execute($session, $sql);
	die "$sql\n$value $message\n" if $value =~ /^!/;
	return $value;
}

sub open_worker
{
	my ($hub, $source, $name, %change) = @_;
	my $of = $sources{$source};
	my $number = $name =~ s/\D//gr;
	my $proxy = Proxy->new($of->{protocol}, $of->{place}->());
	my $options = sub { my (%more) = @_; my %all = (connect_timeout => "${TIMEOUT_MS}ms", query_timeout => "${TIMEOUT_MS}ms", breaker_threshold => 0, max_retries => 2, %more);
		return '{' . join(', ', map { qq("$_": "$all{$_}") } sort keys %all) . '}' };
	my %to = (schema => $of->{schema}, $source eq 'mariadb' ? (database => $of->{schema}) : ());
	my %through = connector($source, %to, username => "connhub_fault_$number", port => $proxy->port, %change);
	my %around = connector($source, %to, username => $WATCHER);
	my $worker = { hub => $hub, source => $source, name => $name, number => $number, proxy => $proxy };
	open_sessions($worker);
	my $sql = sub { do_ok($worker->{watch}, worker_sql($worker, $_[0])) };
	my %patient = (query_timeout => '60s', connect_timeout => '60s');
	$sql->("SELECT FROM connhub.create_connector('P', " . arguments(%through, options => $options->(%patient)) . ')');
	$sql->("SELECT FROM connhub.create_connector('X', " . arguments(%through, options => $options->(%patient, two_phase => 'true')) . ')');
	$sql->("SELECT FROM connhub.create_connector('D', " . arguments(%around, options => $options->(%patient)) . ')');
	foreach my $schema (qw(P X D))
	{
		$sql->("SELECT FROM connhub.attach('$schema', remote_schema => '$of->{schema}', tables => ARRAY['small', 'many', 't_$number'], into_schema => '$schema')");
		$sql->("ALTER FOREIGN TABLE $schema.t_$number RENAME TO t");
	}
	$sql->("SELECT FROM connhub.update_connector('$_', test => false, discover => false, options => '" . $options->() . "')") foreach qw(P X);
	$sql->('CREATE TABLE L AS SELECT n * 14 AS id FROM generate_series(1, 500) n');
	$sql->('CREATE TABLE L_log (n int)');
	restore($worker);
	$worker->{original} = state_of($worker);
	return $worker;
}

# What the source holds, and the local table beside it.
sub state_of
{
	my ($worker) = @_;
	return do_ok($worker->{watch}, worker_sql($worker,
		q{SELECT (SELECT concat_ws(' ', count(*), sum(id), md5(string_agg(v, ',' ORDER BY id))) FROM (SELECT * FROM D.t OFFSET 0) t) || ' / ' || (SELECT count(*) FROM L_log)}));
}

sub restore
{
	my ($worker) = @_;
	return if $worker->{original} && state_of($worker) eq $worker->{original};
	do_ok($worker->{watch}, worker_sql($worker, $_))
	  foreach 'DELETE FROM D.t', "INSERT INTO D.t SELECT g, 'old ' || g FROM generate_series(1, $ROWS) g", 'TRUNCATE L_log';
	return;
}

# Has everything ended at the source that the session had begun?
sub is_quiet
{
	my ($worker) = @_;
	my $query = sprintf $sources{ $worker->{source} }{busy}, "connhub_fault_$worker->{number}";
	$query =~ s/'/''/g;
	return wait_until(20, sub { return do_ok($worker->{watch}, worker_sql($worker, "SELECT n FROM connhub.live('D', '$query') AS t(n bigint)")) eq '0' });
}

sub begin_operation
{
	my ($worker, $operation) = @_;
	$worker->{proxy}->drop if $operation->{fresh};
	do_ok($worker->{session}, worker_sql($worker, 'SELECT count(*) FROM P.small')) unless $operation->{fresh};
	do_ok($worker->{session}, worker_sql($worker, $_)) foreach @{ $operation->{before} || [] };
	return;
}

# The statements that meet the fault, up to the first error.
sub meet
{
	my ($worker, $operation) = @_;
	my ($value, $message, $longest) = ('', '', 0);
	foreach my $sql (@{ $operation->{armed} })
	{
		($value, $message, my $took) = execute($worker->{session}, worker_sql($worker, $sql));
		$longest = $took if $took > $longest;
		last if $value =~ /^!/;
	}
	if ($operation->{name} eq 'test' && $value =~ /^f (\w+)$/) { $value = "!$1" }
	return ($value, $message, $longest);
}

sub end_operation
{
	my ($worker, $operation) = @_;
	execute($worker->{session}, 'ROLLBACK');
	do_ok($worker->{session}, $_) foreach @{ $operation->{after} || [] };
	return;
}

# Run one without a fault: what it answers and leaves, and how many messages that takes.
sub measure
{
	my ($worker, $operation) = @_;
	restore($worker);
	begin_operation($worker, $operation);
	$worker->{proxy}->count;
	my ($value, $message) = meet($worker, $operation);
	$operation->{passed} = $worker->{proxy}->heal;
	end_operation($worker, $operation);
	$operation->{healthy} = $value;
	$operation->{done} = state_of($worker);
	die "$operation->{name} without a fault: $value $message\n" if $value =~ /^!/ || (defined $operation->{answer} && $value ne $operation->{answer});
	return;
}

# ---- A case -----------------------------------------------------------------------------------

# The faults that leave the bytes of a message what they were; the others may bring the source to answer anything.
my %is_honest = map { $_ => 1 } qw(delay stall fin rst truncate);

sub is_fitting
{
	my ($value, $fault) = @_;
	return 1 if $value =~ /^!(CONNECTION_LOST|TIMEOUT|CONNECTION_REFUSED|SSL_HANDSHAKE_FAILED)$/;
	return 1 if $value =~ /^!(08|HV|UB|57|40)/;
	return !$is_honest{$fault} && $value !~ /^!(XX|INTERNAL)/;
}

# Run one; returns what is wrong with it.
sub run_case
{
	my ($worker, $operation, $case) = @_;
	my @wrong;
	restore($worker);
	begin_operation($worker, $operation);
	$worker->{proxy}->arm(@$case{qw(direction n fault every)});
	my ($value, $message, $took) = meet($worker, $operation);
	my $passed = $worker->{proxy}->heal;
	end_operation($worker, $operation);
	my $failed = $value =~ /^!/;
	my $spoilt = $case->{fault} eq 'payload' && !$worker->{tls};

	push @wrong, "took $took s" if $took > $MOST_SECONDS - 10;
	push @wrong, "error without a fault: $value $message" if $failed && !$passed->{struck};
	push @wrong, "a delay became an error: $value $message" if $failed && $case->{fault} eq 'delay';
	push @wrong, "unfitting error: $value $message" if $failed && !is_fitting($value, $case->{fault});
	push @wrong, "answer $value instead of $operation->{answer}" if !$failed && !$spoilt && defined $operation->{answer} && $value ne $operation->{answer};
	push @wrong, "an error where there must be none: $value $message" if $failed && $operation->{always};
	push @wrong, 'the source goes on with it: ' . $sources{ $worker->{source} }{show}->() unless is_quiet($worker);

	# A connection may have been spoilt so late that the statement did not depend on it any more.
	$worker->{proxy}->drop if !$failed && $passed->{struck} && $case->{fault} ne 'delay';
	if ($operation->{writes} && !$spoilt)
	{
		do_ok($worker->{session}, worker_sql($worker, q{SELECT count(*) FROM connhub.resolve_prepared('X')})) if $operation->{two_phase};
		my $state = state_of($worker);
		my $unknown = $operation->{commits} && $value eq '!08007';
		my $done = $operation->{done} =~ s{ / \d+$}{}r;
		my $is_done = $state eq ($failed ? "$done / 0" : $operation->{done});
		my $is_undone = $state eq $worker->{original};
		my $fits = !$failed ? $is_done : $unknown ? $is_done || $is_undone : $is_undone;
		push @wrong, ($failed ? "after $value ($message)" : 'after success') . " the source holds $state" unless $fits;
	}
	restore($worker);
	begin_operation($worker, $operation);
	my ($again, $why) = meet($worker, $operation);
	end_operation($worker, $operation);
	push @wrong, "the same again: $again $why" if $again ne $operation->{healthy};
	push @wrong, "the same again leaves " . state_of($worker) if $operation->{writes} && state_of($worker) ne $operation->{done};
	$worker->{outcomes}{ $failed ? $value : 'success' }++;
	return @wrong;
}

# The faults at the first messages of an operation, one in the middle and the last two; two faults at each, in turn, and a stall at
# the first and the last.  CONNHUB_FAULT_ALL=1 has every fault strike there.
my @in_turn = qw(fin truncate type rst length delay payload);

sub cases_of
{
	my ($operation, $passed, $first, $is_tls, $turn) = @_;
	my @cases;
	foreach my $direction (qw(client server))
	{
		my $messages = $passed->{$direction} or next;
		my %at = map { $_ => 1 } grep { $_ >= 1 && $_ <= $messages } 1 .. $first, int($messages / 2), $messages - 1, $messages;
		foreach my $n (sort { $a <=> $b } keys %at)
		{
			my @faults = map { $in_turn[ ($turn + $_) % @in_turn ] } 0, 1;
			$turn += 2;
			push @faults, 'stall' if $n == $messages || ($n == 1 && $direction eq 'server');
			@faults = @Proxy::faults if $ENV{CONNHUB_FAULT_ALL};

			# What is altered in clear text may mean anything, so nothing can be said of what is then written.
			@faults = grep { $_ ne 'payload' } @faults if $operation->{writes} && !$is_tls;
			push @cases, map { { direction => $direction, n => $n, fault => $_, every => ++$turn % 2 } } @faults;
		}
	}
	return @cases;
}

# ---- Leaks ------------------------------------------------------------------------------------

sub holdings
{
	my ($worker) = @_;
	my $pid = $worker->{session}{pg_pid};
	my %holds = (drivers => do_ok($worker->{session}, q{SELECT coalesce(sum(used_bytes), 0) FROM pg_backend_memory_contexts WHERE name = 'connhub drivers'}));
	$holds{memory} = do_ok($worker->{session}, 'SELECT sum(total_bytes) FROM pg_backend_memory_contexts');
	foreach my $kind ([ descriptors => 'fd' ], [ threads => 'task' ])
	{
		opendir my $folder, "/proc/$pid/$kind->[1]" or die "/proc/$pid: $!\n";
		# Files are the server's own: tables and indexes it keeps open.
		$holds{ $kind->[0] } = grep { !/^\./ && (readlink("/proc/$pid/$kind->[1]/$_") // '') !~ m{^/} } readdir $folder;
		closedir $folder;
	}
	open my $status, '<', "/proc/$pid/status" or die "/proc/$pid: $!\n";
	($holds{resident}) = map { /^RssAnon:\s+(\d+)/ ? $1 : () } <$status>;
	close $status;
	return \%holds;
}

# ---- Many -------------------------------------------------------------------------------------

# One process of the test: its share of the operations.
sub run_share
{
	my ($worker, $operations, $first, $say) = @_;
	my $pass = sub { measure($worker, $_) foreach @$operations };
	$pass->() foreach 1 .. 2;
	my $before = holdings($worker);
	my $count = 0;
	foreach my $operation (@$operations)
	{
		foreach my $case (cases_of($operation, $operation->{passed}, $first, $worker->{tls}, $worker->{number} * 3 + $count))
		{
			my $name = "$worker->{source} $worker->{name}: $operation->{name}, message $case->{n} of $operation->{passed}{ $case->{direction} } of the $case->{direction}: $case->{fault}" . ($case->{every} ? ' each time' : '');
			my @wrong = eval { run_case($worker, $operation, $case) };
			push @wrong, "broken off: $@" if $@;
			$say->(!@wrong, $name, join "\n", @wrong);
			$count++;
			return if $@;
		}
	}
	$pass->();
	my $settled = wait_until(10, sub { my $now = holdings($worker); return $now->{threads} <= $before->{threads} && $now->{descriptors} <= $before->{descriptors} });
	my $after = holdings($worker);
	my $held = join ', ', map { "$_ $before->{$_} then $after->{$_}" } sort keys %$before;
	$say->($settled, "$worker->{source} $worker->{name}: no descriptor or thread is left after $count faults", $held);
	$say->($after->{drivers} <= $before->{drivers} + 4096 && $after->{memory} <= $before->{memory} + 2_000_000 && $after->{resident} < $before->{resident} + 16_384,
		"$worker->{source} $worker->{name}: nor memory", $held);
	$say->(undef, '', join ', ', $held, map { "$_ $worker->{outcomes}{$_}" } sort keys %{ $worker->{outcomes} });
	return;
}

# Share the operations of a source among processes.  Each of them tells what it finds in one line at a time.
sub run_faults
{
	my ($hub, $source, $processes, $first, $prefix, $filter, %change) = @_;
	my @operations = grep { !$filter || $_->{name} =~ $filter } operations($source);
	my %pipes;
	foreach my $number (1 .. $processes)
	{
		my @share = @operations[ grep { $_ % $processes == $number - 1 } 0 .. $#operations ] or next;
		pipe my $read, my $write or die "pipe: $!\n";
		my $pid = fork // die "fork: $!\n";
		if ($pid == 0)
		{
			close $read;
			$write->autoflush(1);
			my $say = sub { my ($ok, $name, $text) = @_; print $write join("\t", defined $ok ? $ok ? 1 : 0 : '', $name, ($text // '') =~ s/[\n\t]+/; /gr), "\n" };
			my $worker;
			eval {
				$worker = open_worker($hub, $source, "$prefix$number", %change);
				$worker->{tls} = ($change{ssl_mode} || 'disable') ne 'disable';
				run_share($worker, \@share, $first, $say);
				1;
			} or $say->(0, "$source $prefix$number", "broken off: $@");
			$worker->{proxy}->stop if $worker;
			POSIX::_exit(0);
		}
		close $write;
		$pipes{$pid} = $read;
	}
	my $select = IO::Select->new(values %pipes);
	my %partial;
	while ($select->count)
	{
		foreach my $read ($select->can_read)
		{
			unless (sysread $read, $partial{$read}, 65536, length($partial{$read} // ''))
			{
				$select->remove($read);
				next;
			}
			while ($partial{$read} =~ s/^(.*)\n//)
			{
				my ($ok, $name, $text) = split /\t/, $1, 3;
				if ($ok eq '') { note($text) }
				else { ok($ok, $name) or diag($text) }
			}
		}
	}
	waitpid $_, 0 foreach keys %pipes;
	return;
}

1;
