CREATE TYPE usom._quota_demand AS (
	ordinal integer,
	sales_order_id bigint,
	line_no integer,
	product_id bigint
);
COMMENT ON TYPE usom._quota_demand IS 'A product that an order wants, on its way from C, by unnest().';

CREATE TYPE usom._quota_loss AS (
	sales_order_id bigint,
	line_no integer,
	lost numeric,
	kept numeric,
	live numeric
);
COMMENT ON TYPE usom._quota_loss IS 'A line that has fewer units than before, on its way from C, by unnest().';

CREATE TYPE usom._quota_change AS (
	sales_order_id bigint,
	line_no integer,
	quota_id bigint,
	lender_id bigint,
	starts_at timestamptz,
	units numeric
);
COMMENT ON TYPE usom._quota_change IS 'Units that a line has more, or with a minus less, under a quota, on their way from C to quota_use, by unnest().';

CREATE FUNCTION usom._check_quota() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown record;
	lender record;
BEGIN
	SELECT g.entity, g.code INTO unknown
	FROM (VALUES ('product', NEW.sku, 1), ('channel', NEW.channel, 2), ('customer', NEW.customer, 3)) g (entity, code, place)
	WHERE g.code IS NOT NULL AND NOT CASE g.entity
		WHEN 'product' THEN EXISTS (SELECT FROM usom.product x WHERE x.org_id = NEW.org_id AND x.sku = g.code)
		WHEN 'channel' THEN EXISTS (SELECT FROM usom.channel x WHERE x.org_id = NEW.org_id AND x.code = g.code)
		ELSE EXISTS (SELECT FROM usom.customer x WHERE x.org_id = NEW.org_id AND x.code = g.code)
	END
	ORDER BY g.place LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'quota "%" names % "%", which does not exist', NEW.code, unknown.entity, unknown.code USING
			ERRCODE = 'US006', DETAIL = 'Codes in quotas are looked up when they are written.',
			HINT = format('INSERT INTO usom.%I first, or correct the code.', unknown.entity);
	END IF;
	IF NOT EXISTS (SELECT FROM pg_timezone_names z WHERE z.name = NEW.time_zone) THEN
		RAISE EXCEPTION 'quota "%" has an unknown time zone "%"', NEW.code, NEW.time_zone USING
			ERRCODE = 'US301', HINT = 'Take a name of pg_timezone_names.';
	END IF;
	SELECT n.code, b.quota_id, b.sku, b.meaning INTO lender
	FROM unnest(NEW.borrows_from) n (code)
	LEFT JOIN usom.quota b ON b.org_id = NEW.org_id AND b.code = n.code AND b.quota_id <> NEW.quota_id
	WHERE b.quota_id IS NULL OR b.meaning <> NEW.meaning OR NEW.meaning = 'protection' AND b.sku IS DISTINCT FROM NEW.sku
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'quota "%" cannot borrow from "%"', NEW.code, lender.code USING
			ERRCODE = 'US207', DETAIL = CASE WHEN lender.quota_id IS NULL THEN 'There is no other quota with this code.'
				WHEN lender.meaning <> NEW.meaning THEN format('It is a %s, this is a %s.', lender.meaning, NEW.meaning)
				ELSE format('It protects "%s", this one "%s".', lender.sku, NEW.sku) END,
			HINT = 'Ceilings borrow from ceilings, protections from protections of the same product.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_quota() IS 'Trigger BEFORE a quota is written: US006 for codes that nobody has, US301 for an unknown time zone, US207 for a lender that cannot lend.';
REVOKE ALL ON FUNCTION usom._check_quota() FROM PUBLIC;

CREATE FUNCTION usom._check_pre_order() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM usom.product x WHERE x.org_id = NEW.org_id AND x.sku = NEW.sku AND x.kind = 'physical') THEN
		RAISE EXCEPTION 'a pre-order offer names product "%", which is not stocked', NEW.sku USING
			ERRCODE = 'US006', HINT = 'INSERT INTO usom.product first, or correct the code.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_pre_order() IS 'Trigger BEFORE a pre-order offer is written: US006 for a product that there is not, or that is never in stock.';
REVOKE ALL ON FUNCTION usom._check_pre_order() FROM PUBLIC;

CREATE FUNCTION usom.verify_quota() RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH taken AS (
		SELECT u.lender_id AS quota_id, u.starts_at, sum(u.units) AS units
		FROM usom.quota_use u WHERE u.org_id = usom.current_org()
		GROUP BY u.lender_id, u.starts_at
	), line_use AS (
		SELECT u.quota_id, u.sales_order_id, u.line_no, sum(u.units) AS units
		FROM usom.quota_use u WHERE u.org_id = usom.current_org()
		GROUP BY u.quota_id, u.sales_order_id, u.line_no
	), finding AS (
		SELECT quota_id, format('from %s', starts_at) AS period, 'used is not the sum of what lines use' AS problem,
			coalesce(trim_scale(t.units), 0)::text AS expected, coalesce(trim_scale(d.used), 0)::text AS actual
		FROM (SELECT * FROM usom.quota_load d WHERE d.org_id = usom.current_org()) d
			FULL JOIN taken t USING (quota_id, starts_at)
		WHERE coalesce(t.units, 0) <> coalesce(d.used, 0)
		UNION ALL
		SELECT u.quota_id, format('line %s of order %s', u.line_no, coalesce(o.order_no, '#' || u.sales_order_id)), 'a line uses more units than it has',
			format('at most %s', coalesce(trim_scale(l.quantity - l.quantity_open - l.quantity_backordered - l.quantity_cancelled), 0)), trim_scale(u.units)::text
		FROM line_use u
			LEFT JOIN usom.order_line l ON l.org_id = usom.current_org() AND l.sales_order_id = u.sales_order_id AND l.line_no = u.line_no
			LEFT JOIN usom.sales_order o ON o.org_id = usom.current_org() AND o.sales_order_id = u.sales_order_id
		WHERE u.units > CASE WHEN EXISTS (SELECT FROM usom.pre_order_offer f WHERE f.org_id = usom.current_org() AND f.pre_order_offer_id = u.quota_id)
			THEN coalesce(l.quantity - l.quantity_cancelled, 0)
			ELSE coalesce(l.quantity - l.quantity_open - l.quantity_backordered - l.quantity_cancelled, 0) END
		UNION ALL
		SELECT u.quota_id, format('period from %s', u.starts_at), 'units are used of an unknown quota', 'a row of quota', '#' || u.quota_id
		FROM usom.quota_use u
		WHERE u.org_id = usom.current_org()
			AND NOT EXISTS (SELECT FROM usom.quota q WHERE q.org_id = u.org_id AND q.quota_id = u.quota_id)
			AND NOT EXISTS (SELECT FROM usom.pre_order_offer f WHERE f.org_id = u.org_id AND f.pre_order_offer_id = u.quota_id)
	)
	SELECT 'quota', format('%s, %s', coalesce(q.code, 'pre-orders of ' || p.sku, 'quota ' || f.quota_id), f.period), f.problem, f.expected, f.actual
	FROM finding f
	LEFT JOIN usom.pre_order_offer p ON p.org_id = usom.current_org() AND p.pre_order_offer_id = f.quota_id
	LEFT JOIN usom.quota q ON q.org_id = usom.current_org() AND q.quota_id = f.quota_id;
END
$$;
COMMENT ON FUNCTION usom.verify_quota() IS 'What is used of quotas and sold of pre-order offers, recomputed from what each line uses, and lines that use more than the units they have. That more is used than a quota allows is no finding: it may have been lowered. One row a finding, none when all is well. Example: SELECT * FROM usom.verify_quota();';
