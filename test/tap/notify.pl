# Events reach real receivers of webhooks and mails, signed, over verified TLS, at least once, and only as the network
# policy and the visibility of connectors allow; what fails is tried again and given up; nothing is sent for what was rolled
# back; a secret shows nowhere.
use strict;
use warnings;
use Hub;
use PostgreSQL::Test::Utils;
use Test::More;

my $key = 'Nk1-' . join('', map { ('a' .. 'z')[ rand 26 ] } 1 .. 24);
my $tls = $ENV{CONNHUB_TEST_TLS};
my $at = run_server('receiver', 'receiver', 'start', $tls);
my $kept = "$ENV{CONNHUB_TEST_TMP}/receiver";
my ($http, $https) = ("http://127.0.0.1:$at->{RECEIVER_HTTP}", "https://127.0.0.1:$at->{RECEIVER_HTTPS}");
my $ca = slurp_file("$tls/ca.crt");
my $hub = new_hub('notify', <<'CONF');
shared_preload_libraries = 'connhub'
connhub.workers = off
restart_after_crash = on
log_statement = all
log_min_messages = debug1
log_min_duration_statement = 0
connhub.notify_timeout = '5s'
connhub.notify_retry_delay = '50ms'
connhub.notify_attempts = 4
CONF

sub sql
{
	return $hub->safe_psql('postgres', $_[0]);
}

# The receiver's last thing of a kind, and how many there are.
sub received
{
	my ($kind) = @_;
	my @files = sort { ($b =~ /(\d+)$/)[0] <=> ($a =~ /(\d+)$/)[0] } grep { /\.\d+$/ } glob "$kept/$kind.*";
	return wantarray ? (@files ? slurp_file($files[0]) : '', scalar @files) : scalar @files;
}

sub options
{
	my (%options) = @_;
	return 'jsonb_build_object(' . join(', ', map { literal($_) . ', ' . literal($options{$_}) } sort keys %options) . ')';
}

sub channel
{
	my ($name, $kind, $target, $options, $secret) = @_;
	sql("SELECT connhub.create_channel('$name', '$kind', '$target', $options, " . literal($secret) . ')');
	return;
}

sub only
{
	my ($name) = @_;
	sql("SELECT connhub.update_channel(name, enabled => name = '$name') FROM connhub_catalog.channel");
	return;
}

# An event: a certificate of the connector that has expired is told of anew.
sub event
{
	return sql('DELETE FROM connhub_catalog.expiry_notice; SELECT connhub.check_expiry()');
}

# What became of the last delivery.
sub outcome
{
	sql('CALL connhub.deliver_notifications()');
	return sql('SELECT state, attempts FROM connhub.delivery ORDER BY id DESC LIMIT 1');
}

sub last_error
{
	return sql('SELECT last_error FROM connhub.delivery ORDER BY id DESC LIMIT 1');
}

sub finished
{
	my $state;
	wait_until(60, sub { $state = outcome(); $state =~ /^(delivered|failed)/ });
	return $state;
}

my $expired = literal(slurp_file("$tls/expired.crt"));
sql(<<"SQL");
SELECT connhub.create_connector('shop', 'postgresql', host => '192.0.2.1', database => 'shop', username => 'u',
	ssl_mode => 'verify-full', options => jsonb_build_object('ssl_ca', $expired), labels => '{"env": "prod"}', test => false, discover => false)
SQL

# ---- Expiry and NOTIFY

