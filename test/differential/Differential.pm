# test/differential/Differential.pm — runs random queries three ways and reports every difference.
#
# A query runs on foreign tables with pushdown on, on the same with connhub.pushdown off, and on a local copy of
# the tables.  Each way has a session of its own.  A round is a seed: it makes tables, then queries; the same
# seed makes the same again.
#   CONNHUB_DIFFERENTIAL_QUERIES   how many queries (default 10000)
#   CONNHUB_DIFFERENTIAL_SEED      seed of the first round (default 1)
package Differential;
use strict;
use warnings;
use utf8;
use Exporter 'import';
use lib 'test/tap';
use DBI;
use DBD::Pg;
use Encode qw(encode_utf8);
use Test::More;
use Time::HiRes qw(time);
use Hub;
use Tree;
use Schema;
use Query;

our @EXPORT = qw(run_differential);

my $queries_per_round = 100;
my $shrink_seconds = 60;
my $differences_shown = 10;
my @ways = qw(pushed kept copy);

# The one error that is no difference: a value computed here that no parameter can be at the source, said so in
# words that tell how to do without.
my $no_parameter = qr/parameter \$?\d+ is (out of range|not a finite number|a number of more than \d+ digits)/;

# A write that the connector says it does not take, or the source, whose column has no such character; with pushdown and
# without.
my $not_taken = qr/^(0A000 .*does not take the write|22007 .*Incorrect string value)/s;

my (%session, %share, %count, $source, $hub, $schema);

# minimum: the least share of queries with a construct that must be sent whole, by construct.
sub run_differential
{
	my ($of, %minimum) = @_;
	my $wanted = $ENV{CONNHUB_DIFFERENTIAL_QUERIES} || 10000;
	my $seed = $ENV{CONNHUB_DIFFERENTIAL_SEED} || 1;
	my $begun = time;
	my @found;

	$source = $of;
	open_hub();
	note("$source: $wanted queries from seed $seed");
	my $round = $seed;
	my $ended = eval {
		while ($count{queries} < $wanted && @found < $differences_shown) { push @found, run_round($round++) }
		1;
	};
	ok($ended, "$source: no round breaks off") or diag("seed $round: $@");
	diag(encode_utf8($_)) foreach @found;
	is(scalar @found, 0, "$source: $count{queries} queries from seed $seed give the same pushed, kept here and on a copy");
	cmp_ok($count{failed}, '<=', $count{queries} * 0.05, "$source: few queries fail everywhere");
	cmp_ok($count{beyond}, '<=', $count{queries} * 0.02, "$source: few queries have a value that no parameter can be");
	cmp_ok($count{refused}, '<=', $count{queries} * 0.1, "$source: not many writes are not taken");
	is($count{custom}, 0, "$source: no plan is made for the values of a query that is prepared for a generic one");
	cmp_ok($count{generic}, '>=', $count{queries} * 0.05, "$source: generic plans run six times");
	report_shares(%minimum);
	cmp_ok($count{keys}, '>', $wanted / 500, "$source: joins that send keys are among them") if $wanted >= 1000;
	note(sprintf '%d queries, %d run six times as generic plans, %d with joins that send keys, %d failed everywhere, %d beyond parameters, %d writes not taken, %.0f s',
		@count{qw(queries generic keys failed beyond refused)}, time - $begun);
	close_hub();
	done_testing();
	return;
}

# ---- Servers and sessions --------------------------------------------------------------------

