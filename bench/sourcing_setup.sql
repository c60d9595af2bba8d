-- Nine more locations for the data of setup.sql, and all that sourcing asks:
-- coordinates, clocks, calendars, costs, two service levels with freight and
-- transit by distance and weight, and rules.  Every product is at every location.
--
-- psql -v products=N -f sourcing_setup.sql
SET client_min_messages = warning;

UPDATE usom.location SET latitude = 51.5, longitude = -0.1, time_zone = 'Europe/London', handling_cost = 1.5 WHERE code = 'DC1';
INSERT INTO usom.location (code, kind, priority, latitude, longitude, time_zone, order_cost, unit_cost, handling_cost, protected_quantity)
	SELECT 'DC' || i, CASE WHEN i > 4 THEN 'store' ELSE 'warehouse' END, 100 + i, 45 + i, i * 1.5 - 5,
		(ARRAY['Europe/London', 'Europe/Paris', 'Europe/Berlin'])[1 + i % 3], i % 2, 0.01 * i, 1 + 0.1 * i, CASE WHEN i > 4 THEN 2 ELSE 0 END
	FROM generate_series(2, 10) AS i;
INSERT INTO usom.location_calendar (location_id, weekday, opens, closes, cut_off)
	SELECT l.location_id, d, '06:00', '20:00', '17:00' FROM usom.location l, generate_series(1, 6) AS d;
INSERT INTO usom.location_calendar (location_id, on_date)
	SELECT l.location_id, make_date(y, 12, d) FROM usom.location l, generate_series(2024, 2040) AS y, unnest(ARRAY[25, 26]) AS d;
INSERT INTO usom.service_level (code, cut_off, late_cost) VALUES ('standard', '16:00', 0.5), ('express', '18:00', 5);
INSERT INTO usom.transit_time (service_level_id, country, distance_from, distance_to, days)
	SELECT s.service_level_id, c, b * 300, CASE WHEN b < 4 THEN (b + 1) * 300 END, (b + 1) * CASE s.code WHEN 'express' THEN 0.5 ELSE 1 END
	FROM usom.service_level s, unnest(ARRAY[NULL, 'GB']) AS c, generate_series(0, 4) AS b;
INSERT INTO usom.freight_rate (service_level_id, carrier, country, distance_from, distance_to, weight_from, weight_to, shipment_price, weight_price)
	SELECT s.service_level_id, r, c, b * 300, CASE WHEN b < 4 THEN (b + 1) * 300 END, w * 5, CASE WHEN w < 3 THEN (w + 1) * 5 END,
		(3 + b + w) * CASE s.code WHEN 'express' THEN 2.5 ELSE 1 END + CASE r WHEN 'post' THEN 0.3 ELSE 0 END, 0.2
	FROM usom.service_level s, unnest(ARRAY['parcel', 'post']) AS r, unnest(ARRAY[NULL, 'GB']) AS c, generate_series(0, 4) AS b, generate_series(0, 3) AS w;
INSERT INTO usom.sourcing_rule (code, priority, channels, countries, customers, categories, excluded_locations, location_kinds,
	most_distance, location_order, shipment_cost, most_shipments, most_parts, when_short, service_level) VALUES
	('heavy', 10, NULL, NULL, NULL, '{heavy}', NULL, '{warehouse}', NULL, 'cost', 5, NULL, 1, 'backorder', NULL),
	('vip', 20, NULL, NULL, '{C1}', '{gifts}', NULL, NULL, NULL, 'distance', 0, NULL, NULL, 'next_rule', 'express'),
	('near', 30, '{web,phone}', '{GB,IE}', NULL, NULL, '{DC10}', NULL, 900, 'cost', 1, 3, 2, 'next_rule', 'standard'),
	('all', 90, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'cost', 1, 4, NULL, 'backorder', NULL);
UPDATE usom.product SET weight = 0.2 + length(sku) * 0.1;
UPDATE usom.customer_address SET latitude = 51.51, longitude = -0.13;
SELECT count(usom.receive_stocks(j)) AS received FROM (
	SELECT jsonb_agg(jsonb_build_object('location', 'DC' || l, 'sku', 'P' || i, 'quantity', 100000000)) AS j
	FROM generate_series(1, :products) AS i, generate_series(2, 10) AS l GROUP BY l) AS x \gset
VACUUM ANALYZE;
