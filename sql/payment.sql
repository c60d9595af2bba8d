-- Payments: terms of methods, what leaves as events, what answers do.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code, name) VALUES ('pay', 'Pay');
SET usom.org = 'pay';
SELECT code, terms, cover, days_due, valid_for, late_capture FROM usom.payment_method WHERE org_id = usom.current_org() ORDER BY code;
INSERT INTO usom.location (code) VALUES ('PAY-A');
INSERT INTO usom.product (sku) VALUES ('PAY');
SELECT count(*) FROM usom.receive_stock('PAY-A', 'PAY', 1000);
CREATE FUNCTION pg_temp.buy(payment jsonb, quantity numeric DEFAULT 10, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql
	AS $$SELECT order_no FROM usom.place_order(jsonb_build_object('payment', payment, 'lines', jsonb_build_array(jsonb_build_object('sku', 'PAY', 'quantity', quantity, 'unit_price', 9.99))) || more)$$;
CREATE FUNCTION pg_temp.state(asked text) RETURNS TABLE (status text, payment_status text, total numeric, paid numeric) LANGUAGE sql
	AS $$SELECT status, payment_status, total, paid FROM usom.orders WHERE order_no = asked$$;
CREATE FUNCTION pg_temp.asked(asked text) RETURNS TABLE (request text, kind text, status text, amount numeric, lines jsonb) LANGUAGE sql
	AS $$SELECT split_part(request, '/', 2), kind, status, amount, lines FROM usom.payment_requests WHERE order_no = asked ORDER BY request$$;
CREATE FUNCTION pg_temp.told(asked text) RETURNS TABLE (event_no integer, kind text, payload jsonb) LANGUAGE sql
	AS $$SELECT event_no, kind, payload - 'request' - 'reference' - 'due_at' - 'order_no' FROM usom.events WHERE order_no = asked ORDER BY event_no$$;

-- A document that brings an authorisation: two shipments are captured one by one, each for what is in it.
SELECT pg_temp.buy('{"method": "card", "reference": "PAY-1", "authorized": 99.90}') AS o \gset
SELECT * FROM pg_temp.state(:'o');
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 3}]') IS NOT NULL AS shipped;
SELECT * FROM pg_temp.asked(:'o');
SELECT payment_status, order_status, repeated FROM usom.capture_payment(:'o', 29.97, 'PAY-1-c1', request => :'o' || '/1');
SELECT payment_status, order_status, repeated FROM usom.capture_payment(:'o', 29.97, 'PAY-1-c1', request => :'o' || '/1');
SELECT usom.ship(:'o') IS NOT NULL AS shipped;
SELECT payment_status, order_status, repeated FROM usom.capture_payment(:'o', 69.93, 'PAY-1-c2');
SELECT * FROM pg_temp.state(:'o');
SELECT * FROM pg_temp.asked(:'o');
SELECT payment_no, method, reference, status, authorized, captured, refundable FROM usom.payments WHERE order_no = :'o';
SELECT transaction_no, kind, amount, reference, outcome, lines FROM usom.payment_transactions WHERE order_no = :'o' ORDER BY 1;
SELECT * FROM pg_temp.told(:'o');
-- What comes back is refunded without anybody asking; answers may name the request, or fit it.
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 4}]', 'too big') AS r \gset
SELECT status FROM usom.receive_return(:'r', '[{"line_no": 1, "quantity": 3}]');
SELECT * FROM pg_temp.state(:'o');
SELECT kind, status, amount, lines, reference = :'r' AS of_the_return FROM usom.payment_requests WHERE order_no = :'o' AND kind = 'refund';
SELECT payment_status FROM usom.refund_payment(:'o', 29.97, 'PAY-1-r1');
SELECT status FROM usom.receive_return(:'r');
SELECT payment_status FROM usom.refund_payment(:'o', 9.99, 'PAY-1-r2');
SELECT * FROM pg_temp.state(:'o');

