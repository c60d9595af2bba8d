-- The price waterfall (src/pricing/waterfall.c, promotion.c, src/api/price*.c)
-- against one read from its words: random rules, orders placed for real; unit
-- price, discount and total of every line must agree.
SELECT setseed((:seed % 997) / 1000.0) IS NULL AS seeded \gset
INSERT INTO usom.product (sku, category) VALUES ('W1', 'a'), ('W2', 'a'), ('W3', 'b'), ('W4', 'b'), ('W5', NULL);
INSERT INTO usom.customer (code, segment) VALUES ('K1', 'gold'), ('K2', 'gold'), ('K3', NULL);
INSERT INTO usom.channel (code, pricing) VALUES ('listed', 'list');

CREATE TEMP TABLE work (n integer, sku text, category text, q numeric, units numeric, document numeric, price numeric, net boolean DEFAULT false,
	goods numeric, taken numeric DEFAULT 0, promotions integer DEFAULT 0, closed boolean DEFAULT false, broken boolean DEFAULT false, groups text[] DEFAULT '{}');
CREATE TEMP TABLE before (n integer, taken numeric, goods numeric, q numeric);

CREATE FUNCTION twin.money(digits integer) RETURNS numeric LANGUAGE sql VOLATILE AS $$
	SELECT round(twin.pick(1, 300000)::numeric / 1000, digits)
$$;
CREATE FUNCTION twin.maybe(value anyelement, percent integer DEFAULT 50) RETURNS anyelement LANGUAGE sql VOLATILE AS $$
	SELECT CASE WHEN twin.pick(1, 100) <= percent THEN value END
$$;

