-- Outside systems of warehouses answer in any order, late, and twice; after a cut-off they are asked.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
\set ON_ERROR_ROLLBACK on
SET LOCAL client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('handover');
SET LOCAL usom.org = 'handover';
UPDATE usom.document_counter SET gap_free = true;
INSERT INTO usom.location (code, wms, priority) VALUES ('MAIN', 'wms-1', 1), ('SIDE', NULL, 2);
INSERT INTO usom.product (sku) VALUES ('CUP'), ('POT');
SELECT usom.receive_stock('MAIN', 'CUP', 100), usom.receive_stock('MAIN', 'POT', 100);
CREATE FUNCTION pg_temp.pieces(order_no text) RETURNS text LANGUAGE sql AS $$
	SELECT o.status || ': ' || string_agg(format('%s %s %s', p.line_no, trim_scale(p.units), p.status), ', ' ORDER BY p.line_no, p.status::usom.piece_status)
	FROM usom.orders o, LATERAL (SELECT line_no, status, sum(quantity) AS units FROM usom.order_pieces x WHERE x.order_no = o.order_no GROUP BY 1, 2) p
	WHERE o.order_no = pieces.order_no GROUP BY o.status
$$;
CREATE FUNCTION pg_temp.place(cups numeric, pots numeric DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT (usom.release_order(p.order_no)).status || ' ' || p.order_no FROM usom.place_order(jsonb_build_object('lines', jsonb_build_array(jsonb_build_object('sku', 'CUP', 'quantity', cups, 'unit_price', 2))
		|| CASE WHEN pots IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_object('sku', 'POT', 'quantity', pots, 'unit_price', 3)) END)) p
$$;
CREATE VIEW pg_temp.handed AS SELECT fulfillment_no, order_no, status, reference, units_at_work FROM usom.fulfillments ORDER BY fulfillment_no;
CREATE VIEW pg_temp.asked AS SELECT request_no, order_no, location, action, lines, status, answer FROM usom.warehouse_requests ORDER BY request_no;

-- ---- answers in their order ----
SELECT pg_temp.place(4, 2);
SELECT * FROM usom.record_fulfillment('FU-000001', 'm1', 'accepted', reference => 'W-77');
SELECT * FROM pg_temp.handed;
SELECT * FROM usom.record_fulfillment('FU-000001', 'm2', 'picked', '[{"line_no": 1, "quantity": 3}]');
SELECT * FROM usom.record_fulfillment('FU-000001', 'm3', 'packed', '[{"line_no": 1, "quantity": 2}]');
SELECT pg_temp.pieces('SO-000001');
SELECT * FROM usom.record_fulfillment('FU-000001', 'm4', 'shipped', '[{"line_no": 1, "quantity": 2}]', carrier => 'DHL', tracking => 'T-1');
SELECT * FROM usom.record_fulfillment('FU-000001', 'm4', 'shipped', '[{"line_no": 1, "quantity": 2}]', carrier => 'DHL', tracking => 'T-1');
SELECT * FROM usom.record_fulfillment('FU-000001', 'm4', 'shipped', '[{"line_no": 1, "quantity": 3}]', carrier => 'DHL', tracking => 'T-1');
SELECT pg_temp.pieces('SO-000001');
SELECT * FROM pg_temp.handed;
-- all that is left
SELECT * FROM usom.record_fulfillment('FU-000001', 'm5', 'shipped', carrier => 'DHL');
SELECT pg_temp.pieces('SO-000001');
SELECT * FROM pg_temp.handed;
SELECT shipment_no, location, carrier, tracking, status FROM usom.shipments ORDER BY shipment_no;
-- late
SELECT * FROM usom.record_fulfillment('FU-000001', 'm6', 'picked', '[{"line_no": 2, "quantity": 2}]');
SELECT * FROM usom.record_fulfillment('FU-000001', 'm7', 'accepted');
SELECT pg_temp.pieces('SO-000001');

