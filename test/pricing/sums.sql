-- The orders live; after each phase their amounts are what they should be.
SET TimeZone = 'UTC';
CREATE TEMP TABLE outcome (n integer, outcome text, message text);
DO $$
BEGIN
	FOR i IN 0 .. (SELECT max(n) / 250 FROM test.document) LOOP
		INSERT INTO outcome
		SELECT i * 250 + p.ordinal - 1, p.outcome, p.message FROM usom.place_orders((SELECT jsonb_agg(d.document ORDER BY d.n) FROM test.document d WHERE d.n / 250 = i)) p;
		COMMIT;
	END LOOP;
END
$$;
INSERT INTO test.found (phase, what, good, detail)
SELECT 'place', 'all orders are placed, but for coupons on what costs nothing', count(*) = 0 AND (SELECT count(*) FROM outcome) = (SELECT count(*) FROM test.document), min(format('%s: %s', n, message))
FROM outcome WHERE outcome <> 'placed' AND message !~ '^coupon .* takes nothing off this order';
CALL test.check('place');

-- One function of usom for each order that the phase is about; what it refuses is told.
CREATE TABLE test.refused (phase text, n integer, message text);
CREATE PROCEDURE test.each(phase text, every integer, command text) LANGUAGE plpgsql AS $$
DECLARE
	o record;
BEGIN
	FOR o IN SELECT s.external_id::integer AS n, s.order_no, s.sales_order_id FROM usom.sales_order s WHERE test.draw(phase || s.external_id, every) = 0 ORDER BY s.external_id::integer LOOP
		BEGIN
			EXECUTE command USING o.order_no, o.n, o.sales_order_id;
		EXCEPTION WHEN OTHERS THEN
			INSERT INTO test.refused VALUES (phase, o.n, SQLERRM);
		END;
	END LOOP;
	COMMIT;
END
$$;

CALL test.each('change', 5, $$SELECT usom.change_order($1, jsonb_build_object('lines',
	CASE $2 % 4 WHEN 0 THEN jsonb_build_array(jsonb_build_object('line_no', 1, 'quantity', 7)) WHEN 1 THEN jsonb_build_array(jsonb_build_object('sku', 'P-7', 'quantity', 2, 'unit_price', 12))
		WHEN 2 THEN jsonb_build_array(jsonb_build_object('line_no', 1, 'quantity', 1), jsonb_build_object('sku', 'P-8', 'quantity', 3, 'unit_price', 7)) ELSE '[]'::jsonb END)
	|| CASE WHEN $2 % 4 = 3 THEN '{"ship_to": {"country": "US", "region": "NY", "postcode": "10012"}}'::jsonb ELSE '{}' END)$$);
CALL test.check('change');

