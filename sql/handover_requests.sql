-- What outside systems of warehouses answer to requests, line by line, and what they are told to leave that nobody asked them for.
SET client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('handover_requests');
SET usom.org = 'handover_requests';
INSERT INTO usom.location (code, wms) VALUES ('HR-W', 'acme');
INSERT INTO usom.product (sku) VALUES ('HR-A'), ('HR-B');
INSERT INTO usom.product (sku, tracking) VALUES ('HR-L', 'lot');
INSERT INTO usom.cut_off (code, action, minutes) VALUES ('cancel', 'cancel', 0), ('change', 'change', 0), ('address', 'address', 0);
SELECT count(*) FROM usom.product p, usom.receive_stock('HR-W', p.sku, 100, CASE WHEN p.tracking = 'lot' THEN 'l1' END) WHERE p.org_id = usom.current_org();
CREATE FUNCTION pg_temp.place(ref text, lines jsonb, OUT status text) LANGUAGE sql AS $$
	SELECT r.status FROM usom.place_order(jsonb_build_object('external_id', ref, 'ship_to', '{"line1": "1 Old Road", "city": "Leeds", "country": "GB"}'::jsonb, 'lines', lines)) p, usom.release_order(p.order_no) r
$$;
CREATE FUNCTION pg_temp.no(ref text) RETURNS text LANGUAGE sql AS $$ SELECT o.order_no FROM usom.orders o WHERE o.external_id = ref $$;
CREATE FUNCTION pg_temp.told(ref text, message text, kind text, list jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT r.outcome FROM usom.fulfillments f, usom.record_fulfillment(f.fulfillment_no, message, kind, list) r WHERE f.order_no = pg_temp.no(ref)
$$;
CREATE FUNCTION pg_temp.stands(ref text) RETURNS TABLE (line_no integer, status text, quantity numeric) LANGUAGE sql AS $$
	SELECT p.line_no, p.status, sum(p.quantity) FROM usom.order_pieces p WHERE p.order_no = pg_temp.no(ref) GROUP BY 1, 2 ORDER BY 1, 2
$$;
CREATE FUNCTION pg_temp.asked(ref text) RETURNS TABLE (action text, lines jsonb, status text) LANGUAGE sql AS $$
	SELECT r.action, r.lines, r.status FROM usom.warehouse_requests r WHERE r.order_no = pg_temp.no(ref) ORDER BY r.request_no
$$;

-- With a list, units of that list come back and no others; a request that it names nothing of waits on.
SELECT pg_temp.place('HR-1', '[{"sku": "HR-A", "quantity": 5}, {"sku": "HR-B", "quantity": 5}]');
SELECT status FROM usom.cancel_line(pg_temp.no('HR-1'), 1, 4, 'fewer');
SELECT status FROM usom.cancel_line(pg_temp.no('HR-1'), 2, 2, 'fewer');
SELECT pg_temp.told('HR-1', 'm1', 'cancelled', '[{"line_no": 1, "quantity": 1}]');
SELECT * FROM pg_temp.stands('HR-1');
SELECT * FROM pg_temp.asked('HR-1');
-- more than was asked for: the rest is the warehouse's own doing
SELECT pg_temp.told('HR-1', 'm2', 'cancelled', '[{"line_no": 2, "quantity": 3}]');
SELECT * FROM pg_temp.stands('HR-1');
SELECT * FROM pg_temp.asked('HR-1');
SELECT kind, line_no FROM usom.exceptions WHERE order_no = pg_temp.no('HR-1') AND open ORDER BY 1, 2;

-- A request for another address is none for units: nobody is moved because units were cancelled.
SELECT pg_temp.place('HR-2', '[{"sku": "HR-A", "quantity": 5}]');
SELECT status FROM usom.change_order(pg_temp.no('HR-2'), '{"ship_to": {"line1": "2 New Road", "city": "York", "country": "GB"}}');
SELECT pg_temp.told('HR-2', 'm1', 'cancelled', '[{"line_no": 1, "quantity": 2}]');
SELECT pg_temp.told('HR-2', 'm2', 'cancel_refused');
SELECT * FROM pg_temp.stands('HR-2');
SELECT * FROM pg_temp.asked('HR-2');
SELECT o.ship_to->>'city' AS city FROM usom.orders o WHERE o.external_id = 'HR-2';
SELECT a.status FROM usom.warehouse_requests r, usom.answer_request(r.request_no, true) a WHERE r.order_no = pg_temp.no('HR-2');
SELECT o.ship_to->>'city' AS city FROM usom.orders o WHERE o.external_id = 'HR-2';

-- What is told when nothing is left changes nothing, and verify() thinks so, too.
SELECT pg_temp.place('HR-6', '[{"sku": "HR-A", "quantity": 1}]');
SELECT pg_temp.told('HR-6', 'm1', 'cancelled'), pg_temp.told('HR-6', 'm2', 'shipped'), pg_temp.told('HR-6', 'm3', 'packed');
SELECT status FROM usom.fulfillments WHERE order_no = pg_temp.no('HR-6');
SELECT * FROM usom.verify_handover();

-- What is cancelled keeps its price, whoever says so.
INSERT INTO usom.promotion (code, percent, min_quantity) VALUES ('HR-P', 10, 5);
SELECT pg_temp.place('HR-3', '[{"sku": "HR-B", "quantity": 5, "unit_price": 10}]'), pg_temp.place('HR-4', '[{"sku": "HR-B", "quantity": 5, "unit_price": 10}]');
SELECT o.external_id, c.status FROM usom.orders o, usom.cancel_line(o.order_no, 1, 2, 'fewer') c WHERE o.external_id IN ('HR-3', 'HR-4') ORDER BY 1;
SELECT pg_temp.told('HR-3', 'm1', 'cancelled');
SELECT a.status FROM usom.warehouse_requests r, usom.answer_request(r.request_no, true) a WHERE r.order_no = pg_temp.no('HR-4');
SELECT external_id, total FROM usom.orders WHERE external_id IN ('HR-3', 'HR-4') ORDER BY 1;

-- A count, a lot that is blocked, a receipt that is reversed: the warehouse is told which units it must leave.
SELECT pg_temp.place('HR-5', '[{"sku": "HR-L", "quantity": 10}]');
SELECT lot, on_hand, reserved FROM usom.lots;
SELECT on_hand FROM usom.count_stock('HR-W', 'HR-L', 4, 'l1');
SELECT units_taken FROM (SELECT b.* FROM usom.block_lot('HR-L', 'l1', 'mould') b) AS b (sku, lot, units_taken, units_served, units_picked);
SELECT * FROM pg_temp.stands('HR-5');
SELECT e.kind, e.payload->'lines' AS lines FROM usom.events e WHERE e.order_no = pg_temp.no('HR-5') AND e.kind LIKE 'fulfil%' ORDER BY e.event_no;
SELECT status, units_at_work FROM usom.fulfillments WHERE order_no = pg_temp.no('HR-5');
SELECT * FROM usom.verify();
