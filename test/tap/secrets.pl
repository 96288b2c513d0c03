# A stored password is found nowhere: not in the server's log at its most talkative, in a plan, an error, the activity
# views, a dump, a table or view of the extension.  The same search finds a canary that was put there.
use strict;
use warnings;
use Hub;
use PostgreSQL::Test::Utils;
use Test::More;

my $secret = 'Qx7-' . join('', map { ('a' .. 'z')[ rand 26 ] } 1 .. 24);
my $second = 'Qx8-' . join('', map { ('a' .. 'z')[ rand 26 ] } 1 .. 24);
my $wrong = 'Qx9-' . join('', map { ('a' .. 'z')[ rand 26 ] } 1 .. 24);
my $canary = 'Cn1-' . join('', map { ('a' .. 'z')[ rand 26 ] } 1 .. 24);

my %user = source_user('connhub_secrets', $secret);
my $hub = new_hub('secrets', <<'CONF');
shared_preload_libraries = 'connhub'
session_preload_libraries = 'auto_explain'
log_statement = all
log_min_duration_statement = 0
log_min_error_statement = debug5
log_min_messages = debug2
log_error_verbosity = verbose
log_connections = on
debug_print_parse = on
debug_print_plan = on
auto_explain.log_min_duration = 0
auto_explain.log_verbose = on
auto_explain.log_nested_statements = on
track_activity_query_size = 8192
CONF

# Everything the hub says to its clients, at its most talkative.
my $said = '';
sub say_sql
{
	my ($sql) = @_;
	my ($status, $out, $err) = $hub->psql('postgres', "SET client_min_messages = debug2;\n$sql");
	$said .= "$out\n$err\n";
	return ($status, $out, $err);
}

