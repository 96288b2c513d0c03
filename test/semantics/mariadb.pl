# test/semantics/mariadb.pl — each rule of the MySQL dialect means the same at a MariaDB source as here.
use strict;
use warnings;
use lib 'test/semantics', 'test/tap';
use Hub;
use Semantics;
use Test::More;

source_mariadb(<<'SQL');
SET sql_mode = 'NO_BACKSLASH_ESCAPES'; SET time_zone = '+00:00'; SET NAMES utf8mb4;
DROP DATABASE IF EXISTS connhub_semantics;
CREATE DATABASE connhub_semantics CHARACTER SET utf8mb4;
USE connhub_semantics;
CREATE TABLE semantics (id integer PRIMARY KEY, b bit(1), i1 tinyint, i2 smallint, i4 integer, i8 bigint, u4 integer unsigned, x4 integer, f8 double,
	n decimal(15,2), m decimal(15,4), w decimal(65,30), d date, e date, ts datetime(6), s0 datetime, tz timestamp(6) NULL,
	t varchar(40), l varchar(40) CHARACTER SET latin1, o varchar(40) COLLATE utf8mb4_bin, k longtext, uu char(36), y varbinary(20));
INSERT INTO semantics VALUES
	(1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '1970-01-01', '1970-01-01', '1970-01-01', '1970-01-01', '1970-01-01 00:00:01', '', '', '', '', '', ''),
	(3, 0, 1, 1, 7, 7, 7, 2147483647, 0.1, 1.50, 1.5, 0.1, '2000-02-29', '1999-12-31', '2000-02-29 23:59:59.999999', '2000-02-29 23:59:59', '2000-02-29 23:59:59.999999', 'abcABC', 'abcABC', 'abcABC', 'abc', 'x', x'00ff'),
	(4, 1, -128, -32768, -7, -7, 1, -2147483648, -0.5, -2.55, -2.5555, -0.1, '0001-01-01', '0001-12-31', '0044-03-15 12:00', '0044-03-15 12:00', '1999-12-31 23:59:59.5', ' a  b ', ' a  b ', ' a  b ', ' a', ' ', x''),
	(5, 0, 127, 32767, 123456, 9007199254740993, 4294967295, 5, 2.5, 9999999999999.99, 99999999999.9999, 12345678901234567890123456789012345.123456789012345678901234567890, '9999-12-31', '2024-02-29', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59', '2038-01-19 03:14:07', 'žluťoučký 🐎', 'éà', 'žluťoučký 🐎', 'ž', 'ž', x'61'),
	(6, 1, 5, 300, 40000, -1099511627776, 3, 1, 1e300, -9999999999999.99, -99999999999.9999, -1, '2016-01-01', '2024-01-01', '2016-01-01 00:00', '2016-01-01 00:00', '2016-01-01', 'a,b,,c', 'a,b,,c', 'a,b,,c', 'a', 'a', NULL),
	(7, NULL, -5, -300, -40000, 1099511627776, 9, -1, -1e-300, 0.01, 0.0001, 1e-30, '2005-01-01', '2021-01-03', '2005-01-01 01:02:03', '2005-01-01 01:02:03', '2005-01-01 01:02:03', 'a_b%c\d', 'A', 'a_b%c\d', 'A', 'A', NULL),
	(8, 0, 2, 2, 3, 3, 5, 3, 1.5, -0.5, -0.5, 0.5, '2020-12-31', '2020-12-28', '2020-12-31 12:34:56.123456', '2020-12-31 12:34:56', '2020-12-31 12:34:56.123456', 'aaa', 'aaa', 'aaa', 'aaa', 'aaa', NULL),
	(9, 1, 2, 2, 31, 63, 8, 2, 3.5, 0.5, 0.5, -0.5, '2024-12-30', '2023-01-01', '2024-12-30 00:00:00.5', '2024-12-30', '2024-12-30 00:00:00.5', 'Ab ', 'Ab ', 'Ab ', 'x', 'x', NULL);
CREATE TABLE zeroes (id integer PRIMARY KEY, v date, ts datetime);
INSERT IGNORE INTO zeroes VALUES (1, '2024-01-01', '2024-01-01'), (2, '0000-00-00', '0000-00-00'), (3, '2024-00-10', '2024-00-10 01:02:03'), (4, '2024-05-00', '2024-05-00');
SQL

my @parts = ([ YEAR => 'year', 'YEAR(' ], [ QUARTER => 'quarter', 'QUARTER(' ], [ MONTH => 'month', 'MONTH(' ], [ WEEK => 'week', 'WEEK(' ], [ DAY => 'day', 'DAYOFMONTH(' ],
	[ DOW => 'dow', 'DAYOFWEEK(' ], [ ISODOW => 'isodow', 'WEEKDAY(' ], [ DOY => 'doy', 'DAYOFYEAR(' ]);
my @units = qw(year quarter month week day hour minute second);

my @cases = (
	[ 'AND', 'AND', 'boolean: b AND i4 > 0' ],
	[ 'OR', 'OR', 'boolean: b OR i4 > 0' ],
	[ 'NOT', 'NOT', 'boolean: NOT b' ],
	[ 'EQ', ' = ', 'boolean: i4 = 7', 'boolean: i2 = i8', 'boolean: f8 = 0.1', 'boolean: n = 1.50', "boolean: t = 'AAA'", "boolean: t = 'Ab'", "boolean: l = 'éà'", "boolean: l = 'ž'", "boolean: y = '\\x00ff'" ],
	[ 'EQ', '~ = ', "boolean: d = '2000-02-29'", "boolean: tz = '2016-01-01 00:00Z'" ],
	[ 'NE', '~ <> ', "boolean: d <> '2000-02-29'" ],
	[ 'LT', '~ < ', "boolean: d < '2000-02-29'", "boolean: ts < '2000-01-01'" ],
	[ 'LE', '~ <= ', "boolean: d <= '2000-02-29'" ],
	[ 'GT', '~ > ', "boolean: d > '2000-02-29'", "boolean: date_trunc('month', ts) > '2000-01-01'" ],
	[ 'GE', '~ >= ', "boolean: ts >= '2000-02-29 23:59:59.999999'" ],
	[ 'NE', ' <> ', 'boolean: i4 <> 7', "boolean: t <> 'AAA'", 'boolean: n <> 0' ],
	[ 'LT', ' < ', 'boolean: i4 < 7', 'boolean: f8 < 0', "boolean: o COLLATE \"C\" < 'b'" ],
	[ 'LE', ' <= ', 'boolean: i4 <= 7', "boolean: t COLLATE \"C\" <= 'aaa'" ],
	[ 'GT', ' > ', 'boolean: m > 0.1' ],
	[ 'GE', ' >= ', 'boolean: i8 >= 7' ],
	[ 'IS_NULL', 'IS NULL', 'boolean: i4 IS NULL' ],
	[ 'IS_NOT_NULL', 'IS NOT NULL', 'boolean: t IS NOT NULL' ],
	[ 'IS_DISTINCT', 'NOT (', 'boolean: i4 IS DISTINCT FROM 7', "boolean: t IS DISTINCT FROM 'aaa'" ],
	[ 'IS_NOT_DISTINCT', ' <=> ', 'integer: i4', 'date: d', 'timestamp: ts', 'text: t', 'text: l', 'numeric: w', 'float8: f8' ],
	[ 'IS_TRUE', 'IS TRUE', 'boolean: b IS TRUE' ],
	[ 'IS_NOT_TRUE', 'IS NOT TRUE', 'boolean: b IS NOT TRUE' ],
	[ 'IS_FALSE', 'IS FALSE', 'boolean: b IS FALSE' ],
	[ 'IS_NOT_FALSE', 'IS NOT FALSE', 'boolean: b IS NOT FALSE' ],
	[ 'IN', ' IN (', 'boolean: i4 IN (1, 7, NULL)', "boolean: t IN ('aaa', '')" ],
	[ 'NOT_IN', 'NOT IN', 'boolean: i4 NOT IN (1, 7)', 'boolean: i4 NOT IN (1, NULL)', "boolean: t NOT IN ('AAA', '')" ],
	[ 'LIKE', ' LIKE ', "boolean: t LIKE 'a%'", "boolean: t LIKE 'a\\_b%'", "boolean: l LIKE 'é_'" ],
	[ 'NOT_LIKE', 'NOT LIKE', "boolean: t NOT LIKE '%🐎'" ],
	[ 'CHAR_LENGTH', 'CHAR_LENGTH(', 'integer: length(t)' ],

	[ 'ADD', ' + ', 'integer: i2 + 1', 'bigint: i8 + 1', 'digits: n + m', 'digits: n + 0.05', 'float8: f8 + 1', 'integer: i1::integer + i2', 'numeric: i4 + n' ],
	[ 'SUB', ' - ', 'integer: i2 - 7', 'bigint: i8 - i4', 'digits: n - m', 'float8: f8 - 1', 'numeric: 1 - n' ],
	[ 'MUL', ' * ', 'integer: i2 * 3', 'bigint: i4::bigint * i2', 'digits: n * m', 'digits: n * (1 - m) * (1 + n)', 'digits: n * 3' ],
	[ 'DIV', ' DIV ', 'integer: i4 / 2', 'bigint: i8 / -3' ],
	[ 'MOD', ' % ', 'integer: i4 % 5', 'digits: n % 0.7', 'digits: m % -3', 'integer: i4 % 1000 + 5', 'boolean: m % -0.0001 = 0' ],
	[ 'NEG', '(- ', 'bigint: - i8', 'numeric: - n', 'float8: - f8', 'integer: - (i2::integer)' ],
	[ 'ABS', 'ABS(', 'bigint: abs(i8)', 'numeric: abs(m)', 'float8: abs(f8)', 'integer: abs(i2::integer)' ],
	[ 'ADD', undef, 'integer: (i4 % 1000) + x4 % 1000 + i4 - i4', 'numeric: w * w * 0', 'bigint: u4 + 1' ],
	[ 'DIV', undef, 'numeric: n / 3', 'float8: f8 / 2' ],
	[ 'MUL', undef, 'float8: f8 * 0.5' ],
	[ 'MOD', undef, 'integer: i4 % (i2 + 40000)', 'float8: abs(f8) + f8 * 2' ],
	[ 'COALESCE', 'COALESCE(', 'integer: COALESCE(i4, 0)', 'numeric: COALESCE(n, 0)', 'float8: COALESCE(f8, 1)' ],
	[ 'NULLIF', 'NULLIF(', 'integer: NULLIF(i4, 7)', 'numeric: NULLIF(n, 0)' ],
	[ 'CASE', 'CASE WHEN', 'integer: CASE WHEN i4 > 0 THEN 1 WHEN i4 < 0 THEN -1 ELSE i4 END', "numeric: CASE WHEN t = 'aaa' THEN n * (1 - m) ELSE 0 END" ],
	[ 'CAST', '', 'numeric: i4::numeric + n', "boolean: i4 = i8 + 0" ],

	[ 'CONCAT', 'CONCAT(', "text: t || 'x🐎'", 'text: t || o', "boolean: t || '' = 'AAA'", "boolean: t || '' = 'Ab'" ],
	[ 'CONCAT', undef, "text: l || 'ž'", "text: k || 'x'" ],
	[ 'SUBSTR', 'SUBSTRING(', map { ("text: substr(t, $_)", "text: substring(l from $_ for 2)", "text: substr(t, $_, 0)") } 1, 3, 100 ],
	[ 'SUBSTR', 'SUBSTRING(', 'text: substr(t, 2, 2147483647)', "boolean: substr(t, 1, 1) = 'A'", "boolean: substr(t, 1, 3) IN ('aaa', 'Ab')" ],
	[ 'SUBSTR', undef, 'text: substr(t, 0, 2)', 'text: substr(t, -1)', 'text: substr(t, i1 * i1 + 1)' ],
	[ 'LEFT', 'LEFT(', map { "text: \"left\"(t, $_)" } 0, 1, 4, 100 ],
	[ 'RIGHT', 'RIGHT(', map { "text: \"right\"(t, $_)" } 0, 1, 4, 100 ],
	[ 'LEFT', undef, 'text: "left"(t, -1)', 'text: "right"(t, -1)' ],
	[ 'STRPOS', 'LOCATE(', "integer: strpos(t, 'a')", "integer: strpos(t, 'B')", "integer: position('b' in l)", "integer: strpos(t, '')", "integer: strpos(t, '🐎')", "integer: strpos(t, 'Ab  ')" ],
	[ 'REPLACE', 'REPLACE(', "text: replace(t, 'a', 'xy')", "text: replace(t, '', 'z')", "text: replace(t, 'aa', '')", "text: replace(t, 'z', 'y')" ],
	[ 'BTRIM', '(TRIM(', 'text: btrim(t)' ],
	[ 'BTRIM', undef, "text: btrim(t, 'ac')" ],
	[ 'LTRIM', 'LTRIM(', 'text: ltrim(t)' ],
	[ 'RTRIM', 'RTRIM(', 'text: rtrim(t)' ],
	[ 'LPAD', 'LPAD(', map { "text: lpad(t, $_, 'xž')" } 0, 2, 9 ],
	[ 'RPAD', 'RPAD(', map { "text: rpad(t, $_, 'xž')" } 0, 2, 9 ],
	[ 'LPAD', undef, "text: lpad(t, -1, 'x')", "text: lpad(t, 5, '')" ],
	[ 'REVERSE', 'REVERSE(', 'text: reverse(t)', 'text: reverse(l)' ],
	[ 'OCTET_LENGTH', 'LENGTH(', 'integer: octet_length(t)', 'integer: octet_length(l)', 'integer: octet_length(y)' ],
	[ 'STARTS_WITH', 'AS BINARY', "boolean: starts_with(t, 'a')", "boolean: starts_with(t, '')", "boolean: starts_with(t, 'aaa ')", "boolean: starts_with(l, 'é')" ],
	[ 'ASCII', 'ORD(', 'integer: ascii(t)', 'integer: ascii(l)' ],

	[ 'CEIL', 'CEILING(', 'digits: ceil(n)', 'digits: ceil(w)' ],
	[ 'FLOOR', 'FLOOR(', 'numeric: floor(n)', 'numeric: floor(m)' ],
	[ 'ROUND', 'ROUND(', 'numeric: round(n)', 'numeric: round(m)', map { "digits: round(m, $_)" } -3, -1, 0, 1, 3, 6 ],
	[ 'TRUNC', 'TRUNCATE(', map { "digits: trunc(m, $_)" } -3, 0, 2 ],
	[ 'ROUND', undef, 'float8: round(f8)', 'float8: ceil(f8)', 'float8: floor(f8)' ],
	[ 'SIGN', 'SIGN(', 'numeric: sign(m)', 'float8: sign(f8)' ],
	[ 'FIT', 'AS DECIMAL(', 'digits: n::numeric(20,1)', 'digits: m::numeric(12,0)', 'digits: i4::numeric(12,2)' ],
	[ 'FIT', undef, 'numeric: w::numeric(35,0)::numeric' ],
	[ 'BIT_AND', ' & ', 'integer: i4 & 6', 'bigint: i8 & -8' ],
	[ 'BIT_OR', ' | ', 'integer: i4 | 6', 'bigint: i8 | -1' ],
	[ 'BIT_XOR', ' ^ ', 'integer: i4 # 6', 'bigint: i8 # -1' ],
	[ 'BIT_NOT', '(~ ', 'integer: ~ i4', 'bigint: ~ i8' ],
	[ 'GREATEST', 'GREATEST(', 'integer: GREATEST(i4, i2)', 'float8: GREATEST(f8, 1)', 'numeric: GREATEST(n, m)' ],
	[ 'LEAST', 'LEAST(', 'integer: LEAST(i4, i2)', 'float8: LEAST(f8, 1)', 'bigint: LEAST(i8, 5)' ],
	[ 'GREATEST', undef, 'integer: GREATEST(i4, i2, 5)' ],

	[ 'DATE_DIFF', 'DATEDIFF(', "integer: e - '2000-01-01'::date", 'integer: d - e' ],
	(map { my ($function, $unit, $native) = @$_; [ $function, $native, "digits: extract($unit from d)", "numeric: extract($unit from e)", "numeric: extract($unit from ts)" ] } @parts),
	[ 'YEAR', 'YEAR(', "float8: date_part('year', ts)", 'boolean: extract(year from d) = 2000' ],
	[ 'HOUR', 'HOUR(', 'numeric: extract(hour from ts)', "float8: date_part('hour', s0)" ],
	[ 'MINUTE', 'MINUTE(', 'numeric: extract(minute from ts)' ],
	[ 'SECOND', 'MICROSECOND(', 'digits: extract(second from ts)', 'digits: extract(second from s0)' ],
	[ 'EPOCH', '86400', 'digits: extract(epoch from d)' ],
	[ 'EPOCH', 'TIMESTAMPDIFF(', 'digits: extract(epoch from ts)', 'digits: extract(epoch from tz)' ],
	[ 'YEAR', undef, 'numeric: extract(year from tz)', 'date: e + 1', "timestamp: ts + interval '1 day'", 'numeric: extract(isoyear from d)' ],
	(map { [ "TRUNC_\U$_", 'AS DATETIME', "timestamp: date_trunc('$_', ts)", "timestamp: date_trunc('$_', s0)" ] } @units),
	[ 'AT_UTC', '', "timestamp: tz AT TIME ZONE 'UTC'", "numeric: extract(year from tz AT TIME ZONE 'UTC')", "timestamp: date_trunc('day', tz AT TIME ZONE 'UTC')" ],
	[ 'CONVERT', 'DATE(', 'date: ts::date', 'date: s0::date' ],
	[ 'CONVERT', undef, 'integer: (n % 1000)::integer', 'text: i4::text' ],
);

my @queries = (
	[ 'COUNT_ALL', 'COUNT(*)', "SELECT b, count(*) FROM semantics.semantics GROUP BY b" ],
	[ 'COUNT', 'COUNT(', "SELECT b, count(i4), count(DISTINCT i4) FROM semantics.semantics GROUP BY b" ],
	[ 'SUM', 'SUM(', "SELECT b, sum(i2), sum(i4), sum(i8), sum(n), sum(n * (1 - m)) FROM semantics.semantics GROUP BY b", "SELECT b, sum(CASE WHEN i4 > 0 THEN n * (1 - m) ELSE 0.000000 END) FROM semantics.semantics GROUP BY b" ],
	[ 'MIN', 'MIN(', "SELECT b, min(i4), min(f8) FROM semantics.semantics GROUP BY b" ],
	[ 'MAX', 'MAX(', "SELECT b, max(i4), max(f8) FROM semantics.semantics GROUP BY b" ],
	[ 'ROW_NUMBER', 'ROW_NUMBER()', "SELECT id, row_number() OVER (PARTITION BY b ORDER BY id) FROM semantics.semantics" ],
	[ 'RANK', ' RANK()', "SELECT id, rank() OVER (ORDER BY i4) FROM semantics.semantics" ],
	[ 'DENSE_RANK', 'DENSE_RANK()', "SELECT id, dense_rank() OVER (PARTITION BY b ORDER BY i4) FROM semantics.semantics" ],
);

my $hub = semantics_hub('mariadb', 'connhub_semantics', database => 'connhub_semantics');
check_semantics($hub, @cases);
check_errors($hub, [ ' + ', 'i8 + 9223372036854775807 > 0' ], [ '(- ', '- (i8 - 9223372036854775807 - 2) > 0' ]);
check_queries($hub, @queries);
check_coverage('drivers/mysql/dialect.c', 'rules', @cases, @queries);

# A date with zeros is an error here, and so is a function of it there.
$hub->safe_psql('postgres', "SELECT * FROM connhub.attach('semantics', remote_schema => 'connhub_semantics', tables => ARRAY['zeroes'])");
for my $condition ((map { my ($function, $unit) = @$_; ("extract($unit from v) > 0", "extract($unit from ts) IS NULL") } @parts), "v - '2000-01-01' > 0",
	(map { "date_trunc('$_', ts) = '2024-01-01'" } @units), 'ts::date = \'2024-01-01\'', 'extract(epoch from ts) > 0', 'extract(second from ts) = 0')
{
	for my $id (2 .. 4)
	{
		my ($code, $out, $err) = $hub->psql('postgres', "SELECT id FROM semantics.zeroes WHERE id = $id AND ($condition)");
		isnt($code, 0, "$condition fails for row $id of zero dates") or diag("row $id: $out");
	}
	my ($code, $out, $err) = $hub->psql('postgres', "SELECT count(*) FROM semantics.zeroes WHERE id = 1 AND ($condition)");
	is($code, 0, "and not for a date: $err");
}

source_mariadb('DROP DATABASE connhub_semantics');
done_testing();
