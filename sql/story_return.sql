-- A return, told from the order to the money, and what commonly goes wrong with one.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code, name) VALUES ('story_return', 'A return');
SET usom.org = 'story_return';

-- A shop sells lamps. They may come back for 30 days, somebody looks at each of them, and whoever announces one has 14 days to send it.
INSERT INTO usom.location (code) VALUES ('HOUSE');
INSERT INTO usom.product (sku, category) VALUES ('LAMP-BLUE', 'lamps'), ('LAMP-RED', 'lamps');
INSERT INTO usom.price (sku, unit_price) VALUES ('LAMP-BLUE', 23.90), ('LAMP-RED', 25.90);
SELECT count(*) FROM usom.receive_stocks('[{"location": "HOUSE", "sku": "LAMP-BLUE", "quantity": 10}, {"location": "HOUSE", "sku": "LAMP-RED", "quantity": 10}]');
INSERT INTO usom.return_rule (code, category, days, valid_days, inspects) VALUES ('lamps', 'lamps', 30, 14, true);

-- Ann buys three blue ones, pays 71.70 by card, and has them on the table the day before yesterday.
INSERT INTO usom.customer (code, name) VALUES ('ann', 'Ann');
SELECT order_no AS o, total FROM usom.place_order('{"customer": "ann", "channel": "web", "ship_to": {"line1": "1 High Street", "city": "Leeds", "country": "GB"}, "payment": {"method": "card", "reference": "psp-ann", "authorized": 71.70}, "lines": [{"sku": "LAMP-BLUE", "quantity": 3}]}') \gset
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o', carrier => 'DHL') AS s \gset
SELECT payment_status FROM usom.capture_payment(:'o', 71.70, 'psp-ann-1', 'psp-ann');
SELECT status FROM usom.deliver(:'s', now() - interval '2 days');

-- She asks what may come back: all three, for 28 days more.
SELECT line_no, sku, returnable, outcome, rule, date_trunc('day', until - now()) AS left, refund FROM usom.explain_return(:'o');
-- Two do not fit her room. She gets a number, and sends them.
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 2}]', 'too blue') AS r \gset
SELECT status, quantity, expires_at - authorized_at > interval '13 days 23 hours' AS has_14_days FROM usom.returns WHERE return_no = :'r';
-- The postman brings them. Nobody has looked at them: they are not for sale, and no money moves.
SELECT status, order_status FROM usom.receive_return(:'r');
SELECT * FROM pg_temp.shelf('LAMP-BLUE');
SELECT count(*) AS refunds FROM usom.payment_requests WHERE order_no = :'o' AND kind = 'refund';
-- One is as new and goes to the shelf. One has a scratch that was not there when it left, and goes to the bin; that is nobody's fault but ours.
SELECT status, order_status FROM usom.inspect_return(:'r', '[{"line_no": 1, "quantity": 1, "disposition": "restock", "condition": "as new"}, {"line_no": 1, "quantity": 1, "disposition": "scrap", "condition": "scratched"}]');
SELECT * FROM pg_temp.shelf('LAMP-BLUE');
SELECT quantity, disposition, location, condition FROM usom.return_pieces WHERE return_no = :'r' ORDER BY return_piece_no;
SELECT m.kind, trim_scale(m.delta) AS units, m.reason FROM usom.stock_movement m WHERE m.reference = :'r' ORDER BY m.stock_movement_id;
-- Her money: what two of three cost.
SELECT kind, amount, status FROM usom.payment_requests WHERE order_no = :'o' AND kind = 'refund';
SELECT payment_status FROM usom.refund_payment(:'o', 47.80, 'psp-ann-r1', 'psp-ann');
SELECT status_group, paid, payment_status FROM usom.orders WHERE order_no = :'o';

