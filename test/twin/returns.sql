-- Returns: random rules, orders that arrived on random days, random steps of
-- random returns. The judgement of usom.explain_return() is what a reading of
-- rules, shipments and returns says, unit by unit; what becomes of units is
-- what a ledger of single units says; and verify() finds nothing.
SELECT setseed((:seed % 991) / 1000.0) IS NULL AS seeded \gset
SET client_min_messages = warning;
INSERT INTO usom.location (code) VALUES ('R1'), ('R2');
INSERT INTO usom.product (sku, category, kind) VALUES ('R-1', 'a', 'physical'), ('R-2', 'a', 'physical'), ('R-3', 'b', 'physical'), ('R-4', NULL, 'physical'), ('R-5', 'b', 'service');
SELECT count(*) AS received FROM generate_series(1, 4) n, LATERAL usom.receive_stock('R1', 'R-' || n, 100000) \gset
INSERT INTO usom.customer (code, segment) VALUES ('RG', 'gold');
INSERT INTO usom.return_rule (code, active) SELECT 'rule ' || n, false FROM generate_series(1, 6) n;

-- Each rule anew: conditions that fit often, but not always.
CREATE FUNCTION twin.shuffle_rules() RETURNS void LANGUAGE sql VOLATILE AS $$
	UPDATE usom.return_rule SET active = random() < 0.8, priority = twin.pick(1, 3),
		sku = CASE WHEN random() < 0.3 THEN 'R-' || twin.pick(1, 5) END, category = CASE WHEN random() < 0.4 THEN twin.pick('a', 'b', 'c') END,
		channel = CASE WHEN random() < 0.3 THEN twin.pick('web', 'pos') END, segment = CASE WHEN random() < 0.2 THEN 'gold' END,
		reason = CASE WHEN random() < 0.3 THEN twin.pick('big', 'small') END, days = CASE WHEN random() < 0.7 THEN twin.pick(0, 40)::integer END,
		outcome = twin.pick('allow', 'allow', 'ask', 'refuse'), late = twin.pick('allow', 'ask', 'refuse'),
		valid_days = CASE WHEN random() < 0.3 THEN twin.pick(1, 9)::integer END, inspects = random() < 0.5,
		disposition = twin.pick('restock', 'refurbish', 'scrap', 'to_vendor')
$$;

CREATE FUNCTION twin.new_order() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	o text;
	s text;
BEGIN
	SELECT p.order_no INTO o FROM usom.place_order(jsonb_strip_nulls(jsonb_build_object('channel', twin.pick('web', 'pos', 'edi'), 'customer', CASE WHEN random() < 0.5 THEN 'RG' END,
		'lines', (SELECT jsonb_agg(jsonb_build_object('sku', 'R-' || twin.pick(1, 5), 'quantity', twin.pick(1, 6), 'unit_price', 3)) FROM generate_series(1, 3))))) p;
	PERFORM usom.release_order(o);
	FOR part IN 1 .. 3 LOOP
		BEGIN
			s := usom.ship(o, CASE WHEN part < 3 THEN jsonb_build_array(jsonb_build_object('line_no', twin.pick(1, 3), 'quantity', twin.pick(1, 3))) END);
			IF random() < 0.8 THEN
				PERFORM usom.deliver(n, now() - make_interval(days => twin.pick(0, 45)::integer, hours => 1)) FROM regexp_split_to_table(s, ', ') n;
			END IF;
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END LOOP;
	RETURN o;
END
$$;

