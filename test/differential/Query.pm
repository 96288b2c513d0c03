# test/differential/Query.pm — random queries over a set of tables, reads and writes.
#
# A query is a hash: tree; tags, the constructs in it; order, how many leading output columns tell its order, or "all"
# when it is a total one; count, when only the number of rows is determined; loose, when which of several equal numbers
# comes out is not; write, the table it changes.
package Query;
use strict;
use warnings;
use Exporter 'import';
use Schema;
use Tree;
use Expression;

our @EXPORT = qw(random_read random_write);

my ($query, $mixed, @tables);

sub tag { my (@names) = @_; $query->{tags}{$_} = 1 foreach @names; return }

sub begin_query
{
	my (@of) = @_;
	@tables = @of;
	$query = { tags => {} };
	$mixed = chance(0.12);
	reset_expressions(chance(0.6));
	return;
}

# ---- FROM ------------------------------------------------------------------------------------

sub relation
{
	my ($table, $alias) = @_;
	$alias //= next_alias('a');
	my @columns = map { { %$_, ref => "$alias.$_->{name}" } } @{ $table->{columns} };
	return { alias => $alias, table => $table, columns => \@columns, keys => [ map { $_->{ref} } grep { $_->{key} } @columns ] };
}

# A table to read from: in some queries also the copy that is here, whichever way the query runs.
sub some_table
{
	my $table = pick(@tables);
	return $table unless $mixed && chance(0.5);
	tag('local');
	return { %$table, name => "copy.$table->{name}" };
}

sub total_order { my ($scope) = @_; return grep({ !@{ $_->{keys} } } @$scope) ? () : map { @{ $_->{keys} } } @$scope }

# A sub-select that stands as a relation: some expressions of one table, perhaps grouped or cut off.
sub derived
{
	my $inner = relation(pick(@tables));
	my $alias = next_alias('s');
	my @chosen = map { my $kind = pick(columns_of([$inner]))->{kind}; expression($kind, 1, [$inner]) } 1 .. 1 + int rand 3;
	my @names = map { "x$_" } 1 .. @chosen;
	my @output = map { node($chosen[$_], " AS $names[$_]") } 0 .. $#chosen;
	my @rest = chance(0.6) ? optional(' WHERE ', conditions(1, [$inner])) : ();
	my @keys;
	if (chance(0.3))
	{
		tag('derived-limit');
		push @rest, ' ORDER BY ' . join(', ', @{ $inner->{keys} }) . ' LIMIT ', constant(pick(1, 3, 5), 'bigint', [ 0, 2, 4 ]);
	}
	elsif (chance(0.25) && !grep { !compared($_) || $_->{kind} eq 'span' } @chosen)
	{
		tag('derived-distinct');
		$query->{loose} = 1;
		unshift @output, 'DISTINCT ';
		@output = (shift @output, list_of(', ', 1, @output));
	}
	my $list = @output && !ref $output[0] ? node(@output) : list_of(', ', 1, @output);
	my @columns = map { my $made = $chosen[$_];
		(my $coll = $made->{coll} || '') =~ s/^!//;
		{ ref => "$alias.$names[$_]", kind => $made->{kind}, small => $made->{small}, values => $made->{pool} || [], collation => $coll } } 0 .. $#chosen;
	tag('derived');
	return (node('(SELECT ', $list, " FROM $inner->{table}{name} $inner->{alias}", @rest, ") $alias"), { alias => $alias, columns => \@columns, keys => \@keys });
}

sub source
{
	return derived() if chance(0.12);
	my $relation = relation(some_table());
	return (node("$relation->{table}{name} $relation->{alias}"), $relation);
}

