# Two tenants cannot see, name, test, attach, time or guess each other's connectors: whatever function, view or table is tried, an
# outsider gets for what is there the same as for what is not.  Every function of connhub is tried in every role, and
# allows what the table in docs/security.md says.  Memberships end at once, also for plans made before.
use strict;
use warnings;
use Hub;
use PostgreSQL::Test::Utils;
use Test::More;

my $hub = new_hub('tenants');

sub sql
{
	return $hub->safe_psql('postgres', $_[0]);
}

# What a role gets: (status, output, errors).
sub as
{
	my ($role, $statement) = @_;
	return $hub->psql('postgres', "\\set VERBOSITY verbose\n$statement", extra_params => [ '-U', $role ]);
}

sub refused
{
	my ($role, $statement, $why, $name) = @_;
	my ($status, $out, $err) = as($role, $statement);
	isnt($status, 0, "$name: refused") or diag($out);
	like($err, $why, "$name: why");
	unlike("$out$err", qr/zz_/, "$name: nothing is told");
	return $err;
}

sub allowed
{
	my ($role, $statement, $expected, $name) = @_;
	my ($status, $out, $err) = as($role, $statement);
	is($status, 0, $name) or diag($err);
	is($out, $expected, "$name: the answer") if defined $expected;
	return;
}

sql(<<'SQL');
SELECT connhub.register_driver('mock');
CREATE ROLE nobody LOGIN;
CREATE ROLE reader LOGIN IN ROLE connhub_reader;
CREATE ROLE operator LOGIN IN ROLE connhub_operator;
CREATE ROLE owner LOGIN IN ROLE connhub_operator;
CREATE ROLE admin LOGIN IN ROLE connhub_operator;
CREATE ROLE hub LOGIN IN ROLE connhub_admin;
CREATE ROLE outsider LOGIN IN ROLE connhub_operator, connhub_reader;
CREATE ROLE late LOGIN IN ROLE connhub_operator;
CREATE ROLE team NOLOGIN;
CREATE TYPE public.shape AS (id bigint, zz_a int);
GRANT CREATE ON DATABASE postgres TO owner, outsider, late;
GRANT ALL ON SCHEMA public TO owner, outsider, late;
SELECT connhub.create_tenant('zz_one', 'enterprise', 'admin');
SELECT connhub.create_tenant('two', 'enterprise', 'outsider');
SELECT connhub.grant_tenant('zz_one', 'reader');
SELECT connhub.grant_tenant('zz_one', 'operator', 'operator');
SELECT connhub.grant_tenant('zz_one', 'owner', 'operator');
SELECT connhub.grant_tenant('zz_one', 'team', 'operator');
SQL

my $tables = q{options => '{"tables": "zz_items(20): id int64 key, zz_a int32 modulo 5"}'};
allowed('owner', "SELECT name FROM connhub.create_connector('zz_shop', 'mock', $tables)", 'zz_shop', 'a member creates a connector');
allowed('owner', "SELECT schema FROM connhub.attach('zz_shop', into_schema => 'attached')", 'attached', 'attaches it');
allowed('owner', "SELECT connhub.create_channel('zz_channel', 'webhook', 'https://zz_host.invalid/') IS NOT NULL", 't', 'makes a channel');
allowed('outsider', "SELECT name FROM connhub.create_connector('zz_shop', 'mock', $tables)", 'zz_shop', 'another tenant may use the same name');
allowed('outsider', "SELECT name FROM connhub.delete_connector('zz_shop', force => true)", 'zz_shop', 'and deletes its own');
sql(q{INSERT INTO connhub_catalog.event (tenant_id, connector_id, kind, severity, message)
	SELECT tenant_id, id, 'status', 'error', 'zz_event' FROM connhub_catalog.connector WHERE name = 'zz_shop'
	UNION ALL SELECT id, NULL, 'tenant', 'info', 'zz_event' FROM connhub_catalog.tenant WHERE name = 'zz_one'});
