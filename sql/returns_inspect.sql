-- What becomes of goods that came back: inspected, restocked, refurbished, scrapped, sent to the vendor, or not taken back.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code, name) VALUES ('returns_inspect', 'Inspected');
SET usom.org = 'returns_inspect';
INSERT INTO usom.location (code) VALUES ('RI-A'), ('RI-SHOP');
INSERT INTO usom.product (sku, category, kind) VALUES ('RI-LAMP', 'lighting', 'physical'), ('RI-MUG', NULL, 'physical'), ('RI-POST', NULL, 'service');
SELECT count(*) FROM usom.receive_stocks('[{"location": "RI-A", "sku": "RI-LAMP", "quantity": 4, "lot": "L1"}, {"location": "RI-A", "sku": "RI-LAMP", "quantity": 6, "lot": "L2"}, {"location": "RI-A", "sku": "RI-MUG", "quantity": 10}]');
INSERT INTO usom.return_rule (code, category, inspects) VALUES ('RI-LAMPS', 'lighting', true);
INSERT INTO usom.return_rule (code, sku, reason, disposition) VALUES ('RI-BROKEN', 'RI-MUG', 'broken', 'scrap');
SELECT order_no AS o FROM usom.place_order('{"payment": {"method": "card", "reference": "RI-auth", "authorized": 234.9}, "lines": [{"sku": "RI-LAMP", "quantity": 10, "unit_price": 20}, {"sku": "RI-MUG", "quantity": 6, "unit_price": 5}, {"sku": "RI-POST", "quantity": 1, "unit_price": 4.9}]}') \gset
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o') AS s \gset
SELECT payment_status FROM usom.capture_payment(:'o', 234.9, 'RI-c', 'RI-auth');
SELECT status FROM usom.deliver(:'s');
CREATE VIEW pg_temp.ledger AS
	SELECT p.sku, m.lot, l.code AS location, m.kind, trim_scale(sum(m.delta)) AS delta FROM usom.stock_movement m JOIN usom.product p USING (org_id, product_id) JOIN usom.location l USING (org_id, location_id)
	WHERE p.sku LIKE 'RI-%' AND m.kind NOT IN ('receipt', 'shipment') GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
CREATE VIEW pg_temp.refunds AS SELECT r.kind, r.amount, r.lines FROM usom.payment_requests r WHERE r.kind = 'refund' ORDER BY r.request;

-- Eight lamps are announced, seven come: they wait, are still the customer's, and nothing is refunded.
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 8}]', 'too bright') AS r \gset
SELECT status, order_status FROM usom.receive_return(:'r', '[{"line_no": 1, "quantity": 7}]');
SELECT quantity, quantity_received, quantity_accepted, inspects, rule FROM usom.returns WHERE return_no = :'r';
SELECT line_no, return_piece_no, quantity, disposition, location, piece_no FROM usom.return_pieces WHERE return_no = :'r' ORDER BY 1, 2;
SELECT status, quantity, quantity_delivered, quantity_returned FROM usom.order_lines WHERE order_no = :'o' AND line_no = 1;
SELECT count(*) FROM pg_temp.refunds;
SELECT * FROM pg_temp.shelf('RI-%');
SELECT * FROM usom.verify();

-- What cannot be said of them.
SELECT call, r.* FROM unnest(ARRAY['7', '[]', '[7]', '[{"line_no": 1}]', '[{"line_no": 1, "quantity": "2"}]', '[{"line_no": 1, "quantity": 0}]', '[{"line_no": 1.5, "quantity": 1}]', '[{"line_no": 9, "quantity": 1}]', '[{"line_no": 2, "quantity": 1}]',
	'[{"line_no": 1, "quantity": 1, "disposition": "burn"}]', '[{"line_no": 1, "quantity": 1, "disposition": 1}]', '[{"line_no": 1, "quantity": 1, "state": "new"}]', '[{"line_no": 1, "quantity": 8}]']::jsonb[]) AS call,
	pg_temp.refused(format('SELECT * FROM usom.inspect_return(%L, %L)', :'r', call)) r;
SELECT * FROM pg_temp.refused('SELECT * FROM usom.inspect_return(''RT-NONE'')');

