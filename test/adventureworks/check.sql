-- What is there now, and what is said about it.  One line a check, then the figures.
CREATE TEMP TABLE found (what text, good boolean, detail text);
CREATE TEMP TABLE piece AS SELECT o.external_id, p.* FROM usom.order_pieces p JOIN usom.orders o USING (order_no);
CREATE TEMP TABLE said AS
	SELECT o.order_no, o.external_id, e.* FROM usom.orders o CROSS JOIN LATERAL usom.explain_sourcing(o.order_no) e;
ANALYZE;

INSERT INTO found
	SELECT '432 products', count(DISTINCT product_id) = 432, count(DISTINCT product_id)::text FROM usom.stock
	UNION ALL SELECT '14 locations', count(DISTINCT location_id) = 14, count(DISTINCT location_id)::text FROM usom.stock
	UNION ALL SELECT 'stock is that of the data', (SELECT sum(on_hand) FROM usom.stock) = (SELECT sum(quantity) FROM aw.inventory), (SELECT trim_scale(sum(on_hand))::text FROM usom.stock)
	UNION ALL SELECT 'shelves and bins', count(*) = (SELECT count(*) FROM aw.inventory), count(*)::text FROM usom.stock
	UNION ALL SELECT '42,049 postal codes', count(*) = 42049, count(*)::text FROM usom.postcode_centroid
	UNION ALL SELECT 'all orders are placed', bool_and(outcome = 'placed') AND count(*) = (SELECT count(*) FROM aw.document), string_agg(DISTINCT message, '; ') FILTER (WHERE outcome <> 'placed') FROM aw.outcome
	UNION ALL SELECT 'nothing is wrong', count(*) = 0, min(v.problem) FROM usom.verify() v
	UNION ALL SELECT 'every line is explained for every location', count(*) = 14 * (SELECT count(*) FROM usom.order_lines), count(*)::text FROM said
	UNION ALL
		-- where the pieces are and what is called chosen are the same places
		SELECT 'what is chosen is where the piece is', count(*) = 0, min(format('%s line %s %s', order_no, line_no, location))
		FROM (SELECT s.order_no, s.line_no, s.location FROM said s WHERE s.reason_code = 'chosen') s
		FULL JOIN (SELECT DISTINCT p.order_no, p.line_no, p.location FROM piece p WHERE p.status = 'reserved') p USING (order_no, line_no, location)
		WHERE s.order_no IS NULL OR p.order_no IS NULL
	UNION ALL SELECT 'ranks are for those that could serve', bool_and((rank IS NOT NULL) = eligible), NULL FROM said
	UNION ALL SELECT 'what is chosen comes first', count(*) = 0, NULL FROM said a JOIN said b USING (order_no, line_no) WHERE a.reason_code = 'chosen' AND b.reason_code <> 'chosen' AND b.rank < a.rank
	UNION ALL
		SELECT 'what is chosen has it', count(*) = 0, min(format('%s line %s %s', s.order_no, s.line_no, s.location))
		FROM said s JOIN (SELECT order_no, line_no, location, sum(quantity) AS units FROM piece WHERE status = 'reserved' GROUP BY 1, 2, 3) p USING (order_no, line_no, location) WHERE s.available < p.units
	UNION ALL SELECT 'who has none is not eligible', bool_and(reason_code = 'stock'), min(reason_code) FROM said WHERE available = 0
	UNION ALL SELECT 'who is said to have none has none', bool_and(available = 0), NULL FROM said WHERE reason_code = 'stock'
	UNION ALL
		-- available is what is free, and what the order itself has reserved
		SELECT 'available is what there is', count(*) = 0, min(format('%s line %s %s', s.order_no, s.line_no, s.location))
		FROM said s JOIN usom.order_lines l USING (order_no, line_no)
		LEFT JOIN usom.stock_position f ON f.sku = l.sku AND f.location = s.location
		LEFT JOIN (SELECT order_no, sku, location, sum(quantity) AS own FROM piece WHERE status = 'reserved' GROUP BY 1, 2, 3) p ON p.order_no = s.order_no AND p.sku = l.sku AND p.location = s.location
		WHERE s.available <> coalesce(f.available, 0) + coalesce(p.own, 0)
	UNION ALL
		-- a line waits only if all there is of its product is with its order
		SELECT 'what waits cannot be served', count(*) = 0, min(format('%s line %s', l.order_no, l.line_no))
		FROM usom.order_lines l
		JOIN (SELECT order_no, line_no, sum(available) AS available FROM said GROUP BY 1, 2) s USING (order_no, line_no)
		LEFT JOIN (SELECT order_no, sku, sum(quantity) AS own FROM piece WHERE status = 'reserved' GROUP BY 1, 2) p ON p.order_no = l.order_no AND p.sku = l.sku
		WHERE l.quantity_backordered > 0 AND s.available > coalesce(p.own, 0)
	UNION ALL
		-- distances again from the data: coordinates to a kilometre, or those of the postal code
		SELECT 'distances are those of the data', count(*) = 0, min(format('%s %s: %s', s.order_no, s.location, s.distance_km))
		FROM said s JOIN aw.document d ON 'AW-' || d.n = s.external_id JOIN aw.address a ON a.id = d.address JOIN aw.zip z ON z.code = a.postcode JOIN usom.location l ON l.code = s.location
		WHERE abs(s.distance_km - usom.distance_km(CASE WHEN d.n % 2 = 0 THEN round(a.latitude::numeric, 2) ELSE z.latitude::numeric END, CASE WHEN d.n % 2 = 0 THEN round(a.longitude::numeric, 2) ELSE z.longitude::numeric END,
			l.latitude::numeric, l.longitude::numeric)) > 0.002
	UNION ALL
		SELECT 'why a line waits is what the explanation says', count(*) = 0, min(w.order_no)
		FROM (SELECT b.order_no, b.line_no, y.* FROM (SELECT order_no, line_no FROM usom.backorders ORDER BY md5(order_no || line_no) LIMIT 200) b
			CROSS JOIN LATERAL usom.why_not_allocated(b.order_no, b.line_no) y) w
		FULL JOIN (SELECT s.* FROM said s JOIN (SELECT order_no, line_no FROM usom.backorders ORDER BY md5(order_no || line_no) LIMIT 200) b USING (order_no, line_no)) s USING (order_no, line_no, location)
		WHERE (w.reason_code, w.available) IS DISTINCT FROM (s.reason_code, s.available);

