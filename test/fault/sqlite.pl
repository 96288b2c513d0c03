# What can befall a file: another process that holds its lock, a tail that is gone or overwritten while it is read, a disk that is
# full.  Each is an error that names it, rows are never wrong, what was committed stays, and the session goes on.
use strict;
use warnings;
use lib 'test/tap';
use File::Copy qw(copy);
use Hub;
use Fault;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

(my $folder = $ENV{CONNHUB_TEST_SQLITE}) =~ s{/[^/]+$}{};
my $file = "$folder/fault.db";
unlink glob "$file*";

sub sqlite
{
	my ($sql, $name) = @_;
	my $out = '';
	IPC::Run::run([ 'sqlite3', '-bail', $name // $file ], '<', \$sql, '>', \$out) or die "sqlite3 failed\n";
	chomp $out;
	return $out;
}

my $rows = 100_000;
sqlite("CREATE TABLE t (id integer PRIMARY KEY, v varchar(200) NOT NULL); INSERT INTO t WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < $rows) "
	  . "SELECT n, printf('row %0100d', n) FROM s;");
my $right = sqlite('SELECT count(*), sum(id), max(v) FROM t');

my $hub = new_hub('fault_sqlite');
my $session = open_session($hub);

sub connect_to
{
	my ($name, $database) = @_;
	do_ok($session, "SELECT FROM connhub.create_connector('$name', 'sqlite', database => '$database', options => '{\"read_only\": \"false\", \"busy_timeout\": \"300ms\"}')");
	do_ok($session, "SELECT FROM connhub.attach('$name')");
	return;
}

my $scan = q{SELECT count(*), sum(id), max(v) FROM (SELECT * FROM "S".t OFFSET 0) s};

sub scan { my ($name) = @_; return execute($session, $scan =~ s/\bS\b/$name/r) }

connect_to('f', $file);
is((scan('f'))[0], $right, 'all rows');

# ---- Locked by another process ----------------------------------------------------------------

my %holder = (in => "BEGIN EXCLUSIVE; UPDATE t SET v = 'held' WHERE id = 1; SELECT 'holds';\n", out => '');
my $run = IPC::Run::start([ 'sqlite3', $file ], '<', \$holder{in}, '>', \$holder{out});
$run->pump until $holder{out} =~ /holds/;
foreach my $case ([ 'a scan', 'SELECT count(*) FROM f.t' ], [ 'an insert', q{INSERT INTO f.t VALUES (-1, 'x')} ], [ 'an update', q{UPDATE f.t SET v = 'x' WHERE id = 2} ],
	[ 'a discovery', q{SELECT FROM connhub.discover('f')} ])
{
	my ($value, $message, $took) = execute($session, $case->[1]);
	like($value, qr/^!55P03$/, "$case->[0] of a locked file fails: $value") or diag($message);
	like($message, qr/lock/i, 'it says that it is locked') or diag($message);
	cmp_ok($took, '<', 15, sprintf('in time: %.2f s', $took));
}
is((execute($session, q{SELECT concat_ws(' ', success, error_code) FROM connhub.test('f')}))[0] =~ /^f \w+$/ ? 1 : 0, 1, 'so does a test');
$holder{in} .= "ROLLBACK;\n.quit\n";
$run->finish;
is((scan('f'))[0], $right, 'it is read again when the lock is gone, as it was');
do_ok($session, q{INSERT INTO f.t VALUES (-1, 'x')});
do_ok($session, 'DELETE FROM f.t WHERE id = -1');
is((scan('f'))[0], $right, 'and written');

# ---- A file that loses its tail, or has another, while it is read -------------------------------

foreach my $case ([ 'cut', sub { truncate $_[0], int((-s $_[0]) / 8192) * 4096 or die "truncate: $!\n" } ],
	[ 'spoilt', sub {
		open my $handle, '+<', $_[0] or die "open: $!\n";
		seek $handle, int((-s $_[0]) / 8192) * 4096, 0;
		print $handle "\xff" x ((-s $_[0]) / 4);
		close $handle;
	} ])
{
	my ($name, $spoil) = @$case;
	my $copy = "$folder/$name.db";
	copy($file, $copy) or die "copy: $!\n";
	connect_to($name, $copy);
	do_ok($session, $_) foreach 'BEGIN', "DECLARE c CURSOR FOR SELECT id, v FROM $name.t";
	my ($first) = execute($session, 'FETCH 1 FROM c');
	is($first, '1|' . sprintf('row %0100d', 1), "$name: the first row");
	$spoil->($copy);
	my $got = 0;
	my ($value, $message) = ('', '');
	for (1 .. $rows)
	{
		($value, $message) = execute($session, 'MOVE FORWARD 10000 IN c');
		last if $value =~ /^!/ || $_ * 10000 > $rows + 10000;
	}
	like($value, qr/^!(XX001|XX002|58|HV|UB|08)/, "$name in mid-scan is an error: $value") or diag($message);
	execute($session, 'ROLLBACK');
	($value, $message) = scan($name);
	like($value, qr/^!(XX001|XX002|58|HV|UB|08)/, "$name: so is every scan after it: $value") or diag($message);
	unlike($message, qr/defect|internal/i, 'the file is blamed, not connhub') or diag($message);
	is((execute($session, "SELECT v FROM f.t WHERE id = 7"))[0], sprintf('row %0100d', 7), 'the session goes on');
	unlink glob "$copy*";
	copy($file, $copy) or die "copy: $!\n";
	my ($answer, $why);
	wait_until(5, sub { ($answer, $why) = scan($name); $answer eq $right });
	is($answer, $right, "$name: a whole file in its place is read") or diag($why);
	unlink glob "$copy*";
}

# ---- A full disk ------------------------------------------------------------------------------

# A hub of its own sees a small disk where the others see an empty folder.  It must not run as root, not even as the one of its
# namespace, so that holds another one.
sub start_on_small_disk
{
	my ($node, $kilobytes) = @_;
	my $start = "mount -t tmpfs -o size=${kilobytes}k none $folder/small && cp $file $folder/small/t.db && chmod 777 $folder/small && chmod 666 $folder/small/t.db && "
	  . 'exec unshare -U --map-user=12345 pg_ctl -w -D ' . $node->data_dir . ' -l ' . $node->logfile . ' start';
	system('unshare', '-Urm', 'bash', '-c', "($start) >/dev/null 2>&1") == 0 or return 0;
	$node->_update_pid(1);
	return 1;
}

SKIP:
{
	mkdir "$folder/small";
	my $full = PostgreSQL::Test::Cluster->new('fault_full');
	$full->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
	$full->append_conf('postgresql.conf', "connhub.allowed_folders = '$folder'\n");
	start_on_small_disk($full, int((-s $file) / 1024) + 600) or skip('no disk of one\'s own here', 5);
	$session->disconnect;
	$session = open_session($full);
	do_ok($session, 'CREATE EXTENSION connhub');
	connect_to('brim', "$folder/small/t.db");
	my ($value, $message) = execute($session, "INSERT INTO brim.t SELECT 1000000 + g, repeat('x', 190) FROM generate_series(1, 20000) g");
	is($value, '!53100', 'a write beyond the room there is fails') or diag($message);
	is((scan('brim'))[0], $right, 'nothing of it stays, and the session goes on');
	do_ok($session, q{INSERT INTO brim.t VALUES (-2, 'small')});
	do_ok($session, 'DELETE FROM brim.t WHERE id = -2');
	is((scan('brim'))[0], $right, 'what finds room is written');
	is(sqlite('PRAGMA integrity_check', '/proc/' . slurp_file($full->data_dir . '/postmaster.pid') =~ s/\n.*//sr . "/root$folder/small/t.db"), 'ok', 'the file is whole');
	unlike(slurp_file($full->logfile), qr/PANIC|terminated by signal/, 'no process crashed');
	$full->stop;
}
rmdir "$folder/small";

unlike(slurp_file($hub->logfile), qr/PANIC|terminated by signal/, 'no process crashed');
$hub->stop;
unlink glob "$file*";
done_testing();
