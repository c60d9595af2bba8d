CREATE FUNCTION usom.verify_supply()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'supply', coalesce(u.supply_no, '#' || k.supply_id), r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (SELECT * FROM usom.supply s WHERE s.org_id = org) u
		FULL JOIN (
			SELECT f.supply_id, sum(f.quantity) AS units, min(f.product_id) AS product_id, max(f.product_id) AS other_id
			FROM usom.fulfillment_line f
			WHERE f.org_id = org AND f.location_id IS NULL AND f.supply_id IS NOT NULL
			GROUP BY f.supply_id
		) k ON k.supply_id = u.supply_id
		LEFT JOIN usom.product p ON p.org_id = org AND p.product_id = u.product_id
		LEFT JOIN usom.location lo ON lo.org_id = org AND lo.location_id = u.location_id
		LEFT JOIN usom.order_line l ON l.org_id = org AND l.sales_order_id = u.sales_order_id AND l.line_no = u.line_no
		CROSS JOIN LATERAL (VALUES
			(CASE WHEN u.supply_id IS NULL THEN ARRAY['pieces count on an unknown supply', 'a row of supply', trim_scale(k.units)::text] END),
			(CASE WHEN u.pegged <> coalesce(k.units, 0) THEN
				ARRAY['pegged units are not those of the pieces that wait for it', trim_scale(coalesce(k.units, 0))::text, trim_scale(u.pegged)::text] END),
			(CASE WHEN u.product_id NOT IN (k.product_id, k.other_id) OR k.product_id <> k.other_id THEN
				ARRAY['pieces of another product count on it', '#' || u.product_id, '#' || k.product_id] END),
			(CASE WHEN p.kind IS DISTINCT FROM 'physical' THEN ARRAY['supply of an unknown product, or of a service', 'physical', p.kind] END),
			(CASE WHEN lo.location_id IS NULL THEN ARRAY['supply arrives at an unknown location', 'a row of location', '#' || u.location_id] END),
			(CASE WHEN u.sales_order_id IS NOT NULL AND l.line_no IS NULL THEN
				ARRAY['supply is for an unknown line', 'a row of order_line', format('#%s line %s', u.sales_order_id, u.line_no)] END)
		) r (wrong)
		WHERE r.wrong IS NOT NULL AND (u.supply_id IS NOT NULL OR r.wrong[1] = 'pieces count on an unknown supply');
END
$$;
COMMENT ON FUNCTION usom.verify_supply() IS
'Supply against what counts on it: pegged units are those of the waiting pieces that name it, of its product; product, location and line are there. Empty when all is well.
Example: SELECT * FROM usom.verify_supply();';

CREATE FUNCTION usom.explain_promise(order_no text)
RETURNS TABLE (line_no integer, piece_no integer, sku text, status text, quantity numeric, promised_at timestamptz, why text,
	confidence numeric, requested_at timestamptz, late_by interval)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM usom._check_installed(), usom._check_card('order_no', order_no);
	IF NOT EXISTS (SELECT FROM usom.orders o WHERE o.order_no = $1) THEN
		RAISE EXCEPTION 'no order "%"', $1 USING ERRCODE = 'US105', HINT = 'Look it up in usom.orders.';
	END IF;
	RETURN QUERY
		SELECT l.line_no, p.piece_no, l.sku, coalesce(p.status, 'open'), coalesce(p.quantity, l.quantity_open), p.promised_at,
			CASE
				WHEN p.piece_no IS NULL THEN 'nobody has planned it yet'
				WHEN p.status IN ('shipped', 'delivered', 'returned') THEN format('%s with %s', p.status, p.shipment_no)
				WHEN p.status = 'cancelled' THEN 'cancelled'
				WHEN p.status <> 'backordered' THEN coalesce('on the shelf at ' || p.location, 'a service')
				WHEN s.supply_no IS NOT NULL THEN format('%s %s, %s at %s on %s', s.kind, s.supply_no,
					CASE WHEN s.overdue THEN 'overdue, was expected' ELSE 'expected' END, s.location, s.expected_at)
				WHEN p.promised_at IS NOT NULL THEN 'agreed, but it counts on no supply'
				ELSE 'it counts on no supply'
			END,
			CASE WHEN p.status = 'backordered' THEN s.confidence WHEN p.status IN ('reserved', 'released', 'picked', 'packed') THEN 1 END,
			l.requested_at,
			CASE WHEN p.status NOT IN ('shipped', 'delivered', 'returned', 'cancelled') AND p.promised_at > l.requested_at THEN p.promised_at - l.requested_at END
		FROM usom.order_lines l
		LEFT JOIN usom.order_pieces p ON p.order_no = l.order_no AND p.line_no = l.line_no
		LEFT JOIN usom.supplies s ON s.supply_no = p.supply_no
		WHERE l.order_no = $1 AND (p.piece_no IS NOT NULL OR l.quantity_open > 0)
		ORDER BY l.line_no, p.promised_at NULLS LAST, p.piece_no;