is(sql('SELECT connhub.check_expiry()'), '1', 'an expired certificate is an event');
is(sql('SELECT connhub.check_expiry()'), '0', 'once');
like(sql('SELECT kind, severity, connector, message FROM connhub.event'), qr/^expiry\|error\|shop\|a certificate in option ssl_ca of connector "shop" expired at 2021-01-01/, 'which says what');
my ($status, $out, $err) = $hub->psql('postgres', "LISTEN connhub_event; DELETE FROM connhub_catalog.expiry_notice; SELECT connhub.check_expiry()");
like($out, qr/notification "connhub_event" with payload "\{"id": 2, "kind": "expiry"\}"/, 'a listener learns id and kind, and no more');
($status, $out, $err) = $hub->psql('postgres', "SET connhub.notify_payload = full; LISTEN connhub_event; DELETE FROM connhub_catalog.expiry_notice; SELECT connhub.check_expiry()");
like($out, qr/"connector": "shop".*"message": "a certificate/, 'with connhub.notify_payload = full it learns all');
($status, $out, $err) = $hub->psql('postgres', "SET ROLE connhub_reader; SET connhub.notify_payload = full");
like($err, qr/permission denied/, 'which only a superuser sets');
is(sql('SELECT count(*) FROM connhub.delivery'), '0', 'without a channel nothing is queued');

# ---- Webhook: signature, headers, body

channel('plain', 'webhook', "$http/status/200", q('{"headers": {"X-Team": "db"}}'), $key);
event();
is(outcome(), 'delivered|1', 'a webhook is delivered');
my ($request, $count) = received('web');
is($count, 1, 'once');
my ($head, $body) = split /\r\n\r\n/, $request, 2;
like($head, qr{^POST /status/200\r\n}, 'by POST');
like($head, qr/^X-Team: db\r$/m, 'with the further header');
my ($event) = $head =~ /^X-Connhub-Event: (\d+)/m;
my $channel_id = sql("SELECT id FROM connhub.channel WHERE name = 'plain'");
like($head, qr/^Idempotency-Key: $channel_id-$event\r?$/m, 'with a key of channel and event');
my ($t, $signature) = $head =~ /^X-Connhub-Signature: t=(\d+),v1=([0-9a-f]{64})\r?$/m;
ok(abs($t - time) < 300, 'signed now');
my $signed = "$t.$body";
my $expected;
IPC::Run::run([ 'openssl', 'dgst', '-sha256', '-hmac', $key, '-r' ], '<', \$signed, '>', \$expected) or die "openssl\n";
is($signature, ($expected =~ /^([0-9a-f]+)/)[0], 'as openssl signs it');
is(sql('SELECT doc->>$$kind$$, doc->$$connector$$->>$$name$$, doc->>$$id$$ FROM (SELECT ' . literal($body) . '::jsonb AS doc) AS d'), "expiry|shop|$event", 'the body tells the event');

# ---- TLS

channel('tls', 'webhook', "$https/large", options(ssl_ca => $ca), $key);
channel('system', 'webhook', "$https/status/200", "'{}'");
channel('other', 'webhook', "https://127.0.0.1:$at->{RECEIVER_WRONG_NAME}/status/200", options(ssl_ca => $ca));
sub test_channel
{
	return sql("SELECT success, code, phase, message, detail FROM connhub.test_channel('$_[0]')");
}
like(test_channel('tls'), qr/^t\|\|\|/, 'TLS with the authority given, and a large answer that nobody needs');
like(test_channel('system'), qr/^f\|SSL_HANDSHAKE_FAILED\|tls\|.*unable to get local issuer/, 'an unknown authority is refused');
like(test_channel('other'), qr/^f\|SSL_HANDSHAKE_FAILED\|tls\|.*does not name the host/, 'another name is refused');
sql("SELECT connhub.delete_channel('system'), connhub.delete_channel('other')");

channel('bearer', 'webhook', "$https/status/200", options(ssl_ca => $ca, auth => 'bearer'), $key);
like(test_channel('bearer'), qr/^t/, 'with auth = bearer');
($request) = received('web');
like($request, qr/^Authorization: Bearer \Q$key\E\r$/m, 'the secret is a token');
unlike($request, qr/Signature/, 'and signs nothing');

# ---- Retries

channel('flaky', 'webhook', "$http/fail/2/flaky", "'{}'");
only('flaky');
event();
is(finished(), 'delivered|3', 'two failures, then it is delivered');
channel('down', 'webhook', "$http/status/500", "'{}'");
only('down');
event();
is(finished(), 'failed|4', 'it is given up');
is(last_error(), 'the receiver answered 500', 'with the reason');
like(sql("SELECT message FROM connhub.event WHERE kind = 'delivery' ORDER BY id DESC LIMIT 1"), qr/could not be sent to channel "down": the receiver answered 500/, 'which is an event');
is(sql("SELECT count(*) FROM connhub.delivery WHERE kind = 'delivery'"), '0', 'that is not sent in turn');
channel('busy', 'webhook', "$http/busy/3600", "'{}'");
only('busy');
event();
event();
is(outcome(), 'waiting|1', 'a busy receiver');
is(sql("SELECT bool_and(next_attempt_at > now() + interval '59 min') FROM connhub.delivery WHERE channel = 'busy'"), 't', 'is left alone as long as it asks, by all that waits');
channel('redirect', 'webhook', "$http/redirect", "'{}'");
like(test_channel('redirect'), qr/^f\|QUERY_FAILED\|\|the receiver answered 302\|Redirects are not followed/, 'a redirect is not followed');

# A receiver that hangs does not hold up the others, nor the caller for longer than the time of an attempt.
channel('hang', 'webhook', "$http/hang", "'{}'");
sql("SELECT connhub.update_channel(name, enabled => name IN ('hang', 'plain')) FROM connhub_catalog.channel");
event();
my $before = time;
sql("SET connhub.notify_attempts = 1; CALL connhub.deliver_notifications()");
ok(time - $before < 30, 'a hanging receiver is bounded');
is(sql("SELECT * FROM (SELECT channel, state, last_error FROM connhub.delivery ORDER BY id DESC LIMIT 2) AS d ORDER BY channel"),
	"hang|failed|no answer came in time\nplain|delivered|", 'and holds up nobody else');
($status, $out, $err) = $hub->psql('postgres', "SET statement_timeout = '500ms'; SELECT connhub.test_channel('hang')");
like($err, qr/canceling statement due to statement timeout/, 'waiting for it can be interrupted');

# ---- Transactions

only('plain');
my $web = received('web');
sql('BEGIN; DELETE FROM connhub_catalog.expiry_notice; SELECT connhub.check_expiry(); ROLLBACK; CALL connhub.deliver_notifications()');
is(received('web') - $web, 0, 'an event that was rolled back is not sent');
($status, $out, $err) = $hub->psql('postgres', 'BEGIN; CALL connhub.deliver_notifications(); COMMIT');
like($err, qr/cannot run inside a transaction block/, 'nothing is sent within a transaction block');
sql("UPDATE connhub_catalog.connector SET status = 'MAINTENANCE'");
event();
is(sql('SELECT connhub.check_expiry()'), '0', 'in maintenance nothing is told');
sql("UPDATE connhub_catalog.connector SET status = 'ACTIVE'");

# ---- Killed between sending and recording: it is sent again

channel('kill', 'webhook', "$http/hang-after", "'{}'");
only('kill');
event();
$web = received('web');
my $session = $hub->background_psql('postgres', on_error_die => 0);
my $pid = $session->query_safe('SELECT pg_backend_pid()');
$session->{stdin} .= "CALL connhub.deliver_notifications();\n";
$session->{run}->pump_nb;
ok(wait_until(20, sub { $session->{run}->pump_nb; received('web') > $web }), 'a notification has arrived');
is(sql("SELECT state FROM connhub.delivery ORDER BY id DESC LIMIT 1"), 'sending', 'that is not yet recorded');
is(sql("SELECT count(*) FROM pg_locks WHERE pid = $pid AND relation IS NOT NULL"), '0', 'and its sender holds no lock');
is(sql("SELECT coalesce(backend_xmin::text, '-') FROM pg_stat_activity WHERE pid = $pid"), '-', 'nor a snapshot');
kill 'KILL', $pid;
eval { $session->quit; 1 } or eval { $session->{run}->kill_kill; 1 };
ok(wait_until(30, sub { my $up = eval { ($hub->psql('postgres', 'SELECT 1'))[0] }; defined $up && $up == 0 }), 'its sender is killed');
sql("UPDATE connhub_catalog.channel SET target = '$http/status/200' WHERE name = 'kill'");
$web = received('web');
is(finished(), 'delivered|2', 'another one takes it up when the claim has lapsed');
is(received('web') - $web, 1, 'and sends it');

# ---- Mail

channel('mail', 'email', 'ops@example.com, dba@example.com', options(ssl_ca => $ca, smtp_url => "smtp://127.0.0.1:$at->{RECEIVER_STARTTLS}",
		smtp_from => 'hub@example.com', smtp_user => 'alerts'), 'smtp-pass-1');
only('mail');
sql(q{UPDATE connhub_catalog.connector SET name = E'Größe\r\nBcc: x@example.com'});
event();
is(outcome(), 'delivered|1', 'a mail is delivered, over STARTTLS and with a login') or diag(last_error());
my ($mail) = received('mail');
my ($envelope, $headers, $text) = split /\r\n\r\n/, $mail, 3;
is($envelope, "from: hub\@example.com\r\nto: ops\@example.com dba\@example.com\r\nuser: alerts", 'to whom it may concern');
unlike($headers, qr/^Bcc/mi, 'a line break in a name adds no header');
like($headers, qr/^Subject: =\?UTF-8\?B\?/m, 'the subject is encoded');
like($headers, qr/^Message-ID: <[-0-9a-f]{36}-\d+\@example\.com>/m, 'it has an id');
like($headers, qr/^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000/m, 'and a date');
require MIME::Base64;
like(MIME::Base64::decode_base64($text), qr/Gr\xC3\xB6\xC3\x9Fe/, 'its text is UTF-8');
sql(q{UPDATE connhub_catalog.connector SET name = 'shop'});
channel('bad', 'email', 'ops@example.com', options(ssl_ca => $ca, smtp_url => "smtp://127.0.0.1:$at->{RECEIVER_STARTTLS}",
		smtp_from => 'hub@example.com', smtp_user => 'alerts'), 'wrong');
like(test_channel('bad'), qr/^f\|AUTHENTICATION_FAILED\|auth\|/, 'a wrong password is refused');
channel('clear', 'email', 'ops@example.com', options(ssl_ca => $ca, smtp_url => "smtp://127.0.0.1:$at->{RECEIVER_PLAIN}", smtp_from => 'hub@example.com'));
my $mails = received('mail');
like(test_channel('clear'), qr/^f\|SSL_HANDSHAKE_FAILED\|tls\|the server offers no TLS/, 'without STARTTLS');
is(received('mail') - $mails, 0, 'nothing is sent');
channel('smtps', 'email', 'ops@example.com', options(ssl_ca => $ca, smtp_url => "smtps://127.0.0.1:$at->{RECEIVER_SMTPS}", smtp_from => 'hub@example.com'));
like(test_channel('smtps'), qr/^t/, 'smtps works');
channel('nobody', 'email', 'nobody@example.com', options(smtp_tls => 'none', smtp_url => "smtp://127.0.0.1:$at->{RECEIVER_PLAIN}", smtp_from => 'hub@example.com'));
like(test_channel('nobody'), qr/^f\|QUERY_FAILED\|\|the mail server answered 550/, 'a refused recipient is told');
channel('default', 'email', 'ops@example.com', "'{}'");
($status, $out, $err) = $hub->psql('postgres', "SELECT connhub.test_channel('default')");
like($err, qr/there is no sender for mails/, 'without a sender there is no mail');

# ---- What may be asked for

my %refused = (
	"'a', 'webhook', 'file:///etc/passwd'" => qr/must begin with http/,
	"'a', 'webhook', 'smtp://127.0.0.1'" => qr/must begin with http/,
	"'a', 'webhook', 'https://u:p\@example.com/'" => qr/must not hold a user name/,
	"'a', 'webhook', E'https://example.com/\\r\\nX: y'" => qr/malformed/,
	"'a', 'fax', '1'" => qr/no channel of kind "fax"/,
	"'a', 'email', 'a\@b, c'" => qr/"c" is no mail address/,
	"'a', 'email', E'a\@b\\r\\nRCPT TO:<c\@d>'" => qr/is no mail address/,
	"'a', 'webhook', 'https://example.com', '{\"min_severty\": \"info\"}'" => qr/has no option "min_severty"/,
	"'a', 'webhook', 'https://example.com', '{\"min_severity\": \"inf\"}'" => qr/cannot be "inf"/,
	"'a', 'webhook', 'https://example.com', '{\"kinds\": \"status\"}'" => qr/must be an array of strings/,
	"'a', 'webhook', 'https://example.com', '{\"headers\": {\"Authorization\": \"x\"}}'" => qr/cannot be set/,
	"'a', 'webhook', 'https://example.com', '{\"headers\": {\"X-A\": \"x\\r\\ny\"}}'" => qr/may not be there/,
	"'a', 'webhook', 'http://example.com', '{\"auth\": \"bearer\"}'" => qr/not sent without TLS/,
	"'a', 'email', 'a\@b', '{\"smtp_from\": \"x\@y\"}'" => qr/need smtp_url/,
	"'plain', 'webhook', 'https://example.com'" => qr/exists already/);
foreach my $arguments (sort keys %refused)
{
	($status, $out, $err) = $hub->psql('postgres', "SELECT connhub.create_channel($arguments)");
	like($err, $refused{$arguments}, "refused: $arguments");
}

# ---- Which events, whose, and where to

channel('picky', 'webhook', "$http/status/200", q('{"kinds": ["status"]}'));
channel('errors', 'webhook', "$http/status/200", q('{"min_severity": "error", "kinds": ["expiry"]}'));
channel('prod', 'webhook', "$http/status/200", q('{"labels": {"env": "prod"}}'));
channel('test', 'webhook', "$http/status/200", q('{"labels": {"env": "test"}}'));
sql("SELECT connhub.update_channel(name, enabled => name IN ('picky', 'errors', 'prod', 'test')) FROM connhub_catalog.channel");
event();
is(sql("SELECT string_agg(channel, ' ' ORDER BY channel) FROM connhub.delivery WHERE state = 'waiting' AND channel <> 'busy'"), 'errors prod', 'channels are sent what they want');
sql('CALL connhub.deliver_notifications()');

sql("CREATE ROLE mallory IN ROLE connhub_operator; GRANT USAGE ON SCHEMA connhub TO mallory");
is(sql("SET ROLE mallory; SELECT connhub.create_channel('spy', 'webhook', '$http/status/200') IS NOT NULL"), 't', 'another user has a channel');
event();
is(sql("SELECT count(*) FROM connhub.delivery WHERE channel = 'spy'"), '0', 'which is not sent what its owner may not see');
is(sql('SET ROLE mallory; SELECT (SELECT count(*) FROM connhub.event), (SELECT count(*) FROM connhub.channel), (SELECT count(*) FROM connhub.delivery)'), '0|1|0', 'who sees no event, and no channel of others');
foreach my $call ("test_channel('plain')", "delete_channel('plain')", "update_channel('plain', enabled => false)")
{
	($status, $out, $err) = $hub->psql('postgres', "SET ROLE mallory; SELECT connhub.$call");
	like($err, qr/channel "plain" does not exist/, "nor has them: $call");
}
$hub->append_conf('postgresql.conf', "connhub.allowed_networks = ''");
$hub->reload;
ok(wait_until(10, sub { sql("SET ROLE mallory; SELECT code, detail FROM connhub.test_channel('spy')") =~ /^PERMISSION_DENIED\|The host stands for 127\.0\.0\.1, a loopback address/ }),
	'loopback is not open to an ordinary user') or diag(sql("SET ROLE mallory; SELECT * FROM connhub.test_channel('spy')"));
like(test_channel('plain'), qr/^t/, 'it is to an administrator');

# ---- Many at once

sql("SELECT connhub.create_channel('many' || i, 'webhook', '$http/status/200') FROM generate_series(1, 150) AS i");
sql("SELECT connhub.update_channel(name, enabled => name LIKE 'many%') FROM connhub_catalog.channel");
event();
event();
$web = received('web');
sql('CALL connhub.deliver_notifications()');
is(sql("SELECT count(*), count(*) FILTER (WHERE state = 'delivered') FROM connhub.delivery WHERE channel LIKE 'many%'"), '300|300', 'hundreds are sent');
is(received('web') - $web, 300, 'each once');

# Several senders at once share the work.
event();
$web = received('web');
my @senders = map { IPC::Run::start([ 'psql', '-XAtq', '-d', $hub->connstr('postgres'), '-c', 'CALL connhub.deliver_notifications()' ]) } 1 .. 3;
$_->finish foreach @senders;
is(received('web') - $web, 150, 'several senders send each once');

# ---- Nothing leaks: successes, failures and cancels in one session

sql("SELECT connhub.update_channel('hang', enabled => true), connhub.update_channel('tls', enabled => true)");
$session = $hub->background_psql('postgres', on_error_stop => 0);
$pid = $session->query_safe('SELECT pg_backend_pid()');
sub sockets
{
	return scalar grep { (readlink($_) // '') =~ /^(socket|anon_inode|pipe)/ } glob "/proc/$pid/fd/*";
}
$session->query("SELECT success FROM connhub.test_channel('tls')");
$before = sockets();
ok($before > 0, 'sockets are counted');
$session->query("SET connhub.notify_timeout = '50ms'; SELECT success FROM connhub.test_channel('hang'); SET connhub.notify_timeout = '10s'");
foreach my $name (map { ($_) x 20 } qw(tls redirect clear))
{
	$session->query("SELECT success FROM connhub.test_channel('$name')");
}
$session->query("SET statement_timeout = '200ms'; SELECT success FROM connhub.test_channel('hang')");
is(sockets(), $before, 'none is left open by successes, failures and cancels');
$session->quit;

# ---- Secrets

my @places = map { sql("SELECT string_agg(t::text, '') FROM $_ AS t") } qw(connhub.channel connhub.delivery connhub.event connhub_catalog.channel connhub_catalog.delivery);
unlike(join('', @places), qr/\Q$key\E/, 'the secret is in no table or view');
my $log = slurp_file($hub->logfile);
like($log, qr/create_channel/, 'statements are logged');
unlike($log, qr/\Q$key\E/, 'without the secret');
unlike($log, qr/smtp-pass-1/, 'and without the password');
is(sql("SELECT has_secret FROM connhub.channel WHERE name = 'plain'"), 't', 'that there is one is shown');
sql("SELECT connhub.update_channel('plain', secret => '')");
is(sql("SELECT has_secret FROM connhub.channel WHERE name = 'plain'"), 'f', 'and it can be removed');
test_channel('plain');
($request) = received('web');
unlike($request, qr/X-Connhub-Signature/, 'after which nothing is signed');

$hub->stop;
done_testing();
