# test/differential/Schema.pm — random tables of a source: columns, keys, and rows of edge values.
#
# A type is: type, the source's DDL; is, the type in the hub; kind, what expressions it takes part in; values; small,
# for numbers that arithmetic cannot make overflow or inexact.  A value is text, the same at the source and here,
# unless at gives the source's form of it.
package Schema;
use strict;
use warnings;
use utf8;
use Exporter 'import';
use Tree;

our @EXPORT = qw(random_tables source_sql pick chance hub_values);

my @small = map { "$_" } -3 .. 12;
my @texts = ('', ' ', 'a', 'A', 'a ', 'ab', 'AB', 'aB', 'b', 'B', 'ä', 'Ä', 'ß', 'ss', "e\x{301}", 'é', 'ž', 'i', 'İ', 'ı',
	'🐎', '%', '_', 'a%', 'a_b', '\\', 'a\\b', "it's", 'NULL', '0', '10', '9', '-1', "t\tb", "n\nl", 'abcde');
my @years = ('1969-12-31', '1970-01-01', '2000-02-29', '2023-03-31', '2024-02-29', '2024-12-30', '2024-12-31', '2025-01-01');
my @moments = ('1969-12-31 23:59:59', '1970-01-01 00:00:00', '2000-02-29 12:00:00', '2024-03-31 01:30:00', '2024-12-31 23:59:59', '2025-01-01 00:00:00');
my @uuids = ('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '123e4567-e89b-42d3-a456-426614174000', '80000000-0000-0000-0000-000000000001');
my @blobs = ('\x', '\x00', '\x0001', '\x27225cff', '\x61', '\x6162', '\xff');
my @documents = ('null', '{}', '[]', '""', '1', '{"a": 1}', '{"a": null}', '{"b": [1, "x"], "a": {"c": true}}', '["a", 2]');
my @clock = ('00:00:00', '00:00:00.000001', '12:34:56.5', '23:59:59.999999');

# A type of whole numbers twice: with its edges, and with small values only.
sub whole
{
	my ($type, $is, @edges) = @_;
	return map { { type => $type, is => $is, kind => 'int', %$_, values => [ grep { $type !~ /unsigned/ || !/^-/ } @{ $_->{values} } ] } }
	  { values => [ '0', '1', '-1', '2', @edges ] }, { small => 1, values => \@small };
}

my %types = (
	postgresql => [
		whole('smallint', 'smallint', -32768, 32767),
		whole('integer', 'integer', -2147483648, 2147483647),
		whole('bigint', 'bigint', '-9223372036854775808', '9223372036854775807', 2147483648),
		{ type => 'numeric', is => 'numeric', kind => 'num', values => [ '0', '1', '-1', '1.5', '-0.00000000000000000001', '123456789012345678901234567890.123456789', '-Infinity', 'Infinity', 'NaN' ] },
		{ type => 'numeric(10,2)', is => 'numeric(10,2)', kind => 'num', small => 1, values => [ '0', '1', '0.01', '-0.01', '2.50', '12.50', '-99.99' ] },
		{ type => 'numeric(5,0)', is => 'numeric(5,0)', kind => 'num', values => [ '0', '99999', '-99999', '5' ] },
		{ type => 'real', is => 'real', kind => 'flt', values => [ '-Infinity', '-3.4028235e38', '-0', '0', '0.1', '1', '1e-45', 'Infinity', 'NaN' ] },
		{ type => 'double precision', is => 'double precision', kind => 'flt', values => [ '-Infinity', '-1.7976931348623157e308', '-0', '0', '0.1', '1', '5e-324', 'Infinity', 'NaN' ] },
		{ type => 'double precision', is => 'double precision', kind => 'flt', small => 1, values => \@small },
		{ type => 'text', is => 'text', kind => 'text', values => \@texts },
		{ type => 'text COLLATE "C"', is => 'text', kind => 'text', collation => 'C', values => \@texts },
		{ type => 'text COLLATE "en-x-icu"', is => 'text', kind => 'text', collation => 'en-x-icu', values => \@texts },
		{ type => 'text COLLATE public.loose', is => 'text', kind => 'text', values => \@texts },
		{ type => 'varchar(5)', is => 'character varying(5)', kind => 'text', limit => 5, values => \@texts },
		{ type => 'varchar(5) COLLATE "C"', is => 'character varying(5)', kind => 'text', limit => 5, collation => 'C', values => \@texts },
		{ type => 'char(5)', is => 'character(5)', kind => 'char', limit => 5, values => \@texts },
		{ type => 'boolean', is => 'boolean', kind => 'bool', values => [ 't', 'f' ] },
		{ type => 'date', is => 'date', kind => 'date', values => [ '-infinity', '4714-11-24 BC', '0001-01-01', '5874897-12-31', 'infinity', @years ] },
		{ type => 'date', is => 'date', kind => 'date', small => 1, values => \@years },
		{ type => 'timestamp', is => 'timestamp', kind => 'ts', values => [ '-infinity', 'infinity', '0001-01-01 00:00:00', '9999-12-31 23:59:59.999999', @moments ] },
		{ type => 'timestamp(0)', is => 'timestamp(0)', kind => 'ts', small => 1, values => \@moments },
		{ type => 'timestamptz', is => 'timestamptz', kind => 'tstz', values => [ '-infinity', 'infinity', map { "$_+00" } @moments ] },
		{ type => 'time', is => 'time', kind => 'time', values => [ @clock, '24:00:00' ] },
		{ type => 'interval', is => 'interval', kind => 'span', values => [ '0', '1 day', '24 hours', '-1 mon +2 days -03:04:05', '30 days', '1 mon' ] },
		{ type => 'uuid', is => 'uuid', kind => 'uuid', values => \@uuids },
		{ type => 'bytea', is => 'bytea', kind => 'blob', values => \@blobs },
		{ type => 'json', is => 'json', kind => 'json', values => \@documents },
		{ type => 'jsonb', is => 'jsonb', kind => 'jsonb', values => \@documents },
		{ type => 'inet', is => 'inet', kind => 'inet', values => [ '0.0.0.0', '10.1.2.3/8', '::1', '10.0.0.0/8' ] },
		{ type => 'integer[]', is => 'integer[]', kind => 'ints', values => [ '{}', '{1,2}', '{NULL}', '{2,1}', '{{1},{2}}' ] },
	],
	mariadb => [
		whole('tinyint', 'smallint', -128, 127),
		whole('tinyint unsigned', 'smallint', 255),
		whole('smallint', 'smallint', -32768, 32767),
		whole('mediumint unsigned', 'integer', 16777215),
		whole('int', 'integer', -2147483648, 2147483647),
		whole('int unsigned', 'bigint', 4294967295),
		whole('bigint', 'bigint', '-9223372036854775808', '9223372036854775807', 2147483648),
		{ type => 'bigint unsigned', is => 'numeric(20,0)', kind => 'num', values => [ '0', '1', '9223372036854775808', '18446744073709551615' ] },
		{ type => 'decimal(10,2)', is => 'numeric(10,2)', kind => 'num', small => 1, values => [ '0', '1', '0.01', '-0.01', '2.50', '12.50', '-99.99' ] },
		{ type => 'decimal(65,30)', is => 'numeric(65,30)', kind => 'num', values => [ '0', '1', '0.000000000000000000000000000001', '9' x 35 . '.' . '9' x 30 ] },
		{ type => 'float', is => 'real', kind => 'flt', values => [ '-3.40282e38', '0', '0.1', '1', '16777216', '1.17549e-38' ] },
		{ type => 'double', is => 'double precision', kind => 'flt', values => [ '-1.7976931348623157e308', '0', '0.1', '1', '2.2250738585072014e-308' ] },
		{ type => 'double', is => 'double precision', kind => 'flt', small => 1, values => \@small },
		map({ { type => "varchar(5) $_", is => 'character varying(5)', kind => 'text', limit => 5, values => \@texts } } '', 'COLLATE utf8mb4_bin', 'COLLATE utf8mb4_unicode_ci', 'COLLATE utf8mb4_nopad_bin'),
		{ type => 'varchar(5) CHARACTER SET latin1', is => 'character varying(5)', kind => 'text', limit => 5, values => [ grep { !/[^\x00-\xff]/ } @texts ] },
		{ type => 'char(5)', is => 'character varying(5)', kind => 'text', limit => 5, values => [ grep { !/ $/ } @texts ] },
		{ type => 'text', is => 'text', kind => 'text', values => \@texts },
		{ type => "enum('small','large','','A')", is => 'text', kind => 'text', values => [ 'small', 'large', '', 'A' ] },
		{ type => 'date', is => 'date', kind => 'date', small => 1, values => [ '1000-01-01', '9999-12-31', @years ] },
		{ type => 'datetime', is => 'timestamp(0)', kind => 'ts', small => 1, values => [ '1000-01-01 00:00:00', '9999-12-31 23:59:59', @moments ] },
		{ type => 'datetime(6)', is => 'timestamp', kind => 'ts', small => 1, values => [ '1000-01-01 00:00:00.000001', '9999-12-31 23:59:59.999999', @moments ] },
		{ type => 'timestamp(6) NULL', is => 'timestamptz', kind => 'tstz', at => sub { substr $_[0], 0, -3 }, values => [ map { "$_+00" } '1970-01-01 00:00:01', '2038-01-19 03:14:07.999999', @moments[ 2 .. 5 ] ] },
		{ type => 'time(6)', is => 'interval', kind => 'span', values => [ '-838:59:59', '00:00:00', '24:00:00', '12:34:56.5', '838:59:59' ] },
		{ type => 'uuid', is => 'uuid', kind => 'uuid', values => \@uuids },
		{ type => 'varbinary(10)', is => 'bytea', kind => 'blob', at => \&hexadecimal, values => \@blobs },
		{ type => 'blob', is => 'bytea', kind => 'blob', at => \&hexadecimal, values => \@blobs },
		{ type => 'json', is => 'json', kind => 'json', values => \@documents },
		{ type => 'bit(1)', is => 'boolean', kind => 'bool', at => \&one_or_zero, values => [ 't', 'f' ] },
	],
	sqlite => [
		whole('integer', 'bigint', '-9223372036854775808', '9223372036854775807', 2147483648),
		whole('int', 'bigint', 4294967295),
		{ type => 'real', is => 'double precision', kind => 'flt', at => \&sqlite_real, values => [ '-Infinity', '-1.7976931348623157e308', '0', '0.1', '1', '5e-324', 'Infinity' ] },
		{ type => 'double', is => 'double precision', kind => 'flt', small => 1, at => \&sqlite_real, values => \@small },
		{ type => 'decimal(10,2)', is => 'numeric', kind => 'num', small => 1, at => \&bare, values => [ '0', '1', '0.01', '-0.01', '2.5', '12.5', '-99.99' ] },
		{ type => 'numeric', is => 'numeric', kind => 'num', at => \&bare, values => [ '0', '1', '-0.5', '9223372036854775807', '0.1' ] },
		map({ { type => $_, is => 'text', kind => 'text', values => \@texts } } 'text', 'text COLLATE NOCASE', 'text COLLATE RTRIM', 'varchar(5)'),
		{ type => 'blob', is => 'bytea', kind => 'blob', at => \&hexadecimal, values => \@blobs },
		{ type => 'boolean', is => 'boolean', kind => 'bool', at => \&one_or_zero, values => [ 't', 'f' ] },
		{ type => 'date', is => 'date', kind => 'date', small => 1, values => [ '0001-01-01', '9999-12-31', @years ] },
		{ type => 'datetime', is => 'timestamp', kind => 'ts', small => 1, values => [ '0001-01-01 00:00:00', '9999-12-31 23:59:59.999', @moments ] },
		{ type => 'timestamptz', is => 'timestamptz', kind => 'tstz', at => sub { "$_[0]:00" }, values => [ map { "$_+00" } @moments ] },
		{ type => 'time', is => 'time', kind => 'time', values => \@clock },
		{ type => 'json', is => 'json', kind => 'json', values => \@documents },
		{ type => 'uuid', is => 'uuid', kind => 'uuid', values => \@uuids },
	]);

sub hexadecimal { my ($value) = @_; return "x'" . substr($value, 2) . "'" }
sub one_or_zero { my ($value) = @_; return $value eq 't' ? 1 : 0 }
sub bare { my ($value) = @_; return $value }
sub sqlite_real { my ($value) = @_; return $value =~ /Inf/ ? ($value =~ /^-/ ? '-1e999' : '1e999') : $value }

sub pick { my (@from) = @_; return $from[ int rand @from ] }
sub chance { my ($of_one) = @_; return rand() < $of_one }

# Values a column may hold: those of its type that it has room for.
sub hub_values
{
	my ($type) = @_;
	return grep { !$type->{limit} || length $_ <= $type->{limit} } @{ $type->{values} };
}

sub random_column
{
	my ($name, $source, $strict) = @_;
	my $type = pick(grep { !$strict || $_->{type} =~ /^(integer|int|real|text.*|blob)$/ } @{ $types{$source} });
	my @values = hub_values($type);

	# A few values each: more rows meet in joins and groups.
	splice @values, int rand @values, 1 while @values > 9;
	return { %$type, name => $name, values => \@values, not_null => chance(0.3) };
}

# Two to four tables.  Each has id, its key or part of it; other columns may be unique while their values are.
sub random_tables
{
	my ($source) = @_;
	my @tables;
	my %id = (postgresql => 'integer', mariadb => 'integer', sqlite => 'bigint');
	foreach my $number (1 .. 2 + int rand 3)
	{
		my %key = (type => 'integer', is => $id{$source}, kind => 'int', not_null => 1, small => 1, key => 1, values => [ 1 .. 12 ]);
		my @columns = ({ %key, name => 'id' });
		push @columns, { %key, name => 'part', values => [ 1 .. 3 ] } if chance(0.25);
		my $strict = $source eq 'sqlite' && chance(0.3);
		push @columns, map { random_column("c$_", $source, $strict) } 1 .. 3 + int rand 5;
		my $table = { name => "t$number", columns => \@columns, rows => [], ending => $strict ? ' STRICT' : '' };
		fill($table);
		push @tables, $table;
	}
	return @tables;
}

sub fill
{
	my ($table) = @_;
	my @columns = @{ $table->{columns} };
	my $composite = grep({ $_->{key} } @columns) > 1;
	my $wanted = chance(0.05) ? 0 : chance(0.1) ? 1 : 3 + int rand 14;
	foreach my $number (1 .. $wanted)
	{
		my @row = map { chance(0.2) && !$_->{not_null} ? undef : pick(@{ $_->{values} }) } @columns;
		$row[0] = $composite ? 1 + int(($number - 1) / 3) : $number;
		$row[1] = 1 + ($number - 1) % 3 if $composite;
		push @{ $table->{rows} }, \@row;
	}

	# Duplicates but for the key.
	foreach my $row (@{ $table->{rows} })
	{
		next unless chance(0.15);
		my $other = pick(@{ $table->{rows} });
		my $first = $composite ? 2 : 1;
		@$row[ $first .. $#$row ] = @$other[ $first .. $#$other ];
	}
	return;
}

sub at_source
{
	my ($column, $value) = @_;
	return 'NULL' unless defined $value;
	return sql_literal($value) unless $column->{at};
	my $form = $column->{at}->($value);
	return $form =~ /^(x'|-?[\d.e-]+$)/ ? $form : sql_literal($form);
}

# What makes the tables anew at a source.
sub source_sql
{
	my ($source, $schema, @tables) = @_;
	my @sql = map { "DROP TABLE IF EXISTS $schema$_->{name}" } map { { name => "t$_" } } 1 .. 4;
	foreach my $table (@tables)
	{
		my @columns = @{ $table->{columns} };
		my @lines = map { "$_->{name} $_->{type}" . ($_->{not_null} ? ' NOT NULL' : '') } @columns;
		push @lines, 'PRIMARY KEY (' . join(', ', map { $_->{name} } grep { $_->{key} } @columns) . ')';
		push @sql, "CREATE TABLE $schema$table->{name} (" . join(', ', @lines) . ")$table->{ending}";
		foreach my $row (@{ $table->{rows} })
		{
			push @sql, "INSERT INTO $schema$table->{name} VALUES (" . join(', ', map { at_source($columns[$_], $row->[$_]) } 0 .. $#columns) . ')';
		}
	}
	return join '', map { "$_;\n" } @sql;
}

1;
