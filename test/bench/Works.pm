# test/bench/Works.pm — the works: what each runs, beside whom, and its goal.
#
# A work's code gets the work and returns a measure: seconds in ours, peer and direct, or whatever its goals ask about; notes are
# lines for people.  It dies when ours does not run or answers wrongly.
package Works;
use strict;
use warnings;
use Exporter 'import';
use JSON::PP qw(decode_json);
use List::Util qw(max min);
use Client;
use Health qw(health);
use Load qw(row_count insert_count);
use Measure qw(median alternate);
use Tpch qw(tpch);

our @EXPORT_OK = qw(works);

my @columns = qw(l_orderkey l_partkey l_suppkey l_linenumber l_quantity l_extendedprice l_discount l_tax l_returnflag
  l_linestatus l_shipdate l_commitdate l_receiptdate l_shipinstruct l_shipmode l_comment);

# One source: its own name of the schema of its tables, the hub's foreign tables of connhub and of a peer.
my %sources = (
	pg => { native => 'bench.', ours => 'ours_pg.', peer => 'peer_pg.', forms => [qw(single copy)] },
	my => { native => 'connhub_bench.', ours => 'ours_my.', peer => 'peer_my.', forms => ['statement'] },
	sqlite => { native => '', ours => 'ours_sqlite.', forms => [] });

# Queries of one text; TABLE. stands for the schema.
my $filter = 'SELECT * FROM TABLE.items WHERE l_suppkey = 417';
my $group = 'SELECT l_returnflag, l_linestatus, count(*), sum(l_quantity), sum(l_extendedprice), min(l_shipdate), max(l_shipdate)
	FROM TABLE.items GROUP BY l_returnflag, l_linestatus';
my $join = "SELECT o_orderkey, o_orderdate, l_linenumber, l_extendedprice FROM TABLE.orders JOIN TABLE.items ON l_orderkey = o_orderkey
	WHERE o_orderdate BETWEEN '1995-03-01' AND '1995-03-31' AND l_quantity > 45";
my $by_key = 'SELECT * FROM TABLE.orders WHERE o_orderkey = ';
my %point = (hub => "$by_key\$1", pg => "$by_key\$1", my => "$by_key?");

my $near = [ 'of_direct', 1.1, 1 ];
my @works = (
	{ name => 'scan_pg', what => \&scan, source => 'pg', goals => [ [ 'times_peer', 3.3 ], [ 'of_direct', 1.2, 0 ] ] },
	{ name => 'scan_my', what => \&scan, source => 'my', goals => [ [ 'times_peer', 8 ], [ 'of_direct', 1.2, 0 ] ] },
	{ name => 'filter_pg', what => \&same_query, source => 'pg', query => $filter, goals => [$near] },
	{ name => 'filter_my', what => \&same_query, source => 'my', query => $filter, goals => [$near] },
	{ name => 'group_pg', what => \&same_query, source => 'pg', query => $group, goals => [$near] },
	{ name => 'group_my', what => \&same_query, source => 'my', query => $group, goals => [$near] },
	{ name => 'top_pg', what => \&top, source => 'pg', goals => [ [ 'of_direct', 1, 1 ] ] },
	{ name => 'top_my', what => \&top, source => 'my', goals => [ [ 'of_direct', 1, 1 ] ] },
	{ name => 'top_sqlite', what => \&top, source => 'sqlite', goals => [ [ 'of_direct', 1, 1 ] ] },
	{ name => 'join_pg', what => \&same_query, source => 'pg', query => $join, goals => [ [ 'of_direct', 1.15, 0 ] ] },
	{ name => 'join_my', what => \&same_query, source => 'my', query => $join, goals => [ [ 'of_direct', 1.15, 0 ] ] },
	{ name => 'lookup_pg', what => \&lookup, source => 'pg', goals => [ [ 'of_direct', 2, 0 ] ] },
	{ name => 'lookup_my', what => \&lookup, source => 'my', goals => [ [ 'of_direct', 2, 0 ] ] },
	{ name => 'keys_pg', what => \&keys_join, source => 'pg', goals => [ [ 'of_direct', 3, 10 ] ] },
	{ name => 'keys_my', what => \&keys_join, source => 'my', goals => [ [ 'of_direct', 3, 10 ] ] },
	{ name => 'insert_pg', what => \&insert, source => 'pg', goals => [ [ 'times_peer', 4 ] ] },
	{ name => 'insert_my', what => \&insert, source => 'my', goals => [ [ 'times_peer', 12 ] ] },
	{ name => 'append_pg', what => \&append, source => 'pg', second => 'ours_pg_second.', goals => [ [ 'of_direct', 1.1, 0 ] ] },
	{ name => 'append_mixed', what => \&append, source => 'my', second => 'ours_pg.', goals => [ [ 'of_direct', 1.1, 0 ] ] },
	{ name => 'planning', what => \&planning, source => 'pg', goals => [ [ 'above_peer', 0.2 ] ] },
	{ name => 'down', what => \&down, needs => [], goals => [ [ 'within', 1 ] ] },
	{ name => 'memory_pg', what => \&memory, source => 'pg', goals => [ [ 'of_direct', 1.1, 0 ] ] },
	{ name => 'memory_my', what => \&memory, source => 'my', goals => [ [ 'of_direct', 1.1, 0 ] ] },
	{ name => 'tpch_pg', what => sub { tpch('tpch_pg') }, needs => ['tpch_pg'], goals => [ [ 'at_least', 'right', 22 ], [ 'at_least', 'whole', 18 ] ] },
	{ name => 'tpch_my', what => sub { tpch('tpch_my') }, needs => ['tpch_my'], goals => [ [ 'at_least', 'right', 22 ], [ 'at_least', 'whole', 18 ] ] },
	{ name => 'health', what => \&health, needs => [], goals => [ [ 'at_most', 'round', 120, 's' ], [ 'at_most', 'late', 30, 's late' ], [ 'at_most', 'share', 25, '% of a core' ] ] });

