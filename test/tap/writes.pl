# What is written through a foreign table stands at the source as the same statements leave it in a local table: pushed,
# row by row, in batches, in transactions that are rolled back, that fail and that are committed in two phases.
use strict;
use warnings;
use Hub;
use Test::More;

# Sessions at the sources are looked for and ended by this user, or by this name: others have some there too.
my %user = source_user('connhub_writes');
my $hub = new_hub('writes');
(my $file = $ENV{CONNHUB_TEST_SQLITE}) =~ s{[^/]+$}{writes.db};
my $columns = 'id, n, v, num, d, ts, ok, f, txt, bin';

sub sqlite
{
	my ($sql) = @_;
	my $out = '';
	IPC::Run::run([ 'sqlite3', '-bail', $file ], '<', \$sql, '>', \$out) or die "sqlite3 failed\n";
	chomp $out;
	return $out;
}

# How to make the tables at each source, and to read an answer there.
my %sources = (
	postgresql => {
		run => \&source_psql,
		schema => 'writes',
		prefix => 'writes.',
		before => 'DROP SCHEMA IF EXISTS writes CASCADE; CREATE SCHEMA writes AUTHORIZATION connhub; SET ROLE connhub; SET search_path = writes;',
		after => 'DROP SCHEMA IF EXISTS writes CASCADE',
		types => [ 'serial', 'varchar(20)', 'numeric(20,4)', 'date', 'timestamp', 'boolean', 'double precision', 'text', 'bytea' ],
		returning => 1,
		two_phase => 1,
	},
	mariadb => {
		run => \&source_mariadb,
		schema => 'connhub_writes',
		prefix => 'connhub_writes.',
		before => q{DROP DATABASE IF EXISTS connhub_writes; CREATE DATABASE connhub_writes CHARACTER SET utf8mb4; GRANT ALL ON connhub_writes.* TO connhub_writes@'127.0.0.1'; USE connhub_writes;},
		after => 'DROP DATABASE IF EXISTS connhub_writes',
		types => [ 'integer auto_increment', 'varchar(20)', 'decimal(20,4)', 'date', 'datetime(6)', 'bit(1)', 'double', 'longtext', 'longblob' ],
		two_phase => 1,
	},
	sqlite => {
		run => \&sqlite,
		schema => 'main',
		prefix => '',
		before => '',
		after => '',
		types => [ 'integer', 'varchar(20)', 'numeric(20,4)', 'date', 'timestamp', 'boolean', 'double', 'text', 'blob' ],
		returning => 1,
		change => { options => '{"read_only": "false"}' },
	});

sub make_tables
{
	my ($of) = @_;
	my ($id, $v, $num, $d, $ts, $ok, $f, $txt, $bin) = @{ $of->{types} };
	my $table = "(id $id NOT NULL PRIMARY KEY, n integer, v $v DEFAULT 'default', num $num, d $d, ts $ts, ok $ok, f $f, txt $txt, bin $bin)";
	$of->{run}->("$of->{before} CREATE TABLE pushed $table; CREATE TABLE by_row $table;"
		  . "CREATE TABLE pair (a integer NOT NULL, b varchar(10) NOT NULL, v varchar(20), PRIMARY KEY (b, a));"
		  . "CREATE TABLE keyless (a integer, v varchar(20))");
	return;
}

