-- Service levels, freight and distances.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
\set ON_ERROR_ROLLBACK on
INSERT INTO usom.location (code, latitude, longitude) VALUES ('FRT-A', 52.52, 13.405);
INSERT INTO usom.service_level (code, cut_off, late_cost) VALUES ('FRT-STD', '14:00', 0.5);
INSERT INTO usom.service_level (code) VALUES ('FRT-FAST') RETURNING name, cut_off, late_cost, active;
SELECT service_level_id AS std FROM usom.service_level WHERE code = 'FRT-STD' \gset
SELECT service_level_id AS fast FROM usom.service_level WHERE code = 'FRT-FAST' \gset

-- bands stand side by side
INSERT INTO usom.freight_rate (service_level_id, distance_to, weight_to, shipment_price) VALUES (:std, 100, 5, 4);
INSERT INTO usom.freight_rate (service_level_id, distance_to, weight_from, shipment_price) VALUES (:std, 100, 5, 9);
INSERT INTO usom.freight_rate (service_level_id, distance_from, shipment_price, weight_price) VALUES (:std, 100, 12, 0.4);
-- of their own: another level, carrier, country, currency, location
INSERT INTO usom.freight_rate (service_level_id, shipment_price) VALUES (:fast, 20);
INSERT INTO usom.freight_rate (service_level_id, carrier, shipment_price) VALUES (:std, 'DHL', 3);
INSERT INTO usom.freight_rate (service_level_id, country, shipment_price) VALUES (:std, 'FR', 11);
INSERT INTO usom.freight_rate (service_level_id, currency, shipment_price) VALUES (:std, 'GBP', 11);
INSERT INTO usom.freight_rate (service_level_id, location_id, shipment_price) VALUES (:std, usom.location_id('FRT-A'), 2);
SELECT * FROM usom.freight_rates ORDER BY shipment_price, weight_to;
\set VERBOSITY terse
INSERT INTO usom.freight_rate (service_level_id, distance_from, distance_to) VALUES (:std, 50, 101);
INSERT INTO usom.freight_rate (service_level_id, carrier, weight_from) VALUES (:std, 'DHL', 3);
INSERT INTO usom.freight_rate (service_level_id, shipment_price) VALUES (:fast, -1);
INSERT INTO usom.freight_rate (service_level_id, carrier, weight_price) VALUES (:fast, 'x', -1);
INSERT INTO usom.freight_rate (service_level_id, carrier, distance_from, distance_to) VALUES (:fast, 'x', 5, 5);
INSERT INTO usom.freight_rate (service_level_id, carrier, weight_from) VALUES (:fast, 'x', 'NaN');
INSERT INTO usom.freight_rate (service_level_id, carrier, distance_to) VALUES (:fast, 'x', 'NaN');
INSERT INTO usom.freight_rate (service_level_id, carrier, country) VALUES (:fast, 'x', 'fr');
INSERT INTO usom.freight_rate (service_level_id, carrier) VALUES (0, 'x');
INSERT INTO usom.freight_rate (service_level_id, location_id) VALUES (:fast, -1);
DELETE FROM usom.service_level;
INSERT INTO usom.transit_time (service_level_id, country, distance_to, days) VALUES (:std, 'DE', 300, 1), (:std, NULL, NULL, 5);
INSERT INTO usom.transit_time (service_level_id, country, distance_from, days) VALUES (:std, 'DE', 300, 2), (:std, 'ED', 0, 2), (:fast, 'DE', 0, 1);
INSERT INTO usom.transit_time (service_level_id, country, distance_from, days) VALUES (:std, 'DE', 299, 3);
INSERT INTO usom.transit_time (service_level_id, days) VALUES (:std, 3);
INSERT INTO usom.transit_time (service_level_id, days) VALUES (:fast, -1);
-- centroids come by COPY
COPY usom.postcode_centroid (country, postcode, latitude, longitude) FROM STDIN;
US	10001	40.7506	-73.9972
US	100	40.78	-73.97
DE		51.16	10.45
\.
INSERT INTO usom.postcode_centroid (country, postcode, latitude, longitude) VALUES ('US', '10001', 1, 1);
INSERT INTO usom.postcode_centroid (country, postcode, latitude, longitude) VALUES ('GB', 'EC1 2', 1, 1);
INSERT INTO usom.postcode_centroid (country, postcode, latitude, longitude) VALUES ('GB', 'EC1', 91, 1);
\set VERBOSITY default

-- distances that are known: a degree, a quarter and half of the circumference, cities
SELECT usom.distance_km(0, 0, 0, 0) AS here, usom.distance_km(0, 0, 0, 1) AS degree, usom.distance_km(0, 0, 90, 0) AS quarter, usom.distance_km(0, 0, 0, 180) AS half,
	usom.distance_km(90, 0, 90, 77) AS pole, usom.distance_km(0, 180, 0, -180) AS same_meridian, usom.distance_km(NULL, 0, 0, 0) AS unknown;
SELECT usom.distance_km(52.52, 13.405, 48.8566, 2.3522) AS berlin_paris, usom.distance_km(40.7128, -74.006, 51.5074, -0.1278) AS new_york_london,
	usom.distance_km(-33.8688, 151.2093, 35.6762, 139.6503) AS sydney_tokyo;
SELECT usom.distance_km(90.01, 0, 0, 0);
\set VERBOSITY terse
SELECT usom.distance_km(0, 'NaN', 0, 0);
SELECT usom.distance_km(0, 0, 'Infinity', 0);
\set VERBOSITY default
-- The same as earthdistance says, where it is there: its points are on a sphere of another radius.
DO $$
DECLARE
	worst double precision := 0;
BEGIN
	PERFORM setseed(0.25);
	IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'earthdistance') THEN
		SET LOCAL client_min_messages = warning;
		CREATE EXTENSION earthdistance CASCADE;
		EXECUTE $query$
			SELECT max(abs(usom.distance_km(p[1], p[2], p[3], p[4])::double precision
				- earth_distance(ll_to_earth(p[1], p[2]), ll_to_earth(p[3], p[4])) / earth() * 6371.0088))
			FROM (SELECT ARRAY[random() * 180 - 90, random() * 360 - 180, random() * 180 - 90, random() * 360 - 180]::numeric[] AS p
				FROM generate_series(1, 5000)) q $query$ INTO worst;
		DROP EXTENSION earthdistance, cube;
	ELSE
		SELECT max(abs(usom.distance_km(p[1], p[2], p[3], p[4])::double precision - 6371.0088 * acos(least(1, greatest(-1,
				sind(p[1]) * sind(p[3]) + cosd(p[1]) * cosd(p[3]) * cosd(p[2] - p[4])))))) INTO worst
		FROM (SELECT ARRAY[random() * 180 - 90, random() * 360 - 180, random() * 180 - 90, random() * 360 - 180]::numeric[] AS p
			FROM generate_series(1, 5000)) q;
	END IF;
	ASSERT worst > 0 AND worst < 0.002, format('off by %s km', worst);
END
$$;
ROLLBACK;
