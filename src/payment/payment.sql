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
