-- An order's life past the executor, or by statements: both leave the same.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
INSERT INTO usom.organisation (code) VALUES ('life');
SET usom.org = 'life';
INSERT INTO usom.location (code, picks_up) VALUES ('LIF-A', true), ('LIF-B', false);
INSERT INTO usom.customer (code, name) VALUES ('LIF-C', 'A. Buyer');
INSERT INTO usom.product (sku) SELECT 'LIF-' || n FROM generate_series(1, 70) n;
INSERT INTO usom.product (sku, kind) VALUES ('LIF-SERVICE', 'service'), ('LIF-KIT', 'kit');
INSERT INTO usom.product (sku, decoupling) VALUES ('LIF-MADE', 'make_to_order');
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity) SELECT usom.product_id('LIF-KIT'), usom.product_id('LIF-' || n), n FROM generate_series(1, 2) n;
SELECT usom.receive_stocks((SELECT jsonb_agg(jsonb_build_object('location', l, 'sku', 'LIF-' || n, 'quantity', 10000)) FROM generate_series(1, 70) n, unnest('{LIF-A,LIF-B}'::text[]) l));
-- What an order left in every table, without what differs between any two orders.
CREATE FUNCTION pg_temp.left_of(key text) RETURNS SETOF jsonb LANGUAGE sql AS $$
	WITH o AS (SELECT org_id, sales_order_id FROM usom.sales_order WHERE org_id = usom.current_org() AND external_id = key)
	SELECT r.entry - ARRAY['sales_order_id', 'order_no', 'external_id', 'payload_digest', 'placed_at', 'created_at', 'occurred_at', 'promised_at', 'released_at', 'hold_id',
		'shipment_id', 'shipment_no', 'shipped_at', 'delivered_at', 'reference', 'ship_to', 'address_id', 'instructions'] FROM (
		SELECT 1 AS part, 0 AS n, 0 AS m, to_jsonb(s) AS entry FROM usom.sales_order s JOIN o USING (org_id, sales_order_id)
		UNION ALL SELECT 2, line_no, 0, to_jsonb(s) FROM usom.order_line s JOIN o USING (org_id, sales_order_id)
		UNION ALL SELECT 3, line_no, piece_no, to_jsonb(s) FROM usom.fulfillment_line s JOIN o USING (org_id, sales_order_id)
		UNION ALL SELECT 4, version, 0, to_jsonb(s) || jsonb_build_object('of', reference IS NULL) FROM usom.order_history s JOIN o USING (org_id, sales_order_id)
		UNION ALL SELECT 5, row_number() OVER (ORDER BY hold_id), 0, to_jsonb(s) || jsonb_build_object('released', released_at IS NOT NULL) FROM usom.hold s JOIN o USING (org_id, sales_order_id)
		UNION ALL SELECT 6, row_number() OVER (ORDER BY shipment_id), 0, to_jsonb(s) FROM usom.shipment s JOIN o USING (org_id, sales_order_id)
		-- images of stock grow with what is reserved
		UNION ALL SELECT 7, entry_no, 0, to_jsonb(s) - ARRAY['audit_entry_id', 'transaction_id', 'previous', 'digest', 'before', 'after']
			|| jsonb_build_object('before', before IS NULL, 'after', after IS NULL, 'first', previous IS NULL, 'digest', length(digest))
			FROM usom.audit_entry s JOIN o USING (org_id, sales_order_id)) r ORDER BY part, n, m
