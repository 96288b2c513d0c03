# test/semantics/Semantics.pm — does what a dialect's rule sends mean at the source what it means here?
#
# A case is [ function, native, expressions... ]: the code of the driver ABI without its prefix, a piece of text the
# native query must hold, and expressions over the columns of table "semantics", each with its type in front:
# "integer: length(t)".  A native text that begins with ~ may be a superset, checked again here.  For every value an
# expression has in the table, the rows that have it are asked for twice, with pushdown and without.  A case whose
# native text is undef must stay here, and is compared all the same.
package Semantics;
use strict;
use warnings;
use Exporter 'import';
use lib 'test/tap';
use Hub;
use Test::More;

our @EXPORT = qw(semantics_hub check_semantics check_queries check_errors check_coverage);

my $probe = <<'SQL';
-- The first disagreement about an expression, or null; with the native queries that were planned.
CREATE FUNCTION probe(expression text, type text, OUT trouble text, OUT native text) LANGUAGE plpgsql AS $$
DECLARE
	value text;
	condition text;
	plain text;
	query text;
	line text;
	here text;
	there text;
BEGIN
	native := '';
	PERFORM set_config('connhub.pushdown', 'off', true);
	FOR value IN EXECUTE format('SELECT DISTINCT (%s)::text FROM semantics.semantics', expression) LOOP
		condition := CASE WHEN value IS NULL THEN format('(%s) IS NULL', expression)
			WHEN type = 'boolean' THEN format(CASE WHEN value::boolean THEN '%s' ELSE 'NOT (%s)' END, expression)
			ELSE format('(%s) IS NOT DISTINCT FROM %L::%s', expression, value, replace(type, 'digits', 'numeric')) END;
		plain := format('SELECT id FROM semantics.semantics WHERE %s', condition);
		query := format('SELECT array_agg(id ORDER BY id) FROM (%s OFFSET 0) AS found', plain);
		PERFORM set_config('connhub.pushdown', 'off', true);
		EXECUTE query INTO here;
		PERFORM set_config('connhub.pushdown', 'on', true);
		FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || plain LOOP
			IF line ~ 'Native Query:' THEN
				native := native || line || E'\n';
			ELSIF line ~ 'Kept Locally|Rechecked Locally|Filter:' THEN
				native := native || 'LOCAL ' || line || E'\n';
			END IF;
		END LOOP;
		EXECUTE query INTO there;
		PERFORM set_config('connhub.pushdown', 'off', true);
		IF here IS DISTINCT FROM there THEN
			trouble := format('%s is %L: %s here, %s there', expression, value, here, there);
			RETURN;
		END IF;
	END LOOP;

	-- The values themselves, which come from the source where it groups by them.  Equal ones may be written in two ways:
	-- zero as a real, and digits after the point, of which "digits" says that they do not vary.
	query := format('SELECT array_agg(ROW(%1$s, n) ORDER BY (%1$s)::text COLLATE "C") FROM (SELECT (%2$s) AS v, count(*) AS n FROM semantics.semantics GROUP BY 1 OFFSET 0) AS g',
		CASE WHEN type = 'numeric' THEN 'trim_scale(v)' WHEN type IN ('real', 'float8') THEN 'v + 0' ELSE 'v::text' END, expression);
	EXECUTE query INTO here;
	PERFORM set_config('connhub.pushdown', 'on', true);
	EXECUTE query INTO there;
	IF here IS DISTINCT FROM there THEN
		trouble := format('%s: %s here, %s there', expression, here, there);
	END IF;
END $$;
SQL

