# test/differential/Expression.pm — random expressions and conditions over the columns in scope.
#
# An expression is a node of Tree with its kind, small when arithmetic cannot make it overflow or inexact, and coll: the
# collation that has been derived for text, with "!" before it once it was written.  A scope is an array of
# relations; a relation has alias, table and columns.  Everything that errors on some rows is kept out: which rows
# an expression is evaluated on is the planner's choice.
package Expression;
use strict;
use warnings;
use utf8;
use Exporter 'import';
use Schema;
use Tree;

our @EXPORT = qw(expression condition conditions leaf column constant_of columns_of collate settle next_alias reset_expressions compared ordered %orderable);

# Kinds with an order that leaves no two different texts equal, but for the forms of a number.
our %orderable = map { $_ => 1 } qw(int num flt text char bool date ts tstz time uuid blob inet);
my %comparable = (%orderable, map { $_ => 1 } qw(span jsonb ints));

my %constants = (
	int => [ 'integer', map { "$_" } -2 .. 6 ],
	num => [ 'numeric', '0', '1', '2.5', '-0.01', '1.1' ],
	flt => [ 'double precision', '0', '1', '-2', '3' ],
	text => [ 'text', '', 'a', 'A', 'a ', 'ab', 'ä', 'ß', '10', '%', '\\' ],
	char => [ 'character(5)', 'a', 'A', 'ab', '' ],
	bool => [ 'boolean', 't', 'f' ],
	date => [ 'date', '1970-01-01', '2024-02-29', '2024-12-31' ],
	ts => [ 'timestamp', '1970-01-01 00:00:00', '2024-12-31 23:59:59', '2025-01-01 00:00:00' ],
	tstz => [ 'timestamptz', '2024-03-31 01:30:00+00', '2025-01-01 00:00:00+02' ],
	time => [ 'time', '00:00:00', '12:34:56.5' ],
	span => [ 'interval', '1 day', '24 hours', '00:00:01' ],
	uuid => [ 'uuid', '123e4567-e89b-42d3-a456-426614174000', '00000000-0000-0000-0000-000000000000' ],
	blob => [ 'bytea', '\x', '\x00', '\x6162' ],
	json => [ 'json', '{"a": 1}', 'null' ],
	jsonb => [ 'jsonb', '{"a": 1}', 'null', '[]' ],
	inet => [ 'inet', '10.1.2.3/8', '::1' ],
	ints => [ 'integer[]', '{}', '{1,2}' ],
	spans => [ 'interval', '1 day', '1 month', '-1 hour', '90 minutes' ]);

