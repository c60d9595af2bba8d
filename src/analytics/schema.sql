-- step 1
CREATE VIEW usom.orders WITH (security_invoker = true) AS
SELECT o.order_no,
	usom._status_text(o.status) AS status,
	CASE
		WHEN o.status IN ('draft', 'submitted', 'confirmed') THEN 'Pending'
		WHEN o.status = 'processing' THEN 'Processing'
		WHEN o.status IN ('partially_shipped', 'shipped') THEN 'Shipped'
		WHEN o.status IN ('cancelled', 'rejected') THEN 'Cancelled'
		WHEN (SELECT sum(l.quantity_returned) > 0
				 AND sum(l.quantity_returned) = sum(l.quantity - l.quantity_cancelled)
			  FROM usom.order_line l
			  WHERE l.org_id = o.org_id AND l.sales_order_id = o.sales_order_id) THEN 'Returned'
		ELSE 'Delivered'
	END AS status_group,
	ch.code AS channel,
	o.external_id,
	cu.code AS customer,
	o.currency::text AS currency,
	trim_scale(o.total) AS total,
	o.priority,
	o.placed_at,
	(SELECT CASE WHEN count(*) = count(f.promised_at) THEN max(f.promised_at) END
	 FROM usom.fulfillment_line f
	 WHERE f.org_id = o.org_id AND f.sales_order_id = o.sales_order_id
		AND f.status NOT IN ('returned', 'cancelled')) AS promised_at,
	o.order_type::text AS order_type,
	o.requested_at,
	o.ship_complete,
	EXISTS (SELECT FROM usom.hold h
			WHERE h.org_id = o.org_id AND h.sales_order_id = o.sales_order_id
				AND h.released_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > statement_timestamp())) AS held,
	o.coupons,
	CASE WHEN a.address_id IS NOT NULL THEN jsonb_strip_nulls(jsonb_build_object('name', usom._open(a.org_id, a.name),
		'line1', usom._open(a.org_id, a.line1), 'line2', usom._open(a.org_id, a.line2),
		'postcode', usom._open(a.org_id, a.postcode), 'city', usom._open(a.org_id, a.city),
		'region', usom._open(a.org_id, a.region), 'country', usom._open(a.org_id, a.country), 'latitude', a.latitude, 'longitude', a.longitude, 'verdict', a.verdict)) END AS ship_to,
	o.payment,
	usom._open(o.org_id, o.instructions) AS instructions,
	o.revision::integer AS revision,
	o.version,
	o.created_at,
	(SELECT trim_scale(coalesce(sum(usom._part(l.discount, l.quantity - l.quantity_cancelled, l.quantity, l.decimals)), 0))
	 FROM usom.order_line l
	 WHERE l.org_id = o.org_id AND l.sales_order_id = o.sales_order_id) AS discount,
	(SELECT trim_scale(coalesce(sum(usom._part(l.freight, l.quantity - l.quantity_cancelled, l.quantity, l.decimals)), 0))
	 FROM usom.order_line l
	 WHERE l.org_id = o.org_id AND l.sales_order_id = o.sales_order_id) AS freight,
	(SELECT trim_scale(coalesce(sum(usom._part(l.tax, l.quantity - l.quantity_cancelled, l.quantity, l.decimals)), 0))
	 FROM usom.order_line l
	 WHERE l.org_id = o.org_id AND l.sales_order_id = o.sales_order_id) AS tax,
	trim_scale(o.paid) AS paid,
	CASE WHEN o.paid IS NULL THEN 'none' ELSE usom._order_payment_status(o.org_id, o.sales_order_id) END AS payment_status,
	(SELECT p.order_no FROM usom.sales_order p WHERE p.org_id = o.org_id AND p.sales_order_id = o.parent_order_id) AS parent_order_no,
	fl.code AS flow,
	fl.version AS flow_version,
	o.flow_state
