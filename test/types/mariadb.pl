# test/types/mariadb.pl — every MariaDB type arrives with the value it has at the source, at its boundaries,
# and conditions on it mean the same there as here.
use strict;
use warnings;
use lib 'test/types', 'test/tap';
use Hub;
use Types;
use Test::More;

# Types whose text is the same at the source.
my @cases = map { my ($type, $is, @values) = @$_; { type => $type, is => $is, values => [ @values, 'NULL' ] } } (
	[ 'tinyint', 'smallint', -128, 0, 127 ],
	[ 'tinyint unsigned', 'smallint', 0, 255 ],
	[ 'smallint', 'smallint', -32768, 0, 32767 ],
	[ 'smallint unsigned', 'integer', 0, 65535 ],
	[ 'mediumint', 'integer', -8388608, 0, 8388607 ],
	[ 'mediumint unsigned', 'integer', 0, 16777215 ],
	[ 'int', 'integer', -2147483648, 0, 2147483647 ],
	[ 'int unsigned', 'bigint', 0, 4294967295 ],
	[ 'int(5) zerofill', 'bigint' ],
	[ 'bigint', 'bigint', '-9223372036854775808', 0, '9223372036854775807' ],
	[ 'bigint unsigned', 'numeric(20,0)', 0, '9223372036854775808', '18446744073709551615' ],
	[ 'decimal(65,30)', 'numeric(65,30)', ('-' . '9' x 35 . '.' . '9' x 30), 0, '0.000000000000000000000000000001', ('9' x 35 . '.' . '9' x 30) ],
	[ 'decimal(10,2)', 'numeric(10,2)', '-99999999.99', '0.00', '99999999.99' ],
	[ 'decimal(5,0) unsigned', 'numeric(5,0)', 0, 99999 ],
	[ 'year', 'smallint', 1901, 2155 ],
	[ 'char(5)', 'character varying(5)', "''", "'ab'", "'žžžžž'" ],
	[ 'varchar(5)', 'character varying(5)', "''", "'ab  '", "'žžžžž'", "'AB'", "'ab'" ],
	[ 'varchar(5) collate utf8mb4_bin', 'character varying(5)', "''", "'ab  '", "'AB'", "'ab'" ],
	[ 'varchar(5) character set latin1', 'character varying(5)', "''", "'Grüße'" ],
	[ 'tinytext', 'text', "''", "repeat('t', 255)" ],
	[ 'text', 'text', "''", "'žluťoučký 🐎'", q{'it''s "quoted" %_'}, "repeat('t', 65535)" ],
	[ 'mediumtext', 'text', "''", "repeat('t', 70000)" ],
	[ 'longtext', 'text', "''", "repeat('t', 70000)" ],
	[ "enum('small','large','')", 'text', "'small'", "'large'", "''" ],
	[ "set('a','b','c')", 'text', "''", "'b'", "'a,b,c'" ],
	[ 'json', 'json', "'null'", q{'{"a": 1,   "a": 2}'}, q{'""'} ],
	[ 'uuid', 'uuid', "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'" ],
	[ 'date', 'date', "'0001-01-01'", "'1000-01-01'", "'1970-01-01'", "'9999-12-31'" ],
);

