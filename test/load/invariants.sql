-- What must hold of the tables at any moment, asked of the tables themselves:
-- a name and how many rows break it.  Independent of usom.verify(), which is
-- the first of them.
SELECT 'verify() is empty', count(*) FROM usom.verify()
UNION ALL SELECT 'counters of a line sum to its quantity', count(*) FROM usom.order_line
	WHERE quantity <> quantity_open + quantity_backordered + quantity_reserved + quantity_released + quantity_picked
		+ quantity_packed + quantity_shipped + quantity_delivered + quantity_returned + quantity_cancelled
UNION ALL SELECT 'counters of a line are the sums of its pieces', count(*) FROM usom.order_line l
	LEFT JOIN LATERAL (SELECT
			coalesce(sum(p.quantity) FILTER (WHERE p.status = 'backordered'), 0) AS backordered,
			coalesce(sum(p.quantity) FILTER (WHERE p.status = 'reserved'), 0) AS reserved,
			coalesce(sum(p.quantity) FILTER (WHERE p.status = 'released'), 0) AS released,
			coalesce(sum(p.quantity) FILTER (WHERE p.status = 'shipped'), 0) AS shipped,
			coalesce(sum(p.quantity) FILTER (WHERE p.status = 'delivered'), 0) AS delivered,
			coalesce(sum(p.quantity) FILTER (WHERE p.status = 'returned'), 0) AS returned
		FROM usom.fulfillment_line p
		WHERE (p.org_id, p.sales_order_id, p.line_no) = (l.org_id, l.sales_order_id, l.line_no)) s ON true
	WHERE (l.quantity_backordered, l.quantity_reserved, l.quantity_released, l.quantity_shipped, l.quantity_delivered, l.quantity_returned)
		IS DISTINCT FROM (s.backordered, s.reserved, s.released, s.shipped, s.delivered, s.returned)
UNION ALL SELECT 'on hand is the sum of the movements', count(*) FROM usom.stock s
	WHERE s.on_hand <> (SELECT coalesce(sum(m.delta), 0) FROM usom.stock_movement m
		WHERE (m.org_id, m.product_id, m.location_id, m.lot) = (s.org_id, s.product_id, s.location_id, s.lot))
UNION ALL SELECT 'no movement without a stock row', count(*) FROM usom.stock_movement m
	WHERE NOT EXISTS (SELECT FROM usom.stock s
		WHERE (m.org_id, m.product_id, m.location_id, m.lot) = (s.org_id, s.product_id, s.location_id, s.lot))
UNION ALL SELECT 'reserved is the sum of the pieces that take stock', count(*) FROM usom.stock s
	WHERE s.reserved <> CASE WHEN s.stripes > 0 THEN (SELECT coalesce(sum(t.free), 0) FROM usom.stock_stripe t
		WHERE (t.org_id, t.product_id, t.location_id) = (s.org_id, s.product_id, s.location_id)) ELSE 0 END
		+ (SELECT coalesce(sum(p.quantity), 0) FROM usom.fulfillment_line p
		WHERE (p.org_id, p.product_id, p.location_id, p.lot) = (s.org_id, s.product_id, s.location_id, s.lot)
			AND p.status IN ('reserved', 'released', 'picked', 'packed'))
UNION ALL SELECT 'never more reserved than on hand', count(*) FROM usom.stock WHERE reserved > on_hand OR on_hand < 0 OR reserved < 0
UNION ALL SELECT 'what is shipped has left the shelf', count(*) FROM (
	SELECT p.org_id, p.product_id, sum(p.quantity) AS gone FROM usom.fulfillment_line p
	WHERE p.status IN ('shipped', 'delivered', 'returned') GROUP BY 1, 2) a
	FULL JOIN (SELECT m.org_id, m.product_id, -sum(m.delta) AS gone FROM usom.stock_movement m
		WHERE m.kind = 'shipment' GROUP BY 1, 2) b USING (org_id, product_id)
	WHERE a.gone IS DISTINCT FROM b.gone
UNION ALL SELECT 'what came back is on the returns', count(*) FROM (
	SELECT sum(quantity) AS units FROM usom.fulfillment_line WHERE status = 'returned') a,
	(SELECT sum(quantity_accepted) AS units FROM usom.return_line) b
	WHERE coalesce(a.units, 0) <> coalesce(b.units, 0)
