-- Payments recomputed from the ledger and the requests, by a reading of the words; src/payment keeps them while orders change.
CREATE FUNCTION usom._payment_sums(org bigint)
RETURNS TABLE (sales_order_id bigint, payment_id bigint, kind text, wanted boolean, amount numeric, tax numeric, lines jsonb)
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
		SELECT t.sales_order_id, t.payment_id, t.kind, false, t.amount::numeric, t.tax::numeric, t.lines FROM usom.payment_transaction t WHERE t.org_id = org AND t.outcome = 'ok'
		UNION ALL
		SELECT r.sales_order_id, r.payment_id, r.kind, true, r.amount::numeric, NULL, r.lines FROM usom.payment_request r WHERE r.org_id = org AND (r.status = 'wanted' OR r.kind = 'credit');
END
$$;
COMMENT ON FUNCTION usom._payment_sums(bigint) IS 'What was recorded for payments, and what is asked for and not answered: what verify_payments() adds up.';
REVOKE ALL ON FUNCTION usom._payment_sums(bigint) FROM PUBLIC;

CREATE FUNCTION usom.verify_payments()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'payments', format('order %s payment %s', coalesce(o.order_no, '#' || p.sales_order_id), p.payment_no), w.problem, trim_scale(w.expected)::text, trim_scale(w.actual)::text
		FROM usom.payment p
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = p.sales_order_id
		LEFT JOIN (
			SELECT s.payment_id,
				coalesce(sum(s.amount) FILTER (WHERE NOT s.wanted AND s.kind IN ('authorize', 'sale')), 0) AS authorized,
				coalesce(sum(s.amount) FILTER (WHERE NOT s.wanted AND s.kind = 'void'), 0) AS voided,
				coalesce(sum(s.amount) FILTER (WHERE NOT s.wanted AND s.kind IN ('capture', 'sale')), 0) AS captured,
				coalesce(sum(s.amount) FILTER (WHERE NOT s.wanted AND s.kind = 'refund'), 0) AS refunded,
				coalesce(sum(CASE s.kind WHEN 'chargeback' THEN s.amount ELSE -s.amount END) FILTER (WHERE NOT s.wanted AND s.kind IN ('chargeback', 'reversal')), 0) AS charged_back,
				coalesce(sum(s.amount) FILTER (WHERE s.wanted AND s.kind IN ('capture', 'invoice')), 0) AS capture_wanted,
				coalesce(sum(s.amount) FILTER (WHERE s.wanted AND s.kind = 'refund'), 0) AS refund_wanted
			FROM usom._payment_sums(org) s GROUP BY s.payment_id
		) s ON s.payment_id = p.payment_id
		CROSS JOIN LATERAL (VALUES
			('authorised is not what the ledger says', coalesce(s.authorized, 0), p.authorized::numeric),
			('voided is not what the ledger says', coalesce(s.voided, 0), p.voided::numeric),
			('captured is not what the ledger says', coalesce(s.captured, 0), p.captured::numeric),
			('refunded is not what the ledger says', coalesce(s.refunded, 0), p.refunded::numeric),
			('charged back is not what the ledger says', coalesce(s.charged_back, 0), p.charged_back::numeric),
			('captures wanted are not those that are asked for', coalesce(s.capture_wanted, 0), p.capture_wanted::numeric),
			('refunds wanted are not those that are asked for', coalesce(s.refund_wanted, 0), p.refund_wanted::numeric)) AS w (problem, expected, actual)
		WHERE p.org_id = org AND w.expected <> w.actual;
	RETURN QUERY
		SELECT 'payments', format('order %s payment %s', coalesce(o.order_no, '#' || p.sales_order_id), p.payment_no), w.problem, w.expected, w.actual
		FROM usom.payment p
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = p.sales_order_id
		CROSS JOIN LATERAL (VALUES
			('more is captured or voided than authorised', 'at most ' || trim_scale(p.authorized), trim_scale(p.captured + p.voided)::text, p.captured + p.voided > p.authorized),
			('more goes back than was captured', 'at most ' || trim_scale(p.captured), trim_scale(p.refunded + p.refund_wanted + p.charged_back)::text,
				p.refunded + p.refund_wanted + p.charged_back > p.captured),
			('payment of no order', 'an order', 'none', o.sales_order_id IS NULL),
			('payment in another currency', o.currency::text, p.currency::text, o.currency <> p.currency)) AS w (problem, expected, actual, wrong)
		WHERE p.org_id = org AND w.wrong;
	RETURN QUERY
		SELECT 'payments', format('order %s line %s', coalesce(o.order_no, '#' || coalesce(l.sales_order_id, s.sales_order_id)), coalesce(l.line_no, s.line_no)), w.problem, trim_scale(w.expected)::text, trim_scale(w.actual)::text
		FROM (
			SELECT s.sales_order_id, x.line_no,
				coalesce(sum(x.amount) FILTER (WHERE NOT s.wanted AND s.kind IN ('capture', 'sale')), 0) AS captured,
				coalesce(sum(x.tax) FILTER (WHERE NOT s.wanted AND s.kind IN ('capture', 'sale')), 0) AS captured_tax,
				coalesce(sum(x.amount) FILTER (WHERE s.wanted AND s.kind IN ('capture', 'invoice')), 0) AS capture_wanted,
				coalesce(sum(s.sign * x.amount) FILTER (WHERE NOT s.wanted AND s.kind IN ('refund', 'chargeback', 'reversal')), 0) AS refunded,
				coalesce(sum(s.sign * x.tax) FILTER (WHERE NOT s.wanted AND s.kind IN ('refund', 'chargeback', 'reversal')), 0) AS refunded_tax,
				coalesce(sum(x.amount) FILTER (WHERE s.wanted AND s.kind = 'refund'), 0) AS refund_wanted,
				coalesce(sum(x.tax) FILTER (WHERE s.wanted AND s.kind = 'refund'), 0) AS refund_wanted_tax,
				coalesce(sum(s.sign * x.units) FILTER (WHERE s.kind IN ('refund', 'chargeback', 'reversal', 'credit')), 0) AS for_units,
				coalesce(sum(s.sign * x.freight) FILTER (WHERE s.kind IN ('refund', 'chargeback', 'reversal')), 0) AS for_freight
			FROM (SELECT p.*, CASE p.kind WHEN 'reversal' THEN -1 ELSE 1 END AS sign FROM usom._payment_sums(org) p) s
			CROSS JOIN LATERAL jsonb_to_recordset(s.lines) AS x (line_no integer, amount numeric, tax numeric, units numeric, freight numeric)
			GROUP BY s.sales_order_id, x.line_no
		) s
		FULL JOIN (SELECT * FROM usom.payment_line l WHERE l.org_id = org) l ON l.sales_order_id = s.sales_order_id AND l.line_no = s.line_no
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = coalesce(l.sales_order_id, s.sales_order_id)
		CROSS JOIN LATERAL (VALUES
			('captured of the line is not what the ledger says', coalesce(s.captured, 0), coalesce(l.captured, 0)::numeric),
			('captured tax of the line is not what the ledger says', coalesce(s.captured_tax, 0), coalesce(l.captured_tax, 0)::numeric),
			('captures wanted of the line are not those that are asked for', coalesce(s.capture_wanted, 0), coalesce(l.capture_wanted, 0)::numeric),
			('refunded of the line is not what the ledger says', coalesce(s.refunded, 0), coalesce(l.refunded, 0)::numeric),
			('refunded tax of the line is not what the ledger says', coalesce(s.refunded_tax, 0), coalesce(l.refunded_tax, 0)::numeric),
			('refunds wanted of the line are not those that are asked for', coalesce(s.refund_wanted, 0), coalesce(l.refund_wanted, 0)::numeric),
			('tax of refunds wanted of the line is not that of those that are asked for', coalesce(s.refund_wanted_tax, 0), coalesce(l.refund_wanted_tax, 0)::numeric),
			('refunds for units of the line are not those in the ledger', coalesce(s.for_units, 0), coalesce(l.for_units, 0)::numeric),
			('refunds of freight of the line are not those in the ledger', coalesce(s.for_freight, 0), coalesce(l.for_freight, 0)::numeric)) AS w (problem, expected, actual)
		WHERE w.expected <> w.actual;
	RETURN QUERY
		SELECT 'payments', format('order %s line %s', coalesce(o.order_no, '#' || l.sales_order_id), l.line_no), w.problem, w.expected, w.actual
		FROM usom.payment_line l
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = l.sales_order_id
		CROSS JOIN LATERAL (VALUES
			('more goes back than was captured for the line', 'at most ' || trim_scale(l.captured), trim_scale(l.refunded + l.refund_wanted)::text, l.refunded + l.refund_wanted > l.captured),
			('more tax goes back than was captured for the line', 'at most ' || trim_scale(l.captured_tax), trim_scale(l.refunded_tax + l.refund_wanted_tax)::text,
				l.refunded_tax + l.refund_wanted_tax > l.captured_tax)) AS w (problem, expected, actual, wrong)
		WHERE l.org_id = org AND w.wrong;
	RETURN QUERY
		SELECT 'payments', format('order %s transaction %s', coalesce(o.order_no, '#' || t.sales_order_id), t.transaction_no), w.problem, trim_scale(w.expected)::text, trim_scale(w.actual)::text
		FROM usom.payment_transaction t
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = t.sales_order_id
		CROSS JOIN LATERAL (SELECT sum(x.amount) AS amount, coalesce(sum(x.tax), 0) AS tax FROM jsonb_to_recordset(t.lines) AS x (amount numeric, tax numeric)) x
		CROSS JOIN LATERAL (VALUES
			('shares do not add up to the amount', t.amount::numeric, x.amount), ('shares of tax do not add up to the tax', t.tax::numeric, x.tax)) AS w (problem, expected, actual)
		WHERE t.org_id = org AND t.lines IS NOT NULL AND w.expected IS DISTINCT FROM w.actual;
	RETURN QUERY
		SELECT 'payments', 'order ' || o.order_no, 'what is paid is not what payments say', coalesce(trim_scale(p.paid)::text, 'none'), coalesce(trim_scale(o.paid)::text, 'none')
		FROM usom.sales_order o
		LEFT JOIN (
			SELECT p.sales_order_id, sum(p.captured - p.refunded - p.refund_wanted - p.charged_back) AS paid
			FROM usom.payment p WHERE p.org_id = org GROUP BY p.sales_order_id
		) p ON p.sales_order_id = o.sales_order_id
		WHERE o.org_id = org AND coalesce(o.paid, 0) <> coalesce(p.paid, 0);
END
$$;
COMMENT ON FUNCTION usom.verify_payments() IS
'Payments recomputed: their amounts, and those of the lines, from the ledger and what is asked for; the ceilings of payments, lines and tax; shares that add up; what is paid of orders. Part of verify_money(); empty when all is well.
Example: SELECT * FROM usom.verify_payments();';