# Forms of expressions: text with %1, %2 for the operands, their kinds ("!": only small ones); small: so is the result.
my %forms = (
	int => [
		map({ [ "(%1 $_ %2)", 'int!', 'int!', 'small' ] } qw(+ - *)),
		[ '(%1 / NULLIF(%2, 0))', 'int!', 'int!', 'small' ], [ '(%1 % NULLIF(%2, 0))', 'int!', 'int!', 'small' ],
		[ '(%1 / 3)', 'int!', 'small' ], [ '(%1 % 4)', 'int', 'small' ], [ '(- %1)', 'int!', 'small' ], [ 'abs(%1)', 'int!', 'small' ],
		[ 'char_length(%1)', 'text', 'small' ], [ 'octet_length(%1)', 'text', 'small' ], [ 'strpos(%1, %2)', 'text', 'text', 'small' ],
		[ 'ascii(%1)', 'text' ], [ 'length(%1)', 'blob', 'small' ], [ '%1::integer', 'bool', 'small' ], [ '%1::bigint', 'int' ], [ 'mod(%1, 5)', 'int', 'small' ],
		[ '(%1 - %2)', 'date!', 'date!' ], map({ [ "extract($_ FROM %1)::integer", 'date!' ] } qw(year month day dow doy quarter week isoyear)),
		map({ [ "extract($_ FROM %1)::integer", 'ts!' ] } qw(year hour minute)),
		[ '%1::integer', 'num!', 'small' ], [ '(%1 & %2)', 'int', 'int' ], [ '(%1 | %2)', 'int', 'int' ],
	],
	num => [
		map({ [ "(%1 $_ %2)", 'num', 'num' ], [ "(%1 $_ %2)", 'num!', 'int!' ] } qw(+ - *)),
		[ '(%1 / NULLIF(%2, 0))', 'num', 'num' ], [ '(%1 % NULLIF(%2, 0))', 'num!', 'num!' ], [ '(- %1)', 'num' ], [ 'abs(%1)', 'num' ],
		map({ ["$_(%1)", 'num'] } qw(round trunc floor ceil sign)), [ 'round(%1, 1)', 'num' ], [ 'trunc(%1, 1)', 'num' ], [ '%1::numeric', 'int' ], [ '%1::numeric(12,1)', 'num!' ],
		[ 'extract(epoch FROM %1)', 'ts!' ], [ 'extract(second FROM %1)', 'ts!' ],
	],
	flt => [
		map({ [ "(%1 $_ %2)", 'flt!', 'flt!', 'small' ] } qw(+ - *)),
		[ '(%1 / NULLIF(%2, 0))', 'flt!', 'flt!' ], [ '(- %1)', 'flt' ], [ 'abs(%1)', 'flt' ], [ '%1::double precision', 'int!', 'small' ],
		map({ ["$_(%1)", 'flt'] } qw(floor ceil trunc round)), [ '(%1 + %2)', 'flt!', 'int!', 'small' ],
	],
	text => [
		map({ ["$_(%1)", 'text'] } qw(lower upper reverse trim ltrim rtrim initcap md5)),
		[ '(%1 || %2)', 'text', 'text' ], [ 'substr(%1, 2)', 'text' ], [ 'substr(%1, 1, 2)', 'text' ], [ 'left(%1, 1)', 'text' ], [ 'right(%1, 2)', 'text' ],
		[ 'replace(%1, %2, %3)', 'text', 'text', 'text' ], [ 'concat(%1, %2)', 'text', 'int' ], [ q{lpad(%1, 4, '*')}, 'text' ], [ 'rpad(%1, 3)', 'text' ], [ 'repeat(%1, 2)', 'text' ],
		map({ [ '%1::text', $_ ] } qw(int num! bool date uuid char)),
		[ q{(%1 ->> 'a')}, 'json' ], [ q{(%1 ->> 'a')}, 'jsonb' ], [ q{(%1 ->> 0)}, 'jsonb' ], [ q{btrim(%1, 'a ')}, 'text' ], [ q{split_part(%1, 'b', 1)}, 'text' ],
		[ q{translate(%1, 'ab', 'ba')}, 'text' ], [ q{concat_ws('-', %1, %2)}, 'text', 'text' ], [ 'left(%1, -1)', 'text' ], [ q{to_char(%1, 'YYYY-MM')}, 'ts!' ],
	],
	date => [ [ '(%1 + %2::integer)', 'date!', 'int!' ], [ '(%1 - %2::integer)', 'date!', 'int!' ], [ '%1::date', 'ts!' ] ],
	ts => [ map({ [ "date_trunc('$_', %1)", 'ts' ] } qw(day month year hour quarter week)), [ '%1::timestamp', 'date!' ], [ '(%1 + %2)', 'ts!', 'spans' ], [ '(%1 - %2)', 'ts!', 'spans' ], [ '(%1 + %2)', 'date!', 'spans' ] ],
	tstz => [ [ q{date_trunc('day', %1)}, 'tstz' ], [ '%1::timestamptz', 'ts!' ], [ '(%1 + %2)', 'tstz', 'spans' ] ],
	span => [ [ '(%1 - %2)', 'ts!', 'ts!' ] ],
	jsonb => [ [ q{(%1 -> 'a')}, 'jsonb' ] ]);

my @patterns = ('%', 'a%', '%b', '_', 'A_', 'a\\%', '%\\\\%', '', 'ä%', '%ß%', '🐎%', 'a', '%a%', '_b%', 'É', "%'%", '% ', '%\\_%');
my @expressions = ('^a', 'b$', 'a.*', '[ab]', '^[A-Z]+$', 'ä', '\\d', '(a|b)', '^.$', '^$', 's+');

# Calm expressions are columns and constants, calm conditions few and simple: what has the best chance to be sent, so
# that the query around it is.
my ($aliases, $calm);

sub reset_expressions { ($calm) = @_; $aliases = 0; return }
sub next_alias { my ($prefix) = @_; return $prefix . ++$aliases }

sub compared { my ($node) = @_; return $comparable{ $node->{kind} } }
sub ordered { my ($node) = @_; return $orderable{ $node->{kind} } }

sub columns_of
{
	my ($scope, $kind, $small) = @_;
	return grep { (!$kind || $_->{kind} eq $kind) && (!$small || $_->{small}) } map { @{ $_->{columns} } } @$scope;
}

sub column
{
	my ($column) = @_;
	my $node = node($column->{ref});
	@$node{qw(kind small coll pool is)} = @$column{qw(kind small collation values is)};
	return $node;
}

