-- A default and a filter of every table: a SET clause would cost more than the function.
CREATE FUNCTION usom.current_org() RETURNS bigint
	AS 'MODULE_PATHNAME', 'usom_current_org' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION usom.current_org() IS 'Key of the organisation that the setting usom.org names. Errors: US001; 42501 if the role does not work for it; for superusers US006 if there is none. Example: SELECT usom.current_org();';

CREATE FUNCTION usom.default_currency() RETURNS text
	AS 'MODULE_PATHNAME', 'usom_default_currency' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.default_currency() IS 'ISO 4217 code that the caller''s organisation uses unless a document says otherwise. Errors: US001, US006. Example: SELECT usom.default_currency();';

CREATE FUNCTION usom.channel_id(code text) RETURNS bigint
	AS 'MODULE_PATHNAME', 'usom_channel_id' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.channel_id(text) IS 'Key of a channel of the caller''s organisation. Errors: US001, US006. Example: SELECT usom.channel_id(''web'');';

CREATE FUNCTION usom.customer_id(code text) RETURNS bigint
	AS 'MODULE_PATHNAME', 'usom_customer_id' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.customer_id(text) IS 'Key of a customer of the caller''s organisation. Errors: US001, US006. Example: SELECT usom.customer_id(''17850'');';

CREATE FUNCTION usom.next_document_no(kind text) RETURNS text
	AS 'MODULE_PATHNAME', 'usom_next_document_no' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.next_document_no(text) IS 'Next number for a document of the caller''s organisation. kind: order, shipment or return. Gap-free counters make their callers queue until commit. Errors: US001, US006. Example: SELECT usom.next_document_no(''order'');';

CREATE FUNCTION usom.furnish_organisation() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
BEGIN
	INSERT INTO usom.document_counter (org_id, kind, prefix)
	VALUES (NEW.org_id, 'order', 'SO-'), (NEW.org_id, 'shipment', 'SH-'), (NEW.org_id, 'return', 'RT-');
	INSERT INTO usom.channel (org_id, code, name)
	VALUES
		(NEW.org_id, 'web', 'Web shop'), (NEW.org_id, 'pos', 'Shop counter'), (NEW.org_id, 'phone', 'Telephone'),
		(NEW.org_id, 'rep', 'Sales representative'), (NEW.org_id, 'edi', 'EDI'), (NEW.org_id, 'marketplace', 'Marketplace'),
		(NEW.org_id, 'manual', 'Manual entry');
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION usom.furnish_organisation() IS 'Trigger AFTER INSERT of an organisation: gives it document counters and the usual channels.';
REVOKE ALL ON FUNCTION usom.furnish_organisation() FROM PUBLIC;

CREATE FUNCTION usom._access_changed() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__access_changed' LANGUAGE C
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._access_changed() IS 'Trigger AFTER a row of usom.access changed: every session looks again at what it may do.';
REVOKE ALL ON FUNCTION usom._access_changed() FROM PUBLIC;
