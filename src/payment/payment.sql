CREATE TYPE usom._payment_row AS (
	payment_id bigint,
	sales_order_id bigint,
	payment_no integer,
	method text,
	reference text,
	currency text,
	authorized numeric,
	voided numeric,
	captured numeric,
	capture_wanted numeric,
	refunded numeric,
	refund_wanted numeric,
	charged_back numeric,
	expires_at timestamptz
);
COMMENT ON TYPE usom._payment_row IS 'A payment on its way from C, by unnest(): a new one whole, of one that is there what is added to its amounts.';

CREATE TYPE usom._payment_line_row AS (
	sales_order_id bigint,
	line_no integer,
	captured numeric,
	captured_tax numeric,
	capture_wanted numeric,
	refunded numeric,
	refunded_tax numeric,
	refund_wanted numeric,
	refund_wanted_tax numeric,
	for_units numeric,
	for_freight numeric
);
COMMENT ON TYPE usom._payment_line_row IS 'Amounts of a line on their way from C, by unnest(), as those of a payment.';

CREATE TYPE usom._payment_request_row AS (
	sales_order_id bigint,
	request_no integer,
	payment_id bigint,
	kind text,
	amount numeric,
	reference text,
	lines jsonb,
	reason text,
	due_at timestamptz,
	status text
);
COMMENT ON TYPE usom._payment_request_row IS 'A request to a payment provider on its way from C, by unnest().';

CREATE TYPE usom._payment_transaction_row AS (
	sales_order_id bigint,
	transaction_no integer,
	payment_id bigint,
	kind text,
	amount numeric,
	reference text,
	outcome text,
	lines jsonb,
	tax numeric,
	request_no integer,
	expires_at timestamptz,
	occurred_at timestamptz
);
COMMENT ON TYPE usom._payment_transaction_row IS 'A transaction of a payment on its way from C, by unnest().';

