# test/types/sqlite.pl — every declared SQLite type and storage class arrives with the value it has in the file,
# and conditions on it mean the same there as here.  A value of another kind than its column promises is
# an error that names the column, and can be read as text.
use strict;
use warnings;
use lib 'test/types', 'test/tap';
use Hub;
use Types;
use Test::More;

my @cases = map { my ($type, $is, @pairs) = @$_; my (@values, @want);
	while (my ($value, $want) = splice @pairs, 0, 2) { push @values, $value; push @want, $want }
	{ type => $type, is => $is, values => [ @values, 'NULL' ], want => [ @want, undef ] } } (
	[ 'integer', 'bigint', '-9223372036854775808' => '-9223372036854775808', 0 => '0', '9223372036854775807' => '9223372036854775807' ],
	[ 'int', 'bigint', 1 => '1' ],
	[ 'tinyint', 'bigint', 300 => '300' ],
	[ 'unsigned big int', 'bigint', 1 => '1' ],
	[ 'real', 'double precision', '-1.7976931348623157e308' => '-1.7976931348623157e+308', '5e-324' => '5e-324', 0 => '0', 0.1 => '0.1', '1e999' => 'Infinity', '-1e999' => '-Infinity', 7 => '7' ],
	[ 'double', 'double precision', 1.5 => '1.5' ],
	[ 'float', 'double precision', 0.1 => '0.1', '16777217' => '16777217' ],
	[ 'numeric', 'numeric', 1 => '1', 2.25 => '2.25', '9223372036854775807' => '9223372036854775807', '-0.5' => '-0.5', "'10'" => '10' ],
	[ 'text', 'text', "''" => '', "'abc  '" => 'abc  ', "'žluťoučký 🐎'" => 'žluťoučký 🐎', q{'it''s "quoted" \ %_'} => q{it's "quoted" \ %_}, 7 => '7', 1.5 => '1.5', "'10'" => '10' ],
	[ 'varchar(5)', 'text', "'longer than five'" => 'longer than five' ],
	[ 'char(5)', 'text', "'ab'" => 'ab', "'ab   '" => 'ab   ' ],
	[ 'clob', 'text', "'x'" => 'x' ],
	[ 'text collate nocase', 'text', "'a'" => 'a', "'A'" => 'A', "'b'" => 'b' ],
	[ 'text collate rtrim', 'text', "'a'" => 'a', "'a  '" => 'a  ' ],
	[ 'blob', 'bytea', "x''" => '\x', "x'00ff275c'" => '\x00ff275c' ],
	[ '', 'text', "'any'" => 'any', 3 => '3', 3.5 => '3.5' ],
	[ 'boolean', 'boolean', 0 => 'false', 1 => 'true' ],
	[ 'date', 'date', "'0001-01-01'" => '0001-01-01', "'1970-01-01'" => '1970-01-01', "'2024-02-29'" => '2024-02-29', "'9999-12-31'" => '9999-12-31' ],
	[ 'time', 'time without time zone', "'00:00:00'" => '00:00:00', "'12:34'" => '12:34:00', "'23:59:59.999999'" => '23:59:59.999999' ],
	[ 'datetime', 'timestamp without time zone', "'0001-01-01 00:00:00'" => '0001-01-01 00:00:00', "'2024-02-29T12:34:56.000001'" => '2024-02-29 12:34:56.000001', "'9999-12-31 23:59:59.999'" => '9999-12-31 23:59:59.999' ],
	[ 'timestamptz', 'timestamp with time zone', "'2024-03-31 01:30:00Z'" => '2024-03-31 01:30:00+00', "'2024-03-31 01:30:00+02:00'" => '2024-03-30 23:30:00+00' ],
	[ 'json', 'json', "'null'" => 'null', q('{"a": 1,   "a": 2}') => '{"a": 1,   "a": 2}' ],
	[ 'jsonb', 'jsonb', q('{"a": 1}') => '{"a": 1}' ],
	[ 'uuid', 'uuid', "'123e4567-e89b-42d3-a456-426614174000'" => '123e4567-e89b-42d3-a456-426614174000', "x'00000000000000000000000000000000'" => '00000000-0000-0000-0000-000000000000' ],
);

# What a column holds against its declaration: an error, and readable as text all the same.
my @mixed = (
	[ 'integer', 'bigint', "'not a number'", 'not a number' ],
	[ 'integer', 'bigint', '1.5', '1.5' ],
	[ 'real', 'double precision', "'x'", 'x' ],
	[ 'numeric', 'numeric', "'nor that'", 'nor that' ],
	[ 'boolean', 'boolean', 2, '2' ],
	[ 'boolean', 'boolean', "'maybe'", 'maybe' ],
	[ 'date', 'date', "'someday'", 'someday' ],
	[ 'date', 'date', "'2024-02-30'", '2024-02-30' ],
	[ 'datetime', 'timestamp without time zone', "'2024-01-01 25:00:00'", '2024-01-01 25:00:00' ],
	[ 'datetime', 'timestamp without time zone', "'2024-01-01 00:00:00.1234567'", '2024-01-01 00:00:00.1234567' ],
	[ 'uuid', 'uuid', "'123'", '123' ],
	[ 'blob', 'bytea', "'text'", 'text' ],
	[ 'json', 'json', "'{'", '{' ],
);
for (@mixed)
{
	my ($type, $is, $value, $text) = @$_;
	push @cases, { type => $type, is => $is, values => [$value], error => qr/column "v"/ };
	push @cases, { type => $type, is => $is, values => [ $value, 'NULL' ], read_as => 'text', want => [ $text, undef ] };
}

# What text cannot hold, under any declaration.
push @cases,
	{ type => 'text', is => 'text', values => ["CAST(x'ff' AS text)"], error => qr/column "v"/ },
	{ type => 'text', is => 'text', values => ["CAST(x'410042' AS text)"], error => qr/column "v"/ },
	{ type => 'text', is => 'text', values => ["x'0102'"], error => qr/column "v"/ };

(my $file = $ENV{CONNHUB_TEST_SQLITE}) =~ s{[^/]+$}{types.db};
unlink $file;
my $sql = join "\n", map { my $table = table_of($_);
	my $n = 0;
	"CREATE TABLE $table (id integer PRIMARY KEY, v $cases[$_]{type});",
	map { $n++; "INSERT INTO $table VALUES ($n, $_);" } @{ $cases[$_]{values} } } 0 .. $#cases;
IPC::Run::run([ 'sqlite3', '-bail', $file ], '<', \$sql) or die "sqlite3 failed\n";

my $hub = prepare_hub('sqlite', 'main', database => $file);
check_cases($hub, 'types', undef, @cases);

unlink $file;
done_testing();
