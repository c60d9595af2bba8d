CREATE TYPE usom._credit_use_row AS (
	sales_order_id bigint,
	credit_account_id bigint,
	amount usom.amount,
	wanted usom.amount,
	held_at timestamptz,
	beyond usom.amount
);
COMMENT ON TYPE usom._credit_use_row IS 'What an order takes of a credit account, on its way from C to credit_use, by unnest().';

CREATE TYPE usom._credit_row AS (
	credit_account_id bigint,
	more numeric,
	forced boolean
);
COMMENT ON TYPE usom._credit_row IS 'By how much the exposure of a credit account moves, and whether it may pass the limit, on its way from C, by unnest().';

CREATE FUNCTION usom._guard_credit_account() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__guard_credit_account';
COMMENT ON FUNCTION usom._guard_credit_account() IS 'BEFORE ROW on credit_account: the exposure is kept by usom (US004), the currency does not change (US005).';
REVOKE ALL ON FUNCTION usom._guard_credit_account() FROM PUBLIC;

CREATE FUNCTION usom._credit_account_written() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__credit_account_written'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._credit_account_written() IS 'AFTER STATEMENT on credit_account: orders that are to be counted are, and held ones go on as far as the new terms let them.';
REVOKE ALL ON FUNCTION usom._credit_account_written() FROM PUBLIC;

-- The words of the contract, read anew; src/payment/credit_plan.c computes the same from an order in memory.
CREATE FUNCTION usom._credit_owed(org_id bigint, sales_order_id bigint) RETURNS numeric
LANGUAGE sql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT greatest(0.0000, coalesce((
			SELECT sum(CASE WHEN l.decimals IS NULL THEN round(l.unit_price * u.units, 4)
				ELSE round((round(l.unit_price * l.quantity, l.decimals) - l.discount + l.freight + CASE WHEN l.tax_included THEN 0 ELSE l.tax END)
					* u.units / l.quantity, l.decimals) END)
			FROM usom.order_line l CROSS JOIN LATERAL (SELECT l.quantity - l.quantity_cancelled - l.quantity_returned AS units) u
			WHERE l.org_id = $1 AND l.sales_order_id = $2), 0)
		- coalesce((SELECT sum(p.captured - p.refunded - p.charged_back) FROM usom.payment p WHERE p.org_id = $1 AND p.sales_order_id = $2), 0))
$$;
COMMENT ON FUNCTION usom._credit_owed(bigint, bigint) IS 'What an order owes: the units that are neither cancelled nor returned, less what was captured and not given back; never below 0.';
REVOKE ALL ON FUNCTION usom._credit_owed(bigint, bigint) FROM PUBLIC;

CREATE FUNCTION usom._credit_counts(org_id bigint, sales_order_id bigint, check_at text) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT o.status BETWEEN 'confirmed' AND 'closed'
		AND NOT EXISTS (SELECT FROM usom.migrated_order h WHERE h.org_id = $1 AND h.sales_order_id = $2)
		AND (o.payment ->> 'method' IS NULL OR EXISTS (SELECT FROM usom.payment_method m
			WHERE m.org_id = $1 AND m.code = o.payment ->> 'method' AND m.terms = 'on_account'))
		AND (check_at IN ('none', 'confirm') OR EXISTS (SELECT FROM usom.order_line l WHERE l.org_id = $1 AND l.sales_order_id = $2
			AND l.quantity_shipped + l.quantity_delivered + l.quantity_returned
				+ CASE check_at WHEN 'release' THEN l.quantity_released + l.quantity_picked + l.quantity_packed ELSE 0 END > 0))
	FROM usom.sales_order o WHERE o.org_id = $1 AND o.sales_order_id = $2
$$;
COMMENT ON FUNCTION usom._credit_counts(bigint, bigint, text) IS 'Is the order on account, and not one of history, and has it passed the point where an account is checked (none and confirm: it is confirmed; release: some of it is released; ship: some of it left)?';
REVOKE ALL ON FUNCTION usom._credit_counts(bigint, bigint, text) FROM PUBLIC;

CREATE FUNCTION usom.credit_position(customer text)
RETURNS TABLE (order_no text, status text, currency text, total numeric, owed numeric, taken numeric, held_at timestamptz, beyond_limit numeric)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM usom._check_card('customer', customer);
	IF NOT EXISTS (SELECT FROM usom.credit_account a JOIN usom.customer u ON u.org_id = a.org_id AND u.customer_id = a.customer_id
			WHERE a.org_id = usom.current_org() AND u.code = credit_position.customer) THEN
		RAISE EXCEPTION 'customer "%" has no credit account', coalesce(customer, 'null') USING
			ERRCODE = 'US511', HINT = 'INSERT INTO usom.credit_account (customer_id, limit_amount) VALUES (usom.customer_id(''code''), 1000);';
	END IF;
	RETURN QUERY
		SELECT o.order_no, o.status::text, o.currency::text, trim_scale(o.total), trim_scale(c.wanted), trim_scale(c.amount), c.held_at,
			trim_scale(c.beyond)
		FROM usom.customer u
		JOIN usom.credit_account a ON a.org_id = u.org_id AND a.customer_id = u.customer_id
		JOIN usom.credit_use c ON c.org_id = a.org_id AND c.credit_account_id = a.credit_account_id
		JOIN usom.sales_order o ON o.org_id = c.org_id AND o.sales_order_id = c.sales_order_id
		WHERE u.org_id = usom.current_org() AND u.code = credit_position.customer AND c.wanted > 0
		ORDER BY c.held_at NULLS FIRST, o.placed_at, o.sales_order_id;
