-- Orders as they were: after each step of random histories the document made
-- from the views is kept; order_as_of() must give the same for each moment, and
-- order_changes() must lead from nothing to what is there.
SELECT setseed((:seed % 999) / 1000.0) IS NULL AS seeded \gset
INSERT INTO usom.location (code, priority) VALUES ('H1', 1), ('H2', 2);
INSERT INTO usom.customer (code, name) VALUES ('HC', 'Holly');
INSERT INTO usom.product (sku, kind) SELECT 'H-' || n, CASE WHEN n = 6 THEN 'service' ELSE 'physical' END FROM generate_series(1, 6) n;
SELECT count(*) AS received FROM generate_series(1, 5) n, unnest(ARRAY['H1', 'H2']) l, LATERAL usom.receive_stock(l, 'H-' || n, 90) \gset

-- Planned once for all orders.
CREATE FUNCTION twin.document(of_order text) RETURNS jsonb LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	RETURN (SELECT to_jsonb(o) - ARRAY['status_group', 'promised_at', 'held', 'payment_status', 'discount', 'freight', 'tax'] || jsonb_build_object(
		'lines', (SELECT coalesce(jsonb_agg(to_jsonb(l) - ARRAY['order_no', 'status', 'currency', 'product_name']
				|| jsonb_build_object('requested_at', t.requested_at, 'pieces', (
					SELECT coalesce(jsonb_agg(to_jsonb(p) - ARRAY['order_no', 'line_no'] ORDER BY p.piece_no), '[]')
					FROM usom.order_pieces p WHERE p.order_no = of_order AND p.line_no = l.line_no)) ORDER BY l.line_no), '[]')
			FROM usom.order_lines l JOIN usom.order_line t ON (t.org_id, t.sales_order_id, t.line_no) = (s.org_id, s.sales_order_id, l.line_no)
			WHERE l.order_no = of_order),
		'holds', (SELECT coalesce(jsonb_agg(to_jsonb(h) - ARRAY['org_id', 'hold_id', 'sales_order_id'] ORDER BY h.hold_id), '[]')
			FROM usom.hold h WHERE (h.org_id, h.sales_order_id) = (s.org_id, s.sales_order_id)),
		'shipments', (SELECT coalesce(jsonb_agg(to_jsonb(h) - ARRAY['order_no', 'quantity'] ORDER BY h.shipment_no), '[]')
			FROM usom.shipments h WHERE h.order_no = of_order),
		'returns', (SELECT coalesce(jsonb_agg(r.head || jsonb_build_object('lines', r.lines) ORDER BY r.head->>'return_no'), '[]')
			FROM (SELECT to_jsonb(r) - ARRAY['order_no', 'line_no', 'sku', 'quantity', 'quantity_received', 'quantity_accepted', 'quantity_rejected', 'quantity_given_up',
						'inspects', 'disposition', 'rule', 'expired'] AS head,
					jsonb_agg(jsonb_build_object('line_no', r.line_no, 'quantity', r.quantity, 'quantity_received', r.quantity_received, 'quantity_accepted', r.quantity_accepted,
						'quantity_rejected', r.quantity_rejected, 'quantity_given_up', r.quantity_given_up, 'inspects', r.inspects, 'disposition', r.disposition, 'rule', r.rule) ORDER BY r.line_no) AS lines
				FROM usom.returns r WHERE r.order_no = of_order GROUP BY 1) r))
	FROM usom.orders o JOIN usom.sales_order s ON s.org_id = usom.current_org() AND s.order_no = o.order_no
	WHERE o.order_no = of_order);
END
$$;

CREATE TABLE twin.seen (step bigint, order_no text, at timestamptz, document jsonb);

CREATE FUNCTION twin.address() RETURNS jsonb LANGUAGE sql VOLATILE AS $$
	SELECT jsonb_build_object('name', twin.pick('Ann', 'Ben', 'Cy'), 'line1', twin.pick(1, 99) || ' High St', 'city', twin.pick('Ely', 'York'), 'country', 'GB')
$$;

CREATE FUNCTION twin.lines(low integer) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
	SELECT jsonb_agg(jsonb_build_object('sku', 'H-' || twin.pick(1, 6), 'quantity', twin.pick(low, 9), 'unit_price', twin.pick(0, 999) / 100.0)) FROM generate_series(1, twin.pick(1, 3))
$$;

