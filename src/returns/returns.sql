-- state_type return_status
CREATE TYPE usom._return_row AS (
	return_order_id bigint,
	line_no integer,
	quantity usom.quantity
);
COMMENT ON TYPE usom._return_row IS 'A return line on its way from C, by unnest().';

CREATE FUNCTION usom.authorize_return(order_no text, lines jsonb, reason text)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_authorize_return'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.authorize_return(text, jsonb, text) IS
'Give leave to return units that were shipped.
order_no: the order. lines: [{"line_no": 1, "quantity": 2}], in units of the product; entries of one line add up. reason: why they come back.
Returns the number of the return, which the customer quotes; call receive_return() when they arrive.
Errors: US105 unknown order, US106 unknown line, US108 unreadable lines, US701 more than is with the customer and not expected back already.
Example: SELECT usom.authorize_return(''SO-000001'', ''[{"line_no": 1, "quantity": 2}]'', ''wrong colour'');';

CREATE FUNCTION usom.receive_return(return_no text, lines jsonb DEFAULT NULL)
RETURNS TABLE (status text, order_status text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_receive_return'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.receive_return(text, jsonb) IS
'Book units of a return that have arrived: they are returned units of the order and are on hand again where they were shipped from.
return_no: as authorize_return() gave it. lines: [{"line_no": 1, "quantity": 2}]; null: all that is due.
Returns the status of the return (partially_received, received) and of the order.
Errors: US702 unknown return, US106 unknown line, US108 unreadable lines, US701 more than authorised.
Example: SELECT * FROM usom.receive_return(''RT-000001'', ''[{"line_no": 1, "quantity": 2}]'');';
