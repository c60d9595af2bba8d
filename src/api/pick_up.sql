CREATE FUNCTION usom._pickup_alternatives(sales_order_id bigint)
RETURNS TABLE (line_no integer, location text, distance_km numeric, available numeric, wanted numeric, serves_all boolean, place bigint)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp SET jit = off
AS $$
	WITH line AS (
		SELECT l.line_no, l.product_id, p.sku, l.location_id, l.quantity_open + l.quantity_backordered AS waiting,
			l.quantity_open + l.quantity_backordered + l.quantity_reserved AS movable
		FROM usom.order_line l JOIN usom.product p ON p.org_id = l.org_id AND p.product_id = l.product_id AND p.kind = 'physical'
		WHERE l.org_id = usom.current_org() AND l.sales_order_id = _pickup_alternatives.sales_order_id AND l.location_id IS NOT NULL
	), store AS (
		SELECT o.location_id, o.code, round(usom.distance_km(h.latitude::numeric, h.longitude::numeric, o.latitude::numeric, o.longitude::numeric), 3) AS km
		FROM usom.location h JOIN usom.location o ON o.org_id = h.org_id AND o.location_id <> h.location_id AND o.picks_up AND o.active
		WHERE h.org_id = usom.current_org() AND h.location_id = (SELECT min(l.location_id) FROM line l)
	), offer AS (
		SELECT l.line_no, s.code, s.km, coalesce(t.available, 0) AS available, l.waiting, l.movable,
			bool_and(coalesce(t.available, 0) >= l.movable) OVER (PARTITION BY s.location_id) AS all_of_it
		FROM line l CROSS JOIN store s
		LEFT JOIN usom.stock_position t ON t.sku = l.sku AND t.location = s.code
	)
	SELECT f.line_no, f.code, f.km, f.available, trim_scale(f.waiting), f.all_of_it,
		row_number() OVER (PARTITION BY f.line_no ORDER BY f.km NULLS LAST, f.code COLLATE "C")
	FROM offer f
	WHERE f.waiting > 0 AND f.available > 0
$$;
COMMENT ON FUNCTION usom._pickup_alternatives(bigint) IS 'See usom.pickup_alternatives(); of an order by its key, whoever may see it.';
REVOKE ALL ON FUNCTION usom._pickup_alternatives(bigint) FROM PUBLIC;

CREATE FUNCTION usom.pickup_alternatives(order_no text)
RETURNS TABLE (line_no integer, location text, distance_km numeric, available numeric, wanted numeric, serves_all boolean)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	wanted_order record;
BEGIN
	PERFORM usom._check_card('order_no', pickup_alternatives.order_no);
	PERFORM usom._check_installed();
	SELECT o.sales_order_id, o.order_type::text AS order_type INTO wanted_order FROM usom.sales_order o
	WHERE o.org_id = usom.current_org() AND o.order_no = pickup_alternatives.order_no;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no order "%"', pickup_alternatives.order_no USING ERRCODE = 'US105', HINT = 'Look it up in usom.orders.';
	ELSIF wanted_order.order_type <> 'pick_up' THEN
		RAISE EXCEPTION 'order "%" is no pick-up', pickup_alternatives.order_no USING
			ERRCODE = 'US306', DETAIL = format('Its type is %s.', wanted_order.order_type), HINT = 'See usom.why_not_allocated() for orders that are sent.';
	END IF;
	RETURN QUERY
		SELECT a.line_no, a.location, a.distance_km, a.available, a.wanted, a.serves_all
		FROM usom._pickup_alternatives(wanted_order.sales_order_id) a ORDER BY a.line_no, a.place;
END
$$;
COMMENT ON FUNCTION usom.pickup_alternatives(text) IS
'Where else a pick-up order could be fetched, as long as its own location is short: places where customers fetch orders and that have some of what waits.
order_no: the order, of type pick_up.
Returns by line, nearest to the order''s location first: location, distance_km as the crow flies (null where coordinates are missing), available there, wanted (units of the line that wait), and whether the place has all that the order has not been handed out yet.
Errors: US105 unknown order, US306 the order is no pick-up.
Example: SELECT * FROM usom.pickup_alternatives(''SO-000001'');';