FROM usom.sales_order o
LEFT JOIN usom.channel ch ON ch.org_id = o.org_id AND ch.channel_id = o.channel_id
LEFT JOIN usom.customer cu ON cu.org_id = o.org_id AND cu.customer_id = o.customer_id
LEFT JOIN usom.address a ON a.org_id = o.org_id AND a.address_id = o.address_id
LEFT JOIN usom.flow fl ON fl.org_id = o.org_id AND fl.flow_id = o.flow_id
WHERE o.org_id = usom.current_org();
COMMENT ON VIEW usom.orders IS 'The orders of the caller''s organisation, one row each. Ask by order_no or by customer; sub-selects (promised_at, held, the Returned group) cost only when their column is asked for.';
COMMENT ON COLUMN usom.orders.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.orders.status IS 'Status, see order_statuses.';
COMMENT ON COLUMN usom.orders.status_group IS 'What customers read: Pending, Processing, Shipped, Delivered, Cancelled, Returned (delivered or closed, and everything that was not cancelled came back).';
COMMENT ON COLUMN usom.orders.channel IS 'Channel it came by.';
COMMENT ON COLUMN usom.orders.external_id IS 'Number the channel gave it.';
COMMENT ON COLUMN usom.orders.customer IS 'Code of the customer; null for a guest.';
COMMENT ON COLUMN usom.orders.currency IS 'ISO 4217 code of every amount of the order.';
COMMENT ON COLUMN usom.orders.total IS 'Sum of the line totals, in currency.';
COMMENT ON COLUMN usom.orders.priority IS 'Lower is served first; 5 is usual.';
COMMENT ON COLUMN usom.orders.placed_at IS 'When the customer ordered.';
COMMENT ON COLUMN usom.orders.promised_at IS 'Latest promise of its live pieces (all but returned and cancelled ones); null while one of them has no date, or there are none.';
COMMENT ON COLUMN usom.orders.order_type IS 'Flow, see usom.order_types().';
COMMENT ON COLUMN usom.orders.requested_at IS 'When the customer wants it.';
COMMENT ON COLUMN usom.orders.ship_complete IS 'True: the order is shipped as a whole.';
COMMENT ON COLUMN usom.orders.held IS 'True while a hold is active, see holds.';
COMMENT ON COLUMN usom.orders.coupons IS 'Codes the customer gave.';
COMMENT ON COLUMN usom.orders.ship_to IS 'Address as of placing: name, line1, line2, postcode, city, country, latitude, longitude. Roles that may not read usom.vault_key see country, postcode and degrees alone, and so does everybody once the person was erased.';
COMMENT ON COLUMN usom.orders.payment IS 'Method, reference and authorised amount as of placing.';
COMMENT ON COLUMN usom.orders.instructions IS 'Words for those who fulfil it; null for roles that may not read usom.vault_key.';
COMMENT ON COLUMN usom.orders.revision IS 'Revision of the channel''s document.';
COMMENT ON COLUMN usom.orders.version IS 'Counts the changes; give it to change_order to be told of changes in between.';
COMMENT ON COLUMN usom.orders.created_at IS 'When the row was made.';
COMMENT ON COLUMN usom.orders.discount IS 'Sum of what was taken off its lines, in currency.';
COMMENT ON COLUMN usom.orders.freight IS 'Freight of its lines, in currency.';
COMMENT ON COLUMN usom.orders.tax IS 'Tax on its lines, in currency, whether it is in their prices or added to them.';
COMMENT ON COLUMN usom.orders.paid IS 'Captured for it, less what went back or is asked to go back, in currency; null: no payment is known.';
COMMENT ON COLUMN usom.orders.payment_status IS 'none; pending (a payment, nothing authorised), partially_authorized, authorized, expired, voided; partially_paid, paid; partially_refunded, refunded, charged_back; paid_unallocated: more is paid than what is cancelled, came back, or waits without a date leaves to be paid, so that goods are to be found, a date promised, or money given back.';
COMMENT ON COLUMN usom.orders.parent_order_no IS 'Order that it was split from; null: none.';
COMMENT ON COLUMN usom.orders.flow IS 'Code of the flow that it takes, see flows; null: the built-in one.';
COMMENT ON COLUMN usom.orders.flow_version IS 'Version of that flow; it stays, whatever is published later.';
COMMENT ON COLUMN usom.orders.flow_state IS 'State of that flow, within the status; null: none but the status.';

CREATE VIEW usom.order_lines WITH (security_invoker = true) AS
SELECT o.order_no,
	l.line_no,
	p.sku,
	CASE
		WHEN l.quantity_cancelled = l.quantity THEN 'cancelled'
		WHEN l.quantity_shipped + l.quantity_delivered + l.quantity_returned > 0 THEN
			CASE
				WHEN l.quantity_open + l.quantity_backordered + l.quantity_reserved
					+ l.quantity_released + l.quantity_picked + l.quantity_packed > 0 THEN 'partially_shipped'
				WHEN l.quantity_shipped > 0 THEN 'shipped'
				WHEN l.quantity_delivered > 0 THEN 'delivered'
				ELSE 'returned'
			END
		WHEN l.quantity_released + l.quantity_picked + l.quantity_packed > 0 THEN 'processing'
		WHEN l.quantity_backordered > 0 THEN 'backordered'
		WHEN l.quantity_reserved > 0 AND l.quantity_open = 0 THEN 'reserved'
		ELSE 'open'
	END AS status,
	trim_scale(l.quantity) AS quantity,
	trim_scale(l.unit_price) AS unit_price,
	trim_scale(l.total) AS total,
	trim_scale(l.quantity_reserved) AS quantity_reserved,
	trim_scale(l.quantity_backordered) AS quantity_backordered,
	trim_scale(l.quantity_shipped) AS quantity_shipped,
	trim_scale(l.quantity_delivered) AS quantity_delivered,
	trim_scale(l.quantity_cancelled) AS quantity_cancelled,
	trim_scale(l.quantity_returned) AS quantity_returned,
	trim_scale(l.quantity_open) AS quantity_open,
	trim_scale(l.quantity_released) AS quantity_released,
	trim_scale(l.quantity_picked) AS quantity_picked,
	trim_scale(l.quantity_packed) AS quantity_packed,
	o.currency::text AS currency,
	p.name AS product_name,
	lo.code AS location,
	coalesce(l.requested_at, o.requested_at) AS requested_at,
	l.substitution::text AS substitution,
	l.partial,
	nullif(l.kit_line_no, l.line_no) AS kit_line_no,
	trim_scale(l.kit_quantity) AS kit_quantity,
	trim_scale(CASE WHEN l.discount = 0 THEN 0 ELSE usom._part(l.discount, l.quantity - l.quantity_cancelled, l.quantity, l.decimals) END) AS discount,
	trim_scale(CASE WHEN l.freight = 0 THEN 0 ELSE usom._part(l.freight, l.quantity - l.quantity_cancelled, l.quantity, l.decimals) END) AS freight,
	trim_scale(CASE WHEN l.tax = 0 THEN 0 ELSE usom._part(l.tax, l.quantity - l.quantity_cancelled, l.quantity, l.decimals) END) AS tax,
	l.tax_included
