-- A batch (src/api/place_batch.c) against the same documents one by one, in two
-- organisations with the same master data: outcomes, errors, and every row of
-- every table that belongs to an order are the same, as nothing competes.  Each
-- round has more set up than the one before it, and documents of all kinds,
-- bad ones and repeats among them.  Who has the last of something is for sql/coupon.sql and isolation tests.
SELECT setseed((:seed % 997) / 1000.0) IS NULL AS seeded \gset
SET client_min_messages = warning;
SET timezone = 'UTC';
INSERT INTO usom.organisation (code) VALUES ('single'), ('batch');

-- The same statement in both organisations.
CREATE PROCEDURE twin.both(command text) LANGUAGE plpgsql AS $$
DECLARE
	org text;
BEGIN
	FOREACH org IN ARRAY ARRAY['single', 'batch'] LOOP
		PERFORM set_config('usom.org', org, false);
		EXECUTE command;
	END LOOP;
END
$$;
CALL twin.both($$INSERT INTO usom.location (code, picks_up) VALUES ('L1', true), ('L2', false)$$);
CALL twin.both($$INSERT INTO usom.product (sku, category) SELECT 'P' || n, 'C' || n % 5 FROM generate_series(1, 60) n$$);
CALL twin.both($$INSERT INTO usom.product (sku, kind) VALUES ('POST', 'service'), ('K1', 'kit'), ('K2', 'kit'), ('EMPTY', 'kit')$$);
CALL twin.both($$INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity)
	SELECT usom.product_id(k), usom.product_id('P' || c), c FROM unnest(ARRAY['K1', 'K2']) k, generate_series(1, 3) c$$);
CALL twin.both($$INSERT INTO usom.product_unit (sku, unit, quantity) VALUES ('P1', 'box', 12), ('P2', 'box', 6)$$);
CALL twin.both($$INSERT INTO usom.customer (code, segment) SELECT 'U' || n, CASE WHEN n % 2 = 0 THEN 'gold' END FROM generate_series(1, 8) n$$);
CALL twin.both($$INSERT INTO usom.customer_address (customer_id, name, line1, city, country) SELECT usom.customer_id('U' || n), 'U', 'Street 1', 'Leeds', 'GB' FROM generate_series(1, 8, 3) n$$);
CALL twin.both($$INSERT INTO usom.price (sku, unit_price) SELECT 'P' || n, n FROM generate_series(1, 60, 2) n$$);
-- Of some there is plenty, of the others nothing.
CALL twin.both($$SELECT usom.receive_stock('L' || 1 + n % 2, 'P' || n, 1000000) FROM generate_series(1, 50) n$$);

CREATE FUNCTION twin.line(round integer) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
	SELECT jsonb_build_object('sku', CASE twin.pick(1, 40) WHEN 1 THEN 'POST' WHEN 2 THEN 'K1' WHEN 3 THEN 'K2' ELSE 'P' || twin.pick(1, 60) END, 'quantity', twin.pick(1, 20))
		|| CASE WHEN twin.pick(1, 3) = 1 THEN '{}' ELSE jsonb_build_object('unit_price', twin.pick(1, 5000) / 100.0) END
		|| CASE twin.pick(1, 30)
			WHEN 1 THEN '{"sku": "P1", "unit": "box", "quantity": 2}' WHEN 2 THEN '{"sku": "P2", "unit": "box", "unit_price": 7}'
			WHEN 3 THEN '{"location": "L2"}' WHEN 4 THEN '{"requested_at": "2100-01-01T00:00:00Z"}' WHEN 5 THEN '{"substitution": "allowed"}'
			WHEN 6 THEN '{"partial": false}' WHEN 7 THEN jsonb_build_object('sku', 'M' || round || '-' || twin.pick(1, 9), 'make', '{"name": "made"}'::jsonb)
			WHEN 8 THEN '{"tax": {"amount": 0.12, "jurisdiction": "told"}}' WHEN 9 THEN '{"override": {"price": 1, "reason": "a friend"}}' ELSE '{}' END::jsonb
$$;

