# Claim: documents of any shape are read as they are or not at all, what is sent means the same there, and what is written comes back.
use strict;
use warnings;
use lib 'test/tap';
use Hub;
use Test::More;
use Time::HiRes qw(time);

my %source_of = (mongodb => 'CONNHUB_TEST_MONGO_PORT', ferretdb => 'CONNHUB_TEST_FERRET_PORT');
my @there = grep { $ENV{ $source_of{$_} } } sort keys %source_of;
plan skip_all => 'no server of this protocol is there' unless @there;
my $hub = new_hub('mongodb_driver');

sub answer
{
	my ($sql) = @_;
	my ($code, $out, $err) = $hub->psql('postgres', $sql);
	return $code == 0 ? $out : "failed: $err";
}

# Pushed and kept, the answer is the same, and it is this one.
sub same
{
	my ($source, $condition, $want, $name, $sent) = @_;
	my $query = "SELECT string_agg(id::text, ',' ORDER BY id) FROM $source.odd WHERE $condition";
	is(answer($query), $want, "$source: $name, pushed");
	is(answer("SET connhub.pushdown = off; $query"), $want, "$source: $name, kept");
	like(answer("EXPLAIN (VERBOSE, COSTS OFF) $query"), qr/\$match/, "$source: $name is sent") if $sent;
	return;
}

# Missing, null, nested, arrays, and ObjectIds; a nested document that is null; all of FerretDB's types.
my @documents = (
	'{"_id":{"$oid":"0123456789abcdef01234567"},"id":1,"n":1,"d":1.5,"s":"a","b":true,"at":{"$date":{"$numberLong":"1000"}},"in":{"x":1,"y":{"z":"deep"}},"list":[1,2],"mixed":1}',
	'{"id":2,"n":null,"d":{"$numberDouble":"-2.25"},"s":"b\nc","b":false,"in":null,"list":[],"mixed":"one"}',
	'{"id":3,"s":"a.c","in":{"x":3},"mixed":{"k":null}}',
	'{"id":4,"n":-7,"d":{"$numberDouble":"1e300"},"s":"A","b":null,"at":{"$date":{"$numberLong":"-1"}},"in":{"y":{"z":""}},"list":[{"q":1}]}');

