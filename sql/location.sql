-- Locations: what they cost, when they ship, how far they are.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
\set ON_ERROR_ROLLBACK on

-- the code alone is enough: a warehouse that ships at once, without limit and for nothing
INSERT INTO usom.location (code) VALUES ('LOC-A');
SELECT * FROM usom.locations WHERE location = 'LOC-A' \gx
SELECT usom.earliest_shipment('LOC-A', '2026-03-29 02:30:00.5+02') AS at_once;
SELECT units, orders FROM usom._look_at_capacity(usom.location_id('LOC-A'), '2026-03-29');
INSERT INTO usom.product (sku) VALUES ('LOC-1') RETURNING category, weight;

-- kinds and costs are checked
INSERT INTO usom.location (code, kind, order_cost, unit_cost, handling_cost, protected_quantity, picks_up) VALUES ('LOC-S', 'store', 2.5, 0.1, 1, 3, true);
\set VERBOSITY terse
INSERT INTO usom.location (code, kind) VALUES ('LOC-X', 'garage');
INSERT INTO usom.location (code, unit_cost) VALUES ('LOC-X', -1);
INSERT INTO usom.location (code, handling_cost) VALUES ('LOC-X', 'NaN');
INSERT INTO usom.location (code, protected_quantity) VALUES ('LOC-X', -1);
INSERT INTO usom.location (code, latitude) VALUES ('LOC-X', 90.1);
INSERT INTO usom.product (sku, weight) VALUES ('LOC-X', -1);
\set VERBOSITY default

-- time zones are those of the server: US301
INSERT INTO usom.location (code, time_zone) VALUES ('LOC-X', 'Europe/Nowhere');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY terse
INSERT INTO usom.location (code, time_zone) VALUES ('LOC-X', 'europe/berlin');
INSERT INTO usom.location (code, time_zone) VALUES ('LOC-X', 'FOO5');
INSERT INTO usom.location (code, time_zone) VALUES ('LOC-X', '<+05>-5');
INSERT INTO usom.location (code, time_zone) VALUES ('LOC-X', 'CEST');
INSERT INTO usom.location (code, time_zone) VALUES ('LOC-X', '');
INSERT INTO usom.location (code, time_zone) VALUES ('LOC-X', '../UTC');
UPDATE usom.location SET time_zone = 'UTC+1' WHERE code = 'LOC-A';
\set VERBOSITY default
INSERT INTO usom.location (code, time_zone) VALUES ('LOC-B', 'Europe/Berlin'), ('LOC-N', 'America/New_York'), ('LOC-G', 'Etc/GMT+5'), ('LOC-E', 'EST5EDT');
INSERT INTO usom.location (code, time_zone) SELECT 'LOC-' || name, name FROM pg_timezone_names WHERE name ~ '^[A-Za-z]+(/[A-Za-z_/-]+)?$';
SELECT count(*) > 300 AS all_names_are_good FROM usom.location WHERE code LIKE 'LOC-%/%';

-- hours: those of a day do not overlap, exceptions stand alone
INSERT INTO usom.location_calendar (location_id, weekday, opens, closes, cut_off)
SELECT usom.location_id('LOC-B'), d, '08:00', '17:00', '14:00' FROM generate_series(1, 5) d;
INSERT INTO usom.location_calendar (location_id, weekday, opens, closes) VALUES (usom.location_id('LOC-B'), 4, '17:00', '20:00');
INSERT INTO usom.location_calendar (location_id, on_date) VALUES (usom.location_id('LOC-B'), '2026-12-25');
INSERT INTO usom.location_calendar (location_id, on_date, opens, closes) VALUES (usom.location_id('LOC-B'), '2026-12-24', '08:00', '12:00');
\set VERBOSITY terse
INSERT INTO usom.location_calendar (location_id, weekday, opens, closes) VALUES (usom.location_id('LOC-B'), 4, '19:59', '21:00');
INSERT INTO usom.location_calendar (location_id, weekday, opens, closes) VALUES (usom.location_id('LOC-B'), 1, '00:00', '24:00');
INSERT INTO usom.location_calendar (location_id, on_date) VALUES (usom.location_id('LOC-B'), '2026-12-24');
INSERT INTO usom.location_calendar (location_id, on_date, opens, closes) VALUES (usom.location_id('LOC-B'), '2026-12-25', '08:00', '09:00');
INSERT INTO usom.location_calendar (location_id, weekday) VALUES (usom.location_id('LOC-B'), 7);
INSERT INTO usom.location_calendar (location_id, weekday, opens, closes) VALUES (usom.location_id('LOC-B'), 8, '08:00', '09:00');
INSERT INTO usom.location_calendar (location_id, weekday, on_date, opens, closes) VALUES (usom.location_id('LOC-B'), 7, '2026-12-27', '08:00', '09:00');
INSERT INTO usom.location_calendar (location_id, weekday, opens, closes) VALUES (usom.location_id('LOC-B'), 7, '22:00', '04:00');
INSERT INTO usom.location_calendar (location_id, weekday, opens, closes, cut_off) VALUES (usom.location_id('LOC-B'), 7, '08:00', '09:00', '09:01');
INSERT INTO usom.location_calendar (location_id, weekday, opens) VALUES (usom.location_id('LOC-B'), 7, '08:00');
INSERT INTO usom.location_calendar (location_id, weekday, opens, closes) VALUES (0, 7, '08:00', '09:00');
\set VERBOSITY default
-- the same hours elsewhere, and on another day, are no overlap
INSERT INTO usom.location_calendar (location_id, weekday, opens, closes) SELECT usom.location_id('LOC-N'), d, '09:00', '18:00' FROM generate_series(1, 6) d;
SELECT * FROM usom.location_hours WHERE location = 'LOC-B' ORDER BY weekday, on_date, opens;

