-- Papers of the warehouse as JSON, and what is kept of packages and shipments, recomputed.

CREATE FUNCTION usom.packing_slip(shipment_no text) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	the record;
	gift boolean;
BEGIN
	PERFORM usom._check_card('shipment_no', packing_slip.shipment_no);
	PERFORM usom._check_installed();
	SELECT s.org_id, s.shipment_id, s.sales_order_id, v.*, o.ship_to, o.instructions, o.currency, o.external_id INTO the
	FROM usom.shipment s JOIN usom.shipments v ON v.shipment_no = s.shipment_no JOIN usom.orders o ON o.order_no = v.order_no
	WHERE s.org_id = usom.current_org() AND s.shipment_no = packing_slip.shipment_no;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no shipment "%"', packing_slip.shipment_no USING ERRCODE = 'US602', HINT = 'Look it up in usom.shipments.';
	END IF;
	gift := EXISTS (
		SELECT FROM usom.gift_wrap w JOIN usom.fulfillment_line f ON f.org_id = w.org_id AND f.sales_order_id = w.sales_order_id AND f.line_no = w.line_no
		WHERE w.org_id = the.org_id AND w.sales_order_id = the.sales_order_id AND f.shipment_id = the.shipment_id);
	RETURN jsonb_build_object('shipment_no', the.shipment_no, 'order_no', the.order_no, 'external_id', the.external_id, 'status', the.status,
		'location', the.location, 'carrier', the.carrier, 'service', the.service, 'tracking', the.tracking, 'shipped_at', the.shipped_at,
		'ship_to', the.ship_to, 'instructions', the.instructions, 'gift', gift, 'currency', CASE WHEN NOT gift THEN the.currency END,
		'lines', (
			SELECT coalesce(jsonb_agg(jsonb_build_object('line_no', l.line_no, 'sku', l.sku, 'name', l.name, 'quantity', trim_scale(l.units),
				'lot', l.lot, 'package_no', l.package_no, 'gift_wrap', l.style, 'unit_price', CASE WHEN NOT gift THEN trim_scale(l.unit_price) END)
				ORDER BY l.line_no, l.package_no, l.lot), '[]')
			FROM (
				SELECT f.line_no, p.sku, p.name, nullif(f.lot, '') AS lot, k.package_no, w.style, t.unit_price, sum(f.quantity) AS units
				FROM usom.fulfillment_line f
				JOIN usom.order_line t ON t.org_id = f.org_id AND t.sales_order_id = f.sales_order_id AND t.line_no = f.line_no
				JOIN usom.product p ON p.org_id = f.org_id AND p.product_id = f.product_id
				LEFT JOIN usom.package k ON k.org_id = f.org_id AND k.package_id = f.package_id
				LEFT JOIN usom.gift_wrap w ON w.org_id = f.org_id AND w.sales_order_id = f.sales_order_id AND w.line_no = f.line_no
				WHERE f.org_id = the.org_id AND f.sales_order_id = the.sales_order_id AND f.shipment_id = the.shipment_id
				GROUP BY 1, 2, 3, 4, 5, 6, 7) l),
		'to_follow', (
			SELECT coalesce(jsonb_agg(jsonb_build_object('line_no', l.line_no, 'sku', l.sku, 'quantity', l.units) ORDER BY l.line_no), '[]')
			FROM (
				SELECT v.line_no, v.sku, v.quantity - v.quantity_cancelled - v.quantity_shipped - v.quantity_delivered - v.quantity_returned AS units
				FROM usom.order_lines v WHERE v.order_no = the.order_no) l
			WHERE l.units > 0));
END
$$;
COMMENT ON FUNCTION usom.packing_slip(text) IS
'The packing slip of a shipment as JSON: what is in it by line, lot and package, where it goes, and what of the order is to follow. Where a line is a gift, it names no prices.
shipment_no: as ship() gave it. The address is as full as the caller may read it.
Errors: US602 unknown shipment.
Example: SELECT jsonb_pretty(usom.packing_slip(''SH-000001''));';