-- What fails moves no money, is a case until it succeeds, and can be asked for again.
SELECT pg_temp.buy('{"method": "card", "reference": "PAY-2", "authorized": 99.90}') AS o \gset
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o') IS NOT NULL AS shipped;
SELECT payment_status FROM usom.record_payment(:'o', 'capture', 99.90, 'PAY-2-c1', outcome => 'failed', request => :'o' || '/1');
SELECT payment_status, repeated FROM usom.record_payment(:'o', 'capture', 99.90, 'PAY-2-c1', outcome => 'failed', request => :'o' || '/1');
SELECT kind, message, open FROM usom.exceptions WHERE order_no = :'o';
SELECT * FROM usom.collect_payment(:'o');
SELECT * FROM usom.collect_payment(:'o');
SELECT payment_status FROM usom.capture_payment(:'o', 99.90, 'PAY-2-c1');
SELECT kind, open FROM usom.exceptions WHERE order_no = :'o';
SELECT * FROM pg_temp.asked(:'o');

-- Cancelled before anything is captured: the authorisation is given up. After a sale: the money goes back.
SELECT pg_temp.buy('{"method": "card", "reference": "PAY-3", "authorized": 99.90}') AS o \gset
SELECT status FROM usom.cancel_order(:'o', 'changed my mind');
SELECT * FROM pg_temp.asked(:'o');
SELECT payment_status FROM usom.void_payment(:'o', 99.90, 'PAY-3-v1');
SELECT status, authorized, voided FROM usom.payments WHERE order_no = :'o';
SELECT pg_temp.buy(NULL) AS o \gset
SELECT payment_status, order_status FROM usom.record_payment(:'o', 'sale', 99.90, 'PAY-4-s1', 'transfer');
SELECT status FROM usom.cancel_line(:'o', 1, 4, 'fewer');
SELECT * FROM pg_temp.state(:'o');
SELECT status FROM usom.cancel_order(:'o', 'none at all');
SELECT * FROM pg_temp.state(:'o');
SELECT * FROM pg_temp.asked(:'o');
SELECT payment_status FROM usom.refund_payment(:'o', 59.94, 'PAY-4-r2');
SELECT payment_status FROM usom.refund_payment(:'o', 39.96, 'PAY-4-r1');
SELECT * FROM pg_temp.told(:'o');

-- Cash on delivery is captured when it is delivered.
SELECT pg_temp.buy('{"method": "cod"}') AS o \gset
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 7}]') AS s \gset
SELECT * FROM pg_temp.state(:'o');
SELECT status FROM usom.deliver(:'s');
SELECT status FROM usom.deliver(:'s');
SELECT kind, amount, reference = :'s' AS of_the_shipment FROM usom.payment_transactions WHERE order_no = :'o';
SELECT usom.ship(:'o') AS s \gset
SELECT status FROM usom.deliver(:'s');
SELECT * FROM pg_temp.state(:'o');

-- On account: every shipment is to be paid some days after it left.
UPDATE usom.payment_method SET days_due = 14 WHERE code = 'account' AND org_id = usom.current_org();
SELECT pg_temp.buy('{"method": "account"}') AS o \gset
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 7}]') IS NOT NULL AS shipped;
SELECT kind, status, amount, due_at - wanted_at BETWEEN interval '14 days' AND interval '14 days 1 minute' AS due_in_14_days FROM usom.payment_requests WHERE order_no = :'o';
SELECT payment_status FROM usom.record_payment(:'o', 'sale', 69.93, 'PAY-6-bank', 'account');
SELECT * FROM pg_temp.asked(:'o');
SELECT usom.ship(:'o') IS NOT NULL AS shipped;
SELECT * FROM pg_temp.asked(:'o');
SELECT payment_status FROM usom.record_payment(:'o', 'sale', 29.97, 'PAY-6-bank-2', request => :'o' || '/2');
SELECT payment_no, method, status, captured, capture_wanted FROM usom.payments WHERE order_no = :'o';

