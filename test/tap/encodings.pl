# Databases of other encodings than UTF-8: the extension installs, text arrives in the database's encoding, a condition on
# text finds it there, and a character the encoding lacks is an error that names the column.  What such a database cannot
# hold is left out of its catalogue, and nothing else suffers.  What counts characters gives what it would give here.
use strict;
use warnings;
use Hub;
use Test::More;

# id, text in UTF-8, and the encodings that have it.
my @letters = ([ 1, 'plain', qw(LATIN1 EUC_JP) ], [ 2, "caf\xc3\xa9", qw(LATIN1 EUC_JP) ], [ 3, "\xe6\x97\xa5\xe6\x9c\xac", 'EUC_JP' ]);
my $rows = join ', ', map { "($_->[0], '$_->[1]')" } @letters;
my $table = "CREATE TABLE letters (id integer PRIMARY KEY, v varchar(20)); INSERT INTO letters VALUES $rows;";

source_psql("CREATE SCHEMA connhub_encodings AUTHORIZATION connhub; SET ROLE connhub; SET search_path = connhub_encodings; $table");
source_mariadb("SET NAMES utf8mb4; CREATE DATABASE connhub_encodings CHARACTER SET utf8mb4; USE connhub_encodings; $table");
(my $file = $ENV{CONNHUB_TEST_SQLITE}) =~ s{[^/]+$}{encodings.db};
unlink $file;
IPC::Run::run([ 'sqlite3', '-bail', $file ], '<', \$table) or die "sqlite3 failed\n";

# In SQL_ASCII a character is a byte, so the source's answer would be another.
my @by_character = (q{v LIKE '____'}, q{v LIKE 'caf__'}, q{length(v) = 2}, q{left(v, 4) = v}, "position('caf\xc3\xa9' in v) = 1", q{substr(v, 5) <> ''});

my %change = (
	postgresql => { schema => 'connhub_encodings' },
	mariadb => { database => 'connhub_encodings' },
	sqlite => { database => $file });
my $hub = new_hub('encodings');
$ENV{PGCLIENTENCODING} = 'UTF8';

foreach my $encoding (qw(LATIN1 EUC_JP SQL_ASCII))
{
	my $database = lc $encoding;
	$hub->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0 ENCODING '$encoding' LOCALE 'C'");
	$hub->safe_psql($database, 'CREATE EXTENSION connhub');
	foreach my $source (sort keys %change)
	{
		my $here = "$source in $encoding";
		my %connector = connector($source, %{ $change{$source} });
		$hub->safe_psql($database, "SELECT connhub.create_connector(name => '$source', " . arguments(%connector) . ')');
		$hub->safe_psql($database, "SELECT * FROM connhub.attach('$source', into_schema => '$source')");
		foreach my $letter (@letters)
		{
			my ($id, $text, @encodings) = @$letter;
			my ($code, $out, $err) = $hub->psql($database, "SELECT v FROM $source.letters WHERE id = $id");
			if ($encoding ne 'SQL_ASCII' && !grep { $_ eq $encoding } @encodings)
			{
				like($err, qr/has no equivalent in encoding "$encoding".*column "v" of foreign table "letters"/s,
					"letter $id of $here is refused");
				next;
			}
			is($out, $text, "letter $id of $here arrives");
			is($hub->safe_psql($database, "SELECT id FROM $source.letters WHERE v = '$text'"), $id, "letter $id of $here is found");
		}

		# LATIN1 cannot hold what the condition, checked here, would have to read.
		next if $encoding eq 'LATIN1';
		foreach my $condition (@by_character)
		{
			my $query = "SELECT id FROM $source.letters WHERE $condition ORDER BY id";
			is($hub->safe_psql($database, $query), $hub->safe_psql($database, "SET connhub.pushdown = off; $query"),
				"$condition in $here: as it is here");
		}
	}
}