# A constant of a kind: most often a value that a column holds.
sub constant_of
{
	my ($kind, $scope, $small, $like) = @_;
	my ($type, @values) = @{ $constants{$kind} };
	my @columns = grep { @{ $_->{values} || [] } } columns_of($scope, $kind, $small);
	my @pool = $like && $like->{pool} && chance(0.8) ? @{ $like->{pool} } : @columns && chance(0.7) ? @{ pick(@columns)->{values} } : @values;
	@pool = @values unless @pool;
	$type = 'numeric' if $kind eq 'num';
	$type = 'bigint' if $kind eq 'int' && grep { abs $_ > 2147483647 } @pool;
	$type = $like->{is} if $like && $like->{is} && $kind =~ /^(int|flt)$/ && chance(0.5);
	$type = 'bigint' if $type eq 'smallint' && grep { abs $_ > 32767 } @pool;
	my $node = constant(chance(0.03) ? undef : pick(@pool), $type, \@pool);
	@$node{qw(kind small)} = ($kind, $small);
	return $node;
}

sub leaf
{
	my ($kind, $scope, $small) = @_;
	my @columns = columns_of($scope, $kind, $small);
	return column(pick(@columns)) if @columns && chance(0.8);
	return constant_of($kind, $scope, $small);
}

sub collate
{
	my ($node, $collation) = @_;
	my $made = node('(', $node, qq{ COLLATE "$collation")});
	@$made{qw(kind pool coll to)} = (@$node{qw(kind pool)}, "!$collation", [$node]);
	return $made;
}

# The collation that texts have together; two that disagree are settled by writing one.
sub settle
{
	my ($nodes) = @_;
	my ($first, @texts) = grep { $nodes->[$_]{kind} =~ /^(text|char)$/ } 0 .. $#$nodes;
	return unless defined $first;
	my %colls = map { $_ => 1 } grep { $_ } map { $_->{coll} } @$nodes[ $first, @texts ];
	my ($written) = grep { /^!/ } keys %colls;
	return $written if $written;
	return (keys %colls)[0] if keys %colls < 2;
	$nodes->[$first] = collate($nodes->[$first], 'C');
	return '!C';
}

# A node of text with %1, %2 ... for operands; it may be replaced by those of its own kind.
sub formed
{
	my ($kind, $form, @operands) = @_;
	my $coll = settle(\@operands);
	my $node = node(map { /^%(\d)$/ ? $operands[ $1 - 1 ] : $_ } split /(%\d)/, $form);
	@$node{qw(kind coll to)} = ($kind, $coll, [ grep { $_->{kind} eq $kind } @operands ]);
	return $node;
}

# An expression of a kind: a leaf, an operation, or one that every kind has.
sub expression
{
	my ($kind, $depth, $scope, $small) = @_;
	$depth = 0 if $calm && !chance(0.15);
	return condition($depth - 1, $scope) if $kind eq 'bool' && $depth > 0 && chance(0.5);
	return leaf($kind, $scope, $small) if $depth <= 0 || chance(0.4) || $kind eq 'spans';
	my @forms = grep { !$small || $_->[-1] eq 'small' } @{ $forms{$kind} || [] };
	return common_expression($kind, $depth, $scope, $small) if !@forms || chance(0.25);
	my ($form, @kinds) = @{ pick(@forms) };
	my $stays_small = $kinds[-1] eq 'small' && pop @kinds;
	my @operands = map { /^(\w+)(!?)$/ ? expression($1, $depth - 1, $scope, $2 ? 1 : 0) : () } @kinds;
	my $node = formed($kind, $form, @operands);
	$node->{small} = $stays_small;
	return $node;
}

sub common_expression
{
	my ($kind, $depth, $scope, $small) = @_;
	my @operands = map { expression($kind, $depth - 1, $scope, $small) } 1 .. 2;
	my @forms = ('COALESCE(%1, %2)', ('CASE WHEN %3 THEN %1 ELSE %2 END') x 2, 'CASE WHEN %3 THEN %1 END');
	push @forms, 'NULLIF(%1, %2)' if $comparable{$kind};
	push @forms, 'GREATEST(%1, %2)', 'LEAST(%1, %2)' if $orderable{$kind};
	my $form = pick(@forms);
	push @operands, condition($depth - 1, $scope) if $form =~ /%3/;
	my $coll = settle(\@operands);
	my $node = formed($kind, $form, @operands);
	@$node{qw(small coll to)} = ($small, $coll, [ @operands[ 0, 1 ] ]);
	return $node;
}

# ---- Conditions ------------------------------------------------------------------------------

# Conditions joined by AND.
sub conditions
{
	my ($depth, $scope, @first) = @_;
	my @all = (@first, map { condition($depth, $scope) } 1 .. ($calm ? (@first ? 0 : 1) : pick(1, 1, 1, 2, 2, 3)));
	return list_of(' AND ', 1, @all);
}