# An equality between columns of two scopes, most often of keys.
sub meeting
{
	my ($left, $right) = @_;
	my @pairs = map { my $one = $_; map { [ $one, $_ ] } grep { $_->{kind} eq $one->{kind} } columns_of($right) }
	  grep { $_->{kind} !~ /^(json|span)$/ } columns_of($left);
	return unless @pairs;
	my @keys = grep { $_->[0]{small} && $_->[1]{small} } @pairs;
	my @pair = map { column($_) } @{ @keys && chance(0.6) ? pick(@keys) : pick(@pairs) };
	settle(\@pair);
	return node('(', $pair[0], ' = ', $pair[1], ')');
}

sub from_clause
{
	my ($wanted) = @_;
	my ($tree, $first) = source();
	my @scope = ($first);
	foreach (2 .. $wanted)
	{
		my ($right, $relation) = source();
		my $on = meeting(\@scope, [$relation]);
		my $kind = pick(qw(JOIN JOIN JOIN LEFT LEFT LEFT RIGHT FULL CROSS COMMA));
		$kind = 'CROSS' if !$on;
		tag('join', 'join-' . lc $kind);
		my $before = $tree;
		if ($kind =~ /^(CROSS|COMMA)$/) { $tree = node($tree, ' CROSS JOIN ', $right) }
		else
		{
			my $all = $kind ne 'FULL' && chance(0.35) ? list_of(' AND ', 1, $on, condition(1, [ @scope, $relation ])) : $on;
			$tree = node($tree, $kind eq 'JOIN' ? ' JOIN ' : " $kind JOIN ", $right, ' ON ', $all);
		}
		$tree->{to} = [$before];
		push @scope, $relation;
	}
	return ($tree, \@scope);
}

# ---- Sub-selects -----------------------------------------------------------------------------

# FROM and WHERE of a sub-select that may refer to the outer scope.
sub inner_part
{
	my ($outer) = @_;
	my $inner = relation(some_table());
	my @conditions;
	my $meeting = chance(0.75) ? meeting([$inner], $outer) : undef;
	push @conditions, $meeting if $meeting;
	tag($meeting ? 'correlated' : 'uncorrelated');
	push @conditions, condition(1, chance(0.2) ? [ $inner, @$outer ] : [$inner]) if chance(0.5);
	my $where = @conditions ? optional(' WHERE ', list_of(' AND ', 1, @conditions)) : '';
	return ([$inner], node(" FROM $inner->{table}{name} $inner->{alias}", $where));
}

sub membership
{
	my ($scope) = @_;
	my ($inner, $rest) = inner_part($scope);
	if (chance(0.5))
	{
		my $not = chance(0.5);
		tag($not ? 'not-exists' : 'exists');
		return node($not ? '(NOT EXISTS (SELECT 1' : '(EXISTS (SELECT 1', $rest, '))');
	}
	my @left = grep { compared({ kind => $_->{kind} }) && columns_of($inner, $_->{kind}) } columns_of($scope);
	return unless @left;
	my $chosen = pick(@left);
	my @pair = (column($chosen), column(pick(columns_of($inner, $chosen->{kind}))));
	settle(\@pair);
	my $operator = pick('IN', 'IN', 'NOT IN', '= ANY', '<> ALL', chance(0.5) && $pair[0]{kind} =~ /^(int|num|date)$/ ? '> ALL' : '= ANY');
	tag($operator =~ /NOT IN|ALL/ ? 'not-in' : 'in');
	return node('(', $pair[0], " $operator (SELECT ", $pair[1], $rest, '))');
}

sub scalar_query
{
	my ($scope) = @_;
	my ($inner, $rest) = inner_part($scope);
	my $made = aggregate($inner);
	tag('scalar');
	my $node = node('(SELECT ', $made, $rest, ')');
	@$node{qw(kind coll to)} = (@$made{qw(kind coll)}, ['NULL']);
	return $node;
}

# ---- Aggregates ------------------------------------------------------------------------------