CREATE FUNCTION usom.move_pickup(order_no text, location text, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_move_pickup'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.move_pickup(text, text, text) IS
'Have a pick-up order fetched elsewhere: what its location has reserved is given up, and all that is not handed out yet is planned at the other one. Writes the event pick_up_moved.
order_no: the order, of type pick_up. location: another location with picks_up on. reason: kept in the audit.
Returns the status and version of the order, unchanged if it is fetched there already.
What its location has rejected is decided about so.
Errors: US105 unknown order, US006 unknown location, US306 the order is no pick-up or nobody picks up there, US101 some of it is released already or the order has ended, US102 a hold blocks changes.
Example: SELECT * FROM usom.move_pickup(''SO-000001'', ''CITY'', ''the customer asked'');';

CREATE FUNCTION usom.ready_pickup(order_no text, collect_until timestamptz DEFAULT NULL)
RETURNS TABLE (status text, version integer, location text, collect_until timestamptz)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_ready_pickup'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.ready_pickup(text, timestamptz) IS
'Put a pick-up order aside for its customer: what its location has reserved or released for it is picked, and the customer is told by the event pickup_ready (location, collect_until, quantity).
order_no: the order, of type pick_up. collect_until: until when it is kept; null: to the end of the day pickup_days after today, by the clock of the location.
What waits for stock is put aside by a later call, which begins the time anew. What was rejected before is not any more. A repeated call answers as the first.
Returns the status and version of the order, where it is and until when; these are null if a check has put the order on hold.
Errors: US105 unknown order, US306 it is no pick-up, US101 it does not run or has left, US102 a hold blocks release, US201 it ships complete and something waits, US640 nothing is there, 22023 collect_until has passed.
Example: SELECT * FROM usom.ready_pickup(''SO-000001'');';

CREATE FUNCTION usom.collect_pickup(order_no text, lines jsonb DEFAULT NULL)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_collect_pickup'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.collect_pickup(text, jsonb) IS
'The customer is there: what was put aside is handed out, shipped and delivered in one. Writes the event pickup_collected with the last of it. Somebody who comes late gets it as long as it was not put back.
order_no: the order, of type pick_up. lines: as in usom.ship(), if the customer takes a part; null: all that is put aside, and services that are released.
Returns the number of the shipment; null if a check has put the order on hold. A repeated call without lines answers as the first.
Errors: US105 unknown order, US306 it is no pick-up, US640 nothing is put aside, and those of usom.ship().
Example: SELECT usom.collect_pickup(''SO-000001'');';

CREATE FUNCTION usom.reject_pickup(order_no text, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_reject_pickup'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.reject_pickup(text, text) IS
'The location cannot put the order aside: its units wait again, and it stands in usom.exceptions and usom.pickups as pickup_rejected until somebody decides. Nothing sends it instead; a hold of that type keeps it from being released. Writes the event pickup_rejected and one row of history.
order_no: the order, of type pick_up. reason: why, for those who decide.
What is decided: usom.move_pickup() to another location, usom.ready_pickup() after all, or usom.cancel_order(). That the shelf has less than was thought is for usom.count_stock() to say.
Returns the status and version of the order. A repeated call changes nothing.
Errors: US105 unknown order, US306 it is no pick-up, US101 it does not run or has left, US640 nothing of it is there.
Example: SELECT * FROM usom.reject_pickup(''SO-000001'', ''the box is damaged'');';

CREATE FUNCTION usom.put_back_pickups(location text DEFAULT NULL, order_no text DEFAULT NULL, reason text DEFAULT NULL)
RETURNS TABLE (order_no text, status text, quantity numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_put_back_pickups'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.put_back_pickups(text, text, text) IS
'Nobody came: of orders whose time is over (missed in usom.pickups) what was put aside goes back to the shelf, and all that was not fetched is cancelled; money follows as with usom.cancel_line(). Writes the event pickup_missed. Until somebody calls it, the goods are kept and may still be fetched.
location: code, null: all. order_no: only this one. reason: why, for the history.
Returns the orders, their status now, and the units that were cancelled. Orders with a hold that blocks cancel are left out, unless one is named.
Errors: US006 unknown location; with order_no US105 unknown order, US306 no pick-up, US640 nothing is put aside, US641 the time is not over, US102 a hold blocks cancel.
Example: SELECT * FROM usom.put_back_pickups(''MITTE'');';
