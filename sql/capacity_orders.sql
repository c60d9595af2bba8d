-- Orders take the capacity of days, and give it back.  Undone at the end, so that other tests go on without.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
\set ON_ERROR_ROLLBACK on
SET LOCAL timezone = 'UTC';
UPDATE usom.location SET active = false;
INSERT INTO usom.location (code, priority) VALUES ('DAY-A', 1), ('DAY-B', 2);
INSERT INTO usom.product (sku) VALUES ('DAY-P'), ('DAY-Q');
-- It is about noon at these locations, whenever this runs: no midnight comes in between.
UPDATE usom.location SET time_zone = 'Etc/GMT' || to_char(extract(hour FROM now()) - 12, 'SGFM99') WHERE code ~ '^DAY';
SELECT DISTINCT extract(hour FROM now() AT TIME ZONE time_zone) AS hour, usom._local_day(time_zone, now()) = (now() AT TIME ZONE time_zone)::date AS same FROM usom.location WHERE code ~ '^DAY';
SELECT usom.receive_stock(l, s, 500) IS NOT NULL AS received FROM (VALUES ('DAY-A', 'DAY-P'), ('DAY-A', 'DAY-Q')) AS x (l, s);

CREATE FUNCTION pg_temp.today() RETURNS date LANGUAGE sql AS $$ SELECT (now() AT TIME ZONE time_zone)::date FROM usom.location WHERE code = 'DAY-A' $$;
-- Units and days of the pieces; today is 0.
CREATE FUNCTION pg_temp.pieces(of text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s %s%s%s', trim_scale(f.quantity), f.status, ' at ' || l.code, ' on ' || f.ships_on - pg_temp.today()), ', ' ORDER BY f.line_no, f.piece_no)
	FROM usom.sales_order o JOIN usom.fulfillment_line f USING (org_id, sales_order_id) LEFT JOIN usom.location l USING (org_id, location_id) WHERE o.order_no = pieces.of
$$;
CREATE FUNCTION pg_temp.place(lines jsonb, more jsonb DEFAULT '{}') RETURNS TABLE (pieces text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('day.order', p.order_no, true) FROM usom.place_order(jsonb_build_object('lines', lines) || more) p;
	RETURN QUERY SELECT pg_temp.pieces(current_setting('day.order'));
END
$$;
CREATE VIEW pg_temp.loads AS SELECT location, on_date - pg_temp.today() AS day, units, orders, units_free, orders_free FROM usom.location_loads WHERE location ~ '^DAY' AND orders > 0 ORDER BY 1, 2;

-- No limit: nothing is counted.
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 25}]');
SELECT * FROM pg_temp.loads;

-- Ten units and three orders a day.
INSERT INTO usom.location_capacity (location_id, units, orders) VALUES (usom.location_id('DAY-A'), 10, 3);
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 25}]');
SELECT current_setting('day.order') AS big \gset
-- Two lines share what is left of a day, or go together on the next: one shipment.
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 2}, {"sku": "DAY-Q", "quantity": 3}]');
SELECT current_setting('day.order') AS two \gset
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 4}, {"sku": "DAY-Q", "quantity": 4}]');
SELECT current_setting('day.order') AS four \gset
-- A line that may not be cut waits for a day that has room for all of it.
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 9, "partial": false}]');
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 11, "partial": false}]');
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 2}]');
SELECT * FROM pg_temp.loads;
-- Promises are the days, at the clock of the location.
SELECT bool_and(p.promised_at = f.ships_on::timestamp AT TIME ZONE l.time_zone) AS at_midnight, count(*) FROM usom.sales_order o
JOIN usom.fulfillment_line f USING (org_id, sales_order_id) JOIN usom.location l USING (org_id, location_id)
JOIN usom.order_pieces p ON p.order_no = o.order_no AND p.line_no = f.line_no AND p.piece_no = f.piece_no WHERE f.ships_on > pg_temp.today();
SELECT * FROM usom.verify();

