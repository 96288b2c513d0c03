# No absolute path of one machine, and no package registry's address, stands in the tree.
use strict;
use warnings;
use Code;

my $paths = qr{(?<![\w.\$\}/])/(?:work|home|root|Users)/\w};
my $hosts = qr{registry\.npmjs|pypi\.org|files\.pythonhosted|crates\.io|proxy\.golang|repo1?\.maven|deb\.debian|apt\.postgresql|rubygems\.org};

foreach my $file (files(qr{(\.(c|h|sql|out|sh|pl|pm|md|mk|json|control|spec|yml)|/Makefile|^Makefile|^\.ci/run)$}, '.'))
{
	next if $file eq 'test/lint/paths.pl';
	foreach (lines_of(read_file($file)))
	{
		complain("$file:$_->[0]", "path of a machine: $_->[1]") if $_->[1] =~ $paths;
		complain("$file:$_->[0]", "address of a registry: $_->[1]") if $_->[1] =~ $hosts;
	}
}
finish();
