-- What price rules are checked with when they are written.

CREATE TYPE usom._text_range AS RANGE (subtype = text, collation = "C");
COMMENT ON TYPE usom._text_range IS 'Ranges of texts: a range of one text can be compared in an EXCLUDE constraint without another extension.';

COMMENT ON FUNCTION usom._text_range(text, text) IS 'Makes a range of texts.';
COMMENT ON FUNCTION usom._text_range(text, text, text) IS 'Makes a range of texts with the bounds that the third says.';
COMMENT ON TYPE usom._text_multirange IS 'Comes with usom._text_range.';
COMMENT ON FUNCTION usom._text_multirange() IS 'Comes with usom._text_range.';
COMMENT ON FUNCTION usom._text_multirange(usom._text_range) IS 'Comes with usom._text_range.';
COMMENT ON FUNCTION usom._text_multirange(usom._text_range[]) IS 'Comes with usom._text_range.';

CREATE FUNCTION usom._rule_range(org_id bigint, sku text, category text, owner text, segment text, currency text, minimum numeric) RETURNS usom._text_range
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT usom._text_range(k.key, k.key, '[]')
	FROM (SELECT jsonb_build_array(org_id, sku, category, owner, segment, currency, trim_scale(minimum))::text) AS k (key)
$$;
COMMENT ON FUNCTION usom._rule_range(bigint, text, text, text, text, text, numeric) IS 'What two price rules are about, as one value: equal if they would stand in each other''s way at the same time. Constraints of price, price_contract and price_break.';
REVOKE ALL ON FUNCTION usom._rule_range(bigint, text, text, text, text, text, numeric) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._rule_range(bigint, text, text, text, text, text, numeric) TO PUBLIC;