FROM usom.sales_order o
JOIN usom.order_line l ON l.org_id = o.org_id AND l.sales_order_id = o.sales_order_id
LEFT JOIN usom.product p ON p.org_id = l.org_id AND p.product_id = l.product_id
LEFT JOIN usom.location lo ON lo.org_id = l.org_id AND lo.location_id = l.location_id
WHERE o.org_id = usom.current_org();
COMMENT ON VIEW usom.order_lines IS 'The lines of the orders of the caller''s organisation. The counters of a line always add up to its quantity.';
COMMENT ON COLUMN usom.order_lines.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.order_lines.line_no IS 'Number of the line with the order.';
COMMENT ON COLUMN usom.order_lines.sku IS 'Product.';
COMMENT ON COLUMN usom.order_lines.status IS 'From the counters, the first that fits: cancelled (all of it); once something left: partially_shipped (more is to leave), shipped (some is on its way), delivered (the customer has what did not come back), returned (all that left came back); processing (some is released, picked or packed); backordered (some waits for stock); reserved (all is reserved); open.';
COMMENT ON COLUMN usom.order_lines.quantity IS 'Units ordered.';
COMMENT ON COLUMN usom.order_lines.unit_price IS 'Price of one unit, in currency.';
COMMENT ON COLUMN usom.order_lines.total IS 'What the quantity that is not cancelled costs, in currency: unit price times it, less discount, plus freight, plus tax unless it is included.';
COMMENT ON COLUMN usom.order_lines.quantity_reserved IS 'Units reserved in stock.';
COMMENT ON COLUMN usom.order_lines.quantity_backordered IS 'Units that wait for stock.';
COMMENT ON COLUMN usom.order_lines.quantity_shipped IS 'Units on their way.';
COMMENT ON COLUMN usom.order_lines.quantity_delivered IS 'Units the customer has.';
COMMENT ON COLUMN usom.order_lines.quantity_cancelled IS 'Units cancelled.';
COMMENT ON COLUMN usom.order_lines.quantity_returned IS 'Units that came back.';
COMMENT ON COLUMN usom.order_lines.quantity_open IS 'Units that nobody has planned yet.';
COMMENT ON COLUMN usom.order_lines.quantity_released IS 'Units handed to the location.';
COMMENT ON COLUMN usom.order_lines.quantity_picked IS 'Units picked.';
COMMENT ON COLUMN usom.order_lines.quantity_packed IS 'Units packed.';
COMMENT ON COLUMN usom.order_lines.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN usom.order_lines.product_name IS 'Name of the product for people.';
COMMENT ON COLUMN usom.order_lines.location IS 'Location that must serve the line; null: any.';
COMMENT ON COLUMN usom.order_lines.requested_at IS 'When the customer wants the line; without a date of its own, that of the order.';
COMMENT ON COLUMN usom.order_lines.substitution IS 'none or allowed.';
COMMENT ON COLUMN usom.order_lines.partial IS 'False: the line is reserved whole or not at all.';
COMMENT ON COLUMN usom.order_lines.kit_line_no IS 'Of a component: line of its kit, which it goes with; null: no component. The units of a kit''s line are kits, and as far as its components are.';
COMMENT ON COLUMN usom.order_lines.kit_quantity IS 'Of a component: units for one kit; null: no component.';
COMMENT ON COLUMN usom.order_lines.discount IS 'Taken off the quantity that is not cancelled, in currency.';
COMMENT ON COLUMN usom.order_lines.freight IS 'Its share of the freight, in currency.';
COMMENT ON COLUMN usom.order_lines.tax IS 'Tax on it, in currency.';
COMMENT ON COLUMN usom.order_lines.tax_included IS 'True: the tax is in the prices.';

CREATE VIEW usom.order_pieces WITH (security_invoker = true) AS
SELECT o.order_no,
	f.line_no,
	f.piece_no,
	p.sku,
	lo.code AS location,
	f.status::text AS status,
	trim_scale(f.quantity) AS quantity,
	f.promised_at,
	sh.shipment_no,
	nullif(f.lot, '') AS lot,
	su.supply_no,
	pk.package_no
