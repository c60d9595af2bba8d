CREATE TYPE usom._price_wanted AS (
	ordinal integer,
	sku text,
	currency text
);
COMMENT ON TYPE usom._price_wanted IS 'A list price that is asked for, on its way from C, by unnest().';

CREATE TYPE usom._substitution_row AS (
	sales_order_id bigint,
	line_no integer,
	substitute_line_no integer,
	product_id bigint,
	substitute_product_id bigint,
	quantity usom.positive_quantity,
	substitute_quantity usom.positive_quantity,
	unit_price usom.price_amount
);
COMMENT ON TYPE usom._substitution_row IS 'A substitution on its way from C to line_substitution, by unnest().';

CREATE FUNCTION usom.propose_substitution(order_no text, line_no integer, substitute_sku text DEFAULT NULL,
	quantity numeric DEFAULT NULL, ttl interval DEFAULT '2 days') RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_propose_substitution'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.propose_substitution(text, integer, text, numeric, interval) IS
'Offer the customer another product for units of a line that wait.
order_no, line_no: the line. substitute_sku: one of the products that usom.substitute names for it; null: the first by priority that has all units, else the one that has most. quantity: units of the line, at most what waits; null: all that wait. ttl: how long the offer stands.
The units of the substitute are kept softly until then. The event substitution_proposed tells the customer; the order itself does not change.
Returns the key that accept_substitution() and decline_substitution() take.
Errors: US105, US106 unknown order or line, US101 if the order does not run, US116 if no such units wait, US117 if nothing that may replace it is available, US201 if another call took the units meanwhile, 22023 for a ttl that is none.
Example: SELECT usom.propose_substitution(''SO-000001'', 1, ''MUG-BLUE'');';

CREATE FUNCTION usom.accept_substitution(substitution_id bigint) RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_accept_substitution'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.accept_substitution(bigint) IS
'The customer agrees: the units that waited are cancelled on their line, which stays on record, and a new line has the substitute, reserved, at the price that was offered.
substitution_id: as propose_substitution() returned it.
Returns the status and version of the order.
Errors: US118 if the proposal is unknown, decided or expired, US116 if the units do not wait any more, US101 if the order does not run.
Example: SELECT * FROM usom.accept_substitution(4711);';

CREATE FUNCTION usom.decline_substitution(substitution_id bigint, reason text DEFAULT NULL) RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_decline_substitution'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.decline_substitution(bigint, text) IS
'The customer rather waits: the units that were kept for the proposal are free again.
substitution_id: as propose_substitution() returned it. reason: what the customer said.
Returns the status and version of the order.
Errors: US118 if the proposal is unknown, decided or expired.
Example: SELECT * FROM usom.decline_substitution(4711, ''wants the red one'');';

CREATE FUNCTION usom.substitute_backorders(sku text DEFAULT NULL)
RETURNS TABLE (order_no text, line_no integer, quantity numeric, substitute_line_no integer, substitute_sku text, substitute_quantity numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_substitute_backorders'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.substitute_backorders(text) IS
'Replace what waits on lines that agreed beforehand (substitution allowed) by what usom.substitute names and stock has, as placing an order does.
sku: the product that is short; null: all.
Returns a row for each line that was replaced, with units of both products.
Errors: US001.
Example: SELECT * FROM usom.substitute_backorders();';
