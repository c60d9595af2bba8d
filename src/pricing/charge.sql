CREATE FUNCTION usom._check_freight_charge() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	IF NEW.channel IS NOT NULL AND NOT EXISTS (SELECT FROM usom.channel c WHERE c.org_id = NEW.org_id AND c.code = NEW.channel) THEN
		RAISE EXCEPTION 'a freight charge names channel "%", which does not exist', NEW.channel USING
			ERRCODE = 'US006', DETAIL = 'Codes in freight charges are looked up when they are written.',
			HINT = 'INSERT INTO usom.channel first, or correct the code.';
	END IF;
	PERFORM usom._check_order_type(NEW.order_type);
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_freight_charge() IS 'Trigger BEFORE a freight charge is written: US006 for a channel, US110 for an order type that there is not.';
REVOKE ALL ON FUNCTION usom._check_freight_charge() FROM PUBLIC;
