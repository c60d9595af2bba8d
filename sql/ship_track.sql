-- After the door: void shipments, manifests, what carriers say, deliveries that fail and what becomes of them.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code) VALUES ('tracking');
SET usom.org = 'tracking';
UPDATE usom.channel SET invoice_on = 'ship' WHERE code = 'web';
UPDATE usom.channel SET invoice_on = 'deliver' WHERE code = 'edi';
INSERT INTO usom.location (code, ships_from) VALUES ('TRK-A', 'released'), ('TRK-B', 'picked');
INSERT INTO usom.product (sku, weight) VALUES ('TRK-1', 0.25), ('TRK-2', 2);
INSERT INTO usom.product (sku, kind) VALUES ('TRK-KIT', 'kit');
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity) VALUES (usom.product_id('TRK-KIT'), usom.product_id('TRK-1'), 2), (usom.product_id('TRK-KIT'), usom.product_id('TRK-2'), 1);
SELECT usom.receive_stocks((SELECT jsonb_agg(jsonb_build_object('location', l, 'sku', s, 'quantity', 100)) FROM unnest('{TRK-A,TRK-B}'::text[]) l, unnest('{TRK-1,TRK-2}'::text[]) s));
CREATE FUNCTION pg_temp.placed(channel text, lines jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	made text := (SELECT p.order_no FROM usom.place_order(jsonb_build_object('channel', channel, 'lines', lines)) p);
BEGIN
	PERFORM usom.release_order(made);
	RETURN made;
END
$$;
CREATE FUNCTION pg_temp.news(order_no text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT kind || ' ' || pg_temp.mask(payload::text) FROM usom.events e WHERE e.order_no = $1 ORDER BY event_no
$$;

-- E3: ordered ten, shipped four, cancelled six, three times over; then the shipment is void, and no unit is anywhere twice.
SELECT pg_temp.placed('web', '[{"sku": "TRK-1", "quantity": 10, "unit_price": 1.005, "location": "TRK-A"}]') AS o \gset
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 4}]', 'DHL', 'JD1') AS s \gset
SELECT status FROM usom.cancel_line(:'o', 1, 6, 'not wanted');
SELECT status FROM usom.orders WHERE order_no = :'o';
SELECT * FROM pg_temp.refused(format('SELECT usom.cancel_line(%L, 1, 6, %L)', :'o', 'not wanted'));
SELECT * FROM pg_temp.shelf('TRK-1');
SELECT status FROM usom.void_shipment(:'s', 'wrong label');
SELECT status FROM usom.void_shipment(:'s', 'wrong label');
SELECT * FROM pg_temp.pieces(:'o');
SELECT * FROM pg_temp.shelf('TRK-1');
SELECT m.kind, trim_scale(m.delta) AS delta, m.reference = :'s' AS this FROM usom.stock_movement m JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.order_no = :'o' ORDER BY m.stock_movement_id;
SELECT status, voided_at IS NOT NULL AS dated, quantity FROM usom.shipments WHERE shipment_no = :'s';
SELECT * FROM pg_temp.refused(format('SELECT usom.deliver(%L)', :'s'));
SELECT * FROM pg_temp.refused(format('SELECT usom.authorize_return(%L, %L, %L)', :'o', '[{"line_no": 1, "quantity": 2}]', 'broken'));
SELECT usom.ship(:'o', NULL, 'DHL', 'JD2') AS t \gset
SELECT status FROM usom.deliver(:'t');
SELECT * FROM pg_temp.refused(format('SELECT usom.void_shipment(%L, %L)', :'t', 'too late'));
SELECT * FROM pg_temp.news(:'o');