# Statements over table T, each run on three tables.
my @statements = (
	"INSERT INTO T ($columns) SELECT g, g % 7, 'row ' || g, g * 1.25, date '2024-02-28' + g, timestamp '2024-01-01' + g * interval '1 hour 1 second', g % 3 = 0, g / 8.0, 'text ' || g, decode(lpad(to_hex(g), 4, '0'), 'hex') FROM generate_series(1, 60) g",
	"INSERT INTO T ($columns) VALUES (101, 2147483647, '', 1234567890.1234, '1970-01-01', '1999-12-31 23:59:59.999999', true, 1e300, '', ''),"
	  . " (102, -2147483648, '12345678901234567890', -0.0001, '9999-12-31', '2038-01-19 03:14:08', false, -1e-300, E'a''b\"c\\\\d\\n\$1 ? %s', '\\x00ff275c'),"
	  . " (103, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (104, 0, '\x{fc}\x{20ac}\x{1f600}', 0, '2000-02-29', '2000-02-29 12:00:00.5', true, 0.1, repeat('x', 70000), '\\x')",
	"INSERT INTO T (id, n) VALUES (105, 5)",
	"INSERT INTO T (id, v) VALUES (106, NULL), (107, 'x')",
	"UPDATE T SET v = 'seven' WHERE n = 0",
	"UPDATE T SET n = n + 1, ok = NULL WHERE id BETWEEN 10 AND 20",
	"UPDATE T SET n = id, num = n WHERE id = 30",
	"UPDATE T SET v = NULL, num = num * 2 WHERE id IN (31, 32) AND num IS NOT NULL",
	"UPDATE T SET d = '2001-02-03', ts = '2001-02-03 04:05:06.789', f = 2.5, txt = 'set', bin = '\\x0102' WHERE id = 33",
	"UPDATE T SET txt = upper(txt) || '!' WHERE v LIKE 'row 4%'",
	"UPDATE T SET num = num + (SELECT count(*) FROM generate_series(1, 3)) WHERE id < 5",
	"UPDATE T SET id = id + 1000 WHERE id = 40",
	"UPDATE T SET v = 'joined ' || x.g FROM (VALUES (41), (42), (999)) x(g) WHERE T.id = x.g",
	"DELETE FROM T WHERE n = 3 AND id < 50",
	"DELETE FROM T WHERE txt ~ '5\$'",
	"DELETE FROM T USING (VALUES (50), (51)) x(g) WHERE T.id = x.g",
	"DELETE FROM T WHERE d > '2024-04-20' AND d < '2025-01-01'",
	"INSERT INTO T ($columns) SELECT id + 2000, n, v, num, d, ts, ok, f, txt, bin FROM T WHERE id > 100 AND id < 1000",
	"UPDATE T SET v = 'none' WHERE false",
	"UPDATE T SET f = -f WHERE f IS NOT NULL AND ok");

sub content
{
	my ($table) = @_;
	return $hub->safe_psql('postgres', "SELECT $columns FROM $table ORDER BY id");
}

sub check_statements
{
	my ($name, $of) = @_;
	$hub->safe_psql('postgres', "DROP TABLE IF EXISTS here; CREATE TABLE here (id int PRIMARY KEY, n int, v varchar(20) DEFAULT 'default', num numeric(20,4), d date, ts timestamp, ok boolean, f double precision, txt text, bin bytea)");
	foreach my $statement (@statements)
	{
		my %tags;
		foreach my $table ('here', "$name.pushed", "$name.by_row")
		{
			my $off = $table =~ /by_row/ ? 'SET connhub.pushdown = off;' : '';
			(my $sql = $statement) =~ s/\bT\b/$table/g;
			my ($status, $out, $err) = $hub->psql('postgres', "$off\n\\set QUIET off\n$sql");
			$tags{$table} = $status ? $err : $out;
		}
		is($tags{"$name.pushed"}, $tags{here}, "$name: tag of $statement") or next;
		is($tags{"$name.by_row"}, $tags{here}, "$name: the same row by row");
		next if content("$name.pushed") eq content('here') && content("$name.by_row") eq content('here');
		is(content("$name.pushed"), content('here'), "$name: rows after $statement");
		is(content("$name.by_row"), content('here'), "$name: rows after it row by row");
		last;
	}
	my $at_source = 'SELECT count(*), sum(id), sum(n) FROM %s';
	(my $there = $of->{run}->(sprintf $at_source, "$of->{prefix}pushed")) =~ s/[\t|]/ /g;
	(my $here = $hub->safe_psql('postgres', sprintf $at_source, 'here')) =~ s/\|/ /g;
	is($there, $here, "$name: the source itself says the same");
	return;
}