foreach my $source (@there)
{
	answer("SELECT connhub.create_connector(name => '$source', options => '{\"read_only\": false, \"native_commands\": \"any\"}', " . arguments(connector($source)) . ')');
	answer("SELECT * FROM connhub.live('$source', '{\"drop\":\"odd\"}') AS t(ok float8)");
	my $list = join ',', @documents;
	(my $quoted = $list) =~ s/'/''/g;
	like(answer("SELECT * FROM connhub.live('$source', \$q\${\"insert\":\"odd\",\"documents\":[$list]}\$q\$) AS t(n int, ok float8)"), qr/^4\|/, "$source: documents are inserted");
	answer("SELECT * FROM connhub.discover('$source')");
	answer("CREATE SCHEMA $source; SELECT * FROM connhub.attach('$source', tables => ARRAY['odd'], into_schema => '$source')");

	is(answer("SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attname COLLATE \"C\") FROM pg_attribute WHERE attrelid = '$source.odd'::regclass AND attnum > 0"),
		'_id text, at timestamp(3) with time zone, b boolean, d double precision, id integer, in_x integer, in_y_z text, list jsonb, mixed jsonb, n integer, s text', "$source: columns from the documents");
	is(answer("SELECT _id, n, d, s, b, at, in_x, in_y_z, list, mixed FROM $source.odd WHERE id = 1"),
		'0123456789abcdef01234567|1|1.5|a|t|1970-01-01 00:00:01+00|1|deep|[1, 2]|1', "$source: values");
	is(answer("SELECT n, in_x, in_y_z, list, mixed FROM $source.odd WHERE id = 3"), '|3|||{"k": null}', "$source: what is missing is null");

	same($source, 'n IS NULL', '2,3', 'null and missing', 1);
	same($source, 'n IS NOT NULL', '1,4', 'not null', 1);
	same($source, 'NOT (n > 0)', '4', 'a negated comparison', 1);
	same($source, 'n <> 1', '4', 'unequal', 1);
	same($source, 'n NOT IN (1, 5)', '4', 'not in', 1);
	same($source, 'n IS DISTINCT FROM 1', '2,3,4', 'distinct', 1);
	same($source, 'd > 1', '1,4', 'a double above', 1);
	same($source, 'b IS NOT TRUE', '2,3,4', 'not true', 1);
	same($source, 'NOT b', '2', 'not a boolean', 1);
	same($source, q{s LIKE 'a_c'}, '3', 'a pattern, in which a dot is a dot', 1);
	same($source, q{s LIKE 'b%c'}, '2', 'a pattern over the end of a line', 1);
	same($source, q{s NOT LIKE 'a%'}, '2,4', 'not a pattern', 1);
	same($source, q{s LIKE 'b'}, '', 'a pattern to the very end', 1);
	same($source, q{s < 'a' COLLATE "C"}, '4', 'text by its bytes', 1);
	same($source, q{in_y_z = ''}, '4', 'a nested field', 1);
	same($source, 'in_x IS NULL', '2,4', 'a nested field that is missing', 1);
	same($source, q{_id = '0123456789abcdef01234567'}, '1', 'an ObjectId', 1);
	same($source, q{_id = '0123456789ABCDEF01234567'}, '', 'what is no ObjectId', 1);
	same($source, q{at < '1970-01-01 00:00:01.0005'}, '1,4', 'between two milliseconds, below', 1);
	same($source, q{at >= '1970-01-01 00:00:00.9995'}, '1', 'between two milliseconds, above', 1);
	same($source, q{at = '1970-01-01 00:00:01.0005'}, '', 'no date is between two milliseconds', 1);
	same($source, q{at <> '1970-01-01 00:00:01.0005'}, '1,4', 'every date is unequal to it', 1);

	is(answer("SET plan_cache_mode = force_generic_plan; PREPARE p (int, int) AS SELECT string_agg(id::text, ',' ORDER BY id) FROM $source.odd WHERE n IN (\$1, \$2); EXECUTE p (1, NULL)"), '1', "$source: a null among parameters");
	is(answer("SET plan_cache_mode = force_generic_plan; PREPARE p (int, int) AS SELECT string_agg(id::text, ',' ORDER BY id) FROM $source.odd WHERE n NOT IN (\$1, \$2); EXECUTE p (1, NULL)"), '', "$source: a null among parameters of NOT IN");
	is(answer("SET plan_cache_mode = force_generic_plan; PREPARE p (int) AS SELECT count(*) FROM (SELECT id FROM $source.odd LIMIT \$1) q; EXECUTE p (0); EXECUTE p (NULL)"), "0\n4", "$source: a limit of nothing and of null");

	# A document of another shape comes after discovery.
	answer("SELECT * FROM connhub.live('$source', '{\"insert\":\"odd\",\"documents\":[{\"id\":5,\"n\":[1,9],\"in\":{\"x\":\"text\"}},{\"id\":6,\"n\":\"1\",\"in\":[{\"x\":1}]}]}') AS t(n int)");
	like(answer("SELECT n FROM $source.odd WHERE id = 5"), qr/failed: .*another type than int/s, "$source: a value of another type is an error");
	is(answer("SELECT count(*) FROM $source.odd WHERE n = 1"), '1', "$source: and is not there for a condition");
	is(answer("SELECT count(*) FROM $source.odd WHERE in_x = 1"), '1', "$source: nor is one in an array of documents");
	answer("SELECT * FROM connhub.live('$source', '{\"delete\":\"odd\",\"deletes\":[{\"q\":{\"id\":{\"\$gt\":4}},\"limit\":0}]}') AS t(n int)");

	# Writing.
	like(answer("INSERT INTO $source.odd (id, n, s, in_x, in_y_z, at, list, mixed) VALUES (10, 5, 'new', 7, 'seven', '2024-02-29 12:00:00.123456', '[1, {\"\$oid\": \"0123456789abcdef01234568\"}]', '{\"\$oid\": \"0123456789abcdef01234569\"}'), (11, NULL, '\$s', NULL, NULL, NULL, NULL, NULL) RETURNING 1"), qr/^1\n1/, "$source: rows are inserted");
	is(answer("SELECT n, s, in_x, in_y_z, at, list, mixed FROM $source.odd WHERE id = 10"),
		'5|new|7|seven|2024-02-29 12:00:00.123+00|[1, {"$oid": "0123456789abcdef01234568"}]|{"$oid": "0123456789abcdef01234569"}', "$source: and come back");
	is(answer("UPDATE $source.odd SET in_y_z = 'changed', n = n + 1 WHERE id = 10; SELECT n, in_x, in_y_z FROM $source.odd WHERE id = 10"), '6|7|changed', "$source: a nested field is set alone");
	is(answer("DELETE FROM $source.odd WHERE id > 9; SELECT count(*) FROM $source.odd"), '4', "$source: rows are deleted");
	is(answer("INSERT INTO $source.odd (id, n) SELECT g, g FROM generate_series(100, 2600) g; SELECT count(*), sum(n) FROM $source.odd WHERE id >= 100"), '2501|3376350', "$source: rows in bulk");
	like(answer("BEGIN; INSERT INTO $source.odd (id) VALUES (12); COMMIT"), qr/failed: /, "$source: no writes in a transaction that could not be undone");
	answer("SELECT * FROM connhub.live('$source', '{\"delete\":\"odd\",\"deletes\":[{\"q\":{\"id\":{\"\$gt\":99}},\"limit\":0}]}') AS t(n int)");
	answer("SELECT connhub.create_connector(name => '${source}_reader', " . arguments(connector($source)) . ')');
	foreach my $command ('{"drop":"odd"}', '{"aggregate":"odd","pipeline":[{"$out":"x"}]}')
	{
		like(answer("SELECT * FROM connhub.live('${source}_reader', '$command') AS t(ok float8)"), qr/failed: .*may change data/s, "$source: $command is no native query unless allowed");
	}
	like(answer("SELECT * FROM connhub.live('$source', '{\"collection\":\"odd\",\"pipeline\":[{\"\$nonsense\":1}]}') AS t(x int)"), qr/failed: .*rejected/s, "$source: a stage that does not exist");
}

# What does not work ends in its cause, and does not hang.
my %any = connector($there[0]);
my $code = sub {
	my (%change) = @_;
	return answer("SELECT error_code FROM connhub.test(" . arguments(%any, %change) . ')');
};
is($code->(port => $ENV{CONNHUB_TEST_CLOSED_PORT}), 'CONNECTION_REFUSED', 'a closed port');
my $begun = time;
like(answer("SET statement_timeout = '2s'; SELECT error_code FROM connhub.test(" . arguments(%any, port => $ENV{CONNHUB_TEST_MUTE_PORT}) . ')'), qr/TIMEOUT|canceling/i, 'a port that says nothing');
ok(time - $begun < 8, 'is given up on a cancel');
SKIP: {
	skip 'its server is not there', 1 unless $ENV{CONNHUB_TEST_FERRET_PORT};
	%any = connector('ferretdb');
	is($code->(password => 'wrong'), 'AUTHENTICATION_FAILED', 'a wrong password');
}
like($code->(ssl_mode => 'require', options => '{"connect_timeout": "3s"}'), qr/TLS|TIMEOUT/, 'no encryption where the server has none');

$hub->stop;
done_testing();
