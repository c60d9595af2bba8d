-- What follows from the pieces (src/order/lifecycle.c, moves.c): random orders
-- live random lives, and after each step the status, the counters and the
-- totals are what a reading of the pieces says.
SELECT setseed((:seed % 997) / 1000.0) IS NULL AS seeded \gset
SET client_min_messages = warning;
INSERT INTO usom.location (code, priority) VALUES ('L1', 1), ('L2', 2);
INSERT INTO usom.product (sku, kind) SELECT 'S' || i, CASE WHEN i = 6 THEN 'service' ELSE 'physical' END FROM generate_series(1, 6) AS i;
SELECT count(*) AS received FROM generate_series(1, 2) l, generate_series(1, 5) p, usom.receive_stock('L' || l, 'S' || p, 40 * l) \gset

-- The status by the words of the manual, from the pieces alone; decided is
-- what was commanded last.
CREATE FUNCTION twin.status_of(key bigint, decided text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	units record;
	waiting numeric;
BEGIN
	SELECT coalesce(sum(f.quantity) FILTER (WHERE f.status IN ('released', 'picked', 'packed')), 0) AS working,
		coalesce(sum(f.quantity) FILTER (WHERE f.status = 'shipped'), 0) AS travelling,
		coalesce(sum(f.quantity) FILTER (WHERE f.status IN ('delivered', 'returned')), 0) AS arrived,
		coalesce(sum(f.quantity) FILTER (WHERE f.status = 'cancelled'), 0) AS cancelled
	INTO units FROM usom.fulfillment_line f WHERE f.sales_order_id = key;
	SELECT sum(l.quantity) - units.cancelled - units.arrived - units.travelling INTO waiting FROM usom.order_line l WHERE l.sales_order_id = key;
	IF decided IN ('closed', 'cancelled', 'rejected') THEN
		RETURN decided;
	ELSIF waiting + units.travelling + units.arrived = 0 THEN
		RETURN 'cancelled';
	ELSIF decided IN ('draft', 'submitted') THEN
		RETURN decided;
	ELSIF waiting > 0 THEN
		RETURN CASE WHEN units.travelling + units.arrived > 0 THEN 'partially_shipped' WHEN units.working > 0 THEN 'processing' ELSE 'confirmed' END;
	ELSIF units.travelling > 0 THEN
		RETURN 'shipped';
	END IF;
	RETURN 'delivered';
END
$$;

CREATE FUNCTION twin.counters_of(key bigint) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s: %s of %s open, %s', l.line_no, trim_scale(l.quantity - coalesce(p.planned, 0)), trim_scale(l.quantity), p.counted), '; ' ORDER BY l.line_no)
	FROM usom.order_line l
		LEFT JOIN LATERAL (SELECT sum(f.units) AS planned, string_agg(f.status || ' ' || trim_scale(f.units), ', ' ORDER BY f.status) AS counted
			FROM (SELECT p.status::text AS status, sum(p.quantity) AS units FROM usom.fulfillment_line p
				WHERE p.sales_order_id = l.sales_order_id AND p.line_no = l.line_no GROUP BY 1) AS f) AS p ON true
	WHERE l.sales_order_id = key
$$;

CREATE FUNCTION twin.kept_counters_of(key bigint) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s: %s of %s open, %s', l.line_no, trim_scale(l.quantity_open), trim_scale(l.quantity), p.counted), '; ' ORDER BY l.line_no)
	FROM usom.order_line l
		CROSS JOIN LATERAL (SELECT string_agg(k.status || ' ' || trim_scale(k.units), ', ' ORDER BY k.status) AS counted
			FROM (VALUES ('backordered', l.quantity_backordered), ('reserved', l.quantity_reserved), ('released', l.quantity_released),
				('picked', l.quantity_picked), ('packed', l.quantity_packed), ('shipped', l.quantity_shipped), ('delivered', l.quantity_delivered),
				('returned', l.quantity_returned), ('cancelled', l.quantity_cancelled)) AS k (status, units) WHERE k.units > 0) AS p
	WHERE l.sales_order_id = key
$$;

CREATE FUNCTION twin.money_of(key bigint) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s = %s', sum(round(l.unit_price * (l.quantity - coalesce(c.cancelled, 0)), 4)),
		string_agg(round(l.unit_price * (l.quantity - coalesce(c.cancelled, 0)), 4)::text, ' + ' ORDER BY l.line_no))
	FROM usom.order_line l
		LEFT JOIN LATERAL (SELECT sum(f.quantity) AS cancelled FROM usom.fulfillment_line f
			WHERE f.sales_order_id = l.sales_order_id AND f.line_no = l.line_no AND f.status = 'cancelled') AS c ON true
	WHERE l.sales_order_id = key
