-- change_order: every key, and what it refuses; cancel_line and cancel_order.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.location (code, priority) VALUES ('CHG-A', 1), ('CHG-B', 2);
INSERT INTO usom.product (sku) VALUES ('CHG-1'), ('CHG-2'), ('CHG-3');
INSERT INTO usom.product (sku, kind) VALUES ('CHG-POST', 'service');
INSERT INTO usom.price (sku, unit_price) VALUES ('CHG-2', 7);
SELECT usom.receive_stocks('[{"location": "CHG-A", "sku": "CHG-1", "quantity": 10}, {"location": "CHG-B", "sku": "CHG-1", "quantity": 10}, {"location": "CHG-A", "sku": "CHG-2", "quantity": 10}]');

-- The header.
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "CHG-1", "quantity": 4, "unit_price": 2}, {"sku": "CHG-2", "quantity": 1, "unit_price": 1}]}') \gset
SELECT * FROM usom.change_order(:'o', '{"priority": 1, "ship_to": {"city": "York"}, "requested_at": "2100-01-01T00:00:00Z", "instructions": "ring", "ship_complete": true}', version => 1, reason => 'moved house');
SELECT priority, ship_to, requested_at, instructions, ship_complete FROM usom.orders WHERE order_no = :'o';
SELECT * FROM usom.change_order(:'o', '{"priority": null, "lines": null}');
SELECT priority FROM usom.orders WHERE order_no = :'o';

-- Lines: more, fewer, another place, another date, a new one, one away.
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "quantity": 6, "requested_at": "2100-02-01T00:00:00Z"}, {"line_no": 2, "quantity": 0.5}, {"sku": "CHG-2", "quantity": 2}, {"sku": "CHG-POST", "quantity": 1, "unit_price": 4}]}');
SELECT line_no, sku, quantity, unit_price, total, requested_at FROM usom.order_lines WHERE order_no = :'o' ORDER BY 1;
SELECT * FROM pg_temp.pieces(:'o');
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "location": "CHG-B"}, {"line_no": 3, "remove": true}, {"line_no": 2, "sku": "CHG-1"}]}');
SELECT line_no, sku, quantity, unit_price, total, location FROM usom.order_lines WHERE order_no = :'o' ORDER BY 1;
SELECT * FROM pg_temp.pieces(:'o');
SELECT * FROM pg_temp.shelf('CHG-%');
SELECT total FROM usom.orders WHERE order_no = :'o';
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "quantity": 8}, {"line_no": 1, "quantity": 2, "unit_price": 1}]}');
SELECT * FROM pg_temp.pieces(:'o');

-- Freed and taken again in one call: the last units change lines.
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "CHG-3", "quantity": 1}]}') \gset
SELECT * FROM usom.receive_stock('CHG-A', 'CHG-3', 5);
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "quantity": 6}]}');
SELECT * FROM pg_temp.pieces(:'o');
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "quantity": 1}, {"sku": "CHG-3", "quantity": 4}]}');
SELECT * FROM pg_temp.pieces(:'o');
SELECT * FROM pg_temp.shelf('CHG-3');

-- A draft: no stock is touched.
SELECT order_no AS d FROM usom.place_order('{"draft": true, "lines": [{"sku": "CHG-1", "quantity": 1, "unit_price": 2}]}') \gset
SELECT status FROM usom.change_order(:'d', '{"lines": [{"line_no": 1, "quantity": 5}, {"sku": "CHG-2", "quantity": 1}]}');
SELECT line_no, sku, status, quantity, total FROM usom.order_lines WHERE order_no = :'d' ORDER BY 1;
SELECT * FROM pg_temp.pieces(:'d');

-- What is refused, and nothing written.
SELECT pg_temp.row_counts() AS rows, pg_temp.image(:'o') AS before \gset
SELECT changes, r.* FROM unnest(ARRAY[
	'7', '[]', '"x"', '{"colour": "red"}', '{"lines": {}}', '{"lines": [7]}', '{"lines": [{}]}', '{"lines": [{"sku": "CHG-1"}]}', '{"lines": [{"quantity": 1}]}',
	'{"lines": [{"line_no": 1, "quantity": 0}]}', '{"lines": [{"line_no": 1, "quantity": -1}]}', '{"lines": [{"line_no": 1, "quantity": "NaN"}]}', '{"lines": [{"line_no": 1, "quantity": 1e30}]}',
	'{"lines": [{"line_no": 1, "quantity": 0.0000001}]}', '{"lines": [{"line_no": 1, "unit_price": -1}]}', '{"lines": [{"line_no": 1.5, "quantity": 1}]}', '{"lines": [{"line_no": 1, "remove": "yes"}]}',
	'{"lines": [{"line_no": 1, "remove": true, "quantity": 1}]}', '{"lines": [{"sku": "CHG-1", "quantity": 1, "remove": true}]}', '{"lines": [{"line_no": 99, "quantity": 1}]}', '{"lines": [{"line_no": 0, "quantity": 1}]}',
	'{"lines": [{"line_no": 1, "sku": "CHG-NONE"}]}', '{"lines": [{"line_no": 1, "location": "CHG-NONE"}]}', '{"lines": [{"line_no": 1, "colour": "red"}]}',
	'{"lines": [{"line_no": 1, "remove": true}, {"line_no": 2, "remove": true}]}', '{"priority": "high"}', '{"priority": -1}', '{"ship_to": "York"}', '{"ship_to": {"planet": "Mars"}}', '{"requested_at": "soon"}',
	'{"instructions": 5}', '{"ship_complete": 1}', '{"draft": true}', '{"lines": [{"line_no": 1, "quantity": 2}, {"line_no": 2, "quantity": 99, "sku": ""}]}']) AS changes,
	pg_temp.refused(format('SELECT usom.change_order(%L, %L)', :'o', changes)) r;
