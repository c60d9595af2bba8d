CREATE FUNCTION usom.verify_flows() RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'flows', format('order %s', o.order_no), CASE WHEN f.published_at IS NULL THEN 'takes a flow that is not published' ELSE 'is in a state of another status, or of none' END,
			CASE WHEN f.published_at IS NULL THEN 'a published version' ELSE o.status::text END,
			CASE WHEN f.published_at IS NULL THEN coalesce(f.code || ' ' || f.version, '#' || o.flow_id) ELSE coalesce(o.flow_state || ': ' || s.status, o.flow_state, 'none') END
		FROM usom.sales_order o
		LEFT JOIN usom.flow f ON f.org_id = org AND f.flow_id = o.flow_id
		LEFT JOIN usom.flow_state s ON s.org_id = org AND s.flow_id = o.flow_id AND s.state = o.flow_state
		WHERE o.org_id = org AND (o.flow_id IS NOT NULL OR o.flow_state IS NOT NULL)
			AND (f.published_at IS NULL OR s.status IS DISTINCT FROM o.status);
	RETURN QUERY
		SELECT 'flows', format('order %s', o.order_no), 'is in another state than its history says', coalesce(h.flow_state, 'none'), o.flow_state
		FROM usom.sales_order o
		LEFT JOIN LATERAL (
			SELECT h.flow_state FROM usom.order_history h
			WHERE h.org_id = org AND h.sales_order_id = o.sales_order_id AND h.flow_state IS NOT NULL ORDER BY h.version DESC LIMIT 1
		) h ON true
		WHERE o.org_id = org AND o.flow_id IS NOT NULL AND h.flow_state IS DISTINCT FROM o.flow_state;
	RETURN QUERY
		SELECT 'flows', format('order %s', t.order_no), format('version %s took a step that its flow has not', t.version), t.before || ' -> ' || t.flow_state, 'none'
		FROM (
			SELECT o.order_no, o.flow_id, h.version, h.event, h.flow_state, h.to_status, b.status AS status_before,
				lag(h.flow_state) OVER (PARTITION BY h.sales_order_id ORDER BY h.version) AS before
			FROM usom.order_history h
			JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = h.sales_order_id
			JOIN usom.flow_state b ON b.org_id = org AND b.flow_id = o.flow_id AND b.state = h.flow_state
			WHERE h.org_id = org AND h.flow_state IS NOT NULL
		) t
		JOIN usom.flow_state p ON p.org_id = org AND p.flow_id = t.flow_id AND p.state = t.before
		WHERE t.before <> t.flow_state AND t.status_before >= p.status
			AND NOT EXISTS (SELECT FROM usom.flow_transition s WHERE s.org_id = org AND s.flow_id = t.flow_id AND s.from_state = t.before AND s.to_state = t.flow_state);
	RETURN QUERY
		SELECT 'flows', format('flow %s', f.code), format('version %s is published and has a fault: %s', f.version, g.what), 'none', coalesce(a.states[g.place], g.status)
		FROM usom.flow f
		CROSS JOIN LATERAL (
			SELECT array_agg(s.state ORDER BY s.state COLLATE "C") AS states, array_agg(s.status::text ORDER BY s.state COLLATE "C") AS statuses,
				array_agg(s.starts ORDER BY s.state COLLATE "C") AS starts, array_agg(false) AS marks
			FROM usom.flow_state s WHERE s.org_id = org AND s.flow_id = f.flow_id
		) a
		CROSS JOIN LATERAL (
			SELECT coalesce(array_agg(array_position(a.states, t.from_state) ORDER BY t.from_state, t.to_state), '{}') AS from_places,
				coalesce(array_agg(array_position(a.states, t.to_state) ORDER BY t.from_state, t.to_state), '{}') AS to_places
			FROM usom.flow_transition t WHERE t.org_id = org AND t.flow_id = f.flow_id
		) b
		CROSS JOIN LATERAL usom._flow_graph(a.statuses, a.starts, a.marks, b.from_places, b.to_places) g
		WHERE f.org_id = org AND f.published_at IS NOT NULL AND g.what NOT IN ('adds', 'gone');
END
$$;
COMMENT ON FUNCTION usom.verify_flows() IS
'Flows and the orders that take them, recomputed: each is in a state of its published version that lies within its status and that its history ends with, by steps that the flow has (what goes back needs none), and published versions have no fault. One row a finding, none when all is well.
Example: SELECT * FROM usom.verify_flows();';
