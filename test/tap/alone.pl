# A statement that is alone in its transaction runs at the source without one, and no other does.  A view of the source
# tells: in the transaction that core begins the level is "repeatable read".
use strict;
use warnings;
use Hub;
use Test::More;

my $hub = new_hub('alone');
my %user = source_user('connhub_alone');

source_psql(<<'SQL');
CREATE SCHEMA alone;
CREATE TABLE alone.numbers AS SELECT n, repeat('x', 50) AS t, 'a'::text AS d FROM generate_series(1, 500) AS n;
ALTER TABLE alone.numbers ADD PRIMARY KEY (n);
CREATE VIEW alone.moment AS SELECT n, current_setting('transaction_isolation') AS level, pg_backend_pid() AS pid FROM alone.numbers WHERE n < 4;
CREATE VIEW alone.faulty AS SELECT n, 1 / (n - 400) AS q FROM alone.numbers;
CREATE VIEW alone.endless AS SELECT n FROM generate_series(1, 20000000) AS n;
CREATE VIEW alone.slow AS SELECT n, pg_sleep(n) IS NULL AS slept FROM alone.numbers;
CREATE SEQUENCE alone.counter;
CREATE VIEW alone.counting AS SELECT n, nextval('alone.counter') AS v FROM alone.numbers;
ANALYZE alone.numbers;
GRANT USAGE ON SCHEMA alone TO connhub_alone;
GRANT ALL ON ALL TABLES IN SCHEMA alone TO connhub_alone;
GRANT ALL ON SEQUENCE alone.counter TO connhub_alone;
SQL

# Statement after statement, as psql reads them; what was said goes to the second value.
sub sql
{
	my ($text, @arguments) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'psql', '-XAtq', '-d', $hub->connstr('postgres'), @arguments ], '<', \$text, '>', \$out, '2>', \$err);
	chomp $out;
	return wantarray ? ($out, $err) : $out;
}

my $alone = 'read committed';
my $together = 'repeatable read';
my $query = 'SELECT level FROM pg.moment WHERE n = 1';

