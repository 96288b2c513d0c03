# The driver for PostgreSQL: rows that come by COPY survive what happens meanwhile, as those of a prepared statement do;
# and rows written by COPY are those that INSERT would have written.
use strict;
use warnings;
use Hub;
use PostgreSQL::Test::Utils;
use Test::More;

my $hub = new_hub('pg_driver');
my %user = source_user('connhub_driver');

source_psql(<<'SQL');
CREATE SCHEMA driver;
CREATE VIEW driver.late_fault AS SELECT n, 1 / (150000 - n) AS d FROM generate_series(1, 200000) AS n;
CREATE TABLE driver.big AS SELECT n, repeat('x', 100) AS t FROM generate_series(1, 300000) AS n;
ALTER TABLE driver.big ADD PRIMARY KEY (n);
CREATE TABLE driver.changing AS SELECT n::int AS v FROM generate_series(1, 5000) AS n;
CREATE TABLE driver.widening AS SELECT n AS id, ('v' || n)::varchar(10) AS v FROM generate_series(1, 9) AS n;
CREATE TABLE driver.plain (id bigint PRIMARY KEY, n numeric(12,2), t text, f float8, b bytea, ts timestamptz, a int[]);
CREATE TABLE driver.ruled (LIKE driver.plain);
CREATE RULE away AS ON INSERT TO driver.ruled WHERE NEW.id % 2 = 0 DO INSTEAD NOTHING;
CREATE TABLE driver.numbered (id int GENERATED ALWAYS AS IDENTITY, v int);
ANALYZE;
GRANT USAGE ON SCHEMA driver TO connhub_driver;
GRANT ALL ON ALL TABLES IN SCHEMA driver TO connhub_driver;
SQL

sub sql
{
	my ($text) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'psql', '-XAtq', '-d', $hub->connstr('postgres') ], '<', \$text, '>', \$out, '2>', \$err);
	chomp $out;
	return wantarray ? ($out, $err) : $out;
}

