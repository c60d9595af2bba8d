-- E18: products are ordered in boxes of twelve, or parts of one; what is kept is exact, and so is what it costs.
BEGIN;
SET LOCAL TIME ZONE 'UTC';
INSERT INTO usom.organisation (code) VALUES ('unit');
SET LOCAL usom.org = 'unit';
INSERT INTO usom.channel (code, pricing) VALUES ('list', 'list');
INSERT INTO usom.channel (code) VALUES ('shop');
INSERT INTO usom.location (code) VALUES ('U');
INSERT INTO usom.product (sku, unit) VALUES ('PEN', 'each'), ('BOXED', 'box'), ('LISTED', 'each');
INSERT INTO usom.product_unit (sku, unit, quantity) VALUES ('PEN', 'box', 12), ('LISTED', 'box', 12);
INSERT INTO usom.product_unit (sku, unit, quantity, divisible) VALUES ('PEN', 'pallet', 5760, false);
INSERT INTO usom.product_unit (sku, unit, quantity, per) VALUES ('BOXED', 'each', 1, 12);
SELECT sku, available FROM usom.receive_stock('U', 'PEN', 100000);
SELECT sku, available FROM usom.receive_stock('U', 'BOXED', 10);
CREATE FUNCTION pg_temp.refused(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	EXECUTE command;
	RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(detail, ''));
END
$$;
CREATE FUNCTION pg_temp.no(id text) RETURNS text LANGUAGE sql AS $$ SELECT order_no FROM usom.orders WHERE external_id = id $$;

SELECT usom.convert_quantity('PEN', 2, 'box'), usom.convert_quantity('PEN', 0.633, 'box'), usom.convert_quantity('PEN', 30, 'each', 'box'), usom.convert_quantity('BOXED', 6, 'each'), usom.convert_quantity('PEN', 1, 'pallet', 'box');
SELECT pg_temp.refused($$SELECT usom.convert_quantity('BOXED', 5, 'each')$$);
SELECT pg_temp.refused($$SELECT usom.convert_quantity('BOXED', 5, 'crate')$$);

-- Ten for a box of twelve: what one costs does not come out, what two boxes, a part of one, and a thousand cost does.
SELECT status, total, quantity_reserved, messages FROM usom.place_order('{"external_id": "UNIT-1", "channel": "shop", "lines": [
	{"sku": "PEN", "quantity": 2, "unit": "box", "unit_price": 10}, {"sku": "PEN", "quantity": 0.633, "unit": "box", "unit_price": 10},
	{"sku": "PEN", "quantity": 1000, "unit": "box", "unit_price": 10}, {"sku": "PEN", "quantity": 7, "unit": "each", "unit_price": 0.9},
	{"sku": "BOXED", "quantity": 18, "unit": "each", "unit_price": 1.25}]}');
SELECT line_no, sku, quantity, unit_price, total FROM usom.order_lines WHERE order_no = pg_temp.no('UNIT-1') ORDER BY line_no;
SELECT line_no, unit, quantity, quantity_open, unit_price, base_unit, base_quantity FROM usom.line_units WHERE order_no = pg_temp.no('UNIT-1') ORDER BY line_no;
SELECT line_no, step, unit_price, before, after, reason FROM usom.explain_price(pg_temp.no('UNIT-1')) ORDER BY step_no;
SELECT outcome, sqlstate FROM usom.place_orders('[{"external_id": "UNIT-1", "channel": "shop", "lines": [{"sku": "PEN", "quantity": 2, "unit": "box", "unit_price": 10}]}]');

-- What cannot be.
SELECT pg_temp.refused(format('SELECT usom.place_order(%L)', d)) FROM (VALUES
	('{"lines": [{"sku": "BOXED", "quantity": 5, "unit": "each"}]}'),
	('{"lines": [{"sku": "PEN", "quantity": 0.5, "unit": "pallet"}]}'),
	('{"lines": [{"sku": "PEN", "quantity": 1, "unit": "crate"}, {"sku": "NONE", "quantity": 1, "unit": "box"}]}'),
	('{"lines": [{"sku": "PEN", "quantity": 1, "unit": 12}]}'),
	('{"lines": [{"sku": "PEN", "quantity": 999999999999, "unit": "box"}]}')) AS t (d);
SELECT jsonb_path_query_array(usom.quote('{"lines": [{"sku": "PEN", "quantity": 1, "unit": "crate"}]}'), '$.problems[*].path');
SELECT usom.quote('{"lines": [{"sku": "PEN", "quantity": 3, "unit": "box", "unit_price": 10}]}') -> 'total';