-- A gift card and a card: the first pays first, refunds go to the last.
SELECT pg_temp.buy('{"method": "card", "reference": "PAY-7", "authorized": 60}') AS o \gset
SELECT payment_status FROM usom.record_payment(:'o', 'sale', 39.90, 'PAY-7-gift', 'gift_card');
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 5}]') IS NOT NULL AS shipped;
SELECT r.request, r.kind, r.amount, r.lines FROM pg_temp.asked(:'o') r;
SELECT payment_status FROM usom.capture_payment(:'o', 10.05, 'PAY-7-c1', 'PAY-7');
SELECT usom.ship(:'o') IS NOT NULL AS shipped;
SELECT payment_status FROM usom.capture_payment(:'o', 49.95, 'PAY-7-c2', 'PAY-7');
SELECT * FROM pg_temp.state(:'o');
SELECT amount_wanted, requests FROM usom.refund_order(:'o', 80, reason => 'arrived broken');
SELECT p.method, r.amount FROM usom.payment_requests r JOIN usom.payments p USING (order_no, payment_no) WHERE r.order_no = :'o' AND r.kind = 'refund' ORDER BY r.request;

-- An authorisation that has expired covers nothing: what leaves then is a case. Whether it can be captured still is for the method to say.
INSERT INTO usom.payment_method (code, valid_for, late_capture) VALUES ('strict', '7 days', 'refuse'), ('lenient', '7 days', 'accept');
SELECT pg_temp.buy('{"method": "card"}') AS o \gset
SELECT payment_status FROM usom.record_payment(:'o', 'authorize', 99.90, 'PAY-8', 'strict', occurred_at => now() - interval '8 days');
SELECT status, capturable FROM usom.payments WHERE order_no = :'o';
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o') IS NOT NULL AS shipped;
SELECT * FROM pg_temp.asked(:'o');
SELECT kind, message FROM usom.exceptions WHERE order_no = :'o';
SELECT * FROM pg_temp.told(:'o');
SELECT regexp_replace(line, '\d{4}-.*', '(time)') AS line FROM pg_temp.refused(format('SELECT usom.capture_payment(%L, 99.90, ''PAY-8-c1'')', :'o')) AS line;
SELECT payment_status FROM usom.authorize_payment(:'o', 99.90, 'PAY-8b', 'lenient');
SELECT kind, open FROM usom.exceptions WHERE order_no = :'o';
SELECT r.kind, r.amount FROM pg_temp.asked(:'o') r;
SELECT payment_status FROM usom.record_payment(:'o', 'capture', 99.90, 'PAY-8-c2', payment_reference => 'PAY-8b', occurred_at => now() + interval '8 days');
SELECT kind, open FROM usom.exceptions WHERE order_no = :'o' ORDER BY 1;

SET client_min_messages = error;
-- Cover: a method may ask for it before goods are released, or before they are shipped.
UPDATE usom.payment_method SET cover = 'release' WHERE code = 'card' AND org_id = usom.current_org();
SELECT pg_temp.buy('{"method": "card", "reference": "PAY-9", "authorized": 50}') AS o \gset
SELECT status FROM usom.release_order(:'o');
SELECT hold_type, reason, blocks, active FROM usom.holds WHERE order_no = :'o';
SELECT * FROM pg_temp.refused(format('SELECT usom.release_order(%L)', :'o'));
SELECT payment_status FROM usom.authorize_payment(:'o', 49.90, 'PAY-9b');
SELECT hold_type, active FROM usom.holds WHERE order_no = :'o';
SELECT status FROM usom.release_order(:'o');
UPDATE usom.payment_method SET cover = 'ship' WHERE code = 'card' AND org_id = usom.current_org();
SELECT pg_temp.buy('{"method": "card"}') AS o \gset
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o') AS shipped;
SELECT hold_type, active FROM usom.holds WHERE order_no = :'o';
SELECT payment_status FROM usom.record_payment(:'o', 'sale', 99.90, 'PAY-10');
SELECT usom.ship(:'o') IS NOT NULL AS shipped;
UPDATE usom.payment_method SET cover = 'none' WHERE code = 'card' AND org_id = usom.current_org();
RESET client_min_messages;