sub open_hub
{
	%count = (queries => 0, failed => 0, generic => 0, custom => 0, keys => 0, beyond => 0, refused => 0);
	$hub = new_hub("differential_$source");
	my %place = (
		postgresql => { schema => 'differential' },
		mariadb => { database => 'connhub_differential' },
		sqlite => { database => $ENV{CONNHUB_TEST_SQLITE} =~ s{[^/]+$}{differential.db}r, options => '{"read_only": "false"}' });
	my %prepare = (
		postgresql => q{DROP SCHEMA IF EXISTS differential CASCADE; CREATE SCHEMA differential; CREATE COLLATION IF NOT EXISTS public.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
			GRANT USAGE ON SCHEMA differential TO connhub; ALTER DEFAULT PRIVILEGES IN SCHEMA differential GRANT ALL ON TABLES TO connhub},
		mariadb => 'DROP DATABASE IF EXISTS connhub_differential; CREATE DATABASE connhub_differential CHARACTER SET utf8mb4;',
		sqlite => 'PRAGMA journal_mode = wal;');
	$schema = { postgresql => 'differential.', mariadb => 'connhub_differential.', sqlite => '' }->{$source};
	at_source($prepare{$source});
	$hub->safe_psql('postgres', "SELECT connhub.create_connector(name => 'far', " . arguments(connector($source, %{ $place{$source} })) . '); CREATE SCHEMA far; CREATE SCHEMA copy');
	return;
}

# A session for each way, new for each set of tables: a prepared statement at the source does not survive them.
sub open_sessions
{
	my ($round) = @_;

	# In every second round what is joined from here sends its keys.
	my $by_keys = $round % 2 ? '; SET enable_hashjoin = off; SET enable_mergejoin = off' : '';
	my %settings = (pushed => "search_path = far$by_keys", kept => 'search_path = far; SET connhub.pushdown = off', copy => 'search_path = copy');
	foreach my $way (@ways)
	{
		$session{$way}->disconnect if $session{$way};
		$session{$way} = DBI->connect('dbi:Pg:dbname=postgres;host=' . $hub->host . ';port=' . $hub->port, $ENV{USER} || 'postgres', '',
			{ RaiseError => 0, PrintError => 0, PrintWarn => 0, AutoCommit => 1, pg_server_prepare => 0, pg_enable_utf8 => 1 }) or die "hub: $DBI::errstr\n";
		$session{$way}->do("SET client_min_messages = error; SET statement_timeout = '30s'; SET jit = off; SET timezone = 'America/New_York'; SET $settings{$way}") or die $session{$way}->errstr;
	}
	return;
}

sub close_hub
{
	$_->disconnect foreach values %session;
	my %clean = (postgresql => 'DROP SCHEMA differential CASCADE; DROP COLLATION public.loose', mariadb => 'DROP DATABASE connhub_differential;', sqlite => '');
	at_source($clean{$source}) if $clean{$source};
	$hub->stop;
	return;
}

sub at_source
{
	my ($sql) = @_;
	my $bytes = encode_utf8($sql);
	return source_psql($bytes) if $source eq 'postgresql';
	return source_mariadb("SET NAMES utf8mb4; SET sql_mode = 'NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES'; SET time_zone = '+00:00'; $bytes") if $source eq 'mariadb';
	(my $file = $ENV{CONNHUB_TEST_SQLITE}) =~ s{[^/]+$}{differential.db};
	IPC::Run::run([ 'sqlite3', '-bail', $file ], '<', \$bytes, '>', \my $out) or die "sqlite3 failed\n";
	return;
}

# The tables at the source, attached, and copied here under the same types and keys.
sub install
{
	my (@tables) = @_;
	my $run = sub { $session{$_[0]}->do($_[1]) or die "$_[1]: " . $session{$_[0]}->errstr . "\n" };
	my $sql = source_sql($source, $schema, @tables);
	at_source("BEGIN;\n$sql COMMIT;");
	open_sessions($count{round});
	$run->('kept', "SELECT connhub.detach('far')");
	$run->('kept', "SELECT connhub.discover('far')");
	$run->('kept', "SELECT connhub.attach('far', into_schema => 'far')");
	$run->('copy', 'DROP TABLE IF EXISTS ' . join ', ', map { "copy.t$_" } 1 .. 4);
	foreach my $table (@tables)
	{
		$run->('kept', "CREATE TABLE copy.$table->{name} AS SELECT * FROM far.$table->{name}");
		my @rules = map { "ALTER $_->{name} SET NOT NULL" } grep { $_->{not_null} } @{ $table->{columns} };
		push @rules, 'ADD PRIMARY KEY (' . join(', ', map { $_->{name} } grep { $_->{key} } @{ $table->{columns} }) . ')';
		$run->('kept', "ALTER TABLE copy.$table->{name} " . join ', ', @rules);
	}
	return;
}

