-- verify(): every kept value, broken on purpose behind the guards, is found and named.
\set VERBOSITY default
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
INSERT INTO usom.organisation (code, name) VALUES ('verify', 'Verify');
SET usom.org = 'verify';
UPDATE usom.document_counter SET gap_free = true WHERE org_id = usom.current_org();
INSERT INTO usom.location (code, priority) VALUES ('NORTH', 1), ('SOUTH', 2);
INSERT INTO usom.product (sku) VALUES ('TEA'), ('CUP');
INSERT INTO usom.product (sku, kind) VALUES ('POST', 'service');
INSERT INTO usom.customer (code) VALUES ('C-1');
SELECT usom.receive_stocks('[{"location": "NORTH", "sku": "TEA", "quantity": 20}, {"location": "SOUTH", "sku": "TEA", "quantity": 5, "lot": "L1"},
	{"location": "NORTH", "sku": "CUP", "quantity": 2}]');
-- 1 draft, 2 confirmed and held, 3 partially backordered, 4 partially shipped, 5 returned in part, 6 closed, 7 cancelled
SELECT p.order_no, p.status FROM unnest(ARRAY[
	'{"draft": true, "lines": [{"sku": "TEA", "quantity": 1, "unit_price": 2}]}',
	'{"customer": "C-1", "lines": [{"sku": "TEA", "quantity": 2, "unit_price": 2.5}, {"sku": "POST", "quantity": 1, "unit_price": 4.95}]}',
	'{"lines": [{"sku": "CUP", "quantity": 3, "unit_price": 1.25}]}',
	'{"lines": [{"sku": "TEA", "quantity": 4, "unit_price": 2.5}, {"sku": "TEA", "quantity": 3, "unit_price": 2.5, "location": "SOUTH"}]}',
	'{"lines": [{"sku": "TEA", "quantity": 5, "unit_price": 2.5}]}',
	'{"lines": [{"sku": "TEA", "quantity": 1, "unit_price": 2.5}]}',
	'{"lines": [{"sku": "TEA", "quantity": 1, "unit_price": 2.5}]}']::jsonb[]) d, usom.place_order(d) p;
SELECT status FROM usom.hold_order('SO-000002', 'address', 'no number');
SELECT o, status FROM unnest('{SO-000004,SO-000005,SO-000006}'::text[]) o, usom.release_order(o);
SELECT usom.ship('SO-000004', '[{"line_no": 1, "quantity": 3}, {"line_no": 2, "quantity": 3}]');
SELECT usom.ship(o) FROM unnest('{SO-000005,SO-000006}'::text[]) o;
SELECT s, d.status FROM unnest('{SH-000003,SH-000004}'::text[]) s, usom.deliver(s) d;
SELECT usom.authorize_return('SO-000005', '[{"line_no": 1, "quantity": 3}]', 'too strong');
SELECT * FROM usom.receive_return('RT-000001', '[{"line_no": 1, "quantity": 2}]');
SELECT status FROM usom.close_order('SO-000006');
SELECT status FROM usom.cancel_order('SO-000007', 'changed his mind');

-- As it is, all is well.
SELECT * FROM usom.verify();

