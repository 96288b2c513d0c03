# Claim: a join that sends keys in batches gives what the same join of local tables gives, whatever the keys are.
use strict;
use warnings;
use lib 'test/tap';
use Hub;
use Test::More;

my $hub = new_hub('keyjoin');

# Local rows with keys that are missing, doubled, null, or there many times; more than fit one batch.
$hub->safe_psql('postgres', <<'SQL');
CREATE TABLE few (id int, k int, big bigint, name text);
INSERT INTO few SELECT i, CASE WHEN i % 10 = 0 THEN NULL ELSE i % 1200 END, i % 700, 'Ada ' || i FROM generate_series(1, 2600) i;
INSERT INTO few VALUES (2601, -1, 9223372036854775807, ''), (2602, 2147483647, -1, NULL), (2603, 1, 1, 'Ada 8'), (2604, 1, 1, 'ada 8');
CREATE TABLE none (id int, k int, big bigint, name text);
ANALYZE few;
ANALYZE none;
SQL

# Joins of "few" (or what stands for it) with tables of the source: name, query.
my @joins = (
	[ 'inner', 'SELECT f.id, l.line_no, l.price FROM few f JOIN lineitems l ON l.order_id = f.k' ],
	[ 'inner on two columns', 'SELECT f.id, l.price FROM few f JOIN lineitems l ON l.order_id = f.k AND l.line_no = f.id % 3' ],
	[ 'inner with a further condition', 'SELECT f.id, l.price FROM few f JOIN lineitems l ON l.order_id = f.k AND l.quantity > f.id % 5' ],
	[ 'inner by bigint', 'SELECT f.id, c.name FROM few f JOIN customers c ON c.id = f.big' ],
	[ 'inner by text', 'SELECT f.id, c.id FROM few f JOIN customers c ON c.name = f.name' ],
	[ 'inner with a filter of the source', 'SELECT f.id, c.name FROM few f JOIN customers c ON c.id = f.k WHERE c.id < 100' ],
	[ 'left', 'SELECT f.id, c.name FROM few f LEFT JOIN customers c ON c.id = f.k' ],
	[ 'left with a condition above it', 'SELECT f.id, c.name FROM few f LEFT JOIN customers c ON c.id = f.k WHERE c.id IS NULL OR c.id % 2 = 0' ],
	[ 'left with a condition of the match', 'SELECT f.id, c.name FROM few f LEFT JOIN customers c ON c.id = f.k AND f.id > 500' ],
	[ 'semi', 'SELECT f.id FROM few f WHERE EXISTS (SELECT FROM lineitems l WHERE l.order_id = f.k AND l.quantity > 2)' ],
	[ 'anti', 'SELECT f.id FROM few f WHERE NOT EXISTS (SELECT FROM lineitems l WHERE l.order_id = f.k AND l.quantity > 2)' ],
	[ 'of a join of the source', 'SELECT f.id, o.id, c.name FROM few f JOIN orders o ON o.id = f.k JOIN customers c ON c.id = o.customer_id' ],
	[ 'grouped here', 'SELECT f.k, count(*), sum(l.quantity) FROM few f JOIN lineitems l ON l.order_id = f.k GROUP BY f.k' ],
	[ 'below a limit', 'SELECT count(*) FROM (SELECT FROM few f JOIN lineitems l ON l.order_id = f.k LIMIT 7) q' ],
	[ 'run again for each of some rows', 'SELECT v.n, q.c FROM (VALUES (1), (2), (3)) v (n) CROSS JOIN LATERAL (SELECT count(*) AS c FROM few f JOIN lineitems l ON l.order_id = f.k WHERE f.id % v.n = 0) q' ],
	[ 'of no rows', 'SELECT f.id, l.price FROM none f JOIN lineitems l ON l.order_id = f.k' ],
	[ 'of no rows, left', 'SELECT f.id, l.price FROM none f LEFT JOIN lineitems l ON l.order_id = f.k' ]);

# The inner side has a condition without columns, which is checked here before it starts: no keys are sent.
my @gated = (
	[ 'inner side that is never read', 'SELECT f.id, c.name FROM few f LEFT JOIN (SELECT id, name FROM customers WHERE id <> 3 AND id >= NULL::int) c ON c.id = f.k' ],
	[ 'inner side read by a setting', q{SELECT f.id, c.name FROM few f LEFT JOIN (SELECT id, name FROM customers WHERE id <> 3 AND current_setting('search_path') <> '') c ON c.id = f.k} ]);