sql("SELECT connhub.create_connector('pg', " . arguments(connector('postgresql', %user, schema => 'alone')) . ");
	SELECT connhub.attach('pg');
	SELECT connhub.create_connector('shut', " . arguments(connector('postgresql', %user, schema => 'alone')) . ", options => '{\"read_only\": true}');
	SELECT connhub.attach('shut');
	CREATE FUNCTION other() RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS \$\$ BEGIN RETURN (SELECT level FROM pg.moment WHERE n = 2); END \$\$;
	CREATE FUNCTION looped() RETURNS text LANGUAGE plpgsql AS \$\$ DECLARE r record; BEGIN FOR r IN $query LOOP RETURN r.level; END LOOP; END \$\$;
	CREATE FUNCTION executed() RETURNS text LANGUAGE plpgsql AS \$\$ DECLARE r text; BEGIN EXECUTE 'EXECUTE p' INTO r; RETURN r; END \$\$;
	CREATE DOMAIN checked AS text CHECK (other() IS NOT NULL);
	CREATE FOREIGN TABLE with_domain (n int, level checked) SERVER pg OPTIONS (schema_name 'alone', table_name 'moment')");

# Alone.
is(sql($query), $alone, 'one statement');
is(sql("SELECT count(*), level FROM pg.moment WHERE n < 3 GROUP BY level ORDER BY level LIMIT 5"), "2|$alone", 'one that the source computes');
is(sql("SELECT DISTINCT level || length(repeat(level, n)) FROM pg.moment WHERE n = 1 AND pg_column_size(level) > 0"), $alone . length($alone), 'one that is finished here');
is(sql('', '-c', $query), $alone, 'one message');

# Not alone.
is(sql("BEGIN; $query; COMMIT"), $together, 'in a transaction block');
is(sql('', '-c', "$query; $query"), "$together\n$together", 'several statements of one message');
is(sql("SET default_transaction_isolation = 'repeatable read'; $query"), $together, 'where one snapshot was promised');
is(sql("$query UNION ALL $query"), "$together\n$together", 'two scans of one statement');
is(sql("SELECT level FROM pg.moment WHERE n = (SELECT min(n) FROM pg.numbers WHERE pg_column_size(t) > 0)"), $together, 'a scan and one of a sub-select');
is(sql("SELECT level, other() FROM pg.moment WHERE n = 1"), "$together|$together", 'a function that reads from the source too');
is(sql("SELECT other()"), $together, 'within a function');
is(sql("SELECT looped()"), $together, 'within a loop of a function');
is(sql("PREPARE p AS $query; SELECT executed()"), $together, 'prepared, and executed within a function');
is(sql("SELECT query_to_xml('$query', true, false, '')::text ~ '$together', level FROM pg.moment WHERE n = 1"), "t|$together", 'a function of the server that runs a query');
like((sql("SELECT level FROM with_domain WHERE n = 1"))[1], qr/needed while a row of it is being read/, 'a domain whose check reads from the source');
like((sql("DO \$\$ DECLARE r text; BEGIN SELECT level INTO r FROM pg.moment WHERE n = 1; RAISE INFO '%', r; END \$\$"))[1], qr/$together/, 'within a DO block');

# Where writes are forbidden the source refuses them.
is(sql("SET default_transaction_read_only = on; $query"), $together, 'where the transaction only reads');
is(sql("SELECT level FROM shut.moment WHERE n = 1"), $together, 'where the connector only reads');
like((sql("SELECT v FROM shut.counting WHERE n = 1"))[1], qr/read-only transaction/, 'a view that writes is refused');
is(sql("SELECT v FROM pg.counting WHERE n = 1"), '1', 'and elsewhere is not');

# The connection serves on after whatever happens, and is the same.
my $pid = "SELECT pid FROM pg.moment WHERE n = 1";
my $same = sub {
	my ($name, $statement, $expected, $error) = @_;
	my ($out, $err) = sql("$pid; $statement; $pid; BEGIN; $pid; COMMIT");
	my @lines = split /\n/, $out;
	is($lines[0], $lines[-2], "$name: the connection stays");
	is($lines[0], $lines[-1], "$name: and takes a transaction");
	$error ? like($err, $error, "$name: the error is told") : is($err, '', "$name: no error");
	is($lines[1], $expected, "$name: the row") if defined $expected;
};
$same->('left early', 'SELECT n > 0 FROM pg.numbers WHERE pg_column_size(t) > 0 LIMIT 1', 't');
$same->('left early, with a parameter', "PREPARE q(int) AS SELECT n > 0 FROM pg.numbers WHERE n > \$1 AND pg_column_size(t) > 0 LIMIT 1; SET plan_cache_mode = force_generic_plan; EXECUTE q(1)", 't');
$same->('left early, still running', 'SELECT n > 0 FROM pg.endless WHERE pg_column_size(n) > 0 LIMIT 1', 't');
$same->('a fault', 'SELECT q FROM pg.faulty WHERE n = 400', undef, qr/division by zero/);
$same->('a fault in a late row', 'SELECT n, q FROM pg.faulty WHERE pg_column_size(n) > 0', undef, qr/division by zero/);
$same->('a fault here', 'SELECT 1 / (n - 3) FROM pg.numbers WHERE pg_column_size(n) > 0 ORDER BY n', undef, qr/division by zero/);

# Cancelled.
my ($out, $err) = sql("SET statement_timeout = '300ms'; SELECT slept FROM pg.slow WHERE n = 30; RESET statement_timeout; $query");
like($err, qr/statement timeout/, 'a timeout ends the statement');
is($out, $alone, 'the session goes on after it');
ok(wait_until(5, sub { return source_psql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'connhub_alone' AND state = 'active'") eq '0' }), 'and nothing runs at the source');

# Nothing stays open at the source, and a connection that died while idle is replaced.
sql("CREATE EXTENSION dblink");
my $at_source = sub { return "SELECT r FROM dblink('host=$ENV{CONNHUB_TEST_PG_SOCKET} port=$ENV{CONNHUB_TEST_PG_PORT} user=postgres dbname=shop', \$q\$$_[0]\$q\$) AS t(r text)" };
($out, $err) = sql("$query; " . $at_source->("SELECT string_agg(state, ',') FROM pg_stat_activity WHERE usename = 'connhub_alone'"));
is($out, "$alone\nidle", 'no transaction is left open');
($out, $err) = sql("$pid; " . $at_source->("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'connhub_alone'") . "; $query; $pid");
my @lines = split /\n/, $out;
is($lines[2], $alone, 'a connection that died is replaced without a word') or diag($err);
isnt($lines[0], $lines[3], 'by another');

# Later statements of a client that sends several before it waits see what they are to see.
is(sql("INSERT INTO pg.numbers VALUES (1000, 'new', 'b'); SELECT t FROM pg.numbers WHERE n = 1000; DELETE FROM pg.numbers WHERE n = 1000; SELECT count(*) FROM pg.numbers WHERE n = 1000"), "new\n0", 'reads follow writes');

# MariaDB's log of statements tells it too, and that one statement sees data of one moment there as well.
sql("SELECT connhub.create_connector('my', " . arguments(connector('mariadb', %user)) . "); SELECT connhub.attach('my')");
my $log = sub {
	my ($statements) = @_;
	source_mariadb("SET GLOBAL log_output = 'TABLE', GLOBAL general_log = 1");
	my $rows = sql($statements);
	source_mariadb("SET GLOBAL general_log = 0, GLOBAL log_output = 'FILE'");
	my $said = source_mariadb("SELECT argument FROM mysql.general_log WHERE user_host LIKE 'connhub\\_alone%'");
	source_mariadb("TRUNCATE mysql.general_log");
	return ($rows, $said);
};
my ($rows, $said) = $log->('SELECT id FROM my.customers WHERE id = 1; SELECT id FROM my.customers WHERE id = 2');
is($rows, "1\n2", 'MariaDB: the rows');
unlike($said, qr/START TRANSACTION|COMMIT/, 'MariaDB: no transaction');
like($said, qr/ISOLATION LEVEL REPEATABLE READ.*SELECT/s, 'MariaDB: of one moment');
($rows, $said) = $log->('BEGIN; SELECT id FROM my.customers WHERE id = 1; COMMIT');
like($said, qr/START TRANSACTION WITH CONSISTENT SNAPSHOT.*SELECT.*COMMIT/s, 'MariaDB: a transaction in a block');

$hub->stop;
source_psql("DROP SCHEMA alone CASCADE");
drop_source_user('connhub_alone');
done_testing();
