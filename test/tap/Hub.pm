# test/tap/Hub.pm — what the TAP tests share: a hub of one's own with connhub in it, and the sources.
package Hub;
use strict;
use warnings;
use Exporter 'import';
use File::Basename qw(dirname);
use Time::HiRes qw(sleep time);

our @EXPORT = qw(new_hub literal arguments connector wait_until run_server source_psql source_mariadb source_user drop_source_user);

BEGIN
{
	my $pgxs = dirname(qx("$ENV{PG_CONFIG}" --pgxs));
	unshift @INC, "$pgxs/../test/perl";
	$ENV{PG_REGRESS} = "$pgxs/../test/regress/pg_regress";
	$ENV{TESTDIR} = $ENV{CONNHUB_TEST_TMP};
	$ENV{TESTDATADIR} = "$ENV{CONNHUB_TEST_TMP}/tmp_check";
	$ENV{TESTLOGDIR} = "$ENV{CONNHUB_TEST_TMP}/tmp_check/log";
	$ENV{PG_TEST_PORT_DIR} = "$ENV{CONNHUB_TEST_TMP}/../ports";
	$ENV{top_builddir} = $ENV{CONNHUB_TEST_TMP};
	delete @ENV{qw(PGHOST PGPORT PGUSER PGDATABASE)};
}

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

# A started cluster with the extension in database postgres.  Lines of conf are added to its configuration.
sub new_hub
{
	my ($name, $conf) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
	(my $folder = $ENV{CONNHUB_TEST_SQLITE}) =~ s{/[^/]+$}{};
	$node->append_conf('postgresql.conf', <<"CONF");
timezone = 'UTC'
connhub.allowed_networks = '127.0.0.0/8'
connhub.allowed_folders = '$folder'
CONF
	$node->append_conf('postgresql.conf', $conf) if $conf;
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION connhub');
	return $node;
}

# A value as an SQL literal.
sub literal
{
	my ($value) = @_;
	return 'NULL' unless defined $value;
	(my $quoted = $value) =~ s/'/''/g;
	return $quoted =~ s/\\/\\\\/g ? " E'$quoted'" : "'$quoted'";
}

# What describes a source, as a hash of the arguments that create_connector and test take.
sub connector
{
	my ($source, %change) = @_;
	my %sources = (
		postgresql => {
			type => 'postgresql',
			host => $ENV{CONNHUB_TEST_PG_HOST},
			port => $ENV{CONNHUB_TEST_PG_PORT},
			database => $ENV{CONNHUB_TEST_PG_DATABASE},
			schema => $ENV{CONNHUB_TEST_PG_SCHEMA},
			username => $ENV{CONNHUB_TEST_PG_USER},
			password => $ENV{CONNHUB_TEST_PG_PASSWORD},
			ssl_mode => 'disable',
		},
		mariadb => {
			type => 'mariadb',
			host => $ENV{CONNHUB_TEST_MY_HOST},
			port => $ENV{CONNHUB_TEST_MY_PORT},
			database => $ENV{CONNHUB_TEST_MY_DATABASE},
			username => $ENV{CONNHUB_TEST_MY_USER},
			password => $ENV{CONNHUB_TEST_MY_PASSWORD},
			ssl_mode => 'disable',
		},
		sqlite => { type => 'sqlite', database => $ENV{CONNHUB_TEST_SQLITE} },
		mongodb => {
			type => 'mongodb',
			host => $ENV{CONNHUB_TEST_MONGO_HOST},
			port => $ENV{CONNHUB_TEST_MONGO_PORT},
			database => $ENV{CONNHUB_TEST_MONGO_DATABASE},
			ssl_mode => 'disable',
		},
		ferretdb => {
			type => 'mongodb',
			host => $ENV{CONNHUB_TEST_FERRET_HOST},
			port => $ENV{CONNHUB_TEST_FERRET_PORT},
			database => $ENV{CONNHUB_TEST_FERRET_DATABASE},
			username => $ENV{CONNHUB_TEST_FERRET_USER},
			password => $ENV{CONNHUB_TEST_FERRET_PASSWORD},
			ssl_mode => 'disable',
		});
	my %all = (%{ $sources{$source} }, %change);
	delete @all{ grep { !defined $all{$_} } keys %all };
	return %all;
}

