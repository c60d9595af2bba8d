-- What waits of a line is cut into dated parts and made one again; price, total and shares stay (E8).
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
CREATE FUNCTION pg_temp.no(ref text) RETURNS text LANGUAGE sql AS $$SELECT order_no FROM usom.orders WHERE external_id = $1$$;
\set ECHO all
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.location (code) VALUES ('SPL-A');
INSERT INTO usom.product (sku) VALUES ('SPL-1'), ('SPL-2'), ('SPL-3');

-- Seven ordered at 0.333, four there in two lots, three wait.
SELECT usom.receive_stocks('[{"location": "SPL-A", "sku": "SPL-1", "quantity": 2, "lot": "L1"}, {"location": "SPL-A", "sku": "SPL-1", "quantity": 2, "lot": "L2"}]');
SELECT quantity_reserved, quantity_backordered, total FROM usom.place_order('{"external_id": "SPL-O", "lines": [{"sku": "SPL-1", "quantity": 7, "unit_price": 0.333}, {"sku": "SPL-1", "quantity": 1, "unit_price": 10}]}');
SELECT * FROM usom.piece_amounts(pg_temp.no('SPL-O'));
SELECT * FROM usom.split_backorder(pg_temp.no('SPL-O'), 1, '[{"quantity": 1, "promised_at": "2030-03-01"}]');
SELECT * FROM usom.piece_amounts(pg_temp.no('SPL-O'));
SELECT line_no, lot, status, quantity FROM usom.order_pieces WHERE order_no = pg_temp.no('SPL-O') ORDER BY line_no, piece_no;
SELECT status, total, promised_at FROM usom.orders WHERE external_id = 'SPL-O';
-- Again, and otherwise: a schedule takes the place of the one before; parts of one day are one part.
SELECT quantity, promised_at FROM usom.split_backorder(pg_temp.no('SPL-O'), 1, '[{"quantity": 0.5, "promised_at": "2030-04-01"}, {"quantity": 1, "promised_at": "2030-02-01"}, {"quantity": 1.5, "promised_at": "2030-04-01"}]');
-- Supply comes up: the part agreed for the earliest date counts on it first, and is promised for the later of the two dates.
SELECT usom.add_supply('purchase', 'SPL-A', 'SPL-1', 2, '2030-03-15', supply_no => 'SPL-PO-1');
SELECT l.line_no, p.quantity, p.promised_at, p.supply_no FROM usom.order_lines l JOIN usom.order_pieces p USING (order_no, line_no) WHERE order_no = pg_temp.no('SPL-O') AND p.status = 'backordered' ORDER BY 1, 3;
-- The supply slips past one agreed date: that part is late, the other as agreed.
SELECT expected_at, pegged FROM usom.change_supply('SPL-PO-1', expected_at => '2030-03-20');
SELECT line_no, piece_no, status, quantity, CASE WHEN status = 'backordered' THEN promised_at END AS promised_at, why, confidence, requested_at, late_by FROM usom.explain_promise(pg_temp.no('SPL-O'));
-- One again.
SELECT quantity, promised_at, supply_no FROM usom.merge_backorder(pg_temp.no('SPL-O'), 1);
SELECT sum(amount) = max(l.total) AS as_before FROM usom.piece_amounts(pg_temp.no('SPL-O')) a JOIN usom.order_lines l USING (line_no) WHERE l.order_no = pg_temp.no('SPL-O') AND line_no = 1;
SELECT h.event, h.line_no FROM usom.order_history h JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.external_id = 'SPL-O' ORDER BY h.version;

-- By what is expected; by a production rate for what counts on nothing, the rest in the last part.
SELECT quantity_backordered, promised_at FROM usom.place_order('{"external_id": "SPL-R", "lines": [{"sku": "SPL-2", "quantity": 25, "unit_price": 3}]}');
SELECT usom.add_supply('purchase', 'SPL-A', 'SPL-2', 5, '2030-01-31', supply_no => 'SPL-PO-2');
SELECT quantity, promised_at, supply_no FROM usom.split_backorder(pg_temp.no('SPL-R'), 1);
SELECT quantity, promised_at, supply_no FROM usom.split_backorder(pg_temp.no('SPL-R'), 1, '{"rate": {"quantity": 8, "every": "1 month", "from": "2030-02-28"}}');
SELECT * FROM usom.piece_amounts(pg_temp.no('SPL-R'));
SELECT promised_at FROM usom.orders WHERE external_id = 'SPL-R';
SELECT kind, payload - 'line_no' FROM usom.events WHERE order_no = pg_temp.no('SPL-R') ORDER BY event_no;

-- Amounts: whole by any weights, in the smallest unit of the currency, or finer where the amount is.
SELECT usom._shares(100, '{1,1,1}'), usom._shares(0.05, '{3,3,3,1}'), usom._shares(100, '{1,1,1}', 0), usom._shares(2.331, '{4,3}'), usom._shares(-10, '{1,2}'), usom._shares(7, '{0,0}'), usom._shares(0, '{1,2}');
SELECT usom._minor_digits('JPY'), usom._minor_digits('GBP'), usom._minor_digits('KWD'), usom._minor_digits('CLF');
SELECT pg_temp.refused($$SELECT usom._shares(1, '{1,-1}')$$);
SELECT pg_temp.refused($$SELECT usom._shares('NaN', '{1}')$$);
-- Over any sequence of splits and merges the amounts sum to the total, the units to the quantity, and the header stays.
SELECT setseed(0.42);
CREATE FUNCTION pg_temp.splits(ref text, times integer) RETURNS TABLE (rounds integer, broken integer, most_pieces bigint) LANGUAGE plpgsql AS $$
DECLARE
	o text := pg_temp.no(ref);
	before record;
	n integer := 0;
	bad integer := 0;
	most bigint := 0;
	q numeric;
