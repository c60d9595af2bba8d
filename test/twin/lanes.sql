-- The rules that a line passes, and what each location is to an order, once in
-- C over what the backend remembers and once as a statement over the tables.
-- Master data change between the rounds, in the same transaction and with
-- savepoints that are rolled back, so the backend has to notice.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT setseed((:seed % 1000) / 1000.0) IS NULL AS seeded \gset

INSERT INTO usom.channel (code) VALUES ('twin') ON CONFLICT DO NOTHING;
INSERT INTO usom.customer (code) SELECT 'C' || i FROM generate_series(1, 3) i;
INSERT INTO usom.product (sku, category) SELECT 'S' || i, CASE WHEN i < 4 THEN 'K' || i END FROM generate_series(1, 5) i;

-- Some of the texts, none, or null.
CREATE FUNCTION twin.some(share double precision, VARIADIC choices text[]) RETURNS text[] LANGUAGE sql VOLATILE AS $$
	SELECT CASE WHEN random() < share THEN (SELECT array_agg(c ORDER BY random()) FROM unnest(choices) c WHERE random() < 0.6) END
$$;

CREATE FUNCTION twin.band() RETURNS numeric[] LANGUAGE sql VOLATILE AS $$
	SELECT CASE WHEN random() < 0.3 THEN ARRAY[0, NULL] WHEN random() < 0.5 THEN ARRAY[x, NULL] ELSE ARRAY[x, x + twin.pick(1, 600)] END FROM (SELECT twin.pick(0, 800)::numeric AS x) y
$$;

-- One change of the master data; false: it was refused.
CREATE FUNCTION twin.change_master() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	of_distance numeric[] := twin.band();
	of_weight numeric[] := twin.band();
	at_location bigint := (SELECT location_id FROM usom.location ORDER BY random() LIMIT 1);
	of_level bigint := (SELECT service_level_id FROM usom.service_level ORDER BY random() LIMIT 1);
	of_country text := twin.pick(NULL, 'DE', 'GB', 'US');
