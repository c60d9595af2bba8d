CREATE FUNCTION usom.order_timeline(order_no text)
RETURNS TABLE (at timestamptz, event text, from_status text, to_status text, line_no integer, quantity numeric,
	reason text, actor text, reference text)
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	PERFORM usom._check_installed(), usom._check_card('order_no', order_no);
	IF NOT EXISTS (SELECT FROM usom.orders o WHERE o.order_no = order_timeline.order_no) THEN
		RAISE EXCEPTION 'no order "%"', order_timeline.order_no
			USING ERRCODE = 'US105', HINT = 'Look it up in usom.orders.';
	END IF;
	RETURN QUERY
		SELECT t.at, t.event, t.from_status, t.to_status, t.line_no, t.quantity, t.reason, t.actor, t.reference
		FROM usom.timeline t
		WHERE t.order_no = order_timeline.order_no
		ORDER BY t.version;
END
$$;
COMMENT ON FUNCTION usom.order_timeline(text) IS
'What was done to an order, oldest first: when (at), the verb (event), from which status to which, the line and units it was about, why, by whom (actor: the session user), and the shipment, return or hold type it made.
Errors: US105 unknown order.
Example: SELECT at, event, to_status, reason FROM usom.order_timeline(''SO-000001'');';

CREATE FUNCTION usom.explain_status(order_no text)
RETURNS TABLE (subject text, status text, why text)
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	the record;
	quoted text := quote_literal(explain_status.order_no);