CREATE FUNCTION twin.spoiled() RETURNS jsonb LANGUAGE sql VOLATILE AS $$
	SELECT (ARRAY['{"colour": 1}', '{"customer": "nobody"}', '{"channel": "nowhere"}', '{"priority": "high"}', '{"lines": []}', '{"lines": [{"sku": "none", "quantity": 1}]}',
		'{"lines": [{"sku": "EMPTY", "quantity": 1}]}', '{"lines": [{"sku": "K1", "quantity": 0.5}]}', '{"coupons": ["none"]}', '{"lines": [{"sku": "P3", "unit": "box", "quantity": 1}]}',
		'{"lines": [{"sku": "P3", "location": "L9", "quantity": 1}, {"sku": "none", "quantity": 1}]}', '{"order_type": "pick_up"}',
		'{"lines": [{"sku": "P7", "quantity": 1, "unit_price": 1, "make": {}}, {"sku": "X", "quantity": 1, "make": {"based_on": "none"}}]}',
		'{"instructions": "4111111111111111"}'])[twin.pick(1, 14)]::jsonb
$$;

CREATE FUNCTION twin.document(round integer, n integer) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
	SELECT jsonb_build_object('channel', twin.pick('web', 'edi', 'phone'), 'external_id', format('%s-%s', round, n), 'priority', twin.pick(1, 9), 'currency', 'EUR',
		'placed_at', '2026-03-01T00:00:00Z', 'lines', (SELECT jsonb_agg(twin.line(round)) FROM generate_series(1, twin.pick(1, 6)) WHERE n IS NOT NULL))
		|| CASE WHEN twin.pick(1, 4) = 1 THEN '{}' ELSE jsonb_build_object('customer', 'U' || twin.pick(1, 8)) END
		|| CASE twin.pick(1, 4) WHEN 1 THEN '{"ship_to": {"name": "Ann", "line1": "High Street", "city": "Bonn", "country": "DE"}}' WHEN 2 THEN '{"ship_to": {"country": "FR"}}' ELSE '{}' END::jsonb
		|| CASE twin.pick(1, 12) WHEN 1 THEN '{"draft": true}' WHEN 2 THEN '{"ship_complete": true}' WHEN 3 THEN '{"instructions": "ring twice"}'
			WHEN 4 THEN jsonb_build_object('payment', jsonb_build_object('method', 'card', 'reference', format('psp-%s-%s', round, n), 'authorized', 50))
			WHEN 5 THEN '{"order_type": "pick_up", "lines": [{"sku": "P1", "quantity": 1, "location": "L1"}]}' WHEN 6 THEN '{"risk_score": 70}' ELSE '{}' END::jsonb
		|| CASE WHEN round >= 3 AND twin.pick(1, 4) = 1 THEN jsonb_build_object('coupons', jsonb_build_array(twin.pick('TEN', 'TEN', 'FIVE', 'OLD'))) ELSE '{}' END
		|| CASE WHEN twin.pick(1, 8) = 1 THEN twin.spoiled() ELSE '{}' END
$$;

