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
  channel (manual), external_id, revision (1), order_type (standard; see usom.order_types()), customer (a guest), currency (the organisation''s), priority (5; lower is served first), placed_at (now), requested_at, ship_complete (false), draft (false), coupons [text], instructions,
  ship_to {name, line1, line2, postcode, city, region, country, latitude, longitude} (the customer''s first address), payment {method, reference, authorized},
  reservation_owner (its soft reservations are given up for this order),
  lines [{sku, quantity, unit (of quantity and unit_price, one of usom.product_units; the product''s own), unit_price (list price, else 0), location (any), requested_at, substitution (as the customer agreed, else none), partial (true), make {name, based_on, attributes} (the sku is no product yet and is made for the order, for roles that may insert products: engineering approves it)}].
Quantities in the product''s own unit or the one named (then kept in the product''s own, and exact), six decimals; prices in the currency, four decimals; times as ISO 8601.
Each line is reserved at the first location, by priority, that can serve it whole; else the rest is backordered, unless partial is false.
Returns one row: order number, status (confirmed; draft if asked for), total, units reserved and backordered, the latest promise (null if something has none), messages [{line_no, code, quantity}] with the codes backordered, no_price, repeated.
The same channel, external_id and document again returns the order that is there and changes nothing.
Errors: US803 unknown key, wrong type or unknown code (the path is named), US220 a quantity that its unit does not give exactly, US801 the external_id came with another document, US802 the revision is older.
Example: SELECT * FROM usom.place_order(''{"customer": "17850", "lines": [{"sku": "85123A", "quantity": 6, "unit_price": 2.55}]}'');';