sub works
{
	$_->{needs} //= ["items_$_->{source}"] foreach @works;
	return @works;
}

sub on
{
	my ($query, $schema) = @_;
	$query =~ s/TABLE\./$schema/g;
	return $query;
}

# A peer that cannot run is told of, and left out.
sub with_peer
{
	my ($notes, $side) = @_;
	return $side if eval { $side->[1]->(); 1 };
	my ($error) = split /\n/, $@;
	push @$notes, "the peer does not run: $error";
	return ();
}

# The answer of a query by the hub is that of the source itself.
sub check_answer
{
	my ($query, $direct, $native) = @_;
	my ($ours, $theirs) = map { join "\n", sort split /\n/, $_ } Client->of('hub')->rows($query), $direct->rows($native);
	die "answers differently from the source\n" if $ours ne $theirs;
	return;
}

# Every row and column of the large table.  OFFSET 0 keeps the condition, which looks at each value, in the hub.
sub scan_query
{
	my ($schema, $condition) = @_;
	return sprintf 'SELECT count(*) FROM (SELECT * FROM %sitems %s OFFSET 0) items WHERE num_nonnulls(%s) = %d',
	  $schema, $condition || '', join(', ', @columns), scalar @columns;
}

sub scan
{
	my ($work) = @_;
	my $source = $sources{ $work->{source} };
	my $hub = Client->of('hub');
	my $direct = Client->of($work->{source});
	my $native = "SELECT * FROM $source->{native}items";
	my @notes;

	die "not all rows were read\n" if $hub->value(scan_query($source->{ours})) != row_count();
	my ($form) = fastest(map { my $form = $_; [ $form, sub { $direct->ask('raw', $form, $native)->{seconds} } ] } @{ $source->{forms} });
	push @notes, best_fetch_size($hub) if $work->{source} eq 'pg';
	push @notes, "direct reads in the form $form";
	return {
		alternate(
			[ ours => sub { $hub->run(scan_query($source->{ours}))->{seconds} } ],
			[ direct => sub { $direct->ask('raw', $form, $native)->{seconds} } ],
			with_peer(\@notes, [ peer => sub { $hub->run(scan_query($source->{peer}))->{seconds} } ])),
		notes => \@notes
	};
}

sub fastest
{
	my %times = map { $_->[0] => $_->[1]->() } @_;
	return (sort { $times{$a} <=> $times{$b} } keys %times)[0];
}

# Give postgres_fdw the fetch_size it is fastest with.
sub best_fetch_size
{
	my ($hub) = @_;
	my $size = fastest(map {
		my $size = $_;
		[ $size, sub {
				$hub->run("ALTER SERVER peer_pg OPTIONS (SET fetch_size '$size')");
				return $hub->run(scan_query($sources{pg}{peer}))->{seconds};
			} ]
	} 1000, 10_000, 50_000);
	$hub->run("ALTER SERVER peer_pg OPTIONS (SET fetch_size '$size')");
	return "the peer is fastest with fetch_size $size";
}