-- Rules of one round; those that would overlap are left out.
CREATE FUNCTION twin.make_rules(round integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	sku text;
	category text;
	currency text;
	by_price boolean;
BEGIN
	DELETE FROM usom.price;
	DELETE FROM usom.price_contract;
	DELETE FROM usom.price_break;
	UPDATE usom.promotion SET active = false;
	INSERT INTO usom.price (sku, currency, unit_price) SELECT p.sku, c, twin.money(twin.pick(0, 4)::integer)
		FROM usom.product p, unnest(ARRAY['EUR', 'JPY', 'BHD']) c WHERE p.sku LIKE 'W%' AND twin.pick(1, 10) > 1;
	FOR n IN 1 .. 6 LOOP
		sku := twin.pick('W1', 'W2', 'W3', 'W4', 'W5');
		category := twin.pick('a', 'b');
		currency := twin.pick('EUR', 'JPY', 'BHD');
		by_price := twin.pick(1, 2) = 1;
		BEGIN
			INSERT INTO usom.price_contract (customer, segment, sku, category, currency, unit_price, percent, discountable)
			SELECT w.customer, CASE WHEN w.customer IS NULL THEN 'gold' END, CASE WHEN by_price OR w.of_sku THEN sku END,
				CASE WHEN NOT (by_price OR w.of_sku) THEN category END, CASE WHEN by_price OR w.one THEN currency END,
				CASE WHEN by_price THEN twin.money(2) END, CASE WHEN NOT by_price THEN twin.pick(1, 1000000) / 10000.0 END, twin.pick(1, 3) > 1
			FROM (SELECT twin.maybe(twin.pick('K1', 'K2', 'K3')) AS customer, twin.pick(1, 2) = 1 AS of_sku, twin.pick(1, 2) = 1 AS one) w;
		EXCEPTION WHEN SQLSTATE 'US402' THEN
			NULL;
		END;
		BEGIN
			INSERT INTO usom.price_break (sku, category, min_quantity, currency, unit_price, percent)
			SELECT CASE WHEN by_price OR w.scope = 1 THEN sku END, CASE WHEN NOT by_price AND w.scope = 2 THEN category END, twin.pick(2, 8),
				CASE WHEN by_price OR w.one THEN currency END, CASE WHEN by_price THEN twin.money(2) END, CASE WHEN NOT by_price THEN twin.pick(1, 500000) / 10000.0 END
			FROM (SELECT twin.pick(1, 3) AS scope, twin.pick(1, 2) = 1 AS one) w;
		EXCEPTION WHEN SQLSTATE 'US402' THEN
			NULL;
		END;
		CONTINUE WHEN n > 3;
		BEGIN
			INSERT INTO usom.price_break (level, sku, category, min_value, currency, percent)
			SELECT 'order', CASE WHEN w.scope = 1 THEN sku END, CASE WHEN w.scope = 2 THEN category END, twin.pick(1, 900), currency, twin.pick(1, 500000) / 10000.0
			FROM (SELECT twin.pick(1, 3) AS scope) w;
		EXCEPTION WHEN SQLSTATE 'US402' THEN
			NULL;
		END;
		INSERT INTO usom.promotion (code, level, segment, channel, skus, category, min_quantity, max_quantity, min_value, currency, percent, amount, unit_price,
			priority, stacks, exclusion_group, needs_coupon, valid_from, valid_to)
		SELECT format('P%s-%s-%s', round, n, k), w.level, twin.maybe('gold'::text, 20), twin.maybe('listed'::text, 10), twin.maybe(ARRAY[sku, 'W1'], 30),
			twin.maybe(category, 30), twin.maybe(twin.pick(1, 3), 30), twin.maybe(twin.pick(4, 9), 30), twin.maybe(twin.pick(1, 500)::numeric, 20), currency,
			CASE w.what WHEN 1 THEN twin.pick(1, 1000000) / 10000.0 END, CASE w.what WHEN 2 THEN twin.money(2) END, CASE w.what WHEN 3 THEN twin.money(2) END,
			twin.pick(1, 3), twin.pick(1, 4) > 1, twin.maybe(twin.pick('x', 'y'), 40), k = 2,
			CASE WHEN twin.pick(1, 8) = 1 THEN timestamptz '2026-06-02' ELSE '-infinity' END, CASE WHEN twin.pick(1, 8) = 1 THEN timestamptz '2026-06-03' WHEN twin.pick(1, 8) = 1 AND k < 3 THEN timestamptz '2026-07-01' END
		FROM generate_series(1, 2) k, LATERAL (SELECT l.level, CASE WHEN l.level = 'order' THEN twin.pick(1, 2) ELSE twin.pick(1, 3) END AS what
			FROM (SELECT twin.pick('line', 'order') AS level, k) l) w;
		INSERT INTO usom.coupon (code, promotion) VALUES (format('C%s-%s', round, n), format('P%s-%s-2', round, n));
	END LOOP;
END
$$;

CREATE FUNCTION twin.order_document(round integer) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object('placed_at', '2026-06-01T12:00:00Z', 'currency', twin.pick('EUR', 'EUR', 'JPY', 'BHD'), 'channel', twin.pick('web', 'web', 'listed'),
		'customer', twin.maybe(twin.pick('K1', 'K2', 'K3'), 75), 'coupons', CASE WHEN twin.pick(1, 4) = 1 THEN jsonb_build_array(format('C%s-%s', round, twin.pick(1, 3))) END,
		'lines', (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('sku', twin.pick('W1', 'W2', 'W3', 'W4', 'W5'), 'quantity', CASE twin.pick(1, 5) WHEN 1 THEN twin.pick(1, 9000) / 1000.0 ELSE twin.pick(1, 9) END,
			'unit_price', twin.maybe(twin.money(3), 20)))) FROM generate_series(1, twin.pick(1, 6)))))
$$;

-- By the words of src/pricing/waterfall.h.  Null: a coupon takes nothing off.
CREATE FUNCTION twin.price(document jsonb) RETURNS TABLE (line_no integer, unit_price numeric, discount numeric, total numeric) LANGUAGE plpgsql AS $$
DECLARE
	money text := document ->> 'currency';
	digits integer := CASE document ->> 'currency' WHEN 'JPY' THEN 0 WHEN 'BHD' THEN 3 ELSE 2 END;
	listed boolean := document ->> 'channel' = 'listed';
	at timestamptz := document ->> 'placed_at';
	buyer text := document ->> 'customer';
	changed boolean := false;
	took boolean;
	basket numeric;
	value numeric;
	off numeric;
	a record;
	b record;
	l record;
	s record;
