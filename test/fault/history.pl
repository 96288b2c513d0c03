# The history of health when the clock jumps, and when its disk is full: then nothing can be recorded, and what the log says of it is little.  The scheduler
# goes on or comes back, the server serves, and with room again tests are recorded again.
use strict;
use warnings;
use lib 'test/tap';
use Hub;
use Fault;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

# Only this hub sees the small disk: see sqlite.pl.
my $place = "$ENV{CONNHUB_TEST_TMP}/small";
mkdir $place;
my $hub = PostgreSQL::Test::Cluster->new('fault_history');
$hub->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
$hub->append_conf('postgresql.conf', "shared_preload_libraries = 'connhub'\nconnhub.health_interval = '10s'\nautovacuum = off\n");
my $start = "mount -t tmpfs -o size=4m none $place && mkdir -p $place/space && chmod -R 777 $place && chmod 700 $place/space && "
  . 'exec unshare -U --map-user=12345 pg_ctl -w -D ' . $hub->data_dir . ' -l ' . $hub->logfile . ' start';
system('unshare', '-Urm', 'bash', '-c', "($start) >/dev/null 2>&1") == 0 or plan skip_all => 'no disk of one\'s own here';
$hub->_update_pid(1);

sub sql { my ($sql) = @_; return $hub->safe_psql('postgres', $sql) }

sql('CREATE EXTENSION connhub');
sql(q{SELECT connhub.register_driver('mock')});
sql(q{SELECT connhub.create_connector('m' || n, 'mock', test => false, discover => false) FROM generate_series(1, 80) n});
ok(wait_until(60, sub { sql('SELECT count(DISTINCT connector) FROM connhub.health_history') eq '80' }), 'eighty connectors are tested');

# ---- A clock that jumps -----------------------------------------------------------------------

# To what is stored a clock that was set by a day is the same as times that are a day off.
sub jump
{
	my ($shift) = @_;
	return sql("WITH moved AS (UPDATE connhub_catalog.health SET tested_at = tested_at + interval '$shift', next_due_at = next_due_at + interval '$shift' RETURNING 1)"
		  . ' SELECT max(clock_timestamp()) FROM moved');
}

sub tested_since { my ($since) = @_; return sql("SELECT count(DISTINCT connector) FROM connhub.health_history WHERE checked_at > '$since'") }

my $back = jump('1 day');
ok(wait_until(150, sub { tested_since($back) eq '80' }), 'a clock set back by a day starves no test');
my $ahead = jump('-1 day');
ok(wait_until(150, sub { tested_since($ahead) eq '80' }), 'nor does one set ahead');
cmp_ok(sql("SELECT max(n) FROM (SELECT count(*) AS n FROM connhub.health_history WHERE checked_at BETWEEN '$ahead' AND timestamptz '$ahead' + interval '20 seconds' GROUP BY connector) c"),
	'<=', 4, 'and it makes no storm of tests');

# ---- A full disk ------------------------------------------------------------------------------

sql("CREATE TABLESPACE small LOCATION '$place/space'");
sql("ALTER TABLE connhub_catalog.$_ SET TABLESPACE small") foreach split /\n/, sql(q{SELECT relname FROM pg_class WHERE relnamespace = 'connhub_catalog'::regnamespace AND relkind = 'r' AND relname LIKE 'health%'});

# Fill it to the last page.
$hub->psql('postgres', "COPY (SELECT repeat('x', 8000) FROM generate_series(1, 1000)) TO '$place/filler'");
my $session = open_session($hub);
my $offset = -s $hub->logfile;
ok(wait_until(90, sub { slurp_file($hub->logfile, $offset) =~ /No space left on device/ }), 'the history has no room');
my $scheduler = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'connhub scheduler'};
sleep 25;
my $said = () = slurp_file($hub->logfile, $offset) =~ /No space left on device/g;
cmp_ok($said, '<', 30, "the log says it $said times in 25 s, for 80 connectors");
is(do_ok($session, q{SELECT success FROM connhub.test(type => 'mock')}), '1', 'meanwhile the server serves, and what is not recorded is tested');
ok(wait_until(60, sub { sql($scheduler) }), 'there is a scheduler');
my $before = sql('SELECT max(checked_at) FROM connhub.health_history');
sql("COPY (SELECT 1) TO '$place/filler'");
ok(wait_until(150, sub { sql("SELECT count(DISTINCT connector) FROM connhub.health_history WHERE checked_at > '$before'") eq '80' }), 'with room again every connector is recorded again')
  or diag(sql("SELECT count(DISTINCT connector) FROM connhub.health_history WHERE checked_at > '$before'"));
unlike(slurp_file($hub->logfile), qr/PANIC|terminated by signal/, 'no process crashed');
$hub->stop;
done_testing();