my %ids = map { split /=/ } split /\n/, sql(q{
	SELECT 'connector=' || id FROM connhub_catalog.connector WHERE deleted_at IS NULL UNION ALL
	SELECT 'tenant=' || id FROM connhub_catalog.tenant WHERE name = 'zz_one' UNION ALL
	SELECT 'channel=' || id FROM connhub_catalog.channel});
my $marked = join '|', 'zz_', values %ids;
my %there = (connector => 'zz_shop', tenant => 'zz_one', channel => 'zz_channel');
my $nowhere = '5f6c5be4-95b5-4c0e-8d6c-5d5be1a3c3a1';

# ---- Every function, every role ------------------------------------------------------------

# A call that does what the function is for; a function that is not here fails.
my %calls = (
	about => 'connhub.about()',
	apply_drift => "connhub.apply_drift('zz_shop')",
	attach => "connhub.attach('zz_shop', into_schema => 'attached', prefix => 'more_')",
	check_expiry => 'connhub.check_expiry()',
	columns => "connhub.columns('zz_shop')",
	connectors => 'connhub.connectors()',
	create_channel => "connhub.create_channel('more', 'webhook', 'https://more.invalid/')",
	create_connector => "connhub.create_connector('more', 'mock')",
	create_tenant => "connhub.create_tenant('more')",
	current_tenant => 'connhub.current_tenant()',
	delete_channel => "connhub.delete_channel('zz_channel')",
	delete_connector => "connhub.delete_connector('zz_shop')",
	delete_tenant => "connhub.delete_tenant('zz_one', true)",
	detach => "connhub.detach('zz_shop')",
	disable => "connhub.disable('zz_shop')",
	discover => "connhub.discover('zz_shop')",
	end_maintenance => "connhub.end_maintenance('zz_shop')",
	enable => "connhub.enable('zz_shop')",
	get_connector => "connhub.get_connector('zz_shop')",
	grant_tenant => "connhub.grant_tenant('zz_one', 'reader', 'operator')",
	live => q{connhub.live('zz_shop', 'get "id", "zz_a" from "data"."zz_items"') AS t(id bigint, a int)},
	live_as => q{connhub.live_as(NULL::public.shape, 'zz_shop', 'get "id", "zz_a" from "data"."zz_items"')},
	live_json => q{connhub.live_json('zz_shop', 'get "id", "zz_a" from "data"."zz_items"')},
	prometheus_metrics => 'connhub.prometheus_metrics()',
	pushdown_summary => "connhub.pushdown_summary('SELECT 1')",
	register_driver => "connhub.register_driver('mock')",
	register_drivers => 'connhub.register_drivers()',
	remove_secret_store => "connhub.remove_secret_store('vault')",
	reset_breaker => "connhub.reset_breaker('zz_shop')",
	reset_metrics => "connhub.reset_metrics('zz_shop')",
	resolve_prepared => "connhub.resolve_prepared('zz_shop')",
	revoke_tenant => "connhub.revoke_tenant('zz_one', 'reader')",
	rotate_credentials => "connhub.rotate_credentials('zz_shop', credentials => '{\"token\": \"new\"}')",
	rotate_master_key => 'connhub.rotate_master_key()',
	schemas => "connhub.schemas('zz_shop')",
	schemas_json => "connhub.schemas_json('zz_shop')",
	set_credentials => "connhub.set_credentials('zz_shop', credentials => '{}', test => false)",
	set_limit => "connhub.set_limit('zz_shop', rows => 1000)",
	set_maintenance => "connhub.set_maintenance('zz_shop', until => now() + interval '1 hour')",
	set_owner => "connhub.set_owner('zz_shop', 'owner')",
	set_secret_store => q{connhub.set_secret_store('vault', '{"address": "https://zz_host.invalid"}', '{"token": "t"}')},
	status_page => 'connhub.status_page()',
	tables => "connhub.tables('zz_shop')",
	test => "connhub.test('zz_shop')",
	test_channel => "connhub.test_channel('zz_channel')",
	types => 'connhub.types()',
	update_channel => "connhub.update_channel('zz_channel', enabled => false)",
	update_connector => "connhub.update_connector('zz_shop', labels => '{}', test => false)",
	update_tenant => "connhub.update_tenant('zz_one', tier => 'free')");

