-- An order from stock, from the order to the end. And what fails most: the shelf is short of one line.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
INSERT INTO usom.organisation (code) VALUES ('story stock');
SET usom.org = 'story stock';
INSERT INTO usom.location (code) VALUES ('CENTRAL');
INSERT INTO usom.product (sku) VALUES ('CUP'), ('SAUCER');
SELECT usom.receive_stocks('[{"location": "CENTRAL", "sku": "CUP", "quantity": 20}, {"location": "CENTRAL", "sku": "SAUCER", "quantity": 4}]');

-- Six cups: reserved at once, released, shipped, delivered, closed.
SELECT order_no AS o, status, quantity_reserved AS reserved FROM usom.place_order('{"external_id": "CUPS", "lines": [{"sku": "CUP", "quantity": 6, "unit_price": 2.5}]}') \gset
SELECT :'status' AS status, :'reserved' AS reserved;
SELECT sku, on_hand, reserved, available FROM usom.stock_position ORDER BY sku;
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o', carrier => 'post', tracking => 'T-1') AS s \gset
SELECT status FROM usom.deliver(:'s');
SELECT status FROM usom.close_order(:'o');
SELECT sku, on_hand, reserved, available FROM usom.stock_position ORDER BY sku;
SELECT event, from_status, to_status FROM usom.timeline WHERE order_no = :'o' ORDER BY version;

-- Six cups with saucers, of which there are four: the rest waits, what is there goes first, the rest follows.
SELECT order_no AS o FROM usom.place_order('{"external_id": "SET", "lines": [{"sku": "CUP", "quantity": 6, "unit_price": 2.5}, {"sku": "SAUCER", "quantity": 6, "unit_price": 1}]}') \gset
SELECT line_no, sku, status, quantity_reserved, quantity_backordered FROM usom.order_lines WHERE order_no = :'o' ORDER BY line_no;
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o') AS first \gset
SELECT status, status_group FROM usom.orders WHERE order_no = :'o';
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L)', :'o'));
SELECT usom.receive_stock('CENTRAL', 'SAUCER', 10) IS NOT NULL AS received;
SELECT line_no, quantity FROM usom.fill_backorders('SAUCER');
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o') AS second \gset
SELECT status FROM usom.deliver(:'first');
SELECT status FROM usom.deliver(:'second');
SELECT line_no, quantity, quantity_delivered, status FROM usom.order_lines WHERE order_no = :'o' ORDER BY line_no;
SELECT event, from_status, to_status FROM usom.timeline WHERE order_no = :'o' ORDER BY version;
SELECT sku, on_hand, reserved, available FROM usom.stock_position ORDER BY sku;
SELECT * FROM usom.verify();
RESET usom.org;
