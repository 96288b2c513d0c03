# test/types/Types.pm — one table per type at the source, and what the hub makes of it.
#
# A case is a hash: type, the source's DDL; values, SQL expressions at the source; is, the type in the hub;
# want, the text of each value in the hub where it is not the source's own text; read_as, a type to declare
# instead of the discovered one; error, what reading fails with, for a column that holds one bad value; table,
# where it is not the one of the case's number; beyond_parameters, for a value that is read but is no parameter.
package Types;
use strict;
use warnings;
use Exporter 'import';
use lib 'test/tap';
use Hub;
use Test::More;

our @EXPORT = qw(prepare_hub attach_source check_cases table_of);

sub table_of
{
	my ($number) = @_;
	return sprintf 't%03d', $number;
}

# Compares conditions on a column pushed down with the same kept here, for each value the column holds: as a
# constant and as a parameter of a generic plan.  One row of text per disagreement.
my $probe = <<'SQL';
CREATE FUNCTION probe(relation regclass, type text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	value text;
	operator text;
	here text;
	there text;
	prepared text;
BEGIN
	FOR value IN EXECUTE format('SELECT v::text FROM %s WHERE v IS NOT NULL ORDER BY id', relation) LOOP
		FOREACH operator IN ARRAY ARRAY['=', '<>', '<', '>='] LOOP
			BEGIN
				PERFORM set_config('connhub.pushdown', 'off', true);
				EXECUTE format('SELECT array_agg(id ORDER BY id) FROM %s WHERE v %s %L::%s', relation, operator, value, type) INTO here;
				PERFORM set_config('connhub.pushdown', 'on', true);
				EXECUTE format('SELECT array_agg(id ORDER BY id) FROM %s WHERE v %s %L::%s', relation, operator, value, type) INTO there;
				PERFORM set_config('plan_cache_mode', 'force_generic_plan', true);
				EXECUTE format('PREPARE probe(%s) AS SELECT array_agg(id ORDER BY id) FROM %s WHERE v %s $1', type, relation, operator);
				EXECUTE format('EXECUTE probe(%L)', value) INTO prepared;
				DEALLOCATE probe;
			EXCEPTION WHEN undefined_function THEN
				CONTINUE;
			END;
			IF here IS DISTINCT FROM there OR here IS DISTINCT FROM prepared THEN
				RETURN NEXT format('v %s %L: %s here, %s as a constant, %s as a parameter', operator, value, here, there, prepared);
			END IF;
		END LOOP;
	END LOOP;
	FOREACH operator IN ARRAY ARRAY['IS NULL', 'IS NOT NULL'] LOOP
		PERFORM set_config('connhub.pushdown', 'off', true);
		EXECUTE format('SELECT array_agg(id ORDER BY id) FROM %s WHERE v %s', relation, operator) INTO here;
		PERFORM set_config('connhub.pushdown', 'on', true);
		EXECUTE format('SELECT array_agg(id ORDER BY id) FROM %s WHERE v %s', relation, operator) INTO there;
		IF here IS DISTINCT FROM there THEN
			RETURN NEXT format('v %s: %s here, %s there', operator, here, there);
		END IF;
	END LOOP;
END $$;
SQL

# A hub with a connector whose schema of cases is attached into schema "types".
sub prepare_hub
{
	my ($source, $remote_schema, %change) = @_;
	my $hub = new_hub($source);
	$hub->safe_psql('postgres', $probe);
	attach_source($hub, 'types', $source, $remote_schema, %change);
	return $hub;
}

# A connector of that name, attached into a schema of that name.
sub attach_source
{
	my ($hub, $name, $source, $remote_schema, %change) = @_;
	$hub->safe_psql('postgres', "SELECT connhub.create_connector(name => '$name', " . arguments(connector($source, %change)) . ')');
	$hub->safe_psql('postgres', "SELECT * FROM connhub.attach('$name', remote_schema => " . literal($remote_schema) . ')');
	return;
}

# Text of a query's first column, a row per line, with nulls told from empty text.
sub rows_of
{
	my ($hub, $sql) = @_;
	my ($code, $out, $err) = $hub->psql('postgres', $sql, extra_params => [ '-P', 'null=(null)' ]);
	return $code == 0 ? $out : "failed: $err";
}

# source_text: the source's own text of the values of a table, as a list with undef for null.
sub check_cases
{
	my ($hub, $schema, $source_text, @cases) = @_;
	for my $number (0 .. $#cases)
	{
		my %case = %{ $cases[$number] };
		my $table = "$schema." . ($case{table} || table_of($number));

		is(rows_of($hub, "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '$table'::regclass AND attname = 'v'"),
			$case{is}, "$case{type} becomes $case{is}");
		$hub->safe_psql('postgres', "ALTER FOREIGN TABLE $table ALTER v TYPE $case{read_as}") if $case{read_as};
		if ($case{error})
		{
			my ($code, $out, $err) = $hub->psql('postgres', "SELECT v FROM $table ORDER BY id");
			like($err, $case{error}, "$case{type} fails as it should");
			next;
		}
		my @want = $case{want} ? @{ $case{want} } : $source_text->($number, \%case);
		my $want = join "\n", map { defined $_ ? $_ : '(null)' } @want;
		is(rows_of($hub, "SELECT v::text FROM $table ORDER BY id"), $want, "$case{type} arrives unchanged");
		if ($case{beyond_parameters})
		{
			like(rows_of($hub, "SELECT * FROM probe('$table', '$case{is}')"), qr/value of parameter \$1 is out of range/,
				"$case{type} is refused as a parameter");
			next;
		}
		is(rows_of($hub, "SELECT * FROM probe('$table', '" . ($case{read_as} || $case{is}) . "')"), '',
			"$case{type} compares the same here and there");
	}
	return;
}

1;
