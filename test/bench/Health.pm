# test/bench/Health.pm — the work "health": 10,000 connectors in a hub of their own, tested by the background workers.
#
# Six of ten are PostgreSQL, the others MariaDB; one of twenty leads nowhere: its port accepts no connection, or accepts
# and says nothing.  In the first round all are due at once, and all change their status: how long does it take?  In the
# second they fall due one by one over 100 s: how late are those that lead somewhere, and how much
# processor time do the workers take, of the quarter of an hour that such a round has?
package Health;
use strict;
use warnings;
use Exporter 'import';
use POSIX ();
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(health);

my $interval = 900;
my $spread = 100;
my $timeout = 10;
my %hub;

sub total { return $ENV{BENCH_CONNECTORS} || 10_000; }

# Start or stop a server of one's own in the run's folder, and where it then is.
sub server
{
	my ($name, $action) = @_;
	my $folder = "$ENV{BENCH_FOLDER}/health_$name";
	system("test/servers/$name.sh $action $folder >$ENV{BENCH_FOLDER}/health.log 2>&1 </dev/null") == 0 or die "$name: $action failed\n";
	return if $action eq 'stop';
	open my $file, '<', "$folder/env" or die "$folder/env: $!\n";
	return map { /^export (\w+)=(.*)$/ ? ($1 => $2) : () } readline $file;
}

sub run_command
{
	my (@command) = @_;
	open my $pipe, '-|', @command or die "$command[0]: $!\n";
	my $answer = do { local $/ = undef; readline $pipe } // '';
	close $pipe or die "$command[0] failed\n";
	chomp $answer;
	return $answer;
}

sub ask
{
	my ($sql) = @_;
	return run_command('psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', $hub{PGHOST}, '-p', $hub{PGPORT}, '-U', $hub{PGUSER}, '-d', 'postgres', '-c', $sql);
}

sub start_hub
{
	my $conf = "$ENV{BENCH_FOLDER}/health_hub/data/postgresql.conf";
	server('hub', 'start');
	server('hub', 'stop');
	open my $file, '>>', $conf or die "$conf: $!\n";
	print {$file} "shared_preload_libraries = 'connhub'\nshared_buffers = 256MB\nconnhub.health_interval = '${interval}s'\n",
	  "connhub.allowed_networks = '127.0.0.0/8'\nconnhub.max_connectors = 12000\nautovacuum = on\njit = off\n";
	close $file or die "$conf: $!\n";
	%hub = server('hub', 'start');
	return;
}

# Rows instead of calls, which would take minutes: the sources let these users in without a password.
sub make_connectors
{
	my (%blackhole) = @_;
	my $count = total();
	run_command('mariadb', '--no-defaults', '-S', $ENV{CONNHUB_TEST_MY_SOCKET}, '-u', 'root', '-e',
		"CREATE OR REPLACE USER bench_health\@'127.0.0.1' IDENTIFIED BY ''; GRANT SELECT ON *.* TO bench_health\@'127.0.0.1'; SET GLOBAL max_connections = 500");
	ask(<<"SQL");
		CREATE EXTENSION connhub;
		CREATE TEMPORARY TABLE made AS SELECT gen_random_uuid() AS id, n, n % 10 < 6 AS is_pg, CASE n % 40 WHEN 0 THEN 'full' WHEN 20 THEN 'mute' END AS hole
			FROM generate_series(1, $count) AS n;
		INSERT INTO connhub_catalog.connector (id, tenant_id, name, type, owner, host, port, database, username, ssl_mode, options, status)
		SELECT id, '00000000-0000-0000-0000-000000000001', 'c' || n, CASE WHEN is_pg THEN 'postgresql' ELSE 'mariadb' END, current_user::regrole, '127.0.0.1',
			CASE hole WHEN 'full' THEN $blackhole{CONNHUB_TEST_BLACKHOLE_PORT} WHEN 'mute' THEN $blackhole{CONNHUB_TEST_MUTE_PORT}
				ELSE CASE WHEN is_pg THEN $ENV{CONNHUB_TEST_PG_PORT} ELSE $ENV{CONNHUB_TEST_MY_PORT} END END,
			'shop', CASE WHEN is_pg THEN 'connhub_trusted' ELSE 'bench_health' END, 'disable', '{"connect_timeout": "${timeout}s"}', 'TESTING'
		FROM made;
		INSERT INTO connhub_catalog.health (connector_id, next_due_at) SELECT id, 'infinity' FROM made;
		DO \$\$ DECLARE m record; BEGIN FOR m IN SELECT * FROM made LOOP
			EXECUTE format('CREATE SERVER %I FOREIGN DATA WRAPPER connhub OPTIONS (connector %L)', 'c' || m.n, m.id); END LOOP; END \$\$;
		CREATE TABLE holes AS SELECT id FROM made WHERE hole IS NOT NULL;
		CREATE TABLE due (connector_id uuid PRIMARY KEY, at timestamptz);
SQL
	ask('VACUUM ANALYZE connhub_catalog.connector, connhub_catalog.health, pg_foreign_server');
	ask("SELECT connhub.set_maintenance('c1', now() + interval '1 year')");
	return;
}

