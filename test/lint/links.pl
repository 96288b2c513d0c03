# Every link of a page leads to a file of the tree, and to a heading of it when it names one.
use strict;
use warnings;
use Code;
use File::Basename qw(dirname);

# What a heading is called in a link: lower case, blanks as hyphens, other signs left out.
sub anchors
{
	my ($text) = @_;
	my (%anchors, $in_code);
	foreach my $line (split /\n/, $text)
	{
		$in_code = !$in_code if $line =~ /^```/;
		next unless !$in_code && $line =~ /^#+\s+(.*?)\s*$/;
		(my $anchor = lc $1) =~ s/[^\w\- ]//g;
		$anchor =~ tr/ /-/;
		$anchors{$anchor} = 1;
	}
	return \%anchors;
}

# docs/connectors/../errors.md → docs/errors.md
sub plain_path
{
	my ($path) = @_;
	my @parts;
	foreach my $part (split m{/}, $path)
	{
		next if $part eq '.' || $part eq '';
		if ($part eq '..' && @parts) { pop @parts }
		else { push @parts, $part }
	}
	return join '/', @parts;
}

foreach my $file (files(qr{\.md$}, '.'))
{
	my $in_code = 0;
	foreach (lines_of(read_file($file)))
	{
		my ($number, $line) = @$_;
		$in_code = !$in_code if $line =~ /^```/;
		next if $in_code;
		while ($line =~ /\]\(([^)\s]+)\)/g)
		{
			my ($path, $anchor) = split /#/, $1, 2;
			next if $path =~ m{^\w+://};
			my $target = $path eq '' ? $file : plain_path(dirname($file) . "/$path");
			if (!-e $target) { complain("$file:$number", "no $target") }
			elsif (defined $anchor && !anchors(read_file($target))->{$anchor}) { complain("$file:$number", "no heading #$anchor in $target") }
		}
	}
}
finish();
