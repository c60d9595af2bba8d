-- How often checks were right: what was released unchanged was no fault, what was corrected was one.
SET client_min_messages = error;
INSERT INTO usom.organisation (code) VALUES ('check_counts');
SET usom.org = 'check_counts';
INSERT INTO usom.location (code) VALUES ('CC-W');
INSERT INTO usom.product (sku) VALUES ('CC-A');
INSERT INTO usom.customer (code) VALUES ('CC-1');
SELECT on_hand FROM usom.receive_stock('CC-W', 'CC-A', 1000);
INSERT INTO usom.check_rule (check_code, channel, severity, parameters) VALUES ('limits', 'web', 'hold', '{"line_quantity": 10}'), ('limits', 'edi', 'warn', '{"line_quantity": 10}'), ('limits', 'pos', 'refuse', '{"line_quantity": 10}');
CREATE FUNCTION pg_temp.placed(channel text, id text, quantity numeric, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT p.status FROM usom.place_order(jsonb_build_object('channel', channel, 'external_id', id, 'lines', jsonb_build_array(jsonb_build_object('sku', 'CC-A', 'quantity', quantity, 'unit_price', 1))) || more) p
$$;
-- released as they were, released after a change, corrected, overridden by the document, still on hold
SELECT pg_temp.placed('web', 'CC-' || n, 11) FROM generate_series(1, 5) n;
SELECT pg_temp.placed('web', 'CC-6', 11, '{"override": {"checks": ["limits"], "reason": "asked"}}');
SELECT pg_temp.placed('web', 'CC-7', 11, '{"customer": "CC-1"}');
SELECT check_code, channel, customer, hits, held, overrides, false_positives, corrected, false_positive_rate FROM usom.check_counts ORDER BY 1, 2, 3;
SELECT r.status FROM usom.orders o, usom.release_hold(o.order_no, 'review', 'moving house') r WHERE o.external_id IN ('CC-1', 'CC-2', 'CC-7');
SELECT r.status FROM usom.orders o, usom.change_order(o.order_no, '{"lines": [{"line_no": 1, "quantity": 3}]}') r WHERE o.external_id = 'CC-3';
SELECT r.status FROM usom.orders o, usom.change_order(o.order_no, '{"lines": [{"line_no": 1, "quantity": 12}]}') r WHERE o.external_id = 'CC-4';
SELECT r.status FROM usom.orders o, usom.release_hold(o.order_no, 'review', 'fine now') r WHERE o.external_id = 'CC-4';
SELECT check_code, channel, customer, hits, held, overrides, false_positives, corrected, false_positive_rate FROM usom.check_counts ORDER BY 1, 2, 3;
-- warned of, and refused by a batch
SELECT pg_temp.placed('edi', 'CC-8', 11);
SELECT outcome FROM usom.place_orders('[{"channel": "pos", "external_id": "CC-9", "lines": [{"sku": "CC-A", "quantity": 11, "unit_price": 1}]}]');
SELECT check_code, channel, hits, warned, held, refused, overrides, false_positive_rate FROM usom.check_counts WHERE channel <> 'web' ORDER BY 1, 2;
SELECT * FROM usom.verify();
