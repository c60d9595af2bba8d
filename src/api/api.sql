CREATE FUNCTION usom._order_written() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__order_written'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._order_written() IS 'AFTER STATEMENT on sales_order: statuses that plain SQL has set do what their verbs do; other changes get their history.';
REVOKE ALL ON FUNCTION usom._order_written() FROM PUBLIC;

CREATE FUNCTION usom.place_order(document jsonb)
RETURNS TABLE (order_no text, status text, total numeric, currency text, quantity_reserved numeric,
	quantity_backordered numeric, promised_at timestamptz, messages jsonb)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_place_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.place_order(jsonb) IS
'Place an order: it is checked, written, confirmed, and its stock reserved, or nothing happens at all.
document: an object with these keys; every one but lines, sku and quantity may be left out.
  channel (manual), external_id, revision (1), order_type (standard), customer (a guest), currency (the organisation''s), priority (5; lower is served first), placed_at (now), requested_at, ship_complete (false), draft (false), coupons [text], instructions,
  ship_to {name, line1, line2, postcode, city, country, latitude, longitude} (the customer''s first address), payment {method, reference, authorized},
  reservation_owner (its soft reservations are given up for this order),
  lines [{sku, quantity, unit_price (list price, else 0), location (any), requested_at, substitution (none), partial (true)}].
Quantities in units of the product, six decimals; prices in the currency, four decimals; times as ISO 8601.
Each line is reserved at the first location, by priority, that can serve it whole; else the rest is backordered, unless partial is false.
Returns one row: order number, status (confirmed; draft if asked for), total, units reserved and backordered, the latest promise (null if something has none), messages [{line_no, code, quantity}] with the codes backordered, no_price, repeated.
The same channel, external_id and document again returns the order that is there and changes nothing.
Errors: US803 unknown key, wrong type or unknown code (the path is named), US801 the external_id came with another document, US802 the revision is older.
Example: SELECT * FROM usom.place_order(''{"customer": "17850", "lines": [{"sku": "85123A", "quantity": 6, "unit_price": 2.55}]}'');';

