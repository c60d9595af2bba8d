-- What a backend remembers of rules, rates, calendars and locations: every change is noticed, and nothing else is.
-- In a database of its own: what others committed is remembered, too.
SELECT current_database() AS home \gset
CREATE DATABASE usom_remembered;
\c usom_remembered
CREATE EXTENSION usom;
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
SET timezone = 'UTC';
INSERT INTO usom.organisation (code) VALUES ('remembered');
SET usom.org = 'remembered';
INSERT INTO usom.location (code, priority, latitude, longitude) VALUES ('REM-A', 1, 50, 8), ('REM-B', 2, 52, 13);
INSERT INTO usom.service_level (code) VALUES ('STD');
-- What both locations are to an order from Berlin on a Monday.
CREATE FUNCTION pg_temp.lanes() RETURNS TABLE (location text, km integer, no text, freight double precision, handling double precision, arrives timestamptz) LANGUAGE sql AS $$
	SELECT l.location, round(l.distance)::integer, l.verdict, l.freight, l.handling, l.arrives_at
	FROM usom._lanes(ARRAY[ROW(1, coalesce((SELECT min(r.sourcing_rule_id) FROM usom.sourcing_rule r WHERE r.active AND r.org_id = usom.current_org()), 0), 52.52, 13.4, 'DE', 2)::usom._sourcing_group],
		ARRAY(SELECT location_id FROM usom.location WHERE org_id = usom.current_org()), '2026-06-01 12:00Z') l
$$;
-- Statements that a second look takes.
CREATE FUNCTION pg_temp.looks() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint;
BEGIN
	PERFORM count(*) FROM pg_temp.lanes();
	before := usom._statement_count();
	PERFORM count(*) FROM usom._lanes(ARRAY[]::usom._sourcing_group[], '{}', now());
	RETURN usom._statement_count() - before;
END
$$;
SELECT * FROM pg_temp.lanes();
SELECT pg_temp.looks() AS statements_of_a_second_look;

-- each of the tables
BEGIN;
INSERT INTO usom.freight_rate (service_level_id, distance_to, shipment_price) SELECT service_level_id, 100, 4 FROM usom.service_level WHERE org_id = usom.current_org();
INSERT INTO usom.freight_rate (service_level_id, distance_from, shipment_price) SELECT service_level_id, 100, 9 FROM usom.service_level WHERE org_id = usom.current_org();
SELECT location, freight FROM pg_temp.lanes();
UPDATE usom.organisation SET currency = 'CHF' WHERE code = 'remembered';
SELECT location, freight FROM pg_temp.lanes();
UPDATE usom.organisation SET currency = 'EUR' WHERE code = 'remembered';
INSERT INTO usom.transit_time (service_level_id, days) SELECT service_level_id, 1.5 FROM usom.service_level WHERE org_id = usom.current_org();
SELECT location, arrives FROM pg_temp.lanes();
UPDATE usom.service_level SET cut_off = '10:00' WHERE code = 'STD';
SELECT location, arrives FROM pg_temp.lanes();
INSERT INTO usom.location_calendar (location_id, weekday, opens, closes) VALUES (usom.location_id('REM-A'), 4, '09:00', '17:00');
SELECT location, arrives FROM pg_temp.lanes();
INSERT INTO usom.sourcing_rule (code, most_distance) VALUES ('NEAR', 100);
SELECT location, no FROM pg_temp.lanes();
UPDATE usom.location SET handling_cost = 3, longitude = 20 WHERE code = 'REM-B';
SELECT location, km, no, handling FROM pg_temp.lanes();
DELETE FROM usom.freight_rate WHERE org_id = usom.current_org();
SELECT location, freight FROM pg_temp.lanes();
ROLLBACK;
-- as it was
SELECT * FROM pg_temp.lanes();

-- savepoints: what was done before stays, what came after is gone
BEGIN;
UPDATE usom.location SET handling_cost = 1 WHERE code = 'REM-A';
SAVEPOINT s;
UPDATE usom.location SET handling_cost = 2 WHERE code = 'REM-A';
SELECT location, handling FROM pg_temp.lanes();
ROLLBACK TO s;
SELECT location, handling FROM pg_temp.lanes();
SAVEPOINT s;
UPDATE usom.location SET handling_cost = 3 WHERE code = 'REM-A';
RELEASE s;
SELECT location, handling FROM pg_temp.lanes();
ROLLBACK;
SELECT location, handling FROM pg_temp.lanes();

