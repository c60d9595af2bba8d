CREATE TYPE usom._approval_row AS (
	approval_id bigint,
	sales_order_id bigint,
	queue text,
	rules text[],
	saw jsonb,
	status text,
	automatic boolean,
	content bytea,
	expires_at timestamptz,
	escalates_at timestamptz,
	escalates_to text,
	if_declined text,
	apart_by text
);
COMMENT ON TYPE usom._approval_row IS 'A question to a queue on its way from C to approval, by unnest().';

CREATE TYPE usom._override_row AS (
	sales_order_id bigint,
	line_no integer,
	product_id bigint,
	unit_price numeric,
	price_before numeric,
	reason text,
	queue text,
	beyond text
);
COMMENT ON TYPE usom._override_row IS 'A price that somebody set, on its way from C to price_override, by unnest().';

CREATE FUNCTION usom._queue_exists(queue text) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usom__queue_exists'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._queue_exists(text) IS 'Is it a profile (then its group role is meant), or the name of a role? For the checks of rules, so everybody may call it.';
REVOKE ALL ON FUNCTION usom._queue_exists(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._queue_exists(text) TO PUBLIC;

CREATE FUNCTION usom._in_queue(queue text) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'usom__in_queue'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._in_queue(text) IS 'Does the role that acts (the one that logged in, or that SET ROLE chose) have the rights of the queue? Superusers have those of all. For the column mine of usom.approvals, so everybody may call it.';
REVOKE ALL ON FUNCTION usom._in_queue(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._in_queue(text) TO PUBLIC;

CREATE FUNCTION usom._order_content(sales_order_id bigint) RETURNS bytea
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'usom__order_content'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._order_content(bigint) IS 'SHA-256 of what is agreed about an order: type, channel, customer, address, currency, coupons, and of each line number, product, quantity, price, discount, freight and tax, in the form of src/audit/digest.h. What was done about it (pieces, cancelled units, priority, dates) is no part of it. Null if there is no such order.';
REVOKE ALL ON FUNCTION usom._order_content(bigint) FROM PUBLIC;

CREATE FUNCTION usom._check_approval_rule() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown record;
BEGIN
	SELECT g.entity, g.code INTO unknown
	FROM (VALUES ('channel', NEW.channel, 1), ('customer', NEW.customer, 2)) g (entity, code, place)
	WHERE g.code IS NOT NULL AND NOT CASE g.entity
		WHEN 'channel' THEN EXISTS (SELECT FROM usom.channel x WHERE x.org_id = NEW.org_id AND x.code = g.code)
		ELSE EXISTS (SELECT FROM usom.customer x WHERE x.org_id = NEW.org_id AND x.code = g.code)
	END
	ORDER BY g.place LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'approval rule "%" names % "%", which does not exist', NEW.code, unknown.entity, unknown.code USING
			ERRCODE = 'US006', DETAIL = 'Codes in rules are looked up when they are written.',
			HINT = format('INSERT INTO usom.%I first, or correct the code.', unknown.entity);
	END IF;
	IF NEW.outcome = 'ask' THEN
		PERFORM usom._check_queue('approval rule', NEW.code, q) FROM unnest(ARRAY[NEW.queue, NEW.escalate_to]) q WHERE q IS NOT NULL;
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_approval_rule() IS 'Trigger BEFORE an approval rule is written: US006 for codes that nobody has, US135 for a queue that is neither a profile nor a role.';
REVOKE ALL ON FUNCTION usom._check_approval_rule() FROM PUBLIC;

CREATE FUNCTION usom._check_queue(what text, code text, queue text) RETURNS void
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	IF NOT usom._queue_exists(queue) THEN
		RAISE EXCEPTION '% "%" names "%", which is neither a profile nor a role', what, code, queue USING
			ERRCODE = 'US135', DETAIL = 'Nobody could decide what waits there.',
			HINT = 'Take a profile (manager, agent ...), or CREATE ROLE first.';
	END IF;
END
$$;
COMMENT ON FUNCTION usom._check_queue(text, text, text) IS 'US135 unless there is a role for the queue. For triggers, so everybody may call it.';
REVOKE ALL ON FUNCTION usom._check_queue(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._check_queue(text, text, text) TO PUBLIC;

CREATE FUNCTION usom._check_price_limit() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	IF NEW.sku IS NOT NULL AND NOT EXISTS (SELECT FROM usom.product x WHERE x.org_id = NEW.org_id AND x.sku = NEW.sku) THEN
		RAISE EXCEPTION 'price limit "%" names product "%", which does not exist', NEW.code, NEW.sku USING
			ERRCODE = 'US006', DETAIL = 'Codes in limits are looked up when they are written.',
			HINT = 'INSERT INTO usom.product first, or correct the code.';
	END IF;
	PERFORM usom._check_queue('price limit', NEW.code, q) FROM unnest(ARRAY[NEW.role, NEW.queue]) q;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_price_limit() IS 'Trigger BEFORE a price limit is written: US006 for a product that there is not, US135 for a role or queue that is neither a profile nor a role.';
REVOKE ALL ON FUNCTION usom._check_price_limit() FROM PUBLIC;
