-- Kits (src/order/kit.c, src/api/whole.c): orders with kits live random lives,
-- and after each step a kit is as far as a reading of the words says
-- (usom.verify_kits(), written anew), its components are multiples of it, and
-- of kits that are served whole no component is reserved for a part of one.
SELECT setseed((:seed % 997) / 1000.0) IS NULL AS seeded \gset
SET client_min_messages = warning;
INSERT INTO usom.location (code, priority) VALUES ('L1', 1), ('L2', 2), ('L3', 3);
INSERT INTO usom.product (sku, kind, kit_policy) SELECT 'S' || i, 'physical', 'whole' FROM generate_series(1, 5) AS i
	UNION ALL VALUES ('S6', 'service', 'whole'), ('KW', 'kit', 'whole'), ('KP', 'kit', 'parts'), ('KN', 'kit', 'whole'), ('KS', 'kit', 'whole');
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity)
SELECT usom.product_id(k), usom.product_id(c), q FROM (VALUES ('KW', 'S1', 2), ('KW', 'S2', 1), ('KW', 'S6', 1), ('KP', 'S2', 3), ('KP', 'S3', 1),
	('KN', 'KW', 1), ('KN', 'S1', 1), ('KN', 'S4', 0.25), ('KS', 'S6', 2)) AS c (k, c, q);

-- Whole kits: units reserved or further of each of its goods make the same number of kits, and nothing is left over.
CREATE FUNCTION twin.parts_of_kits() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('order %s kit line %s: %s', g.order_no, g.kit_line_no, g.had), '; ')
	FROM (
		SELECT o.order_no, c.kit_line_no, string_agg(format('%s of %s', trim_scale(u.had), trim_scale(c.kit_quantity)), ', ' ORDER BY c.line_no) AS had
		FROM usom.order_line c
			JOIN usom.sales_order o ON o.org_id = c.org_id AND o.sales_order_id = c.sales_order_id
			JOIN usom.order_line k ON k.org_id = c.org_id AND k.sales_order_id = c.sales_order_id AND k.line_no = c.kit_line_no
			JOIN usom.product p ON p.org_id = c.org_id AND p.product_id = c.product_id AND p.kind = 'physical'
			JOIN usom.product q ON q.org_id = k.org_id AND q.product_id = k.product_id AND q.kit_policy = 'whole'
			CROSS JOIN LATERAL (SELECT c.quantity_reserved + c.quantity_released + c.quantity_picked + c.quantity_packed + c.quantity_shipped
				+ c.quantity_delivered + c.quantity_returned AS had) u
		WHERE c.line_no <> c.kit_line_no
		GROUP BY o.order_no, c.kit_line_no
		HAVING count(DISTINCT u.had / c.kit_quantity) > 1 OR bool_or(u.had / c.kit_quantity <> floor(u.had / c.kit_quantity))
	) g
$$;

