-- step 53
CREATE VIEW usom.returns WITH (security_invoker = true) AS
SELECT r.return_no,
	o.order_no,
	r.status::text AS status,
	r.reason,
	r.authorized_at,
	r.received_at,
	l.line_no,
	p.sku,
	trim_scale(l.quantity) AS quantity,
	trim_scale(l.quantity_received) AS quantity_received,
	trim_scale(l.quantity_accepted) AS quantity_accepted,
	trim_scale(l.quantity_rejected) AS quantity_rejected,
	trim_scale(l.quantity_given_up) AS quantity_given_up,
	l.inspects,
	l.disposition,
	l.rule,
	r.expires_at,
	(r.status IN ('authorized', 'partially_received') AND r.expires_at <= statement_timestamp()) IS TRUE AS expired,
	r.is_blind,
	(SELECT e.order_no FROM usom.sales_order e WHERE e.org_id = r.org_id AND e.sales_order_id = r.exchange_order_id) AS exchange_order_no
FROM usom.return_order r
JOIN usom.sales_order o ON o.org_id = r.org_id AND o.sales_order_id = r.sales_order_id
LEFT JOIN usom.return_line l ON l.org_id = r.org_id AND l.return_order_id = r.return_order_id
LEFT JOIN usom.order_line ol ON ol.org_id = r.org_id AND ol.sales_order_id = r.sales_order_id AND ol.line_no = l.line_no
LEFT JOIN usom.product p ON p.org_id = ol.org_id AND p.product_id = ol.product_id
WHERE r.org_id = usom.current_org();
COMMENT ON VIEW usom.returns IS 'Returns, one row per return and order line.';
COMMENT ON COLUMN usom.returns.return_no IS 'Number of the return.';
COMMENT ON COLUMN usom.returns.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.returns.status IS 'Status of the return: requested, authorized, partially_received, received, inspected, refused or cancelled.';
COMMENT ON COLUMN usom.returns.reason IS 'Why the customer sends it back.';
COMMENT ON COLUMN usom.returns.authorized_at IS 'When it was allowed.';
COMMENT ON COLUMN usom.returns.received_at IS 'When the last unit came.';
COMMENT ON COLUMN usom.returns.line_no IS 'Line of the order.';
COMMENT ON COLUMN usom.returns.sku IS 'Product.';
COMMENT ON COLUMN usom.returns.quantity IS 'Units that may come back.';
COMMENT ON COLUMN usom.returns.quantity_received IS 'Units that came.';
COMMENT ON COLUMN usom.returns.quantity_accepted IS 'Units that were taken back: returned units of the order, which are refunded.';
COMMENT ON COLUMN usom.returns.quantity_rejected IS 'Units that came and were not taken back: they go to the customer again.';
COMMENT ON COLUMN usom.returns.quantity_given_up IS 'Units that are not expected any more: cancelled, or refused.';
COMMENT ON COLUMN usom.returns.inspects IS 'Units wait for usom.inspect_return() when they come.';
COMMENT ON COLUMN usom.returns.disposition IS 'What becomes of them unless the inspection says something else: restock, refurbish, scrap or to_vendor.';
COMMENT ON COLUMN usom.returns.rule IS 'Code of the return rule that the line was judged by; null: none fits it.';
COMMENT ON COLUMN usom.returns.expires_at IS 'Until when the goods must come; null: no end.';
COMMENT ON COLUMN usom.returns.expired IS 'They did not come in time: what has not come is not expected any more.';
COMMENT ON COLUMN usom.returns.is_blind IS 'They came without leave.';
COMMENT ON COLUMN usom.returns.exchange_order_no IS 'Number of the order of what the customer gets instead; null: none.';

CREATE VIEW usom.return_pieces WITH (security_invoker = true) AS
SELECT r.return_no,
	o.order_no,
	p.line_no,
	p.return_piece_no,
	s.sku,
	trim_scale(p.quantity) AS quantity,
	p.disposition,
	coalesce(c.code, f.code) AS location,
	nullif(g.lot, '') AS lot,
	p.piece_no,
	p.condition,
	p.received_at,
	p.inspected_at
FROM usom.return_piece p
JOIN usom.return_order r ON r.org_id = p.org_id AND r.return_order_id = p.return_order_id
JOIN usom.sales_order o ON o.org_id = p.org_id AND o.sales_order_id = r.sales_order_id
LEFT JOIN usom.order_line l ON l.org_id = p.org_id AND l.sales_order_id = r.sales_order_id AND l.line_no = p.line_no
LEFT JOIN usom.product s ON s.org_id = p.org_id AND s.product_id = l.product_id
LEFT JOIN usom.fulfillment_line g ON g.org_id = p.org_id AND g.sales_order_id = r.sales_order_id AND g.line_no = p.line_no AND g.piece_no = p.piece_no
LEFT JOIN usom.location f ON f.org_id = p.org_id AND f.location_id = g.location_id
LEFT JOIN usom.location c ON c.org_id = p.org_id AND c.location_id = p.location_id
WHERE p.org_id = usom.current_org();
COMMENT ON VIEW usom.return_pieces IS 'Units that came back together, and what became of them. What waits for inspection: WHERE disposition IS NULL.';
COMMENT ON COLUMN usom.return_pieces.return_no IS 'Number of the return.';
COMMENT ON COLUMN usom.return_pieces.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.return_pieces.line_no IS 'Line of the order.';
COMMENT ON COLUMN usom.return_pieces.return_piece_no IS 'Number of the piece within its line of the return.';
COMMENT ON COLUMN usom.return_pieces.sku IS 'Product.';
COMMENT ON COLUMN usom.return_pieces.quantity IS 'Units.';
COMMENT ON COLUMN usom.return_pieces.disposition IS 'restock, refurbish, scrap, to_vendor or reject; null: they wait for inspection.';
COMMENT ON COLUMN usom.return_pieces.location IS 'Where they came to; null while it is not told and they wait.';
COMMENT ON COLUMN usom.return_pieces.lot IS 'Lot that they are of; null: none, or not taken back.';
COMMENT ON COLUMN usom.return_pieces.piece_no IS 'Piece of the order line that they are, see usom.order_pieces; null: not taken back.';
COMMENT ON COLUMN usom.return_pieces.condition IS 'What the inspection found.';
COMMENT ON COLUMN usom.return_pieces.received_at IS 'When they came.';
COMMENT ON COLUMN usom.return_pieces.inspected_at IS 'When it was last decided what becomes of them; null: they wait.';
