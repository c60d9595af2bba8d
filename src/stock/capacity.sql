CREATE TYPE usom._location_day AS (
	location_id bigint,
	on_date date
);
COMMENT ON TYPE usom._location_day IS 'A day of a location on its way from C, by unnest().';

CREATE TYPE usom._capacity_change AS (
	location_id bigint,
	on_date date,
	sales_order_id bigint,
	units numeric
);
COMMENT ON TYPE usom._capacity_change IS 'Units of an order that a location''s day gets, or with a minus is rid of, on their way from C, by unnest().';

CREATE FUNCTION usom.verify_capacity() RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH taken AS (
		SELECT u.location_id, u.on_date, sum(u.units) AS units, count(*) AS orders
		FROM usom.capacity_use u WHERE u.org_id = usom.current_org()
		GROUP BY u.location_id, u.on_date
	), pieces AS (
		SELECT f.location_id, f.ships_on AS on_date, f.sales_order_id, sum(f.quantity) AS units
		FROM usom.fulfillment_line f WHERE f.org_id = usom.current_org() AND f.ships_on IS NOT NULL
		GROUP BY f.location_id, f.ships_on, f.sales_order_id
	), finding AS (
		SELECT location_id, on_date, v.problem, v.expected, v.actual
		FROM (SELECT * FROM usom.location_load d WHERE d.org_id = usom.current_org()) d
			FULL JOIN taken t USING (location_id, on_date)
			CROSS JOIN LATERAL (VALUES
				('units of the day are not the sum of what its orders take', trim_scale(coalesce(t.units, 0))::text, trim_scale(d.units)::text),
				('orders of the day are not counted right', coalesce(t.orders, 0)::text, d.orders::text)) v (problem, expected, actual)
		WHERE v.expected IS DISTINCT FROM v.actual
		UNION ALL
		SELECT location_id, on_date, 'an order takes other units of the day than its pieces are', coalesce(trim_scale(p.units)::text, '0'),
			format('%s for order %s', coalesce(trim_scale(u.units), 0), coalesce(o.order_no, '#' || coalesce(u.sales_order_id, p.sales_order_id)))
		FROM (SELECT * FROM usom.capacity_use u WHERE u.org_id = usom.current_org()) u
			FULL JOIN pieces p USING (location_id, on_date, sales_order_id)
			LEFT JOIN usom.sales_order o ON o.org_id = usom.current_org() AND o.sales_order_id = coalesce(u.sales_order_id, p.sales_order_id)
		WHERE p.units IS DISTINCT FROM u.units
		UNION ALL
		SELECT u.location_id, u.on_date, 'capacity is taken for an unknown order', 'a row of sales_order', '#' || u.sales_order_id
		FROM usom.capacity_use u
		WHERE u.org_id = usom.current_org()
			AND NOT EXISTS (SELECT FROM usom.sales_order o WHERE o.org_id = u.org_id AND o.sales_order_id = u.sales_order_id)
	)
	SELECT 'capacity', format('%s on %s', coalesce(l.code, 'location ' || f.location_id), f.on_date), f.problem, f.expected, f.actual
	FROM finding f
	LEFT JOIN usom.location l ON l.org_id = usom.current_org() AND l.location_id = f.location_id;
END
$$;
COMMENT ON FUNCTION usom.verify_capacity() IS 'What is taken of the days of locations, recomputed from what each order takes, that again from the pieces that leave on the day, and orders that do not exist. That a day has more than its limit is no finding: limits may be lowered. One row a finding, none when all is well. Example: SELECT * FROM usom.verify_capacity();';