-- Chargebacks.
SELECT payment_status FROM usom.charge_back(:'o', 99.90, 'PAY-10-d1');
SELECT status, captured, charged_back, refundable FROM usom.payments WHERE order_no = :'o';
SELECT * FROM pg_temp.state(:'o');

-- Plain SQL takes the same path: the draft's payment is authorised when it is submitted.
INSERT INTO usom.sales_order (external_id, payment) VALUES ('PAY-SQL', '{"method": "card", "reference": "PAY-13", "authorized": 99.90}');
INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity, unit_price) SELECT sales_order_id, 1, usom.product_id('PAY'), 10, 9.99 FROM usom.sales_order WHERE external_id = 'PAY-SQL' AND org_id = usom.current_org();
UPDATE usom.sales_order SET status = 'submitted' WHERE external_id = 'PAY-SQL' AND org_id = usom.current_org();
SELECT status, payment_status, total, paid FROM usom.orders WHERE external_id = 'PAY-SQL';
SELECT t.kind, t.amount, t.reference FROM usom.payment_transactions t JOIN usom.orders o USING (order_no) WHERE o.external_id = 'PAY-SQL';

-- One authorisation covers one order.
SELECT messages FROM usom.place_order('{"payment": {"method": "card", "reference": "PAY-1", "authorized": 9.99}, "lines": [{"sku": "PAY", "quantity": 1, "unit_price": 9.99}]}');
SELECT ordinal, outcome FROM usom.place_orders('[{"payment": {"method": "card", "reference": "PAY-11", "authorized": 9.99}, "lines": [{"sku": "PAY", "quantity": 1, "unit_price": 9.99}]}, {"payment": {"method": "card", "reference": "PAY-11", "authorized": 9.99}, "lines": [{"sku": "PAY", "quantity": 1, "unit_price": 9.99}]}, {"lines": [{"sku": "PAY", "quantity": 1, "unit_price": 9.99}]}]');
SELECT count(*) FROM usom.payments WHERE reference = 'PAY-11';

-- What cannot be recorded.
SELECT pg_temp.buy('{"method": "card", "reference": "PAY-12", "authorized": 99.90}') AS o \gset
SELECT * FROM pg_temp.refused(format('SELECT usom.record_payment(%L, ''barter'', 1, ''x'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.record_payment(%L, ''capture'', 0, ''x'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.record_payment(%L, ''capture'', -1, ''x'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.record_payment(%L, ''capture'', 0.001, ''x'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.record_payment(%L, ''capture'', ''NaN'', ''x'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.record_payment(%L, ''capture'', 1, NULL)', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.record_payment(%L, ''capture'', 1, ''4111 1111 1111 1111'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.record_payment(%L, ''capture'', 1, ''x'', outcome => ''maybe'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.record_payment(%L, ''capture'', 1, ''x'', payment_reference => ''nobody'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.record_payment(%L, ''capture'', 1, ''x'', request => ''nobody/1'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.record_payment(%L, ''capture'', 1, ''PAY-1-c1'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.record_payment(%L, ''capture'', 1, ''x'', lines => ''[{"line_no": 1, "amount": 2}]'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.record_payment(%L, ''capture'', 1, ''x'', lines => ''[{"line_no": 7, "amount": 1}]'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.record_payment(%L, ''capture'', 1, ''x'', lines => ''[{"line_no": 1, "colour": 1}]'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.record_payment(%L, ''capture'', 1, ''x'', lines => ''{}'')', :'o'));
SELECT * FROM pg_temp.refused('SELECT usom.record_payment(''nobody'', ''capture'', 1, ''x'')');
SELECT * FROM pg_temp.refused(format('SELECT usom.refund_order(%L)', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.refund_order(%L, 1)', :'o'));
SELECT * FROM pg_temp.refused(format('UPDATE usom.sales_order SET paid = 1 WHERE order_no = %L', :'o'));
SELECT * FROM pg_temp.refused('INSERT INTO usom.payment_method (code, terms) VALUES (''x'', ''later'')');
SELECT * FROM usom.verify();
