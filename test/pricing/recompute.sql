-- The amounts of every order again, from rules and lines; no function of usom is asked.
CREATE TABLE test.found (ordinal integer GENERATED ALWAYS AS IDENTITY, phase text, what text, good boolean, detail text);
CREATE TABLE test.taken (order_no text, phase text, amount numeric);

-- A line as it is, with what it should cost.
CREATE VIEW test.priced AS
	SELECT l.*, o.order_no, o.currency, c.decimals AS digits, o.placed_at, o.customer_id, o.channel_id, o.order_type, a.country, a.region, upper(regexp_replace(a.postcode, '[^0-9A-Za-z]', '', 'g')) AS postcode,
		p.tax_class, p.weight, p.kind, round(l.unit_price * l.quantity, c.decimals) AS goods, round(l.unit_price * l.quantity, c.decimals) - l.discount AS net, u.tax_exemption,
		t.amount AS told, t.included AS told_included, t.taxable AS told_for, l.quantity - l.quantity_cancelled AS live
	FROM usom.order_line l JOIN usom.sales_order o USING (org_id, sales_order_id) JOIN test.currency c USING (currency) JOIN usom.product p USING (org_id, product_id)
	LEFT JOIN usom.address a ON a.address_id = o.address_id LEFT JOIN usom.customer u ON u.customer_id = o.customer_id
	LEFT JOIN usom.order_tax t ON t.sales_order_id = l.sales_order_id AND t.line_no = l.line_no AND t.product_id = l.product_id
	WHERE l.kit_line_no IS NULL OR l.kit_line_no = l.line_no;
CREATE VIEW test.freight AS
	SELECT s.sales_order_id, s.freight, CASE WHEN s.units IS NULL OR f.freight_charge_id IS NULL OR s.net >= f.free_from THEN 0
		ELSE round(f.order_price, s.digits) + round(f.weight_price * round(s.kilograms, 6), s.digits) + round(f.unit_price * s.units, s.digits) END AS expected
	FROM (
		SELECT sales_order_id, digits, currency, country, sum(net) AS net, sum(freight) AS freight, sum(quantity) FILTER (WHERE kind <> 'service') AS units, sum(quantity * weight) FILTER (WHERE kind <> 'service') AS kilograms
		FROM test.priced GROUP BY sales_order_id, digits, currency, country
	) s
	LEFT JOIN LATERAL (SELECT * FROM usom.freight_charge f WHERE f.currency = s.currency AND (f.country IS NULL OR f.country = s.country) ORDER BY f.country IS NULL LIMIT 1) f ON true;
CREATE VIEW test.tax AS
	SELECT sales_order_id, digits, jurisdiction, percent, included, sum(tax) AS tax, bool_and(tax_included = included) AS says_so,
		round(CASE WHEN included THEN sum(taxable) * percent / (100 + percent) ELSE sum(taxable) * percent / 100 END, digits) AS expected
	FROM (
		SELECT p.*, r.jurisdiction, r.percent, r.included, p.net + CASE WHEN r.on_freight THEN p.freight ELSE 0 END AS taxable, r.on_freight
		FROM test.priced p
		CROSS JOIN LATERAL (
			SELECT * FROM usom.tax_rate r
			WHERE (r.country IS NULL OR r.country = p.country) AND (r.region IS NULL OR r.region = p.region) AND (r.postcode IS NULL OR starts_with(p.postcode, r.postcode))
				AND (r.tax_class IS NULL OR r.tax_class = p.tax_class) AND (r.exemption IS NULL OR r.exemption = p.tax_exemption)
			ORDER BY r.exemption IS NULL, r.tax_class IS NULL, length(r.postcode) DESC NULLS LAST, r.region IS NULL, r.country IS NULL LIMIT 1
		) r
		WHERE p.told IS NULL
	) x
	GROUP BY sales_order_id, digits, jurisdiction, percent, included, on_freight;

CREATE PROCEDURE test.check(phase text) LANGUAGE plpgsql AS $$
BEGIN
	ANALYZE usom.order_line, usom.sales_order, usom.fulfillment_line, usom.price_step;
	CREATE TEMP TABLE now AS SELECT * FROM test.priced;
	INSERT INTO test.found (phase, what, good, detail)
	SELECT phase, v.* FROM (
		SELECT 'totals are the sums of their lines' AS what, count(*) = 0 AS good, min(format('%s: %s, %s', o.order_no, o.total, s.total)) AS detail
			FROM usom.sales_order o LEFT JOIN (SELECT l.sales_order_id, sum(l.total) AS total FROM usom.order_line l GROUP BY 1) s USING (sales_order_id) WHERE o.total <> coalesce(s.total, 0)
		UNION ALL SELECT 'lines cost what their units are of the whole', count(*) = 0, min(format('%s line %s: %s', n.order_no, n.line_no, n.total)) FROM now n
			WHERE n.total <> CASE WHEN n.decimals IS NULL THEN round(n.unit_price * n.live, 4) ELSE round((n.net + n.freight + CASE WHEN n.tax_included THEN 0 ELSE n.tax END) * n.live / n.quantity, n.digits) END
		UNION ALL SELECT 'nothing is negative, no more is taken off than there is', count(*) = 0, min(format('%s line %s', n.order_no, n.line_no)) FROM now n
			WHERE least(n.total, n.discount, n.freight, n.tax) < 0 OR n.discount > n.goods OR n.tax_included AND n.tax > n.net + n.freight
		UNION ALL SELECT 'amounts are whole in the minor unit', count(*) = 0, min(format('%s line %s', n.order_no, n.line_no)) FROM now n
			WHERE n.decimals <> n.digits OR n.decimals IS NOT NULL AND (n.total, n.discount, n.freight, n.tax) <> (round(n.total, n.digits), round(n.discount, n.digits), round(n.freight, n.digits), round(n.tax, n.digits))
		UNION ALL SELECT 'freight is that of the charge', count(*) = 0, min(format('#%s: %s, %s', f.sales_order_id, f.freight, f.expected)) FROM test.freight f WHERE f.freight <> f.expected
		UNION ALL SELECT 'tax is that of each rate on all its lines', count(*) = 0, min(format('#%s %s: %s, %s', t.sales_order_id, t.jurisdiction, t.tax, t.expected)) FROM test.tax t WHERE t.tax <> t.expected OR NOT t.says_so
		UNION ALL SELECT 'taxes that were told stand', count(*) = 0, min(format('%s line %s: %s, %s for %s', n.order_no, n.line_no, n.tax, n.told, n.told_for)) FROM now n
			WHERE n.told IS NOT NULL AND (n.tax_included <> n.told_included OR n.tax <> CASE WHEN n.told_for = n.net + n.freight THEN n.told WHEN n.told_for = 0 THEN 0 ELSE round(n.told * (n.net + n.freight) / n.told_for, n.digits) END)
		UNION ALL SELECT 'verify() finds nothing', count(*) = 0, min(concat_ws(' ', w.entity, w.problem, w.expected, w.actual)) FROM usom.verify() w
	) v;
	DROP TABLE now;
	COMMIT;
END
$$;