-- Given back: units of a line, all of it, a smaller order; taken again by the next.
SELECT usom.cancel_line(:'big', 1, 12, 'fewer') IS NOT NULL AS done;
SELECT pg_temp.pieces(:'big');
SELECT * FROM pg_temp.loads;
SELECT usom.change_order(:'two', '{"lines": [{"line_no": 1, "remove": true}, {"line_no": 2, "quantity": 1}]}') IS NOT NULL AS done;
SELECT pg_temp.pieces(:'two');
-- A larger one takes what is free, and one order a day is one order.
SELECT usom.change_order(:'two', '{"lines": [{"line_no": 2, "quantity": 7}, {"sku": "DAY-P", "quantity": 1}]}') IS NOT NULL AS done;
SELECT pg_temp.pieces(:'two');
SELECT * FROM pg_temp.loads;
-- Planned again: on the first days that are free now.  Plain SQL gives back as well.
UPDATE usom.sales_order SET status = 'cancelled' WHERE order_no = :'big';
SELECT pg_temp.pieces(:'big');
SELECT usom.reallocate_order(:'four', 'earlier') IS NOT NULL AS done;
SELECT pg_temp.pieces(:'four');
SELECT * FROM pg_temp.loads;
-- Shipping gives nothing back, nor does a return: the work was done.
SELECT usom.release_order(:'four') IS NOT NULL AS released;
SELECT usom.ship(:'four') AS s \gset
SELECT usom.authorize_return(:'four', '[{"line_no": 1, "quantity": 4}]', 'broken') AS r \gset
SELECT usom.receive_return(:'r', '[{"line_no": 1, "quantity": 4}]') IS NOT NULL AS returned;
SELECT pg_temp.pieces(:'four');
SELECT * FROM pg_temp.loads;
SELECT * FROM usom.verify();

-- The savepoint takes back what was taken.
SAVEPOINT before;
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 60}]');
ROLLBACK TO before;
SELECT sum(units) FROM pg_temp.loads;

-- All days full: what is left waits, and is told why.
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 200}]');
SELECT replace(replace(e.reason, to_char(pg_temp.today(), 'YYYY-MM-DD'), 'TODAY'), to_char(pg_temp.today() + 1, 'YYYY-MM-DD'), 'TOMORROW') AS reason, e.reason_code, e.eligible FROM usom.explain_sourcing(current_setting('day.order')) e WHERE location = 'DAY-A';
SELECT * FROM pg_temp.place('[{"sku": "DAY-Q", "quantity": 1}]');
SELECT current_setting('day.order') AS late \gset
SELECT location, reason_code, replace(reason, to_char(pg_temp.today(), 'YYYY-MM-DD'), 'TODAY') AS reason, available FROM usom.why_not_allocated(:'late', 1) WHERE location ~ '^DAY';
SELECT count(*), min(units_free), max(units_free), min(orders) FROM pg_temp.loads;
-- A limit that is raised lets in who waits; the oldest first.
UPDATE usom.location_capacity SET units = 12 WHERE location_id = usom.location_id('DAY-A');
SELECT line_no, quantity FROM usom.fill_backorders();
SELECT pg_temp.pieces(:'late');
SELECT min(units_free), max(units_free) FROM pg_temp.loads;
-- A day of its own, and a limit of orders alone.
DELETE FROM usom.location_capacity WHERE location_id = usom.location_id('DAY-A');
UPDATE usom.sales_order SET status = 'cancelled' WHERE status = 'confirmed';
INSERT INTO usom.location_capacity (location_id, on_date, orders) VALUES (usom.location_id('DAY-A'), pg_temp.today(), 0), (usom.location_id('DAY-A'), pg_temp.today() + 1, 1);
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 60}]');
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 60}]');
SELECT replace(replace(e.reason, to_char(pg_temp.today(), 'YYYY-MM-DD'), 'TODAY'), to_char(pg_temp.today() + 2, 'YYYY-MM-DD'), 'IN TWO DAYS') AS reason, e.reason_code, e.promised_at = (pg_temp.today() + 2)::timestamp AT TIME ZONE l.time_zone AS then_
FROM usom.explain_sourcing(current_setting('day.order')) e JOIN usom.location l ON l.code = e.location WHERE e.location = 'DAY-A';
SELECT * FROM pg_temp.loads;
SELECT * FROM usom.verify();

-- Closed days are passed over.
UPDATE usom.sales_order SET status = 'cancelled' WHERE status = 'confirmed';
UPDATE usom.location_capacity SET orders = 1, on_date = NULL WHERE location_id = usom.location_id('DAY-A') AND on_date = pg_temp.today();
INSERT INTO usom.location_calendar (location_id, on_date) SELECT usom.location_id('DAY-A'), pg_temp.today() + n FROM unnest(ARRAY[0, 1, 3]) n;
SELECT (SELECT pg_temp.place('[{"sku": "DAY-P", "quantity": 1}]') WHERE n > 0) FROM generate_series(1, 3) n;
-- Past the cut-off it is the next day.
DELETE FROM usom.location_calendar WHERE location_id = usom.location_id('DAY-A');
INSERT INTO usom.location_calendar (location_id, weekday, opens, closes, cut_off) SELECT usom.location_id('DAY-A'), d, '06:00', '20:00', '10:00' FROM generate_series(1, 7) d;
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 1}]');
SELECT * FROM pg_temp.loads;
DELETE FROM usom.location_calendar WHERE location_id = usom.location_id('DAY-A');