# The SQLSTATE a script ends with.
sub state_of
{
	my ($script) = @_;
	my ($status, $out, $err) = $hub->psql('postgres', "\\set VERBOSITY sqlstate\n$script", on_error_stop => 0);
	return join ' ', $err =~ /ERROR:  (\w{5})/g;
}

sub psql_lines
{
	my ($script) = @_;
	return split /\n/, $hub->safe_psql('postgres', $script);
}

sub check_batches
{
	my ($name, $of) = @_;
	my $rows = join '', map { "$_\tcopied $_\n" } 1 .. 2500;
	$hub->safe_psql('postgres', "DELETE FROM $name.pushed; COPY $name.pushed (id, txt) FROM stdin;\n$rows\\.\n");
	(my $there = $of->{run}->("SELECT count(*), min(v), max(length(txt)) FROM $of->{prefix}pushed")) =~ s/[\t|]/ /g;
	is($there, '2500 default 11', "$name: COPY leaves defaults to the source");
	$hub->safe_psql('postgres', "INSERT INTO $name.pushed (id, n) SELECT g, g FROM generate_series(3000, 5000) g");
	is($of->{run}->("SELECT sum(n) FROM $of->{prefix}pushed"), 2001 * 4000, "$name: INSERT of many rows");
	is(state_of("INSERT INTO $name.pushed (id) SELECT g FROM generate_series(9000, 10000) g UNION ALL SELECT 3000"), '23505',
		"$name: a row twice among many");
	is($of->{run}->("SELECT count(*) FROM $of->{prefix}pushed WHERE id >= 9000"), 0, "$name: none of them stays");
	$hub->safe_psql('postgres', "DELETE FROM $name.pushed");
	my $serial = $hub->safe_psql('postgres', "INSERT INTO $name.pushed (n) VALUES (1), (2); SELECT count(DISTINCT id) FROM $name.pushed");
	is($serial, 2, "$name: numbers are the source's");
	return;
}

# Of rows that conflict nothing is written and nothing returned.
sub check_conflict
{
	my ($name, $of, $is_taken) = @_;
	my $rows = "INSERT INTO $name.pair VALUES (3, 'c3', 'skipped'), (4, 'd', 'new'), (4, 'd', 'twice'), (5, 'e', 'new') ON CONFLICT";
	is(state_of("$rows (a, b) DO NOTHING"), '42P10', "$name: ON CONFLICT with a key is refused");
	is(state_of("$rows (a, b) DO UPDATE SET v = 'changed'"), '42P10', "$name: so is DO UPDATE");
	is(state_of("$rows DO NOTHING"), $is_taken ? '' : '0A000', "$name: ON CONFLICT DO NOTHING is taken where the source has it");
	(my $after = $of->{run}->("SELECT a, b, v FROM $of->{prefix}pair ORDER BY a")) =~ tr/\t/|/;
	is($after, $is_taken ? "3|c3|more!\n4|d|new\n5|e|new" : '3|c3|more!', "$name: the rows after it");
	return unless $is_taken;
	is((psql_lines("\\set QUIET off\n$rows DO NOTHING"))[-1], 'INSERT 0 0', "$name: the count of rows that all conflict");
	is(join(' ', psql_lines("\\set QUIET off\nINSERT INTO $name.pair VALUES (4, 'd', 'skipped'), (6, 'f', 'new') ON CONFLICT DO NOTHING RETURNING a, v")),
		'6|new INSERT 0 1', "$name: RETURNING gives the others");
	return;
}

