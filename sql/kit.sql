-- Kits: sold as one, served as their components.  E27, and the kit of E2.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
-- The lines of an order: what is in which state.
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
INSERT INTO usom.location (code, priority) VALUES ('KIT-A', 1), ('KIT-B', 2);
INSERT INTO usom.product (sku) VALUES ('KIT-CUP'), ('KIT-TIN'), ('KIT-TEA');
INSERT INTO usom.product (sku, kind) VALUES ('KIT-WRAP', 'service'), ('KIT-SET', 'kit'), ('KIT-HAMPER', 'kit'), ('KIT-EMPTY', 'kit');

-- A set is two cups in a tin, wrapped; a hamper is two sets and half a kilogram of tea.
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity) VALUES
	(usom.product_id('KIT-SET'), usom.product_id('KIT-CUP'), 2), (usom.product_id('KIT-SET'), usom.product_id('KIT-TIN'), 1),
	(usom.product_id('KIT-SET'), usom.product_id('KIT-WRAP'), 1),
	(usom.product_id('KIT-HAMPER'), usom.product_id('KIT-SET'), 2), (usom.product_id('KIT-HAMPER'), usom.product_id('KIT-TEA'), 0.5);
SELECT kit, policy, component, kind, quantity FROM usom.kits WHERE kit LIKE 'KIT-%' ORDER BY kit COLLATE "C", component COLLATE "C";
-- What makes no sense is refused when it is written.
SELECT pg_temp.refused($$INSERT INTO usom.kit_component (kit_product_id, component_product_id) VALUES (usom.product_id('KIT-SET'), usom.product_id('KIT-HAMPER'))$$);
SELECT pg_temp.refused($$INSERT INTO usom.kit_component (kit_product_id, component_product_id) VALUES (usom.product_id('KIT-SET'), usom.product_id('KIT-SET'))$$);
SELECT pg_temp.refused($$UPDATE usom.kit_component SET component_product_id = usom.product_id('KIT-HAMPER') WHERE component_product_id = usom.product_id('KIT-TIN')$$);
SELECT pg_temp.refused($$INSERT INTO usom.kit_component (kit_product_id, component_product_id) VALUES (usom.product_id('KIT-CUP'), usom.product_id('KIT-TIN'))$$);
SELECT pg_temp.is_refused($$INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity) VALUES (usom.product_id('KIT-SET'), usom.product_id('KIT-TEA'), 0)$$) AS of_nothing,
	pg_temp.is_refused($$INSERT INTO usom.kit_component (kit_product_id, component_product_id) VALUES (usom.product_id('KIT-SET'), 1)$$) AS of_nobody_knows_what,
	pg_temp.is_refused($$UPDATE usom.product SET kind = 'physical' WHERE sku = 'KIT-SET'$$) AS of_another_kind;
SELECT pg_temp.refused($$SELECT usom.place_order('{"lines": [{"sku": "KIT-EMPTY", "quantity": 1}]}')$$);
SELECT pg_temp.refused($$SELECT usom.place_order('{"external_id": "KIT-HALF", "lines": [{"sku": "KIT-SET", "quantity": 1.5}]}')$$);
-- A kit has no stock: it is as available as its components are.
SELECT usom.receive_stocks('[{"location": "KIT-A", "sku": "KIT-CUP", "quantity": 10}, {"location": "KIT-A", "sku": "KIT-TIN", "quantity": 2}, {"location": "KIT-B", "sku": "KIT-TEA", "quantity": 3}]');
SELECT usom.available('KIT-SET') AS sets, usom.available('KIT-SET', 'KIT-A') AS at_a, usom.available('KIT-SET', 'KIT-B') AS at_b,
	usom.available('KIT-HAMPER') AS hampers, usom.available('KIT-HAMPER', 'KIT-A') AS hampers_at_a;
SELECT pg_temp.refused($$SELECT usom.receive_stock('KIT-A', 'KIT-SET', 1)$$);
SELECT pg_temp.refused($$SELECT usom.available('KIT-EMPTY')$$);

-- E2: four sets and two cups share ten cups. The line of the kit has the price; its components follow it.
SELECT order_no AS o, total, quantity_reserved, quantity_backordered, messages FROM usom.place_order('{"lines": [{"sku": "KIT-SET", "quantity": 4, "unit_price": 25}, {"sku": "KIT-CUP", "quantity": 2, "unit_price": 2}]}') \gset
SELECT :'total' AS total, :'quantity_reserved' AS reserved, :'quantity_backordered' AS waits, :'messages' AS messages;
SELECT * FROM pg_temp.lines(:'o');
-- E27: tins are short. There are cups for four sets, but none is tied up for a part of a set.
SELECT * FROM pg_temp.shelf('KIT-%');
-- Why the kit waits, and why its cups do.
SELECT * FROM usom.why_not_allocated(:'o', 1) WHERE location LIKE 'KIT-%';
SELECT * FROM usom.why_not_allocated(:'o', 3) WHERE location LIKE 'KIT-%';
SELECT * FROM usom.verify();

