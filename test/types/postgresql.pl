# test/types/postgresql.pl — every PostgreSQL type arrives with the text it has at the source, at its
# boundaries, and conditions on it mean the same there as here.
use strict;
use warnings;
use lib 'test/types', 'test/tap';
use Hub;
use Types;
use Test::More;

sub values_of { return map { defined $_ ? "'$_'" : 'NULL' } @_ }

my @cases = map { my ($type, $is, @values) = @$_; { type => $type, is => $is, values => [ values_of(@values, undef) ] } } (
	[ 'boolean', 'boolean', 't', 'f' ],
	[ 'smallint', 'smallint', -32768, 0, 32767 ],
	[ 'integer', 'integer', -2147483648, 0, 2147483647 ],
	[ 'bigint', 'bigint', '-9223372036854775808', 0, '9223372036854775807' ],
	[ 'real', 'real', '-Infinity', '-3.4028235e38', '-1e-45', '-0', 0, 0.1, '1e-45', '3.4028235e38', 'Infinity', 'NaN' ],
	[ 'double precision', 'double precision', '-Infinity', '-1.7976931348623157e308', '-5e-324', '-0', 0, 0.1, '5e-324', '1.7976931348623157e308', 'Infinity', 'NaN' ],
	[ 'numeric', 'numeric', '-Infinity', '-1e1000', '-0.00000000000000000001', 0, '0.000', '1.10', '123456789012345678901234567890.123456789', '1e-1000', '1e1000', 'Infinity', 'NaN' ],
	[ 'numeric(10,2)', 'numeric(10,2)', '-99999999.99', 0, '0.01', '99999999.99', 'NaN' ],
	[ 'numeric(5,-3)', 'numeric(5,-3)', '-99999000', 0, '1000' ],
	[ 'money', 'money', '-92233720368547758.08', 0, '92233720368547758.07' ],
	[ 'oid', 'oid', 0, 4294967295 ],
	[ 'text', 'text', '', ' ', 'abc ', 'ABC', 'žluťoučký 🐎', "it''s \\ \"quoted\" %_", ('x' x 100000) ],
	[ 'character varying', 'character varying', '', 'abc  ' ],
	[ 'character varying(5)', 'character varying(5)', '', 'abc  ', 'žžžžž' ],
	[ 'character(5)', 'character(5)', '', 'ab', 'žžžžž' ],
	[ 'bpchar', 'bpchar', '', 'ab', 'abcdef' ],
	[ '"char"', '"char"', '', 'a', '~' ],
	[ 'name', 'name', '', 'n' x 63 ],
	[ 'bytea', 'bytea', '', '\x00', '\x27225cff', '\x' . ('ff' x 3000) ],
	[ 'date', 'date', '-infinity', '4714-11-24 BC', '0001-12-31 BC', '0001-01-01', '1969-12-31', '1970-01-01', '2000-02-29', '5874897-12-31', 'infinity' ],
	[ 'time', 'time without time zone', '00:00:00', '00:00:00.000001', '23:59:59.999999', '24:00:00' ],
	[ 'time(2)', 'time(2) without time zone', '00:00:00', '23:59:59.99' ],
	[ 'timetz', 'time with time zone', '00:00:00+15:59:59', '12:00:00.5+05:30', '24:00:00-15:59:59' ],
	[ 'timestamp', 'timestamp without time zone', '-infinity', '4714-11-24 00:00:00 BC', '0001-01-01 00:00:00', '1969-12-31 23:59:59.999999', '1970-01-01', '9999-12-31 23:59:59.999999', 'infinity' ],
	[ 'timestamp(0)', 'timestamp(0) without time zone', '1970-01-01 00:00:01', '-infinity' ],
	[ 'timestamptz', 'timestamp with time zone', '-infinity', '4714-11-24 00:00:00+00 BC', '1969-12-31 23:59:59.999999+00', '2024-03-31 01:30:00+02', '9999-12-31 23:59:59.999999+00', 'infinity' ],
	[ 'interval', 'interval', '-178000000 years', '-1 mon +2 days -03:04:05.000006', '0', '00:00:00.000001', '1 day', '24 hours', '178000000 years' ],
	[ 'interval(0)', 'interval(0)', '1 day 00:00:01' ],
	[ 'uuid', 'uuid', '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff' ],
	[ 'json', 'json', 'null', '{"a": 1,   "a": 2}', '""', '"\u0000"' ],
	[ 'jsonb', 'jsonb', 'null', '{"a": 1, "b": [1.50, "ž"]}', '""', '{}' ],
	[ 'jsonpath', 'jsonpath', '$."a"[*]' ],
	[ 'xml', 'xml', '', '<a>&amp;</a>', 'a <b/> c' ],
	[ 'inet', 'inet', '0.0.0.0', '10.1.2.3/8', '::1', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/64' ],
	[ 'cidr', 'cidr', '0.0.0.0/0', '10.0.0.0/8', '::/0' ],
	[ 'macaddr', 'macaddr', '00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff' ],
	[ 'macaddr8', 'macaddr8', '00:00:00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff:ff:ff' ],
	[ 'bit(4)', 'bit(4)', '0000', '1010', '1111' ],
	[ 'bit varying', 'bit varying', '', '1', '0' x 100 ],
	[ 'bit varying(5)', 'bit varying(5)', '', '10101' ],
	[ 'integer[]', 'integer[]', '{}', '{{1,2},{3,NULL}}', '[0:1]={7,8}', '{-2147483648,2147483647}' ],
	[ 'text[]', 'text[]', '{}', '{NULL,"NULL","","a,b","\"\\\\","ž"}' ],
	[ 'numeric(4,1)[]', 'numeric(4,1)[]', '{1.5,NULL,NaN}' ],
	[ 'timestamptz[]', 'timestamp with time zone[]', '{"2024-01-01 00:00:00+00",infinity,NULL}' ],
	[ 'interval[]', 'interval[]', '{"-1 days +02:00:00","1 mon"}' ],
	[ 'jsonb[]', 'jsonb[]', '{"{\"a\": 1}",null}' ],
	[ 'int4range', 'int4range', 'empty', '(,)', '[1,5)', '(,5)' ],
	[ 'int8range', 'int8range', '[-9223372036854775808,9223372036854775807)' ],
	[ 'numrange', 'numrange', 'empty', '[1.5,2.50]', '(,NaN]' ],
	[ 'daterange', 'daterange', '[2024-01-01,infinity)', '[-infinity,2024-01-01)' ],
	[ 'tsrange', 'tsrange', '["2024-01-01 00:00:00","2024-01-02 00:00:00")' ],
	[ 'tstzrange', 'tstzrange', '["2024-01-01 00:00:00+00",)' ],
	[ 'int4multirange', 'int4multirange', '{}', '{[1,2),[5,)}' ],
	[ 'point', 'point', '(0,0)', '(-1e+300,1e+300)', '(NaN,Infinity)' ],
	[ 'line', 'line', '{1,-1,0}' ],
	[ 'lseg', 'lseg', '[(0,0),(1,1)]' ],
	[ 'box', 'box', '(1,1),(0,0)' ],
	[ 'path', 'path', '((0,0),(1,1))', '[(0,0),(1,1)]' ],
	[ 'polygon', 'polygon', '((0,0),(1,1),(1,0))' ],
	[ 'circle', 'circle', '<(0,0),1>' ],
	[ 'tsvector', 'tsvector', '', '\'\'a\'\':1A \'\'b\'\':2,3' ],
	[ 'tsquery', 'tsquery', '', '\'\'a\'\' & !\'\'b\'\'' ],
	[ 'pg_lsn', 'pg_lsn', '0/0', 'FFFFFFFF/FFFFFFFF' ],
	[ 'xid', 'xid', 0, 4294967295 ],
	[ 'xid8', 'xid8', 0, '18446744073709551615' ],
	[ 'tid', 'tid', '(0,1)' ],
	[ 'txid_snapshot', 'txid_snapshot', '1:5:2,3' ],
	[ 'refcursor', 'refcursor', 'c' ],
	[ 'oidvector', 'text', '', '1 2' ],

	# Objects of the source's own database mean nothing here, and types it made are not known here.
	[ 'regclass', 'text', 'pg_class' ],
	[ 'regtype', 'text', 'integer' ],
	[ 'regclass[]', 'text[]', '{pg_class,NULL}' ],
	[ 'types.mood', 'text', 'sad', 'happy' ],
	[ 'types.mood[]', 'text', '{sad,NULL}' ],
	[ 'types.pair', 'text', '(,)', '(2147483647,"b""c,d")' ],
	[ 'types.positive', 'integer', 1, 2147483647 ],
	[ 'types.label', 'character varying(5)', 'a', 'žžžžž' ],
	[ 'types.amount', 'numeric(6,2)', '0.10', '-9999.99' ],
	[ 'types.spans', 'text', '[a,b)' ],
);

# A type declared here by hand, in place of the discovered one.
push @cases,
	{ type => 'timestamp', is => 'timestamp without time zone', values => ["'294276-12-31 23:59:59.999999'"], beyond_parameters => 1 },
	{ type => 'timestamptz', is => 'timestamp with time zone', values => ["'294276-12-31 23:59:59.999999+00'"], beyond_parameters => 1 },
	{ type => 'types.mood', is => 'text', read_as => 'mood', values => [ "'sad'", "'happy'", 'NULL' ] },
	{ type => 'types.pair', is => 'text', read_as => 'pair', values => [ "'(,)'", "'(1,\"x,y\")'", 'NULL' ] },
	{ type => 'integer', is => 'integer', read_as => 'positive', values => [ 1, 7 ] },
	{ type => 'integer', is => 'integer', read_as => 'bigint', values => [ -1, 7, 'NULL' ] },
	{ type => 'integer', is => 'integer', read_as => 'text', values => [ -1, 7, 'NULL' ] },
	{ type => 'timestamptz', is => 'timestamp with time zone', read_as => 'text', values => [ "'2024-01-01 00:00:00+00'", 'NULL' ] },
	{ type => 'text', is => 'text', read_as => 'character varying(3)', values => [ "'abc'", "''" ] },
	{ type => 'integer', is => 'integer', read_as => 'positive', values => [ 1, -7 ], error => qr/value for domain positive violates check constraint.*column "v" of foreign table/s },
	{ type => 'bigint', is => 'bigint', read_as => 'smallint', values => [ 1, 32768 ], error => qr/"?32768"?.*column "v" of foreign table/s },
	{ type => 'text', is => 'text', read_as => 'character varying(3)', values => [ "'abc'", "'abcd'" ], error => qr/value "abcd" from the source does not fit column "v" of type character varying\(3\)/ },
	{ type => 'numeric', is => 'numeric', read_as => 'numeric(10,2)', values => [ '1.23', '1.239' ], error => qr/value "1.239" from the source does not fit/ },
	{ type => 'text', is => 'text', read_as => 'integer', values => [ "'1'", "'x'" ], error => qr/invalid input syntax for type integer: "x".*column "v" of foreign table/s },
	{ type => 'timestamp', is => 'timestamp without time zone', read_as => 'timestamp(0)', values => [ "'2024-01-01 00:00:00.5'" ], error => qr/more digits of a second/ },
	{ type => 'types.mood', is => 'text', read_as => 'mood', values => [ "'ok'" ], error => qr/invalid input value for enum mood: "ok"/ };

my $user = $ENV{CONNHUB_TEST_PG_USER};
source_psql(join "\n", 'DROP SCHEMA IF EXISTS types CASCADE;', 'CREATE SCHEMA types;',
	"CREATE TYPE types.mood AS ENUM ('sad', 'ok', 'happy');",
	'CREATE TYPE types.pair AS (a integer, b text);',
	'CREATE DOMAIN types.positive AS integer CHECK (VALUE > 0);',
	'CREATE DOMAIN types.label AS character varying(5);',
	'CREATE DOMAIN types.amount AS numeric(6,2);',
	'CREATE TYPE types.spans AS RANGE (subtype = text, collation = "C");',
	map({ my $table = 'types.' . table_of($_);
		  my $n = 0;
		  "CREATE TABLE $table (id integer PRIMARY KEY, v $cases[$_]{type});",
		  map { $n++; "INSERT INTO $table VALUES ($n, $_);" } @{ $cases[$_]{values} } } 0 .. $#cases),
	"GRANT USAGE ON SCHEMA types TO $user;", "GRANT SELECT ON ALL TABLES IN SCHEMA types TO $user;");

my $hub = prepare_hub('postgresql', 'types', schema => 'types');
$hub->safe_psql('postgres', <<'SQL');
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE pair AS (a integer, b text);
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
SQL

check_cases($hub, 'types', sub {
		my ($number) = @_;
		my $text = source_psql("SET timezone = 'UTC'; SELECT coalesce(v::text, '(null)') FROM types." . table_of($number) . ' ORDER BY id');
		return split /\n/, $text, -1;
	}, @cases);

# Settings of the session change neither what is sent nor what is read.
my $settings = q{SET datestyle = 'SQL, DMY'; SET intervalstyle = 'sql_standard'; SET extra_float_digits = -10; SET bytea_output = 'escape'; SET xmloption = 'document'; SET client_encoding = 'latin2'; };
for my $number (grep { !$cases[$_]{error} } 0 .. $#cases)
{
	my $type = $cases[$number]{read_as} || $cases[$number]{is};
	my $table = 'types.' . table_of($number);
	my $plain = $hub->safe_psql('postgres', "SELECT md5(string_agg(f::text, ',' ORDER BY id)) FROM $table AS f");
	my $under = $hub->safe_psql('postgres',
		"$settings CREATE TEMP TABLE copy AS SELECT * FROM $table; RESET ALL; SELECT md5(string_agg(f::text, ',' ORDER BY id)) FROM copy AS f");
	is($under, $plain, "$type does not depend on settings");
}

source_psql('DROP SCHEMA types CASCADE');
done_testing();