CREATE FUNCTION usom._standard_payment_methods() RETURNS TABLE (code text, terms text, name text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	VALUES ('card', 'prepaid', 'Payment card'),
		('gift_card', 'prepaid', 'Gift card'),
		('transfer', 'prepaid', 'Bank transfer in advance'),
		('cash', 'prepaid', 'Cash at the counter'),
		('account', 'on_account', 'Invoice'),
		('cod', 'cod', 'Cash on delivery')
$$;
COMMENT ON FUNCTION usom._standard_payment_methods() IS 'Payment methods that an organisation begins with; none demands anything.';
REVOKE ALL ON FUNCTION usom._standard_payment_methods() FROM PUBLIC;

CREATE FUNCTION usom.furnish_payment_methods() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	INSERT INTO usom.payment_method (org_id, code, terms, name)
	SELECT NEW.org_id, t.* FROM usom._standard_payment_methods() t;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION usom.furnish_payment_methods() IS 'AFTER INSERT on organisation: a new organisation begins with the standard payment methods.';
REVOKE ALL ON FUNCTION usom.furnish_payment_methods() FROM PUBLIC;

CREATE FUNCTION usom._payment_status(authorized numeric, voided numeric, captured numeric, refunded numeric, charged_back numeric, is_expired boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT CASE
		WHEN charged_back > 0 THEN 'charged_back'
		WHEN refunded > 0 THEN CASE WHEN refunded = captured THEN 'refunded' ELSE 'partially_refunded' END
		WHEN captured > 0 THEN CASE WHEN captured + voided = authorized THEN 'captured' ELSE 'partially_captured' END
		WHEN authorized = 0 THEN 'pending'
		WHEN voided = authorized THEN 'voided'
		WHEN is_expired THEN 'expired'
		ELSE 'authorized'
	END
$$;
COMMENT ON FUNCTION usom._payment_status(numeric, numeric, numeric, numeric, numeric, boolean) IS 'State of a payment, from what became of it.';
REVOKE ALL ON FUNCTION usom._payment_status(numeric, numeric, numeric, numeric, numeric, boolean) FROM PUBLIC;

CREATE FUNCTION usom._line_value(unit_price numeric, quantity numeric, discount numeric, freight numeric, tax numeric, tax_included boolean, decimals integer, units numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT CASE WHEN decimals IS NULL THEN round(unit_price * units, 4)
		ELSE usom._part(round(unit_price * quantity, decimals) - discount + freight + CASE WHEN tax_included THEN 0 ELSE tax END, units, quantity, decimals) END
$$;
COMMENT ON FUNCTION usom._line_value(numeric, numeric, numeric, numeric, numeric, boolean, integer, numeric) IS 'What some units of an order line cost: the part that they have of the whole line.';
REVOKE ALL ON FUNCTION usom._line_value(numeric, numeric, numeric, numeric, numeric, boolean, integer, numeric) FROM PUBLIC;

CREATE FUNCTION usom._unallocated(org_id bigint, sales_order_id bigint) RETURNS numeric
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	-- before it is confirmed nobody allocates anything; a kit waits without a date if one of its components does
	RETURN (
		SELECT o.paid - coalesce((
			SELECT sum(usom._line_value(l.unit_price, l.quantity, l.discount, l.freight, l.tax, l.tax_included, l.decimals,
				l.quantity - l.quantity_cancelled - l.quantity_returned - CASE WHEN o.status <= 'submitted' THEN 0
					WHEN l.kit_line_no = l.line_no THEN l.quantity_open + CASE WHEN w.units > 0 THEN l.quantity_backordered ELSE 0 END
					ELSE l.quantity_open + w.units END))
			FROM usom.order_line l
			CROSS JOIN LATERAL (
				SELECT coalesce(sum(f.quantity), 0) AS units
				FROM usom.order_line c
				JOIN usom.fulfillment_line f ON f.org_id = c.org_id AND f.sales_order_id = c.sales_order_id AND f.line_no = c.line_no
				WHERE l.quantity_backordered > 0 AND c.org_id = $1 AND c.sales_order_id = $2
					AND (c.line_no = l.line_no OR c.kit_line_no = l.line_no) AND f.status = 'backordered' AND f.promised_at IS NULL) w
			WHERE l.org_id = $1 AND l.sales_order_id = $2), 0)
		FROM usom.sales_order o WHERE o.org_id = $1 AND o.sales_order_id = $2);
END
$$;
COMMENT ON FUNCTION usom._unallocated(bigint, bigint) IS 'What is paid of an order beyond the units that have stock, or a date: not those that were cancelled, came back, or wait without one. Null if no payment is known.';
REVOKE ALL ON FUNCTION usom._unallocated(bigint, bigint) FROM PUBLIC;

CREATE FUNCTION usom._order_payment_status(org_id bigint, sales_order_id bigint) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT CASE
			WHEN s.payments = 0 THEN 'none'
			WHEN usom._unallocated($1, $2) >= m.unit THEN 'paid_unallocated'
			WHEN s.charged_back > 0 THEN 'charged_back'
			WHEN s.back > 0 THEN CASE WHEN o.paid = 0 THEN 'refunded' ELSE 'partially_refunded' END
			WHEN o.paid > 0 THEN CASE WHEN o.total - o.paid < m.unit THEN 'paid' ELSE 'partially_paid' END
			WHEN s.authorized = 0 THEN 'pending'
			WHEN s.voided = s.authorized THEN 'voided'
			WHEN s.open > 0 THEN CASE WHEN o.total - s.open < m.unit THEN 'authorized' ELSE 'partially_authorized' END
			ELSE 'expired'
		END
		FROM usom.sales_order o
		CROSS JOIN LATERAL (SELECT 10.0 ^ -coalesce(usom._minor_digits(o.currency), 4) AS unit) m
		CROSS JOIN LATERAL (
			SELECT count(*) AS payments, sum(p.charged_back) AS charged_back, sum(p.refunded + p.refund_wanted) AS back, sum(p.authorized) AS authorized, sum(p.voided) AS voided,
				coalesce(sum(p.authorized - p.voided) FILTER (WHERE coalesce(p.expires_at > statement_timestamp(), true)), 0) AS open
			FROM usom.payment p WHERE p.org_id = $1 AND p.sales_order_id = $2) s
		WHERE o.org_id = $1 AND o.sales_order_id = $2);
END
$$;
COMMENT ON FUNCTION usom._order_payment_status(bigint, bigint) IS 'Column payment_status of usom.orders for an order that has a payment. Amounts are compared in the smallest unit of the currency.';
REVOKE ALL ON FUNCTION usom._order_payment_status(bigint, bigint) FROM PUBLIC;
