CREATE FUNCTION usom.verify_returns()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'returns', 'return ' || r.return_no, r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT h.return_no, CASE
				WHEN o.sales_order_id IS NULL THEN ARRAY['return for an unknown order', 'a row of sales_order', '#' || h.sales_order_id]
				WHEN u.return_order_id IS NULL THEN ARRAY['return has no lines', 'at least 1', '0']
				WHEN h.status::text <> u.derived
					AND (h.status::text, u.derived) NOT IN (('requested', 'authorized'), ('refused', 'cancelled')) THEN ARRAY['status does not follow from the units', u.derived, h.status::text]
			END AS wrong
			FROM usom.return_order h
			LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = h.sales_order_id
			LEFT JOIN (
				SELECT l.return_order_id, CASE
						WHEN sum(l.quantity_received) = 0 AND sum(l.quantity_given_up) = sum(l.quantity) THEN 'cancelled'
						WHEN sum(l.quantity_received) = 0 THEN 'authorized'
						WHEN sum(l.quantity_received + l.quantity_given_up) < sum(l.quantity) THEN 'partially_received'
						WHEN bool_or(l.inspects AND l.quantity_received > 0)
							AND sum(l.quantity_received) = sum(l.quantity_accepted + l.quantity_rejected) THEN 'inspected'
						ELSE 'received'
					END AS derived
				FROM usom.return_line l
				WHERE l.org_id = org
				GROUP BY l.return_order_id
			) u ON u.return_order_id = h.return_order_id
			WHERE h.org_id = org
		) r
		WHERE r.wrong IS NOT NULL;
	RETURN QUERY
		SELECT 'returns', 'return #' || l.return_order_id || ' line ' || l.line_no, 'line without a return', 'a row of return_order', 'none'
		FROM usom.return_line l
		LEFT JOIN usom.return_order h ON h.org_id = org AND h.return_order_id = l.return_order_id
		WHERE l.org_id = org AND h.return_order_id IS NULL;
	RETURN QUERY
		SELECT 'returns', format('order %s line %s', coalesce(
				(SELECT o.order_no FROM usom.sales_order o WHERE o.org_id = org AND o.sales_order_id = w.sales_order_id),
				'#' || w.sales_order_id), w.line_no), w.wrong[1], w.wrong[2], w.wrong[3]
		FROM (
			SELECT u.sales_order_id, u.line_no, CASE
				WHEN l.line_no IS NULL THEN ARRAY['return of an unknown line', 'a row of order_line', 'none']
				WHEN l.quantity_returned <> u.accepted THEN
					ARRAY['units returned are not those taken back', trim_scale(u.accepted)::text, trim_scale(l.quantity_returned)::text]
				WHEN u.authorized > l.quantity_shipped + l.quantity_delivered + l.quantity_returned THEN
					ARRAY['more may come back than left', trim_scale(l.quantity_shipped + l.quantity_delivered + l.quantity_returned)::text,
						trim_scale(u.authorized)::text]
			END AS wrong
			FROM (
				SELECT x.sales_order_id, x.line_no, sum(x.authorized) AS authorized, sum(x.accepted) AS accepted
				FROM (
					-- what has not come in time is expected no more than what was given up
					SELECT h.sales_order_id, r.line_no, r.quantity_accepted AS accepted,
						CASE WHEN h.expires_at <= statement_timestamp() THEN r.quantity_received ELSE r.quantity - r.quantity_given_up END
							- r.quantity_rejected AS authorized
					FROM usom.return_line r
					JOIN usom.return_order h ON h.org_id = org AND h.return_order_id = r.return_order_id
					WHERE r.org_id = org
					UNION ALL
					SELECT l.sales_order_id, l.line_no, 0, 0
					FROM usom.order_line l
					WHERE l.org_id = org AND l.quantity_returned > 0 AND l.kit_line_no IS DISTINCT FROM l.line_no
				) x
				GROUP BY x.sales_order_id, x.line_no
			) u
			LEFT JOIN usom.order_line l ON l.org_id = org AND l.sales_order_id = u.sales_order_id AND l.line_no = u.line_no
		) w
		WHERE w.wrong IS NOT NULL;
	RETURN QUERY
		SELECT 'returns', format('return #%s line %s', w.return_order_id, w.line_no), w.wrong[1], w.wrong[2], w.wrong[3]
		FROM (
			SELECT coalesce(l.return_order_id, p.return_order_id) AS return_order_id, coalesce(l.line_no, p.line_no) AS line_no, CASE
				WHEN l.line_no IS NULL THEN ARRAY['pieces of no line', 'a row of return_line', 'none']
				WHEN l.quantity_received <> coalesce(p.received, 0) THEN
					ARRAY['units received are not those of the pieces', trim_scale(coalesce(p.received, 0))::text, trim_scale(l.quantity_received)::text]
				WHEN l.quantity_accepted <> coalesce(p.accepted, 0) THEN
					ARRAY['units taken back are not those of the pieces', trim_scale(coalesce(p.accepted, 0))::text, trim_scale(l.quantity_accepted)::text]
				WHEN l.quantity_rejected <> coalesce(p.rejected, 0) THEN
					ARRAY['units not taken back are not those of the pieces', trim_scale(coalesce(p.rejected, 0))::text, trim_scale(l.quantity_rejected)::text]
			END AS wrong
			FROM (SELECT * FROM usom.return_line l WHERE l.org_id = org) l
			FULL JOIN (
				SELECT p.return_order_id, p.line_no, sum(p.quantity) AS received,
					coalesce(sum(p.quantity) FILTER (WHERE p.disposition <> 'reject'), 0) AS accepted,
					coalesce(sum(p.quantity) FILTER (WHERE p.disposition = 'reject'), 0) AS rejected
				FROM usom.return_piece p WHERE p.org_id = org GROUP BY p.return_order_id, p.line_no
			) p ON p.return_order_id = l.return_order_id AND p.line_no = l.line_no
		) w
		WHERE w.wrong IS NOT NULL;
	-- a piece of the order comes back once
	RETURN QUERY
		SELECT 'returns', format('order %s line %s piece %s', coalesce(
				(SELECT o.order_no FROM usom.sales_order o WHERE o.org_id = org AND o.sales_order_id = w.sales_order_id),
				'#' || w.sales_order_id), w.line_no, w.piece_no), 'units returned are not those of the pieces of returns', w.back, w.returned
		FROM (
			SELECT x.sales_order_id, x.line_no, x.piece_no, trim_scale(sum(x.back))::text AS back, trim_scale(sum(x.returned))::text AS returned
			FROM (
				SELECT h.sales_order_id, p.line_no, p.piece_no, p.quantity AS back, 0 AS returned
				FROM usom.return_piece p JOIN usom.return_order h ON h.org_id = org AND h.return_order_id = p.return_order_id
				WHERE p.org_id = org AND p.piece_no IS NOT NULL
				UNION ALL
				SELECT f.sales_order_id, f.line_no, f.piece_no, 0, f.quantity
				FROM usom.fulfillment_line f WHERE f.org_id = org AND f.status = 'returned'
			) x
			GROUP BY x.sales_order_id, x.line_no, x.piece_no
			HAVING sum(x.back) <> sum(x.returned)
		) w;
	-- what is not restocked has left the shelf again
	RETURN QUERY
		SELECT 'returns', 'return ' || w.return_no, 'units in the ledger are not those of the pieces: ' || w.kind, w.gone, w.booked
		FROM (
			SELECT x.return_no, x.kind, trim_scale(sum(x.gone))::text AS gone, trim_scale(sum(x.booked))::text AS booked
			FROM (
				SELECT h.return_no, p.disposition AS kind, p.quantity AS gone, 0 AS booked
				FROM usom.return_piece p
				JOIN usom.return_order h ON h.org_id = org AND h.return_order_id = p.return_order_id
				JOIN usom.fulfillment_line f ON f.org_id = org AND f.sales_order_id = h.sales_order_id AND f.line_no = p.line_no
					AND f.piece_no = p.piece_no AND f.location_id IS NOT NULL
				WHERE p.org_id = org AND p.disposition IN ('refurbish', 'scrap', 'to_vendor')
				UNION ALL
				SELECT m.reference, m.kind, 0, -m.delta
				FROM usom.stock_movement m WHERE m.org_id = org AND m.kind IN ('refurbish', 'scrap', 'to_vendor')
			) x
			GROUP BY x.return_no, x.kind
			HAVING sum(x.gone) <> sum(x.booked)
		) w;
END
$$;
COMMENT ON FUNCTION usom.verify_returns() IS
'Returns against the orders they belong to: status, units received, taken back and not, piece by piece; never more than left; and against the ledger of stock. Empty when all is well.
Example: SELECT * FROM usom.verify_returns();';