-- The last one she would rather have in red. That is an exchange: a red one is kept for her until the blue one is back.
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 1}]', 'rather red') AS x \gset
SELECT usom.exchange_return(:'x', '[{"sku": "LAMP-RED", "quantity": 1}]', reason => 'rather red') AS e \gset
SELECT status, total, payment_status, parent_order_no = :'o' AS of_hers, customer, ship_to->>'city' AS city FROM usom.orders WHERE order_no = :'e';
SELECT hold_type, pg_temp.mask(reason) AS reason, active FROM usom.holds WHERE order_no = :'e';
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.release_order(%L)', :'e'));
SELECT usom.exchange_return(:'x') = :'e' AS the_same;
SELECT status, order_status FROM usom.receive_return(:'x');
SELECT status, order_status FROM usom.inspect_return(:'x', reason => 'as new');
-- It pays for the red one: 23.90 of 25.90. She is not sent money to send it back.
SELECT active FROM usom.holds WHERE order_no = :'e';
SELECT kind, amount, pg_temp.mask(reference) AS reference FROM usom.payment_transactions WHERE order_no IN (:'o', :'e') AND reference LIKE 'RT-%' ORDER BY kind;
SELECT count(*) AS wanted FROM usom.payment_requests WHERE order_no = :'o' AND status = 'wanted';
SELECT total, paid FROM usom.orders WHERE order_no = :'e';
SELECT payment_status FROM usom.record_payment(:'e', 'sale', 2.00, 'psp-ann-2', 'card');
SELECT status FROM usom.release_order(:'e');
SELECT usom.ship(:'e', carrier => 'DHL') AS s \gset
SELECT status FROM usom.deliver(:'s');
SELECT payment_no, captured, refunded, refundable FROM usom.payments WHERE order_no = :'o';
SELECT status_group, payment_status FROM usom.orders WHERE order_no = :'o';
SELECT event, pg_temp.mask(reference) AS reference FROM usom.timeline WHERE order_no = :'e' ORDER BY version;
SELECT * FROM usom.verify();

-- What goes wrong most often: it is not what was sent. Ben returns a lamp that is none of ours.
SELECT order_no AS o FROM usom.place_order('{"channel": "web", "payment": {"method": "card", "reference": "psp-ben", "authorized": 47.80}, "lines": [{"sku": "LAMP-BLUE", "quantity": 2}]}') \gset
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o') AS s \gset
SELECT payment_status FROM usom.capture_payment(:'o', 47.80, 'psp-ben-1', 'psp-ben');
SELECT status FROM usom.deliver(:'s');
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 1}]', 'broken') AS r \gset
-- He had a new one sent in advance.
SELECT usom.exchange_return(:'r', advance => true) AS e \gset
SELECT sku, quantity, unit_price FROM usom.order_lines WHERE order_no = :'e';
SELECT kind, open, due_at - now() BETWEEN interval '13 days 23 hours' AND interval '14 days' AS due_in_14_days FROM usom.exceptions WHERE order_no = :'e';
SELECT status FROM usom.release_order(:'e');
SELECT usom.ship(:'e') IS NOT NULL AS shipped;
SELECT status, order_status FROM usom.receive_return(:'r');
SELECT status, order_status FROM usom.inspect_return(:'r', '[{"line_no": 1, "quantity": 1, "disposition": "reject", "condition": "not one of ours"}]');
-- No refund; the lamp goes to him again, and somebody talks to him about the new one.
SELECT quantity_received, quantity_accepted, quantity_rejected FROM usom.returns WHERE return_no = :'r';
SELECT kind, open FROM usom.exceptions WHERE order_no = :'e' ORDER BY kind;
SELECT count(*) AS refunds FROM usom.payment_requests WHERE order_no = :'o' AND kind = 'refund';
SELECT status_group FROM usom.orders WHERE order_no = :'o';
SELECT * FROM pg_temp.refused(format('SELECT usom.exchange_return(%L)', 'RT-NONE'));
-- The other one he sends without a word. It waits for whoever looks at it.
SELECT status FROM usom.receive_blind_return(:'o', '[{"line_no": 1, "quantity": 1}]');
SELECT kind, open FROM usom.exceptions WHERE order_no = :'o';
SELECT status, order_status FROM usom.inspect_return((SELECT return_no FROM usom.returns WHERE order_no = :'o' AND is_blind));
SELECT kind, amount FROM usom.payment_requests WHERE order_no = :'o' AND kind = 'refund';
SELECT kind, open FROM usom.exceptions WHERE order_no = :'o';
SELECT * FROM usom.verify();
