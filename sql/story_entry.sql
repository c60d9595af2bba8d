-- The SQL of doc/entry.md, made by tools/make-story.sh: edit the document.
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
INSERT INTO usom.location (code) VALUES ('MAIN');
INSERT INTO usom.product (sku, name) VALUES ('MUG', 'White mug'), ('BOWL', 'Blue bowl');
INSERT INTO usom.customer (code) VALUES ('C-1');
SELECT usom.receive_stock('MAIN', 'MUG', 5), usom.receive_stock('MAIN', 'BOWL', 2);

-- A draft
SET usom.app_user = 'anna';
SELECT draft_no, status, version, quantity_held, quote->>'valid' AS valid FROM usom.start_draft('{"channel": "phone", "customer": "C-1"}');

SELECT version, quantity_held, quote->>'total' AS total, quote->>'quantity_reserved' AS in_stock, quote->>'quantity_backordered' AS waits
FROM usom.save_draft('DR-000001', '{"channel": "phone", "customer": "C-1", "lines": [{"sku": "MUG", "quantity": 4, "unit_price": 4.50}, {"sku": "BOWL", "quantity": 3, "unit_price": 9}]}', 1);
SELECT sku, on_hand, reserved, held, available FROM usom.stock_position ORDER BY sku;

SELECT version, quantity_held, quote #>> '{problems,0,path}' AS path, quote #>> '{problems,0,message}' AS problem
FROM usom.save_draft('DR-000001', '{"channel": "phone", "customer": "C-1", "lines": [{"sku": "MUG", "quantity": 4, "unit_price": 4.50}, {"sku": "BOW", "quantity": 1}]}', 2);

-- Sent
SELECT version, quantity_held FROM usom.save_draft('DR-000001', '{"channel": "phone", "customer": "C-1", "lines": [{"sku": "MUG", "quantity": 4, "unit_price": 4.50}, {"sku": "BOWL", "quantity": 1, "unit_price": 9}]}', 3);
SELECT order_no, status, total, quantity_reserved, messages FROM usom.submit_draft('DR-000001', 'click-7d3f', 4);

SELECT order_no, messages FROM usom.submit_draft('DR-000001', 'click-7d3f');

SELECT agent, saves, quantity_told, quantity_reserved, promise_kept FROM usom.entry_times;
SELECT agent, channel, orders, dropped, saves_per_order, correct_stock_percent FROM usom.manual_entry;

-- Whose it is
SELECT draft_no, quantity_held FROM usom.start_draft('{"channel": "phone", "lines": [{"sku": "MUG", "quantity": 1, "unit_price": 4.50}]}');
SELECT * FROM usom.hand_over_draft('DR-000002', 'bert', 'end of shift');
SET usom.app_user = 'bert';
SELECT * FROM usom.drop_draft('DR-000002', 'caller hung up');
SELECT sku, held, available FROM usom.stock_position WHERE sku = 'MUG';

-- What a channel could not bring
SELECT message_no, status FROM usom.ingest('edi', '{"customer": "C-1", "lines": [{"sku": "MUG", "quantity": 1, "unit_price": 4.50}, {"sku": "their drawing 12", "quantity": 1, "unit_price": 80}]}', 'PO-77');
SELECT draft_no, quantity_held, findings #>> '{0,path}' AS path, findings #>> '{0,code}' AS code FROM usom.draft_from_message('MS-000001');

SELECT quantity_held, quote->>'valid' AS valid FROM usom.save_draft('DR-000003', '{"customer": "C-1", "lines": [{"sku": "MUG", "quantity": 1, "unit_price": 4.50}, {"sku": "D-12", "quantity": 1, "unit_price": 80, "make": {"name": "As drawing 12"}}]}');
SELECT order_no, status, quantity_reserved, quantity_backordered FROM usom.submit_draft('DR-000003');
SELECT i.status, i.outcome, i.order_no, o.channel, o.external_id FROM usom.inbox i JOIN usom.orders o USING (order_no);

-- Before others
SELECT order_no, quantity_backordered FROM usom.place_order('{"customer": "C-1", "lines": [{"sku": "MUG", "quantity": 3, "unit_price": 4.50}]}');
SELECT * FROM usom.expedite_order('SO-000003', 'their line is down');
SELECT order_no, line_no, strategy, quantity_before, quantity_after FROM usom.backorder_changes ORDER BY order_no;

SELECT * FROM usom.verify();

\c :home
DROP DATABASE usom_story;
