# Native queries: typed rows and parameters from each source, cancelled in time, and all of it on a hot standby.
use strict;
use warnings;
use Hub;
use PostgreSQL::Test::Cluster;
use Test::More;
use Time::HiRes qw(time);

my $hub = new_hub('live', "wal_level = replica\nmax_wal_senders = 5\nhot_standby = on\n");
my @sources = qw(postgresql mariadb sqlite);
# The session at a PostgreSQL source looks names up in pg_catalog alone.
my %schema = (postgresql => 'shop.', mariadb => '', sqlite => '');
my %mark = (postgresql => '$1', mariadb => '?', sqlite => '?1');
my %write = map { $_ => "CREATE TABLE $schema{$_}written_by_live (a integer)" } @sources;
my $server = $hub;

# The answer, or the error with its SQLSTATE.
sub ask
{
	my ($sql) = @_;
	my ($status, $out, $err) = $server->psql('postgres', $sql, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return $status == 0 ? $out : $err;
}

foreach my $source (@sources)
{
	ask("SELECT connhub.create_connector('$source', " . arguments(connector($source)) . ')');
	ask("SELECT connhub.attach('$source', into_schema => '$source')");
}

sub check_reading
{
	my ($where) = @_;
	foreach my $source (@sources)
	{
		my $query = "'select id, status, total from $schema{$source}orders where id <= $mark{$source} order by id'";
		my $rows = ask("SELECT id, status, total FROM $source.orders WHERE id <= 3 ORDER BY id");
		is(scalar(split /\n/, $rows), 3, "$where, $source: a foreign table");
		is(ask("SELECT * FROM connhub.live('$source', $query, 3) AS t(id bigint, status text, total numeric(12,2))"), $rows, "$where, $source: columns");
		is(ask("SELECT id, status, total FROM connhub.live_as(NULL::$source.orders, '$source', 'select * from $schema{$source}orders where id <= $mark{$source} order by id', 3)"),
			$rows, "$where, $source: a row type");
		is(ask("SELECT o->>'id', o->>'status', (o->>'total')::numeric(12,2) FROM connhub.live_json('$source', $query, 3) o"), $rows, "$where, $source: objects");
		is(ask("SELECT count(*) FROM connhub.live_json('$source', 'select * from $schema{$source}edge_values')"), ask("SELECT n FROM connhub.live('$source', 'select count(*) from $schema{$source}edge_values') t(n bigint)"),
			"$where, $source: every type as an object");
		is(ask("SELECT count(*) FROM connhub.live_json('$source', 'select * from $schema{$source}orders where 1 = 0')"), '0', "$where, $source: no rows");
		like(ask("SELECT connhub.live_json('$source', 'selekt')"), qr/ERROR: .*connector "$source"/, "$where, $source: an error of the source");
	}
	return;
}

check_reading('primary');

# Every value is what a foreign table reads.
foreach my $table ('postgresql.edge_values', 'mariadb.edge_values', 'sqlite.edge_values', 'postgresql.native_values')
{
	my ($source, $name) = split /\./, $table;
	is(ask("SELECT count(*), (SELECT count(*) > 0 FROM $table) FROM (SELECT v::text FROM connhub.live_as(NULL::$table, '$source', 'select * from $schema{$source}$name') v"
			. " EXCEPT ALL SELECT v::text FROM $table v) different"), '0|t', "$table: the same values");
}

# Every row of a result larger than memory should take goes through.
is(ask("SELECT count(*), count(DISTINCT id) FROM connhub.live('postgresql', 'select i from generate_series(1, 300000) i') AS t(id int)"), '300000|300000', 'many rows');

# In a read-only transaction the source refuses to write.
my $refused = qr/read.?only|not authorized/i;
like(ask("BEGIN READ ONLY; SELECT connhub.live_json('$_', '$write{$_}'); COMMIT"), $refused, "$_: read-only") foreach @sources;

# A connector may be read-only for good.
ask("SELECT connhub.create_connector('guarded', " . arguments(connector('postgresql', options => '{"read_only": true}')) . ')');
is(ask("SELECT connhub.live_json('guarded', 'select 1 as a')"), '{"a": 1}', 'a read-only connector reads');
like(ask("SELECT connhub.live_json('guarded', 'create schema live_written')"), qr/25006/, 'and does not write');

# What a native query writes follows the local transaction.
my $written = 'SELECT count(*) FROM pg_namespace WHERE nspname = \'live_written\'';
source_psql('DROP SCHEMA IF EXISTS live_written');
ask("BEGIN; SELECT connhub.live_json('postgresql', 'create schema live_written'); ROLLBACK");
is(source_psql($written), '0', 'rolled back');
ask("SELECT connhub.live_json('postgresql', 'create schema live_written')");
is(source_psql($written), '1', 'committed');
source_psql('DROP SCHEMA live_written');

# A query is stopped at the source when it is here.
my %slow = (postgresql => 'select pg_sleep(60)', mariadb => 'select sleep(60)',
	sqlite => 'with recursive c(i) as (select 1 union all select i + 1 from c) select count(*) from c');
foreach my $source (@sources)
{
	my $begun = time;
	like(ask("SET statement_timeout = '500ms'; SELECT connhub.live_json('$source', '$slow{$source}')"), qr/57014/, "$source: cancelled");
	cmp_ok(time - $begun, '<', 5, "$source: in time");
}
is(source_psql("SELECT count(*) FROM pg_stat_activity WHERE query = 'select pg_sleep(60)' AND state = 'active'"), '0', 'stopped at the source');

# On a hot standby.
$hub->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('live_standby');
$standby->init_from_backup($hub, 'copy', has_streaming => 1);
# The framework copies files without their modes.
chmod 0600, $standby->data_dir . '/connhub_master.key';
$standby->start;
$hub->wait_for_catchup($standby);
$server = $standby;
is(ask('SELECT pg_is_in_recovery()'), 't', 'a standby');
check_reading('standby');
like(ask("SELECT connhub.live_json('$_', '$write{$_}')"), $refused, "standby, $_: no writing") foreach @sources;
is(ask("SELECT count(*) > 0 FROM connhub.pushdown_summary('SELECT * FROM postgresql.orders WHERE id < 5')"), 't', 'standby: a summary');
is(ask("EXPLAIN (COSTS OFF) SELECT * FROM connhub.live('sqlite', 'select 1') AS t(a int)"), 'Function Scan on live t', 'standby: EXPLAIN');

$standby->stop;
$hub->stop;
done_testing();
