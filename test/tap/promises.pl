# What a source cannot promise is refused before it is written to: without savepoints in a subtransaction, without
# transactions in a transaction block.  The sources are builds of the mock driver that promise less.
use strict;
use warnings;
use Hub;
use File::Copy qw(copy);
use Test::More;

my %promises = (mock_flat => 1, mock_plain => 0);
my $libdir = qx("$ENV{PG_CONFIG}" --pkglibdir) =~ s/\n//r;
my $tree = "$ENV{CONNHUB_TEST_TMP}/tree";

# A library comes into the installation whole, under its name at once: others look through the folder.
sub build_driver
{
	my ($name) = @_;
	my $folder = "$tree/drivers/mock";
	system("make -s -C '$folder' clean DRIVER=$name PG_CONFIG='$ENV{PG_CONFIG}' && make -s -C '$folder' DRIVER=$name PROMISES=$promises{$name} PG_CONFIG='$ENV{PG_CONFIG}'") == 0
	  or die "$name is not built\n";
	copy("$folder/connhub_$name.so", "$libdir/.connhub_$name.part") or die "$name is not copied: $!\n";
	rename "$libdir/.connhub_$name.part", "$libdir/connhub_$name.so" or die "$name is not installed: $!\n";
	return;
}

system("mkdir -p '$tree' && cp -R drivers src '$tree'") == 0 or die "the sources are not copied\n";
build_driver($_) foreach sort keys %promises;

my $hub = new_hub('promises');

# The SQLSTATEs of a script's errors.
sub states
{
	my ($script) = @_;
	my ($status, $out, $err) = $hub->psql('postgres', "\\set VERBOSITY sqlstate\n$script", on_error_stop => 0);
	return join ' ', $err =~ /ERROR:  (\w{5})/g;
}

# What a script prints and then the ids in the table, all in one session: the rows of a mock live no longer.
sub ids_after
{
	my ($type, $script) = @_;
	my ($status, $out, $err) = $hub->psql('postgres', "$script;\nSELECT string_agg(id::text, ' ' ORDER BY id) FROM $type.n", on_error_stop => 0);
	my ($said) = $err =~ /ERROR:  (.*)/;
	return ($said ? "$said: " : '') . $out;
}

sub allow_autocommit
{
	my ($type, $allowed) = @_;
	$hub->safe_psql('postgres', "SELECT connhub.update_connector('$type', test => false, discover => false, options => '{\"allow_autocommit_writes\": $allowed}')");
	return;
}

foreach my $type (sort keys %promises)
{
	$hub->safe_psql('postgres', <<"SQL");
SELECT connhub.register_driver('$type');
SELECT connhub.create_connector('$type', '$type', options => '{"tables": "n(2): id int64 key, v text nulls 100; b(1): id int64 key bad 1", "batch_size": 3}');
SELECT connhub.attach('$type', into_schema => '$type');
SQL
}

# ---- Transactions without savepoints ----

my $insert = "INSERT INTO mock_flat.n VALUES";
my $within = 'cannot write to connector "mock_flat" within a subtransaction';
is(ids_after('mock_flat', "BEGIN; $insert (10, 'x'); COMMIT; BEGIN; $insert (11, 'x'); ROLLBACK"), '1 2 10', 'flat: commit and rollback');
is(ids_after('mock_flat', "BEGIN; $insert (10, 'x'); SAVEPOINT s; SELECT FROM mock_flat.n LIMIT 0; RELEASE s; $insert (11, 'x'); COMMIT"), '1 2 10 11',
	'flat: a subtransaction that reads, between writes');
is(ids_after('mock_flat', "BEGIN; $insert (10, 'x'); SAVEPOINT s; $insert (11, 'x'); ROLLBACK TO s; COMMIT"), "$within: 1 2 10",
	'flat: a write in a subtransaction is refused, and the one before it stays');
