-- Shipping: what is released leaves, no more, from where it was reserved.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.location (code, priority) VALUES ('SHP-A', 1), ('SHP-B', 2);
INSERT INTO usom.product (sku) VALUES ('SHP-1'), ('SHP-2'), ('SHP-3'), ('SHP-4');
INSERT INTO usom.product (sku, kind) VALUES ('SHP-POST', 'service');
SELECT usom.receive_stocks('[{"location": "SHP-A", "sku": "SHP-1", "quantity": 10}, {"location": "SHP-A", "sku": "SHP-2", "quantity": 10}, {"location": "SHP-B", "sku": "SHP-3", "quantity": 10}]');

-- E2: ten released; six and six in two rows are twelve.
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "SHP-1", "quantity": 10, "unit_price": 1}]}') \gset
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L)', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L, %L)', :'o', '[{"line_no": 1, "quantity": 1}]'));
SELECT status FROM usom.release_order(:'o');
SELECT pg_temp.image(:'o') AS before \gset
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L, %L)', :'o', '[{"line_no": 1, "quantity": 6}, {"line_no": 1, "quantity": 6}]'));
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L, %L)', :'o', '[{"line_no": 1, "quantity": 10.000001}]'));
SELECT pg_temp.image(:'o') = :'before' AS unchanged;
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 6}]', 'DHL', 'JD01') AS s \gset
SELECT * FROM pg_temp.pieces(:'o');
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L, %L)', :'o', '[{"line_no": 1, "quantity": 6}]'));
SELECT shipment_no = :'s' AS same, order_no = :'o' AS of_order, location, carrier, tracking, status, shipped_at IS NOT NULL AS dated, delivered_at FROM usom.shipments WHERE shipment_no = :'s';
SELECT status FROM usom.orders WHERE order_no = :'o';
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 1}, {"line_no": 1, "quantity": 3}]') AS t \gset
SELECT status FROM usom.orders WHERE order_no = :'o';
SELECT * FROM pg_temp.shelf('SHP-1');
SELECT m.kind, trim_scale(m.delta) AS delta, m.reference = :'s' AS first FROM usom.stock_movement m JOIN usom.product p USING (org_id, product_id) WHERE p.sku = 'SHP-1' ORDER BY m.stock_movement_id;
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L)', :'o'));

-- One shipment per location; services travel along.
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "SHP-2", "quantity": 1}, {"sku": "SHP-3", "quantity": 2}, {"sku": "SHP-POST", "quantity": 1}]}') \gset
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o') AS s \gset
SELECT pg_temp.mask(:'s');
SELECT location, status FROM usom.shipments WHERE order_no = :'o' ORDER BY location;
SELECT p.line_no, p.sku, p.location, p.status, p.quantity, s.location AS shipped_from FROM usom.order_pieces p LEFT JOIN usom.shipments s USING (shipment_no) WHERE p.order_no = :'o' ORDER BY 1;

-- Services alone.
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "SHP-POST", "quantity": 1}]}') \gset
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o') AS s \gset
SELECT location, status FROM usom.shipments WHERE order_no = :'o';
SELECT status FROM usom.deliver(:'s');

-- E15: nothing is available, but what order X reserved it ships; Y cannot.
SELECT usom.receive_stocks('[{"location": "SHP-A", "sku": "SHP-4", "quantity": 4}]');
SELECT order_no AS x FROM usom.place_order('{"lines": [{"sku": "SHP-4", "quantity": 4}]}') \gset
SELECT order_no AS y, quantity_backordered FROM usom.place_order('{"lines": [{"sku": "SHP-4", "quantity": 1}]}') \gset
SELECT usom.available('SHP-4'), :'quantity_backordered' AS waiting;
SELECT * FROM pg_temp.refused(format('SELECT usom.release_order(%L)', :'y'));
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L)', :'y'));
SELECT status FROM usom.release_order(:'x');
SELECT usom.ship(:'x') IS NOT NULL AS shipped;
SELECT * FROM pg_temp.shelf('SHP-4');
SELECT * FROM pg_temp.refused(format('SELECT usom.adjust_stock(%L, %L, -11, %L)', 'SHP-A', 'SHP-2', 'lost'));