-- Every tenth is one that came before, some of them with another payload.
CREATE FUNCTION twin.documents(round integer, count integer) RETURNS jsonb[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	documents jsonb[] := '{}';
BEGIN
	FOR n IN 1 .. count LOOP
		documents := documents || CASE WHEN n > 10 AND n % 10 = 0
			THEN documents[twin.pick(1, n - 1)] || CASE WHEN n % 40 = 0 THEN '{"priority": 77}' ELSE '{}' END::jsonb
			ELSE twin.document(round, n) END;
	END LOOP;
	RETURN documents;
END
$$;

CREATE TABLE twin.outcome (org text, round integer, ordinal integer, outcome text, sqlstate text, message text);

CREATE FUNCTION twin.mask(message text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT replace(regexp_replace(regexp_replace(message, 'SO-\d+', 'SO-#', 'g'), 'order "SO-#"|another order of the same call', 'another order'), 'argument document', 'order document') $$;

CREATE PROCEDURE twin.one_by_one(round integer, documents jsonb[]) LANGUAGE plpgsql AS $$
DECLARE
	told text;
	messages jsonb;
BEGIN
	PERFORM set_config('usom.org', 'single', false);
	FOR n IN 1 .. cardinality(documents) LOOP
		BEGIN
			SELECT p.messages INTO messages FROM usom.place_order(documents[n]) p;
			INSERT INTO twin.outcome VALUES ('single', round, n, CASE WHEN messages @> '[{"code": "repeated"}]' THEN 'repeated' ELSE 'placed' END);
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS told = PG_EXCEPTION_DETAIL;
			INSERT INTO twin.outcome VALUES ('single', round, n, 'rejected', SQLSTATE, twin.mask(SQLERRM || CASE WHEN told <> '' THEN format(' (%s)', told) ELSE '' END));
		END;
	END LOOP;
END
$$;

-- Without keys, times and numbers, which no two organisations share.
CREATE FUNCTION twin.bare(j jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_object_agg(e.key, CASE WHEN e.key = 'reason' THEN to_jsonb(twin.mask(e.value #>> '{}')) ELSE e.value END) FROM jsonb_each(jsonb_strip_nulls(j)) e
	WHERE e.key !~ '(_id|_at|_on)$' AND e.key NOT IN ('order_no', 'payload_digest', 'instructions', 'content')
$$;

CREATE TABLE twin.image (org text, round integer, external_id text, relation text, content jsonb);

CREATE PROCEDURE twin.take_images(round integer) LANGUAGE plpgsql AS $$
DECLARE
	relation text;
BEGIN
	FOR relation IN SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'sales_order_id'
		WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition AND c.relname !~ '^audit|^order_fingerprint' LOOP
		EXECUTE format($f$
			INSERT INTO twin.image SELECT g.code, $1, o.external_id, %L, jsonb_agg(b.content ORDER BY b.content)
			FROM usom.organisation g JOIN usom.sales_order o ON o.org_id = g.org_id JOIN usom.%I x ON x.org_id = o.org_id AND x.sales_order_id = o.sales_order_id
			LEFT JOIN usom.product p ON p.org_id = g.org_id AND p.product_id = (to_jsonb(x)->>'product_id')::bigint
			LEFT JOIN usom.location l ON l.org_id = g.org_id AND l.location_id = (to_jsonb(x)->>'location_id')::bigint
			LEFT JOIN usom.customer u ON u.org_id = g.org_id AND u.customer_id = (to_jsonb(x)->>'customer_id')::bigint,
			LATERAL (SELECT twin.bare(to_jsonb(x)) || jsonb_strip_nulls(jsonb_build_object('sku', p.sku, 'location', l.code, 'customer', u.code, 'promised', to_jsonb(x)->'promised_at' <> 'null')) AS content) b
			WHERE g.code IN ('single', 'batch') AND o.external_id LIKE $1 || '-%%' GROUP BY 1, 3
		$f$, relation, relation) USING round;
	END LOOP;
	INSERT INTO twin.image SELECT g.code, round, '', 'stock', jsonb_agg(jsonb_build_array(p.sku, l.code, s.on_hand, s.reserved) ORDER BY p.sku, l.code)
		FROM usom.organisation g JOIN usom.stock s USING (org_id) JOIN usom.product p USING (org_id, product_id) JOIN usom.location l USING (org_id, location_id) WHERE g.code IN ('single', 'batch') GROUP BY 1;
	INSERT INTO twin.image SELECT g.code, round, '', 'product', jsonb_agg(jsonb_build_array(p.sku, p.name, p.decoupling) ORDER BY p.sku) FROM usom.organisation g JOIN usom.product p USING (org_id) WHERE g.code IN ('single', 'batch') GROUP BY 1;
	INSERT INTO twin.image SELECT g.code, round, '', 'coupon', jsonb_agg(jsonb_build_array(c.code, c.redeemed) ORDER BY c.code) FROM usom.organisation g JOIN usom.coupon c USING (org_id) WHERE g.code IN ('single', 'batch') GROUP BY 1;
END
$$;

CREATE PROCEDURE twin.compare_all(round integer) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM twin.compare('a batch answers as its documents one by one', format('round %s document %s', r.round, r.ordinal),
		format('%s %s %s', s.outcome, s.sqlstate, s.message), format('%s %s %s', b.outcome, b.sqlstate, b.message))
	FROM (SELECT DISTINCT o.round, o.ordinal FROM twin.outcome o WHERE o.round = compare_all.round) r
	LEFT JOIN twin.outcome s ON s.org = 'single' AND s.round = r.round AND s.ordinal = r.ordinal
	LEFT JOIN twin.outcome b ON b.org = 'batch' AND b.round = r.round AND b.ordinal = r.ordinal;
	PERFORM twin.compare('a batch writes what its documents write one by one', format('round %s document %s: %s', i.round, i.external_id, i.relation), s.content::text, b.content::text)
	FROM (SELECT DISTINCT x.round, x.external_id, x.relation FROM twin.image x WHERE x.round = compare_all.round) i
	LEFT JOIN twin.image s ON s.org = 'single' AND s.round = i.round AND s.external_id = i.external_id AND s.relation = i.relation
	LEFT JOIN twin.image b ON b.org = 'batch' AND b.round = i.round AND b.external_id = i.external_id AND b.relation = i.relation;
END
$$;

CREATE PROCEDURE twin.play(round integer, count integer) LANGUAGE plpgsql AS $$
DECLARE
	documents jsonb[] := twin.documents(round, count);
BEGIN
	CALL twin.one_by_one(round, documents);
	PERFORM set_config('usom.org', 'batch', false);
	INSERT INTO twin.outcome SELECT 'batch', round, p.ordinal, p.outcome, p.sqlstate, twin.mask(p.message) FROM usom.place_orders(to_jsonb(documents)) p;
	CALL twin.take_images(round);
	CALL twin.compare_all(round);
END
$$;

CALL twin.play(1, 100 * :cases);
CALL twin.both($$INSERT INTO usom.price_contract (customer, sku, percent) VALUES ('U1', 'P1', 10), ('U2', 'P3', 5)$$);
CALL twin.both($$INSERT INTO usom.price_break (sku, min_quantity, percent) SELECT 'P' || n, 5, 2 FROM generate_series(1, 30, 2) n$$);
CALL twin.both($$INSERT INTO usom.promotion (code, category, percent) VALUES ('C1', 'C1', 3)$$);
CALL twin.play(2, 100 * :cases);
CALL twin.both($$INSERT INTO usom.promotion (code, level, currency, amount, needs_coupon, min_value) VALUES ('FIVE', 'order', 'EUR', 5, true, 10)$$);
CALL twin.both($$INSERT INTO usom.promotion (code, percent, needs_coupon) VALUES ('TEN', 10, true)$$);
CALL twin.both($$INSERT INTO usom.coupon (code, promotion, limit_per_customer) VALUES ('TEN', 'TEN', 1000)$$);
CALL twin.both($$INSERT INTO usom.coupon (code, promotion, limit_uses) VALUES ('FIVE', 'FIVE', 1000)$$);
CALL twin.both($$INSERT INTO usom.coupon (code, promotion, valid_to) VALUES ('OLD', 'TEN', '2026-02-01')$$);
CALL twin.play(3, 100 * :cases);
CALL twin.both($$INSERT INTO usom.tax_rate (jurisdiction, country, percent, included) VALUES ('DE', 'DE', 19, true), ('FR', 'FR', 20, false)$$);
CALL twin.both($$INSERT INTO usom.freight_charge (name, currency, order_price, weight_price, free_from) VALUES ('parcel', 'EUR', 4.95, 0.5, 100)$$);
CALL twin.play(4, 100 * :cases);
CALL twin.both($$INSERT INTO usom.check_rule (check_code, severity, parameters) VALUES ('delivery', 'refuse', '{"not_countries": ["FR"]}'), ('limits', 'hold', '{"order_total": 2000}'),
	('customer', 'hold', '{"guests": false}'), ('duplicate', 'hold', '{}')$$);
CALL twin.both($$INSERT INTO usom.product_restriction (sku, country, reason) VALUES ('P5', 'DE', 'not there')$$);
CALL twin.both($$INSERT INTO usom.approval_rule (code, value_above) VALUES ('value', 1000)$$);
CALL twin.both($$INSERT INTO usom.quota (code, category, channel, quantity) VALUES ('Q', 'C2', 'web', 1000000)$$);
CALL twin.both($$INSERT INTO usom.credit_account (customer_id, limit_amount) VALUES (usom.customer_id('U3'), 1000)$$);
CALL twin.play(5, 150 * :cases);

SELECT twin.report('a batch answers as its documents one by one', (SELECT count(*) FROM twin.outcome WHERE org = 'batch'));
SELECT twin.report('a batch writes what its documents write one by one', (SELECT count(*) FROM twin.image WHERE org = 'batch'));
-- Documents of every outcome were among them, and what stands recomputes.
SELECT format('batches had documents that were placed, repeated and rejected in many ways|%s|%s', count(*), CASE WHEN count(DISTINCT outcome) < 3 OR count(DISTINCT sqlstate) < 5 THEN 'too few kinds' END)
FROM twin.outcome WHERE org = 'batch';
SELECT format('what batches wrote recomputes|1|%s', (SELECT string_agg(v::text, '; ') FROM usom.verify() v));
