CREATE FUNCTION usom._standard_mappings() RETURNS TABLE (code text, kind text, applies text, root text, lines text, problems text, envelope text[], priority integer, about text)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT * FROM (VALUES
	('shopify', 'order', 'exists ($.** ? (exists (@.financial_status)))', '$.** ? (exists (@.financial_status))', '$.line_items[*]', NULL, '{}'::text[], 100,
		'Orders of Shopify''s Admin API and webhooks, bare or below "order".'),
	('shopify_cancellation', 'cancellation', 'exists ($.** ? (exists (@.financial_status) && @.cancelled_at.type() == "string"))', '$.** ? (exists (@.financial_status))', NULL, NULL, '{}', 90,
		'The same with a cancelled_at.'),
	('woocommerce', 'order', 'exists ($.date_created_gmt) && $.line_items.type() == "array"', NULL, '$.line_items[*]', NULL, '{}', 100,
		'Orders of WooCommerce''s REST API, version 3.'),
	('magento', 'order', 'exists ($.increment_id) && $.items.type() == "array"', NULL, '$.items[*] ? (!exists (@.parent_item_id))', NULL, '{}', 100,
		'Orders of Magento''s REST API; what a configurable product was configured to goes with it.')
	) AS m
	UNION ALL SELECT * FROM usom._edi_mappings()
$$;
COMMENT ON FUNCTION usom._standard_mappings() IS 'The mappings that usom brings, for add_mapping().';
REVOKE ALL ON FUNCTION usom._standard_mappings() FROM PUBLIC;

CREATE FUNCTION usom._standard_fields() RETURNS TABLE (code text, target text, ordinal integer, source text, transforms text[], argument text, fallback text, required boolean)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT f.code, f.target, f.ordinal, f.source, f.transforms::text[], coalesce(f.argument, '{}'), f.fallback, f.required FROM (VALUES
	('shopify', 'external_id', 1, '$.id', '{trim}', NULL, NULL, true),
	('shopify', 'placed_at', 1, '$.created_at', '{date}', NULL, NULL, false),
	('shopify', 'currency', 1, '$.currency', '{currency}', NULL, NULL, true),
	('shopify', 'instructions', 1, '$.note', '{}', NULL, NULL, false),
	('shopify', 'payment.method', 1, '$.gateway', '{}', NULL, NULL, false),
	('shopify', 'payment.method', 2, '$.payment_gateway_names[0]', '{}', NULL, NULL, false),
	('shopify', 'ship_to.name', 1, '$.shipping_address.name', '{}', NULL, NULL, false),
	('shopify', 'ship_to.line1', 1, '$.shipping_address.address1', '{}', NULL, NULL, false),
	('shopify', 'ship_to.line2', 1, '$.shipping_address.address2', '{}', NULL, NULL, false),
	('shopify', 'ship_to.postcode', 1, '$.shipping_address.zip', '{trim}', NULL, NULL, false),
	('shopify', 'ship_to.city', 1, '$.shipping_address.city', '{}', NULL, NULL, false),
	('shopify', 'ship_to.region', 1, '$.shipping_address.province_code', '{upper}', NULL, NULL, false),
	('shopify', 'ship_to.country', 1, '$.shipping_address.country_code', '{upper}', NULL, NULL, false),
	('shopify', 'lines[].sku', 1, '$.sku', '{trim}', NULL, NULL, true),
	('shopify', 'lines[].quantity', 1, '$.quantity', '{number}', NULL, NULL, true),
	('shopify', 'lines[].unit_price', 1, '$.price', '{number}', NULL, NULL, true),
	('shopify_cancellation', 'external_id', 1, '$.id', '{trim}', NULL, NULL, true),
	('shopify_cancellation', 'reason', 1, '$.cancel_reason', '{}', NULL, '"cancelled in the shop"', false),
	('woocommerce', 'external_id', 1, '$.id', '{trim}', NULL, NULL, true),
	('woocommerce', 'placed_at', 1, '$.date_created_gmt', '{date}', '{"date": "YYYY-MM-DD\"T\"HH24:MI:SS"}', NULL, false),
	('woocommerce', 'currency', 1, '$.currency', '{currency}', NULL, NULL, true),
	('woocommerce', 'instructions', 1, '$.customer_note', '{}', NULL, NULL, false),
	('woocommerce', 'payment.method', 1, '$.payment_method', '{}', NULL, NULL, false),
	('woocommerce', 'payment.reference', 1, '$.transaction_id ? (@ != "")', '{}', NULL, NULL, false),
	('woocommerce', 'ship_to.name', 1, '$.shipping.first_name ? (@ != "")', '{join}', NULL, NULL, false),
	('woocommerce', 'ship_to.name', 2, '$.shipping.last_name ? (@ != "")', '{join}', NULL, NULL, false),
	('woocommerce', 'ship_to.line1', 1, '$.shipping.address_1', '{}', NULL, NULL, false),
	('woocommerce', 'ship_to.line2', 1, '$.shipping.address_2 ? (@ != "")', '{}', NULL, NULL, false),
	('woocommerce', 'ship_to.postcode', 1, '$.shipping.postcode', '{trim}', NULL, NULL, false),
	('woocommerce', 'ship_to.city', 1, '$.shipping.city', '{}', NULL, NULL, false),
	('woocommerce', 'ship_to.region', 1, '$.shipping.state ? (@ != "")', '{upper}', NULL, NULL, false),
	('woocommerce', 'ship_to.country', 1, '$.shipping.country ? (@ != "")', '{upper}', NULL, NULL, false),
	('woocommerce', 'lines[].sku', 1, '$.sku', '{trim}', NULL, NULL, true),
	('woocommerce', 'lines[].quantity', 1, '$.quantity', '{number}', NULL, NULL, true),
	('woocommerce', 'lines[].unit_price', 1, '$.price', '{number}', NULL, NULL, true),
	('magento', 'external_id', 1, '$.increment_id', '{trim}', NULL, NULL, true),
	('magento', 'placed_at', 1, '$.created_at', '{date}', '{"date": "YYYY-MM-DD HH24:MI:SS"}', NULL, false),
	('magento', 'currency', 1, '$.order_currency_code', '{currency}', NULL, NULL, true),
	('magento', 'payment.method', 1, '$.payment.method', '{}', NULL, NULL, false),
	('magento', 'ship_to.name', 1, '$.extension_attributes.shipping_assignments[0].shipping.address.firstname', '{join}', NULL, NULL, false),
	('magento', 'ship_to.name', 2, '$.extension_attributes.shipping_assignments[0].shipping.address.lastname', '{join}', NULL, NULL, false),
	('magento', 'ship_to.line1', 1, '$.extension_attributes.shipping_assignments[0].shipping.address.street[0]', '{}', NULL, NULL, false),
	('magento', 'ship_to.line2', 1, '$.extension_attributes.shipping_assignments[0].shipping.address.street[1]', '{}', NULL, NULL, false),
	('magento', 'ship_to.postcode', 1, '$.extension_attributes.shipping_assignments[0].shipping.address.postcode', '{trim}', NULL, NULL, false),
	('magento', 'ship_to.city', 1, '$.extension_attributes.shipping_assignments[0].shipping.address.city', '{}', NULL, NULL, false),
	('magento', 'ship_to.region', 1, '$.extension_attributes.shipping_assignments[0].shipping.address.region_code', '{upper}', NULL, NULL, false),
	('magento', 'ship_to.country', 1, '$.extension_attributes.shipping_assignments[0].shipping.address.country_id', '{upper}', NULL, NULL, false),
	('magento', 'lines[].sku', 1, '$.sku', '{trim}', NULL, NULL, true),
	('magento', 'lines[].quantity', 1, '$.qty_ordered', '{number}', NULL, NULL, true),
	('magento', 'lines[].unit_price', 1, '$.price', '{number}', NULL, NULL, true)
	) AS f (code, target, ordinal, source, transforms, argument, fallback, required)
	UNION ALL SELECT f.code, f.target, f.ordinal, f.source, f.transforms::text[], coalesce(f.argument, '{}'), f.fallback, f.required FROM usom._edi_fields() f
