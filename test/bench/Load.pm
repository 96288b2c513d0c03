# test/bench/Load.pm — what the works need: data in the sources and local copies, connectors and peers in the hub.
package Load;
use strict;
use warnings;
use Exporter 'import';
use Client;

our @EXPORT_OK = qw(load_data row_count insert_count scale);

my @tpch_tables = qw(region nation supplier part partsupp customer orders lineitem);

# In this order; a work names those it needs, and what those build on comes by itself.
my @steps = (
	{ name => 'items_pg', code => \&items_pg, after => [] },
	{ name => 'items_my', code => \&items_my, after => ['items_pg'] },
	{ name => 'items_sqlite', code => \&items_sqlite, after => ['items_pg'] },
	{ name => 'tpch_pg', code => \&tpch_pg, after => ['items_pg'] },
	{ name => 'tpch_my', code => \&tpch_my, after => [qw(tpch_pg items_my)] });

sub row_count { return $ENV{BENCH_ROWS} || 2_000_000; }
# Rows that the works of writing insert: 100,000 of the full size.
sub insert_count { return int(row_count() / 20); }
sub scale { return $ENV{BENCH_SF} || 0.1; }

sub load_data
{
	my %wanted = map { $_ => 1 } @_;
	foreach my $step (reverse @steps)
	{
		next unless $wanted{ $step->{name} };
		$wanted{$_} = 1 foreach @{ $step->{after} };
	}
	make_databases();
	foreach my $step (grep { $wanted{ $_->{name} } } @steps)
	{
		print "== loading $step->{name}\n";
		$step->{code}->();
	}
	return;
}

# Feed SQL to a command line client of an administrator; it must succeed, what it answers does not matter.
sub feed
{
	my ($sql, @command) = @_;
	open my $pipe, '|-', 'sh', '-c', 'exec "$0" "$@" >/dev/null', @command or die "$command[0]: $!\n";
	print $pipe $sql;
	close $pipe or die "$command[0] failed\n";
	return;
}

sub file
{
	my ($name) = @_;
	open my $handle, '<', "test/bench/sql/$name" or die "$name: $!\n";
	local $/ = undef;
	return scalar readline $handle;
}

sub psql
{
	my ($host, $port, $database, $sql, %variables) = @_;
	local $ENV{PGOPTIONS} = '--client-min-messages=warning';
	feed($sql, 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', $host, '-p', $port, '-U', 'postgres', '-d', $database,
		map { ('-v', "$_=$variables{$_}") } keys %variables);
	return;
}

sub source { my (@rest) = @_; return psql(@ENV{qw(CONNHUB_TEST_PG_SOCKET CONNHUB_TEST_PG_PORT)}, 'bench', @rest); }
sub hub { my (@rest) = @_; return psql(@ENV{qw(PGHOST PGPORT)}, 'bench', @rest); }

sub mariadb
{
	my ($sql, $database) = @_;
	return feed($sql, 'mariadb', '--no-defaults', '-S', $ENV{CONNHUB_TEST_MY_SOCKET}, '-u', 'root', $database ? $database : ());
}

# Text sorts by bytes in both clusters, so that a sort of text means the same on both sides.
sub make_databases
{
	my $make = "CREATE DATABASE bench TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'";
	psql(@ENV{qw(CONNHUB_TEST_PG_SOCKET CONNHUB_TEST_PG_PORT)}, 'postgres', $make);
	psql(@ENV{qw(PGHOST PGPORT)}, 'postgres', $make);
	source(file('random.sql'));
	hub('CREATE EXTENSION connhub; CREATE EXTENSION postgres_fdw; CREATE SCHEMA local');
	return;
}

