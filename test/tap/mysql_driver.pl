# What is written to MariaDB arrives as it was sent or not at all, in whatever number of rows; transactions end at both
# sides alike, prepared ones too; decimals are read as the server's own parser reads them.
use strict;
use warnings;
use Hub;
use Test::More;

my $hub = new_hub('mysql_driver');

source_mariadb(<<'SQL');
CREATE OR REPLACE DATABASE connhub_driver CHARACTER SET utf8mb4;
USE connhub_driver;
CREATE TABLE kinds (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, a int, d decimal(10,2), t varchar(20), c char(5), dt datetime(3),
	ts timestamp(6) NULL, dd date, tm time(6), b varbinary(10), b2 binary(2), f float, x double, u bigint unsigned,
	e enum('a','b','it''s'), s set('a','b'), y year, j json, bo bit(1));
CREATE TABLE named (c3 int PRIMARY KEY, c2 int, c1 bigint);
INSERT INTO named VALUES (9, 1, 9223372036854775807), (10, 2, 1), (11, 3, NULL);
CREATE TABLE words (k varchar(20) COLLATE utf8mb4_general_ci NOT NULL PRIMARY KEY, v int NOT NULL);
CREATE TABLE narrow (id int PRIMARY KEY, u1 tinyint unsigned, i4 int);
INSERT INTO narrow VALUES (1, NULL, NULL), (2, 0, 2147483647);
CREATE TABLE wide (id int NOT NULL, part int NOT NULL, u4 int unsigned NOT NULL, i8 bigint NOT NULL, i2 smallint NOT NULL, PRIMARY KEY (id, part));
INSERT INTO wide VALUES (1, 1, 2, 9223372036854775807, 1), (1, 3, 4294967295, 2, 1);
CREATE TABLE pairs (a int NOT NULL, b varchar(10) NOT NULL, v mediumtext, PRIMARY KEY (a, b));
CREATE TABLE decimals (id int PRIMARY KEY, d decimal(30,10));
CREATE TABLE children (id int PRIMARY KEY, a int, b varchar(10), CHECK (id < 100), FOREIGN KEY (a, b) REFERENCES pairs (a, b));
SQL

sub connect_as
{
	my ($name, $options) = @_;
	my %source = connector('mariadb', database => 'connhub_driver');
	return $hub->safe_psql('postgres', "SELECT (connhub.create_connector('$name', " . arguments(%source) .
		", options => '$options')).status; SELECT connhub.discover('$name'); SELECT FROM connhub.attach('$name')");
}

