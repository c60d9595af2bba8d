-- Sourcing: which stock serves which demand.  The planner reads no table, so products and locations are numbers here.
\set SHOW_CONTEXT never
CREATE FUNCTION pg_temp.plan(demands text[], stock text[]) RETURNS TABLE (demand integer, location_id bigint, lot text, quantity numeric)
LANGUAGE sql AS $$ SELECT * FROM usom._plan(demands::usom._demand[], stock::usom._stock_available[]) $$;
\set stock 'ARRAY[$$(1,10,"",2,5)$$, $$(1,20,"",1,3)$$, $$(1,30,"",1,8)$$, $$(2,20,B,1,4)$$, $$(2,20,A,1,2)$$, $$(2,30,"",2,5)$$]'

-- The first location by priority that has the whole of it.
SELECT * FROM pg_temp.plan(ARRAY['(1,0,2,t)'], :stock);
SELECT * FROM pg_temp.plan(ARRAY['(1,0,4,t)'], :stock);
-- None has the whole: the one that has most, the rest waits; or all of it waits.
SELECT * FROM pg_temp.plan(ARRAY['(1,0,10,t)'], :stock);
SELECT * FROM pg_temp.plan(ARRAY['(1,0,10,f)'], :stock);
-- The location is given.
SELECT * FROM pg_temp.plan(ARRAY['(1,20,2,t)', '(1,20,2,t)', '(1,20,2,f)'], :stock);
SELECT * FROM pg_temp.plan(ARRAY['(1,20,4,f)', '(1,40,1,t)'], :stock);
-- The lots of a location serve together, the first ones first.
SELECT * FROM pg_temp.plan(ARRAY['(2,0,5,f)'], :stock);
SELECT * FROM pg_temp.plan(ARRAY['(2,0,6.5,t)'], :stock);
-- Demands for one product share what there is, in their order.
SELECT * FROM pg_temp.plan(ARRAY['(1,0,3,t)', '(1,0,3,t)', '(1,0,3,t)', '(1,0,3,t)', '(1,0,3,t)', '(1,0,3,t)'], :stock);
-- Equally much in two places: priority, then key.
SELECT * FROM pg_temp.plan(ARRAY['(1,0,9,t)'], ARRAY['(1,10,"",5,4)', '(1,20,"",3,4)', '(1,30,"",3,4)']);
-- Nothing there, nothing asked for.
SELECT * FROM pg_temp.plan(ARRAY['(3,0,1,t)', '(1,0,1,f)'], ARRAY['(1,10,"",1,0)']);
SELECT * FROM pg_temp.plan(ARRAY['(3,0,1,t)'], '{}');
SELECT * FROM pg_temp.plan('{}', :stock);
-- What makes no sense.
SELECT * FROM pg_temp.plan(ARRAY['(1,0,0,t)'], :stock);
SELECT * FROM pg_temp.plan(ARRAY['(1,0,NaN,t)'], :stock);
SELECT * FROM pg_temp.plan(ARRAY['(1,,1,t)'], :stock);
SELECT * FROM pg_temp.plan(ARRAY[NULL], :stock);
-- More than int64 holds in one location is still never taken twice.
SELECT sum(quantity), count(*) FILTER (WHERE location_id IS NULL) AS waiting
FROM usom._plan((SELECT array_agg(ROW(1, 0, 999999999999, true)::usom._demand) FROM generate_series(1, 20)),
	(SELECT array_agg(ROW(1, 1, n::text, 1, 999999999999)::usom._stock_available) FROM generate_series(1, 15) n));

-- Random plans keep the rules: demands are served to the unit, no row gives more than it has, twice the same.
DO $$
DECLARE
	demands usom._demand[];
	stock usom._stock_available[];
	wrong bigint;
BEGIN
	PERFORM setseed(0.5);
	FOR round IN 1 .. 200 LOOP
		SELECT array_agg(ROW(trunc(random() * 4), CASE WHEN random() < 0.2 THEN trunc(random() * 6) ELSE 0 END,
			1 + trunc(random() * 9), random() < 0.7)::usom._demand) INTO demands FROM generate_series(1, 30);
		SELECT array_agg(ROW(p, l, lot, l % 3, trunc(random() * 20))::usom._stock_available) INTO stock
		FROM generate_series(0, 3) p, generate_series(1, 5) l, generate_series(1, 2) lot WHERE random() < 0.7;
		SELECT count(*) INTO wrong FROM unnest(demands) WITH ORDINALITY d (product_id, location_id, quantity, partial, n)
			LEFT JOIN (SELECT demand, sum(p.quantity) AS quantity, count(DISTINCT p.location_id) AS places,
				min(p.location_id) AS place, bool_or(p.location_id IS NULL) AS waits
				FROM usom._plan(demands, stock) p GROUP BY demand) p ON p.demand = d.n
			WHERE p.quantity IS DISTINCT FROM d.quantity OR p.places > 1
				OR (NOT d.partial AND p.waits AND p.places > 0)
				OR (d.location_id <> 0 AND p.place <> d.location_id);
		ASSERT wrong = 0, 'a demand is served wrongly';
		SELECT count(*) INTO wrong FROM (SELECT d.product_id, p.location_id, p.lot, sum(p.quantity) AS taken
			FROM usom._plan(demands, stock) p JOIN unnest(demands) WITH ORDINALITY d (product_id, location_id, quantity, partial, n)
			ON d.n = p.demand WHERE p.location_id IS NOT NULL GROUP BY 1, 2, 3) t
			LEFT JOIN unnest(stock) s USING (product_id, location_id, lot) WHERE t.taken <= s.available IS NOT TRUE;
		ASSERT wrong = 0, 'a row gives more than it has';
		ASSERT (SELECT array_agg(p) FROM usom._plan(demands, stock) p) = (SELECT array_agg(p) FROM usom._plan(demands, stock) p),
			'two plans differ';
	END LOOP;
END
$$;

-- The work grows with the lines, not with their square.
SELECT count(*), sum(quantity)
FROM usom._plan((SELECT array_agg(ROW(1, 0, 1, true)::usom._demand) FROM generate_series(1, 100000)),
	(SELECT array_agg(ROW(1, n, '', 1, 2)::usom._stock_available) FROM generate_series(1, 20000) n));
