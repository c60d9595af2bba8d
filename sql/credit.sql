-- Credit: what customers may owe, and what becomes of orders for more.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code, currency) VALUES ('credits', 'EUR');
SET usom.org = 'credits';
UPDATE usom.document_counter SET prefix = upper(left(kind, 1)) || '-', digits = 1, gap_free = true WHERE org_id = usom.current_org();
INSERT INTO usom.location (code) VALUES ('CRD-A');
INSERT INTO usom.product (sku) VALUES ('CRD-1'), ('CRD-2'), ('CRD-LESS');
INSERT INTO usom.customer (code) VALUES ('ACME'), ('LATER'), ('RELEASE'), ('SHIP'), ('OPEN'), ('FOREIGN'), ('REFUSE'), ('PAYER'), ('NEWER');
SELECT usom.receive_stock('CRD-A', sku, 1000) FROM unnest(ARRAY['CRD-1', 'CRD-2']) sku;
CREATE FUNCTION pg_temp.buy(customer text, amount numeric, more jsonb DEFAULT '{}') RETURNS TABLE (order_no text, status text, reserved numeric) LANGUAGE sql AS $$
	SELECT p.order_no, p.status, p.quantity_reserved
	FROM usom.place_order(jsonb_build_object('customer', customer, 'lines', jsonb_build_array(jsonb_build_object('sku', 'CRD-1', 'quantity', amount / 100, 'unit_price', 100))) || more) p
$$;
CREATE FUNCTION pg_temp.look(of text) RETURNS TABLE (line text) LANGUAGE sql AS $$
	SELECT l.line FROM (
		SELECT 1 AS part, '' AS order_no, format('limit %s, exposure %s, free %s, held %s orders for %s', limit_amount, exposure, free, orders_held, amount_held) AS line
		FROM usom.credit WHERE customer = of
		UNION ALL
		SELECT 2, p.order_no, format('%s %s: owes %s, takes %s%s%s', p.order_no, p.status, owed, taken, CASE WHEN held_at IS NOT NULL THEN ', held' END,
			CASE WHEN beyond_limit > 0 THEN ', beyond the limit by ' || beyond_limit END) FROM usom.credit_position(of) p
		UNION ALL
		SELECT 3, h.order_no, format('%s: %s hold: %s', h.order_no, h.hold_type, h.reason) FROM usom.holds h JOIN usom.orders o ON o.order_no = h.order_no
		WHERE h.active AND o.customer = of
	) AS l ORDER BY l.part, l.order_no, l.line
$$;

-- E20: a limit of 1,000, five orders of 300: three are confirmed, two are held and take no stock.
INSERT INTO usom.credit_account (customer_id, limit_amount) VALUES (usom.customer_id('ACME'), 1000);
SELECT b.* FROM generate_series(1, 5) n, pg_temp.buy('ACME', 300, jsonb_build_object('external_id', 'A' || n)) b;
SELECT * FROM pg_temp.look('ACME');
SELECT messages FROM usom.place_order('{"customer": "ACME", "draft": false, "external_id": "A5", "lines": [{"sku": "CRD-1", "quantity": 3, "unit_price": 100}]}');
-- A shipment or an invoice does not count twice.
SELECT status FROM usom.release_order('O-1');
SELECT usom.ship('O-1');
SELECT * FROM pg_temp.look('ACME') LIMIT 1;
-- Who is held is neither confirmed nor released.
SELECT pg_temp.refused($$SELECT * FROM usom.confirm_order('O-4')$$);
SELECT pg_temp.refused($$SELECT * FROM usom.release_order('O-4')$$);
-- Without its hold it is asked again, and held again.
SELECT status FROM usom.release_hold('O-4', 'credit', 'let us see');
SELECT status FROM usom.confirm_order('O-4');
SELECT * FROM pg_temp.look('ACME');
-- Somebody cancels: the oldest goes on.
SELECT status FROM usom.cancel_order('O-2', 'not wanted');
SELECT * FROM pg_temp.look('ACME');
SELECT event, from_status, to_status, reason, reference FROM usom.order_timeline('O-4');
-- A line less, a return: each gives back its part.
SELECT status FROM usom.cancel_line('O-3', 1, 1, 'less');
SELECT usom.authorize_return('O-1', '[{"line_no": 1, "quantity": 1}]', 'broken') AS r \gset
SELECT * FROM usom.receive_return(:'r');
SELECT * FROM pg_temp.look('ACME');
-- A manager lets one pass: what is beyond the limit is on record.
SELECT b.* FROM pg_temp.buy('ACME', 300) b;
SELECT pg_temp.refused($$SELECT * FROM usom.release_credit_hold('O-6', '  ')$$);
SELECT status FROM usom.release_credit_hold('O-6', 'guaranteed by the bank');
SELECT pg_temp.refused($$SELECT * FROM usom.release_credit_hold('O-6', 'again')$$);
SELECT * FROM pg_temp.look('ACME');
SELECT hold_type, active, release_reason FROM usom.holds WHERE order_no = 'O-6';
SELECT * FROM usom.verify();

