CREATE FUNCTION usom.convert_pre_orders(sku text DEFAULT NULL)
RETURNS TABLE (order_no text, line_no integer, quantity numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_convert_pre_orders'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.convert_pre_orders(text) IS
'From the release on: give stock to what was ordered before it, by priority of the orders, then oldest first. An offer of which nothing waits any more ends.
sku: of one product; null: of all that are released.
New orders of the product get only what these leave, whether this runs early or late; fill_backorders() serves them, too, and tick() calls it for all.
Returns a row per line that got stock, with the units it got.
Errors: US006 unknown sku.
Example: SELECT * FROM usom.convert_pre_orders(''85123A'');';

CREATE FUNCTION usom._convert_pre_orders(org_id bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	before text := current_setting('usom.org');
	lines bigint := 0;
BEGIN
	IF EXISTS (SELECT FROM usom.pre_order_offer f WHERE f.org_id = $1 AND f.ended_at IS NULL AND f.release_at <= statement_timestamp()) THEN
		PERFORM set_config('usom.org', (SELECT o.code FROM usom.organisation o WHERE o.org_id = $1), true);
		SELECT count(*) INTO lines FROM usom.convert_pre_orders();
		PERFORM set_config('usom.org', before, true);
	END IF;
	RETURN lines;
END
$$;
COMMENT ON FUNCTION usom._convert_pre_orders(bigint) IS 'convert_pre_orders() for an organisation, if there is anything to convert: part of tick(). Returns the number of lines that got stock.';
REVOKE ALL ON FUNCTION usom._convert_pre_orders(bigint) FROM PUBLIC;
