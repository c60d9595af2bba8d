-- The SQL of doc/tutorial.md, made by tools/make-story.sh: edit the document.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
DROP DATABASE IF EXISTS usom_story;
CREATE DATABASE usom_story TEMPLATE template0;
\c usom_story
SET lc_messages = 'C';
SET client_min_messages = warning;
CREATE EXTENSION usom;
SELECT count(*) > 0 AS installed FROM usom.install();

-- A shop
INSERT INTO usom.location (code, name) VALUES ('MAIN', 'Warehouse');
INSERT INTO usom.product (sku, name) VALUES ('TEA', 'Assam, 100 g'), ('CUP', 'Cup'), ('POT', 'Teapot');
INSERT INTO usom.customer (code, name) VALUES ('anna', 'Anna Berg');
INSERT INTO usom.price (sku, unit_price) VALUES ('TEA', 4.50), ('CUP', 6.00), ('POT', 24.00);

SELECT count(*) AS in_clear FROM usom.customer WHERE name LIKE '%Anna%';

SELECT customer, name, active FROM usom.customers;

SELECT * FROM usom.receive_stock('MAIN', 'TEA', 10, reference => 'PO-1');

SELECT usom.receive_stocks('[
	{"location": "MAIN", "sku": "CUP", "quantity": 4, "reference": "PO-1"},
	{"location": "MAIN", "sku": "POT", "quantity": 2, "reference": "PO-1"}]');

SELECT sku, location, on_hand, reserved, available FROM usom.stock_position ORDER BY sku;

UPDATE usom.stock SET on_hand = 100;

-- An order
SELECT order_no, status, total, currency, quantity_reserved, quantity_backordered
FROM usom.place_order('{
	"channel": "web", "external_id": "A-1001", "customer": "anna",
	"lines": [{"sku": "TEA", "quantity": 2}, {"sku": "CUP", "quantity": 6}]}');

SELECT line_no, piece_no, sku, location, status, quantity FROM usom.order_pieces WHERE order_no = 'SO-000001' ORDER BY line_no, piece_no;

SELECT usom.available('TEA') AS tea, usom.available('CUP') AS cups;

-- The same order again
SELECT order_no, status, total, messages
FROM usom.place_order('{
	"channel": "web", "external_id": "A-1001", "customer": "anna",
	"lines": [{"sku": "TEA", "quantity": 2}, {"sku": "CUP", "quantity": 6}]}');

SELECT count(*) FROM usom.orders;

SELECT order_no FROM usom.place_order('{"channel": "web", "external_id": "A-1001", "lines": [{"sku": "POT", "quantity": 1}]}');

SELECT order_no FROM usom.place_order('{"lines": [{"sku": "TEA", "quantity": 1}, {"sku": "COFFEE", "quantity": 1}]}');

SELECT order_no FROM usom.place_order('{"lines": [{"sku": "TEA", "qty": 1}]}');

SELECT order_no FROM usom.place_order('{"lines": [{"sku": "TEA", "quantity": -1}]}');

-- A step that is not there
UPDATE usom.sales_order SET status = 'shipped' WHERE order_no = 'SO-000001';

SELECT * FROM usom.close_order('SO-000001');

-- A hold
SELECT * FROM usom.hold_order('SO-000001', 'address', 'house number missing');

SELECT hold_type, reason, blocks, active FROM usom.holds WHERE order_no = 'SO-000001';

SELECT * FROM usom.release_order('SO-000001');

SELECT * FROM usom.explain_status('SO-000001');

SELECT * FROM usom.release_hold('SO-000001', 'address', 'it is number 7');

-- A change
SELECT * FROM usom.change_order('SO-000001', '{"lines": [{"line_no": 1, "quantity": 3}]}', reason => 'asked by phone');

SELECT line_no, sku, status, quantity, total, quantity_reserved, quantity_backordered FROM usom.order_lines WHERE order_no = 'SO-000001' ORDER BY line_no;

