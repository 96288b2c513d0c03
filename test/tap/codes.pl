# Each cause of a failed test is really brought about, on PostgreSQL and on MariaDB, and named by its code.
use strict;
use warnings;
use Hub;
use Test::More;
use Time::HiRes qw(time);

my $tls = $ENV{CONNHUB_TEST_TLS};
my $ca = read_text("$tls/ca.crt");
my $other_ca = read_text("$tls/other-ca.crt");
my $hub = new_hub('codes');

sub read_text
{
	my ($file) = @_;
	open my $handle, '<', $file or die "$file: $!\n";
	local $/ = undef;
	return scalar <$handle>;
}

# The outcome of testing an unsaved connector: success, code, failing phase's message.
sub outcome
{
	my (%arguments) = @_;
	my ($status, $out, $err) = $hub->psql('postgres',
		'SELECT success, error_code, replace(coalesce(message, \'\'), E\'\n\', \' \') FROM connhub.test(' . arguments(%arguments) . ')');
	return ('error', '', $err) if $status;
	my ($success, $code, $message) = split /\|/, $out, 3;
	unlike($out, qr/\Q$arguments{password}\E/, "$arguments{type}: the result does not hold the password")
	  if length($arguments{password} // '') > 8;
	return ($success, $code, $message);
}

sub fails_with
{
	my ($expected, $name, %arguments) = @_;
	my $begun = time;
	my ($success, $code, $message) = outcome(%arguments);
	is("$success $code", "f $expected", $name) or diag($message);
	isnt($message, '', "$name: it says why");
	return time - $begun;
}

sub succeeds
{
	my ($name, %arguments) = @_;
	my ($success, $code, $message) = outcome(%arguments);
	is($success, 't', $name) or diag("$code $message");
	return;
}

# Servers that show a certificate nobody should trust.
my %bad;
foreach my $certificate (qw(expired wrong-name))
{
	my $pg = run_server('postgresql', "postgresql-$certificate", 'start', $certificate);
	my $my = run_server('mariadb', "mariadb-$certificate", 'start', $certificate);
	$bad{postgresql}{$certificate} = $pg->{CONNHUB_TEST_PG_PORT};
	$bad{mariadb}{$certificate} = $my->{CONNHUB_TEST_MY_PORT};
}

my %wide = (postgresql => 'connhub', mariadb => 'connhub_wide');
foreach my $source (qw(postgresql mariadb))
{
	my %quick = (options => '{"connect_timeout": "2s"}');

	succeeds("$source: without TLS", connector($source));
	succeeds("$source: with TLS", connector($source, ssl_mode => 'require'));
	succeeds("$source: with a verified certificate",
		connector($source, ssl_mode => 'verify-full', options => json(ssl_ca => $ca)));

	fails_with('CONNECTION_REFUSED', "$source: closed port", connector($source, port => $ENV{CONNHUB_TEST_CLOSED_PORT}));
	fails_with('AUTHENTICATION_FAILED', "$source: wrong password", connector($source, password => 'wrong-password-314'));
	fails_with('AUTHENTICATION_FAILED', "$source: unknown user", connector($source, username => 'nobody_here'));
	fails_with('DATABASE_NOT_FOUND', "$source: missing database",
		connector($source, username => $wide{$source}, database => 'no_such_database', schema => undef));
	fails_with('PERMISSION_DENIED', "$source: database not open to the user",
		connector($source, username => 'connhub_stranger'));
	fails_with('DNS_RESOLUTION_FAILED', "$source: unknown name",
		connector($source, host => $ENV{CONNHUB_TEST_UNKNOWN_HOST}));

	fails_with('SSL_HANDSHAKE_FAILED', "$source: untrusted certificate",
		connector($source, ssl_mode => 'verify-ca', options => json(ssl_ca => $other_ca)));
	fails_with('SSL_HANDSHAKE_FAILED', "$source: expired certificate",
		connector($source, ssl_mode => 'verify-ca', options => json(ssl_ca => $ca), port => $bad{$source}{expired}));
	fails_with('SSL_HANDSHAKE_FAILED', "$source: certificate of another host",
		connector($source, ssl_mode => 'verify-full', options => json(ssl_ca => $ca), port => $bad{$source}{'wrong-name'}));

	my $took = fails_with('TIMEOUT', "$source: black-holed port",
		connector($source, port => $ENV{CONNHUB_TEST_BLACKHOLE_PORT}, %quick));
	cmp_ok($took, '<', 4, "$source: the black hole took no longer than connect_timeout allows");
	$took = fails_with('TIMEOUT', "$source: port that says nothing",
		connector($source, port => $ENV{CONNHUB_TEST_MUTE_PORT}, %quick));
	cmp_ok($took, '<', 4, "$source: the silence took no longer than connect_timeout allows");
}

# A privilege that lacks further in: the user may connect, but not see the schema.
fails_with('PERMISSION_DENIED', 'postgresql: schema not open to the user', connector('postgresql', username => 'connhub_guest'));

# The phases are timed apart, up to the one that failed.
my $phases = $hub->safe_psql('postgres', 'SELECT phases FROM connhub.test(' . arguments(connector('postgresql', ssl_mode => 'require')) . ')');
like($phases, qr/"$_"/, "phase $_ is timed") foreach qw(tcp tls auth database permission);

# A file: missing, no database, forbidden.
fails_with('DATABASE_NOT_FOUND', 'sqlite: missing file', connector('sqlite', database => "$ENV{CONNHUB_TEST_SQLITE}.none"));

foreach my $certificate (qw(expired wrong-name))
{
	run_server('postgresql', "postgresql-$certificate", 'stop');
	run_server('mariadb', "mariadb-$certificate", 'stop');
}
$hub->stop;
done_testing();

sub json
{
	my (%members) = @_;
	return '{' . join(', ', map { (my $value = $members{$_}) =~ s/\n/\\n/g; "\"$_\": \"$value\"" } sort keys %members) . '}';
}