sub check_transactions
{
	my ($name, $of) = @_;
	$hub->safe_psql('postgres', "DELETE FROM $name.pair");
	$hub->psql('postgres', <<"SQL", on_error_stop => 0);
BEGIN;
INSERT INTO $name.pair VALUES (1, 'a', 'kept');
SAVEPOINT s;
INSERT INTO $name.pair VALUES (2, 'b', 'undone');
INSERT INTO $name.pair VALUES (1, 'a', 'twice');
ROLLBACK TO s;
INSERT INTO $name.pair VALUES (3, 'c', 'kept');
SAVEPOINT t;
UPDATE $name.pair SET v = 'more' WHERE a = 3;
RELEASE t;
COMMIT;
BEGIN;
DELETE FROM $name.pair;
ROLLBACK;
SQL
	(my $rows = $of->{run}->("SELECT a, b, v FROM $of->{prefix}pair ORDER BY a")) =~ tr/\t/|/;
	is($rows, "1|a|kept\n3|c|more", "$name: savepoints and rollback");
	$hub->safe_psql('postgres', "SET connhub.pushdown = off; UPDATE $name.pair SET b = b || a, v = v || '!' WHERE a > 1; DELETE FROM $name.pair WHERE a = 1");
	($rows = $of->{run}->("SELECT a, b, v FROM $of->{prefix}pair")) =~ tr/\t/|/;
	is($rows, '3|c3|more!', "$name: a key of two columns");
	is(state_of("INSERT INTO $name.pair VALUES (3, NULL, 'x')"), '23502', "$name: a null that may not be");
	is(state_of("SET connhub.pushdown = off; UPDATE $name.keyless SET v = 'x'"), '55000', "$name: no key");
	check_conflict($name, $of, $of->{returning});
	is($hub->safe_psql('postgres', "INSERT INTO $name.pair VALUES (9, 'z', 'back') RETURNING v, a"), 'back|9', "$name: RETURNING") if $of->{returning};
	$hub->safe_psql('postgres', "TRUNCATE $name.pair");
	is($of->{run}->("SELECT count(*) FROM $of->{prefix}pair"), 0, "$name: TRUNCATE");
	is(state_of("BEGIN READ ONLY; INSERT INTO $name.pair VALUES (8, 'r', 'x')"), '25006', "$name: a read-only transaction");
	return;
}

# Each shape six times under a generic plan.
sub check_generic
{
	my ($name, $of) = @_;
	my $script = "DELETE FROM $name.pair; SET plan_cache_mode = force_generic_plan;\n"
	  . "PREPARE i(int, text, text) AS INSERT INTO $name.pair VALUES (\$1, \$2, \$3);\n"
	  . "PREPARE u(text, int) AS UPDATE $name.pair SET v = \$1 WHERE a = \$2;\n"
	  . "PREPARE r(text, int) AS UPDATE $name.pair SET v = v || lower(\$1) WHERE a = \$2;\n"
	  . "PREPARE d(int) AS DELETE FROM $name.pair WHERE a = \$1;\n";
	$script .= "EXECUTE i($_, 'k$_', 'v$_'); EXECUTE u('u$_', $_); EXECUTE r('R$_', $_); EXECUTE d(" . ($_ - 3) . ");\n" foreach 1 .. 6;
	$hub->safe_psql('postgres', $script);
	(my $rows = $of->{run}->("SELECT a, b, v FROM $of->{prefix}pair ORDER BY a")) =~ tr/\t/|/;
	is($rows, "4|k4|u4r4\n5|k5|u5r5\n6|k6|u6r6", "$name: generic plans");

	# A source may see that no row can match, and then answers as if nothing had been asked back.
	$script = "SET plan_cache_mode = force_generic_plan; SET statement_timeout = '20s';\n"
	  . "PREPARE e(int, int) AS DELETE FROM $name.pair WHERE a BETWEEN \$1 AND \$2 RETURNING b;\nEXECUTE e(4, 4); EXECUTE e(9, 1); EXECUTE e(5, 6);";
	is($hub->safe_psql('postgres', $script), "k4\nk5\nk6", "$name: a range that holds nothing, asked between others");
	return;
}