FROM usom.sales_order o
JOIN usom.fulfillment_line f ON f.org_id = o.org_id AND f.sales_order_id = o.sales_order_id
LEFT JOIN usom.product p ON p.org_id = f.org_id AND p.product_id = f.product_id
LEFT JOIN usom.location lo ON lo.org_id = f.org_id AND lo.location_id = f.location_id
LEFT JOIN usom.shipment sh ON sh.org_id = f.org_id AND sh.shipment_id = f.shipment_id
LEFT JOIN usom.supply su ON su.org_id = f.org_id AND su.supply_id = f.supply_id
LEFT JOIN usom.package pk ON pk.org_id = f.org_id AND pk.package_id = f.package_id
WHERE o.org_id = usom.current_org();
COMMENT ON VIEW usom.order_pieces IS 'The pieces of the order lines: units that share state, location, lot, promise and shipment.';
COMMENT ON COLUMN usom.order_pieces.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.order_pieces.line_no IS 'Line.';
COMMENT ON COLUMN usom.order_pieces.piece_no IS 'Number of the piece with the line.';
COMMENT ON COLUMN usom.order_pieces.sku IS 'Product.';
COMMENT ON COLUMN usom.order_pieces.location IS 'Location that serves it; null while it waits, and for services.';
COMMENT ON COLUMN usom.order_pieces.status IS 'open, backordered, reserved, released, picked, packed, shipped, delivered, returned or cancelled.';
COMMENT ON COLUMN usom.order_pieces.quantity IS 'Units.';
COMMENT ON COLUMN usom.order_pieces.promised_at IS 'When it is promised; null: no date known.';
COMMENT ON COLUMN usom.order_pieces.shipment_no IS 'Shipment it left with.';
COMMENT ON COLUMN usom.order_pieces.lot IS 'Lot it is taken from; null: none.';
COMMENT ON COLUMN usom.order_pieces.supply_no IS 'Supply that it waits for; null: none, or it does not wait.';
COMMENT ON COLUMN usom.order_pieces.package_no IS 'Package that its units are in; null: none.';

CREATE VIEW usom.backorders WITH (security_invoker = true) AS
SELECT o.order_no,
	f.line_no,
	p.sku,
	trim_scale(f.quantity) AS quantity,
	f.promised_at,
	o.priority,
	o.placed_at,
	cu.code AS customer,
	ch.code AS channel,
	round(extract(epoch FROM statement_timestamp() - o.placed_at) / 86400, 2) AS age_days,
	f.piece_no
FROM usom.fulfillment_line f
JOIN usom.sales_order o ON o.org_id = f.org_id AND o.sales_order_id = f.sales_order_id
LEFT JOIN usom.product p ON p.org_id = f.org_id AND p.product_id = f.product_id
LEFT JOIN usom.customer cu ON cu.org_id = o.org_id AND cu.customer_id = o.customer_id
LEFT JOIN usom.channel ch ON ch.org_id = o.org_id AND ch.channel_id = o.channel_id
WHERE f.org_id = usom.current_org() AND f.location_id IS NULL AND f.status = 'backordered';
COMMENT ON VIEW usom.backorders IS 'What waits for stock, one row per waiting piece. Ask by sku or order_no. Filled first come first served: the order that was made first.';
COMMENT ON COLUMN usom.backorders.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.backorders.line_no IS 'Line.';
COMMENT ON COLUMN usom.backorders.sku IS 'Product.';
COMMENT ON COLUMN usom.backorders.quantity IS 'Units that wait.';
COMMENT ON COLUMN usom.backorders.promised_at IS 'When they are promised; null: no date known.';
COMMENT ON COLUMN usom.backorders.priority IS 'Priority of the order; lower is served first.';
COMMENT ON COLUMN usom.backorders.placed_at IS 'When the customer ordered.';
COMMENT ON COLUMN usom.backorders.customer IS 'Code of the customer; null for a guest.';
COMMENT ON COLUMN usom.backorders.channel IS 'Channel the order came by.';
COMMENT ON COLUMN usom.backorders.age_days IS 'Days since the order was placed.';
COMMENT ON COLUMN usom.backorders.piece_no IS 'Number of the piece with the line.';

CREATE VIEW usom.stock_position WITH (security_invoker = true) AS
SELECT p.sku,
	lo.code AS location,
	trim_scale(sum(s.on_hand)) AS on_hand,
	trim_scale(sum(s.reserved - h.striped)) AS reserved,
	trim_scale(sum(s.safety)) AS safety,
	trim_scale(coalesce(sum(greatest(s.on_hand - s.reserved + h.striped - s.safety - h.held, 0)) FILTER (WHERE lo.active AND coalesce(s.usable_until > statement_timestamp(), true)), 0)) AS available,
	(SELECT trim_scale(coalesce(sum(u.quantity - u.received), 0))
	 FROM usom.supply u
	 WHERE u.org_id = s.org_id AND u.product_id = s.product_id AND u.location_id = s.location_id
		AND u.status = 'expected') AS incoming,
	trim_scale(sum(h.held)) AS held
