CREATE FUNCTION usom.receive_serials(location text, sku text, serials text[], reference text DEFAULT NULL)
RETURNS TABLE (location text, sku text, on_hand numeric, available numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_receive_serials'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.receive_serials(text, text, text[], text) IS
'Take units into stock that have serial numbers (tracking of the product is serial), one unit for each number. Else as receive_stock().
location, sku: where and what. serials: the numbers, each once. reference: number of the delivery note.
A number that was taken out of stock may come back; one that is in stock, or was shipped, does not come a second time: what a customer sends back is received with its return.
Returns what the location has now.
Errors: US212 a number that is in stock already, or is named twice; US210 the product has no serial numbers; US006 unknown code; US203 a service; 22023 no number, or an empty one.
Example: SELECT * FROM usom.receive_serials(''MAIN'', ''PHONE'', ARRAY[''SN-1'', ''SN-2''], ''PO-7'');';

CREATE FUNCTION usom.remove_serials(location text, sku text, serials text[], reason text)
RETURNS TABLE (location text, sku text, on_hand numeric, available numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_remove_serials'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.remove_serials(text, text, text[], text) IS
'Take units out of stock by their serial numbers, as adjust_stock() does without.
location, sku: where and what. serials: the numbers, each on hand there and nobody''s. reason: why.
Returns what the location has now.
Errors: US212 a number that is not there or is an order''s; US201 if less would be left than is reserved for orders; US210 the product has no serial numbers; US006 unknown code; US203 a service; 22023 no number, or an empty one.
Example: SELECT * FROM usom.remove_serials(''MAIN'', ''PHONE'', ARRAY[''SN-2''], ''broken'');';

CREATE FUNCTION usom.assign_serials(order_no text, line_no integer, serials text[]) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_assign_serials'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.assign_serials(text, integer, text[]) IS
'These very units are for the line: they are reserved for it, and go with it when it is picked or shipped. Units of a product with serial numbers leave by number alone, so this (or a picker who scans them) comes before usom.ship().
order_no, line_no: the line. serials: the numbers, on hand where the line keeps units (usom.order_pieces), at most as many as it keeps there. Those assigned earlier stay as far as there is room; what the line keeps no more is free by itself.
Who asks for a number that somebody else is just getting is refused at once.
Errors: US212 a number that is not there or is another order''s; US210 the product has no serial numbers; US105 or US106 unknown order or line; 22023 more numbers than the line keeps units there.
Example: SELECT usom.assign_serials(''SO-000001'', 1, ARRAY[''SN-1'']);';
