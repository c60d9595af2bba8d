CREATE TYPE usom._stock_key AS (
	product_id bigint,
	location_id bigint,
	lot text COLLATE "C"
);
COMMENT ON TYPE usom._stock_key IS 'Key of a stock row on its way from C, by unnest().';

CREATE TYPE usom._stock_delta AS (
	product_id bigint,
	location_id bigint,
	lot text COLLATE "C",
	on_hand numeric,
	reserved numeric
);
COMMENT ON TYPE usom._stock_delta IS 'Change of a stock row on its way from C to stock, by unnest().';

CREATE TYPE usom._stock_hold AS (
	product_id bigint,
	location_id bigint,
	lot text COLLATE "C",
	held numeric
);
COMMENT ON TYPE usom._stock_hold IS 'Change of the soft holds on a stock row on its way from C to stock, by unnest().';

CREATE TYPE usom._movement_row AS (
	product_id bigint,
	location_id bigint,
	lot text COLLATE "C",
	kind text,
	delta numeric(18,6),
	reference text,
	reason text,
	sales_order_id bigint
);
COMMENT ON TYPE usom._movement_row IS 'A movement on its way from C to stock_movement, by unnest().';

CREATE TYPE usom._stock_code AS (
	location text,
	sku text
);
COMMENT ON TYPE usom._stock_code IS 'Codes on their way from C to the statement that looks them up, by unnest().';

CREATE FUNCTION usom._free(on_hand usom.quantity, reserved usom.quantity, safety usom.quantity, held usom.quantity, held_until timestamptz, usable_until timestamptz, at timestamptz)
RETURNS bigint
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'usom__free';
COMMENT ON FUNCTION usom._free(usom.quantity, usom.quantity, usom.quantity, usom.quantity, timestamptz, timestamptz, timestamptz) IS
'Units of a stock row that nobody has, in millionths: on_hand - reserved - safety, and - held unless held_until has passed. Below zero where there is less than the safety stock. For the statement that locks many rows: one function call instead of eight. None if usable_until has passed. Only held_until and usable_until may be null.';
REVOKE ALL ON FUNCTION usom._free(usom.quantity, usom.quantity, usom.quantity, usom.quantity, timestamptz, timestamptz, timestamptz) FROM PUBLIC;

