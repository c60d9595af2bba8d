-- The calendar (src/sourcing/calendar.c) against a search that walks a clock
-- in steps of ten minutes: a local time is the first step at which the clock
-- of the zone shows it or more; an order leaves at the earliest of all hours
-- whose cut-off it meets.  Orders come around the days on which the clock
-- changes, in zones that change it by one hour, by half of one, and by a day.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT setseed((:seed % 1000) / 1000.0) IS NULL AS seeded \gset

CREATE TABLE twin.clock (x timestamptz PRIMARY KEY, local timestamp NOT NULL);

CREATE FUNCTION twin.first_step(wanted timestamp) RETURNS timestamptz LANGUAGE sql AS $$
	SELECT min(c.x) FROM twin.clock c WHERE c.local >= wanted
$$;

-- Null: not within the eight days that the clock was wound for.
CREATE FUNCTION twin.ship_time(hours usom._hours[], at timestamptz) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
	d date;
	h usom._hours;
	of_day usom._hours[];
	opens timestamptz;
	earliest timestamptz;
BEGIN
	FOR d IN SELECT DISTINCT c.local::date FROM twin.clock c WHERE c.x >= at - interval '30 hours' AND c.x < at + interval '8 days' ORDER BY 1 LOOP
		of_day := ARRAY(SELECT x FROM unnest(hours) x WHERE x.on_date = d);
		IF of_day = '{}' THEN
			of_day := ARRAY(SELECT x FROM unnest(hours) x WHERE x.weekday = extract(isodow FROM d));
			IF of_day = '{}' AND NOT EXISTS (SELECT FROM unnest(hours) x WHERE x.weekday IS NOT NULL) THEN
				of_day := ARRAY[ROW(NULL, d, '00:00', '24:00', NULL)::usom._hours];
			END IF;
		END IF;
		FOREACH h IN ARRAY of_day LOOP
			CONTINUE WHEN h.opens IS NULL;
			opens := twin.first_step(d + h.opens);
			CONTINUE WHEN twin.first_step(d + coalesce(h.cut_off, h.closes)) < at OR opens >= twin.first_step(d + h.closes);
			earliest := least(earliest, greatest(opens, at));
		END LOOP;
	END LOOP;
	RETURN earliest;
END
$$;

CREATE FUNCTION twin.step(n bigint) RETURNS time LANGUAGE sql AS $$
	SELECT CASE n WHEN 144 THEN time '24:00' ELSE time '00:00' + n * interval '10 minutes' END
$$;

-- Up to two stretches of a day, at multiples of ten minutes, more of them at night, when clocks change.
CREATE FUNCTION twin.hours_of(weekday integer, on_date date) RETURNS usom._hours[] LANGUAGE plpgsql AS $$
DECLARE
	m integer[] := ARRAY(SELECT DISTINCT twin.pick(0, CASE WHEN random() < 0.5 THEN 30 ELSE 144 END)::integer FROM generate_series(1, 5) ORDER BY 1);
	hours usom._hours[] := '{}';
BEGIN
	FOR i IN 1 .. 2 LOOP
		EXIT WHEN m[2 * i] IS NULL OR random() < 0.3;
		hours := hours || ROW(weekday, on_date, twin.step(m[2 * i - 1]), twin.step(m[2 * i]),
			CASE WHEN random() < 0.5 THEN twin.step(twin.pick(m[2 * i - 1], m[2 * i])) END)::usom._hours;
	END LOOP;
	IF hours = '{}' AND on_date IS NOT NULL THEN
		hours := ARRAY[ROW(NULL, on_date, NULL, NULL, NULL)::usom._hours];
	END IF;
	RETURN hours;
END
$$;

CREATE FUNCTION twin.try_calendar(orders integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	zone text;
	change timestamptz;
	hours usom._hours[] := '{}';
	at timestamptz;
	said timestamptz;
BEGIN
	SELECT * INTO zone, change FROM (VALUES ('Europe/Berlin', '2026-03-29 01:00Z'), ('Europe/Berlin', '2026-10-25 01:00Z'), ('America/New_York', '2026-03-08 07:00Z'),
		('America/New_York', '2026-11-01 06:00Z'), ('Australia/Lord_Howe', '2026-04-04 15:00Z'), ('Australia/Lord_Howe', '2026-10-03 15:30Z'), ('America/Sao_Paulo', '2018-02-18 02:00Z'),
		('America/Sao_Paulo', '2018-11-04 03:00Z'), ('Pacific/Apia', '2011-12-30 10:00Z'), ('Asia/Kolkata', '2026-03-29 01:00Z'), ('UTC', '2026-10-25 00:00Z')) z ORDER BY random() LIMIT 1;
	FOR d IN 1 .. 7 LOOP
		hours := hours || CASE WHEN random() < 0.7 THEN twin.hours_of(d, NULL) ELSE '{}' END;
	END LOOP;
	IF random() < 0.2 THEN
		hours := '{}';
	END IF;
	FOR d IN -2 .. 6 LOOP
		hours := hours || CASE WHEN random() < 0.2 THEN twin.hours_of(NULL, (change AT TIME ZONE zone)::date + d) ELSE '{}' END;
	END LOOP;
	TRUNCATE twin.clock;
	INSERT INTO twin.clock SELECT x, x AT TIME ZONE zone FROM generate_series(change - interval '5 days', change + interval '12 days', interval '10 minutes') x;
	FOR i IN 1 .. orders LOOP
		at := change + CASE WHEN random() < 0.5 THEN twin.pick(-40 * 6, 30 * 6) * interval '10 minutes' ELSE twin.pick(-40 * 60, 30 * 60) * interval '1 minute' END;
		said := usom._ship_time(hours, zone, at);
		PERFORM twin.compare('calendar', format('usom._ship_time(%L, %L, %L)', hours, zone, at), coalesce(twin.ship_time(hours, at)::text, 'later'),
			CASE WHEN said < (SELECT max(x) FROM twin.clock WHERE local::date <= ((at + interval '8 days') AT TIME ZONE zone)::date) THEN said::text ELSE 'later' END);
		PERFORM twin.compare('local day', format('usom._local_day(%L, %L)', zone, at), (at AT TIME ZONE zone)::date::text, usom._local_day(zone, at)::text);
	END LOOP;
	RETURN orders;
END
$$;

SELECT sum(twin.try_calendar(5)) AS tried FROM generate_series(1, 100 * :cases) \gset
SELECT twin.report('calendar', :tried);
SELECT twin.report('local day', :tried);
