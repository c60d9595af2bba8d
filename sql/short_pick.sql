-- Units that are not there: by number, where they have some; and told by the outside system of a warehouse.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
\set ON_ERROR_ROLLBACK on
SET LOCAL client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('short_pick');
SET LOCAL usom.org = 'short_pick';
UPDATE usom.document_counter SET gap_free = true;
INSERT INTO usom.location (code, wms, priority) VALUES ('WMS', 'wms-1', 1), ('SIDE', NULL, 2);
INSERT INTO usom.product (sku, tracking) VALUES ('CUP', 'none'), ('PHONE', 'serial'), ('MILK', 'lot');
CREATE FUNCTION pg_temp.place(sku text, quantity numeric) RETURNS text LANGUAGE sql AS $$
	SELECT p.order_no || ' ' || (usom.release_order(p.order_no)).status
	FROM usom.place_order(jsonb_build_object('lines', jsonb_build_array(jsonb_build_object('sku', sku, 'quantity', quantity, 'unit_price', 2)))) p
$$;
CREATE VIEW pg_temp.pieces AS SELECT order_no, line_no, sku, location, lot, status, sum(quantity) AS units FROM usom.order_pieces
	GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, location, lot, status;
CREATE VIEW pg_temp.shelves AS SELECT sku, location, on_hand, reserved FROM usom.stock_position WHERE on_hand > 0 ORDER BY sku, location;
CREATE VIEW pg_temp.cases AS SELECT kind, order_no, line_no, reference, message FROM usom.exceptions WHERE open ORDER BY order_no, kind, line_no, reference;

-- ---- the outside system misses units: the shelf is corrected, the rest is served from elsewhere ----
SELECT usom.receive_stock('WMS', 'CUP', 12), usom.receive_stock('SIDE', 'CUP', 5);
SELECT pg_temp.place('CUP', 10);
SELECT * FROM usom.record_fulfillment('FU-000001', 'a', 'picked', '[{"line_no": 1, "quantity": 6}]');
SELECT * FROM usom.record_fulfillment('FU-000001', 'b', 'short', '[{"line_no": 1, "quantity": 3}]', reason => 'bin empty');
SELECT * FROM pg_temp.pieces;
SELECT * FROM pg_temp.shelves;
SELECT * FROM pg_temp.cases;
SELECT m.kind, trim_scale(m.delta) AS delta, m.reason FROM usom.stock_movement m JOIN usom.product p USING (org_id, product_id) WHERE m.org_id = usom.current_org() AND m.kind = 'adjustment' AND p.sku = 'CUP' ORDER BY m.stock_movement_id;
-- repeated: as before
SELECT * FROM usom.record_fulfillment('FU-000001', 'b', 'short', '[{"line_no": 1, "quantity": 3}]', reason => 'bin empty');
-- what was called picked is missing after all
SELECT * FROM usom.record_fulfillment('FU-000001', 'c', 'short', '[{"line_no": 1, "quantity": 2}]');
SELECT * FROM pg_temp.pieces;
-- the rest leaves
SELECT * FROM usom.record_fulfillment('FU-000001', 'd', 'shipped');
SELECT fulfillment_no, status, units_at_work FROM usom.fulfillments;
SELECT * FROM pg_temp.pieces;
-- nothing of it is to be picked any more: somebody counts
SELECT * FROM usom.record_fulfillment('FU-000001', 'e', 'short', '[{"line_no": 1, "quantity": 1}]');
SELECT * FROM pg_temp.cases;
SELECT * FROM usom.verify();

-- ---- in any order the end is the same: picked 6, short 3 ----
SELECT usom.receive_stock('WMS', 'CUP', 20) IS NOT NULL AS received;
SELECT pg_temp.place('CUP', 10), pg_temp.place('CUP', 10);
SELECT * FROM usom.record_fulfillment('FU-000002', 'a', 'picked', '[{"line_no": 1, "quantity": 6}]');
SELECT * FROM usom.record_fulfillment('FU-000002', 'b', 'short', '[{"line_no": 1, "quantity": 3}]');
SELECT * FROM usom.record_fulfillment('FU-000003', 'b', 'short', '[{"line_no": 1, "quantity": 3}]');
SELECT * FROM usom.record_fulfillment('FU-000003', 'a', 'picked', '[{"line_no": 1, "quantity": 6}]');
SELECT order_no, location, status, units FROM pg_temp.pieces WHERE order_no > 'SO-000001';
SELECT fulfillment_no, status, units_at_work FROM usom.fulfillments WHERE fulfillment_no > 'FU-000001' ORDER BY 1;
SELECT * FROM pg_temp.shelves;

-- ---- the lot that is missing is the one that is taken off ----
SELECT usom.receive_stock('WMS', 'MILK', 2, lot => 'L1'), usom.receive_stock('WMS', 'MILK', 4, lot => 'L2');
SELECT pg_temp.place('MILK', 5);
SELECT * FROM usom.record_fulfillment('FU-000004', 'a', 'short', '[{"line_no": 1, "quantity": 1, "lot": "L1"}]', reason => 'broken');
SELECT location, lot, status, units FROM pg_temp.pieces WHERE sku = 'MILK';
SELECT location, lot, on_hand, reserved FROM usom.lots WHERE sku = 'MILK' ORDER BY lot;