BEGIN
	SELECT r.total, l.total AS line_total, l.quantity INTO before FROM usom.orders r JOIN usom.order_lines l USING (order_no) WHERE order_no = o AND line_no = 1;
	FOR i IN 1 .. times LOOP
		CASE floor(random() * 4)::integer
			WHEN 0 THEN PERFORM usom.merge_backorder(o, 1);
			WHEN 1 THEN PERFORM usom.split_backorder(o, 1, jsonb_build_object('rate', jsonb_build_object('quantity', 1 + floor(random() * 9), 'every', '1 week', 'from', '2031-01-01')));
			WHEN 2 THEN PERFORM usom.split_backorder(o, 1);
			ELSE
				SELECT quantity_backordered INTO q FROM usom.order_lines WHERE order_no = o AND line_no = 1;
				PERFORM usom.split_backorder(o, 1, (SELECT jsonb_agg(jsonb_build_object('quantity', round((q / 4 * random())::numeric, 3) + 0.001, 'promised_at', date '2030-05-01' + (random() * 100)::integer)) FROM generate_series(1, 3)));
		END CASE;
		n := n + 1;
		bad := bad + (SELECT count(*) FROM (
			SELECT 1 FROM usom.piece_amounts(o) a WHERE a.line_no = 1 HAVING sum(a.amount) <> before.line_total OR sum(a.quantity) <> before.quantity
			UNION ALL SELECT 1 FROM usom.orders r JOIN usom.order_lines l USING (order_no) WHERE order_no = o AND line_no = 1 AND (r.total, l.total, l.quantity) <> (before.total, before.line_total, before.quantity)
			UNION ALL SELECT 1 FROM usom.verify_supply()) x)::integer;
		most := greatest(most, (SELECT count(*) FROM usom.order_pieces p WHERE p.order_no = o));
	END LOOP;
	RETURN QUERY SELECT n, bad, most;
END
$$;
SELECT rounds, broken, most_pieces > 5 AS was_split FROM pg_temp.splits('SPL-O', 60);
SELECT rounds, broken, most_pieces > 5 AS was_split FROM pg_temp.splits('SPL-R', 60);

-- What is refused.
SELECT order_no AS o FROM usom.orders WHERE external_id = 'SPL-R' \gset
SELECT pg_temp.refused(format('SELECT usom.split_backorder(%L, 1, %L)', :'o', '[{"quantity": 26, "promised_at": "2030-01-01"}]'));
SELECT pg_temp.refused(format('SELECT usom.split_backorder(%L, 1, %L)', :'o', '[{"quantity": 1, "promised_at": "2020-01-01"}]'));
SELECT pg_temp.refused(format('SELECT usom.split_backorder(%L, 1, %L)', :'o', '[{"quantity": 0, "promised_at": "2030-01-01"}]'));
SELECT pg_temp.refused(format('SELECT usom.split_backorder(%L, 1, %L)', :'o', '[{"quantity": 1}]'));
SELECT pg_temp.refused(format('SELECT usom.split_backorder(%L, 1, %L)', :'o', '[{"quantity": 1, "promised_at": "2030-01-01", "colour": 1}]'));
SELECT pg_temp.refused(format('SELECT usom.split_backorder(%L, 1, %L)', :'o', '[]'));
SELECT pg_temp.refused(format('SELECT usom.split_backorder(%L, 1, %L)', :'o', '[3]'));
SELECT pg_temp.refused(format('SELECT usom.split_backorder(%L, 1, %L)', :'o', '7'));
SELECT pg_temp.refused(format('SELECT usom.split_backorder(%L, 1, %L)', :'o', '{"speed": 1}'));
SELECT pg_temp.refused(format('SELECT usom.split_backorder(%L, 1, %L)', :'o', '{"rate": {"quantity": 1}}'));
SELECT pg_temp.refused(format('SELECT usom.split_backorder(%L, 1, %L)', :'o', '{"rate": {"quantity": 1, "every": "-1 day"}}'));
SELECT pg_temp.refused(format('SELECT usom.split_backorder(%L, 1, %L)', :'o', '{"rate": {"quantity": 0.000001, "every": "1 day"}}'));
SELECT pg_temp.refused(format('SELECT usom.split_backorder(%L, 9)', :'o'));
SELECT pg_temp.refused(format('SELECT usom.split_backorder(%L, NULL)', :'o'));
SELECT pg_temp.refused('SELECT usom.merge_backorder(''SPL-NONE'', 1)');
SELECT quantity_backordered FROM usom.place_order('{"external_id": "SPL-W", "lines": [{"sku": "SPL-3", "quantity": 5, "partial": false}]}');
SELECT pg_temp.refused(format('SELECT usom.split_backorder(%L, 1, %L)', pg_temp.no('SPL-W'), '[{"quantity": 1, "promised_at": "2030-01-01"}]'));
SELECT status FROM usom.hold_order(:'o', 'fraud', 'look');
SELECT pg_temp.refused(format('SELECT usom.split_backorder(%L, 1)', :'o'));
SELECT status FROM usom.release_hold(:'o', 'fraud', 'all right');
SELECT pg_temp.refused('SELECT usom.explain_promise(''SPL-NONE'')');
SELECT pg_temp.refused('SELECT usom.piece_amounts(''SPL-NONE'')');
SELECT filled FROM usom.receive_supply('SPL-PO-2');
SELECT status FROM usom.cancel_order(:'o', 'enough');
SELECT pg_temp.refused(format('SELECT usom.split_backorder(%L, 1)', :'o'));
SELECT * FROM usom.piece_amounts(:'o') ORDER BY 1, 2 LIMIT 2;
SELECT * FROM usom.verify();
