-- Orders that customers fetch, and the kinds of locations that send: stores, suppliers, other people's warehouses.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
\set ON_ERROR_ROLLBACK on
SET LOCAL timezone = 'UTC';
SET LOCAL client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('pickup');
SET LOCAL usom.org = 'pickup';
UPDATE usom.document_counter SET gap_free = true;
INSERT INTO usom.hold_type (code, blocks) VALUES ('frozen', '{change}');
INSERT INTO usom.location (code, kind, priority, picks_up, latitude, longitude) VALUES ('CENTRAL', 'warehouse', 1, false, 52.5, 13.4),
	('MITTE', 'store', 10, true, 52.52, 13.40), ('WEST', 'store', 11, true, 52.51, 13.32), ('POTSDAM', 'store', 12, true, 52.40, 13.06), ('KIOSK', 'store', 13, true, NULL, NULL), ('SHUT', 'store', 14, true, 52.52, 13.41);
UPDATE usom.location SET active = false WHERE code = 'SHUT';
INSERT INTO usom.product (sku, kind) VALUES ('CUP', 'physical'), ('POT', 'physical'), ('WRAP', 'service');
SELECT count(*) FROM (VALUES ('CENTRAL', 'CUP', 100), ('CENTRAL', 'POT', 100), ('MITTE', 'CUP', 3), ('MITTE', 'POT', 2), ('WEST', 'CUP', 1), ('POTSDAM', 'CUP', 9), ('POTSDAM', 'POT', 9), ('KIOSK', 'CUP', 4), ('SHUT', 'CUP', 9)) AS s (location, sku, quantity),
	LATERAL usom.receive_stock(s.location, s.sku, s.quantity);
CREATE FUNCTION pg_temp.pieces(external_id text) RETURNS TABLE (line_no integer, pieces text) LANGUAGE sql AS $$
	SELECT p.line_no, string_agg(format('%s %s%s', trim_scale(p.quantity), p.status, ' at ' || p.location), ', ' ORDER BY p.status, p.quantity DESC)
	FROM usom.order_pieces p JOIN usom.orders o USING (order_no) WHERE o.external_id = pieces.external_id GROUP BY p.line_no ORDER BY p.line_no
$$;
CREATE FUNCTION pg_temp.no(external_id text) RETURNS text LANGUAGE sql AS $$SELECT order_no FROM usom.orders o WHERE o.external_id = no.external_id$$;

-- Reserved where it is fetched, however near the warehouse is; a line without a location goes where the others go, a service goes along.
SELECT status, quantity_reserved, quantity_backordered, messages FROM usom.place_order('{"order_type": "pick_up", "external_id": "F1",
	"lines": [{"sku": "CUP", "quantity": 2, "unit_price": 1}, {"sku": "POT", "quantity": 1, "unit_price": 1, "location": "MITTE"}, {"sku": "WRAP", "quantity": 1, "unit_price": 1}]}');
SELECT * FROM pg_temp.pieces('F1');
-- The store is short: where else, nearest first; what has no coordinates last, what is shut not at all.
SELECT quantity_reserved, quantity_backordered, promised_at, jsonb_pretty(messages) FROM usom.place_order('{"order_type": "pick_up", "external_id": "F2",
	"lines": [{"sku": "CUP", "quantity": 4, "unit_price": 1, "location": "MITTE"}, {"sku": "POT", "quantity": 1, "unit_price": 1}]}');
SELECT * FROM usom.pickup_alternatives(pg_temp.no('F2'));
SELECT kind, line_no, message, open FROM usom.exceptions WHERE order_no = pg_temp.no('F2') ORDER BY raised_at, line_no;
-- Nothing sends it instead: not a run, not a new plan, not a rule that would.
INSERT INTO usom.sourcing_rule (code, order_types, locations) VALUES ('all from the warehouse', '{pick_up}', '{CENTRAL}');
SELECT status FROM usom.allocate_order(pg_temp.no('F2'));
SELECT status FROM usom.reallocate_order(pg_temp.no('F2'), 'perhaps elsewhere');
SELECT count(*) FROM usom.fill_backorders();
SELECT * FROM pg_temp.pieces('F2');
SELECT location, eligible, reason_code FROM usom.explain_sourcing(pg_temp.no('F2')) WHERE line_no = 1 ORDER BY location COLLATE "C";
UPDATE usom.sourcing_rule SET active = false;

