CREATE FUNCTION usom.verify_handover()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	PERFORM usom._check_installed();
	RETURN QUERY
		-- the status, told once more from the messages: line by line, in words
		WITH told AS (
			SELECT f.fulfillment_id, f.fulfillment_no, f.status,
				-- a message that came when nothing was left to tell tells no units
				ARRAY(SELECT m.kind FROM usom.fulfillment_message m WHERE m.org_id = org AND m.fulfillment_id = f.fulfillment_id
					AND (m.lines IS NOT NULL OR m.kind NOT IN ('picked', 'packed', 'shipped'))) AS kinds,
				NOT EXISTS (
					SELECT FROM jsonb_array_elements(f.lines) l
					WHERE (l->>'quantity')::numeric > (
						SELECT coalesce(sum((t->>'quantity')::numeric), 0) FROM usom.fulfillment_message m CROSS JOIN LATERAL jsonb_array_elements(m.lines) t
						WHERE m.org_id = org AND m.fulfillment_id = f.fulfillment_id AND t->'line_no' = l->'line_no'
							AND m.kind NOT IN ('accepted', 'picked', 'packed', 'cancel_refused'))) AS is_over
			FROM usom.fulfillment f WHERE f.org_id = org
		), said AS (
			SELECT t.*, CASE
				WHEN t.is_over AND 'shipped' = ANY (t.kinds) THEN 'shipped'
				WHEN t.is_over AND 'rejected' = ANY (t.kinds) THEN 'rejected'
				WHEN t.is_over AND t.kinds && ARRAY['cancelled', 'taken_back'] THEN 'cancelled'
				WHEN t.is_over THEN 'short'
				WHEN 'shipped' = ANY (t.kinds) THEN 'partially_shipped'
				WHEN 'packed' = ANY (t.kinds) THEN 'packed'
				WHEN 'picked' = ANY (t.kinds) THEN 'picked'
				WHEN 'accepted' = ANY (t.kinds) THEN 'accepted'
				ELSE 'sent' END AS must
			FROM told t
		)
		SELECT 'handover', s.fulfillment_no, 'status does not follow from the messages', s.must, s.status FROM said s WHERE s.must <> s.status
		UNION ALL
		SELECT 'handover', f.fulfillment_no, 'hand-over to an unknown location', 'a row of location', '#' || f.location_id
		FROM usom.fulfillment f WHERE f.org_id = org
			AND NOT EXISTS (SELECT FROM usom.location l WHERE l.org_id = org AND l.location_id = f.location_id)
		UNION ALL
		SELECT 'handover', f.fulfillment_no, 'message about another order', '#' || f.sales_order_id, '#' || m.sales_order_id
		FROM usom.fulfillment_message m JOIN usom.fulfillment f ON f.org_id = org AND f.fulfillment_id = m.fulfillment_id
		WHERE m.org_id = org AND m.sales_order_id <> f.sales_order_id
		UNION ALL
		SELECT 'handover', f.fulfillment_no, 'message names a shipment that is not there', 'a row of shipment', m.shipment_no
		FROM usom.fulfillment_message m JOIN usom.fulfillment f ON f.org_id = org AND f.fulfillment_id = m.fulfillment_id
		WHERE m.org_id = org AND m.shipment_no IS NOT NULL AND NOT EXISTS (
			SELECT FROM usom.shipment s WHERE s.org_id = org AND s.sales_order_id = m.sales_order_id AND s.shipment_no = m.shipment_no)
		UNION ALL
		SELECT 'handover', r.request_no, 'request to an unknown location', 'a row of location', '#' || r.location_id
		FROM usom.warehouse_request r WHERE r.org_id = org
			AND NOT EXISTS (SELECT FROM usom.location l WHERE l.org_id = org AND l.location_id = r.location_id);
END
$$;
COMMENT ON FUNCTION usom.verify_handover() IS
'Hand-overs to warehouses: their statuses follow from their messages, messages and requests name orders, shipments and locations that are there. Part of usom.verify(); empty when all is well.
Errors: US001. Example: SELECT * FROM usom.verify_handover();';
