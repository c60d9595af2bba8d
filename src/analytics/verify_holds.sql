CREATE FUNCTION usom.verify_holds() RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'holds', format('order %s', o.order_no), 'a check holds it twice for the same', '1', t.n::text
		FROM (
			SELECT h.sales_order_id, count(*) AS n FROM usom.hold h
			WHERE h.org_id = org AND h.check_code IS NOT NULL AND h.released_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > statement_timestamp())
			GROUP BY h.sales_order_id, h.line_no, h.piece_no, h.hold_type, h.check_code HAVING count(*) > 1
		) t
		JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = t.sales_order_id;
	RETURN QUERY
		SELECT 'holds', format('finding %s', h.check_hit_id), CASE WHEN r.check_rule_id IS NULL THEN 'of an unknown rule' WHEN h.rule_version > r.version THEN 'of a version that the rule has not reached' ELSE 'about an unknown order' END,
			CASE WHEN r.check_rule_id IS NULL THEN 'a row of check_rule' WHEN h.rule_version > r.version THEN 'at most ' || r.version ELSE 'a row of sales_order' END,
			CASE WHEN h.rule_version > r.version THEN h.rule_version::text ELSE 'none' END
		FROM usom.check_hit h
		LEFT JOIN usom.check_rule r ON r.org_id = org AND r.check_rule_id = h.check_rule_id
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = h.sales_order_id
		WHERE h.org_id = org AND (r.check_rule_id IS NULL OR h.rule_version > r.version OR (h.sales_order_id IS NOT NULL AND o.sales_order_id IS NULL));
	RETURN QUERY
		SELECT 'holds', format('fingerprint %s', left(encode(f.fingerprint, 'hex'), 12)), 'names no order of the customer', '#' || f.customer_id, coalesce('#' || o.customer_id, 'none')
		FROM usom.order_fingerprint f
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = f.sales_order_id
		WHERE f.org_id = org AND o.customer_id IS DISTINCT FROM f.customer_id;
	RETURN QUERY
		WITH RECURSIVE raised (code, held, hold_type) AS (
			SELECT r.code, r.when_held, r.hold_type FROM usom.hold_rule r WHERE r.org_id = org AND r.active AND r.when_held IS NOT NULL
			UNION
			SELECT raised.code, raised.held, r.hold_type FROM raised
			JOIN usom.hold_rule r ON r.org_id = org AND r.active AND r.when_held = raised.hold_type
		)
		SELECT 'holds', format('hold rule "%s"', code), 'raises holds in a circle', 'an end', held FROM raised WHERE hold_type = held;
END
$$;
COMMENT ON FUNCTION usom.verify_holds() IS
'Holds of checks and rules, recomputed: none stands twice, findings are of rules and orders that there are, the last order with some lines is of that customer, and no hold rules raise each other in a circle. Holds on lines and pieces that there are not: verify_references(). One row a finding, none when all is well.
Example: SELECT * FROM usom.verify_holds();';
