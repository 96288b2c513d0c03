# A database with connectors can be dumped and restored: beside its own key file everything works again; elsewhere, without
# the key, everything is there but the credentials, and an error says what is missing.
use strict;
use warnings;
use Hub;
use Test::More;

my @sources = qw(postgresql mariadb sqlite);
my $hub = new_hub('dump');
foreach my $source (@sources)
{
	$hub->safe_psql('postgres', "SELECT connhub.create_connector('$source', " . arguments(connector($source)) . ');');
	$hub->safe_psql('postgres', "SELECT * FROM connhub.attach('$source', tables => ARRAY['customers', 'orders'])");
}
$hub->safe_psql('postgres', 'CREATE TABLE mine AS SELECT * FROM postgresql.customers WHERE id < 10; CREATE VIEW both_of AS SELECT a.id FROM mine a JOIN mariadb.customers b USING (id)');

my $facts = <<'SQL';
SELECT id, name, type, host, port, database, status FROM connhub.connector ORDER BY name;
SELECT connector, schema, name, type FROM connhub.remote_table ORDER BY 1, 2, 3;
SELECT count(*) FROM connhub.remote_column;
SELECT count(*) FROM connhub.remote_key;
SELECT foreign_table_schema, foreign_table_name FROM information_schema.foreign_tables ORDER BY 1, 2;
SELECT name, category FROM connhub.types() ORDER BY name;
SQL
my $before = $hub->safe_psql('postgres', $facts);
like($before, qr/customers/, 'there is something to dump');

my $file = "$ENV{CONNHUB_TEST_TMP}/dump.sql";
$hub->command_ok([ 'pg_dump', '-f', $file, 'postgres' ], 'dumped');
$hub->command_ok([ 'createdb', 'restored' ], 'made a database');
$hub->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-f', $file, 'restored' ], 'restored without an error');
is($hub->safe_psql('restored', $facts), $before, 'everything is there again');
foreach my $source (@sources)
{
	is($hub->safe_psql('restored', "SELECT success FROM connhub.test('$source')"), 't', "$source: the restored connector works");
	is($hub->safe_psql('restored', "SELECT count(*) FROM $source.customers"), '200', "$source: and its foreign tables");
}
is($hub->safe_psql('restored', 'SELECT count(*) FROM both_of'), '9', 'a view over both');

# A second round trip changes nothing more.
my $again = "$ENV{CONNHUB_TEST_TMP}/again.sql";
$hub->command_ok([ 'pg_dump', '-f', $again, 'restored' ], 'dumped again');
$hub->command_ok([ 'createdb', 'again' ], 'made another database');
$hub->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-f', $again, 'again' ], 'restored again');
is($hub->safe_psql('again', $facts), $before, 'everything is there a second time');

# Another cluster has another key.
my $other = new_hub('other');
$other->safe_psql('postgres', 'CREATE DATABASE elsewhere');
my ($status, $out, $err) = $other->psql('elsewhere', "\\i $file");
unlike($err, qr/ERROR/, 'restored in another cluster');
is($other->safe_psql('elsewhere', $facts), $before, 'everything is there') if $err !~ /ERROR/;
foreach my $source (qw(postgresql mariadb))
{
	($status, $out, $err) = $other->psql('elsewhere', "SELECT count(*) FROM $source.customers");
	isnt($status, 0, "$source: without the key there is no credential");
	like($err, qr/key|credential/, "$source: and the error says so");
	$other->psql('elsewhere', "SELECT connhub.set_credentials('$source', password => '$ENV{CONNHUB_TEST_PG_PASSWORD}')");
	is($other->safe_psql('elsewhere', "SELECT count(*) FROM $source.customers"), '200', "$source: with its password set anew it works");
}

# Dropping the extension takes all of it along, when asked to.
($status, $out, $err) = $hub->psql('again', 'DROP EXTENSION connhub');
isnt($status, 0, 'foreign tables keep the extension');
$hub->safe_psql('again', 'DROP EXTENSION connhub CASCADE');
is($hub->safe_psql('again', "SELECT count(*) FROM pg_foreign_server"), '0', 'with CASCADE nothing is left');
$hub->safe_psql('again', 'CREATE EXTENSION connhub');
is($hub->safe_psql('again', 'SELECT count(*) FROM connhub.connector'), '0', 'and it can be created again');

$other->stop;
$hub->stop;
done_testing();
