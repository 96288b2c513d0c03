-- The shop as lines for mongodb_load, from the SQLite database that seed/sqlite.sql makes.  Decimals are numberDecimal; the script of
-- a server without them makes numberDouble of it.
.mode list
SELECT '? {"drop":"' || column1 || '"}' FROM (VALUES ('customers'), ('products'), ('orders'), ('lineitems'), ('open_orders'), ('edge_values'), ('native_values'));
SELECT 'customers ' || json_object('id', id, 'name', name, 'email', email, 'country', country,
	'vip', json(CASE WHEN vip THEN 'true' ELSE 'false' END),
	'credit', CASE WHEN credit IS NOT NULL THEN json_object('$numberDecimal', printf('%.2f', credit)) END,
	'birthday', CASE WHEN birthday IS NOT NULL THEN json_object('$date', json_object('$numberLong', strftime('%s', birthday) || '000')) END,
	'created_at', json_object('$date', json_object('$numberLong', strftime('%s', created_at) || '000')),
	'note', note) FROM customers;
SELECT 'products ' || json_object('id', id, 'sku', sku, 'title', title, 'category', category,
	'price', json_object('$numberDecimal', printf('%.2f', price)),
	'weight', CASE WHEN weight IS NOT NULL THEN json_object('$numberDouble', printf('%!.17g', weight)) END) FROM products;
SELECT 'orders ' || json_object('id', json_object('$numberLong', id || ''), 'customer_id', customer_id, 'status', status,
	'ordered_at', json_object('$date', json_object('$numberLong', strftime('%s', ordered_at) || '000')),
	'total', json_object('$numberDecimal', printf('%.2f', total))) FROM orders;
SELECT 'lineitems ' || json_object('order_id', json_object('$numberLong', order_id || ''), 'line_no', line_no, 'product_id', product_id,
	'quantity', quantity, 'price', json_object('$numberDecimal', printf('%.2f', price))) FROM lineitems;
SELECT 'edge_values ' || json_object('id', id, 'label', label,
	'c_bool', json(CASE WHEN c_bool THEN 'true' WHEN c_bool IS NOT NULL THEN 'false' ELSE 'null' END),
	'c_small', c_small, 'c_int', c_int,
	'c_big', CASE WHEN c_big IS NOT NULL THEN json_object('$numberLong', c_big || '') END,
	'c_double', CASE WHEN c_double IS NOT NULL THEN json_object('$numberDouble', printf('%!.17g', c_double)) END,
	'c_text', c_text,
	'c_bytes', CASE WHEN c_bytes IS NOT NULL THEN json_object('$hex', hex(c_bytes)) END,
	'c_date', CASE WHEN c_date IS NOT NULL THEN json_object('$date', json_object('$numberLong', strftime('%s', c_date) || '000')) END,
	'c_time', c_time, 'c_timestamp', c_timestamp) FROM edge_values;
SELECT 'open_orders ' || json_object('id', json_object('$numberLong', id || ''), 'customer_id', customer_id,
	'total', json_object('$numberDecimal', printf('%.2f', total))) FROM open_orders;
SELECT '? {"createIndexes":"customers","indexes":[{"key":{"id":1},"name":"customers_id","unique":true},{"key":{"country":1,"name":-1},"name":"customers_country"}]}';
