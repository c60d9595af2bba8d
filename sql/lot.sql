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

SELECT * FROM usom.verify();
RESET usom.org;
