CREATE FUNCTION usom.verify_loads()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'loads', format('document %s of batch %s', r.load_row_id, r.batch), w.problem, w.expected, w.actual
		FROM usom.load_row r
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = r.sales_order_id
		LEFT JOIN usom.migrated_order m ON m.org_id = org AND m.sales_order_id = r.sales_order_id
		CROSS JOIN LATERAL (VALUES
			('document of an order that is not there', 'a row of sales_order', '#' || r.sales_order_id, r.sales_order_id IS NOT NULL AND o.sales_order_id IS NULL),
			('migrated document of an order that was not', 'a row of migrated_order', 'none', r.outcome = 'migrated' AND m.sales_order_id IS NULL),
			('document that waits has no key', 'a key', 'none', r.outcome IS NULL AND NOT usom._has_key(org, r.load_row_id)),
			('document that was loaded has a key still', 'none', 'a key', r.outcome <> 'rejected' AND usom._has_key(org, r.load_row_id)))
			AS w (problem, expected, actual, wrong)
		WHERE r.org_id = org AND w.wrong;
	-- what ended elsewhere does not change in what was ordered, nor in what it cost
	RETURN QUERY
		SELECT 'loads', format('order %s of batch %s', coalesce(o.order_no, '#' || m.sales_order_id), m.batch), w.problem, w.expected, w.actual
		FROM usom.migrated_order m
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = m.sales_order_id
		LEFT JOIN (
			SELECT l.sales_order_id, count(*) AS lines, sum(l.quantity) AS quantity, sum(l.quantity_cancelled) AS cancelled
			FROM usom.order_line l WHERE l.org_id = org GROUP BY l.sales_order_id
		) l ON l.sales_order_id = m.sales_order_id
		LEFT JOIN usom.order_history h ON h.org_id = org AND h.sales_order_id = m.sales_order_id AND h.version = 1
		CROSS JOIN LATERAL (VALUES
			('order of history is not there', 'a row of sales_order', 'none', o.sales_order_id IS NULL),
			('lines of history are not those that were brought', m.lines::text, coalesce(l.lines, 0)::text, m.lines IS DISTINCT FROM l.lines),
			('units of history are not those that were brought', trim_scale(m.quantity)::text, trim_scale(coalesce(l.quantity, 0))::text, m.quantity IS DISTINCT FROM l.quantity),
			('cancelled units of history are not those that were brought', trim_scale(m.quantity_cancelled)::text, trim_scale(coalesce(l.cancelled, 0))::text,
				m.quantity_cancelled IS DISTINCT FROM l.cancelled),
			('total of history is not what was brought', trim_scale(m.total)::text, trim_scale(o.total)::text, m.total <> o.total),
			('history does not begin with migrated', 'migrated', coalesce(h.event, 'none'), h.event IS DISTINCT FROM 'migrated')) AS w (problem, expected, actual, wrong)
		WHERE m.org_id = org AND w.wrong;
END
$$;
COMMENT ON FUNCTION usom.verify_loads() IS
'Documents that were loaded against their orders and keys, and orders of history against what was brought. Part of verify(); empty when all is well.
Example: SELECT * FROM usom.verify_loads();';

CREATE FUNCTION usom.verify_load(batch text)
RETURNS TABLE (status text, measure text, brought numeric, stands numeric, ok boolean)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	PERFORM usom._check_card('batch', batch);
	IF NOT EXISTS (SELECT FROM usom.load_row r WHERE r.org_id = org AND r.batch = verify_load.batch)
		AND NOT EXISTS (SELECT FROM usom.migrated_order m WHERE m.org_id = org AND m.batch = verify_load.batch) THEN
		RAISE EXCEPTION 'no documents were brought for batch "%"', batch USING ERRCODE = 'US832', HINT = 'Look at usom.load_batches.';
	END IF;
	RETURN QUERY
		SELECT NULL::text, w.measure, w.brought::numeric, w.stands::numeric, w.brought = w.stands
		FROM (
			SELECT count(*) AS documents, count(o.sales_order_id) AS orders, count(DISTINCT r.sales_order_id) AS named, count(DISTINCT o.sales_order_id) AS there
			FROM usom.load_row r
			LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = r.sales_order_id
			WHERE r.org_id = org AND r.batch = verify_load.batch
		) c
		CROSS JOIN LATERAL (VALUES ('documents', c.documents, c.orders), ('orders', c.named, c.there)) w (measure, brought, stands);
	RETURN QUERY
		SELECT s.status, w.measure, trim_scale(w.brought), trim_scale(w.stands), w.brought = w.stands
		FROM (
			SELECT h.to_status AS at, h.to_status::text AS status, o.currency::text AS currency, count(*) AS orders, count(*) FILTER (WHERE o.status = h.to_status) AS orders_now,
				sum(m.lines) AS lines, sum(l.lines) AS lines_now, sum(m.quantity) AS quantity, sum(l.quantity) AS quantity_now,
				sum(m.quantity_shipped) AS shipped, sum(l.shipped) AS shipped_now, sum(m.quantity_delivered) AS delivered, sum(l.delivered) AS delivered_now,
				sum(m.quantity_returned) AS returned, sum(l.returned) AS returned_now, sum(m.quantity_cancelled) AS cancelled, sum(l.cancelled) AS cancelled_now,
				sum(m.total) AS total, sum(o.total) AS total_now
			FROM usom.migrated_order m
			JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = m.sales_order_id
			JOIN usom.order_history h ON h.org_id = org AND h.sales_order_id = m.sales_order_id AND h.version = 1
			LEFT JOIN LATERAL (
				SELECT count(*) AS lines, sum(l.quantity) AS quantity, sum(l.quantity_shipped) AS shipped, sum(l.quantity_delivered) AS delivered,
					sum(l.quantity_returned) AS returned, sum(l.quantity_cancelled) AS cancelled
				FROM usom.order_line l WHERE l.org_id = org AND l.sales_order_id = m.sales_order_id
			) l ON true
			WHERE m.org_id = org AND m.batch = verify_load.batch
			GROUP BY h.to_status, o.currency
		) s
		CROSS JOIN LATERAL (VALUES
			(1, 'orders in ' || s.currency, s.orders, s.orders_now), (2, 'lines in ' || s.currency, s.lines, s.lines_now),
			(3, 'units in ' || s.currency, s.quantity, s.quantity_now), (4, 'units shipped in ' || s.currency, s.shipped, s.shipped_now),
			(5, 'units delivered in ' || s.currency, s.delivered, s.delivered_now), (6, 'units returned in ' || s.currency, s.returned, s.returned_now),
			(7, 'units cancelled in ' || s.currency, s.cancelled, s.cancelled_now), (8, 'total in ' || s.currency, s.total, s.total_now)) w (n, measure, brought, stands)
		ORDER BY s.at, s.currency, w.n;
END
$$;
COMMENT ON FUNCTION usom.verify_load(text) IS
'What a batch brought against what stands now. For all: documents against those that have an order, and their orders. For history, by the status and currency that orders were brought with: orders (that have that status still), lines, units, units shipped, delivered, returned, cancelled, and totals. What happened since, a delivery or a return, shows as a difference.
batch: its name.
Errors: US832 unknown batch.
Example: SELECT * FROM usom.verify_load(''old-shop'') WHERE NOT ok;';
