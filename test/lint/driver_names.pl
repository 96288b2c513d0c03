# The core names no driver: no driver folder's name is an identifier or stands in a string of src/.
use strict;
use warnings;
use Code;

my @drivers = map { m{^drivers/(\w+)/Makefile$} ? $1 : () } glob 'drivers/*/Makefile';
my $names = join '|', @drivers or finish();

foreach my $file (files(qr{\.[ch]$}, 'src'))
{
	# driver.h describes the family of drivers by examples in comments only, like everything else.
	foreach (lines_of(bare(read_file($file), 1)))
	{
		(my $line = $_->[1]) =~ s/postgresql\.conf//g;
		complain("$file:$_->[0]", "names the driver $1") if $line =~ /(?<![A-Za-z0-9])($names)(?![A-Za-z0-9])/;
	}
}
finish();
