CREATE FUNCTION usom.block_lot(sku text, lot text, reason text)
RETURNS TABLE (sku text, lot text, taken_off numeric, served_again numeric, picked numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_block_lot'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.block_lot(text, text, text) IS
'A lot must not be used: nothing of it is promised, reserved or shipped from now on, and what orders keep of it is taken off it. Units that are reserved or released wait again and are served from other lots or places at once, as with count_stock(); events and exceptions tell. Units that are picked or packed do not leave, and are a case lot_blocked.
sku, lot: the lot. reason: why; it stands in usom.lots.
UPDATE usom.lot SET blocked = NULL makes it usable again; the same statement with a reason blocks it without taking anything off it.
Returns units taken off orders, how many units that waited were served from elsewhere, and units that are picked or packed.
Errors: US217 unknown lot, 22004 without a reason.
Example: SELECT * FROM usom.block_lot(''MILK'', ''L-17'', ''recalled by the dairy'');';

CREATE FUNCTION usom.recall(lot text, sku text DEFAULT NULL)
RETURNS TABLE (sku text, lot text, place text, location text, order_no text, line_no integer, customer text, status text,
	quantity numeric, shipment_no text, shipped_at timestamptz)
LANGUAGE sql STABLE
SET search_path = pg_catalog, usom, pg_temp SET jit = off
AS $$
	SELECT t.sku, t.lot, f.place, lo.code, o.order_no, f.line_no, cu.code, f.status, trim_scale(f.quantity), sh.shipment_no, sh.shipped_at
	FROM usom.lot t
	CROSS JOIN LATERAL (
		SELECT 'stock' AS place, s.location_id, NULL::bigint AS sales_order_id, NULL::integer AS line_no, NULL::text AS status,
			s.on_hand - s.reserved AS quantity, NULL::bigint AS shipment_id
		FROM usom.stock s
		WHERE s.org_id = t.org_id AND s.product_id = t.product_id AND s.lot = t.lot AND s.on_hand > s.reserved
		UNION ALL
		SELECT CASE WHEN p.status IN ('shipped', 'delivered') THEN 'customer' WHEN p.status = 'returned' THEN 'returned' ELSE 'order' END,
			p.location_id, p.sales_order_id, p.line_no, p.status::text, p.quantity, p.shipment_id
		FROM usom.fulfillment_line p
		WHERE p.org_id = t.org_id AND p.lot = t.lot AND p.product_id = t.product_id AND p.lot <> '' AND p.status <> 'cancelled'
	) f
	LEFT JOIN usom.location lo ON lo.org_id = t.org_id AND lo.location_id = f.location_id
	LEFT JOIN usom.sales_order o ON o.org_id = t.org_id AND o.sales_order_id = f.sales_order_id
	LEFT JOIN usom.customer cu ON cu.org_id = t.org_id AND cu.customer_id = o.customer_id
	LEFT JOIN usom.shipment sh ON sh.org_id = t.org_id AND sh.shipment_id = f.shipment_id
	WHERE format('%s%s', usom._check_card('lot', recall.lot), usom._check_card('sku', recall.sku)) = '' AND t.org_id = usom.current_org() AND t.lot = recall.lot AND t.sku = coalesce(recall.sku, t.sku)
	ORDER BY t.sku, f.place, sh.shipped_at, lo.code, o.order_no, f.line_no
$$;
COMMENT ON FUNCTION usom.recall(text, text) IS
'Where a lot is: what of it is free on which shelf (place stock), kept there for which orders (order), with which customers (customer), and what came back (returned). One query over indexes, whatever there is of orders. Changes nothing; usom.block_lot() stops the rest.
lot: its name. sku: product; null: of all products that have a lot of this name.
The customer is the code, null for a guest; addresses are in usom.orders by order_no, for those who may read them. A lot that was never there is nowhere.
Example: SELECT customer, order_no, quantity, shipped_at FROM usom.recall(''L-17'', ''MILK'') WHERE place = ''customer'';';
