CREATE FUNCTION usom._is_sort_expression(expression text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT expression IN ('priority', 'placed_at', 'requested_at', 'value', 'channel', 'segment', 'service_level')
$$;
COMMENT ON FUNCTION usom._is_sort_expression(text) IS 'Part of constraints: may backorders be compared by it?';
REVOKE ALL ON FUNCTION usom._is_sort_expression(text) FROM PUBLIC;

CREATE FUNCTION usom._is_listed_right(expression text, listed text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT CASE WHEN expression IN ('channel', 'segment', 'service_level')
		THEN coalesce(cardinality(listed), 0) > 0 AND array_position(listed, NULL) IS NULL ELSE listed IS NULL END
$$;
COMMENT ON FUNCTION usom._is_listed_right(text, text[]) IS 'Part of constraints: codes are listed for what is compared by its place in a list, and for nothing else.';
REVOKE ALL ON FUNCTION usom._is_listed_right(text, text[]) FROM PUBLIC;

-- Cycles are looked for by one writer of the organisation at a time, as with sourcing rules.
CREATE FUNCTION usom._check_backorder_variant() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown text := (SELECT s FROM unnest(NEW.skus) s WHERE NOT EXISTS (SELECT FROM usom.product p WHERE p.org_id = NEW.org_id AND p.sku = s) ORDER BY s LIMIT 1);
	chain text[] := ARRAY[NEW.code];
	next text := NEW.fallback;
BEGIN
	IF unknown IS NOT NULL THEN
		RAISE EXCEPTION 'backorder variant "%" names product "%", which does not exist', NEW.code, unknown USING
			ERRCODE = 'US006', DETAIL = 'Codes are looked up when they are written.', HINT = 'INSERT INTO usom.product first, or correct the code.';
	END IF;
	IF next IS NOT NULL THEN
		PERFORM pg_advisory_xact_lock(hashtextextended('usom.backorder_variant', NEW.org_id));
	END IF;
	WHILE next IS NOT NULL LOOP
		IF next = ANY (chain) THEN
			RAISE EXCEPTION 'backorder variant "%" would fall back again and again', NEW.code USING
				ERRCODE = 'US309', DETAIL = format('The chain is %s.', array_to_string(chain || next, ' -> ')), HINT = 'Let one of them have no fallback.';
		END IF;
		chain := chain || next;
		SELECT v.fallback INTO next FROM usom.backorder_variant v WHERE v.org_id = NEW.org_id AND v.code = next;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'backorder variant "%" falls back to "%", which does not exist', NEW.code, chain[cardinality(chain)] USING
				ERRCODE = 'US006', DETAIL = 'Codes are looked up when they are written.', HINT = 'INSERT INTO usom.backorder_variant first, or correct the code.';
		END IF;
	END LOOP;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_backorder_variant() IS 'Trigger BEFORE a backorder variant is written: US006 for codes that nobody has, US309 for fallbacks that come back to the variant.';
REVOKE ALL ON FUNCTION usom._check_backorder_variant() FROM PUBLIC;

CREATE FUNCTION usom._check_backorder_segment() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown record;
BEGIN
	SELECT g.entity, g.code INTO unknown
	FROM (
		SELECT 'channel', unnest(NEW.channels), 1
		UNION ALL SELECT 'customer', unnest(NEW.customers), 2
		UNION ALL SELECT 'product', unnest(NEW.skus), 3
		UNION ALL SELECT 'order type', unnest(NEW.order_types), 4
	) g (entity, code, place)
	WHERE NOT CASE g.entity
		WHEN 'channel' THEN EXISTS (SELECT FROM usom.channel x WHERE x.org_id = NEW.org_id AND x.code = g.code)
		WHEN 'customer' THEN EXISTS (SELECT FROM usom.customer x WHERE x.org_id = NEW.org_id AND x.code = g.code)
		WHEN 'product' THEN EXISTS (SELECT FROM usom.product x WHERE x.org_id = NEW.org_id AND x.sku = g.code)
		ELSE EXISTS (SELECT FROM usom.order_types() x WHERE x.order_type = g.code)
	END
	ORDER BY g.place, g.code LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'segment % of backorder variant "%" names % "%", which does not exist', NEW.rank, NEW.variant, unknown.entity, unknown.code USING
			ERRCODE = 'US006', DETAIL = 'Codes are looked up when they are written.', HINT = 'Insert the master row first, or correct the code.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_backorder_segment() IS 'Trigger BEFORE a segment of a backorder variant is written: US006 for codes that nobody has.';
REVOKE ALL ON FUNCTION usom._check_backorder_segment() FROM PUBLIC;

CREATE TYPE usom._backorder_change_row AS (
	sales_order_id bigint,
	line_no integer,
	product_id bigint,
	variant text,
	segment_rank integer,
	strategy text,
	quantity_wanted numeric,
	quantity_before numeric,
	quantity_after numeric,
	promised_before timestamptz,
	promised_after timestamptz,
	reason text
);
COMMENT ON TYPE usom._backorder_change_row IS 'What a backorder run does to a line, on its way from C, by unnest().';

CREATE FUNCTION usom.backorder_run(variant text, simulate boolean DEFAULT false)
RETURNS TABLE (run_no text, status text, items integer, items_changed integer, lines_changed integer, orders_changed integer, exceptions integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_backorder_run'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.backorder_run(text, boolean) IS
'Deal scarce stock out again: over all lines that wait for a product, and those that have it reserved or promised, product by product, in one transaction.
variant: code of a row of usom.backorder_variant; its segments (usom.backorder_segment) say which lines are treated how, usom.backorder_sort who comes first within one. simulate: only say what would change.
Strategies, in the order in which they are carried out, whatever the ranks of their segments:
  win: all of the line, on time (by its requested date, or now), or an exception; gain: at least what it has, none of it later, and more if there is, or an exception; improve: as gain, but what it has is set aside before anybody wins, so there is no exception; redistribute: more, the same or less, in sort order; fill: what it has as far as it is left, never more; lose: gives up all it has; skip: left as it is.
Lines of no segment are left as they are; so are orders whose pieces are firm (indent and other types that goods were got for), held orders (change), kits, and what is released or further.
An exception leaves the product as it is and hands it to the fallback of the variant, or, with on_exception stop_run, leaves everything as it is; it is on the list in usom.exceptions either way.
Returns the number of the run, done or stopped, the products looked at and changed, lines and orders changed, and exceptions. Each line has its row in usom.backorder_changes, with the reason, and, unless simulated, an event. A second run changes nothing. Orders that do not change are not locked for good, and products that do not change not at all.
Errors: US006 unknown variant, 22004 if it is null.
Example: SELECT * FROM usom.backorder_run(''morning'', simulate => true);';

CREATE FUNCTION usom.expedite_order(order_no text, reason text, priority integer DEFAULT 1)
RETURNS TABLE (run_no text, priority integer, quantity_gained numeric, quantity_waiting numeric, orders_changed integer, rule text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_expedite_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.expedite_order(text, text, integer) IS
'Serve an order before others: it becomes more urgent, and units that it waits for are taken from what is free, and then from orders that are less urgent than it is now. Of those the last by usom.fill_priority lose first, and only what is reserved: never what is released, picked or firm, nor of orders that are held. They wait again, with the promise that there is, and are told so.
order_no: of a confirmed order. reason: why, for its history and the audit. priority: the order''s from now on; one that is more urgent already stays so.
It is a backorder run: its number is returned, and usom.backorder_runs and usom.backorder_changes have it under the variant expedite, line by line with what each had and has. Also returned: the priority; units gained and still waiting; how many orders changed; the rule that decided who lost.
Errors: US105 unknown order, US101 not confirmed yet or shipped, 22004 no reason, 22023 priority not from 0 to 1000.
Example: SELECT * FROM usom.expedite_order(''SO-000017'', ''line is down at their plant'');';
