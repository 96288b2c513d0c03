# The install script and the strings of C are ASCII: they are read in the encoding of the database, whatever that
# is, and other characters would be refused or stored as something else.
use strict;
use warnings;
use Code;

foreach my $file (files(qr{\.sql$}, 'sql/install'), files(qr{\.[ch]$}, 'src', 'drivers'))
{
	my $text = read_file($file);
	$text = bare($text, 1) if $file =~ /\.[ch]$/;
	foreach (lines_of($text))
	{
		complain("$file:$_->[0]", 'a character beyond ASCII') if $_->[1] =~ /[^\x00-\x7f]/;
	}
}
finish();
