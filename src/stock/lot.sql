CREATE FUNCTION usom._check_lot() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	IF TG_OP = 'UPDATE' AND (NEW.sku, NEW.product_id) IS DISTINCT FROM (OLD.sku, OLD.product_id) THEN
		RAISE EXCEPTION 'sku of lot "%" does not change', OLD.lot USING
			ERRCODE = 'US005', HINT = 'Add a new row with the value you want.';
	END IF;
	IF TG_OP = 'INSERT' THEN
		NEW.product_id := (SELECT p.product_id FROM usom.product p WHERE p.org_id = NEW.org_id AND p.sku = NEW.sku AND p.kind = 'physical');
	END IF;
	IF NEW.product_id IS NULL THEN
		RAISE EXCEPTION 'a lot names product "%", which is not stocked', NEW.sku USING
			ERRCODE = 'US006', HINT = 'INSERT INTO usom.product first, or correct the code.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_lot() IS 'Trigger BEFORE a lot is written: finds the key of its product, US006 if there is none; US005 for another product.';
REVOKE ALL ON FUNCTION usom._check_lot() FROM PUBLIC;

CREATE FUNCTION usom._lot_written() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__lot_written' LANGUAGE C
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._lot_written() IS 'Trigger AFTER a statement wrote lots: their stock, locked in its order, is usable as long as they are.';
REVOKE ALL ON FUNCTION usom._lot_written() FROM PUBLIC;

CREATE FUNCTION usom._check_tracking() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM usom.stock s WHERE s.org_id = NEW.org_id AND s.product_id = NEW.product_id AND s.on_hand > 0) THEN
		RAISE EXCEPTION 'tracking of product "%" does not change while it is in stock', NEW.sku USING
			ERRCODE = 'US216', DETAIL = format('It is %s; units on the shelf have no other names.', OLD.tracking),
			HINT = 'Take its stock to zero first, see usom.stock_position.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_tracking() IS 'Trigger BEFORE the tracking of a product changes: US216 while there is stock of it.';
REVOKE ALL ON FUNCTION usom._check_tracking() FROM PUBLIC;

CREATE FUNCTION usom.verify_lots() RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH shelf AS (
		SELECT s.product_id, s.location_id, s.lot, s.on_hand, s.usable_until, p.tracking, l.lot IS NOT NULL AS is_known,
			CASE WHEN l.blocked IS NOT NULL THEN '-infinity' ELSE l.expires_at END AS until
		FROM usom.stock s
		LEFT JOIN usom.product p ON p.org_id = s.org_id AND p.product_id = s.product_id
		LEFT JOIN usom.lot l ON l.org_id = s.org_id AND l.product_id = s.product_id AND l.lot = s.lot
		WHERE s.org_id = usom.current_org() AND (s.lot <> '' OR p.tracking <> 'none')
	), unit AS (
		SELECT u.product_id, u.location_id, count(*) AS units FROM usom.serial_unit u
		WHERE u.org_id = usom.current_org() AND u.status IN ('on_hand', 'reserved', 'picked')
		GROUP BY u.product_id, u.location_id
	), claim AS (
		SELECT u.sales_order_id, u.line_no, count(*) FILTER (WHERE u.status = 'shipped') AS shipped,
			count(*) FILTER (WHERE u.status <> 'shipped') AS kept, min(u.product_id) AS product_id, max(u.product_id) AS other_id
		FROM usom.serial_unit u
		WHERE u.org_id = usom.current_org() AND u.sales_order_id IS NOT NULL
		GROUP BY u.sales_order_id, u.line_no
	), finding AS (
		SELECT s.product_id, s.location_id, format('lot %s', s.lot) AS what, 'stock of a lot that is not known' AS problem, 'a row of lot' AS expected, NULL AS actual
		FROM shelf s WHERE s.lot <> '' AND NOT s.is_known
		UNION ALL
		SELECT s.product_id, s.location_id, format('lot %s', s.lot), 'stock is not usable as long as its lot', s.until::text, s.usable_until::text
		FROM shelf s WHERE s.usable_until IS DISTINCT FROM s.until
		UNION ALL
		SELECT s.product_id, s.location_id, NULL, 'units of a product that is tracked by lot have none', '0', trim_scale(s.on_hand)::text
		FROM shelf s WHERE s.tracking = 'lot' AND s.lot = '' AND s.on_hand > 0
		UNION ALL
		SELECT product_id, location_id, NULL, 'units on hand are not as many as serial numbers', coalesce(u.units, 0)::text, coalesce(trim_scale(s.on_hand), 0)::text
		FROM (SELECT s.product_id, s.location_id, sum(s.on_hand) AS on_hand FROM shelf s WHERE s.tracking = 'serial' GROUP BY s.product_id, s.location_id) s
		FULL JOIN unit u USING (product_id, location_id)
		WHERE coalesce(u.units, 0) <> coalesce(s.on_hand, 0)
		UNION ALL
		SELECT c.product_id, NULL, format('line %s of order %s', c.line_no, coalesce(o.order_no, '#' || c.sales_order_id)), 'a line has more serial numbers than units',
			format('%s kept, %s shipped', trim_scale(coalesce(l.quantity_reserved + l.quantity_released + l.quantity_picked + l.quantity_packed, 0)),
				trim_scale(coalesce(l.quantity_shipped + l.quantity_delivered, 0))), format('%s kept, %s shipped', c.kept, c.shipped)
		FROM claim c
		LEFT JOIN usom.order_line l ON l.org_id = usom.current_org() AND l.sales_order_id = c.sales_order_id AND l.line_no = c.line_no
		LEFT JOIN usom.sales_order o ON o.org_id = usom.current_org() AND o.sales_order_id = c.sales_order_id
		WHERE c.kept > coalesce(l.quantity_reserved + l.quantity_released + l.quantity_picked + l.quantity_packed, 0)
			OR c.shipped > coalesce(l.quantity_shipped + l.quantity_delivered, 0)
			OR l.product_id IS DISTINCT FROM c.product_id OR c.product_id <> c.other_id
	)
	SELECT 'lots', concat_ws(' ', coalesce(p.sku, 'product ' || f.product_id), 'at ' || coalesce(o.code, '#' || f.location_id), f.what), f.problem, f.expected, f.actual
	FROM finding f
	LEFT JOIN usom.product p ON p.org_id = usom.current_org() AND p.product_id = f.product_id
	LEFT JOIN usom.location o ON o.org_id = usom.current_org() AND o.location_id = f.location_id;
END
$$;
COMMENT ON FUNCTION usom.verify_lots() IS 'Lots and serial numbers against the stock: stock of a lot is usable as long as the lot says, products that are tracked have no units without a lot or number, on hand are as many units as numbers, and no line has more numbers than units. One row a finding, none when all is well. Example: SELECT * FROM usom.verify_lots();';
