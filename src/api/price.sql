CREATE FUNCTION usom.explain_price(order_no text)
RETURNS TABLE (line_no integer, step_no integer, step text, rule text, unit_price numeric, before numeric, after numeric, reason text)
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
	the record;
BEGIN
	PERFORM usom._check_installed(), usom._check_card('order_no', order_no);
	SELECT o.sales_order_id, o.currency, o.placed_at INTO the
	FROM usom.sales_order o WHERE o.org_id = org AND o.order_no = explain_price.order_no;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no order "%"', explain_price.order_no
			USING ERRCODE = 'US105', HINT = 'Look it up in usom.orders.';
	END IF;
	RETURN QUERY
		WITH taken AS (
			SELECT s.line_no, s.step_no, s.step, s.rule, s.unit_price::numeric, s.before::numeric, s.after::numeric, s.reason
			FROM usom.price_step s
			WHERE s.org_id = org AND s.sales_order_id = the.sales_order_id AND s.version = (
				SELECT max(m.version) FROM usom.price_step m WHERE m.org_id = org AND m.sales_order_id = the.sales_order_id)
		), priced AS (
			SELECT * FROM taken
			UNION ALL
			SELECT l.line_no, 0, CASE WHEN t.unit_price = l.unit_price THEN 'list' ELSE 'document' END, NULL, l.unit_price, NULL,
				round(l.unit_price * l.quantity, coalesce(l.decimals::integer, 4)),
				CASE WHEN t.unit_price = l.unit_price THEN 'list price' WHEN l.unit_price = 0 THEN 'no price' ELSE 'price of the document' END
			FROM usom.order_line l
			JOIN usom.product p ON p.org_id = org AND p.product_id = l.product_id
			LEFT JOIN LATERAL (
				SELECT round(x.unit_price / x.per, 4) AS unit_price FROM usom.price x
				WHERE x.org_id = org AND x.sku = p.sku AND x.unit = '' AND x.currency = the.currency AND x.valid_from <= the.placed_at
					AND (x.valid_to IS NULL OR x.valid_to > the.placed_at)
				ORDER BY x.valid_from DESC LIMIT 1) t ON true
			WHERE l.org_id = org AND l.sales_order_id = the.sales_order_id AND coalesce(l.kit_line_no = l.line_no, true)
				AND NOT EXISTS (SELECT FROM taken k WHERE k.line_no = l.line_no)
		)
		SELECT p.line_no, row_number() OVER (ORDER BY p.step_no, p.line_no)::integer, p.step, p.rule, trim_scale(p.unit_price),
			trim_scale(p.before), trim_scale(p.after), p.reason
		FROM priced p
		ORDER BY 2;
END
$$;
COMMENT ON FUNCTION usom.explain_price(text) IS
'How the amounts of an order came about: a row for each step of the price waterfall that set or changed the amount of a line, in the order in which they were taken: document or list, contract, break, promotion, coupon, manual, freight, tax. rule: which contract, minimum, promotion, coupon or rate; unit_price: that of one unit from this step on, null: it stays; before and after: amount of the whole line, in the currency of the order. What is taken off the order stands with the lines that share it. The last row of a line is what all its units cost. An order that met no rule has one row a line. Errors: US105 unknown order. Source: usom.price_step, the version priced last.
Example: SELECT line_no, step, rule, before, after, reason FROM usom.explain_price(''SO-000001'');';