sub quoted { my ($text) = @_; $text =~ s/'/''/g; return "'$text'"; }

# A connector; its tables of one remote schema become foreign tables in a local schema.
sub connector
{
	my ($name, $type, $schema) = @_;
	my $prefix = { postgresql => 'CONNHUB_TEST_PG', mariadb => 'CONNHUB_TEST_MY' }->{$type};
	my $call = $prefix
	  ? sprintf("host => %s, port => %s, database => %s, username => %s, password => %s, ssl_mode => 'disable'",
		quoted($ENV{"${prefix}_HOST"}), $ENV{"${prefix}_PORT"}, quoted($type eq 'mariadb' ? 'connhub_bench' : 'bench'),
		quoted($ENV{"${prefix}_USER"}), quoted($ENV{"${prefix}_PASSWORD"}))
	  : 'database => ' . quoted($ENV{CONNHUB_TEST_SQLITE});
	hub("SELECT * FROM connhub.create_connector('$name', '$type', $call)");
	attach($name, $schema, "ours_$name");
	return;
}

sub attach
{
	my ($connector, $schema, $into) = @_;
	hub("SELECT * FROM connhub.attach('$connector', remote_schema => '$schema', into_schema => '$into')");
	return;
}

# A server of a peer's; options come from its own documentation.
sub peer
{
	my ($name, $wrapper, $schema, $server_options, $mapping) = @_;
	hub(<<"SQL");
CREATE EXTENSION IF NOT EXISTS $wrapper;
CREATE SERVER $name FOREIGN DATA WRAPPER $wrapper OPTIONS ($server_options);
CREATE USER MAPPING FOR postgres SERVER $name OPTIONS ($mapping);
CREATE SCHEMA $name;
IMPORT FOREIGN SCHEMA $schema FROM SERVER $name INTO $name;
SQL
	return;
}

sub postgres_fdw
{
	my ($name, $options) = @_;
	my $where = sprintf "host '%s', port '%s', dbname 'bench', sslmode 'disable'", @ENV{qw(CONNHUB_TEST_PG_HOST CONNHUB_TEST_PG_PORT)};
	my $who = sprintf 'user %s, password %s', map { quoted($_) } @ENV{qw(CONNHUB_TEST_PG_USER CONNHUB_TEST_PG_PASSWORD)};
	peer($name, 'postgres_fdw', 'bench', $options ? "$where, $options" : $where, $who);
	return;
}

# Rows of the PostgreSQL source as a file that the other servers read.
sub copy_out
{
	my ($name, $rows) = @_;
	my $csv = "$ENV{BENCH_FOLDER}/data/$name.csv";
	source("COPY $rows TO '$csv' WITH (FORMAT csv)") unless -e $csv;
	return $csv;
}

sub copy_to_hub
{
	my ($table, $csv) = @_;
	hub("COPY $table FROM '$csv' WITH (FORMAT csv)");
	return;
}

sub copy_to_mariadb
{
	my ($database, $table, $csv) = @_;
	mariadb("SET unique_checks = 0; LOAD DATA INFILE '$csv' INTO TABLE $table CHARACTER SET utf8mb4
		FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY ''; ANALYZE TABLE $table", $database);
	return;
}

# What only the hub knows about a foreign table comes from ANALYZE; a wrapper without it warns.
sub analyze_foreign
{
	my (@schemas) = @_;
	my $hub = Client->of('hub');
	foreach my $schema (@schemas)
	{
		my @tables = split /\n/, $hub->rows("SELECT c.oid::regclass FROM pg_class c WHERE relkind = 'f' AND relnamespace = '$schema'::regnamespace");
		$hub->run("SET client_min_messages = error");
		$hub->run("ANALYZE $_") foreach @tables;
	}
	return;
}

sub items_pg
{
	my $keys = int(row_count() / 4);
	source(file('items.sql'), rows => row_count());
	source('GRANT USAGE ON SCHEMA bench TO connhub; GRANT ALL ON ALL TABLES IN SCHEMA bench TO connhub');
	connector($_, 'postgresql', 'bench') foreach qw(pg pg_second);
	postgres_fdw('peer_pg', "fetch_size '10000', batch_size '1000'");
	postgres_fdw('peer_pg_default', '');
	postgres_fdw("peer_pg_async_$_", "fetch_size '10000', async_capable 'true'") foreach qw(first second);
	analyze_foreign(qw(ours_pg peer_pg peer_pg_default));

	my $rows = copy_out('rows', "(SELECT l_orderkey * 4 + l_linenumber - 4, l_partkey, l_suppkey, l_linenumber, l_quantity, l_extendedprice,
		l_discount, l_tax, l_returnflag, l_linestatus, l_shipdate, l_commitdate, l_receiptdate, l_shipinstruct, l_shipmode, l_comment
		FROM bench.items ORDER BY l_orderkey, l_linenumber LIMIT @{[insert_count()]})");
	hub("CREATE TABLE local.rows (l_orderkey bigint NOT NULL, l_partkey int NOT NULL, l_suppkey int NOT NULL, l_linenumber int NOT NULL,
		l_quantity numeric(15,2) NOT NULL, l_extendedprice numeric(15,2) NOT NULL, l_discount numeric(15,2) NOT NULL, l_tax numeric(15,2) NOT NULL,
		l_returnflag char(1) NOT NULL, l_linestatus char(1) NOT NULL, l_shipdate date NOT NULL, l_commitdate date NOT NULL, l_receiptdate date NOT NULL,
		l_shipinstruct char(25) NOT NULL, l_shipmode char(10) NOT NULL, l_comment varchar(44) NOT NULL)");
	copy_to_hub('local.rows', $rows);
	hub("CREATE TABLE local.keys AS SELECT k FROM generate_series(1::bigint, $keys, greatest($keys / 1000, 1)) k ORDER BY md5(k::text) LIMIT 1000;
		VACUUM ANALYZE local.rows; VACUUM ANALYZE local.keys");
	return;
}

sub items_my
{
	mariadb(file('items_mariadb.sql'));
	copy_to_mariadb('connhub_bench', $_, copy_out($_, "bench.$_")) foreach qw(orders items);
	connector('my', 'mariadb', 'connhub_bench');
	peer('peer_my', 'mysql_fdw', 'connhub_bench', sprintf("host '%s', port '%s'", @ENV{qw(CONNHUB_TEST_MY_HOST CONNHUB_TEST_MY_PORT)}),
		sprintf('username %s, password %s', map { quoted($_) } @ENV{qw(CONNHUB_TEST_MY_USER CONNHUB_TEST_MY_PASSWORD)}));
	analyze_foreign('ours_my');
	return;
}

sub items_sqlite
{
	my $csv = copy_out('items', 'bench.items');
	feed(file('items_sqlite.sql') . ".import --csv $csv items\nCREATE INDEX items_shipdate ON items (l_shipdate);\nANALYZE;\n",
		'sqlite3', '-bail', $ENV{CONNHUB_TEST_SQLITE});
	connector('sqlite', 'sqlite', 'main');
	return;
}

sub tpch_pg
{
	my $size = scale();
	my %sizes = (parts => int(200_000 * $size), suppliers => int(10_000 * $size), customers => int(150_000 * $size));
	my $path = "SET search_path = tpch;\n";
	source("CREATE SCHEMA tpch;\n$path" . join("\n", map { file("tpch_$_.sql") } qw(tables data keys)) . "\n; VACUUM ANALYZE", %sizes);
	source('GRANT USAGE ON SCHEMA tpch TO connhub; GRANT ALL ON ALL TABLES IN SCHEMA tpch TO connhub');
	hub("CREATE SCHEMA tpch_local; SET search_path = tpch_local;\n" . file('tpch_tables.sql'));
	copy_to_hub("tpch_local.$_", copy_out("tpch_$_", "tpch.$_")) foreach @tpch_tables;
	hub("SET search_path = tpch_local;\n" . file('tpch_keys.sql') . '; VACUUM ANALYZE');
	hub("SELECT * FROM connhub.discover('pg')");
	attach('pg', 'tpch', 'tpch_pg');
	analyze_foreign('tpch_pg');
	return;
}

sub tpch_my
{
	mariadb(file('tpch_tables.sql'), 'connhub_tpch');
	mariadb(file('tpch_keys.sql'), 'connhub_tpch');
	copy_to_mariadb('connhub_tpch', $_, copy_out("tpch_$_", "tpch.$_")) foreach @tpch_tables;
	hub("SELECT * FROM connhub.discover('my')");
	attach('my', 'connhub_tpch', 'tpch_my');
	analyze_foreign('tpch_my');
	return;
}

1;