-- Invoices add up to what the line costs, whatever the parts; on delivery where the channel says so.
SELECT pg_temp.placed('web', '[{"sku": "TRK-1", "quantity": 3, "unit_price": 0.3333, "location": "TRK-A"}, {"sku": "TRK-KIT", "quantity": 2, "unit_price": 5}]') AS o \gset
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 1}]') IS NOT NULL AS shipped;
SELECT usom.ship(:'o', '[{"line_no": 2, "quantity": 1}]') IS NOT NULL AS shipped;
SELECT usom.ship(:'o') IS NOT NULL AS shipped;
SELECT payload->'amount' AS amount, payload->'lines' AS lines FROM usom.events WHERE order_no = :'o' AND kind = 'invoice_wanted' ORDER BY event_no;
SELECT sum((payload->>'amount')::numeric) = (SELECT total FROM usom.orders WHERE order_no = :'o') AS whole FROM usom.events WHERE order_no = :'o' AND kind = 'invoice_wanted';
SELECT pg_temp.placed('edi', '[{"sku": "TRK-1", "quantity": 3, "unit_price": 2, "location": "TRK-A"}]') AS o \gset
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 2}]') AS s \gset
SELECT * FROM pg_temp.news(:'o');
SELECT status FROM usom.deliver(:'s');
SELECT status FROM usom.deliver(:'s');
SELECT * FROM pg_temp.news(:'o');

-- Void where units leave picked, and in a package: they are as far as they were.
SELECT pg_temp.placed('manual', '[{"sku": "TRK-2", "quantity": 3, "location": "TRK-B"}]') AS o \gset
SELECT usom.pack(:'o', '[{"line_no": 1, "quantity": 2}]') AS p \gset
SELECT status FROM usom.unpack(:'p');
SELECT usom.pack(:'o', '[{"line_no": 1, "quantity": 1}]') AS p \gset
SELECT usom.ship(:'o') AS s \gset
SELECT * FROM pg_temp.pieces(:'o');
SELECT status FROM usom.void_shipment(:'s', 'wrong door');
SELECT * FROM pg_temp.pieces(:'o');
SELECT package_no = :'p' AS same, status, quantity FROM usom.packages WHERE order_no = :'o' ORDER BY packed_at, package_no;
SELECT usom.ship(:'o', NULL, 'UPS', 'U1') AS s \gset

-- A manifest: what stands ready for one carrier; it is not void any more.
SELECT pg_temp.placed('manual', '[{"sku": "TRK-1", "quantity": 4, "location": "TRK-B"}, {"sku": "TRK-2", "quantity": 1, "location": "TRK-A"}]') AS o2 \gset
SELECT usom.pack(:'o2', location => 'TRK-B', weight => 3) AS p2 \gset
SELECT usom.ship(:'o2', NULL, 'UPS', 'U2') AS s2 \gset
SELECT usom.close_manifest('TRK-B', 'UPS') AS m \gset
SELECT location, carrier, tracking, packages, weight FROM usom.manifests WHERE manifest_no = :'m' ORDER BY tracking;
SELECT usom.manifest_sheet(:'m') - ARRAY['manifest_no', 'closed_at', 'shipments'] AS sheet;
SELECT * FROM pg_temp.refused($$SELECT usom.close_manifest('TRK-B', 'UPS')$$);
SELECT * FROM pg_temp.refused($$SELECT usom.close_manifest('TRK-B')$$);
SELECT * FROM pg_temp.refused($$SELECT usom.manifest_sheet('MF-NONE')$$);
SELECT * FROM pg_temp.refused(format('SELECT usom.void_shipment(%L, %L)', :'s', 'too late'));
SELECT * FROM pg_temp.refused(format('SELECT usom.void_shipment(%L, %L)', 'SH-NONE', 'too late'));

