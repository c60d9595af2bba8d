-- Cut-offs at the clocks of locations (cut_off.c) and what messages of warehouses add to each other (told.c).
SELECT setseed((:seed % 997) / 1000.0) IS NULL AS seeded \gset
SET client_min_messages = warning;

-- By the words of the manual: so many minutes later; or the next time that the clock shows it, a time that the clock skips being the change.
CREATE FUNCTION twin.cut_off_of(minutes integer, until_time time, zone text, released timestamptz) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
	day date := (released AT TIME ZONE zone)::date - 1;
	minute timestamptz;
BEGIN
	IF minutes IS NOT NULL THEN
		RETURN released + make_interval(secs => minutes * 60);
	ELSIF until_time IS NULL THEN
		RETURN NULL;
	END IF;
	-- the first moment, minute by minute from the release on, of a day on which the clock has come to the time
	FOR n IN 0 .. 2 LOOP
		SELECT min(m) INTO minute FROM generate_series((day + n)::timestamp AT TIME ZONE 'UTC' - interval '14 hours', (day + n)::timestamp AT TIME ZONE 'UTC' + interval '38 hours', interval '1 minute') m
		WHERE (m AT TIME ZONE zone)::date = day + n AND (m AT TIME ZONE zone)::time >= until_time;
		IF minute >= released THEN
			RETURN minute;
		END IF;
	END LOOP;
	RETURN minute;
END
$$;

CREATE FUNCTION twin.try_cut_off() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	minutes integer := CASE WHEN random() < 0.2 THEN twin.pick(0, 3000)::integer END;
	until_time time := CASE WHEN minutes IS NULL AND random() < 0.9 THEN make_time(twin.pick(0, 22)::integer, (5 * twin.pick(0, 11))::integer, 0) END;
	zone text := (ARRAY['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata'])[twin.pick(1, 5)];
	-- around the days when clocks change
	released timestamptz := (ARRAY['2026-03-29', '2026-10-25', '2026-03-08', '2026-11-01', '2026-04-05', '2026-10-04', '2026-06-15'])[twin.pick(1, 7)]::timestamp AT TIME ZONE 'UTC' + make_interval(mins => twin.pick(-1440, 1440)::integer);
BEGIN
	PERFORM twin.compare('cut-offs', format('usom._cut_off_ends(%s, %L, %L, %L)', coalesce(minutes::text, 'NULL'), until_time, zone, released),
		twin.cut_off_of(minutes, until_time, zone, released)::text, usom._cut_off_ends(minutes, until_time, zone, released)::text);
END
$$;
SELECT count(*) AS tried FROM generate_series(1, 20 * :cases), LATERAL twin.try_cut_off() \gset
SELECT twin.report('cut-offs', :tried);

-- Messages in any order move the same units: what they add up to is what the sums say.
CREATE FUNCTION twin.try_messages() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	kinds text[] := ARRAY(SELECT (ARRAY['picked', 'packed', 'shipped'])[twin.pick(1, 3)] FROM generate_series(1, twin.pick(1, 6)));
	units integer[] := ARRAY(SELECT twin.pick(1, 9) FROM generate_series(1, cardinality(kinds)));
	told numeric[];
	moved numeric[];
	shown text[] := '{}';
	message record;
BEGIN
	FOR n IN 1 .. 3 LOOP
		told := ARRAY[0, 0, 0];
		moved := ARRAY[0, 0, 0];
		FOR message IN SELECT k, u, array_position(ARRAY['picked', 'packed', 'shipped'], k) AS i FROM unnest(kinds, units) AS m (k, u) ORDER BY random() LOOP
			moved[message.i] := moved[message.i] + usom._untold(told[1], told[2], told[3], message.k, message.u);
			-- what was shipped went through the others
			IF message.i = 3 THEN
				moved[2] := moved[2] + greatest(told[3] + message.u - greatest(told[2], told[3]), 0);
			END IF;
			IF message.i >= 2 THEN
				moved[1] := moved[1] + greatest(greatest(told[2] + CASE message.i WHEN 2 THEN message.u ELSE 0 END, told[3] + CASE message.i WHEN 3 THEN message.u ELSE 0 END) - greatest(told[1], told[2], told[3]), 0);
			END IF;
			told[message.i] := told[message.i] + message.u;
		END LOOP;
		shown := shown || moved::text;
	END LOOP;
	PERFORM twin.compare('messages', format('%s of %s', kinds, units), ARRAY[greatest(told[1], told[2], told[3]), greatest(told[2], told[3]), told[3]]::text, shown[1]);
	PERFORM twin.compare('messages', format('%s of %s, in another order', kinds, units), shown[1], shown[2]);
	PERFORM twin.compare('messages', format('%s of %s, in a third', kinds, units), shown[1], shown[3]);
END
$$;
SELECT count(*) AS tried FROM generate_series(1, 300 * :cases), LATERAL twin.try_messages() \gset
SELECT twin.report('messages', :tried);
