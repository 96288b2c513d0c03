# Every regress and isolation test has its answer, and every answer its test.
use strict;
use warnings;
use Code;

foreach my $pair ([ 'sql', 'sql', 'expected' ], [ 'test/isolation/specs', 'spec', 'test/isolation/expected' ])
{
	my ($inputs, $suffix, $answers) = @$pair;
	my %test = map { m{/([^/]+)\.$suffix$} ? ($1 => 1) : () } grep { !m{/connhub--} } glob "$inputs/*.$suffix";
	my %answer = map { m{/([^/]+?)\.out$} ? ($1 => 1) : () } glob "$answers/*.out";
	complain("$inputs/$_.$suffix", "no $answers/$_.out") foreach grep { !$answer{$_} } sort keys %test;
	foreach my $name (sort keys %answer)
	{
		(my $base = $name) =~ s/_\d$//;
		complain("$answers/$name.out", "no $inputs/$name.$suffix") unless $test{$name} || $test{$base};
	}
}
finish();