FROM usom.stock s
JOIN usom.product p ON p.org_id = s.org_id AND p.product_id = s.product_id
JOIN usom.location lo ON lo.org_id = s.org_id AND lo.location_id = s.location_id
CROSS JOIN LATERAL (
	SELECT s.held - CASE WHEN s.held_until <= statement_timestamp() THEN
		(SELECT coalesce(sum(r.quantity), 0)
		 FROM usom.reservation r
		 WHERE r.org_id = s.org_id AND r.product_id = s.product_id AND r.location_id = s.location_id
			AND r.lot = s.lot AND r.expires_at <= statement_timestamp())
	ELSE 0 END AS held,
	CASE WHEN s.lent > 0 THEN
		(SELECT sum(t.free)
		 FROM usom.stock_stripe t
		 WHERE t.org_id = s.org_id AND t.product_id = s.product_id AND t.location_id = s.location_id)
	ELSE 0 END AS striped
) h
WHERE s.org_id = usom.current_org()
GROUP BY p.sku, lo.code, s.org_id, s.product_id, s.location_id;
COMMENT ON VIEW usom.stock_position IS 'Stock per product and location, all lots together. Ask by sku.';
COMMENT ON COLUMN usom.stock_position.sku IS 'Product.';
COMMENT ON COLUMN usom.stock_position.location IS 'Location.';
COMMENT ON COLUMN usom.stock_position.on_hand IS 'Units on the shelf.';
COMMENT ON COLUMN usom.stock_position.reserved IS 'Units promised to order pieces that are not shipped yet.';
COMMENT ON COLUMN usom.stock_position.safety IS 'Units that are never promised.';
COMMENT ON COLUMN usom.stock_position.available IS 'Units that can be promised: on hand less reserved, held and safety, per lot and never below zero; nothing at a location that is not active, nor of a lot that has expired or is blocked. What usom.available() says.';
COMMENT ON COLUMN usom.stock_position.incoming IS 'Units that are expected and have not arrived, see supplies.';
COMMENT ON COLUMN usom.stock_position.held IS 'Units under soft reservations that have not expired.';

CREATE VIEW usom.supplies WITH (security_invoker = true) AS
SELECT u.supply_no,
	u.kind,
	lo.code AS location,
	p.sku,
	trim_scale(u.quantity) AS quantity,
	trim_scale(u.received) AS received,
	trim_scale(u.pegged) AS pegged,
	CASE u.status WHEN 'expected' THEN trim_scale(u.quantity - u.received - u.pegged) ELSE 0 END AS free,
	u.expected_at,
	trim_scale(u.confidence) AS confidence,
	u.status,
	u.status = 'expected' AND u.expected_at < statement_timestamp() AS overdue,
	u.reference,
	o.order_no,
	u.line_no,
	u.created_at,
	trim_scale(u.rejected) AS rejected
FROM usom.supply u
LEFT JOIN usom.product p ON p.org_id = u.org_id AND p.product_id = u.product_id
LEFT JOIN usom.location lo ON lo.org_id = u.org_id AND lo.location_id = u.location_id
LEFT JOIN usom.sales_order o ON o.org_id = u.org_id AND o.sales_order_id = u.sales_order_id
WHERE u.org_id = usom.current_org();
COMMENT ON VIEW usom.supplies IS 'What is under way to the locations of the caller''s organisation, and what came of it. Ask by sku or supply_no.';
COMMENT ON COLUMN usom.supplies.supply_no IS 'Number of the document.';
COMMENT ON COLUMN usom.supplies.kind IS 'purchase, production, transfer, return or drop_ship.';
COMMENT ON COLUMN usom.supplies.location IS 'Location where it arrives.';
COMMENT ON COLUMN usom.supplies.sku IS 'Product.';
COMMENT ON COLUMN usom.supplies.quantity IS 'Units under way when nothing of it has arrived.';
COMMENT ON COLUMN usom.supplies.received IS 'Units that have arrived.';
COMMENT ON COLUMN usom.supplies.pegged IS 'Units that waiting pieces count on.';
COMMENT ON COLUMN usom.supplies.free IS 'Units that are expected and that nobody counts on.';
COMMENT ON COLUMN usom.supplies.expected_at IS 'When it is expected.';
COMMENT ON COLUMN usom.supplies.confidence IS 'How sure quantity and date are: above 0, 1 is certain.';
COMMENT ON COLUMN usom.supplies.status IS 'expected, received (nothing more comes) or cancelled.';
COMMENT ON COLUMN usom.supplies.overdue IS 'True: its date has passed and it is still expected.';
COMMENT ON COLUMN usom.supplies.reference IS 'Number of the document of the outside world.';
COMMENT ON COLUMN usom.supplies.order_no IS 'Order it is for and for no other; null: for all.';
COMMENT ON COLUMN usom.supplies.line_no IS 'Line of that order.';
COMMENT ON COLUMN usom.supplies.created_at IS 'When it was recorded.';
COMMENT ON COLUMN usom.supplies.rejected IS 'Units that came and were not taken in.';

CREATE VIEW usom.holds WITH (security_invoker = true) AS
SELECT o.order_no,
	h.line_no,
	h.hold_type,
	h.reason,
	h.blocks,
	h.expires_at,
	h.released_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > statement_timestamp()) AS active,
	h.placed_at,
	h.placed_by,
	h.released_at,
	h.released_by,
	h.release_reason,
	h.piece_no,
	h.check_code
