-- What if: other rules, rates and locations, over orders that are there; nothing of it remains.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
\set ON_ERROR_ROLLBACK on
SET LOCAL client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('whatif');
SET LOCAL usom.org = 'whatif';
UPDATE usom.document_counter SET gap_free = true;
INSERT INTO usom.location (code, priority, latitude, longitude, handling_cost) VALUES ('BER', 1, 52.52, 13.405, 2), ('PAR', 2, 48.8566, 2.3522, 2), ('MUC', 3, 48.137, 11.575, 1);
INSERT INTO usom.product (sku, weight) VALUES ('CUP', 1), ('POT', 2);
INSERT INTO usom.service_level (code) VALUES ('standard');
INSERT INTO usom.freight_rate (service_level_id, distance_from, distance_to, shipment_price, weight_price) SELECT s.service_level_id, v.* FROM usom.service_level s, (VALUES (0, 300, 4, 0.1), (300, NULL, 9, 0.5)) AS v (a, b, c, d);
SELECT count(*) FROM (VALUES ('BER', 'CUP', 50), ('BER', 'POT', 50), ('PAR', 'CUP', 50), ('PAR', 'POT', 50), ('MUC', 'CUP', 6)) AS s (location, sku, quantity), LATERAL usom.receive_stock(s.location, s.sku, s.quantity);
SELECT p.quantity_reserved, p.quantity_backordered FROM (VALUES (1, 52.5, 13.4, 'DE', 'CUP', 5), (2, 48.8, 2.3, 'FR', 'CUP', 7), (3, 48.1, 11.6, 'DE', 'CUP', 6), (4, 48.1, 11.6, 'DE', 'POT', 3), (5, 52.5, 13.4, 'DE', 'CUP', 60)) AS v (n, north, east, country, sku, quantity),
	LATERAL usom.place_order(jsonb_build_object('external_id', v.n::text, 'ship_to', jsonb_build_object('latitude', v.north, 'longitude', v.east, 'country', v.country),
		'lines', jsonb_build_array(jsonb_build_object('sku', v.sku, 'quantity', v.quantity, 'unit_price', 1)))) p ORDER BY v.n;
SELECT status FROM usom.release_order('SO-000002');
CREATE VIEW pg_temp.held AS SELECT o.external_id AS n, string_agg(format('%s %s %s%s', trim_scale(p.quantity), p.sku, p.status, ' at ' || p.location), ', ' ORDER BY p.line_no, p.piece_no) AS has FROM usom.order_pieces p JOIN usom.orders o USING (order_no) GROUP BY 1;
SELECT * FROM pg_temp.held ORDER BY n;

-- Whatever could remain: rows of all tables of the organisation, and what is said to others.
CREATE TABLE pg_temp.kept (relation text, rows bigint, digest text);
CREATE FUNCTION pg_temp.look() RETURNS TABLE (relation text, n bigint, digest text) LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id' WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind = 'r' ORDER BY 1 LOOP
		RETURN QUERY EXECUTE format('SELECT %L, count(*), md5(string_agg(t::text, E''\n'' ORDER BY t::text)) FROM usom.%I t WHERE org_id = usom.current_org()', r.relname, r.relname);
	END LOOP;
END
$$;
INSERT INTO pg_temp.kept SELECT * FROM pg_temp.look();
SELECT count(*) > 30 AS tables, bool_or(relation LIKE '\_audit\_entry%' AND rows > 0) AS audited FROM pg_temp.kept;

-- No change: what planning anew alone would do.
SELECT scope, order_no, line_no, quantity, location_before, location_after, shipments_before, shipments_after, distance_before, distance_after, cost_before, cost_after FROM usom.simulate_sourcing('{}');
-- Munich closes: its order moves; what is released in Paris stays; what it costs before and after.
SELECT scope, order_no, quantity, location_before, location_after, shipments_before, shipments_after, distance_before, distance_after, cost_before, cost_after FROM usom.simulate_sourcing('{"location": [{"code": "MUC", "active": false}]}');
-- The cost is that of the explanation, for orders served from one place.
SELECT s.order_no, s.cost_before = b.cost AS before, s.cost_after = a.cost AS after FROM usom.simulate_sourcing('{"remove": {"location": ["MUC"]}}') s, LATERAL (SELECT cost FROM usom.explain_sourcing(s.order_no) WHERE location = 'MUC') b,
	LATERAL (SELECT cost FROM usom.explain_sourcing(s.order_no) WHERE location = 'BER') a WHERE s.scope = 'order' AND s.order_no = 'SO-000003';