SELECT format('stock: %s units of %s products at %s locations in %s bins', (SELECT trim_scale(sum(on_hand)) FROM usom.stock), count(DISTINCT product_id), count(DISTINCT location_id), count(*)) FROM usom.stock;
SELECT format('placed: %s orders with %s lines, %s units; %s units wait', (SELECT count(*) FROM usom.orders), count(*), trim_scale(sum(quantity)), trim_scale(sum(quantity_backordered))) FROM usom.order_lines;
SELECT format('time: %s', string_agg(format('%s %s s', what, round(seconds, 1)), ', ')) FROM aw.took;
WITH served AS (
	SELECT o.order_no, count(DISTINCT p.location) AS locations, bool_or(p.status = 'backordered') AS waits FROM usom.orders o JOIN piece p USING (order_no) GROUP BY o.order_no
)
SELECT format('whole from one location: %s of %s orders (%s %%), split: %s (%s %%), short: %s', count(*) FILTER (WHERE locations = 1 AND NOT waits), count(*), round(100.0 * count(*) FILTER (WHERE locations = 1 AND NOT waits) / count(*), 1),
	count(*) FILTER (WHERE locations > 1), round(100.0 * count(*) FILTER (WHERE locations > 1) / count(*), 1), count(*) FILTER (WHERE waits)) FROM served;
WITH shipment AS (
	SELECT DISTINCT order_no, location, distance_km FROM said WHERE reason_code = 'chosen'
)
SELECT format('shipments: %s, mean distance %s km', count(*), round(avg(distance_km))) FROM shipment;
SELECT format('%s - %s%s', CASE WHEN good THEN 'ok' ELSE 'not ok' END, what, CASE WHEN NOT good OR good IS NULL THEN ': ' || coalesce(detail, 'null') ELSE '' END) FROM found;

-- More comes in: what waits is planned together, as long as it lasts.
SELECT count(DISTINCT sku) AS refilled FROM usom.order_lines WHERE quantity_backordered > 0 \gset
SELECT count(*) FROM usom.receive_stocks((SELECT jsonb_agg(jsonb_build_object('location', 'AW-' || CASE WHEN n % 2 = 0 THEN 7 ELSE 60 END, 'sku', sku, 'quantity', ceil(units / 2)))
	FROM (SELECT sku, sum(quantity_backordered) AS units, row_number() OVER (ORDER BY sku) AS n FROM usom.order_lines WHERE quantity_backordered > 0 GROUP BY sku) w)) \g /dev/null
CALL usom.allocate_orders(batch_size => 200);
SELECT format('refilled: %s products, %s orders planned in chunks of 200, %s units got stock', :refilled, orders_done, units) FROM usom.allocation_runs;
CREATE TEMP TABLE later (what text, good boolean, detail text);
INSERT INTO later
	SELECT 'nothing is wrong after the run', count(*) = 0, min(v.problem) FROM usom.verify() v
	UNION ALL SELECT 'the run has ended', bool_and(ended_at IS NOT NULL), NULL FROM usom.allocation_runs
	UNION ALL
		SELECT 'nothing is free that somebody waits for', count(*) = 0, min(b.sku)
		FROM (SELECT DISTINCT sku FROM usom.order_lines WHERE quantity_backordered > 0) b JOIN usom.stock_position s USING (sku) WHERE s.available > 0
	UNION ALL
		-- of one product and priority nobody waits who came before somebody that was served now
		SELECT 'who came first was served first', count(*) = 0, min(w.order_no)
		FROM (SELECT l.order_no, l.sku, o.priority, o.placed_at FROM usom.order_lines l JOIN usom.orders o USING (order_no) WHERE l.quantity_reserved = 0 AND l.quantity_backordered > 0) w
		JOIN (SELECT p.order_no, p.sku, o.priority, o.placed_at FROM usom.order_pieces p JOIN usom.orders o USING (order_no) LEFT JOIN piece b USING (order_no, line_no, piece_no) WHERE p.status = 'reserved' AND b.status IS DISTINCT FROM 'reserved') g
			ON g.sku = w.sku AND (g.priority, g.placed_at) > (w.priority, w.placed_at);
SELECT format('%s - %s%s', CASE WHEN good THEN 'ok' ELSE 'not ok' END, what, CASE WHEN NOT good OR good IS NULL THEN ': ' || coalesce(detail, 'null') ELSE '' END) FROM later;
SELECT format('%s passed, %s failed', count(*) FILTER (WHERE good), count(*) FILTER (WHERE NOT good OR good IS NULL)) FROM (TABLE found UNION ALL TABLE later) f;
SELECT 1 / bool_and(coalesce(good, false))::integer FROM (TABLE found UNION ALL TABLE later) f \g /dev/null
