-- Lots: named where the product wants it, first expired first out, none that
-- has expired or is blocked.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code) VALUES ('lots');
SET usom.org = 'lots';
INSERT INTO usom.location (code, priority) VALUES ('LOT-A', 1), ('LOT-B', 2);
INSERT INTO usom.product (sku, tracking) VALUES ('LOT-MILK', 'lot'), ('LOT-ICE', 'none'), ('LOT-FEE', 'none');
UPDATE usom.product SET tracking = 'lot' WHERE sku = 'LOT-FEE';
CREATE FUNCTION pg_temp.ask(sku text, quantity numeric, id text) RETURNS text LANGUAGE sql AS $$
	SELECT p.order_no FROM usom.place_order(jsonb_build_object('external_id', id, 'lines', jsonb_build_array(jsonb_build_object('sku', sku, 'quantity', quantity, 'unit_price', 1)))) p
$$;
CREATE VIEW pg_temp.pieces AS
SELECT o.external_id AS asked, p.piece_no, l.code AS location, p.lot, trim_scale(p.quantity) AS quantity, p.status::text
FROM usom.fulfillment_line p JOIN usom.sales_order o USING (org_id, sales_order_id) LEFT JOIN usom.location l USING (org_id, location_id)
WHERE p.org_id = usom.current_org();

-- Units of a product that is tracked by lot come with one, whatever brings or takes them.
SELECT * FROM usom.receive_stock('LOT-A', 'LOT-MILK', 5);
SELECT usom.receive_stocks('[{"location": "LOT-A", "sku": "LOT-MILK", "quantity": 5, "lot": ""}]');
SELECT * FROM usom.adjust_stock('LOT-A', 'LOT-MILK', 5, 'found');
SELECT * FROM usom.count_stock('LOT-A', 'LOT-MILK', 5);
SELECT * FROM usom.receive_serials('LOT-A', 'LOT-MILK', ARRAY['1']);

-- What is known of a lot is told before or after its first receipt.
INSERT INTO usom.lot (sku, lot, expires_at, supplier) VALUES ('LOT-MILK', 'M-NEW', '2099-03-01', 'Dairy'), ('LOT-MILK', 'M-OLD', '2099-01-01', 'Dairy');
SELECT * FROM usom.receive_stock('LOT-A', 'LOT-MILK', 10, 'M-EVER');
SELECT usom.receive_stocks('[{"location": "LOT-A", "sku": "LOT-MILK", "quantity": 10, "lot": "M-NEW"}, {"location": "LOT-A", "sku": "LOT-MILK", "quantity": 10, "lot": "M-OLD"}, {"location": "LOT-B", "sku": "LOT-MILK", "quantity": 10, "lot": "M-OLD"}]');
SELECT * FROM usom.lots ORDER BY sku, location, expires_at NULLS LAST;
INSERT INTO usom.lot (sku, lot) VALUES ('LOT-NONE', 'X');
SELECT * FROM pg_temp.refused($$INSERT INTO usom.lot (sku, lot) VALUES ('LOT-MILK', 'M-OLD')$$);
UPDATE usom.lot SET sku = 'LOT-ICE' WHERE lot = 'M-OLD';
UPDATE usom.lot SET lot = 'M-OTHER' WHERE lot = 'M-OLD';
DELETE FROM usom.lot WHERE lot = 'M-OLD';
UPDATE usom.product SET tracking = 'serial' WHERE sku = 'LOT-MILK';

-- First expired first out; lots without an end go last.
SELECT pg_temp.ask('LOT-MILK', 13, 'lot-1') AS one \gset
SELECT * FROM pg_temp.pieces ORDER BY asked, piece_no;
SELECT pg_temp.ask('LOT-MILK', 20, 'lot-2') AS two \gset
SELECT * FROM pg_temp.pieces WHERE asked = 'lot-2' ORDER BY asked, piece_no;
SELECT usom.cancel_order(:'two', 'never mind') \g /dev/null

-- A soft reservation takes the lot that expires first, too.
SELECT usom.reserve_stock('cart', 'LOT-B', 'LOT-MILK', 4, '1 hour') AS cart \gset
SELECT lot, quantity::real FROM usom.reservation WHERE reservation_id = :cart;
SELECT usom.release_stock(:cart);

-- What has expired or is blocked is not promised; other lots are.
SELECT usom.available('LOT-MILK'), usom.available('LOT-MILK', 'LOT-A'), (SELECT sum(available) FROM usom.stock_position WHERE sku = 'LOT-MILK') AS shown;
UPDATE usom.lot SET expires_at = '2020-01-01' WHERE lot = 'M-NEW';
UPDATE usom.lot SET blocked = 'glass in it' WHERE lot = 'M-OLD';
SELECT usom.available('LOT-MILK'), usom.available('LOT-MILK', 'LOT-A'), (SELECT sum(available) FROM usom.stock_position WHERE sku = 'LOT-MILK') AS shown;
SELECT location, lot, on_hand, reserved, blocked, usable FROM usom.lots WHERE sku = 'LOT-MILK' ORDER BY location, lot;
SELECT pg_temp.ask('LOT-MILK', 12, 'lot-3') AS three \gset
SELECT * FROM pg_temp.pieces WHERE asked = 'lot-3' ORDER BY asked, piece_no;
SELECT usom.reserve_stock('cart', 'LOT-B', 'LOT-MILK', 1, '1 hour');

