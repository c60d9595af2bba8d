CREATE FUNCTION usom.product_id(sku text) RETURNS bigint
	AS 'MODULE_PATHNAME', 'usom_product_id' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.product_id(text) IS 'Key of a product of the caller''s organisation. Errors: US001, US006. Example: SELECT usom.product_id(''85123A'');';

CREATE FUNCTION usom._check_kit_component() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	kit record;
BEGIN
	SELECT p.sku, p.kind INTO kit FROM usom.product p WHERE p.org_id = NEW.org_id AND p.product_id = NEW.kit_product_id;
	IF kit.kind IS DISTINCT FROM 'kit' THEN
		RAISE EXCEPTION 'product "%" is no kit', coalesce(kit.sku, '#' || NEW.kit_product_id) USING
			ERRCODE = 'US114', DETAIL = format('Its kind is %s; only kits have components.', coalesce(kit.kind, 'unknown')),
			HINT = 'INSERT INTO usom.product (sku, kind) VALUES (''...'', ''kit''); the kind of a product does not change.';
	END IF;
	-- one after the other, so that two of them do not make a circle together
	PERFORM pg_advisory_xact_lock(hashtextextended('usom.kit_component', NEW.org_id));
	IF EXISTS (
		WITH RECURSIVE inside (product_id) AS (
			SELECT NEW.component_product_id
			UNION
			SELECT c.component_product_id
			FROM inside i JOIN usom.kit_component c ON c.org_id = NEW.org_id AND c.kit_product_id = i.product_id
		)
		SELECT FROM inside i WHERE i.product_id = NEW.kit_product_id
	) THEN
		RAISE EXCEPTION 'kit "%" would be a part of itself', kit.sku USING ERRCODE = 'US114',
			DETAIL = format('Its component "%s" is the kit or is made of it.', (SELECT p.sku FROM usom.product p WHERE p.org_id = NEW.org_id AND p.product_id = NEW.component_product_id)),
			HINT = 'Kits may be in kits, but never in a circle.';
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION usom._check_kit_component() IS 'Trigger AFTER a component of a kit is written: US114 unless the one is a kit and the other is not made of it.';
REVOKE ALL ON FUNCTION usom._check_kit_component() FROM PUBLIC;
