-- Money recomputed by a reading of the words; src/order/money.c and the room of prices compute it while orders change.
CREATE FUNCTION usom.verify_money()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
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
	-- The steps of the version that was priced last: of each line one leads to the next, and the last to what the line costs.
	RETURN QUERY
		WITH latest AS MATERIALIZED (
			SELECT s.*, lag(s.after) OVER line AS left_before, lead(s.step_no) OVER line IS NULL AS is_last
			FROM usom.price_step s
			JOIN (SELECT m.sales_order_id, max(m.version) AS version FROM usom.price_step m WHERE m.org_id = org GROUP BY m.sales_order_id) m USING (sales_order_id, version)
			WHERE s.org_id = org
			WINDOW line AS (PARTITION BY s.sales_order_id, s.line_no ORDER BY s.step_no)
		), priced AS (
			SELECT s.sales_order_id, s.line_no, max(s.after) FILTER (WHERE s.is_last) AS after,
				coalesce(sum(s.after - s.before) FILTER (WHERE s.step = 'freight'), 0) AS freight, coalesce(sum(s.after - s.before) FILTER (WHERE s.step = 'tax'), 0) AS tax,
				min(s.step_no) FILTER (WHERE coalesce(s.before, 0) <> coalesce(s.left_before, 0)) AS broken_at
			FROM latest s GROUP BY s.sales_order_id, s.line_no
		), line AS (
			SELECT l.*, CASE WHEN l.decimals IS NULL THEN round(l.unit_price * l.quantity, 4)
				ELSE round(l.unit_price * l.quantity, l.decimals) - l.discount + l.freight + CASE WHEN l.tax_included THEN 0 ELSE l.tax END END AS whole,
				CASE WHEN l.tax_included THEN 0 ELSE l.tax END AS added_tax
			FROM usom.order_line l WHERE l.org_id = org
		)
		SELECT 'money', format('order %s line %s', coalesce(
				(SELECT o.order_no FROM usom.sales_order o WHERE o.org_id = org AND o.sales_order_id = l.sales_order_id),
				'#' || l.sales_order_id), l.line_no), w.wrong, w.expected, w.actual
		FROM line l
		LEFT JOIN priced p ON p.sales_order_id = l.sales_order_id AND p.line_no = l.line_no
		CROSS JOIN LATERAL (VALUES
			(p.line_no IS NULL, 'charges that no step of its prices says', 'a step', 'none'),
			(p.broken_at IS NOT NULL, 'a step of its prices does not begin where the one before it ends', NULL, 'step ' || p.broken_at),
			(p.after <> l.whole, 'steps of its prices lead to another amount', trim_scale(l.whole)::text, trim_scale(p.after)::text),
			(p.freight <> l.freight, 'freight is not that of the steps of its prices', trim_scale(p.freight)::text, trim_scale(l.freight)::text),
			(p.tax <> l.added_tax, 'tax is not that of the steps of its prices', trim_scale(p.tax)::text, trim_scale(l.added_tax)::text)
		) w (found, wrong, expected, actual)
		-- those that are wrong, before what is wrong is told
		WHERE w.found AND CASE WHEN p.line_no IS NULL THEN l.decimals IS NOT NULL AND (l.discount <> 0 OR l.freight <> 0 OR l.tax <> 0)
			ELSE p.broken_at IS NOT NULL OR p.after <> l.whole OR p.freight <> l.freight OR p.tax <> l.added_tax END;
	-- A tax that was told stands, in proportion if the line has changed since.
	RETURN QUERY
		SELECT 'money', format('order %s line %s', coalesce(o.order_no, '#' || l.sales_order_id), l.line_no), 'tax is not what was told', trim_scale(e.tax)::text, trim_scale(l.tax)::text
		FROM usom.order_tax t
		JOIN usom.order_line l ON l.org_id = org AND l.sales_order_id = t.sales_order_id AND l.line_no = t.line_no AND l.product_id = t.product_id
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = l.sales_order_id
		CROSS JOIN LATERAL (SELECT round(l.unit_price * l.quantity, l.decimals) - l.discount + l.freight AS taxable) w
		CROSS JOIN LATERAL (SELECT CASE WHEN w.taxable = t.taxable THEN t.amount WHEN t.taxable = 0 THEN 0 ELSE round(t.amount * w.taxable / t.taxable, l.decimals) END AS tax) e
		WHERE t.org_id = org AND (l.tax, l.tax_included) IS DISTINCT FROM (e.tax, t.included);
	RETURN QUERY
		SELECT 'money', format('coupon %s', c.code), 'redeemed is not the number of orders that use it', coalesce(r.uses, 0)::text, c.redeemed::text
		FROM usom.coupon c
		LEFT JOIN (SELECT d.coupon_id, count(*) AS uses FROM usom.coupon_redemption d WHERE d.org_id = org AND d.released_at IS NULL GROUP BY d.coupon_id) r ON r.coupon_id = c.coupon_id
		WHERE c.org_id = org AND c.redeemed <> coalesce(r.uses, 0);
	RETURN QUERY
		SELECT 'money', format('order %s', coalesce(o.order_no, '#' || d.sales_order_id)), CASE
				WHEN o.sales_order_id IS NULL THEN 'uses a coupon, and is not there'
				WHEN c.coupon_id IS NULL THEN 'uses a coupon that is not there'
				ELSE 'ended without goods, and uses a coupon still' END, 'none', coalesce(c.code, '#' || d.coupon_id)
		FROM usom.coupon_redemption d
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = d.sales_order_id
		LEFT JOIN usom.coupon c ON c.org_id = org AND c.coupon_id = d.coupon_id
		WHERE d.org_id = org AND d.released_at IS NULL AND (o.sales_order_id IS NULL OR c.coupon_id IS NULL OR o.status IN ('cancelled', 'rejected'));
	RETURN QUERY SELECT * FROM usom.verify_credit();
	RETURN QUERY SELECT * FROM usom.verify_payments();
END
$$;
COMMENT ON FUNCTION usom.verify_money() IS
'Money that does not add up. Totals: a line''s is round(unit_price * (quantity - quantity_cancelled), 4), or, of a line that something is added to or taken off, the part that these units have of the whole; an order''s is the sum of its lines''. The steps of prices lead to what the lines cost, with their freight and tax; taxes that were told stand; coupons count the orders that use them. And what verify_credit() and verify_payments() find. Empty when all is well.
Example: SELECT * FROM usom.verify_money();';
