-- E5: payment outlives the reservation. The buyer's hold ends while he is at the payment provider, and somebody else buys the last unit.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code, name) VALUES ('e5', 'E5');
SET usom.org = 'e5';
INSERT INTO usom.location (code) VALUES ('E5-A');
INSERT INTO usom.product (sku) VALUES ('E5');
SELECT count(*) FROM usom.receive_stock('E5-A', 'E5', 1);
CREATE FUNCTION pg_temp.state(asked text) RETURNS TABLE (status text, payment_status text, paid numeric, reserved numeric, backordered numeric) LANGUAGE sql
	AS $$SELECT o.status, o.payment_status, o.paid, l.quantity_reserved, l.quantity_backordered FROM usom.orders o JOIN usom.order_lines l USING (order_no) WHERE o.order_no = asked$$;
CREATE FUNCTION pg_temp.late() RETURNS text LANGUAGE sql AS $$
	-- a draft of A, whose hold has ended; B has the unit; then the provider says that A has paid
	SELECT (usom.place_order('{"draft": true, "reservation_owner": "cart-A", "payment": {"method": "card"}, "lines": [{"sku": "E5", "quantity": 1, "unit_price": 20}]}')).order_no
$$;

-- At 10:00 A's cart holds the unit; his second cart, five minutes later, does not stand in its own way.
SELECT usom.reserve_stock('cart-A', 'E5-A', 'E5', 1, interval '10 minutes') IS NOT NULL AS held;
SELECT usom.available('E5');
SELECT order_no AS again, quantity_reserved FROM usom.place_order('{"reservation_owner": "cart-A", "lines": [{"sku": "E5", "quantity": 1, "unit_price": 20}]}') \gset
SELECT :quantity_reserved AS quantity_reserved;
SELECT status FROM usom.cancel_order(:'again', 'he starts over');
-- He goes to the provider again with a hold of a moment, which ends: nobody sweeps it.
SELECT pg_temp.late() AS a \gset
SELECT usom.reserve_stock('cart-A', 'E5-A', 'E5', 1, interval '1 millisecond') IS NOT NULL AS held;
SELECT pg_sleep(0.01);
SELECT usom.available('E5');
SELECT order_no AS b, status, quantity_reserved FROM usom.place_order('{"reservation_owner": "cart-B", "lines": [{"sku": "E5", "quantity": 1, "unit_price": 20}]}') \gset
SELECT :'status' AS status, :quantity_reserved AS quantity_reserved;
-- A's payment arrives: it is recorded, the order says what is the matter, and somebody is told.
SELECT payment_status, order_status, repeated FROM usom.complete_order(:'a', 20, 'E5-psp-1');
SELECT payment_status, order_status, repeated FROM usom.complete_order(:'a', 20, 'E5-psp-1');
SELECT * FROM pg_temp.state(:'a');
SELECT kind, message, detail - 'order_no' AS detail, open FROM usom.exceptions WHERE order_no = :'a';

-- The first way out: another one is found.
SELECT count(*) FROM usom.receive_stock('E5-A', 'E5', 1);
SELECT count(*) FROM usom.fill_backorders('E5');
SELECT * FROM pg_temp.state(:'a');
SELECT kind, open FROM usom.exceptions WHERE order_no = :'a';

-- The second: a date is promised.
SELECT pg_temp.late() AS a \gset
SELECT payment_status, order_status FROM usom.complete_order(:'a', 20, 'E5-psp-2');
SELECT count(*) FROM usom.split_backorder(:'a', 1, '[{"quantity": 1, "promised_at": "2100-02-01"}]');
SELECT * FROM pg_temp.state(:'a');
SELECT kind, open FROM usom.exceptions WHERE order_no = :'a';

-- The third: the money goes back, by a command that leaves as an event; with the order, or without.
SELECT pg_temp.late() AS a \gset
SELECT payment_status, order_status FROM usom.complete_order(:'a', 20, 'E5-psp-3');
SELECT amount_wanted, requests FROM usom.refund_order(:'a', reason => 'sold out');
SELECT * FROM pg_temp.state(:'a');
SELECT kind, open FROM usom.exceptions WHERE order_no = :'a';
SELECT status FROM usom.cancel_order(:'a', 'sold out');
SELECT kind, status, amount FROM usom.payment_requests WHERE order_no = :'a';
SELECT payment_status FROM usom.refund_payment(:'a', 20, 'E5-psp-3-back');
SELECT pg_temp.late() AS a \gset
SELECT payment_status, order_status FROM usom.complete_order(:'a', 20, 'E5-psp-4');
SELECT status FROM usom.cancel_order(:'a', 'sold out');
SELECT kind, payload->>'amount' AS amount FROM usom.events WHERE order_no = :'a' AND kind LIKE '%wanted';
SELECT kind, open FROM usom.exceptions WHERE order_no = :'a';

-- Money for an order that has ended does not bring it back (E30): it is recorded, and waits for somebody to give it back.
SELECT pg_temp.late() AS a \gset
SELECT status FROM usom.cancel_order(:'a', 'no payment came');
SELECT payment_status, order_status FROM usom.complete_order(:'a', 20, 'E5-psp-5');
SELECT * FROM pg_temp.state(:'a');
SELECT kind, open FROM usom.exceptions WHERE order_no = :'a';
SELECT event, from_status, to_status FROM usom.order_history h JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.order_no = :'a' ORDER BY h.version;
SELECT amount_wanted FROM usom.refund_order(:'a', reason => 'the order was cancelled');
SELECT kind, open FROM usom.exceptions WHERE order_no = :'a';
SELECT * FROM usom.verify();
