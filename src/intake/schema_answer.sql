-- step 10
-- What partners are told of their orders, from the state of the order as it is read: canonical, and as EDI and UBL in the JSON that tools/intake makes of such messages.
CREATE VIEW usom.order_response_lines WITH (security_invoker = true) AS
SELECT o.order_no, l.line_no, p.sku, p.unit,
	CASE
		WHEN l.quantity_cancelled = l.quantity THEN 'rejected'
		WHEN l.quantity_open > 0 THEN 'pending'
		WHEN l.quantity_backordered > 0 THEN 'backordered'
		WHEN l.quantity_cancelled > 0 THEN 'changed'
		WHEN f.promised_at > coalesce(l.requested_at, o.requested_at) THEN 'rescheduled'
		ELSE 'accepted'
	END AS status,
	trim_scale(l.quantity) AS quantity,
	trim_scale(l.quantity - l.quantity_cancelled - l.quantity_backordered - l.quantity_open) AS quantity_accepted,
	trim_scale(l.quantity_backordered) AS quantity_backordered,
	trim_scale(l.quantity_cancelled) AS quantity_rejected,
	trim_scale(l.unit_price) AS unit_price, o.currency::text AS currency,
	coalesce(l.requested_at, o.requested_at) AS requested_at, f.promised_at, f.backorder_promised_at
FROM usom.sales_order o
JOIN usom.order_line l ON l.org_id = o.org_id AND l.sales_order_id = o.sales_order_id
JOIN usom.product p ON p.org_id = l.org_id AND p.product_id = l.product_id
CROSS JOIN LATERAL (SELECT CASE WHEN count(*) FILTER (WHERE x.status <> 'backordered') = count(x.promised_at) FILTER (WHERE x.status <> 'backordered') THEN max(x.promised_at) FILTER (WHERE x.status <> 'backordered') END AS promised_at,
		CASE WHEN count(*) FILTER (WHERE x.status = 'backordered') = count(x.promised_at) FILTER (WHERE x.status = 'backordered') THEN max(x.promised_at) FILTER (WHERE x.status = 'backordered') END AS backorder_promised_at
	FROM usom.fulfillment_line x WHERE x.org_id = o.org_id AND x.sales_order_id = o.sales_order_id AND x.line_no = l.line_no AND x.status NOT IN ('returned', 'cancelled')) f
WHERE o.org_id = usom.current_org() AND o.status <> 'draft' AND (l.kit_line_no IS NULL OR l.kit_line_no = l.line_no);
COMMENT ON VIEW usom.order_response_lines IS 'What the buyer is told of each line of his order: how much of it he gets, when, and at which price. Example: SELECT * FROM usom.order_response_lines WHERE order_no = ''SO-000001'';';
COMMENT ON COLUMN usom.order_response_lines.order_no IS 'Order.';
COMMENT ON COLUMN usom.order_response_lines.line_no IS 'Line.';
COMMENT ON COLUMN usom.order_response_lines.sku IS 'Product.';
COMMENT ON COLUMN usom.order_response_lines.unit IS 'Unit of the product, that quantities count.';
COMMENT ON COLUMN usom.order_response_lines.status IS 'accepted, rescheduled (later than asked for), changed (part of it was cancelled), backordered (part of it or all), rejected (cancelled) or pending (not planned yet).';
COMMENT ON COLUMN usom.order_response_lines.quantity IS 'Ordered.';
COMMENT ON COLUMN usom.order_response_lines.quantity_accepted IS 'Reserved, on its way, or there.';
COMMENT ON COLUMN usom.order_response_lines.quantity_backordered IS 'Waits for supply.';
COMMENT ON COLUMN usom.order_response_lines.quantity_rejected IS 'Cancelled.';
COMMENT ON COLUMN usom.order_response_lines.unit_price IS 'Price of one.';
COMMENT ON COLUMN usom.order_response_lines.currency IS 'Of the price, ISO 4217.';
COMMENT ON COLUMN usom.order_response_lines.requested_at IS 'When it was asked for; null: no time.';
COMMENT ON COLUMN usom.order_response_lines.promised_at IS 'When the last of what was accepted is promised; null: something has no promise.';
COMMENT ON COLUMN usom.order_response_lines.backorder_promised_at IS 'The same of what waits.';

CREATE VIEW usom.order_responses WITH (security_invoker = true) AS
SELECT o.order_no, ch.code AS channel, o.external_id, o.revision::integer AS revision, cu.code AS customer, o.status::text AS order_status,
	CASE
		WHEN o.status IN ('cancelled', 'rejected') THEN 'rejected'
		WHEN o.status = 'submitted' OR l.pending > 0 THEN 'pending'
		WHEN l.other > 0 THEN 'changed'
		ELSE 'accepted'
	END AS outcome,
	o.currency::text AS currency, trim_scale(o.total) AS total, o.placed_at, o.requested_at, l.lines
