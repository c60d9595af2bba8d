-- step 20
CREATE VIEW usom.shipments WITH (security_invoker = true) AS
SELECT s.shipment_no,
	o.order_no,
	lo.code AS location,
	s.carrier,
	s.tracking,
	s.status::text AS status,
	s.shipped_at,
	s.delivered_at,
	(SELECT trim_scale(sum(f.quantity))
	 FROM usom.fulfillment_line f
	 WHERE f.org_id = s.org_id AND f.sales_order_id = s.sales_order_id AND f.shipment_id = s.shipment_id) AS quantity,
	(SELECT c.consolidation_no FROM usom.consolidation c WHERE c.org_id = s.org_id AND c.consolidation_id = s.consolidation_id) AS consolidation_no,
	s.service,
	(SELECT m.manifest_no FROM usom.manifest m WHERE m.org_id = s.org_id AND m.manifest_id = s.manifest_id) AS manifest_no,
	s.voided_at,
	s.told_at
FROM usom.shipment s
JOIN usom.sales_order o ON o.org_id = s.org_id AND o.sales_order_id = s.sales_order_id
LEFT JOIN usom.location lo ON lo.org_id = s.org_id AND lo.location_id = s.location_id
WHERE s.org_id = usom.current_org();
COMMENT ON VIEW usom.shipments IS 'What left: one location, one order, one time. What is in it stands in order_pieces by shipment_no.';
COMMENT ON COLUMN usom.shipments.shipment_no IS 'Number of the shipment.';
COMMENT ON COLUMN usom.shipments.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.shipments.location IS 'Where it left from; null for services alone.';
COMMENT ON COLUMN usom.shipments.carrier IS 'Who carries it.';
COMMENT ON COLUMN usom.shipments.tracking IS 'Carrier''s number.';
COMMENT ON COLUMN usom.shipments.status IS 'shipped, in_transit, failed, delivered, returning, returned, lost or voided; see usom.lifecycle(''shipment'').';
COMMENT ON COLUMN usom.shipments.shipped_at IS 'When it left.';
COMMENT ON COLUMN usom.shipments.delivered_at IS 'When it arrived.';
COMMENT ON COLUMN usom.shipments.consolidation_no IS 'What it left with as one parcel; null: on its own.';
COMMENT ON COLUMN usom.shipments.quantity IS 'Units in it.';
COMMENT ON COLUMN usom.shipments.service IS 'Service of the carrier; null: nothing was said.';
COMMENT ON COLUMN usom.shipments.manifest_no IS 'Manifest that it was taken along with; null: not yet, or without one.';
COMMENT ON COLUMN usom.shipments.voided_at IS 'When it was made void; null: it was not.';
COMMENT ON COLUMN usom.shipments.told_at IS 'Time of the carrier''s last word that counted; null: nothing was heard.';

CREATE VIEW usom.packages WITH (security_invoker = true) AS
SELECT k.package_no,
	o.order_no,
	lo.code AS location,
	CASE WHEN k.unpacked_at IS NOT NULL THEN 'unpacked' WHEN k.shipment_id IS NOT NULL THEN 'shipped' WHEN c.units IS NULL THEN 'empty' ELSE 'packed' END AS status,
	g.code AS packaging,
	trim_scale(c.units) AS quantity,
	trim_scale(coalesce(k.weight, c.weight + coalesce(g.weight, 0))) AS weight,
	k.weight IS NOT NULL AS weighed,
	ARRAY(SELECT DISTINCT h.code
	 FROM usom.fulfillment_line f
	 JOIN usom.product p ON p.org_id = f.org_id AND p.product_id = f.product_id
	 CROSS JOIN LATERAL unnest(p.handling) AS h (code)
	 WHERE f.org_id = k.org_id AND f.sales_order_id = k.sales_order_id AND f.package_id = k.package_id
	 ORDER BY 1) AS handling,
	s.shipment_no,
	coalesce(k.tracking, s.tracking) AS tracking,
	k.packed_at,
	k.packed_by,
	k.unpacked_at