my @conditions = (
	(\&comparison) x 8, (\&list_condition) x 3, (\&null_condition) x 2, \&distinct_condition, (\&between_condition) x 2,
	(\&pattern_condition) x 3, (\&boolean_condition) x 3, (\&junction) x 5, \&row_condition, \&array_condition, \&json_condition);
my @calm_conditions = ((\&comparison) x 8, (\&list_condition) x 2, (\&null_condition) x 3, (\&between_condition) x 2, (\&junction) x 2, \&array_condition, \&pattern_condition);

sub condition
{
	my ($depth, $scope) = @_;
	my $node = pick($calm ? @calm_conditions : @conditions)->($depth, $scope) || comparison($depth, $scope);
	$node->{kind} = 'bool';
	push @{ $node->{to} }, 'true', 'false';
	return $node;
}

# An operand to compare: of a kind that some column in scope has.
sub subject
{
	my ($depth, $scope, $fits) = @_;
	my @columns = grep { $fits->{ $_->{kind} } } columns_of($scope);
	@columns = grep { $_->{kind} =~ /^(int|num|flt|text|date|ts)$/ } @columns if $calm;
	return unless @columns;
	my $chosen = pick(@columns);
	return $calm || chance(0.65) ? column($chosen) : expression($chosen->{kind}, $depth, $scope, 0);
}

# What it is compared with: a constant, a column or an expression of its kind, or of one that compares with it.
my %akin = (int => [qw(num flt)], num => [qw(int)], flt => [qw(int)], date => [qw(ts)], ts => [qw(date)], char => [qw(text)], text => [qw(char)]);

sub partner
{
	my ($subject, $depth, $scope) = @_;
	my $kind = $subject->{kind};
	$kind = pick(@{ $akin{$kind} }) if $akin{$kind} && !$calm && chance(0.1);
	return constant_of($kind, $scope, 0, $kind eq $subject->{kind} ? $subject : undef) if chance(0.6);
	return chance(0.6) ? leaf($kind, $scope, 0) : expression($kind, $depth, $scope, 0);
}

# Text under a written collation, often enough that its order can cross.
sub maybe_collated
{
	my ($nodes, $share) = @_;
	my $coll = settle($nodes);
	return if ($coll && $coll =~ /^!/) || !chance($calm && $share > 0.1 ? 1 : $share);
	my ($text) = grep { $nodes->[$_]{kind} =~ /^(text|char)$/ } 0 .. $#$nodes;
	$nodes->[$text] = collate($nodes->[$text], pick('C', 'C', 'C', 'default')) if defined $text;
	return;
}

sub comparison
{
	my ($depth, $scope) = @_;
	my $left = subject($depth, $scope, \%comparable) || expression('int', $depth, $scope, 0);
	my @pair = ($left, partner($left, $depth, $scope));
	my $operator = pick(qw(= = = <> < <= > >=));
	maybe_collated(\@pair, $operator =~ /^(=|<>)$/ ? 0.1 : 0.6);
	return node('(', $pair[0], " $operator ", $pair[1], ')');
}

sub list_condition
{
	my ($depth, $scope) = @_;
	my $left = subject($depth, $scope, \%comparable) or return;
	my @items = map { chance(0.85) ? constant_of($left->{kind}, $scope, 0, $left) : leaf($left->{kind}, $scope, 0) } 1 .. 1 + int rand 4;
	my $operator = pick('IN', 'IN', 'NOT IN');
	my @all = ($left, @items);
	maybe_collated(\@all, 0.05);
	if (grep { ($_->{coll} || '') ne '' } @items) { @all = map { $_->{kind} =~ /^(text|char)$/ && ($_->{coll} || '') !~ /^!/ ? collate($_, 'C') : $_ } @all }
	($left, @items) = @all;
	return node('(', $left, " $operator (", list_of(', ', 1, @items), '))');
}

