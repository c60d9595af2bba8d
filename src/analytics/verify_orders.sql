-- Kits: recomputed by a reading of the words; src/order/kit.c computes them while orders change.
CREATE FUNCTION usom.verify_kits()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'orders', format('order %s line %s', coalesce(o.order_no, '#' || r.sales_order_id), r.line_no), r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT c.sales_order_id, c.line_no, CASE
				WHEN k.line_no IS NULL THEN ARRAY['component of an unknown kit', 'a line with number ' || c.kit_line_no, 'none']
				WHEN k.kit_line_no IS DISTINCT FROM k.line_no THEN ARRAY['component of a line that is no kit', k.line_no::text, coalesce(k.kit_line_no::text, 'none')]
				WHEN c.line_no < k.line_no THEN ARRAY['component comes before its kit', 'above ' || k.line_no, c.line_no::text]
				WHEN c.kit_quantity IS NULL THEN ARRAY['component without units for a kit', 'a quantity', 'none']
				WHEN c.quantity <> k.quantity * c.kit_quantity THEN
					ARRAY['units are not those of the kits', trim_scale(k.quantity * c.kit_quantity)::text, trim_scale(c.quantity)::text]
				WHEN c.quantity_cancelled <> k.quantity_cancelled * c.kit_quantity THEN
					ARRAY['units cancelled are not those of the kits cancelled', trim_scale(k.quantity_cancelled * c.kit_quantity)::text, trim_scale(c.quantity_cancelled)::text]
				WHEN c.unit_price <> 0 THEN ARRAY['component has a price', '0', trim_scale(c.unit_price)::text]
			END AS wrong
			FROM usom.order_line c
			LEFT JOIN usom.order_line k ON k.org_id = org AND k.sales_order_id = c.sales_order_id AND k.line_no = c.kit_line_no
			WHERE c.org_id = org AND c.kit_line_no <> c.line_no
		) r
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = r.sales_order_id
		WHERE r.wrong IS NOT NULL;
	RETURN QUERY
		SELECT 'orders', format('order %s line %s', coalesce(o.order_no, '#' || r.sales_order_id), r.line_no), r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT k.sales_order_id, k.line_no, CASE
				WHEN k.kit_quantity IS NOT NULL THEN ARRAY['kit is a component of itself', 'none', trim_scale(k.kit_quantity)::text]
				WHEN c.kits IS NULL THEN ARRAY['kit without lines for its components', 'at least 1', '0']
				WHEN c.kits <> c.kept THEN
					ARRAY['kit is not as far as its components (open, backordered, reserved, released, picked, packed, shipped, delivered, returned)', c.kits::text, c.kept::text]
			END AS wrong
			FROM usom.order_line k
			CROSS JOIN LATERAL (
				-- kits that got at least so far are as many as every component has units for, less those that got further
				SELECT array_agg(trim_scale(g.kits - g.further) ORDER BY g.state) AS kits, array_agg(trim_scale(g.kept) ORDER BY g.state) AS kept
				FROM (
					SELECT a.state, a.kits, a.kept, coalesce(lead(a.kits) OVER (ORDER BY a.state), 0) AS further
					FROM (
						SELECT s.state, s.kept, min(floor((SELECT sum(x) FROM unnest(u.units[s.state:]) AS x) / u.kit_quantity)) AS kits
						FROM unnest(ARRAY[k.quantity_open, k.quantity_backordered, k.quantity_reserved, k.quantity_released, k.quantity_picked,
							k.quantity_packed, k.quantity_shipped, k.quantity_delivered, k.quantity_returned]) WITH ORDINALITY AS s (kept, state)
						CROSS JOIN LATERAL (
							SELECT l.kit_quantity, ARRAY[l.quantity_open, l.quantity_backordered, l.quantity_reserved, l.quantity_released, l.quantity_picked,
								l.quantity_packed, l.quantity_shipped, l.quantity_delivered, l.quantity_returned]::numeric[] AS units
							FROM usom.order_line l
							WHERE l.org_id = org AND l.sales_order_id = k.sales_order_id AND l.kit_line_no = k.line_no AND l.line_no <> k.line_no
						) u
						GROUP BY s.state, s.kept
					) a
				) g
			) c
			WHERE k.org_id = org AND k.kit_line_no = k.line_no
		) r
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = r.sales_order_id
		WHERE r.wrong IS NOT NULL;
	RETURN QUERY
		SELECT 'orders', format('order %s line %s', o.order_no, l.line_no), 'kit was never taken apart', 'lines for its components', 'none'
		FROM usom.product p
		JOIN usom.order_line l ON l.org_id = org AND l.product_id = p.product_id AND l.kit_line_no IS NULL
		JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = l.sales_order_id AND o.status NOT IN ('draft', 'cancelled')
		WHERE p.org_id = org AND p.kind = 'kit';
	RETURN QUERY
		SELECT 'products', 'kit ' || k.sku, r.problem, r.expected, r.actual
		FROM usom.kit_component c
		JOIN usom.product k ON k.org_id = org AND k.product_id = c.kit_product_id
		CROSS JOIN LATERAL (
			SELECT 'components of a product that is no kit' AS problem, 'kit' AS expected, k.kind AS actual WHERE k.kind <> 'kit'
			UNION ALL
			SELECT 'kit is a part of itself', 'none', k.sku
			WHERE EXISTS (
				WITH RECURSIVE inside (product_id) AS (
					SELECT c.component_product_id
					UNION
					SELECT d.component_product_id FROM inside i JOIN usom.kit_component d ON d.org_id = org AND d.kit_product_id = i.product_id
				)
				SELECT FROM inside i WHERE i.product_id = k.product_id
			)
		) r
		WHERE c.org_id = org;
