-- Exchanges: when there is none, what they cost and pay, and what is asked twice.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code, name) VALUES ('returns_exchange', 'Exchanges');
SET usom.org = 'returns_exchange';
INSERT INTO usom.location (code) VALUES ('RX-A');
INSERT INTO usom.product (sku) VALUES ('RX-1'), ('RX-2'), ('RX-3');
SELECT count(*) FROM usom.receive_stocks('[{"location": "RX-A", "sku": "RX-1", "quantity": 20}, {"location": "RX-A", "sku": "RX-2", "quantity": 20}]');
-- Paid with two instruments: 10.00 by a gift card and the rest by card.
SELECT order_no AS o FROM usom.place_order('{"payment": {"method": "card", "reference": "RX-auth", "authorized": 49.95}, "lines": [{"sku": "RX-1", "quantity": 3, "unit_price": 19.98}]}') \gset
SELECT payment_status FROM usom.record_payment(:'o', 'sale', 10, 'RX-gift', 'gift_card');
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o') AS s \gset
SELECT amount AS due FROM usom.payment_requests WHERE order_no = :'o' AND kind = 'capture' \gset
SELECT payment_status FROM usom.capture_payment(:'o', :due, 'RX-c1', 'RX-auth');
SELECT status FROM usom.deliver(:'s');

-- One that costs less: what is left is asked back.
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 2}]', 'too small') AS r \gset
SELECT usom.exchange_return(:'r', '[{"sku": "RX-2", "quantity": 1, "unit_price": 15.5}]') AS e \gset
SELECT status, order_status FROM usom.receive_return(:'r', '[{"line_no": 1, "quantity": 1}]');
SELECT total, paid, payment_status FROM usom.orders WHERE order_no = :'e';
SELECT active FROM usom.holds WHERE order_no = :'e';
SELECT kind, amount FROM usom.payment_requests WHERE order_no = :'o' AND status = 'wanted';
SELECT status, order_status FROM usom.receive_return(:'r');
SELECT active FROM usom.holds WHERE order_no = :'e';
SELECT total, paid, payment_status FROM usom.orders WHERE order_no = :'e';
SELECT sum(amount) AS wanted FROM usom.payment_requests WHERE order_no = :'o' AND status = 'wanted';
SELECT payment_no, method, captured, refunded, refund_wanted, refunded + refund_wanted <= captured AS holds FROM usom.payments WHERE order_no = :'o' ORDER BY 1;
SELECT exchange_order_no = :'e' AS known FROM usom.returns WHERE return_no = :'r';

-- What came back before the exchange was placed is refunded: the new order is to be paid.
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 1}]', 'this one, too') AS r \gset
SELECT status FROM usom.receive_return(:'r');
SELECT usom.exchange_return(:'r') AS e \gset
SELECT count(*) AS holds FROM usom.holds WHERE order_no = :'e';
SELECT sku, quantity, unit_price FROM usom.order_lines WHERE order_no = :'e';
SELECT total, paid, parent_order_no = :'o' AS of_it FROM usom.orders WHERE order_no = :'e';

-- None for what is refused, cancelled, not decided; none of nothing; and a document that is none is said so.
INSERT INTO usom.return_rule (code, sku, outcome) VALUES ('RX-ASK', 'RX-1', 'ask');
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "RX-1", "quantity": 3, "unit_price": 10}]}') \gset
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o') IS NOT NULL AS shipped;
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 1}]', 'why') AS r \gset
SELECT * FROM pg_temp.refused(format('SELECT usom.exchange_return(%L)', :'r'));
SELECT status FROM usom.refuse_return(:'r', 'no');
SELECT * FROM pg_temp.refused(format('SELECT usom.exchange_return(%L)', :'r'));
UPDATE usom.return_rule SET active = false;
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 1}]', 'why') AS r \gset
SELECT call, r.* FROM unnest(ARRAY['7', '[]', '[{"sku": "RX-NONE", "quantity": 1}]', '[{"sku": "RX-2"}]']::jsonb[]) AS call, pg_temp.refused(format('SELECT usom.exchange_return(%L, %L)', :'r', call)) r WHERE r NOT LIKE '  hint%';
-- No money is known of this order: the exchange has none either, and does not stop for what is rejected.
SELECT usom.exchange_return(:'r', '[{"sku": "RX-3", "quantity": 1, "unit_price": 9}]') AS e \gset
SELECT status, payment_status FROM usom.orders WHERE order_no = :'e';
SELECT quantity_backordered FROM usom.order_lines WHERE order_no = :'e';
SELECT status FROM usom.cancel_return(:'r', 'keeps it');
SELECT kind, open FROM usom.exceptions WHERE order_no = :'e';
SELECT active FROM usom.holds WHERE order_no = :'e';
SELECT status FROM usom.release_hold(:'e', 'exchange', 'gift');
SELECT * FROM usom.verify();
