-- The SQL of doc/shipping.md, made by tools/make-story.sh: edit the document.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
DROP DATABASE IF EXISTS usom_story;
CREATE DATABASE usom_story TEMPLATE template0;
\c usom_story
SET lc_messages = 'C';
SET client_min_messages = warning;
CREATE EXTENSION usom;
SELECT count(*) > 0 AS installed FROM usom.install();

-- A warehouse that packs
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.location (code, ships_from) VALUES ('MAIN', 'packed');
INSERT INTO usom.handling_class (code, name) VALUES ('fragile', 'Fragile');
INSERT INTO usom.handling_class (code, name, special_packaging, apart, carriers, temperature_from, temperature_to)
VALUES ('cold', 'Keep cold', true, true, '{ICE}', 2, 8);
INSERT INTO usom.product (sku, name, weight, volume, handling) VALUES
	('VASE', 'Blue vase', 1.2, 6, '{fragile}'), ('BOOK', 'Book of vases', 0.8, 1, '{}'), ('FISH', 'Smoked trout', 0.3, 1, '{cold}');
INSERT INTO usom.packaging (code, length, width, height, weight, max_weight) VALUES ('BOX', 40, 30, 20, 0.3, 10), ('BAG', 30, 20, 5, 0.1, 2);
INSERT INTO usom.packaging (code, weight, handling) VALUES ('ICEBOX', 1, '{cold}');
UPDATE usom.channel SET invoice_on = 'ship' WHERE code = 'web';
SELECT count(*) FROM usom.receive_stocks('[{"location": "MAIN", "sku": "VASE", "quantity": 10}, {"location": "MAIN", "sku": "BOOK", "quantity": 10}, {"location": "MAIN", "sku": "FISH", "quantity": 10}]');

SELECT order_no, status FROM usom.place_order('{"channel": "web", "lines": [
	{"sku": "VASE", "quantity": 2, "unit_price": 40}, {"sku": "BOOK", "quantity": 1, "unit_price": 19.90}, {"sku": "FISH", "quantity": 3, "unit_price": 8}]}');

SELECT status FROM usom.wrap_gift('SO-000001', 1, 'birthday');
SELECT status FROM usom.release_order('SO-000001');

SELECT usom.ship('SO-000001', '[{"line_no": 2, "quantity": 1}]');

-- Into packages
SELECT usom.pack('SO-000001', '[{"line_no": 1, "quantity": 3}]', 'BOX');
SELECT usom.pack('SO-000001', '[{"line_no": 1, "quantity": 2}]', 'BAG');
SELECT usom.pack('SO-000001', packaging => 'ICEBOX');

SELECT usom.pack('SO-000001', '[{"line_no": 1, "quantity": 2}, {"line_no": 2, "quantity": 1}]', 'BOX', weight => 3.6) AS box;
SELECT usom.pack('SO-000001', '[{"line_no": 3, "quantity": 3}]', 'ICEBOX') AS icebox;

SELECT package_no, line_no, sku, quantity, gift_wrap FROM usom.package_lines WHERE order_no = 'SO-000001' ORDER BY package_no, line_no;

-- Out of the door
SELECT usom.ship('SO-000001', carrier => 'ICE', tracking => 'ICE-7', service => 'overnight', packages => '{PK-000005}') AS cold;
SELECT usom.ship('SO-000001', carrier => 'DHL', tracking => 'JD014600003') AS rest;

SELECT payload->>'shipment_no' AS shipment_no, payload->>'amount' AS amount, payload->'lines' AS lines
FROM usom.events WHERE order_no = 'SO-000001' AND kind = 'invoice_wanted' ORDER BY event_no;

SELECT jsonb_pretty(usom.shipping_label('PK-000005'));
SELECT line->>'sku' AS sku, line->>'quantity' AS quantity, line->>'gift_wrap' AS gift_wrap, line->>'unit_price' AS unit_price
FROM jsonb_array_elements(usom.packing_slip('SH-000002')->'lines') AS line;

-- A wrong label
SELECT status FROM usom.void_shipment('SH-000002', 'wrong label');
SELECT m.kind, trim_scale(m.delta) AS delta, m.reference FROM usom.stock_movement m JOIN usom.product p USING (org_id, product_id) WHERE p.sku = 'BOOK' ORDER BY m.stock_movement_id;
SELECT usom.ship('SO-000001', carrier => 'DHL', tracking => 'JD014600004') AS again;

SELECT usom.close_manifest('MAIN', 'DHL') AS manifest;
SELECT shipment_no, tracking, packages, weight FROM usom.manifests WHERE manifest_no = 'MF-000001';
SELECT usom.void_shipment('SH-000003', 'too late');

-- On its way
SELECT * FROM usom.record_tracking('JD014600004', 'in_transit', '2030-03-01 20:00', 'm-2', 'Leipzig');
SELECT * FROM usom.record_tracking('JD014600004', 'failed', '2030-03-02 10:00', 'm-4', note => 'nobody there');
SELECT * FROM usom.record_tracking('JD014600004', 'out_for_delivery', '2030-03-02 07:00', 'm-3');
SELECT * FROM usom.record_tracking('JD014600004', 'failed', '2030-03-02 10:00', 'm-4', note => 'nobody there');

-- Nobody there
SELECT kind, message FROM usom.exceptions WHERE open;
SELECT status AS step, why FROM usom.explain_status('SO-000001') WHERE subject = 'next step';

SELECT status FROM usom.retry_delivery('SH-000003', 'tomorrow');
SELECT * FROM usom.record_tracking('JD014600004', 'delivered', '2030-03-03 09:30', 'm-5');
SELECT * FROM usom.record_tracking('ICE-7', 'delivered', '2030-03-02 09:30');
SELECT status FROM usom.orders WHERE order_no = 'SO-000001';
SELECT count(*) AS open_cases FROM usom.exceptions WHERE open;
SELECT shipment_no, carrier, status, quantity FROM usom.shipments ORDER BY shipment_no;
SELECT * FROM usom.verify();

\c :home
DROP DATABASE usom_story;
