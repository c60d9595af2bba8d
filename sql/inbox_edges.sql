-- The inbox at its edges: numbers beyond all sense, workers and messages that told no revision, lines in other units.
SET client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('inbox_edges');
SET usom.org = 'inbox_edges';
INSERT INTO usom.location (code) VALUES ('IE-W');
INSERT INTO usom.product (sku) VALUES ('IE-A'), ('IE-B');
INSERT INTO usom.product_unit (sku, unit, quantity) VALUES ('IE-A', 'box', 12);
SELECT location, sku, on_hand FROM usom.product p, usom.receive_stock('IE-W', p.sku, 1000) WHERE p.org_id = usom.current_org();
CREATE FUNCTION pg_temp.took(channel text, payload jsonb, external_id text DEFAULT NULL, revision integer DEFAULT NULL, process boolean DEFAULT true)
RETURNS TABLE (status text, outcome text, code text, message text) LANGUAGE sql AS $$
	SELECT i.status, i.outcome, f->>'code', f->>'message'
	FROM usom.ingest(channel, payload, external_id, revision, process) i LEFT JOIN jsonb_array_elements(i.findings) f ON true
$$;
CREATE VIEW pg_temp.lines AS
SELECT o.external_id, l.line_no, l.sku, l.quantity, l.quantity_cancelled AS cancelled, l.unit_price, l.total, u.unit, u.unit_price AS pack_price
FROM usom.orders o JOIN usom.order_lines l USING (order_no) LEFT JOIN usom.line_units u USING (order_no, line_no)
WHERE o.external_id LIKE 'IE-%' ORDER BY 1, 2;

-- What no number can hold is a finding, and does not stand in the way of the messages behind it.
SELECT * FROM pg_temp.took('edi', '{"lines": [{"sku": "IE-A", "quantity": 1e100000, "unit_price": 1e100000}]}', 'IE-huge', process => false);
SELECT * FROM pg_temp.took('edi', '{"lines": [{"sku": "IE-A", "quantity": 1, "unit_price": 2}]}', 'IE-next', process => false);
CALL usom.retry_inbox();
SELECT external_id, status, outcome, amount, findings->0->>'path' AS path FROM usom.inbox WHERE channel = 'edi' ORDER BY 1;

-- A change or a cancellation that told no revision is done by a worker as it is done at once, and again after it had to wait.
INSERT INTO usom.mapping (code, channel, kind, applies) VALUES ('ie_hurry', 'phone', 'change', 'exists ($.hurry)'), ('ie_stop', 'phone', 'cancellation', 'exists ($.stop)');
INSERT INTO usom.mapping_field (mapping_id, target, source, fallback) VALUES
	(usom.mapping_id('ie_hurry'), 'external_id', '$.hurry', NULL), (usom.mapping_id('ie_hurry'), 'priority', NULL, '1'), (usom.mapping_id('ie_stop'), 'external_id', '$.stop', NULL);
INSERT INTO usom.intake_policy (channel, back_off) VALUES ('phone', interval '0');
SELECT * FROM pg_temp.took('phone', '{"hurry": "IE-later"}');
SELECT * FROM pg_temp.took('phone', '{"lines": [{"sku": "IE-B", "quantity": 1}]}', 'IE-later');
SELECT * FROM pg_temp.took('phone', '{"stop": "IE-next"}', process => false);
SELECT * FROM pg_temp.took('phone', '{"lines": [{"sku": "IE-B", "quantity": 2}]}', 'IE-gone');
SELECT * FROM pg_temp.took('phone', '{"stop": "IE-gone"}', process => false);
CALL usom.retry_inbox(3);
SELECT external_id, kind, status, outcome, findings->0->>'code' AS code FROM usom.inbox WHERE channel = 'phone' ORDER BY 1, 2;
SELECT external_id, status, priority FROM usom.orders WHERE channel = 'phone' ORDER BY 1;

-- Lines in another unit: a newer revision compares boxes with boxes.
SELECT * FROM pg_temp.took('web', '{"lines": [{"sku": "IE-A", "quantity": 2, "unit": "box", "unit_price": 25}]}', 'IE-box', 1);
SELECT * FROM pg_temp.took('web', '{"priority": 2, "lines": [{"sku": "IE-A", "quantity": 2, "unit": "box", "unit_price": 25}]}', 'IE-box', 2);
SELECT * FROM pg_temp.lines WHERE external_id = 'IE-box';
-- one box more, a line more
SELECT * FROM pg_temp.took('web', '{"lines": [{"sku": "IE-A", "quantity": 3, "unit": "box", "unit_price": 25}, {"sku": "IE-A", "quantity": 1, "unit": "box", "unit_price": 12}]}', 'IE-box', 3);
SELECT * FROM pg_temp.lines WHERE external_id = 'IE-box';
-- a dozen single ones are the box; of the first a unit was cancelled, and it costs more now
SELECT c.status FROM usom.orders o, usom.cancel_line(o.order_no, 1, 1, 'broken') c WHERE o.external_id = 'IE-box';
SELECT * FROM pg_temp.took('web', '{"lines": [{"sku": "IE-A", "quantity": 3, "unit": "box", "unit_price": 30}, {"sku": "IE-A", "quantity": 12, "unit_price": 1}]}', 'IE-box', 4);
SELECT * FROM pg_temp.lines WHERE external_id = 'IE-box';
SELECT * FROM pg_temp.took('web', '{"lines": [{"sku": "IE-A", "quantity": 3, "unit": "crate"}]}', 'IE-box', 5);
SELECT * FROM usom.verify();
