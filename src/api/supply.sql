CREATE FUNCTION usom.add_supply(kind text, location text, sku text, quantity numeric, expected_at timestamptz,
	reference text DEFAULT NULL, confidence numeric DEFAULT 1, supply_no text DEFAULT NULL, order_no text DEFAULT NULL, line_no integer DEFAULT NULL)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_add_supply'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.add_supply(text, text, text, numeric, timestamptz, text, numeric, text, text, integer) IS
'Record stock that is under way, so that what waits can count on it and be promised for its date. Returns its number.
kind: purchase, production, transfer, return or drop_ship. location, sku: where it arrives and what it is. quantity: units. expected_at: when.
reference: number of the document of the outside world. confidence: how sure quantity and date are, above 0, 1 is certain. supply_no: its number; null: the next of the counter.
order_no, line_no: it is for this line and for no other; else whatever waits for the product may count on it.
Pieces that wait and count on nothing yet count on it at once, orders by priority, then as they were placed; a line tied to a location only if it arrives there. It is not stock before receive_supply().
Errors: US006 unknown location or product, US203 a service, US205 the number is taken, US105 or US106 unknown order or line, 22023 for a value that is none.
Example: SELECT usom.add_supply(''purchase'', ''MAIN'', ''85123A'', 500, now() + interval ''3 weeks'', reference => ''PO-7'');';