-- List prices of boxes, beside those of one; a box is priced as such though twelve would be more.
INSERT INTO usom.price (sku, currency, unit_price) VALUES ('LISTED', 'EUR', 1);
INSERT INTO usom.price (sku, currency, unit_price, unit) VALUES ('LISTED', 'EUR', 10, 'box');
SELECT pg_temp.refused($$INSERT INTO usom.price (sku, unit_price, unit) VALUES ('LISTED', 10, 'crate')$$);
SELECT status, total FROM usom.place_order('{"external_id": "UNIT-2", "channel": "list", "currency": "EUR", "lines": [{"sku": "LISTED", "quantity": 700, "unit": "box"}, {"sku": "LISTED", "quantity": 3}]}');
SELECT line_no, step, unit_price, before, after, reason FROM usom.explain_price(pg_temp.no('UNIT-2')) ORDER BY step_no;
INSERT INTO usom.promotion (code, percent, category) VALUES ('UNIT-TEN', 10, 'unit');
UPDATE usom.product SET category = 'unit' WHERE sku = 'LISTED';
SELECT status, total FROM usom.place_order('{"external_id": "UNIT-3", "channel": "list", "currency": "EUR", "lines": [{"sku": "LISTED", "quantity": 700, "unit": "box"}]}');

-- Changes: a quantity in boxes, another price, a new line, a unit that the product has not.
SELECT status FROM usom.change_order(pg_temp.no('UNIT-1'), '{"lines": [{"line_no": 1, "quantity": 3, "unit": "box"}, {"line_no": 3, "quantity": 500, "unit": "box", "unit_price": 11}, {"sku": "PEN", "quantity": 1, "unit": "pallet", "unit_price": 4000}]}');
SELECT u.line_no, u.unit, u.quantity, u.unit_price, l.unit_price AS share, l.total FROM usom.line_units u JOIN usom.order_lines l USING (order_no, line_no) WHERE order_no = pg_temp.no('UNIT-1') ORDER BY line_no;
SELECT pg_temp.refused(format('SELECT usom.change_order(%L, %L)', pg_temp.no('UNIT-1'), c)) FROM (VALUES
	('{"lines": [{"line_no": 1, "quantity": 1, "unit": "crate"}]}'), ('{"lines": [{"line_no": 1, "unit": "box"}]}'),
	('{"lines": [{"sku": "PEN", "quantity": 1.5, "unit": "pallet"}]}')) AS t (c);
SELECT * FROM usom.verify();

-- Any sequence of splits, cancels, shipments and returns: nothing is left over, in neither unit.
CREATE FUNCTION pg_temp.wear_out(rounds integer) RETURNS TABLE (orders bigint, open numeric, left_over bigint, unpaid numeric) LANGUAGE plpgsql AS $$
DECLARE
	o text;
	part numeric;
	rest numeric;
BEGIN
	PERFORM setseed(0.18);
	FOR i IN 1 .. rounds LOOP
		SELECT p.order_no INTO o FROM usom.place_order(jsonb_build_object('external_id', 'WEAR-' || i, 'channel', 'shop', 'lines', jsonb_build_array(
			jsonb_build_object('sku', 'PEN', 'quantity', CASE i % 3 WHEN 0 THEN 0.633 ELSE round((1 + random() * 20)::numeric, 3) END, 'unit', 'box', 'unit_price', 10)))) p;
		LOOP
			SELECT l.quantity - l.quantity_cancelled - l.quantity_shipped INTO rest FROM usom.order_lines l WHERE l.order_no = o;
			EXIT WHEN rest = 0;
			part := CASE WHEN rest < 1 THEN rest ELSE least(rest, greatest(0.000001, round((random() * rest)::numeric, (random() * 6)::integer))) END;
			IF random() < 0.4 THEN
				PERFORM usom.cancel_line(o, 1, part, 'less');
			ELSE
				PERFORM usom.release_order(o);
				PERFORM usom.ship(o, jsonb_build_array(jsonb_build_object('line_no', 1, 'quantity', part)));
			END IF;
		END LOOP;
	END LOOP;
	RETURN QUERY SELECT count(*), sum(u.quantity_open), count(*) FILTER (WHERE round(u.base_quantity / 12, 6) <> u.quantity),
		sum(round(u.unit_price * u.base_quantity / 12, 2) - (round(l.unit_price * u.base_quantity, 2) - l.discount))
	FROM usom.line_units u JOIN usom.sales_order s USING (order_no)
	JOIN usom.order_line l ON l.org_id = s.org_id AND l.sales_order_id = s.sales_order_id AND l.line_no = u.line_no
	WHERE s.external_id LIKE 'WEAR-%' AND s.org_id = usom.current_org();
END
$$;
SELECT * FROM pg_temp.wear_out(60);
SELECT * FROM usom.verify();

-- An order that is split off has the unit with it, and both together cost what one did.
SELECT total AS whole FROM usom.place_order('{"external_id": "UNIT-4", "channel": "shop", "lines": [{"sku": "BOXED", "quantity": 240, "unit": "each", "unit_price": 0.07}]}') \gset
SELECT usom.split_order(pg_temp.no('UNIT-4'), '[{"line_no": 1, "quantity": 2.25}]') AS child \gset
SELECT unit, quantity, quantity_open, quantity_cancelled FROM usom.line_units WHERE order_no IN (pg_temp.no('UNIT-4'), :'child') ORDER BY order_no;
SELECT sum(total) = :whole AS same FROM usom.orders WHERE order_no IN (pg_temp.no('UNIT-4'), :'child');
SELECT * FROM usom.verify();
ROLLBACK;
