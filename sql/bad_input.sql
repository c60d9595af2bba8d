-- Documents that are wrong: each says where, and nothing is written.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.location (code) VALUES ('BAD-A');
INSERT INTO usom.product (sku) VALUES ('BAD-1');
SELECT * FROM usom.receive_stock('BAD-A', 'BAD-1', 5);
SELECT pg_temp.row_counts() AS rows \gset
CREATE FUNCTION pg_temp.place(document text) RETURNS SETOF text LANGUAGE sql
	AS $$SELECT pg_temp.refused(format('SELECT * FROM usom.place_order(%L)', $1))$$;
CREATE FUNCTION pg_temp.place_line(line text) RETURNS SETOF text LANGUAGE sql
	AS $$SELECT pg_temp.place('{"lines": [{"sku": "BAD-1", "quantity": 1}, ' || $1 || ']}')$$;

-- Not JSON.
SELECT d, r.* FROM unnest(ARRAY['', 'order 5 lamps', '{"lines": [', '{"lines": [{"sku": "BAD-1", "quantity": 1}]', '{"lines": [{"sku": "BAD-1", "quantity": NaN}]}', '{"lines": [{"sku": "BAD-1", "quantity": Infinity}]}',
	'{"lines": [{"sku": "BAD\u0000", "quantity": 1}]}', '{"lines": [{"sku": "\ud800", "quantity": 1}]}']) AS d, pg_temp.place(d) r;

-- JSON, but no order document.
SELECT d, r.* FROM unnest(ARRAY['null', '7', '"x"', 'true', '[]', '[{"lines": []}]', '{}', '{"lines": null}', '{"lines": 7}', '{"lines": {}}', '{"lines": []}', '{"lines": [null]}', '{"lines": [7]}', '{"lines": [[]]}',
	'{"lnes": [{"sku": "BAD-1", "quantity": 1}]}', '{"Lines": []}', '{"": 1}']) AS d, pg_temp.place(d) r;

-- Unknown keys, at every depth.
SELECT r.* FROM pg_temp.place_line('{"sku": "BAD-1", "quantity": 1, "qty": 1}') r;
SELECT r.* FROM pg_temp.place('{"ship_to": {"planet": "Mars"}, "lines": [{"sku": "BAD-1", "quantity": 1}]}') r;
SELECT r.* FROM pg_temp.place('{"payment": {"card": "4111"}, "lines": [{"sku": "BAD-1", "quantity": 1}]}') r;

-- Wrong types: each key with something it is not.
SELECT key, value, r.* FROM (VALUES ('channel', '7'), ('channel', '""'), ('external_id', '7'), ('external_id', '""'), ('revision', '"1"'), ('revision', '0'), ('revision', '1.5'), ('revision', '-1'), ('revision', '1e30'),
	('order_type', '7'), ('customer', '{}'), ('customer', '""'), ('currency', '"euro"'), ('currency', '"eur"'), ('currency', '7'), ('priority', '"high"'), ('priority', '-1'), ('priority', '2147483648'),
	('placed_at', '20101201'), ('placed_at', '"2010-13-01"'), ('placed_at', '"infinity"'), ('requested_at', '"soon"'), ('requested_at', 'true'), ('ship_complete', '"yes"'), ('draft', '1'),
	('coupons', '"TEN"'), ('coupons', '{}'), ('coupons', '[7]'), ('ship_to', '"York"'), ('ship_to', '{"city": 7}'), ('ship_to', '{"latitude": "north"}'),
	('payment', '[]'), ('payment', '{"authorized": "5"}'), ('payment', '{"authorized": -1}'), ('payment', '{"authorized": 1e30}'), ('instructions', '7'), ('reservation_owner', '7')) AS wrong (key, value),
	pg_temp.place(format('{%s: %s, "lines": [{"sku": "BAD-1", "quantity": 1}]}', to_json(key), value)) r;
SELECT key, value, r.* FROM (VALUES ('sku', '7'), ('sku', '""'), ('sku', 'null'), ('quantity', '"1"'), ('quantity', 'null'), ('quantity', '0'), ('quantity', '-1'), ('quantity', '"NaN"'), ('quantity', '"Infinity"'), ('quantity', '1e30'),
	('quantity', '1000000000000'), ('quantity', '0.0000001'), ('quantity', '1.0000001'), ('quantity', '1e-300'), ('unit_price', '"1"'), ('unit_price', '-0.01'), ('unit_price', '1e30'), ('unit_price', '0.00001'), ('location', '7'), ('location', '""'),
	('requested_at', '"soon"'), ('substitution', '"perhaps"'), ('substitution', 'true'), ('partial', '"no"')) AS wrong (key, value),
	pg_temp.place_line(jsonb_set('{"sku": "BAD-1", "quantity": 1}', ARRAY[key], value::jsonb)::text) r;
