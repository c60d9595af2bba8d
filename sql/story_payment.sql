-- The SQL of doc/payments.md, made by tools/make-story.sh: edit the document.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
DROP DATABASE IF EXISTS usom_story;
CREATE DATABASE usom_story TEMPLATE template0;
\c usom_story
SET lc_messages = 'C';
SET client_min_messages = warning;
CREATE EXTENSION usom;
SELECT count(*) > 0 AS installed FROM usom.install();

-- The order
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.location (code, name) VALUES ('MAIN', 'Warehouse');
INSERT INTO usom.product (sku, name) VALUES ('KETTLE', 'Kettle'), ('LAMP', 'Lamp');
SELECT count(*) FROM usom.receive_stocks('[{"location": "MAIN", "sku": "KETTLE", "quantity": 20}, {"location": "MAIN", "sku": "LAMP", "quantity": 20}]');

SELECT order_no, total FROM usom.place_order('{
  "payment": {"method": "card", "reference": "psp-1", "authorized": 89.70},
  "lines": [{"sku": "KETTLE", "quantity": 2, "unit_price": 24.90}, {"sku": "LAMP", "quantity": 1, "unit_price": 39.90}]}');

SELECT payment_no, method, reference, status, authorized, captured FROM usom.payments WHERE order_no = 'SO-000001';

-- Captured shipment by shipment
SELECT status FROM usom.release_order('SO-000001');

SELECT usom.ship('SO-000001', '[{"line_no": 1, "quantity": 2}]');

SELECT kind, payload->>'request' AS request, payload->>'amount' AS amount, payload->>'payment_reference' AS payment_reference
FROM usom.events WHERE order_no = 'SO-000001';

SELECT * FROM usom.capture_payment('SO-000001', 49.80, 'psp-c-1', request => 'SO-000001/1');

SELECT * FROM usom.capture_payment('SO-000001', 49.80, 'psp-c-1', request => 'SO-000001/1');

SELECT * FROM usom.capture_payment('SO-000001', 39.91, 'psp-c-2');

SELECT usom.ship('SO-000001');

SELECT payment_status FROM usom.capture_payment('SO-000001', 39.90, 'psp-c-2');

-- What comes back
SELECT usom.authorize_return('SO-000001', '[{"line_no": 1, "quantity": 2}]', 'leaks');

SELECT status FROM usom.receive_return('RT-000001', '[{"line_no": 1, "quantity": 1}]');

SELECT request, kind, status, amount, lines FROM usom.payment_requests WHERE kind = 'refund';

SELECT * FROM usom.refund_order('SO-000001', lines => '[{"line_no": 2, "amount": 5.00}]', reason => 'scratched');

SELECT * FROM usom.refund_order('SO-000001', 60, reason => 'all of it');

SELECT payment_status FROM usom.refund_payment('SO-000001', 24.90, 'psp-r-1', request => 'SO-000001/3');

SELECT captured, refunded, refund_wanted, refundable FROM usom.payments WHERE order_no = 'SO-000001';

-- Paid, and sold out
SELECT order_no, status FROM usom.place_order('{"draft": true, "lines": [{"sku": "KETTLE", "quantity": 19, "unit_price": 24.90}]}');

SELECT order_no, status FROM usom.place_order('{"lines": [{"sku": "KETTLE", "quantity": 19, "unit_price": 24.90}]}');

SELECT payment_status, order_status, repeated FROM usom.complete_order('SO-000002', 473.10, 'psp-2');

SELECT kind, message, open FROM usom.exceptions WHERE order_no = 'SO-000002';

SELECT count(*) FROM usom.split_backorder('SO-000002', 1, '[{"quantity": 19, "promised_at": "2099-03-01"}]');

SELECT payment_status FROM usom.orders WHERE order_no = 'SO-000002';

SELECT status FROM usom.cancel_order('SO-000003', 'did not want to wait');

SELECT payment_status, order_status FROM usom.complete_order('SO-000003', 473.10, 'psp-3');

SELECT * FROM usom.refund_order('SO-000003', reason => 'the order was cancelled');

-- Terms
SELECT code, terms, cover, days_due, valid_for, late_capture FROM usom.payment_method ORDER BY code;

UPDATE usom.payment_method SET cover = 'release', valid_for = '7 days' WHERE code = 'card';
SELECT order_no FROM usom.place_order('{"payment": {"method": "card"}, "lines": [{"sku": "LAMP", "quantity": 1, "unit_price": 39.90}]}');

SELECT status FROM usom.release_order('SO-000004');

SELECT payment_status FROM usom.authorize_payment('SO-000004', 39.90, 'psp-4');

SELECT status FROM usom.release_order('SO-000004');

SELECT order_no FROM usom.place_order('{"payment": {"method": "cod"}, "lines": [{"sku": "LAMP", "quantity": 1, "unit_price": 39.90}]}');

SELECT status FROM usom.release_order('SO-000005');

SELECT usom.ship('SO-000005');

SELECT status FROM usom.deliver('SH-000003');

SELECT kind, amount, reference FROM usom.payment_transactions WHERE order_no = 'SO-000005';

-- What is kept, and what holds
SELECT * FROM usom.verify_payments();

\c :home
DROP DATABASE usom_story;
