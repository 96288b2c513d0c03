# Counters agree with what was done, promtool reads the text of Prometheus, a browser shows the status page, and everybody
# sees what he may.
use strict;
use warnings;
use Hub;
use PostgreSQL::Test::Utils;
use Sessions;
use Test::More;

my $hub = new_hub('metrics', "shared_preload_libraries = 'connhub'\nconnhub.workers = off");
my %user = source_user('connhub_metrics');
my $odd = 'odd "name" \\ <b>&';

source_psql(<<'SQL');
DROP SCHEMA IF EXISTS metrics CASCADE;
CREATE SCHEMA metrics;
CREATE TABLE metrics.items (id int PRIMARY KEY, name text);
INSERT INTO metrics.items SELECT n, repeat('x', 10) FROM generate_series(1, 1000) AS n;
GRANT USAGE ON SCHEMA metrics TO connhub_metrics;
GRANT ALL ON metrics.items TO connhub_metrics;
SQL
$hub->safe_psql('postgres', "SELECT connhub.register_driver('mock');
	SELECT connhub.create_connector('p', " . arguments(connector('postgresql', %user, schema => 'metrics')) . "); SELECT connhub.attach('p', into_schema => 'p');
	SELECT connhub.create_connector(" . literal($odd) . q{, 'mock', options => '{"tables": "n(10): id int64 key"}'); CREATE ROLE ann LOGIN; GRANT connhub_operator TO ann;
	CREATE ROLE rita LOGIN; GRANT connhub_reader TO rita});

sub metric
{
	my ($columns) = @_;
	return $hub->safe_psql('postgres', "SELECT concat_ws(' ', $columns) FROM connhub.metrics WHERE connector = 'p'");
}

# Counts.
$hub->safe_psql('postgres', "SELECT connhub.reset_metrics('p')");
is(metric('calls, rows_read, bytes_read, rows_written, opens, errors'), '0 0 0 0 0 0', 'from zero');
my @sessions = map { session($hub) } 1 .. 3;
is(run($_, 'SELECT count(name || id) FROM p.items WHERE id + random() >= 0'), 1000, 'three sessions read a table') foreach @sessions;
is(metric('calls, rows_read, bytes_read, opens, pool_open, pool_idle'), '3 3000 ' . 3 * 1000 * 14 . ' 3 3 3', 'calls, rows and bytes are those of all');
is(run($sessions[0], "INSERT INTO p.items SELECT n, 'y' FROM generate_series(2001, 2123) AS n"), 'done', 'rows are written');
is(metric('rows_written'), 123, 'and counted');
is(run($sessions[0], "UPDATE p.items SET name = 'z' WHERE id > 2000"), 'done', 'rows are changed there');
is(metric('rows_written'), 246, 'and counted');
is(run($sessions[1], "SELECT connhub.live_json('p', 'select 1/0')"), '22012', 'an error');
is(run($sessions[1], "SELECT connhub.live_json('p', 'select nothing')"), '42703', 'and another');
is($hub->safe_psql('postgres', "SELECT string_agg(code || ' ' || count, ',' ORDER BY code) FROM connhub.metrics_errors WHERE connector = 'p'"),
	'QUERY_FAILED 1,SCHEMA_CHANGED 1', 'by code') or diag(metric('last_error_code, last_error'));
is(metric('errors'), 2, 'and together');
like(metric('last_error'), qr/nothing/, 'the last one is kept');
is($hub->safe_psql('postgres', "SELECT max(count) = (SELECT calls FROM connhub.metrics WHERE connector = 'p') FROM connhub.metrics_latency WHERE connector = 'p' AND kind = 'query'"),
	't', 'each call has its time') or diag($hub->safe_psql('postgres', "SELECT kind, max(count), (SELECT calls FROM connhub.metrics WHERE connector = 'p') FROM connhub.metrics_latency WHERE connector = 'p' GROUP BY kind"));
is($hub->safe_psql('postgres', "SELECT query_p50_ms <= query_p95_ms AND query_p95_ms <= query_p99_ms AND last_success_at > since FROM connhub.metrics WHERE connector = 'p'"), 't', 'percentiles');

# A source that takes connections and answers no query is no source that answers.
$hub->safe_psql('postgres', q{SELECT connhub.create_connector('mute', 'mock', options => '{"tables": "n(10): id int64 key", "fault": "fetch:hang", "query_timeout": "300ms"}');
	SELECT connhub.attach('mute', 'data', into_schema => 'mute')});
isnt(run($sessions[2], 'SELECT count(*) FROM mute.n'), 10, 'a query without an answer');
is($hub->safe_psql('postgres', "SELECT last_success_at < last_failure_at FROM connhub.metrics WHERE connector = 'mute'"), 't', 'leaves no sign of life');
$hub->safe_psql('postgres', "SELECT connhub.delete_connector('mute', force => true)");

# A secret is masked before its connection is forgotten, also in what all sessions see.
my (undef, $seen) = $hub->psql('postgres', "SELECT connhub.create_connector('wrong', " . arguments(connector('postgresql', %user, password => 'authentication')) . ", test => false); SELECT message FROM connhub.test('wrong'); SELECT last_error FROM connhub.metrics WHERE connector = 'wrong'");
like($seen, qr/password \S+ failed for user.*password \S+ failed for user/s, 'a source that names what was a secret');
unlike($seen, qr/authentication/, 'is not quoted');
$hub->safe_psql('postgres', 'CALL connhub.run_due()');
like($hub->safe_psql('postgres', "SELECT message FROM connhub.health WHERE connector = 'wrong'"), qr/password \S+ failed for user/, 'nor where health is kept') or diag($hub->safe_psql('postgres', "SELECT * FROM connhub.health"));
$hub->safe_psql('postgres', "SELECT connhub.delete_connector('wrong', force => true)");