-- More of an order than there is credit for: it is held, what it had is still its own.
SELECT b.* FROM pg_temp.buy('ACME', 100) b;
UPDATE usom.credit_account SET limit_amount = 1200 WHERE customer_id = usom.customer_id('ACME');
SELECT status FROM usom.change_order('O-7', '{"lines": [{"line_no": 1, "quantity": 3}]}');
SELECT * FROM pg_temp.look('ACME');
SELECT pg_temp.refused($$SELECT * FROM usom.release_order('O-7')$$);
SELECT status FROM usom.release_hold('O-7', 'credit', 'let us see');
SELECT pg_temp.refused($$SELECT * FROM usom.release_order('O-7')$$);
SELECT status FROM usom.confirm_order('O-7');
SELECT * FROM pg_temp.look('ACME') WHERE line LIKE 'O-7%';
-- Fewer again: it goes on.
SELECT status FROM usom.change_order('O-7', '{"lines": [{"line_no": 1, "quantity": 2}]}');
SELECT * FROM pg_temp.look('ACME');
SELECT event, to_status, reason, reference FROM usom.order_timeline('O-7');
SELECT * FROM usom.verify();

-- One that does not fit lets smaller ones pass; what was changed while it waited counts.
SELECT b.* FROM pg_temp.buy('ACME', 900) b;
SELECT b.* FROM pg_temp.buy('ACME', 200, '{"external_id": "small"}') b;
SELECT status FROM usom.cancel_order('O-7', 'not wanted');
SELECT * FROM pg_temp.look('ACME');
SELECT status FROM usom.change_order('O-8', '{"lines": [{"line_no": 1, "quantity": 0.5}]}');
SELECT status FROM usom.cancel_order('O-9', 'not wanted');
SELECT * FROM pg_temp.look('ACME');

-- Refused instead of held.
INSERT INTO usom.credit_account (customer_id, limit_amount, on_increase) VALUES (usom.customer_id('REFUSE'), 500, 'refuse');
SELECT order_no AS o, status FROM pg_temp.buy('REFUSE', 400) \gset
SELECT pg_temp.refused(format($$SELECT * FROM usom.change_order(%L, '{"lines": [{"line_no": 1, "quantity": 6}]}')$$, :'o'));
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "quantity": 5}]}');
SELECT * FROM pg_temp.look('REFUSE');

-- Checked at the release.
INSERT INTO usom.credit_account (customer_id, limit_amount, check_at) VALUES (usom.customer_id('RELEASE'), 500, 'release');
SELECT b.* FROM generate_series(1, 2) n, pg_temp.buy('RELEASE', 300, jsonb_build_object('external_id', 'R' || n)) b;
SELECT * FROM pg_temp.look('RELEASE');
SELECT o.order_no, r.status FROM usom.orders o, usom.release_order(o.order_no) r WHERE o.customer = 'RELEASE' ORDER BY o.order_no;
SELECT * FROM pg_temp.look('RELEASE');
SELECT order_no AS o FROM usom.orders WHERE external_id = 'R2' \gset
SELECT status, quantity FROM usom.order_pieces WHERE order_no = :'o';
SELECT status FROM usom.release_credit_hold(:'o', 'paid by cheque');
SELECT status FROM usom.release_order(:'o');
SELECT * FROM pg_temp.look('RELEASE');