-- What carriers say, late, twice and in any order.
SELECT * FROM pg_temp.refused($$SELECT usom.record_tracking('NOBODYS', 'info')$$);
SELECT * FROM pg_temp.refused($$SELECT usom.record_tracking('U1', 'eaten')$$);
SELECT shipment_no = :'s' AS this, status, counted FROM usom.record_tracking('U1', 'info', '2030-01-01 08:00', 'a', 'Leeds', 'label read');
SELECT status, counted FROM usom.record_tracking('U1', 'out_for_delivery', '2030-01-02 08:00', 'c');
SELECT status, counted FROM usom.record_tracking('U1', 'in_transit', '2030-01-01 12:00', 'b');
SELECT status, counted FROM usom.record_tracking('U1', 'failed', '2030-01-02 10:00', 'd', note => 'nobody there');
SELECT status, counted FROM usom.record_tracking('U1', 'failed', '2030-01-02 10:00', 'd', note => 'nobody there');
SELECT status, counted FROM usom.record_tracking('U1', 'in_transit', '2030-01-02 09:00', 'e');
SELECT kind, pg_temp.mask(message) AS message, pg_temp.mask(detail::text) AS detail FROM usom.exceptions WHERE order_no = :'o' AND open;
SELECT what, value, pg_temp.mask(detail) AS detail FROM usom.explain_status(:'o') AS e (what, value, detail) WHERE what = 'next step';
SELECT status FROM usom.retry_delivery(:'s', 'tomorrow');
SELECT status FROM usom.retry_delivery(:'s', 'tomorrow');
SELECT status, counted FROM usom.record_tracking('U1', 'delivered', '2030-01-03 10:00', 'f');
SELECT status, delivered_at, told_at FROM usom.shipments WHERE shipment_no = :'s';
SELECT status FROM usom.orders WHERE order_no = :'o';
SELECT status, counted FROM usom.record_tracking('U1', 'failed', '2030-01-04 10:00', 'g');
SELECT kind, pg_temp.mask(message) AS message FROM usom.exceptions WHERE order_no = :'o' AND open;
SELECT kind, occurred_at, place, note, message_id, counted FROM usom.tracking_events WHERE shipment_no = :'s' ORDER BY message_id;
SELECT * FROM pg_temp.news(:'o');
-- Not delivered, not failed, not void: there is no such step.
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.retry_delivery(%L)', :'s'));
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.fail_delivery(%L, %L)', :'s', 'lost key'));
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.retry_delivery(%L)', split_part(:'s2', ', ', 1)));
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.fail_delivery('SH-NONE', 'x')$$);

-- A void shipment that moves is a contradiction.
SELECT pg_temp.placed('manual', '[{"sku": "TRK-1", "quantity": 1, "location": "TRK-A"}]') AS o \gset
SELECT usom.ship(:'o', NULL, 'DHL', 'D9') AS s \gset
SELECT status FROM usom.void_shipment(:'s', 'wrong label');
SELECT status, counted FROM usom.record_tracking('D9', 'in_transit', '2030-01-04 10:00', 'g');
SELECT kind, pg_temp.mask(message) AS message FROM usom.exceptions WHERE order_no = :'o' AND open;

-- Packages with numbers of their own: the last one brings the shipment. One number for several shipments tells all.
SELECT pg_temp.placed('manual', '[{"sku": "TRK-1", "quantity": 2, "location": "TRK-A"}]') AS o \gset
SELECT usom.pack(:'o', '[{"line_no": 1, "quantity": 1}]', tracking => 'P1') AS p1, usom.pack(:'o', tracking => 'P2') AS p2 \gset
SELECT usom.ship(:'o') AS s \gset
SELECT status, counted FROM usom.record_tracking('P2', 'delivered', '2030-01-05');
SELECT status, counted FROM usom.record_tracking('P2', 'delivered', '2030-01-05');
SELECT status, counted FROM usom.record_tracking('P1', 'delivered', '2030-01-06');
SELECT status, delivered_at FROM usom.shipments WHERE shipment_no = :'s';
SELECT pg_temp.placed('manual', '[{"sku": "TRK-1", "quantity": 1, "location": "TRK-A"}, {"sku": "TRK-1", "quantity": 1, "location": "TRK-A"}]') AS o \gset
SELECT pg_temp.placed('manual', '[{"sku": "TRK-1", "quantity": 1, "location": "TRK-A"}]') AS o2 \gset
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 1}]', 'DHL', 'BOTH') AS s, usom.ship(:'o2', NULL, 'UPS', 'BOTH') AS s2 \gset
SELECT status, counted FROM usom.record_tracking('BOTH', 'in_transit', '2030-01-05', carrier => 'DHL');
SELECT status, counted FROM usom.record_tracking('BOTH', 'delivered', '2030-01-06');
SELECT order_no = :'o' AS first, status FROM usom.orders WHERE order_no IN (:'o', :'o2') ORDER BY 1 DESC;