FROM usom.sales_order o
LEFT JOIN usom.channel ch ON ch.org_id = o.org_id AND ch.channel_id = o.channel_id
LEFT JOIN usom.customer cu ON cu.org_id = o.org_id AND cu.customer_id = o.customer_id
CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE x.status = 'pending') AS pending, count(*) FILTER (WHERE x.status <> 'accepted') AS other,
		coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('line_no', x.line_no, 'sku', x.sku, 'unit', x.unit, 'status', x.status, 'quantity', x.quantity, 'quantity_accepted', x.quantity_accepted,
			'quantity_backordered', x.quantity_backordered, 'quantity_rejected', x.quantity_rejected, 'unit_price', x.unit_price,
			'promised_at', x.promised_at, 'backorder_promised_at', x.backorder_promised_at)) ORDER BY x.line_no), '[]') AS lines
	FROM usom.order_response_lines x WHERE x.order_no = o.order_no) l
WHERE o.org_id = usom.current_org() AND o.status <> 'draft';
COMMENT ON VIEW usom.order_responses IS 'What the buyer is told of his order as it stands. Example: SELECT outcome, lines FROM usom.order_responses WHERE order_no = ''SO-000001'';';
COMMENT ON COLUMN usom.order_responses.order_no IS 'Order.';
COMMENT ON COLUMN usom.order_responses.channel IS 'Channel it came by.';
COMMENT ON COLUMN usom.order_responses.external_id IS 'What the channel calls it.';
COMMENT ON COLUMN usom.order_responses.revision IS 'Revision at its source that the answer is to.';
COMMENT ON COLUMN usom.order_responses.customer IS 'Customer; null: a guest.';
COMMENT ON COLUMN usom.order_responses.order_status IS 'Status of the order.';
COMMENT ON COLUMN usom.order_responses.outcome IS 'accepted (all as asked for), changed, rejected (cancelled) or pending (not confirmed, or not all of it planned).';
COMMENT ON COLUMN usom.order_responses.currency IS 'ISO 4217.';
COMMENT ON COLUMN usom.order_responses.total IS 'Total of the order.';
COMMENT ON COLUMN usom.order_responses.placed_at IS 'When it was placed.';
COMMENT ON COLUMN usom.order_responses.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN usom.order_responses.lines IS 'Lines as usom.order_response_lines has them.';

-- BAK02: AD without, AC with changes, RD rejected.  ACK01: IA accepted, DR at another date, IQ with another quantity, IB backordered, IR rejected.
CREATE VIEW usom.x12_855 WITH (security_invoker = true) AS
SELECT o.order_no, o.channel, o.external_id, o.outcome, jsonb_build_object('format', 'x12', 'type', '855',
	'BAK', jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('BAK01', '00', 'BAK02', CASE o.outcome WHEN 'accepted' THEN 'AD' WHEN 'rejected' THEN 'RD' ELSE 'AC' END,
		'BAK03', o.external_id, 'BAK04', to_char(o.placed_at AT TIME ZONE 'UTC', 'YYYYMMDD'), 'BAK08', o.order_no, 'BAK09', to_char(statement_timestamp() AT TIME ZONE 'UTC', 'YYYYMMDD')))),
	'CUR', jsonb_build_array(jsonb_build_object('CUR01', 'SE', 'CUR02', o.currency)),
	'PO1', coalesce(l.lines, '[]'), 'CTT', jsonb_build_array(jsonb_build_object('CTT01', coalesce(jsonb_array_length(l.lines), 0)::text))) AS document
FROM usom.order_responses o
CROSS JOIN LATERAL (SELECT jsonb_agg(jsonb_build_object('PO101', x.line_no::text, 'PO102', x.quantity::text, 'PO103', u.code, 'PO104', x.unit_price::text, 'PO106', 'VN', 'PO107', x.sku, 'ids', jsonb_build_object('VN', x.sku), 'ACK', a.acks) ORDER BY x.line_no) AS lines
	FROM usom.order_response_lines x
	CROSS JOIN LATERAL (SELECT CASE x.unit WHEN 'each' THEN 'EA' ELSE x.unit END AS code) u
	CROSS JOIN LATERAL (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('ACK01', g.code, 'ACK02', g.quantity::text, 'ACK03', u.code,
			'ACK04', CASE WHEN g.at IS NOT NULL THEN '067' END, 'ACK05', to_char(g.at AT TIME ZONE 'UTC', 'YYYYMMDD'))) ORDER BY g.n) AS acks
		FROM (VALUES (1, CASE WHEN x.status = 'rescheduled' THEN 'DR' WHEN x.quantity_accepted < x.quantity THEN 'IQ' ELSE 'IA' END, x.quantity_accepted, x.promised_at),
			(2, 'IB', x.quantity_backordered, x.backorder_promised_at), (3, 'IR', x.quantity_rejected, NULL)) g (n, code, quantity, at) WHERE g.quantity > 0) a
	WHERE x.order_no = o.order_no) l
