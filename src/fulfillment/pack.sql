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