# A hash as named SQL arguments.
sub arguments
{
	my (%arguments) = @_;
	return join ', ', map { "$_ => " . ($_ eq 'port' ? $arguments{$_} : literal($arguments{$_})) } sort keys %arguments;
}

# Poll until code returns true; false when the seconds are over.
sub wait_until
{
	my ($seconds, $code) = @_;
	my $until = time + $seconds;
	until ($code->())
	{
		return 0 if time > $until;
		sleep 0.01;
	}
	return 1;
}

# Another source of one's own below the job's folder: run_server('postgresql', 'expired', 'start', 'expired').
my %running_servers;

sub run_server
{
	my ($server, $name, @action) = @_;
	my $folder = "$ENV{CONNHUB_TEST_TMP}/$name";
	my $action = shift @action;
	$running_servers{"$server $name"} = [ $server, $name ] if $action eq 'start';
	delete $running_servers{"$server $name"} if $action eq 'stop';
	system("test/servers/$server.sh", $action, $folder, @action) == 0 or die "$server.sh $action failed\n";
	return { map { /^export (\w+)=(.*)$/ ? ($1 => $2) : () } split /\n/, slurp_file("$folder/env") } if $action eq 'start';
	return;
}

# However the test ends, its servers do.
END
{
	my $status = $?;
	run_server(@$_, 'stop') foreach values %running_servers;
	$? = $status;
}

# The answer of the PostgreSQL source to SQL of its superuser.
sub source_psql
{
	my ($sql) = @_;
	my ($out, $err);
	IPC::Run::run([ 'psql', '-XAtq', '-h', $ENV{CONNHUB_TEST_PG_SOCKET}, '-p', $ENV{CONNHUB_TEST_PG_PORT},
			'-U', 'postgres', '-d', 'shop', '-v', 'ON_ERROR_STOP=1' ], '<', \$sql, '>', \$out, '2>', \$err)
	  or die "source: $err\n";
	chomp $out;
	return $out;
}

# The answer of the MariaDB source to SQL of its root.
sub source_mariadb
{
	my ($sql) = @_;
	my ($out, $err);
	IPC::Run::run([ 'mariadb', '--no-defaults', '-N', '-S', $ENV{CONNHUB_TEST_MY_SOCKET}, '-u', 'root', 'shop' ],
		'<', \$sql, '>', \$out, '2>', \$err)
	  or die "source: $err\n";
	chomp $out;
	return $out;
}

# A user of one's own at the sources, who may read the shop: for tests that end or count a user's sessions.
# Tests that run together change one database's privileges: one after another, or the source refuses one of them.
my $in_turn = 'SELECT FROM pg_advisory_lock(1);';

sub source_user
{
	my ($name, $password) = @_;
	$password //= $ENV{CONNHUB_TEST_PG_PASSWORD};
	drop_source_user($name);
	source_psql("$in_turn CREATE ROLE $name LOGIN PASSWORD '$password' IN ROLE connhub; GRANT CONNECT ON DATABASE shop TO $name");
	source_mariadb("CREATE USER $name\@'127.0.0.1' IDENTIFIED BY '$password'; GRANT SELECT ON shop.* TO $name\@'127.0.0.1'");
	return (username => $name, password => $password);
}

sub drop_source_user
{
	my ($name) = @_;
	source_psql("$in_turn DO \$\$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '$name') THEN REVOKE ALL ON DATABASE shop FROM $name; DROP ROLE $name; END IF; END \$\$");
	source_mariadb("DROP USER IF EXISTS $name\@'127.0.0.1'");
	return;
}

1;
