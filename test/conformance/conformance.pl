# Claim: every driver reads the shop alike, and whatever it takes over from the server means the same there.
use strict;
use warnings;
use lib 'test/tap';
use Hub;
use Test::More;

# documents.pl names others.
our @sources;
@sources = qw(postgresql mariadb sqlite) unless @sources;
my %quirks_of = (postgresql => 'postgresql', mariadb => 'mysql', sqlite => 'sqlite', mongodb => 'mongodb', ferretdb => 'mongodb_ferretdb');

# Sources whose server a machine may lack, with what says that it is there.
my %may_lack = (mongodb => 'CONNHUB_TEST_MONGO_PORT', ferretdb => 'CONNHUB_TEST_FERRET_PORT');

# The cases show SQL; what the words of another language of queries are.
my %words = (
	WHERE => '\$match', 'ORDER BY' => '\$sort', LIMIT => '\$limit', 'GROUP BY' => '\$group', DISTINCT => '\$group',
	HAVING => '\$group.*\$match', sum => '\$sum', count => '\$sum', min => '\$min');
my %words_of = (mongodb => \%words, ferretdb => \%words);

# A case: name, table, the columns read, what follows FROM; sent: what the native query must show.
my @cases = (
	[ 'filter-integer-equal', 'customers', '*', 'WHERE id = 42', qr/WHERE/ ],
	[ 'filter-integer-range', 'customers', '*', 'WHERE id > 190', qr/WHERE/ ],
	[ 'filter-integer-between', 'customers', 'id', 'WHERE id BETWEEN 10 AND 20', qr/WHERE/ ],
	[ 'filter-integer-in', 'customers', 'id, name', 'WHERE id IN (1, 5, 199, 1000)', qr/WHERE/ ],
	[ 'filter-integer-not-in', 'products', 'id', 'WHERE id NOT IN (1, 2, 3)' ],
	[ 'filter-integer-not-equal', 'products', 'id', 'WHERE id <> 7', qr/WHERE/ ],
	[ 'filter-bigint-beyond-integer', 'orders', 'id', 'WHERE id < 9000000000' ],
	[ 'filter-text-equal', 'products', '*', "WHERE sku = 'SKU-0042'", qr/WHERE/ ],
	[ 'filter-text-case', 'customers', 'id, name', "WHERE name = 'ZOE 7'" ],
	[ 'filter-text-accent', 'customers', 'id, name', "WHERE name IN ('Bjorn 1', 'Chloe 2', 'Chloé 2')" ],
	[ 'filter-text-trailing-blank', 'products', 'id', "WHERE sku = 'SKU-0042 '" ],
	[ 'filter-text-empty', 'customers', 'id', "WHERE note = ''" ],
	[ 'filter-text-not-equal', 'customers', 'id', "WHERE note <> 'plain'" ],
	[ 'filter-text-quote', 'customers', 'id', q{WHERE note = 'it''s 100% "fine"'} ],
	[ 'filter-text-backslash', 'customers', 'id', q{WHERE note = 'back\slash'} ],
	[ 'filter-text-emoji', 'customers', 'id', q{WHERE note = 'Grüße 👋'} ],
	[ 'filter-text-range', 'customers', 'id, name', q{WHERE name >= 'a'} ],
	[ 'filter-text-range-bytes', 'customers', 'id, name', q{WHERE name < 'Z' COLLATE "C"} ],
	[ 'filter-like-prefix', 'products', 'id', q{WHERE sku LIKE 'SKU-000%'} ],
	[ 'filter-like-case', 'customers', 'id', q{WHERE name LIKE 'z%'} ],
	[ 'filter-like-one', 'customers', 'id', q{WHERE name LIKE '_da 8'} ],
	[ 'filter-like-escape', 'customers', 'id', q{WHERE note LIKE '%100\%%'} ],
	[ 'filter-not-like', 'customers', 'id', q{WHERE name NOT LIKE 'Z%'} ],
	[ 'filter-ilike', 'customers', 'id', q{WHERE name ILIKE 'łUCJA%'} ],
	[ 'filter-numeric-equal', 'products', 'id', 'WHERE price = 12.50', qr/WHERE/ ],
	[ 'filter-numeric-range', 'products', 'id', 'WHERE price < 3.1' ],
	[ 'filter-numeric-digits', 'products', 'id', 'WHERE price <> 1.2500000000000000000000000001' ],
	[ 'filter-numeric-other-column', 'orders', 'id', 'WHERE total > customer_id' ],
	[ 'filter-double', 'products', 'id', 'WHERE weight >= 10.125' ],
	[ 'filter-double-null', 'products', 'id', 'WHERE NOT (weight > 1)' ],
	[ 'filter-is-null', 'customers', 'id', 'WHERE credit IS NULL', qr/WHERE/ ],
	[ 'filter-is-not-null', 'customers', 'id', 'WHERE birthday IS NOT NULL', qr/WHERE/ ],
	[ 'filter-is-distinct', 'customers', 'id', 'WHERE credit IS DISTINCT FROM 12.5' ],
	[ 'filter-boolean', 'customers', 'id', 'WHERE vip' ],
	[ 'filter-not-boolean', 'customers', 'id', 'WHERE NOT vip' ],
	[ 'filter-boolean-is-true', 'customers', 'id', 'WHERE vip IS NOT TRUE' ],
	[ 'filter-date-equal', 'customers', 'id', "WHERE birthday = '1960-03-25'" ],
	[ 'filter-date-range', 'customers', 'id', "WHERE birthday < '1970-01-01'", qr/WHERE/ ],
	[ 'filter-date-infinity', 'customers', 'id', "WHERE birthday < 'infinity'" ],
	[ 'filter-timestamp-equal', 'customers', 'id', "WHERE created_at = '2024-01-02 08:00:00'" ],
	[ 'filter-timestamp-range', 'orders', 'id', "WHERE ordered_at >= '2025-03-01 12:00' AND ordered_at < '2025-03-02'", qr/WHERE/ ],
	[ 'filter-and-or', 'customers', 'id', "WHERE (id < 10 OR country = 'DE') AND NOT (id = 5)" ],
	[ 'filter-or-of-and', 'orders', 'id', "WHERE (status = 'open' AND customer_id < 50) OR (status = 'paid' AND total > 300)" ],
	[ 'filter-case', 'products', 'id', "WHERE CASE WHEN id < 50 THEN price ELSE 0 END > 30" ],
	[ 'filter-coalesce', 'customers', 'id', 'WHERE coalesce(credit, 0) = 0' ],
	[ 'filter-arithmetic', 'products', 'id', 'WHERE id % 7 = 3 AND id * 2 > 50' ],
	[ 'filter-length', 'products', 'id', 'WHERE char_length(title) = 10' ],
	[ 'filter-lower', 'customers', 'id', "WHERE lower(name) = 'łucja 5'" ],
	[ 'filter-volatile', 'customers', 'id', 'WHERE random() >= 0 AND id < 5' ],
	[ 'filter-view', 'open_orders', 'id', 'WHERE id < 40' ],
	[ 'filter-edge-integers', 'edge_values', 'id', 'WHERE c_big < 0 OR c_int = 2147483647' ],
	[ 'filter-edge-minimum', 'edge_values', 'id', 'WHERE c_big = -9223372036854775808' ],
	[ 'filter-edge-double', 'edge_values', 'id', 'WHERE c_double = 1.5' ],
	[ 'filter-edge-bytes', 'edge_values', 'id', q{WHERE c_bytes = '\x00'} ],
	[ 'sort-integer', 'products', 'id', 'ORDER BY id DESC LIMIT 5', qr/ORDER BY/ ],
	[ 'sort-nulls-first', 'customers', 'id, credit', 'ORDER BY credit NULLS FIRST, id LIMIT 40' ],
	[ 'sort-nulls-last', 'customers', 'id, credit', 'ORDER BY credit DESC NULLS LAST, id OFFSET 150' ],
	[ 'sort-nulls-elsewhere', 'customers', 'id, credit', 'ORDER BY credit, vip NULLS FIRST, id DESC LIMIT 3 OFFSET 30', qr/LIMIT/ ],
	[ 'sort-nulls-elsewhere-only', 'customers', 'id, credit', 'WHERE id > 180 ORDER BY credit DESC, id LIMIT 30', qr/LIMIT/ ],
	[ 'sort-nulls-elsewhere-one-row', 'customers', 'id', 'WHERE credit IS NULL ORDER BY credit DESC NULLS FIRST, id DESC LIMIT 1 OFFSET 1', qr/LIMIT/ ],
	[ 'sort-text', 'customers', 'name', 'ORDER BY name LIMIT 30' ],
	[ 'sort-text-bytes', 'customers', 'name', 'ORDER BY name COLLATE "C" LIMIT 30' ],
	[ 'sort-date', 'customers', 'id', 'ORDER BY birthday, id LIMIT 20' ],
	[ 'limit', 'orders', 'id', 'ORDER BY id LIMIT 3 OFFSET 2', qr/LIMIT/ ],
	[ 'limit-zero', 'orders', 'id', 'ORDER BY id LIMIT 0' ],
	[ 'limit-null', 'products', 'id', 'ORDER BY id LIMIT NULL OFFSET 98' ],
	[ 'limit-over-recheck', 'customers', 'id', q{WHERE name LIKE 'z%' ORDER BY id LIMIT 2} ],
	[ 'no-columns', 'orders', 'count(*)', '' ],
	[ 'no-columns-filter', 'orders', 'count(*)', "WHERE status = 'open'" ],
	[ 'constant-output', 'products', '1', 'WHERE id < 4' ],
	[ 'coalesce-of-one', 'products', 'id', 'WHERE coalesce(id) < 9 ORDER BY coalesce(id) DESC' ],
	[ 'whole-row', 'products', 'products', 'WHERE id = 3' ],
	[ 'aggregate', 'orders', 'status, count(*), sum(total)', 'GROUP BY status ORDER BY status COLLATE "C"' ],
	[ 'join-same-source', 'orders', 'orders.id', 'JOIN customers c ON c.id = orders.customer_id WHERE c.id < 4' ],
	[ 'rescan', 'customers', 'customers.id, o.id', 'CROSS JOIN LATERAL (SELECT id FROM orders WHERE customer_id = customers.id ORDER BY id LIMIT 2) o WHERE customers.id < 6' ],
	[ 'two-scans', 'products', 'products.id, q.id', 'JOIN products q ON q.id = products.id + 1 WHERE products.id < 9' ],
	[ 'semi-join', 'customers', 'id', 'WHERE id IN (SELECT customer_id FROM orders WHERE total > 300)' ],
	[ 'semi-join-sorted', 'customers', 'id', 'WHERE id IN (SELECT customer_id FROM orders WHERE total > 100) ORDER BY id LIMIT 7' ],
	[ 'group-by-constant', 'orders', 'k, count(*)', 'CROSS JOIN (SELECT 2 AS k) c GROUP BY k' ],
	[ 'window-count', 'orders', 'id, count(*) OVER (PARTITION BY customer_id)', 'WHERE id < 50' ],
	[ 'window-sum', 'orders', 'id, sum(customer_id) OVER (PARTITION BY customer_id ORDER BY id)', 'WHERE id < 50' ],
	[ 'window-beside-stable-value', 'orders', q{id, '1970-01-01 00:00:00'::timestamp::timestamptz AS epoch, rank() OVER (ORDER BY customer_id)}, 'WHERE id < 50' ],
	[ 'distinct-constants-offset', 'orders', 'DISTINCT 10, 3', 'LIMIT 3 OFFSET 1' ],
	[ 'correlated-text', 'customers', 'id', 'WHERE id > 100 + (SELECT count(*) FROM products WHERE sku = customers.name)' ],
	[ 'derived-filter-sorted', '(SELECT DISTINCT customer_id AS k FROM orders) d', 'k', 'WHERE k = ANY (SELECT product_id FROM lineitems WHERE line_no = k % 3) ORDER BY k' ],
	[ 'aggregate-filter-date', 'customers', 'country, min(birthday) FILTER (WHERE id > 40), count(*) FILTER (WHERE id > 40)', 'GROUP BY country' ],
	[ 'filter-date-as-timestamp', 'customers', 'id', 'WHERE birthday::timestamp = birthday AND id < 9' ],
	[ 'filter-date-before-timestamp', 'customers', 'id', "WHERE birthday < '1970-01-01 12:00'::timestamp AND birthday >= '1965-01-01 00:00'::timestamp" ],
	[ 'join-inner', 'orders', 'orders.id, c.name', 'JOIN customers c ON c.id = orders.customer_id WHERE c.id < 40', qr/INNER JOIN/ ],
	[ 'join-cross', 'customers', 'customers.id, p.id', 'CROSS JOIN products p WHERE customers.id < 4 AND p.id < 4', qr/CROSS JOIN/ ],
	[ 'join-left', 'customers', 'customers.id, o.total', 'LEFT JOIN orders o ON o.customer_id = customers.id AND o.id > 500 WHERE customers.id < 120', qr/LEFT JOIN/ ],
	[ 'join-left-of-inner', 'customers', 'customers.id, o.id, l.price', 'LEFT JOIN (orders o JOIN lineitems l ON l.order_id = o.id AND l.line_no = 1) ON o.customer_id = customers.id AND o.id < 90', qr/LEFT JOIN \(.*INNER JOIN/ ],
	[ 'join-left-nulls', 'customers', 'customers.id', 'LEFT JOIN orders o ON o.customer_id = customers.id WHERE o.id IS NULL', qr/LEFT JOIN .*IS NULL/ ],
	[ 'join-left-expression-of-inner', 'customers', 'customers.id', 'LEFT JOIN (SELECT 0 AS zero, customer_id FROM orders WHERE id < 90) o ON o.customer_id = customers.id WHERE o.zero IS NULL' ],
	[ 'join-anti-condition', 'customers', 'customers.id', 'LEFT JOIN orders o ON o.customer_id = customers.id AND o.id < 300 WHERE o.customer_id IS NULL AND coalesce(o.total, 0) = 0' ],
	[ 'derived-value-of-plan', '(SELECT customer_id AS k, count(*) AS n FROM orders WHERE customer_id > (SELECT max(g) FROM generate_series(1, 180) g) GROUP BY customer_id) d', 'd.k, d.n, c.name', 'JOIN customers c ON c.id = d.k' ],
	[ 'sort-by-sub-select', 'customers', 'id', 'WHERE id < 50 ORDER BY (SELECT max(o.id) FROM orders o WHERE o.customer_id = customers.id) DESC NULLS LAST, id LIMIT 7' ],
	[ 'window-condition', '(SELECT id, row_number() OVER (ORDER BY id DESC) AS n FROM orders) w', 'id, n', 'WHERE n <= 3' ],
	[ 'window-condition-partition', '(SELECT id, rank() OVER (PARTITION BY customer_id ORDER BY id) AS n FROM orders) w', 'id, n', 'WHERE n < 2' ],
	[ 'group-nondeterministic', 'customers', 'count(*)', 'GROUP BY left(name, 3) COLLATE loose' ],
	[ 'distinct-nondeterministic', 'customers', 'count(DISTINCT left(name, 3) COLLATE loose)', '' ],
	[ 'window-nondeterministic', 'customers', 'id, count(*) OVER (PARTITION BY left(name, 3) COLLATE loose)', '' ],
	[ 'join-right', 'orders', 'orders.id, c.id', 'RIGHT JOIN customers c ON c.id = orders.customer_id AND orders.id < 100', qr/LEFT JOIN/ ],
	[ 'join-full', 'customers', 'customers.id, o.id', 'FULL JOIN (SELECT id, customer_id FROM orders WHERE id < 50) o ON o.customer_id = customers.id', qr/FULL JOIN/ ],
	[ 'join-self', 'customers', 'customers.id, other.id', 'JOIN customers other ON other.id = customers.id + 1 WHERE customers.id < 20' ],
	[ 'join-three', 'lineitems', 'lineitems.order_id, c.id, p.id', 'JOIN orders o ON o.id = lineitems.order_id JOIN customers c ON c.id = o.customer_id JOIN products p ON p.id = lineitems.product_id WHERE c.id < 9', qr/INNER JOIN .*INNER JOIN .*INNER JOIN/ ],
	[ 'join-exists', 'customers', 'id', 'WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = customers.id AND o.id < 40)', qr/WHERE EXISTS/ ],
	[ 'join-not-exists', 'customers', 'id', 'WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = customers.id AND o.id > 40)', qr/NOT EXISTS/ ],
	[ 'join-not-in', 'products', 'id', 'WHERE id NOT IN (SELECT order_id FROM lineitems WHERE line_no = 2)', qr/IN \(SELECT/ ],
	[ 'join-not-in-nulls', 'customers', 'id', 'WHERE credit NOT IN (SELECT credit FROM customers WHERE id > 190)' ],
	[ 'group-count', 'orders', 'customer_id, count(*)', 'GROUP BY customer_id', qr/GROUP BY/ ],
	[ 'group-text', 'orders', 'status, count(*)', 'GROUP BY status', qr/GROUP BY/ ],
	[ 'group-text-case', 'customers', 'note, count(*)', 'GROUP BY note' ],
	[ 'group-having', 'orders', 'customer_id, count(*)', 'GROUP BY customer_id HAVING count(*) > 4 AND max(id) > 900', qr/HAVING/ ],
	[ 'group-nulls', 'customers', 'birthday, count(*), count(birthday)', 'GROUP BY birthday' ],
	[ 'group-sum-average', 'orders', 'status, sum(total), avg(total), min(total), max(total)', 'GROUP BY status', qr/GROUP BY/ ],
	[ 'group-integers', 'lineitems', 'sum(quantity), avg(quantity), min(order_id), max(order_id)', '', qr/sum/i ],
	[ 'group-none', 'orders', 'count(*), max(id)', 'WHERE id < 0', qr/count/i ],
	[ 'group-order-limit', 'orders', 'customer_id, count(*)', 'GROUP BY customer_id ORDER BY count(*) DESC, customer_id LIMIT 3', qr/ORDER BY .*LIMIT/ ],
	[ 'group-of-join', 'orders', 'c.id, count(*)', 'JOIN customers c ON c.id = orders.customer_id WHERE c.id < 50 GROUP BY c.id', qr/INNER JOIN .*GROUP BY/ ],
	[ 'group-determined', 'customers', 'customers.id, customers.vip, count(o.id)', 'LEFT JOIN orders o ON o.customer_id = customers.id GROUP BY customers.id, customers.vip', qr/LEFT JOIN .*GROUP BY/ ],
	[ 'group-expression', 'orders', 'id % 7, count(*)', 'GROUP BY id % 7', qr/GROUP BY/ ],
	[ 'group-filter', 'orders', 'status, count(*) FILTER (WHERE id > 500)', 'GROUP BY status', qr/FILTER|CASE/ ],
	[ 'group-distinct', 'orders', 'status, count(DISTINCT customer_id)', 'GROUP BY status', qr/DISTINCT/ ],
	[ 'group-distinct-text', 'customers', 'count(DISTINCT name)', '', qr/DISTINCT/ ],
	[ 'group-sets', 'orders', 'status, customer_id, grouping(status), count(*)', 'WHERE customer_id < 5 GROUP BY ROLLUP (status, customer_id)', qr/GROUPING SETS/ ],
	[ 'group-text-extremes', 'customers', 'min(name COLLATE "C"), max(name COLLATE "C")', '', qr/min/i ],
	[ 'distinct', 'orders', 'DISTINCT customer_id', 'WHERE customer_id < 30', qr/DISTINCT|GROUP BY/ ],
	[ 'distinct-order-limit', 'orders', 'DISTINCT customer_id', 'ORDER BY customer_id DESC LIMIT 4', qr/(DISTINCT|GROUP BY) .*LIMIT/ ],
	[ 'distinct-text-order', 'orders', 'DISTINCT status COLLATE "C"', 'ORDER BY status COLLATE "C"' ],
	[ 'distinct-of-groups', 'orders', 'DISTINCT count(*)', 'GROUP BY customer_id ORDER BY count(*)' ],
	[ 'distinct-constant', 'orders', 'DISTINCT 1, customer_id', 'WHERE customer_id < 4' ],
	[ 'window-number', 'orders', 'id, row_number() OVER (PARTITION BY customer_id ORDER BY id DESC)', 'WHERE id < 100', qr/OVER \(PARTITION BY/ ],
	[ 'window-frame', 'orders', 'id, count(*) OVER (PARTITION BY customer_id ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)', 'WHERE id < 100', qr/ROWS BETWEEN/ ],
	[ 'query-derived', '(SELECT customer_id, count(*) AS n FROM orders GROUP BY customer_id) AS counted', 'n, count(*)', 'GROUP BY n', qr/FROM \(SELECT .*GROUP BY/ ],
	[ 'query-derived-join', 'customers', 'customers.id, counted.n', 'JOIN (SELECT customer_id, count(*) AS n FROM orders GROUP BY customer_id) AS counted ON counted.customer_id = customers.id WHERE counted.n > 4', qr/INNER JOIN \(SELECT/ ],
	[ 'query-scalar', 'orders', 'id', 'WHERE id > (SELECT avg(id) FROM orders)' ],
	[ 'query-correlated', 'orders', 'id', 'WHERE id = (SELECT max(other.id) FROM orders other WHERE other.customer_id = orders.customer_id)', qr/\(SELECT max/i ],
	[ 'one-by-one', 'lineitems', 'order_id, line_no', 'WHERE order_id BETWEEN 10 AND 12' ]);

# Parameters: name, table, types, condition, values.
my @parameters = (
	[ 'parameter-integer', 'customers', 'integer', 'id = $1', '42' ],
	[ 'parameter-null', 'customers', 'integer', 'id = $1', 'NULL' ],
	[ 'parameter-bigint', 'orders', 'bigint', 'id > $1', '990' ],
	[ 'parameter-bigint-largest', 'edge_values', 'bigint', 'c_big = $1', '9223372036854775807' ],
	[ 'parameter-text', 'customers', 'text', 'name = $1', q{'Björn 1'} ],
	[ 'parameter-text-quote', 'customers', 'text', 'note = $1', q{'it''s 100% "fine"'} ],
	[ 'parameter-text-range', 'customers', 'text', 'name > $1 COLLATE "C"', q{'Z'} ],
	[ 'parameter-like', 'products', 'text', 'sku LIKE $1', q{'SKU-001_'} ],
	[ 'parameter-numeric', 'products', 'numeric', 'price = $1', '12.500' ],
	[ 'parameter-numeric-digits', 'products', 'numeric', 'price < $1', '1.2500000000000000000000000001' ],
	[ 'parameter-numeric-nan', 'products', 'numeric', 'price < $1', q{'NaN'} ],
	[ 'parameter-double', 'products', 'double precision', 'weight = $1', '0.125' ],
	[ 'parameter-double-nan', 'products', 'double precision', 'weight < $1', q{'NaN'} ],
	[ 'parameter-double-infinity', 'products', 'double precision', 'weight < $1', q{'infinity'} ],
	[ 'parameter-date', 'customers', 'date', 'birthday >= $1', q{'1990-01-01'} ],
	[ 'parameter-date-infinity', 'customers', 'date', 'birthday > $1', q{'-infinity'} ],
	[ 'parameter-date-bc', 'customers', 'date', 'birthday > $1', q{'0044-03-15 BC'} ],
	[ 'parameter-timestamp', 'orders', 'timestamp', 'ordered_at < $1', q{'2025-02-01 03:00:00.5'} ],
	[ 'parameter-bytes', 'edge_values', 'bytea', 'c_bytes = $1', q{'\x275c00ff22'} ]);

# Tables and the columns that must be the same text everywhere.  The longest bytes differ: SQLite's SQL cannot make 3000 times 255.
my %content = (
	customers => 'id::int, name::text, email::text, country::text, vip::int::bool, credit::numeric(12,2), birthday::date, created_at::timestamp, note::text',
	products => 'id::int, sku::text, title::text, category::text, price::numeric(10,2), weight::float8',
	orders => 'id::bigint, customer_id::int, status::text, ordered_at::timestamp, total::numeric(12,2)',
	lineitems => 'order_id::bigint, line_no::int, product_id::int, quantity::int, price::numeric(10,2)',
	open_orders => 'id::text, customer_id::text, total::numeric(12,2)',
	edge_values => 'id::int, label::text, c_small::int, c_int::bigint, c_big::bigint, c_double::float8, c_text::text, CASE id WHEN 2 THEN NULL ELSE c_bytes END, length(c_bytes), c_date::date, c_time::time, c_timestamp::timestamp');

# The quirks of a driver: a list of "- case: NAME" with "reason: TEXT" below each.
sub quirks
{
	my ($driver) = @_;
	my (%reason, $case);
	open my $file, '<', "test/conformance/quirks/$driver.yml" or die "quirks of $driver: $!\n";
	while (<$file>)
	{
		if (/^- case: (\S+)$/) { $case = $1; die "$driver: $case stands twice\n" if exists $reason{$case}; $reason{$case} = '' }
		elsif (/^  reason: (.+)$/ && defined $case) { $reason{$case} = $1 }
		elsif (!/^(#.*)?$/) { die "quirks of $driver, line $.: cannot be read\n" }
	}
	close $file;
	return %reason;
}

my $hub = new_hub('conformance');
$hub->safe_psql('postgres', q{CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false)});
my %known = map { $_->[0] => 1 } @cases, @parameters;
$known{"content-$_"} = 1 foreach keys %content;

# What must stand in the native query of a source.
sub sent_there
{
	my ($source, $sent) = @_;
	my $words = $words_of{$source} or return $sent;
	(my $text = "$sent") =~ s/(\w+ BY|\w+)/$words->{$1} \/\/ $1/ge;
	$text =~ s/ (?=\.\*)//g;
	return qr/$text/;
}

# Everything in one text: rows in the order they came when there is an order, else sorted.
sub digest
{
	my ($schema, $settings, $query, $ordered) = @_;
	my $order = $ordered ? '' : ' ORDER BY q::text COLLATE "C"';
	my ($code, $out, $err) =
	  $hub->psql('postgres', "SET search_path = $schema, public; $settings; SELECT count(*) || ' ' || coalesce(md5(string_agg(q::text, E'\\n'$order)), '') FROM ($query) q");
	return $code == 0 ? $out : "failed: $err";
}

my %reference;
foreach my $source (@sources)
{
	if ($may_lack{$source} && !$ENV{ $may_lack{$source} })
	{
		ok(1, "$source # skip its server is not there");
		next;
	}
	my %quirk = quirks($quirks_of{$source});
	my %failure;
	ok($known{$_}, "$source: quirk $_ names a case") foreach sort keys %quirk;
	ok(length $quirk{$_}, "$source: quirk $_ has a reason") foreach sort keys %quirk;

	$hub->safe_psql('postgres', "SELECT connhub.create_connector(name => '$source', " . arguments(connector($source)) . ')');
	$hub->safe_psql('postgres', "CREATE SCHEMA ${source}_copy; SELECT * FROM connhub.attach('$source', tables => ARRAY['customers', 'products', 'orders', 'lineitems', 'open_orders', 'edge_values'], into_schema => '$source')");
	foreach my $table (sort keys %content)
	{
		$hub->safe_psql('postgres', "CREATE TABLE ${source}_copy.$table AS SELECT * FROM $source.$table");
		my $got = digest($source, 'SET extra_float_digits = 1', "SELECT $content{$table} FROM $table");
		$reference{$table} //= $got;
		$failure{"content-$table"} = "got $got, want $reference{$table}" if $got ne $reference{$table} || $got !~ /^[1-9]/;
	}
	foreach my $case (@cases)
	{
		my ($name, $table, $columns, $rest, $sent) = @$case;
		my $query = "SELECT $columns FROM $table $rest";
		my $ordered = $rest =~ /ORDER BY (?!id LIMIT 2\) o)/;
		my $want = digest("${source}_copy", 'SET connhub.pushdown = on', $query, $ordered);
		my $pushed = digest($source, 'SET connhub.pushdown = on', $query, $ordered);
		my $kept = digest($source, 'SET connhub.pushdown = off', $query, $ordered);
		if ($want =~ /^failed/ || $pushed ne $want || $kept ne $want)
		{
			$failure{$name} = "copy: $want\npushed: $pushed\nkept: $kept";
		}
		elsif ($sent)
		{
			my $plan = $hub->safe_psql('postgres', "SET search_path = $source; EXPLAIN (VERBOSE, COSTS OFF) $query");
			my $there = sent_there($source, $sent);
			$failure{$name} = "not sent:\n$plan" unless grep { /Native Query: .*$there/ } split /\n/, $plan;
		}
	}
	foreach my $case (@parameters)
	{
		my ($name, $table, $type, $condition, $value) = @$case;
		my @got;
		foreach my $schema ($source, "${source}_copy")
		{
			my ($code, $out, $err) = $hub->psql('postgres',
				"SET search_path = $schema; SET plan_cache_mode = force_generic_plan; PREPARE p ($type) AS SELECT string_agg(id::text, ',' ORDER BY id) FROM $table WHERE $condition; EXECUTE p ($value)");
			push @got, $code == 0 ? $out : "failed: $err";
		}
		$failure{$name} = "source: $got[0]\ncopy: $got[1]" if $got[0] ne $got[1] || $got[0] =~ /^failed/;
	}

	foreach my $name (sort keys %known)
	{
		if (exists $quirk{$name})
		{
			ok(exists $failure{$name}, "$source: $name differs as its quirk says: $quirk{$name}");
		}
		else
		{
			ok(!exists $failure{$name}, "$source: $name") or diag($failure{$name});
		}
	}
}

$hub->stop;
done_testing();