-- Unit by unit: those that are out, those in time, and of them those that are expected.
CREATE FUNCTION twin.judge(of_order text, why text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
	l record;
	r record;
	units timestamptz[];
	expected integer;
	in_time integer;
	line text;
	answer text := '';
BEGIN
	FOR l IN SELECT t.*, o.sales_order_id AS id, p.sku, p.category, c.code AS channel, u.segment FROM usom.sales_order o JOIN usom.order_line t USING (org_id, sales_order_id) JOIN usom.product p USING (org_id, product_id)
			JOIN usom.channel c USING (org_id, channel_id) LEFT JOIN usom.customer u USING (org_id, customer_id) WHERE o.order_no = of_order ORDER BY t.line_no LOOP
		SELECT array_agg(CASE WHEN f.status = 'delivered' THEN s.delivered_at END ORDER BY s.delivered_at NULLS LAST) INTO units
		FROM usom.fulfillment_line f LEFT JOIN usom.shipment s USING (org_id, shipment_id), generate_series(1, f.quantity)
		WHERE f.sales_order_id = l.id AND f.line_no = l.line_no AND f.status IN ('shipped', 'delivered');
		CONTINUE WHEN units IS NULL;
		SELECT coalesce(sum(b.quantity - b.quantity_given_up - b.quantity_accepted - b.quantity_rejected), 0) INTO expected
		FROM usom.return_order h JOIN usom.return_line b USING (org_id, return_order_id) WHERE h.sales_order_id = l.id AND b.line_no = l.line_no;
		SELECT * INTO r FROM usom.return_rule x WHERE x.active AND (x.sku IS NULL OR x.sku = l.sku) AND (x.category IS NULL OR x.category = l.category)
			AND (x.channel IS NULL OR x.channel = l.channel) AND (x.segment IS NULL OR x.segment = l.segment) AND (x.reason IS NULL OR x.reason = why) ORDER BY x.priority, x.code LIMIT 1;
		SELECT greatest(count(*) - expected, 0) INTO in_time FROM unnest(units) AS q (at) WHERE r.days IS NULL OR q.at IS NULL OR q.at + make_interval(hours => 24 * r.days) >= now();
		line := format('%s: %s out, %s expected, %s', l.line_no, cardinality(units), expected, CASE
			WHEN r.code IS NULL OR (in_time >= cardinality(units) - expected AND r.outcome = 'allow') THEN 'allow'
			WHEN r.outcome = 'refuse' OR (in_time < cardinality(units) - expected AND r.late = 'refuse') THEN 'refuse'
			WHEN r.outcome = 'ask' OR r.late = 'ask' THEN 'ask' ELSE 'allow' END) || coalesce(' by ' || r.code, '');
		answer := answer || line || '; ';
	END LOOP;
	RETURN answer;
END
$$;

CREATE FUNCTION twin.judged(of_order text, why text) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT coalesce(string_agg(format('%s: %s out, %s expected, %s', e.line_no, e.with_customer, e.expected, e.outcome) || coalesce(' by ' || e.rule, '') || '; ', '' ORDER BY e.line_no), '')
	FROM usom.explain_return(of_order, why) e
$$;

-- Single units of returns, and what became of each.
CREATE TABLE twin.unit (n bigint GENERATED ALWAYS AS IDENTITY, return_no text, line_no integer, state text);

CREATE FUNCTION twin.turn(of_return text, of_line integer, units integer, froms text[], into_state text) RETURNS void LANGUAGE sql AS $$
	UPDATE twin.unit u SET state = into_state FROM (
		SELECT x.n FROM twin.unit x WHERE x.return_no = of_return AND x.line_no = of_line AND x.state = ANY (froms) ORDER BY array_position(froms, x.state), x.n LIMIT units) y WHERE u.n = y.n
$$;

CREATE FUNCTION twin.states_of(of_return text) RETURNS text LANGUAGE sql STABLE AS $$
	SELECT string_agg(format('%s %s %s', line_no, state, count), ', ' ORDER BY line_no, state COLLATE "C") FROM (
		SELECT line_no, state, count(*) FROM twin.unit WHERE return_no = of_return GROUP BY 1, 2) u
$$;

CREATE FUNCTION twin.states(of_return text) RETURNS text LANGUAGE sql STABLE AS $$
	SELECT string_agg(format('%s %s %s', line_no, state, trim_scale(units)), ', ' ORDER BY line_no, state COLLATE "C") FROM (
		SELECT line_no, state, sum(units) AS units FROM (
			SELECT r.line_no, CASE WHEN r.status = 'requested' THEN 'asked' ELSE 'due' END AS state, r.quantity - r.quantity_received - r.quantity_given_up AS units FROM usom.returns r WHERE r.return_no = of_return
			UNION ALL SELECT r.line_no, 'gone', r.quantity_given_up FROM usom.returns r WHERE r.return_no = of_return
			UNION ALL SELECT p.line_no, coalesce(p.disposition, 'waits'), p.quantity FROM usom.return_pieces p WHERE p.return_no = of_return) q
		WHERE units > 0 GROUP BY 1, 2) s
$$;

CREATE FUNCTION twin.status_of(of_return text) RETURNS text LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN bool_or(u.state = 'asked') THEN 'requested' WHEN bool_and(u.state = 'gone') THEN 'cancelled'
		WHEN bool_and(u.state IN ('due', 'gone')) THEN 'authorized' WHEN bool_or(u.state = 'due') THEN 'partially_received'
		WHEN bool_or(l.inspects AND u.state <> 'gone') AND NOT bool_or(u.state = 'waits') THEN 'inspected' ELSE 'received' END
	FROM twin.unit u JOIN usom.returns l USING (return_no, line_no) WHERE u.return_no = of_return
$$;

-- A step of a random return; what the units say first, then the call.
CREATE FUNCTION twin.step(orders text[]) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	o text := orders[twin.pick(1, cardinality(orders))::integer];
	b record;
	line integer := twin.pick(1, 3)::integer;
	q integer := twin.pick(1, 3)::integer;
	what text := twin.pick('ask', 'ask', 'receive', 'receive', 'inspect', 'inspect', 'inspect', 'cancel', 'decide', 'blind');
	d text := twin.pick('restock', 'refurbish', 'scrap', 'to_vendor', 'reject');
	why text := twin.pick('big', 'small', 'other');
	froms text[];
BEGIN
	PERFORM twin.compare('return_judgement', format('%s %s', o, why), twin.judge(o, why), twin.judged(o, why));
	IF what IN ('ask', 'blind') THEN
		IF what = 'ask' THEN
			SELECT usom.authorize_return(o, jsonb_build_array(jsonb_build_object('line_no', line, 'quantity', q)), why) AS return_no, 'due' AS state INTO b;
		ELSE
			SELECT r.return_no, 'waits' AS state FROM usom.receive_blind_return(o, jsonb_build_array(jsonb_build_object('line_no', line, 'quantity', q)), why, twin.pick('R1', 'R2')) r INTO b;
		END IF;
		INSERT INTO twin.unit (return_no, line_no, state) SELECT r.return_no, r.line_no, CASE WHEN r.status = 'requested' THEN 'asked' ELSE b.state END
		FROM usom.returns r, generate_series(1, q) WHERE r.return_no = b.return_no;
		RETURN b.return_no;
	END IF;
	SELECT r.return_no, r.line_no, r.inspects, r.disposition INTO b FROM usom.returns r WHERE r.order_no = o ORDER BY random() LIMIT 1;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	IF what = 'receive' THEN
		PERFORM usom.receive_return(b.return_no, CASE WHEN random() < 0.7 THEN jsonb_build_array(jsonb_build_object('line_no', b.line_no, 'quantity', q)) END, CASE WHEN random() < 0.5 THEN twin.pick('R1', 'R2') END);
		SELECT (SELECT sum(r.quantity_received) FROM usom.returns r WHERE r.return_no = b.return_no) - count(*) INTO q FROM twin.unit u WHERE u.return_no = b.return_no AND u.state NOT IN ('due', 'gone', 'asked');
		PERFORM twin.turn(b.return_no, b.line_no, q, ARRAY['due'], CASE WHEN b.inspects THEN 'waits' ELSE b.disposition END);
	ELSIF what = 'inspect' THEN
		froms := CASE WHEN d IN ('reject', 'refurbish') THEN ARRAY['waits'] ELSE ARRAY['waits', 'refurbish'] END;
		PERFORM usom.inspect_return(b.return_no, jsonb_build_array(jsonb_build_object('line_no', b.line_no, 'quantity', q, 'disposition', d)));
		PERFORM twin.turn(b.return_no, b.line_no, q, froms, d);
	ELSIF what = 'cancel' THEN
		PERFORM usom.cancel_return(b.return_no, 'twin');
		PERFORM twin.turn(b.return_no, b.line_no, 1000, ARRAY['due', 'asked'], 'gone');
	ELSE
		PERFORM usom.approve_return(b.return_no, 'twin');
		PERFORM twin.turn(b.return_no, b.line_no, 1000, ARRAY['asked'], 'due');
	END IF;
	RETURN b.return_no;
END
$$;

CREATE FUNCTION twin.run_returns(rounds integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	orders text[];
	touched text;
	steps bigint := 0;
BEGIN
	FOR r IN 1 .. rounds LOOP
		PERFORM twin.shuffle_rules();
		orders := ARRAY(SELECT twin.new_order() FROM generate_series(1, 3));
		FOR s IN 1 .. 40 LOOP
			BEGIN
				touched := twin.step(orders);
			EXCEPTION WHEN SQLSTATE 'US701' OR SQLSTATE 'US703' OR SQLSTATE 'US704' OR SQLSTATE 'US706' THEN
				touched := NULL;
			END;
			CONTINUE WHEN touched IS NULL;
			steps := steps + 1;
			PERFORM twin.compare('return_units', touched, twin.states_of(touched), twin.states(touched)),
				twin.compare('return_status', touched, twin.status_of(touched), (SELECT min(x.status) FROM usom.returns x WHERE x.return_no = touched));
		END LOOP;
		PERFORM twin.compare('return_verify', 'round ' || r, NULL, (SELECT string_agg(v::text, '; ') FROM usom.verify_returns() v));
	END LOOP;
	PERFORM twin.compare('return_verify', 'the end', NULL, (SELECT string_agg(v::text, '; ') FROM usom.verify() v));
	RETURN steps;
END
$$;
SELECT twin.run_returns((8 * :cases)::integer) AS steps \gset
SELECT twin.report(w, :steps) FROM unnest(ARRAY['return_judgement', 'return_units', 'return_status', 'return_verify']) w;