BEGIN
	PERFORM usom._check_installed(), usom._check_card('order_no', order_no);
	SELECT o.status, o.held,
		trim_scale(coalesce(sum(l.quantity - l.quantity_cancelled), 0)) AS live,
		trim_scale(coalesce(sum(l.quantity_cancelled), 0)) AS cancelled,
		trim_scale(coalesce(sum(l.quantity_backordered), 0)) AS waiting,
		trim_scale(coalesce(sum(l.quantity_reserved), 0)) AS reserved,
		trim_scale(coalesce(sum(l.quantity_released + l.quantity_picked + l.quantity_packed), 0)) AS in_work,
		trim_scale(coalesce(sum(l.quantity_shipped + l.quantity_delivered + l.quantity_returned), 0)) AS gone,
		trim_scale(coalesce(sum(l.quantity_delivered + l.quantity_returned), 0)) AS arrived,
		trim_scale(coalesce(sum(l.quantity_returned), 0)) AS returned
	INTO the
	FROM usom.orders o
	LEFT JOIN usom.order_lines l ON l.order_no = o.order_no
		AND NOT EXISTS (SELECT FROM usom.order_lines c WHERE c.order_no = l.order_no AND c.kit_line_no = l.line_no)
	WHERE o.order_no = explain_status.order_no
	GROUP BY o.status, o.held;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no order "%"', explain_status.order_no
			USING ERRCODE = 'US105', HINT = 'Look it up in usom.orders.';
	END IF;

	RETURN QUERY SELECT 'order ' || explain_status.order_no, the.status, CASE the.status
		WHEN 'draft' THEN 'It is being written; nothing is reserved.'
		WHEN 'submitted' THEN 'It is handed in and not confirmed yet.'
		WHEN 'confirmed' THEN format('It is accepted and no unit is released yet. Reserved: %s, backordered: %s.', the.reserved, the.waiting)
		WHEN 'processing' THEN format('Released, picked or packed: %s of %s; none has left.', the.in_work, the.live)
		WHEN 'partially_shipped' THEN format('Left: %s of %s; the rest is to leave.', the.gone, the.live)
		WHEN 'shipped' THEN format('Left: all of %s. Arrived: %s.', the.live, the.arrived)
		WHEN 'delivered' THEN format('Arrived: all of %s. Came back: %s.', the.live, the.returned)
		WHEN 'closed' THEN format('It is settled. Arrived: all of %s. Came back: %s.', the.live, the.returned)
		WHEN 'cancelled' THEN format('Cancelled: all of %s.', the.cancelled)
		WHEN 'rejected' THEN 'It was not accepted.'
	END;

	RETURN QUERY
		SELECT 'line ' || l.line_no, l.status, format('Of %s x %s: %s.', l.quantity, l.sku, concat_ws(', ',
			nullif(l.quantity_open, 0) || ' open', nullif(l.quantity_backordered, 0) || ' backordered',
			nullif(l.quantity_reserved, 0) || ' reserved', nullif(l.quantity_released, 0) || ' released',
			nullif(l.quantity_picked, 0) || ' picked', nullif(l.quantity_packed, 0) || ' packed',
			nullif(l.quantity_shipped, 0) || ' on the way', nullif(l.quantity_delivered, 0) || ' delivered',
			nullif(l.quantity_returned, 0) || ' returned', nullif(l.quantity_cancelled, 0) || ' cancelled'))
		FROM usom.order_lines l
		WHERE l.order_no = explain_status.order_no
		ORDER BY l.line_no;

	RETURN QUERY
		SELECT concat_ws(' ', 'hold', h.hold_type, 'of line ' || h.line_no, 'piece ' || h.piece_no), 'active',
			format('It blocks %s until %s%s. SELECT usom.release_hold(%s, %L, ''reason''%s%s);', array_to_string(h.blocks, ', '),
				coalesce(h.expires_at::text, 'it is released'), ': ' || h.reason, quoted, h.hold_type,
				', line_no => ' || h.line_no, ', piece_no => ' || h.piece_no)
		FROM usom.holds h
		WHERE h.order_no = explain_status.order_no AND h.active
		ORDER BY h.placed_at, h.hold_type, h.line_no, h.piece_no;

	RETURN QUERY
		SELECT 'next step', s.verb, s.call || coalesce(
			(SELECT ' It is blocked by: ' || string_agg(h.hold_type, ', ' ORDER BY h.hold_type) || '.'
			 FROM usom.holds h
			 WHERE h.order_no = explain_status.order_no AND h.active AND s.verb = ANY (h.blocks)), '')
		FROM (
			SELECT 1 AS rank, e.verb, CASE e.verb
				WHEN 'cancel' THEN format('SELECT usom.cancel_order(%s, ''reason'');', quoted)
				WHEN 'reject' THEN format('SELECT usom.reject_order(%s, ''reason'');', quoted)
				ELSE format('SELECT usom.%s_order(%s);', e.verb, quoted)
			END AS call
			FROM usom.order_lifecycle() e
			WHERE e.from_status = the.status AND e.commanded
			UNION ALL
			SELECT 2, 'fill', format('SELECT usom.fill_backorders(%L);', b.sku)
			FROM (SELECT DISTINCT k.sku FROM usom.backorders k WHERE k.order_no = explain_status.order_no) b
			UNION ALL
			SELECT 3, 'release', format('SELECT usom.release_order(%s);', quoted) WHERE the.reserved > 0
			UNION ALL
			SELECT 4, 'ship', format('SELECT usom.ship(%s);', quoted) WHERE the.in_work > 0
			UNION ALL
			SELECT 5, 'deliver', format('SELECT usom.deliver(%L);', s.shipment_no)
			FROM usom.shipments s
			WHERE s.order_no = explain_status.order_no AND s.status IN ('shipped', 'in_transit')
			UNION ALL
			SELECT 5, v.verb, format(v.call, s.shipment_no)
			FROM usom.shipments s, (VALUES ('retry', 'SELECT usom.retry_delivery(%L);'), ('return to sender', 'SELECT usom.return_to_sender(%L, ''reason'');')) AS v (verb, call)
			WHERE s.order_no = explain_status.order_no AND s.status = 'failed'
			UNION ALL
			SELECT 6, 'return', format('SELECT usom.authorize_return(%s, ''[{"line_no": %s, "quantity": %s}]'', ''reason'');',
				quoted, l.line_no, l.quantity_shipped + l.quantity_delivered)
			FROM usom.order_lines l
			WHERE l.order_no = explain_status.order_no AND l.quantity_shipped + l.quantity_delivered > 0
				AND NOT EXISTS (SELECT FROM usom.order_lines k WHERE k.order_no = l.order_no AND k.line_no = l.kit_line_no
					AND k.quantity_shipped + k.quantity_delivered > 0)
		) s
		ORDER BY s.rank, s.verb, s.call;
