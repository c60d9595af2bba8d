-- The orders priced again from the files, in cents, and compared.  One line a check, then the figures.
SET TimeZone = 'UTC';
CREATE TEMP TABLE found (what text, good boolean, detail text);
CREATE TEMP TABLE goods AS
	SELECT b.n, l.line_no, l.product, l.quantity, h.price, round(h.price * l.quantity, 2) AS goods,
		coalesce((SELECT max(o.part) FROM aw.offer o JOIN aw.offer_product x ON x.offer = o.id AND x.product = l.product
			WHERE o.category = CASE WHEN u.reseller THEN 'Reseller' ELSE 'Customer' END AND o.starts_at <= b.at AND b.at < o.ends_at + interval '1 day'
				AND l.units BETWEEN o.min_units AND coalesce(o.max_units, 1000000)), 0) AS part
	FROM aw.basket b JOIN aw.buyer u ON u.n = b.buyer
	JOIN (SELECT n, row_number() OVER (PARTITION BY n ORDER BY line_no) AS line_no, product, quantity, sum(quantity) OVER (PARTITION BY n, product) AS units FROM aw.basket_line) l ON l.n = b.n
	JOIN aw.list_price h ON h.product = l.product AND h.starts_at <= b.at AND (h.ends_at IS NULL OR b.at < h.ends_at + interval '1 day');
CREATE TEMP TABLE net AS
	SELECT n, line_no, product, quantity, price, (goods * 100)::bigint AS goods, (round(goods * part, 2) * 100)::bigint AS discount, (goods * 100)::bigint - (round(goods * part, 2) * 100)::bigint AS net FROM goods;
CREATE TEMP TABLE freight AS
	SELECT s.n, CASE WHEN s.net >= r.free_from * 100 THEN 0 ELSE round(m.base, 2) * 100 + round(m.rate * s.kilograms, 2) * 100 END AS freight, s.net
	FROM (SELECT x.n, sum(x.net) AS net, round(sum(x.quantity * w.kilograms), 6) AS kilograms FROM net x JOIN aw.weighed w ON w.id = x.product GROUP BY x.n) s
	JOIN aw.basket b ON b.n = s.n JOIN aw.door d ON d.n = b.door
	CROSS JOIN LATERAL (SELECT * FROM aw.route r WHERE (r.channel IS NULL OR r.channel = 'phone' AND b.by_phone) AND (r.country IS NULL OR r.country = d.country) ORDER BY r.channel IS NULL, r.country IS NULL LIMIT 1) r
	JOIN aw.ship_method m ON m.id = r.method;
-- Whole cents by the share rounded down, the cents that are left over to the largest rests, the first of equals first.
CREATE TEMP TABLE sent AS
	SELECT x.*, div(f.freight * x.net, f.net) + (row_number() OVER (PARTITION BY x.n ORDER BY mod(f.freight * x.net, f.net) DESC, x.line_no) <= f.freight - sum(div(f.freight * x.net, f.net)) OVER (PARTITION BY x.n))::integer AS freight
	FROM net x JOIN freight f USING (n);
CREATE TEMP TABLE due AS
	SELECT b.n, t.percent, round(s.amount * coalesce(t.percent, 0) / 100) AS tax, s.amount
	FROM (SELECT n, sum(net + freight) AS amount FROM sent GROUP BY n) s JOIN aw.basket b USING (n) JOIN aw.buyer u ON u.n = b.buyer JOIN aw.door d ON d.n = b.door
	CROSS JOIN LATERAL (SELECT CASE
		WHEN u.wholesale THEN coalesce((SELECT x.percent FROM aw.tax x WHERE x.state = d.state AND x.kind = 2), CASE WHEN EXISTS (SELECT FROM aw.tax x WHERE x.state = d.state AND x.kind = 1) THEN 0 END, (SELECT x.percent FROM aw.tax x WHERE x.state = d.state AND x.kind = 3))
		ELSE coalesce((SELECT x.percent FROM aw.tax x WHERE x.state = d.state AND x.kind = 1), (SELECT x.percent FROM aw.tax x WHERE x.state = d.state AND x.kind = 3)) END AS percent) t;
CREATE TEMP TABLE priced AS
	-- where nothing is added to an order or taken off, and no tax is asked for, its list prices stand with their four decimals
	SELECT s.*, sum(s.discount + s.freight) OVER (PARTITION BY s.n) = 0 AND d.percent IS NULL AS stands, div(d.tax * (s.net + s.freight), d.amount) + (row_number() OVER (PARTITION BY s.n ORDER BY mod(d.tax * (s.net + s.freight), d.amount) DESC, s.line_no) <= d.tax - sum(div(d.tax * (s.net + s.freight), d.amount)) OVER (PARTITION BY s.n))::integer AS tax
	FROM sent s JOIN due d USING (n);