BEGIN
	CASE twin.pick(1, 12)
	WHEN 1 THEN
		INSERT INTO usom.location (code, kind, priority, latitude, longitude, time_zone, order_cost, unit_cost, handling_cost, protected_quantity)
			VALUES ('L' || usom.next_id(), twin.pick('warehouse', 'store', 'supplier', 'third_party'), twin.pick(1, 5),
			twin.pick(-90, 90), twin.pick(-180, 180), twin.pick('UTC', 'Europe/Berlin', 'America/New_York'), twin.pick(0, 3), twin.pick(0, 3) * 0.25, twin.pick(0, 3), twin.pick(0, 4));
	WHEN 2 THEN
		UPDATE usom.location SET active = random() < 0.8, ships = random() < 0.8, priority = twin.pick(1, 5),
			latitude = CASE WHEN random() < 0.8 THEN twin.pick(-90, 90) END, longitude = CASE WHEN random() < 0.8 THEN twin.pick(-180, 180) END WHERE location_id = at_location;
	WHEN 3 THEN INSERT INTO usom.service_level (code, cut_off, late_cost, active)
		VALUES ('V' || usom.next_id(), CASE WHEN random() < 0.6 THEN time '08:00' + twin.pick(0, 10) * interval '1 hour' END, twin.pick(0, 9) * 0.5, random() < 0.8);
	WHEN 4 THEN UPDATE usom.service_level SET active = random() < 0.8, cut_off = CASE WHEN random() < 0.5 THEN time '14:30' END WHERE service_level_id = of_level;
	WHEN 5 THEN INSERT INTO usom.transit_time (service_level_id, country, distance_from, distance_to, days) VALUES (of_level, of_country, of_distance[1], of_distance[2], twin.pick(0, 20) * 0.25);
	WHEN 6, 7 THEN INSERT INTO usom.freight_rate (service_level_id, carrier, location_id, country, currency, distance_from, distance_to, weight_from, weight_to, shipment_price, weight_price)
		VALUES (of_level, twin.pick('', 'a', 'b'), CASE WHEN random() < 0.3 THEN at_location END, of_country, CASE WHEN random() < 0.8 THEN (SELECT currency FROM usom.organisation) ELSE 'CHF' END,
		of_distance[1], of_distance[2], of_weight[1], of_weight[2], twin.pick(0, 12), twin.pick(0, 4) * 0.5);
	WHEN 8 THEN INSERT INTO usom.location_calendar (location_id, weekday, on_date, opens, closes, cut_off)
		VALUES (at_location, CASE WHEN random() < 0.6 THEN twin.pick(1, 7) END, NULL, time '06:00', time '18:00', CASE WHEN random() < 0.5 THEN time '12:00' END);
	WHEN 9 THEN INSERT INTO usom.location_calendar (location_id, on_date, opens, closes) VALUES (at_location, date '2026-06-01' + twin.pick(-3, 9)::integer, CASE WHEN random() < 0.5 THEN time '10:00' END, time '11:00');
	WHEN 10 THEN INSERT INTO usom.sourcing_rule (code, priority, active, channels, customers, countries, order_types, skus, categories, locations, excluded_locations, location_kinds,
			most_distance, location_order, service_level)
		SELECT 'R' || usom.next_id(), twin.pick(1, 3), random() < 0.8, twin.some(0.3, 'manual', 'web', 'twin'), twin.some(0.2, 'C1', 'C2', 'C3'), twin.some(0.3, 'DE', 'GB', 'US'),
			twin.some(0.2, 'standard', 'indent'), twin.some(0.2, 'S1', 'S2', 'S3', 'S4'), twin.some(0.2, 'K1', 'K2', 'K3'), l,
			CASE WHEN random() < 0.3 THEN ARRAY(SELECT code FROM usom.location WHERE l IS NULL OR code <> ALL (l) ORDER BY random() LIMIT 1) END,
			twin.some(0.3, 'warehouse', 'store', 'supplier', 'third_party'), CASE WHEN random() < 0.4 THEN twin.pick(1, 15000) END,
			CASE WHEN l IS NULL THEN twin.pick('cost', 'priority', 'distance') ELSE twin.pick('cost', 'listed') END,
			CASE WHEN random() < 0.4 THEN (SELECT code FROM usom.service_level ORDER BY random() LIMIT 1) END
		FROM (SELECT CASE WHEN random() < 0.4 THEN (SELECT array_agg(code ORDER BY random()) FROM usom.location WHERE random() < 0.6) END AS l) x;
	WHEN 11 THEN UPDATE usom.sourcing_rule SET active = random() < 0.7, priority = twin.pick(1, 3) WHERE sourcing_rule_id = (SELECT sourcing_rule_id FROM usom.sourcing_rule ORDER BY random() LIMIT 1);
	ELSE CASE twin.pick(1, 4)
		WHEN 1 THEN DELETE FROM usom.freight_rate WHERE freight_rate_id = (SELECT freight_rate_id FROM usom.freight_rate ORDER BY random() LIMIT 1);
		WHEN 2 THEN DELETE FROM usom.transit_time WHERE transit_time_id = (SELECT transit_time_id FROM usom.transit_time ORDER BY random() LIMIT 1);
		WHEN 3 THEN DELETE FROM usom.location_calendar WHERE location_calendar_id = (SELECT location_calendar_id FROM usom.location_calendar ORDER BY random() LIMIT 1);
		ELSE UPDATE usom.organisation SET currency = twin.pick('EUR', 'CHF');
		END CASE;
	END CASE;
	RETURN true;
EXCEPTION WHEN check_violation OR exclusion_violation OR not_null_violation OR SQLSTATE 'US302' THEN
	RETURN false;
END
$$;

-- What hours with the earlier of two cut-offs are.
CREATE FUNCTION twin.hours_until(location bigint, until time) RETURNS usom._hours[] LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN until IS NULL OR h <> '{}' THEN h ELSE ARRAY(SELECT ROW(d, NULL, '00:00', '24:00', until)::usom._hours FROM generate_series(1, 7) d) END
	FROM (SELECT ARRAY(SELECT ROW(c.weekday, c.on_date, c.opens, c.closes, greatest(least(coalesce(c.cut_off, c.closes), until), c.opens))::usom._hours
		FROM usom.location_calendar c WHERE c.location_id = $1) AS h) x
