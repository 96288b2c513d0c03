# test/semantics/sqlite.pl — each rule of the SQLite dialect means the same at the source as here.
use strict;
use warnings;
use lib 'test/semantics', 'test/tap';
use Hub;
use Semantics;
use Test::More;

(my $file = $ENV{CONNHUB_TEST_SQLITE}) =~ s{[^/]+$}{semantics.db};
unlink $file;
my $sql = <<'SQL';
CREATE TABLE semantics (id integer PRIMARY KEY, i8 integer, j8 integer, f8 real, t text, c text COLLATE nocase, y blob) STRICT;
INSERT INTO semantics VALUES
	(1, NULL, NULL, NULL, NULL, NULL, NULL),
	(2, 0, 0, 0, '', '', x''),
	(3, 9223372036854775807, 7, 0.1, 'abcABC', 'abcABC', x'00ff'),
	(4, -9223372036854775808, -7, -0.5, ' a  b ', ' a  b ', x'61'),
	(5, 9007199254740993, 123456, 2.5, 'žluťoučký 🐎', 'žluťoučký 🐎', NULL),
	(6, -1099511627776, 1, 1e20, 'a,b,,c', 'A,b,,c', NULL),
	(7, 1, -1, -0.000001, 'a_b%c\d', 'AAA', NULL),
	(8, 3, 3, 4e9, 'aaa', 'aaa', NULL),
	(9, 63, 2, -4e9, 'Ab ', 'Ab ', NULL);
CREATE TABLE loose (id integer PRIMARY KEY, i integer, t text, n numeric, b boolean, d date, ts datetime);
INSERT INTO loose VALUES (1, NULL, NULL, NULL, NULL, NULL, NULL), (2, 1, 'aaa', 1.5, 1, '2024-01-01', '2024-01-01 10:00'), (3, 7, 'AAA', -2, 0, '2000-02-29', '2000-02-29');
SQL
IPC::Run::run([ 'sqlite3', '-bail', $file ], '<', \$sql) or die "sqlite3 failed\n";

