-- E24: a drop shipment that comes in parts: what is delivered is what was received, what was cancelled is left alone, and what the customer changes is taken up with the supplier.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code) VALUES ('e24');
SET usom.org = 'e24';
INSERT INTO usom.location (code, kind, ships) VALUES ('MILL', 'supplier', false), ('FORGE', 'supplier', false);
INSERT INTO usom.location (code) VALUES ('SHELF');
INSERT INTO usom.product (sku) VALUES ('SOFA'), ('LAMP'), ('DESK');
SELECT usom.receive_stocks('[{"location": "SHELF", "sku": "SOFA", "quantity": 50}]');
SELECT order_no AS o FROM usom.place_order('{"order_type": "drop_ship", "lines": [{"sku": "SOFA", "quantity": 20, "unit_price": 100}]}') \gset
CREATE VIEW pg_temp.line AS
	SELECT quantity AS ordered, quantity_backordered AS waits, quantity_delivered AS delivered, quantity_cancelled AS cancelled,
		(SELECT sum(r.delivered) FROM usom.drop_ship_receipts r WHERE r.order_no = l.order_no AND r.line_no = l.line_no) AS receipts,
		(SELECT trim_scale(sum(s.received)) FROM usom.supplies s WHERE s.order_no = l.order_no AND s.line_no = l.line_no) AS received
	FROM usom.order_lines l;
CREATE VIEW pg_temp.cases AS SELECT kind, reference, message FROM usom.exceptions WHERE open ORDER BY kind, reference;
-- Fifty stand on the shelf; the order waits for those of its supplier.
SELECT kind, message FROM pg_temp.cases;
SELECT usom.add_supply('drop_ship', 'MILL', 'SOFA', 20, '2099-05-01', supply_no => 'E24-1', order_no => :'o', line_no => 1);

-- Five come, then three that are only on their way.
SELECT status, received, delivered, surplus, shipment_no IS NOT NULL AS left FROM usom.receive_drop_ship('E24-1', 5, 'DN-1');
SELECT delivered, shipment_no AS under_way FROM usom.receive_drop_ship('E24-1', 3, 'DN-2', 'DHL', 'JD-2', delivered => false) \gset
SELECT * FROM pg_temp.line;
SELECT status FROM usom.deliver(:'under_way', '2099-04-01');
SELECT * FROM pg_temp.line;
-- The same notes again, and one of them as another call would have it.
SELECT received, delivered FROM usom.receive_drop_ship('E24-1', 5, 'DN-1');
SELECT received, delivered FROM usom.receive_drop_ship('E24-1', 7, 'DN-2');
SELECT count(*) AS shipments, sum(quantity) AS units FROM usom.shipments;

-- The customer wants four fewer: the supplier is asked, and says yes.
SELECT status FROM usom.cancel_line(:'o', 1, 4, 'fewer rooms');
SELECT * FROM pg_temp.cases;
SELECT status, quantity, received, pegged FROM usom.change_supply('E24-1', 16, reason => 'the mill agrees');
SELECT * FROM pg_temp.cases;
-- The customer wants six more: they are to be bought, and another supplier has them.
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "quantity": 26}]}');
SELECT * FROM pg_temp.line;
SELECT * FROM pg_temp.cases;
SELECT usom.add_supply('drop_ship', 'FORGE', 'SOFA', 6, '2099-06-01', supply_no => 'E24-2', order_no => :'o', line_no => 1);
SELECT count(*) FROM pg_temp.cases;
-- The forge gives up: what it would have sent is not delivered by anybody, and is wanted again.
SELECT status FROM usom.cancel_supply('E24-2', 'burnt down');
SELECT kind, reference FROM pg_temp.cases;
SELECT status, delivered, surplus FROM usom.receive_drop_ship('E24-2', 2, 'DN-LATE');
SELECT kind, reference, message FROM pg_temp.cases WHERE kind = 'drop_ship_surplus';
SELECT * FROM pg_temp.line;

-- The mill sends two, and nothing more: the rest waits for somebody who has it.
SELECT status, received, delivered FROM usom.receive_drop_ship('E24-1', 2, 'DN-3', final => true);
SELECT * FROM pg_temp.line;
SELECT status FROM usom.cancel_line(:'o', 1, NULL, 'enough');
SELECT * FROM pg_temp.line;
SELECT status FROM usom.orders;
-- Cancelled is cancelled: what comes after all is nobody's.
SELECT usom.add_supply('drop_ship', 'MILL', 'SOFA', 3, '2099-07-01', supply_no => 'E24-3', order_no => :'o', line_no => 1);
SELECT status, received, delivered, surplus, shipment_no FROM usom.receive_drop_ship('E24-3', NULL, 'DN-4');
SELECT * FROM pg_temp.line;
-- Nothing of it was ever on a shelf; what went through the suppliers' places is in the ledger both ways.
SELECT location, on_hand, reserved, incoming FROM usom.stock_position WHERE sku = 'SOFA' ORDER BY 1;
SELECT l.code, m.kind, sum(m.delta) AS units FROM usom.stock_movement m JOIN usom.location l USING (org_id, location_id) WHERE m.org_id = usom.current_org() AND l.kind = 'supplier' GROUP BY 1, 2 ORDER BY 1, 2;

-- What is no drop shipment is received as usual; a hold keeps what a supplier has sent from being booked, and says which.
SELECT usom.add_supply('purchase', 'MILL', 'LAMP', 1, '2099-05-01', supply_no => 'E24-4');
SELECT usom.add_supply('drop_ship', 'MILL', 'LAMP', 1, '2099-05-01', supply_no => 'E24-5');
SELECT * FROM pg_temp.refused('SELECT usom.receive_drop_ship(''E24-4'')');
SELECT * FROM pg_temp.refused('SELECT usom.receive_drop_ship(''E24-5'')');
SELECT * FROM pg_temp.refused('SELECT usom.receive_drop_ship(''E24-9'')');
SELECT * FROM pg_temp.refused('SELECT usom.receive_drop_ship(''E24-1'')');
SELECT order_no AS held FROM usom.place_order('{"order_type": "drop_ship", "lines": [{"sku": "DESK", "quantity": 2, "unit_price": 10}]}') \gset
SELECT usom.add_supply('drop_ship', 'MILL', 'DESK', 2, '2099-05-01', supply_no => 'E24-6', order_no => :'held', line_no => 1);
SELECT status FROM usom.hold_order(:'held', 'fraud', 'looks odd');
SELECT * FROM pg_temp.refused('SELECT usom.receive_drop_ship(''E24-6'', 1, ''DN-5'')');
SELECT status FROM usom.release_hold(:'held', 'fraud', 'all right');
SELECT * FROM pg_temp.refused('SELECT usom.receive_drop_ship(''E24-6'', -1)');
SELECT * FROM pg_temp.refused('SELECT usom.receive_drop_ship(''E24-6'', 0)');
SELECT delivered FROM usom.receive_drop_ship('E24-6', 1, 'DN-5');
SELECT status, delivered FROM usom.receive_drop_ship('E24-6', 0, final => true);
SELECT delivered, reference IS NULL AS without_note FROM usom.drop_ship_receipts WHERE order_no = :'held' ORDER BY 1;
SELECT * FROM usom.verify();
