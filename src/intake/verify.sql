CREATE FUNCTION usom.verify_inbox()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'inbox', format('message %s', m.message_no), w.problem, w.expected, w.actual
		FROM usom.inbox_message m
		LEFT JOIN usom.channel c ON c.org_id = org AND c.channel_id = m.channel_id
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = m.sales_order_id
		CROSS JOIN LATERAL (SELECT count(*) AS payloads, min(p.revision_no) AS first, max(p.revision_no) AS last
			FROM usom.inbox_payload p WHERE p.org_id = org AND p.inbox_message_id = m.inbox_message_id) p
		CROSS JOIN LATERAL (VALUES
			('message of no channel', 'a channel', m.channel_id::text, c.channel_id IS NULL),
			('message of an order that is not there', 'an order', m.sales_order_id::text, m.sales_order_id IS NOT NULL AND o.sales_order_id IS NULL),
			('order of another channel', c.code, (SELECT x.code FROM usom.channel x WHERE x.org_id = org AND x.channel_id = o.channel_id), o.channel_id <> m.channel_id),
			('order of an older revision than its message', 'at least ' || m.revision, o.revision::text,
				m.status = 'processed' AND m.kind = 'order' AND o.external_id = m.external_id AND o.revision < m.revision),
			('payloads are not numbered from 0', p.payloads::text || ' from 0', format('%s to %s', p.first, p.last), p.payloads = 0 OR p.first <> 0 OR p.last <> p.payloads - 1))
			AS w (problem, expected, actual, wrong)
		WHERE m.org_id = org AND w.wrong;
END
$$;
COMMENT ON FUNCTION usom.verify_inbox() IS
'Messages that do not fit their channel, their order or their payloads. Part of verify(); empty when all is well.
Example: SELECT * FROM usom.verify_inbox();';