-- ---- the same messages in any order have the same end ----
SELECT pg_temp.place(10), pg_temp.place(10), pg_temp.place(10);
SELECT * FROM usom.record_fulfillment('FU-000002', 'a', 'picked', '[{"line_no": 1, "quantity": 6}]');
SELECT * FROM usom.record_fulfillment('FU-000002', 'b', 'packed', '[{"line_no": 1, "quantity": 4}]');
SELECT * FROM usom.record_fulfillment('FU-000002', 'c', 'shipped', '[{"line_no": 1, "quantity": 3}]');
SELECT * FROM usom.record_fulfillment('FU-000003', 'c', 'shipped', '[{"line_no": 1, "quantity": 3}]');
SELECT * FROM usom.record_fulfillment('FU-000003', 'b', 'packed', '[{"line_no": 1, "quantity": 4}]');
SELECT * FROM usom.record_fulfillment('FU-000003', 'a', 'picked', '[{"line_no": 1, "quantity": 6}]');
SELECT * FROM usom.record_fulfillment('FU-000004', 'b', 'packed', '[{"line_no": 1, "quantity": 4}]');
SELECT * FROM usom.record_fulfillment('FU-000004', 'a', 'picked', '[{"line_no": 1, "quantity": 6}]');
SELECT * FROM usom.record_fulfillment('FU-000004', 'c', 'shipped', '[{"line_no": 1, "quantity": 3}]');
SELECT pg_temp.pieces('SO-000002'), pg_temp.pieces('SO-000003'), pg_temp.pieces('SO-000004');
SELECT * FROM pg_temp.handed WHERE fulfillment_no >= 'FU-000002';

-- ---- what the warehouse will not do is reserved again, and a case ----
SELECT * FROM usom.record_fulfillment('FU-000004', 'd', 'rejected', reason => 'flooded');
SELECT pg_temp.pieces('SO-000004');
SELECT kind, order_no, line_no, reference, message FROM usom.exceptions WHERE open ORDER BY kind, order_no;

-- ---- what is cancelled meanwhile, and shipped all the same, is a case ----
SELECT * FROM usom.cancel_line('SO-000003', 1, 4, 'less will do');
SELECT kind, payload FROM usom.events WHERE order_no = 'SO-000003' AND kind = 'fulfillment_changed';
SELECT * FROM usom.record_fulfillment('FU-000003', 'e', 'shipped', '[{"line_no": 1, "quantity": 5}]');
SELECT pg_temp.pieces('SO-000003');
SELECT kind, order_no, line_no, reference, message FROM usom.exceptions WHERE open ORDER BY kind, order_no;

-- ---- refused ----
SELECT * FROM usom.record_fulfillment('FU-999999', 'x', 'picked');
SELECT * FROM usom.record_fulfillment('FU-000002', 'x', 'eaten');
SELECT * FROM usom.record_fulfillment('FU-000002', 'x', 'picked', '[{"line_no": 9, "quantity": 1}]');
SELECT * FROM usom.record_fulfillment('FU-000002', NULL, 'picked');
UPDATE usom.fulfillment SET status = 'shipped';
DELETE FROM usom.fulfillment_message;
\set VERBOSITY terse
INSERT INTO usom.cut_off (code, minutes, until_time) VALUES ('both', 5, '16:00');
\set VERBOSITY default

-- ---- cut-offs: before it an edit, least committed first ----
INSERT INTO usom.cut_off (code, action, stage) VALUES ('c1', 'cancel', 'picked'), ('c2', 'cancel', 'packed'), ('c3', 'change', 'released'), ('c4', 'change', 'picked');
SELECT pg_temp.place(10);
SELECT * FROM usom.record_fulfillment('FU-000005', 'a', 'picked', '[{"line_no": 1, "quantity": 6}]');
SELECT * FROM usom.record_fulfillment('FU-000005', 'b', 'packed', '[{"line_no": 1, "quantity": 2}]');
SELECT status FROM usom.cancel_line('SO-000005', 1, 5, 'less');
SELECT pg_temp.pieces('SO-000005');
SELECT status FROM usom.change_order('SO-000005', '{"lines": [{"line_no": 1, "quantity": 8}]}');
SELECT pg_temp.pieces('SO-000005');
SELECT status FROM usom.change_order('SO-000005', '{"lines": [{"line_no": 1, "quantity": 6}]}');
SELECT * FROM usom.cancel_order('SO-000005', 'none');
SELECT pg_temp.pieces('SO-000005');
SELECT * FROM pg_temp.handed WHERE fulfillment_no = 'FU-000005';
SELECT sku, on_hand, reserved FROM usom.stock_position WHERE location = 'MAIN' ORDER BY sku;