my @cases = (
	[ 'AND', 'AND', 'boolean: i8 > 0 AND j8 > 0' ],
	[ 'OR', 'OR', 'boolean: i8 > 0 OR j8 > 0' ],
	[ 'NOT', 'NOT', 'boolean: NOT (CASE WHEN i8 > 0 THEN true ELSE j8 > 0 END)' ],
	[ 'EQ', ' = ', 'boolean: i8 = 1', 'boolean: i8 = j8', 'boolean: f8 = 0.1', "boolean: t = 'AAA'", "boolean: c = 'aaa'", "boolean: y = '\\x00ff'" ],
	[ 'NE', ' <> ', 'boolean: i8 <> 1', "boolean: c <> 'aaa'" ],
	[ 'LT', ' < ', 'boolean: i8 < 1', 'boolean: f8 < 0', "boolean: t COLLATE \"C\" < 'b'", "boolean: c COLLATE \"C\" < 'b'" ],
	[ 'LE', ' <= ', 'boolean: i8 <= 1' ],
	[ 'GT', ' > ', 'boolean: f8 > 0.1' ],
	[ 'GE', ' >= ', 'boolean: i8 >= 1', "boolean: c COLLATE \"C\" >= 'aaa'" ],
	[ 'IS_NULL', 'IS NULL', 'boolean: i8 IS NULL' ],
	[ 'IS_NOT_NULL', 'IS NOT NULL', 'boolean: t IS NOT NULL' ],
	[ 'IS_DISTINCT', ' IS NOT ', 'boolean: i8 IS DISTINCT FROM 1', "boolean: c IS DISTINCT FROM 'aaa'" ],
	[ 'IS_NOT_DISTINCT', ' IS ', 'bigint: i8', 'float8: f8', 'text: t', 'text: c', 'bytea: y' ],
	[ 'IS_TRUE', 'IS TRUE', 'boolean: (i8 > 0) IS TRUE' ],
	[ 'IS_NOT_TRUE', 'IS NOT TRUE', 'boolean: (i8 > 0) IS NOT TRUE' ],
	[ 'IS_FALSE', 'IS FALSE', 'boolean: (i8 > 0) IS FALSE' ],
	[ 'IS_NOT_FALSE', 'IS NOT FALSE', 'boolean: (i8 > 0) IS NOT FALSE' ],
	[ 'IN', ' IN (', 'boolean: i8 IN (1, 7, NULL)', "boolean: c IN ('aaa', '')" ],
	[ 'NOT_IN', 'NOT IN', 'boolean: i8 NOT IN (1, 7)', 'boolean: i8 NOT IN (1, NULL)' ],
	[ 'CAST', '', 'numeric: (i8 % 1000)::numeric' ],

	[ 'MOD', ' % ', 'bigint: i8 % 5', 'bigint: j8 % 9223372036854775807' ],
	[ 'DIV', ' / ', 'bigint: i8 / 2', 'bigint: j8 / 7' ],
	[ 'ADD', ' + ', 'bigint: i8 % 1000 + 7', 'integer: length(t) + 1', 'bigint: i8 % 1000 + j8 % 10' ],
	[ 'SUB', ' - ', 'bigint: i8 % 1000 - 7', 'integer: 1 - length(t)' ],
	[ 'MUL', ' * ', 'bigint: (i8 % 1000) * (j8 % 1000)', 'integer: length(t) * 2' ],
	[ 'NEG', '(- ', 'bigint: - (i8 % 1000)' ],
	[ 'NEG', '* -1e0', 'float8: - f8' ],
	[ 'ABS', 'abs(', 'bigint: abs(i8 % 1000)', 'float8: abs(f8)' ],
	[ 'ADD', undef, 'bigint: (i8 - i8 % 2) / 2 + (j8 - j8 % 2)', 'float8: f8 + 1', 'bigint: abs(j8)' ],
	[ 'MOD', undef, 'bigint: i8 % (j8 * j8 + 1)', 'bigint: i8 % -5' ],
	[ 'DIV', undef, 'float8: f8 / 2' ],
	[ 'BIT_AND', ' & ', 'bigint: i8 & 6', 'bigint: i8 & j8' ],
	[ 'BIT_OR', ' | ', 'bigint: i8 | 6' ],
	[ 'BIT_NOT', '(~ ', 'bigint: ~ j8' ],
	[ 'SHIFT_RIGHT', ' >> ', 'bigint: i8 >> 3', 'bigint: i8 >> 63', 'bigint: j8 >> 0' ],
	[ 'SHIFT_RIGHT', undef, 'bigint: i8 >> 64', 'bigint: i8 << 1' ],
	[ 'GREATEST', 'max(', 'bigint: GREATEST(i8, j8)', 'float8: GREATEST(f8, 1)' ],
	[ 'LEAST', 'min(', 'bigint: LEAST(i8, j8)', 'float8: LEAST(f8, 1)' ],
	[ 'GREATEST', undef, 'bigint: GREATEST(i8, j8, 5)', "text: GREATEST(t COLLATE \"C\", 'b')" ],
	[ 'COALESCE', 'coalesce(', 'bigint: COALESCE(i8, j8, 0)', "text: COALESCE(t, 'none')", "text: COALESCE(c, 'NONE')", 'float8: COALESCE(f8, 1)' ],
	[ 'NULLIF', 'nullif(', 'bigint: NULLIF(i8, 1)', 'float8: NULLIF(f8, 0.1)' ],
	[ 'CASE', 'CASE WHEN', 'bigint: CASE WHEN i8 > 0 THEN 1 WHEN i8 < 0 THEN -1 ELSE i8 END', "text: CASE c WHEN 'aaa' THEN 'three' WHEN '' THEN 'none' END" ],

	[ 'CHAR_LENGTH', 'length(', 'integer: length(t)' ],
	[ 'LOWER', 'lower(', 'text: lower(t COLLATE "C")', 'text: lower(c COLLATE "C")' ],
	[ 'UPPER', 'upper(', 'text: upper(t COLLATE "C")' ],
	[ 'LOWER', undef, 'text: lower(t)' ],
	[ 'CONCAT', '||', "text: t || 'x🐎'", 'text: t || t', "boolean: c || '' = 'aaa'" ],
	[ 'SUBSTR', 'substr(', map { ("text: substr(t, $_)", "text: substring(c from $_ for 2)", "text: substr(t, $_, 0)") } 1, 3, 100 ],
	[ 'SUBSTR', 'substr(', 'text: substr(t, 2, 2147483647)', "boolean: substr(c, 1, 1) = 'A'" ],
	[ 'SUBSTR', undef, 'text: substr(t, 0, 2)', 'text: substr(t, -1)', 'text: substr(t, length(t))' ],
	[ 'LEFT', 'substr(', map { "text: \"left\"(t, $_)" } 0, 1, 4, 100 ],
	[ 'RIGHT', 'substr(', map { "text: \"right\"(t, $_)" } 1, 4, 100 ],
	[ 'LEFT', undef, 'text: "left"(t, -1)', 'text: "right"(t, -1)', 'text: "right"(t, 0)' ],
	[ 'STRPOS', 'instr(', "integer: strpos(t, 'a')", "integer: strpos(c, 'A')", "integer: strpos(t, '')", "integer: strpos(t, '🐎')" ],
	[ 'REPLACE', 'replace(', "text: replace(t, 'a', 'xy')", "text: replace(t, '', 'z')", "text: replace(c, 'aa', '')" ],
	[ 'BTRIM', 'trim(', 'text: btrim(t)', "text: btrim(t, 'ac')", "text: btrim(c, 'a')", "text: btrim(t, '')" ],
	[ 'LTRIM', 'ltrim(', 'text: ltrim(t)', "text: ltrim(t, 'ab')" ],
	[ 'RTRIM', 'rtrim(', 'text: rtrim(t)', "text: rtrim(t, 'C🐎')" ],
	[ 'OCTET_LENGTH', 'length(', 'integer: octet_length(t)', 'integer: octet_length(y)' ],
	[ 'STARTS_WITH', 'substr(', "boolean: starts_with(t, 'a')", "boolean: starts_with(c, 'a')", "boolean: starts_with(t, '')", "boolean: starts_with(t, 'aaa ')" ],
	[ 'ASCII', 'unicode(', 'integer: ascii(t)', 'integer: ascii(c)' ],
	[ 'CONVERT', 'AS text', 'text: i8::text', 'text: j8::text' ],

	[ 'LIKE', '~ LIKE ', "boolean: t LIKE 'a%'", "boolean: t LIKE 'a\\_b%'" ],
);

