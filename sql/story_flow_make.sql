-- A make-to-order order from the order to the end. And what fails most: production makes fewer than were asked for.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
INSERT INTO usom.organisation (code) VALUES ('story make');
SET usom.org = 'story make';
INSERT INTO usom.location (code) VALUES ('WORKSHOP');
INSERT INTO usom.product (sku, decoupling) VALUES ('TABLE', 'make_to_order');

-- A table is made for its buyer: nothing is on the shelf, the line waits for what is made for it.
SELECT order_no AS o, status, quantity_backordered AS waits FROM usom.place_order('{"external_id": "TABLE-1", "order_type": "make_to_order", "lines": [{"sku": "TABLE", "quantity": 2, "unit_price": 300}]}') \gset
SELECT :'status' AS status, :'waits' AS waits;
SELECT usom.request_make(:'o', 1, 'WORKSHOP', 2) AS m \gset
SELECT count(*) AS begun FROM usom.start_make(:'m', '2031-03-01 12:00+00');
SELECT status, quantity, location FROM usom.make_orders WHERE order_no = :'o';

-- One of the two splits while it dries: one is received, the rest is given up and made anew.
SELECT count(*) AS received FROM usom.receive_make(:'m', 1);
SELECT line_no, quantity_reserved, quantity_backordered FROM usom.order_lines WHERE order_no = :'o';
SELECT status FROM usom.cancel_make(:'m', 'the other one split while it dried');
SELECT usom.request_make(:'o', 1, 'WORKSHOP', 1) AS m2 \gset
SELECT count(*) AS begun FROM usom.start_make(:'m2', '2031-04-01 12:00+00');
SELECT count(*) AS received FROM usom.receive_make(:'m2', 1);
SELECT line_no, quantity_reserved, quantity_backordered FROM usom.order_lines WHERE order_no = :'o';
SELECT status, quantity, received FROM usom.make_orders WHERE order_no = :'o' ORDER BY requested_at, make_no;

-- What was made goes to its buyer.
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o') AS s \gset
SELECT status FROM usom.deliver(:'s');
SELECT status FROM usom.close_order(:'o');
SELECT sku, on_hand, reserved FROM usom.stock_position;
SELECT * FROM usom.verify();
RESET usom.org;
