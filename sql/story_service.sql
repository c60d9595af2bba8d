-- The SQL of doc/service.md, made by tools/make-story.sh: edit the document.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
DROP DATABASE IF EXISTS usom_story;
CREATE DATABASE usom_story TEMPLATE template0;
\c usom_story
SET lc_messages = 'C';
SET client_min_messages = warning;
CREATE EXTENSION usom;
SELECT count(*) > 0 AS installed FROM usom.install();

SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.location (code, name, kind, picks_up, time_zone) VALUES
  ('MITTE', 'Store in the centre', 'store', true, 'Europe/Berlin'),
  ('WEST', 'Store in the west', 'store', true, 'Europe/Berlin');
INSERT INTO usom.location (code, name, kind, ships) VALUES ('MILL', 'Sofa mill', 'supplier', false);
INSERT INTO usom.location (code, name) VALUES ('VAN', 'Van of the technicians');
INSERT INTO usom.product (sku, name) VALUES ('KETTLE', 'Kettle'), ('SOFA', 'Sofa'), ('BURNER', 'Burner'), ('SEAL', 'Seal');
INSERT INTO usom.product (sku, name, kind) VALUES ('CHECK', 'Check of a boiler', 'service');
SELECT count(*) FROM usom.receive_stocks('[{"location": "MITTE", "sku": "KETTLE", "quantity": 5},
  {"location": "WEST", "sku": "KETTLE", "quantity": 5}, {"location": "VAN", "sku": "BURNER", "quantity": 1}, {"location": "VAN", "sku": "SEAL", "quantity": 10}]');

-- Fetched in a store
SELECT order_no, status, quantity_reserved FROM usom.place_order('{
  "order_type": "pick_up", "lines": [{"sku": "KETTLE", "quantity": 2, "unit_price": 24.90, "location": "MITTE"}]}');

SELECT status, location, collect_until FROM usom.ready_pickup('SO-000001', '2099-03-07 18:00+01');

SELECT kind, payload FROM usom.events WHERE order_no = 'SO-000001';

SELECT order_no, location, status, quantity_ready, collect_until FROM usom.pickups;

SELECT usom.collect_pickup('SO-000001') AS shipment, usom.collect_pickup('SO-000001') AS again;

SELECT o.status, p.status AS pickup, p.open FROM usom.orders o JOIN usom.pickups p USING (order_no);

-- Nobody comes
SELECT order_no FROM usom.place_order('{
  "order_type": "pick_up", "lines": [{"sku": "KETTLE", "quantity": 1, "unit_price": 24.90, "location": "MITTE"}]}');

SELECT status FROM usom.ready_pickup('SO-000002', clock_timestamp() + interval '2 seconds');

SELECT 'two seconds later' AS now FROM pg_sleep(2.1);

SELECT order_no, status, open, quantity_ready FROM usom.pickups WHERE open;

SELECT * FROM usom.put_back_pickups('MITTE', reason => 'nobody came');

SELECT sku, location, on_hand, reserved, available FROM usom.stock_position WHERE sku = 'KETTLE' ORDER BY location;

-- The store cannot
SELECT order_no FROM usom.place_order('{
  "order_type": "pick_up", "lines": [{"sku": "KETTLE", "quantity": 1, "unit_price": 24.90, "location": "MITTE"}]}');

SELECT status FROM usom.reject_pickup('SO-000003', 'the box is crushed');

SELECT kind, order_no, reference, message FROM usom.exceptions WHERE open AND kind = 'pickup_rejected';

SELECT location, status, open, reason FROM usom.pickups WHERE order_no = 'SO-000003';

SELECT status FROM usom.move_pickup('SO-000003', 'WEST', 'the customer agrees');

SELECT status, location FROM usom.ready_pickup('SO-000003', '2099-03-07 18:00+01');

SELECT usom.collect_pickup('SO-000003') AS shipment, (SELECT count(*) FROM usom.exceptions WHERE open) AS open_cases;

-- Sent by the supplier
SELECT order_no, quantity_backordered FROM usom.place_order('{
  "order_type": "drop_ship", "lines": [{"sku": "SOFA", "quantity": 10, "unit_price": 390}]}');