CREATE FUNCTION usom._refuse_price_codes(what text, org bigint, sku text, customer text, channel text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown record;
BEGIN
	SELECT g.entity, g.code INTO unknown
	FROM (VALUES ('product', sku, 1), ('channel', channel, 2), ('customer', customer, 3)) g (entity, code, place)
	WHERE g.code IS NOT NULL AND NOT CASE g.entity
		WHEN 'product' THEN EXISTS (SELECT FROM usom.product x WHERE x.org_id = org AND x.sku = g.code)
		WHEN 'channel' THEN EXISTS (SELECT FROM usom.channel x WHERE x.org_id = org AND x.code = g.code)
		ELSE EXISTS (SELECT FROM usom.customer x WHERE x.org_id = org AND x.code = g.code)
	END
	ORDER BY g.place LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION '% names % "%", which does not exist', what, unknown.entity, unknown.code USING
			ERRCODE = 'US006', DETAIL = 'Codes in price rules are looked up when they are written.',
			HINT = format('INSERT INTO usom.%I first, or correct the code.', unknown.entity);
	END IF;
END
$$;
COMMENT ON FUNCTION usom._refuse_price_codes(text, bigint, text, text, text) IS 'US006 if one of the codes that a price rule names does not exist.';
REVOKE ALL ON FUNCTION usom._refuse_price_codes(text, bigint, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._refuse_price_codes(text, bigint, text, text, text) TO PUBLIC;

CREATE FUNCTION usom._refuse_overlap(what text, mine tstzrange, other tstzrange) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	IF other IS NOT NULL THEN
		RAISE EXCEPTION '% would be valid together with another one', what USING
			ERRCODE = 'US402', DETAIL = format('The other one is valid in %s, this one in %s.', other, mine),
			HINT = 'Let one end before the other begins: set valid_to of the earlier one first.';
	END IF;
END
$$;
COMMENT ON FUNCTION usom._refuse_overlap(text, tstzrange, tstzrange) IS 'US402 if there is another rule for the same at the same time. Constraints of the tables refuse those that come at the same moment.';
REVOKE ALL ON FUNCTION usom._refuse_overlap(text, tstzrange, tstzrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._refuse_overlap(text, tstzrange, tstzrange) TO PUBLIC;

CREATE FUNCTION usom._refuse_no_time(what text, valid_from timestamptz, valid_to timestamptz) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	IF valid_to <= valid_from THEN
		RAISE EXCEPTION '% is never valid', what USING
			ERRCODE = 'US403', DETAIL = format('It would end at %s and begin at %s.', valid_to, valid_from),
			HINT = 'Let valid_to be later than valid_from, or null.';
	END IF;
END
$$;
COMMENT ON FUNCTION usom._refuse_no_time(text, timestamptz, timestamptz) IS 'US403 if a price rule ends before it begins.';
REVOKE ALL ON FUNCTION usom._refuse_no_time(text, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._refuse_no_time(text, timestamptz, timestamptz) TO PUBLIC;

CREATE FUNCTION usom._check_price() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	what text := format('the price of "%s"', NEW.sku);
BEGIN
	IF NEW.unit <> '' THEN
		PERFORM usom._unit_of(NEW.org_id, NEW.sku, NEW.unit);
	END IF;
	PERFORM usom._refuse_no_time(what, NEW.valid_from, NEW.valid_to);
	IF NEW.valid_to IS NOT NULL THEN
		PERFORM usom._refuse_overlap(what, tstzrange(NEW.valid_from, NEW.valid_to), (
			SELECT tstzrange(x.valid_from, x.valid_to) FROM usom.price x
			WHERE x.org_id = NEW.org_id AND x.sku = NEW.sku AND x.unit = NEW.unit AND x.currency = NEW.currency AND x.price_id <> NEW.price_id
				AND x.valid_to IS NOT NULL AND x.valid_from < NEW.valid_to AND x.valid_to > NEW.valid_from
			ORDER BY x.valid_from LIMIT 1));
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_price() IS 'Trigger BEFORE a list price is written: US221 for a unit that the product has not, US402 if one with an end overlaps another, US403 for what can never be valid.';
REVOKE ALL ON FUNCTION usom._check_price() FROM PUBLIC;

CREATE FUNCTION usom._check_price_contract() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	what text := format('the contract of %s about %s', coalesce('customer "' || NEW.customer || '"', 'segment "' || NEW.segment || '"'),
		coalesce('"' || NEW.sku || '"', 'category "' || NEW.category || '"'));
BEGIN
	PERFORM usom._refuse_price_codes(what, NEW.org_id, NEW.sku, NEW.customer, NULL);
	PERFORM usom._refuse_no_time(what, NEW.valid_from, NEW.valid_to);
	PERFORM usom._refuse_overlap(what, tstzrange(NEW.valid_from, NEW.valid_to), (
		SELECT tstzrange(x.valid_from, x.valid_to) FROM usom.price_contract x
		WHERE x.org_id = NEW.org_id AND (x.customer = NEW.customer OR x.segment = NEW.segment)
			AND (x.sku = NEW.sku OR x.category = NEW.category) AND x.currency IS NOT DISTINCT FROM NEW.currency
			AND x.price_contract_id <> NEW.price_contract_id
			AND tstzrange(x.valid_from, x.valid_to) && tstzrange(NEW.valid_from, NEW.valid_to)
		ORDER BY x.valid_from LIMIT 1));
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_price_contract() IS 'Trigger BEFORE a contract is written: US006 for codes that nobody has, US402 if another one is about the same at the same time, US403 for what can never be valid.';
REVOKE ALL ON FUNCTION usom._check_price_contract() FROM PUBLIC;

CREATE FUNCTION usom._check_price_break() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	what text := format('the break of %s from %s on', coalesce('"' || NEW.sku || '"', 'category "' || NEW.category || '"', 'all products'),
		trim_scale(coalesce(NEW.min_quantity, NEW.min_value)));
BEGIN
	PERFORM usom._refuse_price_codes(what, NEW.org_id, NEW.sku, NULL, NULL);
	PERFORM usom._refuse_no_time(what, NEW.valid_from, NEW.valid_to);
	PERFORM usom._refuse_overlap(what, tstzrange(NEW.valid_from, NEW.valid_to), (
		SELECT tstzrange(x.valid_from, x.valid_to) FROM usom.price_break x
		WHERE x.org_id = NEW.org_id AND x.level = NEW.level AND x.sku IS NOT DISTINCT FROM NEW.sku AND x.category IS NOT DISTINCT FROM NEW.category
			AND coalesce(x.min_quantity, x.min_value) = coalesce(NEW.min_quantity, NEW.min_value) AND x.currency IS NOT DISTINCT FROM NEW.currency
			AND x.price_break_id <> NEW.price_break_id
			AND tstzrange(x.valid_from, x.valid_to) && tstzrange(NEW.valid_from, NEW.valid_to)
		ORDER BY x.valid_from LIMIT 1));
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_price_break() IS 'Trigger BEFORE a break is written: US006 for a product that there is not, US402 if another one is about the same at the same time, US403 for what can never be valid.';
REVOKE ALL ON FUNCTION usom._check_price_break() FROM PUBLIC;

CREATE FUNCTION usom._check_promotion() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	what text := format('promotion "%s"', NEW.code);
BEGIN
	PERFORM usom._refuse_price_codes(what, NEW.org_id, s.sku, NULL, NEW.channel)
	FROM (SELECT NULL::text UNION ALL SELECT n.sku FROM unnest(NEW.skus) n (sku)) s (sku);
	PERFORM usom._refuse_no_time(what, NEW.valid_from, NEW.valid_to);
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_promotion() IS 'Trigger BEFORE a promotion is written: US006 for codes that nobody has, US403 for what can never be valid.';
REVOKE ALL ON FUNCTION usom._check_promotion() FROM PUBLIC;

CREATE FUNCTION usom._check_coupon() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	what text := format('coupon "%s"', NEW.code);
BEGIN
	IF TG_OP = 'INSERT' AND NEW.redeemed <> 0 THEN
		RAISE EXCEPTION 'redeemed of a coupon is not written by hand' USING
			ERRCODE = 'US004', DETAIL = format('It would begin at %s.', NEW.redeemed), HINT = 'Leave it out: usom counts it in usom.place_order().';
	END IF;
	IF TG_OP = 'INSERT' OR NEW.promotion IS DISTINCT FROM OLD.promotion THEN
		IF NOT EXISTS (SELECT FROM usom.promotion x WHERE x.org_id = NEW.org_id AND x.code = NEW.promotion) THEN
			RAISE EXCEPTION '% names promotion "%", which does not exist', what, NEW.promotion USING
				ERRCODE = 'US006', DETAIL = 'Codes in price rules are looked up when they are written.',
				HINT = 'INSERT INTO usom.promotion first, or correct the code.';
		END IF;
	END IF;
	PERFORM usom._refuse_no_time(what, NEW.valid_from, NEW.valid_to);
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_coupon() IS 'Trigger BEFORE a coupon is written: US006 for a promotion that there is not, US403 for what can never be valid, US004 for a count by hand.';
REVOKE ALL ON FUNCTION usom._check_coupon() FROM PUBLIC;