-- E17: complete when every line is, not when most units are.
INSERT INTO usom.product (sku, unit) VALUES ('SHP-WIRE', 'mm');
SELECT usom.receive_stocks('[{"location": "SHP-A", "sku": "SHP-WIRE", "quantity": 250000}]');
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "SHP-WIRE", "quantity": 250000}, {"sku": "SHP-2", "quantity": 2}]}') \gset
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 250000}]') AS s \gset
SELECT status FROM usom.orders WHERE order_no = :'o';
SELECT status FROM usom.deliver(:'s');
SELECT line_no, status FROM usom.order_lines WHERE order_no = :'o' ORDER BY 1;
SELECT * FROM pg_temp.refused(format('SELECT usom.close_order(%L)', :'o'));
SELECT usom.ship(:'o') AS s \gset
SELECT status FROM usom.orders WHERE order_no = :'o';
SELECT status FROM usom.deliver(:'s', '2100-01-01');
SELECT status, delivered_at FROM usom.shipments WHERE shipment_no = :'s';
SELECT status FROM usom.close_order(:'o');

-- US201: an order that ships complete does not leave in parts; line by line it may be told, if that is all of it.
INSERT INTO usom.product (sku) VALUES ('SHP-5'), ('SHP-6');
SELECT usom.receive_stocks('[{"location": "SHP-A", "sku": "SHP-5", "quantity": 4}, {"location": "SHP-A", "sku": "SHP-6", "quantity": 2}]');
SELECT order_no AS o FROM usom.place_order('{"ship_complete": true, "lines": [{"sku": "SHP-5", "quantity": 2}, {"sku": "SHP-6", "quantity": 1}]}') \gset
SELECT status FROM usom.release_order(:'o');
SELECT pg_temp.row_counts() AS rows, pg_temp.image(:'o') AS before \gset
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L, %L)', :'o', '[{"line_no": 1, "quantity": 2}]'));
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L, %L)', :'o', '[{"line_no": 1, "quantity": 1.999999}, {"line_no": 2, "quantity": 1}]'));
SELECT pg_temp.row_counts() = :'rows' AS nothing_written, pg_temp.image(:'o') = :'before' AS unchanged;
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 2}, {"line_no": 2, "quantity": 1}]') IS NOT NULL AS shipped;
SELECT status FROM usom.orders WHERE order_no = :'o';
SELECT order_no AS o FROM usom.place_order('{"ship_complete": true, "lines": [{"sku": "SHP-5", "quantity": 2}, {"sku": "SHP-6", "quantity": 1}]}') \gset
SELECT status FROM usom.release_order(:'o');
SELECT status FROM usom.cancel_line(:'o', 2, 1, 'not wanted');
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 2}]') IS NOT NULL AS shipped;

-- The rest of an order that is partly shipped may be cancelled: then it is shipped.
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "SHP-2", "quantity": 3, "unit_price": 2}]}') \gset
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 1}]') AS s \gset
SELECT status FROM usom.deliver(:'s');
SELECT status FROM usom.cancel_line(:'o', 1, 2, 'enough');
SELECT status, total FROM usom.orders WHERE order_no = :'o';

-- What is refused, and nothing written.
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "SHP-2", "quantity": 3, "unit_price": 2}]}') \gset
SELECT status FROM usom.release_order(:'o');
SELECT pg_temp.row_counts() AS rows, pg_temp.image(:'o') AS before \gset
SELECT lines, r.* FROM unnest(ARRAY['7', '{}', '[]', '[7]', '[{}]', '[{"line_no": 1}]', '[{"quantity": 1}]', '[{"line_no": 1, "quantity": 0}]', '[{"line_no": 1, "quantity": -1}]', '[{"line_no": 1, "quantity": "1"}]',
	'[{"line_no": 1, "quantity": 1e30}]', '[{"line_no": 1, "quantity": 0.0000001}]', '[{"line_no": 9, "quantity": 1}]', '[{"line_no": 1.5, "quantity": 1}]', '[{"line_no": 1e30, "quantity": 1}]',
	'[{"line_no": 1, "quantity": 1, "sku": "SHP-2"}]', '[{"line_no": 1, "units": 1}]', '[{"line_no": 1, "quantity": 999999999999}, {"line_no": 1, "quantity": 999999999999}]',
	'[{"line_no": 1, "quantity": 1}, {"line_no": 1, "quantity": -1}]', '[null]', '"x"']) AS lines, pg_temp.refused(format('SELECT usom.ship(%L, %L)', :'o', lines)) r;
SELECT pg_temp.row_counts() = :'rows' AS nothing_written, pg_temp.image(:'o') = :'before' AS unchanged;
SELECT * FROM pg_temp.refused($$SELECT usom.deliver('SH-NONE')$$);
SELECT * FROM usom.verify();
