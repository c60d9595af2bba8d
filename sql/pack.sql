-- Packing: units go into packages, no more than are there, as they want to be handled; a package leaves whole.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code) VALUES ('packing');
SET usom.org = 'packing';
INSERT INTO usom.location (code, ships_from) VALUES ('PCK-A', 'released'), ('PCK-B', 'packed'), ('PCK-C', 'picked');
INSERT INTO usom.handling_class (code, name, special_packaging, apart, carriers, temperature_from, temperature_to) VALUES
	('fragile', 'Fragile', false, false, NULL, NULL, NULL), ('cold', 'Keep cold', true, true, '{ICE}', 2, 8);
INSERT INTO usom.product (sku, name, weight, volume, handling) VALUES ('PCK-1', 'Mug', 0.4, 1, '{fragile}'), ('PCK-2', 'Book', 1, 2, '{}'), ('PCK-3', 'Fish', 0.5, 1, '{cold}');
INSERT INTO usom.product (sku, kind) VALUES ('PCK-POST', 'service');
INSERT INTO usom.packaging (code, length, width, height, weight, max_weight, handling) VALUES ('S', 20, 20, 10, 0.1, 2, '{}'), ('L', 40, 40, 40, 0.5, 20, '{}'), ('ICEBOX', 0, 0, 0, 1, NULL, '{cold,fragile}');
-- US006: classes that nobody has.
SELECT * FROM pg_temp.refused($$INSERT INTO usom.product (sku, handling) VALUES ('PCK-X', '{hot}')$$);
SELECT * FROM pg_temp.refused($$UPDATE usom.packaging SET handling = '{hot}' WHERE code = 'S'$$);
SELECT * FROM pg_temp.refused($$INSERT INTO usom.packaging (code, weight) VALUES ('X', -1)$$);
SELECT * FROM pg_temp.refused($$INSERT INTO usom.location (code, ships_from) VALUES ('PCK-X', 'shipped')$$);
SELECT usom.receive_stocks((SELECT jsonb_agg(jsonb_build_object('location', l, 'sku', s, 'quantity', 100)) FROM unnest('{PCK-A,PCK-B,PCK-C}'::text[]) l, unnest('{PCK-1,PCK-2,PCK-3}'::text[]) s));

-- Not more than is there, from one location, of what is released.
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "PCK-1", "quantity": 10, "unit_price": 2, "location": "PCK-A"}, {"sku": "PCK-2", "quantity": 3, "unit_price": 5, "location": "PCK-A"}, {"sku": "PCK-2", "quantity": 1, "location": "PCK-B"}, {"sku": "PCK-POST", "quantity": 1, "unit_price": 3}]}') \gset
SELECT * FROM pg_temp.refused(format('SELECT usom.pack(%L)', :'o'));
SELECT status FROM usom.release_order(:'o');
SELECT pg_temp.row_counts() AS rows, pg_temp.image(:'o') AS before \gset
SELECT * FROM pg_temp.refused(format('SELECT usom.pack(%L)', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.pack(%L, %L)', :'o', '[{"line_no": 1, "quantity": 6}, {"line_no": 1, "quantity": 5}]'));
SELECT * FROM pg_temp.refused(format('SELECT usom.pack(%L, %L)', :'o', '[{"line_no": 4, "quantity": 1}]'));
SELECT * FROM pg_temp.refused(format('SELECT usom.pack(%L, %L, location => %L)', :'o', '[{"line_no": 3, "quantity": 1}]', 'PCK-A'));
SELECT * FROM pg_temp.refused(format('SELECT usom.pack(%L, %L, %L)', :'o', '[{"line_no": 1, "quantity": 1}]', 'XXL'));
-- Too heavy, too large.
SELECT * FROM pg_temp.refused(format('SELECT usom.pack(%L, %L, %L)', :'o', '[{"line_no": 2, "quantity": 3}]', 'S'));
SELECT * FROM pg_temp.refused(format('SELECT usom.pack(%L, %L, %L)', :'o', '[{"line_no": 1, "quantity": 5}]', 'S'));
SELECT pg_temp.row_counts() = :'rows' AS nothing_written, pg_temp.image(:'o') = :'before' AS unchanged;
SELECT usom.pack(:'o', '[{"line_no": 1, "quantity": 3}]', 'S') AS p \gset
SELECT usom.pack(:'o', '[{"line_no": 1, "quantity": 1}]', package_no => :'p', weight => 1.75, tracking => 'T-1') = :'p' AS same;
SELECT * FROM pg_temp.refused(format('SELECT usom.pack(%L, %L, package_no => %L)', :'o', '[{"line_no": 1, "quantity": 1}]', :'p'));
SELECT package_no = :'p' AS this, location, status, packaging, quantity, weight, weighed, handling, shipment_no, tracking FROM usom.packages WHERE order_no = :'o';
SELECT line_no, sku, product_name, quantity, lot, gift_wrap FROM usom.package_lines WHERE package_no = :'p';
SELECT usom.pack(:'o', location => 'PCK-A', packaging => 'L') AS q \gset
SELECT line_no, quantity, status, package_no = :'p' AS in_p, package_no = :'q' AS in_q FROM usom.order_pieces WHERE order_no = :'o' ORDER BY line_no, quantity;
SELECT packaging, quantity, weight, weighed, handling FROM usom.packages WHERE package_no = :'q';

-- A package leaves whole or not at all; one by its number.
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L, %L)', :'o', '[{"line_no": 1, "quantity": 5}]'));
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L, packages => %L)', :'o', '{PK-NONE}'));
SELECT usom.ship(:'o', carrier => 'DHL', tracking => 'JD1', service => 'express', packages => ARRAY[:'p']) AS s \gset
SELECT line_no, sku, status, quantity, package_no = :'p' AS in_p FROM usom.order_pieces WHERE order_no = :'o' ORDER BY line_no, quantity;
SELECT status, shipment_no = :'s' AS with_it, tracking FROM usom.packages WHERE package_no = :'p';
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.unpack(%L)', :'p'));
SELECT * FROM pg_temp.refused(format('SELECT usom.pack(%L, %L, package_no => %L)', :'o', '[{"line_no": 3, "quantity": 1}]', :'p'));
SELECT jsonb_pretty(usom.shipping_label(:'p') - ARRAY['package_no', 'order_no', 'shipment_no']);

