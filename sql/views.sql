-- The views, seen through a handful of orders in different stages.
\set VERBOSITY default
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
SET timezone = 'UTC';
INSERT INTO usom.organisation (code, name) VALUES ('views', 'Views');
SET usom.org = 'views';
UPDATE usom.document_counter SET gap_free = true WHERE org_id = usom.current_org();
INSERT INTO usom.location (code, priority) VALUES ('NORTH', 1), ('SOUTH', 2);
INSERT INTO usom.product (sku, name) VALUES ('TEA', 'Tea'), ('CUP', 'Cup'), ('POT', 'Pot');
INSERT INTO usom.product (sku, name, kind) VALUES ('POST', 'Postage', 'service');
INSERT INTO usom.customer (code) VALUES ('C-1'), ('C-2');
SELECT usom.receive_stocks('[{"location": "NORTH", "sku": "TEA", "quantity": 20}, {"location": "SOUTH", "sku": "TEA", "quantity": 5, "lot": "L1"},
	{"location": "NORTH", "sku": "CUP", "quantity": 8}, {"location": "SOUTH", "sku": "POT", "quantity": 2.5}]');
CREATE TEMP TABLE doc AS SELECT * FROM (VALUES
	('draft', '{"customer": "C-1", "draft": true, "lines": [{"sku": "TEA", "quantity": 1, "unit_price": 2}]}'::jsonb),
	('reserved', '{"customer": "C-1", "channel": "web", "external_id": "W-2", "currency": "GBP", "placed_at": "2026-03-01T10:00:00Z", "lines": [{"sku": "TEA", "quantity": 2, "unit_price": 2.5}, {"sku": "POST", "quantity": 1, "unit_price": 4.95}]}'),
	('backordered', '{"customer": "C-2", "channel": "phone", "priority": 1, "placed_at": "2026-03-02T10:00:00Z", "lines": [{"sku": "POT", "quantity": 4, "unit_price": 12}]}'),
	('held', '{"lines": [{"sku": "CUP", "quantity": 1, "unit_price": 3}]}'),
	('released', '{"lines": [{"sku": "CUP", "quantity": 2, "unit_price": 3}]}'),
	('partly shipped', '{"customer": "C-2", "lines": [{"sku": "CUP", "quantity": 3, "unit_price": 3}, {"sku": "TEA", "quantity": 4, "unit_price": 2.5}]}'),
	('shipped', '{"lines": [{"sku": "TEA", "quantity": 3, "unit_price": 2.5}]}'),
	('delivered', '{"lines": [{"sku": "TEA", "quantity": 3, "unit_price": 2.5}]}'),
	('returned', '{"lines": [{"sku": "TEA", "quantity": 2, "unit_price": 2.5}]}'),
	('closed', '{"lines": [{"sku": "TEA", "quantity": 1, "unit_price": 2.5}]}'),
	('cancelled', '{"lines": [{"sku": "TEA", "quantity": 1, "unit_price": 2.5}]}')
) d (stage, document);
SELECT d.stage, p.order_no, p.status FROM doc d, usom.place_order(d.document) p;
SELECT status FROM usom.hold_order('SO-000004', 'fraud', 'odd address');
SELECT status FROM usom.release_order('SO-000005');
SELECT status FROM usom.release_order('SO-000006');
SELECT usom.ship('SO-000006', '[{"line_no": 1, "quantity": 2}, {"line_no": 2, "quantity": 4}]', 'DPD', 'T-1');
SELECT o, status FROM unnest('{SO-000007,SO-000008,SO-000009,SO-000010}'::text[]) o, usom.release_order(o);
SELECT usom.ship(o) FROM unnest('{SO-000007,SO-000008,SO-000009,SO-000010}'::text[]) o;
SELECT s, d.status FROM unnest('{SH-000003,SH-000004,SH-000005}'::text[]) s, usom.deliver(s, '2026-03-05T12:00:00Z') d;
SELECT usom.authorize_return('SO-000009', '[{"line_no": 1, "quantity": 2}]', 'too strong');
SELECT * FROM usom.receive_return('RT-000001', '[{"line_no": 1, "quantity": 2}]');
SELECT status FROM usom.close_order('SO-000010');
SELECT status FROM usom.cancel_order('SO-000011', 'changed his mind');

SELECT order_no, status, status_group, channel, external_id, customer, currency, total, priority, held, promised_at IS NOT NULL AS promised, version FROM usom.orders ORDER BY order_no;
SELECT order_no, line_no, sku, status, quantity, unit_price, total, quantity_open AS open, quantity_backordered AS back, quantity_reserved AS res, quantity_released AS rel, quantity_shipped AS shp, quantity_delivered AS del, quantity_returned AS ret, quantity_cancelled AS can FROM usom.order_lines ORDER BY order_no, line_no;
SELECT order_no, line_no, piece_no, sku, location, status, quantity, shipment_no, lot FROM usom.order_pieces ORDER BY order_no, line_no, piece_no;
SELECT order_no, line_no, sku, quantity, promised_at, priority, placed_at, customer, channel, age_days > 0 AS aged, piece_no FROM usom.backorders;
SELECT order_no, line_no, hold_type, reason, blocks, expires_at, active, released_at FROM usom.holds;
SELECT shipment_no, order_no, location, carrier, tracking, status, delivered_at, quantity FROM usom.shipments ORDER BY shipment_no;
SELECT return_no, order_no, status, reason, received_at IS NOT NULL AS received, line_no, sku, quantity, quantity_received FROM usom.returns;
SELECT order_no, version, event, from_status, to_status, line_no, quantity, reason, reference FROM usom.timeline ORDER BY order_no, version;
SELECT * FROM usom.stock_position ORDER BY sku, location;
SELECT area, entity, problem, expected, actual FROM usom.verify_reserved() UNION ALL SELECT * FROM usom.verify_stock() UNION ALL SELECT * FROM usom.verify_orders() UNION ALL SELECT * FROM usom.verify_money() UNION ALL SELECT * FROM usom.verify_returns();
SELECT subject, status, why FROM unnest('{SO-000001,SO-000003,SO-000004,SO-000006,SO-000009,SO-000011}'::text[]) o, usom.explain_status(o);
