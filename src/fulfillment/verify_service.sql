CREATE FUNCTION usom.verify_service() RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	PERFORM usom._check_installed();
	RETURN QUERY
		SELECT 'service', format('pick-up of order %s', o.order_no), CASE WHEN p.status = 'ready' THEN 'is ready with nothing put aside' ELSE 'waits for a decision about an order that is over' END,
			CASE WHEN p.status = 'ready' THEN 'picked or packed units' ELSE 'an order that runs' END, CASE WHEN p.status = 'ready' THEN '0' ELSE o.status::text END
		FROM usom.pickup p
		JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = p.sales_order_id
		WHERE p.org_id = org AND p.ended_at IS NULL AND CASE WHEN p.status = 'ready'
			THEN NOT EXISTS (SELECT FROM usom.fulfillment_line f WHERE f.org_id = org AND f.sales_order_id = p.sales_order_id AND f.status IN ('picked', 'packed'))
			ELSE o.status IN ('delivered', 'closed', 'cancelled', 'rejected') END;
	RETURN QUERY
		SELECT 'service', format('pick-up of order %s', o.order_no), 'is of an order that nobody fetches', 'pick_up', o.order_type::text
		FROM usom.pickup p
		JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = p.sales_order_id
		WHERE p.org_id = org AND o.order_type <> 'pick_up';
	RETURN QUERY
		SELECT 'service', format('supply %s', s.supply_no), 'says less than its receipts', r.units::text, s.received::text
		FROM (SELECT d.supply_id, sum(d.delivered) AS units FROM usom.drop_ship_receipt d WHERE d.org_id = org GROUP BY d.supply_id) r
		LEFT JOIN usom.supply s ON s.org_id = org AND s.supply_id = r.supply_id
		WHERE r.units > coalesce(s.received, 0);
	RETURN QUERY
		SELECT 'service', format('shipment %s', h.shipment_no), 'holds other units than the supplier sent', trim_scale(d.delivered)::text, trim_scale(coalesce(f.units, 0))::text
		FROM usom.drop_ship_receipt d
		JOIN usom.shipment h ON h.org_id = org AND h.shipment_id = d.shipment_id AND h.status = 'delivered'
		LEFT JOIN LATERAL (SELECT sum(x.quantity) AS units FROM usom.fulfillment_line x
			WHERE x.org_id = org AND x.sales_order_id = d.sales_order_id AND x.line_no = d.line_no AND x.shipment_id = d.shipment_id) f ON true
		WHERE d.org_id = org AND f.units IS DISTINCT FROM d.delivered;
	RETURN QUERY
		SELECT 'service', format('appointment %s', a.appointment_no), 'is for a line that nothing is left of', 'units to be done', '0'
		FROM usom.appointment a
		LEFT JOIN usom.order_line l ON l.org_id = org AND l.sales_order_id = a.sales_order_id AND l.line_no = a.line_no
		WHERE a.org_id = org AND a.status = 'booked' AND a.sales_order_id IS NOT NULL
			AND coalesce(l.quantity_open + l.quantity_backordered + l.quantity_reserved + l.quantity_released + l.quantity_picked + l.quantity_packed, 0) = 0;
	RETURN QUERY
		SELECT 'service', format('appointment %s', a.appointment_no), 'names no technician', '#' || a.technician_id, 'none'
		FROM usom.appointment a
		WHERE a.org_id = org AND NOT EXISTS (SELECT FROM usom.technician t WHERE t.org_id = org AND t.technician_id = a.technician_id);
	RETURN QUERY
		SELECT 'service', format('appointment %s', a.appointment_no), 'has a completion paper and is not done', 'done', a.status
		FROM usom.service_report r
		JOIN usom.appointment a ON a.org_id = org AND a.appointment_id = r.appointment_id
		WHERE r.org_id = org AND a.status <> 'done';
	RETURN QUERY
		SELECT 'service', format('appointments %s and %s', a.appointment_no, b.appointment_no), 'of one technician at one time', 'one', 'two'
		FROM usom.appointment a
		JOIN usom.appointment b ON b.org_id = org AND b.technician_id = a.technician_id AND b.appointment_id > a.appointment_id AND b.during && a.during AND b.status = 'booked'
		WHERE a.org_id = org AND a.status = 'booked';
END
$$;
COMMENT ON FUNCTION usom.verify_service() IS
'Pick-ups, drop shipments and appointments against the orders they belong to: what is ready is put aside, what suppliers delivered is what left and was received, no technician is booked twice, papers are of work that was done. One row a finding, none when all is well.
Example: SELECT * FROM usom.verify_service();';
