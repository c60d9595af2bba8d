CREATE FUNCTION usom.receive_drop_ship(supply_no text, quantity numeric DEFAULT NULL, reference text DEFAULT NULL, carrier text DEFAULT NULL,
	tracking text DEFAULT NULL, delivered boolean DEFAULT true, final boolean DEFAULT false)
RETURNS TABLE (supply_no text, status text, received numeric, delivered numeric, surplus numeric, shipment_no text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_receive_drop_ship'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.receive_drop_ship(text, numeric, text, text, text, boolean, boolean) IS
'A supplier has sent units of an order line straight to the customer: they are received where the supplier is, and in the same call reserved for the line, shipped and delivered, so that what is delivered is what was received.
supply_no: supply of kind drop_ship that names the line, see usom.add_supply(). quantity: units; null: all that is to come. reference: delivery note or message of the supplier: one that comes again answers as before. carrier, tracking: as in usom.ship(). delivered: false if they are only under way, usom.deliver() tells the rest. final: nothing more comes, though it is less (then 0 is a quantity): what is left waits again as with usom.receive_supply().
Units that the line does not want any more, because it was cancelled or changed, are no stock: they are surplus, with an exception drop_ship_surplus. What the customer changes meanwhile is told as supply_excess and supply_wanted; usom.change_supply() says what the supplier answers.
Returns the supply as it is now, and of this message the units delivered and surplus and the shipment, which is null if none were, or a check has put the order on hold.
Errors: US204 unknown supply, US642 it is sent to no customer, US206 it has ended and quantity is null, US102 a hold blocks ship, US201 the order ships complete and something would stay behind, 22003 or 22023 for a quantity that is none.
Example: SELECT * FROM usom.receive_drop_ship(''SU-000001'', 6, ''DN-4711'');';
