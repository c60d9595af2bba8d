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

CREATE FUNCTION usom.change_supply(supply_no text, quantity numeric DEFAULT NULL, expected_at timestamptz DEFAULT NULL, confidence numeric DEFAULT NULL, reason text DEFAULT NULL)
RETURNS TABLE (supply_no text, status text, quantity numeric, received numeric, pegged numeric, expected_at timestamptz, filled numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_change_supply'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.change_supply(text, numeric, timestamptz, numeric, text) IS
'Supply moves, slips, shrinks or grows: what counts on it is planned anew in the same call, and promises follow.
supply_no: as add_supply() gave it. quantity: units in all, more than have arrived. expected_at, confidence: as in add_supply(). What is null stays. reason: why, for the audit and the history of the orders.
Firm orders keep it first, then those of higher priority, then those placed earlier; the others count on other supply, or on none. A line that is promised for another date gets an event promise_changed; one that counts on nothing any more, or is promised later than the customer wants it or was told, a case in usom.exceptions (supply_short, promise_late), before the date is missed.
Returns the supply as it is now.
Errors: US204 unknown supply, US206 it has ended, 22023 for a value that is none.
Example: SELECT * FROM usom.change_supply(''SU-000001'', expected_at => ''2030-03-01'', reason => ''the ship is late'');';

CREATE FUNCTION usom.cancel_supply(supply_no text, reason text DEFAULT NULL)
RETURNS TABLE (supply_no text, status text, quantity numeric, received numeric, pegged numeric, expected_at timestamptz, filled numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_cancel_supply'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.cancel_supply(text, text) IS
'Nothing more comes of a supply. What counted on it counts on other supply, or on none: events and exceptions as with change_supply(). What has arrived stays.
supply_no: as add_supply() gave it. reason: why.
Errors: US204 unknown supply, US206 it has ended.
Example: SELECT * FROM usom.cancel_supply(''SU-000001'', ''the mill burnt down'');';

CREATE FUNCTION usom.receive_supply(supply_no text, quantity numeric DEFAULT NULL, lot text DEFAULT NULL, final boolean DEFAULT false,
	rejected numeric DEFAULT 0, serials text[] DEFAULT NULL)
RETURNS TABLE (supply_no text, status text, quantity numeric, received numeric, pegged numeric, expected_at timestamptz, filled numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_receive_supply'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.receive_supply(text, numeric, text, boolean, numeric, text[]) IS
'Supply arrives: its units go on the shelf, and in the same call to what counts on them, then to what else waits for the product: firm orders first, then by priority, then as they were placed.
supply_no: as add_supply() gave it. quantity: units that arrived; null: all that is to come; more than that is taken, too. lot: if the product has lots. final: nothing more comes, though it is less than was expected (then 0 is a quantity): who counted on the rest is planned anew as with change_supply().
rejected: units that came besides and were not taken in; they are still to come unless it is final. serials: a number for each unit, if the product has serial numbers.
What differs is a case in usom.exceptions with the number of the supply as its reference: receipt_rejected; when nothing more comes receipt_short or receipt_over.
The movement has the number of the supply as its reference. Lines that get units have an event filled; their exceptions are closed.
Returns the supply as it is now, and the units that orders got.
Errors: US204 unknown supply, US206 it has ended, US210 a lot or serial numbers are missing, US212 a serial number that is in stock already, 22003 or 22023 for a quantity that is none.
Example: SELECT * FROM usom.receive_supply(''SU-000001'', 480, final => true);';

CREATE FUNCTION usom.reverse_receipt(supply_no text, quantity numeric DEFAULT NULL, reason text DEFAULT NULL, lot text DEFAULT NULL)
RETURNS TABLE (supply_no text, status text, quantity numeric, received numeric, pegged numeric, expected_at timestamptz, filled numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_reverse_receipt'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.reverse_receipt(text, numeric, text, text) IS
'Units of a supply were received by mistake: they leave the shelf again, in the ledger as a reversal, and as many are expected of the supply again, at its date (usom.change_supply() tells another one).
supply_no: as add_supply() gave it. quantity: units; null: all that were received. reason: why, for the ledger, the audit and the history of the orders. lot: may be left out where the location has stock of the product in one lot only.
What orders keep of them meanwhile is no obstacle: the least firm of them wait again, as with count_stock(): firm orders lose last, then what is released, orders of higher priority, those placed earlier. They are served from elsewhere, or count on the supply; events, and exceptions supply_short and promise_late that name the supply. A make order that had ended is in production again; of a cancelled supply nothing is expected again.
Returns the supply as it is now; filled is what orders got, with a minus what waits again.
Errors: US204 unknown supply, US209 more than was received and not reversed, of the supply or of the lot, or than is on the shelf and not picked, 22023 for a quantity that is none or a lot that must be named. A receipt without a supply is corrected with usom.count_stock() or usom.adjust_stock().
Example: SELECT * FROM usom.reverse_receipt(''SU-000001'', 20, ''counted twice'');';
