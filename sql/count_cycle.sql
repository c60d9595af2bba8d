-- Cycle counts: what is due is counted, small differences are booked at once,
-- large ones after a second count, and the book is judged by the first.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
\set SHOW_CONTEXT never
INSERT INTO usom.organisation (code) VALUES ('counts');
SET usom.org = 'counts';
INSERT INTO usom.location (code) VALUES ('CNT-A'), ('CNT-B');
INSERT INTO usom.product (sku, category, tracking) VALUES ('CNT-1', 'A', 'none'), ('CNT-2', 'A', 'none'), ('CNT-3', NULL, 'lot'), ('CNT-4', NULL, 'none'), ('CNT-5', NULL, 'serial');
SELECT usom.receive_stocks('[{"location": "CNT-A", "sku": "CNT-1", "quantity": 100}, {"location": "CNT-A", "sku": "CNT-2", "quantity": 200},
	{"location": "CNT-A", "sku": "CNT-3", "quantity": 5, "lot": "X"}, {"location": "CNT-A", "sku": "CNT-3", "quantity": 5, "lot": "Y"},
	{"location": "CNT-A", "sku": "CNT-4", "quantity": 1}, {"location": "CNT-B", "sku": "CNT-1", "quantity": 1}]');
SELECT on_hand FROM usom.receive_serials('CNT-A', 'CNT-5', ARRAY['1', '2']);
SELECT on_hand FROM usom.adjust_stock('CNT-A', 'CNT-4', -1, 'broken');
INSERT INTO usom.count_rule (code, category, every, tolerance_units, tolerance_percent) VALUES ('CNT-A', 'A', '30 days', 1, 2);
INSERT INTO usom.count_rule (code, every, priority) VALUES ('CNT-REST', '90 days', 200);
CREATE VIEW pg_temp.shown AS SELECT location, sku, lot, status, book, counted, difference, first_difference, tolerance, times, counted_by = session_user AS told FROM usom.counts;

-- What is on the shelf and was never counted is due; nothing is planned twice.
SELECT usom.plan_count('CNT-A', 3);
SELECT * FROM pg_temp.shown ORDER BY sku, lot;
SELECT usom.plan_count('CNT-A'), usom.plan_count('CNT-A');
SELECT sku, lot FROM usom.counts WHERE status = 'open' ORDER BY 1, 2;
SELECT usom.plan_count('CNT-NONE');
SELECT usom.plan_count('CNT-A', 0);

-- Within the tolerance: booked at once.
SELECT * FROM usom.record_count('CNT-A', 'CNT-1', 98);
SELECT on_hand FROM usom.stock_position WHERE sku = 'CNT-1' AND location = 'CNT-A';
SELECT * FROM usom.record_count('CNT-A', 'CNT-3', 5, 'X');
-- Beyond it: counted again.  Another difference is no answer; the same one is, though units have left meanwhile.
SELECT * FROM usom.record_count('CNT-A', 'CNT-2', 190);
SELECT * FROM usom.record_count('CNT-A', 'CNT-2', 185);
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "CNT-2", "quantity": 50, "unit_price": 1}]}') \gset
SELECT count(*) FROM usom.release_order(:'o');
SELECT usom.ship(:'o') IS NOT NULL AS shipped;
SELECT * FROM usom.record_count('CNT-A', 'CNT-2', 135);
SELECT on_hand FROM usom.stock_position WHERE sku = 'CNT-2';
-- No second count is wanted.
SELECT * FROM usom.record_count('CNT-A', 'CNT-3', 3, 'Y', final => true);
SELECT * FROM usom.record_count('CNT-A', 'CNT-5', 1);
SELECT * FROM usom.record_count('CNT-A', 'CNT-5', 2);
-- Counted without a plan.
SELECT * FROM usom.record_count('CNT-A', 'CNT-4', 2);
SELECT * FROM usom.record_count('CNT-A', 'CNT-4', 2);
SELECT * FROM usom.record_count('CNT-A', 'CNT-3', 5);
SELECT * FROM usom.record_count('CNT-A', 'CNT-1', -1);
SELECT * FROM pg_temp.shown ORDER BY sku, lot;
SELECT p.sku, m.lot, m.kind, m.delta::real FROM usom.stock_movement m JOIN usom.product p USING (org_id, product_id) WHERE m.org_id = usom.current_org() AND m.kind = 'count' ORDER BY stock_movement_id;

-- Fewer than orders keep: the least firm of them waits again.
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "CNT-1", "quantity": 90, "unit_price": 1}]}') \gset
SELECT * FROM usom.record_count('CNT-A', 'CNT-1', 80);
SELECT * FROM usom.record_count('CNT-A', 'CNT-1', 80);
SELECT quantity_reserved, quantity_backordered FROM usom.order_lines WHERE order_no = :'o';

-- Nothing is due before its time; a rule that ends makes all of it due.
SELECT usom.plan_count('CNT-A');
UPDATE usom.count_rule SET active = false;
SELECT usom.plan_count('CNT-A');

SELECT location, lines, exact_lines, accurate_lines, accuracy_percent, units, units_off, unit_accuracy_percent FROM usom.stock_accuracy;
SELECT * FROM usom.verify();
RESET usom.org;
