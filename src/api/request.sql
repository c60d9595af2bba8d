CREATE TYPE usom._ask_row AS (
	request_id bigint,
	request_no text,
	sales_order_id bigint,
	location_id bigint,
	line_no integer,
	quantity numeric
);
COMMENT ON TYPE usom._ask_row IS 'Units of a line that a warehouse is asked for, on their way from C to warehouse_request, by unnest().';

CREATE FUNCTION usom.answer_request(request_no text, accepted boolean, answer text DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_answer_request'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.answer_request(text, boolean, text) IS
'Say what a warehouse answers to a request that was made after a cut-off (usom.warehouse_requests). Yes: the units are put back and cancelled, or not ordered any more; or, once every location that was asked has said yes, the order goes to the other address. No: all stays as it is. Writes the event request_accepted or request_refused. An outside system answers by usom.record_fulfillment().
request_no: the request. accepted: yes or no. answer: what the warehouse said; kept.
Returns the status and version of the order. The same answer again changes nothing.
Errors: US631 unknown request, US633 it was answered otherwise, or nothing of what it asks for is there any more (then answer no); 22004 a null.
Example: SELECT * FROM usom.answer_request(''WR-000001'', true, ''taken out of the tote'');';
