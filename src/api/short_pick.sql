CREATE FUNCTION usom.short_pick(task bigint, found numeric, reason text, picker text DEFAULT NULL, shelf_empty boolean DEFAULT true,
	serials text[] DEFAULT NULL)
RETURNS TABLE (status text, quantity_picked numeric, quantity_short numeric, quantity_left numeric, order_status text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_short_pick'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.short_pick(bigint, numeric, text, text, boolean, text[]) IS
'End a pick task of which not all units are there: what was found is picked, the rest is taken off the stock by an adjustment, waits again and is sourced from elsewhere as far as there is stock, and a case short_pick asks somebody to look; all or nothing of it.
task: its number. found: units of the task that are picked by now, in all. reason: what the picker saw; kept in the ledger, the audit and the case. picker: as in usom.confirm_pick().
shelf_empty: true: what no order keeps of that stock (product, location, lot) is taken off, too, since it is not there; false: the missing units alone, as when they are damaged, and the rest may be sourced from the same shelf.
serials: numbers of the units that are missing, where they have some: these are taken off, and are gone; at least as many as are missing, and with shelf_empty others that are not there, too. Null: the units have no numbers, or no others should be there than those that are missing.
Returns the status of the task (short; picked, if all was there), units picked, units missing, units left to pick (0), and the status of the order. What became of the missing units stands in usom.order_pieces: reserved elsewhere, to be released, or backordered.
A repeated call changes nothing.
Errors: US610 unknown task, US611 fewer than are picked already, or more than are left, US612 another picker works on it, US213 the units have serial numbers and it is not told which are missing, US212 a number is not to be had there, 22023 no reason.
Example: SELECT * FROM usom.short_pick(4711, 2, ''bin empty'');';

CREATE FUNCTION usom.report_short(order_no text, line_no integer, missing numeric, reason text, location text DEFAULT NULL, shelf_empty boolean DEFAULT true,
	serials text[] DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_report_short'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.report_short(text, integer, numeric, text, text, boolean, text[]) IS
'Released units of a line are not there, where picking goes without tasks: as usom.short_pick().
order_no: the order. line_no: the line; of a kit, the component. missing: units that are not there, in units of the product. reason: what was seen. location: where they are released; null: anywhere, the newest pieces first. shelf_empty, serials: see usom.short_pick().
Returns the status and version of the order.
Errors: US105 unknown order, US106 unknown line, US006 unknown location, US611 not so many are released there, US213 the units have serial numbers and it is not told which are missing, US212 a number is not to be had there, 22023 no reason, or numbers of several locations.
Example: SELECT * FROM usom.report_short(''SO-000001'', 1, 2, ''bin empty'');';