-- To another store: all of it moves, the case is closed, the customer hears of it, and the history has one row.
SELECT status, version FROM usom.move_pickup(pg_temp.no('F2'), 'POTSDAM', 'the customer lives there');
SELECT * FROM pg_temp.pieces('F2');
SELECT kind, line_no, open, resolution FROM usom.exceptions WHERE order_no = pg_temp.no('F2') ORDER BY line_no;
SELECT event_no, kind, payload FROM usom.events WHERE order_no = pg_temp.no('F2');
SELECT event, reason, reference FROM usom.order_history h JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.external_id = 'F2' AND h.event = 'move_pickup';
SELECT status, version FROM usom.move_pickup(pg_temp.no('F2'), 'POTSDAM', 'again');
SELECT available FROM usom.stock_position WHERE location = 'MITTE' AND sku = 'CUP';
-- A store with less than all of it: the rest waits there.
SELECT status FROM usom.move_pickup(pg_temp.no('F2'), 'WEST', 'changed her mind');
SELECT * FROM pg_temp.pieces('F2');
SELECT line_no, location, distance_km, available, wanted, serves_all FROM usom.pickup_alternatives(pg_temp.no('F2'));
SELECT kind, line_no, open FROM usom.exceptions WHERE order_no = pg_temp.no('F2') AND open ORDER BY line_no;
-- What is cancelled waits no longer.
SELECT status FROM usom.cancel_line(pg_temp.no('F2'), 2, 1, 'not needed');
SELECT line_no FROM usom.exceptions WHERE order_no = pg_temp.no('F2') AND open;
-- Stock comes to the store: filled there.
SELECT count(*) FROM usom.receive_stock('WEST', 'CUP', 10), usom.fill_backorders();
SELECT * FROM pg_temp.pieces('F2');
SELECT count(*) FROM usom.exceptions WHERE order_no = pg_temp.no('F2') AND open;
-- Handed out like any order.
SELECT status FROM usom.release_order(pg_temp.no('F2'));
SELECT status FROM usom.move_pickup(pg_temp.no('F2'), 'MITTE', 'too late');
SELECT usom.ship(pg_temp.no('F2')) IS NOT NULL AS handed_out;
SELECT location FROM usom.shipments WHERE order_no = pg_temp.no('F2');
SELECT status FROM usom.move_pickup(pg_temp.no('F2'), 'MITTE', 'too late');

-- Places that are none.
SELECT * FROM usom.place_order('{"order_type": "pick_up", "external_id": "F3", "lines": [{"sku": "CUP", "quantity": 1}]}');
SELECT * FROM usom.place_order('{"order_type": "pick_up", "external_id": "F3", "lines": [{"sku": "CUP", "quantity": 1, "location": "CENTRAL"}]}');
SELECT * FROM usom.place_order('{"order_type": "pick_up", "external_id": "F3", "lines": [{"sku": "CUP", "quantity": 1, "location": "WEST"}, {"sku": "POT", "quantity": 1, "location": "MITTE"}]}');
SELECT ordinal, outcome, sqlstate, message FROM usom.place_orders('[{"order_type": "pick_up", "external_id": "F4", "lines": [{"sku": "CUP", "quantity": 1, "unit_price": 1, "location": "MITTE"}]},
	{"order_type": "pick_up", "external_id": "F5", "lines": [{"sku": "CUP", "quantity": 1}]}]');
SELECT status FROM usom.place_order('{"order_type": "pick_up", "external_id": "F6", "lines": [{"sku": "WRAP", "quantity": 1, "unit_price": 1}]}');
SELECT * FROM usom.change_order(pg_temp.no('F1'), '{"lines": [{"sku": "POT", "quantity": 1, "unit_price": 1}]}');
SELECT * FROM usom.change_order(pg_temp.no('F1'), '{"lines": [{"line_no": 2, "location": "WEST"}]}');
SELECT * FROM usom.change_order(pg_temp.no('F4'), '{"lines": [{"line_no": 1, "location": "CENTRAL"}]}');
SELECT status FROM usom.change_order(pg_temp.no('F4'), '{"lines": [{"line_no": 1, "location": "WEST"}]}');
SELECT l.line_no, o.code FROM usom.order_line l JOIN usom.sales_order s USING (org_id, sales_order_id) LEFT JOIN usom.location o USING (org_id, location_id) WHERE s.external_id = 'F1' ORDER BY 1;
SELECT * FROM pg_temp.pieces('F4');
-- In plain SQL: a draft may be incomplete, an order may not.
INSERT INTO usom.sales_order (order_no, order_type, external_id) VALUES ('F7', 'pick_up', 'F7');
INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity) SELECT sales_order_id, 1, usom.product_id('CUP'), 1 FROM usom.sales_order WHERE order_no = 'F7';
UPDATE usom.sales_order SET status = 'submitted' WHERE order_no = 'F7';
UPDATE usom.order_line l SET location_id = usom.location_id('MITTE') FROM usom.sales_order o WHERE o.sales_order_id = l.sales_order_id AND o.order_no = 'F7';
UPDATE usom.sales_order SET status = 'submitted' WHERE order_no = 'F7';
SELECT * FROM pg_temp.pieces('F7');
-- Orders that are sent are not moved; and a hold holds.
SELECT order_no AS sent FROM usom.place_order('{"lines": [{"sku": "CUP", "quantity": 1, "unit_price": 1}]}') \gset
SELECT * FROM usom.move_pickup(:'sent', 'MITTE', 'x');
SELECT * FROM usom.pickup_alternatives(:'sent');
SELECT * FROM usom.pickup_alternatives('none');
SELECT * FROM usom.move_pickup(pg_temp.no('F7'), 'CENTRAL', 'x');
SELECT * FROM usom.move_pickup(pg_temp.no('F7'), 'nowhere', 'x');
SELECT status FROM usom.hold_order(pg_temp.no('F7'), 'frozen', 'asks');
SELECT * FROM usom.move_pickup(pg_temp.no('F7'), 'WEST', 'x');
SELECT * FROM pg_temp.pieces('F7');