# Types whose text differs, with the text they have here.
push @cases, map { my ($type, $is, @pairs) = @$_; my (@values, @want);
	while (my ($value, $want) = splice @pairs, 0, 2) { push @values, $value; push @want, $want }
	{ type => $type, is => $is, values => [ @values, 'NULL' ], want => [ @want, undef ] } } (
	[ 'bit(1)', 'boolean', "b'0'" => 'false', "b'1'" => 'true' ],
	[ 'bit(8)', 'bit varying', "b'0'" => '00000000', "b'10100101'" => '10100101' ],
	[ 'bit(64)', 'bit varying', "b'0'" => '0' x 64, '0xffffffffffffffff' => '1' x 64, 1 => '0' x 63 . '1' ],
	[ 'float', 'real', '-3.40282e38' => '-3.40282e+38', 0 => '0', 0.1 => '0.1', '16777216' => '1.6777216e+07', '1.17549e-38' => '1.17549e-38', '3.40282e38' => '3.40282e+38' ],
	[ 'double', 'double precision', '-1.7976931348623157e308' => '-1.7976931348623157e+308', 0 => '0', 0.1 => '0.1', '2.2250738585072014e-308' => '2.2250738585072014e-308' ],
	[ 'time', 'interval(0)', "'-838:59:59'" => '-838:59:59', "'00:00:00'" => '00:00:00', "'24:00:00'" => '24:00:00', "'838:59:59'" => '838:59:59' ],
	[ 'time(6)', 'interval(6)', "'-838:59:59.999999'" => '-838:59:59.999999', "'-00:00:00.000001'" => '-00:00:00.000001', "'12:34:56.5'" => '12:34:56.5', "'838:59:59.999999'" => '838:59:59.999999' ],
	[ 'datetime', 'timestamp(0) without time zone', "'0001-01-01 00:00:00'" => '0001-01-01 00:00:00', "'9999-12-31 23:59:59'" => '9999-12-31 23:59:59' ],
	[ 'datetime(6)', 'timestamp(6) without time zone', "'1000-01-01 00:00:00.000001'" => '1000-01-01 00:00:00.000001', "'9999-12-31 23:59:59.999999'" => '9999-12-31 23:59:59.999999' ],
	[ 'timestamp NULL', 'timestamp(0) with time zone', "'1970-01-01 00:00:01'" => '1970-01-01 00:00:01+00', "'2024-03-31 01:30:00'" => '2024-03-31 01:30:00+00', "'2038-01-19 03:14:07'" => '2038-01-19 03:14:07+00' ],
	[ 'timestamp(6) NULL', 'timestamp(6) with time zone', "'1970-01-01 00:00:00.000001'" => '1970-01-01 00:00:00.000001+00', "'2038-01-19 03:14:07.999999'" => '2038-01-19 03:14:07.999999+00' ],
	[ 'binary(4)', 'bytea', "''" => '\x00000000', "'ab'" => '\x61620000', "x'ffffffff'" => '\xffffffff' ],
	[ 'varbinary(10)', 'bytea', "''" => '\x', "x'00ff275c'" => '\x00ff275c' ],
	[ 'tinyblob', 'bytea', "''" => '\x', "repeat(x'ff', 255)" => '\x' . 'ff' x 255 ],
	[ 'blob', 'bytea', "''" => '\x', "x'00'" => '\x00' ],
	[ 'mediumblob', 'bytea', "repeat(x'fe', 70000)" => '\x' . 'fe' x 70000 ],
	[ 'longblob', 'bytea', "repeat(x'fe', 70000)" => '\x' . 'fe' x 70000 ],
	[ 'inet6', 'inet', "'::'" => '::/128', "'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'" => 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128' ],
	[ 'inet4', 'inet', "'0.0.0.0'" => '0.0.0.0/32', "'255.255.255.255'" => '255.255.255.255/32' ],
);
$_->{values} = [ 0, 42, 'NULL' ], $_->{want} = [ '0', '42', undef ] for grep { $_->{type} =~ /zerofill/ } @cases;

# tinyint(1) serves as boolean but holds more; zero dates have no counterpart here.
my $first_tiny = @cases;
push @cases,
	{ type => 'tinyint(1)', is => 'smallint', values => [ 0, 1, 'NULL' ] },
	{ type => 'tinyint(1)', is => 'smallint', values => [ 0, 2 ] };
my $first_zero = @cases;
push @cases,
	{ type => 'date', is => 'date', values => [ "'2024-01-01'", "'0000-00-00'" ], error => qr/column "v"/ },
	{ type => 'date', is => 'date', values => [ "'2024-01-01'", "'2024-00-00'" ], error => qr/column "v"/ },
	{ type => 'datetime', is => 'timestamp(0) without time zone', values => [ "'0000-00-00 00:00:00'" ], error => qr/column "v"/ },
	{ type => 'timestamp NULL', is => 'timestamp(0) with time zone', values => [ "'0000-00-00 00:00:00'" ], error => qr/column "v"/ };

source_mariadb(join "\n", "SET sql_mode = 'PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'; SET time_zone = '+00:00'; SET NAMES utf8mb4;",
	'DROP DATABASE IF EXISTS connhub_types;', 'CREATE DATABASE connhub_types CHARACTER SET utf8mb4;', 'USE connhub_types;',
	map({ my $table = table_of($_);
		  my $n = 0;
		  "CREATE TABLE $table (id integer PRIMARY KEY, v $cases[$_]{type});",
		  map { $n++; "INSERT INTO $table VALUES ($n, $_);" } @{ $cases[$_]{values} } } 0 .. $#cases));

my $hub = prepare_hub('mariadb', 'connhub_types', database => 'connhub_types');
check_cases($hub, 'types', sub {
		my ($number) = @_;
		my $text = source_mariadb("SET NAMES utf8mb4; SELECT coalesce(CAST(v AS char), '(null)') FROM connhub_types." . table_of($number) . ' ORDER BY id');
		return split /\n/, $text, -1;
	}, @cases);

# The connector's options decide about zero dates and tinyint(1), and conditions follow them.
attach_source($hub, 'lenient', 'mariadb', 'connhub_types', database => 'connhub_types', options => '{"zero_dates": "null", "tinyint1": "boolean"}');
check_cases($hub, 'lenient', undef,
	{ type => 'date', is => 'date', table => table_of($first_zero), want => [ '2024-01-01', undef ] },
	{ type => 'date', is => 'date', table => table_of($first_zero + 1), want => [ '2024-01-01', undef ] },
	{ type => 'datetime', is => 'timestamp(0) without time zone', table => table_of($first_zero + 2), want => [ undef ] },
	{ type => 'timestamp NULL', is => 'timestamp(0) with time zone', table => table_of($first_zero + 3), want => [ undef ] },
	{ type => 'tinyint(1)', is => 'boolean', table => table_of($first_tiny), want => [ 'false', 'true', undef ] },
	{ type => 'tinyint(1)', is => 'boolean', table => table_of($first_tiny + 1), error => qr/column "v"/ });

# What no parameter can be, or only one that the source takes in, is an error that says how to do without.
my ($double) = grep { $cases[$_]{type} eq 'double' } 0 .. $#cases;
my ($code, $out, $err) = $hub->psql('postgres', "SET plan_cache_mode = force_generic_plan; PREPARE p(float8) AS SELECT count(*) FROM types."
	  . table_of($double) . " WHERE v = \$1; EXECUTE p('NaN')");
like($err, qr/not a finite number.*connhub\.pushdown/s, 'NaN is no parameter');
source_mariadb('CREATE TABLE connhub_types.long_text (id integer PRIMARY KEY, v longtext)');
$hub->safe_psql('postgres', "SELECT * FROM connhub.discover('types')");
$hub->safe_psql('postgres', "SELECT * FROM connhub.attach('types', tables => ARRAY['long_text'])");
my $long = "SELECT count(*) FROM types.long_text WHERE v = (SELECT repeat('x', 20000000))";
($code, $out, $err) = $hub->psql('postgres', $long);
like($err, qr/max_allowed_packet.*connhub\.pushdown/s, 'a parameter larger than the source takes is an error');
is($hub->safe_psql('postgres', "SET connhub.pushdown = off; $long"), 0, 'and is compared in the hub when asked to');

source_mariadb('DROP DATABASE connhub_types');
done_testing();
