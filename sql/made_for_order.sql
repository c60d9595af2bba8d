-- Made or bought for one buyer: indent, make-to-order, engineer-to-order, a product outside the catalogue, drop ship.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code) VALUES ('made');
SET usom.org = 'made';
INSERT INTO usom.location (code, kind) VALUES ('MFO-SHELF', 'warehouse'), ('MFO-PLANT', 'warehouse'), ('MFO-MILL', 'supplier');
INSERT INTO usom.product (sku, name, decoupling, weight, category) VALUES ('MFO-SHOE', 'Shoe', 'make_to_stock', 1, 'shoes'), ('MFO-BOOT', 'Boot to measure', 'make_to_order', 2, 'shoes'), ('MFO-SADDLE', 'Saddle', 'engineer_to_order', 9, NULL);
CREATE FUNCTION pg_temp.ask(type text, sku text, quantity numeric, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT p.order_no FROM usom.place_order(jsonb_build_object('order_type', type, 'lines', jsonb_build_array(jsonb_build_object('sku', sku, 'quantity', quantity, 'unit_price', 10) || more))) p
$$;
CREATE VIEW pg_temp.pieces AS SELECT o.order_type, p.sku, p.status, p.quantity, p.location, p.promised_at::date AS promised_on, p.order_no FROM usom.order_pieces p JOIN usom.orders o ON o.order_no = p.order_no;

-- Indent: the shoes that are bought for it are its own the moment they arrive; nobody else's fill, run or reallocation takes them.
SELECT pg_temp.ask('standard', 'MFO-SHOE', 5) AS early, pg_temp.ask('indent', 'MFO-SHOE', 30) AS indent \gset
SELECT usom.add_supply('purchase', 'MFO-SHELF', 'MFO-SHOE', 30, '2100-05-01', supply_no => 'MFO-PO', order_no => :'indent', line_no => 1);
SELECT order_type, status, quantity, promised_on FROM pg_temp.pieces WHERE order_no IN (:'early', :'indent') ORDER BY 1;
SELECT status, received, filled FROM usom.receive_supply('MFO-PO', 20);
SELECT order_type, status, quantity, location FROM pg_temp.pieces WHERE order_no IN (:'early', :'indent') ORDER BY 1, 2;
SELECT count(*) FROM usom.fill_backorders('MFO-SHOE');
SELECT status FROM usom.reallocate_order(:'indent', 'elsewhere?');
INSERT INTO usom.quota (code, sku, quantity) VALUES ('MFO-NONE', 'MFO-SHOE', 0);
SELECT status, received, filled FROM usom.receive_supply('MFO-PO');
UPDATE usom.quota SET active = false WHERE org_id = usom.current_org();
SELECT order_type, status, sum(quantity) AS quantity FROM pg_temp.pieces WHERE order_no IN (:'early', :'indent') GROUP BY 1, 2 ORDER BY 1;
-- Only cancelling lets go: then the early bird gets some.
SELECT status FROM usom.cancel_line(:'indent', 1, 4, 'four fewer');
SELECT line_no, quantity FROM usom.fill_backorders('MFO-SHOE');

-- Make-to-order: a boot is made for each order, whatever the type of the order says, and even if one stands on the shelf.
SELECT on_hand FROM usom.receive_stock('MFO-SHELF', 'MFO-BOOT', 1);
SELECT pg_temp.ask('standard', 'MFO-BOOT', 2) AS boot \gset
SELECT kind, line_no, message FROM usom.exceptions WHERE order_no = :'boot' AND resolved_at IS NULL;
SELECT usom.request_make(:'boot', 1, 'MFO-PLANT', due_at => '2100-06-01') AS make \gset
SELECT * FROM pg_temp.refused(format($$SELECT usom.request_make(%L, 1, 'MFO-PLANT')$$, :'boot'));
SELECT * FROM pg_temp.refused(format($$SELECT * FROM usom.receive_make(%L)$$, :'make'));
SELECT status, supply_no IS NOT NULL AS has_supply FROM usom.start_make(:'make', '2100-05-20');
SELECT * FROM pg_temp.refused(format($$SELECT * FROM usom.start_make(%L, '2100-05-20')$$, :'make'));
SELECT status, quantity, promised_on FROM pg_temp.pieces WHERE order_no = :'boot';
SELECT kind, resolved_at IS NOT NULL AS resolved FROM usom.exceptions WHERE order_no = :'boot';
SELECT status FROM usom.receive_make(:'make', 1);
SELECT status FROM usom.receive_make(:'make');
SELECT status, quantity, location FROM pg_temp.pieces WHERE order_no = :'boot' ORDER BY 1, 2;
SELECT status, quantity, received, approved_by, requested_by IS NOT NULL AS asked, ended_at IS NOT NULL AS ended FROM usom.make_orders WHERE order_no = :'boot';
-- Somebody may give the one on the shelf away by hand.
SELECT pg_temp.ask('make_to_order', 'MFO-BOOT', 1) AS shelf \gset
SELECT count(*) FROM usom.fill_backorders('MFO-BOOT');
SELECT status FROM usom.allocate_order(:'shelf');
SELECT status, quantity, location FROM pg_temp.pieces WHERE order_no = :'shelf';

-- Engineer-to-order: nothing is made before engineering has approved.
SELECT pg_temp.ask('standard', 'MFO-SADDLE', 1) AS saddle \gset
SELECT usom.request_make(:'saddle', 1, 'MFO-PLANT') AS make \gset
SELECT * FROM pg_temp.refused(format($$SELECT * FROM usom.start_make(%L, '2100-05-20')$$, :'make'));
SELECT status FROM usom.approve_make(:'make', 'drawing 7, revision B');
SELECT * FROM pg_temp.refused(format($$SELECT * FROM usom.approve_make(%L)$$, :'make'));
SELECT status FROM usom.start_make(:'make', '2100-05-20');
SELECT status, note, approved_by IS NOT NULL AS by_somebody FROM usom.make_orders WHERE order_no = :'saddle';
-- The customer cancels: production is told, and cancels, too.
SELECT status FROM usom.cancel_order(:'saddle', 'sold the horse');
SELECT kind, line_no, message FROM usom.exceptions WHERE order_no = :'saddle' AND resolved_at IS NULL;
SELECT status FROM usom.cancel_make(:'make', 'the customer has cancelled');
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.cancel_make('MO-none')$$);
SELECT * FROM usom.verify();