END
$$;
COMMENT ON FUNCTION usom.explain_status(text) IS
'Why an order is where it is: one row for the order with the rule that gave its status, one for each line with its counters, one for each active hold with what it blocks, one for each step that may come next with the call that makes it.
Errors: US105 unknown order.
Example: SELECT * FROM usom.explain_status(''SO-000001'');';

-- The parts of verify(): current_org() is US001 before install(); whole tables are joined, whatever stale statistics say of their size.
CREATE FUNCTION usom.verify_counters()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off SET max_parallel_workers_per_gather = 0
SET enable_nestloop = off SET enable_hashjoin = off -- lines and pieces both come in the order of their keys: nothing spills
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
	conserved CONSTANT boolean := EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = 'usom.order_line'::regclass
		AND c.conname = 'order_line_quantity_conserved' AND c.convalidated);
BEGIN
	-- Counters add up to the quantity by constraint: most lines are in one state and right if that one is. The others are added up.
	RETURN QUERY
		WITH suspect AS MATERIALIZED (
			SELECT l.*
			FROM usom.order_line l
			LEFT JOIN (
				SELECT f.sales_order_id, f.line_no, min(f.status) AS status, max(f.status) AS last_status, sum(f.quantity) AS quantity
				FROM usom.fulfillment_line f
				WHERE f.org_id = org
				GROUP BY f.sales_order_id, f.line_no
			) g ON g.sales_order_id = l.sales_order_id AND g.line_no = l.line_no
			WHERE l.org_id = org AND l.kit_line_no IS DISTINCT FROM l.line_no AND (NOT conserved OR (
				(g.sales_order_id IS NULL AND l.quantity_open = l.quantity)
				OR (g.status = g.last_status AND l.quantity_open + g.quantity = l.quantity AND g.quantity = CASE g.status
					WHEN 'backordered' THEN l.quantity_backordered WHEN 'reserved' THEN l.quantity_reserved
					WHEN 'released' THEN l.quantity_released WHEN 'picked' THEN l.quantity_picked
					WHEN 'packed' THEN l.quantity_packed WHEN 'shipped' THEN l.quantity_shipped
					WHEN 'delivered' THEN l.quantity_delivered WHEN 'returned' THEN l.quantity_returned
					WHEN 'cancelled' THEN l.quantity_cancelled END)) IS NOT TRUE)
		)
		SELECT 'orders', format('order %s line %s', coalesce(
				(SELECT o.order_no FROM usom.sales_order o WHERE o.org_id = org AND o.sales_order_id = w.sales_order_id),
				'#' || w.sales_order_id), w.line_no),
			format('quantity_%s is not what the pieces add up to', c.state), trim_scale(c.pieces)::text, trim_scale(c.kept)::text
		FROM suspect w
		CROSS JOIN LATERAL (
			SELECT coalesce(sum(f.quantity) FILTER (WHERE f.status = 'backordered'), 0) AS backordered,
				coalesce(sum(f.quantity) FILTER (WHERE f.status = 'reserved'), 0) AS reserved,
				coalesce(sum(f.quantity) FILTER (WHERE f.status = 'released'), 0) AS released,
				coalesce(sum(f.quantity) FILTER (WHERE f.status = 'picked'), 0) AS picked,
				coalesce(sum(f.quantity) FILTER (WHERE f.status = 'packed'), 0) AS packed,
				coalesce(sum(f.quantity) FILTER (WHERE f.status = 'shipped'), 0) AS shipped,
				coalesce(sum(f.quantity) FILTER (WHERE f.status = 'delivered'), 0) AS delivered,
				coalesce(sum(f.quantity) FILTER (WHERE f.status = 'returned'), 0) AS returned,
				coalesce(sum(f.quantity) FILTER (WHERE f.status = 'cancelled'), 0) AS cancelled,
				coalesce(sum(f.quantity) FILTER (WHERE f.status <> 'open'), 0) AS planned
			FROM usom.fulfillment_line f
			WHERE f.org_id = org AND f.sales_order_id = w.sales_order_id AND f.line_no = w.line_no
		) p
		CROSS JOIN LATERAL (VALUES
			('open', w.quantity - p.planned, w.quantity_open), ('backordered', p.backordered, w.quantity_backordered),
			('reserved', p.reserved, w.quantity_reserved), ('released', p.released, w.quantity_released),
			('picked', p.picked, w.quantity_picked), ('packed', p.packed, w.quantity_packed),
			('shipped', p.shipped, w.quantity_shipped), ('delivered', p.delivered, w.quantity_delivered),
			('returned', p.returned, w.quantity_returned), ('cancelled', p.cancelled, w.quantity_cancelled)
		) c (state, pieces, kept)
		WHERE c.pieces <> c.kept
			AND (w.quantity - p.planned, p.backordered, p.reserved, p.released, p.picked, p.packed, p.shipped, p.delivered, p.returned, p.cancelled)
			<> (w.quantity_open, w.quantity_backordered, w.quantity_reserved, w.quantity_released, w.quantity_picked, w.quantity_packed,
				w.quantity_shipped, w.quantity_delivered, w.quantity_returned, w.quantity_cancelled);