-- Unpacked, it is picked; twice is once.
SELECT status FROM usom.unpack(:'q', 'wrong box');
SELECT status FROM usom.unpack(:'q', 'wrong box');
SELECT line_no, quantity, status, package_no FROM usom.order_pieces WHERE order_no = :'o' AND status = 'picked' ORDER BY line_no;
SELECT status, quantity FROM usom.packages WHERE package_no = :'q';
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.unpack('PK-NONE')$$);

-- A location that ships what is packed: the rest of the order leaves in two steps.
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L, %L)', :'o', '[{"line_no": 3, "quantity": 1}]'));
SELECT usom.pack(:'o', '[{"line_no": 3, "quantity": 1}]') AS r \gset
SELECT usom.ship(:'o') AS t \gset
SELECT location, status, quantity FROM usom.shipments WHERE order_no = :'o' ORDER BY location, quantity;
SELECT status FROM usom.orders WHERE order_no = :'o';

-- A location that ships what is picked.
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "PCK-2", "quantity": 2, "location": "PCK-C"}]}') \gset
SELECT status FROM usom.release_order(:'o');
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L)', :'o'));
SELECT usom.pack(:'o') IS NOT NULL AS packed;
SELECT usom.ship(:'o') IS NOT NULL AS shipped;

-- Classes: in what is fit for them, apart from others, by their carriers.
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "PCK-3", "quantity": 2, "location": "PCK-A"}, {"sku": "PCK-1", "quantity": 1, "location": "PCK-A"}]}') \gset
SELECT status FROM usom.release_order(:'o');
SELECT * FROM pg_temp.refused(format('SELECT usom.pack(%L, %L, %L)', :'o', '[{"line_no": 1, "quantity": 2}]', 'L'));
SELECT * FROM pg_temp.refused(format('SELECT usom.pack(%L, %L)', :'o', '[{"line_no": 1, "quantity": 2}]'));
SELECT * FROM pg_temp.refused(format('SELECT usom.pack(%L, packaging => %L)', :'o', 'ICEBOX'));
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L, carrier => %L)', :'o', 'ICE'));
SELECT usom.pack(:'o', '[{"line_no": 1, "quantity": 2}]', 'ICEBOX') AS p \gset
SELECT * FROM pg_temp.refused(format('SELECT usom.pack(%L, %L, package_no => %L)', :'o', '[{"line_no": 2, "quantity": 1}]', :'p'));
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L, carrier => %L)', :'o', 'DHL'));
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L)', :'o'));
SELECT usom.ship(:'o', carrier => 'ICE') IS NOT NULL AS shipped;
SELECT usom.shipping_label(:'p')->'handling' AS handling;

-- Gifts: said before they are packed; the slip names no prices.
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "PCK-1", "quantity": 2, "unit_price": 7, "location": "PCK-A"}, {"sku": "PCK-2", "quantity": 1, "unit_price": 9, "location": "PCK-A"}]}') \gset
SELECT status, version FROM usom.wrap_gift(:'o', 1, 'birthday');
SELECT status, version FROM usom.wrap_gift(:'o', 1, 'birthday');
SELECT status, version FROM usom.wrap_gift(:'o', 2);
SELECT status, version FROM usom.wrap_gift(:'o', 2, NULL);
SELECT * FROM pg_temp.refused(format('SELECT usom.wrap_gift(%L, 1, %L)', :'o', ''));
SELECT * FROM pg_temp.refused(format('SELECT usom.wrap_gift(%L, 9)', :'o'));
SELECT status FROM usom.release_order(:'o');
SELECT usom.pack(:'o', '[{"line_no": 1, "quantity": 2}]', 'L') AS p \gset
SELECT line_no, quantity, gift_wrap FROM usom.package_lines WHERE package_no = :'p';
SELECT * FROM pg_temp.refused(format('SELECT usom.wrap_gift(%L, 1, NULL)', :'o'));
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 2}]') AS s \gset
SELECT jsonb_pretty((usom.packing_slip(:'s') #- '{lines,0,package_no}') - ARRAY['shipment_no', 'order_no', 'shipped_at']);
SELECT usom.ship(:'o') AS s \gset
SELECT usom.packing_slip(:'s')->'lines' AS lines, usom.packing_slip(:'s')->'to_follow' AS to_follow, usom.packing_slip(:'s')->'gift' AS gift;
SELECT * FROM pg_temp.refused($$SELECT usom.packing_slip('SH-NONE')$$);
SELECT * FROM pg_temp.refused($$SELECT usom.shipping_label('PK-NONE')$$);

-- What the history says.
SELECT event, line_no, quantity FROM usom.order_timeline(:'o');
SELECT * FROM usom.verify();
