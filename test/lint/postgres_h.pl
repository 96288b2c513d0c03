# postgres.h is the first include of a core .c file, stands in no header, and in a driver only in module.c.
use strict;
use warnings;
use Code;

foreach my $file (files(qr{\.[ch]$}, 'src', 'drivers'))
{
	my @includes = map { $_->[1] =~ /^\s*#\s*include\s+["<]([^">]+)[">]/ ? [ $_->[0], $1 ] : () }
	  lines_of(bare(read_file($file), 1));
	my ($where) = grep { $_->[1] eq 'postgres.h' } @includes;
	if ($file =~ /\.h$/)
	{
		complain("$file:$where->[0]", 'a header includes postgres.h') if $where;
	}
	elsif ($file =~ m{^drivers/})
	{
		complain("$file:$where->[0]", 'only module.c of a driver includes postgres.h') if $where && $file !~ m{/module\.c$};
	}
	elsif (!@includes || $includes[0][1] ne 'postgres.h')
	{
		complain($file, 'the first include is not postgres.h');
	}
}
finish();