foreach my $write ("$insert (12, 'x')", "UPDATE mock_flat.n SET v = 'y'", "UPDATE mock_flat.n SET v = lower(v) || id", 'DELETE FROM mock_flat.n', 'TRUNCATE mock_flat.n')
{
	is(states("BEGIN; SAVEPOINT s; $write; ROLLBACK TO s; COMMIT"), '0A000', "flat: $write");
}
is(ids_after('mock_flat', "DO \$\$ BEGIN $insert (13, 'x'); EXCEPTION WHEN division_by_zero THEN END \$\$"), "$within: 1 2", 'flat: a block with EXCEPTION');
is(ids_after('mock_flat', "DO \$\$ BEGIN $insert (13, 'x'); END \$\$"), '1 2 13', 'flat: one without');
is(ids_after('mock_flat', "BEGIN; $insert (14, 'x'); SAVEPOINT s; SELECT 1 / 0; ROLLBACK TO s; RELEASE s; $insert (15, 'x'); COMMIT"), 'division by zero: 1 2 14 15',
	'flat: a local error in a subtransaction takes nothing with it');
my $failing = "BEGIN; $insert (14, 'x'); SAVEPOINT s; SELECT * FROM mock_flat.b; ROLLBACK TO s; RELEASE s; COMMIT";
like(ids_after('mock_flat', $failing), qr/cannot be represented: 1 2$/, 'flat: an error of the source in a subtransaction ends what was written');
is(states($failing), '22000 25P02', 'flat: and the commit says so');
allow_autocommit('mock_flat', 'true');
is(ids_after('mock_flat', "BEGIN; SAVEPOINT s; $insert (16, 'x'); ROLLBACK TO s; COMMIT"), "$within: 1 2", 'flat: allow_autocommit_writes changes nothing here');
is(states("SELECT connhub.update_connector('mock_flat', options => '{\"two_phase\": true}'); $insert (17, 'x')"), '', 'flat: two_phase without the means is an ordinary commit');

# ---- No transactions ----

$insert = "INSERT INTO mock_plain.n VALUES";
$within = 'cannot write to connector "mock_plain" within a transaction block';
is(ids_after('mock_plain', "$insert (10, 'x'), (11, 'x'); UPDATE mock_plain.n SET id = id + 20 WHERE id = 10; DELETE FROM mock_plain.n WHERE id = 2"), '1 11 30',
	'plain: statements of their own');
foreach my $write ("$insert (12, 'x')", "UPDATE mock_plain.n SET v = 'y'", "UPDATE mock_plain.n SET v = lower(v) || id", 'DELETE FROM mock_plain.n', 'TRUNCATE mock_plain.n')
{
	is(states("BEGIN; $write; COMMIT"), '0A000', "plain: $write in a transaction block");
}
is(ids_after('mock_plain', "BEGIN; SELECT FROM mock_plain.n LIMIT 0; $insert (12, 'x'); COMMIT"), "$within: 1 2", 'plain: a write after a read');
is(ids_after('mock_plain', "DO \$\$ BEGIN $insert (13, 'x'); EXCEPTION WHEN division_by_zero THEN END \$\$"), "$within: 1 2", 'plain: a block with EXCEPTION');
like(ids_after('mock_plain', "INSERT INTO mock_plain.n SELECT i % 5 + 1, 'x' FROM generate_series(2, 9) i"), qr/the key is there already.*: 1 2 3 4 5$/,
	'plain: of a statement that fails, what was sent before stays');
is(ids_after('mock_plain', "BEGIN; SELECT FROM mock_plain.n LIMIT 0; COMMIT"), '1 2', 'plain: reads in a transaction block');
allow_autocommit('mock_plain', 'true');
is(ids_after('mock_plain', "BEGIN; $insert (14, 'x'); UPDATE mock_plain.n SET id = 40 WHERE id = 1; COMMIT"), '2 14 40', 'plain, accepted: commit');
is(ids_after('mock_plain', "BEGIN; $insert (15, 'x'); DELETE FROM mock_plain.n WHERE id = 1; ROLLBACK"), '2 15', 'plain, accepted: a rollback undoes nothing there');
is(ids_after('mock_plain', "BEGIN; $insert (15, 'x'); SELECT 1 / 0; COMMIT"), 'division by zero: 1 2 15', 'plain, accepted: nor does an error');
is(ids_after('mock_plain', "BEGIN; SAVEPOINT s; $insert (16, 'x'); ROLLBACK TO s; COMMIT"), '1 2 16', 'plain, accepted: nor does a savepoint');
allow_autocommit('mock_plain', 'null');
is(ids_after('mock_plain', "BEGIN; $insert (17, 'x'); COMMIT"), "$within: 1 2", 'plain: refused again');

$hub->stop;

END
{
	my $result = $?;
	unlink map { ("$libdir/connhub_$_.so", "$libdir/.connhub_$_.part") } keys %promises;
	$? = $result;
}

done_testing();
