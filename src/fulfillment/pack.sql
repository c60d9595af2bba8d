CREATE FUNCTION usom._check_handling() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown text := CASE WHEN NEW.handling <> '{}' THEN (SELECT h.code FROM unnest(NEW.handling) AS h (code)
		WHERE NOT EXISTS (SELECT FROM usom.handling_class c WHERE c.org_id = NEW.org_id AND c.code = h.code) LIMIT 1) END;
BEGIN
	IF unknown IS NOT NULL THEN
		RAISE EXCEPTION '% "%" names handling class "%", which does not exist', TG_TABLE_NAME, to_jsonb(NEW)->>TG_ARGV[0], unknown USING
			ERRCODE = 'US006', DETAIL = 'Codes of handling classes are looked up when they are written.',
			HINT = 'INSERT INTO usom.handling_class first, or correct the code.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_handling() IS 'Trigger BEFORE a product or packaging is written: US006 for handling classes that nobody has. Argument: the column with the code.';
REVOKE ALL ON FUNCTION usom._check_handling() FROM PUBLIC;

CREATE FUNCTION usom.pack(order_no text, lines jsonb DEFAULT NULL, packaging text DEFAULT NULL, location text DEFAULT NULL, weight numeric DEFAULT NULL, tracking text DEFAULT NULL, package_no text DEFAULT NULL)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_pack'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.pack(text, jsonb, text, text, numeric, text, text) IS
'Pack units of an order that are released or picked, at one location, into a package. Units that are picked go first.
order_no: the order. lines: [{"line_no": 1, "quantity": 2}], in units of the product, "lot" names one; null: all that is there. packaging: code of usom.packaging; null: nothing is said. location: where; null: where the units are, if that is one place. weight: kilograms as weighed. tracking: the carrier''s number of the package. package_no: a package to put them into that has not left; null: a new one.
Returns the number of the package. usom.package_lines shows what is in it.
Errors: US105 unknown order, US106 unknown line, US108 unreadable lines, US006 unknown location or packaging, US603 nothing is there to be packed, US621 more than is released or picked, or at several locations, US622 unknown package, US623 it has left or was unpacked, US624 too much for the packaging, or not as handling classes ask.
Example: SELECT usom.pack(''SO-000001'', ''[{"line_no": 1, "quantity": 2}]'', ''BOX-M'', weight => 1.2);';

CREATE FUNCTION usom.unpack(package_no text, reason text DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_unpack'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.unpack(text, text) IS
'Take all units out of a package that has not left: they are picked again. A package that was unpacked before is left as it is.
package_no: as pack() gave it. reason: kept in the audit.
Returns the status and version of the order.
Errors: US622 unknown package, US623 it was shipped.
Example: SELECT * FROM usom.unpack(''PK-000001'', ''wrong box'');';

CREATE FUNCTION usom.wrap_gift(order_no text, line_no integer, style text DEFAULT 'standard')
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_wrap_gift'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.wrap_gift(text, integer, text) IS
'Have a line wrapped as a gift: usom.package_lines and the packing slip say so, and a slip with a gift shows no prices.
order_no: the order. line_no: a line of which nothing is packed yet. style: the paper; null: no gift any more.
Returns the status and version of the order.
Errors: US105 unknown order, US106 unknown line, US104 some of it is packed or has left, US101 the order has ended.
Example: SELECT * FROM usom.wrap_gift(''SO-000001'', 1, ''birthday'');';
