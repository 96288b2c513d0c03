# test/bench/Tpch.pm — the 22 queries: is the answer that of local tables, and does the whole query run at the source?
package Tpch;
use strict;
use warnings;
use Exporter 'import';
use JSON::PP qw(decode_json);
use List::Util qw(uniq);
use Client;
use Load qw(scale);

our @EXPORT_OK = qw(tpch);

# Nodes that only pass on what the source answered.
my %passes = map { $_ => 1 } 'Foreign Scan', 'Limit', 'Result', 'Subquery Scan';

sub queries
{
	my (@queries, $name);
	open my $file, '<', 'test/bench/sql/tpch_queries.sql' or die "tpch_queries.sql: $!\n";
	while (defined(my $line = readline $file))
	{
		if ($line =~ /^-- (Q\d+)$/) { push @queries, { name => $1, sql => '' }; }
		elsif (@queries) { $queries[-1]{sql} .= $line; }
	}
	my $fraction = sprintf '%.10f', 0.0001 / scale();
	$_->{sql} =~ s/:fraction/$fraction/g foreach @queries;
	return @queries;
}

# What a plan does here beyond passing rows on, as node types, and the reasons that the scans give.
sub local_work
{
	my ($node, $work, $reasons) = @_;
	my $type = $node->{'Node Type'};
	push @$work, $type if !$passes{$type} || ($node->{'Parent Relationship'} // '') eq 'SubPlan';
	push @$work, 'Filter' if $passes{$type} && ($node->{Filter} || $node->{'One-Time Filter'});
	push @$reasons, @{ $node->{Local} || [] };
	local_work($_, $work, $reasons) foreach @{ $node->{Plans} || [] };
	return;
}

# Why a query is not answered by the source alone, empty when it is: the work done here, and each reason with one of its pieces.
sub not_whole
{
	my ($hub, $sql) = @_;
	my (@work, @reasons, %told);
	my $plan = decode_json($hub->value("EXPLAIN (VERBOSE, FORMAT JSON) $sql"))->[0]{Plan};
	local_work($plan, \@work, \@reasons);
	return unless @work;
	return (join(', ', uniq @work), map { "$_->{Where}: $_->{Piece} ($_->{Reason})" } grep { !$told{ $_->{Reason} }++ } @reasons);
}

# The answer of a query on the tables of a schema.  Blanks at the end go: MariaDB leaves them off in char(n), PostgreSQL adds them.
sub run_in
{
	my ($hub, $schema, $sql) = @_;
	$hub->run("SET search_path = $schema, public");
	my $answer = $hub->ask('rows', '-', $sql);
	$answer->{text} =~ s/ +(?=[\t\n])//g;
	return $answer;
}

# All queries over the foreign tables of a schema.  A note tells of each that is wrong or not pushed whole.
sub tpch
{
	my ($schema) = @_;
	my $hub = Client->of('hub');
	my %measure = (unit => 'count', right => 0, whole => 0, ours => 0, notes => []);
	my %seconds = (here => 0, there => 0);
	foreach my $query (queries())
	{
		my $note = sub { push @{ $measure{notes} }, "$query->{name} @_"; };
		my $expected = run_in($hub, 'tpch_local', $query->{sql});
		$note->('answers nothing on local tables: the data is too small') unless $expected->{rows};
		my $answer = eval { run_in($hub, $schema, $query->{sql}) };
		my $error = $@;
		chomp $error;
		if (!$answer) { $note->("not run: $error"); }
		elsif ($answer->{text} ne $expected->{text}) { $note->('answers differently'); }
		else { $measure{right}++; }
		$measure{failed} = 1 unless $answer && $answer->{text} eq $expected->{text};
		$seconds{here} += $expected->{seconds};
		$seconds{there} += $answer ? $answer->{seconds} : 0;
		my ($here, @reasons) = eval { not_whole($hub, $query->{sql}) };
		if ($@) { $note->("has no plan: $@"); }
		elsif (defined $here) { $note->("is not pushed whole: $here", map { "\n#     $_" } @reasons); }
		else { $measure{whole}++; }
	}
	$measure{ours} = "$measure{whole}/$measure{right}";
	push @{ $measure{notes} }, sprintf 'those that ran took %.2f s; all on local tables %.2f s', @seconds{qw(there here)};
	return \%measure;
}

1;