CREATE FUNCTION usom.place_orders(documents jsonb)
RETURNS TABLE (ordinal integer, external_id text, outcome text, order_no text, sqlstate text, message text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_place_orders'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.place_orders(jsonb) IS
'Place many orders in one call; a document that fails costs that document alone.
documents: an array of documents as place_order() takes them.
Returns one row per document, in order: ordinal from 1, external_id, outcome (placed, repeated, rejected), the order number, or the SQLSTATE and message of the refusal.
Errors: US803 if the argument is not an array.
Example: SELECT * FROM usom.place_orders(''[{"lines": [{"sku": "85123A", "quantity": 6}]}, {"lines": []}]'');';

CREATE FUNCTION usom.submit_order(order_no text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_submit_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.submit_order(text) IS
'Submit a draft. It goes on to confirmed by itself, with its stock reserved, unless a hold blocks confirm.
order_no: the order. Submitting twice changes nothing.
Returns the status and version of the order.
Errors: US105 unknown order, US101 it is not a draft, US109 it has no lines.
Example: SELECT * FROM usom.submit_order(''SO-000001'');';

CREATE FUNCTION usom.confirm_order(order_no text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_confirm_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.confirm_order(text) IS
'Confirm a submitted order: its units are reserved or backordered.
order_no: the order. Confirming twice changes nothing.
Returns the status and version of the order.
Errors: US105 unknown order, US101 it is not submitted, US102 a hold blocks confirm.
Example: SELECT * FROM usom.confirm_order(''SO-000001'');';

CREATE FUNCTION usom.reject_order(order_no text, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_reject_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.reject_order(text, text) IS
'Turn a submitted order down.
order_no: the order. reason: why. Rejecting twice changes nothing.
Returns the status and version of the order.
Errors: US105 unknown order, US101 it is not submitted.
Example: SELECT * FROM usom.reject_order(''SO-000001'', ''fraud'');';

CREATE FUNCTION usom.cancel_order(order_no text, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_cancel_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.cancel_order(text, text) IS
'Cancel an order of which nothing has left: every unit is cancelled and its stock is free again. UPDATE usom.sales_order SET status = ''cancelled'' does the same.
order_no: the order. reason: why. Cancelling twice changes nothing and gives the same answer.
Returns the status and version of the order.
Errors: US105 unknown order, US101 something was picked or shipped (cancel the rest with cancel_line(), take the shipped units back with authorize_return()), US102 a hold blocks cancel.
Example: SELECT * FROM usom.cancel_order(''SO-000001'', ''customer changed their mind'');';

CREATE FUNCTION usom.close_order(order_no text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_close_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.close_order(text) IS
'Close a delivered order: nothing more will happen to it but returns.
order_no: the order. Closing twice changes nothing.
Returns the status and version of the order.
Errors: US105 unknown order, US101 it is not delivered, US102 a hold blocks close.
Example: SELECT * FROM usom.close_order(''SO-000001'');';

CREATE FUNCTION usom.cancel_line(order_no text, line_no integer, quantity numeric, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_cancel_line'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.cancel_line(text, integer, numeric, text) IS
'Cancel units of a line, least committed first: open, backordered, reserved, released. The units stay on the line as cancelled, and its total falls.
order_no, line_no: the line. quantity: units; null: all that may be cancelled. reason: why.
A repeated call that finds nothing left, and so many units cancelled already, changes nothing.
Returns the status and version of the order; an order of which every unit is cancelled is cancelled.
Errors: US105 unknown order, US106 unknown line, US104 more than may be cancelled, US101 the order is closed, cancelled or rejected, US102 a hold blocks cancel, 22023 quantity not above 0.
Example: SELECT * FROM usom.cancel_line(''SO-000001'', 1, 2, ''customer wants fewer'');';

CREATE FUNCTION usom.change_order(order_no text, changes jsonb, version integer DEFAULT NULL, reason text DEFAULT NULL)
RETURNS TABLE (status text, new_version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_change_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.change_order(text, jsonb, integer, text) IS
'Change what was agreed, as a whole or not at all.
order_no: the order. version: the version the caller has read; another one is US103; null: whatever it is. reason: why.
changes: an object with any of priority, requested_at, instructions, ship_complete, ship_to (as in the order document) and lines, an array of
  {line_no, quantity, unit_price, sku, location, requested_at}: an existing line; what is given is set. {line_no, remove: true}: the line is taken away. {sku, quantity, unit_price, location, requested_at}: a new line.
A higher quantity is planned like a new order''s; a lower one drops units, least committed first: open, backordered, reserved. Another sku or location plans the units of the line anew. A new price touches no piece.
Returns the status and the new version of the order.
Errors: US105 unknown order, US106 unknown line, US108 unreadable changes or unknown codes, US103 version conflict, US104 below what is committed, US109 the last line would go, US101 the order is shipped or ended, US102 a hold blocks change.
Example: SELECT * FROM usom.change_order(''SO-000001'', ''{"lines": [{"line_no": 1, "quantity": 5}, {"sku": "22423", "quantity": 1}]}'', version => 1);';

CREATE FUNCTION usom.allocate_order(order_no text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_allocate_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.allocate_order(text) IS
'Look for stock for the backordered units of one order.
order_no: the order.
Returns the status and version of the order, unchanged if there is no stock.
Errors: US105 unknown order, US101 the order is not confirmed or has ended.
Example: SELECT * FROM usom.allocate_order(''SO-000001'');';

CREATE FUNCTION usom.fill_backorders(sku text DEFAULT NULL)
RETURNS TABLE (order_no text, line_no integer, quantity numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_fill_backorders'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.fill_backorders(text) IS
'Give free stock to backordered units, first come first served.
sku: of one product; null: of all.
Returns a row per line that got stock, with the units it got.
Errors: US006 unknown sku.
Example: SELECT * FROM usom.fill_backorders(''85123A'');';

CREATE FUNCTION usom.switch_counter() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	used bigint;
BEGIN
	IF NEW.gap_free THEN
		EXECUTE format('SELECT max(substring(%1$I FROM length($2) + 1)::numeric) FROM usom.%2$I
			WHERE org_id = $1 AND starts_with(%1$I, $2) AND substring(%1$I FROM length($2) + 1) ~ ''^[0-9]{1,18}$''',
			NEW.kind || '_no', CASE NEW.kind WHEN 'order' THEN 'sales_order' WHEN 'return' THEN 'return_order' ELSE NEW.kind END)
			INTO used USING NEW.org_id, NEW.prefix;
		NEW.last_value := greatest(NEW.last_value, used);
	ELSE
		PERFORM setval(format('usom.%I', NEW.kind || '_no_seq')::regclass,
			greatest(nextval(format('usom.%I', NEW.kind || '_no_seq')::regclass), NEW.last_value));
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom.switch_counter() IS 'BEFORE UPDATE of gap_free on document_counter: the numbers go on above those that were given out. Switch while no documents are being made.';
REVOKE ALL ON FUNCTION usom.switch_counter() FROM PUBLIC;
