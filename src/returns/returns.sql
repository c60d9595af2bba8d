-- state_type return_status
CREATE TYPE usom._return_row AS (
	return_order_id bigint,
	line_no integer,
	quantity usom.quantity,
	quantity_received usom.quantity,
	quantity_accepted usom.quantity,
	quantity_rejected usom.quantity,
	quantity_given_up usom.quantity,
	inspects boolean,
	disposition text,
	rule text
);
COMMENT ON TYPE usom._return_row IS 'A return line on its way from C, by unnest().';

CREATE TYPE usom._return_piece_row AS (
	return_order_id bigint,
	line_no integer,
	return_piece_no integer,
	quantity usom.quantity,
	disposition text,
	piece_no integer,
	location_id bigint,
	condition text,
	received_at timestamptz,
	inspected_at timestamptz
);
COMMENT ON TYPE usom._return_piece_row IS 'A piece of a return on its way from C, by unnest().';

CREATE FUNCTION usom.authorize_return(order_no text, lines jsonb, reason text)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_authorize_return'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.authorize_return(text, jsonb, text) IS
'Give leave to return units that were shipped, as the return rules say: a line that no rule of usom.return_rule fits may come back.
order_no: the order. lines: [{"line_no": 1, "quantity": 2}], in units of the product; entries of one line add up. reason: why they come back; rules may ask for it.
Returns the number of the return, which the customer quotes; call receive_return() when they arrive. Where a rule says ask, the return is requested: it waits for approve_return() or refuse_return(), and an event return_requested tells. usom.returns.expires_at says until when the goods must come.
Errors: US105 unknown order, US106 unknown line, US108 unreadable lines, US701 more than is with the customer and not expected back already, US703 a rule refuses it.
Example: SELECT usom.authorize_return(''SO-000001'', ''[{"line_no": 1, "quantity": 2}]'', ''wrong colour'');';