CREATE FUNCTION twin.one_of(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT choices[1 + floor(random() * cardinality(choices))::integer]
$$;

CREATE FUNCTION twin.line_of(o text) RETURNS integer LANGUAGE sql VOLATILE AS $$
	SELECT l.line_no FROM usom.order_lines l WHERE l.order_no = o ORDER BY l.kit_line_no IS NOT NULL, random() LIMIT 1
$$;

-- A random step; the command that made it.
CREATE FUNCTION twin.step() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	o text := (SELECT s.order_no FROM usom.sales_order s WHERE s.status < 'closed' ORDER BY random() LIMIT 1);
	n integer := 1 + floor(random() * 4)::integer;
	verb text := twin.one_of('place', 'place', 'place', 'cancel_line', 'change', 'change', 'receive', 'receive', 'fill', 'fill', 'reallocate', 'release', 'release',
		'ship', 'ship', 'ship', 'deliver', 'return', 'cancel', 'submit', 'adjust');
BEGIN
	RETURN CASE WHEN o IS NULL THEN 'SELECT usom.place_order(''{"lines": [{"sku": "KW", "quantity": 2}]}'')' ELSE CASE verb
		WHEN 'place' THEN format('SELECT usom.place_order(%L)', (SELECT jsonb_build_object('draft', random() < 0.15, 'lines', jsonb_agg(jsonb_build_object(
				'sku', twin.one_of('KW', 'KW', 'KP', 'KN', 'KS', 'S1', 'S2', 'S4'), 'quantity', 1 + floor(random() * 5), 'unit_price', i, 'partial', random() < 0.8)))
			FROM generate_series(1, 1 + floor(random() * 3)::integer) AS i))
		WHEN 'cancel_line' THEN format('SELECT usom.cancel_line(%L, %s, %s, NULL)', o, twin.line_of(o), n)
		WHEN 'change' THEN format('SELECT usom.change_order(%L, %L)', o, jsonb_build_object('lines', jsonb_build_array(CASE floor(random() * 5)::integer
			WHEN 0 THEN jsonb_build_object('sku', twin.one_of('KW', 'KP', 'KN', 'S3'), 'quantity', n)
			WHEN 1 THEN jsonb_build_object('line_no', twin.line_of(o), 'remove', true)
			WHEN 2 THEN jsonb_build_object('line_no', twin.line_of(o), 'location', twin.one_of('L1', 'L2', 'L3'))
			WHEN 3 THEN jsonb_build_object('line_no', twin.line_of(o), 'sku', twin.one_of('KW', 'KP', 'KN', 'S3'))
			ELSE jsonb_build_object('line_no', twin.line_of(o), 'quantity', n) END)))
		WHEN 'receive' THEN format('SELECT usom.receive_stock(%L, %L, %s)', twin.one_of('L1', 'L2', 'L3'), twin.one_of('S1', 'S1', 'S2', 'S3', 'S4'), n * 2)
		WHEN 'adjust' THEN format('SELECT usom.adjust_stock(%L, %L, -1, ''lost'')', twin.one_of('L1', 'L2', 'L3'), twin.one_of('S1', 'S2', 'S3'))
		WHEN 'fill' THEN format('SELECT usom.fill_backorders(%L)', twin.one_of('S1', 'S2', 'S3', NULL))
		WHEN 'reallocate' THEN format('SELECT usom.reallocate_order(%L, ''again'')', o)
		WHEN 'release' THEN format('SELECT usom.release_order(%L)', o)
		WHEN 'ship' THEN CASE WHEN random() < 0.5 THEN format('SELECT usom.ship(%L)', o)
			ELSE format('SELECT usom.ship(%L, %L)', o, jsonb_build_array(jsonb_build_object('line_no', twin.line_of(o), 'quantity', 1))) END
		WHEN 'deliver' THEN format('SELECT usom.deliver(%L)', (SELECT s.shipment_no FROM usom.shipments s WHERE s.status = 'shipped' ORDER BY random() LIMIT 1))
		WHEN 'return' THEN format('SELECT usom.receive_return(usom.authorize_return(%L, %L, NULL))', o,
			jsonb_build_array(jsonb_build_object('line_no', twin.line_of(o), 'quantity', 1)))
		WHEN 'cancel' THEN format('SELECT usom.cancel_order(%L, NULL)', o)
		ELSE format('SELECT usom.submit_order(%L)', o)
	END END;
END
$$;

CREATE FUNCTION twin.live(steps integer, OUT taken integer, OUT difference text) LANGUAGE plpgsql AS $$
DECLARE
	command text;
BEGIN
	taken := 0;
	FOR i IN 1..steps LOOP
		command := twin.step();
		BEGIN
			EXECUTE command;
			taken := taken + 1;
		EXCEPTION WHEN OTHERS THEN
			IF SQLSTATE NOT LIKE 'US%' AND SQLSTATE NOT IN ('22004') THEN
				difference := format('%s: %s %s', command, SQLSTATE, SQLERRM);
				RETURN;
			END IF;
			CONTINUE;
		END;
		difference := coalesce(twin.parts_of_kits(), (SELECT string_agg(v::text, '; ') FROM usom.verify_kits() v));
		IF difference IS NOT NULL THEN
			difference := format('after %s: %s', command, difference);
			RETURN;
		END IF;
	END LOOP;
	difference := (SELECT string_agg(v::text, '; ') FROM usom.verify() v);
END
$$;

SELECT 'kits at the first location that serves, after each step', taken, difference FROM twin.live(250 * :cases);
INSERT INTO usom.sourcing_rule (code, most_parts, smallest_part) VALUES ('R1', 2, 1);
UPDATE usom.location SET order_cost = 3 WHERE code = 'L1';
SELECT 'kits by rules and costs, after each step', taken, difference FROM twin.live(150 * :cases);
INSERT INTO usom.location_capacity (location_id, units) VALUES (usom.location_id('L2'), 4), (usom.location_id('L3'), 3);
SELECT 'kits under daily capacity, after each step', taken, difference FROM twin.live(100 * :cases);
