CREATE FUNCTION usom.checks() RETURNS TABLE (check_code text, description text, parameters text, hold_type text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_checks'
IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.checks() IS
'The checks that rows of usom.check_rule configure: what each looks at, the keys of its parameters, and the type of its holds where the rule names none. Without a row a check is not made. References (channel, customer, product, location) are always checked: US803. Credit, approval and price checks have tables of their own.
Example: SELECT * FROM usom.checks();';

CREATE FUNCTION usom._check_parameters(check_code text, parameters jsonb) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__check_parameters'
STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._check_parameters(text, jsonb) IS 'US805 unless the check is known and can read the parameters.';
REVOKE ALL ON FUNCTION usom._check_parameters(text, jsonb) FROM PUBLIC;

CREATE FUNCTION usom._check_check_rule() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown record;
BEGIN
	PERFORM usom._check_parameters(NEW.check_code, NEW.parameters);
	SELECT g.entity, g.code INTO unknown
	FROM (VALUES ('channel', NEW.channel, 1), ('customer', NEW.customer, 2)) g (entity, code, place)
	WHERE g.code IS NOT NULL AND NOT CASE g.entity
		WHEN 'channel' THEN EXISTS (SELECT FROM usom.channel x WHERE x.org_id = NEW.org_id AND x.code = g.code)
		ELSE EXISTS (SELECT FROM usom.customer x WHERE x.org_id = NEW.org_id AND x.code = g.code)
	END
	ORDER BY g.place LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'the rule of check "%" names % "%", which does not exist', NEW.check_code, unknown.entity, unknown.code USING
			ERRCODE = 'US006', DETAIL = 'Codes in rules are looked up when they are written.',
			HINT = format('INSERT INTO usom.%I first, or correct the code.', unknown.entity);
	END IF;
	NEW.version := CASE WHEN TG_OP = 'INSERT' THEN 1 WHEN NEW IS DISTINCT FROM OLD THEN OLD.version + 1 ELSE OLD.version END;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_check_rule() IS 'Trigger BEFORE a rule of a check is written: US805 for parameters that the check cannot read, US006 for codes that nobody has; counts the versions.';
REVOKE ALL ON FUNCTION usom._check_check_rule() FROM PUBLIC;

CREATE FUNCTION usom._check_product_restriction() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown record;
BEGIN
	SELECT g.entity, g.code INTO unknown
	FROM (VALUES ('product', NEW.sku, 1), ('channel', NEW.channel, 2)) g (entity, code, place)
	WHERE g.code IS NOT NULL AND NOT CASE g.entity
		WHEN 'product' THEN EXISTS (SELECT FROM usom.product x WHERE x.org_id = NEW.org_id AND x.sku = g.code)
		ELSE EXISTS (SELECT FROM usom.channel x WHERE x.org_id = NEW.org_id AND x.code = g.code)
	END
	ORDER BY g.place LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'a product restriction names % "%", which does not exist', unknown.entity, unknown.code USING
			ERRCODE = 'US006', DETAIL = 'Codes in restrictions are looked up when they are written.',
			HINT = format('INSERT INTO usom.%I first, or correct the code.', unknown.entity);
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_product_restriction() IS 'Trigger BEFORE a product restriction is written: US006 for codes that nobody has.';
REVOKE ALL ON FUNCTION usom._check_product_restriction() FROM PUBLIC;

CREATE TYPE usom._found_hit AS (
	check_rule_id bigint,
	rule_version integer,
	check_code text,
	severity text,
	sales_order_id bigint,
	external_id text,
	path text,
	overridden boolean,
	reason text
);
COMMENT ON TYPE usom._found_hit IS 'Finding of a rule, on its way from C to check_hit, by unnest().';

CREATE TYPE usom._claimed_lines AS (
	customer_id bigint,
	fingerprint bytea,
	sales_order_id bigint
);
COMMENT ON TYPE usom._claimed_lines IS 'Order that has the lines of a fingerprint, on its way from C to order_fingerprint, by unnest().';

CREATE FUNCTION usom.set_address_verdict(order_no text, verdict text, reason text DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_set_address_verdict'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.set_address_verdict(text, text, text) IS
'Say what the verification of an order''s address by somebody outside has found; the checks look at the order again.
order_no: the order, not closed, cancelled or rejected. verdict: deliverable, corrected, undeliverable or unknown. reason: for the history.
A hold that the check address has placed ends when its cause is gone, and an order that only waited for that goes on to confirmed. The address of the order becomes a new snapshot: others that share it keep theirs.
Returns the status and version of the order.
Errors: US105 unknown order, US101 if it has ended, 22023 for another verdict or an order without an address, US804 if a check refuses.
Example: SELECT * FROM usom.set_address_verdict(''SO-000001'', ''undeliverable'', ''no such street'');';

CREATE FUNCTION usom._tidy_fingerprints(org_id bigint) RETURNS bigint
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'usom__tidy_fingerprints'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._tidy_fingerprints(bigint) IS 'Fingerprints of orders of an organisation that no rule about duplicates looks back to are forgotten, 10,000 at most; of many rows a sample of blocks is looked at each time. Part of tick(). Returns how many.';
REVOKE ALL ON FUNCTION usom._tidy_fingerprints(bigint) FROM PUBLIC;
