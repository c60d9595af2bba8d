-- Stripes: the stock of one place in several rows.  Who gets what stays the same; nobody waits.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code) VALUES ('stripes');
SET usom.org = 'stripes';
INSERT INTO usom.location (code, priority) VALUES ('STR-1', 1), ('STR-2', 2);
INSERT INTO usom.product (sku) VALUES ('STR-HOT'), ('STR-COLD'), ('STR-NEW');
INSERT INTO usom.product (sku, tracking) VALUES ('STR-LOT', 'lot');
INSERT INTO usom.product (sku, kind) VALUES ('STR-WORK', 'service');
SELECT usom.receive_stocks('[{"location": "STR-1", "sku": "STR-HOT", "quantity": 1000}, {"location": "STR-1", "sku": "STR-COLD", "quantity": 1000}]');
CREATE FUNCTION pg_temp.place(number text, VARIADIC lines text[]) RETURNS TABLE (status text, reserved numeric, backordered numeric) LANGUAGE sql AS $$
	SELECT p.status, p.quantity_reserved, p.quantity_backordered FROM usom.place_order(jsonb_build_object('external_id', number, 'lines', (
		SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('sku', split_part(l, ' ', 1), 'quantity', split_part(l, ' ', 2)::numeric, 'unit_price', 1,
			'location', nullif(split_part(l, ' ', 3), ''))) ORDER BY n) FROM unnest(lines) WITH ORDINALITY AS u (l, n)))) p
$$;
CREATE FUNCTION pg_temp.shelf() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('%s at %s: %s on hand, %s reserved, %s available; %s stripes have %s', p.sku, p.location, p.on_hand, p.reserved, p.available,
		count(t.stripe), coalesce(sum(t.free), 0))
	FROM usom.stock_position p LEFT JOIN usom.stock_stripes t USING (sku, location)
	GROUP BY p.sku, p.location, p.on_hand, p.reserved, p.available ORDER BY p.sku, p.location
$$;

-- Set by hand.  What there is stays what it was; so does what is available.
SELECT * FROM usom.set_stock_stripes('STR-HOT', 'STR-1', 4);
SELECT * FROM usom.stock_stripes ORDER BY stripe;
SELECT * FROM pg_temp.shelf();
SELECT usom.available('STR-HOT'), usom.available('STR-HOT', 'STR-1');
-- The same again changes nothing, fewer and more gather and deal out anew, and one is none.
SELECT * FROM usom.set_stock_stripes('STR-HOT', 'STR-1', 4);
SELECT * FROM pg_temp.shelf();
SELECT * FROM usom.set_stock_stripes('STR-HOT', 'STR-1', 1);
SELECT * FROM pg_temp.shelf();
SELECT * FROM usom.set_stock_stripes('STR-HOT', 'STR-1', 9);
SELECT * FROM usom.set_stock_stripes('STR-HOT', 'STR-1', 3);
SELECT * FROM pg_temp.shelf();
-- Before the first receipt, too.
SELECT * FROM usom.set_stock_stripes('STR-NEW', 'STR-2', 2);
SELECT * FROM usom.verify();
-- What is refused.
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.set_stock_stripes('STR-LOT', 'STR-1', 4)$$);
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.set_stock_stripes('STR-WORK', 'STR-1', 4)$$);
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.set_stock_stripes('STR-NONE', 'STR-1', 4)$$);
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.set_stock_stripes('STR-HOT', 'STR-NONE', 4)$$);
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.set_stock_stripes('STR-HOT', 'STR-1', 257)$$);
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.set_stock_stripes('STR-HOT', 'STR-1', -1)$$);
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.set_stock_stripes('STR-HOT', 'STR-1', NULL)$$);
SELECT * FROM pg_temp.refused($$UPDATE usom.stock_stripe SET free = free + 1$$);
SELECT count(*) FROM usom.receive_stock('STR-2', 'STR-COLD', 5, 'STR-L1');
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.set_stock_stripes('STR-COLD', 'STR-2', 2)$$);
SELECT count(*) FROM usom.adjust_stock('STR-2', 'STR-COLD', -5, 'found none', 'STR-L1');