my $keyed = 'SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_nestloop = off; SET enable_memoize = off';

sub rows
{
	my ($schema, $settings, $query) = @_;
	my ($code, $out, $err) = $hub->psql('postgres',
		"SET search_path = $schema, public; $settings; SELECT q::text FROM ($query) q ORDER BY q::text COLLATE \"C\"");
	return $code == 0 ? $out : "failed: $err";
}

foreach my $source (qw(postgresql mariadb sqlite))
{
	$hub->safe_psql('postgres', "SELECT connhub.create_connector(name => '$source', " . arguments(connector($source)) . ')');
	$hub->safe_psql('postgres', "CREATE SCHEMA ${source}_copy; SELECT * FROM connhub.attach('$source', tables => ARRAY['customers', 'orders', 'lineitems'], into_schema => '$source')");
	$hub->safe_psql('postgres', "CREATE TABLE ${source}_copy.$_ AS SELECT * FROM $source.$_") foreach qw(customers orders lineitems);
	foreach my $join (@joins, @gated)
	{
		my ($name, $query) = @$join;
		my $sends_keys = !grep { $_ == $join } @gated;
		my $want = rows("${source}_copy", 'SET connhub.pushdown = on', $query);
		unlike($want, qr/^failed/, "$source: $name: the copy answers");
		is(rows($source, $keyed, $query), $want, "$source: $name: the same rows");
		is(rows($source, 'SET connhub.pushdown = off', $query), $want, "$source: $name: all is done here");
		my $plan = $hub->safe_psql('postgres', "SET search_path = $source, public; $keyed; EXPLAIN (VERBOSE, COSTS OFF) $query");
		is($plan =~ /Connhub Key Join/ ? 1 : 0, $sends_keys ? 1 : 0, "$source: $name: keys are sent or not") or diag($plan);
	}

	# The same statement again, as a generic plan whose parameters the inner side uses.
	my $six = join ';', map { "EXECUTE p($_)" } 1 .. 6;
	my $prepared = sub {
		my ($schema, $settings) = @_;
		return $hub->safe_psql('postgres', "SET search_path = $schema, public; $settings; SET plan_cache_mode = force_generic_plan;"
			. "PREPARE p(int) AS SELECT count(*), sum(l.quantity) FROM few f JOIN lineitems l ON l.order_id = f.k AND l.line_no = \$1; $six");
	};
	is($prepared->($source, $keyed), $prepared->("${source}_copy", 'SET connhub.pushdown = on'), "$source: a generic plan, six times");

	my $analyzed = $hub->safe_psql('postgres',
		"SET search_path = $source, public; $keyed; EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT f.id, l.price FROM few f JOIN lineitems l ON l.order_id = f.k");
	my ($sent) = $analyzed =~ /Keys Sent: (\d+)/;
	my ($batches) = $analyzed =~ /Batches Sent: (\d+)/;
	my ($queries) = $analyzed =~ /Queries Sent: (\d+)/;
	is($sent, 2344, "$source: each key that is not null is sent once");
	is($queries, $batches, "$source: one statement for each batch");
	cmp_ok($batches, '<=', 12, "$source: few batches");
}

# What the planner chooses by itself: a large table with an index and few local keys.
my $plan = $hub->safe_psql('postgres', q{
	SET search_path = postgresql, public;
	CREATE TABLE chosen AS SELECT i * 10 AS k FROM generate_series(1, 20) i;
	ANALYZE chosen;
	EXPLAIN (COSTS OFF) SELECT * FROM chosen JOIN lineitems l ON l.order_id = chosen.k});
like($plan, qr/Connhub Key Join/, 'few keys are sent by the planner\'s own choice');

# Memory does not grow with the pairs of a batch: each makes a value of 200 kB.
my $most = $hub->safe_psql('postgres', qq{
	SET search_path = postgresql, public; $keyed;
	CREATE FUNCTION used() RETURNS bigint VOLATILE LANGUAGE sql AS 'SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts';
	CREATE TABLE same AS SELECT 1 AS k, i FROM generate_series(1, 1000) i;
	ANALYZE same;
	SELECT max(CASE WHEN s.i % 100 = 0 THEN used() END) FROM same s JOIN customers c ON c.id = s.k AND length(repeat(c.name || s.i, 20000)) > 0});
cmp_ok($most, '<', 50_000_000, 'memory is flat in the pairs of a batch');

$hub->stop;
done_testing();
