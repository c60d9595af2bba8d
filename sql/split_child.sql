-- What waits becomes an order of its own: linked, with its promises and supply, and both cost what one did, to the last minor unit (E8).
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
CREATE FUNCTION pg_temp.no(ref text) RETURNS text LANGUAGE sql AS $$SELECT order_no FROM usom.orders WHERE external_id = $1$$;
CREATE FUNCTION pg_temp.child(ref text) RETURNS text LANGUAGE sql AS $$SELECT order_no FROM usom.orders WHERE parent_order_no = pg_temp.no($1) ORDER BY order_no DESC LIMIT 1$$;
-- Parent and children: what each has.
CREATE FUNCTION pg_temp.family(ref text) RETURNS TABLE (who text, status text, line integer, units text, total numeric, supply_no text, promised date) LANGUAGE sql AS $$
	SELECT CASE WHEN o.parent_order_no IS NULL THEN 'parent' ELSE 'child' END, o.status, p.line_no, trim_scale(p.quantity) || ' ' || p.status, l.total, p.supply_no, CASE WHEN p.status = 'backordered' THEN p.promised_at::date END
	FROM usom.orders o JOIN usom.order_pieces p USING (order_no) JOIN usom.order_lines l USING (order_no, line_no)
	WHERE o.external_id = $1 OR o.parent_order_no = pg_temp.no($1) ORDER BY o.parent_order_no IS NOT NULL, o.order_no, p.line_no, p.piece_no
$$;
\set ECHO all
INSERT INTO usom.location (code) VALUES ('SCHILD-A');
INSERT INTO usom.product (sku) VALUES ('SCHILD-1'), ('SCHILD-2'), ('SCHILD-3');
INSERT INTO usom.customer (code, segment) VALUES ('SCHILD-C', 'sch');
INSERT INTO usom.channel (code) VALUES ('sch');
SET TimeZone = 'UTC';

-- ---- the pairs: 12 are there, 8 wait; the customer wants them as an order of their own ----
SELECT on_hand FROM usom.receive_stock('SCHILD-A', 'SCHILD-1', 12);
SELECT usom.add_supply('purchase', 'SCHILD-A', 'SCHILD-1', 4, '2030-03-01', supply_no => 'SCHILD-PO-1'), usom.add_supply('purchase', 'SCHILD-A', 'SCHILD-1', 4, '2030-04-01', supply_no => 'SCHILD-PO-2');
SELECT status, quantity_backordered, total FROM usom.place_order('{"external_id": "SCHILD-O", "channel": "sch", "customer": "SCHILD-C", "priority": 3, "placed_at": "2026-02-01", "requested_at": "2029-06-01", "instructions": "ring twice",
	"ship_to": {"name": "N", "city": "C", "country": "GB"}, "payment": {"method": "card", "reference": "sch-1"}, "lines": [{"sku": "SCHILD-1", "quantity": 20, "unit_price": 2.55}, {"sku": "SCHILD-2", "quantity": 1, "unit_price": 10}]}');
SELECT usom.split_order(pg_temp.no('SCHILD-O'), '[{"line_no": 1, "quantity": 6}]', 'billed apart') = pg_temp.child('SCHILD-O') AS is_child;
SELECT * FROM pg_temp.family('SCHILD-O');
SELECT parent_order_no = pg_temp.no('SCHILD-O') AS linked, external_id, customer, channel, currency, priority, placed_at, requested_at, ship_to->>'city' AS city, payment, instructions, total, version FROM usom.orders WHERE order_no = pg_temp.child('SCHILD-O');
SELECT usom.order_as_of(pg_temp.child('SCHILD-O'), now() + interval '1 hour')->>'parent_order_no' IS NOT NULL AS told;
SELECT CASE WHEN o.parent_order_no IS NULL THEN 'parent' ELSE 'child' END AS who, h.event, h.reason, h.reference IS NOT NULL AS names_the_other FROM usom.order_history h JOIN usom.sales_order s USING (org_id, sales_order_id) JOIN usom.orders o USING (order_no)
	WHERE o.external_id = 'SCHILD-O' OR o.parent_order_no = pg_temp.no('SCHILD-O') ORDER BY 1 DESC, h.version;