sub works
{
	my ($sql, $name) = @_;
	my ($status, $out, $err) = say_sql($sql);
	is($status, 0, $name) or diag(($err =~ /^(.*ERROR.*)$/m)[0] // $err);
	return $out;
}

# The main job, and everything that can go wrong in it.
foreach my $source (qw(postgresql mariadb))
{
	my $wrong_arguments = arguments(connector($source, %user, password => $wrong));
	works("SELECT * FROM connhub.create_connector('s_$source', " . arguments(connector($source, %user)) . ')', "$source: created");
	works("SELECT * FROM connhub.test('s_$source')", "$source: tested");
	works('SELECT * FROM connhub.test(' . arguments(connector($source, %user)) . ')', "$source: tested unsaved");
	works("SELECT * FROM connhub.test($wrong_arguments)", "$source: tested with a wrong password");
	say_sql("SELECT * FROM connhub.create_connector('w_$source', $wrong_arguments)");
	say_sql("SELECT * FROM connhub.create_connector('s_$source', " . arguments(connector($source, %user)) . ')');
	say_sql("SELECT * FROM connhub.create_connector('s2', " . arguments(connector($source, %user)) . ", no_such_argument => 1)");
	say_sql("SELECT * FROM connhub.create_connector('s2', 'no_such_type', password => '$secret')");
	say_sql("SELECT * FROM connhub.create_connector('s2' " . arguments(connector($source, %user)) . ')');
	say_sql("SELECT connhub.set_credentials('s_$source', password => '$wrong')");
	say_sql("SELECT connhub.set_credentials('s_$source', password => '$secret')");
	say_sql("SELECT connhub.update_connector('s_$source', password => '$wrong')");
	say_sql("DO \$\$ BEGIN PERFORM connhub.test(" . arguments(connector($source, %user)) . "); END \$\$");
	say_sql("PREPARE p AS SELECT * FROM connhub.test(" . arguments(connector($source, %user)) . "); EXECUTE p;");
	# EXPLAIN of the call itself shows its caller the literal just typed; to the log it must not go.
	$hub->psql('postgres', "EXPLAIN (VERBOSE) SELECT * FROM connhub.test(" . arguments(connector($source, %user)) . ')');
	say_sql("PREPARE b(text) AS SELECT * FROM connhub.test(" . arguments(connector($source, %user, password => undef)) . ", password => \$1); EXECUTE b('$secret');");
	say_sql("PREPARE \"Odd name\"(text) AS SELECT * FROM connhub.test(" . arguments(connector($source, %user, password => undef)) . ", password => \$1); BEGIN; EXECUTE \"Odd name\"('$secret'); COMMIT");
	say_sql("SET plan_cache_mode = force_generic_plan; PREPARE c(text) AS SELECT * FROM connhub.test(" . arguments(connector($source, %user, password => undef)) . ", password => \$1); EXPLAIN (VERBOSE) EXECUTE c('$secret');");
	# Where a backslash hides a quote.
	say_sql("SET standard_conforming_strings = off; SET escape_string_warning = off; SET backslash_quote = on;\nSELECT * FROM connhub.test(" . arguments(connector($source, %user, password => undef)) . ", password => 'a\\'$wrong');");
	# As a parameter of the extended protocol, where it is logged as a detail.
	my $script = "$ENV{CONNHUB_TEST_TMP}/bound.sql";
	append_to_file($script, 'SELECT * FROM connhub.test(' . (arguments(connector($source, %user, password => undef))) . ", password => :pw);\n");
	foreach my $protocol (qw(extended prepared))
	{
		$hub->command_ok([ 'pgbench', '-n', '-t', '2', '-M', $protocol, '-D', "pw=$secret", '-f', $script, 'postgres' ], "$source: bound by the $protocol protocol");
	}
	unlink $script;
	works("SELECT * FROM connhub.discover('s_$source')", "$source: discovered");
	works("SELECT * FROM connhub.attach('s_$source')", "$source: attached");
	my ($schema) = split /\n/, works("SELECT foreign_table_schema FROM information_schema.foreign_tables WHERE foreign_table_name = 'customers' AND foreign_server_name LIKE '%s\\_$source%' LIMIT 1", "$source: found its tables");
	$schema = (split /\n/, $schema)[-1] // '';
	works("EXPLAIN (VERBOSE, ANALYZE) SELECT * FROM \"$schema\".customers WHERE id < 10 ORDER BY id", "$source: explained");
	works("SELECT count(*) FROM \"$schema\".orders", "$source: queried");
	say_sql("SELECT 1 / count(*) FROM \"$schema\".customers WHERE id < 0");
}

# The statement that runs now, seen by another session.
my %slow = connector('postgresql', %user,
	port => $ENV{CONNHUB_TEST_MUTE_PORT}, options => '{"connect_timeout": "20s"}');
my ($in, $out, $err) = ('SELECT * FROM connhub.test(' . arguments(%slow) . ");\n", '', '');
my $running = IPC::Run::start([ 'psql', '-XAt', '-d', $hub->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err);
my $activity = '';
ok(wait_until(10, sub {
	IPC::Run::pump_nb($running);
	$activity .= $hub->safe_psql('postgres', "SELECT pid, query FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'");
	return $activity =~ /connhub\.test/;
}), 'a running test is seen in pg_stat_activity');
$activity .= $hub->safe_psql('postgres', "SELECT pid, query FROM pg_stat_activity WHERE pid <> pg_backend_pid()");
my $processes = qx(ps axww -o args);
$hub->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%connhub.test%' AND pid <> pg_backend_pid()");
$running->finish;

# Where it could be.
my %places = (
	'the log of the server' => slurp_file($hub->logfile),
	'what the server said to its clients' => $said . $out . $err,
	'pg_stat_activity' => $activity,
	'the list of processes' => $processes,
);
$hub->command_ok([ 'pg_dump', '-f', "$ENV{CONNHUB_TEST_TMP}/all.sql", 'postgres' ], 'dumped');
$hub->command_ok([ 'pg_dump', '--data-only', '-f', "$ENV{CONNHUB_TEST_TMP}/data.sql", 'postgres' ], 'dumped the data');
$hub->command_ok([ 'pg_dumpall', '-f', "$ENV{CONNHUB_TEST_TMP}/cluster.sql" ], 'dumped the cluster');
$places{"a dump ($_)"} = slurp_file("$ENV{CONNHUB_TEST_TMP}/$_.sql") foreach qw(all data cluster);

# Every relation there is, as the superuser sees it: those of the extension, and the server's own catalogues.
my @relations = split /\n/, $hub->safe_psql('postgres', <<'SQL');
SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON c.relnamespace = n.oid
WHERE c.relkind IN ('r', 'v', 'm') AND n.nspname IN ('connhub', 'connhub_catalog', 'pg_catalog', 'information_schema')
SQL
cmp_ok(scalar @relations, '>', 100, 'there are relations to read');
my ($contents, $unread) = ('', 0);
foreach my $relation (@relations)
{
	my ($status, $text) = $hub->psql('postgres', "SET bytea_output = 'escape'; SELECT t FROM $relation t");
	$contents .= $text if $status == 0;
	$unread++ if $status != 0 && $relation =~ /^connhub/;
}
is($unread, 0, 'every relation of the extension was read');
$places{'tables and views'} = $contents;

# The files of the cluster, ciphertext and all; write-ahead log included.
$hub->safe_psql('postgres', 'CHECKPOINT');
$hub->stop;
my $data = $hub->data_dir;
sub files_with
{
	my ($text) = @_;
	return join ' ', map { chomp; s/^\Q$data\E//r } qx(grep -rlaF -- "$text" "$data" 2>/dev/null);
}

foreach my $value ($secret, $wrong)
{
	my $what = $value eq $secret ? 'the password' : 'the wrong password';
	foreach my $place (sort keys %places)
	{
		my $at = index $places{$place}, $value;
		ok($at < 0, "$what is not in $place")
		  or diag('... ' . (substr($places{$place}, $at > 200 ? $at - 200 : 0, 420) =~ s/\Q$value\E/<HERE>/gr));
	}
	is(files_with($value), '', "$what is not in the files of the cluster");
}

# The search can find: a canary put into the same places is seen in each.
$hub->start;
$hub->psql('postgres', "CREATE TABLE canary AS SELECT '$canary' AS c; COMMENT ON TABLE canary IS '$canary'; CHECKPOINT");
$hub->command_ok([ 'pg_dump', '-f', "$ENV{CONNHUB_TEST_TMP}/canary.sql", 'postgres' ], 'dumped the canary');
like(slurp_file("$ENV{CONNHUB_TEST_TMP}/canary.sql"), qr/$canary/, 'the canary is in the dump');
like(slurp_file($hub->logfile), qr/$canary/, 'the canary is in the log');
like($hub->safe_psql('postgres', 'SELECT d FROM pg_description d'), qr/$canary/, 'the canary is in a catalogue');
isnt(files_with($canary), '', 'the canary is in the files of the cluster');
$hub->stop;

drop_source_user('connhub_secrets');
done_testing();