sub array_condition
{
	my ($depth, $scope) = @_;
	my $left = subject($depth, $scope, { map { $_ => 1 } qw(int text date uuid num flt bool) }) or return;
	my @pool = grep { defined } @{ $left->{pool} || [] };
	@pool = @{ $constants{ $left->{kind} } }[ 1 .. 2 ] unless @pool;
	my %type = (int => 'bigint', num => 'numeric', flt => 'double precision', bool => 'boolean');
	my @values = map { chance(0.1) ? undef : pick(@pool) } 1 .. int rand 4;
	my $text = '{' . join(',', map { defined $_ ? '"' . s/(["\\])/\\$1/gr . '"' : 'NULL' } @values) . '}';
	my $array = constant($text, ($type{ $left->{kind} } || $left->{kind}) . '[]', [ $text, '{}' ]);
	return node('(', $left, pick(' = ANY (', ' = ANY (', ' <> ALL (', ' <> ANY ('), $array, '))');
}

sub null_condition
{
	my ($depth, $scope) = @_;
	my @columns = columns_of($scope) or return;
	my $chosen = pick(@columns);
	my $node = chance(0.7) ? column($chosen) : expression($chosen->{kind}, $depth, $scope, 0);
	return node('(', $node, pick(' IS NULL)', ' IS NOT NULL)'));
}

sub distinct_condition
{
	my ($depth, $scope) = @_;
	my $left = subject($depth, $scope, \%comparable) or return;
	my @pair = ($left, partner($left, $depth, $scope));
	maybe_collated(\@pair, 0.1);
	return node('(', $pair[0], pick(' IS DISTINCT FROM ', ' IS NOT DISTINCT FROM '), $pair[1], ')');
}

sub between_condition
{
	my ($depth, $scope) = @_;
	my $left = subject($depth, $scope, \%orderable) or return;
	return if $left->{kind} =~ /^(text|char)$/ && ($left->{coll} || '') =~ /^!/;
	my $right = sub { constant_of($left->{kind}, $scope, 0, $left) };
	$left = collate($left, 'C') if $left->{kind} =~ /^(text|char)$/ && ($calm || chance(0.6));
	return node('(', $left, pick(' BETWEEN ', ' BETWEEN ', ' NOT BETWEEN ', ' BETWEEN SYMMETRIC '), $right->(), ' AND ', $right->(), ')');
}

sub pattern_condition
{
	my ($depth, $scope) = @_;
	my $left = subject($depth, $scope, { text => 1, char => 1 }) or return;
	$left = collate($left, 'C') if ($left->{coll} || '') !~ /^!/ && chance(0.2);
	my ($operator, @pool) = @{ pick(([ 'LIKE', @patterns ]) x 3, [ 'NOT LIKE', @patterns ], [ 'ILIKE', @patterns ], [ 'NOT ILIKE', @patterns ],
			[ '~', @expressions ], [ '~*', @expressions ], [ '!~', @expressions ], [ '^@', 'a', '', 'ä', 'A' ]) };
	return if $operator eq '^@' && $left->{kind} eq 'char';
	return node('(', $left, " $operator ", constant(pick(@pool), 'text', \@pool), ')');
}

sub boolean_condition
{
	my ($depth, $scope) = @_;
	my $of = $depth > 0 || !columns_of($scope, 'bool') ? condition($depth - 1, $scope) : leaf('bool', $scope, 0);
	return node(pick('(NOT ', '(', '('), $of, ')') if chance(0.5);
	return node('(', $of, pick(map { " IS $_)" } 'TRUE', 'NOT TRUE', 'FALSE', 'NOT FALSE', 'NULL', 'UNKNOWN')) if chance(0.6);
	return node('COALESCE(', $of, ', ', leaf('bool', $scope, 0), ')') if chance(0.5);
	return node('(CASE WHEN ', $of, ' THEN ', condition($depth - 1, $scope), ' ELSE ', leaf('bool', $scope, 0), ' END)');
}

sub junction
{
	my ($depth, $scope) = @_;
	return if $depth <= 0;
	my @all = map { condition($depth - 1, $scope) } 1 .. 2 + int rand 2;
	my $node = node(pick('(', '(', '(NOT ('), list_of(pick(' AND ', ' OR ', ' OR '), 1, @all), ')');
	push @{ $node->{parts} }, ')' if $node->{parts}[0] eq '(NOT (';
	$node->{to} = [@all];
	return $node;
}

sub row_condition
{
	my ($depth, $scope) = @_;
	my @left = grep { $_ } map { subject(0, $scope, { map { $_ => 1 } qw(int num date ts uuid) }) } 1 .. 2;
	return if @left < 2;
	my @right = map { chance(0.7) ? constant_of($_->{kind}, $scope, 0, $_) : leaf($_->{kind}, $scope, 0) } @left;
	return node('((', $left[0], ', ', $left[1], ')', pick(' = ', ' <> ', ' < ', ' <= ', ' > ', ' >= '), '(', $right[0], ', ', $right[1], '))');
}

sub json_condition
{
	my ($depth, $scope) = @_;
	return unless columns_of($scope, 'jsonb');
	return node('(', leaf('jsonb', $scope, 0), pick(' @> ', ' <@ ', ' = '), constant_of('jsonb', $scope, 0), ')');
}

1;
