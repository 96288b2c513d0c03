# The background discovers again what is due: without a transaction while the source is asked, with what changed there as
# drift and an event, trimmed with the rest of the history; a source that is down leaves what was there.
use strict;
use warnings;
use Hub;
use IPC::Run;
use Test::More;

my $hub = new_hub('refresh', "shared_preload_libraries = 'connhub'\nmax_worker_processes = 16\n");
my %user = source_user('connhub_refresh');
source_psql('DROP SCHEMA IF EXISTS refresh CASCADE; CREATE SCHEMA refresh AUTHORIZATION connhub_refresh; SET ROLE connhub_refresh;'
	  . 'CREATE TABLE refresh.item (id integer PRIMARY KEY); CREATE TABLE refresh.gone (id integer)');

sub sql { return $hub->safe_psql('postgres', $_[0]); }

# The last discovery was two hours ago; ending what is no maintenance wakes the scheduler, which no change by hand does.
sub make_due
{
	return sql("UPDATE connhub_catalog.discovery SET started_at = now() - interval '2 hours', finished_at = now() - interval '2 hours';"
		  . "UPDATE connhub_catalog.connector SET last_discovered_at = now() - interval '2 hours'; SELECT connhub.end_maintenance('source')");
}

sub is_soon
{
	my ($query, $expected, $what) = @_;
	my $got = '';
	wait_until(30, sub { $got = sql($query); $got eq $expected });
	return is($got, $expected, $what);
}

my $tables = "SELECT string_agg(name, ' ' ORDER BY name) FROM connhub.remote_table WHERE schema = 'refresh'";
sql("SELECT connhub.create_connector('source', " . arguments(connector('postgresql', schema => 'refresh', %user)) . ')');
is(sql($tables), 'gone item', 'what was discovered at first');
source_psql('SET ROLE connhub_refresh; DROP TABLE refresh.gone; CREATE TABLE refresh.fresh (id integer); ALTER TABLE refresh.item ADD COLUMN more text');
make_due();
is_soon($tables, 'fresh item', 'the background discovers it again');
is(sql("SELECT string_agg(concat_ws(' ', change, kind, coalesce(name, table_name)), ', ' ORDER BY change, kind, name) FROM connhub.drift WHERE kind IN ('table', 'column')"),
	'added column more, added table fresh, removed table gone', 'what changed is drift');
is(sql("SELECT count(*), min(severity) FROM connhub.event WHERE kind = 'drift'"), '1|info', 'and one event, no more than a note while nothing is attached');

# While a source takes its time nothing of the database is held.
sql(q{SELECT connhub.register_driver('mock'); SELECT connhub.create_connector('slow', 'mock', options => '{"fault": "discover:slow:4000"}', test => false, discover => false)});
make_due();
is_soon("SELECT state FROM connhub.jobs WHERE kind = 'discovery' AND connector = 'slow'", 'running', 'a slow one shows as a job');
is(sql("SELECT string_agg(concat_ws(' ', xact_start, backend_xmin, backend_xid), '') FROM pg_stat_activity WHERE backend_type = 'connhub runner'") =~ s/\s//gr, '', 'that holds no transaction');
is(sql("SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE backend_type = 'connhub runner' AND locktype = 'relation'"), '0', 'and no lock');
is_soon("SELECT count(*) > 0 FROM connhub.remote_table JOIN connhub.connector c ON c.id = connector_id WHERE c.name = 'slow'", 't', 'it comes to its end');

# One that is down.
sql(q{SELECT connhub.update_connector('slow', options => '{"fault": "discover:lost"}', test => false)});
make_due();
is_soon("SELECT count(*) FROM connhub.discovery WHERE connector = 'slow' AND failure IS NOT NULL", '1', 'a failure is recorded');
is(sql("SELECT count(*) > 0 FROM connhub.remote_table JOIN connhub.connector c ON c.id = connector_id WHERE c.name = 'slow'"), 't', 'and what was known stays');
is(sql("SELECT connhub.update_connector('source', options => '{\"refresh_interval\": \"0\"}', test => false); SELECT count(*) FROM connhub_catalog.discoveries_due() AS d JOIN connhub.connector c ON c.id = d.connector_id WHERE c.name = 'source'") =~ s/.*\n//sr,
	'0', 'refresh_interval 0 is never');

# The history is not kept for ever.
sql("UPDATE connhub_catalog.drift SET discovered_at = now() - interval '31 days'; UPDATE connhub_catalog.event SET occurred_at = now() - interval '31 days'; UPDATE connhub_catalog.job SET finished_at = now() - interval '1 hour' WHERE kind = 'history'");
is_soon("SELECT (SELECT count(*) FROM connhub_catalog.drift), (SELECT count(*) FROM connhub_catalog.event WHERE occurred_at < now() - interval '30 days')", '0|0', 'drift and events are trimmed');

$hub->stop;

END
{
	my $result = $?;
	source_psql('DROP SCHEMA IF EXISTS refresh CASCADE');
	drop_source_user('connhub_refresh');
	$? = $result;
}

done_testing();