-- A product outside the catalogue, made on the spot: its own code, derived from another, through engineering.
SELECT order_no AS spot, quantity_backordered, messages FROM usom.place_order('{"lines": [
	{"sku": "MFO-BOOT-ANN", "quantity": 1, "unit_price": 450, "make": {"name": "Boot for Ann", "based_on": "MFO-BOOT", "attributes": {"left": 38.5, "right": 39, "leather": "calf"}}},
	{"sku": "MFO-BOOT-ANN", "quantity": 1, "unit_price": 450, "make": {}}]}') \gset
SELECT sku, name, category, trim_scale(weight) AS weight, decoupling, based_on, attributes FROM usom.product WHERE sku = 'MFO-BOOT-ANN' AND org_id = usom.current_org();
SELECT usom.request_make(:'spot', 1, 'MFO-PLANT') AS make \gset
SELECT status FROM usom.approve_make(:'make') UNION ALL SELECT status FROM usom.start_make(:'make', '2100-05-20') UNION ALL SELECT status FROM usom.receive_make(:'make');
SELECT line_no, status, quantity_reserved AS reserved, quantity_backordered AS backordered FROM usom.order_lines WHERE order_no = :'spot' ORDER BY 1;
-- What is there is not made again.
SELECT quantity_backordered FROM usom.place_order('{"lines": [{"sku": "MFO-BOOT-ANN", "quantity": 1, "unit_price": 1, "make": {"name": "Another"}}]}');
SELECT * FROM pg_temp.refused($$SELECT usom.place_order('{"lines": [{"sku": "MFO-X", "quantity": 1, "make": {"colour": "red"}}]}')$$);
SELECT * FROM pg_temp.refused($$SELECT usom.place_order('{"lines": [{"sku": "MFO-X", "quantity": 1, "make": {"attributes": "red"}}]}')$$);
SELECT * FROM pg_temp.refused($$SELECT usom.place_order('{"lines": [{"sku": "MFO-X", "quantity": 1, "make": {"based_on": "MFO-NONE"}}]}')$$);
CREATE ROLE usom_test_shop;
SELECT usom.grant_access('usom_test_shop', 'channel', channel => 'web');
SET ROLE usom_test_shop;
SELECT * FROM pg_temp.refused($$SELECT usom.place_order('{"channel": "web", "lines": [{"sku": "MFO-X", "quantity": 1, "make": {}}]}')$$);
RESET ROLE;
SELECT count(*) FROM usom.product WHERE sku = 'MFO-X';