SELECT CASE WHEN o.parent_order_no IS NULL THEN 'parent' ELSE 'child' END AS who, x.kind, x.reference, x.open FROM usom.exceptions x JOIN usom.orders o USING (order_no) WHERE o.external_id = 'SCHILD-O' OR o.parent_order_no = pg_temp.no('SCHILD-O') ORDER BY 1, 2, 4;
SELECT e.kind, e.payload ?| ARRAY['child_order_no', 'parent_order_no'] AS names_the_other FROM usom.events e WHERE e.kind = 'order_split';
-- The parent is cancelled; the child goes on, and gets its units.
SELECT status FROM usom.cancel_order(pg_temp.no('SCHILD-O'), 'no longer');
SELECT l.status, l.quantity_backordered FROM usom.order_lines l WHERE order_no = pg_temp.child('SCHILD-O');
SELECT filled FROM usom.receive_supply('SCHILD-PO-1');
SELECT * FROM pg_temp.family('SCHILD-O') WHERE who = 'child';
SELECT pg_temp.refused(format('SELECT usom.split_order(%L)', pg_temp.child('SCHILD-O')));

-- ---- amounts: discounts, freight and taxes, and prices of a fraction of a cent ----
INSERT INTO usom.promotion (code, segment, percent) VALUES ('SCHILD-10', 'sch', 7.3);
INSERT INTO usom.freight_charge (name, channel, currency, order_price, unit_price) VALUES ('sch', 'sch', 'EUR', 4.99, 0.07);
SELECT total, quantity_backordered FROM usom.place_order('{"external_id": "SCHILD-M", "channel": "sch", "customer": "SCHILD-C", "currency": "EUR", "lines": [
	{"sku": "SCHILD-3", "quantity": 7, "unit_price": 0.333}, {"sku": "SCHILD-2", "quantity": 3, "unit_price": 19.99}]}');
SELECT status FROM usom.set_order_tax(pg_temp.no('SCHILD-M'), '[{"line_no": 1, "amount": 0.41}, {"line_no": 2, "amount": 9.57, "included": true}]');
SELECT line_no, total, discount, freight, tax FROM usom.order_lines WHERE order_no = pg_temp.no('SCHILD-M');
SELECT usom.split_order(pg_temp.no('SCHILD-M'), '[{"line_no": 2, "quantity": 1}, {"line_no": 1, "quantity": 3}]') IS NOT NULL AS split;
SELECT CASE WHEN o.parent_order_no IS NULL THEN 'parent' ELSE 'child' END AS who, l.line_no, l.quantity, l.quantity_cancelled, l.total, l.discount, l.freight, l.tax FROM usom.order_lines l JOIN usom.orders o USING (order_no) WHERE o.external_id = 'SCHILD-M' OR o.parent_order_no = pg_temp.no('SCHILD-M') ORDER BY 1 DESC, 2;

-- Random orders, each split up to four times: the sums never move.
SET jit = off;
CREATE FUNCTION pg_temp.sums(no text) RETURNS TABLE (total numeric, tax numeric, units numeric) LANGUAGE sql AS $$
	SELECT sum(l.total), sum(coalesce(usom._part(l.tax, l.quantity - l.quantity_cancelled, l.quantity, l.decimals), 0)), sum(l.quantity - l.quantity_cancelled)
	FROM usom.sales_order p JOIN usom.sales_order o ON o.org_id = p.org_id AND (o.sales_order_id = p.sales_order_id OR o.parent_order_id = p.sales_order_id)
	JOIN usom.order_line l ON l.org_id = o.org_id AND l.sales_order_id = o.sales_order_id WHERE p.org_id = usom.current_org() AND p.order_no = $1
$$;
CREATE FUNCTION pg_temp.splits(rounds integer) RETURNS TABLE (children integer, broken integer) LANGUAGE plpgsql AS $$
DECLARE
	o text;
	whole record;
	line record;