END
$$;
COMMENT ON FUNCTION usom.verify_counters() IS
'Counters of order lines that differ from the sums over their pieces, recomputed; open units are those without a piece. Part of verify_orders(); empty when all is well.
Example: SELECT * FROM usom.verify_counters();';

CREATE FUNCTION usom.verify_statuses()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'orders', 'order ' || r.order_no, r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT d.order_no, CASE
				WHEN d.derived <> d.status THEN ARRAY['status does not follow from the units', d.derived, d.status]
				WHEN d.live IS NULL AND d.status NOT IN ('draft', 'cancelled') THEN ARRAY['order has no lines', 'at least 1', '0']
				WHEN d.live AND d.status = 'cancelled' THEN ARRAY['units of a cancelled order are not cancelled', 'none', 'some']
				WHEN (d.waiting OR d.working OR d.on_the_way) AND d.status = 'closed' THEN
					ARRAY['units of a closed order have not arrived', 'none', 'some']
				WHEN d.planned AND d.status IN ('draft', 'submitted', 'rejected') THEN
					ARRAY['units are planned though the order is not confirmed', 'none', 'some']
			END AS wrong
			FROM (
				SELECT o.order_no, o.status::text AS status, u.*, CASE
					WHEN o.status IN ('closed', 'cancelled', 'rejected') THEN o.status::text
					WHEN NOT u.live THEN 'cancelled'
					WHEN o.status IN ('draft', 'submitted') THEN o.status::text
					WHEN NOT (u.waiting OR u.working OR u.on_the_way) THEN 'delivered'
					WHEN NOT (u.waiting OR u.working) THEN 'shipped'
					WHEN u.on_the_way OR u.arrived THEN 'partially_shipped'
					WHEN u.working THEN 'processing'
					ELSE 'confirmed'
				END AS derived
				FROM usom.sales_order o
				LEFT JOIN (
					SELECT l.sales_order_id, bool_or(l.quantity_cancelled < l.quantity) AS live,
						bool_or(l.quantity_open > 0 OR l.quantity_backordered > 0 OR l.quantity_reserved > 0) AS waiting,
						bool_or(l.quantity_released > 0 OR l.quantity_picked > 0 OR l.quantity_packed > 0) AS working,
						bool_or(l.quantity_shipped > 0) AS on_the_way,
						bool_or(l.quantity_delivered > 0 OR l.quantity_returned > 0) AS arrived,
						bool_or(l.quantity_open + l.quantity_cancelled < l.quantity) AS planned
					FROM usom.order_line l
					WHERE l.org_id = org
					GROUP BY l.sales_order_id
				) u ON u.sales_order_id = o.sales_order_id
				WHERE o.org_id = org
			) d
		) r
		WHERE r.wrong IS NOT NULL;
END
$$;
COMMENT ON FUNCTION usom.verify_statuses() IS
'Orders whose status is not what follows from the units of their lines, by rules written here anew. Part of verify_orders(); empty when all is well.
Example: SELECT * FROM usom.verify_statuses();';

CREATE FUNCTION usom.verify_history()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off SET max_parallel_workers_per_gather = 0
SET enable_nestloop = off SET enable_hashagg = off SET enable_sort = off -- history and orders both come in the order of their keys: nothing spills
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
	seed CONSTANT bigint := (random() * 2 ^ 52)::bigint; -- nobody can know what hashes to the same
	suspects bigint[];