FROM usom.hold h
JOIN usom.sales_order o ON o.org_id = h.org_id AND o.sales_order_id = h.sales_order_id
WHERE h.org_id = usom.current_org();
COMMENT ON VIEW usom.holds IS 'Holds past and present. WHERE active shows those that block something now.';
COMMENT ON COLUMN usom.holds.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.holds.line_no IS 'Line; null: the whole order.';
COMMENT ON COLUMN usom.holds.hold_type IS 'Type.';
COMMENT ON COLUMN usom.holds.reason IS 'Why.';
COMMENT ON COLUMN usom.holds.blocks IS 'Actions that fail while it is active: confirm, release, ship, change, cancel, close.';
COMMENT ON COLUMN usom.holds.expires_at IS 'From then on it blocks nothing; null: until released.';
COMMENT ON COLUMN usom.holds.active IS 'True: neither released nor expired.';
COMMENT ON COLUMN usom.holds.placed_at IS 'When it was placed.';
COMMENT ON COLUMN usom.holds.placed_by IS 'Session user who placed it.';
COMMENT ON COLUMN usom.holds.released_at IS 'When it was released by hand.';
COMMENT ON COLUMN usom.holds.released_by IS 'Session user who released it.';
COMMENT ON COLUMN usom.holds.release_reason IS 'Why it was released.';
COMMENT ON COLUMN usom.holds.piece_no IS 'Piece of the line; null: the whole line, or the order.';
COMMENT ON COLUMN usom.holds.check_code IS 'Check or hold rule that placed it; null: somebody did.';

CREATE VIEW usom.events WITH (security_invoker = true) AS
SELECT e.event_id,
	o.order_no,
	e.event_no,
	e.kind,
	e.payload,
	e.occurred_at
FROM usom.event e
LEFT JOIN usom.sales_order o ON o.org_id = e.org_id AND o.sales_order_id = e.sales_order_id
WHERE e.org_id = usom.current_org();
COMMENT ON VIEW usom.events IS 'What customers and other systems are told. Within an order event_no tells the order of events, without gaps.';
COMMENT ON COLUMN usom.events.event_id IS 'Key.';
COMMENT ON COLUMN usom.events.order_no IS 'Number of the order; null: of none.';
COMMENT ON COLUMN usom.events.event_no IS 'Number with the order, from 1.';
COMMENT ON COLUMN usom.events.kind IS 'What happened.';
COMMENT ON COLUMN usom.events.payload IS 'The particulars.';
COMMENT ON COLUMN usom.events.occurred_at IS 'Time of the transaction that did it.';

CREATE VIEW usom.exceptions WITH (security_invoker = true) AS
SELECT c.exception_case_id AS exception_id,
	c.kind,
	o.order_no,
	c.line_no,
	c.reference,
	c.message,
	c.detail,
	c.due_at,
	c.resolved_at IS NULL AS open,
	c.raised_at,
	c.resolved_at,
	c.resolved_by,
	c.resolution
FROM usom.exception_case c
LEFT JOIN usom.sales_order o ON o.org_id = c.org_id AND o.sales_order_id = c.sales_order_id
WHERE c.org_id = usom.current_org();
COMMENT ON VIEW usom.exceptions IS 'What somebody should look at. WHERE open ORDER BY due_at shows what is left, most urgent first.';
COMMENT ON COLUMN usom.exceptions.exception_id IS 'Key, for usom.resolve_exception().';
COMMENT ON COLUMN usom.exceptions.kind IS 'What is wrong.';
COMMENT ON COLUMN usom.exceptions.order_no IS 'Number of the order; null: of none.';
COMMENT ON COLUMN usom.exceptions.line_no IS 'Line; null: of none.';
COMMENT ON COLUMN usom.exceptions.reference IS 'Supply, location or what else tells it from others of its kind.';
COMMENT ON COLUMN usom.exceptions.message IS 'What is wrong, in words.';
COMMENT ON COLUMN usom.exceptions.detail IS 'The numbers.';
COMMENT ON COLUMN usom.exceptions.due_at IS 'When it is too late; null: no date known.';
COMMENT ON COLUMN usom.exceptions.open IS 'True: nobody has closed it.';
COMMENT ON COLUMN usom.exceptions.raised_at IS 'When it was met first.';
COMMENT ON COLUMN usom.exceptions.resolved_at IS 'When it was closed.';
COMMENT ON COLUMN usom.exceptions.resolved_by IS 'Session user who closed it, or whose change took its cause away.';
COMMENT ON COLUMN usom.exceptions.resolution IS 'What was done.';

CREATE VIEW usom.substitutions WITH (security_invoker = true) AS
SELECT s.substitution_id,
	o.order_no,
	s.line_no,
	p.sku,
	trim_scale(s.quantity) AS quantity,
	t.sku AS substitute_sku,
	trim_scale(s.substitute_quantity) AS substitute_quantity,
	trim_scale(s.unit_price) AS unit_price,
	s.substitute_line_no,
	CASE WHEN s.status = 'proposed' AND s.expires_at <= statement_timestamp() THEN 'expired' ELSE s.status END AS status,
	s.automatic,
	s.proposed_at,
	s.expires_at,
	s.decided_at,
	s.decided_by,
	s.reason