-- ---- numbers: the missing ones are told, or nothing else is there ----
SELECT count(*) FROM usom.receive_serials('WMS', 'PHONE', '{P1,P2,P3,P4}');
SELECT pg_temp.place('PHONE', 2);
SELECT * FROM usom.report_short('SO-000005', 1, 1, 'gone', shelf_empty => false);
SELECT * FROM usom.report_short('SO-000005', 1, 1, 'gone', shelf_empty => false, serials => '{P9}');
SELECT * FROM usom.report_short('SO-000005', 1, 1, 'gone', shelf_empty => false, serials => '{P1,P2}');
SELECT * FROM usom.report_short('SO-000005', 1, 1, 'gone', shelf_empty => false, serials => '{P2}');
SELECT serial, status FROM usom.serials WHERE sku = 'PHONE' ORDER BY serial;
SELECT location, status, units FROM pg_temp.pieces WHERE sku = 'PHONE';
-- told by the outside system: by number as short, without as rejected
SELECT (usom.release_order('SO-000005')).status;
SELECT fulfillment_no, status, lines FROM usom.fulfillments WHERE order_no = 'SO-000005' ORDER BY 1;
SELECT * FROM usom.record_fulfillment('FU-000006', 'a', 'short', '[{"line_no": 1, "quantity": 1, "serials": ["P3"]}]');
SELECT serial, status FROM usom.serials WHERE sku = 'PHONE' ORDER BY serial;
SELECT * FROM usom.record_fulfillment('FU-000005', 'a', 'short', '[{"line_no": 1, "quantity": 1}]');
SELECT location, status, units FROM pg_temp.pieces WHERE sku = 'PHONE';
SELECT kind, line_no, reference, message FROM pg_temp.cases WHERE order_no = 'SO-000005';
-- an empty shelf
SELECT (usom.release_order('SO-000005')).status;
SELECT * FROM usom.report_short('SO-000005', 1, 2, 'shelf empty');
SELECT serial, status FROM usom.serials WHERE sku = 'PHONE' ORDER BY serial;
SELECT * FROM pg_temp.shelves;
SELECT * FROM usom.verify();

-- ---- by a task ----
SELECT count(*) FROM usom.receive_serials('SIDE', 'PHONE', '{Q1,Q2,Q3}');
SELECT pg_temp.place('PHONE', 2);
SELECT tasks AS planned FROM usom.plan_wave('SIDE');
SELECT task FROM usom.pick_tasks WHERE sku = 'PHONE' AND status = 'open' \gset
SELECT * FROM usom.short_pick(:task, 1, 'one is broken', shelf_empty => false);
SELECT * FROM usom.short_pick(:task, 1, 'one is broken', shelf_empty => false, serials => '{Q2}');
SELECT * FROM usom.short_pick(:task, 1, 'one is broken', shelf_empty => false, serials => '{Q2}');
SELECT serial, status FROM usom.serials WHERE serial LIKE 'Q%' ORDER BY serial;
SELECT location, status, units FROM pg_temp.pieces WHERE order_no = 'SO-000006';
SELECT * FROM usom.verify();

-- ---- what is shipped by hand where an outside system works is told to it; what is made void is handed over again ----
SELECT usom.receive_stock('WMS', 'CUP', 10) IS NOT NULL AS received;
SELECT pg_temp.place('CUP', 6);
SELECT location, status, units FROM pg_temp.pieces WHERE order_no = 'SO-000007';
SELECT usom.ship('SO-000007', '[{"line_no": 1, "quantity": 2}]') AS shipment \gset
SELECT fulfillment_no, status, units_at_work FROM usom.fulfillments WHERE order_no = 'SO-000007' ORDER BY 1;
SELECT kind, payload FROM usom.events WHERE order_no = 'SO-000007' AND kind LIKE 'fulfillment%' ORDER BY event_no;
SELECT status FROM usom.void_shipment(:'shipment', 'wrong label');
SELECT fulfillment_no, status, lines FROM usom.fulfillments WHERE order_no = 'SO-000007' ORDER BY 1;
SELECT usom.ship('SO-000007') IS NOT NULL AS shipped;
SELECT fulfillment_no, status, units_at_work FROM usom.fulfillments WHERE order_no = 'SO-000007' ORDER BY 1;
-- its own message comes too late, and somebody looks whether it left twice
SELECT outcome FROM usom.record_fulfillment((SELECT min(fulfillment_no) FROM usom.fulfillments WHERE order_no = 'SO-000007'), 'late', 'shipped', '[{"line_no": 1, "quantity": 6}]');
SELECT kind, message FROM pg_temp.cases WHERE order_no = 'SO-000007';
SELECT * FROM usom.verify();
ROLLBACK;