my @aggregates = (
	[ 'count(*)', 'int' ], [ 'count(*)', 'int' ], [ 'count(%1)', 'int', 'any' ], [ 'count(DISTINCT %1)', 'int', 'orderable' ],
	[ 'sum(%1)', 'num', 'int' ], [ 'sum(%1)', 'num', 'int' ], [ 'avg(%1)', 'num', 'int' ], [ 'sum(%1)', 'num', 'num' ], [ 'avg(%1)', 'num', 'num' ],
	[ 'sum(%1)', 'flt', 'flt!' ], [ 'avg(%1)', 'flt', 'flt!' ], [ 'sum(DISTINCT %1)', 'num', 'int' ], map({ [ "$_(%1)", 'num', 'int!' ] } qw(stddev_samp var_pop variance)),
	([ 'min(%1)', '=', 'extreme' ], [ 'max(%1)', '=', 'extreme' ]) x 3, map({ [ "$_(%1)", 'bool', 'bool' ] } qw(bool_and bool_or every)),
	[ q{string_agg(%1, ',' ORDER BY %1 COLLATE "C")}, 'text', 'text' ], [ 'array_agg(%1 ORDER BY %1 DESC)', 'list', 'int' ], [ 'bit_or(%1)', 'int', 'int' ],
	[ q{string_agg(DISTINCT %1::text, ';' ORDER BY %1::text)}, 'text', 'int' ]);

sub aggregate
{
	my ($scope) = @_;
	my ($form, $kind, $takes) = @{ pick(@aggregates) };
	my $coll;
	if ($takes)
	{
		my %fits = (any => sub { 1 }, orderable => sub { ordered($_[0]) }, extreme => sub { ordered($_[0]) && $_[0]{kind} !~ /^(bool|uuid|blob)$/ });
		my $fit = $fits{$takes} || sub { $_[0]{kind} eq ($takes =~ /(\w+)/)[0] && ($takes !~ /!/ || $_[0]{small}) };
		my @columns = grep { $fit->($_) } columns_of($scope);
		return aggregate($scope) unless @columns;
		my $of = column(pick(@columns));
		$of = expression($of->{kind}, 1, $scope, $of->{small}) if $kind ne 'list' && chance(0.3);
		$of = collate($of, 'C') if $of->{kind} eq 'text' && ($of->{coll} || '') !~ /^!/ && $takes =~ /^(extreme|orderable|text)$/ && chance(0.6);
		$query->{loose} = 1 if $of->{kind} =~ /^(num|flt)$/;
		($kind, $coll) = ($of->{kind}, $of->{coll}) if $kind eq '=';
		$coll = $of->{coll} if $kind eq 'text';
		$form = node(map { $_ eq '%1' ? $of : $_ } split /(%1)/, $form);
		tag('aggregate-distinct') if $form->{parts}[0] =~ /DISTINCT/;
	}
	my @filter = chance(0.2) ? optional(' FILTER (WHERE ', condition(1, $scope), ')') : ();
	tag('aggregate', @filter ? 'aggregate-filter' : ());
	my $node = node($form, @filter);
	@$node{qw(kind coll to)} = ($kind, $coll, ['count(*)']);
	return $node;
}

# ---- The parts after WHERE -------------------------------------------------------------------

sub output
{
	my ($scope, $depth) = @_;
	return scalar_query($scope) if chance(0.06);
	return plain_output($scope, $depth);
}

sub plain_output
{
	my ($scope, $depth) = @_;
	my @columns = columns_of($scope);
	return node(pick(@$scope)->{alias} . '.*') if chance(0.1);
	my $chosen = pick(@columns);
	return chance(0.6) ? column($chosen) : expression($chosen->{kind}, $depth, $scope);
}

sub sort_key
{
	my ($scope) = @_;
	my @columns = grep { ordered($_) } columns_of($scope);
	my $chosen = pick(@columns);
	my $node = chance(0.75) ? column($chosen) : expression($chosen->{kind}, 1, $scope);
	$node = collate($node, 'C') if $node->{kind} =~ /^(text|char)$/ && ($node->{coll} || '') !~ /^!/ && chance(0.7);
	$query->{loose} = 1 if $node->{kind} =~ /^(num|flt)$/;
	return $node;
}

