CREATE FUNCTION usom._check_keys(what text, given jsonb, known text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown text;
BEGIN
	IF jsonb_typeof(given) IS DISTINCT FROM 'object' THEN
		RAISE EXCEPTION '% must be a JSON object', what USING
			ERRCODE = 'US308', DETAIL = format('It is %s.', coalesce(jsonb_typeof(given), 'null')), HINT = format('Its keys are %s.', array_to_string(known, ', '));
	END IF;
	SELECT k.key INTO unknown FROM jsonb_object_keys(given) AS k (key) WHERE k.key <> ALL (known) ORDER BY k.key LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION '%: "%" is not known', what, unknown USING
			ERRCODE = 'US308', DETAIL = 'Every key has to be one that is read.', HINT = format('Its keys are %s.', array_to_string(known, ', '));
	END IF;
END
$$;
COMMENT ON FUNCTION usom._check_keys(text, jsonb, text[]) IS 'US308 that names the first key that is not known, or says that there is no object.';
REVOKE ALL ON FUNCTION usom._check_keys(text, jsonb, text[]) FROM PUBLIC;

CREATE FUNCTION usom._filter_values(filter jsonb, key text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	value CONSTANT jsonb := nullif(filter->key, 'null');
BEGIN
	IF value IS NULL THEN
		RETURN NULL;
	ELSIF jsonb_typeof(value) IN ('string', 'number') THEN
		RETURN ARRAY[value #>> '{}'];
	ELSIF jsonb_typeof(value) = 'array' AND NOT jsonb_path_exists(value, '$[*] ? (@.type() != "string" && @.type() != "number")') THEN
		RETURN ARRAY(SELECT jsonb_array_elements_text(value));
	END IF;
	RAISE EXCEPTION 'filter: "%" must be one value or an array of them', key USING
		ERRCODE = 'US308', DETAIL = format('It is %s.', jsonb_typeof(value)), HINT = format('For example {"%1$s": "A"} or {"%1$s": ["A", "B"]}.', key);
END
$$;
COMMENT ON FUNCTION usom._filter_values(jsonb, text) IS 'What a key of a filter asks for; null: the key is not there. US308 for a value that is neither one nor an array.';
REVOKE ALL ON FUNCTION usom._filter_values(jsonb, text) FROM PUBLIC;

CREATE FUNCTION usom._filter_keys(filter jsonb, key text) RETURNS bigint[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
	wanted CONSTANT text[] := usom._filter_values(filter, key);
	found bigint[];
	missing text;
BEGIN
	IF wanted IS NULL THEN
		RETURN NULL;
	END IF;
	WITH entity AS (
		SELECT c.code, c.channel_id AS id FROM usom.channel c WHERE key = 'channel' AND c.org_id = org AND c.code = ANY (wanted)
		UNION ALL SELECT u.code, u.customer_id FROM usom.customer u WHERE key = 'customer' AND u.org_id = org AND u.code = ANY (wanted)
		UNION ALL SELECT p.sku, p.product_id FROM usom.product p WHERE key = 'sku' AND p.org_id = org AND p.sku = ANY (wanted)
		UNION ALL SELECT l.code, l.location_id FROM usom.location l WHERE key = 'location' AND l.org_id = org AND l.code = ANY (wanted)
		UNION ALL SELECT o.order_no, o.sales_order_id FROM usom.sales_order o WHERE key = 'order_nos' AND o.org_id = org AND o.order_no = ANY (wanted)
	)
	SELECT array_agg(e.id), min(w.code) FILTER (WHERE e.id IS NULL) INTO found, missing
	FROM unnest(wanted) AS w (code) LEFT JOIN entity e ON e.code = w.code;
	IF missing IS NOT NULL THEN
		RAISE EXCEPTION 'filter: no % "%"', CASE key WHEN 'sku' THEN 'product' WHEN 'order_nos' THEN 'order' ELSE key END, missing USING
			ERRCODE = CASE key WHEN 'order_nos' THEN 'US105' ELSE 'US006' END, DETAIL = 'Codes in a filter must be there.', HINT = 'Correct the code.';
	END IF;
	RETURN coalesce(found, '{}');
END
$$;
COMMENT ON FUNCTION usom._filter_keys(jsonb, text) IS 'Keys of the rows that a filter names by code: of channel, customer, sku, location or order_nos; null: the key is not there. US006 or US105 for a code that nobody has.';
REVOKE ALL ON FUNCTION usom._filter_keys(jsonb, text) FROM PUBLIC;

CREATE FUNCTION usom._filter_time(filter jsonb, key text) RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	RETURN (filter->>key)::timestamptz;
EXCEPTION WHEN invalid_datetime_format OR datetime_field_overflow THEN
	RAISE EXCEPTION 'filter: "%" must be a date or time', key USING
		ERRCODE = 'US308', DETAIL = format('It is %s.', filter->key), HINT = 'For example "2026-12-01T08:00:00Z".';
END
$$;
COMMENT ON FUNCTION usom._filter_time(jsonb, text) IS 'A time of a filter; null: the key is not there. US308 for what is none.';
REVOKE ALL ON FUNCTION usom._filter_time(jsonb, text) FROM PUBLIC;

-- What waits counts only if something of its product is free: the others would be loaded for nothing.
CREATE FUNCTION usom._select_orders(filter jsonb, visible bigint[], planned boolean, reached_priority integer, reached_placed_at timestamptz, reached_key bigint)
RETURNS SETOF bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
	channels bigint[];
	customers bigint[];
	products bigint[];
	locations bigint[];
	orders bigint[];
	countries text[];
	types text[];
	priorities text[];
	placed_from timestamptz;
	placed_to timestamptz;
BEGIN
	PERFORM usom._check_keys('filter', filter, ARRAY['channel', 'customer', 'country', 'sku', 'location', 'order_type', 'priority', 'placed_from', 'placed_to', 'order_nos']);
	channels := usom._filter_keys(filter, 'channel');
	customers := usom._filter_keys(filter, 'customer');
	products := usom._filter_keys(filter, 'sku');
	locations := usom._filter_keys(filter, 'location');
	orders := usom._filter_keys(filter, 'order_nos');
	countries := usom._filter_values(filter, 'country');
	types := usom._filter_values(filter, 'order_type');
	priorities := usom._filter_values(filter, 'priority');
	placed_from := usom._filter_time(filter, 'placed_from');
	placed_to := usom._filter_time(filter, 'placed_to');
	RETURN QUERY
		WITH wanted AS (
			SELECT f.sales_order_id FROM usom.fulfillment_line f
			WHERE NOT planned AND f.org_id = org AND f.location_id IS NULL AND f.status = 'backordered' AND (products IS NULL OR f.product_id = ANY (products))
				AND EXISTS (SELECT FROM usom.stock s WHERE s.org_id = org AND s.product_id = f.product_id AND (s.on_hand > s.reserved + s.safety
					OR (s.lent > 0 AND EXISTS (SELECT FROM usom.stock_stripe t WHERE t.org_id = org AND t.product_id = s.product_id AND t.location_id = s.location_id AND t.free > 0))))
			UNION ALL
			SELECT l.sales_order_id FROM usom.order_line l
			WHERE NOT planned AND l.org_id = org AND l.quantity_open > 0 AND (products IS NULL OR l.product_id = ANY (products))
			UNION ALL
			SELECT f.sales_order_id FROM usom.fulfillment_line f
			WHERE planned AND f.org_id = org AND f.status IN ('backordered', 'reserved') AND (products IS NULL OR f.product_id = ANY (products))
		)
		SELECT o.sales_order_id
		FROM usom.sales_order o
		WHERE o.org_id = org AND o.status BETWEEN 'confirmed' AND 'delivered' AND o.sales_order_id IN (SELECT w.sales_order_id FROM wanted w)
			AND (visible IS NULL OR o.channel_id = ANY (visible))
			AND (channels IS NULL OR o.channel_id = ANY (channels))
			AND (customers IS NULL OR o.customer_id = ANY (customers))
			AND (orders IS NULL OR o.sales_order_id = ANY (orders))
			AND (types IS NULL OR o.order_type = ANY (types))
			AND (priorities IS NULL OR o.priority::text = ANY (priorities))
			AND (placed_from IS NULL OR o.placed_at >= placed_from) AND (placed_to IS NULL OR o.placed_at < placed_to)
			AND (countries IS NULL OR EXISTS (SELECT FROM usom.address a WHERE a.org_id = org AND a.address_id = o.address_id AND a.country = ANY (countries)))
			AND (locations IS NULL
				OR EXISTS (SELECT FROM usom.order_line l WHERE l.org_id = org AND l.sales_order_id = o.sales_order_id AND l.location_id = ANY (locations))
				OR EXISTS (SELECT FROM usom.fulfillment_line f WHERE f.org_id = org AND f.sales_order_id = o.sales_order_id AND f.location_id = ANY (locations)))
			AND (reached_key IS NULL OR (o.priority, o.placed_at, o.sales_order_id) > (reached_priority, reached_placed_at, reached_key))
		ORDER BY o.priority, o.placed_at, o.sales_order_id;
END
$$;
COMMENT ON FUNCTION usom._select_orders(jsonb, bigint[], boolean, integer, timestamptz, bigint) IS 'Keys of the running orders that a filter chooses, by priority, then age: planned, those with units reserved or waiting; else those with open units, or waiting ones of products of which something is free. visible: channels that the caller sees, null: all. reached_...: only those behind that order. Errors: US308 for a filter that cannot be read, US006, US105 for codes that nobody has.';
REVOKE ALL ON FUNCTION usom._select_orders(jsonb, bigint[], boolean, integer, timestamptz, bigint) FROM PUBLIC;
