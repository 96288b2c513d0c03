# INSERT by COPY into PostgreSQL: rows in flight between batches arrive as INSERT would have left them, in binary or in
# text; they are counted right, and what fails late, is cancelled or needs the connection meanwhile finds all in order.
use strict;
use warnings;
use Hub;
use PostgreSQL::Test::Utils;
use Test::More;

my $hub = new_hub('pg_flow');
my %user = source_user('connhub_flow');

# "forms" has a column of each type with a binary form; the array in "texts" makes its rows go as text.
my $columns = 'b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric, n2 numeric(30,4), d date, tm time, ts timestamp, '
  . 'tz timestamptz, iv interval, u uuid, t text, vc varchar(20), c char(8), by bytea, j json, jb jsonb, dn flow.amount, dt flow.word';
source_psql(<<"SQL");
CREATE SCHEMA flow;
CREATE DOMAIN flow.amount AS numeric(12,2) CHECK (VALUE < 1000000);
CREATE DOMAIN flow.word AS text;
CREATE TABLE flow.forms (id int PRIMARY KEY, $columns);
CREATE TABLE flow.texts (id int PRIMARY KEY, $columns, a int[]);
CREATE TABLE flow.sink (id bigint PRIMARY KEY, v text, n numeric(12,2) CHECK (n < 500000));
CREATE TABLE flow.other (id bigint PRIMARY KEY, v text);
CREATE TABLE flow.halved (id bigint PRIMARY KEY, v text);
CREATE FUNCTION flow.halve() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.id % 2 = 0 THEN RETURN NULL; END IF; RETURN NEW; END';
CREATE TRIGGER halve BEFORE INSERT ON flow.halved FOR EACH ROW EXECUTE FUNCTION flow.halve();
CREATE TABLE flow.noisy (id bigint PRIMARY KEY, v text);
CREATE FUNCTION flow.shout() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''row %'', NEW.id; RETURN NULL; END';
CREATE TRIGGER shout AFTER INSERT ON flow.noisy FOR EACH ROW EXECUTE FUNCTION flow.shout();
CREATE TABLE flow.numbers (t text, n numeric);
CREATE TABLE flow.changing (id int, v int);
GRANT USAGE ON SCHEMA flow TO connhub_flow;
GRANT ALL ON ALL TABLES IN SCHEMA flow TO connhub_flow;
CREATE TABLE flow.write_only (id bigint PRIMARY KEY, v text);
GRANT INSERT ON flow.write_only TO connhub_flow;
SQL

sub sql
{
	my ($text) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'psql', '-XAt', '-d', $hub->connstr('postgres') ], '<', \$text, '>', \$out, '2>', \$err);
	chomp $out;
	return wantarray ? ($out, $err) : $out;
}

sub source_log { return slurp_file("$ENV{CONNHUB_TEST_PG_SOCKET}/data/log"); }

