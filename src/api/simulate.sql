CREATE TYPE usom._simulated_part AS (
	order_no text,
	line_no integer,
	location text,
	promised_at timestamptz,
	quantity numeric
);
COMMENT ON TYPE usom._simulated_part IS 'Units of a line at a location (null: they wait), before or after a simulation.';

CREATE TYPE usom._simulated_price AS (
	order_no text,
	shipments integer,
	distance_km numeric,
	cost numeric
);
COMMENT ON TYPE usom._simulated_price IS 'What is reserved of an order costs, before or after a simulation.';

CREATE FUNCTION usom._price_orders(orders bigint[])
RETURNS TABLE (sales_order_id bigint, shipments integer, distance_km numeric, cost numeric)
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'usom__price_orders'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._price_orders(bigint[]) IS 'What the reserved units of orders cost by the cost function of the planner and the rules, rates and costs of now, preferences aside: in the currency of the organisation, with the number of shipments (by location and day) and the kilometres they go together.';
REVOKE ALL ON FUNCTION usom._price_orders(bigint[]) FROM PUBLIC;

CREATE FUNCTION usom._replan_orders(orders bigint[]) RETURNS void
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'usom__replan_orders'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._replan_orders(bigint[]) IS 'What usom.reallocate_order() does, for many orders planned together.';
REVOKE ALL ON FUNCTION usom._replan_orders(bigint[]) FROM PUBLIC;

CREATE FUNCTION usom._change_columns(relation text) RETURNS text[]
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT array_agg(CASE WHEN a.attname IN ('location_id', 'service_level_id') AND a.attname <> relation || '_id' THEN regexp_replace(a.attname, '_id$', '') ELSE a.attname END ORDER BY a.attnum)
	FROM pg_attribute a
	WHERE a.attrelid = format('usom.%I', relation)::regclass AND a.attnum > 0 AND NOT a.attisdropped
		AND a.attname NOT IN ('org_id', 'created_at', relation || '_id')
$$;
COMMENT ON FUNCTION usom._change_columns(text) IS 'What changes of a simulation may say of a row of a table: its columns, codes instead of keys.';
REVOKE ALL ON FUNCTION usom._change_columns(text) FROM PUBLIC;

