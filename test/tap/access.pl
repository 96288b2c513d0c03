# Who may do what: nothing is open to PUBLIC; operators own what they create and reach neither the server's own network,
# nor its files, nor its identity; readers see, and change nothing.
use strict;
use warnings;
use Hub;
use Test::More;

my $hub = new_hub('access');
$hub->safe_psql('postgres', <<'SQL');
CREATE ROLE nobody LOGIN;
CREATE ROLE alice LOGIN IN ROLE connhub_operator;
CREATE ROLE bob LOGIN IN ROLE connhub_operator;
CREATE ROLE rita LOGIN IN ROLE connhub_reader;
CREATE ROLE adam LOGIN IN ROLE connhub_admin;
GRANT CREATE ON DATABASE postgres TO alice, bob, adam, nobody;
GRANT CREATE ON SCHEMA public TO alice, bob, nobody;
SQL

# What a role gets: (status, output, errors).
sub as
{
	my ($role, $sql) = @_;
	return $hub->psql('postgres', $sql, extra_params => [ '-U', $role ]);
}

sub allowed
{
	my ($role, $sql, $name, $expected) = @_;
	my ($status, $out, $err) = as($role, $sql);
	is($status, 0, "$role may $name") or diag($err);
	is($out, $expected, "$role: $name: the answer") if defined $expected;
	return $out;
}

