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
COMMENT ON FUNCTION usom.next_document_no(text) IS 'Next number for a document of the caller''s organisation. kind: one of usom.document_counter, such as order or shipment. Gap-free counters make their callers queue until commit. Errors: US001, US006. Example: SELECT usom.next_document_no(''order'');';

CREATE FUNCTION usom.furnish_organisation() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
BEGIN
	INSERT INTO usom.document_counter (org_id, kind, prefix)
	VALUES (NEW.org_id, 'order', 'SO-'), (NEW.org_id, 'shipment', 'SH-'), (NEW.org_id, 'return', 'RT-'), (NEW.org_id, 'supply', 'SU-'), (NEW.org_id, 'make', 'MO-'), (NEW.org_id, 'run', 'BR-'), (NEW.org_id, 'consolidation', 'CN-'), (NEW.org_id, 'message', 'MS-'), (NEW.org_id, 'draft', 'DR-'), (NEW.org_id, 'package', 'PK-'), (NEW.org_id, 'manifest', 'MF-'), (NEW.org_id, 'appointment', 'AP-'), (NEW.org_id, 'fulfillment', 'FU-'), (NEW.org_id, 'request', 'WR-'), (NEW.org_id, 'wave', 'WV-');
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

CREATE TYPE usom._address_row AS (
	address_id bigint,
	person_id bigint,
	name text,
	line1 text,
	line2 text,
	postcode text,
	city text,
	region text,
	country text,
	latitude double precision,
	longitude double precision,
	verdict text
);
COMMENT ON TYPE usom._address_row IS 'How addresses travel from the library to usom.address.';

CREATE TYPE usom._vault_key_row AS (
	person_id bigint,
	key usom.secret
);
COMMENT ON TYPE usom._vault_key_row IS 'How keys of people travel from the library to usom.vault_key.';

CREATE FUNCTION usom._is_sealed(string text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'usom__is_sealed' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom._is_sealed(text) IS 'Has the text the form of a sealed one, or is it empty: what a column about people may hold. Constraints check it, so everybody may call it.';
REVOKE ALL ON FUNCTION usom._is_sealed(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._is_sealed(text) TO PUBLIC;

-- Views check functions against who reads them, so everybody may call it; it opens nothing for those without rights on usom.vault_key.
CREATE FUNCTION usom._open(org_id bigint, sealed text) RETURNS text
	AS 'MODULE_PATHNAME', 'usom__open' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 50;
COMMENT ON FUNCTION usom._open(bigint, text) IS 'A sealed text in clear, for roles that may SELECT from usom.vault_key; null for others, after the person was erased, and for bytes that were tampered with. A text that is not sealed is given back.';
REVOKE ALL ON FUNCTION usom._open(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._open(bigint, text) TO PUBLIC;

CREATE FUNCTION usom._seal_state(org_id bigint, string text) RETURNS text
	AS 'MODULE_PATHNAME', 'usom__seal_state' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 50;
COMMENT ON FUNCTION usom._seal_state(bigint, text) IS 'What a text of a column about people is: sealed, erased (sealed, and there is no key any more), broken (sealed, and cannot be opened with the key), empty or clear. Part of verify_vault().';
REVOKE ALL ON FUNCTION usom._seal_state(bigint, text) FROM PUBLIC;

CREATE FUNCTION usom._has_key(org_id bigint, person_id bigint) RETURNS boolean
	AS 'MODULE_PATHNAME', 'usom__has_key' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 20;
COMMENT ON FUNCTION usom._has_key(bigint, bigint) IS 'Is there a key of the person? Part of verify_vault().';
REVOKE ALL ON FUNCTION usom._has_key(bigint, bigint) FROM PUBLIC;

CREATE FUNCTION usom._contact_digest(org_id bigint, kind text, sealed text) RETURNS bytea
	AS 'MODULE_PATHNAME', 'usom__contact_digest' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 50;
COMMENT ON FUNCTION usom._contact_digest(bigint, text, text) IS 'What usom.vault_index should hold of a sealed e-mail or phone (kind); null if it cannot be opened or finds nobody. Part of verify_vault().';
REVOKE ALL ON FUNCTION usom._contact_digest(bigint, text, text) FROM PUBLIC;

CREATE FUNCTION usom._seal_customer() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__seal_customer' LANGUAGE C;
COMMENT ON FUNCTION usom._seal_customer() IS 'Trigger BEFORE INSERT or UPDATE of a row of customer: seals name, email and phone. Errors: US904.';
REVOKE ALL ON FUNCTION usom._seal_customer() FROM PUBLIC;

CREATE FUNCTION usom._seal_address() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__seal_address' LANGUAGE C;
COMMENT ON FUNCTION usom._seal_address() IS 'Trigger BEFORE INSERT or UPDATE of a row of customer_address: seals its texts, rounds its degrees, draws the key of its snapshot. Errors: US904.';
REVOKE ALL ON FUNCTION usom._seal_address() FROM PUBLIC;

CREATE FUNCTION usom._customer_written() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__customer_written' LANGUAGE C;
COMMENT ON FUNCTION usom._customer_written() IS 'Trigger AFTER INSERT or UPDATE of customer, with transition tables: writes the keys of new customers and what customers are found by.';
REVOKE ALL ON FUNCTION usom._customer_written() FROM PUBLIC;

CREATE FUNCTION usom._address_written() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__address_written' LANGUAGE C;
COMMENT ON FUNCTION usom._address_written() IS 'Trigger AFTER INSERT or UPDATE of customer_address, with transition tables: writes the snapshots that orders refer to.';
REVOKE ALL ON FUNCTION usom._address_written() FROM PUBLIC;

CREATE FUNCTION usom.find_customers(contact text) RETURNS TABLE (customer text)
	AS 'MODULE_PATHNAME', 'usom_find_customers' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 1
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.find_customers(text) IS 'Codes of the customers with an e-mail address or a phone number. contact: with @ an address, in whatever case; else a number, whose digits count and a leading + or 00. Errors: US001, US006; 42501 for roles that may not read usom.vault_key. Example: SELECT * FROM usom.find_customers(''anna@example.org'');';