sub same_query
{
	my ($work) = @_;
	my $source = $sources{ $work->{source} };
	my $hub = Client->of('hub');
	my $direct = Client->of($work->{source});
	my ($ours, $peer, $native) = map { on($work->{query}, $source->{$_}) } qw(ours peer native);
	my @notes;

	check_answer($ours, $direct, $native);
	return {
		alternate(
			[ ours => sub { $hub->run($ours)->{seconds} } ],
			[ direct => sub { $direct->run($native)->{seconds} } ],
			with_peer(\@notes, [ peer => sub { $hub->run($peer)->{seconds} } ])),
		notes => \@notes
	};
}

# Four orders of an indexed column; the measure is that which is farthest from direct.  The column is never null, so that a source
# without NULLS FIRST answers the same without it.
sub top
{
	my ($work) = @_;
	my $source = $sources{ $work->{source} };
	my $hub = Client->of('hub');
	my $direct = Client->of($work->{source});
	my ($worst, @notes);

	foreach my $order ('ASC NULLS LAST', 'ASC NULLS FIRST', 'DESC NULLS FIRST', 'DESC NULLS LAST')
	{
		my $query = "SELECT l_shipdate FROM TABLE.items ORDER BY l_shipdate $order LIMIT 10";
		my $native = on($query, $source->{native});
		$native =~ s/ NULLS \w+// if $work->{source} eq 'my';
		check_answer(on($query, $source->{ours}), $direct, $native);
		my %measure = alternate(
			[ ours => sub { $hub->run(on($query, $source->{ours}))->{seconds} } ],
			[ direct => sub { $direct->run($native)->{seconds} } ],
			$source->{peer} ? with_peer(\@notes, [ peer => sub { $hub->run(on($query, $source->{peer}))->{seconds} } ]) : ());
		push @notes, sprintf '%s: ours %.2f ms, direct %.2f ms', $order, map { 1000 * $measure{$_} } qw(ours direct);
		$worst = \%measure if !$worst || $measure{ours} - $measure{direct} > $worst->{ours} - $worst->{direct};
	}
	return { %$worst, notes => \@notes };
}

# One row by its key, prepared, on connections that are warm; the median of single executions.
sub lookup
{
	my ($work) = @_;
	my $source = $sources{ $work->{source} };
	my $count = 200;
	my $points = join ':', $count, int(row_count() / 4);
	my @notes;
	my $side = sub {
		my ($name, $target, $schema) = @_;
		my $client = Client->open_new($target);
		$client->ask('prepare', '-', on($point{$target}, $schema));
		return [ $name => sub {
				my $answer = $client->ask('points', $points, '');
				die "not every key was found\n" if $answer->{rows} != $count;
				return $answer->{seconds};
			} ];
	};
	return {
		alternate(
			$side->('ours', 'hub', $source->{ours}),
			$side->('direct', $work->{source}, $source->{native}),
			with_peer(\@notes, $side->('peer', 'hub', $source->{peer}))),
		notes => \@notes
	};
}

# A thousand keys of a local table against the large one; a direct client sends them as one list.
sub keys_join
{
	my ($work) = @_;
	my $source = $sources{ $work->{source} };
	my $hub = Client->of('hub');
	my $direct = Client->of($work->{source});
	my $query = 'SELECT l_orderkey, l_linenumber, l_extendedprice FROM local.keys JOIN TABLE.items ON l_orderkey = k';
	my $list = join ',', split /\n/, $hub->rows('SELECT k FROM local.keys');
	my $native = "SELECT l_orderkey, l_linenumber, l_extendedprice FROM $source->{native}items WHERE l_orderkey IN ($list)";
	my @notes;

	check_answer(on($query, $source->{ours}), $direct, $native);
	return {
		alternate(
			[ ours => sub { $hub->run(on($query, $source->{ours}))->{seconds} } ],
			[ direct => sub { $direct->run($native)->{seconds} } ],
			with_peer(\@notes, [ peer => sub { $hub->run(on($query, $source->{peer}))->{seconds} } ])),
		notes => \@notes
	};
}

# INSERT … SELECT from a local table into an empty remote one, which the source empties in between.
sub insert
{
	my ($work) = @_;
	my $source = $sources{ $work->{source} };
	my $hub = Client->of('hub');
	my $direct = Client->of($work->{source});
	my @notes;
	my $into = sub {
		my ($schema) = @_;
		$direct->run("TRUNCATE TABLE $source->{native}sink");
		my $seconds = $hub->run("INSERT INTO ${schema}sink SELECT * FROM local.rows")->{seconds};
		my $count = $direct->value("SELECT count(*) FROM $source->{native}sink");
		die "$count rows arrived\n" if $count != insert_count();
		return $seconds;
	};

	$into->($source->{ours});
	if ($work->{source} eq 'pg')
	{
		my $default = eval { $into->('peer_pg_default.') };
		push @notes, sprintf 'the peer has batch_size 1000; by default it takes %.2f s', $default if $default;
	}
	return {
		alternate(
			[ ours => sub { $into->($source->{ours}) } ],
			with_peer(\@notes, [ peer => sub { $into->($source->{peer}) } ])),
		notes => \@notes
	};
}