-- Cost decides: near tomorrow, or far today.
UPDATE usom.sales_order SET status = 'cancelled' WHERE status = 'confirmed';
SELECT usom.receive_stock('DAY-B', 'DAY-P', 500) IS NOT NULL AS received;
UPDATE usom.location SET order_cost = 8 WHERE code = 'DAY-B';
SELECT (SELECT pg_temp.place('[{"sku": "DAY-P", "quantity": 1}]') WHERE n > 0) FROM generate_series(1, 2) n;
INSERT INTO usom.sourcing_rule (code, late_cost) VALUES ('DAY', 5);
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 1}]', jsonb_build_object('requested_at', now()));
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 2}]', jsonb_build_object('requested_at', now() + interval '2 days'));
UPDATE usom.sourcing_rule SET late_cost = 50 WHERE code = 'DAY';
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 1}]', jsonb_build_object('requested_at', now()));

-- All of the order or nothing; the most shipments count days.
UPDATE usom.sales_order SET status = 'cancelled' WHERE status = 'confirmed';
UPDATE usom.location SET active = code = 'DAY-A' WHERE code ~ '^DAY';
UPDATE usom.location_capacity SET orders = NULL, units = 5 WHERE location_id = usom.location_id('DAY-A');
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 71}]', '{"ship_complete": true}');
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 7}, {"sku": "DAY-Q", "quantity": 6}]', '{"ship_complete": true}');
UPDATE usom.sourcing_rule SET most_shipments = 1 WHERE code = 'DAY';
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 7}]');
UPDATE usom.sourcing_rule SET most_shipments = NULL, most_parts = 1 WHERE code = 'DAY';
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 7}]');
UPDATE usom.sourcing_rule SET most_parts = NULL, smallest_part = 3 WHERE code = 'DAY';
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 8}]');

-- What no rule can place is a case for people, until it is placed after all.
UPDATE usom.sourcing_rule SET smallest_part = NULL, when_short = 'exception' WHERE code = 'DAY';
SELECT * FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 60}, {"sku": "DAY-Q", "quantity": 1}]');
SELECT current_setting('day.order') AS short \gset
SELECT kind, line_no, message FROM usom.exceptions WHERE order_no = :'short';
UPDATE usom.location_capacity SET units = 100 WHERE location_id = usom.location_id('DAY-A');
SELECT usom.allocate_order(:'short') IS NOT NULL AS done;
SELECT pg_temp.pieces(:'short');
SELECT line_no, resolution FROM usom.exceptions WHERE order_no = :'short';
SELECT count(*) FROM pg_temp.place('[{"sku": "DAY-P", "quantity": 1500}, {"sku": "DAY-Q", "quantity": 1500}]');
SELECT line_no, message, resolution FROM usom.exceptions WHERE order_no = current_setting('day.order') ORDER BY line_no;
SELECT usom.cancel_line(current_setting('day.order'), 1, NULL, 'no longer wanted') IS NOT NULL AS cancelled;
SELECT line_no, resolution FROM usom.exceptions WHERE order_no = current_setting('day.order') ORDER BY line_no;
SELECT usom.cancel_order(current_setting('day.order'), 'no longer wanted') IS NOT NULL AS cancelled;
SELECT line_no, resolution FROM usom.exceptions WHERE order_no = current_setting('day.order') ORDER BY line_no;
SELECT * FROM usom.verify();

-- verify_capacity() finds a piece whose day is not taken.
SAVEPOINT well;
SET LOCAL session_replication_role = replica;
ALTER TABLE usom.fulfillment_line DISABLE TRIGGER usom_guard_update;
UPDATE usom.fulfillment_line SET ships_on = NULL WHERE ships_on IS NOT NULL AND sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE order_no = :'short') AND piece_no = 1 AND line_no = 2;
SELECT count(*), min(expected) FROM usom.verify_capacity() WHERE problem LIKE '%than its pieces are';
ROLLBACK TO well;

-- E11: a location that owes stock takes none from the others: with rules, and without.
UPDATE usom.location SET active = true WHERE code = 'DAY-B';
INSERT INTO usom.product (sku) VALUES ('DAY-R');
SELECT usom.receive_stock(l, 'DAY-R', 4) IS NOT NULL AS received FROM unnest(ARRAY['DAY-A', 'DAY-B']) l;
SELECT usom.set_safety('DAY-A', 'DAY-R', 9) IS NOT NULL AS safe;
SELECT usom.available('DAY-R');
SELECT * FROM pg_temp.place('[{"sku": "DAY-R", "quantity": 3}]');
UPDATE usom.sourcing_rule SET active = false;
DELETE FROM usom.location_capacity;
UPDATE usom.location SET order_cost = 0;
SELECT * FROM pg_temp.place('[{"sku": "DAY-R", "quantity": 3}]');
ROLLBACK;