-- An order takes from a stripe, and the row of stock is not touched; of what is cold, from its row.
SELECT s.xmin AS row_before FROM usom.stock s WHERE s.product_id = usom.product_id('STR-HOT') \gset
SELECT * FROM pg_temp.place('1', 'STR-COLD 2', 'STR-HOT 3', 'STR-HOT 4');
SELECT s.xmin = :'row_before' AS untouched FROM usom.stock s WHERE s.product_id = usom.product_id('STR-HOT');
SELECT * FROM pg_temp.shelf();
SELECT sum(takes) AS takes FROM usom.stock_stripes;
-- So does a batch, a line that names the place, and a line that takes no part.
SELECT outcome FROM usom.place_orders('[{"external_id": "2", "lines": [{"sku": "STR-HOT", "quantity": 1, "unit_price": 1}]},
	{"external_id": "3", "lines": [{"sku": "STR-HOT", "quantity": 2, "unit_price": 1, "location": "STR-1"}]},
	{"external_id": "4", "lines": [{"sku": "STR-HOT", "quantity": 3, "unit_price": 1, "partial": false}]}]');
SELECT s.xmin = :'row_before' AS untouched FROM usom.stock s WHERE s.product_id = usom.product_id('STR-HOT');
-- What is cancelled, and what is shipped, is the row's.
SELECT c.status FROM usom.orders o, usom.cancel_order(o.order_no, 'no') c WHERE external_id = '2';
SELECT r.status FROM usom.orders o, usom.release_order(o.order_no) r WHERE external_id = '1';
SELECT count(usom.ship(o.order_no)) FROM usom.orders o WHERE external_id = '1';
SELECT * FROM pg_temp.shelf();
SELECT * FROM usom.verify();
-- An order that wants more than a stripe has gathers them, and deals out what it leaves, in parts that serve some like itself.
SELECT * FROM pg_temp.place('5', 'STR-HOT 400');
SELECT * FROM pg_temp.shelf();
SELECT * FROM pg_temp.place('6', 'STR-HOT 20');
SELECT * FROM pg_temp.shelf();
-- Who decides on the whole sees the whole.
SELECT * FROM usom.set_safety('STR-1', 'STR-HOT', 100);
SELECT * FROM pg_temp.shelf();
SELECT * FROM pg_temp.place('7', 'STR-HOT 10');
SELECT * FROM pg_temp.shelf();
SELECT usom.reserve_stock('STR-cart', 'STR-1', 'STR-HOT', 300, '1 hour') > 0 AS kept;
SELECT * FROM pg_temp.refused($$SELECT usom.reserve_stock('STR-more', 'STR-1', 'STR-HOT', 170, '1 hour')$$);
SELECT * FROM pg_temp.shelf();
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.adjust_stock('STR-1', 'STR-HOT', -570, 'gone')$$);
SELECT * FROM usom.adjust_stock('STR-1', 'STR-HOT', -60, 'broken');
SELECT * FROM pg_temp.place('8', 'STR-HOT 1');
SELECT * FROM usom.count_stock('STR-1', 'STR-HOT', 900);
SELECT * FROM pg_temp.place('9', 'STR-HOT 1');
SELECT status, quantity_reserved AS reserved FROM usom.place_order('{"external_id": "10", "reservation_owner": "STR-cart", "lines": [{"sku": "STR-HOT", "quantity": 300, "unit_price": 1}]}');
SELECT * FROM pg_temp.shelf();
SELECT * FROM usom.verify();
-- To the last unit, and not one more; a sold-out product costs its row no lock.
SELECT * FROM usom.set_safety('STR-1', 'STR-HOT', 0);
SELECT sum(reserved) AS reserved, sum(backordered) AS backordered FROM generate_series(1, 200) n, pg_temp.place('last ' || n, 'STR-HOT 1');
SELECT * FROM pg_temp.shelf();
SELECT s.xmin AS row_before, s.xmax AS lock_before FROM usom.stock s WHERE s.product_id = usom.product_id('STR-HOT') \gset
SELECT * FROM pg_temp.place('late', 'STR-HOT 1');
SELECT s.xmin = :'row_before' AND s.xmax = :'lock_before' AS untouched FROM usom.stock s WHERE s.product_id = usom.product_id('STR-HOT');
-- A delivery goes to the row; the next order deals it out, who waits is filled.
SELECT * FROM usom.receive_stock('STR-1', 'STR-HOT', 500);
SELECT sum(quantity) AS filled FROM usom.fill_backorders('STR-HOT');
SELECT * FROM pg_temp.shelf();
SELECT * FROM pg_temp.place('then', 'STR-HOT 1');
SELECT * FROM pg_temp.shelf();
SELECT * FROM usom.verify();