SELECT * FROM usom.change_order('SO-000001', '{"priority": 1}', version => 1);

-- A backorder is filled
SELECT * FROM usom.receive_stock('MAIN', 'CUP', 12, reference => 'PO-2');

SELECT * FROM usom.fill_backorders('CUP');

SELECT line_no, piece_no, sku, status, quantity FROM usom.order_pieces WHERE order_no = 'SO-000001' ORDER BY line_no, piece_no;

-- A partial cancel
SELECT * FROM usom.cancel_line('SO-000001', 2, 1, 'five will do');

SELECT line_no, sku, quantity, quantity_reserved, quantity_cancelled, total FROM usom.order_lines WHERE order_no = 'SO-000001' ORDER BY line_no;

-- Two parcels
SELECT * FROM usom.release_order('SO-000001');

SELECT usom.ship('SO-000001', '[{"line_no": 1, "quantity": 3}]', carrier => 'Post', tracking => 'P-881');

SELECT order_no, status, status_group FROM usom.orders;

SELECT usom.ship('SO-000001');

SELECT shipment_no, order_no, location, carrier, tracking, status FROM usom.shipments ORDER BY shipment_no;

SELECT sku, on_hand, reserved, available FROM usom.stock_position ORDER BY sku;

SELECT * FROM usom.deliver('SH-000001');

SELECT * FROM usom.deliver('SH-000002');

-- A return
SELECT usom.authorize_return('SO-000001', '[{"line_no": 2, "quantity": 1}]', 'wrong colour');

SELECT * FROM usom.receive_return('RT-000001', '[{"line_no": 2, "quantity": 1}]');

SELECT status FROM usom.receive_return('RT-000001', '[{"line_no": 2, "quantity": 1}]');

SELECT * FROM usom.close_order('SO-000001');

SELECT line_no, sku, quantity, quantity_delivered, quantity_returned, quantity_cancelled FROM usom.order_lines WHERE order_no = 'SO-000001' ORDER BY line_no;

-- What happened
SELECT event, from_status, to_status, line_no, quantity, reason, reference FROM usom.timeline WHERE order_no = 'SO-000001' ORDER BY version;

-- How it was
SELECT reason, entity, field, before, after FROM usom.order_changes('SO-000001') WHERE verb = 'cancel_line' AND entity !~ 'piece';

SELECT c.verb, d->>'status' AS status, d->>'total' AS total, jsonb_array_length(d->'holds') AS holds, jsonb_array_length(d->'shipments') AS shipments
FROM (SELECT DISTINCT verb, occurred_at FROM usom.order_changes('SO-000001')) AS c, usom.order_as_of('SO-000001', c.occurred_at) AS d
ORDER BY c.occurred_at;

-- A soft reservation
SELECT usom.reserve_stock('cart-17', 'MAIN', 'POT', 2, interval '1 second') > 0 AS reserved;

SELECT usom.available('POT');

SELECT usom.reserve_stock('cart-18', 'MAIN', 'POT', 1, interval '1 second');

SELECT 'a second later' AS now FROM pg_sleep(1.1);

SELECT usom.available('POT');

-- Plain SQL
INSERT INTO usom.sales_order (order_no) VALUES ('X-1');
INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity, unit_price)
	SELECT sales_order_id, 1, usom.product_id('POT'), 2, 24.00 FROM usom.sales_order WHERE order_no = 'X-1';
UPDATE usom.sales_order SET status = 'submitted' WHERE order_no = 'X-1';
SELECT order_no, status, total FROM usom.orders WHERE order_no = 'X-1';

SELECT usom.available('POT');

UPDATE usom.sales_order SET status = 'cancelled' WHERE order_no = 'X-1';
SELECT usom.available('POT');

-- Is it all right?
SELECT * FROM usom.verify();

\c :home
DROP DATABASE usom_story;
