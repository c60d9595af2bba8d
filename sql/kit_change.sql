-- Kits in drafts, changes, batches, and beside everything else.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
CREATE FUNCTION pg_temp.lines(order_no text, OUT line_no integer, OUT kit integer, OUT sku text, OUT units text, OUT total numeric) RETURNS SETOF record LANGUAGE sql AS $$
	SELECT l.line_no, l.kit_line_no, l.sku, concat_ws(', ', l.quantity || ' ordered', nullif(l.quantity_open, 0) || ' open', nullif(l.quantity_backordered, 0) || ' wait',
		nullif(l.quantity_reserved, 0) || ' reserved', nullif(l.quantity_released, 0) || ' released', nullif(l.quantity_shipped, 0) || ' shipped',
		nullif(l.quantity_delivered, 0) || ' delivered', nullif(l.quantity_returned, 0) || ' returned', nullif(l.quantity_cancelled, 0) || ' cancelled'), l.total
	FROM usom.order_lines l WHERE l.order_no = $1 ORDER BY 1
$$;
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.location (code, priority) VALUES ('KCH-A', 1), ('KCH-B', 2);
INSERT INTO usom.product (sku) VALUES ('KCH-BED'), ('KCH-SLAT'), ('KCH-LAMP');
INSERT INTO usom.product (sku, kind) VALUES ('KCH-CARE', 'service'), ('KCH-ROOM', 'kit'), ('KCH-HELP', 'kit');
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity) VALUES
	(usom.product_id('KCH-ROOM'), usom.product_id('KCH-BED'), 1), (usom.product_id('KCH-ROOM'), usom.product_id('KCH-SLAT'), 12), (usom.product_id('KCH-HELP'), usom.product_id('KCH-CARE'), 1);
SELECT usom.receive_stocks('[{"location": "KCH-A", "sku": "KCH-BED", "quantity": 5}, {"location": "KCH-A", "sku": "KCH-SLAT", "quantity": 60}, {"location": "KCH-B", "sku": "KCH-BED", "quantity": 5}, {"location": "KCH-B", "sku": "KCH-SLAT", "quantity": 60}, {"location": "KCH-A", "sku": "KCH-LAMP", "quantity": 9}]');

-- A draft has the line of the kit alone; it is taken apart when it is submitted, by a statement for all orders.
INSERT INTO usom.sales_order (order_no) VALUES ('KCH-1'), ('KCH-2');
INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity, unit_price)
SELECT o.sales_order_id, l.line_no, usom.product_id(l.sku), l.quantity, l.price
FROM usom.sales_order o, (VALUES (1, 'KCH-LAMP', 1, 10), (2, 'KCH-ROOM', 2, 500)) AS l (line_no, sku, quantity, price) WHERE o.order_no LIKE 'KCH-%';
SELECT pg_temp.refused($$INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity, kit_line_no) SELECT sales_order_id, 3, usom.product_id('KCH-BED'), 1, 2 FROM usom.sales_order WHERE order_no = 'KCH-1'$$);
SELECT status FROM usom.cancel_line('KCH-2', 2, 1, 'one will do');
SELECT * FROM pg_temp.lines('KCH-2');
UPDATE usom.sales_order SET status = 'submitted' WHERE order_no IN ('KCH-1', 'KCH-2');
SELECT * FROM pg_temp.lines('KCH-1');
SELECT * FROM pg_temp.lines('KCH-2');
SELECT order_no AS o FROM usom.place_order('{"draft": true, "lines": [{"sku": "KCH-ROOM", "quantity": 1.5}]}') \gset
SELECT * FROM pg_temp.lines(:'o');
SELECT pg_temp.refused(format('SELECT usom.submit_order(%L)', :'o'));
SELECT status FROM usom.cancel_order(:'o', 'a slip');
SELECT * FROM pg_temp.lines(:'o');
SELECT * FROM usom.verify();

-- More, fewer, elsewhere, at another time, away; a kit for a lamp and a lamp for a kit.
SELECT status FROM usom.change_order('KCH-1', '{"lines": [{"line_no": 2, "quantity": 4, "requested_at": "2100-01-01T00:00:00Z"}]}');
SELECT * FROM pg_temp.lines('KCH-1');
SELECT line_no, requested_at FROM usom.order_lines WHERE order_no = 'KCH-1' ORDER BY 1;
SELECT pg_temp.refused($$SELECT usom.change_order('KCH-1', '{"lines": [{"line_no": 2, "quantity": 4.5}]}')$$);
SELECT status FROM usom.change_order('KCH-1', '{"lines": [{"line_no": 2, "quantity": 3, "location": "KCH-B"}]}');
SELECT * FROM pg_temp.pieces('KCH-1');
SELECT status FROM usom.change_order('KCH-1', '{"lines": [{"line_no": 2, "sku": "KCH-LAMP"}, {"line_no": 1, "sku": "KCH-ROOM"}, {"sku": "KCH-ROOM", "quantity": 1, "unit_price": 450}]}');
SELECT * FROM pg_temp.lines('KCH-1');
SELECT status FROM usom.change_order('KCH-1', '{"lines": [{"line_no": 1, "remove": true}]}');
SELECT * FROM pg_temp.lines('KCH-1');
SELECT pg_temp.refused($$SELECT usom.change_order('KCH-1', '{"lines": [{"line_no": 2, "remove": true}, {"line_no": 5, "remove": true}]}')$$);
-- Another price touches no piece; the components are free of charge whatever happens.
SELECT status FROM usom.change_order('KCH-1', '{"lines": [{"line_no": 5, "unit_price": 400}]}');
SELECT line_no, unit_price, total FROM usom.order_lines WHERE order_no = 'KCH-1' ORDER BY 1;
SELECT total FROM usom.orders WHERE order_no = 'KCH-1';
SELECT * FROM usom.verify();

