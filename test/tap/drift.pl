# Real sources are altered, discovered again, and the foreign tables brought after them, keeping privileges and views; a
# discovery that is killed leaves what was there; two at once do not mix; strange types do not lose an import.
use strict;
use warnings;
use Hub;
use IPC::Run;
use Test::More;

my $hub = new_hub('drift', "log_min_messages = warning\nwork_mem = '64kB'\nrestart_after_crash = on\n");
my $sqlite = "$ENV{CONNHUB_TEST_TMP}/drift.db";
$hub->append_conf('postgresql.conf', "connhub.allowed_folders = '$ENV{CONNHUB_TEST_TMP}'\n");
$hub->reload;

sub hub { return $hub->safe_psql('postgres', $_[0]); }

sub source_sqlite
{
	my ($sql) = @_;
	IPC::Run::run([ 'sqlite3', $sqlite ], '<', \$sql) or die "sqlite3 failed\n";
	return;
}

# Per source: how it is asked, its schema, and its words where they differ.
my %sources = (
	postgresql => { run => \&source_psql, schema => 'drift', prefix => 'drift.', arguments => { schema => 'drift' },
		type => 'ALTER TABLE drift.item ALTER COLUMN code TYPE bigint USING 1', null => 'ALTER TABLE drift.item ALTER COLUMN amount DROP NOT NULL',
		begin => 'DROP SCHEMA IF EXISTS drift CASCADE; CREATE SCHEMA drift; GRANT USAGE ON SCHEMA drift TO connhub; ALTER DEFAULT PRIVILEGES IN SCHEMA drift GRANT SELECT ON TABLES TO connhub',
		end => 'DROP SCHEMA drift CASCADE' },
	mariadb => { run => \&source_mariadb, schema => 'drift', prefix => 'drift.', arguments => { database => 'drift' },
		type => 'ALTER TABLE drift.item MODIFY code bigint', null => 'ALTER TABLE drift.item MODIFY amount numeric(10,2)',
		begin => "DROP DATABASE IF EXISTS drift; CREATE DATABASE drift; GRANT SELECT ON drift.* TO $ENV{CONNHUB_TEST_MY_USER}\@'127.0.0.1'",
		end => "DROP DATABASE drift; REVOKE SELECT ON drift.* FROM $ENV{CONNHUB_TEST_MY_USER}\@'127.0.0.1'" },
	sqlite => { run => \&source_sqlite, schema => 'main', prefix => '', arguments => { database => $sqlite } });

sub change
{
	my ($source, @statements) = @_;
	$source->{run}->(join '; ', @statements, '');
	return;
}

