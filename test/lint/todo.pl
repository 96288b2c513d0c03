# What is not done is not merged: no TODO, no FIXME.
use strict;
use warnings;
use Code;

foreach my $file (files(qr{(\.(c|h|sql|sh|pl|pm|md|mk|json|control|spec|yml)|/Makefile|^Makefile|^\.ci/run)$}, '.'))
{
	next if $file =~ m{^test/lint/(todo\.pl|README\.md)$};
	foreach (lines_of(read_file($file)))
	{
		complain("$file:$_->[0]", $1) if $_->[1] =~ /\b(TODO|FIXME)\b/;
	}
}
finish();
