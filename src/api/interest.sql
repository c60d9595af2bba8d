CREATE FUNCTION usom.watch_stock(customer text, sku text, quantity numeric DEFAULT 1, location text DEFAULT NULL,
	expires_at timestamptz DEFAULT NULL) RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_watch_stock'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.watch_stock(text, text, numeric, text, timestamptz) IS
'Tell a customer when a product is in stock again.
customer, sku: codes. quantity: units the customer wants, above zero. location: only there; null: anywhere. expires_at: until when; null: until told.
Nothing is reserved: as soon as so many units can be promised, tick() or tell_back_in_stock() writes the event back_in_stock, to those who asked first as long as units last. Asked again, only the newest quantity and expiry count, and the place in the queue stays.
Returns the key of the interest.
Errors: US006 for an unknown code, 22003 or 22023 for a quantity that is none, 22004 for a null.
Example: SELECT usom.watch_stock(''17850'', ''85123A'', 2);';

CREATE FUNCTION usom.unwatch_stock(customer text, sku text) RETURNS boolean
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_unwatch_stock'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.unwatch_stock(text, text) IS
'Forget what watch_stock() noted, at all locations.
customer, sku: codes.
Returns whether there was anything.
Errors: US006 for an unknown code, 22004 for a null.
Example: SELECT usom.unwatch_stock(''17850'', ''85123A'');';

CREATE FUNCTION usom.tell_back_in_stock(sku text DEFAULT NULL) RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_tell_back_in_stock'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.tell_back_in_stock(text) IS
'Tell those who watch a product that can be promised again: an event back_in_stock for each, once, in the order in which they asked and as long as units last. tick() does it for all products; call it after a receipt to be sooner.
sku: the product; null: all.
Returns how many were told.
Errors: US001.
Example: SELECT usom.tell_back_in_stock(''85123A'');';

CREATE FUNCTION usom._tell_back_in_stock(org_id bigint) RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__tell_back_in_stock'
VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._tell_back_in_stock(bigint) IS 'What tell_back_in_stock() does, for the organisation with this key.';
REVOKE ALL ON FUNCTION usom._tell_back_in_stock(bigint) FROM PUBLIC;
