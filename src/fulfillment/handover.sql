CREATE TYPE usom._work_row AS (
	fulfillment_id bigint,
	fulfillment_no text,
	sales_order_id bigint,
	location_id bigint,
	wms text,
	starts boolean,
	line_no integer,
	product_id bigint,
	quantity numeric
);
COMMENT ON TYPE usom._work_row IS 'Units of a line that came to a location or went, on their way from C, by unnest().';

CREATE FUNCTION usom._cut_off_ends(minutes integer, until_time time, time_zone text, released_at timestamptz) RETURNS timestamptz
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__cut_off_ends'
STABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._cut_off_ends(integer, time, text, timestamptz) IS 'From when on a cut-off asks the warehouse, for what was released at a time; null: never.';
REVOKE ALL ON FUNCTION usom._cut_off_ends(integer, time, text, timestamptz) FROM PUBLIC;

CREATE FUNCTION usom._check_cut_off() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	IF NEW.location IS NOT NULL AND NOT EXISTS (SELECT FROM usom.location l WHERE l.org_id = NEW.org_id AND l.code = NEW.location) THEN
		RAISE EXCEPTION 'cut-off "%" names location "%", which does not exist', NEW.code, NEW.location USING
			ERRCODE = 'US006', DETAIL = 'Codes in cut-offs are looked up when they are written.',
			HINT = 'INSERT INTO usom.location first, or correct the code.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_cut_off() IS 'Trigger BEFORE a cut-off is written: US006 for a location that nobody has.';
REVOKE ALL ON FUNCTION usom._check_cut_off() FROM PUBLIC;

CREATE FUNCTION usom._handover_lines(org_id bigint, orders bigint[])
RETURNS TABLE (fulfillment_id bigint, line_no integer, handed numeric, picked numeric, packed numeric, shipped numeric, gone numeric)
LANGUAGE sql STABLE
SET search_path = pg_catalog, usom, pg_temp SET jit = off
AS $$
	SELECT d.fulfillment_id, u.line_no,
		coalesce(sum(u.quantity) FILTER (WHERE d.kind = 'handed'), 0),
		coalesce(sum(u.quantity) FILTER (WHERE d.kind = 'picked'), 0),
		coalesce(sum(u.quantity) FILTER (WHERE d.kind = 'packed'), 0),
		coalesce(sum(u.quantity) FILTER (WHERE d.kind = 'shipped'), 0),
		coalesce(sum(u.quantity) FILTER (WHERE d.kind IN ('short', 'rejected', 'cancelled', 'taken_back')), 0)
	FROM (
		SELECT f.fulfillment_id, 'handed' AS kind, f.lines
		FROM usom.fulfillment f WHERE f.org_id = _handover_lines.org_id AND f.sales_order_id = ANY (orders)
		UNION ALL
		SELECT m.fulfillment_id, m.kind, m.lines
		FROM usom.fulfillment f JOIN usom.fulfillment_message m ON m.org_id = f.org_id AND m.fulfillment_id = f.fulfillment_id
		WHERE f.org_id = _handover_lines.org_id AND f.sales_order_id = ANY (orders) AND m.lines IS NOT NULL) d
	CROSS JOIN LATERAL jsonb_to_recordset(d.lines) u (line_no integer, quantity numeric)
	GROUP BY d.fulfillment_id, u.line_no
$$;
COMMENT ON FUNCTION usom._handover_lines(bigint, bigint[]) IS 'Lines of the hand-overs of orders: units handed over, and what was said about them so far: picked, packed, shipped, and gone otherwise (short, rejected, cancelled, taken back).';
REVOKE ALL ON FUNCTION usom._handover_lines(bigint, bigint[]) FROM PUBLIC;

CREATE FUNCTION usom._fulfillment_states(org_id bigint, orders bigint[])
RETURNS TABLE (fulfillment_id bigint, status text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, usom, pg_temp SET jit = off
AS $$
	SELECT s.fulfillment_id, CASE
		WHEN s.dealt < s.handed THEN CASE
			WHEN s.shipped > 0 THEN 'partially_shipped' WHEN s.packed > 0 THEN 'packed' WHEN s.picked > 0 THEN 'picked'
			WHEN k.accepted THEN 'accepted' ELSE 'sent' END
		WHEN s.shipped > 0 THEN 'shipped' WHEN k.rejected THEN 'rejected' WHEN k.cancelled THEN 'cancelled' ELSE 'short' END
	FROM (
		SELECT h.fulfillment_id, sum(h.handed) AS handed, sum(least(h.handed, h.shipped + h.gone)) AS dealt,
			sum(h.shipped) AS shipped, sum(h.packed) AS packed, sum(h.picked) AS picked
		FROM usom._handover_lines(_fulfillment_states.org_id, orders) h GROUP BY h.fulfillment_id) s
	CROSS JOIN LATERAL (
		SELECT coalesce(bool_or(m.kind = 'accepted'), false) AS accepted, coalesce(bool_or(m.kind = 'rejected'), false) AS rejected,
			coalesce(bool_or(m.kind IN ('cancelled', 'taken_back')), false) AS cancelled
		FROM usom.fulfillment_message m WHERE m.org_id = _fulfillment_states.org_id AND m.fulfillment_id = s.fulfillment_id) k
$$;
COMMENT ON FUNCTION usom._fulfillment_states(bigint, bigint[]) IS 'The statuses of the hand-overs of orders, as they follow from their lines and messages.';
REVOKE ALL ON FUNCTION usom._fulfillment_states(bigint, bigint[]) FROM PUBLIC;

CREATE FUNCTION usom._untold(picked numeric, packed numeric, shipped numeric, kind text, units numeric) RETURNS numeric
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__untold'
IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._untold(numeric, numeric, numeric, text, numeric) IS 'Of units that a message of a kind (picked, packed, shipped) tells, those that are news beside the sums of what was told before.';
REVOKE ALL ON FUNCTION usom._untold(numeric, numeric, numeric, text, numeric) FROM PUBLIC;

CREATE FUNCTION usom.release_due(location text, until timestamptz DEFAULT now(), max_orders integer DEFAULT 1000)
RETURNS TABLE (order_no text, outcome text, quantity numeric, message text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_release_due'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.release_due(text, timestamptz, integer) IS
'Release what a location should have at work by a time: reserved units whose day there has come, or that nobody asked for later. Most urgent orders first (priority, requested date, age). Orders on hold are left alone; so are those that ship complete and wait for stock, which else go as a whole, from wherever they are. Held lines and pieces stay.
location: code. until: moment; days are those of the location. max_orders: 1 to 10000; call again for more.
Returns a row for each order that was met: outcome released (quantity: units), held (a check placed a hold) or refused (message says why); an order that is refused costs the others nothing.
Errors: US006 unknown location, 22004 a null, 22023 max_orders.
Example: SELECT * FROM usom.release_due(''MAIN'', now() + interval ''4 hours'');';

CREATE FUNCTION usom.void_release(order_no text, reason text, location text DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_void_release'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.void_release(text, text, text) IS
'Call back what was released and has not left: its units are unpacked and put back, and are reserved as before the release. An outside system that runs the warehouse is told.
order_no: the order. reason: kept in the audit. location: code; null: all of them.
Returns the status and version of the order, unchanged if nothing is at work. Release it again with usom.release_order().
Errors: US105 unknown order, US006 unknown location, US101 the order has not begun or has ended, US632 a cut-off for cancelling has passed.
Example: SELECT * FROM usom.void_release(''SO-000001'', ''wrong warehouse'');';
