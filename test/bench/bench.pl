# test/bench/bench.pl [WORK...] — load what the works need, run them, print a line of each.  Called by run.sh.
use strict;
use warnings;
use Client;
use Load qw(load_data row_count scale);
use Measure qw(judge heading line);
use Works qw(works);

$| = 1;
exit main();

sub main
{
	my %known = map { $_->{name} => $_ } works();
	my %wanted = map { $_ => 1 } @ARGV ? @ARGV : keys %known;
	my @unknown = grep { !$known{$_} } keys %wanted;
	die "no such work: @unknown; there are: @{[ map { $_->{name} } works() ]}\n" if @unknown;
	my @chosen = grep { $wanted{ $_->{name} } } works();
	my ($failed, $missed) = (0, 0);

	load_data(map { @{ $_->{needs} } } @chosen);
	printf "== %d rows, TPC-H scale %s\n%s", row_count(), scale(), heading();
	foreach my $work (@chosen)
	{
		my $measure = eval { $work->{what}->($work) };
		if ($measure)
		{
			my $judged = judge($measure, @{ $work->{goals} });
			print line($work->{name}, $measure, $judged);
			print "#   $_\n" foreach @{ $measure->{notes} || [] };
			$failed++ if $measure->{failed};
			$missed++ unless $judged->{met};
		}
		else
		{
			my ($error) = split /\n/, $@;
			printf "%-16s not run: %s\n", $work->{name}, $error;
			$failed++;
			reconnect();
		}
	}
	Client->close_all;
	printf "%d works, %d missed their goal, %d did not run or answered wrongly\n", scalar @chosen, $missed, $failed;
	return $failed ? 1 : 0;
}

# After a failure the next work gets new connections, once the hub takes them: it may have crashed.
sub reconnect
{
	my $until = time + 60;
	Client->close_all;
	sleep 1;
	sleep 1 until system('pg_isready -q') == 0 || time > $until;
	return;
}
