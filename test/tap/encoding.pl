# A hub whose database is LATIN1 discovers and queries sources that hold more: what it cannot hold is left out of the
# catalogue, or is an error that names the column, and nothing else suffers.
use strict;
use warnings;
use Hub;
use Test::More;

my $hub = new_hub('encoding');
$hub->safe_psql('postgres', "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
$hub->safe_psql('latin', 'CREATE EXTENSION connhub');

foreach my $source (qw(postgresql mariadb sqlite))
{
	is($hub->safe_psql('latin', "SELECT status, tables FROM connhub.create_connector('s_$source', " . arguments(connector($source)) . ')'),
		'ACTIVE|10', "$source: discovered");
	is($hub->safe_psql('latin', "SELECT count(*) FROM connhub.attach('s_$source')"), '10', "$source: attached");
	is($hub->safe_psql('latin', "SELECT count(*) FROM s_$source.orders WHERE status = 'open'"), '250', "$source: queried");
	my ($status, $out, $err) = $hub->psql('latin', "SELECT c_text FROM s_$source.edge_values");
	like($err, qr/has no equivalent in encoding "LATIN1".*column "c_text" of foreign table "edge_values"/s, "$source: a value too many is named");
}
is($hub->safe_psql('latin', "SET client_encoding = 'UTF8'; SELECT name FROM connhub.create_connector('h\xc3\xb4te', 'sqlite', database => '$ENV{CONNHUB_TEST_SQLITE}')"),
	"h\xc3\xb4te", 'a name beyond ASCII');
done_testing();
