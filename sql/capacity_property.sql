-- Random orders over days with limits, changed, cancelled, planned again and shipped: no limit is passed, each piece has a
-- day if and only if its location is counted, nobody waits while there is stock and a day with room, and what is counted is
-- what the pieces are.  Undone at the end.
SELECT count(*) > 0 AS installed FROM usom.install();
BEGIN;
DO $$
DECLARE
	o text;
	choice integer;
	lines jsonb;
	done integer[] := array_fill(0, ARRAY[7]);
	first date;
BEGIN
	PERFORM setseed(0.375);
	UPDATE usom.location SET active = false;
	INSERT INTO usom.location (code, priority, order_cost, time_zone) SELECT 'RND-' || n, n, n, 'Etc/GMT' || to_char(extract(hour FROM now()) - 12, 'SGFM99') FROM generate_series(1, 4) n;
	SELECT (now() AT TIME ZONE time_zone)::date INTO first FROM usom.location WHERE code = 'RND-1';
	INSERT INTO usom.product (sku) SELECT 'RND-' || n FROM generate_series(1, 5) n;
	PERFORM usom.receive_stock('RND-' || l, 'RND-' || p, 40 + 20 * trunc(random() * 4)::integer) FROM generate_series(1, 4) l, generate_series(1, 5) p WHERE (l + p) % 3 > 0;
	INSERT INTO usom.location_capacity (location_id, units, orders) VALUES (usom.location_id('RND-1'), 7, NULL), (usom.location_id('RND-2'), NULL, 3), (usom.location_id('RND-3'), 9, 2);
	INSERT INTO usom.location_capacity (location_id, on_date, units, orders) VALUES (usom.location_id('RND-1'), first + 2, 0, NULL), (usom.location_id('RND-3'), first + 1, 20, 5);
	INSERT INTO usom.location_calendar (location_id, on_date) VALUES (usom.location_id('RND-2'), first + 3), (usom.location_id('RND-3'), first);
	FOR round IN 1 .. 120 LOOP
		choice := 1 + trunc(random() * 10)::integer;
		IF choice > 5 OR round < 20 THEN
			choice := 6;
			SELECT jsonb_agg(jsonb_build_object('sku', 'RND-' || p, 'quantity', 1 + trunc(random() * 11), 'partial', random() < 0.8)) INTO lines
			FROM generate_series(1, 5) p WHERE random() < 0.4;
			lines := coalesce(lines, '[{"sku": "RND-1", "quantity": 3}]');
			SELECT p.order_no INTO o FROM usom.place_order(jsonb_build_object('lines', lines, 'ship_complete', random() < 0.1)) p;
		ELSE
			SELECT x.order_no INTO o FROM usom.orders x JOIN usom.order_pieces USING (order_no) WHERE x.status = 'confirmed' AND sku LIKE 'RND%' ORDER BY random() LIMIT 1;
			BEGIN
			CASE choice
				WHEN 1 THEN PERFORM usom.cancel_order(o, 'over');
				WHEN 2 THEN PERFORM usom.cancel_line(o, 1, NULL, 'less');
				WHEN 3 THEN PERFORM usom.change_order(o, jsonb_build_object('lines', jsonb_build_array(jsonb_build_object('line_no', 1, 'quantity', 1 + trunc(random() * 11)))));
				WHEN 4 THEN PERFORM usom.reallocate_order(o, 'again');
				ELSE
					IF EXISTS (SELECT FROM usom.order_pieces x WHERE x.order_no = o AND x.status = 'reserved') THEN
						PERFORM usom.release_order(o), usom.ship(o);
					END IF;
			END CASE;
			EXCEPTION WHEN SQLSTATE 'US101' OR SQLSTATE 'US104' THEN
				NULL;  -- it was too late for that
			END;
		END IF;
		PERFORM usom.fill_backorders();
		done[choice] := done[choice] + 1;
		ASSERT NOT EXISTS (SELECT FROM usom.location_loads l WHERE l.location LIKE 'RND%' AND (l.units > l.units_limit OR l.orders > l.orders_limit)),
			format('round %s: a limit is passed', round);
		ASSERT NOT EXISTS (SELECT FROM usom.fulfillment_line f JOIN usom.location l USING (org_id, location_id)
			WHERE l.code LIKE 'RND%' AND f.status BETWEEN 'reserved' AND 'returned' AND (f.ships_on IS NULL) <> (l.code = 'RND-4')), format('round %s: a piece has no day', round);
		ASSERT round % 10 > 0 OR NOT EXISTS (
			WITH room AS MATERIALIZED (
				SELECT l.location_id FROM usom.location l WHERE l.code = 'RND-4'
				UNION SELECT l.location_id FROM usom.location l CROSS JOIN generate_series(0, 13) AS d (n) CROSS JOIN LATERAL (SELECT c.units, c.orders FROM usom.location_capacity c
					WHERE c.location_id = l.location_id AND coalesce(c.on_date, first + d.n) = first + d.n ORDER BY c.on_date LIMIT 1) v
					LEFT JOIN usom.location_load t ON t.location_id = l.location_id AND t.on_date = first + d.n
				WHERE l.code ~ '^RND-[123]' AND coalesce(v.units > coalesce(t.units, 0), true) AND coalesce(v.orders > coalesce(t.orders, 0), true)
					AND NOT EXISTS (SELECT FROM usom.location_calendar c WHERE c.location_id = l.location_id AND c.on_date = first + d.n)
			), waiting AS MATERIALIZED (
				SELECT f.product_id FROM usom.fulfillment_line f JOIN usom.order_line x USING (org_id, sales_order_id, line_no) JOIN usom.sales_order s USING (org_id, sales_order_id)
				WHERE f.status = 'backordered' AND s.status IN ('confirmed', 'processing', 'partially_shipped') AND x.partial AND NOT s.ship_complete
			)
			SELECT FROM waiting w JOIN usom.stock k ON k.product_id = w.product_id AND k.on_hand - k.reserved > k.safety JOIN room r ON r.location_id = k.location_id
		), format('round %s: somebody waits for nothing', round);
	END LOOP;
	ASSERT NOT EXISTS (SELECT FROM usom.verify()), 'verify() finds something';
	RAISE NOTICE 'each was done: %; somebody waits: %; days were full: %', (SELECT bool_and(d > 3) FROM unnest(done[1:6]) d),
		EXISTS (SELECT FROM usom.backorders WHERE sku LIKE 'RND%'), (SELECT count(*) > 10 FROM usom.location_loads WHERE location LIKE 'RND%' AND (units_free = 0 OR orders_free = 0));
END
$$;
ROLLBACK;