my @roles = qw(reader operator owner admin hub);
my %documented = map { /^\| `(\w+)` \|((?: (?:yes|no) \|){5})$/ ? ("$1" => [ "$2" =~ /(yes|no)/g ]) : () } split /\n/, slurp_file('docs/security.md');
my @functions = split /\n/, sql(q{SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'connhub'::regnamespace AND prokind = 'f'
	AND proname NOT IN ('fdw_handler', 'fdw_validator') ORDER BY 1});
my $not_for_you = qr/ERROR:  (42501|42704|UB005|UB019)/;
foreach my $function (@functions)
{
	ok($documented{$function}, "docs/security.md says who may call $function") or next;
	ok($calls{$function}, "there is a call of $function here") or next;
	my %expected;
	@expected{@roles} = @{ $documented{$function} };
	foreach my $role (@roles)
	{
		my ($status, $out, $err) = as($role, ($role eq 'hub' ? "SET connhub.tenant = 'zz_one';" : '') . "BEGIN; SELECT * FROM $calls{$function}; ROLLBACK;");
		if ($expected{$role} eq 'yes')
		{
			is($status, 0, "$role may call $function") or diag($err);
		}
		else
		{
			like($err, $not_for_you, "$role may not call $function");
		}
	}
	my ($status, $out, $err) = as('nobody', "SELECT * FROM $calls{$function}");
	like($err, qr/ERROR:  42501/, "nobody else may call $function");
}

# ---- What is there is as what is not -------------------------------------------------------

# The answers of an outsider, with what was asked for taken out.
sub answer
{
	my ($call, $asked) = @_;
	my ($status, $out, $err) = as('outsider', "SELECT * FROM $call");
	s/\Q$asked\E/ASKED/g foreach $out, $err;
	$err =~ s/^(LINE \d+:|LOCATION:).*\n?//gm;
	return "$status\n$out\n$err";
}

