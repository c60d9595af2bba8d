-- The plan of least cost: each cost and each limit where it alone decides.
CREATE FUNCTION pg_temp.need(quantity numeric, product integer DEFAULT 1, smallest numeric DEFAULT 0, most_parts integer DEFAULT 0,
	partial boolean DEFAULT true, weight float8 DEFAULT 0, late_cost float8 DEFAULT 0, requested text DEFAULT NULL, excluded integer[] DEFAULT '{}')
RETURNS usom._sourcing_need LANGUAGE sql AS $$ SELECT ROW(product, quantity, smallest, most_parts, partial, weight, late_cost, requested::timestamptz, excluded)::usom._sourcing_need $$;
CREATE FUNCTION pg_temp.site(freight float8 DEFAULT 0, by_weight float8 DEFAULT 0, handling float8 DEFAULT 0, fixed float8 DEFAULT 0,
	penalty float8 DEFAULT 0, unit float8 DEFAULT 0, arrives text DEFAULT '2026-11-02 00:00+00', capacity numeric DEFAULT NULL)
RETURNS usom._sourcing_site LANGUAGE sql AS $$ SELECT ROW(1, arrives::timestamptz, freight, by_weight, handling, fixed, penalty, unit, capacity)::usom._sourcing_site $$;
-- Stock of products by sites, as a matrix.
CREATE FUNCTION pg_temp.stock(units numeric[], kept numeric[] DEFAULT NULL) RETURNS usom._sourcing_stock[] LANGUAGE sql AS $$
	SELECT array_agg(ROW(p, s, units[p][s], coalesce(kept[p][s], 0))::usom._sourcing_stock ORDER BY p, s)
	FROM generate_series(1, array_length(units, 1)) p, generate_series(1, array_length(units, 2)) s $$;
CREATE FUNCTION pg_temp.plan(needs usom._sourcing_need[], sites usom._sourcing_site[], stock usom._sourcing_stock[],
	most_shipments integer DEFAULT 0, ship_complete boolean DEFAULT false)
RETURNS TABLE (parts text, unserved text, total text, exact text, reasons text) LANGUAGE sql AS $$
	SELECT (SELECT string_agg(format('%s from %s: %s', x ->> 'need', x ->> 'site', x ->> 'quantity'), ', ') FROM jsonb_array_elements(p -> 'parts') x),
		p ->> 'unserved', p ->> 'total', p ->> 'exact', (SELECT string_agg(r, ' ') FROM jsonb_array_elements_text(p -> 'reasons') r)
	FROM usom._source(needs, sites, stock, most_shipments, ship_complete) AS p $$;

SELECT 'freight' AS decides, * FROM pg_temp.plan(ARRAY[pg_temp.need(1)], ARRAY[pg_temp.site(2), pg_temp.site(1)], pg_temp.stock('{{1,1}}'))
UNION ALL SELECT 'weight', * FROM pg_temp.plan(ARRAY[pg_temp.need(3, weight => 2)], ARRAY[pg_temp.site(1, by_weight => 1), pg_temp.site(4, by_weight => 0.25)], pg_temp.stock('{{3,3}}'))
UNION ALL SELECT 'handling', * FROM pg_temp.plan(ARRAY[pg_temp.need(1)], ARRAY[pg_temp.site(handling => 2), pg_temp.site(handling => 1)], pg_temp.stock('{{1,1}}'))
UNION ALL SELECT 'location', * FROM pg_temp.plan(ARRAY[pg_temp.need(1)], ARRAY[pg_temp.site(fixed => 2), pg_temp.site(fixed => 1)], pg_temp.stock('{{1,1}}'))
UNION ALL SELECT 'preference', * FROM pg_temp.plan(ARRAY[pg_temp.need(1)], ARRAY[pg_temp.site(penalty => 2), pg_temp.site(penalty => 1)], pg_temp.stock('{{1,1}}'))
UNION ALL SELECT 'unit', * FROM pg_temp.plan(ARRAY[pg_temp.need(4)], ARRAY[pg_temp.site(unit => 2), pg_temp.site(3, unit => 1)], pg_temp.stock('{{4,4}}'))
UNION ALL SELECT 'lateness', * FROM pg_temp.plan(ARRAY[pg_temp.need(1, late_cost => 3, requested => '2026-11-01 00:00+00')],
	ARRAY[pg_temp.site(1, arrives => '2026-11-03 00:00+00'), pg_temp.site(2, arrives => '2026-11-02 00:00+00')], pg_temp.stock('{{1,1}}'))
UNION ALL SELECT 'not late', * FROM pg_temp.plan(ARRAY[pg_temp.need(1, late_cost => 3, requested => '2026-11-04 00:00+00')],
	ARRAY[pg_temp.site(1, arrives => '2026-11-03 00:00+00'), pg_temp.site(2, arrives => '2026-11-02 00:00+00')], pg_temp.stock('{{1,1}}'))