sql("SELECT connhub.create_connector('pg', " . arguments(connector('postgresql', %user, schema => 'driver')) . ");
	SELECT connhub.attach('pg')");

# Many rows go by COPY, few do not.
source_psql("ALTER ROLE connhub_driver SET log_statement = 'all'");
is(sql('WITH s AS MATERIALIZED (SELECT * FROM pg.big) SELECT count(*), sum(n), max(length(t)) FROM s'), '300000|45000150000|100', 'every row of a large table');
is(sql("PREPARE p AS SELECT t FROM pg.big WHERE n = \$1; EXECUTE p(7)"), 'x' x 100, 'one row by its key');
source_psql('ALTER ROLE connhub_driver RESET log_statement');
my $log = slurp_file("$ENV{CONNHUB_TEST_PG_SOCKET}/data/log");
like($log, qr/COPY \(SELECT t\."n", t\."t" FROM "driver"\."big" AS t\) TO STDOUT \(FORMAT binary\)/, 'the large result came by COPY');
unlike($log, qr{COPY \([^\n]*"driver"\."big"[^\n]*WHERE}, 'the small one did not');

# A statement that fails in a late row, within a transaction that goes on from a savepoint.
my ($out, $err) = sql("BEGIN; WITH s AS MATERIALIZED (SELECT * FROM pg.big WHERE n < 5) SELECT count(*) FROM s; SAVEPOINT s;
	WITH s AS MATERIALIZED (SELECT * FROM pg.late_fault) SELECT count(d) FROM s; ROLLBACK TO s; WITH s AS MATERIALIZED (SELECT * FROM pg.big) SELECT 'then ' || count(*) FROM s; COMMIT;
	WITH s AS MATERIALIZED (SELECT * FROM pg.big) SELECT 'after ' || count(*) FROM s");
like($err, qr/division by zero/, 'an error of a late row is the error of the query');
like($out, qr/then 300000/, 'the transaction goes on from its savepoint');
like($out, qr/after 300000/, 'and the connection serves the next one');

# A scan left early, and two at once.
is(sql("BEGIN; SELECT n > 0 FROM pg.big LIMIT 1 OFFSET random()::int; WITH s AS MATERIALIZED (SELECT * FROM pg.big) SELECT count(*) FROM s; COMMIT"), "t\n300000", 'a scan left early');
is(sql("BEGIN; DECLARE a CURSOR FOR SELECT n FROM pg.big ORDER BY n; DECLARE b CURSOR FOR SELECT n FROM pg.big ORDER BY n;
	FETCH 2 FROM a; FETCH 2 FROM b; FETCH 1 FROM a; MOVE 299000 IN b; FETCH 1 FROM b; MOVE 299000 IN a; FETCH 1 FROM a; COMMIT"),
	"1\n2\n1\n2\n3\n299003\n299004", 'two scans of one connection, each with its own rows');
is(sql("BEGIN; DECLARE a CURSOR FOR SELECT n FROM pg.big ORDER BY n; FETCH 1 FROM a; SAVEPOINT s; SELECT count(*) FROM pg.plain; ROLLBACK TO s; FETCH 1 FROM a; COMMIT"),
	"1\n0\n2", 'rows set aside survive a savepoint');

# Cancelled, and killed at the source.
($out, $err) = sql("SET statement_timeout = '400ms'; WITH s AS MATERIALIZED (SELECT * FROM pg.big a CROSS JOIN pg.big b) SELECT count(*) FROM s;
	RESET statement_timeout; WITH s AS MATERIALIZED (SELECT * FROM pg.big) SELECT 'then ' || count(*) FROM s");
like($err, qr/statement timeout/, 'a timeout ends a COPY');
like($out, qr/then 300000/, 'the session goes on after it');
ok(wait_until(5, sub { return source_psql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'connhub_driver' AND state = 'active'") eq '0' }), 'and nothing runs at the source');
sql("CREATE EXTENSION dblink");
my $kill = "SELECT n FROM dblink('host=$ENV{CONNHUB_TEST_PG_SOCKET} port=$ENV{CONNHUB_TEST_PG_PORT} user=postgres dbname=shop', "
  . "\$q\$SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'connhub_driver'\$q\$) AS t(n bigint)";
($out, $err) = sql("BEGIN; DECLARE a CURSOR FOR SELECT n FROM pg.big ORDER BY n; FETCH 1 FROM a; $kill; MOVE 299000 IN a; FETCH 1 FROM a; ROLLBACK;
	WITH s AS MATERIALIZED (SELECT * FROM pg.big) SELECT 'then ' || count(*) FROM s");
like($err, qr/ERROR:.*(terminat|lost|closed)/s, 'a connection killed in the middle of a scan is an error');
like($out, qr/then 300000/, 'and the next query opens another');

# One that died while idle, before a COPY: nothing was seen, so the query runs over a new one.
($out, $err) = sql("WITH s AS MATERIALIZED (SELECT * FROM pg.big) SELECT count(*) FROM s; $kill; WITH s AS MATERIALIZED (SELECT * FROM pg.big) SELECT 'then ' || count(*) FROM s");
like($out, qr/then 300000/, 'a dead cached connection is replaced') or diag($err);

# A type of the same width is not taken for the one that was discovered.
is(sql('WITH s AS MATERIALIZED (SELECT * FROM pg.changing) SELECT sum(v) FROM s'), '12502500', 'before a column changes');
source_psql("ALTER TABLE driver.changing ALTER v TYPE date USING '2000-01-01'::date + v");
($out, $err) = sql('WITH s AS MATERIALIZED (SELECT * FROM pg.changing) SELECT sum(v) FROM s');
like($err, qr/another type at the source/, 'after it has changed');

# A statement prepared before its columns changed there runs again when nothing stands before it in the transaction.
my $widen = sub { my ($to) = @_; return "\\! psql -XAtq -h $ENV{CONNHUB_TEST_PG_SOCKET} -p $ENV{CONNHUB_TEST_PG_PORT} -U postgres -d shop -c 'ALTER TABLE driver.widening ALTER v TYPE varchar($to)'\n" };
my $look = "PREPARE w AS SELECT v FROM pg.widening WHERE id = \$1;\nEXECUTE w(1); EXECUTE w(2); EXECUTE w(3);\n";
($out, $err) = sql($look . $widen->(20) . "EXECUTE w(4);\nBEGIN; EXECUTE w(5); EXECUTE w(6);\nCOMMIT; EXECUTE w(7);" . $widen->(30) . "BEGIN ISOLATION LEVEL REPEATABLE READ; EXECUTE w(8); COMMIT;");
is("$out$err", join("\n", map { "v$_" } 1 .. 8), 'a prepared statement whose columns have changed');

# The same rows by COPY and by INSERT.
my $rows = "SELECT n::bigint AS id, ((n - 50) / 7.0)::numeric(12,2) AS n, CASE n % 6 WHEN 0 THEN NULL WHEN 1 THEN E'a\\tb\\nc\\rd' WHEN 2 THEN E'\\\\N' WHEN 3 THEN E'\\\\.' WHEN 4 THEN '' ELSE 'Ünï ' || n END AS t,
	CASE n % 5 WHEN 0 THEN 'NaN' WHEN 1 THEN '-Infinity' ELSE n / 3.0::float8 END AS f, decode(lpad(to_hex(n), 4, '0'), 'hex') AS b,
	CASE n % 9 WHEN 0 THEN 'infinity' ELSE '2024-02-29 12:00:00.000001+00'::timestamptz + n * '1 day'::interval END AS ts, ARRAY[n, NULL, -n]::int[] AS a FROM generate_series(1, 2000) AS n";
source_psql("TRUNCATE driver.plain");
($out, $err) = sql("CREATE TABLE expected AS $rows; INSERT INTO pg.plain SELECT * FROM expected");
is($err, '', 'rows are inserted');
is(sql("SELECT count(*) FROM (TABLE expected EXCEPT SELECT * FROM pg.plain) s"), '0', 'by COPY, and unchanged');
is(source_psql("SELECT count(*) FROM driver.plain"), '2000', 'each once');
($out, $err) = sql("INSERT INTO pg.plain SELECT * FROM expected");
like($err, qr/duplicate key/, 'a key that is there is an error');
is(source_psql("SELECT count(*) FROM driver.plain"), '2000', 'and nothing of the statement stays');

# Where COPY would do something else, INSERT is used.
sql("INSERT INTO pg.ruled SELECT * FROM expected");
is(source_psql("SELECT count(*) FROM driver.ruled"), '1000', 'a rule holds');
($out, $err) = sql("INSERT INTO pg.numbered (id, v) SELECT n, n FROM generate_series(1, 100) AS n");
like($err, qr/ERROR/, 'an identity that is always generated is not written');
is(source_psql("SELECT count(*) FROM driver.numbered"), '0', 'not even by many rows');

$hub->stop;
source_psql("DROP SCHEMA driver CASCADE");
drop_source_user('connhub_driver');
done_testing();