sub refused
{
	my ($role, $sql, $name, $why) = @_;
	my ($status, $out, $err) = as($role, "\\set VERBOSITY verbose\n$sql");
	isnt($status, 0, "$role may not $name") or diag($out);
	like($err, $why // qr/ERROR:  42501/, "$role may not $name: why");
	return $err;
}

my $denied = qr/ERROR:  42501/;
my $network = qr/ERROR:  (UB009|42501)/;
my $folder = qr/ERROR:  (UB010|42501)/;
my %pg = connector('postgresql');
my $pg = arguments(%pg);

# PUBLIC.
refused('nobody', 'SELECT * FROM connhub.types()', 'list types');
refused('nobody', 'SELECT * FROM connhub.connector', 'list connectors');
refused('nobody', "SELECT connhub.create_connector('x', $pg)", 'create a connector');
refused('nobody', 'SELECT * FROM connhub_catalog.secret', 'read the vault');
refused('nobody', 'SELECT connhub_catalog.may_see(gen_random_uuid())', 'call a helper');
refused('nobody', 'CREATE SERVER mine FOREIGN DATA WRAPPER connhub', 'create a server of the wrapper');

# An operator, his connector, and another's.
allowed('alice', "SELECT status FROM connhub.create_connector('shop', $pg)", 'create a connector', 'ACTIVE');
allowed('alice', "SELECT success FROM connhub.test('shop')", 'test it', 't');
allowed('alice', "SELECT count(*) > 0 FROM connhub.attach('shop', tables => ARRAY['customers'])", 'attach it', 't');
allowed('alice', 'SELECT count(*) FROM shop.customers', 'query it', '200');
foreach my $call ("connhub.test('shop')", "connhub.update_connector('shop', database => 'x')", "connhub.set_credentials('shop', password => 'x')",
	"connhub.delete_connector('shop')", "connhub.delete_connector('shop', force => true)", "connhub.disable('shop')", "connhub.enable('shop')",
	"connhub.discover('shop')", "connhub.set_owner('shop', 'bob')")
{
	refused('bob', "SELECT * FROM $call", "call $call on another's connector", qr/ERROR:  (42501|UB005)/);
	refused('rita', "SELECT * FROM $call", "call $call as a reader", qr/ERROR:  (42501|UB005)/);
}
refused('bob', "SELECT * FROM connhub.attach('shop')", "attach another's connector", qr/ERROR:  (42501|UB005|UB013|3F000)/);
refused('bob', 'SELECT * FROM shop.customers', "read another's foreign table");
refused('alice', 'SELECT * FROM connhub_catalog.secret', 'read the vault');
refused('adam', 'SELECT * FROM connhub_catalog.secret', 'read the vault');
refused('alice', 'SELECT * FROM connhub_catalog.data_key', 'read the keys');
refused('alice', "UPDATE connhub_catalog.connector SET host = '10.0.0.1'", 'write the catalogue directly');
refused('alice', "SELECT connhub.register_driver('mock')", 'register a driver');
refused('alice', "ALTER SERVER shop OPTIONS (SET connector '00000000-0000-0000-0000-000000000000')", 'turn the server to another connector', qr/ERROR/);

# A grant opens it for one more.
allowed('alice', 'GRANT USAGE ON FOREIGN SERVER shop TO bob', 'grant usage');
allowed('bob', "SELECT count(*) > 0 FROM connhub.attach('shop', tables => ARRAY['orders'], into_schema => 'bobs')", 'attach what was granted', 't');
allowed('bob', 'SELECT count(*) FROM bobs.orders', 'query it', '1000');
allowed('alice', 'GRANT USAGE ON SCHEMA shop TO nobody; GRANT SELECT ON shop.customers TO nobody', 'grant a table to anybody');
allowed('nobody', 'SELECT count(*) FROM shop.customers', 'read a granted table', '200');

# Readers and admins.
allowed('rita', "SELECT count(*) >= 1 FROM connhub.types()", 'list types', 't');
refused('rita', "SELECT connhub.create_connector('r', $pg)", 'create a connector');
allowed('adam', "SELECT success FROM connhub.test('shop')", 'test any connector', 't');
allowed('adam', "SELECT status FROM connhub.disable('shop')", 'disable any connector', 'INACTIVE');
refused('nobody', 'SELECT count(*) FROM shop.customers', 'read from a disabled connector', qr/ERROR:  UB011/);
allowed('adam', "SELECT status FROM connhub.enable('shop')", 'enable any connector', 'ACTIVE');

# The network policy.
# Once the library is there it owns the settings; before, a user's value is only text, and is dropped when it comes.
my $load = 'SELECT version FROM connhub.about();';
refused('alice', "$load SET connhub.allowed_networks = '0.0.0.0/0'", 'change the policy');
refused('alice', "$load SET connhub.allowed_folders = '/'", 'change the folders');
refused('alice', "$load SET connhub.allowed_drivers = '*'", 'change the allowed drivers');
$hub->safe_psql('postgres', "ALTER SYSTEM SET connhub.allowed_networks = ''; SELECT pg_reload_conf()");
wait_until(10, sub { $hub->safe_psql('postgres', 'SHOW connhub.allowed_networks') eq '' });

# A refusal by policy is a result of the test, or an error: never a connection.
sub out_of_reach
{
	my ($role, $what, %change) = @_;
	my ($status, $out, $err) = as($role, "\\set VERBOSITY verbose\nSELECT success, error_code FROM connhub.test(" . arguments(connector('postgresql', %change)) . ')');
	unlike($out, qr/^t\b/, "$role does not reach $what");
	unlike($out, qr/CONNECTION_REFUSED|TIMEOUT|AUTHENTICATION/, "$role: nothing was even tried at $what") or diag("$out $err");
	return;
}
out_of_reach('alice', $_, host => $_) foreach qw(127.0.0.1 127.1.2.3 localhost 0.0.0.0 ::1 ::ffff:127.0.0.1 ::ffff:7f00:1 169.254.169.254 fe80::1 224.0.0.1 ::),
  $hub->host, '/tmp', '@abstract';
{
	my ($status, $out, $err) = as('alice', "SET connhub.allowed_networks = '0.0.0.0/0'; SELECT success FROM connhub.test($pg)");
	unlike($out, qr/^t\b/, 'alice gains nothing by a setting made before the library was loaded');
}
out_of_reach('alice', 'a short form of loopback', host => '127.1');
out_of_reach('alice', 'loopback as a number', host => '2130706433');
out_of_reach('alice', 'a list of hosts', host => '127.0.0.1,127.0.0.1');
allowed('adam', 'SELECT success FROM connhub.test(' . $pg . ')', 'reach loopback as an admin', 't');
refused('alice', "SELECT count(*) FROM shop.customers", 'query through a connector that policy no longer allows', $network);
$hub->safe_psql('postgres', "ALTER SYSTEM RESET connhub.allowed_networks; SELECT pg_reload_conf()");
wait_until(10, sub { $hub->safe_psql('postgres', 'SHOW connhub.allowed_networks') ne '' });

# The server's identity and libpq's own ways to a secret.
{
	my ($status, $out, $err) = as('alice', 'SELECT success, error_code FROM connhub.test(' . arguments(connector('postgresql', username => 'connhub_trusted', password => undef)) . ')');
	unlike($out, qr/^t\b/, 'alice does not get in without a password that was asked for') or diag($err);
	($status, $out, $err) = as('alice', 'SELECT success, error_code FROM connhub.test(' . arguments(connector('postgresql', username => 'connhub_trusted', password => 'anything')) . ')');
	unlike($out, qr/^t\b/, 'nor with one that nobody asked for') or diag($err);
}
foreach my $option (qw(passfile service servicefile sslkey sslcert hostaddr host dbname options krbsrvname gssencmode replication))
{
	my ($status, $out, $err) = as('alice', 'SELECT success FROM connhub.test(' . arguments(connector('postgresql', options => "{\"$option\": \"x\"}")) . ')');
	unlike($out, qr/^t\b/, "the option $option of libpq is not passed on");
}
{
	my $sneaky = arguments(connector('postgresql', database => "dbname=shop passfile=/etc/passwd host=127.0.0.1"));
	my ($status, $out, $err) = as('alice', "SELECT success FROM connhub.test($sneaky)");
	unlike($out, qr/^t\b/, 'a database name is not a connection string');
}

# Files.
my ($shop) = $ENV{CONNHUB_TEST_SQLITE};
(my $shops = $shop) =~ s{/[^/]+$}{};
my $link = "$shops/link.db";
my $outside = "$ENV{CONNHUB_TEST_TMP}/outside.db";
system('cp', $shop, $outside) == 0 or die;
symlink $outside, $link;
allowed('alice', "SELECT success FROM connhub.test(type => 'sqlite', database => " . literal($shop) . ')', 'open a file below an allowed folder', 't');
foreach my $case ([ $outside, 'a file elsewhere' ], [ $link, 'a link to a file elsewhere' ], [ "$shops/../job-tap-access/outside.db", 'a path that climbs out' ],
	[ 'shop.db', 'a relative path' ], [ "file:$shop?mode=rw", 'a URI' ], [ ':memory:', 'a database in memory' ], [ $hub->data_dir . '/PG_VERSION', "the server's own data" ],
	[ '/etc/passwd', 'a system file' ])
{
	my ($status, $out, $err) = as('alice', "SELECT success, error_code FROM connhub.test(type => 'sqlite', database => " . literal($case->[0]) . ')');
	unlike($out, qr/^t\b/, "alice does not open $case->[1]") or diag("$out $err");
}
unlink $link;

# A password of any length is bounded, however it is given.
foreach my $given ("password => repeat('p', 65537)", "credentials => jsonb_build_object('password', repeat('p', 65537))")
{
	my ($status, $out, $err) = as('alice', "SELECT connhub.test(type => 'postgresql', host => 'nowhere.invalid', database => 'd', username => 'u', $given)");
	like($err, qr/the password is longer than 65536 bytes/, $given);
}

# A port that is none is repeated as it was given.
foreach my $port (0, -7, 65536)
{
	my ($status, $out, $err) = as('alice', "SELECT connhub.test(type => 'postgresql', host => 'nowhere.invalid', database => 'd', username => 'u', port => $port)");
	like($err, qr/port $port is out of range/, "port $port");
}

# What she is told about another's connector is no more than about one that is not there.
my $there = refused('bob', "SELECT * FROM connhub.get_connector('no_such_connector')", 'get what is not there', qr/ERROR/);
unlike($there, qr/shop/, 'a hint does not name what the caller may not see') if allowed('bob', "SELECT count(*) FROM connhub.connector WHERE name = 'hidden'", 'look', '0') eq '0';

$hub->stop;
done_testing();
