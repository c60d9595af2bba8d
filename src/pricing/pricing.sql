CREATE FUNCTION usom._shares(amount numeric, weights numeric[], decimals integer DEFAULT 2) RETURNS numeric[]
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__shares'
IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._shares(numeric, numeric[], integer) IS 'An amount cut in proportion to weights by largest remainder, to so many decimals (more if the amount has more): the shares sum to the amount. Errors: 22003, 22023 for what is no amount or weight.';
REVOKE ALL ON FUNCTION usom._shares(numeric, numeric[], integer) FROM PUBLIC;

CREATE FUNCTION usom._part(amount numeric, units numeric, all_units numeric, decimals integer) RETURNS numeric
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__part'
IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._part(numeric, numeric, numeric, integer) IS 'The part of an amount that some of all units have, rounded to so many decimals, halves up: what units added one by one get adds up to the amount.';
REVOKE ALL ON FUNCTION usom._part(numeric, numeric, numeric, integer) FROM PUBLIC;

CREATE TYPE usom._price_step_row AS (
	sales_order_id bigint,
	version integer,
	step_no integer,
	line_no integer,
	step text,
	rule text,
	unit_price usom.price_amount,
	before usom.amount,
	after usom.amount,
	reason text
);
COMMENT ON TYPE usom._price_step_row IS 'A step of the price waterfall on its way from C to price_step, by unnest().';

CREATE TYPE usom._coupon_change AS (
	sales_order_id bigint,
	coupon_id bigint,
	customer_id bigint,
	takes boolean
);
COMMENT ON TYPE usom._coupon_change IS 'An order that takes a coupon or lets go of it, on its way from C to coupon_redemption, by unnest().';
