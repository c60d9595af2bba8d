-- E12: a receipt is reversed: its units leave the shelf, whoever keeps them, and are expected again; never more than was received.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
CREATE FUNCTION pg_temp.no(ref text) RETURNS text LANGUAGE sql AS $$SELECT order_no FROM usom.orders WHERE external_id = $1$$;
CREATE FUNCTION pg_temp.parts(sku text) RETURNS TABLE (ref text, status text, quantity numeric, location text, lot text, supply_no text) LANGUAGE sql AS $$
	SELECT o.external_id, p.status, p.quantity, p.location, nullif(f.lot, ''), p.supply_no FROM usom.order_pieces p JOIN usom.orders o USING (order_no)
	JOIN usom.sales_order s USING (order_no) JOIN usom.fulfillment_line f USING (org_id, sales_order_id, line_no, piece_no)
	WHERE p.sku = $1 AND p.status <> 'cancelled' ORDER BY 1, 2 DESC, 3, 4
$$;
CREATE FUNCTION pg_temp.supply(no text) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s: %s of %s received, %s pegged', s.status, trim_scale(s.received), trim_scale(s.quantity), trim_scale(s.pegged)) FROM usom.supplies s WHERE s.supply_no = $1
$$;
CREATE FUNCTION pg_temp.on_hand(wanted text) RETURNS TABLE (location text, on_hand numeric, reserved numeric) LANGUAGE sql AS $$
	SELECT location, trim_scale(sum(on_hand)), trim_scale(sum(reserved)) FROM usom.stock_position WHERE sku = $1 GROUP BY 1 ORDER BY 1
$$;
\set ECHO all
INSERT INTO usom.location (code) VALUES ('REV-A'), ('REV-B');
INSERT INTO usom.product (sku) VALUES ('REV-1'), ('REV-2'), ('REV-3'), ('REV-4'), ('REV-5');

-- Twelve come and are counted as fourteen; nobody has the two.
SELECT usom.add_supply('purchase', 'REV-A', 'REV-1', 14, '2030-02-01', supply_no => 'REV-PO');
SELECT ordinal, outcome FROM usom.place_orders('[
	{"external_id": "REV-FIRM", "order_type": "indent", "priority": 9, "lines": [{"sku": "REV-1", "quantity": 3}]},
	{"external_id": "REV-URGENT", "priority": 1, "placed_at": "2026-01-03", "lines": [{"sku": "REV-1", "quantity": 3}]},
	{"external_id": "REV-FIRST", "placed_at": "2026-01-01", "lines": [{"sku": "REV-1", "quantity": 3}]},
	{"external_id": "REV-LAST", "placed_at": "2026-01-02", "requested_at": "2029-01-01", "lines": [{"sku": "REV-1", "quantity": 3}]}]');
SELECT status, received, filled FROM usom.receive_supply('REV-PO');
SELECT status, quantity, received, pegged, filled FROM usom.reverse_receipt('REV-PO', 2, 'counted twice');
SELECT * FROM pg_temp.on_hand('REV-1');
SELECT m.kind, trim_scale(m.delta) AS delta, m.reason FROM usom.stock_movement m WHERE m.reference = 'REV-PO' ORDER BY m.stock_movement_id;

-- Four more were somebody else's. The order placed last loses all, the one before it one unit; both count on the supply again.
SELECT status, quantity, received, pegged, filled FROM usom.reverse_receipt('REV-PO', 4, 'of another buyer');
SELECT * FROM pg_temp.parts('REV-1');
SELECT o.external_id, e.kind, e.payload->'quantity' AS quantity FROM usom.events e JOIN usom.orders o USING (order_no) WHERE o.external_id LIKE 'REV-%' AND e.kind <> 'filled' ORDER BY 1, e.event_no;
SELECT o.external_id, x.kind, x.reference FROM usom.exceptions x JOIN usom.orders o USING (order_no) WHERE x.open AND o.external_id LIKE 'REV-%' ORDER BY 1, 2;
SELECT h.event, h.reason FROM usom.order_history h JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.external_id = 'REV-LAST' ORDER BY h.version DESC LIMIT 1;

-- More than was received, or than is on the shelf, is refused, and changes nothing.
SELECT status FROM usom.release_order(pg_temp.no('REV-URGENT'));
SELECT count(*) AS shipments FROM usom.ship(pg_temp.no('REV-URGENT'));
SELECT * FROM usom.reverse_receipt('REV-PO', 9);
SELECT * FROM usom.reverse_receipt('REV-PO', 6);
SELECT * FROM usom.reverse_receipt('REV-PO', 0);
SELECT * FROM usom.reverse_receipt('REV-NONE', 1);
SELECT pg_temp.supply('REV-PO');
-- All that is left: the firm order loses, too.
SELECT status, received, pegged, filled FROM usom.reverse_receipt('REV-PO', 5, 'all of it');
SELECT * FROM usom.reverse_receipt('REV-PO');
-- It comes again, and everybody has theirs.
SELECT status, received, filled FROM usom.receive_supply('REV-PO', 14);
SELECT * FROM pg_temp.parts('REV-1');
SELECT count(*) AS open_cases FROM usom.exceptions x JOIN usom.orders o USING (order_no) WHERE x.open AND o.external_id LIKE 'REV-%';