my @queries = (
	[ 'COUNT_ALL', 'count(*)', "SELECT j8, count(*) FROM semantics.semantics GROUP BY j8" ],
	[ 'COUNT', 'count(', "SELECT j8, count(i8), count(DISTINCT i8) FROM semantics.semantics GROUP BY j8" ],
	[ 'SUM', 'sum(', "SELECT j8, sum(length(t)) FROM semantics.semantics GROUP BY j8" ],
	[ 'MIN', 'min(', "SELECT j8, min(i8), min(f8) FROM semantics.semantics GROUP BY j8" ],
	[ 'MAX', 'max(', "SELECT j8, max(i8), max(f8) FROM semantics.semantics GROUP BY j8" ],
	[ 'ROW_NUMBER', 'row_number()', "SELECT id, row_number() OVER (PARTITION BY j8 ORDER BY id) FROM semantics.semantics" ],
	[ 'RANK', ' rank()', "SELECT id, rank() OVER (ORDER BY i8) FROM semantics.semantics" ],
	[ 'DENSE_RANK', 'dense_rank()', "SELECT id, dense_rank() OVER (PARTITION BY j8 ORDER BY i8) FROM semantics.semantics" ],
);

my $hub = semantics_hub('sqlite', 'main', database => $file);
check_semantics($hub, @cases);
check_queries($hub, @queries);
check_coverage('drivers/sqlite/dialect.c', 'rules', @cases, @queries);

# Where any value may stand in a column, nothing is computed with it there, and the answer is the same.
$hub->safe_psql('postgres', "DROP FOREIGN TABLE semantics.semantics; SELECT * FROM connhub.attach('semantics', remote_schema => 'main', tables => ARRAY['loose']);
	ALTER FOREIGN TABLE semantics.loose RENAME TO semantics");
check_semantics($hub,
	[ 'loose columns', undef, 'bigint: i % 5', 'text: substr(t, 1, 2)', "text: t || 'x'", 'bigint: COALESCE(i, 0)', 'numeric: n + 1', 'boolean: b AND i > 1',
		'numeric: extract(year from d)', "timestamp: date_trunc('day', ts)", "boolean: d <> '2020-01-01'" ],
	[ 'LT', '~ < ', "boolean: d < '2024-01-01'", "boolean: ts < '2024-01-01'" ],
	map { [ $$_[0], "~$$_[1]", "boolean: d $$_[2] '2000-02-29'", "boolean: ts $$_[2] '2000-02-29'" ] }
		[ 'LE', " < ", '<=' ], [ 'GT', " >= ", '>' ], [ 'GE', " >= ", '>=' ], [ 'EQ', " >= ", '=' ]);

unlink $file;
done_testing();
