# test/bench/Measure.pm — medians of alternating runs, goals, and the line that tells of them.
package Measure;
use strict;
use warnings;
use Exporter 'import';
use List::Util qw(max min);

our @EXPORT_OK = qw(median alternate judge heading line);

sub median
{
	my (@values) = sort { $a <=> $b } @_;
	return unless @values;
	my $middle = int(@values / 2);
	return @values % 2 ? $values[$middle] : ($values[ $middle - 1 ] + $values[$middle]) / 2;
}

# Run sides in turn and take the median of each.  A side is [ name, code that returns seconds ].  The first round opens
# connections and warms caches, and tells how many rounds are worth it; it is not counted.
sub alternate
{
	my (@sides) = @_;
	my %times;
	my $slowest = max(map { $_->[1]->() } @sides);
	my $rounds = max(3, min(25, int(2 / ($slowest + 1e-6))));
	$rounds++ if $rounds % 2 == 0;
	foreach (1 .. $rounds)
	{
		push @{ $times{ $_->[0] } }, $_->[1]->() foreach @sides;
	}
	return map { $_ => median(@{ $times{$_} }) } keys %times;
}

# What a goal asks of a measure { ours, peer, direct }: its words, what is compared, and whether it is met.
my %goals = (
	times_peer => sub {
		my ($measure, $least) = @_;
		return unless defined $measure->{peer};
		my $times = $measure->{peer} / $measure->{ours};
		return (">= ${least}x as fast as peer", sprintf('%.2fx peer', $times), $times >= $least);
	},
	of_direct => sub {
		my ($measure, $factor, $more) = @_;
		return unless defined $measure->{direct};
		my $ratio = $measure->{ours} / $measure->{direct};
		my $words = join ' + ', $factor == 1 ? 'direct' : "${factor}x direct", $more ? "$more ms" : ();
		return ("<= $words", sprintf('%.2f of direct', $ratio), $measure->{ours} <= $factor * $measure->{direct} + $more / 1000);
	},
	above_peer => sub {
		my ($measure, $more) = @_;
		return unless defined $measure->{peer};
		return ("<= peer + $more ms", sprintf('%+.2f ms', 1000 * ($measure->{ours} - $measure->{peer})),
			$measure->{ours} <= $measure->{peer} + $more / 1000);
	},
	within => sub {
		my ($measure, $most) = @_;
		return ("<= $most ms", sprintf('%.3f ms', 1000 * $measure->{ours}), $measure->{ours} <= $most / 1000);
	},
	at_least => sub {
		my ($measure, $what, $least) = @_;
		return (">= $least $what", "$measure->{$what} $what", $measure->{$what} >= $least);
	},
	at_most => sub {
		my ($measure, $what, $most, $unit) = @_;
		return ("<= $most $unit", "$measure->{$what} $unit", $measure->{$what} <= $most);
	});

# A measure against its goals, each [ kind, arguments ]: { goal, ratio, met }.  A side that is missing cannot be met.
sub judge
{
	my ($measure, @asked) = @_;
	my (@words, @ratios);
	my $met = 1;
	foreach my $goal (@asked)
	{
		my ($kind, @arguments) = @$goal;
		my ($words, $ratio, $ok) = $goals{$kind}->($measure, @arguments);
		push @words, $words // "$kind @arguments";
		push @ratios, $ratio // '-';
		$met = 0 unless $ok;
	}
	return { goal => join(', ', @words), ratio => join(', ', @ratios), met => $met };
}

sub shown
{
	my ($value, $unit) = @_;
	return '-' unless defined $value;
	return $unit eq 'bytes' ? sprintf('%.1f MB', $value / 1e6) : $unit eq 'count' ? $value
	  : $value >= 1 ? sprintf('%.2f s', $value) : sprintf('%.2f ms', 1000 * $value);
}

my $format = "%-16s %11s %11s %11s  %-30s %-44s %s\n";

sub heading { return sprintf $format, 'work', 'ours', 'peer', 'direct', 'ratio', 'goal', ''; }

sub line
{
	my ($name, $measure, $judged) = @_;
	my $unit = $measure->{unit} || 'time';
	return sprintf $format, $name, (map { shown($measure->{$_}, $unit) } qw(ours peer direct)), $judged->{ratio}, $judged->{goal},
	  $judged->{met} ? 'met' : 'missed';
}

1;
