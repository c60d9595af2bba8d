CREATE FUNCTION usom.verify_supply()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'supply', coalesce(u.supply_no, '#' || k.supply_id), r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (SELECT * FROM usom.supply s WHERE s.org_id = org) u
		FULL JOIN (
			SELECT f.supply_id, sum(f.quantity) AS units, min(f.product_id) AS product_id, max(f.product_id) AS other_id
			FROM usom.fulfillment_line f
			WHERE f.org_id = org AND f.location_id IS NULL AND f.supply_id IS NOT NULL
			GROUP BY f.supply_id
		) k ON k.supply_id = u.supply_id
		LEFT JOIN usom.product p ON p.org_id = org AND p.product_id = u.product_id
		LEFT JOIN usom.location lo ON lo.org_id = org AND lo.location_id = u.location_id
		LEFT JOIN usom.order_line l ON l.org_id = org AND l.sales_order_id = u.sales_order_id AND l.line_no = u.line_no
		CROSS JOIN LATERAL (VALUES
			(CASE WHEN u.supply_id IS NULL THEN ARRAY['pieces count on an unknown supply', 'a row of supply', trim_scale(k.units)::text] END),
			(CASE WHEN u.pegged <> coalesce(k.units, 0) THEN
				ARRAY['pegged units are not those of the pieces that wait for it', trim_scale(coalesce(k.units, 0))::text, trim_scale(u.pegged)::text] END),
			(CASE WHEN u.product_id NOT IN (k.product_id, k.other_id) OR k.product_id <> k.other_id THEN
				ARRAY['pieces of another product count on it', '#' || u.product_id, '#' || k.product_id] END),
			(CASE WHEN p.kind IS DISTINCT FROM 'physical' THEN ARRAY['supply of an unknown product, or of a service', 'physical', p.kind] END),
			(CASE WHEN lo.location_id IS NULL THEN ARRAY['supply arrives at an unknown location', 'a row of location', '#' || u.location_id] END),
			(CASE WHEN u.sales_order_id IS NOT NULL AND l.line_no IS NULL THEN
				ARRAY['supply is for an unknown line', 'a row of order_line', format('#%s line %s', u.sales_order_id, u.line_no)] END)
		) r (wrong)
		WHERE r.wrong IS NOT NULL AND (u.supply_id IS NOT NULL OR r.wrong[1] = 'pieces count on an unknown supply');
END
$$;
COMMENT ON FUNCTION usom.verify_supply() IS
'Supply against what counts on it: pegged units are those of the waiting pieces that name it, of its product; product, location and line are there. Empty when all is well.
Example: SELECT * FROM usom.verify_supply();';
