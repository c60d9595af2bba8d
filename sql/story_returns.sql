-- The SQL of doc/returns.md, made by tools/make-story.sh: edit the document.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
DROP DATABASE IF EXISTS usom_story;
CREATE DATABASE usom_story TEMPLATE template0;
\c usom_story
SET lc_messages = 'C';
SET client_min_messages = warning;
CREATE EXTENSION usom;
SELECT count(*) > 0 AS installed FROM usom.install();

INSERT INTO usom.location (code) VALUES ('MAIN');
INSERT INTO usom.product (sku, category) VALUES ('LAMP', 'lighting'), ('LAMP-RED', 'lighting'), ('SOAP', 'care');
SELECT count(*) FROM usom.receive_stocks('[{"location": "MAIN", "sku": "LAMP", "quantity": 10}, {"location": "MAIN", "sku": "LAMP-RED", "quantity": 10}, {"location": "MAIN", "sku": "SOAP", "quantity": 10}]');
SELECT order_no, total FROM usom.place_order('{"lines": [{"sku": "LAMP", "quantity": 5, "unit_price": 40}, {"sku": "SOAP", "quantity": 3, "unit_price": 4}]}');
SELECT status FROM usom.release_order('SO-000001');
SELECT usom.ship('SO-000001');
SELECT status FROM usom.deliver('SH-000001');

SELECT usom.authorize_return('SO-000001', '[{"line_no": 1, "quantity": 2}]', 'too blue');
SELECT * FROM usom.receive_return('RT-000001');

-- Rules
INSERT INTO usom.return_rule (code, category, days, valid_days, inspects) VALUES ('lamps', 'lighting', 30, 14, true);
INSERT INTO usom.return_rule (code, sku, outcome) VALUES ('soap', 'SOAP', 'refuse');
INSERT INTO usom.return_rule (code, priority, reason, outcome) VALUES ('damaged', 10, 'damaged', 'allow');
SELECT usom.authorize_return('SO-000001', '[{"line_no": 2, "quantity": 1}]', 'smells');
SELECT usom.authorize_return('SO-000001', '[{"line_no": 2, "quantity": 1}]', 'damaged');

-- The steps
SELECT usom.authorize_return('SO-000001', '[{"line_no": 1, "quantity": 3}]', 'too bright');
SELECT * FROM usom.receive_return('RT-000003');
SELECT status FROM usom.inspect_return('RT-000003', '[{"line_no": 1, "quantity": 1}, {"line_no": 1, "quantity": 1, "disposition": "scrap"}, {"line_no": 1, "quantity": 1, "disposition": "reject"}]');
SELECT line_no, status, sum(quantity) AS units FROM usom.order_pieces GROUP BY 1, 2 ORDER BY 1, 2;

-- What becomes of units
SELECT p.sku, -sum(m.delta) AS scrapped FROM usom.stock_movement m JOIN usom.product p USING (org_id, product_id) WHERE m.kind = 'scrap' GROUP BY 1;

-- Exchange
SELECT order_no FROM usom.place_order('{"lines": [{"sku": "LAMP", "quantity": 2, "unit_price": 40}]}');
SELECT status FROM usom.release_order('SO-000002');
SELECT usom.ship('SO-000002');
SELECT usom.authorize_return('SO-000002', '[{"line_no": 1, "quantity": 1}]', 'too blue'), usom.authorize_return('SO-000002', '[{"line_no": 1, "quantity": 1}]', 'too blue');
SELECT usom.exchange_return('RT-000004', '[{"sku": "LAMP-RED", "quantity": 1, "unit_price": 40}]');   -- the number of a new order
SELECT usom.exchange_return('RT-000005', advance => true);                                          -- the same goods again, sent at once
SELECT order_no, status, total FROM usom.orders ORDER BY order_no;
SELECT order_no, hold_type, active FROM usom.holds;

SELECT * FROM usom.verify();

\c :home
DROP DATABASE usom_story;
