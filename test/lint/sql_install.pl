# Install scripts: guard first; no CREATE OR REPLACE, no IF NOT EXISTS; every function states volatility and parallel
# safety, and one in SQL or PL/pgSQL pins search_path or has an ATOMIC body; one with
# SECURITY DEFINER pins it in any case.
use strict;
use warnings;
use Code;

my @files = files(qr{\.sql$}, 'sql/install');
my $first = @files ? read_file($files[0]) : '';
complain($files[0] // 'sql/install', 'the guard does not come first') unless $first =~ /^\\echo [^\n]*\\quit\n/;

foreach my $file (@files)
{
	my $text = read_file($file);
	$text =~ s/--[^\n]*//g;
	$text =~ s/'((?:[^']|'')*)'/"'" . ($1 =~ s{[^\n]}{x}gr) . "'"/gse;
	while ($text =~ /\b(CREATE\s+OR\s+REPLACE|IF\s+NOT\s+EXISTS)\b/gi)
	{
		my ($what, $number) = ($1, 1 + (substr($text, 0, $-[0]) =~ tr/\n//));
		complain("$file:$number", uc $what);
	}
	while ($text =~ /\bCREATE\s+(FUNCTION|PROCEDURE)\s+([\w.]+)(.*?)(?:\$(\w*)\$.*?\$\4\$[^;]*;|;)/gsi)
	{
		my ($kind, $name, $rest, $whole) = (uc $1, $2, $3, $&);
		my $number = 1 + (substr($text, 0, $-[0]) =~ tr/\n//);
		(my $head = $whole) =~ s/\$(\w*)\$.*?\$\1\$//gs;
		complain("$file:$number", "$name: volatility is not stated") if $kind eq 'FUNCTION' && $head !~ /\b(IMMUTABLE|STABLE|VOLATILE)\b/i;
		complain("$file:$number", "$name: parallel safety is not stated") if $kind eq 'FUNCTION' && $head !~ /\bPARALLEL\s+(SAFE|RESTRICTED|UNSAFE)\b/i;
		complain("$file:$number", "$name: search_path is not pinned")
		  if $head =~ /\bLANGUAGE\s+'?(sql|plpgsql)\b/i && $head !~ /\bSET\s+search_path\s*(=|TO)/i && $whole !~ /\bBEGIN\s+ATOMIC\b/i;
		complain("$file:$number", "$name: SECURITY DEFINER without search_path = pg_catalog, pg_temp")
		  if $head =~ /\bSECURITY\s+DEFINER\b/i && $head !~ /\bSET\s+search_path\s*(?:=|TO)\s*pg_catalog,\s*pg_temp\b/i;
	}
}
finish();
