-- The sourcing plan (src/sourcing/allocate.c) against loops that read as the
-- rule is told: a demand goes whole to the first location by priority, then
-- key, that has enough; if none has and it may be cut, to the location that
-- has most; the rest is backordered.  Lots are used up in their order.
SET client_min_messages = warning;
SELECT setseed((:seed % 1000) / 1000.0) IS NULL AS seeded \gset

CREATE FUNCTION twin.plan(demands usom._demand[], stock usom._stock_available[])
RETURNS TABLE (demand integer, location_id bigint, lot text, quantity numeric)
LANGUAGE plpgsql AS $$
DECLARE
	d usom._demand;
	chosen bigint;
	rest numeric;
	lots record;
	taken numeric;
BEGIN
	CREATE TEMP TABLE IF NOT EXISTS shelf (product_id bigint, location_id bigint, lot text COLLATE "C", priority integer, available numeric);
	TRUNCATE shelf;
	INSERT INTO shelf SELECT s.product_id, s.location_id, s.lot, s.priority, greatest(s.available, 0) FROM unnest(stock) AS s;
	FOR i IN 1 .. coalesce(cardinality(demands), 0) LOOP
		d := demands[i];
		rest := d.quantity;
		SELECT s.location_id INTO chosen
		FROM (SELECT f.location_id, min(f.priority) AS priority, sum(f.available) AS total
			FROM shelf f WHERE f.product_id = d.product_id AND d.location_id IN (0, f.location_id)
			GROUP BY f.location_id) AS s
		WHERE s.total >= d.quantity OR (d.partial AND s.total > 0)
		ORDER BY s.total >= d.quantity DESC, CASE WHEN s.total < d.quantity THEN s.total END DESC, s.priority, s.location_id
		LIMIT 1;
		IF chosen IS NOT NULL THEN
			FOR lots IN SELECT * FROM shelf f
				WHERE f.product_id = d.product_id AND f.location_id = chosen AND f.available > 0 ORDER BY f.lot
			LOOP
				taken := least(rest, lots.available);
				CONTINUE WHEN taken = 0;
				UPDATE shelf f SET available = f.available - taken
				WHERE f.product_id = d.product_id AND f.location_id = chosen AND f.lot = lots.lot;
				rest := rest - taken;
				demand := i; location_id := chosen; lot := lots.lot; quantity := taken;
				RETURN NEXT;
			END LOOP;
		END IF;
		IF rest > 0 THEN
			demand := i; location_id := NULL; lot := NULL; quantity := rest;
			RETURN NEXT;
		END IF;
	END LOOP;
END
$$;

-- Few products, locations and units, so that demands compete; now and then
-- decimals, large numbers, or nothing at all.
CREATE FUNCTION twin.try_plan() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	products bigint := twin.pick(1, 4);
	locations bigint := twin.pick(1, 6);
	scale numeric := (ARRAY[1, 1, 1, 0.000001, 0.25, 100000000])[twin.pick(1, 6)];
	priorities integer[] := ARRAY(SELECT twin.pick(1, 3)::integer FROM generate_series(1, 6));
	demands usom._demand[];
	stock usom._stock_available[];
BEGIN
	demands := ARRAY(SELECT ROW(twin.pick(1, products), CASE WHEN random() < 0.25 THEN twin.pick(1, locations) ELSE 0 END,
			twin.pick(1, 12) * scale, random() < 0.6)::usom._demand
		FROM generate_series(1, twin.pick(0, 8)));
	stock := ARRAY(SELECT ROW(k.p, k.l, k.lot, priorities[k.l], twin.pick(-2, 9) * scale)::usom._stock_available
		FROM (SELECT p, l, lot FROM generate_series(1, products) p, generate_series(1, locations) l, unnest(ARRAY['', 'B', 'a', 'A2']) lot) AS k
		WHERE random() < 0.4 ORDER BY random());
	PERFORM twin.compare('sourcing plan', format('usom._plan(%L, %L)', demands, stock),
		(SELECT string_agg(format('%s:%s/%s=%s', t.demand, t.location_id, t.lot, trim_scale(t.quantity)), ' ' ORDER BY n)
			FROM twin.plan(demands, stock) WITH ORDINALITY AS t (demand, location_id, lot, quantity, n)),
		(SELECT string_agg(format('%s:%s/%s=%s', t.demand, t.location_id, t.lot, t.quantity), ' ' ORDER BY n)
			FROM usom._plan(demands, stock) WITH ORDINALITY AS t (demand, location_id, lot, quantity, n)));
END
$$;

SELECT count(*) AS tried FROM (SELECT twin.try_plan() FROM generate_series(1, 1000 * :cases)) AS t \gset
SELECT twin.report('sourcing plan', :tried);