END
$$;
COMMENT ON FUNCTION usom.explain_promise(text) IS
'Why an order is promised for when it is: a row for each piece, with its date, what that rests on, and how sure it is.
order_no: the order. why: the shelf it lies on, the supply it waits for, or that there is none. confidence: 1 for what is on the shelf, else that of the supply. late_by: how much later than requested_at; null: it is not, or no date was requested.
Errors: US105 unknown order.
Example: SELECT * FROM usom.explain_promise(''SO-000001'');';

CREATE FUNCTION usom.piece_amounts(order_no text)
RETURNS TABLE (line_no integer, piece_no integer, status text, quantity numeric, amount numeric, currency text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM usom._check_installed(), usom._check_card('order_no', order_no);
	IF NOT EXISTS (SELECT FROM usom.orders o WHERE o.order_no = $1) THEN
		RAISE EXCEPTION 'no order "%"', $1 USING ERRCODE = 'US105', HINT = 'Look it up in usom.orders.';
	END IF;
	RETURN QUERY
		SELECT w.line_no, w.piece_no, w.status, w.quantity, trim_scale(w.shares[w.place]), w.currency
		FROM (
			SELECT l.line_no, f.piece_no, coalesce(f.status, l.status) AS status, coalesce(f.quantity, l.quantity) AS quantity, l.currency,
				row_number() OVER ordered AS place,
				usom._shares(l.total, array_agg(CASE WHEN f.status = 'cancelled' THEN 0 ELSE coalesce(f.quantity, 1) END) OVER whole,
					coalesce(usom._minor_digits(l.currency), 2)) AS shares
			FROM usom.order_lines l
			LEFT JOIN (
				SELECT p.line_no, p.piece_no, p.status, p.quantity FROM usom.order_pieces p WHERE p.order_no = $1
				UNION ALL
				SELECT o.line_no, NULL, 'open', o.quantity_open FROM usom.order_lines o WHERE o.order_no = $1 AND o.quantity_open > 0
			) f ON f.line_no = l.line_no
			WHERE l.order_no = $1
			WINDOW ordered AS (PARTITION BY l.line_no ORDER BY f.piece_no NULLS LAST),
				whole AS (PARTITION BY l.line_no ORDER BY f.piece_no NULLS LAST ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
		) w
		ORDER BY w.line_no, w.piece_no NULLS LAST;
END
$$;
COMMENT ON FUNCTION usom.piece_amounts(text) IS
'What each piece of an order is worth: the total of its line, shared out by units to the smallest unit of the currency by largest remainder. The amounts of the pieces of a line always sum to its total, however often it is split and merged; cancelled pieces have none.
order_no: the order. Units that nobody has planned yet, and lines served as other lines, have no piece_no.
Errors: US105 unknown order. Example: SELECT * FROM usom.piece_amounts(''SO-000001'');';