-- Checked at the ship.
INSERT INTO usom.credit_account (customer_id, limit_amount, check_at) VALUES (usom.customer_id('SHIP'), 200, 'ship');
SELECT order_no AS o, status FROM pg_temp.buy('SHIP', 300) \gset
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o') IS NULL AS nothing_shipped;
SELECT * FROM pg_temp.look('SHIP');
UPDATE usom.credit_account SET limit_amount = 300 WHERE customer_id = usom.customer_id('SHIP');
SELECT usom.ship(:'o') IS NULL AS nothing_shipped;
SELECT * FROM pg_temp.look('SHIP');

-- Never: counted, and not held.
INSERT INTO usom.credit_account (customer_id, limit_amount, check_at) VALUES (usom.customer_id('OPEN'), 200, 'none');
SELECT b.status FROM pg_temp.buy('OPEN', 300) b;
SELECT * FROM pg_temp.look('OPEN');
UPDATE usom.credit_account SET check_at = 'confirm' WHERE customer_id = usom.customer_id('OPEN');
SELECT b.status FROM pg_temp.buy('OPEN', 100) b;
UPDATE usom.credit_account SET active = false WHERE customer_id = usom.customer_id('OPEN');
SELECT * FROM pg_temp.look('OPEN');
SELECT * FROM usom.verify();

-- In a currency without an account.
INSERT INTO usom.credit_account (customer_id, limit_amount) VALUES (usom.customer_id('FOREIGN'), 1000);
SELECT order_no AS o, status FROM pg_temp.buy('FOREIGN', 300, '{"currency": "USD"}') \gset
SELECT * FROM pg_temp.look('FOREIGN');
SELECT status FROM usom.release_credit_hold(:'o', 'prepaid by wire');
SELECT b.status FROM pg_temp.buy('FOREIGN', 300, '{"currency": "USD", "payment": {"method": "card"}}') b;
INSERT INTO usom.credit_account (customer_id, currency, limit_amount) VALUES (usom.customer_id('FOREIGN'), 'USD', 1000);
SELECT * FROM pg_temp.look('FOREIGN');

-- An account begins with what its customer owes already.
SELECT b.status FROM generate_series(1, 2) n, pg_temp.buy('LATER', 300, jsonb_build_object('external_id', 'L' || n)) b;
SELECT b.status FROM pg_temp.buy('LATER', 300, '{"payment": {"method": "card"}}') b;
SELECT b.status FROM pg_temp.buy('LATER', 300, '{"draft": true, "external_id": "LD"}') b;
INSERT INTO usom.credit_account (customer_id, limit_amount) VALUES (usom.customer_id('LATER'), 700);
SELECT * FROM pg_temp.look('LATER');
SELECT s.status FROM usom.orders o, usom.submit_order(o.order_no) s WHERE o.external_id = 'LD';
SELECT * FROM pg_temp.look('LATER');

-- Plain SQL takes the same path; several at once are served in their order.
UPDATE usom.credit_account SET limit_amount = 1100 WHERE customer_id = usom.customer_id('LATER');
SELECT b.order_no, b.status FROM generate_series(1, 3) n, pg_temp.buy('LATER', 100, jsonb_build_object('draft', true, 'external_id', 'P' || n)) b;
UPDATE usom.sales_order SET status = 'submitted' WHERE external_id LIKE 'P_' AND org_id = usom.current_org();
UPDATE usom.sales_order SET status = 'confirmed' WHERE external_id = 'LD' AND org_id = usom.current_org();
SELECT external_id, status FROM usom.orders WHERE external_id LIKE 'P_' OR external_id = 'LD' ORDER BY order_no;
SELECT * FROM usom.place_orders('[{"customer": "LATER", "external_id": "B1", "lines": [{"sku": "CRD-1", "quantity": 1, "unit_price": 250}]}, {"customer": "LATER", "external_id": "B2", "lines": [{"sku": "CRD-1", "quantity": 1, "unit_price": 50}]}]') \g /dev/null
SELECT external_id, status FROM usom.orders WHERE external_id LIKE 'B_' ORDER BY order_no;
UPDATE usom.sales_order SET status = 'cancelled' WHERE external_id IN ('P1', 'L1') AND org_id = usom.current_org();
SELECT * FROM pg_temp.look('LATER');
SELECT * FROM usom.verify();

-- A quote says so, and writes nothing.
SELECT jsonb_path_query(q, '$.problems[*]') - 'remedy' AS problem FROM usom.quote('{"customer": "LATER", "lines": [{"sku": "CRD-1", "quantity": 90, "unit_price": 100}]}') q;
SELECT * FROM pg_temp.look('LATER') LIMIT 1;