-- a trigger of others that looks at once, and refuses the row
CREATE FUNCTION pg_temp.look_and_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE '% handles for %', NEW.code, (SELECT l.handling FROM pg_temp.lanes() l WHERE l.location = NEW.code);
	RAISE EXCEPTION 'refused';
END
$$;
CREATE TRIGGER a_first AFTER UPDATE ON usom.location FOR EACH ROW EXECUTE FUNCTION pg_temp.look_and_refuse();
SELECT location, handling FROM pg_temp.lanes();
UPDATE usom.location SET handling_cost = 7 WHERE code = 'REM-A';
SELECT location, handling FROM pg_temp.lanes();
DROP TRIGGER a_first ON usom.location;

-- COPY, and rows that replication brings: triggers of others are off then, ours are not
COPY usom.location (code, priority, handling_cost) FROM STDIN;
REM-C	3	5
\.
SELECT location, handling FROM pg_temp.lanes();
SET session_replication_role = replica;
UPDATE usom.location SET handling_cost = 8 WHERE code = 'REM-C';
RESET session_replication_role;
SELECT location, handling FROM pg_temp.lanes();

-- many organisations in one session, more than are remembered: each its own
DO $$
BEGIN
	FOR round IN 1 .. 2 LOOP
		FOR i IN 1 .. 20 LOOP
			IF round = 1 THEN
				INSERT INTO usom.organisation (code) VALUES ('remembered-' || i);
			END IF;
			PERFORM set_config('usom.org', 'remembered-' || i, false);
			IF round = 1 THEN
				INSERT INTO usom.location (code, handling_cost) VALUES ('ONE', i);
			END IF;
			ASSERT (SELECT l.handling FROM pg_temp.lanes() l) = i, 'of another organisation';
		END LOOP;
	END LOOP;
END
$$;
SET usom.org = 'remembered';
SELECT location, handling FROM pg_temp.lanes();

-- what is remembered does not grow
CREATE FUNCTION pg_temp.remembered() RETURNS TABLE (contexts bigint, bytes numeric) LANGUAGE sql AS $$
	SELECT count(*), sum(total_bytes) FROM pg_backend_memory_contexts WHERE name = 'usom memo'
$$;
DO $$
DECLARE
	was record;
	became record;
BEGIN
	SELECT * INTO was FROM pg_temp.remembered();
	FOR i IN 1 .. 300 LOOP
		UPDATE usom.location SET handling_cost = i WHERE code = 'REM-A' AND org_id = usom.current_org();
		ASSERT (SELECT l.handling FROM pg_temp.lanes() l WHERE l.location = 'REM-A') = i;
		BEGIN
			UPDATE usom.location SET handling_cost = -i WHERE code = 'REM-A' AND org_id = usom.current_org();
		EXCEPTION WHEN check_violation THEN
			PERFORM pg_temp.lanes();
		END;
	END LOOP;
	SELECT * INTO became FROM pg_temp.remembered();
	ASSERT was.contexts > 0 AND became.contexts <= was.contexts AND became.bytes <= was.bytes, format('%s, then %s', was, became);
END
$$;
SELECT * FROM usom.verify();

-- dropped and made again in one session: the keys come again, what was remembered does not
SET client_min_messages = warning;
DROP EXTENSION usom CASCADE;
CREATE EXTENSION usom;
SELECT count(*) > 0 AS installed FROM usom.install();
RESET usom.org;
BEGIN;
INSERT INTO usom.organisation (code) VALUES ('remembered');
SET LOCAL usom.org = 'remembered';
INSERT INTO usom.location (code, handling_cost) VALUES ('REM-A', 77);
SELECT l.location, l.handling FROM usom._lanes(ARRAY[ROW(1, 0, NULL, NULL, NULL, 0)::usom._sourcing_group], ARRAY(SELECT location_id FROM usom.location), now()) l;
ROLLBACK;
-- a drop that is rolled back
INSERT INTO usom.location (code, handling_cost) VALUES ('REM-A', 78);
CREATE TEMP VIEW handling AS SELECT l.location, l.handling FROM usom._lanes(ARRAY[ROW(1, 0, NULL, NULL, NULL, 0)::usom._sourcing_group], ARRAY(SELECT location_id FROM usom.location), now()) l;
SELECT * FROM handling;
BEGIN;
DROP EXTENSION usom CASCADE;
ROLLBACK;
SELECT * FROM handling;
\c :home
DROP DATABASE usom_remembered;
