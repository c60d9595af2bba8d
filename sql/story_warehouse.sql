-- The SQL of doc/warehouse.md, made by tools/make-story.sh: edit the document.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
DROP DATABASE IF EXISTS usom_story;
CREATE DATABASE usom_story TEMPLATE template0;
\c usom_story
SET lc_messages = 'C';
SET client_min_messages = warning;
CREATE EXTENSION usom;
SELECT count(*) > 0 AS installed FROM usom.install();

INSERT INTO usom.location (code, wms, priority) VALUES ('MAIN', 'wms-1', 1), ('SIDE', NULL, 2);
INSERT INTO usom.product (sku) VALUES ('CUP');
SELECT * FROM usom.receive_stock('MAIN', 'CUP', 12);
SELECT * FROM usom.receive_stock('SIDE', 'CUP', 5);
SELECT order_no, status FROM usom.place_order('{"lines": [{"sku": "CUP", "quantity": 10, "unit_price": 2}]}');

-- Release
SELECT * FROM usom.release_due('MAIN');

-- Outside systems
SELECT fulfillment_no, order_no, status, units_at_work FROM usom.fulfillments;

SELECT * FROM usom.record_fulfillment('FU-000001', 'm-1', 'accepted', reference => 'W-77');
SELECT * FROM usom.record_fulfillment('FU-000001', 'm-2', 'shipped', '[{"line_no": 1, "quantity": 6}]', carrier => 'DHL', tracking => 'T-1');
SELECT * FROM usom.record_fulfillment('FU-000001', 'm-3', 'picked', '[{"line_no": 1, "quantity": 6}]');   -- late: what is shipped was picked
SELECT * FROM usom.record_fulfillment('FU-000001', 'm-2', 'shipped', '[{"line_no": 1, "quantity": 6}]', carrier => 'DHL', tracking => 'T-1');

-- What is not there
SELECT * FROM usom.record_fulfillment('FU-000001', 'm-4', 'short', '[{"line_no": 1, "quantity": 3}]', reason => 'bin empty');
SELECT kind, order_no, line_no, message FROM usom.exceptions WHERE open;
SELECT sku, location, on_hand, reserved FROM usom.stock_position ORDER BY location;
SELECT location, status, quantity FROM usom.order_pieces ORDER BY location, status;

-- Cut-offs
INSERT INTO usom.cut_off (code, location, action, stage, minutes) VALUES ('at once', 'MAIN', 'cancel', 'released', 0);
SELECT status FROM usom.cancel_line('SO-000001', 1, 4, 'four less');   -- three wait at SIDE still; MAIN is asked for one
SELECT request_no, action, lines, status FROM usom.warehouse_requests;
SELECT status FROM usom.answer_request('WR-000001', true, 'put back');
SELECT location, status, quantity FROM usom.order_pieces ORDER BY location, status;

-- Waves
INSERT INTO usom.bin (location_id, code, zone, sequence) VALUES (usom.location_id('SIDE'), 'A-01', 'A', 1);
INSERT INTO usom.bin_product (bin_id, product_id) SELECT b.bin_id, p.product_id FROM usom.bin b, usom.product p WHERE b.code = 'A-01' AND p.sku = 'CUP';
SELECT order_no FROM usom.place_order('{"lines": [{"sku": "CUP", "quantity": 3, "unit_price": 2}]}');
SELECT status FROM usom.release_order('SO-000002');
SELECT wave, orders, tasks, units FROM usom.plan_wave('SIDE');
SELECT sequence, bin, sku, quantity, order_no FROM usom.claim_picks('SIDE', 'cart 7', 20);
SELECT c.* FROM usom.pick_tasks t, usom.confirm_pick(t.task, picker => 'cart 7', bin => 'A-01') c WHERE t.picker = 'cart 7';
SELECT * FROM usom.verify();

\c :home
DROP DATABASE usom_story;
