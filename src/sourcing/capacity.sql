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

CREATE FUNCTION usom._change_capacity(changes usom._capacity_change[]) RETURNS TABLE (location_id bigint, on_date date)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__change_capacity'
VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._change_capacity(usom._capacity_change[]) IS 'Takes and gives back capacity as the allocation of orders does, and returns the days that had too little left; nothing has happened to those. Errors: 22003, 22004 for changes that are none.';
REVOKE ALL ON FUNCTION usom._change_capacity(usom._capacity_change[]) FROM PUBLIC;

CREATE FUNCTION usom._look_at_capacity(location_id bigint, on_date date) RETURNS TABLE (units numeric, orders bigint)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__look_at_capacity'
VOLATILE STRICT PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._look_at_capacity(bigint, date) IS 'What is left of a location''s day, as the allocation of orders sees it; null: no limit.';
REVOKE ALL ON FUNCTION usom._look_at_capacity(bigint, date) FROM PUBLIC;

CREATE FUNCTION usom.verify_capacity() RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	WITH taken AS (
		SELECT u.location_id, u.on_date, sum(u.units) AS units, count(*) AS orders
		FROM usom.capacity_use u WHERE u.org_id = usom.current_org()
		GROUP BY u.location_id, u.on_date
	), finding AS (
		SELECT location_id, on_date, v.problem, v.expected, v.actual
		FROM (SELECT * FROM usom.location_load d WHERE d.org_id = usom.current_org()) d
			FULL JOIN taken t USING (location_id, on_date)
			CROSS JOIN LATERAL (VALUES
				('units of the day are not the sum of what its orders take', trim_scale(coalesce(t.units, 0))::text, trim_scale(d.units)::text),
				('orders of the day are not counted right', coalesce(t.orders, 0)::text, d.orders::text)) v (problem, expected, actual)
		WHERE v.expected IS DISTINCT FROM v.actual
		UNION ALL
		SELECT u.location_id, u.on_date, 'capacity is taken for an unknown order', 'a row of sales_order', '#' || u.sales_order_id
		FROM usom.capacity_use u
		WHERE u.org_id = usom.current_org()
			AND NOT EXISTS (SELECT FROM usom.sales_order o WHERE o.org_id = u.org_id AND o.sales_order_id = u.sales_order_id)
	)
	SELECT 'capacity', format('%s on %s', coalesce(l.code, 'location ' || f.location_id), f.on_date), f.problem, f.expected, f.actual
	FROM finding f
	LEFT JOIN usom.location l ON l.org_id = usom.current_org() AND l.location_id = f.location_id
$$;
COMMENT ON FUNCTION usom.verify_capacity() IS 'What is taken of the days of locations, recomputed from what each order takes, and orders that do not exist. That a day has more than its limit is no finding: limits may be lowered. One row a finding, none when all is well. Example: SELECT * FROM usom.verify_capacity();';
