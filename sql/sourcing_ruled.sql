-- Orders served by rules, costs and calendars.  Undone at the end, so that other tests go on without.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
SET LOCAL timezone = 'UTC';
UPDATE usom.location SET active = false;
INSERT INTO usom.location (code, kind, priority, latitude, longitude) VALUES
	('RUL-BER', 'warehouse', 1, 52.52, 13.405), ('RUL-PAR', 'warehouse', 2, 48.8566, 2.3522), ('RUL-MUC', 'store', 3, 48.137, 11.575);
INSERT INTO usom.product (sku, weight, category) VALUES ('RUL-A', 2, 'heavy'), ('RUL-B', 0.5, NULL), ('RUL-C', 0, NULL);
SELECT count(*) FROM (VALUES ('RUL-BER', 'RUL-A', 10), ('RUL-PAR', 'RUL-A', 10), ('RUL-MUC', 'RUL-A', 3), ('RUL-BER', 'RUL-B', 5), ('RUL-PAR', 'RUL-B', 20),
	('RUL-MUC', 'RUL-B', 20), ('RUL-MUC', 'RUL-C', 4)) AS s (location, sku, quantity), LATERAL usom.receive_stock(s.location, s.sku, s.quantity) AS r;

-- One order after another: what it got, and the explanation of it.
CREATE FUNCTION pg_temp.place(lines jsonb, more jsonb DEFAULT '{}') RETURNS TABLE (line_no integer, served text) LANGUAGE plpgsql AS $$
DECLARE
	placed text;
BEGIN
	SELECT p.order_no INTO placed FROM usom.place_order(jsonb_build_object('lines', lines,
		'ship_to', '{"country": "FR", "postcode": "75001", "latitude": 48.86, "longitude": 2.35}'::jsonb) || more) p;
	PERFORM set_config('rul.order', placed, true);
	RETURN QUERY SELECT p.line_no, string_agg(format('%s %s%s', trim_scale(p.quantity), p.status, ' at ' || p.location), ', ' ORDER BY p.piece_no)
	FROM usom.order_pieces p WHERE p.order_no = placed GROUP BY p.line_no ORDER BY p.line_no;
END
$$;
CREATE FUNCTION pg_temp.why() RETURNS TABLE (line_no integer, location text, rank integer, code text, km numeric, available numeric, cost numeric) LANGUAGE sql AS $$
	SELECT e.line_no, e.location, e.rank, e.reason_code, round(e.distance_km), e.available, e.cost
	FROM usom.explain_sourcing(current_setting('rul.order')) e WHERE e.location LIKE 'RUL%' ORDER BY e.line_no, e.rank, e.location
$$;

-- Nothing configured: by priority, and why.
SELECT * FROM pg_temp.place('[{"sku": "RUL-A", "quantity": 4}, {"sku": "RUL-B", "quantity": 8}, {"sku": "RUL-C", "quantity": 9}]');
SELECT * FROM pg_temp.why();

-- A rate by distance: the near one, and one shipment rather than two.
INSERT INTO usom.service_level (code) VALUES ('standard');
INSERT INTO usom.freight_rate (service_level_id, distance_from, distance_to, shipment_price, weight_price)
SELECT s.service_level_id, v.* FROM usom.service_level s, (VALUES (0, 100, 4, 0.1), (100, 700, 8, 0.2), (700, NULL, 12, 0.5)) AS v (a, b, c, d);
INSERT INTO usom.transit_time (service_level_id, distance_from, distance_to, days)
SELECT s.service_level_id, v.* FROM usom.service_level s, (VALUES (0, 100, 1), (100, NULL, 3)) AS v (a, b, c);
SELECT * FROM pg_temp.place('[{"sku": "RUL-A", "quantity": 4}, {"sku": "RUL-B", "quantity": 8}]');
SELECT * FROM pg_temp.why();
SELECT p.location, round(extract(epoch FROM p.promised_at - o.placed_at) / 86400) AS days FROM usom.order_pieces p JOIN usom.orders o USING (order_no)
WHERE o.order_no = current_setting('rul.order') ORDER BY p.line_no;

-- Postal codes stand in for coordinates; without either the distance is unknown.
INSERT INTO usom.postcode_centroid (country, postcode, latitude, longitude) VALUES ('DE', '', 51, 10), ('DE', '80', 48.14, 11.58);
SELECT * FROM pg_temp.place('[{"sku": "RUL-A", "quantity": 1}]', '{"ship_to": {"country": "DE", "postcode": "80331"}}');
SELECT * FROM pg_temp.why();
SELECT * FROM pg_temp.place('[{"sku": "RUL-A", "quantity": 1}]', '{"ship_to": null}');

