# Only src/common/compat.[ch] asks which version of PostgreSQL this is.
use strict;
use warnings;
use Code;

foreach my $file (files(qr{\.[ch]$}, 'src', 'drivers'))
{
	next if $file =~ m{^src/common/compat\.[ch]$};
	foreach (lines_of(bare(read_file($file))))
	{
		complain("$file:$_->[0]", 'PG_VERSION_NUM outside common/compat') if $_->[1] =~ /\bPG_VERSION_NUM\b/;
	}
}
finish();
