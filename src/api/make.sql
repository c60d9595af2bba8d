CREATE FUNCTION usom.request_make(order_no text, line_no integer, location text, quantity numeric DEFAULT NULL, due_at timestamptz DEFAULT NULL)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_request_make'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.request_make(text, integer, text, numeric, timestamptz) IS
'Ask for what is made for an order line; returns the number of the make order. Of an engineer-to-order line it begins in engineering, which approves it with approve_make(); else it is requested, and start_make() is next.
order_no, line_no: the line. location: where it will be made and received. quantity: units; null: all that wait and are not being made. due_at: when it is needed.
Errors: US105 or US106 unknown order or line, US101 an order that does not run, US006 unknown location, US111 nobody waits for so many.
Example: SELECT usom.request_make(''SO-000001'', 1, ''PLANT'', due_at => now() + interval ''4 weeks'');';

CREATE FUNCTION usom.approve_make(make_no text, note text DEFAULT NULL)
RETURNS TABLE (make_no text, status text, supply_no text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_approve_make'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.approve_make(text, text) IS
'Engineering approves what is to be made; who did is kept. make_no: the make order. note: what was decided, for the audit, too.
Errors: US112 unknown make order, US111 it is not in engineering.
Example: SELECT * FROM usom.approve_make(''MO-000001'', ''drawing 4711, revision B'');';

CREATE FUNCTION usom.start_make(make_no text, expected_at timestamptz)
RETURNS TABLE (make_no text, status text, supply_no text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_start_make'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.start_make(text, timestamptz) IS
'Production begins: a supply for the line and no other is made, the line counts on it and is promised for its date.
make_no: the make order. expected_at: when it will be done; usom.change_supply() tells of delays.
Errors: US112 unknown make order, US111 it is not requested or approved yet, or begun already.
Example: SELECT * FROM usom.start_make(''MO-000001'', now() + interval ''3 weeks'');';

CREATE FUNCTION usom.receive_make(make_no text, quantity numeric DEFAULT NULL, final boolean DEFAULT false)
RETURNS TABLE (make_no text, status text, supply_no text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_receive_make'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.receive_make(text, numeric, boolean) IS
'What was made comes from production: as usom.receive_supply() for its supply, so the units are reserved for the line in the same call.
make_no: the make order. quantity: units; null: all that is to come. final: nothing more comes.
Errors: US112 unknown make order, US111 it is not in production, and those of receive_supply().
Example: SELECT * FROM usom.receive_make(''MO-000001'');';

CREATE FUNCTION usom.cancel_make(make_no text, reason text DEFAULT NULL)
RETURNS TABLE (make_no text, status text, supply_no text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_cancel_make'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.cancel_make(text, text) IS
'It is not made, or not to its end: its supply is cancelled, and the line waits again. What was received stays.
make_no: the make order. reason: why.
Errors: US112 unknown make order, US111 it is received or cancelled.
Example: SELECT * FROM usom.cancel_make(''MO-000001'', ''the customer has cancelled'');';
