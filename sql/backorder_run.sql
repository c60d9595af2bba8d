-- Who gets scarce stock: backorder runs and their seven strategies (E22).
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
\set ON_ERROR_ROLLBACK on
SET LOCAL timezone = 'UTC';
INSERT INTO usom.location (code) VALUES ('BR-W');
INSERT INTO usom.customer (code, segment) VALUES ('BR-A', 'key account'), ('BR-C', 'shop'), ('BR-D', 'shop'), ('BR-I', NULL);
-- units of a product: on the shelf, ordered with indent, by C long ago, by A late; who has what comes back
CREATE FUNCTION pg_temp.begin_case(sku text, shelf numeric, indent numeric, old numeric, late numeric) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO usom.product (sku) VALUES (begin_case.sku);
	PERFORM usom.receive_stock('BR-W', sku, shelf);
	PERFORM usom.place_order(jsonb_build_object('external_id', sku || ' ' || q.who, 'customer', 'BR-' || q.who, 'order_type', q.type, 'priority', q.priority,
			'placed_at', q.placed_at, 'lines', jsonb_build_array(jsonb_build_object('sku', sku, 'quantity', q.quantity))))
	FROM (VALUES ('I', 'indent', 5, indent, '2026-01-01'), ('C', 'standard', 5, old, '2026-02-01'), ('A', 'standard', 1, late, '2026-11-01')) AS q (who, type, priority, quantity, placed_at)
	WHERE q.quantity > 0;
END
$$;
CREATE VIEW pg_temp.who_has AS
	SELECT split_part(o.external_id, ' ', 1) AS sku, split_part(o.external_id, ' ', 2) AS who, trim_scale(l.quantity) AS wants, trim_scale(l.quantity_reserved) AS has,
		trim_scale(l.quantity_backordered) AS waits, trim_scale(l.quantity_released + l.quantity_picked) AS further
	FROM usom.sales_order o JOIN usom.order_line l USING (org_id, sales_order_id) WHERE o.external_id LIKE 'BR-%' ORDER BY o.external_id COLLATE "C";
-- numbers of orders and runs go on from test to test
CREATE FUNCTION pg_temp.run(variant text, simulate boolean DEFAULT false) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	SELECT * INTO r FROM usom.backorder_run(variant, simulate);
	PERFORM set_config('br.run', r.run_no, true);
	RETURN format('%s: %s products, %s changed, %s lines of %s orders, %s exceptions', r.status, r.items, r.items_changed, r.lines_changed, r.orders_changed, r.exceptions);
END
$$;
CREATE VIEW pg_temp.difference AS
	SELECT o.external_id AS "order", c.line_no, c.variant, c.quantity_before AS before, c.quantity_after AS after, c.promised_before IS NOT NULL AS promised_before,
		c.promised_after IS NOT NULL AS promised_after, c.reason
	FROM usom.backorder_changes c JOIN usom.orders o USING (order_no) WHERE c.run_no = current_setting('br.run') ORDER BY 1, 2;
CREATE VIEW pg_temp.told AS
	SELECT o.external_id AS "order", e.kind, e.payload->>'quantity_before' AS before, e.payload->>'quantity' AS after, e.payload->>'reason' AS reason
	FROM usom.events e JOIN usom.orders o USING (order_no) WHERE e.payload->>'run_no' = current_setting('br.run') ORDER BY 1, 2;