$$;

CREATE FUNCTION twin.kept_money_of(key bigint) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s = %s', o.total, string_agg(l.total::text, ' + ' ORDER BY l.line_no))
	FROM usom.sales_order o JOIN usom.order_line l USING (org_id, sales_order_id) WHERE o.sales_order_id = key GROUP BY o.total
$$;

-- A step as SQL; most are refused now and then, which changes nothing.
CREATE FUNCTION twin.random_step(of_order text, key bigint) RETURNS text LANGUAGE sql AS $$
	SELECT CASE twin.pick(1, 22)
		WHEN 1 THEN format('SELECT usom.submit_order(%L)', of_order)
		WHEN 2 THEN format('SELECT usom.cancel_line(%L, %s, %s, ''twin'')', of_order, twin.pick(1, 3), twin.pick(1, 5))
		WHEN 3 THEN CASE WHEN random() < 0.3 THEN format('SELECT usom.cancel_order(%L, ''twin'')', of_order)
			ELSE format('SELECT usom.cancel_line(%L, %s, NULL, ''twin'')', of_order, twin.pick(1, 3)) END
		WHEN 4 THEN format('SELECT usom.change_order(%L, ''{"lines": [{"line_no": %s, "quantity": %s}]}'')', of_order, twin.pick(1, 3), twin.pick(1, 9))
		WHEN 5 THEN format('SELECT usom.change_order(%L, ''{"lines": [{"sku": "S%s", "quantity": %s, "unit_price": 1.0001}]}'')', of_order, twin.pick(1, 6), twin.pick(1, 9))
		WHEN 6 THEN format('SELECT usom.release_order(%L)', of_order)
		WHEN 7 THEN format('SELECT usom.ship(%L)', of_order)
		WHEN 8 THEN format('SELECT usom.ship(%L, ''[{"line_no": %s, "quantity": %s}]'')', of_order, twin.pick(1, 3), twin.pick(1, 3))
		WHEN 9 THEN format('SELECT usom.deliver(shipment_no) FROM (SELECT shipment_no FROM usom.shipment WHERE sales_order_id = %s ORDER BY random() LIMIT 1) AS s', key)
		WHEN 10 THEN format('SELECT usom.receive_return(usom.authorize_return(%L, ''[{"line_no": %s, "quantity": 1}]'', ''twin''))', of_order, twin.pick(1, 3))
		WHEN 11 THEN format(twin.pick('SELECT usom.allocate_order(%L)', 'SELECT usom.confirm_order(%L)'), of_order)
		-- What is due next, so that lives get on.
		ELSE (SELECT CASE
			WHEN o.status = 'draft' THEN format('SELECT usom.submit_order(%L)', of_order)
			WHEN o.status = 'delivered' THEN format('SELECT usom.close_order(%L)', of_order)
			WHEN EXISTS (SELECT FROM usom.fulfillment_line f WHERE f.sales_order_id = key AND f.status = 'shipped') AND random() < 0.5
				THEN format('SELECT usom.deliver(shipment_no) FROM usom.shipment WHERE sales_order_id = %s', key)
			WHEN EXISTS (SELECT FROM usom.fulfillment_line f WHERE f.sales_order_id = key AND f.status = 'released')
				THEN format('SELECT usom.ship(%L)', of_order)
			ELSE format('SELECT usom.release_order(%L)', of_order)
			END FROM usom.sales_order o WHERE o.sales_order_id = key)
	END
$$;

-- The last decision: what close, cancel and submit commanded, as the history tells.
CREATE FUNCTION twin.decision_of(key bigint) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce((SELECT h.to_status::text FROM usom.order_history h WHERE h.sales_order_id = key AND h.to_status IN ('closed', 'rejected') LIMIT 1),
		(SELECT CASE WHEN bool_or(h.to_status NOT IN ('draft', 'submitted')) THEN 'confirmed' ELSE max(h.to_status)::text END
			FROM usom.order_history h WHERE h.sales_order_id = key AND h.to_status <> 'cancelled'))
