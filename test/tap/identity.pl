# The server's own identity is never lent to a connector: no environment variable, password file or service file that
# the PostgreSQL client library would read takes part in a connection.
use strict;
use warnings;
use Hub;
use Test::More;

my $hub = new_hub('identity');
my %source = connector('postgresql');

# The right password, where the library would find it; everything else wrong.
my $passfile = "$ENV{CONNHUB_TEST_TMP}/passfile";
open my $handle, '>', $passfile or die "$passfile: $!\n";
print $handle "*:*:*:*:$source{password}\n";
close $handle or die "$passfile: $!\n";
chmod 0600, $passfile;
$hub->stop;
{
	local @ENV{qw(PGPASSFILE PGPASSWORD)} = ($passfile, $source{password});
	local @ENV{qw(PGHOST PGHOSTADDR PGPORT PGDATABASE PGUSER)} = qw(203.0.113.1 203.0.113.1 1 nowhere nobody);
	local @ENV{qw(PGSERVICE PGSSLMODE PGGSSENCMODE PGCHANNELBINDING)} = qw(no-such-service verify-full require require);
	local @ENV{qw(PGOPTIONS PGDATESTYLE PGTZ PGTARGETSESSIONATTRS)} = ('-c no_such_setting=1', 'German', 'junk', 'standby');
	local @ENV{qw(PGSSLROOTCERT PGSSLCERT PGSSLMINPROTOCOLVERSION PGAPPNAME)} = qw(/none /none TLSv9 someone-else);
	$hub->start;
}

sub outcome
{
	my (%arguments) = @_;
	return $hub->safe_psql('postgres',
		'SELECT success, error_code, detail FROM connhub.test(' . arguments(%arguments) . ')');
}

like(outcome(%source), qr/^t\|/, 'what the connector says is all that counts');
like(outcome(%source, password => undef), qr/^f\|AUTHENTICATION_FAILED\|/, 'a password of the server is not borrowed');
like(outcome(%source, ssl_mode => 'verify-full'), qr/^f\|SSL_HANDSHAKE_FAILED\|/, 'nor is its list of authorities');

$hub->safe_psql('postgres', 'SELECT connhub.create_connector(' . arguments(%source, name => 'source') . ')');
$hub->safe_psql('postgres', "SELECT * FROM connhub.attach('source', tables => ARRAY['customers'])");
is($hub->safe_psql('postgres', 'SELECT count(*) FROM source.customers'), 200, 'rows come');

done_testing();