-- A rule, for the orders of a filter: all of Germany from Paris; new rates, of the same bands.
SELECT scope, order_no, quantity, location_before, location_after, cost_before, cost_after FROM usom.simulate_sourcing('{"sourcing_rule": [{"code": "paris", "countries": ["DE"], "locations": ["PAR"], "shipment_cost": 3}]}', '{"order_nos": ["SO-000001", "SO-000004"]}');
SELECT scope, order_no, quantity, location_before, location_after, cost_before, cost_after FROM usom.simulate_sourcing('{"remove": {"freight_rate": [{"distance_from": 300}]}, "freight_rate": [{"service_level": "standard", "distance_from": 300, "shipment_price": 1}]}', '{"sku": "POT"}');
-- Slower: the promise is another one.
SELECT scope, order_no, quantity, location_before, location_after, round(extract(epoch FROM promised_after - promised_before) / 86400) AS days FROM usom.simulate_sourcing('{"transit_time": [{"service_level": "standard", "days": 9}]}', '{"order_nos": "SO-000001"}');
-- A day's capacity; a new location has nothing, so nothing goes there; a service level of its own.
SELECT scope, quantity, location_before, location_after FROM usom.simulate_sourcing('{"location_capacity": [{"location": "BER", "units": 0}], "location": [{"code": "ROM", "latitude": 41.9, "longitude": 12.5}], "service_level": [{"code": "express"}]}', '{"order_nos": "SO-000001"}');
-- Where it cannot be served from any more, it waits.
SELECT scope, order_no, quantity, location_before, location_after FROM usom.simulate_sourcing('{"location": [{"code": "PAR", "active": false}]}', '{"sku": "CUP"}') WHERE scope = 'line';

-- The same answer twice, and nothing remains: no row, no audit, no event, no number that was drawn.
SELECT count(*) AS differ FROM (
	SELECT scope, order_no, quantity, location_before, location_after, cost_after FROM usom.simulate_sourcing('{"location": [{"code": "MUC", "active": false}]}')
	EXCEPT SELECT scope, order_no, quantity, location_before, location_after, cost_after FROM usom.simulate_sourcing('{"location": [{"code": "MUC", "active": false}]}')) d;
SELECT l.relation, l.n, k.rows FROM pg_temp.look() l FULL JOIN pg_temp.kept k USING (relation) WHERE (l.n, l.digest) IS DISTINCT FROM (k.rows, k.digest);
SELECT usom.next_document_no('order');
-- Nor does this session remember any of it: rules, locations and whether there are any are those of before.
SELECT quantity_reserved FROM usom.place_order('{"external_id": "6", "ship_to": {"latitude": 52.5, "longitude": 13.4, "country": "DE"}, "lines": [{"sku": "POT", "quantity": 1, "unit_price": 1}]}');
SELECT * FROM pg_temp.held WHERE n = '6';
SELECT count(*) FROM usom.sourcing_rules;
-- The change made in earnest does what was said.
SELECT quantity, location_before, location_after FROM usom.simulate_sourcing('{"remove": {"location": ["MUC"]}}', '{"order_nos": "SO-000003"}') WHERE scope = 'line';
UPDATE usom.location SET active = false WHERE code = 'MUC';
SELECT status FROM usom.reallocate_order('SO-000003', 'closed');
SELECT * FROM pg_temp.held WHERE n = '3';
UPDATE usom.location SET active = true WHERE code = 'MUC';
SELECT * FROM usom.verify();

-- Changes that cannot be read are named; those that would be refused are.
SELECT * FROM usom.simulate_sourcing('{"sourcing_rules": []}');
SELECT * FROM usom.simulate_sourcing('[]');
SELECT * FROM usom.simulate_sourcing('{"sourcing_rule": {"code": "near"}}');
SELECT * FROM usom.simulate_sourcing('{"sourcing_rule": [{"code": "near", "colour": "red"}]}');
SELECT * FROM usom.simulate_sourcing('{"sourcing_rule": ["near"]}');
SELECT * FROM usom.simulate_sourcing('{"sourcing_rule": [{"priority": 1}]}');
SELECT * FROM usom.simulate_sourcing('{"sourcing_rule": [{"code": "near", "locations": ["NOWHERE"]}]}');
SELECT * FROM usom.simulate_sourcing('{"sourcing_rule": [{"code": "near", "locations": ["BER"], "excluded_locations": ["BER"]}]}');
SELECT * FROM usom.simulate_sourcing('{"location": [{"code": "BER", "handling_cost": -1}]}');
SELECT * FROM usom.simulate_sourcing('{"location_capacity": [{"location": "NOWHERE", "units": 1}]}');
SELECT * FROM usom.simulate_sourcing('{"freight_rate": [{"service_level": "none"}]}');
SELECT * FROM usom.simulate_sourcing('{"freight_rate": [{"org_id": 1}]}');
SELECT * FROM usom.simulate_sourcing('{"remove": {"sourcing_rule": ["old"]}}');
SELECT * FROM usom.simulate_sourcing('{"remove": {"freight_rate": [{"distance_from": 77}]}}');
SELECT * FROM usom.simulate_sourcing('{"remove": {"sales_order": ["SO-000001"]}}');
SELECT * FROM usom.simulate_sourcing('{"remove": []}');
SELECT * FROM usom.simulate_sourcing('{}', '{"colour": "red"}');
SELECT * FROM usom.simulate_sourcing('{}', '{"location": "NOWHERE"}');
SELECT * FROM usom.simulate_sourcing(NULL);
SELECT * FROM usom.simulate_sourcing('{}', NULL);
SELECT l.relation FROM pg_temp.look() l JOIN pg_temp.kept k USING (relation) WHERE l.n < k.rows;
SELECT * FROM usom.verify();
ROLLBACK;