sql("SELECT connhub.create_connector('pg', " . arguments(connector('postgresql', %user, schema => 'flow')) . ");
	SELECT connhub.attach('pg')");

# The same values in binary and in text.
my $rows = <<'SQL';
SELECT i AS id, i % 2 = 0, (i - 1000)::int2, i * 700001, i * 10000000000003, (i / 7.0)::float4, CASE i % 4 WHEN 0 THEN 'NaN' WHEN 1 THEN '-Infinity' ELSE i / 7.0::float8 END,
	(ARRAY['0', '0.00', '-0.01', '0.0001', '0.00001', '0.00012', '1', '10000', '100000000', '9999.9999', '-12345678901234567890.123456789', 'NaN', '1e30', '1e-30', '20000.0002', '0.10000']::numeric[])[i % 16 + 1] * CASE WHEN i < 100 THEN 1 ELSE i END,
	(i * 37 % 100000) / 13.0, CASE i % 5 WHEN 0 THEN 'infinity' WHEN 1 THEN '-infinity' WHEN 2 THEN '4713-01-01 BC' ELSE date '1999-12-25' + i END,
	time '00:00' + i * interval '37.000001 s', CASE i % 5 WHEN 0 THEN 'infinity' WHEN 1 THEN '-infinity' ELSE timestamp '1999-12-31' + i * interval '1 h 0.000001 s' END,
	CASE i % 5 WHEN 0 THEN 'infinity' WHEN 1 THEN '-infinity' ELSE timestamptz '1969-12-31' - i * interval '1 h 0.000001 s' END,
	make_interval(years => i % 9 - 4, days => i % 50, secs => -i / 3.0), md5(i::text)::uuid,
	CASE i % 6 WHEN 0 THEN NULL WHEN 1 THEN E'a\tb\nc\rd' WHEN 2 THEN E'\\N' WHEN 3 THEN E'\\.' WHEN 4 THEN '' ELSE 'Ünï ' || i END,
	left(md5(i::text), i % 21), left(md5(i::text), i % 9), CASE i % 3 WHEN 0 THEN '' ELSE decode(lpad(to_hex(i), 4, '0'), 'hex') END,
	json_build_object('k', i)::json, CASE i % 4 WHEN 0 THEN 'null' WHEN 1 THEN NULL ELSE jsonb_build_object('k', i, 't', 'ü') END, (i * 31 % 99999) / 100.0, 'w' || i
FROM generate_series(1, 3000) AS i
SQL
my $logged = length source_log();
source_psql("ALTER ROLE connhub_flow SET log_statement = 'all'");
my $local = $columns =~ s/flow\.amount/numeric(12,2)/r =~ s/flow\.word/text/r;
my ($out, $err) = sql("CREATE TABLE forms (id int, $local); INSERT INTO forms $rows; INSERT INTO pg.forms SELECT * FROM forms; INSERT INTO pg.texts SELECT *, ARRAY[1] FROM forms");
source_psql('ALTER ROLE connhub_flow RESET log_statement');
is($err, '', 'rows are inserted');
like($out, qr/INSERT 0 3000\nINSERT 0 3000$/, 'and counted');
my @copies = substr(source_log(), $logged) =~ /(COPY "flow"\."(?:forms|texts)".*)/g;
is(scalar(@copies), 2, 'each statement is one COPY') or diag(join "\n", @copies);
like($copies[0], qr/FORMAT binary/, 'in binary');
unlike($copies[1], qr/FORMAT binary/, 'but with an array in text');
my $names = join ', ', map { /^(\w+)/ } split /, /, $columns;
is(source_psql("SELECT count(*) FROM flow.forms f JOIN flow.texts t USING (id) WHERE (SELECT ROW(f.*)::text FROM (SELECT $names FROM flow.forms x WHERE x.id = f.id) f) =
	(SELECT ROW(t.*)::text FROM (SELECT $names FROM flow.texts x WHERE x.id = t.id) t)"), '3000', 'to the letter the same as by text');
is(sql("SELECT count(*) FROM (SELECT $names FROM forms EXCEPT SELECT $names FROM pg.forms) AS lost" =~ s/\bj, /j::text, /gr =~ s/\bn, /n::text, /gr),
	'0', 'and the same as here');

# Numbers of every size, whose scale is part of them.
($out, $err) = sql(<<'SQL');
CREATE TABLE numbers AS SELECT (((i * 7919) % 100003 - 50001)::numeric * 10::numeric ^ (i % 60 - 30)) AS n FROM generate_series(1, 6000) AS i
	UNION ALL SELECT round((i * 104729 % 10000019)::numeric / 10::numeric ^ (i % 9), i % 11) FROM generate_series(1, 6000) AS i
	UNION ALL SELECT unnest(ARRAY['0', '0.000', '-0.0001', 'NaN', '1e200', '1e-60', '1e-100', '9999', '10000', '99990000', '0.00009999', '10000.0001']::numeric[]);
INSERT INTO pg.numbers SELECT n::text, n FROM numbers;
SQL
is($err . source_psql("SELECT count(*), count(*) FILTER (WHERE t = n::text) FROM flow.numbers"), '12012|12012', 'numbers of every size');

# Rights and types.
($out, $err) = sql("INSERT INTO pg.write_only SELECT i, 'x' FROM generate_series(1, 2500) i");
is("$out$err", 'INSERT 0 2500', 'who may not read may write');
source_psql('ALTER TABLE flow.changing ALTER v TYPE bigint, ALTER id TYPE text');
($out, $err) = sql('INSERT INTO pg.changing SELECT i, i FROM generate_series(1, 2500) i');
is($err . source_psql("SELECT count(*) || ' ' || sum(v) || ' ' || sum(id::int) FROM flow.changing"), '2500 3126250 3126250', 'changed types are written as text');

# Errors of late rows.
my $insert = "INSERT INTO pg.sink SELECT i, 'x', i FROM generate_series(1, 20000) i";
sub count_sink { return source_psql('SELECT count(*) FROM flow.sink'); }
($out, $err) = sql("INSERT INTO pg.sink SELECT CASE i WHEN 19999 THEN 1 ELSE i END, 'x', i FROM generate_series(1, 20000) i; SELECT count(*) FROM pg.sink");
like($err, qr/^ERROR:.*duplicate key.*/m, 'a key that is there twice fails the statement');
is($out, '0', 'and nothing stays');
($out, $err) = sql("INSERT INTO pg.sink SELECT i, 'x', CASE i WHEN 5 THEN 600000 ELSE i END FROM generate_series(1, 2000000) i");
like($err, qr/violates check constraint/, 'a row of the first batch');
($out, $err) = sql("BEGIN; INSERT INTO pg.sink VALUES (-1, 'kept', 1); SAVEPOINT s;
	INSERT INTO pg.sink SELECT i / 2, 'x', i FROM generate_series(1, 20000) i; ROLLBACK TO s;
	INSERT INTO pg.sink SELECT i, 'x', i FROM generate_series(1, 3000) i; INSERT INTO pg.sink SELECT -i - 1, 'x', 1 FROM generate_series(1, 3000) i;
	SELECT count(*) FROM pg.sink; COMMIT");
like($err, qr/duplicate key/, 'within a savepoint');
like($out, qr/^6001$/m, 'the transaction goes on from it');
is(count_sink(), '6001', 'and is committed');
source_psql('TRUNCATE flow.sink');
($out, $err) = sql("INSERT INTO pg.sink SELECT i, 'x', 1000 / (i - 15000) FROM generate_series(1, 20000) i; SELECT count(*) FROM pg.sink");
like($err, qr/\AERROR:  division by zero\s*\z/, 'an error of the local query');
is($out, '0', 'gives up what is in flight');
($out, $err) = sql("BEGIN; SAVEPOINT s; INSERT INTO pg.sink SELECT i, 'x', 1000 / (i - 15000) FROM generate_series(1, 20000) i; ROLLBACK TO s; $insert; COMMIT");
is(count_sink(), '20000', 'within a savepoint too') or diag($err);
source_psql('TRUNCATE flow.sink');
($out, $err) = sql("DO 'BEGIN BEGIN INSERT INTO pg.sink SELECT i / 2, ''x'', i FROM generate_series(1, 20000) i; EXCEPTION WHEN unique_violation THEN RAISE NOTICE ''caught''; END;
	INSERT INTO pg.sink SELECT i, ''x'', i FROM generate_series(1, 5000) i; END'");
like($err, qr/NOTICE:  caught/, 'PL/pgSQL catches it');
is(count_sink(), '5000', 'and goes on');
source_psql('TRUNCATE flow.sink');
($out, $err) = sql("COPY pg.sink FROM stdin;\n" . join('', map { ($_ == 4990 ? 1 : $_) . "\tx\t1\n" } 1 .. 5000) . "\\.\n");
like($err, qr/duplicate key/, 'COPY fails by a late row');
($out, $err) = sql("COPY pg.sink FROM stdin;\n" . join('', map { "$_\tx\t1\n" } 1 .. 5000) . "\\.\n");
is("$out $err" . count_sink(), 'COPY 5000 5000', 'COPY is one flow');
source_psql('TRUNCATE flow.sink');

# Cancelled while rows are in flight: between batches, and while the source waits for a lock.
my $slow = "INSERT INTO pg.sink SELECT i, repeat('x', 100), CASE WHEN i > 3000 THEN length(pg_sleep(0.1)::text) ELSE 1 END FROM generate_series(1, 1000000) i";
($out, $err) = sql("SET statement_timeout = '700ms'; $slow; RESET statement_timeout; SELECT count(*) FROM pg.sink; $insert; SELECT count(*) FROM pg.sink");
like($err, qr/statement timeout/, 'a timeout between batches');
like($out, qr/^0\nINSERT 0 20000\n20000$/m, 'leaves nothing, and the session goes on');
source_psql('TRUNCATE flow.sink');
my $holder = $hub->background_psql('postgres');
$holder->query_safe("BEGIN; INSERT INTO pg.sink VALUES (5, 'held', 1);");
($out, $err) = sql("SET statement_timeout = '700ms'; INSERT INTO pg.sink SELECT i, repeat('x', 1000), 1 FROM generate_series(1, 100000) i; RESET statement_timeout; SELECT 'then'");
like($err, qr/statement timeout/, 'a timeout while the source waits');
like($out, qr/then/, 'the session goes on');
ok(wait_until(5, sub { return source_psql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'connhub_flow' AND state = 'active'") eq '0' }), 'nothing runs at the source');
($out, $err) = sql("BEGIN; SAVEPOINT s; INSERT INTO pg.sink SELECT i, 'x', 1 / (i - 2500) FROM generate_series(1, 100000) i; ROLLBACK TO s; SELECT 'then'; COMMIT");
like($err, qr/\AERROR:  division by zero\s*\z/, 'an error here while the source waits');
is($out, "BEGIN\nSAVEPOINT\nROLLBACK\nthen\nCOMMIT", 'leaves the transaction to its savepoint');
$holder->query_safe('ROLLBACK;');
$holder->quit;
is(sql('SELECT count(*) FROM pg.sink'), '0', 'nothing stays');

# The connection is needed meanwhile.
sql("INSERT INTO pg.other SELECT i, 'o' || i FROM generate_series(1, 30000) i");
($out, $err) = sql("INSERT INTO pg.sink SELECT id, v || random()::text, id FROM pg.other; INSERT INTO pg.sink SELECT -id, v, 1 FROM pg.sink WHERE random() >= 0");
is("$out$err", "INSERT 0 30000\nINSERT 0 30000", 'rows of the same connector, and of the table itself');
is(source_psql('SELECT count(*), count(DISTINCT abs(id)) FROM flow.sink'), '60000|30000', 'all of them');
source_psql('TRUNCATE flow.sink');
sql("CREATE FUNCTION peek(i bigint) RETURNS text LANGUAGE plpgsql AS 'DECLARE n bigint; BEGIN IF i % 2500 <> 0 THEN RETURN NULL; END IF; SELECT count(*) INTO n FROM pg.sink; RETURN n; END';
	CREATE FUNCTION trip(i bigint) RETURNS text LANGUAGE plpgsql AS 'BEGIN IF i % 2500 = 0 THEN INSERT INTO pg.other VALUES (-i, ''t''); PERFORM 1 / (i % 5000); END IF; RETURN NULL; EXCEPTION WHEN division_by_zero THEN RETURN ''caught''; END'");
($out, $err) = sql("INSERT INTO pg.sink SELECT i, peek(i), 1 FROM generate_series(1, 10000) i; SELECT count(*), count(v), max(v::int) <= 10000 FROM pg.sink");
is("$out$err", "INSERT 0 10000\n10000|4|t", 'a function that reads the table');
source_psql('TRUNCATE flow.sink');
($out, $err) = sql("INSERT INTO pg.sink SELECT i, trip(i), 1 FROM generate_series(1, 10000) i; SELECT count(*), count(v) FROM pg.sink; SELECT count(*) FROM pg.other WHERE id < 0");
is("$out$err", "INSERT 0 10000\n10000|2\n2", 'one that writes in subtransactions, half of them rolled back');
source_psql('TRUNCATE flow.sink');
($out, $err) = sql("WITH w AS (INSERT INTO pg.sink SELECT i, 'w', 1 FROM generate_series(1, 5000) i) SELECT count(*) FROM pg.other WHERE id > 0");
is("$out$err", '30000', 'beside a query of the same connector');
is(count_sink(), '5000', 'whose statement inserts');
source_psql('TRUNCATE flow.sink');

# Rows that a trigger leaves out, and a source that speaks meanwhile.
is(sql("INSERT INTO pg.halved SELECT i, 'x' FROM generate_series(1, 5000) i"), 'INSERT 0 2500', 'rows left out by a trigger are not counted');
($out, $err) = sql("INSERT INTO pg.noisy SELECT i, 'x' FROM generate_series(1, 5000) i; SELECT count(*) FROM pg.noisy");
is("$out$err", "INSERT 0 5000\n5000", 'a trigger that warns');

# The query's timeout does not count the time between batches, and counts again for the next statement.
sql(q(SELECT connhub.update_connector('pg', options => '{"query_timeout": "1s"}')));
($out, $err) = sql("BEGIN; INSERT INTO pg.sink SELECT i, CASE i WHEN 5000 THEN pg_sleep(1.5)::text WHEN 9000 THEN pg_sleep(1)::text ELSE 'x' END, 1 FROM generate_series(1, 10000) i;
	SELECT * FROM connhub.live('pg', 'SHOW statement_timeout') AS t(s text); SAVEPOINT s; INSERT INTO pg.other SELECT -100000 - i, 'x' FROM generate_series(1, 10000) i; ROLLBACK TO s;
	SELECT * FROM connhub.live('pg', 'SHOW statement_timeout') AS t(s text); COMMIT");
like($out, qr/INSERT 0 10000\n1s\n.*\n1s\nCOMMIT/s, 'a pause longer than the timeout') or diag("$out$err");

$hub->stop;
source_psql('DROP SCHEMA flow CASCADE');
drop_source_user('connhub_flow');
done_testing();
