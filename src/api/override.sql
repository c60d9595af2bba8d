CREATE FUNCTION usom.override_price(order_no text, line_no integer, unit_price numeric, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_override_price'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.override_price(text, integer, numeric, text) IS
'Set the price of a line by hand, in place of what list, contract and breaks say. It is the step manual of the price, with its reason. What goes beyond the limits of the caller (usom.price_limit) holds the order until another person approves it (usom.approvals).
order_no: the order. line_no: the line. unit_price: price of one unit in the currency of the order; null: the override is taken back. reason: why; must be given.
In an order document: "override": {"unit_price": 9.5, "reason": "last piece, scratched"} on the line.
Returns the status and version of the order.
Errors: US105 unknown order, US106 unknown line, US101 if it is shipped or over, US102 if a hold blocks changes, US113 a component of a kit, US430 no reason, US431 nothing to take back, 22023 a price below zero.
Example: SELECT * FROM usom.override_price(''SO-000001'', 1, 9.50, ''last piece, scratched'');';

CREATE FUNCTION usom.reprice_order(order_no text, reason text DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_reprice_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.reprice_order(text, text) IS
'Take the prices that the rules say now: the order is priced by the rules in force now, and by those from then on, and its holds of type price end. Prices of documents and overrides stay.
order_no: the order. reason: why.
Returns the status and version of the order.
Errors: US105 unknown order, US101 if something of it is shipped or it is over, US102 if a hold blocks changes.
Example: SELECT * FROM usom.reprice_order(''SO-000001'', ''customer agrees to the new list'');';
