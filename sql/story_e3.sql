-- E3: what is given back is tied to the piece: cancelled, void and returned units come back once, where they
-- were taken from.  E16: what is left of a pick list that went in part is freed, what went is not touched.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
\set ON_ERROR_ROLLBACK on
SET LOCAL client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('e3');
SET LOCAL usom.org = 'e3';
UPDATE usom.document_counter SET gap_free = true;
INSERT INTO usom.location (code, priority) VALUES ('A', 1), ('B', 2);
INSERT INTO usom.product (sku) VALUES ('CUP');
SELECT usom.receive_stock('A', 'CUP', 10), usom.receive_stock('B', 'CUP', 10);
CREATE FUNCTION pg_temp.is(order_no text) RETURNS text LANGUAGE sql AS $$
	SELECT o.status || ': ' || string_agg(format('%s %s', trim_scale(p.units), p.status), ', ' ORDER BY p.status::usom.piece_status)
	FROM usom.orders o, LATERAL (SELECT status, sum(quantity) AS units FROM usom.order_pieces x WHERE x.order_no = o.order_no GROUP BY 1) p
	WHERE o.order_no = "is".order_no GROUP BY o.status
$$;
CREATE VIEW pg_temp.shelf AS SELECT location, on_hand, reserved, available FROM usom.stock_position ORDER BY location;

-- Ten at A, which the shop then serves no more; four leave.
SELECT order_no, quantity_reserved FROM usom.place_order('{"lines": [{"sku": "CUP", "quantity": 10, "location": "A"}]}');
UPDATE usom.location SET priority = CASE code WHEN 'A' THEN 9 ELSE 1 END, active = code <> 'A' WHERE org_id = usom.current_org();
SELECT status FROM usom.release_order('SO-000001');
SELECT usom.ship('SO-000001', '[{"line_no": 1, "quantity": 4}]');
SELECT pg_temp.is('SO-000001');
-- Six are cancelled, four times: all six at A, once.
SELECT * FROM usom.cancel_line('SO-000001', 1, 6, 'less');
SELECT * FROM usom.cancel_line('SO-000001', 1, 6, 'less');
SELECT * FROM usom.cancel_line('SO-000001', 1, 6, 'less');
SELECT * FROM usom.cancel_line('SO-000001', 1, 6, 'less');
SELECT pg_temp.is('SO-000001');
SELECT * FROM pg_temp.shelf;
SELECT count(*) FROM usom.timeline WHERE order_no = 'SO-000001' AND event = 'cancel_line';
-- The shipment that no carrier took is void, twice: four are released again, once.
SELECT status FROM usom.void_shipment('SH-000001', 'no carrier came');
SELECT status FROM usom.void_shipment('SH-000001', 'no carrier came');
SELECT pg_temp.is('SO-000001');
SELECT * FROM pg_temp.shelf;
-- Nothing is out, so nothing comes back.
SELECT usom.authorize_return('SO-000001', '[{"line_no": 1, "quantity": 2}]', 'too many');
-- They leave after all, and two come back.
SELECT usom.ship('SO-000001');
SELECT usom.authorize_return('SO-000001', '[{"line_no": 1, "quantity": 2}]', 'too many') AS return_no \gset
SELECT count(*) FROM usom.receive_return(:'return_no', '[{"line_no": 1, "quantity": 2}]');
SELECT pg_temp.is('SO-000001');
SELECT * FROM pg_temp.shelf;
SELECT kind, delta FROM usom.stock_movement WHERE org_id = usom.current_org() AND location_id = usom.location_id('A') ORDER BY stock_movement_id;
SELECT * FROM usom.verify();

-- E16: ten picked in part; six go, the rest is freed, whatever state it is in.
INSERT INTO usom.cut_off (code, stage) VALUES ('picked', 'picked');
SELECT order_no, quantity_reserved FROM usom.place_order('{"lines": [{"sku": "CUP", "quantity": 10}]}');
UPDATE usom.location SET wms = 'wms-1' WHERE code = 'B' AND org_id = usom.current_org();
SELECT status FROM usom.release_order('SO-000002');
SELECT outcome FROM usom.record_fulfillment('FU-000001', '1', 'picked', '[{"line_no": 1, "quantity": 8}]');
SELECT outcome FROM usom.record_fulfillment('FU-000001', '2', 'shipped', '[{"line_no": 1, "quantity": 6}]');
SELECT pg_temp.is('SO-000002');
SELECT status FROM usom.deliver('SH-000003');
SELECT status FROM usom.cancel_line('SO-000002', 1, NULL, 'the rest will not be picked');
SELECT pg_temp.is('SO-000002');
SELECT * FROM pg_temp.shelf WHERE location = 'B';
SELECT * FROM usom.verify();
ROLLBACK;