SELECT r.* FROM pg_temp.place_line('{"quantity": 1}') r;
SELECT r.* FROM pg_temp.place_line('{"sku": "BAD-1"}') r;
SELECT r.* FROM pg_temp.place('{"lines": [{"sku": "BAD-1", "quantity": 1e400000}]}') r;

-- Codes that nobody knows: all of them at once.
SELECT r.* FROM pg_temp.place('{"channel": "telex", "lines": [{"sku": "BAD-1", "quantity": 1}]}') r;
SELECT r.* FROM pg_temp.place('{"customer": "BAD-NOBODY", "lines": [{"sku": "BAD-1", "quantity": 1}]}') r;
SELECT r.* FROM pg_temp.place_line('{"sku": "BAD-NONE", "quantity": 1}') r;
SELECT r.* FROM pg_temp.place_line('{"sku": "BAD-1", "quantity": 1, "location": "BAD-NONE"}') r;
SELECT r.* FROM pg_temp.place('{"external_id": "BAD-1001", "channel": "telex", "customer": "BAD-NOBODY", "lines": [{"sku": "BAD-NONE", "quantity": 1, "location": "BAD-NONE"}, {"sku": "BAD-1", "quantity": 1}, {"sku": "BAD-NIX", "quantity": 1}]}') r;
SELECT r.* FROM pg_temp.place((SELECT jsonb_build_object('lines', jsonb_agg(jsonb_build_object('sku', 'BAD-' || n, 'quantity', 1)))::text FROM generate_series(2, 40) n)) r;

-- Values that look right.
SELECT key, value, pg_temp.is_refused(format('SELECT usom.place_order(%L)', format('{%s: %s, "lines": [{"sku": "BAD-1", "quantity": 1}]}', to_json(key), value))) AS refused
FROM (VALUES ('placed_at', '"yesterday"'), ('placed_at', '"now"'), ('coupons', '[""]'), ('ship_to', '{"latitude": 91}'), ('ship_to', '{"longitude": -181}')) AS wrong (key, value);

-- A total beyond all bounds.
SELECT pg_temp.is_refused($$SELECT usom.place_order('{"lines": [{"sku": "BAD-1", "quantity": 999999999999, "unit_price": 999999999999}]}')$$) AS refused;

-- 20,000 levels deep, where anything may stand and where only text may.
SELECT left(r, 120) FROM pg_temp.place(repeat('[', 20000) || repeat(']', 20000)) r;
SELECT left(r, 120) FROM pg_temp.place('{"lines": ' || repeat('[', 20000) || repeat(']', 20000) || '}') r;
SELECT left(r, 120) FROM pg_temp.place('{"instructions": ' || repeat('{"a":', 20000) || '1' || repeat('}', 20000) || ', "lines": [{"sku": "BAD-1", "quantity": 1}]}') r;

-- 100 MB in one value, or a few; a message does not repeat it.
SELECT key, left(r[1], 2) IN ('US', '54') AS refused, length(array_to_string(r, '')) < 2000 AS short
FROM unnest(ARRAY['instructions', 'external_id', 'channel', 'customer', 'ship_to', 'unknown', 'sku']) AS key,
	LATERAL (SELECT array_agg(said) AS r FROM pg_temp.refused(format($$SELECT usom.place_order('{"lines": [{"sku": "BAD-1", "quantity": 1}]}'::jsonb || jsonb_build_object(%s))$$, CASE key
		WHEN 'instructions' THEN $$'instructions', repeat('x', 100000000)$$
		WHEN 'ship_to' THEN $$'ship_to', jsonb_build_object('city', repeat('x', 4000000))$$
		WHEN 'sku' THEN $$'lines', jsonb_build_array(jsonb_build_object('quantity', 1, 'sku', repeat('x', 4000000)))$$
		ELSE format($$%L, repeat('x', 4000000)$$, key) END)) AS said) AS answer;

-- Nothing of all that was written.
SELECT pg_temp.row_counts() = :'rows' AS nothing_written;
SELECT * FROM pg_temp.shelf('BAD-%');

-- No stock anywhere is no mistake: the units wait.
INSERT INTO usom.product (sku) VALUES ('BAD-SOLDOUT');
SELECT status, quantity_reserved, quantity_backordered, messages FROM usom.place_order('{"lines": [{"sku": "BAD-SOLDOUT", "quantity": 2, "unit_price": 1}]}');
SELECT * FROM usom.verify();