foreach my $name (sort keys %sources)
{
	my $source = $sources{$name};
	my $item = "$source->{prefix}item";
	change($source, $source->{begin}) if $source->{begin};
	change($source, "CREATE TABLE $item (id integer PRIMARY KEY, name varchar(20), code integer, amount numeric(10,2) NOT NULL, old integer)",
		"CREATE TABLE $source->{prefix}gone (id integer)", "INSERT INTO $item VALUES (1, 'one', 11, 1.25, 7)");
	hub("SELECT connhub.create_connector('$name', " . arguments(connector($name, %{ $source->{arguments} })) . ')');
	hub("SELECT connhub.attach('$name')");
	is(hub("SELECT count(*) FROM connhub.discover('$name'), connhub.drift WHERE connector = '$name'"), 0, "$name: nothing changed, no drift");

	hub("CREATE ROLE reader_$name; GRANT SELECT ON $name.item TO reader_$name; CREATE VIEW $name.seen AS SELECT id, amount FROM $name.item");
	change($source, "ALTER TABLE $item DROP COLUMN old", "ALTER TABLE $item ADD COLUMN extra varchar(30)", "DROP TABLE $source->{prefix}gone",
		"CREATE TABLE $source->{prefix}fresh (id integer)", grep { $_ } $source->{type}, $source->{null});
	my ($status, $out, $err) = $hub->psql('postgres', "SELECT old FROM $name.item");
	isnt($status, 0, "$name: a column that is gone is an error");
	like($err, qr/connhub\.discover.*connhub\.apply_drift/, "$name: its hint says what to do");

	hub("SELECT connhub.discover('$name')");
	my %drift = map { $_ => 1 } split /\n/, hub("SELECT concat_ws(' ', kind, table_name, name, change) FROM connhub.drift WHERE connector = '$name' AND kind IN ('table', 'column')");
	my @expected = ('column item extra added', 'column item old removed', 'table fresh added', 'table gone removed');
	push @expected, 'column item code changed', 'column item amount changed' if $source->{type};
	is_deeply([ sort keys %drift ], [ sort @expected ], "$name: all of the drift, and no more");
	is(hub("SELECT count(*) FROM connhub_catalog.event AS e JOIN connhub_catalog.connector AS c ON c.id = e.connector_id WHERE c.name = '$name' AND e.kind = 'drift' AND e.severity = 'warning'"),
		1, "$name: one event");

	hub("SELECT * FROM connhub.apply_drift('$name')");
	is(hub("SELECT count(*) FROM pg_attribute WHERE attrelid = '$name.item'::regclass AND attname = 'extra'"), 0, "$name: a dry run changes nothing");
	my $problems = hub("SELECT action, object, problem FROM connhub.apply_drift('$name', dry_run => false, drop_missing => true, attach_new => true) WHERE NOT done");
	if ($source->{null})
	{
		is($problems, '', "$name: all was done");
	}
	is(hub("SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = '$name.item'::regclass AND attnum > 0 AND NOT attisdropped"),
		'id,name,code,amount,extra', "$name: the columns are the source's");
	is(hub("SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = '$name.item'::regclass AND attname = 'code'"), 'bigint', "$name: the type is the source's")
	  if $source->{type};
	is(hub("SELECT to_regclass('$name.gone') IS NULL AND to_regclass('$name.fresh') IS NOT NULL AND has_table_privilege('reader_$name', '$name.item', 'SELECT')"),
		't', "$name: tables came and went, the privilege stayed");
	is(hub("SELECT id, name, amount, extra IS NULL FROM $name.item"), '1|one|1.25|t', "$name: the table is read");
	is(hub("SELECT * FROM $name.seen"), '1|1.25', "$name: so is the view");
	is(hub("SELECT count(*) FROM connhub.apply_drift('$name', dry_run => false)"), 0, "$name: nothing is left to do");
}

# One strange column does not lose an import.
source_psql(<<'SQL');
CREATE DOMAIN drift.percent AS integer CHECK (VALUE <= 100); CREATE TYPE drift.pair AS (a integer, b text); CREATE TYPE drift.mood AS ENUM ('fine');
CREATE TABLE drift.strange (id integer, p drift.percent, c drift.pair, m drift.mood, r int4range, a drift.pair[], t tsvector, x xid8, g point);
INSERT INTO drift.strange VALUES (1, 7, ROW(1, 'x'), 'fine', '[1,3)', ARRAY[ROW(2, 'y')::drift.pair], 'word', '9', '(1,2)');
SQL
source_mariadb('CREATE TABLE drift.strange (id integer, g geometry, s set(\'a\', \'b\'), b bit(3), y year); INSERT INTO drift.strange VALUES (1, ST_GeomFromText(\'POINT(1 2)\'), \'a\', 5, 2020)');
foreach my $name (qw(postgresql mariadb))
{
	hub("SELECT connhub.discover('$name')");
	is(hub("SELECT done FROM connhub.apply_drift('$name', dry_run => false, attach_new => true)"), 't', "$name: a table of strange types is attached");
	is(hub("SELECT s.id FROM $name.strange AS s WHERE s IS NOT NULL"), 1, "$name: and each of its columns can be read");
}
# A type that was here when the table was discovered, and is not open any more.
source_psql('CREATE EXTENSION IF NOT EXISTS hstore SCHEMA drift; CREATE TABLE drift.bag (id integer, h drift.hstore)');
hub('CREATE SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext; UPDATE connhub_catalog.connector SET options = options');
hub("SELECT connhub.discover('postgresql')");
hub("UPDATE connhub_catalog.remote_column SET pg_type = 'ext.hstore', pg_type_full = 'ext.hstore', type = (SELECT type FROM connhub_catalog.remote_column WHERE name = 'r' AND table_name = 'strange' LIMIT 1) WHERE table_name = 'bag' AND name = 'h'");
hub('CREATE ROLE plain; GRANT connhub_operator TO plain; CREATE SCHEMA plain AUTHORIZATION plain; GRANT USAGE ON FOREIGN SERVER postgresql TO plain');
foreach my $case ([ 'SET SESSION AUTHORIZATION plain;', 'closed' ], [ 'DROP EXTENSION hstore;', 'missing' ])
{
	my ($status, $out, $err) = $hub->psql('postgres', "$case->[0] SELECT \"table\", columns FROM connhub.attach('postgresql', tables => '{bag}', into_schema => 'plain', prefix => '$case->[1]_')");
	is($out, "$case->[1]_bag|2", "a column of a type that is $case->[1] does not lose the table");
	like($err, qr/WARNING:  column "h" of type ext\.hstore is read as text/, 'it is named');
}