FROM usom.line_substitution s
JOIN usom.sales_order o ON o.org_id = s.org_id AND o.sales_order_id = s.sales_order_id
LEFT JOIN usom.product p ON p.org_id = s.org_id AND p.product_id = s.product_id
LEFT JOIN usom.product t ON t.org_id = s.org_id AND t.product_id = s.substitute_product_id
WHERE s.org_id = usom.current_org();
COMMENT ON VIEW usom.substitutions IS 'Units of lines that another product takes the place of, or is offered to.';
COMMENT ON COLUMN usom.substitutions.substitution_id IS 'Key, for accept_substitution() and decline_substitution().';
COMMENT ON COLUMN usom.substitutions.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.substitutions.line_no IS 'Line as it was ordered.';
COMMENT ON COLUMN usom.substitutions.sku IS 'Product that was ordered.';
COMMENT ON COLUMN usom.substitutions.quantity IS 'Units of it.';
COMMENT ON COLUMN usom.substitutions.substitute_sku IS 'Product that takes its place.';
COMMENT ON COLUMN usom.substitutions.substitute_quantity IS 'Units of that.';
COMMENT ON COLUMN usom.substitutions.unit_price IS 'Price of one of them, in the currency of the order.';
COMMENT ON COLUMN usom.substitutions.substitute_line_no IS 'Line of the substitute, once it is agreed.';
COMMENT ON COLUMN usom.substitutions.status IS 'proposed, expired, accepted or declined.';
COMMENT ON COLUMN usom.substitutions.automatic IS 'True: the line agreed beforehand.';
COMMENT ON COLUMN usom.substitutions.proposed_at IS 'When it was proposed or done.';
COMMENT ON COLUMN usom.substitutions.expires_at IS 'When the proposal ends.';
COMMENT ON COLUMN usom.substitutions.decided_at IS 'When it was accepted or declined.';
COMMENT ON COLUMN usom.substitutions.decided_by IS 'Session user who did.';
COMMENT ON COLUMN usom.substitutions.reason IS 'What the customer said.';

CREATE VIEW usom.stock_interests WITH (security_invoker = true) AS
SELECT c.code AS customer, p.sku, l.code AS location, trim_scale(i.quantity) AS quantity, i.watched_at, i.expires_at, i.told_at,
	i.told_at IS NULL AND (i.expires_at IS NULL OR i.expires_at > statement_timestamp()) AS open
FROM usom.stock_interest i
LEFT JOIN usom.customer c ON c.org_id = i.org_id AND c.customer_id = i.customer_id
LEFT JOIN usom.product p ON p.org_id = i.org_id AND p.product_id = i.product_id
LEFT JOIN usom.location l ON l.org_id = i.org_id AND l.location_id = i.location_id
WHERE i.org_id = usom.current_org();
COMMENT ON VIEW usom.stock_interests IS 'Who wants to be told when a product is in stock again, and who was.';
COMMENT ON COLUMN usom.stock_interests.customer IS 'Code of the customer.';
COMMENT ON COLUMN usom.stock_interests.sku IS 'Product.';
COMMENT ON COLUMN usom.stock_interests.location IS 'Location; null: any.';
COMMENT ON COLUMN usom.stock_interests.quantity IS 'Units the customer wants.';
COMMENT ON COLUMN usom.stock_interests.watched_at IS 'When the customer asked.';
COMMENT ON COLUMN usom.stock_interests.expires_at IS 'Until when; null: until told.';
COMMENT ON COLUMN usom.stock_interests.told_at IS 'When the event back_in_stock was written.';
COMMENT ON COLUMN usom.stock_interests.open IS 'True: neither told nor expired.';

CREATE VIEW usom.timeline WITH (security_invoker = true) AS
SELECT o.order_no,
	h.occurred_at AS at,
	h.event,
	h.from_status::text AS from_status,
	h.to_status::text AS to_status,
	h.line_no,
	trim_scale(h.quantity) AS quantity,
	h.reason,
	h.actor,
	h.app_user,
	h.reference,
	h.version,
	h.flow_state
FROM usom.order_history h
JOIN usom.sales_order o ON o.org_id = h.org_id AND o.sales_order_id = h.sales_order_id
WHERE h.org_id = usom.current_org();
COMMENT ON VIEW usom.timeline IS 'What was done to the orders, when, by whom and why; version is the order of events. Ask by order_no.';
COMMENT ON COLUMN usom.timeline.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.timeline.at IS 'When.';
COMMENT ON COLUMN usom.timeline.event IS 'Verb: place, submit, confirm, hold, release_hold, change, allocate, release, ship, deliver, cancel, close, return.';
COMMENT ON COLUMN usom.timeline.from_status IS 'Status before; null when the order was made.';
COMMENT ON COLUMN usom.timeline.to_status IS 'Status after.';
COMMENT ON COLUMN usom.timeline.line_no IS 'Line, where the change was about one.';
COMMENT ON COLUMN usom.timeline.quantity IS 'Units that the change moved.';
COMMENT ON COLUMN usom.timeline.reason IS 'Why, as the caller said.';
COMMENT ON COLUMN usom.timeline.actor IS 'Session user.';
COMMENT ON COLUMN usom.timeline.app_user IS 'Application user, as claimed by usom.app_user.';
COMMENT ON COLUMN usom.timeline.reference IS 'Shipment, return or hold type.';
COMMENT ON COLUMN usom.timeline.version IS 'Version of the order that the change made.';
COMMENT ON COLUMN usom.timeline.flow_state IS 'State of its flow after the change; null: it takes the built-in flow.';

