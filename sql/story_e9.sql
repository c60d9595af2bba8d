-- E9: refund ceilings and rounding. Three lines, 10 x 23.90 with 20 % VAT in it and a coupon of 25 %; a gift card pays a part; two shipments are captured one by one.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code, name) VALUES ('e9', 'E9');
SET usom.org = 'e9';
INSERT INTO usom.location (code) VALUES ('E9-A');
INSERT INTO usom.product (sku, kind) VALUES ('E9-MUG', 'physical'), ('E9-BOWL', 'physical'), ('E9-LAMP', 'physical'), ('E9-POST', 'service');
SELECT count(*) FROM usom.receive_stocks('[{"location": "E9-A", "sku": "E9-MUG", "quantity": 50}, {"location": "E9-A", "sku": "E9-BOWL", "quantity": 50}, {"location": "E9-A", "sku": "E9-LAMP", "quantity": 50}]');
INSERT INTO usom.promotion (code, skus, percent, needs_coupon) VALUES ('E9-SPRING', '{E9-MUG,E9-BOWL,E9-LAMP}', 25, true);
INSERT INTO usom.coupon (code, promotion) VALUES ('E9-25', 'E9-SPRING');
SELECT order_no AS o, messages FROM usom.place_order('{"coupons": ["E9-25"], "payment": {"method": "card", "reference": "E9-auth", "authorized": 442.65}, "lines": [
	{"sku": "E9-MUG", "quantity": 10, "unit_price": 23.90, "tax": {"amount": 29.88, "included": true}},
	{"sku": "E9-BOWL", "quantity": 10, "unit_price": 23.90, "tax": {"amount": 29.88, "included": true}},
	{"sku": "E9-LAMP", "quantity": 10, "unit_price": 23.90, "tax": {"amount": 29.88, "included": true}},
	{"sku": "E9-POST", "quantity": 1, "unit_price": 4.90, "tax": {"amount": 0.82, "included": true}}]}') \gset
SELECT line_no, sku, quantity, discount, tax, total FROM usom.order_lines WHERE order_no = :'o' ORDER BY 1;
SELECT total, discount, tax, payment_status FROM usom.orders WHERE order_no = :'o';
SELECT payment_status FROM usom.record_payment(:'o', 'sale', 100, 'E9-gift', 'gift_card');
SELECT line_no, captured, captured_tax FROM usom.payment_line l JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.order_no = :'o' ORDER BY 1;

-- Two shipments: each asks for what is in it and the gift card has not paid.
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 10}, {"line_no": 2, "quantity": 4}, {"line_no": 4, "quantity": 1}]') IS NOT NULL AS shipped;
SELECT r.kind, r.amount, p.method FROM usom.payment_requests r JOIN usom.payments p USING (order_no, payment_no) WHERE r.order_no = :'o' ORDER BY r.request;
SELECT r.amount AS first FROM usom.payment_requests r WHERE r.order_no = :'o' \gset
SELECT payment_status FROM usom.capture_payment(:'o', :first, 'E9-c1', 'E9-auth');
SELECT usom.ship(:'o') IS NOT NULL AS shipped;
SELECT r.amount AS second FROM usom.payment_requests r WHERE r.order_no = :'o' AND r.status = 'wanted' \gset
SELECT :first + :second AS both;
-- 0.01 too much is refused; the rest is taken; then there is nothing more to take.
SELECT * FROM pg_temp.refused(format('SELECT usom.capture_payment(%L, %s + 0.01, ''E9-c2'', ''E9-auth'')', :'o', :second));
SELECT payment_status FROM usom.capture_payment(:'o', :second, 'E9-c2', 'E9-auth');
SELECT * FROM pg_temp.refused(format('SELECT usom.capture_payment(%L, 0.01, ''E9-c3'', ''E9-auth'')', :'o'));
SELECT payment_no, method, authorized, captured, refundable FROM usom.payments WHERE order_no = :'o';
SELECT sum(captured) AS captured, sum(captured_tax) AS tax FROM usom.payment_line l JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.order_no = :'o';
SELECT usom.deliver(shipment_no) IS NOT NULL AS delivered FROM usom.shipments WHERE order_no = :'o';

-- Six refunds, one on the other: what is asked for counts before it is answered.
CREATE VIEW pg_temp.ceiling AS
	SELECT p.order_no, p.payment_no, p.captured, p.refunded, p.refund_wanted, p.refundable, p.refunded + p.refund_wanted <= p.captured AS holds FROM usom.payments p;