CREATE FUNCTION usom.explain_return(order_no text, reason text DEFAULT NULL)
RETURNS TABLE (line_no integer, sku text, with_customer numeric, expected numeric, returnable numeric, outcome text, rule text, until timestamptz, refund numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_explain_return'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.explain_return(text, text) IS
'What of an order may come back now, line by line, and why: the judgement that authorize_return() makes. Writes nothing.
order_no: the order. reason: the one that the customer would give.
Returns for each line of goods or services that left: units with_customer, expected back already, returnable (the others), the outcome for all of them (allow, ask, refuse), the code of the rule (null: none fits), until when the last of them is in time (null: no end), and the refund if all that is returnable came back: what those units cost, at most; what was captured is the ceiling.
Errors: US105 unknown order.
Example: SELECT * FROM usom.explain_return(''SO-000001'', ''too big'');';

CREATE FUNCTION usom.approve_return(return_no text, reason text)
RETURNS TABLE (status text, order_status text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_approve_return'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.approve_return(text, text) IS
'Give leave to a return that was requested. One that is authorised already stays as it is.
return_no: as authorize_return() gave it. reason: kept in the history and the audit.
Returns the status of the return and of the order.
Errors: US702 unknown return, US704 it was decided otherwise, or has gone on.
Example: SELECT * FROM usom.approve_return(''RT-000001'', ''a good customer'');';

CREATE FUNCTION usom.refuse_return(return_no text, reason text)
RETURNS TABLE (status text, order_status text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_refuse_return'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.refuse_return(text, text) IS
'Refuse a return that was requested: its units stay with the customer. One that is refused already stays as it is.
return_no: as authorize_return() gave it. reason: kept in the history and the audit.
Returns the status of the return and of the order. Writes the event return_refused.
Errors: US702 unknown return, US704 it was decided otherwise, or has gone on.
Example: SELECT * FROM usom.refuse_return(''RT-000001'', ''worn for a year'');';

CREATE FUNCTION usom.cancel_return(return_no text, reason text)
RETURNS TABLE (status text, order_status text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_cancel_return'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.cancel_return(text, text) IS
'What of a return has not come is not expected any more: the customer keeps it. What came stays, and is inspected as it would have been. Nothing left to come: nothing happens.
return_no: as authorize_return() gave it. reason: kept in the history and the audit.
Returns the status of the return (cancelled if nothing came, else received or inspected) and of the order.
Errors: US702 unknown return.
Example: SELECT * FROM usom.cancel_return(''RT-000001'', ''the customer keeps them'');';

CREATE FUNCTION usom.receive_return(return_no text, lines jsonb DEFAULT NULL, location text DEFAULT NULL)
RETURNS TABLE (status text, order_status text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_receive_return'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.receive_return(text, jsonb, text) IS
'Book units of a return that have arrived: they are returned units of the order, are refunded, and are on hand again where they were shipped from. Lines whose return rule says inspects wait for inspect_return() instead; a rule may have units refurbished, scrapped or sent to the vendor.
return_no: as authorize_return() gave it. lines: [{"line_no": 1, "quantity": 2}]; null: all that is due. Units with serial numbers that are not inspected are named: {"line_no": 1, "quantity": 1, "serials": ["A17"]}. location: code of the location where they arrived; null: where they were shipped from.
Returns the status of the return (partially_received, received) and of the order.
Errors: US702 unknown return, US006 unknown location, US106 unknown line, US108 unreadable lines, US701 more than authorised, US704 it is requested, refused or cancelled, US705 its time is over, US708 serial numbers are missing, US212 one was not shipped with the line.
Example: SELECT * FROM usom.receive_return(''RT-000001'', ''[{"line_no": 1, "quantity": 2}]'');';

CREATE FUNCTION usom.receive_blind_return(order_no text, lines jsonb, reason text DEFAULT NULL, location text DEFAULT NULL)
RETURNS TABLE (return_no text, status text, order_status text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_receive_blind_return'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.receive_blind_return(text, jsonb, text, text) IS
'Book units of an order that came back without leave. They wait for inspect_return(), whatever return rules say, and are an exception blind_return until all of them are inspected.
order_no: the order that they are of. lines: [{"line_no": 1, "quantity": 2}]. reason: what the customer says, if anything. location: code of the location where they arrived; null: where they were shipped from.
Returns the number of the return, its status (received) and that of the order.
Errors: US105 unknown order, US006 unknown location, US106 unknown line, US108 unreadable lines, US701 more than is with the customer and not expected back already.
Example: SELECT * FROM usom.receive_blind_return(''SO-000001'', ''[{"line_no": 1, "quantity": 1}]'');';

CREATE FUNCTION usom.inspect_return(return_no text, lines jsonb DEFAULT NULL, reason text DEFAULT NULL)
RETURNS TABLE (status text, order_status text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_inspect_return'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.inspect_return(text, jsonb, text) IS
'Say what becomes of units that came back. restock: on hand again; refurbish: kept, and decided by another call; scrap; to_vendor: sent to who made them. All of these are taken back: returned units of the order, refunded as the customer paid for them. reject: not taken back; they go to the customer again, who is not refunded.
return_no: the return. lines: [{"line_no": 1, "quantity": 2, "disposition": "restock", "condition": "as new"}]; disposition: as the return rule says if left out; condition: words for the record, may be left out; serials: numbers of units that have one, needed unless they are rejected. Components of a kit are told one by one. Units that wait come first, in the order in which they came, then those that are refurbished. null: all that waits, as the rules say. reason: kept in the history and the audit.
Units that are not restocked are in the ledger of stock as a return and a movement of kind refurbish, scrap or to_vendor; they are never on hand. Writes the event return_inspected when nothing waits any more.
Returns the status of the return (inspected, when all has come and nothing waits) and of the order.
Errors: US702 unknown return, US106 unknown line, US108 unreadable lines, US706 fewer units wait, or units cannot become that, US708 serial numbers are missing, US212 one was not shipped with the line.
Example: SELECT * FROM usom.inspect_return(''RT-000001'', ''[{"line_no": 1, "quantity": 1, "disposition": "scrap", "condition": "broken"}]'');';

CREATE FUNCTION usom.receive_undelivered(shipment_no text, reason text DEFAULT NULL, disposition text DEFAULT 'restock', location text DEFAULT NULL,
	serials text[] DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_receive_undelivered'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.receive_undelivered(text, text, text, text, text[]) IS
'Book that a shipment is back which never arrived, or write off one that is lost: its units are a return of the order that nobody had to ask for, and are refunded like one. A shipment that is back already is left as it is.
shipment_no: one that return_to_sender() or its carrier sends back, or that lose_shipment() gave up. reason: kept with the return. disposition: what becomes of the units: restock, scrap or to_vendor; of a lost shipment not restock. location: code of the location where they arrived; null: where they were shipped from. serials: numbers of the units in it, where they have some; null: all that left from there for its lines and did not come back.
Returns the status and version of the order; usom.returns shows the return.
Errors: US602 unknown shipment, US006 unknown location, US101 it does not come back, or is lost and would be restocked, US701 its units are expected back with another return, US708 more or other units with numbers left from there than are in it, 22023 another disposition.
Example: SELECT * FROM usom.receive_undelivered(''SH-000001'', ''refused at the door'');';