-- What others hold as well waits for them, and is asked again.
SELECT order_no AS o FROM pg_temp.buy('REFUSE', 400, '{"draft": true}') \gset
SELECT status FROM usom.submit_order(:'o');
SELECT status FROM usom.hold_order(:'o', 'fraud', 'strange');
UPDATE usom.credit_account SET limit_amount = 900 WHERE customer_id = usom.customer_id('REFUSE');
SELECT * FROM pg_temp.look('REFUSE');
UPDATE usom.credit_account SET limit_amount = 700 WHERE customer_id = usom.customer_id('REFUSE');
SELECT status FROM usom.release_hold(:'o', 'fraud', 'well known');
SELECT status FROM usom.confirm_order(:'o');
SELECT * FROM pg_temp.look('REFUSE');
UPDATE usom.credit_account SET limit_amount = 900 WHERE customer_id = usom.customer_id('REFUSE');
SELECT * FROM pg_temp.look('REFUSE');
-- A hold that people have placed is theirs.
SELECT status FROM usom.hold_order(:'o', 'credit', 'invoice 7 is overdue');
UPDATE usom.credit_account SET limit_amount = 9000 WHERE customer_id = usom.customer_id('REFUSE');
SELECT hold_type, reason, active FROM usom.holds WHERE order_no = :'o' AND active;

-- What is paid is owed no more: the oldest goes on. What went back is owed again, whatever the limit says.
INSERT INTO usom.credit_account (customer_id, limit_amount) VALUES (usom.customer_id('PAYER'), 1000);
SELECT order_no AS p1 FROM pg_temp.buy('PAYER', 600) \gset
SELECT order_no AS p2 FROM pg_temp.buy('PAYER', 700, '{"payment": {"method": "account"}}') \gset
SELECT order_no AS p3 FROM pg_temp.buy('PAYER', 300) \gset
SELECT * FROM pg_temp.look('PAYER');
SELECT payment_status, order_status FROM usom.record_payment(:'p1', 'sale', 350, 'crd-1', 'transfer');
SELECT * FROM pg_temp.look('PAYER');
SELECT payment_status, order_status FROM usom.record_payment(:'p1', 'sale', 250, 'crd-2', 'transfer');
SELECT * FROM pg_temp.look('PAYER');
-- What is paid for a held order makes it smaller.
SELECT order_no AS p4 FROM pg_temp.buy('PAYER', 200) \gset
SELECT * FROM pg_temp.look('PAYER');
SELECT payment_status, order_status FROM usom.record_payment(:'p4', 'sale', 200, 'crd-3', 'transfer');
SELECT payment_status, order_status FROM usom.record_payment(:'p1', 'refund', 100, 'crd-4', payment_reference => 'crd-1');
SELECT * FROM pg_temp.look('PAYER');
SELECT * FROM usom.verify();

-- What may not be written.
SELECT pg_temp.refused('UPDATE usom.credit_account SET exposure = 0');
SELECT pg_temp.refused($$UPDATE usom.credit_account SET currency = 'CHF'$$);
SELECT pg_temp.is_refused('DELETE FROM usom.credit_account');
SELECT pg_temp.refused('UPDATE usom.credit_account SET limit_amount = -1');
SELECT pg_temp.refused($$INSERT INTO usom.credit_account (customer_id, limit_amount) VALUES (usom.customer_id('ACME'), 1)$$);
SELECT pg_temp.refused('INSERT INTO usom.credit_account (customer_id, limit_amount) VALUES (0, 1)');
SELECT pg_temp.refused($$INSERT INTO usom.credit_account (customer_id, limit_amount, exposure) VALUES (usom.customer_id('NEWER'), 1, 5)$$);
SELECT pg_temp.refused($$SELECT * FROM usom.credit_position('NEWER')$$);
SELECT pg_temp.refused($$SELECT * FROM usom.review_credit('NOBODY')$$);
INSERT INTO usom.credit_account (customer_id, limit_amount) VALUES (usom.customer_id('ACME'), 1) ON CONFLICT DO NOTHING;
SELECT * FROM usom.review_credit('ACME');
SELECT * FROM usom.verify_credit();
SELECT * FROM usom.verify();
