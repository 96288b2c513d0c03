# test/differential/Tree.pm — queries as trees of text that know how to become simpler.
#
# A node is a hash: parts, text and nodes that stand one after the other; or items, nodes of a list joined by sep,
# of which at least min must stay; or constant, a value of type.  to: what the node may be replaced with, nodes or text,
# the simplest first.  A node that stands in two places changes in both.
package Tree;
use strict;
use warnings;
use Exporter 'import';
use Scalar::Util qw(refaddr);

our @EXPORT = qw(node list_of constant optional render constants shrink sql_literal);

# Text of a value in PostgreSQL and, without backslash escapes, in every source.
sub sql_literal
{
	my ($value) = @_;
	return 'NULL' unless defined $value;
	(my $quoted = $value) =~ s/'/''/g;
	return "'$quoted'";
}

sub node { my (@parts) = @_; return { parts => [@parts] } }

# What may go altogether.
sub optional { my (@parts) = @_; return { parts => [@parts], to => [''] } }

sub list_of
{
	my ($sep, $min, @items) = @_;
	return { items => [@items], sep => $sep, min => $min };
}

# A value of a type; pool: the other values that may stand in its place when it is a parameter.
sub constant
{
	my ($value, $type, $pool) = @_;
	return { constant => $value, type => $type, pool => $pool };
}

# The text of a tree.  With parameters, an array, each constant becomes one of $1, $2 ... and is pushed onto it.
sub render
{
	my ($root, $parameters) = @_;
	my %number;
	my $text = '';
	my @todo = ($root);
	while (@todo)
	{
		my $item = shift @todo;
		if (!ref $item) { $text .= $item }
		elsif ($item->{parts}) { unshift @todo, @{ $item->{parts} } }
		elsif ($item->{items}) { unshift @todo, between($item->{sep}, @{ $item->{items} }) }
		elsif (!$parameters) { $text .= sql_literal($item->{constant}) . "::$item->{type}" }
		else
		{
			push @$parameters, $item unless $number{ refaddr $item };
			$number{ refaddr $item } ||= @$parameters;
			$text .= '$' . $number{ refaddr $item };
		}
	}
	return $text;
}

sub between
{
	my ($sep, @items) = @_;
	return map { ($_ ? $sep : (), $items[$_]) } 0 .. $#items;
}

# Every node once, a parent before its children.
sub nodes_of
{
	my ($root) = @_;
	my (%seen, @found);
	my @todo = ($root);
	while (@todo)
	{
		my $item = shift @todo;
		next if !ref $item || $seen{ refaddr $item }++;
		push @found, $item;
		unshift @todo, @{ $item->{parts} || $item->{items} || [] };
	}
	return @found;
}

# Simpler forms of one node: hashes to put in its place.
sub simpler
{
	my ($node) = @_;
	my @forms = map { ref $_ ? $_ : { parts => [$_] } } @{ $node->{to} || [] };
	return @forms unless $node->{items};
	my @items = @{ $node->{items} };
	return @forms if @items <= $node->{min};
	my $half = int(@items / 2);
	push @forms, { %$node, items => [ @items[ 0 .. $half - 1 ] ] }, { %$node, items => [ @items[ $half .. $#items ] ] }
	  if $half > 1 && $half >= $node->{min};
	foreach my $gone (0 .. $#items)
	{
		push @forms, { %$node, items => [ @items[ grep { $_ != $gone } 0 .. $#items ] ] };
	}
	return @forms;
}

# Make the tree simpler in place while $holds->() stays true.
sub shrink
{
	my ($root, $holds) = @_;
	my $progress = 1;
	while ($progress)
	{
		$progress = 0;
		foreach my $node (nodes_of($root))
		{
			my %before = %$node;
			my $size = length render($root);
			foreach my $form (simpler($node))
			{
				%$node = %$form;
				if (length render($root) < $size && $holds->())
				{
					$progress = 1;
					last;
				}
				%$node = %before;
			}
			last if $progress;
		}
	}
	return;
}

1;