-- Failed, sent back, or lost and found.
SELECT pg_temp.placed('manual', '[{"sku": "TRK-1", "quantity": 1, "location": "TRK-A"}]') AS o \gset
SELECT usom.ship(:'o', NULL, 'DHL', 'D1') AS s \gset
SELECT status FROM usom.fail_delivery(:'s', 'nobody there');
SELECT status FROM usom.fail_delivery(:'s', 'nobody there');
SELECT status FROM usom.return_to_sender(:'s', 'refused');
SELECT status FROM usom.return_to_sender(:'s', 'refused');
SELECT count(*) AS open_cases FROM usom.exceptions WHERE order_no = :'o' AND open;
SELECT status FROM usom.lose_shipment(:'s', 'not heard of');
SELECT kind, pg_temp.mask(message) AS message FROM usom.exceptions WHERE order_no = :'o' AND open;
SELECT status, counted FROM usom.record_tracking('D1', 'in_transit', '2030-02-01');
SELECT count(*) AS open_cases FROM usom.exceptions WHERE order_no = :'o' AND open;
SELECT status FROM usom.deliver(:'s', '2030-02-02');
SELECT * FROM pg_temp.news(:'o');
SELECT event, pg_temp.mask(reference) AS reference, reason FROM usom.order_timeline(:'o');

-- Back again, the units of this shipment and no others, or written off.
SELECT pg_temp.placed('manual', '[{"sku": "TRK-2", "quantity": 3, "unit_price": 4, "location": "TRK-A"}]') AS o \gset
SELECT payment_status FROM usom.record_payment(:'o', 'sale', 12, 'TRK-PAID');
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 1}]') AS s1, usom.ship(:'o', '[{"line_no": 1, "quantity": 1}]') AS s2, usom.ship(:'o') AS s3 \gset
SELECT status FROM usom.deliver(:'s3');
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.receive_undelivered(%L)', :'s1'));
SELECT status FROM usom.return_to_sender(:'s1', 'refused');
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.receive_undelivered(%L, disposition => %L)', :'s1', 'refurbish'));
SELECT status FROM usom.receive_undelivered(:'s1', 'refused at the door');
SELECT status FROM usom.receive_undelivered(:'s1', 'refused at the door');
SELECT status FROM usom.lose_shipment(:'s2', 'not heard of');
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.receive_undelivered(%L)', :'s2'));
SELECT status FROM usom.receive_undelivered(:'s2', 'the carrier pays', 'scrap');
SELECT CASE shipment_no WHEN :'s1' THEN 1 WHEN :'s2' THEN 2 ELSE 3 END AS n, s.status, p.status AS units FROM usom.shipments s JOIN usom.order_pieces p USING (order_no, shipment_no) WHERE order_no = :'o' ORDER BY 1;
SELECT status, reason, quantity, quantity_received FROM usom.returns WHERE order_no = :'o' ORDER BY return_no;
SELECT kind, amount, status FROM usom.payment_requests WHERE order_no = :'o' ORDER BY wanted_at, request;
SELECT m.kind, trim_scale(m.delta) AS delta FROM usom.stock_movement m JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.order_no = :'o' ORDER BY m.stock_movement_id;
SELECT count(*) AS open_cases FROM usom.exceptions WHERE order_no = :'o' AND open;
SELECT * FROM usom.verify();
