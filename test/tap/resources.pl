# A scan of 2,000,000 rows or an INSERT of 1,000,000 needs no more memory than a small one; descriptors do not pile up; a cached connection
# that died is replaced while nothing was sent, and only then.
use strict;
use warnings;
use Hub;
use List::Util qw(max);
use Test::More;
use Time::HiRes qw(sleep time);

my $hub = new_hub('resources', "log_min_messages = warning\n");
my %user = source_user('connhub_resources');

my %session = (in => '', out => '', err => '');
$session{run} = IPC::Run::start([ 'psql', '-XAt', '-d', $hub->connstr('postgres') ],
	'<', \$session{in}, '>', \$session{out}, '2>', \$session{err}, IPC::Run::timeout(240));

# Run SQL in the session; $watch is called while it runs.
sub run_sql
{
	my ($sql, $watch) = @_;
	$session{out} = $session{err} = '';
	$session{in} .= "$sql\n\\echo --END--\n\\warn --END--\n";
	until ($session{out} =~ /^--END--$/m && $session{err} =~ /^--END--$/m)
	{
		IPC::Run::pump_nb($session{run});
		$watch->() if $watch;
		sleep 0.01;
	}
	(my $out = $session{out}) =~ s/^--END--\n//m;
	(my $err = $session{err}) =~ s/^--END--\n//m;
	chomp $out;
	return ($out, $err);
}

my ($pid) = run_sql('SELECT pg_backend_pid();');

# Memory of the backend's own, in MB.
sub memory
{
	open my $status, '<', "/proc/$pid/status" or return 0;
	my ($line) = grep { /^RssAnon:/ } <$status>;
	close $status;
	return $line =~ /(\d+) kB/ ? $1 / 1024 : 0;
}

sub descriptors
{
	opendir my $dir, "/proc/$pid/fd" or return 0;
	my $count = grep { !/^\./ } readdir $dir;
	closedir $dir;
	return $count;
}

my $million = 'CREATE TABLE million (id bigint PRIMARY KEY, v varchar(80), n numeric(12,2), d date)';
source_psql("SET search_path = shop; DROP TABLE IF EXISTS million; $million; GRANT ALL ON million TO connhub_resources");
source_mariadb("DROP TABLE IF EXISTS million; $million; GRANT ALL ON shop.million TO connhub_resources\@'127.0.0.1'");