$$;

-- The statement that lanes.c took the place of.
CREATE FUNCTION twin.lanes(groups usom._sourcing_group[], locations bigint[], at timestamptz)
RETURNS TABLE (ordinal integer, location text, distance double precision, verdict text, rank double precision, fixed double precision,
	unit_cost double precision, handling double precision, freight double precision, freight_by_weight double precision,
	late_cost double precision, protected_quantity numeric, arrives_at timestamptz) LANGUAGE sql STABLE AS $$
	SELECT x.ordinal, x.code, x.km, CASE WHEN x.verdict = '' AND x.ships_at IS NULL THEN 'closed' ELSE x.verdict END, coalesce(x.rank, 0), x.order_cost, x.unit_cost, x.handling_cost,
		coalesce(x.shipment_price, 0), coalesce(x.weight_price, 0), coalesce(x.late_cost, 0), x.protected, x.ships_at + coalesce(x.days, 0) * interval '24 hours'
	FROM (
		SELECT g.ordinal, l.location_id, l.code, l.priority, d.km,
			CASE WHEN NOT l.active THEN 'inactive' WHEN NOT l.ships THEN 'closed'
				WHEN l.code <> ALL (r.locations) OR l.code = ANY (r.excluded_locations) OR l.kind <> ALL (r.location_kinds) THEN 'excluded'
				WHEN r.most_distance < coalesce(d.km, 1e6) THEN 'far' ELSE '' END AS verdict,
			CASE r.location_order WHEN 'priority' THEN l.priority WHEN 'distance' THEN coalesce(d.km, 1e6)
				WHEN 'listed' THEN array_position(r.locations, l.code) ELSE 0 END::float8 AS rank,
			l.order_cost::float8, l.unit_cost::float8, l.handling_cost::float8, trim_scale(l.protected_quantity) AS protected,
			s.shipment_price::float8, s.weight_price::float8, s.days::float8, s.late_cost::float8,
			usom._ship_time(twin.hours_until(l.location_id, s.cut_off), l.time_zone, at) AS ships_at
		FROM unnest(groups) AS g CROSS JOIN usom.location AS l
		LEFT JOIN usom.sourcing_rule AS r ON r.sourcing_rule_id = g.sourcing_rule_id
		CROSS JOIN LATERAL (SELECT usom._distance(g.latitude, g.longitude, l.latitude, l.longitude) AS km OFFSET 0) AS d
		LEFT JOIN LATERAL (SELECT x.* FROM (
			SELECT DISTINCT ON (v.service_level_id) v.service_level_id, v.cut_off, v.late_cost,
				coalesce(f.shipment_price, 0) AS shipment_price, coalesce(f.weight_price, 0) AS weight_price, coalesce(t.days, 0) AS days
			FROM usom.service_level AS v
			LEFT JOIN usom.freight_rate AS f ON f.service_level_id = v.service_level_id AND f.currency = (SELECT o.currency FROM usom.organisation AS o)
				AND (f.location_id IS NULL OR f.location_id = l.location_id) AND (f.country IS NULL OR f.country = g.country)
				AND (f.distance_to IS NULL OR d.km < f.distance_to) AND (d.km IS NULL OR d.km >= f.distance_from)
				AND g.weight >= f.weight_from AND (f.weight_to IS NULL OR g.weight < f.weight_to)
			LEFT JOIN LATERAL (SELECT t.days FROM usom.transit_time AS t
				WHERE t.service_level_id = v.service_level_id AND (t.country IS NULL OR t.country = g.country)
				AND (t.distance_to IS NULL OR d.km < t.distance_to) AND (d.km IS NULL OR d.km >= t.distance_from)
				ORDER BY t.country NULLS LAST LIMIT 1) AS t ON true
			WHERE CASE WHEN r.service_level IS NULL THEN v.active ELSE v.code = r.service_level END
			ORDER BY v.service_level_id, f.location_id NULLS LAST, f.country NULLS LAST, f.shipment_price + f.weight_price * g.weight, f.freight_rate_id) AS x
			ORDER BY x.shipment_price + x.weight_price * g.weight, x.days, x.service_level_id LIMIT 1) AS s ON true
		WHERE l.location_id = ANY ($2)) x
	ORDER BY x.ordinal, x.priority, x.location_id