CREATE FUNCTION usom.shipping_label(package_no text) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	the record;
	answer jsonb;
BEGIN
	PERFORM usom._check_card('package_no', shipping_label.package_no);
	PERFORM usom._check_installed();
	SELECT k.* INTO the FROM usom.packages k WHERE k.package_no = shipping_label.package_no;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no package "%"', shipping_label.package_no USING ERRCODE = 'US622', HINT = 'Look it up in usom.packages.';
	END IF;
	SELECT jsonb_build_object('package_no', the.package_no, 'order_no', the.order_no, 'shipment_no', the.shipment_no, 'carrier', s.carrier,
		'service', s.service, 'tracking', the.tracking, 'location', the.location, 'ship_to', o.ship_to, 'packaging', the.packaging, 'weight', the.weight,
		'number', (SELECT count(*) FROM usom.packages k WHERE k.order_no = the.order_no AND k.shipment_no = the.shipment_no AND k.package_no <= the.package_no),
		'of', (SELECT count(*) FROM usom.packages k WHERE k.order_no = the.order_no AND k.shipment_no = the.shipment_no),
		'handling', (
			SELECT coalesce(jsonb_agg(jsonb_build_object('code', c.code, 'name', c.name,
				'temperature_from', c.temperature_from, 'temperature_to', c.temperature_to) ORDER BY c.code), '[]')
			FROM usom.handling_class c WHERE c.org_id = usom.current_org() AND c.code = ANY (the.handling)))
	INTO answer
	FROM usom.orders o LEFT JOIN usom.shipments s ON s.shipment_no = the.shipment_no
	WHERE o.order_no = the.order_no;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION usom.shipping_label(text) IS
'What stands on the label of a package, as JSON: where it goes, by whom, its weight (kilograms) and how it wants to be handled; number and of count the packages of its shipment, 0 before it has left.
package_no: as pack() gave it. The address is as full as the caller may read it.
Errors: US622 unknown package.
Example: SELECT usom.shipping_label(''PK-000001'');';

CREATE FUNCTION usom.manifest_sheet(manifest_no text) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	answer jsonb;
BEGIN
	PERFORM usom._check_card('manifest_no', manifest_sheet.manifest_no);
	PERFORM usom._check_installed();
	SELECT jsonb_build_object('manifest_no', m.manifest_no, 'location', m.location, 'carrier', m.carrier, 'closed_at', m.closed_at,
		'packages', sum(m.packages), 'weight', sum(m.weight),
		'shipments', jsonb_agg(jsonb_build_object('shipment_no', m.shipment_no, 'order_no', m.order_no, 'service', m.service, 'tracking', m.tracking,
			'packages', m.packages, 'weight', m.weight) ORDER BY m.shipment_no))
	INTO answer
	FROM usom.manifests m
	WHERE m.manifest_no = manifest_sheet.manifest_no
	GROUP BY m.manifest_no, m.location, m.carrier, m.closed_at;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no manifest "%"', manifest_sheet.manifest_no USING ERRCODE = 'US627', HINT = 'Look it up in usom.manifests.';
	END IF;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION usom.manifest_sheet(text) IS
'A closed manifest as JSON: its shipments, with packages and weight (kilograms), and their sums.
manifest_no: as close_manifest() gave it.
Errors: US627 unknown manifest.
Example: SELECT usom.manifest_sheet(''MF-000001'');';