BEGIN
	-- Where every step begins at the status that the one before it ended with, what both hash to cancels out, and the last one is left.
	suspects := ARRAY(
		SELECT coalesce(h.sales_order_id, o.sales_order_id)
		FROM (
			SELECT k.sales_order_id, count(*) AS steps, min(k.version) AS first_version, max(k.version) AS last_version,
				bit_xor(usom.order_status_hash_extended(k.to_status, seed + k.version)
					# coalesce(usom.order_status_hash_extended(k.from_status, seed + k.version - 1), 0)) AS rest
			FROM usom.order_history k
			WHERE k.org_id = org
			GROUP BY k.sales_order_id
		) h
		FULL JOIN (
			SELECT s.sales_order_id, s.version, s.status
			FROM usom.sales_order s
			WHERE s.org_id = org
		) o ON o.sales_order_id = h.sales_order_id
		WHERE (h.first_version = 1 AND h.steps = o.version AND h.last_version = o.version
			AND h.rest = usom.order_status_hash_extended(o.status, seed + o.version)) IS NOT TRUE);
	IF suspects = '{}' THEN
		RETURN;
	END IF;
	RETURN QUERY
		SELECT 'orders', concat_ws(' version ', 'order ' || r.name, r.version), r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT coalesce(o.order_no, '#' || h.sales_order_id) AS name, h.version, CASE
				WHEN o.sales_order_id IS NULL THEN ARRAY['history without an order', 'a row of sales_order', 'none']
				WHEN h.sales_order_id IS NULL THEN ARRAY['order without history', 'version ' || o.version, 'none']
				WHEN h.version <> coalesce(h.version_before, 0) + 1 THEN
					ARRAY['versions do not count up by one', (coalesce(h.version_before, 0) + 1)::text, h.version::text]
				WHEN h.from_status IS DISTINCT FROM h.status_before THEN
					ARRAY['step does not begin where the last one ended', coalesce(h.status_before::text, 'none'), coalesce(h.from_status::text, 'none')]
				WHEN h.version_after IS NULL AND h.version <> o.version THEN
					ARRAY['order is not at the last version of its history', h.version::text, o.version::text]
				WHEN h.version_after IS NULL AND h.to_status <> o.status THEN
					ARRAY['order is not at the last status of its history', h.to_status::text, o.status::text]
			END AS wrong
			FROM (
				SELECT k.sales_order_id, k.version, k.from_status, k.to_status, lag(k.version) OVER w AS version_before,
					lag(k.to_status) OVER w AS status_before, lead(k.version) OVER w AS version_after
				FROM usom.order_history k
				WHERE k.org_id = org AND k.sales_order_id = ANY (suspects)
				WINDOW w AS (PARTITION BY k.sales_order_id ORDER BY k.version)
			) h
			FULL JOIN (
				SELECT s.sales_order_id, s.order_no, s.version, s.status
				FROM usom.sales_order s
				WHERE s.org_id = org AND s.sales_order_id = ANY (suspects)
			) o ON o.sales_order_id = h.sales_order_id
		) r
		WHERE r.wrong IS NOT NULL;
END
$$;
COMMENT ON FUNCTION usom.verify_history() IS
'Gaps and breaks in the history of orders: versions count up by one, each step begins at the status where the last one ended, the last one is the order as it stands. Part of verify_orders(); empty when all is well.
Example: SELECT * FROM usom.verify_history();';