sub direction { return pick('', '', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST', ' ASC NULLS LAST', ' DESC NULLS FIRST') }

# ORDER BY and LIMIT over sort keys that stand first in the output; total: what makes the order a total one.
sub ending
{
	my ($keys, @total) = @_;
	my $limit = chance(0.5);
	tag('order') if @$keys;
	my @order = map { node($_, direction()) } @$keys;
	if ($limit && @total) { push @order, map { node($_) } @total; $query->{order} = 'all' }
	elsif (@$keys) { $query->{order} = @$keys }
	my @parts = @order ? ' ORDER BY ' : ();
	push @parts, list_of(', ', scalar @order, @order) if @order;
	return @parts unless $limit;
	$query->{count} = 1 unless @total;
	tag('limit');
	push @parts, optional(' LIMIT ', constant(pick(0, 1, 2, 3, 5, 10), 'bigint', [ 0, 1, 4, 7 ]));
	push @parts, optional(' OFFSET ', constant(pick(0, 1, 2, 4), 'bigint', [ 0, 1, 3 ])) if chance(0.3);
	return @parts;
}

sub plain_body
{
	my ($scope, $from, $where) = @_;
	my @keys = chance(0.5) && grep({ ordered($_) } columns_of($scope)) ? map { sort_key($scope) } 1 .. 1 + int rand 2 : ();
	my @output = map { output($scope, 2) } 1 .. 1 + int rand 4;
	my $list = list_of(', ', @keys ? 0 : 1, @output);
	my $first = @keys ? node(list_of(', ', scalar @keys, @keys), @output ? ', ' : ()) : '';
	return node('SELECT ', $first, $list, ' FROM ', $from, $where, ending(\@keys, total_order($scope)));
}

sub grouped_body
{
	my ($scope, $from, $where) = @_;
	my @able = grep { ordered($_) } columns_of($scope);
	$query->{loose} = 1;
	my @keys = map { my $chosen = pick(@able); chance(0.75) ? column($chosen) : expression($chosen->{kind}, 1, [ { columns => [$chosen] } ]) } 1 .. (@able ? pick(0, 1, 1, 1, 2, 2, 3) : 0);
	@keys = map { $_->{kind} eq 'text' && !$_->{coll} && chance(0.3) ? collate($_, 'C') : $_ } @keys;
	my @made = map { aggregate($scope) } 1 .. 1 + int rand 3;
	my $grouping = '';
	if (@keys)
	{
		my $list = list_of(', ', 1, @keys);
		$grouping = node(' GROUP BY ', $list);
		tag('group');

		# Columns only: up to PostgreSQL 17 the planner sorts by a key that folds to a constant as if no set left it out.
		if (@keys > 1 && chance(0.5) && !grep { !$_->{is} } @keys)
		{
			my $sets = pick('ROLLUP (', 'CUBE (', 'GROUPING SETS ((), ');
			tag('grouping-sets');
			$grouping = node(" GROUP BY $sets", $list, ')');
		}
	}
	else { tag('group-all') }
	my @having;
	if (chance(0.3))
	{
		tag('having');
		my $made = aggregate($scope);
		@having = optional(' HAVING ', $made->{kind} =~ /^(int|num)$/ ? ($made, pick(' > ', ' = ', ' <= '), constant(pick(0, 1, 2), 'integer', [ 0, 1, 3 ])) : ($made, ' IS NOT NULL'));
	}
	my $first = @keys ? node(list_of(', ', scalar @keys, @keys), ', ') : '';
	my $sorted = @keys && chance(0.5);
	my $unique = $query->{tags}{'grouping-sets'} ? 0 : 1;
	my @ending = $sorted ? ending(\@keys, $unique ? (@keys) : ()) : ();

	# Keys that a condition makes equal are sorted by as if no set left one of them out, up to PostgreSQL 17.
	$query->{order} = 0 if !$unique && grep { $query->{tags}{$_} } qw(join filter with);
	return node('SELECT ', $first, list_of(', ', 1, @made), ' FROM ', $from, $where, $grouping, @having, @ending);
}

sub distinct_body
{
	my ($scope, $from, $where) = @_;
	my @columns = grep { ordered($_) } columns_of($scope) or return plain_body($scope, $from, $where);
	my @keys = map { my $chosen = pick(@columns); chance(0.75) ? column($chosen) : expression($chosen->{kind}, 1, $scope) } 1 .. 1 + int rand 2;
	tag('distinct');
	$query->{loose} = 1;
	return node('SELECT DISTINCT ', list_of(', ', scalar @keys, @keys), ' FROM ', $from, $where, chance(0.5) ? ending(\@keys, @keys) : ());
}

# A window function over a scope, and the kind of what it returns; nothing when there is nothing to sort by.
sub window_call
{
	my ($scope) = @_;
	my @total = total_order($scope);
	return unless grep { ordered($_) } columns_of($scope);
	my $key = sort_key($scope);
	my @partition = chance(0.5) ? ('PARTITION BY ', sort_key($scope), ' ') : ();
	my $order = join ', ', @total;
	my @choices = ([ 'rank()', 0 ], [ 'dense_rank()', 0 ], [ 'count(*)', 0 ], [ 'percent_rank()', 0 ]);
	push @choices, [ 'row_number()', 1 ], [ 'ntile(3)', 1 ], [ 'count(*)', 1 ], map({ [ $_, 1 ] } 'lag(%1)', 'lead(%1, 2)', 'first_value(%1)', 'last_value(%1)') if @total;
	push @choices, [ 'sum(%2)', 0 ], [ 'avg(%2)', 0 ];
	my ($form, $needs_total) = @{ pick(@choices) };
	my %operand = ('%1' => column(pick(columns_of($scope))), '%2' => expression('int', 1, $scope, 1));
	my $call = node(map { $operand{$_} || $_ } split /(%\d)/, $form);
	my $frame = $needs_total && chance(0.4) ? pick(' ROWS BETWEEN 1 PRECEDING AND CURRENT ROW', ' ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING', ' ROWS UNBOUNDED PRECEDING') : '';
	$frame = '' if $form =~ /^(row_number|ntile|lag|lead)/;
	my $kind = $form =~ /^(row_number|rank|dense_rank|count|ntile)\(/ ? 'int' : 'other';
	return (node($call, ' OVER (', @partition, 'ORDER BY ', $key, direction(), $needs_total ? ", $order" : '', $frame, ')'), $kind);
}

sub window_body
{
	my ($scope, $from, $where) = @_;
	my ($over) = window_call($scope) or return plain_body($scope, $from, $where);
	tag('window');
	return node('SELECT ', list_of(', ', 0, map { output($scope, 1) } 1 .. 2), ', ', $over, ' FROM ', $from, $where);
}

# What a window returns is asked for above it: the server may end the window early, or filter below it.
sub window_filter_body
{
	my ($scope, $from, $where) = @_;
	my ($over, $kind) = window_call($scope) or return plain_body($scope, $from, $where);
	my $alias = next_alias('s');
	my @chosen = map { expression(pick(columns_of($scope))->{kind}, 1, $scope) } 1 .. 1 + int rand 2;
	my @columns = map {
		my $made = $chosen[$_];
		(my $coll = $made->{coll} || '') =~ s/^!//;
		{ ref => "$alias.x$_", kind => $made->{kind}, small => $made->{small}, values => $made->{pool} || [], collation => $coll } } 0 .. $#chosen;
	my $wanted = $kind eq 'int' ? node("($alias.n ", pick('<=', '<=', '<', '=', '>=', '>'), ' ', constant(pick(1, 2, 3, 5), 'bigint', [ 0, 1, 2, 4 ]), ')') : node("($alias.n IS NOT NULL)");
	my @more = chance(0.3) ? condition(1, [ { alias => $alias, columns => \@columns, keys => [] } ]) : ();
	tag('window-filter');
	return node('SELECT ', list_of(', ', 1, map({ node($_->{ref}) } @columns), node("$alias.n")), ' FROM (SELECT ', map({ ($chosen[$_], " AS x$_, ") } 0 .. $#chosen),
		$over, ' AS n FROM ', $from, $where, ") $alias WHERE ", list_of(' AND ', 1, $wanted, @more));
}

my @bodies = ((\&plain_body) x 8, (\&grouped_body) x 5, (\&distinct_body) x 2, (\&window_body) x 1, (\&window_filter_body) x 1);

sub where_clause
{
	my ($scope) = @_;
	return '' if chance(0.15);
	my @members = grep { $_ } map { membership($scope) } 1 .. (chance(0.18) ? 1 : 0);
	tag('filter');
	if (chance(0.05) && (my $value = scalar_query($scope))->{kind} =~ /^(int|num)$/) { push @members, node('(', leaf('int', $scope), pick(' = ', ' < ', ' >= '), $value, ')') }
	return optional(' WHERE ', conditions(pick(0, 1, 1, 2, 3), $scope, @members));
}

sub select_query
{
	my ($from, $scope) = from_clause(pick(1, 1, 1, 1, 2, 2, 2, 3));
	tag('one-table') unless $query->{tags}{join} || $query->{tags}{derived};
	return pick(@bodies)->($scope, $from, where_clause($scope));
}

# Two or three selects of the same kinds of columns, put together.
sub union_query
{
	my @scopes = map { [ relation(pick(@tables)) ] } 1 .. 2;
	my @kinds = grep { my $kind = $_; ordered({ kind => $kind }) && !grep { !columns_of($_, $kind) } @scopes } map { $_->{kind} } columns_of($scopes[0]);
	return select_query() unless @kinds;
	my @chosen = map { pick(@kinds) } 1 .. 1 + int rand 2;
	my $operator = pick('UNION ALL', 'UNION ALL', 'UNION', 'INTERSECT', 'EXCEPT', 'EXCEPT ALL');
	my @selects;
	foreach my $scope (@scopes)
	{
		my @output = map { my $made = chance(0.8) ? leaf($_, $scope) : expression($_, 1, $scope); $_ =~ /^(text|char)$/ ? node('(', $made, ' COLLATE "C")::text') : $_ eq 'int' ? node($made, '::bigint') : $_ eq 'num' ? node($made, '::numeric') : $_ eq 'flt' ? node($made, '::float8') : $_ eq 'ts' ? node($made, '::timestamp') : $made } @chosen;
		push @selects, node('SELECT ', list_of(', ', scalar @output, @output), " FROM $scope->[0]{table}{name} $scope->[0]{alias}", where_clause($scope));
	}
	tag('union', $operator eq 'UNION ALL' ? 'union-all' : 'union-distinct');
	$query->{loose} = 1;
	my $tree = node($selects[0], " $operator ", $selects[1]);
	$tree->{to} = [@selects];
	my $columns = @chosen;
	$query->{order} = $columns, push @{ $tree->{parts} }, ' ORDER BY ' . join ', ', map { $_ . direction() } 1 .. $columns if chance(0.4);
	return $tree;
}

sub with_query
{
	my $inner = relation(pick(@tables));
	my $name = next_alias('w');
	my @chosen = grep { chance(0.7) } @{ $inner->{columns} };
	@chosen = $inner->{columns}[0] unless @chosen;
	tag('with');
	my $with = node("WITH $name AS " . pick('', 'MATERIALIZED ', 'NOT MATERIALIZED ') . '(SELECT ', join(', ', map { $_->{ref} } @chosen),
		" FROM $inner->{table}{name} $inner->{alias}", where_clause([$inner]), ') ');
	my $made = relation({ name => $name, columns => \@chosen });
	$made->{keys} = [] if grep({ $_->{key} } @chosen) < grep { $_->{key} } @{ $inner->{columns} };
	my ($other, $relation) = source();
	my $on = meeting([$made], [$relation]);
	my @scope = $on && chance(0.5) ? ($made, $relation) : ($made);
	my $from = @scope > 1 ? node("$name $made->{alias} JOIN ", $other, ' ON ', $on) : "$name $made->{alias}";
	return node($with, pick(\&plain_body, \&grouped_body)->(\@scope, $from, where_clause(\@scope)));
}

# What may fail on some values: then it is all the query does with every row, so that it fails everywhere or nowhere.
my @hazards = (
	[ '(%1 + %2)', 'int', 'int' ], [ '(%1 - %2)', 'int', 'int' ], [ '(%1 * %2)', 'int', 'int' ], [ '(%1 / %2)', 'int', 'int' ], [ '(%1 % %2)', 'int', 'int' ], [ '(- %1)', 'int' ], [ 'abs(%1)', 'int' ],
	[ '(%1 * %2)', 'flt', 'flt' ], [ '(%1 + %2)', 'flt', 'flt' ], [ '(%1 / %2)', 'flt', 'flt' ], [ '(%1 / %2)', 'num', 'num' ], [ '%1::integer', 'num' ], [ '%1::smallint', 'int' ], [ '%1::numeric(3,0)', 'num' ],
	[ '%1::integer', 'flt' ], [ '%1::integer', 'text' ], [ '%1::date', 'text' ], [ '(%1 + %2)', 'date', 'int' ], [ '%1::timestamp', 'date' ], [ 'sqrt(%1)', 'flt' ], [ 'ln(%1)', 'num' ], [ '%1::real', 'flt' ], [ 'left(%1, %2)', 'text', 'int' ], [ 'chr(%1)', 'int' ]);

sub hazard_query
{
	my $scope = [ relation(pick(@tables)) ];
	my ($form, @kinds) = @{ pick(@hazards) };
	return select_query() if grep { !columns_of($scope, $_) } @kinds;
	my @operands = map { column(pick(columns_of($scope, $_))) } @kinds;
	my $made = node(map { /^%(\d)$/ ? $operands[ $1 - 1 ] : $_ } split /(%\d)/, $form);
	my $from = " FROM $scope->[0]{table}{name} $scope->[0]{alias}";
	tag('hazard');
	return node('SELECT ', $made, $from) if chance(0.4);
	return node('SELECT sum(', $made, ')', $from) if chance(0.15) && $kinds[0] eq 'int';

	# Not IS NULL: a source may know that without computing the value, and then raises nothing.
	return node("SELECT $scope->[0]{keys}[0]$from WHERE ", $made, " = $operands[0]{parts}[0]");
}

my @reads = ((\&select_query) x 16, (\&union_query) x 1, (\&with_query) x 1, (\&hazard_query) x 1);

sub random_read
{
	begin_query(@_);
	$query->{tree} = pick(@reads)->();
	return $query;
}

# ---- Writes ----------------------------------------------------------------------------------

# A value for a column: one that fits it, or an expression of its kind where every result would.
sub value_for
{
	my ($column, $scope, $depth) = @_;
	my $free = $column->{small} && $column->{kind} =~ /^(int|num|flt|date)$/ && $column->{type} !~ /unsigned/ || $column->{kind} =~ /^(bool|uuid|blob)$/;
	return expression($column->{kind}, $depth, $scope, $column->{small}) if $free && chance(0.5);

	# A blank at the end does not stay in a char(n), whatever it is here.
	return node('left(', leaf('text', $scope), ", $column->{limit})") if $column->{kind} eq 'text' && $column->{limit} && $column->{type} !~ /^char/ && chance(0.2) && columns_of($scope, 'text');
	return constant(!$column->{not_null} && chance(0.15) ? undef : pick(@{ $column->{values} }), $column->{is}, $column->{values});
}

# Without sub-selects: one that reads the source there sees what the statement has changed so far.
sub returning
{
	my ($scope) = @_;
	return '' if chance(0.4);
	tag('returning');
	return optional(' RETURNING ', list_of(', ', 1, map { plain_output($scope, 1) } 1 .. 1 + int rand 3));
}

sub insert_query
{
	my ($target) = @_;
	my @columns = @{ $target->{columns} };
	my $into = "INSERT INTO $target->{table}{name} AS $target->{alias} (" . join(', ', map { $_->{name} } @columns) . ') ';
	tag('insert');
	if (chance(0.4))
	{
		my $source = relation(some_table());
		my @values = map { $_->{name} eq 'id' ? "$source->{alias}.id + 1000" : $_->{name} eq 'part' ? '1' : value_for($_, [$source], 1) } @columns;
		my $whole = @{ $source->{keys} } > 1 ? " WHERE $source->{keys}[1] = 1" : where_clause([$source]);
		tag('insert-select');
		return node($into, 'SELECT ', (map { ($_ ? ', ' : '', $values[$_]) } 0 .. $#values), " FROM $source->{table}{name} $source->{alias}", $whole, returning([$target]));
	}
	my @rows;
	my $collides = chance(0.15);
	foreach my $number (1 .. 1 + int rand 3)
	{
		my @values = map { $_->{name} eq 'id' ? constant($collides ? $number : 2000 + $number, $_->{is}, [ $collides ? $number : 2000 + $number ]) : value_for($_, [], 1) } @columns;
		push @rows, node('(', (map { ($_ ? ', ' : '', $values[$_]) } 0 .. $#values), ')');
	}
	my $conflict = $collides && chance(0.5) ? ' ON CONFLICT DO NOTHING' : '';
	tag('on-conflict') if $conflict;
	return node($into, 'VALUES ', list_of(', ', 1, @rows), $conflict, returning([$target]));
}

sub update_query
{
	my ($target) = @_;
	my @able = grep { !$_->{key} } @{ $target->{columns} };
	my %chosen = map { $_->{name} => $_ } map { pick(@able) } 1 .. 1 + int rand 2;
	my ($from, @scope, @first) = ('', $target);
	tag('update');
	if (chance(0.2))
	{
		my $other = relation(pick(grep { grep({ $_->{key} } @{ $_->{columns} }) == 1 } @tables) || return update_query($target));
		my ($mine) = grep { $_->{kind} eq 'int' } @able;
		tag('update-from');
		$from = " FROM $other->{table}{name} $other->{alias}";
		push @first, node('(' . ($mine || $target->{columns}[0])->{ref} . " = $other->{keys}[0])");
		push @scope, $other;
	}
	my @set = map { node("$_ = ", value_for($chosen{$_}, \@scope, 1)) } sort keys %chosen;
	my $where = @first ? node(' WHERE ', list_of(' AND ', 1, @first, chance(0.5) ? condition(1, \@scope) : ())) : where_clause(\@scope);
	return node("UPDATE $target->{table}{name} AS $target->{alias} SET ", list_of(', ', 1, @set), $from, $where, returning([$target]));
}

sub delete_query
{
	my ($target) = @_;
	tag('delete');
	if (chance(0.2))
	{
		my $other = relation(some_table());
		my $on = meeting([$target], [$other]);
		tag('delete-using');
		return node("DELETE FROM $target->{table}{name} AS $target->{alias} USING $other->{table}{name} $other->{alias} WHERE ", $on, returning([$target])) if $on;
	}
	return node("DELETE FROM $target->{table}{name} AS $target->{alias}", where_clause([$target]), returning([$target]));
}

sub random_write
{
	begin_query(@_);
	my $table = pick(@tables);
	tag('write');
	$query->{write} = $table->{name};
	$query->{tree} = pick(\&insert_query, \&update_query, \&update_query, \&delete_query)->(relation($table));
	return $query;
}

1;