BEGIN
	DELETE FROM work;
	INSERT INTO work (n, sku, category, q, units, document)
	SELECT x.n, x.e ->> 'sku', p.category, (x.e ->> 'quantity')::numeric, sum((x.e ->> 'quantity')::numeric) OVER (PARTITION BY x.e ->> 'sku'), (x.e ->> 'unit_price')::numeric
	FROM jsonb_array_elements(document -> 'lines') WITH ORDINALITY x (e, n) JOIN usom.product p ON p.sku = x.e ->> 'sku';
	FOR l IN SELECT * FROM work ORDER BY n LOOP
		SELECT c.* INTO a FROM usom.price_contract c WHERE (c.customer = buyer OR c.segment = (SELECT u.segment FROM usom.customer u WHERE u.code = buyer))
			AND (c.sku = l.sku OR c.category = l.category) AND coalesce(c.currency = money, true) ORDER BY c.customer IS NULL, c.sku IS NULL, c.currency IS NULL LIMIT 1;
		SELECT x.unit_price AS list INTO b FROM usom.price x WHERE x.sku = l.sku AND x.currency = money;
		IF l.document IS NOT NULL AND NOT (listed AND (b.list IS NOT NULL OR a.unit_price IS NOT NULL)) THEN
			UPDATE work SET price = l.document WHERE n = l.n;
			CONTINUE;
		END IF;
		off := coalesce(a.unit_price, round(b.list * (100 - a.percent) / 100, greatest(digits, scale(trim_scale(b.list)))), b.list);
		changed := changed OR off IS DISTINCT FROM b.list;
		UPDATE work SET price = off, document = NULL, net = NOT coalesce(a.discountable, true) WHERE n = l.n;
		CONTINUE WHEN off IS NULL OR NOT coalesce(a.discountable, true);
		SELECT c.unit_price, c.percent INTO s FROM usom.price_break c WHERE c.level = 'line' AND (c.sku = l.sku OR c.category = l.category OR c.sku IS NULL AND c.category IS NULL)
			AND c.min_quantity <= l.units AND coalesce(c.currency = money, true) ORDER BY c.sku IS NULL, c.category IS NULL, c.min_quantity DESC, c.currency IS NULL LIMIT 1;
		value := least(off, coalesce(s.unit_price, round(off * (100 - s.percent) / 100, greatest(digits, scale(trim_scale(off)))), off));
		changed := changed OR value <> off;
		UPDATE work SET price = value WHERE n = l.n;
	END LOOP;
	UPDATE work SET price = coalesce(price, 0), goods = round(coalesce(price, 0) * q, digits) WHERE true;
	SELECT sum(goods) INTO basket FROM work;
	FOR b IN SELECT * FROM usom.price_break c WHERE c.level = 'order' AND c.currency = money ORDER BY c.sku IS NULL, c.category IS NULL, c.min_value DESC, c.price_break_id LOOP
		SELECT sum(goods) INTO value FROM work w WHERE (b.sku IS NULL OR w.sku = b.sku) AND (b.category IS NULL OR w.category = b.category);
		CONTINUE WHEN coalesce(value < b.min_value, true);
		PERFORM twin.share(array_agg(w.n), round(sum(goods - taken) * b.percent / 100, digits), digits) FROM work w
			WHERE (b.sku IS NULL OR w.sku = b.sku) AND (b.category IS NULL OR w.category = b.category) AND NOT net AND NOT broken AND goods > taken AND w.document IS NULL;
		UPDATE work w SET broken = true WHERE (b.sku IS NULL OR w.sku = b.sku) AND (b.category IS NULL OR w.category = b.category) AND NOT net AND w.document IS NULL;
	END LOOP;
	FOR a IN SELECT p.*, c.code AS coupon FROM usom.promotion p LEFT JOIN usom.coupon c ON c.promotion = p.code AND document -> 'coupons' ? c.code
		WHERE p.active AND p.valid_from <= at AND coalesce(p.valid_to > at, true) AND (c.code IS NOT NULL OR NOT p.needs_coupon)
			AND coalesce(p.channel = document ->> 'channel', true) AND (p.segment IS NULL OR p.segment = (SELECT u.segment FROM usom.customer u WHERE u.code = buyer))
			AND coalesce(p.currency = money, true) AND coalesce(basket >= p.min_value, true)
		ORDER BY c.code IS NOT NULL, p.level <> 'line', p.priority, p.code COLLATE "C" LOOP
		took := false;
		DELETE FROM before;
		INSERT INTO before SELECT w.n, w.taken, w.goods, w.q FROM work w WHERE NOT net AND goods > taken AND NOT closed AND (a.stacks OR promotions = 0)
			AND NOT coalesce(a.exclusion_group = ANY (groups), false) AND coalesce(units >= a.min_quantity, true) AND coalesce(units <= a.max_quantity, true)
			AND (a.category IS NULL OR w.category = a.category) AND (a.skus IS NULL OR w.sku = ANY (a.skus));
		IF a.level = 'order' THEN
			PERFORM twin.share(array_agg(w.n), least(sum(w.goods - w.taken), coalesce(round(sum(w.goods - w.taken) * a.percent / 100, digits), round(a.amount, digits))), digits) FROM before w;
		ELSE
			UPDATE work w SET taken = w.taken + CASE WHEN a.percent IS NOT NULL THEN round((w.goods - w.taken) * a.percent / 100, digits)
				WHEN a.amount IS NOT NULL THEN least(w.goods - w.taken, round(a.amount * w.q, digits))
				ELSE greatest(w.goods - w.taken - round(a.unit_price * w.q, digits), 0) END
			FROM before v WHERE v.n = w.n;
		END IF;
		UPDATE work w SET promotions = promotions + 1, closed = closed OR NOT a.stacks, groups = groups || a.exclusion_group FROM before v WHERE v.n = w.n AND v.taken <> w.taken;
		GET DIAGNOSTICS value = ROW_COUNT;
		IF a.coupon IS NOT NULL AND value > 0 THEN
			document := document - 'coupons';
		END IF;
	END LOOP;
	IF document ? 'coupons' THEN
		RETURN;
	END IF;
	changed := changed OR EXISTS (SELECT FROM work w WHERE taken > 0);
	RETURN QUERY SELECT w.n, w.price, w.taken, CASE WHEN changed THEN w.goods - w.taken ELSE round(w.price * w.q, 4) END FROM work w ORDER BY 1;
