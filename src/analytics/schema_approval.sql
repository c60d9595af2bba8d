-- step 2
CREATE VIEW usom.approvals WITH (security_invoker = true) AS
SELECT o.order_no,
	a.queue,
	CASE WHEN a.settled_at IS NULL AND a.status IN ('pending', 'approved') AND a.expires_at <= statement_timestamp() THEN 'expired' ELSE a.status END AS status,
	a.rules,
	o.status::text AS order_status,
	c.code AS channel,
	u.code AS customer,
	trim_scale(o.total) AS total,
	o.currency::text AS currency,
	(a.saw ->> 'discount')::numeric AS discount,
	(a.saw ->> 'risk')::integer AS risk,
	a.saw,
	encode(a.content, 'hex') AS digest,
	a.asked_at,
	a.asked_by,
	round((extract(epoch FROM coalesce(a.decided_at, a.voided_at, statement_timestamp()) - a.asked_at) / 3600)::numeric, 2) AS waited_hours,
	a.expires_at,
	a.escalates_at,
	a.escalates_to,
	a.status = 'pending' AND a.escalates_at <= statement_timestamp() AS escalated,
	a.status = 'pending' AND (a.expires_at > statement_timestamp()) IS NOT FALSE AND (usom._in_queue(a.queue)
		OR (a.escalates_at <= statement_timestamp() AND usom._in_queue(a.escalates_to))) IS TRUE AS mine,
	a.automatic,
	a.decided_at,
	a.decided_by,
	a.decided_for,
	a.reason,
	a.settled_at,
	a.voided_at
FROM usom.approval a
JOIN usom.sales_order o ON o.org_id = a.org_id AND o.sales_order_id = a.sales_order_id
LEFT JOIN usom.channel c ON c.org_id = o.org_id AND c.channel_id = o.channel_id
LEFT JOIN usom.customer u ON u.org_id = o.org_id AND u.customer_id = o.customer_id
WHERE a.org_id = usom.current_org();
COMMENT ON VIEW usom.approvals IS 'What is or was asked about orders, with what whoever decides has to know. WHERE mine is the queue of the caller; WHERE status = ''pending'' that of everybody.';
COMMENT ON COLUMN usom.approvals.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.approvals.queue IS 'Whose members decide: a profile or a role.';
COMMENT ON COLUMN usom.approvals.status IS 'pending, approved, declined, expired, or void because the order changed.';
COMMENT ON COLUMN usom.approvals.rules IS 'Codes of the rules that ask, and of price limits that were passed.';
COMMENT ON COLUMN usom.approvals.order_status IS 'Status of the order.';
COMMENT ON COLUMN usom.approvals.channel IS 'Channel of the order.';
COMMENT ON COLUMN usom.approvals.customer IS 'Customer; null: a guest.';
COMMENT ON COLUMN usom.approvals.total IS 'Total of the order now.';
COMMENT ON COLUMN usom.approvals.currency IS 'Its currency.';
COMMENT ON COLUMN usom.approvals.discount IS 'Per cent that discounts and overrides took off the goods when it was asked.';
COMMENT ON COLUMN usom.approvals.risk IS 'Risk score when it was asked; null: nobody had told one.';
COMMENT ON COLUMN usom.approvals.saw IS 'What the rules saw: total, currency, discount, risk, customer, segment, channel, and lines that are overridden beyond a limit.';
COMMENT ON COLUMN usom.approvals.digest IS 'SHA-256 of what the order said when it was asked, in hexadecimal: approve_order() takes it.';
COMMENT ON COLUMN usom.approvals.asked_at IS 'When it was asked.';
COMMENT ON COLUMN usom.approvals.asked_by IS 'Session user whose call asked.';
COMMENT ON COLUMN usom.approvals.waited_hours IS 'Hours until it was decided or void, or until now.';
COMMENT ON COLUMN usom.approvals.expires_at IS 'From then on it is not decided any more; null: never.';
COMMENT ON COLUMN usom.approvals.escalates_at IS 'From then on another queue may decide, too; null: never.';
COMMENT ON COLUMN usom.approvals.escalates_to IS 'That queue.';
COMMENT ON COLUMN usom.approvals.escalated IS 'True: it may.';
COMMENT ON COLUMN usom.approvals.mine IS 'True: it waits, and the caller is of the queue that may decide. Whether the order is one of the caller''s own is seen when they do.';
COMMENT ON COLUMN usom.approvals.automatic IS 'True: approved by a rule, nobody was asked.';
COMMENT ON COLUMN usom.approvals.decided_at IS 'When it was approved or declined.';
COMMENT ON COLUMN usom.approvals.decided_by IS 'Session user who decided.';
COMMENT ON COLUMN usom.approvals.decided_for IS 'Application user, as claimed.';
COMMENT ON COLUMN usom.approvals.reason IS 'Why, as whoever decided said.';
COMMENT ON COLUMN usom.approvals.settled_at IS 'When all approvals were there and the order went on.';
COMMENT ON COLUMN usom.approvals.voided_at IS 'When the order changed, so that it counts no more.';

CREATE VIEW usom.price_overrides WITH (security_invoker = true) AS
SELECT o.order_no,
	v.line_no,
	p.sku,
	trim_scale(v.unit_price) AS unit_price,
	trim_scale(v.price_before) AS price_before,
	o.currency::text AS currency,
	v.reason,
	v.queue,
	v.beyond,
	v.placed_at,
	v.placed_by,
	v.placed_for,
	v.ended_at,
	v.ended_by
FROM usom.price_override v
JOIN usom.sales_order o ON o.org_id = v.org_id AND o.sales_order_id = v.sales_order_id
LEFT JOIN usom.product p ON p.org_id = v.org_id AND p.product_id = v.product_id
WHERE v.org_id = usom.current_org();
COMMENT ON VIEW usom.price_overrides IS 'Prices that people set in place of what the rules say. WHERE ended_at IS NULL shows those that hold.';
COMMENT ON COLUMN usom.price_overrides.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.price_overrides.line_no IS 'Line.';
COMMENT ON COLUMN usom.price_overrides.sku IS 'Product.';
COMMENT ON COLUMN usom.price_overrides.unit_price IS 'Price of one unit that was set.';
COMMENT ON COLUMN usom.price_overrides.price_before IS 'What the rules said.';
COMMENT ON COLUMN usom.price_overrides.currency IS 'Currency of both.';
COMMENT ON COLUMN usom.price_overrides.reason IS 'Why.';
COMMENT ON COLUMN usom.price_overrides.queue IS 'Whose approval it needs, because it is beyond a limit; null: nobody''s.';
COMMENT ON COLUMN usom.price_overrides.beyond IS 'Code of the limit that it passes.';
COMMENT ON COLUMN usom.price_overrides.placed_at IS 'When it was set.';
COMMENT ON COLUMN usom.price_overrides.placed_by IS 'Session user who set it.';
COMMENT ON COLUMN usom.price_overrides.placed_for IS 'Application user, as claimed.';
COMMENT ON COLUMN usom.price_overrides.ended_at IS 'When another price took its place; null: it holds.';
COMMENT ON COLUMN usom.price_overrides.ended_by IS 'Session user whose change ended it.';