CREATE FUNCTION usom.verify_references()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'orders', 'order ' || r.order_no, r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT o.order_no, CASE
				WHEN ch.channel_id IS NULL THEN ARRAY['order of an unknown channel', 'a row of channel', '#' || o.channel_id]
				WHEN o.customer_id IS NOT NULL AND cu.customer_id IS NULL THEN
					ARRAY['order of an unknown customer', 'a row of customer', '#' || o.customer_id]
			END AS wrong
			FROM usom.sales_order o
			LEFT JOIN usom.channel ch ON ch.org_id = org AND ch.channel_id = o.channel_id
			LEFT JOIN usom.customer cu ON cu.org_id = org AND cu.customer_id = o.customer_id
			WHERE o.org_id = org
		) r
		WHERE r.wrong IS NOT NULL;
	RETURN QUERY
		SELECT 'orders', format('order %s line %s', coalesce(r.order_no, '#' || r.sales_order_id), r.line_no), r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT o.order_no, l.sales_order_id, l.line_no, CASE
				WHEN o.sales_order_id IS NULL THEN ARRAY['line without an order', 'a row of sales_order', 'none']
				WHEN p.product_id IS NULL THEN ARRAY['line of an unknown product', 'a row of product', '#' || l.product_id]
				WHEN l.location_id IS NOT NULL AND lo.location_id IS NULL THEN
					ARRAY['line for an unknown location', 'a row of location', '#' || l.location_id]
			END AS wrong
			FROM usom.order_line l
			LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = l.sales_order_id
			LEFT JOIN usom.product p ON p.org_id = org AND p.product_id = l.product_id
			LEFT JOIN usom.location lo ON lo.org_id = org AND lo.location_id = l.location_id
			WHERE l.org_id = org
		) r
		WHERE r.wrong IS NOT NULL;
	RETURN QUERY
		SELECT 'orders', format('hold %s of order %s', r.hold_type, coalesce(r.order_no, '#' || r.sales_order_id)), r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT h.hold_type, o.order_no, h.sales_order_id, CASE
				WHEN o.sales_order_id IS NULL THEN ARRAY['hold on an unknown order', 'a row of sales_order', 'none']
				WHEN h.line_no IS NOT NULL AND l.line_no IS NULL AND h.released_at IS NULL THEN
					ARRAY['hold on an unknown line', 'a row of order_line', 'line ' || h.line_no]
				WHEN h.piece_no IS NOT NULL AND h.released_at IS NULL AND NOT EXISTS (SELECT FROM usom.fulfillment_line f
					WHERE f.org_id = org AND f.sales_order_id = h.sales_order_id AND f.line_no = h.line_no AND f.piece_no = h.piece_no) THEN
					ARRAY['hold on an unknown piece', 'a row of fulfillment_line', format('piece %s of line %s', h.piece_no, h.line_no)]
			END AS wrong
			FROM usom.hold h
			LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = h.sales_order_id
			LEFT JOIN usom.order_line l ON l.org_id = org AND l.sales_order_id = h.sales_order_id AND l.line_no = h.line_no
			WHERE h.org_id = org
		) r
		WHERE r.wrong IS NOT NULL;
END
$$;
COMMENT ON FUNCTION usom.verify_references() IS
'Orders, lines and holds that refer to a row that is not there: channel, customer, order, product, location, line. Part of verify_orders(); empty when all is well.
Example: SELECT * FROM usom.verify_references();';

