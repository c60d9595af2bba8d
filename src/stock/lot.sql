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
