# A credential that is a reference is fetched from where it leads at each connect: environment, file, OpenBao.  Who may not
# use a scheme is refused, whatever is wrong is named without a secret, and nothing fetched is found in a log or view.
use strict;
use warnings;
use Hub;
use PostgreSQL::Test::Utils;
use Test::More;

my $password = 'Rf1-' . join('', map { ('a' .. 'z')[ rand 26 ] } 1 .. 24);
my $newer = 'Rf2-' . join('', map { ('a' .. 'z')[ rand 26 ] } 1 .. 24);
my %user = source_user('connhub_refs', $password);
my $bao = run_server('openbao', 'bao', 'start');
run_server('openbao', 'bao', 'seed');
my $secrets = "$ENV{CONNHUB_TEST_TMP}/secrets";
mkdir $secrets;
mkdir "$ENV{CONNHUB_TEST_TMP}/elsewhere";

$ENV{CONNHUB_REF_PASSWORD} = $password;
$ENV{CONNHUB_REF_EMPTY} = '';
$ENV{OTHER_PASSWORD} = $password;
my $hub = new_hub('references', <<"CONF");
shared_preload_libraries = 'connhub'
connhub.workers = off
log_statement = all
log_min_messages = debug1
connhub.secret_folders = '$secrets'
connhub.secret_variables = 'CONNHUB_REF_*'
CONF
delete @ENV{qw(CONNHUB_REF_PASSWORD CONNHUB_REF_EMPTY OTHER_PASSWORD)};
$hub->safe_psql('postgres', 'CREATE ROLE alice LOGIN IN ROLE connhub_operator; CREATE ROLE boss LOGIN IN ROLE connhub_admin');

my $said = '';
sub as
{
	my ($role, $sql) = @_;
	my ($status, $out, $err) = $hub->psql('postgres', $sql, extra_params => [ '-U', $role ], on_error_stop => 1);
	$said .= "$out\n$err\n";
	return $status == 0 ? $out : $err;
}

