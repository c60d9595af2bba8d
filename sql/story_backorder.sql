-- The SQL of doc/backorders.md, made by tools/make-story.sh: edit the document.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
DROP DATABASE IF EXISTS usom_story;
CREATE DATABASE usom_story TEMPLATE template0;
\c usom_story
SET lc_messages = 'C';
SET client_min_messages = warning;
CREATE EXTENSION usom;
SELECT count(*) > 0 AS installed FROM usom.install();

-- The order
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.location (code, name) VALUES ('MAIN', 'Warehouse');
INSERT INTO usom.product (sku, name) VALUES ('SHOE', 'Work shoe, pair');
INSERT INTO usom.customer (code, name) VALUES ('army', 'Quartermaster');
INSERT INTO usom.price (sku, unit_price) VALUES ('SHOE', 19.99);
SELECT usom.add_supply('production', 'MAIN', 'SHOE', 12000, '2099-03-01', confidence => 0.9, supply_no => 'WO-1');

SELECT order_no, total, quantity_reserved, quantity_backordered, promised_at FROM usom.place_order('{
  "customer": "army", "lines": [{"sku": "SHOE", "quantity": 20000}]}');

SELECT piece_no, status, quantity, promised_at, why, confidence FROM usom.explain_promise('SO-000001');

-- The rest, a month apart
SELECT * FROM usom.split_backorder('SO-000001', 1, '{"rate": {"quantity": 4000, "every": "1 month", "from": "2099-04-01"}}');

SELECT order_no, status, total, promised_at FROM usom.orders;

SELECT line_no, piece_no, quantity, amount, currency FROM usom.piece_amounts('SO-000001');

SELECT usom.add_supply('production', 'MAIN', 'SHOE', 4000, '2099-04-01', supply_no => 'WO-2'),
  usom.add_supply('production', 'MAIN', 'SHOE', 4000, '2099-05-01', supply_no => 'WO-3');

SELECT supply_no, quantity, pegged, free, expected_at FROM usom.supplies ORDER BY supply_no;

-- A lot is late
SELECT supply_no, pegged, expected_at FROM usom.change_supply('WO-2', expected_at => '2099-04-15', reason => 'leather is late');

SELECT quantity, promised_at, supply_no FROM usom.order_pieces WHERE order_no = 'SO-000001' ORDER BY promised_at;

SELECT supply_no, pegged, expected_at FROM usom.change_supply('WO-3', expected_at => '2099-06-01', reason => 'leather is late');

SELECT kind, (payload->>'promised_before')::date AS before, (payload->>'promised_at')::date AS promised, (payload->>'first_promised_before')::date AS first_before, (payload->>'first_promised_at')::date AS first FROM usom.events WHERE order_no = 'SO-000001' ORDER BY event_no;

SELECT kind, line_no, reference, message, due_at FROM usom.exceptions WHERE open AND order_no = 'SO-000001';

-- It arrives
SELECT supply_no, status, received, filled FROM usom.receive_supply('WO-1', 11800, final => true);

SELECT status, quantity, promised_at > now() + interval '1 day' AS later, supply_no FROM usom.order_pieces WHERE order_no = 'SO-000001' ORDER BY piece_no;

SELECT usom.add_supply('production', 'MAIN', 'SHOE', 200, '2099-05-15', supply_no => 'WO-4');

SELECT n.supply_no, r.status, r.filled FROM (VALUES ('WO-2'), ('WO-3'), ('WO-4')) AS n (supply_no), usom.receive_supply(n.supply_no) AS r;

SELECT sku, quantity, quantity_reserved, quantity_backordered, total FROM usom.order_lines;

SELECT count(*) AS open_cases FROM usom.exceptions WHERE open AND order_no = 'SO-000001';

SELECT * FROM usom.verify();

\c :home
DROP DATABASE usom_story;
