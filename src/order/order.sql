-- state_type order_status
-- state_type piece_status
CREATE FUNCTION usom._check_order_type(name text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usom__check_order_type';
COMMENT ON FUNCTION usom._check_order_type(text) IS 'The CHECK of usom.order_type: true, or US110 with the known types in the hint.';
REVOKE ALL ON FUNCTION usom._check_order_type(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._check_order_type(text) TO PUBLIC;

CREATE DOMAIN usom.order_type AS text
	CONSTRAINT order_type_known CHECK (usom._check_order_type(VALUE));
COMMENT ON DOMAIN usom.order_type IS 'Flow of an order: one of usom.order_types(). Anything else is US110.';

CREATE FUNCTION usom.order_types() RETURNS TABLE (order_type text, firm boolean, meaning text)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usom_order_types'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.order_types() IS
'The types of orders. firm: what such an order has was got for its buyer; no run and no reallocation takes it, only cancelling.
Errors: none. Example: SELECT * FROM usom.order_types();';

CREATE TYPE usom._line_row AS (
	sales_order_id bigint,
	line_no integer,
	product_id bigint,
	quantity usom.positive_quantity,
	unit_price usom.price_amount,
	total usom.amount,
	location_id bigint,
	requested_at timestamptz,
	substitution usom.substitution,
	partial boolean,
	quantity_open usom.quantity,
	quantity_backordered usom.quantity,
	quantity_reserved usom.quantity,
	quantity_released usom.quantity,
	quantity_picked usom.quantity,
	quantity_packed usom.quantity,
	quantity_shipped usom.quantity,
	quantity_delivered usom.quantity,
	quantity_returned usom.quantity,
	quantity_cancelled usom.quantity,
	kit_line_no integer,
	kit_quantity usom.positive_quantity,
	discount usom.charge,
	freight usom.charge,
	tax usom.charge,
	tax_included boolean,
	decimals smallint
);
COMMENT ON TYPE usom._line_row IS 'An order line on its way from C to order_line, by unnest().';

CREATE TYPE usom._piece_row AS (
	sales_order_id bigint,
	line_no integer,
	piece_no integer,
	product_id bigint,
	location_id bigint,
	lot text,
	status usom.piece_status,
	quantity usom.positive_quantity,
	promised_at timestamptz,
	shipment_id bigint,
	ships_on date,
	supply_id bigint,
	package_id bigint
);
COMMENT ON TYPE usom._piece_row IS 'A piece on its way from C to fulfillment_line, by unnest().';

CREATE TYPE usom._order_row AS (
	sales_order_id bigint,
	status usom.order_status,
	total usom.amount,
	version integer,
	paid usom.charge,
	flow_id bigint,
	flow_state text
);
COMMENT ON TYPE usom._order_row IS 'The kept columns of an order on their way from C to sales_order, by unnest().';

CREATE TYPE usom._history_row AS (
	sales_order_id bigint,
	version integer,
	event text,
	from_status usom.order_status,
	to_status usom.order_status,
	line_no integer,
	quantity numeric,
	reason text,
	reference text,
	app_user text,
	flow_state text
);
COMMENT ON TYPE usom._history_row IS 'A change on its way from C to order_history, by unnest().';

CREATE FUNCTION usom._adds_up(quantity usom.positive_quantity, open usom.quantity, backordered usom.quantity,
	reserved usom.quantity, released usom.quantity, picked usom.quantity, packed usom.quantity, shipped usom.quantity,
	delivered usom.quantity, returned usom.quantity, cancelled usom.quantity)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usom__adds_up';
COMMENT ON FUNCTION usom._adds_up(usom.positive_quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity) IS
'Is the quantity the sum of all the others? The constraint order_line_quantity_conserved: one function call, because the text of a CHECK is parsed anew for every statement.';
REVOKE ALL ON FUNCTION usom._adds_up(usom.positive_quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._adds_up(usom.positive_quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity) TO PUBLIC;

CREATE FUNCTION usom._status_text(status usom.order_status) RETURNS text
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'usom__status_text';
COMMENT ON FUNCTION usom._status_text(usom.order_status) IS
'The status in words, as usom.orders shows it. It cannot fail, so that whoever asks for the orders of a status is answered from the index sales_order_open, row security or not.';
REVOKE ALL ON FUNCTION usom._status_text(usom.order_status) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._status_text(usom.order_status) TO PUBLIC;

CREATE FUNCTION usom._piece_is_sound(status usom.piece_status, location_id bigint, supply_id bigint, ships_on date, shipment_id bigint)
RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'usom__piece_is_sound';
COMMENT ON FUNCTION usom._piece_is_sound(usom.piece_status, bigint, bigint, date, bigint) IS
'The constraint fulfillment_line_is_sound: what waits is nowhere, and only what waits counts on a supply; a day of shipment has what is reserved or further at a location; a shipment has what is shipped, delivered or returned, and nothing else. One function call, because the text of a CHECK is parsed anew for every statement.';
REVOKE ALL ON FUNCTION usom._piece_is_sound(usom.piece_status, bigint, bigint, date, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._piece_is_sound(usom.piece_status, bigint, bigint, date, bigint) TO PUBLIC;

CREATE FUNCTION usom._guard_order() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__guard_order';
COMMENT ON FUNCTION usom._guard_order() IS 'BEFORE ROW on sales_order: plain SQL may write drafts, ask for decisions by status and correct what is not kept; all else is refused (US004, US101).';
REVOKE ALL ON FUNCTION usom._guard_order() FROM PUBLIC;

CREATE FUNCTION usom._guard_line() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__guard_line';
COMMENT ON FUNCTION usom._guard_line() IS 'BEFORE ROW on order_line: counters and totals of lines that plain SQL writes are derived; kept columns are refused (US004).';
REVOKE ALL ON FUNCTION usom._guard_line() FROM PUBLIC;

CREATE FUNCTION usom._line_written() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__line_written'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._line_written() IS 'AFTER STATEMENT on order_line: lines that plain SQL wrote belong to drafts (else US004), whose totals follow.';
REVOKE ALL ON FUNCTION usom._line_written() FROM PUBLIC;

CREATE FUNCTION usom._guard_piece() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__guard_piece';
COMMENT ON FUNCTION usom._guard_piece() IS 'BEFORE ROW UPDATE on fulfillment_line: pieces are moved by the verbs alone (US101 with the legal steps, US004 for other columns).';
REVOKE ALL ON FUNCTION usom._guard_piece() FROM PUBLIC;

CREATE TYPE usom._held_piece AS (
	sales_order_id bigint,
	line_no integer,
	piece_no integer,
	from_piece_no integer
);
COMMENT ON TYPE usom._held_piece IS 'Piece that units of a held one are in now, or that is gone, on its way from C to hold, by unnest().';

CREATE TYPE usom._hold_row AS (
	sales_order_id bigint,
	placed_at timestamptz,
	hold_type text,
	reason text,
	expires_at timestamptz,
	line_no integer,
	piece_no integer,
	blocks text[]
);
COMMENT ON TYPE usom._hold_row IS 'Hold that somebody places, on its way from C to hold, by unnest().';

CREATE TYPE usom._found_hold AS (
	sales_order_id bigint,
	line_no integer,
	hold_type text,
	reason text,
	expires_at timestamptz,
	check_code text
);
COMMENT ON TYPE usom._found_hold IS 'Hold that a check places, on its way from C to hold, by unnest().';

CREATE FUNCTION usom._standard_hold_types() RETURNS TABLE (code text, blocks text[], description text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	VALUES ('credit', ARRAY['confirm', 'release', 'ship'], 'Credit limit or unpaid invoices'),
		('fraud', ARRAY['confirm', 'release', 'ship', 'change'], 'Suspected fraud, under review'),
		('address', ARRAY['release', 'ship'], 'Address to be clarified'),
		('customer', ARRAY['release', 'ship'], 'Customer asked to wait'),
		('payment', ARRAY['release', 'ship'], 'What the order costs is neither paid nor authorised'),
		('duplicate', ARRAY['confirm', 'release', 'ship'], 'Looks like an order that was placed before'),
		('review', ARRAY['confirm', 'release', 'ship'], 'A check found something that somebody should look at'),
		('approval', ARRAY['confirm', 'release', 'ship'], 'Waits for an approval'),
		('price', ARRAY['confirm', 'release', 'ship'], 'The price is not the one expected')
$$;
COMMENT ON FUNCTION usom._standard_hold_types() IS 'Types of holds that an organisation begins with.';
REVOKE ALL ON FUNCTION usom._standard_hold_types() FROM PUBLIC;

CREATE FUNCTION usom.furnish_hold_types() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	INSERT INTO usom.hold_type (org_id, code, blocks, description)
	SELECT NEW.org_id, t.* FROM usom._standard_hold_types() t;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION usom.furnish_hold_types() IS 'AFTER INSERT on organisation: a new organisation begins with the standard types of holds.';
REVOKE ALL ON FUNCTION usom.furnish_hold_types() FROM PUBLIC;

CREATE FUNCTION usom.hold_order(order_no text, hold_type text, reason text, expires_at timestamptz DEFAULT NULL,
	line_no integer DEFAULT NULL, piece_no integer DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_hold_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.hold_order(text, text, text, timestamptz, integer, integer) IS
'Place a hold on an order, a line or a piece: the actions that its type blocks (usom.hold_type; confirm, release and ship for other types) fail with US102 until release_hold() or expires_at.
order_no: the order. hold_type: for example credit, fraud, address, customer. reason: why, for the people who see it. expires_at: when it ends by itself; null: never. line_no: hold the units of one line; null: the whole order. piece_no: hold one piece of that line.
A hold is not a status; several may stand at once. The same type at the same place again renews reason and expiry. A hold on a line or a piece keeps its units from being released and shipped, while release_order() and ship() let the others go; confirm, cancel and close are of the whole order and wait for every hold. Units that are cut off a held piece stay held. Hold rules (usom.hold_rule) may place other holds with it.
Returns the status and version of the order.
Errors: US105 unknown order, US106 unknown line, US120 unknown piece, US101 if the order is closed, cancelled or rejected or the piece has left, 22023 if the type is empty, the expiry is past or a piece comes without its line.
Example: SELECT * FROM usom.hold_order(''SO-000001'', ''credit'', ''invoice 4711 is overdue'', now() + interval ''3 days'');';

CREATE FUNCTION usom.release_hold(order_no text, hold_type text, reason text, line_no integer DEFAULT NULL, piece_no integer DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_release_hold'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.release_hold(text, text, text, integer, integer) IS
'End the active holds of one type on an order.
order_no: the order. hold_type: as given to hold_order(). reason: why it may go on. line_no: only those on this line and its pieces; null: wherever they stand. piece_no: only that on this piece.
Returns the status and version of the order; call confirm_order() or release_order() next.
Errors: US105 unknown order, US107 if no active hold has this type there, 22023 if a piece comes without its line.
Example: SELECT * FROM usom.release_hold(''SO-000001'', ''credit'', ''paid'');';