-- ---- after it, a request, which may be refused ----
UPDATE usom.cut_off SET minutes = 0 WHERE org_id = usom.current_org();
INSERT INTO usom.cut_off (code, action, minutes) VALUES ('c0', 'cancel', 0), ('a0', 'address', 0);
SET LOCAL client_min_messages = notice;
SELECT pg_temp.place(10);
SELECT * FROM usom.cancel_line('SO-000006', 1, 4, 'less');
SELECT * FROM usom.cancel_line('SO-000006', 1, 3, 'still less');
SELECT * FROM pg_temp.asked;
SELECT pg_temp.pieces('SO-000006');
SELECT kind, payload FROM usom.events WHERE order_no = 'SO-000006' AND kind LIKE 'request%' ORDER BY event_no;
SELECT * FROM usom.answer_request('WR-000002', false, 'in the van');
SELECT * FROM usom.answer_request('WR-000002', false, 'in the van');
SELECT * FROM usom.answer_request('WR-000002', true);
SELECT * FROM usom.answer_request('WR-000001', true, 'here');
SELECT * FROM usom.answer_request('WR-000001', true, 'here');
SELECT * FROM usom.answer_request('WR-999999', true);
SELECT pg_temp.pieces('SO-000006'), (SELECT total FROM usom.orders WHERE order_no = 'SO-000006');
SELECT * FROM pg_temp.asked;

-- ---- the whole order: what is ours goes at once, the rest is asked for; the outside system answers ----
SELECT status FROM usom.change_order('SO-000006', '{"lines": [{"sku": "POT", "quantity": 5, "unit_price": 1}]}');
SELECT * FROM usom.cancel_order('SO-000006', 'all of it');
SELECT * FROM usom.cancel_order('SO-000006', 'all of it');
SELECT pg_temp.pieces('SO-000006');
SELECT * FROM usom.record_fulfillment('FU-000006', 'no', 'cancel_refused', reason => 'too late');
SELECT * FROM usom.cancel_order('SO-000006', 'all of it, please');
SELECT * FROM usom.record_fulfillment('FU-000006', 'yes', 'cancelled');
SELECT pg_temp.pieces('SO-000006');
SELECT * FROM pg_temp.asked WHERE request_no > 'WR-000002';
SELECT * FROM pg_temp.handed WHERE fulfillment_no = 'FU-000006';

-- ---- by plain SQL it is the same; what leaves meanwhile is refused ----
SELECT pg_temp.place(3);
UPDATE usom.sales_order SET status = 'cancelled' WHERE order_no = 'SO-000007' AND org_id = usom.current_org();
SELECT pg_temp.pieces('SO-000007');
SELECT * FROM usom.record_fulfillment('FU-000007', 'gone', 'shipped');
SELECT * FROM pg_temp.asked WHERE order_no = 'SO-000007';

-- ---- change and address: fewer units, another place ----
SELECT pg_temp.place(6);
SELECT status FROM usom.change_order('SO-000008', '{"lines": [{"line_no": 1, "quantity": 2}], "ship_to": {"name": "Ada", "line1": "1 High Street", "city": "Leeds", "country": "GB"}}', reason => 'moves house');
SELECT status FROM usom.change_order('SO-000008', '{"lines": [{"line_no": 1, "quantity": 2}]}');
SELECT * FROM pg_temp.asked WHERE order_no = 'SO-000008';
SELECT address_id IS NULL AS no_address, total FROM usom.sales_order WHERE order_no = 'SO-000008' AND org_id = usom.current_org();
SELECT status FROM usom.answer_request((SELECT request_no FROM pg_temp.asked WHERE order_no = 'SO-000008' AND action = 'address'), true);
SELECT status FROM usom.answer_request((SELECT request_no FROM pg_temp.asked WHERE order_no = 'SO-000008' AND action = 'change'), true);
SELECT address_id IS NULL AS no_address, trim_scale(total) AS total FROM usom.sales_order WHERE order_no = 'SO-000008' AND org_id = usom.current_org();
SELECT pg_temp.pieces('SO-000008'), quantity FROM usom.order_lines WHERE order_no = 'SO-000008';
SELECT * FROM usom.verify();
ROLLBACK;