SELECT * FROM pg_temp.refused(format('SELECT usom.change_order(%L, NULL)', :'o'));
SELECT pg_temp.row_counts() = :'rows' AS nothing_written, pg_temp.image(:'o') = :'before' AS unchanged;

-- cancel_line: least committed first; the units stay on the line as cancelled.
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "CHG-1", "quantity": 12, "unit_price": 2, "location": "CHG-A"}]}') \gset
SELECT * FROM pg_temp.pieces(:'o');
SELECT * FROM usom.cancel_line(:'o', 1, 3, 'fewer');
SELECT * FROM pg_temp.pieces(:'o');
SELECT quantity, quantity_cancelled, total FROM usom.order_lines WHERE order_no = :'o';
SELECT call, r.* FROM unnest(ARRAY['1, 0', '1, -1', '1, ''NaN''', '1, ''Infinity''', '1, 1e30', '1, 0.0000001', '1, 10', '2, 1', 'NULL, 1']) AS call, pg_temp.refused(format('SELECT usom.cancel_line(%L, %s, NULL)', :'o', call)) AS r;
SELECT status FROM usom.cancel_line(:'o', 1, NULL, 'all of it');
SELECT * FROM pg_temp.refused(format('SELECT usom.cancel_line(%L, 1, 1, NULL)', :'o'));
SELECT status, total FROM usom.orders WHERE order_no = :'o';
SELECT * FROM pg_temp.shelf('CHG-1');

-- E3: 10 ordered, reserved at A; 4 shipped; 6 cancelled, and the cancel comes three times more; 2 come back.
INSERT INTO usom.product (sku) VALUES ('CHG-E3');
SELECT * FROM usom.receive_stock('CHG-A', 'CHG-E3', 10);
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "CHG-E3", "quantity": 10, "unit_price": 1}]}') \gset
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 4}]') AS s \gset
UPDATE usom.location SET priority = 9 WHERE code = 'CHG-A';
SELECT * FROM usom.cancel_line(:'o', 1, 6, 'changed my mind');
\set SHOW_CONTEXT never
\set VERBOSITY terse
SELECT * FROM usom.cancel_line(:'o', 1, 6, 'changed my mind');
SELECT * FROM usom.cancel_line(:'o', 1, 6, 'changed my mind');
SELECT * FROM usom.cancel_line(:'o', 1, NULL, 'changed my mind');
SELECT * FROM pg_temp.pieces(:'o');
SELECT * FROM pg_temp.shelf('CHG-E3');
SELECT * FROM pg_temp.refused(format('SELECT usom.cancel_order(%L, NULL)', :'o'));
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 2}]', 'broken') AS r \gset
SELECT * FROM usom.receive_return(:'r', NULL);
SELECT * FROM pg_temp.pieces(:'o');
SELECT * FROM pg_temp.shelf('CHG-E3');
SELECT trim_scale(sum(delta)) AS moved, count(*) AS movements FROM usom.stock_movement m JOIN usom.product p USING (org_id, product_id) WHERE p.sku = 'CHG-E3';

-- cancel_order, also of an order whose pieces are released, and again.
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "CHG-E3", "quantity": 2, "unit_price": 1}, {"sku": "CHG-1", "quantity": 50, "unit_price": 1}, {"sku": "CHG-POST", "quantity": 1}]}') \gset
SELECT status FROM usom.release_order(:'o');
SELECT * FROM pg_temp.pieces(:'o');
SELECT * FROM usom.cancel_order(:'o', 'changed my mind');
SELECT * FROM usom.cancel_order(:'o', 'again');
SELECT * FROM pg_temp.pieces(:'o');
SELECT * FROM pg_temp.shelf('CHG-%');
SELECT order_no AS o FROM usom.place_order('{"draft": true, "lines": [{"sku": "CHG-E3", "quantity": 2, "unit_price": 1}]}') \gset
SELECT * FROM usom.cancel_order(:'o', 'never meant');
SELECT * FROM usom.verify();