-- What a store keeps for its shop is for those who come to the shop; a store that sends nothing still hands out.
UPDATE usom.location SET protected_quantity = 2, ships = false WHERE code = 'WEST';
SELECT available FROM usom.stock_position WHERE location = 'WEST' AND sku = 'CUP';
-- No carrier is waited for.
INSERT INTO usom.service_level (code) VALUES ('slow');
INSERT INTO usom.transit_time (service_level_id, days) SELECT service_level_id, 5 FROM usom.service_level;
SELECT quantity_reserved, quantity_backordered FROM usom.place_order('{"order_type": "pick_up", "external_id": "F8", "lines": [{"sku": "CUP", "quantity": 8, "unit_price": 1, "location": "WEST"}]}');
SELECT * FROM pg_temp.pieces('F8');
SELECT p.promised_at < now() + interval '1 day' AS today FROM usom.order_pieces p JOIN usom.orders o USING (order_no) WHERE o.external_id = 'F8' AND p.status = 'reserved';
SELECT promised_at < now() + interval '1 day' AS today, cost FROM usom.explain_sourcing(pg_temp.no('F8')) WHERE location = 'WEST';

-- ---- who sends ----

INSERT INTO usom.location (code, kind, priority, latitude, longitude) VALUES ('FACTORY', 'supplier', 30, 48.1, 11.6), ('PARTNER', 'third_party', 20, 53.5, 10.0);
UPDATE usom.location SET active = false WHERE code NOT IN ('FACTORY', 'PARTNER', 'POTSDAM');
UPDATE usom.location SET protected_quantity = 2 WHERE code = 'POTSDAM';
INSERT INTO usom.product (sku) VALUES ('LAMP');
SELECT count(*) FROM (VALUES ('POTSDAM', 5), ('PARTNER', 5), ('FACTORY', 50)) AS s (location, quantity), LATERAL usom.receive_stock(s.location, 'LAMP', s.quantity);
CREATE FUNCTION pg_temp.send(n integer, quantity numeric) RETURNS TABLE (line_no integer, pieces text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM usom.place_order(jsonb_build_object('external_id', 'S' || n, 'ship_to', '{"country": "DE", "latitude": 52.4, "longitude": 13.0}'::jsonb, 'lines', jsonb_build_array(jsonb_build_object('sku', 'LAMP', 'quantity', quantity, 'unit_price', 1))));
	RETURN QUERY SELECT * FROM pg_temp.pieces('S' || n);
END
$$;
-- by distance: the store sends what it does not keep, then the partner, the supplier last
INSERT INTO usom.sourcing_rule (code, location_order) VALUES ('near', 'distance');
SELECT * FROM pg_temp.send(1, 3);
SELECT * FROM pg_temp.send(2, 1);
SELECT * FROM pg_temp.send(3, 40);
-- by kind
UPDATE usom.sourcing_rule SET location_kinds = '{supplier}';
SELECT * FROM pg_temp.send(4, 1);
UPDATE usom.sourcing_rule SET location_kinds = '{third_party}';
SELECT * FROM pg_temp.send(5, 2);
UPDATE usom.sourcing_rule SET location_kinds = '{store}';
SELECT * FROM pg_temp.send(6, 1);
-- a store that sends nothing, a partner that is not asked any more
UPDATE usom.sourcing_rule SET location_kinds = NULL;
UPDATE usom.location SET ships = false WHERE code = 'FACTORY';
SELECT * FROM pg_temp.send(7, 9);
SELECT * FROM usom.verify();
ROLLBACK;