END
$$;

-- Largest remainder over what the lines cost.
CREATE FUNCTION twin.share(members integer[], amount numeric, digits integer) RETURNS void LANGUAGE sql AS $$
	UPDATE work w SET taken = w.taken + r.share FROM (
		SELECT f.n, f.floor + CASE WHEN row_number() OVER (ORDER BY f.rest DESC, f.n) <= (amount - sum(f.floor) OVER ()) * 10 ^ digits THEN 10.0 ^ -digits ELSE 0 END AS share
		FROM (SELECT v.n, trunc(e.exact, digits) AS floor, e.exact - trunc(e.exact, digits) AS rest
			FROM work v, LATERAL (SELECT amount * (v.goods - v.taken) / (SELECT sum(x.goods - x.taken) FROM work x WHERE x.n = ANY (members)) AS exact) e
			WHERE v.n = ANY (members)) f) r
	WHERE r.n = w.n
$$;

CREATE FUNCTION twin.try_round(round integer, orders integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	document jsonb;
	placed text;
	said text;
	tried bigint := 0;
BEGIN
	TRUNCATE work, before;	-- not for each order: all plans would be made anew
	PERFORM twin.make_rules(round);
	FOR n IN 1 .. orders LOOP
		document := twin.order_document(round);
		placed := NULL;
		BEGIN
			placed := (usom.place_order(document)).order_no;
			said := (SELECT string_agg(format('%s:%s:%s:%s', l.line_no, trim_scale(l.unit_price), trim_scale(l.discount), trim_scale(l.total)), ' ' ORDER BY l.line_no)
				FROM usom.order_line l JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.order_no = placed);
		EXCEPTION WHEN SQLSTATE 'US405' OR SQLSTATE 'US407' THEN
			said := NULL;
		END;
		PERFORM twin.compare('prices of orders', document::text, (SELECT string_agg(format('%s:%s:%s:%s', t.line_no, trim_scale(t.unit_price), trim_scale(t.discount), trim_scale(t.total)), ' ' ORDER BY t.line_no) FROM twin.price(document) t), said);
		tried := tried + 1;
	END LOOP;
	RETURN tried;
END
$$;
SET client_min_messages = warning;
SELECT sum(twin.try_round(r, 100)) AS tried FROM generate_series(1, 30 * :cases) r \gset
SELECT twin.report('prices of orders', :tried);
INSERT INTO twin.difference SELECT 'money that does not add up', v.entity, v.expected, v.actual FROM usom.verify_money() v;
SELECT twin.report('money that does not add up', :tried);
