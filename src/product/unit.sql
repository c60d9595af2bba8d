-- Quantities in other units than the product's own.
CREATE FUNCTION usom._unit_of(org bigint, product_sku text, named text, OUT quantity numeric, OUT per numeric)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	PERFORM usom._check_card('unit', named);
	SELECT 1, 1 INTO quantity, per FROM usom.product p WHERE p.org_id = org AND p.sku = product_sku AND p.unit = named;
	IF NOT FOUND THEN
		SELECT u.quantity, u.per INTO quantity, per FROM usom.product_unit u WHERE u.org_id = org AND u.sku = product_sku AND u.unit = named AND u.active;
	END IF;
	IF quantity IS NULL THEN
		RAISE EXCEPTION 'product "%" has no unit "%"', product_sku, named USING
			ERRCODE = 'US221', DETAIL = 'Units are the product''s own and the active ones of usom.product_unit.',
			HINT = format('Name one of usom.product_units, or INSERT INTO usom.product_unit (sku, unit, quantity) VALUES (%L, %L, ...).', product_sku, named);
	END IF;
END
$$;
COMMENT ON FUNCTION usom._unit_of(bigint, text, text) IS 'What a unit of a product is: so many of the product''s own are so many of it. US221 if it has none of this name.';
REVOKE ALL ON FUNCTION usom._unit_of(bigint, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._unit_of(bigint, text, text) TO PUBLIC;

CREATE FUNCTION usom.convert_quantity(sku text, quantity numeric, unit text, to_unit text DEFAULT NULL) RETURNS numeric
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
	own text;
	above numeric;
	below numeric;
	converted numeric;
BEGIN
	PERFORM usom._check_card('unit', convert_quantity.unit);
	PERFORM usom._check_card('to_unit', convert_quantity.to_unit);
	SELECT p.unit INTO own FROM usom.product p WHERE p.org_id = org AND p.product_id = usom.product_id(convert_quantity.sku);
	SELECT a.quantity * b.per, a.per * b.quantity INTO above, below
	FROM usom._unit_of(org, sku, unit) a, usom._unit_of(org, sku, coalesce(to_unit, own)) b;
	converted := round(quantity * above / below, 6);
	IF converted * below <> quantity * above THEN
		RAISE EXCEPTION '% % of product "%" are no exact number of %', trim_scale(quantity), unit, sku, coalesce(to_unit, own) USING
			ERRCODE = 'US220', DETAIL = format('They would be about %s; quantities have six decimals.', converted),
			HINT = 'Ask for a quantity that comes out, or for another unit.';
	END IF;
	RETURN trim_scale(converted);
END
$$;
COMMENT ON FUNCTION usom.convert_quantity(text, numeric, text, text) IS
'A quantity of a product in another unit, exactly.
sku, quantity, unit: so many of this unit; the product''s own or one of usom.product_units. to_unit: the unit of the answer; null: the product''s own.
Errors: US006 unknown product, US221 the product has no such unit, US220 it does not come out in six decimals.
Example: SELECT usom.convert_quantity(''85123A'', 2, ''box''); -- 24';