CREATE FUNCTION usom.verify_parcels()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'parcels', 'package ' || coalesce(r.package_no, '#' || r.package_id), r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT k.package_no, f.package_id, CASE
				WHEN k.package_id IS NULL THEN ARRAY['units in an unknown package', 'a row of package', '#' || f.package_id]
				WHEN f.first_order <> k.sales_order_id OR f.last_order <> k.sales_order_id THEN
					ARRAY['units of another order in a package', '#' || k.sales_order_id, '#' || f.last_order]
				WHEN f.first_location <> k.location_id OR f.last_location <> k.location_id THEN
					ARRAY['units of another location in a package', '#' || k.location_id, '#' || f.last_location]
				WHEN k.unpacked_at IS NOT NULL THEN ARRAY['units in a package that was unpacked', '0', trim_scale(f.units)::text]
				WHEN k.shipment_id IS NULL AND f.left_units > 0 THEN ARRAY['units left out of a package that has not', '0', trim_scale(f.left_units)::text]
				WHEN k.shipment_id IS NOT NULL AND f.left_units < f.units THEN
					ARRAY['units stayed of a package that left', '0', trim_scale(f.units - f.left_units)::text]
				WHEN k.shipment_id IS NOT NULL AND (f.first_shipment <> k.shipment_id OR f.last_shipment <> k.shipment_id) THEN
					ARRAY['units left with another shipment than their package', '#' || k.shipment_id, '#' || f.last_shipment]
				WHEN f.no_goods > 0 THEN ARRAY['units in a package that are not packed', '0', trim_scale(f.no_goods)::text]
			END AS wrong
			FROM (
				SELECT k.package_id, min(k.sales_order_id) AS first_order, max(k.sales_order_id) AS last_order, min(k.location_id) AS first_location,
					max(k.location_id) AS last_location, min(k.shipment_id) AS first_shipment, max(k.shipment_id) AS last_shipment, sum(k.quantity) AS units,
					coalesce(sum(k.quantity) FILTER (WHERE k.shipment_id IS NOT NULL), 0) AS left_units,
					coalesce(sum(k.quantity) FILTER (WHERE k.status NOT IN ('packed', 'shipped', 'delivered', 'returned')), 0) AS no_goods
				FROM usom.fulfillment_line k
				WHERE k.org_id = org AND k.package_id IS NOT NULL
				GROUP BY k.package_id
			) f
			LEFT JOIN usom.package k ON k.org_id = org AND k.package_id = f.package_id
		) r
		WHERE r.wrong IS NOT NULL;
	RETURN QUERY
		SELECT 'parcels', 'shipment ' || r.shipment_no, r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT s.shipment_no, CASE
				WHEN s.manifest_id IS NOT NULL AND m.manifest_id IS NULL THEN ARRAY['shipment on an unknown manifest', 'a row of manifest', '#' || s.manifest_id]
				WHEN m.location_id <> s.location_id OR m.carrier IS DISTINCT FROM s.carrier AND m.manifest_id IS NOT NULL THEN
					ARRAY['shipment on the manifest of another location or carrier', m.carrier, s.carrier]
				WHEN s.manifest_id IS NOT NULL AND s.status = 'voided' THEN ARRAY['void shipment on a manifest', 'none', m.manifest_no]
				WHEN s.told_at IS DISTINCT FROM e.told_at AND e.told_at IS NOT NULL AND s.told_at IS NULL THEN
					ARRAY['shipment does not know what its carrier said', e.told_at::text, NULL]
			END AS wrong
			FROM usom.shipment s
			LEFT JOIN usom.manifest m ON m.org_id = org AND m.manifest_id = s.manifest_id
			LEFT JOIN (
				SELECT e.shipment_id, max(e.occurred_at) AS told_at FROM usom.tracking_event e WHERE e.org_id = org AND e.counted GROUP BY e.shipment_id
			) e ON e.shipment_id = s.shipment_id
			WHERE s.org_id = org
		) r
		WHERE r.wrong IS NOT NULL;
END
$$;
COMMENT ON FUNCTION usom.verify_parcels() IS
'Packages against the pieces that are in them, and shipments against manifests and what carriers said. Empty when all is well.
Example: SELECT * FROM usom.verify_parcels();';
