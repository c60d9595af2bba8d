-- Pick-ups from the shelf of a store to the customer: ready, in parts, late, put back; and what is refused.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code) VALUES ('ready');
SET usom.org = 'ready';
INSERT INTO usom.location (code, kind, picks_up, time_zone, pickup_days) VALUES ('MITTE', 'store', true, 'Europe/Berlin', 2), ('WEST', 'store', true, 'UTC', 0);
INSERT INTO usom.location (code) VALUES ('CENTRAL');
INSERT INTO usom.product (sku, kind) VALUES ('CUP', 'physical'), ('POT', 'physical'), ('WRAP', 'service'), ('SET', 'kit');
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity) VALUES (usom.product_id('SET'), usom.product_id('CUP'), 2), (usom.product_id('SET'), usom.product_id('POT'), 1);
SELECT usom.receive_stocks('[{"location": "MITTE", "sku": "CUP", "quantity": 10}, {"location": "MITTE", "sku": "POT", "quantity": 5}, {"location": "WEST", "sku": "CUP", "quantity": 9}, {"location": "CENTRAL", "sku": "CUP", "quantity": 9}]');
CREATE FUNCTION pg_temp.ask(lines jsonb, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT order_no FROM usom.place_order(jsonb_build_object('order_type', 'pick_up', 'lines', lines) || more)
$$;
CREATE VIEW pg_temp.pieces AS SELECT order_no, line_no, string_agg(format('%s %s%s', trim_scale(quantity), status, ' at ' || location), ', ' ORDER BY status, quantity) AS pieces FROM usom.order_pieces GROUP BY 1, 2 ORDER BY 1, 2;

-- The window ends with a day of the store's own clock, so many days after the one on which it is told.
SELECT pg_temp.ask('[{"sku": "CUP", "quantity": 2, "unit_price": 3, "location": "MITTE"}, {"sku": "WRAP", "quantity": 1, "unit_price": 1}]') AS a \gset
SELECT (collect_until AT TIME ZONE 'Europe/Berlin')::time AS until, (collect_until AT TIME ZONE 'Europe/Berlin')::date - (now() AT TIME ZONE 'Europe/Berlin')::date AS days FROM usom.ready_pickup(:'a');
SELECT line_no, pieces FROM pg_temp.pieces WHERE order_no = :'a';
SELECT status, version FROM usom.ready_pickup(:'a', '2099-01-01');
SELECT kind, payload->>'quantity' AS quantity FROM usom.events WHERE order_no = :'a';
-- The customer takes one, and comes back for the other; the wrapping goes with the last.
SELECT usom.collect_pickup(:'a', '[{"line_no": 1, "quantity": 1}]') IS NOT NULL AS fetched;
SELECT status, quantity_ready, open FROM usom.pickups WHERE order_no = :'a';
SELECT usom.collect_pickup(:'a') = usom.collect_pickup(:'a') AS repeats;
SELECT line_no, pieces FROM pg_temp.pieces WHERE order_no = :'a';
SELECT status, quantity_ready, open FROM usom.pickups WHERE order_no = :'a';
SELECT kind FROM usom.events WHERE order_no = :'a' ORDER BY event_no;

-- What is there is put aside, the rest when it comes: the time begins anew.
SELECT pg_temp.ask('[{"sku": "CUP", "quantity": 11, "unit_price": 3, "location": "MITTE"}]') AS b \gset
SELECT status, collect_until FROM usom.ready_pickup(:'b', '2099-01-01');
SELECT line_no, pieces FROM pg_temp.pieces WHERE order_no = :'b';
SELECT count(*) FROM usom.receive_stock('MITTE', 'CUP', 9), usom.fill_backorders();
SELECT status, collect_until FROM usom.ready_pickup(:'b', '2099-02-01');
SELECT status, quantity_ready, collect_until FROM usom.pickups WHERE order_no = :'b';
-- Shipped by the plain verb, the row ends as well.
SELECT usom.ship(:'b') IS NOT NULL AS shipped;
SELECT status, open FROM usom.pickups WHERE order_no = :'b';
-- An order that ships complete is put aside as a whole.
SELECT pg_temp.ask('[{"sku": "CUP", "quantity": 9, "unit_price": 3, "location": "MITTE"}]', '{"ship_complete": true}') AS whole \gset
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.ready_pickup(%L)', :'whole'));
SELECT status FROM usom.cancel_order(:'whole', 'no');
-- Kits.
SELECT pg_temp.ask('[{"sku": "SET", "quantity": 1, "unit_price": 9, "location": "MITTE"}]') AS kit \gset
SELECT status FROM usom.ready_pickup(:'kit');
SELECT usom.collect_pickup(:'kit') IS NOT NULL AS fetched;
SELECT line_no, sku, status, quantity_delivered FROM usom.order_lines WHERE order_no = :'kit' ORDER BY 1;

-- Late: missed as soon as somebody looks, still there until it is put back.
SELECT pg_temp.ask('[{"sku": "CUP", "quantity": 2, "unit_price": 3, "location": "WEST"}]', '{"payment": {"method": "card", "reference": "psp-1", "authorized": 6}}') AS c,
	pg_temp.ask('[{"sku": "CUP", "quantity": 1, "unit_price": 3, "location": "WEST"}]') AS d,
	pg_temp.ask('[{"sku": "CUP", "quantity": 9, "unit_price": 3, "location": "WEST"}]') AS e,
	pg_temp.ask('[{"sku": "CUP", "quantity": 1, "unit_price": 3, "location": "MITTE"}]') AS f \gset
SELECT r.status FROM unnest(ARRAY[:'c', :'d', :'e', :'f']) WITH ORDINALITY AS o (no, n), usom.ready_pickup(o.no, clock_timestamp() + interval '2 seconds') r ORDER BY o.n;
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.ready_pickup(%L, now())', :'c'));
SELECT pg_sleep(2.1);
SELECT status, quantity_ready FROM usom.pickups WHERE open AND location = 'WEST' ORDER BY 2;
SELECT usom.collect_pickup(:'d') IS NOT NULL AS late_and_fetched;
SELECT status FROM usom.hold_order(:'f', 'court', 'a lawyer asks');
INSERT INTO usom.hold_type (code, blocks) VALUES ('frozen', '{cancel}');
SELECT status FROM usom.hold_order(:'f', 'frozen', 'a lawyer asks');
SELECT status, quantity FROM usom.put_back_pickups(reason => 'nobody came') ORDER BY quantity;
SELECT * FROM usom.put_back_pickups();
SELECT line_no, pieces FROM pg_temp.pieces WHERE order_no IN (:'c', :'e') ORDER BY pieces;
SELECT on_hand, reserved FROM usom.stock_position WHERE location = 'WEST';
SELECT status, reason, open FROM usom.pickups WHERE order_no IN (:'c', :'e');
SELECT kind, payload - 'collect_until' - 'request' AS payload FROM usom.events WHERE order_no = :'c' ORDER BY event_no;
SELECT kind, amount, status FROM usom.payment_requests WHERE order_no = :'c';
SELECT event, quantity, reason FROM usom.order_history h JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.order_no = :'c' ORDER BY h.version;
-- A hold keeps what is cancelled by nobody; named, it is said.
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.put_back_pickups(order_no => %L)', :'f'));
SELECT status FROM usom.release_hold(:'f', 'frozen', 'done');
SELECT status, quantity FROM usom.put_back_pickups('MITTE', :'f', 'nobody came');

-- What is refused.
SELECT order_no AS sent FROM usom.place_order('{"lines": [{"sku": "CUP", "quantity": 1, "unit_price": 3}]}') \gset
SELECT pg_temp.ask('[{"sku": "CUP", "quantity": 1, "unit_price": 3, "location": "MITTE"}]') AS g \gset
SELECT v.verb, r.* FROM unnest(ARRAY['ready_pickup(%L)', 'collect_pickup(%L)', 'reject_pickup(%L, ''x'')', 'put_back_pickups(order_no => %L)']) WITH ORDINALITY AS v (verb, n),
	LATERAL pg_temp.refused(format('SELECT usom.' || v.verb, :'sent')) r ORDER BY v.n;
SELECT * FROM pg_temp.refused('SELECT usom.ready_pickup(''none'')');
SELECT * FROM pg_temp.refused('SELECT usom.put_back_pickups(''NOWHERE'')');
SELECT * FROM pg_temp.refused(format('SELECT usom.collect_pickup(%L)', :'g'));
SELECT * FROM pg_temp.refused(format('SELECT usom.put_back_pickups(order_no => %L)', :'g'));
SELECT status FROM usom.hold_order(:'g', 'fraud', 'odd');
SELECT * FROM pg_temp.refused(format('SELECT usom.ready_pickup(%L)', :'g'));
SELECT status FROM usom.release_hold(:'g', 'fraud', 'fine');
SELECT status FROM usom.ready_pickup(:'g', '2099-01-01');
SELECT * FROM pg_temp.refused(format('SELECT usom.put_back_pickups(order_no => %L)', :'g'));
SELECT * FROM pg_temp.refused(format('SELECT usom.collect_pickup(%L, ''[{"line_no": 1, "quantity": 2}]'')', :'g'));
SELECT usom.collect_pickup(:'g') IS NOT NULL AS fetched;
SELECT v.verb, r.* FROM unnest(ARRAY['ready_pickup(%L)', 'reject_pickup(%L, ''x'')', 'put_back_pickups(order_no => %L)']) WITH ORDINALITY AS v (verb, n),
	LATERAL pg_temp.refused(format('SELECT usom.' || v.verb, :'g')) r ORDER BY v.n;
SELECT * FROM pg_temp.refused('UPDATE usom.pickup SET status = ''collected''');
-- Services alone lie nowhere.
INSERT INTO usom.product (sku, kind) VALUES ('ENGRAVING', 'service');
SELECT order_no AS service FROM usom.place_order('{"order_type": "pick_up", "lines": [{"sku": "ENGRAVING", "quantity": 1, "unit_price": 3}]}') \gset
SELECT v.verb, r.* FROM unnest(ARRAY['ready_pickup(%L)', 'reject_pickup(%L, ''x'')']) WITH ORDINALITY AS v (verb, n),
	LATERAL pg_temp.refused(format('SELECT usom.' || v.verb, :'service')) r ORDER BY v.n;
SELECT * FROM usom.verify();

-- verify_service() finds what is wrong.
BEGIN;
SET LOCAL session_replication_role = replica;
ALTER TABLE usom.pickup DISABLE TRIGGER ALL;
UPDATE usom.pickup SET status = 'ready', ended_at = NULL WHERE status = 'collected' AND sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE order_no = :'a');
UPDATE usom.pickup SET status = 'rejected', ended_at = NULL WHERE sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE order_no = :'c');
UPDATE usom.pickup SET sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE order_no = :'sent') WHERE sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE order_no = :'kit');
SELECT area, regexp_replace(entity, 'SO-\d+', '#') AS entity, problem, expected, actual FROM usom.verify_service() ORDER BY problem;
ROLLBACK;