-- ---- variants: rows, refused when they are wrong ----
INSERT INTO usom.backorder_variant (code, name) VALUES ('BR-GAIN', 'What can be had');
INSERT INTO usom.backorder_segment (variant, rank, strategy, segments) VALUES ('BR-GAIN', 1, 'gain', '{key account}');
INSERT INTO usom.backorder_segment (variant, rank, strategy) VALUES ('BR-GAIN', 2, 'redistribute');
INSERT INTO usom.backorder_variant (code, fallback) VALUES ('BR-WIN', 'BR-GAIN');
INSERT INTO usom.backorder_segment (variant, rank, strategy, segments) VALUES ('BR-WIN', 1, 'win', '{key account}');
INSERT INTO usom.backorder_segment (variant, rank, strategy, segments) VALUES ('BR-WIN', 2, 'redistribute', '{shop}');
INSERT INTO usom.backorder_variant (code, on_exception) VALUES ('BR-STOP', 'stop_run');
INSERT INTO usom.backorder_segment (variant, rank, strategy, segments) VALUES ('BR-STOP', 1, 'win', '{key account}'), ('BR-STOP', 2, 'redistribute', '{shop}');
INSERT INTO usom.backorder_variant (code) SELECT 'BR-' || upper(s) FROM unnest(ARRAY['fill', 'lose', 'skip', 'improve']) s;
INSERT INTO usom.backorder_segment (variant, rank, strategy, segments)
	SELECT 'BR-' || upper(s), r, CASE r WHEN 1 THEN 'win' ELSE s END, CASE r WHEN 1 THEN '{key account}' ELSE '{shop}' END::text[]
	FROM unnest(ARRAY['fill', 'lose', 'skip', 'improve']) s, generate_series(1, 2) r;
\set VERBOSITY terse
INSERT INTO usom.backorder_variant (code, fallback) VALUES ('BR-LOOP', 'BR-LOOP');
UPDATE usom.backorder_variant SET fallback = 'BR-WIN' WHERE code = 'BR-GAIN';
INSERT INTO usom.backorder_variant (code, fallback) VALUES ('BR-X', 'nobody');
INSERT INTO usom.backorder_variant (code, skus) VALUES ('BR-X', '{nothing}');
INSERT INTO usom.backorder_variant (code, on_exception, fallback) VALUES ('BR-X', 'stop_run', 'BR-GAIN');
INSERT INTO usom.backorder_segment (variant, rank, strategy) VALUES ('BR-GAIN', 3, 'grab');
INSERT INTO usom.backorder_segment (variant, rank, strategy) VALUES ('BR-NONE', 1, 'win');
INSERT INTO usom.backorder_segment (variant, rank, strategy, channels) VALUES ('BR-GAIN', 3, 'win', '{nowhere}');
INSERT INTO usom.backorder_segment (variant, rank, strategy, customers) VALUES ('BR-GAIN', 3, 'win', '{nobody}');
INSERT INTO usom.backorder_segment (variant, rank, strategy, skus) VALUES ('BR-GAIN', 3, 'win', '{nothing}');
INSERT INTO usom.backorder_segment (variant, rank, strategy, order_types) VALUES ('BR-GAIN', 3, 'win', '{gift}');
INSERT INTO usom.backorder_segment (variant, rank, strategy, priority_from, priority_to) VALUES ('BR-GAIN', 3, 'win', 5, 1);
INSERT INTO usom.backorder_sort (variant, segment_rank, rank, expression) VALUES ('BR-GAIN', 1, 1, 'mood');
INSERT INTO usom.backorder_sort (variant, segment_rank, rank, expression) VALUES ('BR-GAIN', 1, 1, 'channel');
INSERT INTO usom.backorder_sort (variant, segment_rank, rank, expression, listed) VALUES ('BR-GAIN', 1, 1, 'priority', '{1}');
INSERT INTO usom.backorder_sort (variant, segment_rank, rank, expression, direction) VALUES ('BR-GAIN', 1, 1, 'value', 'down');
INSERT INTO usom.fill_priority (rank, expression, direction) VALUES (1, 'value', 'down');
UPDATE usom.backorder_variant SET code = 'BR-OTHER' WHERE code = 'BR-WIN';
DELETE FROM usom.backorder_variant WHERE code = 'BR-WIN';
UPDATE usom.backorder_run SET status = 'done';
DELETE FROM usom.backorder_change;
SELECT * FROM usom.backorder_run('BR-NONE');
SELECT * FROM usom.backorder_run(NULL);
SELECT * FROM usom.backorder_run('card 4111111111111111');
\set VERBOSITY default