CREATE VIEW usom.pre_orders WITH (security_invoker = true) AS
SELECT f.sku, f.opens_at, f.release_at, trim_scale(f.quantity) AS quantity, coalesce(trim_scale(l.used), 0) AS used,
	CASE WHEN f.quantity IS NOT NULL THEN trim_scale(greatest(f.quantity - coalesce(l.used, 0), 0)) END AS "left",
	coalesce((SELECT trim_scale(sum(p.quantity)) FROM usom.quota_use u
		JOIN usom.fulfillment_line p ON p.org_id = u.org_id AND p.sales_order_id = u.sales_order_id AND p.line_no = u.line_no
		WHERE u.org_id = f.org_id AND u.lender_id = f.pre_order_offer_id AND p.status = 'backordered'), 0) AS waiting,
	f.when_full, f.release_at <= statement_timestamp() AS released, f.ended_at
FROM usom.pre_order_offer f
LEFT JOIN usom.quota_load l ON l.org_id = f.org_id AND l.quota_id = f.pre_order_offer_id AND l.starts_at = f.created_at
WHERE f.org_id = usom.current_org();
COMMENT ON VIEW usom.pre_orders IS 'The pre-order offers of the caller''s organisation.';
COMMENT ON COLUMN usom.pre_orders.sku IS 'Product.';
COMMENT ON COLUMN usom.pre_orders.opens_at IS 'From when it is sold.';
COMMENT ON COLUMN usom.pre_orders.release_at IS 'From when it is allocated.';
COMMENT ON COLUMN usom.pre_orders.quantity IS 'Units that are sold before the release; null: any number.';
COMMENT ON COLUMN usom.pre_orders.used IS 'Units sold so and not cancelled.';
COMMENT ON COLUMN usom.pre_orders."left" IS 'Units that can be sold so still; null: any number.';
COMMENT ON COLUMN usom.pre_orders.waiting IS 'Units of them without stock.';
COMMENT ON COLUMN usom.pre_orders.when_full IS 'refuse or wait.';
COMMENT ON COLUMN usom.pre_orders.released IS 'True: the release has come.';
COMMENT ON COLUMN usom.pre_orders.ended_at IS 'When the last one was served, or the offer was ended; null: it stands.';

CREATE VIEW usom.order_statuses WITH (security_invoker = true) AS
SELECT s.status,
	s.status_group,
	s.meaning,
	ARRAY(SELECT format('%s (%s)', e.verb, e.to_status)
		  FROM usom.order_lifecycle() e
		  WHERE e.from_status = s.status AND e.commanded
		  ORDER BY e.verb, e.to_status) AS next_steps,
	ARRAY(SELECT DISTINCT e.to_status::text
		  FROM usom.order_lifecycle() e
		  WHERE e.from_status = s.status AND NOT e.commanded
		  ORDER BY 1) AS may_become,
	s.position
FROM (VALUES
	(1, 'draft', 'Pending', 'Being written; nothing is reserved and everything can be changed.'),
	(2, 'submitted', 'Pending', 'Handed in; waits for a hold to end or a decision.'),
	(3, 'confirmed', 'Pending', 'Accepted: its units are reserved or backordered.'),
	(4, 'processing', 'Processing', 'Units are released to a location, picked or packed; none has left.'),
	(5, 'partially_shipped', 'Shipped', 'Some units have left, others are to leave.'),
	(6, 'shipped', 'Shipped', 'All units have left; not all have arrived.'),
	(7, 'delivered', 'Delivered', 'The customer has all units, or sent them back (then the group is Returned).'),
	(8, 'closed', 'Delivered', 'Settled; nothing more happens but returns.'),
	(9, 'cancelled', 'Cancelled', 'Called off before anything left.'),
	(10, 'rejected', 'Cancelled', 'Not accepted.')
) s (position, status, status_group, meaning);
COMMENT ON VIEW usom.order_statuses IS 'The statuses of an order, in the order of its life.';
COMMENT ON COLUMN usom.order_statuses.status IS 'Status.';
COMMENT ON COLUMN usom.order_statuses.status_group IS 'What customers read.';
COMMENT ON COLUMN usom.order_statuses.meaning IS 'What it means.';
COMMENT ON COLUMN usom.order_statuses.next_steps IS 'Steps that may be asked for: verb (status it leads to).';
COMMENT ON COLUMN usom.order_statuses.may_become IS 'Statuses that follow by themselves when units move.';
COMMENT ON COLUMN usom.order_statuses.position IS 'Place in the order of life.';
