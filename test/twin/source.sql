-- The plan of least cost (src/sourcing/optimise.c): its cost and its limits
-- told again, from the arrays alone.  Of a problem with one need the best plan
-- is found by trying every whole number of units from every site.
SET client_min_messages = warning;
SELECT setseed((:seed % 1000) / 1000.0) IS NULL AS seeded \gset

CREATE FUNCTION twin.unit_cost(need usom._sourcing_need, site usom._sourcing_site) RETURNS double precision LANGUAGE sql AS $$
	SELECT site.unit_cost + site.freight_by_weight * need.weight
		+ need.late_cost * greatest(coalesce(extract(epoch FROM site.arrives_at - need.requested_at)::double precision, 0), 0) / 86400
$$;

-- What a plan costs and what it breaks, one text.
CREATE FUNCTION twin.judge(needs usom._sourcing_need[], sites usom._sourcing_site[], stock usom._sourcing_stock[],
	most_shipments integer, ship_complete boolean, parts jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	cost double precision;
	ordered numeric := (SELECT sum(n.quantity) FROM unnest(needs) n);
	shipped numeric;
	broken text;
BEGIN
	DROP TABLE IF EXISTS part;
	CREATE TEMP TABLE part AS
	SELECT p.need, p.site, p.quantity, n.product
	FROM jsonb_to_recordset(parts) AS p (need integer, site integer, quantity numeric), LATERAL (SELECT (needs[p.need]).product) AS n;
	SELECT coalesce(sum(p.quantity), 0) INTO shipped FROM part p;
	SELECT coalesce((SELECT sum(p.quantity::double precision * twin.unit_cost(needs[p.need], sites[p.site])) FROM part p), 0)
		+ coalesce((SELECT sum((s.site).freight + (s.site).handling + (s.site).fixed + (s.site).penalty)
			FROM (SELECT DISTINCT p.site AS number, sites[p.site] AS site FROM part p) AS s), 0) INTO cost;
	SELECT string_agg(b.what, ', ') INTO broken FROM (
		SELECT 'stock' AS what FROM part p GROUP BY p.product, p.site
		HAVING sum(p.quantity) > coalesce((SELECT greatest(s.quantity - s.kept, 0) FROM unnest(stock) s WHERE s.product = p.product AND s.site = p.site), 0)
		UNION ALL SELECT 'capacity' FROM part p GROUP BY p.site HAVING sum(p.quantity) > (sites[p.site]).capacity
		UNION ALL SELECT 'excluded' FROM part p WHERE p.site = ANY ((needs[p.need]).excluded)
		UNION ALL SELECT 'smallest' FROM part p WHERE p.quantity < least((needs[p.need]).smallest, (needs[p.need]).quantity)
		UNION ALL SELECT 'parts' FROM part p GROUP BY p.need HAVING (needs[p.need]).most_parts > 0 AND count(*) > (needs[p.need]).most_parts
		UNION ALL SELECT 'whole' FROM part p GROUP BY p.need
			HAVING sum(p.quantity) > (needs[p.need]).quantity OR (NOT (needs[p.need]).partial AND sum(p.quantity) < (needs[p.need]).quantity)
		UNION ALL SELECT 'shipments' FROM part p HAVING most_shipments > 0 AND count(DISTINCT p.site) > most_shipments
		UNION ALL SELECT 'complete' WHERE ship_complete AND shipped > 0 AND shipped < ordered) AS b;
	RETURN format('unserved %s, shipments %s, cost %s, broken: %s', trim_scale(ordered - shipped),
		(SELECT count(DISTINCT p.site) FROM part p), round(cost::numeric, 6), coalesce(broken, 'nothing'));
END
$$;

-- Times as they are kept, so that parts of days are exact.
CREATE FUNCTION twin.draw_sites(n bigint) RETURNS usom._sourcing_site[] LANGUAGE sql AS $$
	SELECT array_agg(ROW(i, timestamptz '2026-03-28 12:00+00' + twin.pick(0, 6) * interval '12 hours', twin.pick(0, 9), twin.pick(0, 20) / 16.0,
		twin.pick(0, 5), twin.pick(0, 5), twin.pick(0, 2), twin.pick(0, 8) / 8.0,
		CASE WHEN random() < 0.15 THEN twin.pick(0, 12) END)::usom._sourcing_site)
	FROM generate_series(1, n) i
$$;

CREATE FUNCTION twin.draw_needs(n bigint, products bigint, sites bigint) RETURNS usom._sourcing_need[] LANGUAGE sql AS $$
	SELECT array_agg(ROW(twin.pick(1, products), twin.pick(1, 12), (ARRAY[0, 0, 0, 2, 4])[twin.pick(1, 5)], (ARRAY[0, 0, 1, 2])[twin.pick(1, 4)],
		random() < 0.7, twin.pick(0, 16) / 8.0, (ARRAY[0, 0.5, 1])[twin.pick(1, 3)],
		CASE WHEN random() < 0.7 THEN timestamptz '2026-03-29 00:00+00' + twin.pick(0, 3) * interval '1 day' END,
		ARRAY(SELECT s::integer FROM generate_series(1, sites) s WHERE random() < 0.1))::usom._sourcing_need)
	FROM generate_series(1, n) i
$$;

CREATE FUNCTION twin.try_source() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	nsites bigint := twin.pick(1, 7);
	products bigint := twin.pick(1, 6);
	sites usom._sourcing_site[] := twin.draw_sites(nsites);
	needs usom._sourcing_need[] := twin.draw_needs(twin.pick(1, 7), products, nsites);
	most_shipments integer := (ARRAY[0, 0, 1, 2, 3])[twin.pick(1, 5)];
	complete boolean := random() < 0.2;
	stock usom._sourcing_stock[];
	plan jsonb;
BEGIN
	SELECT max(n.product) INTO products FROM unnest(needs) n;
	SELECT array_agg(ROW(p, s, twin.pick(0, 15), CASE WHEN random() < 0.1 THEN 3 ELSE 0 END)::usom._sourcing_stock) INTO stock
	FROM generate_series(1, products) p, generate_series(1, nsites) s WHERE random() < 0.6 OR (p = 1 AND s = 1);
	plan := usom._source(needs, sites, stock, most_shipments, complete);
	PERFORM twin.compare('sourcing cost', format('usom._source(%L, %L, %L, %s, %s)', needs, sites, stock, most_shipments, complete),
		twin.judge(needs, sites, stock, most_shipments, complete, plan -> 'parts'),
		format('unserved %s, shipments %s, cost %s, broken: nothing', plan ->> 'unserved', plan ->> 'shipments', round((plan ->> 'total')::numeric, 6)));
	PERFORM twin.compare('sourcing cost', format('parts of cost: %s', plan), 'true',
		(abs((plan ->> 'total')::float8 - (plan ->> 'freight')::float8 - (plan ->> 'handling')::float8 - (plan ->> 'fixed')::float8
			- (plan ->> 'penalty')::float8 - (plan ->> 'by_unit')::float8 - (plan ->> 'lateness')::float8) < 1e-9)::text);
END
$$;

SELECT count(*) AS tried FROM (SELECT twin.try_source() FROM generate_series(1, 300 * :cases)) AS t \gset
SELECT twin.report('sourcing cost', :tried);

-- One need, up to three sites: every way to cut it.
CREATE FUNCTION twin.best(needs usom._sourcing_need[], sites usom._sourcing_site[], stock usom._sourcing_stock[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	best text;
BEGIN
	SELECT j.told INTO best
	FROM generate_series(0, 8) a, generate_series(0, 8) b, generate_series(0, 8) c,
		LATERAL (SELECT twin.judge(needs, sites, stock, 0, false, (SELECT coalesce(jsonb_agg(jsonb_build_object('need', 1, 'site', u.site, 'quantity', u.units)), '[]')
			FROM unnest(ARRAY[1, 2, 3], ARRAY[a, b, c]) AS u (site, units) WHERE u.units > 0)) AS told) AS j
	WHERE a + b + c <= (needs[1]).quantity AND j.told LIKE '%nothing'
	ORDER BY substring(j.told FROM 'unserved ([\d.]+)')::numeric, substring(j.told FROM 'cost ([\d.]+)')::numeric LIMIT 1;
	RETURN regexp_replace(best, 'shipments \d+, ', '');
END
$$;

CREATE FUNCTION twin.try_best() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	sites usom._sourcing_site[] := twin.draw_sites(3);
	needs usom._sourcing_need[] := twin.draw_needs(1, 1, 3);
	stock usom._sourcing_stock[] := ARRAY(SELECT ROW(1, s, twin.pick(0, 6), 0)::usom._sourcing_stock FROM generate_series(1, 3) s);
	plan jsonb;
BEGIN
	needs[1].quantity := twin.pick(1, 5);
	plan := usom._source(needs, sites, stock, 0, false);
	PERFORM twin.compare('sourcing of one line', format('usom._source(%L, %L, %L, 0, false)', needs, sites, stock), twin.best(needs, sites, stock),
		format('unserved %s, cost %s, broken: nothing', plan ->> 'unserved', round((plan ->> 'total')::numeric, 6)));
END
$$;

SELECT count(*) AS tried FROM (SELECT twin.try_best() FROM generate_series(1, 25 * :cases)) AS t \gset
SELECT twin.report('sourcing of one line', :tried);