-- What was reserved before does not leave.
SELECT status FROM usom.release_order(:'one');
SELECT usom.ship(:'one');
UPDATE usom.lot SET blocked = NULL WHERE lot = 'M-OLD';
SELECT usom.ship(:'one', '[{"line_no": 1, "quantity": 10}]') IS NOT NULL AS shipped;
SELECT usom.ship(:'one');
UPDATE usom.lot SET expires_at = '2099-03-01' WHERE lot = 'M-NEW';
SELECT usom.ship(:'one') IS NOT NULL AS shipped;
SELECT status, quantity_shipped FROM usom.order_lines WHERE order_no = :'one';

-- Products that are not tracked may have lots, and need not.
SELECT on_hand FROM usom.receive_stock('LOT-A', 'LOT-ICE', 1);
SELECT on_hand FROM usom.receive_stock('LOT-A', 'LOT-ICE', 1, 'I');
SELECT lot, sku, expires_at FROM usom.lot WHERE sku = 'LOT-ICE';

-- E13: two orders keep units of one lot, and each ships its share.
SELECT on_hand FROM usom.receive_stock('LOT-B', 'LOT-FEE', 10, 'F-1');
SELECT pg_temp.ask('LOT-FEE', 4, 'fee-1') AS one, pg_temp.ask('LOT-FEE', 6, 'fee-2') AS two \gset
SELECT count(*) FROM usom.release_order(:'one') UNION ALL SELECT count(*) FROM usom.release_order(:'two');
SELECT usom.ship(:'one') IS NOT NULL AS shipped;
SELECT on_hand, reserved FROM usom.lots WHERE lot = 'F-1';
SELECT usom.ship(:'two') IS NOT NULL AS shipped;
SELECT on_hand, reserved FROM usom.lots WHERE lot = 'F-1';

-- E15: what an order keeps is its own, though nothing is available.
SELECT on_hand FROM usom.receive_stock('LOT-B', 'LOT-FEE', 4, 'F-2');
SELECT pg_temp.ask('LOT-FEE', 4, 'fee-3') AS three, pg_temp.ask('LOT-FEE', 4, 'fee-4') AS four \gset
SELECT usom.available('LOT-FEE');
SELECT count(*) FROM usom.release_order(:'three');
SELECT * FROM pg_temp.refused(format($$SELECT usom.release_order(%L)$$, :'four'));
SELECT * FROM pg_temp.refused(format($$SELECT usom.ship(%L)$$, :'four'));
SELECT usom.ship(:'three') IS NOT NULL AS shipped;
SELECT * FROM pg_temp.pieces WHERE asked LIKE 'fee-%' ORDER BY asked, piece_no;

-- A lot is recalled: where it is, and what orders keep of it is taken off.
SELECT on_hand FROM usom.receive_stock('LOT-B', 'LOT-FEE', 9, 'F-2') UNION ALL SELECT on_hand FROM usom.receive_stock('LOT-A', 'LOT-FEE', 5, 'F-9');
SELECT count(*) FROM usom.fill_backorders('LOT-FEE');
INSERT INTO usom.customer (code) VALUES ('LOT-CUST');
SELECT order_no AS five FROM usom.place_order('{"external_id": "fee-5", "customer": "LOT-CUST", "lines": [{"sku": "LOT-FEE", "quantity": 5, "unit_price": 1, "location": "LOT-B"}]}') \gset
SELECT count(*) FROM usom.release_order(:'five');
SELECT usom.ship(:'five', '[{"line_no": 1, "quantity": 2}]') IS NOT NULL AS shipped;
SELECT place, location, o.external_id AS asked, r.customer, r.status, r.quantity, r.shipment_no IS NOT NULL AS left FROM usom.recall('F-2', 'LOT-FEE') r LEFT JOIN usom.orders o USING (order_no) ORDER BY 1, 3, 5;
SELECT count(*) FROM usom.recall('F-2');
SELECT * FROM usom.recall('F-2', 'LOT-MILK');
SELECT * FROM usom.block_lot('LOT-FEE', 'F-2', 'glass in it');
SELECT place, location, o.external_id AS asked, r.status, r.quantity FROM usom.recall('F-2', 'LOT-FEE') r LEFT JOIN usom.orders o USING (order_no) ORDER BY 1, 3, 4;
SELECT * FROM pg_temp.pieces WHERE asked IN ('fee-4', 'fee-5') ORDER BY asked, piece_no;
SELECT o.external_id AS asked, e.kind, e.payload->>'line_no' AS line_no FROM usom.events e JOIN usom.orders o USING (order_no) WHERE o.external_id IN ('fee-4', 'fee-5') AND e.kind IN ('filled', 'backordered', 'promise_changed') ORDER BY e.event_no, 1;
SELECT * FROM usom.block_lot('LOT-FEE', 'F-2', 'glass in it');
SELECT * FROM usom.block_lot('LOT-FEE', 'F-3', 'glass in it');
SELECT * FROM usom.block_lot('LOT-FEE', 'F-9', NULL);

SELECT * FROM usom.verify();
RESET usom.org;
