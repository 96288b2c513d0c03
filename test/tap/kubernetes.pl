# Secrets of Kubernetes: references to them, and credentials kept there, which come, change and go with the outcome of the
# transaction; what a crash leaves is finished by connhub.resolve_secrets.  Against a real API server where one is
# installed (test/servers/kubernetes.sh install), else against a stand-in: the first test names which.
use strict;
use warnings;
use Hub;
use JSON::PP;
use MIME::Base64;
use PostgreSQL::Test::Utils;
use Sessions;
use Test::More;

my $password = 'Kb1-' . join('', map { ('a' .. 'z')[ rand 26 ] } 1 .. 24);
my $second = 'Kb2-' . join('', map { ('a' .. 'z')[ rand 26 ] } 1 .. 24);
my %user = source_user('connhub_kube', $password);
my $server = run_server('kubernetes', 'kube', 'start');
my $secrets = "$ENV{CONNHUB_TEST_TMP}/kube-secrets";
mkdir $secrets;
my $hub = new_hub('kubernetes', "shared_preload_libraries = 'connhub'\nconnhub.workers = off\nconnhub.secret_folders = '$secrets'\nlog_statement = all\nrestart_after_crash = on\nmax_prepared_transactions = 2\n");
like($server->{CONNHUB_TEST_KUBE_KIND}, qr/^(kubernetes|stand-in)$/, "the API server is: $server->{CONNHUB_TEST_KUBE_KIND}");
my $sql = sub { $hub->safe_psql('postgres', $_[0]) };
my $said = '';
my $tell = sub { my ($status, $out, $err) = $hub->psql('postgres', $_[0]); $said .= "$out\n$err"; return "$out\n$err" };