# Aggregates and window functions: [ function, native, query... ] of "semantics.semantics", compared as a whole.
sub check_queries
{
	my ($hub, @cases) = @_;
	for my $case (@cases)
	{
		my ($function, $native, @queries) = @$case;
		for my $query (@queries)
		{
			my ($code, $plan, $err) = $hub->psql('postgres', "EXPLAIN (VERBOSE, COSTS OFF) $query");
			my ($sent) = $plan =~ /(Native Query: .*)/;
			ok(index($sent // '', $native) >= 0, "$function: $query is sent") or diag($plan);
			my @rows = map { join "\n", sort split /\n/, $hub->safe_psql('postgres', "SET connhub.pushdown = $_; $query") } qw(on off);
			is($rows[0], $rows[1], "$function: $query means the same");
		}
	}
	return;
}

# A hub with a connector whose table "semantics" is attached into a schema of that name.
sub semantics_hub
{
	my ($source, $remote_schema, %change) = @_;
	my $hub = new_hub("semantics_$source");
	$hub->safe_psql('postgres', $probe);
	$hub->safe_psql('postgres', "SELECT connhub.create_connector(name => 'semantics', " . arguments(connector($source, %change)) . ')');
	$hub->safe_psql('postgres', "SELECT * FROM connhub.attach('semantics', remote_schema => " . literal($remote_schema) . ", tables => ARRAY['semantics'])");
	# So many rows that it pays to compute at the source.
	$hub->safe_psql('postgres', "ANALYZE semantics.semantics; UPDATE connhub_catalog.remote_table SET rows = 1e7, bytes = 1e9 WHERE name = 'semantics'");
	return $hub;
}

sub check_semantics
{
	my ($hub, @cases) = @_;
	for my $case (@cases)
	{
		my ($function, $native, @expressions) = @$case;
		for my $typed (@expressions)
		{
			my ($type, $expression) = split /: /, $typed, 2;
			my ($code, $out, $err) = $hub->psql('postgres', 'SELECT trouble, native FROM probe(' . literal($expression) . ', ' . literal($type) . ')',
				extra_params => [ '-F', "\x01" ]);
			my ($trouble, $sent) = $code == 0 ? split(/\x01/, $out, 2) : ("failed: $err", '');
			my $name = "$function: $expression";
			if (defined $native)
			{
				(my $text = $native) =~ s/^~//;
				$trouble ||= "it stays here: $sent" if $sent =~ /^LOCAL/m && $text eq $native;
				$trouble ||= "the native query lacks $text: $sent" unless index($sent, $text) >= 0;
			}
			else
			{
				$trouble ||= "it is sent: $sent" unless $sent =~ /^LOCAL/m;
				$name .= ' (stays here)';
			}
			is($trouble, '', $name);
		}
	}
	return;
}

# Conditions over the data that fail here fail there too: [ native, condition, class of SQLSTATE unless 22 ].
sub check_errors
{
	my ($hub, @cases) = @_;
	for my $case (@cases)
	{
		my ($native, $condition, $class) = (@$case, '22');
		my $query = "SELECT id FROM semantics.semantics WHERE $condition";
		my $plan = $hub->safe_psql('postgres', "EXPLAIN (VERBOSE, COSTS OFF) $query");
		my ($where) = $plan =~ /Native Query: .* WHERE (.*)/;
		ok(index($where // '', $native) >= 0 && $plan !~ /Kept Locally|Rechecked Locally|Filter:/, "$condition is sent") or diag($plan);
		for my $pushdown (qw(off on))
		{
			my ($code, $out, $err) = $hub->psql('postgres', "SET connhub.pushdown = $pushdown; $query", extra_params => [ '-v', 'VERBOSITY=verbose' ]);
			like($err, qr/ERROR:  $class\w{3}:/, "and fails over its data with pushdown $pushdown");
			like($err, qr/^native query: .* WHERE .*\Q$native\E/m, 'at the source') if $pushdown eq 'on';
		}
	}
	return;
}

# Every function of a dialect's table of rules stands in a case.
sub check_coverage
{
	my ($file, $begin, @cases) = @_;
	my %tested = map { ($_->[0] => 1) } grep { defined $_->[1] } @cases;
	open my $in, '<', $file or die "$file: $!\n";
	local $/;
	my ($table) = <$in> =~ /\Q$begin\E\[\] = \{(.*?)\n\};/s or die "$file has no table $begin\n";
	close $in;
	my %seen;
	my @untested = grep { !$seen{$_}++ && !$tested{$_} } $table =~ /CONNHUB_FN_(\w+)/g;
	ok(%seen > 20, "$file has rules");
	is("@untested", '', "every rule of $file has a case");
	return;
}

1;