-- Runs statements with all triggers off, says what verify() finds (but for the audit, which has tests of its own), and takes everything back.
CREATE FUNCTION pg_temp.broken(statements text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	kept regclass;
	found text[];
BEGIN
	BEGIN
		FOR kept IN SELECT oid FROM pg_class WHERE relnamespace = 'usom'::regnamespace AND relkind IN ('r', 'p') AND relhastriggers LOOP
			EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', kept);
		END LOOP;
		EXECUTE statements;
		SELECT array_agg(format('%s: %s: %s: expected %s, actual %s', v.area, regexp_replace(v.entity, '(#|product |location )\d+', '\1?', 'g'), v.problem,
			regexp_replace(v.expected, '#\d+', '#?'), regexp_replace(v.actual, '#\d+', '#?')) ORDER BY v.area COLLATE "C", v.entity COLLATE "C", v.problem COLLATE "C", v.expected COLLATE "C")
		INTO found
		FROM (
			SELECT * FROM usom.verify_stock()
			UNION ALL SELECT * FROM usom.verify_reserved()
			UNION ALL SELECT * FROM usom.verify_orders()
			UNION ALL SELECT * FROM usom.verify_money()
			UNION ALL SELECT * FROM usom.verify_returns()
		) v;
		RAISE EXCEPTION SQLSTATE 'ZZZZZ';
	EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
		NULL;
	END;
	RETURN QUERY SELECT unnest(coalesce(found, '{nothing found}'));
END
$$;
CREATE FUNCTION pg_temp.id(no text) RETURNS bigint LANGUAGE sql AS
	'SELECT sales_order_id FROM usom.sales_order WHERE org_id = usom.current_org() AND order_no = no';
CREATE FUNCTION pg_temp.shipment(no text) RETURNS bigint LANGUAGE sql AS
	'SELECT shipment_id FROM usom.shipment WHERE org_id = usom.current_org() AND shipment_no = no';

-- Counters.
SELECT pg_temp.broken($$UPDATE usom.order_line SET quantity_reserved = 1, quantity_backordered = 1 WHERE sales_order_id = pg_temp.id('SO-000002') AND line_no = 1$$);
SELECT pg_temp.broken($$UPDATE usom.order_line SET quantity_open = 1, quantity_released = 0 WHERE sales_order_id = pg_temp.id('SO-000004') AND line_no = 1$$);
SELECT pg_temp.broken($$ALTER TABLE usom.order_line DROP CONSTRAINT order_line_quantity_conserved; UPDATE usom.order_line SET quantity_picked = 1 WHERE sales_order_id = pg_temp.id('SO-000002') AND line_no = 1$$);
SELECT pg_temp.broken($$UPDATE usom.fulfillment_line SET quantity = 7 WHERE sales_order_id = pg_temp.id('SO-000005') AND status = 'delivered'$$);
SELECT pg_temp.broken($$DELETE FROM usom.fulfillment_line WHERE sales_order_id = pg_temp.id('SO-000003') AND status = 'backordered'$$);
SELECT pg_temp.broken($$INSERT INTO usom.fulfillment_line SELECT org_id, sales_order_id, line_no, 9, product_id, location_id, lot, status, quantity FROM usom.fulfillment_line WHERE sales_order_id = pg_temp.id('SO-000002') AND line_no = 2$$);

-- Statuses.
SELECT pg_temp.broken($$UPDATE usom.sales_order SET status = 'shipped' WHERE order_no = 'SO-000004' AND org_id = usom.current_org(); UPDATE usom.order_history SET to_status = 'shipped' WHERE sales_order_id = pg_temp.id('SO-000004') AND version = 3$$);
SELECT pg_temp.broken(format($$UPDATE usom.sales_order SET status = %L WHERE order_no = 'SO-000002' AND org_id = usom.current_org(); UPDATE usom.order_history SET to_status = %1$L WHERE sales_order_id = pg_temp.id('SO-000002') AND version = 2$$, s))
FROM unnest('{draft,submitted,processing,partially_shipped,shipped,delivered,closed,cancelled,rejected}'::text[]) s;
SELECT pg_temp.broken($$DELETE FROM usom.fulfillment_line WHERE sales_order_id = pg_temp.id('SO-000003'); DELETE FROM usom.order_line WHERE sales_order_id = pg_temp.id('SO-000003')$$);

-- History.
SELECT pg_temp.broken($$DELETE FROM usom.order_history WHERE sales_order_id = pg_temp.id('SO-000006') AND version = 3$$);
SELECT pg_temp.broken($$DELETE FROM usom.order_history WHERE sales_order_id = pg_temp.id('SO-000006') AND version = 1$$);
SELECT pg_temp.broken($$DELETE FROM usom.order_history WHERE sales_order_id = pg_temp.id('SO-000006') AND version = 5$$);
SELECT pg_temp.broken($$DELETE FROM usom.order_history WHERE sales_order_id = pg_temp.id('SO-000006')$$);
SELECT pg_temp.broken($$UPDATE usom.order_history SET to_status = 'shipped' WHERE sales_order_id = pg_temp.id('SO-000006') AND version = 4$$);
SELECT pg_temp.broken($$UPDATE usom.order_history SET to_status = 'delivered' WHERE sales_order_id = pg_temp.id('SO-000006') AND version = 5$$);
SELECT pg_temp.broken($$UPDATE usom.sales_order SET version = 9 WHERE order_no = 'SO-000001' AND org_id = usom.current_org()$$);

-- What refers to nothing.
SELECT pg_temp.broken($$DELETE FROM usom.channel WHERE org_id = usom.current_org() AND code = 'manual'$$);
SELECT pg_temp.broken($$DELETE FROM usom.customer WHERE org_id = usom.current_org()$$);
SELECT pg_temp.broken($$DELETE FROM usom.product WHERE org_id = usom.current_org() AND sku = 'CUP'$$);
SELECT pg_temp.broken($$DELETE FROM usom.location WHERE org_id = usom.current_org() AND code = 'SOUTH'$$);
SELECT pg_temp.broken($$DELETE FROM usom.sales_order WHERE sales_order_id = pg_temp.id('SO-000005')$$);
SELECT pg_temp.broken($$DELETE FROM usom.sales_order WHERE sales_order_id = pg_temp.id('SO-000002')$$);
SELECT pg_temp.broken($$DELETE FROM usom.order_line WHERE sales_order_id = pg_temp.id('SO-000002') AND line_no = 2$$);
SELECT pg_temp.broken($$UPDATE usom.hold SET line_no = 7 WHERE org_id = usom.current_org()$$);

-- Pieces and shipments.
SELECT pg_temp.broken($$UPDATE usom.fulfillment_line SET product_id = usom.product_id('CUP') WHERE sales_order_id = pg_temp.id('SO-000002') AND line_no = 1$$);
SELECT pg_temp.broken($$UPDATE usom.fulfillment_line SET location_id = usom.location_id('SOUTH') WHERE sales_order_id = pg_temp.id('SO-000002') AND line_no = 2$$);
SELECT pg_temp.broken($$UPDATE usom.fulfillment_line SET location_id = NULL WHERE sales_order_id = pg_temp.id('SO-000002') AND line_no = 1$$);
SELECT pg_temp.broken($$UPDATE usom.fulfillment_line SET location_id = usom.location_id('SOUTH') WHERE sales_order_id = pg_temp.id('SO-000006')$$);
SELECT pg_temp.broken($$UPDATE usom.fulfillment_line SET shipment_id = -1 WHERE sales_order_id = pg_temp.id('SO-000006')$$);
SELECT pg_temp.broken($$UPDATE usom.fulfillment_line SET shipment_id = pg_temp.shipment('SH-000003') WHERE sales_order_id = pg_temp.id('SO-000006')$$);
SELECT pg_temp.broken($$UPDATE usom.shipment SET status = 'shipped', delivered_at = NULL WHERE shipment_id = pg_temp.shipment('SH-000004')$$);
SELECT pg_temp.broken($$UPDATE usom.shipment SET sales_order_id = -1 WHERE shipment_id = pg_temp.shipment('SH-000004')$$);
SELECT pg_temp.broken($$UPDATE usom.shipment SET location_id = -1 WHERE shipment_id = pg_temp.shipment('SH-000004')$$);

-- Money.
SELECT pg_temp.broken($$UPDATE usom.order_line SET total = 5.01 WHERE sales_order_id = pg_temp.id('SO-000002') AND line_no = 1$$);
SELECT pg_temp.broken($$UPDATE usom.order_line SET unit_price = 2.4999 WHERE sales_order_id = pg_temp.id('SO-000005')$$);
SELECT pg_temp.broken($$UPDATE usom.sales_order SET total = total + 0.0001 WHERE sales_order_id = pg_temp.id('SO-000005')$$);

-- Stock against pieces.
SELECT pg_temp.broken($$UPDATE usom.stock SET reserved = reserved + 1 WHERE org_id = usom.current_org() AND lot = 'L1'$$);
SELECT pg_temp.broken($$UPDATE usom.stock_movement SET sales_order_id = NULL, kind = 'adjustment' WHERE org_id = usom.current_org() AND kind IN ('shipment', 'return') AND sales_order_id = pg_temp.id('SO-000005')$$);
SELECT pg_temp.broken($$DELETE FROM usom.stock WHERE org_id = usom.current_org() AND product_id = usom.product_id('CUP')$$);

-- Returns.
SELECT pg_temp.broken($$UPDATE usom.return_order SET status = 'authorized' WHERE org_id = usom.current_org()$$);
SELECT pg_temp.broken($$UPDATE usom.return_line SET quantity_received = 1, quantity_accepted = 1 WHERE org_id = usom.current_org()$$);
SELECT pg_temp.broken($$UPDATE usom.return_piece SET quantity = 1 WHERE org_id = usom.current_org()$$);
SELECT pg_temp.broken($$UPDATE usom.return_piece SET piece_no = 9 WHERE org_id = usom.current_org()$$);
SELECT pg_temp.broken($$UPDATE usom.return_piece SET disposition = 'scrap' WHERE org_id = usom.current_org()$$);
SELECT pg_temp.broken($$DELETE FROM usom.return_piece WHERE org_id = usom.current_org()$$);
SELECT pg_temp.broken($$UPDATE usom.return_line SET quantity = 6 WHERE org_id = usom.current_org()$$);
SELECT pg_temp.broken($$UPDATE usom.return_line SET line_no = 2 WHERE org_id = usom.current_org()$$);
SELECT pg_temp.broken($$DELETE FROM usom.return_line WHERE org_id = usom.current_org()$$);
SELECT pg_temp.broken($$DELETE FROM usom.return_order WHERE org_id = usom.current_org()$$);
SELECT pg_temp.broken($$UPDATE usom.return_order SET sales_order_id = -1 WHERE org_id = usom.current_org()$$);

-- And nothing of it stayed.
SELECT count(*) AS problems FROM usom.verify();
