# A driver sees connhub/driver.h, its own folder, drivers/common and its client library; never the core's headers,
# and the server's only in module.c.  drivers/common sees driver.h and itself.
use strict;
use warnings;
use Code;

my %server = map { $_ => 1 } qw(postgres.h fmgr.h);

foreach my $file (files(qr{\.[ch]$}, 'drivers'))
{
	my ($folder) = $file =~ m{^(drivers/\w+)/} or next;
	(my $dir = $file) =~ s{/[^/]+$}{};
	foreach (lines_of(bare(read_file($file), 1)))
	{
		my ($number, $line) = @$_;
		my ($mark, $header) = $line =~ m{^\s*#\s*include\s+(["<])([^">]+)[">]} or next;
		next if $header eq 'connhub/driver.h';
		complain("$file:$number", "$header is a header of the core") if -e "src/$header";
		next if $mark eq '<';
		next if -e "$dir/$header" || -e "$folder/$header" || -e "drivers/common/$header";
		next if $server{$header} && $file =~ m{/module\.c$};
		complain("$file:$number", "\"$header\" is neither of this driver nor of drivers/common");
	}
}
finish();