CREATE FUNCTION usom.verify_pieces()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'orders', format('order %s line %s piece %s', coalesce(
				(SELECT o.order_no FROM usom.sales_order o WHERE o.org_id = org AND o.sales_order_id = r.sales_order_id),
				'#' || r.sales_order_id), r.line_no, r.piece_no),
			r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT f.sales_order_id, f.line_no, f.piece_no, CASE
				WHEN l.line_no IS NULL THEN ARRAY['piece without a line', 'a row of order_line', 'none']
				WHEN l.product_id <> f.product_id THEN
					ARRAY['piece of another product than its line', '#' || l.product_id, '#' || f.product_id]
				WHEN f.location_id IS NOT NULL AND lo.location_id IS NULL THEN
					ARRAY['piece at an unknown location', 'a row of location', '#' || f.location_id]
				WHEN f.location_id IS NOT NULL AND p.kind = 'service' THEN
					ARRAY['piece of a service has a location', 'none', lo.code]
				WHEN l.kit_line_no = l.line_no THEN ARRAY['kit has a piece of its own', 'none', f.status::text]
				WHEN f.location_id IS NULL AND p.kind = 'physical' AND f.status NOT IN ('open', 'backordered', 'cancelled') THEN
					ARRAY['piece is served from nowhere', 'a location', 'none']
				WHEN f.shipment_id IS NULL THEN NULL
				WHEN s.shipment_id IS NULL THEN ARRAY['piece of an unknown shipment', 'a row of shipment', '#' || f.shipment_id]
				WHEN s.sales_order_id <> f.sales_order_id THEN
					ARRAY['piece in the shipment of another order', '#' || f.sales_order_id, '#' || s.sales_order_id]
				WHEN f.location_id IS NOT NULL AND f.location_id IS DISTINCT FROM s.location_id THEN
					ARRAY['piece left from another location than its shipment', '#' || s.location_id, '#' || f.location_id]
				WHEN s.status = 'voided' OR (f.status = 'delivered') <> (s.status = 'delivered') AND f.status <> 'returned' THEN
					ARRAY['piece is not as far as its shipment', s.status::text, f.status::text]
			END AS wrong
			FROM usom.fulfillment_line f
			LEFT JOIN usom.order_line l ON l.org_id = org AND l.sales_order_id = f.sales_order_id AND l.line_no = f.line_no
			LEFT JOIN usom.product p ON p.org_id = org AND p.product_id = f.product_id
			LEFT JOIN usom.location lo ON lo.org_id = org AND lo.location_id = f.location_id
			LEFT JOIN usom.shipment s ON s.org_id = org AND s.shipment_id = f.shipment_id
			WHERE f.org_id = org
		) r
		WHERE r.wrong IS NOT NULL;
	RETURN QUERY
		SELECT 'orders', 'shipment ' || r.shipment_no, r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT s.shipment_no, CASE
				WHEN o.sales_order_id IS NULL THEN ARRAY['shipment of an unknown order', 'a row of sales_order', '#' || s.sales_order_id]
				WHEN s.location_id IS NOT NULL AND lo.location_id IS NULL THEN
					ARRAY['shipment from an unknown location', 'a row of location', '#' || s.location_id]
				WHEN f.shipment_id IS NULL AND s.status <> 'voided' THEN ARRAY['shipment without pieces', 'at least 1', '0']
			END AS wrong
			FROM usom.shipment s
			LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = s.sales_order_id
			LEFT JOIN usom.location lo ON lo.org_id = org AND lo.location_id = s.location_id
			LEFT JOIN (
				SELECT DISTINCT k.shipment_id
				FROM usom.fulfillment_line k
				WHERE k.org_id = org AND k.shipment_id IS NOT NULL
			) f ON f.shipment_id = s.shipment_id
			WHERE s.org_id = org
		) r
		WHERE r.wrong IS NOT NULL;
END
$$;
COMMENT ON FUNCTION usom.verify_pieces() IS
'Pieces that do not fit their line, location or shipment, and shipments without an order, a location or pieces. Part of verify_orders(); empty when all is well.
Example: SELECT * FROM usom.verify_pieces();';