foreach my $function (@functions)
{
	foreach my $kind (sort keys %there)
	{
		next unless ($calls{$function} // '') =~ /'$there{$kind}'/;
		foreach my $pair ([ $there{$kind}, 'yy_none' ], [ $ids{$kind}, $nowhere ])
		{
			my ($real, $none) = @$pair;
			(my $call_real = $calls{$function}) =~ s/'$there{$kind}'/'$real'/;
			(my $call_none = $calls{$function}) =~ s/'$there{$kind}'/'$none'/;
			my $told = answer($call_real, $real);
			is($told, answer($call_none, $none), "$function: an outsider is told of the $kind $real as of one that is not there");
			like($told, qr/ERROR/, "$function: which is an error");
		}
	}
}
foreach my $setting ($there{tenant}, $ids{tenant}, $nowhere, 'default')
{
	my ($status, $out, $err) = as('outsider', "SET connhub.tenant = '$setting'; SELECT connhub.current_tenant()");
	like($err, qr/ERROR:  UB019: tenant "\Q$setting\E" does not exist/, "the tenant $setting is none of theirs");
}

# No hint helps with a name.
foreach my $misspelt (qw(zz_sho zz_shops))
{
	my ($status, $out, $err) = as('outsider', "SELECT connhub.get_connector('$misspelt')");
	unlike($err, qr/zz_shop"/, "no hint for $misspelt");
}

# Every view, and every function that lists without being asked for one thing.
foreach my $view (split /\n/, sql(q{SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'connhub'::regnamespace AND relkind = 'v' ORDER BY 1}))
{
	my ($status, $out, $err) = as('outsider', "SELECT v::text FROM $view v");
	is($status, 0, "an outsider may read $view") or diag($err);
	unlike($out, qr/$marked/, "$view tells nothing");
	($status, $out, $err) = as('outsider', "EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT v::text FROM $view v");
	unlike($out, qr/$marked/, "the plan of $view tells nothing");
	my $leak = "CREATE FUNCTION pg_temp.leak(anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS \$\$ BEGIN RAISE NOTICE 'leak %', \$1; RETURN true; END \$\$;";
	($status, $out, $err) = as('outsider', "$leak SELECT count(*) FROM $view v WHERE pg_temp.leak(v)");
	unlike($err, qr/$marked/, "nor what a cheap function is given of $view");
}
foreach my $call (map { $calls{$_} } qw(connectors prometheus_metrics status_page))
{
	my ($status, $out, $err) = as('outsider', "SELECT t::text FROM $call t");
	is($status, 0, "an outsider may call $call");
	unlike($out, qr/$marked/, "$call tells nothing");
}

# A second line: rows stay hidden from who is let into the tables.
sql('GRANT USAGE ON SCHEMA connhub_catalog TO outsider; GRANT SELECT ON ALL TABLES IN SCHEMA connhub_catalog TO outsider');
foreach my $table (split /\n/, sql(q{SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'connhub_catalog'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1}))
{
	my ($status, $out, $err) = as('outsider', "SELECT t::text FROM $table t");
	is($status, 0, "granted, an outsider may read $table") or diag($err);
	unlike($out, qr/$marked/, "$table tells nothing");
}
sql('REVOKE ALL ON ALL TABLES IN SCHEMA connhub_catalog FROM outsider; REVOKE ALL ON SCHEMA connhub_catalog FROM outsider');

# Names of servers are for everybody to read.
unlike(sql('SELECT string_agg(srvname, E\'\n\') FROM pg_foreign_server'), qr/zz_/, 'a server does not bear the name of its connector');

# The time it takes tells nothing either.
my ($status, $ratio, $err) = as('outsider', <<'SQL');
CREATE TEMP TABLE took (name text, seconds double precision);
DO $$
DECLARE
	wanted text;
	begun timestamptz;
BEGIN
	FOR i IN 1 .. 400 LOOP
		FOREACH wanted IN ARRAY ARRAY['zz_shop', 'yy_none'] LOOP
			begun := clock_timestamp();
			BEGIN
				PERFORM connhub.get_connector(wanted);
			EXCEPTION WHEN OTHERS THEN NULL;
			END;
			INSERT INTO took VALUES (wanted, extract(epoch FROM clock_timestamp() - begun));
		END LOOP;
	END LOOP;
END
$$;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE name = 'zz_shop')
	/ percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE name = 'yy_none') FROM took;
SQL
cmp_ok($ratio, '>', 0.7, "a name of another tenant is not answered sooner ($ratio)");
cmp_ok($ratio, '<', 1.4, 'nor later');

# ---- Servers and foreign tables ------------------------------------------------------------

my $server = $ids{connector};
refused('outsider', "CREATE SERVER mine FOREIGN DATA WRAPPER connhub OPTIONS (connector '$ids{connector}')", qr/ERROR:  42501/, 'a server of one\'s own');
sql("GRANT USAGE ON FOREIGN SERVER \"$server\" TO outsider");
allowed('outsider', "CREATE FOREIGN TABLE theirs (id bigint) SERVER \"$server\" OPTIONS (schema_name 'data', table_name 'zz_items')", undef, 'USAGE alone lets one declare a table');
refused('outsider', 'SELECT * FROM theirs', qr/ERROR:  UB005/, 'but not read it');
refused('outsider', 'EXPLAIN VERBOSE SELECT * FROM theirs', qr/ERROR:  UB005/, 'nor explain');
refused('outsider', 'ANALYZE theirs', qr/ERROR:  UB005/, 'nor analyze');
refused('outsider', "INSERT INTO theirs VALUES (1)", qr/ERROR:  UB005/, 'nor write');
refused('outsider', "SELECT connhub.pushdown_summary('SELECT * FROM theirs')", qr/ERROR:  UB005/, 'nor summarize');
refused('outsider', "IMPORT FOREIGN SCHEMA data FROM SERVER \"$server\" INTO public", qr/ERROR:  UB005/, 'nor import');
like((as('outsider', "SELECT * FROM connhub.attach('$ids{connector}')"))[2], qr/ERROR:  UB005/, 'USAGE does not make a member');
sql("REVOKE USAGE ON FOREIGN SERVER \"$server\" FROM outsider; DROP FOREIGN TABLE theirs");

