# C is indented with tabs, and no line of code ends in blanks.
use strict;
use warnings;
use Code;

foreach my $file (files(qr{(\.(c|h|sh|pl|pm|mk|sql)|/Makefile|^Makefile)$}, '.'))
{
	next if $file =~ m{^sql/connhub--};
	foreach (lines_of(read_file($file)))
	{
		complain("$file:$_->[0]", 'blanks at the end') if $_->[1] =~ /[ \t]$/;
		complain("$file:$_->[0]", 'indented with spaces') if $file =~ /\.[ch]$/ && $_->[1] =~ /^ {4,}\S/ && $_->[1] !~ /^ +\*/;
	}
}
finish();