END
$$;
COMMENT ON FUNCTION usom.verify_kits() IS
'Kits recomputed: units of components are those of the kits, ordered and cancelled; a kit is as far as its components are; every kit was taken apart; no kit is a part of itself. Part of verify_orders(); empty when all is well.
Example: SELECT * FROM usom.verify_kits();';

-- Approvals: what was answered is what the order says; by whom; and the holds.
CREATE FUNCTION usom.verify_approvals()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'approvals', format('order %s, %s', coalesce(o.order_no, '#' || a.sales_order_id), a.queue), 'what was asked about is not what the order says',
			encode(usom._order_content(a.sales_order_id), 'hex'), encode(a.content, 'hex')
		FROM usom.approval a
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = a.sales_order_id
		WHERE a.org_id = org AND a.status <> 'void' AND usom._order_content(a.sales_order_id) IS DISTINCT FROM a.content;
	RETURN QUERY
		SELECT 'approvals', 'order ' || o.order_no, 'waits for an answer without a hold', 'an active hold of type approval', 'none'
		FROM usom.sales_order o
		WHERE o.org_id = org AND o.status IN ('submitted', 'confirmed', 'processing', 'partially_shipped')
			AND EXISTS (SELECT FROM usom.approval a WHERE a.org_id = org AND a.sales_order_id = o.sales_order_id AND a.status IN ('pending', 'declined'))
			AND NOT EXISTS (SELECT FROM usom.hold h WHERE h.org_id = org AND h.sales_order_id = o.sales_order_id AND h.hold_type = 'approval'
				AND h.released_at IS NULL AND h.expires_at IS NULL);
	RETURN QUERY
		SELECT DISTINCT 'approvals', format('order %s, %s', o.order_no, a.queue), 'decided by whoever had a hand in the order', 'somebody else', a.decided_by
		FROM usom.approval a
		JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = a.sales_order_id
		JOIN usom.order_history d ON d.org_id = org AND d.sales_order_id = a.sales_order_id AND d.event IN ('approve', 'decline')
			AND a.queue = ANY (string_to_array(d.reference, ', '))
		JOIN usom.order_history h ON h.org_id = org AND h.sales_order_id = a.sales_order_id AND h.version < d.version
			AND h.event IN ('create', 'place', 'submit', 'change', 'substitute', 'override', 'reprice', 'break_glass')
		WHERE a.org_id = org AND a.status IN ('approved', 'declined') AND NOT a.automatic
			AND CASE WHEN a.apart_by = 'app_user' AND a.decided_for <> '' AND h.app_user <> '' THEN h.app_user = a.decided_for
				ELSE h.actor = a.decided_by OR (h.app_user <> '' AND h.app_user = a.decided_for) END;
END
$$;
COMMENT ON FUNCTION usom.verify_approvals() IS
'Approvals whose digest is not that of what the order says, orders that wait for an answer without being held, and answers of people who placed or changed the order themselves. Part of verify_orders(); empty when all is well.
Example: SELECT * FROM usom.verify_approvals();';

CREATE FUNCTION usom.verify_orders()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT * FROM usom.verify_counters()
	UNION ALL SELECT * FROM usom.verify_statuses()
	UNION ALL SELECT * FROM usom.verify_history()
	UNION ALL SELECT * FROM usom.verify_references()
	UNION ALL SELECT * FROM usom.verify_pieces()
	UNION ALL SELECT * FROM usom.verify_kits()
	UNION ALL SELECT * FROM usom.verify_approvals();
END
$$;
COMMENT ON FUNCTION usom.verify_orders() IS
'All about orders that is kept, recomputed: verify_counters(), verify_statuses(), verify_history(), verify_references(), verify_pieces(), verify_kits(), verify_approvals(). Empty when all is well.
Example: SELECT * FROM usom.verify_orders();';