# The server of an administrator, given to an outsider.
sql("CREATE SERVER copy FOREIGN DATA WRAPPER connhub OPTIONS (connector '$ids{connector}'); ALTER SERVER copy OWNER TO outsider");
allowed('outsider', "CREATE FOREIGN TABLE copied (id bigint) SERVER copy OPTIONS (schema_name 'data', table_name 'zz_items')", undef, 'a table of a given server');
my $real = refused('outsider', 'SELECT * FROM copied', qr/ERROR:  UB005/, 'is not read');
sql("DROP SERVER copy CASCADE; CREATE SERVER copy FOREIGN DATA WRAPPER connhub OPTIONS (connector '$nowhere'); ALTER SERVER copy OWNER TO outsider");
allowed('outsider', "CREATE FOREIGN TABLE copied (id bigint) SERVER copy OPTIONS (schema_name 'data', table_name 'zz_items')", undef, 'a table of a server of nothing');
my $none = refused('outsider', 'SELECT * FROM copied', qr/ERROR:  UB005/, 'is not read either');
s/$ids{connector}|$nowhere/ID/g, s/^LOCATION.*\n?//gm foreach $real, $none;
is($real, $none, 'and says the same');
sql('DROP SERVER copy CASCADE');

# Who may not read a table learns nothing from its plan, by a view neither.
sql('GRANT USAGE ON SCHEMA attached TO outsider, nobody');
allowed('owner', 'CREATE VIEW public.looking AS SELECT * FROM attached.zz_items', undef, 'a view over it');
sql("SET connhub.tenant = 'zz_one'; SELECT connhub.disable('zz_shop')");
foreach my $relation (qw(attached.zz_items public.looking))
{
	my ($status, $out, $err) = as('outsider', "EXPLAIN VERBOSE SELECT * FROM $relation");
	like($err, qr/ERROR:  42501: permission denied/, "the plan of $relation is not told");
	unlike($err, qr/shop|disabled/, "$relation: nor why it would fail");
}
sql("SET connhub.tenant = 'zz_one'; SELECT connhub.enable('zz_shop')");

# A plan that was made in another role is checked again; a function of its owner works for whom it was granted to.
($status, my $out, $err) = $hub->psql('postgres', 'SET SESSION AUTHORIZATION owner; PREPARE p AS SELECT count(*) FROM attached.zz_items; EXECUTE p; EXECUTE p;'
	  . 'RESET SESSION AUTHORIZATION; SET SESSION AUTHORIZATION outsider; EXECUTE p');
like($out, qr/^20\n20$/, 'the owner runs a prepared statement');
like($err, qr/permission denied for foreign table/, 'another role does not run it');
allowed('owner', "CREATE FUNCTION public.for_all() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM attached.zz_items'", undef, 'a function with its owner\'s rights');
allowed('outsider', 'SELECT public.for_all()', '20', 'does what it was granted for');

# What listeners are told.
($status, $out, $err) = $hub->psql('postgres', "LISTEN connhub_event; SET connhub.tenant = 'zz_one'; SELECT name FROM connhub.disable('zz_shop'); SELECT name FROM connhub.enable('zz_shop'); SELECT 1;");
unlike($out, qr/Asynchronous notification.*(?:$marked)/, 'a listener is told no names');

# ---- Memberships ---------------------------------------------------------------------------