# A sub-select sees the table as it was before the statement, whichever rows have been written when it runs.
sub check_sub_selects
{
	my ($name, $of) = @_;
	my $show = sub { my $rows = $of->{run}->("SELECT a, v FROM $of->{prefix}pair ORDER BY a"); $rows =~ tr/\t/|/; return $rows };
	$hub->safe_psql('postgres', "DELETE FROM $name.pair; INSERT INTO $name.pair SELECT i, 'k' || i, '0' FROM generate_series(1, 3) i");
	$hub->safe_psql('postgres', "SET connhub.pushdown = off; UPDATE $name.pair t SET v = '1' WHERE (SELECT count(*) FROM $name.pair o WHERE o.a = t.a - 1 AND o.v = '0') > 0");
	is($show->(), "1|0\n2|1\n3|1", "$name: a condition with a sub-select of the table itself");
	$hub->safe_psql('postgres', "UPDATE $name.pair t SET (v, b) = (SELECT o.v || '!', o.b || '!' FROM $name.pair o WHERE o.a = t.a % 3 + 1) WHERE a < 9");
	is($show->(), "1|1!\n2|1!\n3|0!", "$name: columns set from one sub-select");
	$hub->safe_psql('postgres', "INSERT INTO $name.pair VALUES (11, 'x', (SELECT count(*)::text FROM $name.pair)), (12, 'y', (SELECT max(a)::text FROM $name.pair))");
	is($show->() =~ s/^\d\|.*\n//mgr, "11|3\n12|3", "$name: values from sub-selects");
	return;
}

# Rows are routed to a foreign partition and moved into it, and never out of it.
sub check_partitions
{
	my ($name, $of) = @_;
	$hub->safe_psql('postgres', <<"SQL");
DELETE FROM $name.pair;
CREATE TABLE parts (LIKE $name.pair) PARTITION BY RANGE (a);
ALTER TABLE parts ATTACH PARTITION $name.pair FOR VALUES FROM (1) TO (100);
CREATE TABLE here_part PARTITION OF parts FOR VALUES FROM (100) TO (200);
INSERT INTO parts VALUES (1, 'a', 'there'), (101, 'b', 'here'), (102, 'c', 'here');
UPDATE parts SET a = 2, v = 'moved' WHERE a = 101;
UPDATE parts SET a = a + 2 WHERE a = 1;
SQL
	my $show = sub { return $hub->safe_psql('postgres', "SELECT a, b, v FROM parts ORDER BY a") };
	is($show->(), "2|b|moved\n3|a|there\n102|c|here", "$name: rows in partitions");
	(my $there = $of->{run}->("SELECT a, b, v FROM $of->{prefix}pair ORDER BY a")) =~ tr/\t/|/;
	is($there, "2|b|moved\n3|a|there", "$name: those that are at the source");
	foreach my $pushdown (qw(on off))
	{
		is(state_of("SET connhub.pushdown = $pushdown; UPDATE parts SET a = 103 WHERE a = 3"), '23514', "$name: no row moves out, pushdown $pushdown");
	}
	is($show->(), "2|b|moved\n3|a|there\n102|c|here", "$name: and it stays what it was");
	$hub->safe_psql('postgres', "ALTER TABLE parts DETACH PARTITION $name.pair; DROP TABLE parts; DELETE FROM $name.pair");
	return;
}

sub check_two_phase
{
	my ($name, $of) = @_;
	$hub->safe_psql('postgres', "DELETE FROM $name.pair; SELECT connhub.update_connector('$name', test => false, discover => false, options => '{\"two_phase\": true}')");
	$hub->safe_psql('postgres', "BEGIN; INSERT INTO $name.pair VALUES (1, 'a', 'x'); SAVEPOINT s; INSERT INTO $name.pair VALUES (2, 'b', 'x'); ROLLBACK TO s; COMMIT;"
		  . "BEGIN; INSERT INTO $name.pair VALUES (3, 'c', 'x'); ROLLBACK; SELECT count(*) FROM $name.pair");
	(my $rows = $of->{run}->("SELECT a, b FROM $of->{prefix}pair ORDER BY a")) =~ tr/\t/|/;
	is($rows, '1|a', "$name: committed in two phases");
	is($hub->safe_psql('postgres', "SELECT count(*) FROM connhub.resolve_prepared('$name')"), 0, "$name: nothing is left");
	$hub->safe_psql('postgres', "SELECT connhub.update_connector('$name', test => false, discover => false, options => '{\"two_phase\": null}')");
	return;
}

foreach my $name (sort keys %sources)
{
	my $of = $sources{$name};
	unlink glob "$file*" if $name eq 'sqlite';
	make_tables($of);
	my %arguments = connector($name, schema => $of->{schema}, %{ $of->{change} // {} }, $name eq 'sqlite' ? () : %user);
	$arguments{database} = $name eq 'sqlite' ? $file : $name eq 'mariadb' ? 'connhub_writes' : $arguments{database};
	delete $arguments{schema} unless $name eq 'postgresql';
	$hub->safe_psql('postgres', "SELECT connhub.create_connector(name => '$name', " . arguments(%arguments) . ");"
		  . "CREATE SCHEMA $name; SELECT connhub.attach('$name', '$of->{schema}', into_schema => '$name')");
	check_statements($name, $of);
	check_batches($name, $of);
	check_transactions($name, $of);
	check_generic($name, $of);
	check_sub_selects($name, $of);
	check_partitions($name, $of);
	check_two_phase($name, $of) if $of->{two_phase};
}

# ---- Only MariaDB ----

# Writes and locking reads of InnoDB see the newest committed rows, whatever the snapshot of the transaction is, unless
# innodb_snapshot_isolation is on.
my $client = "mariadb --no-defaults -S $ENV{CONNHUB_TEST_MY_SOCKET} -u root connhub_writes";
my $change = "UPDATE pair SET v = concat(v, '+') WHERE a = 1; REPLACE INTO pair VALUES (3, 'c', 'new')";
my $is_isolated = source_mariadb("SHOW VARIABLES LIKE 'innodb_snapshot_isolation'") =~ /\bON$/;
foreach my $pushdown ($is_isolated ? () : qw(on off))
{
	$hub->safe_psql('postgres', "DELETE FROM mariadb.pair; INSERT INTO mariadb.pair VALUES (1, 'a', 'old'), (2, 'b', 'old')");
	my $rows = q{string_agg(concat(a, v), ' ' ORDER BY a)};
	is($hub->safe_psql('postgres', <<"SQL"), "1old 2old\n1old 2old\n1old+ 2old 3new\n1old 2old\n1ours 2old 3ours", "two views of one transaction, pushdown $pushdown");
SET connhub.pushdown = $pushdown;
BEGIN;
SELECT $rows FROM mariadb.pair;
\\! $client -e "$change"
SELECT $rows FROM mariadb.pair;
SELECT $rows FROM (SELECT * FROM mariadb.pair FOR UPDATE) AS p;
SELECT $rows FROM mariadb.pair;
UPDATE mariadb.pair SET v = 'ours' WHERE v <> 'old';
SELECT $rows FROM mariadb.pair;
COMMIT;
SQL
	is(source_mariadb('SELECT group_concat(a, v ORDER BY a) FROM connhub_writes.pair'), '1ours,2old,3ours', 'what is committed');
}

# ---- Only PostgreSQL ----

# Someone else's change between our read and our write.
my $other = "env PGAPPNAME=connhub_writes psql -XAtq -h $ENV{CONNHUB_TEST_PG_SOCKET} -p $ENV{CONNHUB_TEST_PG_PORT} -U postgres -d shop";
$hub->safe_psql('postgres', "DELETE FROM postgresql.pair; INSERT INTO postgresql.pair VALUES (1, 'a', 'x')");
is(state_of("BEGIN; SELECT v FROM postgresql.pair;\n\\! $other -c \"UPDATE writes.pair SET v = 'other'\"\nUPDATE postgresql.pair SET v = 'ours'; COMMIT;"),
	'40001', 'a row changed meanwhile is a serialization failure');
is(source_psql('SELECT v FROM writes.pair'), 'other', 'and not overwritten');
is(state_of("BEGIN; SELECT v FROM postgresql.pair;\n\\! $other -c \"UPDATE writes.pair SET v = 'third'\"\nSET connhub.pushdown = off; UPDATE postgresql.pair SET v = v || 'ours'; COMMIT;"),
	'40001', 'by row too');

# Rows locked before a savepoint stay locked when what came after it fails.
my $free = "\\! $other -c \"SELECT count(*) FROM (SELECT FROM writes.pair FOR UPDATE SKIP LOCKED) AS f\"";
my (undef, $locks, undef) = $hub->psql('postgres', <<"SQL", on_error_stop => 0);
BEGIN ISOLATION LEVEL READ COMMITTED;
SELECT v FROM postgresql.pair FOR UPDATE;
$free
SAVEPOINT s;
SELECT FROM postgresql.pair WHERE 1 / (a - a) > 0;
ROLLBACK TO s;
SELECT count(*) FROM postgresql.pair;
$free
COMMIT;
$free
SQL
is($locks, "third\n0\n1\n0\n1", 'rows stay locked over a savepoint rolled back');

# A row that somebody changed meanwhile is looked at again, with the rows it was joined with.
$hub->safe_psql('postgres', 'CREATE TABLE counted (a int, n int); INSERT INTO counted VALUES (1, 0)');
my ($change, $said) = ("BEGIN; UPDATE counted SET n = n + 10; SELECT pg_sleep(2); COMMIT;\n", '');
my $changer = IPC::Run::start([ 'psql', '-XAtq', $hub->connstr('postgres') ], '<', \$change, '>', \$said);
wait_until(20, sub { $changer->pump_nb; $hub->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") eq '1' });
is(state_of('UPDATE counted SET n = counted.n + 1 FROM postgresql.pair p JOIN postgresql.pair q ON q.a = p.a WHERE p.a = counted.a'), '',
	'an update joined with a join waits');
$changer->finish;
is($hub->safe_psql('postgres', 'SELECT n FROM counted'), '11', 'and counts on from what it finds');

# A write that waits for somebody's lock is stopped, there too.
my ($locked, $held) = ("BEGIN;\nUPDATE writes.pair SET v = 'held';\nSELECT pg_sleep(60);\n", '');
my $holder = IPC::Run::start([ split / /, $other ], '<', \$locked, '>', \$held);
my $sleeping = "FROM pg_stat_activity WHERE application_name = 'connhub_writes' AND query ~ '^SELECT pg_sleep' AND state = 'active'";
wait_until(20, sub { $holder->pump_nb; source_psql("SELECT count(*) $sleeping") eq '1' });
is(state_of("SET statement_timeout = '300ms'; DELETE FROM postgresql.pair"), '57014', 'a write that waits for a lock is stopped');
ok(wait_until(20, sub { source_psql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'connhub_writes' AND wait_event_type = 'Lock'") eq '0' }),
	'and waits no more at the source');
source_psql("SELECT pg_terminate_backend(pid) $sleeping");
$holder->finish;

# The source has the last word on a row, and RETURNING tells it.
source_psql("SET search_path = writes; CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN NEW.v := upper(NEW.v); RETURN NEW; END \$\$;"
	  . "CREATE TRIGGER shout BEFORE INSERT OR UPDATE ON pair FOR EACH ROW EXECUTE FUNCTION shout()");
is($hub->safe_psql('postgres', "INSERT INTO postgresql.pair VALUES (2, 'b', 'loud') RETURNING v"), 'LOUD', 'RETURNING of an INSERT');
is($hub->safe_psql('postgres', "UPDATE postgresql.pair SET v = 'louder' WHERE a = 2 RETURNING v"), 'LOUDER', 'of an UPDATE at one go');
is($hub->safe_psql('postgres', "SET connhub.pushdown = off; UPDATE postgresql.pair SET v = 'loudest' WHERE a = 2 RETURNING v"), 'LOUDEST', 'of an UPDATE by row');

# The session at the source dies in mid-transaction.
$hub->safe_psql('postgres', 'CREATE TABLE own (a int)');
is(state_of("BEGIN; INSERT INTO own VALUES (1); INSERT INTO postgresql.pair (a, b, v) VALUES (5, 'dying', 'x');\n\\! $other -c \"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'connhub_writes' AND state = 'idle in transaction'\" >/dev/null\nCOMMIT;"),
	'08007', 'a commit over a dead connection');
is($hub->safe_psql('postgres', 'SELECT count(*) FROM own'), 0, 'nothing is committed here');
is(source_psql('SELECT count(*) FROM writes.pair WHERE a = 5'), 0, 'nor there');

# A crash between the two phases, played with transactions that were prepared by hand.
my ($system) = $hub->safe_psql('postgres', "SELECT to_hex(system_identifier) FROM pg_control_system()");
my $database = $hub->safe_psql('postgres', "SELECT oid FROM pg_database WHERE datname = 'postgres'");
my $done = $hub->safe_psql('postgres', 'SELECT txid_current()');
my $aborted = (split /\n/, $hub->safe_psql('postgres', 'BEGIN; SELECT txid_current(); ROLLBACK'))[0];
foreach ([ $done, 11 ], [ $aborted, 12 ], [ $aborted + 1000000, 13 ])
{
	my ($xid, $a) = @$_;
	source_psql(sprintf "SET ROLE connhub_writes; BEGIN; INSERT INTO writes.pair VALUES (%d, 'p', 'x'); PREPARE TRANSACTION 'connhub_%016s_%s_%s_1'", $a, $system, $database, $xid);
}
is($hub->safe_psql('postgres', "SELECT string_agg(action, ' ' ORDER BY action) FROM connhub.resolve_prepared('postgresql')"), 'committed rolled back unknown',
	'what a crash left is resolved');
is(source_psql('SELECT string_agg(a::text, \' \') FROM writes.pair WHERE a > 10'), '11', 'by what became of the local transaction');
source_psql($_) foreach split /\n/, source_psql("SELECT format('ROLLBACK PREPARED %L', gid) FROM pg_prepared_xacts WHERE owner = 'connhub_writes'");

# The id of a transaction that is being prepared at a source is never given to another, even after a crash here.
source_psql('CREATE FUNCTION writes.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$;'
	  . 'CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON writes.pair DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION writes.wait()');
$hub->safe_psql('postgres', "SELECT connhub.update_connector('postgresql', test => false, discover => false, options => '{\"two_phase\": true}'); CHECKPOINT");
my ($preparing, $begun) = ("BEGIN; INSERT INTO postgresql.pair VALUES (20, 'q', 'x'); SELECT txid_current(); COMMIT;\n", '');
my $dying = IPC::Run::start([ 'psql', '-XAtq', $hub->connstr('postgres') ], '<', \$preparing, '>', \$begun, '2>', \my $died);
my $waiting = "FROM pg_stat_activity WHERE usename = 'connhub_writes' AND query LIKE 'PREPARE TRANSACTION%' AND wait_event = 'PgSleep'";
ok(wait_until(20, sub { $dying->pump_nb; source_psql("SELECT count(*) $waiting") eq '1' }), 'the source prepares');
$hub->stop('immediate');
$dying->finish;
$hub->start;
cmp_ok($hub->safe_psql('postgres', 'SELECT txid_current()'), '>', $begun, 'no other transaction has its id');
source_psql("SELECT pg_terminate_backend(pid) $waiting");

$hub->stop;

END
{
	my $result = $?;
	$sources{$_}{run}->($sources{$_}{after}) foreach grep { $sources{$_}{after} } keys %sources;
	unlink glob "$file*";
	drop_source_user('connhub_writes');
	$? = $result;
}

done_testing();