SELECT usom.add_supply('drop_ship', 'MILL', 'SOFA', 10, '2099-04-01', supply_no => 'PO-1', order_no => 'SO-000004', line_no => 1);

SELECT * FROM usom.receive_drop_ship('PO-1', 4, 'DN-1', 'DHL', 'JD01');

SELECT * FROM usom.receive_drop_ship('PO-1', 4, 'DN-1', 'DHL', 'JD01');

SELECT quantity, quantity_backordered AS waits, quantity_delivered AS delivered, status FROM usom.order_lines WHERE order_no = 'SO-000004';

-- The customer wants fewer, the supplier sends them all
SELECT status FROM usom.cancel_line('SO-000004', 1, 2, 'two rooms fewer');

SELECT kind, message FROM usom.exceptions WHERE open AND order_no = 'SO-000004';

SELECT * FROM usom.receive_drop_ship('PO-1', 6, 'DN-2');

SELECT quantity, quantity_delivered AS delivered, quantity_cancelled AS cancelled, status FROM usom.order_lines WHERE order_no = 'SO-000004';

SELECT kind, reference, message FROM usom.exceptions WHERE open AND order_no = 'SO-000004';

SELECT location, on_hand, reserved, incoming FROM usom.stock_position WHERE sku = 'SOFA';

-- Somebody comes and works
INSERT INTO usom.technician (code, time_zone) VALUES ('ANN', 'Europe/Berlin'), ('BOB', 'Europe/Berlin');
INSERT INTO usom.technician_skill (technician_id, skill, valid_until) VALUES
  (usom.technician_id('ANN'), 'boiler', NULL), (usom.technician_id('BOB'), 'boiler', '2099-12-31');
INSERT INTO usom.technician_hours (technician_id, weekday, begins, ends)
SELECT usom.technician_id('ANN'), day, '08:00', '16:00' FROM generate_series(1, 5) AS day;
INSERT INTO usom.service_work (product_id, minutes, skills) VALUES (usom.product_id('CHECK'), 90, '{boiler}');

SELECT order_no, total, quantity_reserved FROM usom.place_order('{"order_type": "service", "lines": [
  {"sku": "CHECK", "quantity": 1, "unit_price": 120}, {"sku": "BURNER", "quantity": 1, "unit_price": 80}, {"sku": "SEAL", "quantity": 4, "unit_price": 2}]}');

SELECT * FROM usom.service_slots('CHECK', '2099-03-02 06:10+00', slots => 4);

SELECT * FROM usom.book_appointment('SO-000005', 1, '2099-03-02 07:00+00');

SELECT appointment_no, technician, starts_at, ends_at, status, parts_ready FROM usom.appointments;

-- Nobody at home
SELECT usom.fail_appointment('AP-000001', 'nobody at home');

SELECT kind, line_no, message FROM usom.exceptions WHERE open AND order_no = 'SO-000005';

SELECT * FROM usom.book_appointment('SO-000005', 1, '2099-03-03 07:00+00', 'ANN');

SELECT count(*) AS open_cases FROM usom.exceptions WHERE open AND order_no = 'SO-000005';

-- Done
SELECT jsonb_pretty(usom.complete_service('AP-000002', '{"work": "burner replaced, tested", "started_at": "2099-03-03T07:05Z",
  "finished_at": "2099-03-03T08:20Z", "accepted": true, "parts": [{"line_no": 2, "quantity": 1}, {"line_no": 3, "quantity": 1}]}'));

SELECT line_no, sku, quantity, quantity_delivered AS delivered, quantity_cancelled AS cancelled, total FROM usom.order_lines WHERE order_no = 'SO-000005' ORDER BY line_no;

SELECT status, total FROM usom.orders WHERE order_no = 'SO-000005';

SELECT sku, on_hand, reserved FROM usom.stock_position WHERE location = 'VAN' ORDER BY sku;

SELECT * FROM usom.verify();

\c :home
DROP DATABASE usom_story;