# What a test finds that outlives its connector is not said of the connector that has its place in the table.
$hub->safe_psql('postgres', q{SELECT connhub.create_connector('gone', 'mock', test => false, options => '{"tables": "n(10): id int64 key", "fault": "step:refused:3000", "breaker_threshold": "1"}')});
start($sessions[0], "SELECT connhub.test('gone')");
ok(wait_until(10, sub { $hub->safe_psql('postgres', "SELECT COALESCE(wait_event_type, '') FROM pg_stat_activity WHERE pid = " . pid_of($sessions[0])) eq 'Extension' }), 'a test runs');
$hub->safe_psql('postgres', q{SELECT connhub.delete_connector('gone', force => true);
	SELECT connhub.create_connector('next', 'mock', options => '{"tables": "n(10): id int64 key"}'); SELECT connhub.attach('next', 'data', into_schema => 'next')});
is(run($sessions[1], 'SELECT count(*) FROM next.n'), 10, 'another connector takes its place');
finish($sessions[0]);
is($hub->safe_psql('postgres', "SELECT concat_ws(' ', errors, open_failures, breaker_state, last_error) FROM connhub.metrics WHERE connector = 'next'"), '0 0 closed', 'and has not failed');
$hub->safe_psql('postgres', "SELECT connhub.delete_connector('next', force => true)");
$_->disconnect foreach @sessions;
ok(wait_until(10, sub { metric('pool_open') eq '0' }), 'closed connections are not open');

# Prometheus.
my $text = $hub->safe_psql('postgres', 'SELECT connhub.prometheus_metrics()') . "\n";
my ($out, $err);
ok(IPC::Run::run([ 'promtool', 'check', 'metrics' ], '<', \$text, '>', \$out, '2>', \$err), 'promtool takes it') or diag($err);
is("$out$err", '', 'without a remark');
like($text, qr/^connhub_rows_read_total\{connector="p",id="[-0-9a-f]{36}"\} \d+$/m, 'a counter');
like($text, qr/^connhub_calls_total\{connector="odd \\"name\\" \\\\ <b>&",/m, 'a label is escaped');
like($text, qr/^connhub_query_duration_seconds_bucket\{connector="p",id="[^"]+",le="\+Inf"\} (\d+)\n(?:.*\n)*?connhub_query_duration_seconds_count\{connector="p",[^}]+\} \1$/m, 'a histogram');
like($text, qr/^connhub_errors_total\{connector="p",id="[^"]+",code="QUERY_FAILED"\} 1$/m, 'errors by code');

# Who sees what.
is($hub->safe_psql('postgres', 'SELECT count(*) FROM connhub.metrics', extra_params => [ '-U', 'ann' ]), 0, 'who may see no connector sees no metrics');
$hub->safe_psql('postgres', 'GRANT USAGE ON SCHEMA connhub_catalog TO ann');
is($hub->safe_psql('postgres', 'SELECT count(*) FROM connhub_catalog.shared_metrics()', extra_params => [ '-U', 'ann' ]), 0, 'nor would she, could she ask for them');
$hub->safe_psql('postgres', 'REVOKE USAGE ON SCHEMA connhub_catalog FROM ann');
is($hub->safe_psql('postgres', 'SELECT connhub.prometheus_metrics()', extra_params => [ '-U', 'ann' ]), '', 'nor any text');
is($hub->safe_psql('postgres', 'SELECT count(*) FROM connhub.metrics', extra_params => [ '-U', 'rita' ]), 2, 'a reader sees all');
like($hub->safe_psql('postgres', "SELECT connhub.$_()", extra_params => [ '-U', 'rita' ]), qr/odd/, "so does $_()") foreach 'prometheus_metrics', 'status_page';
my (undef, undef, $refused) = $hub->psql('postgres', "SELECT connhub.reset_metrics('p')", extra_params => [ '-U', 'ann' ]);
like($refused, qr/connector "p" does not exist/, 'and nobody resets what he may not see');

# The page.
my $page = $hub->safe_psql('postgres', 'SELECT connhub.status_page()');
like($page, qr/odd &quot;name&quot; \\ &lt;b&gt;&amp;/, 'names are escaped');
unlike($page, qr{(?:src|href)\s*=|url\(|\@import|https?:}i, 'nothing is fetched from elsewhere');
my $file = "$ENV{CONNHUB_TEST_TMP}/status.html";
append_to_file($file, $page);
my @chromium = ('chromium', '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', "--user-data-dir=$ENV{CONNHUB_TEST_TMP}/chromium");
{
	local $ENV{HOME} = $ENV{CONNHUB_TEST_TMP};
	IPC::Run::run([ @chromium, '--dump-dom', "file://$file" ], '>', \$out, '2>', \$err);
	like($out, qr{<td><strong>p</strong>}, 'a browser reads it') or diag($err);
	like($out, qr{<svg class="plot"[^>]*>(?:<rect [^>]*><title>[^<]*</title></rect>)+</svg>}, 'plots and all');
	my %size;
	foreach my $scheme ('light', 'empty')
	{
		my $address = $scheme eq 'empty' ? 'about:blank' : "file://$file";
		IPC::Run::run([ @chromium, '--window-size=1200,600', "--screenshot=$ENV{CONNHUB_TEST_TMP}/$scheme.png", $address ], '>', \$out, '2>', \$err);
		$size{$scheme} = -s "$ENV{CONNHUB_TEST_TMP}/$scheme.png" // 0;
	}
	cmp_ok($size{empty}, '>', 0, 'it paints');
	cmp_ok($size{light}, '>', 2 * $size{empty}, 'and the page is not blank');
}

source_psql('DROP SCHEMA metrics CASCADE');
drop_source_user('connhub_metrics');
done_testing();
