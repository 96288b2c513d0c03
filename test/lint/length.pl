# A file has at most 800 lines; a function at most 150 (aim at 80).
use strict;
use warnings;
use Code;

foreach my $file (files(qr{\.[ch]$}, 'src', 'drivers', 'test'))
{
	next if $file =~ m{^test/abi/.*/driver.*\.h$} || $file eq 'src/include/connhub/driver.h';
	my @lines = split /\n/, bare(read_file($file));
	complain($file, scalar(@lines) . ' lines, at most 800') if @lines > 800;

	# A function's body opens and closes with a brace in the first column.
	my ($start, $name);
	foreach my $i (0 .. $#lines)
	{
		if ($lines[$i] =~ /^(\w+)\s*\(/) { $name = $1 }
		if ($lines[$i] =~ /^\{/) { $start = $i }
		elsif ($lines[$i] =~ /^\}/ && defined $start)
		{
			my $length = $i - $start + 1;
			complain($file . ':' . ($start + 1), ($name // 'a function') . " has $length lines, at most 150") if $length > 150;
			undef $start;
		}
	}
}
finish();