-- ---- E22: 100 in all, 30 of them firm; an old order for 100 has 70, a late one for 80 has none ----
SELECT pg_temp.begin_case('BR-1', 100, 30, 100, 80);
SELECT * FROM pg_temp.who_has;
-- stop_run: 80 cannot be won of 70, and nothing changes
SELECT pg_temp.run('BR-STOP');
SELECT * FROM pg_temp.difference;
SELECT * FROM pg_temp.who_has;
SELECT status, variant, exceptions->0->>'sku' AS sku, exceptions->0->'wanted' AS wanted, exceptions->0->'possible' AS possible FROM usom.backorder_runs WHERE run_no = current_setting('br.run');
SELECT o.external_id AS "order", x.line_no, x.kind, x.reference, x.message FROM usom.exceptions x JOIN usom.orders o USING (order_no) WHERE o.external_id LIKE 'BR-%';
-- simulated: the difference alone
SELECT pg_temp.run('BR-WIN', simulate => true);
SELECT * FROM pg_temp.difference;
SELECT count(*) AS told FROM pg_temp.told;
SELECT * FROM pg_temp.who_has;
-- stop_item: an exception, and the fallback gives the late order what there is
SELECT pg_temp.run('BR-WIN');
SELECT * FROM pg_temp.difference;
SELECT * FROM pg_temp.told;
SELECT * FROM pg_temp.who_has;
SELECT o.external_id AS "order", x.line_no, x.kind, x.reference, x.message FROM usom.exceptions x JOIN usom.orders o USING (order_no) WHERE o.external_id LIKE 'BR-%' ORDER BY x.reference;
SELECT t.event, t.reference = current_setting('br.run') AS of_run FROM usom.timeline t JOIN usom.orders o USING (order_no) WHERE o.external_id = 'BR-1 A' ORDER BY t.version;
-- again: nothing changes
SELECT pg_temp.run('BR-WIN');
SELECT * FROM pg_temp.difference;

-- ---- second variants: fill keeps what is left, lose gives up all, improve and skip keep what they have ----
SELECT pg_temp.begin_case('BR-2', 100, 30, 70, 50);
SELECT pg_temp.run('BR-FILL');
SELECT * FROM pg_temp.difference;
SELECT pg_temp.run('BR-FILL');
SELECT pg_temp.begin_case('BR-3', 100, 30, 70, 50);
SELECT pg_temp.run('BR-LOSE');
SELECT * FROM pg_temp.difference WHERE "order" LIKE 'BR-3%';
SELECT pg_temp.run('BR-LOSE');
SELECT pg_temp.begin_case('BR-4', 100, 30, 50, 40);
CREATE VIEW pg_temp.exceptional AS SELECT o.external_id AS "order", x->'wanted' AS wanted, x->'possible' AS possible FROM usom.backorder_runs r, jsonb_array_elements(r.exceptions) x JOIN usom.orders o ON o.order_no = x->>'order_no' WHERE run_no = current_setting('br.run') ORDER BY 1;
SELECT pg_temp.run('BR-IMPROVE', true);
SELECT * FROM pg_temp.exceptional;
SELECT pg_temp.run('BR-SKIP', true);
SELECT * FROM pg_temp.exceptional;
SELECT * FROM pg_temp.who_has WHERE sku > 'BR-1';

-- ---- a case is closed when its line has all it wants ----
SELECT usom.receive_stock('BR-W', 'BR-1', 200) \g /dev/null
SELECT pg_temp.run('BR-STOP');
SELECT * FROM pg_temp.difference;
SELECT count(*) AS open_cases FROM usom.exceptions x JOIN usom.orders o USING (order_no) WHERE o.external_id = 'BR-1 A' AND x.resolved_at IS NULL;