-- Two are as new, one is repaired, one is broken, one goes to who made it, and one was never ours: it goes back to the customer.
SELECT status, order_status FROM usom.inspect_return(:'r', '[{"line_no": 1, "quantity": 2, "condition": "as new"}, {"line_no": 1, "quantity": 1, "disposition": "refurbish", "condition": "switch"}, {"line_no": 1, "quantity": 1, "disposition": "scrap", "condition": "broken"}, {"line_no": 1, "quantity": 1, "disposition": "to_vendor"}, {"line_no": 1, "quantity": 1, "disposition": "reject", "condition": "not ours"}]', 'bench 2');
SELECT return_piece_no, quantity, disposition, lot, piece_no IS NOT NULL AS taken_back, condition FROM usom.return_pieces WHERE return_no = :'r' ORDER BY 1;
SELECT quantity, quantity_received, quantity_accepted, quantity_rejected FROM usom.returns WHERE return_no = :'r';
SELECT quantity, quantity_delivered, quantity_returned FROM usom.order_lines WHERE order_no = :'o' AND line_no = 1;
SELECT * FROM pg_temp.ledger;
SELECT * FROM pg_temp.shelf('RI-%');
-- Five were taken back, and are paid back.
SELECT * FROM pg_temp.refunds;
SELECT * FROM usom.verify();

-- The last one waits still; a list of none is all that waits, as the rule says.
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.inspect_return(%L, %L)', :'r', '[{"line_no": 1, "quantity": 2, "disposition": "reject"}]'));
SELECT status, order_status FROM usom.inspect_return(:'r');
SELECT pg_temp.image(:'o') AS before, pg_temp.row_counts() AS rows \gset
SELECT status, order_status FROM usom.inspect_return(:'r');
SELECT pg_temp.image(:'o') = :'before' AS unchanged, pg_temp.row_counts() = :'rows' AS nothing_written;
-- What is refurbished is decided again; it is not rejected, it was paid back.
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.inspect_return(%L, %L)', :'r', '[{"line_no": 1, "quantity": 1, "disposition": "reject"}]'));
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.inspect_return(%L, %L)', :'r', '[{"line_no": 1, "quantity": 1, "disposition": "refurbish"}]'));
SELECT status, order_status FROM usom.inspect_return(:'r', '[{"line_no": 1, "quantity": 1, "disposition": "restock", "condition": "repaired"}]');
SELECT * FROM pg_temp.ledger;
-- The eighth never comes: when it is given up, the return is inspected.
SELECT status, order_status FROM usom.cancel_return(:'r', 'lost');
SELECT count(*) AS refunds, sum(amount) AS refunded FROM pg_temp.refunds;
SELECT e.kind FROM usom.events e WHERE e.order_no = :'o' AND e.kind LIKE 'return%' ORDER BY e.event_no;

-- What is not inspected, and scrapped by a rule, is paid back and never on hand.
SELECT usom.authorize_return(:'o', '[{"line_no": 2, "quantity": 2}]', 'broken') AS r \gset
SELECT status, order_status FROM usom.receive_return(:'r');
SELECT return_piece_no, quantity, disposition FROM usom.return_pieces WHERE return_no = :'r';
SELECT * FROM pg_temp.shelf('RI-MUG%');
-- Returned to a shop: on hand there, where there was none before.
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 1}, {"line_no": 2, "quantity": 1}, {"line_no": 3, "quantity": 1}]', 'at the till') AS r \gset
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.receive_return(%L, NULL, %L)', :'r', 'RI-NONE'));
SELECT status, order_status FROM usom.receive_return(:'r', location => 'RI-SHOP');
SELECT status, order_status FROM usom.inspect_return(:'r');
SELECT line_no, quantity, disposition, location, lot FROM usom.return_pieces WHERE return_no = :'r' ORDER BY 1;
SELECT * FROM pg_temp.ledger WHERE kind IN ('return', 'transfer');
SELECT * FROM pg_temp.shelf('RI-%');

-- Goods that nobody announced wait for inspection, whatever the rules say, and somebody is told.
SELECT return_no AS r, status, order_status FROM usom.receive_blind_return(:'o', '[{"line_no": 2, "quantity": 1}]', 'in a box', 'RI-SHOP') \gset
SELECT :'status' AS status, :'order_status' AS order_status;
SELECT kind, open FROM usom.exceptions WHERE order_no = :'o';
SELECT is_blind, inspects, status FROM usom.returns WHERE return_no = :'r';
SELECT status, order_status FROM usom.inspect_return(:'r', '[{"line_no": 2, "quantity": 1, "disposition": "reject"}]');
SELECT kind, open FROM usom.exceptions WHERE order_no = :'o';
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.receive_blind_return(%L, %L)', :'o', '[{"line_no": 2, "quantity": 4}]'));
SELECT status, quantity, quantity_delivered, quantity_returned FROM usom.order_lines WHERE order_no = :'o' ORDER BY line_no;
SELECT sum(amount) AS refunded FROM pg_temp.refunds;
SELECT * FROM usom.verify();