# ---- Answers ---------------------------------------------------------------------------------

# The rows of a statement, or the error, as a hash.
sub answer
{
	my ($way, $sql) = @_;
	my $statement = $session{$way}->prepare($sql, { pg_direct => 1 });
	if (!$statement || !$statement->execute)
	{
		die encode_utf8("$source: the hub died of: $sql\n") if ($session{$way}->state || '') =~ /^08/ && !$session{$way}->ping;
		return { error => $session{$way}->state . ' ' . ($session{$way}->errstr // '') };
	}
	my $rows = $statement->{NUM_OF_FIELDS} ? $statement->fetchall_arrayref : [];
	return { error => $session{$way}->state . ' ' . $session{$way}->errstr } if $statement->err;
	return { rows => $rows, number => $statement->rows };
}

# What a query answers: for a write, its rows and the whole table after it, which is then undone.
sub answer_query
{
	my ($way, $query, $sql) = @_;
	return answer($way, $sql) unless $query->{write};
	answer($way, 'BEGIN');
	my $first = answer($way, $sql);
	my $after = $first->{error} ? { rows => [] } : answer($way, "SELECT * FROM $query->{write}");
	answer($way, 'ROLLBACK');
	return $first if $first->{error};
	return { error => "reading back: $after->{error}" } if $after->{error};
	return { rows => [ @{ $first->{rows} }, [ 'changed', $first->{number} ], @{ $after->{rows} } ] };
}

sub plain_number
{
	my ($text) = @_;
	$text =~ s/^(-?\d+)\.0+$/$1/ or $text =~ s/^(-?\d+\.\d*?[1-9])0+$/$1/;
	return $text eq '-0' ? '0' : $text;
}

sub text_of
{
	my ($query, @cells) = @_;
	return join ' | ', map { !defined $_ ? '(null)' : ref $_ ? text_of($query, @$_) : $query->{loose} ? plain_number($_) : $_ } @cells;
}

# An answer as one text that is equal exactly when the answers are.  Errors are when their SQLSTATEs are of one class, that
# of bad values and that of broken constraints being one: which of several is met first is nobody's promise, but a bad
# value is no lost connection.
sub digest
{
	my ($query, $answer) = @_;
	return 'error ' . substr($answer->{error}, 0, 2) =~ s/^23/22/r if $answer->{error};
	my @rows = @{ $answer->{rows} };
	return scalar @rows if $query->{count};
	my $order = $query->{order} || 0;
	my @texts = map { text_of($query, @$_) } @rows;
	return join "\n", @texts if $order eq 'all';
	my @keys = $order ? map { text_of($query, @$_[ 0 .. $order - 1 ]) } @rows : ();
	return join "\n", @keys, '--', sort @texts;
}

# The names of the ways whose answer is not that of the copy.
sub odd_ones
{
	my ($query, $answers) = @_;
	my $want = digest($query, $answers->{copy});
	return grep { digest($query, $answers->{$_}) ne $want } qw(pushed kept);
}

sub compare_plain
{
	my ($query) = @_;
	my $sql = render($query->{tree});
	my %answers = map { $_ => answer_query($_, $query, $sql) } @ways;
	return \%answers;
}

# Six times as a generic plan, with other values after the first.  Returns the answers of the first run
# that differs, else those of the last.  generic: all six ran, by a generic plan each way; custom: a plan was made
# for the values.
sub compare_generic
{
	my ($query) = @_;
	my @parameters;
	my $sql = render($query->{tree}, \@parameters);
	my $types = @parameters ? '(' . join(', ', map { $_->{type} } @parameters) . ')' : '';
	my (%prepared, %failed, $last);
	my $runs = 0;
	foreach my $way (@ways)
	{
		answer($way, 'SET plan_cache_mode = force_generic_plan');
		$prepared{$way} = answer($way, "PREPARE p $types AS $sql");
	}
	foreach my $time (1 .. 6)
	{
		my @values = map { $time == 1 || chance(0.3) ? $_->{constant} : pick(@{ $_->{pool} }) } @parameters;
		my $execute = 'EXECUTE p' . (@values ? ' (' . join(', ', map { sql_literal($_) } @values) . ')' : '');
		$last = { map { $_ => $prepared{$_}{error} ? $prepared{$_} : answer_query($_, $query, $execute) } @ways };
		$last->{execute} = "PREPARE p $types AS $sql; $execute";
		$runs++;
		$failed{$_}++ foreach grep { $last->{$_}{error} } @ways;
		last if odd_ones($query, $last) && !is_excused($last);
	}
	$last->{generic} = $runs == 6;
	foreach my $way (@ways)
	{
		# A run that fails while it is planned is counted as neither.
		my $plans = answer($way, q{SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = 'p'})->{rows}[0] || [ 0, 0 ];
		$last->{custom} = 1 if $plans->[1] > 0;
		$last->{generic} = 0 if $plans->[0] == 0 || $plans->[0] < $runs - ($failed{$way} || 0);
		answer($way, 'DEALLOCATE p') unless $prepared{$way}{error};
		answer($way, 'RESET plan_cache_mode');
	}
	return $last;
}

sub beyond_parameters
{
	my ($answers) = @_;
	return 0 < grep { ($answers->{$_}{error} || '') =~ $no_parameter } qw(pushed kept);
}

sub is_not_taken
{
	my ($answers) = @_;
	return 2 == grep { ($answers->{$_}{error} || '') =~ $not_taken } qw(pushed kept);
}

sub is_excused
{
	my ($answers) = @_;
	return beyond_parameters($answers) || is_not_taken($answers);
}

# ---- Rounds ----------------------------------------------------------------------------------

# What the plan of a query says: whether it is one native query and nothing else.
sub count_share
{
	my ($query) = @_;
	my $plan = answer('pushed', 'EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) ' . render($query->{tree}));
	return if $plan->{error};
	my $text = $plan->{rows}[0][0];
	my @nodes = grep { $_ ne 'ModifyTable' } $text =~ /"Node Type": "([^"]+)"/g;

	# A correlated sub-select that was sent still shows the plan it would have here.
	$count{keys}++ if $text =~ /Connhub Key Join/;
	my @planned = $text =~ /"Parent Relationship": "SubPlan"/g;
	my $whole = @nodes == 1 + @planned && !grep({ $_ ne 'Foreign Scan' } @nodes) && $text !~ /"Local":|"Filter":|"One-Time Filter"|\(SubPlan/;
	foreach my $tag (keys %{ $query->{tags} })
	{
		$share{$tag}{all}++;
		$share{$tag}{whole}++ if $whole;
	}
	return;
}

# The constructs that make the shape of a scan or a write.
my @shaping = qw(one-table local join group grouping-sets distinct window window-filter union with derived exists in order limit insert insert-select update update-from delete delete-using returning);
my %shapes;

sub run_round
{
	my ($round) = @_;
	my @found;
	srand($round);
	$count{round} = $round;
	my @tables = random_tables($source);
	install(@tables);
	my ($writes) = @{ answer('kept', q{SELECT bool_or(pg_relation_is_updatable(oid, false) <> 0) FROM pg_class WHERE relnamespace = 'far'::regnamespace})->{rows}[0] };
	foreach my $number (1 .. $queries_per_round)
	{
		# Each query has a seed of its own, so that one that is left out changes no other.
		srand($round * 1000 + $number);
		my $query = $writes && $number % 5 == 0 ? random_write(@tables) : random_read(@tables);
		my $shape = join ' ', grep { $query->{tags}{$_} } @shaping;
		my $answers = compare_plain($query);
		my $generic = 0;
		$count{queries}++;
		$count{failed}++ if $answers->{copy}{error} && !$query->{tags}{hazard};
		note(encode_utf8("fails: $answers->{copy}{error}: " . render($query->{tree}))) if $answers->{copy}{error} && !$query->{tags}{hazard} && $ENV{CONNHUB_DIFFERENTIAL_VERBOSE};
		count_share($query);
		if (beyond_parameters($answers)) { $count{beyond}++; next }
		if (is_not_taken($answers)) { $count{refused}++; next }
		if (!odd_ones($query, $answers) && (!$shapes{$shape}++ || $number % 10 == 0))
		{
			$generic = 1;
			$answers = compare_generic($query);
			$count{generic}++ if $answers->{generic};
			$count{custom}++ if $answers->{custom};
			if (beyond_parameters($answers)) { $count{beyond}++; next }
			next if is_not_taken($answers);
		}
		next unless odd_ones($query, $answers);
		push @found, explain_difference($round, $number, $query, $generic, @tables);
		install(@tables);
		last if @found >= 3;
	}
	return @found;
}

# ---- Shrinking -------------------------------------------------------------------------------

sub explain_difference
{
	my ($round, $number, $query, $generic, @tables) = @_;
	my $until = time + $shrink_seconds;
	my $run = sub { return $generic ? compare_generic($query) : compare_plain($query) };
	my $before = render($query->{tree});
	my $kind = kind_of_difference($query, $run->());
	my $differs = sub {
		return 0 if time > $until;
		my $answers = $run->();
		return kind_of_difference($query, $answers) eq $kind && !is_excused($answers);
	};
	shrink($query->{tree}, $differs);
	@tables = shrink_rows($query, $differs, @tables);
	$until = time + $shrink_seconds;
	shrink($query->{tree}, $differs);
	my $answers = $run->();
	my $sql = render($query->{tree});
	my $plan = answer('pushed', "EXPLAIN (VERBOSE, COSTS OFF) $sql");
	my @used = grep { $sql =~ /\b$_->{name}\b/ } @tables;
	return join "\n", "---- $source, seed $round, query $number" . ($generic ? ', generic plan' : ''), "was: $before", "query: $sql",
	  ($generic ? "as: $answers->{execute}" : ()), 'data:', source_sql($source, '', @used), 'plan:', map({ $_->[0] } @{ $plan->{rows} || [] }),
	  map { "$_: " . ($answers->{$_}{error} ? "failed: $answers->{$_}{error}" : join ' / ', map { text_of({}, @$_) } @{ $answers->{$_}{rows} }) } @ways;
}

# A difference that becomes one of another kind while it is made smaller is another one.
sub kind_of_difference
{
	my ($query, $answers) = @_;
	my %odd = map { $_ => 1 } odd_ones($query, $answers);
	return join ' ', map { "$_: " . ($odd{$_} || $_ eq 'copy' ? substr($answers->{$_}{error} || 'rows', 0, 5) : '') } @ways;
}

# Leave out halves, quarters ... of the rows of each table while the difference remains.
sub shrink_rows
{
	my ($query, $differs, @tables) = @_;
	foreach my $number (0 .. $#tables)
	{
		my $rows = $tables[$number]{rows};
		for (my $size = int((@$rows + 1) / 2); $size >= 1; $size = int($size / 2))
		{
			for (my $from = 0; $from < @$rows;)
			{
				my @less = @$rows;
				splice @less, $from, $size;
				my @smaller = @tables;
				$smaller[$number] = { %{ $tables[$number] }, rows => \@less };
				install(@smaller);
				if ($differs->()) { @tables = @smaller; $rows = \@less }
				else { $from += $size }
			}
		}
	}
	install(@tables);
	return @tables;
}

# ---- Shares ----------------------------------------------------------------------------------

sub report_shares
{
	my (%minimum) = @_;
	foreach my $tag (sort keys %share)
	{
		my ($whole, $all) = ($share{$tag}{whole} || 0, $share{$tag}{all});
		note(sprintf '%-18s %6d queries, %5.1f %% sent whole', $tag, $all, 100 * $whole / $all);
	}
	foreach my $tag (sort keys %minimum)
	{
		my $got = $share{$tag} ? ($share{$tag}{whole} || 0) / $share{$tag}{all} : 0;
		cmp_ok($got, '>=', $minimum{$tag}, "$source: the share of queries with $tag that are sent whole");
	}
	return;
}

1;