UNION ALL SELECT 'the total of an order is the sum of its lines', count(*) FROM usom.sales_order o
	WHERE o.total <> (SELECT coalesce(sum(l.total), 0) FROM usom.order_line l
		WHERE (l.org_id, l.sales_order_id) = (o.org_id, o.sales_order_id))
UNION ALL SELECT 'the total of a line is price times what is not cancelled', count(*) FROM usom.order_line
	WHERE total <> round(unit_price * (quantity - quantity_cancelled), 2)
UNION ALL SELECT 'a cancelled order holds nothing', count(*) FROM usom.sales_order o JOIN usom.order_line l USING (org_id, sales_order_id)
	WHERE o.status = 'cancelled' AND l.quantity_cancelled <> l.quantity
UNION ALL SELECT 'a confirmed order has nothing open', count(*) FROM usom.sales_order o JOIN usom.order_line l USING (org_id, sales_order_id)
	WHERE o.status NOT IN ('draft', 'submitted', 'rejected') AND l.quantity_open <> 0
UNION ALL SELECT 'shipped and delivered orders have nothing to ship', count(*) FROM usom.sales_order o
	JOIN usom.order_line l USING (org_id, sales_order_id)
	WHERE o.status IN ('shipped', 'delivered', 'closed') AND l.quantity_backordered + l.quantity_reserved + l.quantity_released <> 0
UNION ALL SELECT 'a piece left with a shipment of its own order and location', count(*) FROM usom.fulfillment_line p
	LEFT JOIN usom.shipment s ON (s.org_id, s.shipment_id) = (p.org_id, p.shipment_id)
	WHERE p.shipment_id IS NOT NULL
		AND (s.sales_order_id IS DISTINCT FROM p.sales_order_id OR s.location_id IS DISTINCT FROM p.location_id)
UNION ALL SELECT 'no shipment without a piece', count(*) FROM usom.shipment s
	WHERE NOT EXISTS (SELECT FROM usom.fulfillment_line p WHERE (p.org_id, p.shipment_id) = (s.org_id, s.shipment_id))
UNION ALL SELECT 'no order without lines', count(*) FROM usom.sales_order o
	WHERE o.status <> 'draft' AND NOT EXISTS (SELECT FROM usom.order_line l WHERE (l.org_id, l.sales_order_id) = (o.org_id, o.sales_order_id))
UNION ALL SELECT 'the last step of the history is the status and version', count(*) FROM usom.sales_order o
	WHERE (o.status::text, o.version) IS DISTINCT FROM (SELECT (h.to_status::text, h.version) FROM usom.order_history h
		WHERE (h.org_id, h.sales_order_id) = (o.org_id, o.sales_order_id) ORDER BY h.version DESC LIMIT 1)
UNION ALL SELECT 'each step of the history begins where the last one ended', count(*) FROM (
	SELECT from_status::text AS began, lag(to_status::text) OVER (PARTITION BY org_id, sales_order_id ORDER BY version) AS ended
	FROM usom.order_history) h
	WHERE began IS DISTINCT FROM ended
UNION ALL SELECT 'an order is what the audit says it is by now', count(*) FROM (
	SELECT o.order_no, o.status, o.version::text, o.priority::text, o.total FROM usom.orders o ORDER BY o.order_no DESC LIMIT 500) o
	CROSS JOIN LATERAL usom.order_as_of(o.order_no, 'infinity') d
	WHERE (o.status, o.version, o.priority, o.total) IS DISTINCT FROM (d->>'status', d->>'version', d->>'priority', (d->>'total')::numeric)
		OR (SELECT jsonb_agg(to_jsonb(p) - ARRAY['order_no', 'line_no'] ORDER BY p.line_no, p.piece_no) FROM usom.order_pieces p WHERE p.order_no = o.order_no)
			IS DISTINCT FROM (SELECT jsonb_agg(p ORDER BY (l->>'line_no')::integer, (p->>'piece_no')::integer)
				FROM jsonb_array_elements(d->'lines') l, jsonb_array_elements(l->'pieces') p)
		OR (SELECT count(*) FROM usom.holds h WHERE h.order_no = o.order_no) <> jsonb_array_length(d->'holds')
		OR (SELECT jsonb_agg(to_jsonb(h) - ARRAY['order_no', 'quantity'] ORDER BY h.shipment_no) FROM usom.shipments h WHERE h.order_no = o.order_no)
			IS DISTINCT FROM (SELECT jsonb_agg(h ORDER BY h->>'shipment_no') FROM jsonb_array_elements(d->'shipments') h)