-- ---- what is released or held, lines that are not to be cut ----
SELECT pg_temp.begin_case('BR-5', 10, 0, 10, 6);
SELECT usom.release_order(order_no) FROM usom.orders WHERE external_id = 'BR-5 C' \g /dev/null
SELECT pg_temp.run('BR-GAIN');
SELECT * FROM pg_temp.who_has WHERE sku = 'BR-5';
SELECT pg_temp.begin_case('BR-6', 10, 0, 10, 6);
INSERT INTO usom.hold_type (code, blocks) VALUES ('br-frozen', '{change}');
SELECT usom.hold_order(order_no, 'br-frozen', 'promised by the director') FROM usom.orders WHERE external_id = 'BR-6 C' \g /dev/null
SELECT pg_temp.run('BR-GAIN');
SELECT usom.release_hold(order_no, 'br-frozen', 'he left') FROM usom.orders WHERE external_id = 'BR-6 C' \g /dev/null
SELECT pg_temp.run('BR-GAIN');
SELECT * FROM pg_temp.difference;
INSERT INTO usom.product (sku) VALUES ('BR-7');
SELECT usom.receive_stock('BR-W', 'BR-7', 10) \g /dev/null
SELECT usom.place_order(jsonb_build_object('external_id', 'BR-7 ' || q.who, 'customer', 'BR-' || q.who, 'lines', jsonb_build_array(jsonb_build_object('sku', 'BR-7', 'quantity', q.quantity, 'partial', false))))
	FROM (VALUES ('C', 8), ('D', 2), ('A', 9)) AS q (who, quantity) \g /dev/null
SELECT pg_temp.run('BR-GAIN');
SELECT * FROM pg_temp.difference;
SELECT * FROM pg_temp.who_has WHERE sku = 'BR-7';

-- components of kits stay with their kits
INSERT INTO usom.product (sku, kind) VALUES ('BR-KIT', 'kit'), ('BR-PART', 'physical');
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity) VALUES (usom.product_id('BR-KIT'), usom.product_id('BR-PART'), 2);
SELECT usom.receive_stock('BR-W', 'BR-PART', 4) \g /dev/null
SELECT usom.place_order(jsonb_build_object('external_id', 'BR-KIT ' || q.who, 'customer', 'BR-' || q.who, 'lines', jsonb_build_array(jsonb_build_object('sku', q.sku, 'quantity', 2))))
	FROM (VALUES ('C', 'BR-KIT'), ('A', 'BR-PART')) AS q (who, sku) \g /dev/null
SELECT pg_temp.run('BR-GAIN');
SELECT * FROM pg_temp.difference;

-- ---- order within a segment: rows of backorder_sort ----
INSERT INTO usom.product (sku) VALUES ('BR-8');
SELECT usom.place_order(jsonb_build_object('external_id', 'BR-8 ' || q.who, 'channel', q.channel, 'customer', 'BR-' || q.customer, 'priority', q.priority, 'placed_at', q.placed_at, 'requested_at', q.requested_at,
		'lines', jsonb_build_array(jsonb_build_object('sku', 'BR-8', 'quantity', 10, 'unit_price', q.price))))
	FROM (VALUES ('1st', 'web', 'C', 5, 1.0, '2026-01-01', '2026-12-24'), ('2nd', 'edi', 'A', 5, 3.0, '2026-02-01', '2026-12-06'), ('3rd', 'web', 'D', 1, 2.0, '2026-03-01', NULL)) AS q (who, channel, customer, priority, price, placed_at, requested_at) \g /dev/null