-- What a kit is made of changes for those who order it from now on.
UPDATE usom.kit_component SET quantity = 14 WHERE component_product_id = usom.product_id('KCH-SLAT');
SELECT status FROM usom.change_order('KCH-1', '{"lines": [{"line_no": 5, "quantity": 2}]}');
SELECT sku, kit_quantity, quantity FROM usom.order_lines WHERE order_no = 'KCH-1' AND kit_line_no = 5 ORDER BY line_no;
-- A component that is retired, or gone, stops new orders and no others.
UPDATE usom.product SET active = false WHERE sku = 'KCH-SLAT';
SELECT pg_temp.refused($$SELECT usom.place_order('{"lines": [{"sku": "KCH-ROOM", "quantity": 1}]}')$$);
SELECT status FROM usom.change_order('KCH-1', '{"lines": [{"line_no": 5, "quantity": 1}]}');
UPDATE usom.product SET active = true WHERE sku = 'KCH-SLAT';

-- A batch: kits of many documents are planned together, and a document with a bad kit costs itself alone.
SELECT status FROM usom.cancel_order('KCH-1', NULL);
SELECT status FROM usom.cancel_order('KCH-2', NULL);
SELECT usom.available('KCH-ROOM');
SELECT ordinal, outcome, sqlstate, message FROM usom.place_orders('[{"external_id": "KCH-B1", "lines": [{"sku": "KCH-ROOM", "quantity": 3}]}, {"external_id": "KCH-B2", "lines": [{"sku": "KCH-ROOM", "quantity": 0.5}]},
	{"external_id": "KCH-B3", "lines": [{"sku": "KCH-SLAT", "quantity": 50, "partial": false}, {"sku": "KCH-ROOM", "quantity": 6, "partial": false}]}, {"external_id": "KCH-B4", "lines": [{"sku": "KCH-ROOM", "quantity": 9}]}]');
SELECT external_id, l.* FROM usom.orders o, pg_temp.lines(o.order_no) l WHERE external_id LIKE 'KCH-B_' ORDER BY 1, 2;
-- The same document again answers as the first time.
SELECT quantity_reserved, quantity_backordered, messages FROM usom.place_order('{"external_id": "KCH-B4", "lines": [{"sku": "KCH-ROOM", "quantity": 9}]}');
SELECT * FROM usom.verify();

-- Planned anew: a kit that waits is made up from what another gave up, and never in part.
SELECT order_no AS b1 FROM usom.orders WHERE external_id = 'KCH-B1' \gset
SELECT order_no AS b4 FROM usom.orders WHERE external_id = 'KCH-B4' \gset
SELECT status FROM usom.cancel_order(:'b1', NULL);
SELECT count(*) FROM usom.adjust_stock('KCH-A', 'KCH-SLAT', -5, 'split');
SELECT status FROM usom.reallocate_order(:'b4', 'others were cancelled');
SELECT * FROM pg_temp.lines(:'b4');
SELECT * FROM usom.fill_backorders();
-- By rules as well.
BEGIN;
INSERT INTO usom.sourcing_rule (code, skus, locations) VALUES ('KCH-RULE', ARRAY['KCH-BED'], ARRAY['KCH-B']);
SELECT status FROM usom.reallocate_order(:'b4', 'a rule');
SELECT * FROM pg_temp.lines(:'b4');
SELECT * FROM usom.verify();
ROLLBACK;

-- A kit of services alone is served at once; a kit can be much.
SELECT order_no AS o, quantity_reserved FROM usom.place_order('{"lines": [{"sku": "KCH-HELP", "quantity": 2, "unit_price": 30}]}') \gset
SELECT * FROM pg_temp.lines(:'o');
SELECT pg_temp.refused($$SELECT usom.available('KCH-HELP')$$);
SELECT pg_temp.refused($$SELECT usom.place_order('{"lines": [{"sku": "KCH-ROOM", "quantity": 99999999999}]}')$$);
SELECT pg_temp.refused($$SELECT usom.reserve_stock('KCH', 'KCH-A', 'KCH-ROOM', 1, '1 hour')$$);
-- Definitions that no document can use.
INSERT INTO usom.product (sku, kind) SELECT 'KCH-N' || n, 'kit' FROM generate_series(1, 22) n;
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity) SELECT usom.product_id('KCH-N' || n), usom.product_id('KCH-N' || n + 1), 1 FROM generate_series(1, 21) n;
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity) VALUES (usom.product_id('KCH-N22'), usom.product_id('KCH-LAMP'), 0.000001);
SELECT pg_temp.refused($$SELECT usom.place_order('{"lines": [{"sku": "KCH-N1", "quantity": 1}]}')$$);
SELECT status FROM usom.place_order('{"lines": [{"sku": "KCH-N9", "quantity": 1}]}');
UPDATE usom.kit_component SET quantity = 0.5 WHERE kit_product_id = usom.product_id('KCH-N21');
SELECT pg_temp.refused($$SELECT usom.place_order('{"lines": [{"sku": "KCH-N20", "quantity": 1}]}')$$);
SELECT * FROM usom.verify();