WHERE o.outcome <> 'pending';
COMMENT ON VIEW usom.x12_855 IS 'Answers to orders as X12 855, in JSON; orders that are pending have none yet. Times are those of UTC. Example: SELECT document FROM usom.x12_855 WHERE external_id = ''4711'';';
COMMENT ON COLUMN usom.x12_855.order_no IS 'Order.';
COMMENT ON COLUMN usom.x12_855.channel IS 'Channel it came by.';
COMMENT ON COLUMN usom.x12_855.external_id IS 'What the channel calls it.';
COMMENT ON COLUMN usom.x12_855.outcome IS 'As usom.order_responses has it.';
COMMENT ON COLUMN usom.x12_855.document IS 'Transaction set without envelope: segments by name, elements as BAK03; ACK beneath its PO1.';

-- BGM03: 29 without, 4 with changes, 27 not accepted.  LIN02: 5 without, 6 with changes, 7 not accepted.  QTY 21 ordered, 113 to be delivered, 83 backordered.
CREATE VIEW usom.edifact_ordrsp WITH (security_invoker = true) AS
SELECT o.order_no, o.channel, o.external_id, o.outcome, jsonb_build_object('format', 'edifact', 'type', 'ORDRSP', 'version', 'D.96A',
	'BGM', jsonb_build_array(jsonb_build_object('BGM01', '["231"]'::jsonb, 'BGM02', jsonb_build_array(o.order_no),
		'BGM03', jsonb_build_array(CASE o.outcome WHEN 'accepted' THEN '29' WHEN 'rejected' THEN '27' ELSE '4' END))),
	'DTM', jsonb_build_array(jsonb_build_object('DTM01', jsonb_build_array('137', to_char(statement_timestamp() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MI'), '203'))),
	'RFF', jsonb_build_array(jsonb_build_object('RFF01', jsonb_build_array('ON', coalesce(o.external_id, o.order_no)))),
	'CUX', jsonb_build_array(jsonb_build_object('CUX01', jsonb_build_array('2', o.currency, '9'))),
	'LIN', coalesce(l.lines, '[]'), 'UNS', '[{"UNS01": ["S"]}]'::jsonb,
	'CNT', jsonb_build_array(jsonb_build_object('CNT01', jsonb_build_array('2', coalesce(jsonb_array_length(l.lines), 0)::text)))) AS document
FROM usom.order_responses o
CROSS JOIN LATERAL (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('LIN01', jsonb_build_array(x.line_no::text),
		'LIN02', jsonb_build_array(CASE x.status WHEN 'accepted' THEN '5' WHEN 'rejected' THEN '7' ELSE '6' END), 'LIN03', jsonb_build_array(x.sku, 'SA'), 'ids', jsonb_build_object('SA', x.sku),
		'QTY', q.quantities, 'DTM', CASE WHEN x.promised_at IS NOT NULL THEN jsonb_build_array(jsonb_build_object('DTM01', jsonb_build_array('69', to_char(x.promised_at AT TIME ZONE 'UTC', 'YYYYMMDD'), '102'))) END,
		'PRI', jsonb_build_array(jsonb_build_object('PRI01', jsonb_build_array('AAA', x.unit_price::text))))) ORDER BY x.line_no) AS lines
	FROM usom.order_response_lines x
	CROSS JOIN LATERAL (SELECT jsonb_agg(jsonb_build_object('QTY01', jsonb_build_array(g.code, g.quantity::text, CASE x.unit WHEN 'each' THEN 'PCE' ELSE x.unit END)) ORDER BY g.n) AS quantities
		FROM (VALUES (1, '21', x.quantity), (2, '113', x.quantity_accepted), (3, '83', x.quantity_backordered)) g (n, code, quantity) WHERE g.quantity > 0) q
	WHERE x.order_no = o.order_no) l
WHERE o.outcome <> 'pending';
COMMENT ON VIEW usom.edifact_ordrsp IS 'Answers to orders as EDIFACT ORDRSP, in JSON; orders that are pending have none yet. Times are those of UTC. Example: SELECT document FROM usom.edifact_ordrsp WHERE external_id = ''4711'';';
COMMENT ON COLUMN usom.edifact_ordrsp.order_no IS 'Order.';
COMMENT ON COLUMN usom.edifact_ordrsp.channel IS 'Channel it came by.';
COMMENT ON COLUMN usom.edifact_ordrsp.external_id IS 'What the channel calls it.';
COMMENT ON COLUMN usom.edifact_ordrsp.outcome IS 'As usom.order_responses has it.';
COMMENT ON COLUMN usom.edifact_ordrsp.document IS 'Message without envelope: segments by name, elements as BGM02, an array of their components; QTY, DTM and PRI beneath their LIN.';

-- LineStatusCode is that of the UBL code list; OrderResponseCode that of UN/CEFACT: AP accepted, CA with changes, RE rejected.
CREATE VIEW usom.ubl_order_response WITH (security_invoker = true) AS
SELECT o.order_no, o.channel, o.external_id, o.outcome, jsonb_build_object('format', 'ubl', 'type', 'OrderResponse', 'version', '2.1', 'OrderResponse', jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
	'UBLVersionID', '[{"_": "2.1"}]'::jsonb, 'ID', jsonb_build_array(jsonb_build_object('_', o.order_no)),
	'IssueDate', jsonb_build_array(jsonb_build_object('_', to_char(statement_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD'))),
	'IssueTime', jsonb_build_array(jsonb_build_object('_', to_char(statement_timestamp() AT TIME ZONE 'UTC', 'HH24:MI:SS"Z"'))),
	'OrderResponseCode', jsonb_build_array(jsonb_build_object('_', CASE o.outcome WHEN 'accepted' THEN 'AP' WHEN 'rejected' THEN 'RE' ELSE 'CA' END)),
	'DocumentCurrencyCode', jsonb_build_array(jsonb_build_object('_', o.currency)),
	'OrderReference', jsonb_build_array(jsonb_build_object('ID', jsonb_build_array(jsonb_build_object('_', coalesce(o.external_id, o.order_no))))),
	'BuyerCustomerParty', CASE WHEN o.customer IS NOT NULL THEN jsonb_build_array(jsonb_build_object('SupplierAssignedAccountID', jsonb_build_array(jsonb_build_object('_', o.customer)))) END,
	'OrderLine', l.lines)))) AS document
FROM usom.order_responses o
CROSS JOIN LATERAL (SELECT jsonb_agg(jsonb_build_object('LineItem', jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('ID', jsonb_build_array(jsonb_build_object('_', x.line_no::text)),
		'LineStatusCode', jsonb_build_array(jsonb_build_object('_', CASE x.status WHEN 'accepted' THEN 'NoStatus' WHEN 'rejected' THEN 'Cancelled' ELSE 'Revised' END, 'listName', 'Line Status', 'listAgencyID', 'UBL')),
		'Quantity', jsonb_build_array(jsonb_build_object('_', (x.quantity - x.quantity_rejected)::text, 'unitCode', u.code)), 'Delivery', d.deliveries,
		'Price', jsonb_build_array(jsonb_build_object('PriceAmount', jsonb_build_array(jsonb_build_object('_', x.unit_price::text, 'currencyID', x.currency)))),
		'Item', jsonb_build_array(jsonb_build_object('SellersItemIdentification', jsonb_build_array(jsonb_build_object('ID', jsonb_build_array(jsonb_build_object('_', x.sku)))))))))) ORDER BY x.line_no) AS lines
	FROM usom.order_response_lines x
	CROSS JOIN LATERAL (SELECT CASE x.unit WHEN 'each' THEN 'C62' ELSE x.unit END AS code) u
	CROSS JOIN LATERAL (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('Quantity', jsonb_build_array(jsonb_build_object('_', g.quantity::text, 'unitCode', u.code)),
			'PromisedDeliveryPeriod', CASE WHEN g.at IS NOT NULL THEN jsonb_build_array(jsonb_build_object('EndDate', jsonb_build_array(jsonb_build_object('_', to_char(g.at AT TIME ZONE 'UTC', 'YYYY-MM-DD'))))) END)) ORDER BY g.n) AS deliveries
		FROM (VALUES (1, x.quantity_accepted, x.promised_at), (2, x.quantity_backordered, x.backorder_promised_at)) g (n, quantity, at) WHERE g.quantity > 0) d
	WHERE x.order_no = o.order_no) l
WHERE o.outcome <> 'pending';
COMMENT ON VIEW usom.ubl_order_response IS 'Answers to orders as UBL OrderResponse, in the JSON form of OASIS; orders that are pending have none yet. Times are those of UTC. Example: SELECT document FROM usom.ubl_order_response WHERE external_id = ''4711'';';
COMMENT ON COLUMN usom.ubl_order_response.order_no IS 'Order.';
COMMENT ON COLUMN usom.ubl_order_response.channel IS 'Channel it came by.';
COMMENT ON COLUMN usom.ubl_order_response.external_id IS 'What the channel calls it.';
COMMENT ON COLUMN usom.ubl_order_response.outcome IS 'As usom.order_responses has it.';
COMMENT ON COLUMN usom.ubl_order_response.document IS 'OrderResponse: what waits is a second Delivery of its line.';
