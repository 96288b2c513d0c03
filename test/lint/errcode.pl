# Every ereport(ERROR) and above of the core has an errcode.
use strict;
use warnings;
use Code;

foreach my $file (files(qr{\.c$}, 'src', 'drivers'))
{
	my $text = bare(read_file($file));
	while ($text =~ /\bereport(?:_domain)?\s*(\((?:[^()]++|(?1))*\))/g)
	{
		my $call = $1;
		my $number = 1 + (substr($text, 0, $-[0]) =~ tr/\n//);
		next unless $call =~ /^\(\s*(?:ERROR|FATAL|PANIC)\b/;
		complain("$file:$number", 'ereport without errcode') unless $call =~ /\berrcode(?:_for_\w+)?\s*\(/;
	}
}
finish();
