# A folder of src/ includes its own headers and those of lower layers; equal layers do not see each other.
use strict;
use warnings;
use Code;

my @layers = ([qw(common)], [qw(catalog batch request)], [qw(driver vault)], [qw(conn)],
	[qw(fdw health discover sync)], [qw(worker)], [qw(api)]);
my %layer;
foreach my $number (0 .. $#layers)
{
	$layer{$_} = $number foreach @{ $layers[$number] };
}

foreach my $file (files(qr{\.[ch]$}, 'src'))
{
	my ($folder) = $file =~ m{^src/(\w+)/} or next;
	next if $folder eq 'include';
	if (!exists $layer{$folder})
	{
		complain($file, "folder $folder has no layer");
		next;
	}
	foreach (lines_of(bare(read_file($file), 1)))
	{
		my ($number, $line) = @$_;
		my ($target, $header) = $line =~ m{^\s*#\s*include\s+"(\w+)/([^"]+)"} or next;
		next unless exists $layer{$target} && -e "src/$target/$header";
		next if $target eq $folder || $layer{$target} < $layer{$folder};
		complain("$file:$number", "$folder (layer $layer{$folder}) includes $target/$header (layer $layer{$target})");
	}
}
finish();
