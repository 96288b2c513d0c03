# What a user meets is described: each SQLSTATE and code of a test in docs/errors.md, each setting and common option in
# docs/sql-api.md, each connector type on a page of its own.  And each SQLSTATE of error.h is raised somewhere.
use strict;
use warnings;
use Code;

my $errors = read_file('docs/errors.md');
my $api = read_file('docs/sql-api.md');
my %sources = map { $_ => bare(read_file($_), 1) } files(qr{\.c$}, 'src');

my %states;
foreach (lines_of(read_file('src/common/error.h')))
{
	next unless $_->[1] =~ /#define\s+(ERRCODE_CH_\w+)\s+MAKE_SQLSTATE\(([^)]*)\)/;
	my ($name, $letters) = ($1, $2);
	my $state = join '', $letters =~ /'(.)'/g;
	$states{$state} = 1;
	complain("src/common/error.h:$_->[0]", "$state is not in docs/errors.md") unless index($errors, "`$state`") >= 0;
	complain("src/common/error.h:$_->[0]", "$name is raised nowhere")
	  unless grep { /(?:errcode|unpack_sql_state)\(\s*\Q$name\E\s*\)/ } values %sources or $sources{'src/common/error.c'} =~ /",\s*\Q$name\E\b/;
}
foreach (lines_of($errors))
{
	complain("docs/errors.md:$_->[0]", "$1 is no SQLSTATE of error.h") if $_->[1] =~ /`(UB\d{3})`/ && !$states{$1};
}

my %codes = map { $_ => 1 } $sources{'src/common/error.c'} =~ /\[CONNHUB_\w+\] = \{"([A-Z_]+)"/g, $sources{'src/health/probe.c'} =~ /code = "([A-Z_]+)"/g;
delete $codes{CANCELLED};
complain('src/common/error.c', 'no codes of a test found') unless %codes;
foreach my $code (sort keys %codes)
{
	complain('docs/errors.md', "the code $code is missing") unless index($errors, "`$code`") >= 0;
}

my @settings = $sources{'src/common/guc.c'} =~ /"(connhub\.\w+)"/g;
my ($table) = $sources{'src/catalog/cat_option.c'} =~ /common_options\[\] = \{(.*?)\n\};/s;
my @options = ($table // '') =~ /\{"(\w+)", CONNHUB_OPTION/g;
complain('src', 'no settings or no common options found') unless @settings && @options;
foreach my $name (@settings, @options)
{
	complain('docs/sql-api.md', "$name is missing") unless index($api, "`$name`") >= 0;
}

foreach my $driver (map { m{^drivers/(\w+)/driver\.c$} && $1 ne 'mock' ? $1 : () } files(qr{/driver\.c$}, 'drivers'))
{
	my $text = join '', map { read_file($_) } files(qr{\.c$}, "drivers/$driver");
	my %types = map { $_ => 1 } $text =~ /create_connector\((?:name => )?'\w+', (?:type => )?'(\w+)'/g;
	complain("drivers/$driver", 'no connector types found') unless %types;
	foreach my $type (sort keys %types)
	{
		complain("drivers/$driver", "docs/connectors/$type.md is missing") unless -e "docs/connectors/$type.md";
	}
}
finish();