-- One step on an order, or a new order; whatever is refused is no step.
CREATE FUNCTION twin.step(target text, makes boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	line integer := (SELECT l.line_no FROM usom.order_lines l WHERE l.order_no = target ORDER BY random() LIMIT 1);
	made text;
	units jsonb := jsonb_build_array(jsonb_build_object('line_no', line, 'quantity', twin.pick(1, 4)));
BEGIN
	CASE twin.pick(CASE WHEN makes THEN 1 ELSE 4 END, CASE WHEN makes THEN 3 ELSE 28 END)
		WHEN 1 THEN
			INSERT INTO usom.sales_order (customer_id, priority, instructions) VALUES (usom.customer_id('HC'), twin.pick(1, 9), twin.pick('ring', 'knock')) RETURNING order_no INTO made;
			INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity, unit_price)
				SELECT o.sales_order_id, n, usom.product_id('H-' || n), twin.pick(1, 9), 2.5 FROM usom.sales_order o, generate_series(1, 3) n WHERE o.order_no = made;
		WHEN 2 THEN PERFORM usom.place_order(jsonb_build_object('customer', 'HC', 'lines', twin.lines(1), 'ship_to', twin.address(), 'draft', random() < 0.3, 'instructions', twin.pick('ring', 'knock')));
		WHEN 4 THEN PERFORM usom.submit_order(target);
		WHEN 5 THEN PERFORM usom.cancel_line(target, line, twin.pick(1, 3), 'fewer');
		WHEN 6, 7 THEN PERFORM usom.change_order(target, jsonb_build_object('lines', jsonb_build_array(jsonb_build_object('line_no', line, 'quantity', twin.pick(1, 9)))), reason => 'more');
		WHEN 8 THEN PERFORM usom.change_order(target, jsonb_build_object('lines', twin.lines(1), 'priority', twin.pick(1, 9)));
		WHEN 9 THEN PERFORM usom.change_order(target, jsonb_build_object('lines', jsonb_build_array(jsonb_build_object('line_no', line, 'remove', true))));
		WHEN 10 THEN PERFORM usom.change_order(target, jsonb_build_object('ship_to', twin.address(), 'instructions', twin.pick('ring', 'knock', 'leave')));
		WHEN 11 THEN PERFORM usom.hold_order(target, twin.pick('fraud', 'credit'), 'look', CASE WHEN random() < 0.3 THEN clock_timestamp() + interval '1 day' END);
		WHEN 12, 24 THEN PERFORM usom.release_hold(target, h.hold_type, 'fine') FROM usom.holds h WHERE h.order_no = target AND h.active;
		WHEN 13, 14, 22 THEN PERFORM usom.release_order(target);
		WHEN 15 THEN PERFORM usom.ship(target, units, 'DHL', 'JD' || twin.pick(1, 99));
		WHEN 16, 23 THEN PERFORM usom.ship(target);
		WHEN 17 THEN PERFORM usom.deliver(s.shipment_no) FROM usom.shipments s WHERE s.order_no = target AND s.status = 'shipped';
		WHEN 18 THEN PERFORM usom.receive_return(usom.authorize_return(target, units, 'broken'), CASE WHEN random() < 0.7 THEN units END);
		WHEN 19 THEN PERFORM usom.receive_stock(twin.pick('H1', 'H2'), 'H-' || twin.pick(1, 5), twin.pick(1, 20)); PERFORM usom.fill_backorders();
		WHEN 20 THEN UPDATE usom.sales_order SET priority = twin.pick(1, 9), requested_at = now() + interval '1 day' * twin.pick(1, 9) WHERE order_no = target;
		WHEN 21 THEN UPDATE usom.sales_order SET status = twin.pick('cancelled', 'closed', 'submitted') WHERE order_no = target;
		WHEN 25, 26 THEN PERFORM usom.pack(target, CASE WHEN random() < 0.7 THEN units END, location => twin.pick('H1', 'H2'));
		WHEN 27 THEN PERFORM usom.void_shipment(s.shipment_no, 'wrong label') FROM usom.shipments s WHERE s.order_no = target AND s.status = 'shipped';
		WHEN 28 THEN PERFORM usom.record_tracking(s.shipment_no, twin.pick('in_transit', 'failed', 'lost', 'delivered')) FROM usom.shipments s WHERE s.order_no = target;
		WHEN 3 THEN PERFORM usom.place_orders(jsonb_build_array(jsonb_build_object('lines', twin.lines(1)), jsonb_build_object('lines', twin.lines(0)), jsonb_build_object('lines', twin.lines(1))));
	END CASE;