-- when an order leaves: its cut-off met, missed; evening hours; week-end; Christmas
SET timezone = 'Europe/Berlin';
SELECT at, usom.earliest_shipment('LOC-B', at) FROM unnest(ARRAY['2026-12-16 07:00', '2026-12-16 14:00', '2026-12-16 14:00:00.000001', '2026-12-17 16:00', '2026-12-17 20:00',
	'2026-12-17 20:01', '2026-12-18 14:01', '2026-12-23 15:00', '2026-12-24 12:00', '2026-12-24 12:01', 'infinity']::timestamptz[]) at;
-- the same moment by another clock
SELECT usom.earliest_shipment('LOC-N', '2026-12-16 23:59+01') AS in_hours, usom.earliest_shipment('LOC-N', '2026-12-17 01:00+01') AS next_day;
SELECT usom.earliest_shipment('LOC-Z');
\echo :LAST_ERROR_SQLSTATE
-- closed every day it would be open: never
INSERT INTO usom.location_calendar (location_id, weekday, opens, closes) VALUES (usom.location_id('LOC-E'), 1, '08:00', '09:00');
INSERT INTO usom.location_calendar (location_id, on_date) SELECT usom.location_id('LOC-E'), d FROM generate_series(timestamp '2026-06-01', '2027-06-14', '7 days') d;
SELECT usom.earliest_shipment('LOC-E', '2026-06-01 00:00') AS never, usom.earliest_shipment('LOC-E', '2026-07-01 00:00') AS at_last;

-- both changes of the clock: an hour that does not exist is the moment of the change, of one that comes twice the first counts
CREATE FUNCTION pg_temp.ship(hours text[], zone text, VARIADIC at timestamptz[]) RETURNS TABLE (ships timestamptz) LANGUAGE sql AS $$
	SELECT usom._ship_time(hours::usom._hours[], zone, a) FROM unnest(at) a
$$;
SET timezone = 'UTC';
-- spring, 2026-03-29 in Berlin: 02:00 is 03:00
SELECT * FROM pg_temp.ship(ARRAY['(7,,02:30,05:00,04:00)'], 'Europe/Berlin', '2026-03-29 00:00+01', '2026-03-29 03:10+02', '2026-03-29 04:00+02', '2026-03-29 04:01+02');
-- hours that the change swallows are none
SELECT * FROM pg_temp.ship(ARRAY['(7,,02:00,03:00,)', '(1,,08:00,09:00,)'], 'Europe/Berlin', '2026-03-29 00:00+01');
-- autumn, 2026-10-25 in Berlin: 03:00 is 02:00
SELECT * FROM pg_temp.ship(ARRAY['(7,,02:30,05:00,)'], 'Europe/Berlin', '2026-10-25 00:00+02', '2026-10-25 02:45+02', '2026-10-25 02:15+01', '2026-10-25 05:01+01');
SELECT * FROM pg_temp.ship(ARRAY['(7,,01:00,05:00,02:30)'], 'Europe/Berlin', '2026-10-25 02:30+02', '2026-10-25 02:31+02', '2026-10-25 02:29+01');
-- New York on its own days, Lord Howe by half an hour, Apia without a 30th of December
SELECT * FROM pg_temp.ship(ARRAY['(7,,02:30,05:00,04:00)'], 'America/New_York', '2026-03-08 00:00-05', '2026-11-01 00:00-04');
SELECT * FROM pg_temp.ship(ARRAY['(7,,02:00,02:20,)', '(7,,02:20,06:00,)'], 'Australia/Lord_Howe', '2026-10-03 14:00+00', '2026-04-04 13:00+00');
SELECT * FROM pg_temp.ship(ARRAY['(5,,08:00,09:00,)', '(6,,08:00,09:00,)'], 'Pacific/Apia', '2011-12-29 23:00-10');
SELECT usom._local_day('Europe/Berlin', t) FROM unnest(ARRAY['2026-03-28 22:59+00', '2026-03-28 23:00+00', '2026-03-29 21:59+00', '2026-03-29 22:00+00', '1999-12-31 23:30+00']::timestamptz[]) t;
ROLLBACK;
