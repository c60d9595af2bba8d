-- Units of several pieces that are taken from another lot are counted together.
SET client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('pick_lot');
SET usom.org = 'pick_lot';
INSERT INTO usom.location (code) VALUES ('PL-W');
INSERT INTO usom.product (sku, tracking) VALUES ('PL-T', 'lot');
SELECT on_hand FROM usom.receive_stock('PL-W', 'PL-T', 6, 'a');
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "PL-T", "quantity": 6}]}') \gset
SELECT on_hand FROM usom.receive_stock('PL-W', 'PL-T', 4, 'b');
SELECT status FROM usom.release_order(:'o');
SELECT status FROM usom.pick(:'o', '[{"line_no": 1, "quantity": 3}]');
SELECT status FROM usom.void_release(:'o', 'again');
SELECT status FROM usom.release_order(:'o');
SELECT lot, status, quantity FROM usom.order_pieces WHERE order_no = :'o' ORDER BY piece_no;
DO $$
BEGIN
	PERFORM usom.pick(o.order_no, '[{"line_no": 1, "quantity": 5, "lot": "b"}]') FROM usom.orders o;
EXCEPTION WHEN SQLSTATE 'US201' THEN
	RAISE WARNING '%', SQLERRM;
END
$$;
SELECT status FROM usom.pick(:'o', '[{"line_no": 1, "quantity": 4, "lot": "b"}]');
SELECT lot, status, sum(quantity) AS quantity FROM usom.order_pieces WHERE order_no = :'o' GROUP BY 1, 2 ORDER BY 1;
SELECT lot, on_hand, reserved FROM usom.lots ORDER BY 1;
SELECT * FROM usom.verify();