# Two connectors appended; direct is the slower one alone, through connhub too.
sub append
{
	my ($work) = @_;
	my $source = $sources{ $work->{source} };
	my $hub = Client->of('hub');
	my @notes;
	my $both = sub { my ($first, $second) = @_; return join ' UNION ALL ', on($filter, $first), on($filter, $second); };
	my $seconds = sub { my ($query) = @_; return $hub->run($query)->{seconds}; };
	my $ours = $both->($source->{ours}, $work->{second});
	my $rows = $hub->run($ours)->{rows};
	my $expected = 2 * $hub->run(on($filter, $source->{ours}))->{rows};
	die "$rows rows instead of $expected\n" if $rows != $expected;
	my %measure = alternate(
		[ ours => sub { $seconds->($ours) } ],
		[ first => sub { $seconds->(on($filter, $source->{ours})) } ],
		[ second => sub { $seconds->(on($filter, $work->{second})) } ],
		$work->{source} eq 'pg'
		? with_peer(\@notes, [ peer => sub { $seconds->($both->('peer_pg_async_first.', 'peer_pg_async_second.')) } ])
		: ());
	return { %measure, direct => max(@measure{qw(first second)}), notes => \@notes };
}

sub planning
{
	my ($work) = @_;
	my $source = $sources{ $work->{source} };
	my $hub = Client->of('hub');
	my $side = sub {
		my ($name) = @_;
		my $query = "EXPLAIN (SUMMARY, FORMAT JSON) SELECT * FROM $source->{$name}items WHERE l_orderkey = 42 AND l_quantity > 10";
		return [ $name => sub { decode_json($hub->value($query))->[0]{'Planning Time'} / 1000 } ];
	};
	return { alternate($side->('ours'), $side->('peer')) };
}

# A statement on a connector whose source is known to be down: the median of many.
sub down
{
	my $hub = Client->of('hub');
	my $made = $hub->value("SELECT count(*) FROM connhub.connectors(name => 'bench_down')");
	if ($made == 0)
	{
		$hub->run(q{SELECT connhub.create_connector('bench_down', 'postgresql', host => '127.0.0.1', port => 1, database => 'none', username => 'none', password => 'none',
			test => false, discover => false, options => '{"max_retries": 0, "breaker_threshold": 1, "breaker_recovery": "1h"}')});
		$hub->run("CREATE FOREIGN TABLE bench_down (id int) SERVER bench_down OPTIONS (schema_name 'none', table_name 'none')");
		$hub->run(<<'SQL');
CREATE FUNCTION bench_down_seconds() RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz;
	state text := 'none';
BEGIN
	started := clock_timestamp();
	BEGIN
		PERFORM count(*) FROM bench_down;
	EXCEPTION WHEN OTHERS THEN
		state := sqlstate;
	END;
	RETURN CASE state WHEN 'UB015' THEN extract(epoch FROM clock_timestamp() - started) END;
END $$;
SQL
		$hub->value('SELECT bench_down_seconds()');
	}
	my $seconds = $hub->value('SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY bench_down_seconds()) FROM generate_series(1, 1000) AS n WHERE bench_down_seconds() IS NOT NULL');
	return { ours => $seconds };
}

# Highest memory of a hub's process that reads all rows, against one that reads a tenth.
sub memory
{
	my ($work) = @_;
	my $source = $sources{ $work->{source} };
	my $tenth = int(row_count() / 40);
	my $peak = sub {
		my ($query) = @_;
		my $hub = Client->open_new('hub');
		my $pid = $hub->value('SELECT pg_backend_pid()');
		$hub->run($query);
		open my $status, '<', "/proc/$pid/status" or die "/proc/$pid/status: $!\n";
		my ($kilobytes) = map { /^VmHWM:\s+(\d+)/ ? $1 : () } readline $status;
		$hub->close_now;
		return 1024 * $kilobytes;
	};
	return {
		unit => 'bytes',
		ours => $peak->(scan_query($source->{ours})),
		direct => $peak->(scan_query($source->{ours}, "WHERE l_orderkey <= $tenth")),
		notes => ['direct is a scan of a tenth of the rows']
	};
}

1;