SELECT * FROM usom.refund_order(:'o', lines => '[{"line_no": 1, "amount": 5.00}]', reason => 'scratched');
SELECT * FROM usom.refund_order(:'o', lines => '[{"line_no": 2, "amount": 0.01}, {"line_no": 3, "amount": 0.01}]', reason => 'late');
SELECT * FROM usom.refund_order(:'o', lines => '[{"line_no": 4, "amount": 4.90}]', reason => 'the postage');
SELECT * FROM pg_temp.refused(format('SELECT usom.refund_order(%L, lines => ''[{"line_no": 4, "amount": 0.01}]'')', :'o'));
SELECT * FROM usom.refund_order(:'o', lines => '[{"line_no": 3, "amount": 11.11, "tax": 1.85}]', reason => 'the shade');
SELECT * FROM usom.refund_order(:'o', 10.00, reason => 'kindness');
SELECT payment_no, holds, refund_wanted FROM pg_temp.ceiling WHERE order_no = :'o' ORDER BY 1;
SELECT count(*) AS answered FROM usom.payment_requests r, usom.record_payment(:'o', 'refund', r.amount, 'E9-' || replace(r.request, :'o', 'r'), request => r.request) WHERE r.order_no = :'o' AND r.kind = 'refund' AND r.status = 'wanted';
SELECT payment_no, holds, refunded, refund_wanted FROM pg_temp.ceiling WHERE order_no = :'o' ORDER BY 1;
-- Three are announced, two come, one is dismissed: it is damaged. The money is for two.
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 3}]', 'not as expected') AS r \gset
SELECT status FROM usom.receive_return(:'r', '[{"line_no": 1, "quantity": 2}]');
SELECT kind, amount, lines FROM usom.payment_requests WHERE order_no = :'o' AND status = 'wanted';
SELECT * FROM pg_temp.refused(format('SELECT usom.refund_order(%L, lines => ''[{"line_no": 1, "quantity": 3}]'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.refund_order(%L, lines => ''[{"line_no": 1, "quantity": 1}]'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.refund_order(%L, lines => ''[{"line_no": 1, "amount": 100, "tax": 25}]'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.refund_order(%L, 1000)', :'o'));

-- Then everything comes back.
SELECT status FROM usom.receive_return(:'r');
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 7}, {"line_no": 2, "quantity": 10}, {"line_no": 3, "quantity": 10}, {"line_no": 4, "quantity": 1}]', 'all of it') AS r \gset
SELECT status, order_status FROM usom.receive_return(:'r', '[{"line_no": 1, "quantity": 7}, {"line_no": 2, "quantity": 3}, {"line_no": 4, "quantity": 1}]');
SELECT payment_no, holds, refundable FROM pg_temp.ceiling WHERE order_no = :'o' ORDER BY 1;
SELECT status, order_status FROM usom.receive_return(:'r');
SELECT payment_no, holds, refunded, refund_wanted, refundable FROM pg_temp.ceiling WHERE order_no = :'o' ORDER BY 1;
SELECT count(*) AS answered FROM usom.payment_requests r, usom.record_payment(:'o', 'refund', r.amount, 'E9-' || replace(r.request, :'o', 'r'), request => r.request) WHERE r.order_no = :'o' AND r.kind = 'refund' AND r.status = 'wanted';
-- Nothing is left, to the last cent, of the money and of the tax.
SELECT line_no, captured, refunded, captured_tax, refunded_tax FROM usom.payment_line l JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.order_no = :'o' ORDER BY 1;
SELECT captured - refunded AS residual, payment_no FROM usom.payments WHERE order_no = :'o' ORDER BY 2;
SELECT sum(amount) FILTER (WHERE kind <> 'refund') - sum(amount) FILTER (WHERE kind = 'refund') AS residual, sum(tax) FILTER (WHERE kind = 'refund') AS tax_back, sum(tax) FILTER (WHERE kind <> 'refund') AS tax
FROM usom.payment_transactions WHERE order_no = :'o' AND kind IN ('capture', 'sale', 'refund');
SELECT payment_status, paid, status_group FROM usom.orders WHERE order_no = :'o';
SELECT * FROM pg_temp.refused(format('SELECT usom.refund_order(%L, 0.01)', :'o'));
SELECT * FROM usom.verify();
