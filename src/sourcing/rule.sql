CREATE TYPE usom._rule_case AS (
	ordinal integer,
	channel text,
	customer text,
	country text,
	order_type text,
	sku text,
	category text
);
COMMENT ON TYPE usom._rule_case IS 'A line with what sourcing rules ask of it and its order, for usom._matching_rule().';

CREATE FUNCTION usom._matching_rule(cases usom._rule_case[])
RETURNS TABLE (ordinal integer, sourcing_rule_id bigint, place integer)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT c.ordinal, r.sourcing_rule_id, row_number() OVER (PARTITION BY c.ordinal ORDER BY r.priority, r.code COLLATE "C")::integer
	FROM unnest(cases) c
	JOIN usom.sourcing_rule r ON r.org_id = usom.current_org() AND r.active
		AND (r.channels IS NULL OR c.channel = ANY (r.channels))
		AND (r.customers IS NULL OR c.customer = ANY (r.customers))
		AND (r.countries IS NULL OR c.country = ANY (r.countries))
		AND (r.order_types IS NULL OR c.order_type = ANY (r.order_types))
		AND (r.skus IS NULL OR c.sku = ANY (r.skus))
		AND (r.categories IS NULL OR c.category = ANY (r.categories))
$$;
COMMENT ON FUNCTION usom._matching_rule(usom._rule_case[]) IS 'All active sourcing rules whose filters a line passes, in the order in which they are asked: place 1 is the one that holds. A filter on what the line lacks is not passed. The twin of what place_order does in C, see usom._passed_rules().';
REVOKE ALL ON FUNCTION usom._matching_rule(usom._rule_case[]) FROM PUBLIC;

CREATE FUNCTION usom._passed_rules(cases usom._rule_case[])
RETURNS TABLE (ordinal integer, sourcing_rule_id bigint, place integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__passed_rules'
VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._passed_rules(usom._rule_case[]) IS 'The same as usom._matching_rule(), as place_order finds it out: in C, over rules that the backend remembers. For tests. Raises 22004 for null elements.';
REVOKE ALL ON FUNCTION usom._passed_rules(usom._rule_case[]) FROM PUBLIC;

-- Runs with the rights of who writes, who may read all that a rule names.
-- Cycles are looked for by one writer of the organisation at a time.  At
-- REPEATABLE READ two may still make one between them, so whoever follows a
-- chain stops at a rule that it has met.
CREATE FUNCTION usom._check_sourcing_rule() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown record;
	twice text[] := ARRAY(SELECT unnest(NEW.locations) INTERSECT SELECT unnest(NEW.excluded_locations) ORDER BY 1);
	chain text[] := ARRAY[NEW.code];
	next text := NEW.next_rule;
BEGIN
	-- US110 for a type that there is not.
	PERFORM NEW.order_types::usom.order_type[];
	SELECT g.entity, g.code INTO unknown
	FROM (
		SELECT 'channel', unnest(NEW.channels), 1
		UNION ALL SELECT 'customer', unnest(NEW.customers), 2
		UNION ALL SELECT 'product', unnest(NEW.skus), 3
		UNION ALL SELECT 'location', unnest(NEW.locations), 4
		UNION ALL SELECT 'location', unnest(NEW.excluded_locations), 5
		UNION ALL SELECT 'service_level', NEW.service_level, 6
		UNION ALL SELECT 'sourcing_rule', NEW.next_rule, 7 WHERE NEW.next_rule <> NEW.code
	) g (entity, code, place)
	WHERE g.code IS NOT NULL AND NOT CASE g.entity
		WHEN 'channel' THEN EXISTS (SELECT FROM usom.channel x WHERE x.org_id = NEW.org_id AND x.code = g.code)
		WHEN 'customer' THEN EXISTS (SELECT FROM usom.customer x WHERE x.org_id = NEW.org_id AND x.code = g.code)
		WHEN 'product' THEN EXISTS (SELECT FROM usom.product x WHERE x.org_id = NEW.org_id AND x.sku = g.code)
		WHEN 'location' THEN EXISTS (SELECT FROM usom.location x WHERE x.org_id = NEW.org_id AND x.code = g.code)
		WHEN 'service_level' THEN EXISTS (SELECT FROM usom.service_level x WHERE x.org_id = NEW.org_id AND x.code = g.code)
		ELSE EXISTS (SELECT FROM usom.sourcing_rule x WHERE x.org_id = NEW.org_id AND x.code = g.code)
	END
	ORDER BY g.place, g.code LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'sourcing rule "%" names % "%", which does not exist', NEW.code, replace(unknown.entity, '_', ' '), unknown.code USING
			ERRCODE = 'US006', DETAIL = 'Codes in rules are looked up when they are written.',
			HINT = format('INSERT INTO usom.%I first, or correct the code.', unknown.entity);
	END IF;
	IF twice <> '{}' THEN
		RAISE EXCEPTION 'sourcing rule "%" both asks for and excludes locations', NEW.code USING
			ERRCODE = 'US302', DETAIL = format('In both lists: %s.', array_to_string(twice, ', ')), HINT = 'Take them out of one of the two.';
	END IF;
	IF next IS NOT NULL THEN
		PERFORM pg_advisory_xact_lock(hashtextextended('usom.sourcing_rule', NEW.org_id));
	END IF;
	WHILE next IS NOT NULL LOOP
		IF next = ANY (chain) THEN
			RAISE EXCEPTION 'sourcing rule "%" would be tried again and again', NEW.code USING
				ERRCODE = 'US302', DETAIL = format('The chain is %s.', array_to_string(chain || next, ' -> ')), HINT = 'Let one of them backorder what is short.';
		END IF;
		chain := chain || next;
		SELECT r.next_rule INTO next FROM usom.sourcing_rule r WHERE r.org_id = NEW.org_id AND r.code = next;
	END LOOP;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_sourcing_rule() IS 'Trigger BEFORE a sourcing rule is written: US006 for codes that nobody has, US110 for types of orders that there are not, US302 for a chain of rules that comes back to itself, or locations both asked for and excluded.';
REVOKE ALL ON FUNCTION usom._check_sourcing_rule() FROM PUBLIC;