# Killed while it collects: nothing changed, no file is left.
hub("SELECT connhub.register_driver('mock')");
my $tables = join '; ', map { "t$_(1): id int64 key, a text, b text, c text" } 1 .. 900;
hub("SELECT connhub.create_connector('killed', 'mock', options => '{\"tables\": \"$tables\"}')");
my $before = hub("SELECT md5(string_agg(c::text || c.xmin::text, '' ORDER BY table_name, position)) FROM connhub_catalog.remote_column AS c");
hub("SELECT connhub.update_connector('killed', options => '{\"tables\": \"one(1): id int64\", \"fault\": \"discover:hang\"}', test => false, discover => false)");
my ($in, $out, $err) = ("SELECT connhub.discover('killed');\n", '', '');
my $session = IPC::Run::start([ 'psql', '-XAt', '-d', $hub->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err, IPC::Run::timeout(120));
my $waits = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT connhub.discover(%' AND pid <> pg_backend_pid() AND wait_event_type = 'Extension'";
ok(wait_until(60, sub { $session->pump_nb; hub($waits) ne '' }), 'a discovery waits for its source');
hub("SELECT pg_terminate_backend(pid) FROM ($waits) AS w");
$session->finish;
is(hub("SELECT md5(string_agg(c::text || c.xmin::text, '' ORDER BY table_name, position)) FROM connhub_catalog.remote_column AS c"), $before, 'terminated: what was there stays');

# kill -9 of a backend whose rows are in a temporary file.
hub("SELECT connhub.update_connector('killed', options => jsonb_build_object('tables', '$tables', 'fault', null), discover => false)");
($in, $out, $err) = ("BEGIN; SELECT tables FROM connhub.discover('killed');\n", '', '');
$session = IPC::Run::start([ 'psql', '-XAt', '-d', $hub->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err, IPC::Run::timeout(120));
ok(wait_until(60, sub { $session->pump_nb; $out =~ /900/ }), 'a discovery was applied and not committed');
my $pid = hub("SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction'");
kill 'KILL', $pid;
$session->finish;
ok(wait_until(60, sub { system('pg_isready', '-q', '-h', $hub->host, '-p', $hub->port) == 0 }), 'the server has recovered');
is(hub("SELECT md5(string_agg(c::text || c.xmin::text, '' ORDER BY table_name, position)) FROM connhub_catalog.remote_column AS c"), $before, 'killed: what was there stays');
is(hub("SELECT count(*) FROM pg_ls_tmpdir()"), 0, 'no temporary file is left');
is(hub("SELECT tables FROM connhub.discover('killed')"), 900, 'the next discovery goes through');

change($sources{$_}, $sources{$_}{end}) foreach qw(postgresql mariadb);
$hub->stop;
done_testing();