CREATE FUNCTION usom.verify_reserved()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'reserved', concat_ws(' ', coalesce(p.sku, 'product ' || w.product_id), 'at', coalesce(lo.code, 'location ' || w.location_id),
				'lot ' || nullif(w.lot, '')), v.problem, trim_scale(v.expected)::text, trim_scale(v.actual)::text
		FROM (
			SELECT k.product_id, k.location_id, k.lot, sum(k.kept) AS kept, sum(k.reserved) AS reserved, sum(k.gone) AS gone,
				sum(k.shipped) AS shipped, sum(k.back) AS back, sum(k.returned) AS returned
			FROM (
				SELECT s.product_id, s.location_id, s.lot, s.reserved AS kept, 0 AS reserved, 0 AS gone, 0 AS shipped, 0 AS back, 0 AS returned
				FROM usom.stock s
				WHERE s.org_id = org
				UNION ALL
				-- what stripes have to give counts as reserved
				SELECT t.product_id, t.location_id, '', -t.free, 0, 0, 0, 0, 0
				FROM usom.stock_stripe t
				WHERE t.org_id = org
				UNION ALL
				SELECT f.product_id, f.location_id, f.lot, 0,
					coalesce(sum(f.quantity) FILTER (WHERE f.status IN ('reserved', 'released', 'picked', 'packed')), 0),
					coalesce(sum(f.quantity) FILTER (WHERE f.status IN ('shipped', 'delivered', 'returned') AND h.sales_order_id IS NULL), 0), 0,
					coalesce(sum(f.quantity) FILTER (WHERE f.status = 'returned'), 0), 0
				FROM usom.fulfillment_line f
				LEFT JOIN usom.migrated_order h ON h.org_id = org AND h.sales_order_id = f.sales_order_id
				WHERE f.org_id = org AND f.location_id IS NOT NULL
				GROUP BY f.product_id, f.location_id, f.lot
				UNION ALL
				-- what left in another system never was in this stock, nor what came back there
				SELECT f.product_id, f.location_id, f.lot, 0, 0, 0, 0, -r.quantity, 0
				FROM usom.return_piece r
				JOIN usom.return_order b ON b.org_id = org AND b.return_order_id = r.return_order_id AND b.migrated
				JOIN usom.fulfillment_line f ON f.org_id = org AND f.sales_order_id = b.sales_order_id AND f.line_no = r.line_no AND f.piece_no = r.piece_no
				WHERE r.org_id = org AND f.location_id IS NOT NULL
				UNION ALL
				SELECT m.product_id, m.location_id, m.lot, 0, 0, 0, coalesce(-sum(m.delta) FILTER (WHERE m.kind IN ('shipment', 'void')), 0),
					0, coalesce(sum(m.delta) FILTER (WHERE m.kind = 'return'), 0)
				FROM usom.stock_movement m
				WHERE m.org_id = org AND m.kind IN ('shipment', 'void', 'return')
				GROUP BY m.product_id, m.location_id, m.lot
			) k
			GROUP BY k.product_id, k.location_id, k.lot
		) w
		LEFT JOIN usom.product p ON p.org_id = org AND p.product_id = w.product_id
		LEFT JOIN usom.location lo ON lo.org_id = org AND lo.location_id = w.location_id
		CROSS JOIN LATERAL (VALUES
			('reserved stock is not what the pieces keep', w.reserved, w.kept),
			('units that left stock by shipments are not those of the pieces', w.gone, w.shipped),
			('units that came back into stock are not those of the pieces', w.back, w.returned)
		) v (problem, expected, actual)
		WHERE v.expected <> v.actual;
END
$$;
COMMENT ON FUNCTION usom.verify_reserved() IS
'Stock against pieces, per product, location and lot: what is reserved, what left by shipments, what came back. Empty when all is well.
Example: SELECT * FROM usom.verify_reserved();';

CREATE FUNCTION usom.verify()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	PERFORM usom._check_installed();
	RETURN QUERY
		SELECT * FROM usom.verify_stock()
		UNION ALL SELECT * FROM usom.verify_stripes()
		UNION ALL SELECT * FROM usom.verify_reserved()
		UNION ALL SELECT * FROM usom.verify_supply()
		UNION ALL SELECT * FROM usom.verify_capacity()
		UNION ALL SELECT * FROM usom.verify_quota()
		UNION ALL SELECT * FROM usom.verify_parcels()
		UNION ALL SELECT * FROM usom.verify_lots()
		UNION ALL SELECT * FROM usom.verify_orders()
		UNION ALL SELECT * FROM usom.verify_holds()
		UNION ALL SELECT * FROM usom.verify_picks()
		UNION ALL SELECT * FROM usom.verify_flows()
		UNION ALL SELECT * FROM usom.verify_handover()
		UNION ALL SELECT * FROM usom.verify_money()
		UNION ALL SELECT * FROM usom.verify_returns()
		UNION ALL SELECT * FROM usom.verify_service()
		UNION ALL SELECT * FROM usom.verify_vault()
		UNION ALL SELECT * FROM usom.verify_inbox()
		UNION ALL SELECT * FROM usom.verify_drafts()
		UNION ALL SELECT * FROM usom.verify_loads()
		UNION ALL SELECT * FROM usom.verify_in_use()
		UNION ALL SELECT * FROM usom.verify_entries();
END
$$;
COMMENT ON FUNCTION usom.verify() IS
'Everything that usom keeps in the caller''s organisation, recomputed from scratch and compared, by the functions that usom.help(''verify'') lists. One row per difference with area, entity (the business key), problem, expected and actual value; empty when all is well. One snapshot: it may run while others work.
Example: SELECT * FROM usom.verify();';