CREATE TEMP TABLE held AS SELECT split_part(o.external_id, '-', 2)::integer AS n, l.*, o.total AS order_total FROM usom.orders o JOIN usom.order_lines l USING (order_no);
INSERT INTO found
	SELECT 'all orders are placed', bool_and(outcome = 'placed') AND count(*) = (SELECT count(*) FROM aw.document), string_agg(DISTINCT message, '; ') FILTER (WHERE outcome <> 'placed') FROM aw.outcome
	UNION ALL SELECT 'offers are those of the data', count(*) = 14 AND count(*) = (SELECT count(*) FROM aw.offer o WHERE o.part > 0 AND o.id IN (SELECT offer FROM aw.offer_product)), count(*)::text FROM usom.promotion
	UNION ALL SELECT 'list prices are those of the data', count(*) = (SELECT count(*) FROM aw.list_price), count(*)::text FROM usom.price
	UNION ALL SELECT 'every line is priced twice', count(*) FILTER (WHERE h.n IS NULL OR p.n IS NULL) = 0, count(*)::text FROM held h FULL JOIN priced p ON p.n = h.n AND p.line_no = h.line_no
	UNION ALL SELECT v.what || ' agrees', bool_and(v.usom = v.files), min(format('order %s line %s: %s, %s', h.n, h.line_no, v.usom, v.files)) FILTER (WHERE v.usom <> v.files)
		FROM held h JOIN priced p ON p.n = h.n AND p.line_no = h.line_no
		CROSS JOIN LATERAL (VALUES ('unit price', h.unit_price, p.price), ('discount', h.discount, p.discount / 100.0), ('freight', h.freight, p.freight / 100.0), ('tax', h.tax, p.tax / 100.0),
			('total of the line', h.total, CASE WHEN p.stands THEN p.price * p.quantity ELSE (p.net + p.freight + p.tax) / 100.0 END)) v (what, usom, files) GROUP BY v.what
	UNION ALL SELECT 'total of the order agrees', bool_and(o.total = s.total), min(format('order %s: %s, %s', s.n, o.total, s.total)) FILTER (WHERE o.total <> s.total)
		FROM usom.orders o JOIN (SELECT n, sum(CASE WHEN stands THEN price * quantity ELSE (net + freight + tax) / 100.0 END) AS total FROM priced GROUP BY n) s ON o.external_id = 'AW-' || s.n
	UNION ALL SELECT 'some of everything', count(DISTINCT x.rule) FILTER (WHERE x.step = 'promotion') >= 10 AND count(DISTINCT x.rule) FILTER (WHERE x.step = 'freight') = 5 AND count(DISTINCT x.rule) FILTER (WHERE x.step = 'tax') >= 15,
		format('%s offers, %s ship methods, %s taxes', count(DISTINCT x.rule) FILTER (WHERE x.step = 'promotion'), count(DISTINCT x.rule) FILTER (WHERE x.step = 'freight'), count(DISTINCT x.rule) FILTER (WHERE x.step = 'tax')) FROM usom.price_step x
	UNION ALL SELECT 'nothing is wrong', count(*) = 0, min(concat_ws(' ', v.entity, v.problem, v.expected, v.actual)) FROM usom.verify() v;

SELECT format('priced: %s orders with %s lines: goods %s, off %s, freight %s, tax %s, total %s', count(DISTINCT n), count(*), round(sum(goods) / 100, 2), round(sum(discount) / 100, 2), round(sum(freight) / 100, 2), round(sum(tax) / 100, 2), round(sum(net + freight + tax) / 100, 2)) FROM priced;
SELECT format('steps: %s', string_agg(format('%s %s', step, n), ', ' ORDER BY step)) FROM (SELECT step, count(*) AS n FROM usom.price_step GROUP BY step) s;
SELECT format('%s - %s%s', CASE WHEN good THEN 'ok' ELSE 'not ok' END, what, CASE WHEN NOT good OR good IS NULL THEN ': ' || coalesce(detail, 'null') ELSE '' END) FROM found;
SELECT format('%s passed, %s failed', count(*) FILTER (WHERE good), count(*) FILTER (WHERE NOT good OR good IS NULL)) FROM found;
SELECT 1 / bool_and(coalesce(good, false))::integer FROM found \g /dev/null
