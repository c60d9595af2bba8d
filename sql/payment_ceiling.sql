-- Ceilings of lines, tax and freight; and that parts add up to the whole in currencies of 0, 2 and 3 decimals, whatever the steps.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code, name) VALUES ('ceiling', 'Ceiling');
SET usom.org = 'ceiling';
INSERT INTO usom.location (code) VALUES ('CEI-A');
INSERT INTO usom.product (sku) VALUES ('CEI-1'), ('CEI-2'), ('CEI-3');
SELECT count(*) FROM usom.receive_stocks('[{"location": "CEI-A", "sku": "CEI-1", "quantity": 100000}, {"location": "CEI-A", "sku": "CEI-2", "quantity": 100000}, {"location": "CEI-A", "sku": "CEI-3", "quantity": 100000}]');
INSERT INTO usom.freight_charge (currency, order_price) VALUES ('EUR', 4.90), ('JPY', 490), ('BHD', 0.490);

-- Freight goes back once, line by line.
SELECT order_no AS o, total FROM usom.place_order('{"lines": [{"sku": "CEI-1", "quantity": 2, "unit_price": 10}, {"sku": "CEI-2", "quantity": 1, "unit_price": 20}]}') \gset
SELECT line_no, freight, total FROM usom.order_lines WHERE order_no = :'o' ORDER BY 1;
SELECT payment_status FROM usom.record_payment(:'o', 'sale', :total, 'CEI-sale');
SELECT amount_wanted FROM usom.refund_order(:'o', lines => '[{"line_no": 1, "freight": 2.00}]');
SELECT * FROM pg_temp.refused(format('SELECT usom.refund_order(%L, lines => ''[{"line_no": 1, "freight": 0.46}]'')', :'o'));
SELECT amount_wanted FROM usom.refund_order(:'o', lines => '[{"line_no": 1, "freight": 0.45}]');
SELECT * FROM pg_temp.refused(format('SELECT usom.refund_order(%L, lines => ''[{"line_no": 1, "amount": 20.01}]'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.refund_order(%L, lines => ''[{"line_no": 1, "amount": 5, "tax": 0.01}]'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.refund_order(%L, lines => ''[{"line_no": 1, "amount": 5}, {"line_no": 1, "amount": 5}]'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.refund_order(%L, lines => ''[{"line_no": 1, "quantity": 1, "amount": 5}]'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.charge_back(%L, %s, ''CEI-cb'')', :'o', :total));
-- What was given back for freight is not given back again with the goods.
SELECT status FROM usom.cancel_order(:'o', 'all of it');
SELECT sum(amount) = :total AS all_back FROM usom.payment_requests WHERE order_no = :'o';

-- Orders at random, each shipped, captured, partly refunded, returned and refunded in parts of its own: nothing is left.
CREATE FUNCTION pg_temp.answer(o text, fail boolean DEFAULT false) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
	FOR r IN SELECT * FROM usom.payment_requests WHERE order_no = o AND status = 'wanted' AND kind <> 'void' ORDER BY request LOOP
		PERFORM usom.record_payment(o, r.kind, r.amount, 'x' || usom.next_id(), request => r.request, outcome => CASE WHEN fail THEN 'failed' ELSE 'ok' END);
	END LOOP;
END $$;
CREATE FUNCTION pg_temp.live(n integer) RETURNS TABLE (left_over numeric, tax_left numeric, part_of_all boolean) LANGUAGE plpgsql AS $$
DECLARE
	money text := (ARRAY['EUR', 'JPY', 'BHD'])[n % 3 + 1];
	digits integer := (ARRAY[2, 0, 3])[n % 3 + 1];
	o text; t numeric; r text;
BEGIN
	SELECT p.order_no, p.total INTO o, t FROM usom.place_order(jsonb_build_object('currency', money, 'lines', (
		SELECT jsonb_agg(jsonb_build_object('sku', 'CEI-' || i, 'quantity', 1 + floor(random() * 7), 'unit_price', round((random() * 100)::numeric, digits) + 1,
			'tax', jsonb_build_object('amount', round((random() * 3)::numeric, digits), 'included', n % 2 = 0))) FROM generate_series(1, 3) i))) p;
	PERFORM usom.authorize_payment(o, t - round(t / 3, digits), 'auth-' || n);
	PERFORM usom.record_payment(o, 'sale', round(t / 3, digits), 'gift-' || n, 'gift_card');
	PERFORM usom.release_order(o);
	FOR i IN 1 .. 3 LOOP
		PERFORM usom.ship(o, jsonb_build_array(jsonb_build_object('line_no', i, 'quantity', 1)));
		IF i = n % 4 THEN
			PERFORM pg_temp.answer(o, true);
		ELSIF random() < 0.7 THEN
			PERFORM pg_temp.answer(o);
		END IF;
	END LOOP;
	IF EXISTS (SELECT FROM usom.order_pieces p WHERE p.order_no = o AND p.status = 'released') THEN
		PERFORM usom.ship(o);
	END IF;
	PERFORM usom.collect_payment(o), pg_temp.answer(o);
	SELECT p.paid = t INTO part_of_all FROM usom.orders p WHERE p.order_no = o;
	PERFORM usom.refund_order(o, lines => jsonb_build_array(jsonb_build_object('line_no', 1 + n % 3, 'amount', round(0.7, digits))));
	FOR i IN 1 .. 3 LOOP
		r := usom.authorize_return(o, jsonb_build_array(jsonb_build_object('line_no', i, 'quantity', 1)), NULL);
		PERFORM usom.receive_return(r);
		IF random() < 0.5 THEN
			PERFORM pg_temp.answer(o, random() < 0.2);
		END IF;
	END LOOP;
	r := usom.authorize_return(o, (SELECT jsonb_agg(jsonb_build_object('line_no', l.line_no, 'quantity', l.quantity - l.quantity_returned)) FROM usom.order_lines l WHERE l.order_no = o AND l.quantity > l.quantity_returned), NULL);
	PERFORM usom.receive_return(r), pg_temp.answer(o);
	RETURN QUERY SELECT sum(l.captured - l.refunded), sum(l.captured_tax - l.refunded_tax), part_of_all FROM usom.payment_line l JOIN usom.sales_order s USING (org_id, sales_order_id) WHERE s.order_no = o;
END $$;
SELECT setseed(0.42) IS NOT NULL AS seeded;
SELECT count(*) AS orders, sum(abs(x.left_over)) AS left_over, sum(abs(x.tax_left)) AS tax_left, bool_and(x.part_of_all) AS captured_in_whole FROM generate_series(1, 60) n, pg_temp.live(n) x;
SELECT * FROM usom.verify();