sql('GRANT team TO late');
allowed('late', 'SELECT connhub.current_tenant()', 'zz_one', 'a member by a role');
allowed('late', "SELECT name FROM connhub.create_connector('zz_late', 'mock', $tables)", 'zz_late', 'creates a connector');
allowed('late', "SELECT \"table\" FROM connhub.attach('zz_late', into_schema => 'late')", 'zz_items', 'attaches it');
allowed('late', 'SELECT count(*) FROM late.zz_items', '20', 'reads it');
{
	my ($in, $got, $errors) = ('', '', '');
	my $psql = IPC::Run::start([ 'psql', '-XAtq', '-h', $hub->host, '-p', $hub->port, '-U', 'late', 'postgres' ], '<', \$in, '>', \$got, '2>', \$errors);
	$in .= "SET plan_cache_mode = force_generic_plan; PREPARE p AS SELECT count(*) FROM late.zz_items; EXECUTE p; EXECUTE p;\n";
	ok(wait_until(20, sub { $psql->pump_nb; $got =~ /20\n20\n/ }), 'by a plan that is kept');
	sql('REVOKE team FROM late');
	$in .= "EXECUTE p;\n\\echo done\n";
	ok(wait_until(20, sub { $psql->pump_nb; $got =~ /done/ }), 'until the role is taken away');
	like($errors, qr/connector of .* does not exist/, 'then the plan is refused');
	unlike($got, qr/20\n20\n20/, 'and gives no rows');
	sql('GRANT team TO late');
	$in .= "EXECUTE p;\n\\echo again\n";
	ok(wait_until(20, sub { $psql->pump_nb; $got =~ /again/ }), 'it is given back');
	like($got, qr/20\ndone\n20\nagain|20\n20\ndone\n20\nagain/, 'and works again');
	sql("SELECT connhub.revoke_tenant('zz_one', 'team')");
	$errors = '';
	$in .= "EXECUTE p;\n\\echo revoked\n";
	ok(wait_until(20, sub { $psql->pump_nb; $got =~ /revoked/ }), 'the membership of the role ends');
	like($errors, qr/connector of .* does not exist/, 'and is refused');
	$in .= "\\q\n";
	$psql->finish;
}
allowed('late', 'SELECT count(*) FROM connhub.connector', '0', 'a former member sees nothing, not even what they own');
allowed('admin', "SELECT connhub.grant_tenant('zz_one', 'reader', 'operator'); SELECT connhub.grant_tenant('zz_one', 'reader', 'reader')", "\n", 'an admin changes a level');
like((as('admin', "SELECT connhub.grant_tenant('zz_one', 'outsider', 'reader')"))[2], qr/ERROR:  42501/, 'but brings nobody in');
like((as('admin', "SELECT connhub.set_owner('zz_shop', 'outsider')"))[2], qr/ERROR:  42501/, 'an admin gives connectors to members');
like((as('admin', "SELECT connhub.set_owner('zz_shop', 'reader')"))[2], qr/ERROR:  42501/, 'of a level that may have some');
like((as('admin', "SELECT connhub.set_owner('zz_shop', 'postgres')"))[2], qr/ERROR:  42501/, 'and to nobody who is bound by less');
sql('GRANT late TO admin WITH ADMIN OPTION');
allowed('admin', "SELECT connhub.grant_tenant('zz_one', 'late', 'operator')", '', 'apart from roles that are theirs');
sql("SELECT connhub.grant_tenant('two', 'late')");
like((as('late', "SELECT connhub.get_connector('zz_late')"))[2], qr/ERROR:  UB019: no tenant was chosen/, 'a member of two must choose');
allowed('late', "SET connhub.tenant = 'zz_one'; SELECT count(*) FROM connhub.get_connector('zz_late')", '1', 'and then works there');
like((as('late', "SET connhub.tenant = 'two'; SELECT connhub.create_connector('mine', 'mock')"))[2], qr/ERROR:  42501/, 'a reader creates nothing');

# ---- Plans ---------------------------------------------------------------------------------