-- Of four sets one goes: of each component its units and no others, least committed first.
SELECT status FROM usom.cancel_line(:'o', 1, 1, 'three will do');
SELECT * FROM pg_temp.lines(:'o');
SELECT pg_temp.refused(format('SELECT usom.cancel_line(%L, 3, 1, NULL)', :'o'));
SELECT pg_temp.refused(format('SELECT usom.cancel_line(%L, 1, 0.5, NULL)', :'o'));
SELECT pg_temp.refused(format('SELECT usom.cancel_line(%L, 1, 4, NULL)', :'o'));
SELECT pg_temp.refused(format('SELECT usom.change_order(%L, ''{"lines": [{"line_no": 4, "quantity": 9}]}'')', :'o'));
SELECT pg_temp.refused(format('UPDATE usom.order_line SET quantity = 9 WHERE line_no = 4 AND sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE order_no = %L)', :'o'));
SELECT pg_temp.is_refused(format('DELETE FROM usom.order_line WHERE line_no = 1 AND sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE order_no = %L)', :'o')) AS deleted_by_hand;

-- One set is shipped, as a set: no cup leaves without its tin.
SELECT status FROM usom.release_order(:'o');
SELECT pg_temp.refused(format('SELECT usom.ship(%L, ''[{"line_no": 3, "quantity": 2}]'')', :'o'));
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 1}]') AS s \gset
SELECT * FROM pg_temp.lines(:'o');
SELECT status FROM usom.orders WHERE order_no = :'o';
SELECT status FROM usom.deliver(:'s');
-- Tins come, elsewhere, and the set that waits is made up; what is left leaves, and is delivered.
SELECT on_hand FROM usom.receive_stock('KIT-B', 'KIT-TIN', 5);
SELECT line_no, quantity FROM usom.fill_backorders('KIT-TIN') ORDER BY 1;
SELECT * FROM pg_temp.lines(:'o');
SELECT status FROM usom.release_order(:'o');
SELECT count(*) AS shipments FROM regexp_split_to_table(usom.ship(:'o'), ', ') n, usom.deliver(n);
SELECT * FROM pg_temp.lines(:'o');
SELECT status, status_group FROM usom.orders WHERE order_no = :'o';

-- Back comes a set, as a set or in parts; a set is back when all of it is.
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 1}]', 'a crack') AS r \gset
SELECT * FROM usom.receive_return(:'r', '[{"line_no": 3, "quantity": 2}]');
SELECT * FROM pg_temp.lines(:'o') WHERE line_no IN (1, 3, 4);
SELECT * FROM usom.receive_return(:'r', '[{"line_no": 4, "quantity": 1}, {"line_no": 5, "quantity": 1}]');
SELECT * FROM pg_temp.lines(:'o') WHERE line_no IN (1, 3, 4);
SELECT pg_temp.refused(format('SELECT usom.authorize_return(%L, ''[{"line_no": 1, "quantity": 3}]'', NULL)', :'o'));
SELECT replace(subject, :'o', 'SO-#') AS subject, status, why FROM usom.explain_status(:'o') WHERE subject <> 'next step';
SELECT * FROM usom.verify();

-- A kit in a kit is taken apart to the bottom.
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "KIT-HAMPER", "quantity": 2, "unit_price": 80}]}') \gset
SELECT * FROM pg_temp.lines(:'o');
SELECT line_no, eligible, reason_code, reason FROM usom.explain_sourcing(:'o') WHERE location = 'KIT-B' ORDER BY 1;
SELECT status FROM usom.cancel_order(:'o', 'too much');
SELECT * FROM pg_temp.lines(:'o');

-- The other policy: components are reserved, and leave, on their own.
INSERT INTO usom.product (sku) VALUES ('KIT-FRAME'), ('KIT-WHEEL');
INSERT INTO usom.product (sku, kind, kit_policy) VALUES ('KIT-BIKE', 'kit', 'parts');
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity) VALUES (usom.product_id('KIT-BIKE'), usom.product_id('KIT-FRAME'), 1), (usom.product_id('KIT-BIKE'), usom.product_id('KIT-WHEEL'), 2);
SELECT usom.receive_stocks('[{"location": "KIT-A", "sku": "KIT-FRAME", "quantity": 2}, {"location": "KIT-B", "sku": "KIT-WHEEL", "quantity": 3}]');
SELECT usom.available('KIT-BIKE'), usom.available('KIT-BIKE', 'KIT-A') AS at_a;
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "KIT-BIKE", "quantity": 2, "unit_price": 300}]}') \gset
SELECT * FROM pg_temp.lines(:'o');
SELECT status FROM usom.release_order(:'o');
SELECT cardinality(regexp_split_to_array(usom.ship(:'o'), ', ')) AS shipments;
SELECT * FROM pg_temp.lines(:'o');
-- A frame has left for each bicycle, so none of them may be cancelled.
SELECT pg_temp.refused(format('SELECT usom.cancel_line(%L, 1, 1, NULL)', :'o'));
SELECT * FROM usom.verify();