$$;

CREATE FUNCTION twin.check_order(key bigint, story text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM twin.compare('status from pieces', story, twin.status_of(key, twin.decision_of(key)), (SELECT status::text FROM usom.sales_order WHERE sales_order_id = key));
	PERFORM twin.compare('counters from pieces', story, twin.counters_of(key), twin.kept_counters_of(key));
	PERFORM twin.compare('totals from lines', story, twin.money_of(key), twin.kept_money_of(key));
END
$$;

CREATE FUNCTION twin.live() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	document jsonb := jsonb_build_object('draft', random() < 0.2, 'lines', (SELECT jsonb_agg(jsonb_build_object('sku', 'S' || twin.pick(1, 6),
		'quantity', twin.pick(1, 8) * (ARRAY[1, 1, 0.5])[twin.pick(1, 3)], 'unit_price', twin.pick(1, 99999) / 10000.0, 'partial', random() < 0.7)) FROM generate_series(1, twin.pick(1, 3))));
	the_no text;
	key bigint;
	story text;
	step text;
	steps bigint := 1;
BEGIN
	IF random() < 0.3 THEN
		PERFORM usom.receive_stock('L' || twin.pick(1, 2), 'S' || twin.pick(1, 5), twin.pick(1, 30));
		PERFORM usom.fill_backorders();
	END IF;
	SELECT p.order_no INTO the_no FROM usom.place_order(document) AS p;
	SELECT sales_order_id INTO key FROM usom.sales_order WHERE order_no = the_no;
	story := format('SELECT usom.place_order(%L);', document);
	PERFORM twin.check_order(key, story);
	FOR i IN 1 .. twin.pick(2, 10) LOOP
		step := twin.random_step(the_no, key);
		BEGIN
			EXECUTE step;
			story := story || ' ' || step || ';';
		EXCEPTION WHEN OTHERS THEN
			IF SQLSTATE !~ '^(US|22)' THEN
				PERFORM twin.compare('status from pieces', story || ' ' || step, 'an error of class US or 22', SQLSTATE || ' ' || SQLERRM);
			END IF;
		END;
		PERFORM twin.check_order(key, story || ' -- ' || step);
		steps := steps + 1;
	END LOOP;
	RETURN steps;
END
$$;

SELECT sum(twin.live()) AS tried FROM generate_series(1, 150 * :cases) \gset
SELECT twin.report(what, :tried) FROM unnest(ARRAY['status from pieces', 'counters from pieces', 'totals from lines']) AS what;

-- What verify() recomputes agrees as well.
INSERT INTO twin.difference SELECT 'verify() after random lives', entity || ': ' || problem, expected, actual FROM usom.verify();
SELECT twin.report('verify() after random lives', (SELECT count(*) FROM usom.sales_order));

-- What is null in a piece, for each of its states.
SELECT count(*) AS tried FROM (
	SELECT twin.compare('sound pieces', format('usom._piece_is_sound(%L, %s, %s, %L, %s)', s.status, coalesce(location::text, 'null'), coalesce(supply::text, 'null'), ships_on, coalesce(shipment::text, 'null')),
		((ships_on IS NULL OR (location IS NOT NULL AND s.status BETWEEN 'reserved' AND 'returned'))
			AND (s.status BETWEEN 'shipped' AND 'returned') = (shipment IS NOT NULL)
			AND CASE WHEN s.status > 'backordered' THEN supply IS NULL ELSE location IS NULL END)::text,
		usom._piece_is_sound(s.status, location, supply, ships_on, shipment)::text)
	FROM unnest('{open,backordered,reserved,released,picked,packed,shipped,delivered,returned,cancelled}'::usom.piece_status[]) AS s (status),
		unnest(ARRAY[NULL, 1::bigint]) AS location, unnest(ARRAY[NULL, 2::bigint]) AS supply,
		unnest(ARRAY[NULL, date '2026-06-01']) AS ships_on, unnest(ARRAY[NULL, 3::bigint]) AS shipment) AS t \gset
SELECT twin.report('sound pieces', :tried);