sub processor_seconds
{
	my $ticks = 0;
	foreach my $pid (split /\n/, ask("SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'connhub%'"))
	{
		open my $file, '<', "/proc/$pid/stat" or next;
		my (undef, $rest) = split /\) /, readline($file), 2;
		my @fields = split ' ', $rest;
		$ticks += $fields[11] + $fields[12];
	}
	return $ticks / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

# Make all due, over so many seconds, and wait until all were tested.  The end of a window that is none wakes the scheduler.
sub round
{
	my ($seconds) = @_;
	my $count = total();
	my $until = time + 600;
	my $before = processor_seconds();
	ask("BEGIN; TRUNCATE due; INSERT INTO due SELECT connector_id, clock_timestamp() + interval '1 second' * $seconds * row_number() OVER (ORDER BY hashtext(connector_id::text)) / $count FROM connhub_catalog.health;
		UPDATE connhub_catalog.health AS h SET next_due_at = d.at FROM due AS d WHERE d.connector_id = h.connector_id; SELECT connhub.end_maintenance('c1'); COMMIT");
	my $tested = 'SELECT count(*) FROM connhub_catalog.health_check WHERE checked_at >= (SELECT min(at) FROM due)';
	until (ask($tested) >= $count)
	{
		die 'only ' . ask($tested) . " of $count were tested\n" if time > $until;
		sleep 2;
	}
	my %result = (cpu => processor_seconds() - $before);
	die "some were tested twice\n" if ask($tested) != $count;
	die "the outcome is wrong: " . ask('SELECT status, code, count(*) FROM connhub_catalog.health_check WHERE checked_at >= (SELECT min(at) FROM due) GROUP BY 1, 2') . "\n"
	  if ask("SELECT count(*) FROM connhub_catalog.health_check k LEFT JOIN holes h ON h.id = k.connector_id WHERE checked_at >= (SELECT min(at) FROM due)
		AND CASE WHEN h.id IS NULL THEN k.success ELSE k.code = 'TIMEOUT' END") != $count;
	@result{qw(seconds late p99)} = split /\|/, ask("SELECT max(extract(epoch FROM k.checked_at + interval '1 ms' * k.latency_ms) - (SELECT extract(epoch FROM min(at)) FROM due)),
		max(extract(epoch FROM k.checked_at - d.at)) FILTER (WHERE h.id IS NULL),
		percentile_cont(0.99) WITHIN GROUP (ORDER BY k.latency_ms) FILTER (WHERE h.id IS NULL)
		FROM connhub_catalog.health_check k JOIN due d USING (connector_id) LEFT JOIN holes h ON h.id = k.connector_id WHERE k.checked_at >= (SELECT min(at) FROM due)");
	return \%result;
}

sub measure
{
	start_hub();
	make_connectors(server('blackhole', 'start'));
	my $burst = round(0);
	my $steady = round($spread);
	return {
		ours => $burst->{seconds},
		round => sprintf('%.1f', $burst->{seconds}),
		late => sprintf('%.1f', $steady->{late}),
		share => sprintf('%.1f', 100 * $steady->{cpu} / $interval),
		notes => [
			sprintf('%d connectors, %d of them black holes with %d s', total(), ask('SELECT count(*) FROM holes'), $timeout),
			map({ my ($name, $round) = @$_; sprintf('%s: %.1f s, %.1f s of processor, latest %.1f s after it was due, 99 of 100 within %.0f ms', $name, @$round{qw(seconds cpu late p99)}) }
				[ 'all at once', $burst ], [ "over $spread s", $steady ]) ],
	};
}

sub health
{
	my $measure = eval { measure() };
	my $error = $@;
	foreach my $name (qw(hub blackhole)) { eval { server($name, 'stop'); 1 } or print "#   $@"; }
	die $error unless $measure;
	return $measure;
}

1;
