-- state_type shipment_status
CREATE FUNCTION usom.release_order(order_no text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_release_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.release_order(text) IS
'Hand the reserved pieces of an order to their locations, which may pick and ship them.
order_no: the order.
Returns the status (processing, or as before if nothing new was reserved) and version of the order.
Errors: US105 unknown order, US102 a hold blocks release, US101 the order is not confirmed, US201 the order ships complete and something is backordered, US603 nothing is reserved.
Example: SELECT * FROM usom.release_order(''SO-000001'');';

CREATE FUNCTION usom.ship(order_no text, lines jsonb DEFAULT NULL, carrier text DEFAULT NULL, tracking text DEFAULT NULL, service text DEFAULT NULL, packages text[] DEFAULT NULL)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_ship'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.ship(text, jsonb, text, text, text, text[]) IS
'Ship units that are released, picked or packed, as their location asks: they leave its stock.
order_no: the order. lines: [{"line_no": 1, "quantity": 2}], in units of the product, entries of one line add up, "lot" names one, "serials": ["A1", "A2"] the units; null: all that is ready. carrier, tracking, service: for the customer. packages: numbers of packages; null: whatever units are in.
Returns the shipment number; with several locations one shipment each, the numbers joined by a comma and a blank.
Errors: US105 unknown order, US106 unknown line, US108 unreadable lines, US102 a hold blocks ship, US101 nothing is released, US601 more than is released, US620 not picked or packed where the location asks for it, US201 the order ships complete and units would stay behind, US622 unknown package, US623 a package would leave in part, US624 the carrier may not take it or it has to be packed, US212 a serial is not there or another''s, US213 not as many serials as units.
Example: SELECT usom.ship(''SO-000001'', ''[{"line_no": 1, "quantity": 2}]'', ''DHL'', ''JD014600003'');';

CREATE FUNCTION usom.deliver(shipment_no text, at timestamptz DEFAULT now())
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_deliver'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.deliver(text, timestamptz) IS
'Note that a shipment has arrived. A shipment that was delivered before is left as it is.
shipment_no: as ship() gave it. at: when it arrived.
Returns the status and version of the order.
Errors: US602 unknown shipment, US101 it is void, or came back.
Example: SELECT * FROM usom.deliver(''SH-000001'');';