-- The first location by priority serves, in stripes or not.
SELECT count(*) FROM usom.receive_stock('STR-2', 'STR-HOT', 500), usom.set_stock_stripes('STR-HOT', 'STR-2', 3);
SELECT * FROM pg_temp.place('first', 'STR-HOT 1');
SELECT * FROM pg_temp.place('named', 'STR-HOT 2 STR-2');
UPDATE usom.location SET priority = 0 WHERE code = 'STR-2';
SELECT * FROM pg_temp.place('other first', 'STR-HOT 4');
UPDATE usom.location SET active = false WHERE code = 'STR-2';
SELECT * FROM pg_temp.place('not active', 'STR-HOT 8');
UPDATE usom.location SET active = true, priority = 2 WHERE code = 'STR-2';
-- More than the first location has: the other serves it whole.
SELECT * FROM pg_temp.place('whole', 'STR-HOT 450');
SELECT external_id, location, quantity FROM usom.order_pieces JOIN usom.orders USING (order_no)
WHERE external_id IN ('first', 'named', 'other first', 'not active', 'whole') ORDER BY placed_at, external_id;
SELECT * FROM pg_temp.shelf();
SELECT * FROM usom.verify();

-- Statements: none more where nothing is in stripes; a look, a run and a write for a product that is.
CREATE FUNCTION pg_temp.statements(command text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint;
BEGIN
	EXECUTE command;
	before := usom._statement_count();
	EXECUTE command;
	RETURN usom._statement_count() - before;
END
$$;
SELECT usom.set_stock_stripes('STR-HOT', l, n) FROM (VALUES ('STR-2', 0), ('STR-1', 8)) AS v (l, n) \g /dev/null
SELECT usom.receive_stock('STR-1', 'STR-HOT', 1000), usom.receive_stock('STR-1', 'STR-NEW', 1000), usom.adjust_stock('STR-2', 'STR-HOT', -(usom.available('STR-HOT', 'STR-2')), 'gone'),
	usom.set_stock_stripes('STR-NEW', 'STR-1', 8) \g /dev/null
SELECT pg_temp.statements($$SELECT pg_temp.place(NULL, 'STR-COLD 1')$$) AS cold,
	pg_temp.statements($$SELECT pg_temp.place(NULL, 'STR-HOT 1')$$) - pg_temp.statements($$SELECT pg_temp.place(NULL, 'STR-COLD 1')$$) AS more_for_hot,
	pg_temp.statements($$SELECT pg_temp.place(NULL, 'STR-HOT 1', 'STR-HOT 2', 'STR-HOT 3')$$) - pg_temp.statements($$SELECT pg_temp.place(NULL, 'STR-COLD 1')$$) AS more_for_three_lines;
SELECT * FROM usom.verify();
RESET usom.org;