-- Served from elsewhere: who loses units takes what is free at another location.
SELECT usom.add_supply('purchase', 'REV-A', 'REV-2', 5, '2030-02-01', supply_no => 'REV-PO2');
SELECT status FROM usom.receive_supply('REV-PO2');
SELECT quantity_reserved FROM usom.place_order('{"external_id": "REV-MOVED", "lines": [{"sku": "REV-2", "quantity": 5}]}');
SELECT on_hand FROM usom.receive_stock('REV-B', 'REV-2', 3);
SELECT status, received, pegged, filled FROM usom.reverse_receipt('REV-PO2', reason => 'never came');
SELECT * FROM pg_temp.parts('REV-2');

-- What was given up when the last units came is not expected again; nor what came too much.
SELECT usom.add_supply('purchase', 'REV-A', 'REV-3', 10, '2030-02-01', supply_no => 'REV-FEW'), usom.add_supply('purchase', 'REV-A', 'REV-3', 10, '2030-02-01', supply_no => 'REV-MANY');
SELECT status FROM usom.receive_supply('REV-FEW', 8, final => true);
SELECT status FROM usom.receive_supply('REV-MANY', 12);
SELECT status FROM usom.reverse_receipt('REV-FEW', 3);
SELECT status FROM usom.reverse_receipt('REV-MANY', 1);
SELECT status FROM usom.reverse_receipt('REV-MANY', 4);
SELECT pg_temp.supply('REV-FEW'), pg_temp.supply('REV-MANY');
-- Of a cancelled supply nothing is expected again.
SELECT status FROM usom.cancel_supply('REV-FEW');
SELECT status FROM usom.reverse_receipt('REV-FEW');
SELECT pg_temp.supply('REV-FEW');

-- Of the lot it came in, and no more than came in it.
SELECT usom.add_supply('purchase', 'REV-A', 'REV-4', 10, '2030-02-01', supply_no => 'REV-LOTS');
SELECT status FROM usom.receive_supply('REV-LOTS', 4, lot => 'L1');
SELECT status FROM usom.receive_supply('REV-LOTS', 6, lot => 'L2');
SELECT on_hand FROM usom.receive_stock('REV-A', 'REV-4', 5, lot => 'L1');
SELECT * FROM usom.reverse_receipt('REV-LOTS', 1);
SELECT * FROM usom.reverse_receipt('REV-LOTS', 5, lot => 'L1');
SELECT status, received FROM usom.reverse_receipt('REV-LOTS', 4, lot => 'L1');
SELECT * FROM usom.reverse_receipt('REV-LOTS', 1, lot => 'L1');

-- What was made to its end is in production again.
SELECT status FROM usom.place_order('{"external_id": "REV-MADE", "order_type": "make_to_order", "lines": [{"sku": "REV-5", "quantity": 2}]}');
SELECT status FROM (SELECT usom.request_make(pg_temp.no('REV-MADE'), 1, 'REV-A') AS no) m, usom.start_make(m.no, '2030-03-01');
SELECT m.status AS make, s.supply_no IS NOT NULL AS has_supply FROM usom.make_orders m LEFT JOIN usom.supplies s USING (supply_no) WHERE m.order_no = pg_temp.no('REV-MADE');
SELECT r.status FROM usom.make_orders m, usom.receive_make(m.make_no) r WHERE m.order_no = pg_temp.no('REV-MADE');
SELECT r.status, r.pegged, r.filled FROM usom.make_orders m, usom.reverse_receipt(m.supply_no, 1, 'a flaw') r WHERE m.order_no = pg_temp.no('REV-MADE');
SELECT status FROM usom.make_orders WHERE order_no = pg_temp.no('REV-MADE');
SELECT r.status FROM usom.make_orders m, usom.receive_make(m.make_no) r WHERE m.order_no = pg_temp.no('REV-MADE');

-- ---- a receipt without supply fills, where the organisation or the product says so ----
INSERT INTO usom.product (sku, fill_on_receipt) VALUES ('REV-6', NULL), ('REV-7', true), ('REV-8', false);
SELECT ordinal, outcome FROM usom.place_orders('[
	{"external_id": "REV-LATE", "priority": 5, "lines": [{"sku": "REV-6", "quantity": 2}, {"sku": "REV-7", "quantity": 2}, {"sku": "REV-8", "quantity": 2}]},
	{"external_id": "REV-SOON", "priority": 1, "lines": [{"sku": "REV-6", "quantity": 2}, {"sku": "REV-7", "quantity": 2}]}]');
SELECT sku, on_hand, available FROM usom.receive_stock('REV-A', 'REV-6', 1) UNION ALL SELECT sku, on_hand, available FROM usom.receive_stock('REV-A', 'REV-7', 3) UNION ALL SELECT sku, on_hand, available FROM usom.receive_stock('REV-A', 'REV-8', 2);
SELECT * FROM pg_temp.parts('REV-7');
UPDATE usom.organisation SET fill_on_receipt = true WHERE org_id = usom.current_org();
SELECT sku, on_hand, available FROM usom.receive_stock('REV-B', 'REV-6', 2) UNION ALL SELECT sku, on_hand, available FROM usom.receive_stock('REV-B', 'REV-8', 1) UNION ALL SELECT sku, on_hand, available FROM usom.receive_stock('REV-B', 'REV-7', 4);
SELECT * FROM pg_temp.parts('REV-6');
SELECT * FROM pg_temp.parts('REV-7');
SELECT usom.receive_stocks('[{"location": "REV-A", "sku": "REV-6", "quantity": 1}]');
SELECT available FROM usom.stock_position WHERE sku = 'REV-6' AND location = 'REV-A';
UPDATE usom.organisation SET fill_on_receipt = false WHERE org_id = usom.current_org();
SELECT * FROM usom.verify();