CREATE FUNCTION usom._stock_is_sound(held usom.quantity, held_until timestamptz, stripes smallint, lent usom.quantity, lot text)
RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'usom__stock_is_sound';
COMMENT ON FUNCTION usom._stock_is_sound(usom.quantity, timestamptz, smallint, usom.quantity, text) IS
'The constraint stock_is_sound: units are held if and only if there is a time until when; there are no stripes, or 2 to 256, and then no lot; units are lent to stripes alone. One function call, because the text of a CHECK is parsed anew for every statement.';
REVOKE ALL ON FUNCTION usom._stock_is_sound(usom.quantity, timestamptz, smallint, usom.quantity, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._stock_is_sound(usom.quantity, timestamptz, smallint, usom.quantity, text) TO PUBLIC;

CREATE FUNCTION usom.location_id(code text) RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_location_id'
STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.location_id(text) IS 'Key of the location with this code in the organisation of the caller. Raises US006 if there is none. Example: SELECT usom.location_id(''MAIN'');';

CREATE FUNCTION usom.receive_stock(location text, sku text, quantity numeric, lot text DEFAULT NULL, reference text DEFAULT NULL)
RETURNS TABLE (location text, sku text, on_hand numeric, available numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_receive_stock'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.receive_stock(text, text, numeric, text, text) IS 'Take units into stock: location and product by code, units of the product (above zero, six decimals at most), lot if the product has lots, number of the delivery note. Where fill_on_receipt of the product (or, if it is null there, of the organisation) is on, the units go to lines that wait for the product in the same call, as with fill_backorders(). Returns what the location has now over all lots. Raises US006 for an unknown code, US203 for a service, 22003 or 22023 for a quantity that is none. Example: SELECT * FROM usom.receive_stock(''MAIN'', ''85123A'', 100, reference => ''PO-7'');';

CREATE FUNCTION usom.receive_stocks(receipts jsonb) RETURNS integer
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_receive_stocks'
VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.receive_stocks(jsonb) IS 'Take many deliveries into stock, all or none, with a number of statements that does not grow with them; nothing is filled by it, fill_backorders() is called after it: an array of objects with location, sku, quantity and, if wanted, lot and reference. Returns how many were booked. Raises what receive_stock raises, and 22023 naming the item and key that is missing or unknown. Example: SELECT usom.receive_stocks(''[{"location": "MAIN", "sku": "85123A", "quantity": 100}]'');';

CREATE FUNCTION usom.adjust_stock(location text, sku text, delta numeric, reason text, lot text DEFAULT NULL)
RETURNS TABLE (location text, sku text, on_hand numeric, available numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_adjust_stock'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.adjust_stock(text, text, numeric, text, text) IS 'Correct what is on hand by so many units, up or down, and say why. The lot may be left out where the location has stock of the product in one lot only. Returns what the location has now over all lots. Raises US201 if less would be left than is reserved for orders, US006 for an unknown code, US203 for a service, 22003 or 22023 for a delta that is none or a lot that must be named. Example: SELECT * FROM usom.adjust_stock(''MAIN'', ''85123A'', -2, ''broken'');';

CREATE FUNCTION usom.count_stock(location text, sku text, counted numeric, lot text DEFAULT NULL)
RETURNS TABLE (location text, sku text, on_hand numeric, available numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_count_stock'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.count_stock(text, text, numeric, text) IS 'Set what is on hand to the units that were counted; the difference is booked, and none if there is none. The lot may be left out where the location has stock of the product in one lot only. Returns what the location has now over all lots. If orders keep more than was counted, the least firm of them wait again: firm orders lose last; then what is released, orders of higher priority, those placed earlier. They are served from elsewhere, count on supply or are short: events, and exceptions promise_late and supply_short that name the place. Raises US201 if fewer were counted than are picked and packed, US006 for an unknown code, US203 for a service, 22003 or 22023 for a quantity that is none or a lot that must be named. Example: SELECT * FROM usom.count_stock(''MAIN'', ''85123A'', 97);';

CREATE FUNCTION usom.set_safety(location text, sku text, quantity numeric, lot text DEFAULT NULL)
RETURNS TABLE (location text, sku text, on_hand numeric, available numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_set_safety'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.set_safety(text, text, numeric, text) IS 'Set the safety stock: units of a product at a location that are never promised; zero takes it away. The lot may be left out where the location has stock of the product in one lot only. Returns what the location has now over all lots. Raises US006 for an unknown code, US203 for a service, 22003 or 22023 for a quantity that is none or a lot that must be named. Example: SELECT * FROM usom.set_safety(''MAIN'', ''85123A'', 10);';

CREATE FUNCTION usom.reserve_stock(owner text, location text, sku text, quantity numeric, ttl interval) RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_reserve_stock'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.reserve_stock(text, text, text, numeric, interval) IS 'Keep units for a cart or an agent (owner) until ttl has passed; then they are free without anybody''s doing. Another reservation of the same owner for the same product and location takes the place of the first, which does not stand in its way. The units come from one lot. Returns the number that release_stock takes. Raises US201 with what is available and wanted if there is too little, US006 for an unknown code, US203 for a service, 22003 or 22023 for a quantity or ttl that is none. Example: SELECT usom.reserve_stock(''cart-17'', ''MAIN'', ''85123A'', 2, ''15 minutes'');';

CREATE FUNCTION usom.release_stock(reservation_id bigint) RETURNS boolean
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_release_stock'
VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.release_stock(bigint) IS 'Give back the units of a soft reservation, by the number that reserve_stock returned. Returns true if they were freed now, false if the reservation was gone or had run out already. Example: SELECT usom.release_stock(42);';

CREATE FUNCTION usom.available(sku text, location text DEFAULT NULL) RETURNS numeric
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_available'
STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.available(text, text) IS 'Units of a product that can be promised now, at one location or at all active ones: on hand less reserved, soft reservations that have not run out and safety stock, but no stock row counts below zero. Raises US006 for an unknown code, US203 for a service. Example: SELECT usom.available(''85123A''), usom.available(''85123A'', ''MAIN'');';

CREATE FUNCTION usom._check_time_zone() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__check_time_zone'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._check_time_zone() IS 'Trigger BEFORE a row with a column time_zone is written: US301 unless pg_timezone_names has it, capitals and all.';
REVOKE ALL ON FUNCTION usom._check_time_zone() FROM PUBLIC;

CREATE FUNCTION usom.verify_stock() RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql
STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH stock_row AS (
		SELECT s.product_id, s.location_id, s.lot, s.on_hand, s.reserved, s.held, s.held_until
		FROM usom.stock s WHERE s.org_id = usom.current_org()
	), moved AS (
		SELECT m.product_id, m.location_id, m.lot, sum(m.delta) AS on_hand
		FROM usom.stock_movement m WHERE m.org_id = usom.current_org()
		GROUP BY m.product_id, m.location_id, m.lot
	), kept AS (
		SELECT r.product_id, r.location_id, r.lot, sum(r.quantity) AS held, min(r.expires_at) AS held_until
		FROM usom.reservation r WHERE r.org_id = usom.current_org()
		GROUP BY r.product_id, r.location_id, r.lot
	), finding AS (
		SELECT product_id, location_id, lot, 'on hand is not the sum of the movements' AS problem,
			trim_scale(coalesce(m.on_hand, 0))::text AS expected, trim_scale(s.on_hand)::text AS actual
		FROM stock_row s FULL JOIN moved m USING (product_id, location_id, lot)
		WHERE s.on_hand IS DISTINCT FROM coalesce(m.on_hand, 0)
		UNION ALL
		SELECT product_id, location_id, lot, 'held is not the sum of the soft reservations',
			trim_scale(coalesce(k.held, 0))::text, trim_scale(s.held)::text
		FROM stock_row s FULL JOIN kept k USING (product_id, location_id, lot)
		WHERE s.held IS DISTINCT FROM coalesce(k.held, 0)
		UNION ALL
		SELECT product_id, location_id, lot, 'held_until is not the earliest expiry of the soft reservations',
			k.held_until::text, s.held_until::text
		FROM stock_row s FULL JOIN kept k USING (product_id, location_id, lot)
		WHERE s.held_until IS DISTINCT FROM k.held_until
		UNION ALL
		SELECT s.product_id, s.location_id, s.lot, 'more is reserved than is on hand',
			'at most ' || trim_scale(s.on_hand)::text, trim_scale(s.reserved)::text
		FROM stock_row s WHERE s.reserved > s.on_hand
		UNION ALL
		SELECT s.product_id, s.location_id, s.lot, 'product is unknown or has no stock', 'physical', p.kind
		FROM stock_row s LEFT JOIN usom.product p ON p.org_id = usom.current_org() AND p.product_id = s.product_id
		WHERE p.kind IS DISTINCT FROM 'physical' AND (p.kind IS NULL OR s.on_hand > 0)
		UNION ALL
		SELECT s.product_id, s.location_id, s.lot, 'location is unknown', 'a location', NULL
		FROM stock_row s LEFT JOIN usom.location l ON l.org_id = usom.current_org() AND l.location_id = s.location_id
		WHERE l.location_id IS NULL
	)
	SELECT 'stock',
		coalesce(p.sku, 'product ' || f.product_id) || ' at ' || coalesce(l.code, 'location ' || f.location_id)
			|| CASE WHEN f.lot <> '' THEN ' lot ' || f.lot ELSE '' END,
		f.problem, f.expected, f.actual
	FROM finding f
	LEFT JOIN usom.product p ON p.org_id = usom.current_org() AND p.product_id = f.product_id
	LEFT JOIN usom.location l ON l.org_id = usom.current_org() AND l.location_id = f.location_id;
END
$$;
COMMENT ON FUNCTION usom.verify_stock() IS 'What stock keeps, recomputed: on hand from the movements, soft holds from the reservations, reserved against on hand, and rows of products or locations that do not exist. One row a finding, none when all is well. Example: SELECT * FROM usom.verify_stock();';