-- Rules: no stores for what is heavy, one location a line, by priority for the rest.
INSERT INTO usom.sourcing_rule (code, priority, categories, location_kinds, most_parts, when_short) VALUES ('heavy', 1, '{heavy}', '{warehouse}', 1, 'backorder');
INSERT INTO usom.sourcing_rule (code, priority, location_order, most_distance, when_short) VALUES ('near', 2, 'priority', 1000, 'next_rule');
INSERT INTO usom.sourcing_rule (code, priority, when_short) VALUES ('rest', 3, 'backorder');
SELECT * FROM pg_temp.place('[{"sku": "RUL-A", "quantity": 9}, {"sku": "RUL-B", "quantity": 7}, {"sku": "RUL-C", "quantity": 2, "location": "RUL-BER"}]');
SELECT * FROM pg_temp.why();
SELECT * FROM usom.why_not_allocated(current_setting('rul.order'), 3) WHERE location LIKE 'RUL%';
SELECT count(*) FROM usom.why_not_allocated(current_setting('rul.order'), 2);

SELECT usom.receive_stock(s.location, s.sku, s.quantity) IS NOT NULL AS received FROM (VALUES ('RUL-MUC', 'RUL-C', 4), ('RUL-BER', 'RUL-B', 9), ('RUL-BER', 'RUL-C', 1)) AS s (location, sku, quantity);

-- What the shop keeps, where nothing is sent from, and who is closed.
UPDATE usom.location SET protected_quantity = 4 WHERE code = 'RUL-MUC';
UPDATE usom.location SET ships = false WHERE code = 'RUL-PAR';
INSERT INTO usom.location_calendar (location_id, weekday, opens, closes) SELECT usom.location_id('RUL-BER'), d, '08:00', '18:00' FROM generate_series(1, 5) d;
SELECT * FROM pg_temp.place('[{"sku": "RUL-C", "quantity": 2}, {"sku": "RUL-B", "quantity": 2}]');
SELECT * FROM pg_temp.why();
SELECT extract(isodow FROM promised_at AT TIME ZONE 'UTC' - interval '3 days') BETWEEN 1 AND 5 AS leaves_on_a_weekday
FROM usom.explain_sourcing(current_setting('rul.order')) WHERE location = 'RUL-BER' AND line_no = 1;

-- All or nothing; planned again when that can be served.
UPDATE usom.sourcing_rule SET active = false WHERE code <> 'rest';
SELECT * FROM pg_temp.place('[{"sku": "RUL-C", "quantity": 2}, {"sku": "RUL-B", "quantity": 2}]', '{"ship_complete": true}');
SELECT line_no, location, code FROM pg_temp.why() WHERE location = 'RUL-MUC';
UPDATE usom.location SET protected_quantity = 0 WHERE code = 'RUL-MUC';
SELECT status FROM usom.allocate_order(current_setting('rul.order'));
SELECT line_no, quantity, location FROM usom.order_pieces WHERE order_no = current_setting('rul.order') ORDER BY 1;

-- The location is lost: the order moves, and the explanation tells of what has changed.
SELECT * FROM pg_temp.place('[{"sku": "RUL-B", "quantity": 2}]');
UPDATE usom.location SET order_cost = 100 WHERE code = 'RUL-MUC';
SELECT location, rank, code FROM pg_temp.why();
SELECT status, version FROM usom.reallocate_order(current_setting('rul.order'), 'flooded');
SELECT line_no, quantity, location, status FROM usom.order_pieces WHERE order_no = current_setting('rul.order') ORDER BY 1;
SELECT location, rank, code FROM pg_temp.why();
SELECT h.event FROM usom.order_history h JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.order_no = current_setting('rul.order') ORDER BY h.version;

-- A batch: each over what the ones before have left.
SELECT outcome FROM usom.place_orders('[{"lines": [{"sku": "RUL-C", "quantity": 1}]}, {"lines": [{"sku": "RUL-C", "quantity": 1}]}]');
SELECT * FROM usom.verify();

\set VERBOSITY terse
SAVEPOINT s;
SELECT * FROM usom.explain_sourcing('nobody''s');
ROLLBACK TO s;
SELECT * FROM usom.reallocate_order('nobody''s', 'why');
ROLLBACK TO s;
SELECT status FROM usom.cancel_order(current_setting('rul.order'), 'test');
SELECT count(*) FROM usom.explain_sourcing(current_setting('rul.order'));
SAVEPOINT t;
\set VERBOSITY sqlstate
SELECT * FROM usom.reallocate_order(current_setting('rul.order'), 'why');
ROLLBACK;
-- The rules are gone with the transaction.
SELECT usom.verify();