# ANALYZE keeps what discovery knew of values and names that the database can hold.
source_psql(<<"SQL");
CREATE TABLE connhub_encodings."men\xc3\xbc" AS SELECT i AS id, CASE WHEN i % 2 = 0 THEN 'caf\xc3\xa9' ELSE 'th\xc3\xa9' END AS "pl\xc3\xa2t" FROM generate_series(1, 1000) i;
GRANT SELECT ON connhub_encodings."men\xc3\xbc" TO connhub;
ANALYZE connhub_encodings."men\xc3\xbc";
SQL
foreach my $database (qw(latin1 sql_ascii))
{
	my $known = 'SELECT most_common ->> 0, most_common ->> 1 FROM connhub_catalog.remote_statistics'
		. " WHERE table_name = 'men\xc3\xbc' AND column_name = 'pl\xc3\xa2t'";
	$hub->safe_psql($database, "SELECT connhub.discover('postgresql')");
	$hub->safe_psql($database, "SELECT * FROM connhub.attach('postgresql', tables => ARRAY['men\xc3\xbc'], into_schema => 'postgresql')");
	like($hub->safe_psql($database, $known), qr/\["caf\xc3\xa9", 0\.5\]/, "values in $database: discovered");
	my ($code, $out, $err) = $hub->psql($database, "ANALYZE VERBOSE postgresql.\"men\xc3\xbc\"");
	like($err, qr/took the statistics/, "values in $database: the source's own are taken");
	like($hub->safe_psql($database, $known), qr/\["caf\xc3\xa9", 0\.5\]/, "values in $database: and kept");
}

source_psql('DROP SCHEMA connhub_encodings CASCADE');
source_mariadb('DROP DATABASE connhub_encodings');
unlink $file;

# Whole sources, seeded with what LATIN1 lacks.
foreach my $source (sort keys %change)
{
	is($hub->safe_psql('latin1', "SELECT status, tables >= 10 FROM connhub.create_connector('s_$source', " . arguments(connector($source)) . ')'),
		'ACTIVE|t', "$source in LATIN1: discovered");
	is($hub->safe_psql('latin1', "SELECT count(*) FROM connhub.attach('s_$source', tables => ARRAY['customers', 'orders', 'edge_values'])"),
		'3', "$source in LATIN1: attached");
	is($hub->safe_psql('latin1', "SELECT count(*) FROM s_$source.orders WHERE status = 'open'"), '250', "$source in LATIN1: queried");
	my ($code, $out, $err) = $hub->psql('latin1', "SELECT c_text FROM s_$source.edge_values");
	like($err, qr/has no equivalent in encoding "LATIN1".*column "c_text" of foreign table "edge_values"/s,
		"$source in LATIN1: a value too many is named");
}
source_psql("CREATE SCHEMA connhub_names; CREATE TABLE connhub_names.\"caf\xc3\xa9\" (id int PRIMARY KEY, \"\xc3\xa9t\xc3\xa9\" text); INSERT INTO connhub_names.\"caf\xc3\xa9\" VALUES (1, 'a'), (2, '\xc3\xa9'); GRANT ALL ON SCHEMA connhub_names TO connhub; GRANT ALL ON ALL TABLES IN SCHEMA connhub_names TO connhub");
$hub->safe_psql('latin1', "SELECT connhub.create_connector('names', " . arguments(connector('postgresql', schema => 'connhub_names')) . "); SELECT connhub.attach('names')");
is($hub->safe_psql('latin1', "INSERT INTO names.\"caf\xc3\xa9\" VALUES (3, '\xc3\xa9\xc3\xa9'); UPDATE names.\"caf\xc3\xa9\" SET \"\xc3\xa9t\xc3\xa9\" = 'b' WHERE id = 1;"
	  . "SELECT id, \"\xc3\xa9t\xc3\xa9\" FROM names.\"caf\xc3\xa9\" WHERE \"\xc3\xa9t\xc3\xa9\" <> 'a' ORDER BY id"), "1|b\n2|\xc3\xa9\n3|\xc3\xa9\xc3\xa9", 'names of tables and columns in LATIN1');
source_psql('DROP SCHEMA connhub_names CASCADE');
is($hub->safe_psql('latin1', "SELECT name FROM connhub.create_connector('h\xc3\xb4te', 'sqlite', database => '$ENV{CONNHUB_TEST_SQLITE}')"),
	"h\xc3\xb4te", 'a name beyond ASCII');

$hub->stop;
done_testing();