CREATE FUNCTION usom.place_orders(documents jsonb)
RETURNS TABLE (ordinal integer, external_id text, outcome text, order_no text, sqlstate text, message text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_place_orders'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.place_orders(jsonb) IS
'Place many orders in one call; a document that fails costs that document alone.
documents: an array of documents as place_order() takes them.
Returns one row per document, in order: ordinal from 1, external_id, outcome (placed, repeated, rejected), the order number, or the SQLSTATE and message of the refusal.
All are written in one piece, with the statements of one order; numbers ascend with the documents, and where documents compete the first has it.
Errors: US803 if the argument is not an array; 40001 and the like where the transaction, not a document, is at fault.
Example: SELECT * FROM usom.place_orders(''[{"lines": [{"sku": "85123A", "quantity": 6}]}, {"lines": []}]'');';

CREATE FUNCTION usom.quote(document jsonb) RETURNS jsonb
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_quote'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.quote(jsonb) IS
'What place_order() would do with a document now: prices, availability, promise, or all that stands in its way. Nothing is written, no number drawn; stock is not kept for the asker (reserve_stock() does that).
document: as place_order() takes it; draft is not looked at.
Returns {"valid": true, currency, total, quantity_reserved, quantity_backordered, promised_at (the latest; null if something has none), messages (as place_order()), problems: [],
  lines [{line_no, sku, quantity, unit_price, total, available (units that can be promised now; null for services and kits), reserved, backordered, pieces [{location, status, quantity, promised_at}]}]},
or {"valid": false, problems [{path, code (SQLSTATE, or repeated), message, detail, remedy}]}: all unknown codes at once.
It is computed by placing the order and undoing it, so all rules hold; it waits where placing would wait, and needs a server that can write.
Errors: US502 for a card number, 22004 for a null, 40001 and the like where the transaction, not the document, is at fault.
Example: SELECT usom.quote(''{"lines": [{"sku": "85123A", "quantity": 6}]}'');';

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
'Cancel an order of which nothing has left: every unit is cancelled and its stock is free again. Of an order with units past a cut-off (usom.cut_off) the others are cancelled, the warehouse is asked for the rest, and the order lives on until it has answered. UPDATE usom.sales_order SET status = ''cancelled'' does the same.
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
'Cancel units of a line, least committed first: open, backordered, reserved, released, then picked and packed ones that a cut-off lets go (usom.cut_off). The units stay on the line as cancelled, and its total falls. Units past their cut-off stay where they are, and the warehouse is asked for them (usom.warehouse_requests; a notice names the request).
order_no, line_no: the line. quantity: units; null: all that may be cancelled. reason: why.
A repeated call that finds nothing left, and so many units cancelled or asked for already, changes nothing.
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
changes: an object with any of priority, requested_at, instructions, ship_complete, ship_to (as in the order document), coupons (an array of codes: those that the order uses from now on, in the place of those that it had; each must fit, as when placing) and lines, an array of
  {line_no, quantity, unit (of quantity and unit_price; the product''s own), unit_price, sku, location, requested_at}: an existing line; what is given is set. {line_no, remove: true}: the line is taken away. {sku, quantity, unit, unit_price, location, requested_at}: a new line.
A higher quantity is planned like a new order''s; a lower one drops units, least committed first: open, backordered, reserved, then what is at work in a warehouse before its cut-off for changes (usom.cut_off); after it, the warehouse is asked for those units, and so it is for another address, once there is a cut-off for addresses. Another sku or location plans the units of the line anew. A new price touches no piece.
Returns the status and the new version of the order.
Errors: US105 unknown order, US106 unknown line, US108 unreadable changes or unknown codes, US103 version conflict, US104 below what is committed, US109 the last line would go, US220 a quantity that its unit does not give exactly, US404 to US407 coupons that do not fit, US101 the order is shipped or ended, US102 a hold blocks change.
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

CREATE FUNCTION usom.reallocate_order(order_no text, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_reallocate_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.reallocate_order(text, text) IS
'Plan the reserved and backordered units of one order anew, by the rules and the stock of now. What is released or further stays where it is.
order_no: the order. reason: kept in the audit.
Returns the status and version of the order, unchanged if there is nothing to plan.
Errors: US105 unknown order, US101 the order is not confirmed or has ended, US102 a hold blocks changes.
Example: SELECT * FROM usom.reallocate_order(''SO-000001'', ''the warehouse is flooded'');';

CREATE FUNCTION usom.explain_sourcing(order_no text)
RETURNS TABLE (line_no integer, location text, rank integer, eligible boolean, reason_code text, reason text,
	distance_km numeric, available numeric, promised_at timestamptz, cost numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_explain_sourcing'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.explain_sourcing(text) IS
'Why each location serves a line of the order, or does not: planned again by the code that allocates, over the stock of now and what the order itself has reserved.
order_no: the order.
Returns a row for each line with units open, backordered or reserved, and each location. rank orders those that could serve, best first, what serves first of all; reason_code chosen serves the line. distance_km is as the crow flies, null without coordinates or a postal code that is known; available is in the unit of the product; cost is that of the line served from there alone, in the currency of the organisation, preferences aside; promised_at is when it would arrive.
Errors: US105 unknown order.
Example: SELECT * FROM usom.explain_sourcing(''SO-000001'') ORDER BY line_no, rank;';

CREATE FUNCTION usom.why_not_allocated(order_no text, line_no integer)
RETURNS TABLE (location text, reason_code text, reason text, available numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_why_not_allocated'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.why_not_allocated(text, integer) IS
'Why a line waits: each location with the reason why it does not serve the units that are open or backordered; chosen: it serves others of the line already.
order_no, line_no: the line; of a kit, its components that are short are named.
Returns no row if no unit of the line waits; else one for each location, by priority; and one without location (reason_code quota or pre_order) if a quota or a pre-order offer stands in the way, with the units that it would let the line have.
Errors: US105 unknown order.
Example: SELECT * FROM usom.why_not_allocated(''SO-000001'', 1);';

CREATE FUNCTION usom.fill_backorders(sku text DEFAULT NULL)
RETURNS TABLE (order_no text, line_no integer, quantity numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_fill_backorders'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.fill_backorders(text) IS
'Give free stock to backordered units: by priority of their orders, then oldest first, within what quotas allow.
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
			NEW.kind || '_no', CASE NEW.kind WHEN 'order' THEN 'sales_order' WHEN 'return' THEN 'return_order' WHEN 'make' THEN 'make_order' WHEN 'run' THEN 'backorder_run' WHEN 'request' THEN 'warehouse_request' WHEN 'message' THEN 'inbox_message' ELSE NEW.kind END)
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

CREATE FUNCTION usom.erase_customer(customer text, reason text) RETURNS text
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'usom_erase_customer'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.erase_customer(text, text) IS
'Make a customer unknown for good: the key is deleted under which name, e-mail, phone, addresses and instructions are sealed, in all orders and in the audit. The customer is retired. Country, postcode, amounts and everything else of the orders stay.
customer: code. reason: why, for the audit; it must not say who it was.
Returns the code.
Errors: US006 unknown customer, US904 erased before, US905 an order is open (drafts included); 0A000 above READ COMMITTED.
Example: SELECT usom.erase_customer(''17850'', ''asked for it, ticket 4711'');';

CREATE FUNCTION usom.erase_order_person(order_no text, reason text) RETURNS text
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'usom_erase_order_person'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.erase_order_person(text, text) IS
'Make the buyer of an order without a customer unknown for good: the key is deleted under which address and instructions are sealed.
order_no: the order, delivered or ended. reason: why; it must not say who it was.
Returns the order number.
Errors: US105 unknown order, US904 erased before, US905 the order is open, 22023 the order is of a customer.
Example: SELECT usom.erase_order_person(''SO-000001'', ''asked for it'');';

CREATE FUNCTION usom._retain() RETURNS integer
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'usom__retain'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._retain() IS 'Erases who is due by usom.retention, in all organisations, at most 1000 of a kind; looks once an hour. Returns how many. Part of tick().';
REVOKE ALL ON FUNCTION usom._retain() FROM PUBLIC;

CREATE FUNCTION usom.export_customer(customer text) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	known record;
BEGIN
	PERFORM usom._check_card('customer', export_customer.customer);
	PERFORM usom._check_installed();
	IF NOT has_table_privilege('usom.vault_key', 'SELECT') THEN
		RAISE EXCEPTION 'permission denied to export what is known of a person'
			USING ERRCODE = 'insufficient_privilege', DETAIL = 'Only roles that may read usom.vault_key see it.';
	END IF;
	SELECT c.* INTO known FROM usom.customers c WHERE c.customer = export_customer.customer;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'customer "%" does not exist', export_customer.customer
			USING ERRCODE = 'US006', HINT = 'Look it up in usom.customers.';
	ELSIF known.erased_at IS NOT NULL THEN
		RAISE EXCEPTION 'customer "%" was erased', export_customer.customer
			USING ERRCODE = 'US904', DETAIL = 'What told who it was is gone for good.';
	END IF;
	RETURN jsonb_build_object(
		'customer', to_jsonb(known) - 'erased_at',
		'addresses', (
			SELECT coalesce(jsonb_agg(to_jsonb(a) - 'customer' ORDER BY a.address_no), '[]')
			FROM usom.addresses a
			WHERE a.customer = export_customer.customer),
		'orders', (
			SELECT coalesce(jsonb_agg(to_jsonb(o) - 'customer' - 'held' || jsonb_build_object(
				'lines', (
					SELECT coalesce(jsonb_agg(jsonb_build_object('line_no', l.line_no, 'sku', l.sku, 'product_name', l.product_name,
						'quantity', l.quantity, 'unit_price', l.unit_price, 'total', l.total, 'status', l.status) ORDER BY l.line_no), '[]')
					FROM usom.order_lines l
					WHERE l.order_no = o.order_no),
				'shipments', (
					SELECT coalesce(jsonb_agg(to_jsonb(s) - 'order_no' ORDER BY s.shipment_no), '[]')
					FROM usom.shipments s
					WHERE s.order_no = o.order_no),
				'returns', (
					SELECT coalesce(jsonb_agg(to_jsonb(r) - 'order_no' ORDER BY r.return_no), '[]')
					FROM usom.returns r
					WHERE r.order_no = o.order_no)) ORDER BY o.placed_at, o.order_no), '[]')
			FROM usom.orders o
			WHERE o.customer = export_customer.customer));
END
$$;
COMMENT ON FUNCTION usom.export_customer(text) IS
'All that is known of a customer, in clear: an object with customer, addresses and orders (with lines, shipments, returns), for the person who asks what is kept.
customer: code.
Errors: US006 unknown customer, US904 erased; 42501 for roles that may not read usom.vault_key.
Example: SELECT jsonb_pretty(usom.export_customer(''17850''));';

CREATE FUNCTION usom.verify_vault()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'privacy', x.entity, CASE x.state WHEN 'clear' THEN 'a text about a person is not sealed'
			WHEN 'broken' THEN 'a sealed text cannot be opened with the key of its person'
			ELSE 'a text about a person who was not erased has no key' END,
			'sealed', x.state
		FROM (
			SELECT format('customer "%s" %s', c.code, v.name) AS entity, usom._seal_state(org, v.value) AS state, c.erased_at IS NOT NULL AS erased
			FROM usom.customer c CROSS JOIN LATERAL (VALUES ('name', c.name), ('email', c.email), ('phone', c.phone)) v (name, value)
			WHERE c.org_id = org AND v.value IS NOT NULL
			UNION ALL
			SELECT format('customer #%s address %s %s', a.customer_id, a.address_no, v.name), usom._seal_state(org, v.value), false
			FROM usom.customer_address a
				CROSS JOIN LATERAL (VALUES ('name', a.name), ('line1', a.line1), ('line2', a.line2), ('city', a.city)) v (name, value)
			WHERE a.org_id = org AND v.value IS NOT NULL
			UNION ALL
			SELECT format('address #%s %s', a.address_id, v.name), usom._seal_state(org, v.value), e.person_id IS NOT NULL
			FROM usom.address a
				LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = a.person_id
				LEFT JOIN usom.erasure e ON e.org_id = org AND e.person_id IN (a.person_id, o.customer_id)
				CROSS JOIN LATERAL (VALUES ('name', a.name), ('line1', a.line1), ('line2', a.line2), ('city', a.city)) v (name, value)
			WHERE a.org_id = org AND v.value IS NOT NULL
			UNION ALL
			SELECT format('order "%s" instructions', o.order_no), usom._seal_state(org, o.instructions), e.person_id IS NOT NULL
			FROM usom.sales_order o LEFT JOIN usom.erasure e ON e.org_id = org AND e.person_id = coalesce(o.customer_id, o.sales_order_id)
			WHERE o.org_id = org AND o.instructions IS NOT NULL
			UNION ALL
			SELECT format('order "%s" ship_to', o.order_no), 'clear', false
			FROM usom.sales_order o
			WHERE o.org_id = org AND o.ship_to IS NOT NULL
		) x
		WHERE x.state IN ('clear', 'broken') OR (x.state = 'erased' AND NOT x.erased);
	RETURN QUERY
		SELECT 'privacy', format('customer "%s"', c.code), CASE WHEN c.erased_at IS NULL THEN 'a customer who was not erased has no key'
			ELSE 'a customer who was erased has a key' END, CASE WHEN c.erased_at IS NULL THEN 'a key' ELSE 'none' END,
			CASE WHEN c.erased_at IS NULL THEN 'none' ELSE 'a key' END
		FROM usom.customer c
		WHERE c.org_id = org AND usom._has_key(org, c.customer_id) <> (c.erased_at IS NULL);
	RETURN QUERY
		SELECT 'privacy', format('order "%s"', o.order_no), 'order refers to an unknown address', 'a row of address', format('#%s', o.address_id)
		FROM usom.sales_order o LEFT JOIN usom.address a ON a.org_id = org AND a.address_id = o.address_id
		WHERE o.org_id = org AND o.address_id IS NOT NULL AND a.address_id IS NULL;
	RETURN QUERY
		SELECT 'privacy', format('customer #%s', coalesce(w.person_id, i.person_id)), format('what the %s is found by is wrong', coalesce(w.kind, i.kind)),
			CASE WHEN w.digest IS NULL THEN 'none' ELSE 'a digest' END, CASE WHEN i.digest IS NULL THEN 'none' ELSE 'another digest' END
		FROM (
			SELECT c.customer_id AS person_id, v.kind, usom._contact_digest(org, v.kind, v.value) AS digest
			FROM usom.customer c CROSS JOIN LATERAL (VALUES ('email', c.email), ('phone', c.phone)) v (kind, value)
			WHERE c.org_id = org AND v.value IS NOT NULL
		) w
		FULL JOIN (SELECT * FROM usom.vault_index n WHERE n.org_id = org) i ON i.person_id = w.person_id AND i.kind = w.kind
		WHERE w.digest IS DISTINCT FROM i.digest;
END
$$;
COMMENT ON FUNCTION usom.verify_vault() IS
'What is kept about people, looked at again: every text sealed and readable with the key of its person, a key for everybody but those who were erased, what find_customers() looks in. Empty when all is well.
Example: SELECT * FROM usom.verify_vault();';