$$;
CREATE FUNCTION pg_temp.lines(first integer, n integer) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_build_object('sku', 'LIF-' || i, 'quantity', 1 + i % 7, 'unit_price', i * 0.25)) FROM generate_series(first, first + n - 1) i
$$;
-- A step that is refused says so, and the order goes on.
CREATE FUNCTION pg_temp.step(number text, step text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	told text;
BEGIN
	EXECUTE 'SELECT to_jsonb(r)::text FROM ' || format(step, number) || ' r' INTO told;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN replace(SQLSTATE || ' ' || SQLERRM, number, 'NUMBER');
END
$$;
CREATE FUNCTION pg_temp.life(key text, document jsonb, steps text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	number text := (SELECT p.order_no FROM usom.place_order(document || jsonb_build_object('external_id', key)) p);
	step text;
BEGIN
	FOREACH step IN ARRAY steps LOOP
		IF step LIKE '%SHIPMENT%' THEN
			step := replace(step, 'SHIPMENT', (SELECT max(s.shipment_no) FROM usom.shipment s JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.order_no = number));
		END IF;
		RETURN NEXT pg_temp.step(number, step);
	END LOOP;
END
$$;
CREATE TEMP TABLE lives (n integer, document jsonb, steps text[]);
INSERT INTO lives VALUES
	(1, jsonb_build_object('draft', true, 'lines', pg_temp.lines(1, 5)), ARRAY['usom.submit_order(%L)', 'usom.hold_order(%L, ''manual'', ''asked for'')', 'usom.release_order(%L)',
		'usom.release_hold(%L, ''manual'', ''done'')', 'usom.release_hold(%L, ''manual'', ''again'')', 'usom.release_order(%L)', 'usom.pick(%L)', 'usom.ship(%L)', 'usom.deliver(''SHIPMENT'')', 'usom.close_order(%L)']),
	(2, jsonb_build_object('lines', pg_temp.lines(1, 2), 'customer', 'LIF-C'), ARRAY['usom.hold_order(%L, ''address'', ''where'')', 'usom.hold_order(%L, ''address'', ''renewed'', ''2099-01-01'')',
		'usom.hold_order(%L, ''own'', ''one line'', NULL, 2)', 'usom.hold_order(%L, ''own'', ''one piece'', NULL, 1, 1)', 'usom.hold_order(%L, ''own'', ''no such'', NULL, 9)', 'usom.cancel_line(%L, 1, 1, ''fewer'')', 'usom.release_hold(%L, ''address'', ''there'')',
		'usom.release_hold(%L, ''own'', ''all'')', 'usom.cancel_order(%L, ''no longer'')', 'usom.hold_order(%L, ''own'', ''too late'')']),
	(3, jsonb_build_object('lines', pg_temp.lines(1, 70)), ARRAY['usom.release_order(%L)', 'usom.pick(%L, ''[{"line_no": 1, "quantity": 1}]'')', 'usom.ship(%L)', 'usom.deliver(''SHIPMENT'')']),
	(4, '{"lines": [{"sku": "LIF-KIT", "quantity": 3, "unit_price": 10}, {"sku": "LIF-SERVICE", "quantity": 1, "unit_price": 5}, {"sku": "LIF-MADE", "quantity": 2, "unit_price": 7}]}',
		ARRAY['usom.release_order(%L)', 'usom.ship(%L)', 'usom.deliver(''SHIPMENT'')', 'usom.cancel_order(%L, ''the rest'')']),
	(5, '{"order_type": "pick_up", "lines": [{"sku": "LIF-5", "quantity": 2, "unit_price": 1, "location": "LIF-A"}]}', ARRAY['usom.release_order(%L)', 'usom.hold_order(%L, ''own'', ''wait'')', 'usom.release_hold(%L, ''own'', ''go'')', 'usom.pick(%L)']),
	(6, jsonb_build_object('lines', pg_temp.lines(1, 2), 'payment', '{"method": "card", "reference": "R", "authorized": 1.5}'::jsonb), ARRAY['usom.hold_order(%L, ''own'', ''paid'')', 'usom.release_hold(%L, ''own'', ''go'')', 'usom.cancel_order(%L, ''no longer'')']);
-- the first makes the method of payment
SELECT count(*) FROM lives, pg_temp.life('first ' || n, document, steps) WHERE n = 6;
CREATE TEMP TABLE told AS SELECT n, array_agg(t) AS direct FROM lives, pg_temp.life('direct ' || n, document, steps) t GROUP BY n;
SELECT usom._direct_reads() @> '{_audit_entry_rest_chain_has_no_fork,fulfillment_line_pkey,hold_of_order,order_line_pkey,product_pkey,sales_order_pkey,shipment_no_unique,shipment_pkey}' AS reads,
	usom._direct_updates() @> '{fulfillment_line,hold,order_line,sales_order,shipment}' AS updates,
	usom._direct_inserts() @> '{fulfillment_line,hold,order_history,order_line}' AS inserts;
SET usom.direct = off;
CREATE TEMP TABLE stated AS SELECT n, array_agg(t) AS stated FROM lives, pg_temp.life('stated ' || n, document, steps) t GROUP BY n;
RESET usom.direct;
SELECT n, array_remove(direct, NULL) AS refused, direct = stated AS same FROM told JOIN stated USING (n) ORDER BY n;
SELECT n, d.rows AS left_behind, d.all_of IS NOT DISTINCT FROM s.all_of AS same FROM lives,
	LATERAL (SELECT count(*) AS rows, jsonb_agg(w) AS all_of FROM pg_temp.left_of('direct ' || n) w) d,
	LATERAL (SELECT jsonb_agg(w) AS all_of FROM pg_temp.left_of('stated ' || n) w) s ORDER BY n;
SELECT * FROM usom.verify();