CREATE FUNCTION usom._change_values(relation text, given jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	result jsonb := given;
	level bigint;
BEGIN
	PERFORM usom._check_keys(format('changes: %s', relation), given, usom._change_columns(relation));
	IF given ? 'location' AND relation <> 'sourcing_rule' THEN
		result := result - 'location' || jsonb_build_object('location_id', usom.location_id(given->>'location'));
	END IF;
	IF given ? 'service_level' AND relation <> 'sourcing_rule' THEN
		SELECT s.service_level_id INTO level FROM usom.service_level s WHERE s.org_id = usom.current_org() AND s.code = given->>'service_level';
		IF level IS NULL THEN
			RAISE EXCEPTION 'changes: no service level "%"', given->>'service_level' USING ERRCODE = 'US006', HINT = 'Add it under "service_level", or correct the code.';
		END IF;
		result := result - 'service_level' || jsonb_build_object('service_level_id', level);
	END IF;
	RETURN result;
END
$$;
COMMENT ON FUNCTION usom._change_values(text, jsonb) IS 'A row of changes with keys instead of codes. US308 for a key that is not known, US006 for a code that nobody has.';
REVOKE ALL ON FUNCTION usom._change_values(text, jsonb) FROM PUBLIC;

CREATE FUNCTION usom._write_change(relation text, given jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	written CONSTANT jsonb := usom._change_values(relation, given);
	names text;
	found_rows bigint;
	-- by what a row is found that is there already; without: every row is a new one
	identity CONSTANT text := CASE WHEN relation IN ('location', 'service_level', 'sourcing_rule') THEN 't.code = x.code'
		WHEN relation = 'location_capacity' THEN 't.location_id = x.location_id AND t.on_date IS NOT DISTINCT FROM x.on_date' ELSE 'false' END;
BEGIN
	IF identity LIKE '%code%' AND written->>'code' IS NULL THEN
		RAISE EXCEPTION 'changes: a row of "%" has no code', relation USING ERRCODE = 'US308', HINT = 'The code says which row is changed, or added.';
	END IF;
	SELECT string_agg(quote_ident(k.key), ', ' ORDER BY k.key) INTO names FROM jsonb_object_keys(written) AS k (key);
	EXECUTE format('UPDATE usom.%1$I AS t SET (%2$s) = (SELECT %2$s FROM jsonb_populate_record(t, $1) y) FROM jsonb_populate_record(NULL::usom.%1$I, $1) x WHERE t.org_id = usom.current_org() AND %3$s',
		relation, coalesce(names, 'org_id'), identity) USING written;
	GET DIAGNOSTICS found_rows = ROW_COUNT;
	IF found_rows = 0 THEN
		EXECUTE format('INSERT INTO usom.%1$I (org_id%2$s) SELECT usom.current_org()%2$s FROM jsonb_populate_record(NULL::usom.%1$I, $1)', relation, coalesce(', ' || names, '')) USING written;
	END IF;
END
$$;
COMMENT ON FUNCTION usom._write_change(text, jsonb) IS 'Writes a row of changes: those that are there are changed (masters by code, capacities by location and day), others are added.';
REVOKE ALL ON FUNCTION usom._write_change(text, jsonb) FROM PUBLIC;

CREATE FUNCTION usom._remove_change(relation text, given jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	removed jsonb;
	condition text;
	found_rows bigint;
BEGIN
	IF relation IN ('location', 'service_level', 'sourcing_rule') THEN
		EXECUTE format('UPDATE usom.%I SET active = false WHERE org_id = usom.current_org() AND code = $1', relation) USING given #>> '{}';
	ELSE
		removed := usom._change_values(relation, given);
		SELECT string_agg(format('t.%1$I IS NOT DISTINCT FROM x.%1$I', k.key), ' AND ') INTO condition FROM jsonb_object_keys(removed) AS k (key);
		EXECUTE format('DELETE FROM usom.%1$I t USING jsonb_populate_record(NULL::usom.%1$I, $1) x WHERE t.org_id = usom.current_org() AND %2$s', relation, coalesce(condition, 'true')) USING removed;
	END IF;
	GET DIAGNOSTICS found_rows = ROW_COUNT;
	IF found_rows = 0 THEN
		RAISE EXCEPTION 'changes: there is no % %', replace(relation, '_', ' '), given USING
			ERRCODE = 'US308', DETAIL = 'What is removed has to be there.', HINT = 'Name a code, or an object with columns of rows that are there.';
	END IF;
END
$$;
COMMENT ON FUNCTION usom._remove_change(text, jsonb) IS 'Removes what changes name under "remove": masters are switched off by their code, rows of other tables are deleted that have all the values given.';
REVOKE ALL ON FUNCTION usom._remove_change(text, jsonb) FROM PUBLIC;

CREATE FUNCTION usom._apply_changes(changes jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	-- what others name comes first
	relations CONSTANT text[] := ARRAY['location', 'location_calendar', 'location_capacity', 'service_level', 'transit_time', 'freight_rate', 'postcode_centroid', 'sourcing_rule'];
	relation text;
	entry jsonb;
	part jsonb;
BEGIN
	PERFORM usom._check_keys('changes', changes, relations || 'remove'::text);
	PERFORM usom._check_keys('changes: remove', coalesce(changes->'remove', '{}'), relations);
	FOREACH part IN ARRAY ARRAY[changes - 'remove', coalesce(changes->'remove', '{}')] LOOP
		SELECT k.key INTO relation FROM jsonb_each(part) k WHERE jsonb_typeof(k.value) <> 'array' ORDER BY 1 LIMIT 1;
		IF FOUND THEN
			RAISE EXCEPTION 'changes: "%" must be an array', relation USING ERRCODE = 'US308', HINT = 'For example {"sourcing_rule": [{"code": "near", "priority": 1}], "remove": {"sourcing_rule": ["old"]}}.';
		END IF;
	END LOOP;
	FOREACH relation IN ARRAY relations LOOP
		FOR entry IN SELECT jsonb_array_elements(changes->'remove'->relation) LOOP
			PERFORM usom._remove_change(relation, entry);
		END LOOP;
	END LOOP;
	FOREACH relation IN ARRAY relations LOOP
		FOR entry IN SELECT jsonb_array_elements(changes->relation) LOOP
			PERFORM usom._write_change(relation, entry);
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION usom._apply_changes(jsonb) IS 'Writes the changes of a simulation: first what is removed, then what is changed or added.';
REVOKE ALL ON FUNCTION usom._apply_changes(jsonb) FROM PUBLIC;

CREATE FUNCTION usom._simulated_parts(orders bigint[]) RETURNS SETOF usom._simulated_part
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT o.order_no, f.line_no, l.code, f.promised_at, sum(f.quantity)
	FROM usom.fulfillment_line f
	JOIN usom.sales_order o ON o.org_id = f.org_id AND o.sales_order_id = f.sales_order_id
	JOIN usom.product p ON p.org_id = f.org_id AND p.product_id = f.product_id AND p.kind = 'physical'
	LEFT JOIN usom.location l ON l.org_id = f.org_id AND l.location_id = f.location_id
	WHERE f.org_id = usom.current_org() AND f.sales_order_id = ANY (orders) AND f.status IN ('backordered', 'reserved')
	GROUP BY o.order_no, f.line_no, l.code, f.promised_at
$$;
COMMENT ON FUNCTION usom._simulated_parts(bigint[]) IS 'Where the units of orders are reserved, or that they wait.';
REVOKE ALL ON FUNCTION usom._simulated_parts(bigint[]) FROM PUBLIC;

CREATE FUNCTION usom._simulated_prices(orders bigint[]) RETURNS SETOF usom._simulated_price
LANGUAGE sql VOLATILE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT o.order_no, p.shipments, p.distance_km, p.cost
	FROM usom._price_orders(orders) p
	JOIN usom.sales_order o ON o.org_id = usom.current_org() AND o.sales_order_id = p.sales_order_id
$$;
COMMENT ON FUNCTION usom._simulated_prices(bigint[]) IS 'usom._price_orders() with the numbers of the orders.';
REVOKE ALL ON FUNCTION usom._simulated_prices(bigint[]) FROM PUBLIC;

-- Units that stay where they are drop out; the others are laid side by side, before and after, in order of location and promise.
CREATE FUNCTION usom._moved_units(before usom._simulated_part[], after usom._simulated_part[])
RETURNS TABLE (order_no text, line_no integer, quantity numeric, location_before text, location_after text, promised_before timestamptz, promised_after timestamptz)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
	WITH side AS (
		SELECT b.*, -1 AS sign FROM unnest(before) b UNION ALL SELECT a.*, 1 FROM unnest(after) a
	), place AS (
		-- A day's difference counts as another promise: what is planned later is promised a little later.
		SELECT s.order_no, s.line_no, s.location, min(s.promised_at) FILTER (WHERE s.sign < 0) AS promised_before, max(s.promised_at) FILTER (WHERE s.sign > 0) AS promised_after,
			coalesce(sum(s.quantity) FILTER (WHERE s.sign < 0), 0) AS units_before, coalesce(sum(s.quantity) FILTER (WHERE s.sign > 0), 0) AS units_after
		FROM side s GROUP BY s.order_no, s.line_no, s.location
	), leaving AS (
		SELECT p.*, sum(p.units_before - p.units_after) OVER w AS upto FROM place p WHERE p.units_before > p.units_after WINDOW w AS (PARTITION BY p.order_no, p.line_no ORDER BY p.location COLLATE "C" NULLS LAST)
	), coming AS (
		SELECT p.*, sum(p.units_after - p.units_before) OVER w AS upto FROM place p WHERE p.units_after > p.units_before WINDOW w AS (PARTITION BY p.order_no, p.line_no ORDER BY p.location COLLATE "C" NULLS LAST)
	)
	SELECT l.order_no, l.line_no, trim_scale(least(l.upto, c.upto) - greatest(l.upto - (l.units_before - l.units_after), c.upto - (c.units_after - c.units_before))),
		l.location, c.location, l.promised_before, c.promised_after
	FROM leaving l JOIN coming c ON c.order_no = l.order_no AND c.line_no = l.line_no
		AND l.upto - (l.units_before - l.units_after) < c.upto AND c.upto - (c.units_after - c.units_before) < l.upto
	UNION ALL
	SELECT p.order_no, p.line_no, trim_scale(least(p.units_before, p.units_after)), p.location, p.location, p.promised_before, p.promised_after
	FROM place p
	WHERE p.units_before > 0 AND p.units_after > 0
		AND ((p.promised_before IS NULL) <> (p.promised_after IS NULL) OR abs(extract(epoch FROM p.promised_after - p.promised_before)) >= 86400)
$$;
COMMENT ON FUNCTION usom._moved_units(usom._simulated_part[], usom._simulated_part[]) IS 'What differs between two plans of the same lines: units that are served from elsewhere, or are promised for a day more or less.';
REVOKE ALL ON FUNCTION usom._moved_units(usom._simulated_part[], usom._simulated_part[]) FROM PUBLIC;

CREATE FUNCTION usom._simulate_sourcing(changes jsonb, filter jsonb, visible bigint[])
RETURNS TABLE (scope text, order_no text, line_no integer, quantity numeric, location_before text, location_after text, promised_before timestamptz, promised_after timestamptz,
	shipments_before integer, shipments_after integer, distance_before numeric, distance_after numeric, cost_before numeric, cost_after numeric)
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp SET jit = off
AS $$
DECLARE
	orders CONSTANT bigint[] := ARRAY(SELECT usom._select_orders(filter, visible, true, NULL, NULL, NULL));
	parts_before usom._simulated_part[];
	parts_after usom._simulated_part[];
	prices_before usom._simulated_price[];
	prices_after usom._simulated_price[];
BEGIN
	BEGIN
		PERFORM FROM usom.sales_order o WHERE o.org_id = usom.current_org() AND o.sales_order_id = ANY (orders) ORDER BY o.sales_order_id FOR UPDATE;
		parts_before := ARRAY(SELECT p FROM usom._simulated_parts(orders) p);
		prices_before := ARRAY(SELECT p FROM usom._simulated_prices(orders) p);
		PERFORM usom._apply_changes(changes);
		PERFORM usom._replan_orders(orders);
		parts_after := ARRAY(SELECT p FROM usom._simulated_parts(orders) p);
		prices_after := ARRAY(SELECT p FROM usom._simulated_prices(orders) p);
		RAISE EXCEPTION 'simulated' USING ERRCODE = 'ZZ001';
	EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
		NULL;
	END;
	RETURN QUERY
		WITH price AS (
			SELECT coalesce(b.order_no, a.order_no) AS order_no, coalesce(b.shipments, 0) AS shipments_before, coalesce(a.shipments, 0) AS shipments_after,
				coalesce(b.distance_km, 0) AS distance_before, coalesce(a.distance_km, 0) AS distance_after, coalesce(b.cost, 0) AS cost_before, coalesce(a.cost, 0) AS cost_after
			FROM unnest(prices_before) b FULL JOIN unnest(prices_after) a ON a.order_no = b.order_no
		), line AS (
			SELECT 3 AS place, 'line' AS scope, m.*, NULL::integer, NULL::integer, NULL::numeric, NULL::numeric, NULL::numeric, NULL::numeric
			FROM usom._moved_units(parts_before, parts_after) m
		), changed AS (
			SELECT 2, 'order', p.order_no, NULL::integer, NULL::numeric, NULL::text, NULL::text, NULL::timestamptz, NULL::timestamptz,
				p.shipments_before, p.shipments_after, p.distance_before, p.distance_after, p.cost_before, p.cost_after
			FROM price p
			WHERE p.shipments_before <> p.shipments_after OR p.distance_before <> p.distance_after OR p.cost_before <> p.cost_after
				OR p.order_no IN (SELECT l.order_no FROM line l)
		), total AS (
			SELECT 1, 'total', NULL::text, NULL::integer, (SELECT coalesce(sum(l.quantity), 0) FROM line l), NULL::text, NULL::text, NULL::timestamptz, NULL::timestamptz,
				coalesce(sum(p.shipments_before), 0)::integer, coalesce(sum(p.shipments_after), 0)::integer, coalesce(sum(p.distance_before), 0), coalesce(sum(p.distance_after), 0),
				coalesce(sum(p.cost_before), 0), coalesce(sum(p.cost_after), 0)
			FROM price p
		), answer (place, scope, order_no, line_no, quantity, location_before, location_after, promised_before, promised_after, shipments_before, shipments_after, distance_before, distance_after, cost_before, cost_after) AS (
			TABLE total UNION ALL TABLE changed UNION ALL TABLE line
		)
		SELECT a.scope, a.order_no, a.line_no, a.quantity, a.location_before, a.location_after, a.promised_before, a.promised_after,
			a.shipments_before, a.shipments_after, a.distance_before, a.distance_after, a.cost_before, a.cost_after
		FROM answer a
		ORDER BY a.order_no NULLS FIRST, a.place, a.line_no, a.location_before COLLATE "C", a.location_after COLLATE "C";
END
$$;
COMMENT ON FUNCTION usom._simulate_sourcing(jsonb, jsonb, bigint[]) IS 'See usom.simulate_sourcing(). visible: channels that the caller sees, null: all. What is done in the inner block is undone by the exception that ends it.';
REVOKE ALL ON FUNCTION usom._simulate_sourcing(jsonb, jsonb, bigint[]) FROM PUBLIC;

CREATE FUNCTION usom.simulate_sourcing(changes jsonb, filter jsonb DEFAULT '{}')
RETURNS TABLE (scope text, order_no text, line_no integer, quantity numeric, location_before text, location_after text, promised_before timestamptz, promised_after timestamptz,
	shipments_before integer, shipments_after integer, distance_before numeric, distance_after numeric, cost_before numeric, cost_after numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_simulate_sourcing'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.simulate_sourcing(jsonb, jsonb) IS
'What if other rules, rates and locations held: the reserved and waiting units of many orders are planned anew under them, by the code that allocates, and all of it is undone. Nothing remains, and nobody is told. What is released, shipped or firmly held for a buyer stays where it is.
changes: an object with any of location, location_calendar, location_capacity, service_level, transit_time, freight_rate, postcode_centroid, sourcing_rule, each an array of rows; their keys are the columns, with codes instead of keys (location, service_level). Rows with a code that is there are changed, as are capacities of a location and day; others are added.
  remove: {table: [...]}: codes of locations, service levels and rules, which are switched off; objects for rows of other tables, of which all that have these values go.
filter: which orders, as for usom.allocate_orders().
Returns one row of scope total; one of scope order for each order that differs: shipments, kilometres and cost of what is reserved, before and after, by the cost function of the planner, in the currency of the organisation; and one of scope line for units that differ: where they are served from and when they are promised, before and after (null: they wait). A promise differs when it moves by a day or more.
The orders and their stock are locked meanwhile, as by usom.reallocate_order().
Errors: US308 for changes or a filter that cannot be read, US006, US105 for codes that nobody has, US302 and others for rules that would be refused.
Example: SELECT * FROM usom.simulate_sourcing(''{"location": [{"code": "A", "active": false}]}'', ''{"country": "DE"}'');';
