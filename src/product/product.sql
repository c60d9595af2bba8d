CREATE FUNCTION usom.product_id(sku text) RETURNS bigint
	AS 'MODULE_PATHNAME', 'usom_product_id' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.product_id(text) IS 'Key of a product of the caller''s organisation. Errors: US001, US006. Example: SELECT usom.product_id(''85123A'');';