$$;

CREATE FUNCTION twin.try_rules(round bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	cases usom._rule_case[] := ARRAY(SELECT ROW(i, twin.pick(NULL, 'manual', 'web', 'twin'), twin.pick(NULL, 'C1', 'C2', 'C3', 'C9'), twin.pick(NULL, 'DE', 'GB', 'US', 'XX', 'Germany'),
		twin.pick('standard', 'indent', 'pre_order'), twin.pick('S1', 'S2', 'S4', 'S5'), twin.pick(NULL, 'K1', 'K2', 'K3', 'K9'))::usom._rule_case FROM generate_series(1, 20) i);
BEGIN
	PERFORM twin.compare('rules', format('round %s: %s', round, cases), (SELECT jsonb_agg(m ORDER BY m.ordinal, m.place)::text FROM usom._matching_rule(cases) m),
		(SELECT jsonb_agg(m ORDER BY m.ordinal, m.place)::text FROM usom._passed_rules(cases) m));
	RETURN 20;
END
$$;

CREATE FUNCTION twin.try_lanes(round bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	groups usom._sourcing_group[] := ARRAY(SELECT ROW(i, coalesce((SELECT sourcing_rule_id FROM usom.sourcing_rule WHERE active AND random() < 0.8 ORDER BY random() LIMIT 1), 0),
		CASE WHEN random() < 0.9 THEN twin.pick(-90, 90) END, CASE WHEN random() < 0.9 THEN twin.pick(-180, 180) END, twin.pick(NULL, 'DE', 'GB', 'FR', 'sealed'), twin.pick(0, 900))::usom._sourcing_group
		FROM generate_series(1, 4) i);
	locations bigint[] := ARRAY(SELECT location_id FROM usom.location WHERE random() < 0.7 ORDER BY random());
	at timestamptz := timestamptz '2026-06-01' + twin.pick(-48, 400) * interval '13 minutes';
BEGIN
	PERFORM twin.compare('lanes', format('round %s: usom._lanes(%L, %L, %L)', round, groups, locations, at),
		(SELECT json_agg(x)::text FROM twin.lanes(groups, locations, at) x), (SELECT json_agg(x)::text FROM usom._lanes(groups, locations, at) x));
	RETURN cardinality(locations) * 4;
END
$$;

CREATE TABLE twin.tried (rules bigint, lanes bigint, changes bigint);
CREATE FUNCTION twin.try_round(round bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	changed boolean;
BEGIN
	BEGIN
		changed := twin.change_master();
		-- what is rolled back must not be remembered
		IF random() < 0.2 THEN
			PERFORM twin.try_lanes(round), twin.try_rules(round);
			RAISE EXCEPTION USING ERRCODE = 'TW000';
		END IF;
	EXCEPTION WHEN SQLSTATE 'TW000' THEN
	END;
	INSERT INTO twin.tried VALUES (twin.try_rules(round), twin.try_lanes(round), changed::integer);
END
$$;

INSERT INTO usom.location (code, latitude, longitude) VALUES ('L1', 50, 8), ('L2', 52, 13);
INSERT INTO usom.service_level (code) VALUES ('V1'), ('V2');
DO $$ BEGIN FOR i IN 1 .. 150 LOOP PERFORM twin.change_master(); END LOOP; END $$;
-- each round a transaction, so that what is remembered has been committed
CREATE PROCEDURE twin.try_rounds(rounds integer) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. rounds LOOP
		PERFORM twin.try_round(i);
		COMMIT;
	END LOOP;
END
$$;
CALL twin.try_rounds(50 * :cases);
SELECT twin.report('rules', (SELECT sum(rules)::bigint FROM twin.tried));
SELECT twin.report('lanes', (SELECT sum(lanes)::bigint FROM twin.tried));
SELECT format('changes of master data|%s|%s', (SELECT sum(changes) FROM twin.tried), CASE WHEN (SELECT sum(changes) FROM twin.tried) < 20 THEN 'too few' END);
