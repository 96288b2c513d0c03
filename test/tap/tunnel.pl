# Every network driver reaches its source through a real SSH server, a SOCKS5 and an HTTP proxy: tests, queries, writes, cancels, large
# answers; names are resolved behind them.  Each thing that goes wrong on the way is named; nothing hangs, and no descriptor
# or thread is left.  Nobody but the session itself can use its tunnel.
use strict;
use warnings;
use Hub;
use IO::Socket::INET;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my @sources = qw(postgresql mariadb);
my %port = (postgresql => $ENV{CONNHUB_TEST_PG_PORT}, mariadb => $ENV{CONNHUB_TEST_MY_PORT});

my $ssh = run_server('sshd', 'sshd', 'start');
my $proxies = run_server('proxies', 'proxies', 'start');
my $keys = "$ENV{CONNHUB_TEST_TMP}/sshd/keys";
my $far = $ssh->{CONNHUB_TEST_FAR_NAME};
my %pin = map { $_ => fingerprint("$ENV{CONNHUB_TEST_TMP}/sshd/host_$_.pub") } qw(ed25519 rsa);

my $agent = start_agent();
$ENV{SSH_AUTH_SOCK} = "$ENV{CONNHUB_TEST_TMP}/agent";
my $hub = new_hub('tunnel', "log_statement = 'all'\nconnhub.cancel_timeout = '1s'\nlog_min_messages = debug3\nsession_preload_libraries = 'connhub'\n");
drop_tables();
my %user = source_user('connhub_tunnel');
source_psql('CREATE VIEW shop.wide_rows AS SELECT n, repeat(md5(n::text), 32) AS v FROM generate_series(1, 100000) AS n; GRANT SELECT ON shop.wide_rows TO connhub_tunnel;
	CREATE TABLE shop.wide_copy (n integer PRIMARY KEY, v text); GRANT ALL ON shop.wide_copy TO connhub_tunnel');
source_mariadb("CREATE VIEW wide_rows AS SELECT CAST(seq AS integer) AS n, repeat(md5(seq), 32) AS v FROM seq_1_to_100000;
	CREATE TABLE wide_copy (n integer PRIMARY KEY, v text); GRANT ALL ON wide_copy TO connhub_tunnel\@'127.0.0.1'");

sub drop_tables
{
	source_psql('DROP VIEW IF EXISTS shop.wide_rows; DROP TABLE IF EXISTS shop.wide_copy');
	source_mariadb('DROP VIEW IF EXISTS wide_rows; DROP TABLE IF EXISTS wide_copy');
	return;
}

sub fingerprint
{
	my ($file) = @_;
	my ($fingerprint) = qx(ssh-keygen -l -f "$file") =~ /(SHA256:\S+)/ or die "no fingerprint of $file\n";
	return $fingerprint;
}

sub start_agent
{
	my $socket = "$ENV{CONNHUB_TEST_TMP}/agent";
	my $run = IPC::Run::start([ 'ssh-agent', '-D', '-a', $socket ], '>', \my $out, '2>', \my $err);
	wait_until(10, sub { -S $socket }) or die "no ssh-agent: $err\n";
	local $ENV{SSH_AUTH_SOCK} = $socket;
	system("ssh-add -q $keys/ed25519 2>$ENV{CONNHUB_TEST_TMP}/ssh-add.log") == 0 or die "ssh-add failed\n";
	return $run;
}

END
{
	my $status = $?;
	IPC::Run::kill_kill($agent) if $agent;
	$? = $status;
}

sub json
{
	my (%members) = @_;
	return '{' . join(', ', map { my $v = $members{$_} =~ s/\\/\\\\/gr =~ s/\n/\\n/gr =~ s/"/\\"/gr; qq("$_": "$v") } sort keys %members) . '}';
}

# The options of each way there, and what is secret about it.
my %ssh_options = (ssh_host => '127.0.0.1', ssh_port => $ssh->{CONNHUB_TEST_SSH_PORT}, ssh_user => $ssh->{CONNHUB_TEST_SSH_USER}, ssh_host_key => $pin{ed25519});
my %ssh_password = (ssh_password => $ssh->{CONNHUB_TEST_SSH_PASSWORD});
my %proxy_password = (proxy_password => $proxies->{CONNHUB_TEST_PROXY_PASSWORD});
my %proxy_user = (proxy_username => $proxies->{CONNHUB_TEST_PROXY_USER});
my %way = (
	ssh => [ {%ssh_options}, {%ssh_password} ],
	socks5 => [ { proxy_url => "socks5://127.0.0.1:$proxies->{CONNHUB_TEST_SOCKS_PORT}", %proxy_user }, {%proxy_password} ],
	http => [ { proxy_url => "http://127.0.0.1:$proxies->{CONNHUB_TEST_HTTP_PROXY_PORT}", %proxy_user }, {%proxy_password} ]);

sub through
{
	my ($source, $way, %change) = @_;
	my ($options, $secrets) = ref $way ? @$way : @{ $way{$way} };
	my %options = (%$options, %{ delete $change{options} || {} });
	delete @options{ grep { !defined $options{$_} } keys %options };
	return connector($source, %user, host => $far, options => json(%options), credentials => json(%$secrets), %change);
}

# A test of what is not saved: success, code, phase; the texts are in $said.
my $said;

sub outcome
{
	my (%arguments) = @_;
	my ($status, $out, $err) = $hub->psql('postgres', q{SELECT concat_ws(' ', success, error_code, phase), concat_ws(' / ', message, detail, hint) FROM connhub.test(} . arguments(%arguments) . ')');
	($out, $said) = split /\|/, $out, 2;
	$said = $err if $status;
	return $status ? 'error' : $out;
}

sub succeeds
{
	my ($name, %arguments) = @_;
	is(outcome(%arguments), 't', $name) or diag($said);
	return;
}

sub fails
{
	my ($name, $expected, $text, %arguments) = @_;
	my $begun = time;
	is(outcome(%arguments), "f $expected", $name) or diag($said);
	like($said, $text, "$name: it says so");
	cmp_ok(time - $begun, '<', 8, "$name: in time");
	return;
}

# ---- Ways and logins ------------------------------------------------------------------------

my $rsa_key = slurp_file("$keys/rsa");
my $known_hosts = '[127.0.0.1]:22 ' . slurp_file("$ENV{CONNHUB_TEST_TMP}/sshd/host_rsa.pub");
chomp $known_hosts;
foreach my $source (@sources)
{
	succeeds("$source: through $_", through($source, $_)) foreach sort keys %way;
	isnt(outcome(connector($source, %user, host => $far)), 't', "$source: the name is known behind them alone");
	my %verify = (ssl_mode => 'verify-full');
	my %ca = (ssl_ca => slurp_file("$ENV{CONNHUB_TEST_TLS}/ca.crt"));
	foreach my $way (sort keys %way)
	{
		succeeds("$source: verified TLS through $way", through($source, $way, host => 'localhost', %verify, options => \%ca));
		fails("$source: through $way the certificate must name the host, and not this end", 'SSL_HANDSHAKE_FAILED tls', qr/./,
			through($source, $way, %verify, options => \%ca));
	}
}

my %login = (
	'an Ed25519 key' => [ {}, { ssh_private_key => slurp_file("$keys/ed25519") } ],
	'an RSA key' => [ {}, { ssh_private_key => $rsa_key } ],
	'an encrypted key' => [ {}, { ssh_private_key => slurp_file("$keys/encrypted"), ssh_passphrase => $ssh->{CONNHUB_TEST_SSH_PASSPHRASE} } ],
	'the agent' => [ { ssh_agent => 'true' }, {} ],
	'a line of known_hosts' => [ { ssh_host_key => $known_hosts }, {%ssh_password} ],
	'two fingerprints' => [ { ssh_host_key => "$pin{rsa}, $pin{ed25519}" }, {%ssh_password} ],
	'an SSH server behind a proxy' => [ { proxy_url => "socks5h://127.0.0.1:$proxies->{CONNHUB_TEST_OPEN_SOCKS_PORT}", ssh_host => $far }, {%ssh_password} ]);
foreach my $name (sort keys %login)
{
	my ($options, $secrets) = @{ $login{$name} };
	succeeds("with $name", through('postgresql', [ { %ssh_options, %$options }, $secrets ]));
}
succeeds('a SOCKS5 proxy without a user', through('postgresql', [ { proxy_url => "socks5://127.0.0.1:$proxies->{CONNHUB_TEST_OPEN_SOCKS_PORT}" }, {} ]));
my ($phases) = $hub->safe_psql('postgres', q{SELECT tunnel_ms > 0 AND dns_ms >= 0 AND phases ? 'tunnel' FROM connhub.test(} . arguments(through('postgresql', 'ssh')) . ')');
is($phases, 't', 'the tunnel has its time among the phases');

# ---- What goes wrong ------------------------------------------------------------------------

my %quick = (connect_timeout => '3s');
sub ssh_fails
{
	my ($name, $expected, $text, $options, $secrets, %change) = @_;
	fails($name, $expected, $text, through('postgresql', [ { %ssh_options, %quick, %$options }, $secrets || {%ssh_password} ], %change));
	return;
}

ssh_fails('no pin', 'INVALID_CONFIGURATION tunnel', qr/ssh_host_key.*\Q$pin{ed25519}\E/s, { ssh_host_key => undef });
ssh_fails('a wrong pin', 'TUNNEL_FAILED tunnel', qr/is not the one.*\Q$pin{ed25519}\E/s, { ssh_host_key => 'SHA256:' . 'A' x 43 });
ssh_fails('a pin that is none', 'INVALID_CONFIGURATION', qr/is no host key/, { ssh_host_key => 'anything' });
ssh_fails('a wrong password', 'TUNNEL_FAILED tunnel', qr/refuses user.*the password/s, {}, { ssh_password => 'wrong-guess-77' });
unlike($said, qr/wrong-guess-77/, 'which is not repeated');
ssh_fails('an unknown user', 'TUNNEL_FAILED tunnel', qr/refuses user "nobody-here"/, { ssh_user => 'nobody-here' });
ssh_fails('a key without its passphrase', 'TUNNEL_FAILED tunnel', qr/ssh_private_key cannot be read/, {}, { ssh_private_key => slurp_file("$keys/encrypted") });
ssh_fails('nothing to log in with', 'INVALID_CONFIGURATION', qr/nothing to log in/, {}, {});
ssh_fails('no user', 'INVALID_CONFIGURATION', qr/ssh_user/, { ssh_user => undef });
ssh_fails('a closed port', 'TUNNEL_FAILED tunnel', qr/could not reach SSH server.*refused/s, { ssh_port => $ENV{CONNHUB_TEST_CLOSED_PORT} });
ssh_fails('a black hole', 'TIMEOUT tunnel', qr/within 3000 ms/, { ssh_host => $ENV{CONNHUB_TEST_BLACKHOLE_HOST}, ssh_port => $ENV{CONNHUB_TEST_BLACKHOLE_PORT} });
ssh_fails('silence', 'TUNNEL_FAILED tunnel', qr/within 700 ms/, { ssh_port => $ENV{CONNHUB_TEST_MUTE_PORT}, tunnel_timeout => '700ms' });
ssh_fails('an unknown SSH server', 'DNS_RESOLUTION_FAILED dns', qr/could not look up/, { ssh_host => $ENV{CONNHUB_TEST_UNKNOWN_HOST} });
ssh_fails('no SSH server there', 'TUNNEL_FAILED tunnel', qr/SSH server/, { ssh_port => $port{mariadb} });
ssh_fails('a closed port behind', 'TUNNEL_FAILED tunnel', qr/could not connect to the source/, {}, undef, port => $ENV{CONNHUB_TEST_CLOSED_PORT});
ssh_fails('a host behind that is not allowed', 'TUNNEL_FAILED tunnel', qr/does not allow/, {}, undef, host => 'elsewhere.test');
ssh_fails('a host that is none', 'INVALID_CONFIGURATION', qr/neither a host name/, {}, undef, host => 'a b');
ssh_fails('a local socket', 'INVALID_CONFIGURATION', qr/not to a local socket/, {}, undef, host => '/tmp');

sub proxy_fails
{
	my ($name, $expected, $text, $options, $secrets, %change) = @_;
	fails($name, $expected, $text, through('postgresql', [ { %quick, %proxy_user, %$options }, $secrets || {%proxy_password} ], %change));
	return;
}

foreach my $kind (qw(socks5 http))
{
	my $url = $way{$kind}[0]{proxy_url};
	proxy_fails("$kind: a wrong password", 'TUNNEL_FAILED tunnel', qr/proxy_username and proxy_password/, { proxy_url => $url }, { proxy_password => 'wrong-guess-77' });
	proxy_fails("$kind: no user", 'TUNNEL_FAILED tunnel', qr/proxy_username and proxy_password/, { proxy_url => $url, proxy_username => undef }, {});
	proxy_fails("$kind: a closed port behind", 'TUNNEL_FAILED tunnel', qr/./, { proxy_url => $url }, undef, port => $ENV{CONNHUB_TEST_CLOSED_PORT});
	proxy_fails("$kind: an unknown name behind", 'TUNNEL_FAILED tunnel', qr/./, { proxy_url => $url }, undef, host => $ENV{CONNHUB_TEST_UNKNOWN_HOST});
	proxy_fails("$kind: no proxy there", 'TUNNEL_FAILED tunnel', qr/proxy/, { proxy_url => $url =~ s/:\d+$/:$ssh->{CONNHUB_TEST_SSH_PORT}/r });
	proxy_fails("$kind: silence", 'TIMEOUT tunnel', qr/within 3000 ms/, { proxy_url => $url =~ s/:\d+$/:$ENV{CONNHUB_TEST_MUTE_PORT}/r });
}
is(outcome(through('postgresql', [ { proxy_url => 'http://me:word-of-mouth@127.0.0.1:1' }, {} ])), 'error', 'a user in the URL is not even taken');
like($said, qr/belongs into proxy_username/, 'and the error says so');
unlike($said, qr/word-of-mouth/, 'without repeating it');
proxy_fails('a URL that is none', 'INVALID_CONFIGURATION', qr/does not begin with/, { proxy_url => 'https://127.0.0.1:1' });

# ---- Who may --------------------------------------------------------------------------------

my ($status, $out, $err) = $hub->psql('postgres', q(SELECT * FROM connhub.test(type => 'sqlite', database => '/x', options => '{"ssh_host": "a"}')));
like($err, qr/connector type "sqlite" has no option "ssh_host"/, 'a type without a network has no tunnel');
$hub->safe_psql('postgres', 'CREATE ROLE guest LOGIN; GRANT connhub_operator TO guest; GRANT CREATE ON DATABASE postgres TO guest');
($status, $out, $err) = $hub->psql('postgres', 'SET ROLE guest; SELECT * FROM connhub.test(' . arguments(through('postgresql', [ { %ssh_options, ssh_agent => 'true' }, {} ])) . ')');
like($err, qr/permission denied to set option "ssh_agent"/, 'the agent is for administrators');
$hub->append_conf('postgresql.conf', "connhub.allowed_networks = ''");
$hub->reload;
wait_until(10, sub { $hub->safe_psql('postgres', 'SHOW connhub.allowed_networks') eq '' });
foreach my $way (sort keys %way)
{
	($status, $out, $err) = $hub->psql('postgres', 'SET ROLE guest; SELECT error_code, phase, detail FROM connhub.test(' . arguments(through('postgresql', $way)) . ')');
	like($out, qr/^PERMISSION_DENIED\|dns\|.*loopback/m, "the network policy holds for the way through $way");
}
$hub->append_conf('postgresql.conf', "connhub.allowed_networks = '127.0.0.0/8'");
$hub->reload;

# ---- Queries --------------------------------------------------------------------------------

my %session = (in => '', out => '', err => '');
$session{run} = IPC::Run::start([ 'psql', '-XAt', '-d', $hub->connstr('postgres') ],
	'<', \$session{in}, '>', \$session{out}, '2>', \$session{err}, IPC::Run::timeout(600));

# Run SQL in the session; $meanwhile is called once after a moment.
sub run_sql
{
	my ($sql, $meanwhile) = @_;
	my $begun = time;
	$session{out} = $session{err} = '';
	$session{in} .= "$sql\n\\echo --END--\n\\warn --END--\n";
	until ($session{out} =~ /^--END--$/m && $session{err} =~ /^--END--$/m)
	{
		IPC::Run::pump_nb($session{run});
		if ($meanwhile && time - $begun > 0.7)
		{
			$meanwhile->();
			$meanwhile = undef;
		}
		sleep 0.005;
	}
	(my $out = $session{out}) =~ s/^--END--\n//m;
	(my $err = $session{err}) =~ s/^--END--\n//m;
	chomp $out;
	return ($out, $err, time - $begun);
}

my ($pid) = run_sql('SELECT pg_backend_pid();');

sub entries
{
	my ($folder) = @_;
	opendir my $dir, "/proc/$pid/$folder" or return 0;
	my $count = grep { !/^\./ } readdir $dir;
	closedir $dir;
	return $count;
}

sub running_at_source
{
	my ($source) = @_;
	return source_psql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'connhub_tunnel' AND state = 'active' AND query LIKE '%slow_%'") if $source eq 'postgresql';
	return source_mariadb("SELECT count(*) FROM information_schema.processlist WHERE user = 'connhub_tunnel' AND command IN ('Query', 'Execute') AND info LIKE '%slow_%'");
}

foreach my $way (sort keys %way)
{
	my %mute = $way eq 'ssh' ? (ssh_port => $ENV{CONNHUB_TEST_MUTE_PORT}) : (proxy_url => $way{$way}[0]{proxy_url} =~ s/:\d+$/:$ENV{CONNHUB_TEST_MUTE_PORT}/r);
	my $call = 'SELECT success FROM connhub.test(' . arguments(through('postgresql', $way, options => \%mute)) . ');';
	my (undef, $error, $seconds) = run_sql("SET statement_timeout = '500ms'; $call RESET statement_timeout;");
	like($error, qr/canceling statement due to statement timeout/, "$way: statement_timeout while the tunnel is being opened");
	cmp_ok($seconds, '<', 2, "$way: ends it in time");
	ok(wait_until(3, sub { entries('task') == 1 }), "$way: and its thread");
}

foreach my $source (@sources)
{
	foreach my $way (sort keys %way)
	{
		my $name = "${source}_$way";
		run_sql("SELECT connhub.create_connector('$name', " . arguments(through($source, $way)) . ');');
		my ($attached, $why) = run_sql("SELECT count(*) FROM connhub.attach('$name', tables => ARRAY['customers', 'slow_rows', 'slow_query', 'wide_rows', 'wide_copy']);");
		is($attached, '5', "$name: tables are discovered and attached") or diag($why);
		my $count = "SELECT 'count ' || count(*) FROM $name.customers;";
		is((run_sql($count))[0], 'count 200', "$name: a query");

		my (undef, $timeout, $seconds) = run_sql("SET statement_timeout = '1s'; SELECT * FROM $name.slow_query; RESET statement_timeout;");
		like($timeout, qr/canceling statement due to statement timeout/, "$name: statement_timeout");
		cmp_ok($seconds, '<', 3, "$name: ends it in time");
		ok(wait_until(20, sub { running_at_source($source) == 0 }), "$name: and at the source");
		my (undef, $cancel, $until) = run_sql("SELECT * FROM $name.slow_rows;", sub { $hub->safe_psql('postgres', "SELECT pg_cancel_backend($pid)") });
		like($cancel, qr/canceling statement due to user request/, "$name: a cancel");
		cmp_ok($until, '<', 3, "$name: ends it in time");
		ok(wait_until(20, sub { running_at_source($source) == 0 }), "$name: and at the source");
		is((run_sql($count))[0], 'count 200', "$name: the session goes on");

		my ($large, $error, $took) = run_sql("SET connhub.pushdown = off; SELECT count(*), sum(length(v)), bool_and(v = repeat(md5(n::text), 32)) FROM $name.wide_rows; RESET connhub.pushdown;");
		is($large =~ s/^(SET|RESET)\n?//gmr =~ s/\n//gr, '100000|102400000|t', sprintf('%s: 100 MB arrive whole, in %.1f s', $name, $took)) or diag($error);
		my (undef, $refused) = run_sql("INSERT INTO $name.wide_copy SELECT i, repeat(md5(i::text), 32) FROM generate_series(1, 30000) AS i;");
		my $copied = 'SELECT count(*), sum(length(v)), sum(n) FROM wide_copy';
		is(($source eq 'postgresql' ? source_psql($copied =~ s/wide_copy/shop.wide_copy/r) : source_mariadb($copied) =~ s/\t/|/gr),
			'30000|30720000|450015000', "$name: 30 MB are written whole") or diag($refused);
		run_sql("DELETE FROM $name.wide_copy;");
		run_sql("SELECT connhub.disable('$name');");
	}
}

# ---- What breaks ----------------------------------------------------------------------------

sub sshd_sessions
{
	my @below = split ' ', slurp_file("$ENV{CONNHUB_TEST_TMP}/sshd/pid");
	my @found;
	while (defined(my $parent = shift @below))
	{
		my @children = split ' ', qx(pgrep -P $parent);
		push @below, @children;
		push @found, @children;
	}
	return @found;
}

foreach my $source (@sources)
{
	my $name = "${source}_ssh";
	run_sql("SELECT connhub.enable('$name'); SELECT count(*) FROM $name.customers;");
	# Alone in its transaction a statement would be sent again over a new connection.
	my $used = "BEGIN; SELECT count(*) FROM $name.customers;";
	my (undef, $error, $seconds) = run_sql("$used SELECT * FROM $name.slow_query; ROLLBACK;", sub { kill 'KILL', sshd_sessions() });
	like($error, qr/ERROR:.*connector "$name"/, "$name: the end of the SSH server in mid-query is an error");
	cmp_ok($seconds, '<', 5, "$name: at once");
	is((run_sql("SELECT 'count ' || count(*) FROM $name.customers;"))[0], 'count 200', "$name: the next query has a new tunnel");

	(undef, $error) = run_sql("SET connhub.pushdown = off; $used SELECT count(slept) FROM $name.slow_rows; ROLLBACK; RESET connhub.pushdown;", sub { kill 'KILL', sshd_sessions() });
	like($error, qr/ERROR:.*connector "$name"/, "$name: so it is in the middle of rows: no short answer");
}

# Descriptors and threads: what fifty tests opened, and fifty that failed, is closed again.
run_sql("SELECT connhub.disable('${_}_ssh');") foreach @sources;
foreach my $way (sort keys %way)
{
	my $good = arguments(through('mariadb', $way));
	my $bad = arguments(through('mariadb', $way, password => 'wrong-password'));
	run_sql("SELECT success FROM connhub.test($good);");
	ok(wait_until(5, sub { entries('task') == 1 }), "$way: no thread is left");
	my $before = entries('fd');
	my ($answers) = run_sql(join ' ', map { my $call = "(SELECT success::text FROM connhub.test($_))"; 'SELECT concat(' . join(', ', ($call) x 50) . ');' } $good, $bad);
	is($answers, 'true' x 50 . "\n" . 'false' x 50, "$way: a hundred tests");
	ok(wait_until(5, sub { entries('task') == 1 }), "$way: no thread is left after them") or diag(entries('task'));
	ok(wait_until(5, sub { entries('fd') <= $before }), "$way: and no descriptor") or diag(entries('fd') . " instead of $before");
}

# ---- Other people's connections -------------------------------------------------------------

sub listeners
{
	my %inode = map { (readlink("/proc/$pid/fd/" . s{.*/}{}r) // '') =~ /^socket:\[(\d+)\]/ ? ($1 => 1) : () } glob "/proc/$pid/fd/*";
	my @ports;
	foreach (split /\n/, slurp_file('/proc/net/tcp'))
	{
		my @field = split;
		push @ports, hex((split /:/, $field[1])[1]) if $field[3] eq '0A' && $inode{ $field[9] };
	}
	return @ports;
}

my $name = 'postgresql_ssh';
run_sql("SELECT connhub.enable('$name'); SELECT count(*) FROM $name.customers;");
my @ports = listeners();
is(scalar @ports, 1, 'a session with a tunnel has one port open');
foreach my $when (qw(idle busy))
{
	my $intrude = sub {
		my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $ports[0], Proto => 'tcp', Timeout => 5);
		my $answer = '';
		my $got;
		if ($socket)
		{
			# A startup packet that the source would answer.
			local $SIG{PIPE} = 'IGNORE';
			local $SIG{ALRM} = sub { die "silence\n" };
			eval { alarm 5; $socket->syswrite(pack('NN', 8, 80877103)); $got = $socket->sysread($answer, 1) || 0; alarm 0; 1 } or $got = $@;
		}
		is($answer, '', "$when: another process gets nothing through it");
		is($got // 0, 0, "$when: its connection is closed");
	};
	run_sql($when eq 'busy' ? "SET statement_timeout = '2s'; SELECT * FROM $name.slow_query; RESET statement_timeout;" : 'SELECT pg_sleep(1);', $intrude);
}
run_sql("CREATE EXTENSION dblink; SELECT count(*) FROM $name.customers;");
@ports = listeners();
my (undef, $dblink) = run_sql("SELECT dblink_connect('intruder', 'hostaddr=127.0.0.1 port=$ports[0] user=connhub_tunnel password=x dbname=shop sslmode=disable connect_timeout=5');");
like($dblink, qr/could not establish connection/, 'nor does other code of the session');
unlike($dblink, qr/authentication failed/, 'which does not even reach the source');
is((run_sql("SELECT 'count ' || count(*) FROM $name.customers;"))[0], 'count 200', 'the tunnel is still good');

# ---- The end --------------------------------------------------------------------------------

my $forwarded = slurp_file("$ENV{CONNHUB_TEST_TMP}/sshd/log");
like($forwarded, qr/\Q$far\E/, 'the SSH server was given the name');
my $log = slurp_file($hub->logfile);
unlike($log, qr/\Q$_\E/, 'no secret stands in the log')
  foreach $ssh->{CONNHUB_TEST_SSH_PASSWORD}, $ssh->{CONNHUB_TEST_SSH_PASSPHRASE}, $proxies->{CONNHUB_TEST_PROXY_PASSWORD}, (split /\n/, $rsa_key)[5];
unlike($log, qr/PANIC|terminated by signal/, 'and no process crashed');

$session{in} .= "\\q\n";
IPC::Run::finish($session{run});
ok(wait_until(5, sub { !-d "/proc/$pid" }), 'a session with an open tunnel ends');
$hub->stop;
drop_tables();
drop_source_user('connhub_tunnel');
done_testing();