UNION ALL SELECT 'verify_audit() says yes, with every digest that went out', count(*)
	FROM usom.verify_audit(digests => (SELECT jsonb_agg(d.digest) FROM load.digest d)) WHERE ok IS DISTINCT FROM true
UNION ALL SELECT 'verify_audit() of the last seconds says yes', count(*) FROM usom.verify_audit(since => now() - interval '5 s') WHERE ok IS DISTINCT FROM true
UNION ALL SELECT 'the digest of an audit entry is that of its columns', count(*) FROM usom.audit_entry e
	WHERE e.digest IS DISTINCT FROM usom._audit_digest(e)
UNION ALL SELECT 'the entries of an order count from 1, each with the digest of the one before', count(*) FROM (
	SELECT entry_no, previous, row_number() OVER w AS n, lag(digest) OVER w AS digest_before
	FROM usom.audit_entry WHERE sales_order_id IS NOT NULL WINDOW w AS (PARTITION BY org_id, sales_order_id ORDER BY entry_no)) e
	WHERE entry_no <> n OR previous IS DISTINCT FROM digest_before
UNION ALL SELECT 'every entry is in one block, and blocks list nothing else', count(*) FROM (
	SELECT b.org_id, i.audit_entry_id, count(*) AS n FROM usom.audit_block b CROSS JOIN unnest(b.entry_ids) AS i (audit_entry_id) GROUP BY 1, 2) s
	FULL JOIN usom.audit_entry e USING (org_id, audit_entry_id)
	WHERE s.n IS DISTINCT FROM 1 OR e.digest IS NULL
UNION ALL SELECT 'blocks count from 1, each with the digest of the one before and the sum of all entries', count(*) FROM (
	SELECT block_no, previous, entries_total, row_number() OVER w AS n, lag(digest) OVER w AS digest_before, sum(cardinality(entry_ids)) OVER w AS entries
	FROM usom.audit_block WINDOW w AS (PARTITION BY org_id, node ORDER BY block_no)) b
	WHERE block_no <> n OR previous IS DISTINCT FROM digest_before OR entries_total <> entries
UNION ALL SELECT 'no block seals an entry that an earlier one had called settled', count(*) FROM usom.audit_block b
	JOIN LATERAL (SELECT max(o.settled_to) AS settled_to FROM usom.audit_block o
		WHERE (o.org_id, o.node) = (b.org_id, b.node) AND o.block_no < b.block_no) o ON b.entry_ids[1] <= o.settled_to
UNION ALL SELECT 'what every digest that went out had sealed is unchanged', count(*) FROM load.digest d
	WHERE NOT usom.check_consistency(usom.consistency_proof(d.digest), d.digest, usom.export_digest())
UNION ALL SELECT 'an order as of a step is what the history says of it', count(*) FROM usom.sales_order o
	JOIN usom.order_history h USING (org_id, sales_order_id)
	JOIN LATERAL (SELECT e.occurred_at FROM usom.audit_entry e WHERE e.table_name = 'order_history' AND e.operation = 'INSERT'
			AND (e.org_id, e.sales_order_id) = (o.org_id, o.sales_order_id) ORDER BY e.entry_no OFFSET h.version - 1 LIMIT 1) e ON true
	CROSS JOIN LATERAL usom.order_as_of(o.order_no, e.occurred_at) AS d
	WHERE o.org_id = usom.current_org() AND o.order_no IN (SELECT load.some_order() FROM generate_series(1, 100))
		AND (d->>'version')::integer <> h.version
UNION ALL SELECT 'an order as of each change has the status that its history tells of that version', count(*) FROM (
	SELECT o.org_id, o.sales_order_id, o.order_no FROM usom.sales_order o
	WHERE o.org_id = usom.current_org() AND o.order_no IN (SELECT load.some_order() FROM generate_series(1, 100))) o
	CROSS JOIN LATERAL (SELECT DISTINCT e.occurred_at FROM usom.audit_entry e WHERE (e.org_id, e.sales_order_id) = (o.org_id, o.sales_order_id)) e
	CROSS JOIN LATERAL usom.order_as_of(o.order_no, e.occurred_at) AS d
	LEFT JOIN usom.order_history h ON (h.org_id, h.sales_order_id, h.version) = (o.org_id, o.sales_order_id, (d->>'version')::integer)
	WHERE h.to_status::text IS DISTINCT FROM d->>'status';
