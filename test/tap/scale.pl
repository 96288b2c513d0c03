# 10,000 tables of 20 columns are discovered in one pass, in bounded time and memory.  The target is 30 s on two idle
# cores; other tests run beside this one, so the time allowed is twice that, and both figures are printed.
use strict;
use warnings;
use Hub;
use List::Util qw(max);
use Test::More;
use Time::HiRes qw(sleep time);

my ($tables, $columns) = (10_000, 20);
my $hub = new_hub('scale', "log_min_messages = warning\nmax_wal_size = 4GB\n");

source_psql('DROP DATABASE IF EXISTS wide');
source_psql('CREATE DATABASE wide OWNER connhub');
my ($out, $err);
my $list = join ', ', 'c1 integer PRIMARY KEY', map { "c$_ " . (qw(text bigint numeric timestamp))[ $_ % 4 ] } 2 .. $columns;
my $make = <<"SQL";
SET ROLE connhub;
DO \$\$
BEGIN
	FOR i IN 1..$tables LOOP
		EXECUTE format('CREATE TABLE table_%s ($list)', lpad(i::text, 5, '0'));
		IF i % 200 = 0 THEN COMMIT; END IF;
	END LOOP;
END \$\$;
SQL
IPC::Run::run([ 'psql', '-XAtq', '-h', $ENV{CONNHUB_TEST_PG_SOCKET}, '-p', $ENV{CONNHUB_TEST_PG_PORT}, '-U', 'postgres', '-d', 'wide', '-v', 'ON_ERROR_STOP=1' ],
	'<', \$make, '>', \$out, '2>', \$err) or die "$err\n";

my %source = connector('postgresql', database => 'wide', schema => 'public');
my %session = (in => '', out => '', err => '');
$session{run} = IPC::Run::start([ 'psql', '-XAt', '-d', $hub->connstr('postgres') ],
	'<', \$session{in}, '>', \$session{out}, '2>', \$session{err}, IPC::Run::timeout(300));

sub run_sql
{
	my ($sql, $watch) = @_;
	$session{out} = '';
	$session{in} .= "$sql\n\\echo --END--\n";
	until ($session{out} =~ /^--END--$/m)
	{
		IPC::Run::pump_nb($session{run});
		$watch->() if $watch;
		sleep 0.05;
	}
	(my $answer = $session{out}) =~ s/^--END--\n//m;
	chomp $answer;
	return $answer;
}

my $pid = run_sql('SELECT pg_backend_pid();');
sub memory
{
	open my $status, '<', "/proc/$pid/status" or return 0;
	my ($line) = grep { /^RssAnon:/ } <$status>;
	close $status;
	return $line =~ /(\d+) kB/ ? $1 / 1024 : 0;
}

run_sql("SELECT connhub.create_connector('wide', " . arguments(%source) . ', discover => false);');
my $idle = memory();
my $peak = $idle;
my $begun = time;
my $found = run_sql("SELECT tables, columns, keys FROM connhub.discover('wide');", sub { $peak = max($peak, memory()) });
my $seconds = time - $begun;
is($found, "$tables|" . $tables * $columns . "|$tables", 'everything was found') or diag($session{err});
cmp_ok($seconds, '<', 60, sprintf('%d tables of %d columns took %.1f s (target 30 s)', $tables, $columns, $seconds));
cmp_ok($peak - $idle, '<', 100, sprintf('memory grew by %.1f MB', $peak - $idle));

# A second discovery finds the same, takes no longer, and writes no row of it.
my $written = "SELECT (SELECT max(xmin::text::bigint) FROM connhub_catalog.remote_table), (SELECT max(xmin::text::bigint) FROM connhub_catalog.remote_column),"
  . ' (SELECT max(xmin::text::bigint) FROM connhub_catalog.remote_key), (SELECT max(xmin::text::bigint) FROM connhub_catalog.remote_index);';
my $before = run_sql($written);
$peak = $idle = memory();
$begun = time;
is(run_sql("SELECT tables, columns FROM connhub.discover('wide');", sub { $peak = max($peak, memory()) }), "$tables|" . $tables * $columns, 'a second pass finds the same');
cmp_ok(time - $begun, '<', 60, sprintf('and took %.1f s', time - $begun));
cmp_ok($peak - $idle, '<', 100, sprintf('memory grew by %.1f MB', $peak - $idle));
is(run_sql($written), $before, 'no row was written again');
is(run_sql("SELECT count(*) FROM connhub.drift;"), '0', 'and there is no drift');
is(run_sql("SELECT count(*) FROM connhub.tables('wide', table_pattern => 'table\\_0000_');"), '9', 'a pattern finds its part');

$session{in} .= "\\q\n";
IPC::Run::finish($session{run});
$hub->stop;
source_psql('DROP DATABASE wide');
done_testing();