sql("SELECT connhub.update_tenant('two', tier => 'free', limits => '{\"types\": [\"mock\"]}')");
allowed('outsider', "SELECT count(*) FROM (SELECT connhub.create_connector(n, 'mock') FROM (VALUES ('a'), ('b')) AS v (n)) AS made", '2', 'two connectors are free');
my $third = (as('outsider', "SELECT connhub.create_connector('c', 'mock')"))[2];
like($third, qr/ERROR:  UB018: plan "free" of tenant "two" is limited to 2 connectors/, 'a third is not');
like($third, qr/2 are in use/, 'and says how many there are');
like($third, qr/update_tenant/, 'and what to do');
like((as('outsider', "SELECT connhub.create_connector('c', 'sqlite', database => '/tmp/c', test => false)"))[2], qr/ERROR:  UB018: .* does not include connector type "sqlite"/, 'a type beyond the plan');
allowed('outsider', "SELECT count(*) FROM connhub.disable('a')", '1', 'a disabled connector');
like((as('outsider', "SELECT connhub.create_connector('c', 'mock')"))[2], qr/ERROR:  UB018/, 'keeps its place');
allowed('outsider', "SELECT count(*) FROM connhub.enable('a')", '1', 'and is enabled again');
sql("SELECT connhub.update_tenant('two', limits => '{\"connectors\": 1}')");
allowed('outsider', "SELECT count(*) FROM connhub.disable('a'); SELECT count(*) FROM connhub.test('b')", "1\n1", 'beyond a lower limit they stay');
like((as('outsider', "SELECT connhub.enable('a')"))[2], qr/ERROR:  UB018/, 'but none is enabled');
allowed('outsider', "SELECT count(*) FROM connhub.delete_connector('b'); SELECT count(*) FROM connhub.enable('a')", "1\n1", 'until there is a place');
sql("SELECT connhub.update_tenant('two', limits => '{\"connectors\": \"unlimited\"}')");
allowed('outsider', "SELECT count(*) FROM (SELECT connhub.create_connector(n, 'mock') FROM (VALUES ('d'), ('e'), ('f')) AS v (n)) AS made", '3', 'a limit lifted for one tenant');
foreach my $wrong ('{"connectors": -1}', '{"connectors": 1.5}', '{"connectors": "many"}', '{"types": "mock"}', '{"types": ["mok"]}', '{"connectrs": 1}', '[]')
{
	like((as('hub', "SELECT connhub.update_tenant('two', limits => '$wrong')"))[2], qr/ERROR:  UB00[16]/, "limits $wrong");
}
like((as('hub', "SELECT connhub.delete_tenant('two')"))[2], qr/ERROR:  2BP01/, 'a tenant with connectors stays');

# ---- Dump and restore ----------------------------------------------------------------------

sql('CREATE ROLE gone; SELECT connhub.grant_tenant(\'two\', \'gone\'); DROP ROLE gone');
my $facts = 'SELECT name, tier, limits FROM connhub.tenant ORDER BY name; SELECT tenant, role, level FROM connhub.tenant_member ORDER BY 1, 2; SELECT tenant, name FROM connhub.connector ORDER BY 1, 2';
my $before = sql($facts);
my $file = "$ENV{CONNHUB_TEST_TMP}/tenants.sql";
$hub->command_ok([ 'pg_dump', '-f', $file, 'postgres' ], 'dumped');
$hub->command_ok([ 'createdb', 'restored' ], 'made a database');
$hub->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-f', $file, 'restored' ], 'restored without an error');
is($hub->safe_psql('restored', $facts), $before, 'tenants, members and connectors are there again');
is($hub->safe_psql('restored', 'SET SESSION AUTHORIZATION outsider; SELECT count(*) FROM connhub.connector'), '4', 'and are seen as before');
is(sql("SELECT connhub.delete_tenant('two', force => true)"), '4', 'with force a tenant goes with all it has');
is(sql("SELECT count(*) FROM connhub_catalog.connector c LEFT JOIN connhub_catalog.tenant t ON t.id = c.tenant_id WHERE t.id IS NULL"), '0', 'and nothing of it is left');

$hub->stop;
done_testing();