-- What a cancellation, a shipment, a return are worth: what is left before and after.
CREATE FUNCTION test.take(phase text, order_no text, command text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	before numeric := (SELECT o.total FROM usom.sales_order o WHERE o.order_no = $2);
BEGIN
	EXECUTE command USING order_no;
	INSERT INTO test.taken SELECT $2, phase, before - o.total FROM usom.sales_order o WHERE o.order_no = $2;
END
$$;
CREATE TABLE test.whole AS SELECT order_no, total FROM usom.sales_order;
CALL test.each('cancel', 4, $$SELECT test.take('cancel', $1, format('SELECT usom.cancel_line($1, %s, %s, ''x'')', l.line_no, CASE l.product_id WHEN usom.product_id('SET') THEN 1 ELSE round(l.quantity / 3, 3) END)) FROM usom.order_line l
	WHERE l.org_id = 1 AND l.sales_order_id = $3 AND l.quantity > 1 AND (l.kit_line_no IS NULL OR l.kit_line_no = l.line_no) ORDER BY l.line_no LIMIT 2$$);
CALL test.each('cancel rest', 40, $$SELECT test.take('cancel rest', $1, 'SELECT usom.cancel_order($1, ''x'')')$$);
INSERT INTO test.found (phase, what, good, detail)
SELECT 'cancel', 'what is cancelled and what is left is the whole', count(*) = 0 AND (SELECT count(*) FROM test.taken) > 0, min(order_no)
FROM test.whole w JOIN usom.sales_order o USING (order_no) LEFT JOIN (SELECT order_no, sum(amount) AS amount, min(amount) AS least FROM test.taken GROUP BY order_no) t USING (order_no)
WHERE w.total <> o.total + coalesce(t.amount, 0) OR t.least < 0 OR (o.status = 'cancelled' AND o.total <> 0);
CALL test.check('cancel');

CREATE TABLE test.untouched AS SELECT order_no, total FROM usom.sales_order;
CALL test.each('split', 1, $$SELECT usom.split_backorder($1, l.line_no, jsonb_build_array(jsonb_build_object('quantity', round(l.quantity_backordered / 3, 3), 'promised_at', '2100-02-01'))) FROM usom.order_line l
	WHERE l.org_id = 1 AND l.sales_order_id = $3 AND l.quantity_backordered > 0.01 AND l.kit_line_no IS NULL$$);
CALL test.each('merge', 3, $$SELECT usom.merge_backorder($1, l.line_no) FROM usom.order_line l WHERE l.org_id = 1 AND l.sales_order_id = $3 AND l.quantity_backordered > 0.01 AND l.kit_line_no IS NULL$$);
INSERT INTO test.found (phase, what, good, detail)
SELECT 'split', 'splitting and merging change no total', bool_and(u.total = o.total), min(order_no) FILTER (WHERE u.total <> o.total) FROM test.untouched u JOIN usom.sales_order o USING (order_no);
INSERT INTO test.found (phase, what, good, detail)
SELECT 'split', 'pieces are worth what their line is', count(*) = 0 AND (SELECT count(*) FROM usom.fulfillment_line WHERE status = 'backordered') > 0, min(order_no)
FROM (SELECT l.order_no, l.line_no, l.total, sum(a.amount) AS pieces, min(a.amount) AS least FROM usom.order_lines l JOIN LATERAL usom.piece_amounts(l.order_no) a ON a.line_no = l.line_no
	WHERE l.order_no IN (SELECT b.order_no FROM usom.backorders b ORDER BY b.order_no LIMIT 300) GROUP BY 1, 2, 3) x WHERE total <> pieces OR least < 0;
CALL test.check('split');

-- Half of the orders are paid: authorised in full, captured shipment by shipment, refunded for what comes back.
CALL test.each('authorize', 2, $$SELECT usom.authorize_payment($1, round(o.total, d.decimals), 'AUTH-' || $2) FROM usom.sales_order o JOIN test.order d ON d.n = $2
	WHERE o.org_id = 1 AND o.sales_order_id = $3 AND round(o.total, d.decimals) > 0$$);
CREATE PROCEDURE test.answer(phase text) LANGUAGE plpgsql AS $$
BEGIN
	CALL test.each(phase, 1, $c$SELECT usom.record_payment($1, r.kind, r.amount, format('%s-%s-%s', r.kind, $2, r.request_no), request => $1 || '/' || r.request_no)
		FROM (SELECT q.* FROM usom.payment_request q WHERE q.org_id = 1 AND q.sales_order_id = $3 AND q.status = 'wanted' ORDER BY q.request_no) r$c$);
END
$$;
-- What the provider has of an order is what the units cost that left and stayed away, from the line alone; where a line was never rounded to the smallest unit, to less than two: each capture and each refund is.
CREATE PROCEDURE test.check_paid(phase text, OUT orders bigint) LANGUAGE plpgsql AS $$
BEGIN
	WITH due AS (
		SELECT p.sales_order_id, min(p.digits) AS digits, bool_and(p.decimals IS NOT NULL) AS is_exact, sum(CASE WHEN p.decimals IS NULL THEN round(p.unit_price * u.units, 4)
			ELSE round((p.net + p.freight + CASE WHEN p.tax_included THEN 0 ELSE p.tax END) * u.units / p.quantity, p.digits) END) AS amount,
			bool_and(l.quantity_cancelled + l.quantity_returned = l.quantity) AS is_all_back
		FROM test.priced p JOIN usom.order_line l USING (sales_order_id, line_no) CROSS JOIN LATERAL (SELECT l.quantity_shipped + l.quantity_delivered AS units) u
		WHERE p.kit_line_no IS NULL OR p.kit_line_no = p.line_no GROUP BY p.sales_order_id
	), paid AS (
		SELECT y.sales_order_id, sum(y.captured - y.refunded) AS amount, sum(y.refund_wanted + y.capture_wanted) AS wanted FROM usom.payment y GROUP BY y.sales_order_id
	), judged AS (
		SELECT o.order_no, d.amount AS due, p.amount AS paid, p.wanted = 0 AND CASE WHEN d.is_exact OR d.is_all_back THEN p.amount = d.amount ELSE abs(p.amount - d.amount) < 2 * power(10, -d.digits)::numeric END AS good
		FROM paid p JOIN due d USING (sales_order_id) JOIN usom.sales_order o USING (sales_order_id)
	), kept AS (
		INSERT INTO test.found (phase, what, good, detail)
		SELECT $1, 'paid is what the customer has, to the smallest unit', bool_and(j.good) AND count(*) FILTER (WHERE j.paid > 0) > 0, min(format('%s: due %s, paid %s', j.order_no, j.due, j.paid)) FILTER (WHERE NOT j.good) FROM judged j
	)
	SELECT count(*) INTO orders FROM judged;
	COMMIT;
END
$$;

-- Shipped in two parts, the first of them half of each line.
CALL test.each('release', 2, $$SELECT usom.release_order($1) WHERE EXISTS (SELECT FROM usom.order_line l WHERE l.org_id = 1 AND l.sales_order_id = $3 AND l.quantity_reserved > 0)$$);
CALL test.each('ship', 1, $$SELECT usom.ship($1, j.lines) FROM (SELECT jsonb_agg(jsonb_build_object('line_no', l.line_no, 'quantity', CASE l.product_id WHEN usom.product_id('SET') THEN 1 ELSE round(l.quantity_released / 2, 3) END)) AS lines
	FROM usom.order_line l WHERE l.org_id = 1 AND l.sales_order_id = $3 AND l.quantity_released > 0.002 AND l.kit_line_no IS NULL) j WHERE j.lines IS NOT NULL$$);
CALL test.each('ship rest', 2, $$SELECT usom.ship($1) WHERE EXISTS (SELECT FROM usom.order_line l WHERE l.org_id = 1 AND l.sales_order_id = $3 AND l.quantity_released > 0)$$);
CALL test.each('deliver', 2, $$SELECT usom.deliver(s.shipment_no) FROM usom.shipment s WHERE s.org_id = 1 AND s.sales_order_id = $3 AND s.delivered_at IS NULL$$);
-- Each shipment is worth what its units add to those that left before; what is left over is the rest.
CREATE VIEW test.shipment_value AS
	SELECT x.*, part - lag(part, 1, 0::numeric) OVER (PARTITION BY sales_order_id, line_no ORDER BY shipment_id) AS amount
	FROM (
		SELECT p.sales_order_id, p.line_no, f.shipment_id, p.digits, CASE WHEN p.decimals IS NULL THEN round(p.unit_price * sum(f.units) OVER before, 4)
			ELSE round((p.net + p.freight + CASE WHEN p.tax_included THEN 0 ELSE p.tax END) * sum(f.units) OVER before / p.quantity, p.digits) END AS part
		FROM test.priced p JOIN (SELECT sales_order_id, line_no, shipment_id, sum(quantity) AS units FROM usom.fulfillment_line WHERE shipment_id IS NOT NULL GROUP BY 1, 2, 3) f USING (sales_order_id, line_no)
		WHERE p.kit_line_no IS NULL
		WINDOW before AS (PARTITION BY p.sales_order_id, p.line_no ORDER BY f.shipment_id)
	) x;
INSERT INTO test.found (phase, what, good, detail)
SELECT 'ship', 'shipments are worth what their lines are, none less than nothing', count(*) FILTER (WHERE least < 0 OR amount > total OR left_all AND amount <> total) = 0 AND count(*) FILTER (WHERE left_all AND shipments > 1) > 0,
	format('%s lines, %s left as a whole in several shipments', count(*), count(*) FILTER (WHERE left_all AND shipments > 1))
FROM (SELECT v.sales_order_id, v.line_no, sum(v.amount) AS amount, min(v.amount) AS least, count(*) AS shipments, l.total, l.quantity_shipped + l.quantity_delivered + l.quantity_cancelled = l.quantity AND l.quantity_cancelled = 0 AS left_all
	FROM test.shipment_value v JOIN usom.order_line l USING (sales_order_id, line_no) GROUP BY v.sales_order_id, v.line_no, l.total, l.quantity_shipped, l.quantity_delivered, l.quantity_cancelled, l.quantity) x;
CALL test.answer('capture');
CALL test.check_paid('ship', NULL);
CALL test.check('ship');

CALL test.each('return', 2, $$SELECT usom.receive_return(usom.authorize_return($1, j.lines, 'x'), j.lines) FROM (
	SELECT jsonb_agg(jsonb_build_object('line_no', l.line_no, 'quantity', CASE l.product_id WHEN usom.product_id('SET') THEN 1 ELSE round((l.quantity_shipped + l.quantity_delivered) / 3, 3) END)) AS lines FROM usom.order_line l
	WHERE l.org_id = 1 AND l.sales_order_id = $3 AND l.quantity_shipped + l.quantity_delivered > 1 AND l.kit_line_no IS NULL) j WHERE j.lines IS NOT NULL$$);
INSERT INTO test.found (phase, what, good, detail) SELECT 'return', 'some came back', sum(quantity_returned) > 0, NULL FROM usom.order_line;
CALL test.answer('refund');
CALL test.check_paid('return', NULL);
INSERT INTO test.found (phase, what, good, detail) SELECT 'return', 'some was refunded, tax with it, never more than was captured', count(*) FILTER (WHERE refunded > 0) > 0 AND count(*) FILTER (WHERE refunded_tax > 0) > 0
	AND count(*) FILTER (WHERE refunded > captured OR refunded_tax > captured_tax) = 0, format('%s lines', count(*)) FROM usom.payment_line;
CALL test.check('return');

INSERT INTO test.found (phase, what, good, detail)
SELECT 'all', 'what was refused', count(*) = 0, string_agg(DISTINCT format('%s %s: %s', r.phase, r.n, r.message), '; ') FROM (SELECT * FROM test.refused LIMIT 5) r;
SELECT format('%s orders in %s currencies with %s lines; %s with discount, %s with freight, %s with tax, %s of them included, %s told; %s steps', (SELECT count(*) FROM usom.sales_order), (SELECT count(DISTINCT currency) FROM usom.sales_order),
	count(*), count(*) FILTER (WHERE discount > 0), count(*) FILTER (WHERE freight > 0), count(*) FILTER (WHERE tax > 0), count(*) FILTER (WHERE tax > 0 AND tax_included), (SELECT count(*) FROM usom.order_tax), (SELECT count(*) FROM usom.price_step)) FROM usom.order_line;
SELECT format('%s cancellations, %s shipments, %s returns, %s captures, %s refunds', (SELECT count(*) FROM test.taken), (SELECT count(*) FROM usom.shipment), (SELECT count(*) FROM usom.return_order),
	count(*) FILTER (WHERE kind = 'capture'), count(*) FILTER (WHERE kind = 'refund')) FROM usom.payment_transaction;
SELECT format('%s - %s: %s%s', CASE WHEN good THEN 'ok' ELSE 'not ok' END, phase, what, CASE WHEN NOT good OR good IS NULL THEN ': ' || coalesce(detail, 'null') ELSE '' END) FROM test.found ORDER BY ordinal;
SELECT format('%s passed, %s failed', count(*) FILTER (WHERE good), count(*) FILTER (WHERE NOT good OR good IS NULL)) FROM test.found;
SELECT 1 / bool_and(coalesce(good, false))::integer FROM test.found \g /dev/null
