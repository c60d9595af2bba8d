CREATE FUNCTION usom._check_hold_rule() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown record;
	circle text[];
BEGIN
	SELECT g.entity, g.code INTO unknown
	FROM (VALUES ('channel', NEW.channel, 1), ('customer', NEW.customer, 2)) g (entity, code, place)
	WHERE g.code IS NOT NULL AND NOT CASE g.entity
		WHEN 'channel' THEN EXISTS (SELECT FROM usom.channel x WHERE x.org_id = NEW.org_id AND x.code = g.code)
		ELSE EXISTS (SELECT FROM usom.customer x WHERE x.org_id = NEW.org_id AND x.code = g.code)
	END
	ORDER BY g.place LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'hold rule "%" names % "%", which does not exist', NEW.code, unknown.entity, unknown.code USING
			ERRCODE = 'US006', DETAIL = 'Codes in rules are looked up when they are written.',
			HINT = format('INSERT INTO usom.%I first, or correct the code.', unknown.entity);
	END IF;
	IF NEW.when_held IS NULL OR NOT NEW.active THEN
		RETURN NEW;
	END IF;
	-- Two rules that are written at once may close a circle together.
	PERFORM pg_advisory_xact_lock(hashtextextended('usom.hold_rule', NEW.org_id));
	WITH RECURSIVE raised (hold_type, chain) AS (
		SELECT NEW.hold_type, ARRAY[NEW.when_held, NEW.hold_type]
		UNION ALL
		SELECT r.hold_type, raised.chain || r.hold_type
		FROM raised JOIN usom.hold_rule r ON r.org_id = NEW.org_id AND r.hold_rule_id <> NEW.hold_rule_id AND r.active AND r.when_held = raised.hold_type
		WHERE raised.hold_type <> NEW.when_held AND NOT r.hold_type = ANY (raised.chain[2:])
	)
	SELECT chain INTO circle FROM raised WHERE hold_type = NEW.when_held ORDER BY cardinality(chain), chain LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'hold rule "%" would raise holds in a circle', NEW.code USING
			ERRCODE = 'US121', DETAIL = format('The circle is %s.', array_to_string(circle, ' -> ')),
			HINT = 'Let one of the rules place a hold of another type, or set active to false.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_hold_rule() IS 'Trigger BEFORE a hold rule is written: US006 for codes that nobody has, US121 for rules that raise each other in a circle.';
REVOKE ALL ON FUNCTION usom._check_hold_rule() FROM PUBLIC;
