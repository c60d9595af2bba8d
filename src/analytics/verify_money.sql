-- Money recomputed by a reading of the words; src/order/money.c and the room of prices compute it while orders change.
CREATE FUNCTION usom.verify_money()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'money', format('order %s line %s', coalesce(
				(SELECT o.order_no FROM usom.sales_order o WHERE o.org_id = org AND o.sales_order_id = l.sales_order_id),
				'#' || l.sales_order_id), l.line_no),
			'line total is not what its units cost', trim_scale(e.total)::text, trim_scale(l.total)::text
		FROM usom.order_line l
		CROSS JOIN LATERAL (
			SELECT CASE WHEN l.decimals IS NULL THEN round(l.unit_price * (l.quantity - l.quantity_cancelled), 4)
				ELSE round((round(l.unit_price * l.quantity, l.decimals) - l.discount + l.freight + CASE WHEN l.tax_included THEN 0 ELSE l.tax END)
					* (l.quantity - l.quantity_cancelled) / l.quantity, l.decimals) END AS total
		) e
		WHERE l.org_id = org AND l.total <> e.total;
	RETURN QUERY
		SELECT 'money', format('order %s line %s', coalesce(
				(SELECT o.order_no FROM usom.sales_order o WHERE o.org_id = org AND o.sales_order_id = l.sales_order_id),
				'#' || l.sales_order_id), l.line_no),
			w.wrong, 'none', concat_ws(' ', trim_scale(l.discount), trim_scale(l.freight), trim_scale(l.tax), l.decimals)
		FROM usom.order_line l
		CROSS JOIN LATERAL (
			SELECT CASE
				WHEN l.decimals IS NULL AND (l.discount <> 0 OR l.freight <> 0 OR l.tax <> 0) THEN 'charges of a line that nothing was added to'
				WHEN l.discount <> round(l.discount, l.decimals) OR l.freight <> round(l.freight, l.decimals) OR l.tax <> round(l.tax, l.decimals)
					THEN 'charge is finer than the minor unit'
				WHEN l.discount > round(l.unit_price * l.quantity, l.decimals) THEN 'more is taken off than the goods cost'
			END AS wrong
		) w
		WHERE l.org_id = org AND w.wrong IS NOT NULL;
	RETURN QUERY
		SELECT 'money', 'order ' || o.order_no, 'order total is not the sum of its lines', trim_scale(coalesce(u.total, 0))::text, trim_scale(o.total)::text
		FROM usom.sales_order o
		LEFT JOIN (
			SELECT l.sales_order_id, sum(l.total) AS total
			FROM usom.order_line l
			WHERE l.org_id = org
			GROUP BY l.sales_order_id
		) u ON u.sales_order_id = o.sales_order_id
		WHERE o.org_id = org AND o.total <> coalesce(u.total, 0);
	RETURN QUERY SELECT * FROM usom.verify_credit();
END
$$;
COMMENT ON FUNCTION usom.verify_money() IS
'Totals that do not add up: a line''s is round(unit_price * (quantity - quantity_cancelled), 4), or, of a line that something is added to or taken off, the part that these units have of the whole; an order''s is the sum of its lines''. And what verify_credit() finds. Empty when all is well.
Example: SELECT * FROM usom.verify_money();';
