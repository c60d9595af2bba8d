CREATE TYPE usom._stripe_free AS (
	product_id bigint,
	location_id bigint,
	stripe smallint,
	free numeric
);
COMMENT ON TYPE usom._stripe_free IS 'What a stripe has from now on, or what is taken from it, on its way from C to stock_stripe, by unnest().';

CREATE TYPE usom._stripe_lent AS (
	product_id bigint,
	location_id bigint,
	reserved numeric,
	lent numeric
);
COMMENT ON TYPE usom._stripe_lent IS 'Change of what a row of stock has lent to its stripes, on its way from C to stock, by unnest().';

CREATE TYPE usom._stripe_wish AS (
	product_id bigint,
	location_id bigint,
	priority integer,
	first smallint,
	last smallint,
	wanted numeric,
	reach smallint
);
COMMENT ON TYPE usom._stripe_wish IS 'Stripes that are looked at for one that has enough, on its way from C, by unnest().';

CREATE FUNCTION usom.set_stock_stripes(sku text, location text, stripes integer)
RETURNS TABLE (location text, sku text, on_hand numeric, available numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_set_stock_stripes'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.set_stock_stripes(text, text, integer) IS 'Keep the stock of a product at a location in so many rows (2 to 256), for what everybody orders at once: orders take units from different rows and do not wait for each other; 0 or 1 merges them. What there is, and which order gets it, stays the same. As many as orders are placed at the same time is a good number. Returns what the location has now, which does not change. Raises US218 where the product is kept in lots, US006 for an unknown code, US203 for a service, 22023 for a number that is none. Example: SELECT * FROM usom.set_stock_stripes(''85123A'', ''MAIN'', 32);';

CREATE FUNCTION usom.verify_stripes() RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql
STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH striped AS (
		SELECT s.product_id, s.location_id, s.stripes, s.lent, s.reserved
		FROM usom.stock s WHERE s.org_id = usom.current_org() AND s.stripes > 0
	), kept AS (
		SELECT t.product_id, t.location_id, count(*) AS stripes, max(t.stripe) AS last, sum(t.free) AS free
		FROM usom.stock_stripe t WHERE t.org_id = usom.current_org()
		GROUP BY t.product_id, t.location_id
	), finding AS (
		SELECT product_id, location_id, 'stripes are not those that stock names' AS problem,
			coalesce(s.stripes, 0)::text AS expected, coalesce(k.stripes, 0)::text AS actual
		FROM striped s FULL JOIN kept k USING (product_id, location_id)
		WHERE (s.stripes, s.stripes) IS DISTINCT FROM (k.stripes, k.last)
		UNION ALL
		SELECT s.product_id, s.location_id, 'stripes have more than was lent to them', 'at most ' || trim_scale(s.lent)::text, trim_scale(k.free)::text
		FROM striped s JOIN kept k USING (product_id, location_id) WHERE k.free > s.lent
		UNION ALL
		SELECT s.product_id, s.location_id, 'stripes have more than stock has reserved', 'at most ' || trim_scale(s.reserved)::text, trim_scale(k.free)::text
		FROM striped s JOIN kept k USING (product_id, location_id) WHERE k.free > s.reserved
	)
	SELECT 'stock', coalesce(p.sku, 'product ' || f.product_id) || ' at ' || coalesce(l.code, 'location ' || f.location_id), f.problem, f.expected, f.actual
	FROM finding f
	LEFT JOIN usom.product p ON p.org_id = usom.current_org() AND p.product_id = f.product_id
	LEFT JOIN usom.location l ON l.org_id = usom.current_org() AND l.location_id = f.location_id;
END
$$;
COMMENT ON FUNCTION usom.verify_stripes() IS 'Stripes of stock, recomputed: that they are the ones that stock names, and have no more than it lent them. That stock has reserved what orders keep and stripes have is for verify_reserved(). One row a finding, none when all is well. Example: SELECT * FROM usom.verify_stripes();';