FROM usom.package k
JOIN usom.sales_order o ON o.org_id = k.org_id AND o.sales_order_id = k.sales_order_id
LEFT JOIN usom.location lo ON lo.org_id = k.org_id AND lo.location_id = k.location_id
LEFT JOIN usom.packaging g ON g.org_id = k.org_id AND g.packaging_id = k.packaging_id
LEFT JOIN usom.shipment s ON s.org_id = k.org_id AND s.shipment_id = k.shipment_id
CROSS JOIN LATERAL (
	SELECT sum(f.quantity) AS units, sum(f.quantity * p.weight) AS weight
	FROM usom.fulfillment_line f
	JOIN usom.product p ON p.org_id = f.org_id AND p.product_id = f.product_id
	WHERE f.org_id = k.org_id AND f.sales_order_id = k.sales_order_id AND f.package_id = k.package_id) c
WHERE k.org_id = usom.current_org();
COMMENT ON VIEW usom.packages IS 'Packages of the orders: units that were packed together at one location.';
COMMENT ON COLUMN usom.packages.package_no IS 'Number of the package.';
COMMENT ON COLUMN usom.packages.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.packages.location IS 'Where it was packed.';
COMMENT ON COLUMN usom.packages.status IS 'packed, shipped, unpacked, or empty: its units were cancelled.';
COMMENT ON COLUMN usom.packages.packaging IS 'What it is packed in; null: nothing was said.';
COMMENT ON COLUMN usom.packages.quantity IS 'Units in it; null: none.';
COMMENT ON COLUMN usom.packages.weight IS 'Kilograms, packaging included: as weighed, else by the weights of what is in it.';
COMMENT ON COLUMN usom.packages.weighed IS 'True: it was put on a scale.';
COMMENT ON COLUMN usom.packages.handling IS 'Codes of the handling classes of what is in it.';
COMMENT ON COLUMN usom.packages.shipment_no IS 'Shipment that it left with; null: it is still there.';
COMMENT ON COLUMN usom.packages.tracking IS 'Carrier''s number of it, or of its shipment.';
COMMENT ON COLUMN usom.packages.packed_at IS 'When packing began.';
COMMENT ON COLUMN usom.packages.packed_by IS 'Session user who packed it.';
COMMENT ON COLUMN usom.packages.unpacked_at IS 'When it was unpacked again; null: it was not.';

CREATE VIEW usom.package_lines WITH (security_invoker = true) AS
SELECT k.package_no,
	o.order_no,
	f.line_no,
	p.sku,
	p.name AS product_name,
	trim_scale(sum(f.quantity)) AS quantity,
	nullif(f.lot, '') AS lot,
	w.style AS gift_wrap
FROM usom.package k
JOIN usom.sales_order o ON o.org_id = k.org_id AND o.sales_order_id = k.sales_order_id
JOIN usom.fulfillment_line f ON f.org_id = k.org_id AND f.sales_order_id = k.sales_order_id AND f.package_id = k.package_id
LEFT JOIN usom.product p ON p.org_id = f.org_id AND p.product_id = f.product_id
LEFT JOIN usom.gift_wrap w ON w.org_id = f.org_id AND w.sales_order_id = f.sales_order_id AND w.line_no = f.line_no
WHERE k.org_id = usom.current_org()
GROUP BY k.package_no, o.order_no, f.line_no, p.sku, p.name, f.lot, w.style;
COMMENT ON VIEW usom.package_lines IS 'What is in packages, by line and lot.';
COMMENT ON COLUMN usom.package_lines.package_no IS 'Number of the package.';
COMMENT ON COLUMN usom.package_lines.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.package_lines.line_no IS 'Line.';
COMMENT ON COLUMN usom.package_lines.sku IS 'Product.';
COMMENT ON COLUMN usom.package_lines.product_name IS 'Name of the product.';
COMMENT ON COLUMN usom.package_lines.quantity IS 'Units.';
COMMENT ON COLUMN usom.package_lines.lot IS 'Lot they are of; null: none.';
COMMENT ON COLUMN usom.package_lines.gift_wrap IS 'Paper that the line is wrapped in; null: it is no gift.';

