# Ceilings on what one statement fetches, and on how often a role may ask, end the statement with an error that names them.
use strict;
use warnings;
use Hub;
use Sessions;
use Test::More;

my $hub = new_hub('limits', "shared_preload_libraries = 'connhub'\nconnhub.workers = off");
$hub->safe_psql('postgres', q{SELECT connhub.register_driver('mock');
	SELECT connhub.create_connector('m', 'mock', options => '{"tables": "n(1000): id int64 key, t text; other(1000): id int64 key", "batch_rows": 50}');
	SELECT connhub.attach('m', 'data', into_schema => 'm');
	CREATE ROLE analysts; CREATE ROLE ann LOGIN IN ROLE analysts; CREATE ROLE bob LOGIN;
	GRANT connhub_operator TO ann, bob; GRANT USAGE ON FOREIGN SERVER m TO ann, bob; GRANT USAGE ON SCHEMA m TO ann, bob; GRANT SELECT ON ALL TABLES IN SCHEMA m TO ann, bob});

my ($ann, $bob, $super) = (session($hub, user => 'ann'), session($hub, user => 'bob'), session($hub));
my $all = 'SELECT max(t) FROM m.n';

sub result_of
{
	my ($session, $sql) = @_;
	start($session, $sql);
	my ($value, $message) = finish($session);
	return $value eq 'UB017' ? $message =~ s/\n.*//sr : $value;
}

sub option
{
	my ($options) = @_;
	$hub->safe_psql('postgres', "SELECT connhub.update_connector('m', test => false, discover => false, options => '$options')");
	return;
}

# Options of the connector.
is(result_of($super, $all), 'row 999', 'no ceiling');
option('{"max_rows": 999}');
like(result_of($super, $all), qr/the ceiling of 999 rows is exceeded/, 'max_rows');
is(result_of($super, 'SELECT count(*) FROM (SELECT * FROM m.n LIMIT 999) AS l'), 999, 'as many rows as that');
is(result_of($super, 'SELECT (SELECT count(*) FROM (SELECT id FROM m.n LIMIT 500) AS a) + (SELECT count(*) FROM (SELECT id FROM m.other LIMIT 499) AS b)'), 999, 'two queries of one statement');
like(result_of($super, 'SELECT (SELECT count(*) FROM (SELECT id FROM m.n LIMIT 500) AS a) + (SELECT count(*) FROM (SELECT id FROM m.other LIMIT 500) AS b)'),
	qr/999 rows/, 'count together');
is(result_of($super, 'SELECT count(*) FROM (SELECT id FROM m.n LIMIT 900) AS a'), 900, 'each statement anew') foreach 1 .. 2;
run($super, 'BEGIN');
is(result_of($super, 'SELECT count(*) FROM (SELECT id FROM m.n LIMIT 900) AS a'), 900, 'in a transaction, too') foreach 1 .. 2;
run($super, 'COMMIT');
option('{"max_rows": null, "max_bytes": 3000}');
like(result_of($super, $all), qr/the ceiling of 3000 bytes is exceeded/, 'max_bytes');
option('{"max_bytes": 7000}');
is(result_of($super, $all), 'row 999', 'which counts values');
option('{"max_bytes": null, "max_seconds": 1, "latency": "5s"}');
start($super, $all);
my ($value, $message, $took) = finish($super);
is($value, 'UB017', 'max_seconds');
like($message, qr/the ceiling of 1 seconds is exceeded/, 'names it');
cmp_ok($took, '<', 4, 'in time');
option('{"max_seconds": null, "latency": null}');

# Limits of roles.
$hub->safe_psql('postgres', q{SELECT connhub.set_limit('m', 'analysts', rows => 100)});
like(result_of($ann, $all), qr/the ceiling of 100 rows is exceeded/, 'a member of the role');
is(result_of($_, $all), 'row 999', 'nobody else, and no superuser') foreach $bob, $super;
$hub->safe_psql('postgres', q{SELECT connhub.set_limit('m', rows => 500)});
like(result_of($_, $all), qr/500 rows/, 'everybody') foreach $bob, $super;
like(result_of($ann, $all), qr/100 rows/, 'the least of all counts');
is($hub->safe_psql('postgres', q{SELECT role, rows, bytes, seconds, calls FROM connhub.connector_limit ORDER BY 1}), "analysts|100|||\n|500|||", 'the view has both');
$hub->safe_psql('postgres', q{SELECT connhub.set_limit('m'); SELECT connhub.set_limit('m', 'analysts')});
is($hub->safe_psql('postgres', 'SELECT count(*) FROM connhub.connector_limit'), 0, 'without a ceiling a limit is gone');
is(result_of($ann, $all), 'row 999', 'and ends nothing');
$hub->safe_psql('postgres', q{BEGIN; SELECT connhub.set_limit('m', 'analysts', rows => 1); ROLLBACK});
is(result_of($ann, $all), 'row 999', 'one that was rolled back neither');

# Calls: a minute may end in between, so that there may be twice as many.
$hub->safe_psql('postgres', q{SELECT connhub.set_limit('m', 'analysts', calls => 3)});
my @results = map { result_of($ann, $all) } 1 .. 7;
is($results[0], 'row 999', 'the first call');
like(join("\n", @results), qr/the ceiling of 3 calls per minute is exceeded/, 'too many in a minute');
is(result_of($bob, $all), 'row 999', 'others may go on');
cmp_ok($hub->safe_psql('postgres', "SELECT ceilings FROM connhub.metrics WHERE connector = 'm'"), '>=', 8, 'it is counted');

# Who may set them.
like(run($ann, q{SELECT connhub.set_limit('m', 'analysts')}), qr/^(42501|UB005)$/, 'not whoever is held by one');
is(run($super, q{SELECT connhub.set_limit('m', 'nobody', rows => 1)}), '42704', 'a role that is none');
is(run($super, q{SELECT connhub.set_limit('m', rows => 0)}), 'UB001', 'nothing at all');
is(run($super, q{SELECT connhub.set_limit('m', rows => -1)}), 'UB001', 'or less');
is($ann->selectrow_array('SELECT count(*) FROM connhub.connector_limit'), 1, 'whoever may see the connector sees them');

done_testing();