# What a test of the source says with this as the password: its code, or the error.
sub tried
{
	my ($reference, $role) = @_;
	my $sql = 'SELECT coalesce(t.error_code, t.message, $$OK$$) || coalesce($$ $$ || t.detail, $$$$) FROM connhub.test('
	  . arguments(connector('postgresql', username => 'connhub_refs', password => $reference)) . ') t';
	$sql =~ s/^SELECT.*? FROM/SELECT concat_ws(' ', t.success, t.error_code, t.message, t.detail) FROM/;
	return as($role // 'boss', $sql);
}

sub bao
{
	my (@command) = @_;
	local %ENV = (%ENV, BAO_ADDR => $bao->{CONNHUB_TEST_BAO}, BAO_CACERT => "$ENV{CONNHUB_TEST_TLS}/ca.crt", BAO_TOKEN => $bao->{CONNHUB_TEST_BAO_ROOT});
	my ($out, $err);
	IPC::Run::run([ $bao->{CONNHUB_TEST_BAO_PROGRAM}, @command ], '>', \$out, '2>', \$err) or die "bao @command: $err\n";
	chomp $out;
	return $out;
}

sub store
{
	my ($options, $credentials) = @_;
	return as('boss', 'SELECT connhub.set_secret_store($$vault$$, ' . literal($options) . ', ' . literal($credentials) . ')');
}

# Environment.
like(tried('env://CONNHUB_REF_PASSWORD'), qr/^t/, 'env: the password of a variable');
like(tried('env://CONNHUB_REF_NONE'), qr/CREDENTIAL_UNAVAILABLE.*no such variable/, 'env: no such variable');
like(tried('env://CONNHUB_REF_EMPTY'), qr/CREDENTIAL_UNAVAILABLE.*empty/, 'env: an empty one is none');
like(tried('env://OTHER_PASSWORD'), qr/CREDENTIAL_UNAVAILABLE.*not open/, 'env: a variable that is not open');
like(tried('env://'), qr/malformed reference/, 'env: no name');
like(tried('env://CONNHUB_REF_PASSWORD', 'alice'), qr/permission denied for references of scheme "env"/, 'env: not for an ordinary user');

# Files.
append_to_file("$secrets/password", "$password\n");
append_to_file("$secrets/windows", "$password\r\n");
append_to_file("$secrets/two", "$password\n\n");
append_to_file("$secrets/zero", "$password\0");
append_to_file("$ENV{CONNHUB_TEST_TMP}/elsewhere/password", $password);
symlink "$secrets/password", "$secrets/inside";
symlink "$ENV{CONNHUB_TEST_TMP}/elsewhere/password", "$secrets/outside";
mkdir "$secrets/folder";
like(tried("file://$secrets/password"), qr/^t/, 'file: the password of a file, without its line end');
like(tried("file://$secrets/windows"), qr/^t/, 'file: the line end of another system');
like(tried("file://$secrets/inside"), qr/^t/, 'file: a link that stays inside');
like(tried("file://$secrets/two"), qr/AUTHENTICATION_FAILED/, 'file: one line end is cut, not two');
like(tried("file://$secrets/zero"), qr/CREDENTIAL_UNAVAILABLE.*zero byte/, 'file: a zero byte');
like(tried("file://$secrets/outside"), qr/CREDENTIAL_UNAVAILABLE.*not open/, 'file: a link that leads outside');
like(tried("file://$ENV{CONNHUB_TEST_TMP}/elsewhere/password"), qr/CREDENTIAL_UNAVAILABLE.*not open/, 'file: another folder');
like(tried("file://$ENV{CONNHUB_TEST_TMP}/elsewhere/none"), qr/CREDENTIAL_UNAVAILABLE.*not open/, 'file: the same for one that is not there');
like(tried("file://$secrets/../elsewhere/password"), qr/malformed reference/, 'file: no way up');
like(tried("file://$secrets/none"), qr/CREDENTIAL_UNAVAILABLE.*No such file/, 'file: not there');
like(tried("file://$secrets/folder"), qr/CREDENTIAL_UNAVAILABLE.*regular file/, 'file: a folder');
like(tried('file://' . $hub->data_dir . '/connhub_master.key'), qr/CREDENTIAL_UNAVAILABLE.*not open/, 'file: nothing of the data directory');
like(tried("file://$secrets/password", 'alice'), qr/permission denied for references of scheme "file"/, 'file: not for an ordinary user');

# Allowed to some.
$hub->safe_psql('postgres', q(ALTER SYSTEM SET connhub.allowed_references = 'file:alice', 'env@other'; SELECT pg_reload_conf()));
ok(wait_until(10, sub { tried("file://$secrets/password", 'alice') =~ /^t/ }), 'file: for one who is named');
like(tried('env://CONNHUB_REF_PASSWORD', 'alice'), qr/permission denied/, 'env: not for another tenant');
$hub->safe_psql('postgres', q(ALTER SYSTEM SET connhub.allowed_references = 'file:boss', 'env@default'; SELECT pg_reload_conf()));
ok(wait_until(10, sub { tried('env://CONNHUB_REF_PASSWORD', 'alice') =~ /^t/ }), 'env: for the tenant');
like(tried("file://$secrets/password", 'alice'), qr/permission denied/, 'file: not for one who is not named');

# A saved connector is judged by its owner at each connect, not only when it was made.
as('alice', 'SELECT connhub.create_connector($$kept$$, ' . arguments(connector('postgresql', username => 'connhub_refs', password => 'env://CONNHUB_REF_PASSWORD')) . ', discover => false)');
like(as('alice', "SELECT success FROM connhub.test('kept')"), qr/^t/, 'a saved reference is resolved');
unlike(pack('H*', $hub->safe_psql('postgres', "SELECT encode(sealed, 'hex') FROM connhub_catalog.secret")), qr/$password/, 'the value is not stored');
$hub->safe_psql('postgres', q(ALTER SYSTEM RESET connhub.allowed_references; SELECT pg_reload_conf()));
ok(wait_until(10, sub { as('alice', "SELECT concat_ws(' ', success, error_code, message) FROM connhub.test('kept')") =~ /permission denied/ }), 'what is closed later is closed to saved connectors');
like(as('boss', "SELECT success FROM connhub.test('kept')"), qr/f|permission denied/, 'and to whoever else uses them');
like(as('alice', "SELECT connhub.set_credentials('kept', password => 'file://$secrets/password', test => false)"), qr/permission denied/, 'not stored untested either');

# OpenBao.
bao('kv', 'put', 'kv/connhub/db', "password=$password", 'odd key=x', 'number=7');
bao('kv', 'put', 'kv/connhub/db', "password=$newer", "quote=a\"b\\c\x{c3}\x{a4}");
bao('kv', 'put', 'kv/other/db', "password=$password");
my $token = bao('token', 'create', '-policy=connhub', '-field=token', '-ttl=1h');
my $short = bao('token', 'create', '-policy=connhub', '-field=token', '-ttl=1h');
my $ca = slurp_file("$ENV{CONNHUB_TEST_TLS}/ca.crt") =~ s/\n/\\n/gr;
my $other_ca = slurp_file("$ENV{CONNHUB_TEST_TLS}/other-ca.crt") =~ s/\n/\\n/gr;
my $address = $bao->{CONNHUB_TEST_BAO};
my $version1 = 'vault://kv/connhub/db?version=1#password';

like(tried($version1), qr/no secret store of kind "vault"/, 'vault: no store yet');
like(as('alice', "SELECT connhub.set_secret_store('vault', '{}', '{}')"), qr/permission denied/, 'vault: an ordinary user sets no store');
like(store('{"address": "http://127.0.0.1:1"}', '{"token": "x"}'), qr/must be an https URL/, 'vault: not without TLS');
like(store('{"adress": "https://127.0.0.1:1"}', '{"token": "x"}'), qr/has no option "adress"/, 'vault: a misspelt option');
like(store(qq({"address": "$address"}), undef), qr/no way to log in/, 'vault: no login');
like(store(qq({"address": "$address", "ca": "$ca"}), qq({"token": "$token"})), qr/^[0-9a-f-]{36}$/, 'vault: a store with a token');
like(tried($version1), qr/^t/, 'vault: a version of a secret');
like(tried('vault://kv/connhub/db#password'), qr/AUTHENTICATION_FAILED/, 'vault: the newest version is another');
like(tried('vault://kv/connhub/none#password'), qr/CREDENTIAL_UNAVAILABLE.*nothing at this path/, 'vault: unknown path')
  or diag(tried('vault://kv/connhub/none#password'));
like(tried('vault://kv/connhub/db?version=9#password'), qr/CREDENTIAL_UNAVAILABLE.*(nothing at this path|deleted)/, 'vault: unknown version');
like(tried('vault://kv/connhub/db#nothing'), qr/CREDENTIAL_UNAVAILABLE.*no text field "nothing"/, 'vault: unknown field');
like(tried('vault://kv/other/db#password'), qr/CREDENTIAL_UNAVAILABLE.*refused access/, 'vault: forbidden path');
like(tried('vault://kv/connhub/../other/db#password'), qr/malformed reference/, 'vault: no way up');
like(tried('vault://kv/connhub/db'), qr/malformed reference/, 'vault: no field');
like(tried($version1, 'alice'), qr/permission denied for references of scheme "vault"/, 'vault: not for an ordinary user');

store(qq({"ca": "$other_ca"}), undef);
like(tried($version1), qr/CREDENTIAL_UNAVAILABLE.*phase tls/, 'vault: another authority');
store(qq({"ca": "$ca"}), '{"token": "s.wrong"}');
like(tried($version1), qr/CREDENTIAL_UNAVAILABLE.*refused access/, 'vault: wrong token');
store(qq({"address": "https://127.0.0.1:$ENV{CONNHUB_TEST_MUTE_PORT}", "timeout": "1s"}), undef);
like(tried($version1), qr/CREDENTIAL_UNAVAILABLE.*could not be asked/, 'vault: no answer');
store(qq({"address": "$address", "timeout": null}), undef);

# A token in a file, which somebody else renews.
append_to_file("$secrets/token", "$short\n");
like(store(qq({"token_file": "$secrets/token"}), '{"token": null}'), qr/^[0-9a-f-]{36}$/, 'vault: a token in a file');
like(tried($version1), qr/^t/, 'vault: with it');
bao('token', 'revoke', $short);
like(tried($version1), qr/CREDENTIAL_UNAVAILABLE.*refused access/, 'vault: a revoked one');
unlink "$secrets/token";
append_to_file("$secrets/token", "$token\n");
like(tried($version1), qr/^t/, 'vault: the file is read anew');

# AppRole: the token is kept by the session, and got again when the store does not take it any more.
my $role_id = bao('read', '-field=role_id', 'auth/approle/role/connhub/role-id');
my $secret_id = bao('write', '-f', '-field=secret_id', 'auth/approle/role/connhub/secret-id');
store(qq({"token_file": null, "role_id": "$role_id"}), qq({"secret_id": "$secret_id"}));
like(tried($version1), qr/^t/, 'vault: an AppRole');
my $test = 'SELECT success FROM connhub.test(' . arguments(connector('postgresql', username => 'connhub_refs', password => $version1)) . ')';
my $session = $hub->background_psql('postgres', on_error_stop => 0);
my $accessors = sub { my @list = grep { /\w/ } split /\n/, bao('list', '-format=yaml', 'auth/token/accessors'); return scalar @list };
is($session->query_safe($test), 't', 'vault: a session logs in');
my $before = $accessors->();
is($session->query_safe($test), 't', 'vault: and asks again');
is($accessors->(), $before, 'vault: with the same token');
bao('token', 'revoke', '-mode=path', 'auth/approle');
is($session->query_safe($test), 't', 'vault: a token that is over is got anew');
$session->quit;
my $brief_id = bao('read', '-field=role_id', 'auth/approle/role/brief/role-id');
my $brief_secret = bao('write', '-f', '-field=secret_id', 'auth/approle/role/brief/secret-id');
store(qq({"role_id": "$brief_id"}), qq({"secret_id": "$brief_secret"}));
like(as('boss', "$test; $test; $test"), qr/^t\nt\nt$/, 'vault: a token good for one request, three times');
store(undef, '{"secret_id": "wrong"}');
like(tried($version1), qr/CREDENTIAL_UNAVAILABLE.*refused the AppRole/, 'vault: wrong AppRole');
store(qq({"role_id": "$role_id"}), qq({"secret_id": "$secret_id"}));

# Kept for a moment only when the store says so.
bao('kv', 'put', 'kv/connhub/moving', "password=$password");
my $moving = 'SELECT success FROM connhub.test(' . arguments(connector('postgresql', username => 'connhub_refs', password => 'vault://kv/connhub/moving#password')) . ')';
$session = $hub->background_psql('postgres', on_error_stop => 0);
is($session->query_safe($moving), 't', 'vault: read');
bao('kv', 'put', 'kv/connhub/moving', 'password=wrong');
is($session->query_safe($moving), 'f', 'vault: nothing is kept by itself');
store('{"cache_time": "60s"}', undef);
bao('kv', 'put', 'kv/connhub/moving', "password=$password");
is($session->query_safe($moving), 't', 'vault: read, and kept');
bao('kv', 'put', 'kv/connhub/moving', 'password=wrong');
is($session->query_safe($moving), 't', 'vault: not read again');
store('{"cache_time": null}', undef);
is($session->query_safe($moving), 'f', 'vault: a change of the store ends that');
$session->quit;

# A sealed store.
like(as('boss', "SELECT connhub.remove_secret_store('vault')"), qr/^t$/, 'vault: removed');
like(as('boss', "SELECT connhub.remove_secret_store('vault')"), qr/^f$/, 'vault: nothing to remove');

# Nothing fetched is told.
my $views = $hub->safe_psql('postgres', 'SELECT s FROM connhub.secret_store s; SELECT c FROM connhub_catalog.connector c; SELECT e FROM connhub.event e; SELECT s FROM connhub_catalog.secret s');
my $log = slurp_file($hub->logfile);
foreach my $secret ($password, $newer, $token, $short, $secret_id, $brief_secret)
{
	ok(index($said, $secret) < 0, 'no secret in what clients were told');
	ok(index($views, $secret) < 0, 'nor in views');
	ok(index($log, $secret) < 0, 'nor in the log') or diag(substr($log, index($log, $secret) - 300, 300));
}
$hub->stop;
drop_source_user('connhub_refs');
done_testing();