sub run_sql
{
	my ($sql) = @_;
	my ($status, $out, $err) = $hub->psql('postgres', $sql, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return $status ? $err : $out;
}

connect_as('m', '{}');

# Each value, there and back.
my @values = (
	[ d => '12345678.90', '12345678.90' ],
	[ t => "it's \\ \x{c3}\x{a4}", "it's \\ \x{c3}\x{a4}" ],
	[ t => 'ends in space ', 'ends in space ' ],
	[ c => 'abc', 'abc' ],
	[ dt => '0001-01-01 00:00:00.001', '0001-01-01 00:00:00.001' ],
	[ ts => '2038-01-19 03:14:07.999999+00', '2038-01-19 03:14:07.999999+00' ],
	[ dd => '9999-12-31', '9999-12-31' ],
	[ tm => '-838:59:59', '-838:59:59' ],
	[ tm => '300:00:00.5', '300:00:00.5' ],
	[ b => '\x0001ff', '\x0001ff' ],
	[ b2 => '\xff00', '\xff00' ],
	[ f => '0.1', '0.1' ],
	[ x => '1e308', '1e+308' ],
	[ u => '18446744073709551615', '18446744073709551615' ],
	[ e => "it's", "it's" ],
	[ j => '{"b": 1, "a": [2]}', '{"b": 1, "a": [2]}' ],
	[ bo => 'true', 't' ],
	[ a => undef, '' ]);
foreach my $case (@values)
{
	my ($column, $value, $want) = @$case;
	run_sql('TRUNCATE m.kinds');
	my $got = run_sql("INSERT INTO m.kinds ($column) VALUES (" . literal($value) . ") RETURNING $column");
	is($got, $want, "$column: given back as sent: " . ($value // 'null'));
	is(run_sql("SELECT $column FROM m.kinds"), $want, "$column: read as sent");
}

# What would be stored as something else names the column, and stores nothing.
run_sql('TRUNCATE m.kinds');
my @unfit = (
	[ c => "'ab '", qr/22000.*column "c" ends in spaces/s ],
	[ dd => "'infinity'", qr/22000.*column "dd" is an infinite/s ],
	[ dd => "'0044-03-15 BC'", qr/22000.*column "dd" is a date outside/s ],
	[ ts => "'1960-01-01'", qr/22007/ ],
	[ tm => "'1 day'", qr/22000.*column "tm" has months or days/s ],
	[ b2 => "'\\x00'", qr/22000.*column "b2" has another length/s ],
	[ x => "'NaN'", qr/22000.*column "x" is not a finite number/s ],
	[ u => '-1', qr/22003.*'u'/s ],
	[ e => "'A'", qr/22000.*column "e" is no member/s ],
	[ e => "'2'", qr/22000.*column "e" is no member/s ],
	[ s => "'b,a'", qr/order of its own/ ],
	[ y => '69', qr/two digits/ ],
	[ id => 'NULL', qr/23502.*column "id" is null/s ]);
foreach my $case (@unfit)
{
	my ($column, $value, $want) = @$case;
	like(run_sql("INSERT INTO m.kinds ($column) VALUES ($value)"), $want, "$column: not stored as it is: $value");
}
like(run_sql("ALTER FOREIGN TABLE m.kinds ALTER d TYPE numeric; INSERT INTO m.kinds (d) VALUES (1.239)"),
	qr/column "d" has more digits/, 'a decimal that would be rounded');
run_sql('ALTER FOREIGN TABLE m.kinds ALTER t TYPE text');
like(run_sql("INSERT INTO m.kinds (t) VALUES (rpad('abc', 30))$_"), qr/22001.*Data truncated for column 't'/s, "spaces that would be cut off$_") for '', ' RETURNING t';
is(run_sql('SELECT count(*) FROM m.kinds'), '0', 'nothing of it was stored');
is(run_sql('INSERT INTO m.kinds (id) VALUES (0) RETURNING id'), '0', 'zero is no wish for the next number');
is(run_sql('INSERT INTO m.kinds DEFAULT VALUES RETURNING id > 0'), 't', 'a row of defaults');

# Many rows at once, compared with the same done here.
run_sql(<<'SQL');
CREATE TABLE here (a int, b varchar(10), v text, PRIMARY KEY (a, b));
INSERT INTO here SELECT i, 'k' || i, CASE WHEN i % 3 > 0 THEN repeat('v', i % 500) END FROM generate_series(1, 3000) i;
SQL
my $compare = <<'SQL';
SELECT count(*), (SELECT count(*) FROM (TABLE m.pairs EXCEPT TABLE here) x), (SELECT count(*) FROM (TABLE here EXCEPT TABLE m.pairs) x)
FROM m.pairs
SQL
is(run_sql("INSERT INTO m.pairs TABLE here; $compare"), '3000|0|0', 'insert of 3000 rows, nulls among them');
is(run_sql("UPDATE m.pairs SET v = md5(b) WHERE a % 2 = 0; UPDATE here SET v = md5(b) WHERE a % 2 = 0; $compare"), '3000|0|0',
	'update by key');
is(run_sql("DELETE FROM m.pairs WHERE v = md5(b) AND a % 4 = 0; DELETE FROM here WHERE v = md5(b) AND a % 4 = 0; $compare"),
	'2250|0|0', 'delete by key');
is(run_sql("UPDATE m.pairs SET v = 'w' WHERE a = 1; UPDATE here SET v = 'w' WHERE a = 1; $compare"), '2250|0|0', 'update at the source');
is(run_sql(<<'SQL'), '1', 'a row that is found and left as it is counts');
DO $$ DECLARE n bigint; BEGIN
	UPDATE m.pairs SET v = 'w' WHERE a = 1;
	GET DIAGNOSTICS n = ROW_COUNT;
	PERFORM set_config('my.n', n::text, false);
END $$;
SELECT current_setting('my.n')
SQL
is(run_sql("INSERT INTO m.pairs SELECT i, 'big', repeat('x', 3000000) FROM generate_series(1, 9) i;
	SELECT sum(length(v)) FROM m.pairs WHERE b = 'big'"), '27000000', 'rows that do not fit into one packet');

# A key that only looks equal is another row.
like(run_sql("INSERT INTO m.words VALUES ('a', 1), ('A', 2)"), qr/23505/, 'equal there, so a duplicate');
is(run_sql("INSERT INTO m.words VALUES ('a', 1); DELETE FROM m.words WHERE k = 'A'; SELECT * FROM m.words"), 'a|1',
	'another case deletes nothing');
like(run_sql("INSERT INTO m.children VALUES (1, 4711, 'x')"), qr/23503/, 'a foreign key');
like(run_sql('INSERT INTO m.children VALUES (100, NULL, NULL)'), qr/23514/, 'a check');
like(run_sql("INSERT INTO m.words VALUES ('a', 1) ON CONFLICT DO NOTHING"), qr/would hide other errors/, 'passing over conflicts');

# Transactions and savepoints.
is(run_sql('BEGIN; TRUNCATE m.words; ROLLBACK; SELECT count(*) FROM m.words'), '1', 'TRUNCATE is undone');
is(run_sql(<<'SQL'), "a,b,d", 'savepoints');
BEGIN; INSERT INTO m.words VALUES ('b', 1); SAVEPOINT s; INSERT INTO m.words VALUES ('c', 1); ROLLBACK TO s;
INSERT INTO m.words VALUES ('d', 1); COMMIT; SELECT string_agg(k, ',' ORDER BY k) FROM m.words
SQL
is(run_sql(<<'SQL'), "a,b,d,e", 'a caught error leaves the rest');
DO $$ BEGIN
	INSERT INTO m.words VALUES ('e', 1);
	BEGIN INSERT INTO m.words VALUES ('f', 1), ('a', 1); EXCEPTION WHEN unique_violation THEN NULL; END;
END $$;
SELECT string_agg(k, ',' ORDER BY k) FROM m.words
SQL

foreach my $returning ('', ' RETURNING v')
{
	like(run_sql("BEGIN; SELECT count(*) FROM m.words; SELECT connhub.live_json('m', 'COMMIT'); INSERT INTO m.words VALUES ('out', 1)$returning"),
		qr/the source has ended the transaction/, "a write that found no transaction is not taken for a part of it$returning");
	source_mariadb("DELETE FROM connhub_driver.words WHERE k = 'out'");
}

# Two-phase commit.
connect_as('twice', '{"two_phase": true}');
is(run_sql("BEGIN; INSERT INTO twice.words VALUES ('g', 1); SAVEPOINT s; INSERT INTO twice.words VALUES ('h', 1); ROLLBACK TO s; COMMIT;
	SELECT count(*) FROM m.words WHERE k IN ('g', 'h')"), '1', 'prepared and committed');
is(run_sql("BEGIN; INSERT INTO twice.words VALUES ('i', 1); ROLLBACK; SELECT count(*) FROM twice.words WHERE k = 'i'"), '0',
	'rolled back');
# Other tests prepare transactions at the same source: those of this hub begin with its name.
my $prefix = $hub->safe_psql('postgres', "SELECT 'connhub_' || lpad(to_hex(system_identifier), 16, '0') || '_' FROM pg_control_system()");
sub prepared { return join "\n", grep { /\Q$prefix\E/ } split /\n/, source_mariadb('XA RECOVER'); }
is(prepared(), '', 'and nothing is left prepared');

# A transaction left behind by a crash: its local side never committed.
my $name = $hub->safe_psql('postgres', "SELECT '$prefix' || oid || '_' || pg_current_xact_id() || '_1' FROM pg_database WHERE datname = current_database()");
$hub->safe_psql('postgres', 'SELECT pg_current_xact_id()');
source_mariadb("XA START '$name'; INSERT INTO connhub_driver.words VALUES ('z', 1); XA END '$name'; XA PREPARE '$name'");
like(prepared(), qr/\Q$name\E/, 'a prepared transaction outlives its session');
like(run_sql("SELECT * FROM connhub.resolve_prepared('twice')"), qr/^\Q$name\E\|(committed|rolled back)$/, 'and is resolved');
is(prepared(), '', 'for good');

# Decimals in every form: as the server's own parser makes them.
my @decimals = ('0', '-0.0000000001', '1', '-1', '9999', '10000', '100000000', '0.1', '0.0001', '0.00001', '12345.678',
	'99999999999999999999.9999999999', '-99999999999999999999.9999999999', '10000.0001', '1000000000000', '0.9999999999');
source_mariadb("INSERT INTO connhub_driver.decimals VALUES " . join(', ', map { "($_, $decimals[$_])" } 0 .. $#decimals));
foreach my $type ('numeric(30,10)', 'numeric', 'numeric(40,12)')
{
	run_sql("ALTER FOREIGN TABLE m.decimals ALTER d TYPE $type");
	is(run_sql("SELECT count(*), count(*) FILTER (WHERE numeric_send(d) = numeric_send(d::text::$type))
		FROM (SELECT d FROM m.decimals OFFSET 0) x"), scalar(@decimals) . '|' . scalar(@decimals), "decimals as $type");
	is(run_sql("SELECT string_agg(d::text, ' ' ORDER BY id) = string_agg(w::${type}::text, ' ' ORDER BY id) FROM m.decimals,
		unnest(ARRAY[" . join(', ', map { "'$decimals[$_]'" } 0 .. $#decimals) . "]) WITH ORDINALITY u(w, n) WHERE n = id + 1"),
		$type eq 'numeric' ? 'f' : 't', "their text as $type");
}

# A column may be called as outputs are where they need a name.
is(run_sql('SELECT c3, c1 FROM m.named ORDER BY c1, c3 LIMIT 2'), "10|1\n9|9223372036854775807", 'columns called c1, c2, ..., sorted with nulls last');
is(run_sql('SELECT count(*), sum(x) FROM (SELECT c3 AS x, c1 FROM m.named ORDER BY c1 DESC, c3 LIMIT 2) s JOIN m.named n ON n.c3 = s.x'), '2|20', 'in a sub-select');

# What a sub-select's column cannot hold is not looked for in it there; an integer is not looked up by a decimal's whole part.
foreach my $case ([ 'u4 NOT IN (SELECT u1 FROM m.narrow)', '' ], [ 'i8 NOT IN (SELECT i4 FROM m.narrow)', '' ],
	[ 'i2 NOT IN (SELECT i4 FROM m.narrow WHERE i4 IS NOT NULL)', "1\n3", 'IN (SELECT' ],
	[ 'id = (SELECT stddev_samp(part) FROM m.wide)', '' ], [ 'id = (SELECT 0.5 + stddev_samp(0 * part) + 0.5 FROM m.wide)', "1\n3", 'AS DECIMAL' ])
{
	my ($condition, $rows, $native) = @$case;
	my $query = "SELECT w.part FROM m.wide w LEFT JOIN m.narrow n ON n.id = w.i2 WHERE w.$condition ORDER BY w.part";
	is(run_sql("SET connhub.pushdown = $_; $query"), $rows, "$condition, pushdown $_") foreach qw(on off);
	like(run_sql("EXPLAIN (VERBOSE, COSTS OFF) $query"), qr/Native Query: .*\Q$native\E/, "$condition is sent") if $native;
}

source_mariadb('DROP DATABASE connhub_driver');
done_testing();
