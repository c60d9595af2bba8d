-- The SQL of README.md, made by tools/make-story.sh: edit the document.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
DROP DATABASE IF EXISTS usom_story;
CREATE DATABASE usom_story TEMPLATE template0;
\c usom_story
SET lc_messages = 'C';
SET client_min_messages = warning;
CREATE EXTENSION usom;
SELECT count(*) > 0 AS installed FROM usom.install();

-- An order's life
INSERT INTO usom.location (code) VALUES ('MAIN');
INSERT INTO usom.product (sku, name) VALUES ('MUG', 'White mug');

SELECT * FROM usom.receive_stock('MAIN', 'MUG', 10);

SELECT order_no, status, total, quantity_reserved, quantity_backordered
FROM usom.place_order('{"channel": "web", "external_id": "A-1", "lines": [{"sku": "MUG", "quantity": 12, "unit_price": 2.50}]}');

UPDATE usom.sales_order SET status = 'delivered' WHERE order_no = 'SO-000001';

SELECT * FROM usom.receive_stock('MAIN', 'MUG', 5);

SELECT * FROM usom.fill_backorders('MUG');

SELECT * FROM usom.cancel_line('SO-000001', 1, 1, 'one too many');

SELECT * FROM usom.release_order('SO-000001');

SELECT usom.ship('SO-000001', carrier => 'DHL', tracking => '00340');

SELECT * FROM usom.deliver('SH-000001');

SELECT event, to_status, quantity, reason FROM usom.timeline WHERE order_no = 'SO-000001' ORDER BY version;

SELECT * FROM usom.verify();

-- Twenty thousand pairs
INSERT INTO usom.product (sku, name) VALUES ('SHOE', 'Work shoe, pair');
SELECT usom.add_supply('production', 'MAIN', 'SHOE', 12000, '2099-03-01', supply_no => 'WO-1');

SELECT order_no, total, quantity_reserved, quantity_backordered
FROM usom.place_order('{"lines": [{"sku": "SHOE", "quantity": 20000, "unit_price": 19.99}]}');

SELECT piece_no, quantity, to_char(promised_at, 'YYYY-MM-DD') AS promised, supply_no
FROM usom.split_backorder('SO-000002', 1, '{"rate": {"quantity": 4000, "every": "1 month", "from": "2099-04-01"}}');

-- The right amount
INSERT INTO usom.customer (code, segment) VALUES ('ACME', 'trade');
INSERT INTO usom.product (sku, name) VALUES ('LAMP', 'Desk lamp');
INSERT INTO usom.price (sku, unit_price) VALUES ('LAMP', 39.90);
INSERT INTO usom.price_contract (segment, sku, percent) VALUES ('trade', 'LAMP', 10);
INSERT INTO usom.promotion (code, level, currency, amount, min_value) VALUES ('AUTUMN', 'order', 'EUR', 10, 100);
INSERT INTO usom.tax_rate (country, percent) VALUES ('DE', 19);
INSERT INTO usom.credit_account (customer_id, limit_amount) VALUES (usom.customer_id('ACME'), 500);
SELECT order_no, status, total
FROM usom.place_order('{"customer": "ACME", "ship_to": {"country": "DE"}, "lines": [{"sku": "LAMP", "quantity": 7}]}');

SELECT step, rule, unit_price, before, after, reason FROM usom.explain_price('SO-000003');

SELECT order_no, status
FROM usom.place_order('{"customer": "ACME", "ship_to": {"country": "DE"}, "lines": [{"sku": "LAMP", "quantity": 9}]}');

SELECT order_no, hold_type, reason, blocks FROM usom.holds WHERE active;

-- Through the warehouse
INSERT INTO usom.location (code, ships_from) VALUES ('EAST', 'packed');
INSERT INTO usom.product (sku, name, weight) VALUES ('KETTLE', 'Kettle', 1.2);
SELECT location, on_hand FROM usom.receive_stock('EAST', 'KETTLE', 5);
SELECT order_no, status FROM usom.place_order('{"lines": [{"sku": "KETTLE", "quantity": 5}]}');
SELECT status FROM usom.release_order('SO-000005');
SELECT wave, orders, tasks, units FROM usom.plan_wave('EAST');

SELECT sequence, sku, quantity, order_no FROM usom.claim_picks('EAST', 'Ann');
SELECT p.status, p.quantity_picked, p.quantity_short FROM usom.pick_tasks t, usom.short_pick(t.task, 4, 'one is dented') p WHERE t.sku = 'KETTLE';
SELECT usom.pack('SO-000005'), usom.ship('SO-000005', carrier => 'DHL', tracking => '00341');

SELECT quantity, status FROM usom.order_pieces WHERE order_no = 'SO-000005';
SELECT kind, message FROM usom.exceptions WHERE order_no = 'SO-000005';

-- From every channel
SELECT usom.add_mapping('shopify', 'web') IS NOT NULL AS mapped;
SELECT message_no, status FROM usom.ingest('web', '{"order": {"id": 450789469, "created_at": "2026-11-02T10:00:00Z", "currency": "EUR",
  "financial_status": "paid", "line_items": [{"id": 1, "sku": "MUGG", "quantity": 2, "price": "2.50"}]}}');
SELECT f ->> 'path' AS path, f ->> 'source' AS source, f ->> 'detail' AS detail FROM usom.inbox i, jsonb_array_elements(i.findings) f WHERE i.message_no = 'MS-000001';

SELECT status, outcome, order_no FROM usom.mend('MS-000001', '[{"path": ["order", "line_items", "0", "sku"], "value": "MUG"}]', 'their catalogue has it wrong');
SELECT channel, messages_day, failed_day, waiting, dead, circuit FROM usom.channel_health WHERE messages_day > 0;

-- Trust
SELECT block_no FROM usom.seal_audit();

BEGIN;
ALTER TABLE usom.sales_order DISABLE TRIGGER ALL;
UPDATE usom.sales_order SET total = 1 WHERE order_no = 'SO-000001';
SELECT ok, kind FROM usom.verify_audit();

ROLLBACK;

\c :home
DROP DATABASE usom_story;