# Ask the API server: the decoded answer, or its status.
sub kube
{
	my ($method, $path, $body) = @_;
	my ($out, $err);
	my @data = $body ? ('--data', encode_json($body)) : ();
	IPC::Run::run([ 'curl', '-sS', '--cacert', "$ENV{CONNHUB_TEST_TLS}/ca.crt", '-H', 'Authorization: Bearer admin-token',
			'-H', 'Content-Type: application/json', '-X', $method, @data, "$server->{CONNHUB_TEST_KUBE}/api/v1/namespaces/$path" ],
		'>', \$out, '2>', \$err) or die "kube: $err\n";
	my $answer = decode_json($out);
	return $answer->{kind} eq 'Status' && ($answer->{status} // '') eq 'Failure' ? $answer->{code} : $answer;
}

# The names of the Secrets that connhub keeps in a namespace.
sub kept { return join ' ', sort grep { /^connector-/ } map { $_->{metadata}{name} } @{ kube('GET', 'ns-default/secrets')->{items} } }

my $ca = slurp_file("$ENV{CONNHUB_TEST_TLS}/ca.crt") =~ s/\n/\\n/gr;
my $other_ca = slurp_file("$ENV{CONNHUB_TEST_TLS}/other-ca.crt") =~ s/\n/\\n/gr;
sub store { my ($options, $credentials) = @_; return $tell->('SELECT connhub.set_secret_store($$k8s$$, ' . literal($options) . ', ' . literal($credentials) . ')') }
sub tried
{
	my ($reference) = @_;
	return $tell->(q{SELECT concat_ws(' ', success, error_code, message, detail) FROM connhub.test(} . arguments(connector('postgresql', username => 'connhub_kube', password => $reference)) . ')');
}

# References.
kube('POST', 'default/secrets', { metadata => { name => 'db' }, data => { password => encode_base64($password, ''), empty => '' } });
kube('POST', 'other/secrets', { metadata => { name => 'db' }, data => { password => encode_base64($password, '') } });
like(tried('k8s://default/db#password'), qr/no secret store of kind "k8s"/, 'no store yet');
like(store(qq({"address": "$server->{CONNHUB_TEST_KUBE}", "ca": "$ca"}), '{"token": "reader-token"}'), qr/^[0-9a-f-]{36}/, 'a store with a token');
like(tried('k8s://default/db#password'), qr/^t/, 'an entry of a Secret');
like(tried('k8s://default/db#none'), qr/CREDENTIAL_UNAVAILABLE.*no key "none"/, 'no such entry');
like(tried('k8s://default/db#empty'), qr/CREDENTIAL_UNAVAILABLE.*empty/, 'an empty one');
like(tried('k8s://default/none#password'), qr/CREDENTIAL_UNAVAILABLE.*no such namespace or Secret/, 'no such Secret');
like(tried('k8s://other/db#password'), qr/CREDENTIAL_UNAVAILABLE.*forbids/, 'a namespace that is closed to the account');
like(tried('k8s://default/../other#password'), qr/malformed reference/, 'no other path');
store(undef, '{"token": "nobody"}');
like(tried('k8s://default/db#password'), qr/CREDENTIAL_UNAVAILABLE.*does not know the login/, 'a wrong token');
store(qq({"ca": "$other_ca"}), '{"token": "reader-token"}');
like(tried('k8s://default/db#password'), qr/CREDENTIAL_UNAVAILABLE.*phase tls/, 'another authority');

# A kubeconfig.
append_to_file("$secrets/config", <<"YAML");
apiVersion: v1
kind: Config
clusters:
- cluster:
    certificate-authority: $secrets/ca.crt
    server: $server->{CONNHUB_TEST_KUBE}
  name: here
- name: elsewhere
  cluster: {server: "https://127.0.0.1:1"}
contexts:
- name: first
  context:
    cluster: elsewhere
    user: nobody
- context:
    cluster: here
    user: "reader"  # quoted
  name: second
current-context: second
users:
- name: nobody
  user:
    token: nothing
- name: reader
  user:
    token: reader-token
YAML
append_to_file("$secrets/ca.crt", slurp_file("$ENV{CONNHUB_TEST_TLS}/ca.crt"));
like(store(qq({"address": null, "ca": null, "kubeconfig": "$secrets/config"}), '{"token": null}'), qr/^[0-9a-f-]{36}/, 'a store with a kubeconfig');
like(tried('k8s://default/db#password'), qr/^t/, 'its current context is used');
append_to_file("$secrets/unsafe", slurp_file("$secrets/config") =~ s/(    server:)/    insecure-skip-tls-verify: true\n$1/r);
store(qq({"kubeconfig": "$secrets/unsafe"}), undef);
like(tried('k8s://default/db#password'), qr/CREDENTIAL_UNAVAILABLE.*TLS that is not verified/, 'TLS is verified');
store('{"kubeconfig": "/etc/passwd"}', undef);
like(tried('k8s://default/db#password'), qr/CREDENTIAL_UNAVAILABLE.*not open/, 'no other files are read');
store(qq({"kubeconfig": null, "in_cluster": true}), undef);
like(tried('k8s://default/db#password'), qr/CREDENTIAL_UNAVAILABLE.*does not run in a pod/, 'not in a pod');

# Credentials kept there.
like(store(qq({"in_cluster": null, "address": "$server->{CONNHUB_TEST_KUBE}", "ca": "$ca", "write": true}), '{"token": "admin-token"}'), qr/"write" needs "prefix"/, 'a prefix is needed');
store(qq({"in_cluster": null, "address": "$server->{CONNHUB_TEST_KUBE}", "ca": "$ca", "write": true, "prefix": "ns"}), '{"token": "admin-token"}');
my $create = sub { 'SELECT (connhub.create_connector(' . literal($_[0]) . ', ' . arguments(connector('postgresql', %user)) . ', discover => false)).id' };
my $id = $sql->($create->('kept'));
my $name = 'connector-' . substr($id, 0, 8);
is(kept(), $name, 'a committed credential is one Secret, named by the id');
my $secret = kube('GET', "ns-default/secrets/$name");
is($secret->{metadata}{labels}{'connhub.io/connector-id'}, $id, 'labelled with the connector');
is($secret->{metadata}{labels}{'connhub.io/type'}, 'postgresql', 'and its type');
is(decode_base64($secret->{data}{password}), $password, 'an entry for each field');
is(scalar keys %{ $secret->{data} }, 1, 'and no other');
is($sql->("SELECT success FROM connhub.test('kept')"), 't', 'it is read from there');
$sql->("SELECT connhub.update_connector('kept', labels => '{\"a\": \"b\"}')");
$sql->("SELECT connhub.set_credentials('kept', credentials => '{\"ssl_key\": \"-----BEGIN X\"}', test => false)");
is(join(' ', sort keys %{ kube('GET', "ns-default/secrets/$name")->{data} }), 'password ssl_key', 'a field is added, the others stay');
$sql->("SELECT connhub.set_credentials('kept', credentials => '{\"ssl_key\": null}')");
like($tell->("SELECT connhub.set_credentials('kept', password => 'kept://ns-default/db#x', test => false)"), qr/cannot begin with "kept:/, 'nobody writes such a reference himself');

# A rollback leaves nothing; a savepoint neither; a change of mind keeps the last.
$tell->('BEGIN; ' . $create->('lost') . '; ROLLBACK');
is(kept(), $name, 'a rolled back one leaves nothing');
$tell->('BEGIN; SAVEPOINT s; ' . $create->('lost') . '; ROLLBACK TO s; COMMIT');
is(kept(), $name, 'nor one rolled back to a savepoint');
$tell->("BEGIN; SELECT connhub.set_credentials('kept', password => '$second', test => false); SELECT connhub.set_credentials('kept', password => '$password'); COMMIT");
is(decode_base64(kube('GET', "ns-default/secrets/$name")->{data}{password}), $password, 'the last of two holds');
is(kept(), $name, 'and no stage is left');
like($tell->("SELECT connhub.rotate_credentials('kept', password => '$second')"), qr/AUTHENTICATION_FAILED/, 'a failed rotation');
is(kept(), $name, 'leaves nothing');
is($sql->("SELECT success FROM connhub.test('kept')"), 't', 'and changes nothing');
like($tell->("BEGIN; SELECT connhub.set_credentials('kept', password => '$password', test => false); PREPARE TRANSACTION 'x'"), qr/cannot be prepared/, 'not with a prepared transaction');
is(kept(), $name, 'which leaves nothing either');

# Others see the old one until the commit, and the new one after it.
my $writer = session($hub);
run($writer, 'BEGIN');
run($writer, "SELECT connhub.set_credentials('kept', password => '$second', test => false)");
like(kept(), qr/^$name $name-[0-9a-f]{16}$/, 'an open transaction has a stage');
is($sql->("SELECT * FROM connhub.live('kept', 'SELECT 1') AS (x integer)"), '1', 'others read the old one');
$sql->('CALL connhub.resolve_secrets()');
like(kept(), qr/^$name $name-[0-9a-f]{16}$/, 'a stage in use is left alone');
source_psql("ALTER ROLE connhub_kube PASSWORD '$second'");
run($writer, 'COMMIT');
is(kept(), $name, 'the commit finishes it');
is($sql->("SELECT success FROM connhub.test('kept')"), 't', 'and others read the new one');

# Killed between: before the commit, and after it but before it was finished.
sub crash
{
	my ($session) = @_;
	my $restarts = () = slurp_file($hub->logfile) =~ /reinitializing/g;
	kill 'KILL', pid_of($session);
	ok(wait_until(60, sub { my $now = () = slurp_file($hub->logfile) =~ /reinitializing/g; $now > $restarts && $hub->psql('postgres', 'SELECT 1') == 0 }), 'a backend was killed, and the server has restarted');
	return;
}
$writer = session($hub);
run($writer, 'BEGIN');
run($writer, "SELECT connhub.set_credentials('kept', password => 'lost', test => false)");
crash($writer);
like(kept(), qr/^$name $name-[0-9a-f]{16}$/, 'its stage is left');
is($sql->("SELECT success FROM connhub.test('kept')"), 't', 'the old one is read');
$sql->('CALL connhub.resolve_secrets()');
is(kept(), $name, 'resolve_secrets removes it');
is(decode_base64(kube('GET', "ns-default/secrets/$name")->{data}{password}), $second, 'and leaves the other');
SKIP:
{
	skip 'the real server cannot be slowed down', 5 if $server->{CONNHUB_TEST_KUBE_KIND} ne 'stand-in';
	$writer = session($hub);
	run($writer, 'BEGIN');
	run($writer, "SELECT connhub.set_credentials('kept', password => '$second')");
	append_to_file("$server->{CONNHUB_TEST_KUBE_FOLDER}/delay", '4');
	my $stage = $sql->('SELECT stage FROM connhub_catalog.kept_secret');
	start($writer, 'COMMIT');
	ok(wait_until(3, sub { $sql->('SELECT stage FROM connhub_catalog.kept_secret') ne $stage }), 'committed, and being finished');
	crash($writer);
	unlink "$server->{CONNHUB_TEST_KUBE_FOLDER}/delay";
	is($sql->("SELECT success FROM connhub.test('kept')"), 't', 'what is committed is read, finished or not');
	$sql->('CALL connhub.resolve_secrets()');
	ok(wait_until(10, sub { $sql->('CALL connhub.resolve_secrets()'); kept() eq $name }), 'resolve_secrets finishes it');
	is($sql->('SELECT state FROM connhub_catalog.kept_secret'), 'final', 'and records that');
}

# Not to be written: the transaction fails.
store('{"prefix": "no"}', undef);
like($tell->($create->('lost')), qr/could not be written: Kubernetes answered with status 404/, 'a namespace that is not there');
store('{"prefix": "ns"}', undef);
like($tell->("SELECT connhub.remove_secret_store('k8s')"), qr/are kept in Kubernetes/, 'the store is not forgotten while it is needed');

# Gone with the connector, once that is committed.
$tell->("BEGIN; SELECT connhub.delete_connector('kept', force => true); ROLLBACK");
$sql->('CALL connhub.resolve_secrets()');
is(kept(), $name, 'a deletion rolled back');
$sql->("SELECT connhub.delete_connector('kept', force => true)");
$sql->('CALL connhub.resolve_secrets()');
is(kept(), '', 'a deletion removes it');
is($sql->('SELECT count(*) FROM connhub_catalog.kept_secret'), '0', 'and its row');
like($tell->("SELECT connhub.remove_secret_store('k8s')"), qr/^t/, 'then the store can go');

foreach my $value ($password, $second, 'reader-token', 'admin-token')
{
	ok(index($said, $value) < 0, 'no secret in what clients were told');
}
$hub->stop;
drop_source_user('connhub_kube');
done_testing();
