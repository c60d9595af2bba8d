-- E12: fewer units are on the shelf than orders keep: the least firm wait again, the desk is told; above that a count is a count.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
CREATE FUNCTION pg_temp.no(ref text) RETURNS text LANGUAGE sql AS $$SELECT order_no FROM usom.orders WHERE external_id = $1$$;
CREATE FUNCTION pg_temp.pieces() RETURNS TABLE (ref text, status text, quantity numeric, location text, later boolean, supply_no text) LANGUAGE sql AS $$
	SELECT o.external_id, p.status, p.quantity, p.location, p.promised_at > '2029-01-01', p.supply_no FROM usom.order_pieces p JOIN usom.orders o USING (order_no)
	WHERE p.sku = 'SHO-1' AND p.status <> 'cancelled' ORDER BY 1, 2 DESC, 3
$$;
\set ECHO all
INSERT INTO usom.location (code) VALUES ('SHO-A'), ('SHO-B');
INSERT INTO usom.product (sku) VALUES ('SHO-1');
SELECT on_hand FROM usom.receive_stock('SHO-A', 'SHO-1', 14);
SELECT ordinal, outcome FROM usom.place_orders('[
	{"external_id": "SHO-FIRM", "order_type": "indent", "priority": 9, "lines": [{"sku": "SHO-1", "quantity": 3}]},
	{"external_id": "SHO-URGENT", "priority": 1, "placed_at": "2026-01-03", "lines": [{"sku": "SHO-1", "quantity": 3}]},
	{"external_id": "SHO-FIRST", "placed_at": "2026-01-01", "lines": [{"sku": "SHO-1", "quantity": 3}]},
	{"external_id": "SHO-LAST", "placed_at": "2026-01-02", "lines": [{"sku": "SHO-1", "quantity": 3}]}]');

-- Above what is reserved: the difference is booked, nothing else.
SELECT * FROM usom.count_stock('SHO-A', 'SHO-1', 13);
-- Four short: the order placed last loses all, the one before it one unit.
SELECT * FROM usom.count_stock('SHO-A', 'SHO-1', 8);
SELECT * FROM pg_temp.pieces();
SELECT o.external_id, x.kind, x.reference, x.detail->'missing' AS missing, x.due_at IS NOT NULL AS due FROM usom.exceptions x JOIN usom.orders o USING (order_no) WHERE x.open AND o.external_id LIKE 'SHO-%' ORDER BY 1, 2;
SELECT o.external_id, e.kind, e.payload->'quantity' AS quantity FROM usom.events e JOIN usom.orders o USING (order_no) WHERE o.external_id LIKE 'SHO-%' ORDER BY 1, e.event_no;
SELECT h.event, h.from_status, h.to_status FROM usom.order_history h JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.external_id = 'SHO-LAST' ORDER BY h.version;
-- The cancel that comes later works; what it frees goes to who waits.
SELECT status FROM usom.cancel_order(pg_temp.no('SHO-LAST'), 'no longer');
SELECT status FROM usom.cancel_order(pg_temp.no('SHO-URGENT'), 'no longer');
SELECT quantity FROM usom.fill_backorders('SHO-1');
SELECT count(*) AS open_cases FROM usom.exceptions x WHERE x.open AND x.order_no = pg_temp.no('SHO-FIRST');

-- What was lost is served from elsewhere, or counts on supply; the firm order loses last, though the other one is released.
SELECT on_hand FROM usom.receive_stock('SHO-B', 'SHO-1', 1);
SELECT usom.add_supply('purchase', 'SHO-A', 'SHO-1', 9, '2030-02-01', supply_no => 'SHO-PO');
SELECT status FROM usom.release_order(pg_temp.no('SHO-FIRST'));
SELECT * FROM usom.count_stock('SHO-A', 'SHO-1', 4);
SELECT * FROM pg_temp.pieces();
SELECT * FROM usom.count_stock('SHO-A', 'SHO-1', 2);
SELECT * FROM pg_temp.pieces();
SELECT external_id, status FROM usom.orders WHERE external_id IN ('SHO-FIRM', 'SHO-FIRST') ORDER BY 1;
SELECT o.external_id, x.kind, x.reference FROM usom.exceptions x JOIN usom.orders o USING (order_no) WHERE x.open AND o.external_id LIKE 'SHO-%' ORDER BY 1, 2;
-- Supply comes: all is as it was.
SELECT filled FROM usom.receive_supply('SHO-PO');
SELECT * FROM pg_temp.pieces();
SELECT count(*) AS open_cases FROM usom.exceptions x JOIN usom.orders o USING (order_no) WHERE x.open AND o.external_id LIKE 'SHO-%';

-- To correct by so many units stays within what is free; nothing can be missing of what was shipped.
SELECT pg_temp.refused($$SELECT usom.adjust_stock('SHO-A', 'SHO-1', -9, 'broken')$$);
SELECT kind, delta FROM usom.stock_movement WHERE product_id = usom.product_id('SHO-1') AND location_id = usom.location_id('SHO-A') ORDER BY stock_movement_id;
SELECT * FROM usom.verify();