CREATE VIEW usom.tracking_events WITH (security_invoker = true) AS
SELECT s.shipment_no, o.order_no, k.package_no, e.kind, e.occurred_at, e.place, e.note, e.message_id, e.counted, e.recorded_at
FROM usom.tracking_event e
JOIN usom.shipment s ON s.org_id = e.org_id AND s.shipment_id = e.shipment_id
JOIN usom.sales_order o ON o.org_id = e.org_id AND o.sales_order_id = e.sales_order_id
LEFT JOIN usom.package k ON k.org_id = e.org_id AND k.package_id = e.package_id
WHERE e.org_id = usom.current_org();
COMMENT ON VIEW usom.tracking_events IS 'What carriers said of shipments.';
COMMENT ON COLUMN usom.tracking_events.shipment_no IS 'Number of the shipment.';
COMMENT ON COLUMN usom.tracking_events.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.tracking_events.package_no IS 'Package that was named; null: the shipment.';
COMMENT ON COLUMN usom.tracking_events.kind IS 'info, in_transit, out_for_delivery, delivered, failed, returning or lost.';
COMMENT ON COLUMN usom.tracking_events.occurred_at IS 'When it happened, by the carrier.';
COMMENT ON COLUMN usom.tracking_events.place IS 'Where.';
COMMENT ON COLUMN usom.tracking_events.note IS 'The carrier''s words.';
COMMENT ON COLUMN usom.tracking_events.message_id IS 'The carrier''s key of the message.';
COMMENT ON COLUMN usom.tracking_events.counted IS 'True: it changed the shipment.';
COMMENT ON COLUMN usom.tracking_events.recorded_at IS 'When it came.';

CREATE VIEW usom.manifests WITH (security_invoker = true) AS
SELECT m.manifest_no, lo.code AS location, m.carrier, m.closed_at, m.closed_by, s.shipment_no, o.order_no, s.service, s.tracking,
	c.packages, trim_scale(coalesce(c.weight, 0) + coalesce(u.weight, 0)) AS weight
FROM usom.manifest m
JOIN usom.shipment s ON s.org_id = m.org_id AND s.manifest_id = m.manifest_id
JOIN usom.sales_order o ON o.org_id = s.org_id AND o.sales_order_id = s.sales_order_id
LEFT JOIN usom.location lo ON lo.org_id = m.org_id AND lo.location_id = m.location_id
CROSS JOIN LATERAL (
	SELECT count(*)::integer AS packages, sum(k.weight) AS weight
	FROM usom.packages k WHERE k.order_no = o.order_no AND k.shipment_no = s.shipment_no) c
CROSS JOIN LATERAL (
	SELECT sum(f.quantity * p.weight) AS weight
	FROM usom.fulfillment_line f
	JOIN usom.product p ON p.org_id = f.org_id AND p.product_id = f.product_id
	WHERE f.org_id = s.org_id AND f.sales_order_id = s.sales_order_id AND f.shipment_id = s.shipment_id AND f.package_id IS NULL) u
WHERE m.org_id = usom.current_org();
COMMENT ON VIEW usom.manifests IS 'What carriers took along: a row for each shipment on a closed manifest.';
COMMENT ON COLUMN usom.manifests.manifest_no IS 'Number of the manifest.';
COMMENT ON COLUMN usom.manifests.location IS 'Where it was taken.';
COMMENT ON COLUMN usom.manifests.carrier IS 'Who took it; null: nobody was named.';
COMMENT ON COLUMN usom.manifests.closed_at IS 'When it was taken.';
COMMENT ON COLUMN usom.manifests.closed_by IS 'Session user who closed it.';
COMMENT ON COLUMN usom.manifests.shipment_no IS 'Number of the shipment.';
COMMENT ON COLUMN usom.manifests.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.manifests.service IS 'Service of the carrier.';
COMMENT ON COLUMN usom.manifests.tracking IS 'Carrier''s number.';
COMMENT ON COLUMN usom.manifests.packages IS 'Packages of the shipment; 0: its units are in none.';
COMMENT ON COLUMN usom.manifests.weight IS 'Kilograms: of its packages, and of units in none.';