EXCEPTION WHEN OTHERS THEN
	IF SQLSTATE !~ '^(US|22)' THEN
		RAISE;
	END IF;
END
$$;

-- Every order is kept after each step: most steps are about one, some about several.
CREATE PROCEDURE twin.play(steps bigint) LANGUAGE plpgsql AS $$
BEGIN
	FOR n IN 1 .. steps LOOP
		PERFORM twin.step((SELECT order_no FROM usom.orders o ORDER BY o.order_no DESC OFFSET twin.pick(0, 4) LIMIT 1), n % 60 < 3);
		IF random() < 0.8 THEN
			COMMIT;
		END IF;
		INSERT INTO twin.seen SELECT n, o.order_no, clock_timestamp(), twin.document(o.order_no) FROM usom.orders o
			WHERE o.order_no IN (SELECT order_no FROM usom.orders ORDER BY order_no DESC LIMIT 5);
	END LOOP;
END
$$;
CALL twin.play(400 * :cases);

SELECT count(*) AS tried FROM (
	SELECT twin.compare('order_as_of at each step', s.step || ' ' || s.order_no, s.document::text, usom.order_as_of(s.order_no, s.at)::text) FROM twin.seen s) t \gset
SELECT twin.report('order_as_of at each step', :tried);
SELECT count(*) AS tried FROM (
	SELECT twin.compare('order_as_of at the end', o.order_no, twin.document(o.order_no)::text, usom.order_as_of(o.order_no, 'infinity')::text) FROM usom.orders o) t \gset
SELECT twin.report('order_as_of at the end', :tried);

-- At no moment is there a half of a call: the version of the order has the status that its history tells.
SELECT count(*) AS tried FROM (
	SELECT twin.compare('order_as_of shows no half', format('%s at %s', o.order_no, e.at), h.to_status::text, d.document->>'status')
	FROM usom.sales_order o CROSS JOIN LATERAL (
			SELECT DISTINCT t.at FROM usom.audit_entry e, unnest(ARRAY[e.occurred_at, e.occurred_at + interval '1 us']) AS t (at)
			WHERE e.org_id = o.org_id AND e.sales_order_id = o.sales_order_id) e
		CROSS JOIN LATERAL (SELECT usom.order_as_of(o.order_no, e.at) AS document) d
		LEFT JOIN usom.order_history h ON (h.org_id, h.sales_order_id, h.version) = (o.org_id, o.sales_order_id, (d.document->>'version')::integer)) t \gset
SELECT twin.report('order_as_of shows no half', :tried);

-- A time of the timeline gives the order after the change that stands there.
SELECT count(*) AS tried FROM (
	SELECT twin.compare('order_as_of times of the timeline', format('%s at %s', h.order_no, h.at), h.version::text, usom.order_as_of(h.order_no, h.at)->>'version')
	FROM (SELECT t.order_no, t.at, max(t.version) AS version FROM usom.timeline t GROUP BY 1, 2) h) t \gset
SELECT twin.report('order_as_of times of the timeline', :tried);

-- A field that changed twice had in between what it came to first; the last value is the present one.
CREATE VIEW twin.change AS
	SELECT o.order_no, c.*, row_number() OVER w AS n, lag(c.after) OVER w AS earlier, lead(c.field) OVER w IS NULL AS is_last
	FROM usom.orders o, LATERAL usom.order_changes(o.order_no) WITH ORDINALITY AS c (occurred_at, who, verb, reason, entity, field, before, after, place)
	WHERE c.entity !~ '^hold'
	WINDOW w AS (PARTITION BY o.order_no, c.entity, c.field ORDER BY c.place);
SELECT count(*) AS tried FROM (
	SELECT twin.compare('order_changes follow each other', format('%s %s %s %s', c.order_no, c.entity, c.field, c.n), coalesce(c.earlier, z.zero), coalesce(c.before, z.zero))
	FROM twin.change c, LATERAL (SELECT CASE WHEN c.field LIKE 'quantity\_%' THEN '0' END AS zero) z) t \gset
SELECT twin.report('order_changes follow each other', :tried);
SELECT count(*) AS tried FROM (
	SELECT twin.compare('order_changes end at the order', c.order_no || ' ' || c.field, to_jsonb(o)->>c.field, c.after)
	FROM twin.change c JOIN usom.orders o USING (order_no) WHERE c.entity = 'order' AND c.is_last) t \gset
SELECT twin.report('order_changes end at the order', :tried);