SELECT usom.adjust_stock('BR-W', 'BR-8', 15, 'found') \g /dev/null
INSERT INTO usom.backorder_variant (code, skus) VALUES ('BR-SORT', '{BR-8}');
INSERT INTO usom.backorder_segment (variant, rank, strategy) VALUES ('BR-SORT', 1, 'redistribute');
CREATE FUNCTION pg_temp.sorted(expression text, direction text DEFAULT 'asc', listed text[] DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM usom.backorder_sort s WHERE s.variant = 'BR-SORT';
	INSERT INTO usom.backorder_sort (variant, segment_rank, rank, expression, direction, listed) VALUES ('BR-SORT', 1, 1, expression, direction, listed);
	PERFORM pg_temp.run('BR-SORT', true);
	RETURN (SELECT string_agg(format('%s %s', right("order", 3), after), ', ' ORDER BY after DESC) FROM pg_temp.difference);
END
$$;
SELECT pg_temp.run('BR-SORT', true);
SELECT "order", after FROM pg_temp.difference;
SELECT e.expression, e.direction, pg_temp.sorted(e.expression, e.direction, e.listed) FROM (VALUES ('priority', 'asc', NULL::text[]), ('placed_at', 'asc', NULL), ('placed_at', 'desc', NULL), ('value', 'desc', NULL),
	('requested_at', 'asc', NULL), ('requested_at', 'desc', NULL), ('channel', 'asc', '{edi,web}'), ('segment', 'asc', '{shop}'), ('segment', 'desc', '{shop}'), ('service_level', 'asc', '{none}')) e (expression, direction, listed);

-- ---- supply that is under way is dealt out, too: the first to come for the first in line ----
INSERT INTO usom.product (sku) VALUES ('BR-9');
SELECT usom.add_supply('purchase', 'BR-W', 'BR-9', 10, '2030-01-01', supply_no => 'BR-PO-1'), usom.add_supply('purchase', 'BR-W', 'BR-9', 10, '2031-01-01', supply_no => 'BR-PO-2') \g /dev/null
SELECT pg_temp.begin_case('BR-9x', 0.5, 0, 0, 0);
SELECT usom.place_order(jsonb_build_object('external_id', 'BR-9 ' || q.who, 'customer', 'BR-' || q.who, 'requested_at', q.requested_at, 'lines', jsonb_build_array(jsonb_build_object('sku', 'BR-9', 'quantity', 12))))
	FROM (VALUES ('C', NULL), ('A', '2030-06-01')) AS q (who, requested_at) \g /dev/null
CREATE VIEW pg_temp.pegged AS
	SELECT o.external_id AS "order", p.supply_no, p.quantity, p.promised_at::date FROM usom.order_pieces p JOIN usom.orders o USING (order_no) WHERE o.external_id LIKE 'BR-9 %' ORDER BY 1, 4, 2, 3;
SELECT * FROM pg_temp.pegged;
SELECT pg_temp.run('BR-WIN');
SELECT * FROM pg_temp.difference;
SELECT * FROM pg_temp.pegged;
SELECT pg_temp.run('BR-WIN');
SELECT usom.change_order(order_no, '{"lines": [{"line_no": 1, "quantity": 9}]}') FROM usom.orders WHERE external_id = 'BR-9 A' \g /dev/null
SELECT pg_temp.run('BR-WIN');
SELECT * FROM pg_temp.told WHERE "order" LIKE 'BR-9%';
SELECT * FROM pg_temp.pegged;

-- ---- locations that a sourcing rule bars do not serve, whatever is there ----
INSERT INTO usom.location (code, priority) VALUES ('BR-FAR', 9);
INSERT INTO usom.product (sku) VALUES ('BR-10');
SELECT usom.receive_stock('BR-FAR', 'BR-10', 5), usom.receive_stock('BR-W', 'BR-10', 2) \g /dev/null
SELECT usom.place_order(jsonb_build_object('external_id', 'BR-10 ' || q.who, 'channel', q.channel, 'customer', 'BR-' || q.who, 'lines', jsonb_build_array(jsonb_build_object('sku', 'BR-10', 'quantity', q.quantity))))
	FROM (VALUES ('C', 'manual', 5), ('D', 'manual', 2), ('A', 'web', 4)) AS q (who, channel, quantity) \g /dev/null
INSERT INTO usom.sourcing_rule (code, channels, excluded_locations) VALUES ('BR-NEAR', '{web}', '{BR-FAR}');
UPDATE usom.backorder_variant SET skus = '{BR-10}' WHERE code IN ('BR-WIN', 'BR-GAIN');
SELECT pg_temp.run('BR-WIN');
SELECT * FROM pg_temp.exceptional;
SELECT * FROM pg_temp.difference;
SELECT split_part(o.external_id, ' ', 2) AS who, p.location, p.status, p.quantity FROM usom.order_pieces p JOIN usom.orders o USING (order_no) WHERE o.external_id LIKE 'BR-10 %' ORDER BY 1, 3 DESC, 2;

-- ---- everything that is kept is right ----
SELECT * FROM usom.verify();