-- E24: drop ship, partly received. The mill sends 10; it has 6 at first.
SELECT pg_temp.ask('drop_ship', 'MFO-SHOE', 10, '{"location": "MFO-MILL"}') AS drop \gset
SELECT usom.add_supply('drop_ship', 'MFO-MILL', 'MFO-SHOE', 10, '2100-05-01', supply_no => 'MFO-DS', order_no => :'drop', line_no => 1);
SELECT status, received, filled FROM usom.receive_supply('MFO-DS', 6);
SELECT status FROM usom.release_order(:'drop');
SELECT usom.ship(:'drop', NULL, 'MILL EXPRESS') AS s \gset
SELECT count(*) FROM usom.deliver(:'s');
-- The customer wants 8 now: the mill is asked, and agrees.
SELECT status FROM usom.change_order(:'drop', '{"lines": [{"line_no": 1, "quantity": 8}]}');
SELECT kind, reference, message FROM usom.exceptions WHERE order_no = :'drop' AND resolved_at IS NULL;
SELECT payload FROM usom.events WHERE order_no = :'drop' AND kind = 'supply_excess';
SELECT quantity, pegged FROM usom.change_supply('MFO-DS', 8, reason => 'the customer wants 8');
-- One of the last two is cancelled for good; what is delivered is what the mill has sent.
SELECT status FROM usom.cancel_line(:'drop', 1, 1, 'one fewer');
SELECT status, received, filled FROM usom.receive_supply('MFO-DS', 1, final => true);
SELECT status FROM usom.release_order(:'drop');
SELECT count(*) FROM usom.deliver(usom.ship(:'drop'));
SELECT status, quantity, quantity_delivered AS delivered, quantity_cancelled AS cancelled, quantity_backordered AS waiting FROM usom.order_lines WHERE order_no = :'drop';
SELECT status FROM usom.orders WHERE order_no = :'drop';
SELECT count(*) FROM usom.exceptions WHERE order_no = :'drop' AND resolved_at IS NULL;
-- More than the mill was asked for is asked of it anew.
SELECT pg_temp.ask('drop_ship', 'MFO-SHOE', 3) AS drop2 \gset
SELECT kind, message FROM usom.exceptions WHERE order_no = :'drop2' AND resolved_at IS NULL;
SELECT usom.add_supply('drop_ship', 'MFO-MILL', 'MFO-SHOE', 3, '2100-05-01', order_no => :'drop2', line_no => 1) IS NOT NULL AS asked;
SELECT count(*) FROM usom.exceptions WHERE order_no = :'drop2' AND resolved_at IS NULL;
SELECT status FROM usom.change_order(:'drop2', '{"lines": [{"line_no": 1, "quantity": 5}]}');
SELECT kind, message FROM usom.exceptions WHERE order_no = :'drop2' AND resolved_at IS NULL;
SELECT * FROM usom.verify();
SELECT FROM usom.revoke_access('usom_test_shop', 'channel', channel => 'web');
RESET usom.org;
DROP OWNED BY usom_test_shop;
DROP ROLE usom_test_shop;
