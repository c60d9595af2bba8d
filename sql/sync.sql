-- Orders that were taken without a connection: placed once, priced as they were told, re-promised.
SET client_min_messages = warning;
SET timezone = 'UTC';
INSERT INTO usom.organisation (code) VALUES ('sync');
SET usom.org = 'sync';
INSERT INTO usom.location (code) VALUES ('SY-W');
INSERT INTO usom.product (sku) VALUES ('SY-A'), ('SY-B');
SELECT r.sku, r.on_hand FROM unnest(ARRAY['SY-A', 'SY-B']) s, usom.receive_stock('SY-W', s, 5) r;
INSERT INTO usom.price (sku, currency, unit_price, valid_from) VALUES ('SY-A', 'EUR', 10, '2000-01-01'), ('SY-B', 'EUR', 4, '2000-01-01');

-- One as it was told; one of which less is there, at another price; one that nobody can read, and one that cannot be placed.
SELECT '[
	{"client_id": "8c1f0a52-6f5e-4f0e-9a3b-0d4a7c1e2f01", "channel": "rep", "currency": "EUR", "placed_at": "2024-05-01T09:00:00Z", "lines": [{"sku": "SY-A", "quantity": 2}], "told": {"total": 20, "lines": [{"line_no": 1, "unit_price": 10, "quantity_now": 2}]}},
	{"client_id": "8c1f0a52-6f5e-4f0e-9a3b-0d4a7c1e2f02", "channel": "rep", "currency": "EUR", "placed_at": "2024-05-01T10:00:00Z", "lines": [{"sku": "SY-A", "quantity": 6}, {"sku": "SY-B", "quantity": 1}], "told": {"total": 58, "promised_at": "2024-05-03T00:00:00Z", "lines": [{"line_no": 1, "unit_price": 9, "quantity_now": 6}, {"line_no": 2, "quantity_now": 1}]}},
	{"client_id": "not a uuid", "lines": [{"sku": "SY-A", "quantity": 2}]},
	{"client_id": "8c1f0a52-6f5e-4f0e-9a3b-0d4a7c1e2f03", "lines": [{"sku": "SY-NONE", "quantity": 2}]},
	{"client_id": "8c1f0a52-6f5e-4f0e-9a3b-0d4a7c1e2f04", "lines": [{"sku": "SY-A", "quantity": 2}], "told": {"price": 2}},
	{"client_id": "8c1f0a52-6f5e-4f0e-9a3b-0d4a7c1e2f05", "lines": [{"sku": "SY-A", "quantity": 2}], "told": {"lines": [{"line_no": 2, "unit_price": 2}]}}
]'::jsonb AS documents \gset
SELECT right(client_id, 2) AS client, outcome, order_no IS NOT NULL AS has_order, line_no, field, told, actual, sqlstate, message FROM usom.sync_orders(:'documents');
-- The client did not hear the answer and sends them again: nothing is done, the same is told.
SELECT right(client_id, 2) AS client, outcome, line_no, field, told, actual FROM usom.sync_orders(:'documents') WHERE outcome <> 'rejected';
SELECT o.external_id, o.channel, o.total, o.placed_at, l.line_no, l.unit_price, l.quantity_reserved, l.quantity_backordered FROM usom.orders o JOIN usom.order_lines l USING (order_no) ORDER BY o.external_id, l.line_no;
SELECT v.line_no, v.unit_price, v.price_before, v.reason, v.queue FROM usom.price_overrides v ORDER BY 1;
\set VERBOSITY terse
SELECT * FROM usom.sync_orders('{}');
\set VERBOSITY default
SELECT outcome, sqlstate FROM usom.sync_orders('[{"client_id": "8c1f0a52-6f5e-4f0e-9a3b-0d4a7c1e2f01", "channel": "rep", "currency": "EUR", "placed_at": "2024-05-01T09:00:00Z", "lines": [{"sku": "SY-A", "quantity": 3}]}, 1, {"client_id": "8c1f0a52-6f5e-4f0e-9a3b-0d4a7c1e2f06", "told": {"promised_at": "2024-13-01T00:00:00Z"}, "lines": []}]');
SELECT * FROM usom.sync_orders('[]');

-- Where prices have limits, one beyond them is kept, and the order waits for approval.
INSERT INTO usom.price_limit (code, sku, max_discount) VALUES ('SY', 'SY-A', 5), ('SY-B', 'SY-B', 50);
SELECT outcome, line_no, field, told, actual FROM usom.sync_orders('[{"client_id": "8c1f0a52-6f5e-4f0e-9a3b-0d4a7c1e2f07", "channel": "rep", "currency": "EUR", "lines": [{"sku": "SY-A", "quantity": 1}, {"sku": "SY-B", "quantity": 1}], "told": {"total": 10, "lines": [{"line_no": 1, "unit_price": 7, "quantity_now": 0}, {"line_no": 2, "unit_price": 3, "quantity_now": 0}]}}]');
SELECT * FROM usom.verify();