END
$$;
COMMENT ON FUNCTION usom.credit_position(text) IS
'What the exposure of a customer''s credit accounts is made of: the orders that owe something, then those that wait for credit, in the order in which they go on.
customer: code. owed: units neither cancelled nor returned, less what was paid. taken: of that, what counts; less than owed while the order is held. held_at: since when it waits; null: it does not. beyond_limit: what a manager let pass.
Errors: US511 if the customer has no account.
Example: SELECT * FROM usom.credit_position(''ACME'');';

CREATE FUNCTION usom.verify_credit() RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH account AS MATERIALIZED (
		SELECT a.*, format('credit of customer %s in %s', coalesce(u.code, '#' || a.customer_id), a.currency) AS name
		FROM usom.credit_account a
		LEFT JOIN usom.customer u ON u.org_id = a.org_id AND u.customer_id = a.customer_id
		WHERE a.org_id = usom.current_org()
	), taken AS (
		SELECT c.credit_account_id, sum(c.amount) AS amount
		FROM usom.credit_use c WHERE c.org_id = usom.current_org()
		GROUP BY c.credit_account_id
	), used AS MATERIALIZED (
		SELECT c.*, coalesce('order ' || o.order_no, 'order #' || c.sales_order_id) AS name, o.status, usom._credit_owed(c.org_id, c.sales_order_id) AS owed,
			coalesce(usom._credit_counts(c.org_id, c.sales_order_id, CASE WHEN a.active THEN a.check_at ELSE 'none' END), false) AS counts,
			a.credit_account_id IS NOT NULL AND o.customer_id = a.customer_id AND o.currency = a.currency AS belongs
		FROM usom.credit_use c
		LEFT JOIN account a ON a.credit_account_id = c.credit_account_id
		LEFT JOIN usom.sales_order o ON o.org_id = c.org_id AND o.sales_order_id = c.sales_order_id
		WHERE c.org_id = usom.current_org()
	)
	SELECT 'credit', a.name, 'exposure is not the sum of what orders take', trim_scale(coalesce(t.amount, 0))::text, trim_scale(a.exposure)::text
	FROM account a LEFT JOIN taken t ON t.credit_account_id = a.credit_account_id
	WHERE a.exposure <> coalesce(t.amount, 0)
	UNION ALL
	SELECT 'credit', c.name, 'what it owes is not what its account knows', trim_scale(c.owed)::text, trim_scale(c.wanted)::text
	FROM used c WHERE c.wanted <> c.owed
	UNION ALL
	SELECT 'credit', c.name, 'takes less than it owes and is not held', trim_scale(c.wanted)::text, trim_scale(c.amount)::text
	FROM used c WHERE c.amount < c.wanted AND c.held_at IS NULL AND c.counts
	UNION ALL
	SELECT 'credit', c.name, 'waits for credit although it has ended', 'not held', 'held since ' || c.held_at
	FROM used c WHERE c.held_at IS NOT NULL AND c.status > 'closed'
	UNION ALL
	SELECT 'credit', c.name, 'takes of an account that is not of its customer and currency', 'an account of its own', '#' || c.credit_account_id
	FROM used c WHERE c.belongs IS NOT TRUE
	UNION ALL
	SELECT 'credit', 'order ' || o.order_no, 'is on account and takes no credit', trim_scale(usom._credit_owed(o.org_id, o.sales_order_id))::text, 'none'
	FROM account a
	JOIN usom.sales_order o ON o.org_id = a.org_id AND o.customer_id = a.customer_id AND o.currency = a.currency
	WHERE NOT EXISTS (SELECT FROM usom.credit_use c WHERE c.org_id = o.org_id AND c.sales_order_id = o.sales_order_id)
		AND usom._credit_counts(o.org_id, o.sales_order_id, CASE WHEN a.active THEN a.check_at ELSE 'none' END);
END
$$;
COMMENT ON FUNCTION usom.verify_credit() IS 'Exposures of credit accounts and what orders take of them, recomputed from lines and payments. That an exposure is above its limit is no finding: a manager may have let an order pass, or lowered the limit. Part of verify_money(). One row a finding, none when all is well. Example: SELECT * FROM usom.verify_credit();';
