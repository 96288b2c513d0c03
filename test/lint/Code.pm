# test/lint/Code.pm — what the lint scripts share: finding files and reading C.
package Code;
use strict;
use warnings;
use Exporter 'import';
use File::Find ();
our @EXPORT = qw(files read_file bare lines_of complain finish);

my $complaints = 0;

# Files below the folders whose name matches, sorted; build products and version control left out.
sub files
{
	my ($match, @dirs) = @_;
	my @found;
	File::Find::find(
		{
			no_chdir => 1,
			wanted => sub {
				if (-d && m{(^|/)(\.git|tmp|results|build)$}) { $File::Find::prune = 1; return }
				(my $name = $_) =~ s{^\./}{};
				push @found, $name if -f && $name =~ $match;
			}
		},
		grep { -d } @dirs);
	return sort @found;
}

sub read_file
{
	my ($name) = @_;
	open my $file, '<', $name or die "$name: $!\n";
	local $/ = undef;
	my $text = <$file>;
	close $file;
	return $text;
}

# C text with comments blanked out, and string contents too unless kept; lines keep their numbers.
sub bare
{
	my ($text, $keep_strings) = @_;
	$text =~ s{(/\*.*?\*/)|(//[^\n]*)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')}
		{ defined $3 ? ($keep_strings ? $3 : quoted($3)) : blank($1 // $2) }gse;
	return $text;
}

sub blank
{
	my ($text) = @_;
	$text =~ s/[^\n]/ /g;
	return $text;
}

sub quoted
{
	my ($text) = @_;
	my $mark = substr $text, 0, 1;
	return $mark . ('x' x (length($text) - 2)) . $mark;
}

# [number, line] pairs.
sub lines_of
{
	my ($text) = @_;
	my $number = 0;
	return map { [ ++$number, $_ ] } split /\n/, $text;
}

sub complain
{
	my ($where, $what) = @_;
	print "$where: $what\n";
	$complaints++;
	return;
}

sub finish
{
	exit($complaints ? 1 : 0);
}

1;