BEGIN
	PERFORM setseed(0.42);
	children := 0;
	broken := 0;
	FOR i IN 1 .. rounds LOOP
		SELECT p.order_no INTO o FROM usom.place_order(jsonb_build_object('external_id', 'SCHILD-R-' || i, 'channel', 'sch', 'currency', CASE WHEN i % 3 > 0 THEN 'EUR' ELSE 'JPY' END, 'customer', CASE WHEN i % 2 = 0 THEN 'SCHILD-C' END,
			'lines', (SELECT jsonb_agg(jsonb_build_object('sku', 'SCHILD-' || 2 + n % 2, 'quantity', CASE WHEN i % 5 = 0 THEN round((1 + random() * 20)::numeric, 3) ELSE 1 + floor(random() * 20) END,
				'unit_price', round((random() * CASE WHEN n = 1 THEN 0.9 ELSE 90 END)::numeric, CASE WHEN i % 4 = 0 THEN 2 ELSE 4 END))
				) FROM generate_series(1, 3) n))) p;
		IF i % 3 > 0 THEN
			PERFORM usom.set_order_tax(o, (SELECT jsonb_agg(jsonb_build_object('line_no', n, 'amount', round(random()::numeric, 2), 'included', false)) FROM generate_series(1, 2) n));
		END IF;
		SELECT s.* INTO whole FROM pg_temp.sums(o) s;
		FOR round IN 1 .. 4 LOOP
			SELECT l.line_no, CASE WHEN l.quantity_backordered = floor(l.quantity_backordered) THEN 1 + floor(random() * (l.quantity_backordered::numeric - 1)::float8) ELSE round(l.quantity_backordered / 2, 3) END AS quantity INTO line
			FROM usom.order_line l JOIN usom.sales_order s USING (org_id, sales_order_id) WHERE s.org_id = usom.current_org() AND s.order_no = o AND l.quantity_backordered > 1 ORDER BY random() LIMIT 1;
			CONTINUE WHEN NOT FOUND;
			PERFORM usom.split_order(o, jsonb_build_array(jsonb_build_object('line_no', line.line_no, 'quantity', line.quantity)));
			children := children + 1;
			broken := broken + (whole IS DISTINCT FROM (SELECT s FROM pg_temp.sums(o) s))::integer;
		END LOOP;
	END LOOP;
	RETURN NEXT;
END
$$;
SELECT children > 50 AS many, broken FROM pg_temp.splits(25);
SELECT * FROM usom.verify();

-- ---- what is refused ----
SELECT order_no AS o FROM usom.place_order('{"external_id": "SCHILD-X", "lines": [{"sku": "SCHILD-2", "quantity": 2}, {"sku": "SCHILD-3", "quantity": 5, "partial": false}]}') \gset
SELECT pg_temp.refused(format('SELECT usom.split_order(%L)', :'o'));
SELECT pg_temp.refused(format('SELECT usom.split_order(%L, %L)', :'o', '[{"line_no": 1, "quantity": 3}]'));
SELECT pg_temp.refused(format('SELECT usom.split_order(%L, %L)', :'o', '[{"line_no": 2, "quantity": 1}]'));
SELECT pg_temp.refused(format('SELECT usom.split_order(%L, %L)', :'o', '[]'));
SELECT pg_temp.refused('SELECT usom.split_order(''SCHILD-NONE'')');
SELECT status FROM usom.hold_order(:'o', 'fraud', 'look');
SELECT pg_temp.refused(format('SELECT usom.split_order(%L, %L)', :'o', '[{"line_no": 1, "quantity": 1}]'));
SELECT status FROM usom.release_hold(:'o', 'fraud', 'all right');
SELECT usom.add_supply('purchase', 'SCHILD-A', 'SCHILD-2', 2, '2030-05-01', order_no => :'o', line_no => 1) IS NOT NULL AS added;
SELECT pg_temp.refused(format('SELECT usom.split_order(%L, %L)', :'o', '[{"line_no": 1, "quantity": 1}]'));
SELECT usom.split_order(:'o', '[{"line_no": 2, "quantity": 5}]') IS NOT NULL AS a_whole_line_goes;
UPDATE usom.freight_charge SET valid_to = now() WHERE name = 'sch';
UPDATE usom.promotion SET active = false WHERE code = 'SCHILD-10';
SELECT * FROM usom.verify();