UNION ALL SELECT 'earlier site', * FROM pg_temp.plan(ARRAY[pg_temp.need(1)], ARRAY[pg_temp.site(1), pg_temp.site(1)], pg_temp.stock('{{1,1}}'))
UNION ALL SELECT 'one shipment', * FROM pg_temp.plan(ARRAY[pg_temp.need(1), pg_temp.need(1, 2)], ARRAY[pg_temp.site(2), pg_temp.site(2), pg_temp.site(3)], pg_temp.stock('{{1,0,1},{0,1,1}}'));

-- Limits: the cheap site is the first, and something is in its way.
SELECT 'stock' AS decides, * FROM pg_temp.plan(ARRAY[pg_temp.need(5)], ARRAY[pg_temp.site(1), pg_temp.site(9)], pg_temp.stock('{{0,5}}'))
UNION ALL SELECT 'protection', * FROM pg_temp.plan(ARRAY[pg_temp.need(5)], ARRAY[pg_temp.site(1), pg_temp.site(9)], pg_temp.stock('{{5,5}}', '{{5,0}}'))
UNION ALL SELECT 'capacity', * FROM pg_temp.plan(ARRAY[pg_temp.need(5)], ARRAY[pg_temp.site(1, capacity => 0), pg_temp.site(9)], pg_temp.stock('{{5,5}}'))
UNION ALL SELECT 'exclusion', * FROM pg_temp.plan(ARRAY[pg_temp.need(5, excluded => '{1}')], ARRAY[pg_temp.site(1), pg_temp.site(9)], pg_temp.stock('{{5,5}}'))
UNION ALL SELECT 'parts', * FROM pg_temp.plan(ARRAY[pg_temp.need(5, most_parts => 1)], ARRAY[pg_temp.site(1), pg_temp.site(9)], pg_temp.stock('{{3,5}}'))
UNION ALL SELECT 'whole', * FROM pg_temp.plan(ARRAY[pg_temp.need(5, most_parts => 1, partial => false)], ARRAY[pg_temp.site(1), pg_temp.site(9)], pg_temp.stock('{{3,4}}'))
UNION ALL SELECT 'smallest', * FROM pg_temp.plan(ARRAY[pg_temp.need(5, smallest => 3)], ARRAY[pg_temp.site(1, unit => 1), pg_temp.site(9)], pg_temp.stock('{{2,5}}'))
UNION ALL SELECT 'smallest of both', * FROM pg_temp.plan(ARRAY[pg_temp.need(5, smallest => 2)], ARRAY[pg_temp.site(unit => 1), pg_temp.site(unit => 2)], pg_temp.stock('{{4,4}}'))
UNION ALL SELECT 'shipments', * FROM pg_temp.plan(ARRAY[pg_temp.need(1), pg_temp.need(2, 2)], ARRAY[pg_temp.site(1), pg_temp.site(9)], pg_temp.stock('{{1,0},{0,2}}'), 1)
UNION ALL SELECT 'complete', * FROM pg_temp.plan(ARRAY[pg_temp.need(1), pg_temp.need(2, 2)], ARRAY[pg_temp.site(1), pg_temp.site(9)], pg_temp.stock('{{1,0},{0,1}}'), 0, true)
UNION ALL SELECT 'same product', * FROM pg_temp.plan(ARRAY[pg_temp.need(1), pg_temp.need(1)], ARRAY[pg_temp.site(1), pg_temp.site(9)], pg_temp.stock('{{1,1}}'))
UNION ALL SELECT 'shared capacity', * FROM pg_temp.plan(ARRAY[pg_temp.need(2), pg_temp.need(2, 2, excluded => '{2}')], ARRAY[pg_temp.site(1, capacity => 2), pg_temp.site(9)], pg_temp.stock('{{2,2},{2,0}}'));

-- Most units come before least cost; nothing to do is a plan as well.
SELECT * FROM pg_temp.plan(ARRAY[pg_temp.need(2)], ARRAY[pg_temp.site(1), pg_temp.site(1e6)], pg_temp.stock('{{1,1}}'));
SELECT * FROM pg_temp.plan('{}', ARRAY[pg_temp.site(1)], '{}');
SELECT * FROM pg_temp.plan(ARRAY[pg_temp.need(2)], '{}', '{}');

-- What makes no sense is refused.
\set VERBOSITY terse
SELECT usom._source(ARRAY[pg_temp.need(0)], '{}', '{}', 0, false);
SELECT usom._source(ARRAY[pg_temp.need(1, weight => 'NaN')], '{}', '{}', 0, false);
SELECT usom._source(ARRAY[pg_temp.need(1, excluded => '{2}')], ARRAY[pg_temp.site(1)], '{}', 0, false);
SELECT usom._source(ARRAY[pg_temp.need(1)], ARRAY[pg_temp.site(-1)], '{}', 0, false);
SELECT usom._source(ARRAY[pg_temp.need(1)], ARRAY[pg_temp.site(1)], pg_temp.stock('{{1,1}}'), 0, false);
SELECT usom._source(ARRAY[pg_temp.need(NULL)], '{}', '{}', 0, false);
SELECT usom._source(ARRAY[pg_temp.need(1), NULL], '{}', '{}', 0, false);