foreach my $source (qw(postgresql mariadb sqlite))
{
	run_sql("SELECT connhub.create_connector('$source', " . arguments(connector($source, users($source))) . ");
		SELECT * FROM connhub.attach('$source', tables => ARRAY['customers', 'orders', 'many_rows']);");
	run_sql("SELECT * FROM $source.customers; SELECT * FROM $source.orders;");

	my $idle = memory();
	my $peak = $idle;
	my $begun = time;
	my ($out, $err) = run_sql("SELECT count(*), sum(n::bigint), count(DISTINCT bucket::int % 7), max(length(label)) FROM (SELECT * FROM $source.many_rows OFFSET 0) AS rows;",
		sub { $peak = max($peak, memory()) });
	is($out, '2000000|2000001000000|7|18', "$source: all of 2,000,000 rows arrive") or diag($err);
	cmp_ok($peak - $idle, '<', 30, sprintf('%s: memory stays flat: %.1f MB idle, %.1f MB at most, %.1f s', $source, $idle, $peak, time - $begun));

	# The same in a cursor of which only a part is read.
	($out, $err) = run_sql("BEGIN; DECLARE c CURSOR FOR SELECT * FROM $source.many_rows; MOVE 1000 IN c; CLOSE c; COMMIT; SELECT 'then ' || count(*) FROM $source.customers;");
	like($out, qr/then 200/, "$source: a scan left half-way frees the connection") or diag($err);
}

# So does an INSERT of 1,000,000 rows.
foreach my $source (qw(postgresql mariadb))
{
	run_sql("SELECT * FROM connhub.attach('$source', tables => ARRAY['million']); INSERT INTO $source.million SELECT -i FROM generate_series(1, 2000) i;");
	my $idle = memory();
	my $peak = $idle;
	my $begun = time;
	my ($out, $err) = run_sql("INSERT INTO $source.million SELECT i, repeat('x', 50), i / 100.0, date '2000-01-01' + i % 10000 FROM (SELECT generate_series(1, 1000000) AS i) AS n;",
		sub { $peak = max($peak, memory()) });
	is($out, 'INSERT 0 1000000', "$source: 1,000,000 rows are written") or diag($err);
	cmp_ok($peak - $idle, '<', 10, sprintf('%s: memory stays flat: %.1f MB idle, %.1f MB at most, %.1f s', $source, $idle, $peak, time - $begun));
	is((run_sql("SELECT count(*) FROM $source.million WHERE id > 0;"))[0], '1000000', "$source: and are there");
}
source_psql('DROP TABLE shop.million');
source_mariadb('DROP TABLE million');

# Descriptors: what a hundred tests opened is closed again.
my %broken = (
	postgresql => [ password => 'wrong-password' ],
	mariadb => [ password => 'wrong-password' ],
	sqlite => [ database => "$ENV{CONNHUB_TEST_SQLITE}.none" ]);
foreach my $source (qw(postgresql mariadb sqlite))
{
	my $good = arguments(connector($source, users($source)));
	my $bad = arguments(connector($source, users($source), @{ $broken{$source} }));
	run_sql("SELECT success FROM connhub.test($good); SELECT success FROM connhub.test($bad);");
	my $before = descriptors();
	my $begun = memory();
	my ($out, $err) = run_sql("SELECT t.success FROM generate_series(1, 50) AS n, LATERAL connhub.test($good) AS t;
		SELECT t.success FROM generate_series(1, 50) AS n, LATERAL connhub.test($bad) AS t;");
	my @answers = split /\n/, $out;
	is(scalar(grep { $_ eq 't' } @answers) . ' ' . scalar(grep { $_ eq 'f' } @answers), '50 50', "$source: a hundred tests") or diag($err);
	is(descriptors(), $before, "$source: no descriptor is left open");
	cmp_ok(memory() - $begun, '<', 5, "$source: and little memory is kept");
}

# A cached connection that died.
my %kill = (
	postgresql => sub { source_psql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'connhub_resources'") },
	mariadb => sub {
		source_mariadb("KILL $_") foreach split /\n/, source_mariadb("SELECT id FROM information_schema.processlist WHERE user = 'connhub_resources'");
		wait_until(5, sub { source_mariadb("SELECT count(*) FROM information_schema.processlist WHERE user = 'connhub_resources'") eq '0' });
	});
# Kill, or return SQL that kills first of all.
run_sql("CREATE EXTENSION dblink; SELECT dblink_connect('killer', 'host=$ENV{CONNHUB_TEST_PG_SOCKET} port=$ENV{CONNHUB_TEST_PG_PORT} user=postgres dbname=shop');");
my %kill_now = (
	postgresql => sub {
		return "SELECT * FROM dblink('killer', \$q\$SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'connhub_resources'\$q\$) AS t(n bigint); ";
	},
	mariadb => sub {
		source_mariadb("KILL " . source_mariadb("SELECT id FROM information_schema.processlist WHERE user = 'connhub_resources'"));
		return '';
	});
foreach my $source (qw(postgresql mariadb))
{
	my $customers = "SELECT 'rows ' || count(*) FROM $source.customers;";
	run_sql($customers);
	$kill{$source}->();
	sleep 0.1;
	my ($out, $err) = run_sql($customers);
	like($out, qr/rows 200/, "$source: a dead cached connection is replaced") or diag($err);

	# The same with no time in between, so that the loss shows only when the query is on its way.
	my $replaced = 0;
	for (1 .. 5)
	{
		($out, $err) = run_sql($kill_now{$source}->() . $customers);
		$replaced++ if $out =~ /rows 200/;
		diag($err) if $err;
	}
	is($replaced, 5, "$source: also one that dies just before the query");

	run_sql("BEGIN; $customers");
	$kill{$source}->();
	sleep 0.1;
	($out, $err) = run_sql("$customers");
	unlike($out, qr/rows/, "$source: not within a transaction that has used it");
	like($err, qr/ERROR:.*/, "$source: an error says so");
	($out, $err) = run_sql("ROLLBACK; $customers");
	like($out, qr/rows 200/, "$source: the next transaction has a new one") or diag($err);
}

# Two scans open on one connection, and one of them ended early.
foreach my $source (qw(postgresql mariadb sqlite))
{
	my ($out, $err) = run_sql("SELECT count(*) FROM $source.customers a JOIN $source.orders b ON a.id = b.customer_id;
		BEGIN; DECLARE a CURSOR FOR SELECT n FROM $source.many_rows; FETCH 2 FROM a; DECLARE b CURSOR FOR SELECT id FROM $source.customers ORDER BY id; FETCH 2 FROM b; FETCH 1 FROM a; CLOSE b; FETCH 1 FROM a; COMMIT;");
	is(join(' ', split /\n/, $out =~ s/^(BEGIN|DECLARE CURSOR|CLOSE CURSOR|COMMIT)\n?//gmr), '1000 1 2 1 2 3 4', "$source: two open scans") or diag($err);
}

$session{in} .= "\\q\n";
IPC::Run::finish($session{run});
$hub->stop;
drop_source_user('connhub_resources');
done_testing();

# The one to connect as; a file knows no users.
sub users
{
	my ($source) = @_;
	return $source eq 'sqlite' ? () : %user;
}
