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