$$;
COMMENT ON FUNCTION usom._standard_fields() IS 'Fields of the mappings that usom brings, for add_mapping().';
REVOKE ALL ON FUNCTION usom._standard_fields() FROM PUBLIC;

CREATE FUNCTION usom.standard_mappings() RETURNS TABLE (code text, kind text, about text)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$SELECT m.code, m.kind, m.about FROM usom._standard_mappings() m ORDER BY m.code$$;
COMMENT ON FUNCTION usom.standard_mappings() IS
'Formats that usom brings mappings for.
Example: SELECT * FROM usom.standard_mappings();';

CREATE FUNCTION usom.add_mapping(code text, channel text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	added bigint;
BEGIN
	PERFORM usom._check_card('code', add_mapping.code);
	PERFORM usom._check_card('channel', add_mapping.channel);
	INSERT INTO usom.mapping (code, version, channel, kind, applies, root, lines, problems, envelope, priority)
	SELECT m.code, 1 + coalesce((SELECT max(x.version) FROM usom.mapping x WHERE x.org_id = usom.current_org() AND x.code = m.code), 0), add_mapping.channel, m.kind,
		m.applies::jsonpath, m.root::jsonpath, m.lines::jsonpath, m.problems::jsonpath, m.envelope, m.priority
	FROM usom._standard_mappings() m WHERE m.code = add_mapping.code
	RETURNING mapping_id INTO added;
	IF added IS NULL THEN
		RAISE EXCEPTION 'usom brings no mapping "%"', add_mapping.code USING ERRCODE = 'US823', HINT = 'Take one of usom.standard_mappings(), or INSERT INTO usom.mapping.';
	END IF;
	INSERT INTO usom.mapping_field (mapping_id, target, ordinal, source, transforms, argument, fallback, required)
	SELECT added, f.target, f.ordinal, f.source::jsonpath, f.transforms, f.argument::jsonb, f.fallback::jsonb, f.required
	FROM usom._standard_fields() f WHERE f.code = add_mapping.code;
	INSERT INTO usom.mapping_value (list, source, target)
	SELECT v.list, v.source, v.target FROM usom._edi_values() v
	WHERE v.list IN (SELECT coalesce(f.argument::jsonb ->> 'lookup', 'unit') FROM usom._standard_fields() f WHERE f.code = add_mapping.code AND f.transforms && '{lookup,unit}')
	ON CONFLICT (org_id, list, source) DO NOTHING;
	RETURN added;
END
$$;
COMMENT ON FUNCTION usom.add_mapping(text, text) IS
'Add a mapping that usom brings, as rows to be changed at will, with the words of its lists that are not there yet; again: a newer version beside it.
code: one of usom.standard_mappings(). channel: for its payloads alone; null: for all.
Returns its key.
Errors: US823 unknown mapping, 42501 without the right to write usom.mapping.
Example: SELECT usom.add_mapping(''shopify'', ''web'');';
